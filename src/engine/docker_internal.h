/*
 * docker_internal: what the files of the docker engine share.
 */
#ifndef ENGINE_DOCKER_INTERNAL_H
#define ENGINE_DOCKER_INTERNAL_H

#include "base/list.h"
#include "base/text.h"
#include "engine/docker.h"
#include "engine/docker_ask.h"

enum { DOCKER_WORDS_BYTES = 384, DOCKER_SILENT_MS = 60 * 1000 };

enum docker_network { NETWORK_UNKNOWN, NETWORK_ASKED, NETWORK_THERE };

struct docker {
	struct docker_options options; /* strings are copies */
	struct list_node asks;	       /* under way */
	struct list_node containers;   /* struct container */
	struct list_node waiters;      /* struct docker_waiter: for the network */
	struct list_node owners;       /* struct docker_owner: on their way */
	struct list_node removals;     /* struct docker_removal: of owners */
	enum docker_network network;
	struct docker_sweep *sweep; /* one that is under way */
	struct swarm *swarm;	    /* NULL: containers of this engine alone */
};

/* One container of this engine (docker_container.c); as docker_start and docker_adopt. */
err_t container_start(struct docker *docker, const struct container_options *options,
		      const struct workload_events *events, void *owner,
		      struct workload **ret_workload);
err_t container_adopt(struct docker *docker, const char *name, const char *folder, uint32_t stop_ms,
		      const struct workload_events *events, void *owner,
		      struct workload **ret_workload);

bool container_has_name(const struct list_node *link, const char *name);

/* "" or why not: whoever waits hears of it. */
void docker_network_is(struct docker *docker, const char *why);

/* Waits for the network; on_network runs once, `why` "" when it is there. */
struct docker_waiter {
	struct list_node link;
	void (*on_network)(struct docker_waiter *waiter, const char *why);
};
void docker_need_network(struct docker *docker, struct docker_waiter *waiter);

/* Asks; `json` may be NULL, `events` too. */
err_t docker_send(struct docker *docker, const char *method, const char *path,
		  const struct text *json, uint32_t silent_ms,
		  const struct docker_ask_events *events, void *owner, struct docker_ask **ret_ask);

/* A tar, in the same way. */
err_t docker_send_archive(struct docker *docker, const char *path, const struct text *archive,
			  const struct docker_ask_events *events, void *owner);

/* "" for an answer of 2xx; else what went wrong, for people. True when all is well. */
bool docker_answer_is_good(const struct docker *docker, const struct docker_answer *answer,
			   char out[DOCKER_WORDS_BYTES]);

/* It was not made, since one of that name is there. */
bool docker_answer_is_taken(const struct docker_answer *answer);

/* Whether a workload of that name is at hand. */
bool docker_has(const struct docker *docker, const char *name);

#endif
