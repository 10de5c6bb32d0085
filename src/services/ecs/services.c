/*
 * services: what a user wants to run. What runs is the reconciler's concern (reconcile.c), which
 * the store's feed wakes when one of these has committed.
 */
#include "services/ecs/ecs_internal.h"

#include <stdarg.h>
#include <stdio.h>

#include "crypto/random.h"

enum { SERVICES_DESCRIBED_MAX = 10, SERVICE_NAME_MAX = 255, DESIRED_MAX = 5000 };

/* ---- Parts of a record ---- */

err_t service_event(struct ecs *ecs, json_t *service, const char *format, ...)
{
	json_t *events = json_object_get(service, "events"), *event;
	char words[1024], id[37];
	int len = snprintf(words, sizeof words, "(service %.255s) ",
			   text_of(service, "serviceName"));
	va_list args;

	va_start(args, format);
	vsnprintf(words + len, sizeof words - (size_t)len, format, args);
	va_end(args);
	random_uuid(id);
	event = json_pack("{s:s, s:I, s:s}", "id", id, "createdAt", (json_int_t)ecs_now_ms(ecs),
			  "message", words);
	if (!event || json_array_insert_new(events, 0, event))
		return ERR_NOMEM;
	while (json_array_size(events) > ECS_EVENTS_MAX)
		json_array_remove(events, json_array_size(events) - 1);
	return ERR_OK;
}

json_t *service_primary(const json_t *service)
{
	return find_in(json_object_get(service, "deployments"), "status", "PRIMARY");
}

err_t service_deploy(struct ecs *ecs, json_t *service, const char *definition)
{
	static const char *const kept[] = { "launchType", "capacityProviderStrategy",
					    "platformVersion", "platformFamily",
					    "networkConfiguration" };
	json_t *deployments = json_object_get(service, "deployments"), *old, *fresh;
	uint64_t now = ecs_now_ms(ecs);
	char id[32], reason[96];

	snprintf(id, sizeof id, "ecs-svc/%019llu",
		 (unsigned long long)(random_u64() % 10000000000000000000u));
	snprintf(reason, sizeof reason, "ECS deployment %s in progress.", id);
	old = service_primary(service);
	if (old) {
		TRY(put_text(old, "status", "ACTIVE"));
		TRY(put_number(old, "desiredCount", 0));
	}
	fresh = json_pack("{s:s, s:s, s:s, s:O, s:i, s:i, s:i, s:I, s:I, s:s, s:s}", "id", id,
			  "status", "PRIMARY", "taskDefinition", definition, "desiredCount",
			  json_object_get(service, "desiredCount"), "pendingCount", 0,
			  "runningCount", 0, "failedTasks", 0, "createdAt", (json_int_t)now,
			  "updatedAt", (json_int_t)now, "rolloutState", "IN_PROGRESS",
			  "rolloutStateReason", reason);
	if (!fresh || json_array_insert_new(deployments, 0, fresh))
		return ERR_NOMEM;
	for (size_t i = 0; i < COUNT(kept); i++)
		TRY(put_same(fresh, kept[i], service));
	json_object_del(service, "_steady");
	return put_text(service, "taskDefinition", definition);
}

/* ---- Finding and answering ---- */

static const char *id_of(struct arena *arena, const char *cluster, const char *given)
{
	return arena_printf(arena, "%s/%s", cluster, name_in_arn(given));
}

err_t service_of_input(struct api_call *call, const char *member, json_t **ret_service,
		       const char **ret_id)
{
	const char *given = input_text(call, member), *cluster;
	err_t err;

	TRY(cluster_of_input(call, NULL, &cluster));
	if (!given || !given[0])
		return ecs_wrong(call, "Service name can not be blank.");
	*ret_id = id_of(call->arena, cluster, given);
	if (!*ret_id)
		return ERR_NOMEM;
	err = ecs_get(call, KIND_SERVICE, *ret_id, ret_service);
	if (err == ERR_NOT_FOUND)
		return api_fault(call, "ServiceNotFoundException", "Service not found.");
	return err;
}

/* Counts as DescribeServices answers them, from the tasks as they are. */
static err_t count_tasks(json_t *service, const json_t *tasks, const char *id)
{
	json_t *deployments = json_object_get(service, "deployments"), *deployment, *task;
	uint64_t running_all = 0, pending_all = 0;
	size_t i, k;

	json_array_foreach (deployments, i, deployment) {
		uint64_t running = 0, pending = 0;

		json_array_foreach ((json_t *)tasks, k, task) {
			enum lifecycle_status status = lifecycle_status_of(
				text_of(task, "lastStatus"));

			if (!is_text(task, "_service", id) ||
			    !is_text(task, "_deployment", text_of(deployment, "id")))
				continue;
			running += status == TASK_RUNNING;
			pending += status < TASK_RUNNING &&
				   is_text(task, "desiredStatus", "RUNNING");
		}
		TRY(put_number(deployment, "runningCount", running));
		TRY(put_number(deployment, "pendingCount", pending));
		running_all += running;
		pending_all += pending;
	}
	TRY(put_number(service, "runningCount", running_all));
	return put_number(service, "pendingCount", pending_all);
}

static err_t show(struct api_call *call, const json_t *body, const char *id, bool tags,
		  json_t **ret_shown)
{
	json_t *tasks, *service = json_deep_copy(body), *copy;
	err_t err;

	TRY(ecs_hold(call, service));
	TRY(ecs_list(call, KIND_TASK, name_in_arn(text_of(body, "clusterArn")), &tasks));
	err = count_tasks(service, tasks, id);
	copy = err ? NULL : shown(service);
	TRY(ecs_hold(call, copy));
	if (!tags)
		json_object_del(copy, "tags");
	*ret_shown = copy;
	return ERR_OK;
}

static err_t answer(struct api_call *call, const json_t *body, const char *id)
{
	json_t *service;

	TRY(show(call, body, id, true, &service));
	return put(call->output, "service", json_incref(service));
}

/* ---- Checks ---- */

static err_t refuse(struct api_call *call)
{
	static const char *const lists[] = { "serviceRegistries", "volumeConfigurations",
					     "vpcLatticeConfigurations" };
	const json_t *input = call->input;
	const json_t *deployment = json_object_get(input, "deploymentConfiguration");
	const char *strategy = text_of(deployment, "strategy");
	const char *controller = text_of(json_object_get(input, "deploymentController"), "type");

	for (size_t i = 0; i < COUNT(lists); i++)
		if (json_array_size(json_object_get(input, lists[i])))
			return ecs_wrong(call, "%s: not supported here.", lists[i]);
	if (is_true(json_object_get(input, "serviceConnectConfiguration"), "enabled"))
		return ecs_wrong(call, "Service Connect is not supported here.");
	if (is_true(input, "enableExecuteCommand"))
		return ecs_wrong(call, "ExecuteCommand is not supported here: tasks are processes "
				       "of this machine.");
	if (is_text(input, "schedulingStrategy", "DAEMON"))
		return ecs_wrong(call, "The scheduling strategy DAEMON is not supported here.");
	if (controller[0] && strcmp(controller, "ECS") != 0)
		return ecs_wrong(call, "The deployment controller %s is not supported here.",
				 controller);
	if (strategy[0] && strcmp(strategy, "ROLLING") != 0)
		return ecs_wrong(call, "The deployment strategy %s is not supported here.",
				 strategy);
	if (is_true(json_object_get(deployment, "alarms"), "enable"))
		return ecs_wrong(call, "Deployment alarms are not supported here.");
	return ERR_OK;
}

/* Defaults in place of what is missing, ranges as AWS has them. */
static err_t check_deployment(struct api_call *call, json_t *service)
{
	json_t *config = json_object_get(service, "deploymentConfiguration"), *breaker;
	int64_t least, most;

	if (!config) {
		config = json_object();
		TRY(put(service, "deploymentConfiguration", config));
	}
	least = number_of(config, "minimumHealthyPercent", 100);
	most = number_of(config, "maximumPercent", 200);
	if (least < 0 || least > 100)
		return ecs_wrong(call, "minimumHealthyPercent must be between 0 and 100.");
	if (most < 100 || most > 200)
		return ecs_wrong(call, "maximumPercent must be between 100 and 200.");
	if (least == 100 && most == 100)
		return ecs_wrong(call, "Both maximumPercent and minimumHealthyPercent cannot be "
				       "100 as this will block deployments.");
	TRY(put_number(config, "minimumHealthyPercent", (uint64_t)least));
	TRY(put_number(config, "maximumPercent", (uint64_t)most));
	breaker = json_object_get(config, "deploymentCircuitBreaker");
	if (!breaker)
		TRY(put(config, "deploymentCircuitBreaker",
			json_pack("{s:b, s:b}", "enable", 0, "rollback", 0)));
	if (breaker && is_true(breaker, "rollback") && !is_true(breaker, "enable"))
		return ecs_wrong(call, "Deployment circuit breaker rollback can only be enabled "
				       "if the circuit breaker is.");
	return put_text(config, "strategy", "ROLLING");
}

/* The group has to be there, of a type that fits, and used by a load balancer. */
static err_t check_group(struct api_call *call, const char *arn, bool own_address)
{
	struct api_fault fault;
	json_t *output, *group;

	if (ecs_ask(call, "elasticloadbalancing", "DescribeTargetGroups",
		    json_pack("{s:[s]}", "TargetGroupArns", arn), &output, &fault))
		return ecs_wrong(call, "The target group %s does not exist: %s", arn,
				 fault.message);
	group = json_array_get(json_object_get(output, "TargetGroups"), 0);
	if (own_address != is_text(group, "TargetType", "ip"))
		return ecs_wrong(call,
				 "The provided target group %s has target type %s, which is "
				 "incompatible with the %s network mode specified in the task "
				 "definition.",
				 arn, text_of(group, "TargetType"),
				 own_address ? "awsvpc" : "bridge or host");
	if (!json_array_size(json_object_get(group, "LoadBalancerArns")))
		return ecs_wrong(call,
				 "The target group with targetGroupArn %s does not have an "
				 "associated load balancer.",
				 arn);
	return ERR_OK;
}

static err_t check_balancer(struct api_call *call, const json_t *balancer, const json_t *definition)
{
	const char *name = text_of(balancer, "containerName");
	int64_t port = number_of(balancer, "containerPort", 0);
	json_t *container = find_in(json_object_get(definition, "containerDefinitions"), "name",
				    name);
	json_t *mapping;
	bool mapped = false;
	size_t i;

	if (text_of(balancer, "loadBalancerName")[0] || !text_of(balancer, "targetGroupArn")[0])
		return ecs_wrong(call, "targetGroupArn is needed: classic load balancers are not "
				       "supported here.");
	if (!container)
		return ecs_wrong(call, "The container %s does not exist in the task definition.",
				 name);
	json_array_foreach (json_object_get(container, "portMappings"), i, mapping)
		mapped |= number_of(mapping, "containerPort", 0) == port;
	if (!mapped)
		return ecs_wrong(call,
				 "The container %s did not have a container port %lld defined.",
				 name, (long long)port);
	return check_group(call, text_of(balancer, "targetGroupArn"),
			   is_text(definition, "networkMode", "awsvpc"));
}

static err_t check_network(struct api_call *call, const json_t *settings, const json_t *definition)
{
	const json_t *vpc = json_object_get(json_object_get(settings, "networkConfiguration"),
					    "awsvpcConfiguration");
	bool own_address = is_text(definition, "networkMode", "awsvpc");
	json_t *subnets = json_object_get(vpc, "subnets"), *output;
	json_t *groups = json_object_get(vpc, "securityGroups");
	struct api_fault fault;

	if (own_address && !vpc)
		return ecs_wrong(call, "Network Configuration must be provided when networkMode "
				       "'awsvpc' is specified.");
	if (!own_address && vpc)
		return ecs_wrong(call, "Network Configuration is not valid for the given "
				       "networkMode of this task definition.");
	if (!vpc)
		return ERR_OK;
	if (!json_array_size(subnets))
		return ecs_wrong(call, "subnets can not be empty.");
	if (ecs_ask(call, "ec2", "DescribeSubnets", json_pack("{s:O}", "SubnetIds", subnets),
		    &output, &fault))
		return ecs_wrong(call, "Error retrieving subnet information: %s (ErrorCode: %s)",
				 fault.message, fault.code);
	if (json_array_size(groups) &&
	    ecs_ask(call, "ec2", "DescribeSecurityGroups", json_pack("{s:O}", "GroupIds", groups),
		    &output, &fault))
		return ecs_wrong(call,
				 "Error retrieving security group information: %s (ErrorCode: %s)",
				 fault.message, fault.code);
	return ERR_OK;
}

static err_t check_launch(struct api_call *call, const json_t *settings, const json_t *definition)
{
	const char *type = text_of(settings, "launchType");
	bool strategy = json_array_size(json_object_get(settings, "capacityProviderStrategy"));
	bool fargate = strcmp(type, "FARGATE") == 0 || strategy;
	const json_t *item;
	bool able = false;
	size_t i;

	if (type[0] && strategy)
		return ecs_wrong(call, "Specifying both a launch type and capacity provider "
				       "strategy is not supported. Remove one and try again.");
	if (type[0] && strcmp(type, "FARGATE") != 0 && strcmp(type, "EC2") != 0)
		return ecs_wrong(call, "The launch type %s is not supported here.", type);
	json_array_foreach (json_object_get(definition, "requiresCompatibilities"), i, item)
		able |= strcmp(json_string_value(item), "FARGATE") == 0;
	if (fargate && !able)
		return ecs_wrong(call, "Task definition does not support launch_type FARGATE.");
	return ERR_OK;
}

err_t service_check_network(struct api_call *call, const json_t *settings, const json_t *definition)
{
	TRY(check_launch(call, settings, definition));
	TRY(remote_check_placement(call, settings));
	return check_network(call, settings, definition);
}

err_t service_check(struct api_call *call, json_t *service, const json_t *definition)
{
	json_t *balancer;
	size_t i;

	TRY(refuse(call));
	TRY(check_deployment(call, service));
	TRY(service_check_network(call, service, definition));
	json_array_foreach (json_object_get(service, "loadBalancers"), i, balancer)
		TRY(check_balancer(call, balancer, definition));
	if (number_of(service, "healthCheckGracePeriodSeconds", 0) < 0)
		return ecs_wrong(call, "healthCheckGracePeriodSeconds must not be negative.");
	if (json_object_get(call->input, "healthCheckGracePeriodSeconds") &&
	    !json_array_size(json_object_get(service, "loadBalancers")))
		return ecs_wrong(call, "Health check grace period is only valid for services "
				       "configured to use load balancers");
	return ERR_OK;
}

/* ---- Making ---- */

static const char *const kept_settings[] = {
	"loadBalancers",
	"desiredCount",
	"launchType",
	"capacityProviderStrategy",
	"platformVersion",
	"deploymentConfiguration",
	"placementConstraints",
	"placementStrategy",
	"networkConfiguration",
	"healthCheckGracePeriodSeconds",
	"enableECSManagedTags",
	"propagateTags",
	"availabilityZoneRebalancing",
};

static err_t merge(json_t *service, const json_t *input)
{
	for (size_t i = 0; i < COUNT(kept_settings); i++)
		TRY(put_same(service, kept_settings[i], input));
	return ERR_OK;
}

static err_t defaults(json_t *service)
{
	static const char *const lists[] = {
		"loadBalancers",     "serviceRegistries",    "deployments", "events",
		"placementStrategy", "placementConstraints", NULL
	};

	TRY(put_empty_lists(service, lists));
	if (!json_object_get(service, "launchType") &&
	    !json_array_size(json_object_get(service, "capacityProviderStrategy")))
		TRY(put_text(service, "launchType", "EC2"));
	if (!is_text(service, "launchType", "EC2")) {
		if (!json_object_get(service, "platformVersion"))
			TRY(put_text(service, "platformVersion", "LATEST"));
		TRY(put_text(service, "platformFamily", "Linux"));
	}
	TRY(put_text(service, "schedulingStrategy", "REPLICA"));
	TRY(put(service, "deploymentController", json_pack("{s:s}", "type", "ECS")));
	if (!json_object_get(service, "propagateTags"))
		TRY(put_text(service, "propagateTags", "NONE"));
	if (!json_object_get(service, "enableECSManagedTags"))
		TRY(put(service, "enableECSManagedTags", json_false()));
	if (!json_object_get(service, "availabilityZoneRebalancing"))
		TRY(put_text(service, "availabilityZoneRebalancing", "DISABLED"));
	if (json_array_size(json_object_get(service, "loadBalancers")) &&
	    !json_object_get(service, "healthCheckGracePeriodSeconds"))
		TRY(put_number(service, "healthCheckGracePeriodSeconds", 0));
	return put(service, "enableExecuteCommand", json_false());
}

static err_t check_count(struct api_call *call)
{
	int64_t count = number_of(call->input, "desiredCount", 0);

	if (count < 0 || count > DESIRED_MAX)
		return ecs_wrong(call, "desiredCount must be between 0 and %d.", DESIRED_MAX);
	return ERR_OK;
}

/* The same service again is answered, another one of its name is not. */
static err_t again(struct api_call *call, const json_t *known, const json_t *wanted, const char *id)
{
	static const char *const same[] = { "taskDefinition", "loadBalancers", "desiredCount",
					    "networkConfiguration", "launchType" };

	for (size_t i = 0; i < COUNT(same); i++) {
		const json_t *a = json_object_get(known, same[i]);
		const json_t *b = json_object_get(wanted, same[i]);

		if (a != b && !json_equal(a, b))
			return ecs_wrong(call, "Creation of service was not idempotent.");
	}
	return answer(call, known, id);
}

static err_t make(struct api_call *call, const char *cluster, const char *name,
		  const json_t *definition, json_t **ret_service)
{
	struct ecs *ecs = ecs_of(call);
	const char *id = id_of(call->arena, cluster, name);
	char arn[ECS_ARN_BYTES], of_cluster[ECS_ARN_BYTES];
	json_t *service = json_object(), *tags;

	TRY(ecs_hold(call, service));
	if (!id)
		return ERR_NOMEM;
	service_arn(ecs, id, arn);
	cluster_arn(ecs, cluster, of_cluster);
	TRY(ecs_tags(call, &tags));
	TRY(put_text(service, "serviceArn", arn));
	TRY(put_text(service, "serviceName", name));
	TRY(put_text(service, "clusterArn", of_cluster));
	TRY(put_text(service, "status", "ACTIVE"));
	TRY(put_number(service, "desiredCount", 0));
	TRY(merge(service, call->input));
	TRY(put_text(service, "taskDefinition", text_of(definition, "taskDefinitionArn")));
	TRY(service_check(call, service, definition));
	TRY(put_number(service, "createdAt", ecs_now_ms(ecs)));
	TRY(put_text(service, "createdBy",
		     call->caller && call->caller->arn ? call->caller->arn : ""));
	TRY(put(service, "tags", json_incref(tags)));
	TRY(defaults(service));
	*ret_service = service;
	return ERR_OK;
}

err_t ecs_create_service(struct api_call *call)
{
	const char *name = input_text(call, "serviceName"), *cluster, *id;
	json_t *service, *known, *definition;
	err_t err;

	TRY(cluster_of_input(call, NULL, &cluster));
	if (!name || !name_is_valid(name, SERVICE_NAME_MAX))
		return ecs_wrong(call, "Invalid service name: 1 to 255 letters, digits, hyphens "
				       "and underscores.");
	if (!json_object_get(call->input, "desiredCount") &&
	    !is_text(call->input, "schedulingStrategy", "DAEMON")) /* refused for that */
		return ecs_wrong(call, "Service desiredCount must be specified.");
	TRY(check_count(call));
	TRY(definition_to_run(call, input_text(call, "taskDefinition"), &definition));
	TRY(make(call, cluster, name, definition, &service));
	id = id_of(call->arena, cluster, name);
	err = ecs_get(call, KIND_SERVICE, id, &known);
	if (err && err != ERR_NOT_FOUND)
		return err;
	if (!err && is_text(known, "status", "DRAINING"))
		return ecs_wrong(call, "Unable to Start a service that is still Draining.");
	if (!err && is_text(known, "status", "ACTIVE"))
		return again(call, known, service, id);
	TRY(service_deploy(ecs_of(call), service, text_of(definition, "taskDefinitionArn")));
	TRY(err ? ecs_add(call, KIND_SERVICE, id, cluster, service)
		: ecs_save(call, KIND_SERVICE, id, cluster, service));
	return answer(call, service, id);
}

/* ---- Changing ---- */

static bool changes(const json_t *service, const json_t *input, const char *member)
{
	const json_t *wanted = json_object_get(input, member);

	return wanted && !json_equal(wanted, json_object_get(service, member));
}

/* What tasks are made of: other settings reach those that run. */
static bool needs_deployment(const json_t *service, const json_t *input, const char *definition)
{
	static const char *const members[] = { "networkConfiguration", "loadBalancers",
					       "platformVersion", "capacityProviderStrategy" };
	bool needs = is_true(input, "forceNewDeployment") ||
		     !is_text(service, "taskDefinition", definition);

	for (size_t i = 0; i < COUNT(members); i++)
		needs |= changes(service, input, members[i]);
	return needs;
}

static err_t set_desired(json_t *service)
{
	json_t *primary = service_primary(service);

	json_object_del(service, "_steady");
	return put(primary, "desiredCount", json_incref(json_object_get(service, "desiredCount")));
}

err_t ecs_update_service(struct api_call *call)
{
	const char *wanted = input_text(call, "taskDefinition"), *id, *arn;
	json_t *service, *definition;
	bool fresh;

	TRY(service_of_input(call, "service", &service, &id));
	if (!is_text(service, "status", "ACTIVE"))
		return api_fault(call, "ServiceNotActiveException", "Service was not ACTIVE.");
	TRY(check_count(call));
	if (wanted && wanted[0])
		TRY(definition_to_run(call, wanted, &definition));
	else if (definition_find(call, text_of(service, "taskDefinition"), &definition))
		return ecs_client(call, "TaskDefinition not found.");
	arn = text_of(definition, "taskDefinitionArn");
	fresh = needs_deployment(service, call->input, arn);
	TRY(merge(service, call->input));
	TRY(service_check(call, service, definition));
	TRY(fresh ? service_deploy(ecs_of(call), service, arn) : set_desired(service));
	TRY(ecs_save(call, KIND_SERVICE, id, name_in_arn(text_of(service, "clusterArn")), service));
	return answer(call, service, id);
}

err_t ecs_delete_service(struct api_call *call)
{
	json_t *service;
	const char *id;

	TRY(service_of_input(call, "service", &service, &id));
	if (is_text(service, "status", "INACTIVE"))
		return api_fault(call, "ServiceNotActiveException", "Service was not ACTIVE.");
	if (number_of(service, "desiredCount", 0) && !is_true(call->input, "force"))
		return ecs_wrong(call, "The service cannot be stopped while it is scaled above 0.");
	TRY(put_text(service, "status", "DRAINING"));
	TRY(put_number(service, "desiredCount", 0));
	TRY(set_desired(service));
	TRY(ecs_save(call, KIND_SERVICE, id, name_in_arn(text_of(service, "clusterArn")), service));
	return answer(call, service, id);
}

/* ---- Reading ---- */

err_t ecs_describe_services(struct api_call *call)
{
	json_t *names = json_object_get(call->input, "services"), *name, *body, *service;
	json_t *services = json_array(), *failures = json_array();
	const char *cluster, *id;
	char arn[ECS_ARN_BYTES];
	size_t i;
	err_t err;

	TRY(put(call->output, "services", services));
	TRY(put(call->output, "failures", failures));
	TRY(cluster_of_input(call, NULL, &cluster));
	if (!json_array_size(names))
		return ecs_wrong(call, "Services cannot be empty.");
	if (json_array_size(names) > SERVICES_DESCRIBED_MAX)
		return ecs_wrong(call, "Services cannot have more than %d elements",
				 SERVICES_DESCRIBED_MAX);
	json_array_foreach (names, i, name) {
		id = id_of(call->arena, cluster, json_string_value(name));
		if (!id)
			return ERR_NOMEM;
		err = ecs_get(call, KIND_SERVICE, id, &body);
		if (err && err != ERR_NOT_FOUND)
			return err;
		if (err) {
			service_arn(ecs_of(call), id, arn);
			TRY(ecs_failure(failures, arn, "MISSING"));
			continue;
		}
		TRY(show(call, body, id, ecs_wants(call, "TAGS"), &service));
		TRY(add(services, json_incref(service)));
	}
	return ERR_OK;
}

err_t ecs_list_services(struct api_call *call)
{
	const char *cluster, *type = input_text(call, "launchType");
	json_t *all, *arns = json_array(), *service;
	size_t i;

	TRY(ecs_hold(call, arns));
	TRY(cluster_of_input(call, NULL, &cluster));
	TRY(ecs_list(call, KIND_SERVICE, cluster, &all));
	json_array_foreach (all, i, service)
		if (!is_text(service, "status", "INACTIVE") &&
		    (!type || is_text(service, "launchType", type)))
			TRY(add(arns, json_string(text_of(service, "serviceArn"))));
	return ecs_page(call, "serviceArns", arns);
}
