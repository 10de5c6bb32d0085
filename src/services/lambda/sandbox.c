#include "services/lambda/sandbox.h"

static const struct edge {
	enum sandbox_order order;
	enum sandbox_state next;
} edges[SANDBOX_STATES][SANDBOX_EVENTS] = {
	[SANDBOX_INIT] = {
		[SANDBOX_NEXT]       = { SANDBOX_HOLD,       SANDBOX_IDLE },
		[SANDBOX_INVOKE]     = { SANDBOX_WAIT,       SANDBOX_WANTED },
		[SANDBOX_RESPONSE]   = { SANDBOX_REFUSE,     SANDBOX_INIT },
		[SANDBOX_ERROR]      = { SANDBOX_REFUSE,     SANDBOX_INIT },
		[SANDBOX_INIT_ERROR] = { SANDBOX_NOTE_ERROR, SANDBOX_INIT },
		[SANDBOX_EXIT]       = { SANDBOX_BURY,       SANDBOX_ENDED },
		[SANDBOX_DEADLINE]   = { SANDBOX_KILL,       SANDBOX_ENDED },
		[SANDBOX_RETIRE]     = { SANDBOX_KILL,       SANDBOX_ENDED },
	},
	[SANDBOX_WANTED] = {
		[SANDBOX_NEXT]       = { SANDBOX_DELIVER,    SANDBOX_INVOKING },
		[SANDBOX_RESPONSE]   = { SANDBOX_REFUSE,     SANDBOX_WANTED },
		[SANDBOX_ERROR]      = { SANDBOX_REFUSE,     SANDBOX_WANTED },
		[SANDBOX_INIT_ERROR] = { SANDBOX_NOTE_ERROR, SANDBOX_WANTED },
		[SANDBOX_EXIT]       = { SANDBOX_FAIL_EXIT,  SANDBOX_ENDED },
		[SANDBOX_DEADLINE]   = { SANDBOX_FAIL_TIME,  SANDBOX_ENDED },
		[SANDBOX_RETIRE]     = { SANDBOX_WAIT,       SANDBOX_WANTED },
	},
	[SANDBOX_IDLE] = {
		[SANDBOX_NEXT]       = { SANDBOX_HOLD,       SANDBOX_IDLE },
		[SANDBOX_INVOKE]     = { SANDBOX_DELIVER,    SANDBOX_INVOKING },
		[SANDBOX_RESPONSE]   = { SANDBOX_REFUSE,     SANDBOX_IDLE },
		[SANDBOX_ERROR]      = { SANDBOX_REFUSE,     SANDBOX_IDLE },
		[SANDBOX_INIT_ERROR] = { SANDBOX_REFUSE,     SANDBOX_IDLE },
		[SANDBOX_EXIT]       = { SANDBOX_BURY,       SANDBOX_ENDED },
		[SANDBOX_REST]       = { SANDBOX_FREEZE,     SANDBOX_FROZEN },
		[SANDBOX_RETIRE]     = { SANDBOX_KILL,       SANDBOX_ENDED },
	},
	/* Requests may have been on their way when it was stopped. */
	[SANDBOX_FROZEN] = {
		[SANDBOX_NEXT]       = { SANDBOX_HOLD,       SANDBOX_FROZEN },
		[SANDBOX_INVOKE]     = { SANDBOX_THAW,       SANDBOX_INVOKING },
		[SANDBOX_RESPONSE]   = { SANDBOX_REFUSE,     SANDBOX_FROZEN },
		[SANDBOX_ERROR]      = { SANDBOX_REFUSE,     SANDBOX_FROZEN },
		[SANDBOX_INIT_ERROR] = { SANDBOX_REFUSE,     SANDBOX_FROZEN },
		[SANDBOX_EXIT]       = { SANDBOX_BURY,       SANDBOX_ENDED },
		[SANDBOX_RETIRE]     = { SANDBOX_KILL,       SANDBOX_ENDED },
	},
	[SANDBOX_INVOKING] = {
		[SANDBOX_NEXT]       = { SANDBOX_REFUSE,     SANDBOX_INVOKING },
		[SANDBOX_RESPONSE]   = { SANDBOX_ANSWER,     SANDBOX_ANSWERED },
		[SANDBOX_ERROR]      = { SANDBOX_FAIL,       SANDBOX_ANSWERED },
		[SANDBOX_INIT_ERROR] = { SANDBOX_REFUSE,     SANDBOX_INVOKING },
		[SANDBOX_EXIT]       = { SANDBOX_FAIL_EXIT,  SANDBOX_ENDED },
		[SANDBOX_DEADLINE]   = { SANDBOX_FAIL_TIME,  SANDBOX_ENDED },
		[SANDBOX_RETIRE]     = { SANDBOX_WAIT,       SANDBOX_INVOKING },
	},
	[SANDBOX_ANSWERED] = {
		[SANDBOX_NEXT]       = { SANDBOX_FINISH,     SANDBOX_IDLE },
		[SANDBOX_RESPONSE]   = { SANDBOX_REFUSE,     SANDBOX_ANSWERED },
		[SANDBOX_ERROR]      = { SANDBOX_REFUSE,     SANDBOX_ANSWERED },
		[SANDBOX_INIT_ERROR] = { SANDBOX_REFUSE,     SANDBOX_ANSWERED },
		[SANDBOX_EXIT]       = { SANDBOX_FINISH_END, SANDBOX_ENDED },
		[SANDBOX_DEADLINE]   = { SANDBOX_FINISH_END, SANDBOX_ENDED },
		[SANDBOX_RETIRE]     = { SANDBOX_WAIT,       SANDBOX_ANSWERED },
	},
	/* What was on its way when it was killed. */
	[SANDBOX_ENDED] = {
		[SANDBOX_NEXT]       = { SANDBOX_REFUSE,     SANDBOX_ENDED },
		[SANDBOX_RESPONSE]   = { SANDBOX_REFUSE,     SANDBOX_ENDED },
		[SANDBOX_ERROR]      = { SANDBOX_REFUSE,     SANDBOX_ENDED },
		[SANDBOX_INIT_ERROR] = { SANDBOX_REFUSE,     SANDBOX_ENDED },
		[SANDBOX_EXIT]       = { SANDBOX_BURY,       SANDBOX_ENDED },
		[SANDBOX_RETIRE]     = { SANDBOX_WAIT,       SANDBOX_ENDED },
	},
};

static bool may_start_again(const struct sandbox *sandbox, enum sandbox_event event)
{
	return sandbox->state == SANDBOX_WANTED && sandbox->starts < SANDBOX_STARTS_MAX &&
	       (event == SANDBOX_EXIT || event == SANDBOX_DEADLINE);
}

enum sandbox_order sandbox_step(struct sandbox *sandbox, enum sandbox_event event)
{
	const struct edge *edge = &edges[sandbox->state][event];

	assert(edge->order != SANDBOX_NOTHING);
	/* AWS tries a failed start once more, within the time of the invocation that waits. */
	if (may_start_again(sandbox, event))
		return SANDBOX_AGAIN;
	if (event == SANDBOX_RETIRE)
		sandbox->retiring = true;
	sandbox->state = edge->next;
	if (edge->order == SANDBOX_FINISH && sandbox->retiring) {
		sandbox->state = SANDBOX_ENDED;
		return SANDBOX_FINISH_END;
	}
	return edge->order;
}

void sandbox_restarted(struct sandbox *sandbox)
{
	assert(sandbox->state == SANDBOX_WANTED);
	sandbox->starts++;
}

bool sandbox_is_free(const struct sandbox *sandbox)
{
	return !sandbox->retiring &&
	       (sandbox->state == SANDBOX_IDLE || sandbox->state == SANDBOX_FROZEN ||
		sandbox->state == SANDBOX_INIT);
}

bool sandbox_is_busy(const struct sandbox *sandbox)
{
	return sandbox->state == SANDBOX_WANTED || sandbox->state == SANDBOX_INVOKING ||
	       sandbox->state == SANDBOX_ANSWERED;
}

const char *sandbox_state_name(enum sandbox_state state)
{
	static const char *const names[SANDBOX_STATES] = {
		[SANDBOX_INIT] = "init",	 [SANDBOX_WANTED] = "init-wanted",
		[SANDBOX_IDLE] = "idle",	 [SANDBOX_FROZEN] = "frozen",
		[SANDBOX_INVOKING] = "invoking", [SANDBOX_ANSWERED] = "answered",
		[SANDBOX_ENDED] = "ended",
	};

	return names[state];
}
