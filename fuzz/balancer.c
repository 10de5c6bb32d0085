/*
 * The whole balancer on the fake network, driven by a script of bytes: clients and targets that
 * send, stall, leave and die in any order, plans that change meanwhile, hours that pass. Whatever
 * happens nothing may be asserted or leaked, every request that began ends once, and a shutdown
 * comes to its end.
 */
#include <stdlib.h>
#include <string.h>

#include "lb/access.h"
#include "lb/lb.h"
#include "tests/scenario/fake_net.h"

enum { CLIENTS = 4, TARGETS = 2, OPS_MAX = 200 };

static const char *const requests[] = {
	"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n",
	"hello",
	"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
	"5\r\nhello\r\n",
	"0\r\n\r\n",
	"GET / HTTP/1.0\r\n\r\n",
	"HEAD / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
	"\r\n",
	"GET / HT",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n",
	"{\"stream\":true}",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: a/b+json\r\nTransfer-Encoding: "
	"chunked\r\n\r\n10\r\n{\"stream\":true,\r\n",
	"GET / HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n",
};

static const char *const answers[] = {
	"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
	"hello",
	"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
	"9\r\ndata: x\n\n\r\n",
	"5\r\nda",
	"0\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n",
	"HTTP/1.1 103 Early Hints\r\n\r\n",
	"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
	"HTTP/1.1 204 No Content\r\n\r\n",
	"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1000000\r\n\r\n",
	"junk\r\n",
};

static const uint32_t waits_ms[] = { 0, 1, 50, 1000, 9999, 15001, 40000, 61000 };

struct run {
	struct fake_net *net;
	struct loop *loop;
	struct lb *lb;
	struct fake_target *targets[TARGETS];
	struct fake_peer *clients[CLIENTS];
	unsigned connected;
	uint8_t config; /* bits: see apply */
	bool done;
};

static void on_access(void *owner, const struct access_record *record)
{
	struct text out = TEXT_INIT(256 * 1024);

	(void)owner;
	access_json(&out, record);
	if (record->phase == ACCESS_END)
		access_line(&out, record);
	text_fini(&out);
}

static const struct lb_events events = { .on_access = on_access };

static void on_done(void *owner)
{
	((struct run *)owner)->done = true;
}

static void apply(struct run *run)
{
	struct target_config targets[TARGETS] = { { .id = BYTES("10.0.0.1") },
						  { .id = BYTES("10.0.0.2") } };
	struct target_group_config group = {
		.arn = BYTES("arn:group"),
		.id = BYTES("targetgroup/one/1"),
		.load_balancer_id = BYTES("app/first/1"),
		.cross_zone = true,
		.min_healthy_count = 1,
		.health = { .path = BYTES("/"),
			    .interval_ms = 30000,
			    .timeout_ms = 5000,
			    .healthy_threshold = 2,
			    .unhealthy_threshold = 2,
			    .matcher = BYTES("200") },
		.stream = { .connect_ms = 10000,
			    .heartbeat_ms = run->config & 1 ? 15000 : 0,
			    .early_response = run->config & 1,
			    .queue_max = run->config & 128 ? 2 : 0,
			    .queue_wait_ms = 20000,
			    .total_ms = run->config & 2 ? 30000 : 0 },
		.targets = targets,
		.target_count = run->config & 128 ? 0
				: run->config & 4 ? 1
						  : TARGETS,
	};
	struct forward_group forward = { group.arn, 1 };
	struct rule_config rule = {
		.action = { .kind = ACTION_FORWARD, .groups = &forward, .group_count = 1 }
	};
	struct listener_config listener = { .port = 80, .rules = &rule, .rule_count = 1 };
	struct load_balancer_config balancer = {
		.arn = BYTES("arn:loadbalancer/app/first/1"),
		.id = BYTES("app/first/1"),
		.dns_name = BYTES("first-1.us-east-1.elb.localhost"),
		.listeners = &listener,
		.listener_count = run->config & 8 ? 0 : 1,
		.idle_ms = run->config & 16 ? 20000 : 60000,
		.client_keep_alive_ms = 3600000,
		.desync_mode = run->config & 32 ? DESYNC_MODE_MONITOR : DESYNC_MODE_DEFENSIVE,
	};
	struct lb_config config = { &balancer, 1, &group, 1 };

	address_parse(BYTES("127.0.0.1:80"), &listener.bound);
	for (unsigned t = 0; t < TARGETS; t++)
		address_parse_ip(targets[t].id, 8000, &targets[t].address);
	targets[0].draining_until_unix_ms = run->config & 64 ? 1 : 0;
	if (lb_apply(run->lb, &config))
		abort();
}

static bool start(struct run *run, uint8_t choice)
{
	struct fake_options net_options = {
		.window_bytes = choice & 1 ? 4096 : 0,
		.cut_bytes = choice & 2 ? 7 : 0,
		.seed = choice >> 2,
	};
	struct lb_options options = {
		.workers = &run->loop, .worker_count = 1, .events = &events, .owner = run
	};
	struct address at;

	run->net = fake_net_create(&net_options);
	if (loop_create(&run->loop))
		return false;
	options.control = run->loop;
	address_parse(BYTES("127.0.0.1:80"), &at);
	if (lb_create(&options, &run->lb) || lb_bind(run->lb, &at))
		return false;
	run->targets[0] = fake_listen(run->net, "10.0.0.1:8000", NULL, NULL);
	run->targets[1] = fake_listen(run->net, "10.0.0.2:8000", NULL, NULL);
	apply(run);
	return true;
}

static struct fake_peer *client_of(struct run *run, uint8_t arg)
{
	struct fake_peer **client = &run->clients[arg % CLIENTS];

	if (!*client || !fake_is_open(*client)) {
		char from[] = "192.0.2.9:10000";

		from[11] = (char)('0' + run->connected / 100 % 10);
		from[12] = (char)('0' + run->connected / 10 % 10);
		from[13] = (char)('0' + run->connected % 10);
		run->connected++;
		*client = fake_connect(run->net, from, "127.0.0.1:80");
	}
	return *client;
}

/* Some connection of a target that is still open. */
static struct fake_peer *served_by(struct run *run, uint8_t arg)
{
	struct fake_target *target = run->targets[arg % TARGETS];
	unsigned count = fake_accepted_count(target);

	for (unsigned i = 0; i < count && i < 8; i++) {
		struct fake_peer *peer = fake_accepted(target, count - 1 - (arg / 2 + i) % count);

		if (fake_is_open(peer))
			return peer;
	}
	return NULL;
}

static void act_on_target(struct run *run, uint8_t op, uint8_t arg)
{
	struct fake_peer *peer = served_by(run, arg);

	if (!peer)
		return;
	switch (op) {
	case 0:
	case 1: fake_send(peer, answers[arg / 4 % COUNT(answers)]); break;
	case 2: fake_close(peer); break;
	case 3: fake_reset(peer); break;
	case 4: fake_stop_reading(peer); break;
	case 5: fake_resume_reading(peer); break;
	case 6: fake_finish(peer); break;
	default: fake_vanish(peer); break;
	}
}

static void act_on_client(struct run *run, uint8_t op, uint8_t arg)
{
	struct fake_peer *client = client_of(run, arg);

	switch (op) {
	case 0:
	case 1: fake_send(client, requests[arg / 4 % COUNT(requests)]); break;
	case 2: fake_close(client); break;
	case 3: fake_reset(client); break;
	case 4: fake_stop_reading(client); break;
	case 5: fake_resume_reading(client); break;
	case 6: fake_finish(client); break;
	default: fake_vanish(client); break;
	}
}

static void act_on_balancer(struct run *run, uint8_t op, uint8_t arg)
{
	switch (op % 4) {
	case 0:
		run->config = arg;
		apply(run);
		break;
	case 1: lb_cut_target(run->lb, BYTES("arn:group"), BYTES("10.0.0.1"), 8000); break;
	case 2: lb_cut_load_balancer(run->lb, BYTES("arn:loadbalancer/app/first/1")); break;
	default: fake_set_mode(run->targets[arg % TARGETS], arg / 2 % 4); break;
	}
}

/* What goes up comes down. */
static void check_gauges(void *owner, struct bytes load_balancer_id, struct bytes target_group_id,
			 const struct metrics *sum)
{
	(void)owner, (void)load_balancer_id, (void)target_group_id;
	for (unsigned i = 0; i < GAUGE_COUNT; i++)
		if (sum->gauges[i] != 0)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run run = { .done = false };

	if (size < 3)
		return 0;
	if (!start(&run, data[0]))
		abort();
	data++, size--;
	for (unsigned ops = 0; size >= 2 && ops < OPS_MAX; ops++, data += 2, size -= 2) {
		uint8_t op = data[0], arg = data[1];

		switch (op % 4) {
		case 0: act_on_client(&run, op / 4 % 8, arg); break;
		case 1: act_on_target(&run, op / 4 % 8, arg); break;
		case 2: fake_run_ms(run.net, waits_ms[arg % COUNT(waits_ms)]); break;
		default: act_on_balancer(&run, op / 4, arg); break;
		}
		if (op & 128)
			fake_run_ms(run.net, 1);
	}
	lb_shutdown(run.lb, 1000, on_done, &run);
	fake_run_ms(run.net, 10000);
	if (!run.done || lb_open_streams(run.lb) != 0 || fake_open_count(run.net) != 0)
		abort();
	lb_each_metrics(run.lb, check_gauges, NULL);
	lb_destroy(run.lb);
	loop_destroy(run.loop);
	fake_net_destroy(run.net);
	return 0;
}
