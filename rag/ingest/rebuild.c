/*
 * A generation built beside the one that is read: every document read again, or its passages
 * copied.
 */
#include <stdlib.h>

#include "rag/ingest/ingest_internal.h"
#include "rag/ingest/read.h"

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

/* W. What cannot be read (any more) keeps the words it had: an older version's, perhaps. */
static err_t shelve_failed(struct ingest *ingest, struct read_result *result, struct arena *arena)
{
	struct read_result old = { .document = result->document };
	struct catalog_state state;
	uint64_t version;

	catalog_state(ingest->options.catalog, &state);
	version = library_shelved(ingest->options.library, state.generation, old.document.row);
	TRY(shelve_result(ingest, CATALOG_BUILDING_ONLY, result, arena));
	if (!version)
		return ERR_OK;
	TRY(copy_passages(ingest, arena, &old));
	return catalog_shelve(ingest->options.catalog, CATALOG_BUILDING_ONLY, &old.document,
			      version, old.passages, old.count);
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
		else if (!err && indexed)
			err = shelve_result(ingest, CATALOG_BUILDING_ONLY, result, arena);
		else if (!err)
			err = shelve_failed(ingest, result, arena);
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

err_t rebuild_all(struct ingest *ingest, struct bytes job, uint64_t generation, bool keep_passages)
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
			err = keeper_is_cancelled(ingest)
				      ? ERR_CANCELLED
				      : rebuild_one(ingest, job, w->documents[i].id, keep_passages);
		arena_fini(&w->arena);
	} while (!err && w->any);
	free(w);
	return err;
}
