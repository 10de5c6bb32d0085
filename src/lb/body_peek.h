/*
 * body_peek: whether a JSON body asks for a stream, as OpenAI's API and those like it have it: a
 * member "stream" of the outermost object that is true. Pure; takes any cut of the bytes, keeps
 * none of them, and is no validator: what is no JSON object does not ask.
 */
#ifndef LB_BODY_PEEK_H
#define LB_BODY_PEEK_H

#include "base/bytes.h"

enum body_says { BODY_UNSURE, BODY_STREAMS, BODY_DOES_NOT };

struct body_peek {
	size_t depth;	 /* of objects and lists below the outermost */
	uint8_t state;	 /* body_peek's own */
	uint8_t matched; /* bytes of the word that is looked for */
	bool other;	 /* the name is another one */
};

#define BODY_PEEK_INIT     \
	{                  \
		.state = 0 \
	}

/* What is known after these bytes too; once sure, it stays so. */
enum body_says body_peek_feed(struct body_peek *peek, struct bytes data);

#endif
