/* describe: looking at certificates, and deleting them. */
#include "services/acm/acm_internal.h"

#include <stdlib.h>

#include "base/encode.h"

static json_t *users_of(const struct acm *acm, const json_t *api)
{
	return acm->options.users(acm->options.owner, acm_text(api, "CertificateArn"));
}

/* As it is now: with its users and what time did to it. A copy, held. */
static err_t present(struct api_call *call, const json_t *body, json_t **ret_api)
{
	const struct acm *acm = acm_of(call)->acm;
	json_t *api = acm_hold(call, json_deep_copy(json_object_get(body, "api")));

	if (!api)
		return ERR_NOMEM;
	TRY(acm_set(api, "Status", json_string(acm_status(acm, api))));
	TRY(acm_set(api, "InUseBy", users_of(acm, api)));
	*ret_api = api;
	return ERR_OK;
}

err_t acm_describe(struct api_call *call)
{
	json_t *body, *api;

	TRY(acm_get(call, &body));
	TRY(present(call, body, &api));
	return json_object_set(call->output, "Certificate", api) ? ERR_NOMEM : ERR_OK;
}

err_t acm_get_certificate(struct api_call *call)
{
	const char *chain;
	json_t *body;

	TRY(acm_get(call, &body));
	if (!acm_text(body, "certificate"))
		return api_fault(call, "RequestInProgressException",
				 "The certificate %s has not been issued yet.",
				 acm_text(call->input, "CertificateArn"));
	TRY(acm_set(call->output, "Certificate", json_string(acm_text(body, "certificate"))));
	chain = acm_text(body, "chain");
	return chain && chain[0] ? acm_set(call->output, "CertificateChain", json_string(chain))
				 : ERR_OK;
}

err_t acm_delete(struct api_call *call)
{
	const struct acm *acm = acm_of(call)->acm;
	const char *arn = acm_text(call->input, "CertificateArn");
	json_t *body, *users;

	TRY(acm_get(call, &body));
	users = acm_hold(call, users_of(acm, json_object_get(body, "api")));
	if (!users)
		return ERR_NOMEM;
	if (json_array_size(users))
		return api_fault(call, "ResourceInUseException",
				 "Certificate %s in account %s is in use.", arn,
				 acm->options.account);
	acm_of(call)->wrote = true;
	return store_delete(acm_of(call)->txn, KIND_CERTIFICATE, arn);
}

/* ---- List ---- */

static bool lists(const json_t *list, const char *value)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (strcmp(json_string_value(json_array_get(list, i)), value) == 0)
			return true;
	return false;
}

static bool any_named(const json_t *wanted, const json_t *usages)
{
	for (size_t i = 0; i < json_array_size(usages); i++)
		if (lists(wanted, acm_text(json_array_get(usages, i), "Name")))
			return true;
	return !json_array_size(wanted) || lists(wanted, "ANY");
}

/* Without a filter by key type only RSA of 1024 and 2048 bits is listed: AWS's own odd rule. */
static bool matches(const json_t *input, const json_t *api)
{
	const json_t *statuses = json_object_get(input, "CertificateStatuses");
	const json_t *includes = json_object_get(input, "Includes");
	const json_t *types = json_object_get(includes, "keyTypes");
	const char *type = acm_text(api, "KeyAlgorithm");

	if (json_array_size(statuses) && !lists(statuses, acm_text(api, "Status")))
		return false;
	if (json_array_size(types) ? !lists(types, type)
				   : strcmp(type, "RSA_2048") != 0 && strcmp(type, "RSA_1024") != 0)
		return false;
	return any_named(json_object_get(includes, "keyUsage"),
			 json_object_get(api, "KeyUsages")) &&
	       any_named(json_object_get(includes, "extendedKeyUsage"),
			 json_object_get(api, "ExtendedKeyUsages"));
}

static json_t *names_of(const json_t *usages)
{
	json_t *names = json_array();

	for (size_t i = 0; names && i < json_array_size(usages); i++)
		json_array_append(names, json_object_get(json_array_get(usages, i), "Name"));
	return names;
}

static err_t summarise(json_t *api, json_t *list)
{
	static const char *const same[] = {
		"CertificateArn",     "DomainName", "Status",	 "Type",     "KeyAlgorithm",
		"NotBefore",	      "NotAfter",   "CreatedAt", "IssuedAt", "ImportedAt",
		"RenewalEligibility",
	};
	json_t *summary = json_object(), *value;

	if (json_array_append_new(list, summary))
		return ERR_NOMEM;
	for (size_t i = 0; i < COUNT(same); i++) {
		value = json_object_get(api, same[i]);
		if (value && json_object_set(summary, same[i], value))
			return ERR_NOMEM;
	}
	TRY(acm_set(summary, "InUse",
		    json_boolean(json_array_size(json_object_get(api, "InUseBy")) > 0)));
	if (json_object_set(summary, "SubjectAlternativeNameSummaries",
			    json_object_get(api, "SubjectAlternativeNames")))
		return ERR_NOMEM;
	TRY(acm_set(summary, "HasAdditionalSubjectAlternativeNames", json_false()));
	TRY(acm_set(summary, "KeyUsages", names_of(json_object_get(api, "KeyUsages"))));
	return acm_set(summary, "ExtendedKeyUsages",
		       names_of(json_object_get(api, "ExtendedKeyUsages")));
}

/* The token is the ARN of the last one answered. */
static err_t start_of(struct api_call *call, const json_t *all, size_t *ret_start)
{
	const char *token = acm_text(call->input, "NextToken");

	*ret_start = 0;
	for (size_t i = 0; token && i < json_array_size(all); i++) {
		const json_t *api = json_object_get(json_array_get(all, i), "api");

		if (strcmp(acm_text(api, "CertificateArn"), token) == 0) {
			*ret_start = i + 1;
			return ERR_OK;
		}
	}
	return token ? api_fault(call, "ValidationException", "The NextToken is not valid.")
		     : ERR_OK;
}

static err_t reverse(struct api_call *call, json_t **all)
{
	json_t *turned = acm_hold(call, json_array());

	for (size_t i = json_array_size(*all); turned && i-- > 0;)
		if (json_array_append(turned, json_array_get(*all, i)))
			return ERR_NOMEM;
	*all = turned;
	return turned ? ERR_OK : ERR_NOMEM;
}

err_t acm_list(struct api_call *call)
{
	const json_t *limit = json_object_get(call->input, "MaxItems");
	const char *order = acm_text(call->input, "SortOrder"), *last = NULL;
	size_t left = limit ? (size_t)json_integer_value(limit) : 1000, start;
	json_t *all, *api, *list = json_array();

	TRY(acm_set(call->output, "CertificateSummaryList", list));
	TRY(acm_all(call, &all));
	if (order && strcmp(order, "DESCENDING") == 0)
		TRY(reverse(call, &all));
	TRY(start_of(call, all, &start));
	for (size_t i = start; i < json_array_size(all); i++) {
		TRY(present(call, json_array_get(all, i), &api));
		if (!matches(call->input, api))
			continue;
		if (!left--)
			return acm_set(call->output, "NextToken", json_string(last));
		TRY(summarise(api, list));
		last = acm_text(api, "CertificateArn");
	}
	return ERR_OK;
}
