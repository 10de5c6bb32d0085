/*
 * session: who is signed in, as cookies NAME-0 … NAME-3 (reference/alb.md §3.6): sealed, so that
 * clients can neither read nor make one, and cut into pieces that browsers keep. Pure.
 *
 * The key is the load balancer's own, derived from the installation's; what is sealed opens only
 * for the identity provider and client it was made with.
 */
#ifndef LB_SESSION_H
#define LB_SESSION_H

#include "crypto/seal.h"
#include "http/message.h"
#include "lb/config.h"

enum {
	SESSION_COOKIES_MAX = 4,
	SESSION_COOKIE_BYTES = 4096,	/* name and value of one, as browsers count */
	SESSION_CLAIMS_MAX = 11 * 1024, /* with the access token (§3.6) */
	SESSION_PLAIN_MAX = 12 * 1024,	/* what four cookies hold */
	SESSION_CLIENT_DAYS = 7,	/* how long the client keeps them */
	SESSION_CONTEXT_MAX = 2 * 1024,
};

struct session {
	uint64_t until_s;			  /* the session timeout's end, Unix seconds */
	uint64_t token_until_s;			  /* the access token's; 0: it does not say */
	struct bytes access_token, refresh_token; /* the second may be empty */
	struct bytes subject;			  /* "sub" */
	struct bytes claims;			  /* the user's, a JSON object as text */
};

/* What values are sealed with: one load balancer's key, one provider and client. */
struct session_seal {
	uint8_t key[SEAL_KEY_BYTES];
	struct bytes context;
	char text[SESSION_CONTEXT_MAX];
};

/* `master` is the installation's key, `scope` the load balancer's id. ERR_TOO_LARGE. */
err_t session_seal_init(struct session_seal *seal, const uint8_t master[SEAL_KEY_BYTES],
			struct bytes scope, const struct oidc_config *oidc);

enum session_verdict {
	SESSION_ABSENT,
	SESSION_INVALID, /* not ours, damaged, of another load balancer or provider */
	SESSION_FOUND,	 /* good; whether its time is over is the caller's to see */
};

/* The session a request brings; its slices lie in `arena`. */
enum session_verdict session_read(const struct session_seal *seal, struct bytes cookie_name,
				  const struct http_head *request, struct arena *arena,
				  struct session *ret_session);

/* Attributes a Set-Cookie of ours gets: Path=/; Secure; HttpOnly, and for a request of another
 * origin SameSite=None. */
struct session_cookies {
	struct bytes values[SESSION_COOKIES_MAX + 1]; /* the one more is for the nonce */
	unsigned count;
};

/*
 * The Set-Cookie values that make the client keep this session and forget pieces of an older,
 * longer one. ERR_TOO_LARGE: four are not enough; ERR_NOMEM.
 */
err_t session_set(const struct session_seal *seal, struct bytes cookie_name,
		  const struct session *session, const struct http_head *request, uint64_t unix_s,
		  struct arena *arena, struct session_cookies *cookies);

/* Those that make the client forget the session it brought. */
err_t session_forget(struct bytes cookie_name, const struct http_head *request, struct arena *arena,
		     struct session_cookies *cookies);

/* One more Set-Cookie; unix_s is when it ends. */
err_t session_add_cookie(struct bytes name, struct bytes value, uint64_t expires_unix_s,
			 const struct http_head *request, struct arena *arena,
			 struct session_cookies *cookies);

#endif
