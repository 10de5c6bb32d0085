/*
 * provider: an OpenID provider at https://idp.test, played behind net/fetch.h, and a browser that
 * keeps cookies. One of each world.
 */
#ifndef TESTS_SCENARIO_BALANCER_PROVIDER_H
#define TESTS_SCENARIO_BALANCER_PROVIDER_H

#include "lb/jose.h"
#include "tests/scenario/balancer/world.h"

/* What it does wrong; zeros: nothing. */
struct provider_fault {
	unsigned token_status, user_status;
	const char *token_body, *user_body;
	const char *aud, *iss, *nonce;
	int id_exp_s;
	uint32_t after_ms;
	err_t err;
};

extern struct provider {
	struct world *w;
	struct gate_config gate; /* rule 0's: change and world_apply */
	unsigned serial;	 /* of the tokens it gives */
	unsigned token_status;
	uint32_t after_ms;
	char padding[12 * 1024]; /* a claim's value */
	char nonce[128];	 /* of the last authorization request */
	unsigned token_asked;
	char last_form[4096], last_authorization[4096], first_of_refresh[4096];
	struct provider_fault fault;
} provider;

/* For world_open: rule 0 (the default) signs in, then forwards; a rule for /open answers 200. */
void provider_gate_rules(struct world *w);
void provider_start(struct world *w);
void provider_fault(const struct provider_fault *fault);

enum { BROWSER_COOKIES = 8 };

struct browser {
	struct world *w;
	struct fake_peer *peer;
	struct {
		char name[64], value[5000];
	} cookies[BROWSER_COOKIES];
	char location[16 * 1024];
	char answer[64 * 1024];
	char field[48 * 1024];
};

void browse_begin(struct browser *b, const char *uri); /* sends, and lets it settle */
const char *browse_end(struct browser *b);	       /* takes cookies and Location */
const char *browse(struct browser *b, const char *uri);
const char *browser_cookie(const struct browser *b, const char *name); /* "" */
void browser_forget(struct browser *b, const char *name);
const char *browser_cookie_field(struct browser *b); /* "Cookie: …\r\n", or "" */
const char *browser_state(struct browser *b);	     /* of the last Location */
void callback_begin(struct browser *b);		     /* comes back from the provider with a code */
/* The whole way: to the provider and back; the answer to the callback. */
const char *sign_in(struct browser *b, const char *uri);

/* That x-amzn-oidc-data in what a target received is a good token of `sub`. */
void check_data(struct bytes received, const char *sub);

#endif
