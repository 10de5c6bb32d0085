/*
 * restore: at start, the listeners of the store are bound again, the first plan is applied and
 * draining goes on where it was.
 */
#include "services/elbv2/elbv2_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

static struct address bound_of(const struct elbv2 *elbv2, const json_t *listener)
{
	const char *arn = get_string(api_part(listener), "LoadBalancerArn");
	const struct mirror_record *load_balancer = map_get(
		&elbv2->mirror.by_id[MIRROR_LOAD_BALANCERS], bytes_of(arn));

	return elbv2_bound(elbv2, get_string(api_part(load_balancer->body), "Scheme"),
			   (uint16_t)get_int(api_part(listener), "Port", 0));
}

static void explain(const json_t *listener, const struct address *at, err_t err, char **ret_why)
{
	struct text why = TEXT_INIT(1024);
	char where[ADDRESS_TEXT_BYTES];

	address_format(at, where);
	text_printf(&why, "listener %s cannot be bound at %s: %s",
		    resource_arn(RESOURCE_LISTENER, listener), where,
		    err == ERR_IN_USE ? "another program uses it" : err_words(err));
	*ret_why = text_take(&why);
}

/* Gives back the listeners before `end`, in order of creation. */
static void unbind_until(struct elbv2 *elbv2, const struct list_node *end)
{
	mirror_each(&elbv2->mirror, MIRROR_LISTENERS, node)
	{
		struct address at;

		if (node == end)
			return;
		at = bound_of(elbv2, mirror_body(node));
		lb_unbind(elbv2->options.lb, &at);
	}
}

static err_t bind_all(struct elbv2 *elbv2, char **ret_why)
{
	mirror_each(&elbv2->mirror, MIRROR_LISTENERS, node)
	{
		struct address at = bound_of(elbv2, mirror_body(node));
		err_t err = lb_bind(elbv2->options.lb, &at);

		if (err) {
			explain(mirror_body(node), &at, err, ret_why);
			unbind_until(elbv2, node);
			return err;
		}
	}
	return ERR_OK;
}

err_t elbv2_restore(struct elbv2 *elbv2, char **ret_why)
{
	*ret_why = NULL;
	TRY(mirror_refresh(&elbv2->mirror, elbv2->options.store));
	TRY(bind_all(elbv2, ret_why));
	elbv2->restored = true;
	elbv2_reconcile(elbv2);
	elbv2_drain_sweep(elbv2);
	return ERR_OK;
}

static err_t count(struct store_txn *txn, const char *kind, unsigned *ret_count)
{
	uint64_t number;

	TRY(store_count(txn, kind, NULL, &number));
	*ret_count = (unsigned)number;
	return ERR_OK;
}

static bool count_draining(void *owner, const struct store_resource *resource)
{
	unsigned *draining = owner;

	*draining += get_int(resource->body, "draining_until_ms", 0) != 0;
	return true;
}

err_t elbv2_summary(struct elbv2 *elbv2, struct elbv2_summary *ret_summary)
{
	struct elbv2_summary sum = { .load_balancers = 0 };
	struct store_txn *txn;
	err_t err;

	TRY(store_begin(elbv2->options.store, &txn));
	err = count(txn, KIND_LOAD_BALANCER, &sum.load_balancers);
	if (!err)
		err = count(txn, KIND_LISTENER, &sum.listeners);
	if (!err)
		err = count(txn, KIND_RULE, &sum.rules);
	if (!err)
		err = count(txn, KIND_TARGET_GROUP, &sum.target_groups);
	if (!err)
		err = count(txn, KIND_TARGET, &sum.targets);
	if (!err)
		err = store_each(txn, KIND_TARGET, NULL, NULL, count_draining, &sum.draining);
	store_rollback(txn);
	if (!err)
		*ret_summary = sum;
	return err;
}
