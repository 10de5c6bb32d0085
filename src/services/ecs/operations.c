/*
 * operations: the table of ECS's operations that exist here, and their shapes. Limits and
 * required members are checked by the handlers, since this service has words of its own for them.
 */
#include "api/rows.h"
#include "services/ecs/ecs_internal.h"

STRUCTURE(tag, S("key"), S("value"));
LIST(tags, &tag);
STRUCTURE(cluster_setting, S("name"), S("value"));
LIST(cluster_settings, &cluster_setting);
STRUCTURE(execute_command_log_configuration, S("cloudWatchLogGroupName"),
	  B("cloudWatchEncryptionEnabled"), S("s3BucketName"), B("s3EncryptionEnabled"),
	  S("s3KeyPrefix"));
STRUCTURE(execute_command_configuration, S("kmsKeyId"), S("logging"),
	  M("logConfiguration", &execute_command_log_configuration));
STRUCTURE(managed_storage_configuration, S("kmsKeyId"), S("fargateEphemeralStorageKmsKeyId"));
STRUCTURE(cluster_configuration, M("executeCommandConfiguration", &execute_command_configuration),
	  M("managedStorageConfiguration", &managed_storage_configuration));
LIST(strings, &api_string);
STRUCTURE(capacity_provider_strategy_item, S("capacityProvider"), I("weight"), I("base"));
LIST(capacity_provider_strategy, &capacity_provider_strategy_item);
STRUCTURE(cluster_service_connect_defaults_request, S("namespace"));
STRUCTURE(create_cluster_request, S("clusterName"), M("tags", &tags),
	  M("settings", &cluster_settings), M("configuration", &cluster_configuration),
	  M("capacityProviders", &strings),
	  M("defaultCapacityProviderStrategy", &capacity_provider_strategy),
	  M("serviceConnectDefaults", &cluster_service_connect_defaults_request));
STRUCTURE(key_value_pair, S("name"), S("value"));
LIST(statistics, &key_value_pair);
LIST(attachment_details, &key_value_pair);
STRUCTURE(attachment, S("id"), S("type"), S("status"), M("details", &attachment_details));
LIST(attachments, &attachment);
STRUCTURE(cluster_service_connect_defaults, S("namespace"));
STRUCTURE(cluster, S("clusterArn"), S("clusterName"), M("configuration", &cluster_configuration),
	  S("status"), I("registeredContainerInstancesCount"), I("runningTasksCount"),
	  I("pendingTasksCount"), I("activeServicesCount"), M("statistics", &statistics),
	  M("tags", &tags), M("settings", &cluster_settings), M("capacityProviders", &strings),
	  M("defaultCapacityProviderStrategy", &capacity_provider_strategy),
	  M("attachments", &attachments), S("attachmentsStatus"),
	  M("serviceConnectDefaults", &cluster_service_connect_defaults));
STRUCTURE(create_cluster_response, M("cluster", &cluster));
STRUCTURE(describe_clusters_request, M("clusters", &strings), M("include", &strings));
LIST(clusters, &cluster);
STRUCTURE(failure, S("arn"), S("reason"), S("detail"));
LIST(failures, &failure);
STRUCTURE(describe_clusters_response, M("clusters", &clusters), M("failures", &failures));
STRUCTURE(list_clusters_request, S("nextToken"), I("maxResults"));
STRUCTURE(list_clusters_response, M("clusterArns", &strings), S("nextToken"));
STRUCTURE(update_cluster_request, S("cluster"), M("settings", &cluster_settings),
	  M("configuration", &cluster_configuration),
	  M("serviceConnectDefaults", &cluster_service_connect_defaults_request));
STRUCTURE(update_cluster_response, M("cluster", &cluster));
STRUCTURE(update_cluster_settings_request, S("cluster"), M("settings", &cluster_settings));
STRUCTURE(update_cluster_settings_response, M("cluster", &cluster));
STRUCTURE(put_cluster_capacity_providers_request, S("cluster"), M("capacityProviders", &strings),
	  M("defaultCapacityProviderStrategy", &capacity_provider_strategy));
STRUCTURE(put_cluster_capacity_providers_response, M("cluster", &cluster));
STRUCTURE(delete_cluster_request, S("cluster"));
STRUCTURE(delete_cluster_response, M("cluster", &cluster));
STRUCTURE(describe_capacity_providers_request, M("capacityProviders", &strings), S("cluster"),
	  M("include", &strings), I("maxResults"), S("nextToken"));
STRUCTURE(managed_scaling, S("status"), I("targetCapacity"), I("minimumScalingStepSize"),
	  I("maximumScalingStepSize"), I("instanceWarmupPeriod"));
STRUCTURE(auto_scaling_group_provider, S("autoScalingGroupArn"),
	  M("managedScaling", &managed_scaling), S("managedTerminationProtection"),
	  S("managedDraining"));
STRUCTURE(managed_instances_network_configuration, M("subnets", &strings),
	  M("securityGroups", &strings));
STRUCTURE(managed_instances_storage_configuration, I("storageSizeGiB"));
STRUCTURE(managed_instances_local_storage_configuration, B("useLocalStorage"));
STRUCTURE(vcpu_count_range_request, I("min"), I("max"));
STRUCTURE(memory_mi_brequest, I("min"), I("max"));
STRUCTURE(memory_gi_bper_vcpu_request, D("min"), D("max"));
STRUCTURE(network_interface_count_request, I("min"), I("max"));
STRUCTURE(total_local_storage_gbrequest, D("min"), D("max"));
STRUCTURE(baseline_ebs_bandwidth_mbps_request, I("min"), I("max"));
STRUCTURE(accelerator_count_request, I("min"), I("max"));
STRUCTURE(accelerator_total_memory_mi_brequest, I("min"), I("max"));
STRUCTURE(network_bandwidth_gbps_request, D("min"), D("max"));
STRUCTURE(instance_requirements_request, M("vCpuCount", &vcpu_count_range_request),
	  M("memoryMiB", &memory_mi_brequest), M("cpuManufacturers", &strings),
	  M("memoryGiBPerVCpu", &memory_gi_bper_vcpu_request), M("excludedInstanceTypes", &strings),
	  M("instanceGenerations", &strings), I("spotMaxPricePercentageOverLowestPrice"),
	  I("onDemandMaxPricePercentageOverLowestPrice"), S("bareMetal"), S("burstablePerformance"),
	  B("requireHibernateSupport"),
	  M("networkInterfaceCount", &network_interface_count_request), S("localStorage"),
	  M("localStorageTypes", &strings),
	  M("totalLocalStorageGB", &total_local_storage_gbrequest),
	  M("baselineEbsBandwidthMbps", &baseline_ebs_bandwidth_mbps_request),
	  M("acceleratorTypes", &strings), M("acceleratorCount", &accelerator_count_request),
	  M("acceleratorManufacturers", &strings), M("acceleratorNames", &strings),
	  M("acceleratorTotalMemoryMiB", &accelerator_total_memory_mi_brequest),
	  M("networkBandwidthGbps", &network_bandwidth_gbps_request),
	  M("allowedInstanceTypes", &strings), I("maxSpotPriceAsPercentageOfOptimalOnDemandPrice"));
STRUCTURE(capacity_reservation_request, S("reservationGroupArn"), S("reservationPreference"));
STRUCTURE(instance_launch_template, S("ec2InstanceProfileArn"),
	  M("networkConfiguration", &managed_instances_network_configuration),
	  M("storageConfiguration", &managed_instances_storage_configuration),
	  M("localStorageConfiguration", &managed_instances_local_storage_configuration),
	  S("monitoring"), S("capacityOptionType"), B("instanceMetadataTagsPropagation"),
	  M("instanceRequirements", &instance_requirements_request), B("fipsEnabled"),
	  M("capacityReservations", &capacity_reservation_request));
STRUCTURE(infrastructure_optimization, I("scaleInAfter"));
STRUCTURE(auto_repair_configuration, S("actionsStatus"));
STRUCTURE(managed_instances_provider, S("infrastructureRoleArn"),
	  M("instanceLaunchTemplate", &instance_launch_template), S("propagateTags"),
	  M("infrastructureOptimization", &infrastructure_optimization),
	  M("autoRepairConfiguration", &auto_repair_configuration));
STRUCTURE(capacity_provider, S("capacityProviderArn"), S("name"), S("cluster"), S("status"),
	  M("autoScalingGroupProvider", &auto_scaling_group_provider),
	  M("managedInstancesProvider", &managed_instances_provider), S("updateStatus"),
	  S("updateStatusReason"), M("tags", &tags), S("type"));
LIST(capacity_providers, &capacity_provider);
STRUCTURE(describe_capacity_providers_response, M("capacityProviders", &capacity_providers),
	  M("failures", &failures), S("nextToken"));
STRUCTURE(repository_credentials, S("credentialsParameter"));
STRUCTURE(port_mapping, I("containerPort"), I("hostPort"), S("protocol"), S("name"),
	  S("appProtocol"), S("containerPortRange"));
LIST(port_mapping_list, &port_mapping);
LIST(integers, &api_integer);
STRUCTURE(container_restart_policy, B("enabled"), M("ignoredExitCodes", &integers),
	  I("restartAttemptPeriod"));
LIST(environment_variables, &key_value_pair);
STRUCTURE(environment_file, S("value"), S("type"));
LIST(environment_files, &environment_file);
STRUCTURE(mount_point, S("sourceVolume"), S("containerPath"), B("readOnly"));
LIST(mount_point_list, &mount_point);
STRUCTURE(volume_from, S("sourceContainer"), B("readOnly"));
LIST(volume_from_list, &volume_from);
STRUCTURE(kernel_capabilities, M("add", &strings), M("drop", &strings));
STRUCTURE(device, S("hostPath"), S("containerPath"), M("permissions", &strings));
LIST(devices_list, &device);
STRUCTURE(tmpfs, S("containerPath"), I("size"), M("mountOptions", &strings));
LIST(tmpfs_list, &tmpfs);
STRUCTURE(linux_parameters, M("capabilities", &kernel_capabilities), M("devices", &devices_list),
	  B("initProcessEnabled"), I("sharedMemorySize"), M("tmpfs", &tmpfs_list), I("maxSwap"),
	  I("swappiness"));
STRUCTURE(secret, S("name"), S("valueFrom"));
LIST(secret_list, &secret);
STRUCTURE(container_dependency, S("containerName"), S("condition"));
LIST(container_dependencies, &container_dependency);
STRUCTURE(host_entry, S("hostname"), S("ipAddress"));
LIST(host_entry_list, &host_entry);
MAP(string_map, &api_string);
STRUCTURE(ulimit, S("name"), I("softLimit"), I("hardLimit"));
LIST(ulimit_list, &ulimit);
STRUCTURE(log_configuration, S("logDriver"), M("options", &string_map),
	  M("secretOptions", &secret_list));
STRUCTURE(health_check, M("command", &strings), I("interval"), I("timeout"), I("retries"),
	  I("startPeriod"));
STRUCTURE(system_control, S("namespace"), S("value"));
LIST(system_controls, &system_control);
STRUCTURE(resource_requirement, S("value"), S("type"));
LIST(resource_requirements, &resource_requirement);
STRUCTURE(firelens_configuration, S("type"), M("options", &string_map));
STRUCTURE(container_definition, S("name"), S("image"),
	  M("repositoryCredentials", &repository_credentials), I("cpu"), I("memory"),
	  I("memoryReservation"), M("links", &strings), M("portMappings", &port_mapping_list),
	  B("essential"), M("restartPolicy", &container_restart_policy), M("entryPoint", &strings),
	  M("command", &strings), M("environment", &environment_variables),
	  M("environmentFiles", &environment_files), M("mountPoints", &mount_point_list),
	  M("volumesFrom", &volume_from_list), M("linuxParameters", &linux_parameters),
	  M("secrets", &secret_list), M("dependsOn", &container_dependencies), I("startTimeout"),
	  I("stopTimeout"), S("versionConsistency"), S("hostname"), S("user"),
	  S("workingDirectory"), B("disableNetworking"), B("privileged"),
	  B("readonlyRootFilesystem"), M("dnsServers", &strings), M("dnsSearchDomains", &strings),
	  M("extraHosts", &host_entry_list), M("dockerSecurityOptions", &strings), B("interactive"),
	  B("pseudoTerminal"), M("dockerLabels", &string_map), M("ulimits", &ulimit_list),
	  M("logConfiguration", &log_configuration), M("healthCheck", &health_check),
	  M("systemControls", &system_controls), M("resourceRequirements", &resource_requirements),
	  M("firelensConfiguration", &firelens_configuration), M("credentialSpecs", &strings));
LIST(container_definitions, &container_definition);
STRUCTURE(host_volume_properties, S("sourcePath"));
STRUCTURE(docker_volume_configuration, S("scope"), B("autoprovision"), S("driver"),
	  M("driverOpts", &string_map), M("labels", &string_map));
STRUCTURE(efsauthorization_config, S("accessPointId"), S("iam"));
STRUCTURE(efsvolume_configuration, S("fileSystemId"), S("rootDirectory"), S("transitEncryption"),
	  I("transitEncryptionPort"), M("authorizationConfig", &efsauthorization_config));
STRUCTURE(s3_files_volume_configuration, S("fileSystemArn"), S("rootDirectory"),
	  I("transitEncryptionPort"), S("accessPointArn"));
STRUCTURE(fsx_windows_file_server_authorization_config, S("credentialsParameter"), S("domain"));
STRUCTURE(fsx_windows_file_server_volume_configuration, S("fileSystemId"), S("rootDirectory"),
	  M("authorizationConfig", &fsx_windows_file_server_authorization_config));
STRUCTURE(volume, S("name"), M("host", &host_volume_properties),
	  M("dockerVolumeConfiguration", &docker_volume_configuration),
	  M("efsVolumeConfiguration", &efsvolume_configuration),
	  M("s3filesVolumeConfiguration", &s3_files_volume_configuration),
	  M("fsxWindowsFileServerVolumeConfiguration",
	    &fsx_windows_file_server_volume_configuration),
	  B("configuredAtLaunch"));
LIST(volume_list, &volume);
STRUCTURE(task_definition_placement_constraint, S("type"), S("expression"));
LIST(task_definition_placement_constraints, &task_definition_placement_constraint);
LIST(proxy_configuration_properties, &key_value_pair);
STRUCTURE(proxy_configuration, S("type"), S("containerName"),
	  M("properties", &proxy_configuration_properties));
STRUCTURE(inference_accelerator, S("deviceName"), S("deviceType"));
LIST(inference_accelerators, &inference_accelerator);
STRUCTURE(ephemeral_storage, I("sizeInGiB"));
STRUCTURE(runtime_platform, S("cpuArchitecture"), S("operatingSystemFamily"));
STRUCTURE(register_task_definition_request, S("family"), S("taskRoleArn"), S("executionRoleArn"),
	  S("networkMode"), M("containerDefinitions", &container_definitions),
	  M("volumes", &volume_list),
	  M("placementConstraints", &task_definition_placement_constraints),
	  M("requiresCompatibilities", &strings), S("cpu"), S("memory"), M("tags", &tags),
	  S("pidMode"), S("ipcMode"), M("proxyConfiguration", &proxy_configuration),
	  M("inferenceAccelerators", &inference_accelerators),
	  M("ephemeralStorage", &ephemeral_storage), M("runtimePlatform", &runtime_platform),
	  B("enableFaultInjection"));
STRUCTURE(attribute, S("name"), S("value"), S("targetType"), S("targetId"));
LIST(requires_attributes, &attribute);
STRUCTURE(task_definition, S("taskDefinitionArn"),
	  M("containerDefinitions", &container_definitions), S("family"), S("taskRoleArn"),
	  S("executionRoleArn"), S("networkMode"), I("revision"), M("volumes", &volume_list),
	  S("status"), M("requiresAttributes", &requires_attributes),
	  M("placementConstraints", &task_definition_placement_constraints),
	  M("compatibilities", &strings), M("runtimePlatform", &runtime_platform),
	  M("requiresCompatibilities", &strings), S("cpu"), S("memory"),
	  M("inferenceAccelerators", &inference_accelerators), S("pidMode"), S("ipcMode"),
	  M("proxyConfiguration", &proxy_configuration), T("registeredAt"), T("deregisteredAt"),
	  T("deleteRequestedAt"), S("registeredBy"), M("ephemeralStorage", &ephemeral_storage),
	  B("enableFaultInjection"));
STRUCTURE(register_task_definition_response, M("taskDefinition", &task_definition),
	  M("tags", &tags));
STRUCTURE(describe_task_definition_request, S("taskDefinition"), M("include", &strings));
STRUCTURE(describe_task_definition_response, M("taskDefinition", &task_definition),
	  M("tags", &tags));
STRUCTURE(deregister_task_definition_request, S("taskDefinition"));
STRUCTURE(deregister_task_definition_response, M("taskDefinition", &task_definition));
STRUCTURE(delete_task_definitions_request, M("taskDefinitions", &strings));
LIST(task_definition_list, &task_definition);
STRUCTURE(delete_task_definitions_response, M("taskDefinitions", &task_definition_list),
	  M("failures", &failures));
STRUCTURE(list_task_definitions_request, S("familyPrefix"), S("status"), S("sort"), S("nextToken"),
	  I("maxResults"));
STRUCTURE(list_task_definitions_response, M("taskDefinitionArns", &strings), S("nextToken"));
STRUCTURE(list_task_definition_families_request, S("familyPrefix"), S("status"), S("nextToken"),
	  I("maxResults"));
STRUCTURE(list_task_definition_families_response, M("families", &strings), S("nextToken"));
STRUCTURE(advanced_configuration, S("alternateTargetGroupArn"), S("productionListenerRule"),
	  S("testListenerRule"), S("roleArn"));
STRUCTURE(load_balancer, S("targetGroupArn"), S("loadBalancerName"), S("containerName"),
	  I("containerPort"), M("advancedConfiguration", &advanced_configuration));
LIST(load_balancers, &load_balancer);
STRUCTURE(service_registry, S("registryArn"), I("port"), S("containerName"), I("containerPort"));
LIST(service_registries, &service_registry);
STRUCTURE(deployment_circuit_breaker, B("enable"), B("rollback"));
STRUCTURE(deployment_alarms, M("alarmNames", &strings), B("rollback"), B("enable"));
STRUCTURE(deployment_lifecycle_hook_timeout_configuration, I("timeoutInMinutes"), S("action"));
STRUCTURE(deployment_lifecycle_hook, S("targetType"), S("hookTargetArn"), S("roleArn"),
	  M("lifecycleStages", &strings), M("hookDetails", &api_shape_none),
	  M("timeoutConfiguration", &deployment_lifecycle_hook_timeout_configuration));
LIST(deployment_lifecycle_hook_list, &deployment_lifecycle_hook);
STRUCTURE(linear_configuration, D("stepPercent"), I("stepBakeTimeInMinutes"));
STRUCTURE(canary_configuration, D("canaryPercent"), I("canaryBakeTimeInMinutes"));
STRUCTURE(deployment_configuration, M("deploymentCircuitBreaker", &deployment_circuit_breaker),
	  I("maximumPercent"), I("minimumHealthyPercent"), M("alarms", &deployment_alarms),
	  S("strategy"), I("bakeTimeInMinutes"),
	  M("lifecycleHooks", &deployment_lifecycle_hook_list),
	  M("linearConfiguration", &linear_configuration),
	  M("canaryConfiguration", &canary_configuration));
STRUCTURE(placement_constraint, S("type"), S("expression"));
LIST(placement_constraints, &placement_constraint);
STRUCTURE(placement_strategy, S("type"), S("field"));
LIST(placement_strategies, &placement_strategy);
STRUCTURE(aws_vpc_configuration, M("subnets", &strings), M("securityGroups", &strings),
	  S("assignPublicIp"));
STRUCTURE(network_configuration, M("awsvpcConfiguration", &aws_vpc_configuration));
STRUCTURE(deployment_controller, S("type"));
STRUCTURE(service_connect_test_traffic_header_match_rules, S("exact"));
STRUCTURE(service_connect_test_traffic_header_rules, S("name"),
	  M("value", &service_connect_test_traffic_header_match_rules));
STRUCTURE(service_connect_test_traffic_rules,
	  M("header", &service_connect_test_traffic_header_rules));
STRUCTURE(service_connect_client_alias, I("port"), S("dnsName"),
	  M("testTrafficRules", &service_connect_test_traffic_rules));
LIST(service_connect_client_alias_list, &service_connect_client_alias);
STRUCTURE(timeout_configuration, I("idleTimeoutSeconds"), I("perRequestTimeoutSeconds"));
STRUCTURE(service_connect_tls_certificate_authority, S("awsPcaAuthorityArn"));
STRUCTURE(service_connect_tls_configuration,
	  M("issuerCertificateAuthority", &service_connect_tls_certificate_authority), S("kmsKey"),
	  S("roleArn"));
STRUCTURE(service_connect_service, S("portName"), S("discoveryName"),
	  M("clientAliases", &service_connect_client_alias_list), I("ingressPortOverride"),
	  M("timeout", &timeout_configuration), M("tls", &service_connect_tls_configuration));
LIST(service_connect_service_list, &service_connect_service);
STRUCTURE(service_connect_access_log_configuration, S("format"), S("includeQueryParameters"));
STRUCTURE(service_connect_configuration, B("enabled"), S("namespace"),
	  M("services", &service_connect_service_list), M("logConfiguration", &log_configuration),
	  M("accessLogConfiguration", &service_connect_access_log_configuration));
STRUCTURE(ebstag_specification, S("resourceType"), M("tags", &tags), S("propagateTags"));
LIST(ebstag_specifications, &ebstag_specification);
STRUCTURE(service_managed_ebsvolume_configuration, B("encrypted"), S("kmsKeyId"), S("volumeType"),
	  I("sizeInGiB"), S("snapshotId"), I("volumeInitializationRate"), I("iops"),
	  I("throughput"), M("tagSpecifications", &ebstag_specifications), S("roleArn"),
	  S("filesystemType"));
STRUCTURE(service_volume_configuration, S("name"),
	  M("managedEBSVolume", &service_managed_ebsvolume_configuration));
LIST(service_volume_configurations, &service_volume_configuration);
STRUCTURE(vpc_lattice_configuration, S("roleArn"), S("targetGroupArn"), S("portName"));
LIST(vpc_lattice_configurations, &vpc_lattice_configuration);
STRUCTURE(create_service_request, S("cluster"), S("serviceName"), S("taskDefinition"),
	  S("availabilityZoneRebalancing"), M("loadBalancers", &load_balancers),
	  M("serviceRegistries", &service_registries), I("desiredCount"), S("clientToken"),
	  S("launchType"), M("capacityProviderStrategy", &capacity_provider_strategy),
	  S("platformVersion"), S("role"), M("deploymentConfiguration", &deployment_configuration),
	  M("placementConstraints", &placement_constraints),
	  M("placementStrategy", &placement_strategies),
	  M("networkConfiguration", &network_configuration), I("healthCheckGracePeriodSeconds"),
	  S("schedulingStrategy"), M("deploymentController", &deployment_controller),
	  M("tags", &tags), B("enableECSManagedTags"), S("propagateTags"),
	  B("enableExecuteCommand"),
	  M("serviceConnectConfiguration", &service_connect_configuration),
	  M("volumeConfigurations", &service_volume_configurations),
	  M("vpcLatticeConfigurations", &vpc_lattice_configurations));
STRUCTURE(scale, D("value"), S("unit"));
STRUCTURE(deployment_ephemeral_storage, S("kmsKeyId"));
STRUCTURE(task_set, S("id"), S("taskSetArn"), S("serviceArn"), S("clusterArn"), S("startedBy"),
	  S("externalId"), S("status"), S("taskDefinition"), I("computedDesiredCount"),
	  I("pendingCount"), I("runningCount"), T("createdAt"), T("updatedAt"), S("launchType"),
	  M("capacityProviderStrategy", &capacity_provider_strategy), S("platformVersion"),
	  S("platformFamily"), M("networkConfiguration", &network_configuration),
	  M("loadBalancers", &load_balancers), M("serviceRegistries", &service_registries),
	  M("scale", &scale), S("stabilityStatus"), T("stabilityStatusAt"), M("tags", &tags),
	  M("fargateEphemeralStorage", &deployment_ephemeral_storage));
LIST(task_sets, &task_set);
STRUCTURE(service_connect_service_resource, S("discoveryName"), S("discoveryArn"));
LIST(service_connect_service_resource_list, &service_connect_service_resource);
STRUCTURE(deployment, S("id"), S("status"), S("taskDefinition"), I("desiredCount"),
	  I("pendingCount"), I("runningCount"), I("failedTasks"), T("createdAt"), T("updatedAt"),
	  M("capacityProviderStrategy", &capacity_provider_strategy), S("launchType"),
	  S("platformVersion"), S("platformFamily"),
	  M("networkConfiguration", &network_configuration), S("rolloutState"),
	  S("rolloutStateReason"), M("serviceConnectConfiguration", &service_connect_configuration),
	  M("serviceConnectResources", &service_connect_service_resource_list),
	  M("volumeConfigurations", &service_volume_configurations),
	  M("fargateEphemeralStorage", &deployment_ephemeral_storage),
	  M("vpcLatticeConfigurations", &vpc_lattice_configurations));
LIST(deployments, &deployment);
STRUCTURE(event_shape, S("id"), T("createdAt"), S("message"));
LIST(service_events, &event_shape);
STRUCTURE(service_current_revision_summary, S("arn"), I("requestedTaskCount"),
	  I("runningTaskCount"), I("pendingTaskCount"));
LIST(service_current_revision_summary_list, &service_current_revision_summary);
STRUCTURE(service, S("serviceArn"), S("serviceName"), S("clusterArn"),
	  M("loadBalancers", &load_balancers), M("serviceRegistries", &service_registries),
	  S("status"), I("desiredCount"), I("runningCount"), I("pendingCount"), S("launchType"),
	  M("capacityProviderStrategy", &capacity_provider_strategy), S("platformVersion"),
	  S("platformFamily"), S("taskDefinition"),
	  M("deploymentConfiguration", &deployment_configuration), M("taskSets", &task_sets),
	  M("deployments", &deployments), S("roleArn"), M("events", &service_events),
	  T("createdAt"), S("currentServiceDeployment"),
	  M("currentServiceRevisions", &service_current_revision_summary_list),
	  M("placementConstraints", &placement_constraints),
	  M("placementStrategy", &placement_strategies),
	  M("networkConfiguration", &network_configuration), I("healthCheckGracePeriodSeconds"),
	  S("schedulingStrategy"), M("deploymentController", &deployment_controller),
	  M("tags", &tags), S("createdBy"), B("enableECSManagedTags"), S("propagateTags"),
	  B("enableExecuteCommand"), S("availabilityZoneRebalancing"), S("resourceManagementType"));
STRUCTURE(create_service_response, M("service", &service));
STRUCTURE(update_service_request, S("cluster"), S("service"), I("desiredCount"),
	  S("taskDefinition"), M("capacityProviderStrategy", &capacity_provider_strategy),
	  M("deploymentConfiguration", &deployment_configuration), S("availabilityZoneRebalancing"),
	  M("networkConfiguration", &network_configuration),
	  M("placementConstraints", &placement_constraints),
	  M("placementStrategy", &placement_strategies), S("platformVersion"),
	  B("forceNewDeployment"), I("healthCheckGracePeriodSeconds"),
	  M("deploymentController", &deployment_controller), B("enableExecuteCommand"),
	  B("enableECSManagedTags"), M("loadBalancers", &load_balancers), S("propagateTags"),
	  M("serviceRegistries", &service_registries),
	  M("serviceConnectConfiguration", &service_connect_configuration),
	  M("volumeConfigurations", &service_volume_configurations),
	  M("vpcLatticeConfigurations", &vpc_lattice_configurations));
STRUCTURE(update_service_response, M("service", &service));
STRUCTURE(delete_service_request, S("cluster"), S("service"), B("force"));
STRUCTURE(delete_service_response, M("service", &service));
STRUCTURE(describe_services_request, S("cluster"), M("services", &strings), M("include", &strings));
LIST(services, &service);
STRUCTURE(describe_services_response, M("services", &services), M("failures", &failures));
STRUCTURE(list_services_request, S("cluster"), S("nextToken"), I("maxResults"), S("launchType"),
	  S("schedulingStrategy"), S("resourceManagementType"));
STRUCTURE(list_services_response, M("serviceArns", &strings), S("nextToken"));
STRUCTURE(container_override, S("name"), M("command", &strings),
	  M("environment", &environment_variables), M("environmentFiles", &environment_files),
	  I("cpu"), I("memory"), I("memoryReservation"),
	  M("resourceRequirements", &resource_requirements));
LIST(container_overrides, &container_override);
STRUCTURE(inference_accelerator_override, S("deviceName"), S("deviceType"));
LIST(inference_accelerator_overrides, &inference_accelerator_override);
STRUCTURE(task_override, M("containerOverrides", &container_overrides), S("cpu"),
	  M("inferenceAcceleratorOverrides", &inference_accelerator_overrides),
	  S("executionRoleArn"), S("memory"), S("taskRoleArn"),
	  M("ephemeralStorage", &ephemeral_storage));
STRUCTURE(task_managed_ebsvolume_termination_policy, B("deleteOnTermination"));
STRUCTURE(task_managed_ebsvolume_configuration, B("encrypted"), S("kmsKeyId"), S("volumeType"),
	  I("sizeInGiB"), S("snapshotId"), I("volumeInitializationRate"), I("iops"),
	  I("throughput"), M("tagSpecifications", &ebstag_specifications), S("roleArn"),
	  M("terminationPolicy", &task_managed_ebsvolume_termination_policy), S("filesystemType"));
STRUCTURE(task_volume_configuration, S("name"),
	  M("managedEBSVolume", &task_managed_ebsvolume_configuration));
LIST(task_volume_configurations, &task_volume_configuration);
STRUCTURE(run_task_request, M("capacityProviderStrategy", &capacity_provider_strategy),
	  S("cluster"), I("count"), B("enableECSManagedTags"), B("enableExecuteCommand"),
	  S("group"), S("launchType"), M("networkConfiguration", &network_configuration),
	  M("overrides", &task_override), M("placementConstraints", &placement_constraints),
	  M("placementStrategy", &placement_strategies), S("platformVersion"), S("propagateTags"),
	  S("referenceId"), S("startedBy"), M("tags", &tags), S("taskDefinition"), S("clientToken"),
	  M("volumeConfigurations", &task_volume_configurations));
LIST(attributes, &attribute);
STRUCTURE(network_binding, S("bindIP"), I("containerPort"), I("hostPort"), S("protocol"),
	  S("containerPortRange"), S("hostPortRange"));
LIST(network_bindings, &network_binding);
STRUCTURE(network_interface, S("attachmentId"), S("privateIpv4Address"), S("ipv6Address"));
LIST(network_interfaces, &network_interface);
STRUCTURE(managed_agent, T("lastStartedAt"), S("name"), S("reason"), S("lastStatus"));
LIST(managed_agents, &managed_agent);
STRUCTURE(container, S("containerArn"), S("taskArn"), S("name"), S("image"), S("imageDigest"),
	  S("runtimeId"), S("lastStatus"), I("exitCode"), S("reason"),
	  M("networkBindings", &network_bindings), M("networkInterfaces", &network_interfaces),
	  S("healthStatus"), M("managedAgents", &managed_agents), S("cpu"), S("memory"),
	  S("memoryReservation"), M("gpuIds", &strings));
LIST(containers, &container);
STRUCTURE(task_ephemeral_storage, I("sizeInGiB"), S("kmsKeyId"));
STRUCTURE(task, M("attachments", &attachments), M("attributes", &attributes), S("availabilityZone"),
	  S("capacityProviderName"), S("clusterArn"), S("connectivity"), T("connectivityAt"),
	  S("containerInstanceArn"), M("containers", &containers), S("cpu"), T("createdAt"),
	  S("desiredStatus"), B("enableExecuteCommand"), T("executionStoppedAt"), S("group"),
	  S("healthStatus"), M("inferenceAccelerators", &inference_accelerators), S("lastStatus"),
	  S("launchType"), S("memory"), M("overrides", &task_override), S("platformVersion"),
	  S("platformFamily"), T("pullStartedAt"), T("pullStoppedAt"), T("startedAt"),
	  S("startedBy"), S("stopCode"), T("stoppedAt"), S("stoppedReason"), T("stoppingAt"),
	  M("tags", &tags), S("taskArn"), S("taskDefinitionArn"), I("version"),
	  M("ephemeralStorage", &ephemeral_storage),
	  M("fargateEphemeralStorage", &task_ephemeral_storage));
LIST(tasks, &task);
STRUCTURE(run_task_response, M("tasks", &tasks), M("failures", &failures));
STRUCTURE(start_task_request, S("cluster"), M("containerInstances", &strings),
	  B("enableECSManagedTags"), B("enableExecuteCommand"), S("group"),
	  M("networkConfiguration", &network_configuration), M("overrides", &task_override),
	  S("propagateTags"), S("referenceId"), S("startedBy"), M("tags", &tags),
	  S("taskDefinition"), M("volumeConfigurations", &task_volume_configurations));
STRUCTURE(start_task_response, M("tasks", &tasks), M("failures", &failures));
STRUCTURE(stop_task_request, S("cluster"), S("task"), S("reason"));
STRUCTURE(stop_task_response, M("task", &task));
STRUCTURE(describe_tasks_request, S("cluster"), M("tasks", &strings), M("include", &strings));
STRUCTURE(describe_tasks_response, M("tasks", &tasks), M("failures", &failures));
STRUCTURE(list_tasks_request, S("cluster"), S("containerInstance"), S("family"), S("nextToken"),
	  I("maxResults"), S("startedBy"), S("serviceName"), S("desiredStatus"), S("launchType"),
	  S("daemonName"));
STRUCTURE(list_tasks_response, M("taskArns", &strings), S("nextToken"));
STRUCTURE(execute_command_request, S("cluster"), S("container"), S("command"), B("interactive"),
	  S("task"));
STRUCTURE(session, S("sessionId"), S("streamUrl"), S("tokenValue"));
STRUCTURE(execute_command_response, S("clusterArn"), S("containerArn"), S("containerName"),
	  B("interactive"), M("session", &session), S("taskArn"));
STRUCTURE(list_container_instances_request, S("cluster"), S("filter"), S("nextToken"),
	  I("maxResults"), S("status"));
STRUCTURE(list_container_instances_response, M("containerInstanceArns", &strings), S("nextToken"));
STRUCTURE(describe_container_instances_request, S("cluster"), M("containerInstances", &strings),
	  M("include", &strings));
STRUCTURE(version_info, S("agentVersion"), S("agentHash"), S("dockerVersion"));
STRUCTURE(resource, S("name"), S("type"), D("doubleValue"), I("longValue"), I("integerValue"),
	  M("stringSetValue", &strings));
LIST(resources, &resource);
STRUCTURE(instance_health_check_result, S("type"), S("status"), S("statusReason"), T("lastUpdated"),
	  T("lastStatusChange"));
LIST(instance_health_check_result_list, &instance_health_check_result);
STRUCTURE(container_instance_health_status, S("overallStatus"),
	  M("details", &instance_health_check_result_list));
STRUCTURE(container_instance, S("containerInstanceArn"), S("ec2InstanceId"),
	  S("capacityProviderName"), I("version"), M("versionInfo", &version_info),
	  M("remainingResources", &resources), M("registeredResources", &resources), S("status"),
	  S("statusReason"), B("agentConnected"), I("runningTasksCount"), I("pendingTasksCount"),
	  S("agentUpdateStatus"), M("attributes", &attributes), T("registeredAt"),
	  M("attachments", &attachments), M("tags", &tags),
	  M("healthStatus", &container_instance_health_status));
LIST(container_instances, &container_instance);
STRUCTURE(describe_container_instances_response, M("containerInstances", &container_instances),
	  M("failures", &failures));
STRUCTURE(tag_resource_request, S("resourceArn"), M("tags", &tags));
STRUCTURE(untag_resource_request, S("resourceArn"), M("tagKeys", &strings));
STRUCTURE(list_tags_for_resource_request, S("resourceArn"));
STRUCTURE(list_tags_for_resource_response, M("tags", &tags));

#define OPERATION(name_, effect_, input_, output_, handle_)                    \
	{                                                                      \
		ROW_OPERATION("ecs", name_, effect_, input_, output_, handle_) \
	}

const struct api_operation ecs_operations[] = {
	OPERATION("CreateCluster", API_WRITES, &create_cluster_request, &create_cluster_response,
		  ecs_create_cluster),
	OPERATION("DescribeClusters", API_READS, &describe_clusters_request,
		  &describe_clusters_response, ecs_describe_clusters),
	OPERATION("ListClusters", API_READS, &list_clusters_request, &list_clusters_response,
		  ecs_list_clusters),
	OPERATION("UpdateCluster", API_WRITES, &update_cluster_request, &update_cluster_response,
		  ecs_update_cluster),
	OPERATION("UpdateClusterSettings", API_WRITES, &update_cluster_settings_request,
		  &update_cluster_settings_response, ecs_update_cluster_settings),
	OPERATION("PutClusterCapacityProviders", API_WRITES,
		  &put_cluster_capacity_providers_request, &put_cluster_capacity_providers_response,
		  ecs_put_cluster_capacity_providers),
	OPERATION("DeleteCluster", API_WRITES, &delete_cluster_request, &delete_cluster_response,
		  ecs_delete_cluster),
	OPERATION("DescribeCapacityProviders", API_READS, &describe_capacity_providers_request,
		  &describe_capacity_providers_response, ecs_describe_capacity_providers),
	OPERATION("RegisterTaskDefinition", API_WRITES, &register_task_definition_request,
		  &register_task_definition_response, ecs_register_task_definition),
	OPERATION("DescribeTaskDefinition", API_READS, &describe_task_definition_request,
		  &describe_task_definition_response, ecs_describe_task_definition),
	OPERATION("DeregisterTaskDefinition", API_WRITES, &deregister_task_definition_request,
		  &deregister_task_definition_response, ecs_deregister_task_definition),
	OPERATION("DeleteTaskDefinitions", API_WRITES, &delete_task_definitions_request,
		  &delete_task_definitions_response, ecs_delete_task_definitions),
	OPERATION("ListTaskDefinitions", API_READS, &list_task_definitions_request,
		  &list_task_definitions_response, ecs_list_task_definitions),
	OPERATION("ListTaskDefinitionFamilies", API_READS, &list_task_definition_families_request,
		  &list_task_definition_families_response, ecs_list_task_definition_families),
	OPERATION("CreateService", API_WRITES, &create_service_request, &create_service_response,
		  ecs_create_service),
	OPERATION("UpdateService", API_WRITES, &update_service_request, &update_service_response,
		  ecs_update_service),
	OPERATION("DeleteService", API_WRITES, &delete_service_request, &delete_service_response,
		  ecs_delete_service),
	OPERATION("DescribeServices", API_READS, &describe_services_request,
		  &describe_services_response, ecs_describe_services),
	OPERATION("ListServices", API_READS, &list_services_request, &list_services_response,
		  ecs_list_services),
	OPERATION("RunTask", API_WRITES, &run_task_request, &run_task_response, ecs_run_task),
	OPERATION("StartTask", API_WRITES, &start_task_request, &start_task_response,
		  ecs_start_task),
	OPERATION("StopTask", API_WRITES, &stop_task_request, &stop_task_response, ecs_stop_task),
	OPERATION("DescribeTasks", API_READS, &describe_tasks_request, &describe_tasks_response,
		  ecs_describe_tasks),
	OPERATION("ListTasks", API_READS, &list_tasks_request, &list_tasks_response,
		  ecs_list_tasks),
	{
		.name = "ExecuteCommand",
		.permission = "ecs:ExecuteCommand",
		.effect = API_WRITES,
		.input = &execute_command_request,
		.output = &execute_command_response,
		.refusal = "tasks are processes of this machine",
		.handle = ecs_execute_command,
	},
	OPERATION("ListContainerInstances", API_READS, &list_container_instances_request,
		  &list_container_instances_response, ecs_list_container_instances),
	OPERATION("DescribeContainerInstances", API_READS, &describe_container_instances_request,
		  &describe_container_instances_response, ecs_describe_container_instances),
	OPERATION("TagResource", API_WRITES, &tag_resource_request, &api_shape_none,
		  ecs_tag_resource),
	OPERATION("UntagResource", API_WRITES, &untag_resource_request, &api_shape_none,
		  ecs_untag_resource),
	OPERATION("ListTagsForResource", API_READS, &list_tags_for_resource_request,
		  &list_tags_for_resource_response, ecs_list_tags_for_resource),
};
const size_t ecs_operation_count = COUNT(ecs_operations);
