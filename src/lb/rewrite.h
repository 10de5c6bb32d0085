/*
 * rewrite: a rule's host-header-rewrite and url-rewrite (reference/alb.md §3.8). Pure; for forward.
 *
 * The first match is replaced; what lies around it stays. $1 to $9 in the replacement stand for
 * groups, empty where a group took no part; every other byte stands for itself.
 */
#ifndef LB_REWRITE_H
#define LB_REWRITE_H

#include "lb/forward.h"
#include "lb/regex.h"

struct rewriting {
	const struct plan_rule *rule;
	struct bytes host; /* as the client sent it */
	struct bytes uri;  /* path and "?query", as one string */
	struct regex_scratch *regex;
	struct arena *arena;

	enum transform_status status;	/* set also on failure */
	struct bytes ret_host, ret_uri; /* in the arena; at == NULL: unchanged */
};

/* ERR_INVALID with a status that says why; ERR_NOMEM. No match is no failure. */
err_t rewrite(struct rewriting *rewriting);

#endif
