/*
 * certificates: what HTTPS listeners have that others have not: policy and certificates, checked;
 * and the list of further certificates.
 */
#include "services/elbv2/elbv2_internal.h"

enum { MORE_CERTIFICATES_MAX = 25 };

#define DEFAULT_POLICY "ELBSecurityPolicy-2016-08"

/* ---- Policies ---- */

static err_t check_policy(struct api_call *call, const char *name)
{
	struct tls_policy policy;

	if (ssl_policy_get(name, &policy))
		return api_fault(call, "SSLPolicyNotFound", "SSL policy '%s' not found", name);
	if (tls_policy_check(&policy) == ERR_OK)
		return ERR_OK;
	return api_fault(
		call, "InvalidConfigurationRequest",
		"SSL policy '%s' is not supported here: the TLS library of this machine has no %s",
		name,
		policy.fips	? "validated FIPS module"
		: policy.groups ? "post-quantum key exchange (ML-KEM)"
				: "implementation of all its ciphers");
}

/* ---- Certificates ---- */

/* Asks another service, so no transaction may be open: before anything else is read. */
static err_t check_certificate(struct api_call *call, const char *arn)
{
	struct elbv2 *elbv2 = elbv2_of(call);
	struct identity *identity = NULL;
	err_t err;

	if (!arn)
		return api_fault(call, "ValidationError", "A certificate ARN must be specified");
	call_leave_store(call);
	err = elbv2->options.identity(elbv2->options.owner, arn, &identity);
	identity_unref(identity);
	if (err == ERR_NOT_FOUND)
		return api_fault(call, "CertificateNotFound", "Certificate '%s' not found", arn);
	if (err == ERR_AGAIN)
		return api_fault(call, "UnsupportedCertificate",
				 "The certificate '%s' cannot be used: it has not been issued yet",
				 arn);
	return err;
}

static err_t check_listed(struct api_call *call, const json_t *list)
{
	const json_t *item;
	size_t i;

	json_array_foreach (list, i, item) {
		if (json_object_get(item, "IsDefault"))
			return api_fault(call, "ValidationError",
					 "IsDefault cannot be specified for a certificate");
		TRY(check_certificate(call, get_string(item, "CertificateArn")));
	}
	return ERR_OK;
}

/* ---- Listeners ---- */

/* What only HTTPS listeners have. */
static err_t refuse_tls_members(struct api_call *call)
{
	const json_t *in = call->input;
	const char *mode = get_filled(json_object_get(in, "MutualAuthentication"), "Mode");

	if (get_filled(in, "SslPolicy"))
		return api_fault(call, "ValidationError",
				 "An SSL policy cannot be specified for HTTP listeners");
	if (json_array_size(json_object_get(in, "Certificates")))
		return api_fault(call, "ValidationError",
				 "A certificate cannot be specified for HTTP listeners");
	if (mode && strcmp(mode, "off") != 0)
		return api_fault(call, "ValidationError",
				 "Mutual authentication cannot be specified for HTTP listeners");
	return ERR_OK;
}

err_t listener_check_tls(struct api_call *call, const char *protocol)
{
	const json_t *in = call->input, *list = json_object_get(in, "Certificates");
	const char *policy = get_filled(in, "SslPolicy");

	if (json_array_size(json_object_get(in, "AlpnPolicy")))
		return api_fault(call, "ValidationError",
				 "An ALPN policy cannot be specified for %s listeners", protocol);
	if (strcmp(protocol, "HTTP") == 0)
		return refuse_tls_members(call);
	if (json_array_size(list) > 1)
		return api_fault(call, "TooManyCertificates",
				 "Only one certificate can be specified; add further ones with "
				 "AddListenerCertificates");
	if (policy)
		TRY(check_policy(call, policy));
	return check_listed(call, list);
}

err_t listener_set_tls(struct api_call *call, const char *protocol, json_t *listener)
{
	const json_t *in = call->input, *list = json_object_get(in, "Certificates");
	const char *policy = get_filled(in, "SslPolicy");
	json_t *api = json_object_get(listener, "api");

	TRY(set_string(api, "Protocol", protocol));
	if (strcmp(protocol, "HTTP") == 0) {
		json_object_del(api, "SslPolicy");
		json_object_del(api, "Certificates");
		json_object_del(api, "MutualAuthentication");
		json_object_del(listener, "certificates");
		return ERR_OK;
	}
	if (json_array_size(list))
		TRY(set_new(api, "Certificates",
			    json_pack("[{s:s}]", "CertificateArn",
				      get_string(json_array_get(list, 0), "CertificateArn"))));
	if (!json_object_get(api, "Certificates"))
		return api_fault(call, "ValidationError",
				 "A certificate must be specified for HTTPS listeners");
	if (policy || !get_string(api, "SslPolicy"))
		TRY(set_string(api, "SslPolicy", policy ? policy : DEFAULT_POLICY));
	TRY(mutual_set(call, listener));
	return json_object_get(listener, "certificates")
		       ? ERR_OK
		       : set_new(listener, "certificates", json_array());
}

/* ---- The list ---- */

static bool lists(const json_t *list, const char *arn, size_t *ret_index)
{
	json_t *item;
	size_t i;

	json_array_foreach (list, i, item)
		if (strcmp(json_string_value(item), arn) == 0) {
			*ret_index = i;
			return true;
		}
	return false;
}

static err_t get_https(struct api_call *call, json_t **ret_listener)
{
	TRY(resource_get(call, RESOURCE_LISTENER, get_string(call->input, "ListenerArn"),
			 ret_listener));
	if (strcmp(get_string(api_part(*ret_listener), "Protocol"), "HTTPS") != 0)
		return api_fault(call, "OperationNotPermitted",
				 "The listener '%s' has no certificates: its protocol is not HTTPS",
				 get_string(call->input, "ListenerArn"));
	return ERR_OK;
}

static err_t keep(struct api_call *call, json_t *listener)
{
	return record_put(call, KIND_LISTENER, resource_arn(RESOURCE_LISTENER, listener),
			  get_string(api_part(listener), "LoadBalancerArn"), listener);
}

/* The quota is the load balancer's, over all its listeners, default certificates not counted. */
static err_t count_certificates(struct api_call *call, const char *load_balancer_arn,
				size_t *ret_count)
{
	json_t *listeners, *listener;
	size_t i;

	*ret_count = 0;
	TRY(record_list(call, KIND_LISTENER, load_balancer_arn, &listeners));
	json_array_foreach (listeners, i, listener)
		*ret_count += json_array_size(json_object_get(listener, "certificates"));
	return ERR_OK;
}

err_t elbv2_add_listener_certificates(struct api_call *call)
{
	json_t *asked = json_object_get(call->input, "Certificates"), *item, *listener, *list;
	size_t i, at, count;

	if (!json_array_size(asked))
		return api_fault(call, "ValidationError", "A certificate ARN must be specified");
	TRY(get_https(call, &listener)); /* that it is there is said before what is wrong with it */
	TRY(check_listed(call, asked));
	TRY(get_https(call, &listener));
	list = json_object_get(listener, "certificates");
	TRY(set_new(call->output, "Certificates", json_array()));
	TRY(count_certificates(call, get_string(api_part(listener), "LoadBalancerArn"), &count));
	json_array_foreach (asked, i, item) {
		const char *arn = get_string(item, "CertificateArn");

		if (!lists(list, arn, &at)) {
			if (++count > MORE_CERTIFICATES_MAX)
				return api_fault(call, "TooManyCertificates",
						 "A load balancer can have at most '%d' "
						 "certificates, default certificates not counted",
						 MORE_CERTIFICATES_MAX);
			if (json_array_append_new(list, json_string(arn)))
				return ERR_NOMEM;
		}
		TRY(output_append(call->output, "Certificates",
				  json_pack("{s:s, s:b}", "CertificateArn", arn, "IsDefault", 0)));
	}
	return keep(call, listener);
}

err_t elbv2_remove_listener_certificates(struct api_call *call)
{
	json_t *asked = json_object_get(call->input, "Certificates"), *item, *listener, *list;
	const json_t *first;
	size_t i, at;

	TRY(get_https(call, &listener));
	list = json_object_get(listener, "certificates");
	first = json_array_get(json_object_get(api_part(listener), "Certificates"), 0);
	json_array_foreach (asked, i, item) {
		const char *arn = get_string(item, "CertificateArn");

		if (!arn)
			return api_fault(call, "ValidationError",
					 "A certificate ARN must be specified");
		if (lists(list, arn, &at))
			json_array_remove(list, at);
		else if (strcmp(get_string(first, "CertificateArn"), arn) == 0)
			return api_fault(call, "OperationNotPermitted",
					 "The default certificate '%s' cannot be removed; replace "
					 "it with ModifyListener",
					 arn);
	}
	return keep(call, listener);
}

err_t elbv2_describe_listener_certificates(struct api_call *call)
{
	json_t *listener, *item;
	const json_t *first;
	struct page page;
	size_t i;

	TRY(resource_get(call, RESOURCE_LISTENER, get_string(call->input, "ListenerArn"),
			 &listener));
	TRY(set_new(call->output, "Certificates", json_array()));
	first = json_array_get(json_object_get(api_part(listener), "Certificates"), 0);
	TRY(page_begin(call, 100, &page));
	if (first && page_take(&page, 1))
		TRY(output_append(call->output, "Certificates",
				  json_pack("{s:s, s:b}", "CertificateArn",
					    get_string(first, "CertificateArn"), "IsDefault", 1)));
	json_array_foreach (json_object_get(listener, "certificates"), i, item)
		if (page_take(&page, i + 2))
			TRY(output_append(call->output, "Certificates",
					  json_pack("{s:s, s:b}", "CertificateArn",
						    json_string_value(item), "IsDefault", 0)));
	return page_end(&page);
}
