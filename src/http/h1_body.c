/*
 * Bodies: pieces as they came, and where the payload lies in them. Chunks are scanned, not
 * decoded: `wire` can go on as it is.
 */
#include "http/h1_internal.h"

#include "http/chars.h"
#include "http/desync_internal.h"

static _Thread_local struct http_body scratch;
static _Thread_local struct http_field trailer_fields[H1_TRAILER_FIELDS_MAX];

const struct http_body *h1_parser_body(const struct h1_parser *parser)
{
	(void)parser;
	return &scratch;
}

static struct http_body *begin_piece(const struct h1_parser *parser, const char *at)
{
	scratch.framing = parser->framing;
	scratch.wire = bytes_make(at, 0);
	scratch.data_count = 0;
	scratch.end = false;
	scratch.boundary = false;
	scratch.trailers = NULL;
	scratch.trailer_count = 0;
	return &scratch;
}

static void add_data(struct http_body *body, const char *at, size_t len)
{
	body->data[body->data_count++] = bytes_make(at, len);
}

/* ---- LENGTH and CLOSE: the payload is all there is ---- */

static enum h1_result feed_plain(struct h1_parser *parser, struct bytes *in)
{
	struct http_body *body;
	size_t len = in->len;

	if (!len)
		return H1_MORE;
	if (parser->state == H1_STATE_LENGTH) {
		len = len < parser->left_bytes ? len : (size_t)parser->left_bytes;
		parser->left_bytes -= len;
	}
	body = begin_piece(parser, in->at);
	body->wire.len = len;
	add_data(body, in->at, len);
	if (parser->state == H1_STATE_LENGTH && !parser->left_bytes) {
		body->end = true;
		parser->state = H1_STATE_DONE;
	}
	*in = bytes_from(*in, len);
	return H1_BODY;
}

/* ---- Trailers ---- */

static bool is_framing_name(struct bytes name)
{
	return desync_similarity(DESYNC_TE, name) != DESYNC_DISTANT ||
	       desync_similarity(DESYNC_CL, name) != DESYNC_DISTANT;
}

err_t h1_trailers_parse(struct bytes block, struct http_field *fields, unsigned fields_max,
			unsigned *ret_count)
{
	const char *at = block.at, *end = block.at + block.len;
	unsigned count = 0;

	while (end - at > 2) {
		const char *colon = scan_token(at, end), *value_end;

		if (colon == end || colon == at || *colon != ':')
			return ERR_BAD_MESSAGE;
		value_end = scan_value(colon + 1, end);
		if (end - value_end < 2 || value_end[0] != '\r' || value_end[1] != '\n')
			return ERR_BAD_MESSAGE;
		if (count == fields_max)
			return ERR_FIELDS_TOO_LARGE;
		fields[count].name = bytes_make(at, (size_t)(colon - at));
		fields[count].value = bytes_trim(
			bytes_make(colon + 1, (size_t)(value_end - colon - 1)));
		if (is_framing_name(fields[count].name))
			return ERR_BAD_MESSAGE;
		count++;
		at = value_end + 2;
	}
	if (end - at != 2 || at[0] != '\r' || at[1] != '\n')
		return ERR_BAD_MESSAGE;
	*ret_count = count;
	return ERR_OK;
}

/*
 * Trailers are handed up whole, when they are known to be well formed: a target that knows no
 * trailers would take their lines for the next request.
 */
static enum h1_result feed_trailers(struct h1_parser *parser, struct bytes *in)
{
	static const struct h1_gather_limits limits = {
		H1_TRAILERS_MAX, H1_TRAILERS_MAX, H1_TRAILERS_MAX, ERR_FIELDS_TOO_LARGE, false,
	};
	struct h1_head_memory *memory = parser->memory;
	struct http_body *body;
	bool complete;
	err_t err;

	if (!memory)
		memory = parser->memory = h1_memory_get();
	if (!memory)
		return h1_fail(parser, ERR_NOMEM);
	parser->state = H1_STATE_TRAILERS;
	err = h1_gather(&memory->trailers, &limits, in, &complete);
	if (!err && !complete)
		return H1_MORE;
	body = begin_piece(parser, memory->trailers.at);
	body->wire.len = memory->trailers.len;
	if (!err)
		err = h1_trailers_parse(body->wire, trailer_fields, H1_TRAILER_FIELDS_MAX,
					&body->trailer_count);
	if (err)
		return h1_fail(parser, err);
	body->trailers = trailer_fields;
	body->end = true;
	parser->state = H1_STATE_DONE;
	return H1_BODY;
}

/* ---- Chunks ---- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One byte of a chunk's line or of what ends its data. False when it may not stand there. */
static bool step(struct h1_parser *parser, char c)
{
	int digit;

	switch ((enum h1_state)parser->state) {
	case H1_STATE_SIZE:
		digit = hex_digit(c);
		if (digit >= 0) {
			if (parser->left_bytes >> 60)
				return false;
			parser->left_bytes = parser->left_bytes << 4 | (uint64_t)digit;
			break;
		}
		if (!parser->line_bytes)
			return false;
		/* fall through */
	case H1_STATE_SIZE_GAP:
		if (c == ' ' || c == '\t')
			parser->state = H1_STATE_SIZE_GAP;
		else if (c == ';')
			parser->state = H1_STATE_EXT;
		else if (c == '\r' && parser->state == H1_STATE_SIZE)
			parser->state = H1_STATE_SIZE_LF;
		else
			return false;
		break;
	case H1_STATE_EXT:
		if (c == '\r')
			parser->state = H1_STATE_SIZE_LF;
		else if (char_is_control(c))
			return false;
		break;
	case H1_STATE_SIZE_LF:
		parser->state = parser->left_bytes ? H1_STATE_DATA : H1_STATE_TRAILER;
		parser->line_bytes = 0;
		return c == '\n';
	case H1_STATE_DATA_CR: parser->state = H1_STATE_DATA_LF; return c == '\r';
	case H1_STATE_DATA_LF:
		parser->state = H1_STATE_SIZE;
		parser->line_bytes = 0;
		return c == '\n';
	case H1_STATE_TRAILER: parser->state = H1_STATE_LAST_LF; return c == '\r';
	case H1_STATE_LAST_LF: parser->state = H1_STATE_DONE; return c == '\n';
	default: assert(false && "a state without bytes of its own"); return false;
	}
	return ++parser->line_bytes <= H1_CHUNK_LINE_MAX;
}

/* "1a\r\n" at once, as most chunks begin; `at` as it was when it is anything else. */
static const char *read_size_line(struct h1_parser *parser, const char *at, const char *end)
{
	const char *start = at;
	uint64_t size = 0;
	int digit;

	/* At most 8 digits, so that nothing overflows here. */
	while (end - at > 2 && at - start < 8 && (digit = hex_digit(*at)) >= 0) {
		size = size << 4 | (uint64_t)digit;
		at++;
	}
	if (at == start || !size || end - at < 2 || at[0] != '\r' || at[1] != '\n')
		return start;
	parser->left_bytes = size;
	parser->state = H1_STATE_DATA;
	return at + 2;
}

static const char *read_data(struct h1_parser *parser, struct http_body *body, const char *at,
			     const char *end)
{
	size_t len = (size_t)(end - at);

	if (len > parser->left_bytes)
		len = (size_t)parser->left_bytes;
	add_data(body, at, len);
	parser->left_bytes -= len;
	at += len;
	if (parser->left_bytes)
		return at;
	parser->state = H1_STATE_DATA_CR;
	if (end - at >= 2 && at[0] == '\r' && at[1] == '\n') {
		parser->state = H1_STATE_SIZE;
		at += 2;
	}
	return at;
}

/*
 * Reads to the end of the bytes, of the message, or of the slices. Stops before trailers, whose
 * bytes are withheld until they are whole.
 */
static enum h1_result feed_chunks(struct h1_parser *parser, struct bytes *in)
{
	struct http_body *body = begin_piece(parser, in->at);
	const char *at = in->at, *end = in->at + in->len;

	while (at < end && parser->state != H1_STATE_DONE) {
		if (parser->state == H1_STATE_SIZE && !parser->line_bytes) {
			const char *data = read_size_line(parser, at, end);

			if (data != at) {
				at = data;
				continue;
			}
		}
		if (parser->state == H1_STATE_DATA) {
			if (body->data_count == HTTP_SLICES_MAX)
				break;
			at = read_data(parser, body, at, end);
			continue;
		}
		if (parser->state == H1_STATE_TRAILER && *at != '\r')
			break;
		if (!step(parser, *at)) {
			h1_fail(parser, ERR_BAD_MESSAGE);
			break;
		}
		at++;
	}
	/* What was good before the bad byte goes up first; the next call says H1_FAILED. */
	if (parser->state == H1_STATE_FAILED && at == in->at)
		return H1_FAILED;
	body->wire.len = (size_t)(at - in->at);
	body->end = parser->state == H1_STATE_DONE;
	body->boundary = parser->state == H1_STATE_SIZE && !parser->line_bytes;
	*in = bytes_from(*in, body->wire.len);
	return H1_BODY;
}

enum h1_result h1_body_feed(struct h1_parser *parser, struct bytes *in)
{
	if (parser->state == H1_STATE_LENGTH || parser->state == H1_STATE_CLOSE)
		return feed_plain(parser, in);
	if (!in->len)
		return H1_MORE;
	if (parser->state == H1_STATE_TRAILERS ||
	    (parser->state == H1_STATE_TRAILER && in->at[0] != '\r'))
		return feed_trailers(parser, in);
	return feed_chunks(parser, in);
}
