/* Shapes of listeners, their attributes and certificates. */
#include "services/elbv2/shapes.h"

STRUCTURE(elbv2_add_listener_certificates_input, R("ListenerArn", &api_string),
	  R("Certificates", &elbv2_certificate_list));

STRUCTURE(elbv2_add_listener_certificates_output, M("Certificates", &elbv2_certificate_list));

INTEGER(elbv2_port, 1, 65535);

static LIST(alpn_policy_name, &api_string);

static ENUM(trust_store_association_status_enum, "active", "removed");

static ENUM(advertise_trust_store_ca_names_enum, "on", "off");

static STRUCTURE(mutual_authentication_attributes, M("Mode", &api_string),
		 M("TrustStoreArn", &api_string), M("IgnoreClientCertificateExpiry", &api_boolean),
		 M("TrustStoreAssociationStatus", &trust_store_association_status_enum),
		 M("AdvertiseTrustStoreCaNames", &advertise_trust_store_ca_names_enum));

STRUCTURE(elbv2_create_listener_input, R("LoadBalancerArn", &api_string),
	  M("Protocol", &elbv2_protocol_enum), M("Port", &elbv2_port), M("SslPolicy", &api_string),
	  M("Certificates", &elbv2_certificate_list), R("DefaultActions", &elbv2_actions),
	  M("AlpnPolicy", &alpn_policy_name), M("Tags", &elbv2_tag_list),
	  M("MutualAuthentication", &mutual_authentication_attributes));

static STRUCTURE(listener, M("ListenerArn", &api_string), M("LoadBalancerArn", &api_string),
		 M("Port", &elbv2_port), M("Protocol", &elbv2_protocol_enum),
		 M("Certificates", &elbv2_certificate_list), M("SslPolicy", &api_string),
		 M("DefaultActions", &elbv2_actions), M("AlpnPolicy", &alpn_policy_name),
		 M("MutualAuthentication", &mutual_authentication_attributes));

static LIST(listeners, &listener);

STRUCTURE(elbv2_create_listener_output, M("Listeners", &listeners));

STRUCTURE(elbv2_delete_listener_input, R("ListenerArn", &api_string));

STRUCTURE(elbv2_describe_listener_attributes_input, R("ListenerArn", &api_string));

STRUCTURE(elbv2_describe_listener_attributes_output, M("Attributes", &elbv2_listener_attributes));

STRUCTURE(elbv2_describe_listener_certificates_input, R("ListenerArn", &api_string),
	  M("Marker", &api_string), M("PageSize", &elbv2_page_size));

STRUCTURE(elbv2_describe_listener_certificates_output, M("Certificates", &elbv2_certificate_list),
	  M("NextMarker", &api_string));

static LIST(listener_arns, &api_string);

STRUCTURE(elbv2_describe_listeners_input, M("LoadBalancerArn", &api_string),
	  M("ListenerArns", &listener_arns), M("Marker", &api_string),
	  M("PageSize", &elbv2_page_size));

STRUCTURE(elbv2_describe_listeners_output, M("Listeners", &listeners),
	  M("NextMarker", &api_string));

STRUCTURE(elbv2_modify_listener_input, R("ListenerArn", &api_string), M("Port", &elbv2_port),
	  M("Protocol", &elbv2_protocol_enum), M("SslPolicy", &api_string),
	  M("Certificates", &elbv2_certificate_list), M("DefaultActions", &elbv2_actions),
	  M("AlpnPolicy", &alpn_policy_name),
	  M("MutualAuthentication", &mutual_authentication_attributes));

STRUCTURE(elbv2_modify_listener_output, M("Listeners", &listeners));

STRUCTURE(elbv2_modify_listener_attributes_input, R("ListenerArn", &api_string),
	  R("Attributes", &elbv2_listener_attributes));

STRUCTURE(elbv2_modify_listener_attributes_output, M("Attributes", &elbv2_listener_attributes));

STRUCTURE(elbv2_remove_listener_certificates_input, R("ListenerArn", &api_string),
	  R("Certificates", &elbv2_certificate_list));
