/*
 * plan_gate: what stands before a rule's action, from the words of the API to those of the
 * balancer. Cognito's endpoints follow from the pool, as AWS derives them.
 */
#include "services/elbv2/plan.h"

#include "base/log.h"

static struct bytes text(const json_t *object, const char *key)
{
	return bytes_of(get_string(object, key));
}

static err_t plan_extra(const json_t *config, struct arena *arena, struct oidc_config *to)
{
	json_t *extra = json_object_get(config, "AuthenticationRequestExtraParams"), *value;
	struct query_parameter *out = arena_array(arena, json_object_size(extra) + 1, sizeof *out);
	const char *name;

	if (!out)
		return ERR_NOMEM;
	to->extra = out;
	json_object_foreach (extra, name, value)
		out[to->extra_count++] = (struct query_parameter){
			bytes_of(name), bytes_of(json_string_value(value))
		};
	return ERR_OK;
}

static err_t plan_common(const json_t *config, struct arena *arena, struct oidc_config *to)
{
	const char *mode = get_string(config, "OnUnauthenticatedRequest");

	to->cookie_name = text(config, "SessionCookieName");
	to->scope = text(config, "Scope");
	to->session_seconds = (uint32_t)get_int(config, "SessionTimeout", 604800);
	to->on_unauthenticated = strcmp(mode, "allow") == 0  ? ON_UNAUTHENTICATED_ALLOW
				 : strcmp(mode, "deny") == 0 ? ON_UNAUTHENTICATED_DENY
							     : ON_UNAUTHENTICATED_LOGIN;
	return plan_extra(config, arena, to);
}

static err_t plan_oidc(const struct gate_planner *p, const json_t *rule, const json_t *config,
		       struct oidc_config *to)
{
	err_t err = rule_open_secret(p->seal_key, rule, p->arena, &to->client_secret);

	if (err == ERR_NOMEM)
		return err;
	if (err) /* the provider will say so to whoever signs in; others are not to suffer */
		log_error("elbv2", "the client secret of %s cannot be opened: set it anew",
			  resource_arn(RESOURCE_RULE, rule));
	to->issuer = text(config, "Issuer");
	to->authorization_endpoint = text(config, "AuthorizationEndpoint");
	to->token_endpoint = text(config, "TokenEndpoint");
	to->user_info_endpoint = text(config, "UserInfoEndpoint");
	to->client_id = text(config, "ClientId");
	return plan_common(config, p->arena, to);
}

/* ---- Cognito ---- */

static struct bytes join(struct arena *arena, const char *base, const char *path)
{
	return bytes_of(arena_printf(arena, "%s%s", base, path));
}

/* Where the pool signs people in: its own domain, a prefix of Cognito's, or the setting's. */
static const char *cognito_base(const struct gate_planner *p, const char *domain,
				struct bytes region)
{
	if (p->cognito_endpoint && p->cognito_endpoint[0])
		return p->cognito_endpoint;
	if (strchr(domain, '.'))
		return arena_printf(p->arena, "https://%s", domain);
	return arena_printf(p->arena, "https://%s.auth.%.*s.amazoncognito.com", domain,
			    BYTES_ARG(region));
}

static const char *cognito_issuer(const struct gate_planner *p, struct bytes region,
				  struct bytes pool)
{
	if (p->cognito_endpoint && p->cognito_endpoint[0])
		return arena_printf(p->arena, "%s/%.*s", p->cognito_endpoint, BYTES_ARG(pool));
	return arena_printf(p->arena, "https://cognito-idp.%.*s.amazonaws.com/%.*s",
			    BYTES_ARG(region), BYTES_ARG(pool));
}

static err_t plan_cognito(const struct gate_planner *p, const json_t *config,
			  struct oidc_config *to)
{
	struct bytes rest = text(config, "UserPoolArn"), region = BYTES_NONE, pool = BYTES_NONE;
	const char *base, *issuer;

	for (int part = 0; part < 4; part++)
		bytes_cut(&rest, ':', &region);
	pool = bytes_from(rest, bytes_index(rest, '/') + 1);
	base = cognito_base(p, get_string(config, "UserPoolDomain"), region);
	issuer = cognito_issuer(p, region, pool);
	if (!base || !issuer)
		return ERR_NOMEM;
	to->issuer = bytes_of(issuer);
	to->authorization_endpoint = join(p->arena, base, "/oauth2/authorize");
	to->token_endpoint = join(p->arena, base, "/oauth2/token");
	to->user_info_endpoint = join(p->arena, base, "/oauth2/userInfo");
	if (!to->authorization_endpoint.at || !to->token_endpoint.at || !to->user_info_endpoint.at)
		return ERR_NOMEM;
	to->client_id = text(config, "UserPoolClientId");
	to->client_secret = p->cognito_secret ? p->cognito_secret(p->owner, to->client_id)
					      : BYTES_NONE;
	return plan_common(config, p->arena, to);
}

/* ---- Tokens ---- */

static err_t plan_claim(const json_t *from, struct arena *arena, struct claim_config *to)
{
	const json_t *values = json_object_get(from, "Values"), *value;
	struct bytes *out = arena_array(arena, json_array_size(values) + 1, sizeof *out);
	const char *format = get_string(from, "Format");
	size_t index;

	if (!out)
		return ERR_NOMEM;
	to->name = text(from, "Name");
	to->format = strcmp(format, "string-array") == 0	     ? CLAIM_STRING_ARRAY
		     : strcmp(format, "space-separated-values") == 0 ? CLAIM_SPACE_SEPARATED
								     : CLAIM_SINGLE_STRING;
	to->values = out;
	to->value_count = (unsigned)json_array_size(values);
	json_array_foreach (values, index, value)
		out[index] = bytes_of(json_string_value(value));
	return ERR_OK;
}

static err_t plan_jwt(const json_t *config, struct arena *arena, struct jwt_config *to)
{
	const json_t *claims = json_object_get(config, "AdditionalClaims"), *claim;
	struct claim_config *out = arena_array(arena, json_array_size(claims) + 1, sizeof *out);
	size_t index;

	if (!out)
		return ERR_NOMEM;
	to->jwks_url = text(config, "JwksEndpoint");
	to->issuer = text(config, "Issuer");
	to->claims = out;
	to->claim_count = (unsigned)json_array_size(claims);
	json_array_foreach (claims, index, claim)
		TRY(plan_claim(claim, arena, &out[index]));
	return ERR_OK;
}

/* ---- All of a rule ---- */

static err_t plan_one(const struct gate_planner *p, const json_t *rule, const json_t *action,
		      struct gate_config *to)
{
	const json_t *oidc = json_object_get(action, "AuthenticateOidcConfig");
	const json_t *jwt = json_object_get(action, "JwtValidationConfig");

	to->kind = jwt ? GATE_JWT : GATE_AUTHENTICATE;
	if (jwt)
		return plan_jwt(jwt, p->arena, &to->jwt);
	if (oidc)
		return plan_oidc(p, rule, oidc, &to->oidc);
	return plan_cognito(p, json_object_get(action, "AuthenticateCognitoConfig"), &to->oidc);
}

err_t plan_gates(const struct gate_planner *p, const json_t *rule, struct rule_config *to)
{
	const json_t *actions = json_object_get(api_part(rule), "Actions");
	size_t count = json_array_size(actions) - 1; /* the last is the action itself */
	struct gate_config *out = arena_array(p->arena, count + 1, sizeof *out);

	if (!out)
		return ERR_NOMEM;
	assert(count <= GATES_MAX);
	to->gates = out;
	to->gate_count = (unsigned)count;
	for (size_t i = 0; i < count; i++)
		TRY(plan_one(p, rule, json_array_get(actions, i), &out[i]));
	return ERR_OK;
}
