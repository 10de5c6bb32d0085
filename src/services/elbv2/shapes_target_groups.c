/* Shapes of target groups, targets and their health. */
#include "services/elbv2/shapes.h"

static STRING(path, 1, 1024, NULL);

static INTEGER(health_check_interval_seconds, 5, 300);

static INTEGER(health_check_timeout_seconds, 2, 120);

static INTEGER(health_check_threshold_count, 2, 10);

static STRUCTURE(matcher, M("HttpCode", &api_string), M("GrpcCode", &api_string));

static ENUM(target_type_enum, "instance", "ip", "lambda", "alb");

static ENUM(target_group_ip_address_type_enum, "ipv4", "ipv6");

static INTEGER(target_control_port, 1, 65535);

STRUCTURE(elbv2_create_target_group_input, R("Name", &api_string),
	  M("Protocol", &elbv2_protocol_enum), M("ProtocolVersion", &api_string),
	  M("Port", &elbv2_port), M("VpcId", &api_string),
	  M("HealthCheckProtocol", &elbv2_protocol_enum), M("HealthCheckPort", &api_string),
	  M("HealthCheckEnabled", &api_boolean), M("HealthCheckPath", &path),
	  M("HealthCheckIntervalSeconds", &health_check_interval_seconds),
	  M("HealthCheckTimeoutSeconds", &health_check_timeout_seconds),
	  M("HealthyThresholdCount", &health_check_threshold_count),
	  M("UnhealthyThresholdCount", &health_check_threshold_count), M("Matcher", &matcher),
	  M("TargetType", &target_type_enum), M("Tags", &elbv2_tag_list),
	  M("IpAddressType", &target_group_ip_address_type_enum),
	  M("TargetControlPort", &target_control_port));

static STRUCTURE(target_group, M("TargetGroupArn", &api_string), M("TargetGroupName", &api_string),
		 M("Protocol", &elbv2_protocol_enum), M("Port", &elbv2_port),
		 M("VpcId", &api_string), M("HealthCheckProtocol", &elbv2_protocol_enum),
		 M("HealthCheckPort", &api_string), M("HealthCheckEnabled", &api_boolean),
		 M("HealthCheckIntervalSeconds", &health_check_interval_seconds),
		 M("HealthCheckTimeoutSeconds", &health_check_timeout_seconds),
		 M("HealthyThresholdCount", &health_check_threshold_count),
		 M("UnhealthyThresholdCount", &health_check_threshold_count),
		 M("HealthCheckPath", &path), M("Matcher", &matcher),
		 M("LoadBalancerArns", &elbv2_load_balancer_arns),
		 M("TargetType", &target_type_enum), M("ProtocolVersion", &api_string),
		 M("IpAddressType", &target_group_ip_address_type_enum),
		 M("TargetControlPort", &target_control_port));

static LIST(target_groups, &target_group);

STRUCTURE(elbv2_create_target_group_output, M("TargetGroups", &target_groups));

STRUCTURE(elbv2_delete_target_group_input, R("TargetGroupArn", &api_string));

static STRING(quic_server_id, 1, 256, NULL);

static STRUCTURE(target_description, R("Id", &api_string), M("Port", &elbv2_port),
		 M("AvailabilityZone", &api_string), M("QuicServerId", &quic_server_id));

static LIST(target_descriptions, &target_description);

STRUCTURE(elbv2_deregister_targets_input, R("TargetGroupArn", &api_string),
	  R("Targets", &target_descriptions));

STRUCTURE(elbv2_describe_target_group_attributes_input, R("TargetGroupArn", &api_string));

STRUCTURE(elbv2_describe_target_group_attributes_output,
	  M("Attributes", &elbv2_target_group_attributes));

static LIST(target_group_arns, &api_string);

static LIST(target_group_names, &api_string);

STRUCTURE(elbv2_describe_target_groups_input, M("LoadBalancerArn", &api_string),
	  M("TargetGroupArns", &target_group_arns), M("Names", &target_group_names),
	  M("Marker", &api_string), M("PageSize", &elbv2_page_size));

STRUCTURE(elbv2_describe_target_groups_output, M("TargetGroups", &target_groups),
	  M("NextMarker", &api_string));

static ENUM(describe_target_health_input_include_enum, "AnomalyDetection", "All");

static LIST(list_of_describe_target_health_include_options,
	    &describe_target_health_input_include_enum);

STRUCTURE(elbv2_describe_target_health_input, R("TargetGroupArn", &api_string),
	  M("Targets", &target_descriptions),
	  M("Include", &list_of_describe_target_health_include_options));

static ENUM(target_health_state_enum, "initial", "healthy", "unhealthy", "unhealthy.draining",
	    "unused", "draining", "unavailable");

static ENUM(target_health_reason_enum, "Elb.RegistrationInProgress", "Elb.InitialHealthChecking",
	    "Target.ResponseCodeMismatch", "Target.Timeout", "Target.FailedHealthChecks",
	    "Target.NotRegistered", "Target.NotInUse", "Target.DeregistrationInProgress",
	    "Target.InvalidState", "Target.IpUnusable", "Target.HealthCheckDisabled",
	    "Elb.InternalError");

static STRUCTURE(target_health, M("State", &target_health_state_enum),
		 M("Reason", &target_health_reason_enum), M("Description", &api_string));

static ENUM(anomaly_result_enum, "anomalous", "normal");

static ENUM(mitigation_in_effect_enum, "yes", "no");

static STRUCTURE(anomaly_detection, M("Result", &anomaly_result_enum),
		 M("MitigationInEffect", &mitigation_in_effect_enum));

static ENUM(target_administrative_override_state_enum, "unknown", "no_override",
	    "zonal_shift_active", "zonal_shift_delegated_to_dns");

static ENUM(target_administrative_override_reason_enum, "AdministrativeOverride.Unknown",
	    "AdministrativeOverride.NoOverride", "AdministrativeOverride.ZonalShiftActive",
	    "AdministrativeOverride.ZonalShiftDelegatedToDns");

static STRUCTURE(administrative_override, M("State", &target_administrative_override_state_enum),
		 M("Reason", &target_administrative_override_reason_enum),
		 M("Description", &api_string));

static STRUCTURE(target_health_description, M("Target", &target_description),
		 M("HealthCheckPort", &api_string), M("TargetHealth", &target_health),
		 M("AnomalyDetection", &anomaly_detection),
		 M("AdministrativeOverride", &administrative_override));

static LIST(target_health_descriptions, &target_health_description);

STRUCTURE(elbv2_describe_target_health_output,
	  M("TargetHealthDescriptions", &target_health_descriptions));

STRUCTURE(elbv2_modify_target_group_input, R("TargetGroupArn", &api_string),
	  M("HealthCheckProtocol", &elbv2_protocol_enum), M("HealthCheckPort", &api_string),
	  M("HealthCheckPath", &path), M("HealthCheckEnabled", &api_boolean),
	  M("HealthCheckIntervalSeconds", &health_check_interval_seconds),
	  M("HealthCheckTimeoutSeconds", &health_check_timeout_seconds),
	  M("HealthyThresholdCount", &health_check_threshold_count),
	  M("UnhealthyThresholdCount", &health_check_threshold_count), M("Matcher", &matcher));

STRUCTURE(elbv2_modify_target_group_output, M("TargetGroups", &target_groups));

STRUCTURE(elbv2_modify_target_group_attributes_input, R("TargetGroupArn", &api_string),
	  R("Attributes", &elbv2_target_group_attributes));

STRUCTURE(elbv2_modify_target_group_attributes_output,
	  M("Attributes", &elbv2_target_group_attributes));

STRUCTURE(elbv2_register_targets_input, R("TargetGroupArn", &api_string),
	  R("Targets", &target_descriptions));
