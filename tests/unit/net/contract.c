/*
 * What net/loop.h promises, told to both who implement it: built once over epoll and once over
 * the fake network of the scenario tests (CONTRACT_FAKE). Both ends of each connection belong to
 * the loop. Here: connecting, ends, pauses, who hears.
 */
#include "tests/unit/net/contract.h"

/* ---- Connecting ---- */

TEST(two_ends_connect_and_know_each_others_addresses)
{
	struct address a, b;

	open_pair();
	socket_local(near.socket, &a);
	socket_peer(far.socket, &b);
	CHECK(address_eq(&a, &b));
	CHECK(a.port != 0);
	socket_peer(near.socket, &a);
	CHECK(address_eq(&a, &at));
	socket_local(far.socket, &b);
	CHECK(address_eq(&b, &at));
	close_world();
}

TEST(bytes_travel_both_ways)
{
	open_pair();
	socket_receive(near.socket);
	socket_receive(far.socket);
	CHECK_EQ(send_text(&near, "ping"), 4);
	CHECK_EQ(send_text(&far, "pong"), 4);
	settle();
	CHECK_STR(text_str(&far.received), "ping");
	CHECK_STR(text_str(&near.received), "pong");
	CHECK_EQ(near.ends + far.ends, 0);
	close_world();
}

TEST(a_connect_where_nobody_listens_is_refused_once_and_nothing_else_comes)
{
	open_world();
	acceptor_close(acceptor);
	acceptor = NULL;
	CHECK_OK(socket_connect(loop, &at, NULL, &side_events, &near, &near.socket));
	socket_receive(near.socket);
	CHECK_EQ(near.connects, 0, "not within the call");
	UNTIL(near_connected);
	CHECK_ERR(near.connect_err, ERR_REFUSED);
	settle();
	CHECK_EQ(near.connects, 1);
	CHECK_EQ(near.ends, 0);
	close_world();
}

TEST(a_connect_that_was_closed_says_nothing)
{
	open_world();
	CHECK_OK(socket_connect(loop, &at, NULL, &side_events, &near, &near.socket));
	close_side(&near);
	settle();
	CHECK_EQ(near.connects + near.ends, 0);
	close_world();
}

TEST(closing_within_on_connected_is_safe)
{
	open_world();
	near.then = close_side;
	CHECK_OK(socket_connect(loop, &at, NULL, &side_events, &near, &near.socket));
	settle();
	CHECK_EQ(near.connects, 1);
	close_world();
}

TEST(what_is_sent_too_early_waits_for_the_connection)
{
	open_world();
	CHECK_OK(socket_connect(loop, &at, NULL, &side_events, &near, &near.socket));
	CHECK_EQ(send_text(&near, "too early"), 0);
	CHECK_EQ(socket_send_room(near.socket), 0);
	UNTIL(near_writable);
	CHECK_EQ(near.connects, 1);
	CHECK_EQ(send_text(&near, "now"), 3);
	close_world();
}

/* ---- The end ---- */

TEST(a_fin_comes_after_all_bytes_and_sending_still_works)
{
	open_pair();
	socket_receive(far.socket);
	socket_receive(near.socket);
	send_text(&near, "last words");
	socket_shutdown_write(near.socket);
	UNTIL(far_ended);
	CHECK_STR(text_str(&far.received), "last words");
	CHECK_ERR(far.why, ERR_CLOSED);
	CHECK_EQ(near.ends, 0);

	CHECK_EQ(send_text(&far, "an answer"), 9);
	close_side(&far);
	UNTIL(near_ended);
	CHECK_STR(text_str(&near.received), "an answer");
	CHECK_ERR(near.why, ERR_CLOSED);
	settle();
	CHECK_EQ(near.ends, 1);
	close_world();
}

TEST(a_close_is_heard_as_fin)
{
	open_pair();
	socket_receive(far.socket);
	close_side(&near);
	UNTIL(far_ended);
	CHECK_ERR(far.why, ERR_CLOSED);
	close_world();
}

TEST(a_reset_comes_after_the_bytes_before_it)
{
	open_pair();
	socket_receive(far.socket);
	send_text(&near, "half a");
	socket_reset(near.socket);
	near.socket = NULL;
	UNTIL(far_ended);
	CHECK_ERR(far.why, ERR_RESET);
	CHECK_STR(text_str(&far.received), "half a");
	close_world();
}

TEST(closing_with_bytes_unread_resets)
{
	open_pair();
	send_text(&near, "never read");
	settle();
	socket_receive(near.socket);
	close_side(&far);
	UNTIL(near_ended);
	CHECK_ERR(near.why, ERR_RESET);
	close_world();
}

TEST(sending_on_a_dead_connection_says_so_and_on_ended_tells_once)
{
	struct bytes data = BYTES("hello?");
	size_t taken;

	open_pair();
	socket_reset(near.socket);
	near.socket = NULL;
	settle();
	CHECK_EQ(far.ends, 1);
	CHECK_ERR(socket_send(far.socket, (struct slices){ &data, 1 }, false, &taken), ERR_RESET);
	settle();
	CHECK_EQ(far.ends, 1);
	close_world();
}

TEST(a_failed_send_is_followed_by_on_ended)
{
	struct bytes data = BYTES("hello?");
	size_t taken;
	err_t err = ERR_OK;

	open_pair();
	socket_receive(far.socket);
	close_side(&near); /* FIN: far may go on sending, but nobody is there any more */
	UNTIL(far_ended);
	CHECK_ERR(far.why, ERR_CLOSED);
	for (unsigned i = 0; i < 3 && !err; i++) {
		err = socket_send(far.socket, (struct slices){ &data, 1 }, false, &taken);
		settle();
	}
	CHECK_ERR(err, ERR_RESET);
	CHECK_EQ(far.ends, 1, "once");
	close_world();
}

/* ---- Pausing ---- */

TEST(nothing_is_received_until_asked_for)
{
	open_pair();
	send_text(&near, "waiting");
	settle();
	CHECK_EQ(far.receives, 0);
	socket_receive(far.socket);
	CHECK_EQ(far.receives, 0, "not within the call");
	settle();
	CHECK_STR(text_str(&far.received), "waiting");
	close_world();
}

static void pause_side(struct side *side)
{
	if (side->receives)
		socket_pause(side->socket, false);
}

TEST(a_pause_holds_within_the_callback_and_resuming_loses_nothing)
{
	open_pair();
	socket_receive_size(far.socket, 4);
	far.then = pause_side;
	send_text(&near, "abcdefghij");
	for (unsigned i = 1; i <= 3; i++) {
		socket_receive(far.socket);
		settle();
		CHECK_EQ(far.receives, i);
		CHECK_EQ(far.received.len, i < 3 ? 4 * i : 10);
	}
	CHECK_STR(text_str(&far.received), "abcdefghij");
	close_world();
}

TEST(paused_without_watch_a_fin_waits)
{
	open_pair();
	send_text(&near, "first");
	close_side(&near);
	settle();
	CHECK_EQ(far.ends, 0);
	socket_receive(far.socket);
	UNTIL(far_ended);
	CHECK_STR(text_str(&far.received), "first");
	CHECK_ERR(far.why, ERR_CLOSED);
	close_world();
}

TEST(paused_with_watch_a_fin_is_heard_though_bytes_are_unread)
{
	open_pair();
	socket_pause(far.socket, true);
	send_text(&near, "unread");
	settle();
	CHECK_EQ(far.ends, 0);
	socket_shutdown_write(near.socket);
	UNTIL(far_ended);
	CHECK_ERR(far.why, ERR_CLOSED);
	CHECK_EQ(far.receives, 0);
	socket_receive(far.socket); /* what is unread is given up */
	settle();
	CHECK_EQ(far.receives, 0);
	CHECK_EQ(far.ends, 1);
	close_world();
}

TEST(a_watch_set_after_the_fin_hears_it_too)
{
	open_pair();
	socket_shutdown_write(near.socket);
	settle();
	CHECK_EQ(far.ends, 0);
	socket_pause(far.socket, true);
	CHECK_EQ(far.ends, 0, "not within the call");
	UNTIL(far_ended);
	CHECK_ERR(far.why, ERR_CLOSED);
	close_world();
}

TEST(paused_a_reset_is_heard_with_watch_or_without)
{
	for (unsigned watch = 0; watch < 2; watch++) {
		open_pair();
		socket_pause(far.socket, watch);
		send_text(&near, "unread");
		settle();
		socket_reset(near.socket);
		near.socket = NULL;
		UNTIL(far_ended);
		CHECK_ERR(far.why, ERR_RESET);
		settle();
		CHECK_EQ(far.ends, 1);
		CHECK_EQ(far.receives, 0);
		close_world();
	}
}

/* ---- Who hears ---- */

TEST(another_owner_hears_from_then_on)
{
	struct side other = { .received = TEXT_INIT(100) };

	open_pair();
	socket_receive(far.socket);
	send_text(&near, "one");
	UNTIL(far_received);
	socket_set_owner(far.socket, &side_events, &other);
	send_text(&near, "two");
	settle();
	CHECK_STR(text_str(&far.received), "one");
	CHECK_STR(text_str(&other.received), "two");
	text_fini(&other.received);
	close_world();
}

TEST(closing_within_on_received_is_safe_and_silences)
{
	open_pair();
	socket_receive_size(far.socket, 1);
	socket_receive(far.socket);
	far.then = close_side;
	send_text(&near, "several pieces");
	settle();
	CHECK_EQ(far.receives, 1);
	CHECK_EQ(far.ends, 0);
	close_world();
}

TEST(closing_within_on_ended_is_safe)
{
	open_pair();
	socket_receive(far.socket);
	far.then = close_side;
	close_side(&near);
	UNTIL(far_ended);
	close_world();
}

static struct side *victim;

static void close_victim(struct side *side)
{
	(void)side;
	if (victim->socket)
		close_side(victim);
}

TEST(of_two_ready_sockets_the_first_may_close_the_other)
{
	open_pair();
	socket_receive(near.socket);
	socket_receive(far.socket);
	/* Each hears the other in the same turn; whoever is first closes both. */
	near.then = far.then = close_victim;
	victim = &far;
	send_text(&near, "to far");
	send_text(&far, "to near");
	settle();
	CHECK(near.receives <= 1 && far.receives <= 1);
	CHECK(!far.socket);
	close_world();
}
