/* Shapes of what several operations share: tags, attributes, certificates, pages. */
#include "services/elbv2/shapes.h"

static STRUCTURE(certificate, M("CertificateArn", &api_string), M("IsDefault", &api_boolean));

LIST(elbv2_certificate_list, &certificate);

LIST(elbv2_resource_arns, &api_string);

STRING(elbv2_tag_key, 1, 128, "^([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)$");

static STRING(tag_value, 0, 256, "^([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)$");

static STRUCTURE(tag, R("Key", &elbv2_tag_key), M("Value", &tag_value));

LIST_BETWEEN(elbv2_tag_list, &tag, 1, 0);

ENUM(elbv2_protocol_enum, "HTTP", "HTTPS", "TCP", "TLS", "UDP", "TCP_UDP", "GENEVE", "QUIC",
     "TCP_QUIC");

ENUM(elbv2_ip_address_type, "ipv4", "dualstack", "dualstack-without-public-ipv4");

LIST(elbv2_list_of_string, &api_string);

LIST(elbv2_load_balancer_arns, &api_string);

INTEGER(elbv2_page_size, 1, 400);

static STRUCTURE(listener_attribute, M("Key", &api_string), M("Value", &api_string));

LIST(elbv2_listener_attributes, &listener_attribute);

static STRING(load_balancer_attribute_value, 0, 1024, NULL);

static STRUCTURE(load_balancer_attribute, M("Key", &api_string),
		 M("Value", &load_balancer_attribute_value));

LIST_BETWEEN(elbv2_load_balancer_attributes, &load_balancer_attribute, 0, 20);

static STRUCTURE(target_group_attribute, M("Key", &api_string), M("Value", &api_string));

LIST(elbv2_target_group_attributes, &target_group_attribute);
