/* The scheduler of services as tables: what is, what follows. */
#include "services/ecs/decide.h"

#include "base/text.h"

#include "tests/check.h"

enum { NOW_MS = 1000000 };

static struct decide_deployment deployments[4];
static struct decide_task tasks[64];
static struct decide_service service;
static struct decide_orders orders;

static void begin(unsigned desired, unsigned min_percent, unsigned max_percent)
{
	memset(deployments, 0, sizeof deployments);
	memset(tasks, 0, sizeof tasks);
	deployments[0].primary = true;
	service = (struct decide_service){ .desired = desired,
					   .min_percent = min_percent,
					   .max_percent = max_percent,
					   .deployments = deployments,
					   .deployment_count = 1,
					   .tasks = tasks,
					   .now_ms = NOW_MS };
}

/* "H" healthy, "R" runs but is not, "P" pending, "L" leaving, "S" sick; lower case: of the old one.
 */
static void have(const char *letters)
{
	for (service.task_count = 0; letters[service.task_count]; service.task_count++) {
		char letter = letters[service.task_count];
		struct decide_task *task = &tasks[service.task_count];

		*task = (struct decide_task){ .stage = DECIDE_RUNNING,
					      .started_ms = service.task_count };
		if (letter >= 'a') {
			task->deployment = 1;
			service.deployment_count = 2;
			letter = (char)(letter - 'a' + 'A');
		}
		task->healthy = letter == 'H';
		if (letter == 'P')
			task->stage = DECIDE_PENDING;
		if (letter == 'L')
			task->stage = DECIDE_LEAVING;
		if (letter == 'S')
			task->sick = "sick";
	}
}

/* The orders in a line: "start 2, stop 3, complete". */
static const char *decided(void)
{
	static const char *const names[] = { "start",	"stop",	  "complete", "fail",
					     "back to", "forget", "steady",   "gone" };
	static struct text line;

	text_fini(&line);
	text_init(&line, 4096);
	decide_service(&service, &orders);
	for (unsigned i = 0; i < orders.count; i++) {
		const struct decide_order *order = &orders.at[i];

		text_printf(&line, "%s%s", i ? ", " : "", names[order->what]);
		if (order->what == DECIDE_START)
			text_printf(&line, " %u", order->count);
		else if (order->what == DECIDE_STOP || order->what == DECIDE_ROLL_BACK ||
			 order->what == DECIDE_FORGET)
			text_printf(&line, " %u", order->index);
	}
	return text_str(&line);
}

TEST(a_fresh_service_starts_all_it_wants)
{
	begin(3, 100, 200);
	CHECK_STR(decided(), "start 3");
	have("PPP");
	CHECK_STR(decided(), "");
	have("HHH");
	CHECK_STR(decided(), "complete, steady");
	deployments[0].rollout = DECIDE_COMPLETED;
	service.steady = true;
	CHECK_STR(decided(), "");
}

TEST(who_is_missing_is_replaced_and_who_is_too_many_goes_the_least_useful_first)
{
	begin(2, 100, 200);
	deployments[0].rollout = DECIDE_COMPLETED;
	have("H");
	CHECK_STR(decided(), "start 1");
	have("HHHP");
	CHECK_STR(decided(), "stop 3, stop 2");
	have("HRHH");
	CHECK_STR(decided(), "stop 1, stop 3");
	have("HHH");
	tasks[2].in_flight = 5;
	tasks[1].in_flight = 1;
	CHECK_STR(decided(), "stop 0");
	have("HHL");
	CHECK_STR(decided(), "");
}

/* Minimum and maximum percent, from the old ones to the new ones: AWS's guide's examples. */
TEST(a_rolling_deployment_keeps_within_its_percents)
{
	static const struct {
		unsigned desired, least, most;
		const char *have, *orders;
	} rows[] = {
		{ 4, 100, 200, "hhhh", "start 4" },
		{ 4, 100, 200, "hhhhPPPP", "" },
		{ 4, 100, 200, "hhhhHHHP", "stop 3, stop 2, stop 1" },
		{ 4, 100, 200, "hhhhHHHH", "stop 3, stop 2, stop 1, stop 0" },
		{ 4, 100, 150, "hhhh", "start 2" },
		{ 4, 50, 100, "hhhh", "stop 3, stop 2" },
		{ 4, 50, 100, "hhllPP", "" },
		{ 4, 50, 100, "hhllHH", "stop 1, stop 0" },
		{ 4, 50, 200, "hhhh", "stop 3, stop 2, start 4" },
		{ 1, 0, 100, "h", "stop 0" },
		{ 1, 100, 200, "h", "start 1" },
		{ 3, 100, 133, "hhh", "" },	 /* 3.99 is 3: no room */
		{ 3, 66, 133, "hhh", "stop 2" }, /* 1.98 is 2 */
		{ 2, 100, 200, "rr", "stop 1, stop 0, start 2" },
		{ 2, 100, 200, "pp", "stop 1, stop 0, start 2" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *got;

		begin(rows[i].desired, rows[i].least, rows[i].most);
		have(rows[i].have);
		got = decided();
		CHECK(rows[i].orders[0] ? strncmp(got, rows[i].orders, strlen(rows[i].orders)) == 0
					: !got[0],
		      "row %zu: %s", i, got);
	}
}

TEST(when_the_old_ones_are_gone_their_deployment_is_forgotten_and_the_new_one_is_complete)
{
	begin(2, 100, 200);
	have("HHl");
	CHECK_STR(decided(), "complete");
	have("HH");
	service.deployment_count = 2;
	deployments[0].rollout = DECIDE_COMPLETED;
	CHECK_STR(decided(), "forget 1, steady");
}

TEST(the_sick_go_and_are_replaced_in_one_look)
{
	begin(2, 100, 200);
	deployments[0].rollout = DECIDE_COMPLETED;
	have("HS");
	CHECK_STR(decided(), "stop 1, start 1");
	CHECK_STR(orders.at[0].why, "sick");
}

TEST(failures_are_tried_again_later_and_later_one_at_a_time)
{
	begin(4, 100, 200);
	deployments[0].failures = 3;
	deployments[0].failed_ms = NOW_MS - 100;
	CHECK_STR(decided(), "");
	CHECK_EQ(orders.look_ms, NOW_MS - 100 + 4000);
	service.now_ms = orders.look_ms;
	CHECK_STR(decided(), "start 1");
	CHECK_EQ(decide_backoff_ms(0), 0);
	CHECK_EQ(decide_backoff_ms(1), 1000);
	CHECK_EQ(decide_backoff_ms(2), 2000);
	CHECK_EQ(decide_backoff_ms(5), 16000);
	CHECK_EQ(decide_backoff_ms(4000000000u), DECIDE_BACKOFF_MAX_MS);
}

TEST(old_tasks_that_answer_are_kept_while_the_new_ones_fail)
{
	begin(2, 0, 200);
	have("hh");
	deployments[0].failures = 1;
	deployments[0].failed_ms = NOW_MS;
	CHECK_STR(decided(), "");
}

TEST(the_breaker_opens_at_half_the_desired_count_of_failures)
{
	CHECK_EQ(decide_breaker_threshold(1), 3);
	CHECK_EQ(decide_breaker_threshold(7), 4);
	CHECK_EQ(decide_breaker_threshold(1000), 200);
	begin(1, 100, 200);
	service.breaker = true;
	deployments[0].failures = 2;
	CHECK_STR(decided(), "start 1");
	deployments[0].failures = 3;
	CHECK_STR(decided(), "fail");
	deployments[0].rollout = DECIDE_FAILED;
	CHECK_STR(decided(), "", "a failed one starts nothing more");
	service.breaker = false;
	deployments[0].rollout = DECIDE_IN_PROGRESS;
	CHECK_STR(decided(), "start 1", "without a breaker it goes on trying");
}

TEST(a_rollback_goes_to_the_deployment_that_was_in_force)
{
	begin(1, 100, 200);
	service.breaker = service.rollback = true;
	deployments[0].failures = 3;
	have("h");
	CHECK_STR(decided(), "fail", "there is nothing to go back to");
	deployments[1].was_completed = true;
	CHECK_STR(decided(), "fail, back to 1");
}

TEST(a_deleted_service_is_gone_when_its_last_task_is)
{
	begin(0, 100, 200);
	service.deleted = true;
	have("HP");
	CHECK_STR(decided(), "stop 1, stop 0");
	have("LL");
	CHECK_STR(decided(), "");
	have("");
	CHECK_STR(decided(), "gone");
}

/*
 * A world that obeys: every order is carried out after a random while, tasks die and fall sick.
 * Whatever happens, there is never less than the minimum because of us, never more than the
 * maximum, and when the world calms down, the service is what was asked for.
 */
TEST(any_world_that_calms_down_ends_in_a_steady_state)
{
	for (unsigned seed = 1; seed <= 300; seed++) {
		uint32_t dice = seed * 2654435761u;
		unsigned desired = 1 + seed % 5, steady_at = 0;

		begin(desired, 50, 200);
		service.task_count = 0;
		for (unsigned turn = 0; turn < 200 && !steady_at; turn++) {
			unsigned kept = 0, active = 0;

			service.now_ms += 5000;
			decide_service(&service, &orders);
			for (unsigned i = 0; i < orders.count; i++) {
				if (orders.at[i].what == DECIDE_STOP)
					tasks[orders.at[i].index].stage = DECIDE_LEAVING;
				if (orders.at[i].what == DECIDE_COMPLETE)
					deployments[0].rollout = DECIDE_COMPLETED;
				if (orders.at[i].what == DECIDE_STEADY && turn > 100)
					steady_at = turn;
				for (unsigned k = 0;
				     orders.at[i].what == DECIDE_START && k < orders.at[i].count;
				     k++)
					tasks[service.task_count++] = (struct decide_task){
						.stage = DECIDE_PENDING, .started_ms = turn
					};
			}
			for (unsigned i = 0; i < service.task_count; i++) {
				struct decide_task *task = &tasks[i];

				dice = dice * 1664525 + 1013904223;
				active += task->stage != DECIDE_LEAVING && !task->sick;
				if (task->stage == DECIDE_LEAVING && dice >> 31)
					continue; /* gone */
				if (turn < 100 && (dice >> 16) % 13 == 0) {
					deployments[0].failures += !task->healthy;
					deployments[0].failed_ms = service.now_ms;
					continue; /* died */
				}
				if (task->stage == DECIDE_PENDING)
					task->stage = DECIDE_RUNNING;
				else if (task->stage == DECIDE_RUNNING)
					task->healthy = true;
				if (task->healthy)
					deployments[0].failures = 0;
				task->sick = turn < 100 && (dice >> 8) % 17 == 0 ? "sick" : NULL;
				tasks[kept++] = *task;
			}
			CHECK(active <= desired * 2, "seed %u turn %u: %u of %u", seed, turn,
			      active, desired);
			service.task_count = kept;
		}
		CHECK(steady_at > 0, "seed %u never became steady", seed);
	}
}
