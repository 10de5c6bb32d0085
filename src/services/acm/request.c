/* request: certificates that ACM itself is to issue. */
#include "services/acm/acm_internal.h"

#include <stdio.h>

#include "crypto/digest.h"

enum { TOKEN_LIVES_MS = 3600 * 1000 };

/* ---- Names ---- */

/* Labels of letters, digits and hyphens; a wildcard may stand for the first. */
static bool is_host_name(const char *name)
{
	size_t label = 0;

	if (strncmp(name, "*.", 2) == 0)
		name += 2;
	for (const char *c = name; *c; c++) {
		char low = ascii_lower(*c);
		bool plain = (low >= 'a' && low <= 'z') || (low >= '0' && low <= '9');

		if (*c == '.') {
			if (label == 0 || c[-1] == '-' || !c[1])
				return false;
			label = 0;
			continue;
		}
		if ((!plain && *c != '-') || (*c == '-' && label == 0) || ++label > 63)
			return false;
	}
	return label > 0 && name[strlen(name) - 1] != '-';
}

static err_t add_name(struct api_call *call, json_t *names, const char *name)
{
	char low[254];
	size_t len = strlen(name);

	if (len >= sizeof low || !is_host_name(name) ||
	    (!strchr(name, '.') && !authority_covers(name)))
		return api_fault(call, "ValidationException", "'%s' is not a domain name.", name);
	for (size_t i = 0; i <= len; i++)
		low[i] = ascii_lower(name[i]);
	for (size_t i = 0; i < json_array_size(names); i++)
		if (strcmp(json_string_value(json_array_get(names, i)), low) == 0)
			return ERR_OK;
	return json_array_append_new(names, json_string(low)) ? ERR_NOMEM : ERR_OK;
}

static err_t read_names(struct api_call *call, json_t *names)
{
	json_t *name;
	size_t i;

	TRY(add_name(call, names, acm_text(call->input, "DomainName")));
	json_array_foreach (json_object_get(call->input, "SubjectAlternativeNames"), i, name)
		TRY(add_name(call, names, json_string_value(name)));
	if (json_array_size(names) > ACM_NAMES_MAX)
		return api_fault(call, "LimitExceededException",
				 "A certificate can have at most %d domain names.", ACM_NAMES_MAX);
	return ERR_OK;
}

/* ---- How a name is validated ---- */

/* The record that would prove the name, the same for the same account and name, as on AWS. */
static json_t *resource_record(const struct acm *acm, const char *domain)
{
	char left[SHA256_HEX_BYTES + 1], right[SHA256_HEX_BYTES + 1], seed[512];

	snprintf(seed, sizeof seed, "%s name %s", acm->options.account, domain);
	sha256_hex(bytes_of(seed), left);
	snprintf(seed, sizeof seed, "%s value %s", acm->options.account, domain);
	sha256_hex(bytes_of(seed), right);
	return json_pack("{s:o, s:s, s:o}", "Name", json_sprintf("_%.32s.%s.", left, domain),
			 "Type", "CNAME", "Value",
			 json_sprintf("_%.32s.acm-validations.aws.", right));
}

static err_t add_validation(struct api_call *call, json_t *list, const char *name)
{
	const struct acm *acm = acm_of(call)->acm;
	const char *method = acm_text(call->input, "ValidationMethod");
	const char *domain = strncmp(name, "*.", 2) == 0 ? name + 2 : name;
	json_t *option = json_pack("{s:s, s:s, s:s, s:s}", "DomainName", name, "ValidationDomain",
				   domain, "ValidationStatus", "PENDING_VALIDATION",
				   "ValidationMethod", method ? method : "EMAIL");

	if (json_array_append_new(list, option))
		return ERR_NOMEM;
	if (method && strcmp(method, "DNS") == 0)
		return acm_set(option, "ResourceRecord", resource_record(acm, domain));
	return ERR_OK;
}

/* ---- Requests ---- */

/* The same token within an hour means the same request. */
static err_t find_by_token(struct api_call *call, const char *domain, const char **ret_arn)
{
	const char *token = acm_text(call->input, "IdempotencyToken");
	uint64_t now = acm_now_ms(acm_of(call)->acm);
	json_t *all, *body;
	size_t i;

	*ret_arn = NULL;
	if (!token)
		return ERR_OK;
	TRY(acm_all(call, &all));
	json_array_foreach (all, i, body) {
		const json_t *api = json_object_get(body, "api");
		const char *other = acm_text(body, "token");
		uint64_t made = (uint64_t)json_integer_value(json_object_get(api, "CreatedAt"));

		if (other && strcmp(other, token) == 0 && made + TOKEN_LIVES_MS > now &&
		    strcmp(acm_text(api, "DomainName"), domain) == 0)
			*ret_arn = acm_text(api, "CertificateArn");
	}
	return ERR_OK;
}

static err_t fill(struct api_call *call, json_t *body, json_t *names)
{
	const char *algorithm = acm_text(call->input, "KeyAlgorithm");
	const char *token = acm_text(call->input, "IdempotencyToken");
	json_t *api = json_object_get(body, "api"), *validations = json_array(), *name;
	json_t *options = json_object_get(call->input, "Options");
	size_t i;

	TRY(acm_set(api, "DomainValidationOptions", validations));
	TRY(acm_set(api, "DomainName", json_incref(json_array_get(names, 0))));
	TRY(acm_set(api, "SubjectAlternativeNames", json_incref(names)));
	TRY(acm_set(api, "Status", json_string("PENDING_VALIDATION")));
	TRY(acm_set(api, "KeyAlgorithm", json_string(algorithm ? algorithm : "RSA_2048")));
	TRY(acm_set(api, "RenewalEligibility", json_string("INELIGIBLE")));
	TRY(acm_set(api, "Options",
		    options ? json_deep_copy(options)
			    : json_pack("{s:s}", "CertificateTransparencyLoggingPreference",
					"ENABLED")));
	if (token)
		TRY(acm_set(body, "token", json_string(token)));
	json_array_foreach (names, i, name)
		TRY(add_validation(call, validations, json_string_value(name)));
	return acm_add_tags(call, body, json_object_get(call->input, "Tags"));
}

err_t acm_request(struct api_call *call)
{
	json_t *names = acm_hold(call, json_array()), *body;
	const char *arn;

	if (!names)
		return ERR_NOMEM;
	if (acm_text(call->input, "CertificateAuthorityArn"))
		return api_fault(call, "InvalidArnException",
				 "There is no private certificate authority here: leave out "
				 "CertificateAuthorityArn.");
	TRY(read_names(call, names));
	TRY(find_by_token(call, json_string_value(json_array_get(names, 0)), &arn));
	if (arn)
		return acm_set(call->output, "CertificateArn", json_string(arn));
	TRY(acm_new(call, "AMAZON_ISSUED", &body));
	TRY(fill(call, body, names));
	TRY(acm_put(call, body, true));
	acm_of(call)->issue = true;
	return acm_set(
		call->output, "CertificateArn",
		json_incref(json_object_get(json_object_get(body, "api"), "CertificateArn")));
}

err_t acm_renew(struct api_call *call)
{
	json_t *body, *api;

	TRY(acm_get(call, &body));
	api = json_object_get(body, "api");
	if (strcmp(acm_text(api, "RenewalEligibility"), "ELIGIBLE") != 0)
		return api_fault(call, "ValidationException",
				 "The certificate %s is not eligible for renewal.",
				 acm_text(call->input, "CertificateArn"));
	TRY(acm_set(api, "renew", json_true()));
	acm_of(call)->issue = true;
	return acm_put(call, body, false);
}
