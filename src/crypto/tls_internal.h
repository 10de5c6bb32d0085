/* tls_internal: contexts and connections, as tls.c and tls_context.c share them. */
#ifndef CRYPTO_TLS_INTERNAL_H
#define CRYPTO_TLS_INTERNAL_H

#include "crypto/openssl_internal.h"
#include "crypto/tls.h"

struct tls_context {
	SSL_CTX *ssl;
	BIO_METHOD *wire; /* how OpenSSL sees struct tls */
	_Atomic unsigned refs;
	/* A server's. */
	struct tls_policy policy;
	struct identity **identities;
	unsigned identity_count;
	bool http2;
	struct tls_tickets *tickets;
	char *name;
	enum tls_client_auth client;
	struct trust *trust;
	bool ignore_expiry;
};

struct tls_memory {
	SSL_SESSION *session; /* NULL: none */
};

struct tls {
	SSL *ssl;
	struct tls_memory *memory; /* a client's; NULL: it forgets */
	struct bytes wire;	   /* given, not yet read */
	const struct tls_server_events *events;
	void (*emit)(void *owner, struct bytes wire);
	void *owner;
	struct tls_context *first;   /* its `wire` is in use: a reference */
	struct tls_context *context; /* what the handshake goes by: another reference */
	unsigned long failure;	     /* OpenSSL's error; 0: none */
	X509 *turned_away;	     /* a client's, that was not good enough: a reference */
	int chain_error;	     /* OpenSSL's, of the client's certificate; 0: none */
	bool broken;		     /* nothing more can be read or written */
};

BIO_METHOD *tls_wire_method(void); /* NULL on no memory */

/* OpenSSL's callback for tickets, with the tickets of the connection's first context. */
int tls_ticket_key(SSL *ssl, unsigned char name[16], unsigned char iv[EVP_MAX_IV_LENGTH],
		   EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int sealing);

static inline struct tls *tls_of(const SSL *ssl)
{
	return SSL_get_app_data(ssl);
}

#endif
