/*
 * ecs_internal: what the files of this folder share.
 *
 * In the store, bodies as Describe answers them; members that begin with '_' are ours and never
 * leave the house:
 *
 *   ecs.cluster     id NAME
 *   ecs.family      id FAMILY                 { "revision": the last one given }
 *   ecs.definition  id FAMILY:REVISION        parent FAMILY; never changes but for its status
 *   ecs.service     id CLUSTER/NAME           parent CLUSTER
 *   ecs.task        id 32 hexadecimal digits  parent CLUSTER
 *
 *   service  _sequence, _steady, _deleted; deployments[]: _failed_ms, _was_completed, _network…
 *   task     _service (id), _deployment (id), _token, _targets[{group, id, port}], _registered,
 *            _address, _mode (of its network), _keys_token, _constraints (a Swarm's);
 *            containers[]: _engine, _asked (its start was begun), _ended, _ports[]
 */
#ifndef SERVICES_ECS_ECS_INTERNAL_H
#define SERVICES_ECS_ECS_INTERNAL_H

#include "base/map.h"
#include "engine/docker.h"
#include "engine/oci.h"
#include "engine/workload.h"
#include "services/ecs/ecs.h"
#include "services/ecs/lifecycle.h"

#define KIND_CLUSTER	"ecs.cluster"
#define KIND_FAMILY	"ecs.family"
#define KIND_DEFINITION "ecs.definition"
#define KIND_SERVICE	"ecs.service"
#define KIND_TASK	"ecs.task"

enum {
	ECS_ID_DIGITS = 32,
	ECS_ARN_BYTES = 1024,
	ECS_PAGE_MAX = 100,
	ECS_EVENTS_MAX = 100,
	ECS_TAGS_MAX = 50,
	ECS_STOPPED_MS = 3600 * 1000, /* how long a stopped task can be described */
};

struct run;

struct ecs {
	struct ecs_options options; /* strings are copies in `arena` */
	struct arena arena;
	struct api_service service;
	struct store_listener listener;
	struct map services;   /* by id: struct service_watch, what reconciles it */
	struct map taken;      /* addresses and ports that tasks have (places.c) */
	struct list_node runs; /* struct run: tasks that are not STOPPED */
	struct timer sweep, fresh_timer, usage_timer;
	json_t *fresh;	     /* ids of tasks that nobody looks after yet */
	json_t *unfinished;  /* by cluster, as read last; none since a task changed: reconcile.c */
	char *api_url;	     /* NULL before it is known */
	char *container_url; /* the same from inside of containers; NULL: they cannot reach us */
	char *keys_url;	     /* where clients of AWS take a role's keys from; NULL: container_url */
	bool network_known;  /* it was asked for, so that container_url is what it will be */
	struct blocking_pool *image_pool; /* NULL before the first image */
	struct list_node image_jobs;
	struct docker *docker; /* NULL: all tasks are processes */
	char keeper[4096], pause[4096];
	bool restored, stopping;
	struct timer stop_timer;
	uint64_t stop_deadline_ms;
	void (*on_stopped)(void *owner);
	void *stop_owner;
};

static inline struct ecs *ecs_of(const struct api_call *call)
{
	return call->service->state;
}

uint64_t ecs_now_ms(const struct ecs *ecs); /* Unix */
/* "process", "docker" or "swarm": what runs a container of this image. */
const char *ecs_engine_of(const struct ecs *ecs, const char *image);

extern const struct api_operation ecs_operations[];
extern const size_t ecs_operation_count;

/* ---- JSON (json.c): small things that everyone needs ---- */

static inline const char *text_of(const json_t *object, const char *key) /* "": absent */
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static inline int64_t number_of(const json_t *object, const char *key, int64_t fallback)
{
	const json_t *value = json_object_get(object, key);

	return json_is_integer(value) ? json_integer_value(value) : fallback;
}

static inline bool is_true(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

static inline bool is_text(const json_t *object, const char *key, const char *text)
{
	return strcmp(text_of(object, key), text) == 0;
}

/* Both take over `value`; a NULL is ERR_NOMEM. */
static inline err_t put(json_t *object, const char *key, json_t *value)
{
	return !value || json_object_set_new(object, key, value) ? ERR_NOMEM : ERR_OK;
}

static inline err_t add(json_t *array, json_t *value)
{
	return !value || json_array_append_new(array, value) ? ERR_NOMEM : ERR_OK;
}

static inline err_t put_text(json_t *object, const char *key, const char *text)
{
	return put(object, key, json_string(text));
}
static inline err_t put_number(json_t *object, const char *key, uint64_t number)
{
	return put(object, key, json_integer((json_int_t)number));
}
static inline err_t put_true(json_t *object, const char *key)
{
	return put(object, key, json_true());
}
/* The member of `from` when it is there, as a copy. */
err_t put_same(json_t *object, const char *key, const json_t *from);
/* Puts [] where nothing is. */
err_t put_empty_lists(json_t *object, const char *const *keys);
/* A deep copy without what is ours ('_…'). */
json_t *shown(const json_t *body);
/* The element of `list` whose `key` is `text`; NULL. */
json_t *find_in(const json_t *list, const char *key, const char *text);

/* ---- One call (call.c) ---- */

struct ecs_call {
	struct store_txn *txn; /* NULL before the first look into the store */
	json_t *held;	       /* what the call read, freed with it */
	bool wrote;
};

err_t ecs_begin(struct api_call *call);
err_t ecs_end(struct api_call *call, err_t verdict);
err_t ecs_txn(struct api_call *call, struct store_txn **ret_txn);
err_t ecs_hold(struct api_call *call, json_t *json); /* takes over; NULL is ERR_NOMEM */
err_t ecs_get(struct api_call *call, const char *kind, const char *id, json_t **ret_body);
err_t ecs_list(struct api_call *call, const char *kind, const char *parent, json_t **ret_list);
err_t ecs_add(struct api_call *call, const char *kind, const char *id, const char *parent,
	      json_t *body);
err_t ecs_save(struct api_call *call, const char *kind, const char *id, const char *parent,
	       json_t *body);
err_t ecs_drop(struct api_call *call, const char *kind, const char *id);
/* Another service, within this call: nothing was written yet. `input` is taken over. */
err_t ecs_ask(struct api_call *call, const char *service, const char *operation, json_t *input,
	      json_t **ret_output, struct api_fault *ret_fault);

static inline const char *input_text(const struct api_call *call, const char *name) /* NULL */
{
	return json_string_value(json_object_get(call->input, name));
}
err_t ecs_wrong(struct api_call *call, const char *format, ...) PRINTF_LIKE(2, 3);
err_t ecs_client(struct api_call *call, const char *format, ...) PRINTF_LIKE(2, 3);
/* Puts one page of `list` (strings, or objects' ARNs) into output[name], and nextToken. */
err_t ecs_page(struct api_call *call, const char *name, json_t *list);
err_t ecs_failure(json_t *failures, const char *arn, const char *reason);
/* The tags of input["tags"], checked; an empty list when there are none. Held. */
err_t ecs_tags(struct api_call *call, json_t **ret_tags);
bool ecs_wants(const struct api_call *call, const char *word); /* input.include has it */

/* ---- Outside of calls (records.c): each a transaction of its own ---- */

err_t record_read(struct ecs *ecs, const char *kind, const char *id, json_t **ret_body);
err_t record_read_all(struct ecs *ecs, const char *kind, const char *parent, json_t **ret_list);
err_t record_write(struct ecs *ecs, const char *kind, const char *id, const char *parent,
		   json_t *body);
/* Asks another service as the house; `input` is taken over, *ret_output is the caller's. */
err_t ecs_house_ask(struct ecs *ecs, const char *service, const char *operation, json_t *input,
		    json_t **ret_output, struct api_fault *ret_fault);

/* ---- Names (names.c) ---- */

/* "cluster", "cluster/NAME", a full ARN: what stands after the last '/'. */
const char *name_in_arn(const char *arn);
void cluster_arn(const struct ecs *ecs, const char *name, char out[ECS_ARN_BYTES]);
void service_arn(const struct ecs *ecs, const char *id, char out[ECS_ARN_BYTES]);
void task_arn(const struct ecs *ecs, const char *cluster, const char *id, char out[ECS_ARN_BYTES]);
void definition_arn(const struct ecs *ecs, const char *id, char out[ECS_ARN_BYTES]);
void instance_arn(const struct ecs *ecs, const char *cluster, char out[ECS_ARN_BYTES]);
bool name_is_valid(const char *name, size_t max); /* letters, digits, '-', '_' */

/* ---- clusters.c ---- */

/* The cluster that input[“cluster”] names, "default" without; ClusterNotFoundException. */
err_t cluster_of_input(struct api_call *call, json_t **ret_cluster, const char **ret_name);

/* ---- definitions.c ---- */

/* By "family", "family:revision" or ARN, the newest active one without a revision. */
err_t definition_find(struct api_call *call, const char *name, json_t **ret_definition);
/* The same for running: ClientException when it is not there or not active. */
err_t definition_to_run(struct api_call *call, const char *name, json_t **ret_definition);
const char *definition_id(const json_t *definition, struct arena *arena); /* "family:7" */
/* definition_check.c: a fault, or a definition with all defaults in place. */
err_t definition_check(struct api_call *call, json_t *definition);

/* ---- services.c ---- */

err_t service_of_input(struct api_call *call, const char *member, json_t **ret_service,
		       const char **ret_id);
/* Appends an event in AWS's words; they begin with "(service NAME) ". */
err_t service_event(struct ecs *ecs, json_t *service, const char *format, ...) PRINTF_LIKE(3, 4);
json_t *service_primary(const json_t *service);
/* A new primary deployment; the old one becomes ACTIVE. */
err_t service_deploy(struct ecs *ecs, json_t *service, const char *definition);
/* Settings of `from` (a call's input) checked against the definition and put into the service. */
err_t service_check(struct api_call *call, json_t *service, const json_t *definition);
/* The part of it that RunTask shares: launch type and network. */
err_t service_check_network(struct api_call *call, const json_t *settings,
			    const json_t *definition);

/* ---- tasks.c ---- */

struct task_wish {
	const char *cluster;	  /* name */
	const json_t *definition; /* as stored */
	const json_t *settings; /* launchType, networkConfiguration, overrides, tags…: as RunTask */
	const json_t *service; /* NULL: of no service */
	const char *service_id, *deployment, *started_by, *group;
};
/* A new task's record; ERR_AGAIN with a reason when there is no place for it. */
err_t task_make(struct ecs *ecs, const struct task_wish *wish, json_t **ret_task,
		const char **ret_reason);
/* Marks it to stop; nothing when it does already. */
err_t task_ask_stop(struct ecs *ecs, json_t *task, const char *code, const char *reason);
const char *task_id(const json_t *task);
const char *task_cluster(const json_t *task);

/* ---- places.c: addresses and ports ---- */

/* Gives the task and its containers their addresses and ports. ERR_AGAIN and a reason. */
err_t place_task(struct ecs *ecs, json_t *task, const json_t *definition, const char **ret_reason);
void places_take(struct ecs *ecs, const json_t *task); /* at a restart */
void places_free(struct ecs *ecs, const json_t *task);
json_t *place_ports_of(const json_t *container); /* [{containerPort, hostPort}] */

/* ---- remote.c: tasks that a Swarm runs ---- */

enum { PLACEMENT_BYTES = 256 };

bool is_remote(const json_t *task);
/* The settings' placement constraints as a Swarm's. ERR_INVALID: one has no counterpart there. */
err_t remote_constraints(const json_t *settings, json_t *list);
/* The same of a call: a fault where a Swarm runs the tasks; elsewhere they are noted. */
err_t remote_check_placement(struct api_call *call, const json_t *settings);
/* Where container `index` came to be. ERR_INVALID and a sentence: it can be no target there. */
err_t remote_place(struct ecs *ecs, json_t *task, unsigned index,
		   const struct workload_place *place, struct text *why);

/* ---- run.c: tasks that are not stopped ---- */

struct run_image {
	char name[PATH_MAX]; /* as the definition has it */
	struct oci_image files;
	err_t err;
	char why[1024]; /* a sentence, with err */
};

struct run_container {
	struct run *run;
	unsigned index;
	struct workload *workload; /* NULL: not started, or ended */
	struct workload *check;	   /* its health check, while one runs */
	struct timer check_timer;
	uint64_t check_began_ms;
	bool check_is_early; /* it was begun before its first interval was over */
	unsigned check_failures;
	uint64_t cpu_us;	 /* that its program had used when last looked */
	uint64_t output_read;	 /* bytes of its output that were delivered */
	struct run_image *image; /* of "oci:", once it was unpacked, or could not be */
	bool image_asked;
	bool starting; /* its engine has not said yet that it runs */
	bool stop_sent;
	struct socket *knock;		  /* a question under way (knock.c) */
	char *knock_path, *knock_matcher; /* what is asked, and what is good; NULL: to connect is */
	char knock_reply[12];
	size_t knock_len;
	bool knock_read, knock_answered;
};

struct run {
	struct ecs *ecs;
	struct list_node link; /* in ecs->runs */
	char id[ECS_ID_DIGITS + 1];
	char *service; /* id; NULL: of none */
	struct run_container containers[LIFECYCLE_CONTAINERS_MAX];
	unsigned container_count;
	json_t *definition; /* as stored; NULL before it was read */
	json_t *keys;	    /* of its role, as STS gave them; NULL before anybody asked */
	uint64_t keys_ms;   /* when that was */
	struct timer step, output_timer;
	bool listening, drained, delivered;
	bool unsaved;	  /* its record, as the step has it, says more than the store's */
	unsigned knocked; /* ports that took a connection */
	uint64_t knock_since_ms;
};

/* Takes a task up, unless that is done or it has stopped. */
err_t run_take(struct ecs *ecs, json_t *task);
struct run *run_find(struct ecs *ecs, const char *id);
void run_look_in(struct run *run, uint64_t ms);
/* Looks at the task on the loop's next turn. */
void run_wake(struct ecs *ecs, const char *id);
void run_kill(struct run *run);
void run_destroy(struct run *run);
void ecs_note_stopped(struct ecs *ecs, struct run *run);
/* The folder of a task: DATA/tasks/ID; of a container in it. */
void run_folder(const struct ecs *ecs, const char *id, const char *container, char out[4096]);

/* The task definition; NULL when it cannot be read. Borrowed from the run. */
json_t *run_definition(struct run *run);
/* What the task's record says of container `index`. Borrowed from it. */
json_t *run_record(const json_t *task, unsigned index);
/* Notes that it runs, and begins to check its health; the caller saves. */
err_t run_note_running(struct run *run, json_t *task, unsigned index);
/* Writes the task's record, as its next version. */
err_t run_save(struct run *run, json_t *task);

/* ---- told.c ---- */

void run_set_health(struct run *run, unsigned index, enum container_health health);

/* ---- ends.c ---- */

enum { TASK_END_BYTES = 1400 };
/* AWS's reason, and behind it which container it was and how that ended. */
const char *task_end_words(const json_t *task, char out[TASK_END_BYTES]);

/* ---- knock.c ---- */

/* Knocks where it has to; true when its targets may be registered. */
bool knock(struct run *run, const json_t *task);
void knock_end(struct run_container *container);

/* ---- launch.c ---- */

/* Whether it can be told already where to find us; if not, its task is looked at when it can. */
bool launch_is_ready(struct run *run, const json_t *task, unsigned index);
/* Starts container `index`. ERR_INVALID and AWS's sentence in `why` when that cannot work. */
err_t launch_container(struct run *run, const json_t *task, const json_t *definition,
		       unsigned index, struct text *why);
err_t launch_check(struct run *run, const json_t *task, const json_t *definition, unsigned index,
		   const struct workload_events *on, struct workload **ret_workload);
extern const struct workload_events launch_events; /* told.c: a container's; owner: run_container */
/* Takes up what may run of it. ERR_NOT_FOUND: nothing ever started. */
err_t launch_adopt(struct run *run, const json_t *task, const json_t *definition, unsigned index);

/* The name of a task's container with the engine: its own for ever. */
enum { DOCKER_NAME_BYTES = 300 };
void docker_name(const struct run *run, const json_t *container, char out[DOCKER_NAME_BYTES]);
/* The container by which a task's containers share a network; false: each has its own. */
bool docker_sharing(const json_t *task, char out[DOCKER_NAME_BYTES]);
/* A container, of Docker or of a Swarm; not a program of this machine. */
bool is_boxed(const json_t *container);

/* ---- credentials.c ---- */

/* The role that its programs have; NULL: none. */
const char *credentials_role(const json_t *task, const json_t *definition);
/* Takes the role on. ERR_INVALID and ECS's sentence in `why` when that is not allowed. */
err_t credentials_begin(struct run *run, const json_t *task, const json_t *definition,
			struct text *why);

/* ---- images.c: images in folders ---- */

/* Whether it is unpacked, or known that it cannot be; if not, its task is looked at when it is. */
bool images_is_ready(struct run *run, unsigned index, const char *name);
/* The same at once, unpacked here if it must be. Borrowed; NULL on no memory. */
const struct run_image *images_of(struct run *run, unsigned index, const char *name);
void images_free(struct run_image *image); /* NULL is welcome */
void images_end(struct ecs *ecs);

/* ---- targets.c ---- */

enum { TARGETS_WHY_BYTES = 640 };

err_t targets_register(struct ecs *ecs, json_t *task, char why[TARGETS_WHY_BYTES]);
void targets_deregister(struct ecs *ecs, const json_t *task);
bool targets_gone(struct ecs *ecs, const json_t *task);
/* All healthy; or why the task has to go, in AWS's words (in `why`), when one says unhealthy. */
bool targets_healthy(struct ecs *ecs, const json_t *task, char why[TARGETS_WHY_BYTES]);
uint32_t targets_in_flight(struct ecs *ecs, const json_t *task);

/* ---- output.c ---- */

void output_begin(struct run *run, unsigned index, const char *name);
/* Delivers what is new; true when there was something. */
bool output_deliver(struct run *run, const json_t *definition, bool last);

/* ---- checks.c: container health checks ---- */

enum { CHECK_FIRST_MS = 500 };

bool is_shell_check(const json_t *command);
void checks_begin(struct run *run, unsigned index);
void checks_end(struct run_container *container);

/* ---- reconcile.c ---- */

struct service_watch {
	struct ecs *ecs;
	struct timer timer;
	/* Of a service that may sleep (wake.c): */
	bool queue_ready;  /* its target groups let requests wait */
	uint64_t requests; /* that its target groups had, when last looked */
	uint64_t busy_ms;  /* when there last was one */
	char id[];
};
/* How long a task has to be healthy before its end is no failure of its deployment. */
enum { PROOF_MS = 10 * 1000, SETTLE_MS = 1000 };
void reconcile_wake(struct ecs *ecs, const char *service_id);

/* ---- wake.c: services that sleep while nobody asks ---- */

/* weir.scale_from_zero.idle_seconds of its tags; 0: it never sleeps. */
uint32_t wake_idle_seconds(const json_t *tags);
bool wake_tag_is_wrong(const json_t *tag);
/* Looks whether the service has nothing to do any more: its record, changed when it is put to
 * sleep. */
void wake_look(struct ecs *ecs, struct service_watch *watch, json_t *service);

/* ---- usage.c ---- */

void usage_begin(struct ecs *ecs); /* from now on, once a minute */

#define HANDLER(name) err_t ecs_##name(struct api_call *call)
HANDLER(create_cluster);
HANDLER(describe_clusters);
HANDLER(list_clusters);
HANDLER(update_cluster);
HANDLER(update_cluster_settings);
HANDLER(put_cluster_capacity_providers);
HANDLER(delete_cluster);
HANDLER(describe_capacity_providers);
HANDLER(register_task_definition);
HANDLER(describe_task_definition);
HANDLER(deregister_task_definition);
HANDLER(delete_task_definitions);
HANDLER(list_task_definitions);
HANDLER(list_task_definition_families);
HANDLER(create_service);
HANDLER(update_service);
HANDLER(delete_service);
HANDLER(describe_services);
HANDLER(list_services);
HANDLER(run_task);
HANDLER(start_task);
HANDLER(stop_task);
HANDLER(describe_tasks);
HANDLER(list_tasks);
HANDLER(execute_command);
HANDLER(list_container_instances);
HANDLER(describe_container_instances);
HANDLER(tag_resource);
HANDLER(untag_resource);
HANDLER(list_tags_for_resource);
#undef HANDLER

#endif
