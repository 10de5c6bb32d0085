/*
 * One container, from its image to its end. Each step is one question; what the engine answers
 * to GET /containers/NAME/json decides what comes next, whatever we asked for before.
 *
 *   image? ─► (pull) ─► network ─► create ─► look ─► start ─► look ─► runs: look now and then
 *                        adopt ──────────────┘                  │
 *                                            ended: the rest of its output, then on_ended
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/log.h"
#include "engine/docker_internal.h"
#include "engine/docker_json.h"
#include "engine/docker_text.h"
#include "engine/folder.h"
#include "engine/workload_internal.h"

enum {
	PATH_BYTES = 2048,
	BODY_BYTES = 1024 * 1024,
	PIECE_BYTES = 4 * 1024 * 1024, /* more than one receive can bring */
	PULL_SILENT_MS = 5 * 60 * 1000,
	START_SILENT_MS = 2 * 60 * 1000,
	RETRY_MS = 1000,
	LOOK_MS = 15 * 1000,	   /* its end is heard from its output; this is for the rest */
	LOOK_CHECKED_MS = 1000,	   /* so soon its health check is heard */
	EOF_LOOK_MS = 5,	   /* after its output ended; doubled while it runs on */
	LAST_OUTPUT_MS = 5 * 1000, /* that its end waits for the rest of its output */
	STOP_EXTRA_MS = 10 * 1000, /* after which a stop is asked for again */
	NAME_BYTES = 300,
};

struct container {
	struct workload workload;
	struct docker *docker;
	struct list_node link; /* in docker->containers */
	const struct workload_events *events;
	void *owner;
	char name[NAME_BYTES], folder[FOLDER_BYTES];
	char *image;
	struct text body; /* of its creation; empty once it is made */
	bool needs_network;
	struct docker_waiter waiter;
	struct docker_ask *step, *logs, *stats; /* under way */
	struct docker_pull pull;
	struct timer timer;
	struct docker_state state;
	bool pulling;
	bool seen;	/* it is, or was, there */
	bool told;	/* on_started ran */
	bool ended;	/* `end` says how, on_ended is due */
	bool logs_done; /* no more of its output will come */
	bool health_told, healthy;
	bool stopping, killing;
	uint32_t look_ms, eof_ms, stop_ms;
	uint64_t stop_asked_ms;
	struct workload_end end;
	struct workload_usage used;
	bool used_known;
	int output_fd, mark_fd;
	struct docker_logs frames;
};

static void look(struct container *container);

static struct container *container_of_workload(struct workload *workload)
{
	return container_of(workload, struct container, workload);
}

bool docker_has(const struct docker *docker, const char *name)
{
	list_for_each (&docker->containers, node)
		if (strcmp(container_of(node, struct container, link)->name, name) == 0)
			return true;
	return false;
}

/* ---- Asking ---- */

static void look_in(struct container *container, uint64_t ms)
{
	struct loop *loop = container->docker->options.loop;

	timer_set(loop, &container->timer, loop_now_ms(loop) + ms);
}

/* Tells on a later turn: the asking itself could not be done. */
static void end_soon(struct container *container, enum workload_how how, const char *why)
{
	container->end = (struct workload_end){ .how = how };
	snprintf(container->end.why, sizeof container->end.why, "%s", why);
	container->ended = container->logs_done = true;
	look_in(container, 0);
}

static void ask_path(struct container *container, const char *method, const char *path,
		     const struct text *json, uint32_t silent_ms,
		     const struct docker_ask_events *events)
{
	err_t err;

	assert(!container->step);
	err = docker_send(container->docker, method, path, json, silent_ms, events, container,
			  &container->step);
	if (err)
		end_soon(container, WORKLOAD_NOT_CREATED, err_words(err));
}

static void ask_it(struct container *container, const char *method, const char *what,
		   uint32_t silent_ms, const struct docker_ask_events *events)
{
	char path[PATH_BYTES];

	snprintf(path, sizeof path, "/containers/%s%s", container->name, what);
	ask_path(container, method, path, NULL, silent_ms, events);
}

/* Asked, and not waited for: what became of it the next look says. */
static void tell_it(struct container *container, const char *method, const char *what,
		    uint32_t silent_ms)
{
	char path[PATH_BYTES];

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
	docker_ask_cancel(container->logs);
	docker_ask_cancel(container->step);
	container->logs = container->step = NULL;
	container->events->on_ended(container->owner, &container->end);
}

static void fail(struct container *container, enum workload_how how, const char *why)
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

static void read_mark(struct container *container, struct docker_mark *mark)
{
	struct docker_mark read;

	*mark = (struct docker_mark){ .entries = 0 };
	if (container->mark_fd >= 0 &&
	    pread(container->mark_fd, &read, sizeof read, 0) == sizeof read &&
	    memchr(read.stamp, '\0', sizeof read.stamp))
		*mark = read;
}

static void on_output(void *owner, struct bytes data)
{
	struct container *container = owner;
	struct text out = TEXT_INIT(PIECE_BYTES);

	container->eof_ms = EOF_LOOK_MS;
	docker_logs_feed(&container->frames, data, &out);
	if (out.len && write(container->output_fd, out.at, out.len) != (ssize_t)out.len)
		log_warn("engine", "container %s: some of its output is lost", container->name);
	text_fini(&out);
	if (pwrite(container->mark_fd, &container->frames.seen, sizeof container->frames.seen, 0) <
	    0)
		log_warn("engine", "container %s: output may come twice after a crash",
			 container->name);
}

static void on_output_ended(void *owner, const struct docker_answer *answer)
{
	struct container *container = owner;

	container->logs = NULL;
	if (!answer->err && answer->status != 200) {
		log_warn("engine", "container %s: its output cannot be read (status %u)",
			 container->name, answer->status);
		container->logs_done = true;
	}
	/* Whole, and it has ended: that was all of it. */
	if (!answer->err && container->ended)
		container->logs_done = true;
	if (container->ended && container->logs_done) {
		tell_end(container);
		return;
	}
	look_in(container, container->eof_ms);
	if (container->eof_ms < RETRY_MS)
		container->eof_ms *= 2;
}

/* From where it was read up to; the engine repeats the last entries, which are left out. */
static void follow_output(struct container *container)
{
	static const struct docker_ask_events events = { .on_piece = on_output,
							 .on_answer = on_output_ended };
	struct docker_mark mark;
	char path[PATH_BYTES], since[DOCKER_STAMP_BYTES];

	if (container->logs || container->logs_done)
		return;
	if (container->output_fd < 0 || container->mark_fd < 0) {
		container->logs_done = true;
		return;
	}
	read_mark(container, &mark);
	docker_logs_begin(&container->frames, &mark);
	docker_since(&mark, since);
	snprintf(path, sizeof path,
		 "/containers/%s/logs?follow=1&stdout=1&stderr=1&timestamps=1%s%s", container->name,
		 since[0] ? "&since=" : "", since);
	if (docker_send(container->docker, "GET", path, NULL, 0, &events, container,
			&container->logs))
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
		look(container);
	else if (answer->err)
		look_in(container, RETRY_MS); /* it may have been started: the look says */
	else
		fail(container, WORKLOAD_NOT_STARTED, why);
}

static void on_seen(struct container *container)
{
	static const struct docker_ask_events started = { .on_answer = on_started };

	container->seen = true;
	switch (container->state.status) {
	case DOCKER_MADE:
		if (container->stopping || container->killing)
			fail(container, WORKLOAD_NOT_STARTED, "it was stopped before it ran");
		else
			ask_it(container, "POST", "/start", START_SILENT_MS, &started);
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
		fail(container, container->seen ? WORKLOAD_LOST : WORKLOAD_NEVER,
		     "it was removed from outside");
		return;
	} else {
		/* It runs on without its engine, or comes back with it. */
		log_debug("engine", "container %s: %s", container->name, why);
		look_in(container, RETRY_MS);
	}
}

static void look(struct container *container)
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
		look(container);
}

/* ---- Making it ---- */

static void on_created(void *owner, const struct docker_answer *answer)
{
	struct container *container = owner;
	char why[DOCKER_WORDS_BYTES];

	container->step = NULL;
	/* 409: it was made by us before a crash. */
	if (docker_answer_is_good(container->docker, answer, why) ||
	    (!answer->err && answer->status == 409)) {
		container->seen = true;
		look(container);
	} else {
		fail(container, WORKLOAD_NOT_CREATED, why);
	}
}

static void create(struct container *container)
{
	static const struct docker_ask_events events = { .on_answer = on_created };
	char path[PATH_BYTES];

	snprintf(path, sizeof path, "/containers/create?name=%s", container->name);
	ask_path(container, "POST", path, &container->body, START_SILENT_MS, &events);
	/* Secrets of the task are in there. */
	explicit_bzero(container->body.at, container->body.cap);
	text_fini(&container->body);
}

static void on_network(struct docker_waiter *waiter, const char *why)
{
	struct container *container = container_of(waiter, struct container, waiter);

	list_init(&waiter->link);
	if (why[0])
		fail(container, WORKLOAD_NOT_CREATED, why);
	else
		create(container);
}

static void on_image_there(struct container *container)
{
	if (container->stopping || container->killing)
		fail(container, WORKLOAD_NOT_STARTED, "it was stopped before it ran");
	else if (container->needs_network)
		docker_need_network(container->docker, &container->waiter);
	else
		create(container);
}

static void on_pull_piece(void *owner, struct bytes data)
{
	docker_pull_feed(&((struct container *)owner)->pull, data);
}

static void on_pulled(void *owner, const struct docker_answer *answer)
{
	struct container *container = owner;
	char why[DOCKER_WORDS_BYTES];

	container->step = NULL;
	container->pulling = false;
	docker_pull_fini(&container->pull);
	if (docker_answer_is_good(container->docker, answer, why) && container->pull.error[0])
		snprintf(why, sizeof why, "%s", container->pull.error);
	if (why[0])
		fail(container, WORKLOAD_NO_IMAGE, why);
	else
		on_image_there(container);
}

static void pull(struct container *container)
{
	static const struct docker_ask_events events = { .on_piece = on_pull_piece,
							 .on_answer = on_pulled };
	struct text path = TEXT_INIT(PATH_BYTES);
	struct bytes image, tag;

	docker_image_split(bytes_of(container->image), &image, &tag);
	text_add_str(&path, "/images/create?fromImage=");
	encode_percent(&path, image, false);
	if (tag.len) {
		text_add_str(&path, "&tag=");
		encode_percent(&path, tag, false);
	}
	docker_pull_init(&container->pull);
	container->pulling = true;
	if (text_err(&path))
		end_soon(container, WORKLOAD_NO_IMAGE, "the image's name is too long");
	else
		ask_path(container, "POST", text_str(&path), NULL, PULL_SILENT_MS, &events);
	text_fini(&path);
}

static void on_image(void *owner, const struct docker_answer *answer)
{
	struct container *container = owner;
	char why[DOCKER_WORDS_BYTES];

	container->step = NULL;
	if (docker_answer_is_good(container->docker, answer, why))
		on_image_there(container);
	else if (!answer->err && answer->status == 404)
		pull(container);
	else
		fail(container, WORKLOAD_NO_IMAGE, why);
}

static void find_image(struct container *container)
{
	static const struct docker_ask_events events = { .on_answer = on_image };
	struct text path = TEXT_INIT(PATH_BYTES);

	text_add_str(&path, "/images/");
	encode_percent(&path, bytes_of(container->image), true);
	text_add_str(&path, "/json");
	if (text_err(&path))
		end_soon(container, WORKLOAD_NO_IMAGE, "the image's name is too long");
	else
		ask_path(container, "GET", text_str(&path), NULL, DOCKER_SILENT_MS, &events);
	text_fini(&path);
}

/* ---- As a workload ---- */

/* Nobody wants it any more: the image may come later, for somebody else. */
static void stop_pulling(struct container *container)
{
	if (!container->pulling || container->ended)
		return;
	docker_ask_cancel(container->step);
	container->step = NULL;
	end_soon(container, WORKLOAD_NOT_STARTED, "it was stopped before it ran");
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

static void on_stats(void *owner, const struct docker_answer *answer)
{
	struct container *container = owner;

	container->stats = NULL;
	container->used_known = !answer->err && answer->status == 200 &&
				docker_usage_read(answer->body, &container->used);
}

/* What the last look saw; the next one is asked for. */
static bool usage(struct workload *workload, struct workload_usage *ret_usage)
{
	static const struct docker_ask_events events = { .on_answer = on_stats };
	struct container *container = container_of_workload(workload);
	char path[PATH_BYTES];

	snprintf(path, sizeof path, "/containers/%s/stats?stream=false&one-shot=true",
		 container->name);
	if (!container->stats && container->told && !container->ended)
		docker_send(container->docker, "GET", path, NULL, DOCKER_SILENT_MS, &events,
			    container, &container->stats);
	if (container->used_known)
		*ret_usage = container->used;
	return container->used_known;
}

static void release(struct workload *workload)
{
	struct container *container = container_of_workload(workload);

	timer_cancel(&container->timer);
	docker_ask_cancel(container->step);
	docker_ask_cancel(container->logs);
	docker_ask_cancel(container->stats);
	list_remove(&container->link);
	list_remove(&container->waiter.link);
	if (container->output_fd >= 0)
		close(container->output_fd);
	if (container->mark_fd >= 0)
		close(container->mark_fd);
	if (container->body.at)
		explicit_bzero(container->body.at, container->body.cap);
	text_fini(&container->body);
	docker_pull_fini(&container->pull);
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
					 .waiter.on_network = on_network,
					 .look_ms = LOOK_MS,
					 .eof_ms = EOF_LOOK_MS };
	snprintf(container->name, sizeof container->name, "%s", name);
	snprintf(container->folder, sizeof container->folder, "%s", folder);
	text_init(&container->body, BODY_BYTES);
	list_init(&container->waiter.link);
	list_append(&docker->containers, &container->link);
	container->output_fd = container->mark_fd = -1;
	if (folder_make(folder))
		return container; /* it runs all the same: its output stays with the engine */
	container->output_fd = folder_open(folder, "output", O_WRONLY | O_CREAT | O_APPEND);
	container->mark_fd = folder_open(folder, "read", O_RDWR | O_CREAT);
	return container;
}

err_t docker_start(struct docker *docker, const struct container_options *options,
		   const struct workload_events *events, void *owner,
		   struct workload **ret_workload)
{
	struct container *container;
	err_t err;

	if (strlen(options->name) >= NAME_BYTES)
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
	if (err) {
		release(&container->workload);
		return err;
	}
	find_image(container);
	*ret_workload = &container->workload;
	return ERR_OK;
}

err_t docker_adopt(struct docker *docker, const char *name, const char *folder, uint32_t stop_ms,
		   const struct workload_events *events, void *owner,
		   struct workload **ret_workload)
{
	struct container *container;

	if (strlen(name) >= NAME_BYTES)
		return ERR_TOO_LARGE;
	container = container_new(docker, name, folder, events, owner);
	if (!container)
		return ERR_NOMEM;
	container->stop_ms = stop_ms;
	look(container);
	*ret_workload = &container->workload;
	return ERR_OK;
}
