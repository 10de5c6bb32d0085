/* One health check as a machine. */
#include "lb/prober.h"

#include "tests/check.h"

static const struct health_config config = { .interval_ms = 30000, .timeout_ms = 5000 };

TEST(a_probe_starts_from_start_to_start)
{
	struct probe_clock clock = { .state = PROBE_RESTING };

	CHECK_EQ(probe_step(&clock, &config, PROBE_DUE, 1000), PROBE_CONNECT);
	CHECK_EQ(clock.due_ms, 6000, "until it is too late");
	CHECK_EQ(probe_step(&clock, &config, PROBE_CONNECTED, 2000), PROBE_SEND);
	CHECK_EQ(clock.due_ms, 6000, "one budget for all of it");
	CHECK_EQ(probe_step(&clock, &config, PROBE_MATCHED, 4000), PROBE_RECORD_PASS);
	CHECK_EQ(clock.due_ms, 31000, "however long the answer took");
}

static const struct {
	enum probe_event event;
	enum probe_order connecting, asking; /* PROBE_NEVER: cannot happen there */
} outcomes[] = {
	{ PROBE_BROKEN, PROBE_RECORD_FAILURE, PROBE_RECORD_FAILURE },
	{ PROBE_EXPIRED, PROBE_RECORD_TIMEOUT, PROBE_RECORD_TIMEOUT },
	{ PROBE_MATCHED, PROBE_NEVER, PROBE_RECORD_PASS },
	{ PROBE_MISMATCHED, PROBE_NEVER, PROBE_RECORD_MISMATCH },
};

TEST(every_outcome_is_recorded_once_and_rests)
{
	for (size_t i = 0; i < COUNT(outcomes); i++)
		for (unsigned asking = 0; asking < 2; asking++) {
			struct probe_clock clock = { .state = PROBE_RESTING };
			enum probe_order want = asking ? outcomes[i].asking
						       : outcomes[i].connecting;

			if (want == PROBE_NEVER)
				continue;
			probe_step(&clock, &config, PROBE_DUE, 1000);
			if (asking)
				probe_step(&clock, &config, PROBE_CONNECTED, 1000);
			CHECK_EQ(probe_step(&clock, &config, outcomes[i].event, 3000), want);
			CHECK_EQ(clock.state, PROBE_RESTING);
			CHECK_EQ(clock.due_ms, 31000);
		}
}
