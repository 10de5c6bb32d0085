#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cli/client.h"
#include "cli/commands.h"

/* The ARN itself, or that of the group with this name. *ret_arn is malloc'ed. */
static err_t group_arn(const struct client *client, const char *name, char **ret_arn,
		       struct text *why)
{
	json_t *input, *output = NULL;
	const char *arn;
	err_t err;

	if (bytes_starts(bytes_of(name), BYTES("arn:"))) {
		*ret_arn = bytes_dup(bytes_of(name));
		return *ret_arn ? ERR_OK : ERR_NOMEM;
	}
	input = json_pack("{s:[s]}", "Names", name);
	err = client_call(client, "elbv2", "DescribeTargetGroups", input, &output, why);
	json_decref(input);
	if (!err) {
		arn = json_string_value(
			json_object_get(json_array_get(json_object_get(output, "TargetGroups"), 0),
					"TargetGroupArn"));
		*ret_arn = arn ? bytes_dup(bytes_of(arn)) : NULL;
		if (!*ret_arn)
			err = ERR_NOT_FOUND;
	}
	json_decref(output);
	return err;
}

/* "10.0.0.5:8000", "10.0.0.5", "i-0abc": an IPv6 address with a port is in brackets. */
static json_t *target_of(const char *word)
{
	struct bytes id = bytes_of(word);
	size_t colon = SIZE_MAX;
	uint64_t port;

	for (size_t i = 0; i < id.len; i++)
		if (id.at[i] == ':')
			colon = colon == SIZE_MAX || id.at[0] == '[' ? i : SIZE_MAX - 1;
	if (colon >= SIZE_MAX - 1 || bytes_to_u64(bytes_from(id, colon + 1), 65535, &port))
		return json_pack("{s:s}", "Id", word);
	id.len = colon;
	if (id.len > 2 && id.at[0] == '[')
		id = bytes_make(id.at + 1, id.len - 2);
	return json_pack("{s:s%, s:I}", "Id", id.at, id.len, "Port", (json_int_t)port);
}

/* What DescribeTargetHealth says of the one target; "" for a word it does not say. */
struct target_word {
	char state[32], reason[64];
};

static err_t word_of(const struct client *client, json_t *input, struct target_word *ret_word,
		     struct text *why)
{
	json_t *output = NULL, *health;
	const char *state, *reason;
	err_t err = client_call(client, "elbv2", "DescribeTargetHealth", input, &output, why);

	if (!err) {
		health = json_object_get(
			json_array_get(json_object_get(output, "TargetHealthDescriptions"), 0),
			"TargetHealth");
		state = json_string_value(json_object_get(health, "State"));
		reason = json_string_value(json_object_get(health, "Reason"));
		snprintf(ret_word->state, sizeof ret_word->state, "%s", state ? state : "");
		snprintf(ret_word->reason, sizeof ret_word->reason, "%s", reason ? reason : "");
	}
	json_decref(output);
	return err;
}

/* Deregistering what is not there succeeds; the person who mistyped a port should hear of it. */
static err_t check_registered(const struct client *client, json_t *input, const char *group,
			      const char *target, struct text *why)
{
	struct target_word word;

	TRY(word_of(client, input, &word, why));
	if (strcmp(word.reason, "Target.NotRegistered") != 0)
		return ERR_OK;
	text_printf(why, "%s is not registered in %s; `weir status` lists targets", target, group);
	return ERR_NOT_FOUND;
}

static err_t drain(const struct command_line *line, const struct client *client, struct text *why)
{
	json_t *input, *output = NULL;
	struct target_word word = { .state = "draining" };
	char *arn = NULL;
	err_t err = group_arn(client, line->words[0], &arn, why);

	if (err)
		return err;
	input = json_pack("{s:s, s:[o]}", "TargetGroupArn", arn, "Targets",
			  target_of(line->words[1]));
	free(arn);
	err = check_registered(client, input, line->words[0], line->words[1], why);
	if (!err)
		err = client_call(client, "elbv2", "DeregisterTargets", input, &output, why);
	json_decref(output);
	while (!err && line->wait && strcmp(word.state, "draining") == 0) {
		err = word_of(client, input, &word, why);
		if (!err && strcmp(word.state, "draining") == 0)
			nanosleep(&(struct timespec){ .tv_nsec = 500000000 }, NULL);
	}
	json_decref(input);
	if (!err)
		printf("%s %s\n", line->words[1],
		       line->wait ? "is out of service." : "is draining.");
	return err;
}

int command_drain(const struct command_line *line)
{
	struct text why = TEXT_INIT(4096);
	struct client client;
	err_t err;

	if (line->word_count != 2)
		return command_fail(EXIT_USAGE,
				    "usage: weir drain TARGET-GROUP TARGET[:PORT] [--wait]");
	err = client_open(&client, line->settings, &why);
	if (!err) {
		err = drain(line, &client, &why);
		client_close(&client);
	}
	if (err)
		command_fail(EXIT_FAILED, "%s", text_str(&why));
	text_fini(&why);
	return err ? EXIT_FAILED : EXIT_DONE;
}
