/*
 * groups: security groups, and their rules in the two forms that EC2 answers.
 */
#include "services/ec2/ec2_internal.h"

#include <stdio.h>

enum { NAME_MAX_CHARS = 255, GROUPS_MAX = 500 };

/* ---- Rules ---- */

json_t *ec2_new_rule(bool egress, const char *protocol, int from, int to, const char *key,
		     json_t *value)
{
	char id[EC2_ID_BYTES];

	ec2_random_id("sgr-", id);
	return json_pack("{s:s, s:b, s:s, s:i, s:i, s:o, s:[]}", "SecurityGroupRuleId", id,
			 "IsEgress", (int)egress, "IpProtocol", protocol, "FromPort", from,
			 "ToPort", to, key, value, "Tags");
}

bool ec2_rule_names_group(const json_t *rule, const char *group)
{
	return ec2_is(json_object_get(rule, "ReferencedGroupInfo"), "GroupId", group);
}

err_t ec2_rules_present(struct api_call *call, const json_t *group, json_t *list)
{
	const struct ec2_options *options = &ec2_of(call)->options;
	json_t *rule, *copy;
	size_t index;
	char arn[200];

	json_array_foreach (json_object_get(group, "Rules"), index, rule) {
		copy = json_copy(rule);
		TRY(ec2_hold(call, copy));
		snprintf(arn, sizeof arn, "arn:aws:ec2:%s:%s:security-group-rule/%s",
			 options->region, options->account, ec2_text(rule, "SecurityGroupRuleId"));
		TRY(ec2_set(copy, "SecurityGroupRuleArn", json_string(arn)));
		TRY(ec2_set(copy, "GroupId", json_string(ec2_text(group, "GroupId"))));
		TRY(ec2_set(copy, "GroupOwnerId", json_string(options->account)));
		TRY(ec2_append(list, json_incref(copy)));
	}
	return ERR_OK;
}

/* ---- Rules of the same protocol and ports, gathered as IpPermissions ---- */

static bool same_ports(const json_t *a, const json_t *b)
{
	static const char *const keys[] = { "FromPort", "ToPort" };

	if (!ec2_is(a, "IpProtocol", ec2_text(b, "IpProtocol")))
		return false;
	if (ec2_is(a, "IpProtocol", "-1"))
		return true; /* has no ports in this form */
	for (size_t i = 0; i < COUNT(keys); i++)
		if (!json_equal(json_object_get(a, keys[i]), json_object_get(b, keys[i])))
			return false;
	return true;
}

static err_t permission_for(json_t *list, const json_t *rule, json_t **ret_permission)
{
	size_t index;
	json_t *made;

	json_array_foreach (list, index, *ret_permission)
		if (same_ports(*ret_permission, rule))
			return ERR_OK;
	made = json_pack("{s:s, s:[], s:[], s:[], s:[]}", "IpProtocol",
			 ec2_text(rule, "IpProtocol"), "UserIdGroupPairs", "IpRanges", "Ipv6Ranges",
			 "PrefixListIds");
	TRY(ec2_append(list, made));
	*ret_permission = made;
	if (ec2_is(rule, "IpProtocol", "-1"))
		return ERR_OK;
	TRY(ec2_set(made, "FromPort", json_incref(json_object_get(rule, "FromPort"))));
	return ec2_set(made, "ToPort", json_incref(json_object_get(rule, "ToPort")));
}

static err_t add_to_permission(json_t *permission, const json_t *rule)
{
	const json_t *pair = json_object_get(rule, "ReferencedGroupInfo");
	const char *v4 = ec2_text(rule, "CidrIpv4"), *v6 = ec2_text(rule, "CidrIpv6");
	const char *prefix_list = ec2_text(rule, "PrefixListId");
	json_t *item, *list;

	if (prefix_list) {
		list = json_object_get(permission, "PrefixListIds");
		item = json_pack("{s:s}", "PrefixListId", prefix_list);
	} else if (pair) {
		list = json_object_get(permission, "UserIdGroupPairs");
		item = json_deep_copy(pair);
	} else {
		list = json_object_get(permission, v4 ? "IpRanges" : "Ipv6Ranges");
		item = json_pack("{s:s}", v4 ? "CidrIp" : "CidrIpv6", v4 ? v4 : v6);
	}
	TRY(ec2_append(list, item));
	if (!json_object_get(rule, "Description"))
		return ERR_OK;
	return ec2_set(item, "Description", json_incref(json_object_get(rule, "Description")));
}

err_t ec2_group_present(struct api_call *call, const json_t *body, json_t **ret_group)
{
	json_t *group = json_copy((json_t *)body), *ingress, *egress, *rule, *permission;
	size_t index;

	TRY(ec2_hold(call, group));
	TRY(ec2_set(group, "IpPermissions", json_array()));
	TRY(ec2_set(group, "IpPermissionsEgress", json_array()));
	ingress = json_object_get(group, "IpPermissions");
	egress = json_object_get(group, "IpPermissionsEgress");
	json_array_foreach (json_object_get(body, "Rules"), index, rule) {
		bool out = json_is_true(json_object_get(rule, "IsEgress"));

		TRY(permission_for(out ? egress : ingress, rule, &permission));
		TRY(add_to_permission(permission, rule));
	}
	json_object_del(group, "Rules");
	*ret_group = group;
	return ERR_OK;
}

/* ---- Which group ---- */

static err_t group_named(struct api_call *call, const char *name, const char *vpc,
			 json_t **ret_body)
{
	json_t *list, *body;
	size_t index;

	TRY(ec2_list(call, &ec2_groups, &list));
	json_array_foreach (list, index, body) {
		if (!ec2_is(body, "GroupName", name) || !ec2_is(body, "VpcId", vpc))
			continue;
		*ret_body = body;
		return ERR_OK;
	}
	return ERR_NOT_FOUND;
}

err_t ec2_group_of_input(struct api_call *call, json_t **ret_body)
{
	const char *id = ec2_text(call->input, "GroupId");
	const char *name = ec2_text(call->input, "GroupName");
	char vpc[EC2_ID_BYTES];
	err_t err;

	if (id)
		return ec2_find(call, &ec2_groups, id, ret_body);
	if (!name)
		return api_fault(call, "MissingParameter",
				 "The request must contain the parameter groupName or groupId");
	ec2_id(ec2_of(call), "vpc-", "default", vpc);
	err = group_named(call, name, vpc, ret_body);
	if (err == ERR_NOT_FOUND)
		return api_fault(call, "InvalidGroup.NotFound",
				 "The security group '%s' does not exist in default VPC", name);
	return err;
}

/* ---- Create ---- */

static bool is_plain(const char *text)
{
	return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 "
			    "._-:/()#,@[]+=&;{}!$*") == strlen(text);
}

static err_t check_text(struct api_call *call, const char *member, const char *text)
{
	if (!text[0])
		return api_fault(call, "MissingParameter",
				 "The request must contain the parameter %s", member);
	if (strlen(text) > NAME_MAX_CHARS || !is_plain(text))
		return api_fault(
			call, "InvalidParameterValue",
			"Value (%.300s) for parameter %s is invalid. Character sets beyond "
			"ASCII are not supported, and at most %d characters are allowed.",
			text, member, NAME_MAX_CHARS);
	return ERR_OK;
}

static err_t check_name(struct api_call *call, const char *name)
{
	TRY(check_text(call, "GroupName", name));
	if (strcmp(name, "default") == 0)
		return api_fault(call, "InvalidParameterValue",
				 "Cannot use reserved security group name: default");
	if (strncmp(name, "sg-", 3) == 0)
		return api_fault(call, "InvalidParameterValue",
				 "invalid value for parameter groupName: %s may not be in the "
				 "format sg-*",
				 name);
	return ERR_OK;
}

static err_t vpc_of_input(struct api_call *call, const char **ret_vpc)
{
	json_t *list, *vpc;
	size_t index;

	*ret_vpc = ec2_text(call->input, "VpcId");
	if (*ret_vpc)
		return ec2_find(call, &ec2_vpcs, *ret_vpc, &vpc);
	TRY(ec2_list(call, &ec2_vpcs, &list));
	json_array_foreach (list, index, vpc) {
		if (!json_is_true(json_object_get(vpc, "IsDefault")))
			continue;
		*ret_vpc = ec2_text(vpc, "VpcId");
		return ERR_OK;
	}
	return api_fault(call, "VPCIdNotSpecified", "No default VPC for this user");
}

err_t ec2_create_security_group(struct api_call *call)
{
	const char *name = ec2_text(call->input, "GroupName"), *vpc;
	const char *description = ec2_text(call->input, "Description");
	char id[EC2_ID_BYTES];
	json_t *tags, *group, *other, *list;
	err_t err;

	TRY(check_name(call, name));
	TRY(check_text(call, "GroupDescription", description));
	TRY(vpc_of_input(call, &vpc));
	TRY(ec2_tags_of_input(call, "security-group", &tags));
	err = group_named(call, name, vpc, &other);
	if (!err)
		return api_fault(call, "InvalidGroup.Duplicate",
				 "The security group '%s' already exists for VPC '%s'", name, vpc);
	if (err != ERR_NOT_FOUND)
		return err;
	TRY(ec2_list(call, &ec2_groups, &list));
	if (json_array_size(list) >= GROUPS_MAX)
		return api_fault(call, "SecurityGroupLimitExceeded",
				 "The maximum number of security groups has been reached.");
	ec2_random_id("sg-", id);
	group = ec2_new_group(ec2_of(call), id, name, description, vpc);
	TRY(ec2_hold(call, group));
	TRY(ec2_set(group, "Tags", json_incref(tags)));
	TRY(ec2_add(call, &ec2_groups, json_incref(group)));
	TRY(ec2_set(call->output, "GroupId", json_string(id)));
	TRY(ec2_set(call->output, "SecurityGroupArn",
		    json_incref(json_object_get(group, "SecurityGroupArn"))));
	return ec2_set(call->output, "Tags", json_incref(tags));
}

/* ---- Delete ---- */

/* Another group's rule, an interface or an instance holds it. */
static err_t group_in_use(struct api_call *call, const char *id, const json_t *interfaces,
			  bool *ret_used)
{
	json_t *list, *group, *rule, *instances;
	size_t index, at;

	TRY(ec2_instances(call, &instances));
	*ret_used = ec2_path_has(interfaces, "Groups.GroupId", id) ||
		    ec2_path_has(instances, "SecurityGroups.GroupId", id);
	TRY(ec2_list(call, &ec2_groups, &list));
	json_array_foreach (list, index, group) {
		if (ec2_is(group, "GroupId", id))
			continue;
		json_array_foreach (json_object_get(group, "Rules"), at, rule)
			*ret_used |= ec2_rule_names_group(rule, id);
	}
	return ERR_OK;
}

err_t ec2_delete_security_group(struct api_call *call)
{
	json_t *group, *interfaces;
	const char *id;
	bool used;

	TRY(ec2_all_interfaces(call, &interfaces));
	TRY(ec2_group_of_input(call, &group));
	id = ec2_text(group, "GroupId");
	if (ec2_is(group, "GroupName", "default"))
		return api_fault(call, "CannotDelete",
				 "the specified group: \"%s\" name: \"default\" cannot be deleted "
				 "by a user",
				 id);
	TRY(group_in_use(call, id, interfaces, &used));
	if (used)
		return api_fault(call, "DependencyViolation", "resource %s has a dependent object",
				 id);
	TRY(ec2_drop(call, &ec2_groups, id));
	TRY(ec2_answer_true(call));
	return ec2_set(call->output, "GroupId", json_string(id));
}

err_t ec2_describe_security_group_rules(struct api_call *call)
{
	static const struct ec2_filter filters[] = {
		{ "group-id", "GroupId" },
		{ "security-group-rule-id", "SecurityGroupRuleId" },
		{ NULL, NULL },
	};
	const json_t *ids = json_object_get(call->input, "SecurityGroupRuleIds");
	const char *missing = NULL;
	json_t *groups, *group, *list = json_array();
	size_t index;

	TRY(ec2_hold(call, list));
	TRY(ec2_list(call, &ec2_groups, &groups));
	json_array_foreach (groups, index, group)
		TRY(ec2_rules_present(call, group, list));
	if (json_array_size(ids))
		missing = ec2_leave(ids, list, "SecurityGroupRuleId");
	if (missing)
		return api_fault(call, "InvalidSecurityGroupRuleId.NotFound",
				 "The security group rule ID '%s' does not exist", missing);
	TRY(ec2_filter_list(call, filters, list));
	return ec2_page(call, "SecurityGroupRules", list);
}
