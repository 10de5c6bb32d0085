#include "lb/function_event.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/encode.h"
#include "http/uri.h"
#include "lb/function.h"

const struct function_outcome_row *function_outcome_row(enum function_outcome outcome)
{
	enum { USER, SERVICE };
	static const struct function_outcome_row rows[] = {
#define OUTCOME(id, error_reason, whose, end) \
	[FUNCTION_##id] = { error_reason, (whose) == SERVICE, END_##end },
#include "lb/function.def"
#undef OUTCOME
	};

	assert(outcome > FUNCTION_ANSWERED && outcome < FUNCTION_OUTCOMES);
	return &rows[outcome];
}

/* ---- The event ---- */

/* NULL for what is not UTF-8. */
static json_t *string_of(struct bytes text)
{
	return json_stringn(text.len ? text.at : "", text.len);
}

/* One value replaces the one before it, or joins its list. Takes `value` over. */
static err_t add_value(json_t *map, struct bytes name, json_t *value, bool multi)
{
	json_t *list;

	if (!value || !utf8_valid(name)) {
		json_decref(value);
		return ERR_INVALID;
	}
	if (!multi)
		return json_object_setn_new(map, name.at, name.len, value) ? ERR_NOMEM : ERR_OK;
	list = json_object_getn(map, name.at, name.len);
	if (!list) {
		list = json_array();
		if (json_object_setn_new(map, name.at, name.len, list)) {
			json_decref(value);
			return ERR_NOMEM;
		}
	}
	return json_array_append_new(list, value) ? ERR_NOMEM : ERR_OK;
}

static err_t add_field(json_t *headers, struct bytes name, struct bytes value, bool multi)
{
	struct text lower = TEXT_INIT(64 * 1024);
	err_t err;

	for (size_t i = 0; i < name.len; i++)
		text_add_char(&lower, ascii_lower(name.at[i]));
	err = text_err(&lower);
	if (!err)
		err = add_value(headers, text_bytes(&lower), string_of(value), multi);
	text_fini(&lower);
	return err;
}

static err_t add_fields(json_t *headers, const struct function_request *request)
{
	const struct http_head *head = request->head;

	if (request->connection.len)
		TRY(add_field(headers, BYTES("connection"), request->connection,
			      request->multi_value));
	for (unsigned i = 0; i < head->field_count; i++) {
		const struct http_field *field = &head->fields[i];

		/* The body comes in one piece: how it was framed is over. */
		if (!bytes_eq_nocase(field->name, BYTES("Transfer-Encoding")))
			TRY(add_field(headers, field->name, field->value, request->multi_value));
	}
	return ERR_OK;
}

/* As they were sent, percent signs and all. */
static err_t add_parameters(json_t *parameters, struct bytes query, bool multi)
{
	struct bytes key, value;

	while (uri_query_cut(&query, &key, &value))
		if (key.len)
			TRY(add_value(parameters, key, string_of(value), multi));
	return ERR_OK;
}

static bool is_text(const struct http_head *head)
{
	static const char *const types[] = { "application/json", "application/javascript",
					     "application/xml" };
	struct bytes type = http_value(head, BYTES("Content-Type"));
	struct bytes essence = bytes_trim(bytes_upto(type, bytes_index(type, ';')));

	if (http_find(head, BYTES("Content-Encoding")))
		return false;
	for (size_t i = 0; i < COUNT(types); i++)
		if (bytes_eq_nocase(essence, bytes_of(types[i])))
			return true;
	return bytes_starts_nocase(essence, BYTES("text/"));
}

static err_t add_body(json_t *event, const struct function_request *request)
{
	bool encoded = request->body.len && !is_text(request->head);
	struct text base64 = TEXT_INIT(FUNCTION_EVENT_BYTES_MAX);
	json_t *body;

	if (encoded)
		encode_base64(&base64, request->body);
	body = string_of(encoded ? text_bytes(&base64) : request->body);
	text_fini(&base64);
	if (!body)
		return encoded ? ERR_NOMEM : ERR_INVALID;
	if (json_object_set_new(event, "body", body) ||
	    json_object_set_new(event, "isBase64Encoded", json_boolean(encoded)))
		return ERR_NOMEM;
	return ERR_OK;
}

static err_t fill_event(json_t *event, const struct function_request *request)
{
	struct bytes target = request->head->target;
	size_t mark = bytes_index(target, '?');
	struct bytes query = mark == SIZE_MAX ? BYTES_NONE : bytes_from(target, mark + 1);
	json_t *path = string_of(bytes_upto(target, mark));
	json_t *headers = json_object(), *parameters = json_object();
	err_t err = path ? ERR_OK : ERR_INVALID;

	json_object_set_new(
		event, "requestContext",
		json_pack("{s:{s:o}}", "elb", "targetGroupArn", string_of(request->group_arn)));
	json_object_set_new(event, "httpMethod", string_of(request->head->method));
	json_object_set_new(event, "path", path);
	json_object_set_new(event,
			    request->multi_value ? "multiValueQueryStringParameters"
						 : "queryStringParameters",
			    parameters);
	json_object_set_new(event, request->multi_value ? "multiValueHeaders" : "headers", headers);
	if (json_object_size(event) != 5)
		return err ? err : ERR_NOMEM;
	TRY(add_parameters(parameters, query, request->multi_value));
	TRY(add_fields(headers, request));
	return add_body(event, request);
}

err_t function_event_write(const struct function_request *request, struct text *out)
{
	json_t *event = json_object();
	char *dumped = NULL;
	err_t err = event ? fill_event(event, request) : ERR_NOMEM;

	if (!err)
		dumped = json_dumps(event, JSON_COMPACT);
	if (!err && !dumped)
		err = ERR_NOMEM;
	text_add_str(out, dumped ? dumped : "");
	free(dumped);
	json_decref(event);
	return err ? err : text_err(out);
}

err_t function_event_check(struct bytes group_arn, struct bytes path, bool multi_value,
			   struct text *out)
{
	const struct http_field agent = { BYTES("user-agent"), BYTES("ELB-HealthChecker/2.0") };
	const struct http_head head = {
		.method = BYTES("GET"), .target = path, .fields = &agent, .field_count = 1
	};

	return function_event_write(&(struct function_request){ .head = &head,
								.group_arn = group_arn,
								.multi_value = multi_value },
				    out);
}

/* ---- The answer ---- */

static bool is_plain(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return false;
	return true;
}

static err_t take_field(struct function_answer *answer, struct arena *arena, const char *name,
			const json_t *value)
{
	struct http_field *field = &answer->fields[answer->field_count];
	struct bytes words = bytes_make(json_string_value(value), json_string_length(value));

	if (!json_is_string(value) || answer->field_count == FUNCTION_FIELDS_MAX ||
	    !http_is_token(bytes_of(name)) || !is_plain(words.at, words.len))
		return ERR_INVALID;
	TRY(arena_copy(arena, bytes_of(name), &field->name));
	TRY(arena_copy(arena, bytes_trim(words), &field->value));
	answer->field_count++;
	return ERR_OK;
}

static err_t take_fields(const json_t *headers, struct arena *arena, struct function_answer *answer)
{
	json_t *value;
	const char *name;

	json_object_foreach ((json_t *)headers, name, value)
		TRY(take_field(answer, arena, name, value));
	return ERR_OK;
}

static err_t take_lists(const json_t *headers, struct arena *arena, struct function_answer *answer)
{
	json_t *values, *value;
	const char *name;
	size_t i;

	json_object_foreach ((json_t *)headers, name, values) {
		if (!json_is_array(values))
			return ERR_INVALID;
		json_array_foreach (values, i, value)
			TRY(take_field(answer, arena, name, value));
	}
	return ERR_OK;
}

static err_t take_status(const json_t *object, struct arena *arena, struct function_answer *answer)
{
	const json_t *status = json_object_get(object, "statusCode");
	const json_t *description = json_object_get(object, "statusDescription");
	struct bytes words = bytes_make(json_string_value(description),
					json_string_length(description));
	json_int_t number = json_integer_value(status);
	size_t digits = 0;

	if (!json_is_integer(status) || number < 200 || number > 599)
		return ERR_INVALID;
	answer->status = (uint16_t)number;
	if (!description || json_is_null(description))
		return ERR_OK;
	if (!json_is_string(description) || !is_plain(words.at, words.len))
		return ERR_INVALID;
	while (digits < words.len && words.at[digits] >= '0' && words.at[digits] <= '9')
		digits++;
	return arena_copy(arena, bytes_trim(bytes_from(words, digits)), &answer->reason);
}

static err_t take_body(const json_t *object, struct arena *arena, struct function_answer *answer)
{
	const json_t *body = json_object_get(object, "body");
	const json_t *encoded = json_object_get(object, "isBase64Encoded");
	struct bytes words = bytes_make(json_string_value(body), json_string_length(body));
	struct text plain = TEXT_INIT(FUNCTION_ANSWER_BYTES_MAX);
	err_t err;

	if ((body && !json_is_string(body) && !json_is_null(body)) ||
	    (encoded && !json_is_boolean(encoded) && !json_is_null(encoded)))
		return ERR_INVALID;
	if (!json_is_true(encoded))
		return arena_copy(arena, words, &answer->body);
	err = decode_base64(&plain, words);
	if (!err)
		err = arena_copy(arena, text_bytes(&plain), &answer->body);
	text_fini(&plain);
	return err == ERR_SYNTAX ? ERR_INVALID : err;
}

static err_t read_answer(const json_t *object, bool multi_value, struct arena *arena,
			 struct function_answer *answer)
{
	const json_t *headers = json_object_get(object, "headers");
	const json_t *lists = json_object_get(object, "multiValueHeaders");

	TRY(take_status(object, arena, answer));
	/* Which of the two counts is the target group's choice, not the function's. */
	if (multi_value && lists && !json_is_null(lists)) {
		if (!json_is_object(lists))
			return ERR_INVALID;
		TRY(take_lists(lists, arena, answer));
	} else if (!multi_value) {
		if (!json_is_object(headers))
			return ERR_INVALID;
		TRY(take_fields(headers, arena, answer));
	}
	return take_body(object, arena, answer);
}

err_t function_answer_read(struct bytes json, bool multi_value, struct arena *arena,
			   struct function_answer *ret_answer)
{
	json_t *object = json_loadb(json.len ? json.at : "", json.len, JSON_ALLOW_NUL, NULL);
	err_t err = ERR_INVALID;

	*ret_answer = (struct function_answer){ .status = 0 };
	if (json_is_object(object))
		err = read_answer(object, multi_value, arena, ret_answer);
	json_decref(object);
	return err;
}

static err_t read_prelude(const json_t *object, struct arena *arena, struct function_answer *answer)
{
	const json_t *cookies = json_object_get(object, "cookies");
	json_t *cookie;
	size_t i;

	if (json_object_get(object, "statusCode"))
		TRY(take_status(object, arena, answer));
	TRY(take_fields(json_object_get(object, "headers"), arena, answer));
	TRY(take_lists(json_object_get(object, "multiValueHeaders"), arena, answer));
	json_array_foreach (cookies, i, cookie)
		TRY(take_field(answer, arena, "Set-Cookie", cookie));
	return ERR_OK;
}

err_t function_prelude_read(struct bytes json, struct arena *arena,
			    struct function_answer *ret_answer)
{
	json_t *object = json_loadb(json.len ? json.at : "", json.len, 0, NULL);
	err_t err = ERR_INVALID;

	*ret_answer = (struct function_answer){ .status = 200 };
	if (json_is_object(object))
		err = read_prelude(object, arena, ret_answer);
	json_decref(object);
	return err;
}

bool function_answer_has(const struct function_answer *answer, struct bytes name)
{
	for (unsigned i = 0; i < answer->field_count; i++)
		if (bytes_eq_nocase(answer->fields[i].name, name))
			return true;
	return false;
}
