/*
 * run: a task that is not stopped: its programs, timers and what was seen of it. What counts is in
 * its record; each step reads that, asks lifecycle.h what is next, does it, and writes it down.
 */
#include "services/ecs/ecs_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

enum {
	STEPS_MAX = 64, /* of one look */
	DRAIN_LOOK_MS = 250,
	OUTPUT_MS = 200,
	RETRY_MS = 1000, /* after a store or a service failed us */
};

struct run *run_find(struct ecs *ecs, const char *id)
{
	list_for_each (&ecs->runs, node) {
		struct run *run = container_of(node, struct run, link);

		if (strcmp(run->id, id) == 0)
			return run;
	}
	return NULL;
}

void run_folder(const struct ecs *ecs, const char *id, const char *container, char out[4096])
{
	snprintf(out, 4096, "%s/tasks/%s%s%s", ecs->options.data, id, container ? "/" : "",
		 container ? container : "");
}

json_t *run_definition(struct run *run)
{
	json_t *task = NULL;

	if (run->definition || record_read(run->ecs, KIND_TASK, run->id, &task))
		return run->definition;
	if (record_read(run->ecs, KIND_DEFINITION, name_in_arn(text_of(task, "taskDefinitionArn")),
			&run->definition))
		run->definition = NULL;
	json_decref(task);
	return run->definition;
}

void run_look_in(struct run *run, uint64_t ms)
{
	struct loop *loop = run->ecs->options.loop;

	timer_set(loop, &run->step, loop_now_ms(loop) + ms);
}

json_t *run_record(const json_t *task, unsigned index)
{
	return json_array_get(json_object_get(task, "containers"), index);
}

err_t run_save(struct run *run, json_t *task)
{
	err_t err;

	run->unsaved = false;
	TRY(put_number(task, "version", (uint64_t)number_of(task, "version", 0) + 1));
	err = record_write(run->ecs, KIND_TASK, run->id, task_cluster(task), task);
	if (err)
		log_error("ecs", "task %s cannot be saved: %s", run->id, err_words(err));
	return err;
}

/* ---- How it is: the record, and what is seen, as lifecycle.h wants it ---- */

static void see_dependencies(const json_t *definition, struct lifecycle *life, unsigned index)
{
	static const char *const names[] = { "START", "COMPLETE", "SUCCESS", "HEALTHY" };
	json_t *all = json_object_get(definition, "containerDefinitions"), *one;
	size_t i;

	json_array_foreach (json_object_get(json_array_get(all, index), "dependsOn"), i, one)
		for (unsigned k = 0; k < life->container_count; k++) {
			if (!is_text(json_array_get(all, k), "name", text_of(one, "containerName")))
				continue;
			life->containers[index].needs |= (uint16_t)(1u << k);
			for (unsigned how = 0; how < COUNT(names); how++)
				if (is_text(one, "condition", names[how]))
					life->containers[index].how[k] = (uint8_t)how;
		}
}

static enum container_health health_of(const json_t *container)
{
	return is_text(container, "healthStatus", "HEALTHY")	 ? CONTAINER_HEALTHY
	       : is_text(container, "healthStatus", "UNHEALTHY") ? CONTAINER_UNHEALTHY
								 : CONTAINER_UNKNOWN;
}

static void see(struct run *run, const json_t *task, struct lifecycle *life)
{
	*life = (struct lifecycle){
		.status = lifecycle_status_of(text_of(task, "lastStatus")),
		.stop = is_text(task, "desiredStatus", "STOPPED"),
		.has_targets = json_array_size(json_object_get(task, "_targets")) > 0,
		.listening = run->listening,
		/* At Weir's own end the balancer is gone: targets leave at the next start. */
		.registered = is_true(task, "_registered") && !run->ecs->stopping,
		.drained = run->drained,
		.delivered = run->delivered,
		.container_count = run->container_count,
	};
	for (unsigned i = 0; i < run->container_count; i++) {
		const json_t *container = run_record(task, i);
		struct lifecycle_container *out = &life->containers[i];

		out->state = is_true(container, "_ended")    ? CONTAINER_ENDED
			     : !is_true(container, "_asked") ? CONTAINER_WAITING
			     : run->containers[i].starting   ? CONTAINER_STARTING
							     : CONTAINER_STARTED;
		out->health = health_of(container);
		out->exit_code = (int)number_of(container, "exitCode", 0);
		out->stop_sent = run->containers[i].stop_sent;
		out->essential = is_true(
			json_array_get(json_object_get(run->definition, "containerDefinitions"), i),
			"essential");
		see_dependencies(run->definition, life, i);
	}
}

/* ---- Orders ---- */

enum outcome { AGAIN, WAIT, GONE };

static enum outcome retry(struct run *run)
{
	run_look_in(run, RETRY_MS);
	return WAIT;
}

/* Why it never started, where `docker` would say it: the container's reason and the task's. */
static enum outcome fail_start(struct run *run, json_t *task, unsigned index, const char *why)
{
	json_t *container = run_record(task, index);

	if (put_text(container, "reason", why) || put_text(container, "lastStatus", "STOPPED") ||
	    put_true(container, "_ended") || put_true(container, "_asked") ||
	    task_ask_stop(run->ecs, task, "TaskFailedToStart", why) || run_save(run, task))
		return retry(run);
	return AGAIN;
}

static bool checks_itself(const json_t *task, unsigned index)
{
	return is_boxed(run_record(task, index));
}

err_t run_note_running(struct run *run, json_t *task, unsigned index)
{
	TRY(put_text(run_record(task, index), "lastStatus", "RUNNING"));
	run->unsaved = true; /* mostly what follows says more, and is saved with it */
	if (!checks_itself(task, index))
		checks_begin(run, index);
	return ERR_OK;
}

static enum outcome note_running(struct run *run, json_t *task, unsigned index)
{
	return run_note_running(run, task, index) ? retry(run) : AGAIN;
}

static enum outcome start(struct run *run, json_t *task, unsigned index)
{
	json_t *container = run_record(task, index);
	struct text why = TEXT_INIT(8192);
	enum outcome outcome = AGAIN;
	err_t err;

	if (!launch_is_ready(run, task, index))
		return WAIT;
	/* First the note that it may run: after a crash its folder says whether it does. */
	if (!json_object_get(task, "pullStartedAt") &&
	    put_number(task, "pullStartedAt", ecs_now_ms(run->ecs)))
		return retry(run);
	if (put_text(task, "lastStatus", "PENDING") || put_true(container, "_asked") ||
	    run_save(run, task))
		return retry(run);
	err = launch_container(run, task, run->definition, index, &why);
	if (err == ERR_INVALID)
		outcome = fail_start(run, task, index, text_str(&why));
	else if (err)
		outcome = fail_start(run, task, index, err_words(err));
	else if (!run->containers[index].starting)
		outcome = note_running(run, task, index);
	text_fini(&why);
	return outcome;
}

/* ---- Targets ---- */

static bool is_targets(const json_t *task, unsigned index)
{
	return find_in(json_object_get(task, "_targets"), "container",
		       text_of(run_record(task, index), "name")) != NULL;
}

static enum outcome await_answer(struct run *run, const json_t *task)
{
	run->listening = knock(run, task);
	return run->listening ? AGAIN : WAIT;
}

/* One event for each group; the service may be gone by now. */
static void say_targets(struct run *run, const json_t *task, const char *what)
{
	json_t *service = NULL, *target;
	size_t i;

	if (!run->service || record_read(run->ecs, KIND_SERVICE, run->service, &service))
		return;
	json_array_foreach (json_object_get(task, "_targets"), i, target)
		service_event(run->ecs, service, "%s 1 targets in (target-group %s)", what,
			      text_of(target, "group"));
	if (record_write(run->ecs, KIND_SERVICE, run->service, task_cluster(task), service))
		log_warn("ecs", "service %s: an event is lost", run->service);
	json_decref(service);
}

static enum outcome register_task(struct run *run, json_t *task)
{
	char why[TARGETS_WHY_BYTES];

	if (targets_register(run->ecs, task, why)) {
		if (task_ask_stop(run->ecs, task, "TaskFailedToStart", why) || run_save(run, task))
			return retry(run);
		return AGAIN;
	}
	if (put_true(task, "_registered") || run_save(run, task))
		return retry(run);
	say_targets(run, task, "registered");
	return AGAIN;
}

static enum outcome deregister(struct run *run, json_t *task)
{
	targets_deregister(run->ecs, task);
	if (put(task, "_registered", json_false()) || run_save(run, task))
		return retry(run);
	say_targets(run, task, "deregistered");
	return AGAIN;
}

/* Who is dead has no one to finish with: its streams are cut already. */
static bool answers_nobody(const struct run *run, const json_t *task)
{
	for (unsigned i = 0; i < run->container_count; i++)
		if (is_targets(task, i) && !is_true(run_record(task, i), "_ended"))
			return false;
	return true;
}

static enum outcome wait(struct run *run, const json_t *task, const struct lifecycle *life)
{
	if (life->status != TASK_DEACTIVATING || life->registered)
		return WAIT;
	if (answers_nobody(run, task) || targets_gone(run->ecs, task)) {
		run->drained = true;
		return AGAIN;
	}
	run_look_in(run, DRAIN_LOOK_MS);
	return WAIT;
}

static enum outcome stop_container(struct run *run, json_t *task, unsigned index)
{
	struct run_container *container = &run->containers[index];

	container->stop_sent = true;
	checks_end(container);
	if (container->workload) {
		workload_stop(container->workload);
		return AGAIN;
	}
	/* Asked for, and nothing there: it never came to run. */
	if (put_true(run_record(task, index), "_ended") || run_save(run, task))
		return retry(run);
	return AGAIN;
}

/* ---- Ends ---- */

static enum outcome fail_essential(struct run *run, json_t *task, unsigned index)
{
	json_t *container = run_record(task, index);
	const char *reason = text_of(container, "reason");
	bool started = json_object_get(container, "exitCode") != NULL;
	bool lost = bytes_starts(bytes_of(reason), BYTES("Host ("));
	char words[1024];

	if (started)
		snprintf(words, sizeof words, "Essential container in task exited");
	else
		snprintf(words, sizeof words, "%s",
			 reason[0] ? reason : "CannotStartContainerError");
	if (task_ask_stop(run->ecs, task,
			  started ? "EssentialContainerExited"
			  : lost  ? "TerminationNotice"
				  : "TaskFailedToStart",
			  words) ||
	    run_save(run, task))
		return retry(run);
	return AGAIN;
}

static enum outcome fail_dependency(struct run *run, json_t *task, unsigned index)
{
	char words[512];

	snprintf(words, sizeof words,
		 "Container '%.200s' cannot start: a container that it depends on failed",
		 text_of(run_record(task, index), "name"));
	return fail_start(run, task, index, words);
}

static enum outcome enter(struct run *run, json_t *task, enum lifecycle_status status)
{
	uint64_t now = ecs_now_ms(run->ecs);
	const char *stamp = NULL;
	char network[DOCKER_NAME_BYTES];

	if (status == TASK_ACTIVATING)
		stamp = "pullStoppedAt";
	else if (status == TASK_RUNNING)
		stamp = "startedAt";
	else if (status == TASK_DEPROVISIONING)
		stamp = "executionStoppedAt";
	else if (status == TASK_STOPPED)
		stamp = "stoppedAt";
	if (put_text(task, "lastStatus", lifecycle_status_name(status)) ||
	    (stamp && put_number(task, stamp, now)))
		return retry(run);
	if (status == TASK_RUNNING && (put_text(task, "connectivity", "CONNECTED") ||
				       put_number(task, "connectivityAt", now)))
		return retry(run);
	for (unsigned i = 0; status == TASK_STOPPED && i < run->container_count; i++)
		if (put_text(run_record(task, i), "lastStatus", "STOPPED"))
			return retry(run);
	if (run_save(run, task))
		return retry(run);
	if (status != TASK_STOPPED)
		return AGAIN;
	places_free(run->ecs, task);
	if (run->ecs->docker && docker_sharing(task, network))
		docker_end_sharing(run->ecs->docker, network);
	return GONE;
}

static enum outcome deliver(struct run *run)
{
	/* A piece at a time: a container that wrote a lot must not hold up everyone. */
	if (!output_deliver(run, run->definition, true)) {
		run->delivered = true;
		return AGAIN;
	}
	run_look_in(run, 0);
	return WAIT;
}

static enum outcome obey(struct run *run, json_t *task, const struct lifecycle *life,
			 struct lifecycle_step step)
{
	switch (step.order) {
	case LIFECYCLE_WAIT: return wait(run, task, life);
	case LIFECYCLE_START: return start(run, task, step.index);
	case LIFECYCLE_ENTER: return enter(run, task, step.status);
	case LIFECYCLE_KNOCK: return await_answer(run, task);
	case LIFECYCLE_REGISTER: return register_task(run, task);
	case LIFECYCLE_DEREGISTER: return deregister(run, task);
	case LIFECYCLE_SIGNAL: return stop_container(run, task, step.index);
	case LIFECYCLE_DELIVER: return deliver(run);
	case LIFECYCLE_FAIL_ESSENTIAL: return fail_essential(run, task, step.index);
	case LIFECYCLE_FAIL_DEPENDENCY: return fail_dependency(run, task, step.index);
	}
	return WAIT;
}

static void on_step(struct timer *timer)
{
	struct run *run = container_of(timer, struct run, step);
	enum outcome outcome = AGAIN;
	struct lifecycle life;
	json_t *task = NULL;

	if (record_read(run->ecs, KIND_TASK, run->id, &task) || !run_definition(run)) {
		/* Its record is gone: a reset. Nobody wants it any more. */
		json_decref(task);
		run_kill(run);
		run_destroy(run);
		return;
	}
	for (unsigned i = 0; i < STEPS_MAX && outcome == AGAIN; i++) {
		see(run, task, &life);
		outcome = obey(run, task, &life, lifecycle_next(&life));
	}
	if (run->unsaved && outcome != GONE && run_save(run, task))
		run_look_in(run, RETRY_MS);
	json_decref(task);
	if (outcome == GONE) {
		ecs_note_stopped(run->ecs, run);
		run_destroy(run);
	} else if (outcome == AGAIN) {
		run_look_in(run, 0);
	}
}

static void on_output(struct timer *timer)
{
	struct run *run = container_of(timer, struct run, output_timer);

	if (run_definition(run))
		output_deliver(run, run->definition, false);
	timer_set(run->ecs->options.loop, timer, loop_now_ms(run->ecs->options.loop) + OUTPUT_MS);
}

/* ---- Life ---- */

/* What was asked to start before we were killed: it runs, it ended, or it never came to be. */
static err_t take_up(struct run *run, json_t *task)
{
	bool changed = false;

	for (unsigned i = 0; i < run->container_count; i++) {
		json_t *record = run_record(task, i);
		err_t err;

		if (!is_true(record, "_asked") || is_true(record, "_ended"))
			continue;
		err = launch_adopt(run, task, run->definition, i);
		if (err && err != ERR_NOT_FOUND)
			return err;
		if (err) {
			TRY(put(record, "_asked", json_false()));
			changed = true;
		} else if (!checks_itself(task, i)) {
			checks_begin(run, i);
		}
	}
	return changed ? run_save(run, task) : ERR_OK;
}

static err_t run_create(struct ecs *ecs, const char *id, json_t *task)
{
	struct run *run = calloc(1, sizeof *run);
	const char *service = text_of(task, "_service");

	if (!run)
		return ERR_NOMEM;
	run->ecs = ecs;
	snprintf(run->id, sizeof run->id, "%s", id);
	run->service = service[0] ? bytes_dup(bytes_of(service)) : NULL;
	run->step.on_expired = on_step;
	run->output_timer.on_expired = on_output;
	run->container_count = (unsigned)json_array_size(json_object_get(task, "containers"));
	assert(run->container_count <= LIFECYCLE_CONTAINERS_MAX);
	list_append(&ecs->runs, &run->link);
	places_take(ecs, task);
	for (unsigned i = 0; i < run->container_count; i++) {
		run->containers[i].run = run;
		run->containers[i].index = i;
		output_begin(run, i, text_of(run_record(task, i), "name"));
	}
	if (run_definition(run) && take_up(run, task))
		log_error("ecs", "task %s cannot be taken up", id);
	timer_set(ecs->options.loop, &run->output_timer,
		  loop_now_ms(ecs->options.loop) + OUTPUT_MS);
	run_look_in(run, 0);
	return ERR_OK;
}

void run_wake(struct ecs *ecs, const char *id)
{
	struct run *run = run_find(ecs, id);

	if (run)
		run_look_in(run, 0);
}

err_t run_take(struct ecs *ecs, json_t *task)
{
	const char *id = task_id(task);

	if (run_find(ecs, id) || is_text(task, "lastStatus", "STOPPED"))
		return ERR_OK;
	return run_create(ecs, id, task);
}

void run_destroy(struct run *run)
{
	timer_cancel(&run->step);
	timer_cancel(&run->output_timer);
	for (unsigned i = 0; i < run->container_count; i++) {
		checks_end(&run->containers[i]);
		knock_end(&run->containers[i]);
		images_free(run->containers[i].image);
		workload_release(run->containers[i].workload);
	}
	list_remove(&run->link);
	json_decref(run->definition);
	json_decref(run->keys);
	free(run->service);
	free(run);
}

void run_kill(struct run *run)
{
	for (unsigned i = 0; i < run->container_count; i++)
		if (run->containers[i].workload)
			workload_kill(run->containers[i].workload);
}
