/*
 * fake_lb: the balancer's door for the tests of services: remembers what it was told. Linked in
 * place of lb's data path; the pure half (health words, matchers) is the real one.
 */
#ifndef TESTS_UNIT_SERVICES_FAKE_LB_H
#define TESTS_UNIT_SERVICES_FAKE_LB_H

#include <jansson.h>

#include "lb/lb.h"

struct lb {
	json_t *plan; /* the last config, as JSON; NULL before the first */
	unsigned applies;
	json_t *bound;	     /* {"127.0.0.1:80": count} */
	json_t *cuts;	     /* ["target ARN id port" or "load balancer ARN"] */
	const char *refused; /* an address that cannot be bound, and why */
	err_t refused_err;
	struct target_status status; /* what every target answers when `knows` */
	bool knows;
	err_t apply_err;
};

struct lb *fake_lb_create(void);
void fake_lb_destroy(struct lb *lb);

#endif
