/* Heads as bytes. Gathered on the stack first: a text grows in few steps then. */
#include "http/h1.h"

#include "http/chars.h"
#include "http/desync_internal.h"

struct writer {
	struct text *text;
	size_t len;
	char at[2048];
};

static void flush(struct writer *writer)
{
	text_add(writer->text, bytes_make(writer->at, writer->len));
	writer->len = 0;
}

/* Whether `len` bytes may be put, after a flush if need be. */
static bool make_room(struct writer *writer, size_t len)
{
	if (len > sizeof writer->at - writer->len)
		flush(writer);
	return len <= sizeof writer->at;
}

/* There is room. */
static inline void put_inside(struct writer *writer, struct bytes b)
{
	if (b.len)
		memcpy(writer->at + writer->len, b.at, b.len);
	writer->len += b.len;
}

static void put(struct writer *writer, struct bytes b)
{
	if (make_room(writer, b.len))
		put_inside(writer, b);
	else
		text_add(writer->text, b);
}

static void put_u64(struct writer *writer, uint64_t value)
{
	char digits[20];
	size_t start = sizeof digits;

	do {
		digits[--start] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	put(writer, bytes_make(digits + start, sizeof digits - start));
}

/* Whoever got CR, LF or NUL in here would write lines of their own into the head. */
static inline bool is_clean(struct bytes b)
{
	return !b.len || scan_line_break(b.at, b.at + b.len) == b.at + b.len;
}

static void put_clean(struct writer *writer, struct bytes b)
{
	assert(is_clean(b));
	put(writer, b);
}

static void put_version(struct writer *writer, enum http_version version)
{
	put(writer, version == HTTP_1_0 ? BYTES("HTTP/1.0") : BYTES("HTTP/1.1"));
}

static void put_field(struct writer *writer, const struct http_field *field)
{
	assert(is_clean(field->name) && is_clean(field->value));
	if (make_room(writer, field->name.len + field->value.len + 4)) {
		put_inside(writer, field->name);
		put_inside(writer, BYTES(": "));
		put_inside(writer, field->value);
		put_inside(writer, BYTES("\r\n"));
	} else {
		put(writer, field->name);
		put(writer, BYTES(": "));
		put(writer, field->value);
		put(writer, BYTES("\r\n"));
	}
}

static void put_framing(struct writer *writer, const struct http_head *head)
{
	bool bodiless = head->is_response && head->framing == HTTP_BODY_NONE;

	if (head->framing == HTTP_BODY_CHUNKED)
		put(writer, BYTES("Transfer-Encoding: chunked\r\n"));
	if (head->framing == HTTP_BODY_LENGTH ||
	    (bodiless && (head->flags & HTTP_FLAG_HAS_LENGTH))) {
		put(writer, BYTES("Content-Length: "));
		put_u64(writer, head->length);
		put(writer, BYTES("\r\n"));
	}
	put(writer, BYTES("\r\n"));
}

void h1_write_request(struct text *out, const struct http_head *head)
{
	struct writer writer;

	assert(!head->is_response && head->method.len && head->target.len);
	assert(head->framing != HTTP_BODY_CLOSE && head->framing != HTTP_BODY_FRAMES);
	writer.text = out;
	writer.len = 0;
	put_clean(&writer, head->method);
	put(&writer, BYTES(" "));
	put_clean(&writer, head->target);
	put(&writer, BYTES(" "));
	put_version(&writer, head->version);
	put(&writer, BYTES("\r\n"));
	for (unsigned i = 0; i < head->field_count; i++)
		put_field(&writer, &head->fields[i]);
	put_framing(&writer, head);
	flush(&writer);
}

void h1_write_response(struct text *out, const struct http_head *head)
{
	struct writer writer;

	assert(head->is_response && head->status >= 100 && head->status <= 999);
	assert(head->framing != HTTP_BODY_FRAMES);
	writer.text = out;
	writer.len = 0;
	put_version(&writer, head->version);
	put(&writer, BYTES(" "));
	put_u64(&writer, head->status);
	put(&writer, BYTES(" "));
	put_clean(&writer, head->reason);
	put(&writer, BYTES("\r\n"));
	for (unsigned i = 0; i < head->field_count; i++)
		put_field(&writer, &head->fields[i]);
	put_framing(&writer, head);
	flush(&writer);
}

size_t h1_chunk_head(char out[H1_CHUNK_HEAD_BYTES], uint64_t data_bytes)
{
	size_t digits = 1, at;

	assert(data_bytes > 0); /* a chunk of 0 would end the message */
	while (digits < 16 && data_bytes >> (4 * digits))
		digits++;
	for (at = digits; at > 0; at--, data_bytes >>= 4)
		out[at - 1] = "0123456789abcdef"[data_bytes & 15];
	out[digits] = '\r';
	out[digits + 1] = '\n';
	return digits + 2;
}

static bool is_trailer(const struct http_field *field)
{
	if (!http_is_token(field->name) ||
	    desync_similarity(DESYNC_TE, field->name) != DESYNC_DISTANT ||
	    desync_similarity(DESYNC_CL, field->name) != DESYNC_DISTANT)
		return false;
	for (size_t i = 0; i < field->value.len; i++)
		if (field->value.at[i] == '\r' || field->value.at[i] == '\n' || !field->value.at[i])
			return false;
	return true;
}

void h1_write_last_chunk(struct text *out, const struct http_field *trailers, unsigned count)
{
	size_t bytes = 0;

	text_add(out, BYTES("0\r\n"));
	for (unsigned i = 0; i < count; i++)
		bytes += trailers[i].name.len + trailers[i].value.len + 4;
	for (unsigned i = 0; i < count && bytes <= H1_TRAILERS_MAX; i++) {
		if (!is_trailer(&trailers[i]))
			continue;
		text_add(out, trailers[i].name);
		text_add(out, BYTES(": "));
		text_add(out, trailers[i].value);
		text_add(out, BYTES("\r\n"));
	}
	text_add(out, BYTES("\r\n"));
}
