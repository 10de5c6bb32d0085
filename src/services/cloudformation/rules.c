#include "services/cloudformation/rules.h"

#include <string.h>

enum { RULE_DEPTH_MAX = 16, TEXT_BYTES_MAX = 4096 };

const char *rule_problem(const json_t *rule, const json_t **ret_where)
{
	const json_t *assertions = json_object_get(rule, "Assertions"), *assertion;
	size_t i;

	*ret_where = rule;
	if (!json_is_object(rule) || !json_is_array(assertions) || !json_array_size(assertions))
		return "a rule is an object with a list of Assertions";
	json_array_foreach ((json_t *)assertions, i, assertion) {
		*ret_where = assertion;
		if (!json_is_object(json_object_get(assertion, "Assert")))
			return "an assertion has an Assert, which is a function";
	}
	return NULL;
}

static bool same(const json_t *a, const json_t *b)
{
	struct text x = TEXT_INIT(TEXT_BYTES_MAX), y = TEXT_INIT(TEXT_BYTES_MAX);
	bool is = !scalar_text(a, &x) && !scalar_text(b, &y) &&
		  bytes_eq(text_bytes(&x), text_bytes(&y));

	text_fini(&x);
	text_fini(&y);
	return is;
}

static bool among(const json_t *list, const json_t *item)
{
	const json_t *one;
	size_t i;

	json_array_foreach ((json_t *)list, i, one) {
		if (same(one, item))
			return true;
	}
	return false;
}

/* The three that only rules have: Fn::Contains, Fn::EachMemberEquals, Fn::EachMemberIn. */
static bool members_are(const char *name, const json_t *list, const json_t *other)
{
	const json_t *one;
	size_t i;

	if (strcmp(name, "Fn::Contains") == 0)
		return among(list, other);
	json_array_foreach ((json_t *)list, i, one) {
		if (strcmp(name, "Fn::EachMemberIn") == 0 ? !among(other, one) : !same(one, other))
			return false;
	}
	return true;
}

static bool is_of_rules(const char *name)
{
	return strcmp(name, "Fn::Contains") == 0 || strcmp(name, "Fn::EachMemberEquals") == 0 ||
	       strcmp(name, "Fn::EachMemberIn") == 0;
}

static err_t refuse(struct eval *eval, const char *name, const char *words)
{
	text_printf(eval->why, "Template error: %s %s", name, words);
	return ERR_INVALID;
}

static err_t compare(struct eval *eval, const char *name, const json_t *argument, bool *ret_is)
{
	json_t *list = NULL, *other = NULL;
	bool lists = strcmp(name, "Fn::EachMemberIn") == 0;
	err_t err;

	if (json_array_size(argument) != 2)
		return refuse(eval, name, "takes a list of two");
	TRY(evaluate(eval, json_array_get(argument, 0), &list));
	err = evaluate(eval, json_array_get(argument, 1), &other);
	if (!err && (!json_is_array(list) || json_is_array(other) != lists))
		err = refuse(eval, name,
			     lists ? "compares two lists" : "compares a list with a text");
	if (!err)
		*ret_is = members_are(name, list, other);
	json_decref(list);
	json_decref(other);
	return err;
}

static err_t truth(struct eval *eval, const json_t *value, unsigned depth, bool *ret_is)
{
	const json_t *argument;
	const char *name;
	json_t *answer;
	bool is_and;

	if (depth == RULE_DEPTH_MAX)
		return refuse(eval, "a rule", "is nested too deep");
	if (!is_function(value, &name, &argument))
		return refuse(eval, "a rule", "asserts functions");
	if (is_of_rules(name))
		return compare(eval, name, argument, ret_is);
	is_and = strcmp(name, "Fn::And") == 0;
	if (is_and || strcmp(name, "Fn::Or") == 0) {
		*ret_is = is_and;
		for (size_t i = 0; i < json_array_size(argument) && *ret_is == is_and; i++)
			TRY(truth(eval, json_array_get(argument, i), depth + 1, ret_is));
		return ERR_OK;
	}
	if (strcmp(name, "Fn::Not") == 0) {
		TRY(truth(eval, json_array_get(argument, 0), depth + 1, ret_is));
		*ret_is = !*ret_is;
		return ERR_OK;
	}
	TRY(evaluate(eval, value, &answer));
	*ret_is = json_is_true(answer);
	json_decref(answer);
	return ERR_OK;
}

static err_t hold(struct eval *eval, const char *name, const json_t *rule)
{
	const json_t *condition = json_object_get(rule, "RuleCondition"), *assertion;
	const char *words;
	bool is = true;
	size_t i;

	if (condition)
		TRY(truth(eval, condition, 0, &is));
	if (!is)
		return ERR_OK;
	json_array_foreach (json_object_get(rule, "Assertions"), i, assertion) {
		TRY(truth(eval, json_object_get(assertion, "Assert"), 0, &is));
		if (is)
			continue;
		words = json_string_value(json_object_get(assertion, "AssertDescription"));
		text_printf(eval->why, "Template error: Rule %s failed: %s", name,
			    words ? words : "an assertion does not hold");
		return ERR_INVALID;
	}
	return ERR_OK;
}

err_t rules_hold(struct eval *eval)
{
	const char *name;
	json_t *rule;

	json_object_foreach (json_object_get(eval->template->root, "Rules"), name, rule)
		TRY(hold(eval, name, rule));
	return ERR_OK;
}
