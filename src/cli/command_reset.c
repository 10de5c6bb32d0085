#include <stdio.h>

#include "cli/client.h"
#include "cli/commands.h"

int command_reset(const struct command_line *line)
{
	struct text why = TEXT_INIT(1024);
	json_t *answer = NULL;
	struct client client;
	err_t err;

	if (line->word_count)
		return command_fail(EXIT_USAGE, "usage: weir reset");
	err = client_open(&client, line->settings, &why);
	if (!err) {
		err = client_ask(&client, "POST", "/_weir/reset", &answer, &why);
		client_close(&client);
	}
	if (err)
		command_fail(EXIT_FAILED, "%s", text_str(&why));
	else
		puts("Everything is deleted.");
	json_decref(answer);
	text_fini(&why);
	return err ? EXIT_FAILED : EXIT_DONE;
}
