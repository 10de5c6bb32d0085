/*
 * swarm_service: one service of a Swarm as a workload. What the last round saw of it decides what
 * comes next, whatever we asked for before:
 *
 *   is this a Swarm? ─► create ─┐
 *                        adopt ─┴► pending, coming ─► runs ─► ended: its output, then on_ended
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "engine/docker_output.h"
#include "engine/docker_stats.h"
#include "engine/swarm_internal.h"
#include "engine/workload_internal.h"

enum {
	NAME_BYTES = 64, /* a Swarm's own limit is 63 */
	PATH_BYTES = 256,
	BODY_BYTES = 1024 * 1024,
	PENDING_MS = 60 * 1000,	   /* that no node may be found for it */
	LAST_OUTPUT_MS = 5 * 1000, /* that its end waits for the rest of its output */
};

struct swarm_service {
	struct workload workload;
	struct swarm *swarm;
	struct list_node link; /* in docker->containers */
	const struct workload_events *events;
	void *owner;
	char name[NAME_BYTES], path[NAME_BYTES + 16]; /* "/services/NAME" */
	struct text body;			      /* of its creation; empty once it is made */
	struct docker_waiter waiter;
	struct docker_ask *step; /* under way */
	struct docker_output output;
	struct swarm_view view; /* of the last round */
	struct timer timer;	/* its end is due */
	uint64_t made_round;	/* rounds after this one know it */
	uint64_t pending_ms;	/* since when no node was found; 0: one was */
	bool made;		/* the creation was answered, or it is adopted */
	bool started;		/* by us, or it was seen: that it is gone is news */
	bool told;		/* on_started ran */
	bool ended;		/* `end` says how */
	bool last_read;		/* the rest of its output is being read */
	bool unreadable;	/* its output never will be */
	bool stopping;
	struct workload_end end;
	struct docker_stats stats;
};

static struct swarm_service *service_of_workload(struct workload *workload)
{
	return container_of(workload, struct swarm_service, workload);
}

struct swarm_service *swarm_service_of(struct list_node *link)
{
	return container_of(link, struct swarm_service, link);
}

bool swarm_service_has_name(const struct list_node *link, const char *name)
{
	return strcmp(container_of(link, struct swarm_service, link)->name, name) == 0;
}

bool swarm_service_is_restless(const struct swarm_service *service)
{
	return !service->told || service->stopping;
}

static uint64_t now_ms(const struct swarm_service *service)
{
	return loop_now_ms(service->swarm->docker->options.loop);
}

/* ---- Its end ---- */

/* The owner may free the service in there. */
static void tell_end(struct swarm_service *service)
{
	timer_cancel(&service->timer);
	docker_output_stop(&service->output);
	docker_ask_cancel(service->step);
	service->step = NULL;
	service->events->on_ended(service->owner, &service->end);
}

static void on_timer(struct timer *timer)
{
	tell_end(container_of(timer, struct swarm_service, timer));
}

static void end_in(struct swarm_service *service, uint64_t ms)
{
	service->ended = true;
	timer_set(service->swarm->docker->options.loop, &service->timer, now_ms(service) + ms);
}

/* Told on a later turn. */
static void fail(struct swarm_service *service, enum workload_how how, const char *why)
{
	service->end = (struct workload_end){ .how = how, .code = how == WORKLOAD_LOST ? 137 : 0 };
	snprintf(service->end.why, sizeof service->end.why, "%s", why);
	end_in(service, 0);
}

/* A Swarm's log goes on after its container: to its end it is read without waiting for more. */
static void on_output_ended(void *owner, enum docker_output_end how)
{
	struct swarm_service *service = owner;

	/* Else it broke off, and is taken up again with the next round. */
	service->unreadable |= how == OUTPUT_UNREADABLE;
	if (service->ended && service->last_read)
		tell_end(service);
}

static void note_end(struct swarm_service *service)
{
	service->end = service->view.end;
	if (!service->view.container[0] || service->unreadable ||
	    service->end.how == WORKLOAD_HOST_LOST) {
		end_in(service, 0);
		return;
	}
	docker_output_stop(&service->output);
	service->last_read = true;
	end_in(service, docker_output_read(&service->output, false) ? 0 : LAST_OUTPUT_MS);
}

/* ---- What a round says of it ---- */

static void on_stop_asked(void *owner, const struct docker_answer *answer)
{
	(void)answer; /* the next round says whether it is so, or it is asked again */
	((struct swarm_service *)owner)->step = NULL;
}

static void ask_stop(struct swarm_service *service)
{
	static const struct docker_ask_events events = { .on_answer = on_stop_asked };
	struct text path = TEXT_INIT(PATH_BYTES), body = TEXT_INIT(BODY_BYTES);

	if (!service->step &&
	    !swarm_stop_body(service->swarm->lists, service->name, &path, &body) &&
	    docker_send(service->swarm->docker, "POST", text_str(&path), &body, DOCKER_SILENT_MS,
			&events, service, &service->step))
		log_warn("engine", "service %s: out of memory; it is asked to stop later",
			 service->name);
	if (body.at)
		explicit_bzero(body.at, body.cap);
	text_fini(&body);
	text_fini(&path);
}

static void await_node(struct swarm_service *service)
{
	char why[512];

	if (!service->pending_ms)
		service->pending_ms = now_ms(service);
	if (now_ms(service) < service->pending_ms + PENDING_MS)
		return;
	snprintf(why, sizeof why, "no node of the Swarm takes it%s%.400s",
		 service->view.error[0] ? ": " : "", service->view.error);
	fail(service, WORKLOAD_NOT_CREATED, why);
}

static void tell_running(struct swarm_service *service)
{
	struct workload_place *place = &service->view.place;

	service->told = true;
	place->here = strcmp(service->view.node, service->swarm->self.node) == 0;
	if (service->events->on_placed)
		service->events->on_placed(service->owner, place);
	if (service->events->on_started)
		service->events->on_started(service->owner);
	/* Before it passed its check, a Swarm does not call it running. */
	if (service->view.checked && service->events->on_health)
		service->events->on_health(service->owner, true);
}

void swarm_service_look(struct swarm_service *service)
{
	struct swarm *swarm = service->swarm;

	if (!service->made || service->ended || swarm->round <= service->made_round)
		return;
	if (!swarm_view_of(swarm->lists, service->name, &service->view)) {
		fail(service, service->started ? WORKLOAD_LOST : WORKLOAD_NEVER,
		     "it was removed from outside");
		return;
	}
	service->started = true;
	if (service->view.state != SWARM_PENDING)
		service->pending_ms = 0;
	switch (service->view.state) {
	case SWARM_PENDING: await_node(service); break;
	case SWARM_COMING: break;
	case SWARM_RUNNING:
		if (!service->unreadable)
			service->unreadable = docker_output_read(&service->output, true) ==
					      ERR_NOT_FOUND;
		if (!service->told)
			tell_running(service);
		break;
	case SWARM_ENDED: note_end(service); return;
	}
	if (service->stopping && !service->ended)
		ask_stop(service);
}

/* ---- Making it ---- */

static void begin_rounds(struct swarm_service *service)
{
	service->made = true;
	service->made_round = service->swarm->round;
	swarm_round_in(service->swarm, 0);
}

static void on_created(void *owner, const struct docker_answer *answer)
{
	struct swarm_service *service = owner;
	char why[DOCKER_WORDS_BYTES];

	service->step = NULL;
	/* Taken: it was made by us before a crash. */
	if (docker_answer_is_good(service->swarm->docker, answer, why) ||
	    docker_answer_is_taken(answer)) {
		service->started = true;
		begin_rounds(service);
	} else {
		fail(service, WORKLOAD_NOT_CREATED, why);
	}
}

static void on_network(struct docker_waiter *waiter, const char *why)
{
	static const struct docker_ask_events events = { .on_answer = on_created };
	struct swarm_service *service = container_of(waiter, struct swarm_service, waiter);
	err_t err = ERR_OK;

	list_init(&waiter->link);
	if (why[0])
		fail(service, WORKLOAD_NOT_CREATED, why);
	else if (service->stopping)
		fail(service, WORKLOAD_NOT_STARTED, "it was stopped before it ran");
	else
		err = docker_send(service->swarm->docker, "POST", "/services/create",
				  &service->body, DOCKER_SILENT_MS, &events, service,
				  &service->step);
	if (err)
		fail(service, WORKLOAD_NOT_CREATED, err_words(err));
	/* Secrets of the task are in there. */
	explicit_bzero(service->body.at, service->body.cap);
	text_fini(&service->body);
}

/* ---- As a workload ---- */

static void stop(struct workload *workload)
{
	struct swarm_service *service = service_of_workload(workload);

	service->stopping = true;
	if (service->made && !service->ended)
		swarm_round_in(service->swarm, 0);
}

static void remove_it(struct swarm_service *service)
{
	if (docker_send(service->swarm->docker, "DELETE", service->path, NULL, DOCKER_SILENT_MS,
			NULL, NULL, NULL))
		log_warn("engine", "service %s: out of memory; it is removed later", service->name);
}

/* A Swarm knows no kill: without its service the container is stopped as its grace allows. */
static void kill_now(struct workload *workload)
{
	struct swarm_service *service = service_of_workload(workload);

	service->stopping = true;
	if (service->made && !service->ended) {
		remove_it(service);
		swarm_round_in(service->swarm, 0);
	}
}

/* Only of the node that we can ask: the others' engines are not ours. */
static bool usage(struct workload *workload, struct workload_usage *ret_usage)
{
	struct swarm_service *service = service_of_workload(workload);
	const struct swarm_view *view = &service->view;

	return docker_stats_look(&service->stats, service->swarm->docker, view->container,
				 service->told && !service->ended && view->container[0] &&
					 strcmp(view->node, service->swarm->self.node) == 0,
				 ret_usage);
}

static void release(struct workload *workload)
{
	struct swarm_service *service = service_of_workload(workload);

	timer_cancel(&service->timer);
	docker_ask_cancel(service->step);
	docker_stats_close(&service->stats);
	docker_output_close(&service->output);
	list_remove(&service->link);
	list_remove(&service->waiter.link);
	if (service->body.at)
		explicit_bzero(service->body.at, service->body.cap);
	text_fini(&service->body);
	free(service);
}

static void forget(struct workload *workload)
{
	struct swarm_service *service = service_of_workload(workload);

	if (service->started)
		remove_it(service);
	release(workload);
}

static const struct workload_engine engine = {
	.usage = usage, .stop = stop, .kill = kill_now, .forget = forget, .release = release
};

static err_t service_new(struct swarm *swarm, const char *name, const char *folder,
			 const struct workload_events *events, void *owner,
			 struct swarm_service **ret_service)
{
	struct swarm_service *service;

	if (strlen(name) >= NAME_BYTES)
		return ERR_TOO_LARGE;
	service = calloc(1, sizeof *service);
	if (!service)
		return ERR_NOMEM;
	*service = (struct swarm_service){ .workload.engine = &engine,
					   .swarm = swarm,
					   .events = events,
					   .owner = owner,
					   .timer.on_expired = on_timer,
					   .waiter.on_network = on_network };
	snprintf(service->name, sizeof service->name, "%s", name);
	snprintf(service->path, sizeof service->path, "/services/%s", name);
	text_init(&service->body, BODY_BYTES);
	list_init(&service->waiter.link);
	list_append(&swarm->docker->containers, &service->link);
	docker_output_open(&service->output, swarm->docker, service->path, folder);
	service->output.on_ended = on_output_ended;
	service->output.owner = service;
	*ret_service = service;
	return ERR_OK;
}

err_t swarm_start(struct swarm *swarm, const struct container_options *options,
		  const struct workload_events *events, void *owner, struct workload **ret_workload)
{
	struct swarm_service *service;
	err_t err;

	TRY(service_new(swarm, options->name, options->folder, events, owner, &service));
	err = swarm_service_body(options, swarm->docker->options.installation, &service->body);
	if (err) {
		release(&service->workload);
		return err;
	}
	docker_need_network(swarm->docker, &service->waiter);
	*ret_workload = &service->workload;
	return ERR_OK;
}

err_t swarm_adopt(struct swarm *swarm, const char *name, const char *folder, uint32_t stop_ms,
		  const struct workload_events *events, void *owner, struct workload **ret_workload)
{
	struct swarm_service *service;

	TRY(service_new(swarm, name, folder, events, owner, &service));
	(void)stop_ms; /* the service has it as its grace period */
	begin_rounds(service);
	*ret_workload = &service->workload;
	return ERR_OK;
}
