/*
 * settings: what ragd was told, from flags, environment and defaults (settings.def). Pure.
 */
#ifndef RAG_SETTINGS_H
#define RAG_SETTINGS_H

#include "base/text.h"

struct settings {
#define STRING(name, environment, flag, value, help)	       const char *name;
#define NUMBER(name, environment, flag, value, min, max, help) uint64_t name;
#include "rag/settings.def"
#undef STRING
#undef NUMBER
	bool help; /* --help was given */
};

/*
 * Strings are borrowed from argv and the environment. `environment` looks a name up (getenv).
 * ERR_INVALID with a sentence for the user in *why.
 */
err_t settings_read(int argc, char *const argv[], const char *(*environment)(const char *name),
		    struct settings *ret_settings, struct text *why);

void settings_help(struct text *out);

#endif
