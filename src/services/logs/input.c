/*
 * input: what handlers ask of their input, and AWS's words where it is wrong.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/encode.h"
#include "services/logs/logs_internal.h"

const char *input_string(const struct api_call *call, const char *name)
{
	return json_string_value(json_object_get(call->input, name));
}

err_t input_missing(struct api_call *call, const char *name)
{
	return api_fault(call, "InvalidParameterException",
			 "1 validation error detected: Value null at '%s' failed to satisfy "
			 "constraint: Member must not be null",
			 name);
}

err_t input_wrong(struct api_call *call, const char *name, const char *value,
		  const char *constraint)
{
	return api_fault(call, "InvalidParameterException",
			 "1 validation error detected: Value '%.200s' at '%s' failed to satisfy "
			 "constraint: Member must %s",
			 value, name, constraint);
}

err_t input_number(struct api_call *call, const char *name, int64_t min, int64_t max,
		   int64_t fallback, int64_t *ret_number)
{
	const json_t *value = json_object_get(call->input, name);
	int64_t number = value ? json_integer_value(value) : fallback;
	char text[32], constraint[64];

	if (value && (number < min || number > max)) {
		snprintf(text, sizeof text, "%lld", (long long)number);
		snprintf(constraint, sizeof constraint, "have value %s than or equal to %lld",
			 number < min ? "greater" : "less", (long long)(number < min ? min : max));
		return input_wrong(call, name, text, constraint);
	}
	*ret_number = number;
	return ERR_OK;
}

enum { NAME_MAX_CHARACTERS = 512 };

err_t input_group_name(struct api_call *call, const char *name, const char **ret_value)
{
	const char *value = input_string(call, name);

	if (!value)
		return input_missing(call, name);
	if (!value[0])
		return input_wrong(call, name, value, "have length greater than or equal to 1");
	if (strlen(value) > NAME_MAX_CHARACTERS)
		return input_wrong(call, name, value, "have length less than or equal to 512");
	for (const char *c = value; *c; c++)
		if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
		      (*c >= '0' && *c <= '9') || strchr(".-_/#", *c)))
			return input_wrong(
				call, name, value,
				"satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+");
	*ret_value = value;
	return ERR_OK;
}

err_t input_stream_name(struct api_call *call, const char *name, const char **ret_value)
{
	const char *value = input_string(call, name);

	if (!value)
		return input_missing(call, name);
	if (!value[0])
		return input_wrong(call, name, value, "have length greater than or equal to 1");
	if (strlen(value) > NAME_MAX_CHARACTERS)
		return input_wrong(call, name, value, "have length less than or equal to 512");
	if (strpbrk(value, ":*"))
		return input_wrong(call, name, value, "satisfy regular expression pattern: [^:*]*");
	*ret_value = value;
	return ERR_OK;
}

err_t no_group(struct api_call *call)
{
	return api_fault(call, "ResourceNotFoundException",
			 "The specified log group does not exist.");
}

/* The name inside "arn:aws:logs:REGION:ACCOUNT:log-group:NAME" with or without ":*". */
static const char *name_of_identifier(struct api_call *call, const char *identifier)
{
	struct bytes rest = bytes_of(identifier), part;

	if (!bytes_starts(rest, BYTES("arn:")))
		return identifier;
	for (unsigned i = 0; i < 6; i++)
		if (!bytes_cut(&rest, ':', &part))
			return "";
	if (!bytes_eq(part, BYTES("log-group")) || !bytes_cut(&rest, ':', &part))
		return "";
	return arena_string(call->arena, part);
}

static const char *const identifier_names[] = { "logGroupName", "logGroupIdentifier",
						"resourceArn" };

err_t input_group(struct api_call *call, struct log_group **ret_group)
{
	const char *name = NULL;
	err_t err;

	for (size_t i = 0; i < COUNT(identifier_names) && !name; i++)
		name = input_string(call, identifier_names[i]);
	if (!name)
		return input_missing(call, "logGroupName");
	if (input_string(call, "logGroupName"))
		TRY(input_group_name(call, "logGroupName", &name));
	name = name_of_identifier(call, name);
	if (!name)
		return ERR_NOMEM;
	err = cache_group(logs_of(call), txn_of(call), name, ret_group);
	return err == ERR_NOT_FOUND ? no_group(call) : err;
}

err_t input_pattern(struct api_call *call, const char *name, struct pattern **ret_pattern)
{
	const char *text = input_string(call, name);
	char why[PATTERN_WHY_BYTES];
	err_t err = pattern_parse(bytes_of(text ? text : ""), ret_pattern, why);

	if (err != ERR_SYNTAX)
		return err;
	return api_fault(call, "InvalidParameterException", "Invalid filter pattern: %s", why);
}

/* ---- Tokens ---- */

enum { TOKEN_BYTES_MAX = 4096 };

err_t token_write(struct api_call *call, const char *kind, const char *words,
		  const char **ret_token)
{
	struct text plain = TEXT_INIT(TOKEN_BYTES_MAX), token = TEXT_INIT(2 * TOKEN_BYTES_MAX);
	err_t err;

	text_printf(&plain, "%s/%s", kind, words);
	encode_base64url(&token, text_bytes(&plain));
	err = text_err(&plain) ? text_err(&plain) : text_err(&token);
	*ret_token = err ? NULL : arena_string(call->arena, text_bytes(&token));
	text_fini(&plain);
	text_fini(&token);
	if (err)
		return err;
	return *ret_token ? ERR_OK : ERR_NOMEM;
}

err_t token_read(struct api_call *call, const char *kind, const char *token, const char **ret_words)
{
	struct text plain = TEXT_INIT(TOKEN_BYTES_MAX);
	err_t err = decode_base64url(&plain, bytes_of(token));
	size_t len = strlen(kind);

	*ret_words = NULL;
	if (!err && plain.len > len && bytes_starts(text_bytes(&plain), bytes_of(kind)) &&
	    plain.at[len] == '/')
		*ret_words = arena_string(call->arena, bytes_from(text_bytes(&plain), len + 1));
	text_fini(&plain);
	if (*ret_words)
		return ERR_OK;
	return api_fault(call, "InvalidParameterException", "The specified nextToken is invalid.");
}
