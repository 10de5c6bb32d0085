#include "lb/regex.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	MATCH_LIMIT = 100000,	    /* steps; some 1 ms of a core */
	DEPTH_LIMIT = 2000,	    /* nesting, of the interpreter */
	HEAP_LIMIT_KIB = 1024,	    /* of the interpreter */
	JIT_STACK_MAX = 256 * 1024, /* else the 32 KiB of the machine stack */
};

/* ---- Compiling ---- */

enum { PATTERN_NEST_MAX = 64, PATTERN_BYTES_MAX = 4096 };

/* "$" is the end and nothing else, as in RE2, which ALB is thought to use. */
static uint32_t options_of(bool nocase)
{
	return PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C |
	       (nocase ? PCRE2_CASELESS : 0);
}

err_t regex_compile(struct bytes pattern, bool nocase, pcre2_code **ret_code,
		    char ret_why[REGEX_WHY_BYTES])
{
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	char words[128] = "";
	pcre2_code *code;
	size_t at;
	int why;

	if (!context)
		return ERR_NOMEM;
	pcre2_set_parens_nest_limit(context, PATTERN_NEST_MAX);
	pcre2_set_max_pattern_length(context, PATTERN_BYTES_MAX);
	code = pcre2_compile((PCRE2_SPTR)(pattern.len ? pattern.at : ""), pattern.len,
			     options_of(nocase), &why, &at, context);
	pcre2_compile_context_free(context);
	if (!code && why == PCRE2_ERROR_HEAP_FAILED)
		return ERR_NOMEM;
	if (!code) {
		pcre2_get_error_message(why, (PCRE2_UCHAR *)words, sizeof words);
		snprintf(ret_why, REGEX_WHY_BYTES, "%s (at byte %zu)", words, at);
		return ERR_INVALID;
	}
	/* Without JIT the interpreter runs it, with the same limits. */
	pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
	*ret_code = code;
	return ERR_OK;
}

void regex_free(pcre2_code *code)
{
	pcre2_code_free(code);
}

/* ---- Running ---- */

struct regex_scratch {
	pcre2_match_context *context;
	pcre2_match_data *data;
	pcre2_jit_stack *stack;
	unsigned groups; /* of the last match: those above took no part, their places are stale */
};

struct regex_scratch *regex_scratch_create(void)
{
	struct regex_scratch *scratch = calloc(1, sizeof *scratch);

	if (!scratch)
		return NULL;
	scratch->context = pcre2_match_context_create(NULL);
	scratch->data = pcre2_match_data_create(REGEX_GROUPS, NULL);
	scratch->stack = pcre2_jit_stack_create(32 * 1024, JIT_STACK_MAX, NULL);
	if (!scratch->context || !scratch->data || !scratch->stack) {
		regex_scratch_destroy(scratch);
		return NULL;
	}
	pcre2_set_match_limit(scratch->context, MATCH_LIMIT);
	pcre2_set_depth_limit(scratch->context, DEPTH_LIMIT);
	pcre2_set_heap_limit(scratch->context, HEAP_LIMIT_KIB);
	pcre2_jit_stack_assign(scratch->context, NULL, scratch->stack);
	return scratch;
}

void regex_scratch_destroy(struct regex_scratch *scratch)
{
	if (!scratch)
		return;
	pcre2_match_context_free(scratch->context);
	pcre2_match_data_free(scratch->data);
	pcre2_jit_stack_free(scratch->stack);
	free(scratch);
}

enum regex_result regex_find(const struct plan_regex *regex, struct bytes text,
			     struct regex_scratch *scratch)
{
	int found = pcre2_match(regex->code, (PCRE2_SPTR)(text.len ? text.at : ""), text.len, 0, 0,
				scratch->data, scratch->context);

	if (found >= 0) {
		scratch->groups = found > 0 ? (unsigned)found : REGEX_GROUPS; /* 0: more than fit */
		return REGEX_FOUND;
	}
	return found == PCRE2_ERROR_NOMATCH ? REGEX_NONE : REGEX_LIMIT;
}

struct bytes regex_group(const struct regex_scratch *scratch, struct bytes text, unsigned group)
{
	const PCRE2_SIZE *at = pcre2_get_ovector_pointer(scratch->data);
	PCRE2_SIZE first, last;

	if (group >= scratch->groups)
		return BYTES_NONE;
	first = at[2 * group];
	last = at[2 * group + 1];
	/* Unset, or ending before it begins, as \K in a lookahead can make it. */
	if (first == PCRE2_UNSET || last > text.len || first > last)
		return BYTES_NONE;
	return bytes_make(text.at + first, last - first);
}
