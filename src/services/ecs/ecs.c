/*
 * ecs: the service's life: what it takes up at start, what wakes it, what it leaves behind.
 */
#include "services/ecs/ecs_internal.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "engine/cgroup.h"
#include "engine/kept.h"
#include "engine/program.h"

enum {
	ARENA_BYTES = 16 * 1024,
	SWEEP_MS = 60 * 1000,
	STOP_LOOK_MS = 20,
	END_WAIT_MS = 2000,
};

uint64_t ecs_now_ms(const struct ecs *ecs)
{
	return loop_unix_us(ecs->options.loop) / 1000;
}

/* ---- What changed ---- */

/* New tasks are read on a later turn: inside of a commit the store may not be asked. */
static void note_task(struct ecs *ecs, const char *id)
{
	struct run *run = run_find(ecs, id);

	if (run) {
		run_wake(ecs, id);
		if (run->service)
			reconcile_wake(ecs, run->service);
		return;
	}
	if (json_object_set_new(ecs->fresh, id, json_true()))
		log_error("ecs", "out of memory: task %s is not looked after", id);
	timer_set(ecs->options.loop, &ecs->fresh_timer, loop_now_ms(ecs->options.loop));
}

static void on_fresh(struct timer *timer)
{
	struct ecs *ecs = container_of(timer, struct ecs, fresh_timer);
	json_t *fresh = ecs->fresh, *value, *task;
	const char *id;

	ecs->fresh = json_object();
	json_object_foreach (fresh, id, value) {
		if (record_read(ecs, KIND_TASK, id, &task))
			continue;
		if (!ecs->stopping && run_take(ecs, task))
			log_error("ecs", "out of memory: task %s is not looked after", id);
		if (text_of(task, "_service")[0])
			reconcile_wake(ecs, text_of(task, "_service"));
		json_decref(task);
	}
	json_decref(fresh);
}

static void on_changes(struct store_listener *listener, const struct store_change *changes,
		       size_t count)
{
	struct ecs *ecs = container_of(listener, struct ecs, listener);

	if (!ecs->restored)
		return;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(changes[i].kind, KIND_TASK) == 0) {
			json_object_clear(ecs->unfinished);
			note_task(ecs, changes[i].id);
		} else if (strcmp(changes[i].kind, KIND_SERVICE) == 0) {
			reconcile_wake(ecs, changes[i].id);
		}
	}
}

void ecs_on_health(struct ecs *ecs, struct bytes group_arn, struct bytes target_id, uint16_t port)
{
	(void)group_arn;
	(void)target_id;
	(void)port;
	/* Few services, and a look costs little: which of them it concerns, the look finds. */
	map_for_each (&ecs->services, slot)
		reconcile_wake(ecs, ((struct service_watch *)slot->value)->id);
}

void ecs_note_stopped(struct ecs *ecs, struct run *run)
{
	log_debug("ecs", "task %s has stopped", run->id);
	if (run->service)
		reconcile_wake(ecs, run->service);
}

/* ---- Old things ---- */

static void remove_folder(const char *path)
{
	DIR *folder = opendir(path);
	const struct dirent *entry;
	char inner[4096];

	if (!folder) {
		unlink(path);
		return;
	}
	while ((entry = readdir(folder)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
		    snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name) >=
			    (int)sizeof inner)
			continue;
		if (entry->d_type == DT_DIR)
			remove_folder(inner);
		else
			unlink(inner);
	}
	closedir(folder);
	rmdir(path);
}

static bool is_old(const struct ecs *ecs, const json_t *task)
{
	return is_text(task, "lastStatus", "STOPPED") &&
	       ecs_now_ms(ecs) > (uint64_t)number_of(task, "stoppedAt", 0) + ECS_STOPPED_MS;
}

static void forget_task(struct ecs *ecs, const json_t *task)
{
	struct store_txn *txn;
	char folder[4096];

	run_folder(ecs, task_id(task), NULL, folder);
	remove_folder(folder);
	if (store_begin(ecs->options.store, &txn))
		return;
	if (store_delete(txn, KIND_TASK, task_id(task)))
		store_rollback(txn);
	else if (store_commit(txn))
		log_warn("ecs", "task %s cannot be forgotten yet", task_id(task));
}

/* "weir-TASK-CONTAINER": whether that task is one that runs. */
static bool container_is_wanted(void *owner, const char *name)
{
	char id[ECS_ID_DIGITS + 1];

	if (strlen(name) < strlen("weir-") + ECS_ID_DIGITS)
		return false;
	snprintf(id, sizeof id, "%s", name + strlen("weir-"));
	return run_find(owner, id) != NULL;
}

static void on_sweep(struct timer *timer)
{
	struct ecs *ecs = container_of(timer, struct ecs, sweep);
	json_t *tasks = NULL, *task;
	size_t i;

	if (!record_read_all(ecs, KIND_TASK, NULL, &tasks)) {
		json_array_foreach (tasks, i, task)
			if (is_old(ecs, task))
				forget_task(ecs, task);
		json_decref(tasks);
	}
	if (ecs->docker)
		docker_sweep(ecs->docker, container_is_wanted, ecs);
	timer_set(ecs->options.loop, timer, loop_now_ms(ecs->options.loop) + SWEEP_MS);
}

/* ---- Starting ---- */

/* Whoever runs in a task's folder though the task is not to run: a reset, a store that went back.
 */
static void end_strays(struct ecs *ecs)
{
	char path[4096], task[4096], folder[4096];
	DIR *tasks, *containers;
	const struct dirent *entry, *inner;

	snprintf(path, sizeof path, "%s/tasks", ecs->options.data);
	tasks = opendir(path);
	while (tasks && (entry = readdir(tasks)) != NULL) {
		if (entry->d_name[0] == '.' || run_find(ecs, entry->d_name))
			continue;
		run_folder(ecs, entry->d_name, NULL, task);
		containers = opendir(task);
		while (containers && (inner = readdir(containers)) != NULL)
			if (inner->d_name[0] != '.' &&
			    snprintf(folder, sizeof folder, "%s/%s", task, inner->d_name) <
				    (int)sizeof folder)
				kept_end_folder(folder, END_WAIT_MS);
		if (containers)
			closedir(containers);
	}
	if (tasks)
		closedir(tasks);
}

/* Stopped together with Weir, when the balancer was gone already: its targets leave now. */
static void leave_targets(struct ecs *ecs, json_t *task)
{
	if (!is_true(task, "_registered"))
		return;
	targets_deregister(ecs, task);
	if (put(task, "_registered", json_false()) ||
	    record_write(ecs, KIND_TASK, task_id(task), task_cluster(task), task))
		log_warn("ecs", "task %s: its targets are taken away at the next start",
			 task_id(task));
}

err_t ecs_restore(struct ecs *ecs)
{
	json_t *list = NULL, *item;
	size_t i;
	char path[4096];
	err_t err = ERR_OK;

	snprintf(path, sizeof path, "%s/tasks", ecs->options.data);
	if (mkdir(path, 0700) && errno != EEXIST) {
		log_error("ecs", "%s cannot be made: %s", path, strerror(errno));
		return ERR_SYSTEM;
	}
	if (access(ecs->keeper, X_OK))
		log_warn("ecs", "%s is missing: no task can be started", ecs->keeper);
	TRY(record_read_all(ecs, KIND_TASK, NULL, &list));
	json_array_foreach (list, i, item) {
		if (is_text(item, "lastStatus", "STOPPED"))
			leave_targets(ecs, item);
		else if (!err)
			err = run_take(ecs, item);
	}
	json_decref(list);
	TRY(err);
	ecs->restored = true;
	end_strays(ecs);
	cgroup_sweep(CGROUP_OLD_SECONDS);
	if (ecs->docker)
		docker_sweep(ecs->docker, container_is_wanted, ecs);
	TRY(record_read_all(ecs, KIND_SERVICE, NULL, &list));
	json_array_foreach (list, i, item)
		if (!is_text(item, "status", "INACTIVE")) {
			char id[600];

			snprintf(id, sizeof id, "%s/%s", name_in_arn(text_of(item, "clusterArn")),
				 text_of(item, "serviceName"));
			reconcile_wake(ecs, id);
		}
	json_decref(list);
	return ERR_OK;
}

void ecs_api_url(struct ecs *ecs, const char *url)
{
	free(ecs->api_url);
	ecs->api_url = bytes_dup(bytes_of(url));
}

void ecs_container_url(struct ecs *ecs, const char *url, const char *keys_url)
{
	free(ecs->container_url);
	free(ecs->keys_url);
	ecs->container_url = bytes_dup(bytes_of(url));
	ecs->keys_url = keys_url ? bytes_dup(bytes_of(keys_url)) : NULL;
}

/* Where there is none, who needs it fails with the reason. */
static void on_network(void *owner, const char *why, const char *address)
{
	struct ecs *ecs = owner;

	if (!why[0] && !ecs->container_url && ecs->options.on_network)
		ecs->options.on_network(ecs->options.owner, address);
	ecs->network_known = true;
	list_for_each (&ecs->runs, node)
		run_look_in(container_of(node, struct run, link), 0);
}

/* Containers are known by the folder of our state: several Weirs may share an engine. */
static err_t make_docker(struct ecs *ecs)
{
	char installation[24];
	struct docker_options options = { .loop = ecs->options.loop,
					  .socket = ecs->options.docker_socket,
					  .installation = installation,
					  .pause = ecs->pause,
					  .swarm = strcmp(ecs->options.engine, "swarm") == 0,
					  .on_network = on_network,
					  .owner = ecs };

	if (strcmp(ecs->options.engine, "process") == 0)
		return ERR_OK;
	snprintf(installation, sizeof installation, "%016llx",
		 (unsigned long long)bytes_hash(bytes_of(ecs->options.data), 0));
	return docker_create(&options, &ecs->docker);
}

const char *ecs_engine_of(const struct ecs *ecs, const char *image)
{
	bool any = strcmp(ecs->options.engine, "auto") == 0;
	bool swarm = strcmp(ecs->options.engine, "swarm") == 0;

	if (!ecs->docker || program_is_named(image, any))
		return "process";
	/* "auto" leaves what is no program to the process engine's words, where no Docker is. */
	if (any && !docker_is_there(ecs->options.docker_socket))
		return "process";
	return swarm ? "swarm" : "docker";
}

static err_t copy_options(struct ecs *ecs, const struct ecs_options *options)
{
	const char **copies[] = { &ecs->options.data,	      &ecs->options.programs,
				  &ecs->options.instance,     &ecs->options.account,
				  &ecs->options.region,	      &ecs->options.engine,
				  &ecs->options.docker_socket };
	char real[4096];

	ecs->options = *options;
	/* Programs start in other folders than we do. */
	if (realpath(options->data, real))
		ecs->options.data = real;
	for (size_t i = 0; i < COUNT(copies); i++) {
		*copies[i] = arena_string(&ecs->arena, bytes_of(*copies[i]));
		if (!*copies[i])
			return ERR_NOMEM;
	}
	if (snprintf(ecs->keeper, sizeof ecs->keeper, "%s/weir-keeper", ecs->options.programs) >=
	    (int)sizeof ecs->keeper)
		return ERR_TOO_LARGE;
	return snprintf(ecs->pause, sizeof ecs->pause, "%s/weir-pause", ecs->options.programs) <
			       (int)sizeof ecs->pause
		       ? ERR_OK
		       : ERR_TOO_LARGE;
}

err_t ecs_create(const struct ecs_options *options, struct ecs **ret_ecs)
{
	static const char *const aliases[] = { NULL };
	struct ecs *ecs = calloc(1, sizeof *ecs);
	err_t err;

	if (!ecs)
		return ERR_NOMEM;
	arena_init(&ecs->arena, ARENA_BYTES);
	list_init(&ecs->runs);
	list_init(&ecs->image_jobs);
	ecs->fresh = json_object();
	ecs->unfinished = json_object();
	ecs->fresh_timer.on_expired = on_fresh;
	ecs->sweep.on_expired = on_sweep;
	ecs->service = (struct api_service){
		.name = "ecs",
		.aliases = aliases,
		.protocol = API_JSON_1_1,
		.version = "2014-11-13",
		.target_prefix = "AmazonEC2ContainerServiceV20141113",
		.operations = ecs_operations,
		.operation_count = ecs_operation_count,
		.begin = ecs_begin,
		.end = ecs_end,
		.state = ecs,
	};
	err = ecs->fresh && ecs->unfinished ? copy_options(ecs, options) : ERR_NOMEM;
	if (!err)
		err = make_docker(ecs);
	if (!err)
		err = api_register(options->api, &ecs->service);
	if (err) {
		ecs_destroy(ecs);
		return err;
	}
	ecs->listener.on_changes = on_changes;
	store_listen(options->store, &ecs->listener);
	usage_begin(ecs);
	timer_set(options->loop, &ecs->sweep, loop_now_ms(options->loop) + SWEEP_MS);
	*ret_ecs = ecs;
	return ERR_OK;
}

/* ---- Ending ---- */

static void stop_task(struct ecs *ecs, const char *id)
{
	json_t *task = NULL;

	if (record_read(ecs, KIND_TASK, id, &task))
		return;
	if (task_ask_stop(ecs, task, "TerminationNotice", "Weir was stopped") ||
	    record_write(ecs, KIND_TASK, id, task_cluster(task), task))
		log_warn("ecs", "task %s could not be asked to stop", id);
	json_decref(task);
}

static void on_stop_timer(struct timer *timer)
{
	struct ecs *ecs = container_of(timer, struct ecs, stop_timer);
	uint64_t now = loop_now_ms(ecs->options.loop);

	if (list_empty(&ecs->runs) || now >= ecs->stop_deadline_ms + END_WAIT_MS) {
		ecs->on_stopped(ecs->stop_owner);
		return;
	}
	if (now >= ecs->stop_deadline_ms)
		list_for_each (&ecs->runs, node)
			run_kill(container_of(node, struct run, link));
	timer_set(ecs->options.loop, timer, now + STOP_LOOK_MS);
}

void ecs_stop_all(struct ecs *ecs, uint32_t grace_ms, void (*on_done)(void *owner), void *owner)
{
	struct list_node *next;

	ecs->stopping = true;
	ecs->on_stopped = on_done;
	ecs->stop_owner = owner;
	ecs->stop_deadline_ms = loop_now_ms(ecs->options.loop) + grace_ms;
	ecs->stop_timer.on_expired = on_stop_timer;
	for (struct list_node *node = ecs->runs.next; node != &ecs->runs; node = next) {
		next = node->next;
		stop_task(ecs, container_of(node, struct run, link)->id);
	}
	timer_set(ecs->options.loop, &ecs->stop_timer, loop_now_ms(ecs->options.loop));
}

void ecs_destroy(struct ecs *ecs)
{
	struct list_node *node;

	if (!ecs)
		return;
	ecs->restored = false; /* the store may still tell of changes */
	timer_cancel(&ecs->fresh_timer);
	timer_cancel(&ecs->sweep);
	timer_cancel(&ecs->usage_timer);
	timer_cancel(&ecs->stop_timer);
	while ((node = list_first(&ecs->runs)) != NULL)
		run_destroy(container_of(node, struct run, link));
	docker_destroy(ecs->docker);
	images_end(ecs);
	free(ecs->container_url);
	free(ecs->keys_url);
	map_for_each (&ecs->services, slot) {
		struct service_watch *watch = slot->value;

		timer_cancel(&watch->timer);
		free(watch);
	}
	map_fini(&ecs->services);
	map_fini(&ecs->taken);
	json_decref(ecs->fresh);
	json_decref(ecs->unfinished);
	free(ecs->api_url);
	arena_fini(&ecs->arena);
	free(ecs);
}
