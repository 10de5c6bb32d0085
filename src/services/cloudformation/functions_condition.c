/*
 * functions_condition: what holds.
 */
#include <string.h>

#include "services/cloudformation/evaluate_internal.h"

/* ---- Conditions ---- */

static err_t holds(struct eval *eval, const json_t *where, const json_t *value, bool *ret_holds)
{
	json_t *got;
	err_t err = ERR_OK;

	TRY(evaluate(eval, value, &got));
	if (json_is_boolean(got))
		*ret_holds = json_is_true(got);
	else if (json_is_string(got) && strcmp(json_string_value(got), "true") == 0)
		*ret_holds = true;
	else if (json_is_string(got) && strcmp(json_string_value(got), "false") == 0)
		*ret_holds = false;
	else
		err = eval_refuse(eval, where, "a condition is neither true nor false");
	json_decref(got);
	return err;
}

err_t evaluate_condition(struct eval *eval, const char *name, bool *ret_holds)
{
	const json_t *known = json_object_get(eval->conditions, name);
	const json_t *given = json_object_get(json_object_get(eval->template->root, "Conditions"),
					      name);

	if (!given)
		return eval_refuse(eval, given, "there is no condition '%s'", name);
	if (json_is_null(known))
		return eval_refuse(eval, given, "condition '%s' asks for itself", name);
	if (!known) {
		if (json_object_set_new(eval->conditions, name, json_null()))
			return ERR_NOMEM;
		TRY(holds(eval, given, given, ret_holds));
		json_object_set_new(eval->conditions, name, json_boolean(*ret_holds));
	}
	*ret_holds = json_is_true(json_object_get(eval->conditions, name));
	return ERR_OK;
}

FUNCTION(condition)
{
	bool is = false;

	(void)where;
	TRY(evaluate_condition(eval, json_string_value(argument), &is));
	*ret = json_boolean(is);
	return ERR_OK;
}

FUNCTION(if)
{
	const char *name = json_string_value(json_array_get(argument, 0));
	bool is = false;

	(void)where;
	TRY(evaluate_condition(eval, name, &is));
	return evaluate(eval, json_array_get(argument, is ? 1 : 2), ret);
}

static bool is_same(const json_t *a, const json_t *b)
{
	struct text x = TEXT_INIT(EVAL_TEXT_BYTES_MAX), y = TEXT_INIT(EVAL_TEXT_BYTES_MAX);
	bool same = !scalar_text(a, &x) && !scalar_text(b, &y)
			    ? bytes_eq(text_bytes(&x), text_bytes(&y))
			    : json_equal(a, b) != 0;

	text_fini(&x);
	text_fini(&y);
	return same;
}

FUNCTION(equals)
{
	json_t *a = NULL, *b = NULL;
	err_t err;

	(void)where;
	TRY(evaluate(eval, json_array_get(argument, 0), &a));
	err = evaluate(eval, json_array_get(argument, 1), &b);
	if (!err)
		*ret = json_boolean(is_same(a, b));
	json_decref(a);
	json_decref(b);
	return err;
}

/* Of and/or: goes on while the answers are `on`. */
static err_t all_are(struct eval *eval, const json_t *where, const json_t *argument, bool on,
		     json_t **ret)
{
	bool is = on;

	for (size_t i = 0; i < json_array_size(argument) && is == on; i++)
		TRY(holds(eval, where, json_array_get(argument, i), &is));
	*ret = json_boolean(is);
	return ERR_OK;
}

FUNCTION(and)
{
	return all_are(eval, where, argument, true, ret);
}

FUNCTION(or)
{
	return all_are(eval, where, argument, false, ret);
}

FUNCTION(not )
{
	bool is = false;

	TRY(holds(eval, where, json_array_get(argument, 0), &is));
	*ret = json_boolean(!is);
	return ERR_OK;
}
