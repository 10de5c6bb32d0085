#include "engine/kept.h"

#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/clock.h"
#include "tests/check.h"

/* The shell stands for a user's program. */
static char shell[] = "/bin/sh", dash_c[] = "-c";

static struct loop *loop;
static char folder[] = "/tmp/weir-workload-XXXXXX", task[64];
static struct workload_end end;
static unsigned ends;

static void on_ended(void *owner, const struct workload_end *how)
{
	(void)owner;
	end = *how;
	ends++;
}

static const struct workload_events events = { .on_ended = on_ended };

static void tick(struct timer *timer)
{
	(void)timer;
	loop_stop(loop);
}

static void pass_ms(uint64_t ms)
{
	struct timer timer = { .on_expired = tick };

	timer_set(loop, &timer, loop_now_ms(loop) + ms);
	loop_run(loop);
	timer_cancel(&timer);
}

static void wait_end(void)
{
	for (int i = 0; i < 500 && !ends; i++)
		pass_ms(10);
	CHECK_EQ(ends, 1);
}

static void set_up(void)
{
	memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
	assert_non_null(mkdtemp(folder));
	snprintf(task, sizeof task, "%s/task/web", folder);
	CHECK_OK(loop_create(&loop));
	ends = 0;
}

static void tear_down(void)
{
	char command[96];

	loop_destroy(loop);
	snprintf(command, sizeof command, "rm -rf %s", folder);
	CHECK_EQ(system(command), 0);
}

static struct kept_options options_of(char *const *arguments)
{
	static char added[] = "NAME=value", *environment[] = { added, NULL };

	return (struct kept_options){ .loop = loop,
				      .keeper = getenv("WEIR_KEEPER"),
				      .folder = task,
				      .program = shell,
				      .arguments = arguments,
				      .environment = environment,
				      .stop_ms = 5000 };
}

static struct workload *run(const char *script, struct kept_options more)
{
	char *arguments[] = { shell, dash_c, bytes_dup(bytes_of(script)), NULL };
	struct kept_options options = options_of(arguments);
	struct workload *workload = NULL;

	if (more.stop_ms)
		options.stop_ms = more.stop_ms;
	options.memory_bytes = more.memory_bytes;
	options.processes_max = more.processes_max;
	options.limits = more.limits;
	options.limit_count = more.limit_count;
	options.directory = more.directory;
	CHECK_OK(kept_start(&options, &events, NULL, &workload));
	free(arguments[2]);
	return workload;
}

#define PLAIN ((struct kept_options){ .stop_ms = 0 })

static const char *output(void)
{
	static char text[4096];
	char path[128];
	FILE *file;

	snprintf(path, sizeof path, "%s/output", task);
	file = fopen(path, "r");
	assert_non_null(file);
	text[fread(text, 1, sizeof text - 1, file)] = '\0';
	fclose(file);
	return text;
}

static void wait_output(const char *wanted)
{
	for (int i = 0; i < 500 && !strstr(output(), wanted); i++)
		pass_ms(10);
	CHECK(strstr(output(), wanted), "%s", output());
}

TEST(a_program_runs_with_its_own_environment_only_and_its_exit_code_is_told)
{
	struct workload *workload;

	set_up();
	setenv("SECRET_OF_WEIR", "x", 1);
	workload = run("echo $NAME${SECRET_OF_WEIR:-none}; echo bad >&2; exit 7", PLAIN);
	wait_end();
	CHECK_EQ(end.how, WORKLOAD_EXITED);
	CHECK_EQ(end.code, 7);
	CHECK_STR(output(), "valuenone\nbad\n");
	workload_release(workload);
	tear_down();
}

TEST(a_missing_program_is_an_error_at_once)
{
	char missing[] = "/nonexistent/program", *arguments[] = { missing, NULL };
	struct kept_options options;
	struct workload *workload;

	set_up();
	options = options_of(arguments);
	options.program = missing;
	CHECK_ERR(kept_start(&options, &events, NULL, &workload), ERR_NOT_FOUND);
	options.program = folder;
	CHECK_ERR(kept_start(&options, &events, NULL, &workload), ERR_NOT_FOUND);
	tear_down();
}

TEST(what_fails_between_fork_and_exec_is_told_in_a_sentence)
{
	struct workload *workload;

	set_up();
	workload = run("true", (struct kept_options){ .directory = "/nonexistent" });
	wait_end();
	CHECK_EQ(end.how, WORKLOAD_NOT_STARTED);
	CHECK_STR(end.why, "its working directory cannot be entered: No such file or directory");
	workload_release(workload);
	tear_down();
}

TEST(stopping_asks_first)
{
	struct workload *workload;

	set_up();
	workload = run("trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.02; done",
		       PLAIN);
	wait_output("up");
	workload_stop(workload);
	workload_stop(workload); /* harmless twice */
	wait_end();
	CHECK_EQ(end.how, WORKLOAD_EXITED);
	CHECK_EQ(end.code, 3);
	CHECK_STR(output(), "up\nbye\n");
	workload_release(workload);
	tear_down();
}

TEST(who_does_not_listen_is_killed_when_its_time_is_over)
{
	struct workload *workload;
	uint64_t before;

	set_up();
	workload = run("trap '' TERM; echo up; while :; do sleep 0.02; done",
		       (struct kept_options){ .stop_ms = 150 });
	wait_output("up");
	before = clock_mono_us();
	workload_stop(workload);
	wait_end();
	CHECK_EQ(end.how, WORKLOAD_SIGNALLED);
	CHECK_EQ(end.code, 137);
	CHECK(clock_mono_us() - before >= 140000, "the stop timeout was waited for");
	workload_release(workload);
	tear_down();
}

/* Gone, or a zombie that a lazy init has not reaped. */
static bool is_dead(int pid)
{
	char path[64], state = 'Z';
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	file = fopen(path, "r");
	if (!file)
		return true;
	if (fscanf(file, "%*d %*s %c", &state) != 1)
		state = 'Z';
	fclose(file);
	return state == 'Z';
}

TEST(what_a_program_leaves_behind_ends_with_it_even_in_another_group)
{
	struct workload *workload;
	int left = 0;

	set_up();
	workload = run("setsid sleep 1000 & echo $!; exit 0", PLAIN);
	wait_end();
	CHECK_EQ(sscanf(output(), "%d", &left), 1);
	CHECK(left > 1 && is_dead(left), "process %d still runs", left);
	workload_release(workload);
	tear_down();
}

TEST(a_second_start_in_the_same_folder_is_refused_while_the_first_runs)
{
	char *arguments[] = { shell, dash_c, dash_c, NULL };
	struct kept_options options;
	struct workload *first, *second = NULL;

	set_up();
	first = run("sleep 1000", PLAIN);
	options = options_of(arguments);
	CHECK_ERR(kept_start(&options, &events, NULL, &second), ERR_EXISTS);
	workload_kill(first);
	wait_end();
	CHECK_EQ(end.code, 137);
	workload_release(first);
	tear_down();
}

/* Another process starts it and is killed, as Weir would be; then we take it up. */
TEST(a_program_is_adopted_after_its_starter_was_killed_and_its_exit_code_is_known)
{
	struct workload *workload;
	int starter, status;

	set_up();
	fflush(NULL);
	starter = fork();
	if (starter == 0) {
		struct loop *other;

		CHECK_OK(loop_create(&other));
		loop = other;
		run("trap 'exit 5' TERM; echo up; while :; do sleep 0.02; done", PLAIN);
		kill(getpid(), SIGKILL);
	}
	waitpid(starter, &status, 0);
	CHECK(WIFSIGNALED(status));
	CHECK_OK(kept_adopt(loop, task, &events, NULL, &workload));
	wait_output("up");
	pass_ms(50);
	CHECK_EQ(ends, 0);
	workload_stop(workload);
	wait_end();
	CHECK_EQ(end.how, WORKLOAD_EXITED);
	CHECK_EQ(end.code, 5);
	workload_release(workload);
	ends = 0;
	CHECK_OK(kept_adopt(loop, task, &events, NULL, &workload), "its end can be read again");
	wait_end();
	CHECK_EQ(end.code, 5);
	workload_release(workload);
	tear_down();
}

TEST(a_folder_in_which_nothing_started_says_so)
{
	struct workload *workload;

	set_up();
	CHECK_ERR(kept_adopt(loop, task, &events, NULL, &workload), ERR_NOT_FOUND);
	kept_end_folder(task, 100); /* harmless */
	tear_down();
}

TEST(when_its_keeper_is_killed_the_program_dies_too)
{
	struct workload *workload;
	char path[128];
	int keeper = 0, program = 0;
	FILE *file;

	set_up();
	workload = run("echo $$; exec sleep 1000", PLAIN);
	wait_output("\n");
	CHECK_EQ(sscanf(output(), "%d", &program), 1);
	snprintf(path, sizeof path, "%s/lock", task);
	file = fopen(path, "r");
	CHECK(file && fscanf(file, "%d", &keeper) == 1 && keeper > 1);
	fclose(file);
	kill(keeper, SIGKILL);
	wait_end();
	CHECK_EQ(end.how, WORKLOAD_LOST);
	for (int i = 0; i < 100 && !is_dead(program); i++)
		pass_ms(10);
	CHECK(is_dead(program));
	workload_release(workload);
	tear_down();
}

TEST(a_memory_eater_is_killed_at_its_limit)
{
	struct workload *workload;

	set_up();
	workload = run("exec /usr/bin/tail /dev/zero",
		       (struct kept_options){ .memory_bytes = 64u << 20 });
	wait_end();
	CHECK(end.how == WORKLOAD_OUT_OF_MEMORY || end.how == WORKLOAD_SIGNALLED, "%d", end.how);
	CHECK_EQ(end.code, 137);
	workload_release(workload);
	tear_down();
}

TEST(a_fork_bomb_is_ended_within_its_limit)
{
	struct workload *workload;

	set_up();
	workload = run("i=0; while [ $i -lt 200 ]; do sleep 1000 & i=$((i+1)); done; wait",
		       (struct kept_options){ .processes_max = 50 });
	wait_end();
	CHECK_EQ(end.how, WORKLOAD_TOO_MANY);
	CHECK_EQ(end.code, 137);
	workload_release(workload);
	tear_down();
}

TEST(ulimits_hold)
{
	const struct workload_limit limit = { RLIMIT_NOFILE, 77, 99 };
	struct workload *workload;

	set_up();
	workload = run("ulimit -Sn; ulimit -Hn",
		       (struct kept_options){ .limits = &limit, .limit_count = 1 });
	wait_end();
	CHECK_STR(output(), "77\n99\n");
	workload_release(workload);
	tear_down();
}

TEST(what_a_program_uses_is_known)
{
	struct workload_usage usage = { 0 };
	struct workload *workload;

	set_up();
	workload = run("i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; echo done; sleep 1000",
		       PLAIN);
	wait_output("done");
	CHECK(workload_usage(workload, &usage));
	CHECK(usage.cpu_us >= 20000 && usage.cpu_us < 30000000, "%llu us",
	      (unsigned long long)usage.cpu_us);
	CHECK(usage.memory_bytes > 10000 && usage.memory_bytes < 100u << 20, "%llu bytes",
	      (unsigned long long)usage.memory_bytes);
	workload_kill(workload);
	wait_end();
	CHECK(!workload_usage(workload, &usage));
	workload_release(workload);
	tear_down();
}
