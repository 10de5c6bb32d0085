/*
 * names: ARNs, which are what users hold in their hands, and what stands in them.
 */
#include "services/ecs/ecs_internal.h"

#include <stdio.h>

const char *name_in_arn(const char *arn)
{
	const char *slash = strrchr(arn, '/');

	return slash ? slash + 1 : arn;
}

static void arn_of(const struct ecs *ecs, const char *type, const char *rest,
		   char out[ECS_ARN_BYTES])
{
	snprintf(out, ECS_ARN_BYTES, "arn:aws:ecs:%s:%s:%s/%s", ecs->options.region,
		 ecs->options.account, type, rest);
}

void cluster_arn(const struct ecs *ecs, const char *name, char out[ECS_ARN_BYTES])
{
	arn_of(ecs, "cluster", name, out);
}

void service_arn(const struct ecs *ecs, const char *id, char out[ECS_ARN_BYTES])
{
	arn_of(ecs, "service", id, out);
}

void task_arn(const struct ecs *ecs, const char *cluster, const char *id, char out[ECS_ARN_BYTES])
{
	char rest[512];

	snprintf(rest, sizeof rest, "%s/%s", cluster, id);
	arn_of(ecs, "task", rest, out);
}

void definition_arn(const struct ecs *ecs, const char *id, char out[ECS_ARN_BYTES])
{
	arn_of(ecs, "task-definition", id, out);
}

void ecs_instance_id(const char *account, const char *region, char out[ECS_INSTANCE_BYTES])
{
	uint64_t seed = bytes_hash(bytes_of(account), 1);

	snprintf(out, ECS_INSTANCE_BYTES, "i-0%016llx",
		 (unsigned long long)bytes_hash(bytes_of(region), seed));
}

void instance_arn(const struct ecs *ecs, const char *cluster, char out[ECS_ARN_BYTES])
{
	uint64_t hash = bytes_hash(bytes_of(ecs->options.account), 2);
	char rest[512];

	snprintf(rest, sizeof rest, "%s/%016llx%016llx", cluster, (unsigned long long)hash,
		 (unsigned long long)bytes_hash(bytes_of(cluster), hash));
	arn_of(ecs, "container-instance", rest, out);
}

bool name_is_valid(const char *name, size_t max)
{
	size_t len = strlen(name);

	if (!len || len > max)
		return false;
	for (const char *c = name; *c; c++)
		if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
		      (*c >= '0' && *c <= '9') || *c == '-' || *c == '_'))
			return false;
	return true;
}
