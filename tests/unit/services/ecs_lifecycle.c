/* A task's life, an order at a time. */
#include "services/ecs/lifecycle.h"

#include "tests/check.h"

static struct lifecycle task;

static void begin(unsigned containers)
{
	task = (struct lifecycle){ .container_count = containers };
	for (unsigned i = 0; i < containers; i++)
		task.containers[i].essential = true;
}

static struct lifecycle_step next(void)
{
	return lifecycle_next(&task);
}

TEST(containers_start_then_targets_are_registered_when_they_listen)
{
	begin(1);
	task.has_targets = true;
	CHECK_EQ(next().order, LIFECYCLE_START);
	task.containers[0].state = CONTAINER_STARTED;
	CHECK_EQ(next().status, TASK_ACTIVATING);
	task.status = TASK_ACTIVATING;
	CHECK_EQ(next().order, LIFECYCLE_KNOCK);
	task.listening = true;
	CHECK_EQ(next().order, LIFECYCLE_REGISTER);
	task.registered = true;
	CHECK_EQ(next().status, TASK_RUNNING);
	task.status = TASK_RUNNING;
	CHECK_EQ(next().order, LIFECYCLE_WAIT);
}

TEST(a_task_that_stops_leaves_its_targets_before_it_is_asked_to_end)
{
	begin(1);
	task.status = TASK_RUNNING;
	task.registered = task.stop = true;
	task.containers[0].state = CONTAINER_STARTED;
	CHECK_EQ(next().status, TASK_DEACTIVATING);
	task.status = TASK_DEACTIVATING;
	CHECK_EQ(next().order, LIFECYCLE_DEREGISTER);
	task.registered = false;
	CHECK_EQ(next().order, LIFECYCLE_WAIT);
	task.drained = true;
	CHECK_EQ(next().status, TASK_STOPPING);
	task.status = TASK_STOPPING;
	CHECK_EQ(next().order, LIFECYCLE_SIGNAL);
	task.containers[0].stop_sent = true;
	CHECK_EQ(next().order, LIFECYCLE_WAIT);
	task.containers[0].state = CONTAINER_ENDED;
	CHECK_EQ(next().status, TASK_DEPROVISIONING);
	task.status = TASK_DEPROVISIONING;
	CHECK_EQ(next().order, LIFECYCLE_DELIVER);
	task.delivered = true;
	CHECK_EQ(next().status, TASK_STOPPED);
	task.status = TASK_STOPPED;
	CHECK_EQ(next().order, LIFECYCLE_WAIT);
}

TEST(one_that_never_started_anything_stops_without_ado)
{
	begin(2);
	task.stop = true;
	CHECK_EQ(next().status, TASK_STOPPING);
	task.status = TASK_STOPPING;
	CHECK_EQ(next().status, TASK_DEPROVISIONING);
}

/* needs: container 1 on container 0, by each condition; state, health, code of 0; what 1 does. */
TEST(who_depends_on_another_waits_for_what_it_asked_for)
{
	static const struct {
		enum dependency how;
		enum container_state state;
		enum container_health health;
		int code;
		enum lifecycle_order order;
	} rows[] = {
		{ DEPENDS_START, CONTAINER_STARTED, CONTAINER_UNKNOWN, 0, LIFECYCLE_START },
		{ DEPENDS_COMPLETE, CONTAINER_STARTED, CONTAINER_UNKNOWN, 0, LIFECYCLE_WAIT },
		{ DEPENDS_COMPLETE, CONTAINER_ENDED, CONTAINER_UNKNOWN, 3, LIFECYCLE_START },
		{ DEPENDS_SUCCESS, CONTAINER_ENDED, CONTAINER_UNKNOWN, 0, LIFECYCLE_START },
		{ DEPENDS_SUCCESS, CONTAINER_ENDED, CONTAINER_UNKNOWN, 3,
		  LIFECYCLE_FAIL_DEPENDENCY },
		{ DEPENDS_SUCCESS, CONTAINER_STARTED, CONTAINER_HEALTHY, 0, LIFECYCLE_WAIT },
		{ DEPENDS_HEALTHY, CONTAINER_STARTED, CONTAINER_UNKNOWN, 0, LIFECYCLE_WAIT },
		{ DEPENDS_HEALTHY, CONTAINER_STARTED, CONTAINER_HEALTHY, 0, LIFECYCLE_START },
		{ DEPENDS_HEALTHY, CONTAINER_STARTED, CONTAINER_UNHEALTHY, 0,
		  LIFECYCLE_FAIL_DEPENDENCY },
		{ DEPENDS_HEALTHY, CONTAINER_ENDED, CONTAINER_HEALTHY, 0,
		  LIFECYCLE_FAIL_DEPENDENCY },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		begin(2);
		task.containers[0].essential = false;
		task.containers[0].state = rows[i].state;
		task.containers[0].health = rows[i].health;
		task.containers[0].exit_code = rows[i].code;
		task.containers[1].needs = 1;
		task.containers[1].how[0] = (uint8_t)rows[i].how;
		CHECK_EQ(next().order, rows[i].order, "row %zu", i);
	}
}

TEST(those_that_depend_stop_first)
{
	begin(2);
	task.stop = true;
	task.status = TASK_STOPPING;
	task.containers[0].state = task.containers[1].state = CONTAINER_STARTED;
	task.containers[1].needs = 1;
	CHECK_EQ(next().order, LIFECYCLE_SIGNAL);
	CHECK_EQ(next().index, 1);
	task.containers[1].stop_sent = true;
	CHECK_EQ(next().order, LIFECYCLE_WAIT);
	task.containers[1].state = CONTAINER_ENDED;
	CHECK_EQ(next().index, 0);
}

TEST(the_end_of_an_essential_container_is_the_end_of_the_task_and_of_another_is_not)
{
	for (enum lifecycle_status status = TASK_PENDING; status <= TASK_RUNNING; status++) {
		begin(2);
		task.status = status;
		task.containers[0].essential = false;
		task.containers[0].state = CONTAINER_ENDED;
		task.containers[1].state = CONTAINER_STARTED;
		CHECK(next().order != LIFECYCLE_FAIL_ESSENTIAL);
		task.containers[0].essential = true;
		CHECK_EQ(next().order, LIFECYCLE_FAIL_ESSENTIAL);
	}
}

TEST(names_come_back_as_what_they_were)
{
	for (enum lifecycle_status status = TASK_PENDING; status <= TASK_STOPPED; status++)
		CHECK_EQ(lifecycle_status_of(lifecycle_status_name(status)), status);
	CHECK_EQ(lifecycle_status_of("PROVISIONING"), TASK_PENDING);
	CHECK_EQ(lifecycle_status_of(NULL), TASK_PENDING);
}
