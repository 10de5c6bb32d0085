/*
 * Answers of the REST forms: what goes into fields and status, and what is left for the body.
 */
#include "api/json.h"
#include "api/rest.h"
#include "api/xml.h"
#include "base/encode.h"
#include "base/log.h"
#include "base/when.h"

enum { FIELD_BYTES_MAX = 16 * 1024 };

struct encoder {
	const struct api_service *service;
	const struct api_operation *operation;
	struct arena *arena;
	struct rest_answer *answer;
};

static err_t misfit(const struct encoder *e, const char *name)
{
	log_error("api", "%s answered %s in a wrong type", e->operation->name, name);
	return ERR_INVALID;
}

static err_t add_field(struct encoder *e, struct bytes name, const char *value)
{
	struct rest_answer *answer = e->answer;

	if (answer->field_count == REST_FIELDS_MAX)
		return ERR_LIMIT;
	if (!value)
		return ERR_NOMEM;
	answer->fields[answer->field_count++] = (struct http_field){ name, bytes_of(value) };
	return ERR_OK;
}

static err_t add_leaf(struct encoder *e, const struct api_shape *shape, struct bytes name,
		      json_t *value)
{
	char date[WHEN_HTTP_BYTES + 1];

	if (json_is_string(value))
		return add_field(e, name,
				 arena_string(e->arena, bytes_of(json_string_value(value))));
	if (json_is_boolean(value))
		return add_field(e, name, json_is_true(value) ? "true" : "false");
	if (!json_is_integer(value))
		return misfit(e, arena_string(e->arena, name));
	if (shape->kind != API_TIMESTAMP)
		return add_field(
			e, name,
			arena_printf(e->arena, "%lld", (long long)json_integer_value(value)));
	when_http((uint64_t)json_integer_value(value), date);
	return add_field(e, name, arena_string(e->arena, bytes_of(date)));
}

/* "a,b" */
static err_t add_list(struct encoder *e, struct bytes name, json_t *list)
{
	struct text joined = TEXT_INIT(FIELD_BYTES_MAX);
	json_t *item;
	size_t i;
	err_t err;

	json_array_foreach (list, i, item) {
		if (i)
			text_add_char(&joined, ',');
		text_add(&joined, bytes_of(json_string_value(item)));
	}
	err = text_err(&joined);
	if (!err)
		err = add_field(e, name, arena_string(e->arena, text_bytes(&joined)));
	text_fini(&joined);
	return err;
}

static err_t add_map(struct encoder *e, const struct api_shape *shape, struct bytes prefix,
		     json_t *map)
{
	const char *key;
	json_t *value;

	json_object_foreach (map, key, value) {
		const char *name = arena_printf(e->arena, "%.*s%s", BYTES_ARG(prefix), key);

		if (!name)
			return ERR_NOMEM;
		TRY(add_leaf(e, shape->item, bytes_of(name), value));
	}
	return ERR_OK;
}

static err_t add_located(struct encoder *e, const struct api_member *m, json_t *value)
{
	struct bytes name = bytes_of(m->location), kind;

	bytes_cut(&name, ':', &kind);
	if (bytes_eq_str(kind, "header") && json_is_array(value))
		return add_list(e, name, value);
	if (bytes_eq_str(kind, "header"))
		return add_leaf(e, m->shape, name, value);
	if (bytes_eq_str(kind, "headers"))
		return add_map(e, m->shape, name, value);
	if (bytes_eq_str(kind, "status") && json_is_integer(value))
		e->answer->status = (uint16_t)json_integer_value(value);
	return ERR_OK;
}

/* The answer's own Content-Type field, else what goes with the form. */
static void set_type(struct encoder *e, const char *otherwise)
{
	struct rest_answer *answer = e->answer;

	for (unsigned i = 0; i < answer->field_count; i++)
		if (bytes_eq_nocase(answer->fields[i].name, BYTES("Content-Type")))
			return;
	answer->content_type = otherwise;
}

static err_t add_payload(struct encoder *e, const struct api_member *m, json_t *value,
			 struct text *body)
{
	struct bytes text = bytes_of(json_string_value(value));

	bool xml = e->service->protocol == API_REST_XML;

	/* A text with a name of its own is an element: GetBucketLocation's answer. */
	if (m->shape->kind == API_STRUCTURE || (xml && m->wire)) {
		set_type(e, xml ? "application/xml" : "application/json");
		return xml ? xml_encode_rest(e->operation->name, m->wire ? m->wire : m->name,
					     e->service->xml_namespace, m->shape, value, body)
			   : wire_json_encode(m->shape, value, false, body);
	}
	if (!json_is_string(value))
		return misfit(e, m->name);
	set_type(e, m->shape->kind == API_BLOB ? "application/octet-stream" : "text/plain");
	if (m->shape->kind == API_BLOB)
		return decode_base64(body, text);
	text_add(body, text);
	return text_err(body);
}

/* The members that have no place of their own. */
static err_t add_document(struct encoder *e, json_t *output, struct text *body)
{
	bool xml = e->service->protocol == API_REST_XML;
	json_t *left = json_object();
	unsigned members = 0;
	err_t err = left ? ERR_OK : ERR_NOMEM;

	for (const struct api_member *m = e->operation->output->members; m && m->name; m++) {
		json_t *value = json_object_get(output, m->name);

		if (m->location)
			continue;
		members++;
		if (!err && value && json_object_set(left, m->name, value))
			err = ERR_NOMEM;
	}
	if (!err && members && xml) {
		set_type(e, "application/xml");
		err = xml_encode_rest(e->operation->name, e->operation->rest.element,
				      e->service->xml_namespace, e->operation->output, left, body);
	} else if (!err && members) {
		set_type(e, "application/json");
		err = wire_json_encode(e->operation->output, left, false, body);
	}
	json_decref(left);
	return err;
}

err_t rest_encode(const struct api_service *service, const struct api_operation *operation,
		  json_t *output, struct arena *arena, struct rest_answer *ret_answer,
		  struct text *body)
{
	struct encoder e = {
		.service = service, .operation = operation, .arena = arena, .answer = ret_answer
	};
	const struct api_member *payload = NULL;
	json_t *value;

	*ret_answer = (struct rest_answer){
		.status = operation->rest.status ? operation->rest.status : 200,
		.fields = arena_array(arena, REST_FIELDS_MAX, sizeof(struct http_field)),
	};
	if (!ret_answer->fields)
		return ERR_NOMEM;
	for (const struct api_member *m = operation->output->members; m && m->name; m++) {
		value = json_object_get(output, m->name);
		if (m->location && strcmp(m->location, "payload") == 0)
			payload = m;
		else if (m->location && value && !json_is_null(value))
			TRY(add_located(&e, m, value));
	}
	if (ret_answer->status == 204)
		return ERR_OK;
	if (!payload)
		return add_document(&e, output, body);
	value = json_object_get(output, payload->name);
	return value && !json_is_null(value) ? add_payload(&e, payload, value, body) : ERR_OK;
}
