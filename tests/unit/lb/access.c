#include "lb/access.h"

#include <jansson.h>

#include "tests/check.h"

#define GROUP_ARN                                                                     \
	"arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/my-targets/" \
	"73e2d6bc24d8a067"

/* The record behind the first example of reference/alb.md §7.1. */
static struct access_record example(void)
{
	struct access_record record = {
		.phase = ACCESS_END,
		.type = ACCESS_HTTP,
		.time_unix_us = 1530570180186641,
		.created_unix_us = 1530570168364000,
		.load_balancer_id = BYTES("app/my-loadbalancer/50dc6c495c0c9188"),
		.dns_name = BYTES("my-loadbalancer-1.us-east-2.elb.localhost"),
		.client = { .family = 4, .ip = { 192, 168, 131, 39 }, .port = 2817 },
		.target = { .family = 4, .ip = { 10, 0, 0, 1 }, .port = 80 },
		.listener_port = 80,
		.request_us = 0,
		.target_us = 1000,
		.response_us = 0,
		.elb_status = 200,
		.target_status = 200,
		.received_bytes = 34,
		.sent_bytes = 366,
		.method = BYTES("GET"),
		.host = BYTES("www.example.com"),
		.uri = BYTES("/"),
		.version = HTTP_1_1,
		.user_agent = BYTES("curl/7.46.0"),
		.target_group_arn = BYTES(GROUP_ARN),
		.trace_id = BYTES("Root=1-58337262-36d228ad5d99923122bbe354"),
		.rule_priority = 0,
		.actions = BYTES("forward"),
		.conn_trace_id = "TID_1234abcd5678ef90aabbccddeeff0011",
		.attempt = 1,
		.first_byte_us = 1000,
		.first_event_us = ACCESS_NO_TIME,
	};

	return record;
}

static void check_line(const struct access_record *record, const char *want)
{
	struct text out = TEXT_INIT(65536);

	access_line(&out, record);
	CHECK_OK(text_err(&out));
	CHECK_STR(text_str(&out), want);
	text_fini(&out);
}

#define LATER " \"-\" \"-\" \"-\"\n" /* fields 31 to 33, newer than the guide's examples */

TEST(a_line_is_the_guides_example)
{
	struct access_record record = example();

	check_line(&record,
		   "http 2018-07-02T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 "
		   "192.168.131.39:2817 10.0.0.1:80 0.000 0.001 0.000 200 200 34 366 "
		   "\"GET http://www.example.com:80/ HTTP/1.1\" \"curl/7.46.0\" - - " GROUP_ARN
		   " \"Root=1-58337262-36d228ad5d99923122bbe354\" \"-\" \"-\" 0 "
		   "2018-07-02T22:22:48.364000Z \"forward\" \"-\" \"-\" \"10.0.0.1:80\" \"200\" "
		   "\"-\" \"-\" TID_1234abcd5678ef90aabbccddeeff0011" LATER);
}

TEST(an_https_line_shows_cipher_name_and_certificate)
{
	struct access_record record = example();

	record.type = ACCESS_H2;
	record.version = HTTP_2;
	record.client = (struct address){ .family = 4, .ip = { 10, 0, 1, 252 }, .port = 48160 };
	record.target = (struct address){ .family = 4, .ip = { 10, 0, 0, 66 }, .port = 9000 };
	record.target_us = 2000;
	record.received_bytes = 5;
	record.sent_bytes = 257;
	record.host = BYTES("10.0.2.105:773");
	record.listener_port = 773;
	record.ssl_cipher = BYTES("ECDHE-RSA-AES128-GCM-SHA256");
	record.ssl_protocol = BYTES("TLSv1.2");
	record.trace_id = BYTES("Root=1-58337327-72bd00b0343d75b906739c42");
	record.rule_priority = 1;
	record.actions = BYTES("redirect");
	record.redirect_url = BYTES("https://example.com:80/");
	record.sni = BYTES("example.com");
	record.certificate_arn = BYTES("arn:aws:acm:x");
	check_line(&record,
		   "h2 2018-07-02T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 "
		   "10.0.1.252:48160 10.0.0.66:9000 0.000 0.002 0.000 200 200 5 257 "
		   "\"GET https://10.0.2.105:773/ HTTP/2.0\" \"curl/7.46.0\" "
		   "ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 " GROUP_ARN
		   " \"Root=1-58337327-72bd00b0343d75b906739c42\" \"example.com\" "
		   "\"arn:aws:acm:x\" 1 2018-07-02T22:22:48.364000Z \"redirect\" "
		   "\"https://example.com:80/\" \"-\" \"10.0.0.66:9000\" \"200\" \"-\" \"-\" "
		   "TID_1234abcd5678ef90aabbccddeeff0011" LATER);
}

TEST(what_did_not_happen_is_a_dash)
{
	struct access_record record = {
		.phase = ACCESS_END,
		.type = ACCESS_HTTP,
		.time_unix_us = 1530570180186641,
		.created_unix_us = 1530570180186000,
		.load_balancer_id = BYTES("app/a/1"),
		.dns_name = BYTES("a-1.us-east-1.elb.localhost"),
		.client = { .family = 6, .ip = { 0x20, 1, 0xd, 0xb8, [15] = 1 }, .port = 9 },
		.listener_port = 8080,
		.request_us = ACCESS_NO_TIME,
		.target_us = ACCESS_NO_TIME,
		.response_us = ACCESS_NO_TIME,
		.elb_status = 400,
		.rule_priority = ACCESS_NO_PRIORITY,
		.finding = { DESYNC_SEVERE, DESYNC_BadHeader },
	};

	check_line(&record, "http 2018-07-02T22:23:00.186641Z app/a/1 [2001:db8::1]:9 - -1 -1 -1 "
			    "400 - 0 0 \"- http://a-1.us-east-1.elb.localhost:8080- -\" \"-\" - - "
			    "- \"-\" \"-\" \"-\" - 2018-07-02T22:23:00.186000Z \"-\" \"-\" \"-\" "
			    "\"-\" \"-\" \"Severe\" \"BadHeader\" -" LATER);
	record.rule_priority = ACCESS_FAILED_PRIORITY;
	record.elb_status = 0;
	record.finding = (struct desync_finding){ DESYNC_COMPLIANT, DESYNC_NONE };
	record.error_reason = BYTES("AWSALBTGCookieInvalid");
	record.transformed_host = BYTES("h");
	record.transformed_uri = BYTES("/x?y");
	record.transform = TRANSFORM_SUCCESS;
	check_line(&record, "http 2018-07-02T22:23:00.186641Z app/a/1 [2001:db8::1]:9 - -1 -1 -1 "
			    "- - 0 0 \"- http://a-1.us-east-1.elb.localhost:8080- -\" \"-\" - - "
			    "- \"-\" \"-\" \"-\" -1 2018-07-02T22:23:00.186000Z \"-\" \"-\" "
			    "\"AWSALBTGCookieInvalid\" \"-\" \"-\" \"-\" \"-\" - \"h\" \"/x?y\" "
			    "\"TransformSuccess\"\n");
}

/* The n-th field of a line, quotes respected; 1 is the first. */
static struct bytes field_of(struct bytes line, unsigned n)
{
	size_t at = 0;

	for (;;) {
		size_t start = at;
		bool quoted = line.at[at] == '"';

		at += quoted;
		while (at < line.len && line.at[at] != (quoted ? '"' : ' ') && line.at[at] != '\n')
			at += line.at[at] == '\\' && quoted ? 2 : 1;
		at += quoted;
		if (--n == 0)
			return bytes_make(line.at + start, at - start);
		CHECK(at < line.len && line.at[at] == ' ', "the line ends early");
		at++;
	}
}

static void check_field(const struct access_record *record, unsigned n, const char *want)
{
	struct text out = TEXT_INIT(65536);

	access_line(&out, record);
	CHECK_BYTES(field_of(text_bytes(&out), n), want, "field %u", n);
	text_fini(&out);
}

static const struct {
	int64_t us;
	const char *text;
} times[] = {
	{ ACCESS_NO_TIME, "-1" }, { 0, "0.000" },	{ 499, "0.000" },
	{ 500, "0.001" },	  { 1234567, "1.235" }, { 7200000000, "7200.000" },
};

TEST(times_are_seconds_with_three_decimals)
{
	for (size_t i = 0; i < COUNT(times); i++) {
		struct access_record record = example();

		record.request_us = record.target_us = record.response_us = times[i].us;
		for (unsigned field = 6; field <= 8; field++)
			check_field(&record, field, times[i].text);
	}
}

static const struct {
	enum access_type type;
	enum http_version version;
	const char *host, *uri, *request;
} requests[] = {
	{ ACCESS_HTTP, HTTP_1_0, "h:9", "/a?b", "\"GET http://h:80/a?b HTTP/1.0\"" },
	{ ACCESS_HTTP, HTTP_0_9, "h", "/", "\"GET http://h:80/ HTTP/0.9\"" },
	{ ACCESS_HTTPS, HTTP_1_1, "h", "/", "\"GET https://h:80/ HTTP/1.1\"" },
	{ ACCESS_WS, HTTP_1_1, "h", "/", "\"GET http://h:80/ HTTP/1.1\"" },
	{ ACCESS_WSS, HTTP_1_1, "h", "/", "\"GET https://h:80/ HTTP/1.1\"" },
	{ ACCESS_GRPCS, HTTP_2, "h", "/p.S/M", "\"GET https://h:80/p.S/M HTTP/2.0\"" },
	{ ACCESS_HTTP, HTTP_1_1, "x", "http://x:1/p?q", "\"GET http://x:80/p?q HTTP/1.1\"" },
	{ ACCESS_HTTP, HTTP_1_1, "x", "http://x", "\"GET http://x:80/ HTTP/1.1\"" },
	{ ACCESS_HTTP, HTTP_1_1, "x", "/p?u=http://y/z",
	  "\"GET http://x:80/p?u=http://y/z HTTP/1.1\"" },
	{ ACCESS_HTTP, HTTP_1_1, "x", "*", "\"GET http://x:80* HTTP/1.1\"" },
	{ ACCESS_HTTP, HTTP_1_1, "", "/",
	  "\"GET http://my-loadbalancer-1.us-east-2.elb.localhost:80/ "
	  "HTTP/1.1\"" },
	{ ACCESS_HTTP, HTTP_1_1, "[::1]:9", "/", "\"GET http://[::1]:80/ HTTP/1.1\"" },
};

TEST(the_request_names_scheme_host_and_listener_port)
{
	for (size_t i = 0; i < COUNT(requests); i++) {
		struct access_record record = example();

		record.type = requests[i].type;
		record.version = requests[i].version;
		record.host = bytes_of(requests[i].host);
		record.uri = bytes_of(requests[i].uri);
		check_field(&record, 13, requests[i].request);
	}
}

TEST(no_byte_of_a_client_ends_a_field_or_the_line)
{
	struct access_record record = example();
	struct text out = TEXT_INIT(65536);
	char all[256];

	record.user_agent = BYTES("a\"b\\c\nd\te\x7f\xc3\xa9");
	check_field(&record, 14, "\"a\\\"b\\x5Cc\\x0Ad\\x09e\\x7F\\xC3\\xA9\"");
	for (unsigned i = 0; i < 256; i++)
		all[i] = (char)i;
	record.user_agent = record.uri = record.method = record.trace_id = record.redirect_url =
		bytes_make(all, sizeof all);
	access_line(&out, &record);
	CHECK_OK(text_err(&out));
	for (size_t i = 0; i + 1 < out.len; i++)
		CHECK(out.at[i] >= ' ' && out.at[i] < 0x7f, "byte %d at %zu", out.at[i], i);
	CHECK_EQ(out.at[out.len - 1], '\n');
	CHECK_BYTES(field_of(text_bytes(&out), 17), GROUP_ARN, "the fields are still in place");
	CHECK_BYTES(field_of(text_bytes(&out), 33), "\"-\"");
	text_fini(&out);
}

TEST(a_user_agent_is_cut_at_8_kib)
{
	struct access_record record = example();
	struct text out = TEXT_INIT(65536);
	static char agent[10000];

	memset(agent, 'a', sizeof agent);
	record.user_agent = bytes_make(agent, sizeof agent);
	access_line(&out, &record);
	CHECK_EQ(field_of(text_bytes(&out), 14).len, 8192 + 2);
	text_fini(&out);
}

/* ---- JSON ---- */

static json_t *json_of(const struct access_record *record)
{
	struct text out = TEXT_INIT(65536);
	json_error_t error;
	json_t *json;

	access_json(&out, record);
	CHECK_OK(text_err(&out));
	CHECK(out.len > 0 && out.at[out.len - 1] == '\n');
	CHECK_EQ(bytes_index(text_bytes(&out), '\n'), out.len - 1, "one line");
	json = json_loadb(out.at, out.len, JSON_REJECT_DUPLICATES, &error);
	CHECK(json != NULL, "%s in %s", error.text, out.at);
	text_fini(&out);
	return json;
}

static const char *word(const json_t *json, const char *key)
{
	const char *value = json_string_value(json_object_get(json, key));

	return value ? value : "(absent)";
}

TEST(the_end_of_a_stream_says_how_it_went)
{
	struct access_record record = example();
	json_t *json;

	record.streaming = true;
	record.events = 42;
	record.heartbeats = 3;
	record.first_byte_us = 1500;
	record.first_event_us = 2500;
	record.longest_gap_us = 15000123;
	record.end_reason = END_CLIENT_ABORT;
	json = json_of(&record);
	CHECK_STR(word(json, "event"), "end");
	CHECK_STR(word(json, "time"), "2018-07-02T22:23:00.186641Z");
	CHECK_STR(word(json, "created"), "2018-07-02T22:22:48.364000Z");
	CHECK_STR(word(json, "trace_id"), "Root=1-58337262-36d228ad5d99923122bbe354");
	CHECK_STR(word(json, "load_balancer"), "app/my-loadbalancer/50dc6c495c0c9188");
	CHECK_STR(word(json, "target_group"), GROUP_ARN);
	CHECK_STR(word(json, "target"), "10.0.0.1:80");
	CHECK_STR(word(json, "client"), "192.168.131.39:2817");
	CHECK_STR(word(json, "end_reason"), "client_abort");
	CHECK_STR(word(json, "method"), "GET");
	CHECK_STR(word(json, "protocol"), "HTTP/1.1");
	CHECK_EQ(json_integer_value(json_object_get(json, "events")), 42);
	CHECK_EQ(json_integer_value(json_object_get(json, "heartbeats")), 3);
	CHECK_EQ(json_integer_value(json_object_get(json, "attempt")), 1);
	CHECK_EQ(json_integer_value(json_object_get(json, "elb_status")), 200);
	CHECK_EQ(json_integer_value(json_object_get(json, "sent_bytes")), 366);
	CHECK(json_is_true(json_object_get(json, "streaming")));
	CHECK_EQ(1000 * json_real_value(json_object_get(json, "first_byte_ms")), 1500);
	CHECK_EQ(1000 * json_real_value(json_object_get(json, "first_event_ms")), 2500);
	CHECK_EQ(1000 * json_real_value(json_object_get(json, "longest_gap_ms")), 15000123);
	CHECK_EQ(1000 * json_real_value(json_object_get(json, "duration_ms")), 11822641);
	json_decref(json);
}

TEST(a_start_tells_of_no_end_and_progress_of_no_reason)
{
	struct access_record record = example();
	json_t *json;

	record.phase = ACCESS_START;
	json = json_of(&record);
	CHECK_STR(word(json, "event"), "start");
	CHECK(!json_object_get(json, "end_reason"));
	CHECK(!json_object_get(json, "events"));
	json_decref(json);
	record.phase = ACCESS_PROGRESS;
	json = json_of(&record);
	CHECK_STR(word(json, "event"), "progress");
	CHECK(!json_object_get(json, "end_reason"));
	CHECK(json_object_get(json, "events") != NULL);
	CHECK(!json_object_get(json, "first_event_ms"), "it did not come yet");
	json_decref(json);
}

TEST(any_bytes_make_valid_json)
{
	struct access_record record = example();
	char all[256];

	for (unsigned i = 0; i < 256; i++)
		all[i] = (char)i;
	record.user_agent = record.uri = record.host = record.method = bytes_make(all + 1, 255);
	json_decref(json_of(&record));
	record = (struct access_record){
		.phase = ACCESS_END,
		.rule_priority = ACCESS_NO_PRIORITY,
		.request_us = ACCESS_NO_TIME,
		.time_unix_us = 1,
		.created_unix_us = 2, /* a clock that was set back */
	};
	json_decref(json_of(&record));
}
