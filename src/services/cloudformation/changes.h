/*
 * changes: what an update would change, looked at before it is done.
 */
#ifndef SERVICES_CLOUDFORMATION_CHANGES_H
#define SERVICES_CLOUDFORMATION_CHANGES_H

#include "services/cloudformation/cloudformation_internal.h"

/*
 * `stack` holds the resources there are; `body` (borrowed) is what it would be. *ret_changes, a new
 * reference whatever is returned, is what DescribeChangeSet shows as Changes. ERR_INVALID and words
 * in stack->why.
 */
err_t changes_find(struct stack *stack, json_t *body, json_t **ret_changes);

#endif
