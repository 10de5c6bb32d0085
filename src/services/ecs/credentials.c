/*
 * credentials: temporary keys of a task's role, at $AWS_CONTAINER_CREDENTIALS_FULL_URI. Clients of
 * AWS ask there by themselves, with the token of $AWS_CONTAINER_AUTHORIZATION_TOKEN, and again
 * before the keys end.
 */
#include "services/ecs/ecs_internal.h"

#include "base/when.h"

enum {
	KEY_SECONDS = 3600, /* the longest that every role allows */
	FRESH_MS = 30 * 60 *
		   1000, /* clients ask again 15 minutes before the end, and get new ones */
};

/* As ECS itself: the role's trust policy has to name ecs-tasks.amazonaws.com. */
static err_t assume(const struct ecs *ecs, const char *role, const char *session, json_t **ret_keys)
{
	const struct api_caller service = {
		.account = ecs->options.account,
		.region = ecs->options.region,
		.arn = "ecs-tasks.amazonaws.com",
	};
	json_t *input = json_pack("{s:s, s:s, s:i}", "RoleArn", role, "RoleSessionName", session,
				  "DurationSeconds", KEY_SECONDS);
	json_t *output = NULL;
	struct api_fault fault = { .code = "" };
	err_t err;

	if (!input)
		return ERR_NOMEM;
	err = api_call(ecs->options.api, &service, "sts", "AssumeRole", input, &output, &fault);
	json_decref(input);
	if (err)
		return err == ERR_NOMEM ? err : ERR_DENIED;
	*ret_keys = json_incref(json_object_get(output, "Credentials"));
	json_decref(output);
	return *ret_keys ? ERR_OK : ERR_SYSTEM;
}

const char *credentials_role(const json_t *task, const json_t *definition)
{
	const char *role = text_of(json_object_get(task, "overrides"), "taskRoleArn");

	if (!role[0])
		role = text_of(definition, "taskRoleArn");
	return role[0] ? role : NULL;
}

static err_t renew(struct run *run, const char *role)
{
	uint64_t now = ecs_now_ms(run->ecs);
	json_t *keys;

	if (run->keys && now < run->keys_ms + FRESH_MS)
		return ERR_OK;
	TRY(assume(run->ecs, role, run->id, &keys));
	json_decref(run->keys);
	run->keys = keys;
	run->keys_ms = now;
	return ERR_OK;
}

err_t credentials_begin(struct run *run, const json_t *task, const json_t *definition,
			struct text *why)
{
	const char *role = credentials_role(task, definition);
	err_t err;

	if (!role)
		return ERR_OK;
	err = renew(run, role);
	if (err != ERR_DENIED)
		return err;
	text_printf(why,
		    "ECS was unable to assume the role '%.200s' that was provided for this task. "
		    "Please verify that the role being passed has the proper trust relationship "
		    "and permissions and that your IAM user has permissions to pass this role.",
		    role);
	return ERR_INVALID;
}

static json_t *view_of(const struct run *run, const char *role)
{
	char expiry[WHEN_ISO_BYTES + 1];

	when_iso_ms(run->keys_ms + KEY_SECONDS * 1000ull, expiry);
	/* Without fractions: some clients read no others. */
	memcpy(expiry + strlen("2026-10-02T10:00:00"), "Z", 2);
	return json_pack("{s:s, s:s, s:s, s:s, s:s}", "RoleArn", role, "AccessKeyId",
			 text_of(run->keys, "AccessKeyId"), "SecretAccessKey",
			 text_of(run->keys, "SecretAccessKey"), "Token",
			 text_of(run->keys, "SessionToken"), "Expiration", expiry);
}

err_t ecs_credentials(struct ecs *ecs, struct bytes id, struct bytes token, json_t **ret_view)
{
	char key[ECS_ID_DIGITS + 1];
	struct run *run = NULL;
	json_t *task = NULL;
	const char *role;
	err_t err = ERR_DENIED;

	if (id.len == ECS_ID_DIGITS) {
		memcpy(key, id.at, ECS_ID_DIGITS);
		key[ECS_ID_DIGITS] = '\0';
		run = run_find(ecs, key);
	}
	if (!run || !run_definition(run) || record_read(ecs, KIND_TASK, run->id, &task))
		return ERR_NOT_FOUND;
	role = credentials_role(task, run->definition);
	if (role && text_of(task, "_keys_token")[0] &&
	    bytes_eq_secret(bytes_of(text_of(task, "_keys_token")), token))
		err = renew(run, role);
	if (!err) {
		*ret_view = view_of(run, role);
		err = *ret_view ? ERR_OK : ERR_NOMEM;
	}
	json_decref(task);
	return err;
}
