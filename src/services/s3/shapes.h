/*
 * shapes: the pieces that S3's shapes are written with, and those that several files need.
 */
#ifndef SERVICES_S3_SHAPES_H
#define SERVICES_S3_SHAPES_H

#include "api/shape.h"

#define S3_MEMBERS(...)                                               \
	.kind = API_STRUCTURE, .members = (const struct api_member[]) \
	{                                                             \
		__VA_ARGS__, API_END                                  \
	}
#define S3_URI(n)                                                                    \
	{                                                                            \
		.name = n, .shape = &api_string, .location = "uri", .required = true \
	}
#define S3_FIELD(n, f)                                                   \
	{                                                                \
		.name = n, .shape = &api_string, .location = "header:" f \
	}
#define S3_TIME(n, f)                                                       \
	{                                                                   \
		.name = n, .shape = &api_timestamp, .location = "header:" f \
	}
#define S3_QUERY(n, q)                                                  \
	{                                                               \
		.name = n, .shape = &api_string, .location = "query:" q \
	}
#define S3_IN(n, s)                   \
	{                             \
		.name = n, .shape = s \
	}
#define S3_AS(n, s, w)                           \
	{                                        \
		.name = n, .shape = s, .wire = w \
	}
#define S3_AT(n, s, l)                               \
	{                                            \
		.name = n, .shape = s, .location = l \
	}

/* In every request but ListBuckets, and the answers' checksums. */
#define S3_BUCKET_IN \
	S3_URI("Bucket"), S3_FIELD("ExpectedBucketOwner", "x-amz-expected-bucket-owner")
#define S3_KEY_IN S3_BUCKET_IN, S3_URI("Key")
#define S3_CHECKSUM_FIELDS                                                 \
	S3_FIELD("ChecksumCRC32", "x-amz-checksum-crc32"),                 \
		S3_FIELD("ChecksumCRC32C", "x-amz-checksum-crc32c"),       \
		S3_FIELD("ChecksumCRC64NVME", "x-amz-checksum-crc64nvme"), \
		S3_FIELD("ChecksumSHA1", "x-amz-checksum-sha1"),           \
		S3_FIELD("ChecksumSHA256", "x-amz-checksum-sha256"),       \
		S3_FIELD("ChecksumType", "x-amz-checksum-type")
#define S3_CHECKSUM_ELEMENTS                                                                 \
	S3_IN("ChecksumCRC32", &api_string), S3_IN("ChecksumCRC32C", &api_string),           \
		S3_IN("ChecksumCRC64NVME", &api_string), S3_IN("ChecksumSHA1", &api_string), \
		S3_IN("ChecksumSHA256", &api_string), S3_IN("ChecksumType", &api_string)
/* Of the body that comes with the request. */
#define S3_BODY_IN                                                                   \
	S3_FIELD("ContentMD5", "Content-MD5"), S3_FIELD("Trailer", "x-amz-trailer"), \
		S3_FIELD("ChecksumAlgorithm", "x-amz-sdk-checksum-algorithm"), S3_CHECKSUM_FIELDS
/* What is kept of an object, and what is refused. */
#define S3_DESCRIPTION                                                                           \
	S3_FIELD("ContentType", "Content-Type"), S3_FIELD("CacheControl", "Cache-Control"),      \
		S3_FIELD("ContentDisposition", "Content-Disposition"),                           \
		S3_FIELD("ContentEncoding", "Content-Encoding"),                                 \
		S3_FIELD("ContentLanguage", "Content-Language"), S3_FIELD("Expires", "Expires"), \
		S3_AT("Metadata", &s3_metadata, "headers:x-amz-meta-")
#define S3_DESCRIPTION_IN                                                                   \
	S3_DESCRIPTION, S3_FIELD("Tagging", "x-amz-tagging"), S3_FIELD("ACL", "x-amz-acl"), \
		S3_FIELD("StorageClass", "x-amz-storage-class"),                            \
		S3_FIELD("ServerSideEncryption", "x-amz-server-side-encryption"),           \
		S3_FIELD("SSECustomerAlgorithm",                                            \
			 "x-amz-server-side-encryption-customer-algorithm"),                \
		S3_FIELD("WebsiteRedirectLocation", "x-amz-website-redirect-location"),     \
		S3_FIELD("ObjectLockMode", "x-amz-object-lock-mode"),                       \
		S3_FIELD("ObjectLockLegalHoldStatus", "x-amz-object-lock-legal-hold"),      \
		S3_FIELD("IfMatch", "If-Match"), S3_FIELD("IfNoneMatch", "If-None-Match")

extern const struct api_shape s3_metadata, s3_tag_set, s3_tagging, s3_bucket_only, s3_bucket_input;

#define S3_SHAPE(name) extern const struct api_shape s3_##name##_input, s3_##name##_output;
S3_SHAPE(list_buckets)
S3_SHAPE(create_bucket)
S3_SHAPE(location)
S3_SHAPE(versioning)
S3_SHAPE(tagging)
S3_SHAPE(policy)
S3_SHAPE(policy_status)
S3_SHAPE(acl)
S3_SHAPE(ownership)
S3_SHAPE(public_access)
S3_SHAPE(notification)
S3_SHAPE(payment)
S3_SHAPE(put_object)
S3_SHAPE(get_object)
S3_SHAPE(attributes)
S3_SHAPE(copy_object)
S3_SHAPE(delete_object)
S3_SHAPE(delete_objects)
S3_SHAPE(list_objects)
S3_SHAPE(list_objects_v2)
S3_SHAPE(list_versions)
S3_SHAPE(object_tagging)
S3_SHAPE(create_upload)
S3_SHAPE(upload_part)
S3_SHAPE(part_copy)
S3_SHAPE(complete_upload)
S3_SHAPE(upload)
S3_SHAPE(list_parts)
S3_SHAPE(list_uploads)
#undef S3_SHAPE
extern const struct api_shape s3_put_acl_input, s3_head_object_output;

#endif
