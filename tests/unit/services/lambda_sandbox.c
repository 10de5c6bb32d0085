#include "services/lambda/sandbox.h"

#include "tests/check.h"

struct step {
	enum sandbox_event event;
	enum sandbox_order order;
	enum sandbox_state state; /* afterwards */
};

static void walk(const char *name, const struct step *steps, size_t count)
{
	struct sandbox sandbox = SANDBOX_OF_NEW_PROGRAM;

	for (size_t i = 0; i < count; i++) {
		CHECK_EQ(sandbox_step(&sandbox, steps[i].event), steps[i].order, "%s, step %zu",
			 name, i);
		CHECK_EQ(sandbox.state, steps[i].state, "%s, step %zu", name, i);
		if (steps[i].order == SANDBOX_AGAIN)
			sandbox_restarted(&sandbox);
	}
}

#define WALK(name, ...)                                  \
	walk(name, (const struct step[]){ __VA_ARGS__ }, \
	     COUNT(((const struct step[]){ __VA_ARGS__ })))

TEST(an_invocation_waits_for_the_start_is_answered_and_the_environment_is_used_again)
{
	WALK("reuse", { SANDBOX_INVOKE, SANDBOX_WAIT, SANDBOX_WANTED },
	     { SANDBOX_NEXT, SANDBOX_DELIVER, SANDBOX_INVOKING },
	     { SANDBOX_RESPONSE, SANDBOX_ANSWER, SANDBOX_ANSWERED },
	     { SANDBOX_NEXT, SANDBOX_FINISH, SANDBOX_IDLE },
	     { SANDBOX_REST, SANDBOX_FREEZE, SANDBOX_FROZEN },
	     { SANDBOX_INVOKE, SANDBOX_THAW, SANDBOX_INVOKING },
	     { SANDBOX_ERROR, SANDBOX_FAIL, SANDBOX_ANSWERED },
	     { SANDBOX_NEXT, SANDBOX_FINISH, SANDBOX_IDLE },
	     { SANDBOX_RETIRE, SANDBOX_KILL, SANDBOX_ENDED },
	     { SANDBOX_EXIT, SANDBOX_BURY, SANDBOX_ENDED });
}

TEST(a_start_that_fails_is_tried_once_more_for_who_waits)
{
	WALK("exit twice", { SANDBOX_INVOKE, SANDBOX_WAIT, SANDBOX_WANTED },
	     { SANDBOX_EXIT, SANDBOX_AGAIN, SANDBOX_WANTED },
	     { SANDBOX_INIT_ERROR, SANDBOX_NOTE_ERROR, SANDBOX_WANTED },
	     { SANDBOX_EXIT, SANDBOX_FAIL_EXIT, SANDBOX_ENDED });
	WALK("too slow twice", { SANDBOX_INVOKE, SANDBOX_WAIT, SANDBOX_WANTED },
	     { SANDBOX_DEADLINE, SANDBOX_AGAIN, SANDBOX_WANTED },
	     { SANDBOX_DEADLINE, SANDBOX_FAIL_TIME, SANDBOX_ENDED },
	     { SANDBOX_EXIT, SANDBOX_BURY, SANDBOX_ENDED });
	WALK("second time lucky", { SANDBOX_INVOKE, SANDBOX_WAIT, SANDBOX_WANTED },
	     { SANDBOX_EXIT, SANDBOX_AGAIN, SANDBOX_WANTED },
	     { SANDBOX_NEXT, SANDBOX_DELIVER, SANDBOX_INVOKING });
}

TEST(a_start_that_fails_and_nobody_waits_for_is_over)
{
	WALK("exit", { SANDBOX_EXIT, SANDBOX_BURY, SANDBOX_ENDED });
	WALK("slow", { SANDBOX_DEADLINE, SANDBOX_KILL, SANDBOX_ENDED },
	     { SANDBOX_EXIT, SANDBOX_BURY, SANDBOX_ENDED });
}

TEST(time_and_the_end_of_the_program_end_an_invocation)
{
	WALK("timeout", { SANDBOX_NEXT, SANDBOX_HOLD, SANDBOX_IDLE },
	     { SANDBOX_INVOKE, SANDBOX_DELIVER, SANDBOX_INVOKING },
	     { SANDBOX_DEADLINE, SANDBOX_FAIL_TIME, SANDBOX_ENDED },
	     { SANDBOX_RESPONSE, SANDBOX_REFUSE, SANDBOX_ENDED },
	     { SANDBOX_NEXT, SANDBOX_REFUSE, SANDBOX_ENDED },
	     { SANDBOX_EXIT, SANDBOX_BURY, SANDBOX_ENDED });
	WALK("crash", { SANDBOX_NEXT, SANDBOX_HOLD, SANDBOX_IDLE },
	     { SANDBOX_INVOKE, SANDBOX_DELIVER, SANDBOX_INVOKING },
	     { SANDBOX_EXIT, SANDBOX_FAIL_EXIT, SANDBOX_ENDED });
	WALK("crash after the answer", { SANDBOX_NEXT, SANDBOX_HOLD, SANDBOX_IDLE },
	     { SANDBOX_INVOKE, SANDBOX_DELIVER, SANDBOX_INVOKING },
	     { SANDBOX_RESPONSE, SANDBOX_ANSWER, SANDBOX_ANSWERED },
	     { SANDBOX_EXIT, SANDBOX_FINISH_END, SANDBOX_ENDED });
}

TEST(what_does_not_fit_is_refused_and_changes_nothing)
{
	static const enum sandbox_event answers[] = { SANDBOX_RESPONSE, SANDBOX_ERROR };
	static const enum sandbox_state states[] = {
		SANDBOX_INIT,	SANDBOX_WANTED,	  SANDBOX_IDLE,
		SANDBOX_FROZEN, SANDBOX_ANSWERED, SANDBOX_ENDED
	};

	for (size_t i = 0; i < COUNT(states); i++)
		for (size_t j = 0; j < COUNT(answers); j++) {
			struct sandbox sandbox = { states[i], 1, false };

			CHECK_EQ(sandbox_step(&sandbox, answers[j]), SANDBOX_REFUSE, "in %s",
				 sandbox_state_name(states[i]));
			CHECK_EQ(sandbox.state, states[i]);
		}
}

TEST(a_retired_environment_ends_when_its_invocation_is_over_and_takes_no_other)
{
	struct sandbox sandbox = SANDBOX_OF_NEW_PROGRAM;

	sandbox_step(&sandbox, SANDBOX_INVOKE);
	CHECK_EQ(sandbox_step(&sandbox, SANDBOX_RETIRE), SANDBOX_WAIT);
	sandbox_step(&sandbox, SANDBOX_NEXT);
	CHECK(sandbox_is_busy(&sandbox));
	sandbox_step(&sandbox, SANDBOX_RESPONSE);
	CHECK_EQ(sandbox_step(&sandbox, SANDBOX_NEXT), SANDBOX_FINISH_END);
	CHECK(!sandbox_is_free(&sandbox));
	CHECK_EQ(sandbox.state, SANDBOX_ENDED);
}

TEST(a_program_can_end_and_a_function_be_changed_at_any_moment)
{
	for (int i = 0; i < SANDBOX_STATES; i++)
		for (unsigned starts = 1; starts <= SANDBOX_STARTS_MAX; starts++) {
			struct sandbox exits = { (enum sandbox_state)i, starts, false };
			struct sandbox retires = exits;

			CHECK(sandbox_step(&exits, SANDBOX_EXIT) != SANDBOX_NOTHING);
			CHECK(exits.state == SANDBOX_ENDED || exits.state == SANDBOX_WANTED);
			CHECK(sandbox_step(&retires, SANDBOX_RETIRE) != SANDBOX_NOTHING);
			CHECK(!sandbox_is_free(&retires));
		}
}
