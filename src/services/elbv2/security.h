/*
 * security: what EC2's security groups let through, as lists for the balancer. The groups, and
 * whose addresses are in them, are asked through the API's door and kept until the change feed
 * says that they changed.
 *
 * A range of addresses means those in it, and those of interfaces whose whole subnet is in it: a
 * task has an address of this machine and a place in a subnet, and rules may speak of either.
 *
 * Internal to the folder; the control thread.
 */
#ifndef SERVICES_ELBV2_SECURITY_H
#define SERVICES_ELBV2_SECURITY_H

#include "api/api.h"
#include "lb/admit.h"
#include "services/elbv2/members.h"
#include "store/store.h"

struct security {
	json_t *groups;	    /* as DescribeSecurityGroups answers them; NULL: never asked */
	json_t *subnets;    /* as DescribeSubnets does */
	json_t *lists;	    /* prefix lists that groups name: {id: [{Cidr}]} */
	json_t *interfaces; /* of tasks, as DescribeNetworkInterfaces does */
	struct members members;
	bool stale;	  /* what EC2 keeps has changed */
	bool moved;	  /* subnets among it: they are asked for less often, as they ask us */
	bool tasks_stale; /* tasks came or went, or took a step */
};

void security_init(struct security *security); /* stale */
void security_fini(struct security *security);

/* From the change feed. True when groups or their members changed for sure. */
bool security_note(struct security *security, const struct store_change *changes, size_t count);

/* Tasks changed: only security_refresh tells whether their interfaces did. */
static inline bool security_may_differ(const struct security *security)
{
	return security->tasks_stale;
}

/*
 * Asks anew where that is due; no transaction may be open. Without an EC2 service nothing is
 * known, and every list is NULL: everything goes through.
 */
err_t security_refresh(struct security *security, struct api *api, const struct api_caller *caller,
		       bool *ret_changed);

enum security_way { SECURITY_INGRESS, SECURITY_EGRESS };

/* What the groups `ids` (of a load balancer) let in or out, over TCP; in the arena. */
err_t security_of_groups(const struct security *security, const json_t *ids, enum security_way way,
			 struct arena *arena, const struct admit_list **ret_list);

/* Who wants to reach a target: a load balancer. */
struct security_balancer {
	const json_t *groups;  /* ids */
	const json_t *zones;   /* [{SubnetId}]: where it has its interfaces */
	struct address source; /* where its connections come from */
};

/*
 * What the groups of the interface at `target` let in from the balancer. The list is asked with
 * the target's own address. NULL: no interface that is known has that address.
 */
err_t security_of_target(const struct security *security, const struct address *target,
			 const struct security_balancer *balancer, struct arena *arena,
			 const struct admit_list **ret_list);

#endif
