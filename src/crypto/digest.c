#include "crypto/digest.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

/*
 * A digest can only fail when OpenSSL itself is broken or out of memory. No caller could go on
 * with a wrong hash, so none is asked to.
 */
static void need(int ok)
{
	if (ok != 1)
		abort();
}

void sha256(struct bytes in, uint8_t out[SHA256_BYTES])
{
	need(EVP_Digest(in.len ? in.at : "", in.len, out, NULL, EVP_sha256(), NULL));
}

void sha256_to_hex(const uint8_t raw[SHA256_BYTES], char out[SHA256_HEX_BYTES + 1])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < SHA256_BYTES; i++) {
		out[2 * i] = digits[raw[i] >> 4];
		out[2 * i + 1] = digits[raw[i] & 15];
	}
	out[SHA256_HEX_BYTES] = '\0';
}

void sha256_hex(struct bytes in, char out[SHA256_HEX_BYTES + 1])
{
	uint8_t raw[SHA256_BYTES];

	sha256(in, raw);
	sha256_to_hex(raw, out);
}

static void hmac(const EVP_MD *kind, struct bytes key, struct bytes in, uint8_t *out)
{
	/* OpenSSL reads a NULL key as "the one from before", so an empty key needs an address. */
	const void *key_at = key.len ? key.at : "";
	const unsigned char *in_at = (const unsigned char *)(in.len ? in.at : "");

	assert(key.len <= INT32_MAX);
	need(HMAC(kind, key_at, (int)key.len, in_at, in.len, out, NULL) != NULL);
}

void hmac_sha1(struct bytes key, struct bytes in, uint8_t out[SHA1_BYTES])
{
	hmac(EVP_sha1(), key, in, out);
}

void hmac_sha256(struct bytes key, struct bytes in, uint8_t out[SHA256_BYTES])
{
	hmac(EVP_sha256(), key, in, out);
}

struct digest_stream {
	EVP_MD_CTX *context;
};

err_t digest_stream_create(enum digest_kind kind, struct digest_stream **ret_stream)
{
	const EVP_MD *md = kind == DIGEST_MD5	 ? EVP_md5()
			   : kind == DIGEST_SHA1 ? EVP_sha1()
						 : EVP_sha256();
	struct digest_stream *stream = calloc(1, sizeof *stream);

	if (!stream)
		return ERR_NOMEM;
	stream->context = EVP_MD_CTX_new();
	if (!stream->context || EVP_DigestInit_ex(stream->context, md, NULL) != 1) {
		EVP_MD_CTX_free(stream->context);
		free(stream);
		return ERR_NOMEM;
	}
	*ret_stream = stream;
	return ERR_OK;
}

void digest_stream_add(struct digest_stream *stream, struct bytes in)
{
	if (in.len)
		need(EVP_DigestUpdate(stream->context, in.at, in.len));
}

size_t digest_stream_finish(struct digest_stream *stream, uint8_t out[DIGEST_BYTES_MAX])
{
	unsigned len = 0;

	if (out)
		need(EVP_DigestFinal_ex(stream->context, out, &len));
	EVP_MD_CTX_free(stream->context);
	free(stream);
	return len;
}

struct sha256_stream {
	struct digest_stream any;
};

err_t sha256_stream_create(struct sha256_stream **ret_stream)
{
	struct digest_stream *stream;

	TRY(digest_stream_create(DIGEST_SHA256, &stream));
	*ret_stream = container_of(stream, struct sha256_stream, any);
	return ERR_OK;
}

void sha256_stream_add(struct sha256_stream *stream, struct bytes in)
{
	digest_stream_add(&stream->any, in);
}

void sha256_stream_finish(struct sha256_stream *stream, uint8_t out[SHA256_BYTES])
{
	digest_stream_finish(&stream->any, out);
}
