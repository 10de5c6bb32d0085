/*
 * attributes_operations: Describe and Modify of attributes, for load balancers, target groups and
 * listeners alike. A Modify is all or nothing.
 */
#include "services/elbv2/attributes.h"

#include <ctype.h>
#include <stdio.h>

static const struct owner {
	const char *noun; /* in errors */
	const char *arn;  /* input member */
} owners[RESOURCES] = {
	[RESOURCE_LOAD_BALANCER] = { "Load balancer", "LoadBalancerArn" },
	[RESOURCE_TARGET_GROUP] = { "Target group", "TargetGroupArn" },
	[RESOURCE_LISTENER] = { "Listener", "ListenerArn" },
};

/* ---- Describe ---- */

static bool is_https(const json_t *listener)
{
	return strcmp(get_string(api_part(listener), "Protocol"), "HTTPS") == 0;
}

static bool described(const struct attribute *row, enum resource owner, const json_t *body)
{
	if (row->owner != owner)
		return false;
	if (owner == RESOURCE_TARGET_GROUP && group_is_function(api_part(body)) &&
	    !function_group_has(row))
		return false;
	switch (row->effect) {
	case EFFECT_FOREIGN: return false;
	case EFFECT_HTTPS_ONLY: return is_https(body);
	case EFFECT_WEIR: return get_string(json_object_get(body, "attributes"), row->key) != NULL;
	case EFFECT_FUNCTION: return group_is_function(api_part(body));
	case EFFECT_ACTS:
	case EFFECT_DEFAULT_ONLY:
	case EFFECT_STORED: break;
	}
	return true;
}

static err_t attributes_answer(struct api_call *call, enum resource owner, const json_t *body)
{
	for (size_t i = 0; i < attribute_count; i++) {
		const struct attribute *row = &attributes[i];

		if (described(row, owner, body))
			TRY(output_append(call->output, "Attributes",
					  json_pack("{s:s, s:s}", "Key", row->key, "Value",
						    attribute_value(owner, body, row->key))));
	}
	return ERR_OK;
}

static err_t describe(struct api_call *call, enum resource owner)
{
	json_t *body;

	TRY(resource_get(call, owner, get_string(call->input, owners[owner].arn), &body));
	return attributes_answer(call, owner, body);
}

err_t elbv2_describe_load_balancer_attributes(struct api_call *call)
{
	return describe(call, RESOURCE_LOAD_BALANCER);
}

err_t elbv2_describe_target_group_attributes(struct api_call *call)
{
	return describe(call, RESOURCE_TARGET_GROUP);
}

err_t elbv2_describe_listener_attributes(struct api_call *call)
{
	return describe(call, RESOURCE_LISTENER);
}

/* ---- Modify ---- */

/* "idle_timeout" for "idle_timeout.timeout_seconds": what was begun, or meant. */
static const char *suggestion(enum resource owner, const char *key)
{
	static const struct {
		enum resource owner;
		const char *wrong, *right;
	} known[] = {
		{ RESOURCE_LOAD_BALANCER, "idle_timeout.seconds", "idle_timeout.timeout_seconds" },
		{ RESOURCE_TARGET_GROUP, "slow_start", "slow_start.duration_seconds" },
		{ RESOURCE_TARGET_GROUP, "stickiness.duration_seconds",
		  "stickiness.lb_cookie.duration_seconds" },
		{ RESOURCE_TARGET_GROUP, "stickiness.cookie_name",
		  "stickiness.app_cookie.cookie_name" },
	};
	size_t len = strlen(key);

	for (size_t i = 0; i < COUNT(known); i++)
		if (known[i].owner == owner && strcmp(known[i].wrong, key) == 0)
			return known[i].right;
	for (size_t i = 0; i < attribute_count && len >= 4; i++) {
		const struct attribute *row = &attributes[i];

		if (row->owner == owner && row->effect != EFFECT_FOREIGN &&
		    strncmp(row->key, key, len) == 0 && row->key[len] == '.')
			return row->key;
	}
	return NULL;
}

static err_t unknown_key(struct api_call *call, enum resource owner, const char *key)
{
	const char *meant = suggestion(owner, key);

	if (meant)
		return api_fault(call, "ValidationError",
				 "%s attribute key '%s' is not recognized; did you mean '%s'?",
				 owners[owner].noun, key, meant);
	return api_fault(call, "ValidationError", "%s attribute key '%s' is not recognized",
			 owners[owner].noun, key);
}

static err_t not_here(struct api_call *call, const struct attribute *row)
{
	const char *noun = owners[row->owner].noun;

	if (row->owner == RESOURCE_LOAD_BALANCER)
		return api_fault(
			call, "InvalidConfigurationRequest",
			"%s attribute key '%s' is not supported on load balancers with type "
			"'application'",
			noun, row->key);
	if (row->owner == RESOURCE_LISTENER)
		return api_fault(
			call, "InvalidConfigurationRequest",
			"%s attribute key '%s' is not supported on listeners with protocol 'HTTP'",
			noun, row->key);
	return api_fault(
		call, "InvalidConfigurationRequest",
		"%s attribute key '%s' is not supported on target groups with protocol 'HTTP'",
		noun, row->key);
}

/* Attributes that mean nothing for what this group's targets are. */
static err_t check_target_type(struct api_call *call, const struct attribute *row,
			       const json_t *body)
{
	const json_t *group = api_part(body);
	bool function = group_is_function(group);
	bool functions_own = row->effect == EFFECT_FUNCTION ||
			     bytes_starts(bytes_of(row->key), BYTES("weir.lambda."));

	if (row->owner == RESOURCE_TARGET_GROUP &&
	    (function ? !function_group_has(row) : functions_own))
		return function_group_lacks(call, get_string(group, "TargetType"), row->key);
	return ERR_OK;
}

/* A new name of a header: one that no other of them has, and that means nothing by itself. */
static err_t check_field_name(struct api_call *call, const struct attribute *row,
			      const json_t *body, const char *value)
{
	static const char *const reserved[] = { "Host",
						"Connection",
						"Content-Length",
						"Transfer-Encoding",
						"Upgrade",
						"TE",
						"Expect",
						"X-Forwarded-For",
						"X-Forwarded-Proto",
						"X-Forwarded-Port",
						"X-Amzn-Trace-Id" };

	for (const char *c = value; *c; c++)
		if (!isalnum((unsigned char)*c) && *c != '-' && *c != '_')
			return api_fault(call, "ValidationError",
					 "'%s' value '%s' must consist of letters, digits, '-' "
					 "and '_'",
					 row->key, value);
	for (size_t i = 0; i < COUNT(reserved); i++)
		if (bytes_eq_nocase(bytes_of(reserved[i]), bytes_of(value)))
			return api_fault(call, "ValidationError",
					 "'%s' value '%s' is the name of a header with a meaning "
					 "of its own",
					 row->key, value);
	for (size_t i = 0; value[0] && i < attribute_count; i++)
		if (&attributes[i] != row && attributes[i].effect == EFFECT_HTTPS_ONLY &&
		    bytes_eq_nocase(
			    bytes_of(attribute_value(RESOURCE_LISTENER, body, attributes[i].key)),
			    bytes_of(value)))
			return api_fault(call, "ValidationError",
					 "'%s' value '%s' is the name of another header already",
					 row->key, value);
	return ERR_OK;
}

static err_t set_one(struct api_call *call, const struct attribute *row, json_t *body,
		     const char *given)
{
	json_t *set = json_object_get(body, "attributes");
	const char *value = attribute_tidy(call, row, given);

	if (!value)
		return ERR_NOMEM;
	if (row->effect == EFFECT_FOREIGN || (row->effect == EFFECT_HTTPS_ONLY && !is_https(body)))
		return not_here(call, row);
	TRY(check_target_type(call, row, body));
	if (row->effect == EFFECT_HTTPS_ONLY)
		TRY(check_field_name(call, row, body, value));
	if (row->effect == EFFECT_WEIR && !value[0]) {
		json_object_del(set, row->key);
		return ERR_OK;
	}
	if (strcmp(row->key, "stickiness.type") == 0 && !group_is_function(api_part(body)) &&
	    bytes_starts(bytes_of(value), BYTES("source_ip")))
		return api_fault(
			call, "InvalidConfigurationRequest",
			"Stickiness type '%s' is not supported for target groups with the %s "
			"protocol",
			value, get_string(api_part(body), "Protocol"));
	TRY(attribute_check(call, row, value));
	if (row->effect == EFFECT_DEFAULT_ONLY) {
		json_object_del(set, row->key);
		if (strcmp(value, attribute_value(row->owner, body, row->key)) != 0)
			return api_fault(call, "InvalidConfigurationRequest",
					 "'%s' cannot be set to '%s': %s", row->key, value,
					 row->why);
		return ERR_OK;
	}
	return set_string(set, row->key, value);
}

static const char *trimmed(struct api_call *call, const char *key)
{
	struct bytes text = bytes_trim(bytes_of(key));

	while (text.len && text.at[text.len - 1] == ',')
		text = bytes_trim(bytes_upto(text, text.len - 1));
	return arena_string(call->arena, text);
}

/*
 * The seeds set health checks as if they were attributes. They are fields of ModifyTargetGroup,
 * and act as such; Describe never lists them here.
 */
static const struct health_key {
	const char *key, *field;
	bool number;
} health_keys[] = {
	{ "health_check.interval_seconds", "HealthCheckIntervalSeconds", true },
	{ "health_check.timeout_seconds", "HealthCheckTimeoutSeconds", true },
	{ "health_check.healthy_threshold", "HealthyThresholdCount", true },
	{ "health_check.healthy_threshold_count", "HealthyThresholdCount", true },
	{ "health_check.unhealthy_threshold", "UnhealthyThresholdCount", true },
	{ "health_check.unhealthy_threshold_count", "UnhealthyThresholdCount", true },
	{ "health_check.path", "HealthCheckPath", false },
	{ "health_check.port", "HealthCheckPort", false },
	{ "health_check.protocol", "HealthCheckProtocol", false },
	{ "health_check.enabled", "HealthCheckEnabled", false },
	{ "health_check.matcher", "Matcher", false },
};

static const struct health_key *health_key(const char *key)
{
	for (size_t i = 0; i < COUNT(health_keys); i++)
		if (strcmp(health_keys[i].key, key) == 0)
			return &health_keys[i];
	return NULL;
}

static err_t health_field(struct api_call *call, const struct health_key *row, const char *given,
			  json_t *fields)
{
	struct bytes text = bytes_trim(bytes_of(given));
	uint64_t number;

	if (row->number) {
		if (bytes_to_u64(text, INT32_MAX, &number))
			return api_fault(call, "ValidationError",
					 "'%s' value '%s' must be a number", row->key, given);
		return set_new(fields, row->field, json_integer((json_int_t)number));
	}
	if (strcmp(row->field, "Matcher") == 0)
		return set_new(fields, row->field, json_pack("{s:s}", "HttpCode", given));
	if (strcmp(row->field, "HealthCheckEnabled") == 0)
		return set_new(fields, row->field,
			       json_boolean(bytes_eq_nocase(text, BYTES("true")) ||
					    bytes_eq_str(text, "1")));
	return set_string(fields, row->field, given);
}

static err_t set_all(struct api_call *call, enum resource owner, json_t *body, json_t *fields)
{
	json_t *list = json_object_get(call->input, "Attributes"), *item;
	size_t index;

	json_array_foreach (list, index, item) {
		const char *key = get_string(item, "Key"), *value = get_string(item, "Value");
		const struct health_key *health;
		const struct attribute *row;

		if (!key)
			return api_fault(call, "ValidationError",
					 "An attribute key must be specified");
		key = trimmed(call, key);
		if (!key)
			return ERR_NOMEM;
		health = owner == RESOURCE_TARGET_GROUP ? health_key(key) : NULL;
		if (health) {
			TRY(health_field(call, health, value ? value : "", fields));
			continue;
		}
		row = attribute_find(owner, key);
		if (!row)
			return unknown_key(call, owner, key);
		TRY(set_one(call, row, body, value ? value : ""));
	}
	return ERR_OK;
}

static err_t modify(struct api_call *call, enum resource owner)
{
	json_t *fields = json_object(), *body;

	TRY(call_hold(call, fields));
	TRY(resource_get(call, owner, get_string(call->input, owners[owner].arn), &body));
	TRY(set_all(call, owner, body, fields));
	if (json_object_size(fields))
		TRY(health_check_set(call, fields, json_object_get(body, "api")));
	if (owner == RESOURCE_TARGET_GROUP)
		TRY(target_group_rules(call, body));
	if (owner == RESOURCE_LOAD_BALANCER)
		TRY(load_balancer_rules(call, body));

	TRY(record_put(call, resource_row(owner)->kind, resource_arn(owner, body),
		       owner == RESOURCE_LISTENER ? get_string(api_part(body), "LoadBalancerArn")
						  : "",
		       body));
	return attributes_answer(call, owner, body);
}

err_t elbv2_modify_load_balancer_attributes(struct api_call *call)
{
	return modify(call, RESOURCE_LOAD_BALANCER);
}

err_t elbv2_modify_target_group_attributes(struct api_call *call)
{
	return modify(call, RESOURCE_TARGET_GROUP);
}

err_t elbv2_modify_listener_attributes(struct api_call *call)
{
	return modify(call, RESOURCE_LISTENER);
}
