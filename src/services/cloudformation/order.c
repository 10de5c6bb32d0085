/*
 * order: which resource needs which before it, by reference and by DependsOn.
 */
#include <string.h>

#include "services/cloudformation/check.h"

struct gathering {
	const json_t *among; /* {name: true} */
	json_t *needs;	     /* list of one resource */
	const char *self;
};

static err_t add_need(struct gathering *gathering, const char *name)
{
	const json_t *one;
	size_t i;

	if (!json_object_get(gathering->among, name))
		return ERR_OK;
	json_array_foreach (gathering->needs, i, one) {
		if (strcmp(json_string_value(one), name) == 0)
			return ERR_OK;
	}
	return json_array_append_new(gathering->needs, json_string(name)) ? ERR_NOMEM : ERR_OK;
}

static err_t on_reference(void *owner, const struct reference *reference)
{
	return reference->kind == REFERENCE_REF || reference->kind == REFERENCE_ATTRIBUTE
		       ? add_need(owner, reference->name)
		       : ERR_OK;
}

static err_t needs_of(const json_t *resource, struct gathering *gathering)
{
	const json_t *depends = json_object_get(resource, "DependsOn"), *one;
	size_t i;

	TRY(references_each(json_object_get(resource, "Properties"), on_reference, gathering));
	if (json_is_string(depends))
		return add_need(gathering, json_string_value(depends));
	json_array_foreach ((json_t *)depends, i, one) {
		if (json_is_string(one))
			TRY(add_need(gathering, json_string_value(one)));
	}
	return ERR_OK;
}

/* Takes away who needs nobody that is left, until nobody moves: who is left goes in circles. */
static err_t find_circle(const json_t *needs, struct text *why)
{
	json_t *left = json_deep_copy(needs), *list, *one;
	bool moved = true, first = true;
	const char *name;
	void *next;
	size_t i;

	if (!left)
		return ERR_NOMEM;
	while (moved) {
		moved = false;
		json_object_foreach_safe(left, next, name, list)
		{
			bool free_to_go = true;

			json_array_foreach (list, i, one)
				free_to_go = free_to_go &&
					     !json_object_get(left, json_string_value(one));
			if (free_to_go) {
				json_object_del(left, name);
				moved = true;
			}
		}
	}
	json_object_foreach (left, name, list) {
		text_printf(why, "%s%s", first ? "Circular dependency between resources: [" : ", ",
			    name);
		first = false;
	}
	json_decref(left);
	if (first)
		return ERR_OK;
	text_add_char(why, ']');
	return ERR_INVALID;
}

err_t resource_needs(const struct template *template, const json_t *names, json_t **ret_needs,
		     struct text *why)
{
	const json_t *resources = json_object_get(template->root, "Resources"), *name;
	json_t *among = json_object(), *needs = json_object();
	err_t err = among && needs ? ERR_OK : ERR_NOMEM;
	size_t i;

	json_array_foreach ((json_t *)names, i, name)
		json_object_set_new(among, json_string_value(name), json_true());
	json_array_foreach ((json_t *)names, i, name) {
		struct gathering gathering = { among, json_array(), json_string_value(name) };

		if (err)
			break;
		if (json_object_set_new(needs, gathering.self, gathering.needs))
			err = ERR_NOMEM;
		else
			err = needs_of(json_object_get(resources, gathering.self), &gathering);
	}
	json_decref(among);
	if (!err)
		err = find_circle(needs, why);
	if (err)
		json_decref(needs);
	else
		*ret_needs = needs;
	return err;
}
