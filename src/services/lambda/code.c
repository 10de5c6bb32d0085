/*
 * code: packages of functions: taken from a call, or by fetch.c from a bucket, and unpacked on a
 * thread.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/encode.h"
#include "base/log.h"
#include "services/lambda/lambda_internal.h"

enum { ZIP_BYTES_MAX = 52428800 /* AWS: of a direct upload */, CODE_URL_SECONDS = 600 };

/* ---- Taking ---- */

static err_t refuse_zip(struct api_call *call)
{
	return api_fault(call, "InvalidParameterValueException",
			 "Could not unzip uploaded file. Please check your file, then try to "
			 "upload again.");
}

static err_t refuse(struct api_call *call, err_t err)
{
	switch (err) {
	case ERR_TOO_LARGE:
		return api_fault(call, "InvalidParameterValueException",
				 "Unzipped size must be smaller than %d bytes",
				 PACKAGE_UNPACKED_BYTES_MAX);
	case ERR_LIMIT:
		return api_fault(call, "RequestEntityTooLargeException",
				 "Zipped size must be smaller than %d bytes", ZIP_BYTES_MAX);
	case ERR_SYNTAX: return refuse_zip(call);
	default: return err;
	}
}

static err_t check_zip(struct api_call *call, struct bytes zip)
{
	struct text why = TEXT_INIT(256);
	err_t err = zip.len > ZIP_BYTES_MAX ? ERR_LIMIT : package_check(zip, &why);

	if (err)
		log_info("lambda", "a package is refused: %s",
			 err == ERR_LIMIT ? "it is too large" : text_str(&why));
	text_fini(&why);
	return err ? refuse(call, err) : ERR_OK;
}

static err_t note_package(const struct package_taken *package, json_t *function)
{
	json_t *configuration = json_object_get(function, "Configuration");
	struct text base64 = TEXT_INIT(64);
	err_t err;

	encode_base64(&base64, bytes_make(package->digest, sizeof package->digest));
	err = lambda_set(configuration, "CodeSha256", json_string(text_str(&base64)));
	text_fini(&base64);
	TRY(err);
	TRY(lambda_set(configuration, "CodeSize", json_integer((json_int_t)package->bytes)));
	return lambda_set(function, "NextCode", json_string(package->hex));
}

static err_t keep_zip(struct api_call *call, struct bytes zip, json_t *function)
{
	struct package_taken package = { .bytes = zip.len };

	TRY(check_zip(call, zip));
	sha256(zip, package.digest);
	sha256_to_hex(package.digest, package.hex);
	if (!json_is_true(json_object_get(call->input, "DryRun")))
		TRY(package_keep(lambda_of(call)->options.folder, zip, package.hex));
	return note_package(&package, function);
}

/* Of a bucket. ERR_AGAIN: when it is fetched, the call is made once more. */
static err_t take_object(struct api_call *call, const json_t *code, json_t *function)
{
	struct lambda_fetched fetched;

	TRY(lambda_fetch(call, code, &fetched));
	return fetched.err ? refuse(call, fetched.err) : note_package(&fetched.package, function);
}

err_t lambda_take_code(struct api_call *call, const json_t *code, json_t *function)
{
	const json_t *base64 = json_object_get(code, "ZipFile");
	struct text zip = TEXT_INIT(ZIP_BYTES_MAX + 1);
	err_t err;

	if (lambda_text(code, "ImageUri"))
		return api_fault(call, "InvalidParameterValueException",
				 "Weir runs functions from Zip packages; container images are for "
				 "ECS tasks");
	if (!base64 && !lambda_text(code, "S3Bucket"))
		return api_fault(call, "InvalidParameterValueException",
				 "Please provide a source for function code.");
	if (!base64 && !api_service(call->api, BYTES("s3")))
		return api_fault(call, "InvalidParameterValueException",
				 "There is no S3 here to read the package from; use ZipFile");
	if (!base64)
		return take_object(call, code, function);
	err = decode_base64(&zip, bytes_of(json_string_value(base64)));
	if (!err)
		err = keep_zip(call, text_bytes(&zip), function);
	else if (err != ERR_NOMEM)
		err = refuse_zip(call);
	text_fini(&zip);
	return err;
}

/* ---- Unpacking ---- */

struct unpacking {
	struct blocking_job job;
	struct list_node link;
	struct lambda *lambda; /* NULL: Weir ends */
	char folder[4096], name[LAMBDA_NAME_BYTES_MAX + 1], hex[SHA256_HEX_BYTES + 1];
	struct text why;
	err_t err;
};

static void work(struct blocking_job *job)
{
	struct unpacking *unpacking = container_of(job, struct unpacking, job);

	unpacking->err = package_unpack(unpacking->folder, unpacking->hex, &unpacking->why);
}

static void set_text(json_t *configuration, const char *key, const char *value)
{
	if (value)
		json_object_set_new(configuration, key, json_string(value));
	else
		json_object_del(configuration, key);
}

/* What GetFunction tells of a package that is ready, or never will be. */
static void tell_state(json_t *body, const struct unpacking *unpacking)
{
	json_t *configuration = json_object_get(body, "Configuration");
	bool first = strcmp(lambda_text(configuration, "State"), "Pending") == 0;
	const char *code = unpacking->err ? "InvalidZipFileException" : NULL;
	const char *reason = unpacking->err ? text_str(&unpacking->why) : NULL;

	if (!unpacking->err)
		set_text(body, "Code", unpacking->hex);
	set_text(body, "NextCode", NULL);
	if (first) {
		set_text(configuration, "State", unpacking->err ? "Failed" : "Active");
		set_text(configuration, "StateReason", reason);
		set_text(configuration, "StateReasonCode", code);
	}
	set_text(configuration, "LastUpdateStatus", unpacking->err ? "Failed" : "Successful");
	set_text(configuration, "LastUpdateStatusReason", reason);
	set_text(configuration, "LastUpdateStatusReasonCode", code);
}

struct telling {
	const struct unpacking *unpacking;
	json_t *changed; /* of {"id", "body"} */
};

static bool tell_one(void *owner, const struct store_resource *resource)
{
	struct telling *telling = owner;
	const char *next = lambda_text(resource->body, "NextCode");
	json_t *body;

	if (!next || strcmp(next, telling->unpacking->hex) != 0)
		return true;
	body = json_deep_copy(resource->body);
	tell_state(body, telling->unpacking);
	json_array_append_new(telling->changed,
			      json_pack("{s:s, s:o}", "id", resource->id, "body", body));
	return true;
}

static err_t tell_kind(struct store_txn *txn, const char *kind, const char *parent,
		       const struct unpacking *unpacking)
{
	struct telling telling = { unpacking, json_array() };
	err_t err = store_each(txn, kind, parent[0] ? parent : NULL, NULL, tell_one, &telling);
	json_t *one;
	size_t i;

	json_array_foreach (telling.changed, i, one) {
		struct store_resource resource = { kind, lambda_text(one, "id"), parent,
						   json_object_get(one, "body"), 0 };

		if (!err)
			err = store_update(txn, &resource);
	}
	json_decref(telling.changed);
	return err;
}

static void done(struct blocking_job *job)
{
	struct unpacking *unpacking = container_of(job, struct unpacking, job);
	struct lambda *lambda = unpacking->lambda;
	struct store_txn *txn;
	err_t err = lambda ? store_begin(lambda->options.store, &txn) : ERR_CANCELLED;

	if (!err) {
		err = tell_kind(txn, LAMBDA_FUNCTION, "", unpacking);
		if (!err)
			err = tell_kind(txn, LAMBDA_VERSION, unpacking->name, unpacking);
		if (err)
			store_rollback(txn);
		else
			err = store_commit(txn);
	}
	if (err && lambda)
		log_error("lambda", "the state of %s cannot be kept: %s", unpacking->name,
			  err_words(err));
	if (lambda)
		live_forget(lambda, unpacking->name);
	list_remove(&unpacking->link);
	text_fini(&unpacking->why);
	free(unpacking);
}

static void submit(struct lambda *lambda, const char *name, const char *hex)
{
	struct unpacking *unpacking = calloc(1, sizeof *unpacking);

	if (!unpacking) {
		log_error("lambda", "out of memory: the code of %s stays packed", name);
		return;
	}
	unpacking->job =
		(struct blocking_job){ .work = work, .done = done, .loop = lambda->options.loop };
	unpacking->lambda = lambda;
	snprintf(unpacking->folder, sizeof unpacking->folder, "%s", lambda->options.folder);
	snprintf(unpacking->name, sizeof unpacking->name, "%s", name);
	snprintf(unpacking->hex, sizeof unpacking->hex, "%s", hex);
	text_init(&unpacking->why, 256);
	list_append(&lambda->unpackings, &unpacking->link);
	blocking_submit(lambda->pool, &unpacking->job);
}

void lambda_unpack(struct lambda *lambda, const char *name)
{
	struct store_txn *txn;
	json_t *body = NULL;

	if (store_begin(lambda->options.store, &txn))
		return;
	if (store_get(txn, LAMBDA_FUNCTION, name, &body, NULL))
		body = NULL;
	store_rollback(txn);
	if (lambda_text(body, "NextCode"))
		submit(lambda, name, lambda_text(body, "NextCode"));
	json_decref(body);
}

static bool resume_one(void *owner, const struct store_resource *resource)
{
	if (lambda_text(resource->body, "NextCode"))
		submit(owner, resource->id, lambda_text(resource->body, "NextCode"));
	return true;
}

void lambda_unpack_all(struct lambda *lambda)
{
	struct store_txn *txn;

	if (store_begin(lambda->options.store, &txn))
		return;
	if (store_each(txn, LAMBDA_FUNCTION, NULL, NULL, resume_one, lambda))
		log_error("lambda", "the functions cannot be read");
	store_rollback(txn);
}

void code_fini(struct lambda *lambda)
{
	fetch_fini(lambda);
	list_for_each (&lambda->unpackings, node)
		container_of(node, struct unpacking, link)->lambda = NULL;
	blocking_pool_destroy(lambda->pool);
	loop_settle(lambda->options.loop); /* what was done is told, and freed */
}

/* ---- Places ---- */

void lambda_code_path(const struct lambda *lambda, const char *hex, char out[4096])
{
	snprintf(out, 4096, "%s/code/%s", lambda->options.folder, hex);
}

static void sign(const struct lambda *lambda, const char *hex, uint64_t expires_s,
		 char out[SHA256_HEX_BYTES + 1])
{
	struct text hexed = TEXT_INIT(SHA256_HEX_BYTES + 1);
	uint8_t mac[SHA256_BYTES];
	char words[128];
	int len = snprintf(words, sizeof words, "%s %llu", hex, (unsigned long long)expires_s);

	hmac_sha256(bytes_make(lambda->secret, sizeof lambda->secret),
		    bytes_make(words, (size_t)len), mac);
	encode_hex(&hexed, bytes_make(mac, sizeof mac));
	snprintf(out, SHA256_HEX_BYTES + 1, "%s", text_str(&hexed));
	text_fini(&hexed);
}

/* Good for ten minutes, as AWS's presigned ones are, and until Weir ends. */
char *lambda_code_url(struct api_call *call, const char *hex)
{
	const struct lambda *lambda = lambda_of(call);
	uint64_t expires_s = lambda_now_ms(lambda) / 1000 + CODE_URL_SECONDS;
	char signature[SHA256_HEX_BYTES + 1];

	if (!hex)
		hex = "";
	sign(lambda, hex, expires_s, signature);
	return arena_printf(call->arena, "%s" LAMBDA_CODE_PATH "%s/%llu/%s", lambda->endpoint, hex,
			    (unsigned long long)expires_s, signature);
}

/* "HEX/EXPIRES/SIGNATURE" */
bool lambda_code_url_opens(const struct lambda *lambda, struct bytes rest,
			   char hex[SHA256_HEX_BYTES + 1])
{
	struct bytes digest, expires, signature;
	char wanted[SHA256_HEX_BYTES + 1];
	uint64_t expires_s;

	if (!bytes_cut(&rest, '/', &digest) || digest.len != SHA256_HEX_BYTES ||
	    !bytes_cut(&rest, '/', &expires) || !bytes_cut(&rest, '/', &signature) || rest.at ||
	    bytes_to_u64(expires, UINT32_MAX, &expires_s) ||
	    expires_s < lambda_now_ms(lambda) / 1000)
		return false;
	snprintf(hex, SHA256_HEX_BYTES + 1, "%.*s", BYTES_ARG(digest));
	sign(lambda, hex, expires_s, wanted);
	return bytes_eq_secret(signature, bytes_of(wanted));
}

struct used {
	struct store_txn *txn;
	struct map hexes;
	bool incomplete; /* then nothing is swept */
};

static bool note_used(void *owner, const struct store_resource *resource)
{
	struct used *used = owner;
	const char *code = lambda_text(resource->body, "Code");
	const char *next = lambda_text(resource->body, "NextCode");

	if ((code && map_put(&used->hexes, bytes_of(code), used, NULL)) ||
	    (next && map_put(&used->hexes, bytes_of(next), used, NULL)))
		used->incomplete = true;
	return !used->incomplete;
}

static bool is_used(void *owner, struct bytes hex)
{
	return map_get(&((struct used *)owner)->hexes, hex) != NULL;
}

void lambda_sweep_code(struct lambda *lambda)
{
	struct used used = { .hexes = MAP_INIT };
	err_t err = store_begin(lambda->options.store, &used.txn);

	if (err)
		return;
	err = store_each(used.txn, LAMBDA_FUNCTION, NULL, NULL, note_used, &used);
	if (!err)
		err = store_each(used.txn, LAMBDA_VERSION, NULL, NULL, note_used, &used);
	store_rollback(used.txn);
	if (!err && !used.incomplete)
		package_sweep(lambda->options.folder, is_used, &used);
	map_fini(&used.hexes);
}
