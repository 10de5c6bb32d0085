#include "engine/kept.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file_err.h"
#include "base/arena.h"
#include "base/text.h"
#include "engine/cgroup.h"
#include "engine/family.h"
#include "engine/folder.h"
#include "engine/keeper.h"
#include "engine/workload_internal.h"

enum {
	SPEC_BYTES = 1024 * 1024,
	ADOPT_STEP_MS = 20, /* until a keeper that was just forked has written its number */
	ADOPT_STEPS = 100,
	WAIT_STEP_MS = 5,
	FAMILY_MAX = 1024, /* processes that one look at what is used walks */
};

struct kept {
	struct workload workload;
	struct loop *loop;
	const struct workload_events *events;
	void *owner;
	char folder[FOLDER_BYTES];
	int pid_fd; /* -1: it has ended, or its number is not known yet */
	struct watch *watch;
	struct timer later; /* to tell of an end, or to look for the number again */
	unsigned looks;
	bool stopping, killing; /* asked for before the number was known */
};

static const struct workload_engine engine;

static struct kept *kept_of(struct workload *workload)
{
	assert(workload->engine == &engine);
	return container_of(workload, struct kept, workload);
}

/* ---- The folder ---- */

static bool is_locked(int fd)
{
	if (flock(fd, LOCK_EX | LOCK_NB))
		return true;
	flock(fd, LOCK_UN);
	return false;
}

static int read_pid(int fd)
{
	char text[16] = "";
	uint64_t pid = 0;
	ssize_t got = pread(fd, text, sizeof text - 1, 0);

	if (got < 2 || text[got - 1] != '\n')
		return 0;
	return bytes_to_u64(bytes_make(text, (size_t)got - 1), INT32_MAX, &pid) ? 0 : (int)pid;
}

/* ---- How it ended ---- */

static const char *const failures[][2] = {
	{ "exec", "the program cannot be run" },
	{ "user", "its user cannot be taken on: Weir does not run as root" },
	{ "root", "its image's files cannot be its root" },
	{ "directory", "its working directory cannot be entered" },
	{ "limit", "one of its ulimits is beyond what is allowed here" },
	{ "fork", "no process could be made" },
};

static void explain_failure(const char *line, struct workload_end *end)
{
	const char *words = "it could not be started";
	char step[16] = "";
	int number = 0;

	end->how = WORKLOAD_NOT_STARTED;
	end->code = 0;
	if (sscanf(line, "failed %d %15s", &number, step) != 2)
		return;
	for (size_t i = 0; i < COUNT(failures); i++)
		if (strcmp(failures[i][0], step) == 0)
			words = failures[i][1];
	snprintf(end->why, sizeof end->why, "%s: %s", words, strerror(number));
}

static void read_end(const char *folder, struct workload_end *end)
{
	char line[128] = "";
	int fd = folder_open(folder, "exit", O_RDONLY), code = 0;
	ssize_t got = fd < 0 ? -1 : read(fd, line, sizeof line - 1);

	if (fd >= 0)
		close(fd);
	*end = (struct workload_end){ .how = WORKLOAD_LOST, .code = 128 + SIGKILL };
	if (got <= 0)
		snprintf(end->why, sizeof end->why, "its keeper was killed");
	else if (sscanf(line, "exited %d", &code) == 1)
		*end = (struct workload_end){ .how = WORKLOAD_EXITED, .code = code };
	else if (sscanf(line, "signalled %d", &code) == 1)
		*end = (struct workload_end){ .how = WORKLOAD_SIGNALLED, .code = 128 + code };
	else if (strncmp(line, "memory", 6) == 0)
		end->how = WORKLOAD_OUT_OF_MEMORY;
	else if (strncmp(line, "processes", 9) == 0)
		end->how = WORKLOAD_TOO_MANY;
	else
		explain_failure(line, end);
}

static void forget_process(struct kept *kept)
{
	siginfo_t info;

	watch_close(kept->watch);
	kept->watch = NULL;
	if (kept->pid_fd < 0)
		return;
	/* Reaps a keeper of ours; one that was adopted is init's. */
	waitid(P_PIDFD, (id_t)kept->pid_fd, &info, WEXITED | WNOHANG);
	close(kept->pid_fd);
	kept->pid_fd = -1;
}

static void tell_end(struct kept *kept)
{
	struct workload_end end;

	read_end(kept->folder, &end);
	cgroup_remove(kept->folder);
	kept->events->on_ended(kept->owner, &end);
}

static void on_keeper_ended(void *owner, bool readable, bool writable)
{
	struct kept *kept = owner;

	(void)readable;
	(void)writable;
	forget_process(kept);
	tell_end(kept);
}

/* ---- Taking hold ---- */

static void ask_stop(struct kept *kept)
{
	kept->stopping = true;
	if (kept->pid_fd >= 0)
		pidfd_send_signal(kept->pid_fd, SIGTERM, NULL, 0);
}

static void ask_kill(struct kept *kept)
{
	kept->killing = true;
	if (kept->pid_fd >= 0)
		pidfd_send_signal(kept->pid_fd, SIGUSR1, NULL, 0);
}

static err_t hold_pid(struct kept *kept, int pid_fd)
{
	static const struct watch_events events = { .on_ready = on_keeper_ended };
	err_t err = watch_open(kept->loop, pid_fd, true, false, &events, kept, &kept->watch);

	if (err) {
		close(pid_fd);
		return err;
	}
	kept->pid_fd = pid_fd;
	if (kept->killing)
		ask_kill(kept);
	else if (kept->stopping)
		ask_stop(kept);
	return ERR_OK;
}

/*
 * A number from a file may be another process by now. The descriptor is taken first and the lock
 * looked at after: a keeper that still holds the lock still has its number.
 */
static err_t hold_keeper(struct kept *kept, bool *ret_ended)
{
	int fd = folder_open(kept->folder, "lock", O_RDWR), pid, pid_fd = -1;
	bool locked;

	*ret_ended = false;
	if (fd < 0)
		return ERR_NOT_FOUND;
	pid = read_pid(fd);
	if (pid)
		pid_fd = pidfd_open(pid, 0);
	locked = is_locked(fd);
	close(fd);
	if (locked && pid_fd >= 0)
		return hold_pid(kept, pid_fd);
	if (pid_fd >= 0)
		close(pid_fd);
	*ret_ended = !locked;
	return locked ? ERR_AGAIN : pid ? ERR_OK : ERR_NOT_FOUND;
}

static void on_later(struct timer *timer)
{
	struct kept *kept = container_of(timer, struct kept, later);
	bool ended;
	err_t err = hold_keeper(kept, &ended);

	if (err == ERR_AGAIN && ++kept->looks < ADOPT_STEPS)
		timer_set(kept->loop, timer, loop_now_ms(kept->loop) + ADOPT_STEP_MS);
	else if (err || ended)
		tell_end(kept);
}

static struct kept *kept_new(struct loop *loop, const char *folder,
			     const struct workload_events *events, void *owner)
{
	struct kept *kept = calloc(1, sizeof *kept);

	if (!kept)
		return NULL;
	kept->workload.engine = &engine;
	kept->loop = loop;
	kept->events = events;
	kept->owner = owner;
	kept->pid_fd = -1;
	kept->later.on_expired = on_later;
	snprintf(kept->folder, sizeof kept->folder, "%s", folder);
	return kept;
}

err_t kept_adopt(struct loop *loop, const char *folder, const struct workload_events *events,
		 void *owner, struct workload **ret_workload)
{
	struct kept *kept = kept_new(loop, folder, events, owner);
	bool ended;
	err_t err;

	if (!kept)
		return ERR_NOMEM;
	err = hold_keeper(kept, &ended);
	if (err && err != ERR_AGAIN) {
		free(kept);
		return err;
	}
	if (err == ERR_AGAIN || ended)
		timer_set(loop, &kept->later, loop_now_ms(loop) + (ended ? 0 : ADOPT_STEP_MS));
	*ret_workload = &kept->workload;
	return ERR_OK;
}

/* ---- Starting ---- */

struct words {
	struct arena arena;
	char *at[64];
	size_t count;
};

static void add_word(struct words *words, const char *format, ...) PRINTF_LIKE(2, 3);
static void add_word(struct words *words, const char *format, ...)
{
	char text[FOLDER_BYTES + 32];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	assert(words->count < COUNT(words->at));
	words->at[words->count++] = arena_string(&words->arena, bytes_of(text));
}

static err_t keeper_words(const struct kept_options *options, const char *cgroup,
			  struct words *words, char ***ret_argv)
{
	size_t program = 0;
	char **argv;

	add_word(words, "weir-keeper");
	add_word(words, "%s", options->folder);
	add_word(words, "stop-signal=%d", options->stop_signal ? options->stop_signal : SIGTERM);
	add_word(words, "stop-ms=%u", options->stop_ms);
	add_word(words, "directory=%s", options->directory ? options->directory : options->folder);
	if (options->root)
		add_word(words, "root=%s", options->root);
	if (options->has_user)
		add_word(words, "user=%u:%u", options->uid, options->gid);
	if (options->memory_bytes)
		add_word(words, "memory=%llu", (unsigned long long)options->memory_bytes);
	if (options->processes_max)
		add_word(words, "processes=%u", options->processes_max);
	if (cgroup)
		add_word(words, "cgroup=%s", cgroup);
	for (size_t i = 0; i < options->limit_count; i++)
		add_word(words, "limit=%d:%lld:%lld", options->limits[i].resource,
			 (long long)options->limits[i].soft, (long long)options->limits[i].hard);
	add_word(words, "--");
	add_word(words, "%s", options->program);
	while (options->arguments[program])
		program++;
	argv = arena_array(&words->arena, words->count + program + 1, sizeof *argv);
	if (!argv)
		return ERR_NOMEM;
	for (size_t i = 0; i < words->count; i++) {
		if (!words->at[i])
			return ERR_NOMEM;
		argv[i] = words->at[i];
	}
	/* argv[0] is the program's path: the keeper executes what it is named. */
	memcpy(argv + words->count, options->arguments + 1, (program - 1) * sizeof *argv);
	*ret_argv = argv;
	return ERR_OK;
}

static err_t spawn(const struct kept_options *options, char **argv, int lock, int output,
		   pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int number;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, output, 1);
	posix_spawn_file_actions_adddup2(&actions, output, 2);
	posix_spawn_file_actions_adddup2(&actions, lock, KEEPER_LOCK_FD);
	/* A session of its own: a terminal's Ctrl-C is for Weir alone, which then stops it. */
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
						      POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	number = posix_spawn(ret_pid, options->keeper, &actions, &attributes, argv,
			     options->environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return number ? file_err(number) : ERR_OK;
}

/* A descriptor that is not among those the child's own take the places of. */
static int above_standard(int fd)
{
	int moved;

	if (fd < 0 || fd > KEEPER_LOCK_FD)
		return fd;
	moved = fcntl(fd, F_DUPFD_CLOEXEC, KEEPER_LOCK_FD + 1);
	close(fd);
	return moved;
}

/* The lock is held by the description that the keeper inherits; our copy of it goes. */
static err_t spawn_locked(const struct kept_options *options, char **argv, pid_t *ret_pid)
{
	int lock = above_standard(folder_open(options->folder, "lock", O_RDWR | O_CREAT)),
	    output = -1;
	err_t err = ERR_OK;

	if (lock < 0)
		return file_err(errno);
	if (flock(lock, LOCK_EX | LOCK_NB)) {
		close(lock);
		return ERR_EXISTS;
	}
	output = above_standard(
		folder_open(options->folder, "output", O_WRONLY | O_CREAT | O_APPEND));
	if (output < 0 || ftruncate(lock, 0))
		err = file_err(errno);
	if (!err)
		err = spawn(options, argv, lock, output, ret_pid);
	if (output >= 0)
		close(output);
	close(lock);
	return err;
}

static err_t check_program(const char *program)
{
	struct stat stat_of;

	if (stat(program, &stat_of))
		return file_err(errno);
	if (S_ISDIR(stat_of.st_mode))
		return ERR_NOT_FOUND;
	return access(program, X_OK) ? file_err(errno) : ERR_OK;
}

static void remove_exit(const char *folder)
{
	char path[FOLDER_BYTES + 16];

	snprintf(path, sizeof path, "%s/exit", folder);
	unlink(path);
}

err_t kept_start(const struct kept_options *options, const struct workload_events *events,
		 void *owner, struct workload **ret_workload)
{
	struct words words = { .count = 0 };
	struct kept *kept;
	char cgroup[CGROUP_BYTES];
	char **argv;
	pid_t pid = 0;
	int pid_fd;
	err_t err;

	/* Inside of an image whoever names it has found it. */
	if (!options->root)
		TRY(check_program(options->program));
	TRY(folder_make(options->folder));
	kept = kept_new(options->loop, options->folder, events, owner);
	if (!kept)
		return ERR_NOMEM;
	remove_exit(options->folder);
	arena_init(&words.arena, SPEC_BYTES);
	err = keeper_words(options,
			   cgroup_make(options->folder, options->memory_bytes,
				       options->processes_max, options->cpu_units, cgroup)
				   ? cgroup
				   : NULL,
			   &words, &argv);
	if (!err)
		err = spawn_locked(options, argv, &pid);
	arena_fini(&words.arena);
	if (err) {
		free(kept);
		return err;
	}
	/* Our child, not reaped yet: the number is surely its own. */
	pid_fd = pidfd_open(pid, 0);
	if (pid_fd < 0 || hold_pid(kept, pid_fd))
		timer_set(options->loop, &kept->later, loop_now_ms(options->loop) + ADOPT_STEP_MS);
	*ret_workload = &kept->workload;
	return ERR_OK;
}

/* ---- As a workload ---- */

static void stop(struct workload *workload)
{
	ask_stop(kept_of(workload));
}

static void kill_now(struct workload *workload)
{
	ask_kill(kept_of(workload));
}

static bool usage(struct workload *workload, struct workload_usage *ret_usage)
{
	const struct kept *kept = kept_of(workload);
	int fd = kept->pid_fd >= 0 ? folder_open(kept->folder, "lock", O_RDONLY) : -1;
	pid_t keeper = fd >= 0 ? read_pid(fd) : 0, pids[FAMILY_MAX];
	unsigned count;

	if (fd >= 0)
		close(fd);
	if (!keeper)
		return false;
	*ret_usage = (struct workload_usage){ .cpu_us = 0 };
	count = family_of(keeper, pids, FAMILY_MAX);
	for (unsigned i = 0; i < count; i++) {
		ret_usage->cpu_us += family_cpu_us(pids[i]);
		ret_usage->memory_bytes += family_memory(pids[i]);
	}
	return true;
}

static void release(struct workload *workload)
{
	struct kept *kept = kept_of(workload);

	timer_cancel(&kept->later);
	forget_process(kept);
	free(kept);
}

/* Its folder stays for a while: people look into it. */
static const struct workload_engine engine = {
	.usage = usage, .stop = stop, .kill = kill_now, .forget = release, .release = release
};

void kept_end_folder(const char *folder, uint32_t wait_ms)
{
	const struct timespec step = { .tv_nsec = WAIT_STEP_MS * 1000000 };
	int fd = folder_open(folder, "lock", O_RDWR), pid, pid_fd;

	if (fd < 0)
		return;
	for (uint32_t waited = 0; is_locked(fd) && waited < wait_ms; waited += WAIT_STEP_MS) {
		pid = read_pid(fd);
		pid_fd = pid ? pidfd_open(pid, 0) : -1;
		if (pid_fd >= 0 && is_locked(fd))
			pidfd_send_signal(pid_fd, SIGUSR1, NULL, 0);
		if (pid_fd >= 0)
			close(pid_fd);
		nanosleep(&step, NULL);
	}
	close(fd);
	cgroup_remove(folder);
}
