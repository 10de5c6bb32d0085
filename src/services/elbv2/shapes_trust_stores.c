/* Shapes of trust stores and resource policies. */
#include "services/elbv2/shapes.h"

static ENUM(revocation_type, "CRL");

static STRUCTURE(revocation_content, M("S3Bucket", &api_string), M("S3Key", &api_string),
		 M("S3ObjectVersion", &api_string), M("RevocationType", &revocation_type));

static LIST(revocation_contents, &revocation_content);

STRUCTURE(elbv2_add_trust_store_revocations_input, R("TrustStoreArn", &api_string),
	  M("RevocationContents", &revocation_contents));

static STRUCTURE(trust_store_revocation, M("TrustStoreArn", &api_string),
		 M("RevocationId", &api_integer), M("RevocationType", &revocation_type),
		 M("NumberOfRevokedEntries", &api_integer));

static LIST(trust_store_revocations, &trust_store_revocation);

STRUCTURE(elbv2_add_trust_store_revocations_output,
	  M("TrustStoreRevocations", &trust_store_revocations));

static STRING(trust_store_name, 1, 32, "^([a-zA-Z0-9]+-)*[a-zA-Z0-9]+$");

STRUCTURE(elbv2_create_trust_store_input, R("Name", &trust_store_name),
	  R("CaCertificatesBundleS3Bucket", &api_string),
	  R("CaCertificatesBundleS3Key", &api_string),
	  M("CaCertificatesBundleS3ObjectVersion", &api_string), M("Tags", &elbv2_tag_list));

static ENUM(trust_store_status, "ACTIVE", "CREATING");

static STRUCTURE(trust_store, M("Name", &trust_store_name), M("TrustStoreArn", &api_string),
		 M("Status", &trust_store_status), M("NumberOfCaCertificates", &api_integer),
		 M("TotalRevokedEntries", &api_integer));

static LIST(trust_stores, &trust_store);

STRUCTURE(elbv2_create_trust_store_output, M("TrustStores", &trust_stores));

STRUCTURE(elbv2_delete_shared_trust_store_association_input, R("TrustStoreArn", &api_string),
	  R("ResourceArn", &api_string));

STRUCTURE(elbv2_delete_trust_store_input, R("TrustStoreArn", &api_string));

STRUCTURE(elbv2_describe_trust_store_associations_input, R("TrustStoreArn", &api_string),
	  M("Marker", &api_string), M("PageSize", &elbv2_page_size));

static STRUCTURE(trust_store_association, M("ResourceArn", &api_string));

static LIST(trust_store_associations, &trust_store_association);

STRUCTURE(elbv2_describe_trust_store_associations_output,
	  M("TrustStoreAssociations", &trust_store_associations), M("NextMarker", &api_string));

static LIST(revocation_ids, &api_integer);

STRUCTURE(elbv2_describe_trust_store_revocations_input, R("TrustStoreArn", &api_string),
	  M("RevocationIds", &revocation_ids), M("Marker", &api_string),
	  M("PageSize", &elbv2_page_size));

static STRUCTURE(describe_trust_store_revocation, M("TrustStoreArn", &api_string),
		 M("RevocationId", &api_integer), M("RevocationType", &revocation_type),
		 M("NumberOfRevokedEntries", &api_integer));

static LIST(describe_trust_store_revocation_response, &describe_trust_store_revocation);

STRUCTURE(elbv2_describe_trust_store_revocations_output,
	  M("TrustStoreRevocations", &describe_trust_store_revocation_response),
	  M("NextMarker", &api_string));

static LIST(trust_store_arns, &api_string);

static LIST(trust_store_names, &trust_store_name);

STRUCTURE(elbv2_describe_trust_stores_input, M("TrustStoreArns", &trust_store_arns),
	  M("Names", &trust_store_names), M("Marker", &api_string),
	  M("PageSize", &elbv2_page_size));

STRUCTURE(elbv2_describe_trust_stores_output, M("TrustStores", &trust_stores),
	  M("NextMarker", &api_string));

STRUCTURE(elbv2_get_resource_policy_input, R("ResourceArn", &api_string));

static STRING(policy, 1, 0, NULL);

STRUCTURE(elbv2_get_resource_policy_output, M("Policy", &policy));

STRUCTURE(elbv2_get_trust_store_ca_certificates_bundle_input, R("TrustStoreArn", &api_string));

STRUCTURE(elbv2_get_trust_store_ca_certificates_bundle_output, M("Location", &api_string));

STRUCTURE(elbv2_get_trust_store_revocation_content_input, R("TrustStoreArn", &api_string),
	  R("RevocationId", &api_integer));

STRUCTURE(elbv2_get_trust_store_revocation_content_output, M("Location", &api_string));

STRUCTURE(elbv2_modify_trust_store_input, R("TrustStoreArn", &api_string),
	  R("CaCertificatesBundleS3Bucket", &api_string),
	  R("CaCertificatesBundleS3Key", &api_string),
	  M("CaCertificatesBundleS3ObjectVersion", &api_string));

STRUCTURE(elbv2_modify_trust_store_output, M("TrustStores", &trust_stores));

STRUCTURE(elbv2_remove_trust_store_revocations_input, R("TrustStoreArn", &api_string),
	  R("RevocationIds", &revocation_ids));
