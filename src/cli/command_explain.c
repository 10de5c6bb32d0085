/*
 * explain: the story of one request from the JSON twin of the access log, with what to do about
 * it; and for a client that gets no answer, or a target that is not reached, whose security groups
 * are in the way.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/client.h"
#include "cli/commands.h"
#include "net/address.h"
#include "telemetry/end_reason.h"

enum { LOG_FILES = 6, STORIES_MAX = 20 }; /* access.jsonl and what it was rotated to */

/* What a person can do about it; NULL where the reason says all. */
static const char *const advice[END_REASON_COUNT] = {
	[END_DESYNC_BLOCKED] =
		"The load balancer's attribute routing.http.desync_mitigation_mode decides what is blocked.",
	[END_NO_TARGETS] = "Register targets: aws elbv2 register-targets.",
	[END_ZERO_WEIGHTS] = "Give one of the rule's target groups a weight above 0.",
	[END_CONNECT_REFUSED] =
		"Nothing listens there: is the program up, and is the registered port its own?",
	[END_CONNECT_TIMEOUT] =
		"The target's machine does not answer, or its backlog is full; weir.timeout.connect_ms is how "
		"long it waits.",
	[END_TARGET_BLOCKED] =
		"weir explain TARGET-ADDRESS says whose security groups lack a rule.",
	[END_TLS_FAILED] =
		"The target group is HTTPS: does the target speak TLS 1.2 or later there?",
	[END_TARGET_CLOSED] =
		"It closed before it answered: did it crash? A keep-alive shorter than the load balancer's "
		"idle timeout does this too.",
	[END_TARGET_RESET] = "It reset the connection: did it crash, or run out of memory?",
	[END_TARGET_TRUNCATED] = "Its answer ended before its own framing said so: read its log.",
	[END_FIRST_BYTE_TIMEOUT] =
		"Raise idle_timeout or weir.timeout.first_byte_seconds, or let streams wait with "
		"weir.stream.early_response.enabled and heartbeats.",
	[END_FIRST_EVENT_TIMEOUT] =
		"weir.timeout.first_event_seconds of the target group is this clock.",
	[END_IDLE_TIMEOUT] =
		"Raise idle_timeout of the load balancer (or weir.timeout.between_bytes_seconds), or turn on "
		"weir.stream.heartbeat.interval_seconds.",
	[END_CLIENT_IDLE_TIMEOUT] = "The client read nothing for as long as the idle timeout.",
	[END_TOTAL_TIMEOUT] = "weir.timeout.total_seconds of the target group is this clock.",
	[END_DRAIN_DEADLINE] =
		"Raise deregistration_delay.timeout_seconds of the target group: this answer needed longer.",
	[END_CLIENT_ABORT] = "The target was told at once, so that it can stop working.",
};

static const char *text_in(const json_t *record, const char *name)
{
	const char *text = json_string_value(json_object_get(record, name));

	return text ? text : "";
}

static double number_in(const json_t *record, const char *name)
{
	return json_number_value(json_object_get(record, name));
}

static bool is_end(const json_t *record)
{
	return strcmp(text_in(record, "event"), "end") == 0;
}

/* ---- The story ---- */

static const char *last_part(const char *arn) /* "…:targetgroup/rag-tg/73e2" → "rag-tg/73e2" */
{
	const char *slash = strchr(arn, '/');

	return slash ? slash + 1 : arn;
}

static void step(double at_ms, const char *format, ...) PRINTF_LIKE(2, 3);

static void step(double at_ms, const char *format, ...)
{
	va_list list;

	printf("%12.1f ms  ", at_ms);
	va_start(list, format);
	vprintf(format, list);
	va_end(list);
	putchar('\n');
}

static void print_choice(const json_t *record)
{
	double priority = number_in(record, "rule_priority");

	if (json_object_get(record, "rule_priority") && priority == 0)
		step(0, "no rule's conditions held: the default actions: %s",
		     text_in(record, "actions"));
	else if (json_object_get(record, "rule_priority"))
		step(0, "rule of priority %.0f: %s", priority, text_in(record, "actions"));
	if (text_in(record, "redirect_url")[0])
		step(0, "redirected to %s", text_in(record, "redirect_url"));
	if (text_in(record, "transformed_uri")[0])
		step(0, "rewritten to %s", text_in(record, "transformed_uri"));
}

static void print_times(const json_t *record)
{
	double sent_ms = number_in(record, "request_ms");

	if (json_object_get(record, "request_ms"))
		step(sent_ms, "sent to %s of %s%s", text_in(record, "target"),
		     last_part(text_in(record, "target_group")),
		     number_in(record, "attempt") > 1 ? ", after a first attempt failed" : "");
	else if (text_in(record, "target_group")[0])
		step(sent_ms, "never sent to a target of %s",
		     last_part(text_in(record, "target_group")));
	if (number_in(record, "target_status") > 0)
		step(number_in(record, "first_byte_ms"), "the target answered %.0f",
		     number_in(record, "target_status"));
	if (json_object_get(record, "first_event_ms"))
		step(number_in(record, "first_event_ms"), "the first byte of its body went out");
}

static enum end_reason reason_of(const json_t *record)
{
	for (int i = 0; i < END_REASON_COUNT; i++)
		if (strcmp(end_reason_row((enum end_reason)i)->name,
			   text_in(record, "end_reason")) == 0)
			return (enum end_reason)i;
	return END_REASON_COUNT;
}

static void print_end(const json_t *record)
{
	enum end_reason reason = reason_of(record);

	if (!is_end(record)) {
		step(number_in(record, "duration_ms"),
		     "was the last seen of it: it runs still, or Weir was killed");
		return;
	}
	step(number_in(record, "duration_ms"), "over: %s (%s)",
	     reason < END_REASON_COUNT ? end_reason_row(reason)->words : "",
	     text_in(record, "end_reason"));
	if (text_in(record, "error_reason")[0])
		step(number_in(record, "duration_ms"), "error reason: %s",
		     text_in(record, "error_reason"));
	printf("status %.0f, %.0f bytes in, %.0f bytes out", number_in(record, "elb_status"),
	       number_in(record, "received_bytes"), number_in(record, "sent_bytes"));
	if (number_in(record, "events") > 0 || number_in(record, "heartbeats") > 0)
		printf(", %.0f events, %.0f heartbeats, longest silence %.0f ms",
		       number_in(record, "events"), number_in(record, "heartbeats"),
		       number_in(record, "longest_gap_ms"));
	putchar('\n');
	if (reason < END_REASON_COUNT && advice[reason])
		printf("%s\n", advice[reason]);
}

static void print_story(const json_t *record)
{
	printf("%s  %s %s%s  %s\n", text_in(record, "created"), text_in(record, "method"),
	       text_in(record, "host"), text_in(record, "uri"), text_in(record, "trace_id"));
	step(0, "came from %s to port %.0f of %s", text_in(record, "client"),
	     number_in(record, "listener_port"), text_in(record, "load_balancer"));
	print_choice(record);
	print_times(record);
	print_end(record);
}

/* ---- Finding it ---- */

/* The newest record of each request with the id: a trace id may come back with every retry. */
struct found {
	const char *wanted;
	json_t *records; /* array */
};

static bool same_request(const json_t *a, const json_t *b)
{
	return strcmp(text_in(a, "created"), text_in(b, "created")) == 0 &&
	       strcmp(text_in(a, "client"), text_in(b, "client")) == 0;
}

static void take_record(struct found *found, json_t *record)
{
	size_t count = json_array_size(found->records);

	if (!strstr(text_in(record, "trace_id"), found->wanted) &&
	    strcmp(text_in(record, "conn_trace_id"), found->wanted) != 0)
		return;
	for (size_t i = 0; i < count; i++)
		if (same_request(json_array_get(found->records, i), record)) {
			json_array_set(found->records, i, record);
			return;
		}
	if (count < STORIES_MAX)
		json_array_append(found->records, record);
}

static void read_file(struct found *found, FILE *file)
{
	size_t wanted_len = strlen(found->wanted), cap = 0;
	char *line = NULL;
	ssize_t len;

	while ((len = getline(&line, &cap, file)) > 0) {
		json_t *record;

		if (!memmem(line, (size_t)len, found->wanted, wanted_len))
			continue;
		record = json_loadb(line, (size_t)len, 0, NULL);
		if (record)
			take_record(found, record);
		json_decref(record);
	}
	free(line);
}

/* Oldest first; false when there is no log at all. */
static bool read_logs(struct found *found, const char *data)
{
	bool any = false;

	for (int age = LOG_FILES - 1; age >= 0; age--) {
		char path[4096];
		FILE *file;

		snprintf(path, sizeof path,
			 age ? "%s/logs/access.jsonl.%d" : "%s/logs/access.jsonl", data, age);
		file = fopen(path, "re");
		if (!file)
			continue;
		any = true;
		read_file(found, file);
		fclose(file);
	}
	return any;
}

static int explain_trace(const struct command_line *line, const char *wanted)
{
	const char *data = setting_text(line->settings, SETTING_DATA);
	struct found found = { wanted, json_array() };
	bool any = read_logs(&found, data);
	size_t count = json_array_size(found.records);

	if (line->json && count) {
		print_json(found.records);
	} else {
		for (size_t i = 0; i < count; i++) {
			if (i)
				putchar('\n');
			print_story(json_array_get(found.records, i));
		}
	}
	json_decref(found.records);
	if (!any)
		return command_fail(EXIT_FAILED,
				    "there is no access log in %s/logs (--data DIR names another)",
				    data);
	if (!count)
		return command_fail(
			EXIT_FAILED,
			"no request with '%s' in %s/logs: it is not over yet, too long ago, "
			"or never came; for a client without any answer: weir explain ADDRESS",
			wanted, data);
	return EXIT_DONE;
}

/* ---- A client that gets no answer, a target that is not reached ---- */

static void print_admissions(const json_t *rows, const char *client)
{
	json_t *row;
	size_t i;

	if (!json_array_size(rows))
		printf("There is no listener.\n");
	json_array_foreach ((json_t *)rows, i, row) {
		bool admits = json_is_true(json_object_get(row, "admits"));

		printf("%s port %.0f: %s %s", text_in(row, "load_balancer"),
		       number_in(row, "listener_port"),
		       admits ? "admits" : "drops new connections of", client);
		if (!admits)
			printf(": no inbound rule of its security groups has it; %.0f clients were "
			       "dropped so far. A rule lets it in: aws ec2 authorize-security-group-ingress",
			       number_in(row, "dropped"));
		putchar('\n');
	}
}

/* Of those that are targets at the address. */
static void print_reach(const json_t *rows, const char *address)
{
	json_t *row;
	size_t i;

	json_array_foreach ((json_t *)rows, i, row) {
		bool out = json_is_true(json_object_get(row, "egress"));
		bool in = json_is_true(json_object_get(row, "ingress"));

		printf("%s %s %s port %.0f of %s", text_in(row, "load_balancer"),
		       json_is_true(json_object_get(row, "reaches")) ? "reaches" : "does not reach",
		       address, number_in(row, "port"), last_part(text_in(row, "target_group")));
		if (!out)
			printf(": no outbound rule of the load balancer's security groups has it "
			       "(aws ec2 authorize-security-group-egress)");
		if (!in)
			printf(": no inbound rule of the target's security groups has the load "
			       "balancer (aws ec2 authorize-security-group-ingress --source-group)");
		if (!json_is_true(json_object_get(row, "checked")))
			printf("; health checks time out");
		putchar('\n');
	}
}

static int explain_client(const struct command_line *line, const char *address)
{
	struct text path = TEXT_INIT(256), why = TEXT_INIT(1024);
	json_t *answer = NULL;
	struct client client;
	err_t err = client_open(&client, line->settings, &why);

	text_printf(&path, "/_weir/admission/%s", address);
	if (!err) {
		err = client_ask(&client, "GET", text_str(&path), &answer, &why);
		client_close(&client);
	}
	if (err)
		command_fail(EXIT_FAILED, "%s", text_str(&why));
	else if (line->json)
		print_json(answer);
	else {
		print_admissions(json_object_get(answer, "listeners"), address);
		print_reach(json_object_get(answer, "targets"), address);
	}
	json_decref(answer);
	text_fini(&path);
	text_fini(&why);
	return err ? EXIT_FAILED : EXIT_DONE;
}

int command_explain(const struct command_line *line)
{
	struct address address;

	if (line->word_count != 1 || strlen(line->words[0]) < 4)
		return command_fail(EXIT_USAGE,
				    "usage: weir explain TRACE-ID|ADDRESS [-o table|json]");
	if (!address_parse_ip(bytes_of(line->words[0]), 0, &address))
		return explain_client(line, line->words[0]);
	return explain_trace(line, line->words[0]);
}
