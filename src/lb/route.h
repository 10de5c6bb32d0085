/*
 * route: which rule a request matches (reference/alb.md §3.2, §3.3). Pure; allocates nothing but
 * what the worker's scratch keeps for the next time.
 */
#ifndef LB_ROUTE_H
#define LB_ROUTE_H

#include "http/message.h"
#include "lb/plan.h"

/* What regular expressions and path normalisation write into. One for each worker. */
struct route_scratch;
err_t route_scratch_create(struct route_scratch **ret_scratch);
void route_scratch_destroy(struct route_scratch *scratch); /* NULL is welcome */

struct route_facts {
	struct bytes host;  /* effective: authority, first Host, or the DNS name; port and all */
	struct bytes path;  /* as sent: "/…" or "*" */
	struct bytes query; /* without "?"; at == NULL: there was none */
	struct bytes method;
	const struct http_field *fields;
	unsigned field_count;
	struct address client; /* the TCP peer */
};

/*
 * Facts of a request head, borrowing from it. `dns_name` stands in for the Host that HTTP/1.0 may
 * lack. ERR_BAD_MESSAGE: no, empty or impossible Host, or a request target that is none (400).
 */
err_t route_facts_of(const struct http_head *head, const struct address *client,
		     struct bytes dns_name, struct route_facts *ret_facts);

struct route_result {
	/* NULL: a regular expression passed its match limit. Answer 500, log priority -1: going on
	 * to the next rule would let a request talk its way past the rule that was to stop it. */
	const struct plan_rule *rule;
	unsigned evaluations; /* rules looked at, the default rule not counted */
};

struct route_result route_match(const struct plan_listener *listener,
				const struct route_facts *facts, struct route_scratch *scratch);

/* "h" of "h", "h:80", "[::1]:80" (which gives "[::1]"). */
struct bytes host_without_port(struct bytes host);

/*
 * `*` any run, `?` exactly one byte; neither matches control bytes. With `escapes`, \* \? \\ are
 * literal. Linear in practice, at worst pattern × text; no recursion.
 */
enum { WILDCARD_NOCASE = 1 << 0, WILDCARD_ESCAPES = 1 << 1 };
bool wildcard_matches(struct bytes pattern, struct bytes text, unsigned flags);

#endif
