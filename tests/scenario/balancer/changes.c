/* Plans that change, targets that drain, balancers that go: and what must not notice. */
#include "tests/scenario/balancer/world.h"

#define GET	"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define OK	"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

/* A stream that runs: its client and the target's end. */
struct running {
	struct fake_peer *client, *served;
};

static struct running begin_stream(struct world *w, unsigned t)
{
	struct running r = { .client = world_ask(w, GET) };

	r.served = world_served(w, t, 0);
	fake_send(r.served, CHUNKED "1\r\nx\r\n");
	fake_run_ms(w->net, 5);
	CHECK(world_has(fake_take(r.client), "1\r\nx\r\n"));
	return r;
}

static void check_goes_on(struct world *w, struct running r, const char *after)
{
	fake_send(r.served, "1\r\ny\r\n");
	fake_run_ms(w->net, 1);
	CHECK_BYTES(fake_take(r.client), "1\r\ny\r\n", "after %s", after);
}

static void check_ends_well(struct world *w, struct running r)
{
	unsigned before = w->end_count;

	fake_send(r.served, "0\r\n\r\n");
	fake_run_ms(w->net, 1);
	CHECK_BYTES(fake_take(r.client), "0\r\n\r\n");
	CHECK_EQ(world_ended(w, before)->reason, END_COMPLETE);
}

TEST(nothing_a_plan_changes_touches_a_running_stream)
{
	struct world *w = world_open(NULL);
	struct running r = begin_stream(w, 0);
	struct fake_peer *client;

	w->balancers[0].idle_ms = 120 * 1000;
	world_apply(w);
	check_goes_on(w, r, "another idle timeout");
	w->groups[0].config.stream.heartbeat_ms = 1000;
	w->groups[0].config.algorithm = LEAST_OUTSTANDING_REQUESTS;
	world_apply(w);
	check_goes_on(w, r, "another algorithm");
	w->rules[0][0].action = (struct action_config){ .kind = ACTION_FIXED_RESPONSE,
							.status = 418,
							.content_type = BYTES("text/plain"),
							.body = BYTES("teapot") };
	world_apply(w);
	check_goes_on(w, r, "another rule");
	w->groups[0].config.target_count = 0;
	world_apply(w);
	check_goes_on(w, r, "no targets any more");
	w->group_count = 0;
	world_apply(w);
	check_goes_on(w, r, "no group any more");
	client = world_ask(w, GET);
	CHECK(bytes_starts(fake_received(client), BYTES("HTTP/1.1 418")), "new ones follow");
	CHECK_EQ(w->end_count, 1);
	check_ends_well(w, r);
	world_close(w);
}

TEST(a_changed_idle_timeout_acts_on_existing_streams_and_connections)
{
	struct world *w = world_open(NULL);
	struct running r = begin_stream(w, 0);
	struct fake_peer *idle = world_connect(w);

	fake_run_ms(w->net, 1000);
	w->balancers[0].idle_ms = 10 * 1000;
	world_apply(w);
	fake_run_ms(w->net, 8 * 1000);
	CHECK(fake_is_open(idle));
	check_goes_on(w, r, "nine seconds");
	fake_run_ms(w->net, 2 * 1000);
	CHECK(!fake_is_open(idle));
	fake_run_ms(w->net, 9 * 1000);
	CHECK_EQ(world_ended(w, 0)->reason, END_IDLE_TIMEOUT);
	world_close(w);
}

TEST(a_listener_that_is_removed_lets_its_streams_end)
{
	struct world *w = world_open(NULL);
	struct running r = begin_stream(w, 0);
	struct fake_peer *idle = world_connect(w), *late;

	fake_run_ms(w->net, 5);
	w->balancers[0].listener_count = 0;
	world_apply(w);
	lb_unbind(w->lb, &w->listeners[0].bound);
	fake_run_ms(w->net, 5);
	CHECK(!fake_is_open(idle), "an idle connection closes");
	late = world_ask(w, GET);
	CHECK_EQ(fake_ended(late), ERR_REFUSED);
	CHECK(!fake_is_bound(w->net, "127.0.0.1:80"));
	check_goes_on(w, r, "its listener is gone");
	check_ends_well(w, r);
	fake_run_ms(w->net, 5);
	CHECK(!fake_is_open(r.client), "and then its connection");
	world_close(w);
}

TEST(a_port_can_be_given_up_and_taken_again_at_once)
{
	struct world *w = world_open(NULL);
	struct running r = begin_stream(w, 0);
	struct fake_peer *client;

	w->balancers[0].listener_count = 0;
	world_apply(w);
	lb_unbind(w->lb, &w->listeners[0].bound);
	CHECK_OK(lb_bind(w->lb, &w->listeners[0].bound), "before the workers have let go");
	w->balancers[0].listener_count = 1;
	world_apply(w);
	fake_run_ms(w->net, 5);
	client = world_ask(w, GET);
	fake_send(world_served(w, 0, 1), OK);
	fake_run_ms(w->net, 5);
	CHECK(bytes_ends(fake_received(client), BYTES("ok")));
	check_ends_well(w, r);
	world_close(w);
}

TEST(a_port_in_use_is_an_error_of_the_call)
{
	struct world *w = world_open(NULL);
	struct address at;

	CHECK_OK(address_parse(BYTES("127.0.0.1:81"), &at));
	fake_fail_bind(w->net, "127.0.0.1:81", ERR_IN_USE);
	CHECK_ERR(lb_bind(w->lb, &at), ERR_IN_USE);
	fake_fail_bind(w->net, "127.0.0.1:81", ERR_OK);
	CHECK_OK(lb_bind(w->lb, &at));
	CHECK_OK(lb_bind(w->lb, &at), "again only counts");
	lb_unbind(w->lb, &at);
	CHECK(fake_is_bound(w->net, "127.0.0.1:81"));
	lb_unbind(w->lb, &at);
	CHECK(!fake_is_bound(w->net, "127.0.0.1:81"));
	world_close(w);
}

/* ---- Draining ---- */

static void two_targets(struct world *w)
{
	w->groups[0].config.target_count = 2;
}

static void drain(struct world *w, unsigned t)
{
	w->groups[0].targets[t].draining_until_unix_ms = 1;
	world_apply(w);
}

TEST(a_draining_target_gets_no_new_request_and_ends_its_streams)
{
	struct world *w = world_open(two_targets);
	struct fake_peer *first = world_ask(w, GET);
	unsigned t = world_served_count(w, 0) ? 0 : 1, before;
	struct running r = { first, world_served(w, t, 0) };

	fake_send(r.served, CHUNKED "1\r\nx\r\n");
	fake_run_ms(w->net, 1);
	fake_take(r.client);
	drain(w, t);
	CHECK_EQ(world_status(w, 0, t).state, HEALTH_DRAINING);
	CHECK_EQ(world_status(w, 0, t).reason, HEALTH_DEREGISTRATION_IN_PROGRESS);
	CHECK_EQ(world_status(w, 0, t).requests_in_flight, 1);
	before = world_served_count(w, t);
	for (unsigned i = 0; i < 6; i++)
		world_ask(w, GET);
	CHECK_EQ(world_served_count(w, t), before);
	CHECK_EQ(world_served_count(w, 1 - t), 6);
	check_goes_on(w, r, "its target drains");
	CHECK_EQ(w->drained_count, 0);
	check_ends_well(w, r);
	fake_run_ms(w->net, 1);
	CHECK_EQ(w->drained_count, 1, "the last request's end ends the draining");
	CHECK(!fake_is_open(r.served), "nothing of a draining target is kept warm");
	world_close(w);
}

TEST(a_target_with_nothing_running_is_drained_at_once)
{
	struct world *w = world_open(two_targets);

	drain(w, 0);
	fake_run_ms(w->net, 1);
	CHECK_EQ(w->drained_count, 1);
	world_apply(w);
	fake_run_ms(w->net, 1);
	CHECK_EQ(w->drained_count, 1, "told once");
	world_close(w);
}

static void cut_first(struct world *w)
{
	lb_cut_target(w->lb, w->groups[0].config.arn, w->groups[0].targets[0].id, 8000);
	fake_run_ms(w->net, 5);
}

TEST(the_drain_deadline_cuts_so_that_it_looks_cut)
{
	struct world *w = world_open(NULL);
	struct running r = begin_stream(w, 0);
	struct fake_peer *waiting = world_ask(w, GET);

	drain(w, 0);
	cut_first(w);
	CHECK_EQ(w->end_count, 2);
	CHECK_EQ(world_ended(w, 0)->reason, END_DRAIN_DEADLINE);
	CHECK_EQ(world_ended(w, 1)->reason, END_DRAIN_DEADLINE);
	CHECK(fake_ended(r.client) != ERR_OK);
	CHECK(!world_has(fake_received(r.client), "0\r\n\r\n"), "no last chunk");
	CHECK(bytes_starts(fake_received(waiting), BYTES("HTTP/1.1 502")), "no head was sent yet");
	CHECK_EQ(world_ended(w, 1)->elb_status, 502);
	CHECK_EQ(fake_ended(r.served), ERR_RESET);
	CHECK_EQ(w->drained_count, 1);
	world_close(w);
}

TEST(a_target_registered_again_takes_requests_again)
{
	struct world *w = world_open(two_targets);

	drain(w, 0);
	w->groups[0].targets[0].draining_until_unix_ms = 0;
	world_apply(w);
	fake_run_ms(w->net, 100);
	CHECK_EQ(world_status(w, 0, 0).state, HEALTH_HEALTHY, "probed at once");
	for (unsigned i = 0; i < 4; i++)
		world_ask(w, GET);
	CHECK_EQ(world_served_count(w, 0), 2);
	world_close(w);
}

/* ---- Ends of everything ---- */

TEST(a_deleted_load_balancer_cuts_its_streams)
{
	struct world *w = world_open(NULL);
	struct running r = begin_stream(w, 0);
	struct bytes arn = w->balancers[0].arn;

	w->balancer_count = 0;
	world_apply(w);
	check_goes_on(w, r, "its balancer left the plan");
	lb_cut_load_balancer(w->lb, arn);
	fake_run_ms(w->net, 5);
	CHECK_EQ(world_ended(w, 0)->reason, END_DELETED);
	CHECK(!fake_is_open(r.client));
	world_close(w);
}

static void on_done(void *owner)
{
	*(bool *)owner = true;
}

TEST(a_shutdown_waits_for_streams_and_then_cuts)
{
	struct world *w = world_open(NULL);
	struct running r = begin_stream(w, 0);
	struct fake_peer *idle = world_connect(w), *late;
	bool done = false;

	fake_run_ms(w->net, 5);
	lb_shutdown(w->lb, 30 * 1000, on_done, &done);
	fake_run_ms(w->net, 5);
	late = world_ask(w, GET);
	CHECK_EQ(fake_ended(late), ERR_REFUSED);
	CHECK(!fake_is_open(idle));
	check_goes_on(w, r, "the shutdown began");
	fake_run_ms(w->net, 29 * 1000);
	check_goes_on(w, r, "29 s");
	CHECK(!done);
	fake_run_ms(w->net, 2000);
	CHECK(done);
	CHECK_EQ(world_ended(w, 0)->reason, END_SHUTDOWN);
	CHECK(!world_has(fake_received(r.client), "0\r\n\r\n"));
	lb_destroy(w->lb);
	loop_destroy(w->loop);
	fake_net_destroy(w->net);
	free(w);
}

TEST(a_shutdown_ends_early_with_the_last_stream)
{
	struct world *w = world_open(NULL);
	struct running r = begin_stream(w, 0);
	bool done = false;

	lb_shutdown(w->lb, 3600 * 1000, on_done, &done);
	fake_run_ms(w->net, 60 * 1000 - 100);
	check_ends_well(w, r);
	fake_run_ms(w->net, 10);
	CHECK(done);
	lb_destroy(w->lb);
	loop_destroy(w->loop);
	fake_net_destroy(w->net);
	free(w);
}

static void two_balancers(struct world *w)
{
	w->balancer_count = 2;
	w->rules[1][0].action = (struct action_config){ .kind = ACTION_FIXED_RESPONSE,
							.status = 200,
							.content_type = BYTES("text/plain"),
							.body = BYTES("second") };
}

TEST(balancers_on_one_port_are_told_apart_by_host)
{
	struct world *w = world_open(two_balancers);
	struct fake_peer *second = world_ask(
		w, "GET / HTTP/1.1\r\nHost: second-2.us-east-1.elb.localhost\r\n\r\n");
	struct running r = begin_stream(w, 0);

	CHECK(bytes_ends(fake_received(second), BYTES("second")));
	/* The second one goes: the port stays, and so does the first one's stream. */
	w->balancer_count = 1;
	world_apply(w);
	lb_unbind(w->lb, &w->listeners[1].bound);
	check_goes_on(w, r, "a neighbour left");
	fake_send(second, "GET / HTTP/1.1\r\nHost: second-2.us-east-1.elb.localhost\r\n\r\n");
	fake_run_ms(w->net, 5);
	fake_send(world_served(w, 0, 1), OK);
	fake_run_ms(w->net, 5);
	CHECK(bytes_ends(fake_received(second), BYTES("ok")), "the oldest answers for all");
	check_ends_well(w, r);
	world_close(w);
}

TEST(a_second_shutdown_cuts_now)
{
	struct world *w = world_open(NULL);
	struct running r = begin_stream(w, 0);
	bool done = false;

	lb_shutdown(w->lb, 3600 * 1000, on_done, &done);
	fake_run_ms(w->net, 1000);
	CHECK(!done);
	lb_shutdown(w->lb, 0, on_done, &done);
	fake_run_ms(w->net, 5);
	CHECK(done);
	CHECK_EQ(world_ended(w, 0)->reason, END_SHUTDOWN);
	CHECK(!fake_is_open(r.client) && !fake_is_open(r.served));
	lb_destroy(w->lb);
	loop_destroy(w->loop);
	fake_net_destroy(w->net);
	free(w);
}

TEST(forgetting_all_cuts_all_and_gives_the_ports_back)
{
	struct world *w = world_open(NULL);
	struct running r = begin_stream(w, 0);

	lb_forget_all(w->lb);
	w->balancer_count = w->group_count = 0;
	world_apply(w);
	fake_run_ms(w->net, 5);
	CHECK_EQ(world_ended(w, 0)->reason, END_DELETED);
	CHECK(!fake_is_open(r.client));
	CHECK(!fake_is_bound(w->net, "127.0.0.1:80"));
	world_close(w);
}
