/*
 * child: a process on the control loop: its output and its end come as callbacks.
 *
 *   child_start ─► on_output … ─► on_exit, once ─► child_destroy
 *
 * The control thread; nothing here blocks but child_destroy of one that still runs, which kills it
 * first.
 */
#ifndef ENGINE_CHILD_H
#define ENGINE_CHILD_H

#include "engine/process.h"
#include "net/loop.h"

struct child;

struct child_events {
	/* What it wrote to standard output and error, as it came; gone when this returns. */
	void (*on_output)(void *owner, struct bytes data);
	/*
	 * It ended; all that the group wrote before was told. `signal` is 0, or what killed it, and
	 * then `code` is 0. child_destroy may be called inside.
	 */
	void (*on_exit)(void *owner, int code, int signal);
};

/* `options` as process_start has them; output_fd and log_path are the child's own to set. */
err_t child_start(struct loop *loop, const struct process_options *options,
		  const struct child_events *events, void *owner, struct child **ret_child);

int child_pid(const struct child *child);
void child_signal(struct child *child, int number); /* to its group */

/* Tells now what lies in the pipe, at most so much: what was written before this call. */
void child_drain(struct child *child, size_t bytes_max);

/* What it and its children hold in memory, not counting what they share; 0 when gone. */
uint64_t child_memory_bytes(const struct child *child);

/* Kills what still runs of the group, and waits for its first process. NULL is welcome. */
void child_destroy(struct child *child);

#endif
