/*
 * authorize: keys to callers, and whether a caller may do what it asks.
 */
#include "base/encode.h"
#include "base/log.h"
#include "services/iam/iam_internal.h"

/* ---- Keys ---- */

static bool lend(struct iam *iam, const char *text, const char **ret_text)
{
	*ret_text = text ? arena_string(&iam->lent, bytes_of(text)) : NULL;
	return *ret_text != NULL;
}

/* A session ends with its role or user, also when another one took the name. */
static bool still_there(const json_t *body, const struct iam_entity *entity, const char *user_id)
{
	const char *id = iam_text(body, entity->id);

	return id && bytes_starts(bytes_of(user_id), bytes_of(id));
}

static bool lend_session(struct iam *iam, const struct iam_principal *who,
			 struct api_caller *caller)
{
	const json_t *session = who->session;

	if (who->entity && !still_there(who->body, who->entity, iam_text(session, "UserId")))
		return false;
	caller->is_root = !who->entity;
	caller->expires_unix_ms = (uint64_t)json_integer_value(json_object_get(session, "Expires"));
	return lend(iam, iam_text(session, "Arn"), &caller->arn) &&
	       lend(iam, iam_text(session, "UserId"), &caller->user_id) &&
	       lend(iam, iam_text(session, "Token"), &caller->session_token);
}

static bool lend_user(struct iam *iam, const json_t *body, struct api_caller *caller)
{
	return lend(iam, iam_text(body, "Arn"), &caller->arn) &&
	       lend(iam, iam_text(body, "UserId"), &caller->user_id);
}

/* The record of a key is read once more here, for its secret. */
static bool lend_secret(struct iam *iam, struct api_call *call, const struct iam_principal *who,
			struct bytes *ret_secret)
{
	json_t *key = NULL;
	const char *secret;
	err_t err;

	if (who->session)
		key = json_incref(who->session);
	else if (store_get(iam_of(call)->txn, IAM_KEY, call->caller->access_key, &key, NULL))
		return false;
	if (!who->session && strcmp(iam_text(key, "Status"), "Active") != 0) {
		json_decref(key);
		return false;
	}
	err = iam_open_secret(iam, key, &iam->lent, &secret);
	json_decref(key);
	if (err) {
		log_error("iam", "the secret of %s cannot be read: %s", call->caller->access_key,
			  err_words(err));
		return false;
	}
	*ret_secret = bytes_of(secret);
	return true;
}

static bool find(struct iam *iam, struct api_call *call, struct bytes *ret_secret,
		 struct api_caller *caller)
{
	struct iam_principal who;

	if (iam_principal(call, &who) || (!who.session && !who.body))
		return false;
	if (!lend_secret(iam, call, &who, ret_secret))
		return false;
	return who.session ? lend_session(iam, &who, caller) : lend_user(iam, who.body, caller);
}

bool iam_find_key(struct iam *iam, struct bytes access_key, struct bytes *ret_secret,
		  struct api_caller *ret_caller)
{
	static const struct api_operation lookup = { .name = "FindKey" };
	struct api_caller caller = { .account = iam->options.account,
				     .region = iam->options.region };
	struct arena arena;
	struct api_call call = { .operation = &lookup, .caller = &caller, .arena = &arena };
	size_t size = iam->lent.max_bytes;
	bool found = false;

	arena_fini(&iam->lent);
	arena_init(&iam->lent, size);
	if (access_key.len < 16 || access_key.len > 128 ||
	    !lend(iam, arena_string(&iam->lent, access_key), &caller.access_key))
		return false;
	arena_init(&arena, size);
	if (iam_begin(iam, &call) == ERR_OK) {
		found = find(iam, &call, ret_secret, &caller);
		iam_end(&call, ERR_OK);
	}
	arena_fini(&arena);
	if (found)
		*ret_caller = caller;
	return found;
}

/* ---- May it? ---- */

static bool needs_no_permission(const char *permission)
{
	return strcmp(permission, "sts:GetCallerIdentity") == 0 ||
	       strcmp(permission, "sts:GetSessionToken") == 0;
}

/* EC2 has words of its own for it. */
static err_t deny(struct api_call *call, const char *permission, const char *resource,
		  enum policy_effect effect)
{
	const char *arn = call->caller->arn ? call->caller->arn : "anonymous";
	bool ec2 = strcmp(call->service->name, "ec2") == 0;
	bool bounded = iam_of(call)->bounded && effect != POLICY_DENIES;
	const char *why = effect == POLICY_DENIES
				  ? "with an explicit deny in an identity-based policy"
			  : bounded ? "because no permissions boundary allows the"
				    : "because no identity-based policy allows the";
	return api_fault(call, ec2 ? "UnauthorizedOperation" : "AccessDenied",
			 "%sUser: %s is not authorized to perform: %s on resource: %s %s%s%s%s",
			 ec2 ? "You are not authorized to perform this operation. " : "", arn,
			 permission, resource, why, effect == POLICY_DENIES ? "" : " ",
			 effect == POLICY_DENIES ? "" : permission,
			 effect == POLICY_DENIES ? "" : " action");
}

/* Who hands a role to a service must be allowed to: else anyone could have what the role has. */
static err_t judge_role(struct api_call *call, const struct iam_principal *who,
			const struct iam_context *context, const char *role, const char *service)
{
	struct policy_request request = { .action = "iam:PassRole", .resource = role };
	struct iam_context *with = arena_new(call->arena, struct iam_context);
	enum policy_effect effect;

	if (!with)
		return ERR_NOMEM;
	*with = *context;
	TRY(iam_context_add(call, with, "iam:PassedToService", service));
	request.keys = with->keys;
	request.key_count = with->count;
	TRY(iam_evaluate(call, who, &request, &effect));
	return effect == POLICY_ALLOWS ? ERR_OK
				       : deny(call, request.action, request.resource, effect);
}

static err_t judge_passing(struct api_call *call, const struct iam_principal *who,
			   const struct iam_context *context, const json_t *definition)
{
	static const char *const members[] = { "taskRoleArn", "executionRoleArn" };
	const char *role, *service;
	size_t at = 0;

	while (iam_passed_role(call, &at, &role, &service))
		TRY(judge_role(call, who, context, role, service));
	for (size_t i = 0; i < COUNT(members); i++) {
		role = iam_text(definition, members[i]);
		if (role)
			TRY(judge_role(call, who, context, role, "ecs-tasks.amazonaws.com"));
	}
	return ERR_OK;
}

/*
 * What another service says of something when the house itself asks; NULL: it is not there. Before
 * our own transaction begins.
 */
static err_t ask_as_house(struct iam *iam, struct api_call *call, const char *service,
			  const char *operation, const char *member, const char *value,
			  json_t **ret_output)
{
	const struct api_caller house = { .account = iam->options.account,
					  .region = iam->options.region,
					  .is_root = true };
	json_t *input = json_pack("{s:s}", member, value), *output = NULL;
	struct api_fault fault;
	err_t err = input ? api_call(call->api, &house, service, operation, input, &output, &fault)
			  : ERR_NOMEM;

	json_decref(input);
	if (err) {
		json_decref(output);
		output = NULL;
	}
	*ret_output = output;
	return err == ERR_NOMEM ? err : ERR_OK;
}

/* What a task will have it has of who runs it: the roles of its definition are passed again. */
static err_t definition_to_run(struct iam *iam, struct api_call *call, json_t **ret_definition)
{
	const char *name = iam_text(call->input, "taskDefinition");
	json_t *output;

	*ret_definition = NULL;
	if (!name || (strcmp(call->operation->permission, "ecs:RunTask") != 0 &&
		      strcmp(call->operation->permission, "ecs:StartTask") != 0))
		return ERR_OK;
	TRY(ask_as_house(iam, call, "ecs", "DescribeTaskDefinition", "taskDefinition", name,
			 &output));
	*ret_definition = json_incref(json_object_get(output, "taskDefinition"));
	json_decref(output);
	return ERR_OK;
}

static enum policy_effect stronger(enum policy_effect a, enum policy_effect b)
{
	return a > b ? a : b;
}

/* ---- Policies of buckets ---- */

/* The bucket's policy; NULL: it has none. */
static err_t bucket_policy(struct iam *iam, struct api_call *call, json_t **ret_policy)
{
	const char *bucket = iam_text(call->input, "Bucket"), *policy;
	json_t *output;

	*ret_policy = NULL;
	if (!bucket || strcmp(call->service->name, "s3") != 0)
		return ERR_OK;
	TRY(ask_as_house(iam, call, "s3", "GetBucketPolicy", "Bucket", bucket, &output));
	policy = iam_text(output, "Policy");
	if (policy)
		*ret_policy = json_loads(policy, 0, NULL);
	json_decref(output);
	return ERR_OK;
}

/* "127311923021" of "arn:aws:iam::127311923021:root" */
static const char *account_of(struct api_call *call, const char *arn)
{
	struct bytes rest = bytes_of(arn), part = BYTES_NONE;

	for (int i = 0; i < 5 && bytes_cut(&rest, ':', &part); i++)
		;
	return arena_string(call->arena, part);
}

/*
 * What the bucket says of the caller. Its account as a whole, when named, is left to the account's
 * own policies: that allows nothing by itself, and denies everybody in it.
 */
static enum policy_effect ask_bucket(struct api_call *call, const struct iam_principal *who,
				     const json_t *policy, struct policy_request request)
{
	const char *arn = call->caller->arn ? call->caller->arn : "";
	const char *service = call->caller->service ? call->caller->service : arn;
	const char *body_arn = who->body ? iam_text(who->body, "Arn") : arn;
	const char *account = account_of(call, arn);
	const char *itself[] = { arn, body_arn, service, call->caller->service ? account : arn };
	const char *const of_account[] = {
		account, arena_printf(call->arena, "arn:aws:iam::%s:root", account ? account : "")
	};
	enum policy_effect effect;

	if (!policy)
		return POLICY_SILENT;
	if (!account || !of_account[1])
		return POLICY_DENIES;
	request.principals = itself;
	request.principal_count = COUNT(itself);
	effect = policy_evaluate(policy, &request);
	request.principals = of_account;
	request.principal_count = COUNT(of_account);
	return policy_evaluate(policy, &request) == POLICY_DENIES ? POLICY_DENIES : effect;
}

/* Who copies an object reads the source. */
static err_t judge_copying(struct api_call *call, const struct iam_principal *who,
			   struct policy_request request)
{
	const char *source = iam_text(call->input, "CopySource");
	struct text plain = TEXT_INIT(4096);
	struct bytes path, rest = bytes_of(source);
	enum policy_effect effect;

	if (!source || strcmp(call->service->name, "s3") != 0)
		return ERR_OK;
	bytes_cut(&rest, '?', &path);
	decode_percent(&plain, path, false);
	path = text_bytes(&plain);
	if (bytes_starts(path, BYTES("/")))
		path = bytes_from(path, 1);
	request.action = "s3:GetObject";
	request.resource = arena_printf(call->arena, "arn:aws:s3:::%.*s", BYTES_ARG(path));
	text_fini(&plain);
	if (!request.resource)
		return ERR_NOMEM;
	TRY(iam_evaluate(call, who, &request, &effect));
	return effect == POLICY_ALLOWS ? ERR_OK
				       : deny(call, request.action, request.resource, effect);
}

/* The context with the tags of the resource at hand. */
static err_t with_tags(struct api_call *call, const struct iam_context *context, const char *arn,
		       const json_t *all, const struct iam_context **ret_context)
{
	struct iam_context *with;
	json_t *tags = json_object_get(all, arn);

	*ret_context = context;
	if (!tags)
		TRY(iam_own_tags(call, arn, &tags));
	if (!tags)
		return ERR_OK;
	with = arena_new(call->arena, struct iam_context);
	if (!with)
		return ERR_NOMEM;
	*with = *context;
	*ret_context = with;
	return iam_context_add_tags(call, with, arn, tags);
}

/* What was asked for before the transaction, and what turns out to have been missing then. */
struct facts {
	json_t *policy, *definition; /* of a bucket, of a task */
	json_t *tags;		     /* {arn: tags}; NULL: not asked for */
	bool asks_tags;
	json_t *arns; /* then: of what */
};

static err_t judge(struct api_call *call, struct facts *facts)
{
	/* Who may become a role, the role's own policy says first: iam_assume_role. */
	bool trust_decides = strcmp(call->operation->permission, "sts:AssumeRole") == 0;
	struct policy_request request = { .action = call->operation->permission,
					  .asks_tags = &facts->asks_tags };
	const struct iam_context *with;
	struct iam_principal who;
	struct iam_context *context = arena_new(call->arena, struct iam_context);
	enum policy_effect effect;
	json_t *arn;
	size_t i;

	if (!context)
		return ERR_NOMEM;
	TRY(iam_principal(call, &who));
	TRY(iam_context(call, &who, context));
	TRY(iam_resources(call, &facts->arns));
	json_incref(facts->arns);
	json_array_foreach (facts->arns, i, arn) {
		request.resource = json_string_value(arn);
		TRY(with_tags(call, context, request.resource, facts->tags, &with));
		request.keys = with->keys;
		request.key_count = with->count;
		TRY(iam_evaluate(call, &who, &request, &effect));
		effect = stronger(effect, ask_bucket(call, &who, facts->policy, request));
		if (effect != POLICY_ALLOWS && !(trust_decides && effect == POLICY_SILENT))
			return deny(call, request.action, request.resource, effect);
	}
	TRY(judge_copying(call, &who, request));
	return judge_passing(call, &who, context, facts->definition);
}

static err_t judge_once(struct iam *iam, struct api_call *call, struct facts *facts)
{
	json_decref(facts->arns);
	facts->arns = NULL;
	facts->asks_tags = false;
	TRY(iam_begin(iam, call));
	return iam_end(call, judge(call, facts));
}

/* Tags are asked for only where a policy wants to know them, and then it is judged anew. */
static err_t judge_fully(struct iam *iam, struct api_call *call, struct facts *facts)
{
	err_t err = judge_once(iam, call, facts);

	if (!facts->asks_tags || err == ERR_NOMEM)
		return err;
	call->fault = (struct api_fault){ .code = "" };
	TRY(iam_tags_of_resources(iam, call, facts->arns, &facts->tags));
	return judge_once(iam, call, facts);
}

err_t iam_authorize(void *owner, struct api_call *call)
{
	struct facts facts = { .policy = NULL };
	err_t err;

	if (needs_no_permission(call->operation->permission))
		return ERR_OK;
	err = bucket_policy(owner, call, &facts.policy);
	if (!err)
		err = definition_to_run(owner, call, &facts.definition);
	if (!err)
		err = judge_fully(owner, call, &facts);
	json_decref(facts.policy);
	json_decref(facts.definition);
	json_decref(facts.tags);
	json_decref(facts.arns);
	return err;
}
