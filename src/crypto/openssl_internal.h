/*
 * openssl_internal: OpenSSL's things, as the files of this room hand them to each other. No other
 * room includes it.
 */
#ifndef CRYPTO_OPENSSL_INTERNAL_H
#define CRYPTO_OPENSSL_INTERNAL_H

#include <stdatomic.h>

#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "crypto/identity.h"

struct identity {
	X509 *certificate;
	STACK_OF(X509) * chain; /* without the certificate itself; maybe empty */
	EVP_PKEY *key;
	char *name;
	/* What a choice among several looks at (reference/alb.md §3.9). */
	bool is_ec;
	unsigned hash_bits; /* of the signature on it */
	unsigned key_bits;
	int64_t not_after_s;
	_Atomic unsigned refs;
};

/* Certificates of a PEM text, in order; other blocks are left out. ERR_SYNTAX for a broken or no
 * certificate, ERR_LIMIT past `most`, ERR_NOMEM. */
err_t x509_read_all(struct bytes pem, int most, STACK_OF(X509) * *ret_all);
/* Unix seconds; 0 for what cannot be told. */
int64_t x509_time(const ASN1_TIME *time);
/* "CN=a,O=b" in the arena; NULL on no memory. */
const char *x509_name(const X509_NAME *name, struct arena *arena);
err_t x509_facts(X509 *certificate, struct arena *arena, struct certificate_facts *ret_facts);

#endif
