/* tags of certificates. */
#include "services/acm/acm_internal.h"

static size_t tag_index(const json_t *tags, const char *key)
{
	for (size_t i = 0; i < json_array_size(tags); i++)
		if (strcmp(acm_text(json_array_get(tags, i), "Key"), key) == 0)
			return i;
	return SIZE_MAX;
}

static err_t check_key(struct api_call *call, const char *key)
{
	if (api_tag_is_reserved(call, key))
		return api_fault(call, "InvalidTagException",
				 "Tag keys that begin with 'aws:' are reserved: '%s'.", key);
	return ERR_OK;
}

err_t acm_add_tags(struct api_call *call, json_t *body, const json_t *given)
{
	json_t *tags = json_object_get(body, "tags"), *tag;
	size_t i;

	json_array_foreach (given, i, tag) {
		const char *key = acm_text(tag, "Key"), *value = acm_text(tag, "Value");
		size_t at = tag_index(tags, key);
		json_t *kept;

		TRY(check_key(call, key));
		kept = json_pack("{s:s, s:s}", "Key", key, "Value", value ? value : "");
		if (at == SIZE_MAX ? json_array_append_new(tags, kept)
				   : json_array_set_new(tags, at, kept))
			return ERR_NOMEM;
	}
	if (api_tags_count(tags) > ACM_TAGS_MAX)
		return api_fault(call, "TooManyTagsException",
				 "A certificate can have at most %d tags.", ACM_TAGS_MAX);
	return ERR_OK;
}

err_t acm_add_tags_to(struct api_call *call)
{
	json_t *body;

	TRY(acm_get(call, &body));
	TRY(acm_add_tags(call, body, json_object_get(call->input, "Tags")));
	return acm_put(call, body, false);
}

/* A tag given with a value goes only when it has that value. */
err_t acm_remove_tags_from(struct api_call *call)
{
	json_t *body, *tags, *tag;
	size_t i;

	TRY(acm_get(call, &body));
	tags = json_object_get(body, "tags");
	json_array_foreach (json_object_get(call->input, "Tags"), i, tag) {
		const char *value = acm_text(tag, "Value");
		size_t at = tag_index(tags, acm_text(tag, "Key"));

		TRY(check_key(call, acm_text(tag, "Key")));
		if (at == SIZE_MAX)
			continue;
		if (!value || strcmp(acm_text(json_array_get(tags, at), "Value"), value) == 0)
			json_array_remove(tags, at);
	}
	return acm_put(call, body, false);
}

err_t acm_list_tags_for(struct api_call *call)
{
	json_t *body;

	TRY(acm_get(call, &body));
	return json_object_set(call->output, "Tags", json_object_get(body, "tags")) ? ERR_NOMEM
										    : ERR_OK;
}
