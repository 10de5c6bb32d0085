/* Shapes of target groups, targets and their health. */
#include "services/elbv2/shapes.h"

static STRING(path, 1, 1024, NULL);

static INTEGER(health_check_interval_seconds, 5, 300);

static INTEGER(health_check_timeout_seconds, 2, 120);

static INTEGER(health_check_threshold_count, 2, 10);

static STRUCTURE(matcher, MAY("HttpCode", &api_string), MAY("GrpcCode", &api_string));

static ENUM(target_type_enum, "instance", "ip", "lambda", "alb");

static ENUM(target_group_ip_address_type_enum, "ipv4", "ipv6");

static INTEGER(target_control_port, 1, 65535);

STRUCTURE(elbv2_create_target_group_input, NEEDS("Name", &api_string),
	  MAY("Protocol", &elbv2_protocol_enum), MAY("ProtocolVersion", &api_string),
	  MAY("Port", &elbv2_port), MAY("VpcId", &api_string),
	  MAY("HealthCheckProtocol", &elbv2_protocol_enum), MAY("HealthCheckPort", &api_string),
	  MAY("HealthCheckEnabled", &api_boolean), MAY("HealthCheckPath", &path),
	  MAY("HealthCheckIntervalSeconds", &health_check_interval_seconds),
	  MAY("HealthCheckTimeoutSeconds", &health_check_timeout_seconds),
	  MAY("HealthyThresholdCount", &health_check_threshold_count),
	  MAY("UnhealthyThresholdCount", &health_check_threshold_count), MAY("Matcher", &matcher),
	  MAY("TargetType", &target_type_enum), MAY("Tags", &elbv2_tag_list),
	  MAY("IpAddressType", &target_group_ip_address_type_enum),
	  MAY("TargetControlPort", &target_control_port));

static STRUCTURE(target_group, MAY("TargetGroupArn", &api_string),
		 MAY("TargetGroupName", &api_string), MAY("Protocol", &elbv2_protocol_enum),
		 MAY("Port", &elbv2_port), MAY("VpcId", &api_string),
		 MAY("HealthCheckProtocol", &elbv2_protocol_enum),
		 MAY("HealthCheckPort", &api_string), MAY("HealthCheckEnabled", &api_boolean),
		 MAY("HealthCheckIntervalSeconds", &health_check_interval_seconds),
		 MAY("HealthCheckTimeoutSeconds", &health_check_timeout_seconds),
		 MAY("HealthyThresholdCount", &health_check_threshold_count),
		 MAY("UnhealthyThresholdCount", &health_check_threshold_count),
		 MAY("HealthCheckPath", &path), MAY("Matcher", &matcher),
		 MAY("LoadBalancerArns", &elbv2_load_balancer_arns),
		 MAY("TargetType", &target_type_enum), MAY("ProtocolVersion", &api_string),
		 MAY("IpAddressType", &target_group_ip_address_type_enum),
		 MAY("TargetControlPort", &target_control_port));

static LIST(target_groups, &target_group, 0, 0);

STRUCTURE(elbv2_create_target_group_output, MAY("TargetGroups", &target_groups));

STRUCTURE(elbv2_delete_target_group_input, NEEDS("TargetGroupArn", &api_string));

static STRING(quic_server_id, 1, 256, NULL);

static STRUCTURE(target_description, NEEDS("Id", &api_string), MAY("Port", &elbv2_port),
		 MAY("AvailabilityZone", &api_string), MAY("QuicServerId", &quic_server_id));

static LIST(target_descriptions, &target_description, 0, 0);

STRUCTURE(elbv2_deregister_targets_input, NEEDS("TargetGroupArn", &api_string),
	  NEEDS("Targets", &target_descriptions));

STRUCTURE(elbv2_describe_target_group_attributes_input, NEEDS("TargetGroupArn", &api_string));

STRUCTURE(elbv2_describe_target_group_attributes_output,
	  MAY("Attributes", &elbv2_target_group_attributes));

static LIST(target_group_arns, &api_string, 0, 0);

static LIST(target_group_names, &api_string, 0, 0);

STRUCTURE(elbv2_describe_target_groups_input, MAY("LoadBalancerArn", &api_string),
	  MAY("TargetGroupArns", &target_group_arns), MAY("Names", &target_group_names),
	  MAY("Marker", &api_string), MAY("PageSize", &elbv2_page_size));

STRUCTURE(elbv2_describe_target_groups_output, MAY("TargetGroups", &target_groups),
	  MAY("NextMarker", &api_string));

static ENUM(describe_target_health_input_include_enum, "AnomalyDetection", "All");

static LIST(list_of_describe_target_health_include_options,
	    &describe_target_health_input_include_enum, 0, 0);

STRUCTURE(elbv2_describe_target_health_input, NEEDS("TargetGroupArn", &api_string),
	  MAY("Targets", &target_descriptions),
	  MAY("Include", &list_of_describe_target_health_include_options));

static ENUM(target_health_state_enum, "initial", "healthy", "unhealthy", "unhealthy.draining",
	    "unused", "draining", "unavailable");

static ENUM(target_health_reason_enum, "Elb.RegistrationInProgress", "Elb.InitialHealthChecking",
	    "Target.ResponseCodeMismatch", "Target.Timeout", "Target.FailedHealthChecks",
	    "Target.NotRegistered", "Target.NotInUse", "Target.DeregistrationInProgress",
	    "Target.InvalidState", "Target.IpUnusable", "Target.HealthCheckDisabled",
	    "Elb.InternalError");

static STRUCTURE(target_health, MAY("State", &target_health_state_enum),
		 MAY("Reason", &target_health_reason_enum), MAY("Description", &api_string));

static ENUM(anomaly_result_enum, "anomalous", "normal");

static ENUM(mitigation_in_effect_enum, "yes", "no");

static STRUCTURE(anomaly_detection, MAY("Result", &anomaly_result_enum),
		 MAY("MitigationInEffect", &mitigation_in_effect_enum));

static ENUM(target_administrative_override_state_enum, "unknown", "no_override",
	    "zonal_shift_active", "zonal_shift_delegated_to_dns");

static ENUM(target_administrative_override_reason_enum, "AdministrativeOverride.Unknown",
	    "AdministrativeOverride.NoOverride", "AdministrativeOverride.ZonalShiftActive",
	    "AdministrativeOverride.ZonalShiftDelegatedToDns");

static STRUCTURE(administrative_override, MAY("State", &target_administrative_override_state_enum),
		 MAY("Reason", &target_administrative_override_reason_enum),
		 MAY("Description", &api_string));

static STRUCTURE(target_health_description, MAY("Target", &target_description),
		 MAY("HealthCheckPort", &api_string), MAY("TargetHealth", &target_health),
		 MAY("AnomalyDetection", &anomaly_detection),
		 MAY("AdministrativeOverride", &administrative_override));

static LIST(target_health_descriptions, &target_health_description, 0, 0);

STRUCTURE(elbv2_describe_target_health_output,
	  MAY("TargetHealthDescriptions", &target_health_descriptions));

STRUCTURE(elbv2_modify_target_group_input, NEEDS("TargetGroupArn", &api_string),
	  MAY("HealthCheckProtocol", &elbv2_protocol_enum), MAY("HealthCheckPort", &api_string),
	  MAY("HealthCheckPath", &path), MAY("HealthCheckEnabled", &api_boolean),
	  MAY("HealthCheckIntervalSeconds", &health_check_interval_seconds),
	  MAY("HealthCheckTimeoutSeconds", &health_check_timeout_seconds),
	  MAY("HealthyThresholdCount", &health_check_threshold_count),
	  MAY("UnhealthyThresholdCount", &health_check_threshold_count), MAY("Matcher", &matcher));

STRUCTURE(elbv2_modify_target_group_output, MAY("TargetGroups", &target_groups));

STRUCTURE(elbv2_modify_target_group_attributes_input, NEEDS("TargetGroupArn", &api_string),
	  NEEDS("Attributes", &elbv2_target_group_attributes));

STRUCTURE(elbv2_modify_target_group_attributes_output,
	  MAY("Attributes", &elbv2_target_group_attributes));

STRUCTURE(elbv2_register_targets_input, NEEDS("TargetGroupArn", &api_string),
	  NEEDS("Targets", &target_descriptions));
