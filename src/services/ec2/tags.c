/*
 * tags: CreateTags, DeleteTags, DescribeTags, and the TagSpecifications of what creates.
 */
#include "services/ec2/ec2_internal.h"

enum { TAGS_MAX = 50, KEY_MAX = 127, VALUE_MAX = 255 };

static err_t check_tag(struct api_call *call, const char *key, const char *value)
{
	if (!key || !key[0] || strlen(key) > KEY_MAX)
		return api_fault(call, "InvalidParameterValue",
				 "Tag key must have between 1 and %d characters", KEY_MAX);
	if (api_tag_is_reserved(call, key))
		return api_fault(
			call, "InvalidParameterValue",
			"Value ( %s ) for parameter key is invalid. Tag keys starting with "
			"'aws:' are reserved for internal use",
			key);
	if (strlen(value) > VALUE_MAX)
		return api_fault(call, "InvalidParameterValue",
				 "Tag value exceeds the maximum length of %d characters",
				 VALUE_MAX);
	return ERR_OK;
}

static json_t *find_tag(const json_t *tags, const char *key, size_t *ret_index)
{
	json_t *tag;
	size_t index;

	json_array_foreach (tags, index, tag)
		if (ec2_is(tag, "Key", key)) {
			*ret_index = index;
			return tag;
		}
	return NULL;
}

static err_t refuse_repeated(struct api_call *call, const json_t *tags)
{
	json_t *tag;
	size_t index, at;

	json_array_foreach (tags, index, tag)
		if (ec2_text(tag, "Key") && find_tag(tags, ec2_text(tag, "Key"), &at) != tag)
			return api_fault(call, "InvalidParameterValue",
					 "Duplicate tag key '%.127s' specified.",
					 ec2_text(tag, "Key"));
	return ERR_OK;
}

/* Adds or overwrites. */
static err_t merge(struct api_call *call, json_t *tags, const json_t *from)
{
	json_t *tag, *old;
	size_t index, at;

	TRY(refuse_repeated(call, from));
	json_array_foreach (from, index, tag) {
		const char *key = ec2_text(tag, "Key"), *value = ec2_text(tag, "Value");

		if (!value)
			value = "";
		TRY(check_tag(call, key, value));
		old = find_tag(tags, key, &at);
		if (old)
			TRY(ec2_set(old, "Value", json_string(value)));
		else
			TRY(ec2_append(tags, json_pack("{s:s, s:s}", "Key", key, "Value", value)));
	}
	if (api_tags_count(tags) > TAGS_MAX)
		return api_fault(call, "TagLimitExceeded",
				 "The maximum number of tags for a resource is %d", TAGS_MAX);
	return ERR_OK;
}

err_t ec2_tags_of_input(struct api_call *call, const char *type, json_t **ret_tags)
{
	json_t *tags = json_array(), *spec;
	size_t index;

	TRY(ec2_hold(call, tags));
	json_array_foreach (json_object_get(call->input, "TagSpecifications"), index, spec) {
		if (!ec2_is(spec, "ResourceType", type))
			return api_fault(
				call, "InvalidParameterValue",
				"'%s' is not a valid taggable resource type for this operation.",
				ec2_text(spec, "ResourceType") ? ec2_text(spec, "ResourceType")
							       : "null");
		TRY(merge(call, tags, json_object_get(spec, "Tags")));
	}
	*ret_tags = tags;
	return ERR_OK;
}

/* ---- Operations ---- */

/* All but those that are AWS's own. */
static void clear_tags(const struct api_call *call, json_t *tags)
{
	for (size_t i = json_array_size(tags); i-- > 0;)
		if (!api_tag_is_reserved(call, ec2_text(json_array_get(tags, i), "Key")))
			json_array_remove(tags, i);
}

static err_t remove_tags(struct api_call *call, json_t *tags, const json_t *what)
{
	json_t *tag, *old;
	size_t index, at;

	if (!json_array_size(what)) {
		clear_tags(call, tags);
		return ERR_OK;
	}
	json_array_foreach (what, index, tag) {
		const char *value = ec2_text(tag, "Value");

		TRY(check_tag(call, ec2_text(tag, "Key"), ""));

		old = find_tag(tags, ec2_text(tag, "Key") ? ec2_text(tag, "Key") : "", &at);
		if (old && (!value || ec2_is(old, "Value", value)))
			json_array_remove(tags, at);
	}
	return ERR_OK;
}

static err_t change(struct api_call *call, json_t *owner, bool adds)
{
	json_t *tags = json_object_get(owner, "Tags");
	const json_t *given = json_object_get(call->input, "Tags");

	return adds ? merge(call, tags, given) : remove_tags(call, tags, given);
}

/* A rule lives in its group's record. */
static err_t change_rule(struct api_call *call, const char *id, bool adds)
{
	json_t *list, *group, *rule;
	size_t index, at;

	TRY(ec2_list(call, &ec2_groups, &list));
	json_array_foreach (list, index, group) {
		json_array_foreach (json_object_get(group, "Rules"), at, rule) {
			if (!ec2_is(rule, "SecurityGroupRuleId", id))
				continue;
			TRY(change(call, rule, adds));
			return ec2_save(call, &ec2_groups, group);
		}
	}
	return api_fault(call, "InvalidSecurityGroupRuleId.NotFound",
			 "The security group rule ID '%s' does not exist", id);
}

static err_t change_all(struct api_call *call, bool adds)
{
	json_t *id, *body;
	size_t index;

	json_array_foreach (json_object_get(call->input, "Resources"), index, id) {
		const char *text = json_string_value(id);
		const struct ec2_kind *kind = ec2_kind_of_id(text);

		if (strncmp(text, "sgr-", 4) == 0) {
			TRY(change_rule(call, text, adds));
			continue;
		}
		if (!kind)
			return api_fault(call, "InvalidID", "The ID '%s' is not valid", text);
		TRY(ec2_find(call, kind, text, &body));
		TRY(change(call, body, adds));
		TRY(ec2_save(call, kind, body));
	}
	return ec2_answer_true(call);
}

err_t ec2_create_tags(struct api_call *call)
{
	if (!json_array_size(json_object_get(call->input, "Tags")))
		return api_fault(call, "MissingParameter",
				 "The request must contain the parameter Tags");
	return change_all(call, true);
}

err_t ec2_delete_tags(struct api_call *call)
{
	return change_all(call, false);
}

static err_t list_tags(json_t *all, const char *id, const char *type, const json_t *owner)
{
	json_t *tag;
	size_t index;

	json_array_foreach (json_object_get(owner, "Tags"), index, tag)
		TRY(ec2_append(all, json_pack("{s:s, s:s, s:s, s:s}", "Key", ec2_text(tag, "Key"),
					      "Value", ec2_text(tag, "Value"), "ResourceId", id,
					      "ResourceType", type)));
	return ERR_OK;
}

err_t ec2_describe_tags(struct api_call *call)
{
	static const struct ec2_filter filters[] = {
		{ "key", "Key" },
		{ "value", "Value" },
		{ "resource-id", "ResourceId" },
		{ "resource-type", "ResourceType" },
		{ NULL, NULL },
	};
	json_t *all = json_array(), *list, *body, *rule;
	size_t index, at;

	TRY(ec2_hold(call, all));
	for (size_t i = 0; i < ec2_kind_count; i++) {
		const struct ec2_kind *kind = ec2_kinds[i];

		TRY(ec2_list(call, kind, &list));
		json_array_foreach (list, index, body) {
			TRY(list_tags(all, ec2_text(body, kind->id), kind->type, body));
			json_array_foreach (json_object_get(body, "Rules"), at, rule)
				TRY(list_tags(all, ec2_text(rule, "SecurityGroupRuleId"),
					      "security-group-rule", rule));
		}
	}
	TRY(ec2_filter_list(call, filters, all));
	return ec2_page(call, "Tags", all);
}
