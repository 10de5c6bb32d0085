#include "services/elbv2/bindings.h"

#include <stdlib.h>

#include "services/elbv2/elbv2_internal.h"

struct binding {
	struct list_node link;
	char *arn;
	struct address at;
};

void bindings_init(struct bindings *bindings)
{
	list_init(&bindings->all);
	bindings->by_arn = (struct map)MAP_INIT;
}

/* Out of the book. */
static void drop(struct bindings *bindings, struct binding *binding)
{
	map_remove(&bindings->by_arn, bytes_of(binding->arn));
	list_remove(&binding->link);
	free(binding->arn);
	free(binding);
}

void bindings_fini(struct bindings *bindings)
{
	list_for_each_safe (&bindings->all, node)
		drop(bindings, container_of(node, struct binding, link));
	map_fini(&bindings->by_arn);
}

static err_t add(struct bindings *bindings, const char *arn, const struct address *at)
{
	struct binding *binding = calloc(1, sizeof *binding);
	err_t err = ERR_NOMEM;

	if (binding)
		binding->arn = bytes_dup(bytes_of(arn));
	if (binding && binding->arn)
		err = map_put(&bindings->by_arn, bytes_of(arn), binding, NULL);
	if (err) {
		free(binding ? binding->arn : NULL);
		free(binding);
		return err;
	}
	binding->at = *at;
	list_append(&bindings->all, &binding->link);
	return ERR_OK;
}

struct address bindings_address(const struct elbv2 *elbv2, const json_t *listener)
{
	const char *arn = get_string(api_part(listener), "LoadBalancerArn");
	const struct mirror_record *load_balancer = map_get(
		&elbv2->mirror.by_id[MIRROR_LOAD_BALANCERS], bytes_of(arn));

	assert(load_balancer); /* listeners go with it, in one transaction */
	return elbv2_bound(elbv2, get_string(api_part(load_balancer->body), "Scheme"),
			   (uint16_t)get_int(api_part(listener), "Port", 0));
}

static bool is_needed(const struct elbv2 *elbv2, const struct binding *binding)
{
	const struct mirror_record *listener = map_get(&elbv2->mirror.by_id[MIRROR_LISTENERS],
						       bytes_of(binding->arn));
	struct address at;

	if (!listener)
		return false;
	at = bindings_address(elbv2, listener->body);
	return address_eq(&at, &binding->at);
}

err_t bindings_settle(struct elbv2 *elbv2)
{
	struct bindings *bindings = &elbv2->bindings;

	list_for_each_safe (&bindings->all, node) {
		struct binding *binding = container_of(node, struct binding, link);

		if (is_needed(elbv2, binding))
			continue;
		lb_unbind(elbv2->options.lb, &binding->at);
		drop(bindings, binding);
	}
	mirror_each(&elbv2->mirror, MIRROR_LISTENERS, node)
	{
		const char *arn = resource_arn(RESOURCE_LISTENER, mirror_body(node));
		struct address at = bindings_address(elbv2, mirror_body(node));

		if (!map_get(&bindings->by_arn, bytes_of(arn)))
			TRY(add(bindings, arn, &at));
	}
	return ERR_OK;
}
