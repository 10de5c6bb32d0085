/*
 * notifications: what a bucket tells functions: which events, of which keys; and the events.
 *
 * A change and what is to be told of it are one transaction (outbox.h takes them from there), so
 * that nothing is told that did not happen, and nothing forgotten that did.
 */
#include <stdio.h>
#include <strings.h>

#include "base/encode.h"
#include "base/when.h"
#include "crypto/random.h"
#include "services/s3/s3_internal.h"

static const char *const events[] = {
	"s3:ObjectCreated:*",
	"s3:ObjectCreated:Put",
	"s3:ObjectCreated:Post",
	"s3:ObjectCreated:Copy",
	"s3:ObjectCreated:CompleteMultipartUpload",
	"s3:ObjectRemoved:*",
	"s3:ObjectRemoved:Delete",
	"s3:ObjectRemoved:DeleteMarkerCreated",
};

/* ---- What is configured ---- */

/* What stands before a "*" at the end; all of it where there is none. */
static struct bytes stem_of(const char *event, bool *ret_open)
{
	struct bytes text = bytes_of(event);

	*ret_open = bytes_ends(text, BYTES("*"));
	return *ret_open ? bytes_upto(text, text.len - 1) : text;
}

/* "s3:ObjectCreated:*" is about "s3:ObjectCreated:Put", and the other way round. */
static bool events_meet(const char *one, const char *other)
{
	bool open, other_open;
	struct bytes stem = stem_of(one, &open), other_stem = stem_of(other, &other_open);

	return (open && bytes_starts(other_stem, stem)) ||
	       (other_open && bytes_starts(stem, other_stem)) || bytes_eq(stem, other_stem);
}

/* "" where there is no such rule. */
static const char *filter_of(const json_t *configuration, const char *name)
{
	const json_t *rules = json_object_get(
		json_object_get(json_object_get(configuration, "Filter"), "Key"), "FilterRules");
	json_t *rule;
	size_t i;

	json_array_foreach (rules, i, rule)
		if (strcasecmp(s3_text(rule, "Name"), name) == 0)
			return s3_text(rule, "Value");
	return "";
}

static bool filter_takes(const json_t *configuration, const char *key)
{
	return bytes_starts(bytes_of(key), bytes_of(filter_of(configuration, "prefix"))) &&
	       bytes_ends(bytes_of(key), bytes_of(filter_of(configuration, "suffix")));
}

static bool filters_meet(const json_t *one, const json_t *other)
{
	struct bytes prefix = bytes_of(filter_of(one, "prefix"));
	struct bytes other_prefix = bytes_of(filter_of(other, "prefix"));
	struct bytes suffix = bytes_of(filter_of(one, "suffix"));
	struct bytes other_suffix = bytes_of(filter_of(other, "suffix"));

	return (bytes_starts(prefix, other_prefix) || bytes_starts(other_prefix, prefix)) &&
	       (bytes_ends(suffix, other_suffix) || bytes_ends(other_suffix, suffix));
}

static bool share_an_event(const json_t *one, const json_t *other)
{
	json_t *event, *second;
	size_t i, k;

	json_array_foreach (json_object_get(one, "Events"), i, event)
		json_array_foreach (json_object_get(other, "Events"), k, second)
			if (events_meet(json_string_value(event), json_string_value(second)))
				return true;
	return false;
}

static err_t check_events(struct api_call *call, const json_t *configuration)
{
	json_t *event;
	size_t i;

	json_array_foreach (json_object_get(configuration, "Events"), i, event) {
		bool known = false;

		for (size_t k = 0; k < COUNT(events); k++)
			known = known || strcmp(events[k], json_string_value(event)) == 0;
		if (!known)
			return api_fault(call, "InvalidArgument",
					 "The event '%s' is not supported for notifications",
					 json_string_value(event));
	}
	return ERR_OK;
}

static err_t check_filter(struct api_call *call, const json_t *configuration)
{
	const json_t *rules = json_object_get(
		json_object_get(json_object_get(configuration, "Filter"), "Key"), "FilterRules");
	unsigned prefixes = 0, suffixes = 0;
	json_t *rule;
	size_t i;

	json_array_foreach (rules, i, rule) {
		bool prefix = strcasecmp(s3_text(rule, "Name"), "prefix") == 0;

		if (!prefix && strcasecmp(s3_text(rule, "Name"), "suffix") != 0)
			return api_fault(call, "InvalidArgument",
					 "filter rule name must be either prefix or suffix");
		prefixes += prefix;
		suffixes += !prefix;
		if (strlen(s3_text(rule, "Value")) > S3_KEY_BYTES_MAX)
			return api_fault(call, "InvalidArgument",
					 "Size of filter rule value "
					 "cannot exceed 1024 bytes");
	}
	if (prefixes > 1 || suffixes > 1)
		return api_fault(call, "InvalidArgument",
				 "Cannot specify more than one %s rule in a filter.",
				 prefixes > 1 ? "prefix" : "suffix");
	return ERR_OK;
}

static err_t check_overlap(struct api_call *call, const json_t *all, size_t index)
{
	const json_t *one = json_array_get(all, index);

	for (size_t i = 0; i < index; i++) {
		const json_t *other = json_array_get(all, i);

		if (strcmp(s3_text(one, "Id"), s3_text(other, "Id")) == 0)
			return api_fault(call, "InvalidArgument",
					 "Configuration IDs must be unique: '%s'",
					 s3_text(one, "Id"));
		if (share_an_event(one, other) && filters_meet(one, other))
			return api_fault(call, "InvalidArgument",
					 "Configurations overlap. Configurations on the same "
					 "bucket cannot share a common event type.");
	}
	return ERR_OK;
}

static const char *bucket_arn(struct api_call *call, const char *bucket)
{
	return arena_printf(call->arena, "arn:aws:s3:::%s", bucket);
}

/* The function is there, and its policy lets S3 invoke it for this bucket. */
static err_t check_function(struct api_call *call, const char *function)
{
	const struct s3_options *options = &s3_of(call)->options;
	const char *arn = bucket_arn(call, s3_input(call, "Bucket"));
	err_t err = ERR_NOT_FOUND;

	if (!arn)
		return ERR_NOMEM;
	if (options->may_notify)
		err = options->may_notify(options->owner, arn, function);
	if (err == ERR_NOT_FOUND || err == ERR_DENIED)
		return api_fault(call, "InvalidArgument",
				 "Unable to validate the following destination configurations: "
				 "%s %s",
				 function,
				 err == ERR_DENIED ? "does not let s3.amazonaws.com invoke it for "
						     "this bucket (AddPermission)"
						   : "is no function of this account");
	return err;
}

static err_t check_one(struct api_call *call, json_t *all, size_t index)
{
	json_t *one = json_array_get(all, index);
	char id[37];

	random_uuid(id);
	if (!s3_text(one, "Id")[0])
		TRY(s3_set_text(one, "Id", id));
	TRY(check_events(call, one));
	TRY(check_filter(call, one));
	return check_overlap(call, all, index);
}

static err_t check_functions(struct api_call *call, const json_t *all)
{
	json_t *one;
	size_t i;
	err_t err = ERR_OK;

	if (s3_true(call->input, "SkipDestinationValidation"))
		return ERR_OK;
	/* Lambda has transactions of its own. Nothing was written in ours. */
	store_rollback(s3_call_of(call)->txn);
	json_array_foreach (all, i, one)
		err = err ? err : check_function(call, s3_text(one, "LambdaFunctionArn"));
	/* Even after a failure there must be one to be rolled back. */
	TRY(store_begin(s3_of(call)->options.store, &s3_call_of(call)->txn));
	return err;
}

err_t s3_put_bucket_notification(struct api_call *call)
{
	static const char *const others[] = { "TopicConfigurations", "QueueConfigurations",
					      "EventBridgeConfiguration" };
	const json_t *given = json_object_get(call->input, "NotificationConfiguration");
	json_t *all = json_object_get(given, "LambdaFunctionConfigurations"), *bucket;

	for (size_t i = 0; i < COUNT(others); i++)
		if (json_object_get(given, others[i]))
			return s3_not_implemented(call, others[i]);
	TRY(s3_bucket(call, &bucket));
	for (size_t i = 0; i < json_array_size(all); i++)
		TRY(check_one(call, all, i));
	TRY(check_functions(call, all));
	TRY(s3_bucket(call, &bucket));
	if (json_array_size(all))
		TRY(s3_set(bucket, "Notifications", json_incref(all)));
	else
		json_object_del(bucket, "Notifications");
	return s3_bucket_put(call, s3_input(call, "Bucket"), bucket);
}

err_t s3_get_bucket_notification(struct api_call *call)
{
	json_t *bucket, *all;

	TRY(s3_bucket(call, &bucket));
	all = json_object_get(bucket, "Notifications");
	return all ? s3_set(call->output, "LambdaFunctionConfigurations", json_incref(all))
		   : ERR_OK;
}

/* ---- What is told ---- */

/* As S3 writes keys in events: percent-encoded, but blanks become "+". */
static json_t *key_text(const char *key)
{
	struct text out = TEXT_INIT(4 * S3_KEY_BYTES_MAX);
	struct bytes rest = bytes_of(key), part;
	bool first = true;
	json_t *text;

	while (bytes_cut(&rest, ' ', &part)) {
		if (!first)
			text_add_char(&out, '+');
		first = false;
		encode_percent(&out, part, true);
	}
	if (bytes_ends(bytes_of(key), BYTES(" ")))
		text_add_char(&out, '+');
	text = json_string(text_str(&out));
	text_fini(&out);
	return text;
}

static json_t *object_part(const char *key, const json_t *object, bool created)
{
	const char *version = s3_text(object, "VersionId");
	char sequencer[24];
	json_t *part;

	snprintf(sequencer, sizeof sequencer, "%018llX",
		 (unsigned long long)s3_number(object, "Order"));
	part = json_pack("{s:o, s:s}", "key", key_text(key), "sequencer", sequencer);
	if (part && created) {
		json_object_set_new(part, "size", json_integer(s3_number(object, "Size")));
		json_object_set_new(part, "eTag", json_string(s3_text(object, "ETag")));
	}
	if (part && version[0] && strcmp(version, "null") != 0)
		json_object_set_new(part, "versionId", json_string(version));
	return part;
}

static json_t *record_of(struct api_call *call, const char *event, const char *bucket,
			 const json_t *configuration, json_t *object)
{
	const struct s3_options *options = &s3_of(call)->options;
	const char *who = call->caller && call->caller->arn ? call->caller->arn : "s3";
	const char *ip = call->caller && call->caller->source_ip ? call->caller->source_ip
								 : "127.0.0.1";
	char time[WHEN_ISO_BYTES + 1];

	when_iso_ms(s3_now_ms(s3_of(call)), time);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:{s:s}, s:{s:s}, s:{s:s, s:s}, "
			 "s:{s:s, s:s, s:{s:s, s:{s:s}, s:s}, s:o}}",
			 "eventVersion", "2.1", "eventSource", "aws:s3", "awsRegion",
			 options->region, "eventTime", time, "eventName", event, "userIdentity",
			 "principalId", who, "requestParameters", "sourceIPAddress", ip,
			 "responseElements", "x-amz-request-id", call->request_id, "x-amz-id-2",
			 call->request_id, "s3", "s3SchemaVersion", "1.0", "configurationId",
			 s3_text(configuration, "Id"), "bucket", "name", bucket, "ownerIdentity",
			 "principalId", options->account, "arn", bucket_arn(call, bucket), "object",
			 object);
}

err_t s3_tell(struct api_call *call, const json_t *bucket, const char *bucket_name, const char *key,
	      const json_t *object, const char *event)
{
	bool created = strncmp(event, "ObjectCreated:", 14) == 0;
	char name[64];
	json_t *one, *told;
	size_t i, k;

	snprintf(name, sizeof name, "s3:%s", event);
	json_array_foreach (json_object_get(bucket, "Notifications"), i, one) {
		bool wanted = false;

		json_array_foreach (json_object_get(one, "Events"), k, told)
			wanted = wanted || events_meet(json_string_value(told), name);
		if (!wanted || !filter_takes(one, key))
			continue;
		told = json_pack("{s:[o]}", "Records",
				 record_of(call, event, bucket_name, one,
					   object_part(key, object, created)));
		TRY(outbox_put(&s3_of(call)->notices, s3_call_of(call)->txn,
			       bucket_arn(call, bucket_name), s3_text(one, "LambdaFunctionArn"),
			       s3_hold(call, told)));
	}
	return ERR_OK;
}
