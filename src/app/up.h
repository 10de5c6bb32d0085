/*
 * up: what `weir up` deploys, and with what (up_stack.c), told to what runs it (up.c). The control
 * thread.
 */
#ifndef APP_UP_H
#define APP_UP_H

#include <limits.h>

#include "app/weir.h"

#define UP_STACK "mindr-alb"

/* infrastructure/main.yml, built into the program. */
extern const char up_template[];

struct up {
	struct weir *weir;
	struct timer tick;
	unsigned ticks;
	enum up_phase {
		UP_LOOKING,   /* at what an earlier run left */
		UP_DEPLOYING, /* the stack is made or changed */
		UP_WAITING,   /* for the targets' health */
		UP_RUNNING,
	} phase;
	bool cleared; /* what an earlier try left was told to go */
	char *stack_id;
	char *dns_name, *rag_group, *page_group; /* of the stack's outputs */
	char folder[PATH_MAX];			 /* our programs' */
};

/* Calls as the root of this installation; takes `input`. NULL and the fault when it failed. */
json_t *up_call(struct up *up, const char *service, const char *operation, json_t *input,
		struct api_fault *ret_fault);

/* The status of our stack: "" when there is none. */
void up_stack_status(struct up *up, char out[64]);

/*
 * Creates the stack, or changes it: *ret_changes is false when there is nothing to do. ERR_INVALID
 * after saying what is wrong.
 */
err_t up_stack_create(struct up *up);
err_t up_stack_update(struct up *up, bool *ret_changes);
err_t up_stack_delete(struct up *up);

err_t up_stack_outputs(struct up *up); /* fills dns_name and the groups */
void up_stack_complain(struct up *up); /* the first failure of the stack's work */

#endif
