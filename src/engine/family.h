/*
 * family: a process and all that descends from it, as /proc has them now. For the keeper, which
 * holds its program to limits, and for whoever wants to know what a workload uses. Any thread.
 */
#ifndef ENGINE_FAMILY_H
#define ENGINE_FAMILY_H

#include <stdint.h>
#include <sys/types.h>

/* Those that descend from `root`, without it; at most `max`. */
unsigned family_of(pid_t root, pid_t *out, unsigned max);
uint64_t family_memory(pid_t pid); /* its own bytes in memory, without what is shared */
uint64_t family_cpu_us(pid_t pid); /* its processor time, with that of children it has reaped */

#endif
