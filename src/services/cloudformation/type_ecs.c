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

/* What a change of leaves the service there. */
static const struct member {
	const char *property, *name;
} changeable[] = {
	{ "TaskDefinition", "taskDefinition" },
	{ "DesiredCount", "desiredCount" },
	{ "NetworkConfiguration", "networkConfiguration" },
	{ "DeploymentConfiguration", "deploymentConfiguration" },
	{ "HealthCheckGracePeriodSeconds", "healthCheckGracePeriodSeconds" },
	{ "LoadBalancers", "loadBalancers" },
	{ "PlatformVersion", "platformVersion" },
	{ "CapacityProviderStrategy", "capacityProviderStrategy" },
	{ "EnableExecuteCommand", "enableExecuteCommand" },
	{ "EnableECSManagedTags", "enableECSManagedTags" },
	{ "PropagateTags", "propagateTags" },
	{ "PlacementConstraints", "placementConstraints" },
	{ "PlacementStrategies", "placementStrategy" },
	{ "AvailabilityZoneRebalancing", "availabilityZoneRebalancing" },
	{ "ServiceRegistries", "serviceRegistries" },
	{ "ServiceConnectConfiguration", "serviceConnectConfiguration" },
	{ "VolumeConfigurations", "volumeConfigurations" },
};

HOOK(service_updated)
{
	json_t *input = named(step);

	for (size_t i = 0; i < COUNT(changeable); i++) {
		json_t *value = property(step, changeable[i].property);

		if (value && property_changed(step, changeable[i].property))
			put_new(input, changeable[i].name, with_small_letters(value));
	}
	return call_api(step, "ecs", "UpdateService", input, NULL);
}

/* ---- Clusters ---- */

static void put_small(const struct resource_step *step, json_t *input, const char *name,
		      const char *member)
{
	json_t *value = property(step, name);

	put_new(input, member, value ? with_small_letters(value) : json_array());
}

HOOK(cluster_updated)
{
	json_t *input;

	if (property_changed(step, "ClusterSettings") || property_changed(step, "Configuration")) {
		input = json_pack("{s:s}", "cluster", physical_id(step));
		if (property(step, "ClusterSettings"))
			put_small(step, input, "ClusterSettings", "settings");
		if (property(step, "Configuration"))
			put_small(step, input, "Configuration", "configuration");
		TRY(call_api(step, "ecs", "UpdateCluster", input, NULL));
	}
	if (!property_changed(step, "CapacityProviders") &&
	    !property_changed(step, "DefaultCapacityProviderStrategy"))
		return ERR_OK;
	input = json_pack("{s:s}", "cluster", physical_id(step));
	put_small(step, input, "CapacityProviders", "capacityProviders");
	put_small(step, input, "DefaultCapacityProviderStrategy",
		  "defaultCapacityProviderStrategy");
	return call_api(step, "ecs", "PutClusterCapacityProviders", input, NULL);
}

HOOK(providers_make)
{
	const char *cluster = text_at(step->properties, "Cluster");
	json_t *input = json_pack("{s:s}", "cluster", cluster);

	put_small(step, input, "CapacityProviders", "capacityProviders");
	put_small(step, input, "DefaultCapacityProviderStrategy",
		  "defaultCapacityProviderStrategy");
	TRY(call_api(step, "ecs", "PutClusterCapacityProviders", input, NULL));
	set_physical_id(step, cluster);
	return ERR_OK;
}

HOOK(providers_remove)
{
	return call_api(step, "ecs", "PutClusterCapacityProviders",
			json_pack("{s:s, s:[], s:[]}", "cluster", physical_id(step),
				  "capacityProviders", "defaultCapacityProviderStrategy"),
			NULL);
}

/* ---- A service, on its way ---- */

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
