#include "crypto/tls.h"

#include <limits.h>
#include <stdlib.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

struct tls_context {
	SSL_CTX *ssl;
	BIO_METHOD *wire; /* how OpenSSL sees struct tls */
};

struct tls {
	SSL *ssl;
	struct bytes wire; /* given, not yet read */
	void (*emit)(void *owner, struct bytes wire);
	void *owner;
	bool broken; /* nothing more can be read or written */
};

/*
 * The parts A B C D E of the policies, in their order of preference (reference §3.9). Security
 * level 0, since TLS 1.0 and 1.1 sign with SHA-1, and targets may have old keys.
 */
static const char target_ciphers[] =
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-SHA256:"
	"ECDHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:"
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES256-SHA384:"
	"ECDHE-RSA-AES256-SHA384:ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA:AES128-GCM-SHA256:"
	"AES128-SHA256:AES128-SHA:AES256-GCM-SHA384:AES256-SHA256:AES256-SHA:@SECLEVEL=0";

/* ---- The wire, as OpenSSL reads and writes it ---- */

static int wire_write(BIO *bio, const char *at, int len)
{
	struct tls *tls = BIO_get_data(bio);

	tls->emit(tls->owner, bytes_make(at, (size_t)len));
	return len;
}

static int wire_read(BIO *bio, char *out, int cap)
{
	struct tls *tls = BIO_get_data(bio);
	size_t len = size_min((size_t)cap, tls->wire.len);

	BIO_clear_retry_flags(bio);
	if (!len) {
		BIO_set_retry_read(bio);
		return -1;
	}
	memcpy(out, tls->wire.at, len);
	tls->wire = bytes_from(tls->wire, len);
	return (int)len;
}

static long wire_control(BIO *bio, int command, long number, void *pointer)
{
	(void)bio, (void)number, (void)pointer;
	return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *wire_method(void)
{
	BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "wire");

	if (method && BIO_meth_set_write(method, wire_write) &&
	    BIO_meth_set_read(method, wire_read) && BIO_meth_set_ctrl(method, wire_control))
		return method;
	BIO_meth_free(method);
	return NULL;
}

/* ---- Contexts ---- */

/*
 * No cache of sessions: it would be a lock that all workers share. Targets too old for secure
 * renegotiation are welcome, since nobody renegotiates.
 */
static bool set_up(SSL_CTX *ssl)
{
	SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
					 SSL_OP_NO_TICKET | SSL_OP_LEGACY_SERVER_CONNECT);
	SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_verify(ssl, SSL_VERIFY_NONE, NULL);
	return SSL_CTX_set_cipher_list(ssl, target_ciphers) &&
	       SSL_CTX_set_min_proto_version(ssl, TLS1_VERSION) &&
	       SSL_CTX_set_max_proto_version(ssl, TLS1_2_VERSION);
}

err_t tls_context_for_targets(struct tls_context **ret_context)
{
	struct tls_context *context = calloc(1, sizeof *context);

	if (!context)
		return ERR_NOMEM;
	context->ssl = SSL_CTX_new(TLS_client_method());
	context->wire = wire_method();
	if (!context->ssl || !context->wire || !set_up(context->ssl)) {
		ERR_clear_error();
		tls_context_destroy(context);
		return ERR_SYSTEM;
	}
	*ret_context = context;
	return ERR_OK;
}

void tls_context_destroy(struct tls_context *context)
{
	if (!context)
		return;
	SSL_CTX_free(context->ssl);
	BIO_meth_free(context->wire);
	free(context);
}

/* ---- Connections ---- */

err_t tls_create(struct tls_context *context, void (*emit)(void *owner, struct bytes wire),
		 void *owner, struct tls **ret_tls)
{
	struct tls *tls = calloc(1, sizeof *tls);
	SSL *ssl = SSL_new(context->ssl);
	BIO *bio = BIO_new(context->wire);

	if (!tls || !ssl || !bio) {
		ERR_clear_error();
		BIO_free(bio);
		SSL_free(ssl);
		free(tls);
		return ERR_NOMEM;
	}
	tls->ssl = ssl;
	tls->emit = emit;
	tls->owner = owner;
	BIO_set_data(bio, tls);
	BIO_set_init(bio, 1);
	SSL_set_bio(ssl, bio, bio);
	SSL_set_connect_state(ssl);
	*ret_tls = tls;
	return ERR_OK;
}

void tls_destroy(struct tls *tls)
{
	if (!tls)
		return;
	SSL_free(tls->ssl);
	free(tls);
}

void tls_give(struct tls *tls, struct bytes wire)
{
	tls->wire = wire;
}

/* What a call that did not succeed means; `otherwise` when it never will. */
static err_t reason(struct tls *tls, int result, err_t otherwise)
{
	switch (SSL_get_error(tls->ssl, result)) {
	case SSL_ERROR_WANT_READ: return ERR_AGAIN;
	case SSL_ERROR_ZERO_RETURN: return ERR_CLOSED;
	default: break;
	}
	tls->broken = true;
	ERR_clear_error();
	return otherwise;
}

err_t tls_handshake(struct tls *tls)
{
	int result;
	err_t err;

	if (tls->broken)
		return ERR_TLS_HANDSHAKE;
	ERR_clear_error(); /* SSL_get_error looks at the thread's queue */
	result = SSL_do_handshake(tls->ssl);
	if (result == 1)
		return ERR_OK;
	err = reason(tls, result, ERR_TLS_HANDSHAKE);
	return err == ERR_CLOSED ? ERR_TLS_HANDSHAKE : err;
}

err_t tls_read(struct tls *tls, char *out, size_t cap, size_t *ret_len)
{
	*ret_len = 0;
	if (tls->broken)
		return ERR_BAD_MESSAGE;
	while (*ret_len < cap) {
		size_t room = size_min(cap - *ret_len, INT_MAX);
		int got;

		ERR_clear_error();
		got = SSL_read(tls->ssl, out + *ret_len, (int)room);
		if (got <= 0)
			return reason(tls, got, ERR_BAD_MESSAGE);
		*ret_len += (size_t)got;
	}
	return ERR_OK;
}

bool tls_peer_closed(const struct tls *tls)
{
	return SSL_get_shutdown(tls->ssl) & SSL_RECEIVED_SHUTDOWN && !tls->broken;
}

err_t tls_write(struct tls *tls, struct bytes plain)
{
	while (plain.len) {
		size_t len = size_min(plain.len, TLS_RECORD_PLAIN_MAX);
		int result;

		if (tls->broken)
			return ERR_BAD_MESSAGE;
		ERR_clear_error();
		result = SSL_write(tls->ssl, plain.at, (int)len);
		if (result <= 0) { /* emit takes everything, so there is nothing to wait for */
			reason(tls, result, ERR_BAD_MESSAGE);
			tls->broken = true;
			return ERR_BAD_MESSAGE;
		}
		assert((size_t)result == len);
		plain = bytes_from(plain, len);
	}
	return ERR_OK;
}

void tls_close(struct tls *tls)
{
	if (tls->broken || !SSL_is_init_finished(tls->ssl))
		return;
	ERR_clear_error();
	SSL_shutdown(tls->ssl); /* the peer's own is heard by tls_read */
	ERR_clear_error();
}
