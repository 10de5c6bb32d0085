/*
 * seed: the default network, as AWS makes it for a new account.
 */
#include "services/ec2/ec2_internal.h"

#include <stdio.h>

#include "crypto/digest.h"

void ec2_id(const struct ec2 *ec2, const char *prefix, const char *what, char out[40])
{
	char text[256], hex[SHA256_HEX_BYTES + 1];
	int len = snprintf(text, sizeof text, "%s/%s/%s%s", ec2->options.account,
			   ec2->options.region, prefix, what);

	sha256_hex(bytes_make(text, size_min((size_t)len, sizeof text - 1)), hex);
	snprintf(out, 40, "%s%.17s", prefix, hex);
}

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
		char id[40], zone[32], zone_id[32], cidr[32], arn[160];
		json_t *body;

		ec2_zone_name(ec2, i, zone);
		ec2_zone_id(ec2, i, zone_id);
		ec2_id(ec2, "subnet-", zone, id);
		snprintf(cidr, sizeof cidr, "172.31.%u.0/20", 16 * i);
		snprintf(arn, sizeof arn, "arn:aws:ec2:%s:%s:subnet/%s", ec2->options.region,
			 ec2->options.account, id);
		body = json_pack(
			"{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:b, s:b, s:i, "
			"s:[], s:[]}",
			"SubnetId", id, "SubnetArn", arn, "VpcId", vpc, "OwnerId",
			ec2->options.account, "AvailabilityZone", zone, "AvailabilityZoneId",
			zone_id, "CidrBlock", cidr, "State", "available", "DefaultForAz", 1,
			"MapPublicIpOnLaunch", 1, "AssignIpv6AddressOnCreation", 0, "Ipv6Native", 0,
			"EnableDns64", 0, "AvailableIpAddressCount", 4091,
			"Ipv6CidrBlockAssociationSet", "Tags");
		TRY(insert(txn, EC2_SUBNET, id, vpc, body));
	}
	return ERR_OK;
}

static err_t seed_group(const struct ec2 *ec2, struct store_txn *txn, const char *vpc)
{
	const char *account = ec2->options.account;
	char id[40], arn[160];

	ec2_id(ec2, "sg-", "default", id);
	snprintf(arn, sizeof arn, "arn:aws:ec2:%s:%s:security-group/%s", ec2->options.region,
		 account, id);
	return insert(
		txn, EC2_SECURITY_GROUP, id, vpc,
		json_pack(
			"{s:s, s:s, s:s, s:s, s:s, s:s, s:[{s:s, s:[{s:s, s:s}], s:[], s:[], s:[]}], "
			"s:[{s:s, s:[], s:[{s:s}], s:[], s:[]}], s:[]}",
			"GroupId", id, "SecurityGroupArn", arn, "GroupName", "default",
			"Description", "default VPC security group", "VpcId", vpc, "OwnerId",
			account, "IpPermissions", "IpProtocol", "-1", "UserIdGroupPairs", "UserId",
			account, "GroupId", id, "IpRanges", "Ipv6Ranges", "PrefixListIds",
			"IpPermissionsEgress", "IpProtocol", "-1", "UserIdGroupPairs", "IpRanges",
			"CidrIp", "0.0.0.0/0", "Ipv6Ranges", "PrefixListIds", "Tags"));
}

static err_t seed_routes(const struct ec2 *ec2, struct store_txn *txn, const char *vpc)
{
	const char *account = ec2->options.account;
	char table[40], association[40], gateway[40];

	ec2_id(ec2, "rtb-", "main", table);
	ec2_id(ec2, "rtbassoc-", "main", association);
	ec2_id(ec2, "igw-", "default", gateway);
	TRY(insert(txn, EC2_INTERNET_GATEWAY, gateway, vpc,
		   json_pack("{s:s, s:s, s:[{s:s, s:s}], s:[]}", "InternetGatewayId", gateway,
			     "OwnerId", account, "Attachments", "State", "available", "VpcId", vpc,
			     "Tags")));
	return insert(
		txn, EC2_ROUTE_TABLE, table, vpc,
		json_pack(
			"{s:s, s:s, s:s, s:[{s:b, s:s, s:s, s:{s:s}}], s:[{s:s, s:s, s:s, s:s}, {s:s, "
			"s:s, s:s, s:s}], s:[], s:[]}",
			"RouteTableId", table, "VpcId", vpc, "OwnerId", account, "Associations",
			"Main", 1, "RouteTableAssociationId", association, "RouteTableId", table,
			"AssociationState", "State", "associated", "Routes", "DestinationCidrBlock",
			"172.31.0.0/16", "GatewayId", "local", "Origin", "CreateRouteTable",
			"State", "active", "DestinationCidrBlock", "0.0.0.0/0", "GatewayId",
			gateway, "Origin", "CreateRoute", "State", "active", "PropagatingVgws",
			"Tags"));
}

err_t ec2_seed(const struct ec2 *ec2, struct store_txn *txn, bool *ret_wrote)
{
	char vpc[40], association[40], options[40];
	uint64_t count;

	TRY(store_count(txn, EC2_VPC, NULL, &count));
	*ret_wrote = count == 0;
	if (count)
		return ERR_OK;

	ec2_id(ec2, "vpc-", "default", vpc);
	ec2_id(ec2, "vpc-cidr-assoc-", "default", association);
	ec2_id(ec2, "dopt-", "default", options);
	TRY(insert(txn, EC2_VPC, vpc, "",
		   json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:[{s:s, s:s, s:{s:s}}], s:[]}",
			     "VpcId", vpc, "OwnerId", ec2->options.account, "CidrBlock",
			     "172.31.0.0/16", "State", "available", "DhcpOptionsId", options,
			     "InstanceTenancy", "default", "IsDefault", 1,
			     "CidrBlockAssociationSet", "AssociationId", association, "CidrBlock",
			     "172.31.0.0/16", "CidrBlockState", "State", "associated", "Tags")));
	TRY(seed_subnets(ec2, txn, vpc));
	TRY(seed_group(ec2, txn, vpc));
	return seed_routes(ec2, txn, vpc);
}
