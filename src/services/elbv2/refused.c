/*
 * refused: operations whose subject does not exist here yet. They answer what AWS answers of an
 * account without trust stores, certificates, address pools and policies, or why not.
 */
#include "services/elbv2/elbv2_internal.h"

/* ---- Trust stores: none ---- */

static err_t no_trust_store(struct api_call *call)
{
	json_t *body;

	return resource_get(call, RESOURCE_TRUST_STORE, get_string(call->input, "TrustStoreArn"),
			    &body);
}

err_t elbv2_create_trust_store(struct api_call *call)
{
	return api_fault(
		call, "CaCertificatesBundleNotFound",
		"The CA certificates bundle 's3://%s/%s' cannot be read: trust stores are not "
		"supported yet",
		get_string(call->input, "CaCertificatesBundleS3Bucket"),
		get_string(call->input, "CaCertificatesBundleS3Key"));
}

err_t elbv2_describe_trust_stores(struct api_call *call)
{
	json_t *arns = json_object_get(call->input, "TrustStoreArns");
	json_t *names = json_object_get(call->input, "Names"), *body;

	if (json_array_size(arns))
		return resource_get(call, RESOURCE_TRUST_STORE,
				    json_string_value(json_array_get(arns, 0)), &body);
	if (json_array_size(names))
		return resource_missing(call, RESOURCE_TRUST_STORE, NULL);
	return set_new(call->output, "TrustStores", json_array());
}

#define OF_A_TRUST_STORE(handler)                    \
	err_t elbv2_##handler(struct api_call *call) \
	{                                            \
		return no_trust_store(call);         \
	}

OF_A_TRUST_STORE(modify_trust_store)
OF_A_TRUST_STORE(delete_trust_store)
OF_A_TRUST_STORE(add_trust_store_revocations)
OF_A_TRUST_STORE(remove_trust_store_revocations)
OF_A_TRUST_STORE(describe_trust_store_associations)
OF_A_TRUST_STORE(describe_trust_store_revocations)
OF_A_TRUST_STORE(delete_shared_trust_store_association)
OF_A_TRUST_STORE(get_trust_store_ca_certificates_bundle)
OF_A_TRUST_STORE(get_trust_store_revocation_content)

/* ---- Policies ---- */

err_t elbv2_get_resource_policy(struct api_call *call)
{
	return api_fault(call, "ResourceNotFound", "Resource '%s' has no policy",
			 get_string(call->input, "ResourceArn"));
}

/* ---- Address pools ---- */

err_t elbv2_modify_ip_pools(struct api_call *call)
{
	json_t *body;

	TRY(resource_get(call, RESOURCE_LOAD_BALANCER, get_string(call->input, "LoadBalancerArn"),
			 &body));
	if (!json_object_get(call->input, "IpamPools"))
		return ERR_OK; /* nothing to remove */
	return api_fault(
		call, "InvalidConfigurationRequest",
		"Address pools are not supported: load balancers listen on addresses of this "
		"machine");
}
