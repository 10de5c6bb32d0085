/*
 * fronts: the doors through which the API is called: the one of --api, and one for containers,
 * which do not reach a loopback address of this machine.
 */
#ifndef APP_FRONTS_H
#define APP_FRONTS_H

#include "app/weir.h"

/* Takes the listening descriptor over, also on failure. */
err_t front_open(struct weir *weir, int fd);

/*
 * For struct ecs_options: the network of containers is there. The API answers at its gateway, and
 * only to who signs, whatever --auth says: what runs in a container is less trusted than this
 * machine's users. Containers that start from now on are told where.
 */
void front_open_to_tasks(void *owner, const char *address);

#endif
