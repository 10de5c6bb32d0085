/*
 * plan: the records of the store as what the balancer shall do. Internal to the folder.
 */
#ifndef SERVICES_ELBV2_PLAN_H
#define SERVICES_ELBV2_PLAN_H

#include "services/elbv2/elbv2_internal.h"

/* All of ours that the store has, read in one transaction. */
struct records {
	json_t *load_balancers, *listeners, *rules, *groups, *targets, *uses; /* arrays */
};
err_t records_read(struct elbv2 *elbv2, struct records *ret_records);
void records_free(struct records *records);

/* Fills *ret_config from them, in `arena`; slices point into the records. */
err_t plan_config(struct elbv2 *elbv2, const struct records *records, struct arena *arena,
		  struct lb_config *ret_config);

/* plan_rule.c: one rule. */
err_t plan_rule(const json_t *rule, struct arena *arena, struct rule_config *ret_rule);

#endif
