/*
 * engine: works on stacks: a few steps in a turn of the loop, each noted in the store before and
 * after. What is to be done is a plan (plan.c); here it happens.
 *
 *   todo ─► doing ─► done        "waiting" is doing that takes its time; a step waits for the steps
 * it needs; after a failure nothing new └───► failed      begins, and what is under way is waited
 * for
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "services/cloudformation/cloudformation_internal.h"
#include "services/cloudformation/plan.h"
#include "services/cloudformation/steps.h"
#include "services/cloudformation/triggers.h"

enum { STEP_ARENA_BYTES_MAX = 8 * 1024 * 1024, WAIT_MS_MAX = 3600 * 1000 };

/* ---- One resource ---- */

static err_t work_out_properties(struct stack *stack, const char *logical, json_t **ret_properties)
{
	const json_t *resource = json_object_get(json_object_get(stack->template.root, "Resources"),
						 logical);
	json_t *given = json_object_get(resource, "Properties");
	struct eval eval;

	stack_eval(stack, &eval);
	text_clear(&stack->why);
	if (!given) {
		*ret_properties = json_object();
		return *ret_properties ? ERR_OK : ERR_NOMEM;
	}
	return evaluate(&eval, given, ret_properties);
}

/* On the way back a part may be as it was: what failed did not come to the end. */
bool engine_goes_back(const struct stack *stack)
{
	return strcmp(work_kind(stack), "UPDATE_ROLLBACK") == 0;
}

/* Runs `way` for one resource, with all that it needs around it. `again`: a kill cut it short. */
static err_t run(struct stack *stack, json_t *record, const json_t *before, resource_fn way,
		 bool again)
{
	struct arena arena;
	struct resource_step step = {
		.stack = stack,
		.type = type_named(text_at(record, "ResourceType")),
		.record = record,
		.properties = json_object_get(record, "Properties"),
		.before = before,
		.arena = &arena,
		.why = &stack->why,
		.back = engine_goes_back(stack),
		.notes = way != resource_delete,
		.again = again,
		.noted = again ? json_copy(json_object_get(record, "Calls")) : NULL,
	};
	err_t err = ERR_INVALID;

	text_clear(&stack->why);
	arena_init(&arena, STEP_ARENA_BYTES_MAX);
	if (step.type)
		err = way(&step);
	else
		text_printf(&stack->why, "Unrecognized resource type: %s",
			    text_at(record, "ResourceType"));
	arena_fini(&arena);
	json_decref(step.noted);
	return err;
}

/* ---- Create ---- */

static void new_record(struct stack *stack, const char *logical, json_t *properties)
{
	const json_t *resource = json_object_get(json_object_get(stack->template.root, "Resources"),
						 logical);
	char token[TOKEN_CHARS + 1];
	json_t *record;

	make_token(token);
	record = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "StackId", stack->id, "StackName",
			   text_at(stack->body, "StackName"), "LogicalResourceId", logical,
			   "ResourceType", text_at(resource, "Type"), "Token", token, "Properties",
			   properties);
	put_text(record, "DeletionPolicy", text_at(resource, "DeletionPolicy"));
	put_text(record, "UpdateReplacePolicy", text_at(resource, "UpdateReplacePolicy"));
	json_object_set_new(stack->resources, logical, record);
}

static void begin_create(struct stack *stack, const char *logical, json_t *step, const char *doing,
			 json_t *properties, const char *reason)
{
	new_record(stack, logical, properties);
	put_text(step, "State", "doing");
	step_mark(stack, logical, doing, "IN_PROGRESS", reason);
	step_settle(stack, logical, step, doing,
		    run(stack, json_object_get(stack->resources, logical), NULL, resource_create,
			false));
}

static void create(struct stack *stack, const char *logical, json_t *step)
{
	json_t *properties = NULL;
	err_t err = work_out_properties(stack, logical, &properties);

	if (!err) {
		begin_create(stack, logical, step, "CREATE", properties, NULL);
		return;
	}
	new_record(stack, logical, json_object());
	step_settle(stack, logical, step, "CREATE", err == ERR_AGAIN ? ERR_INVALID : err);
}

/* ---- Update ---- */

/* On the way back, what a replacement left is as good as new. */
static bool take_back(struct stack *stack, const char *logical, const json_t *properties)
{
	json_t *cleanup = json_object_get(stack->body, "Cleanup"), *old;
	size_t i;

	json_array_foreach (cleanup, i, old) {
		if (strcmp(text_at(old, "LogicalResourceId"), logical) != 0 ||
		    !json_equal(json_object_get(old, "Properties"), (json_t *)properties))
			continue;
		json_incref(old);
		json_array_remove(cleanup, i);
		json_array_append(cleanup, json_object_get(stack->resources, logical));
		json_object_set_new(stack->resources, logical, old);
		return true;
	}
	return false;
}

static void replace(struct stack *stack, const char *logical, json_t *step, json_t *properties)
{
	json_t *cleanup = json_object_get(stack->body, "Cleanup");

	if (take_back(stack, logical, properties)) {
		json_decref(properties);
		step_settle(stack, logical, step, "UPDATE", ERR_OK);
		return;
	}
	if (!cleanup)
		put_new(stack->body, "Cleanup", cleanup = json_array());
	json_array_append(cleanup, json_object_get(stack->resources, logical));
	begin_create(stack, logical, step, "UPDATE", properties,
		     "Requested update requires the creation of a new physical resource; hence "
		     "creating one.");
}

static void change(struct stack *stack, const char *logical, json_t *step, json_t *properties)
{
	json_t *record = json_object_get(stack->resources, logical);
	json_t *before = json_incref(json_object_get(record, "Properties"));

	/* A function may have made another thing of it: on the way back the old one is there. */
	if (engine_goes_back(stack) && take_back(stack, logical, properties)) {
		json_decref(before);
		json_decref(properties);
		step_settle(stack, logical, step, "UPDATE", ERR_OK);
		return;
	}
	put_new(record, "Before", before ? json_incref(before) : NULL);
	put_new(record, "Properties", properties);
	put_text(step, "State", "doing");
	step_mark(stack, logical, "UPDATE", "IN_PROGRESS", NULL);
	step_settle(stack, logical, step, "UPDATE",
		    run(stack, record, before, resource_update, false));
	json_decref(before);
}

static void update(struct stack *stack, const char *logical, json_t *step)
{
	const json_t *resource = json_object_get(json_object_get(stack->template.root, "Resources"),
						 logical);
	json_t *record = json_object_get(stack->resources, logical), *properties = NULL;
	bool other_type = strcmp(text_at(record, "ResourceType"), text_at(resource, "Type")) != 0;
	const struct resource_type *type = type_named(text_at(record, "ResourceType"));
	bool changed = false, replaces = false;
	err_t err = work_out_properties(stack, logical, &properties);

	if (err) {
		step_settle(stack, logical, step, "UPDATE", err == ERR_AGAIN ? ERR_INVALID : err);
		return;
	}
	put_text(record, "DeletionPolicy", text_at(resource, "DeletionPolicy"));
	put_text(record, "UpdateReplacePolicy", text_at(resource, "UpdateReplacePolicy"));
	if (type)
		replaces = resource_replaces(type, json_object_get(record, "Properties"),
					     properties, &changed);
	changed = changed || (type && tags_differ(stack, type, record, properties));
	if (other_type || replaces)
		err = stack_may(stack, "Update:Replace", logical, text_at(record, "ResourceType"));
	else if (changed)
		err = stack_may(stack, "Update:Modify", logical, text_at(record, "ResourceType"));
	if (err) {
		json_decref(properties);
		step_settle(stack, logical, step, "UPDATE", err);
		return;
	}
	if (other_type || replaces || ends_in(text_at(record, "ResourceStatus"), "CREATE_FAILED")) {
		replace(stack, logical, step, properties);
	} else if (changed || (type && type->always) ||
		   ends_in(text_at(record, "ResourceStatus"), "_FAILED")) {
		change(stack, logical, step, properties);
	} else {
		json_decref(properties);
		put_text(step, "State", "done");
	}
}

/* ---- Delete ---- */

static bool stays(const struct stack *stack, const json_t *record)
{
	const char *policy = text_at(record, "DeletionPolicy");

	return strcmp(policy, "Retain") == 0 || (strcmp(policy, "RetainExceptOnCreate") == 0 &&
						 strcmp(work_kind(stack), "ROLLBACK") != 0);
}

/*
 * The stack has it no more. One that goes itself is asked afterwards what became of each; of an
 * update that left something out nothing remains.
 */
static void let_go(struct stack *stack, const char *logical, json_t *step, const char *status,
		   const char *reason)
{
	bool drop = strcmp(work_kind(stack), "CLEANUP") == 0;

	put_text(step, "State", "done");
	if (!drop)
		record_strip(json_object_get(stack->resources, logical));
	step_note(stack,
		  &(struct save){
			  .resource = logical, .event = status, .reason = reason, .drop = drop });
	if (drop)
		json_object_del(stack->resources, logical);
}

/* FORCE_DELETE_STACK leaves what cannot go. */
static bool is_forced(const struct stack *stack)
{
	return strcmp(text_at(stack->body, "DeletionMode"), DELETION_FORCED) == 0;
}

static void delete_one(struct stack *stack, const char *logical, json_t *step)
{
	json_t *record = json_object_get(stack->resources, logical);
	err_t err;

	if (!record) {
		put_text(step, "State", "done");
		return;
	}
	if (json_is_true(json_object_get(step, "Retain")) || stays(stack, record)) {
		let_go(stack, logical, step, "DELETE_SKIPPED", NULL);
		return;
	}
	if (step_is(step, "todo")) {
		put_text(step, "State", "doing");
		step_mark(stack, logical, "DELETE", "IN_PROGRESS", NULL);
	}
	err = run(stack, record, NULL, resource_delete, false);
	if (!err)
		let_go(stack, logical, step, "DELETE_COMPLETE", NULL);
	else if (err == ERR_INVALID && is_forced(stack)) {
		step_word_failure(stack, logical, err);
		let_go(stack, logical, step, "DELETE_SKIPPED", text_str(&stack->why));
	} else
		step_settle(stack, logical, step, "DELETE", err);
}

/* ---- What replacements left ---- */

static bool replaced_stays(const json_t *record)
{
	return strcmp(text_at(record, "UpdateReplacePolicy"), "Retain") == 0;
}

/* Some services put the new one in the place of the old: then it is the same thing. */
static bool is_still_there(const struct stack *stack, const json_t *old)
{
	const json_t *now = json_object_get(stack->resources, text_at(old, "LogicalResourceId"));

	return strcmp(text_at(now, "PhysicalResourceId"), text_at(old, "PhysicalResourceId")) ==
		       0 &&
	       strcmp(text_at(now, "ResourceType"), text_at(old, "ResourceType")) == 0;
}

static void tell_of(struct stack *stack, const json_t *old, const char *event, const char *reason)
{
	if (stack_save(stack, &(struct save){ .of = old, .event = event, .reason = reason }))
		log_error("cloudformation", "%s: what became of %s cannot be noted",
			  text_at(stack->body, "StackName"), text_at(old, "PhysicalResourceId"));
}

/* It is out of Cleanup already: with the event the stack knows it no more. */
static void tell_end(struct stack *stack, const json_t *old, err_t err)
{
	if (!err) {
		tell_of(stack, old, replaced_stays(old) ? "DELETE_SKIPPED" : "DELETE_COMPLETE",
			NULL);
		return;
	}
	log_warn("cloudformation", "%s of %s stays behind: %s", text_at(old, "PhysicalResourceId"),
		 text_at(stack->body, "StackName"), text_str(&stack->why));
	step_word_failure(stack, text_at(old, "LogicalResourceId"), err);
	tell_of(stack, old, "DELETE_FAILED", text_str(&stack->why));
}

/* One of them; whether there was one. What cannot go stays, and is said. */
static bool clean_up(struct stack *stack)
{
	json_t *cleanup = json_object_get(stack->body, "Cleanup"), *old;
	err_t err = ERR_OK;

	if (!json_array_size(cleanup))
		return false;
	old = json_incref(json_array_get(cleanup, json_array_size(cleanup) - 1));
	if (!text_at(old, "PhysicalResourceId")[0] || is_still_there(stack, old)) {
		json_array_remove(cleanup, json_array_size(cleanup) - 1);
		json_decref(old);
		return true;
	}
	if (!replaced_stays(old) &&
	    !ends_in(text_at(old, "ResourceStatus"), "DELETE_IN_PROGRESS")) {
		put_text(old, "ResourceStatus", "DELETE_IN_PROGRESS");
		tell_of(stack, old, "DELETE_IN_PROGRESS", NULL);
	}
	if (!replaced_stays(old))
		err = run(stack, old, NULL, resource_delete, false);
	if (err == ERR_AGAIN) {
		stack->poll_ms = loop_now_ms(stack->cfn->options.loop) + POLL_MS;
	} else {
		json_array_remove(cleanup, json_array_size(cleanup) - 1);
		tell_end(stack, old, err);
	}
	json_decref(old);
	return true;
}

/* ---- Going on with what is under way ---- */

/*
 * A step that is "doing" here is one that a kill cut short: it is done again, and what it had
 * called already is not called twice (calls.c).
 */
static resource_fn way_on(const struct resource_type *type, const json_t *step,
			  const json_t *before)
{
	if (step_is(step, "doing"))
		return before ? resource_update : resource_create;
	return type && type->settled ? type->settled : resource_describe;
}

static void resume(struct stack *stack, const char *logical, json_t *step)
{
	json_t *record = json_object_get(stack->resources, logical);
	const char *status = text_at(record, "ResourceStatus");
	const struct resource_type *type = type_named(text_at(record, "ResourceType"));
	const char *doing = bytes_starts(bytes_of(status), BYTES("CREATE")) ? "CREATE" : "UPDATE";
	json_t *before = json_incref(json_object_get(record, "Before"));
	resource_fn way = way_on(type, step, before);

	if (strcmp(text_at(step, "Do"), "delete") == 0)
		delete_one(stack, logical, step);
	else
		step_settle(stack, logical, step, doing,
			    run(stack, record, before, way, step_is(step, "doing")));
	json_decref(before);
}

/* ---- Turns ---- */

static bool is_ready(const json_t *steps, const json_t *step)
{
	const json_t *need;
	size_t i;

	if (!step_is(step, "todo"))
		return false;
	json_array_foreach (json_object_get(step, "Needs"), i, need) {
		const json_t *other = json_object_get(steps, json_string_value(need));

		if (other && !step_is(other, "done"))
			return false;
	}
	return true;
}

static void begin(struct stack *stack, const char *logical, json_t *step)
{
	const char *what = text_at(step, "Do");

	if (strcmp(what, "create") == 0)
		create(stack, logical, step);
	else if (strcmp(what, "update") == 0)
		update(stack, logical, step);
	else if (strcmp(what, "deny") == 0)
		step_settle(stack, logical, step, "UPDATE",
			    stack_may(stack, "Update:Delete", logical,
				      text_at(json_object_get(stack->resources, logical),
					      "ResourceType")));
	else
		delete_one(stack, logical, step);
}

/* Deletions go on after one failed: what they can delete need not stay. */
static bool stops_at_failure(const struct stack *stack)
{
	const char *kind = work_kind(stack);

	return strcmp(kind, "CREATE") == 0 || strcmp(kind, "UPDATE") == 0;
}

/* Does what is ready; whether there is anything still to do or under way. */
static bool advance(struct stack *stack)
{
	json_t *steps = steps_of(stack), *step;
	bool failed = json_object_get(json_object_get(stack->body, "Work"), "Failed") != NULL;
	bool polling = loop_now_ms(stack->cfn->options.loop) >= stack->poll_ms;
	unsigned calls = 0;
	bool busy = false;
	const char *logical;
	void *next;

	json_object_foreach_safe(steps, next, logical, step)
	{
		if (step_is(step, "doing") || step_is(step, "waiting")) {
			busy = true;
			if (polling)
				resume(stack, logical, step);
		} else if (is_ready(steps, step) && !(failed && stops_at_failure(stack))) {
			busy = true;
			if (calls++ < STEP_CALLS_MAX)
				begin(stack, logical, step);
			failed = json_object_get(json_object_get(stack->body, "Work"), "Failed") !=
				 NULL;
		}
	}
	return busy;
}

static bool cleans_up(const struct stack *stack)
{
	return strcmp(work_kind(stack), "CLEANUP") == 0 || strcmp(work_kind(stack), "DELETE") == 0;
}

static bool work(struct stack *stack)
{
	bool busy = advance(stack);

	if (triggers_hold(stack, busy) || busy)
		return true;
	if (cleans_up(stack) && clean_up(stack))
		return true;
	return plan_next(stack);
}

/* Nested stacks give up as well, and their steps end when they are back. */
static void cancel_nested(struct stack *stack)
{
	list_for_each (&stack->cfn->stacks, node) {
		struct stack *child = container_of(node, struct stack, link);

		if (strcmp(text_at(child->body, "ParentId"), stack->id) == 0 &&
		    strcmp(text_at(child->body, "StackStatus"), "UPDATE_IN_PROGRESS") == 0)
			engine_give_up(child, "User Initiated");
	}
}

void engine_give_up(struct stack *stack, const char *reason)
{
	json_t *work = json_object_get(stack->body, "Work"), *step;
	const char *logical;

	put_text(work, "Reason", reason);
	cancel_nested(stack);
	if (!json_object_get(work, "Failed"))
		put_new(work, "Failed", json_array());
	json_object_foreach (steps_of(stack), logical, step) {
		const json_t *record = json_object_get(stack->resources, logical);
		bool creates = bytes_starts(bytes_of(text_at(record, "ResourceStatus")),
					    BYTES("CREATE"));

		if (!step_is(step, "waiting") ||
		    (!creates &&
		     strcmp(text_at(record, "ResourceType"), "AWS::CloudFormation::Stack") == 0))
			continue;
		step_fail(stack, logical, step);
		step_mark(stack, logical, creates ? "CREATE" : "UPDATE", "FAILED",
			  creates ? "Resource creation cancelled" : "Resource update cancelled");
	}
	if (stack_save(stack, NULL))
		log_error("cloudformation", "that %s is given up cannot be noted",
			  text_at(stack->body, "StackName"));
}

void engine_catch_up(struct stack *stack)
{
	json_t *step;
	const char *logical;

	json_object_foreach (steps_of(stack), logical, step)
		if (step_is(step, "doing"))
			resume(stack, logical, step);
}

struct stack *engine_stack(const struct cloudformation *cfn, const char *id)
{
	list_for_each (&cfn->stacks, node) {
		struct stack *stack = container_of(node, struct stack, link);

		if (strcmp(stack->id, id) == 0)
			return stack;
	}
	return NULL;
}

void engine_start(struct stack *stack)
{
	struct cloudformation *cfn = stack->cfn;

	list_append(&cfn->stacks, &stack->link);
	timer_set(cfn->options.loop, &cfn->timer, loop_now_ms(cfn->options.loop) + TICK_MS);
}

void engine_tick(struct timer *timer)
{
	struct cloudformation *cfn = container_of(timer, struct cloudformation, timer);

	list_for_each_safe (&cfn->stacks, node) {
		struct stack *stack = container_of(node, struct stack, link);

		if (!work(stack))
			stack_free(stack);
	}
	if (!list_empty(&cfn->stacks))
		timer_set(cfn->options.loop, &cfn->timer, loop_now_ms(cfn->options.loop) + TICK_MS);
}
