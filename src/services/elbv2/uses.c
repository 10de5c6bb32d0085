/*
 * uses: which rule forwards to which target group. One record each, so that "in use by", "used by
 * which load balancer" and "how many groups" are looked up instead of searched for.
 */
#include "services/elbv2/elbv2_internal.h"

enum { GROUPS_PER_LOAD_BALANCER = 100 };

static bool contains(const json_t *array, const char *text)
{
	for (size_t i = 0; i < json_array_size(array); i++)
		if (strcmp(json_string_value(json_array_get(array, i)), text) == 0)
			return true;
	return false;
}

static err_t add_once(json_t *array, const char *text)
{
	if (contains(array, text))
		return ERR_OK;
	return json_array_append_new(array, json_string(text)) ? ERR_NOMEM : ERR_OK;
}

err_t actions_groups(struct api_call *call, const json_t *actions, json_t **ret_arns)
{
	json_t *arns = json_array(), *action, *group;
	size_t i, k;

	TRY(call_hold(call, arns));
	json_array_foreach (actions, i, action) {
		const json_t *groups = json_object_get(json_object_get(action, "ForwardConfig"),
						       "TargetGroups");

		json_array_foreach (groups, k, group)
			TRY(add_once(arns, get_string(group, "TargetGroupArn")));
	}
	*ret_arns = arns;
	return ERR_OK;
}

static bool first_user(void *owner, const struct store_resource *resource)
{
	return json_array_append(owner, json_object_get(resource->body, "load_balancer")) != 0;
}

/* A group's uses all belong to one load balancer, so the first tells. */
err_t uses_load_balancers(struct api_call *call, const char *group_arn, json_t **ret_arns)
{
	json_t *arns = json_array();
	struct store_txn *txn;

	TRY(call_hold(call, arns));
	TRY(record_txn(call, &txn));
	TRY(store_each(txn, KIND_USE, group_arn, NULL, first_user, arns));
	*ret_arns = arns;
	return ERR_OK;
}

/* The groups that a load balancer uses, each once. */
static err_t groups_of(struct api_call *call, const char *load_balancer_arn, json_t **ret_arns)
{
	json_t *arns = json_array(), *uses, *use;
	size_t index;

	TRY(call_hold(call, arns));
	TRY(record_list(call, KIND_USE, NULL, &uses));
	json_array_foreach (uses, index, use)
		if (strcmp(get_string(use, "load_balancer"), load_balancer_arn) == 0)
			TRY(add_once(arns, get_string(use, "group")));
	*ret_arns = arns;
	return ERR_OK;
}

err_t uses_count_targets(struct api_call *call, const char *load_balancer_arn, uint64_t *ret_count)
{
	json_t *groups, *group;
	uint64_t count, sum = 0;
	size_t index;

	TRY(groups_of(call, load_balancer_arn, &groups));
	json_array_foreach (groups, index, group) {
		TRY(record_count(call, KIND_TARGET, json_string_value(group), &count));
		sum += count;
	}
	*ret_count = sum;
	return ERR_OK;
}

static char *use_id(struct api_call *call, const char *group_arn, const char *rule_arn)
{
	return arena_printf(call->arena, "%s %s", group_arn, rule_arn);
}

/* *ret_new tells whether the load balancer did not use the group before. */
static err_t add_use(struct api_call *call, const char *rule_arn, const char *load_balancer_arn,
		     const char *group_arn, bool *ret_new)
{
	char *id = use_id(call, group_arn, rule_arn);
	json_t *others, *body;

	if (!id)
		return ERR_NOMEM;
	TRY(uses_load_balancers(call, group_arn, &others));
	if (json_array_size(others) && !contains(others, load_balancer_arn))
		return api_fault(
			call, "TargetGroupAssociationLimit",
			"The following target groups cannot be associated with more than one load "
			"balancer: %s",
			group_arn);
	*ret_new |= json_array_size(others) == 0;
	body = json_pack("{s:s, s:s, s:s}", "group", group_arn, "rule", rule_arn, "load_balancer",
			 load_balancer_arn);
	TRY(call_hold(call, body));
	return record_add(call, KIND_USE, id, group_arn, body);
}

static err_t check_limits(struct api_call *call, const char *load_balancer_arn)
{
	json_t *groups;
	uint64_t targets;

	TRY(groups_of(call, load_balancer_arn, &groups));
	if (json_array_size(groups) > GROUPS_PER_LOAD_BALANCER)
		return api_fault(call, "TooManyUniqueTargetGroupsPerLoadBalancer",
				 "A load balancer can have at most '%d' unique target groups",
				 GROUPS_PER_LOAD_BALANCER);
	TRY(uses_count_targets(call, load_balancer_arn, &targets));
	if (targets > 1000)
		return api_fault(call, "TooManyTargets",
				 "A load balancer can have at most '1000' registered targets");
	return ERR_OK;
}

err_t uses_set(struct api_call *call, const char *rule_arn, const char *load_balancer_arn,
	       json_t *old_actions, json_t *new_actions)
{
	json_t *before, *after, *group;
	bool grew = false;
	size_t index;

	TRY(actions_groups(call, old_actions, &before));
	TRY(actions_groups(call, new_actions, &after));
	json_array_foreach (before, index, group) {
		const char *arn = json_string_value(group);
		char *id = use_id(call, arn, rule_arn);

		if (!id)
			return ERR_NOMEM;
		if (!contains(after, arn))
			TRY(record_drop(call, KIND_USE, id));
	}
	json_array_foreach (after, index, group) {
		if (contains(before, json_string_value(group)))
			continue;
		TRY(add_use(call, rule_arn, load_balancer_arn, json_string_value(group), &grew));
	}
	return grew ? check_limits(call, load_balancer_arn) : ERR_OK;
}
