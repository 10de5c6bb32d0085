/*
 * swarm: services of a Docker Swarm as workloads: what `docker` becomes with its option of that
 * name. Which machine runs what is the Swarm's own doing; nothing of ours schedules.
 *
 *   swarm_start ─► POST /services/create (one replica, never started again) ─► rounds …
 *   swarm_adopt ─► rounds …
 *
 * A round asks for the services of this installation, their tasks and the Swarm's nodes, and from
 * these three lists each workload learns how it is. There are rounds while there are workloads,
 * soon after one another while something comes or goes.
 *
 * The control loop's thread; nothing blocks.
 */
#ifndef ENGINE_SWARM_H
#define ENGINE_SWARM_H

#include "engine/docker.h"

struct swarm;

err_t swarm_create(struct docker *docker, struct swarm **ret_swarm);
void swarm_destroy(struct swarm *swarm); /* NULL is welcome */

/* Asks whether this engine may speak for a Swarm; docker_network_is hears of it. */
void swarm_open(struct swarm *swarm);
/* Where the Swarm's other machines reach this one; "" before swarm_open was answered. */
const char *swarm_address(const struct swarm *swarm);

/* As docker_start and docker_adopt. */
err_t swarm_start(struct swarm *swarm, const struct container_options *options,
		  const struct workload_events *events, void *owner,
		  struct workload **ret_workload);
err_t swarm_adopt(struct swarm *swarm, const char *name, const char *folder, uint32_t stop_ms,
		  const struct workload_events *events, void *owner,
		  struct workload **ret_workload);

#endif
