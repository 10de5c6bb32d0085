/* Shapes of rules: conditions, actions, transforms. */
#include "services/elbv2/shapes.h"

static ENUM(action_type_enum, "forward", "authenticate-oidc", "authenticate-cognito", "redirect",
	    "fixed-response", "jwt-validation");

static MAP(authenticate_oidc_action_authentication_request_extra_params, &api_string);

static ENUM(authenticate_oidc_action_conditional_behavior_enum, "deny", "allow", "authenticate");

static STRUCTURE(authenticate_oidc_action_config, R("Issuer", &api_string),
		 R("AuthorizationEndpoint", &api_string), R("TokenEndpoint", &api_string),
		 R("UserInfoEndpoint", &api_string), R("ClientId", &api_string),
		 M("ClientSecret", &api_string), M("SessionCookieName", &api_string),
		 M("Scope", &api_string), M("SessionTimeout", &api_integer),
		 M("AuthenticationRequestExtraParams",
		   &authenticate_oidc_action_authentication_request_extra_params),
		 M("OnUnauthenticatedRequest", &authenticate_oidc_action_conditional_behavior_enum),
		 M("UseExistingClientSecret", &api_boolean));

static MAP(authenticate_cognito_action_authentication_request_extra_params, &api_string);

static ENUM(authenticate_cognito_action_conditional_behavior_enum, "deny", "allow", "authenticate");

static STRUCTURE(authenticate_cognito_action_config, R("UserPoolArn", &api_string),
		 R("UserPoolClientId", &api_string), R("UserPoolDomain", &api_string),
		 M("SessionCookieName", &api_string), M("Scope", &api_string),
		 M("SessionTimeout", &api_integer),
		 M("AuthenticationRequestExtraParams",
		   &authenticate_cognito_action_authentication_request_extra_params),
		 M("OnUnauthenticatedRequest",
		   &authenticate_cognito_action_conditional_behavior_enum));

static INTEGER(action_order, 1, 50000);

static STRING(redirect_action_host, 1, 128, NULL);

static STRUCTURE(redirect_action_config, M("Protocol", &api_string), M("Port", &api_string),
		 M("Host", &redirect_action_host), M("Path", &api_string), M("Query", &api_string),
		 R("StatusCode", &api_string));

static STRING(fixed_response_action_message, 0, 1024, NULL);

static STRUCTURE(fixed_response_action_config, M("MessageBody", &fixed_response_action_message),
		 R("StatusCode", &api_string), M("ContentType", &api_string));

static STRUCTURE(target_group_tuple, M("TargetGroupArn", &api_string), M("Weight", &api_integer));

static LIST(target_group_list, &target_group_tuple);

static STRUCTURE(target_group_stickiness_config, M("Enabled", &api_boolean),
		 M("DurationSeconds", &api_integer));

static STRUCTURE(forward_action_config, M("TargetGroups", &target_group_list),
		 M("TargetGroupStickinessConfig", &target_group_stickiness_config));

static ENUM(jwt_validation_action_additional_claim_format_enum, "single-string", "string-array",
	    "space-separated-values");

static LIST(jwt_validation_action_additional_claim_values, &api_string);

static STRUCTURE(jwt_validation_action_additional_claim,
		 R("Format", &jwt_validation_action_additional_claim_format_enum),
		 R("Name", &api_string),
		 R("Values", &jwt_validation_action_additional_claim_values));

static LIST(jwt_validation_action_additional_claims, &jwt_validation_action_additional_claim);

static STRUCTURE(jwt_validation_action_config, R("JwksEndpoint", &api_string),
		 R("Issuer", &api_string),
		 M("AdditionalClaims", &jwt_validation_action_additional_claims));

static STRUCTURE(action, R("Type", &action_type_enum), M("TargetGroupArn", &api_string),
		 M("AuthenticateOidcConfig", &authenticate_oidc_action_config),
		 M("AuthenticateCognitoConfig", &authenticate_cognito_action_config),
		 M("Order", &action_order), M("RedirectConfig", &redirect_action_config),
		 M("FixedResponseConfig", &fixed_response_action_config),
		 M("ForwardConfig", &forward_action_config),
		 M("JwtValidationConfig", &jwt_validation_action_config));

LIST(elbv2_actions, &action);

static STRUCTURE(host_header_condition_config, M("Values", &elbv2_list_of_string),
		 M("RegexValues", &elbv2_list_of_string));

static STRUCTURE(path_pattern_condition_config, M("Values", &elbv2_list_of_string),
		 M("RegexValues", &elbv2_list_of_string));

static STRUCTURE(http_header_condition_config, M("HttpHeaderName", &api_string),
		 M("Values", &elbv2_list_of_string), M("RegexValues", &elbv2_list_of_string));

static STRUCTURE(query_string_key_value_pair, M("Key", &api_string), M("Value", &api_string));

static LIST(query_string_key_value_pair_list, &query_string_key_value_pair);

static STRUCTURE(query_string_condition_config, M("Values", &query_string_key_value_pair_list));

static STRUCTURE(http_request_method_condition_config, M("Values", &elbv2_list_of_string));

static STRUCTURE(source_ip_condition_config, M("Values", &elbv2_list_of_string));

static STRUCTURE(rule_condition, M("Field", &api_string), M("Values", &elbv2_list_of_string),
		 M("HostHeaderConfig", &host_header_condition_config),
		 M("PathPatternConfig", &path_pattern_condition_config),
		 M("HttpHeaderConfig", &http_header_condition_config),
		 M("QueryStringConfig", &query_string_condition_config),
		 M("HttpRequestMethodConfig", &http_request_method_condition_config),
		 M("SourceIpConfig", &source_ip_condition_config),
		 M("RegexValues", &elbv2_list_of_string));

static LIST(rule_condition_list, &rule_condition);

static INTEGER(rule_priority, 1, 50000);

static ENUM(transform_type_enum, "host-header-rewrite", "url-rewrite");

static STRUCTURE(rewrite_config, R("Regex", &api_string), R("Replace", &api_string));

static LIST(rewrite_config_list, &rewrite_config);

static STRUCTURE(host_header_rewrite_config, M("Rewrites", &rewrite_config_list));

static STRUCTURE(url_rewrite_config, M("Rewrites", &rewrite_config_list));

static STRUCTURE(rule_transform, R("Type", &transform_type_enum),
		 M("HostHeaderRewriteConfig", &host_header_rewrite_config),
		 M("UrlRewriteConfig", &url_rewrite_config));

static LIST(rule_transform_list, &rule_transform);

STRUCTURE(elbv2_create_rule_input, R("ListenerArn", &api_string),
	  R("Conditions", &rule_condition_list), R("Priority", &rule_priority),
	  R("Actions", &elbv2_actions), M("Tags", &elbv2_tag_list),
	  M("Transforms", &rule_transform_list));

static STRUCTURE(rule, M("RuleArn", &api_string), M("Priority", &api_string),
		 M("Conditions", &rule_condition_list), M("Actions", &elbv2_actions),
		 M("IsDefault", &api_boolean), M("Transforms", &rule_transform_list));

static LIST(rules, &rule);

STRUCTURE(elbv2_create_rule_output, M("Rules", &rules));

STRUCTURE(elbv2_delete_rule_input, R("RuleArn", &api_string));

static LIST(rule_arns, &api_string);

STRUCTURE(elbv2_describe_rules_input, M("ListenerArn", &api_string), M("RuleArns", &rule_arns),
	  M("Marker", &api_string), M("PageSize", &elbv2_page_size));

STRUCTURE(elbv2_describe_rules_output, M("Rules", &rules), M("NextMarker", &api_string));

STRUCTURE(elbv2_modify_rule_input, R("RuleArn", &api_string), M("Conditions", &rule_condition_list),
	  M("Actions", &elbv2_actions), M("Transforms", &rule_transform_list),
	  M("ResetTransforms", &api_boolean));

STRUCTURE(elbv2_modify_rule_output, M("Rules", &rules));

static STRUCTURE(rule_priority_pair, M("RuleArn", &api_string), M("Priority", &rule_priority));

static LIST(rule_priority_list, &rule_priority_pair);

STRUCTURE(elbv2_set_rule_priorities_input, R("RulePriorities", &rule_priority_list));

STRUCTURE(elbv2_set_rule_priorities_output, M("Rules", &rules));
