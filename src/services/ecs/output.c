/*
 * output: what containers write to their standard output and error, delivered line by line to
 * CloudWatch Logs where the task definition says so (awslogs), and bounded on disk in any case.
 *
 * A container writes into a file, so that it never waits for Weir and loses nothing while Weir is
 * away. What was delivered is noted beside it and given back to the disk (a hole is punched).
 */
#include "services/ecs/ecs_internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/log.h"

enum {
	PIECE_BYTES = 256 * 1024, /* one delivery */
	LINES_MAX = 5000,
	LINE_MAX_BYTES = 64 * 1024,
	HOLE_STEP = 1024 * 1024,
	BEHIND_MAX = 64 * 1024 * 1024, /* further behind, what is oldest is given up */
	KEEP_BYTES = 8 * 1024 * 1024,  /* of what is not delivered anywhere */
};

static int open_in(const struct run *run, const char *name, const char *file, int flags)
{
	char folder[4096], path[4200];

	run_folder(run->ecs, run->id, name, folder);
	snprintf(path, sizeof path, "%s/%s", folder, file);
	return open(path, flags | O_CLOEXEC, 0600);
}

static void punch(int fd, uint64_t upto)
{
	/* A file system that cannot do it keeps the bytes: nothing worse. */
	if (upto)
		(void)!fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)upto);
}

static void note_read(struct run_container *container, const char *name)
{
	int fd = open_in(container->run, name, "delivered", O_WRONLY | O_CREAT);

	if (fd < 0)
		return;
	if (pwrite(fd, &container->output_read, sizeof container->output_read, 0) < 0)
		log_warn("ecs",
			 "task %s: what was logged cannot be noted: lines may come twice "
			 "after a crash",
			 container->run->id);
	close(fd);
}

void output_begin(struct run *run, unsigned index, const char *name)
{
	int fd = open_in(run, name, "delivered", O_RDONLY);
	uint64_t read_before = 0;

	if (fd < 0)
		return;
	if (pread(fd, &read_before, sizeof read_before, 0) == sizeof read_before)
		run->containers[index].output_read = read_before;
	close(fd);
}

/* ---- Delivering ---- */

struct batch {
	struct ecs *ecs;
	const char *group, *stream;
	json_t *events;
	uint64_t now_ms;
};

static err_t ask_logs(struct ecs *ecs, const char *operation, json_t *input,
		      struct api_fault *ret_fault)
{
	json_t *output = NULL;
	err_t err = ecs_house_ask(ecs, "logs", operation, input, &output, ret_fault);

	if (!err)
		json_decref(output);
	return err;
}

/* Group and stream are made when they turn out to be missing. */
static err_t deliver(struct batch *batch, bool make_group)
{
	struct api_fault fault;
	err_t err;

	for (unsigned i = 0; i < 2; i++) {
		err = ask_logs(batch->ecs, "PutLogEvents",
			       json_pack("{s:s, s:s, s:O}", "logGroupName", batch->group,
					 "logStreamName", batch->stream, "logEvents",
					 batch->events),
			       &fault);
		if (!err || strcmp(fault.code, "ResourceNotFoundException") != 0)
			break;
		if (make_group)
			ask_logs(batch->ecs, "CreateLogGroup",
				 json_pack("{s:s}", "logGroupName", batch->group), &fault);
		ask_logs(batch->ecs, "CreateLogStream",
			 json_pack("{s:s, s:s}", "logGroupName", batch->group, "logStreamName",
				   batch->stream),
			 &fault);
	}
	if (err)
		log_warn("ecs", "lines for log group %s, stream %s are lost: %s", batch->group,
			 batch->stream, fault.message);
	return err;
}

static void add_line(struct batch *batch, struct bytes line)
{
	json_t *text;

	if (line.len && line.at[line.len - 1] == '\r')
		line.len--;
	if (!line.len)
		return;
	if (utf8_valid(line)) {
		text = json_stringn(line.at, line.len);
	} else {
		struct text mended = TEXT_INIT(6 * LINE_MAX_BYTES);

		for (size_t i = 0; i < line.len; i++)
			text_add_char(&mended, (unsigned char)line.at[i] < 128 ? line.at[i] : '?');
		text = json_stringn(mended.at, mended.len);
		text_fini(&mended);
	}
	add(batch->events, json_pack("{s:I, s:o}", "timestamp", (json_int_t)batch->now_ms,
				     "message", text ? text : json_string("?")));
}

/* Whole lines of `data`, and the rest too when no more will come or it is too long: bytes taken. */
static size_t take_lines(struct batch *batch, struct bytes data, bool last)
{
	size_t taken = 0;

	while (taken < data.len && json_array_size(batch->events) < LINES_MAX) {
		struct bytes rest = bytes_from(data, taken);
		size_t end = bytes_index(rest, '\n');

		if (end == SIZE_MAX && !last && rest.len < LINE_MAX_BYTES)
			break;
		if (end == SIZE_MAX || end > LINE_MAX_BYTES) {
			end = rest.len < LINE_MAX_BYTES ? rest.len : LINE_MAX_BYTES;
			add_line(batch, bytes_upto(rest, end));
			taken += end;
			continue;
		}
		add_line(batch, bytes_upto(rest, end));
		taken += end + 1;
	}
	return taken;
}

static const char *stream_of(const json_t *logs, const struct run *run, const char *name,
			     char out[512])
{
	const char *prefix = text_of(json_object_get(logs, "options"), "awslogs-stream-prefix");

	if (prefix[0])
		snprintf(out, 512, "%.200s/%.255s/%s", prefix, name, run->id);
	else
		snprintf(out, 512, "%s", run->id);
	return out;
}

static bool deliver_some(struct run_container *container, int fd, uint64_t size, const json_t *logs,
			 const char *name, bool last)
{
	static char piece[PIECE_BYTES]; /* the control thread's */
	const json_t *options = json_object_get(logs, "options");
	char stream[512];
	struct batch batch = { .ecs = container->run->ecs,
			       .group = text_of(options, "awslogs-group"),
			       .stream = stream_of(logs, container->run, name, stream),
			       .events = json_array(),
			       .now_ms = ecs_now_ms(container->run->ecs) };
	ssize_t got;
	size_t taken;

	if (size - container->output_read > BEHIND_MAX) {
		log_warn("ecs", "task %s: %llu bytes of output are given up", container->run->id,
			 (unsigned long long)(size - BEHIND_MAX - container->output_read));
		container->output_read = size - BEHIND_MAX;
	}
	got = pread(fd, piece, sizeof piece, (off_t)container->output_read);
	if (got <= 0 || !batch.events) {
		json_decref(batch.events);
		return false;
	}
	taken = take_lines(&batch, bytes_make(piece, (size_t)got), last);
	if (json_array_size(batch.events))
		deliver(&batch, strcmp(text_of(options, "awslogs-create-group"), "true") == 0);
	json_decref(batch.events);
	if (!taken)
		return false;
	container->output_read += taken;
	note_read(container, name);
	punch(fd, container->output_read / HOLE_STEP * HOLE_STEP);
	return true;
}

static bool deliver_container(struct run_container *container, const json_t *definition, bool last)
{
	const json_t *defined = json_array_get(json_object_get(definition, "containerDefinitions"),
					       container->index);
	const json_t *logs = json_object_get(defined, "logConfiguration");
	const char *name = text_of(defined, "name");
	int fd = open_in(container->run, name, "output", O_RDWR);
	struct stat found;
	bool some = false;

	if (fd < 0)
		return false;
	if (fstat(fd, &found) == 0) {
		uint64_t size = (uint64_t)found.st_size;

		if (logs && size > container->output_read)
			some = deliver_some(container, fd, size, logs, name, last);
		else if (!logs && size > KEEP_BYTES)
			punch(fd, (size - KEEP_BYTES) / HOLE_STEP * HOLE_STEP);
	}
	close(fd);
	return some;
}

bool output_deliver(struct run *run, const json_t *definition, bool last)
{
	bool some = false;

	for (unsigned i = 0; i < run->container_count; i++)
		some |= deliver_container(&run->containers[i], definition, last);
	return some;
}
