/*
 * type_elbv2: what is particular about load balancers.
 */
#include <stdio.h>
#include <string.h>

#include "services/cloudformation/type_hooks.h"

/* [{Key, Value}] by an operation of its own. */
static err_t set_attributes(struct resource_step *step, const char *property_name,
			    const char *operation, const char *by)
{
	json_t *attributes = property(step, property_name);

	if (!json_array_size(attributes) ||
	    (step->before && !property_changed(step, property_name)))
		return ERR_OK;
	return call_api(step, "elbv2", operation,
			json_pack("{s:s, s:O}", by, physical_id(step), "Attributes", attributes),
			NULL);
}

/* What metrics name it by: what follows `after` in the ARN. */
static err_t set_full_name(struct resource_step *step, const char *attribute, const char *after)
{
	const char *at = strstr(physical_id(step), after);

	if (at)
		put_text(json_object_get(step->record, "Attributes"), attribute,
			 at + strlen(after));
	return ERR_OK;
}

HOOK(balancer_created)
{
	return set_attributes(step, "LoadBalancerAttributes", "ModifyLoadBalancerAttributes",
			      "LoadBalancerArn");
}

static err_t set_list(struct resource_step *step, const char *name, const char *operation)
{
	if (!property(step, name) || !property_changed(step, name))
		return ERR_OK;
	return call_api(step, "elbv2", operation,
			json_pack("{s:s, s:O}", "LoadBalancerArn", physical_id(step), name,
				  property(step, name)),
			NULL);
}

HOOK(balancer_updated)
{
	TRY(set_list(step, "Subnets", "SetSubnets"));
	TRY(set_list(step, "SubnetMappings", "SetSubnets"));
	TRY(set_list(step, "SecurityGroups", "SetSecurityGroups"));
	TRY(set_list(step, "IpAddressType", "SetIpAddressType"));
	return balancer_created(step);
}

HOOK(balancer_settled)
{
	return set_full_name(step, "LoadBalancerFullName", ":loadbalancer/");
}

static err_t change_targets(struct resource_step *step, const char *operation,
			    const json_t *targets)
{
	if (!json_array_size(targets))
		return ERR_OK;
	return call_api(
		step, "elbv2", operation,
		json_pack("{s:s, s:O}", "TargetGroupArn", physical_id(step), "Targets", targets),
		NULL);
}

HOOK(target_group_created)
{
	TRY(set_attributes(step, "TargetGroupAttributes", "ModifyTargetGroupAttributes",
			   "TargetGroupArn"));
	return change_targets(step, "RegisterTargets", property(step, "Targets"));
}

HOOK(target_group_updated)
{
	TRY(set_attributes(step, "TargetGroupAttributes", "ModifyTargetGroupAttributes",
			   "TargetGroupArn"));
	if (!property_changed(step, "Targets"))
		return ERR_OK;
	TRY(change_targets(step, "DeregisterTargets", json_object_get(step->before, "Targets")));
	return change_targets(step, "RegisterTargets", property(step, "Targets"));
}

HOOK(target_group_settled)
{
	/* "targetgroup/NAME/ID", unlike a load balancer's. */
	return set_full_name(step, "TargetGroupFullName",
			     arena_printf(step->arena, "%s:", step->stack->cfn->options.account));
}

HOOK(listener_created)
{
	return set_attributes(step, "ListenerAttributes", "ModifyListenerAttributes",
			      "ListenerArn");
}

HOOK(rule_make)
{
	json_t *input = json_deep_copy(step->properties), *answer;

	json_object_del(input, "Tags");
	add_tags(step, input);
	TRY(call_api(step, "elbv2", "CreateRule", input, &answer));
	set_physical_id(step, json_string_value(json_at(answer, "Rules.0.RuleArn")));
	json_decref(answer);
	return ERR_OK;
}

HOOK(rule_updated)
{
	if (!property_changed(step, "Priority"))
		return ERR_OK;
	return call_api(step, "elbv2", "SetRulePriorities",
			json_pack("{s:[{s:s, s:O}]}", "RulePriorities", "RuleArn",
				  physical_id(step), "Priority", property(step, "Priority")),
			NULL);
}

static err_t listener_certificates(struct resource_step *step, const char *operation)
{
	return call_api(step, "elbv2", operation,
			json_pack("{s:O?, s:O?}", "ListenerArn", property(step, "ListenerArn"),
				  "Certificates", property(step, "Certificates")),
			NULL);
}

HOOK(listener_certificate_make)
{
	TRY(listener_certificates(step, "AddListenerCertificates"));
	set_physical_id(step, text_at(step->record, "LogicalResourceId"));
	return ERR_OK;
}

HOOK(listener_certificate_remove)
{
	return listener_certificates(step, "RemoveListenerCertificates");
}

/* ---- Trust stores ---- */

/* The bundle is named whole, whichever part of its name changed. */
HOOK(trust_store_updated)
{
	json_t *input = json_copy((json_t *)step->properties);

	json_object_del(input, "Name");
	json_object_del(input, "Tags");
	put_text(input, "TrustStoreArn", physical_id(step));
	return call_api(step, "elbv2", "ModifyTrustStore", input, NULL);
}

HOOK(trust_store_revocation_make)
{
	json_t *answer, *ids = json_array(), *one;
	const json_t *revocations;
	struct text id = TEXT_INIT(4096);
	size_t i;
	err_t err = call_api(step, "elbv2", "AddTrustStoreRevocations",
			     json_copy((json_t *)step->properties), &answer);

	if (err) {
		json_decref(ids);
		return err;
	}
	revocations = json_object_get(answer, "TrustStoreRevocations");
	text_add_str(&id, text_at(step->properties, "TrustStoreArn"));
	json_array_foreach ((json_t *)revocations, i, one) {
		json_array_append(ids, json_object_get(one, "RevocationId"));
		text_printf(&id, "|%lld",
			    (long long)json_integer_value(json_object_get(one, "RevocationId")));
	}
	set_physical_id(step, text_str(&id));
	put_new(step->record, "Attributes",
		json_pack("{s:O*, s:O, s:o}", "RevocationId", json_array_get(ids, 0),
			  "TrustStoreRevocations", revocations, "Ids", ids));
	text_fini(&id);
	json_decref(answer);
	return ERR_OK;
}

HOOK(trust_store_revocation_remove)
{
	return call_api(step, "elbv2", "RemoveTrustStoreRevocations",
			json_pack("{s:s, s:O?}", "TrustStoreArn",
				  text_at(step->properties, "TrustStoreArn"), "RevocationIds",
				  json_at(step->record, "Attributes.Ids")),
			NULL);
}
