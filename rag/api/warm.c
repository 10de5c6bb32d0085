#include "rag/api/warm.h"

static void work(struct blocking_job *job)
{
	struct warmer *warmer = container_of(job, struct warmer, job);

	corpus_warm(warmer->corpus, &warmer->stop);
}

static void done(struct blocking_job *job)
{
	struct warmer *warmer = container_of(job, struct warmer, job);

	warmer->running = false;
}

void warm_start(struct warmer *warmer, struct loop *loop, struct blocking_pool *pool)
{
	/* One that runs sees new passages, as they come behind those it has passed. */
	if (warmer->running)
		return;
	warmer->running = true;
	warmer->job = (struct blocking_job){ .work = work, .done = done, .loop = loop };
	blocking_submit(pool, &warmer->job);
}

void warm_stop(struct warmer *warmer)
{
	atomic_store(&warmer->stop, true);
}
