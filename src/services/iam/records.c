/*
 * records: what every handler does with its transaction, its documents and its pages.
 */
#include <stdlib.h>

#include "base/encode.h"
#include "crypto/random.h"
#include "net/loop.h"
#include "services/iam/iam_internal.h"

const struct iam_entity iam_user = { "iam.user", "UserName", "User", "UserId",
				     "AIDA",	 "user",     "user", "User" };
const struct iam_entity iam_role = { "iam.role", "RoleName", "Role", "RoleId",
				     "AROA",	 "role",     "role", "Role" };
const struct iam_entity iam_group = { "iam.group", "GroupName", "Group", "GroupId",
				      "AGPA",	   "group",	"group", "Group" };
const struct iam_entity iam_profile = { "iam.instance_profile",
					"InstanceProfileName",
					"InstanceProfile",
					"InstanceProfileId",
					"AIPA",
					"instance-profile",
					"instance profile",
					"Instance Profile" };

const struct iam_entity iam_certificate = { "iam.server_certificate",
					    "ServerCertificateName",
					    "ServerCertificate",
					    "ServerCertificateId",
					    "ASCA",
					    "server-certificate",
					    "Server Certificate",
					    "Server Certificate" };

const char *iam_text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

json_t *iam_hold(struct api_call *call, json_t *json)
{
	if (json && json_array_append_new(iam_of(call)->held, json))
		return NULL;
	return json;
}

uint64_t iam_now_ms(const struct iam *iam)
{
	return loop_unix_us(iam->options.loop) / 1000;
}

/* AWS's ids: a prefix that tells the kind, then capital letters and digits. */
void iam_make_id(const char *prefix, char out[IAM_ID_BYTES + 1])
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	uint8_t random[IAM_ID_BYTES];
	size_t len = strlen(prefix), whole = prefix[0] == 'A' && prefix[2] == 'I' ? 20 : 21;

	assert(len < whole);
	random_bytes(random, sizeof random);
	memcpy(out, prefix, len);
	for (size_t i = len; i < whole; i++)
		out[i] = letters[random[i] % 32];
	out[whole] = '\0';
}

char *iam_make_secret(struct arena *arena)
{
	uint8_t random[IAM_SECRET_RANDOM_BYTES];
	struct text text = TEXT_INIT(64);
	char *secret;

	random_bytes(random, sizeof random);
	encode_base64(&text, bytes_make(random, sizeof random));
	explicit_bzero(random, sizeof random);
	secret = text_err(&text) ? NULL : arena_string(arena, text_bytes(&text));
	if (text.at)
		explicit_bzero(text.at, text.cap);
	text_fini(&text);
	return secret;
}

/* ---- The store ---- */

const char *iam_id_of_name(struct arena *arena, const char *name)
{
	char *id = arena_string(arena, bytes_of(name));

	for (char *c = id; c && *c; c++)
		*c = ascii_lower(*c);
	return id;
}

err_t iam_get(struct api_call *call, const struct iam_entity *entity, const char *name,
	      json_t **ret_body)
{
	const char *id = iam_id_of_name(call->arena, name);
	json_t *body = NULL;
	err_t err;

	if (!id)
		return ERR_NOMEM;
	err = store_get(iam_of(call)->txn, entity->kind, id, &body, NULL);
	if (err && err != ERR_NOT_FOUND)
		return err;
	if (!err && !iam_hold(call, body))
		return ERR_NOMEM;
	if (err || strcmp(iam_text(body, entity->name), name) != 0)
		return entity == &iam_profile
			       ? api_fault(call, "NoSuchEntity",
					   "Instance Profile %s cannot be found.", name)
			       : api_fault(call, "NoSuchEntity",
					   "The %s with name %s cannot be found.", entity->words,
					   name);
	*ret_body = body;
	return ERR_OK;
}

err_t iam_put(struct api_call *call, const char *kind, const char *id, json_t *body)
{
	struct store_resource resource = { .kind = kind, .id = id, .parent = "", .body = body };
	const char *user = strcmp(kind, IAM_KEY) == 0 ? iam_text(body, "UserName") : NULL;

	if (!id)
		return ERR_NOMEM;
	if (user)
		resource.parent = iam_id_of_name(call->arena, user);
	if (!resource.parent)
		return ERR_NOMEM;
	iam_of(call)->wrote = true;
	return store_update(iam_of(call)->txn, &resource);
}

err_t iam_insert(struct api_call *call, const char *kind, const char *id, const char *parent,
		 json_t *body)
{
	struct store_resource resource = { .kind = kind, .id = id, .parent = parent, .body = body };

	if (!id || !body || !parent)
		return ERR_NOMEM;
	iam_of(call)->wrote = true;
	return store_insert(iam_of(call)->txn, &resource);
}

err_t iam_remove(struct api_call *call, const char *kind, const char *id)
{
	if (!id)
		return ERR_NOMEM;
	iam_of(call)->wrote = true;
	return store_delete(iam_of(call)->txn, kind, id);
}

static bool collect(void *owner, const struct store_resource *resource)
{
	return json_array_append(owner, resource->body) == 0;
}

err_t iam_all(struct api_call *call, const char *kind, const char *parent, json_t **ret_bodies)
{
	json_t *all = iam_hold(call, json_array());

	if (!all)
		return ERR_NOMEM;
	*ret_bodies = all;
	return store_each(iam_of(call)->txn, kind, parent, NULL, collect, all);
}

/* ---- Documents ---- */

/* White space is not counted. */
static size_t size_of_document(const char *document)
{
	size_t count = 0;

	for (const char *c = document; *c; c++)
		count += *c != ' ' && *c != '\t' && *c != '\n' && *c != '\r';
	return count;
}

err_t iam_check(struct api_call *call, const char *document, enum policy_kind kind,
		size_t chars_max, const char *what)
{
	struct text why = TEXT_INIT(512);
	err_t err = policy_check(bytes_of(document), kind, NULL, &why);

	if (err == ERR_INVALID)
		err = api_fault(call, "MalformedPolicyDocument", "%s", text_str(&why));
	else if (!err && size_of_document(document) > chars_max)
		err = api_fault(call, "LimitExceeded", "Cannot exceed quota for %s: %zu", what,
				chars_max);
	text_fini(&why);
	return err;
}

json_t *iam_escaped(const char *document)
{
	struct text out = TEXT_INIT(1 << 20);
	json_t *text;

	encode_percent(&out, bytes_of(document), false);
	text = text_err(&out) ? NULL : json_string(text_str(&out));
	text_fini(&out);
	return text;
}

/* ---- Pages ---- */

static const char *key_of(const json_t *item, const char *key)
{
	const char *text = key ? iam_text(item, key) : json_string_value(item);

	return text ? text : "";
}

/* The least item that comes after `after`; SIZE_MAX when there is none. */
static size_t next_item(const json_t *items, const char *key, const char *after)
{
	size_t best = SIZE_MAX;

	for (size_t i = 0; i < json_array_size(items); i++) {
		const char *text = key_of(json_array_get(items, i), key);

		if (after && strcmp(text, after) <= 0)
			continue;
		if (best == SIZE_MAX || strcmp(text, key_of(json_array_get(items, best), key)) < 0)
			best = i;
	}
	return best;
}

static err_t read_marker(struct api_call *call, const char **ret_after)
{
	const char *marker = iam_text(call->input, "Marker");
	struct text plain = TEXT_INIT(1024);
	err_t err = ERR_OK;

	*ret_after = NULL;
	if (!marker)
		return ERR_OK;
	if (!*marker || decode_base64url(&plain, bytes_of(marker)) || plain.len == 0)
		err = api_fault(call, "ValidationError", "Invalid Marker.");
	else
		*ret_after = arena_string(call->arena, text_bytes(&plain));
	text_fini(&plain);
	if (!err && !*ret_after)
		return ERR_NOMEM;
	return err;
}

static err_t write_marker(struct api_call *call, const char *last)
{
	struct text marker = TEXT_INIT(2048);
	int failed = -1;

	encode_base64url(&marker, bytes_of(last));
	if (!text_err(&marker))
		failed = json_object_set_new(call->output, "Marker",
					     json_string(text_str(&marker)));
	text_fini(&marker);
	return failed ? ERR_NOMEM : ERR_OK;
}

err_t iam_page(struct api_call *call, const char *list, json_t *items, const char *key)
{
	json_t *page = json_array(), *max = json_object_get(call->input, "MaxItems");
	size_t left = max ? (size_t)json_integer_value(max) : 100;
	const char *after;
	size_t next;

	if (json_object_set_new(call->output, list, page))
		return ERR_NOMEM;
	TRY(read_marker(call, &after));
	next = next_item(items, key, after);
	for (; next != SIZE_MAX && left; left--) {
		if (json_array_append(page, json_array_get(items, next)))
			return ERR_NOMEM;
		after = key_of(json_array_get(items, next), key);
		next = next_item(items, key, after);
	}
	if (json_object_set_new(call->output, "IsTruncated", json_boolean(next != SIZE_MAX)))
		return ERR_NOMEM;
	return next == SIZE_MAX ? ERR_OK : write_marker(call, after);
}

/* ---- Tags ---- */

static json_t *tag_at(const json_t *tags, const char *key)
{
	for (size_t i = 0; i < json_array_size(tags); i++)
		if (bytes_eq_nocase(bytes_of(iam_text(json_array_get(tags, i), "Key")),
				    bytes_of(key)))
			return json_array_get(tags, i);
	return NULL;
}

err_t iam_add_tags(struct api_call *call, json_t *body)
{
	json_t *tags = json_object_get(body, "Tags"), *given, *old;
	size_t i;

	if (!tags) {
		tags = json_array();
		if (json_object_set_new(body, "Tags", tags))
			return ERR_NOMEM;
	}
	json_array_foreach (json_object_get(call->input, "Tags"), i, given) {
		const char *key = iam_text(given, "Key");

		if (api_tag_is_reserved(call, key))
			return api_fault(call, "InvalidInput",
					 "aws: prefixed tag key names are not allowed for "
					 "external use.");
		old = tag_at(tags, key);
		if (old ? json_object_update(old, given) : json_array_append(tags, given))
			return ERR_NOMEM;
	}
	if (api_tags_count(tags) > IAM_TAGS_MAX)
		return api_fault(call, "LimitExceeded",
				 "Cannot exceed quota for TagsPerResource: %d", IAM_TAGS_MAX);
	return ERR_OK;
}

err_t iam_drop_tags(struct api_call *call, json_t *body)
{
	json_t *tags = json_object_get(body, "Tags"), *key;
	size_t i;

	json_array_foreach (json_object_get(call->input, "TagKeys"), i, key) {
		if (api_tag_is_reserved(call, json_string_value(key)))
			return api_fault(call, "InvalidInput",
					 "aws: prefixed tag key names are not allowed for "
					 "external use.");
		for (size_t t = json_array_size(tags); t-- > 0;)
			if (bytes_eq_nocase(bytes_of(iam_text(json_array_get(tags, t), "Key")),
					    bytes_of(json_string_value(key))))
				json_array_remove(tags, t);
	}
	return ERR_OK;
}
