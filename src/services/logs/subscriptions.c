/*
 * subscriptions: events that match go to Lambda functions, as AWS packs them: gzip and base64 of a
 * DATA_MESSAGE. What is to be sent is in the store with the call that wrote the events, so it is
 * sent after a crash too (outbox.h); a function may see it twice.
 */
#include <stdlib.h>

#include "api/gunzip.h"
#include "base/encode.h"
#include "base/log.h"
#include "services/logs/logs_internal.h"

/* What one event of a function holds at most: 1 MiB are, packed and in base64. */
enum { MESSAGES_BYTES_MAX = 512 * 1024, PACKED_BYTES_MAX = 1024 * 1024 };

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

/* ---- Sending ---- */

/* {"awslogs": {"data": …}} */
static json_t *pack(const json_t *message)
{
	char *plain = json_dumps(message, JSON_COMPACT);
	struct text packed = TEXT_INIT(PACKED_BYTES_MAX), data = TEXT_INIT(2 * PACKED_BYTES_MAX);
	json_t *event = NULL;

	if (plain && !gzip(bytes_of(plain), &packed)) {
		encode_base64(&data, text_bytes(&packed));
		if (!text_err(&data))
			event = json_pack("{s:{s:s}}", "awslogs", "data", text_str(&data));
	}
	free(plain);
	text_fini(&packed);
	text_fini(&data);
	return event;
}

static err_t send(struct logs *logs, struct store_txn *txn, const struct log_group *group,
		  const char *stream, const json_t *subscription, json_t *events)
{
	json_t *message = json_pack("{s:s, s:s, s:s, s:s, s:[s], s:O}", "messageType",
				    "DATA_MESSAGE", "owner", logs->options.account, "logGroup",
				    group->name, "logStream", stream, "subscriptionFilters",
				    text_of(subscription, "filterName"), "logEvents", events);
	json_t *event = message ? pack(message) : NULL;
	json_t *arn = json_sprintf("arn:aws:logs:%s:%s:log-group:%s:*", logs->options.region,
				   logs->options.account, group->name);
	err_t err = event && arn ? outbox_put(&logs->outbox, txn, json_string_value(arn),
					      text_of(subscription, "destinationArn"), event)
				 : ERR_NOMEM;

	json_decref(message);
	json_decref(event);
	json_decref(arn);
	return err;
}

static json_t *event_json(const struct event *event)
{
	char id[EVENT_ID_BYTES + 1];

	event_id(event, id);
	return json_pack("{s:s, s:I, s:o}", "id", id, "timestamp", (json_int_t)event->time_ms,
			 "message", message_json(event->message));
}

static err_t run_one(struct logs *logs, struct store_txn *txn, const struct log_group *group,
		     const char *stream, const struct log_filter *filter,
		     const struct event *events, size_t count)
{
	json_t *matched = json_array();
	size_t bytes = 0;
	err_t err = matched ? ERR_OK : ERR_NOMEM;

	for (size_t i = 0; i < count && !err; i++) {
		if (!pattern_matches(filter->pattern, events[i].message))
			continue;
		if (bytes && bytes + events[i].message.len > MESSAGES_BYTES_MAX) {
			err = send(logs, txn, group, stream, filter->body, matched);
			json_array_clear(matched);
			bytes = 0;
		}
		if (!err && json_array_append_new(matched, event_json(&events[i])))
			err = ERR_NOMEM;
		bytes += events[i].message.len;
	}
	if (!err && json_array_size(matched))
		err = send(logs, txn, group, stream, filter->body, matched);
	json_decref(matched);
	return err;
}

/* The house writes outside of calls: what it sends has a transaction of its own. */
static err_t run_alone(struct logs *logs, const struct log_group *group, const char *stream,
		       const struct event *events, size_t count)
{
	struct store_txn *txn;
	err_t err;

	TRY(store_begin(logs->options.store, &txn));
	err = subscriptions_run(logs, txn, group, stream, events, count);
	if (err) {
		store_rollback(txn);
		return err;
	}
	TRY(store_commit(txn));
	outbox_commit(&logs->outbox);
	return ERR_OK;
}

err_t subscriptions_run(struct logs *logs, struct store_txn *txn, const struct log_group *group,
			const char *stream, const struct event *events, size_t count)
{
	if (!group->subscriptions || !count)
		return ERR_OK;
	if (!txn)
		return run_alone(logs, group, stream, events, count);
	for (const struct log_filter *f = group->subscriptions; f; f = f->next)
		TRY(run_one(logs, txn, group, stream, f, events, count));
	return ERR_OK;
}

/* ---- Operations ---- */

/* A function that is sent what it logs itself would never come to rest. */
static bool is_own_group(const char *function, const char *group)
{
	const char *name = strstr(function, ":function:");
	struct bytes rest = bytes_of(name ? name + strlen(":function:") : ""), part;

	return bytes_cut(&rest, ':', &part) && part.len &&
	       bytes_starts(bytes_of(group), BYTES("/aws/lambda/")) &&
	       bytes_eq(bytes_from(bytes_of(group), strlen("/aws/lambda/")), part);
}

/* Lambda has a transaction of its own for the answer; the call's, which has only read, makes room.
 */
static err_t ask(struct api_call *call, const char *arn, const char *function)
{
	const struct logs_options *options = &logs_of(call)->options;
	struct store_txn *txn;
	err_t err;

	if (!arn)
		return ERR_NOMEM;
	store_rollback(txn_of(call));
	call->transaction = NULL;
	err = options->may_deliver(options->owner, arn, function);
	TRY(store_begin(options->store, &txn));
	call->transaction = txn;
	return err;
}

static err_t check_destination(struct api_call *call, const struct log_group *group)
{
	const struct logs_options *options = &logs_of(call)->options;
	const char *destination = input_string(call, "destinationArn");
	err_t err;

	if (!destination)
		return input_missing(call, "destinationArn");
	if (strncmp(destination, "arn:aws:lambda:", 15) != 0 || !options->may_deliver)
		return api_fault(call, "InvalidParameterException",
				 "Subscriptions go to Lambda functions only here: '%.200s' is the "
				 "ARN of none.",
				 destination);
	if (input_string(call, "roleArn"))
		return api_fault(call, "InvalidParameterException",
				 "destinationArn for vendor lambda cannot be used with roleArn");
	if (is_own_group(destination, group->name))
		return api_fault(call, "InvalidParameterException",
				 "The function writes into this group: it would be sent what it "
				 "writes about being sent.");
	err = ask(call, group_arn(call, group->name, true), destination);
	if (err == ERR_NOT_FOUND || err == ERR_DENIED)
		return api_fault(call, "InvalidParameterException",
				 "Could not execute the lambda function. Make sure you have given "
				 "CloudWatch Logs permission to execute your function.");
	return err;
}

/* What would not act is not kept. */
static err_t check_options(struct api_call *call)
{
	static const char *const absent[] = { "fieldSelectionCriteria", "emitSystemFields" };
	const char *distribution = input_string(call, "distribution");

	if (distribution && strcmp(distribution, "ByLogStream") != 0)
		return api_fault(call, "InvalidParameterException",
				 "distribution can only be ByLogStream: each event of a function "
				 "holds those of one stream.");
	if (json_is_true(json_object_get(call->input, "applyOnTransformedLogs")))
		return api_fault(call, "InvalidParameterException",
				 "applyOnTransformedLogs: no group has a transformer.");
	for (size_t i = 0; i < COUNT(absent); i++)
		if (json_object_get(call->input, absent[i]))
			return api_fault(call, "InvalidParameterException",
					 "%s is not supported here.", absent[i]);
	return ERR_OK;
}

err_t logs_put_subscription_filter(struct api_call *call)
{
	struct log_group *group;
	struct pattern *pattern;
	const char *name;

	TRY(input_stream_name(call, "filterName", &name));
	TRY(input_group(call, &group));
	if (!input_string(call, "filterPattern"))
		return input_missing(call, "filterPattern");
	TRY(input_pattern(call, "filterPattern", &pattern));
	pattern_free(pattern);
	TRY(check_options(call));
	TRY(check_destination(call, group));
	TRY(input_group(call, &group)); /* in the transaction that there is now */
	return filters_keep(
		call, group, LOGS_SUBSCRIPTIONS, LOGS_SUBSCRIPTIONS_MAX,
		json_pack("{s:s, s:s, s:s, s:s, s:s, s:I}", "filterName", name, "logGroupName",
			  group->name, "filterPattern", input_string(call, "filterPattern"),
			  "destinationArn", input_string(call, "destinationArn"), "distribution",
			  "ByLogStream", "creationTime", (json_int_t)now_ms_of(logs_of(call))));
}

err_t logs_delete_subscription_filter(struct api_call *call)
{
	return filters_drop(call, LOGS_SUBSCRIPTIONS,
			    "The specified subscription filter does not exist.");
}

err_t logs_describe_subscription_filters(struct api_call *call)
{
	if (!input_string(call, "logGroupName"))
		return input_missing(call, "logGroupName");
	return filters_describe(call, LOGS_SUBSCRIPTIONS, NULL, NULL);
}

err_t logs_refuse(struct api_call *call)
{
	return api_fault(call, "InvalidOperationException", "%s is not supported here: %s.",
			 call->operation->name, call->operation->refusal);
}
