/*
 * main: `weir COMMAND …`: shared options, then the command's row.
 */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <curl/curl.h>

#include "app/weir.h"
#include "base/log.h"
#include "cli/commands.h"
#include "net/clock.h"

enum {
	WORDS_MAX = 64,
	/* Larger blocks (log buffers, big answers) are mapped, and go back to the system when
	   freed. */
	MAPPED_BLOCK_BYTES = 64 * 1024,
};

static int run_serve(const struct command_line *line)
{
	if (line->word_count)
		return command_fail(EXIT_USAGE, "serve takes options only, not '%s'",
				    line->words[0]);
	return command_serve(line->settings);
}

static int run_up(const struct command_line *line)
{
	if (line->word_count)
		return command_fail(
			EXIT_USAGE,
			"up takes options only, not '%s'; `weir deploy TEMPLATE` deploys yours",
			line->words[0]);
	return command_up(line->settings);
}

static const struct command app_commands[] = {
	{ "serve", "", "the daemon, in the foreground",
	  "SIGTERM drains: no new requests, running streams finish (--drain-seconds); a second one\n"
	  "stops now. SIGHUP reopens the access logs. Tells systemd when it is ready.\n",
	  TAKES_DAEMON, run_serve },
	{ "up", "", "the daemon and the first chat behind it; prints one curl",
	  "Like serve, with --port-offset 8000 unless given, so that the listener on port 80 is\n"
	  "reached on 8080 without root's rights. Makes the stack mindr-alb, or changes what differs:\n"
	  "network, load balancer, RAG server, page, logs, alarms, and functions where their packages\n"
	  "lie in lambda-packages/ beside weir. OPENAI_API_KEY, OPENAI_BASE_URL, OPENAI_MODEL,\n"
	  "EMBEDDING_MODEL and NEO4J_URI, _USERNAME, _PASSWORD go to the server.\n",
	  TAKES_DAEMON, run_up },
	{ "deploy", "TEMPLATE [STACK] [NAME=VALUE]...",
	  "make or change a stack in the running Weir, and show its events",
	  "Checks the template first: what is wrong with it is said by line, and nothing is touched.\n"
	  "TEMPLATE may be a folder with a main.yml or template.yml. STACK is the file's name, or the folder's.\n"
	  "Parameters that are not given stay as they are. Roles and users in the template are agreed\n"
	  "to by naming it. Exit 0: it is as the template says; 1: it is not, and the resource's own\n"
	  "reason.\n"
	  "  weir deploy infrastructure/network.yml net VpcCidr=10.9.0.0/16\n",
	  TAKES_OUTPUT, command_deploy },
	{ "check", "[TEMPLATE]",
	  "check settings and the data directory, or a template, without starting",
	  "Exit 0: a `weir serve` with these options would start; 1: it would not, and why.\n"
	  "TEMPLATE is a CloudFormation template: every problem is a line, FILE:LINE: what is wrong.\n",
	  TAKES_DAEMON, command_check },
	{ .name = NULL },
};

static const struct command *command_named(const char *name)
{
	for (const struct command *c = app_commands; c->name; c++)
		if (strcmp(c->name, name) == 0)
			return c;
	for (const struct command *c = cli_commands; c->name; c++)
		if (strcmp(c->name, name) == 0)
			return c;
	return NULL;
}

static void list_commands(const struct command *commands)
{
	for (const struct command *c = commands; c->name; c++)
		printf("  %-8s %-36s %s\n", c->name, c->arguments, c->summary);
}

static void print_options(bool daemon)
{
	struct text options = TEXT_INIT(16 * 1024);

	settings_help(&options, daemon);
	printf("\nOptions (also WEIR_NAME in the environment, `name = value` in the settings file):\n%s",
	       text_str(&options));
	text_fini(&options);
}

static int print_help(void)
{
	printf("Weir: an application load balancer you own, made for answers that take minutes.\n\n"
	       "usage: weir COMMAND [ARGUMENTS] [OPTIONS]\n\n");
	list_commands(app_commands);
	list_commands(cli_commands);
	print_options(true);
	printf("  %-26s %s\n  %-26s %s\n  %-26s %s\n", "-o table|json", "how to print", "--help",
	       "this, or a command's own", "--version", "the version");
	return EXIT_DONE;
}

static int print_command_help(const struct command *command)
{
	printf("usage: weir %s%s%s%s\n\n%c%s.\n", command->name, command->arguments[0] ? " " : "",
	       command->arguments, command->takes & TAKES_OUTPUT ? " [-o table|json]" : "",
	       command->summary[0] & ~0x20, command->summary + 1);
	if (command->help[0])
		printf("\n%s", command->help);
	print_options(command->takes & TAKES_DAEMON);
	return EXIT_DONE;
}

static int unknown_command(const char *name)
{
	const char *names[32] = { NULL }, *nearest;
	size_t count = 0;

	for (const struct command *c = app_commands; c->name; c++)
		names[count++] = c->name;
	for (const struct command *c = cli_commands; c->name; c++)
		names[count++] = c->name;
	nearest = nearest_word(name, names);
	if (nearest)
		return command_fail(EXIT_USAGE, "'%s' is not a command; did you mean '%s'?", name,
				    nearest);
	return command_fail(EXIT_USAGE, "'%s' is not a command; see weir --help", name);
}

/* One word of the command line: 0 not an option, n words taken, -1 said what is wrong. */
static int take_option(struct command_line *line, struct settings *settings, unsigned takes,
		       char **argv)
{
	struct text why = TEXT_INIT(1024);
	int taken;

	if (takes & TAKES_WATCH && strcmp(argv[0], "--watch") == 0)
		return line->watch = true;
	if (takes & TAKES_WAIT && strcmp(argv[0], "--wait") == 0)
		return line->wait = true;
	if (takes & TAKES_FOLLOW &&
	    (strcmp(argv[0], "-f") == 0 || strcmp(argv[0], "--follow") == 0))
		return line->follow = true;
	if (takes & TAKES_FILTER && strcmp(argv[0], "--filter") == 0) {
		line->filter = argv[1];
		return argv[1] ? 2 : command_fail(-1, "--filter takes a filter pattern");
	}
	if (takes & TAKES_OUTPUT && strcmp(argv[0], "-o") == 0) {
		if (argv[1] && strcmp(argv[1], "json") == 0)
			line->json = true;
		else if (!argv[1] || strcmp(argv[1], "table") != 0)
			return command_fail(-1, "-o takes table or json");
		return 2;
	}
	taken = settings_flag(settings, argv, &why);
	if (taken < 0)
		command_fail(EXIT_USAGE, "%s", text_str(&why));
	text_fini(&why);
	return taken;
}

/* Sorts argv into options and words; returns an exit code, or -1 to go on. */
static int parse(struct command_line *line, struct settings *settings, char *words[WORDS_MAX + 1],
		 const struct command *command, char **argv)
{
	while (*argv) {
		int taken;

		if (strcmp(*argv, "--help") == 0 || strcmp(*argv, "-h") == 0)
			return print_command_help(command);
		taken = take_option(line, settings, command->takes, argv);
		if (taken < 0)
			return EXIT_USAGE;
		if (taken == 0 && (*argv)[0] == '-' && (*argv)[1] != '\0')
			return command_fail(EXIT_USAGE,
					    "%s does not know the option '%s'; see weir %s --help",
					    command->name, *argv, command->name);
		if (taken == 0 && line->word_count == WORDS_MAX)
			return command_fail(EXIT_USAGE, "too many words");
		if (taken == 0)
			words[line->word_count++] = *argv;
		argv += taken ? taken : 1;
	}
	return -1;
}

static enum log_level level_of(const char *word)
{
	static const char *const words[] = { "error", "warn", "info", "debug" };

	for (size_t i = 0; i < COUNT(words); i++)
		if (strcmp(words[i], word) == 0)
			return (enum log_level)i;
	return LOG_LEVEL_INFO;
}

/* `weir up` serves port 80 on 8080, unless the user said otherwise anywhere. */
static void prefer_high_ports(struct settings *settings)
{
	struct text why = TEXT_INIT(64);
	char name[] = "--port-offset", value[] = "8000", *words[] = { name, value, NULL };

	if (setting_is_default(settings, SETTING_PORT_OFFSET))
		settings_flag(settings, words, &why);
	text_fini(&why);
}

static int run(const struct command *command, struct settings *settings, char **argv)
{
	char *words[WORDS_MAX + 1] = { NULL };
	struct command_line line = { .settings = settings, .words = words };
	struct text why = TEXT_INIT(8192);
	int code = parse(&line, settings, words, command, argv);

	if (code >= 0)
		return code;
	if (settings_load(settings, &why)) {
		code = command_fail(EXIT_USAGE, "%s", text_str(&why));
		text_fini(&why);
		return code;
	}
	text_fini(&why);
	if (strcmp(command->name, "up") == 0)
		prefer_high_ports(settings);
	log_setup(level_of(setting_text(settings, SETTING_LOG)), clock_unix_ms);
	return command->run(&line);
}

static int run_words(int argc, char **argv)
{
	const struct command *command;
	struct settings settings;
	int code;

	if (argc < 2)
		return print_help(), EXIT_USAGE;
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0)
		return print_help();
	if (strcmp(argv[1], "--version") == 0)
		return printf("weir %s\n", WEIR_VERSION), EXIT_DONE;
	command = command_named(argv[1]);
	if (!command)
		return unknown_command(argv[1]);
	if (settings_init(&settings))
		return command_fail(EXIT_USAGE, "%s", err_words(ERR_NOMEM));
	curl_global_init(CURL_GLOBAL_DEFAULT);
	code = run(command, &settings, argv + 2);
	settings_fini(&settings);
	curl_global_cleanup();
	return code;
}

int main(int argc, char **argv)
{
	int code;

	signal(SIGPIPE, SIG_IGN);
	mallopt(M_MMAP_THRESHOLD, MAPPED_BLOCK_BYTES);
	code = run_words(argc, argv);
	if (fflush(stdout) && code == EXIT_DONE)
		return command_fail(EXIT_FAILED, "standard output cannot be written: %s",
				    strerror(errno));
	return code;
}
