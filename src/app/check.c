/*
 * check: would `weir serve` start with these settings? Tries each thing that can refuse, in turn.
 * And of a template: what is wrong with it, before anything is touched.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/weir.h"
#include "cli/commands.h"

enum { TEMPLATE_MAX = 2 * 1024 * 1024 }; /* above what is a template, so that it is said */

static bool report(const char *what, err_t err, const char *why)
{
	printf("%-4s %s%s%s\n", err ? "FAIL" : "ok", what, why[0] ? ": " : "", why);
	return !err;
}

static bool check_state(const struct settings *settings)
{
	const char *data = setting_text(settings, SETTING_DATA);
	struct store *store = NULL;
	char *why = NULL, what[4200];
	bool good;
	err_t err = store_open(data, &store, &why);

	snprintf(what, sizeof what, "data directory %s", data);
	good = report(what, err, why ? why : "");
	free(why);
	store_close(store);
	return good;
}

static bool check_api_port(const struct settings *settings)
{
	const char *text = setting_text(settings, SETTING_API);
	struct address at, bound;
	char what[128];
	int fd = -1;
	err_t err = address_parse(bytes_of(text), &at);

	if (!err)
		err = acceptor_bind(&at, 1, &fd, &bound);
	if (!err)
		acceptor_discard(fd);
	snprintf(what, sizeof what, "API address %s", text);
	return report(what, err, err ? err_words(err) : "");
}

static bool check_auth(const struct settings *settings)
{
	bool none = strcmp(setting_text(settings, SETTING_AUTH), "none") == 0;
	struct address at;
	err_t err = address_parse(bytes_of(setting_text(settings, SETTING_API)), &at);

	if (!err && none && !address_is_loopback(&at))
		err = ERR_DENIED;
	return report("authentication", err,
		      err ? "--auth none needs --api on a loopback address" : "");
}

/* ---- Templates ---- */

static void print_problem(void *owner, unsigned line, const char *words)
{
	const char *path = owner;

	if (line)
		printf("%s:%u: %s\n", path, line, words);
	else
		printf("%s: %s\n", path, words);
}

static int check_template(const char *path)
{
	struct text text = TEXT_INIT(TEMPLATE_MAX);
	char piece[65536];
	size_t got;
	FILE *file = fopen(path, "re");
	err_t err;

	if (!file)
		return command_fail(EXIT_FAILED, "%s cannot be read: %s", path, strerror(errno));
	while ((got = fread(piece, 1, sizeof piece, file)) > 0)
		text_add(&text, bytes_make(piece, got));
	fclose(file);
	err = text_err(&text);
	if (!err)
		err = cloudformation_check(text_bytes(&text), print_problem, (void *)path);
	else
		print_problem((void *)path, 0, err_words(err));
	if (!err)
		printf("%s: nothing is wrong with it\n", path);
	text_fini(&text);
	return err ? EXIT_FAILED : EXIT_DONE;
}

int command_check(const struct command_line *line)
{
	bool good;

	if (line->word_count > 1)
		return command_fail(EXIT_USAGE, "usage: weir check [TEMPLATE] [OPTIONS]; name a "
						"settings file with --settings");
	if (line->word_count)
		return check_template(line->words[0]);
	report("settings", ERR_OK, ""); /* a wrong one ended us before */
	good = check_auth(line->settings);
	good = check_api_port(line->settings) && good;
	good = check_state(line->settings) && good;
	return good ? EXIT_DONE : EXIT_FAILED;
}
