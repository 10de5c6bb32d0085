#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "crypto/openssl_internal.h"

static BIO *reader(struct bytes pem)
{
	if (pem.len > IDENTITY_PEM_MAX)
		return NULL;
	return BIO_new_mem_buf(pem.len ? pem.at : "", (int)pem.len);
}

/* ---- Certificates ---- */

err_t x509_read_all(struct bytes pem, int most, STACK_OF(X509) * *ret_all)
{
	STACK_OF(X509) *all = sk_X509_new_null();
	BIO *bio = reader(pem);
	err_t err = all && bio ? ERR_OK : ERR_NOMEM;
	X509 *next;

	ERR_clear_error();
	while (!err && (next = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		if (sk_X509_num(all) >= most)
			err = ERR_LIMIT;
		else if (!sk_X509_push(all, next))
			err = ERR_NOMEM;
		if (err)
			X509_free(next);
	}
	/* What ends a good text is that no block begins any more. */
	if (!err && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		err = ERR_SYNTAX;
	if (!err && sk_X509_num(all) == 0)
		err = ERR_SYNTAX;
	ERR_clear_error();
	BIO_free(bio);
	if (err) {
		sk_X509_pop_free(all, X509_free);
		return err;
	}
	*ret_all = all;
	return ERR_OK;
}

/* An encrypted key is not asked about: no terminal, no password. */
static int no_password(char *out, int cap, int writing, void *asked)
{
	(void)out, (void)cap, (void)writing;
	*(bool *)asked = true;
	return -1;
}

static EVP_PKEY *read_key(struct bytes pem, enum identity_problem *ret_problem)
{
	BIO *bio = reader(pem);
	bool asked = false;
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, &asked) : NULL;

	BIO_free(bio);
	ERR_clear_error();
	*ret_problem = key ? IDENTITY_GOOD : asked ? IDENTITY_KEY_ENCRYPTED : IDENTITY_NO_KEY;
	return key;
}

static bool is_usable_kind(EVP_PKEY *key, bool *ret_is_ec)
{
	int bits = EVP_PKEY_get_bits(key);
	char group[32];
	size_t len;

	*ret_is_ec = EVP_PKEY_is_a(key, "EC") == 1;
	if (EVP_PKEY_is_a(key, "RSA") == 1)
		return bits >= 1024 && bits <= 4096;
	if (!*ret_is_ec || !EVP_PKEY_get_group_name(key, group, sizeof group, &len))
		return false;
	return strcmp(group, "prime256v1") == 0 || strcmp(group, "secp384r1") == 0 ||
	       strcmp(group, "secp521r1") == 0;
}

/* ---- Checks ---- */

static bool signs(X509 *issuer, X509 *issued)
{
	EVP_PKEY *key = X509_get0_pubkey(issuer);

	return X509_check_issued(issuer, issued) == X509_V_OK && key &&
	       X509_verify(issued, key) == 1;
}

static enum identity_problem check_chain(const struct identity *identity)
{
	X509 *below = identity->certificate;

	for (int i = 0; i < sk_X509_num(identity->chain); i++) {
		X509 *above = sk_X509_value(identity->chain, i);

		if (!signs(above, below))
			return IDENTITY_CHAIN_MISMATCH;
		below = above;
	}
	if (sk_X509_num(identity->chain) == 0 && !signs(below, below))
		return IDENTITY_CHAIN_MISSING;
	return IDENTITY_GOOD;
}

static enum identity_problem check_dates(X509 *certificate, uint64_t now_s)
{
	if (x509_time(X509_get0_notBefore(certificate)) > (int64_t)now_s)
		return IDENTITY_NOT_YET;
	if (x509_time(X509_get0_notAfter(certificate)) < (int64_t)now_s)
		return IDENTITY_EXPIRED;
	return IDENTITY_GOOD;
}

static enum identity_problem check(const struct identity *identity, uint64_t now_s)
{
	enum identity_problem problem = IDENTITY_GOOD;

	if (X509_check_private_key(identity->certificate, identity->key) != 1)
		return IDENTITY_KEY_MISMATCH;
	if (now_s)
		problem = check_dates(identity->certificate, now_s);
	for (int i = 0; now_s && !problem && i < sk_X509_num(identity->chain); i++)
		problem = check_dates(sk_X509_value(identity->chain, i), now_s);
	return problem ? problem : check_chain(identity);
}

static void note_strength(struct identity *identity)
{
	int hash, key_kind, security_bits;
	uint32_t flags;

	identity->key_bits = (unsigned)EVP_PKEY_get_bits(identity->key);
	identity->not_after_s = x509_time(X509_get0_notAfter(identity->certificate));
	if (X509_get_signature_info(identity->certificate, &hash, &key_kind, &security_bits,
				    &flags) &&
	    security_bits > 0)
		identity->hash_bits = 2 * (unsigned)security_bits;
}

/* ---- Reading ---- */

static enum identity_problem read_parts(const struct identity_pems *pems, uint64_t now_s,
					struct identity *identity, err_t *ret_err)
{
	STACK_OF(X509) *own = NULL;
	enum identity_problem problem = IDENTITY_GOOD;

	*ret_err = x509_read_all(pems->certificate, IDENTITY_CHAIN_MAX, &own);
	if (*ret_err)
		return IDENTITY_NO_CERTIFICATE;
	if (sk_X509_num(own) > 1)
		problem = IDENTITY_TWO_CERTIFICATES;
	else
		identity->certificate = sk_X509_pop(own);
	sk_X509_pop_free(own, X509_free);
	if (problem)
		return problem;

	*ret_err = ERR_OK;
	if (bytes_trim(pems->chain).len)
		*ret_err = x509_read_all(pems->chain, IDENTITY_CHAIN_MAX, &identity->chain);
	else if ((identity->chain = sk_X509_new_null()) == NULL)
		*ret_err = ERR_NOMEM;
	if (*ret_err)
		return IDENTITY_NO_CHAIN;
	identity->key = read_key(pems->key, &problem);
	if (problem)
		return problem;
	if (!is_usable_kind(identity->key, &identity->is_ec))
		return IDENTITY_KEY_KIND;
	return check(identity, now_s);
}

err_t identity_read(const struct identity_pems *pems, struct bytes name, uint64_t now_unix_s,
		    struct identity **ret_identity, enum identity_problem *ret_problem)
{
	struct identity *identity = calloc(1, sizeof *identity);
	err_t err = ERR_OK;

	*ret_problem = IDENTITY_GOOD;
	if (!identity)
		return ERR_NOMEM;
	atomic_init(&identity->refs, 1);
	identity->name = bytes_dup(name);
	if (!identity->name) {
		identity_unref(identity);
		return ERR_NOMEM;
	}
	*ret_problem = read_parts(pems, now_unix_s, identity, &err);
	ERR_clear_error();
	if (*ret_problem && *ret_problem != IDENTITY_CHAIN_MISSING) {
		identity_unref(identity);
		return err == ERR_NOMEM ? ERR_NOMEM : ERR_INVALID;
	}
	note_strength(identity);
	*ret_identity = identity;
	return ERR_OK;
}

err_t identity_read_sealed(const uint8_t seal_key[SEAL_KEY_BYTES], const struct identity_pems *pems,
			   struct bytes context, struct bytes name, struct identity **ret_identity)
{
	struct text key = TEXT_INIT(SEAL_PLAIN_MAX);
	struct identity_pems open = *pems;
	enum identity_problem problem;
	err_t err = seal_text_open(seal_key, pems->key, context, &key);

	open.key = text_bytes(&key);
	if (!err)
		err = identity_read(&open, name, 0, ret_identity, &problem);
	if (key.at)
		explicit_bzero(key.at, key.cap);
	text_fini(&key);
	return err;
}

struct identity *identity_ref(struct identity *identity)
{
	atomic_fetch_add_explicit(&identity->refs, 1, memory_order_relaxed);
	return identity;
}

void identity_unref(struct identity *identity)
{
	if (!identity || atomic_fetch_sub_explicit(&identity->refs, 1, memory_order_acq_rel) > 1)
		return;
	X509_free(identity->certificate);
	sk_X509_pop_free(identity->chain, X509_free);
	EVP_PKEY_free(identity->key);
	free(identity->name);
	free(identity);
}

struct bytes identity_name(const struct identity *identity)
{
	return bytes_of(identity->name);
}

bool identity_covers(const struct identity *identity, struct bytes host)
{
	if (!host.len || memchr(host.at, '\0', host.len))
		return false;
	return X509_check_host(identity->certificate, host.at, host.len,
			       X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1;
}

const char *identity_problem_words(enum identity_problem problem)
{
	switch (problem) {
	case IDENTITY_GOOD: return "nothing is wrong";
	case IDENTITY_NO_CERTIFICATE: return "the certificate is not in valid PEM format";
	case IDENTITY_TWO_CERTIFICATES:
		return "the certificate field contains more than one certificate; put those "
		       "above it into the chain";
	case IDENTITY_NO_CHAIN:
		return "the certificate chain is not in valid PEM format, or has too many "
		       "certificates";
	case IDENTITY_CHAIN_MISMATCH:
		return "the certificate cannot be validated with the certificate chain: each "
		       "certificate must be signed by the one that follows it";
	case IDENTITY_CHAIN_MISSING:
		return "the certificate is not self-signed, and there is no certificate chain";
	case IDENTITY_NO_KEY: return "the private key is not in valid PEM format";
	case IDENTITY_KEY_ENCRYPTED:
		return "the private key is encrypted; decrypt it first (openssl pkey)";
	case IDENTITY_KEY_MISMATCH:
		return "the private key does not match the public key in the certificate";
	case IDENTITY_KEY_KIND:
		return "the private key is not supported; use RSA with 1024 to 4096 bits, or EC on "
		       "prime256v1, secp384r1 or secp521r1";
	case IDENTITY_NOT_YET: return "the certificate, or one of its chain, is not valid yet";
	case IDENTITY_EXPIRED: return "the certificate, or one of its chain, has expired";
	}
	return "it cannot be used";
}
