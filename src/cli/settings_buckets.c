/*
 * Settings of the file that are about one bucket: bucket.NAME.endpoint = … and the others.
 */
#include <stdlib.h>

#include "cli/settings_internal.h"

static const char *const words[BUCKET_WORDS + 1] = {
	[BUCKET_ENDPOINT] = "endpoint",	      [BUCKET_REGION] = "region",
	[BUCKET_CREDENTIALS] = "credentials", [BUCKET_NAME] = "name",
	[BUCKET_CA_FILE] = "ca-file",	      [BUCKET_WORDS] = NULL,
};

/* What follows the last dot: names of buckets have some of their own. */
static bool split(struct bytes name, struct bytes *ret_bucket, struct bytes *ret_word)
{
	for (size_t i = name.len; i > 0; i--) {
		if (name.at[i - 1] != '.')
			continue;
		*ret_bucket = bytes_upto(name, i - 1);
		*ret_word = bytes_from(name, i);
		return ret_bucket->len && ret_word->len;
	}
	return false;
}

static struct bucket_setting *find_or_add(struct settings *settings, struct bytes bucket)
{
	struct bucket_setting *setting;

	list_for_each (&settings->buckets, node) {
		setting = container_of(node, struct bucket_setting, link);
		if (bytes_eq_str(bucket, setting->bucket))
			return setting;
	}
	setting = calloc(1, sizeof *setting);
	if (!setting)
		return NULL;
	setting->bucket = bytes_dup(bucket);
	list_append(&settings->buckets, &setting->link);
	return setting->bucket ? setting : NULL;
}

static err_t unknown_word(struct bytes word, const char *where, struct text *why)
{
	char *copy = bytes_dup(word);
	const char *nearest = copy ? nearest_word(copy, words) : NULL;

	text_printf(why, "%s: a bucket has no setting '%.*s'", where, BYTES_ARG(word));
	if (nearest)
		text_printf(why, "; did you mean '%s'?", nearest);
	else
		text_add_str(why, ", but endpoint, region, credentials, name and ca-file");
	free(copy);
	return ERR_INVALID;
}

err_t settings_add_bucket(struct settings *settings, struct bytes name, struct bytes value,
			  const char *where, struct text *why)
{
	struct bytes bucket, word;
	struct bucket_setting *setting;
	unsigned i = 0;

	if (!split(name, &bucket, &word)) {
		text_printf(why, "%s: expected bucket.NAME.endpoint = URL", where);
		return ERR_INVALID;
	}
	while (i < BUCKET_WORDS && !bytes_eq_str(word, words[i]))
		i++;
	if (i == BUCKET_WORDS)
		return unknown_word(word, where, why);
	if (!value.len) {
		text_printf(why, "%s: must not be empty", where);
		return ERR_INVALID;
	}
	setting = find_or_add(settings, bucket);
	if (!setting)
		return ERR_NOMEM;
	free(setting->values[i]);
	setting->values[i] = bytes_dup(value);
	return setting->values[i] ? ERR_OK : ERR_NOMEM;
}

void settings_free_buckets(struct settings *settings)
{
	struct list_node *node;

	while ((node = list_pop(&settings->buckets)) != NULL) {
		struct bucket_setting *setting = container_of(node, struct bucket_setting, link);

		for (unsigned i = 0; i < BUCKET_WORDS; i++)
			free(setting->values[i]);
		free(setting->bucket);
		free(setting);
	}
}
