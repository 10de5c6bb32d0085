/*
 * Nobody guesses a signature: whatever a head says, it is not believed. And whatever path, query
 * and body we sign ourselves, we believe.
 */
#include <stdlib.h>

#include "api/sigv2.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "http/uri.h"
#include "tests/unit/api/head.h"

static const struct bytes secret = { "a secret", 8 };
enum { NOW_MS = 1440938160 }; /* times 1000: 20150830T123600Z, the time of the published vectors */

static enum sigv4_verdict judge(struct bytes lines, struct bytes body)
{
	struct sigv4_identity claim;
	char hash[SHA256_HEX_BYTES + 1];
	enum sigv4_verdict verdict;
	struct arena arena;
	struct head head;

	head_read(&head, lines);
	verdict = sigv4_claim(&head.head, &claim);
	if (verdict != SIGV4_OK)
		return verdict;
	arena_init(&arena, 1 << 22);
	sha256_hex(body, hash);
	if (claim.version_2)
		verdict = sigv2_verify(&head.head, head.head.target, secret, NOW_MS * 1000ull,
				       &arena);
	else
		verdict = sigv4_verify(&head.head, &claim, secret, bytes_of(hash), NOW_MS * 1000ull,
				       &arena);
	arena_fini(&arena);
	return verdict;
}

/* Bytes that would end the line, and parameters that say "presigned", are not for signing. */
static bool is_signable(struct bytes target)
{
	struct uri uri;

	for (size_t i = 0; i < target.len; i++)
		if (target.at[i] == ' ' || target.at[i] == '\n')
			return false;
	return target.len && target.at[0] == '/' && uri_parse_target(target, &uri) == ERR_OK &&
	       bytes_find(target, BYTES("X-Amz-")) == SIZE_MAX;
}

static void sign_and_judge(struct bytes target, struct bytes body)
{
	struct bytes rest = target, path, authorization, date, hash;
	struct text lines = TEXT_INIT(1 << 22);
	struct arena arena;

	arena_init(&arena, 1 << 22);
	bytes_cut(&rest, '?', &path);
	if (sigv4_sign(&(struct sigv4_request){ .method = BYTES("POST"),
						.path = path,
						.query = rest,
						.host = BYTES("h"),
						.body = body,
						.service = BYTES("s"),
						.region = BYTES("r"),
						.access_key = BYTES("k"),
						.secret = secret,
						.now_unix_ms = NOW_MS * 1000ull },
		       &arena, &authorization, &date, &hash) == ERR_OK) {
		text_add_str(&lines, "POST ");
		text_add(&lines, target);
		text_printf(&lines,
			    " HTTP/1.1\nHost: h\nX-Amz-Date: %.*s\nX-Amz-Content-Sha256: %.*s\n"
			    "Authorization: %.*s\n",
			    BYTES_ARG(date), BYTES_ARG(hash), BYTES_ARG(authorization));
		if (judge(text_bytes(&lines), body) != SIGV4_OK)
			abort();
	}
	text_fini(&lines);
	arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_make(data, size < 8192 ? size : 8192), rest = in, target;

	if (judge(in, BYTES_NONE) == SIGV4_OK)
		abort();
	if (bytes_cut(&rest, '\n', &target) && is_signable(target))
		sign_and_judge(target, rest);
	return 0;
}
