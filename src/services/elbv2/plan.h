/*
 * plan: the records of the store as what the balancer shall do. Internal to the folder.
 */
#ifndef SERVICES_ELBV2_PLAN_H
#define SERVICES_ELBV2_PLAN_H

#include "services/elbv2/elbv2_internal.h"

/* Fills *ret_config from the mirror, in `arena`; slices point into its bodies. */
err_t plan_config(struct elbv2 *elbv2, struct arena *arena, struct lb_config *ret_config);

/* plan_rule.c: one rule. */
/* What gates are made with. */
struct gate_planner {
	struct arena *arena;
	const uint8_t *seal_key;      /* SEAL_KEY_BYTES: client secrets */
	const char *cognito_endpoint; /* elbv2_options' */
	struct bytes (*cognito_secret)(void *owner, struct bytes client_id);
	void *owner;
};

err_t plan_rule(const struct gate_planner *p, const json_t *rule, struct rule_config *ret_rule);
err_t plan_gates(const struct gate_planner *p, const json_t *rule, struct rule_config *ret_rule);

#endif
