/*
 * gather: asks every service that is there for its resources and their tags.
 */
#include <stdlib.h>
#include <string.h>

#include "api/at.h"
#include "services/tagging/tagging_internal.h"

enum { PAGES_MAX = 1000 };

json_t *tags_of(const json_t *given)
{
	json_t *tags = json_object();
	const char *key;
	json_t *value;
	size_t i;

	if (json_is_object(given)) {
		json_object_foreach ((json_t *)given, key, value)
			json_object_set(tags, key, value);
		return tags;
	}
	json_array_foreach ((json_t *)given, i, value) {
		const json_t *name = json_object_get(value, "Key");
		json_t *text = json_object_get(value, "Value");

		if (!name) {
			name = json_object_get(value, "key");
			text = json_object_get(value, "value");
		}
		if (json_is_string(name))
			json_object_set_new(tags, json_string_value(name),
					    text ? json_incref(text) : json_string(""));
	}
	return tags;
}

/* An answer that did not come is an empty one: the resource went meanwhile, or is not offered. */
static err_t ask(struct api_call *call, const char *service, const char *operation, json_t *input,
		 json_t **ret_output)
{
	struct api_fault fault;
	err_t err = input ? api_call(call->api, call->caller, service, operation, input, ret_output,
				     &fault)
			  : ERR_NOMEM;

	json_decref(input);
	if (err && err != ERR_NOMEM) {
		*ret_output = json_object();
		err = *ret_output ? ERR_OK : ERR_NOMEM;
	}
	return err;
}

static err_t add(json_t *all, const char *type, const char *arn, json_t *tags)
{
	json_t *row = json_pack("{s:s, s:o}", "type", type, "tags", tags);

	return row && json_object_set_new(all, arn, row) == 0 ? ERR_OK : ERR_NOMEM;
}

static err_t add_item(struct api_call *call, const struct tag_source *source, const json_t *item,
		      json_t *all)
{
	const char *arn = json_string_value(source->arn[0] ? json_object_get(item, source->arn)
							   : item);
	json_t *answer;
	err_t err;

	if (!arn)
		return ERR_OK;
	if (!source->tags_operation)
		return add(all, source->type, arn, tags_of(json_at(item, source->tags)));
	TRY(ask(call, source->service, source->tags_operation,
		source->by_list ? json_pack("{s:[s]}", source->by, arn)
				: json_pack("{s:s}", source->by, arn),
		&answer));
	err = add(all, source->type, arn, tags_of(json_at(answer, source->tags)));
	json_decref(answer);
	return err;
}

static err_t add_page(struct api_call *call, const struct tag_source *source, char **token,
		      json_t *all)
{
	json_t *answer, *item;
	const char *next;
	err_t err = ERR_OK;
	size_t i;

	TRY(ask(call, source->service, source->list,
		*token ? json_pack("{s:s}", source->token_in, *token) : json_object(), &answer));
	json_array_foreach ((json_t *)json_at(answer, source->items), i, item) {
		err = err ? err : add_item(call, source, item, all);
	}
	next = json_string_value(json_object_get(answer, source->token_out));
	free(*token);
	*token = next ? bytes_dup(bytes_of(next)) : NULL;
	json_decref(answer);
	return err;
}

static err_t add_source(struct api_call *call, const struct tag_source *source, json_t *all)
{
	char *token = NULL;
	err_t err = ERR_OK;

	if (!api_service(call->api, bytes_of(source->service)))
		return ERR_OK;
	for (unsigned pages = 0; !err && (pages == 0 || token) && pages < PAGES_MAX; pages++)
		err = add_page(call, source, &token, all);
	free(token);
	return err;
}

/* EC2 lists tags, not things: a thing without tags is not listed, as at AWS. */
static err_t add_ec2(struct api_call *call, json_t *all)
{
	const struct api_caller *caller = call->caller;
	json_t *answer, *row;
	size_t i;

	TRY(ask(call, "ec2", "DescribeTags", json_object(), &answer));
	json_array_foreach (json_object_get(answer, "Tags"), i, row) {
		const char *kind = json_string_value(json_object_get(row, "ResourceType"));
		const char *id = json_string_value(json_object_get(row, "ResourceId"));
		const char *type = arena_printf(call->arena, "ec2:%s", kind);
		const char *arn = arena_printf(call->arena, "arn:aws:ec2:%s:%s:%s/%s",
					       caller->region, caller->account, kind, id);
		err_t err = type && arn ? ERR_OK : ERR_NOMEM;

		if (!err && !json_object_get(all, arn))
			err = add(all, type, arn, json_object());
		if (err) {
			json_decref(answer);
			return err;
		}
		json_object_set(json_object_get(json_object_get(all, arn), "tags"),
				json_string_value(json_object_get(row, "Key")),
				json_object_get(row, "Value"));
	}
	json_decref(answer);
	return ERR_OK;
}

/* A bucket's tags are asked by its name; its ARN is made of it. */
static err_t add_buckets(struct api_call *call, json_t *all)
{
	json_t *answer, *bucket, *tags;
	err_t err = ERR_OK;
	size_t i;

	if (!api_service(call->api, BYTES("s3")))
		return ERR_OK;
	TRY(ask(call, "s3", "ListBuckets", json_object(), &answer));
	json_array_foreach (json_object_get(answer, "Buckets"), i, bucket) {
		const char *name = json_string_value(json_object_get(bucket, "Name"));
		const char *arn = arena_printf(call->arena, "arn:aws:s3:::%s", name);

		err = err ? err
			  : ask(call, "s3", "GetBucketTagging", json_pack("{s:s}", "Bucket", name),
				&tags);
		if (err)
			break;
		err = arn ? add(all, "s3:bucket", arn, tags_of(json_object_get(tags, "TagSet")))
			  : ERR_NOMEM;
		json_decref(tags);
	}
	json_decref(answer);
	return err;
}

err_t tagged_resources(struct api_call *call, json_t **ret_all)
{
	json_t *all = json_object();
	err_t err = all ? ERR_OK : ERR_NOMEM;

	for (size_t i = 0; !err && i < tag_source_count; i++)
		err = add_source(call, &tag_sources[i], all);
	if (!err)
		err = add_ec2(call, all);
	if (!err)
		err = add_buckets(call, all);
	if (err)
		json_decref(all);
	else
		*ret_all = all;
	return err;
}
