/*
 * metadata: the task metadata endpoint, version 4: what a container learns of itself at
 * $ECS_CONTAINER_METADATA_URI_V4. The token in its path is known to the task alone.
 */
#include "services/ecs/ecs_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/when.h"

enum { CPU_UNITS = 1024 };

static err_t put_time(json_t *out, const char *key, const json_t *task, const char *member)
{
	uint64_t ms = (uint64_t)number_of(task, member, 0);
	char text[WHEN_ISO_BYTES + 1];

	if (!ms)
		return ERR_OK;
	when_iso_ms(ms, text);
	return put_text(out, key, text);
}

static json_t *networks_of(const json_t *task)
{
	return json_pack("[{s:s, s:[s]}]", "NetworkMode", text_of(task, "_mode"), "IPv4Addresses",
			 text_of(task, "_address"));
}

/* "256" → 0.25 of a processor, or 256 units, and MiB; nothing where nothing was asked for. */
static err_t put_limits(json_t *out, const json_t *from, double per_cpu)
{
	json_t *limits = json_object();
	uint64_t cpu = 0, memory = 0;
	err_t err = limits ? ERR_OK : ERR_NOMEM;

	if (bytes_to_u64(bytes_of(text_of(from, "cpu")), INT32_MAX, &cpu))
		cpu = 0;
	if (bytes_to_u64(bytes_of(text_of(from, "memory")), INT32_MAX, &memory))
		memory = 0;
	if (!err && cpu)
		err = put(limits, "CPU", json_real((double)cpu / per_cpu));
	if (!err && memory)
		err = put_number(limits, "Memory", memory);
	if (!err && json_object_size(limits))
		return put(out, "Limits", limits);
	json_decref(limits);
	return err;
}

static err_t put_logs(json_t *out, const json_t *defined)
{
	const json_t *logs = json_object_get(defined, "logConfiguration");
	const json_t *options = json_object_get(logs, "options");

	if (!logs)
		return ERR_OK;
	TRY(put_text(out, "LogDriver", text_of(logs, "logDriver")));
	return options ? put(out, "LogOptions", json_deep_copy(options)) : ERR_OK;
}

static err_t put_health(json_t *out, const json_t *container, const json_t *defined)
{
	if (!json_object_get(defined, "healthCheck"))
		return ERR_OK;
	return put(out, "Health", json_pack("{s:s}", "status", text_of(container, "healthStatus")));
}

static json_t *labels_of(const json_t *task, const json_t *container, const json_t *defined)
{
	const char *definition = name_in_arn(text_of(task, "taskDefinitionArn"));
	const char *colon = strchr(definition, ':');
	json_t *labels = json_object_get(defined, "dockerLabels");

	labels = labels ? json_deep_copy(labels) : json_object();
	if (put_text(labels, "com.amazonaws.ecs.cluster", text_of(task, "clusterArn")) ||
	    put_text(labels, "com.amazonaws.ecs.container-name", text_of(container, "name")) ||
	    put_text(labels, "com.amazonaws.ecs.task-arn", text_of(task, "taskArn")) ||
	    put(labels, "com.amazonaws.ecs.task-definition-family",
		json_stringn(definition,
			     colon ? (size_t)(colon - definition) : strlen(definition))) ||
	    put_text(labels, "com.amazonaws.ecs.task-definition-version", colon ? colon + 1 : "")) {
		json_decref(labels);
		return NULL;
	}
	return labels;
}

static json_t *container_view(const json_t *task, const json_t *container, const json_t *defined)
{
	json_t *view = json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o}", "DockerId",
		text_of(container, "runtimeId"), "Name", text_of(container, "name"), "DockerName",
		text_of(container, "name"), "Image", text_of(container, "image"), "DesiredStatus",
		text_of(task, "desiredStatus"), "KnownStatus", text_of(container, "lastStatus"),
		"Type", "NORMAL", "ContainerARN", text_of(container, "containerArn"), "Networks",
		networks_of(task), "Labels", labels_of(task, container, defined));
	const json_t *code = json_object_get(container, "exitCode");

	if (!view || put_time(view, "CreatedAt", task, "createdAt") ||
	    put_time(view, "StartedAt", task, "pullStartedAt") || put_limits(view, container, 1) ||
	    put_logs(view, defined) || put_health(view, container, defined) ||
	    (is_true(container, "_ended") &&
	     put_time(view, "FinishedAt", task, "executionStoppedAt")) ||
	    (code && put(view, "ExitCode", json_deep_copy(code)))) {
		json_decref(view);
		return NULL;
	}
	return view;
}

/* What stands in it beside its containers, where there is something to say. */
static err_t complete_task(const struct ecs *ecs, const json_t *task, bool with_tags, json_t *view)
{
	const char *group = text_of(task, "group");
	const json_t *tags = json_object_get(task, "tags");
	json_t *shown_tags, *tag;
	size_t i;

	TRY(put_time(view, "PullStartedAt", task, "pullStartedAt"));
	TRY(put_time(view, "PullStoppedAt", task, "pullStoppedAt"));
	TRY(put_time(view, "ExecutionStoppedAt", task, "executionStoppedAt"));
	TRY(put_limits(view, task, CPU_UNITS));
	if (bytes_starts(bytes_of(group), BYTES("service:")))
		TRY(put_text(view, "ServiceName", group + strlen("service:")));
	TRY(put(view, "AvailabilityZone", json_sprintf("%sa", ecs->options.region)));
	if (!with_tags)
		return ERR_OK;
	shown_tags = json_object();
	TRY(put(view, "TaskTags", shown_tags));
	json_array_foreach ((json_t *)tags, i, tag)
		TRY(put_text(shown_tags, text_of(tag, "key"), text_of(tag, "value")));
	return ERR_OK;
}

static json_t *task_view(const struct ecs *ecs, const json_t *task, const json_t *definition,
			 bool with_tags)
{
	json_t *containers = json_array(), *container;
	const char *arn = name_in_arn(text_of(task, "taskDefinitionArn"));
	const char *colon = strchr(arn, ':');
	json_t *view;
	size_t i;

	json_array_foreach (json_object_get(task, "containers"), i, container)
		if (add(containers,
			container_view(
				task, container,
				json_array_get(json_object_get(definition, "containerDefinitions"),
					       i)))) {
			json_decref(containers);
			return NULL;
		}
	view = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "Cluster",
			 text_of(task, "clusterArn"), "TaskARN", text_of(task, "taskArn"), "Family",
			 text_of(definition, "family"), "Revision", colon ? colon + 1 : "",
			 "DesiredStatus", text_of(task, "desiredStatus"), "KnownStatus",
			 text_of(task, "lastStatus"), "LaunchType", text_of(task, "launchType"),
			 "Containers", containers);
	if (view && complete_task(ecs, task, with_tags, view)) {
		json_decref(view);
		return NULL;
	}
	return view;
}

/* What it uses, in the form of Docker's statistics; null when nothing runs, as ECS has it. */
static json_t *stats_of(const struct run *run, uint64_t index)
{
	struct workload_usage usage;

	if (index >= run->container_count || !run->containers[index].workload ||
	    !workload_usage(run->containers[index].workload, &usage))
		return json_null();
	return json_pack("{s:{s:{s:I}}, s:{s:I}}", "cpu_stats", "cpu_usage", "total_usage",
			 (json_int_t)usage.cpu_us * 1000, "memory_stats", "usage",
			 (json_int_t)usage.memory_bytes);
}

static json_t *all_stats(const struct run *run, const json_t *containers)
{
	json_t *all = json_object(), *container;
	size_t i;

	json_array_foreach (containers, i, container)
		if (put(all, text_of(container, "runtimeId"), stats_of(run, i))) {
			json_decref(all);
			return NULL;
		}
	return all;
}

/* "TOKEN-INDEX": INDEX is that of the container that asks. */
static bool read_token(struct bytes path, struct bytes *ret_token, uint64_t *ret_index,
		       struct bytes *ret_rest)
{
	struct bytes first;

	if (!bytes_cut(&path, '/', &first) || first.len < ECS_ID_DIGITS + 2 ||
	    first.at[ECS_ID_DIGITS] != '-')
		return false;
	*ret_token = bytes_upto(first, ECS_ID_DIGITS);
	*ret_rest = path;
	return !bytes_to_u64(bytes_from(first, ECS_ID_DIGITS + 1), LIFECYCLE_CONTAINERS_MAX,
			     ret_index);
}

json_t *ecs_metadata(struct ecs *ecs, struct bytes path)
{
	struct bytes token, rest;
	json_t *view = NULL;
	uint64_t index;

	if (!read_token(path, &token, &index, &rest))
		return NULL;
	list_for_each (&ecs->runs, node) {
		struct run *run = container_of(node, struct run, link);
		json_t *task = NULL, *definition = run_definition(run);

		if (!definition || record_read(ecs, KIND_TASK, run->id, &task))
			continue;
		if (bytes_eq_secret(bytes_of(text_of(task, "_token")), token)) {
			json_t *containers = json_object_get(task, "containers");

			if (bytes_eq(rest, BYTES("task")) || bytes_eq(rest, BYTES("taskWithTags")))
				view = task_view(ecs, task, definition, rest.len > 4);
			else if (bytes_eq(rest, BYTES("stats")))
				view = stats_of(run, index);
			else if (bytes_eq(rest, BYTES("task/stats")))
				view = all_stats(run, containers);
			else if (!rest.len && index < json_array_size(containers))
				view = container_view(
					task, json_array_get(containers, index),
					json_array_get(
						json_object_get(definition, "containerDefinitions"),
						index));
			json_decref(task);
			return view;
		}
		json_decref(task);
	}
	return NULL;
}
