/*
 * drain: targets on their way out. The deadline is in the store, so a restart takes it up; a
 * target leaves early when its last request ended (reference §4.5 says how ALB cuts).
 */
#include "services/elbv2/elbv2_internal.h"

#include <stdio.h>

#include "base/log.h"

enum {
	/* A worker with the old plan may hand a target one more request within a turn or two. */
	IDLE_GRACE_MS = 1000,
	KEY_MAX_BYTES = 512,
};

struct sweep {
	struct elbv2 *elbv2;
	json_t *done;		  /* bodies of targets that leave now */
	uint64_t now_ms, next_ms; /* Unix; next_ms 0: nothing drains any more */
};

/* One that the balancer never had (an instance without an address) has nothing to finish. */
static bool is_idle(const struct sweep *sweep, const json_t *target)
{
	struct target_status status;
	err_t err = lb_target_status(
		sweep->elbv2->options.lb, bytes_of(get_string(target, "group")),
		bytes_of(get_string(target, "Id")), (uint16_t)get_int(target, "Port", 0), &status);

	return err == ERR_NOT_FOUND || (!err && status.requests_in_flight == 0);
}

static bool consider(void *owner, const struct store_resource *resource)
{
	struct sweep *sweep = owner;
	uint64_t until = (uint64_t)get_int(resource->body, "draining_until_ms", 0);
	uint64_t since = (uint64_t)get_int(resource->body, "draining_since_ms", 0);
	uint64_t next;

	if (!until)
		return true;
	if (sweep->now_ms >= until ||
	    (sweep->now_ms >= since + IDLE_GRACE_MS && is_idle(sweep, resource->body)))
		return json_array_append(sweep->done, resource->body) == 0;

	next = (sweep->now_ms < since + IDLE_GRACE_MS ? since : sweep->now_ms) + IDLE_GRACE_MS;
	if (next > until)
		next = until;
	if (!sweep->next_ms || next < sweep->next_ms)
		sweep->next_ms = next;
	return true;
}

/* Registered anew meanwhile: its second life begins now. */
static err_t begin_again(const struct sweep *sweep, struct store_txn *txn, json_t *target,
			 const char *key)
{
	struct store_resource resource = { .kind = KIND_TARGET,
					   .id = key,
					   .parent = get_string(target, "group"),
					   .body = target };

	json_object_del(target, "again");
	TRY(set_new(target, "draining_until_ms", json_integer(0)));
	TRY(set_new(target, "registered_ms", json_integer((json_int_t)sweep->now_ms)));
	return store_update(txn, &resource);
}

/* The balancer first: what still runs is cut while the target is known to it as draining. */
static err_t leave(struct sweep *sweep, struct store_txn *txn, json_t *target)
{
	const char *group = get_string(target, "group"), *id = get_string(target, "Id");
	unsigned port = (unsigned)get_int(target, "Port", 0);
	char key[KEY_MAX_BYTES];

	if (sweep->now_ms >= (uint64_t)get_int(target, "draining_until_ms", 0))
		lb_cut_target(sweep->elbv2->options.lb, bytes_of(group), bytes_of(id),
			      (uint16_t)port);
	snprintf(key, sizeof key, "%s %s %u", group, id, port);
	log_info("elbv2", "target %s port %u has left %s", id, port, group);
	if (get_true(target, "again"))
		return begin_again(sweep, txn, target, key);
	return store_delete(txn, KIND_TARGET, key);
}

static err_t sweep_store(struct sweep *sweep)
{
	struct store_txn *txn;
	json_t *target;
	size_t index;
	err_t err;

	TRY(store_begin(sweep->elbv2->options.store, &txn));
	err = store_each(txn, KIND_TARGET, NULL, NULL, consider, sweep);
	json_array_foreach (sweep->done, index, target) {
		if (!err)
			err = leave(sweep, txn, target);
	}
	if (err || !json_array_size(sweep->done)) {
		store_rollback(txn);
		return err;
	}
	sweep->elbv2->committing = true;
	err = store_commit(txn);
	sweep->elbv2->committing = false;
	return err;
}

void elbv2_drain_sweep(struct elbv2 *elbv2)
{
	struct sweep sweep = { .elbv2 = elbv2,
			       .now_ms = elbv2_now_ms(elbv2),
			       .done = json_array() };
	err_t err = sweep.done ? sweep_store(&sweep) : ERR_NOMEM;

	json_decref(sweep.done);
	if (err) {
		log_error("elbv2", "draining is tried again in a second: %s", err_words(err));
		sweep.next_ms = sweep.now_ms + IDLE_GRACE_MS;
	}
	if (elbv2->dirty)
		elbv2_reconcile(elbv2);
	timer_cancel(&elbv2->drain_timer);
	if (sweep.next_ms)
		timer_set(elbv2->options.loop, &elbv2->drain_timer,
			  loop_now_ms(elbv2->options.loop) + (sweep.next_ms - sweep.now_ms));
}

void elbv2_on_drain_timer(struct timer *timer)
{
	elbv2_drain_sweep(container_of(timer, struct elbv2, drain_timer));
}

/* The balancer may be in the middle of something of its own, so the look comes a turn later. */
void elbv2_on_drained(struct elbv2 *elbv2, struct bytes group_arn, struct bytes target_id,
		      uint16_t port)
{
	log_debug("elbv2", "target %.*s port %u of %.*s has no requests left", BYTES_ARG(target_id),
		  port, BYTES_ARG(group_arn));
	timer_set(elbv2->options.loop, &elbv2->drain_timer, loop_now_ms(elbv2->options.loop));
}
