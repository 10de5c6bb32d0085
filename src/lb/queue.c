#include "lb/queue.h"

#include "lb/lb_internal.h"

enum { WANTED_AGAIN_MS = 1000, RETRY_SECONDS_MAX = 30 };

static uint64_t now_ms(const struct stream *s)
{
	return loop_now_ms(s->worker->loop);
}

/* This worker's part of the room, at least one. */
static uint32_t share(const struct stream *s)
{
	uint32_t count = s->worker->count;

	return (s->group->stream.queue_max + count - 1) / count;
}

static void tell(struct stream *s, struct cell *cell)
{
	if (cell->wanted_ms && now_ms(s) < cell->wanted_ms + WANTED_AGAIN_MS)
		return;
	cell->wanted_ms = now_ms(s);
	lb_note_wanted(s->worker->lb, s->group->arn);
}

enum end_reason queue_join(struct stream *s)
{
	struct cell *cell;

	if (!s->group || !s->group->stream.queue_max || !s->group->stream.queue_wait_ms)
		return END_NO_TARGETS;
	cell = hold_group_cell(s->hold, s->group);
	if (cell->queued >= share(s))
		return END_QUEUE_FULL;
	cell->queued++;
	record_gauge(s, GAUGE_REQUESTS_QUEUED, 1);
	s->flags |= STREAM_QUEUED;
	if (!s->pending->queued_ms)
		s->pending->queued_ms = now_ms(s);
	s->decide.target_ms = s->pending->queued_ms;
	stream_hold_body(s);
	tell(s, cell);
	stream_rearm(s);
	return END_COMPLETE;
}

bool queue_waits_for(struct stream *s, struct target *target)
{
	if (!s->group->stream.queue_max || !s->group->stream.queue_wait_ms ||
	    target_health(target) != HEALTH_INITIAL)
		return false;
	if (target_end(target))
		lb_note_drained(s->worker->lb, target);
	return true;
}

void queue_pass(struct stream *s)
{
	if (!s->pending->queued_ms)
		return;
	record_observe(s, HISTOGRAM_COLD_START, (now_ms(s) - s->pending->queued_ms) * 1000);
	s->decide.target_ms = now_ms(s);
}

/* A start takes less than what requests may wait for it, or nobody would set it so: half of that.
 */
uint32_t queue_retry_seconds(const struct stream *s)
{
	uint32_t half = s->group ? s->group->stream.queue_wait_ms / 2000 : 0;

	return half < 1 ? 1 : half > RETRY_SECONDS_MAX ? RETRY_SECONDS_MAX : half;
}

void queue_leave(struct stream *s)
{
	if (!(s->flags & STREAM_QUEUED))
		return;
	s->flags &= ~(uint32_t)STREAM_QUEUED;
	hold_group_cell(s->hold, s->group)->queued--;
	record_gauge(s, GAUGE_REQUESTS_QUEUED, -1);
}

void queue_wake(struct worker *worker)
{
	list_for_each_safe (&worker->streams, node) {
		struct stream *s = container_of(node, struct stream, link);

		if (!(s->flags & STREAM_QUEUED))
			continue;
		queue_leave(s);
		stream_again(s);
	}
}
