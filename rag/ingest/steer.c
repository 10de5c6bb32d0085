/*
 * What is asked of jobs: read some again, build a generation, cancel.
 */
#include <stdlib.h>

#include "net/clock.h"
#include "rag/ingest/ingest_internal.h"

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
	err = open_job_find(ingest, &open);
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
		job.ended_ms = 0;
		if (!*ret_keepers)
			job_stamp(ingest, &job);
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
