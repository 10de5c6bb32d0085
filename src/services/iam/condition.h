/*
 * condition: the Condition block of a statement, and the variables in its texts.
 */
#ifndef SERVICES_IAM_CONDITION_H
#define SERVICES_IAM_CONDITION_H

#include "services/iam/evaluate.h"

enum {
	/* A pattern after its variables: wildcards are these bytes, everything else is literal. */
	GLOB_ANY = 1,
	GLOB_ONE = 2,
	POLICY_TEXT_BYTES_MAX = 4096,
};

/*
 * Replaces ${key}, ${key, 'fallback'}, ${*}, ${?}, ${$} and turns wildcards into GLOB_ANY and
 * GLOB_ONE. False when a variable has no single value, or a text holds control bytes.
 */
bool policy_expand(struct bytes pattern, const struct policy_request *request, bool variables,
		   bool wild, struct text *out);
bool policy_match(struct bytes expanded, struct bytes text, bool nocase);
/* ARNs part by part: a wildcard stays within its part, but for the last one. */
bool policy_match_arn(struct bytes expanded, struct bytes arn);

const struct policy_key *policy_find_key(const struct policy_request *request, struct bytes name);

/* Whether all conditions hold. `variables`: the document's version knows them. */
bool policy_conditions_hold(const json_t *condition, const struct policy_request *request,
			    bool variables);
/* Whether the operator exists, with its prefix and suffix. */
bool policy_operator_known(const char *name);

#endif
