#include "services/elbv2/members.h"

#include <stdlib.h>
#include <string.h>

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

void members_fini(struct members *members)
{
	map_fini(&members->by_address);
	json_decref(members->held);
	free(members->at);
	*members = (struct members)MEMBERS_INIT;
}

bool subnet_range(const json_t *subnets, const char *id, struct cidr *ret_range)
{
	const json_t *subnet;
	size_t index;

	json_array_foreach (subnets, index, subnet)
		if (strcmp(text_of(subnet, "SubnetId"), id) == 0)
			return !cidr_parse(bytes_of(text_of(subnet, "CidrBlock")), ret_range);
	return false;
}

/* Addresses compare without their ports. */
static struct bytes key_of(const struct address *at, struct address *ret_copy)
{
	*ret_copy = *at;
	ret_copy->port = 0;
	return bytes_make((const char *)ret_copy, sizeof *ret_copy);
}

static err_t add(struct members *members, const json_t *owner, const char *groups,
		 const json_t *subnets)
{
	struct member *member = &members->at[members->count];
	struct address copy;

	*member = (struct member){ .groups = json_object_get(owner, groups) };
	if (address_parse_ip(bytes_of(text_of(owner, "PrivateIpAddress")), 0, &member->at) ||
	    map_get(&members->by_address, key_of(&member->at, &copy)))
		return ERR_OK;
	subnet_range(subnets, text_of(owner, "SubnetId"), &member->subnet);
	TRY(map_put(&members->by_address, key_of(&member->at, &copy), member, NULL));
	members->count++;
	return ERR_OK;
}

static err_t fill(struct members *members, const json_t *interfaces, const json_t *instances,
		  const json_t *subnets)
{
	const json_t *owner;
	size_t index;

	json_array_foreach (interfaces, index, owner)
		TRY(add(members, owner, "Groups", subnets));
	json_array_foreach (instances, index, owner)
		TRY(add(members, owner, "SecurityGroups", subnets));
	return ERR_OK;
}

err_t members_make(struct members *ret_members, json_t *interfaces, json_t *instances,
		   json_t *subnets)
{
	size_t most = json_array_size(interfaces) + json_array_size(instances);
	struct members members = MEMBERS_INIT;
	err_t err = ERR_NOMEM;

	members.held = json_pack("[O, O]", interfaces, instances);
	members.at = calloc(most + 1, sizeof *members.at);
	if (members.held && members.at)
		err = fill(&members, interfaces, instances, subnets);
	if (err)
		members_fini(&members);
	else
		*ret_members = members;
	return err;
}

const struct member *members_find(const struct members *members, const struct address *at)
{
	struct address copy;

	return map_get(&members->by_address, key_of(at, &copy));
}

bool member_is_in(const struct member *member, const char *group)
{
	const json_t *own;
	size_t index;

	json_array_foreach (member->groups, index, own)
		if (strcmp(text_of(own, "GroupId"), group) == 0)
			return true;
	return false;
}

bool member_is_within(const struct member *member, const struct cidr *range)
{
	return cidr_contains(range, &member->at) ||
	       (member->subnet.base.family && cidr_covers(range, &member->subnet));
}
