#include "crypto/sign.h"

#include <stdlib.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

enum { POINT_BYTES = 1 + 2 * SIGN_COORDINATE_BYTES, DER_SIGNATURE_MAX = 80 };

struct sign_key {
	EVP_PKEY *pkey;
};

struct verify_key {
	EVP_PKEY *pkey;
	bool rsa;
};

static bool is_p256(const EVP_PKEY *pkey)
{
	char curve[32] = "";

	return EVP_PKEY_is_a(pkey, "EC") &&
	       EVP_PKEY_get_group_name(pkey, curve, sizeof curve, NULL) == 1 &&
	       strcmp(curve, "prime256v1") == 0;
}

/* ---- Private keys ---- */

err_t sign_key_make(struct text *out)
{
	EVP_PKEY *pkey = EVP_EC_gen("P-256");
	PKCS8_PRIV_KEY_INFO *info = pkey ? EVP_PKEY2PKCS8(pkey) : NULL;
	unsigned char *der = NULL;
	int len = info ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : -1;
	err_t err = ERR_NOMEM;

	if (len > 0) {
		text_add(out, bytes_make(der, (size_t)len));
		err = text_err(out);
	}
	OPENSSL_clear_free(der, len > 0 ? (size_t)len : 0);
	PKCS8_PRIV_KEY_INFO_free(info);
	EVP_PKEY_free(pkey);
	return err;
}

err_t sign_key_load(struct bytes der, struct sign_key **ret_key)
{
	const unsigned char *at = (const unsigned char *)der.at;
	struct sign_key *key;
	EVP_PKEY *pkey;

	if (der.len > SIGN_PRIVATE_MAX)
		return ERR_INVALID;
	pkey = d2i_AutoPrivateKey(NULL, &at, (long)der.len);
	if (!pkey || !is_p256(pkey)) {
		EVP_PKEY_free(pkey);
		return ERR_INVALID;
	}
	key = malloc(sizeof *key);
	if (!key) {
		EVP_PKEY_free(pkey);
		return ERR_NOMEM;
	}
	key->pkey = pkey;
	*ret_key = key;
	return ERR_OK;
}

void sign_key_destroy(struct sign_key *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->pkey);
	free(key);
}

/* OpenSSL's signature is two numbers in DER; a JWS has them side by side, each in 32 bytes. */
static bool signature_from_der(const uint8_t *der, size_t len, uint8_t out[SIGN_ES256_BYTES])
{
	ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &der, (long)len);
	bool good = signature &&
		    BN_bn2binpad(ECDSA_SIG_get0_r(signature), out, SIGN_COORDINATE_BYTES) > 0 &&
		    BN_bn2binpad(ECDSA_SIG_get0_s(signature), out + SIGN_COORDINATE_BYTES,
				 SIGN_COORDINATE_BYTES) > 0;

	ECDSA_SIG_free(signature);
	return good;
}

err_t sign_es256(const struct sign_key *key, struct bytes in, uint8_t out[SIGN_ES256_BYTES])
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t der[DER_SIGNATURE_MAX];
	size_t len = sizeof der;
	bool good = md && EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key->pkey) == 1 &&
		    EVP_DigestSign(md, der, &len, (const uint8_t *)in.at, in.len) == 1 &&
		    signature_from_der(der, len, out);

	EVP_MD_CTX_free(md);
	return good ? ERR_OK : ERR_NOMEM;
}

err_t sign_key_public_pem(const struct sign_key *key, struct text *out)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem = NULL;
	long len = 0;
	err_t err = ERR_NOMEM;

	if (bio && PEM_write_bio_PUBKEY(bio, key->pkey) == 1)
		len = BIO_get_mem_data(bio, &pem);
	if (len > 0) {
		text_add(out, bytes_make(pem, (size_t)len));
		err = text_err(out);
	}
	BIO_free(bio);
	return err;
}

err_t sign_key_public_point(const struct sign_key *key, uint8_t x[SIGN_COORDINATE_BYTES],
			    uint8_t y[SIGN_COORDINATE_BYTES])
{
	BIGNUM *bx = NULL, *by = NULL;
	bool good = EVP_PKEY_get_bn_param(key->pkey, OSSL_PKEY_PARAM_EC_PUB_X, &bx) == 1 &&
		    EVP_PKEY_get_bn_param(key->pkey, OSSL_PKEY_PARAM_EC_PUB_Y, &by) == 1 &&
		    BN_bn2binpad(bx, x, SIGN_COORDINATE_BYTES) > 0 &&
		    BN_bn2binpad(by, y, SIGN_COORDINATE_BYTES) > 0;

	BN_free(bx);
	BN_free(by);
	return good ? ERR_OK : ERR_NOMEM;
}

/* ---- Public keys ---- */

/* Frees `params` and makes a key of them. */
static err_t key_from(const char *type, OSSL_PARAM *params, struct verify_key **ret_key)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	struct verify_key *key = calloc(1, sizeof *key);
	err_t err = ctx && params && key ? ERR_OK : ERR_NOMEM;

	if (!err && (EVP_PKEY_fromdata_init(ctx) != 1 ||
		     EVP_PKEY_fromdata(ctx, &key->pkey, EVP_PKEY_PUBLIC_KEY, params) != 1))
		err = ERR_INVALID;
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	if (err) {
		free(key);
		return err;
	}
	key->rsa = strcmp(type, "RSA") == 0;
	*ret_key = key;
	return ERR_OK;
}

static OSSL_PARAM *rsa_params(const BIGNUM *n, const BIGNUM *e)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params = NULL;

	if (build && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		params = OSSL_PARAM_BLD_to_param(build);
	OSSL_PARAM_BLD_free(build);
	return params;
}

/* An exponent that is even, 1, or absurdly large is nobody's (NIST SP 800-89 §5.3.3). */
static bool rsa_is_sound(const BIGNUM *n, const BIGNUM *e)
{
	int bits = BN_num_bits(n);

	return bits >= VERIFY_RSA_BITS_MIN && bits <= VERIFY_RSA_BITS_MAX && BN_is_odd(n) &&
	       BN_is_odd(e) && !BN_is_one(e) && BN_num_bits(e) <= 64;
}

err_t verify_key_rsa(struct bytes n, struct bytes e, struct verify_key **ret_key)
{
	BIGNUM *bn, *be;
	err_t err = ERR_INVALID;

	if (n.len > VERIFY_RSA_BITS_MAX / 8 + 1 || e.len > 16)
		return ERR_INVALID;
	bn = BN_bin2bn((const uint8_t *)n.at, (int)n.len, NULL);
	be = BN_bin2bn((const uint8_t *)e.at, (int)e.len, NULL);
	if (!bn || !be)
		err = ERR_NOMEM;
	else if (rsa_is_sound(bn, be))
		err = key_from("RSA", rsa_params(bn, be), ret_key);
	BN_free(bn);
	BN_free(be);
	return err;
}

err_t verify_key_p256(struct bytes x, struct bytes y, struct verify_key **ret_key)
{
	uint8_t point[POINT_BYTES] = { POINT_CONVERSION_UNCOMPRESSED };
	OSSL_PARAM_BLD *build;
	OSSL_PARAM *params = NULL;

	if (x.len != SIGN_COORDINATE_BYTES || y.len != SIGN_COORDINATE_BYTES)
		return ERR_INVALID;
	memcpy(point + 1, x.at, x.len);
	memcpy(point + 1 + x.len, y.at, y.len);
	build = OSSL_PARAM_BLD_new();
	if (build &&
	    OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) ==
		    1 &&
	    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point) ==
		    1)
		params = OSSL_PARAM_BLD_to_param(build);
	OSSL_PARAM_BLD_free(build);
	return key_from("EC", params, ret_key);
}

void verify_key_destroy(struct verify_key *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->pkey);
	free(key);
}

static bool verifies(const struct verify_key *key, struct bytes in, const uint8_t *signature,
		     size_t len)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool good = md && EVP_DigestVerifyInit(md, NULL, EVP_sha256(), NULL, key->pkey) == 1 &&
		    EVP_DigestVerify(md, signature, len, (const uint8_t *)in.at, in.len) == 1;

	EVP_MD_CTX_free(md);
	return good;
}

bool verify_rs256(const struct verify_key *key, struct bytes in, struct bytes signature)
{
	return key->rsa && verifies(key, in, (const uint8_t *)signature.at, signature.len);
}

bool verify_es256(const struct verify_key *key, struct bytes in, struct bytes signature)
{
	const uint8_t *at = (const uint8_t *)signature.at;
	ECDSA_SIG *pair;
	BIGNUM *r, *s;
	uint8_t *der = NULL;
	int len;
	bool good = false;

	if (key->rsa || signature.len != SIGN_ES256_BYTES)
		return false;
	pair = ECDSA_SIG_new();
	r = BN_bin2bn(at, SIGN_COORDINATE_BYTES, NULL);
	s = BN_bin2bn(at + SIGN_COORDINATE_BYTES, SIGN_COORDINATE_BYTES, NULL);
	if (pair && r && s && ECDSA_SIG_set0(pair, r, s) == 1) {
		len = i2d_ECDSA_SIG(pair, &der);
		good = len > 0 && verifies(key, in, der, (size_t)len);
	} else {
		BN_free(r);
		BN_free(s);
	}
	OPENSSL_free(der);
	ECDSA_SIG_free(pair);
	return good;
}
