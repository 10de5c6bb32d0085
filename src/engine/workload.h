/*
 * workload: something that runs on when Weir does not, whichever engine runs it.
 *
 *   kept_start, docker_start ──► (on_started) ──► running ──► on_ended(how, code)
 *   kept_adopt, docker_adopt ──► the same after a restart of Weir: the same folder or name
 *
 *   workload_forget  its end is noted: what the engine still has of it may go
 *   workload_release frees what is ours of it; what runs, runs on
 *
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
	WORKLOAD_LOST,		/* killed from outside, and what kept it too; code 137 */
	WORKLOAD_HOST_LOST,	/* the machine it ran on is gone, `why` says which */
	/* Nothing ran, `why` says why: */
	WORKLOAD_NO_IMAGE,
	WORKLOAD_NOT_CREATED,
	WORKLOAD_NOT_STARTED,
	WORKLOAD_NEVER, /* adopted, and nothing was ever started there: it may be started again */
};

struct workload_end {
	enum workload_how how;
	int code;
	char why[512]; /* a sentence for people; "" where `how` says it all */
};

enum { WORKLOAD_PORTS_MAX = 100, WORKLOAD_ADDRESS_BYTES = 64 };

/* Where an engine of several machines put it. */
struct workload_place {
	char address[WORKLOAD_ADDRESS_BYTES]; /* of the machine */
	bool here;			      /* the one that Weir runs on */
	struct workload_port {
		uint16_t inside, outside;
	} ports[WORKLOAD_PORTS_MAX];
	size_t port_count;
};

struct workload_events {
	/* Before on_started, after an adoption too. NULL for an engine of one machine. */
	void (*on_placed)(void *owner, const struct workload_place *place);
	/* It runs. NULL for an engine that starts at once. */
	void (*on_started)(void *owner);
	/* Its own health check says so; NULL where an engine has none. */
	void (*on_health)(void *owner, bool healthy);
	/* Once, on a later turn than start or adopt; not after release. */
	void (*on_ended)(void *owner, const struct workload_end *end);
};

struct workload_limit {
	int resource;	    /* RLIMIT_… */
	int64_t soft, hard; /* -1: unlimited */
};

/* What it uses now; false when that is not known. */
struct workload_usage {
	uint64_t cpu_us; /* since it began */
	uint64_t memory_bytes;
};
bool workload_usage(struct workload *workload, struct workload_usage *ret_usage);

void workload_stop(struct workload *workload);	 /* the stop signal, then the kill; may repeat */
void workload_kill(struct workload *workload);	 /* at once, with all it forked */
void workload_forget(struct workload *workload); /* after on_ended; then release. NULL is welcome */
void workload_release(struct workload *workload); /* NULL is welcome */

#endif
