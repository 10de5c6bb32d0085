/* Schedules as users write them: whatever parses has a next time that lies ahead. */
#include "services/autoscaling/schedule.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint64_t now_s = 1790000000;
	struct schedule schedule;
	uint64_t next;

	if (schedule_parse(bytes_make(data, size), &schedule))
		return 0;
	next = schedule_next(&schedule, now_s, now_s);
	if (next && next <= now_s)
		abort();
	return 0;
}
