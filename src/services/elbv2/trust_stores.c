/*
 * trust_stores: whose certificates clients of a listener may show: bundles of authorities, read
 * from S3 once and kept; and what listeners say of them.
 */
#include "services/elbv2/elbv2_internal.h"

#include <stdlib.h>

#include "base/encode.h"
#include "crypto/random.h"

enum { TRUST_STORES_MAX = 20, VERIFYING_PER_LOAD_BALANCER = 2 };

/* ---- Bundles ---- */

static err_t fetch_bundle(struct api_call *call, struct text *bundle, unsigned *ret_count)
{
	const struct elbv2_options *options = &elbv2_of(call)->options;
	const char *bucket = get_string(call->input, "CaCertificatesBundleS3Bucket");
	const char *key = get_string(call->input, "CaCertificatesBundleS3Key"), *why;
	err_t err;

	call_leave_store(call);
	err = options->object(options->owner, call->caller, bucket, key,
			      get_filled(call->input, "CaCertificatesBundleS3ObjectVersion"),
			      bundle);
	if (err == ERR_NOT_FOUND || err == ERR_DENIED)
		return api_fault(call, "CaCertificatesBundleNotFound",
				 "The CA certificates bundle 's3://%s/%s' %s", bucket, key,
				 err == ERR_DENIED ? "may not be read" : "does not exist");
	if (err == ERR_TOO_LARGE)
		return api_fault(call, "InvalidCaCertificatesBundle",
				 "The CA certificates bundle 's3://%s/%s' is too large", bucket,
				 key);
	TRY(err);
	err = trust_check_bundle(text_bytes(bundle), ret_count, &why);
	if (err == ERR_LIMIT)
		return api_fault(call, "InvalidCaCertificatesBundle",
				 "The CA certificates bundle has more than '%d' certificates",
				 TRUST_AUTHORITIES_MAX);
	if (err == ERR_INVALID)
		return api_fault(call, "InvalidCaCertificatesBundle",
				 "The CA certificates bundle is not valid: %s", why);
	return err;
}

static err_t set_bundle(json_t *body, const struct text *bundle, unsigned count)
{
	TRY(set_string(body, "bundle", text_str(bundle)));
	return set_new(json_object_get(body, "api"), "NumberOfCaCertificates",
		       json_integer((json_int_t)count));
}

static err_t present(struct api_call *call, const json_t *body)
{
	return output_append(call->output, "TrustStores", json_deep_copy(api_part(body)));
}

static err_t keep(struct api_call *call, json_t *body)
{
	return record_put(call, KIND_TRUST_STORE, resource_arn(RESOURCE_TRUST_STORE, body), "",
			  body);
}

/* ---- Create, modify ---- */

static err_t check_free(struct api_call *call, const char *name)
{
	char *existing;
	uint64_t count;
	err_t err = record_named(call, KIND_TRUST_STORE, name, &existing);

	if (!err)
		return api_fault(call, "DuplicateTrustStoreName",
				 "A trust store with the name '%s' already exists", name);
	if (err != ERR_NOT_FOUND)
		return err;
	TRY(record_count(call, KIND_TRUST_STORE, NULL, &count));
	if (count >= TRUST_STORES_MAX)
		return api_fault(call, "TooManyTrustStores",
				 "The maximum number of trust stores has been reached: '%d'",
				 TRUST_STORES_MAX);
	return ERR_OK;
}

static err_t make(struct api_call *call, const char *name, json_t **ret_body)
{
	uint64_t sequence;
	const char *arn;
	char id[17];

	random_hex(id, 16);
	arn = arn_make(call, "truststore/%s/%s", name, id);
	if (!arn)
		return ERR_NOMEM;
	TRY(record_sequence(call, &sequence));
	*ret_body = json_pack("{s:I, s:{s:s, s:s, s:s, s:i}, s:i, s:{}, s:{}}", "seq",
			      (json_int_t)sequence, "api", "Name", name, "TrustStoreArn", arn,
			      "Status", "ACTIVE", "TotalRevokedEntries", 0, "revocations", 0,
			      "attributes", "tags");
	TRY(call_hold(call, *ret_body));
	return tags_merge(call, RESOURCE_TRUST_STORE, json_object_get(call->input, "Tags"),
			  json_object_get(*ret_body, "tags"));
}

static err_t create(struct api_call *call, struct text *bundle)
{
	const char *name = get_string(call->input, "Name"), *arn;
	unsigned count;
	json_t *body;

	TRY(check_free(call, name));
	TRY(fetch_bundle(call, bundle, &count));
	TRY(make(call, name, &body));
	TRY(set_bundle(body, bundle, count));
	arn = resource_arn(RESOURCE_TRUST_STORE, body);
	TRY(record_add(call, KIND_TRUST_STORE, arn, "", body));
	TRY(record_name(call, KIND_TRUST_STORE, name, arn));
	return present(call, body);
}

err_t elbv2_create_trust_store(struct api_call *call)
{
	struct text bundle = TEXT_INIT(TRUST_BUNDLE_MAX);
	err_t err = create(call, &bundle);

	text_fini(&bundle);
	return err;
}

static err_t get(struct api_call *call, json_t **ret_body)
{
	return resource_get(call, RESOURCE_TRUST_STORE, get_string(call->input, "TrustStoreArn"),
			    ret_body);
}

static err_t modify(struct api_call *call, struct text *bundle)
{
	unsigned count;
	json_t *body;

	TRY(get(call, &body));
	TRY(fetch_bundle(call, bundle, &count));
	TRY(set_bundle(body, bundle, count));
	TRY(keep(call, body));
	return present(call, body);
}

err_t elbv2_modify_trust_store(struct api_call *call)
{
	struct text bundle = TEXT_INIT(TRUST_BUNDLE_MAX);
	err_t err = modify(call, &bundle);

	text_fini(&bundle);
	return err;
}

/* ---- Describe ---- */

static err_t describe_named(struct api_call *call, const char *name)
{
	json_t *body;
	char *arn;
	err_t err = record_named(call, KIND_TRUST_STORE, name, &arn);

	if (err == ERR_NOT_FOUND)
		return resource_missing(call, RESOURCE_TRUST_STORE, name);
	TRY(err);
	TRY(record_get(call, KIND_TRUST_STORE, arn, &body));
	return present(call, body);
}

err_t elbv2_describe_trust_stores(struct api_call *call)
{
	json_t *arns = json_object_get(call->input, "TrustStoreArns"), *item, *body, *list;
	json_t *names = json_object_get(call->input, "Names");
	struct page page;
	size_t i;

	TRY(set_new(call->output, "TrustStores", json_array()));
	json_array_foreach (arns, i, item) {
		TRY(resource_get(call, RESOURCE_TRUST_STORE, json_string_value(item), &body));
		TRY(present(call, body));
	}
	json_array_foreach (names, i, item)
		TRY(describe_named(call, json_string_value(item)));
	if (json_array_size(arns) || json_array_size(names))
		return ERR_OK;
	TRY(page_begin(call, 100, &page));
	TRY(record_list(call, KIND_TRUST_STORE, NULL, &list));
	json_array_foreach (list, i, body)
		if (page_take(&page, (uint64_t)get_int(body, "seq", 0)))
			TRY(present(call, body));
	return page_end(&page);
}

/* ---- Associations: the listeners that verify with it ---- */

static bool verifies_with(const json_t *listener, const char *arn)
{
	const json_t *mutual = json_object_get(api_part(listener), "MutualAuthentication");
	const char *store = get_string(mutual, "TrustStoreArn");

	return store && strcmp(store, arn) == 0;
}

err_t elbv2_describe_trust_store_associations(struct api_call *call)
{
	json_t *body, *listeners, *listener;
	struct page page;
	size_t i;

	TRY(get(call, &body));
	TRY(set_new(call->output, "TrustStoreAssociations", json_array()));
	TRY(page_begin(call, 100, &page));
	TRY(record_list(call, KIND_LISTENER, NULL, &listeners));
	json_array_foreach (listeners, i, listener)
		if (verifies_with(listener, resource_arn(RESOURCE_TRUST_STORE, body)) &&
		    page_take(&page, (uint64_t)get_int(listener, "seq", 0)))
			TRY(output_append(call->output, "TrustStoreAssociations",
					  json_pack("{s:s}", "ResourceArn",
						    resource_arn(RESOURCE_LISTENER, listener))));
	return page_end(&page);
}

/* Stores are shared between accounts only, and there is one account. */
err_t elbv2_delete_shared_trust_store_association(struct api_call *call)
{
	json_t *body;

	TRY(get(call, &body));
	return api_fault(call, "DeleteAssociationSameAccount",
			 "The trust store '%s' belongs to this account: remove it from the "
			 "listener with ModifyListener",
			 resource_arn(RESOURCE_TRUST_STORE, body));
}

static err_t drop_revocations(struct api_call *call, const char *arn)
{
	json_t *list, *revocation;
	size_t i;

	TRY(record_list(call, KIND_REVOCATION, arn, &list));
	json_array_foreach (list, i, revocation)
		TRY(record_drop(call, KIND_REVOCATION, get_string(revocation, "id")));
	return ERR_OK;
}

err_t elbv2_delete_trust_store(struct api_call *call)
{
	json_t *body, *listeners, *listener;
	const char *arn;
	size_t i;

	TRY(get(call, &body));
	arn = resource_arn(RESOURCE_TRUST_STORE, body);
	TRY(record_list(call, KIND_LISTENER, NULL, &listeners));
	json_array_foreach (listeners, i, listener)
		if (verifies_with(listener, arn))
			return api_fault(call, "TrustStoreInUse",
					 "Trust store '%s' is currently in use by listener '%s'",
					 arn, resource_arn(RESOURCE_LISTENER, listener));
	TRY(drop_revocations(call, arn));
	TRY(record_unname(call, KIND_TRUST_STORE, get_string(api_part(body), "Name")));
	return record_drop(call, KIND_TRUST_STORE, arn);
}

/* ---- Listeners ---- */

static bool verifies(const json_t *listener)
{
	const char *mode = get_string(json_object_get(api_part(listener), "MutualAuthentication"),
				      "Mode");

	return mode && strcmp(mode, "verify") == 0;
}

static err_t check_verifying(struct api_call *call, const json_t *listener)
{
	const char *own = resource_arn(RESOURCE_LISTENER, listener);
	unsigned count = 0;
	json_t *list, *other;
	size_t i;

	TRY(record_list(call, KIND_LISTENER, get_string(api_part(listener), "LoadBalancerArn"),
			&list));
	json_array_foreach (list, i, other)
		count += verifies(other) &&
			 strcmp(resource_arn(RESOURCE_LISTENER, other), own) != 0;
	if (count < VERIFYING_PER_LOAD_BALANCER)
		return ERR_OK;
	return api_fault(call, "TooManyListeners",
			 "A load balancer can have at most '%d' listeners with mutual "
			 "authentication mode 'verify'",
			 VERIFYING_PER_LOAD_BALANCER);
}

err_t mutual_set(struct api_call *call, json_t *listener)
{
	const json_t *in = json_object_get(call->input, "MutualAuthentication");
	const char *mode = get_filled(in, "Mode"), *store = get_filled(in, "TrustStoreArn");
	const char *advertise = get_filled(in, "AdvertiseTrustStoreCaNames");
	json_t *api = json_object_get(listener, "api"), *body;

	if (!mode && json_object_size(in))
		return api_fault(call, "ValidationError",
				 "The mode of mutual authentication must be specified");
	if (!mode)
		return json_object_get(api, "MutualAuthentication")
			       ? ERR_OK
			       : set_new(api, "MutualAuthentication",
					 json_pack("{s:s}", "Mode", "off"));
	if (strcmp(mode, "off") != 0 && strcmp(mode, "passthrough") != 0 &&
	    strcmp(mode, "verify") != 0)
		return api_fault(call, "ValidationError",
				 "Mutual authentication mode '%s' must be one of 'off, "
				 "passthrough, verify'",
				 mode);
	if (strcmp(mode, "verify") != 0 &&
	    (store || advertise || get_true(in, "IgnoreClientCertificateExpiry")))
		return api_fault(call, "ValidationError",
				 "Trust stores and what goes with them can be specified for "
				 "mutual authentication mode 'verify' only");
	if (strcmp(mode, "verify") != 0)
		return set_new(api, "MutualAuthentication", json_pack("{s:s}", "Mode", mode));
	if (!store)
		return api_fault(call, "ValidationError",
				 "A trust store ARN must be specified for mutual authentication "
				 "mode 'verify'");
	TRY(resource_get(call, RESOURCE_TRUST_STORE, store, &body));
	TRY(check_verifying(call, listener));
	return set_new(api, "MutualAuthentication",
		       json_pack("{s:s, s:s, s:b, s:s, s:s}", "Mode", mode, "TrustStoreArn",
				 resource_arn(RESOURCE_TRUST_STORE, body),
				 "IgnoreClientCertificateExpiry",
				 get_true(in, "IgnoreClientCertificateExpiry"),
				 "TrustStoreAssociationStatus", "active",
				 "AdvertiseTrustStoreCaNames", advertise ? advertise : "off"));
}

/* ---- For contexts ---- */

struct lists {
	struct bytes *at;
	size_t count, cap;
	err_t err;
};

static bool add_list(void *owner, const struct store_resource *resource)
{
	struct lists *lists = owner;
	struct text raw = TEXT_INIT(TRUST_REVOCATION_MAX);
	const char *content = get_string(resource->body, "content");
	size_t len;
	char *taken;

	lists->err = lists->count == lists->cap ? ERR_LIMIT
						: decode_base64(&raw, bytes_of(content));
	len = raw.len;
	taken = lists->err ? NULL : text_take(&raw);
	if (!taken) {
		text_fini(&raw);
		lists->err = lists->err ? lists->err : ERR_NOMEM;
		return false;
	}
	lists->at[lists->count++] = bytes_make(taken, len);
	return true;
}

static err_t read_lists(struct store_txn *txn, const char *arn, struct lists *lists)
{
	uint64_t count;

	TRY(store_count(txn, KIND_REVOCATION, arn, &count));
	lists->at = calloc(count + 1, sizeof *lists->at);
	if (!lists->at)
		return ERR_NOMEM;
	lists->cap = count;
	TRY(store_each(txn, KIND_REVOCATION, arn, NULL, add_list, lists));
	return lists->err;
}

err_t trust_of_store(const struct elbv2 *elbv2, const char *arn, struct trust **ret_trust)
{
	struct lists lists = { .at = NULL };
	struct store_txn *txn;
	json_t *body = NULL;
	err_t err;

	TRY(store_begin(elbv2->options.store, &txn));
	err = store_get(txn, KIND_TRUST_STORE, arn, &body, NULL);
	if (!err)
		err = read_lists(txn, arn, &lists);
	store_rollback(txn);
	if (!err)
		err = trust_create(bytes_of(get_string(body, "bundle")), lists.at, lists.count,
				   ret_trust);
	for (size_t i = 0; i < lists.count; i++)
		free((char *)(uintptr_t)lists.at[i].at);
	free(lists.at);
	json_decref(body);
	return err;
}
