/*
 * reasons: a service's refusal in the words in which a stack's events tell it. Pure.
 */
#ifndef SERVICES_CLOUDFORMATION_REASONS_H
#define SERVICES_CLOUDFORMATION_REASONS_H

#include "base/text.h"

struct reason {
	struct bytes words, service, status, code;
};

/* "WORDS (Service: S, Status Code: N, Code: C)", as calls.c writes it; false: it is none. */
bool reason_parse(struct bytes words, struct reason *ret_reason);

/* In AWS's words; what is no service's stays as it is. `token`: the request's, a UUID. */
void reason_of_handler(struct text *why, const char *token);

/* Whether a service's code says that there is one of that name already. */
bool reason_says_there_already(const char *code);

#endif
