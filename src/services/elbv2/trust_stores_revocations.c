/*
 * trust_stores_revocations: what the authorities of a trust store revoked; and the way to read
 * back what was put into a store.
 */
#include "services/elbv2/elbv2_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/encode.h"

enum {
	REVOCATION_LISTS_MAX = 30,
	REVOKED_MAX = 500000,
	LOCATION_LIVES_S = 600,
	TOKEN_MAX = 2048,
};

static err_t get(struct api_call *call, json_t **ret_body)
{
	return resource_get(call, RESOURCE_TRUST_STORE, get_string(call->input, "TrustStoreArn"),
			    ret_body);
}

static const char *id_of(struct api_call *call, const char *arn, int64_t number)
{
	return arena_printf(call->arena, "%s/%lld", arn, (long long)number);
}

static err_t keep_store(struct api_call *call, json_t *body)
{
	return record_put(call, KIND_TRUST_STORE, resource_arn(RESOURCE_TRUST_STORE, body), "",
			  body);
}

/* ---- Add ---- */

static err_t fetch(struct api_call *call, const json_t *from, struct text *list)
{
	const struct elbv2_options *options = &elbv2_of(call)->options;
	const char *bucket = get_filled(from, "S3Bucket"), *key = get_filled(from, "S3Key");
	err_t err;

	if (!bucket || !key)
		return api_fault(call, "ValidationError",
				 "The S3 bucket and key of a revocation file must be specified");
	err = options->object(options->owner, call->caller, bucket, key,
			      get_filled(from, "S3ObjectVersion"), list);
	if (err == ERR_NOT_FOUND || err == ERR_DENIED)
		return api_fault(call, "RevocationContentNotFound",
				 "The revocation file 's3://%s/%s' %s", bucket, key,
				 err == ERR_DENIED ? "may not be read" : "does not exist");
	if (err == ERR_TOO_LARGE)
		return api_fault(call, "InvalidRevocationContent",
				 "The revocation file 's3://%s/%s' is larger than %d bytes", bucket,
				 key, TRUST_REVOCATION_MAX);
	return err;
}

/* A record that waits for the store to be read again. */
static err_t make(struct api_call *call, const json_t *from, json_t *made)
{
	struct text list = TEXT_INIT(TRUST_REVOCATION_MAX);
	struct text base64 = TEXT_INIT(2 * TRUST_REVOCATION_MAX);
	uint64_t count = 0;
	err_t err = fetch(call, from, &list);

	if (!err && trust_count_revoked(text_bytes(&list), &count))
		err = api_fault(call, "InvalidRevocationContent",
				"The revocation file 's3://%s/%s' is not a certificate revocation "
				"list in PEM or DER",
				get_string(from, "S3Bucket"), get_string(from, "S3Key"));
	if (!err) {
		encode_base64(&base64, text_bytes(&list));
		err = text_err(&base64);
	}
	if (!err &&
	    json_array_append_new(made, json_pack("{s:{s:s, s:I}, s:s}", "api", "RevocationType",
						  "CRL", "NumberOfRevokedEntries",
						  (json_int_t)count, "content", text_str(&base64))))
		err = ERR_NOMEM;
	text_fini(&list);
	text_fini(&base64);
	return err;
}

static err_t check_room(struct api_call *call, const char *arn, const json_t *store,
			const json_t *made)
{
	int64_t entries = get_int(api_part(store), "TotalRevokedEntries", 0);
	uint64_t count;

	TRY(record_count(call, KIND_REVOCATION, arn, &count));
	for (size_t i = 0; i < json_array_size(made); i++)
		entries += get_int(api_part(json_array_get(made, i)), "NumberOfRevokedEntries", 0);
	if (count + json_array_size(made) > REVOCATION_LISTS_MAX || entries > REVOKED_MAX)
		return api_fault(call, "TooManyTrustStoreRevocationEntries",
				 "A trust store can have at most '%d' revocation files with '%d' "
				 "entries",
				 REVOCATION_LISTS_MAX, REVOKED_MAX);
	return ERR_OK;
}

static err_t add(struct api_call *call, json_t *store, json_t *revocation)
{
	const char *arn = resource_arn(RESOURCE_TRUST_STORE, store), *id;
	int64_t number = get_int(store, "revocations", 0) + 1;
	json_t *api = json_object_get(revocation, "api");
	int64_t entries = get_int(api, "NumberOfRevokedEntries", 0) +
			  get_int(api_part(store), "TotalRevokedEntries", 0);

	id = id_of(call, arn, number);
	if (!id)
		return ERR_NOMEM;
	TRY(set_new(store, "revocations", json_integer(number)));
	TRY(set_new(json_object_get(store, "api"), "TotalRevokedEntries", json_integer(entries)));
	TRY(set_string(api, "TrustStoreArn", arn));
	TRY(set_new(api, "RevocationId", json_integer(number)));
	TRY(set_string(revocation, "id", id));
	TRY(record_add(call, KIND_REVOCATION, id, arn, revocation));
	return output_append(call->output, "TrustStoreRevocations", json_deep_copy(api));
}

err_t elbv2_add_trust_store_revocations(struct api_call *call)
{
	json_t *from = json_object_get(call->input, "RevocationContents"), *item, *store;
	json_t *made = json_array();
	size_t i;

	TRY(call_hold(call, made));
	TRY(get(call, &store));
	if (!json_array_size(from))
		return api_fault(call, "ValidationError", "A revocation file must be specified");
	call_leave_store(call); /* S3 opens its own */
	json_array_foreach (from, i, item)
		TRY(make(call, item, made));
	TRY(get(call, &store));
	TRY(check_room(call, resource_arn(RESOURCE_TRUST_STORE, store), store, made));
	json_array_foreach (made, i, item)
		TRY(add(call, store, item));
	return keep_store(call, store);
}

/* ---- Describe, remove ---- */

static err_t find(struct api_call *call, const char *arn, int64_t number, json_t **ret_revocation)
{
	const char *id = id_of(call, arn, number);
	err_t err = id ? record_get(call, KIND_REVOCATION, id, ret_revocation) : ERR_NOMEM;

	if (err == ERR_NOT_FOUND)
		return api_fault(call, "RevocationIdNotFound", "Revocation ID '%lld' not found",
				 (long long)number);
	return err;
}

static err_t present(struct api_call *call, const json_t *revocation)
{
	return output_append(call->output, "TrustStoreRevocations",
			     json_deep_copy(api_part(revocation)));
}

err_t elbv2_describe_trust_store_revocations(struct api_call *call)
{
	json_t *ids = json_object_get(call->input, "RevocationIds"), *id, *store, *list, *item;
	struct page page;
	const char *arn;
	size_t i;

	TRY(get(call, &store));
	arn = resource_arn(RESOURCE_TRUST_STORE, store);
	TRY(set_new(call->output, "TrustStoreRevocations", json_array()));
	json_array_foreach (ids, i, id) {
		TRY(find(call, arn, json_integer_value(id), &item));
		TRY(present(call, item));
	}
	if (json_array_size(ids))
		return ERR_OK;
	TRY(page_begin(call, 100, &page));
	TRY(record_list(call, KIND_REVOCATION, arn, &list));
	json_array_foreach (list, i, item)
		if (page_take(&page, (uint64_t)get_int(api_part(item), "RevocationId", 0)))
			TRY(present(call, item));
	return page_end(&page);
}

err_t elbv2_remove_trust_store_revocations(struct api_call *call)
{
	json_t *ids = json_object_get(call->input, "RevocationIds"), *id, *store, *item;
	const char *arn;
	size_t i;

	TRY(get(call, &store));
	arn = resource_arn(RESOURCE_TRUST_STORE, store);
	json_array_foreach (ids, i, id) {
		int64_t left = get_int(api_part(store), "TotalRevokedEntries", 0);

		TRY(find(call, arn, json_integer_value(id), &item));
		left -= get_int(api_part(item), "NumberOfRevokedEntries", 0);
		TRY(set_new(json_object_get(store, "api"), "TotalRevokedEntries",
			    json_integer(left)));
		TRY(record_drop(call, KIND_REVOCATION, get_string(item, "id")));
	}
	return keep_store(call, store);
}

/* ---- Reading back: a link that opens for ten minutes, as AWS's presigned ones ---- */

#define LINK_CONTEXT BYTES("trust store content")

static err_t answer_location(struct api_call *call, const char *kind, const char *id)
{
	const struct elbv2 *elbv2 = elbv2_of(call);
	struct text sealed = TEXT_INIT(TOKEN_MAX), location = TEXT_INIT(2 * TOKEN_MAX);
	unsigned long long ends = elbv2_now_ms(elbv2) / 1000 + LOCATION_LIVES_S;
	const char *plain = arena_printf(call->arena, "%llu %s %s", ends, kind, id);
	err_t err = plain ? seal(elbv2->options.seal_key, bytes_of(plain), LINK_CONTEXT, &sealed)
			  : ERR_NOMEM;

	if (!err) {
		text_printf(&location, "%s/_weir/trust-store/", elbv2->options.endpoint);
		encode_base64url(&location, text_bytes(&sealed));
		err = text_err(&location);
	}
	if (!err)
		err = set_string(call->output, "Location", text_str(&location));
	text_fini(&sealed);
	text_fini(&location);
	return err;
}

err_t elbv2_get_trust_store_ca_certificates_bundle(struct api_call *call)
{
	json_t *store;

	TRY(get(call, &store));
	return answer_location(call, KIND_TRUST_STORE, resource_arn(RESOURCE_TRUST_STORE, store));
}

err_t elbv2_get_trust_store_revocation_content(struct api_call *call)
{
	json_t *store, *item;

	TRY(get(call, &store));
	TRY(find(call, resource_arn(RESOURCE_TRUST_STORE, store),
		 get_int(call->input, "RevocationId", 0), &item));
	return answer_location(call, KIND_REVOCATION, get_string(item, "id"));
}

/* "ENDS KIND ID", if it is ours and time is left. */
static err_t open_link(const struct elbv2 *elbv2, struct bytes token, struct text *plain,
		       struct bytes *ret_kind, struct bytes *ret_id)
{
	struct text sealed = TEXT_INIT(TOKEN_MAX);
	struct bytes rest, ends;
	uint64_t ends_s;
	err_t err = decode_base64url(&sealed, token);

	if (!err)
		err = seal_open(elbv2->options.seal_key, text_bytes(&sealed), LINK_CONTEXT, plain);
	text_fini(&sealed);
	if (err)
		return ERR_NOT_FOUND;
	rest = text_bytes(plain);
	if (!bytes_cut(&rest, ' ', &ends) || !bytes_cut(&rest, ' ', ret_kind) ||
	    bytes_to_u64(ends, UINT64_MAX, &ends_s) || ends_s < elbv2_now_ms(elbv2) / 1000)
		return ERR_NOT_FOUND;
	*ret_id = rest;
	return ERR_OK;
}

static err_t read_content(const json_t *body, bool is_store, struct text *out)
{
	if (!is_store)
		return decode_base64(out, bytes_of(get_string(body, "content")));
	text_add_str(out, get_string(body, "bundle"));
	return text_err(out);
}

err_t elbv2_trust_store_content(struct elbv2 *elbv2, struct bytes token, struct text *out)
{
	struct text plain = TEXT_INIT(TOKEN_MAX);
	struct bytes kind, id;
	struct store_txn *txn;
	json_t *body = NULL;
	bool is_store;
	err_t err = open_link(elbv2, token, &plain, &kind, &id);

	if (!err)
		err = store_begin(elbv2->options.store, &txn);
	if (!err) {
		is_store = bytes_eq_str(kind, KIND_TRUST_STORE);
		/* The id ends the text, so it ends in NUL. */
		err = store_get(txn, is_store ? KIND_TRUST_STORE : KIND_REVOCATION, id.at, &body,
				NULL);
		store_rollback(txn);
		if (!err)
			err = read_content(body, is_store, out);
	}
	json_decref(body);
	text_fini(&plain);
	return err;
}
