/*
 * workload: a program that runs on when Weir does not: the `process` engine.
 *
 *   workload_start ──► running ──► on_ended(how, code)      workload_release lets go of it anyway
 *   workload_adopt ──►         (after a restart of Weir: the same folder, the same program)
 *
 * Each has a folder of its own (keeper.h says what is in it) and a process `weir-keeper` that
 * watches over it. Starting is safe to repeat: a folder whose program runs is ERR_EXISTS.
 * The control loop's thread.
 */
#ifndef ENGINE_WORKLOAD_H
#define ENGINE_WORKLOAD_H

#include "net/loop.h"

struct workload;

enum workload_how {
	WORKLOAD_EXITED,	/* code: its exit code */
	WORKLOAD_SIGNALLED,	/* code: 128 + the signal */
	WORKLOAD_OUT_OF_MEMORY, /* killed at its memory limit; code 137 */
	WORKLOAD_TOO_MANY,	/* killed at its limit of processes; code 137 */
	WORKLOAD_NOT_STARTED,	/* `why` says why; no program ran */
	WORKLOAD_LOST,		/* its keeper was killed, and it with it; code 137 */
};

struct workload_end {
	enum workload_how how;
	int code;
	char why[192]; /* a sentence for people; "" where `how` says it all */
};

struct workload_events {
	/* Once, on a later turn than start or adopt; not after release. */
	void (*on_ended)(void *owner, const struct workload_end *end);
};

struct workload_limit {
	int resource;	    /* RLIMIT_… */
	int64_t soft, hard; /* -1: unlimited */
};

/* All borrowed for the call. */
struct workload_options {
	struct loop *loop;
	const char *keeper;	  /* the path of weir-keeper */
	const char *folder;	  /* made when missing, 0700 */
	const char *program;	  /* a path; no shell, no PATH search */
	char *const *arguments;	  /* argv, argv[0] included; NULL-terminated */
	char *const *environment; /* all of it: nothing of Weir's own is added */
	const char *directory;	  /* where it starts; NULL: in its folder */
	bool has_user;		  /* needs root */
	uint32_t uid, gid;
	uint64_t memory_bytes; /* of all its processes together; 0: no limit */
	uint32_t processes_max;
	uint32_t cpu_units; /* 1024 are one processor: a weight, where there are cgroups; 0: none */
	const struct workload_limit *limits;
	size_t limit_count;
	int stop_signal;  /* 0: SIGTERM */
	uint32_t stop_ms; /* from the stop signal to the kill */
};

/*
 * ERR_NOT_FOUND, ERR_DENIED when there is no such program, or it may not be executed; ERR_EXISTS
 * when one runs in this folder; ERR_SYSTEM. What goes wrong later comes as WORKLOAD_NOT_STARTED.
 */
err_t workload_start(const struct workload_options *options, const struct workload_events *events,
		     void *owner, struct workload **ret_workload);

/*
 * Takes up what runs, or ran, in `folder`: on_ended tells of an end that came meanwhile too.
 * ERR_NOT_FOUND: nothing ever started there, so that it may be started (again).
 */
err_t workload_adopt(struct loop *loop, const char *folder, const struct workload_events *events,
		     void *owner, struct workload **ret_workload);

/* What its processes use now; false when none runs. */
struct workload_usage {
	uint64_t cpu_us; /* since the program began */
	uint64_t memory_bytes;
};
bool workload_usage(const struct workload *workload, struct workload_usage *ret_usage);

void workload_stop(struct workload *workload); /* the stop signal, then the kill; may repeat */
void workload_kill(struct workload *workload); /* at once, with all it forked */
/* Frees what is ours of it; the program, if it runs, runs on. NULL is welcome. */
void workload_release(struct workload *workload);

/* Blocks up to `wait_ms` until the program of this folder has ended, killing it when it has not. */
void workload_end_folder(const char *folder, uint32_t wait_ms);

#endif
