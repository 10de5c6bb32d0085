/*
 * routes: internet gateways, route tables, and the default network ACL of each VPC. Packets do
 * not take these routes: they are kept and checked, so that what is built on them fits together.
 */
#include "services/ec2/ec2_internal.h"

#include "net/address.h"

/* ---- Internet gateways ---- */

err_t ec2_create_internet_gateway(struct api_call *call)
{
	char id[EC2_ID_BYTES];
	json_t *tags, *gateway;

	TRY(ec2_tags_of_input(call, "internet-gateway", &tags));
	ec2_random_id("igw-", id);
	gateway = json_pack("{s:s, s:s, s:[], s:O}", "InternetGatewayId", id, "OwnerId",
			    ec2_of(call)->options.account, "Attachments", "Tags", tags);
	TRY(ec2_add(call, &ec2_gateways, gateway));
	return ec2_set(call->output, "InternetGateway", json_incref(gateway));
}

err_t ec2_attach_internet_gateway(struct api_call *call)
{
	const char *vpc_id = ec2_text(call->input, "VpcId");
	json_t *gateway, *vpc;
	bool taken;

	TRY(ec2_find_input(call, &ec2_gateways, &gateway));
	TRY(ec2_find_input(call, &ec2_vpcs, &vpc));
	if (json_array_size(json_object_get(gateway, "Attachments")))
		return api_fault(
			call, "Resource.AlreadyAssociated",
			"resource %s is already attached to network %s",
			ec2_text(gateway, "InternetGatewayId"),
			ec2_text(json_array_get(json_object_get(gateway, "Attachments"), 0),
				 "VpcId"));
	TRY(ec2_any(call, &ec2_gateways, "Attachments.VpcId", vpc_id, &taken));
	if (taken)
		return api_fault(call, "InvalidParameterValue",
				 "Network %s already has an internet gateway attached", vpc_id);
	TRY(ec2_append(json_object_get(gateway, "Attachments"),
		       json_pack("{s:s, s:s}", "State", "available", "VpcId", vpc_id)));
	TRY(ec2_save(call, &ec2_gateways, gateway));
	return ec2_answer_true(call);
}

err_t ec2_detach_internet_gateway(struct api_call *call)
{
	const char *vpc_id = ec2_text(call->input, "VpcId");
	json_t *gateway, *vpc;

	TRY(ec2_find_input(call, &ec2_gateways, &gateway));
	TRY(ec2_find_input(call, &ec2_vpcs, &vpc));
	if (!ec2_path_has(gateway, "Attachments.VpcId", vpc_id))
		return api_fault(call, "Gateway.NotAttached",
				 "resource %s is not attached to network %s",
				 ec2_text(gateway, "InternetGatewayId"), vpc_id);
	json_array_clear(json_object_get(gateway, "Attachments"));
	TRY(ec2_save(call, &ec2_gateways, gateway));
	return ec2_answer_true(call);
}

err_t ec2_delete_internet_gateway(struct api_call *call)
{
	const char *id = ec2_text(call->input, "InternetGatewayId");
	json_t *gateway;

	TRY(ec2_find_input(call, &ec2_gateways, &gateway));
	if (json_array_size(json_object_get(gateway, "Attachments")))
		return api_fault(call, "DependencyViolation",
				 "The internetGateway '%s' has dependencies and cannot be deleted.",
				 id);
	TRY(ec2_drop(call, &ec2_gateways, id));
	return ec2_answer_true(call);
}

/* ---- Route tables ---- */

err_t ec2_create_route_table(struct api_call *call)
{
	char id[EC2_ID_BYTES];
	json_t *vpc, *tags, *table;

	TRY(ec2_find_input(call, &ec2_vpcs, &vpc));
	TRY(ec2_tags_of_input(call, "route-table", &tags));
	ec2_random_id("rtb-", id);
	table = ec2_new_table(ec2_of(call), id, ec2_text(vpc, "VpcId"), ec2_text(vpc, "CidrBlock"));
	TRY(ec2_hold(call, table));
	TRY(ec2_set(table, "Tags", json_incref(tags)));
	TRY(ec2_add(call, &ec2_tables, json_incref(table)));
	return ec2_set(call->output, "RouteTable", json_incref(table));
}

err_t ec2_delete_route_table(struct api_call *call)
{
	const char *id = ec2_text(call->input, "RouteTableId");
	json_t *table;

	TRY(ec2_find_input(call, &ec2_tables, &table));
	if (json_array_size(json_object_get(table, "Associations")))
		return api_fault(call, "DependencyViolation",
				 "The routeTable '%s' has dependencies and cannot be deleted.", id);
	TRY(ec2_drop(call, &ec2_tables, id));
	return ec2_answer_true(call);
}

static err_t associate(struct api_call *call, json_t *table, const char *subnet, const char *member)
{
	char id[EC2_ID_BYTES];

	ec2_random_id("rtbassoc-", id);
	TRY(ec2_append(json_object_get(table, "Associations"),
		       ec2_new_association(id, ec2_text(table, "RouteTableId"), subnet)));
	TRY(ec2_save(call, &ec2_tables, table));
	TRY(ec2_set(call->output, member, json_string(id)));
	return ec2_set(call->output, "AssociationState", json_pack("{s:s}", "State", "associated"));
}

err_t ec2_associate_route_table(struct api_call *call)
{
	const char *subnet_id = ec2_text(call->input, "SubnetId");
	json_t *table, *subnet;
	bool taken;

	TRY(ec2_find_input(call, &ec2_tables, &table));
	if (!subnet_id && ec2_text(call->input, "GatewayId"))
		return api_fault(call, "UnsupportedOperation",
				 "Route tables of gateways are not supported here");
	TRY(ec2_find_input(call, &ec2_subnets, &subnet));
	if (!ec2_is(table, "VpcId", ec2_text(subnet, "VpcId")))
		return api_fault(call, "InvalidParameterValue",
				 "Route table %s and subnet %s belong to different networks",
				 ec2_text(table, "RouteTableId"), subnet_id);
	TRY(ec2_any(call, &ec2_tables, "Associations.SubnetId", subnet_id, &taken));
	if (taken)
		return api_fault(call, "Resource.AlreadyAssociated",
				 "the specified association for route table %s conflicts with an "
				 "existing association",
				 ec2_text(table, "RouteTableId"));
	return associate(call, table, subnet_id, "AssociationId");
}

/* Takes an association out of its table; both are what they were but for that. */
static err_t take_association(struct api_call *call, json_t **ret_association)
{
	const char *id = ec2_text(call->input, "AssociationId");
	json_t *list, *table, *association;
	size_t index, at;

	TRY(ec2_list(call, &ec2_tables, &list));
	json_array_foreach (list, index, table) {
		json_t *associations = json_object_get(table, "Associations");

		json_array_foreach (associations, at, association) {
			if (!ec2_is(association, "RouteTableAssociationId", id))
				continue;
			TRY(ec2_hold(call, json_incref(association)));
			*ret_association = association;
			json_array_remove(associations, at);
			return ec2_save(call, &ec2_tables, table);
		}
	}
	return api_fault(call, "InvalidAssociationID.NotFound",
			 "The association ID '%s' does not exist", id);
}

err_t ec2_disassociate_route_table(struct api_call *call)
{
	json_t *association;

	TRY(take_association(call, &association));
	if (json_is_true(json_object_get(association, "Main")))
		return api_fault(call, "InvalidParameterValue",
				 "cannot disassociate the main route table association %s",
				 ec2_text(call->input, "AssociationId"));
	return ec2_answer_true(call);
}

err_t ec2_replace_route_table_association(struct api_call *call)
{
	json_t *association, *table;

	TRY(take_association(call, &association));
	TRY(ec2_find_input(call, &ec2_tables, &table));
	return associate(call, table, ec2_text(association, "SubnetId"), "NewAssociationId");
}

/* ---- Routes ---- */

struct route_input {
	const char *member;	   /* "DestinationCidrBlock" */
	char text[EC2_CIDR_BYTES]; /* canonical */
};

static err_t destination(struct api_call *call, struct route_input *route)
{
	const char *v4 = ec2_text(call->input, "DestinationCidrBlock");
	const char *v6 = ec2_text(call->input, "DestinationIpv6CidrBlock");
	struct cidr cidr;

	if (!v4 && !v6)
		return api_fault(call, "MissingParameter",
				 "The request must contain the parameter destinationCidrBlock");
	route->member = v4 ? "DestinationCidrBlock" : "DestinationIpv6CidrBlock";
	return ec2_cidr(call, v4 ? v4 : v6, v4 ? 4 : 6, &cidr, route->text);
}

static json_t *find_route(const json_t *table, const struct route_input *route, size_t *ret_index)
{
	json_t *found;
	size_t index;

	json_array_foreach (json_object_get(table, "Routes"), index, found)
		if (ec2_is(found, route->member, route->text)) {
			*ret_index = index;
			return found;
		}
	return NULL;
}

static err_t check_gateway(struct api_call *call, const json_t *table)
{
	const char *id = ec2_text(call->input, "GatewayId");
	json_t *gateway;

	if (!id)
		return api_fault(call, "InvalidParameterCombination",
				 "Routes lead to internet gateways only here: specify gatewayId");
	TRY(ec2_find(call, &ec2_gateways, id, &gateway));
	if (!ec2_path_has(gateway, "Attachments.VpcId", ec2_text(table, "VpcId")))
		return api_fault(
			call, "InvalidParameterValue",
			"route table %s and network gateway %s belong to different networks",
			ec2_text(table, "RouteTableId"), id);
	return ERR_OK;
}

err_t ec2_create_route(struct api_call *call)
{
	struct route_input route;
	json_t *table, *old;
	size_t at;

	TRY(ec2_find_input(call, &ec2_tables, &table));
	TRY(destination(call, &route));
	old = find_route(table, &route, &at);
	if (old && ec2_is(old, "GatewayId", ec2_text(call->input, "GatewayId")))
		return ec2_answer_true(call); /* said twice */
	if (old)
		return api_fault(call, "RouteAlreadyExists",
				 "The route identified by %s already exists.", route.text);
	TRY(check_gateway(call, table));
	TRY(ec2_append(
		json_object_get(table, "Routes"),
		ec2_new_route(route.text, ec2_text(call->input, "GatewayId"), "CreateRoute")));
	TRY(ec2_save(call, &ec2_tables, table));
	return ec2_answer_true(call);
}

static err_t changeable(struct api_call *call, json_t **ret_table, size_t *ret_index)
{
	struct route_input route;
	json_t *found;

	TRY(ec2_find_input(call, &ec2_tables, ret_table));
	TRY(destination(call, &route));
	found = find_route(*ret_table, &route, ret_index);
	if (!found)
		return api_fault(call, "InvalidRoute.NotFound",
				 "no route with destination-cidr-block %s in route table %s",
				 route.text, ec2_text(*ret_table, "RouteTableId"));
	if (ec2_is(found, "GatewayId", "local"))
		return api_fault(call, "InvalidParameterValue",
				 "cannot change local route %s in route table %s", route.text,
				 ec2_text(*ret_table, "RouteTableId"));
	return ERR_OK;
}

err_t ec2_delete_route(struct api_call *call)
{
	json_t *table;
	size_t at;

	TRY(changeable(call, &table, &at));
	json_array_remove(json_object_get(table, "Routes"), at);
	TRY(ec2_save(call, &ec2_tables, table));
	return ec2_answer_true(call);
}

err_t ec2_replace_route(struct api_call *call)
{
	json_t *table;
	size_t at;

	TRY(changeable(call, &table, &at));
	TRY(check_gateway(call, table));
	TRY(ec2_set(json_array_get(json_object_get(table, "Routes"), at), "GatewayId",
		    json_incref(json_object_get(call->input, "GatewayId"))));
	TRY(ec2_save(call, &ec2_tables, table));
	return ec2_answer_true(call);
}

/* ---- Network ACLs: each VPC has its default one, which lets everything through ---- */

static json_t *acl_entry(bool egress, bool last)
{
	return json_pack("{s:s, s:b, s:s, s:s, s:i}", "CidrBlock", "0.0.0.0/0", "Egress",
			 (int)egress, "Protocol", "-1", "RuleAction", last ? "deny" : "allow",
			 "RuleNumber", last ? 32767 : 100);
}

static err_t make_acl(struct api_call *call, const json_t *vpc, json_t *subnets, json_t *list)
{
	const char *vpc_id = ec2_text(vpc, "VpcId");
	char id[EC2_ID_BYTES], association[EC2_ID_BYTES];
	json_t *acl, *subnet, *associations = json_array();
	size_t index;

	TRY(ec2_hold(call, associations));
	ec2_id(ec2_of(call), "acl-", vpc_id, id);
	json_array_foreach (subnets, index, subnet) {
		const char *subnet_id = ec2_text(subnet, "SubnetId");

		if (!ec2_is(subnet, "VpcId", vpc_id))
			continue;
		ec2_id(ec2_of(call), "aclassoc-", subnet_id, association);
		TRY(ec2_append(associations,
			       json_pack("{s:s, s:s, s:s}", "NetworkAclAssociationId", association,
					 "NetworkAclId", id, "SubnetId", subnet_id)));
	}
	acl = json_pack("{s:s, s:s, s:s, s:b, s:O, s:[o, o, o, o], s:[]}", "NetworkAclId", id,
			"VpcId", vpc_id, "OwnerId", ec2_of(call)->options.account, "IsDefault", 1,
			"Associations", associations, "Entries", acl_entry(true, false),
			acl_entry(true, true), acl_entry(false, false), acl_entry(false, true),
			"Tags");
	return ec2_append(list, acl);
}

err_t ec2_describe_network_acls(struct api_call *call)
{
	static const struct ec2_filter filters[] = {
		{ "network-acl-id", "NetworkAclId" },
		{ "vpc-id", "VpcId" },
		{ "default", "IsDefault" },
		{ "owner-id", "OwnerId" },
		{ "association.subnet-id", "Associations.SubnetId" },
		{ "association.association-id", "Associations.NetworkAclAssociationId" },
		{ "association.network-acl-id", "Associations.NetworkAclId" },
		{ NULL, NULL },
	};
	const json_t *ids = json_object_get(call->input, "NetworkAclIds"), *id;
	json_t *vpcs, *subnets, *vpc, *list = json_array();
	size_t index;

	TRY(ec2_hold(call, list));
	TRY(ec2_list(call, &ec2_vpcs, &vpcs));
	TRY(ec2_list(call, &ec2_subnets, &subnets));
	json_array_foreach (vpcs, index, vpc)
		TRY(make_acl(call, vpc, subnets, list));
	json_array_foreach (ids, index, id) {
		if (!ec2_path_has(list, "NetworkAclId", json_string_value(id)))
			return api_fault(call, "InvalidNetworkAclID.NotFound",
					 "The networkAcl ID '%s' does not exist",
					 json_string_value(id));
	}
	for (size_t i = 0; json_array_size(ids) && i < json_array_size(list);) {
		bool asked = false;

		json_array_foreach (ids, index, id)
			asked |= json_equal(
				id, json_object_get(json_array_get(list, i), "NetworkAclId"));
		if (asked)
			i++;
		else
			json_array_remove(list, i);
	}
	TRY(ec2_filter_list(call, filters, list));
	return ec2_page(call, "NetworkAcls", list);
}
