/*
 * attributes: the rows of attributes.def, and what may be said in them. Internal to the folder.
 */
#ifndef SERVICES_ELBV2_ATTRIBUTES_H
#define SERVICES_ELBV2_ATTRIBUTES_H

#include "services/elbv2/elbv2_internal.h"

enum attribute_type {
	TYPE_BOOL,
	TYPE_INT,
	TYPE_ZERO_OR_INT,
	TYPE_OFF_OR_INT,
	TYPE_ENUM,
	TYPE_TEXT
};

enum attribute_effect {
	EFFECT_ACTS,
	EFFECT_DEFAULT_ONLY,
	EFFECT_STORED,
	EFFECT_FOREIGN,
	EFFECT_HTTPS_ONLY,
	EFFECT_WEIR,
	EFFECT_FUNCTION,
};

struct attribute {
	enum resource owner;
	const char *key, *fallback;
	enum attribute_type type;
	int64_t min, max;
	const char *values; /* "a, b" */
	enum attribute_effect effect;
	const char *why; /* DEFAULT_ONLY: a sentence; listener: the header */
};

extern const struct attribute attributes[];
extern const size_t attribute_count;

/* NULL when there is none of that owner and key. */
const struct attribute *attribute_find(enum resource owner, const char *key);

/* "\"'key' value 'v' must be …\"" as a ValidationError, or ERR_OK. `value` is tidy already. */
err_t attribute_check(struct api_call *call, const struct attribute *row, const char *value);

/* What people write for what they mean: "True" for true, leastconn, blanks and commas around. */
const char *attribute_tidy(struct api_call *call, const struct attribute *row, const char *value);

/* functions.c: which attributes groups of functions have, which values of them, and AWS's sentence
 * for the others. */
bool function_group_has(const struct attribute *row);
err_t function_group_rules(struct api_call *call, const json_t *group);
err_t function_group_lacks(struct api_call *call, const char *type, const char *key);

/* attributes_rules.c: what values may not stand beside each other; `group` is the whole body. */
err_t target_group_rules(struct api_call *call, const json_t *group);

/*
 * logs.c: whether the log delivery may write to the buckets of the logs that are on, asked of S3
 * with each bucket's own policy; writes AWS's test files there. Leaves the transaction then.
 */
err_t load_balancer_rules(struct api_call *call, const json_t *load_balancer);

#endif
