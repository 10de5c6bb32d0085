/*
 * change_sets: what would change, looked at before it is done; `aws cloudformation deploy` is this.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/random.h"
#include "services/cloudformation/changes.h"
#include "services/cloudformation/stacks.h"

/* ---- Create ---- */

static err_t save_change_set(struct cloudformation *cfn, json_t *body)
{
	json_t *sealed = json_copy(body), *inside = NULL;
	struct store_resource row = { .kind = KIND_CHANGE_SET,
				      .id = text_at(body, "ChangeSetId"),
				      .parent = text_at(body, "StackId"),
				      .body = sealed };
	struct store_txn *txn = NULL;
	err_t err = sealed_stack(cfn, json_object_get(body, "Body"), &inside);

	if (!err && json_object_set_new(sealed, "Body", inside))
		err = ERR_NOMEM;
	if (!err)
		err = store_begin(cfn->options.store, &txn);
	if (!err)
		err = store_insert(txn, &row);
	json_decref(sealed);
	if (!err)
		return store_commit(txn);
	store_rollback(txn);
	return err;
}

static bool wants_creation(struct api_call *call, const struct stack *stack)
{
	const char *type = text_at(call->input, "ChangeSetType");

	return strcmp(type, "CREATE") == 0 ||
	       (stack && strcmp(text_at(stack->body, "StackStatus"), "REVIEW_IN_PROGRESS") == 0);
}

/* The stack that the set is for; one in review is made where there is none yet. */
static err_t stack_for_set(struct api_call *call, const char *name, json_t **ret_body,
			   struct stack **ret_stack)
{
	struct stack *stack = NULL;
	err_t err = stack_load(cfn_of(call), name, &stack);
	bool creates;

	if (err && err != ERR_NOT_FOUND)
		return err;
	creates = wants_creation(call, stack);
	if (!stack && !creates)
		return api_fault(call, "ValidationError", "Stack [%s] does not exist", name);
	if (stack && !creates) {
		stack_free(stack);
		TRY(load_updatable(call, name, &stack));
	} else if (stack &&
		   strcmp(text_at(stack->body, "StackStatus"), "REVIEW_IN_PROGRESS") != 0) {
		stack_free(stack);
		return api_fault(call, "ValidationError",
				 "Stack [%s] already exists and cannot be created again with the "
				 "changeSet [%s].",
				 name, text_at(call->input, "ChangeSetName"));
	}
	err = body_of_input(call, stack ? text_at(stack->body, "StackName") : name,
			    creates ? NULL : stack->body, ret_body);
	if (!err && !stack) {
		err = new_stack(call, json_deep_copy(*ret_body), "REVIEW_IN_PROGRESS", &stack);
		if (!err)
			err = stack_status(stack, "REVIEW_IN_PROGRESS", "User Initiated");
		if (err)
			json_decref(*ret_body);
	}
	if (err)
		stack_free(stack);
	else
		*ret_stack = stack;
	return err;
}

static json_t *set_body(struct api_call *call, const struct stack *stack, json_t *body)
{
	const struct cloudformation_options *options = &cfn_of(call)->options;
	char id[512], uuid[37];
	json_t *set;

	random_uuid(uuid);
	snprintf(id, sizeof id, "arn:aws:cloudformation:%s:%s:changeSet/%s/%s", options->region,
		 options->account, text_at(call->input, "ChangeSetName"), uuid);
	set = json_pack("{s:s, s:s, s:s, s:s, s:I, s:o}", "ChangeSetId", id, "ChangeSetName",
			text_at(call->input, "ChangeSetName"), "StackId", stack->id, "StackName",
			text_at(stack->body, "StackName"), "CreationTime",
			(json_int_t)now_ms(cfn_of(call)), "Body", body);
	if (text_at(call->input, "Description")[0])
		put_text(set, "Description", text_at(call->input, "Description"));
	return set;
}

CFN_OPERATION(create_change_set)
{
	json_t *body, *set, *changes = NULL;
	struct stack *stack;
	err_t err;

	TRY(cfn_check_name(call, text_at(call->input, "ChangeSetName"), "changeSetName"));
	TRY(stack_for_set(call, text_at(call->input, "StackName"), &body, &stack));
	err = changes_find(stack, body, &changes);
	set = set_body(call, stack, body);
	if (!err && !json_array_size(changes) && !changes_anything(stack->body, body)) {
		put_text(set, "Status", "FAILED");
		put_text(set, "ExecutionStatus", "UNAVAILABLE");
		put_text(set, "StatusReason",
			 "The submitted information didn't contain changes. Submit different "
			 "information to create a change set.");
	} else if (err) {
		put_text(set, "Status", "FAILED");
		put_text(set, "ExecutionStatus", "UNAVAILABLE");
		put_text(set, "StatusReason", text_str(&stack->why));
	} else {
		put_text(set, "Status", "CREATE_COMPLETE");
		put_text(set, "ExecutionStatus", "AVAILABLE");
	}
	put_new(set, "Changes", changes);
	put_text(call->output, "Id", text_at(set, "ChangeSetId"));
	put_text(call->output, "StackId", stack->id);
	err = save_change_set(cfn_of(call), set);
	json_decref(set);
	stack_free(stack);
	return err;
}

/* ---- The others ---- */

struct set_search {
	const char *name, *stack_id;
	json_t *found; /* the newest of that name */
};

static bool look_for_set(void *owner, const struct store_resource *resource)
{
	struct set_search *search = owner;

	if (strcmp(text_at(resource->body, "ChangeSetName"), search->name) == 0) {
		json_decref(search->found);
		search->found = json_incref(resource->body);
	}
	return true;
}

/* By ARN, or by name and stack. The caller owns *ret_set. */
static err_t find_set(struct api_call *call, json_t **ret_set)
{
	struct set_search search = { .name = text_at(call->input, "ChangeSetName") };
	struct stack *stack = NULL;
	struct store_txn *txn;
	bool by_id = bytes_starts(bytes_of(search.name), BYTES("arn:"));
	err_t err = by_id ? ERR_OK
			  : stack_load(cfn_of(call), text_at(call->input, "StackName"), &stack);

	if (err == ERR_NOT_FOUND)
		return no_stack(call, text_at(call->input, "StackName"));
	TRY(err);
	err = store_begin(cfn_of(call)->options.store, &txn);
	if (!err) {
		err = by_id ? store_get(txn, KIND_CHANGE_SET, search.name, &search.found, NULL)
			    : store_each(txn, KIND_CHANGE_SET, stack->id, NULL, look_for_set,
					 &search);
		store_rollback(txn);
	}
	stack_free(stack);
	if (err == ERR_NOT_FOUND || (!err && !search.found))
		return api_fault(call, "ChangeSetNotFound", "ChangeSet [%s] does not exist",
				 search.name);
	if (!err)
		err = sealed_open(cfn_of(call), json_object_get(search.found, "Body"));
	if (err)
		json_decref(search.found);
	else
		*ret_set = search.found;
	return err;
}

static void take(json_t *into, const json_t *from, const char *const members[], size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (json_object_get(from, members[i]))
			json_object_set(into, members[i], json_object_get(from, members[i]));
}

static json_t *set_shown(const json_t *set, bool whole)
{
	static const char *const members[] = { "ChangeSetId", "ChangeSetName", "StackId",
					       "StackName",   "Description",   "CreationTime",
					       "Status",      "StatusReason",  "ExecutionStatus" };
	static const char *const of_body[] = { "Capabilities", "Tags", "RollbackConfiguration" };
	const json_t *body = json_object_get(set, "Body");
	json_t *shown = json_object();

	take(shown, set, members, COUNT(members));
	if (whole) {
		take(shown, body, of_body, COUNT(of_body));
		put_new(shown, "Parameters", parameters_shown(body));
		json_object_set(shown, "Changes", json_object_get(set, "Changes"));
	}
	return shown;
}

CFN_OPERATION(describe_change_set)
{
	json_t *set, *shown;

	TRY(find_set(call, &set));
	shown = set_shown(set, true);
	json_object_update(call->output, shown);
	json_decref(shown);
	json_decref(set);
	return ERR_OK;
}

static bool gather_set(void *owner, const struct store_resource *resource)
{
	json_array_append_new(owner, set_shown(resource->body, false));
	return true;
}

CFN_OPERATION(list_change_sets)
{
	const char *name = text_at(call->input, "StackName");
	json_t *list = json_array();
	struct stack *stack;
	struct store_txn *txn;
	err_t err = stack_load(cfn_of(call), name, &stack);

	if (err) {
		json_decref(list);
		return err == ERR_NOT_FOUND ? no_stack(call, name) : err;
	}
	err = store_begin(cfn_of(call)->options.store, &txn);
	if (!err) {
		err = store_each(txn, KIND_CHANGE_SET, stack->id, NULL, gather_set, list);
		store_rollback(txn);
	}
	if (!err)
		err = page_of(call, "Summaries", list);
	json_decref(list);
	stack_free(stack);
	return err;
}

static err_t drop_set(struct cloudformation *cfn, const char *id)
{
	struct store_txn *txn;
	err_t err;

	TRY(store_begin(cfn->options.store, &txn));
	err = store_delete(txn, KIND_CHANGE_SET, id);
	if (!err)
		return store_commit(txn);
	store_rollback(txn);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

CFN_OPERATION(delete_change_set)
{
	json_t *set;
	err_t err = find_set(call, &set);

	if (err)
		return strcmp(call->fault.code, "ChangeSetNotFound") == 0 ? ERR_OK : err;
	err = drop_set(cfn_of(call), text_at(set, "ChangeSetId"));
	json_decref(set);
	return err;
}

/* What the set holds becomes the stack's, beside what only the stack knows. */
static err_t execute(struct api_call *call, json_t *set, struct stack *stack)
{
	bool creates = strcmp(text_at(stack->body, "StackStatus"), "REVIEW_IN_PROGRESS") == 0;
	static const char *const taken[] = { "Template",     "Processed",
					     "Given",	     "Resolved",
					     "Tags",	     "Description",
					     "Capabilities", "RollbackConfiguration" };
	const json_t *from = json_object_get(set, "Body");
	json_t *body = json_deep_copy(stack->body);

	json_object_del(body, "Processed");
	json_object_del(body, "Resolved");
	take(body, from, taken, COUNT(taken));
	put_text(body, "ChangeSetId", text_at(set, "ChangeSetId"));
	if (json_is_true(json_object_get(call->input, "DisableRollback")))
		put_text(body, "OnFailure", "DO_NOTHING");
	else
		json_object_del(body, "OnFailure");
	if (!creates)
		return begin_update_stack(stack, body);
	json_decref(stack->body);
	stack->body = body;
	return begin_create_stack(stack);
}

CFN_OPERATION(execute_change_set)
{
	struct stack *stack;
	json_t *set;
	err_t err;

	TRY(find_set(call, &set));
	if (strcmp(text_at(set, "ExecutionStatus"), "AVAILABLE") != 0)
		err = api_fault(call, "InvalidChangeSetStatus",
				"ChangeSet [%s] cannot be executed in its current status of [%s]",
				text_at(set, "ChangeSetId"), text_at(set, "Status"));
	else
		err = stack_load(cfn_of(call), text_at(set, "StackId"), &stack);
	if (!err && is_at_work(stack->body)) {
		err = api_fault(call, "InvalidChangeSetStatus",
				"Stack:%s is in %s state and can not be updated.", stack->id,
				text_at(stack->body, "StackStatus"));
		stack_free(stack);
	} else if (!err) {
		err = execute(call, set, stack);
	}
	if (!err)
		err = drop_set(cfn_of(call), text_at(set, "ChangeSetId"));
	json_decref(set);
	return err;
}
