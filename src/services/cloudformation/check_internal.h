/*
 * check_internal: what the files that look at a template share. Each tells what is wrong with its
 * part; none stops at the first problem.
 */
#ifndef SERVICES_CLOUDFORMATION_CHECK_INTERNAL_H
#define SERVICES_CLOUDFORMATION_CHECK_INTERNAL_H

#include "services/cloudformation/check.h"

enum { NAME_CHARS_MAX = 255, WORDS_MAX = 1024 };

struct checking {
	const struct check *check;
	const json_t *root;
	const json_t *around; /* what `where` belongs to, for what has no place of its own */
	unsigned problems;
};

/* ---- check.c ---- */
void check_problem(struct checking *c, const json_t *where, const char *format, ...)
	PRINTF_LIKE(3, 4);
/* "; did you mean 'Vpc'?" or nothing. */
const char *check_hint(const char *nearest, char room[300]);
const json_t *check_part(const struct checking *c, const char *section, const char *name);
bool check_is_among(const char *word, const char *const words[], size_t count);

/* ---- check_values.c: references and functions in a value ---- */
err_t check_reference(void *checking, const struct reference *reference);
void check_value(struct checking *c, const json_t *value);
/* Conditions and rules know parameters and each other, no resources. */
err_t check_in_condition(void *checking, const struct reference *reference);
void check_value_of_condition(struct checking *c, const json_t *value);
void check_condition_name(struct checking *c, const json_t *holder, const char *whose);

/* ---- check_resources.c, check_sections.c ---- */
void check_resources(struct checking *c);
void check_parameters(struct checking *c);
void check_mappings(struct checking *c);
void check_rules(struct checking *c);
void check_conditions(struct checking *c);
void check_outputs(struct checking *c);

#endif
