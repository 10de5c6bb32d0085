/*
 * The parser's layout, so that conn can embed it. Fields are h1's own, but for head, body, err
 * and the findings, which callers read. Small on purpose: an idle stream keeps two of these.
 */
#ifndef HTTP_H1_PARSER_H
#define HTTP_H1_PARSER_H

#include "http/message.h"

/* What a head needs while somebody looks at it; malloc'ed with the first byte, freed after. */
struct h1_head_memory;

struct h1_parser {
	uint64_t left_bytes; /* of the body or of the current chunk */
	struct h1_head_memory *memory;
	uint32_t line_bytes; /* of the line being read in a chunked body */
	uint8_t state;
	uint8_t framing; /* enum http_framing */
	bool responses, head_request, connect_request;
	err_t err;
};

/*
 * Valid from H1_HEAD or H1_FAILED to next/forget; before and after that, an empty head. While a
 * head comes in, what its first line says, if that is there (for the log, when the rest never
 * came).
 */
const struct http_head *h1_parser_head(const struct h1_parser *parser);
const struct desync_finding *h1_parser_finding(const struct h1_parser *parser);
/* Valid from H1_BODY to the next call to any parser of this thread: it is thread-local scratch. */
const struct http_body *h1_parser_body(const struct h1_parser *parser);

#endif
