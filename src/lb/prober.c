#include "lb/prober.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "conn/conn.h"
#include "lb/balance.h"
#include "lb/function_event.h"

/* ---- The machine ---- */

/* An empty cell reads as PROBE_NEVER: something that cannot happen. */
static const struct probe_edge {
	enum probe_order order;
	enum probe_state next;
} edges[PROBE_STATES][PROBE_EVENTS] = {
	[PROBE_RESTING] = {
		[PROBE_DUE] = { PROBE_CONNECT, PROBE_CONNECTING },
	},
	[PROBE_CONNECTING] = {
		[PROBE_CONNECTED] = { PROBE_SEND, PROBE_ASKING },
		[PROBE_BROKEN] = { PROBE_RECORD_FAILURE, PROBE_RESTING },
		[PROBE_EXPIRED] = { PROBE_RECORD_TIMEOUT, PROBE_RESTING },
	},
	[PROBE_ASKING] = {
		[PROBE_MATCHED] = { PROBE_RECORD_PASS, PROBE_RESTING },
		[PROBE_MISMATCHED] = { PROBE_RECORD_MISMATCH, PROBE_RESTING },
		[PROBE_BROKEN] = { PROBE_RECORD_FAILURE, PROBE_RESTING },
		[PROBE_EXPIRED] = { PROBE_RECORD_TIMEOUT, PROBE_RESTING },
	},
};

enum probe_order probe_step(struct probe_clock *clock, const struct health_config *config,
			    enum probe_event event, uint64_t now_ms)
{
	const struct probe_edge *edge = &edges[clock->state][event];

	assert(edge->order != PROBE_NEVER);
	clock->state = edge->next;
	if (edge->order == PROBE_CONNECT) {
		clock->started_ms = now_ms;
		clock->due_ms = now_ms + config->timeout_ms;
	} else if (clock->state == PROBE_RESTING) {
		clock->due_ms = clock->started_ms + config->interval_ms;
	}
	return edge->order;
}

/* ---- Probes on the loop ---- */

enum { BODY_READ_MAX = 64 * 1024 }; /* more of an answer nobody needs to judge it */

struct probe {
	struct prober *prober;
	struct target *target;		/* a reference */
	const struct plan_group *group; /* of prober->plan */
	struct probe_clock clock;
	struct timer timer;
	struct conn *conn;		 /* NULL while resting */
	struct exchange *exchange;	 /* NULL unless asking */
	struct lb_invocation invocation; /* a function's, in the place of both */
	struct text event;
	bool invoking;
	uint16_t status; /* of the answer, or its grpc-status */
	bool answered;	 /* there is one */
	bool unsaid;	 /* there is an answer, without a grpc-status */
	err_t broken;	 /* what ended it, if anything did */
	uint64_t started_unix_us;
	struct list_node link;
};

struct prober {
	struct prober_options options;
	const struct plan *plan; /* a reference; NULL at first */
	struct list_node probes;
	struct timer anomaly_timer;
};

static void hang_up(struct probe *probe)
{
	const struct prober_options *options = &probe->prober->options;

	if (probe->invoking)
		options->invoker->cancel(options->invoker_owner, &probe->invocation);
	probe->invoking = false;
	text_clear(&probe->event);
	if (probe->exchange)
		exchange_close_conn(probe->exchange); /* no word from it any more */
	probe->exchange = NULL;
	conn_destroy(probe->conn);
	probe->conn = NULL;
}

static struct address health_address(const struct probe *probe)
{
	struct address to = probe->target->address;

	if (probe->group->health.port)
		to.port = probe->group->health.port;
	return to;
}

static bool is_grpc(const struct probe *probe)
{
	return probe->group->protocol_version == PROTOCOL_GRPC;
}

/* ---- What came of it ---- */

static enum probe_reason reason_of(const struct probe *probe, enum probe_result result)
{
	switch (result) {
	case PROBE_PASS: return PROBE_NO_REASON;
	case PROBE_TIMED_OUT: return PROBE_REASON_TIMED_OUT;
	case PROBE_WRONG_STATUS:
		return is_grpc(probe)	      ? PROBE_REASON_GRPC_STATUS_UNEXPECTED
		       : probe->status >= 500 ? PROBE_REASON_TARGET_ERROR
					      : PROBE_REASON_CODE_MISMATCH;
	case PROBE_FAILED: break;
	}
	if (probe->group->function && !probe->broken)
		return PROBE_REASON_TARGET_ERROR; /* it was asked, and failed */
	return probe->unsaid				    ? PROBE_REASON_GRPC_STATUS_EMPTY
	       : err_whose(probe->broken) == ERR_WHOSE_OURS ? PROBE_REASON_INTERNAL_ERROR
							    : PROBE_REASON_CONNECTION_RESET;
}

static enum probe_type type_of(const struct plan_group *group)
{
	if (group->function)
		return PROBE_TYPE_LAMBDA;
	switch (group->protocol_version) {
	case PROTOCOL_HTTP2: return PROBE_TYPE_H2;
	case PROTOCOL_GRPC: return PROBE_TYPE_GRPC;
	case PROTOCOL_HTTP1: break;
	}
	return group->health.https ? PROBE_TYPE_HTTPS : PROBE_TYPE_HTTP;
}

static void tell(const struct probe *probe, enum probe_result result)
{
	const struct prober_options *prober = &probe->prober->options;
	uint64_t now_us = loop_unix_us(prober->loop);
	struct probe_record record = {
		.type = type_of(probe->group),
		.time_unix_us = now_us,
		.latency_us = now_us - probe->started_unix_us,
		.target = health_address(probe),
		.function_arn = probe->target->id,
		.group_name = probe->group->name,
		.load_balancer_id = probe->group->load_balancer_id,
		.reason = reason_of(probe, result),
		.answered = probe->answered,
		.status = probe->status,
	};

	if (prober->on_probe)
		prober->on_probe(prober->owner, &record);
}

static void record(struct probe *probe, enum probe_result result)
{
	struct target *target = probe->target;
	const struct health_config *config = &probe->group->health;
	struct health_thresholds thresholds = { config->healthy_threshold,
						config->unhealthy_threshold };
	uint64_t now_ms = loop_now_ms(probe->prober->options.loop);

	tell(probe, result);
	if (!health_probed(&target->control.health, thresholds, result, probe->status, now_ms))
		return;
	if (target->control.health.state == HEALTH_HEALTHY)
		slow_start_begin(probe->group, target, now_ms);
	else
		slow_start_end(target);
	target_publish_health(target);
	probe->prober->options.on_health(probe->prober->options.owner, target);
}

static void probe_happen(struct probe *probe, enum probe_event event);

/* What the answer's status says, once there is one; else `otherwise`. */
static enum probe_event verdict(const struct probe *probe, enum probe_event otherwise)
{
	struct bytes matcher = probe->group->health.matcher;
	bool matched;

	if (!probe->answered)
		return otherwise;
	matched = is_grpc(probe) ? matcher_matches_grpc(matcher, probe->status)
				 : matcher_matches(matcher, probe->status);
	return matched ? PROBE_MATCHED : PROBE_MISMATCHED;
}

static void on_connected(void *owner, struct conn *conn, err_t err)
{
	struct probe *probe = owner;

	(void)conn;
	probe->broken = err;
	probe_happen(probe, err ? PROBE_BROKEN : PROBE_CONNECTED);
}

/* A probe hangs up before its connection could be idle, or hears of it by on_failed. */
static void on_idle(void *owner, struct conn *conn, bool reusable)
{
	(void)conn, (void)reusable;
	probe_happen(owner, PROBE_BROKEN);
}

static const struct conn_client_events conn_events = {
	.on_connected = on_connected,
	.on_idle = on_idle,
};

static void take_grpc_status(struct probe *probe, const struct http_field *fields, unsigned count)
{
	uint64_t status;

	for (unsigned i = 0; i < count; i++)
		if (bytes_eq_nocase(fields[i].name, BYTES("grpc-status")) &&
		    !bytes_to_u64(fields[i].value, 99, &status)) {
			probe->status = (uint16_t)status;
			probe->answered = true;
		}
}

static void on_head(struct exchange *x, void *owner, const struct http_head *head)
{
	struct probe *probe = owner;

	(void)x;
	if (head->status < 200)
		return;
	if (is_grpc(probe)) {
		/* An answer that has nothing else says it in its head; else it is in the trailers.
		 */
		take_grpc_status(probe, head->fields, head->field_count);
		return;
	}
	probe->status = head->status;
	probe->answered = true;
}

/*
 * The head has said it all; but a server that is cut off while it writes its body complains in its
 * log, so the body is heard to its end where that is near.
 */
static void on_body(struct exchange *x, void *owner, const struct http_body *body)
{
	struct probe *probe = owner;

	if (body->end && is_grpc(probe))
		take_grpc_status(probe, body->trailers, body->trailer_count);
	probe->unsaid = body->end && is_grpc(probe) && !probe->answered;
	if ((body->end && (probe->answered || is_grpc(probe))) ||
	    (probe->answered && exchange_received_bytes(x) > BODY_READ_MAX))
		probe_happen(probe, verdict(probe, PROBE_BROKEN));
}

static void on_drained(struct exchange *x, void *owner)
{
	(void)x, (void)owner;
}

static void on_failed(struct exchange *x, void *owner, err_t why)
{
	struct probe *probe = owner;

	(void)x;
	probe->exchange = NULL;
	probe->broken = why;
	probe_happen(probe, verdict(probe, PROBE_BROKEN));
}

static const struct exchange_events exchange_events = {
	.on_head = on_head,
	.on_body = on_body,
	.on_drained = on_drained,
	.on_failed = on_failed,
};

static void probe_connect(struct probe *probe)
{
	const struct prober_options *prober = &probe->prober->options;
	bool http2 = probe->group->protocol_version != PROTOCOL_HTTP1;
	struct conn_client_options options = {
		.loop = prober->loop,
		.to = health_address(probe),
		.events = &conn_events,
		.owner = probe,
		.http2 = http2,
		.tls = probe->group->health.https ? plan_group_tls(probe->group, prober->tls)
						  : NULL,
	};

	health_probe_sent(&probe->target->control.health);
	probe->status = 0;
	probe->answered = probe->unsaid = false;
	probe->started_unix_us = loop_unix_us(prober->loop);
	probe->broken = ERR_OK;
	if (probe->group->function) {
		probe_happen(probe, PROBE_CONNECTED); /* there is nothing to connect to */
		return;
	}
	if (target_drops(probe->target) & ADMIT_DROPS_CHECKS)
		return; /* as a SYN that nobody answers: the timeout ends it */
	probe->broken = conn_connect(&options, &probe->conn);
	if (probe->broken)
		probe_happen(probe, PROBE_BROKEN);
}

/* The target's address alone; the port only where it is not the scheme's own. */
static struct bytes host_of(const struct address *to, bool https, char out[ADDRESS_TEXT_BYTES])
{
	return bytes_make(out, to->port == (https ? 443 : 80) && to->family == 4
				       ? address_format_ip(to, out)
				       : address_format(to, out));
}

static err_t ask(struct probe *probe, struct bytes host)
{
	struct http_field fields[] = {
		{ BYTES("Host"), host },
		{ BYTES("Connection"), BYTES("close") },
		{ BYTES("User-Agent"), BYTES("ELB-HealthChecker/2.0") },
		{ BYTES("Accept-Encoding"), BYTES("gzip, compressed") },
	};
	struct http_head head = {
		.version = HTTP_1_1,
		.framing = HTTP_BODY_NONE,
		.flags = HTTP_FLAG_CLOSE,
		.method = BYTES("GET"),
		.target = probe->group->health.path,
		.fields = fields,
		.field_count = COUNT(fields),
	};

	return exchange_send_head(probe->exchange, &head);
}

/* A call with one empty message, of a method that need not exist: then the answer is 12. */
static err_t call(struct probe *probe, struct bytes host)
{
	static const char message[5]; /* not compressed, of length 0 */
	struct http_field fields[] = {
		{ BYTES("Host"), host },
		{ BYTES("User-Agent"), BYTES("ELB-HealthChecker/2.0") },
		{ BYTES("Content-Type"), BYTES("application/grpc") },
	};
	struct http_head head = {
		.version = HTTP_2,
		.framing = HTTP_BODY_FRAMES,
		.flags = HTTP_FLAG_TE_TRAILERS,
		.method = BYTES("POST"),
		.target = probe->group->health.path,
		.fields = fields,
		.field_count = COUNT(fields),
	};

	TRY(exchange_send_head(probe->exchange, &head));
	exchange_send_data(probe->exchange, bytes_make(message, sizeof message), true);
	return ERR_OK;
}

/* ---- Functions: the same question as an event ---- */

static void on_invoked(struct lb_invocation *invocation, enum function_outcome outcome,
		       struct bytes json)
{
	struct probe *probe = container_of(invocation, struct probe, invocation);
	struct function_answer answer;
	struct arena arena;

	probe->invoking = false;
	if (outcome != FUNCTION_ANSWERED && function_outcome_row(outcome)->service)
		probe->broken = ERR_SYSTEM;
	arena_init(&arena, FUNCTION_ARENA_BYTES);
	if (outcome == FUNCTION_ANSWERED && json.len <= FUNCTION_ANSWER_BYTES_MAX &&
	    !function_answer_read(json, probe->group->multi_value_headers, &arena, &answer)) {
		probe->status = answer.status;
		probe->answered = true;
	}
	arena_fini(&arena);
	probe_happen(probe, verdict(probe, PROBE_BROKEN));
}

static void probe_invoke(struct probe *probe)
{
	const struct prober_options *options = &probe->prober->options;
	const struct plan_group *group = probe->group;
	enum function_outcome outcome = FUNCTION_SERVICE_FAILED;
	err_t err = function_event_check(group->arn, group->health.path, group->multi_value_headers,
					 &probe->event);

	probe->invocation = (struct lb_invocation){
		.function_arn = probe->target->id,
		.group_arn = probe->target->group_arn,
		.event = text_bytes(&probe->event),
		.on_done = on_invoked,
	};
	if (!err && options->invoker)
		outcome = options->invoker->invoke(options->invoker_owner, &probe->invocation);
	probe->invoking = outcome == FUNCTION_ANSWERED;
	if (!probe->invoking)
		on_invoked(&probe->invocation, outcome, BYTES_NONE);
}

static void probe_send(struct probe *probe)
{
	struct address to = health_address(probe);
	char text[ADDRESS_TEXT_BYTES];
	struct bytes host = host_of(&to, probe->group->health.https, text);
	err_t err = exchange_open(probe->conn, &exchange_events, probe, &probe->exchange);

	if (!err)
		err = is_grpc(probe) ? call(probe, host) : ask(probe, host);
	probe->broken = err;
	if (err)
		probe_happen(probe, PROBE_BROKEN);
}

static void probe_obey(struct probe *probe, enum probe_order order)
{
	static const enum probe_result results[] = {
		[PROBE_RECORD_PASS] = PROBE_PASS,
		[PROBE_RECORD_MISMATCH] = PROBE_WRONG_STATUS,
		[PROBE_RECORD_TIMEOUT] = PROBE_TIMED_OUT,
		[PROBE_RECORD_FAILURE] = PROBE_FAILED,
	};

	switch (order) {
	case PROBE_CONNECT: probe_connect(probe); return;
	case PROBE_SEND: (probe->group->function ? probe_invoke : probe_send)(probe); return;
	case PROBE_NEVER: assert(false && "probe_step asserts it"); return;
	case PROBE_RECORD_PASS:
	case PROBE_RECORD_MISMATCH:
	case PROBE_RECORD_TIMEOUT:
	case PROBE_RECORD_FAILURE:
		hang_up(probe);
		record(probe, results[order]);
		return;
	}
}

static void probe_happen(struct probe *probe, enum probe_event event)
{
	struct loop *loop = probe->prober->options.loop;

	probe_obey(probe,
		   probe_step(&probe->clock, &probe->group->health, event, loop_now_ms(loop)));
	timer_set(loop, &probe->timer, probe->clock.due_ms);
}

static void on_timer(struct timer *timer)
{
	struct probe *probe = container_of(timer, struct probe, timer);
	bool resting = probe->clock.state == PROBE_RESTING;

	probe_happen(probe, resting ? PROBE_DUE : verdict(probe, PROBE_EXPIRED));
}

/* ---- Which targets ---- */

static err_t probe_create(struct prober *prober, const struct plan_group *group,
			  struct target *target)
{
	struct probe *probe = calloc(1, sizeof *probe);

	if (!probe)
		return ERR_NOMEM;
	probe->prober = prober;
	probe->group = group;
	probe->target = target_ref(target);
	probe->timer.on_expired = on_timer;
	text_init(&probe->event, FUNCTION_EVENT_BYTES_MAX);
	target->control.probe = probe;
	list_append(&prober->probes, &probe->link);
	timer_set(prober->options.loop, &probe->timer, loop_now_ms(prober->options.loop));
	return ERR_OK;
}

static void probe_destroy(struct probe *probe)
{
	hang_up(probe);
	timer_cancel(&probe->timer);
	list_remove(&probe->link);
	probe->target->control.probe = NULL;
	target_unref(probe->target);
	text_fini(&probe->event);
	free(probe);
}

static void on_anomaly_timer(struct timer *timer)
{
	struct prober *prober = container_of(timer, struct prober, anomaly_timer);
	struct loop *loop = prober->options.loop;

	for (unsigned i = 0; i < prober->plan->group_count; i++)
		anomaly_step(&prober->plan->groups[i]);
	timer_set(loop, timer, loop_now_ms(loop) + ANOMALY_STEP_MS);
}

err_t prober_create(const struct prober_options *options, struct prober **ret_prober)
{
	struct prober *prober = calloc(1, sizeof *prober);

	if (!prober)
		return ERR_NOMEM;
	prober->options = *options;
	prober->anomaly_timer.on_expired = on_anomaly_timer;
	list_init(&prober->probes);
	*ret_prober = prober;
	return ERR_OK;
}

void prober_destroy(struct prober *prober)
{
	if (!prober)
		return;
	list_for_each_safe (&prober->probes, node)
		probe_destroy(container_of(node, struct probe, link));
	timer_cancel(&prober->anomaly_timer);
	plan_unref(prober->plan);
	free(prober);
}

static err_t sync_target(struct prober *prober, const struct plan_group *group,
			 struct target *target)
{
	bool wanted = group->in_use && !group->health.disabled && !target_is_draining(target);
	struct probe *probe = target->control.probe;

	if (!wanted)
		return ERR_OK; /* it goes with those that no group claimed */
	if (!probe)
		return probe_create(prober, group, target);
	probe->group = group;
	/* A shorter interval acts now, a longer one from the next probe on. */
	if (probe->clock.state == PROBE_RESTING && timer_armed(&probe->timer) &&
	    probe->clock.started_ms + group->health.interval_ms < probe->timer.due_ms)
		timer_set(prober->options.loop, &probe->timer,
			  probe->clock.started_ms + group->health.interval_ms);
	return ERR_OK;
}

err_t prober_sync(struct prober *prober, const struct plan *plan)
{
	const struct plan *old = prober->plan;
	err_t err = ERR_OK;

	prober->plan = plan_ref(plan);
	list_for_each (&prober->probes, node)
		container_of(node, struct probe, link)->group = NULL;
	for (unsigned g = 0; g < plan->group_count && !err; g++)
		for (unsigned t = 0; t < plan->groups[g].target_count && !err; t++)
			err = sync_target(prober, &plan->groups[g], plan->groups[g].targets[t]);
	list_for_each_safe (&prober->probes, node) {
		struct probe *probe = container_of(node, struct probe, link);

		if (!probe->group)
			probe_destroy(probe);
	}
	if (!timer_armed(&prober->anomaly_timer))
		timer_set(prober->options.loop, &prober->anomaly_timer,
			  loop_now_ms(prober->options.loop) + ANOMALY_STEP_MS);
	plan_unref(old);
	return err;
}
