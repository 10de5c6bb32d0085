/*
 * TLS on bytes, the server's side: against OpenSSL's own client in memory.
 */
#include "tests/check.h"

#include <pthread.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/text.h"
#include "crypto/tls.h"

enum { WIRE_MAX = 1 << 20, PEM_MAX = 64 * 1024 };

static const struct tls_policy modern = {
	.oldest = 2,
	.newest = 3,
	.ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256",
	.suites = "TLS_AES_128_GCM_SHA256",
};
static const struct tls_policy old = {
	.oldest = 0,
	.newest = 2,
	.ciphers = "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA",
	.suites = "",
};

/* ---- Certificates of our own making ---- */

struct pems {
	struct text certificate, key;
};

static void take_bio(BIO *bio, struct text *out)
{
	char *at;
	long len = BIO_get_mem_data(bio, &at);

	text_init(out, PEM_MAX);
	text_add(out, bytes_make(at, (size_t)len));
	BIO_free(bio);
}

static void make_pems(const char *host, EVP_PKEY *key, const EVP_MD *hash, struct pems *pems)
{
	X509 *cert = X509_new();
	char names[256];
	BIO *bio = BIO_new(BIO_s_mem());
	X509_EXTENSION *san;

	snprintf(names, sizeof names, "DNS:%s", host);
	san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
	X509_set_version(cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 0x03A5B1);
	X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "O", MBSTRING_ASC,
				   (const unsigned char *)"Weir", -1, -1, 0);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
				   (const unsigned char *)host, -1, -1, 0);
	X509_set_issuer_name(cert, X509_get_subject_name(cert));
	X509_add_ext(cert, san, -1);
	X509_set_pubkey(cert, key);
	CHECK(X509_sign(cert, key, hash) > 0);
	PEM_write_bio_X509(bio, cert);
	take_bio(bio, &pems->certificate);
	bio = BIO_new(BIO_s_mem());
	PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
	take_bio(bio, &pems->key);
	X509_EXTENSION_free(san);
	X509_free(cert);
}

static void pems_free(struct pems *pems)
{
	text_fini(&pems->certificate);
	text_fini(&pems->key);
}

static struct identity *identity_make(const char *host, const char *name, EVP_PKEY *key,
				      const EVP_MD *hash)
{
	struct identity_pems parts = { .chain = BYTES_NONE };
	struct identity *identity;
	enum identity_problem problem;
	struct pems pems;

	make_pems(host, key, hash, &pems);
	parts.certificate = text_bytes(&pems.certificate);
	parts.key = text_bytes(&pems.key);
	CHECK_EQ(identity_read(&parts, bytes_of(name), 1, &identity, &problem), ERR_INVALID);
	CHECK_EQ(problem, IDENTITY_NOT_YET, "it was 1970");
	CHECK_OK(identity_read(&parts, bytes_of(name), 0, &identity, &problem));
	pems_free(&pems);
	EVP_PKEY_free(key);
	return identity;
}

static struct identity *ec_identity(const char *host, const char *name)
{
	return identity_make(host, name, EVP_EC_gen("P-256"), EVP_sha256());
}

static struct identity *rsa_identity(const char *host, const char *name)
{
	return identity_make(host, name, EVP_RSA_gen(2048), EVP_sha256());
}

/* ---- A server and a client ---- */

struct pair {
	struct tls_context *contexts[2];
	struct tls *tls;
	struct text out, got;
	SSL_CTX *client_ctx;
	SSL *client;
	err_t err;
	bool up;
	char asked[64];
	int chosen; /* index of contexts; -1: refuses */
};

static void emit(void *owner, struct bytes wire)
{
	text_add(&((struct pair *)owner)->out, wire);
}

static struct tls_context *choose(void *owner, struct bytes host)
{
	struct pair *p = owner;

	snprintf(p->asked, sizeof p->asked, "%.*s", BYTES_ARG(host));
	return p->chosen < 0 ? NULL : p->contexts[p->chosen];
}

static const struct tls_server_events choosing = { .emit = emit, .choose = choose };

static struct tls_context *context_make(const struct tls_policy *policy,
					struct identity *const *identities, unsigned count,
					struct tls_tickets *tickets)
{
	struct tls_context *context;

	CHECK_OK(tls_context_for_clients(&(struct tls_server_options){ .policy = policy,
								       .identities = identities,
								       .identity_count = count,
								       .http2 = true,
								       .tickets = tickets,
								       .name = BYTES("a") },
					 &context));
	for (unsigned i = 0; i < count; i++)
		identity_unref(identities[i]);
	return context;
}

static void pair_begin(struct pair *p, const char *host)
{
	text_init(&p->out, WIRE_MAX);
	text_init(&p->got, WIRE_MAX);
	CHECK_OK(tls_create_server(p->contexts[0], &choosing, p, &p->tls));
	if (!p->client_ctx)
		p->client_ctx = SSL_CTX_new(TLS_client_method());
	p->client = SSL_new(p->client_ctx);
	SSL_set_security_level(p->client, 0);
	SSL_set_bio(p->client, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	SSL_set_connect_state(p->client);
	if (host)
		SSL_set_tlsext_host_name(p->client, host);
}

static void pair_end(struct pair *p)
{
	tls_destroy(p->tls);
	SSL_set_shutdown(p->client, SSL_SENT_SHUTDOWN); /* else its session is given up */
	SSL_free(p->client);
	text_fini(&p->out);
	text_fini(&p->got);
	p->up = false;
	ERR_clear_error();
}

static void pair_free(struct pair *p)
{
	SSL_CTX_free(p->client_ctx);
	tls_context_unref(p->contexts[0]);
	tls_context_unref(p->contexts[1]);
}

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

static void to_server(struct pair *p, size_t step)
{
	char wire[16 * 1024];
	int len;

	while ((len = BIO_read(SSL_get_wbio(p->client), wire, (int)size_min(step, sizeof wire))) >
	       0)
		take(p, bytes_make(wire, (size_t)len));
}

static void to_client(struct pair *p)
{
	if (p->out.len)
		BIO_write(SSL_get_rbio(p->client), p->out.at, (int)p->out.len);
	text_clear(&p->out);
}

/* True when both sides agree. */
static bool shake_hands(struct pair *p, size_t step)
{
	char none[1];

	for (int i = 0; i < 6; i++) {
		SSL_do_handshake(p->client);
		to_server(p, step);
		to_client(p);
	}
	SSL_read(p->client, none, sizeof none); /* tickets */
	return p->up && SSL_is_init_finished(p->client);
}

static struct tls_agreed agreed_of(struct pair *p)
{
	struct tls_agreed agreed;

	tls_agreed(p->tls, &agreed);
	return agreed;
}

/* ---- Tests ---- */

TEST(bytes_pass_both_ways_however_the_wire_is_cut)
{
	static const size_t steps[] = { 1, 7, 100, 16 * 1024 };
	struct pair p = { .chosen = 0 };
	struct identity *identity = ec_identity("a.example", "arn:a");

	p.contexts[0] = context_make(&modern, &identity, 1, NULL);
	for (size_t i = 0; i < COUNT(steps); i++) {
		char heard[100];

		pair_begin(&p, "a.example");
		CHECK(shake_hands(&p, steps[i]), "in steps of %zu", steps[i]);
		CHECK_EQ(SSL_write(p.client, "hello", 5), 5);
		to_server(&p, steps[i]);
		CHECK_BYTES(text_bytes(&p.got), "hello");
		CHECK_OK(tls_write(p.tls, BYTES("token")));
		to_client(&p);
		CHECK_EQ(SSL_read(p.client, heard, sizeof heard), 5);
		CHECK_BYTES(agreed_of(&p).protocol, "TLSv1.3");
		CHECK_BYTES(agreed_of(&p).cipher, "TLS_AES_128_GCM_SHA256");
		CHECK_BYTES(agreed_of(&p).group, "X25519");
		CHECK_BYTES(agreed_of(&p).host, "a.example");
		CHECK_BYTES(agreed_of(&p).identity, "arn:a");
		pair_end(&p);
	}
	pair_free(&p);
}

TEST(the_certificate_follows_the_name_and_the_kind_of_key)
{
	static const struct {
		const char *host, *ciphers, *identity;
	} rows[] = {
		{ NULL, NULL, "arn:default" },
		{ "nobody.example", NULL, "arn:default" },
		{ "one.example", NULL, "arn:one" },
		{ "ONE.example", NULL, "arn:one" },
		{ "a.two.example", NULL, "arn:two-ec" },
		{ "a.two.example", "ECDHE-RSA-AES128-GCM-SHA256", "arn:two-rsa" },
		{ "a.b.two.example", NULL, "arn:default" },
	};
	struct identity *identities[] = {
		rsa_identity("default.example", "arn:default"),
		rsa_identity("one.example", "arn:one"),
		rsa_identity("*.two.example", "arn:two-rsa"),
		ec_identity("*.two.example", "arn:two-ec"),
	};
	struct pair p = { .chosen = 0 };

	p.contexts[0] = context_make(&modern, identities, COUNT(identities), NULL);
	for (size_t i = 0; i < COUNT(rows); i++) {
		pair_begin(&p, rows[i].host);
		if (rows[i].ciphers) {
			SSL_set_max_proto_version(p.client, TLS1_2_VERSION);
			SSL_set_cipher_list(p.client, rows[i].ciphers);
		}
		CHECK(shake_hands(&p, 16384), "row %zu", i);
		CHECK(bytes_eq_str(agreed_of(&p).identity, rows[i].identity), "row %zu: %.*s", i,
		      BYTES_ARG(agreed_of(&p).identity));
		pair_end(&p);
	}
	pair_free(&p);
}

TEST(of_several_that_fit_the_longest_key_is_shown_if_the_client_can)
{
	struct identity *identities[] = {
		ec_identity("default.example", "arn:default"),
		identity_make("x.example", "arn:small", EVP_EC_gen("P-256"), EVP_sha256()),
		identity_make("x.example", "arn:large", EVP_EC_gen("P-384"), EVP_sha256()),
	};
	struct pair p = { .chosen = 0 };

	p.contexts[0] = context_make(&modern, identities, COUNT(identities), NULL);
	pair_begin(&p, "x.example");
	CHECK(shake_hands(&p, 16384));
	CHECK_BYTES(agreed_of(&p).identity, "arn:large");
	pair_end(&p);
	pair_begin(&p, "x.example");
	SSL_set_max_proto_version(p.client, TLS1_2_VERSION);
	SSL_set1_groups_list(p.client, "P-256");
	CHECK(shake_hands(&p, 16384));
	CHECK_BYTES(agreed_of(&p).identity, "arn:small");
	pair_end(&p);
	pair_free(&p);
}

TEST(another_context_brings_its_versions_and_ciphers)
{
	struct identity *first = ec_identity("a.example", "arn:a");
	struct identity *second = rsa_identity("b.example", "arn:b");
	struct pair p = { .chosen = 1 };

	p.contexts[0] = context_make(&modern, &first, 1, NULL);
	p.contexts[1] = context_make(&old, &second, 1, NULL);
	pair_begin(&p, "b.example");
	CHECK(shake_hands(&p, 16384));
	CHECK_STR(p.asked, "b.example");
	CHECK_BYTES(agreed_of(&p).protocol, "TLSv1.2");
	CHECK_BYTES(agreed_of(&p).cipher, "ECDHE-RSA-AES128-SHA");
	CHECK_BYTES(agreed_of(&p).identity, "arn:b");
	pair_end(&p);

	pair_begin(&p, "b.example");
	SSL_set_max_proto_version(p.client, TLS1_VERSION);
	SSL_set_cipher_list(p.client, "ALL:@SECLEVEL=0");
	CHECK(shake_hands(&p, 16384));
	CHECK_BYTES(agreed_of(&p).protocol, "TLSv1");
	pair_end(&p);
	pair_free(&p);
}

TEST(a_name_that_nobody_serves_is_turned_away_with_an_alert)
{
	struct identity *identity = ec_identity("a.example", "arn:a");
	struct pair p = { .chosen = -1 };

	p.contexts[0] = context_make(&modern, &identity, 1, NULL);
	pair_begin(&p, "b.example");
	CHECK(!shake_hands(&p, 16384));
	CHECK_EQ(p.err, ERR_TLS_HANDSHAKE);
	CHECK(tls_failure_words(p.tls)[0] != '\0');
	pair_end(&p);
	pair_free(&p);
}

TEST(h2_is_agreed_on_with_who_asks_for_it)
{
	static const struct {
		const char *offer;
		unsigned len;
		const char *agreed;
	} rows[] = {
		{ "", 0, "" },
		{ "\x02h2\x08http/1.1", 12, "h2" },
		{ "\x08http/1.1\x02h2", 12, "h2" },
		{ "\x08http/1.1", 9, "http/1.1" },
		{ "\x08grpc-exp", 9, "" },
	};
	struct identity *identity = ec_identity("a.example", "arn:a");
	struct pair p = { .chosen = 0 };

	p.contexts[0] = context_make(&modern, &identity, 1, NULL);
	for (size_t i = 0; i < COUNT(rows); i++) {
		pair_begin(&p, NULL);
		if (rows[i].len)
			SSL_set_alpn_protos(p.client, (const unsigned char *)rows[i].offer,
					    rows[i].len);
		CHECK(shake_hands(&p, 16384));
		CHECK(bytes_eq_str(tls_application(p.tls), rows[i].agreed), "row %zu", i);
		pair_end(&p);
	}
	pair_free(&p);
}

/* One handshake; with what the client kept of the one before. */
static bool resumes(struct pair *p, SSL_SESSION **session, int version)
{
	bool resumed;

	pair_begin(p, "a.example");
	SSL_set_max_proto_version(p->client, version);
	if (*session)
		SSL_set_session(p->client, *session);
	CHECK(shake_hands(p, 16384));
	resumed = agreed_of(p).resumed;
	CHECK_EQ(resumed, SSL_session_reused(p->client));
	SSL_SESSION_free(*session);
	*session = SSL_get1_session(p->client);
	pair_end(p);
	return resumed;
}

TEST(sessions_are_resumed_until_their_keys_are_three_rotations_old)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	struct identity *identity = ec_identity("a.example", "arn:a");
	struct pair p = { .chosen = 0 };
	struct tls_tickets *tickets;

	CHECK_OK(tls_tickets_create(&tickets));
	p.contexts[0] = context_make(&modern, &identity, 1, tickets);
	for (size_t i = 0; i < COUNT(versions); i++) {
		SSL_SESSION *session = NULL;

		CHECK(!resumes(&p, &session, versions[i]));
		CHECK(resumes(&p, &session, versions[i]), "of %d", versions[i]);
		tls_tickets_rotate(tickets);
		CHECK(resumes(&p, &session, versions[i]));
		tls_tickets_rotate(tickets);
		CHECK(resumes(&p, &session, versions[i]), "the ticket was sealed anew");
		for (int r = 0; r < 3; r++)
			tls_tickets_rotate(tickets);
		CHECK(!resumes(&p, &session, versions[i]));
		SSL_SESSION_free(session);
	}
	tls_tickets_unref(tickets);
	pair_free(&p);
}

/* ---- Threads ---- */

enum { THREADS = 3, HANDSHAKES = 12 };

struct resumer {
	pthread_t thread;
	struct tls_context *context;
	unsigned resumed;
};

static void *resume_often(void *owner)
{
	struct resumer *resumer = owner;
	struct pair p = { .contexts = { resumer->context }, .chosen = 0 };
	SSL_SESSION *session = NULL;

	for (unsigned i = 0; i < HANDSHAKES; i++)
		resumer->resumed += resumes(&p, &session, TLS1_3_VERSION);
	SSL_SESSION_free(session);
	SSL_CTX_free(p.client_ctx);
	return NULL;
}

/* Under ThreadSanitizer: workers share the keys, one context, and nothing that is locked. */
TEST(keys_are_rotated_while_workers_shake_hands)
{
	struct identity *identity = ec_identity("a.example", "arn:a");
	struct resumer resumers[THREADS] = { { .resumed = 0 } };
	struct tls_context *context;
	struct tls_tickets *tickets;

	CHECK_OK(tls_tickets_create(&tickets));
	context = context_make(&modern, &identity, 1, tickets);
	for (unsigned i = 0; i < THREADS; i++) {
		resumers[i].context = context;
		CHECK_EQ(pthread_create(&resumers[i].thread, NULL, resume_often, &resumers[i]), 0);
	}
	for (unsigned i = 0; i < 200; i++) {
		tls_tickets_rotate(tickets);
		usleep(500);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(resumers[i].thread, NULL);
		CHECK(resumers[i].resumed < HANDSHAKES, "the first one had nothing to resume");
	}
	tls_context_unref(context);
	tls_tickets_unref(tickets);
}

TEST(a_session_of_one_listener_is_none_of_another)
{
	struct identity *first = ec_identity("a.example", "arn:a");
	struct identity *second = ec_identity("a.example", "arn:b");
	struct pair p = { .chosen = 0 };
	SSL_SESSION *session = NULL;
	struct tls_tickets *tickets;

	CHECK_OK(tls_tickets_create(&tickets));
	p.contexts[0] = context_make(&modern, &first, 1, tickets);
	CHECK_OK(tls_context_for_clients(&(struct tls_server_options){ .policy = &modern,
								       .identities = &second,
								       .identity_count = 1,
								       .tickets = tickets,
								       .name = BYTES("b") },
					 &p.contexts[1]));
	identity_unref(second);
	CHECK(!resumes(&p, &session, TLS1_3_VERSION));
	p.chosen = 1;
	CHECK(!resumes(&p, &session, TLS1_3_VERSION));
	CHECK(resumes(&p, &session, TLS1_3_VERSION));
	SSL_SESSION_free(session);
	tls_tickets_unref(tickets);
	pair_free(&p);
}

TEST(a_plain_request_is_known_as_one)
{
	struct identity *identity = ec_identity("a.example", "arn:a");
	struct pair p = { .chosen = 0 };

	p.contexts[0] = context_make(&modern, &identity, 1, NULL);
	pair_begin(&p, NULL);
	take(&p, BYTES("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
	CHECK_EQ(p.err, ERR_TLS_HANDSHAKE);
	CHECK(tls_peer_spoke_http(p.tls));
	pair_end(&p);
	pair_free(&p);
}

TEST(a_policy_that_cannot_be_honoured_is_known)
{
	struct tls_policy policy = modern;

	CHECK_OK(tls_policy_check(&policy));
	CHECK_OK(tls_policy_check(&old));
	strcpy(policy.ciphers, "ECDHE-RSA-AES128-GCM-SHA256:NO-SUCH-CIPHER");
	CHECK_EQ(tls_policy_check(&policy), ERR_NOT_FOUND);
	policy = modern;
	policy.groups = "NOSUCHGROUP";
	CHECK_EQ(tls_policy_check(&policy), ERR_NOT_FOUND);
}

/* ---- Identities ---- */

TEST(what_is_wrong_with_an_identity_is_said)
{
	EVP_PKEY *key = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-256");
	EVP_PKEY *odd = EVP_EC_gen("secp256k1");
	struct pems good, another, strange;
	struct identity *identity = NULL;

	make_pems("a.example", key, EVP_sha256(), &good);
	make_pems("b.example", other, EVP_sha256(), &another);
	make_pems("c.example", odd, EVP_sha256(), &strange);
	{
		struct text two = TEXT_INIT(PEM_MAX);
		const struct {
			struct bytes certificate, chain, key;
			enum identity_problem problem;
		} rows[] = {
			{ BYTES("hello"), BYTES(""), text_bytes(&good.key),
			  IDENTITY_NO_CERTIFICATE },
			{ BYTES("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
			  BYTES(""), text_bytes(&good.key), IDENTITY_NO_CERTIFICATE },
			{ text_bytes(&good.certificate), BYTES(""), BYTES("hello"),
			  IDENTITY_NO_KEY },
			{ text_bytes(&good.certificate), BYTES(""), text_bytes(&another.key),
			  IDENTITY_KEY_MISMATCH },
			{ text_bytes(&good.certificate), text_bytes(&another.certificate),
			  text_bytes(&good.key), IDENTITY_CHAIN_MISMATCH },
			{ text_bytes(&good.certificate), BYTES("x"), text_bytes(&good.key),
			  IDENTITY_NO_CHAIN },
			{ text_bytes(&strange.certificate), BYTES(""), text_bytes(&strange.key),
			  IDENTITY_KEY_KIND },
		};
		enum identity_problem problem;

		for (size_t i = 0; i < COUNT(rows); i++) {
			struct identity_pems pems = { rows[i].certificate, rows[i].chain,
						      rows[i].key };

			CHECK_EQ(identity_read(&pems, BYTES("x"), 0, &identity, &problem),
				 ERR_INVALID);
			CHECK_EQ(problem, rows[i].problem, "row %zu", i);
			CHECK(identity_problem_words(problem)[0]);
		}
		text_add(&two, text_bytes(&good.certificate));
		text_add(&two, text_bytes(&another.certificate));
		CHECK_EQ(identity_read(&(struct identity_pems){ text_bytes(&two), BYTES(""),
								text_bytes(&good.key) },
				       BYTES("x"), 0, &identity, &problem),
			 ERR_INVALID);
		CHECK_EQ(problem, IDENTITY_TWO_CERTIFICATES);
		text_fini(&two);
	}
	pems_free(&good);
	pems_free(&another);
	pems_free(&strange);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
	EVP_PKEY_free(odd);
}

TEST(the_facts_of_a_certificate_are_as_the_api_writes_them)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct certificate_facts facts;
	struct arena arena;
	struct pems pems;

	arena_init(&arena, 1 << 20);
	make_pems("a.example", key, EVP_sha256(), &pems);
	CHECK_OK(certificate_facts(text_bytes(&pems.certificate), &arena, &facts));
	CHECK_STR(facts.subject, "CN=a.example,O=Weir");
	CHECK_STR(facts.common_name, "a.example");
	CHECK_STR(facts.issuer_name, "Weir");
	CHECK_STR(facts.serial, "03A5B1");
	CHECK_STR(facts.key_algorithm, "EC_prime256v1");
	CHECK_STR(facts.signature_algorithm, "SHA256WITHECDSA");
	CHECK_STR(facts.dns_names[0], "a.example");
	CHECK(!facts.dns_names[1]);
	CHECK(facts.self_signed);
	CHECK_EQ(facts.not_after_s - facts.not_before_s, 7200);
	CHECK_EQ(certificate_facts(BYTES("no"), &arena, &facts), ERR_SYNTAX);
	pems_free(&pems);
	EVP_PKEY_free(key);
	arena_fini(&arena);
}
