/*
 * rules: create, describe, modify, delete, reorder. A listener's default rule is a rule like the
 * others here, with the priority "default" and no conditions.
 */
#include "services/elbv2/elbv2_internal.h"

#include "crypto/random.h"

#include <stdio.h>
#include <stdlib.h>

enum { RULES_PER_LOAD_BALANCER = 100 };

static bool is_default(const json_t *rule)
{
	return get_true(api_part(rule), "IsDefault");
}

uint32_t rule_priority(const json_t *rule)
{
	uint64_t priority;

	if (is_default(rule) ||
	    bytes_to_u64(bytes_of(get_string(api_part(rule), "Priority")), 50000, &priority))
		return UINT32_MAX;
	return (uint32_t)priority;
}

static err_t put_rule(struct api_call *call, json_t *rule)
{
	return record_put(call, KIND_RULE, resource_arn(RESOURCE_RULE, rule),
			  get_string(rule, "listener"), rule);
}

static int by_priority(const void *a, const void *b)
{
	uint32_t x = rule_priority(*(json_t *const *)a), y = rule_priority(*(json_t *const *)b);

	return (x > y) - (x < y);
}

/* The rules of a listener, the default one last. */
static err_t rules_sorted(struct api_call *call, const char *listener_arn, json_t ***ret_rules,
			  size_t *ret_count)
{
	json_t *list, **rules;

	TRY(record_list(call, KIND_RULE, listener_arn, &list));
	*ret_count = json_array_size(list);
	rules = arena_array(call->arena, *ret_count + 1, sizeof *rules);
	if (!rules)
		return ERR_NOMEM;
	for (size_t i = 0; i < *ret_count; i++)
		rules[i] = json_array_get(list, i);
	qsort(rules, *ret_count, sizeof *rules, by_priority);
	*ret_rules = rules;
	return ERR_OK;
}

err_t listener_default_rule(struct api_call *call, const char *listener_arn, json_t **ret_rule)
{
	json_t *list, *rule;
	size_t index;

	TRY(record_list(call, KIND_RULE, listener_arn, &list));
	json_array_foreach (list, index, rule) {
		if (is_default(rule)) {
			*ret_rule = rule;
			return ERR_OK;
		}
	}
	return ERR_STORE; /* every listener was made with one */
}

/* ---- Create ---- */

err_t rule_add(struct api_call *call, const json_t *listener, const char *priority,
	       json_t *conditions, json_t *actions, json_t *transforms, json_t *tags,
	       json_t **ret_body)
{
	const char *listener_arn = resource_arn(RESOURCE_LISTENER, listener);
	const char *load_balancer = get_string(api_part(listener), "LoadBalancerArn");
	struct bytes tail = arn_tail(listener_arn, "listener/app/");
	uint64_t sequence;
	char id[17], *arn;
	json_t *body;

	random_hex(id, 16);
	arn = arn_make(call, "listener-rule/app/%.*s/%s", BYTES_ARG(tail), id);
	if (!arn)
		return ERR_NOMEM;
	TRY(record_sequence(call, &sequence));
	body = json_pack("{s:I, s:s, s:s, s:{s:s, s:s, s:O, s:O, s:b, s:O}, s:O}", "seq",
			 (json_int_t)sequence, "listener", listener_arn, "load_balancer",
			 load_balancer, "api", "RuleArn", arn, "Priority", priority, "Conditions",
			 conditions, "Actions", actions, "IsDefault",
			 strcmp(priority, "default") == 0, "Transforms", transforms, "tags", tags);
	TRY(call_hold(call, body));
	TRY(rule_keep_secret(call, body, actions));
	TRY(record_add(call, KIND_RULE, arn, listener_arn, body));
	TRY(uses_set(call, arn, load_balancer, NULL, actions));
	*ret_body = body;
	return ERR_OK;
}

static err_t check_count(struct api_call *call, const char *load_balancer_arn)
{
	json_t *listeners, *listener;
	uint64_t rules = 0, count;
	size_t index;

	TRY(record_list(call, KIND_LISTENER, load_balancer_arn, &listeners));
	json_array_foreach (listeners, index, listener) {
		TRY(record_count(call, KIND_RULE, resource_arn(RESOURCE_LISTENER, listener),
				 &count));
		rules += count - 1; /* the default rule does not count */
	}
	if (rules >= RULES_PER_LOAD_BALANCER)
		return api_fault(call, "TooManyRules",
				 "A load balancer can have at most '%d' rules",
				 RULES_PER_LOAD_BALANCER);
	return ERR_OK;
}

static err_t check_priority_free(struct api_call *call, const char *listener_arn,
				 const char *priority)
{
	json_t *list, *rule;
	size_t index;

	TRY(record_list(call, KIND_RULE, listener_arn, &list));
	json_array_foreach (list, index, rule)
		if (strcmp(get_string(api_part(rule), "Priority"), priority) == 0)
			return api_fault(call, "PriorityInUse", "Priority '%s' is currently in use",
					 priority);
	return ERR_OK;
}

err_t elbv2_create_rule(struct api_call *call)
{
	const json_t *in = call->input;
	json_t *listener, *conditions, *actions, *transforms, *tags = json_object(), *rule;
	const char *protocol, *load_balancer;
	char priority[16];

	TRY(call_hold(call, tags));
	snprintf(priority, sizeof priority, "%d", (int)get_int(in, "Priority", 0));
	TRY(resource_get(call, RESOURCE_LISTENER, get_string(in, "ListenerArn"), &listener));
	protocol = get_string(api_part(listener), "Protocol");
	load_balancer = get_string(api_part(listener), "LoadBalancerArn");
	TRY(conditions_normalise(call, json_object_get(in, "Conditions"), &conditions));
	TRY(actions_normalise(call, json_object_get(in, "Actions"), protocol, &actions));
	TRY(transforms_normalise(call, json_object_get(in, "Transforms"), &transforms));
	TRY(tags_merge(call, RESOURCE_RULE, json_object_get(in, "Tags"), tags));
	TRY(check_priority_free(call, resource_arn(RESOURCE_LISTENER, listener), priority));
	TRY(check_count(call, load_balancer));

	TRY(rule_add(call, listener, priority, conditions, actions, transforms, tags, &rule));
	return output_append(call->output, "Rules", json_deep_copy(api_part(rule)));
}

/* ---- Describe ---- */

err_t elbv2_describe_rules(struct api_call *call)
{
	const char *listener = get_string(call->input, "ListenerArn");
	json_t *arns = json_object_get(call->input, "RuleArns"), *arn, *rule, *body, **rules;
	struct page page;
	size_t index, count;

	if ((listener != NULL) == (json_array_size(arns) > 0))
		return api_fault(call, "ValidationError",
				 "You must specify either listener rule ARNs or a listener ARN");
	TRY(set_new(call->output, "Rules", json_array()));
	json_array_foreach (arns, index, arn) {
		TRY(resource_get(call, RESOURCE_RULE, json_string_value(arn), &rule));
		TRY(output_append(call->output, "Rules", json_incref((json_t *)api_part(rule))));
	}
	if (!listener)
		return ERR_OK;

	TRY(resource_get(call, RESOURCE_LISTENER, listener, &body));
	TRY(page_begin(call, 100, &page));
	TRY(rules_sorted(call, resource_arn(RESOURCE_LISTENER, body), &rules, &count));
	for (size_t i = 0; i < count; i++)
		if (page_take(&page, rule_priority(rules[i])))
			TRY(output_append(call->output, "Rules",
					  json_incref((json_t *)api_part(rules[i]))));
	return page_end(&page);
}

/* ---- Modify ---- */

err_t rule_set_actions(struct api_call *call, json_t *rule, json_t *actions)
{
	json_t *api = json_object_get(rule, "api");

	TRY(rule_keep_secret(call, rule, actions));
	TRY(uses_set(call, resource_arn(RESOURCE_RULE, rule), get_string(rule, "load_balancer"),
		     json_object_get(api, "Actions"), actions));
	TRY(set_new(api, "Actions", json_incref(actions)));
	return put_rule(call, rule);
}

static err_t protocol_of(struct api_call *call, const json_t *rule, const char **ret_protocol)
{
	json_t *listener;

	TRY(record_get(call, KIND_LISTENER, get_string(rule, "listener"), &listener));
	*ret_protocol = get_string(api_part(listener), "Protocol");
	return ERR_OK;
}

err_t elbv2_modify_rule(struct api_call *call)
{
	const json_t *in = call->input;
	json_t *conditions = json_object_get(in, "Conditions"),
	       *actions = json_object_get(in, "Actions");
	json_t *transforms = json_object_get(in, "Transforms"), *rule, *api;
	bool reset = get_true(in, "ResetTransforms");
	const char *protocol;

	TRY(resource_get(call, RESOURCE_RULE, get_string(in, "RuleArn"), &rule));
	if (is_default(rule))
		return api_fault(call, "OperationNotPermitted",
				 "Default rule '%s' cannot be modified",
				 resource_arn(RESOURCE_RULE, rule));
	if (!json_array_size(conditions) && !json_array_size(actions) &&
	    !json_array_size(transforms) && !reset)
		return api_fault(call, "ValidationError",
				 "Either conditions or actions must be specified");
	if (reset && json_array_size(transforms))
		return api_fault(
			call, "ValidationError",
			"You cannot specify both transforms and a reset of the transforms");

	api = json_object_get(rule, "api");
	TRY(protocol_of(call, rule, &protocol));
	if (json_array_size(conditions)) {
		TRY(conditions_normalise(call, conditions, &conditions));
		TRY(set_new(api, "Conditions", json_incref(conditions)));
	}
	if (reset || json_array_size(transforms)) {
		TRY(transforms_normalise(call, reset ? NULL : transforms, &transforms));
		TRY(set_new(api, "Transforms", json_incref(transforms)));
	}
	if (json_array_size(actions)) {
		TRY(actions_normalise(call, actions, protocol, &actions));
		TRY(rule_set_actions(call, rule, actions));
	} else {
		TRY(put_rule(call, rule));
	}
	return output_append(call->output, "Rules", json_deep_copy(api));
}

/* What stands before the last action belongs to HTTPS. */
err_t rules_check_protocol(struct api_call *call, const char *listener_arn, const char *protocol)
{
	json_t *list, *rule;
	size_t index;

	if (strcmp(protocol, "HTTPS") == 0)
		return ERR_OK;
	TRY(record_list(call, KIND_RULE, listener_arn, &list));
	json_array_foreach (list, index, rule) {
		const json_t *actions = json_object_get(api_part(rule), "Actions");
		const json_t *only = json_array_get(actions, 0);

		TRY(forward_check_protocol(
			call,
			json_object_get(json_object_get(only, "ForwardConfig"), "TargetGroups"),
			protocol));
		if (json_array_size(actions) > 1)
			return api_fault(
				call, "InvalidLoadBalancerAction",
				"Actions of type '%s' are supported only on HTTPS listeners",
				get_string(json_array_get(actions, 0), "Type"));
	}
	return ERR_OK;
}

/* ---- Priorities ---- */

static err_t check_pairs(struct api_call *call, const json_t *pairs)
{
	json_t *pair;
	size_t index;

	if (!json_array_size(pairs))
		return api_fault(call, "ValidationError", "A rule priority must be specified");
	json_array_foreach (pairs, index, pair) {
		int64_t priority = get_int(pair, "Priority", 0);

		if (!get_string(pair, "RuleArn") || !priority)
			return api_fault(call, "ValidationError",
					 "A rule ARN and a priority must be specified");
		for (size_t i = 0; i < index; i++) {
			const json_t *other = json_array_get(pairs, i);

			if (get_int(other, "Priority", 0) == priority)
				return api_fault(call, "ValidationError",
						 "Priority '%lld' was provided multiple times",
						 (long long)priority);
			if (strcmp(get_string(other, "RuleArn"), get_string(pair, "RuleArn")) == 0)
				return api_fault(call, "ValidationError",
						 "Rule '%s' was provided multiple times",
						 get_string(pair, "RuleArn"));
		}
	}
	return ERR_OK;
}

/* After all moved: no two rules of one listener may have the same priority. */
static err_t check_no_conflict(struct api_call *call, const json_t *moved)
{
	json_t *rule, *list, *other;
	size_t index, at;

	json_array_foreach (moved, index, rule) {
		TRY(record_list(call, KIND_RULE, get_string(rule, "listener"), &list));
		json_array_foreach (list, at, other)
			if (rule_priority(other) == rule_priority(rule) &&
			    strcmp(resource_arn(RESOURCE_RULE, other),
				   resource_arn(RESOURCE_RULE, rule)) != 0)
				return api_fault(call, "PriorityInUse",
						 "Priority '%s' is currently in use",
						 get_string(api_part(rule), "Priority"));
	}
	return ERR_OK;
}

err_t elbv2_set_rule_priorities(struct api_call *call)
{
	json_t *pairs = json_object_get(call->input, "RulePriorities"), *pair, *rule;
	json_t *moved = json_array();
	char priority[16];
	size_t index;

	TRY(call_hold(call, moved));
	TRY(check_pairs(call, pairs));
	json_array_foreach (pairs, index, pair) {
		TRY(resource_get(call, RESOURCE_RULE, get_string(pair, "RuleArn"), &rule));
		if (is_default(rule))
			return api_fault(call, "OperationNotPermitted",
					 "The priority of default rule '%s' cannot be changed",
					 resource_arn(RESOURCE_RULE, rule));
		snprintf(priority, sizeof priority, "%d", (int)get_int(pair, "Priority", 0));
		TRY(set_string(json_object_get(rule, "api"), "Priority", priority));
		TRY(put_rule(call, rule));
		if (json_array_append(moved, rule))
			return ERR_NOMEM;
	}
	TRY(check_no_conflict(call, moved));
	json_array_foreach (moved, index, rule)
		TRY(output_append(call->output, "Rules", json_deep_copy(api_part(rule))));
	return ERR_OK;
}

/* ---- Delete ---- */

static err_t rule_drop(struct api_call *call, const json_t *rule)
{
	const char *arn = resource_arn(RESOURCE_RULE, rule);

	TRY(uses_set(call, arn, get_string(rule, "load_balancer"),
		     json_object_get(api_part(rule), "Actions"), NULL));
	return record_drop(call, KIND_RULE, arn);
}

err_t rules_drop(struct api_call *call, const char *listener_arn)
{
	json_t *list, *rule;
	size_t index;

	TRY(record_list(call, KIND_RULE, listener_arn, &list));
	json_array_foreach (list, index, rule)
		TRY(rule_drop(call, rule));
	return ERR_OK;
}

err_t elbv2_delete_rule(struct api_call *call)
{
	json_t *rule;

	TRY(resource_get(call, RESOURCE_RULE, get_string(call->input, "RuleArn"), &rule));
	if (is_default(rule))
		return api_fault(call, "OperationNotPermitted",
				 "Default rule '%s' cannot be deleted",
				 resource_arn(RESOURCE_RULE, rule));
	return rule_drop(call, rule);
}
