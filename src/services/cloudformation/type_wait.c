/*
 * type_wait: wait conditions, which wait for others to say that they are done: by a PUT to their
 * handle's address (answers.h), or by SignalResource where they have a CreationPolicy.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/cloudformation/answers.h"
#include "services/cloudformation/type_hooks.h"

enum { WAIT_SECONDS_MAX = 43200, POLICY_SECONDS = 300, COUNT_MAX = 10000 };

static HOOK(handle_make);
static HOOK(condition_make);
static HOOK(condition_updated);
static HOOK(condition_settled);

static const struct resource_type rows[] = {
	{ .name = "AWS::CloudFormation::WaitConditionHandle",
	  .service = "cloudformation",
	  .properties = "",
	  .make = handle_make },
	{ .name = "AWS::CloudFormation::WaitCondition",
	  .service = "cloudformation",
	  .properties = "Handle Timeout Count",
	  .attributes = "Data",
	  .name_max = 128,
	  .make = condition_make,
	  .updated = condition_updated,
	  .settled = condition_settled },
};
const struct type_table wait_types = { rows, COUNT(rows) };

/* ---- What is waited for ---- */

struct waiting {
	uint64_t seconds, count;
	bool by_policy; /* signals are the condition's own, not a handle's */
};

/* "PT1H30M10S" */
static err_t read_duration(struct bytes text, uint64_t *ret_seconds)
{
	uint64_t seconds = 0, number;
	size_t digits;

	if (!bytes_starts(text, BYTES("PT")) || text.len == 2)
		return ERR_SYNTAX;
	for (text = bytes_from(text, 2); text.len; text = bytes_from(text, digits + 1)) {
		for (digits = 0; digits < text.len && isdigit((unsigned char)text.at[digits]);)
			digits++;
		if (digits == text.len ||
		    bytes_to_u64(bytes_upto(text, digits), WAIT_SECONDS_MAX, &number))
			return ERR_SYNTAX;
		switch (text.at[digits]) {
		case 'H': seconds += number * 3600; break;
		case 'M': seconds += number * 60; break;
		case 'S': seconds += number; break;
		default: return ERR_SYNTAX;
		}
	}
	*ret_seconds = seconds;
	return seconds <= WAIT_SECONDS_MAX ? ERR_OK : ERR_RANGE;
}

static const json_t *policy_of(const struct resource_step *step)
{
	const json_t *resources = json_object_get(step->stack->template.root, "Resources");

	return json_object_get(
		json_object_get(resources, text_at(step->record, "LogicalResourceId")),
		"CreationPolicy");
}

/* {ResourceSignal: {Count, Timeout}}, functions worked out; one signal in five minutes without. */
static err_t read_policy(struct resource_step *step, const json_t *given,
			 struct waiting *ret_waiting)
{
	struct text count = TEXT_INIT(64), timeout = TEXT_INIT(64);
	const json_t *signal;
	json_t *policy;
	struct eval eval;
	err_t err;

	stack_eval(step->stack, &eval);
	TRY(evaluate(&eval, given, &policy));
	signal = json_object_get(policy, "ResourceSignal");
	*ret_waiting = (struct waiting){ POLICY_SECONDS, 1, true };
	err = json_is_object(signal) ? ERR_OK : ERR_INVALID;
	if (!err && json_object_get(signal, "Count"))
		err = scalar_text(json_object_get(signal, "Count"), &count);
	if (!err && count.len)
		err = bytes_to_u64(text_bytes(&count), COUNT_MAX, &ret_waiting->count);
	if (!err && json_object_get(signal, "Timeout"))
		err = scalar_text(json_object_get(signal, "Timeout"), &timeout);
	if (!err && timeout.len)
		err = read_duration(text_bytes(&timeout), &ret_waiting->seconds);
	json_decref(policy);
	text_fini(&count);
	text_fini(&timeout);
	if (err && err != ERR_NOMEM) {
		text_add_str(
			step->why,
			"CreationPolicy takes a ResourceSignal with a Count, and a Timeout such "
			"as PT5M of at most 12 hours");
		return ERR_INVALID;
	}
	return err;
}

static err_t read_waiting(struct resource_step *step, struct waiting *ret_waiting)
{
	const json_t *policy = policy_of(step);

	if (policy)
		return read_policy(step, policy, ret_waiting);
	if (!property(step, "Handle") || !property(step, "Timeout")) {
		text_add_str(step->why, "A wait condition needs Handle and Timeout");
		return ERR_INVALID;
	}
	*ret_waiting = (struct waiting){ .by_policy = false };
	TRY(number_property(step, "Timeout", WAIT_SECONDS_MAX, 0, &ret_waiting->seconds));
	return number_property(step, "Count", UINT32_MAX, 1, &ret_waiting->count);
}

/* ---- Handles and conditions ---- */

static HOOK(handle_make)
{
	if (!answers_ask(step, "Signals", 0))
		return ERR_NOMEM;
	set_physical_id(step, answers_url(step));
	return ERR_OK;
}

static HOOK(condition_make)
{
	struct waiting waiting;

	TRY(read_waiting(step, &waiting));
	if (!answers_ask(step, waiting.by_policy ? ASKED_SIGNALS : "Wait", waiting.seconds))
		return ERR_NOMEM;
	set_physical_id(step, made_name(step));
	return ERR_OK;
}

static HOOK(condition_updated)
{
	if (step->back)
		return ERR_OK;
	text_add_str(
		step->why,
		"Update to resource type AWS::CloudFormation::WaitCondition is not supported.");
	return ERR_INVALID;
}

static const json_t *signals_of(const struct resource_step *step, const struct waiting *waiting)
{
	const char *handle = text_at(step->properties, "Handle"), *logical;
	json_t *record;

	if (waiting->by_policy)
		return json_object_get(step->record, "Signals");
	json_object_foreach (step->stack->resources, logical, record)
		if (strcmp(text_at(record, "PhysicalResourceId"), handle) == 0)
			return json_object_get(record, "Signals");
	return NULL;
}

/* GetAtt gives what all of them said, as JSON text. */
static err_t set_data(struct resource_step *step, const json_t *signals)
{
	json_t *all = json_object(), *one;
	const char *id;
	char *text;

	json_object_foreach ((json_t *)signals, id, one)
		put_text(all, id, text_at(one, "Data"));
	text = json_dumps(all, JSON_COMPACT);
	json_decref(all);
	if (!text)
		return ERR_NOMEM;
	put_new(step->record, "Attributes", json_pack("{s:s}", "Data", text));
	free(text);
	json_object_del(step->record, "Asked");
	return ERR_OK;
}

static err_t fail(struct resource_step *step, const struct waiting *waiting, const char *id,
		  const json_t *signal)
{
	if (waiting->by_policy)
		text_printf(step->why, "Received FAILURE signal with UniqueId %s", id);
	else
		text_printf(step->why,
			    "WaitCondition received failed message: '%s' for uniqueId: %s",
			    text_at(signal, "Reason"), id);
	return ERR_INVALID;
}

static err_t be_late(struct resource_step *step, const struct waiting *waiting, uint64_t good)
{
	if (waiting->by_policy)
		text_printf(
			step->why,
			"Failed to receive %llu resource signal(s) within the specified duration",
			(unsigned long long)(waiting->count - good));
	else
		text_printf(step->why,
			    "WaitCondition timed out. Received %llu conditions when expecting %llu",
			    (unsigned long long)good, (unsigned long long)waiting->count);
	return ERR_INVALID;
}

static HOOK(condition_settled)
{
	struct waiting waiting;
	const json_t *signals;
	uint64_t good = 0;
	const char *id;
	json_t *one;

	if (!json_object_get(step->record, "Asked"))
		return ERR_OK; /* it was heard before this update */
	TRY(read_waiting(step, &waiting));
	signals = signals_of(step, &waiting);
	json_object_foreach ((json_t *)signals, id, one) {
		if (strcmp(text_at(one, "Status"), "SUCCESS") != 0)
			return fail(step, &waiting, id, one);
		good++;
	}
	if (good >= waiting.count)
		return set_data(step, signals);
	return answers_late(step) ? be_late(step, &waiting, good) : ERR_AGAIN;
}
