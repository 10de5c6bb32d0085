#include "services/ecs/lifecycle.h"

static const char *const names[] = {
	[TASK_PENDING] = "PENDING",   [TASK_ACTIVATING] = "ACTIVATING",
	[TASK_RUNNING] = "RUNNING",   [TASK_DEACTIVATING] = "DEACTIVATING",
	[TASK_STOPPING] = "STOPPING", [TASK_DEPROVISIONING] = "DEPROVISIONING",
	[TASK_STOPPED] = "STOPPED",
};

const char *lifecycle_status_name(enum lifecycle_status status)
{
	return names[status];
}

enum lifecycle_status lifecycle_status_of(const char *name)
{
	for (unsigned i = 0; name && i < COUNT(names); i++)
		if (strcmp(names[i], name) == 0)
			return (enum lifecycle_status)i;
	return TASK_PENDING;
}

static struct lifecycle_step step(enum lifecycle_order order, unsigned index)
{
	return (struct lifecycle_step){ .order = order, .index = index };
}

static struct lifecycle_step enter(enum lifecycle_status status)
{
	return (struct lifecycle_step){ .order = LIFECYCLE_ENTER, .status = status };
}

/* ---- Starting ---- */

enum readiness { READY, NOT_YET, NEVER };

static bool is_there(const struct lifecycle_container *container)
{
	return container->state == CONTAINER_STARTING || container->state == CONTAINER_STARTED;
}

static enum readiness met(const struct lifecycle_container *other, enum dependency how)
{
	bool ended = other->state == CONTAINER_ENDED;

	switch (how) {
	case DEPENDS_START: return other->state == CONTAINER_STARTED || ended ? READY : NOT_YET;
	case DEPENDS_COMPLETE: return ended ? READY : NOT_YET;
	case DEPENDS_SUCCESS: return !ended ? NOT_YET : other->exit_code == 0 ? READY : NEVER;
	case DEPENDS_HEALTHY:
		return ended				      ? NEVER
		       : other->health == CONTAINER_HEALTHY   ? READY
		       : other->health == CONTAINER_UNHEALTHY ? NEVER
							      : NOT_YET;
	}
	return NEVER;
}

static enum readiness readiness(const struct lifecycle *task, unsigned index)
{
	const struct lifecycle_container *container = &task->containers[index];
	enum readiness worst = READY;

	for (unsigned i = 0; i < task->container_count; i++) {
		enum readiness one;

		if (!(container->needs & 1u << i))
			continue;
		one = met(&task->containers[i], (enum dependency)container->how[i]);
		if (one > worst)
			worst = one;
	}
	return worst;
}

static struct lifecycle_step start_next(const struct lifecycle *task)
{
	bool all = true;

	for (unsigned i = 0; i < task->container_count; i++) {
		if (task->containers[i].state == CONTAINER_STARTING)
			all = false;
		if (task->containers[i].state != CONTAINER_WAITING)
			continue;
		all = false;
		switch (readiness(task, i)) {
		case READY: return step(LIFECYCLE_START, i);
		case NEVER: return step(LIFECYCLE_FAIL_DEPENDENCY, i);
		case NOT_YET: break;
		}
	}
	return all ? enter(TASK_ACTIVATING) : step(LIFECYCLE_WAIT, 0);
}

static struct lifecycle_step activate(const struct lifecycle *task)
{
	if (!task->has_targets)
		return enter(TASK_RUNNING);
	if (!task->listening)
		return step(LIFECYCLE_KNOCK, 0);
	return task->registered ? enter(TASK_RUNNING) : step(LIFECYCLE_REGISTER, 0);
}

/* ---- Stopping ---- */

static bool somebody_needs(const struct lifecycle *task, unsigned index)
{
	for (unsigned i = 0; i < task->container_count; i++)
		if (is_there(&task->containers[i]) && task->containers[i].needs & 1u << index)
			return true;
	return false;
}

static struct lifecycle_step stop_next(const struct lifecycle *task)
{
	bool all = true;

	for (unsigned i = 0; i < task->container_count; i++) {
		const struct lifecycle_container *container = &task->containers[i];

		if (!is_there(container))
			continue;
		all = false;
		if (!container->stop_sent && !somebody_needs(task, i))
			return step(LIFECYCLE_SIGNAL, i);
	}
	return all ? enter(TASK_DEPROVISIONING) : step(LIFECYCLE_WAIT, 0);
}

static struct lifecycle_step wind_down(const struct lifecycle *task)
{
	switch (task->status) {
	case TASK_PENDING:
	case TASK_ACTIVATING:
	case TASK_RUNNING: return enter(task->registered ? TASK_DEACTIVATING : TASK_STOPPING);
	case TASK_DEACTIVATING:
		if (task->registered)
			return step(LIFECYCLE_DEREGISTER, 0);
		return task->drained ? enter(TASK_STOPPING) : step(LIFECYCLE_WAIT, 0);
	case TASK_STOPPING: return stop_next(task);
	case TASK_DEPROVISIONING:
		return task->delivered ? enter(TASK_STOPPED) : step(LIFECYCLE_DELIVER, 0);
	case TASK_STOPPED: break;
	}
	return step(LIFECYCLE_WAIT, 0);
}

struct lifecycle_step lifecycle_next(const struct lifecycle *task)
{
	if (task->stop)
		return wind_down(task);
	for (unsigned i = 0; i < task->container_count; i++)
		if (task->containers[i].essential && task->containers[i].state == CONTAINER_ENDED)
			return step(LIFECYCLE_FAIL_ESSENTIAL, i);
	switch (task->status) {
	case TASK_PENDING: return start_next(task);
	case TASK_ACTIVATING: return activate(task);
	default: return step(LIFECYCLE_WAIT, 0);
	}
}
