/*
 * issue: certificates of our own making, for names that no public authority may certify. The
 * authority is bound to `localhost` and what ends in it (RFC 5280 §4.2.1.10), so whoever trusts it
 * trusts it with nothing else.
 *
 * Making an RSA key takes long: on a thread that may wait.
 */
#ifndef CRYPTO_ISSUE_H
#define CRYPTO_ISSUE_H

#include "base/text.h"

/* As PEM; ten years from `now_unix_s`, or the days given. ERR_NOMEM, ERR_SYSTEM. */
err_t authority_make(uint64_t now_unix_s, struct text *ret_certificate, struct text *ret_key);

struct issue_request {
	struct bytes authority_certificate, authority_key; /* PEM */
	const char *algorithm;				   /* "RSA_2048", "EC_prime256v1", … */
	const char *const *names; /* DNS; the first is the common name, too */
	size_t name_count;
	uint64_t now_unix_s;
	unsigned days;
};
/* ERR_INVALID for an algorithm or a name that cannot be; ERR_NOMEM, ERR_SYSTEM. */
err_t certificate_issue(const struct issue_request *request, struct text *ret_certificate,
			struct text *ret_key);

#endif
