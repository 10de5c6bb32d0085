/*
 * docker: containers of a Docker Engine, or of Podman behind the same API, as workloads.
 *
 *   docker_start ─► image there? ─no─► pull ─► create ─► start ─► on_started … on_ended
 *   docker_adopt ─► what of that name there is: made, running or ended
 *
 * A container has a name that is its own for ever and labels that say whose it is. Starting asks
 * for the name first, so a Weir that was killed in between finds what it asked for and makes no
 * second one; what nobody wants any more docker_sweep removes. The container's own state is asked
 * for again and again and never assumed: when its output ends, when its health check may have
 * run, after each answer.
 *
 * Its output goes on in `folder`/output, as that of the process engine does; how far it was read
 * stands in `folder`/read.
 *
 * With `swarm`, all of this is a service of the engine's Swarm each, on whichever of its machines
 * (swarm.h); where it came to be, on_placed tells.
 *
 * The control loop's thread; nothing blocks.
 */
#ifndef ENGINE_DOCKER_H
#define ENGINE_DOCKER_H

#include "engine/workload.h"

/*
 * The network that containers are put into. Its gateway is this machine, at the address where
 * programs in containers expect the house to be: clients of AWS ask 169.254.170.2 for their
 * credentials and will ask hardly any other. A /23 has room for some five hundred containers.
 */
#define DOCKER_NETWORK "weir"
#define DOCKER_SUBNET  "169.254.170.0/23"
#define DOCKER_GATEWAY "169.254.170.2"

struct docker;

struct docker_options {
	struct loop *loop;
	const char *socket;	  /* a path; copied */
	const char *installation; /* whose containers these are, among several Weirs; copied */
	const char *pause;	  /* the program weir-pause (docker_owner.h); copied */
	bool swarm;		  /* services of its Swarm instead of containers (swarm.h) */
	/*
	 * The network is there, and `address` is this machine for who is in it; or `why` not.
	 * May be NULL.
	 */
	void (*on_network)(void *owner, const char *why, const char *address);
	void *owner;
};

err_t docker_create(const struct docker_options *options, struct docker **ret_docker);
/* After its workloads were released; containers run on. NULL is welcome. */
void docker_destroy(struct docker *docker);

/* A socket is there, and may be written to: no more than that. */
bool docker_is_there(const char *socket);

struct container_port {
	uint16_t inside, outside; /* outside 0, a Swarm's alone: any that is free there */
};

struct container_label {
	const char *name, *value;
};

/* What the container asks itself; the engine does it. */
struct container_check {
	char *const *test; /* "CMD", … or "CMD-SHELL", line; NULL: none */
	uint32_t interval_ms, timeout_ms, start_period_ms;
	uint32_t retries;
};

/* All borrowed for the call. */
struct container_options {
	const char *name;	  /* letters, digits, '-', '_', '.' */
	const char *image;	  /* a reference as `docker pull` takes it */
	const char *folder;	  /* made when missing, 0700 */
	char *const *entrypoint;  /* NULL: the image's; NULL-terminated, as the next two */
	char *const *command;	  /* NULL: the image's */
	char *const *environment; /* added to the image's */
	char *const *constraints; /* on nodes, a Swarm's alone: "node.labels.a==b"; NULL: none */
	const char *user, *directory, *hostname; /* NULL: the image's, the engine's */
	/*
	 * The name of a container of ours, which is made when it is missing and has the network
	 * and the `ports`; this one joins it. NULL: a network of its own.
	 */
	const char *sharing;
	const char *network; /* "bridge": DOCKER_NETWORK; "host", "none", "container:NAME" */
	const char
		*address; /* ports are published at this address of ours; a Swarm: at its node's */
	const struct container_port *ports;
	size_t port_count;
	const struct container_label *labels;
	size_t label_count;
	struct container_check check;
	uint64_t memory_bytes, memory_reserved_bytes; /* 0: no limit */
	uint32_t processes_max;
	uint32_t cpu_units; /* a weight; 1024 are one processor; 0: none */
	uint32_t cpu_limit; /* the same as a limit; 0: none */
	const struct workload_limit *limits;
	size_t limit_count;
	uint32_t stop_ms;
	bool init, read_only, privileged;
};

/* ERR_NOMEM, ERR_TOO_LARGE; what goes wrong later comes in on_ended. */
err_t docker_start(struct docker *docker, const struct container_options *options,
		   const struct workload_events *events, void *owner,
		   struct workload **ret_workload);
/* A container of that name; there is none: on_ended with WORKLOAD_NEVER. */
err_t docker_adopt(struct docker *docker, const char *name, const char *folder, uint32_t stop_ms,
		   const struct workload_events *events, void *owner,
		   struct workload **ret_workload);

/* Removes a container by which others shared a network; none is none. */
void docker_end_sharing(struct docker *docker, const char *name);

/* Sees to the network (and calls on_network) without a container that needs it. */
void docker_open_network(struct docker *docker);

/* Removes containers of this installation that no workload has and `wanted` does not know. */
void docker_sweep(struct docker *docker, bool (*wanted)(void *owner, const char *name),
		  void *owner);

#endif
