#include "cli/settings_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/distance.h"
#include "net/address.h"

enum kind { KIND_TEXT, KIND_ADDRESS, KIND_IP, KIND_NUMBER, KIND_CHOICE, KIND_DIGITS, KIND_FLAG };

struct kind_limits {
	enum kind kind;
	uint64_t min, max;   /* numbers; digits: max is how many */
	const char *choices; /* "a|b|c" */
};

#define TEXT                      \
	{                         \
		.kind = KIND_TEXT \
	}
#define ADDRESS                      \
	{                            \
		.kind = KIND_ADDRESS \
	}
#define IP                      \
	{                       \
		.kind = KIND_IP \
	}
#define FLAG                      \
	{                         \
		.kind = KIND_FLAG \
	}
#define NUMBER(low, high)                                        \
	{                                                        \
		.kind = KIND_NUMBER, .min = (low), .max = (high) \
	}
#define CHOICE(words)                                   \
	{                                               \
		.kind = KIND_CHOICE, .choices = (words) \
	}
#define DIGITS(n)                               \
	{                                       \
		.kind = KIND_DIGITS, .max = (n) \
	}

static const struct row {
	const char *name;
	struct kind_limits limits;
	const char *fallback, *argument, *help;
} rows[SETTING_COUNT] = {
#define SETTING(id, name, kind, fallback, argument, help) \
	[SETTING_##id] = { name, kind, fallback, argument, help },
#include "cli/settings.def"
#undef SETTING
};

static err_t assign(struct settings *settings, enum setting_id id, const char *text,
		    enum setting_source source)
{
	struct setting_value *value = &settings->values[id];
	char *copy;

	if (value->text && value->source > source)
		return ERR_OK;
	copy = bytes_dup(bytes_of(text));
	if (!copy)
		return ERR_NOMEM;
	free(value->text);
	value->text = copy;
	value->source = source;
	return ERR_OK;
}

err_t settings_init(struct settings *settings)
{
	*settings = (struct settings){ .instances = LIST_INIT(settings->instances),
				       .buckets = LIST_INIT(settings->buckets) };
	for (size_t i = 0; i < SETTING_COUNT; i++)
		TRY(assign(settings, (enum setting_id)i, rows[i].fallback, SETTING_DEFAULT));
	return ERR_OK;
}

void settings_fini(struct settings *settings)
{
	struct list_node *node;

	for (size_t i = 0; i < SETTING_COUNT; i++)
		free(settings->values[i].text);
	while ((node = list_pop(&settings->instances)) != NULL) {
		struct instance_setting *instance = container_of(node, struct instance_setting,
								 link);

		free(instance->id);
		free(instance->address);
		free(instance);
	}
	settings_free_buckets(settings);
}

/* ---- Checking ---- */

static bool is_choice(const char *choices, const char *text)
{
	struct bytes rest = bytes_of(choices), choice;

	while (bytes_cut(&rest, '|', &choice))
		if (bytes_eq_str(choice, text))
			return true;
	return false;
}

/* The complaint about a value, or false when it is fine. */
static bool complain(const struct kind_limits *limits, const char *text, struct text *why)
{
	struct address address;
	uint64_t number;

	switch (limits->kind) {
	case KIND_TEXT:
		if (text[0])
			return false;
		text_add_str(why, "must not be empty");
		return true;
	case KIND_ADDRESS:
		if (!address_parse(bytes_of(text), &address))
			return false;
		text_printf(why, "'%s' is not ADDRESS:PORT, such as 127.0.0.1:4566", text);
		return true;
	case KIND_IP:
		if (!address_parse_ip(bytes_of(text), 0, &address))
			return false;
		text_printf(why, "'%s' is not an IP address", text);
		return true;
	case KIND_NUMBER:
		if (!bytes_to_u64(bytes_of(text), limits->max, &number) && number >= limits->min)
			return false;
		text_printf(why, "'%s' is outside %llu-%llu", text, (unsigned long long)limits->min,
			    (unsigned long long)limits->max);
		return true;
	case KIND_CHOICE:
		if (is_choice(limits->choices, text))
			return false;
		text_printf(why, "'%s' is not one of %s", text, limits->choices);
		return true;
	case KIND_DIGITS:
		if (strlen(text) == limits->max &&
		    !bytes_to_u64(bytes_of(text), UINT64_MAX, &number))
			return false;
		text_printf(why, "'%s' is not %llu digits", text, (unsigned long long)limits->max);
		return true;
	case KIND_FLAG:
		if (is_choice("true|false", text))
			return false;
		text_printf(why, "'%s' is not true or false", text);
		return true;
	}
	return false;
}

static err_t set_checked(struct settings *settings, enum setting_id id, const char *text,
			 enum setting_source source, const char *where, struct text *why)
{
	struct text fault = TEXT_INIT(512);
	bool bad = complain(&rows[id].limits, text, &fault);

	if (bad)
		text_printf(why, "%s: %s", where, text_str(&fault));
	text_fini(&fault);
	return bad ? ERR_INVALID : assign(settings, id, text, source);
}

/* ---- Nearest spelling ---- */

const char *nearest_word(const char *word, const char *const words[])
{
	unsigned best = 2 + (unsigned)strlen(word) / 4; /* too far */
	const char *nearest = NULL;

	for (size_t i = 0; words[i]; i++) {
		unsigned distance = distance_between(bytes_of(word), bytes_of(words[i]), best - 1);

		if (distance < best) {
			best = distance;
			nearest = words[i];
		}
	}
	return nearest;
}

static void unknown_name(const char *what, const char *name, struct text *why)
{
	const char *names[SETTING_COUNT + 1] = { NULL }, *nearest;

	for (size_t i = 0; i < SETTING_COUNT; i++)
		names[i] = rows[i].name;
	nearest = nearest_word(name, names);
	text_printf(why, "%s '%s' is not known", what, name);
	if (nearest)
		text_printf(why, "; did you mean '%s'?", nearest);
}

/* ---- Sources ---- */

static int row_named(struct bytes name)
{
	for (int i = 0; i < SETTING_COUNT; i++)
		if (bytes_eq_str(name, rows[i].name))
			return i;
	return -1;
}

int settings_flag(struct settings *settings, char *const argv[], struct text *why)
{
	struct bytes name = bytes_of(argv[0]), value;
	char where[64];
	int id;

	if (!bytes_starts(name, BYTES("--")))
		return 0;
	name = bytes_from(name, 2);
	value = bytes_from(name, size_min(bytes_index(name, '='), name.len));
	name.len -= value.len;
	id = row_named(name);
	if (id < 0)
		return 0;
	snprintf(where, sizeof where, "--%s", rows[id].name);
	if (rows[id].limits.kind == KIND_FLAG && value.len == 0)
		return set_checked(settings, (enum setting_id)id, "true", SETTING_FLAG, where, why)
			       ? -1
			       : 1;
	if (value.len)
		return set_checked(settings, (enum setting_id)id, value.at + 1, SETTING_FLAG, where,
				   why)
			       ? -1
			       : 1;
	if (!argv[1]) {
		text_printf(why, "%s needs a value: %s %s", where, where, rows[id].argument);
		return -1;
	}
	return set_checked(settings, (enum setting_id)id, argv[1], SETTING_FLAG, where, why) ? -1
											     : 2;
}

static err_t from_environment(struct settings *settings, struct text *why)
{
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		char name[64] = "WEIR_";
		const char *value;

		for (size_t k = 0; rows[i].name[k]; k++) {
			char c = rows[i].name[k];

			name[5 + k] = (char)(c == '-' ? '_' : c - 'a' + 'A');
			name[6 + k] = '\0';
		}
		value = getenv(name);
		if (value && value[0])
			TRY(set_checked(settings, (enum setting_id)i, value, SETTING_ENVIRONMENT,
					name, why));
	}
	return ERR_OK;
}

static err_t add_instance(struct settings *settings, struct bytes id, struct bytes value,
			  const char *where, struct text *why)
{
	struct instance_setting *instance;
	struct address address;

	if (address_parse_ip(value, 0, &address)) {
		text_printf(why, "%s: '%.*s' is not an IP address", where, BYTES_ARG(value));
		return ERR_INVALID;
	}
	instance = calloc(1, sizeof *instance);
	if (!instance)
		return ERR_NOMEM;
	instance->id = bytes_dup(id);
	instance->address = bytes_dup(value);
	list_append(&settings->instances, &instance->link);
	return instance->id && instance->address ? ERR_OK : ERR_NOMEM;
}

/* name = value; empty lines and lines that begin with # are skipped. */
static err_t file_line(struct settings *settings, struct bytes line, const char *where,
		       struct text *why)
{
	struct bytes name, value = BYTES_NONE;
	char *text;
	err_t err;
	int id;

	line = bytes_trim(line);
	if (line.len == 0 || line.at[0] == '#')
		return ERR_OK;
	if (!bytes_cut(&line, '=', &name) || !line.at) {
		text_printf(why, "%s: expected NAME = VALUE", where);
		return ERR_INVALID;
	}
	name = bytes_trim(name);
	value = bytes_trim(line);
	if (bytes_starts(name, BYTES("instance.")))
		return add_instance(settings, bytes_from(name, 9), value, where, why);
	if (bytes_starts(name, BYTES("bucket.")))
		return settings_add_bucket(settings, bytes_from(name, 7), value, where, why);
	id = row_named(name);
	text = bytes_dup(id < 0 ? name : value);
	if (!text)
		return ERR_NOMEM;
	if (id < 0) {
		text_printf(why, "%s: ", where);
		unknown_name("setting", text, why);
		err = ERR_INVALID;
	} else {
		err = set_checked(settings, (enum setting_id)id, text, SETTING_FILE, where, why);
	}
	free(text);
	return err;
}

static err_t from_file(struct settings *settings, const char *path, bool required, struct text *why)
{
	char line[4096], where[4200];
	FILE *file = fopen(path, "r");
	unsigned number = 0;
	err_t err = ERR_OK;

	if (!file) {
		if (errno == ENOENT && !required)
			return ERR_OK;
		text_printf(why, "%s: %s", path, strerror(errno));
		return ERR_INVALID;
	}
	while (!err && fgets(line, sizeof line, file)) {
		struct bytes text = bytes_of(line);

		while (text.len && (text.at[text.len - 1] == '\n' || text.at[text.len - 1] == '\r'))
			text.len--;
		snprintf(where, sizeof where, "%s:%u", path, ++number);
		err = file_line(settings, text, where, why);
	}
	fclose(file);
	return err;
}

err_t settings_load(struct settings *settings, struct text *why)
{
	const char *named;
	char path[4096];

	TRY(from_environment(settings, why));
	named = setting_text(settings, SETTING_SETTINGS);
	if (named[0])
		return from_file(settings, named, true, why);
	snprintf(path, sizeof path, "%s/weir.conf", setting_text(settings, SETTING_DATA));
	return from_file(settings, path, false, why);
}

/* ---- Reading ---- */

const char *setting_text(const struct settings *settings, enum setting_id id)
{
	return settings->values[id].text;
}

uint64_t setting_number(const struct settings *settings, enum setting_id id)
{
	uint64_t number = 0;
	err_t err = bytes_to_u64(bytes_of(setting_text(settings, id)), UINT64_MAX, &number);

	assert(!err && rows[id].limits.kind == KIND_NUMBER);
	return number;
}

bool setting_flag(const struct settings *settings, enum setting_id id)
{
	assert(rows[id].limits.kind == KIND_FLAG);
	return strcmp(setting_text(settings, id), "true") == 0;
}

bool setting_is_default(const struct settings *settings, enum setting_id id)
{
	return settings->values[id].source == SETTING_DEFAULT;
}

void settings_help(struct text *out, bool daemon)
{
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		char flag[64];

		if (!daemon && i != SETTING_DATA && i != SETTING_SETTINGS && i != SETTING_API)
			continue;
		snprintf(flag, sizeof flag, "--%s %s", rows[i].name, rows[i].argument);
		text_printf(out, "  %-26s %s", flag, rows[i].help);
		if (rows[i].fallback[0] && rows[i].limits.kind != KIND_FLAG)
			text_printf(out, " [%s]", rows[i].fallback);
		text_add_char(out, '\n');
	}
}
