/* The parser's memory, and which state reads the bytes. */
#include "http/h1_internal.h"

#include <pthread.h>
#include <stdlib.h>

#include "http/chars.h"

_Static_assert(sizeof(struct h1_parser) <= 40, "an idle stream keeps two of these");

/* ---- Memory ---- */

/*
 * A request that comes and goes in one piece needs a head memory for a microsecond. A thread
 * keeps a few, so that this costs no malloc. Under AddressSanitizer it keeps none, so that a use
 * after the end is caught.
 */
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define H1_SPARES 0
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(H1_SPARES)
#define H1_SPARES 0
#endif
#ifndef H1_SPARES
#define H1_SPARES 4
#endif

struct spares {
	struct h1_head_memory *items[H1_SPARES + 1];
	unsigned count;
	bool known; /* to the key, whose destructor frees them when the thread ends */
};

static _Thread_local struct spares spares;
static pthread_key_t spares_key;
static pthread_once_t spares_once = PTHREAD_ONCE_INIT;

static void free_spares(void *arg)
{
	struct spares *own = arg;

	while (own->count) {
		struct h1_head_memory *memory = own->items[--own->count];

		free(memory->lines.at);
		free(memory);
	}
}

static void make_key(void)
{
	int err = pthread_key_create(&spares_key, free_spares);

	assert(err == 0);
	(void)err;
}

/* Empty again; `lines` alone keeps its buffer. */
static void reset(struct h1_head_memory *memory)
{
	struct h1_lines lines = { .at = memory->lines.at, .cap = memory->lines.cap };

	memset(memory, 0, offsetof(struct h1_head_memory, few));
	memory->fields = memory->few;
	memory->lines = lines;
}

struct h1_head_memory *h1_memory_get(void)
{
	struct h1_head_memory *memory;

	if (spares.count)
		return spares.items[--spares.count];
	memory = malloc(sizeof *memory);
	if (!memory)
		return NULL;
	memory->lines = (struct h1_lines){ 0 };
	reset(memory);
	return memory;
}

static bool keep_as_spare(struct h1_head_memory *memory)
{
	if (spares.count == H1_SPARES)
		return false;
	if (!spares.known) {
		pthread_once(&spares_once, make_key);
		spares.known = pthread_setspecific(spares_key, &spares) == 0;
	}
	if (!spares.known)
		return false;
	if (memory->lines.cap > H1_SPARE_LINES_BYTES) {
		free(memory->lines.at);
		memory->lines = (struct h1_lines){ 0 };
	}
	reset(memory);
	spares.items[spares.count++] = memory;
	return true;
}

void h1_memory_put(struct h1_head_memory *memory)
{
	if (!memory)
		return;
	free(memory->trailers.at);
	if (memory->fields != memory->few)
		free(memory->fields);
	if (keep_as_spare(memory))
		return;
	free(memory->lines.at);
	free(memory);
}

/* ---- Gathering lines ---- */

static err_t append(struct h1_lines *lines, struct bytes b)
{
	size_t cap = lines->cap ? lines->cap : 512;
	char *at;

	while (cap < lines->len + b.len)
		cap *= 2;
	if (cap > lines->cap) {
		at = realloc(lines->at, cap);
		if (!at)
			return ERR_NOMEM;
		lines->at = at;
		lines->cap = (uint32_t)cap;
	}
	memcpy(lines->at + lines->len, b.at, b.len);
	lines->len += (uint32_t)b.len;
	return ERR_OK;
}

/* The line being gathered, without its end; `ended` when the LF is there. */
static err_t check_line(const struct h1_lines *lines, const struct h1_gather_limits *limits,
			bool ended, struct bytes *ret_line)
{
	bool first = lines->line_start == 0;
	uint32_t max = first ? limits->first_line_max : limits->line_max;
	struct bytes line = bytes_make(lines->at + lines->line_start,
				       lines->len - lines->line_start);

	if (ended)
		line.len--;
	/* While a line goes on, its last byte may yet turn out to be the CR of its end. */
	if (ended && bytes_ends(line, BYTES("\r")))
		line.len--;
	if (line.len > max + (ended ? 0 : 1))
		return first ? limits->first_line_err : ERR_FIELDS_TOO_LARGE;
	if (lines->len > limits->block_max)
		return ERR_FIELDS_TOO_LARGE;
	*ret_line = line;
	return ERR_OK;
}

err_t h1_gather(struct h1_lines *lines, const struct h1_gather_limits *limits, struct bytes *in,
		bool *ret_complete)
{
	*ret_complete = false;
	while (in->len && !*ret_complete) {
		struct bytes piece = bytes_upto(*in, limits->block_max + 1 - lines->len);
		size_t lf = bytes_index(piece, '\n');
		bool ended = lf != SIZE_MAX;
		struct bytes line;

		piece = bytes_upto(piece, ended ? lf + 1 : piece.len);
		TRY(append(lines, piece));
		*in = bytes_from(*in, piece.len);
		TRY(check_line(lines, limits, ended, &line));
		if (!ended)
			continue;
		*ret_complete = !line.len || (limits->stop_at_versionless && !lines->line_start &&
					      !h1_line_has_version(line));
		lines->line_start = lines->len;
	}
	return ERR_OK;
}

/* ---- Heads ---- */

void h1_parser_init(struct h1_parser *parser, bool responses)
{
	*parser = (struct h1_parser){ .responses = responses };
}

void h1_parser_fini(struct h1_parser *parser)
{
	h1_memory_put(parser->memory);
	parser->memory = NULL;
}

void h1_parser_expect(struct h1_parser *parser, bool head_request, bool connect_request)
{
	parser->head_request = head_request;
	parser->connect_request = connect_request;
}

enum h1_result h1_fail(struct h1_parser *parser, err_t err)
{
	assert(err);
	parser->err = err;
	parser->state = H1_STATE_FAILED;
	return H1_FAILED;
}

static enum h1_result begin_body(struct h1_parser *parser)
{
	const struct http_head *head = &parser->memory->head;

	parser->framing = (uint8_t)head->framing;
	parser->line_bytes = 0;
	parser->left_bytes = 0;
	switch (head->framing) {
	case HTTP_BODY_LENGTH:
		parser->left_bytes = head->length;
		parser->state = head->length ? H1_STATE_LENGTH : H1_STATE_DONE;
		break;
	case HTTP_BODY_CHUNKED: parser->state = H1_STATE_SIZE; break;
	case HTTP_BODY_CLOSE: parser->state = H1_STATE_CLOSE; break;
	case HTTP_BODY_NONE: parser->state = H1_STATE_DONE; break;
	case HTTP_BODY_FRAMES: assert(false && "frames in HTTP/1"); break;
	}
	return H1_HEAD;
}

static struct h1_head_options head_options(const struct h1_parser *parser)
{
	return (struct h1_head_options){ parser->responses, parser->head_request,
					 parser->connect_request };
}

/* A TLS hello, a banner: no need to wait for a line end to know that this is no HTTP. */
static bool begins_well(const struct h1_parser *parser, struct bytes in)
{
	struct bytes known = bytes_upto(in, strlen("HTTP/"));

	if (parser->responses)
		return bytes_starts(BYTES("HTTP/"), known);
	return char_is_token(in.at[0]);
}

/* A head that did not come whole and well. */
static enum h1_result gather_head(struct h1_parser *parser, struct bytes *in)
{
	static const struct h1_gather_limits request_limits = {
		H1_REQUEST_LINE_MAX,
		H1_FIELD_LINE_MAX,
		H1_REQUEST_HEAD_MAX,
		ERR_URI_TOO_LARGE,
		true,
	};
	static const struct h1_gather_limits response_limits = {
		H1_FIELD_LINE_MAX,
		H1_FIELD_LINE_MAX,
		H1_RESPONSE_HEAD_MAX,
		ERR_FIELDS_TOO_LARGE,
		false,
	};
	struct h1_head_memory *memory = parser->memory;
	bool complete;
	err_t err;

	parser->state = H1_STATE_HEAD;
	err = h1_gather(&memory->lines, parser->responses ? &response_limits : &request_limits, in,
			&complete);
	if (!err && !begins_well(parser, bytes_make(memory->lines.at, memory->lines.len)))
		err = ERR_BAD_MESSAGE;
	if (!err && !complete)
		return H1_MORE;
	if (err)
		h1_head_glimpse(memory, parser->responses);
	else
		err = h1_head_parse(memory, head_options(parser),
				    bytes_make(memory->lines.at, memory->lines.len), true);
	assert(err != ERR_AGAIN);
	return err ? h1_fail(parser, err) : begin_body(parser);
}

/* Robust servers skip an empty line before a request (RFC 9112 §2.2). False when it is no line. */
static bool skip_blank_lines(struct h1_parser *parser, struct bytes *in)
{
	while (in->len && (parser->left_bytes || in->at[0] == '\r' || in->at[0] == '\n')) {
		bool cr = in->at[0] == '\r';

		if ((parser->left_bytes && in->at[0] != '\n') ||
		    ++parser->line_bytes > H1_BLANKS_MAX)
			return false;
		parser->left_bytes = cr;
		*in = bytes_from(*in, 1);
	}
	return true;
}

static enum h1_result start_head(struct h1_parser *parser, struct bytes *in)
{
	static const struct desync_finding no_method = { DESYNC_SEVERE, DESYNC_BadMethod };
	struct h1_head_memory *memory;

	if (!parser->responses && !skip_blank_lines(parser, in))
		return h1_fail(parser, ERR_BAD_MESSAGE);
	if (!in->len)
		return H1_MORE;
	memory = parser->memory = h1_memory_get();
	if (!memory)
		return h1_fail(parser, ERR_NOMEM);
	if (!begins_well(parser, *in)) {
		if (!parser->responses)
			memory->finding = no_method;
		return h1_fail(parser, ERR_BAD_MESSAGE);
	}
	if (h1_head_parse(memory, head_options(parser), *in, false))
		return gather_head(parser, in);
	*in = bytes_from(*in, memory->raw.len);
	return begin_body(parser);
}

enum h1_result h1_parser_feed(struct h1_parser *parser, struct bytes *in)
{
	switch ((enum h1_state)parser->state) {
	case H1_STATE_START: return start_head(parser, in);
	case H1_STATE_HEAD: return gather_head(parser, in);
	case H1_STATE_DONE: return H1_DONE;
	case H1_STATE_FAILED: return H1_FAILED;
	default: return h1_body_feed(parser, in);
	}
}

enum h1_result h1_parser_eof(struct h1_parser *parser)
{
	switch ((enum h1_state)parser->state) {
	case H1_STATE_START: return H1_MORE;
	case H1_STATE_CLOSE: parser->state = H1_STATE_DONE; return H1_DONE;
	case H1_STATE_DONE: return H1_DONE;
	case H1_STATE_FAILED: return H1_FAILED;
	case H1_STATE_HEAD:
		h1_head_glimpse(parser->memory, parser->responses);
		return h1_fail(parser, ERR_TRUNCATED);
	default: return h1_fail(parser, ERR_TRUNCATED);
	}
}

void h1_parser_next(struct h1_parser *parser)
{
	assert(parser->state == H1_STATE_DONE);
	h1_memory_put(parser->memory);
	parser->memory = NULL;
	parser->state = H1_STATE_START;
	parser->left_bytes = 0;
	parser->line_bytes = 0;
}

/* While trailers are being gathered, their buffer stays. */
void h1_parser_forget_head(struct h1_parser *parser)
{
	struct h1_lines trailers;

	if (!parser->memory || parser->state == H1_STATE_HEAD)
		return;
	trailers = parser->memory->trailers;
	if (!trailers.at) {
		h1_parser_fini(parser);
		return;
	}
	free(parser->memory->lines.at);
	parser->memory->lines = (struct h1_lines){ 0 };
	if (parser->memory->fields != parser->memory->few)
		free(parser->memory->fields);
	reset(parser->memory);
	parser->memory->trailers = trailers;
}

static void move(struct bytes *slice, struct bytes from, const char *to)
{
	if (slice->at)
		slice->at = to + (slice->at - from.at);
}

err_t h1_parser_keep_head(struct h1_parser *parser)
{
	struct h1_head_memory *memory = parser->memory;
	struct bytes raw;
	struct http_head *head;

	if (!memory || !memory->raw.len || memory->lines.len)
		return ERR_OK;
	raw = memory->raw;
	head = &memory->head;
	TRY(append(&memory->lines, raw));
	memory->raw.at = memory->lines.at;
	move(&head->method, raw, memory->raw.at);
	move(&head->target, raw, memory->raw.at);
	move(&head->authority, raw, memory->raw.at);
	move(&head->reason, raw, memory->raw.at);
	for (unsigned i = 0; i < head->field_count; i++) {
		move(&memory->fields[i].name, raw, memory->raw.at);
		move(&memory->fields[i].value, raw, memory->raw.at);
	}
	return ERR_OK;
}

bool h1_parser_idle(const struct h1_parser *parser)
{
	return parser->state == H1_STATE_START;
}

const struct http_head *h1_parser_head(const struct h1_parser *parser)
{
	static const struct http_head empty_request, empty_response = { .is_response = true };

	if (parser->memory && parser->state == H1_STATE_HEAD)
		h1_head_glimpse(parser->memory, parser->responses);
	if (parser->memory)
		return &parser->memory->head;
	return parser->responses ? &empty_response : &empty_request;
}

const struct desync_finding *h1_parser_finding(const struct h1_parser *parser)
{
	static const struct desync_finding none = { DESYNC_COMPLIANT, DESYNC_NONE };

	return parser->memory ? &parser->memory->finding : &none;
}
