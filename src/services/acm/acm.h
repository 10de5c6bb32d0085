/*
 * acm: AWS Certificate Manager: certificates imported by users, and such as a local authority
 * issues for `localhost` names. Any other name stays PENDING_VALIDATION, as on AWS until its DNS
 * record is there: here nobody looks.
 *
 * Private keys lie in the store sealed with the installation's key, are opened where TLS needs
 * them, and are never answered or logged. The control thread only.
 */
#ifndef SERVICES_ACM_ACM_H
#define SERVICES_ACM_ACM_H

#include "api/api.h"
#include "base/text.h"
#include "crypto/identity.h"
#include "store/store.h"

struct acm;

struct acm_options {
	struct api *api; /* the service registers itself here; borrowed, as store and loop */
	struct store *store;
	struct loop *loop;
	const char *data; /* the authority's certificate is DATA/ca.pem; copied, as the next two */
	const char *account, *region;
	uint8_t seal_key[SEAL_KEY_BYTES];
	/* Who uses a certificate: an array of ARNs, a new reference; NULL on no memory. */
	json_t *(*users)(void *owner, const char *arn);
	void *owner;
};

/* Makes the authority at the first start. `why` gets a sentence on failure. */
err_t acm_create(const struct acm_options *options, struct acm **ret_acm, struct text *why);
void acm_destroy(struct acm *acm); /* waits for a key that is being made; NULL is welcome */

/* At start: goes on with what was being issued. */
void acm_resume(struct acm *acm);

/*
 * The identity behind a certificate's ARN; the caller unrefs it. Not inside a transaction.
 * ERR_NOT_FOUND: no such certificate. ERR_AGAIN: it is not issued yet.
 */
err_t acm_identity(struct acm *acm, const char *arn, struct identity **ret_identity);

#endif
