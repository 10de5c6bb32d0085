#include "services/s3/shapes.h"

/* ---- Common ---- */

const struct api_shape s3_metadata = { .kind = API_MAP, .item = &api_string };

static const struct api_shape tag = { S3_MEMBERS(
	{ .name = "Key", .shape = &api_string, .required = true },
	{ .name = "Value", .shape = &api_string }) };
const struct api_shape s3_tag_set = { .kind = API_LIST, .item = &tag, .item_name = "Tag" };
const struct api_shape s3_tagging = { S3_MEMBERS(
	{ .name = "TagSet", .shape = &s3_tag_set, .required = true }) };
static const struct api_shape owner = { S3_MEMBERS(S3_IN("DisplayName", &api_string),
						   S3_IN("ID", &api_string)) };
static const struct api_shape prefix = { S3_MEMBERS(S3_IN("Prefix", &api_string)) };
static const struct api_shape prefixes = { .kind = API_LIST, .item = &prefix, .flattened = true };
static const struct api_shape names = { .kind = API_LIST, .item = &api_string, .flattened = true };

const struct api_shape s3_bucket_only = { S3_MEMBERS(S3_BUCKET_IN) };
/* Configurations that are refused are not looked into. */
const struct api_shape s3_bucket_input = { S3_MEMBERS(S3_BUCKET_IN,
						      S3_AT("Body", &api_string, "payload")) };

/* ---- Buckets ---- */

static const struct api_shape bucket = { S3_MEMBERS(S3_IN("Name", &api_string),
						    S3_IN("CreationDate", &api_timestamp),
						    S3_IN("BucketRegion", &api_string)) };
static const struct api_shape buckets = { .kind = API_LIST,
					  .item = &bucket,
					  .item_name = "Bucket" };
static const struct api_shape page_of_buckets = { .kind = API_INTEGER, .min = 1, .max = 10000 };
const struct api_shape s3_list_buckets_input = { S3_MEMBERS(
	S3_QUERY("Prefix", "prefix"), S3_QUERY("ContinuationToken", "continuation-token"),
	S3_AT("MaxBuckets", &page_of_buckets, "query:max-buckets")) };
const struct api_shape s3_list_buckets_output = { S3_MEMBERS(
	S3_IN("Owner", &owner), S3_IN("Buckets", &buckets), S3_IN("ContinuationToken", &api_string),
	S3_IN("Prefix", &api_string)) };

static const struct api_shape create_configuration = { S3_MEMBERS(
	S3_IN("LocationConstraint", &api_string), S3_AS("Tags", &s3_tag_set, "Tags")) };
const struct api_shape s3_create_bucket_input = { S3_MEMBERS(
	S3_URI("Bucket"), S3_FIELD("ACL", "x-amz-acl"),
	S3_FIELD("ObjectLockEnabledForBucket", "x-amz-bucket-object-lock-enabled"),
	S3_FIELD("ObjectOwnership", "x-amz-object-ownership"),
	S3_AT("CreateBucketConfiguration", &create_configuration, "payload")) };
const struct api_shape s3_create_bucket_output = { S3_MEMBERS(
	S3_FIELD("Location", "Location"), S3_FIELD("BucketRegion", "x-amz-bucket-region")) };
const struct api_shape s3_location_input = { S3_MEMBERS(S3_BUCKET_IN) };
const struct api_shape s3_location_output = { S3_MEMBERS({ .name = "LocationConstraint",
							   .shape = &api_string,
							   .wire = "LocationConstraint",
							   .location = "payload" }) };

static const struct api_shape versioning = { S3_MEMBERS(
	S3_IN("Status", &api_string), S3_AS("MFADelete", &api_string, "MfaDelete")) };
const struct api_shape s3_versioning_input = { S3_MEMBERS(S3_BUCKET_IN,
							  { .name = "VersioningConfiguration",
							    .shape = &versioning,
							    .location = "payload",
							    .required = true }) };
const struct api_shape s3_versioning_output = { S3_MEMBERS(
	S3_IN("Status", &api_string), S3_AS("MFADelete", &api_string, "MfaDelete")) };
const struct api_shape s3_tagging_input = { S3_MEMBERS(
	S3_BUCKET_IN,
	{ .name = "Tagging", .shape = &s3_tagging, .location = "payload", .required = true }) };
const struct api_shape s3_tagging_output = { S3_MEMBERS(S3_IN("TagSet", &s3_tag_set)) };
const struct api_shape s3_policy_input = { S3_MEMBERS(
	S3_BUCKET_IN,
	{ .name = "Policy", .shape = &api_string, .location = "payload", .required = true }) };
const struct api_shape s3_policy_output = { S3_MEMBERS(S3_AT("Policy", &api_string, "payload"),
						       S3_FIELD("Type", "Content-Type")) };
static const struct api_shape policy_status = { S3_MEMBERS(S3_IN("IsPublic", &api_boolean)) };
const struct api_shape s3_policy_status_input = { S3_MEMBERS(S3_BUCKET_IN) };
const struct api_shape s3_policy_status_output = { S3_MEMBERS(
	S3_AT("PolicyStatus", &policy_status, "payload")) };

static const struct api_shape grantee = { S3_MEMBERS(S3_AT("Type", &api_string, "attr:xsi:type"),
						     S3_IN("ID", &api_string),
						     S3_IN("DisplayName", &api_string)) };
static const struct api_shape grant = { S3_MEMBERS(S3_IN("Grantee", &grantee),
						   S3_IN("Permission", &api_string)) };
static const struct api_shape grants = { .kind = API_LIST, .item = &grant, .item_name = "Grant" };
const struct api_shape s3_acl_input = { S3_MEMBERS(
	S3_BUCKET_IN, { .name = "Key", .shape = &api_string, .location = "uri" },
	S3_QUERY("VersionId", "versionId")) };
const struct api_shape s3_acl_output = { S3_MEMBERS(
	S3_IN("Owner", &owner), S3_AS("Grants", &grants, "AccessControlList")) };
const struct api_shape s3_put_acl_input = { S3_MEMBERS(
	S3_BUCKET_IN, { .name = "Key", .shape = &api_string, .location = "uri" },
	S3_FIELD("ACL", "x-amz-acl"), S3_AT("Body", &api_string, "payload")) };

static const struct api_shape ownership_rule = { S3_MEMBERS(
	{ .name = "ObjectOwnership", .shape = &api_string, .required = true }) };
static const struct api_shape ownership_rules = { .kind = API_LIST,
						  .item = &ownership_rule,
						  .flattened = true };
static const struct api_shape ownership = { S3_MEMBERS(
	{ .name = "Rules", .shape = &ownership_rules, .wire = "Rule", .required = true }) };
const struct api_shape s3_ownership_input = { S3_MEMBERS(S3_BUCKET_IN,
							 { .name = "OwnershipControls",
							   .shape = &ownership,
							   .location = "payload",
							   .required = true }) };
const struct api_shape s3_ownership_output = { S3_MEMBERS(
	S3_AT("OwnershipControls", &ownership, "payload")) };
static const struct api_shape public_access = { S3_MEMBERS(
	S3_IN("BlockPublicAcls", &api_boolean), S3_IN("IgnorePublicAcls", &api_boolean),
	S3_IN("BlockPublicPolicy", &api_boolean), S3_IN("RestrictPublicBuckets", &api_boolean)) };
const struct api_shape s3_public_access_input = { S3_MEMBERS(
	S3_BUCKET_IN, { .name = "PublicAccessBlockConfiguration",
			.shape = &public_access,
			.location = "payload",
			.required = true }) };
const struct api_shape s3_public_access_output = { S3_MEMBERS(
	S3_AT("PublicAccessBlockConfiguration", &public_access, "payload")) };
static const struct api_shape filter_rule = { S3_MEMBERS(S3_IN("Name", &api_string),
							 S3_IN("Value", &api_string)) };
static const struct api_shape filter_rules = { .kind = API_LIST,
					       .item = &filter_rule,
					       .flattened = true };
static const struct api_shape key_filter = { S3_MEMBERS(
	S3_AS("FilterRules", &filter_rules, "FilterRule")) };
static const struct api_shape notification_filter = { S3_MEMBERS(
	S3_AS("Key", &key_filter, "S3Key")) };
static const struct api_shape notified_events = {
	.kind = API_LIST, .item = &api_string, .flattened = true, .min = 1, .max = 100
};
static const struct api_shape function_configuration = { S3_MEMBERS(
	S3_IN("Id", &api_string),
	{ .name = "LambdaFunctionArn",
	  .shape = &api_string,
	  .wire = "CloudFunction",
	  .required = true },
	{ .name = "Events", .shape = &notified_events, .wire = "Event", .required = true },
	S3_IN("Filter", &notification_filter)) };
static const struct api_shape function_configurations = {
	.kind = API_LIST, .item = &function_configuration, .flattened = true, .max = 100
};
/* Topics and queues are not looked into: they are refused. */
static const struct api_shape refused_configurations = { .kind = API_LIST,
							 .item = &api_shape_none,
							 .flattened = true };
static const struct api_shape notification = { S3_MEMBERS(
	S3_AS("LambdaFunctionConfigurations", &function_configurations,
	      "CloudFunctionConfiguration"),
	S3_AS("TopicConfigurations", &refused_configurations, "TopicConfiguration"),
	S3_AS("QueueConfigurations", &refused_configurations, "QueueConfiguration"),
	S3_IN("EventBridgeConfiguration", &api_shape_none)) };
const struct api_shape s3_notification_input = { S3_MEMBERS(
	S3_BUCKET_IN,
	S3_AT("SkipDestinationValidation", &api_boolean,
	      "header:x-amz-skip-destination-validation"),
	{ .name = "NotificationConfiguration",
	  .shape = &notification,
	  .location = "payload",
	  .required = true }) };
const struct api_shape s3_notification_output = { S3_MEMBERS(S3_AS(
	"LambdaFunctionConfigurations", &function_configurations, "CloudFunctionConfiguration")) };
const struct api_shape s3_payment_input = { S3_MEMBERS(S3_BUCKET_IN) };
const struct api_shape s3_payment_output = { S3_MEMBERS(S3_IN("Payer", &api_string)) };

/* ---- Objects ---- */

const struct api_shape s3_put_object_input = { S3_MEMBERS(S3_KEY_IN, S3_DESCRIPTION_IN, S3_BODY_IN,
							  S3_AT("Body", &api_blob, "payload")) };
const struct api_shape s3_put_object_output = { S3_MEMBERS(
	S3_FIELD("ETag", "ETag"), S3_FIELD("VersionId", "x-amz-version-id"), S3_CHECKSUM_FIELDS) };

static const struct api_shape part_number = { .kind = API_INTEGER, .min = 1, .max = 10000 };
const struct api_shape s3_get_object_input = { S3_MEMBERS(
	S3_KEY_IN, S3_QUERY("VersionId", "versionId"), S3_FIELD("Range", "Range"),
	S3_AT("PartNumber", &part_number, "query:partNumber"), S3_FIELD("IfMatch", "If-Match"),
	S3_FIELD("IfNoneMatch", "If-None-Match"), S3_TIME("IfModifiedSince", "If-Modified-Since"),
	S3_TIME("IfUnmodifiedSince", "If-Unmodified-Since"),
	S3_FIELD("ChecksumMode", "x-amz-checksum-mode"),
	S3_QUERY("ResponseContentType", "response-content-type"),
	S3_QUERY("ResponseCacheControl", "response-cache-control"),
	S3_QUERY("ResponseContentDisposition", "response-content-disposition"),
	S3_QUERY("ResponseContentEncoding", "response-content-encoding"),
	S3_QUERY("ResponseContentLanguage", "response-content-language"),
	S3_QUERY("ResponseExpires", "response-expires")) };
#define OBJECT_FIELDS                                                               \
	S3_DESCRIPTION, S3_FIELD("AcceptRanges", "accept-ranges"),                  \
		S3_TIME("LastModified", "Last-Modified"), S3_FIELD("ETag", "ETag"), \
		S3_FIELD("ContentRange", "Content-Range"),                          \
		S3_FIELD("VersionId", "x-amz-version-id"),                          \
		S3_AT("DeleteMarker", &api_boolean, "header:x-amz-delete-marker"),  \
		S3_AT("TagCount", &api_integer, "header:x-amz-tagging-count"),      \
		S3_AT("PartsCount", &api_integer, "header:x-amz-mp-parts-count"),   \
		S3_AT("ContentLength", &api_integer, "header:Content-Length"),      \
		S3_AT("Status", &api_integer, "status"), S3_CHECKSUM_FIELDS
const struct api_shape s3_get_object_output = { S3_MEMBERS(OBJECT_FIELDS,
							   S3_AT("Body", &api_blob, "payload")) };
const struct api_shape s3_head_object_output = { S3_MEMBERS(OBJECT_FIELDS) };

static const struct api_shape fields_list = { .kind = API_LIST, .item = &api_string };
static const struct api_shape checksum = { S3_MEMBERS(S3_CHECKSUM_ELEMENTS) };
static const struct api_shape object_parts = { S3_MEMBERS(
	S3_AS("TotalPartsCount", &api_integer, "PartsCount")) };
const struct api_shape s3_attributes_input = { S3_MEMBERS(
	S3_KEY_IN, S3_QUERY("VersionId", "versionId"),
	{ .name = "ObjectAttributes",
	  .shape = &fields_list,
	  .location = "header:x-amz-object-attributes",
	  .required = true }) };
const struct api_shape s3_attributes_output = { S3_MEMBERS(
	S3_TIME("LastModified", "Last-Modified"), S3_FIELD("VersionId", "x-amz-version-id"),
	S3_AT("DeleteMarker", &api_boolean, "header:x-amz-delete-marker"),
	S3_IN("ETag", &api_string), S3_IN("Checksum", &checksum),
	S3_IN("ObjectParts", &object_parts), S3_IN("StorageClass", &api_string),
	S3_IN("ObjectSize", &api_integer)) };

#define COPY_SOURCE                                                                          \
	{ .name = "CopySource",                                                              \
	  .shape = &api_string,                                                              \
	  .location = "header:x-amz-copy-source",                                            \
	  .required = true },                                                                \
		S3_FIELD("CopySourceIfMatch", "x-amz-copy-source-if-match"),                 \
		S3_FIELD("CopySourceIfNoneMatch", "x-amz-copy-source-if-none-match"),        \
		S3_TIME("CopySourceIfModifiedSince", "x-amz-copy-source-if-modified-since"), \
		S3_TIME("CopySourceIfUnmodifiedSince", "x-amz-copy-source-if-unmodified-since")
const struct api_shape s3_copy_object_input = { S3_MEMBERS(
	S3_KEY_IN, COPY_SOURCE, S3_DESCRIPTION_IN,
	S3_FIELD("MetadataDirective", "x-amz-metadata-directive"),
	S3_FIELD("TaggingDirective", "x-amz-tagging-directive"),
	S3_FIELD("ChecksumAlgorithm", "x-amz-checksum-algorithm")) };
static const struct api_shape copy_result = { S3_MEMBERS(
	S3_IN("ETag", &api_string), S3_IN("LastModified", &api_timestamp), S3_CHECKSUM_ELEMENTS) };
const struct api_shape s3_copy_object_output = { S3_MEMBERS(
	S3_AT("CopyObjectResult", &copy_result, "payload"),
	S3_FIELD("VersionId", "x-amz-version-id"),
	S3_FIELD("CopySourceVersionId", "x-amz-copy-source-version-id")) };

const struct api_shape s3_delete_object_input = { S3_MEMBERS(
	S3_KEY_IN, S3_QUERY("VersionId", "versionId"), S3_FIELD("IfMatch", "If-Match")) };
const struct api_shape s3_delete_object_output = { S3_MEMBERS(
	S3_AT("DeleteMarker", &api_boolean, "header:x-amz-delete-marker"),
	S3_FIELD("VersionId", "x-amz-version-id")) };
static const struct api_shape identifier = { S3_MEMBERS(
	{ .name = "Key", .shape = &api_string, .required = true }, S3_IN("VersionId", &api_string),
	S3_IN("ETag", &api_string)) };
static const struct api_shape identifiers = {
	.kind = API_LIST, .item = &identifier, .flattened = true, .min = 1, .max = 1000
};
static const struct api_shape delete_order = { S3_MEMBERS(
	{ .name = "Objects", .shape = &identifiers, .wire = "Object", .required = true },
	S3_IN("Quiet", &api_boolean)) };
const struct api_shape s3_delete_objects_input = { S3_MEMBERS(
	S3_BUCKET_IN,
	{ .name = "Delete", .shape = &delete_order, .location = "payload", .required = true }) };
static const struct api_shape deleted_one = { S3_MEMBERS(
	S3_IN("Key", &api_string), S3_IN("VersionId", &api_string),
	S3_IN("DeleteMarker", &api_boolean), S3_IN("DeleteMarkerVersionId", &api_string)) };
static const struct api_shape deleted = { .kind = API_LIST,
					  .item = &deleted_one,
					  .flattened = true };
static const struct api_shape error_one = { S3_MEMBERS(
	S3_IN("Key", &api_string), S3_IN("VersionId", &api_string), S3_IN("Code", &api_string),
	S3_IN("Message", &api_string)) };
static const struct api_shape errors = { .kind = API_LIST, .item = &error_one, .flattened = true };
const struct api_shape s3_delete_objects_output = { S3_MEMBERS(S3_IN("Deleted", &deleted),
							       S3_AS("Errors", &errors, "Error")) };

const struct api_shape s3_object_tagging_input = { S3_MEMBERS(
	S3_KEY_IN, S3_QUERY("VersionId", "versionId"), S3_AT("Tagging", &s3_tagging, "payload")) };
const struct api_shape s3_object_tagging_output = { S3_MEMBERS(
	S3_FIELD("VersionId", "x-amz-version-id"), S3_IN("TagSet", &s3_tag_set)) };

/* ---- Lists ---- */

static const struct api_shape page_size = { .kind = API_INTEGER, .min = 0, .max = INT32_MAX };
static const struct api_shape entry = { S3_MEMBERS(
	S3_IN("Key", &api_string), S3_IN("LastModified", &api_timestamp),
	S3_IN("ETag", &api_string), S3_IN("ChecksumAlgorithm", &names),
	S3_IN("ChecksumType", &api_string), S3_IN("Size", &api_integer),
	S3_IN("StorageClass", &api_string), S3_IN("Owner", &owner)) };
static const struct api_shape entries = { .kind = API_LIST, .item = &entry, .flattened = true };

#define LIST_IN                                                                         \
	S3_BUCKET_IN, S3_QUERY("Prefix", "prefix"), S3_QUERY("Delimiter", "delimiter"), \
		S3_QUERY("EncodingType", "encoding-type")
#define LIST_OUT                                                                        \
	S3_IN("Prefix", &api_string), S3_IN("Delimiter", &api_string),                  \
		S3_IN("EncodingType", &api_string), S3_IN("IsTruncated", &api_boolean), \
		S3_IN("CommonPrefixes", &prefixes)
const struct api_shape s3_list_objects_input = { S3_MEMBERS(
	LIST_IN, S3_QUERY("Marker", "marker"), S3_AT("MaxKeys", &page_size, "query:max-keys")) };
const struct api_shape s3_list_objects_output = { S3_MEMBERS(
	S3_IN("Name", &api_string), S3_IN("Marker", &api_string), S3_IN("NextMarker", &api_string),
	S3_IN("MaxKeys", &api_integer), LIST_OUT, S3_IN("Contents", &entries)) };
const struct api_shape s3_list_objects_v2_input = { S3_MEMBERS(
	LIST_IN, S3_QUERY("StartAfter", "start-after"),
	S3_QUERY("ContinuationToken", "continuation-token"),
	S3_AT("FetchOwner", &api_boolean, "query:fetch-owner"),
	S3_AT("MaxKeys", &page_size, "query:max-keys")) };
const struct api_shape s3_list_objects_v2_output = { S3_MEMBERS(
	S3_IN("Name", &api_string), S3_IN("StartAfter", &api_string),
	S3_IN("ContinuationToken", &api_string), S3_IN("NextContinuationToken", &api_string),
	S3_IN("KeyCount", &api_integer), S3_IN("MaxKeys", &api_integer), LIST_OUT,
	S3_IN("Contents", &entries)) };
static const struct api_shape version = { S3_MEMBERS(
	S3_IN("Key", &api_string), S3_IN("VersionId", &api_string), S3_IN("IsLatest", &api_boolean),
	S3_IN("LastModified", &api_timestamp), S3_IN("ETag", &api_string),
	S3_IN("ChecksumAlgorithm", &names), S3_IN("ChecksumType", &api_string),
	S3_IN("Size", &api_integer), S3_IN("StorageClass", &api_string), S3_IN("Owner", &owner)) };
static const struct api_shape versions = { .kind = API_LIST, .item = &version, .flattened = true };
const struct api_shape s3_list_versions_input = { S3_MEMBERS(
	LIST_IN, S3_QUERY("KeyMarker", "key-marker"),
	S3_QUERY("VersionIdMarker", "version-id-marker"),
	S3_AT("MaxKeys", &page_size, "query:max-keys")) };
const struct api_shape s3_list_versions_output = { S3_MEMBERS(
	S3_IN("Name", &api_string), S3_IN("KeyMarker", &api_string),
	S3_IN("VersionIdMarker", &api_string), S3_IN("NextKeyMarker", &api_string),
	S3_IN("NextVersionIdMarker", &api_string), S3_IN("MaxKeys", &api_integer), LIST_OUT,
	S3_AS("Versions", &versions, "Version"),
	S3_AS("DeleteMarkers", &versions, "DeleteMarker")) };

/* ---- Multipart uploads ---- */

const struct api_shape s3_create_upload_input = { S3_MEMBERS(
	S3_KEY_IN, S3_DESCRIPTION_IN, S3_FIELD("ChecksumAlgorithm", "x-amz-checksum-algorithm"),
	S3_FIELD("ChecksumType", "x-amz-checksum-type")) };
const struct api_shape s3_create_upload_output = { S3_MEMBERS(
	S3_IN("Bucket", &api_string), S3_IN("Key", &api_string), S3_IN("UploadId", &api_string),
	S3_FIELD("ChecksumAlgorithm", "x-amz-checksum-algorithm"),
	S3_FIELD("ChecksumType", "x-amz-checksum-type")) };
#define UPLOAD_ID                                                                       \
	{                                                                               \
		.name = "UploadId", .shape = &api_string, .location = "query:uploadId", \
		.required = true                                                        \
	}
#define PART_NUMBER                                                                          \
	{                                                                                    \
		.name = "PartNumber", .shape = &part_number, .location = "query:partNumber", \
		.required = true                                                             \
	}
const struct api_shape s3_upload_part_input = { S3_MEMBERS(
	S3_KEY_IN, UPLOAD_ID, PART_NUMBER, S3_BODY_IN, S3_AT("Body", &api_blob, "payload")) };
const struct api_shape s3_upload_part_output = { S3_MEMBERS(S3_FIELD("ETag", "ETag"),
							    S3_CHECKSUM_FIELDS) };
const struct api_shape s3_part_copy_input = { S3_MEMBERS(
	S3_KEY_IN, UPLOAD_ID, PART_NUMBER, COPY_SOURCE,
	S3_FIELD("CopySourceRange", "x-amz-copy-source-range")) };
const struct api_shape s3_part_copy_output = { S3_MEMBERS(
	S3_AT("CopyPartResult", &copy_result, "payload"),
	S3_FIELD("CopySourceVersionId", "x-amz-copy-source-version-id")) };
static const struct api_shape completed_part = { S3_MEMBERS(
	{ .name = "PartNumber", .shape = &part_number, .required = true },
	S3_IN("ETag", &api_string), S3_CHECKSUM_ELEMENTS) };
static const struct api_shape completed_parts = { .kind = API_LIST,
						  .item = &completed_part,
						  .flattened = true };
static const struct api_shape completion = { S3_MEMBERS(S3_AS("Parts", &completed_parts, "Part")) };
const struct api_shape s3_complete_upload_input = { S3_MEMBERS(
	S3_KEY_IN, UPLOAD_ID, S3_CHECKSUM_FIELDS, S3_FIELD("IfMatch", "If-Match"),
	S3_FIELD("IfNoneMatch", "If-None-Match"),
	S3_AT("MpuObjectSize", &api_integer, "header:x-amz-mp-object-size"),
	S3_AT("MultipartUpload", &completion, "payload")) };
const struct api_shape s3_complete_upload_output = { S3_MEMBERS(
	S3_IN("Location", &api_string), S3_IN("Bucket", &api_string), S3_IN("Key", &api_string),
	S3_IN("ETag", &api_string), S3_CHECKSUM_ELEMENTS,
	S3_FIELD("VersionId", "x-amz-version-id")) };
const struct api_shape s3_upload_input = { S3_MEMBERS(S3_KEY_IN, UPLOAD_ID) };
const struct api_shape s3_upload_output = { S3_MEMBERS(S3_IN("Key", &api_string)) };

static const struct api_shape part = { S3_MEMBERS(
	S3_IN("PartNumber", &api_integer), S3_IN("LastModified", &api_timestamp),
	S3_IN("ETag", &api_string), S3_IN("Size", &api_integer), S3_CHECKSUM_ELEMENTS) };
static const struct api_shape parts = { .kind = API_LIST, .item = &part, .flattened = true };
const struct api_shape s3_list_parts_input = { S3_MEMBERS(
	S3_KEY_IN, UPLOAD_ID, S3_AT("MaxParts", &page_size, "query:max-parts"),
	S3_AT("PartNumberMarker", &page_size, "query:part-number-marker")) };
const struct api_shape s3_list_parts_output = { S3_MEMBERS(
	S3_IN("Bucket", &api_string), S3_IN("Key", &api_string), S3_IN("UploadId", &api_string),
	S3_IN("PartNumberMarker", &api_integer), S3_IN("NextPartNumberMarker", &api_integer),
	S3_IN("MaxParts", &api_integer), S3_IN("IsTruncated", &api_boolean),
	S3_AS("Parts", &parts, "Part"), S3_IN("Initiator", &owner), S3_IN("Owner", &owner),
	S3_IN("StorageClass", &api_string), S3_IN("ChecksumAlgorithm", &api_string),
	S3_IN("ChecksumType", &api_string)) };
static const struct api_shape upload = { S3_MEMBERS(
	S3_IN("Key", &api_string), S3_IN("UploadId", &api_string),
	S3_IN("Initiated", &api_timestamp), S3_IN("StorageClass", &api_string),
	S3_IN("Owner", &owner), S3_IN("Initiator", &owner), S3_IN("ChecksumAlgorithm", &api_string),
	S3_IN("ChecksumType", &api_string)) };
static const struct api_shape uploads = { .kind = API_LIST, .item = &upload, .flattened = true };
const struct api_shape s3_list_uploads_input = { S3_MEMBERS(
	LIST_IN, S3_QUERY("KeyMarker", "key-marker"),
	S3_QUERY("UploadIdMarker", "upload-id-marker"),
	S3_AT("MaxUploads", &page_size, "query:max-uploads")) };
const struct api_shape s3_list_uploads_output = { S3_MEMBERS(
	S3_IN("Bucket", &api_string), S3_IN("KeyMarker", &api_string),
	S3_IN("UploadIdMarker", &api_string), S3_IN("NextKeyMarker", &api_string),
	S3_IN("NextUploadIdMarker", &api_string), S3_IN("MaxUploads", &api_integer), LIST_OUT,
	S3_AS("Uploads", &uploads, "Upload")) };
