/*
 * routes: the house's own paths on the API port: health, readiness, metrics, the live table of
 * streams, reset. docs/api.md describes them.
 */
#include <stdlib.h>

#include "app/weir.h"
#include "base/encode.h"
#include "base/log.h"

#define ADMISSION_PATH	 "/_weir/admission/"
#define TRUST_STORE_PATH "/_weir/trust-store/"

enum { TRUST_CONTENT_MAX = 4 * 1024 * 1024 };
enum { METRICS_MAX = 64 * 1024 * 1024, STREAM_ROWS_MAX = 10000 };

static void reply_json(struct api_http_request *request, unsigned status, json_t *value)
{
	char *body = json_dumps(value, JSON_COMPACT);

	json_decref(value);
	api_http_reply(request, body ? status : 500, "application/json", bytes_of(body));
	free(body);
}

static void on_health(void *owner, struct api_http_request *request)
{
	struct weir *weir = owner;
	uint64_t uptime_ms = loop_now_ms(weir->control) - weir->started_ms;

	reply_json(request, 200,
		   json_pack("{s:s, s:s, s:I, s:i, s:i}", "status",
			     weir->draining ? "draining" : "healthy", "version", WEIR_VERSION,
			     "uptime_seconds", (json_int_t)(uptime_ms / 1000), "workers",
			     (int)weir->worker_count, "requests_in_progress",
			     (int)lb_open_streams(weir->lb)));
}

static void on_ready(void *owner, struct api_http_request *request)
{
	struct weir *weir = owner;

	reply_json(request, weir->draining ? 503 : 200,
		   json_pack("{s:b}", "ready", !weir->draining));
}

/* As users call it: "elbv2" rather than its credential scope. */
static const char *name_of(const struct api_service *service)
{
	const char *alias = service->aliases ? service->aliases[0] : NULL;

	return alias ? alias : service->name;
}

/* The link itself says that one may follow it: a presigned URL. */
static void on_trust_store(void *owner, struct api_http_request *request)
{
	struct weir *weir = owner;
	struct text content = TEXT_INIT(TRUST_CONTENT_MAX);
	err_t err = elbv2_trust_store_content(
		weir->elbv2, bytes_from(request->path, sizeof TRUST_STORE_PATH - 1), &content);

	if (err)
		reply_json(request, err == ERR_NOT_FOUND ? 403 : 500,
			   json_pack("{s:s, s:s}", "code", "AccessDenied", "message",
				     "The link is not one of ours, or older than ten minutes."));
	else
		api_http_reply(request, 200, "application/octet-stream", text_bytes(&content));
	text_fini(&content);
}

/* The form that tools written for LocalStack wait for. */
static void on_localstack_health(void *owner, struct api_http_request *request)
{
	struct weir *weir = owner;
	json_t *services = json_object();
	const struct api_service *service;

	for (size_t i = 0; (service = api_service_at(weir->api, i)) != NULL; i++)
		json_object_set_new(services, name_of(service), json_string("running"));
	reply_json(request, 200,
		   json_pack("{s:o, s:s}", "services", services, "version", WEIR_VERSION));
}

/* Every operation there is, for `weir call` and docs/operations.md. */
static void on_operations(void *owner, struct api_http_request *request)
{
	struct weir *weir = owner;
	json_t *rows = json_array();
	const struct api_service *service;

	for (size_t i = 0; (service = api_service_at(weir->api, i)) != NULL; i++)
		for (size_t k = 0; k < service->operation_count; k++) {
			const struct api_operation *row = &service->operations[k];

			json_array_append_new(
				rows, json_pack("{s:s, s:s, s:s, s:s?}", "service",
						name_of(service), "operation", row->name, "effect",
						row->effect == API_WRITES ? "writes" : "reads",
						"refusal", row->refusal));
		}
	reply_json(request, 200, json_pack("{s:o}", "operations", rows));
}

/* The task metadata endpoint: its path has a secret in it, so it needs no signature. */
static void on_task(void *owner, struct api_http_request *request)
{
	struct weir *weir = owner;
	json_t *view = ecs_metadata(weir->ecs, bytes_from(request->path, strlen("/_weir/tasks/")));

	reply_json(request, view ? 200 : 404,
		   view ? view : json_pack("{s:s}", "message", "there is no such task"));
}

#define CREDENTIALS_PATH "/_weir/credentials/"

/* Likewise its keys, but for the token, which is a field of its own. */
static void on_credentials(void *owner, struct api_http_request *request)
{
	struct weir *weir = owner;
	struct bytes id = bytes_from(request->path, strlen(CREDENTIALS_PATH));
	json_t *view = NULL;
	err_t err = ecs_credentials(weir->ecs, id,
				    http_value(request->head, BYTES("authorization")), &view);

	if (err)
		reply_json(request,
			   err == ERR_NOT_FOUND ? 404
			   : err == ERR_DENIED	? 403
						: 500,
			   json_pack("{s:s, s:s}", "code",
				     err == ERR_NOT_FOUND ? "NotFound"
				     : err == ERR_DENIED  ? "AccessDenied"
							  : "InternalServerError",
				     "message",
				     err == ERR_NOT_FOUND
					     ? "There is no such task, or it does not run."
					     : "The task has no role, it may not be taken on, or "
					       "the Authorization field is not the value of "
					       "AWS_CONTAINER_AUTHORIZATION_TOKEN."));
	else
		reply_json(request, 200, view);
}

/* ---- Metrics ---- */

struct labelled_set {
	char *labels;
	struct metrics metrics;
	char level;
};

struct gathering {
	struct labelled_set *sets;
	size_t count, cap;
};

static void gather(void *owner, struct bytes load_balancer_id, struct bytes target_group_id,
		   const struct metrics *sum)
{
	struct gathering *all = owner;
	struct labelled_set *set;
	struct text labels = TEXT_INIT(1024);

	if (all->count == all->cap) {
		size_t cap = all->cap ? all->cap * 2 : 16;
		struct labelled_set *more = realloc(all->sets, cap * sizeof *more);

		if (!more)
			return;
		all->sets = more;
		all->cap = cap;
	}
	text_printf(&labels, "load_balancer=\"%.*s\"", BYTES_ARG(load_balancer_id));
	if (target_group_id.len)
		text_printf(&labels, ",target_group=\"%.*s\"", BYTES_ARG(target_group_id));
	set = &all->sets[all->count];
	set->labels = text_take(&labels);
	if (!set->labels)
		return;
	memcpy(&set->metrics, sum, sizeof set->metrics);
	set->level = target_group_id.len ? 'T' : 'L';
	all->count++;
}

static void add_process_metrics(struct weir *weir, struct text *out)
{
	text_printf(
		out,
		"# HELP weir_uptime_seconds Since the daemon started\n"
		"# TYPE weir_uptime_seconds gauge\nweir_uptime_seconds %.3f\n"
		"# HELP weir_access_log_dropped_total Buffers of access log lines that were dropped\n"
		"# TYPE weir_access_log_dropped_total counter\n"
		"weir_access_log_dropped_total %llu\n"
		"# HELP weir_access_events_dropped_total Batches of log events that were dropped\n"
		"# TYPE weir_access_events_dropped_total counter\n"
		"weir_access_events_dropped_total %llu\n",
		(double)(loop_now_ms(weir->control) - weir->started_ms) / 1000.0,
		(unsigned long long)access_log_dropped(weir->access_log),
		(unsigned long long)access_events_dropped(weir->access_events));
}

static void on_metrics(void *owner, struct api_http_request *request)
{
	struct weir *weir = owner;
	struct gathering all = { 0 };
	struct text out = TEXT_INIT(METRICS_MAX);
	struct metrics_labelled *sets;

	lb_each_metrics(weir->lb, gather, &all);
	sets = calloc(all.count + 1, sizeof *sets);
	for (size_t i = 0; sets && i < all.count; i++)
		sets[i] = (struct metrics_labelled){ bytes_of(all.sets[i].labels),
						     &all.sets[i].metrics, all.sets[i].level };
	if (sets)
		metrics_prometheus(&out, sets, all.count);
	add_process_metrics(weir, &out);
	api_http_reply(request, text_err(&out) || !sets ? 500 : 200, "text/plain; version=0.0.4",
		       text_bytes(&out));
	for (size_t i = 0; i < all.count; i++)
		free(all.sets[i].labels);
	free(all.sets);
	free(sets);
	text_fini(&out);
}

/* ---- Who is let in ---- */

struct admissions {
	struct weir *weir;
	json_t *rows;
	struct bytes wanted; /* the load balancer whose drops are asked */
	uint64_t drops;
};

static void note_drops(void *owner, struct bytes load_balancer_id, struct bytes target_group_id,
		       const struct metrics *sum)
{
	struct admissions *all = owner;

	if (!target_group_id.len && bytes_eq(load_balancer_id, all->wanted))
		all->drops = atomic_load_explicit(&sum->counters[COUNTER_SECURITY_GROUP_DROPS],
						  memory_order_relaxed);
}

static void note_admission(void *owner, const struct admission_row *row)
{
	struct admissions *all = owner;

	all->wanted = row->load_balancer_id;
	all->drops = 0;
	lb_each_metrics(all->weir->lb, note_drops, all);
	json_array_append_new(all->rows,
			      json_pack("{s:s%, s:i, s:b, s:I}", "load_balancer",
					row->load_balancer_id.at, row->load_balancer_id.len,
					"listener_port", (int)row->listener_port, "admits",
					(int)row->admits, "dropped", (json_int_t)all->drops));
}

static void note_reach(void *owner, const struct reach_row *row)
{
	json_array_append_new(owner,
			      json_pack("{s:s%, s:s%, s:i, s:b, s:b, s:b, s:b}", "load_balancer",
					row->load_balancer_id.at, row->load_balancer_id.len,
					"target_group", row->target_group_id.at,
					row->target_group_id.len, "port", (int)row->port, "reaches",
					!(row->drops & ADMIT_DROPS_REQUESTS), "checked",
					!(row->drops & ADMIT_DROPS_CHECKS), "egress",
					!(row->drops & ADMIT_LACKS_EGRESS), "ingress",
					!(row->drops & ADMIT_LACKS_INGRESS)));
}

/* GET /_weir/admission/ADDRESS */
static void on_admission(void *owner, struct api_http_request *request)
{
	struct admissions all = { .weir = owner };
	struct address client;
	json_t *targets;

	if (address_parse_ip(bytes_from(request->path, sizeof ADMISSION_PATH - 1), 0, &client)) {
		reply_json(request, 400,
			   json_pack("{s:s, s:s}", "code", "ValidationError", "message",
				     "The path ends in the client's IP address."));
		return;
	}
	all.rows = json_array();
	lb_each_admission(all.weir->lb, &client, note_admission, &all);
	targets = json_array();
	lb_each_reach(all.weir->lb, &client, note_reach, targets);
	reply_json(request, 200,
		   json_pack("{s:o, s:o}", "listeners", all.rows, "targets", targets));
}

/* ---- Streams ---- */

static json_t *stream_json(const struct stream_row *row)
{
	return json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
		"trace_id", row->trace_id, "load_balancer", row->load_balancer, "target_group",
		row->target_group, "target", row->target, "client", row->client, "request",
		row->request, "stage", row->stage, "status", (int)row->status, "age_ms",
		(json_int_t)row->age_ms, "idle_ms", (json_int_t)row->idle_ms, "first_byte_ms",
		(json_int_t)row->first_byte_ms, "received_bytes", (json_int_t)row->received_bytes,
		"sent_bytes", (json_int_t)row->sent_bytes, "events", (json_int_t)row->events,
		"heartbeats", (json_int_t)row->heartbeats);
}

static void on_stream_rows(void *owner, const struct stream_row *rows, unsigned count)
{
	struct api_http_request *request = owner;
	json_t *list = json_array();

	for (unsigned i = 0; i < count; i++) {
		json_t *row = stream_json(&rows[i]);

		if (row) /* bytes that are not UTF-8 in a request line have no JSON form */
			json_array_append_new(list, row);
	}
	reply_json(request, 200, json_pack("{s:o}", "streams", list));
}

static void on_streams(void *owner, struct api_http_request *request)
{
	struct weir *weir = owner;

	lb_streams(weir->lb, STREAM_ROWS_MAX, on_stream_rows, request);
}

/* ---- Keys of x-amzn-oidc-data ---- */

#define PUBLIC_KEYS "/_weir/public-keys/"

static void reply_jwks(struct weir *weir, struct api_http_request *request)
{
	uint8_t x[SIGN_COORDINATE_BYTES], y[SIGN_COORDINATE_BYTES];
	struct text x64 = TEXT_INIT(64), y64 = TEXT_INIT(64);
	json_t *key = NULL;

	if (!sign_key_public_point(weir->keys.signing, x, y)) {
		encode_base64url(&x64, bytes_make(x, sizeof x));
		encode_base64url(&y64, bytes_make(y, sizeof y));
		key = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "kty", "EC", "crv", "P-256",
				"use", "sig", "alg", "ES256", "kid", weir->keys.signing_kid, "x",
				text_str(&x64), "y", text_str(&y64));
	}
	reply_json(request, key ? 200 : 500, json_pack("{s:[o]}", "keys", key));
	text_fini(&x64);
	text_fini(&y64);
}

/* AWS: https://public-keys.auth.elb.REGION.amazonaws.com/KID. Targets ask, so it is open. */
static void on_public_key(void *owner, struct api_http_request *request)
{
	struct weir *weir = owner;
	struct bytes name = bytes_from(request->path, sizeof PUBLIC_KEYS - 1);
	struct text pem = TEXT_INIT(1024);

	if (bytes_eq(name, BYTES("jwks.json"))) {
		reply_jwks(weir, request);
		return;
	}
	if (!bytes_eq_str(name, weir->keys.signing_kid)) {
		reply_json(request, 404,
			   json_pack("{s:s, s:s}", "code", "NotFound", "message",
				     "There is no key of that name."));
		return;
	}
	if (sign_key_public_pem(weir->keys.signing, &pem))
		text_clear(&pem);
	api_http_reply(request, pem.len ? 200 : 500, "text/plain", text_bytes(&pem));
	text_fini(&pem);
}

/* ---- Reset ---- */

static void on_reset(void *owner, struct api_http_request *request)
{
	struct weir *weir = owner;
	struct store_txn *txn;
	err_t err;

	if (!setting_flag(weir->settings, SETTING_ALLOW_RESET)) {
		reply_json(request, 403,
			   json_pack("{s:s, s:s}", "code", "AccessDenied", "message",
				     "This Weir was started without --allow-reset."));
		return;
	}
	err = store_begin(weir->store, &txn);
	if (!err) {
		err = store_reset(txn);
		if (err)
			store_rollback(txn);
		else
			err = store_commit(txn);
	}
	if (!err) {
		lb_forget_all(weir->lb);
		log_info("app", "everything was deleted by a reset");
	}
	reply_json(request, err ? 500 : 200,
		   json_pack("{s:s}", "status", err ? err_words(err) : "reset"));
}

/* ---- Functions ---- */

static void on_function_url(void *owner, struct api_http_request *request)
{
	lambda_serve_url(((struct weir *)owner)->lambda, request);
}

static void on_function_code(void *owner, struct api_http_request *request)
{
	lambda_serve_code(((struct weir *)owner)->lambda, request);
}

static void on_stack_answer(void *owner, struct api_http_request *request)
{
	cloudformation_serve_answer(((struct weir *)owner)->cloudformation, request);
}

const struct api_route *weir_routes(struct weir *weir, size_t *ret_count)
{
	static struct api_route routes[] = {
		{ .method = "GET", .path = "/_weir/health", .open = true, .handle = on_health },
		{ .method = "GET", .path = "/_weir/ready", .open = true, .handle = on_ready },
		{ .method = "GET", .path = "/_weir/metrics", .open = true, .handle = on_metrics },
		{ .method = "GET",
		  .path = "/_localstack/health",
		  .open = true,
		  .handle = on_localstack_health },
		{ .method = "GET", .path = "/_weir/operations", .handle = on_operations },
		{ .method = "GET", .path = PUBLIC_KEYS "*", .open = true, .handle = on_public_key },
		{ .method = "GET", .path = "/_weir/tasks/*", .open = true, .handle = on_task },
		{ .method = "GET",
		  .path = CREDENTIALS_PATH "*",
		  .open = true,
		  .handle = on_credentials },
		{ .method = "GET", .path = "/_weir/streams", .handle = on_streams },
		{ .method = "GET", .path = ADMISSION_PATH "*", .handle = on_admission },
		{ .method = "GET",
		  .path = TRUST_STORE_PATH "*",
		  .handle = on_trust_store,
		  .open = true },
		{ .host = LAMBDA_URL_HOST, .open = true, .handle = on_function_url },
		{ .method = "GET",
		  .path = LAMBDA_CODE_PATH "*",
		  .open = true,
		  .handle = on_function_code },
		{ .method = "PUT",
		  .path = CLOUDFORMATION_ANSWER_PATH "*",
		  .open = true,
		  .handle = on_stack_answer },
		{ .method = "POST", .path = "/_weir/reset", .handle = on_reset },
	};

	for (size_t i = 0; i < COUNT(routes); i++)
		routes[i].owner = weir;
	*ret_count = COUNT(routes);
	return routes;
}

const struct api_route *weir_task_routes(struct weir *weir, size_t *ret_count)
{
	static struct api_route routes[] = {
		{ .method = "GET", .path = "/_weir/health", .open = true, .handle = on_health },
		{ .method = "GET", .path = "/_weir/tasks/*", .open = true, .handle = on_task },
		{ .method = "GET",
		  .path = CREDENTIALS_PATH "*",
		  .open = true,
		  .handle = on_credentials },
	};

	for (size_t i = 0; i < COUNT(routes); i++)
		routes[i].owner = weir;
	*ret_count = COUNT(routes);
	return routes;
}
