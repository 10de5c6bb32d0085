/*
 * functions_list: lists, maps, and what is asked of others.
 */
#include "services/cloudformation/evaluate_internal.h"

/* ---- Lists ---- */

static err_t as_index(struct eval *eval, const json_t *where, const json_t *value, const char *who,
		      uint64_t *ret_index)
{
	struct text text = TEXT_INIT(64);
	err_t err = eval_as_text(eval, where, value, who, &text);

	if (!err && bytes_to_u64(text_bytes(&text), UINT32_MAX, ret_index))
		err = eval_refuse(eval, where, "%s needs a whole number, not '%s'", who,
				  text_str(&text));
	text_fini(&text);
	return err;
}

FUNCTION(select)
{
	json_t *list = NULL, *item;
	uint64_t index = 0;
	err_t err;

	TRY(as_index(eval, where, json_array_get(argument, 0), "Fn::Select", &index));
	TRY(eval_as_list(eval, where, json_array_get(argument, 1), "Fn::Select", &list));
	item = json_array_get(list, (size_t)index);
	err = item && !json_is_null(item)
		      ? ERR_OK
		      : eval_refuse(eval, where,
				    "Fn::Select cannot select nonexistent value at index %llu",
				    (unsigned long long)index);
	if (!err)
		*ret = json_incref(item);
	json_decref(list);
	return err;
}

FUNCTION(length)
{
	json_t *list;

	TRY(eval_as_list(eval, where, argument, "Fn::Length", &list));
	*ret = json_integer((json_int_t)json_array_size(list));
	json_decref(list);
	return *ret ? ERR_OK : ERR_NOMEM;
}

FUNCTION(cidr)
{
	struct text range = TEXT_INIT(256);
	uint64_t count = 0, bits = 8;
	err_t err = eval_as_text(eval, where, json_array_get(argument, 0), "Fn::Cidr", &range);

	if (!err)
		err = as_index(eval, where, json_array_get(argument, 1), "Fn::Cidr", &count);
	if (!err && json_array_size(argument) == 3)
		err = as_index(eval, where, json_array_get(argument, 2), "Fn::Cidr", &bits);
	if (!err) {
		err = cidr_blocks(text_bytes(&range), count, bits, ret);
		if (err && err != ERR_NOMEM)
			err = eval_refuse(eval, where,
					  "Fn::Cidr cannot make %llu blocks of %llu bits of '%s'",
					  (unsigned long long)count, (unsigned long long)bits,
					  text_str(&range));
	}
	text_fini(&range);
	return err;
}

FUNCTION(zones)
{
	struct text region = TEXT_INIT(64);
	err_t err = eval_as_text(eval, where, argument, "Fn::GetAZs", &region);

	if (!err)
		err = eval->source && eval->source->zones
			      ? eval->source->zones(eval->owner,
						    region.len ? text_str(&region) : eval->region,
						    ret)
			      : ERR_AGAIN;
	if (err == ERR_NOT_FOUND)
		err = eval_refuse(eval, where, "Fn::GetAZs: there is no region '%s'",
				  text_str(&region));
	text_fini(&region);
	return err;
}

FUNCTION(import)
{
	struct text name = TEXT_INIT(1024);
	err_t err = eval_as_text(eval, where, argument, "Fn::ImportValue", &name);

	if (!err)
		err = eval->source && eval->source->import
			      ? eval->source->import(eval->owner, text_str(&name), ret)
			      : ERR_AGAIN;
	if (err == ERR_NOT_FOUND) {
		text_printf(eval->why, "No export named %s found.", text_str(&name));
		err = ERR_INVALID;
	}
	text_fini(&name);
	return err;
}

/* ---- Maps ---- */

FUNCTION(find_in_map)
{
	const json_t *fallback = json_object_get(json_array_get(argument, 3), "DefaultValue");
	const json_t *found = json_object_get(eval->template->root, "Mappings");
	struct text words[3] = { TEXT_INIT(1024), TEXT_INIT(1024), TEXT_INIT(1024) };
	err_t err = ERR_OK;

	for (size_t i = 0; i < 3 && !err; i++) {
		err = eval_as_text(eval, where, json_array_get(argument, i), "Fn::FindInMap",
				   &words[i]);
		found = json_object_get(found, text_str(&words[i]));
	}
	if (!err && found)
		err = evaluate(eval, found, ret);
	else if (!err && fallback)
		err = evaluate(eval, fallback, ret);
	else if (!err)
		err = eval_refuse(eval, where, "Unable to get mapping for %s::%s::%s",
				  text_str(&words[0]), text_str(&words[1]), text_str(&words[2]));
	for (size_t i = 0; i < 3; i++)
		text_fini(&words[i]);
	return err;
}
