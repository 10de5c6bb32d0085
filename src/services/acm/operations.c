/*
 * operations: the table of ACM's operations that exist here, and their shapes.
 */
#include "api/rows.h"
#include "services/acm/acm_internal.h"

/* ---- Leaves ---- */
STRING(arn, 20, 2048, NULL);
STRING(tag_key, 1, 128, NULL);
STRING(tag_value, 0, 256, NULL);
STRING(domain, 1, 253, NULL);
STRING(token, 1, 32, NULL);
STRING(next_token, 1, 10000, NULL);
static const struct api_shape max_items = { .kind = API_INTEGER, .min = 1, .max = 1000 };
ENUM(key_algorithm, "RSA_1024", "RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1",
     "EC_secp521r1");
ENUM(request_algorithm, "RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1",
     "EC_secp521r1");
ENUM(validation_method, "EMAIL", "DNS", "HTTP");
ENUM(status, "PENDING_VALIDATION", "ISSUED", "INACTIVE", "EXPIRED", "VALIDATION_TIMED_OUT",
     "REVOKED", "FAILED");
ENUM(sort_by, "CREATED_AT");
ENUM(sort_order, "ASCENDING", "DESCENDING");
ENUM(preference, "ENABLED", "DISABLED");

STRUCTURE(tag, R("Key", &tag_key), M("Value", &tag_value));
LIST_BETWEEN(tags, &tag, 1, 53); /* three of them may be AWS's own */
LIST(some_tags, &tag);
LIST(texts, &api_string);
LIST_BETWEEN(domains, &domain, 1, 100);

/* ---- Certificates ---- */
STRUCTURE(record, M("Name", &api_string), M("Type", &api_string), M("Value", &api_string));
STRUCTURE(validation, M("DomainName", &api_string), M("ValidationEmails", &texts),
	  M("ValidationDomain", &api_string), M("ValidationStatus", &api_string),
	  M("ResourceRecord", &record), M("ValidationMethod", &api_string));
LIST(validations, &validation);
STRUCTURE(key_usage, M("Name", &api_string));
LIST(key_usages, &key_usage);
STRUCTURE(extended_key_usage, M("Name", &api_string), M("OID", &api_string));
LIST(extended_key_usages, &extended_key_usage);
STRUCTURE(certificate_options, M("CertificateTransparencyLoggingPreference", &preference));
STRUCTURE(certificate, M("CertificateArn", &api_string), M("DomainName", &api_string),
	  M("SubjectAlternativeNames", &texts), M("DomainValidationOptions", &validations),
	  M("Serial", &api_string), M("Subject", &api_string), M("Issuer", &api_string),
	  M("CreatedAt", &api_timestamp), M("IssuedAt", &api_timestamp),
	  M("ImportedAt", &api_timestamp), M("Status", &api_string), M("NotBefore", &api_timestamp),
	  M("NotAfter", &api_timestamp), M("KeyAlgorithm", &api_string),
	  M("SignatureAlgorithm", &api_string), M("InUseBy", &texts), M("Type", &api_string),
	  M("KeyUsages", &key_usages), M("ExtendedKeyUsages", &extended_key_usages),
	  M("RenewalEligibility", &api_string), M("Options", &certificate_options));
STRUCTURE(summary, M("CertificateArn", &api_string), M("DomainName", &api_string),
	  M("SubjectAlternativeNameSummaries", &texts),
	  M("HasAdditionalSubjectAlternativeNames", &api_boolean), M("Status", &api_string),
	  M("Type", &api_string), M("KeyAlgorithm", &api_string), M("KeyUsages", &texts),
	  M("ExtendedKeyUsages", &texts), M("InUse", &api_boolean),
	  M("RenewalEligibility", &api_string), M("NotBefore", &api_timestamp),
	  M("NotAfter", &api_timestamp), M("CreatedAt", &api_timestamp),
	  M("IssuedAt", &api_timestamp), M("ImportedAt", &api_timestamp));
LIST(summaries, &summary);

/* ---- Operations ---- */
STRUCTURE(arn_in, R("CertificateArn", &arn));
STRUCTURE(arn_out, M("CertificateArn", &api_string));
STRUCTURE(import_in, M("CertificateArn", &arn), R("Certificate", &api_blob),
	  R("PrivateKey", &api_blob), M("CertificateChain", &api_blob), M("Tags", &tags));
STRUCTURE(request_in, R("DomainName", &domain), M("ValidationMethod", &validation_method),
	  M("SubjectAlternativeNames", &domains), M("IdempotencyToken", &token),
	  M("Options", &certificate_options), M("CertificateAuthorityArn", &arn), M("Tags", &tags),
	  M("KeyAlgorithm", &request_algorithm));
STRUCTURE(describe_out, M("Certificate", &certificate));
STRUCTURE(get_out, M("Certificate", &api_string), M("CertificateChain", &api_string));
LIST(statuses, &status);
LIST(key_types, &key_algorithm);
STRUCTURE(includes, M("extendedKeyUsage", &texts), M("keyUsage", &texts),
	  M("keyTypes", &key_types));
STRUCTURE(list_in, M("CertificateStatuses", &statuses), M("Includes", &includes),
	  M("NextToken", &next_token), M("MaxItems", &max_items), M("SortBy", &sort_by),
	  M("SortOrder", &sort_order));
STRUCTURE(list_out, M("NextToken", &api_string), M("CertificateSummaryList", &summaries));
STRUCTURE(tags_in, R("CertificateArn", &arn), R("Tags", &tags));
STRUCTURE(tags_out, M("Tags", &some_tags));

#define OPERATION(name_, effect_, input_, output_, handle_)                    \
	{                                                                      \
		ROW_OPERATION("acm", name_, effect_, input_, output_, handle_) \
	}

const struct api_operation acm_operations[] = {
	OPERATION("ImportCertificate", API_WRITES, &import_in, &arn_out, acm_import),
	OPERATION("RequestCertificate", API_WRITES, &request_in, &arn_out, acm_request),
	OPERATION("RenewCertificate", API_WRITES, &arn_in, &api_shape_none, acm_renew),
	OPERATION("DescribeCertificate", API_READS, &arn_in, &describe_out, acm_describe),
	OPERATION("ListCertificates", API_READS, &list_in, &list_out, acm_list),
	OPERATION("GetCertificate", API_READS, &arn_in, &get_out, acm_get_certificate),
	OPERATION("DeleteCertificate", API_WRITES, &arn_in, &api_shape_none, acm_delete),
	OPERATION("AddTagsToCertificate", API_WRITES, &tags_in, &api_shape_none, acm_add_tags_to),
	OPERATION("RemoveTagsFromCertificate", API_WRITES, &tags_in, &api_shape_none,
		  acm_remove_tags_from),
	OPERATION("ListTagsForCertificate", API_READS, &arn_in, &tags_out, acm_list_tags_for),
};
const size_t acm_operation_count = COUNT(acm_operations);
