/* Shapes of what several operations share: tags, attributes, certificates, pages. */
#include "services/elbv2/shapes.h"

static STRUCTURE(certificate, MAY("CertificateArn", &api_string), MAY("IsDefault", &api_boolean));

LIST(elbv2_certificate_list, &certificate, 0, 0);

LIST(elbv2_resource_arns, &api_string, 0, 0);

STRING(elbv2_tag_key, 1, 128, "^([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)$");

static STRING(tag_value, 0, 256, "^([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)$");

static STRUCTURE(tag, NEEDS("Key", &elbv2_tag_key), MAY("Value", &tag_value));

LIST(elbv2_tag_list, &tag, 1, 0);

ENUM(elbv2_protocol_enum, "HTTP", "HTTPS", "TCP", "TLS", "UDP", "TCP_UDP", "GENEVE", "QUIC",
     "TCP_QUIC");

ENUM(elbv2_ip_address_type, "ipv4", "dualstack", "dualstack-without-public-ipv4");

LIST(elbv2_list_of_string, &api_string, 0, 0);

LIST(elbv2_load_balancer_arns, &api_string, 0, 0);

INTEGER(elbv2_page_size, 1, 400);

static STRUCTURE(listener_attribute, MAY("Key", &api_string), MAY("Value", &api_string));

LIST(elbv2_listener_attributes, &listener_attribute, 0, 0);

static STRING(load_balancer_attribute_value, 0, 1024, NULL);

static STRUCTURE(load_balancer_attribute, MAY("Key", &api_string),
		 MAY("Value", &load_balancer_attribute_value));

LIST(elbv2_load_balancer_attributes, &load_balancer_attribute, 0, 20);

static STRUCTURE(target_group_attribute, MAY("Key", &api_string), MAY("Value", &api_string));

LIST(elbv2_target_group_attributes, &target_group_attribute, 0, 0);
