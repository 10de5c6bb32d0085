/*
 * Rules as a plan has them: conditions as matchers, gates, actions, rewrites.
 */
#include <stdio.h>

#include "lb/plan_internal.h"
#include "lb/regex.h"

/* ---- Rules ---- */

static err_t compile_regex(struct compiler *c, struct bytes pattern, bool nocase,
			   const struct plan_regex **ret_regex)
{
	char words[REGEX_WHY_BYTES];
	struct plan_regex *regex = arena_new(&c->box->arena, struct plan_regex);
	err_t err;

	if (!regex)
		return ERR_NOMEM;
	err = regex_compile(pattern, nocase, &regex->code, words);
	if (err == ERR_INVALID && c->why)
		snprintf(c->why, PLAN_WHY_BYTES,
			 "Rule %.*s: the regular expression '%.*s' is not valid: %s",
			 (int)size_min(c->rule->arn.len, 160), c->rule->arn.at,
			 (int)size_min(pattern.len, 100), pattern.at, words);
	TRY(err);
	regex->next = c->box->regexes;
	c->box->regexes = regex;
	*ret_regex = regex;
	return ERR_OK;
}

static err_t compile_value(struct compiler *c, enum condition_kind kind,
			   const struct condition_value *config, struct plan_value *value)
{
	if (config->is_regex)
		return compile_regex(c, config->value, kind != CONDITION_PATH_PATTERN,
				     &value->regex);
	if (kind == CONDITION_SOURCE_IP) {
		err_t err = cidr_parse(config->value, &value->cidr);

		assert(!err); /* the service took it as a CIDR */
		return err;
	}
	TRY(compiler_copy(c, config->key, &value->key));
	return compiler_copy(c, config->value, &value->pattern);
}

static err_t compile_conditions(struct compiler *c, const struct rule_config *config,
				struct plan_rule *rule)
{
	struct plan_condition *conditions = compiler_array(c, config->condition_count,
							   sizeof *conditions);

	if (!conditions)
		return ERR_NOMEM;
	rule->conditions = conditions;
	rule->condition_count = config->condition_count;
	for (unsigned i = 0; i < config->condition_count; i++) {
		const struct condition_config *from = &config->conditions[i];
		struct plan_value *values = compiler_array(c, from->value_count, sizeof *values);

		if (!values)
			return ERR_NOMEM;
		conditions[i].kind = from->kind;
		conditions[i].values = values;
		conditions[i].value_count = from->value_count;
		TRY(compiler_copy(c, from->header_name, &conditions[i].header_name));
		for (unsigned v = 0; v < from->value_count; v++)
			TRY(compile_value(c, from->kind, &from->values[v], &values[v]));
	}
	return ERR_OK;
}

static err_t compile_forwards(struct compiler *c, const struct action_config *config,
			      struct plan_action *action)
{
	struct plan_forward *forwards = compiler_array(c, config->group_count, sizeof *forwards);

	if (!forwards)
		return ERR_NOMEM;
	action->forwards = forwards;
	for (unsigned i = 0; i < config->group_count; i++) {
		const struct plan_group *group = map_get(&c->box->groups_by_arn,
							 config->groups[i].group_arn);

		if (!group)
			continue;
		forwards[action->forward_count++] =
			(struct plan_forward){ group, config->groups[i].weight };
		action->weight_sum += config->groups[i].weight;
	}
	return ERR_OK;
}

static err_t compile_action(struct compiler *c, const struct action_config *config,
			    struct plan_action *action)
{
	action->kind = config->kind;
	action->group_stickiness = config->group_stickiness;
	action->group_stickiness_seconds = config->group_stickiness_seconds;
	action->status = config->status;
	TRY(compiler_copy(c, config->protocol, &action->protocol));
	TRY(compiler_copy(c, config->host, &action->host));
	TRY(compiler_copy(c, config->port, &action->port));
	TRY(compiler_copy(c, config->path, &action->path));
	TRY(compiler_copy(c, config->query, &action->query));
	TRY(compiler_copy(c, config->content_type, &action->content_type));
	TRY(compiler_copy(c, config->body, &action->body));
	return config->kind == ACTION_FORWARD ? compile_forwards(c, config, action) : ERR_OK;
}

/* ---- Gates ---- */

static err_t compile_oidc(struct compiler *c, const struct oidc_config *config,
			  struct oidc_config *oidc)
{
	struct query_parameter *extra = compiler_array(c, config->extra_count, sizeof *extra);

	if (!extra)
		return ERR_NOMEM;
	oidc->session_seconds = config->session_seconds;
	oidc->on_unauthenticated = config->on_unauthenticated;
	TRY(compiler_copy(c, config->issuer, &oidc->issuer));
	TRY(compiler_copy(c, config->authorization_endpoint, &oidc->authorization_endpoint));
	TRY(compiler_copy(c, config->token_endpoint, &oidc->token_endpoint));
	TRY(compiler_copy(c, config->user_info_endpoint, &oidc->user_info_endpoint));
	TRY(compiler_copy(c, config->client_id, &oidc->client_id));
	TRY(compiler_copy(c, config->client_secret, &oidc->client_secret));
	TRY(compiler_copy(c, config->cookie_name, &oidc->cookie_name));
	TRY(compiler_copy(c, config->scope, &oidc->scope));
	oidc->extra = extra;
	oidc->extra_count = config->extra_count;
	for (unsigned i = 0; i < config->extra_count; i++) {
		TRY(compiler_copy(c, config->extra[i].name, &extra[i].name));
		TRY(compiler_copy(c, config->extra[i].value, &extra[i].value));
	}
	return ERR_OK;
}

static err_t compile_claim(struct compiler *c, const struct claim_config *config,
			   struct claim_config *claim)
{
	struct bytes *values = compiler_array(c, config->value_count, sizeof *values);

	if (!values)
		return ERR_NOMEM;
	claim->format = config->format;
	claim->values = values;
	claim->value_count = config->value_count;
	for (unsigned i = 0; i < config->value_count; i++)
		TRY(compiler_copy(c, config->values[i], &values[i]));
	return compiler_copy(c, config->name, &claim->name);
}

static err_t compile_jwt(struct compiler *c, const struct jwt_config *config,
			 struct jwt_config *jwt)
{
	struct claim_config *claims = compiler_array(c, config->claim_count, sizeof *claims);

	if (!claims)
		return ERR_NOMEM;
	jwt->claims = claims;
	jwt->claim_count = config->claim_count;
	for (unsigned i = 0; i < config->claim_count; i++)
		TRY(compile_claim(c, &config->claims[i], &claims[i]));
	TRY(compiler_copy(c, config->jwks_url, &jwt->jwks_url));
	return compiler_copy(c, config->issuer, &jwt->issuer);
}

static err_t compile_gates(struct compiler *c, const struct rule_config *config,
			   struct plan_rule *rule)
{
	struct gate_config *gates = compiler_array(c, config->gate_count, sizeof *gates);

	assert(config->gate_count <= GATES_MAX);
	if (!gates)
		return ERR_NOMEM;
	rule->gates = gates;
	rule->gate_count = config->gate_count;
	for (unsigned i = 0; i < config->gate_count; i++) {
		gates[i].kind = config->gates[i].kind;
		TRY(gates[i].kind == GATE_JWT
			    ? compile_jwt(c, &config->gates[i].jwt, &gates[i].jwt)
			    : compile_oidc(c, &config->gates[i].oidc, &gates[i].oidc));
	}
	return ERR_OK;
}

static err_t compile_rewrite(struct compiler *c, const struct rewrite_config *config, bool nocase,
			     struct plan_rewrite *rewrite)
{
	if (!config->regex.at)
		return ERR_OK;
	TRY(compiler_copy(c, config->replace, &rewrite->replace));
	return compile_regex(c, config->regex, nocase, &rewrite->regex);
}

static err_t compile_rule(struct compiler *c, const struct rule_config *config,
			  struct plan_rule *rule)
{
	c->rule = config;
	rule->priority = config->priority;
	TRY(compiler_copy(c, config->arn, &rule->arn));
	TRY(compile_conditions(c, config, rule));
	TRY(compile_gates(c, config, rule));
	TRY(compile_action(c, &config->action, &rule->action));
	TRY(compile_rewrite(c, &config->host_rewrite, true, &rule->host_rewrite));
	return compile_rewrite(c, &config->url_rewrite, false, &rule->url_rewrite);
}

/* Priority 0, the default rule, wraps to the end. */
static int by_priority(const void *a, const void *b)
{
	uint32_t left = ((const struct plan_rule *)a)->priority - 1;
	uint32_t right = ((const struct plan_rule *)b)->priority - 1;

	return (left > right) - (left < right);
}

err_t compile_rules(struct compiler *c, const struct listener_config *config,
		    struct plan_listener *listener)
{
	struct plan_rule *rules = compiler_array(c, config->rule_count, sizeof *rules);

	if (!rules)
		return ERR_NOMEM;
	for (unsigned i = 0; i < config->rule_count; i++)
		TRY(compile_rule(c, &config->rules[i], &rules[i]));
	qsort(rules, config->rule_count, sizeof *rules, by_priority);
	listener->rules = rules;
	listener->rule_count = config->rule_count;
	for (unsigned i = 0; i < config->rule_count; i++)
		for (unsigned g = 0; g < rules[i].gate_count; g++)
			listener->authenticates |= rules[i].gates[g].kind == GATE_AUTHENTICATE;
	assert(listener->rule_count > 0 && rules[listener->rule_count - 1].priority == 0);
	assert(listener->rule_count == 1 || rules[listener->rule_count - 2].priority > 0);
	return ERR_OK;
}
