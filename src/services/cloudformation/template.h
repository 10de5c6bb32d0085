/*
 * template: a CloudFormation template as JSON, and where in the text each value stood.
 *
 * YAML and JSON come in, short tags (!Ref, !Sub, …) leave as their long forms ({"Ref": …}). What
 * CloudFormation refuses is refused: aliases, merges, unknown tags, keys given twice. Pure.
 */
#ifndef SERVICES_CLOUDFORMATION_TEMPLATE_H
#define SERVICES_CLOUDFORMATION_TEMPLATE_H

#include <jansson.h>

#include "base/map.h"
#include "base/text.h"

enum {
	TEMPLATE_BYTES_MAX = 1024 * 1024, /* as from S3; in a request it is 51200 */
	TEMPLATE_DEPTH_MAX = 64,
	TEMPLATE_VALUES_MAX = 100000,
};

struct template
{
	json_t *root;	  /* an object */
	struct map lines; /* a value's address → its line */
};

/*
 * Reads `text`. ERR_SYNTAX, ERR_TOO_LARGE, ERR_NOMEM: `why` gets a sentence with the line, and
 * there is nothing to free.
 */
err_t template_parse(struct bytes text, struct template *ret_template, struct text *why);
void template_fini(struct template *template);

/* Of a text that nobody wrote: its lines would mislead. */
void template_forget_lines(struct template *template);

/* 0: unknown, as of true, false and null. */
unsigned template_line(const struct template *template, const json_t *value);

#endif
