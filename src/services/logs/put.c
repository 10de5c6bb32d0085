/*
 * put: PutLogEvents. The rules that refuse a batch are AWS's: at most 10 000 events and 1 MiB (26
 * bytes more for each), in order of time, within 24 hours. Events too old or too new are left out
 * and told of. Sequence tokens are taken and ignored, as AWS does today.
 */
#include <stdlib.h>

#include "services/logs/logs_internal.h"

enum {
	BATCH_EVENTS_MAX = 10000,
	BATCH_BYTES_MAX = 1024 * 1024,
	EVENT_EXTRA_BYTES = 26,
	TOO_NEW_MS = 2 * 3600 * 1000,
	TOO_OLD_DAYS = 14,
};

err_t logs_append(struct logs *logs, struct store_txn *txn, struct log_group *group,
		  const struct log_stream *stream, const struct logs_line *lines, size_t count)
{
	struct event *list = calloc(count + 1, sizeof *list);
	uint64_t now = now_ms_of(logs);
	err_t err;

	if (!list)
		return ERR_NOMEM;
	for (size_t i = 0; i < count; i++)
		list[i] = (struct event){ .time_ms = lines[i].time_ms,
					  .ingested_ms = now,
					  .stream = stream->number,
					  .message = bytes_upto(lines[i].text,
								SEGMENT_MESSAGE_BYTES_MAX) };
	err = count ? events_append(logs->events, group->id, list, count) : ERR_OK;
	if (!err)
		filters_run(logs, group, lines, count);
	if (!err)
		err = subscriptions_run(logs, txn, group, stream->name, list, count);
	free(list);
	return err;
}

/* ---- Reading a batch ---- */

static err_t read_line(struct api_call *call, size_t index, const json_t *event,
		       struct logs_line *ret_line)
{
	const json_t *message = json_object_get(event, "message");
	const json_t *timestamp = json_object_get(event, "timestamp");
	const char *member = message ? "timestamp" : "message";

	if (!message || !timestamp)
		return input_missing(call, arena_printf(call->arena, "logEvents.%zu.member.%s",
							index + 1, member));
	if (!json_string_length(message))
		return input_wrong(call, "message", "", "have length greater than or equal to 1");
	if (json_integer_value(timestamp) < 0)
		return input_wrong(call, "timestamp", "", "have value greater than or equal to 0");
	ret_line->time_ms = (uint64_t)json_integer_value(timestamp);
	ret_line->text = bytes_make(json_string_value(message), json_string_length(message));
	return ERR_OK;
}

static err_t read_batch(struct api_call *call, struct logs_line **ret_lines, size_t *ret_count)
{
	const json_t *events = json_object_get(call->input, "logEvents"), *event;
	size_t count = json_array_size(events), bytes = 0, i;
	struct logs_line *lines;

	if (!events)
		return input_missing(call, "logEvents");
	if (!count || count > BATCH_EVENTS_MAX)
		return input_wrong(call, "logEvents", "",
				   count ? "have length less than or equal to 10000"
					 : "have length greater than or equal to 1");
	lines = arena_array(call->arena, count, sizeof *lines);
	if (!lines)
		return ERR_NOMEM;
	json_array_foreach ((json_t *)events, i, event) {
		TRY(read_line(call, i, event, &lines[i]));
		bytes += lines[i].text.len + EVENT_EXTRA_BYTES;
		if (i && lines[i].time_ms < lines[i - 1].time_ms)
			return api_fault(call, "InvalidParameterException",
					 "Log events in a single PutLogEvents request must be in "
					 "chronological order.");
	}
	if (bytes > BATCH_BYTES_MAX)
		return api_fault(call, "InvalidParameterException",
				 "Upload too large: %zu bytes exceeds limit of %d", bytes,
				 BATCH_BYTES_MAX);
	if (lines[count - 1].time_ms - lines[0].time_ms > LOGS_DAY_MS)
		return api_fault(call, "InvalidParameterException",
				 "The batch of log events in a single PutLogEvents request cannot "
				 "span more than 24 hours.");
	*ret_lines = lines;
	*ret_count = count;
	return ERR_OK;
}

static uint64_t back(uint64_t now, uint64_t days)
{
	uint64_t ms = days * LOGS_DAY_MS;

	return ms < now ? now - ms : 0;
}

/* What is left of the batch between too old and too new; tells of the rest. */
static err_t trim(struct api_call *call, const struct log_group *group, struct logs_line **lines,
		  size_t *count)
{
	uint64_t now = now_ms_of(logs_of(call));
	size_t from = 0, to = *count, old = 0;
	json_t *info = json_object();

	while (old < to && (*lines)[old].time_ms < back(now, TOO_OLD_DAYS))
		old++;
	if (old)
		json_object_set_new(info, "tooOldLogEventEndIndex", json_integer((json_int_t)old));
	from = old;
	while (from < to && (*lines)[from].time_ms < group_horizon(logs_of(call), group))
		from++;
	if (from > old)
		json_object_set_new(info, "expiredLogEventEndIndex",
				    json_integer((json_int_t)from));
	while (to > from && (*lines)[to - 1].time_ms > now + TOO_NEW_MS)
		to--;
	if (to < *count)
		json_object_set_new(info, "tooNewLogEventStartIndex", json_integer((json_int_t)to));
	if (json_object_size(info))
		json_object_set(call->output, "rejectedLogEventsInfo", info);
	json_decref(info);
	*lines += from;
	*count = to - from;
	return ERR_OK;
}

err_t logs_put_log_events(struct api_call *call)
{
	struct logs *logs = logs_of(call);
	struct log_stream *stream;
	struct log_group *group;
	struct logs_line *lines;
	const char *name;
	size_t count;
	err_t err;

	TRY(input_stream_name(call, "logStreamName", &name));
	TRY(read_batch(call, &lines, &count));
	TRY(input_group(call, &group));
	err = cache_stream(logs, txn_of(call), group, name, &stream);
	if (err == ERR_NOT_FOUND)
		return api_fault(call, "ResourceNotFoundException",
				 "The specified log stream does not exist.");
	TRY(err);
	TRY(trim(call, group, &lines, &count));
	TRY(logs_append(logs, txn_of(call), group, stream, lines, count));
	return json_object_set_new(call->output, "nextSequenceToken",
				   json_sprintf("%056llu", (unsigned long long)now_ms_of(logs)))
		       ? ERR_NOMEM
		       : ERR_OK;
}
