/*
 * tls: of each HTTPS listener what its connections are encrypted by: a context made of its policy
 * and certificates, kept from plan to plan, and made anew when one of them changed. Connections
 * keep the one they began with.
 *
 * Internal to the folder; the control thread.
 */
#ifndef SERVICES_ELBV2_TLS_H
#define SERVICES_ELBV2_TLS_H

#include <jansson.h>

#include "base/map.h"
#include "crypto/tls.h"
#include "net/loop.h"
#include "store/store.h"

struct elbv2;

struct tls_listeners {
	struct map by_arn; /* of struct tls_listener */
	struct tls_tickets *tickets;
	struct timer rotation;
	bool stale; /* a certificate changed: all are made anew */
	uint64_t round;
};

err_t tls_listeners_init(struct elbv2 *elbv2);
void tls_listeners_fini(struct elbv2 *elbv2);

/* From the change feed. True when certificates changed. */
bool tls_listeners_note(struct elbv2 *elbv2, const struct store_change *changes, size_t count);

/* Makes what is missing or stale, by the mirror; no transaction may be open. What cannot be made
 * stays as it was, and is logged. */
void tls_listeners_refresh(struct elbv2 *elbv2);

/* Borrowed until the next refresh; NULL: there is none. */
struct tls_context *tls_listener_context(const struct elbv2 *elbv2, const char *listener_arn);

/* Who uses a certificate: the load balancers' ARNs, a new array; NULL on no memory. */
json_t *tls_listeners_users(const struct elbv2 *elbv2, const char *certificate_arn);

/* What a listener's MutualAuthentication asks of clients. */
enum tls_client_auth tls_client_auth_of(const json_t *mutual);

/* ---- ssl_policies.c ---- */

/* ERR_NOT_FOUND: no policy has that name. */
err_t ssl_policy_get(const char *name, struct tls_policy *ret_policy);

#endif
