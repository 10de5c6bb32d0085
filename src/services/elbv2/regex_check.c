/*
 * regex_check: whether the balancer would take a regular expression, before the user is told yes.
 * Nobody knows that better than the balancer: a plan of one rule is compiled and thrown away.
 */
#include "services/elbv2/regex_check.h"

#include "lb/plan.h"

static err_t compile(const char *pattern, struct registry *registry, const struct plan **ret_plan,
		     char ret_why[PLAN_WHY_BYTES])
{
	const struct action_config fixed = { .kind = ACTION_FIXED_RESPONSE, .status = 200 };
	const struct condition_value value = { .value = bytes_of(pattern), .is_regex = true };
	const struct condition_config condition = { .kind = CONDITION_PATH_PATTERN,
						    .values = &value,
						    .value_count = 1 };
	const struct rule_config rules[] = {
		{ .priority = 1, .conditions = &condition, .condition_count = 1, .action = fixed },
		{ .action = fixed },
	};
	const struct listener_config listener = { .rules = rules, .rule_count = COUNT(rules) };
	const struct load_balancer_config load_balancer = { .listeners = &listener,
							    .listener_count = 1 };
	const struct lb_config config = { .load_balancers = &load_balancer,
					  .load_balancer_count = 1 };

	return plan_compile(&config, registry, ret_plan, ret_why);
}

err_t regex_check(struct api_call *call, const char *what, const char *pattern)
{
	const struct plan *plan = NULL;
	char why[PLAN_WHY_BYTES] = "";
	struct registry *registry;
	const char *where;
	err_t err;

	TRY(registry_create(&registry));
	err = compile(pattern, registry, &plan, why);
	plan_unref(plan);
	registry_sweep(registry);
	registry_destroy(registry);
	if (err != ERR_INVALID)
		return err;
	where = strstr(why, "at offset ");
	return api_fault(call, "ValidationError",
			 "The %s '%.128s' is not a valid regular expression %s", what, pattern,
			 where ? where : "here");
}
