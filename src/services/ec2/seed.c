/*
 * seed: the parts of a network as AWS makes them, and the default one, for a new account.
 */
#include "services/ec2/ec2_internal.h"

#include <stdio.h>

/* ---- Parts ---- */

json_t *ec2_new_vpc(const struct ec2 *ec2, const char *id, const char *cidr, bool is_default)
{
	char association[EC2_ID_BYTES], options[EC2_ID_BYTES];

	ec2_id(ec2, "vpc-cidr-assoc-", is_default ? "default" : id, association);
	ec2_id(ec2, "dopt-", "default", options);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:[{s:s, s:s, s:{s:s}}], s:[]}",
			 "VpcId", id, "OwnerId", ec2->options.account, "CidrBlock", cidr, "State",
			 "available", "DhcpOptionsId", options, "InstanceTenancy", "default",
			 "IsDefault", (int)is_default, "CidrBlockAssociationSet", "AssociationId",
			 association, "CidrBlock", cidr, "CidrBlockState", "State", "associated",
			 "Tags");
}

json_t *ec2_new_subnet(const struct ec2 *ec2, const struct ec2_new_subnet *subnet)
{
	char zone[32], zone_id[32], arn[160];
	int is_default = subnet->is_default;

	ec2_zone_name(ec2, subnet->zone, zone);
	ec2_zone_id(ec2, subnet->zone, zone_id);
	snprintf(arn, sizeof arn, "arn:aws:ec2:%s:%s:subnet/%s", ec2->options.region,
		 ec2->options.account, subnet->id);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:b, s:b, s:i, "
			 "s:[], s:[]}",
			 "SubnetId", subnet->id, "SubnetArn", arn, "VpcId", subnet->vpc, "OwnerId",
			 ec2->options.account, "AvailabilityZone", zone, "AvailabilityZoneId",
			 zone_id, "CidrBlock", subnet->cidr, "State", "available", "DefaultForAz",
			 is_default, "MapPublicIpOnLaunch", is_default,
			 "AssignIpv6AddressOnCreation", 0, "Ipv6Native", 0, "EnableDns64", 0,
			 "AvailableIpAddressCount", (int)subnet->addresses,
			 "Ipv6CidrBlockAssociationSet", "Tags");
}

/* With the rule that everything may go out. */
json_t *ec2_new_group(const struct ec2 *ec2, const char *id, const char *name,
		      const char *description, const char *vpc)
{
	char arn[160];

	snprintf(arn, sizeof arn, "arn:aws:ec2:%s:%s:security-group/%s", ec2->options.region,
		 ec2->options.account, id);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:[o], s:[]}", "GroupId", id,
			 "SecurityGroupArn", arn, "GroupName", name, "Description", description,
			 "VpcId", vpc, "OwnerId", ec2->options.account, "Rules",
			 ec2_new_rule(true, "-1", -1, -1, "CidrIpv4", json_string("0.0.0.0/0")),
			 "Tags");
}

json_t *ec2_new_association(const char *id, const char *table, const char *subnet)
{
	json_t *made = json_pack("{s:b, s:s, s:s, s:{s:s}}", "Main", (int)!subnet,
				 "RouteTableAssociationId", id, "RouteTableId", table,
				 "AssociationState", "State", "associated");

	if (made && subnet && json_object_set_new(made, "SubnetId", json_string(subnet))) {
		json_decref(made);
		return NULL;
	}
	return made;
}

json_t *ec2_new_route(const char *destination, const char *gateway, const char *origin)
{
	bool v6 = strchr(destination, ':') != NULL;

	return json_pack("{s:s, s:s, s:s, s:s}",
			 v6 ? "DestinationIpv6CidrBlock" : "DestinationCidrBlock", destination,
			 "GatewayId", gateway, "Origin", origin, "State", "active");
}

json_t *ec2_new_table(const struct ec2 *ec2, const char *id, const char *vpc, const char *cidr)
{
	return json_pack("{s:s, s:s, s:s, s:[], s:[o], s:[], s:[]}", "RouteTableId", id, "VpcId",
			 vpc, "OwnerId", ec2->options.account, "Associations", "Routes",
			 ec2_new_route(cidr, "local", "CreateRouteTable"), "PropagatingVgws",
			 "Tags");
}

/* ---- The default network ---- */

/* The body is this function's. */
static err_t insert(struct store_txn *txn, const char *kind, const char *id, const char *parent,
		    json_t *body)
{
	struct store_resource resource = { .kind = kind, .id = id, .parent = parent, .body = body };
	err_t err = body ? store_insert(txn, &resource) : ERR_NOMEM;

	json_decref(body);
	return err;
}

static err_t seed_subnets(const struct ec2 *ec2, struct store_txn *txn, const char *vpc)
{
	for (unsigned i = 0; i < EC2_ZONES; i++) {
		char id[EC2_ID_BYTES], zone[32], cidr[32];
		struct ec2_new_subnet subnet = { id, vpc, cidr, i, 4091, true };

		ec2_zone_name(ec2, i, zone);
		ec2_id(ec2, "subnet-", zone, id);
		snprintf(cidr, sizeof cidr, "172.31.%u.0/20", 16 * i);
		TRY(insert(txn, EC2_SUBNET, id, vpc, ec2_new_subnet(ec2, &subnet)));
	}
	return ERR_OK;
}

/*
 * Unlike on AWS, anybody may come in at first: load balancers that name no group get this one, and
 * would be reached by nobody. The rules can be revoked like any other.
 */
static json_t *default_group(const struct ec2 *ec2, const char *id, const char *vpc)
{
	json_t *group = ec2_new_group(ec2, id, "default", "default VPC security group", vpc);
	json_t *rules = json_object_get(group, "Rules"), *rule;
	char name[32], rule_id[EC2_ID_BYTES];
	size_t index;

	if (!group ||
	    ec2_append(rules,
		       ec2_new_rule(false, "-1", -1, -1, "CidrIpv4", json_string("0.0.0.0/0"))) ||
	    ec2_append(rules, ec2_new_rule(false, "-1", -1, -1, "CidrIpv6", json_string("::/0"))) ||
	    ec2_append(rules, ec2_new_rule(false, "-1", -1, -1, "ReferencedGroupInfo",
					   json_pack("{s:s, s:s}", "GroupId", id, "UserId",
						     ec2->options.account)))) {
		json_decref(group);
		return NULL;
	}
	json_array_foreach (rules, index, rule) {
		snprintf(name, sizeof name, "default-%zu", index);
		ec2_id(ec2, "sgr-", name, rule_id);
		if (ec2_set(rule, "SecurityGroupRuleId", json_string(rule_id))) {
			json_decref(group);
			return NULL;
		}
	}
	return group;
}

static err_t seed_group(const struct ec2 *ec2, struct store_txn *txn, const char *vpc)
{
	char id[EC2_ID_BYTES];

	ec2_id(ec2, "sg-", "default", id);
	return insert(txn, EC2_SECURITY_GROUP, id, vpc, default_group(ec2, id, vpc));
}

static err_t seed_routes(const struct ec2 *ec2, struct store_txn *txn, const char *vpc)
{
	char table[EC2_ID_BYTES], association[EC2_ID_BYTES], gateway[EC2_ID_BYTES];
	json_t *body;

	ec2_id(ec2, "rtb-", "main", table);
	ec2_id(ec2, "rtbassoc-", "main", association);
	ec2_id(ec2, "igw-", "default", gateway);
	TRY(insert(txn, EC2_INTERNET_GATEWAY, gateway, "",
		   json_pack("{s:s, s:s, s:[{s:s, s:s}], s:[]}", "InternetGatewayId", gateway,
			     "OwnerId", ec2->options.account, "Attachments", "State", "available",
			     "VpcId", vpc, "Tags")));
	body = ec2_new_table(ec2, table, vpc, "172.31.0.0/16");
	if (!body ||
	    ec2_append(json_object_get(body, "Routes"),
		       ec2_new_route("0.0.0.0/0", gateway, "CreateRoute")) ||
	    ec2_append(json_object_get(body, "Associations"),
		       ec2_new_association(association, table, NULL))) {
		json_decref(body);
		return ERR_NOMEM;
	}
	return insert(txn, EC2_ROUTE_TABLE, table, vpc, body);
}

/* Stores of before groups acted have a default group without "Rules". */
static err_t renew_group(const struct ec2 *ec2, struct store_txn *txn, bool *ret_wrote)
{
	char id[EC2_ID_BYTES], vpc[EC2_ID_BYTES];
	json_t *body;
	bool old;
	err_t err;

	ec2_id(ec2, "sg-", "default", id);
	ec2_id(ec2, "vpc-", "default", vpc);
	err = store_get(txn, EC2_SECURITY_GROUP, id, &body, NULL);
	if (err)
		return err == ERR_NOT_FOUND ? ERR_OK : err; /* the default VPC was deleted */
	old = !json_object_get(body, "Rules");
	json_decref(body);
	if (!old)
		return ERR_OK;
	*ret_wrote = true;
	TRY(store_delete(txn, EC2_SECURITY_GROUP, id));
	return seed_group(ec2, txn, vpc);
}

err_t ec2_seed(const struct ec2 *ec2, struct store_txn *txn, bool *ret_wrote)
{
	char vpc[EC2_ID_BYTES], gateway[EC2_ID_BYTES];
	uint64_t count;
	err_t err;

	*ret_wrote = false;
	TRY(store_count(txn, EC2_VPC, NULL, &count));
	if (count)
		return renew_group(ec2, txn, ret_wrote);
	*ret_wrote = true;
	ec2_id(ec2, "vpc-", "default", vpc);
	/* Its gateway outlives a default VPC that was deleted. */
	ec2_id(ec2, "igw-", "default", gateway);
	err = store_delete(txn, EC2_INTERNET_GATEWAY, gateway);
	if (err && err != ERR_NOT_FOUND)
		return err;
	TRY(insert(txn, EC2_VPC, vpc, "", ec2_new_vpc(ec2, vpc, "172.31.0.0/16", true)));
	TRY(seed_subnets(ec2, txn, vpc));
	TRY(seed_group(ec2, txn, vpc));
	return seed_routes(ec2, txn, vpc);
}
