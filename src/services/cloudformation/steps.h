/*
 * steps: the steps of a stack's work: how far each is, what it came to, and what events tell of it.
 */
#ifndef SERVICES_CLOUDFORMATION_STEPS_H
#define SERVICES_CLOUDFORMATION_STEPS_H

#include "services/cloudformation/cloudformation_internal.h"

json_t *steps_of(const struct stack *stack);	  /* borrowed */
const char *work_kind(const struct stack *stack); /* "" without work */
bool step_is(const json_t *step, const char *state);

/* A resource's status into its record, and both into the store. */
void step_note(struct stack *stack, const struct save *save);
/* The same, of "CREATE" and "COMPLETE". */
void step_mark(struct stack *stack, const char *logical, const char *doing, const char *how,
	       const char *reason);
/* Among the failed ones; nothing is told. */
void step_fail(struct stack *stack, const char *logical, json_t *step);
/* stack->why, which may be empty, as events tell it. */
void step_word_failure(struct stack *stack, const char *logical, err_t err);
/* What a step came to. `doing` is what the event calls it: CREATE, UPDATE, DELETE. */
void step_settle(struct stack *stack, const char *logical, json_t *step, const char *doing,
		 err_t err);

#endif
