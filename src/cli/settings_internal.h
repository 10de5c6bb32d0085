/*
 * settings_internal: what the files of the settings share.
 */
#ifndef CLI_SETTINGS_INTERNAL_H
#define CLI_SETTINGS_INTERNAL_H

#include "cli/settings.h"

/* `name`: what follows "bucket." */
err_t settings_add_bucket(struct settings *settings, struct bytes name, struct bytes value,
			  const char *where, struct text *why);
void settings_free_buckets(struct settings *settings);

#endif
