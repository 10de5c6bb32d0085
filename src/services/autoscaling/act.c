/*
 * act: one look at all that scales: what metrics and alarms say, what the clock says, and what ecs
 * is told. Outside of calls: each step that writes is a transaction of its own.
 */
#include "services/autoscaling/autoscaling_internal.h"

#include <stdio.h>

#include "base/log.h"
#include "crypto/random.h"
#include "services/autoscaling/scale.h"
#include "services/autoscaling/schedule.h"

enum {
	MINUTE_MS = 60 * 1000,
	COOLDOWN_S = 300, /* of ECS, where the policy names none */
	ACTIVITIES_MAX = 50,
	STEPS_MAX = 40,
};

struct look {
	struct autoscaling *self;
	json_t *target; /* body */
	const char *resource;
	uint32_t current, min, max;
	uint64_t now_ms;
};

/* What some policy wants, and why. */
struct wish {
	uint32_t capacity;
	const char *policy;
	char cause[256];
};

/* ---- The store, ecs ---- */

static bool append_body(void *owner, const struct store_resource *resource)
{
	return json_array_append(owner, resource->body) == 0;
}

static json_t *all_of(struct autoscaling *self, const char *kind, const char *parent)
{
	struct store_txn *txn;
	json_t *all = json_array();

	if (!all || store_begin(self->options.store, &txn))
		return all;
	if (store_each(txn, kind, parent, NULL, append_body, all))
		log_error("autoscaling", "%s cannot be read", kind);
	store_rollback(txn);
	return all;
}

static void save(struct autoscaling *self, const char *kind, const char *id, const char *parent,
		 json_t *body)
{
	struct store_resource resource = { .kind = kind, .id = id, .parent = parent, .body = body };
	struct store_txn *txn;
	err_t err = store_begin(self->options.store, &txn);

	if (!err) {
		err = store_update(txn, &resource);
		if (err)
			store_rollback(txn);
		else
			err = store_commit(txn);
	}
	if (err)
		log_error("autoscaling", "%s cannot be saved: %s", id, err_words(err));
}

static json_t *service_input(const char *resource)
{
	struct bytes rest = bytes_of(resource + strlen("service/")), cluster;

	bytes_cut(&rest, '/', &cluster);
	return json_pack("{s:s%, s:s%}", "cluster", cluster.at, cluster.len, "service", rest.at,
			 rest.len);
}

static bool read_current(struct look *look)
{
	json_t *input = service_input(look->resource), *output = NULL, *service;
	struct api_fault fault;
	bool active;

	put(input, "services", json_pack("[O]", json_object_get(input, "service")));
	if (autoscaling_ask(look->self, "ecs", "DescribeServices", input, &output, &fault))
		return false;
	service = json_array_get(json_object_get(output, "services"), 0);
	active = strcmp(text_of(service, "status"), "ACTIVE") == 0;
	look->current = (uint32_t)number_of(service, "desiredCount", 0);
	json_decref(output);
	return active;
}

static void note_activity(struct look *look, uint32_t wanted, const char *cause, bool done,
			  const char *words)
{
	json_t *activities = json_object_get(look->target, "_activities");
	char id[37];

	random_uuid(id);
	json_array_insert_new(
		activities, 0,
		json_pack("{s:s, s:s, s:s, s:s, s:o, s:s, s:I, s:I, s:s, s:s}", "ActivityId", id,
			  "ServiceNamespace", "ecs", "ResourceId", look->resource,
			  "ScalableDimension", "ecs:service:DesiredCount", "Description",
			  json_sprintf("Setting desired count to %u.", wanted), "Cause", cause,
			  "StartTime", (json_int_t)look->now_ms, "EndTime",
			  (json_int_t)look->now_ms, "StatusCode", done ? "Successful" : "Failed",
			  "StatusMessage",
			  done ? "Successfully set desired count. Change successfully fulfilled by "
				 "ecs."
			       : words));
	while (json_array_size(activities) > ACTIVITIES_MAX)
		json_array_remove(activities, json_array_size(activities) - 1);
	save(look->self, KIND_TARGET, look->resource, "", look->target);
}

static bool set_desired(struct look *look, uint32_t wanted, const char *cause)
{
	json_t *input = service_input(look->resource), *output = NULL;
	struct api_fault fault;
	bool done;

	put(input, "desiredCount", json_integer(wanted));
	done = !autoscaling_ask(look->self, "ecs", "UpdateService", input, &output, &fault);
	if (done)
		json_decref(output);
	log_info("autoscaling", "%s: desired count %u to %u: %s", look->resource, look->current,
		 wanted, cause);
	note_activity(look, wanted, cause, done, done ? "" : fault.message);
	if (done)
		look->current = wanted;
	return done;
}

/* ---- Target tracking ---- */

static json_t *predefined_metric(const struct look *look, const json_t *given)
{
	const char *type = text_of(given, "PredefinedMetricType");
	const char *group = strstr(text_of(given, "ResourceLabel"), "targetgroup/");
	struct bytes rest = bytes_of(look->resource + strlen("service/")), cluster;

	if (strcmp(type, "ALBRequestCountPerTarget") == 0)
		return json_pack("{s:s, s:s, s:[{s:s, s:s}], s:[s]}", "Namespace",
				 "AWS/ApplicationELB", "MetricName", "RequestCountPerTarget",
				 "Dimensions", "Name", "TargetGroup", "Value", group ? group : "",
				 "Statistics", "Sum");
	bytes_cut(&rest, '/', &cluster);
	return json_pack(
		"{s:s, s:s, s:[{s:s, s:s%}, {s:s, s:s%}], s:[s]}", "Namespace", "AWS/ECS",
		"MetricName", strstr(type, "Memory") ? "MemoryUtilization" : "CPUUtilization",
		"Dimensions", "Name", "ClusterName", "Value", cluster.at, cluster.len, "Name",
		"ServiceName", "Value", rest.at, rest.len, "Statistics", "Average");
}

static json_t *custom_metric(const json_t *given)
{
	json_t *dimensions = json_object_get(given, "Dimensions");

	return json_pack("{s:s, s:s, s:o, s:[s]}", "Namespace", text_of(given, "Namespace"),
			 "MetricName", text_of(given, "MetricName"), "Dimensions",
			 dimensions ? json_deep_copy(dimensions) : json_array(), "Statistics",
			 text_of(given, "Statistic"));
}

/* The newest minutes, the newest first; a minute without a word ends the row. */
static size_t read_points(struct look *look, const json_t *config, double points[SCALE_LOW_POINTS])
{
	const json_t *custom = json_object_get(config, "CustomizedMetricSpecification");
	uint64_t end_ms = look->now_ms / MINUTE_MS * MINUTE_MS + MINUTE_MS;
	json_t *input = custom ? custom_metric(custom)
			       : predefined_metric(
					 look,
					 json_object_get(config, "PredefinedMetricSpecification"));
	const char *statistic =
		custom ? text_of(custom, "Statistic")
		: strstr(text_of(json_object_get(config, "PredefinedMetricSpecification"),
				 "PredefinedMetricType"),
			 "ALB")
			? "Sum"
			: "Average";
	uint64_t first_ms = end_ms - (SCALE_LOW_POINTS + 1) * (uint64_t)MINUTE_MS;
	bool known[SCALE_LOW_POINTS + 1] = { false };
	double values[SCALE_LOW_POINTS + 1] = { 0 };
	json_t *output = NULL, *point;
	struct api_fault fault;
	size_t i, count = 0;

	put(input, "StartTime", json_integer((json_int_t)first_ms));
	put(input, "EndTime", json_integer((json_int_t)end_ms));
	put(input, "Period", json_integer(60));
	if (autoscaling_ask(look->self, "monitoring", "GetMetricStatistics", input, &output,
			    &fault)) {
		log_warn("autoscaling", "%s: its metric cannot be read: %s", look->resource,
			 fault.message);
		return 0;
	}
	json_array_foreach (json_object_get(output, "Datapoints"), i, point) {
		uint64_t at_ms = (uint64_t)number_of(point, "Timestamp", 0);
		size_t index = at_ms >= first_ms ? (end_ms - MINUTE_MS - at_ms) / MINUTE_MS
						 : COUNT(known);

		if (index < COUNT(known)) {
			known[index] = true;
			values[index] = json_number_value(json_object_get(point, statistic));
		}
	}
	json_decref(output);
	/* The minute that runs is not full yet: the row begins with the one before it. */
	for (i = 1; i < COUNT(known) && known[i]; i++)
		points[count++] = values[i];
	return count;
}

static bool cooled(const struct look *look, const json_t *policy, const char *since,
		   int64_t cooldown_s)
{
	return look->now_ms >= (uint64_t)number_of(policy, since, 0) + (uint64_t)cooldown_s * 1000;
}

static void track(struct look *look, const json_t *policy, struct wish *wish)
{
	const json_t *config = json_object_get(policy, "TargetTrackingScalingPolicyConfiguration");
	double target = json_number_value(json_object_get(config, "TargetValue"));
	double points[SCALE_LOW_POINTS];
	size_t count = read_points(look, config, points);
	uint32_t wanted = scale_track(look->current, target, points, count);

	wish->policy = text_of(policy, "PolicyName");
	wish->capacity = look->current;
	if (wanted > look->current &&
	    cooled(look, policy, "_out_ms", number_of(config, "ScaleOutCooldown", COOLDOWN_S)))
		wish->capacity = wanted;
	if (wanted < look->current && !json_is_true(json_object_get(config, "DisableScaleIn")) &&
	    cooled(look, policy, "_in_ms", number_of(config, "ScaleInCooldown", COOLDOWN_S)))
		wish->capacity = wanted;
	snprintf(wish->cause, sizeof wish->cause, "policy %.150s: the metric is %g, its target %g",
		 wish->policy, count ? points[0] : 0, target);
}

/* ---- Step scaling ---- */

static size_t read_steps(const json_t *config, struct scale_step steps[STEPS_MAX])
{
	json_t *step;
	size_t i, count = 0;

	json_array_foreach (json_object_get(config, "StepAdjustments"), i, step) {
		const json_t *lower = json_object_get(step, "MetricIntervalLowerBound");
		const json_t *upper = json_object_get(step, "MetricIntervalUpperBound");

		if (count == STEPS_MAX)
			break;
		steps[count++] = (struct scale_step){
			.has_lower = json_is_number(lower),
			.has_upper = json_is_number(upper),
			.lower = json_number_value(lower),
			.upper = json_number_value(upper),
			.adjustment = (int32_t)number_of(step, "ScalingAdjustment", 0),
		};
	}
	return count;
}

static bool names_policy(const json_t *alarm, const char *arn)
{
	json_t *action;
	size_t i;

	if (json_is_false(json_object_get(alarm, "ActionsEnabled")))
		return false;
	json_array_foreach (json_object_get(alarm, "AlarmActions"), i, action)
		if (strcmp(json_string_value(action), arn) == 0)
			return true;
	return false;
}

/* How far the newest value is past the alarm's threshold. */
static double breach_of(const json_t *alarm)
{
	json_t *data = json_loads(text_of(alarm, "StateReasonData"), 0, NULL), *recent;
	double value, threshold = json_number_value(json_object_get(alarm, "Threshold"));

	recent = json_object_get(data, "recentDatapoints");
	value = json_array_size(recent)
			? json_number_value(json_array_get(recent, json_array_size(recent) - 1))
			: threshold;
	json_decref(data);
	return value - threshold;
}

static void step(struct look *look, const json_t *policy, const json_t *alarm, struct wish *wish)
{
	static const char *const types[] = { "ChangeInCapacity", "PercentChangeInCapacity",
					     "ExactCapacity" };
	const json_t *config = json_object_get(policy, "StepScalingPolicyConfiguration");
	struct scale_step steps[STEPS_MAX];
	size_t count = read_steps(config, steps);
	enum scale_adjustment type = SCALE_CHANGE;
	int64_t wanted;

	for (size_t i = 0; i < COUNT(types); i++)
		if (strcmp(text_of(config, "AdjustmentType"), types[i]) == 0)
			type = (enum scale_adjustment)i;
	wish->policy = text_of(policy, "PolicyName");
	wanted = scale_step(look->current, breach_of(alarm), type,
			    (uint32_t)number_of(config, "MinAdjustmentMagnitude", 0), steps, count);
	wish->capacity = scale_clamp(wanted, 0, look->max);
	if (!cooled(look, policy, "_out_ms", number_of(config, "Cooldown", COOLDOWN_S)))
		wish->capacity = look->current;
	snprintf(wish->cause, sizeof wish->cause,
		 "monitor alarm %.100s in state ALARM triggered "
		 "policy %.100s",
		 text_of(alarm, "AlarmName"), wish->policy);
}

static void step_by_alarms(struct look *look, const json_t *policy, const json_t *alarms,
			   struct wish *wish)
{
	json_t *alarm;
	size_t i;

	wish->capacity = look->current;
	json_array_foreach ((json_t *)alarms, i, alarm)
		if (names_policy(alarm, text_of(policy, "PolicyARN"))) {
			step(look, policy, alarm, wish);
			return;
		}
}

/* ---- All policies of one target ---- */

static bool suspended(const struct look *look, const char *what)
{
	return json_is_true(json_object_get(json_object_get(look->target, "SuspendedState"), what));
}

static bool is_step(const json_t *policy)
{
	return strcmp(text_of(policy, "PolicyType"), "StepScaling") == 0;
}

/*
 * Who wants most is heeded. Who wants less waits until nobody wants more, and of those that track a
 * target until all of them want less.
 */
static json_t *choose(struct look *look, json_t *policies, const json_t *alarms, struct wish *best)
{
	json_t *policy, *chosen = NULL;
	bool stays = false;
	size_t i;

	best->capacity = look->current;
	json_array_foreach (policies, i, policy) {
		struct wish wish = { .policy = NULL };
		bool grows, shrinks;

		if (is_step(policy))
			step_by_alarms(look, policy, alarms, &wish);
		else
			track(look, policy, &wish);
		stays |= !is_step(policy) && wish.capacity == look->current;
		grows = wish.capacity > look->current && wish.capacity > best->capacity;
		shrinks = wish.capacity < look->current && best->capacity <= look->current &&
			  (!chosen || wish.capacity > best->capacity);
		if (!grows && !shrinks)
			continue;
		*best = wish;
		chosen = policy;
	}
	return chosen && best->capacity < look->current && stays && !is_step(chosen) ? NULL
										     : chosen;
}

static void heed(struct look *look, json_t *policies, const json_t *alarms)
{
	struct wish best;
	json_t *chosen = choose(look, policies, alarms, &best);
	uint32_t wanted;
	char id[1024];

	if (!chosen)
		return;
	wanted = scale_clamp(best.capacity, look->min, look->max);
	if (wanted == look->current ||
	    suspended(look, wanted > look->current ? "DynamicScalingOutSuspended"
						   : "DynamicScalingInSuspended") ||
	    !set_desired(look, wanted, best.cause))
		return;
	snprintf(id, sizeof id, "%s/%s", look->resource, text_of(chosen, "PolicyName"));
	put(chosen, "_out_ms", json_integer((json_int_t)look->now_ms));
	put(chosen, "_in_ms", json_integer((json_int_t)look->now_ms));
	save(look->self, KIND_POLICY, id, look->resource, chosen);
}

/* ---- Schedules ---- */

static void run_schedule(struct look *look, json_t *action)
{
	static const char *const members[] = { "MinCapacity", "MaxCapacity" };
	const json_t *change = json_object_get(action, "ScalableTargetAction");
	const char *name = text_of(action, "ScheduledActionName");
	char cause[400];
	uint32_t wanted;

	for (size_t i = 0; i < COUNT(members); i++)
		if (json_object_get(change, members[i]))
			put(look->target, members[i],
			    json_incref(json_object_get(change, members[i])));
	look->min = (uint32_t)number_of(look->target, "MinCapacity", 0);
	look->max = (uint32_t)number_of(look->target, "MaxCapacity", 0);
	if (look->max < look->min)
		put(look->target, "MaxCapacity", json_integer(look->max = look->min));
	snprintf(cause, sizeof cause, "scheduled action name %.256s was triggered", name);
	wanted = scale_clamp(look->current, look->min, look->max);
	if (wanted != look->current)
		set_desired(look, wanted, cause);
	else
		save(look->self, KIND_TARGET, look->resource, "", look->target);
}

static void look_at_schedule(struct look *look, json_t *action)
{
	uint64_t due_s = (uint64_t)number_of(action, "_next_s", 0), now_s = look->now_ms / 1000;
	uint64_t start_ms = (uint64_t)number_of(action, "StartTime", 0);
	uint64_t end_ms = (uint64_t)number_of(action, "EndTime", INT64_MAX);
	struct schedule schedule;
	char id[1024];

	if (!due_s || now_s < due_s ||
	    schedule_parse(bytes_of(text_of(action, "Schedule")), &schedule))
		return;
	if (look->now_ms >= start_ms && look->now_ms <= end_ms &&
	    !suspended(look, "ScheduledScalingSuspended"))
		run_schedule(look, action);
	snprintf(id, sizeof id, "%s/%s", look->resource, text_of(action, "ScheduledActionName"));
	put(action, "_next_s",
	    json_integer((json_int_t)schedule_next(
		    &schedule, (uint64_t)number_of(action, "CreationTime", 0) / 1000, now_s)));
	save(look->self, KIND_SCHEDULE, id, look->resource, action);
}

static void look_at(struct autoscaling *self, json_t *target, const json_t *alarms)
{
	struct look look = {
		.self = self,
		.target = target,
		.resource = text_of(target, "ResourceId"),
		.min = (uint32_t)number_of(target, "MinCapacity", 0),
		.max = (uint32_t)number_of(target, "MaxCapacity", 0),
		.now_ms = autoscaling_now_ms(self),
	};
	json_t *policies, *schedules, *action;
	size_t i;

	if (!read_current(&look))
		return;
	schedules = all_of(self, KIND_SCHEDULE, look.resource);
	json_array_foreach (schedules, i, action)
		look_at_schedule(&look, action);
	json_decref(schedules);
	policies = all_of(self, KIND_POLICY, look.resource);
	if (json_array_size(policies))
		heed(&look, policies, alarms);
	json_decref(policies);
}

void autoscaling_look(struct autoscaling *self)
{
	json_t *targets = all_of(self, KIND_TARGET, NULL), *target, *output = NULL;
	struct api_fault fault;
	size_t i;

	if (json_array_size(targets) &&
	    autoscaling_ask(self, "monitoring", "DescribeAlarms",
			    json_pack("{s:s}", "StateValue", "ALARM"), &output, &fault))
		log_warn("autoscaling", "alarms cannot be read: %s", fault.message);
	json_array_foreach (targets, i, target)
		look_at(self, target, json_object_get(output, "MetricAlarms"));
	json_decref(output);
	json_decref(targets);
}
