/*
 * answers: what reads answered, encoded, kept until a record it was made of changes. For operations
 * that a service calls lasting; who asks was verified and authorised before each look. Pure.
 */
#ifndef API_ANSWERS_H
#define API_ANSWERS_H

#include <jansson.h>

#include "base/list.h"
#include "base/text.h"

enum {
	ANSWERS_MAX = 64,
	ANSWERS_BYTES_MAX = 16 * 1024 * 1024, /* of all */
	ANSWER_BYTES_MAX = 4 * 1024 * 1024,
	ANSWER_KEY_BYTES_MAX = 4096,
};

/* What was asked: pointers that tell who answers, and the input. */
struct question_key {
	const void *service, *operation;
	const json_t *input;
};

struct answers {
	struct list_node all; /* the latest used last */
	unsigned count;
	size_t bytes;
};

void answers_init(struct answers *answers);
void answers_fini(struct answers *answers);

/* Appends the answer, with this request's id in it; false: there is none. */
bool answers_find(struct answers *answers, const struct question_key *key, const char *request_id,
		  struct text *body);
/* `body` may hold `request_id` once, near its end. Without memory nothing is kept. */
void answers_keep(struct answers *answers, const struct question_key *key, const char *request_id,
		  struct bytes body);
void answers_forget(struct answers *answers, const void *service);

#endif
