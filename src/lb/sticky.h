/*
 * sticky: stickiness cookies (reference/alb.md §2.5). A value is sealed with the balancer's key, so
 * clients can neither read nor make one; it says which target (or group) and until when.
 *
 *   AWSALB, AWSALBCORS      lb_cookie: the target
 *   AWSALBAPP-0             app_cookie: the target, beside the application's own cookie. (Names -1
 *                           to -3 are for values over 4 KB; ours are below 100 bytes.)
 *   AWSALBTG, AWSALBTGCORS  group stickiness of a forward action: the group
 *
 * A cookie lives seven days in the client; how long it binds is inside. Both are renewed with every
 * response.
 */
#ifndef LB_STICKY_H
#define LB_STICKY_H

#include "crypto/seal.h"
#include "http/message.h"
#include "lb/plan.h"

struct sticky {
	const uint8_t *key; /* SEAL_KEY_BYTES; lb_options.cookie_key */
	uint64_t unix_ms;
};

enum sticky_verdict {
	STICKY_ABSENT,	/* no cookie: a first visit */
	STICKY_INVALID, /* not ours, damaged, for another group, or its time is over */
	STICKY_GONE,	/* ours, but what it names is not there any more */
	STICKY_FOUND,
};

/* Reads AWSALBTG(CORS). Without group stickiness in the action: STICKY_ABSENT. INVALID is logged
 * as AWSALBTGCookieInvalid. A group of weight 0 is still found. */
enum sticky_verdict sticky_read_group(const struct sticky *sticky, const struct plan_action *action,
				      const struct http_head *request,
				      const struct plan_group **ret_group);

/*
 * Reads the cookie of the group's stickiness type; ABSENT when it has none. app_cookie needs the
 * application's own cookie too. Whether the target may take a request now is balance_take's to say.
 */
enum sticky_verdict sticky_read_target(const struct sticky *sticky, const struct plan_group *group,
				       const struct http_head *request, struct target **ret_target);

/*
 * The Set-Cookie values a response gets: at most STICKY_COOKIES_MAX, in `arena`. For app_cookie one
 * is set when the response sets the application's cookie, or the request came with it bound (so
 * that moving to another target lasts).
 */
enum { STICKY_COOKIES_MAX = 4 };
struct sticky_answer {
	const struct plan_action *action; /* the rule's */
	const struct plan_group *group;
	const struct target *target;
	const struct http_head *response;
	bool app_bound;	     /* sticky_app_bound(group, request) */
	bool app_cross_site; /* sticky_cross_site(request) */
};
err_t sticky_set(const struct sticky *sticky, const struct sticky_answer *answer,
		 struct arena *arena, struct bytes ret_values[STICKY_COOKIES_MAX],
		 unsigned *ret_count);

/* What of the request sticky_set needs, taken while its head is still there. */
bool sticky_app_bound(const struct plan_group *group, const struct http_head *request);
/* A request of another origin from Chromium 80 or later, which wants SameSite=None; Secure. */
bool sticky_cross_site(const struct http_head *request);

#endif
