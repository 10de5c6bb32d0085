/* Shapes of trust stores and resource policies. */
#include "services/elbv2/shapes.h"

static ENUM(revocation_type, "CRL");

static STRUCTURE(revocation_content, MAY("S3Bucket", &api_string), MAY("S3Key", &api_string),
		 MAY("S3ObjectVersion", &api_string), MAY("RevocationType", &revocation_type));

static LIST(revocation_contents, &revocation_content, 0, 0);

STRUCTURE(elbv2_add_trust_store_revocations_input, NEEDS("TrustStoreArn", &api_string),
	  MAY("RevocationContents", &revocation_contents));

static STRUCTURE(trust_store_revocation, MAY("TrustStoreArn", &api_string),
		 MAY("RevocationId", &api_integer), MAY("RevocationType", &revocation_type),
		 MAY("NumberOfRevokedEntries", &api_integer));

static LIST(trust_store_revocations, &trust_store_revocation, 0, 0);

STRUCTURE(elbv2_add_trust_store_revocations_output,
	  MAY("TrustStoreRevocations", &trust_store_revocations));

static STRING(trust_store_name, 1, 32, "^([a-zA-Z0-9]+-)*[a-zA-Z0-9]+$");

STRUCTURE(elbv2_create_trust_store_input, NEEDS("Name", &trust_store_name),
	  NEEDS("CaCertificatesBundleS3Bucket", &api_string),
	  NEEDS("CaCertificatesBundleS3Key", &api_string),
	  MAY("CaCertificatesBundleS3ObjectVersion", &api_string), MAY("Tags", &elbv2_tag_list));

static ENUM(trust_store_status, "ACTIVE", "CREATING");

static STRUCTURE(trust_store, MAY("Name", &trust_store_name), MAY("TrustStoreArn", &api_string),
		 MAY("Status", &trust_store_status), MAY("NumberOfCaCertificates", &api_integer),
		 MAY("TotalRevokedEntries", &api_integer));

static LIST(trust_stores, &trust_store, 0, 0);

STRUCTURE(elbv2_create_trust_store_output, MAY("TrustStores", &trust_stores));

STRUCTURE(elbv2_delete_shared_trust_store_association_input, NEEDS("TrustStoreArn", &api_string),
	  NEEDS("ResourceArn", &api_string));

STRUCTURE(elbv2_delete_trust_store_input, NEEDS("TrustStoreArn", &api_string));

STRUCTURE(elbv2_describe_trust_store_associations_input, NEEDS("TrustStoreArn", &api_string),
	  MAY("Marker", &api_string), MAY("PageSize", &elbv2_page_size));

static STRUCTURE(trust_store_association, MAY("ResourceArn", &api_string));

static LIST(trust_store_associations, &trust_store_association, 0, 0);

STRUCTURE(elbv2_describe_trust_store_associations_output,
	  MAY("TrustStoreAssociations", &trust_store_associations), MAY("NextMarker", &api_string));

static LIST(revocation_ids, &api_integer, 0, 0);

STRUCTURE(elbv2_describe_trust_store_revocations_input, NEEDS("TrustStoreArn", &api_string),
	  MAY("RevocationIds", &revocation_ids), MAY("Marker", &api_string),
	  MAY("PageSize", &elbv2_page_size));

static STRUCTURE(describe_trust_store_revocation, MAY("TrustStoreArn", &api_string),
		 MAY("RevocationId", &api_integer), MAY("RevocationType", &revocation_type),
		 MAY("NumberOfRevokedEntries", &api_integer));

static LIST(describe_trust_store_revocation_response, &describe_trust_store_revocation, 0, 0);

STRUCTURE(elbv2_describe_trust_store_revocations_output,
	  MAY("TrustStoreRevocations", &describe_trust_store_revocation_response),
	  MAY("NextMarker", &api_string));

static LIST(trust_store_arns, &api_string, 0, 0);

static LIST(trust_store_names, &trust_store_name, 0, 0);

STRUCTURE(elbv2_describe_trust_stores_input, MAY("TrustStoreArns", &trust_store_arns),
	  MAY("Names", &trust_store_names), MAY("Marker", &api_string),
	  MAY("PageSize", &elbv2_page_size));

STRUCTURE(elbv2_describe_trust_stores_output, MAY("TrustStores", &trust_stores),
	  MAY("NextMarker", &api_string));

STRUCTURE(elbv2_get_resource_policy_input, NEEDS("ResourceArn", &api_string));

static STRING(policy, 1, 0, NULL);

STRUCTURE(elbv2_get_resource_policy_output, MAY("Policy", &policy));

STRUCTURE(elbv2_get_trust_store_ca_certificates_bundle_input, NEEDS("TrustStoreArn", &api_string));

STRUCTURE(elbv2_get_trust_store_ca_certificates_bundle_output, MAY("Location", &api_string));

STRUCTURE(elbv2_get_trust_store_revocation_content_input, NEEDS("TrustStoreArn", &api_string),
	  NEEDS("RevocationId", &api_integer));

STRUCTURE(elbv2_get_trust_store_revocation_content_output, MAY("Location", &api_string));

STRUCTURE(elbv2_modify_trust_store_input, NEEDS("TrustStoreArn", &api_string),
	  NEEDS("CaCertificatesBundleS3Bucket", &api_string),
	  NEEDS("CaCertificatesBundleS3Key", &api_string),
	  MAY("CaCertificatesBundleS3ObjectVersion", &api_string));

STRUCTURE(elbv2_modify_trust_store_output, MAY("TrustStores", &trust_stores));

STRUCTURE(elbv2_remove_trust_store_revocations_input, NEEDS("TrustStoreArn", &api_string),
	  NEEDS("RevocationIds", &revocation_ids));
