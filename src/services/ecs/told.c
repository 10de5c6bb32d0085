/*
 * told: what an engine tells of a task's containers, noted in the task's record: where one is, that
 * it runs, how healthy it is, how it ended. Each ends with a look at the task (run.c).
 */
#include "services/ecs/ecs_internal.h"

#include <signal.h>
#include <stdio.h>

#include "base/log.h"

/* What stands before an engine's own words where nothing ran, as ECS has it. */
static const char *const not_run[] = {
	[WORKLOAD_NO_IMAGE] = "CannotPullContainerError",
	[WORKLOAD_NOT_CREATED] = "CannotCreateContainerError",
	[WORKLOAD_NOT_STARTED] = "CannotStartContainerError",
};

static err_t note_end(json_t *container, const struct workload_end *end)
{
	char words[600];

	TRY(put_true(container, "_ended"));
	TRY(put_text(container, "lastStatus", "STOPPED"));
	if (end->how < COUNT(not_run) && not_run[end->how]) {
		snprintf(words, sizeof words, "%s: %s", not_run[end->how], end->why);
		return put_text(container, "reason", words);
	}
	if (end->how == WORKLOAD_HOST_LOST)
		return put_text(container, "reason", end->why);
	TRY(put_number(container, "exitCode", (uint64_t)end->code));
	if (end->how == WORKLOAD_OUT_OF_MEMORY)
		return put_text(container, "reason",
				"OutOfMemoryError: Container killed due to memory usage");
	if (end->how == WORKLOAD_TOO_MANY)
		return put_text(container, "reason",
				"Container killed: it ran more processes than it may");
	if (end->how == WORKLOAD_LOST)
		return put_text(container, "reason", "Container killed from outside");
	return ERR_OK;
}

/* Killed between the note that it may start and its start: it may, still. */
static err_t start_again(json_t *task, json_t *container)
{
	struct workload_end lost = { .how = WORKLOAD_LOST, .code = 128 + SIGKILL };

	if (lifecycle_status_of(text_of(task, "lastStatus")) == TASK_PENDING)
		return put(container, "_asked", json_false());
	return note_end(container, &lost);
}

static void on_ended(void *owner, const struct workload_end *end)
{
	struct run_container *container = owner;
	struct run *run = container->run;
	json_t *task = NULL, *record;
	err_t err = record_read(run->ecs, KIND_TASK, run->id, &task);

	checks_end(container);
	container->starting = false;
	record = run_record(task, container->index);
	if (!err)
		err = end->how == WORKLOAD_NEVER ? start_again(task, record)
						 : note_end(record, end);
	if (!err)
		err = run_save(run, task);
	if (err && err != ERR_NOT_FOUND)
		log_error("ecs", "task %s: the end of a container could not be noted", run->id);
	/* Its engine keeps it until its end is ours to tell. */
	if (err)
		workload_release(container->workload);
	else
		workload_forget(container->workload);
	container->workload = NULL;
	json_decref(task);
	run_look_in(run, 0);
}

/* Its targets are known only now; what cannot be one cannot run either. */
static void on_placed(void *owner, const struct workload_place *place)
{
	struct run_container *container = owner;
	struct run *run = container->run;
	struct text why = TEXT_INIT(TARGETS_WHY_BYTES);
	json_t *task = NULL;
	err_t err = record_read(run->ecs, KIND_TASK, run->id, &task);

	if (!err)
		err = remote_place(run->ecs, task, container->index, place, &why);
	if (err == ERR_INVALID)
		err = task_ask_stop(run->ecs, task, "TaskFailedToStart", text_str(&why));
	if (!err)
		err = run_save(run, task);
	if (err)
		log_error("ecs", "task %s: where it runs could not be noted: %s", run->id,
			  err_words(err));
	text_fini(&why);
	json_decref(task);
}

static void on_started(void *owner)
{
	struct run_container *container = owner;
	struct run *run = container->run;
	json_t *task = NULL;

	container->starting = false;
	if (!record_read(run->ecs, KIND_TASK, run->id, &task) &&
	    !is_text(run_record(task, container->index), "lastStatus", "RUNNING"))
		if (run_note_running(run, task, container->index) || run_save(run, task))
			log_warn("ecs", "task %s: that a container runs is noted later", run->id);
	json_decref(task);
	run_look_in(run, 0);
}

static void on_health(void *owner, bool healthy)
{
	struct run_container *container = owner;
	json_t *definition = run_definition(container->run);

	/* An image's own check says nothing of its task, where ECS runs it. */
	if (!json_object_get(json_array_get(json_object_get(definition, "containerDefinitions"),
					    container->index),
			     "healthCheck"))
		return;
	run_set_health(container->run, container->index,
		       healthy ? CONTAINER_HEALTHY : CONTAINER_UNHEALTHY);
}

const struct workload_events launch_events = { .on_placed = on_placed,
					       .on_started = on_started,
					       .on_health = on_health,
					       .on_ended = on_ended };

void run_set_health(struct run *run, unsigned index, enum container_health health)
{
	static const char *const names[] = { "UNKNOWN", "UNKNOWN", "HEALTHY", "UNHEALTHY" };
	json_t *task = NULL, *container;
	bool all = true, bad = false;

	if (record_read(run->ecs, KIND_TASK, run->id, &task))
		return;
	container = run_record(task, index);
	if (!is_text(container, "healthStatus", names[health]) &&
	    !put_text(container, "healthStatus", names[health])) {
		for (unsigned i = 0; i < run->container_count; i++) {
			const json_t *defined = json_array_get(
				json_object_get(run->definition, "containerDefinitions"), i);

			if (!json_object_get(defined, "healthCheck") ||
			    !is_true(defined, "essential"))
				continue;
			all &= is_text(run_record(task, i), "healthStatus", "HEALTHY");
			bad |= is_text(run_record(task, i), "healthStatus", "UNHEALTHY");
		}
		put_text(task, "healthStatus", bad ? "UNHEALTHY" : all ? "HEALTHY" : "UNKNOWN");
		run_save(run, task);
	}
	json_decref(task);
	run_look_in(run, 0);
}
