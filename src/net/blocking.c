#include "net/blocking.h"

#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>

#include "net/sockaddr.h"

enum { THREADS_MAX = 64 };

struct blocking_pool {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct list_node waiting; /* locked */
	bool ending;		  /* locked */
	unsigned count;
	pthread_t threads[THREADS_MAX];
};

/* The next job, or NULL when the pool ends and nothing waits any more. */
static struct blocking_job *next_job(struct blocking_pool *pool)
{
	struct list_node *node;

	pthread_mutex_lock(&pool->lock);
	while (!(node = list_pop(&pool->waiting)) && !pool->ending)
		pthread_cond_wait(&pool->changed, &pool->lock);
	pthread_mutex_unlock(&pool->lock);
	return node ? container_of(node, struct blocking_job, link) : NULL;
}

static void *run(void *arg)
{
	struct blocking_pool *pool = arg;
	struct blocking_job *job;

	while ((job = next_job(pool))) {
		job->work(job);
		loop_post(job->loop, &job->post);
	}
	return NULL;
}

static void on_worked(struct loop_job *post)
{
	struct blocking_job *job = container_of(post, struct blocking_job, post);

	job->done(job);
}

err_t blocking_pool_create(unsigned threads, struct blocking_pool **ret_pool)
{
	struct blocking_pool *pool = calloc(1, sizeof *pool);

	assert(threads > 0 && threads <= THREADS_MAX);
	if (!pool)
		return ERR_NOMEM;
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->changed, NULL);
	list_init(&pool->waiting);
	while (pool->count < threads) {
		if (pthread_create(&pool->threads[pool->count], NULL, run, pool) != 0) {
			blocking_pool_destroy(pool);
			return ERR_SYSTEM;
		}
		pool->count++;
	}
	*ret_pool = pool;
	return ERR_OK;
}

void blocking_pool_destroy(struct blocking_pool *pool)
{
	if (!pool)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->ending = true;
	pthread_cond_broadcast(&pool->changed);
	pthread_mutex_unlock(&pool->lock);
	for (unsigned i = 0; i < pool->count; i++)
		pthread_join(pool->threads[i], NULL);
	pthread_cond_destroy(&pool->changed);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

void blocking_submit(struct blocking_pool *pool, struct blocking_job *job)
{
	assert(job->work && job->done && job->loop);
	job->post.run = on_worked;
	pthread_mutex_lock(&pool->lock);
	assert(!pool->ending);
	list_append(&pool->waiting, &job->link);
	pthread_cond_signal(&pool->changed);
	pthread_mutex_unlock(&pool->lock);
}

/* ---- Names ---- */

static err_t err_from_resolver(int failure)
{
	switch (failure) {
	case 0: return ERR_OK;
	case EAI_NONAME:
	case EAI_NODATA:
	case EAI_FAIL:
	case EAI_ADDRFAMILY: return ERR_NOT_FOUND;
	case EAI_AGAIN: return ERR_AGAIN;
	default: return ERR_SYSTEM;
	}
}

static void look_up(struct blocking_job *job)
{
	struct resolve_job *resolve = container_of(job, struct resolve_job, job);
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found;

	resolve->count = 0;
	resolve->err = err_from_resolver(getaddrinfo(resolve->name, NULL, &hints, &found));
	if (resolve->err)
		return;
	for (struct addrinfo *at = found; at && resolve->count < COUNT(resolve->addresses);
	     at = at->ai_next) {
		struct address *address = &resolve->addresses[resolve->count];
		struct sockaddr_storage storage = { .ss_family = AF_UNSPEC };

		memcpy(&storage, at->ai_addr, at->ai_addrlen);
		address_from_kernel(&storage, address);
		address->port = resolve->port;
		resolve->count += address->family != 0;
	}
	freeaddrinfo(found);
	if (resolve->count == 0)
		resolve->err = ERR_NOT_FOUND;
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
