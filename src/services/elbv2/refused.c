/*
 * refused: operations whose subject cannot exist here. They answer what AWS answers of an
 * account without address pools and policies: stores are shared between accounts only, and there is
 * one account.
 */
#include "services/elbv2/elbv2_internal.h"

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
