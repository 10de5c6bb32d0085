/*
 * answers: what programs outside tell a stack, by a PUT to an address that only they know: those
 * behind custom resources once, those behind wait conditions as often as they like.
 *
 *   step ─► answers_ask: an address ─► … ─► PUT ─► the record's Asked.Answer or Signals ─► the step
 *
 * Addresses hold as long as their stack is at work.
 */
#ifndef SERVICES_CLOUDFORMATION_ANSWERS_H
#define SERVICES_CLOUDFORMATION_ANSWERS_H

#include "services/cloudformation/cloudformation_internal.h"

/*
 * Begins to ask: the record's Asked is {Type, RequestId, Secret, Deadline}. The same as before the
 * kill in a step that one cut short.
 */
json_t *answers_ask(struct resource_step *step, const char *type, uint64_t seconds);
/* Where to answer; the arena's. NULL: no memory. */
const char *answers_url(struct resource_step *step);
bool answers_late(const struct resource_step *step);

#define ASKED_SIGNALS "Resource signals" /* the type of who is told by SignalResource */
/*
 * One more signal of `id` for a resource that waits for it; what is wrong, or NULL. A second one of
 * the same id does not count.
 */
const char *answers_signal(struct stack *stack, const char *logical, const char *id,
			   const char *status);

#endif
