/*
 * names: how callers name functions: "rag", "rag:live", "123456789012:function:rag", an ARN. Pure.
 */
#ifndef SERVICES_LAMBDA_NAMES_H
#define SERVICES_LAMBDA_NAMES_H

#include "base/bytes.h"

enum { LAMBDA_NAME_BYTES_MAX = 64, LAMBDA_QUALIFIER_BYTES_MAX = 128 };

struct lambda_name {
	char name[LAMBDA_NAME_BYTES_MAX + 1];
	char qualifier[LAMBDA_QUALIFIER_BYTES_MAX + 1]; /* "" when none was named */
};

/* ERR_SYNTAX; ERR_NOT_FOUND for one of another account or Region. */
err_t lambda_name_parse(struct bytes text, const char *account, const char *region,
			struct lambda_name *ret_name);

bool lambda_is_version(const char *qualifier); /* "$LATEST" or digits */

#endif
