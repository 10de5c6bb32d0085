/* Shapes of listeners, their attributes and certificates. */
#include "services/elbv2/shapes.h"

STRUCTURE(elbv2_add_listener_certificates_input, NEEDS("ListenerArn", &api_string),
	  NEEDS("Certificates", &elbv2_certificate_list));

STRUCTURE(elbv2_add_listener_certificates_output, MAY("Certificates", &elbv2_certificate_list));

INTEGER(elbv2_port, 1, 65535);

static LIST(alpn_policy_name, &api_string, 0, 0);

static ENUM(trust_store_association_status_enum, "active", "removed");

static ENUM(advertise_trust_store_ca_names_enum, "on", "off");

static STRUCTURE(mutual_authentication_attributes, MAY("Mode", &api_string),
		 MAY("TrustStoreArn", &api_string),
		 MAY("IgnoreClientCertificateExpiry", &api_boolean),
		 MAY("TrustStoreAssociationStatus", &trust_store_association_status_enum),
		 MAY("AdvertiseTrustStoreCaNames", &advertise_trust_store_ca_names_enum));

STRUCTURE(elbv2_create_listener_input, NEEDS("LoadBalancerArn", &api_string),
	  MAY("Protocol", &elbv2_protocol_enum), MAY("Port", &elbv2_port),
	  MAY("SslPolicy", &api_string), MAY("Certificates", &elbv2_certificate_list),
	  NEEDS("DefaultActions", &elbv2_actions), MAY("AlpnPolicy", &alpn_policy_name),
	  MAY("Tags", &elbv2_tag_list),
	  MAY("MutualAuthentication", &mutual_authentication_attributes));

static STRUCTURE(listener, MAY("ListenerArn", &api_string), MAY("LoadBalancerArn", &api_string),
		 MAY("Port", &elbv2_port), MAY("Protocol", &elbv2_protocol_enum),
		 MAY("Certificates", &elbv2_certificate_list), MAY("SslPolicy", &api_string),
		 MAY("DefaultActions", &elbv2_actions), MAY("AlpnPolicy", &alpn_policy_name),
		 MAY("MutualAuthentication", &mutual_authentication_attributes));

static LIST(listeners, &listener, 0, 0);

STRUCTURE(elbv2_create_listener_output, MAY("Listeners", &listeners));

STRUCTURE(elbv2_delete_listener_input, NEEDS("ListenerArn", &api_string));

STRUCTURE(elbv2_describe_listener_attributes_input, NEEDS("ListenerArn", &api_string));

STRUCTURE(elbv2_describe_listener_attributes_output, MAY("Attributes", &elbv2_listener_attributes));

STRUCTURE(elbv2_describe_listener_certificates_input, NEEDS("ListenerArn", &api_string),
	  MAY("Marker", &api_string), MAY("PageSize", &elbv2_page_size));

STRUCTURE(elbv2_describe_listener_certificates_output, MAY("Certificates", &elbv2_certificate_list),
	  MAY("NextMarker", &api_string));

static LIST(listener_arns, &api_string, 0, 0);

STRUCTURE(elbv2_describe_listeners_input, MAY("LoadBalancerArn", &api_string),
	  MAY("ListenerArns", &listener_arns), MAY("Marker", &api_string),
	  MAY("PageSize", &elbv2_page_size));

STRUCTURE(elbv2_describe_listeners_output, MAY("Listeners", &listeners),
	  MAY("NextMarker", &api_string));

STRUCTURE(elbv2_modify_listener_input, NEEDS("ListenerArn", &api_string), MAY("Port", &elbv2_port),
	  MAY("Protocol", &elbv2_protocol_enum), MAY("SslPolicy", &api_string),
	  MAY("Certificates", &elbv2_certificate_list), MAY("DefaultActions", &elbv2_actions),
	  MAY("AlpnPolicy", &alpn_policy_name),
	  MAY("MutualAuthentication", &mutual_authentication_attributes));

STRUCTURE(elbv2_modify_listener_output, MAY("Listeners", &listeners));

STRUCTURE(elbv2_modify_listener_attributes_input, NEEDS("ListenerArn", &api_string),
	  NEEDS("Attributes", &elbv2_listener_attributes));

STRUCTURE(elbv2_modify_listener_attributes_output, MAY("Attributes", &elbv2_listener_attributes));

STRUCTURE(elbv2_remove_listener_certificates_input, NEEDS("ListenerArn", &api_string),
	  NEEDS("Certificates", &elbv2_certificate_list));
