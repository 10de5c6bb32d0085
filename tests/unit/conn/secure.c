/*
 * Client side over TLS: the same exchanges, whatever the cut; the handshake's ends; bounds.
 */
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/text.h"
#include "conn/conn.h"
#include "tests/check.h"
#include "tests/scenario/fake_net.h"

enum { LARGE_BYTES = 3 << 20 };

/*
 * One target at 10.0.0.5:8443 that speaks TLS by OpenSSL's server, and one conn to it. The log:
 *
 *     connected [TLS_HANDSHAKE]     head 200     body N     failed TRUNCATED     idle spent
 */
struct stage {
	struct fake_net *net;
	struct loop *loop;
	struct fake_target *target;
	struct fake_peer *peer; /* the target's end */
	struct tls_context *context;
	SSL_CTX *server_context;
	SSL *server;
	struct conn *conn;
	struct exchange *x;
	struct text log, asked; /* asked: what the target has read */
	size_t body_bytes;
	bool body_wrong; /* not the letters in turn */
};

/* ---- The target ---- */

static SSL_CTX *server_context(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();

	X509_gmtime_adj(X509_getm_notBefore(cert), 0);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_set_pubkey(cert, key);
	CHECK(X509_sign(cert, key, EVP_sha256()) > 0);
	CHECK_EQ(SSL_CTX_use_certificate(ctx, cert), 1);
	CHECK_EQ(SSL_CTX_use_PrivateKey(ctx, key), 1);
	X509_free(cert);
	EVP_PKEY_free(key);
	return ctx;
}

static void flush_server(struct stage *stage)
{
	char wire[20000];
	int len;

	while ((len = BIO_read(SSL_get_wbio(stage->server), wire, sizeof wire)) > 0)
		fake_send_bytes(stage->peer, bytes_make(wire, (size_t)len));
}

static void on_open(struct fake_peer *peer, void *owner)
{
	((struct stage *)owner)->peer = peer;
}

static void on_received(struct fake_peer *peer, void *owner, struct bytes data)
{
	struct stage *stage = owner;
	char plain[4096];
	int len;

	(void)peer;
	if (!stage->server)
		return;
	BIO_write(SSL_get_rbio(stage->server), data.at, (int)data.len);
	while ((len = SSL_read(stage->server, plain, sizeof plain)) > 0)
		text_add(&stage->asked, bytes_make(plain, (size_t)len));
	flush_server(stage);
}

static void target_says(struct stage *stage, const char *text)
{
	CHECK_EQ(SSL_write(stage->server, text, (int)strlen(text)), (int)strlen(text));
	flush_server(stage);
	fake_run_ms(stage->net, 5);
}

/* ---- The owner ---- */

static void on_head(struct exchange *x, void *owner, const struct http_head *head)
{
	struct stage *stage = owner;

	CHECK(x == stage->x);
	text_printf(&stage->log, "head %u\n", head->status);
}

static void on_body(struct exchange *x, void *owner, const struct http_body *body)
{
	struct stage *stage = owner;

	for (unsigned i = 0; i < body->data_count; i++)
		for (size_t k = 0; k < body->data[i].len; k++)
			stage->body_wrong |= body->data[i].at[k] !=
					     (char)('a' + stage->body_bytes++ % 26);
	if (!body->end)
		return;
	text_printf(&stage->log, "body %zu\n", stage->body_bytes);
	stage->x = NULL;
	exchange_close(x);
}

static void on_drained(struct exchange *x, void *owner)
{
	(void)x;
	text_add_str(&((struct stage *)owner)->log, "drained\n");
}

static void on_failed(struct exchange *x, void *owner, err_t why)
{
	struct stage *stage = owner;

	(void)x;
	stage->x = NULL;
	text_printf(&stage->log, "failed %s\n", err_name(why));
}

static const struct exchange_events exchange_events = { on_head, on_body, on_drained, on_failed };

static void on_connected(void *owner, struct conn *conn, err_t err)
{
	struct stage *stage = owner;

	text_printf(&stage->log, "connected %s\n", err_name(err));
	if (err) {
		conn_destroy(conn);
		stage->conn = NULL;
	}
}

static void on_idle(void *owner, struct conn *conn, bool reusable)
{
	struct stage *stage = owner;

	text_add_str(&stage->log, reusable ? "idle reusable\n" : "idle spent\n");
	if (reusable)
		return;
	conn_destroy(conn);
	stage->conn = NULL;
}

static const struct conn_client_events conn_events = { on_connected, on_idle };

static void open_stage(struct stage *stage, const struct fake_options *options, bool speaks_tls)
{
	static const struct fake_script script = { on_open, on_received, NULL };
	struct conn_client_options client = { .events = &conn_events, .connect_ms = 1000 };

	*stage = (struct stage){ .net = fake_net_create(options) };
	text_init(&stage->log, 4096);
	text_init(&stage->asked, 8 << 20);
	CHECK_OK(loop_create(&stage->loop));
	CHECK_OK(tls_context_for_targets(&(struct tls_target_options){ .tls13 = false },
					 &stage->context));
	stage->server_context = server_context();
	if (speaks_tls) {
		stage->server = SSL_new(stage->server_context);
		SSL_set_bio(stage->server, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
		SSL_set_accept_state(stage->server);
	}
	stage->target = fake_listen(stage->net, "10.0.0.5:8443", &script, stage);
	CHECK_OK(address_parse(BYTES("10.0.0.5:8443"), &client.to));
	client.loop = stage->loop;
	client.owner = stage;
	client.tls = stage->context;
	CHECK_OK(conn_connect(&client, &stage->conn));
	fake_run_ms(stage->net, 50);
}

static void close_stage(struct stage *stage)
{
	conn_destroy(stage->conn);
	fake_run_ms(stage->net, 5);
	CHECK_EQ(fake_open_count(stage->net), 0);
	loop_destroy(stage->loop);
	fake_net_destroy(stage->net);
	SSL_free(stage->server);
	SSL_CTX_free(stage->server_context);
	tls_context_unref(stage->context);
	text_fini(&stage->log);
	text_fini(&stage->asked);
	ERR_clear_error();
}

static void ask(struct stage *stage)
{
	struct http_head head = { .version = HTTP_1_1,
				  .method = BYTES("GET"),
				  .target = BYTES("/"),
				  .framing = HTTP_BODY_NONE };

	CHECK_OK(exchange_open(stage->conn, &exchange_events, stage, &stage->x));
	CHECK_OK(exchange_send_head(stage->x, &head));
	fake_run_ms(stage->net, 5);
}

/* ---- Tests ---- */

TEST(exchanges_follow_each_other_at_every_cut)
{
	for (uint32_t cut = 0; cut < 40; cut++) {
		struct fake_options options = { .cut_bytes = cut };
		struct stage stage;

		open_stage(&stage, &options, true);
		for (int i = 0; i < 2; i++) {
			stage.body_bytes = 0;
			ask(&stage);
			CHECK_BYTES(text_bytes(&stage.asked), "GET / HTTP/1.1\r\n\r\n");
			text_clear(&stage.asked);
			target_says(&stage, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab");
			target_says(&stage, "cde");
		}
		CHECK(!stage.body_wrong);
		CHECK_STR(text_str(&stage.log),
			  "connected OK\nhead 200\nbody 5\nidle reusable\n"
			  "head 200\nbody 5\nidle reusable\n",
			  "cut %u", cut);
		close_stage(&stage);
	}
}

TEST(a_body_that_ends_with_the_connection_needs_the_goodbye_of_tls)
{
	for (int polite = 0; polite < 2; polite++) {
		struct stage stage;

		open_stage(&stage, NULL, true);
		ask(&stage);
		target_says(&stage, "HTTP/1.1 200 OK\r\n\r\nabc");
		if (polite)
			SSL_shutdown(stage.server);
		flush_server(&stage);
		fake_finish(stage.peer);
		fake_run_ms(stage.net, 5);
		CHECK_STR(text_str(&stage.log),
			  polite ? "connected OK\nhead 200\nbody 3\nidle spent\n"
				 : "connected OK\nhead 200\nfailed TRUNCATED\nidle spent\n");
		close_stage(&stage);
	}
}

TEST(a_paused_exchange_hears_of_a_cut_only_after_what_came_before_it)
{
	struct stage stage;

	open_stage(&stage, NULL, true);
	ask(&stage);
	exchange_pause(stage.x);
	target_says(&stage, "HTTP/1.1 200 OK\r\n\r\nabc");
	fake_finish(stage.peer);
	fake_run_ms(stage.net, 5);
	CHECK_STR(text_str(&stage.log), "connected OK\n");
	exchange_resume(stage.x);
	fake_run_ms(stage.net, 5);
	CHECK_STR(text_str(&stage.log), "connected OK\nhead 200\nfailed TRUNCATED\nidle spent\n");
	CHECK_EQ(stage.body_bytes, 3);
	close_stage(&stage);
}

TEST(an_idle_connection_whose_target_says_goodbye_is_spent)
{
	struct stage stage;

	open_stage(&stage, NULL, true);
	ask(&stage);
	target_says(&stage, "HTTP/1.1 204 No Content\r\n\r\n");
	SSL_shutdown(stage.server);
	flush_server(&stage);
	fake_run_ms(stage.net, 5);
	CHECK_STR(text_str(&stage.log),
		  "connected OK\nhead 204\nbody 0\nidle reusable\nidle spent\n");
	close_stage(&stage);
}

TEST(a_handshake_that_stalls_takes_no_longer_than_the_connect_may)
{
	struct stage stage;

	open_stage(&stage, NULL, false);
	fake_run_ms(stage.net, 900);
	CHECK_STR(text_str(&stage.log), "");
	fake_run_ms(stage.net, 100);
	CHECK_STR(text_str(&stage.log), "connected EXPIRED\n");
	close_stage(&stage);
}

TEST(what_is_no_tls_or_leaves_fails_the_handshake)
{
	for (int kind = 0; kind < 3; kind++) {
		struct stage stage;

		open_stage(&stage, NULL, false);
		if (kind == 0)
			fake_send(stage.peer, "HTTP/1.1 400 Bad Request\r\n\r\n");
		else if (kind == 1)
			fake_finish(stage.peer);
		else
			fake_reset(stage.peer);
		fake_run_ms(stage.net, 5);
		CHECK_STR(text_str(&stage.log), "connected TLS_HANDSHAKE\n", "%d", kind);
		close_stage(&stage);
	}
}

TEST(a_connection_given_up_in_the_handshake_leaves_nothing)
{
	struct stage stage;

	open_stage(&stage, NULL, false);
	close_stage(&stage);
}

TEST(a_broken_record_ends_the_exchange)
{
	struct stage stage;

	open_stage(&stage, NULL, true);
	ask(&stage);
	fake_send(stage.peer, "HTTP/1.1 200 OK\r\n\r\n");
	fake_run_ms(stage.net, 5);
	CHECK_STR(text_str(&stage.log), "connected OK\nfailed BAD_MESSAGE\nidle spent\n");
	close_stage(&stage);
}

/* The target sends megabytes to somebody who listens now and then. */
TEST(a_paused_exchange_holds_the_target_back)
{
	static char piece[26 * 1000];
	struct fake_options options = { .window_bytes = 64 * 1024 };
	struct stage stage;
	size_t before;

	for (size_t i = 0; i < sizeof piece; i++)
		piece[i] = (char)('a' + i % 26);
	open_stage(&stage, &options, true);
	ask(&stage);
	target_says(&stage, "HTTP/1.1 200 OK\r\nContent-Length: 2600000\r\n\r\n");
	exchange_pause(stage.x);
	for (int i = 0; i < 100; i++)
		CHECK_EQ(SSL_write(stage.server, piece, sizeof piece), sizeof piece);
	flush_server(&stage);
	while (stage.body_bytes < 2600000) {
		fake_run_ms(stage.net, 10);
		before = stage.body_bytes;
		fake_run_ms(stage.net, 100);
		CHECK_EQ(stage.body_bytes, before, "nothing while paused");
		exchange_resume(stage.x);
		fake_run_ms(stage.net, 1);
		CHECK(stage.body_bytes > before);
		if (stage.x)
			exchange_pause(stage.x);
	}
	CHECK(!stage.body_wrong);
	CHECK_STR(text_str(&stage.log), "connected OK\nhead 200\nbody 2600000\nidle reusable\n");
	close_stage(&stage);
}

TEST(a_target_that_does_not_read_fills_the_queue_and_drains_it)
{
	static char piece[10000];
	struct http_head head = { .version = HTTP_1_1,
				  .method = BYTES("POST"),
				  .target = BYTES("/"),
				  .framing = HTTP_BODY_LENGTH,
				  .length = LARGE_BYTES };
	struct fake_options options = { .window_bytes = 64 * 1024 };
	size_t sent = 0, head_bytes;
	struct stage stage;

	memset(piece, 'x', sizeof piece);
	open_stage(&stage, &options, true);
	CHECK_OK(exchange_open(stage.conn, &exchange_events, &stage, &stage.x));
	CHECK_OK(exchange_send_head(stage.x, &head));
	while (sent < LARGE_BYTES) {
		size_t len = size_min(sizeof piece, LARGE_BYTES - sent);

		fake_stop_reading(stage.peer);
		if (exchange_send_data(stage.x, bytes_make(piece, len), false) == CONN_FULL) {
			CHECK(exchange_queued_bytes(stage.x) <= CONN_QUEUE_MAX);
			text_clear(&stage.log);
			fake_run_ms(stage.net, 50);
			CHECK_STR(text_str(&stage.log), "");
			fake_resume_reading(stage.peer);
			fake_run_ms(stage.net, 50);
			CHECK_STR(text_str(&stage.log), "drained\n");
		}
		sent += len;
	}
	fake_resume_reading(stage.peer);
	fake_run_ms(stage.net, 50);
	head_bytes = bytes_find(text_bytes(&stage.asked), BYTES("\r\n\r\n")) + 4;
	CHECK_EQ(stage.asked.len, head_bytes + LARGE_BYTES);
	text_clear(&stage.log);
	target_says(&stage, "HTTP/1.1 204 No Content\r\n\r\n");
	CHECK_STR(text_str(&stage.log), "head 204\nbody 0\nidle reusable\n");
	close_stage(&stage);
}
