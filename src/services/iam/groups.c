/*
 * groups: who is in which. A user's record says which groups it is in, so that a call of the user
 * finds them at once; a group's own record has its policies.
 */
#include "services/iam/iam_internal.h"

static size_t index_of(const json_t *names, const char *name)
{
	for (size_t i = 0; i < json_array_size(names); i++)
		if (strcmp(json_string_value(json_array_get(names, i)), name) == 0)
			return i;
	return SIZE_MAX;
}

static err_t find_both(struct api_call *call, json_t **ret_user, json_t **ret_group)
{
	TRY(iam_get(call, &iam_group, iam_text(call->input, "GroupName"), ret_group));
	return iam_get(call, &iam_user, iam_text(call->input, "UserName"), ret_user);
}

static err_t save_user(struct api_call *call, json_t *user)
{
	return iam_put(call, iam_user.kind, iam_id_of_name(call->arena, iam_text(user, "UserName")),
		       user);
}

err_t iam_add_member(struct api_call *call)
{
	const char *name = iam_text(call->input, "GroupName");
	json_t *user, *group, *names;

	TRY(find_both(call, &user, &group));
	names = json_object_get(user, "Groups");
	if (!names) {
		names = json_array();
		if (json_object_set_new(user, "Groups", names))
			return ERR_NOMEM;
	}
	if (index_of(names, name) != SIZE_MAX)
		return ERR_OK;
	if (json_array_size(names) == IAM_GROUPS_OF_USER_MAX)
		return api_fault(call, "LimitExceeded", "Cannot exceed quota for GroupsPerUser: %d",
				 IAM_GROUPS_OF_USER_MAX);
	if (json_array_append_new(names, json_string(name)))
		return ERR_NOMEM;
	return save_user(call, user);
}

err_t iam_remove_member(struct api_call *call)
{
	json_t *user, *group, *names;
	size_t index;

	TRY(find_both(call, &user, &group));
	names = json_object_get(user, "Groups");
	index = index_of(names, iam_text(group, "GroupName"));
	if (index == SIZE_MAX)
		return api_fault(call, "NoSuchEntity", "User %s not in group %s.",
				 iam_text(user, "UserName"), iam_text(group, "GroupName"));
	json_array_remove(names, index);
	return save_user(call, user);
}

/* Its users, as a held array. */
static err_t members(struct api_call *call, const char *group, json_t **ret_users)
{
	json_t *all, *user, *found = iam_hold(call, json_array());
	size_t i;

	if (!found)
		return ERR_NOMEM;
	TRY(iam_all(call, iam_user.kind, NULL, &all));
	json_array_foreach (all, i, user) {
		if (index_of(json_object_get(user, "Groups"), group) != SIZE_MAX &&
		    json_array_append(found, user))
			return ERR_NOMEM;
	}
	*ret_users = found;
	return ERR_OK;
}

err_t iam_check_no_members(struct api_call *call, const char *group)
{
	json_t *users;

	TRY(members(call, group, &users));
	return json_array_size(users)
		       ? api_fault(call, "DeleteConflict",
				   "Cannot delete entity, must remove users from group first.")
		       : ERR_OK;
}

err_t iam_get_group(struct api_call *call)
{
	json_t *group, *users, *user, *shown = iam_hold(call, json_array());
	size_t i;

	if (!shown)
		return ERR_NOMEM;
	TRY(iam_get(call, &iam_group, iam_text(call->input, "GroupName"), &group));
	TRY(members(call, iam_text(group, "GroupName"), &users));
	json_array_foreach (users, i, user) {
		if (json_array_append_new(shown, iam_shown(user)))
			return ERR_NOMEM;
	}
	if (json_object_set_new(call->output, "Group", iam_shown(group)))
		return ERR_NOMEM;
	return iam_page(call, "Users", shown, "UserName");
}

err_t iam_list_groups_of_user(struct api_call *call)
{
	json_t *user, *name, *group, *found = iam_hold(call, json_array());
	size_t i;

	if (!found)
		return ERR_NOMEM;
	TRY(iam_get(call, &iam_user, iam_text(call->input, "UserName"), &user));
	json_array_foreach (json_object_get(user, "Groups"), i, name) {
		TRY(iam_get(call, &iam_group, json_string_value(name), &group));
		if (json_array_append_new(found, iam_shown(group)))
			return ERR_NOMEM;
	}
	return iam_page(call, "Groups", found, "GroupName");
}

/* Its users carry the name. */
err_t iam_rename_group(struct api_call *call, const char *old, const char *name)
{
	json_t *users, *user, *names;
	size_t i;

	TRY(members(call, old, &users));
	json_array_foreach (users, i, user) {
		names = json_object_get(user, "Groups");
		if (json_array_set_new(names, index_of(names, old), json_string(name)))
			return ERR_NOMEM;
		TRY(save_user(call, user));
	}
	return ERR_OK;
}
