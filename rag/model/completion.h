/*
 * completion: OpenAI's chat completions as JSON: the request with the retrieved context, and the
 * pieces of the streamed answer. Pure.
 */
#ifndef RAG_MODEL_COMPLETION_H
#define RAG_MODEL_COMPLETION_H

#include <jansson.h>

#include "rag/answer/answer.h"

enum {
	COMPLETION_REQUEST_MAX = 512 * 1024,
	COMPLETION_HISTORY_TURNS = 8, /* of the most recent, in the request */
	COMPLETION_BOUNDARY_DIGITS = 32,
};

struct completion_request {
	const char *model;
	struct bytes message;
	json_t *history;	     /* array of {role, content}, or NULL; borrowed */
	const struct answer *answer; /* whose references are the context */
	/* Hexadecimal digits nobody can guess, fresh for each request: they fence the documents. */
	const char *boundary;
};

/* Appends the body of POST {base}/chat/completions. ERR_NOMEM, ERR_TOO_LARGE. */
err_t completion_request(struct text *out, const struct completion_request *request);

struct completion_piece {
	char *content;	   /* malloc'ed and may hold anything; NULL when there is none */
	bool stop, length; /* finish_reason */
	bool done;	   /* the closing [DONE] */
	bool failed;	   /* an error object instead of a piece */
	bool has_usage;
	uint64_t prompt_tokens, completion_tokens;
};

/* One event's data. Unknown forms are pieces that say nothing; what is no JSON has failed. */
void completion_piece(struct bytes data, struct completion_piece *ret_piece);

/*
 * Lets [n] with n in 1 … `references` pass and takes other [n] out, however the text is cut.
 * What could be the beginning of one is kept until the next piece, or the end.
 */
struct cite_filter {
	unsigned references;
	char held[8]; /* "[" and up to 4 digits */
	unsigned held_len;
	bool cited; /* a good one has passed */
};
void cite_filter_feed(struct cite_filter *filter, struct bytes in, struct text *out);
void cite_filter_end(struct cite_filter *filter, struct text *out);

#endif
