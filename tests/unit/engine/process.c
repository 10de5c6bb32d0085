#include "engine/process.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "tests/check.h"

static char shell[] = "/bin/sh", dash_c[] = "-c";

static err_t run_script(const char *script, const char *log_path, struct process *ret_process)
{
	char *arguments[] = { shell, dash_c, bytes_dup(bytes_of(script)), NULL };
	char added[] = "WEIR_TEST=added", *environment[] = { added, NULL };
	const struct process_options options = { .program = shell,
						 .arguments = arguments,
						 .environment = environment,
						 .log_path = log_path };
	err_t err = process_start(&options, ret_process);

	free(arguments[2]);
	return err;
}

static int wait_for(struct process *process)
{
	int code = -1;

	for (int i = 0; i < 500 && process_running(process, &code); i++)
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	return code;
}

TEST(a_program_runs_with_its_environment_and_its_exit_code_is_told)
{
	char path[] = "/tmp/weir-process-XXXXXX", line[64] = "";
	int fd = mkstemp(path);
	struct process process = { 0 };
	FILE *file;

	CHECK(fd >= 0);
	close(fd);
	CHECK_OK(run_script("echo $WEIR_TEST; exit 7", path, &process));
	CHECK_EQ(wait_for(&process), 7);
	file = fopen(path, "r");
	CHECK(file && fgets(line, sizeof line, file));
	fclose(file);
	unlink(path);
	CHECK_STR(line, "added\n");
}

TEST(a_program_that_is_not_there_is_an_error_at_once)
{
	char program[] = "/nonexistent/program", *arguments[] = { program, NULL };
	struct process process = { 0 };

	CHECK_ERR(process_start(
			  &(struct process_options){ .program = program, .arguments = arguments },
			  &process),
		  ERR_NOT_FOUND);
	CHECK_EQ(process.pid, 0);
}

TEST(stopping_takes_the_whole_group_also_one_that_ignores_sigterm)
{
	struct process process = { 0 };

	CHECK_OK(run_script("trap '' TERM; sleep 100 & wait; sleep 100", "/dev/null", &process));
	process_stop(&process, 200);
	CHECK_EQ(process.pid, 0);
	process_stop(&process, 200); /* harmless twice */
}

TEST(a_program_killed_by_a_signal_says_so)
{
	struct process process = { 0 };

	CHECK_OK(run_script("kill -9 $$", "/dev/null", &process));
	CHECK_EQ(wait_for(&process), 137);
}
