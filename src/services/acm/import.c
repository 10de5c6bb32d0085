/* import: certificates that users bring, and bring anew. */
#include "services/acm/acm_internal.h"

#include "base/encode.h"

struct parts {
	struct text certificate, chain, key;
};

static void parts_fini(struct parts *parts)
{
	text_fini(&parts->certificate);
	text_fini(&parts->chain);
	if (parts->key.at)
		explicit_bzero(parts->key.at, parts->key.cap);
	text_fini(&parts->key);
}

static err_t decode(struct api_call *call, const char *member, struct text *out)
{
	const char *base64 = acm_text(call->input, member);
	err_t err = ERR_OK;

	text_init(out, ACM_PEM_MAX);
	if (base64)
		err = decode_base64(out, bytes_of(base64));
	if (err == ERR_NOMEM || !err)
		return err;
	return api_fault(call, "ValidationException",
			 "%s: it is longer than %d bytes, or no base64.", member, ACM_PEM_MAX);
}

static err_t decode_all(struct api_call *call, struct parts *parts)
{
	TRY(decode(call, "Certificate", &parts->certificate));
	TRY(decode(call, "CertificateChain", &parts->chain));
	return decode(call, "PrivateKey", &parts->key);
}

static err_t check(struct api_call *call, const struct parts *parts, const char *arn)
{
	struct identity_pems pems = { text_bytes(&parts->certificate), text_bytes(&parts->chain),
				      text_bytes(&parts->key) };
	enum identity_problem problem;
	struct identity *identity = NULL;
	err_t err = identity_read(&pems, bytes_of(arn), acm_now_ms(acm_of(call)->acm) / 1000,
				  &identity, &problem);

	identity_unref(identity);
	if (err == ERR_NOMEM)
		return err;
	if (problem)
		return api_fault(call, "ValidationException",
				 "The certificate cannot be imported: %s.",
				 identity_problem_words(problem));
	return ERR_OK;
}

static err_t seal_key(struct acm *acm, const struct parts *parts, const char *arn, json_t *body)
{
	struct text sealed = TEXT_INIT(2 * ACM_PEM_MAX);
	err_t err = seal_text(acm->options.seal_key, text_bytes(&parts->key), bytes_of(arn),
			      &sealed);

	if (!err)
		err = acm_set(body, "key", json_string(text_str(&sealed)));
	text_fini(&sealed);
	return err;
}

static err_t fill(struct api_call *call, const struct parts *parts, json_t *body)
{
	struct acm *acm = acm_of(call)->acm;
	json_t *api = json_object_get(body, "api");
	const char *arn = acm_text(api, "CertificateArn");

	TRY(check(call, parts, arn));
	TRY(acm_describe_certificate(acm, text_bytes(&parts->certificate), api));
	TRY(acm_set(api, "Status", json_string("ISSUED")));
	TRY(acm_set(api, "ImportedAt", json_integer((json_int_t)acm_now_ms(acm))));
	TRY(acm_set(api, "RenewalEligibility", json_string("INELIGIBLE")));
	TRY(acm_set(body, "certificate", json_string(text_str(&parts->certificate))));
	TRY(acm_set(body, "chain", json_string(text_str(&parts->chain))));
	return seal_key(acm, parts, arn, body);
}

/* In the place of another: what serves with it goes over to the new one, and cuts nothing. */
static err_t find_imported(struct api_call *call, json_t **ret_body)
{
	if (json_array_size(json_object_get(call->input, "Tags")))
		return api_fault(call, "InvalidParameterException",
				 "Tags cannot be given when a certificate is imported again; use "
				 "AddTagsToCertificate.");
	TRY(acm_get(call, ret_body));
	if (strcmp(acm_text(json_object_get(*ret_body, "api"), "Type"), "IMPORTED") != 0)
		return api_fault(call, "ValidationException",
				 "The certificate %s was not imported, so it cannot be imported "
				 "again.",
				 acm_text(call->input, "CertificateArn"));
	return ERR_OK;
}

static err_t import(struct api_call *call, struct parts *parts)
{
	bool again = acm_text(call->input, "CertificateArn") != NULL;
	json_t *body;

	TRY(decode_all(call, parts));
	if (again) {
		TRY(find_imported(call, &body));
	} else {
		TRY(acm_new(call, "IMPORTED", &body));
		TRY(acm_add_tags(call, body, json_object_get(call->input, "Tags")));
	}
	TRY(fill(call, parts, body));
	TRY(acm_put(call, body, !again));
	return json_object_set(call->output, "CertificateArn",
			       json_object_get(json_object_get(body, "api"), "CertificateArn"))
		       ? ERR_NOMEM
		       : ERR_OK;
}

err_t acm_import(struct api_call *call)
{
	struct parts parts = { .chain = TEXT_INIT(0) };
	err_t err = import(call, &parts);

	parts_fini(&parts);
	return err;
}
