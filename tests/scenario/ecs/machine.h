/*
 * machine: where containers run when everything else is real: a Docker engine played by the test,
 * in memory that Weir's processes share. It implements engine/docker.h at the link.
 *
 * What an image does is its name: "good:…" runs until it is stopped, "flap:…" ends by itself with
 * code 1 after FLAP_MS, "none:…" is in no registry.
 *
 * Every change of the machine is two steps, before and after it is done; step() is also what a
 * test calls with each commit of the store. Weir dies with the step that it was told to die with.
 */
#ifndef TESTS_SCENARIO_ECS_MACHINE_H
#define TESTS_SCENARIO_ECS_MACHINE_H

#include "base/bytes.h"

enum { BOXES_MAX = 128, FLAP_MS = 400, START_MS = 40, STOP_MS = 300, DIED = 77 };

struct box {
	char name[96], image[32];
	bool running, removed;
	unsigned started;
	int code;
	uint64_t ends_ms; /* by itself; 0: never */
};

struct machine {
	struct box boxes[BOXES_MAX];
	unsigned count;
	unsigned steps, dies_at; /* 0: never */
	uint64_t unix_ms;	 /* of its last step: the next Weir's clock goes on from there */
	bool crashed;		 /* machine_crash was called */
	unsigned doubled;	 /* boxes that were started although they had been */
	/* Of those that run, "good" ones; watched while `watched`. */
	bool watched;
	unsigned least, most;
};
extern struct machine *machine;

/* Shared with children that are forked later. */
void machine_open(void);
void machine_close(void);
void machine_step(uint64_t unix_ms);

unsigned machine_running(const char *image); /* all that begin so */
unsigned machine_left(void);		     /* not removed */
unsigned machine_made(const char *image);
/* Ends one that runs, as a crash of its program. */
void machine_crash(const char *image);

#endif
