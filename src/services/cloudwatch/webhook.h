/*
 * webhook: tells a URL of an alarm, by POST with a JSON body, on a thread of its own. Results come
 * back on the loop. At most WEBHOOKS_WAITING_MAX wait; each try takes 5 s at most, redirects are
 * not followed, and only http and https are spoken.
 */
#ifndef SERVICES_CLOUDWATCH_WEBHOOK_H
#define SERVICES_CLOUDWATCH_WEBHOOK_H

#include "net/loop.h"

enum { WEBHOOKS_WAITING_MAX = 256 };

struct webhooks;

struct webhook_result {
	const char *alarm, *action; /* as they were given */
	bool delivered;		    /* a status of 2xx came back */
	const char *words;	    /* "HTTP 204", or why not */
};

/* Nothing runs until the first send. */
err_t webhooks_create(struct loop *loop,
		      void (*on_result)(void *owner, const struct webhook_result *), void *owner,
		      struct webhooks **ret_webhooks);
void webhooks_destroy(struct webhooks *webhooks); /* what waits is dropped; NULL is welcome */

/* Everything is copied. ERR_LIMIT, ERR_NOMEM, ERR_SYSTEM: no result follows. */
err_t webhook_send(struct webhooks *webhooks, const char *alarm, const char *action,
		   const char *url, const char *body);

#endif
