/*
 * docker_make: a container that is to be: image? ─► (pull) ─► network ─► create ─► look.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/encode.h"
#include "engine/docker_container.h"

enum { PULL_SILENT_MS = 5 * 60 * 1000 };

static void on_created(void *owner, const struct docker_answer *answer)
{
	struct container *container = owner;
	char why[DOCKER_WORDS_BYTES];

	container->step = NULL;
	/* Taken: it was made by us before a crash. */
	if (docker_answer_is_good(container->docker, answer, why) ||
	    docker_answer_is_taken(answer)) {
		container->seen = true;
		container_look(container);
	} else {
		container_fail(container, WORKLOAD_NOT_CREATED, why);
	}
}

static void create(struct container *container)
{
	static const struct docker_ask_events events = { .on_answer = on_created };
	char path[CONTAINER_PATH_BYTES];

	snprintf(path, sizeof path, "/containers/create?name=%s", container->name);
	container_ask(container, "POST", path, &container->body, CONTAINER_START_MS, &events);
	/* Secrets of the task are in there. */
	explicit_bzero(container->body.at, container->body.cap);
	text_fini(&container->body);
}

void container_on_owner(struct docker_owner_waiter *waiter, const char *why)
{
	struct container *container = container_of(waiter, struct container, owner_waiter);

	if (why[0])
		container_fail(container, WORKLOAD_NOT_CREATED, why);
	else
		create(container);
}

static void join(struct container *container)
{
	if (!container->sharing)
		create(container);
	else if (docker_need_owner(container->docker, container->sharing, &container->owner_body,
				   &container->owner_waiter))
		container_fail_soon(container, WORKLOAD_NOT_CREATED, err_words(ERR_NOMEM));
}

void container_on_network(struct docker_waiter *waiter, const char *why)
{
	struct container *container = container_of(waiter, struct container, waiter);

	list_init(&waiter->link);
	if (why[0])
		container_fail(container, WORKLOAD_NOT_CREATED, why);
	else
		join(container);
}

static void on_image_there(struct container *container)
{
	if (container->stopping || container->killing)
		container_fail(container, WORKLOAD_NOT_STARTED, "it was stopped before it ran");
	else if (container->needs_network)
		docker_need_network(container->docker, &container->waiter);
	else
		join(container);
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
		container_fail(container, WORKLOAD_NO_IMAGE, why);
	else
		on_image_there(container);
}

static void pull(struct container *container)
{
	static const struct docker_ask_events events = { .on_piece = on_pull_piece,
							 .on_answer = on_pulled };
	struct text path = TEXT_INIT(CONTAINER_PATH_BYTES);
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
		container_fail_soon(container, WORKLOAD_NO_IMAGE, "the image's name is too long");
	else
		container_ask(container, "POST", text_str(&path), NULL, PULL_SILENT_MS, &events);
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
		container_fail(container, WORKLOAD_NO_IMAGE, why);
}

void container_make(struct container *container)
{
	static const struct docker_ask_events events = { .on_answer = on_image };
	struct text path = TEXT_INIT(CONTAINER_PATH_BYTES);

	text_add_str(&path, "/images/");
	encode_percent(&path, bytes_of(container->image), true);
	text_add_str(&path, "/json");
	if (text_err(&path))
		container_fail_soon(container, WORKLOAD_NO_IMAGE, "the image's name is too long");
	else
		container_ask(container, "GET", text_str(&path), NULL, DOCKER_SILENT_MS, &events);
	text_fini(&path);
}
