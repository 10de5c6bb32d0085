/*
 * Our side of TLS against a client that says anything from its first byte. However the bytes are
 * cut, the same comes of them; nobody gets in without a handshake; what is broken stays broken.
 *
 * Input: how much is given at once, whose context is chosen, then what the client says.
 */
#include <stdlib.h>

#include "base/text.h"
#include "crypto/issue.h"
#include "crypto/tls.h"

#define REQUIRE(condition)        \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

enum { OUT_MAX = 1 << 20, NOW_S = 1700000000 };

static const struct tls_policy old = { .oldest = 0,
				       .newest = 2,
				       .ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256:"
						  "ECDHE-ECDSA-AES128-SHA",
				       .suites = "" };
static const struct tls_policy modern = {
	.oldest = 3, .newest = 3, .ciphers = "", .suites = "TLS_AES_128_GCM_SHA256"
};

static struct tls_context *contexts[2];

/* One asks clients for certificates, the other has tickets to be resumed. */
static void make_contexts(void)
{
	struct text authority = TEXT_INIT(65536), authority_key = TEXT_INIT(65536);
	struct text certificate = TEXT_INIT(65536), key = TEXT_INIT(65536);
	const char *names[] = { "a.localhost" };
	struct identity_pems pems = { .chain = BYTES_NONE };
	enum identity_problem problem;
	struct identity *identity;
	struct tls_tickets *tickets;
	struct trust *trust;

	REQUIRE(!authority_make(NOW_S, &authority, &authority_key));
	REQUIRE(!certificate_issue(
		&(struct issue_request){ .authority_certificate = text_bytes(&authority),
					 .authority_key = text_bytes(&authority_key),
					 .algorithm = "EC_prime256v1",
					 .names = names,
					 .name_count = 1,
					 .now_unix_s = NOW_S,
					 .days = 36500 },
		&certificate, &key));
	pems.certificate = text_bytes(&certificate);
	pems.key = text_bytes(&key);
	REQUIRE(!identity_read(&pems, BYTES("a"), 0, &identity, &problem));
	REQUIRE(!tls_tickets_create(&tickets));
	REQUIRE(!trust_create(text_bytes(&authority), NULL, 0, &trust));
	for (unsigned i = 0; i < 2; i++)
		REQUIRE(!tls_context_for_clients(
			&(struct tls_server_options){ .policy = i ? &modern : &old,
						      .identities = &identity,
						      .identity_count = 1,
						      .http2 = true,
						      .tickets = tickets,
						      .name = BYTES("a"),
						      .client = i ? TLS_CLIENT_VERIFIED
								  : TLS_CLIENT_ANONYMOUS,
						      .trust = trust },
			&contexts[i]));
	identity_unref(identity);
	tls_tickets_unref(tickets);
	trust_unref(trust);
	text_fini(&authority);
	text_fini(&authority_key);
	text_fini(&certificate);
	text_fini(&key);
}

struct server {
	struct text out;
	unsigned chosen;
};

static void emit(void *owner, struct bytes wire)
{
	text_add(&((struct server *)owner)->out, wire);
}

static struct tls_context *choose(void *owner, struct bytes host)
{
	struct server *server = owner;

	REQUIRE(host.len <= UINT16_MAX && (!host.len || bytes_index(host, host.at[0]) == 0));
	return server->chosen < 2 ? contexts[server->chosen] : NULL;
}

static const struct tls_server_events events = { .emit = emit, .choose = choose };

/* What came of it at last. */
static err_t run(struct bytes wire, size_t step, unsigned chosen)
{
	struct server server = { .out = TEXT_INIT(OUT_MAX), .chosen = chosen };
	err_t err = ERR_AGAIN;
	struct tls *tls;
	char plain[100];
	size_t len;

	REQUIRE(!tls_create_server(contexts[0], &events, &server, &tls));
	while (wire.len && err == ERR_AGAIN) {
		struct bytes piece = bytes_make(wire.at, size_min(step, wire.len));

		wire = bytes_from(wire, piece.len);
		tls_give(tls, piece);
		err = tls_handshake(tls);
		REQUIRE(err); /* nobody guesses our half of the key */
	}
	if (err != ERR_AGAIN) {
		REQUIRE(err == ERR_TLS_HANDSHAKE && tls_handshake(tls) == ERR_TLS_HANDSHAKE);
		REQUIRE(tls_read(tls, plain, sizeof plain, &len) == ERR_BAD_MESSAGE && !len);
		REQUIRE(tls_failure_words(tls)[0]);
	}
	tls_destroy(tls);
	text_fini(&server.out);
	return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes wire;

	if (!contexts[0])
		make_contexts();
	if (size < 2)
		return 0;
	wire = bytes_make(data + 2, size - 2);
	REQUIRE(run(wire, wire.len + 1, data[1] % 3) == run(wire, 1 + data[0] % 80, data[1] % 3));
	return 0;
}
