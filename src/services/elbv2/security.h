/*
 * security: what EC2's security groups let through, as lists for the balancer. The groups are
 * asked through the API's door and kept until the change feed says that they changed.
 *
 * Internal to the folder; the control thread.
 */
#ifndef SERVICES_ELBV2_SECURITY_H
#define SERVICES_ELBV2_SECURITY_H

#include "api/api.h"
#include "lb/admit.h"
#include "store/store.h"

struct security {
	json_t *groups;	   /* as DescribeSecurityGroups answers them; NULL: never asked */
	json_t *instances; /* as DescribeInstances answers them, without the reservations */
	bool stale;
};

void security_init(struct security *security); /* stale */
void security_fini(struct security *security);

/* From the change feed. True when groups or their members changed. */
bool security_note(struct security *security, const struct store_change *changes, size_t count);

/*
 * Asks anew where that is due; no transaction may be open. Without an EC2 service nothing is
 * known, and every list is NULL: everything goes through.
 */
err_t security_refresh(struct security *security, struct api *api, const struct api_caller *caller);

enum security_way { SECURITY_INGRESS, SECURITY_EGRESS };

/* What the groups `ids` (of a load balancer) let in or out, over TCP; in the arena. */
err_t security_of_groups(const struct security *security, const json_t *ids, enum security_way way,
			 struct arena *arena, const struct admit_list **ret_list);

/*
 * What the groups of the instance at `target` let in from a balancer that has the groups
 * `balancer_ids` and comes from `source`. The list is asked with the target's own address. NULL:
 * no instance has that address.
 */
err_t security_of_target(const struct security *security, const struct address *target,
			 const json_t *balancer_ids, const struct address *source,
			 struct arena *arena, const struct admit_list **ret_list);

#endif
