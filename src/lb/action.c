/*
 * What a rule does with a request: chooses a group and a target and sends it there, or answers.
 */
#include "lb/lb_internal.h"
#include "lb/queue.h"
#include "lb/stream_internal.h"

/* ---- Choosing ---- */

static struct sticky sticky_of(const struct stream *s)
{
	return (struct sticky){ .key = s->worker->cookie_key,
				.unix_ms = s->created_unix_us / 1000 };
}

static enum end_reason choose_group(struct stream *s)
{
	struct sticky sticky = sticky_of(s);
	enum sticky_verdict verdict = sticky_read_group(&sticky, &s->rule->action, s->pending->head,
							&s->group);

	if (verdict == STICKY_FOUND)
		return END_COMPLETE;
	if (verdict == STICKY_INVALID)
		s->error_reason = "AWSALBTGCookieInvalid";
	s->group = balance_choose_group(&s->rule->action, &s->worker->rng);
	if (s->group)
		return END_COMPLETE;
	return s->rule->action.forward_count ? END_ZERO_WEIGHTS : END_NO_TARGETS;
}

/* The target its cookie names, if that may still take it. */
static bool take_sticky(struct stream *s, bool *ret_fail_open)
{
	struct sticky sticky = sticky_of(s);
	struct target *target;
	enum sticky_verdict verdict;

	if (s->group->stickiness == STICKINESS_OFF)
		return false;
	verdict = sticky_read_target(&sticky, s->group, s->pending->head, &target);
	if (verdict == STICKY_FOUND && balance_take(s->group, target, ret_fail_open)) {
		s->picked = target;
		return true;
	}
	if (s->group->stickiness == STICKINESS_LB_COOKIE)
		record_count_balancer(s, COUNTER_NON_STICKY_REQUESTS, 1);
	else if (verdict != STICKY_ABSENT)
		record_count_balancer(s, COUNTER_APP_COOKIE_NON_STICKY, 1);
	return false;
}

static enum end_reason choose_target(struct stream *s)
{
	struct balance_pick pick = { .outcome = BALANCE_PICKED };
	struct balance_request request = {
		.group = s->group,
		.state = &hold_group_cell(s->hold, s->group)->balance,
		.rng = &s->worker->rng,
		.now_ms = loop_now_ms(s->worker->loop),
	};

	if (!take_sticky(s, &pick.fail_open)) {
		pick = balance_pick(&request);
		if (pick.outcome == BALANCE_EMPTY)
			return END_NO_TARGETS;
		if (pick.fail_open && queue_waits_for(s, pick.target))
			return END_NO_TARGETS;
		s->picked = pick.target;
	}
	s->flags |= STREAM_COUNTED;
	record_gauge(s, GAUGE_STREAMS_ACTIVE, 1);
	stream_count(s, COUNTER_REQUESTS, 1);
	if (s->flags & STREAM_GRPC)
		stream_count(s, COUNTER_GRPC_REQUESTS, 1);
	if (conn_peer(s->from->conn)->family == 6)
		record_count_balancer(s, COUNTER_IPV6_REQUESTS, 1);
	if (pick.fail_open)
		stream_count(s, COUNTER_UNHEALTHY_ROUTING, 1);
	if (sticky_app_bound(s->group, s->pending->head))
		s->flags |= STREAM_APP_BOUND;
	if (sticky_cross_site(s->pending->head))
		s->flags |= STREAM_APP_CROSS_SITE;
	return END_COMPLETE;
}

static enum end_reason rewrite(struct stream *s)
{
	struct forwarded forwarded = { .transform = TRANSFORM_NONE };
	err_t err = stream_make_head(s, &forwarded);

	if ((!err || err == ERR_INVALID) && record_keep_rare(s, BYTES_NONE, &forwarded))
		return END_INTERNAL;
	if (err)
		return err == ERR_INVALID ? END_REWRITE_FAILED : END_INTERNAL;
	if (forwarded.dropped_invalid)
		record_count_balancer(s, COUNTER_DROPPED_INVALID_HEADER, 1);
	if (forwarded.forwarded_invalid)
		record_count_balancer(s, COUNTER_FORWARDED_INVALID_HEADER, 1);
	return END_COMPLETE;
}

/* Whether the group's targets can be sent this request (reference/alb.md §2.6). */
static bool group_takes(const struct stream *s)
{
	bool http2 = s->version == HTTP_2, grpc = s->flags & STREAM_GRPC;

	switch (s->group->protocol_version) {
	case PROTOCOL_HTTP1: return !grpc;
	case PROTOCOL_HTTP2: return http2;
	case PROTOCOL_GRPC: return http2 && bytes_eq(record_method(s), BYTES("POST"));
	}
	return false;
}

static void forward(struct stream *s)
{
	enum end_reason reason = choose_group(s);

	early_prepare(s);
	if (reason == END_COMPLETE && s->group->target_count && !group_takes(s))
		reason = END_PROTOCOL_MISMATCH;
	if (reason == END_COMPLETE)
		reason = choose_target(s);
	if (reason == END_NO_TARGETS)
		reason = queue_join(s);
	else if (reason == END_COMPLETE)
		queue_pass(s);
	if (s->flags & STREAM_QUEUED)
		return;
	if (reason == END_COMPLETE && s->group->protocol_version != PROTOCOL_HTTP1)
		s->flags |= STREAM_TO_HTTP2;
	if (reason == END_COMPLETE)
		reason = rewrite(s);
	if (reason == END_COMPLETE && s->group->function)
		function_begin(s);
	else if (reason == END_COMPLETE)
		stream_dispatch(s, false);
	else
		stream_obey(s, decide_stop(&s->decide, reason));
}

/* ---- Answers by rule ---- */

static void redirect(struct stream *s)
{
	struct page page;
	struct bytes location = BYTES_NONE;
	err_t err = page_redirect(&s->rule->action, s->listener, &s->pending->facts,
				  conn_tls(s->from->conn) != NULL, s->created_unix_us / 1000,
				  &s->pending->arena, &page, &location);

	if (!err)
		err = record_keep_rare(s, location, NULL);
	if (!err)
		stream_answer(s, &page, END_REDIRECT);
	else
		stream_stop(s, err == ERR_TOO_LARGE ? END_REDIRECT_TOO_LONG : END_INTERNAL);
}

static void fixed_response(struct stream *s)
{
	struct page page;

	if (page_fixed(&s->rule->action, s->listener, s->created_unix_us / 1000, &s->pending->arena,
		       &page))
		stream_stop(s, END_INTERNAL);
	else
		stream_answer(s, &page, END_FIXED);
}

/* ---- Whichever it is ---- */

void stream_perform(struct stream *s)
{
	s->gates |= GATES_PERFORMED;
	switch (s->rule->action.kind) {
	case ACTION_FORWARD: forward(s); return;
	case ACTION_REDIRECT: redirect(s); return;
	case ACTION_FIXED_RESPONSE: fixed_response(s); return;
	}
	assert(false && "an action that does nothing");
}
