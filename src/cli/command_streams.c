#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/commands.h"

static const char *string_of(const json_t *row, const char *name)
{
	const char *text = json_string_value(json_object_get(row, name));

	return text && text[0] ? text : "-";
}

static long long number_of(const json_t *row, const char *name)
{
	return (long long)json_integer_value(json_object_get(row, name));
}

static void seconds(char out[32], long long ms)
{
	if (ms >= 3600000)
		snprintf(out, 32, "%lldh%02lldm", ms / 3600000, ms / 60000 % 60);
	else if (ms >= 60000)
		snprintf(out, 32, "%lldm%02llds", ms / 60000, ms / 1000 % 60);
	else
		snprintf(out, 32, "%lld.%01llds", ms / 1000, ms / 100 % 10);
}

static void print_rows(const json_t *rows)
{
	static const char *const header[] = { "REQUEST", "STAGE",  "STATUS", "AGE",
					      "IDLE",	 "EVENTS", "BEATS",  "SENT",
					      "TARGET",	 "CLIENT", "TRACE",  NULL };
	struct table table;
	const json_t *row;
	size_t i;

	table_init(&table, header);
	json_array_foreach ((json_t *)rows, i, row) {
		char age[32], idle[32], status[32], events[32], beats[32], sent[32];

		seconds(age, number_of(row, "age_ms"));
		seconds(idle, number_of(row, "idle_ms"));
		snprintf(status, sizeof status, "%lld", number_of(row, "status"));
		snprintf(events, sizeof events, "%lld", number_of(row, "events"));
		snprintf(beats, sizeof beats, "%lld", number_of(row, "heartbeats"));
		snprintf(sent, sizeof sent, "%lld", number_of(row, "sent_bytes"));
		table_row(&table,
			  (const char *const[]){ string_of(row, "request"), string_of(row, "stage"),
						 status, age, idle, events, beats, sent,
						 string_of(row, "target"), string_of(row, "client"),
						 string_of(row, "trace_id"), NULL });
	}
	table_print(&table);
	table_fini(&table);
}

static err_t once(const struct command_line *line, const struct client *client, struct text *why)
{
	json_t *answer = NULL;
	err_t err = client_ask(client, "GET", "/_weir/streams", &answer, why);

	if (!err && line->json)
		print_json(answer);
	else if (!err)
		print_rows(json_object_get(answer, "streams"));
	json_decref(answer);
	return err;
}

int command_streams(const struct command_line *line)
{
	struct text why = TEXT_INIT(1024);
	struct client client;
	err_t err;

	if (line->word_count)
		return command_fail(EXIT_USAGE, "usage: weir streams [--watch] [-o table|json]");
	err = client_open(&client, line->settings, &why);
	while (!err) {
		if (line->watch && !line->json && isatty(1))
			printf("\033[H\033[2J");
		err = once(line, &client, &why);
		fflush(stdout);
		if (!line->watch)
			break;
		nanosleep(&(struct timespec){ .tv_sec = 1 }, NULL);
	}
	client_close(&client);
	if (err)
		command_fail(EXIT_FAILED, "%s", text_str(&why));
	text_fini(&why);
	return err ? EXIT_FAILED : EXIT_DONE;
}
