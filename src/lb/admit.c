#include "lb/admit.h"

bool admit_allows(const struct admit_list *list, const struct address *other, uint16_t port)
{
	if (!list)
		return true;
	for (unsigned i = 0; i < list->count; i++) {
		const struct admit_rule *rule = &list->rules[i];

		if (port >= rule->port_first && port <= rule->port_last &&
		    cidr_contains(&rule->other, other))
			return true;
	}
	return false;
}

static uint8_t lacks(const struct admit_list *egress, const struct admit_list *target_ingress,
		     const struct address *target, uint16_t port)
{
	uint8_t missing = 0;

	if (!admit_allows(egress, target, port))
		missing |= ADMIT_LACKS_EGRESS;
	if (!admit_allows(target_ingress, target, port))
		missing |= ADMIT_LACKS_INGRESS;
	return missing;
}

uint8_t admit_drops(const struct admit_list *egress, const struct admit_list *target_ingress,
		    const struct address *target, uint16_t health_port)
{
	uint16_t checked = health_port ? health_port : target->port;
	uint8_t of_requests = lacks(egress, target_ingress, target, target->port);
	uint8_t of_checks = lacks(egress, target_ingress, target, checked);

	return (uint8_t)(of_requests | of_checks | (of_requests ? ADMIT_DROPS_REQUESTS : 0) |
			 (of_checks ? ADMIT_DROPS_CHECKS : 0));
}
