/*
 * binding: the listening addresses that lb_bind reserved, one socket for each worker.
 *
 *   lb_bind ─► reserved ─plan names it─► taken by the workers ─plan drops it─► closing ─► gone
 *                                                                    └─ still reserved ─► bound
 * anew
 *
 * A worker closes its acceptor when a plan without the address reaches it, and says so; until all
 * have, the port is still ours. So a listener that is deleted and made again at once is not
 * refused: its reservation waits for the old sockets and then binds.
 *
 * Control thread only.
 */
#ifndef LB_BINDING_H
#define LB_BINDING_H

#include "lb/worker.h"

enum { WORKERS_MAX = 64 };

struct bindings {
	struct list_node all;
	unsigned worker_count;
	bool ending; /* set at the end: nothing is bound anew */
};

void bindings_init(struct bindings *bindings, unsigned worker_count);
void bindings_fini(struct bindings *bindings); /* gives up what no worker took */

/* ERR_IN_USE, ERR_DENIED, ERR_UNREACHABLE, ERR_NOMEM. */
err_t bindings_reserve(struct bindings *bindings, const struct address *at);
void bindings_release(struct bindings *bindings, const struct address *at);
void bindings_release_all(struct bindings *bindings);

/* Whether a connection to this address would reach one of them. */
bool bindings_hold(const struct bindings *bindings, const struct address *at);

unsigned bindings_count(const struct bindings *bindings);

/*
 * A plan is on its way to the workers: notes which addresses it names, and moves sockets into
 * `holds` (one for each worker, with room for bindings_count) that nobody has taken yet.
 */
void bindings_plan(struct bindings *bindings, const struct plan *plan, struct hold *const *holds);

/* A worker closed its socket. True: the address is bound anew and the plan wants it: plan again. */
bool bindings_closed(struct bindings *bindings, const struct address *at);

#endif
