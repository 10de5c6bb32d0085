/*
 * units: the units of metrics, in CloudWatch's words: what puts data points, and what makes them
 * of log events, knows no others.
 */
#ifndef SERVICES_UNITS_H
#define SERVICES_UNITS_H

#include <stdbool.h>

enum { METRIC_UNITS = 27 };
extern const char *const metric_units[METRIC_UNITS + 1]; /* "None" first; NULL at the end */

bool metric_unit_known(const char *unit);

#endif
