#include "services/cloudformation/policy.h"

#include <string.h>

#include "base/like.h"

/* A text or a list of texts. */
static bool any_is_like(const json_t *patterns, const char *text)
{
	const json_t *one;
	size_t i;

	if (json_is_string(patterns))
		return is_like(json_string_value(patterns), text);
	json_array_foreach ((json_t *)patterns, i, one) {
		if (json_is_string(one) && is_like(json_string_value(one), text))
			return true;
	}
	return false;
}

static bool is_texts(const json_t *value)
{
	const json_t *one;
	size_t i;

	json_array_foreach ((json_t *)value, i, one) {
		if (!json_is_string(one))
			return false;
	}
	return json_is_string(value) || json_array_size(value) > 0;
}

/* ---- Form ---- */

static const char *const actions[] = { "Update:Modify", "Update:Replace", "Update:Delete" };

static bool is_action(const char *pattern)
{
	for (size_t i = 0; i < COUNT(actions); i++)
		if (is_like(pattern, actions[i]))
			return true;
	return false;
}

static bool are_actions(const json_t *value)
{
	const json_t *one;
	size_t i;

	if (json_is_string(value))
		return is_action(json_string_value(value));
	json_array_foreach ((json_t *)value, i, one) {
		if (!json_is_string(one) || !is_action(json_string_value(one)))
			return false;
	}
	return json_array_size(value) > 0;
}

/* {"StringEquals" | "StringLike": {"ResourceType": texts}} */
static bool is_condition(const json_t *condition)
{
	const char *operator, * key;
	json_t *keys, *values;

	json_object_foreach ((json_t *)condition, operator, keys) {
		if (strcmp(operator, "StringEquals") != 0 && strcmp(operator, "StringLike") != 0)
			return false;
		json_object_foreach (keys, key, values)
			if (strcmp(key, "ResourceType") != 0 || !is_texts(values))
				return false;
	}
	return json_is_object(condition);
}

/* NULL: it is well; else what is wrong with it. */
static const char *wrong_with(const json_t *statement)
{
	const json_t *action = json_object_get(statement, "Action");
	const json_t *not_action = json_object_get(statement, "NotAction");
	const json_t *resource = json_object_get(statement, "Resource");
	const json_t *not_resource = json_object_get(statement, "NotResource");
	const json_t *condition = json_object_get(statement, "Condition");
	const char *effect = json_string_value(json_object_get(statement, "Effect"));
	const char *principal = json_string_value(json_object_get(statement, "Principal"));

	if (!effect || (strcmp(effect, "Allow") != 0 && strcmp(effect, "Deny") != 0))
		return "its Effect is Allow or Deny";
	if (!principal || strcmp(principal, "*") != 0)
		return "its Principal is \"*\"";
	if (!action == !not_action || !are_actions(action ? action : not_action))
		return "its Action or NotAction names Update:Modify, Update:Replace, Update:Delete "
		       "or Update:*";
	if (!resource == !not_resource || !is_texts(resource ? resource : not_resource))
		return "its Resource or NotResource names LogicalResourceId/… or *";
	if (condition && !is_condition(condition))
		return "its Condition is StringEquals or StringLike of ResourceType";
	return NULL;
}

err_t policy_parse(struct bytes text, json_t **ret_policy, struct text *why)
{
	const json_t *statements, *statement;
	const char *wrong = NULL;
	json_error_t error;
	json_t *policy;
	size_t i;

	if (text.len > POLICY_BYTES_MAX) {
		text_printf(why, "The stack policy has more than %d bytes", POLICY_BYTES_MAX);
		return ERR_TOO_LARGE;
	}
	policy = json_loadb(text.at ? text.at : "", text.len, JSON_REJECT_DUPLICATES, &error);
	if (!policy) {
		text_printf(why, "Error validating stack policy: line %d: %s", error.line,
			    error.text);
		return ERR_INVALID;
	}
	statements = json_object_get(policy, "Statement");
	if (!json_array_size(statements))
		text_add_str(why, "Error validating stack policy: it has a list, Statement");
	json_array_foreach ((json_t *)statements, i, statement) {
		wrong = why->len ? NULL : wrong_with(statement);
		if (wrong)
			text_printf(why, "Error validating stack policy: statement #%zu: %s", i + 1,
				    wrong);
	}
	if (why->len) {
		json_decref(policy);
		return ERR_INVALID;
	}
	*ret_policy = policy;
	return ERR_OK;
}

/* ---- Asking ---- */

static bool fits_type(const json_t *condition, const char *type)
{
	const char *operator;
	json_t *keys;

	json_object_foreach ((json_t *)condition, operator, keys) {
		const json_t *wanted = json_object_get(keys, "ResourceType"), *one;
		bool equal = json_is_string(wanted) && strcmp(json_string_value(wanted), type) == 0;
		size_t i;

		json_array_foreach ((json_t *)wanted, i, one)
			equal = equal || strcmp(json_string_value(one), type) == 0;
		if (strcmp(operator, "StringLike") == 0 ? !any_is_like(wanted, type) : !equal)
			return false;
	}
	return true;
}

static bool fits(const json_t *statement, const struct policy_question *question,
		 const char *resource)
{
	const json_t *action = json_object_get(statement, "Action");
	const json_t *named = json_object_get(statement, "Resource");
	bool acts = action ? any_is_like(action, question->action)
			   : !any_is_like(json_object_get(statement, "NotAction"),
					  question->action);
	bool is_it = named ? any_is_like(named, resource)
			   : !any_is_like(json_object_get(statement, "NotResource"), resource);

	return acts && is_it && fits_type(json_object_get(statement, "Condition"), question->type);
}

bool policy_allows(const json_t *policy, const struct policy_question *question, struct text *why)
{
	struct text resource = TEXT_INIT(512);
	const json_t *statement;
	size_t i, denied_by = 0;
	bool allowed = false;

	text_printf(&resource, "LogicalResourceId/%s", question->logical);
	json_array_foreach (json_object_get(policy, "Statement"), i, statement) {
		bool denies = strcmp(json_string_value(json_object_get(statement, "Effect")),
				     "Deny") == 0;

		if (!fits(statement, question, text_str(&resource)))
			continue;
		if (denies && !denied_by)
			denied_by = i + 1;
		allowed = allowed || !denies;
	}
	if (denied_by)
		text_printf(
			why,
			"Action denied by stack policy: Statement [#%zu] does not allow [%s] for "
			"resource [%s]",
			denied_by, question->action, text_str(&resource));
	else if (!allowed)
		text_printf(why,
			    "Action denied by stack policy: no statement allows [%s] for resource "
			    "[%s]",
			    question->action, text_str(&resource));
	text_fini(&resource);
	return allowed && !denied_by;
}
