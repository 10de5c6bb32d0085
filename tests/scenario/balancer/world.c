#include "tests/scenario/balancer/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const group_arns[WORLD_GROUPS] = { "arn:targetgroup/one",
						      "arn:targetgroup/two" };
static const char *const group_ids[WORLD_GROUPS] = { "targetgroup/one/1", "targetgroup/two/2" };
static const char *const balancer_arns[WORLD_BALANCERS] = {
	"arn:aws:elasticloadbalancing:us-east-1:0:loadbalancer/app/first/1",
	"arn:aws:elasticloadbalancing:us-east-1:0:loadbalancer/app/second/2",
};
static const char *const balancer_ids[WORLD_BALANCERS] = { "app/first/1", "app/second/2" };
static const char *const balancer_names[WORLD_BALANCERS] = {
	"first-1.us-east-1.elb.localhost",
	"second-2.us-east-1.elb.localhost",
};
static const char *const target_ids[WORLD_GROUPS][WORLD_TARGETS] = {
	{ "10.0.0.0", "10.0.0.1", "10.0.0.2" },
	{ "10.0.1.0", "10.0.1.1", "10.0.1.2" },
};

/* ---- What the balancer tells ---- */

static void on_access(void *owner, const struct access_record *record)
{
	struct world *w = owner;
	struct text line = TEXT_INIT(64 * 1024);
	struct world_end *end;

	access_json(&line, record);
	CHECK_OK(text_err(&line));
	text_clear(&line);
	if (record->phase == ACCESS_START)
		w->start_count++;
	if (record->phase == ACCESS_PROGRESS)
		w->progress_count++;
	if (record->phase == ACCESS_END && w->end_count < WORLD_ENDS) {
		end = &w->ends[w->end_count++];
		*end = (struct world_end){
			.reason = record->end_reason,
			.elb_status = record->elb_status,
			.target_status = record->target_status,
			.events = record->events,
			.heartbeats = record->heartbeats,
			.attempt = record->attempt,
			.streaming = record->streaming,
			.request_us = record->request_us,
			.target_us = record->target_us,
			.received_bytes = record->received_bytes,
			.sent_bytes = record->sent_bytes,
			.finding = record->finding,
		};
		access_line(&line, record);
		snprintf(end->line, sizeof end->line, "%s", text_str(&line));
	}
	text_fini(&line);
}

static void on_drained(void *owner, struct bytes group_arn, struct bytes id, uint16_t port)
{
	struct world *w = owner;

	(void)group_arn, (void)id, (void)port;
	w->drained_count++;
}

static void on_health(void *owner, struct bytes group_arn, struct bytes id, uint16_t port)
{
	struct world *w = owner;

	(void)group_arn, (void)id, (void)port;
	w->health_count++;
}

static void on_probe(void *owner, const struct probe_record *record)
{
	struct world *w = owner;
	struct text line = TEXT_INIT(sizeof w->probed);

	probe_line(&line, record, BYTES("node"));
	snprintf(w->probed, sizeof w->probed, "%s", text_str(&line));
	text_fini(&line);
}

static void on_wanted(void *owner, struct bytes group_arn)
{
	struct world *w = owner;

	CHECK_BYTES(group_arn, w->groups[0].config.arn.at);
	w->wanted_count++;
}

static const struct lb_events events = {
	.on_wanted = on_wanted,
	.on_health = on_health,
	.on_probe = on_probe,
	.on_drained = on_drained,
	.on_access = on_access,
};

/* ---- Functions ---- */

static enum function_outcome on_invoke(void *owner, struct lb_invocation *invocation)
{
	struct world *w = owner;
	struct world_call *call = &w->calls[w->call_count];

	if (w->refusal != FUNCTION_ANSWERED)
		return w->refusal;
	CHECK(w->call_count < WORLD_CALLS, "too many calls for this test");
	w->call_count++;
	call->invocation = invocation;
	call->event = bytes_dup(invocation->event);
	snprintf(call->function_arn, sizeof call->function_arn, "%.*s",
		 BYTES_ARG(invocation->function_arn));
	invocation->run = call;
	return FUNCTION_ANSWERED;
}

static void on_cancel(void *owner, struct lb_invocation *invocation)
{
	struct world_call *call = invocation->run;

	(void)owner;
	CHECK(call->invocation == invocation, "cancelled twice, or after its end");
	call->invocation = NULL;
	call->cancelled = true;
}

static void on_resume(void *owner, struct lb_invocation *invocation)
{
	struct world_call *call = invocation->run;

	(void)owner;
	call->resumed++;
}

static const struct lb_invoker invoker = { on_invoke, on_cancel, on_resume };

struct world_call *world_call(struct world *w, unsigned index)
{
	for (unsigned i = 0; i < w->call_count; i++)
		if (!strstr(w->calls[i].event, "ELB-HealthChecker") && index-- == 0)
			return &w->calls[i];
	CHECK(false, "the function was not called so often");
	return NULL;
}

void world_answer(struct world *w, struct world_call *call, enum function_outcome outcome,
		  const char *json)
{
	struct lb_invocation *invocation = call->invocation;

	CHECK(invocation != NULL, "nobody waits for this answer");
	call->invocation = NULL;
	invocation->on_done(invocation, outcome, bytes_of(json));
	fake_run_ms(w->net, 2);
}

bool world_piece(struct world *w, struct world_call *call, struct bytes data)
{
	bool room;

	CHECK(call->invocation != NULL, "nobody waits for this piece");
	room = call->invocation->on_piece(call->invocation, data);
	fake_run_ms(w->net, 2);
	return room;
}

/* ---- Targets ---- */

static bool is_health_check(const struct fake_peer *peer)
{
	return bytes_starts(fake_received(peer), BYTES("GET /health "));
}

static void on_target_received(struct fake_peer *peer, void *owner, struct bytes data)
{
	(void)owner, (void)data;
	if (is_health_check(peer) && bytes_ends(fake_received(peer), BYTES("\r\n\r\n")))
		fake_send(peer, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

static const struct fake_script target_script = { .on_received = on_target_received };

unsigned world_served_count(struct world *w, unsigned t)
{
	unsigned count = 0;

	for (unsigned i = 0; i < fake_accepted_count(w->targets[0][t]); i++) {
		const struct fake_peer *peer = fake_accepted(w->targets[0][t], i);

		count += fake_received(peer).len > 0 && !is_health_check(peer);
	}
	return count;
}

struct fake_peer *world_served(struct world *w, unsigned t, unsigned index)
{
	for (unsigned i = 0; i < fake_accepted_count(w->targets[0][t]); i++) {
		struct fake_peer *peer = fake_accepted(w->targets[0][t], i);

		if (fake_received(peer).len == 0 || is_health_check(peer))
			continue;
		if (index-- == 0)
			return peer;
	}
	CHECK(false, "target %u was not asked so often", t);
	return NULL;
}

/* ---- Opening and closing ---- */

static void default_group(struct world *w, unsigned g)
{
	struct world_group *group = &w->groups[g];

	group->config = (struct target_group_config){
		.arn = bytes_of(group_arns[g]),
		.id = bytes_of(group_ids[g]),
		.name = BYTES("group"),
		.load_balancer_id = bytes_of(balancer_ids[0]),
		.algorithm = ROUND_ROBIN,
		.stickiness_seconds = 3600,
		.cross_zone = true,
		.min_healthy_count = 1,
		.deregistration_delay_ms = 300 * 1000,
		.health = {
			.path = BYTES("/health"),
			.interval_ms = 30 * 1000,
			.timeout_ms = 5 * 1000,
			.healthy_threshold = 2,
			.unhealthy_threshold = 2,
			.matcher = BYTES("200"),
		},
		.stream = { .connect_ms = 10 * 1000 },
		.target_count = 1,
	};
	for (unsigned t = 0; t < WORLD_TARGETS; t++) {
		struct target_config *target = &group->targets[t];

		target->id = bytes_of(target_ids[g][t]);
		target->zone = BYTES("us-east-1a");
		CHECK_OK(address_parse_ip(target->id, 8000, &target->address));
	}
}

static void default_balancer(struct world *w, unsigned b)
{
	w->balancers[b] = (struct load_balancer_config){
		.arn = bytes_of(balancer_arns[b]),
		.id = bytes_of(balancer_ids[b]),
		.dns_name = bytes_of(balancer_names[b]),
		.listener_count = 1,
		.idle_ms = 60 * 1000,
		.client_keep_alive_ms = 3600 * 1000,
		.desync_mode = DESYNC_MODE_DEFENSIVE,
		.cross_zone = true,
	};
	w->listeners[b] = (struct listener_config){
		.arn = BYTES("arn:listener"),
		.port = 80,
		.rule_count = 1,
		.server_header = true,
	};
	CHECK_OK(address_parse(BYTES("127.0.0.1:80"), &w->listeners[b].bound));
	w->forwards[b][0] = (struct forward_group){ bytes_of(group_arns[0]), 1 };
	w->forwards[b][1] = (struct forward_group){ bytes_of(group_arns[1]), 1 };
	w->rules[b][0] = (struct rule_config){
		.arn = BYTES("arn:rule"),
		.action = { .kind = ACTION_FORWARD, .group_count = 1 },
	};
}

void world_apply(struct world *w)
{
	struct target_group_config groups[WORLD_GROUPS];
	struct lb_config config = {
		.load_balancers = w->balancers,
		.load_balancer_count = w->balancer_count,
		.target_groups = groups,
		.target_group_count = w->group_count,
	};

	for (unsigned b = 0; b < WORLD_BALANCERS; b++) {
		w->balancers[b].listeners = &w->listeners[b];
		w->listeners[b].rules = w->rules[b];
		for (unsigned r = 0; r < WORLD_RULES; r++)
			w->rules[b][r].action.groups = w->forwards[b];
	}
	for (unsigned g = 0; g < w->group_count; g++) {
		w->groups[g].config.targets = w->groups[g].targets;
		groups[g] = w->groups[g].config;
	}
	CHECK_OK(lb_apply(w->lb, &config));
	fake_run_ms(w->net, 5);
}

struct world *world_open_with(const struct fake_options *options, void (*change)(struct world *w))
{
	struct world *w = calloc(1, sizeof *w);
	struct lb_options lb_options = {
		.workers = &w->loop,
		.worker_count = 1,
		.events = &events,
		.invoker = &invoker,
		.owner = w,
		.cookie_key = { 1, 2, 3 },
		.held_bytes_max = WORLD_HELD_BYTES,
	};

	CHECK(w != NULL);
	w->net = fake_net_create(options);
	CHECK_OK(loop_create(&w->loop));
	lb_options.control = w->loop;
	CHECK_OK(lb_create(&lb_options, &w->lb));
	w->balancer_count = w->group_count = 1;
	w->target_script = &target_script;
	w->target_owner = w;
	for (unsigned g = 0; g < WORLD_GROUPS; g++)
		default_group(w, g);
	for (unsigned b = 0; b < WORLD_BALANCERS; b++)
		default_balancer(w, b);
	if (change)
		change(w);
	for (unsigned g = 0; g < WORLD_GROUPS; g++)
		for (unsigned t = 0; t < WORLD_TARGETS; t++) {
			char at[ADDRESS_TEXT_BYTES];

			address_format(&w->groups[g].targets[t].address, at);
			w->targets[g][t] = fake_listen(w->net, at, w->target_script,
						       w->target_owner);
		}
	for (unsigned b = 0; b < w->balancer_count; b++)
		CHECK_OK(lb_bind(w->lb, &w->listeners[b].bound));
	world_apply(w);
	fake_run_ms(w->net, 100);
	return w;
}

struct world *world_open(void (*change)(struct world *w))
{
	return world_open_with(NULL, change);
}

static void on_done(void *owner)
{
	struct world *w = owner;

	w->done = true;
}

void world_close(struct world *w)
{
	lb_shutdown(w->lb, 0, on_done, w);
	fake_run_ms(w->net, 10);
	CHECK(w->done, "the balancer did not stop");
	lb_destroy(w->lb);
	CHECK_EQ(fake_open_count(w->net), 0, "sockets left open");
	loop_destroy(w->loop);
	fake_net_destroy(w->net);
	for (unsigned i = 0; i < w->call_count; i++)
		free(w->calls[i].event);
	free(w);
}

/* ---- Asking and looking ---- */

struct fake_peer *world_connect(struct world *w)
{
	static unsigned port = 20000;
	char from[ADDRESS_TEXT_BYTES];

	snprintf(from, sizeof from, "192.0.2.9:%u", 20000 + port++ % 40000);
	return fake_connect(w->net, from, "127.0.0.1:80");
}

struct fake_peer *world_ask(struct world *w, const char *request)
{
	struct fake_peer *client = world_connect(w);

	fake_send(client, request);
	fake_run_ms(w->net, 5);
	return client;
}

const struct world_end *world_ended(struct world *w, unsigned index)
{
	CHECK(index < w->end_count, "only %u requests have ended", w->end_count);
	return &w->ends[index];
}

struct sum {
	struct bytes group_id;
	struct metrics metrics;
};

static void add_row(void *owner, struct bytes load_balancer_id, struct bytes target_group_id,
		    const struct metrics *metrics)
{
	struct sum *sum = owner;

	if (bytes_eq(load_balancer_id, bytes_of(balancer_ids[0])) &&
	    bytes_eq(target_group_id, sum->group_id))
		metrics_sum(&sum->metrics, metrics);
}

static struct sum sum_of(struct world *w, struct bytes group_id)
{
	struct sum sum = { .group_id = group_id };

	lb_each_metrics(w->lb, add_row, &sum);
	return sum;
}

uint64_t world_counter(struct world *w, enum metric_counter counter)
{
	return sum_of(w, BYTES_NONE).metrics.counters[counter];
}

uint64_t world_group_counter(struct world *w, enum metric_counter counter)
{
	return sum_of(w, bytes_of(group_ids[0])).metrics.counters[counter];
}

int64_t world_gauge(struct world *w, enum metric_gauge gauge)
{
	return sum_of(w, BYTES_NONE).metrics.gauges[gauge];
}

uint64_t world_observed(struct world *w, enum metric_histogram histogram)
{
	return sum_of(w, BYTES_NONE).metrics.histograms[histogram].count;
}

bool world_has(struct bytes text, const char *part)
{
	return bytes_find(text, bytes_of(part)) != SIZE_MAX;
}

unsigned world_count(struct bytes text, const char *part)
{
	unsigned count = 0;
	size_t at;

	while ((at = bytes_find(text, bytes_of(part))) != SIZE_MAX) {
		count++;
		text = bytes_from(text, at + strlen(part));
	}
	return count;
}

struct target_status world_status(struct world *w, unsigned g, unsigned t)
{
	const struct target_config *target = &w->groups[g].targets[t];
	struct target_status status = { 0 };

	CHECK_OK(lb_target_status(w->lb, bytes_of(group_arns[g]), target->id, target->address.port,
				  &status));
	return status;
}
