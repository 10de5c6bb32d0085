#include "engine/converter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	FILES_MAX = 64,
	FILE_BYTES_MAX = 64 * 1024 * 1024, /* of temporary files */
	COMPLAINTS_MAX = 2048,
	LOOK_MS = 100, /* how often a cancel is looked for */
	EXIT_NO_EXEC = 127,
};

#if defined(__x86_64__)
#define AUDIT_ARCH_HERE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define AUDIT_ARCH_HERE AUDIT_ARCH_AARCH64
#else
#error "converter: say which architecture the filter of system calls is for"
#endif

static const char *const folders[] = { "/usr/bin/", "/usr/local/bin/", "/bin/" };

static char *find_program(const char *program)
{
	char *path;

	if (program[0] == '/')
		return access(program, X_OK) == 0 ? strdup(program) : NULL;
	for (size_t i = 0; i < COUNT(folders); i++) {
		if (asprintf(&path, "%s%s", folders[i], program) < 0)
			return NULL;
		if (access(path, X_OK) == 0)
			return path;
		free(path);
	}
	return NULL;
}

bool converter_exists(const char *program)
{
	char *path = find_program(program);

	free(path);
	return path != NULL;
}

/* ---- In the child: between fork and exec, where only plain system calls are safe ---- */

static void limit(int what, rlim_t value)
{
	struct rlimit both = { value, value };

	(void)setrlimit(what, &both);
}

/* Sockets and rings fail with EACCES, whatever the program was led to do. */
static bool refuse_sockets(void)
{
	static struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_HERE, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ptrace, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES),
	};
	static const struct sock_fprog program = { COUNT(code), code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static void __attribute__((noreturn))
become(const char *path, const struct converter_options *options, int in, int out, int complaints)
{
	static char *const environment[] = { "PATH=/usr/bin:/bin", "LANG=C.UTF-8",
					     "LC_ALL=C.UTF-8",	   "OMP_THREAD_LIMIT=1",
					     "HOME=/nonexistent",  NULL };

	(void)setpgid(0, 0);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(complaints, 2) < 0)
		_exit(EXIT_NO_EXEC);
	(void)syscall(SYS_close_range, 3U, ~0U, 0U);
	if (chdir("/") != 0)
		_exit(EXIT_NO_EXEC);
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_CPU, options->time_ms / 1000 * 3 / 2 + 1);
	limit(RLIMIT_AS, options->memory_max);
	limit(RLIMIT_FSIZE, FILE_BYTES_MAX);
	limit(RLIMIT_NOFILE, FILES_MAX);
	if (!refuse_sockets())
		_exit(EXIT_NO_EXEC);
	execve(path, options->arguments, environment);
	_exit(EXIT_NO_EXEC);
}

/* ---- In ourselves ---- */

struct run {
	const struct converter_options *options;
	struct text *output, *complaints;
	int pid, out, err; /* pipes' ends; -1 when closed */
	uint64_t until_ms;
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int input_open(struct bytes input)
{
	int fd = memfd_create("input", MFD_CLOEXEC);

	while (fd >= 0 && input.len) {
		ssize_t n = write(fd, input.at, input.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			close(fd);
			return -1;
		}
		input = bytes_from(input, (size_t)n);
	}
	if (fd >= 0)
		(void)lseek(fd, 0, SEEK_SET);
	return fd;
}

static err_t start(struct run *r)
{
	char *path = find_program(r->options->program);
	int in = -1, out[2] = { -1, -1 }, complaints[2] = { -1, -1 };
	err_t err = path ? ERR_OK : ERR_NOT_FOUND;

	if (!err) {
		in = input_open(r->options->input);
		if (in < 0 || pipe2(out, O_CLOEXEC) != 0 || pipe2(complaints, O_CLOEXEC) != 0)
			err = ERR_SYSTEM;
	}
	if (!err) {
		r->pid = fork();
		if (r->pid == 0)
			become(path, r->options, in, out[1], complaints[1]);
		if (r->pid < 0)
			err = ERR_SYSTEM;
	}
	if (in >= 0)
		close(in);
	if (out[1] >= 0)
		close(out[1]);
	if (complaints[1] >= 0)
		close(complaints[1]);
	r->out = out[0];
	r->err = complaints[0];
	free(path);
	return err;
}

/* Takes what there is; closes at the end. */
static err_t drain(int *fd, struct text *into, bool bounded)
{
	char room[16384];
	ssize_t n = read(*fd, room, sizeof room);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return ERR_OK;
	if (n <= 0) {
		close(*fd);
		*fd = -1;
		return ERR_OK;
	}
	text_add(into, bytes_make(room, (size_t)n));
	if (text_err(into) == ERR_NOMEM)
		return ERR_NOMEM;
	return text_err(into) && bounded ? ERR_TOO_LARGE : ERR_OK;
}

static err_t read_all(struct run *r)
{
	err_t err = ERR_OK;

	while (!err && (r->out >= 0 || r->err >= 0)) {
		struct pollfd fds[2] = { { r->out, POLLIN, 0 }, { r->err, POLLIN, 0 } };
		uint64_t now = now_ms();

		if (now >= r->until_ms)
			return ERR_EXPIRED;
		if (r->options->cancelled && atomic_load(r->options->cancelled))
			return ERR_CANCELLED;
		if (poll(fds, 2, (int)size_min(LOOK_MS, (size_t)(r->until_ms - now))) < 0 &&
		    errno != EINTR)
			return ERR_SYSTEM;
		if (fds[0].revents)
			err = drain(&r->out, r->output, true);
		if (!err && fds[1].revents)
			err = drain(&r->err, r->complaints, false);
	}
	return err;
}

/* Its pipes are closed: it ends by itself at once, or is made to. */
static err_t reap(struct run *r, bool kill_it)
{
	int status = 0;

	if (kill_it)
		(void)kill(-r->pid, SIGKILL);
	for (unsigned i = 0; waitpid(r->pid, &status, WNOHANG) == 0; i++) {
		struct timespec pause = { 0, 2000000 };

		if (i == 500 || now_ms() >= r->until_ms)
			(void)kill(-r->pid, SIGKILL);
		nanosleep(&pause, NULL);
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? ERR_OK : ERR_INVALID;
}

err_t converter_run(const struct converter_options *options, struct text *output,
		    struct text *complaints)
{
	struct run r = { .options = options,
			 .output = output,
			 .complaints = complaints,
			 .out = -1,
			 .err = -1,
			 .until_ms = now_ms() + options->time_ms };
	err_t err, end;

	output->max = options->output_max;
	complaints->max = COMPLAINTS_MAX;
	err = start(&r);
	if (!err) {
		err = read_all(&r);
		end = reap(&r, err != ERR_OK);
		err = err ? err : end;
	}
	if (r.out >= 0)
		close(r.out);
	if (r.err >= 0)
		close(r.err);
	return err;
}
