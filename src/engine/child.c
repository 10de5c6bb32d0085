#include "engine/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	OUTPUT_BYTES = 64 * 1024, /* of one turn, so that a flood starves nobody */
	FAMILY_MAX = 64,	  /* processes looked at for their memory */
};

struct child {
	struct loop *loop;
	const struct child_events *events;
	void *owner;
	struct process process;
	int pid; /* also of the group; kept when the process was reaped */
	int pid_fd, output_fd;
	struct watch *pid_watch, *output_watch;
};

/* ---- Output ---- */

/* False at the end of it. */
static bool read_output(struct child *child, size_t *ret_got)
{
	static char room[OUTPUT_BYTES]; /* the control thread's alone */
	ssize_t got = read(child->output_fd, room, sizeof room);

	*ret_got = got > 0 ? (size_t)got : 0;
	if (got > 0)
		child->events->on_output(child->owner, bytes_make(room, (size_t)got));
	return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

static void close_output(struct child *child)
{
	watch_close(child->output_watch);
	child->output_watch = NULL;
}

static void on_output_ready(void *owner, bool readable, bool writable)
{
	struct child *child = owner;
	size_t got;

	(void)readable;
	(void)writable;
	if (!read_output(child, &got))
		close_output(child);
}

void child_drain(struct child *child, size_t bytes_max)
{
	size_t got = 1;

	for (size_t total = 0; child->output_watch && got && total < bytes_max; total += got)
		if (!read_output(child, &got))
			close_output(child);
}

/* ---- The end ---- */

static void on_pid_ready(void *owner, bool readable, bool writable)
{
	struct child *child = owner;
	int status = 0;

	(void)readable;
	(void)writable;
	/* What it left behind; while it is not waited for, its number is nobody else's. */
	kill(-child->pid, SIGKILL);
	if (waitpid(child->pid, &status, WNOHANG) != child->pid)
		return;
	watch_close(child->pid_watch);
	child->pid_watch = NULL;
	child->process.pid = 0;
	child_drain(child, OUTPUT_BYTES * 16);
	child->events->on_exit(child->owner, WIFEXITED(status) ? WEXITSTATUS(status) : 0,
			       WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

/* ---- Life ---- */

static err_t watch_both(struct child *child)
{
	static const struct watch_events output = { .on_ready = on_output_ready };
	static const struct watch_events end = { .on_ready = on_pid_ready };

	child->pid_fd = pidfd_open(child->pid, 0);
	if (child->pid_fd < 0)
		return ERR_SYSTEM;
	TRY(watch_open(child->loop, child->output_fd, true, false, &output, child,
		       &child->output_watch));
	return watch_open(child->loop, child->pid_fd, true, false, &end, child, &child->pid_watch);
}

static err_t start(struct child *child, struct process_options options)
{
	int ends[2];
	err_t err;

	if (pipe2(ends, O_CLOEXEC))
		return ERR_SYSTEM;
	child->output_fd = ends[0];
	/* Ours alone does not block: the program's end stays as programs expect it. */
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	options.output_fd = ends[1];
	err = process_start(&options, &child->process);
	close(ends[1]);
	child->pid = child->process.pid;
	return err ? err : watch_both(child);
}

err_t child_start(struct loop *loop, const struct process_options *options,
		  const struct child_events *events, void *owner, struct child **ret_child)
{
	struct child *child = malloc(sizeof *child);
	err_t err;

	if (!child)
		return ERR_NOMEM;
	*child = (struct child){
		.loop = loop,
		.events = events,
		.owner = owner,
		.pid_fd = -1,
		.output_fd = -1,
	};
	err = start(child, *options);
	if (err) {
		child_destroy(child);
		return err;
	}
	*ret_child = child;
	return ERR_OK;
}

void child_destroy(struct child *child)
{
	if (!child)
		return;
	process_stop(&child->process, 0);
	watch_close(child->pid_watch);
	watch_close(child->output_watch);
	if (child->pid_fd >= 0)
		close(child->pid_fd);
	if (child->output_fd >= 0)
		close(child->output_fd);
	free(child);
}

int child_pid(const struct child *child)
{
	return child->pid;
}

void child_signal(struct child *child, int number)
{
	process_signal(&child->process, number);
}

/* ---- Memory ---- */

/* Resident pages without those shared with files and others: /proc/PID/statm. */
static uint64_t memory_of(int pid)
{
	char path[64];
	unsigned long total, resident, shared;
	FILE *file;
	int fields;

	snprintf(path, sizeof path, "/proc/%d/statm", pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	fields = fscanf(file, "%lu %lu %lu", &total, &resident, &shared);
	fclose(file);
	if (fields != 3 || resident < shared)
		return 0;
	return (uint64_t)(resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Appends the children of `pid` to the family. */
static size_t add_children(int pid, int family[FAMILY_MAX], size_t count)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, pid);
	file = fopen(path, "re");
	if (!file)
		return count;
	while (count < FAMILY_MAX && fscanf(file, "%d", &family[count]) == 1)
		count++;
	fclose(file);
	return count;
}

uint64_t child_memory_bytes(const struct child *child)
{
	int family[FAMILY_MAX] = { child->process.pid };
	size_t count = 1;
	uint64_t sum = 0;

	if (!child->process.pid)
		return 0;
	for (size_t i = 0; i < count; i++) {
		sum += memory_of(family[i]);
		count = add_children(family[i], family, count);
	}
	return sum;
}
