#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/when.h"
#include "cli/client.h"
#include "cli/commands.h"

enum {
	BACK_MS = 10 * 60 * 1000, /* shown at the start */
	LATE_MS = 10 * 1000,	  /* events may come so much later than others of their time */
	POLL_NS = 500 * 1000 * 1000,
};

static const char usage[] = "usage: weir logs [-f] [GROUP] [--filter PATTERN] [-o table|json]";

static json_int_t number_of(const json_t *row, const char *name)
{
	return json_integer_value(json_object_get(row, name));
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void print_event(const struct command_line *line, const json_t *event)
{
	char when[WHEN_ISO_BYTES + 1];

	if (line->json) {
		json_dumpf(event, stdout, JSON_COMPACT);
		putchar('\n');
		return;
	}
	when_iso_ms((uint64_t)number_of(event, "timestamp"), when);
	printf("%s %s\n", when, json_string_value(json_object_get(event, "message")));
}

/* Prints what was not seen yet, and remembers it. */
static void print_new(const struct command_line *line, const json_t *events, json_t *seen)
{
	json_t *event;
	size_t i;

	json_array_foreach ((json_t *)events, i, event) {
		const char *id = json_string_value(json_object_get(event, "eventId"));

		if (!id || json_object_get(seen, id))
			continue;
		json_object_set(seen, id, json_object_get(event, "timestamp"));
		print_event(line, event);
	}
}

/* What lies before the window cannot come again. */
static void forget_old(json_t *seen, int64_t from_ms)
{
	const char *id;
	json_t *time;
	void *next;

	json_object_foreach_safe(seen, next, id, time)
	{
		if (json_integer_value(time) < from_ms)
			json_object_del(seen, id);
	}
}

/* Every page from `from_ms` on. */
static err_t once(const struct command_line *line, const struct client *client, int64_t from_ms,
		  json_t *seen, struct text *why)
{
	json_t *input = json_pack("{s:s, s:I, s:s}", "logGroupName", line->words[0], "startTime",
				  (json_int_t)from_ms, "filterPattern",
				  line->filter ? line->filter : "");
	json_t *output = NULL, *token;
	err_t err;

	do {
		err = client_call(client, "logs", "FilterLogEvents", input, &output, why);
		token = err ? NULL : json_object_get(output, "nextToken");
		if (!err)
			print_new(line, json_object_get(output, "events"), seen);
		if (token)
			json_object_set(input, "nextToken", token);
		json_decref(output);
		output = NULL;
	} while (token);
	fflush(stdout);
	json_decref(input);
	return err;
}

static err_t follow(const struct command_line *line, const struct client *client, struct text *why)
{
	int64_t from_ms = now_ms() - BACK_MS;
	json_t *seen = json_object();
	err_t err = once(line, client, from_ms, seen, why);

	while (!err && line->follow) {
		int64_t late_ms = now_ms() - LATE_MS;

		nanosleep(&(struct timespec){ .tv_nsec = POLL_NS }, NULL);
		from_ms = late_ms > from_ms ? late_ms : from_ms;
		forget_old(seen, from_ms);
		err = once(line, client, from_ms, seen, why);
	}
	json_decref(seen);
	return err;
}

static err_t list_groups(const struct client *client, struct text *why)
{
	json_t *input = json_object(), *output = NULL, *token, *group;
	size_t i;
	err_t err;

	do {
		err = client_call(client, "logs", "DescribeLogGroups", input, &output, why);
		token = err ? NULL : json_object_get(output, "nextToken");
		json_array_foreach (json_object_get(err ? NULL : output, "logGroups"), i, group)
			printf("%s\n", json_string_value(json_object_get(group, "logGroupName")));
		if (token)
			json_object_set(input, "nextToken", token);
		json_decref(output);
		output = NULL;
	} while (token);
	json_decref(input);
	return err;
}

int command_logs(const struct command_line *line)
{
	struct text why = TEXT_INIT(4096);
	struct client client;
	err_t err;

	if (line->word_count > 1 || (!line->word_count && (line->follow || line->filter)))
		return command_fail(EXIT_USAGE, "%s", usage);
	err = client_open(&client, line->settings, &why);
	if (!err)
		err = line->word_count ? follow(line, &client, &why) : list_groups(&client, &why);
	client_close(&client);
	if (err)
		command_fail(EXIT_FAILED, "%s", text_str(&why));
	text_fini(&why);
	return err ? EXIT_FAILED : EXIT_DONE;
}
