/*
 * The folder of documents, and the library brought in line with it.
 */
#include <stdlib.h>

#include "base/map.h"
#include "net/clock.h"
#include "rag/doc/folder.h"
#include "rag/ingest/ingest_internal.h"

enum { SCAN_BATCH = 64 };

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

	if (keeper_is_cancelled(s->ingest))
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
	} while (!err && g.any && !keeper_is_cancelled(s->ingest));
	return err;
}

err_t folder_sync(struct ingest *ingest, struct bytes job)
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
