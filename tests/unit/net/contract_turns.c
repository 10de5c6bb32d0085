/* The contract's part on listening, timers, posts and deferred jobs. See contract.c. */
#include "tests/unit/net/contract.h"

/* ---- Listening ---- */

TEST(an_address_in_use_is_refused_and_free_again_after_closing)
{
	struct address any, same;
	int fds[3];

	open_world();
	CHECK_ERR(acceptor_bind(&at, 1, fds, NULL), ERR_IN_USE);
	CHECK_OK(address_parse_ip(BYTES("0.0.0.0"), at.port, &any));
	CHECK_ERR(acceptor_bind(&any, 2, fds, NULL), ERR_IN_USE);
	acceptor_close(acceptor);
	acceptor = NULL;
	CHECK_OK(acceptor_bind(&at, 3, fds, &same));
	CHECK(address_eq(&at, &same));
	CHECK_ERR(acceptor_bind(&at, 1, fds + 2, NULL), ERR_IN_USE);
	acceptor_discard(fds[0]);
	acceptor_discard(fds[1]);
	acceptor_discard(fds[2]);
	CHECK_OK(acceptor_bind(&any, 1, fds, NULL));
	acceptor_discard(fds[0]);
	close_world();
}

TEST(port_0_is_given_a_number)
{
	struct address first, second;
	int fds[2];

	open_world();
	CHECK_OK(address_parse_ip(BYTES("127.0.0.1"), 0, &first));
	CHECK_OK(acceptor_bind(&first, 2, fds, &second));
	CHECK(second.port != 0 && second.port != at.port);
	CHECK(address_eq_ip(&first, &second));
	acceptor_discard(fds[0]);
	acceptor_discard(fds[1]);
	close_world();
}

static bool ten_accepted(void)
{
	return accepts == 10;
}

static void connect_ten(struct side sides[10])
{
	for (unsigned i = 0; i < 10; i++) {
		sides[i] = (struct side){ .received = TEXT_INIT(100) };
		CHECK_OK(
			socket_connect(loop, &at, NULL, &side_events, &sides[i], &sides[i].socket));
	}
}

TEST(handles_that_share_a_port_accept_every_connection_between_them)
{
	struct acceptor *acceptors[3];
	struct side sides[10];
	int fds[3];

	open_world();
	acceptor_close(acceptor);
	acceptor = NULL;
	CHECK_OK(acceptor_bind(&at, 3, fds, NULL));
	for (unsigned i = 0; i < 3; i++)
		CHECK_OK(acceptor_open(loop, fds[i], &world_acceptor_events, NULL, &acceptors[i]));
	connect_ten(sides);
	UNTIL(ten_accepted);
	for (unsigned i = 0; i < 10; i++)
		socket_close(sides[i].socket);
	for (unsigned i = 0; i < 3; i++)
		acceptor_close(acceptors[i]);
	close_world();
}

static void close_acceptor(void)
{
	acceptor_close(acceptor);
	acceptor = NULL;
}

TEST(closing_the_acceptor_within_on_accepted_is_safe_and_ends_it)
{
	struct side sides[10];

	open_world();
	then_accepted = close_acceptor;
	connect_ten(sides);
	settle();
	CHECK_EQ(accepts, 1);
	for (unsigned i = 0; i < 10; i++)
		socket_close(sides[i].socket);
	close_world();
}

TEST(a_client_that_left_the_backlog_is_accepted_and_then_heard_to_leave)
{
	int fd;

	open_world();
	close_acceptor();
	CHECK_OK(acceptor_bind(&at, 1, &fd, NULL));
	CHECK_OK(socket_connect(loop, &at, NULL, &side_events, &near, &near.socket));
	UNTIL(near_connected);
	send_text(&near, "hello");
	close_side(&near);
	settle();
	CHECK_OK(acceptor_open(loop, fd, &world_acceptor_events, NULL, &acceptor));
	settle();
	CHECK_EQ(accepts, 1);
	socket_receive(far.socket);
	UNTIL(far_ended);
	CHECK_STR(text_str(&far.received), "hello");
	close_world();
}

/* ---- Timers, posts, deferred jobs ---- */

static struct timer timers[4];
static char order[64];

static void note(char what)
{
	size_t len = strlen(order);

	CHECK(len + 1 < sizeof order);
	order[len] = what;
	order[len + 1] = '\0';
}

static void note_timer(struct timer *timer)
{
	note((char)('0' + (timer - timers)));
	CHECK(!timer_armed(timer));
}

static void prepare_timers(void)
{
	memset(timers, 0, sizeof timers);
	memset(order, 0, sizeof order);
	for (size_t i = 0; i < COUNT(timers); i++)
		timers[i].on_expired = note_timer;
}

TEST(timers_run_in_order_and_not_early)
{
	uint64_t start_ms;

	open_world();
	prepare_timers();
	start_ms = loop_now_ms(loop);
	timer_set(loop, &timers[0], start_ms + 60);
	timer_set(loop, &timers[1], start_ms + 40);
	timer_set(loop, &timers[2], start_ms + 20);
	timer_set(loop, &timers[3], 1); /* long ago */
	CHECK_STR(order, "");
	timer_cancel(&timers[1]);
	run_for(45, NULL);
	CHECK(loop_now_ms(loop) >= start_ms + 45);
	if (loop_now_ms(loop) < start_ms + 60)
		CHECK_STR(order, "32");
	run_for(60, NULL);
	CHECK_STR(order, "320");
	close_world();
}

TEST(both_clocks_go_forward_together)
{
	uint64_t start_ms, start_us;

	open_world();
	start_ms = loop_now_ms(loop);
	start_us = loop_unix_us(loop);
	CHECK(start_us > UINT64_C(1700000000) * 1000000);
	run_for(50, NULL);
	CHECK(loop_now_ms(loop) - start_ms >= 50);
	CHECK((loop_unix_us(loop) - start_us) / 1000 + 2 >= loop_now_ms(loop) - start_ms);
	close_world();
}

static struct loop_job jobs[4];
static unsigned reposts;

static void note_job(struct loop_job *job)
{
	note((char)('a' + (job - jobs)));
}

static void note_and_post_again(struct loop_job *job)
{
	note_job(job);
	if (reposts-- > 0)
		loop_post(loop, job);
}

static void note_and_defer_next(struct loop_job *job)
{
	note_job(job);
	loop_defer(loop, job + 1);
	note('.');
}

TEST(posts_run_in_order_and_a_job_may_post_itself_again)
{
	open_world();
	prepare_timers();
	for (size_t i = 0; i < COUNT(jobs); i++)
		jobs[i].run = note_job;
	jobs[1].run = note_and_post_again;
	reposts = 2;
	for (size_t i = 0; i < 3; i++)
		loop_post(loop, &jobs[i]);
	CHECK_STR(order, "", "not within the call");
	settle();
	CHECK_STR(order, "abcbb");
	close_world();
}

TEST(deferred_jobs_run_at_the_end_of_the_turn_that_deferred_them)
{
	open_world();
	prepare_timers();
	for (size_t i = 0; i < COUNT(jobs); i++)
		jobs[i].run = note_job;
	jobs[0].run = note_and_defer_next; /* a, and b at the end of the turn */
	timer_set(loop, &timers[0], 1);	   /* the turn's timers come before */
	loop_post(loop, &jobs[0]);
	loop_post(loop, &jobs[2]);
	settle();
	CHECK_STR(order, "a.c0b");
	close_world();
}

TEST(a_stop_finishes_the_turn_and_the_loop_may_run_again)
{
	open_world();
	prepare_timers();
	jobs[0].run = note_job;
	loop_stop(loop);
	loop_run(loop); /* stopped before it began */
	connect_pair();
	near.then = stop_all;
	socket_receive(near.socket);
	send_text(&far, "stop");
	loop_post(loop, &jobs[0]);
	loop_run(loop);
	CHECK_EQ(near.receives, 1);
	CHECK_STR(order, "a");
	close_world();
}
