/*
 * deploy: `weir deploy TEMPLATE`: checks a template, makes or changes its stack in the running
 * Weir, shows each event as it comes, and ends with the outputs, or with the first failure's own
 * reason.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "app/stack_reason.h"
#include "app/weir.h"
#include "base/when.h"
#include "cli/client.h"
#include "cli/commands.h"

enum {
	TEMPLATE_BYTES_MAX = 51200, /* what one call takes */
	POLL_NS = 150 * 1000 * 1000,
	STACK_NAME_BYTES = 129,
};

struct deployment {
	struct client client;
	const struct command_line *line;
	char path[PATH_MAX];
	char stack[STACK_NAME_BYTES];
	char *stack_id;
	struct text template, why;
	json_t *given; /* {parameter: text} */
	json_t *seen;  /* events that were shown, or were there before */
	char *failed;  /* what failed first, and why */
};

static const char usage[] =
	"usage: weir deploy TEMPLATE [STACK] [NAME=VALUE]...; TEMPLATE may be a folder";

static const char *text_at(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

static bool ends_in(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

static err_t ask(struct deployment *d, const char *operation, json_t *input, json_t **ret_output)
{
	json_t *output = NULL;
	err_t err;

	text_clear(&d->why);
	err = input ? client_call(&d->client, "cloudformation", operation, input, &output, &d->why)
		    : ERR_NOMEM;
	json_decref(input);
	if (err || !ret_output)
		json_decref(output);
	else
		*ret_output = output;
	return err;
}

/* ---- The words ---- */

/* A folder stands for the template in it. */
static err_t find_template(struct deployment *d, const char *word)
{
	static const char *const names[] = { "main.yml",      "main.yaml",     "template.yml",
					     "template.yaml", "template.json", NULL };
	struct stat is;

	if (stat(word, &is))
		return command_fail(-1, "%s cannot be read: %s", word, strerror(errno)),
		       ERR_NOT_FOUND;
	if (!S_ISDIR(is.st_mode)) {
		snprintf(d->path, sizeof d->path, "%s", word);
		return ERR_OK;
	}
	for (size_t i = 0; names[i]; i++)
		if (snprintf(d->path, sizeof d->path, "%s/%s", word, names[i]) < PATH_MAX &&
		    stat(d->path, &is) == 0)
			return ERR_OK;
	command_fail(-1,
		     "%s has neither main.yml nor template.yml (or .yaml, .json): name the file",
		     word);
	return ERR_NOT_FOUND;
}

/* "infrastructure/network.yml" → "network"; of main and template, the folder's name says more. */
static void name_stack(struct deployment *d)
{
	char whole[PATH_MAX], *slash, *dot;
	const char *base;

	if (!realpath(d->path, whole))
		return;
	slash = strrchr(whole, '/');
	base = slash + 1;
	dot = strrchr(base, '.');
	if (dot)
		*dot = '\0';
	if ((strcmp(base, "main") == 0 || strcmp(base, "template") == 0) && slash != whole) {
		*slash = '\0';
		base = strrchr(whole, '/') + 1;
	}
	snprintf(d->stack, sizeof d->stack, "%.128s", base);
	for (char *c = d->stack; *c; c++)
		if (*c == '_' || *c == '.' || *c == ' ')
			*c = '-';
}

static err_t read_words(struct deployment *d)
{
	const struct command_line *line = d->line;

	if (!line->word_count) {
		command_fail(-1, "%s", usage);
		return ERR_SYNTAX;
	}
	TRY(find_template(d, line->words[0]));
	name_stack(d);
	for (unsigned i = 1; i < line->word_count; i++) {
		struct bytes word = bytes_of(line->words[i]);
		size_t equals = bytes_index(word, '=');
		char name[256];

		if (equals == SIZE_MAX && i > 1) {
			command_fail(-1, "'%s' is no NAME=VALUE; %s", line->words[i], usage);
			return ERR_SYNTAX;
		}
		if (equals == SIZE_MAX) {
			snprintf(d->stack, sizeof d->stack, "%s", line->words[i]);
			continue;
		}
		snprintf(name, sizeof name, "%.*s", BYTES_ARG(bytes_upto(word, equals)));
		json_object_set_new(d->given, name, json_string(line->words[i] + equals + 1));
	}
	return ERR_OK;
}

static void print_problem(void *owner, unsigned line, const char *words)
{
	const struct deployment *d = owner;

	fprintf(stderr, "%s:%u: %s\n", d->path, line, words);
}

static err_t read_template(struct deployment *d)
{
	char piece[65536];
	size_t got;
	FILE *file = fopen(d->path, "re");
	err_t err;

	if (!file) {
		command_fail(-1, "%s cannot be read: %s", d->path, strerror(errno));
		return ERR_SYSTEM;
	}
	while ((got = fread(piece, 1, sizeof piece, file)) > 0)
		text_add(&d->template, bytes_make(piece, got));
	fclose(file);
	err = text_err(&d->template);
	if (err == ERR_TOO_LARGE) {
		command_fail(-1,
			     "%s has more than %d bytes: put it into a bucket and use `aws "
			     "cloudformation deploy --s3-bucket`, or split it",
			     d->path, TEMPLATE_BYTES_MAX);
		return err;
	}
	if (!err)
		err = cloudformation_check(text_bytes(&d->template), print_problem, d);
	if (err)
		command_fail(-1, "%s is not deployed: nothing was touched", d->path);
	return err;
}

/* ---- Parameters ---- */

static json_t *parameters_of(struct deployment *d, const json_t *stack)
{
	json_t *list = json_array(), *output = NULL, *one, *value;
	const char *name;
	size_t i;

	json_object_foreach (d->given, name, value)
		json_array_append_new(list, json_pack("{s:s, s:O}", "ParameterKey", name,
						      "ParameterValue", value));
	if (ask(d, "GetTemplateSummary", json_pack("{s:s}", "TemplateBody", text_str(&d->template)),
		&output))
		return list;
	/* What is not said again stays, as far as the template still has it. */
	json_array_foreach (json_object_get(stack, "Parameters"), i, one) {
		const char *key = text_at(one, "ParameterKey");
		const json_t *declared;
		size_t k;

		if (json_object_get(d->given, key))
			continue;
		json_array_foreach (json_object_get(output, "Parameters"), k, declared) {
			if (strcmp(text_at(declared, "ParameterKey"), key) == 0)
				json_array_append_new(list, json_pack("{s:s, s:b}", "ParameterKey",
								      key, "UsePreviousValue", 1));
		}
	}
	json_decref(output);
	return list;
}

/* ---- Events ---- */

static void show(struct deployment *d, const json_t *event)
{
	const char *reason = text_at(event, "ResourceStatusReason");
	const char *status = text_at(event, "ResourceStatus");
	char when[WHEN_ISO_BYTES + 1] = "";
	const json_t *time = json_object_get(event, "Timestamp");

	if (json_is_string(time))
		snprintf(when, sizeof when, "%.19s", json_string_value(time));
	else
		when_iso_ms((uint64_t)(json_number_value(time)), when);
	if (!d->failed && strstr(status, "_FAILED") && reason[0]) {
		struct text words = TEXT_INIT(4096);

		text_printf(&words, "%s (%s): %.*s", text_at(event, "LogicalResourceId"),
			    text_at(event, "ResourceType"), BYTES_ARG(stack_reason_words(reason)));
		d->failed = bytes_dup(text_bytes(&words));
		text_fini(&words);
	}
	if (d->line->json)
		return;
	printf("%.19s  %-28s  %s  %s%s%s\n", when, status, text_at(event, "LogicalResourceId"),
	       text_at(event, "ResourceType"), reason[0] ? "  " : "", reason);
	fflush(stdout);
}

/* Newest first as they come, oldest first as they are shown. */
static err_t take_events(struct deployment *d, bool quietly)
{
	json_t *input = json_pack("{s:s}", "StackName", d->stack_id ? d->stack_id : d->stack);
	json_t *fresh = json_array(), *output = NULL, *event, *token = NULL;
	bool more = true;
	size_t i;
	err_t err = ERR_OK;

	while (more && !err) {
		err = ask(d, "DescribeStackEvents", json_incref(input), &output);
		token = err ? NULL : json_object_get(output, "NextToken");
		more = token != NULL;
		json_array_foreach (err ? NULL : json_object_get(output, "StackEvents"), i, event) {
			const char *id = text_at(event, "EventId");

			if (json_object_get(d->seen, id)) {
				more = false;
				break;
			}
			json_object_set_new(d->seen, id, json_true());
			json_array_append(fresh, event);
		}
		if (token)
			json_object_set(input, "NextToken", token);
		if (!err)
			json_decref(output);
	}
	for (i = json_array_size(fresh); i > 0 && !quietly; i--)
		show(d, json_array_get(fresh, i - 1));
	json_decref(fresh);
	json_decref(input);
	return err;
}

/* ---- The stack ---- */

/* A new reference; NULL when there is none. */
static json_t *describe(struct deployment *d)
{
	json_t *output = NULL, *stack;

	if (ask(d, "DescribeStacks",
		json_pack("{s:s}", "StackName", d->stack_id ? d->stack_id : d->stack), &output))
		return NULL;
	stack = json_incref(json_array_get(json_object_get(output, "Stacks"), 0));
	json_decref(output);
	return stack;
}

/* Until nothing is under way; its status at the end, "" when it is gone. */
static void follow(struct deployment *d, bool quietly, char out[64])
{
	for (;;) {
		json_t *stack = describe(d);

		snprintf(out, 64, "%s", text_at(stack, "StackStatus"));
		json_decref(stack);
		if (take_events(d, quietly) || !ends_in(out, "_IN_PROGRESS"))
			return;
		nanosleep(&(struct timespec){ .tv_nsec = POLL_NS }, NULL);
	}
}

/* One that was never made stands in the way of its own name. */
static err_t clear_ruin(struct deployment *d)
{
	json_t *stack = describe(d);
	const char *status = text_at(stack, "StackStatus");
	bool ruin = strcmp(status, "ROLLBACK_COMPLETE") == 0 ||
		    strcmp(status, "ROLLBACK_FAILED") == 0 ||
		    strcmp(status, "CREATE_FAILED") == 0 || strcmp(status, "DELETE_FAILED") == 0;
	char end[64];
	err_t err = ERR_OK;

	if (ruin) {
		d->stack_id = bytes_dup(bytes_of(text_at(stack, "StackId")));
		err = ask(d, "DeleteStack", json_pack("{s:s}", "StackName", d->stack_id), NULL);
		if (!err)
			follow(d, true, end);
		free(d->stack_id);
		d->stack_id = NULL;
	}
	json_decref(stack);
	return err;
}

static err_t begin(struct deployment *d, bool *ret_nothing)
{
	json_t *stack, *input, *output = NULL;
	err_t err;

	*ret_nothing = false;
	TRY(clear_ruin(d));
	stack = describe(d);
	if (stack)
		take_events(d, true);
	input = json_pack("{s:s, s:s, s:[s, s], s:o}", "StackName", d->stack, "TemplateBody",
			  text_str(&d->template), "Capabilities", "CAPABILITY_NAMED_IAM",
			  "CAPABILITY_AUTO_EXPAND", "Parameters", parameters_of(d, stack));
	err = ask(d, stack ? "UpdateStack" : "CreateStack", input, &output);
	json_decref(stack);
	if (err && strstr(text_str(&d->why), "No updates")) {
		*ret_nothing = true;
		return ERR_OK;
	}
	if (!err) {
		d->stack_id = bytes_dup(bytes_of(text_at(output, "StackId")));
		json_decref(output);
	}
	return err;
}

static void print_outputs(const struct deployment *d, const json_t *stack)
{
	const json_t *outputs = json_object_get(stack, "Outputs"), *one;
	size_t i;

	if (d->line->json) {
		print_json(stack);
		return;
	}
	json_array_foreach ((json_t *)outputs, i, one)
		printf("%s%s = %s\n", i ? "" : "\n", text_at(one, "OutputKey"),
		       text_at(one, "OutputValue"));
}

static int deploy(struct deployment *d)
{
	char end[64] = "";
	bool nothing;
	json_t *stack;

	if (client_open(&d->client, d->line->settings, &d->why) || begin(d, &nothing))
		return command_fail(EXIT_FAILED, "%s", text_str(&d->why));
	if (!nothing)
		follow(d, false, end);
	else if (!d->line->json)
		printf("%s is as %s says: nothing to change\n", d->stack, d->path);
	if (!nothing && strcmp(end, "CREATE_COMPLETE") != 0 && strcmp(end, "UPDATE_COMPLETE") != 0)
		return command_fail(EXIT_FAILED, "%s: %s: %s", d->stack, end[0] ? end : "gone",
				    d->failed ? d->failed : text_str(&d->why));
	stack = describe(d);
	print_outputs(d, stack);
	json_decref(stack);
	return EXIT_DONE;
}

int command_deploy(const struct command_line *line)
{
	struct deployment d = {
		.line = line,
		.template = TEXT_INIT(TEMPLATE_BYTES_MAX),
		.why = TEXT_INIT(8192),
		.given = json_object(),
		.seen = json_object(),
	};
	int code = EXIT_USAGE;

	if (!read_words(&d))
		code = read_template(&d) ? EXIT_FAILED : deploy(&d);
	client_close(&d.client);
	free(d.stack_id);
	free(d.failed);
	json_decref(d.given);
	json_decref(d.seen);
	text_fini(&d.template);
	text_fini(&d.why);
	return code;
}
