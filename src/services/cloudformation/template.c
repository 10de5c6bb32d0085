#include "services/cloudformation/template_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

struct reader {
	yaml_parser_t parser;
	struct template *template;
	struct text *why;
	unsigned values, depth;
};

/* ---- Words ---- */

static err_t refuse_at(struct reader *reader, yaml_mark_t mark, const char *format, ...)
	PRINTF_LIKE(3, 4);

static err_t refuse_at(struct reader *reader, yaml_mark_t mark, const char *format, ...)
{
	char words[512];
	va_list list;

	va_start(list, format);
	vsnprintf(words, sizeof words, format, list);
	va_end(list);
	text_printf(reader->why, "line %zu: %s", mark.line + 1, words);
	return ERR_SYNTAX;
}

static err_t next(struct reader *reader, yaml_event_t *event)
{
	const yaml_parser_t *parser = &reader->parser;

	if (yaml_parser_parse(&reader->parser, event))
		return ERR_OK;
	if (parser->error == YAML_MEMORY_ERROR)
		return ERR_NOMEM;
	text_printf(reader->why, "line %zu: this is not YAML: %s%s%s",
		    parser->problem_mark.line + 1, parser->problem ? parser->problem : "unreadable",
		    parser->context ? " " : "", parser->context ? parser->context : "");
	return ERR_SYNTAX;
}

static err_t note_line(struct reader *reader, const json_t *value, yaml_mark_t mark)
{
	return template_note_line(reader->template, value, mark.line + 1);
}

/* ---- Short tags ---- */

/* "!Ref" and "!Condition" are themselves, the others functions. */
static const char *const functions[] = {
	"And",
	"Base64",
	"Cidr",
	"Contains",
	"EachMemberEquals",
	"EachMemberIn",
	"Equals",
	"FindInMap",
	"GetAZs",
	"GetAtt",
	"GetStackOutput",
	"If",
	"ImportValue",
	"Join",
	"Length",
	"Not",
	"Or",
	"Select",
	"Split",
	"Sub",
	"ToJsonString",
	"Transform",
};

/* The long form's key, or NULL. */
static const char *long_form(const char *tag, char out[40])
{
	if (strcmp(tag, "!Ref") == 0 || strcmp(tag, "!Condition") == 0)
		return tag + 1;
	for (size_t i = 0; i < COUNT(functions); i++)
		if (strcmp(tag + 1, functions[i]) == 0) {
			snprintf(out, 40, "Fn::%s", functions[i]);
			return out;
		}
	return NULL;
}

/* "Database.Endpoint.Port" → ["Database", "Endpoint.Port"] */
static json_t *split_attribute(json_t *value)
{
	const char *text = json_string_value(value), *dot = text ? strchr(text, '.') : NULL;
	json_t *pair;

	if (!dot)
		return value;
	pair = json_pack("[s%, s]", text, (size_t)(dot - text), dot + 1);
	json_decref(value);
	return pair;
}

static bool is_plain_tag(const char *tag)
{
	static const char *const plain[] = { "!",
					     "tag:yaml.org,2002:str",
					     "tag:yaml.org,2002:int",
					     "tag:yaml.org,2002:float",
					     "tag:yaml.org,2002:bool",
					     "tag:yaml.org,2002:null",
					     "tag:yaml.org,2002:seq",
					     "tag:yaml.org,2002:map" };

	for (size_t i = 0; i < COUNT(plain); i++)
		if (strcmp(tag, plain[i]) == 0)
			return true;
	return false;
}

/* Wraps `value` (taken over) in what its tag means. */
static err_t apply_tag(struct reader *reader, const yaml_char_t *tag_text, yaml_mark_t mark,
		       json_t *value, json_t **ret_value)
{
	const char *tag = (const char *)tag_text, *key;
	char room[40];
	json_t *whole;

	if (!tag || is_plain_tag(tag)) {
		*ret_value = value;
		return ERR_OK;
	}
	key = tag[0] == '!' ? long_form(tag, room) : NULL;
	if (!key) {
		json_decref(value);
		return refuse_at(reader, mark, "the tag '%s' is none of CloudFormation's", tag);
	}
	if (strcmp(key, "Fn::GetAtt") == 0)
		value = split_attribute(value);
	whole = json_object();
	if (!whole || !value || json_object_set_new(whole, key, value)) {
		json_decref(whole);
		return ERR_NOMEM;
	}
	*ret_value = whole;
	return note_line(reader, whole, mark);
}

/* ---- Values ---- */

static err_t read_value(struct reader *reader, yaml_event_t *event, json_t **ret_value);

/* Numbers as JSON writes them; what begins with a zero is a text: an account, a date, a mode. */
static json_t *number_of(const char *text, size_t len)
{
	size_t digits = text[0] == '-' ? 1 : 0;
	json_error_t error;

	if (len > 18 || len <= digits || text[digits] < '0' || text[digits] > '9')
		return NULL;
	return json_loadb(text, len, JSON_DECODE_ANY, &error);
}

static json_t *plain_scalar(const char *text, size_t len)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL" };
	static const char *const truths[] = { "true", "True", "TRUE", "yes", "Yes",
					      "YES",  "on",   "On",   "ON" };
	static const char *const lies[] = { "false", "False", "FALSE", "no", "No",
					    "NO",    "off",   "Off",   "OFF" };
	json_t *number;

	for (size_t i = 0; i < COUNT(nulls); i++)
		if (strcmp(text, nulls[i]) == 0)
			return json_null();
	for (size_t i = 0; i < COUNT(truths); i++) {
		if (strcmp(text, truths[i]) == 0)
			return json_true();
		if (strcmp(text, lies[i]) == 0)
			return json_false();
	}
	number = number_of(text, len);
	return number ? number : json_stringn(text, len);
}

static err_t read_scalar(struct reader *reader, const yaml_event_t *event, json_t **ret_value)
{
	const char *text = (const char *)event->data.scalar.value;
	size_t len = event->data.scalar.length;
	bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !event->data.scalar.tag;
	json_t *value;

	if (event->data.scalar.anchor)
		return refuse_at(reader, event->start_mark,
				 "CloudFormation takes no YAML anchors and aliases");
	if (strlen(text) != len)
		return refuse_at(reader, event->start_mark, "a text holds a NUL character");
	value = plain ? plain_scalar(text, len) : json_stringn(text, len);
	if (!value)
		return refuse_at(reader, event->start_mark, "a text is not UTF-8");
	TRY(apply_tag(reader, event->data.scalar.tag, event->start_mark, value, ret_value));
	return note_line(reader, *ret_value, event->start_mark);
}

static err_t read_sequence(struct reader *reader, json_t *list)
{
	yaml_event_t event;
	json_t *item;
	err_t err;

	for (;;) {
		TRY(next(reader, &event));
		if (event.type == YAML_SEQUENCE_END_EVENT) {
			yaml_event_delete(&event);
			return ERR_OK;
		}
		err = read_value(reader, &event, &item);
		yaml_event_delete(&event);
		TRY(err);
		if (json_array_append_new(list, item))
			return ERR_NOMEM;
	}
}

static err_t read_member(struct reader *reader, const yaml_event_t *key_event, json_t *object)
{
	const char *key = (const char *)key_event->data.scalar.value;
	yaml_event_t event;
	json_t *value;
	err_t err;

	if (key_event->type != YAML_SCALAR_EVENT)
		return refuse_at(reader, key_event->start_mark, "a key is not a text");
	if (strcmp(key, "<<") == 0)
		return refuse_at(reader, key_event->start_mark,
				 "CloudFormation takes no YAML merges ('<<')");
	if (json_object_get(object, key))
		return refuse_at(reader, key_event->start_mark, "the key '%s' is there already",
				 key);
	TRY(next(reader, &event));
	err = read_value(reader, &event, &value);
	yaml_event_delete(&event);
	TRY(err);
	if (json_object_set_new(object, key, value))
		return refuse_at(reader, key_event->start_mark, "a key is not UTF-8");
	return ERR_OK;
}

static err_t read_mapping(struct reader *reader, json_t *object)
{
	yaml_event_t event;
	err_t err;

	for (;;) {
		bool end;

		TRY(next(reader, &event));
		end = event.type == YAML_MAPPING_END_EVENT;
		err = end ? ERR_OK : read_member(reader, &event, object);
		yaml_event_delete(&event);
		if (err || end)
			return err;
	}
}

static err_t read_collection(struct reader *reader, const yaml_event_t *event, json_t **ret_value)
{
	bool list = event->type == YAML_SEQUENCE_START_EVENT;
	const yaml_char_t *anchor = list ? event->data.sequence_start.anchor
					 : event->data.mapping_start.anchor;
	json_t *value;
	err_t err;

	if (anchor)
		return refuse_at(reader, event->start_mark,
				 "CloudFormation takes no YAML anchors and aliases");
	if (reader->depth == TEMPLATE_DEPTH_MAX)
		return refuse_at(reader, event->start_mark, "values are nested too deep");
	value = list ? json_array() : json_object();
	if (!value)
		return ERR_NOMEM;
	reader->depth++;
	err = note_line(reader, value, event->start_mark);
	if (!err)
		err = list ? read_sequence(reader, value) : read_mapping(reader, value);
	reader->depth--;
	if (err) {
		json_decref(value);
		return err;
	}
	return apply_tag(reader,
			 list ? event->data.sequence_start.tag : event->data.mapping_start.tag,
			 event->start_mark, value, ret_value);
}

static err_t read_value(struct reader *reader, yaml_event_t *event, json_t **ret_value)
{
	if (reader->values++ == TEMPLATE_VALUES_MAX) {
		text_printf(reader->why, "the template has more than %d values",
			    TEMPLATE_VALUES_MAX);
		return ERR_TOO_LARGE;
	}
	switch (event->type) {
	case YAML_SCALAR_EVENT: return read_scalar(reader, event, ret_value);
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT: return read_collection(reader, event, ret_value);
	case YAML_ALIAS_EVENT:
		return refuse_at(reader, event->start_mark,
				 "CloudFormation takes no YAML anchors and aliases");
	default: return refuse_at(reader, event->start_mark, "a value is missing");
	}
}

/* ---- Documents ---- */

static err_t read_document(struct reader *reader, json_t **ret_root)
{
	yaml_event_t event;
	bool skip;
	err_t err;

	do {
		TRY(next(reader, &event));
		skip = event.type == YAML_STREAM_START_EVENT ||
		       event.type == YAML_DOCUMENT_START_EVENT;
		err = ERR_OK;
		if (event.type == YAML_STREAM_END_EVENT) {
			text_add_str(reader->why, "the template is empty");
			err = ERR_SYNTAX;
		} else if (!skip) {
			err = read_value(reader, &event, ret_root);
		}
		yaml_event_delete(&event);
	} while (skip);
	return err;
}

static err_t parse_yaml(struct bytes text, struct template *template, struct text *why)
{
	struct reader reader = { .template = template, .why = why };
	err_t err;

	if (!yaml_parser_initialize(&reader.parser))
		return ERR_NOMEM;
	yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text.at, text.len);
	err = read_document(&reader, &template->root);
	yaml_parser_delete(&reader.parser);
	return err;
}

err_t template_parse(struct bytes text, struct template *ret_template, struct text *why)
{
	struct bytes start = text;
	err_t err;

	*ret_template = (struct template){ .lines = MAP_INIT };
	if (text.len > TEMPLATE_BYTES_MAX) {
		text_printf(why, "the template has more than %d bytes", TEMPLATE_BYTES_MAX);
		return ERR_TOO_LARGE;
	}
	while (start.len && strchr(" \t\r\n", start.at[0]))
		start = bytes_from(start, 1);
	err = start.len && start.at[0] == '{' ? template_parse_json(text, ret_template, why)
					      : parse_yaml(text, ret_template, why);
	if (!err && !json_is_object(ret_template->root)) {
		text_add_str(why, "the template is not an object of sections");
		err = ERR_SYNTAX;
	}
	if (err == ERR_NOMEM && !why->len)
		text_add_str(why, err_words(err));
	if (err)
		template_fini(ret_template);
	return err;
}

void template_fini(struct template *template)
{
	json_decref(template->root);
	map_fini(&template->lines);
	*template = (struct template){ .lines = MAP_INIT };
}

err_t template_note_line(struct template *template, const json_t *value, size_t line)
{
	const struct bytes key = bytes_make(&value, sizeof value);

	if (json_is_boolean(value) || json_is_null(value))
		return ERR_OK; /* jansson has one of each */
	return map_put(&template->lines, key, (void *)(uintptr_t)line, NULL);
}

void template_forget_lines(struct template *template)
{
	map_fini(&template->lines);
	template->lines = (struct map)MAP_INIT;
}

unsigned template_line(const struct template *template, const json_t *value)
{
	return (unsigned)(uintptr_t)map_get(&template->lines, bytes_make(&value, sizeof value));
}
