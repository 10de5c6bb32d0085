/*
 * docker_container: one container, from its image to its end; what its two files share.
 */
#ifndef ENGINE_DOCKER_CONTAINER_H
#define ENGINE_DOCKER_CONTAINER_H

#include "engine/docker_internal.h"
#include "engine/docker_json.h"
#include "engine/docker_output.h"
#include "engine/docker_owner.h"
#include "engine/docker_stats.h"
#include "engine/docker_text.h"
#include "engine/workload_internal.h"

enum {
	CONTAINER_PATH_BYTES = 2048,
	CONTAINER_NAME_BYTES = 300,
	CONTAINER_START_MS = 2 * 60 * 1000, /* that the engine may be silent while it makes one */
};

struct container {
	struct workload workload;
	struct docker *docker;
	struct list_node link; /* in docker->containers */
	const struct workload_events *events;
	void *owner;
	char name[CONTAINER_NAME_BYTES], path[CONTAINER_NAME_BYTES + 16]; /* "/containers/NAME" */
	char *image;
	struct text body; /* of its creation; empty once it is made */
	bool needs_network;
	struct docker_waiter waiter;
	char *sharing; /* whose network it joins; NULL: none */
	struct text owner_body;
	struct docker_owner_waiter owner_waiter;
	struct docker_ask *step; /* under way */
	struct docker_pull pull;
	struct timer timer;
	struct docker_state state;
	struct docker_output output;
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
	struct docker_stats stats;
};

/* docker_make.c: its image is found or pulled, its network seen to, it is created: then a look. */
void container_make(struct container *container);
void container_on_network(struct docker_waiter *waiter, const char *why);
void container_on_owner(struct docker_owner_waiter *waiter, const char *why);

/* docker_container.c: what the engine says of it decides what comes next. */
void container_look(struct container *container);
/* Nothing runs, and nothing will. The owner may free the container in there. */
void container_fail(struct container *container, enum workload_how how, const char *why);
/* The same on a later turn. */
void container_fail_soon(struct container *container, enum workload_how how, const char *why);
/* One question; the container's step until it is answered. */
void container_ask(struct container *container, const char *method, const char *path,
		   const struct text *json, uint32_t silent_ms,
		   const struct docker_ask_events *events);

#endif
