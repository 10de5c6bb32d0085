/*
 * secrets: what lies in the store sealed with the installation's key: private keys of
 * certificates, the secrets of access keys. Each opens only for what it belongs to.
 */
#include "services/iam/iam_internal.h"

#include "base/log.h"

enum { SEALED_BYTES_MAX = 64 * 1024, OPEN_BYTES_MAX = 256 };

err_t iam_seal(const struct iam *iam, struct bytes plain, const char *whose, const char *member,
	       json_t *body)
{
	struct text sealed = TEXT_INIT(SEALED_BYTES_MAX);
	err_t err = seal_text(iam->options.seal_key, plain, bytes_of(whose), &sealed);

	if (!err && json_object_set_new(body, member, json_string(text_str(&sealed))))
		err = ERR_NOMEM;
	text_fini(&sealed);
	return err;
}

err_t iam_seal_secret(const struct iam *iam, const char *secret, json_t *body)
{
	return iam_seal(iam, bytes_of(secret), iam_text(body, "AccessKeyId"), "Sealed", body);
}

err_t iam_open_secret(const struct iam *iam, const json_t *body, struct arena *arena,
		      const char **ret_secret)
{
	struct text open = TEXT_INIT(OPEN_BYTES_MAX);
	err_t err = seal_text_open(iam->options.seal_key, bytes_of(iam_text(body, "Sealed")),
				   bytes_of(iam_text(body, "AccessKeyId")), &open);

	if (!err) {
		*ret_secret = arena_string(arena, text_bytes(&open));
		err = *ret_secret ? ERR_OK : ERR_NOMEM;
	}
	if (open.len)
		explicit_bzero(open.at, open.len);
	text_fini(&open);
	return err;
}

/* ---- States of before ---- */

static bool take_open(void *owner, const struct store_resource *resource)
{
	if (json_object_get(resource->body, "Secret"))
		json_array_append_new(owner,
				      json_pack("{s:s, s:s, s:O}", "Id", resource->id, "Parent",
						resource->parent, "Body", resource->body));
	return true;
}

static err_t seal_one(const struct iam *iam, struct store_txn *txn, const char *kind,
		      const json_t *row)
{
	json_t *body = json_object_get(row, "Body");

	TRY(iam_seal_secret(iam, iam_text(body, "Secret"), body));
	json_object_del(body, "Secret");
	return store_update(txn, &(struct store_resource){ .kind = kind,
							   .id = iam_text(row, "Id"),
							   .parent = iam_text(row, "Parent"),
							   .body = body });
}

static err_t seal_kind(const struct iam *iam, struct store_txn *txn, const char *kind,
		       size_t *count)
{
	json_t *rows = json_array(), *row;
	err_t err = rows ? store_each(txn, kind, NULL, NULL, take_open, rows) : ERR_NOMEM;
	size_t i;

	json_array_foreach (rows, i, row)
		err = err ? err : seal_one(iam, txn, kind, row);
	*count += json_array_size(rows);
	json_decref(rows);
	return err;
}

err_t iam_seal_old_secrets(const struct iam *iam)
{
	struct store_txn *txn;
	size_t count = 0;
	err_t err;

	TRY(store_begin(iam->options.store, &txn));
	err = seal_kind(iam, txn, IAM_KEY, &count);
	if (!err)
		err = seal_kind(iam, txn, IAM_SESSION, &count);
	if (!err && count) {
		log_info("iam", "the secrets of %zu access keys are sealed now", count);
		return store_commit(txn);
	}
	store_rollback(txn);
	return err;
}
