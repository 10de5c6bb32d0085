/*
 * tasks: RunTask and its kin, and a task's record.
 */
#include "services/ecs/ecs_internal.h"

#include <stdio.h>

#include "crypto/random.h"

enum { RUN_MAX = 10, TASKS_DESCRIBED_MAX = 100, REASON_MAX = 255 };

const char *task_id(const json_t *task)
{
	return name_in_arn(text_of(task, "taskArn"));
}

const char *task_cluster(const json_t *task)
{
	return name_in_arn(text_of(task, "clusterArn"));
}

/* ---- Making one ---- */

static json_t *override_of(const struct task_wish *wish, const char *name)
{
	return find_in(
		json_object_get(json_object_get(wish->settings, "overrides"), "containerOverrides"),
		"name", name);
}

static err_t put_amount(json_t *container, const char *member, const json_t *override,
			const json_t *defined)
{
	int64_t value = number_of(override, member, number_of(defined, member, 0));
	char text[24];

	if (!value && strcmp(member, "cpu") != 0)
		return ERR_OK;
	snprintf(text, sizeof text, "%lld", (long long)value);
	return put_text(container, member, text);
}

static err_t make_container(struct ecs *ecs, const struct task_wish *wish, json_t *task,
			    const json_t *defined, json_t *list)
{
	static const char *const amounts[] = { "cpu", "memory", "memoryReservation" };
	const char *name = text_of(defined, "name");
	char arn[ECS_ARN_BYTES], runtime[ECS_ID_DIGITS + 16], id[37];
	json_t *container;

	random_uuid(id);
	snprintf(runtime, sizeof runtime, "%s-%u", task_id(task), (unsigned)json_array_size(list));
	snprintf(arn, sizeof arn, "arn:aws:ecs:%s:%s:container/%s/%s/%s", ecs->options.region,
		 ecs->options.account, wish->cluster, task_id(task), id);
	container = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "containerArn", arn, "taskArn",
			      text_of(task, "taskArn"), "name", name, "image",
			      text_of(defined, "image"), "runtimeId", runtime, "lastStatus",
			      "PENDING", "healthStatus", "UNKNOWN");
	TRY(add(list, container));
	TRY(put_text(container, "_engine", ecs_engine_of(ecs, text_of(defined, "image"))));
	if (json_object_get(defined, "healthCheck") && is_true(defined, "essential"))
		TRY(put_true(task, "_checked"));
	for (size_t i = 0; i < COUNT(amounts); i++)
		TRY(put_amount(container, amounts[i], override_of(wish, name), defined));
	return ERR_OK;
}

/* What it runs behind, by its place: instances by the host's port, addresses by the container's. */
static err_t make_targets(struct ecs *ecs, const struct task_wish *wish, json_t *task)
{
	bool own = is_text(wish->definition, "networkMode", "awsvpc");
	json_t *targets = json_array(), *balancer, *container, *binding;
	size_t i, k;

	TRY(put(task, "_targets", targets));
	json_array_foreach (json_object_get(wish->service, "loadBalancers"), i, balancer) {
		container = find_in(json_object_get(task, "containers"), "name",
				    text_of(balancer, "containerName"));
		json_array_foreach (place_ports_of(container), k, binding)
			if (number_of(binding, "containerPort", 0) ==
			    number_of(balancer, "containerPort", -1))
				TRY(add(targets,
					json_pack("{s:s, s:s, s:O, s:s, s:O}", "group",
						  text_of(balancer, "targetGroupArn"), "id",
						  own || is_remote(task) ? text_of(task, "_address")
									 : ecs->options.instance,
						  "port", json_object_get(binding, "hostPort"),
						  "container", text_of(container, "name"),
						  "container_port",
						  json_object_get(balancer, "containerPort"))));
	}
	return ERR_OK;
}

static err_t make_tags(const struct task_wish *wish, json_t *task)
{
	const char *propagate = text_of(wish->settings, "propagateTags");
	const json_t *from = NULL, *tag;
	json_t *tags = json_array();
	size_t i;

	TRY(put(task, "tags", tags));
	if (strcmp(propagate, "TASK_DEFINITION") == 0)
		from = json_object_get(wish->definition, "tags");
	else if (strcmp(propagate, "SERVICE") == 0)
		from = json_object_get(wish->service, "tags");
	json_array_foreach ((json_t *)from, i, tag)
		TRY(add(tags, json_deep_copy(tag)));
	if (!wish->service)
		json_array_foreach (json_object_get(wish->settings, "tags"), i, tag)
			TRY(add(tags, json_deep_copy(tag)));
	if (is_true(wish->settings, "enableECSManagedTags"))
		TRY(add(tags, json_pack("{s:s, s:s}", "key", "aws:ecs:clusterName", "value",
					wish->cluster)));
	return ERR_OK;
}

static err_t make_header(struct ecs *ecs, const struct task_wish *wish, json_t *task)
{
	const json_t *settings = wish->settings,
		     *overrides = json_object_get(settings, "overrides");
	const char *type = text_of(settings, "launchType");
	bool fargate = strcmp(type, "FARGATE") == 0 ||
		       json_array_size(json_object_get(settings, "capacityProviderStrategy"));
	const json_t *strategy = json_array_get(
		json_object_get(settings, "capacityProviderStrategy"), 0);
	char of_cluster[ECS_ARN_BYTES], arn[ECS_ARN_BYTES], id[ECS_ID_DIGITS + 1];
	char token[ECS_ID_DIGITS + 1], instance[ECS_ARN_BYTES];

	random_hex(id, ECS_ID_DIGITS);
	random_hex(token, ECS_ID_DIGITS);
	cluster_arn(ecs, wish->cluster, of_cluster);
	task_arn(ecs, wish->cluster, id, arn);
	TRY(put_text(task, "taskArn", arn));
	TRY(put_text(task, "clusterArn", of_cluster));
	TRY(put_text(task, "taskDefinitionArn", text_of(wish->definition, "taskDefinitionArn")));
	TRY(put_text(task, "_token", token));
	random_hex(token, ECS_ID_DIGITS);
	TRY(put_text(task, "_keys_token", token));
	TRY(put_text(task, "_mode", text_of(wish->definition, "networkMode")));
	TRY(put_text(task, "lastStatus", "PROVISIONING"));
	TRY(put_text(task, "desiredStatus", "RUNNING"));
	TRY(put_text(task, "healthStatus", "UNKNOWN"));
	TRY(put_number(task, "createdAt", ecs_now_ms(ecs)));
	TRY(put_number(task, "version", 1));
	TRY(put_text(task, "group", wish->group));
	TRY(put_text(task, "launchType", fargate ? "FARGATE" : "EC2"));
	if (wish->started_by)
		TRY(put_text(task, "startedBy", wish->started_by));
	if (strategy)
		TRY(put_text(task, "capacityProviderName", text_of(strategy, "capacityProvider")));
	if (fargate) {
		TRY(put_text(task, "platformVersion", "1.4.0"));
		TRY(put_text(task, "platformFamily", "Linux"));
	} else {
		instance_arn(ecs, wish->cluster, instance);
		TRY(put_text(task, "containerInstanceArn", instance));
	}
	TRY(put_same(task, "cpu", wish->definition));
	TRY(put_same(task, "memory", wish->definition));
	TRY(put_same(task, "cpu", overrides));
	TRY(put_same(task, "memory", overrides));
	TRY(put(task, "enableExecuteCommand", json_false()));
	TRY(put(task, "attachments", json_array()));
	TRY(put(task, "attributes", json_array()));
	TRY(put(task, "overrides",
		overrides ? json_deep_copy(overrides)
			  : json_pack("{s:[], s:[]}", "containerOverrides",
				      "inferenceAcceleratorOverrides")));
	return put(task, "_network",
		   json_object_get(settings, "networkConfiguration")
			   ? json_deep_copy(json_object_get(settings, "networkConfiguration"))
			   : json_object());
}

static err_t fill(struct ecs *ecs, const struct task_wish *wish, json_t *task,
		  const char **ret_reason)
{
	json_t *containers = json_array(), *constraints, *defined;
	size_t i;

	TRY(make_header(ecs, wish, task));
	TRY(put(task, "containers", containers));
	json_array_foreach (json_object_get(wish->definition, "containerDefinitions"), i, defined)
		TRY(make_container(ecs, wish, task, defined, containers));
	if (wish->service_id) {
		TRY(put_text(task, "_service", wish->service_id));
		TRY(put_text(task, "_deployment", wish->deployment));
	}
	TRY(make_tags(wish, task));
	if (is_remote(task)) {
		constraints = json_array();
		TRY(put(task, "_constraints", constraints));
		/* Those of a service that was made before a Swarm ran its tasks. */
		*ret_reason = "MemberOf placement constraint unsatisfied.";
		if (remote_constraints(wish->settings, constraints))
			return ERR_AGAIN;
	}
	TRY(place_task(ecs, task, wish->definition, ret_reason));
	return make_targets(ecs, wish, task);
}

err_t task_make(struct ecs *ecs, const struct task_wish *wish, json_t **ret_task,
		const char **ret_reason)
{
	json_t *task = json_object();
	err_t err = task ? fill(ecs, wish, task, ret_reason) : ERR_NOMEM;

	if (err) {
		json_decref(task);
		return err;
	}
	*ret_task = task;
	return ERR_OK;
}

err_t task_ask_stop(struct ecs *ecs, json_t *task, const char *code, const char *reason)
{
	if (is_text(task, "desiredStatus", "STOPPED"))
		return ERR_OK;
	TRY(put_text(task, "desiredStatus", "STOPPED"));
	TRY(put_text(task, "stopCode", code));
	TRY(put_text(task, "stoppedReason", reason));
	return put_number(task, "stoppingAt", ecs_now_ms(ecs));
}

/* ---- Run, start ---- */

static err_t check_overrides(struct api_call *call, const json_t *definition)
{
	const json_t *overrides = json_object_get(call->input, "overrides");
	json_t *one;
	size_t i;

	json_array_foreach (json_object_get(overrides, "containerOverrides"), i, one)
		if (!find_in(json_object_get(definition, "containerDefinitions"), "name",
			     text_of(one, "name")))
			return ecs_wrong(call,
					 "Override for container named %s is not a container in "
					 "the TaskDefinition.",
					 text_of(one, "name"));
	if (is_true(call->input, "enableExecuteCommand"))
		return ecs_wrong(call, "ExecuteCommand is not supported here: tasks are processes "
				       "of this machine.");
	return ERR_OK;
}

static err_t run_tasks(struct api_call *call, const char *cluster, int64_t count)
{
	struct ecs *ecs = ecs_of(call);
	json_t *tasks = json_array(), *failures = json_array(), *task, *definition;
	const char *group = input_text(call, "group"), *reason = "";
	char instance[ECS_ARN_BYTES];
	struct task_wish wish = { .cluster = cluster, .settings = call->input };
	err_t err;

	TRY(put(call->output, "tasks", tasks));
	TRY(put(call->output, "failures", failures));
	TRY(definition_to_run(call, input_text(call, "taskDefinition"), &definition));
	TRY(check_overrides(call, definition));
	TRY(service_check_network(call, call->input, definition));
	wish.definition = definition;
	wish.started_by = input_text(call, "startedBy");
	wish.group = group ? group
			   : arena_printf(call->arena, "family:%s", text_of(definition, "family"));
	instance_arn(ecs, cluster, instance);
	for (int64_t i = 0; i < count; i++) {
		err = task_make(ecs, &wish, &task, &reason);
		if (err == ERR_AGAIN) {
			TRY(ecs_failure(failures, instance, reason));
			continue;
		}
		if (err)
			return err;
		TRY(ecs_hold(call, task));
		TRY(ecs_add(call, KIND_TASK, task_id(task), cluster, task));
		TRY(add(tasks, shown(task)));
	}
	return ERR_OK;
}

err_t ecs_run_task(struct api_call *call)
{
	int64_t count = number_of(call->input, "count", 1);
	const char *cluster;

	TRY(cluster_of_input(call, NULL, &cluster));
	if (count < 1 || count > RUN_MAX)
		return ecs_wrong(call, "count must be between 1 and %d.", RUN_MAX);
	return run_tasks(call, cluster, count);
}

err_t ecs_start_task(struct api_call *call)
{
	json_t *instances = json_object_get(call->input, "containerInstances"), *item;
	char arn[ECS_ARN_BYTES];
	const char *cluster;
	size_t i;

	TRY(cluster_of_input(call, NULL, &cluster));
	if (!json_array_size(instances) || json_array_size(instances) > RUN_MAX)
		return ecs_wrong(call, "containerInstances must have 1 to %d elements.", RUN_MAX);
	instance_arn(ecs_of(call), cluster, arn);
	json_array_foreach (instances, i, item)
		if (strcmp(name_in_arn(json_string_value(item)), name_in_arn(arn)) != 0)
			return ecs_wrong(call,
					 "The referenced container instance %s was not "
					 "found.",
					 json_string_value(item));
	return run_tasks(call, cluster, (int64_t)json_array_size(instances));
}

/* ---- Stop ---- */

static err_t find_task(struct api_call *call, const char *cluster, const char *given,
		       json_t **ret_task)
{
	err_t err = ecs_get(call, KIND_TASK, name_in_arn(given), ret_task);

	return !err && strcmp(task_cluster(*ret_task), cluster) != 0 ? ERR_NOT_FOUND : err;
}

err_t ecs_stop_task(struct api_call *call)
{
	const char *given = input_text(call, "task"), *reason = input_text(call, "reason");
	const char *cluster;
	json_t *task;
	err_t err;

	TRY(cluster_of_input(call, NULL, &cluster));
	if (!given || !given[0])
		return ecs_wrong(call, "taskId can not be blank.");
	if (reason && strlen(reason) > REASON_MAX * 4)
		return ecs_wrong(call, "reason must have at most %d characters.", REASON_MAX);
	err = find_task(call, cluster, given, &task);
	if (err == ERR_NOT_FOUND)
		return ecs_wrong(call, "The referenced task was not found.");
	if (err)
		return err;
	if (!is_text(task, "desiredStatus", "STOPPED")) {
		TRY(task_ask_stop(ecs_of(call), task, "UserInitiated",
				  reason && reason[0] ? reason : "Task stopped by user"));
		TRY(ecs_save(call, KIND_TASK, task_id(task), cluster, task));
	}
	return put(call->output, "task", shown(task));
}

err_t ecs_execute_command(struct api_call *call)
{
	return ecs_wrong(call,
			 "The execute command failed because execute command was not enabled when "
			 "the task was run or the execute command agent isn't running. Wait and "
			 "try again or run a new task with execute command enabled and try again.");
}

/* ---- Reading ---- */

err_t ecs_describe_tasks(struct api_call *call)
{
	json_t *wanted = json_object_get(call->input, "tasks"), *name, *body, *task;
	json_t *tasks = json_array(), *failures = json_array();
	char arn[ECS_ARN_BYTES];
	const char *cluster;
	size_t i;
	err_t err;

	TRY(put(call->output, "tasks", tasks));
	TRY(put(call->output, "failures", failures));
	TRY(cluster_of_input(call, NULL, &cluster));
	if (!json_array_size(wanted))
		return ecs_wrong(call, "Tasks cannot be empty.");
	if (json_array_size(wanted) > TASKS_DESCRIBED_MAX)
		return ecs_wrong(call, "Tasks cannot have more than %d elements",
				 TASKS_DESCRIBED_MAX);
	json_array_foreach (wanted, i, name) {
		err = find_task(call, cluster, json_string_value(name), &body);
		if (err && err != ERR_NOT_FOUND)
			return err;
		if (err) {
			task_arn(ecs_of(call), cluster, name_in_arn(json_string_value(name)), arn);
			TRY(ecs_failure(failures, arn, "MISSING"));
			continue;
		}
		task = shown(body);
		TRY(add(tasks, task));
		if (!ecs_wants(call, "TAGS"))
			TRY(put(task, "tags", json_array()));
	}
	return ERR_OK;
}

struct filter {
	const char *service, *family, *started_by, *desired, *type;
};

static bool passes(const json_t *task, const struct filter *filter, const char *definition)
{
	struct bytes family = bytes_of(name_in_arn(definition));

	family = bytes_upto(family, bytes_index(family, ':'));
	return (!filter->service || is_text(task, "_service", filter->service)) &&
	       (!filter->family || bytes_eq_str(family, filter->family)) &&
	       (!filter->started_by || is_text(task, "startedBy", filter->started_by)) &&
	       (!filter->type || is_text(task, "launchType", filter->type)) &&
	       is_text(task, "desiredStatus", filter->desired);
}

err_t ecs_list_tasks(struct api_call *call)
{
	struct filter filter = { .family = input_text(call, "family"),
				 .started_by = input_text(call, "startedBy"),
				 .desired = input_text(call, "desiredStatus"),
				 .type = input_text(call, "launchType") };
	json_t *all, *arns = json_array(), *task, *service;
	const char *cluster;
	size_t i;

	TRY(ecs_hold(call, arns));
	TRY(cluster_of_input(call, NULL, &cluster));
	if (input_text(call, "serviceName"))
		TRY(service_of_input(call, "serviceName", &service, &filter.service));
	if (!filter.desired)
		filter.desired = "RUNNING";
	TRY(ecs_list(call, KIND_TASK, cluster, &all));
	json_array_foreach (all, i, task)
		if (passes(task, &filter, text_of(task, "taskDefinitionArn")))
			TRY(add(arns, json_string(text_of(task, "taskArn"))));
	return ecs_page(call, "taskArns", arns);
}
