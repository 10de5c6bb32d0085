/*
 * regex: the compiled regular expressions of a plan, run with limits. For lb's policy files.
 *
 * PCRE2 without UTF, so any bytes may be searched; the search is not anchored. A plan compiles
 * and frees them, all workers run them, each with a scratch of its own.
 */
#ifndef LB_REGEX_H
#define LB_REGEX_H

#include "lb/plan_internal.h"

enum { REGEX_WHY_BYTES = 200 };
/* ERR_NOMEM; ERR_INVALID: PCRE2 refuses it and `ret_why` has its words. End with regex_free. */
err_t regex_compile(struct bytes pattern, bool nocase, pcre2_code **ret_code,
		    char ret_why[REGEX_WHY_BYTES]);
void regex_free(pcre2_code *code);

enum { REGEX_GROUPS = 10 }; /* $0-$9 */

struct regex_scratch;				  /* holds the last match */
struct regex_scratch *regex_scratch_create(void); /* NULL on no memory */
void regex_scratch_destroy(struct regex_scratch *scratch);

enum regex_result {
	REGEX_FOUND,
	REGEX_NONE,
	REGEX_LIMIT, /* it took too many steps (or no memory): nobody knows */
};
enum regex_result regex_find(const struct plan_regex *regex, struct bytes text,
			     struct regex_scratch *scratch);

/* Where the last match (after REGEX_FOUND) and its groups lie in the text; BYTES_NONE for a group
 * that took no part or does not exist. */
struct bytes regex_group(const struct regex_scratch *scratch, struct bytes text, unsigned group);

/* The scratch inside a worker's route_scratch. */
struct route_scratch;
struct regex_scratch *route_scratch_regex(struct route_scratch *scratch);

#endif
