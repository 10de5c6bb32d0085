#include "lb/page.h"

#include "base/text.h"
#include "base/when.h"

/* Where ALB's words are nginx's, not RFC 9110's (reference/alb.md §6.1). */
static const struct {
	uint16_t status;
	const char *reason;
} alb_reasons[] = {
	{ 401, "Authorization Required" }, { 405, "Not Allowed" },
	{ 408, "Request Time-out" },	   { 413, "Request Entity Too Large" },
	{ 414, "Request-URI Too Large" },  { 503, "Service Temporarily Unavailable" },
	{ 504, "Gateway Time-out" },	   { 507, "Insufficient Storage" },
};

/* After these the connection's bytes can no longer be told apart, or the client is not worth it. */
static const uint16_t closing_statuses[] = { 400, 408, 413, 414, 501, 505 };

const char *page_reason(uint16_t status)
{
	for (size_t i = 0; i < COUNT(alb_reasons); i++)
		if (alb_reasons[i].status == status)
			return alb_reasons[i].reason;
	return http_reason(status);
}

static bool closes(uint16_t status)
{
	for (size_t i = 0; i < COUNT(closing_statuses); i++)
		if (closing_statuses[i] == status)
			return true;
	return false;
}

/* ---- Heads ---- */

enum { OWN_FIELDS_MAX = 5 }; /* Server, Date, Content-Type, Content-Length, Location */

struct builder {
	struct arena *arena;
	struct http_field *fields;
	unsigned count, cap;
	err_t err;
};

static void add(struct builder *builder, struct bytes name, struct bytes value)
{
	assert(builder->count < builder->cap);
	builder->fields[builder->count++] = (struct http_field){ name, value };
}

static void add_text(struct builder *builder, struct bytes name, const char *text)
{
	if (!text)
		builder->err = ERR_NOMEM;
	else
		add(builder, name, bytes_of(text));
}

/* None of the headers a listener may set is one of ours, so there is nothing to replace. */
static void add_listener_fields(struct builder *builder, const struct plan_listener *listener)
{
	for (unsigned i = 0; i < listener->response_header_count; i++)
		add(builder, listener->response_headers[i].name,
		    listener->response_headers[i].value);
}

struct content {
	uint16_t status;
	struct bytes type, body;
	struct bytes location; /* at == NULL: none */
	const struct bytes *cookies;
	unsigned cookie_count;
};

static err_t build(const struct content *content, const struct plan_listener *listener,
		   uint64_t unix_ms, struct arena *arena, struct page *ret_page)
{
	struct builder builder = { .arena = arena };
	char date[WHEN_HTTP_BYTES + 1];

	builder.cap = OWN_FIELDS_MAX + content->cookie_count +
		      (listener ? listener->response_header_count : 0);
	builder.fields = arena_array(arena, builder.cap, sizeof *builder.fields);
	if (!builder.fields)
		return ERR_NOMEM;
	if (!listener || listener->server_header)
		add(&builder, BYTES("Server"), BYTES("awselb/2.0"));
	when_http(unix_ms, date);
	add_text(&builder, BYTES("Date"), arena_string(arena, bytes_of(date)));
	add(&builder, BYTES("Content-Type"), content->type);
	add_text(&builder, BYTES("Content-Length"), arena_printf(arena, "%zu", content->body.len));
	if (content->location.at)
		add(&builder, BYTES("Location"), content->location);
	for (unsigned i = 0; i < content->cookie_count; i++)
		add(&builder, BYTES("Set-Cookie"), content->cookies[i]);
	if (builder.err)
		return builder.err;
	if (listener)
		add_listener_fields(&builder, listener);

	*ret_page = (struct page){
		.head = {
			.is_response = true,
			.version = HTTP_1_1,
			.framing = HTTP_BODY_LENGTH,
			.length = content->body.len,
			.status = content->status,
			.reason = bytes_of(page_reason(content->status)),
			.fields = builder.fields,
			.field_count = builder.count,
		},
		.body = content->body,
		.close = closes(content->status),
	};
	return ERR_OK;
}

/* ---- Pages ---- */

static char *html(struct arena *arena, uint16_t status)
{
	const char *reason = page_reason(status), *blank = *reason ? " " : "";

	return arena_printf(arena,
			    "<html>\r\n"
			    "<head><title>%u%s%s</title></head>\r\n"
			    "<body>\r\n"
			    "<center><h1>%u%s%s</h1></center>\r\n"
			    "</body>\r\n"
			    "</html>\r\n",
			    status, blank, reason, status, blank, reason);
}

err_t page_error(uint16_t status, const struct plan_listener *listener, uint64_t unix_ms,
		 struct arena *arena, struct page *ret_page)
{
	struct content content = { .status = status, .type = BYTES("text/html") };
	char *body = html(arena, status);

	assert(status != 460); /* nobody is there to read it */
	if (!body)
		return ERR_NOMEM;
	content.body = bytes_of(body);
	return build(&content, listener, unix_ms, arena, ret_page);
}

err_t page_gate(uint16_t status, struct bytes location, const struct bytes *cookies,
		unsigned cookie_count, const struct plan_listener *listener, uint64_t unix_ms,
		struct arena *arena, struct page *ret_page)
{
	struct content content = { .status = status,
				   .type = BYTES("text/html"),
				   .location = location,
				   .cookies = cookies,
				   .cookie_count = cookie_count };
	char *body = html(arena, status);

	if (!body)
		return ERR_NOMEM;
	content.body = bytes_of(body);
	return build(&content, listener, unix_ms, arena, ret_page);
}

/* gRPC's own table of HTTP statuses (reference/alb.md §5.9). */
static const struct {
	uint16_t status;
	const char *code, *words;
} grpc_statuses[] = {
	{ 400, "13", "internal" },
	{ 401, "16", "unauthenticated" },
	{ 403, "7", "permission denied" },
	{ 404, "12", "unimplemented" },
	{ 429, "14", "unavailable" },
	{ 502, "14", "unavailable" },
	{ 503, "14", "unavailable" },
	{ 504, "14", "unavailable" },
	{ 0, "2", "unknown" },
};

err_t page_error_grpc(uint16_t status, const struct plan_listener *listener, uint64_t unix_ms,
		      struct arena *arena, struct page *ret_page)
{
	struct content content = { .status = status, .type = BYTES("application/grpc") };
	struct http_field *fields;
	unsigned count, row = 0;

	TRY(build(&content, listener, unix_ms, arena, ret_page));
	while (grpc_statuses[row].status && grpc_statuses[row].status != status)
		row++;
	count = ret_page->head.field_count;
	fields = arena_array(arena, count + 2, sizeof *fields);
	if (!fields)
		return ERR_NOMEM;
	memcpy(fields, ret_page->head.fields, count * sizeof *fields);
	fields[count++] = (struct http_field){ BYTES("grpc-status"),
					       bytes_of(grpc_statuses[row].code) };
	fields[count++] = (struct http_field){ BYTES("grpc-message"),
					       bytes_of(grpc_statuses[row].words) };
	ret_page->head.fields = fields;
	ret_page->head.field_count = count;
	ret_page->close = false;
	return ERR_OK;
}

err_t page_fixed(const struct plan_action *action, const struct plan_listener *listener,
		 uint64_t unix_ms, struct arena *arena, struct page *ret_page)
{
	struct content content = { .status = action->status, .body = action->body };
	struct bytes type = action->content_type.len ? action->content_type : BYTES("text/plain");
	char *with_charset = arena_printf(arena, "%.*s; charset=utf-8", BYTES_ARG(type));

	assert(action->kind == ACTION_FIXED_RESPONSE);
	if (!with_charset)
		return ERR_NOMEM;
	content.type = bytes_of(with_charset);
	TRY(build(&content, listener, unix_ms, arena, ret_page));
	ret_page->close = false; /* the status is the rule's wish, not a fault of the request */
	return ERR_OK;
}

/* ---- Redirects ---- */

/* What the placeholders stand for. */
struct redirect_values {
	struct bytes protocol, host, port, path, query; /* path without its first "/" */
};

/* A control byte would end the header, a blank the URL: neither gets in, whoever sent it. */
static void add_visible(struct text *out, struct bytes value)
{
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.at[i];

		if (c <= ' ' || c == 0x7f)
			text_printf(out, "%%%02X", c);
		else
			text_add_char(out, value.at[i]);
	}
}

static void expand(struct text *out, struct bytes pattern, const struct redirect_values *values)
{
	const struct {
		struct bytes name, value;
	} placeholders[] = {
		{ BYTES("#{protocol}"), values->protocol }, { BYTES("#{host}"), values->host },
		{ BYTES("#{port}"), values->port },	    { BYTES("#{path}"), values->path },
		{ BYTES("#{query}"), values->query },
	};

	while (pattern.len > 0) {
		size_t took = 0;

		for (size_t i = 0; i < COUNT(placeholders) && took == 0; i++)
			if (bytes_starts(pattern, placeholders[i].name)) {
				add_visible(out, placeholders[i].value);
				took = placeholders[i].name.len;
			}
		if (took == 0) {
			add_visible(out, bytes_upto(pattern, 1));
			took = 1;
		}
		pattern = bytes_from(pattern, took);
	}
}

static void add_lower(struct text *out, struct bytes value)
{
	for (size_t i = 0; i < value.len; i++)
		text_add_char(out, ascii_lower(value.at[i]));
}

/* The protocol is written in capitals in the API and in small letters in a URL. */
static void locate(struct text *out, const struct plan_action *action,
		   const struct redirect_values *values)
{
	size_t question;

	if (bytes_eq(action->protocol, BYTES("#{protocol}")))
		text_add(out, values->protocol);
	else
		add_lower(out, action->protocol);
	text_add_str(out, "://");
	expand(out, action->host, values);
	text_add_char(out, ':');
	expand(out, action->port, values);
	expand(out, action->path, values);
	question = out->len;
	text_add_char(out, '?');
	expand(out, action->query, values);
	if (!text_err(out) && out->len == question + 1)
		out->at[--out->len] = '\0'; /* an empty query leaves no "?" */
}

err_t page_redirect(const struct plan_action *action, const struct plan_listener *listener,
		    const struct route_facts *facts, bool tls, uint64_t unix_ms,
		    struct arena *arena, struct page *ret_page, struct bytes *ret_location)
{
	char *body = html(arena, action->status);
	struct redirect_values values = {
		.protocol = tls ? BYTES("https") : BYTES("http"),
		.host = host_without_port(facts->host),
		.port = listener->port_text,
		.path = bytes_starts(facts->path, BYTES("/")) ? bytes_from(facts->path, 1)
							      : facts->path,
		.query = facts->query,
	};
	struct text location = TEXT_INIT(PAGE_LOCATION_MAX + 1); /* the "?" may go again */
	struct content content = { .status = action->status, .type = BYTES("text/html") };
	err_t err;

	assert(action->kind == ACTION_REDIRECT);
	if (!body)
		return ERR_NOMEM;
	content.body = bytes_of(body);
	locate(&location, action, &values);
	err = text_err(&location);
	if (!err && location.len > PAGE_LOCATION_MAX)
		err = ERR_TOO_LARGE;
	if (!err)
		err = arena_copy(arena, text_bytes(&location), &content.location);
	text_fini(&location);
	TRY(err);
	TRY(build(&content, listener, unix_ms, arena, ret_page));
	*ret_location = content.location;
	return ERR_OK;
}

err_t page_retry_after(struct page *page, uint32_t seconds, struct arena *arena)
{
	struct http_field *fields = arena_array(arena, page->head.field_count + 1, sizeof *fields);
	char *value = arena_printf(arena, "%u", seconds);

	if (!fields || !value)
		return ERR_NOMEM;
	memcpy(fields, page->head.fields, page->head.field_count * sizeof *fields);
	fields[page->head.field_count++] = (struct http_field){ BYTES("Retry-After"),
								bytes_of(value) };
	page->head.fields = fields;
	return ERR_OK;
}
