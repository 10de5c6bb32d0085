#include "app/weir.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "app/fronts.h"
#include "app/functions.h"
#include "app/services.h"
#include "base/log.h"
#include "lb/probe_record.h"
#include "net/clock.h"
#include "net/notify.h"

enum { TASKS_STOP_MS = 30 * 1000 }; /* at our own end: what is left then is killed */

/* ---- Workers ---- */

static void *run_worker(void *owner)
{
	struct weir_worker *worker = owner;

	if (access_log_attach(worker->weir->access_log, worker->loop))
		log_error("app", "out of memory: this worker writes no access log");
	if (access_events_attach(worker->weir->access_events, worker->loop))
		log_error("app", "out of memory: this worker writes no log events");
	loop_run(worker->loop);
	access_log_detach(worker->weir->access_log);
	access_events_detach(worker->weir->access_events);
	return NULL;
}

static unsigned processors(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof set, &set))
		return 1;
	return (unsigned)size_min((size_t)CPU_COUNT(&set), WORKERS_MAX);
}

static err_t make_loops(struct weir *weir)
{
	unsigned wanted = (unsigned)setting_number(weir->settings, SETTING_WORKERS);

	if (!wanted)
		wanted = processors();
	for (; weir->worker_count < wanted; weir->worker_count++) {
		struct weir_worker *worker = &weir->workers[weir->worker_count];

		worker->weir = weir;
		TRY(loop_create(&worker->loop));
	}
	return ERR_OK;
}

static err_t start_threads(struct weir *weir)
{
	for (unsigned i = 0; i < weir->worker_count; i++) {
		struct weir_worker *worker = &weir->workers[i];

		if (pthread_create(&worker->thread, NULL, run_worker, worker))
			return ERR_SYSTEM;
		worker->running = true;
	}
	return ERR_OK;
}

static void stop_threads(struct weir *weir)
{
	for (unsigned i = 0; i < weir->worker_count; i++) {
		if (!weir->workers[i].running)
			continue;
		loop_stop(weir->workers[i].loop);
		pthread_join(weir->workers[i].thread, NULL);
		weir->workers[i].running = false;
	}
}

/* ---- The balancer's events ---- */

static void on_health(void *owner, struct bytes group_arn, struct bytes target_id, uint16_t port)
{
	struct weir *weir = owner;

	if (weir->elbv2)
		elbv2_on_health(weir->elbv2, group_arn, target_id, port);
	if (weir->ecs)
		ecs_on_health(weir->ecs, group_arn, target_id, port);
}

static void on_drained(void *owner, struct bytes group_arn, struct bytes target_id, uint16_t port)
{
	struct weir *weir = owner;

	if (weir->elbv2)
		elbv2_on_drained(weir->elbv2, group_arn, target_id, port);
}

static void on_wanted(void *owner, struct bytes group_arn)
{
	struct weir *weir = owner;

	if (weir->ecs)
		ecs_on_wanted(weir->ecs, group_arn);
}

static void on_access(void *owner, const struct access_record *record)
{
	struct weir *weir = owner;

	access_log_record(weir->access_log, record);
	access_events_record(weir->access_events, record);
}

static void on_connection(void *owner, const struct connection_record *record)
{
	struct weir *weir = owner;

	access_log_connection(weir->access_log, record);
	access_events_connection(weir->access_events, record);
}

static void on_probe(void *owner, const struct probe_record *record)
{
	struct weir *weir = owner;
	struct text line = TEXT_INIT(4096);

	if (!log_delivery_wanted(weir->log_delivery, ELBV2_HEALTH_CHECK_LOG))
		return;
	probe_line(&line, record, bytes_of(setting_text(weir->settings, SETTING_BIND)));
	log_delivery_line(weir->log_delivery, ELBV2_HEALTH_CHECK_LOG, record->load_balancer_id,
			  text_bytes(&line));
	log_delivery_sync(weir->log_delivery);
	text_fini(&line);
}

static err_t make_balancer(struct weir *weir)
{
	static const struct lb_events events = { .on_health = on_health,
						 .on_drained = on_drained,
						 .on_wanted = on_wanted,
						 .on_access = on_access,
						 .on_connection = on_connection,
						 .on_probe = on_probe };
	struct loop *loops[WORKERS_MAX];
	struct lb_options options = {
		.control = weir->control,
		.workers = loops,
		.worker_count = weir->worker_count,
		.events = &events,
		.invoker = &function_invoker,
		.owner = weir,
		.account = bytes_of(setting_text(weir->settings, SETTING_ACCOUNT)),
		.region = bytes_of(setting_text(weir->settings, SETTING_REGION)),
	};

	for (unsigned i = 0; i < weir->worker_count; i++)
		loops[i] = weir->workers[i].loop;
	memcpy(options.cookie_key, weir->keys.cookie_key, sizeof options.cookie_key);
	memcpy(options.session_key, weir->keys.session_key, sizeof options.session_key);
	options.signing_key = text_bytes(&weir->keys.signing_key);
	options.signing_kid = bytes_of(weir->keys.signing_kid);
	options.idp_ca_file = setting_text(weir->settings, SETTING_IDP_CA_FILE);
	return lb_create(&options, &weir->lb);
}

/* ---- The API's front ---- */

/* Asked first: nothing is made for a start that cannot be. */
static err_t check_auth(const struct weir *weir, struct text *why)
{
	struct address at;

	TRY(address_parse(bytes_of(setting_text(weir->settings, SETTING_API)), &at));
	if (strcmp(setting_text(weir->settings, SETTING_AUTH), "none") != 0 ||
	    address_is_loopback(&at))
		return ERR_OK;
	text_add_str(
		why,
		"--auth none needs --api on a loopback address: anyone could call it otherwise");
	return ERR_DENIED;
}

/* DATA/api tells the command line where to find us. */
static err_t note_address(const struct weir *weir)
{
	char path[4096], address[ADDRESS_TEXT_BYTES];
	FILE *file;

	snprintf(path, sizeof path, "%s/api", setting_text(weir->settings, SETTING_DATA));
	address_format(&weir->api_address, address);
	file = fopen(path, "w");
	if (!file)
		return ERR_SYSTEM;
	fprintf(file, "%s\n", address);
	return fclose(file) ? ERR_SYSTEM : ERR_OK;
}

/* ---- Life ---- */

static void on_signal(void *owner, int number)
{
	struct weir *weir = owner;

	if (number == SIGHUP)
		access_log_reopen(weir->access_log);
	else
		weir_drain(weir);
}

static err_t bind_api(struct weir *weir, int *ret_fd, struct text *why)
{
	const char *text = setting_text(weir->settings, SETTING_API);
	struct address at;
	err_t err;

	TRY(address_parse(bytes_of(text), &at));
	err = acceptor_bind(&at, 1, ret_fd, &weir->api_address);
	if (err)
		text_printf(why, "the API cannot listen on %s: %s; name another address with --api",
			    text,
			    err == ERR_IN_USE	     ? "the port is in use"
			    : err == ERR_UNREACHABLE ? "this machine has no such address"
						     : err_words(err));
	return err;
}

static err_t open_state(struct weir *weir, struct text *why)
{
	const char *data = setting_text(weir->settings, SETTING_DATA);
	char *sentence = NULL;
	err_t err;

	if (strcmp(setting_text(weir->settings, SETTING_STATE), "sqlite") != 0) {
		text_printf(why,
			    "--state '%s': this version keeps its state in SQLite only ('sqlite')",
			    setting_text(weir->settings, SETTING_STATE));
		return ERR_INVALID;
	}
	err = store_open(data, &weir->store, &sentence);
	if (err)
		text_add_str(why, sentence ? sentence : err_words(err));
	free(sentence);
	if (!err)
		err = keys_load(&weir->keys, data, weir->store, why);
	if (!err)
		err = cognito_clients_load(&weir->cognito_clients,
					   setting_text(weir->settings, SETTING_COGNITO_CLIENTS),
					   why);
	if (!err)
		err = access_log_create(data, &weir->access_log, why);
	return err;
}

static err_t restore_tasks(struct weir *weir)
{
	char address[ADDRESS_TEXT_BYTES], url[ADDRESS_TEXT_BYTES + 16];
	struct address at = weir->api_address;

	if (bytes_starts(bytes_of(setting_text(weir->settings, SETTING_API)), BYTES("0.0.0.0:")))
		TRY(address_parse_ip(BYTES("127.0.0.1"), at.port, &at));
	address_format(&at, address);
	snprintf(url, sizeof url, "http://%s", address);
	ecs_api_url(weir->ecs, url);
	return ecs_restore(weir->ecs);
}

static err_t restore(struct weir *weir, struct text *why)
{
	char *sentence = NULL;
	err_t err = elbv2_restore(weir->elbv2, &sentence);

	acm_resume(weir->acm);

	if (err)
		text_add_str(why, sentence ? sentence : err_words(err));
	free(sentence);
	return err ? err : restore_tasks(weir);
}

/* A stream is two descriptors. Shells give 1024 and allow far more to who asks. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		log_warn("app", "the limit of open descriptors cannot be raised");
}

err_t weir_start(struct weir *weir, struct text *why)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	char address[ADDRESS_TEXT_BYTES], endpoint[ADDRESS_TEXT_BYTES + 8];
	int api_fd;

	ecs_instance_id(setting_text(weir->settings, SETTING_ACCOUNT),
			setting_text(weir->settings, SETTING_REGION), weir->instance);
	snprintf(weir->root_arn, sizeof weir->root_arn, "arn:aws:iam::%s:root",
		 setting_text(weir->settings, SETTING_ACCOUNT));
	raise_descriptor_limit();
	list_init(&weir->function_runs);
	TRY(loop_create(&weir->control));
	weir->started_ms = loop_now_ms(weir->control);
	for (size_t i = 0; i < COUNT(signals); i++)
		TRY(loop_on_signal(weir->control, signals[i], on_signal, weir));
	TRY(check_auth(weir, why));
	TRY(open_state(weir, why));
	weir->root = (struct api_caller){
		.account = setting_text(weir->settings, SETTING_ACCOUNT),
		.region = setting_text(weir->settings, SETTING_REGION),
		.access_key = weir->keys.access_key,
		.arn = weir->root_arn,
		.is_root = true,
	};
	weir->house = weir->root;
	weir->house.is_house = true;
	TRY(make_loops(weir));
	TRY(make_balancer(weir));
	TRY(services_start(weir, why));
	TRY(bind_api(weir, &api_fd, why));
	TRY(front_open(weir, api_fd));
	TRY(start_threads(weir));
	TRY(restore(weir, why));
	address_format(&weir->api_address, address);
	snprintf(endpoint, sizeof endpoint, "http://%s", address);
	lambda_set_endpoint(weir->lambda, endpoint);
	cloudformation_set_endpoint(weir->cloudformation, endpoint);
	return note_address(weir);
}

static void on_tasks_stopped(void *owner)
{
	struct weir *weir = owner;

	loop_stop(weir->control);
}

/* No stream needs a task any more. Each gets its own stop timeout; a second signal cuts it. */
static void on_lb_done(void *owner)
{
	struct weir *weir = owner;

	ecs_stop_all(weir->ecs, TASKS_STOP_MS, on_tasks_stopped, weir);
}

void weir_drain(struct weir *weir)
{
	uint64_t seconds = setting_number(weir->settings, SETTING_DRAIN_SECONDS);

	if (weir->draining) {
		log_warn("app", "stopping now; %u requests in progress are cut",
			 lb_open_streams(weir->lb));
		lb_shutdown(weir->lb, 0, on_lb_done, weir);
		return;
	}
	weir->draining = true;
	notify_service("STOPPING=1");
	log_info("app",
		 "draining: %u requests in progress, %llu s at most; signal again to stop now",
		 lb_open_streams(weir->lb), (unsigned long long)seconds);
	lb_shutdown(weir->lb, (uint32_t)(seconds * 1000), on_lb_done, weir);
}

void weir_run(struct weir *weir)
{
	char address[ADDRESS_TEXT_BYTES];

	address_format(&weir->api_address, address);
	log_info("app", "Weir %s, %u worker%s; the API answers on http://%s", WEIR_VERSION,
		 weir->worker_count, weir->worker_count == 1 ? "" : "s", address);
	notify_service("READY=1");
	if (weir->on_ready)
		weir->on_ready(weir, weir->owner);
	loop_run(weir->control);
}

/* Orders and notes that crossed the end run now, while those whom they concern still live. */
static void settle(struct weir *weir)
{
	for (unsigned i = 0; i < weir->worker_count; i++)
		loop_settle(weir->workers[i].loop);
	if (weir->control)
		loop_settle(weir->control);
}

void weir_stop(struct weir *weir)
{
	stop_threads(weir);
	settle(weir);
	access_events_finish(weir->access_events); /* the store's listeners are still there */
	log_delivery_finish(weir->log_delivery);
	lambda_destroy(weir->lambda); /* answers that are waited for, while they can be given */
	weir->lambda = NULL;
	functions_stop(weir);
	api_http_destroy(weir->front);
	api_http_destroy(weir->task_front);
	services_stop(weir);
	settle(weir); /* what the services' ends posted */
	lb_destroy(weir->lb);
	for (unsigned i = 0; i < weir->worker_count; i++)
		loop_destroy(weir->workers[i].loop);
	access_log_destroy(weir->access_log);
	keys_fini(&weir->keys);
	cognito_clients_fini(&weir->cognito_clients);
	store_close(weir->store);
	logs_destroy(weir->logs);
	s3_destroy(weir->s3);
	log_delivery_destroy(weir->log_delivery);
	loop_destroy(weir->control);
	access_events_destroy(weir->access_events);
}

int command_serve(const struct settings *settings)
{
	struct weir *weir = calloc(1, sizeof *weir);
	struct text why = TEXT_INIT(4096);
	int code = 2;
	err_t err;

	if (!weir)
		return code;
	weir->settings = settings;
	err = weir_start(weir, &why);
	if (err) {
		fprintf(stderr, "weir: %s\n", why.len ? text_str(&why) : err_words(err));
	} else {
		weir_run(weir);
		code = weir->exit_code;
	}
	weir_stop(weir);
	free(weir);
	text_fini(&why);
	return code;
}
