/*
 * cgroup: a control group (v2) for one workload, where Weir may make one. Best effort: without it
 * the keeper alone holds a workload to its memory and processes, by looking.
 */
#ifndef ENGINE_CGROUP_H
#define ENGINE_CGROUP_H

#include "base/bytes.h"

enum { CGROUP_BYTES = 1024, CGROUP_OLD_SECONDS = 60 };

/* Makes the group of this folder, with limits where the kernel takes them; 0: none. */
bool cgroup_make(const char *folder, uint64_t memory_bytes, uint32_t processes_max,
		 uint32_t cpu_units, char out[CGROUP_BYTES]);
/* Removes it once it is empty; harmless when there is none. */
void cgroup_remove(const char *folder);

/*
 * Removes empty groups beside our own that some Weir left behind when it was killed: those that are
 * older than so many seconds (CGROUP_OLD_SECONDS), since another Weir may be about to fill a fresh
 * one.
 */
void cgroup_sweep(uint32_t old_seconds);

#endif
