/*
 * Our side of TLS against a target that says anything: from its first byte, or after an honest
 * handshake with one record that was tampered with. Never more plain bytes than the target sent,
 * never an end that it did not say, and what is broken stays broken.
 *
 * Input: a manner, then how much is given at once, then what the target says.
 */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>

#include "base/text.h"
#include "crypto/tls.h"

#define REQUIRE(condition)        \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

static SSL_CTX *server_context(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();

	X509_gmtime_adj(X509_getm_notBefore(cert), 0);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_set_pubkey(cert, key);
	REQUIRE(X509_sign(cert, key, EVP_sha256()) > 0);
	REQUIRE(SSL_CTX_use_certificate(ctx, cert) == 1);
	REQUIRE(SSL_CTX_use_PrivateKey(ctx, key) == 1);
	X509_free(cert);
	EVP_PKEY_free(key);
	return ctx;
}

static void emit(void *owner, struct bytes wire)
{
	text_add(owner, wire);
}

/* Gives the wire in steps, as long as somebody wants it; how many plain bytes came of it. */
static size_t give(struct tls *tls, struct bytes wire, size_t step, bool *up)
{
	size_t plain_bytes = 0, len;
	char plain[300];
	err_t err = ERR_AGAIN;

	while (wire.len && err == ERR_AGAIN) {
		struct bytes piece = bytes_make(wire.at, size_min(step, wire.len));

		wire = bytes_from(wire, piece.len);
		tls_give(tls, piece);
		if (!*up) {
			err = tls_handshake(tls);
			*up = err == ERR_OK;
		}
		while (*up && (err = tls_read(tls, plain, sizeof plain, &len), len))
			plain_bytes += len;
	}
	REQUIRE(err == ERR_AGAIN || err == ERR_CLOSED || err == ERR_BAD_MESSAGE ||
		err == ERR_TLS_HANDSHAKE);
	REQUIRE((err == ERR_CLOSED) == tls_peer_closed(tls));
	if (err == ERR_BAD_MESSAGE)
		REQUIRE(tls_write(tls, BYTES("x")) == ERR_BAD_MESSAGE);
	return plain_bytes;
}

static void shake_hands(struct tls *tls, struct text *out, SSL *server, bool *up)
{
	char wire[8192];
	int len;

	REQUIRE(tls_handshake(tls) == ERR_AGAIN);
	for (int i = 0; i < 4 && !*up; i++) {
		BIO_write(SSL_get_rbio(server), out->at, (int)out->len);
		text_clear(out);
		SSL_do_handshake(server);
		while ((len = BIO_read(SSL_get_wbio(server), wire, sizeof wire)) > 0)
			give(tls, bytes_make(wire, (size_t)len), sizeof wire, up);
	}
	REQUIRE(*up);
}

static void tamper(struct tls *tls, SSL *server, struct bytes script, size_t step)
{
	char wire[8192];
	bool up = true;
	int len;

	REQUIRE(SSL_write(server, "plain text", 10) == 10);
	len = BIO_read(SSL_get_wbio(server), wire, sizeof wire);
	REQUIRE(len > 0);
	for (size_t i = 0; i + 1 < script.len; i += 2)
		wire[(uint8_t)script.at[i] % len] ^= script.at[i + 1];
	REQUIRE(give(tls, bytes_make(wire, (size_t)len), step, &up) <= 10);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct tls_context *context;
	static SSL_CTX *servers;
	struct text out = TEXT_INIT(1 << 20);
	struct bytes script;
	struct tls *tls;
	bool up = false;

	if (size < 2 || size > 100000)
		return 0;
	if (!context) {
		REQUIRE(tls_context_for_targets(&(struct tls_target_options){ .tls13 = false },
						&context) == ERR_OK);
		servers = server_context();
	}
	script = bytes_make(data + 2, size - 2);
	REQUIRE(tls_create(context, emit, &out, &tls) == ERR_OK);
	if (data[0] % 4) {
		REQUIRE(tls_handshake(tls) == ERR_AGAIN);
		give(tls, script, data[1] + 1u, &up);
		REQUIRE(!up);
	} else {
		SSL *server = SSL_new(servers);

		SSL_set_bio(server, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
		SSL_set_accept_state(server);
		shake_hands(tls, &out, server, &up);
		tamper(tls, server, script, data[1] + 1u);
		SSL_free(server);
	}
	tls_close(tls);
	tls_destroy(tls);
	text_fini(&out);
	ERR_clear_error();
	return 0;
}
