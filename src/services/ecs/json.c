/*
 * json: what every file here does with records.
 */
#include "services/ecs/ecs_internal.h"

err_t put_same(json_t *object, const char *key, const json_t *from)
{
	const json_t *value = json_object_get(from, key);

	return value ? put(object, key, json_deep_copy(value)) : ERR_OK;
}

err_t put_empty_lists(json_t *object, const char *const *keys)
{
	for (; *keys; keys++)
		if (!json_object_get(object, *keys))
			TRY(put(object, *keys, json_array()));
	return ERR_OK;
}

static void hide(json_t *value)
{
	const char *key;
	json_t *item;
	void *next;
	size_t i;

	json_object_foreach_safe(value, next, key, item)
	{
		if (key[0] == '_')
			json_object_del(value, key);
		else
			hide(item);
	}
	json_array_foreach (value, i, item)
		hide(item);
}

json_t *shown(const json_t *body)
{
	json_t *copy = json_deep_copy(body);

	if (copy)
		hide(copy);
	return copy;
}

json_t *find_in(const json_t *list, const char *key, const char *text)
{
	json_t *item;
	size_t i;

	json_array_foreach ((json_t *)list, i, item)
		if (is_text(item, key, text))
			return item;
	return NULL;
}
