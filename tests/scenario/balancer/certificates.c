/* Certificates that change while streams run over TLS: nothing that runs notices. */
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "tests/scenario/balancer/world.h"

#define GET   "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"
#define CHUNK "1\r\nx\r\n"

enum { PEM_MAX = 16 * 1024, BUFFER_BYTES = 20000 };

/* ---- What listeners serve with ---- */

static void take_pem(BIO *bio, struct text *out)
{
	char *at;
	long len = BIO_get_mem_data(bio, &at);

	text_init(out, PEM_MAX);
	text_add(out, bytes_make(at, (size_t)len));
	BIO_free(bio);
}

/* A certificate of its own, for a.example by this organisation. */
static struct identity *identity_of(const char *organisation)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name,
						    "DNS:a.example");
	BIO *cert_bio = BIO_new(BIO_s_mem()), *key_bio = BIO_new(BIO_s_mem());
	struct text cert_pem, key_pem;
	struct identity *identity;
	enum identity_problem problem;

	X509_set_version(cert, X509_VERSION_3);
	X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "O", MBSTRING_ASC,
				   (const unsigned char *)organisation, -1, -1, 0);
	X509_set_issuer_name(cert, X509_get_subject_name(cert));
	X509_add_ext(cert, names, -1);
	X509_set_pubkey(cert, key);
	CHECK(X509_sign(cert, key, EVP_sha256()) > 0);
	PEM_write_bio_X509(cert_bio, cert);
	PEM_write_bio_PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL);
	take_pem(cert_bio, &cert_pem);
	take_pem(key_bio, &key_pem);
	CHECK_OK(identity_read(
		&(struct identity_pems){ text_bytes(&cert_pem), BYTES_NONE, text_bytes(&key_pem) },
		bytes_of(organisation), 0, &identity, &problem));
	text_fini(&cert_pem);
	text_fini(&key_pem);
	X509_EXTENSION_free(names);
	X509_free(cert);
	EVP_PKEY_free(key);
	return identity;
}

static const struct tls_policy policy = {
	.oldest = 2,
	.newest = 3,
	.ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256",
	.suites = "TLS_AES_128_GCM_SHA256",
};

static struct tls_context *context_of(const char *organisation)
{
	struct identity *identity = identity_of(organisation);
	struct tls_server_options options = { .policy = &policy,
					      .identities = &identity,
					      .identity_count = 1,
					      .name = BYTES("arn:listener") };
	struct tls_context *context;

	CHECK_OK(tls_context_for_clients(&options, &context));
	identity_unref(identity);
	return context;
}

/* From the next world_apply on; NULL: with none. */
static void serve_with(struct world *w, const char *organisation)
{
	tls_context_unref(w->listeners[0].tls);
	w->listeners[0].https = true;
	w->listeners[0].tls = organisation ? context_of(organisation) : NULL;
}

static void first_certificate(struct world *w)
{
	serve_with(w, "First");
}

/* ---- A client ---- */

struct guest {
	struct world *w;
	struct fake_peer *peer;
	SSL_CTX *ctx;
	SSL *ssl;
	struct text got;
};

static void flush(struct guest *g)
{
	char wire[BUFFER_BYTES];
	int len;

	while ((len = BIO_read(SSL_get_wbio(g->ssl), wire, sizeof wire)) > 0)
		fake_send_bytes(g->peer, bytes_make(wire, (size_t)len));
}

static void on_received(struct fake_peer *peer, void *owner, struct bytes data)
{
	struct guest *g = owner;
	char plain[4096];
	int len;

	(void)peer;
	BIO_write(SSL_get_rbio(g->ssl), data.at, (int)data.len);
	while ((len = SSL_read(g->ssl, plain, sizeof plain)) > 0)
		text_add(&g->got, bytes_make(plain, (size_t)len));
	flush(g);
}

static const struct fake_script guest_script = { .on_received = on_received };

static void guest_come(struct guest *g, struct world *w, int version)
{
	*g = (struct guest){ .w = w, .got = TEXT_INIT(1 << 20) };
	g->ctx = SSL_CTX_new(TLS_client_method());
	CHECK(SSL_CTX_set_max_proto_version(g->ctx, version));
	g->ssl = SSL_new(g->ctx);
	SSL_set_bio(g->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	SSL_set_tlsext_host_name(g->ssl, "a.example");
	SSL_set_connect_state(g->ssl);
	g->peer = world_connect(w);
	fake_set_script(g->peer, &guest_script, g);
	SSL_do_handshake(g->ssl);
	flush(g);
	fake_run_ms(w->net, 5);
}

static void guest_ask(struct guest *g)
{
	text_clear(&g->got);
	CHECK_EQ(SSL_write(g->ssl, GET, (int)strlen(GET)), (int)strlen(GET));
	flush(g);
	fake_run_ms(g->w->net, 5);
}

static void guest_leave(struct guest *g)
{
	if (fake_is_open(g->peer))
		fake_close(g->peer);
	fake_run_ms(g->w->net, 5);
	SSL_free(g->ssl);
	SSL_CTX_free(g->ctx);
	text_fini(&g->got);
}

/* Whose certificate it was shown; "" before the handshake's end. */
static const char *shown(const struct guest *g, char out[64])
{
	X509 *cert = SSL_get0_peer_certificate(g->ssl);

	out[0] = '\0';
	if (cert)
		X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_organizationName, out,
					  64);
	return out;
}

static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

TEST(a_stream_outlives_the_certificate_it_began_with)
{
	for (size_t i = 0; i < COUNT(versions); i++) {
		struct world *w = world_open(first_certificate);
		struct guest old, new;
		struct fake_peer *served;
		char name[64];

		guest_come(&old, w, versions[i]);
		CHECK_STR(shown(&old, name), "First");
		guest_ask(&old);
		served = world_served(w, 0, 0);
		fake_send(served, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" CHUNK);
		fake_run_ms(w->net, 5);

		serve_with(w, "Second");
		world_apply(w);
		guest_come(&new, w, versions[i]);
		CHECK_STR(shown(&new, name), "Second", "at once");
		for (unsigned k = 0; k < 10; k++) {
			fake_send(served, CHUNK);
			fake_run_ms(w->net, 30 * 1000);
		}
		fake_send(served, "0\r\n\r\n");
		fake_run_ms(w->net, 5);
		CHECK(bytes_ends(text_bytes(&old.got), BYTES(CHUNK "0\r\n\r\n")));
		CHECK_EQ(world_count(text_bytes(&old.got), CHUNK), 11, "every token of it");
		CHECK_EQ(world_ended(w, 0)->reason, END_COMPLETE);

		guest_ask(&old);
		fake_send(world_served(w, 0, 0), "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
		fake_run_ms(w->net, 5);
		CHECK(bytes_ends(text_bytes(&old.got), BYTES("\r\n\r\nok")), "it stays good");
		CHECK_STR(shown(&old, name), "First");
		guest_leave(&old);
		guest_leave(&new);
		tls_context_unref(w->listeners[0].tls);
		world_close(w);
	}
}

TEST(without_a_certificate_nobody_comes_in_and_what_runs_goes_on)
{
	struct world *w = world_open(first_certificate);
	struct guest old, new;
	struct fake_peer *served;
	char name[64];

	guest_come(&old, w, TLS1_3_VERSION);
	guest_ask(&old);
	served = world_served(w, 0, 0);
	fake_send(served, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" CHUNK);
	serve_with(w, NULL);
	world_apply(w);
	guest_come(&new, w, TLS1_3_VERSION);
	CHECK_STR(shown(&new, name), "");
	CHECK(!fake_is_open(new.peer));
	fake_send(served, CHUNK "0\r\n\r\n");
	fake_run_ms(w->net, 5);
	CHECK_EQ(world_count(text_bytes(&old.got), CHUNK), 2);
	CHECK_EQ(world_ended(w, 0)->reason, END_COMPLETE);

	serve_with(w, "Third");
	world_apply(w);
	guest_leave(&new);
	guest_come(&new, w, TLS1_3_VERSION);
	CHECK_STR(shown(&new, name), "Third");
	guest_leave(&old);
	guest_leave(&new);
	tls_context_unref(w->listeners[0].tls);
	world_close(w);
}
