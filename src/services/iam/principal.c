/*
 * principal: whom a key stands for, what conditions may ask, and what the policies answer.
 */
#include <stdio.h>

#include "base/when.h"
#include "services/iam/iam_internal.h"

/* ---- Who ---- */

static err_t look(struct api_call *call, const char *kind, const char *id, json_t **ret_body)
{
	err_t err = id ? store_get(iam_of(call)->txn, kind, id, ret_body, NULL) : ERR_NOT_FOUND;

	if (err == ERR_NOT_FOUND)
		*ret_body = NULL;
	else if (!err && !iam_hold(call, *ret_body))
		return ERR_NOMEM;
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static err_t look_entity(struct api_call *call, const json_t *from, struct iam_principal *principal)
{
	const char *role = iam_text(from, "RoleName"), *user = iam_text(from, "UserName");

	principal->entity = role ? &iam_role : user ? &iam_user : NULL;
	if (!principal->entity)
		return ERR_OK;
	return look(call, principal->entity->kind, iam_id_of_name(call->arena, role ? role : user),
		    &principal->body);
}

err_t iam_principal(struct api_call *call, struct iam_principal *ret_principal)
{
	const char *key = call->caller->access_key;
	json_t *record = NULL;

	*ret_principal = (struct iam_principal){ .entity = NULL };
	TRY(look(call, IAM_SESSION, key, &ret_principal->session));
	if (!ret_principal->session)
		TRY(look(call, IAM_KEY, key, &record));
	return look_entity(call, ret_principal->session ? ret_principal->session : record,
			   ret_principal);
}

/* ---- The context ---- */

static err_t add_values(struct iam_context *context, const char *name, const char *const *values,
			size_t count)
{
	if (!name || !values)
		return ERR_NOMEM;
	if (context->count == IAM_CONTEXT_KEYS_MAX)
		return ERR_LIMIT;
	context->keys[context->count++] = (struct policy_key){ name, values, count };
	return ERR_OK;
}

/* Absent values make no key. */
static err_t add(struct api_call *call, struct iam_context *context, const char *name,
		 const char *value)
{
	const char **values;

	if (!value)
		return ERR_OK;
	values = arena_alloc(call->arena, sizeof *values);
	if (!values)
		return ERR_NOMEM;
	values[0] = arena_string(call->arena, bytes_of(value));
	return values[0] ? add_values(context, name, values, 1) : ERR_NOMEM;
}

/* Services write tags as {Key, Value}, as {key, value}, or as one object. */
typedef err_t (*tag_fn)(void *owner, const char *key, const char *value);

static err_t each_tag(const json_t *tags, tag_fn visit, void *owner)
{
	const char *key, *text;
	json_t *tag;
	size_t i;

	if (json_is_object(tags)) {
		json_object_foreach ((json_t *)tags, key, tag) {
			text = json_string_value(tag);
			TRY(visit(owner, key, text ? text : ""));
		}
		return ERR_OK;
	}
	json_array_foreach (tags, i, tag) {
		key = iam_text(tag, "Key") ? iam_text(tag, "Key") : iam_text(tag, "key");
		text = iam_text(tag, "Value") ? iam_text(tag, "Value") : iam_text(tag, "value");
		if (key && i < IAM_TAGS_MAX)
			TRY(visit(owner, key, text ? text : ""));
	}
	return ERR_OK;
}

struct tag_adding {
	struct api_call *call;
	struct iam_context *context;
	const char *prefix; /* "aws:RequestTag/" */
};

static err_t add_tag(void *owner, const char *key, const char *value)
{
	const struct tag_adding *to = owner;

	return add(to->call, to->context, arena_printf(to->call->arena, "%s%s", to->prefix, key),
		   value);
}

static err_t add_tags(struct api_call *call, struct iam_context *context, const char *prefix,
		      const json_t *tags)
{
	struct tag_adding to = { call, context, prefix };

	return each_tag(tags, add_tag, &to);
}

err_t iam_context_add_tags(struct api_call *call, struct iam_context *context, const char *arn,
			   const json_t *tags)
{
	const char *own = iam_tag_key_of(arn);

	TRY(add_tags(call, context, "aws:ResourceTag/", tags));
	return own ? add_tags(call, context, own, tags) : ERR_OK;
}

/* Where inputs carry tags; EC2's have them in specifications, S3's in an element around them. */
static err_t each_input_tag(const struct api_call *call, tag_fn visit, void *owner)
{
	const json_t *specifications = json_object_get(call->input, "TagSpecifications"), *one;
	size_t i;

	TRY(each_tag(json_object_get(call->input, "Tags"), visit, owner));
	TRY(each_tag(json_object_get(call->input, "tags"), visit, owner));
	TRY(each_tag(json_object_get(json_object_get(call->input, "Tagging"), "TagSet"), visit,
		     owner));
	json_array_foreach (specifications, i, one)
		TRY(each_tag(json_object_get(one, "Tags"), visit, owner));
	return ERR_OK;
}

struct key_list {
	const char **keys;
	size_t count, cap;
};

/* Each once: that is what the values of a key are. */
static err_t add_key(void *owner, const char *key, const char *value)
{
	struct key_list *list = owner;

	(void)value;
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->keys[i], key) == 0)
			return ERR_OK;
	if (list->count == list->cap)
		return ERR_LIMIT;
	list->keys[list->count++] = key;
	return ERR_OK;
}

static err_t add_request_tags(struct api_call *call, struct iam_context *context)
{
	static const char *const members[] = { "TagKeys", "tagKeys" };
	struct tag_adding to = { call, context, "aws:RequestTag/" };
	struct key_list list = { .cap = (size_t)2 * IAM_TAGS_MAX };
	json_t *key;
	size_t i;

	list.keys = arena_array(call->arena, list.cap, sizeof *list.keys);
	if (!list.keys)
		return ERR_NOMEM;
	TRY(each_input_tag(call, add_tag, &to));
	TRY(each_input_tag(call, add_key, &list));
	for (size_t m = 0; m < COUNT(members); m++)
		json_array_foreach (json_object_get(call->input, members[m]), i, key)
			if (json_is_string(key))
				TRY(add_key(&list, json_string_value(key), ""));
	return list.count ? add_values(context, "aws:TagKeys", list.keys, list.count) : ERR_OK;
}

static err_t add_principal(struct api_call *call, const struct iam_principal *principal,
			   struct iam_context *context)
{
	const struct api_caller *caller = call->caller;
	bool user = principal->entity == &iam_user;
	const char *arn = principal->body ? iam_text(principal->body, "Arn") : caller->arn;

	TRY(add(call, context, "aws:PrincipalArn", arn));
	TRY(add(call, context, "aws:PrincipalAccount", caller->account));
	TRY(add(call, context, "aws:PrincipalType",
		user		    ? "User"
		: principal->entity ? "AssumedRole"
				    : "Account"));
	TRY(add(call, context, "aws:userid", caller->user_id ? caller->user_id : caller->account));
	if (user)
		TRY(add(call, context, "aws:username", iam_text(principal->body, "UserName")));
	return add_tags(call, context, "aws:PrincipalTag/",
			json_object_get(principal->body, "Tags"));
}

/* Members of the input that services' own keys ask about; a list has all its values. */
static const struct {
	const char *service, *key, *member;
} asked_members[] = {
	{ "ecs", "ecs:cluster", "cluster" },
	{ "ecs", "ecs:service", "service" },
	{ "elasticloadbalancing", "elasticloadbalancing:ListenerProtocol", "Protocol" },
	{ "elasticloadbalancing", "elasticloadbalancing:Scheme", "Scheme" },
	{ "elasticloadbalancing", "elasticloadbalancing:SecurityGroup", "SecurityGroups" },
	{ "elasticloadbalancing", "elasticloadbalancing:SecurityPolicy", "SslPolicy" },
	{ "elasticloadbalancing", "elasticloadbalancing:Subnet", "Subnets" },
	{ "iam", "iam:PermissionsBoundary", "PermissionsBoundary" },
	{ "iam", "iam:PolicyARN", "PolicyArn" },
	{ "lambda", "lambda:FunctionUrlAuthType", "FunctionUrlAuthType" },
	{ "lambda", "lambda:Principal", "Principal" },
	{ "monitoring", "cloudwatch:namespace", "Namespace" },
	{ "s3", "s3:VersionId", "VersionId" },
	{ "s3", "s3:delimiter", "Delimiter" },
	{ "s3", "s3:max-keys", "MaxKeys" },
	{ "s3", "s3:prefix", "Prefix" },
	{ "s3", "s3:x-amz-acl", "ACL" },
	{ "s3", "s3:x-amz-copy-source", "CopySource" },
	{ "s3", "s3:x-amz-storage-class", "StorageClass" },
	{ "sts", "sts:ExternalId", "ExternalId" },
	{ "sts", "sts:RoleSessionName", "RoleSessionName" },
};

static err_t add_member(struct api_call *call, struct iam_context *context, const char *key,
			const json_t *value)
{
	size_t most = json_is_array(value) ? json_array_size(value) : 1, count = 0;
	const char **values;

	if (json_is_integer(value))
		return add(call, context, key,
			   arena_printf(call->arena, "%lld", (long long)json_integer_value(value)));
	values = arena_array(call->arena, most + 1, sizeof *values);
	if (!values)
		return ERR_NOMEM;
	for (size_t i = 0; i < most; i++) {
		const json_t *one = json_is_array(value) ? json_array_get(value, i) : value;

		if (json_is_string(one))
			values[count++] = json_string_value(one);
	}
	return count ? add_values(context, key, values, count) : ERR_OK;
}

static err_t add_members(struct api_call *call, struct iam_context *context)
{
	for (size_t i = 0; i < COUNT(asked_members); i++) {
		const json_t *value = json_object_get(call->input, asked_members[i].member);

		if (value && strcmp(call->service->name, asked_members[i].service) == 0)
			TRY(add_member(call, context, asked_members[i].key, value));
	}
	return ERR_OK;
}

err_t iam_context(struct api_call *call, const struct iam_principal *principal,
		  struct iam_context *ret_context)
{
	uint64_t now_ms = iam_now_ms(iam_of(call)->iam);
	char iso[WHEN_ISO_BYTES + 1], epoch[32];

	*ret_context = (struct iam_context){ .count = 0 };
	when_iso_ms(now_ms, iso);
	snprintf(epoch, sizeof epoch, "%llu", (unsigned long long)(now_ms / 1000));
	TRY(add_principal(call, principal, ret_context));
	TRY(add(call, ret_context, "aws:CurrentTime", iso));
	TRY(add(call, ret_context, "aws:EpochTime", epoch));
	TRY(add(call, ret_context, "aws:SecureTransport", "false"));
	TRY(add(call, ret_context, "aws:SourceIp", call->caller->source_ip));
	TRY(add(call, ret_context, "aws:SourceArn", call->caller->source_arn));
	if (call->caller->service) {
		TRY(add(call, ret_context, "aws:PrincipalServiceName", call->caller->service));
		TRY(add(call, ret_context, "aws:SourceAccount", call->caller->account));
	}
	TRY(add(call, ret_context, "aws:RequestedRegion", call->caller->region));
	TRY(add(call, ret_context, "aws:ResourceAccount", call->caller->account));
	TRY(add(call, ret_context, "aws:ViaAWSService", "false"));
	TRY(add(call, ret_context, "aws:PrincipalIsAWSService",
		call->caller->service ? "true" : "false"));
	TRY(add_members(call, ret_context));
	return add_request_tags(call, ret_context);
}

err_t iam_context_add(struct api_call *call, struct iam_context *context, const char *name,
		      const char *value)
{
	return add(call, context, name, value);
}

/* ---- The answer ---- */

static void merge(enum policy_effect *into, enum policy_effect effect)
{
	if (effect > *into)
		*into = effect;
}

static err_t add_text(const char *document, const struct policy_request *request,
		      enum policy_effect *into)
{
	json_t *parsed = json_loads(document, 0, NULL);

	if (!parsed)
		return ERR_STORE;
	merge(into, policy_evaluate(parsed, request));
	json_decref(parsed);
	return ERR_OK;
}

/* Managed policies by their ARNs; one that is gone says nothing. */
static err_t add_managed(struct api_call *call, const json_t *arns,
			 const struct policy_request *request, enum policy_effect *into)
{
	for (size_t i = 0; i < json_array_size(arns); i++) {
		json_t *document = NULL;
		err_t err = iam_default_document(
			iam_of(call)->txn, json_string_value(json_array_get(arns, i)), &document);

		if (err == ERR_NOT_FOUND)
			continue;
		TRY(err);
		merge(into, policy_evaluate(document, request));
		json_decref(document);
	}
	return ERR_OK;
}

/* What a user, group or role itself has. */
static err_t add_own(struct api_call *call, const json_t *body,
		     const struct policy_request *request, enum policy_effect *into)
{
	const char *name;
	json_t *document;

	json_object_foreach (json_object_get(body, "Inline"), name, document) {
		TRY(add_text(json_string_value(document), request, into));
	}
	return add_managed(call, json_object_get(body, "Attached"), request, into);
}

static err_t add_groups(struct api_call *call, const json_t *user,
			const struct policy_request *request, enum policy_effect *into)
{
	json_t *names = json_object_get(user, "Groups"), *name, *group;
	size_t i;

	json_array_foreach (names, i, name) {
		const char *id = iam_id_of_name(call->arena, json_string_value(name));

		TRY(look(call, iam_group.kind, id, &group));
		TRY(add_own(call, group, request, into));
	}
	return ERR_OK;
}

/* `own` as far as `limit` goes: a limit takes away, it never gives. */
static enum policy_effect within(enum policy_effect own, enum policy_effect limit)
{
	if (own == POLICY_DENIES || limit == POLICY_DENIES)
		return POLICY_DENIES;
	return limit == POLICY_SILENT ? POLICY_SILENT : own;
}

/* A boundary that is gone allows nothing. */
static err_t bound(struct api_call *call, const json_t *body, const struct policy_request *request,
		   enum policy_effect *own)
{
	const char *arn = iam_boundary_of(body);
	enum policy_effect limit = POLICY_SILENT, before = *own;
	json_t *arns;

	if (!arn)
		return ERR_OK;
	arns = iam_hold(call, json_pack("[s]", arn));
	if (!arns)
		return ERR_NOMEM;
	TRY(add_managed(call, arns, request, &limit));
	*own = within(before, limit);
	iam_of(call)->bounded = before == POLICY_ALLOWS && *own != POLICY_ALLOWS;
	return ERR_OK;
}

err_t iam_evaluate(struct api_call *call, const struct iam_principal *principal,
		   const struct policy_request *request, enum policy_effect *ret_effect)
{
	const json_t *session = principal->session;
	const json_t *arns = json_object_get(session, "PolicyArns");
	const char *policy = iam_text(session, "Policy");
	enum policy_effect own = POLICY_SILENT, narrowed = POLICY_SILENT;

	iam_of(call)->bounded = false;
	TRY(add_own(call, principal->body, request, &own));
	TRY(add_groups(call, principal->body, request, &own));
	TRY(bound(call, principal->body, request, &own));
	if (policy)
		TRY(add_text(policy, request, &narrowed));
	TRY(add_managed(call, arns, request, &narrowed));
	*ret_effect = policy || json_array_size(arns) ? within(own, narrowed) : own;
	return ERR_OK;
}
