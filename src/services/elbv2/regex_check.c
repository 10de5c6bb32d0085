#include "services/elbv2/regex_check.h"

#include "lb/plan.h"

err_t regex_check(struct api_call *call, const char *what, const char *pattern)
{
	char why[PLAN_WHY_BYTES] = "";
	err_t err = plan_check_regex(bytes_of(pattern), why);
	const char *where = strstr(why, "at offset ");

	if (err != ERR_INVALID)
		return err;
	return api_fault(call, "ValidationError",
			 "The %s '%.128s' is not a valid regular expression %s", what, pattern,
			 where ? where : "here");
}
