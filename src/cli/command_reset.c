#include <stdio.h>

#include "cli/client.h"
#include "cli/commands.h"

int command_reset(const struct command_line *line)
{
	struct text why = TEXT_INIT(1024), body = TEXT_INIT(64 * 1024);
	struct client client;
	long status = 0;
	err_t err;

	if (line->word_count)
		return command_fail(EXIT_USAGE, "usage: weir reset");
	err = client_open(&client, line->settings, &why);
	if (!err) {
		err = client_request(&client, "POST", "/_weir/reset", &body, &status, &why);
		client_close(&client);
	}
	if (!err && status == 403) {
		text_add_str(&why, "this Weir was started without --allow-reset");
		err = ERR_DENIED;
	} else if (!err && status != 200) {
		text_printf(&why, "the API answered with status %ld", status);
		err = ERR_INVALID;
	}
	if (err)
		command_fail(EXIT_FAILED, "%s", text_str(&why));
	else
		puts("Everything is deleted.");
	text_fini(&body);
	text_fini(&why);
	return err ? EXIT_FAILED : EXIT_DONE;
}
