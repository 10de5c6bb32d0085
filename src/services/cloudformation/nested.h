/*
 * nested: stacks that a stack is made of (AWS::CloudFormation::Stack).
 *
 * One that was updated well is held: it keeps what its update replaced until its parent is through,
 * for the parent may still go back. Then all of them clean up, or all go back.
 */
#ifndef SERVICES_CLOUDFORMATION_NESTED_H
#define SERVICES_CLOUDFORMATION_NESTED_H

#include "services/cloudformation/cloudformation_internal.h"

bool nested_is_held(const struct stack *stack);
/* Those that this stack holds clean up now, each by itself. */
void nested_release(struct stack *parent);
/* Whether one of them is still at it. */
bool nested_at_work(const struct stack *parent);
/* The parent looks at once at what became of this one. */
void nested_tell_parent(const struct stack *stack);

#endif
