/*
 * weir-keeper: stands between Weir and one program; see keeper.h. One thread, no allocation that
 * grows, nothing of Weir's but these files: it should be small, since there is one per container.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "engine/family.h"
#include "engine/keeper.h"
#include "engine/keeper_root.h"

enum {
	LOOK_MS = 100,	  /* between two looks at memory and processes */
	PIDS_MAX = 16384, /* processes that one look walks */
	LIMITS_MAX = 16,
	SWEEPS_MAX = 200,
};

struct limit {
	int resource;
	struct rlimit value;
};

static struct keeper {
	const char *folder, *directory, *cgroup, *root;
	int stop_signal;
	int64_t stop_ms;
	uid_t uid;
	gid_t gid;
	bool has_user;
	uint64_t memory_bytes, processes_max; /* 0: none */
	struct limit limits[LIMITS_MAX];
	unsigned limit_count;

	pid_t program;
	int status; /* of waitpid */
	bool ended;
	int64_t kill_at_ms;  /* 0: not stopping */
	const char *verdict; /* "memory", "processes": why we killed it */
} keeper = { .stop_signal = SIGTERM, .stop_ms = 30000 };

static pid_t pids[PIDS_MAX];

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- What Weir reads ---- */

static void write_file(const char *name, const char *line)
{
	char path[4096], fresh[4096];
	int fd;

	if (snprintf(path, sizeof path, "%s/%s", keeper.folder, name) >= (int)sizeof path ||
	    snprintf(fresh, sizeof fresh, "%s/%s.new", keeper.folder, name) >= (int)sizeof fresh)
		return;
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	if (write(fd, line, strlen(line)) == (ssize_t)strlen(line))
		rename(fresh, path);
	close(fd);
}

/* The kernel may have been quicker than our look. */
static bool was_out_of_memory(void)
{
	char path[4096], word[32];
	unsigned long long count;
	bool found = false;
	FILE *file;

	if (!keeper.cgroup ||
	    snprintf(path, sizeof path, "%s/memory.events", keeper.cgroup) >= (int)sizeof path)
		return false;
	file = fopen(path, "re");
	if (!file)
		return false;
	while (!found && fscanf(file, "%31s %llu", word, &count) == 2)
		found = strcmp(word, "oom_kill") == 0 && count > 0;
	fclose(file);
	return found;
}

static void write_exit(void)
{
	char line[64];

	if (!keeper.verdict && WIFSIGNALED(keeper.status) && WTERMSIG(keeper.status) == SIGKILL &&
	    was_out_of_memory())
		keeper.verdict = "memory";
	if (keeper.verdict)
		snprintf(line, sizeof line, "%s\n", keeper.verdict);
	else if (WIFEXITED(keeper.status))
		snprintf(line, sizeof line, "exited %d\n", WEXITSTATUS(keeper.status));
	else
		snprintf(line, sizeof line, "signalled %d\n", WTERMSIG(keeper.status));
	write_file("exit", line);
}

static void write_failure(int number, const char *step)
{
	char line[128];

	snprintf(line, sizeof line, "failed %d %s\n", number, step);
	write_file("exit", line);
}

static int write_pid(void)
{
	char line[16];
	int len = snprintf(line, sizeof line, "%d\n", (int)getpid());

	return pwrite(KEEPER_LOCK_FD, line, (size_t)len, 0) == len ? 0 : -1;
}

/* ---- The family: the program and all that came of it ---- */

static bool write_control(const char *file, const char *value)
{
	char path[4096];
	bool good;
	int fd;

	if (!keeper.cgroup ||
	    snprintf(path, sizeof path, "%s/%s", keeper.cgroup, file) >= (int)sizeof path)
		return false;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	good = write(fd, value, strlen(value)) == (ssize_t)strlen(value);
	close(fd);
	return good;
}

static void reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != keeper.program)
			continue;
		keeper.status = status;
		keeper.ended = true;
	}
}

/*
 * Everything the program ever forked is our descendant (we are its subreaper). The cgroup, where
 * there is one, dies at once; a group by one signal; what fled into other groups one by one, and
 * the round is made until nobody is left.
 */
static void kill_all(void)
{
	const struct timespec pause = { .tv_nsec = 5000000 };

	write_control("cgroup.kill", "1");
	for (unsigned sweep = 0; sweep < SWEEPS_MAX; sweep++) {
		unsigned count;

		if (!keeper.ended)
			kill(-keeper.program, SIGKILL);
		count = family_of(getpid(), pids, PIDS_MAX);
		for (unsigned i = 0; i < count; i++)
			kill(pids[i], SIGKILL);
		reap();
		if (waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD)
			return;
		nanosleep(&pause, NULL);
	}
}

/* What a cgroup would hold it to, seen from outside, since there is not always one. */
static void look(void)
{
	unsigned count;
	uint64_t bytes = 0;

	if (!keeper.memory_bytes && !keeper.processes_max)
		return;
	count = family_of(getpid(), pids, PIDS_MAX);
	if (keeper.processes_max && count > keeper.processes_max)
		keeper.verdict = "processes";
	for (unsigned i = 0; keeper.memory_bytes && i < count; i++)
		bytes += family_memory(pids[i]);
	if (keeper.memory_bytes && bytes > keeper.memory_bytes)
		keeper.verdict = "memory";
	if (keeper.verdict)
		kill_all();
}

/* ---- The program ---- */

/* Where nothing may be a program's root, its paths are paths below the image's folder. */
static const char *outside(const char *path)
{
	static char whole[2][4096];
	static unsigned turn;
	char *out = whole[turn++ % 2];

	snprintf(out, sizeof whole[0], "%s/%s", keeper.root, path);
	return out;
}

static const char *become(char *const program[])
{
	const char *path = program[0];
	bool entered = true;
	sigset_t none;

	if (setpgid(0, 0))
		return "group";
	/* A keeper that is killed leaves nobody behind that no one watches. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL))
		return "parent";
	/* The program alone: a keeper in the group would die with it and tell nothing. */
	write_control("cgroup.procs", "0");
	for (unsigned i = 0; i < keeper.limit_count; i++)
		if (setrlimit((__rlimit_resource_t)keeper.limits[i].resource,
			      &keeper.limits[i].value))
			return "limit";
	if (keeper.root && !keeper_enter_root(keeper.root, keeper.folder, &entered))
		return "root";
	if (!entered) {
		path = outside(path);
		keeper.directory = outside(keeper.directory ? keeper.directory : "/");
	}
	if (keeper.has_user && (setgroups(0, NULL) || setgid(keeper.gid) || setuid(keeper.uid)))
		return "user";
	if (keeper.directory && chdir(keeper.directory))
		return "directory";
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execv(path, program);
	return "exec";
}

/* A failure before exec comes back through the pipe, which exec closes. */
static int start(char *const program[])
{
	struct {
		int number;
		char step[16];
	} failure = { 0 };
	int pipe_fds[2];
	ssize_t got;

	if (pipe2(pipe_fds, O_CLOEXEC))
		return -1;
	keeper.program = fork();
	if (keeper.program == 0) {
		snprintf(failure.step, sizeof failure.step, "%s", become(program));
		failure.number = errno;
		if (write(pipe_fds[1], &failure, sizeof failure) < 0)
			_exit(126);
		_exit(127);
	}
	close(pipe_fds[1]);
	if (keeper.program < 0) {
		write_failure(errno, "fork");
		return -1;
	}
	do
		got = read(pipe_fds[0], &failure, sizeof failure);
	while (got < 0 && errno == EINTR);
	close(pipe_fds[0]);
	if (got != sizeof failure)
		return 0;
	waitpid(keeper.program, NULL, 0);
	write_failure(failure.number, failure.step);
	return -1;
}

static void on_signal(int number)
{
	if (number == SIGCHLD) {
		reap();
	} else if (number == SIGUSR1) {
		kill_all();
	} else if (number == SIGTERM && !keeper.kill_at_ms) {
		keeper.kill_at_ms = now_ms() + keeper.stop_ms;
		kill(keeper.program, keeper.stop_signal);
	}
}

/* How long nothing has to be done, -1: for ever. */
static int64_t idle_ms(void)
{
	int64_t left = keeper.kill_at_ms ? keeper.kill_at_ms - now_ms() : -1;

	if (keeper.kill_at_ms && left < 0)
		return 0;
	if (keeper.memory_bytes || keeper.processes_max)
		return keeper.kill_at_ms && left < LOOK_MS ? left : LOOK_MS;
	return left;
}

static void watch_over(const sigset_t *signals)
{
	while (!keeper.ended) {
		int64_t ms = idle_ms();
		struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

		on_signal(ms < 0 ? sigwaitinfo(signals, NULL) : sigtimedwait(signals, NULL, &time));
		if (!keeper.ended)
			look();
		if (!keeper.ended && keeper.kill_at_ms && now_ms() >= keeper.kill_at_ms)
			kill_all();
	}
}

/* ---- Words of the command line ---- */

static int read_limit(const char *text)
{
	long long resource, soft, hard;
	struct limit *limit = &keeper.limits[keeper.limit_count];

	if (keeper.limit_count == LIMITS_MAX ||
	    sscanf(text, "%lld:%lld:%lld", &resource, &soft, &hard) != 3)
		return -1;
	limit->resource = (int)resource;
	limit->value.rlim_cur = soft < 0 ? RLIM_INFINITY : (rlim_t)soft;
	limit->value.rlim_max = hard < 0 ? RLIM_INFINITY : (rlim_t)hard;
	keeper.limit_count++;
	return 0;
}

static int read_user(const char *text)
{
	unsigned uid, gid;

	if (sscanf(text, "%u:%u", &uid, &gid) != 2)
		return -1;
	keeper.uid = uid;
	keeper.gid = gid;
	keeper.has_user = true;
	return 0;
}

static int read_word(const char *word)
{
	const char *value = strchr(word, '=');
	size_t len;

	if (!value)
		return -1;
	len = (size_t)(value++ - word);
#define IS(name) (len == sizeof(name) - 1 && memcmp(word, name, len) == 0)
	if (IS("stop-signal"))
		keeper.stop_signal = atoi(value);
	else if (IS("stop-ms"))
		keeper.stop_ms = strtoll(value, NULL, 10);
	else if (IS("user"))
		return read_user(value);
	else if (IS("root"))
		keeper.root = value;
	else if (IS("directory"))
		keeper.directory = value;
	else if (IS("memory"))
		keeper.memory_bytes = strtoull(value, NULL, 10);
	else if (IS("processes"))
		keeper.processes_max = strtoull(value, NULL, 10);
	else if (IS("limit"))
		return read_limit(value);
	else if (IS("cgroup"))
		keeper.cgroup = value;
	else
		return -1;
#undef IS
	return 0;
}

/* They wait for watch_over; the program gets none of this. */
static int hold_signals(sigset_t *signals)
{
	sigemptyset(signals);
	sigaddset(signals, SIGCHLD);
	sigaddset(signals, SIGTERM);
	sigaddset(signals, SIGUSR1);
	return sigprocmask(SIG_SETMASK, signals, NULL);
}

int main(int argc, char *argv[])
{
	sigset_t signals;
	int word = 2;

	for (; word < argc && strcmp(argv[word], "--") != 0; word++)
		if (read_word(argv[word]))
			break;
	if (argc < 2 || word + 1 >= argc || strcmp(argv[word], "--") != 0) {
		fprintf(stderr, "weir-keeper is Weir's own: it keeps one program for the daemon "
				"(see src/engine/keeper.h)\n");
		return 2;
	}
	keeper.folder = argv[1];
	if (hold_signals(&signals) || fcntl(KEEPER_LOCK_FD, F_SETFD, FD_CLOEXEC) || write_pid())
		return 1;
	if (prctl(PR_SET_CHILD_SUBREAPER, 1))
		return 1;
	if (start(argv + word + 1))
		return 1;
	watch_over(&signals);
	kill_all();
	write_exit();
	return 0;
}
