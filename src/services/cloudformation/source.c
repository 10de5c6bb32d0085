/*
 * source: what the names of a template stand for, once things are there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/cloudformation/cloudformation_internal.h"

/* The record of a resource that is there; ERR_AGAIN while it is to come. */
static err_t find_record(struct stack *stack, const char *id, const json_t **ret_record)
{
	const json_t *record = json_object_get(stack->resources, id);

	if (!json_object_get(json_object_get(stack->template.root, "Resources"), id))
		return ERR_NOT_FOUND;
	if (!record || !text_at(record, "PhysicalResourceId")[0])
		return ERR_AGAIN;
	*ret_record = record;
	return ERR_OK;
}

static err_t source_ref(void *owner, const char *id, json_t **ret_value)
{
	const json_t *record;

	TRY(find_record(owner, id, &record));
	*ret_value = json_string(
		text_at(record, json_object_get(record, "Ref") ? "Ref" : "PhysicalResourceId"));
	return *ret_value ? ERR_OK : ERR_NOMEM;
}

static err_t source_attribute(void *owner, const char *id, const char *name, json_t **ret_value)
{
	const json_t *record;
	json_t *value;

	TRY(find_record(owner, id, &record));
	value = json_object_get(json_object_get(record, "Attributes"), name);
	if (!value)
		return ERR_NOT_FOUND;
	*ret_value = json_incref(value);
	return ERR_OK;
}

struct export_search {
	const char *name;
	json_t *value;
};

static bool look_for_export(void *owner, const struct store_resource *resource)
{
	struct export_search *search = owner;
	const json_t *output;
	size_t i;

	if (strcmp(text_at(resource->body, "StackStatus"), "DELETE_COMPLETE") == 0)
		return true;
	json_array_foreach (json_object_get(resource->body, "Outputs"), i, output) {
		if (strcmp(text_at(output, "ExportName"), search->name) == 0)
			search->value = json_incref(json_object_get(output, "OutputValue"));
	}
	return !search->value;
}

static err_t source_import(void *owner, const char *name, json_t **ret_value)
{
	struct stack *stack = owner;
	struct export_search search = { .name = name };
	json_t *imports = json_object_get(stack->body, "Imports");
	struct store_txn *txn;
	err_t err;

	TRY(store_begin(stack->cfn->options.store, &txn));
	err = store_each(txn, KIND_STACK, NULL, NULL, look_for_export, &search);
	store_rollback(txn);
	TRY(err);
	if (!search.value)
		return ERR_NOT_FOUND;
	if (!imports)
		put_new(stack->body, "Imports", imports = json_object());
	put_new(imports, name, json_true());
	*ret_value = search.value;
	return ERR_OK;
}

static err_t ask(struct stack *stack, const char *service, const char *operation, json_t *input,
		 json_t **ret_output)
{
	const struct cloudformation_options *options = &stack->cfn->options;
	struct api_fault fault;
	err_t err = input ? api_call(options->api, options->root, service, operation, input,
				     ret_output, &fault)
			  : ERR_NOMEM;

	json_decref(input);
	return err;
}

static err_t source_zones(void *owner, const char *region, json_t **ret_value)
{
	struct stack *stack = owner;
	json_t *answer, *zone, *list;
	size_t i;

	if (strcmp(region, stack->cfn->options.region) != 0)
		return ERR_NOT_FOUND;
	TRY(ask(stack, "ec2", "DescribeAvailabilityZones", json_object(), &answer));
	list = json_array();
	json_array_foreach (json_object_get(answer, "AvailabilityZones"), i, zone)
		json_array_append(list, json_object_get(zone, "ZoneName"));
	json_decref(answer);
	*ret_value = list;
	return list ? ERR_OK : ERR_NOMEM;
}

/* "secret-id:SecretString:key:stage:version" */
static err_t read_secret(struct stack *stack, const char *reference, json_t **ret_value)
{
	struct bytes rest = bytes_of(reference), id, kind, key = BYTES_NONE;
	json_t *answer, *inside;
	char name[512];
	err_t err;

	if (bytes_starts(rest, BYTES("arn:")) || !bytes_cut(&rest, ':', &id) ||
	    id.len >= sizeof name)
		return ERR_NOT_FOUND;
	if (bytes_cut(&rest, ':', &kind))
		bytes_cut(&rest, ':', &key);
	snprintf(name, sizeof name, "%.*s", BYTES_ARG(id));
	TRY(ask(stack, "secretsmanager", "GetSecretValue", json_pack("{s:s}", "SecretId", name),
		&answer));
	*ret_value = json_incref(json_object_get(answer, "SecretString"));
	json_decref(answer);
	if (!key.len || !*ret_value)
		return *ret_value ? ERR_OK : ERR_NOT_FOUND;
	inside = json_loads(json_string_value(*ret_value), 0, NULL);
	json_decref(*ret_value);
	snprintf(name, sizeof name, "%.*s", BYTES_ARG(key));
	*ret_value = json_incref(json_object_get(inside, name));
	err = *ret_value ? ERR_OK : ERR_NOT_FOUND;
	json_decref(inside);
	return err;
}

static err_t source_resolve(void *owner, const char *service, const char *reference,
			    json_t **ret_value)
{
	struct stack *stack = owner;
	bool secure = strcmp(service, "ssm-secure") == 0;
	json_t *answer;
	err_t err;

	if (strcmp(service, "secretsmanager") == 0)
		err = read_secret(stack, reference, ret_value);
	else if (secure || strcmp(service, "ssm") == 0)
		err = ask(stack, "ssm", "GetParameter",
			  json_pack("{s:s, s:b}", "Name", reference, "WithDecryption", (int)secure),
			  &answer);
	else
		err = ERR_NOT_FOUND;
	if (!err && strcmp(service, "secretsmanager") != 0) {
		*ret_value = json_incref(
			json_object_get(json_object_get(answer, "Parameter"), "Value"));
		json_decref(answer);
		err = *ret_value ? ERR_OK : ERR_NOT_FOUND;
	}
	return err == ERR_NOMEM ? err : err ? ERR_NOT_FOUND : ERR_OK;
}

static err_t source_parameter(void *owner, const char *service, const char *reference,
			      json_t **ret_value)
{
	struct stack *stack = owner;
	json_t *value = json_object_get(stack->resolved, reference);

	if (value) {
		*ret_value = json_incref(value);
		return ERR_OK;
	}
	TRY(source_resolve(owner, service, reference, ret_value));
	return json_object_set(stack->resolved, reference, *ret_value) ? ERR_NOMEM : ERR_OK;
}

const struct eval_source stack_source = { source_ref, source_attribute, source_import, source_zones,
					  source_resolve };
const struct eval_source stack_parameter_source = { .resolve = source_parameter };
