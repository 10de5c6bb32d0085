#include "services/lambda/output.h"

#include <stdlib.h>

err_t output_init(struct output *output, const char *group, const char *stream,
		  output_write_fn write, void *owner)
{
	memset(output, 0, sizeof *output);
	output->group = bytes_dup(bytes_of(group));
	output->stream = bytes_dup(bytes_of(stream));
	output->write = write;
	output->owner = owner;
	text_init(&output->held, OUTPUT_HELD_BYTES_MAX + OUTPUT_LINE_BYTES_MAX);
	text_init(&output->partial, OUTPUT_LINE_BYTES_MAX);
	return output->group && output->stream ? ERR_OK : ERR_NOMEM;
}

void output_fini(struct output *output)
{
	if (output->write)
		output_flush(output);
	text_fini(&output->held);
	text_fini(&output->partial);
	free(output->group);
	free(output->stream);
	memset(output, 0, sizeof *output);
}

void output_flush(struct output *output)
{
	static struct output_line lines[OUTPUT_LINES_MAX]; /* the control thread's alone */
	size_t start = 0;

	for (size_t i = 0; i < output->count; i++) {
		size_t end = output->marks[i].end;

		lines[i].unix_ms = output->marks[i].unix_ms;
		lines[i].text = bytes_make(output->held.at + start, end - start);
		start = end;
	}
	if (output->count)
		output->write(output->owner, output->group, output->stream, lines, output->count);
	output->count = 0;
	text_clear(&output->held);
}

bool output_is_empty(const struct output *output)
{
	return output->count == 0;
}

static void tail_add(struct output *output, struct bytes data)
{
	size_t room = sizeof output->tail, keep;

	if (data.len >= room) {
		memcpy(output->tail, data.at + data.len - room, room);
		output->tail_len = room;
		return;
	}
	keep = size_min(output->tail_len, room - data.len);
	memmove(output->tail, output->tail + output->tail_len - keep, keep);
	memcpy(output->tail + keep, data.at, data.len);
	output->tail_len = keep + data.len;
}

/* Logs refuse events without a character. */
static void add_line(struct output *output, struct bytes line, uint64_t unix_ms)
{
	if (line.len)
		tail_add(output, line);
	tail_add(output, BYTES("\n"));
	if (!line.len)
		line = BYTES(" ");
	text_add(&output->held, line);
	if (text_err(&output->held))
		return; /* no memory for it: the line is lost, the next may not be */
	output->marks[output->count++] = (struct output_mark){ unix_ms, output->held.len };
	if (output->count == OUTPUT_LINES_MAX || output->held.len >= OUTPUT_HELD_BYTES_MAX)
		output_flush(output);
}

static void end_partial(struct output *output, uint64_t unix_ms)
{
	add_line(output, text_bytes(&output->partial), unix_ms);
	text_clear(&output->partial);
}

void output_add(struct output *output, struct bytes data, uint64_t unix_ms)
{
	while (data.len) {
		size_t end = bytes_index(data, '\n');
		size_t take = size_min(end == SIZE_MAX ? data.len : end,
				       OUTPUT_LINE_BYTES_MAX - output->partial.len);

		text_add(&output->partial, bytes_upto(data, take));
		data = bytes_from(data, take);
		if (take == end) {
			data = bytes_from(data, 1);
			end_partial(output, unix_ms);
		} else if (output->partial.len == OUTPUT_LINE_BYTES_MAX ||
			   text_err(&output->partial)) {
			end_partial(output, unix_ms);
		}
	}
}

void output_line(struct output *output, struct bytes line, uint64_t unix_ms)
{
	if (output->partial.len)
		end_partial(output, unix_ms);
	add_line(output, line, unix_ms);
}

void output_tail_clear(struct output *output)
{
	output->tail_len = 0;
}

struct bytes output_tail(const struct output *output)
{
	return bytes_make(output->tail, output->tail_len);
}
