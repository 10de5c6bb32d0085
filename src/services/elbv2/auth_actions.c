/*
 * auth_actions: what may stand before a rule's action, checked and with its defaults filled in, as
 * Describe answers it (reference §3.6, §3.7): authenticate-oidc, authenticate-cognito and
 * jwt-validation. A client's secret leaves the action here: it is kept sealed, beside the rule's
 * part that Describe shows, and is never answered.
 */
#include "services/elbv2/elbv2_internal.h"

#include <strings.h>

#include "base/encode.h"
#include "crypto/seal.h"
#include "http/uri.h"

enum {
	URL_MAX = 2048,
	JWT_TEXT_MAX = 256,
	SECRET_MAX = 2048,
	COOKIE_NAME_MAX = 128,
	SCOPE_MAX = 1024,
	EXTRA_MAX = 10,
	EXTRA_TEXT_MAX = 512,
	CLAIMS_MAX = 10,
	VALUES_MAX = 10,
	SESSION_SECONDS_MAX = 604800,
};

/* ---- Parts ---- */

static err_t check_url(struct api_call *call, const char *what, const char *url, size_t max)
{
	struct uri uri;

	if (strlen(url) <= max && bytes_starts(bytes_of(url), BYTES("https://")) &&
	    !uri_parse(bytes_of(url), &uri) && uri.authority.len &&
	    !strpbrk(url, " \"<>\\^`{|}\r\n\t"))
		return ERR_OK;
	return api_fault(call, "InvalidLoadBalancerAction",
			 "The %s '%.200s' is not valid: it must be a full URL that begins with "
			 "'https://', of at most %zu characters",
			 what, url, max);
}

/* A token of RFC 9110 §5.6.2, which a cookie's name is. */
static bool is_token(const char *text)
{
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f ||
		    strchr("()<>@,;:\\\"/[]?={}", *c))
			return false;
	return text[0] != '\0';
}

static err_t set_cookie_name(struct api_call *call, const json_t *given, json_t *config)
{
	const char *name = get_filled(given, "SessionCookieName");

	name = name ? name : "AWSELBAuthSessionCookie";
	if (strlen(name) > COOKIE_NAME_MAX || !is_token(name) ||
	    strncasecmp(name, "AWSALB", 6) == 0)
		return api_fault(
			call, "InvalidLoadBalancerAction",
			"The session cookie name '%.200s' is not valid: it must be a cookie's "
			"name of at most %d characters that does not begin with 'AWSALB'",
			name, COOKIE_NAME_MAX);
	return set_string(config, "SessionCookieName", name);
}

static err_t set_scope(struct api_call *call, const json_t *given, json_t *config)
{
	const char *scope = get_filled(given, "Scope");

	scope = scope ? scope : "openid";
	if (strlen(scope) > SCOPE_MAX)
		return api_fault(call, "InvalidLoadBalancerAction",
				 "The scope cannot be longer than '%d' characters", SCOPE_MAX);
	return set_string(config, "Scope", scope);
}

static err_t set_timeout(struct api_call *call, const json_t *given, json_t *config)
{
	int64_t seconds = get_int(given, "SessionTimeout", SESSION_SECONDS_MAX);

	if (seconds < 1 || seconds > SESSION_SECONDS_MAX)
		return api_fault(
			call, "InvalidLoadBalancerAction",
			"The session timeout '%lld' must be between '1-%d' seconds inclusive",
			(long long)seconds, SESSION_SECONDS_MAX);
	return set_new(config, "SessionTimeout", json_integer(seconds));
}

static err_t set_extra(struct api_call *call, const json_t *given, json_t *config)
{
	static const char *const ours[] = { "client_id", "redirect_uri", "response_type",
					    "scope",	 "state",	 "nonce" };
	json_t *extra = json_object_get(given, "AuthenticationRequestExtraParams"), *value;
	const char *name;

	if (!json_object_size(extra))
		return ERR_OK;
	if (json_object_size(extra) > EXTRA_MAX)
		return api_fault(call, "InvalidLoadBalancerAction",
				 "An authentication request can have at most '%d' extra parameters",
				 EXTRA_MAX);
	json_object_foreach (extra, name, value) {
		for (size_t i = 0; i < COUNT(ours); i++)
			if (strcmp(name, ours[i]) == 0)
				return api_fault(
					call, "InvalidLoadBalancerAction",
					"The extra parameter '%s' is one that the load balancer sets",
					name);
		if (!name[0] || strlen(name) > EXTRA_TEXT_MAX ||
		    json_string_length(value) > EXTRA_TEXT_MAX)
			return api_fault(
				call, "InvalidLoadBalancerAction",
				"Names and values of extra parameters must be of '1-%d' characters",
				EXTRA_TEXT_MAX);
	}
	return set_new(config, "AuthenticationRequestExtraParams", json_deep_copy(extra));
}

/* What both kinds have. */
static err_t set_common(struct api_call *call, const json_t *given, json_t *config)
{
	const char *mode = get_filled(given, "OnUnauthenticatedRequest");

	TRY(set_cookie_name(call, given, config));
	TRY(set_scope(call, given, config));
	TRY(set_timeout(call, given, config));
	TRY(set_extra(call, given, config));
	return set_string(config, "OnUnauthenticatedRequest", mode ? mode : "authenticate");
}

static err_t check_text(struct api_call *call, const char *what, const char *text, size_t max)
{
	size_t len = strlen(text);

	if (!len || len > max)
		return api_fault(call, "InvalidLoadBalancerAction",
				 "The %s must be of '1-%zu' characters", what, max);
	return ERR_OK;
}

/* ---- authenticate-oidc ---- */

static err_t take_secret(struct api_call *call, const json_t *given)
{
	struct elbv2_call *self = call_of(call);
	const char *secret = get_filled(given, "ClientSecret");
	bool existing = get_true(given, "UseExistingClientSecret");

	if (secret && existing)
		return api_fault(
			call, "InvalidLoadBalancerAction",
			"You cannot specify both a client secret and the use of the existing one");
	if (!secret && !existing)
		return api_fault(
			call, "InvalidLoadBalancerAction",
			"You must specify a client secret, or 'UseExistingClientSecret' when you "
			"modify a rule that has one");
	if (secret)
		TRY(check_text(call, "client secret", secret, SECRET_MAX));
	self->client_secret = secret;
	self->existing_secret = existing;
	return ERR_OK;
}

err_t action_authenticate_oidc(struct api_call *call, const json_t *action, json_t *out)
{
	static const struct {
		const char *key, *what;
	} urls[] = {
		{ "Issuer", "issuer" },
		{ "AuthorizationEndpoint", "authorization endpoint" },
		{ "TokenEndpoint", "token endpoint" },
		{ "UserInfoEndpoint", "user info endpoint" },
	};
	const json_t *given = json_object_get(action, "AuthenticateOidcConfig");
	json_t *config = json_object();

	TRY(call_hold(call, config));
	if (!given)
		return api_fault(call, "ValidationError",
				 "An authenticate-oidc configuration must be specified");
	for (size_t i = 0; i < COUNT(urls); i++) {
		const char *url = get_string(given, urls[i].key);

		TRY(check_url(call, urls[i].what, url, URL_MAX));
		TRY(set_string(config, urls[i].key, url));
	}
	TRY(check_text(call, "client ID", get_string(given, "ClientId"), URL_MAX));
	TRY(set_string(config, "ClientId", get_string(given, "ClientId")));
	TRY(set_common(call, given, config));
	TRY(take_secret(call, given));
	return set_new(out, "AuthenticateOidcConfig", json_incref(config));
}

/* ---- authenticate-cognito ---- */

/* arn:aws:cognito-idp:REGION:ACCOUNT:userpool/REGION_ID */
static bool is_pool_arn(const char *arn)
{
	struct bytes rest = bytes_of(arn), part;
	const char *const wanted[] = { "arn", NULL, "cognito-idp" };
	size_t at = 0;

	while (at < 5 && bytes_cut(&rest, ':', &part)) {
		if (!part.len ||
		    (at < COUNT(wanted) && wanted[at] && !bytes_eq_str(part, wanted[at])))
			return false;
		at++;
	}
	return at == 5 && bytes_starts(rest, BYTES("userpool/")) &&
	       rest.len > sizeof "userpool/" - 1 && rest.len < 128 &&
	       bytes_index(rest, ':') == SIZE_MAX && !strpbrk(arn, " ?#\"<>\\");
}

/* A prefix of Cognito's own domain, or a domain of the pool's own. */
static bool is_domain(const char *domain)
{
	size_t len = strlen(domain);

	for (const char *c = domain; *c; c++)
		if (!(*c >= 'a' && *c <= 'z') && !(*c >= 'A' && *c <= 'Z') &&
		    !(*c >= '0' && *c <= '9') && !strchr("-.", *c))
			return false;
	return len > 0 && len <= 253;
}

err_t action_authenticate_cognito(struct api_call *call, const json_t *action, json_t *out)
{
	const json_t *given = json_object_get(action, "AuthenticateCognitoConfig");
	json_t *config = json_object();
	const char *arn, *client, *domain;

	TRY(call_hold(call, config));
	if (!given)
		return api_fault(call, "ValidationError",
				 "An authenticate-cognito configuration must be specified");
	arn = get_string(given, "UserPoolArn");
	client = get_string(given, "UserPoolClientId");
	domain = get_string(given, "UserPoolDomain");
	if (!is_pool_arn(arn))
		return api_fault(call, "InvalidLoadBalancerAction",
				 "The user pool ARN '%.200s' is not valid", arn);
	if (!is_domain(domain))
		return api_fault(
			call, "InvalidLoadBalancerAction",
			"The user pool domain '%.200s' is not valid: it must be the prefix of the "
			"pool's domain, or a domain name",
			domain);
	TRY(check_text(call, "user pool client ID", client, 128));
	TRY(set_string(config, "UserPoolArn", arn));
	TRY(set_string(config, "UserPoolClientId", client));
	TRY(set_string(config, "UserPoolDomain", domain));
	TRY(set_common(call, given, config));
	return set_new(out, "AuthenticateCognitoConfig", json_incref(config));
}

/* ---- jwt-validation ---- */

static err_t claim_values(struct api_call *call, const json_t *claim, bool words)
{
	json_t *values = json_object_get(claim, "Values"), *value;
	size_t index;

	if (!json_array_size(values) || json_array_size(values) > VALUES_MAX)
		return api_fault(call, "InvalidLoadBalancerAction",
				 "The claim '%s' must have '1-%d' values",
				 get_string(claim, "Name"), VALUES_MAX);
	json_array_foreach (values, index, value) {
		const char *text = json_string_value(value);

		TRY(check_text(call, "value of a claim", text, JWT_TEXT_MAX));
		if (words && strchr(text, ' '))
			return api_fault(call, "InvalidLoadBalancerAction",
					 "The value '%s' of a claim with the format "
					 "'space-separated-values' cannot contain a space",
					 text);
	}
	return ERR_OK;
}

static err_t claims(struct api_call *call, const json_t *given, json_t *config)
{
	static const char *const reserved[] = { "exp", "iss", "nbf", "iat" };
	json_t *list = json_object_get(given, "AdditionalClaims"), *claim;
	size_t index;

	if (!json_array_size(list))
		return ERR_OK;
	if (json_array_size(list) > CLAIMS_MAX)
		return api_fault(call, "InvalidLoadBalancerAction",
				 "At most '%d' additional claims can be specified", CLAIMS_MAX);
	json_array_foreach (list, index, claim) {
		const char *name = get_string(claim, "Name");

		TRY(check_text(call, "name of a claim", name, JWT_TEXT_MAX));
		for (size_t i = 0; i < COUNT(reserved); i++)
			if (strcmp(name, reserved[i]) == 0)
				return api_fault(
					call, "InvalidLoadBalancerAction",
					"The claim '%s' cannot be an additional claim: it is "
					"always validated",
					name);
		TRY(claim_values(call, claim,
				 strcmp(get_string(claim, "Format"), "space-separated-values") ==
					 0));
	}
	return set_new(config, "AdditionalClaims", json_deep_copy(list));
}

err_t action_jwt_validation(struct api_call *call, const json_t *action, json_t *out)
{
	const json_t *given = json_object_get(action, "JwtValidationConfig");
	json_t *config = json_object();

	TRY(call_hold(call, config));
	if (!given)
		return api_fault(call, "ValidationError",
				 "A jwt-validation configuration must be specified");
	TRY(check_url(call, "JWKS endpoint", get_string(given, "JwksEndpoint"), JWT_TEXT_MAX));
	TRY(check_text(call, "issuer", get_string(given, "Issuer"), JWT_TEXT_MAX));
	TRY(set_string(config, "JwksEndpoint", get_string(given, "JwksEndpoint")));
	TRY(set_string(config, "Issuer", get_string(given, "Issuer")));
	TRY(claims(call, given, config));
	return set_new(out, "JwtValidationConfig", json_incref(config));
}

/* ---- Secrets ---- */

#define SECRET_KEY "client_secret"

static struct bytes secret_context(const char *rule_arn)
{
	return bytes_of(rule_arn); /* a secret moved to another rule does not open */
}

static bool needs_secret(const json_t *actions)
{
	json_t *action;
	size_t index;

	json_array_foreach (actions, index, action)
		if (json_object_get(action, "AuthenticateOidcConfig"))
			return true;
	return false;
}

static err_t seal_secret(struct api_call *call, json_t *rule)
{
	struct elbv2_call *self = call_of(call);
	struct text sealed = TEXT_INIT(SECRET_MAX + SEAL_OVERHEAD_BYTES);
	struct text text = TEXT_INIT(2 * SECRET_MAX);
	err_t err = seal(self->elbv2->options.seal_key, bytes_of(self->client_secret),
			 secret_context(resource_arn(RESOURCE_RULE, rule)), &sealed);

	if (!err) {
		encode_base64(&text, text_bytes(&sealed));
		err = text_err(&text);
	}
	if (!err)
		err = set_string(rule, SECRET_KEY, text_str(&text));
	text_fini(&sealed);
	text_fini(&text);
	return err;
}

err_t rule_keep_secret(struct api_call *call, json_t *rule, const json_t *actions)
{
	struct elbv2_call *self = call_of(call);

	if (!needs_secret(actions)) {
		json_object_del(rule, SECRET_KEY);
		return ERR_OK;
	}
	if (!self->existing_secret)
		return seal_secret(call, rule);
	if (get_string(rule, SECRET_KEY))
		return ERR_OK;
	return api_fault(call, "InvalidLoadBalancerAction",
			 "There is no existing client secret to use: specify one");
}

err_t rule_open_secret(const uint8_t seal_key[SEAL_KEY_BYTES], const json_t *rule,
		       struct arena *arena, struct bytes *ret_secret)
{
	const char *kept = get_string(rule, SECRET_KEY);
	struct text sealed = TEXT_INIT(SECRET_MAX + SEAL_OVERHEAD_BYTES);
	struct text plain = TEXT_INIT(SECRET_MAX);
	err_t err = kept ? decode_base64(&sealed, bytes_of(kept)) : ERR_NOT_FOUND;

	if (!err)
		err = seal_open(seal_key, text_bytes(&sealed),
				secret_context(resource_arn(RESOURCE_RULE, rule)), &plain);
	if (!err)
		err = arena_copy(arena, text_bytes(&plain), ret_secret);
	if (plain.at)
		explicit_bzero(plain.at, plain.cap);
	text_fini(&sealed);
	text_fini(&plain);
	return err;
}
