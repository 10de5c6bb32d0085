/*
 * process: a program run as a child, in a process group of its own. The first of the engines.
 *
 * Alone in Weir to fork. Calls come from the control thread; the child's standard input is empty,
 * its output goes to a file or to ours.
 */
#ifndef ENGINE_PROCESS_H
#define ENGINE_PROCESS_H

#include "base/bytes.h"

struct process {
	int pid; /* 0: none */
};

struct process_options {
	const char *program;	  /* a path; no shell, no PATH search */
	char *const *arguments;	  /* argv, NULL-terminated; argv[0] included */
	char *const *environment; /* "NAME=value", added to ours; NULL-terminated or NULL */
	bool bare;		  /* `environment` is all there is: nothing of ours */
	const char *log_path;	  /* appended to, mode 0600; NULL: our own standard error */
	int output_fd;		  /* instead of log_path, where output goes; 0: none. Borrowed */
	const char *directory;	  /* where it starts; NULL: where we are */
	uint64_t data_bytes_max;  /* RLIMIT_DATA: what it may write to; 0: no limit */
};

/*
 * ERR_NOT_FOUND when there is no such program, ERR_DENIED, ERR_SYNTAX when it is none that this
 * machine runs, ERR_SYSTEM. The child dies with the
 * thread that started it (PR_SET_PDEATHSIG), so that a killed Weir leaves nothing behind.
 */
err_t process_start(const struct process_options *options, struct process *ret_process);

/* A signal to the whole group. Harmless when it is gone. */
void process_signal(const struct process *process, int number);

/* Whether it still runs; reaps it when not, and tells its exit code (128+N for a signal). */
bool process_running(struct process *process, int *ret_exit_code);

/* SIGTERM to the group, SIGKILL after `grace_ms`; blocks until it is gone. Harmless twice. */
void process_stop(struct process *process, uint32_t grace_ms);

#endif
