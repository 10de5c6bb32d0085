/* Health checks on the clock, and what requests make of their word. */
#include <stdio.h>

#include "tests/scenario/balancer/world.h"

#define GET "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

/* How targets answer: the world's own script is replaced by this one. */
static struct answer {
	const char *text; /* NULL: says nothing */
	bool closes;
	unsigned asked;
} answer;

static void on_received(struct fake_peer *peer, void *owner, struct bytes data)
{
	(void)owner, (void)data;
	if (!bytes_ends(fake_received(peer), BYTES("\r\n\r\n")))
		return;
	answer.asked++;
	if (answer.text)
		fake_send(peer, answer.text);
	if (answer.closes)
		fake_close(peer);
}

static const struct fake_script script = { .on_received = on_received };

static void on_ten_nine(struct world *w)
{
	CHECK_OK(address_parse(BYTES("10.9.0.1:8000"), &w->groups[0].targets[0].address));
	w->groups[0].targets[0].id = BYTES("10.9.0.1");
	fake_listen(w->net, "10.9.0.1:9000", &script, NULL);
	w->groups[0].config.health.port = 9000;
}

static struct target_status status_of(struct world *w)
{
	struct target_status status;

	CHECK_OK(lb_target_status(w->lb, w->groups[0].config.arn, w->groups[0].targets[0].id, 8000,
				  &status));
	return status;
}

#define PASS "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define MISS "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"

TEST(one_pass_makes_a_new_target_healthy_and_thresholds_rule_after)
{
	struct world *w;

	answer = (struct answer){ .text = PASS };
	w = world_open(on_ten_nine);
	CHECK_EQ(answer.asked, 1, "asked at once");
	CHECK_EQ(status_of(w).state, HEALTH_HEALTHY);
	CHECK_EQ(status_of(w).reason, HEALTH_NO_REASON);
	CHECK_EQ(status_of(w).health_port, 9000);
	CHECK_EQ(w->health_count, 1);

	answer.text = MISS;
	fake_run_ms(w->net, 30 * 1000);
	CHECK_EQ(answer.asked, 2);
	CHECK_EQ(status_of(w).state, HEALTH_HEALTHY, "one miss is none");
	fake_run_ms(w->net, 30 * 1000);
	CHECK_EQ(status_of(w).state, HEALTH_UNHEALTHY);
	CHECK_EQ(status_of(w).reason, HEALTH_RESPONSE_CODE_MISMATCH);
	CHECK_STR(status_of(w).description, "Health checks failed with these codes: [404]");

	answer.text = PASS;
	fake_run_ms(w->net, 30 * 1000);
	CHECK_EQ(status_of(w).state, HEALTH_UNHEALTHY);
	fake_run_ms(w->net, 30 * 1000);
	CHECK_EQ(status_of(w).state, HEALTH_HEALTHY);
	CHECK_EQ(w->health_count, 3);
	world_close(w);
}

TEST(a_probe_says_who_asks)
{
	struct world *w;
	struct bytes head;

	answer = (struct answer){ .text = NULL };
	w = world_open(NULL);
	head = fake_received(fake_accepted(w->targets[0][0], 0));
	CHECK(bytes_starts(head, BYTES("GET /health HTTP/1.1\r\nHost: 10.0.0.0:8000\r\n")));
	CHECK(world_has(head, "User-Agent: ELB-HealthChecker/2.0\r\n"));
	CHECK(world_has(head, "Accept-Encoding: gzip, compressed\r\n"));
	CHECK(!fake_is_open(fake_accepted(w->targets[0][0], 0)), "one probe, one connection");
	world_close(w);
}

static const struct {
	const char *name;
	struct answer answer;
	enum health_reason reason;
	const char *logged;
} failures[] = {
	{ "says nothing", { .text = NULL }, HEALTH_TIMEOUT, "- TimedOut" },
	{ "closes",
	  { .text = NULL, .closes = true },
	  HEALTH_FAILED_HEALTH_CHECKS,
	  "- ConnectionReset" },
	{ "talks nonsense",
	  { .text = "SMTP\r\n", .closes = true },
	  HEALTH_FAILED_HEALTH_CHECKS,
	  "- ConnectionReset" },
	{ "redirects",
	  { .text = "HTTP/1.1 301 Moved\r\nContent-Length: 0\r\n\r\n" },
	  HEALTH_RESPONSE_CODE_MISMATCH,
	  "301 ResponseCodeMismatch" },
	{ "is out of order",
	  { .text = "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n" },
	  HEALTH_RESPONSE_CODE_MISMATCH,
	  "503 TargetError" },
	{ "has a body without end",
	  { .text = "HTTP/1.1 404 No\r\n\r\nabc" },
	  HEALTH_RESPONSE_CODE_MISMATCH,
	  "404 ResponseCodeMismatch" },
};

TEST(failures_have_reasons)
{
	for (size_t i = 0; i < COUNT(failures); i++) {
		char logged[128];
		struct world *w;

		answer = failures[i].answer;
		w = world_open(on_ten_nine);
		CHECK_EQ(status_of(w).state, HEALTH_INITIAL);
		CHECK_EQ(status_of(w).reason, HEALTH_INITIAL_HEALTH_CHECKING);
		fake_run_ms(w->net, 36 * 1000);
		CHECK_EQ(status_of(w).state, HEALTH_UNHEALTHY, "%s", failures[i].name);
		CHECK_EQ(status_of(w).reason, failures[i].reason, "%s", failures[i].name);
		CHECK_EQ(answer.asked, 2, "%s: from start to start", failures[i].name);
		snprintf(logged, sizeof logged, "10.9.0.1:9000 group FAIL %s app/first/1 node\n",
			 failures[i].logged);
		CHECK(bytes_ends(bytes_of(w->probed), bytes_of(logged)), "%s: %s", logged,
		      w->probed);
		world_close(w);
	}
}

TEST(a_body_without_end_does_not_fail_a_good_status)
{
	struct world *w;

	answer = (struct answer){ .text = "HTTP/1.1 200 OK\r\n\r\nabc" };
	w = world_open(on_ten_nine);
	fake_run_ms(w->net, 6 * 1000);
	CHECK_EQ(status_of(w).state, HEALTH_HEALTHY);
	world_close(w);
}

TEST(refused_and_hanging_health_ports)
{
	for (unsigned hangs = 0; hangs < 2; hangs++) {
		struct world *w = world_open(NULL);

		fake_set_mode(w->targets[0][0], hangs ? FAKE_HANG : FAKE_REFUSE);
		fake_run_ms(w->net, 66 * 1000);
		CHECK_EQ(world_status(w, 0, 0).state, HEALTH_UNHEALTHY);
		CHECK_EQ(world_status(w, 0, 0).reason,
			 hangs ? HEALTH_TIMEOUT : HEALTH_FAILED_HEALTH_CHECKS);
		CHECK_EQ(fake_connects(w->targets[0][0]), 3, "no busy loop");
		world_close(w);
	}
}

static void two_targets(struct world *w)
{
	w->groups[0].config.target_count = 2;
}

TEST(unhealthy_targets_get_nothing_until_none_is_healthy)
{
	struct world *w = world_open(two_targets);
	struct fake_peer *client;

	fake_set_mode(w->targets[0][0], FAKE_REFUSE);
	fake_run_ms(w->net, 61 * 1000);
	CHECK_EQ(world_status(w, 0, 0).state, HEALTH_UNHEALTHY);
	for (unsigned i = 0; i < 4; i++)
		world_ask(w, GET);
	CHECK_EQ(world_served_count(w, 1), 4);
	CHECK_EQ(world_counter(w, COUNTER_UNHEALTHY_ROUTING), 0);

	/* Both are: it fails open. */
	fake_set_mode(w->targets[0][1], FAKE_REFUSE);
	fake_run_ms(w->net, 61 * 1000);
	CHECK_EQ(world_status(w, 0, 1).state, HEALTH_UNHEALTHY);
	client = world_ask(w, GET);
	CHECK(bytes_starts(fake_received(client), BYTES("HTTP/1.1 502")), "tried all the same");
	CHECK_EQ(world_counter(w, COUNTER_UNHEALTHY_ROUTING), 1);
	world_close(w);
}

TEST(a_stream_outlives_the_health_of_its_target)
{
	struct world *w = world_open(NULL);
	struct fake_peer *client = world_ask(w, GET), *served = world_served(w, 0, 0);

	fake_send(served, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n");
	fake_set_mode(w->targets[0][0], FAKE_REFUSE);
	for (unsigned i = 0; i < 5; i++) {
		fake_run_ms(w->net, 30 * 1000);
		fake_send(served, "1\r\nx\r\n");
	}
	CHECK_EQ(world_status(w, 0, 0).state, HEALTH_UNHEALTHY);
	fake_send(served, "0\r\n\r\n");
	fake_run_ms(w->net, 5);
	CHECK_EQ(world_ended(w, 0)->reason, END_COMPLETE);
	CHECK(fake_is_open(client));
	world_close(w);
}

static void unused_group(struct world *w)
{
	w->group_count = 2;
	w->groups[1].config.load_balancer_id = BYTES_NONE;
}

TEST(targets_of_a_group_that_nobody_uses_are_not_probed)
{
	struct world *w = world_open(unused_group);

	fake_run_ms(w->net, 100 * 1000);
	CHECK_EQ(world_status(w, 1, 0).state, HEALTH_UNUSED);
	CHECK_EQ(world_status(w, 1, 0).reason, HEALTH_NOT_IN_USE);
	CHECK_EQ(fake_connects(w->targets[1][0]), 0);

	w->groups[1].config.load_balancer_id = BYTES("app/first/1");
	world_apply(w);
	fake_run_ms(w->net, 10);
	CHECK_EQ(world_status(w, 1, 0).state, HEALTH_HEALTHY, "once it is used, at once");

	w->groups[1].config.load_balancer_id = BYTES_NONE;
	world_apply(w);
	CHECK_EQ(world_status(w, 1, 0).state, HEALTH_UNUSED, "and back");
	fake_run_ms(w->net, 100 * 1000);
	CHECK_EQ(fake_connects(w->targets[1][0]), 1);
	world_close(w);
}

TEST(a_target_nobody_registered_is_not_found)
{
	struct world *w = world_open(NULL);
	struct target_status status;

	CHECK_ERR(
		lb_target_status(w->lb, w->groups[0].config.arn, BYTES("10.1.1.1"), 8000, &status),
		ERR_NOT_FOUND);
	CHECK_ERR(
		lb_target_status(w->lb, w->groups[0].config.arn, BYTES("10.0.0.0"), 8001, &status),
		ERR_NOT_FOUND);
	w->groups[0].config.target_count = 0;
	world_apply(w);
	CHECK_ERR(
		lb_target_status(w->lb, w->groups[0].config.arn, BYTES("10.0.0.0"), 8000, &status),
		ERR_NOT_FOUND);
	world_close(w);
}
