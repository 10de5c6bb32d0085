/*
 * metadata: the task metadata endpoint, version 4: what a container learns of itself at
 * $ECS_CONTAINER_METADATA_URI_V4. The token in its path is known to the task alone.
 */
#include "services/ecs/ecs_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/when.h"

static err_t put_time(json_t *out, const char *key, const json_t *task, const char *member)
{
	uint64_t ms = (uint64_t)number_of(task, member, 0);
	char text[WHEN_ISO_BYTES + 1];

	if (!ms)
		return ERR_OK;
	when_iso_ms(ms, text);
	return put_text(out, key, text);
}

static json_t *networks_of(const json_t *task, const json_t *container)
{
	bool own = json_array_size(json_object_get(task, "attachments")) > 0;

	(void)container;
	return json_pack("[{s:s, s:[s]}]", "NetworkMode", own ? "awsvpc" : "host", "IPv4Addresses",
			 text_of(task, "_address"));
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
		networks_of(task, container), "Labels", labels_of(task, container, defined));
	const json_t *code = json_object_get(container, "exitCode");

	if (!view || put_time(view, "CreatedAt", task, "createdAt") ||
	    put_time(view, "StartedAt", task, "pullStartedAt") ||
	    (code && put(view, "ExitCode", json_deep_copy(code)))) {
		json_decref(view);
		return NULL;
	}
	return view;
}

static json_t *task_view(const json_t *task, const json_t *definition)
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
	if (view && (put_time(view, "PullStartedAt", task, "pullStartedAt") ||
		     put_time(view, "PullStoppedAt", task, "pullStoppedAt"))) {
		json_decref(view);
		return NULL;
	}
	return view;
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

			if (bytes_eq(rest, BYTES("task")))
				view = task_view(task, definition);
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
