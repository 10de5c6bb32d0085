#include <stdio.h>
#include <stdlib.h>

#include "cli/client.h"
#include "cli/commands.h"

static json_t *read_input(const char *word, json_error_t *error)
{
	if (!word)
		return json_object();
	if (strcmp(word, "-") == 0)
		return json_loadf(stdin, 0, error);
	return json_loads(word, 0, error);
}

/* ---- What there is to call ---- */

static const char *string_of(const json_t *row, const char *name)
{
	const char *text = json_string_value(json_object_get(row, name));

	return text ? text : "";
}

static void print_operations(const json_t *rows, const char *service)
{
	static const char *const header[] = { "SERVICE", "OPERATION", "EFFECT", "REFUSED", NULL };
	struct table table;
	json_t *row;
	size_t i;

	table_init(&table, header);
	json_array_foreach ((json_t *)rows, i, row)
		if (!service || strcmp(service, string_of(row, "service")) == 0)
			table_row(&table, (const char *const[]){ string_of(row, "service"),
								 string_of(row, "operation"),
								 string_of(row, "effect"),
								 string_of(row, "refusal"), NULL });
	table_print(&table);
	table_fini(&table);
}

static int list_operations(const struct command_line *line)
{
	struct text body = TEXT_INIT(4 << 20), why = TEXT_INIT(1024);
	const json_t *rows = NULL;
	json_t *answer = NULL;
	struct client client;
	long status = 0;
	err_t err = client_open(&client, line->settings, &why);

	if (!err) {
		err = client_request(&client, "GET", "/_weir/operations", &body, &status, &why);
		client_close(&client);
	}
	if (!err && status == 200) {
		answer = json_loadb(text_str(&body), body.len, 0, NULL);
		rows = json_object_get(answer, "operations");
	}
	if (err)
		command_fail(EXIT_FAILED, "%s", text_str(&why));
	else if (!rows)
		command_fail(EXIT_FAILED, "the API answered with status %ld", status);
	else if (line->json)
		print_json(rows);
	else
		print_operations(rows, line->words[0]);
	json_decref(answer);
	text_fini(&body);
	text_fini(&why);
	return rows ? EXIT_DONE : EXIT_FAILED;
}

int command_call(const struct command_line *line)
{
	json_t *input, *output = NULL;
	struct text why = TEXT_INIT(4096);
	struct client client;
	json_error_t error;
	err_t err;

	if (line->word_count < 2)
		return list_operations(line);
	if (line->word_count > 3)
		return command_fail(EXIT_USAGE, "usage: weir call [SERVICE [OPERATION [JSON]]]");
	input = read_input(line->word_count == 3 ? line->words[2] : NULL, &error);
	if (!input)
		return command_fail(EXIT_USAGE, "the input is not JSON: %s (line %d, column %d)",
				    error.text, error.line, error.column);
	err = client_open(&client, line->settings, &why);
	if (!err) {
		err = client_call(&client, line->words[0], line->words[1], input, &output, &why);
		client_close(&client);
	}
	if (err)
		command_fail(EXIT_FAILED, "%s", text_str(&why));
	else
		print_json(output);
	json_decref(input);
	json_decref(output);
	text_fini(&why);
	return err ? EXIT_FAILED : EXIT_DONE;
}
