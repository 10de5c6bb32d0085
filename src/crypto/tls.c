#include "crypto/tls.h"

#include <limits.h>
#include <stdlib.h>

#include <openssl/err.h>

#include "crypto/tls_internal.h"

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

BIO_METHOD *tls_wire_method(void)
{
	BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "wire");

	if (method && BIO_meth_set_write(method, wire_write) &&
	    BIO_meth_set_read(method, wire_read) && BIO_meth_set_ctrl(method, wire_control))
		return method;
	BIO_meth_free(method);
	return NULL;
}

/* ---- Connections ---- */

static err_t create(struct tls_context *context, void (*emit)(void *owner, struct bytes wire),
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
	tls->first = tls_context_ref(context);
	tls->context = tls_context_ref(context);
	BIO_set_data(bio, tls);
	BIO_set_init(bio, 1);
	SSL_set_bio(ssl, bio, bio);
	SSL_set_app_data(ssl, tls);
	*ret_tls = tls;
	return ERR_OK;
}

err_t tls_create(struct tls_context *context, void (*emit)(void *owner, struct bytes wire),
		 void *owner, struct tls **ret_tls)
{
	TRY(create(context, emit, owner, ret_tls));
	SSL_set_connect_state((*ret_tls)->ssl);
	return ERR_OK;
}

err_t tls_memory_create(struct tls_memory **ret_memory)
{
	*ret_memory = calloc(1, sizeof **ret_memory);
	return *ret_memory ? ERR_OK : ERR_NOMEM;
}

void tls_memory_destroy(struct tls_memory *memory)
{
	if (!memory)
		return;
	SSL_SESSION_free(memory->session);
	free(memory);
}

/*
 * SSL_get_error looks at the thread's queue of errors. It is nearly always empty, and emptying it
 * costs a tenth of what it takes to write a small record.
 */
static void forget_errors(void)
{
	if (ERR_peek_error())
		ERR_clear_error();
}

/* A session that OpenSSL does not take is no harm: the handshake is a full one. */
void tls_remember(struct tls *tls, struct tls_memory *memory)
{
	tls->memory = memory;
	if (memory->session)
		SSL_set_session(tls->ssl, memory->session);
	forget_errors();
}

err_t tls_create_server(struct tls_context *context, const struct tls_server_events *events,
			void *owner, struct tls **ret_tls)
{
	TRY(create(context, events->emit, owner, ret_tls));
	(*ret_tls)->events = events;
	SSL_set_accept_state((*ret_tls)->ssl);
	return ERR_OK;
}

void tls_destroy(struct tls *tls)
{
	if (!tls)
		return;
	SSL_free(tls->ssl);
	X509_free(tls->turned_away);
	tls_context_unref(tls->first);
	tls_context_unref(tls->context);
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
	tls->failure = ERR_peek_error();
	ERR_clear_error();
	return otherwise;
}

err_t tls_handshake(struct tls *tls)
{
	int result;
	err_t err;

	if (tls->broken)
		return ERR_TLS_HANDSHAKE;
	forget_errors();
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

		forget_errors();
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
		forget_errors();
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
	forget_errors();
	SSL_shutdown(tls->ssl); /* the peer's own is heard by tls_read */
	forget_errors();
}

/* ---- What was agreed on ---- */

struct bytes tls_server_name(const struct tls *tls)
{
	return bytes_of(tls->context->name);
}

struct bytes tls_application(const struct tls *tls)
{
	const unsigned char *name;
	unsigned len;

	SSL_get0_alpn_selected(tls->ssl, &name, &len);
	return bytes_make(name, len);
}

/* The name of whoever's certificate stands in the connection. */
static struct bytes shown_identity(const struct tls *tls)
{
	const X509 *shown = SSL_get_certificate(tls->ssl);

	for (unsigned i = 0; i < tls->context->identity_count; i++)
		if (tls->context->identities[i]->certificate == shown)
			return identity_name(tls->context->identities[i]);
	return BYTES_NONE;
}

static struct bytes group_name(SSL *ssl)
{
	int id = (int)SSL_get_negotiated_group(ssl);
	struct bytes name = id ? bytes_of(SSL_group_to_name(ssl, id)) : BYTES_NONE;

	return bytes_eq_str(name, "x25519") ? BYTES("X25519") : name; /* as ALB writes it */
}

void tls_agreed(const struct tls *tls, struct tls_agreed *ret_agreed)
{
	bool done = SSL_is_init_finished(tls->ssl);

	*ret_agreed = (struct tls_agreed){
		.host = bytes_of(SSL_get_servername(tls->ssl, TLSEXT_NAMETYPE_host_name)),
	};
	if (!done)
		return;
	ret_agreed->protocol = bytes_of(SSL_get_version(tls->ssl));
	ret_agreed->cipher = bytes_of(SSL_get_cipher_name(tls->ssl));
	ret_agreed->group = group_name(tls->ssl);
	ret_agreed->resumed = SSL_session_reused(tls->ssl);
	if (!ret_agreed->resumed)
		ret_agreed->identity = shown_identity(tls);
}

const char *tls_failure_words(const struct tls *tls)
{
	const char *words = tls->failure ? ERR_reason_error_string(tls->failure) : NULL;

	return words ? words : tls->broken ? "unknown reason" : "";
}

bool tls_peer_spoke_http(const struct tls *tls)
{
	return ERR_GET_REASON(tls->failure) == SSL_R_HTTP_REQUEST;
}
