/*
 * lifecycle: what a task needs next. Pure.
 *
 *   PENDING ─► ACTIVATING ─► RUNNING ─► DEACTIVATING ─► STOPPING ─► DEPROVISIONING ─► STOPPED
 *   containers  targets                  targets drain   containers   what they wrote
 *   start in    are                      and are         stop, those  is delivered
 *   order       registered               deregistered    that depend
 *                                                        first
 *
 * Every order may be given again after a crash: starting a container that runs, registering a
 * target that is registered, stopping what has ended do nothing.
 */
#ifndef SERVICES_ECS_LIFECYCLE_H
#define SERVICES_ECS_LIFECYCLE_H

#include "base/bytes.h"

enum { LIFECYCLE_CONTAINERS_MAX = 10 };

enum lifecycle_status {
	TASK_PENDING,
	TASK_ACTIVATING,
	TASK_RUNNING,
	TASK_DEACTIVATING,
	TASK_STOPPING,
	TASK_DEPROVISIONING,
	TASK_STOPPED,
};
const char *lifecycle_status_name(enum lifecycle_status status);
enum lifecycle_status lifecycle_status_of(const char *name); /* PROVISIONING is PENDING */

enum container_state {
	CONTAINER_WAITING,
	CONTAINER_STARTING, /* asked for; its engine still fetches or makes it */
	CONTAINER_STARTED,
	CONTAINER_ENDED
};
enum container_health {
	CONTAINER_UNCHECKED,
	CONTAINER_UNKNOWN,
	CONTAINER_HEALTHY,
	CONTAINER_UNHEALTHY
};
enum dependency { DEPENDS_START, DEPENDS_COMPLETE, DEPENDS_SUCCESS, DEPENDS_HEALTHY };

struct lifecycle_container {
	enum container_state state;
	enum container_health health;
	bool essential;
	bool stop_sent;
	int exit_code;
	uint16_t needs;			       /* a bit for each container it depends on */
	uint8_t how[LIFECYCLE_CONTAINERS_MAX]; /* enum dependency, by the same index */
};

struct lifecycle {
	enum lifecycle_status status;
	bool stop;	  /* desiredStatus is STOPPED */
	bool has_targets; /* it belongs behind a load balancer */
	bool listening;	  /* its ports take connections, or have been waited for long enough */
	bool registered;  /* RegisterTargets was asked */
	bool drained;	  /* its targets have left, or nobody is left to answer */
	bool delivered;	  /* what its containers wrote */
	struct lifecycle_container containers[LIFECYCLE_CONTAINERS_MAX];
	unsigned container_count;
};

enum lifecycle_order {
	LIFECYCLE_WAIT,
	LIFECYCLE_START, /* container `index` */
	LIFECYCLE_ENTER, /* go to `status` */
	LIFECYCLE_KNOCK, /* see whether the ports take connections */
	LIFECYCLE_REGISTER,
	LIFECYCLE_DEREGISTER,
	LIFECYCLE_SIGNAL, /* ask container `index` to stop */
	LIFECYCLE_DELIVER,
	LIFECYCLE_FAIL_ESSENTIAL,  /* container `index` ended, and the task with it */
	LIFECYCLE_FAIL_DEPENDENCY, /* container `index` can never start */
};

struct lifecycle_step {
	enum lifecycle_order order;
	unsigned index;
	enum lifecycle_status status;
};

struct lifecycle_step lifecycle_next(const struct lifecycle *task);

#endif
