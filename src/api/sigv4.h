/*
 * sigv4: AWS Signature Version 4, verifying and signing. Pure: the time and keys are given.
 *
 * What is signed: method, path, query, the signed fields, the payload's hash, the time, and the
 * scope (date, region, service). Asked for besides: Host and every X-Amz-* field that matters is
 * among the signed ones (X-Amz-Target names the operation); the X-Amz-Content-Sha256 of a request
 * is the hash of its body. UNSIGNED-PAYLOAD is believed of S3, and elsewhere only of a presigned
 * request without a body. aws-chunked payloads go on where sigv4_verify_head ends: payload.h.
 */
#ifndef API_SIGV4_H
#define API_SIGV4_H

#include "base/arena.h"
#include "http/message.h"

enum sigv4_verdict {
	SIGV4_OK,
	SIGV4_MISSING,	     /* MissingAuthenticationToken */
	SIGV4_INCOMPLETE,    /* IncompleteSignature */
	SIGV4_UNKNOWN_KEY,   /* InvalidClientTokenId */
	SIGV4_SKEWED,	     /* RequestExpired / RequestTimeTooSkewed: more than 15 minutes */
	SIGV4_EXPIRED,	     /* presigned, past X-Amz-Expires */
	SIGV4_MISMATCH,	     /* SignatureDoesNotMatch */
	SIGV4_BAD_PAYLOAD,   /* x-amz-content-sha256 is not the body's */
	SIGV4_TOKEN_EXPIRED, /* ExpiredToken: the front's verdict on temporary keys */
};

struct sigv4_identity { /* what the request claims; slices borrow from the head */
	struct bytes access_key, date, region, service; /* date: "20261002", of the scope */
	struct bytes token;				/* session token; empty without one */
	bool presigned;
	bool version_2; /* to be verified by sigv2.h */
};

/* Reads the claim without believing it. */
enum sigv4_verdict sigv4_claim(const struct http_head *head, struct sigv4_identity *ret_claim);

/* Believes it or not. `secret` is the key's; `body_sha256_hex` of the body as received. */
enum sigv4_verdict sigv4_verify(const struct http_head *head, const struct sigv4_identity *claim,
				struct bytes secret, struct bytes body_sha256_hex,
				uint64_t now_unix_ms, struct arena *arena);

/* How the body of an S3 request is vouched for. From SIGV4_CHUNKS on it is aws-chunked. */
enum sigv4_payload {
	SIGV4_HASH,	       /* by its hash, in `hash` */
	SIGV4_UNSIGNED,	       /* not at all */
	SIGV4_CHUNKS,	       /* each chunk signed */
	SIGV4_CHUNKS_TRAILER,  /* and the trailers as well */
	SIGV4_CHUNKS_UNSIGNED, /* chunks and trailers, none of them signed */
};

enum { SIGV4_SCOPE_BYTES = 256 };

/* What the head's signature leaves for the body's. */
struct sigv4_seed {
	enum sigv4_payload kind;
	bool verify; /* false without a key: only the framing counts */
	char hash[65], signature[65], stamp[17];
	char scope[SIGV4_SCOPE_BYTES];
	uint8_t key[32];
};

/* What the request says of its body, unverified; ERR_SYNTAX for a word that S3 does not know. */
err_t sigv4_payload_of(const struct http_head *head, struct sigv4_seed *ret_seed);

/* As sigv4_verify, for S3, before the body is there. */
enum sigv4_verdict sigv4_verify_head(const struct http_head *head,
				     const struct sigv4_identity *claim, struct bytes secret,
				     uint64_t now_unix_ms, struct arena *arena,
				     struct sigv4_seed *ret_seed);

/*
 * Makes the Authorization value for a request of ours (weir call, tests, functions). `path` and
 * `query` as on the wire, without "?". The request also carries what was signed: Host,
 * X-Amz-Date, X-Amz-Content-Sha256, X-Amz-Security-Token when there is a token, and `extra`.
 * ERR_NOMEM.
 */
enum { SIGV4_EXTRA_MAX = 200 };
struct sigv4_request {
	struct bytes method, path, query, host, body, service, region, access_key, secret, token;
	struct bytes payload; /* what X-Amz-Content-Sha256 will say; empty: the hash of `body` */
	const struct http_field *extra; /* further fields to be signed, each name once */
	unsigned extra_count;
	uint64_t now_unix_ms;
};
err_t sigv4_sign(const struct sigv4_request *request, struct arena *arena,
		 struct bytes *ret_authorization, struct bytes *ret_date,
		 struct bytes *ret_payload_hash);

#endif
