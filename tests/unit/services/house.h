/*
 * house: api, store, ec2 and elbv2 put together over a fake balancer, for the tests of services.
 *
 *     json_t *out = house_call("CreateRule", "{s:s …}", …);      asserts success; the house owns it
 *     CHECK_FAULT("DeleteRule", "RuleNotFound", "One or more rules not found", "{s:s}", …);
 *
 * Calls take jansson's pack format. One house at a time.
 */
#ifndef TESTS_UNIT_SERVICES_HOUSE_H
#define TESTS_UNIT_SERVICES_HOUSE_H

#include "services/ec2/ec2.h"
#include "services/elbv2/elbv2_internal.h"
#include "services/iam/iam.h"
#include "services/sts/sts.h"
#include "tests/check.h"
#include "tests/unit/services/fake_lb.h"

struct house {
	char directory[64];
	struct loop *loop;
	struct store *store;
	struct api *api;
	struct ec2 *ec2;
	struct elbv2 *elbv2;
	struct iam *iam;
	struct sts *sts;
	struct lb *lb;
	uint64_t now_ms;
	bool no_instances; /* the settings name none at the next start; else i-0123456789abcdef0 */
	json_t *answers;   /* all of this test's */
	struct api_fault fault;
};
extern struct house house;

void house_open(void);
void house_close(void);
void house_restart(void); /* the store stays; everything else is new */

/* Any service; NULL and house.fault on failure. `input` is stolen. */
json_t *house_try(const char *service, const char *operation, json_t *input);
json_t *house_call(const char *operation, const char *format, ...); /* elbv2 */
void house_fault(const char *file, int line, const char *operation, const char *code,
		 const char *message, json_t *input);

#define CHECK_FAULT(operation, code, message, ...) \
	house_fault(__FILE__, __LINE__, operation, code, message, json_pack(__VA_ARGS__))

/* "LoadBalancers.0.DNSName": the text (or number as text) at a path; "" when nothing is there. */
const char *at(const json_t *json, const char *path);
json_t *node(const json_t *json, const char *path);

/* The usual things, made once per test; ARNs. */
const char *house_subnet(unsigned index);
const char *house_vpc(void);
const char *house_load_balancer(const char *name);
const char *house_target_group(const char *name); /* HTTP, port 8000, ip */
const char *house_listener(const char *load_balancer, unsigned port, const char *group);
const char *house_rule(const char *listener, unsigned priority, const char *path,
		       const char *group);
/* Sets one attribute: "" on success, else the fault's code. */
const char *house_set(const char *kind, const char *arn, const char *key, const char *value);
const char *house_get(const char *kind, const char *arn, const char *key); /* "" when not listed */

#endif
