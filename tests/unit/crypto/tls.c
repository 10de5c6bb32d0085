/*
 * TLS on bytes: our side against OpenSSL's own server in memory, cut anywhere, broken anywhere.
 */
#include "tests/check.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/text.h"
#include "crypto/tls.h"

enum { WIRE_MAX = 4 * 1024 * 1024 };

/* ---- A server with a certificate of its own ---- */

static SSL_CTX *server_context(int version)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();

	X509_set_version(cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), -7200);
	X509_gmtime_adj(X509_getm_notAfter(cert), -3600); /* expired: nobody minds */
	X509_set_pubkey(cert, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
				   (const unsigned char *)"x", -1, -1, 0);
	X509_set_issuer_name(cert, X509_get_subject_name(cert));
	CHECK(X509_sign(cert, key, EVP_sha256()) > 0);
	CHECK_EQ(SSL_CTX_set_cipher_list(ctx, "ALL:@SECLEVEL=0"), 1);
	CHECK_EQ(SSL_CTX_set_min_proto_version(ctx, version), 1);
	CHECK_EQ(SSL_CTX_set_max_proto_version(ctx, version), 1);
	CHECK_EQ(SSL_CTX_use_certificate(ctx, cert), 1);
	CHECK_EQ(SSL_CTX_use_PrivateKey(ctx, key), 1);
	X509_free(cert);
	EVP_PKEY_free(key);
	return ctx;
}

struct pair {
	struct tls_context *context;
	struct tls *tls;
	struct text out; /* emitted by it */
	SSL *server;
	size_t step;	 /* how much wire is given at once */
	struct text got; /* plain bytes from the server */
	err_t err;	 /* what tls_read or tls_handshake said last */
	bool up;
};

static void emit(void *owner, struct bytes wire)
{
	text_add(&((struct pair *)owner)->out, wire);
}

static void pair_open(struct pair *p, SSL_CTX *ctx, size_t step)
{
	*p = (struct pair){ .step = step };
	text_init(&p->out, WIRE_MAX);
	text_init(&p->got, WIRE_MAX);
	CHECK_OK(tls_context_for_targets(&(struct tls_target_options){ .tls13 = false },
					 &p->context));
	CHECK_OK(tls_create(p->context, emit, p, &p->tls));
	p->server = SSL_new(ctx);
	SSL_set_bio(p->server, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	SSL_set_accept_state(p->server);
}

static void pair_close(struct pair *p)
{
	tls_destroy(p->tls);
	tls_context_unref(p->context);
	SSL_free(p->server);
	text_fini(&p->out);
	text_fini(&p->got);
	ERR_clear_error();
}

/* Our side takes one piece of wire. */
static void take(struct pair *p, struct bytes wire)
{
	char plain[1000];
	size_t len;

	tls_give(p->tls, wire);
	if (!p->up) {
		p->err = tls_handshake(p->tls);
		p->up = p->err == ERR_OK;
		if (!p->up)
			return;
	}
	do {
		p->err = tls_read(p->tls, plain, sizeof plain, &len);
		text_add(&p->got, bytes_make(plain, len));
	} while (!p->err);
}

static void to_server(struct pair *p)
{
	if (p->out.len)
		CHECK_EQ(BIO_write(SSL_get_rbio(p->server), p->out.at, (int)p->out.len),
			 (int)p->out.len);
	text_clear(&p->out);
}

/* What the server has written, in steps; true when there was some. */
static bool from_server(struct pair *p)
{
	char wire[64 * 1024];
	bool some = false;
	int len;

	while ((len = BIO_read(SSL_get_wbio(p->server), wire,
			       (int)size_min(p->step, sizeof wire))) > 0) {
		some = true;
		take(p, bytes_make(wire, (size_t)len));
	}
	return some;
}

static void shake_hands(struct pair *p)
{
	take(p, BYTES_NONE);
	for (int i = 0; i < 10 && (!p->up || !SSL_is_init_finished(p->server)); i++) {
		to_server(p);
		SSL_do_handshake(p->server);
		from_server(p);
	}
}

static void server_says(struct pair *p, struct bytes plain)
{
	CHECK_EQ(SSL_write(p->server, plain.at, (int)plain.len), (int)plain.len);
}

static void check_server_hears(struct pair *p, struct bytes plain)
{
	struct text heard = TEXT_INIT(WIRE_MAX);
	char piece[4096];
	int len;

	to_server(p);
	while ((len = SSL_read(p->server, piece, sizeof piece)) > 0)
		text_add(&heard, bytes_make(piece, (size_t)len));
	CHECK(bytes_eq(text_bytes(&heard), plain), "heard %zu of %zu bytes", heard.len, plain.len);
	text_fini(&heard);
}

static struct bytes large(void)
{
	static char at[100 * 1000];

	for (size_t i = 0; i < sizeof at; i++)
		at[i] = (char)(i * 31 + i / 977);
	return bytes_make(at, sizeof at);
}

/* ---- Tests ---- */

TEST(bytes_pass_both_ways_at_every_cut_and_version)
{
	static const int versions[] = { TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION };
	static const size_t steps[] = { 1, 2, 3, 5, 7, 1000, 16384, 65536 };

	for (size_t v = 0; v < COUNT(versions); v++) {
		SSL_CTX *ctx = server_context(versions[v]);

		for (size_t s = 0; s < COUNT(steps); s++) {
			struct pair p;

			pair_open(&p, ctx, steps[s]);
			shake_hands(&p);
			CHECK(p.up, "version %zu step %zu", v, steps[s]);
			CHECK_OK(tls_write(p.tls, BYTES("hello")));
			check_server_hears(&p, BYTES("hello"));
			CHECK_OK(tls_write(p.tls, large()));
			check_server_hears(&p, large());
			server_says(&p, BYTES("a"));
			server_says(&p, large());
			from_server(&p);
			CHECK_EQ(p.err, ERR_AGAIN);
			CHECK_EQ(p.got.len, large().len + 1);
			CHECK(bytes_eq(bytes_from(text_bytes(&p.got), 1), large()));
			pair_close(&p);
		}
		SSL_CTX_free(ctx);
	}
}

TEST(the_end_is_the_peers_word_and_not_silence)
{
	SSL_CTX *ctx = server_context(TLS1_2_VERSION);
	struct pair p;

	pair_open(&p, ctx, 65536);
	shake_hands(&p);
	server_says(&p, BYTES("bye"));
	from_server(&p);
	CHECK_EQ(p.err, ERR_AGAIN);
	CHECK(!tls_peer_closed(p.tls));
	SSL_shutdown(p.server);
	from_server(&p);
	CHECK_EQ(p.err, ERR_CLOSED);
	CHECK(tls_peer_closed(p.tls));
	CHECK_OK(tls_write(p.tls, BYTES("still here")), "one way is closed, not both");
	check_server_hears(&p, BYTES("still here"));
	tls_close(p.tls);
	CHECK(p.out.len > 0);
	to_server(&p);
	CHECK_EQ(SSL_shutdown(p.server), 1, "it heard ours");
	tls_close(p.tls);
	CHECK_EQ(p.out.len, 0, "said once");
	pair_close(&p);
	SSL_CTX_free(ctx);
}

TEST(a_side_that_never_shook_hands_says_no_goodbye)
{
	SSL_CTX *ctx = server_context(TLS1_2_VERSION);
	struct pair p;

	pair_open(&p, ctx, 65536);
	take(&p, BYTES_NONE);
	CHECK_EQ(p.err, ERR_AGAIN);
	text_clear(&p.out);
	tls_close(p.tls);
	CHECK_EQ(p.out.len, 0);
	pair_close(&p);
	SSL_CTX_free(ctx);
}

TEST(a_server_of_tls_1_3_alone_is_not_for_us)
{
	SSL_CTX *ctx = server_context(TLS1_3_VERSION);
	struct pair p;

	pair_open(&p, ctx, 65536);
	shake_hands(&p);
	CHECK_EQ(p.err, ERR_TLS_HANDSHAKE);
	CHECK_EQ(tls_handshake(p.tls), ERR_TLS_HANDSHAKE, "it stays so");
	pair_close(&p);
	SSL_CTX_free(ctx);
}

TEST(what_is_no_tls_fails_the_handshake_with_an_alert)
{
	static const char *const texts[] = { "HTTP/1.1 400 Bad Request\r\n\r\n", "SSH-2.0-x\r\n",
					     "\x16\x03\x03\x00\x04\x02\xff\xff\xff\xff" };
	SSL_CTX *ctx = server_context(TLS1_2_VERSION);

	for (size_t i = 0; i < COUNT(texts); i++) {
		struct pair p;

		pair_open(&p, ctx, 65536);
		take(&p, BYTES_NONE);
		take(&p, bytes_of(texts[i]));
		if (i < 2)
			CHECK_EQ(p.err, ERR_TLS_HANDSHAKE, "%zu", i);
		else
			CHECK(p.err == ERR_AGAIN || p.err == ERR_TLS_HANDSHAKE);
		pair_close(&p);
	}
	SSL_CTX_free(ctx);
}

/* Every byte of a record changed: never the wrong text, never a crash, and no end believed. */
TEST(a_record_that_was_tampered_with_is_refused)
{
	SSL_CTX *ctx = server_context(TLS1_2_VERSION);
	char wire[256];
	int len = 1;

	for (int at = 0; at < len; at++) {
		struct pair p;

		pair_open(&p, ctx, 65536);
		shake_hands(&p);
		server_says(&p, BYTES("transfer 10"));
		len = BIO_read(SSL_get_wbio(p.server), wire, sizeof wire);
		CHECK(len > 20);
		wire[at] = (char)(wire[at] ^ 1);
		take(&p, bytes_make(wire, (size_t)len));
		CHECK_EQ(p.got.len, 0, "byte %d", at);
		CHECK(p.err == ERR_BAD_MESSAGE || p.err == ERR_AGAIN, "byte %d", at);
		CHECK(!tls_peer_closed(p.tls));
		if (p.err == ERR_BAD_MESSAGE)
			CHECK_EQ(tls_write(p.tls, BYTES("x")), ERR_BAD_MESSAGE, "byte %d", at);
		pair_close(&p);
	}
	SSL_CTX_free(ctx);
}

/* A server that asks for a new handshake is not followed: data goes on, or all ends. */
TEST(renegotiation_is_refused)
{
	SSL_CTX *ctx = server_context(TLS1_2_VERSION);
	struct pair p;

	pair_open(&p, ctx, 65536);
	shake_hands(&p);
	CHECK_EQ(SSL_renegotiate(p.server), 1);
	SSL_do_handshake(p.server);
	text_clear(&p.out);
	from_server(&p);
	CHECK(p.out.len < 100, "no ClientHello went out, but %zu bytes", p.out.len);
	CHECK_EQ(p.got.len, 0);
	pair_close(&p);
	SSL_CTX_free(ctx);
}
