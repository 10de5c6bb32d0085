#include "conn/h1_head.h"

/* What the codec says itself, or not at all. */
static const struct {
	struct bytes name;
	bool framing; /* else about the connection */
} own_fields[] = {
	{ { "Connection", 10 }, false },       { { "Keep-Alive", 10 }, false },
	{ { "Proxy-Connection", 16 }, false }, { { "TE", 2 }, false },
	{ { "Upgrade", 7 }, false },	       { { "Transfer-Encoding", 17 }, true },
	{ { "Content-Length", 14 }, true },
};

enum own { OWN_NOT, OWN_CONNECTION, OWN_FRAMING };

static enum own own_field(struct bytes name)
{
	for (size_t i = 0; i < COUNT(own_fields); i++)
		if (name.len == own_fields[i].name.len &&
		    ascii_lower(name.at[0]) == ascii_lower(own_fields[i].name.at[0]) &&
		    bytes_eq_nocase(name, own_fields[i].name))
			return own_fields[i].framing ? OWN_FRAMING : OWN_CONNECTION;
	return OWN_NOT;
}

/* ---- What may not go out ---- */

/* One comparison for nearly every byte: what breaks a line is among the lowest. */
static bool has_break(struct bytes b)
{
	for (size_t i = 0; i < b.len; i++)
		if ((unsigned char)b.at[i] <= '\r' &&
		    (b.at[i] == '\r' || b.at[i] == '\n' || b.at[i] == '\0'))
			return true;
	return false;
}

/* A target is sent as it came; a blank in it would end it. */
static bool has_blank(struct bytes b)
{
	for (size_t i = 0; i < b.len; i++)
		if ((unsigned char)b.at[i] <= ' ' || b.at[i] == 0x7f)
			return true;
	return false;
}

/*
 * Names need not be tokens: what to do with odd ones is the owner's decision (ALB forwards them by
 * default). But a name that would read as another field, or none, cannot be sent.
 */
static bool name_is_sendable(struct bytes name)
{
	for (size_t i = 0; i < name.len; i++)
		if ((unsigned char)name.at[i] <= ' ' || name.at[i] == ':' || name.at[i] == 0x7f)
			return false;
	return name.len > 0;
}

static err_t check(const struct http_head *head)
{
	if (head->field_count > H1_OUT_FIELDS_MAX)
		return ERR_FIELDS_TOO_LARGE;
	for (unsigned i = 0; i < head->field_count; i++)
		if (!name_is_sendable(head->fields[i].name) || has_break(head->fields[i].value))
			return ERR_INVALID;
	return ERR_OK;
}

/* ---- Fields ---- */

static void add(struct h1_out *out, struct http_field field)
{
	out->fields[out->head.field_count++] = field;
}

static struct bytes decimal(struct h1_out *out, uint64_t value)
{
	size_t start = sizeof out->digits;

	do {
		out->digits[--start] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	return bytes_make(out->digits + start, sizeof out->digits - start);
}

/* The field that announces `framing`; false when there is none to write. */
static bool framing_field(struct h1_out *out, enum http_framing framing, uint64_t length,
			  struct http_field *ret_field)
{
	if (framing == HTTP_BODY_CHUNKED) {
		*ret_field = (struct http_field){ BYTES("Transfer-Encoding"), BYTES("chunked") };
		return true;
	}
	if (framing == HTTP_BODY_LENGTH) {
		*ret_field = (struct http_field){ BYTES("Content-Length"), decimal(out, length) };
		return true;
	}
	return false;
}

/* What goes out besides the fields that pass. */
struct own_words {
	const struct http_field *framing; /* NULL: none */
	struct bytes connection;	  /* BYTES_NONE: none */
	bool upgrade;			  /* the Upgrade field passes */
};

static void fill(struct h1_out *out, const struct http_head *head, struct own_words words)
{
	const struct http_field *framing = words.framing;

	out->head = *head;
	out->head.version = HTTP_1_1;
	out->head.framing = HTTP_BODY_NONE;
	out->head.flags &= ~(uint32_t)HTTP_FLAG_HAS_LENGTH; /* it is among the fields */
	out->head.fields = out->fields;
	out->head.field_count = 0;
	for (unsigned i = 0; i < head->field_count; i++) {
		const struct http_field *field = &head->fields[i];
		enum own own = own_field(field->name);

		if (own == OWN_NOT ||
		    (words.upgrade && bytes_eq_nocase(field->name, BYTES("Upgrade")))) {
			add(out, *field);
		} else if (own == OWN_FRAMING && framing) {
			add(out, *framing);
			framing = NULL;
		}
	}
	if (framing)
		add(out, *framing);
	if (words.connection.len)
		add(out, (struct http_field){ BYTES("Connection"), words.connection });
}

/* ---- Requests ---- */

static bool method_has_body(struct bytes method)
{
	return bytes_eq(method, BYTES("POST")) || bytes_eq(method, BYTES("PUT")) ||
	       bytes_eq(method, BYTES("PATCH"));
}

err_t h1_out_request(struct h1_out *out, const struct http_head *head)
{
	bool upgrade = head->flags & HTTP_FLAG_UPGRADE;
	struct own_words words = { .upgrade = upgrade };
	enum http_framing announced = head->framing;
	struct http_field field;

	if (!http_is_token(head->method) || head->target.len == 0 || has_blank(head->target) ||
	    head->framing == HTTP_BODY_CLOSE)
		return ERR_INVALID;
	TRY(check(head));

	if (announced == HTTP_BODY_FRAMES)
		announced = HTTP_BODY_CHUNKED;
	out->framing = announced;
	out->length = announced == HTTP_BODY_LENGTH ? head->length : 0;
	out->close = head->flags & HTTP_FLAG_CLOSE;
	if (announced == HTTP_BODY_NONE && method_has_body(head->method))
		announced = HTTP_BODY_LENGTH;
	if (framing_field(out, announced, out->length, &field))
		words.framing = &field;
	if (upgrade)
		words.connection = BYTES("upgrade");
	else if (out->close)
		words.connection = BYTES("close");
	fill(out, head, words);
	return ERR_OK;
}

/* ---- Responses ---- */

static bool status_has_no_body(uint16_t status)
{
	return status < 200 || status == 204 || status == 304;
}

/* How a body that may follow is delimited for this client. */
static enum http_framing framing_for(const struct http_head *head, bool http10)
{
	switch (head->framing) {
	case HTTP_BODY_NONE:
	case HTTP_BODY_LENGTH: return HTTP_BODY_LENGTH;
	case HTTP_BODY_CHUNKED:
	case HTTP_BODY_CLOSE:
	case HTTP_BODY_FRAMES: break;
	}
	return http10 ? HTTP_BODY_CLOSE : HTTP_BODY_CHUNKED;
}

/*
 * The framing field of an answer that has no body. One to HEAD, and a 304, tell what GET would
 * have brought (RFC 9110 §8.6): from the framing if there is one, else what its maker wrote.
 */
static bool bodyless_field(struct h1_out *out, const struct http_head *head, bool http10,
			   struct http_field *ret_field)
{
	struct bytes length = http_value(head, BYTES("Content-Length"));
	uint64_t value;

	if (head->status < 200 || head->status == 204)
		return false;
	if (head->framing == HTTP_BODY_CHUNKED && http10)
		return false;
	if (head->framing != HTTP_BODY_NONE)
		return framing_field(out, head->framing, head->length, ret_field);
	if (head->flags & HTTP_FLAG_HAS_LENGTH)
		return framing_field(out, HTTP_BODY_LENGTH, head->length, ret_field);
	if (!length.len || bytes_to_u64(length, UINT64_MAX, &value))
		return false;
	return framing_field(out, HTTP_BODY_LENGTH, value, ret_field);
}

err_t h1_out_response(struct h1_out *out, const struct http_head *head, struct h1_client client)
{
	bool bodyless = client.head_request || status_has_no_body(head->status);
	bool upgrade = head->status == 101 && head->flags & HTTP_FLAG_UPGRADE;
	struct own_words words = { .upgrade = upgrade };
	struct http_field field;
	bool announced;

	if (head->status < 100 || head->status > 999 || has_break(head->reason))
		return ERR_INVALID;
	TRY(check(head));

	out->length = head->framing == HTTP_BODY_LENGTH ? head->length : 0;
	if (bodyless) {
		out->framing = HTTP_BODY_NONE;
		announced = bodyless_field(out, head, client.http10, &field);
	} else {
		out->framing = framing_for(head, client.http10);
		announced = framing_field(out, out->framing, out->length, &field);
	}
	if (announced)
		words.framing = &field;
	out->close = client.close || out->framing == HTTP_BODY_CLOSE;
	if (upgrade)
		words.connection = BYTES("upgrade");
	else if (head->status >= 200)
		words.connection = out->close ? BYTES("close") : BYTES("keep-alive");
	fill(out, head, words);
	return ERR_OK;
}
