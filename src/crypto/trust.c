#include "crypto/trust.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "crypto/trust_internal.h"

/* ---- Bundles ---- */

static const char *fault_of(X509 *certificate)
{
	unsigned char *subject = NULL;
	int len = i2d_X509_NAME(X509_get_subject_name(certificate), &subject);

	OPENSSL_free(subject);
	if (len < 0 || len > TRUST_SUBJECT_MAX)
		return "the subject of a certificate in it is too long";
	if (i2d_X509(certificate, NULL) > TRUST_CERTIFICATE_MAX)
		return "a certificate in it is larger than 16 KiB";
	if (X509_check_ca(certificate) <= 0)
		return "a certificate in it is not one of an authority (CA:TRUE)";
	return NULL;
}

err_t trust_check_bundle(struct bytes bundle, unsigned *ret_count, const char **ret_why)
{
	STACK_OF(X509) * all;
	err_t err = x509_read_all(bundle, TRUST_AUTHORITIES_MAX, &all);

	*ret_why = "it is not a PEM file of certificates";
	if (err)
		return err == ERR_SYNTAX ? ERR_INVALID : err;
	*ret_why = NULL;
	*ret_count = (unsigned)sk_X509_num(all);
	for (int i = 0; !*ret_why && i < sk_X509_num(all); i++)
		*ret_why = fault_of(sk_X509_value(all, i));
	sk_X509_pop_free(all, X509_free);
	ERR_clear_error();
	return *ret_why ? ERR_INVALID : ERR_OK;
}

/* ---- Revocation lists ---- */

static X509_CRL *read_list(struct bytes list)
{
	const unsigned char *der = (const unsigned char *)list.at;
	BIO *bio;
	X509_CRL *crl;

	if (list.len > TRUST_REVOCATION_MAX)
		return NULL;
	if (!bytes_starts(bytes_trim(list), BYTES("-----BEGIN")))
		return d2i_X509_CRL(NULL, &der, (long)list.len);
	bio = BIO_new_mem_buf(list.at, (int)list.len);
	crl = bio ? PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL) : NULL;
	BIO_free(bio);
	return crl;
}

err_t trust_count_revoked(struct bytes list, uint64_t *ret_count)
{
	X509_CRL *crl = read_list(list);
	int count = crl ? sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)) : 0;

	X509_CRL_free(crl);
	ERR_clear_error();
	*ret_count = count > 0 ? (uint64_t)count : 0;
	return crl ? ERR_OK : ERR_SYNTAX;
}

/* ---- Stores ---- */

static err_t add_authorities(struct trust *trust, const STACK_OF(X509) * all)
{
	for (int i = 0; i < sk_X509_num(all); i++) {
		X509 *certificate = sk_X509_value(all, i);
		X509_NAME *name = X509_NAME_dup(X509_get_subject_name(certificate));

		if (!name || !sk_X509_NAME_push(trust->names, name)) {
			X509_NAME_free(name);
			return ERR_NOMEM;
		}
		if (!X509_STORE_add_cert(trust->store, certificate))
			return ERR_NOMEM;
	}
	return ERR_OK;
}

static err_t add_lists(struct trust *trust, const struct bytes *lists, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		X509_CRL *crl = read_list(lists[i]);
		bool added = crl && X509_STORE_add_crl(trust->store, crl);

		X509_CRL_free(crl);
		if (!added)
			return crl ? ERR_NOMEM : ERR_INVALID;
	}
	trust->has_lists = count > 0;
	return ERR_OK;
}

static err_t fill(struct trust *trust, struct bytes bundle, const struct bytes *lists, size_t count)
{
	STACK_OF(X509) * all;
	err_t err;

	trust->store = X509_STORE_new();
	trust->names = sk_X509_NAME_new_null();
	if (!trust->store || !trust->names)
		return ERR_NOMEM;
	err = x509_read_all(bundle, TRUST_AUTHORITIES_MAX, &all);
	if (err)
		return err == ERR_NOMEM ? err : ERR_INVALID;
	err = add_authorities(trust, all);
	sk_X509_pop_free(all, X509_free);
	return err ? err : add_lists(trust, lists, count);
}

err_t trust_create(struct bytes bundle, const struct bytes *lists, size_t list_count,
		   struct trust **ret_trust)
{
	struct trust *trust = calloc(1, sizeof *trust);
	err_t err;

	if (!trust)
		return ERR_NOMEM;
	atomic_init(&trust->refs, 1);
	err = fill(trust, bundle, lists, list_count);
	ERR_clear_error();
	if (err) {
		trust_unref(trust);
		return err;
	}
	*ret_trust = trust;
	return ERR_OK;
}

struct trust *trust_ref(struct trust *trust)
{
	atomic_fetch_add_explicit(&trust->refs, 1, memory_order_relaxed);
	return trust;
}

void trust_unref(struct trust *trust)
{
	if (!trust || atomic_fetch_sub_explicit(&trust->refs, 1, memory_order_acq_rel) > 1)
		return;
	X509_STORE_free(trust->store);
	sk_X509_NAME_pop_free(trust->names, X509_NAME_free);
	free(trust);
}
