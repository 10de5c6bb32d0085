/*
 * client_chain: certificates that clients show: judged as reference/alb.md §3.10 says, with the
 * words of the connection log (§7.4); and what is told of them to targets.
 */
#include <stdio.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/when.h"
#include "crypto/tls_internal.h"
#include "crypto/trust_internal.h"

enum { CHAIN_DEPTH_MAX = 4, PEM_MAX = 256 * 1024 };

/* ---- Judging ---- */

static bool is_usable_key(EVP_PKEY *key)
{
	int bits = key ? EVP_PKEY_get_bits(key) : 0;

	if (bits && EVP_PKEY_is_a(key, "RSA") == 1)
		return bits >= 2048 && bits <= 8192;
	return bits && EVP_PKEY_is_a(key, "EC") == 1 && (bits == 256 || bits == 384 || bits == 521);
}

static bool is_usable_signature(X509 *certificate)
{
	int hash, key, bits;
	uint32_t flags;

	return X509_get_signature_info(certificate, &hash, &key, &bits, &flags) &&
	       (hash == NID_sha256 || hash == NID_sha384 || hash == NID_sha512);
}

static struct tls *tls_of_chain(X509_STORE_CTX *chain)
{
	return tls_of(X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx()));
}

/* What OpenSSL minds and we do not: an authority without a revocation list revoked nothing; an old
 * list is the best there is. */
static int on_problem(int fine, X509_STORE_CTX *chain)
{
	int error = X509_STORE_CTX_get_error(chain);

	if (fine)
		return 1;
	if (error == X509_V_ERR_UNABLE_TO_GET_CRL || error == X509_V_ERR_CRL_HAS_EXPIRED ||
	    (error == X509_V_ERR_CERT_HAS_EXPIRED && X509_STORE_CTX_get_error_depth(chain) == 0 &&
	     tls_of_chain(chain)->context->ignore_expiry)) {
		X509_STORE_CTX_set_error(chain, X509_V_OK);
		return 1;
	}
	return 0;
}

int client_chain_accept(X509_STORE_CTX *chain, void *context)
{
	(void)context;
	X509_STORE_CTX_set_error(chain, X509_V_OK);
	return 1;
}

int client_chain_verify(X509_STORE_CTX *chain, void *owner)
{
	const struct tls_context *context = owner;
	struct tls *tls = tls_of_chain(chain);
	X509 *leaf = X509_STORE_CTX_get0_cert(chain);
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(chain);
	unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN;
	bool fine;

	if (context->trust->has_lists)
		flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
	X509_VERIFY_PARAM_set_flags(param, flags);
	X509_VERIFY_PARAM_set_depth(param, CHAIN_DEPTH_MAX - 2); /* authorities between the ends */
	X509_STORE_CTX_set_verify_cb(chain, on_problem);
	fine = X509_verify_cert(chain) == 1;
	if (fine && (!is_usable_key(X509_get0_pubkey(leaf)) || !is_usable_signature(leaf))) {
		X509_STORE_CTX_set_error(chain, X509_V_ERR_EE_KEY_TOO_SMALL);
		fine = false;
	}
	tls->chain_error = X509_STORE_CTX_get_error(chain);
	if (!fine && !tls->turned_away && X509_up_ref(leaf))
		tls->turned_away = leaf;
	return fine;
}

static const struct {
	int error;
	const char *word;
} words[] = {
	{ X509_V_ERR_CERT_CHAIN_TOO_LONG, "ClientCertMaxChainDepthExceeded" },
	{ X509_V_ERR_PATH_LENGTH_EXCEEDED, "ClientCertInvalid" },
	{ X509_V_ERR_CERT_REVOKED, "ClientCertCrlHit" },
	{ X509_V_ERR_CRL_SIGNATURE_FAILURE, "ClientCertCrlProcessingError" },
	{ X509_V_ERR_CRL_NOT_YET_VALID, "ClientCertCrlProcessingError" },
	{ X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE, "ClientCertCrlProcessingError" },
	{ X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD, "ClientCertCrlProcessingError" },
	{ X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD, "ClientCertCrlProcessingError" },
	{ X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION, "ClientCertCrlProcessingError" },
	{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, "ClientCertUntrusted" },
	{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, "ClientCertUntrusted" },
	{ X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, "ClientCertUntrusted" },
	{ X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, "ClientCertUntrusted" },
	{ X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, "ClientCertUntrusted" },
	{ X509_V_ERR_CERT_UNTRUSTED, "ClientCertUntrusted" },
	{ X509_V_ERR_CERT_NOT_YET_VALID, "ClientCertNotYetValid" },
	{ X509_V_ERR_CERT_HAS_EXPIRED, "ClientCertExpired" },
	{ X509_V_ERR_INVALID_PURPOSE, "ClientCertPurposeInvalid" },
	{ X509_V_ERR_CERT_REJECTED, "ClientCertRejected" },
	{ X509_V_ERR_EE_KEY_TOO_SMALL, "ClientCertTypeUnsupported" },
	{ X509_V_ERR_CA_KEY_TOO_SMALL, "ClientCertTypeUnsupported" },
	{ X509_V_ERR_CA_MD_TOO_WEAK, "ClientCertTypeUnsupported" },
	{ X509_V_ERR_CERT_SIGNATURE_FAILURE, "ClientCertInvalid" },
	{ X509_V_ERR_INVALID_CA, "ClientCertInvalid" },
	{ X509_V_ERR_INVALID_EXTENSION, "ClientCertInvalid" },
	{ X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD, "ClientCertInvalid" },
	{ X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD, "ClientCertInvalid" },
};

const char *tls_client_failure(const struct tls *tls)
{
	if (!tls->chain_error)
		return "UnmappedConnectionError"; /* none was shown; or it was something else */
	for (size_t i = 0; i < COUNT(words); i++)
		if (words[i].error == tls->chain_error)
			return words[i].word;
	return "ClientCertInvalid";
}

enum tls_client_auth tls_client_auth(const struct tls *tls)
{
	return tls->context->client;
}

/* ---- Telling ---- */

static err_t take(BIO *bio, struct arena *arena, struct bytes *ret_text)
{
	char *at;
	long len = BIO_get_mem_data(bio, &at);
	err_t err = len < 0 || len > PEM_MAX
			    ? ERR_TOO_LARGE
			    : arena_copy(arena, bytes_make(at, (size_t)len), ret_text);

	BIO_free(bio);
	return err;
}

static err_t write_chain(X509 *leaf, const STACK_OF(X509) * rest, struct arena *arena,
			 struct bytes *ret_pem)
{
	BIO *bio = BIO_new(BIO_s_mem());
	bool written = bio && PEM_write_bio_X509(bio, leaf);

	for (int i = 0; written && i < sk_X509_num(rest); i++)
		written = PEM_write_bio_X509(bio, sk_X509_value(rest, i));
	if (written)
		return take(bio, arena, ret_pem);
	BIO_free(bio);
	return ERR_NOMEM;
}

/* "2023-09-21T01:50:17Z": without the milliseconds that when_iso_ms writes. */
static void write_time(uint64_t unix_s, char out[WHEN_ISO_BYTES + 1])
{
	char *dot;

	when_iso_ms(unix_s * 1000, out);
	dot = strchr(out, '.');
	if (dot)
		memcpy(dot, "Z", 2);
}

err_t tls_client_certificate(const struct tls *tls, struct arena *arena,
			     struct tls_client_certificate *ret_certificate)
{
	X509 *leaf = tls->turned_away ? tls->turned_away : SSL_get0_peer_certificate(tls->ssl);
	char from[WHEN_ISO_BYTES + 1], until[WHEN_ISO_BYTES + 1];
	struct certificate_facts facts;
	char *validity;

	if (!leaf)
		return ERR_NOT_FOUND;
	TRY(x509_facts(leaf, arena, &facts));
	write_time(facts.not_before_s, from);
	write_time(facts.not_after_s, until);
	validity = arena_printf(arena, "NotBefore=%s;NotAfter=%s", from, until);
	if (!validity)
		return ERR_NOMEM;
	*ret_certificate = (struct tls_client_certificate){
		.subject = bytes_of(facts.subject),
		.issuer = bytes_of(facts.issuer),
		.serial = bytes_of(facts.serial),
		.validity = bytes_of(validity),
	};
	TRY(write_chain(leaf, NULL, arena, &ret_certificate->leaf_pem));
	return write_chain(leaf, SSL_get_peer_cert_chain(tls->ssl), arena,
			   &ret_certificate->chain_pem);
}
