#include "services/iam/evaluate.h"

#include "services/iam/condition.h"

/* ---- Reading ---- */

static size_t list_size(const json_t *value)
{
	return json_is_array(value) ? json_array_size(value) : value ? 1 : 0;
}

/* IAM writes one or several the same way. */
static const json_t *list_at(const json_t *value, size_t index)
{
	return json_is_array(value) ? json_array_get(value, index) : value;
}

static bool all_strings(const json_t *value)
{
	if (list_size(value) == 0)
		return false;
	for (size_t i = 0; i < list_size(value); i++)
		if (!json_is_string(list_at(value, i)))
			return false;
	return true;
}

static err_t malformed(struct text *why, const char *words)
{
	text_add_str(why, words);
	return ERR_INVALID;
}

static err_t check_actions(const json_t *statement, struct text *why)
{
	const json_t *action = json_object_get(statement, "Action");
	const json_t *others = json_object_get(statement, "NotAction");
	const json_t *list = action ? action : others;

	if (!action == !others || !all_strings(list))
		return malformed(why, list ? "Syntax errors in policy."
					   : "Policy statement must contain actions.");
	for (size_t i = 0; i < list_size(list); i++) {
		struct bytes one = bytes_of(json_string_value(list_at(list, i)));
		size_t colon = bytes_index(one, ':');

		if (!bytes_eq_str(one, "*") &&
		    (colon == SIZE_MAX || colon == 0 || colon + 1 == one.len))
			return malformed(why, "Actions/Conditions must be prefaced by a vendor, "
					      "e.g., iam, sdb, ec2, etc.");
	}
	return ERR_OK;
}

static err_t check_resources(const json_t *statement, struct text *why)
{
	const json_t *resource = json_object_get(statement, "Resource");
	const json_t *others = json_object_get(statement, "NotResource");
	const json_t *list = resource ? resource : others;

	if (!list)
		return malformed(why, "Policy statement must contain resources.");
	if (!resource == !others || !all_strings(list))
		return malformed(why, "Syntax errors in policy.");
	for (size_t i = 0; i < list_size(list); i++) {
		const char *one = json_string_value(list_at(list, i));

		if (strcmp(one, "*") != 0 && !bytes_starts(bytes_of(one), BYTES("arn:"))) {
			text_printf(why, "Resource %.200s must be in ARN format or \"*\".", one);
			return ERR_INVALID;
		}
	}
	return ERR_OK;
}

static err_t check_principal(const json_t *principal, struct text *why)
{
	static const char *const kinds[] = { "AWS", "Service", "Federated", "CanonicalUser" };
	const char *kind;
	json_t *names;

	if (json_is_string(principal) && strcmp(json_string_value(principal), "*") == 0)
		return ERR_OK;
	if (!json_is_object(principal) || json_object_size(principal) == 0)
		return malformed(why, "Invalid principal in policy.");
	json_object_foreach ((json_t *)principal, kind, names) {
		bool known = false;

		for (size_t i = 0; i < COUNT(kinds); i++)
			known = known || strcmp(kind, kinds[i]) == 0;
		if (!known || !all_strings(names))
			return malformed(why, "Invalid principal in policy.");
	}
	return ERR_OK;
}

static err_t check_condition(const json_t *condition, struct text *why)
{
	const char *operator, * key;
	json_t *keys, *values;

	if (!condition)
		return ERR_OK;
	if (!json_is_object(condition))
		return malformed(why, "Syntax errors in policy.");
	json_object_foreach ((json_t *)condition, operator, keys) {
		if (!policy_operator_known(operator)) {
			text_printf(why, "Invalid Condition type : %.100s.", operator);
			return ERR_INVALID;
		}
		if (!json_is_object(keys))
			return malformed(why, "Syntax errors in policy.");
		json_object_foreach (keys, key, values) {
			if (!bytes_of(key).len || json_is_object(values) || json_is_null(values))
				return malformed(why, "Syntax errors in policy.");
			for (size_t i = 0; i < list_size(values); i++)
				if (json_is_array(list_at(values, i)) ||
				    json_is_object(list_at(values, i)))
					return malformed(why, "Syntax errors in policy.");
		}
	}
	return ERR_OK;
}

/* Names that nothing knows are refused: a misspelt "Condition" would otherwise allow everything. */
static err_t check_names(const json_t *object, const char *const *known, struct text *why)
{
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)object, name, value) {
		bool found = false;

		(void)value;
		for (const char *const *one = known; *one; one++)
			found = found || strcmp(*one, name) == 0;
		if (!found)
			return malformed(why, "Syntax errors in policy.");
	}
	return ERR_OK;
}

static err_t check_statement(const json_t *statement, enum policy_kind kind, struct text *why)
{
	static const char *const names[] = { "Sid",	  "Effect",	  "Action",
					     "NotAction", "Resource",	  "NotResource",
					     "Principal", "NotPrincipal", "Condition",
					     NULL };
	const json_t *principal = json_object_get(statement, "Principal");
	const json_t *others = json_object_get(statement, "NotPrincipal");
	const char *effect = json_string_value(json_object_get(statement, "Effect"));

	if (!json_is_object(statement))
		return malformed(why, "Syntax errors in policy.");
	TRY(check_names(statement, names, why));
	if (!effect)
		return malformed(why, "Missing required field Effect cannot be empty!");
	if (strcmp(effect, "Allow") != 0 && strcmp(effect, "Deny") != 0) {
		text_printf(why, "Invalid effect: %.50s", effect);
		return ERR_INVALID;
	}
	TRY(check_actions(statement, why));
	if (kind == POLICY_OF_IDENTITY) {
		if (principal || others)
			return malformed(why, "Policy document should not specify a principal.");
		TRY(check_resources(statement, why));
	} else {
		if (json_object_get(statement, "Resource") ||
		    json_object_get(statement, "NotResource"))
			return malformed(why, "Has prohibited field Resource");
		if (!principal || others)
			return malformed(why, "Missing required field Principal");
		TRY(check_principal(principal, why));
	}
	return check_condition(json_object_get(statement, "Condition"), why);
}

static err_t check_document(const json_t *document, enum policy_kind kind, struct text *why)
{
	static const char *const names[] = { "Version", "Id", "Statement", NULL };
	const json_t *statements = json_object_get(document, "Statement");
	const json_t *version = json_object_get(document, "Version");

	if (!json_is_object(document))
		return malformed(why, "Syntax errors in policy.");
	TRY(check_names(document, names, why));
	if (version &&
	    (!json_is_string(version) || (strcmp(json_string_value(version), "2012-10-17") != 0 &&
					  strcmp(json_string_value(version), "2008-10-17") != 0)))
		return malformed(why, "The policy must contain a valid version string");
	if (list_size(statements) == 0)
		return malformed(why, "Syntax errors in policy.");
	for (size_t i = 0; i < list_size(statements); i++)
		TRY(check_statement(list_at(statements, i), kind, why));
	return ERR_OK;
}

err_t policy_check(struct bytes text, enum policy_kind kind, json_t **ret_document,
		   struct text *why)
{
	json_t *document = json_loadb(text.at ? text.at : "", text.len, JSON_REJECT_DUPLICATES,
				      NULL);
	err_t err;

	if (!document)
		return malformed(why, "This policy contains invalid Json");
	err = check_document(document, kind, why);
	if (!err && ret_document)
		*ret_document = document;
	else
		json_decref(document);
	return err;
}

/* ---- Evaluating ---- */

static bool action_fits(const json_t *list, const char *action)
{
	for (size_t i = 0; i < list_size(list); i++)
		if (policy_glob(bytes_of(json_string_value(list_at(list, i))), bytes_of(action),
				true))
			return true;
	return false;
}

static bool resource_fits(const json_t *list, const struct policy_request *request, bool variables)
{
	struct text expanded = TEXT_INIT(POLICY_TEXT_BYTES_MAX);
	bool found = false;

	for (size_t i = 0; i < list_size(list) && !found; i++) {
		struct bytes one = bytes_of(json_string_value(list_at(list, i)));

		found = policy_expand(one, request, variables, true, &expanded) &&
			policy_match_arn(text_bytes(&expanded), bytes_of(request->resource));
	}
	text_fini(&expanded);
	return found;
}

static bool is_asker(const char *name, const struct policy_request *request)
{
	if (strcmp(name, "*") == 0)
		return true;
	for (size_t i = 0; i < request->principal_count; i++)
		if (strcmp(name, request->principals[i]) == 0)
			return true;
	return false;
}

static bool principal_fits(const json_t *principal, const struct policy_request *request)
{
	const char *kind;
	json_t *names;

	if (json_is_string(principal))
		return is_asker(json_string_value(principal), request);
	json_object_foreach ((json_t *)principal, kind, names) {
		for (size_t i = 0; i < list_size(names); i++) {
			const char *name = json_string_value(list_at(names, i));

			if (name && is_asker(name, request))
				return true;
		}
	}
	return false;
}

static bool speaks(const json_t *statement, const struct policy_request *request, bool variables)
{
	const json_t *action = json_object_get(statement, "Action");
	const json_t *others = json_object_get(statement, "NotAction");
	const json_t *resource = json_object_get(statement, "Resource");
	const json_t *other_resources = json_object_get(statement, "NotResource");

	if (request->principals &&
	    !principal_fits(json_object_get(statement, "Principal"), request))
		return false;
	if (action ? !action_fits(action, request->action) : action_fits(others, request->action))
		return false;
	if (resource && !resource_fits(resource, request, variables))
		return false;
	if (other_resources && resource_fits(other_resources, request, variables))
		return false;
	return policy_conditions_hold(json_object_get(statement, "Condition"), request, variables);
}

enum policy_effect policy_evaluate(const json_t *document, const struct policy_request *request)
{
	const json_t *statements = json_object_get(document, "Statement");
	const char *version = json_string_value(json_object_get(document, "Version"));
	bool variables = version && strcmp(version, "2012-10-17") == 0;
	enum policy_effect effect = POLICY_SILENT;

	for (size_t i = 0; i < list_size(statements); i++) {
		const json_t *statement = list_at(statements, i);
		const char *says = json_string_value(json_object_get(statement, "Effect"));

		if (!says || !speaks(statement, request, variables))
			continue;
		if (strcmp(says, "Deny") == 0)
			return POLICY_DENIES;
		effect = POLICY_ALLOWS;
	}
	return effect;
}
