/* The service over its store: metric filters report, groups come back new, a large group filters.
 */
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "net/clock.h"
#include "services/logs/logs.h"
#include "tests/check.h"

static struct {
	char directory[64], folder[96];
	struct loop *loop;
	struct store *store;
	struct api *api;
	struct logs *logs;
	struct text metrics;
	char fault[64];
} house;

static void on_metric(void *owner, const struct logs_metric *metric)
{
	(void)owner;
	text_printf(&house.metrics, "%s/%s=%g %s", metric->name_space, metric->name, metric->value,
		    metric->unit);
	for (size_t i = 0; i < metric->dimension_count; i++)
		text_printf(&house.metrics, " %s:%s", metric->dimensions[i].name,
			    metric->dimensions[i].value);
	text_add_char(&house.metrics, ';');
}

static void move_in(void)
{
	struct logs_options options = { .bytes_max = UINT64_MAX,
					.account = "000000000000",
					.region = "us-east-1",
					.on_metric = on_metric };
	struct text why = TEXT_INIT(1024);

	CHECK_OK(loop_create(&house.loop));
	CHECK_OK(store_open(house.directory, &house.store, NULL));
	CHECK_OK(api_create(&house.api));
	options.api = house.api;
	options.store = house.store;
	options.loop = house.loop;
	options.folder = house.folder;
	CHECK_OK(logs_create(&options, &house.logs, &why), "%s", text_str(&why));
	text_fini(&why);
}

static void move_out(void)
{
	api_destroy(house.api);
	store_close(house.store);
	logs_destroy(house.logs);
	loop_destroy(house.loop);
}

static void house_open(void)
{
	log_to(-1);
	snprintf(house.directory, sizeof house.directory, "/tmp/weir-logs-XXXXXX");
	CHECK(mkdtemp(house.directory) != NULL);
	snprintf(house.folder, sizeof house.folder, "%s/events", house.directory);
	text_init(&house.metrics, 100000);
	move_in();
}

static void house_close(void)
{
	char command[128];

	move_out();
	text_fini(&house.metrics);
	snprintf(command, sizeof command, "rm -rf %s", house.directory);
	CHECK_EQ(system(command), 0);
}

/* The output, for the caller to decref, or NULL and house.fault. Takes `input`. */
static json_t *call(const char *operation, json_t *input)
{
	static const struct api_caller caller = { .account = "000000000000",
						  .region = "us-east-1",
						  .is_root = true };
	struct api_fault fault = { .code = "" };
	json_t *output = NULL;

	CHECK(input != NULL);
	api_call(house.api, &caller, "logs", operation, input, &output, &fault);
	snprintf(house.fault, sizeof house.fault, "%s", fault.code);
	json_decref(input);
	return output;
}

static void call_ok(const char *operation, json_t *input)
{
	json_t *output = call(operation, input);

	CHECK(output != NULL, "%s: %s", operation, house.fault);
	json_decref(output);
}

static void call_fault(const char *operation, const char *code, json_t *input)
{
	CHECK(call(operation, input) == NULL, "%s", operation);
	CHECK_STR(house.fault, code, "%s", operation);
}

static json_t *filter_input(const char *pattern, json_t *transformation)
{
	return json_pack("{s:s, s:s, s:s, s:[o]}", "logGroupName", "g", "filterName", "f",
			 "filterPattern", pattern, "metricTransformations", transformation);
}

static void put_filter(const char *pattern, json_t *transformation)
{
	call_ok("PutMetricFilter", filter_input(pattern, transformation));
}

static void write_lines(const char *first, const char *second)
{
	struct logs_line lines[] = { { 1000, bytes_of(first) }, { 2000, bytes_of(second) } };

	text_clear(&house.metrics);
	CHECK_OK(logs_write(house.logs, "g", "s", lines, 2));
}

TEST(metric_filters_report_values_defaults_and_dimensions)
{
	house_open();
	call_ok("CreateLogGroup", json_pack("{s:s}", "logGroupName", "g"));
	put_filter("{ $.ms > 5 }", json_pack("{s:s, s:s, s:s, s:s, s:{s:s}}", "metricName", "m",
					     "metricNamespace", "n", "metricValue", "$.ms", "unit",
					     "Milliseconds", "dimensions", "who", "$.who"));
	write_lines("{\"ms\": 7.5, \"who\": \"a\"}", "{\"ms\": 3, \"who\": \"b\"}");
	CHECK_STR(text_str(&house.metrics), "n/m=7.5 Milliseconds who:a;");
	write_lines("{\"ms\": 8}", "text");
	CHECK_STR(text_str(&house.metrics), "", "not without its dimension");

	put_filter("[a, size > 1]",
		   json_pack("{s:s, s:s, s:s, s:f}", "metricName", "m", "metricNamespace", "n",
			     "metricValue", "$size", "defaultValue", 0.5));
	write_lines("x 10", "x 20");
	CHECK_STR(text_str(&house.metrics), "n/m=10 None;n/m=20 None;", "the filter was replaced");
	write_lines("x 1", "x");
	CHECK_STR(text_str(&house.metrics), "n/m=0.5 None;");
	move_out();
	move_in();
	write_lines("x 3", "x");
	CHECK_STR(text_str(&house.metrics), "n/m=3 None;", "also after a restart");
	call_ok("DeleteMetricFilter",
		json_pack("{s:s, s:s}", "logGroupName", "g", "filterName", "f"));
	write_lines("x 10", "x 20");
	CHECK_STR(text_str(&house.metrics), "");
	call_fault("DeleteMetricFilter", "ResourceNotFoundException",
		   json_pack("{s:s, s:s}", "logGroupName", "g", "filterName", "f"));
	house_close();
}

TEST(metric_filters_that_cannot_report_are_refused)
{
	static const char *const values[] = { "many", "$b", "", "$.a" };

	house_open();
	call_ok("CreateLogGroup", json_pack("{s:s}", "logGroupName", "g"));
	for (size_t i = 0; i < COUNT(values); i++)
		call_fault("PutMetricFilter", "InvalidParameterException",
			   filter_input("[a]", json_pack("{s:s, s:s, s:s}", "metricName", "m",
							 "metricNamespace", "n", "metricValue",
							 values[i])));
	call_fault("PutMetricFilter", "InvalidParameterException",
		   filter_input("[a", json_pack("{s:s, s:s, s:s}", "metricName", "m",
						"metricNamespace", "n", "metricValue", "1")));
	house_close();
}

static size_t filtered(const char *group, const char *pattern, unsigned *ret_calls)
{
	json_t *input = json_pack("{s:s, s:s}", "logGroupName", group, "filterPattern", pattern);
	json_t *output, *token = NULL;
	size_t found = 0;

	do {
		output = call("FilterLogEvents", json_incref(input));
		CHECK(output != NULL, "%s", house.fault);
		found += json_array_size(json_object_get(output, "events"));
		token = json_object_get(output, "nextToken");
		if (token)
			json_object_set(input, "nextToken", token);
		json_decref(output);
		(*ret_calls)++;
	} while (token);
	json_decref(input);
	return found;
}

TEST(a_group_that_is_made_again_is_empty)
{
	unsigned calls = 0;

	house_open();
	write_lines("a", "b");
	CHECK_EQ(filtered("g", "", &calls), 2);
	call_ok("DeleteLogGroup", json_pack("{s:s}", "logGroupName", "g"));
	call_fault("FilterLogEvents", "ResourceNotFoundException",
		   json_pack("{s:s}", "logGroupName", "g"));
	CHECK_OK(logs_make_group(house.logs, "g"));
	CHECK_OK(logs_make_group(house.logs, "g"), "twice is once");
	CHECK_EQ(filtered("g", "", &calls), 0);
	write_lines("c", "d");
	move_out();
	move_in();
	CHECK_EQ(filtered("g", "c", &calls), 1);
	house_close();
}

TEST(retention_hides_what_is_older)
{
	uint64_t now_ms = clock_unix_ms();
	struct logs_line lines[] = { { now_ms - 5ull * 86400000, BYTES("old") },
				     { now_ms, BYTES("new") } };
	unsigned calls = 0;

	house_open();
	CHECK_OK(logs_write(house.logs, "g", "s", lines, 2));
	CHECK_EQ(filtered("g", "", &calls), 2);
	call_ok("PutRetentionPolicy",
		json_pack("{s:s, s:i}", "logGroupName", "g", "retentionInDays", 3));
	CHECK_EQ(filtered("g", "", &calls), 1);
	call_ok("DeleteRetentionPolicy", json_pack("{s:s}", "logGroupName", "g"));
	CHECK_EQ(filtered("g", "", &calls), 2);
	house_close();
}

enum { MANY_LINES = 1000 };

/* WEIR_LOGS_THOUSANDS=1000: a million, with the time it takes on standard output. */
TEST(a_large_group_is_filtered_in_bounded_pages)
{
	const char *wanted = getenv("WEIR_LOGS_THOUSANDS");
	unsigned thousands = wanted ? (unsigned)atoi(wanted) : 100, calls = 0;
	struct logs_line *lines = calloc(MANY_LINES, sizeof *lines);
	char(*room)[160] = calloc(MANY_LINES, sizeof *room);
	uint64_t started_us;

	house_open();
	for (unsigned k = 0; k < thousands; k++) {
		for (unsigned i = 0; i < MANY_LINES; i++) {
			int len = snprintf(room[i], sizeof room[i],
					   "2026-11-21T10:00:00.000000Z Root=1-a-b 10.0.0.1 40000 "
					   "10.0.0.2 8000 0.001 %u.500 0.000 200 200 120 4000 "
					   "\"POST /chat HTTP/1.1\"",
					   i == 7 ? 31 : i % 30);

			lines[i].time_ms = 1000ull * k + i;
			lines[i].text = bytes_make(room[i], (size_t)len);
		}
		CHECK_OK(logs_write(house.logs, "g", "s", lines, MANY_LINES));
	}
	started_us = clock_mono_us();
	CHECK_EQ(filtered("g",
			  "[timestamp, request_id, client_ip, client_port, target_ip, "
			  "target_port, request_processing_time, target_processing_time >= 30, "
			  "response_processing_time, elb_status_code, target_status_code, "
			  "received_bytes, sent_bytes, \"\\\"POST /chat HTTP/1.1\\\"\"]",
			  &calls),
		 thousands);
	print_message("%u thousand events: %llu ms in %u calls\n", thousands,
		      (unsigned long long)(clock_mono_us() - started_us) / 1000, calls);
	CHECK(calls > 1 || thousands < 100, "a call looks at a bounded part");
	free(lines);
	free(room);
	house_close();
}
