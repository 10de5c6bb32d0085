/*
 * entities: users, groups and roles: made, read, changed, tagged and deleted. All are rows of one
 * kind.
 */
#include "services/iam/iam_internal.h"

/* "CreateRole" or "CreateUser": what of the two the operation is about. */
static const struct iam_entity *entity_of(const struct api_call *call)
{
	if (strstr(call->operation->name, "ServerCertificate"))
		return &iam_certificate;
	if (strstr(call->operation->name, "Group"))
		return &iam_group;
	return strstr(call->operation->name, "Role") ? &iam_role : &iam_user;
}

err_t iam_named(struct api_call *call, const struct iam_entity **ret_entity, const char **ret_name)
{
	const struct iam_entity *entity = entity_of(call);
	const char *name = iam_text(call->input, entity->name), *arn = call->caller->arn, *slash;

	if (!name && entity == &iam_user && arn && strstr(arn, ":user/")) {
		slash = strrchr(arn, '/');
		name = slash + 1;
	}
	if (!name)
		return api_fault(call, "ValidationError",
				 "Must specify %s when calling with non-User credentials",
				 entity->name);
	*ret_entity = entity;
	*ret_name = name;
	return ERR_OK;
}

static err_t named_body(struct api_call *call, const struct iam_entity **ret_entity,
			json_t **ret_body)
{
	const char *name;

	TRY(iam_named(call, ret_entity, &name));
	return iam_get(call, *ret_entity, name, ret_body);
}

static err_t save(struct api_call *call, const struct iam_entity *entity, json_t *body)
{
	return iam_put(call, entity->kind,
		       iam_id_of_name(call->arena, iam_text(body, entity->name)), body);
}

json_t *iam_shown(const json_t *body)
{
	json_t *copy = json_copy((json_t *)body);
	const char *trust = iam_text(body, "AssumeRolePolicyDocument");

	if (copy && trust &&
	    json_object_set_new(copy, "AssumeRolePolicyDocument", iam_escaped(trust))) {
		json_decref(copy);
		return NULL;
	}
	json_object_del(copy, "Inline");
	json_object_del(copy, "Attached");
	json_object_del(copy, "Groups");
	if (json_array_size(json_object_get(copy, "Tags")) == 0)
		json_object_del(copy, "Tags");
	return copy;
}

static json_t *new_body(struct api_call *call, const struct iam_entity *entity, const char *name)
{
	const struct iam *iam = iam_of(call)->iam;
	const char *path = iam_text(call->input, "Path");
	char id[IAM_ID_BYTES + 1], *arn;

	path = path ? path : "/";
	iam_make_id(entity->prefix, id);
	arn = arena_printf(call->arena, "arn:aws:iam::%s:%s%s%s", iam->options.account, entity->arn,
			   path, name);
	if (!arn)
		return NULL;
	return iam_hold(call,
			json_pack("{s:s, s:s, s:s, s:s, s:I, s:{}, s:[], s:[]}", entity->name, name,
				  "Path", path, entity->id, id, "Arn", arn, "CreateDate",
				  (json_int_t)iam_now_ms(iam), "Inline", "Attached", "Tags"));
}

static err_t add_role_members(struct api_call *call, json_t *body)
{
	const char *trust = iam_text(call->input, "AssumeRolePolicyDocument");
	const char *description = iam_text(call->input, "Description");
	json_t *duration = json_object_get(call->input, "MaxSessionDuration");
	int failed;

	TRY(iam_check(call, trust, POLICY_OF_TRUST, IAM_TRUST_CHARS_MAX, "ACLSizePerRole"));
	failed = json_object_set_new(body, "AssumeRolePolicyDocument", json_string(trust));
	if (description)
		failed |= json_object_set_new(body, "Description", json_string(description));
	failed |= duration ? json_object_set(body, "MaxSessionDuration", duration)
			   : json_object_set_new(body, "MaxSessionDuration", json_integer(3600));
	return failed ? ERR_NOMEM : ERR_OK;
}

err_t iam_create_entity(struct api_call *call)
{
	const struct iam_entity *entity = entity_of(call);
	const char *name = iam_text(call->input, entity->name);
	const char *boundary = iam_text(call->input, "PermissionsBoundary");
	json_t *body;
	err_t err;

	body = new_body(call, entity, name);
	if (!body)
		return ERR_NOMEM;
	if (entity == &iam_role)
		TRY(add_role_members(call, body));
	if (boundary)
		TRY(iam_set_boundary(call, body, boundary));
	TRY(iam_add_tags(call, body));
	err = iam_insert(call, entity->kind, iam_id_of_name(call->arena, name), "", body);
	if (err == ERR_EXISTS)
		return api_fault(call, "EntityAlreadyExists", "%s with name %s already exists.",
				 entity->title, name);
	TRY(err);
	return json_object_set_new(call->output, entity->wrapper, iam_shown(body)) ? ERR_NOMEM
										   : ERR_OK;
}

/* The root has no record, but asks as well. */
static err_t get_root(struct api_call *call)
{
	const char *account = iam_of(call)->iam->options.account;
	char *arn = arena_printf(call->arena, "arn:aws:iam::%s:root", account);

	if (!arn)
		return ERR_NOMEM;
	return json_object_set_new(call->output, "User",
				   json_pack("{s:s, s:s, s:s, s:I}", "UserId", account, "Arn", arn,
					     "Path", "/", "CreateDate", (json_int_t)0))
		       ? ERR_NOMEM
		       : ERR_OK;
}

err_t iam_get_entity(struct api_call *call)
{
	const struct iam_entity *entity = entity_of(call);
	json_t *body;

	if (!iam_text(call->input, entity->name) && call->caller->is_root)
		return get_root(call);
	TRY(named_body(call, &entity, &body));
	return json_object_set_new(call->output, entity->wrapper, iam_shown(body)) ? ERR_NOMEM
										   : ERR_OK;
}

err_t iam_list_entities(struct api_call *call)
{
	const struct iam_entity *entity = entity_of(call);
	const char *prefix = iam_text(call->input, "PathPrefix");
	json_t *all, *body, *items = iam_hold(call, json_array());
	size_t i;

	if (!items)
		return ERR_NOMEM;
	TRY(iam_all(call, entity->kind, NULL, &all));
	json_array_foreach (all, i, body) {
		json_t *copy;

		if (!bytes_starts(bytes_of(iam_text(body, "Path")), bytes_of(prefix)))
			continue;
		copy = iam_shown(body);
		json_object_del(copy, "Tags"); /* lists do not show these */
		json_object_del(copy, "PermissionsBoundary");
		if (json_array_append_new(items, copy))
			return ERR_NOMEM;
	}
	return iam_page(call, arena_printf(call->arena, "%ss", entity->title), items, entity->name);
}

/* ---- Changes ---- */

/* The user's keys carry the name. */
static err_t rename_keys(struct api_call *call, const char *old, const char *name)
{
	json_t *keys, *key;
	size_t i;

	TRY(iam_all(call, IAM_KEY, iam_id_of_name(call->arena, old), &keys));
	json_array_foreach (keys, i, key) {
		if (json_object_set_new(key, "UserName", json_string(name)))
			return ERR_NOMEM;
		TRY(iam_put(call, IAM_KEY, iam_text(key, "AccessKeyId"), key));
	}
	return ERR_OK;
}

static err_t renamed(struct api_call *call, const struct iam_entity *entity, const char *old,
		     const char *name)
{
	if (strcmp(old, name) == 0)
		return ERR_OK;
	return entity == &iam_group ? iam_rename_group(call, old, name)
				    : rename_keys(call, old, name);
}

/* Of users and groups. */
err_t iam_update_name(struct api_call *call)
{
	const struct iam_entity *entity = entity_of(call);
	const char *name = iam_text(call->input,
				    entity == &iam_group ? "NewGroupName" : "NewUserName");
	const char *path = iam_text(call->input, "NewPath"), *old, *arn;
	json_t *body;
	err_t err;

	TRY(iam_get(call, entity, iam_text(call->input, entity->name), &body));
	old = arena_string(call->arena, bytes_of(iam_text(body, entity->name)));
	name = arena_string(call->arena, bytes_of(name ? name : old));
	path = arena_string(call->arena, bytes_of(path ? path : iam_text(body, "Path")));
	if (!old || !name || !path)
		return ERR_NOMEM;
	arn = arena_printf(call->arena, "arn:aws:iam::%s:%s%s%s",
			   iam_of(call)->iam->options.account, entity->arn, path, name);
	if (!arn || json_object_set_new(body, entity->name, json_string(name)) ||
	    json_object_set_new(body, "Path", json_string(path)) ||
	    json_object_set_new(body, "Arn", json_string(arn)))
		return ERR_NOMEM;
	TRY(iam_remove(call, entity->kind, iam_id_of_name(call->arena, old)));
	err = iam_insert(call, entity->kind, iam_id_of_name(call->arena, name), "", body);
	if (err == ERR_EXISTS)
		return api_fault(call, "EntityAlreadyExists", "%s with name %s already exists.",
				 entity->title, name);
	TRY(err);
	return renamed(call, entity, old, name);
}

err_t iam_update_role(struct api_call *call)
{
	static const char *const members[] = { "Description", "MaxSessionDuration" };
	const struct iam_entity *entity;
	json_t *body, *value;

	TRY(named_body(call, &entity, &body));
	for (size_t i = 0; i < COUNT(members); i++) {
		value = json_object_get(call->input, members[i]);
		if (value && json_object_set(body, members[i], value))
			return ERR_NOMEM;
	}
	return save(call, entity, body);
}

err_t iam_update_trust(struct api_call *call)
{
	const char *document = iam_text(call->input, "PolicyDocument");
	json_t *body;

	TRY(iam_get(call, &iam_role, iam_text(call->input, "RoleName"), &body));
	TRY(iam_check(call, document, POLICY_OF_TRUST, IAM_TRUST_CHARS_MAX, "ACLSizePerRole"));
	if (json_object_set_new(body, "AssumeRolePolicyDocument", json_string(document)))
		return ERR_NOMEM;
	return save(call, &iam_role, body);
}

/* ---- The end ---- */

static err_t check_unused(struct api_call *call, const struct iam_entity *entity,
			  const json_t *body)
{
	const char *name = iam_text(body, entity->name);
	json_t *profiles, *profile, *role;
	uint64_t keys;
	size_t i, j;

	if (json_array_size(json_object_get(body, "Attached")))
		return api_fault(call, "DeleteConflict",
				 "Cannot delete entity, must detach all policies first.");
	if (json_object_size(json_object_get(body, "Inline")))
		return api_fault(call, "DeleteConflict",
				 "Cannot delete entity, must delete policies first.");
	if (entity == &iam_group)
		return iam_check_no_members(call, name);
	if (json_array_size(json_object_get(body, "Groups")))
		return api_fault(call, "DeleteConflict",
				 "Cannot delete entity, must remove users from group first.");
	if (entity == &iam_user) {
		TRY(store_count(iam_of(call)->txn, IAM_KEY, iam_id_of_name(call->arena, name),
				&keys));
		return keys ? api_fault(call, "DeleteConflict",
					"Cannot delete entity, must delete access keys first.")
			    : ERR_OK;
	}
	TRY(iam_all(call, iam_profile.kind, NULL, &profiles));
	json_array_foreach (profiles, i, profile) {
		json_array_foreach (json_object_get(profile, "RoleNames"), j, role) {
			if (strcmp(json_string_value(role), name) == 0)
				return api_fault(call, "DeleteConflict",
						 "Cannot delete entity, must remove roles from "
						 "instance profile first.");
		}
	}
	return ERR_OK;
}

err_t iam_delete_entity(struct api_call *call)
{
	const struct iam_entity *entity;
	json_t *body;

	TRY(named_body(call, &entity, &body));
	TRY(check_unused(call, entity, body));
	return iam_remove(call, entity->kind,
			  iam_id_of_name(call->arena, iam_text(body, entity->name)));
}

/* ---- Tags ---- */

/* Profiles have tags, too. */
static err_t tagged(struct api_call *call, const struct iam_entity **ret_entity, json_t **ret_body)
{
	const char *profile = iam_text(call->input, iam_profile.name);

	if (!profile)
		return named_body(call, ret_entity, ret_body);
	*ret_entity = &iam_profile;
	return iam_get(call, &iam_profile, profile, ret_body);
}

err_t iam_tag_entity(struct api_call *call)
{
	const struct iam_entity *entity;
	json_t *body;

	TRY(tagged(call, &entity, &body));
	TRY(iam_add_tags(call, body));
	return save(call, entity, body);
}

err_t iam_untag_entity(struct api_call *call)
{
	const struct iam_entity *entity;
	json_t *body;

	TRY(tagged(call, &entity, &body));
	TRY(iam_drop_tags(call, body));
	return save(call, entity, body);
}

err_t iam_list_entity_tags(struct api_call *call)
{
	const struct iam_entity *entity;
	json_t *body;

	TRY(tagged(call, &entity, &body));
	return iam_page(call, "Tags", json_object_get(body, "Tags"), "Key");
}
