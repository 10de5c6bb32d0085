#include "services/lambda/url_cors.h"

/* ---- A setting ---- */

static bool is_any(struct bytes value)
{
	return bytes_eq_str(value, "*");
}

/* OPTIONS is not among AWS's: it is what the URL itself answers. */
static bool is_method(struct bytes value)
{
	static const char *const methods[] = { "GET", "PUT", "HEAD", "POST", "PATCH", "DELETE" };

	for (size_t i = 0; i < COUNT(methods); i++)
		if (bytes_eq_str(value, methods[i]))
			return true;
	return is_any(value);
}

/* What browsers send as Origin: a scheme and a host, perhaps a port, and nothing after it. */
static bool is_origin(struct bytes value)
{
	size_t at = bytes_find(value, BYTES("://"));
	struct bytes host;

	if (is_any(value))
		return true;
	if (at == SIZE_MAX || !http_is_token(bytes_upto(value, at)))
		return false;
	host = bytes_from(value, at + 3);
	for (size_t i = 0; i < host.len; i++)
		if (host.at[i] <= ' ' || host.at[i] >= 0x7f || strchr("/,*?#@\\\"", host.at[i]))
			return false;
	return host.len > 0;
}

static const struct list_row {
	const char *member;
	bool (*fits)(struct bytes value);
	const char *wanted;
} lists[] = {
	{ "AllowHeaders", http_is_token, "the name of a header field, or *" },
	{ "AllowMethods", is_method, "one of GET, PUT, HEAD, POST, PATCH, DELETE, or *" },
	{ "AllowOrigins", is_origin, "an origin such as https://www.example.com, or *" },
	{ "ExposeHeaders", http_is_token, "the name of a header field, or *" },
};

err_t url_cors_check(const json_t *cors, struct url_cors_finding *ret_finding)
{
	for (size_t r = 0; r < COUNT(lists); r++) {
		const json_t *list = json_object_get(cors, lists[r].member);
		json_t *one;
		size_t i;

		json_array_foreach (list, i, one) {
			if (lists[r].fits(
				    bytes_make(json_string_value(one), json_string_length(one))))
				continue;
			*ret_finding = (struct url_cors_finding){ .member = lists[r].member,
								  .value = json_string_value(one),
								  .wanted = lists[r].wanted };
			return ERR_INVALID;
		}
	}
	return ERR_OK;
}

/* ---- A request ---- */

bool url_cors_is_preflight(const struct http_head *request)
{
	return bytes_eq_str(request->method, "OPTIONS") && http_find(request, BYTES("Origin")) &&
	       http_find(request, BYTES("Access-Control-Request-Method"));
}

static bool lists_value(const json_t *list, struct bytes value)
{
	json_t *one;
	size_t i;

	json_array_foreach (list, i, one)
		if (bytes_eq_nocase(value, bytes_of(json_string_value(one))))
			return true;
	return false;
}

/* ---- Its answer ---- */

static void drop_own(struct url_answer *answer)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < answer->field_count; i++)
		if (!bytes_starts_nocase(answer->fields[i].name, BYTES("Access-Control-")))
			answer->fields[kept++] = answer->fields[i];
	answer->field_count = kept;
}

static void add(struct url_answer *answer, const char *name, struct bytes value)
{
	assert(answer->field_count < COUNT(answer->fields));
	answer->fields[answer->field_count++] = (struct http_field){ bytes_of(name), value };
}

/* An empty list says nothing. */
static err_t add_list(struct url_answer *answer, const char *name, const json_t *list,
		      struct arena *arena)
{
	struct text joined = TEXT_INIT(256 * 1024); /* above a hundred of the longest */
	struct bytes value = BYTES_NONE;
	json_t *one;
	size_t i;
	err_t err;

	json_array_foreach (list, i, one) {
		if (i)
			text_add_char(&joined, ',');
		text_add_str(&joined, json_string_value(one));
	}
	err = text_err(&joined);
	if (!err && joined.len)
		err = arena_copy(arena, text_bytes(&joined), &value);
	if (!err && value.len)
		add(answer, name, value);
	text_fini(&joined);
	return err;
}

static err_t add_preflight(const json_t *cors, struct arena *arena, struct url_answer *answer)
{
	const json_t *age = json_object_get(cors, "MaxAge");
	const char *seconds;

	TRY(add_list(answer, "Access-Control-Allow-Methods", json_object_get(cors, "AllowMethods"),
		     arena));
	TRY(add_list(answer, "Access-Control-Allow-Headers", json_object_get(cors, "AllowHeaders"),
		     arena));
	if (!age)
		return ERR_OK;
	seconds = arena_printf(arena, "%lld", (long long)json_integer_value(age));
	if (!seconds)
		return ERR_NOMEM;
	add(answer, "Access-Control-Max-Age", bytes_of(seconds));
	return ERR_OK;
}

err_t url_cors_apply(const json_t *cors, const struct http_head *request, struct arena *arena,
		     struct url_answer *answer)
{
	const json_t *origins = json_object_get(cors, "AllowOrigins");
	bool any = lists_value(origins, BYTES("*"));
	struct bytes origin = http_value(request, BYTES("Origin"));

	if (!cors)
		return ERR_OK;
	drop_own(answer);
	if (!any)
		add(answer, "Vary", BYTES("Origin")); /* for what keeps answers on the way */
	if (!origin.len || (!any && !lists_value(origins, origin)))
		return ERR_OK;
	add(answer, "Access-Control-Allow-Origin", any ? BYTES("*") : origin);
	if (json_is_true(json_object_get(cors, "AllowCredentials")))
		add(answer, "Access-Control-Allow-Credentials", BYTES("true"));
	if (url_cors_is_preflight(request))
		return add_preflight(cors, arena, answer);
	return add_list(answer, "Access-Control-Expose-Headers",
			json_object_get(cors, "ExposeHeaders"), arena);
}
