/*
 * tags: what a resource carries: its own tags, its stack's, and those that say which stack it is
 * of, which only the house may give.
 *
 * What was put on it is in its record (Tagged); an update compares that with what shall be, so it
 * acts for new tags of the stack as well, and on the way back.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "services/cloudformation/cloudformation_internal.h"

/* {key: value}: a resource's own go before those of its stack. */
static json_t *wanted(const struct stack *stack, const char *logical, const json_t *own)
{
	const json_t *lists[] = { json_object_get(stack->body, "Tags"), own };
	json_t *all = json_object(), *tag, *value;
	const char *key;
	size_t i;

	put_text(all, "aws:cloudformation:stack-name", text_at(stack->body, "StackName"));
	put_text(all, "aws:cloudformation:stack-id", stack->id);
	put_text(all, "aws:cloudformation:logical-id", logical);
	for (size_t k = 0; k < COUNT(lists); k++) {
		json_array_foreach ((json_t *)lists[k], i, tag)
			put_text(all, text_at(tag, "Key"), text_at(tag, "Value"));
		json_object_foreach ((json_t *)lists[k], key, value)
			json_object_set(all, key, value);
	}
	return all;
}

static json_t *wanted_now(const struct resource_step *step)
{
	return wanted(step->stack, text_at(step->record, "LogicalResourceId"),
		      property(step, "Tags"));
}

static json_t *as_list(const json_t *tags, bool reserved)
{
	json_t *list = json_array(), *value;
	const char *key;

	json_object_foreach ((json_t *)tags, key, value)
		if (reserved || strncmp(key, "aws:", 4) != 0)
			json_array_append_new(list,
					      json_pack("{s:s, s:O}", "Key", key, "Value", value));
	return list;
}

json_t *own_tags(const struct resource_step *step)
{
	json_t *all = wanted_now(step), *list = as_list(all, false);

	json_decref(all);
	return list;
}

/* Of the resource in the template: keys of AWS's own are nobody's to give. */
err_t tags_check(struct resource_step *step)
{
	const json_t *own = step->type->tags ? property(step, "Tags") : NULL, *tag;
	const char *bad = NULL, *key;
	json_t *value;
	size_t i;

	json_array_foreach ((json_t *)own, i, tag)
		if (strncasecmp(text_at(tag, "Key"), "aws:", 4) == 0)
			bad = text_at(tag, "Key");
	json_object_foreach ((json_t *)own, key, value)
		if (strncasecmp(key, "aws:", 4) == 0)
			bad = key;
	if (!bad)
		return ERR_OK;
	text_clear(step->why);
	text_printf(step->why,
		    "aws: prefixed tag key names are not allowed for external use: '%.200s'", bad);
	return ERR_INVALID;
}

static bool is_put_later(const struct resource_type *type)
{
	return type->tags && strcmp(type->tags, "later") == 0;
}

void add_tags(struct resource_step *step, json_t *input)
{
	const char *how = step->type->tags;
	json_t *tags, *list;

	if (!how || is_put_later(step->type))
		return;
	tags = wanted_now(step);
	list = as_list(tags, true);
	if (strcmp(how, "tags") == 0)
		put_new(input, "tags", with_small_letters(list));
	else if (strcmp(how, "Tags") == 0)
		json_object_set(input, "Tags", list);
	else if (strncmp(how, "map:", 4) == 0)
		json_object_set(input, how + 4, tags);
	else
		put_new(input, "TagSpecifications",
			json_pack("[{s:s, s:O}]", "ResourceType", how, "Tags", list));
	json_decref(list);
	put_new(step->record, "Tagged", tags);
}

bool tags_differ(const struct stack *stack, const struct resource_type *type, const json_t *record,
		 const json_t *properties)
{
	json_t *now = type->tags ? wanted(stack, text_at(record, "LogicalResourceId"),
					  json_object_get(properties, "Tags"))
				 : NULL;
	bool differ = now && !json_equal(now, json_object_get(record, "Tagged"));

	json_decref(now);
	return differ;
}

/* ---- Changing them ---- */

/* Services that the tagging API does not speak for. */
static const struct tag_way {
	const char *type, *tag, *untag, *by;
} ways[] = {
	{ "AWS::IAM::Role", "TagRole", "UntagRole", "RoleName" },
	{ "AWS::IAM::User", "TagUser", "UntagUser", "UserName" },
	{ "AWS::IAM::ManagedPolicy", "TagPolicy", "UntagPolicy", "PolicyArn" },
	{ "AWS::SSM::Parameter", "AddTagsToResource", "RemoveTagsFromResource", "ResourceId" },
};

static const struct tag_way *way_of(const struct resource_type *type)
{
	for (size_t i = 0; i < COUNT(ways); i++)
		if (strcmp(ways[i].type, type->name) == 0)
			return &ways[i];
	return NULL;
}

static const char *arn_of(struct resource_step *step)
{
	const struct cloudformation_options *options = &step->stack->cfn->options;
	const char *id = physical_id(step), *arn;

	if (strncmp(id, "arn:", 4) == 0)
		return id;
	if (strcmp(step->type->service, "ec2") == 0)
		return arena_printf(step->arena, "arn:aws:ec2:%s:%s:%s/%s", options->region,
				    options->account, step->type->tags, id);
	arn = text_at(json_object_get(step->record, "Attributes"), "Arn");
	return ends_in(arn, ":*") /* of a log group: all of its streams */
		       ? arena_printf(step->arena, "%.*s", (int)strlen(arn) - 2, arn)
		       : arn;
}

/* One call of the tagging API, which says in a map what failed. */
static err_t by_tagging(struct resource_step *step, const char *operation, const char *member,
			json_t *what)
{
	json_t *input = json_pack("{s:[s], s:o}", "ResourceARNList", arn_of(step), member, what);
	json_t *answer, *failure;
	const char *arn;
	err_t err = ERR_OK;

	TRY(call_api(step, "tagging", operation, input, &answer));
	json_object_foreach (json_object_get(answer, "FailedResourcesMap"), arn, failure) {
		text_clear(step->why);
		text_printf(step->why, "%s: %s", arn, text_at(failure, "ErrorMessage"));
		err = ERR_INVALID;
	}
	json_decref(answer);
	return err;
}

static err_t by_way(struct resource_step *step, const struct tag_way *way, const char *operation,
		    const char *member, json_t *what)
{
	json_t *input = json_pack("{s:s, s:o}", way->by, physical_id(step), member, what);

	if (strcmp(way->by, "ResourceId") == 0)
		put_text(input, "ResourceType", "Parameter");
	return call_api(step, step->type->service, operation, input, NULL);
}

static err_t put_all(struct resource_step *step, const json_t *tags)
{
	json_t *list = as_list(tags, true);

	return call_api(
		step, "s3", "PutBucketTagging",
		json_pack("{s:s, s:{s:o}}", "Bucket", physical_id(step), "Tagging", "TagSet", list),
		NULL);
}

/* New ones and other values, then those that are no more. */
static err_t change(struct resource_step *step, const json_t *now, const json_t *was)
{
	const struct tag_way *way = way_of(step->type);
	json_t *more = json_object(), *less = json_array(), *value;
	const char *key;
	err_t err = ERR_OK;

	json_object_foreach ((json_t *)now, key, value)
		if (!json_object_get(was, key) || !json_equal(json_object_get(was, key), value))
			json_object_set(more, key, value);
	json_object_foreach ((json_t *)was, key, value)
		if (!json_object_get(now, key))
			json_array_append_new(less, json_string(key));
	if (json_object_size(more))
		err = way ? by_way(step, way, way->tag, "Tags", as_list(more, true))
			  : by_tagging(step, "TagResources", "Tags", json_incref(more));
	if (!err && json_array_size(less))
		err = way ? by_way(step, way, way->untag, "TagKeys", json_incref(less))
			  : by_tagging(step, "UntagResources", "TagKeys", json_incref(less));
	json_decref(more);
	json_decref(less);
	return err;
}

err_t tags_apply(struct resource_step *step)
{
	const json_t *was = json_object_get(step->record, "Tagged");
	json_t *now;
	err_t err = ERR_OK;

	if (!step->type->tags)
		return ERR_OK;
	now = wanted_now(step);
	if (!was || !json_equal(now, was))
		err = is_put_later(step->type) ? put_all(step, now) : change(step, now, was);
	if (!err)
		json_object_set(step->record, "Tagged", now);
	json_decref(now);
	return err;
}
