/*
 * arn: names of things, and the records behind them.
 */
#include "services/elbv2/elbv2_internal.h"

#include <ctype.h>
#include <stdio.h>

static const struct resource_row rows[RESOURCES] = {
	[RESOURCE_LOAD_BALANCER] = { KIND_LOAD_BALANCER, "load balancer", "loadbalancer/app/",
				     "LoadBalancerNotFound" },
	[RESOURCE_LISTENER] = { KIND_LISTENER, "listener", "listener/app/", "ListenerNotFound" },
	[RESOURCE_RULE] = { KIND_RULE, "listener rule", "listener-rule/app/", "RuleNotFound" },
	[RESOURCE_TARGET_GROUP] = { KIND_TARGET_GROUP, "target group", "targetgroup/",
				    "TargetGroupNotFound" },
	[RESOURCE_TRUST_STORE] = { KIND_TRUST_STORE, "trust store", "truststore/",
				   "TrustStoreNotFound" },
};

const struct resource_row *resource_row(enum resource resource)
{
	assert(resource < RESOURCES);
	return &rows[resource];
}

/* The sixth part of "arn:aws:elasticloadbalancing:region:account:…"; at == NULL when it is none. */
static struct bytes arn_resource(const char *arn)
{
	struct bytes rest = bytes_of(arn), part;

	for (unsigned i = 0; i < 5; i++) {
		if (!bytes_cut(&rest, ':', &part))
			return BYTES_NONE;
		if (i == 0 && !bytes_eq_str(part, "arn"))
			return BYTES_NONE;
		if (i == 2 && !bytes_eq_str(part, "elasticloadbalancing"))
			return BYTES_NONE;
	}
	return rest;
}

bool resource_of_arn(const char *arn, enum resource *ret_resource)
{
	struct bytes tail = arn_resource(arn);

	for (unsigned i = 0; tail.at && i < RESOURCES; i++) {
		if (bytes_starts(tail, bytes_of(rows[i].arn_type))) {
			*ret_resource = (enum resource)i;
			return true;
		}
	}
	return false;
}

struct bytes arn_tail(const char *arn, const char *after)
{
	struct bytes tail = arn_resource(arn), prefix = bytes_of(after);

	assert(bytes_starts(tail, prefix));
	return bytes_from(tail, prefix.len);
}

const char *resource_arn(enum resource resource, const json_t *body)
{
	static const char *const fields[RESOURCES] = {
		[RESOURCE_LOAD_BALANCER] = "LoadBalancerArn",
		[RESOURCE_LISTENER] = "ListenerArn",
		[RESOURCE_RULE] = "RuleArn",
		[RESOURCE_TARGET_GROUP] = "TargetGroupArn",
		[RESOURCE_TRUST_STORE] = "TrustStoreArn",
	};

	return get_string(api_part(body), fields[resource]);
}

err_t resource_missing(struct api_call *call, enum resource resource, const char *arn)
{
	switch (resource) {
	case RESOURCE_LOAD_BALANCER:
		return api_fault(call, "LoadBalancerNotFound", "Load balancer '%s' not found", arn);
	case RESOURCE_LISTENER:
		return api_fault(call, "ListenerNotFound", "One or more listeners not found");
	case RESOURCE_RULE: return api_fault(call, "RuleNotFound", "One or more rules not found");
	case RESOURCE_TARGET_GROUP:
		return api_fault(call, "TargetGroupNotFound",
				 "One or more target groups not found");
	case RESOURCE_TRUST_STORE:
	case RESOURCES: break;
	}
	return api_fault(call, "TrustStoreNotFound", "One or more trust stores not found");
}

/*
 * The seeds and many guides write ARNs without the random part: "targetgroup/NAME",
 * "loadbalancer/app/NAME", "listener/app/NAME/id". Names are unique here, so nothing else can
 * be meant.
 */
static err_t get_by_short_arn(struct api_call *call, enum resource resource, const char *arn,
			      json_t **ret_body)
{
	struct bytes tail = arn_tail(arn, rows[resource].arn_type), name;
	json_t *listeners, *listener;
	char *id, *name_text;
	size_t index;

	if (resource == RESOURCE_RULE || !bytes_cut(&tail, '/', &name))
		return ERR_NOT_FOUND;
	if (resource == RESOURCE_LISTENER ? !tail.at || bytes_index(tail, '/') != SIZE_MAX
					  : tail.at != NULL)
		return ERR_NOT_FOUND;
	name_text = arena_string(call->arena, name);
	if (!name_text)
		return ERR_NOMEM;
	TRY(record_named(call,
			 resource == RESOURCE_LISTENER ? KIND_LOAD_BALANCER : rows[resource].kind,
			 name_text, &id));
	if (resource != RESOURCE_LISTENER)
		return record_get(call, rows[resource].kind, id, ret_body);

	TRY(record_list(call, KIND_LISTENER, id, &listeners));
	json_array_foreach (listeners, index, listener) {
		struct bytes full = bytes_of(resource_arn(RESOURCE_LISTENER, listener));

		if (full.len > tail.len && bytes_ends(full, tail) &&
		    full.at[full.len - tail.len - 1] == '/') {
			*ret_body = listener;
			return ERR_OK;
		}
	}
	return ERR_NOT_FOUND;
}

err_t resource_get(struct api_call *call, enum resource resource, const char *arn,
		   json_t **ret_body)
{
	const struct resource_row *row = resource_row(resource);
	enum resource found;
	char *id;
	err_t err;

	if (!resource_of_arn(arn, &found) || found != resource) {
		if (resource != RESOURCE_RULE && resource != RESOURCE_LISTENER &&
		    record_named(call, row->kind, arn, &id) == ERR_OK)
			return api_fault(call, "ValidationError",
					 "'%s' is not a valid %s ARN; did you mean '%s'?", arn,
					 row->noun, id);
		return api_fault(call, "ValidationError", "'%s' is not a valid %s ARN", arn,
				 row->noun);
	}
	err = record_get(call, row->kind, arn, ret_body);
	if (err == ERR_NOT_FOUND)
		err = get_by_short_arn(call, resource, arn, ret_body);
	return err == ERR_NOT_FOUND ? resource_missing(call, resource, arn) : err;
}

char *arn_make(struct api_call *call, const char *format, ...)
{
	const struct elbv2_options *options = &elbv2_of(call)->options;
	char tail[256];
	va_list args;

	va_start(args, format);
	vsnprintf(tail, sizeof tail, format, args);
	va_end(args);
	return arena_printf(call->arena, "arn:aws:elasticloadbalancing:%s:%s:%s", options->region,
			    options->account, tail);
}

err_t check_name(struct api_call *call, const char *what, const char *name)
{
	size_t len = strlen(name);

	if (!len)
		return api_fault(call, "ValidationError", "%s name cannot be empty", what);
	if (len > 32)
		return api_fault(call, "ValidationError",
				 "%s name '%s' cannot be longer than '32' characters", what, name);
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]) && name[i] != '-')
			return api_fault(call, "ValidationError",
					 "%s name '%s' can only contain characters that are "
					 "alphanumeric characters or hyphens(-)",
					 what, name);
	if (name[0] == '-' || name[len - 1] == '-')
		return api_fault(call, "ValidationError",
				 "%s name '%s' cannot begin or end with '-'", what, name);
	return ERR_OK;
}
