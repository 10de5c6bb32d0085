/*
 * tags: on load balancers, target groups, listeners and rules. A tag "weir:KEY=value" on a load
 * balancer or target group is the attribute "weir.KEY" for tools that only know AWS's attributes.
 */
#include "services/elbv2/elbv2_internal.h"

enum { TAGS_PER_RESOURCE = 50, ARNS_PER_CALL = 20 };

/* `value` NULL: it is taken off. */
static err_t check_tag(struct api_call *call, enum resource resource, const char *key,
		       const char *value)
{
	if (api_tag_is_reserved(call, key))
		return api_fault(
			call, "ValidationError",
			"Tag key '%s' is not allowed: keys that begin with 'aws:' are reserved",
			key);
	if (!value || strncmp(key, "weir:", 5) != 0)
		return ERR_OK;
	if (resource != RESOURCE_LOAD_BALANCER && resource != RESOURCE_TARGET_GROUP)
		return api_fault(call, "ValidationError",
				 "Tag key '%s' acts on load balancers and target groups only", key);
	return weir_tag_check(call, key, value);
}

err_t tags_merge(struct api_call *call, enum resource resource, json_t *list, json_t *tags)
{
	json_t *seen = json_object(), *item;
	size_t index;

	TRY(call_hold(call, seen));
	json_array_foreach (list, index, item) {
		const char *key = get_string(item, "Key"), *value = get_string(item, "Value");

		if (json_object_get(seen, key))
			return api_fault(
				call, "DuplicateTagKeys",
				"Tag keys must be unique, but '%s' was provided multiple times",
				key);
		TRY(set_new(seen, key, json_true()));
		TRY(check_tag(call, resource, key, value ? value : ""));
		TRY(set_string(tags, key, value ? value : ""));
	}
	if (api_tags_count(tags) > TAGS_PER_RESOURCE)
		return api_fault(call, "TooManyTags", "A resource can have at most '%d' tags",
				 TAGS_PER_RESOURCE);
	return ERR_OK;
}

json_t *tags_list(const json_t *tags)
{
	json_t *list = json_array(), *value;
	const char *key;

	json_object_foreach ((json_t *)tags, key, value) {
		if (!list || json_array_append_new(
				     list, json_pack("{s:s, s:O}", "Key", key, "Value", value))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* The record behind any taggable ARN. */
static err_t tagged(struct api_call *call, const char *arn, enum resource *ret_resource,
		    json_t **ret_body)
{
	if (!resource_of_arn(arn, ret_resource))
		return api_fault(call, "ValidationError", "'%s' is not a valid resource ARN", arn);
	return resource_get(call, *ret_resource, arn, ret_body);
}

static err_t put_back(struct api_call *call, enum resource resource, json_t *body)
{
	const char *parent = "";

	if (resource == RESOURCE_LISTENER)
		parent = get_string(api_part(body), "LoadBalancerArn");
	if (resource == RESOURCE_RULE)
		parent = get_string(body, "listener");
	return record_put(call, resource_row(resource)->kind, resource_arn(resource, body), parent,
			  body);
}

static err_t check_arn_count(struct api_call *call, const json_t *arns)
{
	if (json_array_size(arns) > ARNS_PER_CALL)
		return api_fault(call, "ValidationError",
				 "At most '%d' resource ARNs can be specified", ARNS_PER_CALL);
	return ERR_OK;
}

err_t elbv2_add_tags(struct api_call *call)
{
	json_t *arns = json_object_get(call->input, "ResourceArns"), *arn, *body;
	enum resource resource;
	size_t index;

	TRY(check_arn_count(call, arns));
	json_array_foreach (arns, index, arn) {
		TRY(tagged(call, json_string_value(arn), &resource, &body));
		TRY(tags_merge(call, resource, json_object_get(call->input, "Tags"),
			       json_object_get(body, "tags")));
		TRY(put_back(call, resource, body));
	}
	return ERR_OK;
}

err_t elbv2_remove_tags(struct api_call *call)
{
	json_t *arns = json_object_get(call->input, "ResourceArns"), *arn, *key, *body;
	enum resource resource;
	size_t index, at;

	TRY(check_arn_count(call, arns));
	json_array_foreach (arns, index, arn) {
		TRY(tagged(call, json_string_value(arn), &resource, &body));
		json_array_foreach (json_object_get(call->input, "TagKeys"), at, key) {
			TRY(check_tag(call, resource, json_string_value(key), NULL));
			json_object_del(json_object_get(body, "tags"), json_string_value(key));
		}
		TRY(put_back(call, resource, body));
	}
	return ERR_OK;
}

err_t elbv2_describe_tags(struct api_call *call)
{
	json_t *arns = json_object_get(call->input, "ResourceArns"), *arn, *body;
	enum resource resource;
	size_t index;

	TRY(check_arn_count(call, arns));
	json_array_foreach (arns, index, arn) {
		TRY(tagged(call, json_string_value(arn), &resource, &body));
		TRY(output_append(call->output, "TagDescriptions",
				  json_pack("{s:O, s:o}", "ResourceArn", arn, "Tags",
					    tags_list(json_object_get(body, "tags")))));
	}
	return ERR_OK;
}
