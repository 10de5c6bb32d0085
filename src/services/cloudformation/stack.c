/*
 * stack: a stack's record, resources and events, between store and memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/when.h"
#include "crypto/random.h"
#include "services/cloudformation/cloudformation_internal.h"
#include "services/cloudformation/expand.h"

/* ---- Small things ---- */

const char *text_at(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

void put_new(json_t *object, const char *key, json_t *value)
{
	if (value)
		json_object_set_new(object, key, value);
}

void put_text(json_t *object, const char *key, const char *text)
{
	put_new(object, key, json_string(text));
}

uint64_t now_ms(const struct cloudformation *cfn)
{
	return loop_unix_us(cfn->options.loop) / 1000;
}

void make_token(char out[TOKEN_CHARS + 1])
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	unsigned char bytes[TOKEN_CHARS];

	random_bytes(bytes, sizeof bytes);
	for (size_t i = 0; i < TOKEN_CHARS; i++)
		out[i] = letters[bytes[i] % 32];
	out[TOKEN_CHARS] = '\0';
}

bool ends_in(const char *text, const char *end)
{
	return bytes_ends(bytes_of(text), bytes_of(end));
}

bool is_at_work(const json_t *body)
{
	return json_object_get(body, "Work") != NULL;
}

bool is_gone(const json_t *record)
{
	const char *status = text_at(record, "ResourceStatus");

	return strcmp(status, "DELETE_COMPLETE") == 0 || strcmp(status, "DELETE_SKIPPED") == 0;
}

void record_strip(json_t *record)
{
	static const char *const shown[] = {
		"StackId",	"StackName",	  "LogicalResourceId",	  "PhysicalResourceId",
		"ResourceType", "ResourceStatus", "ResourceStatusReason", "Timestamp",
	};
	const char *key;
	json_t *value;
	void *next;
	size_t i;

	json_object_foreach_safe(record, next, key, value)
	{
		for (i = 0; i < COUNT(shown) && strcmp(shown[i], key) != 0; i++)
			;
		if (i == COUNT(shown))
			json_object_del(record, key);
	}
}

/* ---- Memory ---- */

err_t stack_make(struct cloudformation *cfn, json_t *body, struct stack **ret_stack)
{
	struct stack *stack = calloc(1, sizeof *stack);

	if (!stack || !body) {
		json_decref(body);
		free(stack);
		return ERR_NOMEM;
	}
	list_init(&stack->link);
	stack->cfn = cfn;
	stack->body = body;
	stack->id = bytes_dup(bytes_of(text_at(body, "StackId")));
	stack->resources = json_object();
	stack->conditions = json_object();
	text_init(&stack->why, 8192);
	if (!stack->id || !stack->resources || !stack->conditions) {
		stack_free(stack);
		return ERR_NOMEM;
	}
	*ret_stack = stack;
	return ERR_OK;
}

void stack_free(struct stack *stack)
{
	if (!stack)
		return;
	list_remove(&stack->link);
	json_decref(stack->body);
	json_decref(stack->resources);
	json_decref(stack->values);
	json_decref(stack->resolved);
	json_decref(stack->conditions);
	template_fini(&stack->template);
	text_fini(&stack->why);
	free(stack->id);
	free(stack);
}

static bool take_resource(void *owner, const struct store_resource *resource)
{
	struct stack *stack = owner;

	json_object_set(stack->resources, text_at(resource->body, "LogicalResourceId"),
			resource->body);
	return true;
}

static err_t open_resources(const struct stack *stack)
{
	const char *logical;
	json_t *record;

	json_object_foreach (stack->resources, logical, record)
		TRY(sealed_open(stack->cfn, record));
	return ERR_OK;
}

/* By id at once; by name the one that has it. */
static err_t read_body(struct store_txn *txn, const char *name, json_t **ret_body)
{
	char *id = NULL;
	err_t err;

	if (bytes_starts(bytes_of(name), BYTES("arn:")))
		return store_get(txn, KIND_STACK, name, ret_body, NULL);
	err = store_name_get(txn, KIND_STACK, name, &id);
	if (!err)
		err = store_get(txn, KIND_STACK, id, ret_body, NULL);
	free(id);
	return err;
}

err_t stack_load(struct cloudformation *cfn, const char *name, struct stack **ret_stack)
{
	struct stack *stack = NULL;
	struct store_txn *txn;
	json_t *body = NULL;
	err_t err;

	TRY(store_begin(cfn->options.store, &txn));
	err = read_body(txn, name, &body);
	if (!err)
		err = sealed_open(cfn, body);
	if (err)
		json_decref(body);
	else
		err = stack_make(cfn, body, &stack);
	if (!err)
		err = store_each(txn, KIND_RESOURCE, stack->id, NULL, take_resource, stack);
	if (!err)
		err = open_resources(stack);
	store_rollback(txn);
	if (err)
		stack_free(stack);
	else
		*ret_stack = stack;
	return err;
}

/* ---- Meaning ---- */

void stack_eval(struct stack *stack, struct eval *eval)
{
	*eval = (struct eval){
		.template = &stack->template,
		.parameters = stack->values,
		.conditions = stack->conditions,
		.source = &stack_source,
		.owner = stack,
		.account = stack->cfn->options.account,
		.region = stack->cfn->options.region,
		.stack_name = text_at(stack->body, "StackName"),
		.stack_id = stack->id,
		.why = &stack->why,
	};
}

/* What loops of the template make: of parameters that nobody gave, so that it can be looked at. */
static void expand_by_sample(struct template *template)
{
	json_t *sample = parameters_sample(template);
	struct text ignored = TEXT_INIT(1024);

	template_expand(template, sample, &ignored);
	json_decref(sample);
	text_fini(&ignored);
}

err_t stack_read(struct stack *stack, const json_t *from, struct template *ret_template,
		 json_t **ret_values)
{
	const char *made = text_at(from, "Processed");
	const char *text = made[0] ? made : text_at(from, "Template");
	json_t *resolved = json_copy(json_object_get(from, "Resolved"));
	err_t err;

	json_decref(stack->resolved);
	stack->resolved = resolved ? resolved : json_object();

	TRY(template_parse(bytes_of(text), ret_template, &stack->why));
	if (made[0])
		template_forget_lines(ret_template);
	err = parameters_resolve(ret_template, json_object_get(from, "Given"),
				 &stack_parameter_source, stack, ret_values, &stack->why);
	if (err) {
		expand_by_sample(ret_template);
		return err;
	}
	err = template_expand(ret_template, *ret_values, &stack->why);
	if (err)
		template_fini(ret_template);
	return err;
}

err_t stack_open(struct stack *stack)
{
	text_clear(&stack->why);
	template_fini(&stack->template);
	json_decref(stack->values);
	stack->values = NULL;
	json_object_clear(stack->conditions);
	return stack_read(stack, stack->body, &stack->template, &stack->values);
}

err_t stack_wanted(struct stack *stack, json_t **ret_names)
{
	json_t *names = json_array(), *resource;
	struct eval eval;
	const char *name;
	err_t err = names ? ERR_OK : ERR_NOMEM;

	stack_eval(stack, &eval);
	json_object_foreach (json_object_get(stack->template.root, "Resources"), name, resource) {
		const char *condition = json_string_value(json_object_get(resource, "Condition"));
		bool wanted = true;

		if (!err && condition)
			err = evaluate_condition(&eval, condition, &wanted);
		if (!err && wanted && json_array_append_new(names, json_string(name)))
			err = ERR_NOMEM;
	}
	if (err)
		json_decref(names);
	else
		*ret_names = names;
	return err;
}

/* ---- Saving ---- */

static err_t put(struct store_txn *txn, const struct store_resource *resource)
{
	err_t err = store_update(txn, resource);

	return err == ERR_NOT_FOUND ? store_insert(txn, resource) : err;
}

err_t stack_resource_row(const struct stack *stack, const json_t *record, char id[1024],
			 struct store_resource *ret_row)
{
	snprintf(id, 1024, "%s|%s", stack->id, text_at(record, "LogicalResourceId"));
	*ret_row = (struct store_resource){ .kind = KIND_RESOURCE, .id = id, .parent = stack->id };
	return sealed_resource(stack->cfn, record, &ret_row->body);
}

static err_t save_resource(struct store_txn *txn, struct stack *stack, const struct save *save)
{
	const char *logical = save->resource;
	json_t *record = save->drop ? NULL : json_object_get(stack->resources, logical);
	struct store_resource row;
	char id[1024];
	err_t err;

	if (record) {
		TRY(stack_resource_row(stack, record, id, &row));
		err = put(txn, &row);
		json_decref(row.body);
		return err;
	}
	snprintf(id, sizeof id, "%s|%s", stack->id, logical);
	err = store_delete(txn, KIND_RESOURCE, id);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static json_t *event_of(const struct stack *stack, const struct save *save)
{
	const char *name = text_at(stack->body, "StackName");
	const json_t *record = save->of		? save->of
			       : save->resource ? json_object_get(stack->resources, save->resource)
						: NULL;
	bool of_stack = !save->of && !save->resource;
	char id[37];
	json_t *event;

	random_uuid(id);
	event = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I}", "EventId", id, "StackId", stack->id,
			  "StackName", name, "LogicalResourceId",
			  of_stack ? name : text_at(record, "LogicalResourceId"), "ResourceStatus",
			  save->event, "Timestamp", (json_int_t)now_ms(stack->cfn));
	put_text(event, "PhysicalResourceId",
		 of_stack ? stack->id : text_at(record, "PhysicalResourceId"));
	put_text(event, "ResourceType",
		 of_stack ? "AWS::CloudFormation::Stack" : text_at(record, "ResourceType"));
	if (save->reason && save->reason[0])
		put_text(event, "ResourceStatusReason", save->reason);
	return event;
}

static err_t save_event(struct store_txn *txn, struct stack *stack, const struct save *save)
{
	json_t *event = event_of(stack, save);
	err_t err = event ? store_insert(txn,
					 &(struct store_resource){ .kind = KIND_EVENT,
								   .id = text_at(event, "EventId"),
								   .parent = stack->id,
								   .body = event })
			  : ERR_NOMEM;

	json_decref(event);
	return err;
}

static err_t save_initiation(struct store_txn *txn, struct stack *stack, const struct save *save)
{
	bool created = bytes_starts(bytes_of(save->event), BYTES("CREATE"));
	const struct save begun = { .resource = save->resource,
				    .event = created ? "CREATE_IN_PROGRESS" : "UPDATE_IN_PROGRESS",
				    .reason = "Resource creation Initiated" };

	return save_event(txn, stack, &begun);
}

err_t stack_save(struct stack *stack, const struct save *save)
{
	struct store_txn *txn;
	json_t *body;
	err_t err;

	TRY(sealed_stack(stack->cfn, stack->body, &body));
	err = store_begin(stack->cfn->options.store, &txn);
	if (err) {
		json_decref(body);
		return err;
	}
	err = put(txn, &(struct store_resource){
			       .kind = KIND_STACK, .id = stack->id, .parent = "", .body = body });
	json_decref(body);
	if (!err && save && save->initiated)
		err = save_initiation(txn, stack, save);
	if (!err && save && save->event)
		err = save_event(txn, stack, save);
	if (!err && save && save->resource)
		err = save_resource(txn, stack, save);
	if (!err)
		return store_commit(txn);
	store_rollback(txn);
	return err;
}

err_t stack_insert(struct stack *stack)
{
	const char *name = text_at(stack->body, "StackName");
	struct store_txn *txn;
	json_t *body = NULL;
	err_t err;

	TRY(store_begin(stack->cfn->options.store, &txn));
	err = store_name_put(txn, KIND_STACK, name, stack->id);
	if (!err)
		err = sealed_stack(stack->cfn, stack->body, &body);
	if (!err)
		err = store_insert(txn, &(struct store_resource){ .kind = KIND_STACK,
								  .id = stack->id,
								  .parent = "",
								  .body = body });
	json_decref(body);
	if (!err)
		return store_commit(txn);
	store_rollback(txn);
	return err;
}

err_t stack_gone(struct stack *stack)
{
	struct store_txn *txn;
	err_t err;

	TRY(store_begin(stack->cfn->options.store, &txn));
	err = store_name_delete(txn, KIND_STACK, text_at(stack->body, "StackName"));
	if (!err || err == ERR_NOT_FOUND)
		return store_commit(txn);
	store_rollback(txn);
	return err;
}

err_t stack_status(struct stack *stack, const char *status, const char *reason)
{
	put_text(stack->body, "StackStatus", status);
	if (reason && reason[0])
		put_text(stack->body, "StackStatusReason", reason);
	else
		json_object_del(stack->body, "StackStatusReason");
	return stack_save(stack, &(struct save){ .event = status, .reason = reason });
}
