/*
 * commands: `weir NAME …`, one row each. Exit codes: 0 done, 1 it failed, 2 the words were wrong
 * or nothing could be started.
 */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include <jansson.h>

#include "cli/settings.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct command_line {
	const struct settings *settings;
	char *const *words; /* what is left after settings and shared options; NULL-terminated */
	unsigned word_count;
	bool json, watch, wait, follow; /* -o json, --watch, --wait, -f */
	const char *filter;		/* --filter PATTERN; NULL */
};

/* Options of commands; settings, which every command takes, are settings.def's. */
enum command_takes {
	TAKES_OUTPUT = 1,  /* -o table|json */
	TAKES_WATCH = 2,   /* --watch */
	TAKES_WAIT = 4,	   /* --wait */
	TAKES_FOLLOW = 8,  /* -f, --follow */
	TAKES_FILTER = 16, /* --filter PATTERN */
	TAKES_DAEMON = 32, /* all settings act; on others those that find the daemon */
};

struct command {
	const char *name, *arguments, *summary;
	const char *help; /* paragraphs under the usage line; may be "" */
	unsigned takes;	  /* of enum command_takes */
	int (*run)(const struct command_line *line);
};

/* The commands that only talk to a running Weir; the app adds serve and up. name == NULL ends. */
extern const struct command cli_commands[];

int command_call(const struct command_line *line);
int command_status(const struct command_line *line);
int command_streams(const struct command_line *line);
int command_logs(const struct command_line *line);
int command_explain(const struct command_line *line);
int command_env(const struct command_line *line);
int command_check(const struct command_line *line);
int command_deploy(const struct command_line *line);
int command_drain(const struct command_line *line);
int command_reset(const struct command_line *line);

/* ---- Shared by them ---- */

/* "weir: sentence" on standard error; returns `code`. */
int command_fail(int code, const char *format, ...) PRINTF_LIKE(2, 3);
void print_json(const json_t *value);

/* Columns padded to their widest cell; every cell is a string. */
struct table {
	json_t *rows; /* array of arrays; the first one is the header */
};
void table_init(struct table *table, const char *const header[]);
void table_row(struct table *table, const char *const cells[]);
void table_print(const struct table *table);
void table_fini(struct table *table);

#endif
