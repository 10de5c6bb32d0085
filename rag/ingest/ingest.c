#include "rag/ingest/ingest.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "net/clock.h"
#include "rag/doc/parse.h"
#include "rag/ingest/ingest_internal.h"

const char *const ingest_stage_names[4] = { "fetching", "parsing", "chunking", "committing" };

/* ---- Threads ---- */

err_t ingest_create(const struct ingest_options *options, struct ingest **ret_ingest)
{
	struct ingest *ingest = calloc(1, sizeof *ingest);

	if (!ingest)
		return ERR_NOMEM;
	ingest->options = *options;
	pthread_mutex_init(&ingest->locked.lock, NULL);
	pthread_cond_init(&ingest->locked.work, NULL);
	pthread_cond_init(&ingest->locked.ended, NULL);
	ingest->ready = library_setting(options->library, "synced") > 0;
	*ret_ingest = ingest;
	return ERR_OK;
}

err_t ingest_start(struct ingest *ingest)
{
	unsigned wanted = ingest->options.workers ? ingest->options.workers : 1;

	if (wanted > WORKERS_MAX)
		wanted = WORKERS_MAX;
	for (unsigned i = 0; i < wanted; i++) {
		if (pthread_create(&ingest->workers[i], NULL, worker_main, ingest))
			return ERR_SYSTEM;
		ingest->worker_count++;
	}
	if (pthread_create(&ingest->keeper, NULL, keeper_main, ingest))
		return ERR_SYSTEM;
	ingest->keeper_runs = true;
	return ERR_OK;
}

void ingest_wake(struct ingest *ingest)
{
	pthread_mutex_lock(&ingest->locked.lock);
	ingest->locked.wakes++;
	pthread_cond_broadcast(&ingest->locked.work);
	pthread_mutex_unlock(&ingest->locked.lock);
}

void job_ended(struct ingest *ingest)
{
	pthread_mutex_lock(&ingest->locked.lock);
	ingest->locked.wakes++;
	pthread_cond_broadcast(&ingest->locked.ended);
	pthread_cond_broadcast(&ingest->locked.work);
	pthread_mutex_unlock(&ingest->locked.lock);
}

void ingest_destroy(struct ingest *ingest)
{
	if (!ingest)
		return;
	atomic_store(&ingest->stopping, true);
	atomic_store(&ingest->keeper_cancelled, true);
	pthread_mutex_lock(&ingest->locked.lock);
	ingest->locked.stopping = true;
	for (unsigned i = 0; i < IN_FLIGHT_MAX; i++)
		atomic_store(&ingest->locked.in_flight[i].cancelled, true);
	pthread_mutex_unlock(&ingest->locked.lock);
	job_ended(ingest);
	for (unsigned i = 0; i < ingest->worker_count; i++)
		pthread_join(ingest->workers[i], NULL);
	if (ingest->keeper_runs)
		pthread_join(ingest->keeper, NULL);
	pthread_mutex_destroy(&ingest->locked.lock);
	pthread_cond_destroy(&ingest->locked.work);
	pthread_cond_destroy(&ingest->locked.ended);
	free(ingest);
}

bool ingest_is_ready(struct ingest *ingest)
{
	return atomic_load(&ingest->ready);
}

/* ---- Jobs: rows that the documents' transactions count in ---- */

static err_t job_change(struct ingest *ingest, struct bytes id,
			void (*change)(struct library_job *job, void *with), void *with)
{
	struct library *library = ingest->options.library;
	struct library_job job;
	struct arena arena;
	err_t err;

	if (id.len == 0)
		return ERR_OK;
	arena_init(&arena, RECORD_ARENA_MAX);
	err = library_job_get(library, id, &arena, &job);
	if (!err) {
		change(&job, with);
		err = library_job_put(library, &job);
	}
	arena_fini(&arena);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

err_t job_begin(struct ingest *ingest, const char *kind, struct bytes args,
		enum library_job_state state, uint64_t total, char id[INGEST_JOB_ID_BYTES])
{
	uint64_t now_ms = clock_unix_ms();
	struct library_job job = {
		.kind = bytes_of(kind),
		.args = args,
		.state = state,
		.total = total,
		.created_ms = now_ms,
		.started_ms = state == LIBRARY_JOB_RUNNING ? now_ms : 0,
	};

	memcpy(id, "job_", 4);
	random_hex(id + 4, INGEST_JOB_ID_BYTES - 5);
	job.id = bytes_of(id);
	TRY(library_job_put(ingest->options.library, &job));
	return library_jobs_prune(ingest->options.library, JOBS_KEPT);
}

void job_stamp(struct ingest *ingest, struct library_job *job)
{
	job->ended_ms = clock_unix_ms();
	if (!job->started_ms || job->ended_ms < job->started_ms)
		return; /* nothing of it was done, or the clock was set */
	histogram_observe(&ingest->times.jobs, (job->ended_ms - job->started_ms) * 1000);
}

struct counting {
	struct ingest *ingest;
	uint64_t total, done, failed, passages;
	bool may_end;
};

static void settle(struct ingest *ingest, struct library_job *job)
{
	if (job->done + job->failed < job->total)
		return;
	if (job->state == LIBRARY_JOB_CANCELLING)
		job->state = LIBRARY_JOB_CANCELLED;
	else
		job->state = job->failed ? LIBRARY_JOB_PARTIAL : LIBRARY_JOB_SUCCEEDED;
	job_stamp(ingest, job);
}

static void count_in(struct library_job *job, void *with)
{
	const struct counting *c = with;

	job->total += c->total;
	job->done += c->done;
	job->failed += c->failed;
	job->passages += c->passages;
	if (!job->started_ms)
		job->started_ms = clock_unix_ms();
	if (job->state == LIBRARY_JOB_QUEUED)
		job->state = LIBRARY_JOB_RUNNING;
	if (c->may_end && job->state < LIBRARY_JOB_CANCELLED &&
	    bytes_eq_str(job->kind, "ingest")) /* syncs and reindexes end by themselves */
		settle(c->ingest, job);
}

err_t job_count(struct ingest *ingest, struct bytes id, uint64_t done, uint64_t failed,
		uint64_t passages)
{
	struct counting c = { ingest, 0, done, failed, passages, true };

	return job_change(ingest, id, count_in, &c);
}

err_t job_add_total(struct ingest *ingest, struct bytes id, uint64_t more)
{
	struct counting c = { ingest, more, 0, 0, 0, false };

	return job_change(ingest, id, count_in, &c);
}

err_t job_settle(struct ingest *ingest, struct bytes id)
{
	struct counting c = { ingest, 0, 0, 0, 0, true };

	return job_change(ingest, id, count_in, &c);
}

struct ending {
	struct ingest *ingest;
	enum library_job_state state;
	const char *error;
	uint64_t generation;
};

static void end_it(struct library_job *job, void *with)
{
	const struct ending *ending = with;

	if (job->state >= LIBRARY_JOB_CANCELLED)
		return; /* it was over already: a commit in doubt had happened */
	job->state = ending->state;
	if (ending->state == LIBRARY_JOB_SUCCEEDED && job->failed)
		job->state = LIBRARY_JOB_PARTIAL;
	job->error = bytes_of(ending->error);
	job->generation = ending->generation;
	job_stamp(ending->ingest, job);
}

err_t job_end(struct ingest *ingest, struct bytes id, enum library_job_state state,
	      const char *error, uint64_t generation)
{
	struct ending ending = { ingest, state, error, generation };

	return job_change(ingest, id, end_it, &ending);
}

/* ---- Taking in ---- */

static bool same_given(const struct library_document *was, const struct ingest_item *item,
		       struct bytes sha256)
{
	return was->state != LIBRARY_FAILED && sha256.len && bytes_eq(was->sha256, sha256) &&
	       bytes_eq(was->options, item->options) && bytes_eq(was->media_type, item->media_type);
}

struct original_search {
	struct bytes key;
	char id[LIBRARY_ID_BYTES];
	uint64_t pages, passages;
};

/* One with the same bytes under another key, that has been read or is about to be. */
static bool on_same_bytes(void *owner, const struct library_document *document)
{
	struct original_search *s = owner;

	if (bytes_eq(document->key, s->key) || document->state == LIBRARY_FAILED)
		return true;
	snprintf(s->id, sizeof s->id, "%.*s", BYTES_ARG(document->id));
	s->pages = document->pages;
	return false;
}

static err_t find_original(struct ingest *ingest, const struct ingest_item *item,
			   struct bytes sha256, struct original_search *ret_found)
{
	const struct library_query query = { .state = -1, .sha256 = sha256, .limit = 8 };

	*ret_found = (struct original_search){ .key = item->key };
	if (!sha256.len)
		return ERR_OK;
	return library_documents(ingest->options.library, &query, on_same_bytes, ret_found);
}

/* Those that stood for by a document that changes or goes are read themselves. */
struct orphans {
	struct ingest *ingest;
	struct arena arena;
	struct library_document documents[BATCH_MAX];
	unsigned count;
	err_t err;
};

static bool on_alias(void *owner, const struct library_document *document)
{
	struct orphans *o = owner;
	struct bytes id;

	o->err = arena_copy(&o->arena, document->id, &id);
	if (!o->err)
		o->documents[o->count++].id = id;
	return !o->err && o->count < BATCH_MAX;
}

static err_t adopt_aliases(struct ingest *ingest, struct bytes id)
{
	struct library *library = ingest->options.library;
	const struct library_query query = { .state = -1, .alias_of = id, .limit = BATCH_MAX };
	struct orphans o = { .ingest = ingest };
	err_t err;

	arena_init(&o.arena, RECORD_ARENA_MAX);
	do {
		o.count = 0;
		err = library_documents(library, &query, on_alias, &o);
		err = err ? err : o.err;
		for (unsigned i = 0; i < o.count && !err; i++) {
			struct library_document *d = &o.documents[i];

			err = library_document_get(library, d->id, &o.arena, d);
			if (err)
				break;
			d->alias_of = BYTES_NONE;
			d->version++;
			err = accept_again(ingest, d, BYTES_NONE);
		}
	} while (!err && o.count);
	arena_fini(&o.arena);
	return err;
}

static err_t put_accepted(struct ingest *ingest, const struct ingest_item *item,
			  struct library_document *d, const struct original_search *original,
			  struct bytes job, enum ingest_what *ret_what)
{
	d->title = item->title.len ? item->title : item->key;
	d->media_type = item->media_type;
	d->origin = item->origin;
	d->options = item->options;
	d->bytes = item->data.len;
	d->version++;
	d->updated_ms = clock_unix_ms();
	d->error = d->error_code = d->error_stage = d->warnings = d->stage_ms = BYTES_NONE;
	if (original->id[0] && d->passages == 0) {
		d->alias_of = bytes_of(original->id);
		d->pages = original->pages;
		d->state = LIBRARY_INDEXED;
		*ret_what = INGEST_ALIAS;
	} else {
		d->alias_of = BYTES_NONE;
		d->state = LIBRARY_PENDING;
		d->job = job;
		*ret_what = INGEST_ACCEPTED;
	}
	return library_document_put(ingest->options.library, d);
}

static err_t accept_into(struct ingest *ingest, const struct ingest_item *item, struct bytes job,
			 struct arena *arena, struct ingest_outcome *ret_outcome)
{
	struct library *library = ingest->options.library;
	struct library_document d = { .created_ms = clock_unix_ms() };
	char hex[SHA256_HEX_BYTES + 1] = "";
	struct original_search original;
	bool existed;
	err_t err;

	assert(item->key.len > 0 && item->key.len <= INGEST_KEY_MAX);
	library_document_id(item->key, ret_outcome->id);
	err = library_document_get(library, bytes_of(ret_outcome->id), arena, &d);
	if (err && err != ERR_NOT_FOUND)
		return err;
	existed = !err;
	if (existed && item->if_exists != INGEST_REPLACE) {
		ret_outcome->what = INGEST_EXISTS;
		return item->if_exists == INGEST_REFUSE ? ERR_EXISTS : ERR_OK;
	}
	if (item->data.len)
		sha256_hex(item->data, hex);
	if (existed && same_given(&d, item, bytes_of(hex))) {
		ret_outcome->what = INGEST_UNCHANGED;
		if (bytes_eq(d.origin, item->origin))
			return ERR_OK;
		d.origin = item->origin; /* a file's time changed, and nothing else */
		return library_document_put(library, &d);
	}
	if (item->data.len)
		TRY(library_blob_put(library, bytes_of(hex), item->data));
	if (existed)
		TRY(adopt_aliases(ingest, d.id));
	TRY(find_original(ingest, item, bytes_of(hex), &original));
	d.id = bytes_of(ret_outcome->id);
	d.key = item->key;
	d.sha256 = bytes_of(hex);
	return put_accepted(ingest, item, &d, &original, job, &ret_outcome->what);
}

err_t accept_one(struct ingest *ingest, const struct ingest_item *item, struct bytes job,
		 struct ingest_outcome *ret_outcome)
{
	struct arena arena;
	err_t err;

	arena_init(&arena, RECORD_ARENA_MAX);
	err = accept_into(ingest, item, job, &arena, ret_outcome);
	arena_fini(&arena);
	return err;
}

err_t accept_again(struct ingest *ingest, const struct library_document *document, struct bytes job)
{
	struct library_document d = *document;

	d.state = LIBRARY_PENDING;
	d.job = job;
	d.updated_ms = clock_unix_ms();
	return library_document_put(ingest->options.library, &d);
}

static err_t accept_all(struct ingest *ingest, const struct ingest_item *items, size_t count,
			struct ingest_outcome *outcomes, char job[INGEST_JOB_ID_BYTES])
{
	uint64_t accepted = 0;

	TRY(job_begin(ingest, "ingest", BYTES("{}"), LIBRARY_JOB_QUEUED, 0, job));
	for (size_t i = 0; i < count; i++) {
		TRY(accept_one(ingest, &items[i], bytes_of(job), &outcomes[i]));
		accepted += outcomes[i].what == INGEST_ACCEPTED;
	}
	if (accepted)
		return job_add_total(ingest, bytes_of(job), accepted);
	return job_end(ingest, bytes_of(job), LIBRARY_JOB_SUCCEEDED, "", 0);
}

err_t ingest_accept(struct ingest *ingest, const struct ingest_item *items, size_t count,
		    struct ingest_outcome *ret_outcomes, char job[INGEST_JOB_ID_BYTES])
{
	err_t err;

	TRY(catalog_begin(ingest->options.catalog));
	err = accept_all(ingest, items, count, ret_outcomes, job);
	if (err) {
		catalog_rollback(ingest->options.catalog);
		return err;
	}
	err = catalog_commit(ingest->options.catalog);
	ingest_wake(ingest); /* after an error too: a database may have committed unheard */
	return err;
}

/* ---- Taking out ---- */

err_t remove_one(struct ingest *ingest, struct bytes id)
{
	struct library *library = ingest->options.library;
	struct library_document d;
	struct arena arena;
	err_t err;

	arena_init(&arena, RECORD_ARENA_MAX);
	err = library_document_get(library, id, &arena, &d);
	if (!err)
		err = catalog_shelve(ingest->options.catalog, CATALOG_BOTH, &d, 0, NULL, 0);
	if (!err)
		err = adopt_aliases(ingest, d.id);
	if (!err && d.state == LIBRARY_PENDING) /* its job need not wait for it */
		err = job_count(ingest, d.job, 1, 0, 0);
	if (!err)
		err = library_document_remove(library, id);
	arena_fini(&arena);
	return err;
}

err_t ingest_remove(struct ingest *ingest, const struct bytes *ids, size_t count,
		    unsigned *ret_removed)
{
	struct catalog *catalog = ingest->options.catalog;
	unsigned removed = 0;
	err_t err = ERR_OK;

	TRY(catalog_begin(catalog));
	for (size_t i = 0; i < count && !err; i++) {
		err = remove_one(ingest, ids[i]);
		removed += !err;
		err = err == ERR_NOT_FOUND ? ERR_OK : err;
	}
	if (!err)
		err = library_blobs_sweep(ingest->options.library, (unsigned)count + 16);
	if (err) {
		catalog_rollback(catalog);
		return err;
	}
	TRY(catalog_commit(catalog));
	ingest_wake(ingest);
	*ret_removed = removed;
	return ERR_OK;
}

/* ---- Looking and waiting ---- */

static bool job_is_over(struct ingest *ingest, struct bytes id)
{
	struct library_job job;
	struct arena arena;
	err_t err;

	arena_init(&arena, RECORD_ARENA_MAX);
	err = library_job_get(ingest->options.library, id, &arena, &job);
	arena_fini(&arena);
	return err || job.state >= LIBRARY_JOB_CANCELLED;
}

bool ingest_wait(struct ingest *ingest, struct bytes job, uint32_t wait_ms)
{
	uint64_t until_ms = clock_unix_ms() + wait_ms, wakes;
	struct timespec until = { (time_t)(until_ms / 1000), (long)(until_ms % 1000) * 1000000 };

	for (;;) {
		bool over, late;

		pthread_mutex_lock(&ingest->locked.lock);
		wakes = ingest->locked.wakes;
		pthread_mutex_unlock(&ingest->locked.lock);
		over = job_is_over(ingest, job);
		late = clock_unix_ms() >= until_ms || atomic_load(&ingest->stopping);
		if (over || late)
			return over;
		pthread_mutex_lock(&ingest->locked.lock);
		if (wakes == ingest->locked.wakes)
			pthread_cond_timedwait(&ingest->locked.ended, &ingest->locked.lock, &until);
		pthread_mutex_unlock(&ingest->locked.lock);
	}
}

void ingest_running(struct ingest *ingest, char job[INGEST_JOB_ID_BYTES])
{
	pthread_mutex_lock(&ingest->locked.lock);
	memcpy(job, ingest->locked.running, INGEST_JOB_ID_BYTES);
	pthread_mutex_unlock(&ingest->locked.lock);
}

const char *ingest_stage(struct ingest *ingest, uint64_t row)
{
	const char *stage = NULL;

	pthread_mutex_lock(&ingest->locked.lock);
	for (unsigned i = 0; i < IN_FLIGHT_MAX && !stage; i++)
		if (ingest->locked.in_flight[i].row == row && row)
			stage = ingest_stage_names[atomic_load(&ingest->locked.in_flight[i].stage)];
	pthread_mutex_unlock(&ingest->locked.lock);
	return stage;
}

void ingest_counts(struct ingest *ingest, struct ingest_counts *ret_counts)
{
	*ret_counts = (struct ingest_counts){
		.parsed = atomic_load(&ingest->parsed),
		.failed = atomic_load(&ingest->failed),
		.fetched = atomic_load(&ingest->fetched),
		.working = atomic_load(&ingest->working),
	};
}

const struct ingest_times *ingest_times(const struct ingest *ingest)
{
	return &ingest->times;
}
