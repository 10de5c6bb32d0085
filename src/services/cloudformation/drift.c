/*
 * drift: what became of a stack's resources behind its back: their properties as they shall be
 * against what their services say of them now.
 *
 * Compared is what a description tells by the property's own name; the rest is not known to differ.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/random.h"
#include "services/cloudformation/stacks.h"

enum { DRIFT_ARENA_BYTES_MAX = 8 * 1024 * 1024 };

/* ---- Comparing ---- */

/* Services differ in how they begin names. */
static json_t *member_of(const json_t *object, const char *name)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)object, key, value)
		if (strcasecmp(key, name) == 0)
			return value;
	return NULL;
}

static bool same_text(const json_t *a, const json_t *b)
{
	struct text x = TEXT_INIT(1024 * 1024), y = TEXT_INIT(1024 * 1024);
	bool same = !scalar_text(a, &x) && !scalar_text(b, &y) &&
		    bytes_eq(text_bytes(&x), text_bytes(&y));

	text_fini(&x);
	text_fini(&y);
	return same;
}

static bool fits(const json_t *wanted, const json_t *is);

static bool list_fits(const json_t *wanted, const json_t *is)
{
	json_t *one, *other;
	size_t i, k;

	if (json_array_size(wanted) != json_array_size(is))
		return false;
	json_array_foreach ((json_t *)wanted, i, one) { /* order means little to services */
		bool there = false;

		json_array_foreach ((json_t *)is, k, other)
			there = there || fits(one, other);
		if (!there)
			return false;
	}
	return true;
}

static bool fits(const json_t *wanted, const json_t *is)
{
	const char *key;
	json_t *value;

	if (json_is_array(wanted))
		return json_is_array(is) && list_fits(wanted, is);
	if (!json_is_object(wanted))
		return same_text(wanted, is);
	json_object_foreach ((json_t *)wanted, key, value)
		if (!fits(value, member_of(is, key)))
			return false;
	return json_is_object(is);
}

/* [{Key, Value}] or {key: value} without AWS's own, in the first form and in order. */
static json_t *tags_in_order(const json_t *given)
{
	json_t *all = json_object(), *list = json_array(), *value;
	const char *key;
	size_t i;

	json_array_foreach ((json_t *)given, i, value) {
		const char *name = json_string_value(member_of(value, "Key"));

		if (name && strncmp(name, "aws:", 4) != 0 && member_of(value, "Value"))
			json_object_set(all, name, member_of(value, "Value"));
	}
	json_object_foreach ((json_t *)given, key, value)
		if (strncmp(key, "aws:", 4) != 0)
			json_object_set(all, key, value);
	json_object_foreach (all, key, value)
		json_array_append_new(list, json_pack("{s:s, s:O}", "Key", key, "Value", value));
	json_decref(all);
	return list;
}

static char *shown(const json_t *value)
{
	return json_is_string(value) ? strdup(json_string_value(value))
				     : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
}

struct comparing {
	json_t *expected, *actual, *differences;
};

static void compare(struct comparing *c, const char *name, json_t *wanted, json_t *is)
{
	char path[128], *expected, *actual;

	json_object_set(c->expected, name, wanted);
	json_object_set(c->actual, name, is ? is : wanted);
	if (!is || fits(wanted, is))
		return;
	expected = shown(wanted);
	actual = shown(is);
	snprintf(path, sizeof path, "/%s", name);
	json_array_append_new(c->differences,
			      json_pack("{s:s, s:s, s:s, s:s}", "PropertyPath", path,
					"ExpectedValue", expected ? expected : "", "ActualValue",
					actual ? actual : "", "DifferenceType", "NOT_EQUAL"));
	free(expected);
	free(actual);
}

static void compare_all(struct resource_step *step, const json_t *description, struct comparing *c)
{
	const char *words = step->type->properties;
	struct property_row row;

	while (next_property(&words, &row)) {
		json_t *wanted = property(step, row.name);
		json_t *is = member_of(description, row.member);

		if (strcmp(row.name, "Tags") == 0 && is) {
			json_t *own = own_tags(step), *expected = tags_in_order(own);
			json_t *actual = tags_in_order(is);

			compare(c, "Tags", expected, actual);
			json_decref(own);
			json_decref(expected);
			json_decref(actual);
		} else if (wanted && strcmp(row.name, "Tags") != 0) {
			compare(c, row.name, wanted, row.json_text ? NULL : is);
		}
	}
}

/* ---- One resource ---- */

static void note_drift(struct stack *stack, json_t *record, const char *status,
		       struct comparing *compared)
{
	char *expected = json_dumps(compared->expected, JSON_COMPACT);
	char *actual = json_dumps(compared->actual, JSON_COMPACT);

	put_new(record, "Drift",
		json_pack("{s:s, s:I, s:O, s:s, s:s}", "StackResourceDriftStatus", status,
			  "Timestamp", (json_int_t)now_ms(stack->cfn), "PropertyDifferences",
			  compared->differences, "ExpectedProperties", expected ? expected : "{}",
			  "ActualProperties", actual ? actual : "{}"));
	free(expected);
	free(actual);
}

static const char *look_at(struct resource_step *step, struct comparing *compared)
{
	json_t *answer = NULL;
	const json_t *description;
	const char *status = "NOT_CHECKED";
	err_t err = resource_read(step, &answer);

	description = err ? NULL : json_at(answer, step->type->found);
	if (err == ERR_INVALID && failed_with(step->why, step->type->gone))
		status = "DELETED";
	else if (!err && !json_is_object(description))
		status = "DELETED";
	if (description && json_is_object(description)) {
		compare_all(step, description, compared);
		status = json_array_size(compared->differences) ? "MODIFIED" : "IN_SYNC";
	}
	json_decref(answer);
	return status;
}

static void check_resource(struct stack *stack, json_t *record)
{
	struct comparing compared = { json_object(), json_object(), json_array() };
	const struct resource_type *type = type_named(text_at(record, "ResourceType"));
	struct arena arena;
	struct resource_step step = {
		.stack = stack,
		.type = type,
		.record = record,
		.properties = json_object_get(record, "Properties"),
		.arena = &arena,
		.why = &stack->why,
	};

	text_clear(&stack->why);
	arena_init(&arena, DRIFT_ARENA_BYTES_MAX);
	if (type && type->read && text_at(record, "PhysicalResourceId")[0] && !is_gone(record))
		note_drift(stack, record, look_at(&step, &compared), &compared);
	arena_fini(&arena);
	json_decref(compared.expected);
	json_decref(compared.actual);
	json_decref(compared.differences);
}

static json_t *drift_shown(const json_t *record)
{
	static const char *const members[] = { "StackId", "LogicalResourceId", "PhysicalResourceId",
					       "ResourceType" };
	json_t *row = json_copy(json_object_get(record, "Drift"));

	for (size_t i = 0; i < COUNT(members); i++)
		json_object_set(row, members[i], json_object_get(record, members[i]));
	return row;
}

/* ---- Operations ---- */

/* A stack at rest: what is being changed is not compared. */
static err_t load_resting(struct api_call *call, struct stack **ret_stack)
{
	struct stack *stack;
	err_t err = stack_of_call(call, &stack);

	TRY(err);
	if (is_at_work(stack->body) ||
	    strcmp(text_at(stack->body, "StackStatus"), "DELETE_COMPLETE") == 0) {
		err = api_fault(call, "ValidationError",
				"Drift detection cannot be performed on stack [%s] in %s state",
				text_at(stack->body, "StackName"),
				text_at(stack->body, "StackStatus"));
		stack_free(stack);
		return err;
	}
	*ret_stack = stack;
	return ERR_OK;
}

static bool is_drifted(const json_t *record)
{
	const char *status = text_at(json_object_get(record, "Drift"), "StackResourceDriftStatus");

	return strcmp(status, "MODIFIED") == 0 || strcmp(status, "DELETED") == 0;
}

CFN_OPERATION(detect_stack_drift)
{
	const json_t *names = json_object_get(call->input, "LogicalResourceIds");
	struct stack *stack;
	const char *logical;
	json_t *record;
	unsigned drifted = 0;
	char id[37];
	err_t err;

	TRY(load_resting(call, &stack));
	err = ERR_OK;
	json_object_foreach (stack->resources, logical, record) {
		if (is_listed(names, logical))
			check_resource(stack, record);
		drifted += is_drifted(record);
		err = err ? err : stack_save(stack, &(struct save){ .resource = logical });
	}
	random_uuid(id);
	put_new(stack->body, "Drift",
		json_pack("{s:s, s:s, s:i, s:I}", "StackDriftDetectionId", id, "StackDriftStatus",
			  drifted ? "DRIFTED" : "IN_SYNC", "DriftedStackResourceCount",
			  (int)drifted, "Timestamp", (json_int_t)now_ms(stack->cfn)));
	if (!err)
		err = stack_save(stack, NULL);
	put_text(call->output, "StackDriftDetectionId", id);
	stack_free(stack);
	return err;
}

CFN_OPERATION(detect_stack_resource_drift)
{
	const char *logical = text_at(call->input, "LogicalResourceId");
	struct stack *stack;
	json_t *record;
	err_t err;

	TRY(load_resting(call, &stack));
	record = json_object_get(stack->resources, logical);
	if (record)
		check_resource(stack, record);
	if (!record)
		err = api_fault(call, "ValidationError", "Resource %s does not exist for stack %s",
				logical, text_at(stack->body, "StackName"));
	else if (!json_object_get(record, "Drift"))
		err = api_fault(call, "ValidationError",
				"Drift detection is not supported for resource type %s",
				text_at(record, "ResourceType"));
	else
		err = stack_save(stack, &(struct save){ .resource = logical });
	if (!err)
		put_new(call->output, "StackResourceDrift", drift_shown(record));
	stack_free(stack);
	return err;
}

CFN_OPERATION(describe_stack_resource_drifts)
{
	const char *name = text_at(call->input, "StackName"), *logical;
	const json_t *filter = json_object_get(call->input, "StackResourceDriftStatusFilters");
	json_t *list = json_array(), *record;
	struct stack *stack;
	err_t err = stack_load(cfn_of(call), name, &stack);

	if (!err)
		json_object_foreach (stack->resources, logical, record) {
			const json_t *drift = json_object_get(record, "Drift");

			if (drift && is_listed(filter, text_at(drift, "StackResourceDriftStatus")))
				json_array_append_new(list, drift_shown(record));
		}
	if (err == ERR_NOT_FOUND)
		err = no_stack(call, name);
	else if (!err)
		stack_free(stack);
	if (!err)
		err = page_of(call, "StackResourceDrifts", list);
	json_decref(list);
	return err;
}

struct detection_search {
	const char *id;
	json_t *found; /* of the stack's body */
};

static bool look_for_detection(void *owner, const struct store_resource *resource)
{
	struct detection_search *search = owner;
	const json_t *drift = json_object_get(resource->body, "Drift");

	if (strcmp(text_at(drift, "StackDriftDetectionId"), search->id) == 0)
		search->found = json_incref(resource->body);
	return !search->found;
}

/* One that a later one took the place of is not remembered. */
CFN_OPERATION(describe_stack_drift_detection_status)
{
	struct detection_search search = { .id = text_at(call->input, "StackDriftDetectionId") };
	struct store_txn *txn;
	err_t err;

	TRY(store_begin(cfn_of(call)->options.store, &txn));
	err = store_each(txn, KIND_STACK, NULL, NULL, look_for_detection, &search);
	store_rollback(txn);
	if (!err && !search.found)
		err = api_fault(call, "ValidationError",
				"Drift detection status for id [%s] does not exist", search.id);
	if (!err) {
		json_object_update(call->output, json_object_get(search.found, "Drift"));
		put_text(call->output, "StackId", text_at(search.found, "StackId"));
		put_text(call->output, "DetectionStatus", "DETECTION_COMPLETE");
	}
	json_decref(search.found);
	return err;
}
