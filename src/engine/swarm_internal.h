/*
 * swarm_internal: what the files of the swarm engine share.
 */
#ifndef ENGINE_SWARM_INTERNAL_H
#define ENGINE_SWARM_INTERNAL_H

#include "engine/docker_internal.h"
#include "engine/docker_json.h"
#include "engine/swarm.h"
#include "engine/swarm_json.h"

struct swarm {
	struct docker *docker; /* its `containers` are the services that are at hand */
	struct swarm_self self;
	struct swarm_lists *lists;
	struct docker_ask *ask; /* of the round under way */
	enum swarm_list asked;
	uint64_t round; /* counts those that were begun */
	struct timer timer;
	char trouble[DOCKER_WORDS_BYTES]; /* that was told last; "": none */
};

/* The next round comes in `ms` at the latest. */
void swarm_round_in(struct swarm *swarm, uint64_t ms);

struct swarm_service;
/* The lists of round `round` are there. The owner may free the service in there. */
void swarm_service_look(struct swarm_service *service);
/* Something of it is about to change: rounds follow one another sooner. */
bool swarm_service_is_restless(const struct swarm_service *service);
struct swarm_service *swarm_service_of(struct list_node *link);
bool swarm_service_has_name(const struct list_node *link, const char *name);

#endif
