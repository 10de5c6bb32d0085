/*
 * boundary: the most that a user or role may ever do: a managed policy beside its own.
 */
#include "services/iam/iam_internal.h"

/* Sets it on the record; the policy has to be there. */
err_t iam_set_boundary(struct api_call *call, json_t *body, const char *arn)
{
	json_t *policy;

	TRY(iam_get_policy_record(call, arn, &policy));
	return json_object_set_new(body, "PermissionsBoundary",
				   json_pack("{s:s, s:s}", "PermissionsBoundaryType", "Policy",
					     "PermissionsBoundaryArn", arn))
		       ? ERR_NOMEM
		       : ERR_OK;
}

const char *iam_boundary_of(const json_t *body)
{
	return iam_text(json_object_get(body, "PermissionsBoundary"), "PermissionsBoundaryArn");
}

static err_t find(struct api_call *call, const struct iam_entity **ret_entity, json_t **ret_body)
{
	const char *name;

	TRY(iam_named(call, ret_entity, &name));
	return iam_get(call, *ret_entity, name, ret_body);
}

static err_t save(struct api_call *call, const struct iam_entity *entity, json_t *body)
{
	const char *name = iam_text(body, entity->name);

	return iam_put(call, entity->kind, iam_id_of_name(call->arena, name), body);
}

err_t iam_put_boundary(struct api_call *call)
{
	const struct iam_entity *entity;
	json_t *body;

	TRY(find(call, &entity, &body));
	TRY(iam_set_boundary(call, body, iam_text(call->input, "PermissionsBoundary")));
	return save(call, entity, body);
}

err_t iam_delete_boundary(struct api_call *call)
{
	const struct iam_entity *entity;
	json_t *body;

	TRY(find(call, &entity, &body));
	if (!iam_boundary_of(body))
		return api_fault(call, "NoSuchEntity",
				 "The %s with name %s has no permissions boundary.", entity->words,
				 iam_text(body, entity->name));
	json_object_del(body, "PermissionsBoundary");
	return save(call, entity, body);
}
