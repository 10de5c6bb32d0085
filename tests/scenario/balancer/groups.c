/* Security groups: who comes in, what is reached, and what a change of them leaves alone. */
#include "tests/scenario/balancer/world.h"

#define GET	"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define OK	"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

static const struct admit_list nothing = { NULL, 0 };
static const struct admit_rule any_rule = { .other = { .base = { .family = 4 } },
					    .port_last = 65535 };
static const struct admit_list anything = { &any_rule, 1 };

static void nobody_comes_in(struct world *w)
{
	w->balancers[0].ingress = &nothing;
}

static void check_served(struct world *w, struct fake_peer *client, unsigned index)
{
	struct fake_peer *served = world_served(w, 0, index);

	fake_send(served, OK);
	fake_run_ms(w->net, 5);
	CHECK(world_has(fake_received(client), "200 OK"));
}

TEST(a_client_that_no_rule_admits_gets_no_byte_and_is_counted)
{
	struct world *w = world_open(nobody_comes_in);
	struct fake_peer *client = world_ask(w, GET);

	CHECK_EQ(fake_received(client).len, 0);
	CHECK(fake_ended(client) != ERR_OK, "the connection does not stay");
	CHECK_EQ(world_served_count(w, 0), 0);
	CHECK_EQ(world_counter(w, COUNTER_SECURITY_GROUP_DROPS), 1);
	CHECK_EQ(world_counter(w, COUNTER_NEW_CONNECTIONS), 0);
	CHECK_EQ(w->start_count, 0, "no request was seen");

	w->balancers[0].ingress = &anything;
	world_apply(w);
	check_served(w, world_ask(w, GET), 0);
	CHECK_EQ(world_counter(w, COUNTER_SECURITY_GROUP_DROPS), 1);
	world_close(w);
}

TEST(a_revoked_rule_refuses_new_connections_and_leaves_the_running_stream_alone)
{
	struct world *w = world_open(NULL);
	struct fake_peer *client = world_ask(w, GET), *served = world_served(w, 0, 0), *late;

	fake_send(served, CHUNKED "1\r\nx\r\n");
	fake_run_ms(w->net, 5);
	fake_take(client);
	w->balancers[0].ingress = &nothing;
	w->balancers[0].egress = &nothing;
	world_apply(w);
	late = world_ask(w, GET);
	CHECK_EQ(fake_received(late).len, 0);

	fake_send(served, "1\r\ny\r\n");
	fake_run_ms(w->net, 1);
	CHECK_BYTES(fake_take(client), "1\r\ny\r\n");
	fake_send(served, "0\r\n\r\n");
	fake_run_ms(w->net, 1);
	CHECK_BYTES(fake_take(client), "0\r\n\r\n");
	CHECK_EQ(world_ended(w, 0)->reason, END_COMPLETE);
	world_close(w);
}

TEST(a_target_that_egress_rules_do_not_allow_is_a_connect_timeout)
{
	struct world *w = world_open(NULL);
	struct fake_peer *client;

	w->balancers[0].egress = &nothing;
	world_apply(w);
	client = world_ask(w, GET);
	fake_run_ms(w->net, 9900);
	CHECK_EQ(fake_received(client).len, 0, "a SYN that nobody answers");
	fake_run_ms(w->net, 200);
	CHECK(world_has(fake_received(client), "504 Gateway"));
	CHECK_EQ(world_ended(w, 0)->reason, END_TARGET_BLOCKED);
	CHECK_EQ(world_counter(w, COUNTER_TARGET_CONNECTION_ERRORS), 1);
	CHECK_EQ(world_served_count(w, 0), 0);

	w->balancers[0].egress = &anything;
	world_apply(w);
	check_served(w, world_ask(w, GET), 0);
	world_close(w);
}

TEST(health_checks_time_out_behind_closed_groups_and_recover)
{
	struct world *w = world_open(NULL);
	struct target_status status;

	w->groups[0].targets[0].ingress = &nothing; /* the target's own group does not know us */
	world_apply(w);
	fake_run_ms(w->net, 120 * 1000);
	status = world_status(w, 0, 0);
	CHECK_EQ(status.state, HEALTH_UNHEALTHY);
	CHECK_STR(health_reason_name(status.reason), "Target.Timeout");

	w->groups[0].targets[0].ingress = &anything;
	world_apply(w);
	fake_run_ms(w->net, 300 * 1000);
	CHECK_EQ(world_status(w, 0, 0).state, HEALTH_HEALTHY);
	world_close(w);
}
