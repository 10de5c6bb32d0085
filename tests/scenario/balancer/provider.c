#include "tests/scenario/balancer/provider.h"

#include <stdio.h>

#include "base/encode.h"
#include "net/fetch.h"

struct provider provider;

static const struct query_parameter extra = { { "prompt", 6 }, { "login", 5 } };

void provider_gate_rules(struct world *w)
{
	memset(&provider, 0, sizeof provider);
	provider.gate = (struct gate_config){
		.kind = GATE_AUTHENTICATE,
		.oidc = {
			.issuer = BYTES("https://idp.test"),
			.authorization_endpoint = BYTES("https://idp.test/authorize"),
			.token_endpoint = BYTES("https://idp.test/token"),
			.user_info_endpoint = BYTES("https://idp.test/userinfo"),
			.client_id = BYTES("client/1"),
			.client_secret = BYTES("s:cret"),
			.cookie_name = BYTES("AWSELBAuthSessionCookie"),
			.scope = BYTES("openid email"),
			.session_seconds = 604800,
			.extra = &extra,
			.extra_count = 1,
		},
	};
	w->rules[0][0].gates = &provider.gate;
	w->rules[0][0].gate_count = 1;
	{
		static const struct condition_value value = { .value = { "/open", 5 } };
		static const struct condition_config condition = { .kind = CONDITION_PATH_PATTERN,
								   .values = &value,
								   .value_count = 1 };

		w->rules[0][1] = (struct rule_config){
			.arn = BYTES("arn:open"),
			.priority = 1,
			.conditions = &condition,
			.condition_count = 1,
			.action = { .kind = ACTION_FIXED_RESPONSE, .status = 200 },
		};
	}
	w->listeners[0].rule_count = 2;
}

/* ---- The provider ---- */

static uint64_t unix_s(void)
{
	return loop_unix_us(provider.w->loop) / 1000000;
}

static void add_object(struct text *out, const char *json)
{
	encode_base64url(out, bytes_of(json));
}

static void id_token(struct text *out)
{
	const struct provider_fault *fault = &provider.fault;
	char claims[1024];

	snprintf(claims, sizeof claims,
		 "{\"iss\":\"%s\",\"aud\":[\"x\",\"%s\"],\"sub\":\"user-7\",\"exp\":%llu,"
		 "\"iat\":%llu,\"nonce\":\"%s\"}",
		 fault->iss ? fault->iss : "https://idp.test", fault->aud ? fault->aud : "client/1",
		 (unsigned long long)unix_s() +
			 (fault->id_exp_s ? (unsigned long long)fault->id_exp_s : 300),
		 (unsigned long long)unix_s(), fault->nonce ? fault->nonce : provider.nonce);
	add_object(out, "{\"alg\":\"RS256\"}");
	text_add_char(out, '.');
	add_object(out, claims);
	text_add_str(out, ".c2ln");
}

static void answer_token(const struct fetch_request *request, struct fake_answer *answer)
{
	static char body[8192];
	struct text token = TEXT_INIT(4096);

	provider.token_asked++;
	snprintf(provider.last_form, sizeof provider.last_form, "%.*s", BYTES_ARG(request->form));
	snprintf(provider.last_authorization, sizeof provider.last_authorization, "%.*s",
		 BYTES_ARG(request->authorization));
	if (bytes_starts(request->form, BYTES("grant_type=refresh")))
		snprintf(provider.first_of_refresh, sizeof provider.first_of_refresh, "%.*s",
			 BYTES_ARG(request->form));
	id_token(&token);
	snprintf(body, sizeof body,
		 "{\"access_token\":\"access-%u\",\"token_type\":\"Bearer\",\"expires_in\":300,"
		 "\"refresh_token\":\"refresh-%u\",\"id_token\":\"%s\"}",
		 provider.serial, provider.serial, text_str(&token));
	text_fini(&token);
	answer->status = provider.token_status;
	if (provider.fault.token_status)
		answer->status = provider.fault.token_status;
	answer->body = provider.fault.token_body ? provider.fault.token_body : body;
}

static void answer_user(const struct fetch_request *request, struct fake_answer *answer)
{
	static char body[16 * 1024];
	char wanted[64];

	snprintf(wanted, sizeof wanted, "Bearer access-%u", provider.serial);
	CHECK(bytes_eq_str(request->authorization, wanted) || provider.fault.token_body);
	CHECK(!request->form.at);
	snprintf(body, sizeof body,
		 "{\"sub\":\"user-7\",\"email\":\"u@idp.test\",\"padding\":\"%s\"}",
		 provider.padding);
	answer->status = provider.fault.user_status ? provider.fault.user_status : 200;
	answer->body = provider.fault.user_body ? provider.fault.user_body : body;
}

static void on_fetch(void *owner, const struct fetch_request *request, struct fake_answer *answer)
{
	(void)owner;
	answer->err = provider.fault.err;
	answer->after_ms = provider.fault.after_ms ? provider.fault.after_ms : provider.after_ms;
	if (bytes_eq(request->url, BYTES("https://idp.test/token")))
		answer_token(request, answer);
	else if (bytes_eq(request->url, BYTES("https://idp.test/userinfo")))
		answer_user(request, answer);
	else
		CHECK(false, "%.*s was asked", BYTES_ARG(request->url));
}

void provider_start(struct world *w)
{
	provider.w = w;
	provider.serial = 1;
	provider.token_status = 200;
	fake_on_fetch(on_fetch, NULL);
}

void provider_fault(const struct provider_fault *fault)
{
	provider.fault = *fault;
}

/* ---- The browser ---- */

static void set_cookie(struct browser *b, struct bytes name, struct bytes value)
{
	int free_at = -1;

	for (int i = 0; i < BROWSER_COOKIES; i++) {
		if (bytes_eq_str(name, b->cookies[i].name)) {
			free_at = i;
			break;
		}
		if (!b->cookies[i].name[0] && free_at < 0)
			free_at = i;
	}
	CHECK(free_at >= 0 && value.len < sizeof b->cookies[0].value);
	snprintf(b->cookies[free_at].name, sizeof b->cookies[0].name, "%.*s",
		 value.len ? (int)name.len : 0, name.at);
	snprintf(b->cookies[free_at].value, sizeof b->cookies[0].value, "%.*s", BYTES_ARG(value));
}

static void take_line(struct browser *b, struct bytes line)
{
	struct bytes name, value;
	size_t end;

	if (bytes_starts(line, BYTES("Location: ")))
		snprintf(b->location, sizeof b->location, "%.*s", BYTES_ARG(bytes_from(line, 10)));
	if (!bytes_starts(line, BYTES("Set-Cookie: ")))
		return;
	line = bytes_from(line, 12);
	end = bytes_index(line, '=');
	name = bytes_upto(line, end);
	value = bytes_from(line, end + 1);
	set_cookie(b, name, bytes_upto(value, bytes_index(value, ';')));
}

void browser_forget(struct browser *b, const char *name)
{
	set_cookie(b, bytes_of(name), BYTES(""));
}

const char *browser_cookie(const struct browser *b, const char *name)
{
	for (int i = 0; i < BROWSER_COOKIES; i++)
		if (strcmp(b->cookies[i].name, name) == 0)
			return b->cookies[i].value;
	return "";
}

const char *browser_cookie_field(struct browser *b)
{
	const char *between = "";
	size_t len = (size_t)snprintf(b->field, sizeof b->field, "Cookie: ");

	for (int i = 0; i < BROWSER_COOKIES; i++) {
		if (!b->cookies[i].name[0])
			continue;
		len += (size_t)snprintf(b->field + len, sizeof b->field - len, "%s%s=%s", between,
					b->cookies[i].name, b->cookies[i].value);
		between = "; ";
	}
	snprintf(b->field + len, sizeof b->field - len, "\r\n");
	return between[0] ? b->field : "";
}

void browse_begin(struct browser *b, const char *uri)
{
	static char request[64 * 1024];

	snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: shop.test\r\n%s\r\n", uri,
		 browser_cookie_field(b));
	b->peer = world_ask(b->w, request);
}

const char *browse_end(struct browser *b)
{
	struct bytes rest, line;

	fake_run_ms(b->w->net, 5);
	rest = fake_received(b->peer);
	snprintf(b->answer, sizeof b->answer, "%.*s", BYTES_ARG(rest));
	b->location[0] = '\0';
	while (bytes_cut(&rest, '\n', &line) && line.len > 1)
		take_line(b, bytes_upto(line, line.len - 1));
	fake_close(b->peer);
	fake_run_ms(b->w->net, 5);
	return b->answer;
}

const char *browse(struct browser *b, const char *uri)
{
	browse_begin(b, uri);
	return browse_end(b);
}

static const char *parameter(const char *location, const char *name, char *out, size_t size)
{
	const char *at = strstr(location, name);

	CHECK(at != NULL, "%s in %s", name, location);
	at += strlen(name);
	snprintf(out, size, "%.*s", (int)strcspn(at, "&"), at);
	return out;
}

const char *browser_state(struct browser *b)
{
	static char state[8192];

	parameter(b->location, "&nonce=", provider.nonce, sizeof provider.nonce);
	return parameter(b->location, "&state=", state, sizeof state);
}

void callback_begin(struct browser *b)
{
	char uri[9000];

	snprintf(uri, sizeof uri, "/oauth2/idpresponse?code=the-code&state=%s", browser_state(b));
	browse_begin(b, uri);
}

const char *sign_in(struct browser *b, const char *uri)
{
	CHECK(strstr(browse(b, uri), "302 Found"), "%s", b->answer);
	callback_begin(b);
	fake_run_ms(b->w->net, 7000);
	return browse_end(b);
}

/* ---- What a target hears ---- */

void check_data(struct bytes received, const char *sub)
{
	size_t at = bytes_find(received, BYTES("x-amzn-oidc-data: "));
	struct bytes value = bytes_from(received, at + sizeof "x-amzn-oidc-data: " - 1);
	struct jose jose;
	uint64_t exp;

	value = bytes_upto(value, bytes_index(value, '\r'));
	CHECK_OK(jose_parse(value, &jose));
	CHECK(bytes_eq(jose_text(jose.header, "alg"), BYTES("ES256")));
	CHECK(bytes_eq(jose_text(jose.header, "client"), BYTES("client/1")));
	CHECK(bytes_eq(jose_text(jose.header, "iss"), BYTES("https://idp.test")));
	CHECK(bytes_eq(jose_text(jose.header, "signer"), provider.w->balancers[0].arn));
	CHECK(jose_time(jose.header, "exp", &exp) && exp == unix_s() + 120);
	CHECK(bytes_eq_str(jose_text(jose.claims, "sub"), sub));
	CHECK(bytes_eq(jose_text(jose.claims, "email"), BYTES("u@idp.test")));
	CHECK_EQ(jose.signature.len, SIGN_ES256_BYTES);
	jose_fini(&jose);
}
