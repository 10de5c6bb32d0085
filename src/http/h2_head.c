#include <stdlib.h>

#include "http/h2_internal.h"

struct h2_head {
	struct arena arena;
	struct http_head head;
	struct http_field *fields;
	unsigned count, cap;
	unsigned cookies;
	size_t size_bytes, max_bytes;
	err_t err; /* the first thing wrong with it */
	struct bytes path, status;
	bool te_trailers;
};

enum {
	GIVE_UP_FACTOR = 4, /* beyond so many times the limit, nobody gets an answer */
	TABLE_BYTES = 2 * HTTP_FIELDS_MAX * (int)sizeof(struct http_field),
};

struct h2_head *h2_head_create(size_t max_bytes)
{
	struct h2_head *head = calloc(1, sizeof *head);

	if (!head)
		return NULL;
	head->max_bytes = max_bytes;
	/* Names, values, cookies joined, and the table as it grew. */
	arena_init(&head->arena, 3 * max_bytes + 2 * TABLE_BYTES);
	return head;
}

void h2_head_free(struct h2_head *head)
{
	if (!head)
		return;
	arena_fini(&head->arena);
	free(head);
}

err_t h2_head_error(const struct h2_head *head)
{
	return head->err;
}

const struct http_head *h2_head_of(const struct h2_head *head)
{
	return &head->head;
}

const struct http_field *h2_head_fields(const struct h2_head *head, unsigned *ret_count)
{
	*ret_count = head->count;
	return head->fields;
}

uint16_t h2_head_status(const struct h2_head *head)
{
	uint64_t status;

	return bytes_to_u64(head->status, 999, &status) ? 0 : (uint16_t)status;
}

/* ---- From the wire ---- */

static void fail(struct h2_head *head, err_t err)
{
	if (!head->err)
		head->err = err;
}

static bool make_room(struct h2_head *head)
{
	unsigned cap = head->cap ? head->cap * 2 : 16;
	struct http_field *grown;

	if (head->count < head->cap)
		return true;
	grown = arena_array(&head->arena, cap, sizeof *grown);
	if (!grown)
		return false;
	if (head->count)
		memcpy(grown, head->fields, head->count * sizeof *grown);
	head->fields = grown;
	head->cap = cap;
	return true;
}

static void add_field(struct h2_head *head, struct bytes name, struct bytes value)
{
	struct http_field *field;

	if (head->count == HTTP_FIELDS_MAX) {
		fail(head, ERR_FIELDS_TOO_LARGE);
		return;
	}
	if (!make_room(head)) {
		fail(head, ERR_NOMEM);
		return;
	}
	field = &head->fields[head->count];
	if (arena_copy(&head->arena, name, &field->name) ||
	    arena_copy(&head->arena, value, &field->value)) {
		fail(head, ERR_NOMEM);
		return;
	}
	head->count++;
}

static void add_pseudo(struct h2_head *head, struct bytes name, struct bytes value)
{
	struct bytes *into = bytes_eq(name, BYTES(":path"))	   ? &head->path
			     : bytes_eq(name, BYTES(":method"))	   ? &head->head.method
			     : bytes_eq(name, BYTES(":authority")) ? &head->head.authority
			     : bytes_eq(name, BYTES(":status"))	   ? &head->status
								   : NULL;

	if (into && arena_copy(&head->arena, value, into))
		fail(head, ERR_NOMEM);
}

bool h2_head_add(struct h2_head *head, struct bytes name, struct bytes value)
{
	head->size_bytes += name.len + value.len + 32; /* as SETTINGS_MAX_HEADER_LIST_SIZE counts */
	if (head->size_bytes > head->max_bytes)
		fail(head, ERR_FIELDS_TOO_LARGE);
	if (bytes_eq(name, BYTES(":path")) && value.len > H2_PATH_MAX)
		fail(head, ERR_URI_TOO_LARGE);
	else if (name.len + value.len > H2_FIELD_MAX)
		fail(head, ERR_FIELDS_TOO_LARGE);
	if (head->err)
		return head->size_bytes <= GIVE_UP_FACTOR * head->max_bytes;
	if (name.len && name.at[0] == ':') {
		add_pseudo(head, name, value);
		return true;
	}
	if (bytes_eq(name, BYTES("te")) && bytes_eq_nocase(value, BYTES("trailers")))
		head->te_trailers = true;
	head->cookies += bytes_eq(name, BYTES("cookie"));
	add_field(head, name, value);
	return true;
}

/* A cookie may come in crumbs; other versions know one line (RFC 9113 §8.2.3). */
static void join_cookies(struct h2_head *head)
{
	struct http_field *first = NULL;
	unsigned kept = 0;
	size_t len = 0;
	char *at, *end;

	if (head->cookies < 2)
		return;
	for (unsigned i = 0; i < head->count; i++)
		if (bytes_eq(head->fields[i].name, BYTES("cookie")))
			len += head->fields[i].value.len + 2;
	at = end = arena_alloc(&head->arena, len);
	if (!at) {
		fail(head, ERR_NOMEM);
		return;
	}
	for (unsigned i = 0; i < head->count; i++) {
		struct http_field *field = &head->fields[i];

		if (bytes_eq(field->name, BYTES("cookie"))) {
			if (field->value.len)
				memcpy(end, field->value.at, field->value.len);
			memcpy(end + field->value.len, "; ", 2);
			end += field->value.len + 2;
			if (first)
				continue;
			first = &head->fields[kept];
		}
		head->fields[kept++] = *field;
	}
	first->value = bytes_make(at, len - 2);
	head->count = kept;
}

/* The host that was asked for is :authority, and Host says the same to all that read it. */
static void settle_host(struct h2_head *head)
{
	struct bytes host = BYTES_NONE;
	unsigned kept = 0;

	for (unsigned i = 0; i < head->count; i++) {
		if (bytes_eq(head->fields[i].name, BYTES("host"))) {
			if (!host.at)
				host = head->fields[i].value;
			continue;
		}
		head->fields[kept++] = head->fields[i];
	}
	head->count = kept;
	if (!head->head.authority.len)
		head->head.authority = host;
	if (!head->head.authority.len)
		return;
	if (kept == HTTP_FIELDS_MAX || !make_room(head)) {
		fail(head, ERR_FIELDS_TOO_LARGE);
		return;
	}
	memmove(head->fields + 1, head->fields, kept * sizeof *head->fields);
	head->fields[0] = (struct http_field){ BYTES("host"), head->head.authority };
	head->count++;
	head->head.flags |= HTTP_FLAG_HAS_HOST;
}

static void settle_framing(struct h2_head *head, struct h2_head_kind kind)
{
	struct http_head *h = &head->head;
	bool bodyless = kind.end || (kind.response && (kind.head_request || h->status < 200 ||
						       h->status == 204 || h->status == 304));
	uint64_t length;

	h->framing = bodyless ? HTTP_BODY_NONE : HTTP_BODY_FRAMES;
	if (bytes_to_u64(http_value(h, BYTES("content-length")), UINT64_MAX, &length))
		return;
	h->length = length;
	h->flags |= HTTP_FLAG_HAS_LENGTH;
	if (!bodyless)
		h->framing = HTTP_BODY_LENGTH;
}

err_t h2_head_finish(struct h2_head *head, struct h2_head_kind kind)
{
	struct http_head *h = &head->head;

	h->is_response = kind.response;
	h->version = HTTP_2;
	h->flags = HTTP_FLAG_KEEP_ALIVE | (head->te_trailers ? HTTP_FLAG_TE_TRAILERS : 0);
	h->wire_bytes = (uint32_t)head->size_bytes;
	if (kind.response) {
		h->status = h2_head_status(head);
		h->reason = bytes_of(http_reason(h->status));
	} else {
		join_cookies(head);
		settle_host(head);
		/* CONNECT has no path: its target is the authority, as in HTTP/1. */
		h->target = head->path.len ? head->path : h->authority;
	}
	h->fields = head->fields;
	h->field_count = head->count;
	settle_framing(head, kind);
	if (head->err)
		h->framing = HTTP_BODY_NONE;
	return head->err;
}

struct h2_head *h2_head_of_fields(const struct http_field *fields, unsigned count)
{
	struct h2_head *head = h2_head_create(H2_RESPONSE_HEAD_MAX);

	for (unsigned i = 0; head && i < count; i++)
		h2_head_add(head, fields[i].name, fields[i].value);
	if (head && head->err) {
		h2_head_free(head);
		return NULL;
	}
	return head;
}

/* ---- To the wire ---- */

/* Of a connection, which HTTP/2 has none of to speak about (RFC 9113 §8.2.2). */
static const struct bytes left_out[] = {
	{ "Connection", 10 },	     { "Keep-Alive", 10 }, { "Proxy-Connection", 16 },
	{ "Transfer-Encoding", 17 }, { "Upgrade", 7 },	   { "TE", 2 },
	{ "HTTP2-Settings", 14 },
};

static bool is_left_out(struct bytes name)
{
	for (size_t i = 0; i < COUNT(left_out); i++)
		if (bytes_eq_nocase(name, left_out[i]))
			return true;
	return false;
}

/* What reads it may log it, but no table on the way is to keep it (RFC 7541 §7.1.3). */
static bool is_secret(struct bytes name)
{
	return bytes_eq_nocase(name, BYTES("authorization")) ||
	       bytes_eq_nocase(name, BYTES("proxy-authorization"));
}

static void add_nv(nghttp2_nv *nva, size_t *count, struct bytes name, struct bytes value)
{
	uint8_t flags = is_secret(name) ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE;

	nva[(*count)++] = (nghttp2_nv){
		.name = (uint8_t *)(uintptr_t)name.at,
		.value = (uint8_t *)(uintptr_t)value.at,
		.namelen = name.len,
		.valuelen = value.len,
		.flags = flags,
	};
}

static bool value_is_sendable(struct bytes value)
{
	return nghttp2_check_header_value((const uint8_t *)value.at, value.len);
}

static err_t add_request(const struct http_head *head, bool secure, nghttp2_nv *nva, size_t *count)
{
	struct bytes host = http_value(head, BYTES("Host"));

	if (!host.len)
		host = head->authority;
	if (!http_is_token(head->method) || head->target.len == 0 ||
	    !nghttp2_check_path((const uint8_t *)head->target.at, head->target.len) ||
	    !nghttp2_check_authority((const uint8_t *)host.at, host.len))
		return ERR_INVALID;
	add_nv(nva, count, BYTES(":method"), head->method);
	add_nv(nva, count, BYTES(":scheme"), secure ? BYTES("https") : BYTES("http"));
	add_nv(nva, count, BYTES(":path"), head->target);
	if (host.len)
		add_nv(nva, count, BYTES(":authority"), host);
	return ERR_OK;
}

err_t h2_nv_of(const struct http_head *head, bool secure, char digits[4], nghttp2_nv *nva,
	       size_t *ret_count)
{
	size_t count = 0;

	if (head->field_count > H2_NV_MAX - 8)
		return ERR_FIELDS_TOO_LARGE;
	if (head->is_response) {
		for (int i = 2, rest = head->status; i >= 0; i--, rest /= 10)
			digits[i] = (char)('0' + rest % 10);
		add_nv(nva, &count, BYTES(":status"), bytes_make(digits, 3));
	} else {
		TRY(add_request(head, secure, nva, &count));
	}
	for (unsigned i = 0; i < head->field_count; i++) {
		const struct http_field *field = &head->fields[i];

		if (is_left_out(field->name) ||
		    (!head->is_response && bytes_eq_nocase(field->name, BYTES("Host"))))
			continue;
		if (!http_is_token(field->name) || !value_is_sendable(field->value))
			return ERR_INVALID;
		add_nv(nva, &count, field->name, field->value);
	}
	if (head->flags & HTTP_FLAG_TE_TRAILERS && !head->is_response)
		add_nv(nva, &count, BYTES("te"), BYTES("trailers"));
	*ret_count = count;
	return ERR_OK;
}

size_t h2_nv_of_trailers(const struct http_field *fields, unsigned count, nghttp2_nv *nva)
{
	size_t sent = 0;

	for (unsigned i = 0; i < count && sent < H2_NV_MAX; i++)
		if (!is_left_out(fields[i].name) && http_is_token(fields[i].name) &&
		    value_is_sendable(fields[i].value))
			add_nv(nva, &sent, fields[i].name, fields[i].value);
	return sent;
}
