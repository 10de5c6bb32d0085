/*
 * transcript: what a parser made of some bytes, as text. However the bytes were cut, the text must
 * be the same; so neighbouring body pieces are joined.
 *
 *     GET /a HTTP/1.1 chunked keep-alive host | Host=x | Te=y
 *     body "hello" wire 10
 *     trailer "A=b"
 *     done
 */
#ifndef TESTS_UNIT_HTTP_TRANSCRIPT_H
#define TESTS_UNIT_HTTP_TRANSCRIPT_H

#include "http/h1.h"

struct transcript {
	struct text text;    /* the result */
	struct text payload; /* of the body being read */
	struct text wire;
	bool failed;
};

#define TRANSCRIPT_INIT                                                    \
	{                                                                  \
		.text = TEXT_INIT(1 << 22), .payload = TEXT_INIT(1 << 22), \
		.wire = TEXT_INIT(1 << 22),                                \
	}

static inline void transcript_fini(struct transcript *t)
{
	text_fini(&t->text);
	text_fini(&t->payload);
	text_fini(&t->wire);
}

static inline void transcript_head(struct text *out, const struct http_head *head)
{
	static const char *const framings[] = { "none", "length", "chunked", "close", "frames" };
	static const char *const flags[] = { "keep-alive", "expect", "upgrade", "host", "sized" };

	if (head->is_response) {
		text_printf(out, "%u \"", head->status);
		text_add(out, head->reason);
	} else {
		text_add(out, head->method);
		text_add_str(out, " ");
		text_add(out, head->target);
		text_add_str(out, " @");
		text_add(out, head->authority);
	}
	text_printf(out, "%s %d %s", head->is_response ? "\"" : "", head->version,
		    framings[head->framing]);
	if (head->framing == HTTP_BODY_LENGTH || (head->flags & HTTP_FLAG_HAS_LENGTH))
		text_printf(out, " %llu", (unsigned long long)head->length);
	for (unsigned i = 0; i < COUNT(flags); i++)
		if (head->flags & 1u << i)
			text_printf(out, " %s", flags[i]);
	for (unsigned i = 0; i < head->field_count; i++) {
		text_add_str(out, " | ");
		text_add(out, head->fields[i].name);
		text_add_char(out, '=');
		text_add(out, head->fields[i].value);
	}
	text_add_char(out, '\n');
}

static inline void transcript_body_done(struct transcript *t)
{
	if (t->wire.len) {
		text_add_str(&t->text, "body \"");
		text_add(&t->text, text_bytes(&t->payload));
		text_printf(&t->text, "\" wire %zu\n", t->wire.len);
	}
	text_clear(&t->payload);
	text_clear(&t->wire);
}

static inline void transcript_piece(struct transcript *t, const struct http_body *body)
{
	text_add(&t->wire, body->wire);
	for (unsigned i = 0; i < body->data_count; i++)
		text_add(&t->payload, body->data[i]);
	if (!body->end)
		return;
	transcript_body_done(t);
	for (unsigned i = 0; i < body->trailer_count; i++) {
		text_add_str(&t->text, "trailer \"");
		text_add(&t->text, body->trailers[i].name);
		text_add_char(&t->text, '=');
		text_add(&t->text, body->trailers[i].value);
		text_add_str(&t->text, "\"\n");
	}
}

static inline void transcript_finding(struct text *out, const struct desync_finding *finding)
{
	if (finding->tier)
		text_printf(out, "%s %s\n", desync_tier_name(finding->tier),
			    desync_reason_name(finding->reason));
}

/* Feeds a piece until the parser wants more or failed. */
static inline void transcript_feed(struct transcript *t, struct h1_parser *parser, struct bytes in)
{
	while (!t->failed) {
		switch (h1_parser_feed(parser, &in)) {
		case H1_MORE: assert(in.len == 0); return;
		case H1_HEAD:
			transcript_head(&t->text, h1_parser_head(parser));
			transcript_finding(&t->text, h1_parser_finding(parser));
			break;
		case H1_BODY: transcript_piece(t, h1_parser_body(parser)); break;
		case H1_DONE:
			transcript_body_done(t);
			text_add_str(&t->text, "done\n");
			h1_parser_next(parser);
			break;
		case H1_FAILED:
			transcript_body_done(t);
			transcript_finding(&t->text, h1_parser_finding(parser));
			text_printf(&t->text, "failed %s\n", err_name(parser->err));
			t->failed = true;
			break;
		}
	}
}

static inline void transcript_eof(struct transcript *t, struct h1_parser *parser)
{
	if (t->failed)
		return;
	transcript_body_done(t);
	switch (h1_parser_eof(parser)) {
	case H1_DONE: text_add_str(&t->text, "ended\n"); break;
	case H1_FAILED: text_printf(&t->text, "failed %s\n", err_name(parser->err)); break;
	default: text_add_str(&t->text, "idle\n"); break;
	}
}

#endif
