/*
 * definitions: task definitions, which are never changed but followed by a next revision.
 */
#include "services/ecs/ecs_internal.h"

#include <stdio.h>

enum { FAMILY_NAME_MAX = 255 };

/* ---- Finding ---- */

const char *definition_id(const json_t *definition, struct arena *arena)
{
	return arena_printf(arena, "%s:%lld", text_of(definition, "family"),
			    (long long)number_of(definition, "revision", 0));
}

/* The newest that is ACTIVE. */
static err_t newest(struct api_call *call, const char *family, json_t **ret_definition)
{
	json_t *all;

	TRY(ecs_list(call, KIND_DEFINITION, family, &all));
	for (size_t i = json_array_size(all); i-- > 0;) {
		*ret_definition = json_array_get(all, i);
		if (is_text(*ret_definition, "status", "ACTIVE"))
			return ERR_OK;
	}
	return ERR_NOT_FOUND;
}

err_t definition_find(struct api_call *call, const char *name, json_t **ret_definition)
{
	const char *plain = name_in_arn(name);

	if (strchr(plain, ':'))
		return ecs_get(call, KIND_DEFINITION, plain, ret_definition);
	return newest(call, plain, ret_definition);
}

err_t definition_to_run(struct api_call *call, const char *name, json_t **ret_definition)
{
	err_t err;

	if (!name || !name[0])
		return ecs_wrong(call, "TaskDefinition can not be blank.");
	err = definition_find(call, name, ret_definition);
	if (err == ERR_NOT_FOUND)
		return ecs_client(call, "TaskDefinition not found.");
	if (!err && !is_text(*ret_definition, "status", "ACTIVE"))
		return ecs_client(call, "TaskDefinition is inactive");
	return err;
}

/* ---- Registering ---- */

static err_t next_revision(struct api_call *call, const char *family, uint64_t *ret_revision)
{
	json_t *record;
	err_t err = ecs_get(call, KIND_FAMILY, family, &record);

	if (err && err != ERR_NOT_FOUND)
		return err;
	*ret_revision = err ? 1 : (uint64_t)number_of(record, "revision", 0) + 1;
	if (!err) {
		TRY(put_number(record, "revision", *ret_revision));
		return ecs_save(call, KIND_FAMILY, family, "", record);
	}
	record = json_pack("{s:I}", "revision", (json_int_t)*ret_revision);
	TRY(ecs_hold(call, record));
	return ecs_add(call, KIND_FAMILY, family, "", record);
}

static err_t compatibilities(json_t *definition)
{
	bool own_address = is_text(definition, "networkMode", "awsvpc");

	return put(definition, "compatibilities",
		   own_address ? json_pack("[s, s]", "EC2", "FARGATE") : json_pack("[s]", "EC2"));
}

/* The answer, without the tags, which stand beside it. */
static err_t answer(struct api_call *call, const json_t *body, bool with_tags)
{
	json_t *definition = shown(body), *tags;

	TRY(ecs_hold(call, definition));
	tags = json_object_get(definition, "tags");
	if (with_tags)
		TRY(put(call->output, "tags", tags ? json_incref(tags) : json_array()));
	json_object_del(definition, "tags");
	return put(call->output, "taskDefinition", json_incref(definition));
}

err_t ecs_register_task_definition(struct api_call *call)
{
	static const char *const kept[] = {
		"family",
		"taskRoleArn",
		"executionRoleArn",
		"networkMode",
		"containerDefinitions",
		"volumes",
		"placementConstraints",
		"requiresCompatibilities",
		"cpu",
		"memory",
		"pidMode",
		"ipcMode",
		"proxyConfiguration",
		"inferenceAccelerators",
		"ephemeralStorage",
		"runtimePlatform",
		"enableFaultInjection",
	};
	const char *family = input_text(call, "family"), *id;
	json_t *body = json_object(), *tags;
	char arn[ECS_ARN_BYTES];
	uint64_t revision;

	TRY(ecs_hold(call, body));
	if (!family || !family[0])
		return ecs_client(call, "Family should not be null or empty.");
	if (!name_is_valid(family, FAMILY_NAME_MAX))
		return ecs_client(call, "Family contains invalid characters.");
	for (size_t i = 0; i < COUNT(kept); i++)
		TRY(put_same(body, kept[i], call->input));
	TRY(definition_check(call, body));
	TRY(ecs_tags(call, &tags));
	TRY(next_revision(call, family, &revision));
	TRY(put_number(body, "revision", revision));
	id = definition_id(body, call->arena);
	if (!id)
		return ERR_NOMEM;
	definition_arn(ecs_of(call), id, arn);
	TRY(put_text(body, "taskDefinitionArn", arn));
	TRY(put_text(body, "status", "ACTIVE"));
	TRY(put(body, "requiresAttributes", json_array()));
	TRY(compatibilities(body));
	TRY(put_number(body, "registeredAt", ecs_now_ms(ecs_of(call))));
	TRY(put_text(body, "registeredBy",
		     call->caller && call->caller->arn ? call->caller->arn : ""));
	TRY(put(body, "tags", json_incref(tags)));
	TRY(ecs_add(call, KIND_DEFINITION, id, family, body));
	return answer(call, body, json_array_size(tags) > 0);
}

/* ---- Reading ---- */

err_t ecs_describe_task_definition(struct api_call *call)
{
	const char *name = input_text(call, "taskDefinition");
	json_t *body;
	err_t err = name && name[0] ? definition_find(call, name, &body) : ERR_NOT_FOUND;

	if (err == ERR_NOT_FOUND)
		return ecs_client(call, "Unable to describe task definition.");
	if (err)
		return err;
	return answer(call, body, ecs_wants(call, "TAGS"));
}

/* `list` turned round when the input says sort: DESC. */
static err_t sorted(struct api_call *call, json_t *list, json_t **ret_list)
{
	json_t *turned;

	*ret_list = list;
	if (strcmp(input_text(call, "sort") ? input_text(call, "sort") : "ASC", "DESC") != 0)
		return ERR_OK;
	turned = json_array();
	TRY(ecs_hold(call, turned));
	for (size_t i = json_array_size(list); i-- > 0;)
		TRY(add(turned, json_incref(json_array_get(list, i))));
	*ret_list = turned;
	return ERR_OK;
}

err_t ecs_list_task_definitions(struct api_call *call)
{
	const char *family = input_text(call, "familyPrefix");
	const char *status = input_text(call, "status");
	json_t *all, *arns = json_array(), *body, *list;
	size_t i;

	TRY(ecs_hold(call, arns));
	TRY(ecs_list(call, KIND_DEFINITION, family && family[0] ? family : NULL, &all));
	json_array_foreach (all, i, body)
		if (is_text(body, "status", status ? status : "ACTIVE"))
			TRY(add(arns, json_string(text_of(body, "taskDefinitionArn"))));
	TRY(sorted(call, arns, &list));
	return ecs_page(call, "taskDefinitionArns", list);
}

err_t ecs_list_task_definition_families(struct api_call *call)
{
	const char *prefix = input_text(call, "familyPrefix");
	const char *status = input_text(call, "status");
	json_t *all, *families = json_array(), *body, *name;
	size_t i, k;

	TRY(ecs_hold(call, families));
	TRY(ecs_list(call, KIND_DEFINITION, NULL, &all));
	json_array_foreach (all, i, body) {
		const char *family = text_of(body, "family");
		bool known = false;

		if (prefix && !bytes_starts(bytes_of(family), bytes_of(prefix)))
			continue;
		if (status && strcmp(status, "ALL") != 0 && !is_text(body, "status", status))
			continue;
		json_array_foreach (families, k, name)
			known |= strcmp(json_string_value(name), family) == 0;
		if (!known)
			TRY(add(families, json_string(family)));
	}
	return ecs_page(call, "families", families);
}

/* ---- Taking out of use ---- */

err_t ecs_deregister_task_definition(struct api_call *call)
{
	const char *name = input_text(call, "taskDefinition");
	const char *plain = name_in_arn(name ? name : "");
	json_t *body;
	err_t err;

	if (!strchr(plain, ':'))
		return ecs_client(call, "Invalid revision number. Number: null");
	err = ecs_get(call, KIND_DEFINITION, plain, &body);
	if (err == ERR_NOT_FOUND)
		return ecs_client(call,
				  "The specified task definition does not exist. Specify a valid "
				  "account, family, revision and try again.");
	if (err)
		return err;
	if (is_text(body, "status", "ACTIVE")) {
		TRY(put_text(body, "status", "INACTIVE"));
		TRY(put_number(body, "deregisteredAt", ecs_now_ms(ecs_of(call))));
		TRY(ecs_save(call, KIND_DEFINITION, plain, text_of(body, "family"), body));
	}
	return answer(call, body, false);
}

/* Tasks and services that still run by it keep their own copy of nothing: it must stay for them. */
static err_t is_in_use(struct api_call *call, const char *arn, bool *ret_in_use)
{
	json_t *list, *item;
	size_t i;

	*ret_in_use = false;
	TRY(ecs_list(call, KIND_TASK, NULL, &list));
	json_array_foreach (list, i, item)
		*ret_in_use |= is_text(item, "taskDefinitionArn", arn) &&
			       !is_text(item, "lastStatus", "STOPPED");
	TRY(ecs_list(call, KIND_SERVICE, NULL, &list));
	json_array_foreach (list, i, item)
		*ret_in_use |= find_in(json_object_get(item, "deployments"), "taskDefinition",
				       arn) != NULL;
	return ERR_OK;
}

static err_t delete_one(struct api_call *call, const char *given, json_t *deleted, json_t *failures)
{
	const char *plain = name_in_arn(given);
	json_t *body, *copy;
	bool in_use;
	err_t err = strchr(plain, ':') ? ecs_get(call, KIND_DEFINITION, plain, &body)
				       : ERR_NOT_FOUND;

	if (err == ERR_NOT_FOUND)
		return ecs_failure(failures, given,
				   "The specified task definition does not "
				   "exist.");
	if (err)
		return err;
	if (is_text(body, "status", "ACTIVE"))
		return ecs_failure(failures, given,
				   "The specified task definition is still in ACTIVE status. "
				   "Please deregister the target and try again.");
	TRY(put_text(body, "status", "DELETE_IN_PROGRESS"));
	TRY(put_number(body, "deleteRequestedAt", ecs_now_ms(ecs_of(call))));
	copy = shown(body);
	TRY(add(deleted, copy));
	json_object_del(copy, "tags");
	TRY(is_in_use(call, text_of(body, "taskDefinitionArn"), &in_use));
	if (in_use)
		return ecs_save(call, KIND_DEFINITION, plain, text_of(body, "family"), body);
	return ecs_drop(call, KIND_DEFINITION, plain);
}

err_t ecs_delete_task_definitions(struct api_call *call)
{
	json_t *deleted = json_array(), *failures = json_array(), *name;
	size_t i;

	TRY(put(call->output, "taskDefinitions", deleted));
	TRY(put(call->output, "failures", failures));
	json_array_foreach (json_object_get(call->input, "taskDefinitions"), i, name)
		TRY(delete_one(call, json_string_value(name), deleted, failures));
	return ERR_OK;
}
