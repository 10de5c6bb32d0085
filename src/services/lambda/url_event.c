#include "services/lambda/url_event.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/encode.h"
#include "http/uri.h"

enum { ANSWER_BYTES_MAX = 8 * 1024 * 1024 };

/* ---- The event ---- */

static json_t *string_of(struct bytes text)
{
	return json_stringn(text.len ? text.at : "", text.len);
}

/* Several of a name become one value, joined by commas. */
static err_t add_joined(json_t *object, const char *name, struct bytes value)
{
	const json_t *before = json_object_get(object, name);
	struct text joined = TEXT_INIT(1024 * 1024);
	json_t *now;

	if (before)
		text_printf(&joined, "%s,", json_string_value(before));
	text_add(&joined, value);
	now = string_of(text_bytes(&joined));
	text_fini(&joined);
	return now && !json_object_set_new(object, name, now) ? ERR_OK : ERR_INVALID;
}

static err_t add_fields(json_t *event, const struct http_head *head)
{
	json_t *headers = json_object(), *cookies = json_array();
	char name[256];

	json_object_set_new(event, "headers", headers);
	for (unsigned i = 0; i < head->field_count; i++) {
		const struct http_field *field = &head->fields[i];
		struct bytes rest = field->value, cookie;

		if (field->name.len >= sizeof name)
			continue;
		for (size_t c = 0; c < field->name.len; c++)
			name[c] = ascii_lower(field->name.at[c]);
		name[field->name.len] = 0;
		if (strcmp(name, "cookie") != 0)
			TRY(add_joined(headers, name, field->value));
		else
			while (bytes_cut(&rest, ';', &cookie))
				json_array_append_new(cookies, string_of(bytes_trim(cookie)));
	}
	if (json_array_size(cookies))
		json_object_set_new(event, "cookies", cookies);
	else
		json_decref(cookies);
	return ERR_OK;
}

static err_t add_parameter(json_t *parameters, struct bytes key, struct bytes value)
{
	struct text name = TEXT_INIT(64 * 1024), plain = TEXT_INIT(64 * 1024);
	err_t err = decode_percent(&name, key, true);

	if (!err)
		err = decode_percent(&plain, value, true);
	if (!err)
		err = add_joined(parameters, text_str(&name), text_bytes(&plain));
	text_fini(&name);
	text_fini(&plain);
	return err == ERR_SYNTAX ? ERR_INVALID : err;
}

static err_t add_query(json_t *event, struct bytes query)
{
	struct bytes rest = query, key, value;
	json_t *parameters;

	json_object_set_new(event, "rawQueryString", string_of(query));
	if (!query.len)
		return ERR_OK;
	parameters = json_object();
	json_object_set_new(event, "queryStringParameters", parameters);
	while (uri_query_cut(&rest, &key, &value))
		TRY(add_parameter(parameters, key, value));
	return ERR_OK;
}

static err_t add_context(json_t *event, const struct url_request *request, struct bytes path)
{
	char when[64];
	time_t seconds = (time_t)(request->unix_ms / 1000);
	struct tm tm;
	json_t *http = json_object(), *context;

	gmtime_r(&seconds, &tm);
	strftime(when, sizeof when, "%d/%b/%Y:%H:%M:%S +0000", &tm);
	json_object_set_new(http, "method", string_of(request->head->method));
	json_object_set_new(http, "path", string_of(path));
	json_object_set_new(http, "protocol", json_string("HTTP/1.1"));
	json_object_set_new(http, "sourceIp", json_string(request->source_ip));
	json_object_set_new(http, "userAgent",
			    string_of(http_value(request->head, BYTES("User-Agent"))));
	context = json_pack("{s:s, s:s, s:s, s:s, s:o, s:s, s:s, s:s, s:s, s:I}", "accountId",
			    request->account, "apiId", request->url_id, "domainName", request->host,
			    "domainPrefix", request->url_id, "http", http, "requestId",
			    request->request_id, "routeKey", "$default", "stage", "$default",
			    "time", when, "timeEpoch", (json_int_t)request->unix_ms);
	return context && !json_object_set_new(event, "requestContext", context) ? ERR_OK
										 : ERR_INVALID;
}

static bool is_text(const struct http_head *head)
{
	static const char *const texts[] = { "text/", "application/json", "application/xml",
					     "application/javascript",
					     "application/x-www-form-urlencoded" };
	struct bytes type = http_value(head, BYTES("Content-Type"));

	if (http_find(head, BYTES("Content-Encoding")))
		return false;
	for (size_t i = 0; i < COUNT(texts); i++)
		if (bytes_starts_nocase(type, bytes_of(texts[i])))
			return true;
	return false;
}

static err_t add_body(json_t *event, const struct url_request *request)
{
	bool plain = is_text(request->head) && utf8_valid(request->body);
	struct text base64 = TEXT_INIT(ANSWER_BYTES_MAX * 2);
	json_t *body;

	json_object_set_new(event, "isBase64Encoded", json_boolean(!plain && request->body.len));
	if (!request->body.len)
		return ERR_OK;
	if (!plain)
		encode_base64(&base64, request->body);
	body = plain ? string_of(request->body) : string_of(text_bytes(&base64));
	text_fini(&base64);
	return body && !json_object_set_new(event, "body", body) ? ERR_OK : ERR_NOMEM;
}

static err_t fill_event(json_t *event, const struct url_request *request)
{
	struct text path = TEXT_INIT(64 * 1024);
	err_t err = decode_percent(&path, request->path, false) ? ERR_INVALID : ERR_OK;

	if (!err)
		err = add_fields(event, request->head);
	if (!err)
		err = add_query(event, request->query);
	if (!err)
		err = add_context(event, request, text_bytes(&path));
	if (!err)
		err = json_object_set_new(event, "rawPath", string_of(text_bytes(&path)))
			      ? ERR_INVALID
			      : add_body(event, request);
	text_fini(&path);
	return err;
}

err_t url_event_write(const struct url_request *request, struct text *out)
{
	json_t *event = json_pack("{s:s, s:s}", "version", "2.0", "routeKey", "$default");
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

/* ---- The answer ---- */

static err_t add_field(struct url_answer *answer, struct arena *arena, const char *name,
		       const char *value)
{
	struct http_field *field = &answer->fields[answer->field_count];

	if (answer->field_count == URL_FIELDS_MAX || !http_is_token(bytes_of(name)))
		return ERR_INVALID;
	for (const char *c = value; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return ERR_INVALID;
	TRY(arena_copy(arena, bytes_of(name), &field->name));
	TRY(arena_copy(arena, bytes_of(value), &field->value));
	answer->field_count++;
	return ERR_OK;
}

static err_t read_fields(const json_t *value, const char *content_type, struct arena *arena,
			 struct url_answer *answer)
{
	json_t *headers = json_object_get(value, "headers"), *one;
	const char *name;
	bool typed = false;
	size_t i;

	json_object_foreach (headers, name, one) {
		char number[32];

		if (json_is_integer(one))
			snprintf(number, sizeof number, "%lld", (long long)json_integer_value(one));
		else if (!json_is_string(one))
			return ERR_INVALID;
		typed = typed || bytes_eq_nocase(bytes_of(name), BYTES("content-type"));
		TRY(add_field(answer, arena, name,
			      json_is_string(one) ? json_string_value(one) : number));
	}
	json_array_foreach (json_object_get(value, "cookies"), i, one) {
		if (!json_is_string(one))
			return ERR_INVALID;
		TRY(add_field(answer, arena, "Set-Cookie", json_string_value(one)));
	}
	return typed ? ERR_OK : add_field(answer, arena, "Content-Type", content_type);
}

static err_t read_body(const json_t *value, struct arena *arena, struct url_answer *answer)
{
	const json_t *body = json_object_get(value, "body");
	struct bytes words = bytes_make(json_string_value(body), json_string_length(body));
	struct text plain = TEXT_INIT(ANSWER_BYTES_MAX);
	err_t err;

	if (body && !json_is_string(body) && !json_is_null(body))
		return ERR_INVALID;
	if (!json_is_true(json_object_get(value, "isBase64Encoded")))
		return arena_copy(arena, words, &answer->body);
	err = decode_base64(&plain, words);
	if (!err)
		err = arena_copy(arena, text_bytes(&plain), &answer->body);
	text_fini(&plain);
	return err == ERR_SYNTAX ? ERR_INVALID : err;
}

static err_t read_status(const json_t *value, struct url_answer *answer)
{
	const json_t *status = json_object_get(value, "statusCode");
	json_int_t number = json_integer_value(status);

	if (!json_is_integer(status) || number < 200 || number > 599)
		return ERR_INVALID;
	answer->status = (uint16_t)number;
	return ERR_OK;
}

static err_t read_whole(const json_t *value, struct arena *arena, struct url_answer *answer)
{
	TRY(read_status(value, answer));
	TRY(read_fields(value, "application/json", arena, answer));
	return read_body(value, arena, answer);
}

err_t url_answer_read(struct bytes payload, struct arena *arena, struct url_answer *ret_answer)
{
	json_t *value = json_loadb(payload.at, payload.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	err_t err;

	*ret_answer = (struct url_answer){ .status = 200 };
	if (value && json_object_get(value, "statusCode")) {
		err = read_whole(value, arena, ret_answer);
	} else {
		if (json_is_string(value))
			payload = bytes_make(json_string_value(value), json_string_length(value));
		err = arena_copy(arena, payload, &ret_answer->body);
		if (!err)
			err = add_field(ret_answer, arena, "Content-Type", "application/json");
	}
	json_decref(value);
	return err;
}

/* ---- Streamed answers ---- */

size_t url_prelude_end(struct bytes gathered, size_t seen)
{
	static const char zeros[URL_PRELUDE_END_BYTES];
	size_t from = seen < sizeof zeros ? 0 : seen - sizeof zeros;
	size_t at = bytes_find(bytes_from(gathered, from), bytes_make(zeros, sizeof zeros));

	return at == SIZE_MAX ? at : from + at;
}

err_t url_prelude_read(struct bytes json, struct arena *arena, struct url_answer *ret_answer)
{
	json_t *value = json_loadb(json.len ? json.at : "", json.len, 0, NULL);
	err_t err = json_is_object(value) ? ERR_OK : ERR_INVALID;

	*ret_answer = (struct url_answer){ .status = 200 };
	if (!err && json_object_get(value, "statusCode"))
		err = read_status(value, ret_answer);
	if (!err)
		err = read_fields(value, "application/octet-stream", arena, ret_answer);
	json_decref(value);
	return err;
}

err_t url_plain_answer(struct bytes content_type, struct arena *arena,
		       struct url_answer *ret_answer)
{
	const char *type = arena_string(arena, content_type);

	*ret_answer = (struct url_answer){ .status = 200 };
	if (!type)
		return ERR_NOMEM;
	return add_field(ret_answer, arena, "Content-Type",
			 type[0] ? type : "application/octet-stream");
}
