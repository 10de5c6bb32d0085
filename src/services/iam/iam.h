/*
 * iam: users, roles, access keys and policies, and what they mean for every call to the API.
 *
 * The control thread only. What it lends (keys, callers) is good until the next call of
 * iam_find_key. Secrets lie in the store sealed with the installation's key, and are shown once.
 */
#ifndef SERVICES_IAM_IAM_H
#define SERVICES_IAM_IAM_H

#include "api/api.h"
#include "crypto/identity.h"
#include "store/store.h"

struct iam;

struct iam_options {
	struct api
		*api; /* the service registers itself here; borrowed, as the store and the loop */
	struct store *store;
	struct loop *loop;		  /* the time */
	const char *account, *region;	  /* copied */
	uint8_t seal_key[SEAL_KEY_BYTES]; /* for secrets and private keys */
	/* Who uses a certificate: an array of ARNs, a new reference; NULL on no memory. */
	json_t *(*users)(void *owner, const char *arn);
	void *owner;
};

err_t iam_create(const struct iam_options *options, struct iam **ret_iam);
void iam_destroy(struct iam *iam); /* NULL is welcome */

/* The keys of users and of sessions; as api_keys.find. */
bool iam_find_key(struct iam *iam, struct bytes access_key, struct bytes *ret_secret,
		  struct api_caller *ret_caller);

/* An api_authorize_fn: policies of the caller against the call's permission and resources. */
err_t iam_authorize(void *iam, struct api_call *call);

/* The identity behind a server certificate's ARN; the caller unrefs it. Not inside a transaction.
 * ERR_NOT_FOUND. */
err_t iam_identity(struct iam *iam, const char *arn, struct identity **ret_identity);

/* STS's operations that make temporary keys: they read call->input and fill call->output. */
err_t iam_assume_role(void *iam, struct api_call *call);
err_t iam_session_token(void *iam, struct api_call *call);

#endif
