#include "services/units.h"

#include <stddef.h>
#include <string.h>

const char *const metric_units[METRIC_UNITS + 1] = {
	"None",
	"Seconds",
	"Microseconds",
	"Milliseconds",
	"Bytes",
	"Kilobytes",
	"Megabytes",
	"Gigabytes",
	"Terabytes",
	"Bits",
	"Kilobits",
	"Megabits",
	"Gigabits",
	"Terabits",
	"Percent",
	"Count",
	"Bytes/Second",
	"Kilobytes/Second",
	"Megabytes/Second",
	"Gigabytes/Second",
	"Terabytes/Second",
	"Bits/Second",
	"Kilobits/Second",
	"Megabits/Second",
	"Gigabits/Second",
	"Terabits/Second",
	"Count/Second",
	NULL,
};

bool metric_unit_known(const char *unit)
{
	for (const char *const *known = metric_units; *known; known++)
		if (strcmp(*known, unit) == 0)
			return true;
	return false;
}
