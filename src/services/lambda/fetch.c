/*
 * fetch: packages that lie in buckets. Reading, hashing and keeping one takes a while for its
 * megabytes, so it is a thread's work; who asked waits, and then the operation is begun anew with
 * what came of it. Inside the house nobody can wait, and it is done at once.
 *
 *   handler ─► lambda_fetch: ERR_AGAIN, call->later ─► work on the pool ─► handler once more
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "services/lambda/lambda_internal.h"

struct fetch {
	struct api_later later;
	struct blocking_job job;
	struct list_node link; /* in lambda->fetches */
	struct lambda *lambda; /* NULL: Weir ends, and the answer is given */
	struct api_outlet *zip;
	err_t (*handle)(struct api_call *call);
	json_t *input, *output;
	char folder[4096];
	struct lambda_fetched fetched;
};

static void take(const char *folder, struct api_outlet *zip, bool keep,
		 struct lambda_fetched *fetched)
{
	struct text why = TEXT_INIT(256);

	fetched->err = zip->length > PACKAGE_UNPACKED_BYTES_MAX
			       ? ERR_TOO_LARGE
			       : package_take(folder, zip, keep, &fetched->package, &why);
	if (fetched->err)
		log_info("lambda", "a package is refused: %s",
			 why.len ? text_str(&why) : err_words(fetched->err));
	text_fini(&why);
}

static bool is_kept(const json_t *input)
{
	return !json_is_true(json_object_get(input, "DryRun"));
}

/* ---- On a thread ---- */

static void work(struct blocking_job *job)
{
	struct fetch *fetch = container_of(job, struct fetch, job);

	take(fetch->folder, fetch->zip, is_kept(fetch->input), &fetch->fetched);
}

static void free_fetch(struct fetch *fetch)
{
	list_remove(&fetch->link);
	fetch->zip->ops->close(fetch->zip);
	json_decref(fetch->input);
	json_decref(fetch->output);
	free(fetch);
}

static err_t handle_again(struct api_call *call, void *owner)
{
	struct fetch *fetch = owner;

	lambda_call_of(call)->fetched = &fetch->fetched;
	TRY(fetch->handle(call));
	fetch->output = json_incref(call->output);
	return ERR_OK;
}

static void done(struct blocking_job *job)
{
	struct fetch *fetch = container_of(job, struct fetch, job);
	struct api_fault fault = { .code = "" };
	err_t err = ERR_CANCELLED;

	if (fetch->lambda) {
		err = lambda_inside(fetch->lambda, json_incref(fetch->input), handle_again, fetch,
				    &fault);
		if (err && !fault.code[0])
			fault = (struct api_fault){ .code = "ServiceException",
						    .message = "An internal error has occurred",
						    .status = 500 };
		fetch->later.done(&fetch->later, err ? NULL : fetch->output, err ? &fault : NULL);
	}
	free_fetch(fetch);
}

static void begin(struct api_later *later)
{
	struct fetch *fetch = container_of(later, struct fetch, later);

	blocking_submit(fetch->lambda->pool, &fetch->job);
}

static void drop(struct api_later *later)
{
	free_fetch(container_of(later, struct fetch, later));
}

static err_t wait_for(struct api_call *call, struct api_outlet *zip)
{
	struct lambda *lambda = lambda_of(call);
	struct fetch *fetch = calloc(1, sizeof *fetch);

	if (!fetch) {
		zip->ops->close(zip);
		return ERR_NOMEM;
	}
	fetch->job =
		(struct blocking_job){ .work = work, .done = done, .loop = lambda->options.loop };
	fetch->later = (struct api_later){ .begin = begin, .drop = drop };
	fetch->lambda = lambda;
	fetch->zip = zip;
	fetch->handle = call->operation->handle;
	fetch->input = json_incref(call->input);
	snprintf(fetch->folder, sizeof fetch->folder, "%s", lambda->options.folder);
	list_append(&lambda->fetches, &fetch->link);
	call->later = &fetch->later;
	return ERR_AGAIN;
}

/* The pool is still there; what it does for them is for nobody. */
void fetch_fini(struct lambda *lambda)
{
	const struct api_fault fault = { .code = "ServiceException",
					 .message = "Weir is ending",
					 .status = 503 };

	list_for_each (&lambda->fetches, node) {
		struct fetch *fetch = container_of(node, struct fetch, link);

		fetch->lambda = NULL;
		fetch->later.done(&fetch->later, NULL, &fault);
	}
}

/* ---- The object ---- */

/* Read as the caller: who may not read the object may not run it either. */
static err_t open_object(struct api_call *call, const json_t *code, struct api_outlet **ret_zip)
{
	struct lambda_call *self = call->transaction;
	const char *bucket = lambda_text(code, "S3Bucket"), *key = lambda_text(code, "S3Key");
	json_t *input = json_pack("{s:s, s:s, s:s*}", "Bucket", bucket, "Key", key ? key : "",
				  "VersionId", lambda_text(code, "S3ObjectVersion"));
	json_t *output = NULL;
	struct api_fault fault;
	err_t err;

	if (!input)
		return ERR_NOMEM;
	assert(!self->wrote);
	store_rollback(self->txn);
	self->txn = NULL;
	err = api_may(call->api, call->caller, "s3", "GetObject", input, &fault);
	if (!err)
		err = api_call_outlet(call->api, call->caller, "s3", "GetObject", input, &output,
				      ret_zip, &fault);
	json_decref(input);
	json_decref(output);
	TRY(store_begin(lambda_of(call)->options.store, &self->txn));
	if (err)
		return api_fault(call, "InvalidParameterValueException",
				 "Error occurred while GetObject. S3 Error Code: %s. S3 Error "
				 "Message: %s",
				 fault.code, fault.message);
	return ERR_OK;
}

err_t lambda_fetch(struct api_call *call, const json_t *code, struct lambda_fetched *ret_fetched)
{
	struct api_outlet *zip;

	if (lambda_call_of(call)->fetched) {
		*ret_fetched = *lambda_call_of(call)->fetched;
		return ERR_OK;
	}
	TRY(open_object(call, code, &zip));
	if (call->may_wait)
		return wait_for(call, zip);
	take(lambda_of(call)->options.folder, zip, is_kept(call->input), ret_fetched);
	zip->ops->close(zip);
	return ERR_OK;
}

err_t lambda_or_later(struct api_call *call, err_t err)
{
	return err == ERR_AGAIN && call->later ? ERR_OK : err;
}
