/*
 * describe: everything that only looks: stacks, resources, events, exports.
 */
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "services/cloudformation/expand.h"
#include "services/cloudformation/stacks.h"

enum { PAGE = 100 };

/* ---- Pages: a token is the position after the last one given ---- */

err_t page_of(struct api_call *call, const char *list, json_t *all)
{
	const char *token = text_at(call->input, "NextToken");
	struct text plain = TEXT_INIT(64), next = TEXT_INIT(128);
	json_t *page = json_array();
	uint64_t from = 0;
	size_t end;
	err_t err = ERR_OK;

	if (token[0] && (decode_base64url(&plain, bytes_of(token)) ||
			 bytes_to_u64(text_bytes(&plain), UINT32_MAX, &from)))
		err = api_fault(call, "ValidationError", "The next token is not valid");
	end = size_min(json_array_size(all), (size_t)from + PAGE);
	for (size_t i = (size_t)from; !err && i < end; i++)
		json_array_append(page, json_array_get(all, i));
	if (!err && end < json_array_size(all)) {
		text_clear(&plain);
		text_add_u64(&plain, end);
		encode_base64url(&next, text_bytes(&plain));
		put_text(call->output, "NextToken", text_str(&next));
	}
	put_new(call->output, list, page);
	text_fini(&plain);
	text_fini(&next);
	return err;
}

/* ---- Stacks ---- */

json_t *parameters_shown(const json_t *body)
{
	struct text why = TEXT_INIT(1024);
	struct template template;
	json_t *list = json_array(), *declaration;
	const char *name;

	if (template_parse(bytes_of(text_at(body, "Template")), &template, &why)) {
		text_fini(&why);
		return list;
	}
	json_object_foreach (json_object_get(template.root, "Parameters"), name, declaration) {
		json_t *given = json_object_get(json_object_get(body, "Given"), name);
		struct text value = TEXT_INIT(64 * 1024);

		bool secret = parameter_is_secret(declaration);
		const json_t *resolved = NULL;

		scalar_text(given ? given : json_object_get(declaration, "Default"), &value);
		if (!secret &&
		    strncmp(text_at(declaration, "Type"), "AWS::SSM::Parameter::Value<", 27) == 0)
			resolved = json_object_get(json_object_get(body, "Resolved"),
						   text_str(&value));
		json_array_append_new(list, json_pack("{s:s, s:s, s:O*}", "ParameterKey", name,
						      "ParameterValue",
						      secret ? "****" : text_str(&value),
						      "ResolvedValue", resolved));
		text_fini(&value);
	}
	template_fini(&template);
	text_fini(&why);
	return list;
}

/* What the last look at drift came to. */
static json_t *drift_information(const json_t *of, const char *member)
{
	const json_t *drift = json_object_get(of, "Drift");

	return json_pack("{s:s, s:O*}", member, drift ? text_at(drift, member) : "NOT_CHECKED",
			 "LastCheckTimestamp", json_object_get(drift, "Timestamp"));
}

static json_t *stack_shown(const json_t *body)
{
	static const char *const members[] = {
		"StackId",
		"StackName",
		"ChangeSetId",
		"Description",
		"CreationTime",
		"DeletionTime",
		"LastUpdatedTime",
		"StackStatus",
		"StackStatusReason",
		"Capabilities",
		"Outputs",
		"Tags",
		"EnableTerminationProtection",
		"DeletionMode",
		"TimeoutInMinutes",
		"RollbackConfiguration",
		"ParentId",
		"RootId",
	};
	json_t *shown = json_object();

	for (size_t i = 0; i < COUNT(members); i++)
		if (json_object_get(body, members[i]))
			json_object_set(shown, members[i], json_object_get(body, members[i]));
	put_new(shown, "Parameters", parameters_shown(body));
	put_new(shown, "DisableRollback",
		json_boolean(strcmp(text_at(body, "OnFailure"), "DO_NOTHING") == 0));
	put_new(shown, "DriftInformation", drift_information(body, "StackDriftStatus"));
	if (!json_object_get(shown, "Tags"))
		put_new(shown, "Tags", json_array());
	put_new(shown, "NotificationARNs", json_array());
	if (!json_object_get(shown, "RollbackConfiguration"))
		put_new(shown, "RollbackConfiguration", json_object());
	return shown;
}

struct gathering {
	struct cloudformation *cfn;
	json_t *list;
	bool deleted; /* those as well */
};

static bool gather_stack(void *owner, const struct store_resource *resource)
{
	struct gathering *all = owner;
	bool deleted = strcmp(text_at(resource->body, "StackStatus"), "DELETE_COMPLETE") == 0;

	if (!deleted || all->deleted)
		json_array_append(all->list, resource->body);
	return true;
}

/* Of stacks, as stack_shown wants them. */
static err_t open_all(struct gathering *all)
{
	json_t *body;
	size_t i;

	json_array_foreach (all->list, i, body)
		TRY(sealed_open(all->cfn, body));
	return ERR_OK;
}

static err_t gather(struct cloudformation *cfn, const char *kind, const char *parent,
		    store_each_fn each, struct gathering *all)
{
	struct store_txn *txn;
	err_t err;

	all->cfn = cfn;
	all->list = json_array();
	TRY(store_begin(cfn->options.store, &txn));
	err = store_each(txn, kind, parent, NULL, each, all);
	store_rollback(txn);
	if (!err && strcmp(kind, KIND_STACK) == 0)
		err = open_all(all);
	if (err)
		json_decref(all->list);
	return err;
}

CFN_OPERATION(describe_stacks)
{
	const char *name = text_at(call->input, "StackName");
	struct gathering all = { .deleted = false };
	json_t *shown, *body;
	struct stack *stack;
	size_t i;
	err_t err;

	if (name[0]) {
		err = stack_load(cfn_of(call), name, &stack);
		if (err == ERR_NOT_FOUND)
			return no_stack(call, name);
		TRY(err);
		put_new(call->output, "Stacks", json_pack("[o]", stack_shown(stack->body)));
		stack_free(stack);
		return ERR_OK;
	}
	TRY(gather(cfn_of(call), KIND_STACK, NULL, gather_stack, &all));
	shown = json_array();
	json_array_foreach (all.list, i, body)
		json_array_append_new(shown, stack_shown(body));
	err = page_of(call, "Stacks", shown);
	json_decref(shown);
	json_decref(all.list);
	return err;
}

CFN_OPERATION(list_stacks)
{
	const json_t *filter = json_object_get(call->input, "StackStatusFilter");
	struct gathering all = { .deleted = true };
	json_t *shown, *body;
	size_t i;
	err_t err;

	TRY(gather(cfn_of(call), KIND_STACK, NULL, gather_stack, &all));
	shown = json_array();
	json_array_foreach (all.list, i, body) {
		json_t *row;

		if (!is_listed(filter, text_at(body, "StackStatus")))
			continue;
		row = stack_shown(body);
		if (json_object_get(row, "Description"))
			json_object_set(row, "TemplateDescription",
					json_object_get(row, "Description"));
		json_array_append_new(shown, row);
	}
	err = page_of(call, "StackSummaries", shown);
	json_decref(shown);
	json_decref(all.list);
	return err;
}

/* ---- Events ---- */

static bool gather_body(void *owner, const struct store_resource *resource)
{
	struct gathering *all = owner;

	json_array_append(all->list, resource->body);
	return true;
}

static int by_time_down(const void *a, const void *b)
{
	const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
	json_int_t one = json_integer_value(json_object_get(x, "Seq"));
	json_int_t two = json_integer_value(json_object_get(y, "Seq"));

	return one < two ? 1 : one > two ? -1 : 0;
}

/* The newest first. */
static err_t newest_first(json_t *list)
{
	size_t count = json_array_size(list);
	json_t **rows = calloc(count + 1, sizeof(json_t *));

	if (!rows)
		return ERR_NOMEM;
	for (size_t i = 0; i < count; i++) {
		rows[i] = json_array_get(list, i);
		put_new(rows[i], "Seq",
			json_integer((json_int_t)i)); /* they come as they were made */
	}
	qsort(rows, count, sizeof(json_t *), by_time_down);
	for (size_t i = 0; i < count; i++)
		json_incref(rows[i]);
	json_array_clear(list);
	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, rows[i]);
	free(rows);
	return ERR_OK;
}

CFN_OPERATION(describe_stack_events)
{
	struct gathering all = { .deleted = true };
	struct stack *stack;
	err_t err = stack_of_call(call, &stack);

	TRY(err);
	err = gather(cfn_of(call), KIND_EVENT, stack->id, gather_body, &all);
	stack_free(stack);
	TRY(err);
	err = newest_first(all.list);
	if (!err)
		err = page_of(call, "StackEvents", all.list);
	json_decref(all.list);
	return err;
}

/* ---- Resources ---- */

static json_t *resource_shown(const json_t *record, const char *time_name)
{
	static const char *const members[] = {
		"StackId",	"StackName",	  "LogicalResourceId",	 "PhysicalResourceId",
		"ResourceType", "ResourceStatus", "ResourceStatusReason"
	};
	json_t *shown = json_object();

	for (size_t i = 0; i < COUNT(members); i++)
		if (json_object_get(record, members[i]))
			json_object_set(shown, members[i], json_object_get(record, members[i]));
	json_object_set(shown, time_name, json_object_get(record, "Timestamp"));
	put_new(shown, "DriftInformation", drift_information(record, "StackResourceDriftStatus"));
	return shown;
}

CFN_OPERATION(describe_stack_resource)
{
	const char *name = text_at(call->input, "StackName");
	const char *logical = text_at(call->input, "LogicalResourceId");
	struct stack *stack;
	json_t *record;
	err_t err = stack_load(cfn_of(call), name, &stack);

	if (err == ERR_NOT_FOUND)
		return api_fault(call, "ValidationError", "Stack '%s' does not exist", name);
	TRY(err);
	record = json_object_get(stack->resources, logical);
	if (record)
		put_new(call->output, "StackResourceDetail",
			resource_shown(record, "LastUpdatedTimestamp"));
	else
		err = api_fault(call, "ValidationError", "Resource %s does not exist for stack %s",
				logical, name);
	stack_free(stack);
	return err;
}

/* Every resource of a stack, as one or the other operation shows them. */
static err_t resources_of(struct api_call *call, const char *name, const char *time_name,
			  json_t **ret_list)
{
	const char *logical = text_at(call->input, "LogicalResourceId"), *key;
	struct stack *stack;
	json_t *record;
	err_t err = stack_named(call, name, &stack);

	TRY(err);
	*ret_list = json_array();
	json_object_foreach (stack->resources, key, record)
		if (!logical[0] || strcmp(logical, key) == 0)
			json_array_append_new(*ret_list, resource_shown(record, time_name));
	stack_free(stack);
	return ERR_OK;
}

struct physical_search {
	const char *physical;
	char *stack_id;
};

static bool look_for_physical(void *owner, const struct store_resource *resource)
{
	struct physical_search *search = owner;

	if (strcmp(text_at(resource->body, "PhysicalResourceId"), search->physical) == 0 &&
	    !is_gone(resource->body))
		search->stack_id = bytes_dup(bytes_of(resource->parent));
	return !search->stack_id;
}

CFN_OPERATION(describe_stack_resources)
{
	const char *name = text_at(call->input, "StackName");
	struct physical_search search = { .physical = text_at(call->input, "PhysicalResourceId") };
	struct store_txn *txn;
	json_t *list;
	err_t err;

	if (!name[0] == !search.physical[0])
		return api_fault(call, "ValidationError",
				 "Either stack name or physical resource id must be specified");
	if (!name[0]) {
		TRY(store_begin(cfn_of(call)->options.store, &txn));
		err = store_each(txn, KIND_RESOURCE, NULL, NULL, look_for_physical, &search);
		store_rollback(txn);
		TRY(err);
		if (!search.stack_id)
			return api_fault(call, "ValidationError", "Stack for %s does not exist",
					 search.physical);
		name = search.stack_id;
	}
	err = resources_of(call, name, "Timestamp", &list);
	free(search.stack_id);
	TRY(err);
	put_new(call->output, "StackResources", list);
	return ERR_OK;
}

CFN_OPERATION(list_stack_resources)
{
	json_t *list;
	err_t err;

	TRY(resources_of(call, text_at(call->input, "StackName"), "LastUpdatedTimestamp", &list));
	err = page_of(call, "StackResourceSummaries", list);
	json_decref(list);
	return err;
}

/* ---- Exports ---- */

CFN_OPERATION(list_exports)
{
	struct gathering all = { .deleted = false };
	json_t *shown, *body, *output;
	size_t i, k;
	err_t err;

	TRY(gather(cfn_of(call), KIND_STACK, NULL, gather_stack, &all));
	shown = json_array();
	json_array_foreach (all.list, i, body)
		json_array_foreach (json_object_get(body, "Outputs"), k, output)
			if (text_at(output, "ExportName")[0])
				json_array_append_new(
					shown, json_pack("{s:s, s:s, s:s}", "ExportingStackId",
							 text_at(body, "StackId"), "Name",
							 text_at(output, "ExportName"), "Value",
							 text_at(output, "OutputValue")));
	err = page_of(call, "Exports", shown);
	json_decref(shown);
	json_decref(all.list);
	return err;
}

CFN_OPERATION(list_imports)
{
	const char *name = text_at(call->input, "ExportName");
	struct gathering all = { .deleted = false };
	json_t *shown, *body;
	size_t i;
	err_t err;

	TRY(gather(cfn_of(call), KIND_STACK, NULL, gather_stack, &all));
	shown = json_array();
	json_array_foreach (all.list, i, body)
		if (json_object_get(json_object_get(body, "Imports"), name))
			json_array_append_new(shown, json_string(text_at(body, "StackName")));
	err = json_array_size(shown) ? page_of(call, "Imports", shown)
				     : api_fault(call, "ValidationError",
						 "Export '%s' is not imported by any stack.", name);
	json_decref(shown);
	json_decref(all.list);
	return err;
}
