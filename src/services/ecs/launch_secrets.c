/*
 * launch_secrets: values of parameters and secrets into a container's environment.
 */
#include "services/ecs/launch_internal.h"

#include <stdio.h>
#include <stdlib.h>

/* As text: numbers and truth values too, which ECS writes as they are. */
static json_t *text_of_value(json_t *value)
{
	char *dumped;
	json_t *text;

	if (!json_is_number(value) && !json_is_boolean(value))
		return json_is_string(value) ? json_incref(value) : NULL;
	dumped = json_dumps(value, JSON_ENCODE_ANY);
	text = dumped ? json_string(dumped) : NULL;
	free(dumped);
	return text;
}

/* ":json-key:stage:version" after a secret's ARN, each may be empty. */
static err_t json_key_of(struct launch *launch, const char *text, const char *key, json_t **ret)
{
	json_t *object = json_loads(text, 0, NULL);

	*ret = text_of_value(json_object_get(object, key));
	json_decref(object);
	if (*ret)
		return ERR_OK;
	text_printf(launch->why, "retrieved secret did not contain json key %s", key);
	return ERR_INVALID;
}

static err_t from_secrets_manager(struct launch *launch, const char *from, json_t **ret_value)
{
	struct bytes rest = bytes_of(from), part;
	struct text arn = TEXT_INIT(2048);
	const char *extra[3] = { "", "", "" };
	json_t *input, *output = NULL;
	struct api_fault fault;
	err_t err;

	for (unsigned i = 0; bytes_cut(&rest, ':', &part); i++) {
		if (i < 7)
			text_printf(&arn, "%s%.*s", i ? ":" : "", BYTES_ARG(part));
		else if (i < 10)
			extra[i - 7] = arena_string(&launch->arena, part);
	}
	input = json_pack("{s:s}", "SecretId", text_str(&arn));
	text_fini(&arn);
	if (extra[1][0])
		TRY(put_text(input, "VersionStage", extra[1]));
	if (extra[2][0])
		TRY(put_text(input, "VersionId", extra[2]));
	err = ecs_house_ask(launch->run->ecs, "secretsmanager", "GetSecretValue", input, &output,
			    &fault);
	if (err) {
		text_printf(launch->why, "unable to retrieve secret from asm: %s: %s", fault.code,
			    fault.message);
		return ERR_INVALID;
	}
	if (extra[0][0])
		err = json_key_of(launch, text_of(output, "SecretString"), extra[0], ret_value);
	else
		*ret_value = json_string(text_of(output, "SecretString"));
	json_decref(output);
	return err;
}

static err_t from_parameters(struct launch *launch, const char *from, json_t **ret_value)
{
	const char *mark = strstr(from, ":parameter/");
	/* The ARN of "/a/b" ends in "parameter/a/b", and that of "a" in "parameter/a". */
	const char *name = mark ? mark + strlen(":parameter/") : from;
	json_t *output = NULL;
	struct api_fault fault;
	char path[1100];
	err_t err;

	snprintf(path, sizeof path, "%s%.1024s", mark && strchr(name, '/') ? "/" : "", name);
	err = ecs_house_ask(launch->run->ecs, "ssm", "GetParameter",
			    json_pack("{s:s, s:b}", "Name", path, "WithDecryption", 1), &output,
			    &fault);
	if (err) {
		text_printf(launch->why, "unable to retrieve secrets from ssm: %s: %s", fault.code,
			    fault.message[0] ? fault.message : path);
		return ERR_INVALID;
	}
	*ret_value = json_incref(json_object_get(json_object_get(output, "Parameter"), "Value"));
	json_decref(output);
	return *ret_value ? ERR_OK : ERR_NOMEM;
}

err_t launch_secrets(struct launch *launch)
{
	json_t *secret, *value = NULL;
	size_t i;
	err_t err;

	json_array_foreach (json_object_get(launch->defined, "secrets"), i, secret) {
		const char *from = text_of(secret, "valueFrom");

		err = strstr(from, ":secretsmanager:") ? from_secrets_manager(launch, from, &value)
						       : from_parameters(launch, from, &value);
		if (err == ERR_INVALID) {
			struct text words = TEXT_INIT(2048);

			text_add(&words, text_bytes(launch->why));
			text_clear(launch->why);
			text_printf(launch->why,
				    "ResourceInitializationError: unable to pull secrets or "
				    "registry auth: execution resource retrieval failed: %s",
				    text_str(&words));
			text_fini(&words);
		}
		if (err)
			return err;
		TRY(put(launch->environment, text_of(secret, "name"), value));
	}
	return ERR_OK;
}
