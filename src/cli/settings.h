/*
 * settings: what the user chose, from flags, environment, file and defaults (settings.def).
 *
 * Values are checked when they are read: a wrong one is a sentence that names where it stands.
 */
#ifndef CLI_SETTINGS_H
#define CLI_SETTINGS_H

#include "base/list.h"
#include "base/text.h"

enum setting_id {
#define SETTING(id, name, kind, fallback, argument, help) SETTING_##id,
#include "cli/settings.def"
#undef SETTING
	SETTING_COUNT,
};

enum setting_source { SETTING_DEFAULT, SETTING_FILE, SETTING_ENVIRONMENT, SETTING_FLAG };

struct setting_value {
	char *text; /* owned */
	enum setting_source source;
};

/* `instance.i-0abc = 10.0.0.5` of the settings file: what an instance target id means here. */
struct instance_setting {
	struct list_node link;
	char *id, *address;
};

/* `bucket.NAME.endpoint = https://…` and the others: an S3 bucket that lies elsewhere. */
enum bucket_word {
	BUCKET_ENDPOINT,
	BUCKET_REGION,
	BUCKET_CREDENTIALS,
	BUCKET_NAME,
	BUCKET_CA_FILE,
	BUCKET_WORDS,
};
struct bucket_setting {
	struct list_node link;
	char *bucket, *values[BUCKET_WORDS]; /* NULL: not said */
};

struct settings {
	struct setting_value values[SETTING_COUNT];
	struct list_node instances, buckets;
};

/* Defaults only. ERR_NOMEM. */
err_t settings_init(struct settings *settings);
void settings_fini(struct settings *settings);

/*
 * Takes one flag off argv: 0 when argv[0] is none of ours, else how many words it took. A wrong
 * one gives -1 and a sentence in `why`.
 */
int settings_flag(struct settings *settings, char *const argv[], struct text *why);

/* After the flags: the environment, then the file. ERR_INVALID and a sentence. */
err_t settings_load(struct settings *settings, struct text *why);

const char *setting_text(const struct settings *settings, enum setting_id id);
uint64_t setting_number(const struct settings *settings, enum setting_id id);
bool setting_flag(const struct settings *settings, enum setting_id id);
bool setting_is_default(const struct settings *settings, enum setting_id id);

/* The table as help text, two columns: for the daemon, or what a command needs to find one. */
void settings_help(struct text *out, bool daemon);

/* The word of `words` (NULL-terminated) nearest to `word`, or NULL when none is near. */
const char *nearest_word(const char *word, const char *const words[]);

#endif
