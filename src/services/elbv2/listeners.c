/*
 * listeners: create, describe, modify, delete. A port is bound before the call is acknowledged, so
 * that one which cannot be had is this call's error.
 */
#include "services/elbv2/elbv2_internal.h"

#include "crypto/random.h"

enum { LISTENERS_PER_LOAD_BALANCER = 50 };

/* ---- Checks ---- */

static err_t check_protocol(struct api_call *call, const char *protocol)
{
	if (strcmp(protocol, "HTTP") == 0 || strcmp(protocol, "HTTPS") == 0)
		return ERR_OK;
	return api_fault(call, "ValidationError",
			 "Listener protocol '%s' must be one of 'HTTP, HTTPS'", protocol);
}

/*
 * Load balancers at one address are told apart by Host and SNI, but TLS and plain text cannot
 * share it.
 */
static err_t check_neighbours(struct api_call *call, const json_t *self, const char *scheme,
			      const char *protocol, uint16_t port)
{
	const struct elbv2 *elbv2 = elbv2_of(call);
	struct address at = elbv2_bound(elbv2, scheme, port);

	mirror_each(&elbv2->mirror, MIRROR_LISTENERS, node)
	{
		const json_t *other = api_part(mirror_body(node));
		const char *balancer = get_string(other, "LoadBalancerArn");
		const struct mirror_record *record = map_get(
			&elbv2->mirror.by_id[MIRROR_LOAD_BALANCERS], bytes_of(balancer));
		struct address theirs;

		if (!record || (self && strcmp(get_string(other, "ListenerArn"),
					       resource_arn(RESOURCE_LISTENER, self)) == 0))
			continue;
		theirs = elbv2_bound(elbv2, get_string(api_part(record->body), "Scheme"),
				     (uint16_t)get_int(other, "Port", 0));
		if (address_eq(&at, &theirs) &&
		    strcmp(get_string(other, "Protocol"), protocol) != 0)
			return api_fault(call, "InvalidConfigurationRequest",
					 "Listener port '%u' carries %s for load balancer '%s', "
					 "which shares this machine's address: give one of them "
					 "another port",
					 port, get_string(other, "Protocol"), balancer);
	}
	return ERR_OK;
}

static err_t bind_port(struct api_call *call, const char *scheme, uint16_t port)
{
	struct elbv2 *elbv2 = elbv2_of(call);
	struct address at;
	char text[ADDRESS_TEXT_BYTES];
	err_t err;

	if (port + (unsigned)elbv2->options.port_offset > 65535)
		return api_fault(
			call, "InvalidConfigurationRequest",
			"Listener port '%u' cannot be bound: with the port offset %u it is outside "
			"of 1-65535",
			port, elbv2->options.port_offset);
	at = elbv2_bound(elbv2, scheme, port);
	err = lb_bind(elbv2->options.lb, &at);
	if (!err)
		return call_after(call, AFTER_UNBIND_ON_FAILURE, &at, NULL);
	address_format(&at, text);
	return api_fault(call, "InvalidConfigurationRequest",
			 "Listener port '%u' cannot be bound at %s: %s", port, text,
			 err == ERR_IN_USE ? "another program uses it"
			 : err == ERR_DENIED
				 ? "the system does not permit it; ports below 1024 need a "
				   "privilege, or a port offset"
			 : err == ERR_UNREACHABLE ? "this machine has no such address"
						  : err_words(err));
}

/* ---- Presenting ---- */

static err_t present(struct api_call *call, const json_t *listener)
{
	json_t *api, *rule;

	TRY(copy_held(call, api_part(listener), &api));
	TRY(listener_default_rule(call, get_string(api, "ListenerArn"), &rule));
	TRY(set_new(api, "DefaultActions",
		    json_deep_copy(json_object_get(api_part(rule), "Actions"))));
	return output_append(call->output, "Listeners", json_incref(api));
}

static err_t find_port(struct api_call *call, const char *load_balancer_arn, int64_t port,
		       json_t **ret_listener, uint64_t *ret_count)
{
	json_t *list, *listener;
	size_t index;

	*ret_listener = NULL;
	TRY(record_list(call, KIND_LISTENER, load_balancer_arn, &list));
	*ret_count = json_array_size(list);
	json_array_foreach (list, index, listener)
		if (get_int(api_part(listener), "Port", 0) == port)
			*ret_listener = listener;
	return ERR_OK;
}

/* ---- Create ---- */

static err_t check_create(struct api_call *call)
{
	const char *protocol = get_string(call->input, "Protocol");

	if (!protocol)
		return api_fault(call, "ValidationError", "A listener protocol must be specified");
	if (!json_object_get(call->input, "Port"))
		return api_fault(call, "ValidationError", "A listener port must be specified");
	TRY(check_protocol(call, protocol));
	return listener_check_tls(call, protocol);
}

/* The same port again: fine when it is the same listener. */
static err_t answer_existing(struct api_call *call, const json_t *listener, const json_t *actions)
{
	json_t *rule, *asked;

	TRY(copy_held(call, listener, &asked));
	TRY(listener_set_tls(call, get_string(call->input, "Protocol"), asked));
	TRY(listener_default_rule(call, resource_arn(RESOURCE_LISTENER, listener), &rule));
	if (!json_equal(json_object_get(api_part(rule), "Actions"), actions) ||
	    !json_equal(asked, listener))
		return api_fault(
			call, "DuplicateListener",
			"A listener already exists on this port for this load balancer '%s'",
			get_string(api_part(listener), "LoadBalancerArn"));
	return present(call, listener);
}

static err_t make_listener(struct api_call *call, const json_t *load_balancer, json_t **ret_body)
{
	const char *arn = resource_arn(RESOURCE_LOAD_BALANCER, load_balancer), *own;
	struct bytes tail = arn_tail(arn, "loadbalancer/app/");
	uint64_t sequence;
	char id[17];
	json_t *body;

	random_hex(id, 16);
	own = arn_make(call, "listener/app/%.*s/%s", BYTES_ARG(tail), id);
	if (!own)
		return ERR_NOMEM;
	TRY(record_sequence(call, &sequence));
	body = json_pack("{s:I, s:{s:s, s:s, s:I}, s:{}, s:{}}", "seq", (json_int_t)sequence, "api",
			 "ListenerArn", own, "LoadBalancerArn", arn, "Port",
			 (json_int_t)get_int(call->input, "Port", 0), "attributes", "tags");
	TRY(call_hold(call, body));
	TRY(listener_set_tls(call, get_string(call->input, "Protocol"), body));
	TRY(tags_merge(call, RESOURCE_LISTENER, json_object_get(call->input, "Tags"),
		       json_object_get(body, "tags")));
	*ret_body = body;
	return ERR_OK;
}

err_t elbv2_create_listener(struct api_call *call)
{
	const json_t *in = call->input;
	const char *protocol = get_string(in, "Protocol"), *scheme;
	json_t *load_balancer, *actions, *existing, *listener, *rule, *none = json_array();
	json_t *no_tags = json_object();
	uint64_t count;
	const char *arn;

	TRY(call_hold(call, none));
	TRY(call_hold(call, no_tags));
	TRY(check_create(call));
	TRY(resource_get(call, RESOURCE_LOAD_BALANCER, get_string(in, "LoadBalancerArn"),
			 &load_balancer));
	arn = resource_arn(RESOURCE_LOAD_BALANCER, load_balancer);
	TRY(actions_normalise(call, json_object_get(in, "DefaultActions"), protocol, &actions));
	TRY(find_port(call, arn, get_int(in, "Port", 0), &existing, &count));
	if (existing)
		return answer_existing(call, existing, actions);
	if (count >= LISTENERS_PER_LOAD_BALANCER)
		return api_fault(call, "TooManyListeners",
				 "A load balancer can have at most '%d' listeners",
				 LISTENERS_PER_LOAD_BALANCER);

	scheme = get_string(api_part(load_balancer), "Scheme");
	TRY(check_neighbours(call, NULL, scheme, protocol, (uint16_t)get_int(in, "Port", 0)));
	TRY(make_listener(call, load_balancer, &listener));
	TRY(record_add(call, KIND_LISTENER, resource_arn(RESOURCE_LISTENER, listener), arn,
		       listener));
	TRY(rule_add(call, listener, "default", none, actions, none, no_tags, &rule));
	TRY(bind_port(call, scheme, (uint16_t)get_int(in, "Port", 0)));
	return present(call, listener);
}

/* ---- Describe ---- */

err_t elbv2_describe_listeners(struct api_call *call)
{
	const char *load_balancer = get_string(call->input, "LoadBalancerArn");
	json_t *arns = json_object_get(call->input, "ListenerArns"), *arn, *body, *list;
	struct page page;
	size_t index;

	if ((load_balancer != NULL) == (json_array_size(arns) > 0))
		return api_fault(call, "ValidationError",
				 "You must specify either listener ARNs or a load balancer ARN");
	TRY(set_new(call->output, "Listeners", json_array()));
	json_array_foreach (arns, index, arn) {
		TRY(resource_get(call, RESOURCE_LISTENER, json_string_value(arn), &body));
		TRY(present(call, body));
	}
	if (!load_balancer)
		return ERR_OK;

	TRY(resource_get(call, RESOURCE_LOAD_BALANCER, load_balancer, &body));
	TRY(page_begin(call, 100, &page));
	TRY(record_list(call, KIND_LISTENER, resource_arn(RESOURCE_LOAD_BALANCER, body), &list));
	json_array_foreach (list, index, body)
		if (page_take(&page, (uint64_t)get_int(body, "seq", 0)))
			TRY(present(call, body));
	return page_end(&page);
}

/* ---- Modify ---- */

static err_t find_scheme(struct api_call *call, const json_t *listener, const char **ret_scheme)
{
	json_t *load_balancer;

	TRY(record_get(call, KIND_LOAD_BALANCER, get_string(api_part(listener), "LoadBalancerArn"),
		       &load_balancer));
	*ret_scheme = get_string(api_part(load_balancer), "Scheme");
	return ERR_OK;
}

static err_t move_port(struct api_call *call, json_t *listener, const char *scheme, int64_t port)
{
	const char *arn = get_string(api_part(listener), "LoadBalancerArn");
	int64_t old = get_int(api_part(listener), "Port", 0);
	struct address before;
	json_t *other;
	uint64_t count;

	if (port == old)
		return ERR_OK;
	TRY(find_port(call, arn, port, &other, &count));
	if (other)
		return api_fault(call, "ValidationError", "Listener port '%lld' is already in use",
				 (long long)port);
	TRY(bind_port(call, scheme, (uint16_t)port));
	before = elbv2_bound(elbv2_of(call), scheme, (uint16_t)old);
	TRY(call_after(call, AFTER_UNBIND, &before, NULL));
	return set_new(json_object_get(listener, "api"), "Port", json_integer(port));
}

static err_t replace_actions(struct api_call *call, const char *arn, const char *protocol)
{
	json_t *actions = json_object_get(call->input, "DefaultActions"), *rule;

	if (!json_array_size(actions))
		return ERR_OK;
	TRY(actions_normalise(call, actions, protocol, &actions));
	TRY(listener_default_rule(call, arn, &rule));
	return rule_set_actions(call, rule, actions);
}

err_t elbv2_modify_listener(struct api_call *call)
{
	const json_t *in = call->input;
	const char *asked = get_string(in, "Protocol"), *protocol = asked, *arn, *scheme;
	json_t *listener;
	int64_t port;

	if (asked)
		TRY(check_protocol(call, asked));
	TRY(resource_get(call, RESOURCE_LISTENER, get_string(in, "ListenerArn"), &listener));
	if (!protocol) /* not the record's own word, which is about to be replaced */
		protocol = strcmp(get_string(api_part(listener), "Protocol"), "HTTPS") == 0
				   ? "HTTPS"
				   : "HTTP";
	TRY(listener_check_tls(call, protocol)); /* leaves the store; what was read stays held */
	arn = resource_arn(RESOURCE_LISTENER, listener);
	port = get_int(in, "Port", get_int(api_part(listener), "Port", 0));
	TRY(find_scheme(call, listener, &scheme));
	TRY(check_neighbours(call, listener, scheme, protocol, (uint16_t)port));
	TRY(listener_set_tls(call, protocol, listener));
	TRY(replace_actions(call, arn, protocol));
	TRY(rules_check_protocol(call, arn, protocol));
	TRY(move_port(call, listener, scheme, port));
	TRY(record_put(call, KIND_LISTENER, arn, get_string(api_part(listener), "LoadBalancerArn"),
		       listener));
	return present(call, listener);
}

/* ---- Delete ---- */

err_t listener_drop(struct api_call *call, json_t *listener, const char *scheme)
{
	const char *arn = resource_arn(RESOURCE_LISTENER, listener);
	struct address at = elbv2_bound(elbv2_of(call), scheme,
					(uint16_t)get_int(api_part(listener), "Port", 0));

	TRY(rules_drop(call, arn));
	TRY(record_drop(call, KIND_LISTENER, arn));
	return call_after(call, AFTER_UNBIND, &at, NULL);
}

err_t elbv2_delete_listener(struct api_call *call)
{
	json_t *listener, *load_balancer;

	TRY(resource_get(call, RESOURCE_LISTENER, get_string(call->input, "ListenerArn"),
			 &listener));
	TRY(record_get(call, KIND_LOAD_BALANCER, get_string(api_part(listener), "LoadBalancerArn"),
		       &load_balancer));
	return listener_drop(call, listener, get_string(api_part(load_balancer), "Scheme"));
}
