/*
 * profiles: instance profiles, each with one role at most.
 */
#include "services/iam/iam_internal.h"

/* With the roles themselves in place of their names. */
static err_t show(struct api_call *call, const json_t *body, json_t **ret_shown)
{
	json_t *copy = iam_hold(call, json_copy((json_t *)body)), *roles = json_array(), *name;
	size_t i;

	if (!copy || json_object_set_new(copy, "Roles", roles))
		return ERR_NOMEM;
	json_array_foreach (json_object_get(body, "RoleNames"), i, name) {
		json_t *role, *trust;

		TRY(iam_get(call, &iam_role, json_string_value(name), &role));
		trust = iam_escaped(iam_text(role, "AssumeRolePolicyDocument"));
		if (json_object_set_new(role, "AssumeRolePolicyDocument", trust) ||
		    json_array_append(roles, role))
			return ERR_NOMEM;
		json_object_del(role, "Tags");
	}
	*ret_shown = copy;
	return ERR_OK;
}

static err_t answer(struct api_call *call, const json_t *body)
{
	json_t *shown;

	TRY(show(call, body, &shown));
	return json_object_set(call->output, "InstanceProfile", shown) ? ERR_NOMEM : ERR_OK;
}

static err_t named(struct api_call *call, json_t **ret_body)
{
	return iam_get(call, &iam_profile, iam_text(call->input, iam_profile.name), ret_body);
}

static err_t save(struct api_call *call, json_t *body)
{
	return iam_put(call, iam_profile.kind,
		       iam_id_of_name(call->arena, iam_text(body, iam_profile.name)), body);
}

err_t iam_create_profile(struct api_call *call)
{
	const struct iam *iam = iam_of(call)->iam;
	const char *name = iam_text(call->input, iam_profile.name);
	const char *path = iam_text(call->input, "Path");
	char id[IAM_ID_BYTES + 1], *arn;
	json_t *body;
	err_t err;

	path = path ? path : "/";
	iam_make_id(iam_profile.prefix, id);
	arn = arena_printf(call->arena, "arn:aws:iam::%s:instance-profile%s%s",
			   iam->options.account, path, name);
	if (!arn)
		return ERR_NOMEM;
	body = iam_hold(call,
			json_pack("{s:s, s:s, s:s, s:s, s:I, s:[], s:[]}", iam_profile.name, name,
				  "Path", path, iam_profile.id, id, "Arn", arn, "CreateDate",
				  (json_int_t)iam_now_ms(iam), "RoleNames", "Tags"));
	if (!body)
		return ERR_NOMEM;
	TRY(iam_add_tags(call, body));
	err = iam_insert(call, iam_profile.kind, iam_id_of_name(call->arena, name), "", body);
	if (err == ERR_EXISTS)
		return api_fault(call, "EntityAlreadyExists", "Instance Profile %s already exists.",
				 name);
	TRY(err);
	return answer(call, body);
}

err_t iam_get_profile(struct api_call *call)
{
	json_t *body;

	TRY(named(call, &body));
	return answer(call, body);
}

err_t iam_delete_profile(struct api_call *call)
{
	json_t *body;

	TRY(named(call, &body));
	if (json_array_size(json_object_get(body, "RoleNames")))
		return api_fault(call, "DeleteConflict",
				 "Cannot delete entity, must remove roles from instance profile "
				 "first.");
	return iam_remove(call, iam_profile.kind,
			  iam_id_of_name(call->arena, iam_text(body, iam_profile.name)));
}

err_t iam_add_role(struct api_call *call)
{
	const char *name = iam_text(call->input, "RoleName");
	json_t *body, *role, *names;

	TRY(named(call, &body));
	TRY(iam_get(call, &iam_role, name, &role));
	names = json_object_get(body, "RoleNames");
	if (json_array_size(names))
		return api_fault(call, "LimitExceeded",
				 "Cannot exceed quota for RolesPerInstanceProfile: 1");
	if (json_array_append_new(names, json_string(name)))
		return ERR_NOMEM;
	return save(call, body);
}

err_t iam_remove_role(struct api_call *call)
{
	const char *name = iam_text(call->input, "RoleName");
	json_t *body, *names;

	TRY(named(call, &body));
	names = json_object_get(body, "RoleNames");
	if (!json_array_size(names) ||
	    strcmp(json_string_value(json_array_get(names, 0)), name) != 0)
		return api_fault(call, "NoSuchEntity", "The role with name %s cannot be found.",
				 name);
	json_array_clear(names);
	return save(call, body);
}

/* All, or those of one role. */
static err_t list(struct api_call *call, const char *role)
{
	const char *prefix = iam_text(call->input, "PathPrefix");
	json_t *all, *body, *shown, *items = iam_hold(call, json_array());
	size_t i;

	if (!items)
		return ERR_NOMEM;
	TRY(iam_all(call, iam_profile.kind, NULL, &all));
	json_array_foreach (all, i, body) {
		const char *holds = json_string_value(
			json_array_get(json_object_get(body, "RoleNames"), 0));

		if (role && (!holds || strcmp(holds, role) != 0))
			continue;
		if (!bytes_starts(bytes_of(iam_text(body, "Path")), bytes_of(prefix)))
			continue;
		TRY(show(call, body, &shown));
		if (json_array_append(items, shown))
			return ERR_NOMEM;
	}
	return iam_page(call, "InstanceProfiles", items, iam_profile.name);
}

err_t iam_list_profiles(struct api_call *call)
{
	return list(call, NULL);
}

err_t iam_list_profiles_of_role(struct api_call *call)
{
	const char *name = iam_text(call->input, "RoleName");
	json_t *role;

	TRY(iam_get(call, &iam_role, name, &role));
	return list(call, name);
}
