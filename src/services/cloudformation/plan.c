#include "services/cloudformation/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "services/cloudformation/nested.h"

/* ---- Making plans ---- */

static void set_work(struct stack *stack, const char *kind, json_t *steps)
{
	json_t *work = json_pack("{s:s, s:o}", "Kind", kind, "Steps", steps);

	put_new(stack->body, "Work", work);
	stack->poll_ms = 0;
}

static void add_step(json_t *steps, const char *logical, const char *what, json_t *needs)
{
	put_new(steps, logical,
		json_pack("{s:s, s:o, s:s}", "Do", what, "Needs", needs, "State", "todo"));
}

/* What must not go fails the update before it begins to clean up. */
static void deny_deletions(struct stack *stack, json_t *steps)
{
	const char *logical;
	json_t *record;

	json_object_foreach (stack->resources, logical, record)
		if (!json_object_get(steps, logical) &&
		    stack_may(stack, "Update:Delete", logical, text_at(record, "ResourceType")))
			add_step(steps, logical, "deny", json_array());
}

/* Steps for all that the template wants now. */
static err_t plan_forward(struct stack *stack, const char *kind)
{
	json_t *names = NULL, *needs = NULL, *steps, *name;
	err_t err = stack_wanted(stack, &names);
	size_t i;

	if (!err)
		err = resource_needs(&stack->template, names, &needs, &stack->why);
	if (err) {
		json_decref(names);
		return err;
	}
	steps = json_object();
	json_array_foreach (names, i, name) {
		const char *logical = json_string_value(name);

		add_step(steps, logical,
			 json_object_get(stack->resources, logical) ? "update" : "create",
			 json_incref(json_object_get(needs, logical)));
	}
	json_decref(names);
	json_decref(needs);
	if (strcmp(kind, "UPDATE") == 0)
		deny_deletions(stack, steps);
	set_work(stack, kind, steps);
	return ERR_OK;
}

err_t engine_plan_create(struct stack *stack)
{
	return plan_forward(stack, "CREATE");
}

err_t engine_plan_update(struct stack *stack, const char *kind)
{
	return plan_forward(stack, kind);
}

/* Who is needed goes after those who need it. */
static json_t *turned(const json_t *needs)
{
	json_t *users = json_object(), *list, *one;
	const char *name;
	size_t i;

	json_object_foreach ((json_t *)needs, name, list)
		put_new(users, name, json_array());
	json_object_foreach ((json_t *)needs, name, list)
		json_array_foreach (list, i, one)
			json_array_append_new(json_object_get(users, json_string_value(one)),
					      json_string(name));
	return users;
}

/* Deletes `names`, in the order that `template` (or none) asks for. */
static void plan_backward(struct stack *stack, const char *kind, const struct template *template,
			  const json_t *names)
{
	json_t *needs = NULL, *users, *steps = json_object(), *name;
	struct text ignored = TEXT_INIT(4096);
	size_t i;

	if (!template->root || resource_needs(template, names, &needs, &ignored))
		needs = json_object();
	users = turned(needs);
	json_array_foreach ((json_t *)names, i, name) {
		json_t *list = json_object_get(users, json_string_value(name));

		add_step(steps, json_string_value(name), "delete",
			 list ? json_incref(list) : json_array());
	}
	json_decref(needs);
	json_decref(users);
	text_fini(&ignored);
	set_work(stack, kind, steps);
}

static json_t *all_names(const struct stack *stack)
{
	json_t *names = json_array(), *record;
	const char *name;

	json_object_foreach (stack->resources, name, record)
		if (!is_gone(record))
			json_array_append_new(names, json_string(name));
	return names;
}

err_t engine_plan_delete(struct stack *stack, const char *kind)
{
	json_t *names = all_names(stack);

	plan_backward(stack, kind, &stack->template, names);
	json_decref(names);
	return ERR_OK;
}

/* What the template wants no more, then what replacements left. */
static void plan_cleanup(struct stack *stack)
{
	const json_t *before = json_object_get(stack->body, "Before");
	json_t *names = json_array(), *wanted = NULL, *record, *one;
	struct template template = { .root = NULL };
	json_t *keep = json_object(), *values = NULL;
	const char *name;
	size_t i;

	stack_wanted(stack, &wanted);
	json_array_foreach (wanted, i, one)
		put_new(keep, json_string_value(one), json_true());
	json_object_foreach (stack->resources, name, record)
		if (!json_object_get(keep, name))
			json_array_append_new(names, json_string(name));
	text_clear(&stack->why);
	if (text_at(before, "Template")[0] && stack_read(stack, before, &template, &values) &&
	    template.root)
		template_fini(&template); /* one that is read no more only loses its order */
	json_decref(values);
	plan_backward(stack, "CLEANUP", &template, names);
	if (template.root)
		template_fini(&template);
	json_decref(names);
	json_decref(wanted);
	json_decref(keep);
}

/* ---- Outputs ---- */

struct export_check {
	const struct stack *stack;
	const char *name;
	const char *owner; /* of the stack that has it already */
};

static bool look_for_owner(void *owner, const struct store_resource *resource)
{
	struct export_check *check = owner;
	const json_t *output;
	size_t i;

	if (strcmp(resource->id, check->stack->id) == 0 ||
	    strcmp(text_at(resource->body, "StackStatus"), "DELETE_COMPLETE") == 0)
		return true;
	json_array_foreach (json_object_get(resource->body, "Outputs"), i, output)
		if (strcmp(text_at(output, "ExportName"), check->name) == 0)
			check->owner = "another stack";
	return !check->owner;
}

static err_t check_export(struct stack *stack, const char *name)
{
	struct export_check check = { .stack = stack, .name = name };
	struct store_txn *txn;

	TRY(store_begin(stack->cfn->options.store, &txn));
	store_each(txn, KIND_STACK, NULL, NULL, look_for_owner, &check);
	store_rollback(txn);
	if (!check.owner)
		return ERR_OK;
	text_printf(&stack->why, "Export with name %s is already exported by %s.", name,
		    check.owner);
	return ERR_INVALID;
}

static err_t one_output(struct stack *stack, struct eval *eval, const char *key,
			const json_t *declaration, json_t *outputs)
{
	const char *condition = json_string_value(json_object_get(declaration, "Condition"));
	const json_t *export = json_object_get(json_object_get(declaration, "Export"), "Name");
	struct text text = TEXT_INIT(64 * 1024);
	json_t *value, *row, *name = NULL;
	bool wanted = true;
	err_t err;

	if (condition)
		TRY(evaluate_condition(eval, condition, &wanted));
	if (!wanted)
		return ERR_OK;
	TRY(evaluate(eval, json_object_get(declaration, "Value"), &value));
	err = scalar_text(value, &text);
	json_decref(value);
	if (err == ERR_INVALID)
		text_printf(&stack->why, "Template format error: Output %s must be a text", key);
	if (!err && export)
		err = evaluate(eval, export, &name);
	if (!err && name)
		err = check_export(stack, json_string_value(name) ? json_string_value(name) : "");
	row = json_pack("{s:s, s:s, s:o*, s:s*}", "OutputKey", key, "OutputValue", text_str(&text),
			"ExportName", name, "Description",
			json_string_value(json_object_get(declaration, "Description")));
	text_fini(&text);
	if (json_array_append_new(outputs, row) && !err)
		err = ERR_NOMEM;
	return err;
}

static err_t work_out_outputs(struct stack *stack)
{
	json_t *outputs = json_array(), *declaration;
	struct eval eval;
	const char *key;
	err_t err = ERR_OK;

	stack_eval(stack, &eval);
	text_clear(&stack->why);
	json_object_foreach (json_object_get(stack->template.root, "Outputs"), key, declaration)
		err = err ? err : one_output(stack, &eval, key, declaration, outputs);
	put_new(stack->body, "Outputs", outputs);
	return err == ERR_AGAIN ? ERR_INVALID : err;
}

/* ---- What comes next ---- */

static const char *failed_words(struct stack *stack, const char *what, const char *end)
{
	const json_t *failed = json_object_get(json_object_get(stack->body, "Work"), "Failed"),
		     *one;
	static struct text words = TEXT_INIT(8192);
	size_t i;

	text_clear(&words);
	text_printf(&words, "The following resource(s) failed to %s: [", what);
	json_array_foreach ((json_t *)failed, i, one)
		text_printf(&words, "%s%s", i ? ", " : "", json_string_value(one));
	text_printf(&words, "]. %s", end);
	return text_str(&words);
}

/* It is over: no work is left. */
static bool rest(struct stack *stack, const char *status, const char *reason)
{
	json_object_del(stack->body, "Work");
	json_object_del(stack->body, "PolicyNow");
	put_new(stack->body, "Rested", json_integer((json_int_t)now_ms(stack->cfn)));
	if (stack_status(stack, status, reason))
		log_error("cloudformation", "%s: that it is %s cannot be noted",
			  text_at(stack->body, "StackName"), status);
	nested_tell_parent(stack);
	return false;
}

static bool go_on(struct stack *stack, const char *status, const char *reason)
{
	if (stack_status(stack, status, reason))
		log_error("cloudformation", "%s: that it is %s cannot be noted",
			  text_at(stack->body, "StackName"), status);
	return true;
}

static bool gone(struct stack *stack)
{
	put_new(stack->body, "DeletionTime", json_integer((json_int_t)now_ms(stack->cfn)));
	rest(stack, "DELETE_COMPLETE", NULL);
	stack_gone(stack);
	return false;
}

static bool after_create(struct stack *stack, bool failed)
{
	const char *given_up = text_at(json_object_get(stack->body, "Work"), "Reason");
	const char *on_failure = text_at(stack->body, "OnFailure");
	struct text reason = TEXT_INIT(8192);
	bool more;

	if (!failed && !work_out_outputs(stack))
		return rest(stack, "CREATE_COMPLETE", NULL);
	if (failed && given_up[0])
		text_add_str(&reason, given_up);
	else
		text_add_str(&reason,
			     failed ? failed_words(stack, "create", "Rollback requested by user.")
				    : text_str(&stack->why));
	if (strcmp(on_failure, "DO_NOTHING") == 0) {
		more = rest(stack, "CREATE_FAILED", text_str(&reason));
	} else {
		bool delete = strcmp(on_failure, "DELETE") == 0;

		engine_plan_delete(stack, delete ? "DELETE" : "ROLLBACK");
		more = go_on(stack, delete ? "DELETE_IN_PROGRESS" : "ROLLBACK_IN_PROGRESS",
			     text_str(&reason));
	}
	text_fini(&reason);
	return more;
}

/* Back to what it was: its template and parameters again, and all that follows from them. */
bool plan_roll_back(struct stack *stack, const char *reason)
{
	static const char *const members[] = { "Template", "Processed", "Given",
					       "Resolved", "Tags",	"Description" };
	json_t *before = json_incref(json_object_get(stack->body, "Before"));
	json_t *failed = json_object();
	err_t err;

	for (size_t i = 0; i < COUNT(members); i++) {
		json_t *was = json_object_get(before, members[i]);
		json_t *is = json_object_get(stack->body, members[i]);

		if (is)
			json_object_set(failed, members[i], is);
		if (was)
			json_object_set(stack->body, members[i], was);
		else
			json_object_del(stack->body, members[i]);
	}
	json_object_del(stack->body, "Held");
	/* Cleaning up afterwards goes by the template that is given up. */
	put_new(stack->body, "Before", failed);
	json_decref(before);
	err = stack_open(stack);
	if (!err)
		err = engine_plan_update(stack, "UPDATE_ROLLBACK");
	if (err)
		return rest(stack, "UPDATE_ROLLBACK_FAILED", text_str(&stack->why));
	return go_on(stack, "UPDATE_ROLLBACK_IN_PROGRESS", reason);
}

void plan_clean_up(struct stack *stack)
{
	bool back = engine_goes_back(stack);

	nested_release(stack);
	json_object_del(stack->body, "Held");
	plan_cleanup(stack);
	go_on(stack,
	      back ? "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"
		   : "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
	      NULL);
}

/* A nested stack waits for its parent, which may still go back. */
static void hold(struct stack *stack)
{
	set_work(stack, "HELD", json_object());
	go_on(stack, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", NULL);
	nested_tell_parent(stack);
}

static bool after_update(struct stack *stack, bool failed)
{
	const char *cancelled = text_at(json_object_get(stack->body, "Work"), "Reason");
	struct text reason = TEXT_INIT(8192);
	bool more;

	if (!failed && !work_out_outputs(stack)) {
		if (json_is_true(json_object_get(stack->body, "Held")))
			hold(stack);
		else
			plan_clean_up(stack);
		return true;
	}
	if (failed && cancelled[0])
		text_add_str(&reason, cancelled);
	else
		text_add_str(&reason,
			     failed ? failed_words(stack, "update", "") : text_str(&stack->why));
	if (strcmp(text_at(stack->body, "OnFailure"), "DO_NOTHING") == 0) {
		nested_release(stack);
		more = rest(stack, "UPDATE_FAILED", text_str(&reason));
	} else
		more = plan_roll_back(stack, text_str(&reason));
	text_fini(&reason);
	return more;
}

static bool after_rollback_of_update(struct stack *stack, bool failed)
{
	if (failed)
		return rest(stack, "UPDATE_ROLLBACK_FAILED", failed_words(stack, "update", ""));
	work_out_outputs(stack);
	plan_clean_up(stack);
	return true;
}

static bool after_cleanup(struct stack *stack)
{
	bool back = bytes_starts(bytes_of(text_at(stack->body, "StackStatus")),
				 BYTES("UPDATE_ROLLBACK"));

	if (nested_at_work(stack))
		return true;
	json_object_del(stack->body, "Before");
	json_object_del(stack->body, "Cleanup");
	return rest(stack, back ? "UPDATE_ROLLBACK_COMPLETE" : "UPDATE_COMPLETE", NULL);
}

bool plan_next(struct stack *stack)
{
	const json_t *work = json_object_get(stack->body, "Work");
	const char *kind = text_at(work, "Kind");
	bool failed = json_object_get(work, "Failed") != NULL;

	if (strcmp(kind, "CREATE") == 0)
		return after_create(stack, failed);
	if (strcmp(kind, "UPDATE") == 0)
		return after_update(stack, failed);
	if (strcmp(kind, "UPDATE_ROLLBACK") == 0)
		return after_rollback_of_update(stack, failed);
	if (strcmp(kind, "CLEANUP") == 0)
		return after_cleanup(stack);
	if (strcmp(kind, "HELD") == 0)
		return true;
	if (failed)
		return rest(stack,
			    strcmp(kind, "ROLLBACK") == 0 ? "ROLLBACK_FAILED" : "DELETE_FAILED",
			    failed_words(stack, "delete", ""));
	if (strcmp(kind, "ROLLBACK") == 0)
		return rest(stack, "ROLLBACK_COMPLETE", NULL);
	return gone(stack);
}
