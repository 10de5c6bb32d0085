/*
 * wake: services that sleep while nobody asks: tag weir.scale_from_zero.idle_seconds.
 *
 *   asleep (desired 0) ─► a request waits in the balancer's queue ─► on_wanted ─► desired 1
 *   awake ─► no request and no open stream for so long ─► desired 0, by way of draining
 *
 * A request that comes while the last task drains waits like any other and wakes the service
 * again. The desired count is written here and by the API's handlers alone, on one thread.
 */
#include "services/ecs/ecs_internal.h"

#include <stdio.h>

#include "base/log.h"

enum {
	IDLE_MAX_SECONDS = 86400,
	QUEUE_LENGTH = 10000, /* what a target group gets that has no queue of its own */
	QUEUE_WAIT_SECONDS = 120,
};

/* As an attribute is named, and as tags may be (a dot is not welcome everywhere). */
static bool is_wake_tag(const json_t *tag)
{
	return is_text(tag, "key", "weir.scale_from_zero.idle_seconds") ||
	       is_text(tag, "key", "weir:scale_from_zero.idle_seconds");
}

static uint32_t seconds_of(const json_t *tag)
{
	uint64_t seconds = 0;

	if (bytes_to_u64(bytes_of(text_of(tag, "value")), IDLE_MAX_SECONDS, &seconds))
		return 0;
	return (uint32_t)seconds;
}

bool wake_tag_is_wrong(const json_t *tag)
{
	return is_wake_tag(tag) && seconds_of(tag) == 0;
}

uint32_t wake_idle_seconds(const json_t *tags)
{
	json_t *tag;
	size_t i;

	json_array_foreach ((json_t *)tags, i, tag)
		if (is_wake_tag(tag))
			return seconds_of(tag);
	return 0;
}

static err_t set_desired(struct ecs *ecs, const char *id, json_t *service, unsigned desired,
			 const char *why)
{
	json_t *primary = service_primary(service);

	TRY(put_number(service, "desiredCount", desired));
	TRY(put_number(primary, "desiredCount", desired));
	json_object_del(service, "_steady");
	TRY(service_event(ecs, service, "%s", why));
	return record_write(ecs, KIND_SERVICE, id, name_in_arn(text_of(service, "clusterArn")),
			    service);
}

/* ---- Requests may wait ---- */

static bool has_queue(struct ecs *ecs, const char *group)
{
	struct api_fault fault;
	json_t *output = NULL, *attribute;
	bool has;

	if (ecs_house_ask(ecs, "elasticloadbalancing", "DescribeTargetGroupAttributes",
			  json_pack("{s:s}", "TargetGroupArn", group), &output, &fault))
		return true; /* it is gone: nothing to set */
	attribute = find_in(json_object_get(output, "Attributes"), "Key",
			    "weir.queue.max_wait_seconds");
	has = attribute && !is_text(attribute, "Value", "0");
	json_decref(output);
	return has;
}

static void open_queue(struct ecs *ecs, const char *group)
{
	struct api_fault fault;
	json_t *output = NULL;
	char length[16], seconds[16];

	snprintf(length, sizeof length, "%d", QUEUE_LENGTH);
	snprintf(seconds, sizeof seconds, "%d", QUEUE_WAIT_SECONDS);
	if (ecs_house_ask(ecs, "elasticloadbalancing", "ModifyTargetGroupAttributes",
			  json_pack("{s:s, s:[{s:s, s:s}, {s:s, s:s}]}", "TargetGroupArn", group,
				    "Attributes", "Key", "weir.queue.max_length", "Value", length,
				    "Key", "weir.queue.max_wait_seconds", "Value", seconds),
			  &output, &fault))
		log_warn("ecs", "requests cannot wait for targets of %s: %s", group, fault.message);
	else
		json_decref(output);
}

static void open_queues(struct ecs *ecs, const json_t *service)
{
	json_t *balancer;
	size_t i;

	json_array_foreach (json_object_get(service, "loadBalancers"), i, balancer)
		if (!has_queue(ecs, text_of(balancer, "targetGroupArn")))
			open_queue(ecs, text_of(balancer, "targetGroupArn"));
}

/* ---- Waking ---- */

static bool stands_behind(const json_t *service, struct bytes group_arn)
{
	json_t *balancer;
	size_t i;

	json_array_foreach (json_object_get(service, "loadBalancers"), i, balancer)
		if (bytes_eq_str(group_arn, text_of(balancer, "targetGroupArn")))
			return true;
	return false;
}

void ecs_on_wanted(struct ecs *ecs, struct bytes group_arn)
{
	json_t *services = NULL, *service;
	size_t i;

	if (ecs->stopping || record_read_all(ecs, KIND_SERVICE, NULL, &services))
		return;
	json_array_foreach (services, i, service) {
		char id[600];

		if (!is_text(service, "status", "ACTIVE") ||
		    !wake_idle_seconds(json_object_get(service, "tags")) ||
		    !stands_behind(service, group_arn) || number_of(service, "desiredCount", 0))
			continue;
		snprintf(id, sizeof id, "%s/%s", name_in_arn(text_of(service, "clusterArn")),
			 text_of(service, "serviceName"));
		if (set_desired(ecs, id, service, 1, "was woken by a request."))
			log_error("ecs", "service %s could not be woken", id);
	}
	json_decref(services);
}

/* ---- Falling asleep ---- */

struct traffic {
	const json_t *service;
	uint64_t requests;
	int64_t open;
};

static void add_traffic(void *owner, struct bytes load_balancer_id, struct bytes target_group_id,
			const struct metrics *sum)
{
	struct traffic *traffic = owner;
	json_t *balancer;
	size_t i;

	(void)load_balancer_id;
	json_array_foreach (json_object_get(traffic->service, "loadBalancers"), i, balancer)
		if (target_group_id.len &&
		    bytes_ends(bytes_of(text_of(balancer, "targetGroupArn")), target_group_id)) {
			traffic->requests += sum->counters[COUNTER_REQUESTS];
			traffic->open += sum->gauges[GAUGE_STREAMS_ACTIVE] +
					 sum->gauges[GAUGE_REQUESTS_QUEUED];
		}
}

static bool is_idle(struct ecs *ecs, struct service_watch *watch, const json_t *service,
		    uint32_t seconds)
{
	struct traffic traffic = { .service = service };
	uint64_t now = loop_now_ms(ecs->options.loop);

	lb_each_metrics(ecs->options.lb, add_traffic, &traffic);
	if (traffic.requests != watch->requests || traffic.open > 0 || !watch->busy_ms)
		watch->busy_ms = now;
	watch->requests = traffic.requests;
	return now >= watch->busy_ms + (uint64_t)seconds * 1000;
}

void wake_look(struct ecs *ecs, struct service_watch *watch, json_t *service)
{
	uint32_t seconds = is_text(service, "status", "ACTIVE")
				   ? wake_idle_seconds(json_object_get(service, "tags"))
				   : 0;

	if (seconds && !watch->queue_ready) {
		open_queues(ecs, service);
		watch->queue_ready = true;
	}
	if (seconds && !number_of(service, "desiredCount", 0))
		watch->busy_ms = 0; /* its time begins when it is awake */
	else if (seconds && is_idle(ecs, watch, service, seconds) &&
		 set_desired(ecs, watch->id, service, 0, "has nothing to do and is put to sleep."))
		log_error("ecs", "service %s could not be put to sleep", watch->id);
}
