/*
 * docker_owner: the container that owns a task's network. The others of the task join it, as they
 * do on AWS: so they meet on 127.0.0.1, and may start and end in any order. Its image is one of
 * ours, with one program (weir-pause): no registry is asked.
 */
#ifndef ENGINE_DOCKER_OWNER_H
#define ENGINE_DOCKER_OWNER_H

#include "engine/docker_internal.h"

/* Waits for an owner; on_owner runs once, on a later turn, `why` "" when it runs. */
struct docker_owner_waiter {
	struct list_node link;
	void (*on_owner)(struct docker_owner_waiter *waiter, const char *why);
};

/*
 * Sees to it that the container `name` runs, which `body` makes when it is missing. One question
 * at a time, whoever asks. ERR_NOMEM.
 */
err_t docker_need_owner(struct docker *docker, const char *name, const struct text *body,
			struct docker_owner_waiter *waiter);
/* Those under way, and removals; who waited hears nothing. */
void docker_owners_cancel(struct docker *docker);

/* The body of its creation, from what a container that joins it was given. */
err_t docker_owner_body(const struct container_options *joining, const char *installation,
			struct text *out);

#endif
