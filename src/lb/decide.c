#include "lb/decide.h"

/*
 * The specification: what each event means in each stage. An empty cell reads as DECIDE_NEVER:
 * something that cannot happen. `next` is the stage after it.
 */
struct edge {
	enum decide_order order;
	enum decide_stage next;
	enum end_reason reason;
};

#define GO(stage)                                          \
	{                                                  \
		DECIDE_GO_ON, DECIDE_##stage, END_COMPLETE \
	}
#define ANSWER(stage, reason)                               \
	{                                                   \
		DECIDE_ANSWER, DECIDE_##stage, END_##reason \
	}
#define CUT(stage, reason)                               \
	{                                                \
		DECIDE_CUT, DECIDE_##stage, END_##reason \
	}
#define LEAVE(stage)                                           \
	{                                                      \
		DECIDE_LEAVE, DECIDE_##stage, END_CLIENT_ABORT \
	}

static const struct edge edges[DECIDE_STAGES][DECIDE_EVENTS] = {
	[DECIDE_CONNECTING] = {
		[DECIDE_CONNECTED] = GO(UPLOADING),
		[DECIDE_TICK] = GO(CONNECTING),
		[DECIDE_CLIENT_LEFT] = LEAVE(CONNECTING),
		[DECIDE_TARGET_REFUSED] = ANSWER(CONNECTING, CONNECT_REFUSED),
		[DECIDE_TARGET_LATE] = ANSWER(CONNECTING, CONNECT_TIMEOUT),
		[DECIDE_TARGET_NO_TLS] = ANSWER(CONNECTING, TLS_FAILED),
	},
	[DECIDE_UPLOADING] = {
		[DECIDE_REQUEST_PIECE] = GO(UPLOADING),
		[DECIDE_REQUEST_END] = GO(WAITING),
		[DECIDE_TARGET_FULL] = GO(UPLOADING),
		[DECIDE_TARGET_DRAINED] = GO(UPLOADING),
		[DECIDE_HEAD] = GO(THINKING),
		[DECIDE_TICK] = GO(UPLOADING),
		[DECIDE_CLIENT_LEFT] = LEAVE(UPLOADING),
		[DECIDE_TARGET_CLOSED] = ANSWER(UPLOADING, TARGET_CLOSED),
		[DECIDE_TARGET_RESET] = ANSWER(UPLOADING, TARGET_RESET),
		[DECIDE_TARGET_MALFORMED] = ANSWER(UPLOADING, TARGET_MALFORMED),
		[DECIDE_TARGET_HEAD_LARGE] = ANSWER(UPLOADING, TARGET_HEAD_TOO_LARGE),
	},
	[DECIDE_WAITING] = {
		[DECIDE_TARGET_DRAINED] = GO(WAITING),
		[DECIDE_HEAD] = GO(THINKING),
		[DECIDE_TICK] = GO(WAITING),
		[DECIDE_CLIENT_LEFT] = LEAVE(WAITING),
		[DECIDE_TARGET_CLOSED] = ANSWER(WAITING, TARGET_CLOSED),
		[DECIDE_TARGET_RESET] = ANSWER(WAITING, TARGET_RESET),
		[DECIDE_TARGET_MALFORMED] = ANSWER(WAITING, TARGET_MALFORMED),
		[DECIDE_TARGET_HEAD_LARGE] = ANSWER(WAITING, TARGET_HEAD_TOO_LARGE),
	},
	[DECIDE_THINKING] = {
		[DECIDE_REQUEST_PIECE] = GO(THINKING),
		[DECIDE_REQUEST_END] = GO(THINKING),
		[DECIDE_TARGET_FULL] = GO(THINKING),
		[DECIDE_TARGET_DRAINED] = GO(THINKING),
		[DECIDE_PIECE] = GO(STREAMING),
		[DECIDE_ANSWER_END] = GO(FLUSHING),
		[DECIDE_CLIENT_FULL] = GO(THINKING),
		[DECIDE_CLIENT_DRAINED] = GO(THINKING),
		[DECIDE_TICK] = GO(THINKING),
		[DECIDE_CLIENT_LEFT] = LEAVE(THINKING),
		[DECIDE_TARGET_CLOSED] = CUT(THINKING, TARGET_TRUNCATED),
		[DECIDE_TARGET_RESET] = CUT(THINKING, TARGET_RESET),
		[DECIDE_TARGET_MALFORMED] = CUT(THINKING, TARGET_MALFORMED),
	},
	[DECIDE_STREAMING] = {
		[DECIDE_REQUEST_PIECE] = GO(STREAMING),
		[DECIDE_REQUEST_END] = GO(STREAMING),
		[DECIDE_TARGET_FULL] = GO(STREAMING),
		[DECIDE_TARGET_DRAINED] = GO(STREAMING),
		[DECIDE_PIECE] = GO(STREAMING),
		[DECIDE_ANSWER_END] = GO(FLUSHING),
		[DECIDE_CLIENT_FULL] = GO(STREAMING),
		[DECIDE_CLIENT_DRAINED] = GO(STREAMING),
		[DECIDE_TICK] = GO(STREAMING),
		[DECIDE_CLIENT_LEFT] = LEAVE(STREAMING),
		[DECIDE_TARGET_CLOSED] = CUT(STREAMING, TARGET_TRUNCATED),
		[DECIDE_TARGET_RESET] = CUT(STREAMING, TARGET_RESET),
		[DECIDE_TARGET_MALFORMED] = CUT(STREAMING, TARGET_MALFORMED),
	},
	[DECIDE_FLUSHING] = {
		[DECIDE_REQUEST_PIECE] = GO(FLUSHING),
		[DECIDE_REQUEST_END] = GO(FLUSHING),
		[DECIDE_CLIENT_DRAINED] = GO(FLUSHING),
		[DECIDE_TICK] = GO(FLUSHING),
		[DECIDE_CLIENT_LEFT] = LEAVE(FLUSHING),
	},
};

struct decide_limits decide_limits(const struct stream_config *config, uint32_t idle_ms)
{
	return (struct decide_limits){
		.idle_ms = idle_ms,
		.connect_ms = config->connect_ms,
		.first_byte_ms = config->first_byte_ms ? config->first_byte_ms : idle_ms,
		.first_event_ms = config->first_event_ms ? config->first_event_ms : idle_ms,
		.between_ms = config->between_bytes_ms ? config->between_bytes_ms : idle_ms,
		.total_ms = config->total_ms,
		.heartbeat_ms = config->heartbeat_ms,
	};
}

void decide_init(struct decide *decide, uint64_t now_ms)
{
	*decide = (struct decide){
		.began_ms = now_ms,
		.target_ms = now_ms,
		.client_ms = now_ms,
		.beat_ms = now_ms,
		.stage = DECIDE_CONNECTING,
		.request_open = true,
	};
}

bool decide_answered(const struct decide *d)
{
	return d->stage >= DECIDE_THINKING;
}

struct decision decide_stop(const struct decide *d, enum end_reason reason)
{
	return (struct decision){ decide_answered(d) ? DECIDE_CUT : DECIDE_ANSWER, reason };
}

void decide_queued(struct decide *d, size_t queued_bytes, uint64_t now_ms)
{
	if (queued_bytes < d->queued_bytes)
		d->client_ms = now_ms;
	d->queued_bytes = (uint32_t)queued_bytes;
}

/* ---- Clocks ---- */

/* One running clock: since when, how long, and what it means when it runs out. */
struct running {
	uint64_t since_ms;
	uint32_t limit_ms; /* 0: none runs */
	enum end_reason reason;
};

/* The clock of whoever the stream waits for. There is always exactly one. */
static struct running clock_of(const struct decide *d, const struct decide_limits *limits)
{
	if (d->client_full || d->stage == DECIDE_FLUSHING)
		return (struct running){ d->client_ms, limits->idle_ms, END_CLIENT_IDLE_TIMEOUT };

	switch ((enum decide_stage)d->stage) {
	case DECIDE_CONNECTING:
		return (struct running){ d->target_ms, limits->connect_ms, END_CONNECT_TIMEOUT };
	case DECIDE_UPLOADING:
		if (!d->target_full)
			return (struct running){ d->client_ms, limits->idle_ms,
						 END_REQUEST_TIMEOUT };
		return (struct running){ d->target_ms, limits->first_byte_ms,
					 END_FIRST_BYTE_TIMEOUT };
	case DECIDE_WAITING:
		return (struct running){ d->target_ms, limits->first_byte_ms,
					 END_FIRST_BYTE_TIMEOUT };
	case DECIDE_THINKING:
		return (struct running){ d->target_ms, limits->first_event_ms,
					 END_FIRST_EVENT_TIMEOUT };
	case DECIDE_STREAMING:
		return (struct running){ d->target_ms, limits->between_ms, END_IDLE_TIMEOUT };
	case DECIDE_FLUSHING:
	case DECIDE_STAGES: break;
	}
	assert(false && "a stage without a clock");
	return (struct running){ 0 };
}

static bool beats(const struct decide *d, const struct decide_limits *limits)
{
	if (!limits->heartbeat_ms || d->client_full)
		return false;
	if (d->stage == DECIDE_CONNECTING || d->stage == DECIDE_WAITING)
		return d->may_greet;
	return d->may_beat && (d->stage == DECIDE_THINKING || d->stage == DECIDE_STREAMING);
}

static uint64_t beat_due(const struct decide *d, const struct decide_limits *limits)
{
	uint64_t quiet_ms = d->target_ms > d->beat_ms ? d->target_ms : d->beat_ms;

	return quiet_ms + limits->heartbeat_ms;
}

uint64_t decide_due(const struct decide *d, const struct decide_limits *limits)
{
	struct running clock = clock_of(d, limits);
	uint64_t due_ms = clock.limit_ms ? clock.since_ms + clock.limit_ms : UINT64_MAX;

	if (limits->total_ms && d->began_ms + limits->total_ms < due_ms)
		due_ms = d->began_ms + limits->total_ms;
	if (beats(d, limits) && beat_due(d, limits) < due_ms)
		due_ms = beat_due(d, limits);
	return due_ms;
}

static struct decision tick(struct decide *d, const struct decide_limits *limits, uint64_t now_ms)
{
	struct running clock = clock_of(d, limits);

	if (limits->total_ms && now_ms >= d->began_ms + limits->total_ms)
		return decide_stop(d, END_TOTAL_TIMEOUT);
	if (clock.limit_ms && now_ms >= clock.since_ms + clock.limit_ms)
		return decide_stop(d, clock.reason);
	if (beats(d, limits) && now_ms >= beat_due(d, limits)) {
		/* Inside an event nothing may be put in: what is skipped is not made up for. */
		d->beat_ms = now_ms;
		if (d->at_boundary)
			return (struct decision){ DECIDE_BEAT, END_COMPLETE };
	}
	return (struct decision){ DECIDE_GO_ON, END_COMPLETE };
}

/* ---- Events ---- */

/* What an event says about who moved when. */
static void note(struct decide *d, enum decide_event event, uint64_t now_ms)
{
	switch (event) {
	case DECIDE_CONNECTED:
	case DECIDE_HEAD:
		d->target_ms = d->beat_ms = now_ms;
		d->client_ms = now_ms;
		break;
	case DECIDE_REQUEST_PIECE:
		d->client_ms = now_ms;
		if (decide_answered(d)) /* a conversation: who listens is not silent */
			d->target_ms = now_ms;
		break;
	case DECIDE_REQUEST_END:
		d->request_open = false;
		d->client_ms = now_ms;
		if (!decide_answered(d))
			d->target_ms = now_ms;
		break;
	case DECIDE_TARGET_FULL:
	case DECIDE_TARGET_DRAINED:
		d->target_full = event == DECIDE_TARGET_FULL;
		d->client_ms = now_ms;
		if (!decide_answered(d))
			d->target_ms = now_ms;
		break;
	case DECIDE_CLIENT_FULL:
		d->client_full = true;
		d->client_ms = now_ms;
		d->queued_bytes = UINT32_MAX;
		break;
	case DECIDE_CLIENT_DRAINED:
		d->client_full = false;
		d->client_ms = d->target_ms = now_ms;
		break;
	case DECIDE_PIECE: decide_piece(d, now_ms); break;
	default: break;
	}
}

static bool retries(const struct decide *d, enum decide_event event)
{
	return d->may_retry && (event == DECIDE_TARGET_CLOSED || event == DECIDE_TARGET_RESET) &&
	       (d->stage == DECIDE_UPLOADING || d->stage == DECIDE_WAITING);
}

struct decision decide(struct decide *d, const struct decide_limits *limits,
		       enum decide_event event, uint64_t now_ms)
{
	const struct edge *edge;

	assert(d->stage < DECIDE_STAGES && event < DECIDE_EVENTS);
	edge = &edges[d->stage][event];
	assert(edge->order != DECIDE_NEVER);

	if (event == DECIDE_TICK)
		return tick(d, limits, now_ms);
	if (retries(d, event)) {
		d->may_retry = false;
		d->stage = DECIDE_CONNECTING;
		d->target_full = false;
		d->target_ms = now_ms;
		return (struct decision){ DECIDE_RETRY, END_COMPLETE };
	}

	note(d, event, now_ms);
	d->stage = (uint8_t)edge->next;
	/* All of the answer is out: done, unless the client has yet to read it. */
	if (d->stage == DECIDE_FLUSHING && !d->client_full && edge->order == DECIDE_GO_ON)
		return (struct decision){ DECIDE_FINISH, END_COMPLETE };
	return (struct decision){ edge->order, edge->reason };
}
