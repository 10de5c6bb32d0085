#include "rag/api/warm.h"

enum { WATCH_MS = 500, RETRY_MS = 3000 };

/* An engine that is down is asked again after a while, and with the next change. */
static void work(struct blocking_job *job)
{
	struct warmer *warmer = container_of(job, struct warmer, job);

	corpus_warm(warmer->corpus, &warmer->stop);
	if (warmer->embedder)
		(void)embedder_fill(warmer->embedder, warmer->corpus, &warmer->stop);
	if (warmer->neo4j)
		(void)neo4j_project(warmer->neo4j, warmer->corpus, &warmer->stop);
}

static bool is_behind(const struct warmer *warmer)
{
	return (warmer->embedder && embedder_pending(warmer->embedder)) ||
	       (warmer->neo4j && strcmp(neo4j_state(warmer->neo4j), "ok") != 0);
}

static void done(struct blocking_job *job)
{
	struct warmer *warmer = container_of(job, struct warmer, job);

	warmer->running = false;
	warmer->retry_at_ms = loop_now_ms(job->loop) + RETRY_MS;
	if (warmer->again && !atomic_load(&warmer->stop))
		warm_start(warmer, job->loop, warmer->pool);
}

static void on_watch(struct timer *timer)
{
	struct warmer *warmer = container_of(timer, struct warmer, watch);
	struct loop *loop = warmer->loop;

	if (!warmer->running && (corpus_changes(warmer->corpus) != warmer->seen ||
				 (is_behind(warmer) && loop_now_ms(loop) >= warmer->retry_at_ms)))
		warm_start(warmer, loop, warmer->pool);
	timer_set(loop, timer, loop_now_ms(loop) + WATCH_MS);
}

void warm_watch(struct warmer *warmer, struct loop *loop, struct blocking_pool *pool)
{
	warmer->loop = loop;
	warmer->pool = pool;
	warmer->watch.on_expired = on_watch;
	timer_set(loop, &warmer->watch, loop_now_ms(loop) + WATCH_MS);
}

void warm_start(struct warmer *warmer, struct loop *loop, struct blocking_pool *pool)
{
	warmer->again = warmer->running;
	if (warmer->running)
		return;
	warmer->running = true;
	warmer->seen = corpus_changes(warmer->corpus);
	warmer->pool = pool;
	warmer->job = (struct blocking_job){ .work = work, .done = done, .loop = loop };
	blocking_submit(pool, &warmer->job);
}

void warm_stop(struct warmer *warmer)
{
	atomic_store(&warmer->stop, true);
	timer_cancel(&warmer->watch);
}
