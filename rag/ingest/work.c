/*
 * The workers: pending documents, some at a time, read and committed together.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/encode.h"
#include "base/log.h"
#include "crypto/digest.h"
#include "net/clock.h"
#include "rag/ingest/ingest_internal.h"
#include "rag/ingest/read.h"
#include "rag/ingest/sketch.h"

/* What a document adds to its job. */
struct job_share {
	struct bytes job;
	uint64_t done, failed, passages;
};

struct batch {
	struct ingest *ingest;
	struct arena records; /* the documents' rows */
	struct library_document documents[BATCH_MAX];
	struct in_flight *in_flight[BATCH_MAX];
	struct arena arenas[BATCH_MAX];
	struct read_result results[BATCH_MAX];
	struct bytes data[BATCH_MAX]; /* malloc'ed */
	bool read[BATCH_MAX];
	struct job_share counts[BATCH_MAX];
	unsigned count;
	size_t bytes;
	err_t err;
};

/* ---- What to read next ---- */

static struct in_flight *take_place(struct ingest *ingest, const struct library_document *d)
{
	struct in_flight *free_place = NULL;

	/* Inside of the library's lock for reading, as whoever asks for a stage is. */
	pthread_mutex_lock(&ingest->locked.lock);
	for (unsigned i = 0; i < IN_FLIGHT_MAX; i++) {
		struct in_flight *place = &ingest->locked.in_flight[i];

		if (place->row == d->row) {
			pthread_mutex_unlock(&ingest->locked.lock);
			return NULL;
		}
		if (!place->row && !free_place)
			free_place = place;
	}
	assert(free_place); /* as many places as all workers' batches */
	free_place->row = d->row;
	snprintf(free_place->job, sizeof free_place->job, "%.*s", BYTES_ARG(d->job));
	atomic_store(&free_place->stage, STAGE_FETCHING);
	atomic_store(&free_place->cancelled, atomic_load(&ingest->stopping));
	pthread_mutex_unlock(&ingest->locked.lock);
	return free_place;
}

static err_t copy_row(struct arena *arena, struct library_document *d)
{
	struct bytes *const texts[] = { &d->id,	      &d->key,	   &d->title,	 &d->media_type,
					&d->sha256,   &d->origin,  &d->options,	 &d->source,
					&d->category, &d->subject, &d->metadata, &d->job,
					&d->alias_of, &d->near_of };

	for (size_t i = 0; i < COUNT(texts); i++)
		TRY(arena_copy(arena, *texts[i], texts[i]));
	return ERR_OK;
}

/* Small documents go together; a large one, or one that is fetched, goes alone. */
static bool on_pending(void *owner, const struct library_document *document)
{
	struct batch *b = owner;
	bool alone = document->bytes > BATCH_BYTES / 2 || document->sha256.len == 0;
	struct library_document *d = &b->documents[b->count];

	if (b->count && (alone || b->bytes + document->bytes > BATCH_BYTES))
		return false;
	b->in_flight[b->count] = take_place(b->ingest, document);
	if (!b->in_flight[b->count])
		return true;
	*d = *document;
	b->err = copy_row(&b->records, d);
	b->count++;
	b->bytes += document->bytes;
	return !b->err && !alone && b->count < BATCH_MAX;
}

static err_t claim(struct batch *b)
{
	const struct library_query query = { .pending_order = true, .limit = IN_FLIGHT_MAX + 1 };
	err_t err;

	b->count = 0;
	b->bytes = 0;
	b->err = ERR_OK;
	err = library_documents(b->ingest->options.library, &query, on_pending, b);
	return err ? err : b->err;
}

/* ---- Reading ---- */

static void time_add(struct ingest *ingest, unsigned stage, uint64_t began_us)
{
	histogram_observe(&ingest->times.stages[stage], clock_mono_us() - began_us);
}

static err_t failed_to_fetch(struct library_document *d, struct arena *arena, const char *code,
			     const char *words)
{
	d->state = LIBRARY_FAILED;
	d->error_stage = BYTES("fetching");
	TRY(arena_copy(arena, bytes_of(code), &d->error_code));
	TRY(arena_copy(arena, bytes_of(words), &d->error));
	return ERR_NOT_FOUND;
}

static err_t fetch(struct ingest *ingest, struct library_document *d, const _Atomic bool *cancelled,
		   struct arena *arena, struct bytes *ret_data)
{
	const struct ingest_source *source = &ingest->options.source;
	const char *code = "fetch_failed";
	char words[240] = "The original cannot be fetched: there is no source for it.";
	char hex[SHA256_HEX_BYTES + 1];
	struct bytes data;

	if (!source->fetch ||
	    source->fetch(source->owner, d->origin, ingest->options.document_bytes_max, cancelled,
			  &data, &code, words, sizeof words))
		return failed_to_fetch(d, arena, code, words);
	atomic_fetch_add(&ingest->fetched, 1);
	sha256_hex(data, hex);
	*ret_data = data;
	d->bytes = data.len;
	return arena_copy(arena, bytes_of(hex), &d->sha256);
}

err_t original_read(struct ingest *ingest, struct library_document *d,
		    const _Atomic bool *cancelled, struct arena *arena, struct bytes *ret_data)
{
	uint64_t began_us = clock_mono_us();
	err_t err;

	*ret_data = BYTES_NONE;
	if (d->sha256.len == 0)
		err = fetch(ingest, d, cancelled, arena, ret_data);
	else
		err = library_blob_read(ingest->options.library, d->sha256,
					ingest->options.document_bytes_max, ret_data);
	time_add(ingest, STAGE_FETCHING, began_us);
	if (err && d->state != LIBRARY_FAILED && err != ERR_NOMEM)
		err = failed_to_fetch(d, arena, "original_lost",
				      "The stored original is missing or damaged.");
	return err;
}

static err_t read_one(struct batch *b, unsigned i)
{
	struct ingest *ingest = b->ingest;
	struct in_flight *place = b->in_flight[i];
	struct read_result *result = &b->results[i];
	err_t err = original_read(ingest, &b->documents[i], &place->cancelled, &b->arenas[i],
				  &b->data[i]);

	*result = (struct read_result){ .document = b->documents[i] };
	if (err == ERR_NOT_FOUND)
		return ERR_OK; /* its row says why */
	TRY(err);
	atomic_store(&place->stage, STAGE_PARSING);
	err = read_document(&b->documents[i], b->data[i], &place->cancelled, &b->arenas[i], result);
	histogram_observe(&ingest->times.stages[STAGE_PARSING], result->parse_us);
	histogram_observe(&ingest->times.stages[STAGE_CHUNKING], result->chunk_us);
	atomic_store(&place->stage, STAGE_COMMITTING);
	if (err == ERR_NOMEM) {
		result->document.state = LIBRARY_FAILED;
		result->document.error_stage = BYTES("parsing");
		result->document.error_code = BYTES("too_large");
		result->document.error = BYTES("There is not enough memory to read it.");
		result->count = 0;
		return ERR_OK;
	}
	return err;
}

/* ---- Committing ---- */

static void tell_failed(struct text *out, const struct library_document *d)
{
	text_add_str(out, "{\"document_id\":\"");
	encode_json(out, d->id);
	text_add_str(out, "\",\"file\":\"");
	encode_json(out, d->key);
	text_add_str(out, "\",\"stage\":\"");
	encode_json(out, d->error_stage);
	text_add_str(out, "\",\"code\":\"");
	encode_json(out, d->error_code);
	text_add_str(out, "\",\"message\":\"");
	encode_json(out, d->error);
	text_add_str(out, "\"}");
}

/* W. A job's journal says which documents failed, and why. */
static err_t note_failure(struct ingest *ingest, const struct library_document *d)
{
	struct text body = TEXT_INIT(16 * 1024);
	err_t err;

	log_warn("rag", "%.*s is left out: %.*s", BYTES_ARG(utf8_clip(d->key, 200)),
		 BYTES_ARG(d->error));
	atomic_fetch_add(&ingest->failed, 1);
	if (d->job.len == 0)
		return ERR_OK;
	tell_failed(&body, d);
	err = text_err(&body);
	if (!err)
		err = library_event_add(ingest->options.library, d->job, BYTES("failed"),
					text_bytes(&body), clock_unix_ms());
	text_fini(&body);
	return err;
}

static err_t put_assets(struct ingest *ingest, const struct read_result *result)
{
	struct library *library = ingest->options.library;

	for (size_t i = 0; i < result->asset_count; i++)
		TRY(library_blob_put(library, result->assets[i].sha256, result->asset_data[i]));
	return library_assets_put(library, result->document.row, result->assets,
				  result->asset_count);
}

static err_t find_near(struct ingest *ingest, struct read_result *result, struct arena *arena)
{
	struct bytes near;
	unsigned shared;

	if (!result->has_bands)
		return ERR_OK;
	TRY(library_sketch(ingest->options.library, result->document.row, result->bands, arena,
			   &near, &shared));
	result->document.near_percent = sketch_percent(shared);
	result->document.near_of = result->document.near_percent ? near : BYTES_NONE;
	return ERR_OK;
}

err_t shelve_result(struct ingest *ingest, enum catalog_side side, struct read_result *result,
		    struct arena *arena)
{
	struct library_document *d = &result->document;
	char *stages;

	d->updated_ms = clock_unix_ms();
	stages = arena_printf(arena, "{\"parse\":%.1f,\"chunk\":%.1f}",
			      (double)result->parse_us / 1000.0, (double)result->chunk_us / 1000.0);
	if (!stages)
		return ERR_NOMEM;
	d->stage_ms = bytes_of(stages);
	if (d->state == LIBRARY_FAILED) { /* an older version of it stays where it is */
		TRY(library_document_put(ingest->options.library, d));
		return note_failure(ingest, d);
	}
	TRY(find_near(ingest, result, arena));
	TRY(library_document_put(ingest->options.library, d));
	TRY(put_assets(ingest, result));
	return catalog_shelve(ingest->options.catalog, side, d, d->version, result->passages,
			      result->count);
}

/* W. Unless it was replaced or removed meanwhile: then somebody else has it, or nobody. */
static err_t commit_one(struct batch *b, unsigned i)
{
	struct ingest *ingest = b->ingest;
	struct read_result *result = &b->results[i];
	struct library_document now;
	err_t err = library_document_get(ingest->options.library, b->documents[i].id, &b->arenas[i],
					 &now);

	if (err == ERR_NOT_FOUND ||
	    (!err && (now.version != b->documents[i].version || now.state != LIBRARY_PENDING)))
		return ERR_OK;
	TRY(err);
	if (result->document.sha256.len && !now.sha256.len) /* fetched just now */
		TRY(library_blob_put(ingest->options.library, result->document.sha256, b->data[i]));
	TRY(shelve_result(ingest, CATALOG_BOTH, result, &b->arenas[i]));
	b->counts[i] = (struct job_share){ now.job, result->document.state == LIBRARY_INDEXED,
					   result->document.state == LIBRARY_FAILED,
					   result->count };
	return ERR_OK;
}

/* W. Each job once for all of its documents: most often they are of one. */
static err_t count_jobs(struct batch *b)
{
	for (unsigned i = 0; i < b->count; i++) {
		struct job_share *sum = &b->counts[i];

		if (!sum->job.len)
			continue;
		for (unsigned k = i + 1; k < b->count; k++) {
			struct job_share *other = &b->counts[k];

			if (!bytes_eq(other->job, sum->job))
				continue;
			sum->done += other->done;
			sum->failed += other->failed;
			sum->passages += other->passages;
			other->job = BYTES_NONE;
		}
		TRY(job_count(b->ingest, sum->job, sum->done, sum->failed, sum->passages));
	}
	return ERR_OK;
}

static err_t commit(struct batch *b)
{
	struct catalog *catalog = b->ingest->options.catalog;
	uint64_t began_us = clock_mono_us();
	err_t err = ERR_OK;

	TRY(catalog_begin(catalog));
	memset(b->counts, 0, sizeof b->counts);
	for (unsigned i = 0; i < b->count && !err; i++)
		if (b->read[i])
			err = commit_one(b, i);
	if (!err)
		err = count_jobs(b);
	if (err)
		catalog_rollback(catalog);
	else
		err = catalog_commit(catalog);
	time_add(b->ingest, STAGE_COMMITTING, began_us);
	atomic_fetch_add(&b->ingest->parsed, b->count);
	return err;
}

static void batch_release(struct batch *b)
{
	struct ingest *ingest = b->ingest;

	pthread_mutex_lock(&ingest->locked.lock);
	for (unsigned i = 0; i < b->count; i++)
		b->in_flight[i]->row = 0;
	pthread_mutex_unlock(&ingest->locked.lock);
	for (unsigned i = 0; i < b->count; i++) {
		free((char *)b->data[i].at);
		arena_fini(&b->arenas[i]);
	}
	arena_fini(&b->records);
	job_ended(ingest);
}

static err_t run_batch(struct batch *b)
{
	err_t err = ERR_OK;

	atomic_fetch_add(&b->ingest->working, b->count);
	for (unsigned i = 0; i < b->count; i++) {
		arena_init(&b->arenas[i], PARSE_ARENA_MAX_BYTES);
		b->data[i] = BYTES_NONE;
		b->read[i] = false;
		if (!err && !atomic_load(&b->in_flight[i]->cancelled)) {
			err_t one = read_one(b, i);

			b->read[i] = !one;
			err = one == ERR_CANCELLED ? ERR_OK : one;
		}
	}
	if (!err)
		err = commit(b);
	atomic_fetch_sub(&b->ingest->working, b->count);
	batch_release(b);
	return err;
}

/* ---- The thread ---- */

/* Waits for more to do than was there at the look that began with `wakes`; false at the end. */
static bool wait_for_work(struct ingest *ingest, uint64_t wakes)
{
	bool goes_on;

	pthread_mutex_lock(&ingest->locked.lock);
	while (ingest->locked.wakes == wakes && !ingest->locked.stopping)
		pthread_cond_wait(&ingest->locked.work, &ingest->locked.lock);
	goes_on = !ingest->locked.stopping;
	pthread_mutex_unlock(&ingest->locked.lock);
	return goes_on;
}

static uint64_t wakes_now(struct ingest *ingest)
{
	uint64_t wakes;

	pthread_mutex_lock(&ingest->locked.lock);
	wakes = ingest->locked.wakes;
	pthread_mutex_unlock(&ingest->locked.lock);
	return wakes;
}

/* After a failure that is not a document's: the disk is full, perhaps. Not in a tight circle. */
static void rest(struct ingest *ingest, err_t err)
{
	struct timespec second = { 1, 0 };

	log_error("rag", "documents cannot be taken in just now: %s", err_words(err));
	if (!atomic_load(&ingest->stopping))
		nanosleep(&second, NULL);
}

void *worker_main(void *owner)
{
	struct ingest *ingest = owner;
	struct batch *b = calloc(1, sizeof *b);
	bool worked = true; /* what was fed at the start waits too */

	if (!b) {
		log_error("rag", "no memory for a worker");
		return NULL;
	}
	b->ingest = ingest;
	while (!atomic_load(&ingest->stopping)) {
		uint64_t wakes = wakes_now(ingest);
		err_t err;

		arena_init(&b->records, RECORD_ARENA_MAX);
		err = claim(b);
		if (b->count)
			err = run_batch(b);
		else
			arena_fini(&b->records);
		if (err)
			rest(ingest, err);
		if (!err && b->count == 0) {
			if (worked && ingest->options.on_settled)
				ingest->options.on_settled(ingest->options.owner);
			worked = false;
			if (!wait_for_work(ingest, wakes))
				break;
		}
		worked |= b->count > 0;
	}
	free(b);
	return NULL;
}
