/*
 * sessions: temporary keys: a role that is assumed, a user's or the root's own session.
 */
#include <stdio.h>

#include "base/encode.h"
#include "crypto/random.h"
#include "services/iam/iam_internal.h"

enum {
	SESSION_SECONDS = 3600,
	SESSION_TOKEN_SECONDS = 12 * 3600,
	CHAINED_SECONDS_MAX = 3600,
	TOKEN_RANDOM_BYTES = 96,
	/* Keys that have ended are known for a day, so that one is told why. */
	KEEP_ENDED_MS = 24 * 3600 * 1000,
};

/* ---- Making one ---- */

static err_t sweep(struct api_call *call, uint64_t now_ms)
{
	json_t *all, *session;
	size_t i;

	TRY(iam_all(call, IAM_SESSION, NULL, &all));
	json_array_foreach (all, i, session) {
		json_int_t expires = json_integer_value(json_object_get(session, "Expires"));

		if ((uint64_t)expires + KEEP_ENDED_MS < now_ms)
			TRY(iam_remove(call, IAM_SESSION, iam_text(session, "AccessKeyId")));
	}
	return ERR_OK;
}

/* Letters that no URL has to escape. */
static char *make_token(struct arena *arena)
{
	uint8_t random[TOKEN_RANDOM_BYTES];
	struct text text = TEXT_INIT(256);
	char *token;

	random_bytes(random, sizeof random);
	encode_base64url(&text, bytes_make(random, sizeof random));
	token = text_err(&text) ? NULL : arena_string(arena, text_bytes(&text));
	text_fini(&text);
	return token;
}

/* `session` says who; it gets the keys, and the answer its Credentials. */
static err_t open_session(struct api_call *call, json_t *session, int64_t seconds)
{
	uint64_t now_ms = iam_now_ms(iam_of(call)->iam);
	json_int_t expires = (json_int_t)(now_ms / 1000 * 1000) + seconds * 1000;
	char id[IAM_ID_BYTES + 1], *secret = iam_make_secret(call->arena);
	char *token = make_token(call->arena);
	json_t *keys;

	if (!secret || !token)
		return ERR_NOMEM;
	TRY(sweep(call, now_ms));
	iam_make_id("ASIA", id);
	keys = iam_hold(call, json_pack("{s:s, s:s, s:I}", "AccessKeyId", id, "Token", token,
					"Expires", expires));
	if (!keys || json_object_update(session, keys))
		return ERR_NOMEM;
	TRY(iam_seal_secret(iam_of(call)->iam, secret, session));
	TRY(iam_insert(call, IAM_SESSION, id, "", session));
	return json_object_set_new(call->output, "Credentials",
				   json_pack("{s:s, s:s, s:s, s:I}", "AccessKeyId", id,
					     "SecretAccessKey", secret, "SessionToken", token,
					     "Expiration", expires))
		       ? ERR_NOMEM
		       : ERR_OK;
}

/* ---- AssumeRole ---- */

static err_t refuse(struct api_call *call)
{
	return api_fault(call, "AccessDenied",
			 "User: %s is not authorized to perform: sts:AssumeRole on resource: %s",
			 call->caller->arn ? call->caller->arn : "root",
			 iam_text(call->input, "RoleArn"));
}

static err_t find_role(struct api_call *call, json_t **ret_role)
{
	const char *arn = iam_text(call->input, "RoleArn"), *slash = strrchr(arn, '/');
	const char *id = iam_id_of_name(call->arena, slash ? slash + 1 : arn);
	json_t *role = NULL;
	err_t err = id ? store_get(iam_of(call)->txn, iam_role.kind, id, &role, NULL) : ERR_NOMEM;

	if (err && err != ERR_NOT_FOUND)
		return err;
	if (!err && !iam_hold(call, role))
		return ERR_NOMEM;
	if (err || strcmp(iam_text(role, "Arn"), arn) != 0)
		return refuse(call);
	*ret_role = role;
	return ERR_OK;
}

/* What the role's trust says of the caller itself, and of the account it belongs to. */
static err_t ask_trust(struct api_call *call, const struct iam_principal *who, const json_t *role,
		       struct policy_request request, enum policy_effect *ret_itself,
		       enum policy_effect *ret_account)
{
	const char *account = iam_of(call)->iam->options.account;
	const char *root = arena_printf(call->arena, "arn:aws:iam::%s:root", account);
	const char *arn = call->caller->arn ? call->caller->arn : root;
	const char *body_arn = who->body ? iam_text(who->body, "Arn") : arn;
	const char *const itself[] = { arn, body_arn }, *const of_account[] = { account, root };
	json_t *trust = json_loads(iam_text(role, "AssumeRolePolicyDocument"), 0, NULL);

	if (!root || !trust) {
		json_decref(trust);
		return root ? ERR_STORE : ERR_NOMEM;
	}
	request.principal_count = 2;
	request.principals = itself;
	*ret_itself = policy_evaluate(trust, &request);
	request.principals = of_account;
	*ret_account = policy_evaluate(trust, &request);
	json_decref(trust);
	return ERR_OK;
}

static err_t check_trust(struct api_call *call, const struct iam_principal *who, const json_t *role)
{
	struct iam_context *context = arena_new(call->arena, struct iam_context);
	enum policy_effect itself, account, own = POLICY_ALLOWS;
	struct policy_request request = {
		.action = "sts:AssumeRole",
		.resource = iam_text(role, "Arn"),
	};

	if (!context)
		return ERR_NOMEM;
	TRY(iam_context(call, who, context));
	request.keys = context->keys;
	request.key_count = context->count;
	TRY(ask_trust(call, who, role, request, &itself, &account));
	if (!call->caller->is_root)
		TRY(iam_evaluate(call, who, &request, &own));
	if (itself == POLICY_DENIES || account == POLICY_DENIES || own == POLICY_DENIES)
		return refuse(call);
	/* Trust in the account leaves the choice to the caller's own policies. */
	if (itself == POLICY_ALLOWS || (account == POLICY_ALLOWS && own == POLICY_ALLOWS))
		return ERR_OK;
	return refuse(call);
}

static err_t check_duration(struct api_call *call, const struct iam_principal *who,
			    const json_t *role, int64_t *ret_seconds)
{
	json_t *given = json_object_get(call->input, "DurationSeconds");
	int64_t max = json_integer_value(json_object_get(role, "MaxSessionDuration"));

	*ret_seconds = given ? json_integer_value(given) : SESSION_SECONDS;
	if (who->session && who->entity == &iam_role && *ret_seconds > CHAINED_SECONDS_MAX)
		return api_fault(call, "ValidationError",
				 "The requested DurationSeconds exceeds the 1 hour session limit "
				 "for roles assumed by role chaining");
	if (*ret_seconds > max)
		return api_fault(call, "ValidationError",
				 "The requested DurationSeconds exceeds the MaxSessionDuration set "
				 "for this role.");
	return ERR_OK;
}

/* The session's own policies: checked now, kept with it. */
static err_t add_policies(struct api_call *call, json_t *session)
{
	const char *policy = iam_text(call->input, "Policy");
	json_t *arns = json_array(), *given, *document;
	size_t i;

	if (json_object_set_new(session, "PolicyArns", arns))
		return ERR_NOMEM;
	if (policy) {
		TRY(iam_check(call, policy, POLICY_OF_IDENTITY, 2048, "SessionPolicySize"));
		if (json_object_set_new(session, "Policy", json_string(policy)))
			return ERR_NOMEM;
	}
	json_array_foreach (json_object_get(call->input, "PolicyArns"), i, given) {
		const char *arn = iam_text(given, "arn");
		err_t err = iam_default_document(iam_of(call)->txn, arn, &document);

		if (err == ERR_NOT_FOUND)
			return api_fault(call, "ValidationError", "Policy %s was not found.", arn);
		TRY(err);
		json_decref(document);
		if (json_array_append_new(arns, json_string(arn)))
			return ERR_NOMEM;
	}
	return ERR_OK;
}

static err_t assume(struct api_call *call)
{
	const char *name = iam_text(call->input, "RoleSessionName"), *arn, *user_id;
	struct iam_principal who;
	json_t *role, *session;
	int64_t seconds;

	if (json_array_size(json_object_get(call->input, "Tags")))
		return api_fault(call, "ValidationError",
				 "Weir does not know session tags, and rather refuses than ignores "
				 "them");
	TRY(find_role(call, &role));
	TRY(iam_principal(call, &who));
	TRY(check_trust(call, &who, role));
	TRY(check_duration(call, &who, role, &seconds));
	arn = arena_printf(call->arena, "arn:aws:sts::%s:assumed-role/%s/%s",
			   iam_of(call)->iam->options.account, iam_text(role, "RoleName"), name);
	user_id = arena_printf(call->arena, "%s:%s", iam_text(role, "RoleId"), name);
	if (!arn || !user_id)
		return ERR_NOMEM;
	session = iam_hold(call, json_pack("{s:s, s:s, s:s}", "Arn", arn, "UserId", user_id,
					   "RoleName", iam_text(role, "RoleName")));
	if (!session ||
	    json_object_set_new(call->output, "AssumedRoleUser",
				json_pack("{s:s, s:s}", "AssumedRoleId", user_id, "Arn", arn)))
		return ERR_NOMEM;
	TRY(add_policies(call, session));
	return open_session(call, session, seconds);
}

err_t iam_assume_role(void *owner, struct api_call *call)
{
	TRY(iam_begin(owner, call));
	return iam_end(call, assume(call));
}

/* ---- GetSessionToken ---- */

static err_t own_session(struct api_call *call)
{
	const char *account = iam_of(call)->iam->options.account;
	json_t *given = json_object_get(call->input, "DurationSeconds"), *session;
	int64_t seconds = given ? json_integer_value(given) : SESSION_TOKEN_SECONDS;
	struct iam_principal who;
	const char *root;

	TRY(iam_principal(call, &who));
	if (who.session)
		return api_fault(call, "AccessDenied",
				 "Cannot call GetSessionToken with session credentials");
	if (who.entity) {
		session = json_pack("{s:O, s:O, s:O}", "Arn", json_object_get(who.body, "Arn"),
				    "UserId", json_object_get(who.body, "UserId"), "UserName",
				    json_object_get(who.body, "UserName"));
	} else {
		root = arena_printf(call->arena, "arn:aws:iam::%s:root", account);
		seconds = seconds < SESSION_SECONDS ? seconds : SESSION_SECONDS;
		session = json_pack("{s:s, s:s}", "Arn", root ? root : "", "UserId", account);
	}
	if (!iam_hold(call, session))
		return ERR_NOMEM;
	return open_session(call, session, seconds);
}

err_t iam_session_token(void *owner, struct api_call *call)
{
	TRY(iam_begin(owner, call));
	return iam_end(call, own_session(call));
}
