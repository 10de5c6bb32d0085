/*
 * tls_tickets: the keys that session tickets are sealed with, shared by all workers, so that a
 * client resumes its session whichever of them it meets. In memory alone: a new start forgets.
 *
 * Three generations: the newest seals, all open, and what an older one opened is sealed anew. Who
 * rotates at least daily keeps old traffic secret from who steals the keys (RFC 5077 §5.5).
 */
#ifndef CRYPTO_TLS_TICKETS_H
#define CRYPTO_TLS_TICKETS_H

#include "base/bytes.h"

struct tls_tickets;

err_t tls_tickets_create(struct tls_tickets **ret_tickets); /* with one reference */
struct tls_tickets *tls_tickets_ref(struct tls_tickets *tickets);
void tls_tickets_unref(struct tls_tickets *tickets); /* NULL is welcome */

/* One thread at a time; the others may be in the middle of handshakes. */
void tls_tickets_rotate(struct tls_tickets *tickets);

#endif
