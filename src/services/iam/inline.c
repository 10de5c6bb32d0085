/*
 * inline: the policies a user, a group or a role has: those of its own, and those attached to it.
 */
#include "services/iam/iam_internal.h"

struct holder {
	const struct iam_entity *entity;
	json_t *body, *inline_policies, *attached;
};

static err_t find(struct api_call *call, struct holder *ret_holder)
{
	const char *name;

	TRY(iam_named(call, &ret_holder->entity, &name));
	TRY(iam_get(call, ret_holder->entity, name, &ret_holder->body));
	ret_holder->inline_policies = json_object_get(ret_holder->body, "Inline");
	ret_holder->attached = json_object_get(ret_holder->body, "Attached");
	return ERR_OK;
}

static err_t save(struct api_call *call, const struct holder *holder)
{
	const char *name = iam_text(holder->body, holder->entity->name);

	return iam_put(call, holder->entity->kind, iam_id_of_name(call->arena, name), holder->body);
}

/* ---- Of its own ---- */

static err_t check_sum(struct api_call *call, const struct holder *holder, size_t max)
{
	const char *name;
	json_t *document;
	size_t sum = 0;

	json_object_foreach (holder->inline_policies, name, document) {
		sum += json_string_length(document);
	}
	if (sum > max)
		return api_fault(call, "LimitExceeded",
				 "Maximum policy size of %zu bytes exceeded for %s %s", max,
				 holder->entity->words,
				 iam_text(holder->body, holder->entity->name));
	return ERR_OK;
}

err_t iam_put_inline(struct api_call *call)
{
	const char *document = iam_text(call->input, "PolicyDocument");
	const char *name = iam_text(call->input, "PolicyName");
	struct holder holder;
	size_t max;

	TRY(find(call, &holder));
	max = holder.entity == &iam_user    ? IAM_USER_INLINE_CHARS_MAX
	      : holder.entity == &iam_group ? IAM_GROUP_INLINE_CHARS_MAX
					    : IAM_ROLE_INLINE_CHARS_MAX;
	TRY(iam_check(call, document, POLICY_OF_IDENTITY, max, "InlinePolicySize"));
	if (json_object_set_new(holder.inline_policies, name, json_string(document)))
		return ERR_NOMEM;
	TRY(check_sum(call, &holder, max));
	return save(call, &holder);
}

static err_t find_inline(struct api_call *call, struct holder *holder, const char **ret_document)
{
	const char *name = iam_text(call->input, "PolicyName");

	TRY(find(call, holder));
	*ret_document = iam_text(holder->inline_policies, name);
	if (!*ret_document)
		return api_fault(call, "NoSuchEntity",
				 "The %s policy with name %s cannot be found.",
				 holder->entity->words, name);
	return ERR_OK;
}

err_t iam_get_inline(struct api_call *call)
{
	struct holder holder;
	const char *document;
	int failed;

	TRY(find_inline(call, &holder, &document));
	failed = json_object_set(call->output, holder.entity->name,
				 json_object_get(holder.body, holder.entity->name));
	failed |= json_object_set(call->output, "PolicyName",
				  json_object_get(call->input, "PolicyName"));
	failed |= json_object_set_new(call->output, "PolicyDocument", iam_escaped(document));
	return failed ? ERR_NOMEM : ERR_OK;
}

err_t iam_delete_inline(struct api_call *call)
{
	struct holder holder;
	const char *document;

	TRY(find_inline(call, &holder, &document));
	json_object_del(holder.inline_policies, iam_text(call->input, "PolicyName"));
	return save(call, &holder);
}

err_t iam_list_inline(struct api_call *call)
{
	json_t *document, *names = iam_hold(call, json_array());
	struct holder holder;
	const char *name;

	TRY(find(call, &holder));
	json_object_foreach (holder.inline_policies, name, document) {
		if (json_array_append_new(names, json_string(name)))
			return ERR_NOMEM;
	}
	return iam_page(call, "PolicyNames", names, NULL);
}

/* ---- Attached ---- */

static size_t index_of(const json_t *attached, const char *arn)
{
	for (size_t i = 0; i < json_array_size(attached); i++)
		if (strcmp(json_string_value(json_array_get(attached, i)), arn) == 0)
			return i;
	return SIZE_MAX;
}

err_t iam_attach(struct api_call *call)
{
	const char *arn = iam_text(call->input, "PolicyArn");
	struct holder holder;
	json_t *document;
	err_t err;

	TRY(find(call, &holder));
	err = iam_default_document(iam_of(call)->txn, arn, &document);
	if (err == ERR_NOT_FOUND)
		return api_fault(call, "NoSuchEntity",
				 "Policy %s does not exist or is not attachable.", arn);
	TRY(err);
	json_decref(document);
	if (index_of(holder.attached, arn) != SIZE_MAX)
		return ERR_OK;
	if (json_array_size(holder.attached) == IAM_ATTACHED_MAX)
		return api_fault(call, "LimitExceeded", "Cannot exceed quota for PoliciesPer%s: %d",
				 holder.entity->title, IAM_ATTACHED_MAX);
	if (json_array_append_new(holder.attached, json_string(arn)))
		return ERR_NOMEM;
	return save(call, &holder);
}

err_t iam_detach(struct api_call *call)
{
	const char *arn = iam_text(call->input, "PolicyArn");
	struct holder holder;
	size_t index;

	TRY(find(call, &holder));
	index = index_of(holder.attached, arn);
	if (index == SIZE_MAX)
		return api_fault(call, "NoSuchEntity", "Policy %s was not found.", arn);
	json_array_remove(holder.attached, index);
	return save(call, &holder);
}

/* "/service-role/" of "arn:aws:iam::aws:policy/service-role/Name" */
static bool has_prefix(const char *arn, const char *prefix)
{
	return !prefix || bytes_starts(bytes_of(strchr(arn, '/')), bytes_of(prefix));
}

err_t iam_list_attached(struct api_call *call)
{
	const char *prefix = iam_text(call->input, "PathPrefix");
	json_t *arn, *items = iam_hold(call, json_array());
	struct holder holder;
	size_t i;

	TRY(find(call, &holder));
	json_array_foreach (holder.attached, i, arn) {
		const char *text = json_string_value(arn);

		if (!has_prefix(text, prefix))
			continue;
		if (json_array_append_new(items,
					  json_pack("{s:s, s:O}", "PolicyName",
						    strrchr(text, '/') + 1, "PolicyArn", arn)))
			return ERR_NOMEM;
	}
	return iam_page(call, "AttachedPolicies", items, "PolicyArn");
}
