/*
 * regex_check: internal to the folder.
 */
#ifndef SERVICES_ELBV2_REGEX_CHECK_H
#define SERVICES_ELBV2_REGEX_CHECK_H

#include "api/api.h"

/* A ValidationError that names `what` ("regex value") and where the pattern goes wrong. */
err_t regex_check(struct api_call *call, const char *what, const char *pattern);

#endif
