/*
 * forward: the request head a target gets, made from the client's; and the response head a client
 * gets, made from the target's (reference/alb.md §3.8, §3.11, §5.3-§5.6). Pure.
 *
 * Content-Length and Transfer-Encoding stay where they are: conn puts its own in their place, from
 * head.framing and head.length. Connection and what it lists are gone.
 */
#ifndef LB_FORWARD_H
#define LB_FORWARD_H

#include "base/rng.h"
#include "http/message.h"
#include "lb/route.h"

enum { XFF_ADDRESSES_MAX = 30 };

/* More than XFF_ADDRESSES_MAX addresses in X-Forwarded-For: answer 463. */
bool forward_xff_too_long(const struct http_head *head);

/*
 * The X-Amzn-Trace-Id to send on and to log, in `arena`, from what the client sent and fresh
 * random ids. ERR_NOMEM. Every request gets one, also those that are answered here.
 */
err_t forward_trace_id(const struct http_head *head, uint64_t unix_ms, struct rng *rng,
		       struct arena *arena, struct bytes *ret_trace_id);

enum transform_status {
	TRANSFORM_NONE, /* the rule has no rewrite */
	TRANSFORM_SUCCESS,
	TRANSFORM_BUFFER_TOO_SMALL,
	TRANSFORM_INVALID_HOST,
	TRANSFORM_INVALID_PATH,
	TRANSFORM_REPLACE_ERROR, /* the match limit was passed */
};
const char *transform_status_name(
	enum transform_status status); /* "TransformSuccess"; NULL: none */

/* Who is signed in: x-amzn-oidc-* (reference/alb.md §3.6). A client's own are always left out. */
struct forward_identity {
	struct bytes access_token, subject, data;
};

struct forward_options {
	const struct plan_listener *listener;
	const struct plan_rule *rule;
	struct address client;
	bool tls;			     /* the client's connection is TLS: "https" */
	struct bytes tls_values[TLS_FIELDS]; /* of the listener's tls_fields; empty: not added */
	struct bytes trace_id;
	const struct forward_identity *identity; /* NULL: nobody */
	struct route_scratch *scratch;		 /* for rewrites */
};

struct forwarded {
	struct http_head head; /* HTTP/1.1, in the arena; framing as the client's */
	struct bytes transformed_host, transformed_uri; /* at == NULL: unchanged */
	enum transform_status transform;
	bool dropped_invalid;	/* metric DROPPED_INVALID_HEADER */
	bool forwarded_invalid; /* metric FORWARDED_INVALID_HEADER */
};

/*
 * `facts` are those the rule was matched with. Slices borrow from the client's head or lie in
 * `arena`, so it is good while both are. ERR_NOMEM; ERR_INVALID: a rewrite failed and
 * ret_forwarded->transform says how (answer 500, END_REWRITE_FAILED).
 */
err_t forward_request(const struct http_head *head, const struct route_facts *facts,
		      const struct forward_options *options, struct arena *arena,
		      struct forwarded *ret_forwarded);

/* Asks for an answer without a coding, which bytes of our own could not be put into. */
void forward_uncoded(struct http_head *head);

/*
 * The target's response head for the client: hop-by-hop fields left out (Upgrade stays with 101),
 * the listener's response headers set, stickiness cookies appended. ERR_NOMEM.
 */
err_t forward_response(const struct http_head *head, const struct plan_listener *listener,
		       const struct bytes *cookies, unsigned cookie_count, struct arena *arena,
		       struct http_head *ret_head);

#endif
