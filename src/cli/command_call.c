#include <stdio.h>
#include <stdlib.h>

#include "cli/client.h"
#include "cli/commands.h"

enum { SERVICES_MAX = 63 };

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

/* Those of one service, or all; a new reference. */
static json_t *operations_of(const json_t *all, const char *service)
{
	json_t *rows = json_array(), *row;
	size_t i;

	json_array_foreach ((json_t *)all, i, row)
		if (!service || strcmp(service, string_of(row, "service")) == 0)
			json_array_append(rows, row);
	return rows;
}

static void print_operations(const json_t *rows)
{
	static const char *const header[] = { "SERVICE", "OPERATION", "EFFECT", "REFUSED", NULL };
	struct table table;
	json_t *row;
	size_t i;

	table_init(&table, header);
	json_array_foreach ((json_t *)rows, i, row)
		table_row(&table, (const char *const[]){ string_of(row, "service"),
							 string_of(row, "operation"),
							 string_of(row, "effect"),
							 string_of(row, "refusal"), NULL });
	table_print(&table);
	table_fini(&table);
}

/* Says so, with the nearest that there is. */
static int no_such_service(const json_t *rows, const char *service)
{
	const char *names[SERVICES_MAX + 1] = { NULL }, *nearest;
	size_t count = 0, i;
	json_t *row;

	json_array_foreach ((json_t *)rows, i, row) {
		const char *name = string_of(row, "service");

		if ((!count || strcmp(names[count - 1], name) != 0) && count < SERVICES_MAX)
			names[count++] = name;
	}
	nearest = nearest_word(service, names);
	if (nearest)
		return command_fail(EXIT_FAILED, "there is no service '%s'; did you mean '%s'?",
				    service, nearest);
	return command_fail(EXIT_FAILED, "there is no service '%s'; `weir call` lists them",
			    service);
}

static int list_operations(const struct command_line *line)
{
	const char *service = line->words[0];
	struct text why = TEXT_INIT(1024);
	json_t *answer = NULL, *rows = NULL;
	struct client client;
	err_t err = client_open(&client, line->settings, &why);
	int code = EXIT_DONE;

	if (!err) {
		err = client_ask(&client, "GET", "/_weir/operations", &answer, &why);
		client_close(&client);
	}
	if (!err)
		rows = operations_of(json_object_get(answer, "operations"), service);
	if (err)
		code = command_fail(EXIT_FAILED, "%s", text_str(&why));
	else if (!json_array_size(rows))
		code = no_such_service(json_object_get(answer, "operations"), service);
	else if (line->json)
		print_json(rows);
	else
		print_operations(rows);
	json_decref(rows);
	json_decref(answer);
	text_fini(&why);
	return code;
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
