/*
 * usage: what services use of what their tasks reserve, once a minute: AWS/ECS's CPUUtilization and
 * MemoryUtilization, by cluster and service.
 */
#include "services/ecs/ecs_internal.h"

#include <stdio.h>

enum { MINUTE_MS = 60 * 1000, CPU_UNITS = 1024, MIB = 1024 * 1024 };

struct use {
	double cpu_us, memory_bytes;	       /* used */
	double cpu_units, memory_mib_reserved; /* reserved */
};

/* Of a task, or else of its containers together; numbers are text in a task's record. */
static double reserved(const json_t *task, const char *member)
{
	json_t *container;
	double sum = 0;
	uint64_t value;
	size_t i;

	if (!bytes_to_u64(bytes_of(text_of(task, member)), INT32_MAX, &value))
		return (double)value;
	json_array_foreach (json_object_get(task, "containers"), i, container)
		if (!bytes_to_u64(bytes_of(text_of(container, member)), INT32_MAX, &value))
			sum += (double)value;
	return sum;
}

static void add_run(struct run *run, struct use *use)
{
	struct workload_usage usage;
	json_t *task = NULL;
	double units;

	if (record_read(run->ecs, KIND_TASK, run->id, &task))
		return;
	for (unsigned i = 0; i < run->container_count; i++) {
		struct run_container *container = &run->containers[i];

		if (!container->workload || !workload_usage(container->workload, &usage))
			continue;
		use->cpu_us += usage.cpu_us > container->cpu_us
				       ? (double)(usage.cpu_us - container->cpu_us)
				       : 0;
		container->cpu_us = usage.cpu_us;
		use->memory_bytes += (double)usage.memory_bytes;
	}
	units = reserved(task, "cpu");
	/* Who reserves nothing is measured against one processor. */
	use->cpu_units += units > 0 ? units : CPU_UNITS;
	use->memory_mib_reserved += reserved(task, "memory");
	json_decref(task);
}

static void report(struct ecs *ecs, const char *service, const struct use *use)
{
	const char *slash = strchr(service, '/');
	char cluster[300];
	struct ecs_metric metric = { .name = "CPUUtilization",
				     .cluster = cluster,
				     .service = slash + 1,
				     .time_ms = ecs_now_ms(ecs) };

	snprintf(cluster, sizeof cluster, "%.*s", (int)(slash - service), service);
	metric.percent = use->cpu_us / (MINUTE_MS * 1000.0 * use->cpu_units / CPU_UNITS) * 100;
	ecs->options.on_metric(ecs->options.owner, &metric);
	if (!(use->memory_mib_reserved > 0))
		return;
	metric.name = "MemoryUtilization";
	metric.percent = use->memory_bytes / (use->memory_mib_reserved * MIB) * 100;
	ecs->options.on_metric(ecs->options.owner, &metric);
}

static void on_timer(struct timer *timer)
{
	struct ecs *ecs = container_of(timer, struct ecs, usage_timer);

	map_for_each (&ecs->services, slot) {
		const struct service_watch *watch = slot->value;
		struct use use = { .cpu_us = 0 };

		list_for_each (&ecs->runs, node) {
			struct run *run = container_of(node, struct run, link);

			if (run->service && strcmp(run->service, watch->id) == 0)
				add_run(run, &use);
		}
		if (use.cpu_units > 0)
			report(ecs, watch->id, &use);
	}
	timer_set(ecs->options.loop, timer, loop_now_ms(ecs->options.loop) + MINUTE_MS);
}

void usage_begin(struct ecs *ecs)
{
	if (!ecs->options.on_metric)
		return;
	ecs->usage_timer.on_expired = on_timer;
	timer_set(ecs->options.loop, &ecs->usage_timer, loop_now_ms(ecs->options.loop) + MINUTE_MS);
}
