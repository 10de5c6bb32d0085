/*
 * digest: SHA-256 and HMAC-SHA-256.
 */
#ifndef CRYPTO_DIGEST_H
#define CRYPTO_DIGEST_H

#include "base/bytes.h"

enum { SHA1_BYTES = 20, SHA256_BYTES = 32, SHA256_HEX_BYTES = 64 };

void sha256(struct bytes in, uint8_t out[SHA256_BYTES]);
void sha256_hex(struct bytes in, char out[SHA256_HEX_BYTES + 1]);
void sha256_to_hex(const uint8_t raw[SHA256_BYTES], char out[SHA256_HEX_BYTES + 1]);
/* Of SHA-1: for signatures that others still make; nothing of ours asks for it. */
void hmac_sha1(struct bytes key, struct bytes in, uint8_t out[SHA1_BYTES]);
void hmac_sha256(struct bytes key, struct bytes in, uint8_t out[SHA256_BYTES]);

struct sha256_stream; /* for bodies that come in pieces */
err_t sha256_stream_create(struct sha256_stream **ret_stream);
void sha256_stream_add(struct sha256_stream *stream, struct bytes in);
void sha256_stream_finish(struct sha256_stream *stream,
			  uint8_t out[SHA256_BYTES]); /* and frees; out may be NULL */

/* The same for the digests that S3 speaks of; MD5 and SHA-1 prove nothing against an attacker. */
enum digest_kind { DIGEST_MD5, DIGEST_SHA1, DIGEST_SHA256 };
enum { DIGEST_BYTES_MAX = 32 };

struct digest_stream;
err_t digest_stream_create(enum digest_kind kind, struct digest_stream **ret_stream);
void digest_stream_add(struct digest_stream *stream, struct bytes in);
/* Frees; `out` may be NULL. The digest's length. */
size_t digest_stream_finish(struct digest_stream *stream, uint8_t out[DIGEST_BYTES_MAX]);

#endif
