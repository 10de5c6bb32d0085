/*
 * create ─► start ─► told
 *   └─ no such image ─► load it ─► create again
 */
#include "engine/docker_owner.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/docker_json.h"
#include "engine/docker_pause.h"

enum {
	NAME_BYTES = 96,
	PATH_BYTES = 256,
	BODY_BYTES = 256 * 1024,
	STOP_MS = 1000,
	PROCESSES_MAX = 8,
	REMOVAL_MS = 250,
	REMOVAL_TRIES = 40,
};

struct docker_owner {
	struct list_node link; /* in docker->owners */
	struct docker *docker;
	char name[NAME_BYTES];
	struct text body;
	struct list_node waiters;
	bool loaded; /* its image: once is enough */
};

static void owner_create(struct docker_owner *owner);

static void owner_free(struct docker_owner *owner)
{
	list_remove(&owner->link);
	text_fini(&owner->body);
	free(owner);
}

static void tell(struct docker_owner *owner, const char *why)
{
	struct list_node waiters = LIST_INIT(waiters), *node;
	char words[DOCKER_WORDS_BYTES + 64] = "";

	if (why[0])
		snprintf(words, sizeof words, "the network of its task: %s", why);
	while ((node = list_pop(&owner->waiters)) != NULL)
		list_append(&waiters, node);
	owner_free(owner);
	while ((node = list_pop(&waiters)) != NULL) {
		struct docker_owner_waiter *waiter = container_of(node, struct docker_owner_waiter,
								  link);

		list_init(&waiter->link);
		waiter->on_owner(waiter, words);
	}
}

static void ask(struct docker_owner *owner, const char *path, const struct text *json,
		const struct docker_ask_events *events)
{
	err_t err = docker_send(owner->docker, "POST", path, json, DOCKER_SILENT_MS, events, owner,
				NULL);

	if (err)
		tell(owner, err_words(err));
}

/* ---- Its steps ---- */

static void on_started(void *state, const struct docker_answer *answer)
{
	struct docker_owner *owner = state;
	char why[DOCKER_WORDS_BYTES];

	docker_answer_is_good(owner->docker, answer, why);
	tell(owner, why);
}

static void start(struct docker_owner *owner)
{
	static const struct docker_ask_events events = { .on_answer = on_started };
	char path[PATH_BYTES];

	snprintf(path, sizeof path, "/containers/%s/start", owner->name);
	ask(owner, path, NULL, &events);
}

static void on_loaded(void *state, const struct docker_answer *answer)
{
	struct docker_owner *owner = state;
	char why[DOCKER_WORDS_BYTES];

	if (docker_answer_is_good(owner->docker, answer, why))
		owner_create(owner);
	else
		tell(owner, why);
}

static void load(struct docker_owner *owner)
{
	static const struct docker_ask_events events = { .on_answer = on_loaded };
	struct text archive = TEXT_INIT(DOCKER_PAUSE_BYTES_MAX);
	char why[DOCKER_WORDS_BYTES];
	err_t err = docker_pause_archive(owner->docker->options.pause, &archive);

	owner->loaded = true;
	if (!err)
		err = docker_send_archive(owner->docker, "/images/load", &archive, &events, owner);
	text_fini(&archive);
	if (!err)
		return;
	snprintf(why, sizeof why, "%.200s: %s", owner->docker->options.pause, err_words(err));
	tell(owner, why);
}

static void on_created(void *state, const struct docker_answer *answer)
{
	struct docker_owner *owner = state;
	char why[DOCKER_WORDS_BYTES];

	/* Taken: it is there already, running or not. */
	if (docker_answer_is_good(owner->docker, answer, why) || docker_answer_is_taken(answer))
		start(owner);
	else if (!answer->err && answer->status == 404 && !owner->loaded)
		load(owner);
	else
		tell(owner, why);
}

static void owner_create(struct docker_owner *owner)
{
	static const struct docker_ask_events events = { .on_answer = on_created };
	char path[PATH_BYTES];

	snprintf(path, sizeof path, "/containers/create?name=%s", owner->name);
	ask(owner, path, &owner->body, &events);
}

/* ---- Those who need it ---- */

static struct docker_owner *find(const struct docker *docker, const char *name)
{
	list_for_each (&docker->owners, node) {
		struct docker_owner *owner = container_of(node, struct docker_owner, link);

		if (strcmp(owner->name, name) == 0)
			return owner;
	}
	return NULL;
}

err_t docker_need_owner(struct docker *docker, const char *name, const struct text *body,
			struct docker_owner_waiter *waiter)
{
	struct docker_owner *owner = find(docker, name);

	if (owner) {
		list_append(&owner->waiters, &waiter->link);
		return ERR_OK;
	}
	owner = calloc(1, sizeof *owner);
	if (!owner)
		return ERR_NOMEM;
	owner->docker = docker;
	snprintf(owner->name, sizeof owner->name, "%s", name);
	list_init(&owner->waiters);
	list_append(&docker->owners, &owner->link);
	text_init(&owner->body, BODY_BYTES);
	text_add(&owner->body, text_bytes(body));
	if (text_err(&owner->body)) {
		owner_free(owner);
		return ERR_NOMEM;
	}
	list_append(&owner->waiters, &waiter->link);
	owner_create(owner);
	return ERR_OK;
}

/* ---- Its end: Podman removes it only after those who joined it, which are on their way ---- */

struct docker_removal {
	struct list_node link; /* in docker->removals */
	struct docker *docker;
	struct timer timer;
	unsigned tries;
	char path[PATH_BYTES];
};

static void removal_free(struct docker_removal *removal)
{
	timer_cancel(&removal->timer);
	list_remove(&removal->link);
	free(removal);
}

static void on_removed(void *state, const struct docker_answer *answer)
{
	struct docker_removal *removal = state;
	struct loop *loop = removal->docker->options.loop;
	char why[DOCKER_WORDS_BYTES];

	if (docker_answer_is_good(removal->docker, answer, why) ||
	    (!answer->err && answer->status == 404) || ++removal->tries == REMOVAL_TRIES)
		removal_free(removal); /* the next sweep has another look */
	else
		timer_set(loop, &removal->timer, loop_now_ms(loop) + REMOVAL_MS);
}

static void on_removal(struct timer *timer)
{
	static const struct docker_ask_events events = { .on_answer = on_removed };
	struct docker_removal *removal = container_of(timer, struct docker_removal, timer);

	if (docker_send(removal->docker, "DELETE", removal->path, NULL, DOCKER_SILENT_MS, &events,
			removal, NULL))
		removal_free(removal);
}

void docker_end_sharing(struct docker *docker, const char *name)
{
	struct docker_removal *removal = calloc(1, sizeof *removal);

	if (!removal)
		return;
	removal->docker = docker;
	removal->timer.on_expired = on_removal;
	snprintf(removal->path, sizeof removal->path, "/containers/%.128s?force=1&v=1", name);
	list_append(&docker->removals, &removal->link);
	timer_set(docker->options.loop, &removal->timer, loop_now_ms(docker->options.loop));
}

void docker_owners_cancel(struct docker *docker)
{
	while (!list_empty(&docker->removals))
		removal_free(
			container_of(list_first(&docker->removals), struct docker_removal, link));
	while (!list_empty(&docker->owners))
		owner_free(container_of(list_first(&docker->owners), struct docker_owner, link));
}

err_t docker_owner_body(const struct container_options *joining, const char *installation,
			struct text *out)
{
	struct container_options owner = {
		.name = joining->sharing,
		.image = DOCKER_PAUSE_IMAGE,
		.network = joining->network,
		.address = joining->address,
		.ports = joining->ports,
		.port_count = joining->port_count,
		.labels = joining->labels,
		.label_count = joining->label_count,
		.processes_max = PROCESSES_MAX,
		.stop_ms = STOP_MS,
	};

	return docker_create_body(&owner, installation, out);
}
