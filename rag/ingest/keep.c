/*
 * The keeper: a thread that brings the folder up to date, builds generations, and tidies up.
 */
#include <stdio.h>

#include "base/log.h"
#include "net/clock.h"
#include "rag/ingest/ingest_internal.h"

enum { REST_PARTS = 10 }; /* tenths of a second between two tries to publish */

bool keeper_is_cancelled(const struct ingest *ingest)
{
	return atomic_load(&ingest->keeper_cancelled);
}

/* Waits until no document of the job is pending any more. */
static err_t wait_for_documents(struct ingest *ingest, struct bytes job)
{
	struct arena arena;
	struct library_job row;

	for (;;) {
		struct timespec until;
		uint64_t wakes, at_ms;
		err_t err;

		pthread_mutex_lock(&ingest->locked.lock);
		wakes = ingest->locked.wakes;
		pthread_mutex_unlock(&ingest->locked.lock);
		arena_init(&arena, RECORD_ARENA_MAX);
		err = library_job_get(ingest->options.library, job, &arena, &row);
		arena_fini(&arena);
		if (err || row.done + row.failed >= row.total)
			return err;
		if (keeper_is_cancelled(ingest))
			return ERR_CANCELLED;
		at_ms = clock_unix_ms() + 1000; /* a cancel comes without a wake-up */
		until = (struct timespec){ (time_t)(at_ms / 1000), (long)(at_ms % 1000) * 1000000 };
		pthread_mutex_lock(&ingest->locked.lock);
		if (wakes == ingest->locked.wakes)
			pthread_cond_timedwait(&ingest->locked.ended, &ingest->locked.lock, &until);
		pthread_mutex_unlock(&ingest->locked.lock);
	}
}

/* ---- Jobs ---- */

static void say_end(struct ingest *ingest, struct bytes job)
{
	struct library_job row;
	struct arena arena;

	arena_init(&arena, RECORD_ARENA_MAX);
	if (library_job_get(ingest->options.library, job, &arena, &row) == ERR_OK)
		log_info("rag", "%.*s %.*s %s: %llu documents, %llu failed, %llu passages",
			 BYTES_ARG(row.id), BYTES_ARG(row.kind), library_job_state_names[row.state],
			 (unsigned long long)row.done, (unsigned long long)row.failed,
			 (unsigned long long)row.passages);
	arena_fini(&arena);
}

static void job_is_over(struct ingest *ingest, struct bytes job)
{
	atomic_store(&ingest->ready, true);
	say_end(ingest, job);
}

static void finish(struct ingest *ingest, struct bytes job, err_t err, uint64_t generation)
{
	struct library *library = ingest->options.library;
	enum library_job_state state = err == ERR_CANCELLED ? LIBRARY_JOB_CANCELLED
				       : err		    ? LIBRARY_JOB_FAILED
							    : LIBRARY_JOB_SUCCEEDED;

	if (atomic_load(&ingest->stopping))
		return; /* the next run goes on with it */
	if (library_begin(library))
		return;
	if (job_end(ingest, job, state, err && err != ERR_CANCELLED ? err_words(err) : "",
		    generation) ||
	    (!err && library_setting_put(library, "synced", 1))) {
		library_rollback(library);
		return;
	}
	(void)library_commit(library);
	job_is_over(ingest, job);
}

/* Old generations and originals that nobody speaks of, some at a time. */
static void tidy(struct ingest *ingest)
{
	bool more = true;

	while (more && !atomic_load(&ingest->stopping))
		if (catalog_prune(ingest->options.catalog, &more))
			break;
}

static void run_sync(struct ingest *ingest, struct bytes job)
{
	struct catalog_state state;
	err_t err = folder_sync(ingest, job);

	if (!err)
		err = wait_for_documents(ingest, job);
	catalog_state(ingest->options.catalog, &state);
	finish(ingest, job, err, state.generation);
	if (err && err != ERR_CANCELLED)
		log_error("rag", "the documents at %s could not be read: %s",
			  ingest->options.folder, err_words(err));
}

struct publishing {
	struct ingest *ingest;
	struct bytes job;
	uint64_t generation;
};

static err_t end_published(void *owner)
{
	const struct publishing *p = owner;

	TRY(job_end(p->ingest, p->job, LIBRARY_JOB_SUCCEEDED, "", p->generation));
	return library_setting_put(p->ingest->options.library, "synced", 1);
}

/* Sleeps a while; false when there is no point in another try. */
static bool rest(struct ingest *ingest)
{
	const struct timespec part = { 0, 100 * 1000 * 1000 };

	for (unsigned i = 0; i < REST_PARTS && !keeper_is_cancelled(ingest); i++)
		nanosleep(&part, NULL);
	return !keeper_is_cancelled(ingest);
}

/*
 * The new generation is whole: a library that cannot be written just now is no reason to throw it
 * away. A commit in doubt is found out by the next try.
 */
static err_t publish(struct ingest *ingest, struct bytes job, uint64_t generation)
{
	struct publishing publishing = { ingest, job, generation };
	err_t err = catalog_build_publish(ingest->options.catalog, end_published, &publishing);

	if (err)
		log_warn("rag",
			 "the new generation cannot be published just now (%s); trying again",
			 err_words(err));
	while (err && rest(ingest))
		err = catalog_build_publish(ingest->options.catalog, end_published, &publishing);
	return err ? ERR_CANCELLED : ERR_OK;
}

static void run_reindex(struct ingest *ingest, struct bytes job, bool keep_passages)
{
	uint64_t generation = 0;
	err_t err = catalog_build_begin(ingest->options.catalog, &generation);

	if (!err && !keep_passages)
		err = folder_sync(ingest, job);
	if (!err)
		err = rebuild_all(ingest, job, generation, keep_passages);
	if (!err)
		err = wait_for_documents(ingest, job);
	if (!err && keeper_is_cancelled(ingest))
		err = ERR_CANCELLED;
	if (!err)
		err = publish(ingest, job, generation);
	if (!err) {
		job_is_over(ingest, job);
		return;
	}
	if (!atomic_load(&ingest->stopping))
		catalog_build_drop(ingest->options.catalog);
	finish(ingest, job, err, 0);
	if (err != ERR_CANCELLED)
		log_error("rag", "the reindex failed: %s", err_words(err));
}

static bool on_open_job(void *owner, const struct library_job *job)
{
	struct open_job *open = owner;
	bool reindex = bytes_eq_str(job->kind, "reindex");

	if (!reindex && !bytes_eq_str(job->kind, "sync"))
		return true;
	snprintf(open->id, sizeof open->id, "%.*s", BYTES_ARG(job->id));
	open->found = true;
	open->reindex = reindex;
	open->keep_passages = bytes_find(job->args, BYTES("\"keep_passages\":true")) != SIZE_MAX;
	return false;
}

err_t open_job_find(struct ingest *ingest, struct open_job *ret_open)
{
	*ret_open = (struct open_job){ .found = false };
	return library_jobs(ingest->options.library, true, 1000, on_open_job, ret_open);
}

/* Begins it, or goes on with it: what a former run counted is counted anew. */
static void begin_job(struct ingest *ingest, struct bytes id)
{
	struct library *library = ingest->options.library;
	struct library_job job;
	struct arena arena;
	err_t err;

	if (library_begin(library))
		return;
	arena_init(&arena, RECORD_ARENA_MAX);
	err = library_job_get(library, id, &arena, &job);
	if (!err && job.state == LIBRARY_JOB_CANCELLING) {
		atomic_store(&ingest->keeper_cancelled, true);
	} else if (!err) {
		if (job.started_ms)
			job.total = job.done = job.failed = job.passages = 0;
		else
			job.started_ms = clock_unix_ms();
		job.state = LIBRARY_JOB_RUNNING;
		err = library_job_put(library, &job);
	}
	if (err)
		library_rollback(library);
	else
		(void)library_commit(library);
	arena_fini(&arena);
}

static void run_open_job(struct ingest *ingest, const struct open_job *open)
{
	struct bytes id = bytes_of(open->id);

	pthread_mutex_lock(&ingest->locked.lock);
	memcpy(ingest->locked.running, open->id, sizeof open->id);
	pthread_mutex_unlock(&ingest->locked.lock);
	atomic_store(&ingest->keeper_cancelled, atomic_load(&ingest->stopping));
	begin_job(ingest, id);
	if (open->reindex)
		run_reindex(ingest, id, open->keep_passages);
	else
		run_sync(ingest, id);
	pthread_mutex_lock(&ingest->locked.lock);
	ingest->locked.running[0] = '\0';
	pthread_mutex_unlock(&ingest->locked.lock);
	job_ended(ingest);
	tidy(ingest);
}

/* Every start looks at the folder, unless a job that does is open already. */
static void begin_sync(struct ingest *ingest)
{
	struct library *library = ingest->options.library;
	char id[INGEST_JOB_ID_BYTES];
	struct open_job open;

	if (open_job_find(ingest, &open) || open.found)
		return;
	if (!ingest->options.folder[0]) {
		atomic_store(&ingest->ready, true);
		return;
	}
	if (library_begin(library))
		return;
	if (job_begin(ingest, "sync", BYTES("{}"), LIBRARY_JOB_QUEUED, 0, id))
		library_rollback(library);
	else
		(void)library_commit(library);
}

void *keeper_main(void *owner)
{
	struct ingest *ingest = owner;

	begin_sync(ingest);
	tidy(ingest);
	while (!atomic_load(&ingest->stopping)) {
		struct open_job open;
		uint64_t wakes;

		pthread_mutex_lock(&ingest->locked.lock);
		wakes = ingest->locked.wakes;
		pthread_mutex_unlock(&ingest->locked.lock);
		if (open_job_find(ingest, &open) == ERR_OK && open.found) {
			run_open_job(ingest, &open);
			continue;
		}
		pthread_mutex_lock(&ingest->locked.lock);
		while (ingest->locked.wakes == wakes && !ingest->locked.stopping)
			pthread_cond_wait(&ingest->locked.work, &ingest->locked.lock);
		pthread_mutex_unlock(&ingest->locked.lock);
	}
	return NULL;
}
