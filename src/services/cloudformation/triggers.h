/*
 * triggers: what ends a creation or an update from outside: its time, and alarms.
 */
#ifndef SERVICES_CLOUDFORMATION_TRIGGERS_H
#define SERVICES_CLOUDFORMATION_TRIGGERS_H

#include "services/cloudformation/cloudformation_internal.h"

/* The input's RollbackConfiguration, checked, into the body; without one the body's stays. */
err_t triggers_of_input(struct api_call *call, json_t *body);

/*
 * Looks whether a stack's work is to be given up, once a second, and gives it up. `busy`: steps are
 * still to do. True: there is more to wait for, or it has just been given up.
 */
bool triggers_hold(struct stack *stack, bool busy);

#endif
