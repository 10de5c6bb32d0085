/*
 * secrets: the operations. A secret is found by name, by ARN, or by ARN without the six letters.
 */
#include "services/secretsmanager/secretsmanager_internal.h"

#include <stdio.h>

#include "base/encode.h"
#include "crypto/random.h"

enum {
	NAME_MAX_BYTES = 512,
	TAGS_MAX = 50,
	VALUE_MAX = 65536 - SEAL_OVERHEAD_BYTES,
	SEALED_MAX = 2 * 65536,
	VERSIONS_MAX = 20,
	PAGE_MAX = 100,
	RECOVERY_DAYS = 30,
	PASSWORD_MAX = 4096,
};
#define DAY_MS ((json_int_t)24 * 3600 * 1000)

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static err_t put(json_t *object, const char *key, json_t *value)
{
	return !value || json_object_set_new(object, key, value) ? ERR_NOMEM : ERR_OK;
}

static json_int_t now_ms(const struct api_call *call)
{
	return (json_int_t)(loop_unix_us(secrets_of(call)->options.loop) / 1000);
}

/* ---- Finding ---- */

static err_t get_named(struct api_call *call, const char *name, json_t **ret_body)
{
	return store_get(call->transaction, KIND_SECRET, name, ret_body, NULL);
}

/* "…:secret:NAME-abcdef"; NAME may end like that itself, so the whole is tried first. */
static err_t get_by_arn(struct api_call *call, const char *rest, const char *arn, json_t **ret_body)
{
	size_t len = strlen(rest);
	err_t err = get_named(call, rest, ret_body);

	if (err != ERR_NOT_FOUND || len < 8 || rest[len - 7] != '-')
		return err;
	rest = arena_string(call->arena, bytes_make(rest, len - 7));
	if (!rest)
		return ERR_NOMEM;
	TRY(get_named(call, rest, ret_body));
	if (strcmp(text_of(*ret_body, "ARN"), arn) == 0)
		return ERR_OK;
	json_decref(*ret_body);
	return ERR_NOT_FOUND;
}

/* The secret, to be decref'ed; also one that is deleted. */
static err_t find(struct api_call *call, json_t **ret_body)
{
	const char *id = text_of(call->input, "SecretId");
	const char *mark = strncmp(id, "arn:", 4) == 0 ? strstr(id, ":secret:") : NULL;
	err_t err;

	if (!id[0])
		return api_fault(call, "ValidationException", "SecretId must not be empty.");
	err = mark ? get_by_arn(call, mark + strlen(":secret:"), id, ret_body)
		   : get_named(call, id, ret_body);
	if (err == ERR_NOT_FOUND)
		return api_fault(call, "ResourceNotFoundException",
				 "Secrets Manager can't find the specified secret.");
	return err;
}

/* The same, and not one that is deleted. */
static err_t find_live(struct api_call *call, json_t **ret_body)
{
	TRY(find(call, ret_body));
	if (!json_object_get(*ret_body, "DeletedDate"))
		return ERR_OK;
	json_decref(*ret_body);
	return api_fault(call, "InvalidRequestException",
			 "You can't perform this operation on the secret because it was marked for "
			 "deletion.");
}

static err_t save(struct api_call *call, json_t *body)
{
	return store_update(call->transaction,
			    &(struct store_resource){ .kind = KIND_SECRET,
						      .id = text_of(body, "Name"),
						      .parent = "",
						      .body = body });
}

static err_t answer_name(struct api_call *call, const json_t *body, const char *version)
{
	TRY(put(call->output, "ARN", json_string(text_of(body, "ARN"))));
	TRY(put(call->output, "Name", json_string(text_of(body, "Name"))));
	return version ? put(call->output, "VersionId", json_string(version)) : ERR_OK;
}

/* ---- Versions ---- */

static bool has_stage(const json_t *version, const char *stage)
{
	json_t *item;
	size_t i;

	json_array_foreach (json_object_get(version, "stages"), i, item)
		if (strcmp(json_string_value(item), stage) == 0)
			return true;
	return false;
}

static void drop_stage(json_t *versions, const char *stage)
{
	json_t *version, *item;
	const char *id;
	size_t i;

	json_object_foreach (versions, id, version)
		json_array_foreach (json_object_get(version, "stages"), i, item)
			if (strcmp(json_string_value(item), stage) == 0) {
				json_array_remove(json_object_get(version, "stages"), i);
				break;
			}
}

static const char *version_with(const json_t *versions, const char *stage)
{
	json_t *version;
	const char *id;

	json_object_foreach ((json_t *)versions, id, version)
		if (has_stage(version, stage))
			return id;
	return NULL;
}

static err_t add_stage(json_t *versions, const char *id, const char *stage)
{
	json_t *stages = json_object_get(json_object_get(versions, id), "stages");

	drop_stage(versions, stage);
	return json_array_append_new(stages, json_string(stage)) ? ERR_NOMEM : ERR_OK;
}

static err_t seal_value(struct api_call *call, const char *name, const char *value,
			json_t **ret_sealed)
{
	struct text sealed = TEXT_INIT(SEALED_MAX), coded = TEXT_INIT(2 * SEALED_MAX);
	err_t err = seal(secrets_of(call)->options.seal_key, bytes_of(value), bytes_of(name),
			 &sealed);

	if (!err) {
		encode_base64(&coded, text_bytes(&sealed));
		err = text_err(&coded);
	}
	*ret_sealed = err ? NULL : json_string(text_str(&coded));
	text_fini(&sealed);
	text_fini(&coded);
	return err ? err : *ret_sealed ? ERR_OK : ERR_NOMEM;
}

/* The oldest that no stage names go first. */
static void forget_old(json_t *versions)
{
	const char *id, *oldest;
	json_t *version;

	while (json_object_size(versions) > VERSIONS_MAX) {
		json_int_t when = 0;

		oldest = NULL;
		json_object_foreach (versions, id, version) {
			json_int_t created = json_integer_value(
				json_object_get(version, "created"));

			if (!json_array_size(json_object_get(version, "stages")) &&
			    (!oldest || created < when)) {
				oldest = id;
				when = created;
			}
		}
		if (!oldest)
			return;
		json_object_del(versions, oldest);
	}
}

/* A new version from the input's SecretString or SecretBinary; it gets AWSCURRENT or `stages`. */
static err_t add_version(struct api_call *call, json_t *body, const json_t *stages,
			 const char **ret_id)
{
	const json_t *binary = json_object_get(call->input, "SecretBinary");
	const char *value = text_of(call->input, binary ? "SecretBinary" : "SecretString");
	const char *token = text_of(call->input, "ClientRequestToken"), *current;
	json_t *versions = json_object_get(body, "_versions"), *sealed = NULL, *stage;
	char fresh[37];
	size_t i;

	if (strlen(value) > VALUE_MAX)
		return api_fault(call, "ValidationException",
				 "The secret value has more than %d bytes.", (int)VALUE_MAX);
	random_uuid(fresh);
	*ret_id = arena_string(call->arena, bytes_of(token[0] ? token : fresh));
	if (!*ret_id)
		return ERR_NOMEM;
	TRY(seal_value(call, text_of(body, "Name"), value, &sealed));
	TRY(put(versions, *ret_id,
		json_pack("{s:I, s:[], s:o, s:b}", "created", now_ms(call), "stages", "sealed",
			  sealed, "binary", binary != NULL)));
	json_array_foreach ((json_t *)stages, i, stage)
		TRY(add_stage(versions, *ret_id, json_string_value(stage)));
	if (!stages) {
		current = version_with(versions, "AWSCURRENT");
		if (current)
			TRY(add_stage(versions, current, "AWSPREVIOUS"));
		TRY(add_stage(versions, *ret_id, "AWSCURRENT"));
	}
	forget_old(versions);
	return put(body, "LastChangedDate", json_integer(now_ms(call)));
}

static bool has_value(const struct api_call *call)
{
	return json_object_get(call->input, "SecretString") ||
	       json_object_get(call->input, "SecretBinary");
}

/* ---- Create, put, update ---- */

static err_t check_name(struct api_call *call, const char *name)
{
	bool good = name[0] && strlen(name) <= NAME_MAX_BYTES;

	for (const char *c = name; *c; c++)
		good = good && ((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
				(*c >= '0' && *c <= '9') || strchr("/_+=.@-", *c));
	if (good)
		return ERR_OK;
	return api_fault(
		call, "ValidationException",
		"Invalid name. Must be a valid name containing alphanumeric characters, or "
		"any of the following: -/_+=.@!");
}

static err_t check_tag_key(struct api_call *call, const char *key)
{
	if (api_tag_is_reserved(call, key))
		return api_fault(call, "InvalidParameterException",
				 "You can't modify system tags. Tag key: '%.200s'.", key);
	return ERR_OK;
}

static err_t check_tags(struct api_call *call, const json_t *tags)
{
	const json_t *tag;
	size_t i;

	if (api_tags_count(tags) > TAGS_MAX)
		return api_fault(call, "InvalidParameterException",
				 "A secret can have at most %d tags.", TAGS_MAX);
	json_array_foreach ((json_t *)tags, i, tag)
		TRY(check_tag_key(call, text_of(tag, "Key")));
	return ERR_OK;
}

static err_t make(struct api_call *call, const char *name, json_t *body, const char **ret_version)
{
	char letters[8];

	random_hex(letters, 6);
	*ret_version = NULL;
	TRY(check_tags(call, json_object_get(call->input, "Tags")));
	TRY(put(body, "Name", json_string(name)));
	TRY(put(body, "ARN",
		json_sprintf("arn:aws:secretsmanager:%s:%s:secret:%s-%s",
			     secrets_of(call)->options.region, secrets_of(call)->options.account,
			     name, letters)));
	TRY(put(body, "CreatedDate", json_integer(now_ms(call))));
	TRY(put(body, "_versions", json_object()));
	TRY(put(body, "Tags",
		json_object_get(call->input, "Tags")
			? json_deep_copy(json_object_get(call->input, "Tags"))
			: json_array()));
	if (json_object_get(call->input, "Description"))
		TRY(put(body, "Description", json_string(text_of(call->input, "Description"))));
	if (has_value(call))
		TRY(add_version(call, body, NULL, ret_version));
	return store_insert(call->transaction,
			    &(struct store_resource){
				    .kind = KIND_SECRET, .id = name, .parent = "", .body = body });
}

err_t secrets_create_secret(struct api_call *call)
{
	const char *name = text_of(call->input, "Name"), *version;
	json_t *body;
	err_t err;

	TRY(check_name(call, name));
	err = get_named(call, name, &body);
	if (!err) {
		bool deleted = json_object_get(body, "DeletedDate") != NULL;

		json_decref(body);
		if (deleted)
			return api_fault(call, "InvalidRequestException",
					 "You can't create this secret because a secret with this "
					 "name is already scheduled for deletion.");
		return api_fault(call, "ResourceExistsException",
				 "The operation failed because the secret %.500s already exists.",
				 name);
	}
	if (err != ERR_NOT_FOUND)
		return err;
	body = json_object();
	err = body ? make(call, name, body, &version) : ERR_NOMEM;
	if (!err)
		err = answer_name(call, body, version);
	json_decref(body);
	return err;
}

err_t secrets_put_secret_value(struct api_call *call)
{
	const json_t *stages = json_object_get(call->input, "VersionStages");
	const char *version;
	json_t *body;
	err_t err;

	if (!has_value(call))
		return api_fault(call, "InvalidRequestException",
				 "You must provide either SecretString or SecretBinary.");
	TRY(find_live(call, &body));
	err = add_version(call, body, stages, &version);
	if (!err)
		err = save(call, body);
	if (!err)
		err = answer_name(call, body, version);
	if (!err)
		err = put(call->output, "VersionStages",
			  stages ? json_deep_copy(stages) : json_pack("[s]", "AWSCURRENT"));
	json_decref(body);
	return err;
}

err_t secrets_update_secret(struct api_call *call)
{
	const char *version = NULL;
	json_t *body;
	err_t err = ERR_OK;

	TRY(find_live(call, &body));
	if (json_object_get(call->input, "Description"))
		err = put(body, "Description", json_string(text_of(call->input, "Description")));
	if (!err && has_value(call))
		err = add_version(call, body, NULL, &version);
	if (!err)
		err = save(call, body);
	if (!err)
		err = answer_name(call, body, version);
	json_decref(body);
	return err;
}

/* ---- Reading ---- */

static err_t open_value(struct api_call *call, const json_t *body, const json_t *version)
{
	struct text sealed = TEXT_INIT(SEALED_MAX), plain = TEXT_INIT(SEALED_MAX);
	bool binary = json_is_true(json_object_get(version, "binary"));
	err_t err = decode_base64(&sealed, bytes_of(text_of(version, "sealed")));

	if (!err)
		err = seal_open(secrets_of(call)->options.seal_key, text_bytes(&sealed),
				bytes_of(text_of(body, "Name")), &plain);
	if (!err) {
		err = put(call->output, binary ? "SecretBinary" : "SecretString",
			  json_stringn(plain.at ? plain.at : "", plain.len));
		if (plain.at)
			explicit_bzero(plain.at, plain.len);
	}
	text_fini(&sealed);
	text_fini(&plain);
	return err;
}

static err_t answer_value(struct api_call *call, const json_t *body)
{
	const char *id = text_of(call->input, "VersionId");
	const char *stage = text_of(call->input, "VersionStage");
	const json_t *versions = json_object_get(body, "_versions"), *version;

	if (!id[0])
		id = version_with(versions, stage[0] ? stage : "AWSCURRENT");
	version = id ? json_object_get(versions, id) : NULL;
	if (!version || (stage[0] && !has_stage(version, stage)))
		return api_fault(call, "ResourceNotFoundException",
				 "Secrets Manager can't find the specified secret value for "
				 "staging label: %.100s",
				 stage[0] ? stage : "AWSCURRENT");
	TRY(answer_name(call, body, id));
	TRY(put(call->output, "CreatedDate", json_incref(json_object_get(version, "created"))));
	TRY(put(call->output, "VersionStages", json_deep_copy(json_object_get(version, "stages"))));
	return open_value(call, body, version);
}

err_t secrets_get_secret_value(struct api_call *call)
{
	json_t *body;
	err_t err;

	TRY(find_live(call, &body));
	err = answer_value(call, body);
	json_decref(body);
	return err;
}

/* DescribeSecret's and ListSecrets' form; the versions by what this one calls them. */
static json_t *shown(const json_t *body, const char *versions_name)
{
	json_t *copy = json_deep_copy(body), *versions = json_object(), *version;
	const char *id;
	err_t err = copy && versions ? ERR_OK : ERR_NOMEM;

	json_object_foreach (json_object_get(body, "_versions"), id, version)
		if (!err && json_array_size(json_object_get(version, "stages")))
			err = put(versions, id, json_deep_copy(json_object_get(version, "stages")));
	if (!err && json_object_set(copy, versions_name, versions))
		err = ERR_NOMEM;
	json_decref(versions);
	if (err) {
		json_decref(copy);
		return NULL;
	}
	json_object_del(copy, "_versions");
	return copy;
}

err_t secrets_describe_secret(struct api_call *call)
{
	json_t *body, *view;
	int failed;

	TRY(find(call, &body));
	view = shown(body, "VersionIdsToStages");
	json_decref(body);
	if (!view)
		return ERR_NOMEM;
	failed = json_object_update(call->output, view);
	json_decref(view);
	return failed ? ERR_NOMEM : ERR_OK;
}

static bool append_body(void *owner, const struct store_resource *resource)
{
	return json_array_append(owner, resource->body) == 0;
}

static err_t page_of(struct api_call *call, const json_t *all)
{
	const json_t *given = json_object_get(call->input, "MaxResults");
	uint64_t from = 0, max = given ? (uint64_t)json_integer_value(given) : PAGE_MAX;
	const char *token = text_of(call->input, "NextToken");
	bool deleted = json_is_true(json_object_get(call->input, "IncludePlannedDeletion"));
	json_t *page = json_array();
	char next[24];
	size_t i;

	TRY(put(call->output, "SecretList", page));
	if (max < 1 || max > PAGE_MAX)
		return api_fault(call, "ValidationException",
				 "MaxResults must be between 1 and %d.", PAGE_MAX);
	if (token[0] && bytes_to_u64(bytes_of(token), UINT32_MAX, &from))
		return api_fault(call, "InvalidNextTokenException", "The token is not valid.");
	for (i = from; i < json_array_size(all) && json_array_size(page) < max; i++) {
		const json_t *body = json_array_get(all, i);
		json_t *view;

		if (json_object_get(body, "DeletedDate") && !deleted)
			continue;
		view = shown(body, "SecretVersionsToStages");
		if (!view || json_array_append_new(page, view))
			return ERR_NOMEM;
	}
	if (i >= json_array_size(all))
		return ERR_OK;
	snprintf(next, sizeof next, "%zu", i);
	return put(call->output, "NextToken", json_string(next));
}

err_t secrets_list_secrets(struct api_call *call)
{
	json_t *all = json_array();
	err_t err;

	if (!all)
		return ERR_NOMEM;
	if (json_array_size(json_object_get(call->input, "Filters")))
		err = api_fault(call, "InvalidParameterException",
				"Filters are not supported here.");
	else
		err = store_each(call->transaction, KIND_SECRET, NULL, NULL, append_body, all);
	if (!err)
		err = page_of(call, all);
	json_decref(all);
	return err;
}

/* ---- Delete, restore ---- */

static err_t mark_deleted(struct api_call *call, json_t *body)
{
	const json_t *days = json_object_get(call->input, "RecoveryWindowInDays");
	bool force = json_is_true(json_object_get(call->input, "ForceDeleteWithoutRecovery"));
	json_int_t window = days ? json_integer_value(days) : RECOVERY_DAYS;

	if (force && days)
		return api_fault(call, "InvalidParameterException",
				 "You can't use ForceDeleteWithoutRecovery in conjunction with "
				 "RecoveryWindowInDays.");
	if (window < 7 || window > 30)
		return api_fault(call, "InvalidParameterException",
				 "RecoveryWindowInDays value must be between 7 and 30 days "
				 "(inclusive).");
	TRY(answer_name(call, body, NULL));
	TRY(put(call->output, "DeletionDate",
		json_integer(now_ms(call) + (force ? 0 : window * DAY_MS))));
	if (force)
		return store_delete(call->transaction, KIND_SECRET, text_of(body, "Name"));
	TRY(put(body, "DeletedDate", json_integer(now_ms(call) + window * DAY_MS)));
	return save(call, body);
}

err_t secrets_delete_secret(struct api_call *call)
{
	json_t *body;
	err_t err;

	TRY(find(call, &body));
	err = mark_deleted(call, body);
	json_decref(body);
	return err;
}

err_t secrets_restore_secret(struct api_call *call)
{
	json_t *body;
	err_t err;

	TRY(find(call, &body));
	json_object_del(body, "DeletedDate");
	err = save(call, body);
	if (!err)
		err = answer_name(call, body, NULL);
	json_decref(body);
	return err;
}

/* ---- Tags ---- */

static void drop_tag(json_t *tags, const char *key)
{
	for (size_t i = json_array_size(tags); i-- > 0;)
		if (strcmp(text_of(json_array_get(tags, i), "Key"), key) == 0)
			json_array_remove(tags, i);
}

err_t secrets_tag_resource(struct api_call *call)
{
	json_t *body, *tag, *tags;
	err_t err;
	size_t i;

	TRY(check_tags(call, json_object_get(call->input, "Tags")));
	TRY(find(call, &body));
	tags = json_object_get(body, "Tags");
	json_array_foreach (json_object_get(call->input, "Tags"), i, tag) {
		drop_tag(tags, text_of(tag, "Key"));
		json_array_append(tags, tag);
	}
	if (api_tags_count(tags) > TAGS_MAX)
		err = api_fault(call, "LimitExceededException",
				"A secret can have at most %d tags.", TAGS_MAX);
	else
		err = save(call, body);
	json_decref(body);
	return err;
}

err_t secrets_untag_resource(struct api_call *call)
{
	json_t *body, *key;
	err_t err;
	size_t i;

	json_array_foreach (json_object_get(call->input, "TagKeys"), i, key)
		TRY(check_tag_key(call, json_string_value(key)));
	TRY(find(call, &body));
	json_array_foreach (json_object_get(call->input, "TagKeys"), i, key)
		drop_tag(json_object_get(body, "Tags"), json_string_value(key));
	err = save(call, body);
	json_decref(body);
	return err;
}

/* ---- Passwords ---- */

static bool flag(const struct api_call *call, const char *name)
{
	return json_is_true(json_object_get(call->input, name));
}

err_t secrets_get_random_password(struct api_call *call)
{
	static const struct {
		const char *exclude, *letters;
	} kinds[] = { { "ExcludeLowercase", "abcdefghijklmnopqrstuvwxyz" },
		      { "ExcludeUppercase", "ABCDEFGHIJKLMNOPQRSTUVWXYZ" },
		      { "ExcludeNumbers", "0123456789" },
		      { "ExcludePunctuation", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~" },
		      { NULL, " " } };
	const json_t *length = json_object_get(call->input, "PasswordLength");
	json_int_t count = length ? json_integer_value(length) : 32;
	const char *without = text_of(call->input, "ExcludeCharacters");
	char letters[128] = "", password[PASSWORD_MAX + 1];
	size_t known = 0;

	for (size_t i = 0; i < COUNT(kinds); i++) {
		if (kinds[i].exclude ? flag(call, kinds[i].exclude) : !flag(call, "IncludeSpace"))
			continue;
		for (const char *c = kinds[i].letters; *c; c++)
			if (!strchr(without, *c))
				letters[known++] = *c;
	}
	if (!known || count < 1 || count > PASSWORD_MAX)
		return api_fault(call, "InvalidParameterException",
				 "PasswordLength must be between 1 and %d, and some characters "
				 "must be left.",
				 PASSWORD_MAX);
	for (json_int_t i = 0; i < count; i++)
		password[i] = letters[random_u64() % known];
	return put(call->output, "RandomPassword", json_stringn(password, (size_t)count));
}
