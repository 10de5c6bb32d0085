/*
 * operations: the table of operations that exist here, and their shapes.
 */
#include "api/rows.h"
#include "services/secretsmanager/secretsmanager_internal.h"

STRUCTURE(tag, S("Key"), S("Value"));
LIST(tag_list_type, &tag);
STRUCTURE(replica_region_type, S("Region"), S("KmsKeyId"));
LIST(add_replica_region_list_type, &replica_region_type);
STRUCTURE(create_secret_request, S("Name"), S("ClientRequestToken"), S("Description"),
	  S("KmsKeyId"), M("SecretBinary", &api_blob), S("SecretString"), M("Tags", &tag_list_type),
	  M("AddReplicaRegions", &add_replica_region_list_type), B("ForceOverwriteReplicaSecret"),
	  S("Type"));
STRUCTURE(replication_status_type, S("Region"), S("KmsKeyId"), S("Status"), S("StatusMessage"),
	  T("LastAccessedDate"));
LIST(replication_status_list_type, &replication_status_type);
STRUCTURE(create_secret_response, S("ARN"), S("Name"), S("VersionId"),
	  M("ReplicationStatus", &replication_status_list_type));
STRUCTURE(get_secret_value_request, S("SecretId"), S("VersionId"), S("VersionStage"));
LIST(strings, &api_string);
STRUCTURE(get_secret_value_response, S("ARN"), S("Name"), S("VersionId"),
	  M("SecretBinary", &api_blob), S("SecretString"), M("VersionStages", &strings),
	  T("CreatedDate"));
STRUCTURE(put_secret_value_request, S("SecretId"), S("ClientRequestToken"),
	  M("SecretBinary", &api_blob), S("SecretString"), M("VersionStages", &strings),
	  S("RotationToken"));
STRUCTURE(put_secret_value_response, S("ARN"), S("Name"), S("VersionId"),
	  M("VersionStages", &strings));
STRUCTURE(update_secret_request, S("SecretId"), S("ClientRequestToken"), S("Description"),
	  S("KmsKeyId"), M("SecretBinary", &api_blob), S("SecretString"), S("Type"));
STRUCTURE(update_secret_response, S("ARN"), S("Name"), S("VersionId"));
STRUCTURE(delete_secret_request, S("SecretId"), I("RecoveryWindowInDays"),
	  B("ForceDeleteWithoutRecovery"));
STRUCTURE(delete_secret_response, S("ARN"), S("Name"), T("DeletionDate"));
STRUCTURE(restore_secret_request, S("SecretId"));
STRUCTURE(restore_secret_response, S("ARN"), S("Name"));
STRUCTURE(describe_secret_request, S("SecretId"));
STRUCTURE(rotation_rules_type, I("AutomaticallyAfterDays"), S("Duration"), S("ScheduleExpression"));
STRUCTURE(external_secret_rotation_metadata_item, S("Key"), S("Value"));
LIST(external_secret_rotation_metadata_type, &external_secret_rotation_metadata_item);
MAP(secret_versions_to_stages_map_type, &strings);
STRUCTURE(describe_secret_response, S("ARN"), S("Name"), S("Type"), S("Description"), S("KmsKeyId"),
	  B("RotationEnabled"), S("RotationLambdaARN"), M("RotationRules", &rotation_rules_type),
	  M("ExternalSecretRotationMetadata", &external_secret_rotation_metadata_type),
	  S("ExternalSecretRotationRoleArn"), T("LastRotatedDate"), T("LastChangedDate"),
	  T("LastAccessedDate"), T("DeletedDate"), T("NextRotationDate"), M("Tags", &tag_list_type),
	  M("VersionIdsToStages", &secret_versions_to_stages_map_type), S("OwningService"),
	  T("CreatedDate"), S("PrimaryRegion"),
	  M("ReplicationStatus", &replication_status_list_type));
STRUCTURE(filter, S("Key"), M("Values", &strings));
LIST(filters_list_type, &filter);
STRUCTURE(list_secrets_request, B("IncludePlannedDeletion"), I("MaxResults"), S("NextToken"),
	  M("Filters", &filters_list_type), S("SortOrder"), S("SortBy"));
STRUCTURE(secret_list_entry, S("ARN"), S("Name"), S("Type"), S("Description"), S("KmsKeyId"),
	  B("RotationEnabled"), S("RotationLambdaARN"), M("RotationRules", &rotation_rules_type),
	  M("ExternalSecretRotationMetadata", &external_secret_rotation_metadata_type),
	  S("ExternalSecretRotationRoleArn"), T("LastRotatedDate"), T("LastChangedDate"),
	  T("LastAccessedDate"), T("DeletedDate"), T("NextRotationDate"), M("Tags", &tag_list_type),
	  M("SecretVersionsToStages", &secret_versions_to_stages_map_type), S("OwningService"),
	  T("CreatedDate"), S("PrimaryRegion"));
LIST(secret_list_type, &secret_list_entry);
STRUCTURE(list_secrets_response, M("SecretList", &secret_list_type), S("NextToken"));
STRUCTURE(tag_resource_request, S("SecretId"), M("Tags", &tag_list_type));
STRUCTURE(untag_resource_request, S("SecretId"), M("TagKeys", &strings));
STRUCTURE(get_random_password_request, I("PasswordLength"), S("ExcludeCharacters"),
	  B("ExcludeNumbers"), B("ExcludePunctuation"), B("ExcludeUppercase"),
	  B("ExcludeLowercase"), B("IncludeSpace"), B("RequireEachIncludedType"));
STRUCTURE(get_random_password_response, S("RandomPassword"));

#define OPERATION(name_, effect_, input_, output_, handle_)                               \
	{                                                                                 \
		ROW_OPERATION("secretsmanager", name_, effect_, input_, output_, handle_) \
	}

const struct api_operation secrets_operations[] = {
	OPERATION("CreateSecret", API_WRITES, &create_secret_request, &create_secret_response,
		  secrets_create_secret),
	OPERATION("GetSecretValue", API_READS, &get_secret_value_request,
		  &get_secret_value_response, secrets_get_secret_value),
	OPERATION("PutSecretValue", API_WRITES, &put_secret_value_request,
		  &put_secret_value_response, secrets_put_secret_value),
	OPERATION("UpdateSecret", API_WRITES, &update_secret_request, &update_secret_response,
		  secrets_update_secret),
	OPERATION("DeleteSecret", API_WRITES, &delete_secret_request, &delete_secret_response,
		  secrets_delete_secret),
	OPERATION("RestoreSecret", API_WRITES, &restore_secret_request, &restore_secret_response,
		  secrets_restore_secret),
	OPERATION("DescribeSecret", API_READS, &describe_secret_request, &describe_secret_response,
		  secrets_describe_secret),
	OPERATION("ListSecrets", API_READS, &list_secrets_request, &list_secrets_response,
		  secrets_list_secrets),
	OPERATION("TagResource", API_WRITES, &tag_resource_request, &api_shape_none,
		  secrets_tag_resource),
	OPERATION("UntagResource", API_WRITES, &untag_resource_request, &api_shape_none,
		  secrets_untag_resource),
	OPERATION("GetRandomPassword", API_READS, &get_random_password_request,
		  &get_random_password_response, secrets_get_random_password),
};
const size_t secrets_operation_count = COUNT(secrets_operations);
