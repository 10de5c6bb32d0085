/*
 * server: a RAG server for the length of one invocation.
 *
 *   server_start ─► RunTask ─► running ─► healthy ─► requests … ─► server_stop ─► StopTask
 *
 * Where a cluster is named (ECS_CLUSTER), a task is started, once per invocation however often that
 * is tried, and stopped whatever happened; what crashed before it could stop its task is made good
 * by the next start. Requests go to ALB_ENDPOINT; without it, to the task's own address.
 *
 *   ECS_CLUSTER, ECS_TASK_DEFINITION, ECS_SUBNETS, ECS_SECURITY_GROUPS (comma-separated)
 *   ECS_ASSIGN_PUBLIC_IP   ENABLED or DISABLED (the default)
 *   ALB_ENDPOINT           host[:port] or a URL
 *   ALB_TARGET_GROUP_ARN   the task is registered there while it is needed; unset: a service of
 *                          ECS's does that, and the endpoint's own health is what counts
 *   RAG_PORT (8000), RAG_HEALTH_PATH (/health)
 */
#ifndef FUNCTIONS_SERVER_H
#define FUNCTIONS_SERVER_H

#include "functions/http.h"
#include "functions/runtime.h"

struct server {
	const char *request_id;
	uint64_t deadline_ms; /* for waiting and asking: what is left after it is for stopping */
	char task[256];	      /* ARN; "" without one */
	char address[64];     /* of the task */
	char base[300];	      /* "http://…", no slash at its end */
	bool registered;      /* in the target group */
};

/* On failure nothing is left running, and `why` says what did not happen. */
err_t server_start(struct server *server, const struct invocation *invocation, struct text *why);

/* A POST of JSON; `idempotency_key` may be NULL. As http_ask. */
err_t server_post(const struct server *server, const char *path, const char *idempotency_key,
		  const json_t *body, struct http_told *told, struct text *why);

/* Stops what was started; harmless twice. A failure is said in the log: the next start mends it. */
void server_stop(struct server *server);

#endif
