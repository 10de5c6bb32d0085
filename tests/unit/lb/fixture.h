/*
 * fixture: a small configuration to change, and the plan compiled from it. One load balancer, one
 * listener on port 80, a default rule that forwards to group "g0".
 */
#ifndef TESTS_UNIT_LB_FIXTURE_H
#define TESTS_UNIT_LB_FIXTURE_H

#include "lb/plan.h"
#include "lb/route.h"

enum { FIXTURE_RULES = 8, FIXTURE_GROUPS = 4, FIXTURE_TARGETS = 16 };

#define FIXTURE_DNS "test-1.us-east-1.elb.localhost"

struct fixture {
	struct registry *registry;
	const struct plan *plan; /* NULL before fixture_compile */
	struct route_scratch *scratch;

	struct lb_config config;
	struct load_balancer_config lb;
	struct listener_config listener;
	struct rule_config rules[FIXTURE_RULES]; /* the default rule is rules[0] */
	struct forward_group forwards[FIXTURE_GROUPS];
	struct target_group_config groups[FIXTURE_GROUPS]; /* "g0"… */
	struct target_config targets[FIXTURE_GROUPS][FIXTURE_TARGETS];
};

void fixture_init(struct fixture *f);
void fixture_fini(struct fixture *f);

/* Adds targets 10.0.GROUP.1:8000 … and makes them healthy at the next compile. */
void fixture_add_targets(struct fixture *f, unsigned group, unsigned count);
/* (Re)compiles and publishes; new targets become healthy. */
void fixture_compile(struct fixture *f);

const struct plan_listener *fixture_listener(const struct fixture *f);
const struct plan_group *fixture_group(const struct fixture *f, unsigned group);

void fixture_set_health(struct target *target, enum health_state state);

/* A request head of "METHOD TARGET HTTP/1.1" and field lines, all separated by LF; the memory is
 * the caller's arena's. Parsed by hand, so that what no parser would let through can be tried. */
struct http_head fixture_head(struct arena *arena, const char *text);

#endif
