/*
 * oidc: signing in with an identity provider, as an authenticate action does it (reference/alb.md
 * §3.6; OpenID Connect Core 1.0 §3.1). Pure: requests and answers go in, steps come out; who asks
 * the provider is gate.c.
 *
 *   oidc_begin ─── a session ────────────────► FORWARD with who it is
 *        ├── token over, can be refreshed ──► ASK ─► oidc_answered ─► ASK ─► … ─► FORWARD
 *        ├── none ──────────────────────────► ANSWER 302 to the provider, or 401, or FORWARD
 *   oidc_callback (/oauth2/idpresponse) ────► ASK token ─► ASK user info ─► ANSWER 302 back
 *        └── anything that does not fit ────► ANSWER 401, 500, 561
 *
 * What travels through the client while it signs in: `state`, sealed with where it wanted to go and
 * the digest of a nonce; the nonce itself is in the cookie AWSALBAuthNonce of that one browser.
 */
#ifndef LB_OIDC_H
#define LB_OIDC_H

#include "crypto/sign.h"
#include "lb/route.h"
#include "lb/session.h"
#include "telemetry/end_reason.h"
#include "telemetry/metrics.h"

#define OIDC_CALLBACK_PATH "/oauth2/idpresponse"

enum {
	OIDC_LOGIN_S = 15 * 60, /* to sign in (§3.6) */
	OIDC_ASK_MS = 5000,	/* one answer of the provider (§3.6) */
	OIDC_ANSWER_MAX = 128 * 1024,
	OIDC_SHARE_MS = 10 * 1000, /* requests of one page refresh its session once */
	OIDC_DATA_S = 120,	   /* x-amzn-oidc-data is good for so long */
	OIDC_URI_MAX = 2 * 1024,   /* of where to go back to; the query goes beyond it */
	OIDC_NONCE_DIGITS = 32,
	OIDC_ARENA_MAX = 512 * 1024,
};

/* What is the same for all requests of a load balancer. */
struct oidc_house {
	const uint8_t *master;	     /* the installation's key for sessions, SEAL_KEY_BYTES */
	const struct sign_key *sign; /* of x-amzn-oidc-data */
	struct bytes kid;
	struct bytes load_balancer_arn, load_balancer_id;
};

/* The request, borrowed during each call; facts and head may have moved from one to the next. */
struct oidc_request {
	const struct http_head *head;
	const struct route_facts *facts;
	uint64_t unix_s;
};

enum oidc_order { OIDC_FORWARD, OIDC_ANSWER, OIDC_ASK };

enum { OIDC_NO_COUNTER = -1 };

struct oidc_step {
	enum oidc_order order;

	/* FORWARD: the values of x-amzn-oidc-*; at == NULL: nobody is signed in. In the arena. */
	struct bytes access_token, identity, data;

	/* ANSWER */
	uint16_t status;
	struct bytes location;	  /* with 302 */
	const char *error_reason; /* static; NULL: none */

	/* FORWARD and ANSWER */
	struct session_cookies cookies;
	int counter; /* enum metric_counter, or OIDC_NO_COUNTER */

	/* ASK: GET, or POST of a form. */
	struct bytes url, form, authorization;
	uint32_t share_ms; /* fetch.h */
};

struct oidc {
	const struct oidc_config *config; /* the plan's */
	const struct oidc_house *house;
	struct session_seal seal;
	struct arena arena;
	enum oidc_stage {
		OIDC_RESTING,
		OIDC_ASKING_TOKEN,
		OIDC_ASKING_USER,
		OIDC_REFRESHING,
		OIDC_REFRESHING_USER,
	} stage;
	struct session session;	 /* in the arena */
	struct bytes back;	 /* where the client wanted to go: path and query */
	struct bytes nonce_sent; /* the nonce of the authorization request */
};

/* ERR_TOO_LARGE. */
err_t oidc_init(struct oidc *oidc, const struct oidc_config *config,
		const struct oidc_house *house);
void oidc_fini(struct oidc *oidc);

/* ERR_NOMEM from all three: answer 500. */
err_t oidc_begin(struct oidc *oidc, const struct oidc_request *request, struct oidc_step *ret_step);
err_t oidc_callback(struct oidc *oidc, const struct oidc_request *request,
		    struct oidc_step *ret_step);
/* `failed` is why there is no answer (ERR_EXPIRED: too late), else ERR_OK. */
err_t oidc_answered(struct oidc *oidc, const struct oidc_request *request, err_t failed,
		    unsigned status, struct bytes body, struct oidc_step *ret_step);

/* Whether `state` of a callback was made for this action: rules are told apart by it. */
bool oidc_knows_state(const struct oidc *oidc, const struct oidc_request *request);

#endif
