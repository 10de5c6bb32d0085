/*
 * access_keys: made with a secret that one answer shows, and none after it.
 */
#include "services/iam/iam_internal.h"

static err_t owner_of(struct api_call *call, const char **ret_name)
{
	const struct iam_entity *entity;
	json_t *body;

	TRY(iam_named(call, &entity, ret_name));
	return iam_get(call, entity, *ret_name, &body);
}

err_t iam_create_key(struct api_call *call)
{
	char id[IAM_ID_BYTES + 1], *secret;
	const char *name, *parent;
	json_t *body, *shown;
	uint64_t count;

	TRY(owner_of(call, &name));
	parent = iam_id_of_name(call->arena, name);
	secret = iam_make_secret(call->arena);
	if (!parent || !secret)
		return ERR_NOMEM;
	TRY(store_count(iam_of(call)->txn, IAM_KEY, parent, &count));
	if (count >= IAM_KEYS_MAX)
		return api_fault(call, "LimitExceeded",
				 "Cannot exceed quota for AccessKeysPerUser: %d", IAM_KEYS_MAX);
	iam_make_id("AKIA", id);
	body = iam_hold(call, json_pack("{s:s, s:s, s:s, s:I}", "UserName", name, "AccessKeyId", id,
					"Status", "Active", "CreateDate",
					(json_int_t)iam_now_ms(iam_of(call)->iam)));
	if (!body)
		return ERR_NOMEM;
	TRY(iam_seal_secret(iam_of(call)->iam, secret, body));
	TRY(iam_insert(call, IAM_KEY, id, parent, body));
	shown = json_copy(body);
	if (json_object_set_new(call->output, "AccessKey", shown) ||
	    json_object_set_new(shown, "SecretAccessKey", json_string(secret)))
		return ERR_NOMEM;
	return ERR_OK;
}

err_t iam_list_keys(struct api_call *call)
{
	const char *name;
	json_t *keys;

	TRY(owner_of(call, &name));
	TRY(iam_all(call, IAM_KEY, iam_id_of_name(call->arena, name), &keys));
	return iam_page(call, "AccessKeyMetadata", keys, "AccessKeyId");
}

static err_t find(struct api_call *call, json_t **ret_body)
{
	const char *id = iam_text(call->input, "AccessKeyId"), *name;
	json_t *body;
	err_t err;

	TRY(owner_of(call, &name));
	err = store_get(iam_of(call)->txn, IAM_KEY, id, &body, NULL);
	if (!err && !iam_hold(call, body))
		return ERR_NOMEM;
	if (err == ERR_NOT_FOUND || (!err && strcmp(iam_text(body, "UserName"), name) != 0))
		return api_fault(call, "NoSuchEntity", "The Access Key with id %s cannot be found.",
				 id);
	*ret_body = body;
	return err;
}

err_t iam_update_key(struct api_call *call)
{
	json_t *body;

	TRY(find(call, &body));
	if (json_object_set(body, "Status", json_object_get(call->input, "Status")))
		return ERR_NOMEM;
	return iam_put(call, IAM_KEY, iam_text(body, "AccessKeyId"), body);
}

err_t iam_delete_key(struct api_call *call)
{
	json_t *body;

	TRY(find(call, &body));
	return iam_remove(call, IAM_KEY, iam_text(body, "AccessKeyId"));
}
