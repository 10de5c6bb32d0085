/* trust_internal: a trust store, as contexts use it; and how a client's chain is judged. */
#ifndef CRYPTO_TRUST_INTERNAL_H
#define CRYPTO_TRUST_INTERNAL_H

#include "crypto/openssl_internal.h"
#include "crypto/trust.h"

struct trust {
	X509_STORE *store;
	STACK_OF(X509_NAME) * names; /* of the authorities: what a server may advertise */
	bool has_lists;
	_Atomic unsigned refs;
};

struct tls_context;

/* OpenSSL's callbacks for a context whose clients show certificates. */
int client_chain_accept(X509_STORE_CTX *chain, void *context); /* whatever it is */
int client_chain_verify(X509_STORE_CTX *chain, void *context);

#endif
