/* The stream decider: the table walked, the clocks, and what must hold whatever happens. */
#include "lb/decide.h"

#include <stdlib.h>

#include "base/rng.h"
#include "tests/check.h"

static const struct decide_limits limits = {
	.idle_ms = 60000,
	.connect_ms = 10000,
	.first_byte_ms = 20000,
	.first_event_ms = 30000,
	.between_ms = 40000,
	.total_ms = 0,
	.heartbeat_ms = 15000,
};

/* Brings a fresh stream into a stage at `now_ms`. */
static struct decide in_stage(enum decide_stage stage, uint64_t now_ms)
{
	static const enum decide_event path[] = {
		[DECIDE_UPLOADING] = DECIDE_CONNECTED, [DECIDE_WAITING] = DECIDE_REQUEST_END,
		[DECIDE_THINKING] = DECIDE_HEAD,       [DECIDE_STREAMING] = DECIDE_PIECE,
		[DECIDE_FLUSHING] = DECIDE_ANSWER_END,
	};
	struct decide d;

	decide_init(&d, now_ms);
	for (enum decide_stage s = DECIDE_UPLOADING; s <= stage; s++) {
		if (s == DECIDE_FLUSHING)
			decide(&d, &limits, DECIDE_CLIENT_FULL, now_ms);
		CHECK_EQ(decide(&d, &limits, path[s], now_ms).order, DECIDE_GO_ON);
	}
	CHECK_EQ(d.stage, stage);
	return d;
}

/* ---- Ends ---- */

static const struct {
	enum decide_event event;
	/* What comes of it before the head, and after; DECIDE_NEVER: cannot be there. */
	enum end_reason connecting, before, after;
} ends[] = {
	{ DECIDE_TARGET_REFUSED, END_CONNECT_REFUSED, END_COMPLETE, END_COMPLETE },
	{ DECIDE_TARGET_LATE, END_CONNECT_TIMEOUT, END_COMPLETE, END_COMPLETE },
	{ DECIDE_TARGET_NO_TLS, END_TLS_FAILED, END_COMPLETE, END_COMPLETE },
	{ DECIDE_TARGET_CLOSED, END_COMPLETE, END_TARGET_CLOSED, END_TARGET_TRUNCATED },
	{ DECIDE_TARGET_RESET, END_COMPLETE, END_TARGET_RESET, END_TARGET_RESET },
	{ DECIDE_TARGET_MALFORMED, END_COMPLETE, END_TARGET_MALFORMED, END_TARGET_MALFORMED },
	{ DECIDE_TARGET_HEAD_LARGE, END_COMPLETE, END_TARGET_HEAD_TOO_LARGE, END_COMPLETE },
	{ DECIDE_CLIENT_LEFT, END_CLIENT_ABORT, END_CLIENT_ABORT, END_CLIENT_ABORT },
};

TEST(a_failure_is_answered_before_the_head_and_cut_after_it)
{
	for (size_t i = 0; i < COUNT(ends); i++)
		for (enum decide_stage stage = 0; stage < DECIDE_FLUSHING; stage++) {
			struct decide d = in_stage(stage, 1000);
			enum end_reason want = stage == DECIDE_CONNECTING ? ends[i].connecting
					       : stage <= DECIDE_WAITING  ? ends[i].before
									  : ends[i].after;
			struct decision got;

			if (want == END_COMPLETE)
				continue;
			got = decide(&d, &limits, ends[i].event, 2000);
			CHECK_EQ(got.reason, want, "event %d in stage %d", ends[i].event, stage);
			CHECK_EQ(got.order,
				 ends[i].event == DECIDE_CLIENT_LEFT ? DECIDE_LEAVE
				 : stage <= DECIDE_WAITING	     ? DECIDE_ANSWER
								     : DECIDE_CUT,
				 "event %d in stage %d", ends[i].event, stage);
		}
}

TEST(every_reason_of_an_answer_has_a_status)
{
	for (size_t i = 0; i < COUNT(ends); i++) {
		if (ends[i].connecting != END_COMPLETE)
			CHECK(end_reason_row(ends[i].connecting)->status >= 400);
		if (ends[i].before != END_COMPLETE)
			CHECK(end_reason_row(ends[i].before)->status >= 400);
	}
}

TEST(a_stop_is_answered_before_the_head_and_cut_after_it)
{
	for (enum decide_stage stage = 0; stage < DECIDE_STAGES; stage++) {
		struct decide d = in_stage(stage, 1000);
		struct decision got = decide_stop(&d, END_SHUTDOWN);

		CHECK_EQ(got.reason, END_SHUTDOWN);
		CHECK_EQ(got.order, stage <= DECIDE_WAITING ? DECIDE_ANSWER : DECIDE_CUT);
	}
}

TEST(the_answers_end_finishes_unless_the_client_has_yet_to_read)
{
	struct decide d = in_stage(DECIDE_STREAMING, 1000);

	CHECK_EQ(decide(&d, &limits, DECIDE_ANSWER_END, 1000).order, DECIDE_FINISH);
	d = in_stage(DECIDE_FLUSHING, 1000);
	CHECK_EQ(decide(&d, &limits, DECIDE_CLIENT_DRAINED, 2000).order, DECIDE_FINISH);
	d = in_stage(DECIDE_THINKING, 1000);
	CHECK_EQ(decide(&d, &limits, DECIDE_ANSWER_END, 1000).order, DECIDE_FINISH, "no body");
}

/* ---- Trying again ---- */

TEST(one_failure_before_any_answer_may_be_tried_again)
{
	static const enum decide_event failures[] = { DECIDE_TARGET_CLOSED, DECIDE_TARGET_RESET };

	for (size_t i = 0; i < COUNT(failures); i++)
		for (enum decide_stage stage = DECIDE_UPLOADING; stage <= DECIDE_WAITING; stage++) {
			struct decide d = in_stage(stage, 1000);

			d.may_retry = true;
			CHECK_EQ(decide(&d, &limits, failures[i], 5000).order, DECIDE_RETRY);
			CHECK_EQ(d.stage, DECIDE_CONNECTING);
			CHECK_EQ(decide_due(&d, &limits), 5000 + limits.connect_ms);
			decide(&d, &limits, DECIDE_CONNECTED, 5001);
			CHECK_EQ(decide(&d, &limits, failures[i], 5002).order, DECIDE_ANSWER,
				 "once");
		}
}

TEST(an_answer_that_began_is_not_tried_again)
{
	for (enum decide_stage stage = DECIDE_THINKING; stage <= DECIDE_STREAMING; stage++) {
		struct decide d = in_stage(stage, 1000);

		d.may_retry = true;
		CHECK_EQ(decide(&d, &limits, DECIDE_TARGET_RESET, 5000).order, DECIDE_CUT);
	}
}

/* ---- Clocks ---- */

static const struct {
	enum decide_stage stage;
	uint32_t limit_ms;
	enum end_reason reason;
} clocks[] = {
	{ DECIDE_CONNECTING, 10000, END_CONNECT_TIMEOUT },
	{ DECIDE_UPLOADING, 60000, END_REQUEST_TIMEOUT },
	{ DECIDE_WAITING, 20000, END_FIRST_BYTE_TIMEOUT },
	{ DECIDE_THINKING, 30000, END_FIRST_EVENT_TIMEOUT },
	{ DECIDE_STREAMING, 40000, END_IDLE_TIMEOUT },
	{ DECIDE_FLUSHING, 60000, END_CLIENT_IDLE_TIMEOUT },
};

TEST(each_stage_has_its_clock)
{
	for (size_t i = 0; i < COUNT(clocks); i++) {
		struct decide d = in_stage(clocks[i].stage, 7000);
		uint64_t due = 7000 + clocks[i].limit_ms;
		struct decision got;

		CHECK_EQ(decide_due(&d, &limits), due, "stage %d", clocks[i].stage);
		CHECK_EQ(decide(&d, &limits, DECIDE_TICK, due - 1).order, DECIDE_GO_ON);
		got = decide(&d, &limits, DECIDE_TICK, due);
		CHECK_EQ(got.reason, clocks[i].reason, "stage %d", clocks[i].stage);
		CHECK_EQ(got.order, clocks[i].stage <= DECIDE_WAITING ? DECIDE_ANSWER : DECIDE_CUT);
	}
}

TEST(the_total_runs_through_all_stages)
{
	struct decide_limits total = limits;

	total.total_ms = 5000;
	for (enum decide_stage stage = 0; stage < DECIDE_STAGES; stage++) {
		struct decide d = in_stage(stage, 1000);

		CHECK_EQ(decide_due(&d, &total), 6000);
		CHECK_EQ(decide(&d, &total, DECIDE_TICK, 6000).reason, END_TOTAL_TIMEOUT);
	}
}

TEST(unset_clocks_are_the_idle_timeout)
{
	struct stream_config config = { .connect_ms = 10000 };
	struct decide_limits unset = decide_limits(&config, 60000);

	CHECK_EQ(unset.first_byte_ms, 60000);
	CHECK_EQ(unset.first_event_ms, 60000);
	CHECK_EQ(unset.between_ms, 60000);
	CHECK_EQ(unset.connect_ms, 10000);
	CHECK_EQ(unset.total_ms, 0);
}

TEST(a_slow_client_stops_the_targets_clock)
{
	struct decide d = in_stage(DECIDE_STREAMING, 1000);

	decide(&d, &limits, DECIDE_CLIENT_FULL, 30000);
	CHECK_EQ(decide_due(&d, &limits), 90000, "the client's own clock");
	decide_queued(&d, 30000, 30000);
	decide_queued(&d, 20000, 80000);
	CHECK_EQ(decide(&d, &limits, DECIDE_TICK, 90000).order, DECIDE_GO_ON, "it took some");
	CHECK_EQ(decide_due(&d, &limits), 140000);
	decide_queued(&d, 20000, 140000);
	CHECK_EQ(decide(&d, &limits, DECIDE_TICK, 140000).reason, END_CLIENT_IDLE_TIMEOUT);

	d = in_stage(DECIDE_STREAMING, 1000);
	decide(&d, &limits, DECIDE_CLIENT_FULL, 30000);
	decide(&d, &limits, DECIDE_CLIENT_DRAINED, 80000);
	CHECK_EQ(decide_due(&d, &limits), 120000, "the target's clock starts anew");
}

TEST(a_target_that_does_not_read_is_late_and_not_the_client)
{
	struct decide d = in_stage(DECIDE_UPLOADING, 1000);

	decide(&d, &limits, DECIDE_TARGET_FULL, 5000);
	CHECK_EQ(decide_due(&d, &limits), 25000);
	CHECK_EQ(decide(&d, &limits, DECIDE_TICK, 25000).reason, END_FIRST_BYTE_TIMEOUT);
	decide(&d, &limits, DECIDE_TARGET_DRAINED, 25000);
	CHECK_EQ(decide_due(&d, &limits), 85000, "the client's turn");
	decide(&d, &limits, DECIDE_REQUEST_PIECE, 50000);
	CHECK_EQ(decide_due(&d, &limits), 110000);
}

/* ---- Heartbeats ---- */

TEST(heartbeats_come_at_their_interval_and_feed_no_clock)
{
	struct decide d = in_stage(DECIDE_STREAMING, 0);
	unsigned beats = 0;

	d.may_beat = d.at_boundary = true;
	for (uint64_t now = decide_due(&d, &limits); now < 40000; now = decide_due(&d, &limits)) {
		CHECK_EQ(decide(&d, &limits, DECIDE_TICK, now).order, DECIDE_BEAT);
		beats++;
	}
	CHECK_EQ(beats, 2);
	CHECK_EQ(decide(&d, &limits, DECIDE_TICK, 40000).reason, END_IDLE_TIMEOUT);
}

TEST(a_heartbeat_that_may_not_be_put_in_is_skipped)
{
	struct decide d = in_stage(DECIDE_STREAMING, 0);

	d.may_beat = true;
	d.at_boundary = false;
	CHECK_EQ(decide(&d, &limits, DECIDE_TICK, 15000).order, DECIDE_GO_ON);
	CHECK_EQ(decide_due(&d, &limits), 30000, "no busy waiting for a boundary");
}

static const struct {
	const char *name;
	enum decide_stage stage;
	bool may_beat, full;
} unbeaten[] = {
	{ "before the head", DECIDE_WAITING, true, false },
	{ "not an event stream", DECIDE_STREAMING, false, false },
	{ "a client that does not read", DECIDE_STREAMING, true, true },
	{ "after the end", DECIDE_FLUSHING, true, true },
};

TEST(no_heartbeat_where_none_belongs)
{
	for (size_t i = 0; i < COUNT(unbeaten); i++) {
		struct decide d = in_stage(unbeaten[i].stage, 0);

		d.may_beat = unbeaten[i].may_beat;
		d.at_boundary = true;
		if (unbeaten[i].full && unbeaten[i].stage == DECIDE_STREAMING)
			decide(&d, &limits, DECIDE_CLIENT_FULL, 0);
		CHECK(decide(&d, &limits, DECIDE_TICK, 15000).order == DECIDE_GO_ON, "%s",
		      unbeaten[i].name);
	}
}

/* ---- Whatever happens ---- */

/* Events that the glue may report in a stage, with what it knows. */
static bool possible(const struct decide *d, enum decide_event event)
{
	bool answered = decide_answered(d), flushing = d->stage == DECIDE_FLUSHING;

	switch (event) {
	case DECIDE_CONNECTED:
	case DECIDE_TARGET_REFUSED:
	case DECIDE_TARGET_NO_TLS:
	case DECIDE_TARGET_LATE: return d->stage == DECIDE_CONNECTING;
	case DECIDE_REQUEST_PIECE: return d->stage != DECIDE_CONNECTING && d->request_open;
	case DECIDE_REQUEST_END: return d->stage != DECIDE_CONNECTING && d->request_open;
	case DECIDE_TARGET_FULL:
		return d->stage != DECIDE_CONNECTING && !flushing && d->request_open &&
		       !d->target_full;
	case DECIDE_TARGET_DRAINED: return d->target_full && !flushing;
	case DECIDE_HEAD: return !answered && d->stage != DECIDE_CONNECTING;
	case DECIDE_PIECE: return answered && !flushing && !d->client_full;
	case DECIDE_ANSWER_END: return answered && !flushing;
	case DECIDE_CLIENT_FULL: return answered && !flushing && !d->client_full;
	case DECIDE_CLIENT_DRAINED: return d->client_full;
	case DECIDE_TARGET_CLOSED:
	case DECIDE_TARGET_RESET:
	case DECIDE_TARGET_MALFORMED: return d->stage != DECIDE_CONNECTING && !flushing;
	case DECIDE_TARGET_HEAD_LARGE: return d->stage != DECIDE_CONNECTING && !answered;
	case DECIDE_TICK:
	case DECIDE_CLIENT_LEFT: return true;
	case DECIDE_EVENTS: break;
	}
	return false;
}

/* A tick at the due time always leads somewhere: an end, or a later due time. */
static void check_due(struct decide d)
{
	uint64_t due = decide_due(&d, &limits);
	struct decision got;

	CHECK(due != UINT64_MAX, "some clock always runs");
	d.at_boundary = true;
	got = decide(&d, &limits, DECIDE_TICK, due);
	CHECK(got.order == DECIDE_ANSWER || got.order == DECIDE_CUT || got.order == DECIDE_BEAT);
	if (got.order == DECIDE_BEAT)
		CHECK(decide_due(&d, &limits) > due, "no busy loop");
}

TEST(any_walk_ends_in_one_way_and_always_has_a_clock)
{
	struct rng rng;

	rng_seed(&rng, 1);
	for (unsigned walk = 0; walk < 20000; walk++) {
		struct decide d;
		uint64_t now = 1000;
		bool answered = false, over = false;

		decide_init(&d, now);
		d.may_retry = rng_below(&rng, 2);
		d.may_beat = rng_below(&rng, 2);
		for (unsigned step = 0; step < 40 && !over; step++) {
			enum decide_event event = (enum decide_event)rng_below(&rng, DECIDE_EVENTS);
			struct decision got;

			if (!possible(&d, event))
				continue;
			now += rng_below(&rng, 8000);
			d.at_boundary = rng_below(&rng, 2);
			got = decide(&d, &limits, event, now);
			answered |= event == DECIDE_HEAD;
			over = got.order != DECIDE_GO_ON && got.order != DECIDE_BEAT &&
			       got.order != DECIDE_RETRY;
			CHECK(got.order != DECIDE_ANSWER || !answered, "never two heads");
			CHECK(got.order != DECIDE_CUT || answered);
			CHECK(got.order != DECIDE_FINISH || got.reason == END_COMPLETE);
			CHECK(!over || got.order == DECIDE_FINISH || got.reason != END_COMPLETE,
			      "every other end has a reason");
			if (!over)
				check_due(d);
		}
	}
}
