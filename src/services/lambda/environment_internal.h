/*
 * environment_internal: an environment as environment.c, which obeys its machine, and
 * environment_parts.c see it: what it says, how much memory it takes, how its program starts.
 */
#ifndef SERVICES_LAMBDA_ENVIRONMENT_INTERNAL_H
#define SERVICES_LAMBDA_ENVIRONMENT_INTERNAL_H

#include "engine/child.h"
#include "services/lambda/environment.h"
#include "services/lambda/runtime_api.h"

struct environment {
	struct sandbox sandbox;
	struct list_node link; /* the fleet's */
	struct loop *loop;
	const struct environment_program *program;
	const struct environment_events *events;
	void *owner;
	struct runtime_api *api;
	struct runtime_request *next; /* the runtime waits for work */
	struct child *child;
	struct output output;
	struct text init_error; /* what it said it cannot start for */
	char *keys[ENVIRONMENT_KEYS];

	struct invocation *invocation; /* NULL once it was answered */
	struct lambda_report report;   /* of this one, or the last */
	struct text collected;	       /* a streamed answer whose caller wants it whole */
	char request_id[37];
	bool deliver;	/* the runtime is to get it as soon as it asks */
	bool log_open;	/* its END and REPORT are not written yet */
	bool streaming; /* a piece of its answer was told */
	err_t start_err;

	/* `stillborn`: a program that could not be started ends on the next turn. */
	struct timer deadline, rest, sample, flush, stillborn;
	uint64_t started_ms;
	uint64_t init_started_us; /* 0: it has started */
	uint64_t init_us;	  /* told in the first report */
	uint64_t invoked_us;	  /* 0: the invocation waits for the start */
};

static inline uint64_t now_ms(const struct environment *e)
{
	return loop_now_ms(e->loop);
}

static inline uint64_t now_us(const struct environment *e)
{
	return loop_unix_us(e->loop);
}

/* ---- What it says: lines of its log, written a moment later ---- */

void environment_flush_soon(struct environment *e);
void environment_on_flush(struct timer *timer);
void environment_on_output(void *owner, struct bytes data); /* of its program */
void environment_say(struct environment *e,
		     void (*words)(struct text *, const struct lambda_report *));
/* Why it failed, as AWS's supervisor says it. */
void environment_say_failure(struct environment *e);
void environment_say_init_failed(struct environment *e, bool timed_out);

/* ---- Memory ---- */

void environment_take_sample(struct environment *e);
void environment_on_sample(struct timer *timer);

/* ---- Its program ---- */

err_t environment_spawn(struct environment *e, const struct child_events *events);

#endif
