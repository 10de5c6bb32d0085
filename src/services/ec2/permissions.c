/*
 * permissions: authorising and revoking rules of security groups, and changing them in place.
 * Both sides come here; `egress` says which.
 */
#include "services/ec2/ec2_internal.h"

#include "net/address.h"

enum { RULES_MAX = 60, DESCRIPTION_MAX = 255 };

/* ---- Rules from permissions ---- */

struct reading {
	struct api_call *call;
	const json_t *group;
	bool egress;
	const char *protocol;
	int from, to;
	json_t *rules; /* made so far */
};

static err_t check_description(struct api_call *call, const char *description)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789. _-:/()#,@[]+=&;{}!$*";

	if (strlen(description) > DESCRIPTION_MAX ||
	    strspn(description, allowed) != strlen(description))
		return api_fault(call, "InvalidParameterValue",
				 "Invalid rule description. Valid descriptions are strings less "
				 "than %d characters from the following set: a-zA-Z0-9. "
				 "_-:/()#,@[]+=&;{}!$*",
				 DESCRIPTION_MAX + 1);
	return ERR_OK;
}

static err_t take_rule(struct reading *r, const char *key, json_t *value, const char *description)
{
	json_t *rule;

	if (!value)
		return ERR_NOMEM;
	rule = ec2_new_rule(r->egress, r->protocol, r->from, r->to, key, value);
	TRY(ec2_append(r->rules, rule));
	if (!description)
		return ERR_OK;
	TRY(check_description(r->call, description));
	return ec2_set(rule, "Description", json_string(description));
}

static err_t take_cidr(struct reading *r, const char *text, unsigned family,
		       const char *description)
{
	char canonical[EC2_CIDR_BYTES];
	struct cidr cidr;

	if (!text)
		return api_fault(r->call, "MissingParameter",
				 "The request must contain the parameter cidrIp");
	TRY(ec2_cidr(r->call, text, family, &cidr, canonical));
	return take_rule(r, family == 6 ? "CidrIpv6" : "CidrIpv4", json_string(canonical),
			 description);
}

/* There is one account: a pair that names another one names no group of ours. */
static err_t check_owner(struct reading *r, const json_t *pair)
{
	const char *owner = ec2_text(pair, "UserId"), *id = ec2_text(pair, "GroupId");

	if (!owner || strcmp(owner, ec2_of(r->call)->options.account) == 0)
		return ERR_OK;
	return api_fault(r->call, "InvalidGroup.NotFound",
			 "The security group '%s' of the account %s does not exist", id ? id : "",
			 owner);
}

static err_t take_group(struct reading *r, const char *id, const char *name,
			const char *description)
{
	json_t *list, *group = NULL, *other;
	size_t index;

	if (id) {
		TRY(ec2_find(r->call, &ec2_groups, id, &group));
	} else {
		TRY(ec2_list(r->call, &ec2_groups, &list));
		json_array_foreach (list, index, other)
			if (ec2_is(other, "GroupName", name) &&
			    ec2_is(other, "VpcId", ec2_text(r->group, "VpcId")))
				group = other;
	}
	if (!group)
		return api_fault(r->call, "InvalidGroup.NotFound",
				 "The security group '%s' does not exist", name ? name : "");
	if (!ec2_is(group, "VpcId", ec2_text(r->group, "VpcId")))
		return api_fault(r->call, "InvalidGroup.NotFound",
				 "You have specified two resources that belong to different "
				 "networks.");
	return take_rule(r, "ReferencedGroupInfo",
			 json_pack("{s:s, s:s}", "GroupId", ec2_text(group, "GroupId"), "UserId",
				   ec2_of(r->call)->options.account),
			 description);
}

static err_t take_prefix_list(struct reading *r, const char *id, const char *description)
{
	json_t *list;

	if (!id)
		return api_fault(r->call, "MissingParameter",
				 "The request must contain the parameter prefixListId");
	TRY(ec2_prefix_list_find(r->call, id, &list));
	return take_rule(r, "PrefixListId", json_string(id), description);
}

static err_t take_sources(struct reading *r, const json_t *permission)
{
	json_t *item;
	size_t index, before = json_array_size(r->rules);

	json_array_foreach (json_object_get(permission, "IpRanges"), index, item)
		TRY(take_cidr(r, ec2_text(item, "CidrIp"), 4, ec2_text(item, "Description")));
	json_array_foreach (json_object_get(permission, "Ipv6Ranges"), index, item)
		TRY(take_cidr(r, ec2_text(item, "CidrIpv6"), 6, ec2_text(item, "Description")));
	json_array_foreach (json_object_get(permission, "UserIdGroupPairs"), index, item) {
		TRY(check_owner(r, item));
		TRY(take_group(r, ec2_text(item, "GroupId"), ec2_text(item, "GroupName"),
			       ec2_text(item, "Description")));
	}
	json_array_foreach (json_object_get(permission, "PrefixListIds"), index, item)
		TRY(take_prefix_list(r, ec2_text(item, "PrefixListId"),
				     ec2_text(item, "Description")));
	if (json_array_size(r->rules) == before)
		return api_fault(
			r->call, "MissingParameter",
			"The request must contain a source: a CIDR block, a security group "
			"or a prefix list");
	return ERR_OK;
}

static err_t take_permission(struct reading *r, const json_t *permission)
{
	bool ports;

	TRY(ec2_protocol_of(r->call, ec2_text(permission, "IpProtocol"), &r->protocol, &ports));
	TRY(ec2_ports_of(r->call, permission, ports, r->protocol, &r->from, &r->to));
	return take_sources(r, permission);
}

/* The old form: protocol, ports and source as parameters of the call itself. */
static err_t take_flat(struct reading *r)
{
	const json_t *in = r->call->input;
	const char *cidr = ec2_text(in, "CidrIp"), *group = ec2_text(in, "SourceSecurityGroupName");
	bool ports;

	TRY(ec2_protocol_of(r->call, ec2_text(in, "IpProtocol"), &r->protocol, &ports));
	TRY(ec2_ports_of(r->call, in, ports, r->protocol, &r->from, &r->to));
	return group ? take_group(r, NULL, group, NULL) : take_cidr(r, cidr, 4, NULL);
}

static err_t refuse_both(struct api_call *call)
{
	static const char *const flat[] = { "IpProtocol", "FromPort", "ToPort", "CidrIp",
					    "SourceSecurityGroupName" };

	if (json_array_size(json_object_get(call->input, "IpPermissions")) == 0)
		return ERR_OK;
	for (size_t i = 0; i < COUNT(flat); i++)
		if (json_object_get(call->input, flat[i]))
			return api_fault(call, "InvalidParameterCombination",
					 "The parameter 'ipPermissions' may not be used in "
					 "combination with '%c%s'",
					 ascii_lower(flat[i][0]), flat[i] + 1);
	return ERR_OK;
}

/* Every rule that the input's permissions stand for; held. */
static err_t rules_of_input(struct api_call *call, const json_t *group, bool egress,
			    json_t **ret_rules)
{
	const json_t *permissions = json_object_get(call->input, "IpPermissions");
	struct reading reading = { .call = call, .group = group, .egress = egress };
	json_t *permission;
	size_t index;

	reading.rules = json_array();
	TRY(ec2_hold(call, reading.rules));
	TRY(refuse_both(call));
	if (json_array_size(permissions) == 0)
		TRY(take_flat(&reading));
	json_array_foreach (permissions, index, permission)
		TRY(take_permission(&reading, permission));
	*ret_rules = reading.rules;
	return ERR_OK;
}

/* ---- Finding and comparing ---- */

/* Descriptions and tags do not tell rules apart. */
static bool same_rule(const json_t *a, const json_t *b)
{
	static const char *const keys[] = { "IsEgress",	    "IpProtocol",	  "FromPort",
					    "ToPort",	    "CidrIpv4",		  "CidrIpv6",
					    "PrefixListId", "ReferencedGroupInfo" };

	for (size_t i = 0; i < COUNT(keys); i++) {
		const json_t *left = json_object_get(a, keys[i]);
		const json_t *right = json_object_get(b, keys[i]);

		if (left != right && !json_equal(left, right))
			return false;
	}
	return true;
}

static json_t *find_among(const json_t *rules, const json_t *like, size_t *ret_index)
{
	json_t *rule;
	size_t index;

	json_array_foreach (rules, index, rule)
		if (rule != like && same_rule(rule, like)) {
			*ret_index = index;
			return rule;
		}
	return NULL;
}

static json_t *find_rule(const json_t *group, const json_t *like, size_t *ret_index)
{
	return find_among(json_object_get(group, "Rules"), like, ret_index);
}

static json_t *find_rule_id(const json_t *group, const char *id, size_t *ret_index)
{
	json_t *rule;
	size_t index;

	json_array_foreach (json_object_get(group, "Rules"), index, rule)
		if (ec2_is(rule, "SecurityGroupRuleId", id)) {
			*ret_index = index;
			return rule;
		}
	return NULL;
}

static const char *peer_of(const json_t *rule)
{
	static const char *const keys[] = { "CidrIpv4", "CidrIpv6", "PrefixListId" };

	for (size_t i = 0; i < COUNT(keys); i++)
		if (ec2_text(rule, keys[i]))
			return ec2_text(rule, keys[i]);
	return ec2_text(json_object_get(rule, "ReferencedGroupInfo"), "GroupId");
}

static err_t refuse_duplicate(struct api_call *call, const json_t *rule)
{
	const char *protocol = ec2_text(rule, "IpProtocol");
	bool all = strcmp(protocol, "-1") == 0;
	char shown[16];
	size_t len = 0;

	for (; protocol[len] && len < sizeof shown - 1; len++)
		shown[len] = ascii_upper(protocol[len]);
	shown[len] = '\0';
	if (all)
		return api_fault(call, "InvalidPermission.Duplicate",
				 "the specified rule \"peer: %s, ALL, ALLOW\" already exists",
				 peer_of(rule));
	return api_fault(call, "InvalidPermission.Duplicate",
			 "the specified rule \"peer: %s, %s, from port: %lld, to port: %lld, "
			 "ALLOW\" already exists",
			 peer_of(rule), shown,
			 (long long)json_integer_value(json_object_get(rule, "FromPort")),
			 (long long)json_integer_value(json_object_get(rule, "ToPort")));
}

err_t ec2_check_rule_count(struct api_call *call, const json_t *group)
{
	int count[2] = { 0, 0 };
	json_t *rule, *list;
	size_t index;

	json_array_foreach (json_object_get(group, "Rules"), index, rule) {
		int *way = &count[json_is_true(json_object_get(rule, "IsEgress"))];
		const char *id = ec2_text(rule, "PrefixListId");

		if (id)
			TRY(ec2_prefix_list_find(call, id, &list));
		*way += id ? ec2_prefix_list_weight(list) : 1;
	}
	if (count[0] > RULES_MAX || count[1] > RULES_MAX)
		return api_fault(
			call, "RulesPerSecurityGroupLimitExceeded",
			"The maximum number of rules per security group has been reached.");
	return ERR_OK;
}

/* ---- Authorize ---- */

static err_t answer_rules(struct api_call *call, const json_t *group, json_t *rules,
			  const char *member)
{
	json_t *shown = json_array(), *some;

	TRY(ec2_hold(call, shown));
	some = json_pack("{s:O, s:O}", "GroupId", json_object_get(group, "GroupId"), "Rules",
			 rules);
	TRY(ec2_hold(call, some));
	TRY(ec2_rules_present(call, some, shown));
	TRY(ec2_answer_true(call));
	return ec2_set(call->output, member, json_incref(shown));
}

static err_t authorize(struct api_call *call, bool egress)
{
	json_t *group, *rules, *rule, *tags, *kept;
	size_t index, at;

	TRY(ec2_group_of_input(call, &group));
	TRY(rules_of_input(call, group, egress, &rules));
	TRY(ec2_tags_of_input(call, "security-group-rule", &tags));
	kept = json_object_get(group, "Rules");
	json_array_foreach (rules, index, rule) {
		if (find_among(rules, rule, &at))
			return api_fault(call, "InvalidParameterValue",
					 "The same permission must not appear multiple times");
		if (find_rule(group, rule, &at))
			return refuse_duplicate(call, rule);
		TRY(ec2_set(rule, "Tags", json_deep_copy(tags)));
		TRY(ec2_append(kept, json_incref(rule)));
	}
	TRY(ec2_check_rule_count(call, group));
	TRY(ec2_save(call, &ec2_groups, group));
	return answer_rules(call, group, rules, "SecurityGroupRules");
}

err_t ec2_authorize_ingress(struct api_call *call)
{
	return authorize(call, false);
}

err_t ec2_authorize_egress(struct api_call *call)
{
	return authorize(call, true);
}

/* ---- Revoke ---- */

static err_t missing_rule_id(struct api_call *call, const char *id)
{
	if (!bytes_starts(bytes_of(id), BYTES("sgr-")))
		return api_fault(call, "InvalidSecurityGroupRuleId.Malformed",
				 "The security group rule ID '%s' is malformed", id);
	return api_fault(call, "InvalidSecurityGroupRuleId.NotFound",
			 "The security group rule ID '%s' does not exist", id);
}

static err_t revoke_ids(struct api_call *call, json_t *group, bool egress, json_t *revoked)
{
	json_t *id, *rule;
	size_t index, at;

	json_array_foreach (json_object_get(call->input, "SecurityGroupRuleIds"), index, id) {
		rule = find_rule_id(group, json_string_value(id), &at);
		if (!rule || json_is_true(json_object_get(rule, "IsEgress")) != egress)
			return missing_rule_id(call, json_string_value(id));
		TRY(ec2_append(revoked, json_incref(rule)));
		json_array_remove(json_object_get(group, "Rules"), at);
	}
	return ERR_OK;
}

static err_t revoke_permissions(struct api_call *call, json_t *group, bool egress, json_t *revoked)
{
	json_t *rules, *rule, *found;
	size_t index, at;

	TRY(rules_of_input(call, group, egress, &rules));
	json_array_foreach (rules, index, rule) {
		found = find_rule(group, rule, &at);
		if (!found)
			return api_fault(
				call, "InvalidPermission.NotFound",
				"The specified rule does not exist in this security group.");
		TRY(ec2_append(revoked, json_incref(found)));
		json_array_remove(json_object_get(group, "Rules"), at);
	}
	return ERR_OK;
}

static err_t revoke(struct api_call *call, bool egress)
{
	bool by_id = json_array_size(json_object_get(call->input, "SecurityGroupRuleIds")) > 0;
	json_t *group, *revoked = json_array();

	TRY(ec2_hold(call, revoked));
	TRY(ec2_group_of_input(call, &group));
	if (!by_id && !json_array_size(json_object_get(call->input, "IpPermissions")) &&
	    !json_object_get(call->input, "IpProtocol"))
		return api_fault(call, "MissingParameter",
				 "Either 'ipPermissions' or 'securityGroupRuleIds' should be "
				 "provided.");
	TRY(by_id ? revoke_ids(call, group, egress, revoked)
		  : revoke_permissions(call, group, egress, revoked));
	TRY(ec2_save(call, &ec2_groups, group));
	return answer_rules(call, group, revoked, "RevokedSecurityGroupRules");
}

err_t ec2_revoke_ingress(struct api_call *call)
{
	return revoke(call, false);
}

err_t ec2_revoke_egress(struct api_call *call)
{
	return revoke(call, true);
}

/* ---- Changing in place ---- */

/* What a SecurityGroupRuleRequest asks for, with the id and tags of the rule it replaces. */
static err_t read_request(struct reading *r, const json_t *request)
{
	const char *v4 = ec2_text(request, "CidrIpv4"), *v6 = ec2_text(request, "CidrIpv6");
	const char *group = ec2_text(request, "ReferencedGroupId");
	const char *prefix_list = ec2_text(request, "PrefixListId");
	const char *description = ec2_text(request, "Description");
	bool ports;

	TRY(ec2_protocol_of(r->call, ec2_text(request, "IpProtocol"), &r->protocol, &ports));
	TRY(ec2_ports_of(r->call, request, ports, r->protocol, &r->from, &r->to));
	if ((v4 != NULL) + (v6 != NULL) + (group != NULL) + (prefix_list != NULL) != 1)
		return api_fault(r->call, "InvalidParameterCombination",
				 "Specify exactly one source for the security group rule");
	if (prefix_list)
		return take_prefix_list(r, prefix_list, description);
	if (group)
		return take_group(r, group, NULL, description);
	return take_cidr(r, v4 ? v4 : v6, v4 ? 4 : 6, description);
}

static err_t modify_one(struct api_call *call, json_t *group, const json_t *update)
{
	const char *id = ec2_text(update, "SecurityGroupRuleId");
	struct reading reading = { .call = call, .group = group };
	json_t *old, *made, *rules = json_object_get(group, "Rules");
	size_t at, other;

	old = find_rule_id(group, id ? id : "", &at);
	if (!old)
		return missing_rule_id(call, id ? id : "");
	reading.egress = json_is_true(json_object_get(old, "IsEgress"));
	reading.rules = json_array();
	TRY(ec2_hold(call, reading.rules));
	TRY(read_request(&reading, json_object_get(update, "SecurityGroupRule")));
	made = json_array_get(reading.rules, 0);
	TRY(ec2_set(made, "SecurityGroupRuleId", json_string(id)));
	TRY(ec2_set(made, "Tags", json_incref(json_object_get(old, "Tags"))));
	if (json_array_set(rules, at, made))
		return ERR_NOMEM;
	return find_rule(group, made, &other) ? refuse_duplicate(call, made) : ERR_OK;
}

err_t ec2_modify_security_group_rules(struct api_call *call)
{
	json_t *group, *update;
	size_t index;

	TRY(ec2_group_of_input(call, &group));
	json_array_foreach (json_object_get(call->input, "SecurityGroupRules"), index, update)
		TRY(modify_one(call, group, update));
	TRY(ec2_check_rule_count(call, group));
	TRY(ec2_save(call, &ec2_groups, group));
	return ec2_answer_true(call);
}

static err_t describe_rule(struct api_call *call, json_t *rule, const char *description)
{
	if (description)
		TRY(check_description(call, description));
	if (description)
		return ec2_set(rule, "Description", json_string(description));
	json_object_del(rule, "Description");
	return ERR_OK;
}

static err_t describe_by_id(struct api_call *call, json_t *group, bool egress)
{
	json_t *item, *rule;
	size_t index, at;

	json_array_foreach (json_object_get(call->input, "SecurityGroupRuleDescriptions"), index,
			    item) {
		const char *id = ec2_text(item, "SecurityGroupRuleId");

		rule = find_rule_id(group, id ? id : "", &at);
		if (!rule || json_is_true(json_object_get(rule, "IsEgress")) != egress)
			return missing_rule_id(call, id ? id : "");
		TRY(describe_rule(call, rule, ec2_text(item, "Description")));
	}
	return ERR_OK;
}

static err_t update_descriptions(struct api_call *call, bool egress)
{
	json_t *group, *rules, *rule, *found;
	size_t index, at;

	TRY(ec2_group_of_input(call, &group));
	if (!json_array_size(json_object_get(call->input, "SecurityGroupRuleDescriptions")) &&
	    !json_array_size(json_object_get(call->input, "IpPermissions")))
		return api_fault(call, "MissingParameter",
				 "Either 'ipPermissions' or 'securityGroupRuleDescriptions' should "
				 "be provided.");
	TRY(describe_by_id(call, group, egress));
	if (json_array_size(json_object_get(call->input, "IpPermissions"))) {
		TRY(rules_of_input(call, group, egress, &rules));
		json_array_foreach (rules, index, rule) {
			found = find_rule(group, rule, &at);
			if (!found)
				return api_fault(
					call, "InvalidPermission.NotFound",
					"The specified rule does not exist in this security group.");
			TRY(describe_rule(call, found, ec2_text(rule, "Description")));
		}
	}
	TRY(ec2_save(call, &ec2_groups, group));
	return ec2_answer_true(call);
}

err_t ec2_update_descriptions_ingress(struct api_call *call)
{
	return update_descriptions(call, false);
}

err_t ec2_update_descriptions_egress(struct api_call *call)
{
	return update_descriptions(call, true);
}
