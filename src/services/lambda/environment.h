/*
 * environment: one execution environment: a program of a function, the Runtime API that it asks
 * for work, its output, its clocks. sandbox.h decides, this obeys.
 *
 *   environment_start ─► environment_invoke … ─► environment_retire ─► on_ended ─►
 * environment_destroy
 *
 * The control thread.
 */
#ifndef SERVICES_LAMBDA_ENVIRONMENT_H
#define SERVICES_LAMBDA_ENVIRONMENT_H

#include "net/loop.h"
#include "services/lambda/invocation.h"
#include "services/lambda/output.h"
#include "services/lambda/sandbox.h"

enum {
	ENVIRONMENT_INIT_MS = 10 * 1000,     /* AWS: the first try of a start */
	ENVIRONMENT_REST_MS = 100,	     /* idle for so long: frozen */
	ENVIRONMENT_IDLE_MS = 5 * 60 * 1000, /* frozen for so long: ended */
	/* The role's keys, which it got at its start, are good for an hour. */
	ENVIRONMENT_AGE_MS = 40 * 60 * 1000,
	ENVIRONMENT_SAMPLE_MS = 50, /* of its memory, while it works */
	/* Programs map more than they use: what they may map, so that none outruns the samples. */
	ENVIRONMENT_SPARE_BYTES = 512 * 1024 * 1024,
};

/* What it runs; borrowed for its life. */
struct environment_program {
	const char *function_name, *version;
	const char *path;
	char *const *arguments;
	char *const *variables; /* but AWS_LAMBDA_RUNTIME_API and the log stream's name */
	const char *directory;
	const char *log_group;
	uint32_t memory_mib, timeout_ms;
	bool keep; /* provisioned: not ended for being idle */
};

struct environment_events {
	/* It waits for work, also for the first time. */
	void (*on_free)(void *owner, struct environment *environment);
	/* It is over; environment_destroy may be called inside. */
	void (*on_ended)(void *owner, struct environment *environment);
	/* It is through with an invocation; before on_free or on_ended. */
	void (*on_released)(void *owner, struct environment *environment);
	/* How an invocation ended, before its own on_done. */
	void (*on_result)(void *owner, const struct invocation_result *result);
	output_write_fn write;
};

enum { ENVIRONMENT_KEYS = 3 };

/* `keys`: variables of this environment alone ("AWS_ACCESS_KEY_ID=…"); copied. */
err_t environment_start(struct loop *loop, const struct environment_program *program,
			const char *const keys[ENVIRONMENT_KEYS],
			const struct environment_events *events, void *owner,
			struct environment **ret_environment);

/* It must be free. The invocation's on_done comes later, whatever happens. */
void environment_invoke(struct environment *environment, struct invocation *invocation);

/* Its caller has room for pieces again, or is gone and takes all. */
void environment_resume(struct environment *environment);

/* Its caller is gone. A streamed answer is cut off, so that the program learns of it when it writes
 * on; the invocation is done then, in here. One that did not begin to stream runs on. */
void environment_abandon(struct environment *environment);

/* Ends it, once it is through with what it runs. */
void environment_retire(struct environment *environment);

/* Kills what still runs; an invocation is not told. NULL is welcome. */
void environment_destroy(struct environment *environment);

const struct sandbox *environment_sandbox(const struct environment *environment);

/* Its place in the fleet's list. */
struct list_node *environment_link(struct environment *environment);
struct environment *environment_of_link(struct list_node *link);

#endif
