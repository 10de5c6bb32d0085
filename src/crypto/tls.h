/*
 * tls: one TLS connection as a transformation of bytes; no socket, no clock. What arrived goes in
 * with tls_give, plain bytes come out of tls_read; tls_write takes plain bytes and emits wire.
 *
 *   tls_create ─► tls_handshake (ERR_AGAIN: give it more) ─► tls_read, tls_write ─► tls_close
 *
 * A struct tls belongs to one thread at a time. Between calls it keeps a record that has not come
 * whole and nothing else: its big buffers are let go whenever they are empty. Renegotiation is
 * refused, compression off.
 */
#ifndef CRYPTO_TLS_H
#define CRYPTO_TLS_H

#include "base/bytes.h"

struct tls_context; /* versions, ciphers; immutable, shared by all threads */
struct tls;

enum { TLS_RECORD_PLAIN_MAX = 16 * 1024 };

/*
 * For connections to targets, as ELBSecurityPolicy-2016-08 says, the policy toward targets under
 * an HTTP listener: TLS 1.0 to 1.2, its ciphers in their order. Certificates are not verified,
 * whatever they say, as with ALB. ERR_SYSTEM when OpenSSL cannot be had so.
 */
err_t tls_context_for_targets(struct tls_context **ret_context);
void tls_context_destroy(struct tls_context *context); /* after every tls made of it; NULL too */

/*
 * The client's side of a new connection; the caller owns it, the context outlives it. `emit` takes
 * wire bytes, which are gone when it returns; it runs inside the other calls, and makes none.
 * ERR_NOMEM.
 */
err_t tls_create(struct tls_context *context, void (*emit)(void *owner, struct bytes wire),
		 void *owner, struct tls **ret_tls);
void tls_destroy(struct tls *tls); /* says nothing to the peer; NULL is welcome */

/* Bytes that arrived. Borrowed until tls_handshake or tls_read says ERR_AGAIN, or the next give. */
void tls_give(struct tls *tls, struct bytes wire);

/* Goes on as far as it can: ERR_OK when done, ERR_AGAIN, or ERR_TLS_HANDSHAKE (an alert that says
 * why was emitted). */
err_t tls_handshake(struct tls *tls);

/*
 * Fills `out` as far as there is something; *ret_len is always set. ERR_OK: it is full, there may
 * be more. ERR_AGAIN: everything given is used up. ERR_CLOSED: the peer's close_notify, nothing
 * follows. ERR_BAD_MESSAGE: broken records, or a fatal alert.
 */
err_t tls_read(struct tls *tls, char *out, size_t cap, size_t *ret_len);

/* The peer said close_notify: an end of the connection without it may be a cut by anybody. */
bool tls_peer_closed(const struct tls *tls);

/* All of it, at most 16 KiB a record. After the handshake; ERR_BAD_MESSAGE when it is broken. */
err_t tls_write(struct tls *tls, struct bytes plain);

/* Emits close_notify, once, when there was a handshake; nothing is written after it. */
void tls_close(struct tls *tls);

#endif
