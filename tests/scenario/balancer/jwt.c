/* jwt-validation through the whole balancer: an issuer with keys of its own behind net/fetch.h. */
#include <stdio.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "base/encode.h"
#include "net/fetch.h"
#include "tests/scenario/balancer/world.h"

static struct gate_config gate = {
	.kind = GATE_JWT,
	.jwt = { .jwks_url = { "https://issuer.test/jwks", 24 },
		 .issuer = { "https://issuer.test", 19 } },
};

static struct {
	struct world *w;
	EVP_PKEY *keys[2];	   /* kid "k0", "k1" */
	unsigned published;	   /* how many of them the set holds */
	struct fake_answer answer; /* status 0: as it should be */
	uint32_t after_ms;
} issuer;

/* ---- The issuer ---- */

static void add_number(struct text *out, const EVP_PKEY *key, const char *name)
{
	uint8_t raw[256];
	BIGNUM *number = NULL;
	int len;

	CHECK(EVP_PKEY_get_bn_param(key, name, &number) == 1);
	len = BN_bn2bin(number, raw);
	encode_base64url(out, bytes_make(raw, (size_t)len));
	BN_free(number);
}

static void on_fetch(void *owner, const struct fetch_request *request, struct fake_answer *answer)
{
	static char body[4096];
	struct text set = TEXT_INIT(4096);

	(void)owner;
	CHECK(bytes_eq(request->url, gate.jwt.jwks_url));
	*answer = issuer.answer;
	answer->after_ms = issuer.after_ms;
	if (answer->status || answer->err)
		return;
	text_add_str(&set, "{\"keys\":[");
	for (unsigned i = 0; i < issuer.published; i++) {
		text_printf(&set, "%s{\"kty\":\"RSA\",\"kid\":\"k%u\",\"n\":\"", i ? "," : "", i);
		add_number(&set, issuer.keys[i], OSSL_PKEY_PARAM_RSA_N);
		text_add_str(&set, "\",\"e\":\"");
		add_number(&set, issuer.keys[i], OSSL_PKEY_PARAM_RSA_E);
		text_add_str(&set, "\"}");
	}
	text_add_str(&set, "]}");
	snprintf(body, sizeof body, "%s", text_str(&set));
	text_fini(&set);
	answer->status = 200;
	answer->body = body;
}

/* A token signed by keys[index], under any kid. */
static const char *token(unsigned index, const char *kid, const char *claims)
{
	static char out[8192];
	struct text text = TEXT_INIT(8192);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	char header[128];
	uint8_t signature[256];
	size_t len = sizeof signature;

	snprintf(header, sizeof header, "{\"alg\":\"RS256\",\"kid\":\"%s\"}", kid);
	encode_base64url(&text, bytes_of(header));
	text_add_char(&text, '.');
	encode_base64url(&text, bytes_of(claims));
	CHECK(EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, issuer.keys[index]) == 1);
	CHECK(EVP_DigestSign(md, signature, &len, (const uint8_t *)text.at, text.len) == 1);
	EVP_MD_CTX_free(md);
	text_add_char(&text, '.');
	encode_base64url(&text, bytes_make(signature, len));
	snprintf(out, sizeof out, "%s", text_str(&text));
	text_fini(&text);
	return out;
}

#define CLAIMS "{\"iss\":\"https://issuer.test\",\"exp\":9999999999}"

static void gated(struct world *w)
{
	gate.jwt.claims = NULL;
	gate.jwt.claim_count = 0;
	w->rules[0][0].gates = &gate;
	w->rules[0][0].gate_count = 1;
}

static struct world *open_issuing(void)
{
	for (int i = 0; i < 2; i++)
		if (!issuer.keys[i])
			issuer.keys[i] = EVP_RSA_gen(2048);
	issuer.published = 1;
	issuer.answer = (struct fake_answer){ 0 };
	issuer.after_ms = 0;
	issuer.w = world_open(gated);
	fake_on_fetch(on_fetch, NULL);
	return issuer.w;
}

static struct fake_peer *ask_with(struct world *w, const char *bearer)
{
	char request[16 * 1024];

	snprintf(request, sizeof request, "GET /api HTTP/1.1\r\nHost: a\r\n%s%s%s\r\n",
		 bearer ? "Authorization: Bearer " : "", bearer ? bearer : "",
		 bearer ? "\r\n" : "");
	return world_ask(w, request);
}

static void refused(struct world *w, unsigned index, unsigned status, const char *reason)
{
	const struct world_end *end = world_ended(w, index);

	CHECK_EQ(end->elb_status, status, "%s", end->line);
	CHECK(strstr(end->line, reason), "%s in %s", reason, end->line);
	CHECK(strstr(end->line, "\"jwt-validation\""), "%s", end->line);
}

/* ---- */

TEST(a_good_token_passes_unchanged_and_the_keys_are_asked_once)
{
	struct world *w = open_issuing();
	char wanted[9000];

	ask_with(w, token(0, "k0", CLAIMS));
	snprintf(wanted, sizeof wanted, "Authorization: Bearer %s\r\n", token(0, "k0", CLAIMS));
	CHECK(world_has(fake_received(world_served(w, 0, 0)), wanted));
	ask_with(w, token(0, "k0", CLAIMS));
	CHECK_EQ(world_served_count(w, 0), 2);
	CHECK_EQ(fake_fetches(), 1);
	CHECK_EQ(world_counter(w, COUNTER_JWT_SUCCESSES), 2);
	world_close(w);
}

TEST(without_a_good_token_it_is_401_with_the_reason)
{
	struct world *w = open_issuing();
	struct fake_peer *client = ask_with(w, NULL);

	CHECK(bytes_starts(fake_received(client),
			   BYTES("HTTP/1.1 401 Authorization Required\r\n")));
	refused(w, 0, 401, "JWTHeaderNotPresent");
	ask_with(w, "a.b.c");
	refused(w, 1, 401, "JWTRequestFormatInvalid");
	CHECK_EQ(fake_fetches(), 0, "nobody is asked for what cannot be a token");
	ask_with(w, token(1, "k0", CLAIMS));
	refused(w, 2, 401, "JWTSignatureValidationError");
	ask_with(w, token(0, "k0", "{\"iss\":\"https://issuer.test\",\"exp\":1}"));
	refused(w, 3, 401, "JWTClaimValueInvalid");
	CHECK_EQ(world_ended(w, 3)->reason, END_JWT_DENIED);
	CHECK_EQ(world_counter(w, COUNTER_JWT_FAILURES), 4);
	CHECK_EQ(world_served_count(w, 0), 0);
	world_close(w);
}

TEST(a_new_key_is_fetched_when_a_token_names_it_but_not_over_and_over)
{
	struct world *w = open_issuing();

	ask_with(w, token(0, "k0", CLAIMS));
	CHECK_EQ(fake_fetches(), 1);
	issuer.published = 2; /* the issuer rotates */
	ask_with(w, token(1, "k1", CLAIMS));
	CHECK_EQ(fake_fetches(), 1, "asked a moment ago: not yet");
	refused(w, 0, 401, "JWTSignatureValidationError");
	fake_run_ms(w->net, 31 * 1000);
	ask_with(w, token(1, "k1", CLAIMS));
	CHECK_EQ(fake_fetches(), 2);
	CHECK_EQ(world_served_count(w, 0), 2);
	for (int i = 0; i < 20; i++)
		ask_with(w, token(0, "nobody's", CLAIMS));
	CHECK_EQ(fake_fetches(), 2, "strangers cannot make us ask");
	world_close(w);
}

TEST(keys_are_refreshed_in_the_background_and_outlive_a_short_failure)
{
	struct world *w = open_issuing();

	ask_with(w, token(0, "k0", CLAIMS));
	fake_run_ms(w->net, 3601 * 1000);
	issuer.answer.status = 500;
	ask_with(w, token(0, "k0", CLAIMS));
	CHECK_EQ(fake_fetches(), 2);
	CHECK_EQ(world_served_count(w, 0), 2, "the old ones still do");
	fake_run_ms(w->net, 3600 * 1000);
	ask_with(w, token(0, "k0", CLAIMS));
	CHECK_EQ(world_served_count(w, 0), 2, "but not for ever");
	CHECK_EQ(world_ended(w, w->end_count - 1)->elb_status, 500);
	world_close(w);
}

TEST(an_issuer_that_is_slow_or_gone_is_500_and_left_alone_for_a_while)
{
	struct world *w = open_issuing();

	issuer.after_ms = 6000;
	ask_with(w, token(0, "k0", CLAIMS));
	ask_with(w, token(0, "k0", CLAIMS));
	fake_run_ms(w->net, 5100);
	CHECK_EQ(fake_fetches(), 1, "two waited for one fetch");
	refused(w, 0, 500, "JWKSRequestTimeout");
	refused(w, 1, 500, "JWKSRequestTimeout");
	issuer.after_ms = 0;
	ask_with(w, token(0, "k0", CLAIMS));
	refused(w, 2, 500, "JWKSRequestTimeout");
	CHECK_EQ(fake_fetches(), 1);
	fake_run_ms(w->net, 5000);
	ask_with(w, token(0, "k0", CLAIMS));
	CHECK_EQ(world_served_count(w, 0), 1);
	world_close(w);
}

TEST(a_document_that_is_no_key_set_is_500)
{
	static const struct fake_answer cases[] = {
		{ .status = 200, .body = "{}" },
		{ .status = 200, .body = "<html>" },
		{ .status = 200, .body = "" },
		{ .status = 404, .body = "{}" },
	};
	static const char *const reasons[] = { "JWKSResponseInvalid", "JWKSResponseInvalid",
					       "JWKSResponseInvalid", "JWKSRequestFailed" };

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct world *w = open_issuing();

		issuer.answer = cases[i];
		ask_with(w, token(0, "k0", CLAIMS));
		refused(w, 0, 500, reasons[i]);
		CHECK_EQ(world_ended(w, 0)->reason, END_JWKS_FAILED);
		world_close(w);
	}
}

TEST(a_client_that_leaves_while_the_keys_are_fetched_is_let_go)
{
	struct world *w = open_issuing();
	struct fake_peer *client;

	issuer.after_ms = 2000;
	client = ask_with(w, token(0, "k0", CLAIMS));
	fake_close(client);
	fake_run_ms(w->net, 10);
	CHECK_EQ(world_ended(w, 0)->reason, END_CLIENT_ABORT);
	fake_run_ms(w->net, 3000);
	world_close(w);
}

TEST(both_gates_hold_in_their_order_and_the_log_says_so)
{
	static struct gate_config both[2];
	struct world *w = open_issuing();

	both[0] = gate;
	both[1] = (struct gate_config){
		.kind = GATE_AUTHENTICATE,
		.oidc = { .issuer = BYTES("https://idp.test"),
			  .authorization_endpoint = BYTES("https://idp.test/authorize"),
			  .client_id = BYTES("c"),
			  .cookie_name = BYTES("S"),
			  .scope = BYTES("openid"),
			  .on_unauthenticated = ON_UNAUTHENTICATED_ALLOW,
			  .session_seconds = 60 },
	};
	w->rules[0][0].gates = both;
	w->rules[0][0].gate_count = 2;
	world_apply(w);
	ask_with(w, token(0, "k0", CLAIMS));
	fake_send(world_served(w, 0, 0), "HTTP/1.1 204 No Content\r\n\r\n");
	fake_run_ms(w->net, 5);
	CHECK(strstr(world_ended(w, 0)->line, "\"jwt-validation,authenticate,forward\""), "%s",
	      world_ended(w, 0)->line);
	ask_with(w, NULL);
	refused(w, 1, 401, "JWTHeaderNotPresent");
	world_close(w);
}

/* The last: the keys of all tests go. */
TEST(the_issuer_closes)
{
	for (int i = 0; i < 2; i++) {
		EVP_PKEY_free(issuer.keys[i]);
		issuer.keys[i] = NULL;
	}
}
