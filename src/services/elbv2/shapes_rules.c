/* Shapes of rules: conditions, actions, transforms. */
#include "services/elbv2/shapes.h"

static ENUM(action_type_enum, "forward", "authenticate-oidc", "authenticate-cognito", "redirect",
	    "fixed-response", "jwt-validation");

static MAP(authenticate_oidc_action_authentication_request_extra_params, &api_string);

static ENUM(authenticate_oidc_action_conditional_behavior_enum, "deny", "allow", "authenticate");

static STRUCTURE(authenticate_oidc_action_config, NEEDS("Issuer", &api_string),
		 NEEDS("AuthorizationEndpoint", &api_string), NEEDS("TokenEndpoint", &api_string),
		 NEEDS("UserInfoEndpoint", &api_string), NEEDS("ClientId", &api_string),
		 MAY("ClientSecret", &api_string), MAY("SessionCookieName", &api_string),
		 MAY("Scope", &api_string), MAY("SessionTimeout", &api_integer),
		 MAY("AuthenticationRequestExtraParams",
		     &authenticate_oidc_action_authentication_request_extra_params),
		 MAY("OnUnauthenticatedRequest",
		     &authenticate_oidc_action_conditional_behavior_enum),
		 MAY("UseExistingClientSecret", &api_boolean));

static MAP(authenticate_cognito_action_authentication_request_extra_params, &api_string);

static ENUM(authenticate_cognito_action_conditional_behavior_enum, "deny", "allow", "authenticate");

static STRUCTURE(authenticate_cognito_action_config, NEEDS("UserPoolArn", &api_string),
		 NEEDS("UserPoolClientId", &api_string), NEEDS("UserPoolDomain", &api_string),
		 MAY("SessionCookieName", &api_string), MAY("Scope", &api_string),
		 MAY("SessionTimeout", &api_integer),
		 MAY("AuthenticationRequestExtraParams",
		     &authenticate_cognito_action_authentication_request_extra_params),
		 MAY("OnUnauthenticatedRequest",
		     &authenticate_cognito_action_conditional_behavior_enum));

static INTEGER(action_order, 1, 50000);

static STRING(redirect_action_host, 1, 128, NULL);

static STRUCTURE(redirect_action_config, MAY("Protocol", &api_string), MAY("Port", &api_string),
		 MAY("Host", &redirect_action_host), MAY("Path", &api_string),
		 MAY("Query", &api_string), NEEDS("StatusCode", &api_string));

static STRING(fixed_response_action_message, 0, 1024, NULL);

static STRUCTURE(fixed_response_action_config, MAY("MessageBody", &fixed_response_action_message),
		 NEEDS("StatusCode", &api_string), MAY("ContentType", &api_string));

static STRUCTURE(target_group_tuple, MAY("TargetGroupArn", &api_string),
		 MAY("Weight", &api_integer));

static LIST(target_group_list, &target_group_tuple, 0, 0);

static STRUCTURE(target_group_stickiness_config, MAY("Enabled", &api_boolean),
		 MAY("DurationSeconds", &api_integer));

static STRUCTURE(forward_action_config, MAY("TargetGroups", &target_group_list),
		 MAY("TargetGroupStickinessConfig", &target_group_stickiness_config));

static ENUM(jwt_validation_action_additional_claim_format_enum, "single-string", "string-array",
	    "space-separated-values");

static LIST(jwt_validation_action_additional_claim_values, &api_string, 0, 0);

static STRUCTURE(jwt_validation_action_additional_claim,
		 NEEDS("Format", &jwt_validation_action_additional_claim_format_enum),
		 NEEDS("Name", &api_string),
		 NEEDS("Values", &jwt_validation_action_additional_claim_values));

static LIST(jwt_validation_action_additional_claims, &jwt_validation_action_additional_claim, 0, 0);

static STRUCTURE(jwt_validation_action_config, NEEDS("JwksEndpoint", &api_string),
		 NEEDS("Issuer", &api_string),
		 MAY("AdditionalClaims", &jwt_validation_action_additional_claims));

static STRUCTURE(action, NEEDS("Type", &action_type_enum), MAY("TargetGroupArn", &api_string),
		 MAY("AuthenticateOidcConfig", &authenticate_oidc_action_config),
		 MAY("AuthenticateCognitoConfig", &authenticate_cognito_action_config),
		 MAY("Order", &action_order), MAY("RedirectConfig", &redirect_action_config),
		 MAY("FixedResponseConfig", &fixed_response_action_config),
		 MAY("ForwardConfig", &forward_action_config),
		 MAY("JwtValidationConfig", &jwt_validation_action_config));

LIST(elbv2_actions, &action, 0, 0);

static STRUCTURE(host_header_condition_config, MAY("Values", &elbv2_list_of_string),
		 MAY("RegexValues", &elbv2_list_of_string));

static STRUCTURE(path_pattern_condition_config, MAY("Values", &elbv2_list_of_string),
		 MAY("RegexValues", &elbv2_list_of_string));

static STRUCTURE(http_header_condition_config, MAY("HttpHeaderName", &api_string),
		 MAY("Values", &elbv2_list_of_string), MAY("RegexValues", &elbv2_list_of_string));

static STRUCTURE(query_string_key_value_pair, MAY("Key", &api_string), MAY("Value", &api_string));

static LIST(query_string_key_value_pair_list, &query_string_key_value_pair, 0, 0);

static STRUCTURE(query_string_condition_config, MAY("Values", &query_string_key_value_pair_list));

static STRUCTURE(http_request_method_condition_config, MAY("Values", &elbv2_list_of_string));

static STRUCTURE(source_ip_condition_config, MAY("Values", &elbv2_list_of_string));

static STRUCTURE(rule_condition, MAY("Field", &api_string), MAY("Values", &elbv2_list_of_string),
		 MAY("HostHeaderConfig", &host_header_condition_config),
		 MAY("PathPatternConfig", &path_pattern_condition_config),
		 MAY("HttpHeaderConfig", &http_header_condition_config),
		 MAY("QueryStringConfig", &query_string_condition_config),
		 MAY("HttpRequestMethodConfig", &http_request_method_condition_config),
		 MAY("SourceIpConfig", &source_ip_condition_config),
		 MAY("RegexValues", &elbv2_list_of_string));

static LIST(rule_condition_list, &rule_condition, 0, 0);

static INTEGER(rule_priority, 1, 50000);

static ENUM(transform_type_enum, "host-header-rewrite", "url-rewrite");

static STRUCTURE(rewrite_config, NEEDS("Regex", &api_string), NEEDS("Replace", &api_string));

static LIST(rewrite_config_list, &rewrite_config, 0, 0);

static STRUCTURE(host_header_rewrite_config, MAY("Rewrites", &rewrite_config_list));

static STRUCTURE(url_rewrite_config, MAY("Rewrites", &rewrite_config_list));

static STRUCTURE(rule_transform, NEEDS("Type", &transform_type_enum),
		 MAY("HostHeaderRewriteConfig", &host_header_rewrite_config),
		 MAY("UrlRewriteConfig", &url_rewrite_config));

static LIST(rule_transform_list, &rule_transform, 0, 0);

STRUCTURE(elbv2_create_rule_input, NEEDS("ListenerArn", &api_string),
	  NEEDS("Conditions", &rule_condition_list), NEEDS("Priority", &rule_priority),
	  NEEDS("Actions", &elbv2_actions), MAY("Tags", &elbv2_tag_list),
	  MAY("Transforms", &rule_transform_list));

static STRUCTURE(rule, MAY("RuleArn", &api_string), MAY("Priority", &api_string),
		 MAY("Conditions", &rule_condition_list), MAY("Actions", &elbv2_actions),
		 MAY("IsDefault", &api_boolean), MAY("Transforms", &rule_transform_list));

static LIST(rules, &rule, 0, 0);

STRUCTURE(elbv2_create_rule_output, MAY("Rules", &rules));

STRUCTURE(elbv2_delete_rule_input, NEEDS("RuleArn", &api_string));

static LIST(rule_arns, &api_string, 0, 0);

STRUCTURE(elbv2_describe_rules_input, MAY("ListenerArn", &api_string), MAY("RuleArns", &rule_arns),
	  MAY("Marker", &api_string), MAY("PageSize", &elbv2_page_size));

STRUCTURE(elbv2_describe_rules_output, MAY("Rules", &rules), MAY("NextMarker", &api_string));

STRUCTURE(elbv2_modify_rule_input, NEEDS("RuleArn", &api_string),
	  MAY("Conditions", &rule_condition_list), MAY("Actions", &elbv2_actions),
	  MAY("Transforms", &rule_transform_list), MAY("ResetTransforms", &api_boolean));

STRUCTURE(elbv2_modify_rule_output, MAY("Rules", &rules));

static STRUCTURE(rule_priority_pair, MAY("RuleArn", &api_string), MAY("Priority", &rule_priority));

static LIST(rule_priority_list, &rule_priority_pair, 0, 0);

STRUCTURE(elbv2_set_rule_priorities_input, NEEDS("RulePriorities", &rule_priority_list));

STRUCTURE(elbv2_set_rule_priorities_output, MAY("Rules", &rules));
