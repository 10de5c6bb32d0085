/*
 * JSON and JSON lines: members become "name: value", objects below become sections. An array of
 * RAG-Anything's items is a content list.
 */
#include <jansson.h>
#include <stdlib.h>

#include "rag/doc/builder.h"
#include "rag/doc/charset.h"
#include "rag/doc/content_list.h"
#include "rag/doc/parse.h"

enum { JSON_DEPTH_MAX = 64, LONG_BYTES = 160, LINE_MAX_BYTES = 8 * 1024 * 1024 };

/* jansson recurses, so the depth is counted before it sees the text. */
bool json_depth_is_fine(struct bytes text)
{
	unsigned depth = 0;
	bool in_string = false;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];

		if (in_string) {
			i += c == '\\';
			in_string = c != '"';
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			if (++depth > JSON_DEPTH_MAX)
				return false;
		} else if ((c == '}' || c == ']') && depth > 0) {
			depth--;
		}
	}
	return true;
}

static void scalar(struct text *out, const json_t *value)
{
	char *dumped;

	if (json_is_string(value)) {
		text_add(out, bytes_make(json_string_value(value), json_string_length(value)));
	} else if (!json_is_null(value)) {
		dumped = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
		text_add_str(out, dumped ? dumped : "");
		free(dumped);
	}
}

static bool is_flat(const json_t *array)
{
	json_t *value;
	size_t i;

	json_array_foreach (array, i, value)
		if (json_is_object(value) || json_is_array(value))
			return false;
	return true;
}

static void value_walk(struct builder *b, const char *name, json_t *value, unsigned level);

static void flush(struct builder *b, struct text *line)
{
	if (line->len)
		builder_text(b, BLOCK_TEXT, text_bytes(line));
	text_clear(line);
}

/* "name: value" of short ones together, long ones and lists apart, objects below as sections. */
static void object_walk(struct builder *b, json_t *object, unsigned level)
{
	struct text line = TEXT_INIT(LINE_MAX_BYTES);
	const char *name;
	json_t *value;

	json_object_foreach (object, name, value) {
		if (json_is_object(value) || (json_is_array(value) && !is_flat(value)))
			continue;
		if (json_is_array(value)) {
			flush(b, &line);
			value_walk(b, name, value, level);
			continue;
		}
		if (json_is_string(value) && json_string_length(value) > LONG_BYTES)
			flush(b, &line);
		text_add_str(&line, line.len ? "; " : "");
		text_printf(&line, "%.200s: ", name);
		scalar(&line, value);
	}
	flush(b, &line);
	json_object_foreach (object, name, value)
		if (json_is_object(value) || (json_is_array(value) && !is_flat(value)))
			value_walk(b, name, value, level);
	text_fini(&line);
}

static void array_walk(struct builder *b, const char *name, json_t *array, unsigned level)
{
	struct text line = TEXT_INIT(LINE_MAX_BYTES);
	json_t *value;
	size_t i;

	json_array_foreach (array, i, value) {
		if (b->err)
			break;
		if (json_is_object(value)) {
			object_walk(b, value, level);
			continue;
		}
		if (json_is_array(value)) {
			array_walk(b, name, value, level);
			continue;
		}
		if (line.len == 0 && name)
			text_printf(&line, "%.200s: ", name);
		else
			text_add_str(&line, line.len ? ", " : "");
		scalar(&line, value);
		if (line.len > LONG_BYTES)
			flush(b, &line);
	}
	flush(b, &line);
	text_fini(&line);
}

static void value_walk(struct builder *b, const char *name, json_t *value, unsigned level)
{
	if (b->err)
		return;
	if (json_is_object(value)) {
		if (name && level <= DOCUMENT_SECTION_DEPTH)
			builder_heading(b, level, bytes_of(name), BYTES_NONE);
		object_walk(b, value, level + 1);
	} else if (json_is_array(value)) {
		if (name && level <= DOCUMENT_SECTION_DEPTH && !is_flat(value))
			builder_heading(b, level, bytes_of(name), BYTES_NONE);
		array_walk(b, name, value, level + 1);
	}
}

static err_t lines_read(struct builder *b, struct bytes text, struct parse_why *why)
{
	struct bytes line;
	unsigned number = 0;

	while (bytes_cut(&text, '\n', &line) && !b->err) {
		json_error_t error;
		json_t *root;

		number++;
		if (bytes_trim(line).len == 0 || line.at[0] == '\r')
			continue;
		root = json_loadb(line.at, line.len, JSON_DECODE_ANY, &error);
		if (!root)
			return parse_refuse(why, "malformed", "Line %u is no JSON: %.100s.", number,
					    error.text);
		value_walk(b, NULL, root, 1);
		json_decref(root);
	}
	return ERR_OK;
}

static err_t read_into(struct builder *b, const struct parse_input *input, struct bytes text,
		       struct parse_why *why)
{
	json_error_t error;
	json_t *root;

	if (!json_depth_is_fine(text))
		return parse_refuse(why, "malformed", "It is nested deeper than %d levels.",
				    JSON_DEPTH_MAX);
	if (format_sniff(input) == FORMAT_JSONL)
		return lines_read(b, text, why);
	root = json_loadb(text.at, text.len, 0, &error);
	if (!root)
		return parse_refuse(why, "malformed", "This is no JSON: %.100s (line %d).",
				    error.text, error.line);
	if (content_list_looks(root))
		content_list_add(b, root);
	else
		value_walk(b, NULL, root, 1);
	json_decref(root);
	return ERR_OK;
}

err_t json_read(const struct parse_input *input, struct arena *arena, struct document *ret_document,
		struct parse_why *ret_why)
{
	struct builder *b = arena_new(arena, struct builder);
	struct bytes text;
	err_t err;

	if (!b)
		return ERR_NOMEM;
	err = charset_decode(arena, input->data, &text);
	if (err == ERR_SYNTAX)
		return parse_refuse(ret_why, "malformed", "These bytes are no text.");
	TRY(err);
	builder_init(b, arena, input->file);
	err = read_into(b, input, text, ret_why);
	if (!err)
		err = builder_finish(b, ret_document);
	builder_fini(b);
	return err;
}
