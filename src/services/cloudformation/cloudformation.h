/*
 * cloudformation: stacks (API 2010-05-15): templates made real, one resource after the other, by
 * the same operations that any client calls.
 *
 *   CreateStack … ─► stack record with its work ─► engine, every few ms: the next steps ─► api_call
 *
 * What the engine does next is in the store before and after each step, so a kill resumes. The
 * control loop's thread.
 */
#ifndef SERVICES_CLOUDFORMATION_CLOUDFORMATION_H
#define SERVICES_CLOUDFORMATION_CLOUDFORMATION_H

#include "api/http.h"
#include "base/text.h"
#include "crypto/seal.h"
#include "store/store.h"

struct cloudformation;

struct cloudformation_options {
	struct api *api; /* registers itself here; borrowed for good, as store and loop */
	struct store *store;
	struct loop *loop;
	const struct api_caller *root; /* as whom resources are made; borrowed */
	const char *account, *region;  /* copied */
	/*
	 * Reads an object of S3 as `caller` may, into what the text has room for: ERR_NOT_FOUND,
	 * ERR_DENIED, ERR_TOO_LARGE. `version` NULL: the newest. NULL: there is no S3.
	 */
	err_t (*object)(void *owner, const struct api_caller *caller, const char *bucket,
			const char *key, const char *version, struct text *out);
	void *owner;
	uint8_t seal_key[SEAL_KEY_BYTES]; /* what may be a secret lies sealed in the store */
	/* Whether templates with roles that have no names of their own need CAPABILITY_IAM, as at
	 * AWS. Those with names need CAPABILITY_NAMED_IAM in any case. */
	bool asks_for_roles;
};

/* Takes up the stacks that were at work. */
err_t cloudformation_create(const struct cloudformation_options *options,
			    struct cloudformation **ret_cloudformation);
void cloudformation_destroy(struct cloudformation *cloudformation); /* NULL is welcome */

/* "http://127.0.0.1:4566": where others find the API. Before the loop runs. */
void cloudformation_set_endpoint(struct cloudformation *cloudformation, const char *url);
/* What the API's routes hand in: what custom resources and wait conditions are told. */
#define CLOUDFORMATION_ANSWER_PATH "/_weir/cloudformation/answer/"
void cloudformation_serve_answer(void *cloudformation, struct api_http_request *request);

/*
 * Everything that is wrong with a template, in its order; `line` 0: unknown. ERR_OK: nothing is.
 * Needs no service: any thread, any time.
 */
err_t cloudformation_check(struct bytes template,
			   void (*problem)(void *owner, unsigned line, const char *words),
			   void *owner);

#endif
