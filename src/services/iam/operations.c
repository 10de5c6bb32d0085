/*
 * operations: the table of IAM's operations that exist here, and their shapes.
 */
#include "api/rows.h"
#include "services/iam/iam_internal.h"

/* ---- Leaves ---- */
STRING(name, 1, 64, "^[\\w+=,.@-]+$");
STRING(long_name, 1, 128, "^[\\w+=,.@-]+$");
STRING(path, 1, 512, "^((\\x2F)|(\\x2F[\\x21-\\x7E]+\\x2F))$");
STRING(path_prefix, 1, 512, "^\\x2F[\\x21-\\x7F]*$");
STRING(arn, 20, 2048, NULL);
STRING(document, 1, 131072, NULL);
STRING(description, 0, 1000, NULL);
STRING(tag_key, 1, 128, "^[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+$");
STRING(tag_value, 0, 256, "^[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*$");
STRING(key_id, 16, 128, "^\\w+$");
STRING(version_id, 2, 32, "^v[1-9][0-9]*(\\.[A-Za-z0-9-]*)?$");
STRING(marker, 1, 1024, NULL);
static const struct api_shape max_items = { .kind = API_INTEGER, .min = 1, .max = 1000 };
static const struct api_shape duration = { .kind = API_INTEGER, .min = 3600, .max = 43200 };
static const char *const key_states[] = { "Active", "Inactive", NULL };
static const struct api_shape key_state = { .kind = API_STRING, .values = key_states };
static const char *const scopes[] = { "All", "AWS", "Local", NULL };
static const struct api_shape scope = { .kind = API_STRING, .values = scopes };

STRUCTURE(tag, R("Key", &tag_key), R("Value", &tag_value));
LIST(tags, &tag);
LIST(tag_keys, &tag_key);
LIST(texts, &api_string);

#define PAGED M("Marker", &marker), M("MaxItems", &max_items)
#define MORE  M("IsTruncated", &api_boolean), M("Marker", &api_string)

/* ---- Things ---- */
STRUCTURE(boundary, M("PermissionsBoundaryType", &api_string),
	  M("PermissionsBoundaryArn", &api_string));
STRUCTURE(user, M("Path", &api_string), M("UserName", &api_string), M("UserId", &api_string),
	  M("Arn", &api_string), M("CreateDate", &api_timestamp),
	  M("PermissionsBoundary", &boundary), M("Tags", &tags));
STRUCTURE(group, M("Path", &api_string), M("GroupName", &api_string), M("GroupId", &api_string),
	  M("Arn", &api_string), M("CreateDate", &api_timestamp));
LIST(groups, &group);
STRUCTURE(role, M("Path", &api_string), M("RoleName", &api_string), M("RoleId", &api_string),
	  M("Arn", &api_string), M("CreateDate", &api_timestamp),
	  M("AssumeRolePolicyDocument", &api_string), M("Description", &api_string),
	  M("MaxSessionDuration", &api_integer), M("PermissionsBoundary", &boundary),
	  M("Tags", &tags));
LIST(users, &user);
LIST(roles, &role);
STRUCTURE(profile, M("Path", &api_string), M("InstanceProfileName", &api_string),
	  M("InstanceProfileId", &api_string), M("Arn", &api_string),
	  M("CreateDate", &api_timestamp), M("Roles", &roles), M("Tags", &tags));
LIST(profiles, &profile);
STRUCTURE(policy, M("PolicyName", &api_string), M("PolicyId", &api_string), M("Arn", &api_string),
	  M("Path", &api_string), M("DefaultVersionId", &api_string),
	  M("AttachmentCount", &api_integer), M("PermissionsBoundaryUsageCount", &api_integer),
	  M("IsAttachable", &api_boolean), M("Description", &api_string),
	  M("CreateDate", &api_timestamp), M("UpdateDate", &api_timestamp), M("Tags", &tags));
LIST(policies, &policy);
STRUCTURE(version, M("Document", &api_string), M("VersionId", &api_string),
	  M("IsDefaultVersion", &api_boolean), M("CreateDate", &api_timestamp));
LIST(versions, &version);
STRUCTURE(attached, M("PolicyName", &api_string), M("PolicyArn", &api_string));
LIST(attached_list, &attached);
STRUCTURE(key, M("UserName", &api_string), M("AccessKeyId", &api_string), M("Status", &api_string),
	  M("SecretAccessKey", &api_string), M("CreateDate", &api_timestamp));
STRUCTURE(key_metadata, M("UserName", &api_string), M("AccessKeyId", &api_string),
	  M("Status", &api_string), M("CreateDate", &api_timestamp));
LIST(key_metadata_list, &key_metadata);
STRUCTURE(policy_user, M("UserName", &api_string), M("UserId", &api_string));
STRUCTURE(policy_role, M("RoleName", &api_string), M("RoleId", &api_string));
STRUCTURE(policy_group, M("GroupName", &api_string), M("GroupId", &api_string));
LIST(policy_groups, &policy_group);
LIST(policy_users, &policy_user);
LIST(policy_roles, &policy_role);

/* ---- Users ---- */
STRUCTURE(create_user_in, M("Path", &path), R("UserName", &name), M("Tags", &tags),
	  M("PermissionsBoundary", &arn));
STRUCTURE(user_out, M("User", &user));
STRUCTURE(user_in, R("UserName", &long_name));
STRUCTURE(maybe_user_in, M("UserName", &long_name));
STRUCTURE(list_in, M("PathPrefix", &path_prefix), PAGED);
STRUCTURE(users_out, M("Users", &users), MORE);
STRUCTURE(update_user_in, R("UserName", &long_name), M("NewPath", &path), M("NewUserName", &name));
STRUCTURE(tag_user_in, R("UserName", &long_name), R("Tags", &tags));
STRUCTURE(untag_user_in, R("UserName", &long_name), R("TagKeys", &tag_keys));
STRUCTURE(user_paged_in, R("UserName", &long_name), PAGED);
STRUCTURE(tags_out, M("Tags", &tags), MORE);
STRUCTURE(bound_user_in, R("UserName", &long_name), R("PermissionsBoundary", &arn));

/* ---- Groups ---- */
STRUCTURE(create_group_in, M("Path", &path), R("GroupName", &long_name));
STRUCTURE(group_out, M("Group", &group));
STRUCTURE(group_in, R("GroupName", &long_name));
STRUCTURE(group_paged_in, R("GroupName", &long_name), PAGED);
STRUCTURE(get_group_out, M("Group", &group), M("Users", &users), MORE);
STRUCTURE(groups_out, M("Groups", &groups), MORE);
STRUCTURE(update_group_in, R("GroupName", &long_name), M("NewPath", &path),
	  M("NewGroupName", &long_name));
STRUCTURE(member_in, R("GroupName", &long_name), R("UserName", &long_name));

/* ---- Access keys ---- */
STRUCTURE(key_out, M("AccessKey", &key));
STRUCTURE(list_keys_in, M("UserName", &long_name), PAGED);
STRUCTURE(list_keys_out, M("AccessKeyMetadata", &key_metadata_list), MORE);
STRUCTURE(update_key_in, M("UserName", &long_name), R("AccessKeyId", &key_id),
	  R("Status", &key_state));
STRUCTURE(delete_key_in, M("UserName", &long_name), R("AccessKeyId", &key_id));

/* ---- Roles ---- */
STRUCTURE(create_role_in, M("Path", &path), R("RoleName", &name),
	  R("AssumeRolePolicyDocument", &document), M("Description", &description),
	  M("MaxSessionDuration", &duration), M("PermissionsBoundary", &arn), M("Tags", &tags));
STRUCTURE(role_out, M("Role", &role));
STRUCTURE(role_in, R("RoleName", &name));
STRUCTURE(roles_out, M("Roles", &roles), MORE);
STRUCTURE(update_role_in, R("RoleName", &name), M("Description", &description),
	  M("MaxSessionDuration", &duration));
STRUCTURE(update_trust_in, R("RoleName", &name), R("PolicyDocument", &document));
STRUCTURE(tag_role_in, R("RoleName", &name), R("Tags", &tags));
STRUCTURE(untag_role_in, R("RoleName", &name), R("TagKeys", &tag_keys));
STRUCTURE(role_paged_in, R("RoleName", &name), PAGED);
STRUCTURE(bound_role_in, R("RoleName", &name), R("PermissionsBoundary", &arn));

/* ---- Inline and attached policies ---- */
#define INLINE(id, entity, entity_shape)                                                           \
	STRUCTURE(put_##id##_in, R(entity, entity_shape), R("PolicyName", &long_name),             \
		  R("PolicyDocument", &document));                                                 \
	STRUCTURE(inline_##id##_in, R(entity, entity_shape), R("PolicyName", &long_name));         \
	STRUCTURE(inline_##id##_out, M(entity, &api_string), M("PolicyName", &api_string),         \
		  M("PolicyDocument", &api_string));                                               \
	STRUCTURE(attach_##id##_in, R(entity, entity_shape), R("PolicyArn", &arn));                \
	STRUCTURE(list_attached_##id##_in, R(entity, entity_shape), M("PathPrefix", &path_prefix), \
		  PAGED)
INLINE(user, "UserName", &long_name);
INLINE(group, "GroupName", &long_name);
INLINE(role, "RoleName", &name);
STRUCTURE(names_out, M("PolicyNames", &texts), MORE);
STRUCTURE(attached_out, M("AttachedPolicies", &attached_list), MORE);

/* ---- Managed policies ---- */
STRUCTURE(create_policy_in, R("PolicyName", &long_name), M("Path", &path),
	  R("PolicyDocument", &document), M("Description", &description), M("Tags", &tags));
STRUCTURE(policy_out, M("Policy", &policy));
STRUCTURE(policy_in, R("PolicyArn", &arn));
STRUCTURE(policy_paged_in, R("PolicyArn", &arn), PAGED);
STRUCTURE(list_policies_in, M("Scope", &scope), M("OnlyAttached", &api_boolean),
	  M("PathPrefix", &path_prefix), PAGED);
STRUCTURE(policies_out, M("Policies", &policies), MORE);
STRUCTURE(create_version_in, R("PolicyArn", &arn), R("PolicyDocument", &document),
	  M("SetAsDefault", &api_boolean));
STRUCTURE(version_in, R("PolicyArn", &arn), R("VersionId", &version_id));
STRUCTURE(version_out, M("PolicyVersion", &version));
STRUCTURE(versions_out, M("Versions", &versions), MORE);
STRUCTURE(entities_out, M("PolicyUsers", &policy_users), M("PolicyRoles", &policy_roles),
	  M("PolicyGroups", &policy_groups), MORE);
ENUM(entity_kind, "User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy");
ENUM(usage, "PermissionsPolicy", "PermissionsBoundary");
STRUCTURE(policy_entities_in, R("PolicyArn", &arn), M("EntityFilter", &entity_kind),
	  M("PolicyUsageFilter", &usage), PAGED);
STRUCTURE(tag_policy_in, R("PolicyArn", &arn), R("Tags", &tags));
STRUCTURE(untag_policy_in, R("PolicyArn", &arn), R("TagKeys", &tag_keys));

/* ---- Server certificates ---- */
STRING(pem, 1, 16384, NULL);
STRING(pem_chain, 1, 2097152, NULL);
STRUCTURE(certificate_metadata, M("Path", &api_string), M("ServerCertificateName", &api_string),
	  M("ServerCertificateId", &api_string), M("Arn", &api_string),
	  M("UploadDate", &api_timestamp), M("Expiration", &api_timestamp));
LIST(certificate_metadata_list, &certificate_metadata);
STRUCTURE(server_certificate, M("ServerCertificateMetadata", &certificate_metadata),
	  M("CertificateBody", &api_string), M("CertificateChain", &api_string), M("Tags", &tags));
STRUCTURE(upload_certificate_in, M("Path", &path), R("ServerCertificateName", &long_name),
	  R("CertificateBody", &pem), R("PrivateKey", &pem), M("CertificateChain", &pem_chain),
	  M("Tags", &tags));
STRUCTURE(upload_certificate_out, M("ServerCertificateMetadata", &certificate_metadata),
	  M("Tags", &tags));
STRUCTURE(certificate_in, R("ServerCertificateName", &long_name));
STRUCTURE(certificate_out, M("ServerCertificate", &server_certificate));
STRUCTURE(certificates_out, M("ServerCertificateMetadataList", &certificate_metadata_list), MORE);
STRUCTURE(update_certificate_in, R("ServerCertificateName", &long_name), M("NewPath", &path),
	  M("NewServerCertificateName", &long_name));
STRUCTURE(tag_certificate_in, R("ServerCertificateName", &long_name), R("Tags", &tags));
STRUCTURE(untag_certificate_in, R("ServerCertificateName", &long_name), R("TagKeys", &tag_keys));
STRUCTURE(certificate_paged_in, R("ServerCertificateName", &long_name), PAGED);

/* ---- Instance profiles ---- */
STRUCTURE(create_profile_in, R("InstanceProfileName", &long_name), M("Path", &path),
	  M("Tags", &tags));
STRUCTURE(profile_in, R("InstanceProfileName", &long_name));
STRUCTURE(profile_out, M("InstanceProfile", &profile));
STRUCTURE(profiles_out, M("InstanceProfiles", &profiles), MORE);
STRUCTURE(profile_role_in, R("InstanceProfileName", &long_name), R("RoleName", &name));
STRUCTURE(tag_profile_in, R("InstanceProfileName", &long_name), R("Tags", &tags));
STRUCTURE(untag_profile_in, R("InstanceProfileName", &long_name), R("TagKeys", &tag_keys));
STRUCTURE(profile_paged_in, R("InstanceProfileName", &long_name), PAGED);

#define OPERATION(name_, effect_, input_, output_, handle_)                                      \
	{                                                                                        \
		ROW_OPERATION("iam", name_, API_##effect_, &(input_), &(output_), iam_##handle_) \
	}

const struct api_operation iam_operations[] = {
	OPERATION("CreateUser", WRITES, create_user_in, user_out, create_entity),
	OPERATION("GetUser", READS, maybe_user_in, user_out, get_entity),
	OPERATION("ListUsers", READS, list_in, users_out, list_entities),
	OPERATION("UpdateUser", WRITES, update_user_in, api_shape_none, update_name),
	OPERATION("DeleteUser", WRITES, user_in, api_shape_none, delete_entity),
	OPERATION("TagUser", WRITES, tag_user_in, api_shape_none, tag_entity),
	OPERATION("UntagUser", WRITES, untag_user_in, api_shape_none, untag_entity),
	OPERATION("ListUserTags", READS, user_paged_in, tags_out, list_entity_tags),
	OPERATION("ListGroupsForUser", READS, user_paged_in, groups_out, list_groups_of_user),
	OPERATION("PutUserPermissionsBoundary", WRITES, bound_user_in, api_shape_none,
		  put_boundary),
	OPERATION("DeleteUserPermissionsBoundary", WRITES, user_in, api_shape_none,
		  delete_boundary),
	OPERATION("CreateGroup", WRITES, create_group_in, group_out, create_entity),
	OPERATION("GetGroup", READS, group_paged_in, get_group_out, get_group),
	OPERATION("ListGroups", READS, list_in, groups_out, list_entities),
	OPERATION("UpdateGroup", WRITES, update_group_in, api_shape_none, update_name),
	OPERATION("DeleteGroup", WRITES, group_in, api_shape_none, delete_entity),
	OPERATION("AddUserToGroup", WRITES, member_in, api_shape_none, add_member),
	OPERATION("RemoveUserFromGroup", WRITES, member_in, api_shape_none, remove_member),
	OPERATION("PutGroupPolicy", WRITES, put_group_in, api_shape_none, put_inline),
	OPERATION("GetGroupPolicy", READS, inline_group_in, inline_group_out, get_inline),
	OPERATION("ListGroupPolicies", READS, group_paged_in, names_out, list_inline),
	OPERATION("DeleteGroupPolicy", WRITES, inline_group_in, api_shape_none, delete_inline),
	OPERATION("AttachGroupPolicy", WRITES, attach_group_in, api_shape_none, attach),
	OPERATION("DetachGroupPolicy", WRITES, attach_group_in, api_shape_none, detach),
	OPERATION("ListAttachedGroupPolicies", READS, list_attached_group_in, attached_out,
		  list_attached),
	OPERATION("CreateAccessKey", WRITES, maybe_user_in, key_out, create_key),
	OPERATION("ListAccessKeys", READS, list_keys_in, list_keys_out, list_keys),
	OPERATION("UpdateAccessKey", WRITES, update_key_in, api_shape_none, update_key),
	OPERATION("DeleteAccessKey", WRITES, delete_key_in, api_shape_none, delete_key),
	OPERATION("CreateRole", WRITES, create_role_in, role_out, create_entity),
	OPERATION("GetRole", READS, role_in, role_out, get_entity),
	OPERATION("ListRoles", READS, list_in, roles_out, list_entities),
	OPERATION("UpdateRole", WRITES, update_role_in, api_shape_none, update_role),
	OPERATION("UpdateAssumeRolePolicy", WRITES, update_trust_in, api_shape_none, update_trust),
	OPERATION("DeleteRole", WRITES, role_in, api_shape_none, delete_entity),
	OPERATION("PutRolePermissionsBoundary", WRITES, bound_role_in, api_shape_none,
		  put_boundary),
	OPERATION("DeleteRolePermissionsBoundary", WRITES, role_in, api_shape_none,
		  delete_boundary),
	OPERATION("TagRole", WRITES, tag_role_in, api_shape_none, tag_entity),
	OPERATION("UntagRole", WRITES, untag_role_in, api_shape_none, untag_entity),
	OPERATION("ListRoleTags", READS, role_paged_in, tags_out, list_entity_tags),
	OPERATION("PutUserPolicy", WRITES, put_user_in, api_shape_none, put_inline),
	OPERATION("GetUserPolicy", READS, inline_user_in, inline_user_out, get_inline),
	OPERATION("ListUserPolicies", READS, user_paged_in, names_out, list_inline),
	OPERATION("DeleteUserPolicy", WRITES, inline_user_in, api_shape_none, delete_inline),
	OPERATION("AttachUserPolicy", WRITES, attach_user_in, api_shape_none, attach),
	OPERATION("DetachUserPolicy", WRITES, attach_user_in, api_shape_none, detach),
	OPERATION("ListAttachedUserPolicies", READS, list_attached_user_in, attached_out,
		  list_attached),
	OPERATION("PutRolePolicy", WRITES, put_role_in, api_shape_none, put_inline),
	OPERATION("GetRolePolicy", READS, inline_role_in, inline_role_out, get_inline),
	OPERATION("ListRolePolicies", READS, role_paged_in, names_out, list_inline),
	OPERATION("DeleteRolePolicy", WRITES, inline_role_in, api_shape_none, delete_inline),
	OPERATION("AttachRolePolicy", WRITES, attach_role_in, api_shape_none, attach),
	OPERATION("DetachRolePolicy", WRITES, attach_role_in, api_shape_none, detach),
	OPERATION("ListAttachedRolePolicies", READS, list_attached_role_in, attached_out,
		  list_attached),
	OPERATION("CreatePolicy", WRITES, create_policy_in, policy_out, create_policy),
	OPERATION("GetPolicy", READS, policy_in, policy_out, get_policy),
	OPERATION("ListPolicies", READS, list_policies_in, policies_out, list_policies),
	OPERATION("DeletePolicy", WRITES, policy_in, api_shape_none, delete_policy),
	OPERATION("CreatePolicyVersion", WRITES, create_version_in, version_out, create_version),
	OPERATION("GetPolicyVersion", READS, version_in, version_out, get_version),
	OPERATION("ListPolicyVersions", READS, policy_paged_in, versions_out, list_versions),
	OPERATION("DeletePolicyVersion", WRITES, version_in, api_shape_none, delete_version),
	OPERATION("SetDefaultPolicyVersion", WRITES, version_in, api_shape_none,
		  set_default_version),
	OPERATION("ListEntitiesForPolicy", READS, policy_entities_in, entities_out,
		  list_policy_entities),
	OPERATION("TagPolicy", WRITES, tag_policy_in, api_shape_none, tag_policy),
	OPERATION("UntagPolicy", WRITES, untag_policy_in, api_shape_none, untag_policy),
	OPERATION("ListPolicyTags", READS, policy_paged_in, tags_out, list_policy_tags),
	OPERATION("CreateInstanceProfile", WRITES, create_profile_in, profile_out, create_profile),
	OPERATION("GetInstanceProfile", READS, profile_in, profile_out, get_profile),
	OPERATION("ListInstanceProfiles", READS, list_in, profiles_out, list_profiles),
	OPERATION("DeleteInstanceProfile", WRITES, profile_in, api_shape_none, delete_profile),
	OPERATION("AddRoleToInstanceProfile", WRITES, profile_role_in, api_shape_none, add_role),
	OPERATION("RemoveRoleFromInstanceProfile", WRITES, profile_role_in, api_shape_none,
		  remove_role),
	OPERATION("ListInstanceProfilesForRole", READS, role_paged_in, profiles_out,
		  list_profiles_of_role),
	OPERATION("TagInstanceProfile", WRITES, tag_profile_in, api_shape_none, tag_entity),
	OPERATION("UntagInstanceProfile", WRITES, untag_profile_in, api_shape_none, untag_entity),
	OPERATION("UploadServerCertificate", WRITES, upload_certificate_in, upload_certificate_out,
		  upload_certificate),
	OPERATION("GetServerCertificate", READS, certificate_in, certificate_out, get_certificate),
	OPERATION("ListServerCertificates", READS, list_in, certificates_out, list_certificates),
	OPERATION("UpdateServerCertificate", WRITES, update_certificate_in, api_shape_none,
		  update_certificate),
	OPERATION("DeleteServerCertificate", WRITES, certificate_in, api_shape_none,
		  delete_certificate),
	OPERATION("TagServerCertificate", WRITES, tag_certificate_in, api_shape_none, tag_entity),
	OPERATION("UntagServerCertificate", WRITES, untag_certificate_in, api_shape_none,
		  untag_entity),
	OPERATION("ListServerCertificateTags", READS, certificate_paged_in, tags_out,
		  list_entity_tags),
	OPERATION("ListInstanceProfileTags", READS, profile_paged_in, tags_out, list_entity_tags),
};
const size_t iam_operation_count = COUNT(iam_operations);
