/*
 * template_json: templates in JSON. jansson reads them and says what is not JSON, but not where
 * its values stood; so the text is walked once more beside the values, which keep its order.
 */
#include "services/cloudformation/template_internal.h"

#include <string.h>

struct walk {
	struct bytes rest;
	size_t line;
	struct template *template;
	struct text *why;
	unsigned values;
};

/* ---- Over the text, which is known to be JSON ---- */

static void skip(struct walk *walk, const char *letters)
{
	while (walk->rest.len && strchr(letters, walk->rest.at[0])) {
		walk->line += walk->rest.at[0] == '\n';
		walk->rest = bytes_from(walk->rest, 1);
	}
}

/* To the next value, key or end: over space and what stands between. */
static void skip_between(struct walk *walk)
{
	skip(walk, " \t\r\n,:");
}

/* A text has no line breaks; a backslash is never its last letter. */
static void skip_text(struct walk *walk)
{
	size_t at = 1;

	while (at < walk->rest.len && walk->rest.at[at] != '"')
		at += walk->rest.at[at] == '\\' ? 2 : 1;
	walk->rest = bytes_from(walk->rest, size_min(at + 1, walk->rest.len));
}

static void skip_word(struct walk *walk)
{
	while (walk->rest.len && !strchr(" \t\r\n,:]}", walk->rest.at[0]))
		walk->rest = bytes_from(walk->rest, 1);
}

/* ---- Beside the values ---- */

static err_t walk_value(struct walk *walk, const json_t *value, unsigned depth);

static err_t walk_members(struct walk *walk, const json_t *value, unsigned depth)
{
	const char *key;
	json_t *item;
	size_t i;

	walk->rest = bytes_from(walk->rest, 1);
	json_object_foreach ((json_t *)value, key, item) {
		skip_between(walk);
		skip_text(walk);
		TRY(walk_value(walk, item, depth + 1));
	}
	json_array_foreach ((json_t *)value, i, item)
		TRY(walk_value(walk, item, depth + 1));
	skip_between(walk);
	walk->rest = bytes_from(walk->rest, 1);
	return ERR_OK;
}

static err_t walk_value(struct walk *walk, const json_t *value, unsigned depth)
{
	bool collects = json_is_object(value) || json_is_array(value);

	skip_between(walk);
	if (collects && depth == TEMPLATE_DEPTH_MAX) {
		text_printf(walk->why, "line %zu: values are nested too deep", walk->line);
		return ERR_SYNTAX;
	}
	if (walk->values++ == TEMPLATE_VALUES_MAX) {
		text_printf(walk->why, "the template has more than %d values", TEMPLATE_VALUES_MAX);
		return ERR_TOO_LARGE;
	}
	TRY(template_note_line(walk->template, value, walk->line));
	if (collects)
		return walk_members(walk, value, depth);
	if (json_is_string(value))
		skip_text(walk);
	else
		skip_word(walk);
	return ERR_OK;
}

err_t template_parse_json(struct bytes text, struct template *template, struct text *why)
{
	struct walk walk = { .rest = text, .line = 1, .template = template, .why = why };
	json_error_t error;

	template->root = json_loadb(text.at, text.len, JSON_REJECT_DUPLICATES, &error);
	if (template->root) {
		TRY(walk_value(&walk, template->root, 0));
		skip_between(&walk);
		assert(!walk.rest.len);
		return ERR_OK;
	}
	text_printf(why, "line %d: this is not JSON: %s", error.line, error.text);
	return ERR_SYNTAX;
}
