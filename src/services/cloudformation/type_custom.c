/*
 * type_custom: custom resources, which a function makes; what it says comes by answers.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "services/cloudformation/answers.h"
#include "services/cloudformation/type_hooks.h"

enum { CUSTOM_SECONDS_MAX = 3600, EVENT_BYTES_MAX = 256 * 1024 };

static HOOK(custom_make);
static HOOK(custom_updated);
static HOOK(custom_settled);
static HOOK(custom_remove);

static const struct resource_type rows[] = {
	{ .name = "AWS::CloudFormation::CustomResource", /* and Custom::… */
	  .service = "lambda",
	  .properties = "*",
	  .attributes = "*",
	  .name_max = 128,
	  .make = custom_make,
	  .updated = custom_updated,
	  .settled = custom_settled,
	  .remove = custom_remove },
};
const struct type_table custom_types = { rows, COUNT(rows) };

/* ---- Custom resources ---- */

/* Functions are told every scalar as a text, as AWS does. */
static json_t *in_texts(const json_t *value)
{
	struct text text = TEXT_INIT(EVENT_BYTES_MAX);
	json_t *made, *item;
	const char *key;
	size_t i;

	if (json_is_array(value)) {
		made = json_array();
		json_array_foreach ((json_t *)value, i, item)
			json_array_append_new(made, in_texts(item));
		return made;
	}
	if (json_is_object(value)) {
		made = json_object();
		json_object_foreach ((json_t *)value, key, item)
			put_new(made, key, in_texts(item));
		return made;
	}
	scalar_text(value, &text);
	made = json_string(text_str(&text));
	text_fini(&text);
	return made;
}

static json_t *event_for(struct resource_step *step, const char *type)
{
	const json_t *asked = json_object_get(step->record, "Asked");
	json_t *event = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "RequestType", type,
				  "ResponseURL", answers_url(step), "StackId", step->stack->id,
				  "RequestId", text_at(asked, "RequestId"), "ResourceType",
				  text_at(step->record, "ResourceType"), "LogicalResourceId",
				  text_at(step->record, "LogicalResourceId"), "ResourceProperties",
				  in_texts(step->properties));

	put_text(event, "ServiceToken", text_at(step->properties, "ServiceToken"));
	if (strcmp(type, "Create") != 0)
		put_text(event, "PhysicalResourceId", physical_id(step));
	if (step->before)
		put_new(event, "OldResourceProperties", in_texts(step->before));
	return event;
}

/* Hands the function an event; it answers when it likes. */
static err_t tell_function(struct resource_step *step, const char *type)
{
	const char *token = text_at(step->properties, "ServiceToken");
	struct text encoded = TEXT_INIT(2 * EVENT_BYTES_MAX);
	uint64_t seconds;
	json_t *event;
	char *text;
	err_t err;

	if (strncmp(token, "arn:aws:lambda:", 15) != 0) {
		text_printf(step->why,
			    "Invalid service token: ServiceToken is the ARN of a Lambda function, "
			    "not '%.200s'",
			    token);
		return ERR_INVALID;
	}
	TRY(number_property(step, "ServiceTimeout", CUSTOM_SECONDS_MAX, CUSTOM_SECONDS_MAX,
			    &seconds));
	if (!answers_ask(step, type, seconds))
		return ERR_NOMEM;
	event = event_for(step, type);
	text = json_dumps(event, JSON_COMPACT);
	json_decref(event);
	if (text)
		encode_base64(&encoded, bytes_of(text));
	free(text);
	err = text && !text_err(&encoded) ? call_api(step, "lambda", "Invoke",
						     json_pack("{s:s, s:s, s:s}", "FunctionName",
							       token, "InvocationType", "Event",
							       "Payload", text_str(&encoded)),
						     NULL)
					  : ERR_NOMEM;
	text_fini(&encoded);
	return err;
}

static HOOK(custom_make)
{
	const char *name = made_name(step); /* until the function gives it one */

	if (!name)
		return ERR_NOMEM;
	TRY(tell_function(step, "Create"));
	set_physical_id(step, name);
	return ERR_OK;
}

static HOOK(custom_updated)
{
	return tell_function(step, "Update");
}

/* Another physical id than before: what it was goes when all is well. */
static void leave_behind(struct resource_step *step, const char *old_id)
{
	json_t *cleanup = json_object_get(step->stack->body, "Cleanup");
	json_t *old = json_deep_copy(step->record);

	put_text(old, "PhysicalResourceId", old_id);
	json_object_set(old, "Properties", (json_t *)step->before);
	json_object_del(old, "Asked");
	json_object_del(old, "Before");
	json_object_del(old, "Calls");
	if (!cleanup)
		put_new(step->stack->body, "Cleanup", cleanup = json_array());
	json_array_append_new(cleanup, old);
}

static err_t read_answer(struct resource_step *step, const json_t *asked, const json_t *answer)
{
	const char *id = text_at(answer, "PhysicalResourceId");
	json_t *data = json_object_get(answer, "Data");

	if (strcmp(text_at(answer, "Status"), "SUCCESS") != 0) {
		if (id[0] && strcmp(text_at(asked, "Type"), "Create") == 0)
			set_physical_id(step, id); /* it is to be deleted by this name */
		text_printf(step->why,
			    "Received response status [FAILED] from custom resource. Message "
			    "returned: %s (RequestId: %s)",
			    text_at(answer, "Reason"), text_at(asked, "RequestId"));
		return ERR_INVALID;
	}
	if (strcmp(text_at(asked, "Type"), "Delete") == 0)
		return ERR_OK;
	if (!id[0]) {
		text_add_str(step->why, "Invalid PhysicalResourceId");
		return ERR_INVALID;
	}
	if (strcmp(text_at(asked, "Type"), "Update") == 0 && strcmp(id, physical_id(step)) != 0)
		leave_behind(step, physical_id(step));
	set_physical_id(step, id);
	put_new(step->record, "Attributes",
		json_is_object(data) ? json_incref(data) : json_object());
	return ERR_OK;
}

/* ERR_AGAIN as long as the function says nothing. */
static err_t hear(struct resource_step *step)
{
	json_t *asked = json_incref(json_object_get(step->record, "Asked"));
	const json_t *answer = json_object_get(asked, "Answer");
	err_t err = ERR_AGAIN;

	if (answer) {
		err = read_answer(step, asked, answer);
	} else if (answers_late(step)) {
		text_printf(step->why,
			    "CloudFormation did not receive a response from your Custom Resource. "
			    "Please check your logs for requestId [%s].",
			    text_at(asked, "RequestId"));
		err = ERR_INVALID;
	}
	if (err != ERR_AGAIN)
		json_object_del(step->record, "Asked");
	json_decref(asked);
	return err;
}

static HOOK(custom_settled)
{
	return hear(step);
}

static HOOK(custom_remove)
{
	const char *asked = text_at(json_object_get(step->record, "Asked"), "Type");

	if (strcmp(asked, "Delete") == 0)
		return hear(step);
	TRY(tell_function(step, "Delete"));
	return ERR_AGAIN;
}
