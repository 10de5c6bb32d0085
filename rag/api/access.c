#include "rag/api/access.h"

#include "crypto/digest.h"

static const char *const role_names[] = {
	[ACCESS_NOBODY] = "nobody",
	[ACCESS_READ] = "read",
	[ACCESS_WRITE] = "write",
	[ACCESS_ADMIN] = "admin",
};

const char *access_role_name(enum access_role role)
{
	return role_names[role];
}

static err_t add_key(struct access *access, struct bytes entry, struct text *why)
{
	size_t colon = bytes_index(entry, ':');
	enum access_role role = ACCESS_ADMIN;
	struct bytes key = entry;

	if (colon != SIZE_MAX) {
		struct bytes name = bytes_upto(entry, colon);

		for (role = ACCESS_READ; role <= ACCESS_ADMIN; role++)
			if (bytes_eq_str(name, role_names[role]))
				break;
		if (role > ACCESS_ADMIN) {
			text_add_str(why, "RAG_API_KEYS: a role is read, write or admin.");
			return ERR_INVALID;
		}
		key = bytes_from(entry, colon + 1);
	}
	if (key.len < ACCESS_KEY_BYTES_MIN) {
		text_printf(why, "RAG_API_KEYS: a key has at least %d characters.",
			    ACCESS_KEY_BYTES_MIN);
		return ERR_INVALID;
	}
	if (access->count == ACCESS_KEYS_MAX) {
		text_printf(why, "RAG_API_KEYS: there are more than %d keys.", ACCESS_KEYS_MAX);
		return ERR_INVALID;
	}
	sha256(key, access->keys[access->count].digest);
	access->keys[access->count++].role = role;
	return ERR_OK;
}

err_t access_init(struct access *access, const char *keys, uint32_t rate_per_minute,
		  struct text *why)
{
	struct bytes rest = bytes_of(keys), entry;

	memset(access, 0, sizeof *access);
	access->rate_per_minute = rate_per_minute;
	while (rest.len && bytes_cut(&rest, ',', &entry)) {
		entry = bytes_trim(entry);
		if (entry.len)
			TRY(add_key(access, entry, why));
	}
	return ERR_OK;
}

enum access_role access_role(const struct access *access, struct bytes x_api_key,
			     struct bytes authorization)
{
	const struct bytes bearer = BYTES("Bearer ");
	enum access_role role = ACCESS_NOBODY;
	struct bytes key = x_api_key;
	uint8_t digest[32];

	if (access->count == 0)
		return ACCESS_ADMIN;
	if (key.len == 0 && bytes_starts_nocase(authorization, bearer))
		key = bytes_trim(bytes_from(authorization, bearer.len));
	if (key.len == 0)
		return ACCESS_NOBODY;
	sha256(key, digest);
	for (unsigned i = 0; i < access->count; i++)
		if (bytes_eq_secret(bytes_make(digest, sizeof digest),
				    bytes_make(access->keys[i].digest, sizeof digest)))
			role = access->keys[i].role;
	return role;
}

bool access_take(struct access *access, struct bytes client, uint64_t now_ms, uint32_t *ret_wait_ms)
{
	size_t at = bytes_hash(client, 0x5bd1) % ACCESS_BUCKETS;
	uint64_t full = (uint64_t)access->rate_per_minute * 1000, tokens;

	if (!access->rate_per_minute)
		return true;
	tokens = access->buckets[at].milli_tokens;
	if (!access->buckets[at].at_ms)
		tokens = full;
	else
		tokens += (now_ms - access->buckets[at].at_ms) * access->rate_per_minute / 60;
	if (tokens > full)
		tokens = full;
	access->buckets[at].at_ms = now_ms ? now_ms : 1;
	if (tokens < 1000) {
		*ret_wait_ms = (uint32_t)((1000 - tokens) * 60 / access->rate_per_minute) + 1;
		access->buckets[at].milli_tokens = (uint32_t)tokens;
		return false;
	}
	access->buckets[at].milli_tokens = (uint32_t)(tokens - 1000);
	return true;
}
