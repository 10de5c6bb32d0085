/*
 * acm_internal: what the files of this folder share.
 *
 * A record (KIND_CERTIFICATE, its id the ARN):
 *
 *   { "api": as DescribeCertificate answers it, times in milliseconds, without what is found anew
 *            each time (InUseBy, EXPIRED), "certificate", "chain": PEM, "key": PEM, sealed,
 *     "tags": [{Key, Value}], "token": IdempotencyToken, "token_ms" }
 */
#ifndef SERVICES_ACM_ACM_INTERNAL_H
#define SERVICES_ACM_ACM_INTERNAL_H

#include "net/blocking.h"
#include "services/acm/acm.h"

#define KIND_CERTIFICATE "acm.certificate"

enum {
	ACM_PEM_MAX = 64 * 1024,
	ACM_TAGS_MAX = 50,
	ACM_CERTIFICATES_MAX = 2500,
	ACM_NAMES_MAX = 100,
};
#define ACM_DAY_MS 86400000ull

struct acm {
	struct acm_options options; /* strings are copies in `arena` */
	struct arena arena;
	struct api_service service;
	char *authority_certificate, *authority_sealed_key;
	struct blocking_pool *pool; /* one thread: RSA keys take long */
	struct timer timer;	    /* renews; sees to what waits to be issued */
	struct issuing *issuing;    /* NULL: none */
	bool stopping;
};

struct acm_call {
	struct acm *acm;
	struct store_txn *txn;
	json_t *held;
	bool wrote, issue; /* issue: something waits for the thread once this is committed */
};

static inline struct acm_call *acm_of(const struct api_call *call)
{
	return call->transaction;
}

/* ---- records.c ---- */
const char *acm_text(const json_t *object, const char *key); /* NULL: absent */
json_t *acm_hold(struct api_call *call, json_t *json);	     /* owned by the call; NULL stays */
uint64_t acm_now_ms(const struct acm *acm);
err_t acm_set(json_t *object, const char *key,
	      json_t *value); /* a new reference; NULL: ERR_NOMEM */
/* The record that input.CertificateArn names, held; AWS's fault when there is none. */
err_t acm_get(struct api_call *call, json_t **ret_body);
err_t acm_put(struct api_call *call, json_t *body, bool is_new);
err_t acm_all(struct api_call *call, json_t **ret_bodies); /* in order of creation, held */
/* A new record's body with an ARN of its own, held. */
err_t acm_new(struct api_call *call, const char *type, json_t **ret_body);
/* Writes what the certificate says into the api part. */
err_t acm_describe_certificate(struct acm *acm, struct bytes pem, json_t *api);
const char *acm_status(const struct acm *acm, const json_t *api); /* as of now */

/* ---- tags.c ---- */
err_t acm_add_tags(struct api_call *call, json_t *body, const json_t *tags);

/* ---- authority.c ---- */
err_t authority_open(struct acm *acm, struct text *why);
/* Whether the authority may certify that name: localhost, and what ends in it. */
bool authority_covers(const char *name);
err_t authority_key(const struct acm *acm, struct text *out); /* PEM, opened: wipe it */

/* ---- issue.c ---- */
/* Sees to everything that waits: one at a time on the thread. */
void issue_next(struct acm *acm);
void issue_stop(struct acm *acm);

extern const struct api_operation acm_operations[];
extern const size_t acm_operation_count;

#define ACM_OPERATION(function) err_t acm_##function(struct api_call *call)
ACM_OPERATION(import);
ACM_OPERATION(request);
ACM_OPERATION(renew);
ACM_OPERATION(describe);
ACM_OPERATION(list);
ACM_OPERATION(get_certificate);
ACM_OPERATION(delete);
ACM_OPERATION(add_tags_to);
ACM_OPERATION(remove_tags_from);
ACM_OPERATION(list_tags_for);

#endif
