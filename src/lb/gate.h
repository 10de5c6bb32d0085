/*
 * gate: what must hold before a rule's action is carried out: who is signed in (oidc.h), whether a
 * token is good (jwt.h). It asks what those two want asked, and meanwhile the request waits: no
 * thread does, and nobody else's request.
 *
 *   stream.c act ─► gate_begin ─► stream_perform, when all of the rule's gates let it pass
 *                            └──► stream_answer with a page of its own
 *
 * Internal to the data path; a worker's loop.
 */
#ifndef LB_GATE_H
#define LB_GATE_H

#include "lb/stream_internal.h"

/* The rule is matched, and has gates. What follows is the gate's to do; `s` may be gone after. */
void gate_begin(struct stream *s);

/* A request for /oauth2/idpresponse on a listener that authenticates: the provider sends somebody
 * back. False: it is not one, and nothing happened. */
bool gate_callback(struct stream *s);

void gate_destroy(struct gate *gate); /* NULL is welcome; what is asked is asked no more */

/* Who is signed in; NULL: nobody, or no one asked. Good while the gate is. */
const struct forward_identity *gate_identity(const struct gate *gate);

#endif
