#include "lb/upstream.h"

#include <stdlib.h>

/*
 * A stack: the newest on top. Entries grow older towards the bottom, so one timer serves all. With
 * HTTP/2 it holds all that are connected, whether exchanges run on them or not; `since_ms` is then
 * when the last one ended.
 */
struct warm {
	struct conn *conn;
	uint64_t since_ms;
};

struct upstream {
	struct upstream_options options;
	struct timer timer; /* for the bottom of the stack */
	struct warm *warm;
	unsigned warm_count, warm_cap;
	unsigned open_count;
	bool ending;
	struct tls_memory *memory; /* of the target; NULL without TLS */
	/* HTTP/2: those that wait for a connection, and the one being made. */
	struct list_node waiters;
	struct conn *connecting;
	uint32_t connect_ms;
};

static void on_connected(void *owner, struct conn *conn, err_t err);
static void on_idle(void *owner, struct conn *conn, bool reusable);

static void on_idle_connecting(void *owner, struct conn *conn, bool reusable)
{
	(void)owner, (void)conn, (void)reusable;
	assert(false && "a conn that is not connected has nothing to be idle after");
}

static const struct conn_client_events connecting_events = {
	.on_connected = on_connected, /* owner: the waiter */
	.on_idle = on_idle_connecting,
};

static void on_shared(void *owner, struct conn *conn, err_t err);

static const struct conn_client_events sharing_events = {
	.on_connected = on_shared, /* owner: the pool */
	.on_idle = on_idle_connecting,
};

static const struct conn_client_events pool_events = {
	.on_connected = on_connected, /* never again */
	.on_idle = on_idle,	      /* owner: the pool */
};

static void count(struct upstream *pool, int change)
{
	pool->open_count = (unsigned)((int)pool->open_count + change);
	pool->options.on_count(pool->options.owner, change);
}

static void arm(struct upstream *pool)
{
	if (pool->warm_count == 0)
		timer_cancel(&pool->timer);
	else
		timer_set(pool->options.loop, &pool->timer,
			  pool->warm[0].since_ms + pool->options.idle_ms);
}

static void free_when_empty(struct upstream *pool)
{
	if (!pool->ending || pool->open_count)
		return;
	timer_cancel(&pool->timer);
	pool->options.on_freed(pool->options.owner);
	free(pool->warm);
	tls_memory_destroy(pool->memory);
	free(pool);
}

/* Takes the entry at `index` out, keeping the order of age. */
static void forget_warm(struct upstream *pool, unsigned index)
{
	assert(index < pool->warm_count);
	pool->warm_count--;
	memmove(pool->warm + index, pool->warm + index + 1,
		(pool->warm_count - index) * sizeof *pool->warm);
}

static void close_conn(struct upstream *pool, struct conn *conn)
{
	conn_destroy(conn);
	count(pool, -1);
}

/* Closes what has lain idle since `before_ms` or longer. */
static void close_idle(struct upstream *pool, uint64_t before_ms)
{
	unsigned kept = 0, count = pool->warm_count;

	for (unsigned i = 0; i < count; i++) {
		struct warm *warm = &pool->warm[i];

		if (warm->since_ms <= before_ms && !conn_is_busy(warm->conn))
			close_conn(pool, warm->conn);
		else
			pool->warm[kept++] = *warm;
	}
	pool->warm_count = kept;
}

static void on_timer(struct timer *timer)
{
	struct upstream *pool = container_of(timer, struct upstream, timer);
	uint64_t now_ms = loop_now_ms(pool->options.loop);

	if (now_ms >= pool->options.idle_ms)
		close_idle(pool, now_ms - pool->options.idle_ms);
	/* Busy ones are looked at again when they could be due, not before. */
	if (pool->options.http2 && pool->warm_count)
		timer_set(pool->options.loop, &pool->timer, now_ms + pool->options.idle_ms);
	else
		arm(pool);
}

err_t upstream_create(const struct upstream_options *options, struct upstream **ret_pool)
{
	struct upstream *pool = calloc(1, sizeof *pool);

	if (!pool || (options->tls && tls_memory_create(&pool->memory))) {
		free(pool);
		return ERR_NOMEM;
	}
	pool->options = *options;
	pool->timer.on_expired = on_timer;
	list_init(&pool->waiters);
	*ret_pool = pool;
	return ERR_OK;
}

void upstream_set_idle_max(struct upstream *pool, uint32_t idle_max)
{
	pool->options.idle_max = idle_max;
	if (pool->options.http2) {
		if (idle_max == 0)
			close_idle(pool, UINT64_MAX);
		return;
	}
	while (pool->warm_count > idle_max)
		close_conn(pool, pool->warm[--pool->warm_count].conn);
	if (pool->warm_count == 0)
		timer_cancel(&pool->timer);
}

void upstream_destroy(struct upstream *pool)
{
	if (!pool)
		return;
	pool->ending = true;
	upstream_set_idle_max(pool, 0);
	free_when_empty(pool);
}

static err_t open_shared(struct upstream *pool, const struct exchange_events *events, void *owner,
			 struct exchange **ret_exchange)
{
	for (unsigned i = pool->warm_count; i > 0; i--)
		if (conn_can_open(pool->warm[i - 1].conn) &&
		    exchange_open(pool->warm[i - 1].conn, events, owner, ret_exchange) == ERR_OK)
			return ERR_OK;
	return ERR_AGAIN;
}

err_t upstream_open(struct upstream *pool, const struct exchange_events *events, void *owner,
		    struct exchange **ret_exchange)
{
	if (pool->options.http2)
		return open_shared(pool, events, owner, ret_exchange);
	while (pool->warm_count) {
		struct conn *conn = pool->warm[--pool->warm_count].conn;

		if (exchange_open(conn, events, owner, ret_exchange) == ERR_OK)
			return ERR_OK;
		upstream_discard(pool, conn);
	}
	return ERR_AGAIN;
}

void upstream_set_tls(struct upstream *pool, struct tls_context *tls)
{
	assert(pool->options.tls && tls);
	pool->options.tls = tls;
}

void upstream_discard(struct upstream *pool, struct conn *lent)
{
	if (pool->options.http2)
		return;
	close_conn(pool, lent);
	free_when_empty(pool);
}

static err_t start(struct upstream *pool, uint32_t connect_ms,
		   const struct conn_client_events *events, void *owner, struct conn **ret_conn)
{
	struct conn_client_options options = {
		.loop = pool->options.loop,
		.to = pool->options.to,
		.events = events,
		.owner = owner,
		.connect_ms = connect_ms,
		.http2 = pool->options.http2,
		.tls = pool->options.tls,
		.memory = pool->memory,
	};

	TRY(conn_connect(&options, ret_conn));
	count(pool, 1);
	return ERR_OK;
}

err_t upstream_connect(struct upstream *pool, uint32_t connect_ms, struct upstream_waiter *w)
{
	w->pool = pool;
	if (!pool->options.http2)
		return start(pool, connect_ms, &connecting_events, w, &w->conn);
	if (!pool->connecting)
		TRY(start(pool, connect_ms, &sharing_events, pool, &pool->connecting));
	pool->connect_ms = connect_ms;
	w->conn = pool->connecting;
	list_append(&pool->waiters, &w->link);
	return ERR_OK;
}

static struct upstream_waiter *next_waiter(struct upstream *pool)
{
	struct list_node *node = list_pop(&pool->waiters);
	struct upstream_waiter *w = node ? container_of(node, struct upstream_waiter, link) : NULL;

	if (w)
		w->conn = NULL;
	return w;
}

void upstream_cancel(struct upstream_waiter *w)
{
	struct upstream *pool = w->pool;

	if (!w->conn)
		return;
	if (!pool->options.http2) {
		close_conn(pool, w->conn);
	} else {
		list_remove(&w->link);
		if (list_empty(&pool->waiters) && pool->connecting == w->conn) {
			close_conn(pool, pool->connecting);
			pool->connecting = NULL;
		}
	}
	w->conn = NULL;
	free_when_empty(pool);
}

static void on_connected(void *owner, struct conn *conn, err_t err)
{
	struct upstream_waiter *w = owner;
	struct upstream *pool = w->pool;

	assert(w->conn == conn);
	w->conn = NULL;
	if (!err) {
		conn_set_owner(conn, &pool_events, pool);
		w->on_ready(w, conn);
		return;
	}
	close_conn(pool, conn);
	free_when_empty(pool);
	w->on_failed(w, err);
}

static bool make_room(struct upstream *pool)
{
	unsigned cap = pool->warm_cap ? pool->warm_cap * 2 : 4;
	struct warm *grown;

	if (pool->warm_count < pool->warm_cap)
		return true;
	grown = realloc(pool->warm, cap * sizeof *grown);
	if (!grown)
		return false;
	pool->warm = grown;
	pool->warm_cap = cap;
	return true;
}

static void fail_waiters(struct upstream *pool, err_t err)
{
	struct list_node failed;

	/* Whoever begins to wait meanwhile, waits for another one. */
	list_init(&failed);
	while (!list_empty(&pool->waiters))
		list_append(&failed, list_pop(&pool->waiters));
	while (!list_empty(&failed)) {
		struct upstream_waiter *w = container_of(list_pop(&failed), struct upstream_waiter,
							 link);

		w->conn = NULL;
		w->on_failed(w, err);
	}
}

/* The connection that several wait for: as many as it takes go on, the rest wait for another. */
static void on_shared(void *owner, struct conn *conn, err_t err)
{
	struct upstream *pool = owner;

	assert(pool->connecting == conn);
	pool->connecting = NULL;
	if (!err && !make_room(pool))
		err = ERR_NOMEM;
	if (err) {
		pool->open_count++; /* holds the pool while they are told */
		close_conn(pool, conn);
		fail_waiters(pool, err);
		pool->open_count--;
		free_when_empty(pool);
		return;
	}
	conn_set_owner(conn, &pool_events, pool);
	pool->warm[pool->warm_count++] = (struct warm){ conn, loop_now_ms(pool->options.loop) };
	if (!timer_armed(&pool->timer))
		arm(pool);
	while (!list_empty(&pool->waiters) && conn_can_open(conn)) {
		struct upstream_waiter *w = next_waiter(pool);

		w->on_ready(w, conn);
	}
	if (list_empty(&pool->waiters) || pool->connecting)
		return;
	err = start(pool, pool->connect_ms, &sharing_events, pool, &pool->connecting);
	if (err) {
		fail_waiters(pool, err);
		return;
	}
	list_for_each (&pool->waiters, node)
		container_of(node, struct upstream_waiter, link)->conn = pool->connecting;
}

/* One of its exchanges ended. */
static void on_shared_idle(struct upstream *pool, struct conn *conn)
{
	bool unwanted = pool->ending || pool->options.idle_max == 0;

	for (unsigned i = 0; i < pool->warm_count; i++) {
		if (pool->warm[i].conn != conn)
			continue;
		pool->warm[i].since_ms = loop_now_ms(pool->options.loop);
		if (!unwanted || conn_is_busy(conn))
			return;
		forget_warm(pool, i);
		close_conn(pool, conn);
		free_when_empty(pool);
		return;
	}
}

static void on_idle(void *owner, struct conn *conn, bool reusable)
{
	struct upstream *pool = owner;

	if (reusable && pool->options.http2) {
		on_shared_idle(pool, conn);
		return;
	}
	if (reusable && !pool->ending && pool->warm_count < pool->options.idle_max &&
	    make_room(pool)) {
		pool->warm[pool->warm_count++] = (struct warm){ conn,
								loop_now_ms(pool->options.loop) };
		/* Lazy: an armed timer is early at worst, and then looks again. */
		if (!timer_armed(&pool->timer))
			arm(pool);
		return;
	}
	for (unsigned i = 0; i < pool->warm_count; i++)
		if (pool->warm[i].conn == conn) {
			forget_warm(pool, i);
			break;
		}
	close_conn(pool, conn);
	free_when_empty(pool);
}

void upstream_set_idle_ms(struct upstream *pool, uint32_t idle_ms)
{
	pool->options.idle_ms = idle_ms;
	arm(pool);
}

unsigned upstream_open_count(const struct upstream *pool)
{
	return pool->open_count;
}

unsigned upstream_warm_count(const struct upstream *pool)
{
	return pool->warm_count;
}
