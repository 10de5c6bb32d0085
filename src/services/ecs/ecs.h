/*
 * ecs: Elastic Container Service (API 2014-11-13): clusters, task definitions, tasks, services.
 *
 *   api_call ─► handler, one transaction ─► commit ─► the store's feed ─► what changed is looked at
 *
 * A service's reconciler (decide.h) orders tasks to start and stop; a task's lifecycle
 * (lifecycle.h) orders what its containers and targets need next. Both are pure; reconcile.c and
 * run.c carry their orders out in small steps, each in the store before the next begins, so that
 * a Weir that is killed goes on where it was. The control thread.
 */
#ifndef SERVICES_ECS_ECS_H
#define SERVICES_ECS_ECS_H

#include "api/api.h"
#include "lb/lb.h"
#include "store/store.h"

struct ecs;

/* How much of what its tasks reserved a service used, of a minute; borrowed for the call. */
struct ecs_metric {
	const char *name; /* "CPUUtilization", "MemoryUtilization" */
	const char *cluster, *service;
	double percent;
	uint64_t time_ms; /* Unix */
};

struct ecs_options {
	struct api *api; /* the service registers itself here; elbv2, ssm, logs… are asked here */
	struct store *store;
	struct lb *lb; /* asked how targets are */
	struct loop *loop;
	const struct api_caller *caller; /* whom we ask other services as; borrowed */
	const char *data;		 /* DATA: tasks have their folders in DATA/tasks */
	const char *programs;		 /* the folder of weir-keeper, ragd, … */
	const char *instance; /* the container instance's EC2 id, for `instance` targets */
	const char *account, *region;
	const char *engine;	   /* "auto", "process", "docker", "swarm" (docs/ecs.md) */
	const char *docker_socket; /* a path */
	/* Containers have a network, in which `address` is this machine. */
	void (*on_network)(void *owner, const char *address);
	/* The EC2 id of the machine of that address; NULL: nobody knows one. May be NULL. */
	const char *(*instance_at)(void *owner, const char *address);
	void (*on_metric)(void *owner, const struct ecs_metric *metric); /* once a minute */
	void *owner;
};

/* Strings are copied; the rest is borrowed for the service's life. */
err_t ecs_create(const struct ecs_options *options, struct ecs **ret_ecs);

/* At start, before the API answers: takes up the tasks that run, or ran. */
err_t ecs_restore(struct ecs *ecs);

/* Where tasks reach the API ("http://127.0.0.1:4566"), once it is bound. */
void ecs_api_url(struct ecs *ecs, const char *url);

/*
 * The same from inside of containers, once they can reach it; and where they find their role's
 * keys, since clients of AWS ask at few addresses: NULL, the same.
 */
void ecs_container_url(struct ecs *ecs, const char *url, const char *keys_url);

/* Asks every task to end, and calls on_done when all have, or `grace_ms` is over. */
void ecs_stop_all(struct ecs *ecs, uint32_t grace_ms, void (*on_done)(void *owner), void *owner);

/* Programs that still run then run on: the next Weir adopts them. NULL is welcome. */
void ecs_destroy(struct ecs *ecs);

/* For struct lb_events, wired by the app: a target's health word changed. */
void ecs_on_health(struct ecs *ecs, struct bytes group_arn, struct bytes target_id, uint16_t port);

/* Likewise: a request waits for a target of this group; a service that sleeps is woken. */
void ecs_on_wanted(struct ecs *ecs, struct bytes group_arn);

/* The task metadata endpoint: JSON for "TOKEN", "TOKEN/task", "TOKEN/stats"…; NULL: no such. */
json_t *ecs_metadata(struct ecs *ecs, struct bytes path);

/*
 * Temporary keys of the role of task `id`, for who shows its token. ERR_NOT_FOUND: no such task;
 * ERR_DENIED: another token, no role, or a role that ECS may not take on.
 */
err_t ecs_credentials(struct ecs *ecs, struct bytes id, struct bytes token, json_t **ret_view);

/* The EC2 id of the machine itself as a container instance of this account and Region. */
enum { ECS_INSTANCE_BYTES = 32 };
void ecs_instance_id(const char *account, const char *region, char out[ECS_INSTANCE_BYTES]);

#endif
