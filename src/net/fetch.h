/*
 * fetch: a question to an HTTP server somewhere else (an identity provider), asked on a thread of
 * its own with libcurl; the answer comes to the loop that asked.
 *
 *   fetch_start ──► waiting ──► running, at most FETCH_RUNNING_MAX at once ──► on_answer on the
 * loop fetch_cancel: no on_answer
 *
 * Rules of the house for such questions: redirects are not followed and no proxy is asked; servers
 * are checked against the system's authorities or those of `ca_file`; link-local, multicast and
 * unspecified addresses are refused after the name was resolved, so that no name leads to an
 * instance's metadata; time and size of an answer are bounded.
 *
 * The scenario tests have a second implementation (tests/scenario/fake_net.h).
 */
#ifndef NET_FETCH_H
#define NET_FETCH_H

#include "net/loop.h"

enum {
	FETCH_RUNNING_MAX = 32,
	FETCH_WAITING_MAX = 512, /* running ones included */
};

struct fetcher;
struct fetch;

struct fetcher_options {
	const char *ca_file; /* PEM; NULL or "": the system's. Copied */
};

/* Nothing runs before the first question. */
err_t fetcher_create(const struct fetcher_options *options, struct fetcher **ret_fetcher);
/* When no loop asks any more; what runs is broken off. Answers that are on their way to a loop run
 * with its settling, and reach nobody. NULL is welcome. */
void fetcher_destroy(struct fetcher *fetcher);

struct fetch_request {
	struct bytes url;  /* https://…, or http://… where configuration says so */
	struct bytes form; /* application/x-www-form-urlencoded, for POST; at == NULL: GET */
	struct bytes authorization; /* the whole value, or empty: a secret */
	uint32_t timeout_ms;	    /* for all of it */
	uint32_t answer_max;	    /* bytes of body */
	/*
	 * Whoever asks exactly the same while this runs gets the same answer, from whatever loop,
	 * and so many milliseconds after a good one (2xx); 0: each asks for itself. For what may be
	 * asked once only: a refresh token that is used twice looks stolen to its provider, and one
	 * page makes many requests at once.
	 */
	uint32_t share_ms;
};

/* Valid during on_answer. */
struct fetch_answer {
	/* ERR_OK: the server answered, whatever it said; else ERR_EXPIRED, ERR_NOT_FOUND (no such
	 * name), ERR_DENIED (an address that is refused), ERR_TLS_HANDSHAKE, ERR_TOO_LARGE,
	 * ERR_UNREACHABLE for the rest. */
	err_t err;
	unsigned status;
	struct bytes body;
};

/*
 * Any loop's thread; everything is copied. on_answer comes once, on a later turn of `loop`, and
 * ret_fetch is gone when it returns. ERR_LIMIT: too many wait; ERR_NOMEM; ERR_SYSTEM.
 */
err_t fetch_start(struct fetcher *fetcher, struct loop *loop, const struct fetch_request *request,
		  void (*on_answer)(void *owner, const struct fetch_answer *answer), void *owner,
		  struct fetch **ret_fetch);

/* On the loop that asked, before on_answer: it does not come any more. NULL is welcome. */
void fetch_cancel(struct fetch *fetch);

#endif
