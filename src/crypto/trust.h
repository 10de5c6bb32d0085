/*
 * trust: whose certificates clients may show: authorities and what they revoked. Immutable and
 * counted; any thread.
 */
#ifndef CRYPTO_TRUST_H
#define CRYPTO_TRUST_H

#include "base/arena.h"

struct trust;

enum {
	TRUST_AUTHORITIES_MAX = 25, /* of one store, as AWS has it; and the next two */
	TRUST_SUBJECT_MAX = 10000,
	TRUST_CERTIFICATE_MAX = 16 * 1024,
	TRUST_BUNDLE_MAX = TRUST_AUTHORITIES_MAX * 2 * TRUST_CERTIFICATE_MAX,
	TRUST_REVOCATION_MAX = 2 * 1024 * 1024,
};

/*
 * `bundle`: PEM certificates of authorities. ERR_INVALID, with a sentence's end in ret_why
 * (static): there is none, one is broken, none of an authority, or too large; ERR_LIMIT: too many;
 * ERR_NOMEM. *ret_count: how many there are.
 */
err_t trust_check_bundle(struct bytes bundle, unsigned *ret_count, const char **ret_why);

/* A revocation list (RFC 5280 §5), DER or PEM: how many entries it has. ERR_SYNTAX, ERR_NOMEM. */
err_t trust_count_revoked(struct bytes list, uint64_t *ret_count);

/* `lists`: revocation lists. ERR_INVALID, ERR_NOMEM. */
err_t trust_create(struct bytes bundle, const struct bytes *lists, size_t list_count,
		   struct trust **ret_trust);
struct trust *trust_ref(struct trust *trust);
void trust_unref(struct trust *trust); /* NULL is welcome */

#endif
