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

static bool reaches(const struct admit_list *egress, const struct admit_list *target_ingress,
		    const struct address *target, uint16_t port)
{
	return admit_allows(egress, target, port) && admit_allows(target_ingress, target, port);
}

uint8_t admit_drops(const struct admit_list *egress, const struct admit_list *target_ingress,
		    const struct address *target, uint16_t health_port)
{
	uint16_t checked = health_port ? health_port : target->port;
	uint8_t drops = 0;

	if (!reaches(egress, target_ingress, target, target->port))
		drops |= ADMIT_DROPS_REQUESTS;
	if (!reaches(egress, target_ingress, target, checked))
		drops |= ADMIT_DROPS_CHECKS;
	return drops;
}
