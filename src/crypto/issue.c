#include "crypto/issue.h"

#include <stdio.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "crypto/openssl_internal.h"
#include "crypto/random.h"

enum { SERIAL_BYTES = 16, AUTHORITY_DAYS = 3650, EARLIER_S = 3600, DAY_S = 86400 };

static const struct {
	const char *name;
	int rsa_bits;	   /* 0: EC */
	const char *group; /* EC */
} algorithms[] = {
	{ "RSA_2048", 2048, NULL },	{ "RSA_3072", 3072, NULL },
	{ "RSA_4096", 4096, NULL },	{ "EC_prime256v1", 0, "P-256" },
	{ "EC_secp384r1", 0, "P-384" }, { "EC_secp521r1", 0, "P-521" },
};

static EVP_PKEY *make_key(const char *algorithm)
{
	for (size_t i = 0; i < COUNT(algorithms); i++) {
		if (strcmp(algorithms[i].name, algorithm) != 0)
			continue;
		return algorithms[i].rsa_bits ? EVP_RSA_gen((unsigned)algorithms[i].rsa_bits)
					      : EVP_EC_gen(algorithms[i].group);
	}
	return NULL;
}

/* ---- Parts of a certificate ---- */

static bool set_serial(X509 *certificate)
{
	uint8_t random[SERIAL_BYTES];
	BIGNUM *number;
	bool set;

	random_bytes(random, sizeof random);
	random[0] = (random[0] & 0x7f) |
		    0x40; /* positive, and of full length (RFC 5280 §4.1.2.2) */
	number = BN_bin2bn(random, sizeof random, NULL);
	set = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
	BN_free(number);
	return set;
}

static bool set_dates(X509 *certificate, uint64_t now_s, unsigned days)
{
	return ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)now_s - EARLIER_S) &&
	       ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)now_s + (time_t)days * DAY_S);
}

static bool add_name(X509_NAME *name, const char *field, const char *value)
{
	return X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, (const unsigned char *)value,
					  -1, -1, 0);
}

static bool add_extension(X509 *certificate, X509 *issuer, int kind, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;
	bool added;

	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
	added = extension && X509_add_ext(certificate, extension, -1);
	X509_EXTENSION_free(extension);
	return added;
}

/* Set as values, not as a line of configuration: a name is never read as anything else. */
static bool add_dns_names(X509 *certificate, const struct issue_request *request)
{
	GENERAL_NAMES *all = sk_GENERAL_NAME_new_null();
	bool added = all != NULL;

	for (size_t i = 0; added && i < request->name_count; i++) {
		GENERAL_NAME *name = GENERAL_NAME_new();
		ASN1_IA5STRING *text = ASN1_IA5STRING_new();

		added = name && text && ASN1_STRING_set(text, request->names[i], -1) &&
			sk_GENERAL_NAME_push(all, name);
		if (!added) {
			ASN1_IA5STRING_free(text);
			GENERAL_NAME_free(name);
			break;
		}
		GENERAL_NAME_set0_value(name, GEN_DNS, text);
	}
	added = added && X509_add1_ext_i2d(certificate, NID_subject_alt_name, all, 0, 0) == 1;
	sk_GENERAL_NAME_pop_free(all, GENERAL_NAME_free);
	return added;
}

/* ---- PEM ---- */

static err_t take(BIO *bio, struct text *out)
{
	char *at;
	long len = BIO_get_mem_data(bio, &at);

	text_add(out, bytes_make(at, (size_t)len));
	OPENSSL_cleanse(at, (size_t)len);
	BIO_free(bio);
	return text_err(out);
}

static err_t write_pems(X509 *certificate, EVP_PKEY *key, struct text *ret_certificate,
			struct text *ret_key)
{
	BIO *first = BIO_new(BIO_s_mem()), *second = BIO_new(BIO_s_mem());

	if (!first || !second || !PEM_write_bio_X509(first, certificate) ||
	    !PEM_write_bio_PKCS8PrivateKey(second, key, NULL, NULL, 0, NULL, NULL)) {
		BIO_free(first);
		BIO_free(second);
		return ERR_NOMEM;
	}
	TRY(take(first, ret_certificate));
	return take(second, ret_key);
}

/* ---- The authority ---- */

static bool fill_authority(X509 *certificate, EVP_PKEY *key, uint64_t now_s)
{
	X509_NAME *name = X509_get_subject_name(certificate);
	char own[64] = "Weir local authority ";

	random_hex(own + strlen(own), 8); /* two installations are told apart in a trust store */
	return X509_set_version(certificate, X509_VERSION_3) && set_serial(certificate) &&
	       set_dates(certificate, now_s, AUTHORITY_DAYS) && add_name(name, "O", "Weir") &&
	       add_name(name, "CN", own) && X509_set_issuer_name(certificate, name) &&
	       X509_set_pubkey(certificate, key) &&
	       add_extension(certificate, certificate, NID_basic_constraints,
			     "critical,CA:TRUE,pathlen:0") &&
	       add_extension(certificate, certificate, NID_key_usage,
			     "critical,keyCertSign,cRLSign") &&
	       add_extension(certificate, certificate, NID_name_constraints,
			     "critical,permitted;DNS:localhost") &&
	       add_extension(certificate, certificate, NID_subject_key_identifier, "hash") &&
	       X509_sign(certificate, key, EVP_sha256()) > 0;
}

err_t authority_make(uint64_t now_unix_s, struct text *ret_certificate, struct text *ret_key)
{
	EVP_PKEY *key = make_key("EC_prime256v1");
	X509 *certificate = X509_new();
	err_t err = ERR_SYSTEM;

	if (key && certificate && fill_authority(certificate, key, now_unix_s))
		err = write_pems(certificate, key, ret_certificate, ret_key);
	ERR_clear_error();
	X509_free(certificate);
	EVP_PKEY_free(key);
	return err;
}

/* ---- Issuing ---- */

/* A common name has 64 bytes at most (RFC 5280, ub-common-name); the alternative names count. */
static bool fill(X509 *certificate, X509 *authority, EVP_PKEY *key,
		 const struct issue_request *request)
{
	X509_NAME *name = X509_get_subject_name(certificate);

	return X509_set_version(certificate, X509_VERSION_3) && set_serial(certificate) &&
	       set_dates(certificate, request->now_unix_s, request->days) &&
	       (strlen(request->names[0]) > 64 || add_name(name, "CN", request->names[0])) &&
	       X509_set_issuer_name(certificate, X509_get_subject_name(authority)) &&
	       X509_set_pubkey(certificate, key) &&
	       add_extension(certificate, authority, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_extension(certificate, authority, NID_key_usage,
			     "critical,digitalSignature,keyEncipherment") &&
	       add_extension(certificate, authority, NID_ext_key_usage, "serverAuth,clientAuth") &&
	       add_extension(certificate, authority, NID_subject_key_identifier, "hash") &&
	       add_extension(certificate, authority, NID_authority_key_identifier, "keyid") &&
	       add_dns_names(certificate, request);
}

static EVP_PKEY *read_key(struct bytes pem)
{
	BIO *bio = BIO_new_mem_buf(pem.at, (int)pem.len);
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;

	BIO_free(bio);
	return key;
}

err_t certificate_issue(const struct issue_request *request, struct text *ret_certificate,
			struct text *ret_key)
{
	STACK_OF(X509) * authorities;
	EVP_PKEY *key = make_key(request->algorithm), *signer;
	X509 *certificate = X509_new();
	err_t err = key ? ERR_OK : ERR_INVALID;

	assert(request->name_count > 0);
	signer = read_key(request->authority_key);
	if (!certificate)
		err = ERR_NOMEM;
	if (!err)
		err = x509_read_all(request->authority_certificate, 1, &authorities);
	if (!err) {
		bool signed_ = signer &&
			       fill(certificate, sk_X509_value(authorities, 0), key, request) &&
			       X509_sign(certificate, signer, EVP_sha256()) > 0;

		err = signed_ ? write_pems(certificate, key, ret_certificate, ret_key) : ERR_SYSTEM;
		sk_X509_pop_free(authorities, X509_free);
	}
	ERR_clear_error();
	X509_free(certificate);
	EVP_PKEY_free(signer);
	EVP_PKEY_free(key);
	return err;
}
