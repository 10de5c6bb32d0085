/*
 * One container, from its image to its end. Each step is one question; what the engine answers
 * to GET /containers/NAME/json decides what comes next, whatever we asked for before.
 *
 *   image? ─► (pull) ─► network ─► create ─► look ─► start ─► look ─► runs: look now and then
 *                        adopt ──────────────┘                  │
 *                                            ended: the rest of its output, then on_ended
 */
#include "engine/docker_container.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

enum {
	BODY_BYTES = 1024 * 1024,
	RETRY_MS = 1000,
	LOOK_MS = 15 * 1000,	   /* its end is heard from its output; this is for the rest */
	LOOK_CHECKED_MS = 1000,	   /* so soon its health check is heard */
	EOF_LOOK_MS = 5,	   /* after its output ended; doubled while it runs on */
	LAST_OUTPUT_MS = 5 * 1000, /* that its end waits for the rest of its output */
	STOP_EXTRA_MS = 10 * 1000, /* after which a stop is asked for again */
};

static struct container *container_of_workload(struct workload *workload)
{
	return container_of(workload, struct container, workload);
}

bool container_has_name(const struct list_node *link, const char *name)
{
	return strcmp(container_of(link, struct container, link)->name, name) == 0;
}

/* ---- Asking ---- */

static void look_in(struct container *container, uint64_t ms)
{
	struct loop *loop = container->docker->options.loop;

	timer_set(loop, &container->timer, loop_now_ms(loop) + ms);
}

/* Tells on a later turn: the asking itself could not be done. */
void container_fail_soon(struct container *container, enum workload_how how, const char *why)
{
	container->end = (struct workload_end){ .how = how };
	snprintf(container->end.why, sizeof container->end.why, "%s", why);
	container->ended = container->logs_done = true;
	look_in(container, 0);
}

void container_ask(struct container *container, const char *method, const char *path,
		   const struct text *json, uint32_t silent_ms,
		   const struct docker_ask_events *events)
{
	err_t err;

	assert(!container->step);
	err = docker_send(container->docker, method, path, json, silent_ms, events, container,
			  &container->step);
	if (err)
		container_fail_soon(container, WORKLOAD_NOT_CREATED, err_words(err));
}

static void ask_it(struct container *container, const char *method, const char *what,
		   uint32_t silent_ms, const struct docker_ask_events *events)
{
	char path[CONTAINER_PATH_BYTES];

	snprintf(path, sizeof path, "/containers/%s%s", container->name, what);
	container_ask(container, method, path, NULL, silent_ms, events);
}

/* Asked, and not waited for: what became of it the next look says. */
static void tell_it(struct container *container, const char *method, const char *what,
		    uint32_t silent_ms)
{
	char path[CONTAINER_PATH_BYTES];

	snprintf(path, sizeof path, "/containers/%s%s", container->name, what);
	if (docker_send(container->docker, method, path, NULL, silent_ms, NULL, NULL, NULL))
		log_warn("engine", "container %s: out of memory; it is asked again later",
			 container->name);
}

/* ---- Its end ---- */

/* The owner may free the container in there. */
static void tell_end(struct container *container)
{
	timer_cancel(&container->timer);
	docker_output_stop(&container->output);
	docker_ask_cancel(container->step);
	container->step = NULL;
	container->events->on_ended(container->owner, &container->end);
}

void container_fail(struct container *container, enum workload_how how, const char *why)
{
	container->end = (struct workload_end){ .how = how };
	snprintf(container->end.why, sizeof container->end.why, "%s", why);
	container->ended = container->logs_done = true;
	tell_end(container);
}

static void end_by_state(struct container *container)
{
	const struct docker_state *state = &container->state;
	enum workload_how how = state->out_of_memory ? WORKLOAD_OUT_OF_MEMORY : WORKLOAD_EXITED;

	if (!state->started_once && state->error[0])
		how = WORKLOAD_NOT_STARTED;
	container->end = (struct workload_end){ .how = how, .code = state->code };
	snprintf(container->end.why, sizeof container->end.why, "%s", state->error);
	container->ended = true;
}

/* ---- Its output ---- */

static void on_output_ended(void *owner, enum docker_output_end how)
{
	struct container *container = owner;

	if (container->output.heard)
		container->eof_ms = EOF_LOOK_MS;
	container->output.heard = false;
	/* Whole, and it has ended: that was all of it. */
	if (how == OUTPUT_UNREADABLE || (how == OUTPUT_WHOLE && container->ended))
		container->logs_done = true;
	if (container->ended && container->logs_done) {
		tell_end(container);
		return;
	}
	look_in(container, container->eof_ms);
	if (container->eof_ms < RETRY_MS)
		container->eof_ms *= 2;
}

static void follow_output(struct container *container)
{
	err_t err = container->logs_done ? ERR_OK : docker_output_read(&container->output, true);

	if (err == ERR_NOT_FOUND)
		container->logs_done = true;
	else if (err)
		look_in(container, RETRY_MS);
}

/* ---- Looking ---- */

static void ask_stop(struct container *container)
{
	uint64_t now = loop_now_ms(container->docker->options.loop);
	char what[32];

	if (container->stop_asked_ms &&
	    now < container->stop_asked_ms + container->stop_ms + STOP_EXTRA_MS)
		return;
	container->stop_asked_ms = now;
	snprintf(what, sizeof what, "/stop?t=%u", container->stop_ms / 1000);
	tell_it(container, "POST", what, container->stop_ms + DOCKER_SILENT_MS);
}

static void note_health(struct container *container)
{
	bool known = container->state.healthy || container->state.unhealthy;

	if (!known || (container->health_told && container->healthy == container->state.healthy))
		return;
	container->health_told = true;
	container->healthy = container->state.healthy;
	if (container->events->on_health)
		container->events->on_health(container->owner, container->healthy);
}

static void on_running(struct container *container)
{
	follow_output(container);
	if (container->state.checked)
		container->look_ms = LOOK_CHECKED_MS;
	if (!timer_armed(&container->timer))
		look_in(container, container->look_ms);
	if (container->killing)
		tell_it(container, "POST", "/kill", DOCKER_SILENT_MS);
	else if (container->stopping)
		ask_stop(container);
	if (!container->told) {
		container->told = true;
		if (container->events->on_started)
			container->events->on_started(container->owner);
	}
	note_health(container);
}

static void on_started(void *owner, const struct docker_answer *answer)
{
	struct container *container = owner;
	char why[DOCKER_WORDS_BYTES];

	container->step = NULL;
	if (docker_answer_is_good(container->docker, answer, why))
		container_look(container);
	else if (answer->err)
		look_in(container, RETRY_MS); /* it may have been started: the look says */
	else
		container_fail(container, WORKLOAD_NOT_STARTED, why);
}

static void on_seen(struct container *container)
{
	static const struct docker_ask_events started = { .on_answer = on_started };

	container->seen = true;
	switch (container->state.status) {
	case DOCKER_MADE:
		if (container->stopping || container->killing)
			container_fail(container, WORKLOAD_NOT_STARTED,
				       "it was stopped before it ran");
		else
			ask_it(container, "POST", "/start", CONTAINER_START_MS, &started);
		break;
	case DOCKER_RUNNING: on_running(container); break;
	case DOCKER_ENDED:
		end_by_state(container);
		follow_output(container);
		if (container->logs_done)
			tell_end(container);
		else
			look_in(container, LAST_OUTPUT_MS);
		break;
	}
}

static void on_look(void *owner, const struct docker_answer *answer)
{
	struct container *container = owner;
	char why[DOCKER_WORDS_BYTES];

	container->step = NULL;
	if (docker_answer_is_good(container->docker, answer, why) &&
	    !docker_state_read(answer->body, &container->state)) {
		on_seen(container);
	} else if (!answer->err && answer->status == 404) {
		container_fail(container, container->seen ? WORKLOAD_LOST : WORKLOAD_NEVER,
			       "it was removed from outside");
		return;
	} else {
		/* It runs on without its engine, or comes back with it. */
		log_debug("engine", "container %s: %s", container->name, why);
		look_in(container, RETRY_MS);
	}
}

void container_look(struct container *container)
{
	static const struct docker_ask_events events = { .on_answer = on_look };

	if (!container->step)
		ask_it(container, "GET", "/json", DOCKER_SILENT_MS, &events);
}

static void on_timer(struct timer *timer)
{
	struct container *container = container_of(timer, struct container, timer);

	if (container->ended)
		tell_end(container);
	else
		container_look(container);
}

/* ---- As a workload ---- */

/* Nobody wants it any more: the image may come later, for somebody else. */
static void stop_pulling(struct container *container)
{
	if (!container->pulling || container->ended)
		return;
	docker_ask_cancel(container->step);
	container->step = NULL;
	container_fail_soon(container, WORKLOAD_NOT_STARTED, "it was stopped before it ran");
}

static void stop(struct workload *workload)
{
	struct container *container = container_of_workload(workload);

	container->stopping = true;
	stop_pulling(container);
	if (container->told && !container->ended)
		ask_stop(container);
}

static void kill_now(struct workload *workload)
{
	struct container *container = container_of_workload(workload);

	container->killing = true;
	stop_pulling(container);
	if (container->seen && !container->ended)
		tell_it(container, "POST", "/kill", DOCKER_SILENT_MS);
}

/* What the last look saw; the next one is asked for. */
static bool usage(struct workload *workload, struct workload_usage *ret_usage)
{
	struct container *container = container_of_workload(workload);

	return docker_stats_look(&container->stats, container->docker, container->name,
				 container->told && !container->ended, ret_usage);
}

static void release(struct workload *workload)
{
	struct container *container = container_of_workload(workload);

	timer_cancel(&container->timer);
	docker_ask_cancel(container->step);
	docker_output_close(&container->output);
	docker_stats_close(&container->stats);
	list_remove(&container->link);
	list_remove(&container->waiter.link);
	list_remove(&container->owner_waiter.link);
	if (container->body.at)
		explicit_bzero(container->body.at, container->body.cap);
	text_fini(&container->body);
	text_fini(&container->owner_body);
	docker_pull_fini(&container->pull);
	free(container->sharing);
	free(container->image);
	free(container);
}

static void forget(struct workload *workload)
{
	struct container *container = container_of_workload(workload);

	if (container->seen)
		tell_it(container, "DELETE", "?force=1&v=1", DOCKER_SILENT_MS);
	release(workload);
}

static const struct workload_engine engine = {
	.usage = usage, .stop = stop, .kill = kill_now, .forget = forget, .release = release
};

static struct container *container_new(struct docker *docker, const char *name, const char *folder,
				       const struct workload_events *events, void *owner)
{
	struct container *container = calloc(1, sizeof *container);

	if (!container)
		return NULL;
	*container = (struct container){ .workload.engine = &engine,
					 .docker = docker,
					 .events = events,
					 .owner = owner,
					 .timer.on_expired = on_timer,
					 .waiter.on_network = container_on_network,
					 .owner_waiter.on_owner = container_on_owner,
					 .look_ms = LOOK_MS,
					 .eof_ms = EOF_LOOK_MS };
	snprintf(container->name, sizeof container->name, "%s", name);
	snprintf(container->path, sizeof container->path, "/containers/%s", name);
	text_init(&container->body, BODY_BYTES);
	text_init(&container->owner_body, BODY_BYTES);
	list_init(&container->waiter.link);
	list_init(&container->owner_waiter.link);
	list_append(&docker->containers, &container->link);
	docker_output_open(&container->output, docker, container->path, folder);
	container->output.on_ended = on_output_ended;
	container->output.owner = container;
	return container;
}

err_t container_start(struct docker *docker, const struct container_options *options,
		      const struct workload_events *events, void *owner,
		      struct workload **ret_workload)
{
	struct container *container;
	err_t err;

	if (strlen(options->name) >= CONTAINER_NAME_BYTES)
		return ERR_TOO_LARGE;
	container = container_new(docker, options->name, options->folder, events, owner);
	if (!container)
		return ERR_NOMEM;
	container->image = bytes_dup(bytes_of(options->image));
	container->needs_network = strcmp(options->network, "bridge") == 0;
	container->stop_ms = options->stop_ms;
	err = container->image
		      ? docker_create_body(options, docker->options.installation, &container->body)
		      : ERR_NOMEM;
	if (!err && options->sharing) {
		container->sharing = bytes_dup(bytes_of(options->sharing));
		err = container->sharing ? docker_owner_body(options, docker->options.installation,
							     &container->owner_body)
					 : ERR_NOMEM;
	}
	if (err) {
		release(&container->workload);
		return err;
	}
	container_make(container);
	*ret_workload = &container->workload;
	return ERR_OK;
}

err_t container_adopt(struct docker *docker, const char *name, const char *folder, uint32_t stop_ms,
		      const struct workload_events *events, void *owner,
		      struct workload **ret_workload)
{
	struct container *container;

	if (strlen(name) >= CONTAINER_NAME_BYTES)
		return ERR_TOO_LARGE;
	container = container_new(docker, name, folder, events, owner);
	if (!container)
		return ERR_NOMEM;
	container->stop_ms = stop_ms;
	container_look(container);
	*ret_workload = &container->workload;
	return ERR_OK;
}
