/*
 * checks: container health checks: a command each interval, in the container's surroundings. Exit
 * code 0 is healthy; so many failures in a row, after the start period, are unhealthy.
 *
 * Docker looks for the first time when an interval is over. Here one look comes soon, since who
 * needs a healthy neighbour should not wait so long; if it fails it says nothing.
 */
#include "services/ecs/ecs_internal.h"

static json_t *check_of(const json_t *definition, unsigned index)
{
	return json_object_get(
		json_array_get(json_object_get(definition, "containerDefinitions"), index),
		"healthCheck");
}

bool is_shell_check(const json_t *command)
{
	const char *first = json_string_value(json_array_get(command, 0));

	return first && strcmp(first, "CMD-SHELL") == 0;
}

static void on_check_ended(void *owner, const struct workload_end *end);
static const struct workload_events events = { .on_ended = on_check_ended };

static void rearm(struct run_container *container, uint64_t ms)
{
	struct loop *loop = container->run->ecs->options.loop;

	timer_set(loop, &container->check_timer, loop_now_ms(loop) + ms);
}

static void conclude(struct run_container *container, bool good)
{
	struct run *run = container->run;
	json_t *definition = run_definition(run), *check = check_of(definition, container->index);
	uint64_t age = loop_now_ms(run->ecs->options.loop) - container->check_began_ms;
	uint64_t quiet = (uint64_t)number_of(check, "startPeriod", 0) * 1000;
	uint64_t interval = (uint64_t)number_of(check, "interval", 30) * 1000;
	bool early = container->check_is_early;

	container->check_is_early = false;
	rearm(container, !early ? interval : age < interval ? interval - age : 0);
	if (good) {
		container->check_failures = 0;
		run_set_health(run, container->index, CONTAINER_HEALTHY);
	} else if (early) {
		return;
	} else if (container->check_failures + 1 >= (unsigned)number_of(check, "retries", 3) &&
		   age >= quiet) {
		run_set_health(run, container->index, CONTAINER_UNHEALTHY);
	} else if (age >= quiet) {
		container->check_failures++;
	}
}

static void on_check_ended(void *owner, const struct workload_end *end)
{
	struct run_container *container = owner;

	workload_release(container->check);
	container->check = NULL;
	timer_cancel(&container->check_timer);
	conclude(container, end->how == WORKLOAD_EXITED && end->code == 0);
}

/* The interval is over, or the timeout of the check that runs. */
static void on_timer(struct timer *timer)
{
	struct run_container *container = container_of(timer, struct run_container, check_timer);
	struct run *run = container->run;
	json_t *definition, *task = NULL;

	if (container->check) {
		workload_kill(container->check); /* on_check_ended follows */
		return;
	}
	if (record_read(run->ecs, KIND_TASK, run->id, &task))
		return;
	definition = run_definition(run);
	if (launch_check(run, task, definition, container->index, &events, &container->check))
		conclude(container, false);
	else
		rearm(container,
		      (uint64_t)number_of(check_of(definition, container->index), "timeout", 5) *
			      1000);
	json_decref(task);
}

void checks_begin(struct run *run, unsigned index)
{
	struct run_container *container = &run->containers[index];
	json_t *check = check_of(run_definition(run), index);
	const char *first = json_string_value(json_array_get(json_object_get(check, "command"), 0));

	if (!check || strcmp(first, "NONE") == 0 || timer_armed(&container->check_timer))
		return;
	container->check_began_ms = loop_now_ms(run->ecs->options.loop);
	container->check_is_early = true;
	container->check_timer.on_expired = on_timer;
	rearm(container, CHECK_FIRST_MS);
}

void checks_end(struct run_container *container)
{
	timer_cancel(&container->check_timer);
	if (container->check)
		workload_kill(container->check);
	workload_release(container->check);
	container->check = NULL;
}
