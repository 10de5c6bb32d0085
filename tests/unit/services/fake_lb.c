#include "tests/unit/services/fake_lb.h"

#include <stdlib.h>

struct lb *fake_lb_create(void)
{
	struct lb *lb = calloc(1, sizeof *lb);

	lb->bound = json_object();
	lb->cuts = json_array();
	return lb;
}

void fake_lb_destroy(struct lb *lb)
{
	json_decref(lb->plan);
	json_decref(lb->bound);
	json_decref(lb->cuts);
	free(lb);
}

err_t lb_bind(struct lb *lb, const struct address *at)
{
	char text[ADDRESS_TEXT_BYTES];

	address_format(at, text);
	if (lb->refused && strcmp(lb->refused, text) == 0)
		return lb->refused_err;
	json_object_set_new(lb->bound, text,
			    json_integer(json_integer_value(json_object_get(lb->bound, text)) + 1));
	return ERR_OK;
}

bool lb_is_bound(const struct lb *lb, const struct address *at)
{
	char text[ADDRESS_TEXT_BYTES];

	address_format(at, text);
	return json_object_get(lb->bound, text) != NULL;
}

void lb_unbind(struct lb *lb, const struct address *at)
{
	char text[ADDRESS_TEXT_BYTES];
	json_int_t count;

	address_format(at, text);
	count = json_integer_value(json_object_get(lb->bound, text));
	assert(count > 0);
	if (count == 1)
		json_object_del(lb->bound, text);
	else
		json_object_set_new(lb->bound, text, json_integer(count - 1));
}

/* ---- The config as JSON ---- */

static json_t *string(struct bytes b)
{
	return b.at ? json_stringn(b.at, b.len) : json_null();
}

/* ["10.0.0.0/8 80-81"]; null: everything. */
static json_t *admitted(const struct admit_list *admit)
{
	json_t *list = admit ? json_array() : json_null();
	char ip[ADDRESS_TEXT_BYTES];

	for (unsigned i = 0; admit && i < admit->count; i++) {
		const struct admit_rule *rule = &admit->rules[i];

		address_format_ip(&rule->other.base, ip);
		json_array_append_new(list, json_sprintf("%s/%u %u-%u", ip, rule->other.bits,
							 rule->port_first, rule->port_last));
	}
	return list;
}

static json_t *conditions(const struct rule_config *rule)
{
	static const char *const kinds[] = {
		"host", "path", "header", "method", "query", "source"
	};
	json_t *list = json_array();

	for (unsigned i = 0; i < rule->condition_count; i++) {
		const struct condition_config *c = &rule->conditions[i];
		json_t *values = json_array();

		for (unsigned k = 0; k < c->value_count; k++)
			json_array_append_new(values, json_pack("{s:o, s:o, s:b}", "key",
								string(c->values[k].key), "value",
								string(c->values[k].value), "regex",
								(int)c->values[k].is_regex));
		json_array_append_new(list,
				      json_pack("{s:s, s:o, s:o}", "kind", kinds[c->kind], "name",
						string(c->header_name), "values", values));
	}
	return list;
}

static json_t *action(const struct action_config *a)
{
	json_t *groups = json_array();

	if (a->kind == ACTION_REDIRECT)
		return json_pack("{s:s, s:i, s:o, s:o, s:o, s:o, s:o, s:o}", "kind", "redirect",
				 "status", a->status, "protocol", string(a->protocol), "host",
				 string(a->host), "port", string(a->port), "path", string(a->path),
				 "query", string(a->query), "groups", groups);
	if (a->kind == ACTION_FIXED_RESPONSE)
		return json_pack("{s:s, s:i, s:o, s:o, s:o}", "kind", "fixed", "status", a->status,
				 "type", string(a->content_type), "body", string(a->body), "groups",
				 groups);
	for (unsigned i = 0; i < a->group_count; i++)
		json_array_append_new(groups,
				      json_pack("{s:o, s:i}", "arn", string(a->groups[i].group_arn),
						"weight", a->groups[i].weight));
	return json_pack("{s:s, s:o, s:b, s:I}", "kind", "forward", "groups", groups, "sticky",
			 (int)a->group_stickiness, "seconds",
			 (json_int_t)a->group_stickiness_seconds);
}

static json_t *rules(const struct listener_config *listener)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < listener->rule_count; i++) {
		const struct rule_config *rule = &listener->rules[i];

		json_array_append_new(list,
				      json_pack("{s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "arn",
						string(rule->arn), "priority",
						(json_int_t)rule->priority, "conditions",
						conditions(rule), "action", action(&rule->action),
						"host_regex", string(rule->host_rewrite.regex),
						"host_replace", string(rule->host_rewrite.replace),
						"url_regex", string(rule->url_rewrite.regex),
						"url_replace", string(rule->url_rewrite.replace)));
	}
	return list;
}

static json_t *listeners(const struct load_balancer_config *balancer)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < balancer->listener_count; i++) {
		const struct listener_config *l = &balancer->listeners[i];
		json_t *headers = json_object();
		char bound[ADDRESS_TEXT_BYTES];

		address_format(&l->bound, bound);
		for (unsigned k = 0; k < l->response_header_count; k++) {
			char name[80];

			snprintf(name, sizeof name, "%.*s", BYTES_ARG(l->response_headers[k].name));
			json_object_set_new(headers, name, string(l->response_headers[k].value));
		}
		json_array_append_new(list, json_pack("{s:o, s:i, s:s, s:o, s:b, s:o}", "arn",
						      string(l->arn), "port", l->port, "bound",
						      bound, "rules", rules(l), "server",
						      (int)l->server_header, "headers", headers));
	}
	return list;
}

static json_t *load_balancer(const struct load_balancer_config *b)
{
	return json_pack(
		"{s:o, s:o, s:o, s:o, s:I, s:I, s:i, s:b, s:b, s:b, s:i, s:b, s:o, s:o}", "arn",
		string(b->arn), "id", string(b->id), "dns", string(b->dns_name), "listeners",
		listeners(b), "idle_ms", (json_int_t)b->idle_ms, "keep_alive_ms",
		(json_int_t)b->client_keep_alive_ms, "desync", (int)b->desync_mode, "drop_invalid",
		(int)b->drop_invalid_fields, "preserve_host", (int)b->preserve_host, "xff_port",
		(int)b->xff_client_port, "xff", (int)b->xff_mode, "cross_zone", (int)b->cross_zone,
		"ingress", admitted(b->ingress), "egress", admitted(b->egress));
}

static json_t *targets(const struct target_group_config *group)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < group->target_count; i++) {
		const struct target_config *t = &group->targets[i];
		char address[ADDRESS_TEXT_BYTES];

		address_format(&t->address, address);
		json_array_append_new(
			list, json_pack("{s:o, s:s, s:o, s:I, s:I, s:o}", "id", string(t->id),
					"address", address, "zone", string(t->zone), "draining",
					(json_int_t)t->draining_until_unix_ms, "registered",
					(json_int_t)t->registered_unix_ms, "ingress",
					admitted(t->ingress)));
	}
	return list;
}

static json_t *target_group(const struct target_group_config *g)
{
	json_t *health = json_pack(
		"{s:i, s:o, s:I, s:I, s:i, s:i, s:o}", "port", g->health.port, "path",
		string(g->health.path), "interval_ms", (json_int_t)g->health.interval_ms,
		"timeout_ms", (json_int_t)g->health.timeout_ms, "healthy",
		g->health.healthy_threshold, "unhealthy", g->health.unhealthy_threshold, "matcher",
		string(g->health.matcher));
	json_t *stream = json_pack(
		"{s:I, s:I, s:I, s:I, s:I, s:I}", "heartbeat", (json_int_t)g->stream.heartbeat_ms,
		"connect", (json_int_t)g->stream.connect_ms, "first_byte",
		(json_int_t)g->stream.first_byte_ms, "first_event",
		(json_int_t)g->stream.first_event_ms, "between",
		(json_int_t)g->stream.between_bytes_ms, "total", (json_int_t)g->stream.total_ms);

	return json_pack(
		"{s:o, s:o, s:o, s:o, s:i, s:b, s:I, s:i, s:I, s:o, s:b, s:I, s:I, s:I, s:I, s:I, "
		"s:o, s:o, s:o}",
		"arn", string(g->arn), "id", string(g->id), "name", string(g->name), "balancer",
		string(g->load_balancer_id), "algorithm", (int)g->algorithm, "mitigation",
		(int)g->anomaly_mitigation, "slow_start_ms", (json_int_t)g->slow_start_ms,
		"stickiness", (int)g->stickiness, "sticky_seconds",
		(json_int_t)g->stickiness_seconds, "cookie", string(g->app_cookie_name),
		"cross_zone", (int)g->cross_zone, "min_count", (json_int_t)g->min_healthy_count,
		"min_percent", (json_int_t)g->min_healthy_percent, "dns_count",
		(json_int_t)g->min_dns_healthy_count, "dns_percent",
		(json_int_t)g->min_dns_healthy_percent, "delay_ms",
		(json_int_t)g->deregistration_delay_ms, "health", health, "stream", stream,
		"targets", targets(g));
}

err_t lb_apply(struct lb *lb, const struct lb_config *config)
{
	json_t *balancers = json_array(), *groups = json_array();

	if (lb->apply_err) {
		json_decref(balancers);
		json_decref(groups);
		return lb->apply_err;
	}
	for (unsigned i = 0; i < config->load_balancer_count; i++)
		json_array_append_new(balancers, load_balancer(&config->load_balancers[i]));
	for (unsigned i = 0; i < config->target_group_count; i++)
		json_array_append_new(groups, target_group(&config->target_groups[i]));
	json_decref(lb->plan);
	lb->plan = json_pack("{s:o, s:o}", "balancers", balancers, "groups", groups);
	assert(lb->plan);
	lb->applies++;
	return ERR_OK;
}

void lb_cut_target(struct lb *lb, struct bytes group_arn, struct bytes target_id, uint16_t port)
{
	json_array_append_new(lb->cuts, json_sprintf("target %.*s %.*s %u", BYTES_ARG(group_arn),
						     BYTES_ARG(target_id), port));
}

void lb_cut_load_balancer(struct lb *lb, struct bytes arn)
{
	json_array_append_new(lb->cuts, json_sprintf("load balancer %.*s", BYTES_ARG(arn)));
}

err_t lb_target_status(const struct lb *lb, struct bytes group_arn, struct bytes target_id,
		       uint16_t port, struct target_status *ret_status)
{
	(void)group_arn;
	(void)target_id;
	(void)port;
	if (!lb->knows)
		return ERR_NOT_FOUND;
	*ret_status = lb->status;
	return ERR_OK;
}
