/*
 * type_ec2: what is particular about networks and security groups.
 */
#include <stdio.h>
#include <string.h>

#include "services/cloudformation/type_hooks.h"

/* Modify… takes one attribute a call; one that is named no more is what it is without. */
static err_t modify(struct resource_step *step, const char *operation, const char *by,
		    const char *name, bool without)
{
	json_t *value = property(step, name);

	if (step->before ? !property_changed(step, name) : !value)
		return ERR_OK;
	return call_api(step, "ec2", operation,
			json_pack("{s:s, s:{s:o}}", by, physical_id(step), name, "Value",
				  value ? json_incref(value) : json_boolean(without)),
			NULL);
}

HOOK(vpc_created)
{
	TRY(modify(step, "ModifyVpcAttribute", "VpcId", "EnableDnsSupport", true));
	return modify(step, "ModifyVpcAttribute", "VpcId", "EnableDnsHostnames", false);
}

HOOK(subnet_created)
{
	return modify(step, "ModifySubnetAttribute", "SubnetId", "MapPublicIpOnLaunch", false);
}

static err_t attachment(struct resource_step *step, const char *operation)
{
	return call_api(step, "ec2", operation,
			json_pack("{s:O?, s:O?}", "VpcId", property(step, "VpcId"),
				  "InternetGatewayId", property(step, "InternetGatewayId")),
			NULL);
}

HOOK(attachment_make)
{
	char id[256];

	TRY(attachment(step, "AttachInternetGateway"));
	snprintf(id, sizeof id, "IGW|%s", text_at(step->properties, "VpcId"));
	set_physical_id(step, id);
	return ERR_OK;
}

HOOK(attachment_remove)
{
	return attachment(step, "DetachInternetGateway");
}

HOOK(route_make)
{
	const char *to = text_at(step->properties, "DestinationCidrBlock");
	char id[256];

	TRY(call_api(step, "ec2", "CreateRoute", json_deep_copy(step->properties), NULL));
	snprintf(id, sizeof id, "%s|%s", text_at(step->properties, "RouteTableId"),
		 to[0] ? to : text_at(step->properties, "DestinationIpv6CidrBlock"));
	set_physical_id(step, id);
	return ERR_OK;
}

HOOK(route_remove)
{
	return call_api(
		step, "ec2", "DeleteRoute",
		json_pack("{s:O?, s:O*, s:O*}", "RouteTableId", property(step, "RouteTableId"),
			  "DestinationCidrBlock", property(step, "DestinationCidrBlock"),
			  "DestinationIpv6CidrBlock", property(step, "DestinationIpv6CidrBlock")),
		NULL);
}

/* ---- Rules of security groups ---- */

/* A rule as a template writes it, as one of IpPermissions. */
static json_t *permission(const json_t *rule)
{
	static const char *const groups[] = { "SourceSecurityGroupId",
					      "DestinationSecurityGroupId" };
	static const char *const lists[] = { "SourcePrefixListId", "DestinationPrefixListId" };
	static const struct {
		const char *from, *list, *member;
	} ranges[] = {
		{ "CidrIp", "IpRanges", "CidrIp" },
		{ "CidrIpv6", "Ipv6Ranges", "CidrIpv6" },
	};
	json_t *words = json_object_get(rule, "Description");
	json_t *made = json_pack(
		"{s:O*, s:O*, s:O*}", "IpProtocol", json_object_get(rule, "IpProtocol"), "FromPort",
		json_object_get(rule, "FromPort"), "ToPort", json_object_get(rule, "ToPort"));

	for (size_t i = 0; i < COUNT(ranges); i++)
		if (json_object_get(rule, ranges[i].from))
			put_new(made, ranges[i].list,
				json_pack("[{s:O, s:O*}]", ranges[i].member,
					  json_object_get(rule, ranges[i].from), "Description",
					  words));
	for (size_t i = 0; i < COUNT(groups); i++) {
		if (json_object_get(rule, groups[i]))
			put_new(made, "UserIdGroupPairs",
				json_pack("[{s:O, s:O*}]", "GroupId",
					  json_object_get(rule, groups[i]), "Description", words));
		if (json_object_get(rule, lists[i]))
			put_new(made, "PrefixListIds",
				json_pack("[{s:O, s:O*}]", "PrefixListId",
					  json_object_get(rule, lists[i]), "Description", words));
	}
	return made;
}

static json_t *permissions(const json_t *rules)
{
	json_t *made = json_array(), *rule;
	size_t i;

	json_array_foreach ((json_t *)rules, i, rule)
		json_array_append_new(made, permission(rule));
	return made;
}

static err_t change_rules(struct resource_step *step, const char *operation, const json_t *rules)
{
	if (!json_array_size(rules))
		return ERR_OK;
	return call_api(step, "ec2", operation,
			json_pack("{s:s, s:o}", "GroupId", physical_id(step), "IpPermissions",
				  permissions(rules)),
			NULL);
}

/* Who writes egress rules does not want the one that lets everything out. */
static err_t change_first_egress(struct resource_step *step, const char *operation)
{
	return call_api(step, "ec2", operation,
			json_pack("{s:s, s:[{s:s, s:[{s:s}]}]}", "GroupId", physical_id(step),
				  "IpPermissions", "IpProtocol", "-1", "IpRanges", "CidrIp",
				  "0.0.0.0/0"),
			NULL);
}

HOOK(group_created)
{
	const json_t *egress = property(step, "SecurityGroupEgress");

	TRY(change_rules(step, "AuthorizeSecurityGroupIngress",
			 property(step, "SecurityGroupIngress")));
	if (!json_array_size(egress))
		return ERR_OK;
	TRY(change_first_egress(step, "RevokeSecurityGroupEgress"));
	return change_rules(step, "AuthorizeSecurityGroupEgress", egress);
}

/* Those of `from` that `of` lacks. */
static json_t *missing(const json_t *from, const json_t *of)
{
	json_t *made = json_array(), *rule, *other;
	size_t i, k;

	json_array_foreach ((json_t *)from, i, rule) {
		bool there = false;

		json_array_foreach ((json_t *)of, k, other)
			there = there || json_equal(rule, other);
		if (!there)
			json_array_append(made, rule);
	}
	return made;
}

static err_t swap_rules(struct resource_step *step, const char *name, const char *add,
			const char *revoke)
{
	json_t *before = json_object_get(step->before, name);
	json_t *more = missing(property(step, name), before);
	json_t *less = missing(before, property(step, name));
	err_t err = change_rules(step, add, more);

	if (!err)
		err = change_rules(step, revoke, less);
	json_decref(more);
	json_decref(less);
	return err;
}

HOOK(group_updated)
{
	bool had = json_array_size(json_object_get(step->before, "SecurityGroupEgress")) > 0;
	bool has = json_array_size(property(step, "SecurityGroupEgress")) > 0;

	TRY(swap_rules(step, "SecurityGroupIngress", "AuthorizeSecurityGroupIngress",
		       "RevokeSecurityGroupIngress"));
	if (!had && has)
		TRY(change_first_egress(step, "RevokeSecurityGroupEgress"));
	TRY(swap_rules(step, "SecurityGroupEgress", "AuthorizeSecurityGroupEgress",
		       "RevokeSecurityGroupEgress"));
	return had && !has ? change_first_egress(step, "AuthorizeSecurityGroupEgress") : ERR_OK;
}

static err_t single_rule(struct resource_step *step, const char *operation)
{
	return call_api(step, "ec2", operation,
			json_pack("{s:O?, s:[o]}", "GroupId", property(step, "GroupId"),
				  "IpPermissions", permission(step->properties)),
			NULL);
}

static err_t rule_made(struct resource_step *step, const char *operation)
{
	TRY(single_rule(step, operation));
	set_physical_id(step, text_at(step->record, "LogicalResourceId"));
	return ERR_OK;
}

HOOK(ingress_make)
{
	return rule_made(step, "AuthorizeSecurityGroupIngress");
}

HOOK(ingress_remove)
{
	return single_rule(step, "RevokeSecurityGroupIngress");
}

HOOK(egress_make)
{
	return rule_made(step, "AuthorizeSecurityGroupEgress");
}

HOOK(egress_remove)
{
	return single_rule(step, "RevokeSecurityGroupEgress");
}

/* ---- Prefix lists ---- */

static err_t modify_list(struct resource_step *step, json_t *change)
{
	json_object_set_new(change, "PrefixListId", json_string(physical_id(step)));
	return call_api(step, "ec2", "ModifyManagedPrefixList", change, NULL);
}

/* Size and entries are changed by calls of their own: first room, then what goes in, or the other
 * way round where it shrinks. */
HOOK(prefix_list_updated)
{
	json_t *before = json_object_get(step->before, "Entries");
	json_t *entries = property(step, "Entries"), *size = property(step, "MaxEntries");
	bool shrinks = json_integer_value(size) <
		       json_integer_value(json_object_get(step->before, "MaxEntries"));

	if (property_changed(step, "PrefixListName"))
		TRY(modify_list(step, json_pack("{s:O}", "PrefixListName",
						property(step, "PrefixListName"))));
	if (!shrinks && property_changed(step, "MaxEntries"))
		TRY(modify_list(step, json_pack("{s:O}", "MaxEntries", size)));
	if (property_changed(step, "Entries"))
		TRY(modify_list(step,
				json_pack("{s:o, s:o}", "AddEntries", missing(entries, before),
					  "RemoveEntries", missing(before, entries))));
	return shrinks ? modify_list(step, json_pack("{s:O}", "MaxEntries", size)) : ERR_OK;
}
