/*
 * plan_rule: a rule's conditions and action from the words of the API to those of the balancer.
 * The handlers checked them when they were set.
 */
#include "services/elbv2/plan.h"

static struct bytes text(const json_t *object, const char *key)
{
	return bytes_of(get_string(object, key));
}

static const struct {
	const char *field, *config;
	enum condition_kind kind;
} kinds[] = {
	{ "host-header", "HostHeaderConfig", CONDITION_HOST_HEADER },
	{ "path-pattern", "PathPatternConfig", CONDITION_PATH_PATTERN },
	{ "http-header", "HttpHeaderConfig", CONDITION_HTTP_HEADER },
	{ "http-request-method", "HttpRequestMethodConfig", CONDITION_METHOD },
	{ "query-string", "QueryStringConfig", CONDITION_QUERY_STRING },
	{ "source-ip", "SourceIpConfig", CONDITION_SOURCE_IP },
};

static err_t condition(const json_t *from, struct arena *arena, struct condition_config *to)
{
	const json_t *config, *values, *regexes, *value;
	struct condition_value *out;
	size_t row = 0, index;

	while (strcmp(kinds[row].field, get_string(from, "Field")) != 0) {
		row++;
		assert(row < COUNT(kinds));
	}
	config = json_object_get(from, kinds[row].config);
	values = json_object_get(config, "Values");
	regexes = json_object_get(config, "RegexValues");
	to->kind = kinds[row].kind;
	to->header_name = text(config, "HttpHeaderName");
	out = arena_array(arena, json_array_size(values) + json_array_size(regexes) + 1,
			  sizeof *out);
	if (!out)
		return ERR_NOMEM;
	to->values = out;
	json_array_foreach (values, index, value) {
		if (to->kind == CONDITION_QUERY_STRING)
			*out = (struct condition_value){ .key = text(value, "Key"),
							 .value = text(value, "Value") };
		else
			out->value = bytes_of(json_string_value(value));
		out++;
	}
	json_array_foreach (regexes, index, value)
		*out++ = (struct condition_value){ .value = bytes_of(json_string_value(value)),
						   .is_regex = true };
	to->value_count = (unsigned)(out - to->values);
	return ERR_OK;
}

static err_t forward(const json_t *from, struct arena *arena, struct action_config *to)
{
	const json_t *config = json_object_get(from, "ForwardConfig"), *group;
	const json_t *groups = json_object_get(config, "TargetGroups");
	const json_t *sticky = json_object_get(config, "TargetGroupStickinessConfig");
	struct forward_group *out = arena_array(arena, json_array_size(groups) + 1, sizeof *out);
	size_t index;

	if (!out)
		return ERR_NOMEM;
	to->kind = ACTION_FORWARD;
	to->groups = out;
	to->group_count = (unsigned)json_array_size(groups);
	to->group_stickiness = get_true(sticky, "Enabled");
	to->group_stickiness_seconds = (uint32_t)get_int(sticky, "DurationSeconds", 0);
	json_array_foreach (groups, index, group)
		out[index] = (struct forward_group){ .group_arn = text(group, "TargetGroupArn"),
						     .weight = (uint16_t)get_int(group, "Weight",
										 1) };
	return ERR_OK;
}

static uint16_t status_of(const char *words)
{
	struct bytes digits = bytes_of(words);
	uint64_t status = 0;
	err_t err;

	if (bytes_starts(digits, BYTES("HTTP_")))
		digits = bytes_from(digits, 5);
	err = bytes_to_u64(digits, 599, &status);
	assert(!err);
	(void)err;
	return (uint16_t)status;
}

static err_t action(const json_t *from, struct arena *arena, struct action_config *to)
{
	const json_t *redirect = json_object_get(from, "RedirectConfig");
	const json_t *fixed = json_object_get(from, "FixedResponseConfig");

	if (redirect) {
		to->kind = ACTION_REDIRECT;
		to->protocol = text(redirect, "Protocol");
		to->host = text(redirect, "Host");
		to->port = text(redirect, "Port");
		to->path = text(redirect, "Path");
		to->query = text(redirect, "Query");
		to->status = status_of(get_string(redirect, "StatusCode"));
		return ERR_OK;
	}
	if (fixed) {
		to->kind = ACTION_FIXED_RESPONSE;
		to->status = status_of(get_string(fixed, "StatusCode"));
		to->content_type = get_string(fixed, "ContentType") ? text(fixed, "ContentType")
								    : BYTES("text/plain");
		to->body = text(fixed, "MessageBody");
		return ERR_OK;
	}
	return forward(from, arena, to);
}

static void transforms(const json_t *list, struct rule_config *to)
{
	const json_t *transform;
	size_t index;

	json_array_foreach (list, index, transform) {
		bool host = strcmp(get_string(transform, "Type"), "host-header-rewrite") == 0;
		const json_t *config = json_object_get(transform, host ? "HostHeaderRewriteConfig"
								       : "UrlRewriteConfig");
		const json_t *rewrite = json_array_get(json_object_get(config, "Rewrites"), 0);

		*(host ? &to->host_rewrite : &to->url_rewrite) = (struct rewrite_config){
			.regex = text(rewrite, "Regex"),
			.replace = text(rewrite, "Replace"),
		};
	}
}

err_t plan_rule(const struct gate_planner *p, const json_t *rule, struct rule_config *ret_rule)
{
	const json_t *api = api_part(rule), *conditions = json_object_get(api, "Conditions"), *one;
	const json_t *actions = json_object_get(api, "Actions");
	uint32_t priority = rule_priority(rule);
	struct arena *arena = p->arena;
	struct condition_config *out;
	size_t index;

	*ret_rule = (struct rule_config){ .arn = text(api, "RuleArn"),
					  .priority = priority == UINT32_MAX ? 0 : priority };
	out = arena_array(arena, json_array_size(conditions) + 1, sizeof *out);
	if (!out)
		return ERR_NOMEM;
	ret_rule->conditions = out;
	ret_rule->condition_count = (unsigned)json_array_size(conditions);
	json_array_foreach (conditions, index, one)
		TRY(condition(one, arena, &out[index]));
	transforms(json_object_get(api, "Transforms"), ret_rule);
	TRY(plan_gates(p, rule, ret_rule));
	/* The terminal action is the last. */
	return action(json_array_get(actions, json_array_size(actions) - 1), arena,
		      &ret_rule->action);
}
