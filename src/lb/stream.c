#include "lb/stream_internal.h"

#include <stdlib.h>

#include "lb/gate.h"
#include "lb/held.h"
#include "lb/lb_internal.h"
#include "lb/queue.h"

/* Limits of a request that no group has been chosen for: only its client can be slow. */
static const struct stream_config no_group = { 0 };

struct decide_limits stream_limits(const struct stream *s)
{
	const struct cell *cell = hold_balancer_cell(s->hold, s->listener->load_balancer);
	struct decide_limits limits;

	limits = decide_limits(s->group ? &s->group->stream : &no_group, cell->idle_ms);
	/* A function's own time is what bounds it (reference/alb.md §9.1). */
	if (s->group && s->group->function && !s->group->stream.first_byte_ms)
		limits.first_byte_ms = 0;
	if (s->flags & STREAM_QUEUED)
		limits.connect_ms = s->group->stream.queue_wait_ms;
	return limits;
}

struct stream *stream_from_link(struct list_node *link)
{
	return container_of(link, struct stream, link);
}

bool stream_is_on(const struct stream *s, const struct target *target)
{
	return s->picked == target && s->flags & STREAM_COUNTED;
}

bool stream_is_of(const struct stream *s, struct bytes load_balancer_arn)
{
	return bytes_eq(s->listener->load_balancer->arn, load_balancer_arn);
}

void stream_rearm(struct stream *s)
{
	struct decide_limits limits = stream_limits(s);
	uint64_t due_ms = decide_due(&s->decide, &limits);

	if (s->progress_ms < due_ms)
		due_ms = s->progress_ms;
	if (!timer_armed(&s->timer) || due_ms < s->timer.due_ms)
		timer_set(s->worker->loop, &s->timer, due_ms);
}

/* ---- Ends ---- */

void stream_forget_pending(struct stream *s)
{
	if (!s->pending)
		return;
	upstream_cancel(&s->pending->waiter);
	gate_destroy(s->pending->gate);
	arena_fini(&s->pending->arena);
	free(s->pending);
	s->pending = NULL;
}

/* Counts the target out, whatever became of its connection. */
static void uncount_target(struct stream *s)
{
	if (!(s->flags & STREAM_COUNTED))
		return;
	s->flags &= ~(uint32_t)STREAM_COUNTED;
	record_gauge(s, GAUGE_STREAMS_ACTIVE, -1);
	if (target_end(s->picked))
		lb_note_drained(s->worker->lb, s->picked);
}

void stream_release_target(struct stream *s)
{
	struct exchange *target = s->target;

	s->target = NULL;
	function_end(s);
	if (target) {
		if (s->flags & STREAM_CLOSE_BOTH)
			exchange_close_conn(target);
		else
			exchange_close(target);
	}
	uncount_target(s);
}

static void stream_free(struct stream *s)
{
	struct worker *worker = s->worker;

	timer_cancel(&s->timer);
	list_remove(&s->link);
	held_end(s);
	hold_unref(s->hold);
	free(s->rare);
	free(s->kept);
	free(s->tunnel);
	free(s);
	atomic_fetch_sub_explicit(&worker->stream_count, 1, memory_order_relaxed);
	worker_check_stopped(worker);
}

/* What becomes of the client's side. */
enum client_end {
	CLIENT_KEEPS, /* the connection may carry another request */
	CLIENT_CLOSES,
	CLIENT_FAILED, /* it is gone already: conn said so */
};

/* Every stream ends here: the target first, since nobody shall work for no one. */
static void stream_end(struct stream *s, enum end_reason reason, enum client_end end)
{
	queue_leave(s);
	if (s->tunnel && end != CLIENT_FAILED)
		tunnel_say_goodbye(s, reason);
	stream_release_target(s);
	record_end(s, reason);
	/* What is pending borrows from the client's exchange, so it goes before that. */
	stream_forget_pending(s);
	if (end == CLIENT_CLOSES || (end == CLIENT_KEEPS && s->flags & STREAM_CLOSE_BOTH))
		exchange_close_conn(s->client);
	else if (end == CLIENT_KEEPS)
		exchange_close(s->client);
	stream_free(s);
}

/* Sends an answer of our own and ends. */
void stream_answer(struct stream *s, const struct page *page, enum end_reason reason)
{
	err_t err;

	if (s->flags & STREAM_EARLY) {
		early_say_error(s, reason, page->head.status);
		stream_end(s, reason, CLIENT_KEEPS);
		return;
	}
	s->elb_status = page->head.status;
	if (page->close && s->version != HTTP_2) /* whose other streams are sound */
		s->flags |= STREAM_CLOSE_BOTH;
	if (s->flags & STREAM_CLOSE_BOTH)
		conn_drain(s->from->conn); /* so that the head says Connection: close */
	err = exchange_send_head(s->client, &page->head);
	if (!err)
		exchange_send_data(s->client, page->body, true);
	stream_end(s, reason, err ? CLIENT_CLOSES : CLIENT_KEEPS);
}

static void answer_status(struct stream *s, uint16_t status, enum end_reason reason)
{
	struct arena arena;
	struct page page;
	err_t err;

	arena_init(&arena, PENDING_MAX);
	err = (s->flags & STREAM_GRPC ? page_error_grpc : page_error)(
		status, s->listener, loop_unix_us(s->worker->loop) / 1000, &arena, &page);
	if (!err && (reason == END_QUEUE_FULL || reason == END_QUEUE_TIMEOUT))
		err = page_retry_after(&page, queue_retry_seconds(s), &arena);
	if (err)
		stream_end(s, reason, CLIENT_CLOSES);
	else
		stream_answer(s, &page, reason);
	arena_fini(&arena);
}

/*
 * What the log says of a client that can be answered no more: 460, but 400 when it broke its own
 * request off (reference/alb.md §6.2). A head that was sent keeps its status.
 */
static uint16_t lost_status(const struct stream *s, enum end_reason reason)
{
	bool uploading = s->decide.stage == DECIDE_UPLOADING && s->decide.request_open;

	if (s->elb_status)
		return s->elb_status;
	if (reason == END_CLIENT_ABORT && uploading)
		return 400;
	return end_reason_row(reason)->status;
}

void stream_lost(struct stream *s, enum end_reason reason)
{
	uint64_t lost_us = loop_unix_us(s->worker->loop);
	bool had_target = s->target || s->function || (s->pending && s->pending->waiter.conn);

	s->elb_status = lost_status(s, reason);
	stream_release_target(s);
	if (s->pending)
		upstream_cancel(&s->pending->waiter);
	if (had_target)
		record_observe(s, HISTOGRAM_ABORT_PROPAGATION,
			       loop_unix_us(s->worker->loop) - lost_us);
	stream_end(s, reason, CLIENT_FAILED);
}

void stream_obey(struct stream *s, struct decision decision)
{
	switch (decision.order) {
	case DECIDE_GO_ON: stream_rearm(s); return;
	case DECIDE_RETRY:
		s->flags |= STREAM_RETRIED;
		stream_count(s, COUNTER_RETRIES, 1);
		stream_dispatch(s, true);
		return;
	case DECIDE_ANSWER:
		/* Released first: its bytes must not meet ours. */
		stream_release_target(s);
		answer_status(s, end_reason_row(decision.reason)->status, decision.reason);
		return;
	case DECIDE_CUT: stream_end(s, decision.reason, CLIENT_CLOSES); return;
	case DECIDE_FINISH: stream_end(s, decision.reason, CLIENT_KEEPS); return;
	case DECIDE_LEAVE: stream_lost(s, decision.reason); return;
	case DECIDE_BEAT: /* relay.c keeps it */
	case DECIDE_NEVER: break;
	}
	assert(false && "an order that is not ours");
}

void stream_stop(struct stream *s, enum end_reason reason)
{
	stream_obey(s, decide_stop(&s->decide, reason));
}

/* ---- Towards the target ---- */

err_t stream_make_head(struct stream *s, struct forwarded *ret_forwarded)
{
	struct pending *pending = s->pending;
	const struct tls *tls = conn_tls(s->from->conn);
	struct forward_options options = {
		.listener = s->listener,
		.tls = tls != NULL,
		.rule = s->rule,
		.client = pending->facts.client,
		.trace_id = pending->trace_id,
		.identity = gate_identity(pending->gate),
		.scratch = s->worker->scratch,
	};

	if (tls) {
		struct tls_agreed agreed;

		if (s->from->certificate)
			memcpy(options.tls_values, s->from->certificate->values,
			       sizeof options.tls_values);
		tls_agreed(tls, &agreed);
		options.tls_values[TLS_FIELD_VERSION] = agreed.protocol;
		options.tls_values[TLS_FIELD_CIPHER] = agreed.cipher;
	}
	TRY(forward_request(pending->head, &pending->facts, &options, &pending->arena,
			    ret_forwarded));
	if (s->decide.may_greet || s->held)
		forward_uncoded(&ret_forwarded->head);
	pending->forwarded = ret_forwarded->head;
	if (pending->forwarded.flags & HTTP_FLAG_UPGRADE)
		s->flags |= STREAM_UPGRADE;
	return ERR_OK;
}

err_t stream_read_facts(struct stream *s)
{
	struct address client = s->pending->facts.client;

	return route_facts_of(s->pending->head, &client, s->listener->load_balancer->dns_name,
			      &s->pending->facts);
}

err_t stream_keep_cookies(struct stream *s, const struct bytes *values, unsigned count)
{
	size_t len = 0;
	char *at;

	assert(!s->kept && count <= COUNT(s->kept->values));
	for (unsigned i = 0; i < count; i++)
		len += values[i].len;
	s->kept = calloc(1, sizeof *s->kept + len);
	if (!s->kept)
		return ERR_NOMEM;
	at = s->kept->text;
	for (unsigned i = 0; i < count; i++) {
		memcpy(at, values[i].at, values[i].len);
		s->kept->values[s->kept->count++] = bytes_make(at, values[i].len);
		at += values[i].len;
	}
	return ERR_OK;
}

err_t stream_remake_head(struct stream *s)
{
	struct forwarded forwarded;

	TRY(stream_read_facts(s));
	return stream_make_head(s, &forwarded);
}

static void on_ready(struct upstream_waiter *w, struct conn *lent)
{
	struct pending *pending = container_of(w, struct pending, waiter);
	struct stream *s = pending->stream;

	if (exchange_open(lent, &relay_target_events, s, &s->target)) {
		upstream_discard(w->pool, lent);
		answer_status(s, 502, END_TARGET_RESET);
		return;
	}
	if (stream_remake_head(s)) {
		stream_stop(s, END_INTERNAL);
		return;
	}
	s->flags &= ~(uint32_t)STREAM_REUSED;
	relay_begin(s);
}

static void on_failed(struct upstream_waiter *w, err_t why)
{
	struct pending *pending = container_of(w, struct pending, waiter);
	struct stream *s = pending->stream;
	struct decide_limits limits = stream_limits(s);
	bool no_tls = why == ERR_TLS_HANDSHAKE;
	enum decide_event event = why == ERR_EXPIRED ? DECIDE_TARGET_LATE
				  : no_tls	     ? DECIDE_TARGET_NO_TLS
						     : DECIDE_TARGET_REFUSED;

	stream_count(s, no_tls ? COUNTER_TARGET_TLS_ERRORS : COUNTER_TARGET_CONNECTION_ERRORS, 1);
	target_count(s->picked, false);
	stream_obey(s, decide(&s->decide, &limits, event, loop_now_ms(s->worker->loop)));
}

void stream_hold_body(struct stream *s)
{
	if (s->flags & (STREAM_NO_BODY | STREAM_CLIENT_PAUSED) || held_wants(s))
		return;
	s->flags |= STREAM_CLIENT_PAUSED;
	exchange_pause(s->client);
}

void stream_dispatch(struct stream *s, bool fresh)
{
	struct decide_limits limits = stream_limits(s);
	struct pool *pool;
	err_t err = worker_pool(s->hold, s->group, s->picked, s->listener->load_balancer, &pool);

	s->flags &= ~(uint32_t)STREAM_BLOCKED;
	if (!err && !fresh &&
	    upstream_open(pool->upstream, &relay_target_events, s, &s->target) == ERR_OK) {
		s->flags |= STREAM_REUSED;
		s->decide.may_retry = http_method_is_idempotent(record_method(s));
		relay_begin(s);
		return;
	}
	if (!err && (target_drops(s->picked) & ADMIT_DROPS_REQUESTS)) {
		/* A SYN that nobody answers: the connect timeout ends it, with 504. */
		s->flags |= STREAM_BLOCKED;
		stream_count(s, COUNTER_TARGET_CONNECTION_ERRORS, 1);
		target_count(s->picked, false);
	} else if (!err) {
		s->pending->waiter.on_ready = on_ready;
		s->pending->waiter.on_failed = on_failed;
		err = upstream_connect(pool->upstream, limits.connect_ms, &s->pending->waiter);
		if (err)
			stream_count(s, COUNTER_TARGET_CONNECTION_ERRORS, 1);
	}
	if (err) {
		answer_status(s, err == ERR_NOMEM ? 500 : 502,
			      err == ERR_NOMEM ? END_INTERNAL : END_CONNECT_REFUSED);
		return;
	}
	stream_hold_body(s);
	stream_rearm(s);
}

/* ---- Beginning ---- */

/* What a request that conn could not read ends as. */
static enum end_reason reason_of_rejection(err_t why)
{
	switch (why) {
	case ERR_URI_TOO_LARGE: return END_URI_TOO_LARGE;
	case ERR_BAD_VERSION: return END_BAD_VERSION;
	case ERR_BAD_CODING: return END_BAD_CODING;
	case ERR_EXPIRED: return END_REQUEST_TIMEOUT;
	default: return END_BAD_REQUEST;
	}
}

static bool is_refused_method(const struct http_head *head)
{
	return bytes_eq(head->method, BYTES("TRACE")) || bytes_eq(head->method, BYTES("CONNECT"));
}

/* What can be said against a request before any rule is asked (reference/alb.md §6.3). */
static enum end_reason judge(struct stream *s, const struct desync_finding *finding, err_t rejected)
{
	const struct plan_load_balancer *balancer = s->listener->load_balancer;
	const struct http_head *head = s->pending->head;
	enum desync_verdict verdict = desync_judge(balancer->desync_mode, finding->tier);

	if (finding->tier != DESYNC_COMPLIANT)
		record_count_balancer(s, COUNTER_DESYNC, 1);
	/* 501 is for codings that exist; one that does not is first of all suspicious (§5.1). */
	if (rejected && !(rejected == ERR_BAD_CODING && verdict == DESYNC_BLOCK))
		return reason_of_rejection(rejected);
	if (verdict == DESYNC_BLOCK)
		return END_DESYNC_BLOCKED;
	if (verdict == DESYNC_FORWARD_AND_CLOSE)
		s->flags |= STREAM_CLOSE_BOTH;
	if (forward_xff_too_long(head))
		return END_XFF_TOO_LONG;
	if (is_refused_method(head))
		return END_METHOD_REFUSED;
	return END_COMPLETE;
}

static void act(struct stream *s)
{
	struct route_result result;

	if (gate_callback(s))
		return;
	result = route_match(s->listener, &s->pending->facts, s->worker->scratch);
	record_count_balancer(s, COUNTER_RULE_EVALUATIONS, result.evaluations);
	s->rule = result.rule;
	if (!s->rule) {
		s->rule_priority = ACCESS_FAILED_PRIORITY;
		stream_stop(s, END_INTERNAL);
		return;
	}
	s->rule_priority = (int32_t)s->rule->priority;
	if (s->rule->gate_count)
		gate_begin(s);
	else
		stream_perform(s);
}

/* Facts of the head as far as it can be read; *ret_rejected gets what is wrong with it. */
static struct pending *pending_create(struct client *client, const struct plan_listener *listener,
				      const struct http_head *head, err_t *rejected)
{
	struct worker *worker = client->listener->worker;
	struct pending *pending = calloc(1, sizeof *pending);

	if (!pending)
		return NULL;
	arena_init(&pending->arena, PENDING_MAX);
	pending->head = head;
	/* CONNECT has a target of a form of its own, which is not to be read. */
	if (*rejected == ERR_OK && !is_refused_method(head))
		*rejected = route_facts_of(head, conn_peer(client->conn),
					   listener->load_balancer->dns_name, &pending->facts);
	if (*rejected || is_refused_method(head))
		pending->facts = (struct route_facts){ .host = head->authority };
	pending->facts.client = *conn_peer(client->conn);
	if (forward_trace_id(head, loop_unix_us(worker->loop) / 1000, &worker->rng, &pending->arena,
			     &pending->trace_id)) {
		arena_fini(&pending->arena);
		free(pending);
		return NULL;
	}
	return pending;
}

static bool is_grpc(const struct http_head *head)
{
	return head->version == HTTP_2 &&
	       bytes_starts_nocase(http_value(head, BYTES("Content-Type")),
				   BYTES("application/grpc"));
}

static struct stream *stream_create(struct client *client, struct exchange *x,
				    const struct plan_listener *listener, struct pending *pending)
{
	struct worker *worker = client->listener->worker;
	const struct http_head *head = pending->head;
	size_t size = sizeof(struct stream) +
		      record_measure(&pending->facts, head, pending->trace_id);
	struct stream *s = aligned_alloc(STREAM_LINE,
					 (size + STREAM_LINE - 1) & ~(size_t)(STREAM_LINE - 1));

	if (!s)
		return NULL;
	memset(s, 0, sizeof *s);
	s->client = x;
	s->from = client;
	s->worker = worker;
	s->listener = listener;
	s->hold = worker->hold;
	s->hold->users++;
	s->pending = pending;
	pending->stream = s;
	s->created_unix_us = loop_unix_us(worker->loop);
	s->progress_ms = loop_now_ms(worker->loop) + STREAM_PROGRESS_MS;
	s->sent_us = s->head_us = s->piece_us = UINT64_MAX;
	s->rule_priority = ACCESS_NO_PRIORITY;
	s->version = (uint8_t)head->version;
	s->timer.on_expired = relay_on_timer;
	if (head->framing == HTTP_BODY_NONE)
		s->flags |= STREAM_NO_BODY;
	if (bytes_eq(head->method, BYTES("HEAD")))
		s->flags |= STREAM_HEAD_REQUEST;
	if (is_grpc(head))
		s->flags |= STREAM_GRPC;
	decide_init(&s->decide, loop_now_ms(worker->loop));
	record_keep(s, &pending->facts, head, pending->trace_id);
	list_append(&worker->streams, &s->link);
	atomic_fetch_add_explicit(&worker->stream_count, 1, memory_order_relaxed);
	return s;
}

/*
 * A listener that verifies takes requests of connections alone that it verified itself: not of one
 * that shook hands with another listener of the address, or before it began to verify.
 */
static bool is_verified_for(const struct plan_listener *listener, const struct tls *tls)
{
	return listener->client_auth != TLS_CLIENT_VERIFIED ||
	       (tls && tls_client_auth(tls) == TLS_CLIENT_VERIFIED &&
		bytes_eq(tls_server_name(tls), listener->arn));
}

/* By Host; where that names nobody, by what the TLS handshake was for. */
static const struct plan_listener *listener_of(const struct client *client,
					       const struct http_head *head)
{
	const struct plan_address *address = client->listener->address;
	const struct tls *tls = conn_tls(client->conn);
	const struct plan_listener *listener;
	struct tls_agreed agreed;

	if (!address)
		return NULL;
	listener = plan_listener_named(address, head->authority);
	if (listener || !tls || address->listener_count == 1)
		return listener ? listener : address->listeners[0];
	tls_agreed(tls, &agreed);
	listener = plan_listener_for_sni(address, agreed.host);
	return listener ? listener : address->listeners[0];
}

/* Found by what the plan of now says: listener, rule and group may all be others. */
void stream_again(struct stream *s)
{
	const struct plan_listener *listener = listener_of(s->from, s->pending->head);

	if (!listener) {
		stream_stop(s, END_DELETED);
		return;
	}
	gate_destroy(s->pending->gate);
	s->pending->gate = NULL;
	s->rule = NULL;
	s->group = NULL;
	s->listener = listener;
	s->worker->hold->users++;
	hold_unref(s->hold);
	s->hold = s->worker->hold;
	if (stream_read_facts(s))
		stream_stop(s, END_INTERNAL);
	else
		act(s);
}

void stream_begin(struct client *client, struct exchange *x, const struct http_head *head,
		  const struct desync_finding *finding, err_t rejected)
{
	const struct plan_address *address = client->listener->address;
	const struct plan_listener *listener = listener_of(client, head);
	struct pending *pending;
	struct stream *s;
	enum end_reason reason;

	if (listener && address->listener_count > 1 && !listener_admits(client, listener))
		listener = NULL; /* the address let it in for another load balancer's sake */
	if (listener && !is_verified_for(listener, conn_tls(client->conn)))
		listener = NULL;
	pending = listener ? pending_create(client, listener, head, &rejected) : NULL;
	s = pending ? stream_create(client, x, listener, pending) : NULL;
	if (!s) {
		/* No memory, or the listener is gone or closed to this client: nothing that could
		 * be answered honestly. */
		if (pending) {
			arena_fini(&pending->arena);
			free(pending);
		}
		exchange_accept(x, &relay_client_events, NULL);
		exchange_close_conn(x);
		return;
	}
	exchange_accept(x, &relay_client_events, s);
	s->finding_tier = (uint8_t)finding->tier;
	s->finding_reason = (uint8_t)finding->reason;
	reason = judge(s, finding, rejected);
	if (reason == END_COMPLETE)
		act(s);
	else
		stream_stop(s, reason);
}
