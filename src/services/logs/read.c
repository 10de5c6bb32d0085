/*
 * read: GetLogEvents and FilterLogEvents: pages of events by time. A page ends at its limit, at 1
 * MiB of messages, or when enough was looked at; then its token goes on. An empty page with a
 * token is no end, as AWS says too.
 */
#include <stdio.h>
#include <stdlib.h>

#include "services/logs/logs_internal.h"

struct reading {
	struct api_call *call;
	struct logs *logs;
	struct log_group *group;
	json_t *events;
	size_t limit, bytes;
	err_t err;
	/* FilterLogEvents */
	const struct pattern *pattern;
	const json_t *streams; /* names, or NULL */
	const char *prefix;
	/* GetLogEvents */
	uint32_t stream;
	struct event_key first, last; /* of what is on the page */
};

static bool page_is_full(const struct reading *reading, const struct event *event)
{
	size_t count = json_array_size(reading->events);

	return count == reading->limit ||
	       (count && reading->bytes + event->message.len > LOGS_PAGE_BYTES);
}

/* What was written by the house need not be UTF-8; JSON has to be. */
json_t *message_json(struct bytes text)
{
	json_t *string = json_stringn(text.at, text.len);
	char *copy;

	if (string)
		return string;
	copy = malloc(text.len + 1);
	for (size_t i = 0; copy && i < text.len; i++)
		copy[i] = (unsigned char)text.at[i] < 0x80 ? text.at[i] : '?';
	string = copy ? json_stringn(copy, text.len) : NULL;
	free(copy);
	return string;
}

static bool add_event(struct reading *reading, const struct event *event, json_t *row)
{
	if (!row || json_object_set_new(row, "message", message_json(event->message)) ||
	    json_object_set_new(row, "timestamp", json_integer((json_int_t)event->time_ms)) ||
	    json_object_set_new(row, "ingestionTime",
				json_integer((json_int_t)event->ingested_ms)) ||
	    json_array_append_new(reading->events, row)) {
		reading->err = ERR_NOMEM;
		return false;
	}
	reading->bytes += event->message.len;
	return true;
}

/* startTime and endTime, and what retention still shows. The end of a filter is inclusive. */
static err_t read_times(struct api_call *call, const struct log_group *group, bool inclusive,
			struct events_range *range)
{
	int64_t from, to;
	uint64_t horizon = group_horizon(logs_of(call), group);

	TRY(input_number(call, "startTime", 0, INT64_MAX, 0, &from));
	TRY(input_number(call, "endTime", 0, INT64_MAX, INT64_MAX, &to));
	if (to < from)
		return api_fault(call, "InvalidParameterException",
				 "endTime must not be before startTime.");
	range->from_ms = (uint64_t)from > horizon ? (uint64_t)from : horizon;
	range->to_ms = (uint64_t)to + inclusive;
	return ERR_OK;
}

static err_t read_key(struct api_call *call, const char *words, struct event_key *ret_key)
{
	struct bytes rest = bytes_of(words), part;

	if (!bytes_cut(&rest, '/', &part) || !rest.at ||
	    bytes_to_u64(part, UINT64_MAX, &ret_key->time_ms) ||
	    bytes_to_u64(rest, UINT64_MAX - 1, &ret_key->sequence))
		return api_fault(call, "InvalidParameterException",
				 "The specified nextToken is invalid.");
	return ERR_OK;
}

static err_t key_token(struct api_call *call, const char *kind, struct event_key key,
		       const char **ret_token)
{
	char words[64];

	snprintf(words, sizeof words, "%llu/%llu", (unsigned long long)key.time_ms,
		 (unsigned long long)key.sequence);
	return token_write(call, kind, words, ret_token);
}

static err_t set_token(struct api_call *call, const char *member, const char *kind,
		       struct event_key key)
{
	const char *token;

	TRY(key_token(call, kind, key, &token));
	return json_object_set_new(call->output, member, json_string(token)) ? ERR_NOMEM : ERR_OK;
}

/* ---- FilterLogEvents ---- */

static bool names_stream(const struct reading *reading, const struct log_stream *stream)
{
	const json_t *name;
	size_t i;

	if (!stream->name)
		return false;
	if (reading->prefix)
		return bytes_starts(bytes_of(stream->name), bytes_of(reading->prefix));
	if (!reading->streams)
		return true;
	json_array_foreach ((json_t *)reading->streams, i, name) {
		if (strcmp(json_string_value(name), stream->name) == 0)
			return true;
	}
	return false;
}

/* Asked once for each stream of a read. */
static bool wants_stream(struct reading *reading, struct log_stream *stream)
{
	if (stream->asked != reading->logs->reads) {
		stream->asked = reading->logs->reads;
		stream->wanted = names_stream(reading, stream);
	}
	return stream->wanted;
}

void event_id(const struct event *event, char out[EVENT_ID_BYTES + 1])
{
	snprintf(out, EVENT_ID_BYTES + 1, "%020llu%016u%020llu", (unsigned long long)event->time_ms,
		 event->stream, (unsigned long long)event->sequence);
}

static bool on_filtered(void *owner, const struct event *event, size_t *cost)
{
	struct reading *reading = owner;
	struct log_stream *stream;
	char id[EVENT_ID_BYTES + 1];

	reading->err = cache_number(reading->logs, txn_of(reading->call), reading->group,
				    event->stream, &stream);
	if (reading->err)
		return false;
	if (!wants_stream(reading, stream))
		return true;
	*cost = event->message.len;
	if (!pattern_matches(reading->pattern, event->message))
		return true;
	if (page_is_full(reading, event))
		return false;
	event_id(event, id);
	return add_event(reading, event,
			 json_pack("{s:s, s:s}", "logStreamName", stream->name, "eventId", id));
}

static err_t filter(struct reading *reading, struct events_range *range)
{
	struct api_call *call = reading->call;
	const char *token = input_string(call, "nextToken"), *words;
	bool ended;
	err_t err;

	if (token) {
		TRY(token_read(call, "filter", token, &words));
		TRY(read_key(call, words, &range->start));
		range->has_start = true;
	}
	err = events_read(reading->logs->events, reading->group->id, range, on_filtered, reading,
			  &range->start, &ended);
	if (!err)
		err = reading->err;
	if (err || ended)
		return err;
	return set_token(call, "nextToken", "filter", range->start);
}

err_t logs_filter_log_events(struct api_call *call)
{
	struct reading reading = {
		.call = call,
		.logs = logs_of(call),
		.streams = json_object_get(call->input, "logStreamNames"),
		.prefix = input_string(call, "logStreamNamePrefix"),
	};
	struct events_range range = { .back = false };
	struct pattern *pattern;
	int64_t limit;
	err_t err;

	TRY(input_number(call, "limit", 1, LOGS_EVENTS_LIMIT, LOGS_EVENTS_LIMIT, &limit));
	if (reading.streams && reading.prefix)
		return api_fault(call, "InvalidParameterException",
				 "logStreamNames and logStreamNamePrefix are mutually exclusive.");
	if (json_array_size(reading.streams) > 100)
		return input_wrong(call, "logStreamNames", "",
				   "have length less than or equal to 100");
	TRY(input_group(call, &reading.group));
	TRY(read_times(call, reading.group, true, &range));
	TRY(input_pattern(call, "filterPattern", &pattern));
	reading.pattern = pattern;
	reading.limit = (size_t)limit;
	reading.logs->reads++;
	reading.events = json_array();
	err = !reading.events || json_object_set_new(call->output, "events", reading.events) ||
			      json_object_set_new(call->output, "searchedLogStreams", json_array())
		      ? ERR_NOMEM
		      : filter(&reading, &range);
	pattern_free(pattern);
	return err;
}

/* ---- GetLogEvents ---- */

static bool on_event(void *owner, const struct event *event, size_t *cost)
{
	struct reading *reading = owner;

	(void)cost;
	if (event->stream != reading->stream)
		return true;
	if (page_is_full(reading, event))
		return false;
	if (!json_array_size(reading->events))
		reading->first = (struct event_key){ event->time_ms, event->sequence };
	reading->last = (struct event_key){ event->time_ms, event->sequence };
	return add_event(reading, event, json_object());
}

static void reverse(json_t *list)
{
	size_t count = json_array_size(list);

	for (size_t i = 0; i < count / 2; i++) {
		json_t *low = json_incref(json_array_get(list, i));
		json_t *high = json_incref(json_array_get(list, count - 1 - i));

		json_array_set_new(list, i, high);
		json_array_set_new(list, count - 1 - i, low);
	}
}

/*
 * "f/" tokens go on after an event, "b/" tokens before one. A page that found nothing gives back
 * the token it came with, which is how callers know the end.
 */
static err_t read_get_token(struct api_call *call, struct events_range *range)
{
	const char *token = input_string(call, "nextToken"), *words;
	bool head = json_is_true(json_object_get(call->input, "startFromHead"));

	range->back = !head;
	if (!token)
		return ERR_OK;
	if (strncmp(token, "f/", 2) != 0 && strncmp(token, "b/", 2) != 0)
		return api_fault(call, "InvalidParameterException",
				 "The specified nextToken is invalid.");
	range->back = token[0] == 'b';
	TRY(token_read(call, "get", token + 2, &words));
	range->has_start = true;
	return read_key(call, words, &range->start);
}

static err_t set_get_token(struct api_call *call, const char *member, char way,
			   struct event_key key)
{
	const char *token;

	TRY(key_token(call, "get", key, &token));
	return json_object_set_new(call->output, member, json_sprintf("%c/%s", way, token))
		       ? ERR_NOMEM
		       : ERR_OK;
}

/* Where the page stands: around its events, or where the walk came to. */
static err_t set_tokens(struct reading *reading, const struct events_range *range,
			struct event_key seen)
{
	struct event_key low = seen, high = seen;
	bool any = json_array_size(reading->events) > 0;

	if (any) {
		low = range->back ? reading->last : reading->first;
		high = range->back ? reading->first : reading->last;
	}
	if (any && range->back)
		low = event_key_cmp(seen, low) < 0 ? seen : low;
	else if (any)
		high = event_key_cmp(seen, high) > 0 ? seen : high;
	TRY(set_get_token(reading->call, "nextForwardToken", 'f', high));
	return set_get_token(reading->call, "nextBackwardToken", 'b', low);
}

static err_t get(struct reading *reading, struct events_range *range)
{
	const struct stream_times *times = events_stream_times(reading->logs->events,
							       reading->group->id, reading->stream);
	struct event_key seen = { 0, 0 };
	bool ended;
	err_t err;

	if (times && times->first_ms > range->from_ms)
		range->from_ms = times->first_ms;
	if (times && times->last_ms < range->to_ms)
		range->to_ms = times->last_ms + 1;
	seen = range->has_start
		       ? range->start
		       : (struct event_key){ range->back ? range->to_ms : range->from_ms, 0 };
	err = times ? events_read(reading->logs->events, reading->group->id, range, on_event,
				  reading, &seen, &ended)
		    : ERR_OK;
	if (!err)
		err = reading->err;
	if (err)
		return err;
	if (range->back)
		reverse(reading->events);
	return set_tokens(reading, range, seen);
}

err_t logs_get_log_events(struct api_call *call)
{
	struct reading reading = { .call = call, .logs = logs_of(call) };
	struct events_range range = { .back = false };
	struct log_stream *stream;
	const char *name;
	int64_t limit;
	err_t err;

	TRY(input_number(call, "limit", 1, LOGS_EVENTS_LIMIT, LOGS_EVENTS_LIMIT, &limit));
	TRY(input_stream_name(call, "logStreamName", &name));
	TRY(input_group(call, &reading.group));
	err = cache_stream(reading.logs, txn_of(call), reading.group, name, &stream);
	if (err == ERR_NOT_FOUND)
		return api_fault(call, "ResourceNotFoundException",
				 "The specified log stream does not exist.");
	TRY(err);
	TRY(read_times(call, reading.group, false, &range));
	TRY(read_get_token(call, &range));
	reading.stream = stream->number;
	reading.limit = (size_t)limit;
	reading.events = json_array();
	if (!reading.events || json_object_set_new(call->output, "events", reading.events))
		return ERR_NOMEM;
	return get(&reading, &range);
}
