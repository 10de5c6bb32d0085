/*
 * ssl_policies: DescribeSSLPolicies, and policies as TLS takes them, from the components of the
 * policies (ssl_policies.def).
 */
#include <stdio.h>

#include "services/elbv2/elbv2_internal.h"

static const struct policy {
	const char *name, *protocols, *parts;
} policies[] = {
#define SSL_POLICY(name, protocols, parts) { name, protocols, parts },
#include "services/elbv2/ssl_policies.def"
#undef SSL_POLICY
};

/* In the server's order of preference, the same for all policies. */
static const struct cipher {
	const char *name;
	char part;
} ciphers[] = {
	{ "TLS_AES_128_GCM_SHA256", 't' },
	{ "TLS_AES_256_GCM_SHA384", 't' },
	{ "TLS_CHACHA20_POLY1305_SHA256", 'T' },
	{ "ECDHE-ECDSA-AES128-GCM-SHA256", 'A' },
	{ "ECDHE-RSA-AES128-GCM-SHA256", 'A' },
	{ "ECDHE-ECDSA-AES128-SHA256", 'B' },
	{ "ECDHE-RSA-AES128-SHA256", 'B' },
	{ "ECDHE-ECDSA-AES128-SHA", 'C' },
	{ "ECDHE-RSA-AES128-SHA", 'C' },
	{ "ECDHE-ECDSA-AES256-GCM-SHA384", 'A' },
	{ "ECDHE-RSA-AES256-GCM-SHA384", 'A' },
	{ "ECDHE-ECDSA-AES256-SHA384", 'B' },
	{ "ECDHE-RSA-AES256-SHA384", 'B' },
	{ "ECDHE-ECDSA-AES256-SHA", 'C' },
	{ "ECDHE-RSA-AES256-SHA", 'C' },
	{ "AES128-GCM-SHA256", 'D' },
	{ "AES128-SHA256", 'D' },
	{ "AES128-SHA", 'E' },
	{ "AES256-GCM-SHA384", 'D' },
	{ "AES256-SHA256", 'D' },
	{ "AES256-SHA", 'E' },
	{ "DES-CBC3-SHA", 'F' },
};

static bool has_cipher(const struct policy *policy, const struct cipher *cipher)
{
	return strchr(policy->parts, cipher->part) ||
	       (cipher->part == 't' && strchr(policy->parts, 'T'));
}

static json_t *protocols_json(const struct policy *policy)
{
	static const char *const names[] = { "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3" };
	json_t *list = json_array();

	for (const char *c = policy->protocols; list && *c; c++) {
		if (json_array_append_new(list, json_string(names[*c - '0']))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *ciphers_json(const struct policy *policy)
{
	json_t *list = json_array();
	int priority = 0;

	for (size_t i = 0; list && i < COUNT(ciphers); i++) {
		if (!has_cipher(policy, &ciphers[i]))
			continue;
		if (json_array_append_new(list, json_pack("{s:s, s:i}", "Name", ciphers[i].name,
							  "Priority", ++priority))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static err_t add_policy(struct api_call *call, const struct policy *policy)
{
	return output_append(call->output, "SslPolicies",
			     json_pack("{s:s, s:o, s:o, s:[s, s]}", "Name", policy->name,
				       "SslProtocols", protocols_json(policy), "Ciphers",
				       ciphers_json(policy), "SupportedLoadBalancerTypes",
				       "application", "network"));
}

static const struct policy *policy_find(const char *name)
{
	for (size_t i = 0; i < COUNT(policies); i++)
		if (strcmp(policies[i].name, name) == 0)
			return &policies[i];
	return NULL;
}

/* ---- As TLS takes them ---- */

/* The hybrid groups first: that is what such a policy is for. */
static const char hybrid_groups[] = "X25519MLKEM768:SecP256r1MLKEM768:SecP384r1MLKEM1024:"
				    "X25519:P-256:P-384:P-521";

static void add_name(char *list, size_t cap, const char *name)
{
	size_t len = strlen(list);
	int more = snprintf(list + len, cap - len, "%s%s", len ? ":" : "", name);

	assert(more > 0 && len + (size_t)more < cap);
}

err_t ssl_policy_get(const char *name, struct tls_policy *ret_policy)
{
	const struct policy *policy = policy_find(name);

	*ret_policy = (struct tls_policy){ .groups = NULL };
	if (!policy)
		return ERR_NOT_FOUND;
	ret_policy->newest = (uint8_t)(policy->protocols[0] - '0');
	ret_policy->oldest = (uint8_t)(policy->protocols[strlen(policy->protocols) - 1] - '0');
	for (size_t i = 0; i < COUNT(ciphers); i++) {
		bool is_suite = strncmp(ciphers[i].name, "TLS_", 4) == 0;

		if (has_cipher(policy, &ciphers[i]))
			add_name(is_suite ? ret_policy->suites : ret_policy->ciphers,
				 is_suite ? TLS_SUITES_BYTES : TLS_CIPHERS_BYTES, ciphers[i].name);
	}
	ret_policy->fips = strstr(name, "-FIPS-") != NULL;
	if (strstr(name, "-PQ-"))
		ret_policy->groups = hybrid_groups;
	return ERR_OK;
}

/* ---- DescribeSSLPolicies ---- */

static bool for_type(const char *type)
{
	return !type || strcmp(type, "application") == 0 || strcmp(type, "network") == 0;
}

err_t elbv2_describe_ssl_policies(struct api_call *call)
{
	const char *type = get_string(call->input, "LoadBalancerType");
	json_t *names = json_object_get(call->input, "Names"), *name;
	struct page page;
	size_t index;

	TRY(set_new(call->output, "SslPolicies", json_array()));
	json_array_foreach (names, index, name) {
		const struct policy *policy = policy_find(json_string_value(name));

		if (!policy)
			return api_fault(call, "SSLPolicyNotFound", "SSL policy '%s' not found",
					 json_string_value(name));
		if (for_type(type))
			TRY(add_policy(call, policy));
	}
	if (json_array_size(names) || !for_type(type))
		return ERR_OK;
	TRY(page_begin(call, 100, &page));
	for (size_t i = 0; i < COUNT(policies); i++)
		if (page_take(&page, i + 1))
			TRY(add_policy(call, &policies[i]));
	return page_end(&page);
}
