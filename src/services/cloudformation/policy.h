/*
 * policy: what an update may do to which of a stack's resources. Pure.
 *
 * Without a policy all may be done; with one, what a statement allows and none denies.
 */
#ifndef SERVICES_CLOUDFORMATION_POLICY_H
#define SERVICES_CLOUDFORMATION_POLICY_H

#include <jansson.h>

#include "base/text.h"

enum { POLICY_BYTES_MAX = 16384 };

/* ERR_INVALID, ERR_TOO_LARGE and words in `why`. The caller owns *ret_policy. */
err_t policy_parse(struct bytes text, json_t **ret_policy, struct text *why);

struct policy_question {
	const char *action; /* "Update:Modify", "Update:Replace", "Update:Delete" */
	const char *logical, *type;
};
/* `why` gets AWS's words when it may not be. */
bool policy_allows(const json_t *policy, const struct policy_question *question, struct text *why);

#endif
