/*
 * attributes_rules: what values may not stand beside each other (reference §1 and §2.3).
 */
#include "services/elbv2/attributes.h"

#include <strings.h>

#define TG(key) attribute_value(RESOURCE_TARGET_GROUP, group, key)

static bool is(const char *value, const char *word)
{
	return strcmp(value, word) == 0;
}

static err_t refuse(struct api_call *call, const char *words)
{
	return api_fault(call, "InvalidConfigurationRequest", "%s", words);
}

static err_t algorithm_rules(struct api_call *call, const json_t *group)
{
	const char *algorithm = TG("load_balancing.algorithm.type");
	bool sticky = is(TG("stickiness.enabled"), "true");

	if (!is(TG("slow_start.duration_seconds"), "0") && !is(algorithm, "round_robin"))
		return api_fault(
			call, "InvalidConfigurationRequest",
			"Slow start is not supported with the load balancing algorithm '%s'",
			algorithm);
	if (sticky && is(algorithm, "weighted_random"))
		return refuse(call, "Stickiness is not supported with the load balancing algorithm "
				    "'weighted_random'");
	if (is(TG("load_balancing.algorithm.anomaly_mitigation"), "on") &&
	    !is(algorithm, "weighted_random"))
		return refuse(call, "Anomaly mitigation is supported only with the load balancing "
				    "algorithm 'weighted_random'");
	if (sticky && is(TG("load_balancing.cross_zone.enabled"), "false"))
		return refuse(call, "Stickiness is not supported when cross-zone load balancing is "
				    "turned off for the target group");
	return ERR_OK;
}

static err_t stickiness_rules(struct api_call *call, const json_t *group)
{
	const char *cookie = TG("stickiness.app_cookie.cookie_name");

	if (strncasecmp(cookie, "AWSALB", 6) == 0)
		return api_fault(
			call, "InvalidConfigurationRequest",
			"Application cookie name '%s' cannot begin with 'AWSALB', 'AWSALBAPP' or "
			"'AWSALBTG'",
			cookie);
	if (is(TG("stickiness.enabled"), "true") && is(TG("stickiness.type"), "app_cookie") &&
	    !cookie[0])
		return refuse(call,
			      "You must set an application cookie name to enable stickiness of "
			      "type 'app_cookie'");
	return ERR_OK;
}

/* DNS failover must happen with or before routing failover. */
static err_t health_rules(struct api_call *call, const json_t *group)
{
	static const char *const units[] = { "count", "percentage" };

	for (size_t i = 0; i < COUNT(units); i++) {
		char dns_key[96], routing_key[96];
		uint32_t dns, routing;

		snprintf(dns_key, sizeof dns_key,
			 "target_group_health.dns_failover.minimum_healthy_targets.%s", units[i]);
		snprintf(routing_key, sizeof routing_key,
			 "target_group_health.unhealthy_state_routing.minimum_healthy_targets.%s",
			 units[i]);
		dns = attribute_int(RESOURCE_TARGET_GROUP, group, dns_key);
		routing = attribute_int(RESOURCE_TARGET_GROUP, group, routing_key);
		if (dns && routing && dns < routing)
			return api_fault(
				call, "InvalidConfigurationRequest",
				"'%s' value '%u' must be greater than or equal to '%s' value '%u'",
				dns_key, dns, routing_key, routing);
	}
	return ERR_OK;
}

static err_t zone_rules(struct api_call *call, const json_t *group)
{
	json_t *targets, *target;
	size_t index;

	if (!is(TG("load_balancing.cross_zone.enabled"), "false"))
		return ERR_OK;
	TRY(record_list(call, KIND_TARGET, resource_arn(RESOURCE_TARGET_GROUP, group), &targets));
	json_array_foreach (targets, index, target) {
		const char *zone = get_string(target, "AvailabilityZone");

		if (zone && is(zone, "all"))
			return api_fault(
				call, "InvalidConfigurationRequest",
				"Cross-zone load balancing cannot be turned off while target '%s' "
				"is registered with the Availability Zone 'all'",
				get_string(target, "Id"));
	}
	return ERR_OK;
}

/* A rule that spreads over several groups has no use for application cookies (reference §2.3). */
static err_t weighted_rules(struct api_call *call, const json_t *group)
{
	const char *arn = resource_arn(RESOURCE_TARGET_GROUP, group);
	json_t *uses, *use;
	size_t index;

	if (!is(TG("stickiness.enabled"), "true") || !is(TG("stickiness.type"), "app_cookie"))
		return ERR_OK;
	TRY(record_list(call, KIND_USE, arn, &uses));
	json_array_foreach (uses, index, use) {
		json_t *rule, *groups;

		TRY(record_get(call, KIND_RULE, get_string(use, "rule"), &rule));
		TRY(actions_groups(call, json_object_get(api_part(rule), "Actions"), &groups));
		if (json_array_size(groups) > 1)
			return api_fault(
				call, "InvalidConfigurationRequest",
				"When configuring a rule with multiple target groups, none of "
				"them can have stickiness of type 'app_cookie' enabled");
	}
	return ERR_OK;
}

err_t target_group_rules(struct api_call *call, const json_t *group)
{
	TRY(function_group_rules(call, group));
	TRY(algorithm_rules(call, group));
	TRY(stickiness_rules(call, group));
	TRY(health_rules(call, group));
	TRY(weighted_rules(call, group));
	return zone_rules(call, group);
}
