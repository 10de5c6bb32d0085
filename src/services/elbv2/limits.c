/*
 * limits: DescribeAccountLimits. What is enforced here is what AWS gives a new account (reference
 * §11.5), but for the number of load balancers, which the settings may raise; kinds of load
 * balancers that do not exist here are listed as AWS lists them.
 */
#include "services/elbv2/elbv2_internal.h"

static const struct limit {
	const char *name, *max;
} limits[] = {
	{ "application-load-balancers", NULL }, /* the options' */
	{ "certificates-per-application-load-balancer", "25" },
	{ "condition-values-per-alb-rule", "5" },
	{ "condition-wildcards-per-alb-rule", "6" },
	{ "gateway-load-balancers", "0" },
	{ "gateway-load-balancers-per-vpc", "0" },
	{ "geneve-target-groups", "0" },
	{ "listeners-per-application-load-balancer", "50" },
	{ "listeners-per-network-load-balancer", "0" },
	{ "network-load-balancers", "0" },
	{ "rules-per-application-load-balancer", "100" },
	{ "target-groups", "3000" },
	{ "target-groups-per-action-on-application-load-balancer", "5" },
	{ "target-groups-per-action-on-network-load-balancer", "0" },
	{ "target-groups-per-application-load-balancer", "100" },
	{ "targets-per-application-load-balancer", "1000" },
	{ "targets-per-availability-zone-per-gateway-load-balancer", "0" },
	{ "targets-per-availability-zone-per-network-load-balancer", "0" },
	{ "targets-per-network-load-balancer", "0" },
};

err_t elbv2_describe_account_limits(struct api_call *call)
{
	struct page page;
	const char *quota;

	TRY(set_new(call->output, "Limits", json_array()));
	TRY(page_begin(call, 100, &page));
	quota = arena_printf(call->arena, "%u", elbv2_of(call)->options.load_balancers_max);
	if (!quota)
		return ERR_NOMEM;
	for (size_t i = 0; i < COUNT(limits); i++)
		if (page_take(&page, i + 1))
			TRY(output_append(call->output, "Limits",
					  json_pack("{s:s, s:s}", "Name", limits[i].name, "Max",
						    limits[i].max ? limits[i].max : quota)));
	return page_end(&page);
}
