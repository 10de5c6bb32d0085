/*
 * weir: the whole daemon as one value: who made what, and in which order it goes.
 *
 *   store ─► keys ─► lb (workers) ─► api ─► services ─► front (the API port) ─► routes
 *
 * The app alone knows everybody. All of it belongs to the control thread, but the workers' loops,
 * which their own threads run.
 */
#ifndef APP_WEIR_H
#define APP_WEIR_H

#include <pthread.h>

#include "api/http.h"
#include "app/access_events.h"
#include "app/access_log.h"
#include "app/cognito.h"
#include "app/keys.h"
#include "cli/settings.h"
#include "lb/lb.h"
#include "services/acm/acm.h"
#include "services/autoscaling/autoscaling.h"
#include "services/cloudformation/cloudformation.h"
#include "services/cloudwatch/cloudwatch.h"
#include "services/ec2/ec2.h"
#include "services/ecs/ecs.h"
#include "services/elbv2/elbv2.h"
#include "services/iam/iam.h"
#include "services/lambda/lambda.h"
#include "services/logs/logs.h"
#include "services/s3/s3.h"
#include "services/sts/sts.h"
#include "services/secretsmanager/secretsmanager.h"
#include "services/ssm/ssm.h"
#include "services/tagging/tagging.h"

enum { WORKERS_MAX = 64 };

#define WEIR_VERSION "0.1.0"

struct weir_worker {
	struct weir *weir;
	struct loop *loop;
	pthread_t thread;
	bool running;
};

struct weir {
	const struct settings *settings;
	struct loop *control;
	struct store *store;
	struct store_listener changes; /* tells the API what its answers were made of */
	struct keys keys;
	struct cognito_clients cognito_clients;
	struct access_log *access_log;
	struct access_events *access_events;
	struct log_delivery *log_delivery;
	struct weir_worker workers[WORKERS_MAX];
	unsigned worker_count;
	struct lb *lb;
	struct api *api;
	struct acm *acm;
	struct ec2 *ec2;
	struct elbv2 *elbv2;
	struct cloudwatch *cloudwatch;
	struct ecs *ecs;
	struct logs *logs;
	struct iam *iam;
	struct lambda *lambda;
	struct list_node function_runs; /* calls of functions for the balancer: functions.c */
	struct s3 *s3;
	struct sts *sts;
	struct tagging *tagging;
	struct cloudformation *cloudformation;
	struct ssm *ssm;
	struct autoscaling *autoscaling;
	struct secretsmanager *secretsmanager;
	struct api_http *front, *task_front; /* the latter for containers; NULL before the first */
	struct api_caller root;		     /* who holds DATA/credentials */
	struct api_caller house;	     /* the same, when Weir itself asks */
	char root_arn[64];
	char instance[ECS_INSTANCE_BYTES]; /* this machine, as a container instance */
	struct address api_address;	   /* as bound */
	uint64_t started_ms;		   /* monotonic */
	bool draining;
	int exit_code;

	/* `weir up` hangs on here; both may be NULL. */
	void (*on_ready)(struct weir *weir, void *owner);
	void *owner;
};

/*
 * Starts everything; on ERR_OK the API answers and the restored listeners carry traffic. On
 * failure nothing is left half-started and `why` holds one sentence. `weir` is zeroed but for
 * settings, on_ready and owner.
 */
err_t weir_start(struct weir *weir, struct text *why);

/* Runs the control loop until a signal ended the daemon and streams have drained. */
void weir_run(struct weir *weir);

/* Begins the drain (SIGTERM); a second call ends at once. */
void weir_drain(struct weir *weir);

void weir_stop(struct weir *weir); /* frees all; at home with a half-started one */

/* The /_weir/ routes; the array is static, its owner is set to `weir`. */
const struct api_route *weir_routes(struct weir *weir, size_t *ret_count);

/* Those of them that a task may ask from inside of a container. */
const struct api_route *weir_task_routes(struct weir *weir, size_t *ret_count);

int command_serve(const struct settings *settings);
int command_up(const struct settings *settings);

#endif
