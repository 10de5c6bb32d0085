/*
 * docker_json: what is asked of the Docker Engine and what it says, as JSON. Pure.
 */
#ifndef ENGINE_DOCKER_JSON_H
#define ENGINE_DOCKER_JSON_H

#include "base/text.h"
#include "engine/docker.h"

#define DOCKER_LABEL "weir.installation"

/* The body of POST /containers/create. ERR_NOMEM, ERR_TOO_LARGE. */
err_t docker_create_body(const struct container_options *options, const char *installation,
			 struct text *out);
/* The body of POST /networks/create. */
err_t docker_network_body(struct text *out);

enum docker_status { DOCKER_MADE, DOCKER_RUNNING, DOCKER_ENDED };

struct docker_state {
	enum docker_status status;
	bool started_once, out_of_memory;
	bool checked, healthy, unhealthy; /* it has a health check, which says so */
	int code;
	char id[80];
	char error[384]; /* the engine's own words; "" */
};

/* Of GET /containers/NAME/json. ERR_SYNTAX when that is none. */
err_t docker_state_read(struct bytes json, struct docker_state *ret_state);
/* {"message": …} of an answer that is none of 2xx; "status N" when there is no message. */
void docker_message(unsigned status, struct bytes json, char out[384]);
/* Of GET /containers/NAME/stats. */
bool docker_usage_read(struct bytes json, struct workload_usage *ret_usage);
/* Calls `each` with the name of every container in GET /containers/json. */
void docker_names_read(struct bytes json, void (*each)(void *owner, const char *name), void *owner);

#endif
