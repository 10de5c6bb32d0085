/*
 * tls: one TLS connection as a transformation of bytes; no socket, no clock. What arrived goes in
 * with tls_give, plain bytes come out of tls_read; tls_write takes plain bytes and emits wire.
 *
 *   tls_create ─► tls_handshake (ERR_AGAIN: give it more) ─► tls_read, tls_write ─► tls_close
 *
 * A struct tls belongs to one thread at a time. Between calls it keeps a record that has not come
 * whole and nothing else: its big buffers are let go whenever they are empty. Renegotiation is
 * refused, compression off, 0-RTT never offered.
 */
#ifndef CRYPTO_TLS_H
#define CRYPTO_TLS_H

#include "crypto/identity.h"
#include "crypto/tls_tickets.h"
#include "crypto/trust.h"

struct tls_context; /* versions, ciphers, certificates; immutable, counted, for all threads */
struct tls;

enum {
	TLS_RECORD_PLAIN_MAX = 16 * 1024,
	TLS_CIPHERS_BYTES = 1024,
	TLS_SUITES_BYTES = 128,
};

/* ---- Contexts ---- */

/*
 * For connections to targets. Toward those behind an HTTP listener, or one whose policy has no TLS
 * 1.3, as ELBSecurityPolicy-2016-08 says: TLS 1.0 to 1.2; else as …-TLS13-1-0-2021-06: up to 1.3
 * (reference/alb.md §3.9). Certificates are not verified, whatever they say, as with ALB.
 * ERR_SYSTEM when OpenSSL cannot be had so.
 */
struct tls_target_options {
	bool tls13;
	bool http2; /* ALPN offers h2 alone */
};
err_t tls_context_for_targets(const struct tls_target_options *options,
			      struct tls_context **ret_context);

struct tls_policy {
	uint8_t oldest, newest;		 /* TLS 1.x, 0-3 */
	char ciphers[TLS_CIPHERS_BYTES]; /* up to TLS 1.2: OpenSSL's names in order, by ':' */
	char suites[TLS_SUITES_BYTES];	 /* TLS 1.3, likewise */
	const char *groups; /* of key exchange, when the policy asks for others than the usual */
	bool fips;	    /* only a validated module may do it */
};
/* ERR_NOT_FOUND when the OpenSSL at hand lacks something of the policy. */
err_t tls_policy_check(const struct tls_policy *policy);

/* Whether clients show certificates (reference/alb.md §3.10). */
enum tls_client_auth {
	TLS_CLIENT_ANONYMOUS,
	TLS_CLIENT_ASKED,    /* whatever they show, or nothing */
	TLS_CLIENT_VERIFIED, /* nobody without one that `trust` vouches for */
};

struct tls_server_options {
	const struct tls_policy *policy;
	/* The first is the default; the others are chosen by the name that the client asks for, as
	 * reference/alb.md §3.9 says. Referenced, not taken over. */
	struct identity *const *identities;
	unsigned identity_count;     /* at least 1 */
	bool http2;		     /* ALPN offers h2 before http/1.1 */
	struct tls_tickets *tickets; /* referenced; NULL: no session is resumed */
	struct bytes name;	     /* of whom a session belongs to; others do not resume it */
	/* Sessions with certificates are not resumed: `tickets` is not looked at then. */
	enum tls_client_auth client;
	struct trust *trust;	    /* VERIFIED; referenced */
	bool ignore_expiry;	    /* VERIFIED: of the client's own certificate */
	bool advertise_authorities; /* VERIFIED: their names are told to clients */
};
/* For connections from clients. ERR_NOMEM; ERR_NOT_FOUND as tls_policy_check. */
err_t tls_context_for_clients(const struct tls_server_options *options,
			      struct tls_context **ret_context);

/* Whether one of a server's certificates names this host. */
bool tls_context_covers(const struct tls_context *context, struct bytes host);

struct tls_context *tls_context_ref(struct tls_context *context);
void tls_context_unref(struct tls_context *context); /* NULL is welcome */

/* ---- Connections ---- */

/*
 * The client's side of a new connection. Takes a reference of the context. `emit` takes wire bytes,
 * which are gone when it returns; it runs inside the other calls, and makes none. ERR_NOMEM.
 */
err_t tls_create(struct tls_context *context, void (*emit)(void *owner, struct bytes wire),
		 void *owner, struct tls **ret_tls);

/*
 * What a client keeps of one server: its last session, to be resumed. One thread's; outlives every
 * tls that was told of it.
 */
struct tls_memory;
err_t tls_memory_create(struct tls_memory **ret_memory);
void tls_memory_destroy(struct tls_memory *memory); /* NULL is welcome */
/* Before the first tls_handshake: resume what is there, and keep what comes. */
void tls_remember(struct tls *tls, struct tls_memory *memory);

/*
 * The server's side. `choose` hears the host name that the client asks for ("" when it names none)
 * inside tls_handshake, once, before anything was agreed on, and says by whose context it goes on;
 * NULL refuses the connection. Without `choose` it is the first context for all.
 */
struct tls_server_events {
	void (*emit)(void *owner, struct bytes wire);
	struct tls_context *(*choose)(void *owner, struct bytes host);
};
err_t tls_create_server(struct tls_context *context, const struct tls_server_events *events,
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

/* ---- Clients that show certificates ---- */

enum tls_client_auth tls_client_auth(const struct tls *tls); /* by the context that was chosen */

/* All in the asker's arena. */
struct tls_client_certificate {
	struct bytes subject, issuer;	  /* RFC 2253 */
	struct bytes serial;		  /* "03A5B1" */
	struct bytes validity;		  /* "NotBefore=2023-09-21T01:50:17Z;NotAfter=…" */
	struct bytes leaf_pem, chain_pem; /* the chain begins with the leaf */
};
/* What the client showed, verified or not. ERR_NOT_FOUND: nothing; ERR_NOMEM, ERR_TOO_LARGE. */
err_t tls_client_certificate(const struct tls *tls, struct arena *arena,
			     struct tls_client_certificate *ret_certificate);

/* Why a VERIFIED handshake failed, in a word of the connection log: "ClientCertExpired". Static. */
const char *tls_client_failure(const struct tls *tls);

/* ---- What was agreed on ---- */

/* tls_server_options.name of the context that was chosen. */
struct bytes tls_server_name(const struct tls *tls);

/* "h2", "http/1.1", or empty: the peer did not ask. */
struct bytes tls_application(const struct tls *tls);

/* Borrowed from the tls. Names are OpenSSL's, as ALB logs them; what is not known is empty. */
struct tls_agreed {
	struct bytes protocol; /* "TLSv1.3" */
	struct bytes cipher;   /* "ECDHE-RSA-AES128-GCM-SHA256" */
	struct bytes group;    /* of the key exchange: "X25519", "secp256r1" */
	struct bytes host;     /* what the client asked for: SNI */
	struct bytes identity; /* name of the identity it was shown; a resumed session has none */
	bool resumed;
};
void tls_agreed(const struct tls *tls, struct tls_agreed *ret_agreed);

/* Why the handshake failed, for logs: OpenSSL's words; "" before. Static. */
const char *tls_failure_words(const struct tls *tls);

/* The first bytes were a plain HTTP request: an error page in plain text helps its sender. */
bool tls_peer_spoke_http(const struct tls *tls);

#endif
