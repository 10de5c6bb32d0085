#include "services/elbv2/claims.h"

#include <stdlib.h>

#include "services/elbv2/elbv2_internal.h"

struct claim {
	struct list_node link;
	char *arn;
	struct address at;
};

void claims_init(struct claims *claims)
{
	list_init(&claims->all);
	claims->by_arn = (struct map)MAP_INIT;
}

/* Forgets it; the address is somebody else's matter. */
static void drop(struct claims *claims, struct claim *claim)
{
	map_remove(&claims->by_arn, bytes_of(claim->arn));
	list_remove(&claim->link);
	free(claim->arn);
	free(claim);
}

void claims_fini(struct claims *claims)
{
	list_for_each_safe (&claims->all, node)
		drop(claims, container_of(node, struct claim, link));
	map_fini(&claims->by_arn);
}

static err_t add(struct claims *claims, const char *arn, const struct address *at)
{
	struct claim *claim = calloc(1, sizeof *claim);
	err_t err = ERR_NOMEM;

	if (claim)
		claim->arn = bytes_dup(bytes_of(arn));
	if (claim && claim->arn)
		err = map_put(&claims->by_arn, bytes_of(arn), claim, NULL);
	if (err) {
		free(claim ? claim->arn : NULL);
		free(claim);
		return err;
	}
	claim->at = *at;
	list_append(&claims->all, &claim->link);
	return ERR_OK;
}

struct address claims_address(const struct elbv2 *elbv2, const json_t *listener)
{
	const char *arn = get_string(api_part(listener), "LoadBalancerArn");
	const struct mirror_record *load_balancer = map_get(
		&elbv2->mirror.by_id[MIRROR_LOAD_BALANCERS], bytes_of(arn));

	assert(load_balancer); /* listeners go with it, in one transaction */
	return elbv2_bound(elbv2, get_string(api_part(load_balancer->body), "Scheme"),
			   (uint16_t)get_int(api_part(listener), "Port", 0));
}

static bool is_needed(const struct elbv2 *elbv2, const struct claim *claim)
{
	const struct mirror_record *listener = map_get(&elbv2->mirror.by_id[MIRROR_LISTENERS],
						       bytes_of(claim->arn));
	struct address at;

	if (!listener)
		return false;
	at = claims_address(elbv2, listener->body);
	return address_eq(&at, &claim->at);
}

err_t claims_settle(struct elbv2 *elbv2)
{
	struct claims *claims = &elbv2->claims;

	list_for_each_safe (&claims->all, node) {
		struct claim *claim = container_of(node, struct claim, link);

		if (is_needed(elbv2, claim))
			continue;
		lb_unbind(elbv2->options.lb, &claim->at);
		drop(claims, claim);
	}
	mirror_each(&elbv2->mirror, MIRROR_LISTENERS, node)
	{
		const char *arn = resource_arn(RESOURCE_LISTENER, mirror_body(node));
		struct address at = claims_address(elbv2, mirror_body(node));

		if (!map_get(&claims->by_arn, bytes_of(arn)))
			TRY(add(claims, arn, &at));
	}
	return ERR_OK;
}
