/*
 * upstream: connections to one target, kept warm for the next request.
 *
 * One pool per target and worker; every call comes from that worker's loop.
 *
 *   upstream_open ────► an exchange on a warm conn, or ERR_AGAIN
 *   upstream_connect ─► on_ready ───► exchange_open … exchange_close ──► warm again, or closed
 *                   └─► on_failed
 *
 * With HTTP/2 a connection carries many exchanges, and those that come while one is being made wait
 * for it together; another one is made when none has room.
 *
 * There is no giving back: when the exchange on a lent conn is over, the conn itself says whether
 * it may carry another one, and the pool keeps it or closes it. Last come, first taken, so that
 * what is not needed grows old and is closed.
 */
#ifndef LB_UPSTREAM_H
#define LB_UPSTREAM_H

#include "conn/conn.h"

struct upstream;

struct upstream_options {
	struct loop *loop;
	struct address to;
	struct tls_context *tls; /* NULL: plain. Outlives the pool */
	bool http2;		 /* many exchanges on a connection, by prior knowledge or ALPN */
	uint32_t idle_max;	 /* warm connections to keep; 0 keeps none */
	uint32_t idle_ms;	 /* close a warm one after this long unused */
	void (*on_count)(void *owner, int change); /* one more or one fewer open; not NULL */
	void (*on_freed)(
		void *owner); /* after upstream_destroy, when the last one closed; not NULL */
	void *owner;
};

/* The caller's memory. One of the two runs, once, after upstream_connect returned. */
struct upstream_waiter {
	void (*on_ready)(struct upstream_waiter *w, struct conn *lent);
	void (*on_failed)(struct upstream_waiter *w, err_t why);
	struct upstream *pool; /* the pool's from here on, while waiting */
	struct conn *conn;     /* being connected, with HTTP/2 for others too; NULL: not waiting */
	struct list_node link; /* HTTP/2: in the pool's waiters */
};

/*
 * On ERR_OK the caller owns *ret_pool and ends it with upstream_destroy; on ERR_NOMEM *ret_pool
 * is untouched.
 */
err_t upstream_create(const struct upstream_options *options, struct upstream **ret_pool);

/*
 * No new connection from here on: closes what is warm, and each lent one when its exchange ends.
 * After the last the pool frees itself and says on_freed, maybe in here. NULL is welcome.
 */
void upstream_destroy(struct upstream *pool);

/* For connections from here on; of a pool that has TLS. */
void upstream_set_tls(struct upstream *pool, struct tls_context *tls);

/*
 * An exchange on a connection that is there: a warm one, or with HTTP/2 any that has room. Those
 * that turn out dead are closed on the way. ERR_AGAIN when there is none.
 */
err_t upstream_open(struct upstream *pool, const struct exchange_events *events, void *owner,
		    struct exchange **ret_exchange);

/*
 * Begins a fresh one, to be ready within `connect_ms`; failures arrive in on_failed, as
 * ERR_REFUSED, ERR_EXPIRED, ERR_UNREACHABLE, ERR_RESET, ERR_TLS_HANDSHAKE or ERR_SYSTEM. ERR_NOMEM
 * and what the system refuses at once are returned, and then `w` is not waiting.
 */
err_t upstream_connect(struct upstream *pool, uint32_t connect_ms, struct upstream_waiter *w);

/* Closes a lent connection that no exchange could be opened on; with HTTP/2 others may run on it.
 */
void upstream_discard(struct upstream *pool, struct conn *lent);

/* Gives its connect up at once; neither callback runs any more. Harmless when not waiting. */
void upstream_cancel(struct upstream_waiter *w);

/* How many to keep warm from now on; the others close, what is lent goes on. */
void upstream_set_idle_max(struct upstream *pool, uint32_t idle_max);
void upstream_set_idle_ms(struct upstream *pool, uint32_t idle_ms); /* acts at once */

unsigned upstream_open_count(const struct upstream *pool); /* warm, lent and connecting */
unsigned upstream_warm_count(const struct upstream *pool);

#endif
