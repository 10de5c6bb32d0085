#include "lb/health.h"

#include "tests/check.h"

static const struct health_thresholds three_up_two_down = { .healthy = 3, .unhealthy = 2 };

static struct health in_state(enum health_state state)
{
	struct health health;

	health_init(&health, state != HEALTH_UNUSED);
	switch (state) {
	case HEALTH_HEALTHY: health_probed(&health, three_up_two_down, PROBE_PASS, 200, 7); break;
	case HEALTH_UNHEALTHY:
		health_probed(&health, three_up_two_down, PROBE_FAILED, 0, 7);
		health_probed(&health, three_up_two_down, PROBE_FAILED, 0, 7);
		break;
	case HEALTH_DRAINING: health_drain(&health); break;
	case HEALTH_UNAVAILABLE:
		health.state = HEALTH_UNAVAILABLE;
		health.reason = HEALTH_HEALTH_CHECK_DISABLED;
		break;
	case HEALTH_INITIAL:
	case HEALTH_UNUSED: break;
	}
	CHECK_EQ(health.state, state);
	return health;
}

/* Letters: p pass, w wrong status, t timed out, f failed. */
static bool probe(struct health *health, char letter, uint64_t now_ms)
{
	switch (letter) {
	case 'p': return health_probed(health, three_up_two_down, PROBE_PASS, 200, now_ms);
	case 'w': return health_probed(health, three_up_two_down, PROBE_WRONG_STATUS, 404, now_ms);
	case 't': return health_probed(health, three_up_two_down, PROBE_TIMED_OUT, 0, now_ms);
	default: return health_probed(health, three_up_two_down, PROBE_FAILED, 0, now_ms);
	}
}

static const struct {
	enum health_state from;
	const char *probes;
	enum health_state to;
	enum health_reason reason;
	bool last_changed;
} cases[] = {
	/* The first pass of all is enough. */
	{ HEALTH_INITIAL, "p", HEALTH_HEALTHY, HEALTH_NO_REASON, true },
	{ HEALTH_INITIAL, "fp", HEALTH_HEALTHY, HEALTH_NO_REASON, true },
	{ HEALTH_INITIAL, "f", HEALTH_INITIAL, HEALTH_INITIAL_HEALTH_CHECKING, false },
	{ HEALTH_INITIAL, "ff", HEALTH_UNHEALTHY, HEALTH_FAILED_HEALTH_CHECKS, true },
	{ HEALTH_INITIAL, "wt", HEALTH_UNHEALTHY, HEALTH_TIMEOUT, true },
	{ HEALTH_INITIAL, "tw", HEALTH_UNHEALTHY, HEALTH_RESPONSE_CODE_MISMATCH, true },
	{ HEALTH_HEALTHY, "p", HEALTH_HEALTHY, HEALTH_NO_REASON, false },
	{ HEALTH_HEALTHY, "f", HEALTH_HEALTHY, HEALTH_NO_REASON, false },
	{ HEALTH_HEALTHY, "fpf", HEALTH_HEALTHY, HEALTH_NO_REASON, false },
	{ HEALTH_HEALTHY, "ff", HEALTH_UNHEALTHY, HEALTH_FAILED_HEALTH_CHECKS, true },
	{ HEALTH_HEALTHY, "fpfpff", HEALTH_UNHEALTHY, HEALTH_FAILED_HEALTH_CHECKS, true },
	{ HEALTH_UNHEALTHY, "p", HEALTH_UNHEALTHY, HEALTH_FAILED_HEALTH_CHECKS, false },
	{ HEALTH_UNHEALTHY, "pp", HEALTH_UNHEALTHY, HEALTH_FAILED_HEALTH_CHECKS, false },
	{ HEALTH_UNHEALTHY, "ppp", HEALTH_HEALTHY, HEALTH_NO_REASON, true },
	{ HEALTH_UNHEALTHY, "ppfpp", HEALTH_UNHEALTHY, HEALTH_FAILED_HEALTH_CHECKS, false },
	{ HEALTH_UNHEALTHY, "ppfppp", HEALTH_HEALTHY, HEALTH_NO_REASON, true },
	{ HEALTH_UNHEALTHY, "w", HEALTH_UNHEALTHY, HEALTH_RESPONSE_CODE_MISMATCH, false },
	{ HEALTH_UNHEALTHY, "t", HEALTH_UNHEALTHY, HEALTH_TIMEOUT, false },
	/* What is not in service does not change by a probe that comes late. */
	{ HEALTH_UNUSED, "p", HEALTH_UNUSED, HEALTH_NOT_IN_USE, false },
	{ HEALTH_UNUSED, "ff", HEALTH_UNUSED, HEALTH_NOT_IN_USE, false },
	{ HEALTH_DRAINING, "ppp", HEALTH_DRAINING, HEALTH_DEREGISTRATION_IN_PROGRESS, false },
	{ HEALTH_DRAINING, "ff", HEALTH_DRAINING, HEALTH_DEREGISTRATION_IN_PROGRESS, false },
	{ HEALTH_UNAVAILABLE, "p", HEALTH_UNAVAILABLE, HEALTH_HEALTH_CHECK_DISABLED, false },
	{ HEALTH_UNAVAILABLE, "ff", HEALTH_UNAVAILABLE, HEALTH_HEALTH_CHECK_DISABLED, false },
};

TEST(probes_move_a_target_between_its_states)
{
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct health health = in_state(cases[i].from);
		bool changed = false;

		for (const char *letter = cases[i].probes; *letter; letter++)
			changed = probe(&health, *letter, 42);
		CHECK_EQ(health.state, cases[i].to, "case %zu, %s", i, cases[i].probes);
		CHECK_EQ(health.reason, cases[i].reason, "case %zu, %s", i, cases[i].probes);
		CHECK_EQ(changed, cases[i].last_changed, "case %zu, %s", i, cases[i].probes);
	}
}

TEST(every_state_can_begin_to_drain_and_only_that_for_good)
{
	for (int from = HEALTH_INITIAL; from <= HEALTH_UNAVAILABLE; from++) {
		struct health health = in_state((enum health_state)from);

		health_drain(&health);
		CHECK_EQ(health.state, HEALTH_DRAINING, "from %d", from);
		health_set_in_use(&health, false);
		health_set_in_use(&health, true);
		CHECK_EQ(health.state, HEALTH_DRAINING, "from %d", from);
		health_init(&health, true);
		CHECK_EQ(health.state, HEALTH_INITIAL);
	}
}

TEST(a_group_out_of_use_makes_its_targets_unused_and_back_in_use_initial)
{
	for (int from = HEALTH_INITIAL; from <= HEALTH_UNAVAILABLE; from++) {
		struct health health = in_state((enum health_state)from);

		if (from == HEALTH_DRAINING)
			continue;
		health_set_in_use(&health, false);
		CHECK_EQ(health.state, HEALTH_UNUSED, "from %d", from);
		CHECK_EQ(health.reason, HEALTH_NOT_IN_USE);
		health_set_in_use(&health, true);
		CHECK_EQ(health.state, HEALTH_INITIAL, "from %d", from);
		CHECK_EQ(health.reason, HEALTH_REGISTRATION_IN_PROGRESS);
	}
}

TEST(being_in_use_already_changes_nothing)
{
	struct health health = in_state(HEALTH_HEALTHY);

	health_set_in_use(&health, true);
	CHECK_EQ(health.state, HEALTH_HEALTHY);
	CHECK_EQ(health.healthy_since_ms, 7);
}

TEST(the_first_probe_ends_registration)
{
	struct health health;

	health_init(&health, true);
	CHECK_EQ(health.reason, HEALTH_REGISTRATION_IN_PROGRESS);
	health_probe_sent(&health);
	CHECK_EQ(health.reason, HEALTH_INITIAL_HEALTH_CHECKING);
	health_drain(&health);
	health_probe_sent(&health);
	CHECK_EQ(health.reason, HEALTH_DEREGISTRATION_IN_PROGRESS);
}

TEST(healthy_since_is_when_it_became_healthy)
{
	struct health health = in_state(HEALTH_INITIAL);

	probe(&health, 'p', 100);
	probe(&health, 'p', 200);
	CHECK_EQ(health.healthy_since_ms, 100);
	probe(&health, 'f', 300);
	probe(&health, 'f', 400);
	CHECK_EQ(health.healthy_since_ms, 0);
	probe(&health, 'p', 500);
	probe(&health, 'p', 600);
	probe(&health, 'p', 700);
	CHECK_EQ(health.healthy_since_ms, 700);
}

TEST(counters_do_not_wrap_over_a_long_outage)
{
	struct health health = in_state(HEALTH_UNHEALTHY);

	for (int i = 0; i < 1000; i++)
		CHECK(!probe(&health, 'f', 1));
	CHECK_EQ(health.state, HEALTH_UNHEALTHY);
	health = in_state(HEALTH_HEALTHY);
	for (int i = 0; i < 1000; i++)
		CHECK(!probe(&health, 'p', 1));
	CHECK_EQ(health.state, HEALTH_HEALTHY);
}

TEST(a_mismatch_is_described_with_the_status_seen)
{
	struct health health = in_state(HEALTH_HEALTHY);
	char words[HEALTH_WORDS_BYTES];

	health_describe(&health, words);
	CHECK_STR(words, "");
	probe(&health, 'w', 1);
	probe(&health, 'w', 1);
	health_describe(&health, words);
	CHECK_STR(words, "Health checks failed with these codes: [404]");
	probe(&health, 't', 1);
	health_describe(&health, words);
	CHECK_STR(words, "Request timed out");
	CHECK_STR(health_state_name(health.state), "unhealthy");
	CHECK_STR(health_reason_name(health.reason), "Target.Timeout");
	CHECK(health_reason_name(HEALTH_NO_REASON) == NULL);
}

static const struct {
	const char *matcher;
	bool valid;
	const char *yes, *no; /* statuses, separated by blanks */
} matchers[] = {
	{ "200", true, "200", "199 201 404" },
	{ "200,202", true, "200 202", "201 203" },
	{ "200-299", true, "200 250 299", "199 300" },
	{ "200-299,301", true, "204 301", "300 302" },
	{ "499", true, "499", "498" },
	{ "404-404", true, "404", "403 405" },
	{ "", false, "", "200" },
	{ "199", false, "", "199" },
	{ "500", false, "", "500" },
	{ "200-500", false, "", "200" },
	{ "299-200", false, "", "250" },
	{ "200,", false, "", "" },
	{ ",200", false, "", "" },
	{ "200,,201", false, "", "" },
	{ "200-", false, "", "" },
	{ "-200", false, "", "" },
	{ "200-201-202", false, "", "" },
	{ "2xx", false, "", "" },
	{ "20", false, "", "20" },
	{ "0200", false, "", "" },
	{ "200 ", false, "", "" },
	{ "200, 202", false, "", "" },
	{ "+20", false, "", "" },
};

static void check_statuses(const char *matcher, const char *list, bool want)
{
	struct bytes rest = bytes_of(list), item;
	uint64_t status;

	if (!*list)
		return;
	while (bytes_cut(&rest, ' ', &item)) {
		CHECK_OK(bytes_to_u64(item, 999, &status));
		CHECK_EQ(matcher_matches(bytes_of(matcher), (uint16_t)status), want, "%s with %u",
			 matcher, (unsigned)status);
	}
}

TEST(matchers_are_lists_of_statuses_and_ranges)
{
	for (size_t i = 0; i < COUNT(matchers); i++) {
		CHECK_EQ(matcher_valid(bytes_of(matchers[i].matcher)), matchers[i].valid, "'%s'",
			 matchers[i].matcher);
		check_statuses(matchers[i].matcher, matchers[i].yes, true);
		check_statuses(matchers[i].matcher, matchers[i].no, false);
	}
}
