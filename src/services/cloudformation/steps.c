#include "services/cloudformation/steps.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "crypto/random.h"
#include "services/cloudformation/reasons.h"

json_t *steps_of(const struct stack *stack)
{
	return json_object_get(json_object_get(stack->body, "Work"), "Steps");
}

const char *work_kind(const struct stack *stack)
{
	return text_at(json_object_get(stack->body, "Work"), "Kind");
}

bool step_is(const json_t *step, const char *state)
{
	return strcmp(text_at(step, "State"), state) == 0;
}

void step_note(struct stack *stack, const struct save *save)
{
	json_t *record = json_object_get(stack->resources, save->resource);

	put_text(record, "ResourceStatus", save->event);
	put_new(record, "Timestamp", json_integer((json_int_t)now_ms(stack->cfn)));
	if (!ends_in(save->event, "IN_PROGRESS"))
		calls_forget(record);
	if (save->reason && save->reason[0])
		put_text(record, "ResourceStatusReason", save->reason);
	else
		json_object_del(record, "ResourceStatusReason");
	if (stack_save(stack, save))
		log_error("cloudformation", "%s: what became of %s cannot be noted",
			  text_at(stack->body, "StackName"), save->resource);
}

void step_mark(struct stack *stack, const char *logical, const char *doing, const char *how,
	       const char *reason)
{
	char status[64];

	snprintf(status, sizeof status, "%s_%s", doing, how);
	step_note(stack, &(struct save){ .resource = logical, .event = status, .reason = reason });
}

void step_fail(struct stack *stack, const char *logical, json_t *step)
{
	json_t *work = json_object_get(stack->body, "Work"), *failed;

	put_text(step, "State", "failed");
	failed = json_object_get(work, "Failed");
	if (!failed)
		put_new(work, "Failed", failed = json_array());
	json_array_append_new(failed, json_string(logical));
}

/* Whether it was made just now: it has an id, and was nothing before. */
static bool is_new(const struct stack *stack, const char *logical, const json_t *step)
{
	const json_t *record = json_object_get(stack->resources, logical);

	return !json_object_get(record, "Before") && text_at(record, "PhysicalResourceId")[0] &&
	       (strcmp(text_at(step, "Do"), "create") == 0 ||
		bytes_starts(bytes_of(text_at(record, "ResourceStatusReason")),
			     BYTES("Requested update requires")));
}

/* It takes its time. What it is called is noted the first time: a kill must find it again. */
static void settle_later(struct stack *stack, const char *logical, json_t *step, const char *doing)
{
	bool first = !step_is(step, "waiting");

	put_text(step, "State", "waiting");
	stack->poll_ms = loop_now_ms(stack->cfn->options.loop) + POLL_MS;
	if (first && is_new(stack, logical, step))
		step_mark(stack, logical, doing, "IN_PROGRESS", "Resource creation Initiated");
	else if (first && stack_save(stack, &(struct save){ .resource = logical }))
		log_error("cloudformation", "that %s is under way cannot be noted", logical);
}

/* A resource with a name of its own stands in the way of what shall replace it. */
static bool is_in_its_own_way(const struct stack *stack, const char *logical)
{
	const json_t *record = json_object_get(stack->resources, logical), *old;
	const struct resource_type *type = type_named(text_at(record, "ResourceType"));
	const json_t *is = json_object_get(record, "Properties");
	struct reason reason;
	char code[128];
	size_t i;

	if (!type || !type->named || !text_at(is, type->named)[0] ||
	    !reason_parse(text_bytes(&stack->why), &reason))
		return false;
	snprintf(code, sizeof code, "%.*s", BYTES_ARG(reason.code));
	json_array_foreach (json_object_get(stack->body, "Cleanup"), i, old) {
		const json_t *was = json_object_get(old, "Properties");

		if (strcmp(text_at(old, "LogicalResourceId"), logical) == 0 &&
		    strcmp(text_at(was, type->named), text_at(is, type->named)) == 0)
			return reason_says_there_already(code);
	}
	return false;
}

void step_word_failure(struct stack *stack, const char *logical, err_t err)
{
	const json_t *record = json_object_get(stack->resources, logical);
	const struct resource_type *type = type_named(text_at(record, "ResourceType"));
	char token[37];

	if (!stack->why.len)
		text_add_str(&stack->why, err_words(err));
	if (is_in_its_own_way(stack, logical)) {
		text_clear(&stack->why);
		text_printf(&stack->why,
			    "CloudFormation cannot update a stack when a custom-named resource "
			    "requires replacing. Rename %s and update the stack again.",
			    text_at(json_object_get(record, "Properties"), type->named));
		return;
	}
	random_uuid(token);
	sealed_mask(stack);
	reason_of_handler(&stack->why, token);
}

void step_settle(struct stack *stack, const char *logical, json_t *step, const char *doing,
		 err_t err)
{
	bool waited = step_is(step, "waiting");
	char status[64];

	if (err == ERR_AGAIN) {
		settle_later(stack, logical, step, doing);
		return;
	}
	snprintf(status, sizeof status, "%s_%s", doing, err ? "FAILED" : "COMPLETE");
	if (err) {
		step_word_failure(stack, logical, err);
		step_fail(stack, logical, step);
	} else {
		put_text(step, "State", "done");
	}
	step_note(stack, &(struct save){ .resource = logical,
					 .event = status,
					 .reason = err ? text_str(&stack->why) : NULL,
					 .initiated = !waited && is_new(stack, logical, step) });
}
