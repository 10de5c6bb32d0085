#include <stdio.h>
#include <stdlib.h>

#include "lb/stream_internal.h"

/* ---- Facts ---- */

static struct bytes fact_uri(const struct http_head *head)
{
	return bytes_upto(head->target, UINT16_MAX);
}

static struct bytes fact_user_agent(const struct http_head *head)
{
	return bytes_upto(http_value(head, BYTES("User-Agent")), USER_AGENT_MAX);
}

size_t record_measure(const struct route_facts *facts, const struct http_head *head,
		      struct bytes trace_id)
{
	return bytes_upto(head->method, UINT16_MAX).len + bytes_upto(facts->host, UINT16_MAX).len +
	       fact_uri(head).len + fact_user_agent(head).len +
	       bytes_upto(trace_id, UINT16_MAX).len;
}

static uint16_t keep(char **at, struct bytes fact)
{
	if (fact.len)
		memcpy(*at, fact.at, fact.len);
	*at += fact.len;
	return (uint16_t)fact.len;
}

void record_keep(struct stream *s, const struct route_facts *facts, const struct http_head *head,
		 struct bytes trace_id)
{
	char *at = s->facts;

	s->lengths.method = keep(&at, bytes_upto(head->method, UINT16_MAX));
	s->lengths.host = keep(&at, bytes_upto(facts->host, UINT16_MAX));
	s->lengths.uri = keep(&at, fact_uri(head));
	s->lengths.user_agent = keep(&at, fact_user_agent(head));
	s->lengths.trace_id = keep(&at, bytes_upto(trace_id, UINT16_MAX));
}

err_t record_keep_rare(struct stream *s, struct bytes redirect_url,
		       const struct forwarded *forwarded)
{
	const struct forwarded none = { .transform = TRANSFORM_NONE };
	const struct forwarded *f = forwarded ? forwarded : &none;
	size_t text_bytes = redirect_url.len + f->transformed_host.len + f->transformed_uri.len;
	char *at;

	assert(!s->rare);
	if (!text_bytes && f->transform == TRANSFORM_NONE)
		return ERR_OK;
	s->rare = calloc(1, sizeof *s->rare + text_bytes);
	if (!s->rare)
		return ERR_NOMEM;
	s->rare->transform = f->transform;
	at = s->rare->text;
	s->rare->redirect_url = bytes_make(at, redirect_url.len);
	keep(&at, redirect_url);
	s->rare->transformed_host = bytes_make(at, f->transformed_host.len);
	keep(&at, f->transformed_host);
	s->rare->transformed_uri = bytes_make(at, f->transformed_uri.len);
	keep(&at, f->transformed_uri);
	return ERR_OK;
}

struct bytes record_method(const struct stream *s)
{
	return bytes_make(s->facts, s->lengths.method);
}

static struct bytes host_of(const struct stream *s)
{
	return bytes_make(s->facts + s->lengths.method, s->lengths.host);
}

struct bytes record_uri(const struct stream *s)
{
	return bytes_make(host_of(s).at + s->lengths.host, s->lengths.uri);
}

static struct bytes user_agent_of(const struct stream *s)
{
	return bytes_make(record_uri(s).at + s->lengths.uri, s->lengths.user_agent);
}

static struct bytes trace_id_of(const struct stream *s)
{
	return bytes_make(user_agent_of(s).at + s->lengths.user_agent, s->lengths.trace_id);
}

uint64_t record_now_us(const struct stream *s)
{
	return loop_unix_us(s->worker->loop) - s->created_unix_us;
}

/* ---- Numbers ---- */

static struct metrics *balancer_metrics(const struct stream *s)
{
	return &hold_balancer_cell(s->hold, s->listener->load_balancer)->metrics;
}

static struct metrics *group_metrics(const struct stream *s)
{
	return s->group ? &hold_group_cell(s->hold, s->group)->metrics : NULL;
}

void record_count_balancer(struct stream *s, enum metric_counter counter, uint64_t n)
{
	metrics_add(balancer_metrics(s), counter, n);
}

void stream_count(struct stream *s, enum metric_counter counter, uint64_t n)
{
	metrics_add(balancer_metrics(s), counter, n);
	if (s->group)
		metrics_add(group_metrics(s), counter, n);
}

void record_observe(struct stream *s, enum metric_histogram histogram, uint64_t us)
{
	metrics_observe(balancer_metrics(s), histogram, us);
	if (s->group)
		metrics_observe(group_metrics(s), histogram, us);
}

void record_gauge(struct stream *s, enum metric_gauge gauge, int64_t change)
{
	metrics_gauge(balancer_metrics(s), gauge, change);
	if (s->group)
		metrics_gauge(group_metrics(s), gauge, change);
}

static void count_bytes(struct stream *s)
{
	uint64_t bytes, more;

	bytes = exchange_received_bytes(s->client) + exchange_sent_bytes(s->client);
	more = bytes - s->counted_bytes;
	s->counted_bytes = bytes;
	record_count_balancer(s, COUNTER_PROCESSED_BYTES, more);
	if (conn_peer(s->from->conn)->family == 6)
		record_count_balancer(s, COUNTER_IPV6_PROCESSED_BYTES, more);
}

static void count_target_status(struct stream *s, uint16_t status)
{
	static const enum metric_counter by_class[] = {
		[2] = COUNTER_TARGET_2XX,
		[3] = COUNTER_TARGET_3XX,
		[4] = COUNTER_TARGET_4XX,
		[5] = COUNTER_TARGET_5XX,
	};

	if (status >= 200 && status < 600)
		stream_count(s, by_class[status / 100], 1);
}

/* Statuses that the balancer made, 460 too. Fixed responses have a number of their own. */
static void count_elb_status(struct stream *s, uint16_t status)
{
	if (status >= 300 && status < 400)
		record_count_balancer(s, COUNTER_ELB_3XX, 1);
	else if (status >= 400 && status < 500)
		record_count_balancer(s, COUNTER_ELB_4XX, 1);
	else if (status >= 500)
		record_count_balancer(s, COUNTER_ELB_5XX, 1);
	if (status == 500)
		record_count_balancer(s, COUNTER_ELB_500, 1);
	else if (status == 502)
		record_count_balancer(s, COUNTER_ELB_502, 1);
	else if (status == 503)
		record_count_balancer(s, COUNTER_ELB_503, 1);
	else if (status == 504)
		record_count_balancer(s, COUNTER_ELB_504, 1);
}

void record_head(struct stream *s, uint16_t status)
{
	s->head_us = record_now_us(s);
	s->target_status = status;
	s->elb_status = status;
	count_target_status(s, status);
	target_count(s->picked, status < 500);
	record_observe(s, HISTOGRAM_TARGET_RESPONSE_TIME, s->head_us - s->sent_us);
	record_observe(s, HISTOGRAM_FIRST_BYTE, s->head_us);
	if (s->flags & STREAM_STREAMING)
		stream_count(s, COUNTER_STREAMS, 1);
}

void record_first_piece(struct stream *s)
{
	s->flags |= STREAM_FIRST_PIECE;
	s->piece_us = record_now_us(s);
	record_observe(s, HISTOGRAM_FIRST_EVENT, s->piece_us);
}

/* ---- Access records ---- */

/* By what stood before the action, and the action: the last column is none. */
#define ACTIONS_AFTER(gates)                                                        \
	{                                                                           \
		gates ",forward", gates ",redirect", gates ",fixed-response", gates \
	}

enum { NOT_PERFORMED = ACTION_FIXED_RESPONSE + 1 };

static const char *const action_lists[][NOT_PERFORMED + 1] = {
	{ "forward", "redirect", "fixed-response", "" },
	ACTIONS_AFTER("authenticate"),
	ACTIONS_AFTER("jwt-validation"),
	ACTIONS_AFTER("authenticate,jwt-validation"),
	ACTIONS_AFTER("jwt-validation,authenticate"),
};

static struct bytes actions_of(const struct stream *s)
{
	const unsigned both = GATES_AUTHENTICATED | GATES_TOKEN;
	unsigned row = s->gates & both;
	unsigned column = s->gates & GATES_PERFORMED ? s->rule->action.kind : NOT_PERFORMED;

	if (row == both && s->gates & GATES_TOKEN_FIRST)
		row++;
	return bytes_of(action_lists[row][column]);
}

static int64_t time_of(uint64_t us)
{
	return us == UINT64_MAX ? ACCESS_NO_TIME : (int64_t)us;
}

/*
 * A target that did not answer leaves all three at -1, as ALB does; a client that left meanwhile
 * does not (reference/alb.md §7.1, fields 6-8).
 */
static void fill_times(const struct stream *s, struct access_record *record)
{
	bool answered = s->head_us != UINT64_MAX;

	record->request_us = record->target_us = record->response_us = ACCESS_NO_TIME;
	if (s->sent_us != UINT64_MAX &&
	    (answered || record->phase != ACCESS_END || record->end_reason == END_CLIENT_ABORT))
		record->request_us = (int64_t)s->sent_us;
	if (answered) {
		record->target_us = (int64_t)(s->head_us - s->sent_us);
		record->response_us = 0; /* relayed in the turn it came */
	}
	record->first_byte_us = time_of(s->head_us);
	record->first_event_us = time_of(s->piece_us);
	record->longest_gap_us = (uint64_t)s->decide.longest_gap_ms * 1000;
}

static void fill_tls(const struct tls *tls, struct access_record *record)
{
	struct tls_agreed agreed;

	tls_agreed(tls, &agreed);
	record->ssl_protocol = agreed.protocol;
	record->ssl_cipher = agreed.cipher;
	record->sni = agreed.host;
	record->certificate_arn = agreed.resumed ? BYTES("session-reused") : agreed.identity;
}

static enum access_type type_of(const struct stream *s, bool tls)
{
	if (s->tunnel)
		return tls ? ACCESS_WSS : ACCESS_WS;
	if (s->version == HTTP_2)
		return s->flags & STREAM_GRPC ? ACCESS_GRPCS : ACCESS_H2;
	return tls ? ACCESS_HTTPS : ACCESS_HTTP;
}

static void fill(const struct stream *s, enum access_phase phase, struct access_record *record)
{
	const struct plan_load_balancer *balancer = s->listener->load_balancer;

	*record = (struct access_record){
		.phase = phase,
		.time_unix_us = loop_unix_us(s->worker->loop),
		.created_unix_us = s->created_unix_us,
		.load_balancer_id = balancer->id,
		.dns_name = balancer->dns_name,
		.client = *conn_peer(s->from->conn),
		.listener_port = s->listener->port,
		.elb_status = s->elb_status,
		.target_status = s->target_status,
		.received_bytes = exchange_received_bytes(s->client),
		.sent_bytes = exchange_sent_bytes(s->client),
		.method = record_method(s),
		.host = host_of(s),
		.uri = record_uri(s),
		.version = (enum http_version)s->version,
		.user_agent = user_agent_of(s),
		.trace_id = trace_id_of(s),
		.rule_priority = s->rule_priority,
		.actions = actions_of(s),
		.error_reason = bytes_of(s->error_reason),
		.finding = { (enum desync_tier)s->finding_tier,
			     (enum desync_reason)s->finding_reason },
		.streaming = s->flags & STREAM_STREAMING,
		.attempt = s->flags & STREAM_RETRIED ? 2 : 1,
		.events = s->meter.events,
		.heartbeats = s->heartbeats,
	};
	record->type = type_of(s, conn_tls(s->from->conn) != NULL);
	if (conn_tls(s->from->conn))
		fill_tls(conn_tls(s->from->conn), record);
	if (s->group)
		record->target_group_arn = s->group->arn;
	if (s->picked)
		record->target = s->picked->address;
	if (s->group && s->group->function)
		record->target_status = 0; /* "-", as ALB says of functions */
	if (s->rare) {
		record->redirect_url = s->rare->redirect_url;
		record->transformed_host = s->rare->transformed_host;
		record->transformed_uri = s->rare->transformed_uri;
		record->transform = s->rare->transform;
	}
	client_trace_id(s->from, record->conn_trace_id);
}

static void tell(struct stream *s, struct access_record *record)
{
	const struct lb_events *events = s->worker->events;

	fill_times(s, record);
	if (events && events->on_access)
		events->on_access(s->worker->events_owner, record);
}

void record_start(struct stream *s)
{
	struct access_record record;

	if (s->flags & STREAM_STARTED)
		return;
	s->flags |= STREAM_STARTED;
	fill(s, ACCESS_START, &record);
	tell(s, &record);
}

void record_progress(struct stream *s)
{
	struct access_record record;

	record_start(s);
	count_bytes(s);
	fill(s, ACCESS_PROGRESS, &record);
	tell(s, &record);
}

static void count_end(struct stream *s, enum end_reason reason)
{
	if (s->target_status == 0 && s->elb_status && reason != END_FIXED)
		count_elb_status(s, s->elb_status);
	if (reason == END_FIXED)
		record_count_balancer(s, COUNTER_FIXED_RESPONSES, 1);
	if (reason == END_REDIRECT)
		record_count_balancer(s, COUNTER_REDIRECTS, 1);
	if (reason == END_REDIRECT_TOO_LONG)
		record_count_balancer(s, COUNTER_REDIRECT_URL_LIMIT, 1);
	if (reason == END_CLIENT_ABORT)
		stream_count(s, COUNTER_CLIENT_ABORTS, 1);
	if (!(s->flags & STREAM_STREAMING))
		return;
	stream_count(s, COUNTER_STREAM_EVENTS, s->meter.events);
	if (reason == END_COMPLETE)
		stream_count(s, COUNTER_STREAM_SUCCESS, 1);
	record_observe(s, HISTOGRAM_STREAM_DURATION, record_now_us(s));
	record_observe(s, HISTOGRAM_EVENT_GAP, (uint64_t)s->decide.longest_gap_ms * 1000);
}

void record_end(struct stream *s, enum end_reason reason)
{
	struct access_record record;

	count_bytes(s);
	count_end(s, reason);
	fill(s, ACCESS_END, &record);
	record.end_reason = reason;
	tell(s, &record);
}

/* ---- The live table ---- */

static void copy(char *out, size_t size, struct bytes text)
{
	size_t len = size_min(text.len, size - 1);

	if (len)
		memcpy(out, text.at, len);
	out[len] = '\0';
}

static const char *stage_name(const struct stream *s)
{
	switch ((enum decide_stage)s->decide.stage) {
	case DECIDE_CONNECTING: return "connecting";
	case DECIDE_UPLOADING:
	case DECIDE_WAITING: return "waiting";
	default: return "streaming";
	}
}

void stream_row(const struct stream *s, struct stream_row *row)
{
	uint64_t now_ms = loop_now_ms(s->worker->loop);
	char address[ADDRESS_TEXT_BYTES];

	*row = (struct stream_row){
		.stage = stage_name(s),
		.status = s->elb_status,
		.age_ms = now_ms - s->decide.began_ms,
		.idle_ms = now_ms - s->decide.target_ms,
		.first_byte_ms = s->head_us == UINT64_MAX ? 0 : s->head_us / 1000,
		.received_bytes = exchange_received_bytes(s->client),
		.sent_bytes = exchange_sent_bytes(s->client),
		.events = s->meter.events,
		.heartbeats = s->heartbeats,
	};
	copy(row->trace_id, sizeof row->trace_id, trace_id_of(s));
	copy(row->load_balancer, sizeof row->load_balancer, s->listener->load_balancer->id);
	if (s->group)
		copy(row->target_group, sizeof row->target_group, s->group->id);
	if (s->picked) {
		address_format(&s->picked->address, address);
		copy(row->target, sizeof row->target, bytes_of(address));
	}
	address_format(conn_peer(s->from->conn), address);
	copy(row->client, sizeof row->client, bytes_of(address));
	snprintf(row->request, sizeof row->request, "%.*s %.*s", BYTES_ARG(record_method(s)),
		 BYTES_ARG(record_uri(s)));
}
