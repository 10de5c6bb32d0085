/*
 * sandbox: one execution environment as a machine: which of its runtime's requests fit now, and
 * what has to be done about what happens. Pure: no process, no socket, no clock.
 *
 *                    ┌──────── NEXT ─────────┐
 *   INIT ── NEXT ──► IDLE ── REST ──► FROZEN │
 *    │ INVOKE         │ INVOKE           │ INVOKE
 *    ▼                ▼                  ▼   │
 *   WANTED ─ NEXT ─► INVOKING ─ RESPONSE ─► ANSWERED          any ── EXIT, RETIRE, DEADLINE ──►
 * ENDED
 *
 * An invocation ends when its answer came and the runtime asked for the next one, or died.
 */
#ifndef SERVICES_LAMBDA_SANDBOX_H
#define SERVICES_LAMBDA_SANDBOX_H

#include "base/base.h"

enum sandbox_state {
	SANDBOX_INIT,	  /* the program starts; nobody waits for it */
	SANDBOX_WANTED,	  /* the program starts, and an invocation waits for it */
	SANDBOX_IDLE,	  /* the runtime waits for work */
	SANDBOX_FROZEN,	  /* the same, and the program is stopped */
	SANDBOX_INVOKING, /* the runtime has an invocation */
	SANDBOX_ANSWERED, /* it has answered, and did not ask for the next one yet */
	SANDBOX_ENDED,
	SANDBOX_STATES
};

enum sandbox_event {
	SANDBOX_NEXT,	    /* the runtime asks for work */
	SANDBOX_INVOKE,	    /* there is work; only in INIT, IDLE and FROZEN */
	SANDBOX_RESPONSE,   /* the runtime answers the invocation, */
	SANDBOX_ERROR,	    /* or says how the function failed, */
	SANDBOX_INIT_ERROR, /* or why it cannot start */
	SANDBOX_EXIT,	    /* the program ended */
	SANDBOX_DEADLINE,   /* the time of the start, or of the invocation, is over */
	SANDBOX_REST,	    /* idle for a moment */
	SANDBOX_RETIRE,	    /* no longer wanted: idle for long, or the function changed */
	SANDBOX_EVENTS
};

enum sandbox_order {
	SANDBOX_NOTHING,    /* an event that cannot happen: asserted */
	SANDBOX_WAIT,	    /* all is well */
	SANDBOX_HOLD,	    /* keep the runtime's request for work; the environment is free */
	SANDBOX_DELIVER,    /* hand the invocation out */
	SANDBOX_THAW,	    /* let the program run again, and hand the invocation out */
	SANDBOX_FREEZE,	    /* stop the program */
	SANDBOX_ANSWER,	    /* pass the answer on */
	SANDBOX_FAIL,	    /* pass the function's own error on */
	SANDBOX_NOTE_ERROR, /* remember why it cannot start: it will exit */
	SANDBOX_FINISH,	    /* the invocation is over, the environment is free */
	SANDBOX_FINISH_END, /* the invocation is over, and so is the environment: kill */
	SANDBOX_FAIL_EXIT,  /* the program ended in the middle of the invocation */
	SANDBOX_FAIL_TIME,  /* the invocation's time is over: kill */
	SANDBOX_AGAIN,	    /* it did not start: kill it, and start it once more for who waits */
	SANDBOX_KILL,	    /* kill it; nobody waits */
	SANDBOX_BURY,	    /* it is gone, and nobody waits */
	SANDBOX_REFUSE,	    /* the runtime asks for what does not fit: an error for it */
};

struct sandbox {
	enum sandbox_state state;
	unsigned starts; /* of the program, for the invocation that waits: two at most */
	bool retiring;	 /* end as soon as the invocation is over */
};

enum { SANDBOX_STARTS_MAX = 2 };

#define SANDBOX_OF_NEW_PROGRAM                     \
	{                                          \
		.state = SANDBOX_INIT, .starts = 1 \
	}

enum sandbox_order sandbox_step(struct sandbox *sandbox, enum sandbox_event event);

/* The program was started once more, as SANDBOX_AGAIN said. */
void sandbox_restarted(struct sandbox *sandbox);

/* Whether an invocation can be given to it now. */
bool sandbox_is_free(const struct sandbox *sandbox);
/* Whether it works for somebody: what counts as concurrency. */
bool sandbox_is_busy(const struct sandbox *sandbox);

const char *sandbox_state_name(enum sandbox_state state);

#endif
