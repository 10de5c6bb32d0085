/* Shapes of tags, limits, TLS policies. */
#include "services/elbv2/shapes.h"

STRUCTURE(elbv2_add_tags_input, NEEDS("ResourceArns", &elbv2_resource_arns),
	  NEEDS("Tags", &elbv2_tag_list));

STRUCTURE(elbv2_describe_account_limits_input, MAY("Marker", &api_string),
	  MAY("PageSize", &elbv2_page_size));

static STRUCTURE(limit, MAY("Name", &api_string), MAY("Max", &api_string));

static LIST(limits, &limit, 0, 0);

STRUCTURE(elbv2_describe_account_limits_output, MAY("Limits", &limits),
	  MAY("NextMarker", &api_string));

static LIST(ssl_policy_names, &api_string, 0, 0);

STRUCTURE(elbv2_describe_ssl_policies_input, MAY("Names", &ssl_policy_names),
	  MAY("Marker", &api_string), MAY("PageSize", &elbv2_page_size),
	  MAY("LoadBalancerType", &elbv2_load_balancer_type_enum));

static LIST(ssl_protocols, &api_string, 0, 0);

static STRUCTURE(cipher, MAY("Name", &api_string), MAY("Priority", &api_integer));

static LIST(ciphers, &cipher, 0, 0);

static STRUCTURE(ssl_policy, MAY("SslProtocols", &ssl_protocols), MAY("Ciphers", &ciphers),
		 MAY("Name", &api_string),
		 MAY("SupportedLoadBalancerTypes", &elbv2_list_of_string));

static LIST(ssl_policies, &ssl_policy, 0, 0);

STRUCTURE(elbv2_describe_ssl_policies_output, MAY("SslPolicies", &ssl_policies),
	  MAY("NextMarker", &api_string));

STRUCTURE(elbv2_describe_tags_input, NEEDS("ResourceArns", &elbv2_resource_arns));

static STRUCTURE(tag_description, MAY("ResourceArn", &api_string), MAY("Tags", &elbv2_tag_list));

static LIST(tag_descriptions, &tag_description, 0, 0);

STRUCTURE(elbv2_describe_tags_output, MAY("TagDescriptions", &tag_descriptions));

static LIST(tag_keys, &elbv2_tag_key, 0, 0);

STRUCTURE(elbv2_remove_tags_input, NEEDS("ResourceArns", &elbv2_resource_arns),
	  NEEDS("TagKeys", &tag_keys));
