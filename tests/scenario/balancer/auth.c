/* Sign-ins and tokens, through the whole balancer: an identity provider and a key set of the
 * test's own, a browser that keeps its cookies, and time. */
#include <stdio.h>

#include "base/encode.h"
#include "crypto/sign.h"
#include "lb/jose.h"
#include "net/fetch.h"
#include "tests/scenario/balancer/world.h"
#include "tests/scenario/balancer/provider.h"

static struct world *open_signing_in(void)
{
	struct world *w = world_open(provider_gate_rules);

	provider_start(w);
	return w;
}

/* ---- The code flow ---- */

TEST(who_is_not_signed_in_is_sent_to_the_provider)
{
	struct world *w = open_signing_in();
	struct browser b = { .w = w };
	const char *answer = browse(&b, "/app?x=1");

	CHECK(strstr(answer, "HTTP/1.1 302 Found\r\n"), "%s", answer);
	CHECK(strstr(b.location, "https://idp.test/authorize?client_id=client%2F1&redirect_uri="
				 "https%3A%2F%2Fshop.test%2Foauth2%2Fidpresponse&response_type=code"
				 "&scope=openid%20email&state="),
	      "%s", b.location);
	CHECK(strstr(b.location, "&nonce="), "%s", b.location);
	CHECK(strstr(b.location, "&prompt=login"), "%s", b.location);
	CHECK(strstr(answer, "Set-Cookie: AWSALBAuthNonce="), "%s", answer);
	CHECK(strstr(answer, "; Path=/; Secure; HttpOnly\r\n"), "%s", answer);
	CHECK_EQ(world_served_count(w, 0), 0);
	CHECK_EQ(world_ended(w, 0)->reason, END_AUTH_REDIRECT);
	CHECK(strstr(world_ended(w, 0)->line, "\"authenticate\" \"-\" \"-\""), "%s",
	      world_ended(w, 0)->line);
	world_close(w);
}

TEST(signing_in_leads_back_and_the_target_hears_who_it_is)
{
	struct world *w = open_signing_in();
	struct browser b = { .w = w };
	const char *answer;
	struct fake_peer *served;

	answer = sign_in(&b, "/app?x=1");
	CHECK(strstr(answer, "HTTP/1.1 302 Found\r\n"), "%s", answer);
	CHECK(strcmp(b.location, "https://shop.test/app?x=1") == 0, "%s", b.location);
	CHECK(browser_cookie(&b, "AWSELBAuthSessionCookie-0")[0]);
	CHECK(!browser_cookie(&b, "AWSALBAuthNonce")[0], "the nonce is used up");
	CHECK_EQ(provider.token_asked, 1);
	CHECK(strstr(provider.last_form, "grant_type=authorization_code&code=the-code&redirect_uri="
					 "https%3A%2F%2Fshop.test%2Foauth2%2Fidpresponse"),
	      "%s", provider.last_form);
	/* "client%2F1:s%3Acret" */
	CHECK(strcmp(provider.last_authorization, "Basic Y2xpZW50JTJGMTpzJTNBY3JldA==") == 0, "%s",
	      provider.last_authorization);
	CHECK_EQ(world_counter(w, COUNTER_AUTH_SUCCESSES), 1);
	CHECK_EQ(world_observed(w, HISTOGRAM_AUTH_LATENCY), 1);

	browse_begin(&b, "/app?x=1");
	served = world_served(w, 0, 0);
	CHECK(world_has(fake_received(served), "x-amzn-oidc-accesstoken: access-1\r\n"));
	CHECK(world_has(fake_received(served), "x-amzn-oidc-identity: user-7\r\n"));
	check_data(fake_received(served), "user-7");
	fake_send(served, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	CHECK(strstr(browse_end(&b), "\r\n\r\nok"));
	CHECK(strstr(world_ended(w, 2)->line, "\"authenticate,forward\""), "%s",
	      world_ended(w, 2)->line);
	world_close(w);
}

TEST(a_clients_own_identity_headers_never_pass)
{
	struct world *w = open_signing_in();
	struct fake_peer *client, *served;

	w->rules[0][0].gate_count = 0;
	world_apply(w);
	client = world_ask(w, "GET / HTTP/1.1\r\nHost: a\r\nX-Amzn-Oidc-Identity: root\r\n"
			      "x-amzn-oidc-data: x\r\nX-AMZN-OIDC-ACCESSTOKEN: y\r\n"
			      "X_Amzn_oidc_Data: z\r\n\r\n");
	served = world_served(w, 0, 0);
	CHECK(!world_has(fake_received(served), "root"));
	CHECK(!world_has(fake_received(served), "oidc"));
	fake_close(client);
	world_close(w);
}

TEST(a_long_session_is_spread_over_cookies_and_put_together_again)
{
	struct world *w = open_signing_in();
	struct browser b = { .w = w };
	struct fake_peer *served;

	provider.gate.oidc.session_seconds = 600;
	world_apply(w);
	memset(provider.padding, 'p', 11000);
	CHECK(strstr(sign_in(&b, "/"), "302 Found"));
	CHECK(browser_cookie(&b, "AWSELBAuthSessionCookie-3")[0]);
	CHECK(strlen(browser_cookie(&b, "AWSELBAuthSessionCookie-0")) <=
	      4096 - strlen("AWSELBAuthSessionCookie-0="));
	browse_begin(&b, "/");
	served = world_served(w, 0, 0);
	check_data(fake_received(served), "user-7");
	/* A shorter one leaves nothing of it behind. */
	provider.padding[0] = '\0';
	fake_run_ms(w->net, 3600 * 1000);
	sign_in(&b, "/");
	CHECK(!browser_cookie(&b, "AWSELBAuthSessionCookie-1")[0]);
	CHECK(!browser_cookie(&b, "AWSELBAuthSessionCookie-3")[0]);
	world_close(w);
}

TEST(claims_and_token_over_11_KB_are_refused)
{
	struct world *w = open_signing_in();
	struct browser b = { .w = w };

	memset(provider.padding, 'p', 11 * 1024);
	CHECK(strstr(sign_in(&b, "/"), "HTTP/1.1 500 "));
	CHECK(strstr(world_ended(w, 1)->line, "AuthUserinfoResponseSizeExceeded"));
	CHECK_EQ(world_counter(w, COUNTER_AUTH_CLAIMS_SIZE), 1);
	world_close(w);
}

TEST(the_session_ends_with_its_timeout_and_everyone_signs_in_again)
{
	struct world *w = open_signing_in();
	struct browser b = { .w = w };

	provider.gate.oidc.on_unauthenticated = ON_UNAUTHENTICATED_DENY;
	provider.gate.oidc.session_seconds = 60;
	world_apply(w);
	CHECK(strstr(browse(&b, "/"), "HTTP/1.1 401 Authorization Required"));
	CHECK_EQ(world_ended(w, 0)->reason, END_AUTH_DENIED);
	provider.gate.oidc.on_unauthenticated = ON_UNAUTHENTICATED_LOGIN;
	world_apply(w);
	sign_in(&b, "/");
	provider.gate.oidc.on_unauthenticated = ON_UNAUTHENTICATED_DENY;
	world_apply(w);
	browse_begin(&b, "/");
	CHECK_EQ(world_served_count(w, 0), 1);
	fake_run_ms(w->net, 61 * 1000);
	CHECK(strstr(browse(&b, "/"), "302 Found"), "known once: to the provider, not 401");
	world_close(w);
}

TEST(allow_lets_strangers_through_without_a_name)
{
	struct world *w = open_signing_in();
	struct browser b = { .w = w };

	provider.gate.oidc.on_unauthenticated = ON_UNAUTHENTICATED_ALLOW;
	world_apply(w);
	browse_begin(&b, "/");
	CHECK(!world_has(fake_received(world_served(w, 0, 0)), "oidc"));
	world_close(w);
}

TEST(an_old_access_token_is_refreshed_on_the_way)
{
	struct world *w = open_signing_in();
	struct browser b = { .w = w };
	struct fake_peer *served;
	const char *answer;

	sign_in(&b, "/");
	fake_run_ms(w->net, 301 * 1000); /* expires_in is 300 */
	provider.serial = 2;
	browse_begin(&b, "/");
	CHECK(strcmp(provider.first_of_refresh,
		     "grant_type=refresh_token&refresh_token=refresh-1") == 0,
	      "%s", provider.first_of_refresh);
	served = world_served(w, 0, 0);
	CHECK(world_has(fake_received(served), "x-amzn-oidc-accesstoken: access-2\r\n"));
	fake_send(served, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	answer = browse_end(&b);
	CHECK(strstr(answer, "Set-Cookie: AWSELBAuthSessionCookie-0="), "%s", answer);
	CHECK_EQ(world_counter(w, COUNTER_AUTH_REFRESHES), 1);
	/* The new session holds the new token: no second refresh. */
	browse_begin(&b, "/");
	CHECK_EQ(provider.token_asked, 2);
	world_close(w);
}

TEST(a_refresh_that_fails_sends_the_client_to_sign_in_again)
{
	struct world *w = open_signing_in();
	struct browser b = { .w = w };

	sign_in(&b, "/");
	fake_run_ms(w->net, 301 * 1000);
	provider.token_status = 400;
	CHECK(strstr(browse(&b, "/"), "302 Found"));
	CHECK(strstr(b.location, "https://idp.test/authorize?"));
	CHECK_EQ(world_served_count(w, 0), 0);
	world_close(w);
}

TEST(a_request_with_a_body_waits_for_its_refresh_and_loses_nothing)
{
	struct world *w = open_signing_in();
	struct browser b = { .w = w };
	struct fake_peer *client, *served;
	char head[32 * 1024];

	sign_in(&b, "/");
	fake_run_ms(w->net, 301 * 1000);
	provider.after_ms = 1000;
	client = world_connect(w);
	snprintf(head, sizeof head,
		 "POST /up HTTP/1.1\r\nHost: shop.test\r\n%sContent-Length: 6\r\n\r\nabc",
		 browser_cookie_field(&b));
	fake_send(client, head);
	fake_run_ms(w->net, 500);
	fake_send(client, "def");
	CHECK_EQ(world_served_count(w, 0), 0);
	fake_run_ms(w->net, 2000);
	served = world_served(w, 0, 0);
	CHECK(bytes_ends(fake_received(served), BYTES("\r\n\r\nabcdef")));
	world_close(w);
}

/* ---- What goes wrong ---- */

static void expect(struct world *w, unsigned index, unsigned status, const char *reason)
{
	const struct world_end *end = world_ended(w, index);

	CHECK_EQ(end->elb_status, status, "%s", end->line);
	CHECK(strstr(end->line, reason), "%s in %s", reason, end->line);
}

TEST(every_fault_of_a_callback_has_its_status_and_reason)
{
	static const struct {
		const char *name, *query; /* %s: the state that is good */
		bool keep_nonce;
		unsigned status;
		const char *reason;
	} cases[] = {
		{ "no state", "code=c", true, 401, "AuthMissingStateParam" },
		{ "a state of nobody's", "code=c&state=AAAA", true, 401, "AuthInvalidStateParam" },
		{ "not even base64", "code=c&state=%%%%%%", true, 401, "AuthMissingStateParam" },
		{ "no nonce", "code=c&state=%s", false, 401, "AuthMissingAWSALBAuthNonce" },
		{ "no code", "state=%s", true, 401, "AuthMissingCodeParam" },
		{ "denied", "error=access_denied&state=%s", true, 401, "AuthMissingCodeParam" },
		{ "the provider failed", "error=server_error&state=%s", true, 561,
		  "AuthMissingCodeParam" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct world *w = open_signing_in();
		struct browser b = { .w = w };
		char uri[8192], query[8000];

		browse(&b, "/");
		snprintf(query, sizeof query, cases[i].query, browser_state(&b));
		if (!cases[i].keep_nonce)
			browser_forget(&b, "AWSALBAuthNonce");
		snprintf(uri, sizeof uri, "/oauth2/idpresponse?%s", query);
		browse(&b, uri);
		expect(w, 1, cases[i].status, cases[i].reason);
		CHECK_EQ(fake_fetches(), 0, "%s", cases[i].name);
		world_close(w);
	}
}

TEST(every_fault_of_the_provider_has_its_status_and_reason)
{
	static const struct {
		const char *name;
		struct provider_fault fault;
		unsigned status;
		const char *reason;
	} cases[] = {
		{ "code used twice",
		  { .token_status = 400, .token_body = "{\"error\":\"invalid_grant\"}" },
		  401,
		  "AuthInvalidGrantError" },
		{ "another error", { .token_status = 500 }, 561, "AuthTokenEpRequestFailed" },
		{ "no answer", { .after_ms = 6000 }, 500, "AuthTokenEpRequestTimeout" },
		{ "nobody there", { .err = ERR_UNREACHABLE }, 500, "AuthTokenEpRequestFailed" },
		{ "not JSON", { .token_body = "<html>" }, 401, "AuthInvalidTokenResponse" },
		{ "no tokens", { .token_body = "{}" }, 401, "AuthInvalidTokenResponse" },
		{ "no id token",
		  { .token_body = "{\"access_token\":\"a\"}" },
		  401,
		  "AuthInvalidTokenResponse" },
		{ "a token that would be two fields",
		  { .token_body = "{\"access_token\":\"a\\r\\nx: y\",\"id_token\":\"x\"}" },
		  401,
		  "AuthInvalidTokenResponse" },
		{ "an id token that is none",
		  { .token_body = "{\"access_token\":\"a\",\"id_token\":\"x.y\"}" },
		  401,
		  "AuthInvalidIdToken" },
		{ "for another client", { .aud = "other" }, 401, "AuthInvalidIdToken" },
		{ "of another issuer", { .iss = "https://evil.test" }, 401, "AuthInvalidIdToken" },
		{ "wrong nonce", { .nonce = "0000" }, 401, "AuthInvalidIdToken" },
		{ "expired", { .id_exp_s = -100 }, 401, "AuthInvalidIdToken" },
		{ "user info refused", { .user_status = 403 }, 561, "AuthUserinfoEpRequestFailed" },
		{ "user info of another",
		  { .user_body = "{\"sub\":\"someone\"}" },
		  401,
		  "AuthInvalidUserinfoResponse" },
		{ "user info is a list",
		  { .user_body = "[]" },
		  401,
		  "AuthInvalidUserinfoResponse" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct world *w = open_signing_in();
		struct browser b = { .w = w };

		provider_fault(&cases[i].fault);
		sign_in(&b, "/");
		expect(w, 1, cases[i].status, cases[i].reason);
		CHECK(!browser_cookie(&b, "AWSELBAuthSessionCookie-0")[0], "%s", cases[i].name);
		world_close(w);
	}
}

TEST(a_login_that_took_over_15_minutes_is_refused)
{
	struct world *w = open_signing_in();
	struct browser b = { .w = w };
	char uri[8192];

	browse(&b, "/");
	snprintf(uri, sizeof uri, "/oauth2/idpresponse?code=c&state=%s", browser_state(&b));
	fake_run_ms(w->net, 901 * 1000);
	browse(&b, uri);
	expect(w, 1, 401, "AuthInvalidStateParam");
	world_close(w);
}

TEST(a_callback_of_another_browser_is_refused)
{
	struct world *w = open_signing_in();
	struct browser attacker = { .w = w }, victim = { .w = w };
	char uri[8192];

	browse(&attacker, "/");
	browse(&victim, "/");
	snprintf(uri, sizeof uri, "/oauth2/idpresponse?code=c&state=%s", browser_state(&attacker));
	browse(&victim, uri);
	expect(w, 2, 401, "AuthInvalidAWSALBAuthNonce");
	CHECK_EQ(fake_fetches(), 0);
	world_close(w);
}

TEST(a_callback_again_leads_who_is_signed_in_where_it_led_and_asks_nobody)
{
	struct world *w = open_signing_in();
	struct browser b = { .w = w };
	char uri[8192];

	browse(&b, "/deep");
	snprintf(uri, sizeof uri, "/oauth2/idpresponse?code=the-code&state=%s", browser_state(&b));
	browse(&b, uri);
	CHECK_EQ(provider.token_asked, 1);
	browse(&b, uri);
	CHECK(strcmp(b.location, "https://shop.test/deep") == 0, "%s", b.location);
	CHECK_EQ(provider.token_asked, 1);
	world_close(w);
}

TEST(a_tampered_cookie_is_refused_and_forgotten)
{
	struct world *w = open_signing_in();
	struct browser b = { .w = w };
	char *value;
	const char *answer;

	sign_in(&b, "/");
	value = (char *)browser_cookie(&b, "AWSELBAuthSessionCookie-0");
	value[40] = value[40] == 'A' ? 'B' : 'A';
	answer = browse(&b, "/");
	expect(w, 2, 401, "AuthInvalidCookie");
	CHECK(strstr(answer, "Set-Cookie: AWSELBAuthSessionCookie-0=; Expires=Thu, 01 Jan 1970"),
	      "%s", answer);
	CHECK(strstr(browse(&b, "/"), "302 Found"), "the next try begins anew");
	world_close(w);
}

TEST(a_session_of_one_provider_opens_nothing_of_another)
{
	struct world *w = open_signing_in();
	struct browser b = { .w = w };

	sign_in(&b, "/");
	provider.gate.oidc.client_id = BYTES("another");
	world_apply(w);
	browse(&b, "/");
	expect(w, 2, 401, "AuthInvalidCookie");
	world_close(w);
}

TEST(a_client_that_leaves_while_the_provider_is_asked_is_let_go)
{
	struct world *w = open_signing_in();
	struct browser b = { .w = w };
	struct fake_peer *client;
	char request[16 * 1024];

	browse(&b, "/");
	provider.after_ms = 3000;
	client = world_connect(w);
	snprintf(request, sizeof request,
		 "GET /oauth2/idpresponse?code=c&state=%s HTTP/1.1\r\nHost: shop.test\r\n%s\r\n",
		 browser_state(&b), browser_cookie_field(&b));
	fake_send(client, request);
	fake_run_ms(w->net, 1000);
	CHECK_EQ(fake_fetches(), 1);
	fake_close(client);
	fake_run_ms(w->net, 10);
	CHECK_EQ(world_ended(w, 1)->reason, END_CLIENT_ABORT);
	fake_run_ms(w->net, 6000); /* the answer reaches nobody */
	world_close(w);
}

TEST(a_slow_provider_holds_up_nobody_else)
{
	struct world *w = open_signing_in();
	struct browser slow = { .w = w };
	struct fake_peer *other;

	provider.after_ms = 4000;
	browse(&slow, "/");
	callback_begin(&slow);
	fake_run_ms(w->net, 100);
	other = world_ask(w, "GET /open HTTP/1.1\r\nHost: shop.test\r\n\r\n");
	CHECK(world_has(fake_received(other), "HTTP/1.1 200 OK\r\n"), "a fixed response at once");
	world_close(w);
}

TEST(http_1_0_without_a_host_cannot_be_sent_anywhere)
{
	struct world *w = open_signing_in();
	struct fake_peer *client = world_ask(w, "GET / HTTP/1.0\r\n\r\n");

	CHECK(world_has(fake_received(client), " 401 Authorization Required"));
	expect(w, 0, 401, "AuthMissingHostHeader");
	CHECK_EQ(world_counter(w, COUNTER_AUTH_ERRORS), 1);
	world_close(w);
}
