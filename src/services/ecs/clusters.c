/*
 * clusters: names under which services and tasks are kept. The machine itself is the one container
 * instance of each.
 */
#include "services/ecs/ecs_internal.h"

#include <stdio.h>

enum { CLUSTERS_DESCRIBED_MAX = 100, CLUSTER_NAME_MAX = 255 };

err_t cluster_of_input(struct api_call *call, json_t **ret_cluster, const char **ret_name)
{
	const char *given = input_text(call, "cluster");
	const char *name = given && given[0] ? name_in_arn(given) : "default";
	json_t *cluster;
	err_t err = ecs_get(call, KIND_CLUSTER, name, &cluster);

	if (err == ERR_NOT_FOUND || (!err && !is_text(cluster, "status", "ACTIVE")))
		return api_fault(call, "ClusterNotFoundException", "Cluster not found.");
	if (err)
		return err;
	if (ret_cluster)
		*ret_cluster = cluster;
	*ret_name = name;
	return ERR_OK;
}

/* ---- What a cluster answers ---- */

static err_t count_in(struct api_call *call, const char *name, json_t *cluster)
{
	json_t *tasks, *services, *item;
	uint64_t running = 0, pending = 0, active = 0;
	size_t i;

	TRY(ecs_list(call, KIND_TASK, name, &tasks));
	TRY(ecs_list(call, KIND_SERVICE, name, &services));
	json_array_foreach (tasks, i, item) {
		enum lifecycle_status status = lifecycle_status_of(text_of(item, "lastStatus"));

		running += status == TASK_RUNNING;
		pending += status < TASK_RUNNING;
	}
	json_array_foreach (services, i, item)
		active += is_text(item, "status", "ACTIVE");
	TRY(put_number(cluster, "runningTasksCount", running));
	TRY(put_number(cluster, "pendingTasksCount", pending));
	return put_number(cluster, "activeServicesCount", active);
}

/* As CreateCluster and others answer it: tags and settings only for who asked. */
static err_t show(struct api_call *call, const json_t *body, bool all, json_t **ret_shown)
{
	static const char *const lists[] = { "statistics",
					     "tags",
					     "settings",
					     "capacityProviders",
					     "defaultCapacityProviderStrategy",
					     NULL };
	static const struct {
		const char *word, *member;
	} asked[] = { { "TAGS", "tags" },
		      { "SETTINGS", "settings" },
		      { "CONFIGURATIONS", "configuration" } };
	json_t *cluster = shown(body);

	TRY(ecs_hold(call, cluster));
	TRY(count_in(call, text_of(body, "clusterName"), cluster));
	for (size_t i = 0; !all && i < COUNT(asked); i++)
		if (!ecs_wants(call, asked[i].word))
			json_object_del(cluster, asked[i].member);
	TRY(put_empty_lists(cluster, lists));
	*ret_shown = cluster;
	return ERR_OK;
}

static err_t answer(struct api_call *call, const json_t *body)
{
	json_t *cluster;

	TRY(show(call, body, true, &cluster));
	return put(call->output, "cluster", json_incref(cluster));
}

/* ---- Making and changing ---- */

static err_t check_providers(struct api_call *call)
{
	json_t *provider;
	size_t i;

	json_array_foreach (json_object_get(call->input, "capacityProviders"), i, provider) {
		const char *name = json_string_value(provider);

		if (strcmp(name, "FARGATE") != 0 && strcmp(name, "FARGATE_SPOT") != 0)
			return ecs_wrong(
				call, "The specified capacity provider '%s' was not found.", name);
	}
	json_array_foreach (json_object_get(call->input, "defaultCapacityProviderStrategy"), i,
			    provider) {
		const char *name = text_of(provider, "capacityProvider");

		if (strcmp(name, "FARGATE") != 0 && strcmp(name, "FARGATE_SPOT") != 0)
			return ecs_wrong(call,
					 "The specified capacity provider '%s' is not associated "
					 "with the cluster.",
					 name);
	}
	return ERR_OK;
}

/* Container Insights is the one setting; its metrics are not written here, so it stays off. */
static err_t check_settings(struct api_call *call)
{
	json_t *setting;
	size_t i;

	json_array_foreach (json_object_get(call->input, "settings"), i, setting) {
		if (!is_text(setting, "name", "containerInsights"))
			return ecs_wrong(call, "Invalid setting name '%s'.",
					 text_of(setting, "name"));
		if (!is_text(setting, "value", "disabled") &&
		    !is_text(setting, "value", "enabled") && !is_text(setting, "value", "enhanced"))
			return ecs_wrong(call,
					 "Invalid value '%s' for the setting "
					 "containerInsights.",
					 text_of(setting, "value"));
	}
	return ERR_OK;
}

static err_t default_settings(json_t *cluster)
{
	if (json_object_get(cluster, "settings"))
		return ERR_OK;
	return put(cluster, "settings",
		   json_pack("[{s:s, s:s}]", "name", "containerInsights", "value", "disabled"));
}

err_t ecs_create_cluster(struct api_call *call)
{
	static const char *const kept[] = { "settings", "configuration", "capacityProviders",
					    "defaultCapacityProviderStrategy",
					    "serviceConnectDefaults" };
	const char *name = input_text(call, "clusterName");
	char arn[ECS_ARN_BYTES];
	json_t *body, *tags;
	bool known;
	err_t err;

	name = name && name[0] ? name : "default";
	if (!name_is_valid(name, CLUSTER_NAME_MAX))
		return ecs_wrong(call,
				 "Invalid cluster name '%s': 1 to 255 letters, digits, "
				 "hyphens and underscores.",
				 name);
	TRY(check_providers(call));
	TRY(check_settings(call));
	TRY(ecs_tags(call, &tags));
	err = ecs_get(call, KIND_CLUSTER, name, &body);
	known = !err;
	if (err && err != ERR_NOT_FOUND)
		return err;
	if (known && is_text(body, "status", "ACTIVE"))
		return answer(call, body);
	cluster_arn(ecs_of(call), name, arn);
	body = json_pack("{s:s, s:s, s:s, s:i, s:O}", "clusterArn", arn, "clusterName", name,
			 "status", "ACTIVE", "registeredContainerInstancesCount", 0, "tags", tags);
	TRY(ecs_hold(call, body));
	for (size_t i = 0; i < COUNT(kept); i++)
		TRY(put_same(body, kept[i], call->input));
	TRY(default_settings(body));
	TRY(known ? ecs_save(call, KIND_CLUSTER, name, "", body)
		  : ecs_add(call, KIND_CLUSTER, name, "", body));
	return answer(call, body);
}

static err_t change(struct api_call *call, const char *const *members)
{
	const char *name;
	json_t *cluster;

	TRY(check_providers(call));
	TRY(check_settings(call));
	TRY(cluster_of_input(call, &cluster, &name));
	for (; *members; members++)
		TRY(put_same(cluster, *members, call->input));
	TRY(ecs_save(call, KIND_CLUSTER, name, "", cluster));
	return answer(call, cluster);
}

err_t ecs_update_cluster(struct api_call *call)
{
	static const char *const members[] = { "settings", "configuration",
					       "serviceConnectDefaults", NULL };

	return change(call, members);
}

err_t ecs_update_cluster_settings(struct api_call *call)
{
	static const char *const members[] = { "settings", NULL };

	return change(call, members);
}

err_t ecs_put_cluster_capacity_providers(struct api_call *call)
{
	static const char *const members[] = { "capacityProviders",
					       "defaultCapacityProviderStrategy", NULL };

	return change(call, members);
}

err_t ecs_delete_cluster(struct api_call *call)
{
	const char *name;
	json_t *cluster, *list, *item;
	size_t i;

	TRY(cluster_of_input(call, &cluster, &name));
	TRY(ecs_list(call, KIND_SERVICE, name, &list));
	json_array_foreach (list, i, item)
		if (!is_text(item, "status", "INACTIVE"))
			return api_fault(call, "ClusterContainsServicesException",
					 "The Cluster cannot be deleted while Services are "
					 "active.");
	TRY(ecs_list(call, KIND_TASK, name, &list));
	json_array_foreach (list, i, item)
		if (!is_text(item, "lastStatus", "STOPPED"))
			return api_fault(call, "ClusterContainsTasksException",
					 "The Cluster cannot be deleted while Tasks are active.");
	TRY(put_text(cluster, "status", "INACTIVE"));
	TRY(ecs_save(call, KIND_CLUSTER, name, "", cluster));
	return answer(call, cluster);
}

/* ---- Reading ---- */

err_t ecs_list_clusters(struct api_call *call)
{
	json_t *all, *arns = json_array(), *cluster;
	size_t i;

	TRY(ecs_hold(call, arns));
	TRY(ecs_list(call, KIND_CLUSTER, NULL, &all));
	json_array_foreach (all, i, cluster)
		if (is_text(cluster, "status", "ACTIVE"))
			TRY(add(arns, json_string(text_of(cluster, "clusterArn"))));
	return ecs_page(call, "clusterArns", arns);
}

err_t ecs_describe_clusters(struct api_call *call)
{
	json_t *names = json_object_get(call->input, "clusters"), *name, *body, *cluster;
	json_t *clusters = json_array(), *failures = json_array();
	char arn[ECS_ARN_BYTES];
	size_t i;
	err_t err;

	TRY(put(call->output, "clusters", clusters));
	TRY(put(call->output, "failures", failures));
	if (json_array_size(names) > CLUSTERS_DESCRIBED_MAX)
		return ecs_wrong(call, "Clusters cannot have more than %d elements",
				 CLUSTERS_DESCRIBED_MAX);
	if (!json_array_size(names)) {
		names = json_pack("[s]", "default");
		TRY(ecs_hold(call, names));
	}
	json_array_foreach (names, i, name) {
		const char *plain = name_in_arn(json_string_value(name));

		err = ecs_get(call, KIND_CLUSTER, plain, &body);
		if (err && err != ERR_NOT_FOUND)
			return err;
		if (err) {
			cluster_arn(ecs_of(call), plain, arn);
			TRY(ecs_failure(failures, arn, "MISSING"));
			continue;
		}
		TRY(show(call, body, false, &cluster));
		TRY(add(clusters, json_incref(cluster)));
	}
	return ERR_OK;
}

err_t ecs_describe_capacity_providers(struct api_call *call)
{
	static const char *const names[] = { "FARGATE", "FARGATE_SPOT" };
	json_t *wanted = json_object_get(call->input, "capacityProviders"), *item;
	json_t *providers = json_array(), *failures = json_array();
	char arn[ECS_ARN_BYTES];
	size_t i;

	TRY(put(call->output, "capacityProviders", providers));
	TRY(put(call->output, "failures", failures));
	for (size_t k = 0; k < COUNT(names); k++) {
		bool asked = !wanted;

		json_array_foreach (wanted, i, item)
			asked |= strcmp(name_in_arn(json_string_value(item)), names[k]) == 0;
		snprintf(arn, sizeof arn, "arn:aws:ecs:%s:%s:capacity-provider/%s",
			 ecs_of(call)->options.region, ecs_of(call)->options.account, names[k]);
		if (asked)
			TRY(add(providers,
				json_pack("{s:s, s:s, s:s, s:s, s:[]}", "capacityProviderArn", arn,
					  "name", names[k], "status", "ACTIVE", "type", names[k],
					  "tags")));
	}
	json_array_foreach (wanted, i, item) {
		const char *name = name_in_arn(json_string_value(item));

		if (strcmp(name, names[0]) != 0 && strcmp(name, names[1]) != 0)
			TRY(ecs_failure(failures, json_string_value(item), "MISSING"));
	}
	return ERR_OK;
}

/* ---- The machine as a container instance ---- */

err_t ecs_list_container_instances(struct api_call *call)
{
	char arn[ECS_ARN_BYTES];
	const char *name;
	json_t *arns;

	TRY(cluster_of_input(call, NULL, &name));
	instance_arn(ecs_of(call), name, arn);
	arns = json_pack("[s]", arn);
	TRY(ecs_hold(call, arns));
	return ecs_page(call, "containerInstanceArns", arns);
}

err_t ecs_describe_container_instances(struct api_call *call)
{
	json_t *found = json_array(), *failures = json_array(), *counts = json_object(), *item;
	char arn[ECS_ARN_BYTES];
	const char *name;
	size_t i;

	TRY(put(call->output, "containerInstances", found));
	TRY(put(call->output, "failures", failures));
	TRY(ecs_hold(call, counts));
	TRY(cluster_of_input(call, NULL, &name));
	TRY(count_in(call, name, counts));
	instance_arn(ecs_of(call), name, arn);
	json_array_foreach (json_object_get(call->input, "containerInstances"), i, item) {
		const char *given = json_string_value(item);

		if (strcmp(name_in_arn(given), name_in_arn(arn)) != 0)
			TRY(ecs_failure(failures, given, "MISSING"));
		else
			TRY(add(found,
				json_pack("{s:s, s:s, s:s, s:b, s:O, s:O, s:[], s:[], s:[], s:[]}",
					  "containerInstanceArn", arn, "ec2InstanceId",
					  ecs_of(call)->options.instance, "status", "ACTIVE",
					  "agentConnected", 1, "runningTasksCount",
					  json_object_get(counts, "runningTasksCount"),
					  "pendingTasksCount",
					  json_object_get(counts, "pendingTasksCount"),
					  "registeredResources", "remainingResources", "attributes",
					  "tags")));
	}
	return ERR_OK;
}
