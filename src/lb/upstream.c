#include "lb/upstream.h"

#include <stdlib.h>

/* A stack: the newest on top. Entries grow older towards the bottom, so one timer serves all. */
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

static void on_timer(struct timer *timer)
{
	struct upstream *pool = container_of(timer, struct upstream, timer);
	uint64_t now_ms = loop_now_ms(pool->options.loop);
	unsigned old = 0;

	while (old < pool->warm_count && pool->warm[old].since_ms + pool->options.idle_ms <= now_ms)
		close_conn(pool, pool->warm[old++].conn);
	pool->warm_count -= old;
	memmove(pool->warm, pool->warm + old, pool->warm_count * sizeof *pool->warm);
	arm(pool);
}

err_t upstream_create(const struct upstream_options *options, struct upstream **ret_pool)
{
	struct upstream *pool = calloc(1, sizeof *pool);

	if (!pool)
		return ERR_NOMEM;
	pool->options = *options;
	pool->timer.on_expired = on_timer;
	*ret_pool = pool;
	return ERR_OK;
}

void upstream_set_idle_max(struct upstream *pool, uint32_t idle_max)
{
	pool->options.idle_max = idle_max;
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

struct conn *upstream_take(struct upstream *pool)
{
	return pool->warm_count ? pool->warm[--pool->warm_count].conn : NULL;
}

void upstream_discard(struct upstream *pool, struct conn *lent)
{
	close_conn(pool, lent);
	free_when_empty(pool);
}

err_t upstream_connect(struct upstream *pool, uint32_t connect_ms, struct upstream_waiter *w)
{
	struct conn_client_options options = {
		.loop = pool->options.loop,
		.to = pool->options.to,
		.events = &connecting_events,
		.owner = w,
		.connect_ms = connect_ms,
		.tls = pool->options.tls,
	};

	TRY(conn_connect(&options, &w->conn));
	w->pool = pool;
	count(pool, 1);
	return ERR_OK;
}

void upstream_cancel(struct upstream_waiter *w)
{
	struct upstream *pool = w->pool;

	if (!w->conn)
		return;
	close_conn(pool, w->conn);
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

static void on_idle(void *owner, struct conn *conn, bool reusable)
{
	struct upstream *pool = owner;

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
