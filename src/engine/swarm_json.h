/*
 * swarm_json: what is asked of a Docker Swarm and what it says, as JSON. Pure.
 */
#ifndef ENGINE_SWARM_JSON_H
#define ENGINE_SWARM_JSON_H

#include "base/text.h"
#include "engine/docker.h"

/* The body of POST /services/create. ERR_NOMEM, ERR_TOO_LARGE. */
err_t swarm_service_body(const struct container_options *options, const char *installation,
			 struct text *out);

struct swarm_self {
	bool manager; /* it may be asked for services */
	char node[64];
	char address[WORKLOAD_ADDRESS_BYTES];
};
/* Of GET /info. ERR_SYNTAX. */
err_t swarm_self_read(struct bytes json, struct swarm_self *ret_self);

/* ---- A round: three lists, and what they say of one service together ---- */

enum swarm_list { SWARM_SERVICES, SWARM_TASKS, SWARM_NODES, SWARM_LISTS };

struct swarm_lists;
struct swarm_lists *swarm_lists_new(void); /* NULL: no memory */
void swarm_lists_free(struct swarm_lists *lists);
/* Of GET /services, /tasks, /nodes; in place of what was read before. ERR_SYNTAX, ERR_NOMEM. */
err_t swarm_lists_read(struct swarm_lists *lists, enum swarm_list which, struct bytes json);

enum swarm_state {
	SWARM_PENDING, /* no node was found for it so far; `error` may say why */
	SWARM_COMING,  /* a node has it: the image is pulled, it starts */
	SWARM_RUNNING,
	SWARM_ENDED, /* `end` says how */
};

struct swarm_view {
	enum swarm_state state;
	bool stopped;	    /* it was asked to stop: it never runs again */
	bool checked;	    /* it has a health check, and runs no earlier than that is passed */
	char error[384];    /* the Swarm's own words; "" */
	char container[80]; /* its id on its node; "" */
	struct workload_end end;
	struct workload_place place; /* known while it runs; without `here` */
	char node[64];		     /* id; "": none yet */
};

/* False: there is no service of that name. */
bool swarm_view_of(const struct swarm_lists *lists, const char *name, struct swarm_view *ret_view);

/*
 * The path and the body that stop a service's task and leave its end to be read: the service moves
 * to a node that does not exist. ERR_NOT_FOUND: no such service; ERR_EXISTS: that was asked.
 */
err_t swarm_stop_body(const struct swarm_lists *lists, const char *name, struct text *path,
		      struct text *body);

/* Calls `each` with the name of every service in GET /services. */
void swarm_names_read(struct bytes json, void (*each)(void *owner, const char *name), void *owner);

#endif
