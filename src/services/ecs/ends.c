/*
 * ends: what a task ended with, in a sentence for its service.
 */
#include "services/ecs/ecs_internal.h"

#include <signal.h>
#include <stdio.h>

/* One that says why, else one that failed by itself, else one that ended. */
static const json_t *culprit_of(const json_t *task)
{
	enum { KILLED = 128 + SIGKILL, ASKED = 128 + SIGTERM };
	const json_t *found = NULL;
	json_t *container;
	size_t i;

	json_array_foreach (json_object_get(task, "containers"), i, container) {
		int64_t code = number_of(container, "exitCode", -1);

		if (text_of(container, "reason")[0])
			return container;
		if (code >= 0 && (!found || (code && code != KILLED && code != ASKED)))
			found = container;
	}
	return found;
}

const char *task_end_words(const json_t *task, char out[TASK_END_BYTES])
{
	const char *words = text_of(task, "stoppedReason");
	const json_t *culprit = is_text(task, "stopCode", "EssentialContainerExited")
					? culprit_of(task)
					: NULL;
	const char *reason = text_of(culprit, "reason");

	if (reason[0])
		snprintf(out, TASK_END_BYTES, "%s (container %s: %s)", words,
			 text_of(culprit, "name"), reason);
	else if (culprit)
		snprintf(out, TASK_END_BYTES, "%s (container %s: exit code %lld)", words,
			 text_of(culprit, "name"), (long long)number_of(culprit, "exitCode", 0));
	else
		snprintf(out, TASK_END_BYTES, "%s", words);
	return out;
}
