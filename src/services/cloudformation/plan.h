/*
 * plan: what is to be done about a stack, as the Work of its record, and what follows when that
 * is done: rolling back, cleaning up, being complete.
 */
#ifndef SERVICES_CLOUDFORMATION_PLAN_H
#define SERVICES_CLOUDFORMATION_PLAN_H

#include "services/cloudformation/cloudformation_internal.h"

/* The steps are over, well or not: sets what comes next. False when nothing does. */
bool plan_next(struct stack *stack);

#endif
