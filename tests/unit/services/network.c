/* EC2's default network and STS, as the tools ask for them. */
#include "tests/unit/services/house.h"

static json_t *ec2(const char *operation, json_t *input)
{
	return house_try("ec2", operation, input);
}

TEST(a_default_vpc_with_three_subnets_is_there_from_the_start_with_stable_ids)
{
	const char *vpc, *subnet;
	json_t *out;

	house_open();
	out = ec2("DescribeVpcs", json_object());
	CHECK_EQ(json_array_size(node(out, "Vpcs")), 1);
	CHECK_STR(at(out, "Vpcs.0.CidrBlock"), "172.31.0.0/16");
	CHECK_STR(at(out, "Vpcs.0.IsDefault"), "true");
	vpc = at(out, "Vpcs.0.VpcId");
	CHECK(strncmp(vpc, "vpc-", 4) == 0 && strlen(vpc) == 21, "%s", vpc);
	out = ec2("DescribeSubnets", json_object());
	CHECK_EQ(json_array_size(node(out, "Subnets")), 3);
	CHECK_STR(at(out, "Subnets.0.AvailabilityZone"), "us-east-1a");
	CHECK_STR(at(out, "Subnets.2.AvailabilityZoneId"), "use1-az3");
	CHECK_STR(at(out, "Subnets.1.CidrBlock"), "172.31.16.0/20");
	CHECK_STR(at(out, "Subnets.1.VpcId"), vpc);
	subnet = at(out, "Subnets.0.SubnetId");
	house_restart();
	CHECK_STR(house_subnet(0), subnet, "after a restart");
	house_close();
	house_open();
	CHECK_STR(house_subnet(0), house_subnet(0));
	CHECK_EQ(strlen(house_subnet(0)), 24);
	house_close();
}

TEST(ids_follow_from_account_and_region_alone)
{
	char first[32];

	house_open();
	snprintf(first, sizeof first, "%s", house_subnet(1));
	house_close();
	house_open();
	CHECK_STR(house_subnet(1), first, "another store, the same id");
	house_close();
}

TEST(filters_narrow_as_ec2_does)
{
	static const struct {
		const char *operation, *list, *name, *value;
		size_t want;
	} cases[] = {
		{ "DescribeSubnets", "Subnets", "availability-zone", "us-east-1b", 1 },
		{ "DescribeSubnets", "Subnets", "availability-zone", "us-east-1*", 3 },
		{ "DescribeSubnets", "Subnets", "availability-zone", "us-east-1?", 3 },
		{ "DescribeSubnets", "Subnets", "availability-zone", "us-west-*", 0 },
		{ "DescribeSubnets", "Subnets", "default-for-az", "true", 3 },
		{ "DescribeSubnets", "Subnets", "default-for-az", "false", 0 },
		{ "DescribeSubnets", "Subnets", "tag:Name", "x", 0 },
		{ "DescribeVpcs", "Vpcs", "isDefault", "true", 1 },
		{ "DescribeVpcs", "Vpcs", "cidr-block-association.state", "associated", 1 },
		{ "DescribeVpcs", "Vpcs", "tag-key", "x", 0 },
		{ "DescribeSecurityGroups", "SecurityGroups", "group-name", "default", 1 },
		{ "DescribeSecurityGroups", "SecurityGroups", "group-name", "other", 0 },
		{ "DescribeRouteTables", "RouteTables", "association.main", "true", 1 },
		{ "DescribeRouteTables", "RouteTables", "route.destination-cidr-block", "0.0.0.0/0",
		  1 },
		{ "DescribeInternetGateways", "InternetGateways", "attachment.state", "available",
		  1 },
		{ "DescribeAvailabilityZones", "AvailabilityZones", "zone-name", "us-east-1c", 1 },
		{ "DescribeAvailabilityZones", "AvailabilityZones", "state", "impaired", 0 },
	};

	house_open();
	for (size_t i = 0; i < COUNT(cases); i++) {
		json_t *out = ec2(cases[i].operation,
				  json_pack("{s:[{s:s, s:[s]}]}", "Filters", "Name", cases[i].name,
					    "Values", cases[i].value));

		CHECK_EQ(json_array_size(node(out, cases[i].list)), cases[i].want, "%s %s=%s: %s",
			 cases[i].operation, cases[i].name, cases[i].value, house.fault.message);
	}
	CHECK(!ec2("DescribeVpcs",
		   json_pack("{s:[{s:s, s:[s]}]}", "Filters", "Name", "colour", "Values", "blue")),
	      "no such filter");
	CHECK_STR(house.fault.code, "InvalidParameterValue");
	CHECK_STR(house.fault.message, "The filter 'colour' is invalid");
	house_close();
}

TEST(filters_of_several_values_and_several_filters_combine)
{
	json_t *out;

	house_open();
	out = ec2("DescribeSubnets",
		  json_pack("{s:[{s:s, s:[s, s]}]}", "Filters", "Name", "availability-zone",
			    "Values", "us-east-1a", "us-east-1c"));
	CHECK_EQ(json_array_size(node(out, "Subnets")), 2, "either value");
	out = ec2("DescribeSubnets",
		  json_pack("{s:[{s:s, s:[s, s]}, {s:s, s:[s]}]}", "Filters", "Name",
			    "availability-zone", "Values", "us-east-1a", "us-east-1c", "Name",
			    "cidr-block", "Values", "172.31.0.0/20"));
	CHECK_EQ(json_array_size(node(out, "Subnets")), 1, "both filters");
	house_close();
}

TEST(unknown_ids_are_refused_with_the_codes_of_ec2)
{
	static const struct {
		const char *operation, *member, *id, *code, *message;
	} cases[] = {
		{ "DescribeVpcs", "VpcIds", "vpc-1", "InvalidVpcID.NotFound",
		  "The vpc ID 'vpc-1' does not exist" },
		{ "DescribeSubnets", "SubnetIds", "subnet-1", "InvalidSubnetID.NotFound",
		  "The subnet ID 'subnet-1' does not exist" },
		{ "DescribeSubnets", "SubnetIds", "nonsense", "InvalidSubnetID.Malformed", NULL },
		{ "DescribeSecurityGroups", "GroupIds", "sg-1", "InvalidGroup.NotFound",
		  "The security group 'sg-1' does not exist" },
		{ "DescribeSecurityGroups", "GroupNames", "mine", "InvalidGroup.NotFound",
		  "The security group 'mine' does not exist in default VPC" },
		{ "DescribeRouteTables", "RouteTableIds", "rtb-1", "InvalidRouteTableID.NotFound",
		  NULL },
		{ "DescribeInternetGateways", "InternetGatewayIds", "igw-1",
		  "InvalidInternetGatewayID.NotFound", NULL },
		{ "DescribeAvailabilityZones", "ZoneNames", "us-east-1z", "InvalidParameterValue",
		  NULL },
	};

	house_open();
	for (size_t i = 0; i < COUNT(cases); i++) {
		CHECK(!ec2(cases[i].operation, json_pack("{s:[s]}", cases[i].member, cases[i].id)),
		      "%s", cases[i].id);
		CHECK_STR(house.fault.code, cases[i].code, "%s", cases[i].operation);
		if (cases[i].message)
			CHECK_STR(house.fault.message, cases[i].message);
	}
	CHECK(!ec2("DescribeVpcs", json_pack("{s:b}", "DryRun", 1)), "a dry run");
	CHECK_STR(house.fault.code, "DryRunOperation");
	CHECK_EQ(house.fault.status, 412);
	CHECK(!ec2("RunInstances", json_object()), "no instances here");
	CHECK_STR(house.fault.code, "UnsupportedOperation");
	house_close();
}

TEST(attributes_of_vpc_and_account_are_told)
{
	const char *vpc;

	house_open();
	vpc = house_vpc();
	CHECK_STR(at(ec2("DescribeVpcAttribute",
			 json_pack("{s:s, s:s}", "VpcId", vpc, "Attribute", "enableDnsSupport")),
		     "EnableDnsSupport.Value"),
		  "true");
	CHECK_STR(at(ec2("DescribeVpcAttribute", json_pack("{s:s, s:s}", "VpcId", vpc, "Attribute",
							   "enableNetworkAddressUsageMetrics")),
		     "EnableNetworkAddressUsageMetrics.Value"),
		  "false");
	CHECK(!ec2("DescribeVpcAttribute",
		   json_pack("{s:s, s:s}", "VpcId", vpc, "Attribute", "colour")),
	      "no such attribute");
	CHECK(!ec2("DescribeVpcAttribute",
		   json_pack("{s:s, s:s}", "VpcId", "vpc-1", "Attribute", "enableDnsSupport")),
	      "no such vpc");
	CHECK_STR(house.fault.code, "InvalidVpcID.NotFound");
	CHECK_STR(at(ec2("DescribeAccountAttributes",
			 json_pack("{s:[s]}", "AttributeNames", "default-vpc")),
		     "AccountAttributes.0.AttributeValues.0.AttributeValue"),
		  vpc);
	house_close();
}

TEST(the_caller_is_told_who_it_is)
{
	json_t *out;

	house_open();
	out = house_try("sts", "GetCallerIdentity", json_object());
	CHECK_STR(at(out, "Account"), "000000000000");
	CHECK_STR(at(out, "Arn"), "arn:aws:iam::000000000000:root");
	CHECK_STR(at(out, "UserId"), "000000000000");
	house_close();
}

TEST(a_caller_that_nobody_verified_is_the_root_of_the_account)
{
	static const struct api_caller nobody = { .account = "000000000000",
						  .region = "us-east-1" };
	json_t *in = json_object(), *out;
	struct api_fault fault;

	house_open();
	CHECK_OK(api_call(house.api, &nobody, "sts", "GetCallerIdentity", in, &out, &fault));
	CHECK_STR(at(out, "Arn"), "arn:aws:iam::000000000000:root");
	CHECK_STR(at(out, "UserId"), "000000000000");
	json_decref(in);
	json_decref(out);
	house_close();
}
