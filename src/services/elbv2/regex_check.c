/*
 * regex_check: whether the balancer would take a regular expression, before the user is told yes.
 * The same engine and limits as lb/plan.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "services/elbv2/regex_check.h"

#include <pcre2.h>

enum { REGEX_NEST_MAX = 64 };

static const uint32_t options = PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP |
				PCRE2_NEVER_BACKSLASH_C;

err_t regex_check(struct api_call *call, const char *what, const char *pattern)
{
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	unsigned char words[160] = "";
	pcre2_code *code;
	PCRE2_SIZE at;
	int error;

	if (!context)
		return ERR_NOMEM;
	pcre2_set_parens_nest_limit(context, REGEX_NEST_MAX);
	code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, options, &error, &at,
			     context);
	pcre2_compile_context_free(context);
	if (code) {
		pcre2_code_free(code);
		return ERR_OK;
	}
	pcre2_get_error_message(error, words, sizeof words);
	return api_fault(call, "ValidationError",
			 "The %s '%.128s' is not a valid regular expression: %s", what, pattern,
			 (const char *)words);
}
