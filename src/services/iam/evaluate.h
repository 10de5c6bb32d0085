/*
 * evaluate: what a policy document says about one request. Pure: no store, no clock, no caller.
 *
 * A statement speaks when its principal, action, resource and every condition fit. A statement
 * that denies wins over any that allows; who has several policies asks each and merges.
 */
#ifndef SERVICES_IAM_EVALUATE_H
#define SERVICES_IAM_EVALUATE_H

#include <jansson.h>

#include "base/text.h"

/* In order of strength: of two answers the greater one holds. */
enum policy_effect { POLICY_SILENT, POLICY_ALLOWS, POLICY_DENIES };

/* One key of the request's context; names compare without case. */
struct policy_key {
	const char *name; /* "aws:username" */
	const char *const *values;
	size_t count;
};

struct policy_request {
	const char *action;   /* "elasticloadbalancing:CreateLoadBalancer" */
	const char *resource; /* an ARN, or "*" */
	const struct policy_key *keys;
	size_t key_count;
	/* Who asks, for policies that name principals (trust): ARNs, accounts, services. NULL else.
	 */
	const char *const *principals;
	size_t principal_count;
	bool *asks_tags; /* set when a condition asks for the resource's tags in vain; or NULL */
};

enum policy_kind { POLICY_OF_IDENTITY, POLICY_OF_TRUST };

/*
 * Reads and checks a document that came in. ERR_OK and *ret_document (a new reference, if wanted),
 * or ERR_INVALID and AWS's words in `why`. What passes, evaluates without surprises.
 */
err_t policy_check(struct bytes text, enum policy_kind kind, json_t **ret_document,
		   struct text *why);

enum policy_effect policy_evaluate(const json_t *document, const struct policy_request *request);

/* `pattern` with * and ?, without variables; pure and linear enough: no recursion. */
bool policy_glob(struct bytes pattern, struct bytes text, bool nocase);

#endif
