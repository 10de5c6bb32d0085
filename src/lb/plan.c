#include "lb/plan_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "lb/regex.h"

enum { PLAN_MAX_BYTES = 512 * 1024 * 1024 }; /* a runaway's bound; a large plan takes a few MiB */

err_t compiler_copy(struct compiler *c, struct bytes from, struct bytes *ret_copy)
{
	if (!from.at) {
		*ret_copy = BYTES_NONE;
		return ERR_OK;
	}
	return arena_copy(&c->box->arena, from, ret_copy);
}

void *compiler_array(struct compiler *c, size_t count, size_t size)
{
	return arena_array(&c->box->arena, count ? count : 1, size);
}

/* ---- Target groups ---- */

static unsigned at_least(uint32_t count, uint32_t percent, unsigned registered)
{
	uint64_t by_percent = ((uint64_t)percent * registered + 99) / 100;

	return by_percent > count ? (unsigned)by_percent : count;
}

/* Draining targets leave: a percentage is of those that stay. */
static unsigned count_staying(const struct target_group_config *config, const struct bytes *zone)
{
	unsigned count = 0;

	for (unsigned i = 0; i < config->target_count; i++) {
		const struct target_config *target = &config->targets[i];

		if (target->draining_until_unix_ms == 0 && (!zone || bytes_eq(target->zone, *zone)))
			count++;
	}
	return count;
}

static err_t compile_zone(struct compiler *c, const struct target_group_config *config,
			  const struct plan_group *group, const struct bytes *name,
			  struct plan_zone *zone)
{
	unsigned staying = count_staying(config, name);
	struct target **targets = compiler_array(c, config->target_count, sizeof *targets);

	if (!targets)
		return ERR_NOMEM;
	zone->targets = targets;
	for (unsigned i = 0; i < config->target_count; i++)
		if (!name || bytes_eq(config->targets[i].zone, *name))
			targets[zone->target_count++] = group->targets[i];
	zone->healthy_min = at_least(config->min_healthy_count, config->min_healthy_percent,
				     staying);
	zone->dns_healthy_min = at_least(config->min_dns_healthy_count,
					 config->min_dns_healthy_percent, staying);
	return name ? compiler_copy(c, *name, &zone->name) : ERR_OK;
}

static bool zone_seen(const struct target_group_config *config, unsigned before)
{
	for (unsigned i = 0; i < before; i++)
		if (bytes_eq(config->targets[i].zone, config->targets[before].zone))
			return true;
	return false;
}

static err_t compile_zones(struct compiler *c, const struct target_group_config *config,
			   struct plan_group *group)
{
	unsigned count = 0;
	struct plan_zone *zones;

	for (unsigned i = 0; i < config->target_count; i++)
		count += !zone_seen(config, i);
	if (count > 1 && config->cross_zone)
		count = 1;
	zones = compiler_array(c, count, sizeof *zones);
	if (!zones)
		return ERR_NOMEM;
	group->zones = zones;
	if (count == 0)
		return ERR_OK;
	if (config->cross_zone) {
		group->zone_count = 1;
		return compile_zone(c, config, group, NULL, &zones[0]);
	}
	for (unsigned i = 0; i < config->target_count; i++)
		if (!zone_seen(config, i))
			TRY(compile_zone(c, config, group, &config->targets[i].zone,
					 &zones[group->zone_count++]));
	return ERR_OK;
}

/* target_count counts references taken, so that a failure half-way gives back just those. */
static err_t compile_targets(struct compiler *c, const struct target_group_config *config,
			     struct plan_group *group)
{
	struct target **targets = compiler_array(c, config->target_count, sizeof *targets);

	if (!targets)
		return ERR_NOMEM;
	group->targets = targets;
	for (unsigned i = 0; i < config->target_count; i++) {
		const struct target_config *target = &config->targets[i];
		struct target_key key = { config->arn, target->id, target->address.port };

		TRY(registry_target(c->registry, &key, &target->address, &targets[i]));
		group->target_count++;
	}
	return compile_zones(c, config, group);
}

static err_t compile_group(struct compiler *c, const struct target_group_config *config,
			   struct plan_group *group)
{
	struct meter *meter;

	TRY(compiler_copy(c, config->arn, &group->arn));
	TRY(compiler_copy(c, config->id, &group->id));
	TRY(compiler_copy(c, config->name, &group->name));
	TRY(compiler_copy(c, config->load_balancer_id, &group->load_balancer_id));
	TRY(compiler_copy(c, config->app_cookie_name, &group->app_cookie_name));
	TRY(registry_meter(c->registry, config->id, &meter));
	group->meter = meter;
	group->arn_hash = bytes_hash(config->arn, 0);
	group->in_use = config->load_balancer_id.len > 0;
	group->algorithm = config->algorithm;
	group->anomaly_mitigation = config->anomaly_mitigation;
	group->function = config->function;
	group->multi_value_headers = config->multi_value_headers;
	group->function_streams = config->function_streams;
	group->https = config->https;
	group->tls13 = config->tls13;
	group->protocol_version = config->protocol_version;
	group->slow_start_ms = config->slow_start_ms;
	group->stickiness = config->stickiness;
	group->stickiness_seconds = config->stickiness_seconds;
	group->deregistration_delay_ms = config->deregistration_delay_ms;
	group->health = config->health;
	TRY(compiler_copy(c, config->health.path, &group->health.path));
	TRY(compiler_copy(c, config->health.matcher, &group->health.matcher));
	group->stream = config->stream;
	TRY(compile_targets(c, config, group));
	return map_put(&c->box->groups_by_arn, group->arn, group, NULL);
}

static err_t compile_groups(struct compiler *c, const struct lb_config *config)
{
	struct plan *plan = &c->box->plan;

	c->box->groups = compiler_array(c, config->target_group_count, sizeof *c->box->groups);
	if (!c->box->groups)
		return ERR_NOMEM;
	plan->groups = c->box->groups;
	for (unsigned i = 0; i < config->target_group_count; i++) {
		c->box->groups[i].index = i;
		plan->group_count++; /* before it is whole: freeing takes what is there */
		TRY(compile_group(c, &config->target_groups[i], &c->box->groups[i]));
	}
	return ERR_OK;
}

/* ---- Listeners and load balancers ---- */

static err_t compile_response_headers(struct compiler *c, const struct listener_config *config,
				      struct plan_listener *listener)
{
	struct response_header_config *headers = compiler_array(c, config->response_header_count,
								sizeof *headers);

	if (!headers)
		return ERR_NOMEM;
	listener->response_headers = headers;
	for (unsigned i = 0; i < config->response_header_count; i++) {
		const struct response_header_config *from = &config->response_headers[i];
		struct response_header_config *to = &headers[listener->response_header_count];

		if (from->value.len == 0)
			continue;
		TRY(compiler_copy(c, from->name, &to->name));
		TRY(compiler_copy(c, from->value, &to->value));
		listener->response_header_count++;
	}
	return ERR_OK;
}

static err_t compile_listener(struct compiler *c, const struct listener_config *config,
			      const struct plan_load_balancer *lb, struct plan_listener *listener)
{
	char port[8];

	snprintf(port, sizeof port, "%u", config->port);
	listener->load_balancer = lb;
	listener->port = config->port;
	TRY(compiler_copy(c, bytes_of(port), &listener->port_text));
	listener->server_header = config->server_header;
	listener->https = config->https;
	listener->http2_clear = config->http2_clear;
	listener->client_auth = config->client_auth;
	if (config->tls)
		listener->tls = tls_context_ref(config->tls);
	for (unsigned i = 0; i < TLS_FIELDS; i++)
		TRY(compiler_copy(c, config->tls_fields[i], &listener->tls_fields[i]));
	TRY(compiler_copy(c, config->arn, &listener->arn));
	TRY(compile_response_headers(c, config, listener));
	return compile_rules(c, config, listener);
}

static err_t copy_admit(struct compiler *c, const struct admit_list *from,
			const struct admit_list **ret_list)
{
	struct admit_list *list;
	struct admit_rule *rules;

	if (!from)
		return ERR_OK;
	list = compiler_array(c, 1, sizeof *list);
	rules = compiler_array(c, from->count, sizeof *rules);
	if (!list || !rules)
		return ERR_NOMEM;
	if (from->count)
		memcpy(rules, from->rules, from->count * sizeof *rules);
	*list = (struct admit_list){ rules, from->count };
	*ret_list = list;
	return ERR_OK;
}

static err_t compile_load_balancer(struct compiler *c, const struct load_balancer_config *config,
				   struct plan_load_balancer *lb)
{
	struct plan_listener *listeners = compiler_array(c, config->listener_count,
							 sizeof *listeners);
	struct meter *meter;

	if (!listeners)
		return ERR_NOMEM;
	lb->listeners = listeners;
	lb->listener_count = config->listener_count;
	TRY(compiler_copy(c, config->arn, &lb->arn));
	TRY(compiler_copy(c, config->id, &lb->id));
	TRY(compiler_copy(c, config->dns_name, &lb->dns_name));
	TRY(registry_meter(c->registry, config->id, &meter));
	lb->meter = meter;
	lb->reserved_units = config->reserved_units;
	lb->idle_ms = config->idle_ms;
	lb->client_keep_alive_ms = config->client_keep_alive_ms;
	lb->desync_mode = config->desync_mode;
	lb->drop_invalid_fields = config->drop_invalid_fields;
	lb->preserve_host = config->preserve_host;
	lb->xff_client_port = config->xff_client_port;
	lb->xff_mode = config->xff_mode;
	TRY(copy_admit(c, config->ingress, &lb->ingress));
	for (unsigned i = 0; i < config->listener_count; i++)
		TRY(compile_listener(c, &config->listeners[i], lb, &listeners[i]));
	return ERR_OK;
}

static err_t compile_load_balancers(struct compiler *c, const struct lb_config *config)
{
	struct plan *plan = &c->box->plan;

	c->box->load_balancers = compiler_array(c, config->load_balancer_count,
						sizeof *c->box->load_balancers);
	if (!c->box->load_balancers)
		return ERR_NOMEM;
	plan->load_balancers = c->box->load_balancers;
	for (unsigned i = 0; i < config->load_balancer_count; i++) {
		c->box->load_balancers[i].index = i;
		plan->load_balancer_count++;
		TRY(compile_load_balancer(c, &config->load_balancers[i],
					  &c->box->load_balancers[i]));
	}
	return ERR_OK;
}

/* ---- The whole ---- */

static void box_free(struct plan_box *box)
{
	const struct plan *plan = &box->plan;

	plan_addresses_fini(&box->addresses);
	for (unsigned i = 0; i < plan->load_balancer_count; i++) {
		const struct plan_load_balancer *lb = &plan->load_balancers[i];

		for (unsigned l = 0; l < lb->listener_count; l++)
			tls_context_unref(lb->listeners[l].tls);
		meter_unref((struct meter *)lb->meter);
	}
	for (unsigned i = 0; i < plan->group_count; i++) {
		for (unsigned t = 0; t < plan->groups[i].target_count; t++)
			target_unref(plan->groups[i].targets[t]);
		meter_unref((struct meter *)plan->groups[i].meter);
	}
	for (struct plan_regex *regex = box->regexes; regex; regex = regex->next)
		regex_free(regex->code);
	map_fini(&box->groups_by_arn);
	arena_fini(&box->arena);
	free(box);
}

static err_t compile(struct compiler *c, const struct lb_config *config)
{
	TRY(compile_groups(c, config));
	TRY(compile_load_balancers(c, config));
	TRY(plan_addresses_compile(config, c->box->load_balancers, &c->box->arena,
				   &c->box->addresses));
	c->box->plan.addresses = c->box->addresses.at;
	c->box->plan.address_count = c->box->addresses.count;
	return ERR_OK;
}

err_t plan_compile(const struct lb_config *config, struct registry *registry,
		   const struct plan **ret_plan, char ret_why[PLAN_WHY_BYTES])
{
	struct plan_box *box = calloc(1, sizeof *box);
	struct compiler c = { .box = box, .registry = registry, .why = ret_why };
	err_t err;

	if (!box)
		return ERR_NOMEM;
	arena_init(&box->arena, PLAN_MAX_BYTES);
	atomic_init(&box->refs, 1);
	err = compile(&c, config);
	if (err) {
		box_free(box);
		return err;
	}
	box->plan.target_slots = registry_target_slots(registry);
	box->plan.meter_slots = registry_meter_slots(registry);
	box->plan.serial = registry_next_serial(registry);
	*ret_plan = &box->plan;
	return ERR_OK;
}

err_t plan_check_regex(struct bytes pattern, char ret_why[PLAN_WHY_BYTES])
{
	pcre2_code *code;
	_Static_assert((int)REGEX_WHY_BYTES <= (int)PLAN_WHY_BYTES, "words of a regex fit");

	TRY(regex_compile(pattern, true, &code, ret_why));
	regex_free(code);
	return ERR_OK;
}

const struct plan *plan_ref(const struct plan *plan)
{
	struct plan_box *box = (struct plan_box *)plan;

	atomic_fetch_add_explicit(&box->refs, 1, memory_order_relaxed);
	return plan;
}

void plan_unref(const struct plan *plan)
{
	struct plan_box *box = (struct plan_box *)plan;

	if (box && atomic_fetch_sub_explicit(&box->refs, 1, memory_order_acq_rel) == 1)
		box_free(box);
}

static const struct admit_list *egress_for(const struct lb_config *config, struct bytes id)
{
	for (unsigned i = 0; i < config->load_balancer_count; i++)
		if (bytes_eq(config->load_balancers[i].id, id))
			return config->load_balancers[i].egress;
	return NULL;
}

static void publish_target(struct target *target, const struct plan_group *group, bool drain)
{
	struct health *health = &target->control.health;

	if (drain && health->state != HEALTH_DRAINING) {
		health_drain(health);
		atomic_store_explicit(&target->shared.slow_start_ms, 0, memory_order_relaxed);
	} else if (!drain && health->state == HEALTH_DRAINING) {
		health_init(health, group->in_use); /* registered again */
	} else {
		health_set_in_use(health, group->in_use);
	}
	if (group->health.disabled)
		health_set_unchecked(health);
	target_publish_health(target);
	atomic_store(&target->shared.draining, drain);
}

void plan_publish(const struct plan *plan, const struct lb_config *config)
{
	assert(plan->group_count == config->target_group_count);
	for (unsigned i = 0; i < plan->group_count; i++) {
		const struct plan_group *group = &plan->groups[i];
		const struct target_group_config *from = &config->target_groups[i];

		const struct admit_list *egress = egress_for(config, from->load_balancer_id);

		assert(group->target_count == from->target_count);
		for (unsigned t = 0; t < group->target_count; t++) {
			const struct target_config *target = &from->targets[t];

			atomic_store_explicit(&group->targets[t]->shared.drops,
					      admit_drops(egress, target->ingress, &target->address,
							  from->health.port),
					      memory_order_relaxed);
			publish_target(group->targets[t], group,
				       target->draining_until_unix_ms != 0);
		}
	}
}

/* ---- Looking up ---- */

const struct plan_group *plan_group_find(const struct plan *plan, struct bytes arn)
{
	return map_get(&((const struct plan_box *)plan)->groups_by_arn, arn);
}
