/*
 * members: the addresses that security groups hold: of the interfaces of tasks, and of the mapped
 * instances. Each address is in the groups of the interface that owns it.
 *
 * Internal to the folder; the control thread.
 */
#ifndef SERVICES_ELBV2_MEMBERS_H
#define SERVICES_ELBV2_MEMBERS_H

#include <jansson.h>

#include "base/map.h"
#include "net/address.h"

struct member {
	struct address at;    /* port 0 */
	struct cidr subnet;   /* the interface's; family 0: it is in none */
	const json_t *groups; /* [{GroupId}]; borrowed of `held` */
};

struct members {
	struct member *at;
	size_t count;
	struct map by_address;
	json_t *held; /* the answers they were made of */
};

#define MEMBERS_INIT       \
	{                  \
		.at = NULL \
	}
void members_fini(struct members *members); /* ready to be made again */

/*
 * From what EC2 answers (lists of DescribeNetworkInterfaces, DescribeInstances and
 * DescribeSubnets; kept by reference). Where an interface and an instance have one address it is
 * the interface's.
 */
err_t members_make(struct members *ret_members, json_t *interfaces, json_t *instances,
		   json_t *subnets);

/* By address, whatever its port; NULL: nobody's. */
const struct member *members_find(const struct members *members, const struct address *at);

bool member_is_in(const struct member *member, const char *group);

/* Whether a rule for `range` means the member: its address is in it, or all of its subnet is. */
bool member_is_within(const struct member *member, const struct cidr *range);

/* {SubnetId, CidrBlock} of a subnet; false: there is none. */
bool subnet_range(const json_t *subnets, const char *id, struct cidr *ret_range);

#endif
