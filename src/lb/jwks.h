/*
 * jwks: the key sets that jwt-validation checks signatures with, fetched and kept, by URL. One for
 * each worker, on its loop.
 *
 *   jwks_verify ─┬─► a verdict at once, from the keys that are there
 *                └─► WAIT ─► the fetch ─► waiter->on_keys ─► jwks_verify again
 *
 * A set is fetched anew when it is JWKS_FRESH_MS old, in the background, and used no longer than
 * JWKS_STALE_MS. A token that names a key that is not there makes for a fetch too, since issuers
 * rotate keys, but no oftener than JWKS_UNKNOWN_MS: strangers cannot make us ask. After a failure
 * nothing is asked for JWKS_RETRY_MS.
 */
#ifndef LB_JWKS_H
#define LB_JWKS_H

#include "lb/jose.h"
#include "net/fetch.h"

struct jwks;

enum {
	JWKS_FRESH_MS = 3600 * 1000,
	JWKS_STALE_MS = 2 * JWKS_FRESH_MS,
	JWKS_UNKNOWN_MS = 30 * 1000,
	JWKS_RETRY_MS = 5 * 1000,
	JWKS_TIMEOUT_MS = 5 * 1000,
	JWKS_SHARE_MS = 1000, /* all workers ask at once when a token is new to them */
	JWKS_SETS_MAX = 64,   /* the one that nobody asked for longest goes */
};

err_t jwks_create(struct fetcher *fetcher, struct loop *loop, struct jwks **ret_jwks);
void jwks_destroy(struct jwks *jwks); /* nobody waits any more; NULL is welcome */

/* Embedded by who waits; zero-initialised, and on_keys set. */
struct jwks_waiter {
	void (*on_keys)(struct jwks_waiter *waiter); /* once; the waiter waits no more */
	struct list_node link;			     /* the set's; next == NULL: never waited */
};

enum jwks_verdict {
	JWKS_HOLDS,
	JWKS_DOES_NOT,	  /* no key of the set made this signature */
	JWKS_UNAVAILABLE, /* there is no set: *ret_reason is the error reason */
	JWKS_WAIT,
};

enum jwks_verdict jwks_verify(struct jwks *jwks, struct bytes url, const struct jose *token,
			      struct jwks_waiter *waiter, const char **ret_reason);

void jwks_leave(struct jwks_waiter *waiter); /* harmless when it does not wait */

#endif
