/*
 * reconcile: carries out what decide.h says of a service. One look: read the service and its
 * tasks, decide, and write all that follows in one transaction; the feed wakes the tasks.
 */
#include "services/ecs/decide.h"
#include "services/ecs/ecs_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

enum { LOOK_MS = 1000, TASKS_MAX = 1024, RETRY_MS = 1000 };

struct look {
	struct ecs *ecs;
	const char *id, *cluster; /* of the service */
	json_t *service, *tasks;  /* bodies; tasks of this service that are not stopped */
	struct decide_service view;
	struct decide_deployment deployments[DECIDE_DEPLOYMENTS_MAX];
	struct decide_task *seen; /* as many as tasks */
	char (*sick)[TARGETS_WHY_BYTES];
	struct store_txn *txn;
	bool changed;
	unsigned started, stopped, draining;
	struct text started_ids, stopped_ids;
};

/* ---- Seeing ---- */

static json_t *deployment_at(const struct look *look, unsigned index)
{
	return json_array_get(json_object_get(look->service, "deployments"), index);
}

static void see_deployments(struct look *look)
{
	json_t *deployment;
	size_t i;

	json_array_foreach (json_object_get(look->service, "deployments"), i, deployment) {
		if (i == DECIDE_DEPLOYMENTS_MAX)
			break;
		look->deployments[i] = (struct decide_deployment){
			.primary = is_text(deployment, "status", "PRIMARY"),
			.rollout = is_text(deployment, "rolloutState", "COMPLETED")
					   ? DECIDE_COMPLETED
				   : is_text(deployment, "rolloutState", "FAILED")
					   ? DECIDE_FAILED
					   : DECIDE_IN_PROGRESS,
			.failures = (unsigned)number_of(deployment, "_failures", 0),
			.failed_ms = (uint64_t)number_of(deployment, "_failed_ms", 0),
			.was_completed = is_true(deployment, "_was_completed"),
		};
		look->view.deployment_count = (unsigned)i + 1;
	}
	look->view.deployments = look->deployments;
}

/* A deployment that was forgotten has no index: its tasks go with the oldest that is not primary.
 */
static unsigned deployment_of(const struct look *look, const json_t *task)
{
	unsigned index = look->view.deployment_count - 1;

	for (unsigned i = 0; i < look->view.deployment_count; i++)
		if (is_text(deployment_at(look, i), "id", text_of(task, "_deployment")))
			return i;
	return index;
}

static bool in_grace(const struct look *look, const json_t *task)
{
	uint64_t grace = (uint64_t)number_of(look->service, "healthCheckGracePeriodSeconds", 0);
	uint64_t started = (uint64_t)number_of(task, "startedAt", 0);

	return look->view.now_ms < started + grace * 1000;
}

/* Neither a target group nor a health check of its own says how it is. */
static bool is_plain(const json_t *task)
{
	return !json_array_size(json_object_get(task, "_targets")) && !is_true(task, "_checked");
}

static void see_task(struct look *look, const json_t *task, struct decide_task *out,
		     char sick[TARGETS_WHY_BYTES])
{
	enum lifecycle_status status = lifecycle_status_of(text_of(task, "lastStatus"));
	bool leaving = is_text(task, "desiredStatus", "STOPPED");
	bool targets_good, plain;

	*out = (struct decide_task){
		.deployment = deployment_of(look, task),
		.stage = leaving		  ? DECIDE_LEAVING
			 : status == TASK_RUNNING ? DECIDE_RUNNING
						  : DECIDE_PENDING,
		.started_ms = (uint64_t)number_of(task, "startedAt",
						  number_of(task, "createdAt", 0)),
	};
	if (leaving)
		return;
	if (is_text(task, "healthStatus", "UNHEALTHY")) {
		snprintf(sick, TARGETS_WHY_BYTES, "Task failed container health checks");
		out->sick = sick;
	}
	if (out->stage != DECIDE_RUNNING)
		return;
	targets_good = targets_healthy(look->ecs, task, sick);
	plain = is_plain(task);
	out->in_flight = targets_in_flight(look->ecs, task);
	if (sick[0] && !out->sick && !in_grace(look, task))
		out->sick = sick;
	out->healthy = targets_good && !is_text(task, "healthStatus", "UNHEALTHY") &&
		       (is_text(task, "healthStatus", "HEALTHY") || !is_true(task, "_checked")) &&
		       /* Nobody says how it is: that it did not fall at once has to do. */
		       (!plain || look->view.now_ms >= out->started_ms + SETTLE_MS);
}

static err_t see_tasks(struct look *look)
{
	size_t count = json_array_size(look->tasks);

	look->seen = calloc(count + 1, sizeof *look->seen);
	look->sick = calloc(count + 1, sizeof *look->sick);
	if (!look->seen || !look->sick)
		return ERR_NOMEM;
	for (size_t i = 0; i < count; i++)
		see_task(look, json_array_get(look->tasks, i), &look->seen[i], look->sick[i]);
	look->view.tasks = look->seen;
	look->view.task_count = (unsigned)count;
	return ERR_OK;
}

static err_t see(struct look *look)
{
	json_t *config = json_object_get(look->service, "deploymentConfiguration");
	json_t *breaker = json_object_get(config, "deploymentCircuitBreaker");

	look->view = (struct decide_service){
		.desired = (unsigned)number_of(look->service, "desiredCount", 0),
		.min_percent = (unsigned)number_of(config, "minimumHealthyPercent", 100),
		.max_percent = (unsigned)number_of(config, "maximumPercent", 200),
		.breaker = is_true(breaker, "enable"),
		.rollback = is_true(breaker, "rollback"),
		.steady = is_true(look->service, "_steady"),
		.deleted = is_text(look->service, "status", "DRAINING"),
		.now_ms = ecs_now_ms(look->ecs),
	};
	see_deployments(look);
	return see_tasks(look);
}

/* ---- What tasks that ended say of their deployment ---- */

/* Was it ever what it should be? Then its end is no failure of the deployment. */
static bool proved_itself(const json_t *task)
{
	return is_true(task, "_proved");
}

static err_t count_failure(struct look *look, json_t *task)
{
	json_t *deployment = deployment_at(look, deployment_of(look, task));
	const char *code = text_of(task, "stopCode");
	char words[TASK_END_BYTES];
	bool sick = strcmp(code, "ServiceSchedulerInitiated") == 0 &&
		    !bytes_starts(bytes_of(text_of(task, "stoppedReason")), BYTES("Scaling"));

	TRY(put_true(task, "_counted"));
	if (!is_text(deployment, "id", text_of(task, "_deployment")))
		return ERR_OK;
	if (strcmp(code, "UserInitiated") == 0 || strcmp(code, "TerminationNotice") == 0 ||
	    (strcmp(code, "ServiceSchedulerInitiated") == 0 && !sick))
		return ERR_OK;
	if (!sick)
		TRY(service_event(look->ecs, look->service, "(task %s) has stopped: %s",
				  task_id(task), task_end_words(task, words)));
	if (proved_itself(task))
		return ERR_OK;
	TRY(put_number(deployment, "_failures",
		       (uint64_t)number_of(deployment, "_failures", 0) + 1));
	TRY(put_number(deployment, "failedTasks",
		       (uint64_t)number_of(deployment, "failedTasks", 0) + 1));
	TRY(put_number(deployment, "_failed_ms", look->view.now_ms));
	if (number_of(deployment, "_failures", 0) == DECIDE_BREAKER_MIN)
		TRY(service_event(look->ecs, look->service,
				  "is unable to consistently start tasks successfully. For more "
				  "information, see the Troubleshooting section."));
	return ERR_OK;
}

static err_t save_task(struct look *look, json_t *task)
{
	return store_update(look->txn, &(struct store_resource){ .kind = KIND_TASK,
								 .id = task_id(task),
								 .parent = look->cluster,
								 .body = task });
}

/* Those that are on their way out are counted once, when it is known why. */
static err_t count_failures(struct look *look)
{
	json_t *task;
	size_t i;

	json_array_foreach (look->tasks, i, task) {
		if (!is_text(task, "desiredStatus", "STOPPED") || is_true(task, "_counted"))
			continue;
		TRY(count_failure(look, task));
		TRY(save_task(look, task));
		look->changed = true;
	}
	return ERR_OK;
}

/* A first healthy one ends the row of failures. */
static err_t note_proofs(struct look *look)
{
	for (unsigned i = 0; i < look->view.task_count; i++) {
		json_t *task = json_array_get(look->tasks, i), *deployment;

		if (!look->seen[i].healthy || is_true(task, "_proved") ||
		    (is_plain(task) && look->view.now_ms < look->seen[i].started_ms + PROOF_MS))
			continue;
		TRY(put_true(task, "_proved"));
		TRY(save_task(look, task));
		deployment = deployment_at(look, look->seen[i].deployment);
		TRY(put_number(deployment, "_failures", 0));
		look->changed = true;
	}
	return ERR_OK;
}

/* ---- Orders ---- */

static err_t start_one(struct look *look, const json_t *definition, const json_t *deployment,
		       const char **ret_reason)
{
	struct task_wish wish = { .cluster = look->cluster,
				  .definition = definition,
				  .settings = look->service,
				  .service = look->service,
				  .service_id = look->id,
				  .deployment = text_of(deployment, "id"),
				  .started_by = text_of(deployment, "id") };
	char group[300];
	json_t *task;
	err_t err;

	snprintf(group, sizeof group, "service:%s", text_of(look->service, "serviceName"));
	wish.group = group;
	TRY(task_make(look->ecs, &wish, &task, ret_reason));
	err = store_insert(look->txn, &(struct store_resource){ .kind = KIND_TASK,
								.id = task_id(task),
								.parent = look->cluster,
								.body = task });
	if (!err) {
		text_printf(&look->started_ids, "%s(task %s)", look->started ? " " : "",
			    task_id(task));
		look->started++;
	}
	json_decref(task);
	return err;
}

static err_t start(struct look *look, unsigned index, unsigned count)
{
	json_t *deployment = deployment_at(look, index), *definition = NULL;
	const char *reason = "";
	err_t err = store_get(look->txn, KIND_DEFINITION,
			      name_in_arn(text_of(deployment, "taskDefinition")), &definition,
			      NULL);

	for (unsigned i = 0; !err && i < count; i++)
		err = start_one(look, definition, deployment, &reason);
	json_decref(definition);
	look->changed = true;
	if (err != ERR_AGAIN)
		return err;
	TRY(put_number(deployment, "_failures",
		       (uint64_t)number_of(deployment, "_failures", 0) + 1));
	TRY(put_number(deployment, "_failed_ms", look->view.now_ms));
	return service_event(look->ecs, look->service,
			     "was unable to place a task because no container instance met all of "
			     "its requirements. Reason: %s",
			     reason);
}

static err_t stop(struct look *look, unsigned index, const char *why)
{
	json_t *task = json_array_get(look->tasks, index);
	bool scaling = bytes_starts(bytes_of(why), BYTES("Scaling"));
	char words[TARGETS_WHY_BYTES + 64];

	if (scaling)
		snprintf(words, sizeof words, "%s %s", why, text_of(task, "_deployment"));
	else if (why[0] == '(')
		snprintf(words, sizeof words, "Task failed ELB health checks: %s", why);
	else
		snprintf(words, sizeof words, "%s", why);
	TRY(task_ask_stop(look->ecs, task, "ServiceSchedulerInitiated", words));
	if (!scaling)
		TRY(service_event(look->ecs, look->service, "(task %s) %s", task_id(task),
				  why[0] == '(' ? why : "failed container health checks."));
	TRY(save_task(look, task));
	text_printf(&look->stopped_ids, "%s(task %s)", look->stopped ? " " : "", task_id(task));
	look->stopped++;
	look->draining += is_true(task, "_registered");
	look->changed = true;
	return ERR_OK;
}

static err_t set_rollout(struct look *look, json_t *deployment, const char *state,
			 const char *format)
{
	char words[256];

	snprintf(words, sizeof words, format, text_of(deployment, "id"));
	TRY(put_text(deployment, "rolloutState", state));
	TRY(put_text(deployment, "rolloutStateReason", words));
	look->changed = true;
	return put_number(deployment, "updatedAt", look->view.now_ms);
}

static err_t complete(struct look *look, unsigned index)
{
	json_t *deployment = deployment_at(look, index);

	TRY(set_rollout(look, deployment, "COMPLETED", "ECS deployment %s completed."));
	TRY(put_true(deployment, "_was_completed"));
	return service_event(look->ecs, look->service, "(deployment %s) deployment completed.",
			     text_of(deployment, "id"));
}

static err_t fail(struct look *look, unsigned index)
{
	json_t *deployment = deployment_at(look, index);

	TRY(set_rollout(look, deployment, "FAILED",
			"ECS deployment circuit breaker: tasks failed to start."));
	return service_event(look->ecs, look->service,
			     "(deployment %s) deployment failed: tasks failed to start.",
			     text_of(deployment, "id"));
}

static err_t roll_back(struct look *look, unsigned index)
{
	json_t *back = deployment_at(look, index), *failed = service_primary(look->service);

	TRY(put_text(failed, "status", "ACTIVE"));
	TRY(put_number(failed, "desiredCount", 0));
	TRY(put_text(back, "status", "PRIMARY"));
	TRY(put_number(back, "desiredCount", look->view.desired));
	TRY(put_number(back, "_failures", 0));
	TRY(set_rollout(look, back, "IN_PROGRESS",
			"ECS deployment circuit breaker: rolling back to deploymentId %s."));
	TRY(put_text(look->service, "taskDefinition", text_of(back, "taskDefinition")));
	return service_event(look->ecs, look->service, "rolling back to deployment %s.",
			     text_of(back, "id"));
}

static err_t gone(struct look *look)
{
	look->changed = true;
	TRY(put(look->service, "deployments", json_array()));
	return put_text(look->service, "status", "INACTIVE");
}

static err_t steady(struct look *look)
{
	look->changed = true;
	TRY(put_true(look->service, "_steady"));
	return service_event(look->ecs, look->service, "has reached a steady state.");
}

static err_t obey(struct look *look, const struct decide_order *order)
{
	switch (order->what) {
	case DECIDE_START: return start(look, order->index, order->count);
	case DECIDE_STOP: return stop(look, order->index, order->why);
	case DECIDE_COMPLETE: return complete(look, order->index);
	case DECIDE_FAIL: return fail(look, order->index);
	case DECIDE_ROLL_BACK: return roll_back(look, order->index);
	case DECIDE_STEADY: return steady(look);
	case DECIDE_GONE: return gone(look);
	case DECIDE_FORGET: break; /* last of all: it moves the others' places */
	}
	return ERR_OK;
}

static err_t say_what_moved(struct look *look)
{
	if (look->started)
		TRY(service_event(look->ecs, look->service, "has started %u tasks: %s.",
				  look->started, text_str(&look->started_ids)));
	if (look->draining)
		TRY(service_event(look->ecs, look->service,
				  "has begun draining connections on %u tasks.", look->draining));
	if (look->stopped)
		TRY(service_event(look->ecs, look->service, "has stopped %u running tasks: %s.",
				  look->stopped, text_str(&look->stopped_ids)));
	return ERR_OK;
}

static err_t carry_out(struct look *look, const struct decide_orders *orders)
{
	for (unsigned i = 0; i < orders->count; i++)
		TRY(obey(look, &orders->at[i]));
	for (unsigned i = orders->count; i-- > 0;)
		if (orders->at[i].what == DECIDE_FORGET) {
			json_array_remove(json_object_get(look->service, "deployments"),
					  orders->at[i].index);
			look->changed = true;
		}
	TRY(say_what_moved(look));
	if (!look->changed)
		return ERR_OK;
	return store_update(look->txn, &(struct store_resource){ .kind = KIND_SERVICE,
								 .id = look->id,
								 .parent = look->cluster,
								 .body = look->service });
}

/* ---- One look ---- */

/*
 * The cluster's tasks that a scheduler may have to do with. Each service looks once a second, and
 * tasks change rarely: what was read is kept until one does (on_changes). Borrowed.
 */
static err_t unfinished_tasks(struct ecs *ecs, const char *cluster, json_t **ret_tasks)
{
	json_t *all = NULL, *kept, *task;
	size_t i;

	*ret_tasks = json_object_get(ecs->unfinished, cluster);
	if (*ret_tasks)
		return ERR_OK;
	TRY(record_read_all(ecs, KIND_TASK, cluster, &all));
	kept = json_array();
	json_array_foreach (all, i, task) {
		if (text_of(task, "_service")[0] &&
		    (!is_text(task, "lastStatus", "STOPPED") || !is_true(task, "_counted")) &&
		    add(kept, json_incref(task))) {
			json_decref(kept);
			json_decref(all);
			return ERR_NOMEM;
		}
	}
	json_decref(all);
	if (json_object_set_new(ecs->unfinished, cluster, kept))
		return ERR_NOMEM;
	*ret_tasks = kept;
	return ERR_OK;
}

static err_t read_all(struct look *look)
{
	json_t *all = NULL, *task;
	size_t i;

	TRY(record_read(look->ecs, KIND_SERVICE, look->id, &look->service));
	look->cluster = name_in_arn(text_of(look->service, "clusterArn"));
	look->tasks = json_array();
	TRY(unfinished_tasks(look->ecs, look->cluster, &all));
	json_array_foreach (all, i, task)
		if (is_text(task, "_service", look->id) && json_array_size(look->tasks) < TASKS_MAX)
			add(look->tasks, json_incref(task));
	return ERR_OK;
}

/* What has stopped was read to be counted; the scheduler has no use for it. */
static void drop_stopped(struct look *look)
{
	for (size_t i = json_array_size(look->tasks); i-- > 0;)
		if (is_text(json_array_get(look->tasks, i), "lastStatus", "STOPPED"))
			json_array_remove(look->tasks, i);
}

static err_t decide_and_do(struct look *look, uint64_t *ret_look_ms)
{
	struct decide_orders orders;
	err_t err;

	TRY(store_begin(look->ecs->options.store, &look->txn));
	see_deployments(look);
	err = count_failures(look);
	drop_stopped(look);
	if (!err)
		err = see(look);
	if (!err)
		err = note_proofs(look);
	if (!err) {
		see_deployments(look);
		decide_service(&look->view, &orders);
		err = carry_out(look, &orders);
		*ret_look_ms = orders.look_ms;
	}
	if (!err && look->changed)
		err = store_commit(look->txn);
	else
		store_rollback(look->txn);
	if (err)
		json_object_clear(look->ecs->unfinished); /* what was decided is written in it */
	return err;
}

static void look_fini(struct look *look)
{
	json_decref(look->service);
	json_decref(look->tasks);
	free(look->seen);
	free(look->sick);
	text_fini(&look->started_ids);
	text_fini(&look->stopped_ids);
}

static void on_timer(struct timer *timer)
{
	struct service_watch *watch = container_of(timer, struct service_watch, timer);
	struct ecs *ecs = watch->ecs;
	struct look look = { .ecs = ecs, .id = watch->id };
	uint64_t look_ms = 0, now = loop_now_ms(ecs->options.loop);
	err_t err;

	if (ecs->stopping)
		return;
	text_init(&look.started_ids, 600);
	text_init(&look.stopped_ids, 600);
	look.view.now_ms = ecs_now_ms(ecs);
	err = read_all(&look);
	if (!err)
		wake_look(ecs, watch, look.service);
	if (!err && !is_text(look.service, "status", "INACTIVE")) {
		err = decide_and_do(&look, &look_ms);
		/* Health words and graces pass without a word in the store. */
		timer_set(ecs->options.loop, timer,
			  now + (look_ms > look.view.now_ms && look_ms - look.view.now_ms < LOOK_MS
					 ? look_ms - look.view.now_ms
					 : LOOK_MS));
	}
	if (err && err != ERR_NOT_FOUND) {
		log_error("ecs", "service %s: %s; it is tried again in a second", watch->id,
			  err_words(err));
		timer_set(ecs->options.loop, timer, now + RETRY_MS);
	}
	look_fini(&look);
}

void reconcile_wake(struct ecs *ecs, const char *id)
{
	struct service_watch *watch = map_get(&ecs->services, bytes_of(id));
	size_t len = strlen(id);

	if (!watch) {
		watch = calloc(1, sizeof *watch + len + 1);
		if (!watch || map_put(&ecs->services, bytes_of(id), watch, NULL)) {
			free(watch);
			log_error("ecs", "out of memory: service %s is not looked after", id);
			return;
		}
		watch->ecs = ecs;
		watch->timer.on_expired = on_timer;
		memcpy(watch->id, id, len + 1);
	}
	timer_set(ecs->options.loop, &watch->timer, loop_now_ms(ecs->options.loop));
}
