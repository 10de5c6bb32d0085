/*
 * oidc_internal: what travels through a client while it signs in (oidc_state.c), and what that and
 * oidc.c share.
 */
#ifndef LB_OIDC_INTERNAL_H
#define LB_OIDC_INTERNAL_H

#include "base/text.h"
#include "crypto/digest.h"
#include "lb/oidc.h"

#define NONCE_COOKIE BYTES("AWSALBAuthNonce")

enum { LOCATION_MAX = 16 * 1024 };

struct oidc_state {
	uint64_t made_s;
	const uint8_t *digest; /* of the nonce */
	struct bytes back;
};

/* The nonce that the browser brought, or a new one in `made`. */
struct bytes oidc_nonce(const struct oidc_request *request, char made[OIDC_NONCE_DIGITS + 1]);
err_t oidc_make_state(struct oidc *o, const struct oidc_request *request,
		      const uint8_t digest[SHA256_BYTES], struct bytes *ret_state);
/* False: it was not made for this action, or by somebody else. */
bool oidc_open_state(const struct oidc *o, struct arena *arena, struct bytes value,
		     struct oidc_state *ret_state);

/* A text's bytes, moved into the arena; the text ends here. */
err_t oidc_keep(struct oidc *o, struct text *text, struct bytes *ret_bytes);
/* One parameter of the query, decoded, in the arena; at == NULL: absent or not decodable. */
struct bytes oidc_parameter(struct arena *arena, struct bytes query, const char *name);

#endif
