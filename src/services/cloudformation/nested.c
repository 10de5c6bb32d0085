#include "services/cloudformation/nested.h"

#include <string.h>

#include "services/cloudformation/plan.h"

static bool is_child(const struct stack *stack, const struct stack *parent)
{
	return strcmp(text_at(stack->body, "ParentId"), parent->id) == 0;
}

bool nested_is_held(const struct stack *stack)
{
	return strcmp(text_at(json_object_get(stack->body, "Work"), "Kind"), "HELD") == 0;
}

void nested_release(struct stack *parent)
{
	list_for_each (&parent->cfn->stacks, node) {
		struct stack *stack = container_of(node, struct stack, link);

		if (is_child(stack, parent) && nested_is_held(stack))
			plan_clean_up(stack);
	}
}

bool nested_at_work(const struct stack *parent)
{
	list_for_each (&parent->cfn->stacks, node) {
		const struct stack *stack = container_of(node, struct stack, link);

		if (is_child(stack, parent) && is_at_work(stack->body))
			return true;
	}
	return false;
}

void nested_tell_parent(const struct stack *stack)
{
	struct stack *parent = engine_stack(stack->cfn, text_at(stack->body, "ParentId"));

	if (parent)
		parent->poll_ms = 0;
}
