/*
 * actions: what a rule does, checked and with its defaults filled in, as Describe answers it
 * (reference §3.4 and §3.5).
 */
#include "services/elbv2/elbv2_internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

enum { GROUPS_PER_ACTION = 5, WEIGHT_MAX = 999, STICKY_SECONDS_MAX = 604800 };

/* ---- Forward ---- */

static err_t group_of(struct api_call *call, const char *arn, json_t **ret_body)
{
	err_t err;

	if (!arn)
		return api_fault(call, "ValidationError", "A target group ARN must be specified");
	err = resource_get(call, RESOURCE_TARGET_GROUP, arn, ret_body);
	if (err && strcmp(call->fault.code, "TargetGroupNotFound") == 0)
		return api_fault(call, "TargetGroupNotFound", "Target group '%s' not found", arn);
	return err;
}

/* The groups as [{TargetGroupArn, Weight}], from the long form or from the short one. */
static err_t forward_groups(struct api_call *call, const json_t *action, json_t **ret_groups)
{
	const char *only = get_filled(action, "TargetGroupArn");
	json_t *given = json_object_get(json_object_get(action, "ForwardConfig"), "TargetGroups");
	json_t *groups = json_array(), *group, *body;
	size_t index;

	TRY(call_hold(call, groups));
	*ret_groups = groups;
	if (json_array_size(given) > GROUPS_PER_ACTION)
		return api_fault(call, "TooManyTargetGroups",
				 "An action can have at most '%d' target groups",
				 GROUPS_PER_ACTION);
	json_array_foreach (given, index, group) {
		int64_t weight = get_int(group, "Weight", 1);

		if (weight < 0 || weight > WEIGHT_MAX)
			return api_fault(
				call, "ValidationError",
				"Target group weight '%lld' must be between '0-%d' inclusive",
				(long long)weight, WEIGHT_MAX);
		TRY(group_of(call, get_string(group, "TargetGroupArn"), &body));
		for (size_t i = 0; i < json_array_size(groups); i++)
			if (strcmp(get_string(json_array_get(groups, i), "TargetGroupArn"),
				   resource_arn(RESOURCE_TARGET_GROUP, body)) == 0)
				return api_fault(
					call, "InvalidLoadBalancerAction",
					"A target group can be specified only once per action");
		if (json_array_append_new(groups,
					  json_pack("{s:s, s:I}", "TargetGroupArn",
						    resource_arn(RESOURCE_TARGET_GROUP, body),
						    "Weight", (json_int_t)weight)))
			return ERR_NOMEM;
	}
	if (!only && json_array_size(groups))
		return ERR_OK;

	TRY(group_of(call, only, &body));
	only = resource_arn(RESOURCE_TARGET_GROUP, body);
	if (json_array_size(groups) > 1 ||
	    (json_array_size(groups) == 1 &&
	     strcmp(get_string(json_array_get(groups, 0), "TargetGroupArn"), only) != 0))
		return api_fault(
			call, "ValidationError",
			"TargetGroupArn and ForwardConfig must name the same single target group");
	if (!json_array_size(groups) &&
	    json_array_append_new(groups,
				  json_pack("{s:s, s:i}", "TargetGroupArn", only, "Weight", 1)))
		return ERR_NOMEM;
	return ERR_OK;
}

/* What the stickiness of several groups asks of each other, reference §2.3 and §3.4. */
static err_t check_group_stickiness(struct api_call *call, const json_t *groups, bool sticky)
{
	json_t *group, *body;
	size_t index;

	if (json_array_size(groups) < 2)
		return ERR_OK;
	json_array_foreach (groups, index, group) {
		TRY(record_get(call, KIND_TARGET_GROUP, get_string(group, "TargetGroupArn"),
			       &body));
		if (!attribute_true(RESOURCE_TARGET_GROUP, body, "stickiness.enabled"))
			continue;
		if (strcmp(attribute_value(RESOURCE_TARGET_GROUP, body, "stickiness.type"),
			   "app_cookie") == 0)
			return api_fault(
				call, "InvalidLoadBalancerAction",
				"When configuring a rule with multiple target groups, none of "
				"them can have stickiness of type 'app_cookie' enabled");
		if (!sticky)
			return api_fault(
				call, "InvalidLoadBalancerAction",
				"You must enable group stickiness on a rule if you enabled target "
				"stickiness on one of its target groups");
	}
	return ERR_OK;
}

err_t forward_check_protocol(struct api_call *call, const json_t *groups, const char *protocol)
{
	json_t *group, *body;
	size_t index;

	if (strcmp(protocol, "HTTPS") == 0)
		return ERR_OK;
	json_array_foreach (groups, index, group) {
		const char *version;

		TRY(record_get(call, KIND_TARGET_GROUP, get_string(group, "TargetGroupArn"),
			       &body));
		version = get_string(api_part(body), "ProtocolVersion");
		if (version && strcmp(version, "HTTP1") != 0)
			return api_fault(call, "InvalidConfigurationRequest",
					 "Listener protocol '%s' is not supported with a target "
					 "group with the protocol-version '%s': it must be 'HTTPS'",
					 protocol, version);
	}
	return ERR_OK;
}

static err_t forward(struct api_call *call, const json_t *action, const char *protocol, json_t *out)
{
	const json_t *given = json_object_get(json_object_get(action, "ForwardConfig"),
					      "TargetGroupStickinessConfig");
	bool sticky = get_true(given, "Enabled");
	int64_t seconds = get_int(given, "DurationSeconds", 0);
	json_t *groups, *stickiness;

	TRY(forward_groups(call, action, &groups));
	if (json_object_get(given, "DurationSeconds") || sticky)
		if (seconds < 1 || seconds > STICKY_SECONDS_MAX)
			return api_fault(
				call, "InvalidLoadBalancerAction",
				"Target group stickiness duration '%lld' must be between '1-%d' "
				"inclusive",
				(long long)seconds, STICKY_SECONDS_MAX);
	TRY(check_group_stickiness(call, groups, sticky));
	TRY(forward_check_protocol(call, groups, protocol));

	stickiness = json_pack("{s:b}", "Enabled", (int)sticky);
	TRY(call_hold(call, stickiness));
	if (seconds)
		TRY(set_new(stickiness, "DurationSeconds", json_integer(seconds)));
	if (json_array_size(groups) == 1)
		TRY(set_string(out, "TargetGroupArn",
			       get_string(json_array_get(groups, 0), "TargetGroupArn")));
	return set_new(out, "ForwardConfig",
		       json_pack("{s:O, s:O}", "TargetGroups", groups,
				 "TargetGroupStickinessConfig", stickiness));
}

/* ---- Redirect ---- */

static const char *upper(struct api_call *call, const char *text)
{
	char *copy = arena_string(call->arena, bytes_of(text));

	for (char *c = copy; c && *c; c++)
		*c = (char)toupper((unsigned char)*c);
	return copy;
}

/* Every "#{name}" must be one that this part may have: `allowed` is "host,path,port". */
static err_t check_placeholders(struct api_call *call, const char *part, const char *value,
				const char *allowed)
{
	for (const char *at = value; (at = strstr(at, "#{")) != NULL; at += 2) {
		struct bytes rest = bytes_of(allowed), name;
		const char *end = strchr(at, '}');
		bool known = false;

		while (end && bytes_cut(&rest, ',', &name))
			known |= bytes_eq(name, bytes_make(at + 2, (size_t)(end - at) - 2));
		if (!known)
			return api_fault(
				call, "InvalidLoadBalancerAction",
				"The %s '%s' of a redirect can have the placeholders '%s' only",
				part, value, allowed);
	}
	for (const char *c = value; *c; c++)
		if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f)
			return api_fault(
				call, "InvalidLoadBalancerAction",
				"The %s of a redirect contains characters that are not allowed",
				part);
	return ERR_OK;
}

static err_t check_length(struct api_call *call, const char *part, const char *value)
{
	if (strlen(value) > 128)
		return api_fault(call, "ValidationError",
				 "The %s of a redirect cannot be longer than '128' characters",
				 part);
	return ERR_OK;
}

static err_t redirect_protocol(struct api_call *call, const char *given, const char **ret_protocol)
{
	const char *protocol = given ? given : "#{protocol}";

	if (strcmp(protocol, "#{protocol}") != 0)
		protocol = upper(call, protocol);
	if (!protocol)
		return ERR_NOMEM;
	if (strcmp(protocol, "HTTP") != 0 && strcmp(protocol, "HTTPS") != 0 &&
	    strcmp(protocol, "#{protocol}") != 0)
		return api_fault(call, "ValidationError",
				 "The protocol '%s' of a redirect must be one of 'HTTP, HTTPS, "
				 "#{protocol}'",
				 given);
	*ret_protocol = protocol;
	return ERR_OK;
}

static err_t redirect_port(struct api_call *call, const char *given, const char **ret_port)
{
	uint64_t number;

	*ret_port = given ? given : "#{port}";
	if (strcmp(*ret_port, "#{port}") == 0)
		return ERR_OK;
	if (bytes_to_u64(bytes_of(given), 65535, &number) || !number)
		return api_fault(
			call, "ValidationError",
			"The port '%s' of a redirect must be '#{port}' or between '1-65535' "
			"inclusive",
			given);
	return ERR_OK;
}

static err_t redirect_path(struct api_call *call, const char *given, const char **ret_path)
{
	const char *path = given && given[0] ? given : "/#{path}";

	if (path[0] != '/')
		path = arena_printf(call->arena, "/%s", path);
	if (!path)
		return ERR_NOMEM;
	*ret_path = path;
	TRY(check_length(call, "path", path));
	return check_placeholders(call, "path", path, "host,path,port");
}

static err_t redirect_status(struct api_call *call, const char *given, const char **ret_status)
{
	if (strcmp(given, "301") == 0 || strcmp(given, "HTTP_301") == 0)
		*ret_status = "HTTP_301";
	else if (strcmp(given, "302") == 0 || strcmp(given, "HTTP_302") == 0)
		*ret_status = "HTTP_302";
	else
		return api_fault(
			call, "ValidationError",
			"The status code '%s' of a redirect must be one of 'HTTP_301, HTTP_302'",
			given);
	return ERR_OK;
}

static err_t redirect(struct api_call *call, const json_t *action, const char *listener_protocol,
		      json_t *out)
{
	const json_t *given = json_object_get(action, "RedirectConfig");
	const char *host = get_filled(given, "Host"), *query = get_string(given, "Query");
	const char *protocol, *port, *path, *status;

	if (!given)
		return api_fault(call, "ValidationError",
				 "A redirect configuration must be specified");
	host = host ? host : "#{host}";
	query = query ? query : "#{query}";
	query += query[0] == '?';

	TRY(redirect_protocol(call, get_filled(given, "Protocol"), &protocol));
	TRY(redirect_port(call, get_filled(given, "Port"), &port));
	TRY(redirect_path(call, get_string(given, "Path"), &path));
	TRY(redirect_status(call, get_string(given, "StatusCode"), &status));
	TRY(check_placeholders(call, "host", host, "host"));
	TRY(check_length(call, "query", query));
	TRY(check_placeholders(call, "query", query, "host,path,port,protocol,query"));
	if ((strcmp(protocol, "#{protocol}") == 0 || strcmp(protocol, listener_protocol) == 0) &&
	    strcmp(host, "#{host}") == 0 && strcmp(port, "#{port}") == 0 &&
	    strcmp(path, "/#{path}") == 0)
		return api_fault(
			call, "InvalidLoadBalancerAction",
			"The redirect configuration is not valid because it creates a loop");
	return set_new(out, "RedirectConfig",
		       json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "Protocol", protocol, "Port",
				 port, "Host", host, "Path", path, "Query", query, "StatusCode",
				 status));
}

/* ---- Fixed response ---- */

static err_t fixed_response(struct api_call *call, const json_t *action, json_t *out)
{
	static const char *const types[] = { "text/html", "application/json",
					     "application/javascript", "text/css", "text/plain" };
	const json_t *given = json_object_get(action, "FixedResponseConfig");
	const char *status = get_string(given, "StatusCode"),
		   *type = get_string(given, "ContentType");
	const char *body = get_string(given, "MessageBody");
	bool known = !type || !type[0];
	json_t *config;

	if (!given)
		return api_fault(call, "ValidationError",
				 "A fixed response configuration must be specified");
	if (strlen(status) != 3 || !strchr("245", status[0]) ||
	    !isdigit((unsigned char)status[1]) || !isdigit((unsigned char)status[2]))
		return api_fault(
			call, "ValidationError",
			"1 validation error detected: Value '%s' at "
			"'actions.1.member.fixedResponseConfig.statusCode' failed to satisfy "
			"constraint: Member must satisfy regular expression pattern: "
			"^(2|4|5)\\d\\d$",
			status);
	for (size_t i = 0; i < COUNT(types); i++)
		known = known || strcmp(type, types[i]) == 0;
	if (!known)
		return api_fault(call, "ValidationError",
				 "The ContentType must be one of:'text/html', 'application/json', "
				 "'application/javascript', 'text/css', 'text/plain'");

	config = json_pack("{s:s}", "StatusCode", status);
	TRY(call_hold(call, config));
	if (type && type[0])
		TRY(set_string(config, "ContentType", type));
	if (body)
		TRY(set_string(config, "MessageBody", body));
	return set_new(out, "FixedResponseConfig", json_incref(config));
}

/* ---- All of a rule ---- */

static const struct {
	const char *type, *config;
} configs[] = {
	{ "forward", "ForwardConfig" },
	{ "forward", "TargetGroupArn" },
	{ "redirect", "RedirectConfig" },
	{ "fixed-response", "FixedResponseConfig" },
	{ "authenticate-oidc", "AuthenticateOidcConfig" },
	{ "authenticate-cognito", "AuthenticateCognitoConfig" },
	{ "jwt-validation", "JwtValidationConfig" },
};

static err_t check_configs(struct api_call *call, const json_t *action, const char *type)
{
	for (size_t i = 0; i < COUNT(configs); i++)
		if (json_object_get(action, configs[i].config) &&
		    strcmp(configs[i].type, type) != 0)
			return api_fault(call, "ValidationError",
					 "'%s' cannot be specified for actions of type '%s'",
					 configs[i].config, type);
	return ERR_OK;
}

static err_t normalise_one(struct api_call *call, const json_t *action, const char *protocol,
			   json_t *out)
{
	const char *type = get_string(action, "Type");
	const json_t *order = json_object_get(action, "Order");

	TRY(check_configs(call, action, type));
	TRY(set_string(out, "Type", type));
	if (order)
		TRY(set_new(out, "Order", json_incref((json_t *)order)));
	if (strcmp(type, "forward") == 0)
		return forward(call, action, protocol, out);
	if (strcmp(type, "redirect") == 0)
		return redirect(call, action, protocol, out);
	if (strcmp(type, "fixed-response") == 0)
		return fixed_response(call, action, out);
	if (strcmp(protocol, "HTTPS") != 0)
		return api_fault(call, "InvalidLoadBalancerAction",
				 "Actions of type '%s' are supported only on HTTPS listeners",
				 type);
	if (strcmp(type, "authenticate-oidc") == 0)
		return action_authenticate_oidc(call, action, out);
	if (strcmp(type, "authenticate-cognito") == 0)
		return action_authenticate_cognito(call, action, out);
	return action_jwt_validation(call, action, out);
}

static bool is_terminal(const json_t *action)
{
	const char *type = get_string(action, "Type");

	return strcmp(type, "forward") == 0 || strcmp(type, "redirect") == 0 ||
	       strcmp(type, "fixed-response") == 0;
}

static int by_order(const void *a, const void *b)
{
	int64_t x = get_int(*(json_t *const *)a, "Order", 0);
	int64_t y = get_int(*(json_t *const *)b, "Order", 0);

	return (x > y) - (x < y);
}

/* Several actions go by their orders; where none has one, as they were given. */
static err_t sort_actions(struct api_call *call, json_t *list, json_t **ret_sorted)
{
	size_t count = json_array_size(list), ordered = 0;
	json_t **sorted = arena_array(call->arena, count + 1, sizeof *sorted);

	if (!sorted)
		return ERR_NOMEM;
	for (size_t i = 0; i < count; i++) {
		sorted[i] = json_array_get(list, i);
		ordered += json_object_get(sorted[i], "Order") != NULL;
	}
	if (count > 1 && ordered && ordered < count)
		return api_fault(call, "InvalidLoadBalancerAction",
				 "You must specify an order for each action");
	for (size_t i = 0; count > 1 && !ordered && i < count; i++)
		TRY(set_new(sorted[i], "Order", json_integer((json_int_t)i + 1)));
	qsort(sorted, count, sizeof *sorted, by_order);
	*ret_sorted = json_array();
	TRY(call_hold(call, *ret_sorted));
	for (size_t i = 0; i < count; i++) {
		if (i && by_order(&sorted[i - 1], &sorted[i]) == 0)
			return api_fault(call, "InvalidLoadBalancerAction",
					 "Two actions cannot have the same order");
		if (json_array_append(*ret_sorted, sorted[i]))
			return ERR_NOMEM;
	}
	return ERR_OK;
}

/* One action at the end; before it at most one that authenticates and one that checks a token. */
static err_t check_sequence(struct api_call *call, const json_t *sorted)
{
	size_t count = json_array_size(sorted), authenticates = 0, validates = 0;

	for (size_t i = 0; i < count; i++) {
		const json_t *action = json_array_get(sorted, i);
		const char *type = get_string(action, "Type");

		if (is_terminal(action) != (i == count - 1))
			return api_fault(
				call, "InvalidLoadBalancerAction",
				"The list of actions must have exactly one action of type "
				"'forward', 'redirect' or 'fixed-response', and it must be "
				"the last");
		authenticates += strncmp(type, "authenticate-", 13) == 0;
		validates += strcmp(type, "jwt-validation") == 0;
	}
	if (authenticates > 1 || validates > 1)
		return api_fault(call, "InvalidLoadBalancerAction",
				 "A rule can have at most one action that authenticates users and "
				 "one of type 'jwt-validation'");
	return ERR_OK;
}

err_t actions_normalise(struct api_call *call, const json_t *actions, const char *protocol,
			json_t **ret_actions)
{
	json_t *out = json_array(), *action, *normal;
	size_t index;

	TRY(call_hold(call, out));
	if (!json_array_size(actions))
		return api_fault(call, "ValidationError", "An action must be specified");
	json_array_foreach (actions, index, action) {
		normal = json_object();
		TRY(call_hold(call, normal));
		TRY(normalise_one(call, action, protocol, normal));
		if (json_array_append(out, normal))
			return ERR_NOMEM;
	}
	TRY(sort_actions(call, out, ret_actions));
	return check_sequence(call, *ret_actions);
}
