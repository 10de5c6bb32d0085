/*
 * The fake world: its clock, its loops, and the order in which things happen.
 *
 *   pass:  what arrives and what scripts do at this millisecond ─► a turn of each loop that has
 *          something to do; passes repeat until one does nothing, then the clock jumps
 */
#include "tests/scenario/fake_internal.h"

#include <stdlib.h>

#include "net/blocking.h"
#include "net/clock.h"

enum {
	/* At one instant: somebody goes round in circles. */
	PASSES_MAX = 20 * 1000 * 1000,
	PORT_FIRST = 32768,
};

#define UNIX_START_MS UINT64_C(1767225600000) /* 2026-01-01T00:00:00Z */

struct name {
	struct list_node link;
	char *name;
	bool known;
	struct address address;
};

static struct fake_net *world;

struct fake_net *fake_current(void)
{
	assert(world);
	return world;
}

struct fake_net *fake_net_create(const struct fake_options *options)
{
	struct fake_net *net = calloc(1, sizeof *net);

	assert(net && !world);
	if (options)
		net->options = *options;
	if (net->options.window_bytes == 0)
		net->options.window_bytes = FAKE_WINDOW_BYTES;
	if (net->options.unix_ms == 0)
		net->options.unix_ms = UNIX_START_MS;
	net->now_ms = FAKE_START_MS;
	net->next_fd = FAKE_FD_FIRST;
	net->next_port = PORT_FIRST;
	rng_seed(&net->rng, net->options.seed);
	timers_init(&net->events, net->now_ms);
	list_init(&net->loops);
	list_init(&net->peers);
	list_init(&net->targets);
	list_init(&net->bounds);
	list_init(&net->refusals);
	list_init(&net->names);
	list_init(&net->watches);
	list_init(&net->actions);
	world = net;
	return net;
}

void fake_net_destroy(struct fake_net *net)
{
	struct list_node *node;

	assert(net == world && !net->running && list_empty(&net->loops));
	sockets_fini(net);
	peers_fini(net);
	while ((node = list_pop(&net->actions))) {
		struct action *action = container_of(node, struct action, link);

		timer_cancel(&action->timer);
		free(action);
	}
	while ((node = list_pop(&net->names))) {
		struct name *name = container_of(node, struct name, link);

		free(name->name);
		free(name);
	}
	world = NULL;
	free(net);
}

struct address fake_address(const char *text)
{
	struct address address;
	err_t err = address_parse(bytes_of(text), &address);

	assert(err == ERR_OK);
	return address;
}

uint16_t fake_new_port(struct fake_net *net)
{
	uint16_t port = net->next_port++;

	if (net->next_port == 0)
		net->next_port = PORT_FIRST;
	return port;
}

/* ---- The clock ---- */

uint64_t clock_mono_us(void)
{
	return (world ? world->now_ms : FAKE_START_MS) * 1000;
}

uint64_t clock_unix_us(void)
{
	uint64_t start_ms = world ? world->options.unix_ms : UNIX_START_MS;

	return start_ms * 1000 + clock_mono_us() - FAKE_START_MS * UINT64_C(1000);
}

uint64_t clock_unix_ms(void)
{
	return clock_unix_us() / 1000;
}

uint64_t fake_now_ms(const struct fake_net *net)
{
	return net->now_ms - FAKE_START_MS;
}

/* ---- What scripts do later ---- */

static void on_action(struct timer *timer)
{
	struct action *action = container_of(timer, struct action, timer);

	list_remove(&action->link);
	if (action->run)
		action->run(action->arg);
	else
		fake_send(action->peer, action->text);
	free(action);
}

struct action *action_new(struct fake_net *net, uint64_t after_ms, size_t text_bytes)
{
	struct action *action = calloc(1, sizeof *action + text_bytes);

	assert(action);
	action->net = net;
	action->timer.on_expired = on_action;
	list_append(&net->actions, &action->link);
	timers_set(&net->events, &action->timer, net->now_ms + after_ms);
	return action;
}

void fake_after_ms(struct fake_net *net, uint64_t ms, void (*run)(void *arg), void *arg)
{
	struct action *action = action_new(net, ms, 0);

	action->run = run;
	action->arg = arg;
}

/* ---- Loops ---- */

err_t loop_create(struct loop **ret_loop)
{
	struct fake_net *net = fake_current();
	struct loop *loop = calloc(1, sizeof *loop);

	if (!loop)
		return ERR_NOMEM;
	loop->net = net;
	timers_init(&loop->timers, net->now_ms);
	list_init(&loop->ready);
	loop->deferred_end = &loop->deferred;
	list_append(&net->loops, &loop->link);
	*ret_loop = loop;
	return ERR_OK;
}

static void run_posts(struct loop *loop)
{
	struct loop_job *job = mailbox_take(&loop->mailbox);

	while (job) {
		struct loop_job *next = job->next;

		job->run(job);
		job = next;
	}
}

static void run_deferred(struct loop *loop)
{
	while (loop->deferred) {
		struct loop_job *job = loop->deferred;

		loop->deferred = job->next;
		if (!loop->deferred)
			loop->deferred_end = &loop->deferred;
		job->run(job);
	}
}

static void free_graves(struct loop *loop)
{
	while (loop->graves) {
		struct fake_item *item = loop->graves;

		loop->graves = item->next_grave;
		free(item);
	}
}

void loop_settle(struct loop *loop)
{
	assert(!loop->net->running);
	run_posts(loop);
	run_deferred(loop);
	free_graves(loop);
}

void loop_destroy(struct loop *loop)
{
	loop_settle(loop);
	assert(loop->open_count == 0);
	assert(timers_next(&loop->timers) == TIMERS_NEVER);
	list_remove(&loop->link);
	free(loop);
}

void fake_queue(struct loop *loop, struct fake_item *item)
{
	if (!item->closed && list_empty(&item->ready))
		list_append(&loop->ready, &item->ready);
}

void fake_bury(struct loop *loop, struct fake_item *item)
{
	item->closed = true;
	list_remove(&item->ready);
	item->next_grave = loop->graves;
	loop->graves = item;
}

/* With a seed, any order is as good as another. */
static void shuffle(struct fake_net *net, struct list_node *list)
{
	struct list_node rest, *node;
	size_t count = 0;

	if (!net->options.seed)
		return;
	list_init(&rest);
	while ((node = list_pop(list))) {
		list_append(&rest, node);
		count++;
	}
	for (; count > 0; count--) {
		node = list_first(&rest);
		for (uint64_t skip = rng_below(&net->rng, count); skip > 0; skip--)
			node = node->next;
		list_remove(node);
		list_append(list, node);
	}
}

static void run_ready(struct loop *loop)
{
	struct list_node batch, *node;

	list_init(&batch);
	while ((node = list_pop(&loop->ready)))
		list_append(&batch, node);
	shuffle(loop->net, &batch);
	while ((node = list_pop(&batch))) {
		struct fake_item *item = container_of(node, struct fake_item, ready);

		item->act(item);
	}
}

static void run_signals(struct loop *loop)
{
	for (size_t i = 0; loop->signals_pending > 0 && i < COUNT(loop->signals); i++) {
		while (loop->signals[i].pending > 0) {
			loop->signals[i].pending--;
			loop->signals_pending--;
			loop->signals[i].run(loop->signals[i].owner, (int)i);
		}
	}
}

static bool has_work(struct loop *loop)
{
	return atomic_load(&loop->mailbox.newest) || !list_empty(&loop->ready) || loop->deferred ||
	       timers_next(&loop->timers) <= loop->net->now_ms || loop->signals_pending > 0;
}

static void turn(struct loop *loop)
{
	loop->turn++;
	run_posts(loop);
	run_signals(loop);
	run_ready(loop);
	timers_advance(&loop->timers, loop->net->now_ms);
	run_deferred(loop);
	free_graves(loop);
}

/* ---- Passes ---- */

static bool run_loops(struct fake_net *net)
{
	bool worked = false;

	shuffle(net, &net->loops);
	list_for_each (&net->loops, node) {
		struct loop *loop = container_of(node, struct loop, link);

		if (!has_work(loop))
			continue;
		turn(loop);
		worked = true;
	}
	return worked;
}

/* One pass at this instant. False when nothing was left to do. */
static bool pass(struct fake_net *net)
{
	bool worked = timers_next(&net->events) <= net->now_ms;

	if (worked)
		timers_advance(&net->events, net->now_ms);
	return run_loops(net) || worked;
}

/* Jumps to the next event, at most to `limit_ms`. False when there is none until then. */
static bool jump(struct fake_net *net, uint64_t limit_ms)
{
	uint64_t next_ms = timers_next(&net->events);

	list_for_each (&net->loops, node) {
		struct loop *loop = container_of(node, struct loop, link);
		uint64_t due_ms = timers_next(&loop->timers);

		next_ms = due_ms < next_ms ? due_ms : next_ms;
	}
	net->now_ms = next_ms < limit_ms ? next_ms : limit_ms;
	return next_ms <= limit_ms;
}

/* Goes on until done(arg), or the last event of `limit_ms`. */
static bool run(struct fake_net *net, bool (*done)(void *arg), void *arg, uint64_t limit_ms)
{
	bool is_done = false, more = true;

	assert(!net->running);
	net->running = true;
	while (!is_done && more) {
		uint64_t passes = 0;

		while (!(is_done = done(arg)) && pass(net)) {
			passes++;
			assert(passes < PASSES_MAX);
		}
		if (!is_done)
			more = jump(net, limit_ms);
	}
	net->running = false;
	return is_done;
}

static bool never(void *arg)
{
	(void)arg;
	return false;
}

void fake_run_ms(struct fake_net *net, uint64_t ms)
{
	run(net, never, NULL, net->now_ms + ms);
}

bool fake_run_until(struct fake_net *net, bool (*done)(void *arg), void *arg, uint64_t max_ms)
{
	return run(net, done, arg, net->now_ms + max_ms);
}

static bool is_stopping(void *arg)
{
	return ((struct loop *)arg)->stopping;
}

void loop_run(struct loop *loop)
{
	/* Without an end to the time: where nothing can happen any more, it would sleep for ever.
	 */
	bool stopped = run(loop->net, is_stopping, loop, TIMERS_NEVER - 1);

	assert(stopped);
	loop->stopping = false;
}

void loop_stop(struct loop *loop)
{
	loop->stopping = true;
}

uint64_t loop_now_ms(const struct loop *loop)
{
	return loop->net->now_ms;
}

uint64_t loop_unix_us(const struct loop *loop)
{
	(void)loop;
	return clock_unix_us();
}

void loop_post(struct loop *loop, struct loop_job *job)
{
	assert(job->run);
	mailbox_put(&loop->mailbox, job);
}

void loop_defer(struct loop *loop, struct loop_job *job)
{
	assert(job->run);
	job->next = NULL;
	*loop->deferred_end = job;
	loop->deferred_end = &job->next;
}

void timer_set(struct loop *loop, struct timer *timer, uint64_t due_ms)
{
	timers_set(&loop->timers, timer, due_ms);
}

size_t fake_open_count(const struct fake_net *net)
{
	size_t count = 0;

	list_for_each (&net->loops, node)
		count += container_of(node, struct loop, link)->open_count;
	return count;
}

/* ---- Signals ---- */

err_t loop_on_signal(struct loop *loop, int signal_number,
		     void (*on_signal)(void *owner, int number), void *owner)
{
	assert(signal_number > 0 && signal_number < (int)COUNT(loop->signals));
	loop->signals[signal_number].run = on_signal;
	loop->signals[signal_number].owner = owner;
	return ERR_OK;
}

void fake_signal(struct fake_net *net, int number)
{
	list_for_each (&net->loops, node) {
		struct loop *loop = container_of(node, struct loop, link);

		if (!loop->signals[number].run)
			continue;
		loop->signals[number].pending++;
		loop->signals_pending++;
	}
}

/* ---- Blocking work: on the loop, one turn for the work and one for the news of it ---- */

struct blocking_pool {
	unsigned threads;
};

err_t blocking_pool_create(unsigned threads, struct blocking_pool **ret_pool)
{
	*ret_pool = calloc(1, sizeof **ret_pool);
	if (!*ret_pool)
		return ERR_NOMEM;
	(*ret_pool)->threads = threads;
	return ERR_OK;
}

void blocking_pool_destroy(struct blocking_pool *pool)
{
	free(pool);
}

static void on_done(struct loop_job *post)
{
	struct blocking_job *job = container_of(post, struct blocking_job, post);

	job->done(job);
}

static void on_work(struct loop_job *post)
{
	struct blocking_job *job = container_of(post, struct blocking_job, post);

	job->work(job);
	job->post.run = on_done;
	loop_post(job->loop, &job->post);
}

void blocking_submit(struct blocking_pool *pool, struct blocking_job *job)
{
	assert(pool && pool->threads > 0 && job->work && job->done);
	job->post.run = on_work;
	loop_post(job->loop, &job->post);
}

static struct name *find_name(const struct fake_net *net, const char *text)
{
	list_for_each (&net->names, node) {
		struct name *name = container_of(node, struct name, link);

		if (strcmp(name->name, text) == 0)
			return name;
	}
	return NULL;
}

void fake_name(struct fake_net *net, const char *text, const char *ip)
{
	struct name *name = find_name(net, text);

	if (!name) {
		name = calloc(1, sizeof *name);
		assert(name);
		name->name = bytes_dup(bytes_of(text));
		list_append(&net->names, &name->link);
	}
	name->known = ip != NULL;
	if (ip) {
		err_t err = address_parse_ip(bytes_of(ip), 0, &name->address);

		assert(err == ERR_OK);
	}
}

static void look_up(struct blocking_job *job)
{
	struct resolve_job *resolve = container_of(job, struct resolve_job, job);
	struct name *name = find_name(fake_current(), resolve->name);

	resolve->count = 1;
	resolve->err = ERR_OK;
	if (name && name->known) {
		resolve->addresses[0] = name->address;
		resolve->addresses[0].port = resolve->port;
	} else if (name || address_parse_ip(bytes_of(resolve->name), resolve->port,
					    &resolve->addresses[0])) {
		resolve->count = 0;
		resolve->err = ERR_NOT_FOUND;
	}
}

static void on_looked_up(struct blocking_job *job)
{
	struct resolve_job *resolve = container_of(job, struct resolve_job, job);

	resolve->on_resolved(resolve);
}

void resolve(struct blocking_pool *pool, struct loop *loop, struct resolve_job *resolve)
{
	resolve->job = (struct blocking_job){ .work = look_up, .done = on_looked_up, .loop = loop };
	blocking_submit(pool, &resolve->job);
}
