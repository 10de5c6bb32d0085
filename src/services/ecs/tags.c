/*
 * tags: of clusters, task definitions, services and tasks; each has its own inside its record.
 */
#include "services/ecs/ecs_internal.h"

#include <stdio.h>

enum { KEY_MAX = 128, VALUE_MAX = 256 };

static err_t check_tag(struct api_call *call, const json_t *tag)
{
	const char *key = text_of(tag, "key");

	if (!key[0] || strlen(key) > KEY_MAX || strlen(text_of(tag, "value")) > VALUE_MAX)
		return ecs_wrong(call, "Tag keys have 1 to 128 characters, values at most 256.");
	if (wake_tag_is_wrong(tag))
		return ecs_wrong(call, "The tag '%s' takes a number of seconds from 1 to 86400.",
				 key);
	if (api_tag_is_reserved(call, key))
		return ecs_wrong(call, "Tag keys that begin with 'aws:' are reserved.");
	return ERR_OK;
}

err_t ecs_tags(struct api_call *call, json_t **ret_tags)
{
	json_t *tags = json_array(), *tag;
	size_t i;

	TRY(ecs_hold(call, tags));
	json_array_foreach (json_object_get(call->input, "tags"), i, tag) {
		TRY(check_tag(call, tag));
		if (find_in(tags, "key", text_of(tag, "key")))
			return ecs_wrong(call, "Duplicate tag key '%s'.", text_of(tag, "key"));
		TRY(add(tags, json_pack("{s:s, s:s}", "key", text_of(tag, "key"), "value",
					text_of(tag, "value"))));
	}
	if (api_tags_count(tags) > ECS_TAGS_MAX)
		return ecs_wrong(call, "A resource has at most %d tags.", ECS_TAGS_MAX);
	*ret_tags = tags;
	return ERR_OK;
}

/* ---- The three operations ---- */

struct tagged {
	const char *kind, *id, *parent;
	json_t *body;
};

static bool is_kind(const char *kind, const char *other)
{
	return strcmp(kind, other) == 0;
}

/* "arn:aws:ecs:REGION:ACCOUNT:service/CLUSTER/NAME": the type, and what the record is called. */
static err_t find_tagged(struct api_call *call, struct tagged *ret_tagged)
{
	static const struct {
		const char *type, *kind;
	} types[] = { { "cluster", KIND_CLUSTER },
		      { "service", KIND_SERVICE },
		      { "task", KIND_TASK },
		      { "task-definition", KIND_DEFINITION } };
	const char *arn = input_text(call, "resourceArn");
	struct bytes rest = bytes_of(arn ? arn : ""), part = BYTES_NONE, type;
	struct tagged tagged = { .parent = "" };
	char *text;
	err_t err;

	for (unsigned i = 0; i < 5; i++)
		bytes_cut(&rest, ':', &part);
	if (!bytes_cut(&rest, '/', &type) || !rest.at)
		return ecs_wrong(call, "The specified resource ARN is not valid: %s",
				 arn ? arn : "(none)");
	text = arena_string(call->arena, rest);
	if (!text)
		return ERR_NOMEM;
	for (size_t i = 0; i < COUNT(types); i++)
		if (bytes_eq_str(type, types[i].type))
			tagged.kind = types[i].kind;
	if (!tagged.kind)
		return ecs_wrong(call, "The specified resource ARN is not valid: %s", arn);
	tagged.id = is_kind(tagged.kind, KIND_TASK) ? name_in_arn(text) : text;
	err = ecs_get(call, tagged.kind, tagged.id, &tagged.body);
	if (err == ERR_NOT_FOUND)
		return api_fault(call, "ResourceNotFoundException",
				 "The specified resource is not there: %s", arn);
	if (err)
		return err;
	if (is_kind(tagged.kind, KIND_DEFINITION))
		tagged.parent = text_of(tagged.body, "family");
	else if (!is_kind(tagged.kind, KIND_CLUSTER))
		tagged.parent = name_in_arn(text_of(tagged.body, "clusterArn"));
	*ret_tagged = tagged;
	return ERR_OK;
}

err_t ecs_tag_resource(struct api_call *call)
{
	struct tagged tagged;
	json_t *tags, *tag, *known, *list;
	size_t i;

	TRY(ecs_tags(call, &tags));
	TRY(find_tagged(call, &tagged));
	if (!json_object_get(tagged.body, "tags"))
		TRY(put(tagged.body, "tags", json_array()));
	list = json_object_get(tagged.body, "tags");
	json_array_foreach (tags, i, tag) {
		known = find_in(list, "key", text_of(tag, "key"));
		if (known)
			TRY(put_text(known, "value", text_of(tag, "value")));
		else
			TRY(add(list, json_incref(tag)));
	}
	if (api_tags_count(list) > ECS_TAGS_MAX)
		return ecs_wrong(call, "A resource has at most %d tags.", ECS_TAGS_MAX);
	return ecs_save(call, tagged.kind, tagged.id, tagged.parent, tagged.body);
}

err_t ecs_untag_resource(struct api_call *call)
{
	struct tagged tagged;
	json_t *key, *list;
	size_t i;

	TRY(find_tagged(call, &tagged));
	list = json_object_get(tagged.body, "tags");
	json_array_foreach (json_object_get(call->input, "tagKeys"), i, key) {
		if (api_tag_is_reserved(call, json_string_value(key)))
			return ecs_wrong(call, "Tag keys that begin with 'aws:' are reserved.");
		for (size_t k = json_array_size(list); k-- > 0;)
			if (is_text(json_array_get(list, k), "key", json_string_value(key)))
				json_array_remove(list, k);
	}
	return ecs_save(call, tagged.kind, tagged.id, tagged.parent, tagged.body);
}

err_t ecs_list_tags_for_resource(struct api_call *call)
{
	struct tagged tagged;
	json_t *tags;

	TRY(find_tagged(call, &tagged));
	tags = json_object_get(tagged.body, "tags");
	return put(call->output, "tags", tags ? json_incref(tags) : json_array());
}
