/*
 * plan: what is to be done about a stack, as the Work of its record, and what follows when that
 * is done: rolling back, cleaning up, being complete.
 */
#ifndef SERVICES_CLOUDFORMATION_PLAN_H
#define SERVICES_CLOUDFORMATION_PLAN_H

#include "services/cloudformation/cloudformation_internal.h"

/* The steps are over, well or not: sets what comes next. False when nothing does. */
bool plan_next(struct stack *stack);

/* Back to what was before the update; true: that is under way. */
bool plan_roll_back(struct stack *stack, const char *reason);
/* An update was well, or is undone: what it left goes. */
void plan_clean_up(struct stack *stack);

#endif
