/* WebSockets: the upgrade, the tunnel, and the ways it ends. */
#include "tests/scenario/balancer/world.h"

#define UPGRADE                                                              \
	"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\n" \
	"Upgrade: websocket\r\nSec-WebSocket-Key: k\r\nSec-WebSocket-Version: 13\r\n\r\n"
#define SWITCHING                                                                           \
	"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
	"Sec-WebSocket-Accept: a\r\n\r\n"

struct tunnel_ends {
	struct fake_peer *client, *target;
};

static struct tunnel_ends open_tunnel(struct world *w)
{
	struct tunnel_ends ends = { .client = world_ask(w, UPGRADE) };

	ends.target = world_served(w, 0, 0);
	fake_send(ends.target, SWITCHING);
	fake_run_ms(w->net, 1);
	CHECK(bytes_starts(fake_take(ends.client), BYTES("HTTP/1.1 101 Switching Protocols\r\n")));
	fake_take(ends.target);
	return ends;
}

TEST(an_upgrade_passes_with_what_belongs_to_it)
{
	struct world *w = world_open(NULL);
	struct fake_peer *client = world_ask(w, UPGRADE), *served = world_served(w, 0, 0);

	CHECK(world_has(fake_received(served), "Upgrade: websocket\r\n"));
	CHECK(world_has(fake_received(served), "Connection: upgrade\r\n"));
	CHECK(world_has(fake_received(served), "Sec-WebSocket-Key: k\r\n"));
	fake_send(served, SWITCHING);
	fake_run_ms(w->net, 1);
	CHECK(world_has(fake_received(client), "Upgrade: websocket\r\n"));
	CHECK(world_has(fake_received(client), "Connection: upgrade\r\n"));
	CHECK(world_has(fake_received(client), "Sec-WebSocket-Accept: a\r\n"));
	fake_close(client);
	fake_run_ms(w->net, 1);
	world_close(w);
}

TEST(bytes_pass_both_ways_untouched_and_at_once)
{
	struct world *w = world_open(NULL);
	struct tunnel_ends ends = open_tunnel(w);

	fake_send_bytes(ends.client, BYTES("\x81\x80mask\xff any bytes"));
	fake_run_ms(w->net, 0);
	CHECK_BYTES(fake_take(ends.target), "\x81\x80mask\xff any bytes");
	fake_send(ends.target, "\x81\5hello");
	fake_run_ms(w->net, 0);
	CHECK_BYTES(fake_take(ends.client), "\x81\5hello");
	CHECK_EQ(lb_open_streams(w->lb), 1);
	fake_close(ends.target);
	fake_run_ms(w->net, 1);
	CHECK_EQ(fake_ended(ends.client), ERR_CLOSED);
	CHECK_EQ(world_ended(w, 0)->reason, END_COMPLETE);
	CHECK_EQ(world_ended(w, 0)->elb_status, 101);
	CHECK_EQ(world_ended(w, 0)->target_status, 101);
	CHECK(bytes_starts(bytes_of(world_ended(w, 0)->line), BYTES("ws ")));
	world_close(w);
}

TEST(who_begins_to_speak_before_the_switch_is_heard_after_it)
{
	struct world *w = world_open(NULL);
	struct fake_peer *client = world_ask(w, UPGRADE), *served = world_served(w, 0, 0);

	fake_send(client, "early");
	fake_run_ms(w->net, 1);
	CHECK(!world_has(fake_received(served), "early"));
	fake_send(served, SWITCHING "\x81\2hi");
	fake_run_ms(w->net, 1);
	CHECK(bytes_ends(fake_received(served), BYTES("early")));
	CHECK(bytes_ends(fake_received(client), BYTES("\r\n\r\n\x81\2hi")));
	fake_close(client);
	fake_run_ms(w->net, 1);
	world_close(w);
}

TEST(a_target_that_does_not_switch_answers_as_ever)
{
	struct world *w = world_open(NULL);
	struct fake_peer *client = world_ask(w, UPGRADE), *served = world_served(w, 0, 0);

	fake_send(served, "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
	fake_run_ms(w->net, 1);
	CHECK(bytes_starts(fake_received(client), BYTES("HTTP/1.1 403 Forbidden\r\n")));
	CHECK_EQ(world_ended(w, 0)->elb_status, 403);
	CHECK(bytes_starts(bytes_of(world_ended(w, 0)->line), BYTES("http ")));
	world_close(w);
}

TEST(a_switch_that_nobody_asked_for_is_malformed)
{
	struct world *w = world_open(NULL);
	struct fake_peer *client = world_ask(w, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");

	fake_send(world_served(w, 0, 0), SWITCHING);
	fake_run_ms(w->net, 1);
	CHECK(bytes_starts(fake_received(client), BYTES("HTTP/1.1 502 ")));
	world_close(w);
}

TEST(other_upgrades_are_not_passed_on)
{
	struct world *w = world_open(NULL);
	struct fake_peer *client = world_ask(w, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, "
						"HTTP2-Settings\r\nUpgrade: h2c\r\n"
						"HTTP2-Settings: x\r\n\r\n");

	CHECK(!world_has(fake_received(world_served(w, 0, 0)), "pgrade"));
	CHECK(!world_has(fake_received(world_served(w, 0, 0)), "HTTP2"));
	fake_close(client);
	fake_run_ms(w->net, 1);
	world_close(w);
}

TEST(bytes_of_either_side_keep_it_alive)
{
	struct world *w = world_open(NULL);
	struct tunnel_ends ends = open_tunnel(w);

	for (int i = 0; i < 4; i++) {
		fake_run_ms(w->net, 50 * 1000);
		fake_send(i % 2 ? ends.client : ends.target, "\x89");
		fake_send(i % 2 ? ends.client : ends.target, "");
	}
	fake_run_ms(w->net, 59 * 1000);
	CHECK_EQ(w->end_count, 0);
	fake_run_ms(w->net, 2 * 1000);
	CHECK_EQ(world_ended(w, 0)->reason, END_IDLE_TIMEOUT);
	CHECK(!fake_is_open(ends.client));
	CHECK(!fake_is_open(ends.target));
	world_close(w);
}

TEST(a_client_that_closes_its_side_is_heard_by_the_target)
{
	struct world *w = world_open(NULL);
	struct tunnel_ends ends = open_tunnel(w);

	fake_stay_open(ends.target);
	fake_send(ends.client, "last words");
	fake_finish(ends.client);
	fake_run_ms(w->net, 1);
	CHECK_BYTES(fake_take(ends.target), "last words");
	CHECK_EQ(fake_ended(ends.target), ERR_CLOSED);
	fake_send(ends.target, "and mine");
	fake_close(ends.target);
	fake_run_ms(w->net, 1);
	CHECK_BYTES(fake_take(ends.client), "and mine");
	CHECK_EQ(world_ended(w, 0)->reason, END_COMPLETE);
	world_close(w);
}

TEST(a_client_that_is_gone_ends_it_for_the_target)
{
	struct world *w = world_open(NULL);
	struct tunnel_ends ends = open_tunnel(w);

	fake_reset(ends.client);
	fake_run_ms(w->net, 0);
	CHECK(!fake_is_open(ends.target));
	CHECK_EQ(world_ended(w, 0)->reason, END_CLIENT_ABORT);
	world_close(w);
}

TEST(one_who_does_not_read_holds_the_other_up)
{
	struct fake_options options = { .window_bytes = 4096 };
	struct world *w = world_open_with(&options, NULL);
	struct tunnel_ends ends = open_tunnel(w);
	static char block[64 * 1024];

	for (int side = 0; side < 2; side++) {
		struct fake_peer *from = side ? ends.client : ends.target;
		struct fake_peer *to = side ? ends.target : ends.client;
		size_t before = fake_received(to).len;

		fake_stop_reading(to);
		for (int i = 0; i < 4; i++)
			fake_send_bytes(from, bytes_make(block, sizeof block));
		fake_run_ms(w->net, 1000);
		CHECK(fake_unread_bytes(to) <= 4096);
		fake_resume_reading(to);
		fake_run_ms(w->net, 1000);
		CHECK_EQ(fake_received(to).len - before, 4 * sizeof block);
	}
	fake_close(ends.client);
	fake_run_ms(w->net, 1);
	world_close(w);
}

/* As when its deregistration delay has passed. */
static void cut_target(struct world *w)
{
	w->groups[0].targets[0].draining_until_unix_ms = 1;
	world_apply(w);
	lb_cut_target(w->lb, w->groups[0].config.arn, w->groups[0].targets[0].id, 8000);
	fake_run_ms(w->net, 5);
}

TEST(a_target_that_leaves_the_group_ends_with_a_close_frame)
{
	struct world *w = world_open(NULL);
	struct tunnel_ends ends = open_tunnel(w);

	fake_send(ends.target, "\x81\2hi");
	fake_run_ms(w->net, 1);
	fake_take(ends.client);
	cut_target(w);
	CHECK_EQ(world_ended(w, 0)->reason, END_DRAIN_DEADLINE);
	CHECK_BYTES(fake_take(ends.client), "\x88\2\3\xe9", "1001: going away");
	CHECK_EQ(fake_ended(ends.client), ERR_CLOSED);
	CHECK_EQ(fake_take(ends.target).len, 8);
	world_close(w);
}

TEST(a_close_frame_never_lands_inside_another)
{
	struct world *w = world_open(NULL);
	struct tunnel_ends ends = open_tunnel(w);

	fake_send(ends.target, "\x81\5hel");
	fake_run_ms(w->net, 1);
	fake_take(ends.client);
	cut_target(w);
	CHECK_EQ(fake_take(ends.client).len, 0);
	CHECK(!fake_is_open(ends.client));
	world_close(w);
}

static void on_done(void *owner)
{
	*(bool *)owner = true;
}

TEST(a_restart_says_so)
{
	struct world *w = world_open(NULL);
	struct tunnel_ends ends = open_tunnel(w);
	bool done = false;

	lb_shutdown(w->lb, 1000, on_done, &done);
	fake_run_ms(w->net, 500);
	fake_send(ends.target, "\x81\2hi");
	fake_run_ms(w->net, 1);
	CHECK_BYTES(fake_take(ends.client), "\x81\2hi", "it goes on until the deadline");
	fake_run_ms(w->net, 1000);
	CHECK_BYTES(fake_take(ends.client), "\x88\2\3\xf4", "1012: service restart");
	CHECK(done);
	lb_destroy(w->lb);
	loop_destroy(w->loop);
	fake_net_destroy(w->net);
	free(w);
}
