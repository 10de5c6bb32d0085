/*
 * The facade: the control thread's side of the balancer. It owns plans, the registry of targets,
 * the numbers of all workers, the reserved ports and the prober; workers hear from it by jobs.
 */
#include "lb/lb.h"

#include <stdlib.h>

#include "base/log.h"
#include "lb/binding.h"
#include "lb/cells.h"
#include "lb/lb_internal.h"
#include "lb/prober.h"
#include "lb/queue.h"
#include "lb/table.h"

enum { HOUSEKEEPING_MS = 5000 };

struct lb {
	struct lb_options options;
	struct registry *registry;
	struct target_tls tls; /* toward targets: workers and prober share it */
	struct lb_auth auth;
	struct bindings bindings;
	struct prober *prober;
	const struct plan *plan; /* a reference; NULL before the first */
	struct cells cells;
	struct timer housekeeping;
	bool probes_missing; /* prober_sync ran out of memory */
	bool stopping;
	unsigned stopped_workers;
	void (*on_done)(void *owner);
	void *on_done_owner;
	unsigned worker_count;
	struct worker workers[];
};

/* ---- Orders to workers ---- */

enum order_kind { ORDER_WAKE, ORDER_CUT_TARGET, ORDER_CUT_LOAD_BALANCER, ORDER_STOP };

struct order {
	struct loop_job job;
	struct worker *worker;
	enum order_kind kind;
	struct target *target; /* a reference, or NULL */
	uint32_t drain_ms;
	size_t arn_len;
	char arn[];
};

static void run_order(struct loop_job *job)
{
	struct order *order = container_of(job, struct order, job);
	struct worker *worker = order->worker;

	switch (order->kind) {
	case ORDER_WAKE: queue_wake(worker); break;
	case ORDER_CUT_TARGET: worker_cut_target(worker, order->target); break;
	case ORDER_CUT_LOAD_BALANCER:
		worker_cut_load_balancer(worker, bytes_make(order->arn, order->arn_len));
		break;
	case ORDER_STOP: worker_stop(worker, loop_now_ms(worker->loop) + order->drain_ms); break;
	}
	target_unref(order->target);
	free(order);
}

static void order_all(struct lb *lb, enum order_kind kind, struct target *target, struct bytes arn,
		      uint32_t drain_ms)
{
	for (unsigned i = 0; i < lb->worker_count; i++) {
		struct order *order = calloc(1, sizeof *order + arn.len);

		if (!order) {
			log_error("lb", "out of memory for an order to worker %u", i);
			continue;
		}
		order->job.run = run_order;
		order->worker = &lb->workers[i];
		order->kind = kind;
		order->target = target ? target_ref(target) : NULL;
		order->drain_ms = drain_ms;
		order->arn_len = arn.len;
		if (arn.len)
			memcpy(order->arn, arn.at, arn.len);
		loop_post(lb->workers[i].loop, &order->job);
	}
}

/* ---- Notes from workers ---- */

enum note_kind { NOTE_SOCKET_CLOSED, NOTE_DRAINED, NOTE_WANTED, NOTE_STOPPED };

struct note {
	struct loop_job job;
	struct lb *lb;
	enum note_kind kind;
	struct address at;
	struct target *target; /* a reference, or NULL */
	struct bytes arn;      /* a copy */
};

static void tell_drained(struct lb *lb, const struct target *target)
{
	const struct lb_events *events = lb->options.events;

	if (events && events->on_drained && target_is_draining(target))
		events->on_drained(lb->options.owner, target->group_arn, target->id, target->port);
}

static void tell_wanted(struct lb *lb, struct bytes group_arn)
{
	const struct lb_events *events = lb->options.events;

	if (events && events->on_wanted)
		events->on_wanted(lb->options.owner, group_arn);
}

static void one_stopped(struct lb *lb)
{
	if (++lb->stopped_workers < lb->worker_count)
		return;
	timer_cancel(&lb->housekeeping);
	lb->on_done(lb->on_done_owner);
}

static err_t post_plan(struct lb *lb, const struct plan *plan, const struct lb_config *config);

static void run_note(struct loop_job *job)
{
	struct note *note = container_of(job, struct note, job);
	struct lb *lb = note->lb;

	switch (note->kind) {
	case NOTE_SOCKET_CLOSED:
		if (bindings_closed(&lb->bindings, &note->at) && post_plan(lb, lb->plan, NULL))
			log_error("lb", "out of memory: port %u does not listen", note->at.port);
		break;
	case NOTE_DRAINED: tell_drained(lb, note->target); break;
	case NOTE_WANTED: tell_wanted(lb, note->arn); break;
	case NOTE_STOPPED: break;
	}
	free((void *)note->arn.at);
	target_unref(note->target);
	if (note->kind == NOTE_STOPPED)
		one_stopped(lb);
	free(note);
}

static void send_note(struct lb *lb, enum note_kind kind, const struct address *at,
		      struct target *target, struct bytes arn)
{
	struct note *note = calloc(1, sizeof *note);

	if (!note) {
		log_error("lb", "out of memory for a note to the control thread");
		return;
	}
	note->job.run = run_note;
	note->lb = lb;
	note->kind = kind;
	if (at)
		note->at = *at;
	note->target = target ? target_ref(target) : NULL;
	note->arn = (struct bytes){ bytes_dup(arn), arn.len };
	if (!note->arn.at)
		note->arn.len = 0;
	loop_post(lb->options.control, &note->job);
}

void lb_note_socket_closed(struct lb *lb, const struct address *at)
{
	send_note(lb, NOTE_SOCKET_CLOSED, at, NULL, BYTES_NONE);
}

void lb_note_drained(struct lb *lb, struct target *target)
{
	send_note(lb, NOTE_DRAINED, NULL, target, BYTES_NONE);
}

void lb_note_wanted(struct lb *lb, struct bytes group_arn)
{
	send_note(lb, NOTE_WANTED, NULL, NULL, group_arn);
}

void lb_note_stopped(struct lb *lb)
{
	send_note(lb, NOTE_STOPPED, NULL, NULL, BYTES_NONE);
}

/* ---- Numbers ---- */

static void sweep(struct lb *lb)
{
	cells_sweep(&lb->cells);
	registry_sweep(lb->registry);
}

void lb_each_metrics(struct lb *lb,
		     void (*row)(void *owner, struct bytes load_balancer_id,
				 struct bytes target_group_id, const struct metrics *sum),
		     void *owner)
{
	cells_each(&lb->cells, row, owner);
}

void lb_each_admission(const struct lb *lb, const struct address *client,
		       void (*row)(void *owner, const struct admission_row *row), void *owner)
{
	for (unsigned i = 0; lb->plan && i < lb->plan->load_balancer_count; i++) {
		const struct plan_load_balancer *at = &lb->plan->load_balancers[i];

		for (unsigned k = 0; k < at->listener_count; k++) {
			uint16_t port = at->listeners[k].port;

			row(owner, &(struct admission_row){
					   at->id, port, admit_allows(at->ingress, client, port) });
		}
	}
}

void lb_each_reach(const struct lb *lb, const struct address *address,
		   void (*row)(void *owner, const struct reach_row *row), void *owner)
{
	for (unsigned i = 0; lb->plan && i < lb->plan->group_count; i++) {
		const struct plan_group *group = &lb->plan->groups[i];

		for (unsigned k = 0; group->in_use && k < group->target_count; k++) {
			const struct target *target = group->targets[k];

			if (!group->function && address_eq_ip(&target->address, address))
				row(owner, &(struct reach_row){ group->load_balancer_id, group->id,
								target->address.port,
								target_drops(target) });
		}
	}
}

unsigned lb_open_streams(const struct lb *lb)
{
	unsigned count = 0;

	for (unsigned i = 0; i < lb->worker_count; i++)
		count += atomic_load_explicit(&lb->workers[i].stream_count, memory_order_relaxed);
	return count;
}

/* ---- Life ---- */

static void on_health(void *owner, const struct target *target)
{
	struct lb *lb = owner;
	const struct lb_events *events = lb->options.events;

	if (events && events->on_health)
		events->on_health(lb->options.owner, target->group_arn, target->id, target->port);
	order_all(lb, ORDER_WAKE, NULL, BYTES_NONE, 0); /* who waits for it tries again */
}

static void on_probe(void *owner, const struct probe_record *record)
{
	const struct lb *lb = owner;
	const struct lb_events *events = lb->options.events;

	if (events && events->on_probe)
		events->on_probe(lb->options.owner, record);
}

static void on_housekeeping(struct timer *timer)
{
	struct lb *lb = container_of(timer, struct lb, housekeeping);

	sweep(lb);
	if (lb->probes_missing && lb->plan)
		lb->probes_missing = prober_sync(lb->prober, lb->plan) != ERR_OK;
	timer_set(lb->options.control, timer, loop_now_ms(lb->options.control) + HOUSEKEEPING_MS);
}

static err_t make_auth(struct lb *lb)
{
	const struct fetcher_options fetcher = { .ca_file = lb->options.idp_ca_file };
	struct text made = TEXT_INIT(SIGN_PRIVATE_MAX);
	struct bytes key = lb->options.signing_key;
	err_t err = ERR_OK;

	memcpy(lb->auth.session_key, lb->options.session_key, sizeof lb->auth.session_key);
	lb->auth.kid = lb->options.signing_kid.at ? lb->options.signing_kid : BYTES("none");
	if (!key.len) {
		err = sign_key_make(&made);
		key = text_bytes(&made);
	}
	if (!err)
		err = sign_key_load(key, &lb->auth.sign);
	if (made.at)
		explicit_bzero(made.at, made.cap);
	text_fini(&made);
	return err ? err : fetcher_create(&fetcher, &lb->auth.fetcher);
}

static err_t make_target_tls(struct target_tls *tls)
{
	for (unsigned i = 0; i < 4; i++)
		TRY(tls_context_for_targets(
			&(struct tls_target_options){ .tls13 = i / 2, .http2 = i % 2 },
			&tls->at[i / 2][i % 2]));
	return ERR_OK;
}

err_t lb_create(const struct lb_options *options, struct lb **ret_lb)
{
	struct lb *lb = calloc(1, sizeof *lb + options->worker_count * sizeof(struct worker));
	struct prober_options prober_options = {
		.loop = options->control,
		.on_health = on_health,
		.on_probe = on_probe,
		.owner = lb,
		.invoker = options->invoker,
		.invoker_owner = options->owner,
	};
	err_t err;

	if (!lb)
		return ERR_NOMEM;
	lb->options = *options;
	bindings_init(&lb->bindings, options->worker_count);
	lb->cells.worker_count = options->worker_count;
	err = registry_create(&lb->registry);
	if (!err)
		err = make_target_tls(&lb->tls);
	prober_options.tls = &lb->tls;
	if (!err)
		err = make_auth(lb);
	if (!err)
		err = prober_create(&prober_options, &lb->prober);
	for (unsigned i = 0; i < options->worker_count && !err; i++) {
		err = worker_init(&lb->workers[i], lb, &lb->options, &lb->auth, i);
		lb->workers[i].tls = &lb->tls;
		lb->worker_count += !err;
	}
	if (err) {
		lb_destroy(lb);
		return err;
	}
	lb->housekeeping.on_expired = on_housekeeping;
	timer_set(options->control, &lb->housekeeping,
		  loop_now_ms(options->control) + HOUSEKEEPING_MS);
	*ret_lb = lb;
	return ERR_OK;
}

void lb_shutdown(struct lb *lb, uint32_t drain_ms, void (*on_done)(void *owner), void *owner)
{
	if (lb->stopping) {
		order_all(lb, ORDER_STOP, NULL, BYTES_NONE, drain_ms);
		return;
	}
	lb->stopping = lb->bindings.ending = true;
	lb->on_done = on_done;
	lb->on_done_owner = owner;
	prober_destroy(lb->prober);
	lb->prober = NULL;
	lb->probes_missing = false;
	order_all(lb, ORDER_STOP, NULL, BYTES_NONE, drain_ms);
}

void lb_destroy(struct lb *lb)
{
	if (!lb)
		return;
	timer_cancel(&lb->housekeeping);
	prober_destroy(lb->prober);
	for (unsigned i = 0; i < lb->worker_count; i++)
		worker_fini(&lb->workers[i]);
	for (unsigned i = 0; i < 4; i++)
		tls_context_unref(lb->tls.at[i / 2][i % 2]);
	fetcher_destroy(lb->auth.fetcher);
	sign_key_destroy(lb->auth.sign);
	bindings_fini(&lb->bindings);
	plan_unref(lb->plan);
	cells_fini(&lb->cells);
	registry_destroy(lb->registry);
	free(lb);
}

err_t lb_bind(struct lb *lb, const struct address *at)
{
	return bindings_reserve(&lb->bindings, at);
}

void lb_unbind(struct lb *lb, const struct address *at)
{
	bindings_release(&lb->bindings, at);
}

bool lb_is_bound(const struct lb *lb, const struct address *at)
{
	return bindings_hold(&lb->bindings, at);
}

/* ---- Plans ---- */

static void run_hold(struct loop_job *job)
{
	struct hold *hold = container_of(job, struct hold, job);

	worker_swap(hold->worker, hold);
}

static err_t make_holds(struct lb *lb, const struct plan *plan, struct hold *holds[WORKERS_MAX])
{
	for (unsigned i = 0; i < lb->worker_count; i++) {
		err_t err = hold_create(&lb->workers[i], plan, bindings_count(&lb->bindings),
					&holds[i]);

		if (err) {
			while (i > 0)
				hold_unref(holds[--i]);
			return err;
		}
		for (unsigned b = 0; b < plan->load_balancer_count; b++)
			holds[i]->balancer_cells[b] = cells_of(&lb->cells,
							       plan->load_balancers[b].meter, i);
		for (unsigned g = 0; g < plan->group_count; g++)
			holds[i]->group_cells[g] = cells_of(&lb->cells, plan->groups[g].meter, i);
		holds[i]->job.run = run_hold;
	}
	return ERR_OK;
}

/* Targets that begin to drain with nothing running: nobody else will say that they are done. */
static void drain_idle_ones(struct lb *lb, const struct plan *plan, const bool *was_draining)
{
	size_t n = 0;

	for (unsigned g = 0; g < plan->group_count; g++)
		for (unsigned t = 0; t < plan->groups[g].target_count; t++, n++) {
			struct target *target = plan->groups[g].targets[t];

			if (!was_draining[n] && target_is_draining(target) &&
			    target_in_flight(target) == 0)
				lb_note_drained(lb, target);
		}
}

static bool *note_draining(const struct plan *plan)
{
	size_t count = 1, n = 0;
	bool *draining;

	for (unsigned g = 0; g < plan->group_count; g++)
		count += plan->groups[g].target_count;
	draining = calloc(count, sizeof *draining);
	if (!draining)
		return NULL;
	for (unsigned g = 0; g < plan->group_count; g++)
		for (unsigned t = 0; t < plan->groups[g].target_count; t++)
			draining[n++] = target_is_draining(plan->groups[g].targets[t]);
	return draining;
}

/*
 * Sends `plan` to the workers. From the first step that others can see nothing fails any more.
 * Without `config` it is the plan they have, because there are new sockets for it.
 */
static err_t post_plan(struct lb *lb, const struct plan *plan, const struct lb_config *config)
{
	struct hold *holds[WORKERS_MAX];
	bool *was_draining;

	TRY(cells_for_plan(&lb->cells, plan));
	was_draining = note_draining(plan);
	if (!was_draining)
		return ERR_NOMEM;
	if (make_holds(lb, plan, holds)) {
		free(was_draining);
		return ERR_NOMEM;
	}
	if (config) {
		plan_publish(plan, config);
		cells_note_owners(&lb->cells, plan, config);
	}
	bindings_plan(&lb->bindings, plan, holds);
	for (unsigned i = 0; i < lb->worker_count; i++)
		loop_post(lb->workers[i].loop, &holds[i]->job);
	drain_idle_ones(lb, plan, was_draining);
	free(was_draining);
	return ERR_OK;
}

err_t lb_apply(struct lb *lb, const struct lb_config *config)
{
	char why[PLAN_WHY_BYTES] = "";
	const struct plan *plan, *old = lb->plan;
	err_t err;

	if (lb->stopping)
		return ERR_OK; /* the last plan is the last */
	err = plan_compile(config, lb->registry, &plan, why);
	if (err) {
		if (why[0])
			log_error("lb", "%s", why);
		return err;
	}
	err = post_plan(lb, plan, config);
	if (err) {
		plan_unref(plan);
		sweep(lb);
		return err;
	}
	lb->plan = plan;
	lb->probes_missing = prober_sync(lb->prober, plan) != ERR_OK;
	plan_unref(old);
	sweep(lb);
	return ERR_OK;
}

/* ---- Cutting and asking ---- */

static struct target *find_target(const struct lb *lb, struct bytes group_arn,
				  struct bytes target_id, uint16_t port)
{
	struct target_key key = { group_arn, target_id, port };

	return registry_find(lb->registry, &key);
}

void lb_cut_target(struct lb *lb, struct bytes group_arn, struct bytes target_id, uint16_t port)
{
	struct target *target = find_target(lb, group_arn, target_id, port);

	if (target)
		order_all(lb, ORDER_CUT_TARGET, target, BYTES_NONE, 0);
}

void lb_cut_load_balancer(struct lb *lb, struct bytes arn)
{
	order_all(lb, ORDER_CUT_LOAD_BALANCER, NULL, arn, 0);
}

void lb_forget_all(struct lb *lb)
{
	for (unsigned i = 0; lb->plan && i < lb->plan->load_balancer_count; i++)
		lb_cut_load_balancer(lb, lb->plan->load_balancers[i].arn);
	bindings_release_all(&lb->bindings);
}

err_t lb_target_status(const struct lb *lb, struct bytes group_arn, struct bytes target_id,
		       uint16_t port, struct target_status *ret_status)
{
	const struct plan_group *group = lb->plan ? plan_group_find(lb->plan, group_arn) : NULL;
	char words[HEALTH_WORDS_BYTES];

	for (unsigned i = 0; group && i < group->target_count; i++) {
		const struct target *target = group->targets[i];

		if (target->port != port || !bytes_eq(target->id, target_id))
			continue;
		*ret_status = (struct target_status){
			.state = target->control.health.state,
			.reason = target->control.health.reason,
			.health_port = group->health.port ? group->health.port : target->port,
			.requests_in_flight = target_in_flight(target),
			.anomalous = atomic_load_explicit(&target->shared.anomalous,
							  memory_order_relaxed),
			.mitigated = atomic_load_explicit(&target->shared.mitigated,
							  memory_order_relaxed),
		};
		health_describe(&target->control.health, words);
		memcpy(ret_status->description, words,
		       size_min(sizeof words, sizeof ret_status->description));
		ret_status->description[sizeof ret_status->description - 1] = '\0';
		return ERR_OK;
	}
	return ERR_NOT_FOUND;
}

void lb_streams(struct lb *lb, unsigned max,
		void (*on_rows)(void *owner, const struct stream_row *rows, unsigned count),
		void *owner)
{
	struct table_question question = {
		.control = lb->options.control,
		.workers = lb->workers,
		.worker_count = lb->worker_count,
		.max = max,
		.on_rows = on_rows,
		.owner = owner,
	};

	table_ask(&question);
}
