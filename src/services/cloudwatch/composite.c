/*
 * composite: the rules of composite alarms: ALARM("a") AND (OK(b) OR NOT INSUFFICIENT_DATA("c")).
 */
#include "services/cloudwatch/cloudwatch_internal.h"

enum { DEPTH_MAX = 32 };

struct rule {
	struct bytes rest;
	const json_t *alarms; /* NULL: only the words are looked at */
	const char *wanted;   /* is this alarm named? */
	bool found;
	unsigned depth;
	struct text *why;
};

static err_t wrong(struct rule *rule, const char *what)
{
	if (rule->why && !rule->why->len)
		text_printf(rule->why, "%s before '%.*s'", what, (int)size_min(rule->rest.len, 40),
			    rule->rest.len ? rule->rest.at : "");
	return ERR_SYNTAX;
}

static void skip_blanks(struct rule *rule)
{
	while (rule->rest.len && strchr(" \t\r\n", rule->rest.at[0]))
		rule->rest = bytes_from(rule->rest, 1);
}

static bool take(struct rule *rule, const char *word)
{
	struct bytes text = bytes_of(word);

	skip_blanks(rule);
	if (!bytes_starts(rule->rest, text))
		return false;
	if (text.len > 1 && rule->rest.len > text.len && rule->rest.at[text.len] != ' ' &&
	    rule->rest.at[text.len] != '(' && rule->rest.at[text.len] != ')' &&
	    rule->rest.at[text.len] != '\n')
		return false;
	rule->rest = bytes_from(rule->rest, text.len);
	return true;
}

/* By name or ARN, in quotes or bare, up to the bracket. */
static err_t take_name(struct rule *rule, struct bytes *ret_name)
{
	char quote;
	size_t end;

	skip_blanks(rule);
	quote = rule->rest.len ? rule->rest.at[0] : '\0';
	if (quote == '"' || quote == '\'')
		rule->rest = bytes_from(rule->rest, 1);
	else
		quote = ')';
	end = bytes_index(rule->rest, quote);
	if (end == SIZE_MAX || end == 0)
		return wrong(rule, "the name of an alarm is missing");
	*ret_name = bytes_upto(rule->rest, end);
	rule->rest = bytes_from(rule->rest, quote == ')' ? end : end + 1);
	if (bytes_starts(*ret_name, BYTES("arn:"))) {
		size_t mark = bytes_find(*ret_name, BYTES(":alarm:"));

		if (mark != SIZE_MAX)
			*ret_name = bytes_from(*ret_name, mark + 7);
	}
	*ret_name = bytes_trim(*ret_name);
	return ERR_OK;
}

static err_t read_state(struct rule *rule, enum alarm_state state, bool *ret_true)
{
	const json_t *alarm;
	struct bytes name;

	if (!take(rule, "("))
		return wrong(rule, "an opening bracket is missing");
	TRY(take_name(rule, &name));
	if (!take(rule, ")"))
		return wrong(rule, "a closing bracket is missing");
	if (rule->wanted && bytes_eq_str(name, rule->wanted))
		rule->found = true;
	*ret_true = false;
	if (!rule->alarms)
		return ERR_OK;
	alarm = json_object_getn(rule->alarms, name.at, name.len);
	if (!alarm) {
		if (rule->why && !rule->why->len)
			text_printf(rule->why, "the alarm '%.*s' does not exist", BYTES_ARG(name));
		return ERR_NOT_FOUND;
	}
	*ret_true = cw_state_of(alarm) == state;
	return ERR_OK;
}

static err_t read_or(struct rule *rule, bool *ret_true);

static err_t read_one(struct rule *rule, bool *ret_true)
{
	for (enum alarm_state state = 0; alarm_state_names[state]; state++)
		if (take(rule, alarm_state_names[state]))
			return read_state(rule, state, ret_true);
	*ret_true = take(rule, "TRUE");
	if (*ret_true || take(rule, "FALSE"))
		return ERR_OK;
	if (take(rule, "NOT")) {
		if (++rule->depth > DEPTH_MAX)
			return wrong(rule, "it is nested too deeply");
		TRY(read_one(rule, ret_true));
		rule->depth--;
		*ret_true = !*ret_true;
		return ERR_OK;
	}
	if (!take(rule, "("))
		return wrong(rule, "a state is missing");
	TRY(read_or(rule, ret_true));
	return take(rule, ")") ? ERR_OK : wrong(rule, "a closing bracket is missing");
}

static err_t read_and(struct rule *rule, bool *ret_true)
{
	bool right;

	TRY(read_one(rule, ret_true));
	while (take(rule, "AND")) {
		TRY(read_one(rule, &right));
		*ret_true = *ret_true && right;
	}
	return ERR_OK;
}

static err_t read_or(struct rule *rule, bool *ret_true)
{
	bool right;

	if (++rule->depth > DEPTH_MAX)
		return wrong(rule, "it is nested too deeply");
	TRY(read_and(rule, ret_true));
	while (take(rule, "OR")) {
		TRY(read_and(rule, &right));
		*ret_true = *ret_true || right;
	}
	rule->depth--;
	return ERR_OK;
}

err_t composite_evaluate(const char *text, const json_t *alarms, bool *ret_true, struct text *why)
{
	struct rule rule = { .rest = bytes_of(text), .alarms = alarms, .why = why };

	TRY(read_or(&rule, ret_true));
	skip_blanks(&rule);
	return rule.rest.len ? wrong(&rule, "AND or OR is missing") : ERR_OK;
}

bool composite_names(const char *text, const char *alarm)
{
	struct rule rule = { .rest = bytes_of(text), .wanted = alarm };
	bool truth;

	return read_or(&rule, &truth) == ERR_OK && rule.found;
}
