/*
 * kept: a program of this machine that runs on when Weir does not: the `process` engine.
 *
 * Each has a folder of its own (keeper.h says what is in it) and a process `weir-keeper` that
 * watches over it. Starting is safe to repeat: a folder whose program runs is ERR_EXISTS.
 * The control loop's thread.
 */
#ifndef ENGINE_KEPT_H
#define ENGINE_KEPT_H

#include "engine/workload.h"

/* All borrowed for the call. */
struct kept_options {
	struct loop *loop;
	const char *keeper;	  /* the path of weir-keeper */
	const char *folder;	  /* made when missing, 0700 */
	const char *program;	  /* a path; no shell, no PATH search */
	char *const *arguments;	  /* argv, argv[0] included; NULL-terminated */
	char *const *environment; /* all of it: nothing of Weir's own is added */
	const char *root; /* an image's files, inside of which program and directory are; or NULL */
	const char *directory; /* where it starts; NULL: in its folder */
	bool has_user;	       /* needs root */
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
err_t kept_start(const struct kept_options *options, const struct workload_events *events,
		 void *owner, struct workload **ret_workload);

/*
 * Takes up what runs, or ran, in `folder`: on_ended tells of an end that came meanwhile too.
 * ERR_NOT_FOUND: nothing ever started there, so that it may be started (again).
 */
err_t kept_adopt(struct loop *loop, const char *folder, const struct workload_events *events,
		 void *owner, struct workload **ret_workload);

/* Blocks up to `wait_ms` until the program of this folder has ended, killing it when it has not. */
void kept_end_folder(const char *folder, uint32_t wait_ms);

#endif
