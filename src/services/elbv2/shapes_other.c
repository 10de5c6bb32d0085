/* Shapes of tags, limits, TLS policies. */
#include "services/elbv2/shapes.h"

STRUCTURE(elbv2_add_tags_input, R("ResourceArns", &elbv2_resource_arns),
	  R("Tags", &elbv2_tag_list));

STRUCTURE(elbv2_describe_account_limits_input, M("Marker", &api_string),
	  M("PageSize", &elbv2_page_size));

static STRUCTURE(limit, M("Name", &api_string), M("Max", &api_string));

static LIST(limits, &limit);

STRUCTURE(elbv2_describe_account_limits_output, M("Limits", &limits), M("NextMarker", &api_string));

static LIST(ssl_policy_names, &api_string);

STRUCTURE(elbv2_describe_ssl_policies_input, M("Names", &ssl_policy_names),
	  M("Marker", &api_string), M("PageSize", &elbv2_page_size),
	  M("LoadBalancerType", &elbv2_load_balancer_type_enum));

static LIST(ssl_protocols, &api_string);

static STRUCTURE(cipher, M("Name", &api_string), M("Priority", &api_integer));

static LIST(ciphers, &cipher);

static STRUCTURE(ssl_policy, M("SslProtocols", &ssl_protocols), M("Ciphers", &ciphers),
		 M("Name", &api_string), M("SupportedLoadBalancerTypes", &elbv2_list_of_string));

static LIST(ssl_policies, &ssl_policy);

STRUCTURE(elbv2_describe_ssl_policies_output, M("SslPolicies", &ssl_policies),
	  M("NextMarker", &api_string));

STRUCTURE(elbv2_describe_tags_input, R("ResourceArns", &elbv2_resource_arns));

static STRUCTURE(tag_description, M("ResourceArn", &api_string), M("Tags", &elbv2_tag_list));

static LIST(tag_descriptions, &tag_description);

STRUCTURE(elbv2_describe_tags_output, M("TagDescriptions", &tag_descriptions));

static LIST(tag_keys, &elbv2_tag_key);

STRUCTURE(elbv2_remove_tags_input, R("ResourceArns", &elbv2_resource_arns),
	  R("TagKeys", &tag_keys));
