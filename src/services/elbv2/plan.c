/*
 * plan: makes an lb_config of the records, hands it to the balancer.
 */
#include "services/elbv2/plan.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/map.h"
#include "services/elbv2/attributes.h"

enum { PLAN_MAX_BYTES = 256 * 1024 * 1024, EARLY_HEARTBEAT_MS = 15 * 1000 };

/* ---- Belonging: children grouped by their parent's ARN ---- */

struct children {
	json_t **at;
	unsigned count, cap;
};

/* One pass to count, one to fill: children keep the order of creation. */
static err_t group_by(const struct mirror *mirror, enum mirrored kind,
		      const char *(*parent_of)(const json_t *), struct arena *arena,
		      struct map *ret_map)
{
	struct children *children;

	mirror_each(mirror, kind, node)
	{
		struct bytes parent = bytes_of(parent_of(mirror_body(node)));

		children = map_get(ret_map, parent);
		if (!children) {
			children = arena_new(arena, struct children);
			if (!children)
				return ERR_NOMEM;
			TRY(map_put(ret_map, parent, children, NULL));
		}
		children->cap++;
	}
	mirror_each(mirror, kind, node)
	{
		children = map_get(ret_map, bytes_of(parent_of(mirror_body(node))));
		if (!children->at)
			children->at = arena_array(arena, children->cap, sizeof *children->at);
		if (!children->at)
			return ERR_NOMEM;
		children->at[children->count++] = mirror_body(node);
	}
	return ERR_OK;
}

static const struct children *children_of(const struct map *map, const char *arn)
{
	static const struct children none = { .at = NULL };
	const struct children *children = map_get(map, bytes_of(arn));

	return children ? children : &none;
}

static const char *listener_parent(const json_t *body)
{
	return get_string(api_part(body), "LoadBalancerArn");
}

static const char *rule_parent(const json_t *body)
{
	return get_string(body, "listener");
}

static const char *group_parent(const json_t *body)
{
	return get_string(body, "group");
}

static const char *own_arn(const json_t *body)
{
	return resource_arn(RESOURCE_LOAD_BALANCER, body);
}

struct planner {
	struct elbv2 *elbv2;
	struct arena *arena;
	struct map listeners, rules, targets, uses, load_balancers;
};

/* ---- Load balancers ---- */

#define LB_VALUE(key) attribute_value(RESOURCE_LOAD_BALANCER, body, key)

static err_t lower(struct arena *arena, const char *text, struct bytes *ret_text)
{
	char *copy = arena_string(arena, bytes_of(text));

	if (!copy)
		return ERR_NOMEM;
	for (char *c = copy; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	*ret_text = bytes_of(copy);
	return ERR_OK;
}

static err_t plan_headers(struct planner *p, const json_t *body, struct listener_config *to)
{
	struct response_header_config *headers = arena_array(p->arena, attribute_count,
							     sizeof *headers);

	if (!headers)
		return ERR_NOMEM;
	to->server_header = attribute_true(RESOURCE_LISTENER, body,
					   "routing.http.response.server.enabled");
	to->response_headers = headers;
	for (size_t i = 0; i < attribute_count; i++) {
		const struct attribute *row = &attributes[i];
		const char *value;

		if (row->owner != RESOURCE_LISTENER || row->effect != EFFECT_ACTS || !row->why[0])
			continue;
		value = attribute_value(RESOURCE_LISTENER, body, row->key);
		if (value[0])
			headers[to->response_header_count++] = (struct response_header_config){
				.name = bytes_of(row->why), .value = bytes_of(value)
			};
	}
	return ERR_OK;
}

static struct bytes plan_field_name(const json_t *listener, const char *key, const char *usual)
{
	const char *name = attribute_value(RESOURCE_LISTENER, listener, key);

	return bytes_of(name[0] ? name : usual);
}

/* Which facts of the client's certificate targets are told, and under which names. */
static void plan_client_fields(const json_t *body, struct listener_config *to)
{
#define FIELD(id, key, usual_)                                                                 \
	{                                                                                      \
		TLS_FIELD_CLIENT_##id, "routing.http.request.x_amzn_mtls_" key ".header_name", \
			"X-Amzn-Mtls-" usual_                                                  \
	}
	static const struct {
		enum tls_field field;
		const char *key, *usual;
	} rows[] = {
		FIELD(SERIAL, "clientcert_serial_number", "Clientcert-Serial-Number"),
		FIELD(ISSUER, "clientcert_issuer", "Clientcert-Issuer"),
		FIELD(SUBJECT, "clientcert_subject", "Clientcert-Subject"),
		FIELD(VALIDITY, "clientcert_validity", "Clientcert-Validity"),
		FIELD(LEAF, "clientcert_leaf", "Clientcert-Leaf"),
		FIELD(CHAIN, "clientcert", "Clientcert"),
	};
#undef FIELD

	to->client_auth = tls_client_auth_of(
		json_object_get(api_part(body), "MutualAuthentication"));
	for (size_t i = 0; i < COUNT(rows); i++) {
		bool unverified = rows[i].field == TLS_FIELD_CLIENT_CHAIN;

		if (to->client_auth == (unverified ? TLS_CLIENT_ASKED : TLS_CLIENT_VERIFIED))
			to->tls_fields[rows[i].field] = plan_field_name(body, rows[i].key,
									rows[i].usual);
	}
}

static void plan_tls(struct planner *p, const json_t *body, const json_t *load_balancer,
		     struct listener_config *to)
{
	to->https = strcmp(get_string(api_part(body), "Protocol"), "HTTPS") == 0;
	if (!to->https)
		return;
	to->tls = tls_listener_context(p->elbv2, resource_arn(RESOURCE_LISTENER, body));
	plan_client_fields(body, to);
	if (!attribute_true(RESOURCE_LOAD_BALANCER, load_balancer,
			    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled"))
		return;
	to->tls_fields[TLS_FIELD_VERSION] = plan_field_name(
		body, "routing.http.request.x_amzn_tls_version.header_name", "X-Amzn-Tls-Version");
	to->tls_fields[TLS_FIELD_CIPHER] = plan_field_name(
		body, "routing.http.request.x_amzn_tls_cipher_suite.header_name",
		"X-Amzn-Tls-Cipher-Suite");
}

static err_t plan_listener(struct planner *p, const json_t *body, const json_t *load_balancer,
			   struct listener_config *to)
{
	const char *scheme = get_string(api_part(load_balancer), "Scheme");
	const char *arn = resource_arn(RESOURCE_LISTENER, body);
	const struct children *rules = children_of(&p->rules, arn);
	struct rule_config *out = arena_array(p->arena, rules->count + 1, sizeof *out);
	const struct gate_planner gates = {
		.arena = p->arena,
		.seal_key = p->elbv2->options.seal_key,
		.cognito_endpoint = p->elbv2->options.cognito_endpoint,
		.cognito_secret = p->elbv2->options.cognito_secret,
		.owner = p->elbv2->options.owner,
	};

	if (!out)
		return ERR_NOMEM;
	*to = (struct listener_config){ .arn = bytes_of(arn) };
	to->port = (uint16_t)get_int(api_part(body), "Port", 0);
	to->bound = elbv2_bound(p->elbv2, scheme, to->port);
	plan_tls(p, body, load_balancer, to);
	to->rules = out;
	to->rule_count = rules->count;
	for (unsigned i = 0; i < rules->count; i++)
		TRY(plan_rule(&gates, rules->at[i], &out[i]));
	return plan_headers(p, body, to);
}

static void plan_load_balancer_attributes(const json_t *body, struct load_balancer_config *to)
{
	static const char *const desync[] = { [DESYNC_MODE_MONITOR] = "monitor",
					      [DESYNC_MODE_DEFENSIVE] = "defensive",
					      [DESYNC_MODE_STRICTEST] = "strictest" };
	static const char *const xff[] = {
		[XFF_APPEND] = "append", [XFF_PRESERVE] = "preserve", [XFF_REMOVE] = "remove"
	};
	const char *mode = LB_VALUE("routing.http.desync_mitigation_mode");
	const char *xff_mode = LB_VALUE("routing.http.xff_header_processing.mode");

	for (unsigned i = 0; i < COUNT(desync); i++)
		if (strcmp(desync[i], mode) == 0)
			to->desync_mode = (enum desync_mode)i;
	for (unsigned i = 0; i < COUNT(xff); i++)
		if (strcmp(xff[i], xff_mode) == 0)
			to->xff_mode = (enum xff_mode)i;
	to->reserved_units = (uint32_t)get_int(json_object_get(body, "capacity"), "units", 0);
	to->idle_ms = 1000 *
		      attribute_int(RESOURCE_LOAD_BALANCER, body, "idle_timeout.timeout_seconds");
	to->client_keep_alive_ms = 1000ULL * attribute_int(RESOURCE_LOAD_BALANCER, body,
							   "client_keep_alive.seconds");
	to->drop_invalid_fields = attribute_true(RESOURCE_LOAD_BALANCER, body,
						 "routing.http.drop_invalid_header_fields.enabled");
	to->preserve_host = attribute_true(RESOURCE_LOAD_BALANCER, body,
					   "routing.http.preserve_host_header.enabled");
	to->xff_client_port = attribute_true(RESOURCE_LOAD_BALANCER, body,
					     "routing.http.xff_client_port.enabled");
	to->cross_zone = true;
}

static err_t plan_load_balancer(struct planner *p, const json_t *body,
				struct load_balancer_config *to)
{
	const char *arn = resource_arn(RESOURCE_LOAD_BALANCER, body);
	const struct children *listeners = children_of(&p->listeners, arn);
	const json_t *groups = json_object_get(api_part(body), "SecurityGroups");
	struct listener_config *out = arena_array(p->arena, listeners->count + 1, sizeof *out);

	if (!out)
		return ERR_NOMEM;
	*to = (struct load_balancer_config){ .arn = bytes_of(arn),
					     .id = arn_tail(arn, "loadbalancer/") };
	TRY(lower(p->arena, get_string(api_part(body), "DNSName"), &to->dns_name));
	plan_load_balancer_attributes(body, to);
	TRY(security_of_groups(&p->elbv2->security, groups, SECURITY_INGRESS, p->arena,
			       &to->ingress));
	TRY(security_of_groups(&p->elbv2->security, groups, SECURITY_EGRESS, p->arena,
			       &to->egress));
	to->listeners = out;
	to->listener_count = listeners->count;
	for (unsigned i = 0; i < listeners->count; i++)
		TRY(plan_listener(p, listeners->at[i], body, &out[i]));
	return ERR_OK;
}

/* ---- Target groups ---- */

#define TG_INT(key)	 attribute_int(RESOURCE_TARGET_GROUP, body, key)
#define TG_TRUE(key)	 attribute_true(RESOURCE_TARGET_GROUP, body, key)
#define TG_IS(key, word) (strcmp(attribute_value(RESOURCE_TARGET_GROUP, body, key), word) == 0)

static bool target_address(const struct planner *p, const json_t *target,
			   struct address *ret_address)
{
	const char *id = get_string(target, "Id");
	uint16_t port = (uint16_t)get_int(target, "Port", 0);
	const struct elbv2_instance *instance;

	if (!address_parse_ip(bytes_of(id), port, ret_address))
		return true;
	instance = instance_find(p->elbv2, id);
	if (!instance) {
		log_warn("elbv2",
			 "target %s gets no traffic: no instance of the settings has that id", id);
		return false;
	}
	*ret_address = instance->address;
	ret_address->port = port;
	return true;
}

/* Where the balancer's connections to a target come from. */
static struct address source_of(const struct planner *p, const json_t *load_balancer,
				const struct address *target)
{
	static const struct address anywhere4 = { .family = 4 }, anywhere6 = { .family = 6 };
	static const struct address loopback = { .ip = { 127, 0, 0, 1 }, .family = 4 };
	struct address source = elbv2_bound(p->elbv2, get_string(api_part(load_balancer), "Scheme"),
					    0);

	if (!address_eq_ip(&source, &anywhere4) && !address_eq_ip(&source, &anywhere6))
		return source;
	/* Bound to every address: the one next to the target is used, which is not known here, but
	 * for the loopback network, where it is always the same. */
	return target->family == 4 && address_is_loopback(target) ? loopback : *target;
}

static err_t plan_target_security(struct planner *p, const json_t *load_balancer,
				  struct target_config *to)
{
	struct security_balancer balancer;

	to->ingress = NULL;
	if (!load_balancer)
		return ERR_OK;
	balancer.groups = json_object_get(api_part(load_balancer), "SecurityGroups");
	balancer.zones = json_object_get(api_part(load_balancer), "AvailabilityZones");
	balancer.source = source_of(p, load_balancer, &to->address);
	return security_of_target(&p->elbv2->security, &to->address, &balancer, p->arena,
				  &to->ingress);
}

static err_t plan_targets(struct planner *p, const char *arn, const json_t *load_balancer,
			  struct target_group_config *to)
{
	const struct children *targets = children_of(&p->targets, arn);
	struct target_config *out = arena_array(p->arena, targets->count + 1, sizeof *out);

	if (!out)
		return ERR_NOMEM;
	to->targets = out;
	for (unsigned i = 0; i < targets->count; i++) {
		const json_t *target = targets->at[i];
		const char *zone = get_string(target, "AvailabilityZone");

		/* DescribeTargetHealth says Target.InvalidState, Target.IpUnusable. */
		if (!to->function && (!target_address(p, target, &out->address) ||
				      lb_is_bound(p->elbv2->options.lb, &out->address)))
			continue;
		if (!to->function)
			TRY(plan_target_security(p, load_balancer, out));
		out->id = bytes_of(get_string(target, "Id"));
		out->zone = bytes_of(zone ? zone : "");
		out->draining_until_unix_ms = (uint64_t)get_int(target, "draining_until_ms", 0);
		out->registered_unix_ms = (uint64_t)get_int(target, "registered_ms", 0);
		out++;
	}
	to->target_count = (unsigned)(out - to->targets);
	return ERR_OK;
}

static const char *matcher_text(const json_t *matcher)
{
	const char *grpc = get_string(matcher, "GrpcCode");

	return grpc ? grpc : get_string(matcher, "HttpCode");
}

static enum protocol_version version_of(const char *name)
{
	if (name && strcmp(name, "HTTP2") == 0)
		return PROTOCOL_HTTP2;
	return name && strcmp(name, "GRPC") == 0 ? PROTOCOL_GRPC : PROTOCOL_HTTP1;
}

/* Groups of functions have no protocol. */
static bool is_https(const json_t *group, const char *key)
{
	const char *protocol = get_string(group, key);

	return protocol && strcmp(protocol, "HTTPS") == 0;
}

static void plan_health(const json_t *body, struct health_config *to)
{
	const json_t *api = api_part(body);
	uint64_t port = 0;

	if (bytes_to_u64(bytes_of(get_string(api, "HealthCheckPort")), 65535, &port))
		port = 0; /* "traffic-port" */
	to->port = (uint16_t)port;
	to->disabled = !get_true(api, "HealthCheckEnabled");
	to->https = is_https(api, "HealthCheckProtocol");
	to->path = bytes_of(get_string(api, "HealthCheckPath"));
	to->interval_ms = 1000 * (uint32_t)get_int(api, "HealthCheckIntervalSeconds", 30);
	to->timeout_ms = 1000 * (uint32_t)get_int(api, "HealthCheckTimeoutSeconds", 5);
	to->healthy_threshold = (uint8_t)get_int(api, "HealthyThresholdCount", 5);
	to->unhealthy_threshold = (uint8_t)get_int(api, "UnhealthyThresholdCount", 2);
	to->matcher = bytes_of(matcher_text(json_object_get(api, "Matcher")));
}

static void plan_group_attributes(const json_t *body, struct target_group_config *to)
{
	to->algorithm = TG_IS("load_balancing.algorithm.type", "least_outstanding_requests")
				? LEAST_OUTSTANDING_REQUESTS
			: TG_IS("load_balancing.algorithm.type", "weighted_random")
				? WEIGHTED_RANDOM
				: ROUND_ROBIN;
	to->anomaly_mitigation = TG_IS("load_balancing.algorithm.anomaly_mitigation", "on");
	to->slow_start_ms = 1000 * TG_INT("slow_start.duration_seconds");
	if (TG_TRUE("stickiness.enabled") && TG_IS("stickiness.type", "app_cookie")) {
		to->stickiness = STICKINESS_APP_COOKIE;
		to->stickiness_seconds = TG_INT("stickiness.app_cookie.duration_seconds");
		to->app_cookie_name = bytes_of(attribute_value(
			RESOURCE_TARGET_GROUP, body, "stickiness.app_cookie.cookie_name"));
	} else if (TG_TRUE("stickiness.enabled")) {
		to->stickiness = STICKINESS_LB_COOKIE;
		to->stickiness_seconds = TG_INT("stickiness.lb_cookie.duration_seconds");
	}
	to->cross_zone = !TG_IS("load_balancing.cross_zone.enabled", "false");
	to->min_healthy_count = TG_INT(
		"target_group_health.unhealthy_state_routing.minimum_healthy_targets.count");
	to->min_healthy_percent = TG_INT(
		"target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage");
	to->min_dns_healthy_count = TG_INT(
		"target_group_health.dns_failover.minimum_healthy_targets.count");
	to->min_dns_healthy_percent = TG_INT(
		"target_group_health.dns_failover.minimum_healthy_targets.percentage");
	to->deregistration_delay_ms = 1000 * TG_INT("deregistration_delay.timeout_seconds");
}

/* The group's word wins over the balancer's; of one resource, the attribute over the tag. */
static void plan_stream(const json_t *group, const json_t *load_balancer, struct stream_config *to)
{
	const struct {
		const char *key;
		uint32_t unit_ms, fallback_ms;
		uint32_t *out;
	} rows[] = {
		{ "stream.heartbeat.interval_seconds", 1000, 0, &to->heartbeat_ms },
		{ "timeout.connect_ms", 1, 10000, &to->connect_ms },
		{ "timeout.first_byte_seconds", 1000, 0, &to->first_byte_ms },
		{ "timeout.first_event_seconds", 1000, 0, &to->first_event_ms },
		{ "timeout.between_bytes_seconds", 1000, 0, &to->between_bytes_ms },
		{ "timeout.total_seconds", 1000, 0, &to->total_ms },
		{ "queue.max_length", 1, 0, &to->queue_max },
		{ "queue.max_wait_seconds", 1000, 0, &to->queue_wait_ms },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		uint32_t value;

		if (weir_value(group, rows[i].key, &value) ||
		    (load_balancer && weir_value(load_balancer, rows[i].key, &value)))
			*rows[i].out = value * rows[i].unit_ms;
		else
			*rows[i].out = rows[i].fallback_ms;
	}
	to->early_response = weir_true(group, load_balancer, "stream.early_response.enabled");
	if (to->early_response && !to->heartbeat_ms)
		to->heartbeat_ms = EARLY_HEARTBEAT_MS; /* it is they that begin the answer */
}

/* What a listener's policy allows clients decides what is offered to targets. */
static bool has_tls13(const struct children *listeners)
{
	for (unsigned i = 0; i < listeners->count; i++) {
		const char *name = get_string(api_part(listeners->at[i]), "SslPolicy");
		struct tls_policy policy;

		if (name && !ssl_policy_get(name, &policy) && policy.newest == 3)
			return true;
	}
	return false;
}

static err_t plan_group(struct planner *p, const json_t *body, struct target_group_config *to)
{
	const char *arn = resource_arn(RESOURCE_TARGET_GROUP, body);
	const struct children *uses = children_of(&p->uses, arn);
	const json_t *load_balancer = NULL;

	*to = (struct target_group_config){ .arn = bytes_of(arn), .id = arn_tail(arn, "") };
	to->name = bytes_of(get_string(api_part(body), "TargetGroupName"));
	to->https = is_https(api_part(body), "Protocol");
	to->protocol_version = version_of(get_string(api_part(body), "ProtocolVersion"));
	to->load_balancer_id = bytes_of("");
	if (uses->count) {
		const char *user = get_string(uses->at[0], "load_balancer");

		to->load_balancer_id = arn_tail(user, "loadbalancer/");
		load_balancer = children_of(&p->load_balancers, user)->at[0];
		to->tls13 = has_tls13(children_of(&p->listeners, user));
	}
	plan_group_attributes(body, to);
	plan_health(body, &to->health);
	plan_stream(body, load_balancer, &to->stream);
	to->function = group_is_function(api_part(body));
	to->multi_value_headers = TG_TRUE("lambda.multi_value_headers.enabled");
	to->function_streams = weir_true(body, load_balancer, "lambda.response_streaming.enabled");
	return plan_targets(p, arn, load_balancer, to);
}

/* ---- All of it ---- */

static err_t plan_all(struct planner *p, struct lb_config *ret_config)
{
	const struct mirror *mirror = &p->elbv2->mirror;
	struct load_balancer_config *load_balancers;
	struct target_group_config *groups;
	unsigned index;

	TRY(group_by(mirror, MIRROR_LOAD_BALANCERS, own_arn, p->arena, &p->load_balancers));
	TRY(group_by(mirror, MIRROR_LISTENERS, listener_parent, p->arena, &p->listeners));
	TRY(group_by(mirror, MIRROR_RULES, rule_parent, p->arena, &p->rules));
	TRY(group_by(mirror, MIRROR_TARGETS, group_parent, p->arena, &p->targets));
	TRY(group_by(mirror, MIRROR_USES, group_parent, p->arena, &p->uses));

	load_balancers = arena_array(p->arena, mirror->count[MIRROR_LOAD_BALANCERS] + 1,
				     sizeof *load_balancers);
	groups = arena_array(p->arena, mirror->count[MIRROR_TARGET_GROUPS] + 1, sizeof *groups);
	if (!load_balancers || !groups)
		return ERR_NOMEM;
	index = 0;
	mirror_each(mirror, MIRROR_LOAD_BALANCERS, node)
		TRY(plan_load_balancer(p, mirror_body(node), &load_balancers[index++]));
	index = 0;
	mirror_each(mirror, MIRROR_TARGET_GROUPS, node)
		TRY(plan_group(p, mirror_body(node), &groups[index++]));
	*ret_config = (struct lb_config){
		.load_balancers = load_balancers,
		.load_balancer_count = (unsigned)mirror->count[MIRROR_LOAD_BALANCERS],
		.target_groups = groups,
		.target_group_count = (unsigned)mirror->count[MIRROR_TARGET_GROUPS],
	};
	return ERR_OK;
}

err_t plan_config(struct elbv2 *elbv2, struct arena *arena, struct lb_config *ret_config)
{
	struct planner planner = { .elbv2 = elbv2, .arena = arena };
	err_t err = plan_all(&planner, ret_config);

	map_fini(&planner.load_balancers);
	map_fini(&planner.listeners);
	map_fini(&planner.rules);
	map_fini(&planner.targets);
	map_fini(&planner.uses);
	return err;
}

static err_t refresh_security(struct elbv2 *elbv2, bool *ret_changed)
{
	const struct api_caller house = { .account = elbv2->options.account,
					  .region = elbv2->options.region,
					  .access_key = "",
					  .arn = "",
					  .is_root = true };

	err_t err;

	elbv2->reconciling = true;
	err = security_refresh(&elbv2->security, elbv2->options.api, &house, ret_changed);
	elbv2->reconciling = false;
	return err;
}

void elbv2_note_tasks(struct elbv2 *elbv2)
{
	bool changed;

	if (refresh_security(elbv2, &changed) || changed)
		elbv2->dirty = true;
}

void elbv2_reconcile(struct elbv2 *elbv2)
{
	struct lb_config config;
	struct arena arena;
	bool changed;
	err_t err;

	arena_init(&arena, PLAN_MAX_BYTES);
	err = mirror_refresh(&elbv2->mirror, elbv2->options.store);
	if (!err)
		err = refresh_security(elbv2, &changed);
	if (!err)
		tls_listeners_refresh(elbv2);
	if (!err)
		err = plan_config(elbv2, &arena, &config);
	if (!err)
		err = lb_apply(elbv2->options.lb, &config);
	if (err)
		log_error("elbv2", "the old plan stays, the new one failed: %s", err_words(err));
	else
		elbv2->dirty = false;
	arena_fini(&arena);
}
