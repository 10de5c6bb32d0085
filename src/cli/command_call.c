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

int command_call(const struct command_line *line)
{
	json_t *input, *output = NULL;
	struct text why = TEXT_INIT(4096);
	struct client client;
	json_error_t error;
	err_t err;

	if (line->word_count < 2 || line->word_count > 3)
		return command_fail(EXIT_USAGE, "usage: weir call SERVICE OPERATION [JSON]");
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
