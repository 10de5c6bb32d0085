/*
 * docker_stats: what a container uses, as the engine at the socket measured it. Each look gives the
 * last answer and asks for the next one, so that nobody waits. The engine's loop.
 */
#ifndef ENGINE_DOCKER_STATS_H
#define ENGINE_DOCKER_STATS_H

#include "engine/docker_ask.h"
#include "engine/workload.h"

struct docker;

struct docker_stats {		/* all zero at first */
	struct docker_ask *ask; /* under way */
	struct workload_usage used;
	bool known;
};

/* `asks`: the container runs, so that it can be asked about. False: nothing is known. */
bool docker_stats_look(struct docker_stats *stats, struct docker *docker, const char *container,
		       bool asks, struct workload_usage *ret_usage);
void docker_stats_close(struct docker_stats *stats);

#endif
