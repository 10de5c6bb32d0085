/*
 * The keeper: a thread that brings the folder up to date, builds generations, and tidies up.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/map.h"
#include "base/when.h"
#include "net/clock.h"
#include "rag/doc/folder.h"
#include "rag/ingest/ingest_internal.h"
#include "rag/ingest/read.h"

enum { SCAN_BATCH = 64, WALK_PAGE = 200 };

static bool cancelled(const struct ingest *ingest)
{
	return atomic_load(&ingest->keeper_cancelled);
}

/* ---- The folder ---- */

struct scan {
	struct ingest *ingest;
	struct bytes job;
	struct map seen; /* keys that are files now */
	unsigned in_transaction;
	err_t err;
};

static err_t scan_flush(struct scan *s)
{
	err_t err = ERR_OK;

	if (s->in_transaction) {
		err = catalog_commit(s->ingest->options.catalog);
		ingest_wake(s->ingest);
	}
	s->in_transaction = 0;
	return err;
}

static err_t scan_change(struct scan *s)
{
	if (s->in_transaction++ == 0)
		return catalog_begin(s->ingest->options.catalog);
	return ERR_OK;
}

/* A file that cannot be read is a document that failed: somebody put it there to be found. */
static err_t take_unreadable(struct scan *s, struct bytes file, err_t why)
{
	struct library *library = s->ingest->options.library;
	char id[LIBRARY_ID_BYTES];
	struct library_document d = { .created_ms = clock_unix_ms() };
	struct arena arena;
	err_t err;

	library_document_id(file, id);
	arena_init(&arena, RECORD_ARENA_MAX);
	err = library_document_get(library, bytes_of(id), &arena, &d);
	if (err == ERR_NOT_FOUND) {
		d.id = bytes_of(id);
		d.key = d.title = file;
		d.origin = BYTES("{\"kind\":\"folder\"}");
		err = ERR_OK;
	}
	d.state = LIBRARY_FAILED;
	d.job = s->job;
	d.error_stage = BYTES("fetching");
	d.error_code = why == ERR_TOO_LARGE ? BYTES("too_large") : BYTES("unreadable");
	d.error = bytes_of(err_words(why));
	d.updated_ms = clock_unix_ms();
	if (!err)
		err = library_document_put(library, &d);
	arena_fini(&arena);
	if (!err)
		err = job_add_total(s->ingest, s->job, 1);
	return err ? err : job_count(s->ingest, s->job, 0, 1, 0);
}

static err_t take_file(struct scan *s, struct bytes file, struct bytes data)
{
	const struct ingest_item item = {
		.key = file,
		.data = data,
		.origin = BYTES("{\"kind\":\"folder\"}"),
		.if_exists = INGEST_REPLACE,
	};
	struct ingest_outcome outcome;

	TRY(accept_one(s->ingest, &item, s->job, &outcome));
	if (outcome.what == INGEST_ACCEPTED)
		TRY(job_add_total(s->ingest, s->job, 1));
	return ERR_OK;
}

static err_t on_file(void *owner, struct bytes file, struct bytes data, err_t why)
{
	struct scan *s = owner;
	err_t err;

	if (cancelled(s->ingest))
		return ERR_CANCELLED;
	if (file.len > INGEST_KEY_MAX)
		return ERR_OK;
	TRY(map_put(&s->seen, file, s, NULL));
	TRY(scan_change(s));
	if (!why && data.len == 0)
		why = ERR_INVALID;
	err = why ? take_unreadable(s, file, why) : take_file(s, file, data);
	if (err) {
		catalog_rollback(s->ingest->options.catalog);
		s->in_transaction = 0;
		return err;
	}
	return s->in_transaction < SCAN_BATCH ? ERR_OK : scan_flush(s);
}

struct gone {
	struct scan *scan;
	struct arena arena;
	struct bytes ids[WALK_PAGE];
	unsigned count;
	uint64_t last_row;
	bool any;
};

/* Documents of the folder whose files are there no more. */
static bool on_known(void *owner, const struct library_document *document)
{
	struct gone *g = owner;

	g->any = true;
	g->last_row = document->row;
	if (bytes_find(document->origin, BYTES("\"kind\":\"folder\"")) == SIZE_MAX ||
	    map_get(&g->scan->seen, document->key))
		return true;
	g->scan->err = arena_copy(&g->arena, document->id, &g->ids[g->count]);
	if (!g->scan->err)
		g->count++;
	return !g->scan->err && g->count < WALK_PAGE;
}

static err_t remove_gone(struct scan *s)
{
	struct gone g = { .scan = s };
	unsigned removed;
	err_t err = ERR_OK;

	arena_init(&g.arena, RECORD_ARENA_MAX);
	do {
		const struct library_query query = { .after_row = g.last_row,
						     .state = -1,
						     .limit = WALK_PAGE };

		g.any = false;
		g.count = 0;
		err = library_documents(s->ingest->options.library, &query, on_known, &g);
		if (!err)
			err = s->err;
		if (!err && g.count)
			err = ingest_remove(s->ingest, g.ids, g.count, &removed);
		arena_fini(&g.arena);
	} while (!err && g.any && !cancelled(s->ingest));
	return err;
}

/* Brings the library in line with the folder, under the job. */
static err_t sync_folder(struct ingest *ingest, struct bytes job)
{
	struct scan s = { .ingest = ingest, .job = job };
	err_t err;

	if (!ingest->options.folder[0])
		return ERR_OK;
	err = folder_read(ingest->options.folder, ingest->options.document_bytes_max, on_file, &s);
	if (s.in_transaction) {
		err_t flushed = scan_flush(&s);

		err = err ? err : flushed;
	}
	if (!err)
		err = remove_gone(&s);
	map_fini(&s.seen);
	return err;
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
		if (cancelled(ingest))
			return ERR_CANCELLED;
		at_ms = clock_unix_ms() + 1000; /* a cancel comes without a wake-up */
		until = (struct timespec){ (time_t)(at_ms / 1000), (long)(at_ms % 1000) * 1000000 };
		pthread_mutex_lock(&ingest->locked.lock);
		if (wakes == ingest->locked.wakes)
			pthread_cond_timedwait(&ingest->locked.ended, &ingest->locked.lock, &until);
		pthread_mutex_unlock(&ingest->locked.lock);
	}
}

/* ---- A generation built beside the one that is read ---- */

struct walk {
	struct ingest *ingest;
	struct bytes job;
	uint64_t generation, last_row, total;
	struct arena arena;
	struct library_document documents[WALK_PAGE];
	unsigned count;
	bool any;
	err_t err;
};

/*
 * What was read once, or failed: it may be read now. Pending ones are the workers', as are those
 * that this job found changed in the folder.
 */
static bool is_walked(const struct walk *w, const struct library_document *document)
{
	return document->state != LIBRARY_PENDING && !document->alias_of.len &&
	       !bytes_eq(document->job, w->job) &&
	       !library_shelved(w->ingest->options.library, w->generation, document->row);
}

static bool on_counted(void *owner, const struct library_document *document)
{
	struct walk *w = owner;

	w->total += is_walked(w, document);
	return true;
}

static bool on_walk(void *owner, const struct library_document *document)
{
	struct walk *w = owner;
	struct library_document *d = &w->documents[w->count];

	w->any = true;
	w->last_row = document->row;
	if (!is_walked(w, document))
		return true;
	w->err = arena_copy(&w->arena, document->id, &d->id);
	if (!w->err)
		w->count++;
	return !w->err && w->count < WALK_PAGE;
}

static err_t on_copied(void *owner, const struct passage *passage)
{
	struct read_result *result = owner;

	(void)passage;
	result->count++;
	return ERR_OK;
}

struct copying {
	struct arena *arena;
	struct read_result *result;
	size_t cap;
};

static err_t copy_passage(void *owner, const struct passage *passage)
{
	struct copying *c = owner;
	struct passage *p = &c->result->passages[c->result->count];
	struct bytes *const texts[] = { &p->id,	     &p->document, &p->title,  &p->file,
					&p->section, &p->code,	   &p->source, &p->category,
					&p->subject, &p->metadata, &p->item,   &p->body };

	assert(c->result->count < c->cap);
	*p = *passage;
	for (size_t i = 0; i < COUNT(texts); i++)
		TRY(arena_copy(c->arena, *texts[i], texts[i]));
	c->result->count++;
	return ERR_OK;
}

/* The passages that the document has now, for a generation that differs only in its indexes. */
static err_t copy_passages(struct ingest *ingest, struct arena *arena, struct read_result *result)
{
	struct library *library = ingest->options.library;
	struct copying c = { .arena = arena, .result = result };
	struct catalog_state state;
	struct read_result counted = { .count = 0 };

	catalog_state(ingest->options.catalog, &state);
	TRY(library_passages(library, state.generation, result->document.row, on_copied, &counted));
	c.cap = counted.count;
	result->count = 0;
	result->passages = arena_array(arena, counted.count + 1, sizeof *result->passages);
	if (!result->passages)
		return ERR_NOMEM;
	return library_passages(library, state.generation, result->document.row, copy_passage, &c);
}

static err_t commit_rebuilt(struct ingest *ingest, struct bytes job, struct read_result *result,
			    struct bytes data, bool copied, struct arena *arena)
{
	struct catalog *catalog = ingest->options.catalog;
	struct library *library = ingest->options.library;
	bool indexed = result->document.state == LIBRARY_INDEXED;
	struct library_document now;
	err_t err;

	TRY(catalog_begin(catalog));
	err = library_document_get(library, result->document.id, arena, &now);
	if (!err && now.version == result->document.version && now.state != LIBRARY_PENDING) {
		result->document.job = job;
		if (result->document.sha256.len && !now.sha256.len)
			err = library_blob_put(library, result->document.sha256, data);
		if (!err && copied)
			err = catalog_shelve(catalog, CATALOG_BUILDING_ONLY, &now, now.version,
					     result->passages, result->count);
		else if (!err)
			err = shelve_result(ingest, CATALOG_BUILDING_ONLY, result, arena);
		if (!err)
			err = job_count(ingest, job, indexed, !indexed, result->count);
	} else if (!err ||
		   err == ERR_NOT_FOUND) { /* replaced or removed: a worker's, or nobody's */
		err = job_count(ingest, job, 1, 0, 0);
	}
	if (err) {
		catalog_rollback(catalog);
		return err;
	}
	return catalog_commit(catalog);
}

static err_t rebuild_one(struct ingest *ingest, struct bytes job, struct bytes id,
			 bool keep_passages)
{
	struct library_document d;
	struct read_result result;
	struct bytes data = BYTES_NONE;
	struct arena arena;
	bool copied;
	err_t err;

	arena_init(&arena, PARSE_ARENA_MAX_BYTES);
	err = library_document_get(ingest->options.library, id, &arena, &d);
	copied = !err && keep_passages && d.state == LIBRARY_INDEXED;
	if (copied) {
		result = (struct read_result){ .document = d };
		err = copy_passages(ingest, &arena, &result);
	} else if (!err) {
		d.state = LIBRARY_INDEXED; /* until shown otherwise */
		err = original_read(ingest, &d, &ingest->keeper_cancelled, &arena, &data);
		result = (struct read_result){ .document = d };
		if (!err)
			err = read_document(&d, data, &ingest->keeper_cancelled, &arena, &result);
		else if (err == ERR_NOT_FOUND)
			err = ERR_OK; /* the row says why */
	}
	if (!err)
		err = commit_rebuilt(ingest, job, &result, data, copied, &arena);
	else if (err == ERR_NOT_FOUND)
		err = ERR_OK;
	free((char *)data.at);
	arena_fini(&arena);
	return err;
}

static err_t count_walk(struct walk *w)
{
	struct library *library = w->ingest->options.library;
	const struct library_query all = { .state = -1, .limit = UINT32_MAX };
	err_t err;

	TRY(library_documents(library, &all, on_counted, w));
	TRY(library_begin(library));
	err = job_add_total(w->ingest, w->job, w->total);
	if (err) {
		library_rollback(library);
		return err;
	}
	return library_commit(library);
}

static err_t rebuild_all(struct ingest *ingest, struct bytes job, uint64_t generation,
			 bool keep_passages)
{
	struct walk *w = calloc(1, sizeof *w);
	err_t err;

	if (!w)
		return ERR_NOMEM;
	w->ingest = ingest;
	w->generation = generation;
	w->job = job;
	arena_init(&w->arena, RECORD_ARENA_MAX);
	err = count_walk(w);
	do {
		const struct library_query query = { .after_row = w->last_row,
						     .state = -1,
						     .limit = WALK_PAGE };

		w->any = false;
		w->count = 0;
		if (!err)
			err = library_documents(ingest->options.library, &query, on_walk, w);
		err = err ? err : w->err;
		for (unsigned i = 0; i < w->count && !err; i++)
			err = cancelled(ingest)
				      ? ERR_CANCELLED
				      : rebuild_one(ingest, job, w->documents[i].id, keep_passages);
		arena_fini(&w->arena);
	} while (!err && w->any);
	free(w);
	return err;
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
	atomic_store(&ingest->ready, true);
	say_end(ingest, job);
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
	err_t err = sync_folder(ingest, job);

	if (!err)
		err = wait_for_documents(ingest, job);
	catalog_state(ingest->options.catalog, &state);
	finish(ingest, job, err, state.generation);
	if (err && err != ERR_CANCELLED)
		log_error("rag", "the documents at %s could not be read: %s",
			  ingest->options.folder, err_words(err));
}

static void run_reindex(struct ingest *ingest, struct bytes job, bool keep_passages)
{
	uint64_t generation = 0;
	err_t err = catalog_build_begin(ingest->options.catalog, &generation);

	if (!err && !keep_passages)
		err = sync_folder(ingest, job);
	if (!err)
		err = rebuild_all(ingest, job, generation, keep_passages);
	if (!err)
		err = wait_for_documents(ingest, job);
	if (!err)
		err = catalog_build_publish(ingest->options.catalog);
	else if (!atomic_load(&ingest->stopping))
		catalog_build_drop(ingest->options.catalog);
	finish(ingest, job, err, err ? 0 : generation);
	if (err && err != ERR_CANCELLED)
		log_error("rag", "the reindex failed: %s", err_words(err));
}

struct open_job {
	char id[INGEST_JOB_ID_BYTES];
	bool found, reindex, keep_passages;
};

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
	struct open_job open = { .found = false };

	if (library_jobs(library, true, 1000, on_open_job, &open) || open.found)
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
		struct open_job open = { .found = false };
		uint64_t wakes;

		pthread_mutex_lock(&ingest->locked.lock);
		wakes = ingest->locked.wakes;
		pthread_mutex_unlock(&ingest->locked.lock);
		if (library_jobs(ingest->options.library, true, 1000, on_open_job, &open) ==
			    ERR_OK &&
		    open.found) {
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

/* ---- Asked for ---- */

struct chosen {
	struct ingest *ingest;
	struct bytes job;
	struct arena arena;
	struct library_document *documents;
	size_t count, cap;
	err_t err;
};

static bool on_chosen(void *owner, const struct library_document *document)
{
	struct chosen *c = owner;
	struct bytes id;

	if (c->count == c->cap) {
		c->cap = c->cap ? c->cap * 2 : 64;
		c->documents = reallocarray(c->documents, c->cap, sizeof *c->documents);
		if (!c->documents) {
			c->err = ERR_NOMEM;
			return false;
		}
	}
	c->err = arena_copy(&c->arena, document->id, &id);
	if (!c->err)
		c->documents[c->count++].id = id;
	return !c->err;
}

/* W. Documents that failed, or that were named, are pending again. */
static err_t choose_again(struct ingest *ingest, const struct ingest_reindex *reindex,
			  struct chosen *c, struct bytes job)
{
	struct library *library = ingest->options.library;
	const struct library_query query = { .state = LIBRARY_FAILED,
					     .job = reindex->job,
					     .limit = 1000000 };
	uint64_t again = 0;

	if (reindex->scope == INGEST_FAILED) {
		TRY(library_documents(library, &query, on_chosen, c));
		TRY(c->err);
	}
	for (size_t i = 0; i < (reindex->scope == INGEST_FAILED ? c->count : reindex->id_count);
	     i++) {
		struct bytes id = reindex->scope == INGEST_FAILED ? c->documents[i].id
								  : reindex->ids[i];
		struct library_document d;
		err_t err = library_document_get(library, id, &c->arena, &d);

		if (err == ERR_NOT_FOUND || (!err && d.state == LIBRARY_PENDING))
			continue;
		TRY(err);
		TRY(accept_again(ingest, &d, job));
		again++;
	}
	return again ? job_add_total(ingest, job, again) : ERR_NOT_FOUND;
}

static err_t reindex_some(struct ingest *ingest, const struct ingest_reindex *reindex,
			  char job[INGEST_JOB_ID_BYTES])
{
	struct chosen c = { .ingest = ingest };
	err_t err;

	TRY(catalog_begin(ingest->options.catalog));
	arena_init(&c.arena, RECORD_ARENA_MAX);
	err = job_begin(ingest, "ingest", reindex->args, LIBRARY_JOB_QUEUED, 0, job);
	if (!err)
		err = choose_again(ingest, reindex, &c, bytes_of(job));
	if (err)
		catalog_rollback(ingest->options.catalog);
	else
		err = catalog_commit(ingest->options.catalog);
	free(c.documents);
	arena_fini(&c.arena);
	ingest_wake(ingest);
	return err;
}

err_t ingest_reindex(struct ingest *ingest, const struct ingest_reindex *reindex,
		     char job[INGEST_JOB_ID_BYTES])
{
	struct library *library = ingest->options.library;
	struct open_job open = { .found = false };
	err_t err;

	if (reindex->scope != INGEST_ALL)
		return reindex_some(ingest, reindex, job);
	TRY(library_begin(library));
	err = library_jobs(library, true, 1000, on_open_job, &open);
	if (!err && open.found) {
		memcpy(job, open.id, sizeof open.id);
		err = ERR_IN_USE;
	}
	if (!err)
		err = job_begin(ingest, "reindex",
				reindex->keep_passages ? BYTES("{\"keep_passages\":true}")
						       : reindex->args,
				LIBRARY_JOB_QUEUED, 0, job);
	if (err) {
		library_rollback(library);
		return err;
	}
	TRY(library_commit(library));
	ingest_wake(ingest);
	return ERR_OK;
}

/* W. Its documents that nobody has read yet are not read; older versions of them stay. */
static err_t cancel_pending(struct ingest *ingest, struct bytes job, uint64_t *ret_count)
{
	struct library *library = ingest->options.library;
	const struct library_query query = { .state = LIBRARY_PENDING,
					     .job = job,
					     .limit = 1000000 };
	struct chosen c = { .ingest = ingest };
	err_t err;

	arena_init(&c.arena, RECORD_ARENA_MAX);
	err = library_documents(library, &query, on_chosen, &c);
	err = err ? err : c.err;
	for (size_t i = 0; i < c.count && !err; i++) {
		struct library_document d;

		err = library_document_get(library, c.documents[i].id, &c.arena, &d);
		if (err)
			break;
		d.state = LIBRARY_FAILED;
		d.error_code = BYTES("cancelled");
		d.error_stage = BYTES("pending");
		d.error = BYTES("Its job was cancelled before it was read.");
		err = library_document_put(library, &d);
	}
	*ret_count = c.count;
	free(c.documents);
	arena_fini(&c.arena);
	return err;
}

static err_t cancel_in_library(struct ingest *ingest, struct bytes id, bool *ret_keepers)
{
	struct library *library = ingest->options.library;
	struct library_job job;
	uint64_t count = 0;
	struct arena arena;
	err_t err;

	arena_init(&arena, RECORD_ARENA_MAX);
	err = library_job_get(library, id, &arena, &job);
	if (!err && job.state >= LIBRARY_JOB_CANCELLED)
		err = ERR_CONFLICT;
	if (!err)
		err = cancel_pending(ingest, id, &count);
	if (!err) {
		*ret_keepers = !bytes_eq_str(job.kind, "ingest");
		job.failed += count;
		job.state = *ret_keepers ? LIBRARY_JOB_CANCELLING : LIBRARY_JOB_CANCELLED;
		job.ended_ms = *ret_keepers ? 0 : clock_unix_ms();
		err = library_job_put(library, &job);
	}
	arena_fini(&arena);
	return err;
}

err_t ingest_cancel(struct ingest *ingest, struct bytes id)
{
	bool keepers = false;
	err_t err;

	TRY(library_begin(ingest->options.library));
	err = cancel_in_library(ingest, id, &keepers);
	if (err) {
		library_rollback(ingest->options.library);
		return err;
	}
	TRY(library_commit(ingest->options.library));
	pthread_mutex_lock(&ingest->locked.lock);
	if (keepers && bytes_eq_str(id, ingest->locked.running))
		atomic_store(&ingest->keeper_cancelled, true);
	for (unsigned i = 0; i < IN_FLIGHT_MAX; i++)
		if (bytes_eq_str(id, ingest->locked.in_flight[i].job))
			atomic_store(&ingest->locked.in_flight[i].cancelled, true);
	pthread_mutex_unlock(&ingest->locked.lock);
	job_ended(ingest);
	return ERR_OK;
}
