/*
 * records: scalable targets, policies and scheduled actions, as users put and describe them.
 */
#include "services/autoscaling/autoscaling_internal.h"

#include <stdio.h>

#include "crypto/random.h"
#include "services/autoscaling/schedule.h"

enum { PAGE_MAX = 50, CAPACITY_MAX = 5000, NAME_MAX_BYTES = 256 };

#define DIMENSION "ecs:service:DesiredCount"

/* ---- The store ---- */

static err_t txn_of(struct api_call *call, struct store_txn **ret_txn)
{
	if (!call->transaction)
		TRY(store_begin(autoscaling_of(call)->options.store,
				(struct store_txn **)&call->transaction));
	*ret_txn = call->transaction;
	return ERR_OK;
}

static err_t get(struct api_call *call, const char *kind, const char *id, json_t **ret_body)
{
	struct store_txn *txn;

	TRY(txn_of(call, &txn));
	return store_get(txn, kind, id, ret_body, NULL);
}

/* Adds or replaces. */
static err_t write_record(struct api_call *call, const char *kind, const char *id,
			  const char *parent, json_t *body)
{
	struct store_resource resource = { .kind = kind, .id = id, .parent = parent, .body = body };
	struct store_txn *txn;
	err_t err;

	TRY(txn_of(call, &txn));
	err = store_update(txn, &resource);
	return err == ERR_NOT_FOUND ? store_insert(txn, &resource) : err;
}

static bool append_body(void *owner, const struct store_resource *resource)
{
	return json_array_append(owner, resource->body) == 0;
}

static err_t list(struct api_call *call, const char *kind, const char *parent, json_t **ret_list)
{
	struct store_txn *txn;
	json_t *all = json_array();
	err_t err;

	if (!all)
		return ERR_NOMEM;
	err = txn_of(call, &txn);
	if (!err)
		err = store_each(txn, kind, parent, NULL, append_body, all);
	if (err) {
		json_decref(all);
		return err;
	}
	*ret_list = all;
	return ERR_OK;
}

/* ---- Input ---- */

static err_t wrong(struct api_call *call, const char *words)
{
	return api_fault(call, "ValidationException", "%s", words);
}

static const char *input_text(const struct api_call *call, const char *name)
{
	return text_of(call->input, name);
}

/* Only services of ECS scale here; `ret_resource` is "service/CLUSTER/NAME". */
static err_t check_resource(struct api_call *call, const char **ret_resource)
{
	const char *resource = input_text(call, "ResourceId");

	if (strcmp(input_text(call, "ServiceNamespace"), "ecs") != 0)
		return api_fault(call, "ValidationException",
				 "The service namespace '%.100s' is not supported here; 'ecs' is.",
				 input_text(call, "ServiceNamespace"));
	if (strcmp(input_text(call, "ScalableDimension"), DIMENSION) != 0)
		return wrong(call, "Unsupported service namespace, resource type or scalable "
				   "dimension: " DIMENSION " is supported");
	if (strncmp(resource, "service/", 8) != 0 || !strchr(resource + 8, '/'))
		return wrong(call, "ResourceId must be of the form service/CLUSTER/SERVICE");
	*ret_resource = resource;
	return ERR_OK;
}

static err_t not_registered(struct api_call *call)
{
	return api_fault(call, "ObjectNotFoundException",
			 "No scalable target registered for service namespace: ecs, resource ID: "
			 "%.300s, scalable dimension: " DIMENSION,
			 input_text(call, "ResourceId"));
}

static err_t need_target(struct api_call *call, const char *resource)
{
	err_t err = get(call, KIND_TARGET, resource, NULL);

	return err == ERR_NOT_FOUND ? not_registered(call) : err;
}

static err_t check_service(struct api_call *call, const char *resource)
{
	struct bytes rest = bytes_of(resource + 8), cluster;
	struct api_fault fault;
	json_t *output = NULL;
	bool active;

	bytes_cut(&rest, '/', &cluster);
	if (autoscaling_ask(autoscaling_of(call), "ecs", "DescribeServices",
			    json_pack("{s:s%, s:[s%]}", "cluster", cluster.at, cluster.len,
				      "services", rest.at, rest.len),
			    &output, &fault))
		return api_fault(call, "ValidationException", "ECS service doesn't exist: %.300s",
				 resource);
	active = strcmp(text_of(json_array_get(json_object_get(output, "services"), 0), "status"),
			"ACTIVE") == 0;
	json_decref(output);
	if (active)
		return ERR_OK;
	return api_fault(call, "ValidationException", "ECS service doesn't exist: %.300s",
			 resource);
}

/* ---- Answers ---- */

static void hide(json_t *body)
{
	const char *key;
	json_t *value;
	void *next;

	json_object_foreach_safe(body, next, key, value) if (key[0] == '_')
		json_object_del(body, key);
}

static bool is_named(const json_t *names, const char *name)
{
	json_t *item;
	size_t i;

	json_array_foreach ((json_t *)names, i, item)
		if (strcmp(json_string_value(item), name) == 0)
			return true;
	return !json_array_size(names);
}

struct description {
	const char *kind, *output;  /* "ScalableTargets" */
	const char *names, *member; /* input's list, and what of a body it names */
};

static err_t describe(struct api_call *call, const struct description *what)
{
	const char *token = input_text(call, "NextToken"),
		   *resource = input_text(call, "ResourceId");
	json_t *all, *page = json_array(), *copy;
	uint64_t from = 0, max = (uint64_t)number_of(call->input, "MaxResults", PAGE_MAX);
	char next[24];
	size_t i;
	err_t err = ERR_OK;

	TRY(put(call->output, what->output, page));
	if (strcmp(input_text(call, "ServiceNamespace"), "ecs") != 0)
		return ERR_OK; /* nothing of others scales here */
	if (max < 1 || max > PAGE_MAX)
		return wrong(call, "MaxResults must be between 1 and 50");
	if (token[0] && bytes_to_u64(bytes_of(token), UINT32_MAX, &from))
		return api_fault(call, "InvalidNextTokenException", "The token is not valid");
	TRY(list(call, what->kind, NULL, &all));
	for (i = from; !err && i < json_array_size(all) && json_array_size(page) < max; i++) {
		const json_t *body = json_array_get(all, i);

		if ((resource[0] && strcmp(text_of(body, "ResourceId"), resource) != 0) ||
		    !is_named(json_object_get(call->input, what->names),
			      text_of(body, what->member)))
			continue;
		copy = json_deep_copy(body);
		if (copy)
			hide(copy);
		if (json_array_append_new(page, copy))
			err = ERR_NOMEM;
	}
	snprintf(next, sizeof next, "%zu", i);
	if (!err && i < json_array_size(all))
		err = put(call->output, "NextToken", json_string(next));
	json_decref(all);
	return err;
}

/* ---- Scalable targets ---- */

static err_t new_target(struct api_call *call, const char *resource, json_t **ret_body)
{
	const struct autoscaling_options *options = &autoscaling_of(call)->options;
	char id[37];

	random_uuid(id);
	*ret_body = json_pack("{s:s, s:s, s:s, s:I, s:o, s:o, s:[]}", "ServiceNamespace", "ecs",
			      "ResourceId", resource, "ScalableDimension", DIMENSION,
			      "CreationTime", (json_int_t)autoscaling_now_ms(autoscaling_of(call)),
			      "ScalableTargetARN",
			      json_sprintf("arn:aws:application-autoscaling:%s:%s:"
					   "scalable-target/%s",
					   options->region, options->account, id),
			      "RoleARN",
			      json_sprintf("arn:aws:iam::%s:role/aws-service-role/"
					   "ecs.application-autoscaling.amazonaws.com/"
					   "AWSServiceRoleForApplicationAutoScaling_ECSService",
					   options->account),
			      "_activities");
	return *ret_body ? ERR_OK : ERR_NOMEM;
}

static err_t fill_target(struct api_call *call, json_t *body, bool known)
{
	static const char *const kept[] = { "MinCapacity", "MaxCapacity", "SuspendedState" };
	const json_t *value;
	int64_t min, max;

	for (size_t i = 0; i < COUNT(kept); i++) {
		value = json_object_get(call->input, kept[i]);
		if (value)
			TRY(put(body, kept[i], json_deep_copy(value)));
	}
	min = number_of(body, "MinCapacity", -1);
	max = number_of(body, "MaxCapacity", -1);
	if (!known && (min < 0 || max < 0))
		return wrong(call,
			     "MinCapacity and MaxCapacity are needed for a new scalable target");
	if (min < 0 || max > CAPACITY_MAX || min > max)
		return wrong(call, "MinCapacity must be at least 0 and not more than MaxCapacity, "
				   "which must be at most 5000");
	if (!json_object_get(body, "SuspendedState"))
		TRY(put(body, "SuspendedState",
			json_pack("{s:b, s:b, s:b}", "DynamicScalingInSuspended", 0,
				  "DynamicScalingOutSuspended", 0, "ScheduledScalingSuspended",
				  0)));
	if (!known)
		return put(body, "_tags",
			   json_object_get(call->input, "Tags")
				   ? json_deep_copy(json_object_get(call->input, "Tags"))
				   : json_object());
	return ERR_OK;
}

err_t autoscaling_register_scalable_target(struct api_call *call)
{
	const char *resource;
	json_t *body = NULL;
	bool known;
	err_t err;

	TRY(check_resource(call, &resource));
	TRY(check_service(call, resource));
	err = get(call, KIND_TARGET, resource, &body);
	known = !err;
	if (err == ERR_NOT_FOUND)
		err = new_target(call, resource, &body);
	if (!err)
		err = fill_target(call, body, known);
	if (!err)
		err = write_record(call, KIND_TARGET, resource, "", body);
	if (!err)
		err = put(call->output, "ScalableTargetARN",
			  json_string(text_of(body, "ScalableTargetARN")));
	json_decref(body);
	return err;
}

err_t autoscaling_describe_scalable_targets(struct api_call *call)
{
	static const struct description what = { KIND_TARGET, "ScalableTargets", "ResourceIds",
						 "ResourceId" };

	return describe(call, &what);
}

static err_t drop_children(struct api_call *call, const char *kind, const char *resource,
			   const char *member)
{
	struct store_txn *txn;
	json_t *all, *body;
	size_t i;
	err_t err = ERR_OK;

	TRY(list(call, kind, resource, &all));
	TRY(txn_of(call, &txn));
	json_array_foreach (all, i, body) {
		const char *id = arena_printf(call->arena, "%s/%s", resource,
					      text_of(body, member));

		if (!err)
			err = id ? store_delete(txn, kind, id) : ERR_NOMEM;
	}
	json_decref(all);
	return err;
}

err_t autoscaling_deregister_scalable_target(struct api_call *call)
{
	const char *resource;
	struct store_txn *txn;

	TRY(check_resource(call, &resource));
	TRY(need_target(call, resource));
	TRY(drop_children(call, KIND_POLICY, resource, "PolicyName"));
	TRY(drop_children(call, KIND_SCHEDULE, resource, "ScheduledActionName"));
	TRY(txn_of(call, &txn));
	return store_delete(txn, KIND_TARGET, resource);
}

/* ---- Policies ---- */

static err_t check_tracking(struct api_call *call, const json_t *config)
{
	const json_t *given = json_object_get(config, "PredefinedMetricSpecification");
	const json_t *custom = json_object_get(config, "CustomizedMetricSpecification");
	const char *type = text_of(given, "PredefinedMetricType");
	const char *label = text_of(given, "ResourceLabel");

	if (!(json_number_value(json_object_get(config, "TargetValue")) > 0))
		return wrong(call, "TargetValue must be more than 0");
	if (!given == !custom)
		return wrong(call, "Exactly one of PredefinedMetricSpecification and "
				   "CustomizedMetricSpecification is needed");
	if (custom && (json_object_get(custom, "Metrics") || !text_of(custom, "MetricName")[0] ||
		       !text_of(custom, "Namespace")[0] || !text_of(custom, "Statistic")[0]))
		return wrong(call, "CustomizedMetricSpecification needs MetricName, Namespace and "
				   "Statistic; metric math is not supported here");
	if (custom)
		return ERR_OK;
	if (strcmp(type, "ALBRequestCountPerTarget") == 0) {
		if (strncmp(label, "app/", 4) != 0 || !strstr(label, "/targetgroup/"))
			return wrong(call, "ResourceLabel must be of the form "
					   "app/LB/ID/targetgroup/TG/ID");
		return ERR_OK;
	}
	if (strcmp(type, "ECSServiceAverageCPUUtilization") == 0 ||
	    strcmp(type, "ECSServiceAverageMemoryUtilization") == 0)
		return ERR_OK;
	return api_fault(call, "ValidationException",
			 "The predefined metric type '%.100s' is not one of ECS services", type);
}

static err_t check_steps(struct api_call *call, const json_t *config)
{
	const char *type = text_of(config, "AdjustmentType");

	if (strcmp(type, "ChangeInCapacity") != 0 && strcmp(type, "ExactCapacity") != 0 &&
	    strcmp(type, "PercentChangeInCapacity") != 0)
		return wrong(call, "AdjustmentType must be ChangeInCapacity, ExactCapacity or "
				   "PercentChangeInCapacity");
	if (!json_array_size(json_object_get(config, "StepAdjustments")))
		return wrong(call, "StepAdjustments must not be empty");
	return ERR_OK;
}

static err_t fill_policy(struct api_call *call, json_t *body, const char *type)
{
	bool tracking = strcmp(type, "TargetTrackingScaling") == 0;
	const char *member = tracking ? "TargetTrackingScalingPolicyConfiguration"
				      : "StepScalingPolicyConfiguration";
	const json_t *config = json_object_get(call->input, member);

	if (!tracking && strcmp(type, "StepScaling") != 0)
		return api_fault(call, "ValidationException",
				 "The policy type '%.100s' is not supported here; "
				 "TargetTrackingScaling and StepScaling are",
				 type);
	if (!config)
		return api_fault(call, "ValidationException", "%s is needed for %s", member, type);
	TRY(tracking ? check_tracking(call, config) : check_steps(call, config));
	TRY(put(body, "PolicyType", json_string(type)));
	TRY(put(body, "Alarms", json_array()));
	return put(body, member, json_deep_copy(config));
}

static err_t new_policy(struct api_call *call, const char *resource, json_t **ret_body)
{
	const struct autoscaling_options *options = &autoscaling_of(call)->options;
	const char *name = input_text(call, "PolicyName");
	char id[37];

	random_uuid(id);
	*ret_body = json_pack("{s:s, s:s, s:s, s:s, s:I, s:o}", "ServiceNamespace", "ecs",
			      "ResourceId", resource, "ScalableDimension", DIMENSION, "PolicyName",
			      name, "CreationTime",
			      (json_int_t)autoscaling_now_ms(autoscaling_of(call)), "PolicyARN",
			      json_sprintf("arn:aws:autoscaling:%s:%s:scalingPolicy:%s:resource/"
					   "ecs/%s:policyName/%s",
					   options->region, options->account, id, resource, name));
	return *ret_body ? ERR_OK : ERR_NOMEM;
}

err_t autoscaling_put_scaling_policy(struct api_call *call)
{
	const char *name = input_text(call, "PolicyName"), *type = input_text(call, "PolicyType");
	const char *resource, *id;
	json_t *body = NULL;
	err_t err;

	TRY(check_resource(call, &resource));
	if (!name[0] || strlen(name) > NAME_MAX_BYTES || strchr(name, '/'))
		return wrong(call, "PolicyName must have 1 to 256 characters, and no '/'");
	TRY(need_target(call, resource));
	id = arena_printf(call->arena, "%s/%s", resource, name);
	if (!id)
		return ERR_NOMEM;
	err = get(call, KIND_POLICY, id, &body);
	if (!type[0] && !err)
		type = text_of(body, "PolicyType");
	if (err == ERR_NOT_FOUND)
		err = new_policy(call, resource, &body);
	if (!err)
		err = fill_policy(call, body, type[0] ? type : "StepScaling");
	if (!err)
		err = write_record(call, KIND_POLICY, id, resource, body);
	if (!err)
		err = put(call->output, "PolicyARN", json_string(text_of(body, "PolicyARN")));
	if (!err)
		err = put(call->output, "Alarms", json_array());
	json_decref(body);
	return err;
}

err_t autoscaling_describe_scaling_policies(struct api_call *call)
{
	static const struct description what = { KIND_POLICY, "ScalingPolicies", "PolicyNames",
						 "PolicyName" };

	return describe(call, &what);
}

static err_t drop(struct api_call *call, const char *kind, const char *name)
{
	struct store_txn *txn;
	const char *resource, *id;
	err_t err;

	TRY(check_resource(call, &resource));
	id = arena_printf(call->arena, "%s/%s", resource, name);
	if (!id)
		return ERR_NOMEM;
	TRY(txn_of(call, &txn));
	err = store_delete(txn, kind, id);
	if (err == ERR_NOT_FOUND)
		return api_fault(call, "ObjectNotFoundException",
				 "'%.200s' was not found for %.300s", name, resource);
	return err;
}

err_t autoscaling_delete_scaling_policy(struct api_call *call)
{
	return drop(call, KIND_POLICY, input_text(call, "PolicyName"));
}

/* ---- Scheduled actions ---- */

static err_t check_schedule(struct api_call *call, struct schedule *ret_schedule)
{
	const char *text = input_text(call, "Schedule"), *zone = input_text(call, "Timezone");
	const json_t *action = json_object_get(call->input, "ScalableTargetAction");

	if (zone[0] && strcmp(zone, "UTC") != 0 && strcmp(zone, "Etc/UTC") != 0)
		return api_fault(call, "ValidationException",
				 "The time zone '%.100s' is not supported here; UTC is", zone);
	if (schedule_parse(bytes_of(text), ret_schedule))
		return api_fault(call, "ValidationException",
				 "The schedule '%.200s' is not valid: at(yyyy-mm-ddThh:mm:ss), "
				 "rate(value unit) or cron(minutes hours day-of-month month "
				 "day-of-week year)",
				 text);
	if (!json_object_get(action, "MinCapacity") && !json_object_get(action, "MaxCapacity"))
		return wrong(call, "ScalableTargetAction needs MinCapacity or MaxCapacity");
	return ERR_OK;
}

err_t autoscaling_put_scheduled_action(struct api_call *call)
{
	static const char *const kept[] = { "Schedule", "Timezone", "StartTime", "EndTime",
					    "ScalableTargetAction" };
	const struct autoscaling_options *options = &autoscaling_of(call)->options;
	const char *name = input_text(call, "ScheduledActionName"), *resource, *id;
	uint64_t now = autoscaling_now_ms(autoscaling_of(call));
	struct schedule schedule;
	char uuid[37];
	json_t *body;
	err_t err = ERR_OK;

	TRY(check_resource(call, &resource));
	if (!name[0] || strlen(name) > NAME_MAX_BYTES || strchr(name, '/'))
		return wrong(call, "ScheduledActionName must have 1 to 256 characters, and no '/'");
	TRY(check_schedule(call, &schedule));
	TRY(need_target(call, resource));
	random_uuid(uuid);
	id = arena_printf(call->arena, "%s/%s", resource, name);
	body = json_pack("{s:s, s:s, s:s, s:s, s:I, s:o, s:I}", "ServiceNamespace", "ecs",
			 "ResourceId", resource, "ScalableDimension", DIMENSION,
			 "ScheduledActionName", name, "CreationTime", (json_int_t)now,
			 "ScheduledActionARN",
			 json_sprintf("arn:aws:autoscaling:%s:%s:scheduledAction:%s:resource/ecs/"
				      "%s:scheduledActionName/%s",
				      options->region, options->account, uuid, resource, name),
			 "_next_s", (json_int_t)schedule_next(&schedule, now / 1000, now / 1000));
	if (!body || !id)
		err = ERR_NOMEM;
	for (size_t i = 0; !err && i < COUNT(kept); i++)
		if (json_object_get(call->input, kept[i]))
			err = put(body, kept[i],
				  json_deep_copy(json_object_get(call->input, kept[i])));
	if (!err)
		err = write_record(call, KIND_SCHEDULE, id, resource, body);
	json_decref(body);
	return err;
}

err_t autoscaling_describe_scheduled_actions(struct api_call *call)
{
	static const struct description what = { KIND_SCHEDULE, "ScheduledActions",
						 "ScheduledActionNames", "ScheduledActionName" };

	return describe(call, &what);
}

err_t autoscaling_delete_scheduled_action(struct api_call *call)
{
	return drop(call, KIND_SCHEDULE, input_text(call, "ScheduledActionName"));
}

/* ---- Activities ---- */

err_t autoscaling_describe_scaling_activities(struct api_call *call)
{
	const char *resource = input_text(call, "ResourceId");
	json_t *all, *target, *out = json_array();
	size_t i;

	TRY(put(call->output, "ScalingActivities", out));
	TRY(list(call, KIND_TARGET, NULL, &all));
	json_array_foreach (all, i, target)
		if (!resource[0] || strcmp(text_of(target, "ResourceId"), resource) == 0)
			json_array_extend(out, json_object_get(target, "_activities"));
	json_decref(all);
	return ERR_OK;
}

/* ---- Tags: of scalable targets, by ARN ---- */

static err_t find_tagged(struct api_call *call, json_t **ret_body)
{
	const char *arn = input_text(call, "ResourceARN");
	json_t *all, *target;
	size_t i;

	*ret_body = NULL;
	TRY(list(call, KIND_TARGET, NULL, &all));
	json_array_foreach (all, i, target)
		if (strcmp(text_of(target, "ScalableTargetARN"), arn) == 0)
			*ret_body = json_incref(target);
	json_decref(all);
	if (*ret_body)
		return ERR_OK;
	return api_fault(call, "ResourceNotFoundException",
			 "The scalable target '%.300s' was not found", arn);
}

static err_t save_tagged(struct api_call *call, json_t *body)
{
	err_t err = write_record(call, KIND_TARGET, text_of(body, "ResourceId"), "", body);

	json_decref(body);
	return err;
}

err_t autoscaling_tag_resource(struct api_call *call)
{
	json_t *body;

	TRY(find_tagged(call, &body));
	json_object_update(json_object_get(body, "_tags"), json_object_get(call->input, "Tags"));
	return save_tagged(call, body);
}

err_t autoscaling_untag_resource(struct api_call *call)
{
	json_t *body, *key;
	size_t i;

	TRY(find_tagged(call, &body));
	json_array_foreach (json_object_get(call->input, "TagKeys"), i, key)
		json_object_del(json_object_get(body, "_tags"), json_string_value(key));
	return save_tagged(call, body);
}

err_t autoscaling_list_tags_for_resource(struct api_call *call)
{
	json_t *body;
	err_t err;

	TRY(find_tagged(call, &body));
	err = put(call->output, "Tags", json_deep_copy(json_object_get(body, "_tags")));
	json_decref(body);
	return err;
}
