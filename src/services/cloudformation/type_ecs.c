/*
 * type_ecs: services, which are done when their deployment is.
 */
#include <string.h>

#include "services/cloudformation/type_hooks.h"

static json_t *named(const struct resource_step *step)
{
	return json_pack("{s:s, s:O*}", "service", physical_id(step), "cluster",
			 property(step, "Cluster"));
}

/* "arn:…:service/CLUSTER/NAME" → "NAME" */
static void set_attributes(struct resource_step *step, const json_t *service)
{
	put_new(step->record, "Attributes",
		json_pack("{s:s, s:s}", "Name", text_at(service, "serviceName"), "ServiceArn",
			  text_at(service, "serviceArn")));
}

HOOK(service_updated)
{
	static const char *const members[] = { "TaskDefinition",
					       "DesiredCount",
					       "NetworkConfiguration",
					       "DeploymentConfiguration",
					       "HealthCheckGracePeriodSeconds",
					       "LoadBalancers" };
	static const char *const small[] = { "taskDefinition",
					     "desiredCount",
					     "networkConfiguration",
					     "deploymentConfiguration",
					     "healthCheckGracePeriodSeconds",
					     "loadBalancers" };
	json_t *input = named(step);

	for (size_t i = 0; i < COUNT(members); i++)
		if (property(step, members[i]) && property_changed(step, members[i]))
			put_new(input, small[i], with_small_letters(property(step, members[i])));
	return call_api(step, "ecs", "UpdateService", input, NULL);
}

/* The deployment that is to be; the first of the list. */
HOOK(service_settled)
{
	json_t *answer, *input = json_pack("{s:[s], s:O*}", "services", physical_id(step),
					   "cluster", property(step, "Cluster"));
	const json_t *service, *deployment;
	err_t err = ERR_AGAIN;

	TRY(call_api(step, "ecs", "DescribeServices", input, &answer));
	service = json_at(answer, "services.0");
	deployment = json_at(service, "deployments.0");
	set_attributes(step, service);
	if (strcmp(text_at(deployment, "rolloutState"), "COMPLETED") == 0) {
		err = ERR_OK;
	} else if (strcmp(text_at(deployment, "rolloutState"), "FAILED") == 0) {
		text_printf(step->why, "ECS Deployment failed: %s",
			    text_at(deployment, "rolloutStateReason"));
		err = ERR_INVALID;
	}
	json_decref(answer);
	return err;
}

/* It is gone when its tasks are: until then its cluster cannot go. */
HOOK(service_remove)
{
	json_t *answer, *input = json_pack("{s:[s], s:O*}", "services", physical_id(step),
					   "cluster", property(step, "Cluster"));
	bool active, draining;

	TRY(call_api(step, "ecs", "DescribeServices", input, &answer));
	active = strcmp(text_at(json_at(answer, "services.0"), "status"), "ACTIVE") == 0;
	draining = strcmp(text_at(json_at(answer, "services.0"), "status"), "DRAINING") == 0;
	json_decref(answer);
	if (active) {
		input = named(step);
		put_new(input, "force", json_true());
		TRY(call_api(step, "ecs", "DeleteService", input, NULL));
	}
	return active || draining ? ERR_AGAIN : ERR_OK;
}
