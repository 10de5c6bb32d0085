#include "engine/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file_err.h"

enum { STOP_STEP_MS = 10 };

static err_t err_of(int number)
{
	return number == ENOEXEC ? ERR_SYNTAX : file_err(number);
}

static bool set_limits(const struct process_options *options)
{
	struct rlimit limit = { options->data_bytes_max, options->data_bytes_max };

	return !options->data_bytes_max || setrlimit(RLIMIT_DATA, &limit) == 0;
}

static int output_of(const struct process_options *options)
{
	if (options->output_fd)
		return options->output_fd;
	return options->log_path ? open(options->log_path, O_WRONLY | O_CREAT | O_APPEND, 0600) : 2;
}

/* In the child, between fork and exec: only async-signal-safe calls; a failure goes up the pipe. */
static _Noreturn void become(const struct process_options *options, char *const *environment,
			     int parent, int failure_fd)
{
	sigset_t none;
	int null_fd, log_fd;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(1); /* the parent died before the line above */
	null_fd = open("/dev/null", O_RDONLY);
	log_fd = output_of(options);
	if (null_fd < 0 || log_fd < 0 || dup2(null_fd, 0) < 0 || dup2(log_fd, 1) < 0 ||
	    dup2(log_fd, 2) < 0 || (options->directory && chdir(options->directory) < 0) ||
	    !set_limits(options))
		goto fail;
	execve(options->program, options->arguments, environment);
fail:
	log_fd = errno;
	if (write(failure_fd, &log_fd, sizeof log_fd) < 0)
		_exit(126);
	_exit(127);
}

/* Ours, unless it is to be bare, and what the options add: an array of borrowed strings. */
static char **merged_environment(char *const *added, bool bare)
{
	size_t ours = 0, more = 0;
	char **merged;

	while (!bare && environ[ours])
		ours++;
	while (added && added[more])
		more++;
	merged = calloc(ours + more + 1, sizeof *merged);
	if (!merged)
		return NULL;
	/* getenv finds the first: what was added goes in front. */
	for (size_t i = 0; i < more; i++)
		merged[i] = added[i];
	for (size_t i = 0; i < ours; i++)
		merged[more + i] = environ[i];
	return merged;
}

err_t process_start(const struct process_options *options, struct process *ret_process)
{
	char **environment = merged_environment(options->environment, options->bare);
	int failure[2], number = 0, parent = getpid(), pid;
	ssize_t got;

	if (!environment)
		return ERR_NOMEM;
	if (pipe2(failure, O_CLOEXEC)) {
		free(environment);
		return ERR_SYSTEM;
	}
	pid = fork();
	if (pid == 0)
		become(options, environment, parent, failure[1]);
	close(failure[1]);
	free(environment);
	if (pid < 0) {
		close(failure[0]);
		return ERR_SYSTEM;
	}
	do
		got = read(failure[0], &number, sizeof number);
	while (got < 0 && errno == EINTR);
	close(failure[0]);
	if (got == sizeof number) {
		waitpid(pid, NULL, 0);
		return err_of(number);
	}
	ret_process->pid = pid;
	return ERR_OK;
}

void process_signal(const struct process *process, int number)
{
	if (process->pid)
		kill(-process->pid, number);
}

bool process_running(struct process *process, int *ret_exit_code)
{
	int status = 0;

	if (!process->pid || waitpid(process->pid, &status, WNOHANG) != process->pid)
		return process->pid != 0;
	process->pid = 0;
	if (ret_exit_code)
		*ret_exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return false;
}

void process_stop(struct process *process, uint32_t grace_ms)
{
	const struct timespec step = { .tv_nsec = STOP_STEP_MS * 1000000 };
	int group = process->pid;

	if (!process_running(process, NULL))
		return;
	kill(-group, SIGTERM);
	for (uint32_t waited = 0; waited < grace_ms; waited += STOP_STEP_MS) {
		if (!process_running(process, NULL))
			return;
		nanosleep(&step, NULL);
	}
	kill(-group, SIGKILL);
	waitpid(group, NULL, 0);
	process->pid = 0;
}
