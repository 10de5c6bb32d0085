/*
 * health_check: the health check fields of a target group, as CreateTargetGroup, ModifyTargetGroup
 * and the friendly attributes health_check.* set them (reference §2.2).
 */
#include "services/elbv2/elbv2_internal.h"

static err_t check_protocol(struct api_call *call, const char *protocol)
{
	if (strcmp(protocol, "HTTP") == 0 || strcmp(protocol, "HTTPS") == 0)
		return ERR_OK;
	return api_fault(call, "ValidationError",
			 "Health check protocol '%s' must be one of 'HTTP, HTTPS'", protocol);
}

static err_t check_port(struct api_call *call, const char *port)
{
	uint64_t number;

	if (strcmp(port, "traffic-port") == 0)
		return ERR_OK;
	if (bytes_to_u64(bytes_of(port), 65535, &number) || !number)
		return api_fault(
			call, "ValidationError",
			"Health check port '%s' must be 'traffic-port' or between '1-65535' "
			"inclusive",
			port);
	return ERR_OK;
}

/* A path without its slash can mean one thing only. */
static err_t set_path(struct api_call *call, const char *path, json_t *group)
{
	for (const char *c = path; *c; c++)
		if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f)
			return api_fault(
				call, "ValidationError",
				"Health check path '%s' contains characters that are not allowed",
				path);
	if (path[0] != '/') {
		path = arena_printf(call->arena, "/%s", path);
		if (!path)
			return ERR_NOMEM;
	}
	if (strlen(path) > 1024)
		return api_fault(call, "ValidationError",
				 "Health check path cannot be longer than '1024' characters");
	return set_string(group, "HealthCheckPath", path);
}

/* "2xx" is "200-299" to everybody but the API. */
static const char *plain_matcher(struct api_call *call, const char *codes)
{
	size_t len = strlen(codes);

	if (len == 3 && codes[0] >= '2' && codes[0] <= '4' && (codes[1] | 0x20) == 'x' &&
	    (codes[2] | 0x20) == 'x')
		return arena_printf(call->arena, "%c00-%c99", codes[0], codes[0]);
	return codes;
}

static bool is_grpc(const json_t *group)
{
	const char *version = get_string(group, "ProtocolVersion");

	return version && strcmp(version, "GRPC") == 0;
}

static err_t set_grpc_matcher(struct api_call *call, const json_t *matcher, json_t *group)
{
	const char *codes = get_string(matcher, "GrpcCode");

	if (get_string(matcher, "HttpCode") || !codes)
		return api_fault(call, "ValidationError",
				 "A health check matcher of a target group with protocol version "
				 "'GRPC' must have a gRPC code, and no HTTP code");
	if (!matcher_valid_grpc(bytes_of(codes)))
		return api_fault(call, "ValidationError",
				 "Health check matcher gRPC code '%s' must be within '0-99' "
				 "inclusive, as codes or ranges separated by commas",
				 codes);
	return set_new(group, "Matcher", json_pack("{s:s}", "GrpcCode", codes));
}

static err_t set_matcher(struct api_call *call, const json_t *matcher, json_t *group)
{
	const char *codes = get_string(matcher, "HttpCode");

	if (is_grpc(group))
		return set_grpc_matcher(call, matcher, group);
	if (get_string(matcher, "GrpcCode"))
		return api_fault(
			call, "ValidationError",
			"A gRPC code can be specified only for target groups with protocol "
			"version 'GRPC'");
	if (!codes)
		return api_fault(call, "ValidationError",
				 "A health check matcher must have an HTTP code");
	codes = plain_matcher(call, codes);
	if (!codes)
		return ERR_NOMEM;
	if (!matcher_valid(bytes_of(codes)))
		return api_fault(
			call, "ValidationError",
			"Health check matcher HTTP code '%s' must be within '200-499' inclusive, "
			"as codes or ranges separated by commas",
			codes);
	return set_new(group, "Matcher", json_pack("{s:s}", "HttpCode", codes));
}

/* The shape checks ranges for the operations; the attributes come without a shape. */
static const struct number_field {
	const char *name;
	int64_t min, max;
} number_fields[] = {
	{ "HealthCheckIntervalSeconds", 5, 300 },
	{ "HealthCheckTimeoutSeconds", 2, 120 },
	{ "HealthyThresholdCount", 2, 10 },
	{ "UnhealthyThresholdCount", 2, 10 },
};

static err_t set_numbers(struct api_call *call, const json_t *fields, json_t *group)
{
	for (size_t i = 0; i < COUNT(number_fields); i++) {
		const struct number_field *row = &number_fields[i];
		int64_t value = get_int(fields, row->name, -1);

		if (!json_object_get(fields, row->name))
			continue;
		if (value < row->min || value > row->max)
			return api_fault(call, "ValidationError",
					 "'%s' value '%lld' must be between '%lld-%lld' inclusive",
					 row->name, (long long)value, (long long)row->min,
					 (long long)row->max);
		TRY(set_new(group, row->name, json_integer(value)));
	}
	return ERR_OK;
}

err_t health_check_set(struct api_call *call, const json_t *fields, json_t *group)
{
	const char *protocol = get_string(fields, "HealthCheckProtocol");
	const char *port = get_string(fields, "HealthCheckPort");
	const char *path = get_string(fields, "HealthCheckPath");
	const json_t *enabled = json_object_get(fields, "HealthCheckEnabled");
	const json_t *matcher = json_object_get(fields, "Matcher");

	if (group_is_function(group)) {
		if (protocol || port)
			return api_fault(call, "ValidationError",
					 "A health check of target groups with target type "
					 "'lambda' has no protocol and no port");
		if (enabled)
			TRY(set_new(group, "HealthCheckEnabled",
				    json_boolean(json_is_true(enabled))));
	} else if (enabled && !json_is_true(enabled)) {
		return api_fault(
			call, "InvalidConfigurationRequest",
			"Health checks cannot be disabled for target groups with target type '%s'",
			get_string(group, "TargetType"));
	}
	if (protocol) {
		TRY(check_protocol(call, protocol));
		TRY(set_string(group, "HealthCheckProtocol", protocol));
	}
	if (port) {
		TRY(check_port(call, port));
		TRY(set_string(group, "HealthCheckPort", port));
	}
	if (path)
		TRY(set_path(call, path, group));
	if (matcher)
		TRY(set_matcher(call, matcher, group));
	TRY(set_numbers(call, fields, group));

	if (get_int(group, "HealthCheckTimeoutSeconds", 0) >=
	    get_int(group, "HealthCheckIntervalSeconds", 0))
		return api_fault(
			call, "ValidationError",
			"Health check timeout '%lld' must be smaller than the interval '%lld'",
			(long long)get_int(group, "HealthCheckTimeoutSeconds", 0),
			(long long)get_int(group, "HealthCheckIntervalSeconds", 0));
	return ERR_OK;
}
