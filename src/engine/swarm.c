/*
 * swarm: whether this engine speaks for a Swarm, and the rounds in which its lists are read.
 */
#include "engine/swarm_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/encode.h"
#include "base/log.h"

enum {
	ROUND_MS = 1000,
	ROUND_RESTLESS_MS = 150,
	ROUND_SILENT_MS = 30 * 1000,
	LIST_PATH_BYTES = 512,
};

static void ask_next(struct swarm *swarm);

static struct loop *loop_of(const struct swarm *swarm)
{
	return swarm->docker->options.loop;
}

void swarm_round_in(struct swarm *swarm, uint64_t ms)
{
	uint64_t due = loop_now_ms(loop_of(swarm)) + ms;

	if (!timer_armed(&swarm->timer) || due < swarm->timer.due_ms)
		timer_set(loop_of(swarm), &swarm->timer, due);
}

/* ---- What the round brought ---- */

static void end_round(struct swarm *swarm)
{
	struct list_node *node = swarm->docker->containers.next, *next;
	bool restless = false, any = false;

	/* One that ends takes only itself off the list. */
	for (; node != &swarm->docker->containers; node = next) {
		next = node->next;
		swarm_service_look(swarm_service_of(node));
	}
	list_for_each (&swarm->docker->containers, left) {
		any = true;
		restless |= swarm_service_is_restless(swarm_service_of(left));
	}
	if (any)
		swarm_round_in(swarm, restless ? ROUND_RESTLESS_MS : ROUND_MS);
}

/* Said once, and once more when it is over: services run on without their manager. */
static void tell_trouble(struct swarm *swarm, const char *why)
{
	if (strcmp(swarm->trouble, why) == 0)
		return;
	if (why[0])
		log_warn("engine", "the Swarm cannot be asked how its services are: %s", why);
	else
		log_info("engine", "the Swarm answers again");
	snprintf(swarm->trouble, sizeof swarm->trouble, "%s", why);
}

static void on_list(void *owner, const struct docker_answer *answer)
{
	struct swarm *swarm = owner;
	char why[DOCKER_WORDS_BYTES];
	err_t err;

	swarm->ask = NULL;
	if (docker_answer_is_good(swarm->docker, answer, why)) {
		err = swarm_lists_read(swarm->lists, swarm->asked, answer->body);
		if (err)
			snprintf(why, sizeof why, "its answer %s", err_words(err));
	}
	if (why[0]) {
		tell_trouble(swarm, why);
		swarm_round_in(swarm, ROUND_MS);
		return;
	}
	if (++swarm->asked < SWARM_LISTS) {
		ask_next(swarm);
		return;
	}
	tell_trouble(swarm, "");
	end_round(swarm);
}

/* Services first: a task that is missing from a later list is missing indeed. */
static void ask_next(struct swarm *swarm)
{
	static const struct docker_ask_events events = { .on_answer = on_list };
	static const char *const paths[] = { [SWARM_SERVICES] = "/services?filters=",
					     [SWARM_TASKS] = "/tasks?filters=",
					     [SWARM_NODES] = "/nodes" };
	struct text path = TEXT_INIT(LIST_PATH_BYTES), filter = TEXT_INIT(LIST_PATH_BYTES);
	err_t err;

	text_add_str(&path, paths[swarm->asked]);
	text_printf(&filter, "{\"label\":[\"" DOCKER_LABEL "=%s\"]}",
		    swarm->docker->options.installation);
	if (swarm->asked != SWARM_NODES)
		encode_percent(&path, text_bytes(&filter), false);
	err = text_err(&path) ? text_err(&path)
			      : docker_send(swarm->docker, "GET", text_str(&path), NULL,
					    ROUND_SILENT_MS, &events, swarm, &swarm->ask);
	text_fini(&path);
	text_fini(&filter);
	if (err)
		swarm_round_in(swarm, ROUND_MS);
}

static void on_timer(struct timer *timer)
{
	struct swarm *swarm = container_of(timer, struct swarm, timer);

	if (swarm->ask)
		return; /* its end sets the timer */
	if (list_empty(&swarm->docker->containers))
		return;
	if (!swarm->self.node[0]) {
		docker_open_network(swarm->docker);
		swarm_round_in(swarm, ROUND_MS);
		return;
	}
	swarm->round++;
	swarm->asked = SWARM_SERVICES;
	ask_next(swarm);
}

/* ---- Who this engine is in its Swarm ---- */

static void on_self(void *owner, const struct docker_answer *answer)
{
	struct swarm *swarm = owner;
	char why[DOCKER_WORDS_BYTES];

	if (docker_answer_is_good(swarm->docker, answer, why)) {
		if (swarm_self_read(answer->body, &swarm->self))
			snprintf(why, sizeof why, "the engine at %.200s knows nothing of Swarms",
				 swarm->docker->options.socket);
		else if (!swarm->self.manager || !swarm->self.node[0])
			snprintf(why, sizeof why,
				 "the Docker engine at %.200s is no manager of a Swarm (docker "
				 "swarm init makes it one)",
				 swarm->docker->options.socket);
	}
	if (!why[0])
		swarm_round_in(swarm, 0);
	docker_network_is(swarm->docker, why);
}

void swarm_open(struct swarm *swarm)
{
	static const struct docker_ask_events events = { .on_answer = on_self };
	err_t err = docker_send(swarm->docker, "GET", "/info", NULL, DOCKER_SILENT_MS, &events,
				swarm, NULL);

	if (err)
		docker_network_is(swarm->docker, err_words(err));
}

const char *swarm_address(const struct swarm *swarm)
{
	return swarm->self.address;
}

/* ---- Life ---- */

err_t swarm_create(struct docker *docker, struct swarm **ret_swarm)
{
	struct swarm *swarm = calloc(1, sizeof *swarm);

	if (!swarm)
		return ERR_NOMEM;
	swarm->docker = docker;
	swarm->timer.on_expired = on_timer;
	swarm->lists = swarm_lists_new();
	if (!swarm->lists) {
		free(swarm);
		return ERR_NOMEM;
	}
	*ret_swarm = swarm;
	return ERR_OK;
}

void swarm_destroy(struct swarm *swarm)
{
	if (!swarm)
		return;
	timer_cancel(&swarm->timer);
	docker_ask_cancel(swarm->ask);
	swarm_lists_free(swarm->lists);
	free(swarm);
}
