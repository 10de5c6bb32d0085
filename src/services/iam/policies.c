/*
 * policies: managed policies, the account's own with their versions, and AWS's to read.
 */
#include <stdio.h>

#include "services/iam/iam_internal.h"

static json_t *version_of(const json_t *body, const char *id)
{
	json_t *versions = json_object_get(body, "Versions");

	for (size_t i = 0; i < json_array_size(versions); i++)
		if (strcmp(iam_text(json_array_get(versions, i), "VersionId"), id) == 0)
			return json_array_get(versions, i);
	return NULL;
}

static err_t read_body(struct store_txn *txn, const char *arn, json_t **ret_body)
{
	const struct iam_managed *managed = iam_managed_find(arn);

	if (!managed)
		return store_get(txn, IAM_POLICY, arn, ret_body, NULL);
	*ret_body = iam_managed_body(managed);
	return *ret_body ? ERR_OK : ERR_NOMEM;
}

err_t iam_default_document(struct store_txn *txn, const char *arn, json_t **ret_document)
{
	json_t *body, *version;

	TRY(read_body(txn, arn, &body));
	version = version_of(body, iam_text(body, "DefaultVersionId"));
	*ret_document = json_loads(iam_text(version, "Document"), 0, NULL);
	json_decref(body);
	return *ret_document ? ERR_OK : ERR_STORE;
}

err_t iam_get_policy_record(struct api_call *call, const char *arn, json_t **ret_body)
{
	json_t *body = NULL;
	err_t err = read_body(iam_of(call)->txn, arn, &body);

	if (err == ERR_NOT_FOUND)
		return api_fault(call, "NoSuchEntity", "Policy %s was not found.", arn);
	TRY(err);
	if (!iam_hold(call, body))
		return ERR_NOMEM;
	*ret_body = body;
	return ERR_OK;
}

/* A policy of the account, to change. */
static err_t own_policy(struct api_call *call, json_t **ret_body)
{
	const char *arn = iam_text(call->input, "PolicyArn");

	if (iam_managed_find(arn))
		return api_fault(call, "AccessDenied",
				 "User: %s is not authorized to perform: %s on resource: policy %s",
				 call->caller->arn ? call->caller->arn : "root",
				 call->operation->permission, arn);
	return iam_get_policy_record(call, arn, ret_body);
}

/* ---- Who has it ---- */

static const struct iam_entity *const holding[] = { &iam_user, &iam_group, &iam_role };

static bool has(const json_t *body, const char *arn)
{
	json_t *attached = json_object_get(body, "Attached"), *one;
	size_t i;

	json_array_foreach (attached, i, one) {
		if (strcmp(json_string_value(one), arn) == 0)
			return true;
	}
	return false;
}

static bool is_bounded_by(const json_t *body, const char *arn)
{
	const char *boundary = iam_boundary_of(body);

	return boundary && strcmp(boundary, arn) == 0;
}

/* Which of the two ways of having a policy counts. */
struct usage {
	bool attached, boundary;
};

/* Appends {UserName, UserId} of those who have `arn`. */
static err_t holders(struct api_call *call, const struct iam_entity *entity, const char *arn,
		     struct usage usage, json_t *into)
{
	json_t *all, *body;
	size_t i;

	TRY(iam_all(call, entity->kind, NULL, &all));
	json_array_foreach (all, i, body) {
		if (!(usage.attached && has(body, arn)) &&
		    !(usage.boundary && is_bounded_by(body, arn)))
			continue;
		if (json_array_append_new(into, json_pack("{s:s, s:s}", entity->name,
							  iam_text(body, entity->name), entity->id,
							  iam_text(body, entity->id))))
			return ERR_NOMEM;
	}
	return ERR_OK;
}

static err_t count_holders(struct api_call *call, const char *arn, struct usage usage,
			   size_t *ret_count)
{
	json_t *found = iam_hold(call, json_array());

	if (!found)
		return ERR_NOMEM;
	for (size_t i = 0; i < COUNT(holding); i++)
		TRY(holders(call, holding[i], arn, usage, found));
	*ret_count = json_array_size(found);
	return ERR_OK;
}

err_t iam_list_policy_entities(struct api_call *call)
{
	const char *arn = iam_text(call->input, "PolicyArn");
	const char *filter = iam_text(call->input, "PolicyUsageFilter");
	const char *kind = iam_text(call->input, "EntityFilter");
	const struct usage usage = {
		.attached = !filter || strcmp(filter, "PermissionsPolicy") == 0,
		.boundary = !filter || strcmp(filter, "PermissionsBoundary") == 0,
	};
	json_t *body;

	TRY(iam_get_policy_record(call, arn, &body));
	if (json_object_set_new(call->output, "IsTruncated", json_false()))
		return ERR_NOMEM;
	for (size_t i = 0; i < COUNT(holding); i++) {
		const char *list = arena_printf(call->arena, "Policy%ss", holding[i]->title);
		json_t *found = json_array();

		if (!list || json_object_set_new(call->output, list, found))
			return ERR_NOMEM;
		if (!kind || strcmp(kind, holding[i]->title) == 0)
			TRY(holders(call, holding[i], arn, usage, found));
	}
	return ERR_OK;
}

/* ---- Policies ---- */

static err_t show(struct api_call *call, json_t *body)
{
	const char *arn = iam_text(body, "Arn");
	size_t attached, bounds;

	TRY(count_holders(call, arn, (struct usage){ .attached = true }, &attached));
	TRY(count_holders(call, arn, (struct usage){ .boundary = true }, &bounds));
	if (json_object_set_new(body, "AttachmentCount", json_integer((json_int_t)attached)) ||
	    json_object_set_new(body, "PermissionsBoundaryUsageCount",
				json_integer((json_int_t)bounds)))
		return ERR_NOMEM;
	return ERR_OK;
}

err_t iam_create_policy(struct api_call *call)
{
	const struct iam *iam = iam_of(call)->iam;
	const char *document = iam_text(call->input, "PolicyDocument");
	const char *name = iam_text(call->input, "PolicyName");
	const char *path = iam_text(call->input, "Path");
	json_t *description = json_object_get(call->input, "Description"), *body;
	json_int_t now = (json_int_t)iam_now_ms(iam);
	char id[IAM_ID_BYTES + 1], *arn;
	err_t err;

	TRY(iam_check(call, document, POLICY_OF_IDENTITY, IAM_MANAGED_CHARS_MAX, "PolicySize"));
	path = path ? path : "/";
	iam_make_id("ANPA", id);
	arn = arena_printf(call->arena, "arn:aws:iam::%s:policy%s%s", iam->options.account, path,
			   name);
	body = arn ? json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:I, s:I, s:i, s:[{s:s, s:s, s:I}], "
			       "s:[]}",
			       "PolicyName", name, "PolicyId", id, "Arn", arn, "Path", path,
			       "DefaultVersionId", "v1", "IsAttachable", 1, "CreateDate", now,
			       "UpdateDate", now, "NextVersion", 2, "Versions", "VersionId", "v1",
			       "Document", document, "CreateDate", now, "Tags")
		   : NULL;
	if (!iam_hold(call, body) ||
	    (description && json_object_set(body, "Description", description)))
		return ERR_NOMEM;
	TRY(iam_add_tags(call, body));
	/* One name once, whatever its path. */
	err = store_name_put(iam_of(call)->txn, IAM_POLICY, iam_id_of_name(call->arena, name), arn);
	if (!err)
		err = iam_insert(call, IAM_POLICY, arn, "", body);
	if (err == ERR_EXISTS)
		return api_fault(call, "EntityAlreadyExists",
				 "A policy called %s already exists. Duplicate names are not "
				 "allowed.",
				 name);
	TRY(err);
	TRY(show(call, body));
	return json_object_set(call->output, "Policy", body) ? ERR_NOMEM : ERR_OK;
}

err_t iam_get_policy(struct api_call *call)
{
	json_t *body;

	TRY(iam_get_policy_record(call, iam_text(call->input, "PolicyArn"), &body));
	TRY(show(call, body));
	return json_object_set(call->output, "Policy", body) ? ERR_NOMEM : ERR_OK;
}

static err_t add_aws(json_t *all)
{
	const struct iam_managed *managed;

	for (size_t i = 0; (managed = iam_managed_at(i)); i++)
		if (json_array_append_new(all, iam_managed_body(managed)))
			return ERR_NOMEM;
	return ERR_OK;
}

err_t iam_list_policies(struct api_call *call)
{
	const char *scope = iam_text(call->input, "Scope");
	const char *prefix = iam_text(call->input, "PathPrefix");
	bool attached = json_is_true(json_object_get(call->input, "OnlyAttached"));
	json_t *all, *body, *items = iam_hold(call, json_array());
	size_t i;

	if (scope && strcmp(scope, "AWS") == 0)
		all = iam_hold(call, json_array());
	else
		TRY(iam_all(call, IAM_POLICY, NULL, &all));
	if (!scope || strcmp(scope, "Local") != 0)
		TRY(add_aws(all));
	json_array_foreach (all, i, body) {
		if (!bytes_starts(bytes_of(iam_text(body, "Path")), bytes_of(prefix)))
			continue;
		TRY(show(call, body));
		json_object_del(body, "Tags");
		if (attached && !json_integer_value(json_object_get(body, "AttachmentCount")))
			continue;
		if (json_array_append(items, body))
			return ERR_NOMEM;
	}
	return iam_page(call, "Policies", items, "Arn");
}

err_t iam_delete_policy(struct api_call *call)
{
	const char *arn = iam_text(call->input, "PolicyArn");
	size_t count;
	json_t *body;

	TRY(own_policy(call, &body));
	TRY(count_holders(call, arn, (struct usage){ true, true }, &count));
	if (count)
		return api_fault(call, "DeleteConflict",
				 "Cannot delete a policy attached to entities.");
	if (json_array_size(json_object_get(body, "Versions")) > 1)
		return api_fault(call, "DeleteConflict",
				 "This policy has more than one version. Before you delete a "
				 "policy, you must delete the policy's versions. The default "
				 "version is deleted with the policy.");
	TRY(store_name_delete(iam_of(call)->txn, IAM_POLICY,
			      iam_id_of_name(call->arena, iam_text(body, "PolicyName"))));
	return iam_remove(call, IAM_POLICY, arn);
}

/* ---- Versions ---- */

static err_t save(struct api_call *call, json_t *body)
{
	if (json_object_set_new(body, "UpdateDate",
				json_integer((json_int_t)iam_now_ms(iam_of(call)->iam))))
		return ERR_NOMEM;
	return iam_put(call, IAM_POLICY, iam_text(body, "Arn"), body);
}

/* As answers show it; the document only where one version was asked for. */
static json_t *shown_version(const json_t *body, const json_t *version, bool whole)
{
	const char *id = iam_text(version, "VersionId");
	bool is_default = strcmp(id, iam_text(body, "DefaultVersionId")) == 0;
	json_t *shown = json_pack("{s:s, s:b, s:O}", "VersionId", id, "IsDefaultVersion",
				  is_default, "CreateDate", json_object_get(version, "CreateDate"));

	if (whole &&
	    json_object_set_new(shown, "Document", iam_escaped(iam_text(version, "Document")))) {
		json_decref(shown);
		return NULL;
	}
	return shown;
}

static err_t find_version(struct api_call *call, const json_t *body, json_t **ret_version)
{
	const char *id = iam_text(call->input, "VersionId");

	*ret_version = version_of(body, id);
	if (!*ret_version)
		return api_fault(call, "NoSuchEntity",
				 "Policy %s version %s does not exist or is not attachable.",
				 iam_text(body, "Arn"), id);
	return ERR_OK;
}

err_t iam_create_version(struct api_call *call)
{
	const char *document = iam_text(call->input, "PolicyDocument");
	json_t *body, *versions, *version;
	json_int_t number;
	char id[32];

	TRY(own_policy(call, &body));
	TRY(iam_check(call, document, POLICY_OF_IDENTITY, IAM_MANAGED_CHARS_MAX, "PolicySize"));
	versions = json_object_get(body, "Versions");
	if (json_array_size(versions) == IAM_VERSIONS_MAX)
		return api_fault(call, "LimitExceeded",
				 "A managed policy can have up to %d versions. Before you create "
				 "a new version, you must delete an existing version.",
				 IAM_VERSIONS_MAX);
	number = json_integer_value(json_object_get(body, "NextVersion"));
	snprintf(id, sizeof id, "v%lld", (long long)number);
	version = json_pack("{s:s, s:s, s:I}", "VersionId", id, "Document", document, "CreateDate",
			    (json_int_t)iam_now_ms(iam_of(call)->iam));
	if (json_array_insert_new(versions, 0, version) ||
	    json_object_set_new(body, "NextVersion", json_integer(number + 1)))
		return ERR_NOMEM;
	if (json_is_true(json_object_get(call->input, "SetAsDefault")) &&
	    json_object_set_new(body, "DefaultVersionId", json_string(id)))
		return ERR_NOMEM;
	TRY(save(call, body));
	return json_object_set_new(call->output, "PolicyVersion",
				   shown_version(body, version, false))
		       ? ERR_NOMEM
		       : ERR_OK;
}

err_t iam_get_version(struct api_call *call)
{
	json_t *body, *version;

	TRY(iam_get_policy_record(call, iam_text(call->input, "PolicyArn"), &body));
	TRY(find_version(call, body, &version));
	return json_object_set_new(call->output, "PolicyVersion",
				   shown_version(body, version, true))
		       ? ERR_NOMEM
		       : ERR_OK;
}

err_t iam_list_versions(struct api_call *call)
{
	json_t *body, *version, *items = iam_hold(call, json_array());
	size_t i;

	TRY(iam_get_policy_record(call, iam_text(call->input, "PolicyArn"), &body));
	json_array_foreach (json_object_get(body, "Versions"), i, version) {
		if (json_array_append_new(items, shown_version(body, version, false)))
			return ERR_NOMEM;
	}
	return iam_page(call, "Versions", items, "VersionId");
}

err_t iam_delete_version(struct api_call *call)
{
	json_t *body, *version, *versions;

	TRY(own_policy(call, &body));
	TRY(find_version(call, body, &version));
	if (strcmp(iam_text(version, "VersionId"), iam_text(body, "DefaultVersionId")) == 0)
		return api_fault(call, "DeleteConflict",
				 "Cannot delete the default version of a policy.");
	versions = json_object_get(body, "Versions");
	for (size_t i = json_array_size(versions); i-- > 0;)
		if (json_array_get(versions, i) == version) {
			json_array_remove(versions, i);
			break;
		}
	return save(call, body);
}

err_t iam_set_default_version(struct api_call *call)
{
	json_t *body, *version;

	TRY(own_policy(call, &body));
	TRY(find_version(call, body, &version));
	if (json_object_set(body, "DefaultVersionId", json_object_get(version, "VersionId")))
		return ERR_NOMEM;
	return save(call, body);
}

/* ---- Tags ---- */

err_t iam_tag_policy(struct api_call *call)
{
	json_t *body;

	TRY(own_policy(call, &body));
	TRY(iam_add_tags(call, body));
	return save(call, body);
}

err_t iam_untag_policy(struct api_call *call)
{
	json_t *body;

	TRY(own_policy(call, &body));
	TRY(iam_drop_tags(call, body));
	return save(call, body);
}

err_t iam_list_policy_tags(struct api_call *call)
{
	json_t *body;

	TRY(iam_get_policy_record(call, iam_text(call->input, "PolicyArn"), &body));
	return iam_page(call, "Tags", json_object_get(body, "Tags"), "Key");
}
