#include "rag/api/warm.h"

/* An engine that is down is asked again with the next change of the library. */
static void work(struct blocking_job *job)
{
	struct warmer *warmer = container_of(job, struct warmer, job);

	corpus_warm(warmer->corpus, &warmer->stop);
	if (warmer->embedder)
		(void)embedder_fill(warmer->embedder, warmer->corpus, &warmer->stop);
}

static void done(struct blocking_job *job)
{
	struct warmer *warmer = container_of(job, struct warmer, job);

	warmer->running = false;
	if (warmer->again && !atomic_load(&warmer->stop))
		warm_start(warmer, job->loop, warmer->pool);
}

void warm_start(struct warmer *warmer, struct loop *loop, struct blocking_pool *pool)
{
	warmer->again = warmer->running;
	if (warmer->running)
		return;
	warmer->running = true;
	warmer->pool = pool;
	warmer->job = (struct blocking_job){ .work = work, .done = done, .loop = loop };
	blocking_submit(pool, &warmer->job);
}

void warm_stop(struct warmer *warmer)
{
	atomic_store(&warmer->stop, true);
}
