/*
 * identity: who a server is: a certificate, the chain above it and the private key, read from PEM
 * and checked. Immutable and counted; any thread may hold and use it. The key never leaves.
 *
 * certificate_facts are for people and logs: what is written in a certificate.
 */
#ifndef CRYPTO_IDENTITY_H
#define CRYPTO_IDENTITY_H

#include "base/arena.h"
#include "crypto/seal.h"

struct identity;

enum { IDENTITY_PEM_MAX = 2 * 1024 * 1024, IDENTITY_CHAIN_MAX = 16 };

struct identity_pems {
	struct bytes certificate, chain, key; /* chain may be empty; the key not encrypted */
};

enum identity_problem {
	IDENTITY_GOOD,
	IDENTITY_NO_CERTIFICATE, /* no PEM, or none of an X.509 certificate */
	IDENTITY_TWO_CERTIFICATES,
	IDENTITY_NO_CHAIN,	 /* what stands there is no PEM of certificates, or too long */
	IDENTITY_CHAIN_MISMATCH, /* a certificate is not signed by the one after it */
	IDENTITY_CHAIN_MISSING,	 /* not self-signed, and no chain: read it, and judge yourself */
	IDENTITY_NO_KEY,
	IDENTITY_KEY_ENCRYPTED,
	IDENTITY_KEY_MISMATCH,
	IDENTITY_KEY_KIND, /* RSA of 1024 to 4096 bits, or EC on P-256, P-384, P-521: no other */
	IDENTITY_NOT_YET,
	IDENTITY_EXPIRED, /* it, or one of its chain */
};

/*
 * ERR_OK, ERR_NOMEM, or ERR_INVALID with *ret_problem set. IDENTITY_CHAIN_MISSING comes with
 * ERR_OK: servers may use such a certificate. `now_unix_s` 0: dates are not looked at. `name` is
 * copied: what logs call it (an ARN).
 */
err_t identity_read(const struct identity_pems *pems, struct bytes name, uint64_t now_unix_s,
		    struct identity **ret_identity, enum identity_problem *ret_problem);
/*
 * From what is kept: `pems->key` is what seal_text made of the key with that context. Dates are not
 * looked at. ERR_DENIED: another key sealed it.
 */
err_t identity_read_sealed(const uint8_t seal_key[SEAL_KEY_BYTES], const struct identity_pems *pems,
			   struct bytes context, struct bytes name, struct identity **ret_identity);
struct identity *identity_ref(struct identity *identity);
void identity_unref(struct identity *identity); /* NULL is welcome */

struct bytes identity_name(const struct identity *identity);
/* Whether its names (dNSName; without any, the common name) cover this host: RFC 6125 §6.4.3. */
bool identity_covers(const struct identity *identity, struct bytes host);

/* A sentence's end that says what is wrong: "the private key is encrypted". */
const char *identity_problem_words(enum identity_problem problem);

/* ---- Reading certificates ---- */

/* Names as RFC 2253 writes them ("CN=a,O=b"); lists end with NULL; all in the asker's arena. */
struct certificate_facts {
	const char *subject, *issuer;
	const char *common_name, *issuer_name; /* the issuer's organisation, else common name */
	const char *serial;		       /* "03A5B1": capital hex, no separators */
	uint64_t not_before_s, not_after_s;    /* Unix; 0 before 1970 */
	const char *const *dns_names;
	const char *key_algorithm;		/* "RSA_2048", "EC_prime256v1" */
	const char *signature_algorithm;	/* "SHA256WITHRSA" */
	const char *const *key_usages;		/* "DIGITAL_SIGNATURE" */
	const char *const *extended_key_usages; /* OIDs */
	bool self_signed, authority;
};

/* Of the first certificate in `pem`. ERR_SYNTAX when there is none; ERR_NOMEM. */
err_t certificate_facts(struct bytes pem, struct arena *arena, struct certificate_facts *ret_facts);

#endif
