/*
 * world: a balancer in a fake network, as the scenario tests want it: one load balancer with a
 * listener on 127.0.0.1:80, one target group, targets that answer health checks by themselves and
 * leave every other request to the test.
 *
 *     struct world *w = world_open(NULL);              // or a function that changes the config
 * first struct fake_peer *client = world_ask(w, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); struct
 * fake_peer *served = world_served(w, 0, 0); // the first request on target 0 fake_send(served,
 * "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"); fake_run_ms(w->net, 5);
 *     CHECK(...fake_received(client)...);
 *     world_close(w);                                   // asserts that nothing leaked
 */
#ifndef TESTS_SCENARIO_BALANCER_WORLD_H
#define TESTS_SCENARIO_BALANCER_WORLD_H

#include "lb/access.h"
#include "lb/lb.h"
#include "lb/probe_record.h"
#include "tests/check.h"
#include "tests/scenario/fake_net.h"

enum {
	WORLD_TARGETS = 3,
	WORLD_GROUPS = 2,
	WORLD_BALANCERS = 2,
	WORLD_RULES = 4,
	WORLD_ENDS = 64,
	WORLD_CALLS = 16,
	WORLD_HELD_BYTES = 1024 * 1024, /* lb_options.held_bytes_max */
};

struct world_group {
	struct target_group_config config;
	struct target_config targets[WORLD_TARGETS];
};

/* What an END record said. */
struct world_end {
	enum end_reason reason;
	uint16_t elb_status, target_status;
	uint32_t events, heartbeats;
	uint8_t attempt;
	bool streaming;
	int64_t request_us, target_us;
	uint64_t received_bytes, sent_bytes;
	struct desync_finding finding;
	char line[1024]; /* ALB's */
};

/* A call of a function, kept for the test to answer. */
struct world_call {
	struct lb_invocation *invocation; /* NULL once it was answered or cancelled */
	char *event;			  /* its JSON, copied */
	char function_arn[160];
	unsigned resumed;
	bool cancelled;
};

struct world {
	struct fake_net *net;
	struct loop *loop;
	struct lb *lb;

	/* The configuration: change it and world_apply. */
	unsigned balancer_count, group_count;
	struct load_balancer_config balancers[WORLD_BALANCERS];
	struct listener_config listeners[WORLD_BALANCERS];
	struct rule_config rules[WORLD_BALANCERS][WORLD_RULES];
	struct forward_group forwards[WORLD_BALANCERS][WORLD_GROUPS];
	struct world_group groups[WORLD_GROUPS];

	/* Group g's target t listens at 10.0.g.t:8000. */
	struct fake_target *targets[WORLD_GROUPS][WORLD_TARGETS];

	/* What targets do; `change` may set another. */
	const struct fake_script *target_script;
	void *target_owner;

	/* What was heard. */
	struct world_end ends[WORLD_ENDS];
	unsigned end_count, start_count, progress_count, drained_count, health_count;
	unsigned wanted_count;
	char probed[512]; /* the last health check's line */
	struct world_call calls[WORLD_CALLS];
	unsigned call_count;
	enum function_outcome refusal; /* what invoke says; FUNCTION_ANSWERED: it is a call */
	bool done;
};

/* `change` may alter the configuration before it is first applied; NULL leaves it. The targets are
 * healthy when it returns. */
struct world *world_open(void (*change)(struct world *w));
struct world *world_open_with(const struct fake_options *options, void (*change)(struct world *w));
void world_apply(struct world *w);
void world_close(struct world *w);

/* Connects a client, sends, and lets it settle. */
struct fake_peer *world_ask(struct world *w, const char *request);
struct fake_peer *world_connect(struct world *w);

/*
 * The index-th connection, in the order they came, on which target `t` of group 0 was asked
 * anything but its health; fails the test when there is none.
 */
struct fake_peer *world_served(struct world *w, unsigned t, unsigned index);
unsigned world_served_count(struct world *w, unsigned t);

/* The only end so far, or the index-th. */
const struct world_end *world_ended(struct world *w, unsigned index);

/* The index-th call that is no health check, or fails the test. */
struct world_call *world_call(struct world *w, unsigned index);
void world_answer(struct world *w, struct world_call *call, enum function_outcome outcome,
		  const char *json);
bool world_piece(struct world *w, struct world_call *call, struct bytes data); /* room for more */

uint64_t world_counter(struct world *w, enum metric_counter counter); /* the load balancer's */
uint64_t world_group_counter(struct world *w, enum metric_counter counter); /* group 0's */
int64_t world_gauge(struct world *w, enum metric_gauge gauge);
uint64_t world_observed(struct world *w, enum metric_histogram histogram); /* how many */

bool world_has(struct bytes text, const char *part);
unsigned world_count(struct bytes text, const char *part);

struct target_status world_status(struct world *w, unsigned g, unsigned t);

#endif
