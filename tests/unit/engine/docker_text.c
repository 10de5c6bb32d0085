#include "engine/docker_text.h"

#include <jansson.h>
#include <stdio.h>
#include <sys/resource.h>

#include "engine/docker_json.h"
#include "tests/check.h"

TEST(an_image_reference_is_split_as_docker_pull_does)
{
	static const struct {
		const char *reference, *image, *tag;
	} cases[] = {
		{ "nginx", "nginx", "latest" },
		{ "nginx:1.25", "nginx", "1.25" },
		{ "a/b/c:v1", "a/b/c", "v1" },
		{ "host:5000/a/b", "host:5000/a/b", "latest" },
		{ "host:5000/a/b:2", "host:5000/a/b", "2" },
		{ "nginx@sha256:abcd", "nginx@sha256:abcd", "" },
		{ "host:5000/a:1@sha256:abcd", "host:5000/a:1@sha256:abcd", "" },
		{ "", "", "latest" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct bytes image, tag;

		docker_image_split(bytes_of(cases[i].reference), &image, &tag);
		CHECK_BYTES(image, cases[i].image);
		CHECK_BYTES(tag, cases[i].tag);
	}
}

TEST(a_pull_that_fails_half_way_says_so_however_its_words_arrive)
{
	static const char said[] =
		"{\"status\":\"Pulling\"}\r\n{\"errorDetail\":{\"message\":\"x\"},"
		"\"error\":\"no space\"}\r\n{\"status\":\"end\"}";

	for (size_t cut = 0; cut < sizeof said; cut++) {
		struct docker_pull pull;

		docker_pull_init(&pull);
		docker_pull_feed(&pull, bytes_make(said, cut));
		docker_pull_feed(&pull, bytes_make(said + cut, sizeof said - 1 - cut));
		docker_pull_fini(&pull);
		CHECK_STR(pull.error, "no space", "cut at %zu", cut);
	}
}

/* ---- Logs ---- */

static void add_entry(struct text *out, const char *stamp, const char *line)
{
	char head[8] = { 1 };
	size_t len = strlen(stamp) + 1 + strlen(line);

	head[6] = (char)(len >> 8);
	head[7] = (char)len;
	text_add(out, bytes_make(head, sizeof head));
	text_printf(out, "%s %s", stamp, line);
}

#define T1 "2026-01-02T03:04:05.000000001Z"
#define T2 "2026-01-02T03:04:05.000000002Z"
#define T3 "2026-01-02T03:04:06.000000000Z"

TEST(log_frames_give_their_lines_however_they_are_cut)
{
	struct text wire = TEXT_INIT(4096), out = TEXT_INIT(4096);

	add_entry(&wire, T1, "one\n");
	add_entry(&wire, T2, "\n");
	add_entry(&wire, T2, "two words, no end");
	for (size_t cut = 0; cut <= wire.len; cut++) {
		struct docker_mark none = { .entries = 0 };
		struct docker_logs logs;

		docker_logs_begin(&logs, &none);
		text_clear(&out);
		docker_logs_feed(&logs, bytes_make(wire.at, cut), &out);
		docker_logs_feed(&logs, bytes_make(wire.at + cut, wire.len - cut), &out);
		CHECK_STR(text_str(&out), "one\n\ntwo words, no end", "cut at %zu", cut);
		CHECK_STR(logs.seen.stamp, T2);
		CHECK_EQ(logs.seen.entries, 2);
	}
	text_fini(&wire);
	text_fini(&out);
}

TEST(what_was_read_before_is_left_out_of_what_is_repeated)
{
	struct text wire = TEXT_INIT(4096), out = TEXT_INIT(4096);
	struct docker_mark mark = { T2, 1 };
	struct docker_logs logs;

	add_entry(&wire, T1, "old\n");
	add_entry(&wire, T2, "read\n");
	add_entry(&wire, T2, "not read\n");
	add_entry(&wire, T3, "new\n");
	docker_logs_begin(&logs, &mark);
	docker_logs_feed(&logs, text_bytes(&wire), &out);
	CHECK_STR(text_str(&out), "not read\nnew\n");
	CHECK_STR(logs.seen.stamp, T3);
	/* The same bytes after another break: nothing is new. */
	mark = logs.seen;
	text_clear(&out);
	docker_logs_begin(&logs, &mark);
	docker_logs_feed(&logs, text_bytes(&wire), &out);
	CHECK_EQ(out.len, 0);
	CHECK_EQ(logs.seen.entries, 1);
	text_fini(&wire);
	text_fini(&out);
}

TEST(a_time_is_asked_for_in_seconds_and_nanoseconds)
{
	char since[DOCKER_STAMP_BYTES];

	docker_since(&(struct docker_mark){ T2, 1 }, since);
	CHECK_STR(since, "1767323045.000000002");
	docker_since(&(struct docker_mark){ "2026-01-02T03:04:05Z", 1 }, since);
	CHECK_STR(since, "1767323045.0");
	docker_since(&(struct docker_mark){ "", 0 }, since);
	CHECK_STR(since, "");
	docker_since(&(struct docker_mark){ "rubbish", 1 }, since);
	CHECK_STR(since, "");
}

/* ---- What the engine says ---- */

TEST(a_containers_state_is_read)
{
	static const struct {
		const char *json;
		enum docker_status status;
		bool started, memory, checked, healthy, unhealthy;
		int code;
	} cases[] = {
		{ "{\"State\":{\"Status\":\"created\",\"StartedAt\":\"0001-01-01T00:00:00Z\"}}",
		  DOCKER_MADE, false, false, false, false, false, 0 },
		{ "{\"State\":{\"Status\":\"configured\"}}", DOCKER_MADE, false, false, false,
		  false, false, 0 },
		{ "{\"State\":{\"Status\":\"running\",\"Running\":true,\"StartedAt\":\"2026\","
		  "\"Health\":{\"Status\":\"starting\"}}}",
		  DOCKER_RUNNING, true, false, true, false, false, 0 },
		{ "{\"State\":{\"Status\":\"running\",\"Running\":true,\"StartedAt\":\"2026\","
		  "\"Health\":{\"Status\":\"unhealthy\"}}}",
		  DOCKER_RUNNING, true, false, true, false, true, 0 },
		{ "{\"State\":{\"Status\":\"paused\",\"Running\":true,\"StartedAt\":\"2026\","
		  "\"Healthcheck\":{\"Status\":\"healthy\"}}}",
		  DOCKER_RUNNING, true, false, true, true, false, 0 },
		{ "{\"State\":{\"Status\":\"exited\",\"StartedAt\":\"2026\",\"ExitCode\":137,"
		  "\"OOMKilled\":true}}",
		  DOCKER_ENDED, true, true, false, false, false, 137 },
		{ "{\"State\":{\"Status\":\"dead\",\"ExitCode\":-1}}", DOCKER_ENDED, false, false,
		  false, false, false, -1 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct docker_state seen;

		CHECK_OK(docker_state_read(bytes_of(cases[i].json), &seen));
		CHECK_EQ(seen.status, cases[i].status, "%s", cases[i].json);
		CHECK_EQ(seen.started_once, cases[i].started);
		CHECK_EQ(seen.out_of_memory, cases[i].memory);
		CHECK_EQ(seen.checked, cases[i].checked);
		CHECK_EQ(seen.healthy, cases[i].healthy);
		CHECK_EQ(seen.unhealthy, cases[i].unhealthy);
		CHECK_EQ(seen.code, cases[i].code);
	}
}

TEST(rubbish_from_the_engine_is_rubbish)
{
	static const char *const cases[] = {
		"", "[]", "{", "null", "{\"State\":7}", "{\"State\":{\"Status\":3}}"
	};
	struct docker_state seen;
	struct workload_usage usage;
	char words[384];

	for (size_t i = 0; i < COUNT(cases); i++) {
		CHECK_ERR(docker_state_read(bytes_of(cases[i]), &seen), ERR_SYNTAX);
		CHECK(!docker_usage_read(bytes_of(cases[i]), &usage));
		docker_message(500, bytes_of(cases[i]), words);
		CHECK_STR(words, "status 500, without a word");
	}
	CHECK_ERR(docker_state_read(BYTES_NONE, &seen), ERR_SYNTAX);
}

TEST(memory_that_is_only_a_cache_of_files_is_not_counted)
{
	static const char said[] = "{\"cpu_stats\":{\"cpu_usage\":{\"total_usage\":7000}},"
				   "\"memory_stats\":{\"usage\":100,\"stats\":{%s}}}";
	static const char *const parts[] = { "\"inactive_file\":40",
					     "\"inactive_file\":1,\"total_inactive_file\":40" };

	for (size_t i = 0; i < COUNT(parts); i++) {
		struct text json = TEXT_INIT(1024);
		struct workload_usage usage;

		text_printf(&json, "%.*s%s}}}", (int)(strstr(said, "%s") - said), said, parts[i]);
		CHECK(docker_usage_read(text_bytes(&json), &usage));
		CHECK_EQ(usage.cpu_us, 7);
		CHECK_EQ(usage.memory_bytes, 60);
		text_fini(&json);
	}
}

TEST(what_is_not_given_is_left_to_the_image)
{
	const struct container_options options = {
		.name = "n", .image = "i", .network = "none", .stop_ms = 1500
	};
	static const char *const absent[] = { "Entrypoint", "Cmd",	   "User", "WorkingDir",
					      "Hostname",   "Healthcheck", "Tty" };
	struct text out = TEXT_INIT(4096);
	json_t *body, *host;

	CHECK_OK(docker_create_body(&options, "here", &out));
	body = json_loads(text_str(&out), 0, NULL);
	host = json_object_get(body, "HostConfig");
	for (size_t i = 0; i < COUNT(absent); i++)
		CHECK(!json_object_get(body, absent[i]), "%s", absent[i]);
	CHECK_STR(json_string_value(json_object_get(host, "NetworkMode")), "none");
	CHECK(!json_object_get(host, "Memory") && !json_object_get(host, "NanoCpus"));
	CHECK_EQ(json_integer_value(json_object_get(body, "StopTimeout")), 1);
	CHECK_STR(json_string_value(json_object_get(json_object_get(body, "Labels"), DOCKER_LABEL)),
		  "here");
	json_decref(body);
	text_fini(&out);
}
