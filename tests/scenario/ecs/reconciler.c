/*
 * A service's reconciler against a machine played by the test, and its death at every step.
 *
 * Each life of Weir is a process of its own: real store, real API, real ECS, a clock that the test
 * moves, containers in memory that outlive it (machine.h). A step is a commit of the store or one
 * side of a change of the machine. A story is told once for each step at which Weir may die; then
 * the next life finishes it, and what is there at the end must be the same every time.
 */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "services/ecs/ecs.h"
#include "tests/check.h"
#include "tests/scenario/ecs/machine.h"
#include "tests/scenario/fake_net.h"

enum { DESIRED = 2, SECOND_MS = 1000, SWEPT_MS = 65 * 1000 };

#define ACCOUNT "000000000000"
#define REGION	"us-east-1"

/* ---- A life ---- */

static struct life {
	struct fake_net *net;
	struct loop *loop;
	struct store *store;
	struct api *api;
	struct ecs *ecs;
	struct store_listener commits;
	json_t *answers;
} life;

static char directory[64];

static const struct api_caller caller = {
	.account = ACCOUNT,
	.region = REGION,
	.access_key = "AKIATEST",
	.arn = "arn:aws:iam::" ACCOUNT ":root",
	.is_root = true,
};

/* What is committed is on disk: a Weir that dies now has it. */
static void on_commit(struct store_listener *listener, const struct store_change *changes,
		      size_t count)
{
	(void)listener;
	(void)changes;
	(void)count;
	machine_step(loop_unix_us(life.loop) / 1000);
}

static void begin_life(void)
{
	const struct fake_options world = { .unix_ms = machine->unix_ms };
	struct ecs_options options = { .caller = &caller,
				       .data = directory,
				       .programs = "/nonexistent",
				       .instance = "i-0123456789abcdef0",
				       .account = ACCOUNT,
				       .region = REGION,
				       .engine = "docker",
				       .docker_socket = "/nonexistent/docker.sock" };

	log_to(-1);
	life = (struct life){ .net = fake_net_create(&world), .answers = json_array() };
	CHECK_OK(loop_create(&life.loop));
	CHECK_OK(store_open(directory, &life.store, NULL));
	CHECK_OK(api_create(&life.api));
	options.api = life.api;
	options.store = life.store;
	options.loop = life.loop;
	life.commits.on_changes = on_commit;
	store_listen(life.store, &life.commits);
	CHECK_OK(ecs_create(&options, &life.ecs));
	ecs_api_url(life.ecs, "http://127.0.0.1:4566");
	CHECK_OK(ecs_restore(life.ecs));
}

static void end_life(void)
{
	ecs_destroy(life.ecs);
	api_destroy(life.api);
	store_close(life.store);
	loop_destroy(life.loop);
	fake_net_destroy(life.net);
	json_decref(life.answers);
}

static json_t *call(const char *operation, json_t *input)
{
	struct api_fault fault = { .code = "" };
	json_t *output = NULL;
	err_t err = api_call(life.api, &caller, "ecs", operation, input, &output, &fault);

	json_decref(input);
	CHECK_OK(err, "%s: %s: %s", operation, fault.code, fault.message);
	json_array_append_new(life.answers, output);
	return output;
}

/* ---- What users do and see ---- */

static const char *text_in(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static void define(const char *family, const char *image)
{
	call("RegisterTaskDefinition",
	     json_pack("{s:s, s:s, s:[{s:s, s:s, s:i}]}", "family", family, "networkMode", "none",
		       "containerDefinitions", "name", "web", "image", image, "memory", 64));
}

static const json_t *service(void)
{
	json_t *out = call("DescribeServices", json_pack("{s:[s]}", "services", "web"));

	return json_array_get(json_object_get(out, "services"), 0);
}

static const json_t *deployment(size_t index)
{
	return json_array_get(json_object_get(service(), "deployments"), index);
}

static bool serves(const char *family)
{
	return strstr(text_in(service(), "taskDefinition"), family) != NULL;
}

static unsigned events_that_say(const char *words)
{
	const json_t *list = json_object_get(service(), "events"), *event;
	unsigned count = 0;
	size_t i;

	json_array_foreach ((json_t *)list, i, event)
		count += strstr(text_in(event, "message"), words) != NULL;
	return count;
}

static void update(const char *family)
{
	if (!serves(family))
		call("UpdateService",
		     json_pack("{s:s, s:s}", "service", "web", "taskDefinition", family));
}

/* One deployment, completed, and its tasks run; "" or what is not so. */
static bool is_stable(void)
{
	const json_t *now = service();

	const json_t *all = json_object_get(now, "deployments");

	return json_array_size(all) == 1 &&
	       strcmp(text_in(json_array_get(all, 0), "rolloutState"), "COMPLETED") == 0 &&
	       json_integer_value(json_object_get(now, "runningCount")) == DESIRED &&
	       json_integer_value(json_object_get(now, "pendingCount")) == 0;
}

static void wait_stable(void)
{
	for (int i = 0; i < 240 && !is_stable(); i++)
		fake_run_ms(life.net, SECOND_MS);
	CHECK(is_stable(), "%s", json_dumps(service(), 0));
}

/* ---- Stories ---- */

static void set_up(void)
{
	json_t *breaker = json_pack("{s:{s:b, s:b}}", "deploymentCircuitBreaker", "enable", 1,
				    "rollback", 1);

	call("CreateCluster", json_object());
	define("one", "good:1");
	define("two", "good:2");
	define("flap", "flap:1");
	define("none", "none:1");
	call("CreateService",
	     json_pack("{s:s, s:s, s:i, s:o}", "serviceName", "web", "taskDefinition", "one",
		       "desiredCount", DESIRED, "deploymentConfiguration", breaker));
	wait_stable();
	fake_run_ms(life.net, 20 * SECOND_MS); /* they have proved themselves */
	CHECK_EQ(machine_running("good:1"), DESIRED);
}

/* How each container that ran has ended: nobody's exit code was lost. Returns how many tasks. */
static size_t check_ends(void)
{
	json_t *list = call("ListTasks", json_pack("{s:s}", "desiredStatus", "STOPPED"));
	const json_t *arns = json_object_get(list, "taskArns"), *task;
	json_t *out = call("DescribeTasks", json_pack("{s:O}", "tasks", arns));
	size_t i;

	json_array_foreach (json_object_get(out, "tasks"), i, task) {
		const json_t *container = json_array_get(json_object_get(task, "containers"), 0);
		const json_t *code = json_object_get(container, "exitCode");
		json_int_t was = json_integer_value(code);

		CHECK(!code || was == 143 || was == 1, "%s ended with %d, %s",
		      text_in(container, "image"), (int)was, text_in(container, "reason"));
		CHECK(code || text_in(container, "reason")[0] || text_in(task, "stoppedReason")[0],
		      "an end without a word");
	}
	return i;
}

/* What must be so after every story, however often Weir died in it. */
static void check_machine(const char *image, unsigned least)
{
	fake_run_ms(life.net, SWEPT_MS);
	wait_stable();
	CHECK_EQ(machine_running(""), DESIRED);
	CHECK_EQ(machine_running(image), DESIRED);
	CHECK_EQ(machine_left(), DESIRED, "containers of nobody are left");
	CHECK_EQ(machine->doubled, 0, "a container was started twice");
	CHECK(machine->least >= least, "only %u answered", machine->least);
	CHECK(machine->most <= 2 * DESIRED, "%u ran at once", machine->most);
}

static void roll(void)
{
	update("two");
	wait_stable();
	check_machine("good:2", DESIRED);
	CHECK_EQ(machine_made("good:2"), DESIRED);
	CHECK_EQ(check_ends(), DESIRED, "the old ones have stopped, once each");
}

static bool was_rolled_back(void)
{
	return events_that_say("rolling back to deployment") > 0;
}

static void roll_back(const char *family)
{
	if (!was_rolled_back())
		update(family);
	wait_stable();
	check_machine("good:1", DESIRED);
	CHECK(serves("one"), "%s", text_in(service(), "taskDefinition"));
	CHECK_EQ(machine_made("good:1"), DESIRED, "the old ones were left alone");
	CHECK(check_ends() >= 3, "those that failed");
	CHECK_EQ(events_that_say("deployment failed: tasks failed to start"), 1);
	CHECK_EQ(events_that_say("rolling back to deployment"), 1);
	CHECK_EQ(events_that_say("is unable to consistently start tasks"), 1);
}

static void roll_back_from_a_bad_image(void)
{
	roll_back("none");
	CHECK(events_that_say("has stopped: CannotPullContainerError") >= 3, "each is told");
}

static void roll_back_from_a_flapping_task(void)
{
	roll_back("flap");
	CHECK(events_that_say("has stopped: Essential container in task exited (container web: "
			      "exit code 1)") >= 3,
	      "each is told");
}

static void replace(void)
{
	if (!machine->crashed)
		machine_crash("good:1");
	check_machine("good:1", DESIRED - 1);
	CHECK_EQ(machine_made("good:1"), DESIRED + 1, "one for the one that fell");
	CHECK_EQ(check_ends(), 1);
	CHECK_EQ(json_integer_value(json_object_get(deployment(0), "failedTasks")), 0,
		 "it had proved itself");
}

/* Nothing stops it: it is tried again, each time later, and the old ones answer meanwhile. */
static void flap_without_a_breaker(void)
{
	call("UpdateService", json_pack("{s:s, s:s, s:{s:{s:b, s:b}}}", "service", "web",
					"taskDefinition", "flap", "deploymentConfiguration",
					"deploymentCircuitBreaker", "enable", 0, "rollback", 0));
	fake_run_ms(life.net, 60 * SECOND_MS);
	CHECK(machine_made("flap") >= 5 && machine_made("flap") <= 9, "%u in a minute",
	      machine_made("flap"));
	CHECK_EQ(machine_running("good:1"), DESIRED);
	CHECK_EQ(events_that_say("deployment failed"), 0);
	CHECK_EQ(events_that_say("is unable to consistently start tasks"), 1);
	update("one");
	wait_stable();
	fake_run_ms(life.net, SWEPT_MS);
	CHECK_EQ(machine_left(), DESIRED);
	CHECK(machine->least >= DESIRED, "only %u answered", machine->least);
}

/* ---- Telling them ---- */

/* A life of its own process: how it ended. */
static int live(void (*story)(void), unsigned dies_at)
{
	pid_t child;
	int status;

	fflush(NULL);
	machine->steps = 0;
	machine->dies_at = dies_at;
	child = fork();
	assert(child >= 0);
	if (child == 0) {
		/* A check that fails here must not go on with the parent's tests. */
		setenv("CMOCKA_TEST_ABORT", "1", 1);
		begin_life();
		story();
		end_life();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void shell(const char *format, const char *one, const char *two)
{
	char command[256];

	snprintf(command, sizeof command, format, one, two);
	CHECK_EQ(system(command), 0, "%s", command);
}

static char kept[sizeof directory + 8];

static void open_world(void)
{
	/* In memory where there is such a folder: there are hundreds of lives, each with its
	 * commits. */
	snprintf(directory, sizeof directory, "%s/weir-reconciler-XXXXXX",
		 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	assert_non_null(mkdtemp(directory));
	snprintf(kept, sizeof kept, "%s.kept", directory);
	machine_open();
	CHECK_EQ(live(set_up, 0), 0);
	shell("cp -r %1$s %2$s", directory, kept);
	machine->watched = true;
	machine->least = BOXES_MAX;
}

static void close_world(void)
{
	shell("rm -rf %1$s %2$s", directory, kept);
	machine_close();
}

/* How many steps the story has: each of them was Weir's last once. */
static unsigned die_at_every_step(void (*story)(void))
{
	static struct machine before;
	unsigned step = 0;
	int ended = DIED;

	open_world();
	before = *machine;
	while (ended == DIED) {
		*machine = before;
		shell("rm -rf %1$s && cp -r %2$s %1$s", directory, kept);
		ended = live(story, ++step);
		CHECK(ended == DIED || ended == 0, "ended with %d before step %u", ended, step);
		if (ended == DIED)
			CHECK_EQ(live(story, 0), 0, "after a death at step %u", step);
	}
	close_world();
	print_message("Weir died at each of %u steps\n", step - 1);
	return step - 1;
}

TEST(a_rolling_deployment_survives_a_death_at_each_of_its_steps)
{
	CHECK(die_at_every_step(roll) > 30, "a deployment has that many steps at least");
}

TEST(a_bad_image_is_rolled_back_whenever_weir_dies)
{
	CHECK(die_at_every_step(roll_back_from_a_bad_image) > 10, "steps");
}

TEST(a_flapping_task_is_rolled_back_whenever_weir_dies)
{
	CHECK(die_at_every_step(roll_back_from_a_flapping_task) > 20, "steps");
}

TEST(a_task_that_falls_is_replaced_once_whenever_weir_dies)
{
	CHECK(die_at_every_step(replace) > 10, "steps");
}

TEST(a_flapping_task_is_tried_ever_later_and_costs_the_old_ones_nothing)
{
	open_world();
	CHECK_EQ(live(flap_without_a_breaker, 0), 0);
	close_world();
}
