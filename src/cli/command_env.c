#include <stdio.h>
#include <stdlib.h>

#include "cli/client.h"
#include "cli/commands.h"

/* For a shell's eval: keys and addresses hold no quote, so single quotes are enough. */
int command_env(const struct command_line *line)
{
	struct text why = TEXT_INIT(1024);
	struct client client;
	char *data;

	if (line->word_count)
		return command_fail(EXIT_USAGE, "usage: eval \"$(weir env)\"");
	if (client_open(&client, line->settings, &why))
		return command_fail(EXIT_FAILED, "%s", text_str(&why));
	if (!client.access_key[0]) {
		client_close(&client);
		return command_fail(
			EXIT_FAILED,
			"%s holds no credentials; start `weir serve` there first, or name another --data",
			setting_text(line->settings, SETTING_DATA));
	}
	printf("unset AWS_PROFILE AWS_SESSION_TOKEN\n");
	printf("export AWS_ENDPOINT_URL='http://%s'\n", client.address);
	printf("export AWS_DEFAULT_REGION='%s' AWS_REGION='%s'\n", client.region, client.region);
	printf("export AWS_ACCESS_KEY_ID='%s'\n", client.access_key);
	printf("export AWS_SECRET_ACCESS_KEY='%s'\n", client.secret);
	/* Of certificates that were issued for localhost names: curl --cacert "$WEIR_CA_BUNDLE". */
	data = realpath(setting_text(line->settings, SETTING_DATA), NULL);
	if (data && !strchr(data, '\'')) /* a quote would end ours */
		printf("export WEIR_CA_BUNDLE='%s/ca.pem'\n", data);
	free(data);
	client_close(&client);
	return EXIT_DONE;
}
