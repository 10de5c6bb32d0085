/*
 * ingest: documents taken in, read, cut and shelved; the jobs that say how far it is.
 *
 *   ingest_accept ─► (on disk: pending) ─► a worker: fetch ─► parse ─► chunk ─► commit: indexed
 *                                                   └─ what cannot be read: failed, with its stage
 *
 * Accepting is one transaction over all items of a call: once it returned, a kill at any instant
 * loses none of them. Workers are threads of their own; whatever they were doing when the process
 * died is done again. One document failing never stops a job. One sync or reindex at a time, on
 * a thread of its own.
 *
 * All calls block on the disk but ingest_state, ingest_is_ready and ingest_job_cancel: never on a
 * loop.
 */
#ifndef RAG_INGEST_INGEST_H
#define RAG_INGEST_INGEST_H

#include "rag/store/catalog.h"
#include "telemetry/metrics.h"

struct ingest;

/* Gets the bytes of a document whose origin is elsewhere. */
struct ingest_source {
	/*
	 * `origin`: the document's JSON. *ret_data is malloc'ed. On failure *ret_code and words
	 * (at most `words_size`) say why.
	 */
	err_t (*fetch)(void *owner, struct bytes origin, size_t max_bytes,
		       const _Atomic bool *cancelled, struct bytes *ret_data, const char **ret_code,
		       char *words, size_t words_size);
	void *owner;
};

struct ingest_options {
	struct library *library; /* borrowed, as are the next two */
	struct catalog *catalog;
	const char *folder; /* documents that come and go with their files; "" has none */
	struct ingest_source source;
	unsigned workers;
	size_t document_bytes_max;
	void (*on_settled)(
		void *owner); /* nothing waits to be read any more; any thread; or NULL */
	void *owner;
};

err_t ingest_create(const struct ingest_options *options, struct ingest **ret_ingest);
void ingest_destroy(
	struct ingest *ingest); /* ends threads after what they are at; NULL is welcome */

/* Goes on with jobs that a former run left, and brings the folder up to date in the background. */
err_t ingest_start(struct ingest *ingest);
/* Looks for work again: what could not be begun, as the library did not answer, is begun now. */
void ingest_wake(struct ingest *ingest);

/* Whether what there is has been read once: from then on, and at every later start, at once. */
bool ingest_is_ready(struct ingest *ingest);

/* ---- Taking in ---- */

enum ingest_if_exists { INGEST_REPLACE, INGEST_SKIP, INGEST_REFUSE };

struct ingest_item {
	struct bytes key; /* at most INGEST_KEY_MAX bytes, UTF-8, not empty */
	struct bytes title, media_type;
	struct bytes data;    /* the original; or nothing, to be fetched from the origin */
	struct bytes origin;  /* JSON */
	struct bytes options; /* JSON: tags, metadata, parser, chunker, … or "" */
	enum ingest_if_exists if_exists;
};
enum { INGEST_KEY_MAX = 1024, INGEST_JOB_ID_BYTES = 4 + 16 + 1 };

enum ingest_what {
	INGEST_ACCEPTED,
	INGEST_UNCHANGED, /* the same bytes and options under this key: nothing to do */
	INGEST_ALIAS,	  /* the same bytes under another key: found through that one */
	INGEST_EXISTS,	  /* if_exists said to leave it, or to refuse */
};
struct ingest_outcome {
	char id[LIBRARY_ID_BYTES];
	enum ingest_what what;
};

/*
 * Takes all items or none. `job` gets the id of the job that reads them, "" when none needs it.
 * ERR_EXISTS: one was to be refused, none was taken.
 */
err_t ingest_accept(struct ingest *ingest, const struct ingest_item *items, size_t count,
		    struct ingest_outcome *ret_outcomes, char job[INGEST_JOB_ID_BYTES]);

/* Takes documents out, all in one transaction; *ret_removed counts those there were. */
err_t ingest_remove(struct ingest *ingest, const struct bytes *ids, size_t count,
		    unsigned *ret_removed);

/* Waits for a job's end; false when it did not come in time. */
bool ingest_wait(struct ingest *ingest, struct bytes job, uint32_t wait_ms);

/* ---- Jobs ---- */

enum ingest_scope { INGEST_ALL, INGEST_FAILED, INGEST_SOME };

struct ingest_reindex {
	enum ingest_scope scope;
	const struct bytes *ids; /* of INGEST_SOME */
	size_t id_count;
	struct bytes job;   /* of INGEST_FAILED: that job's alone, or "" */
	bool keep_passages; /* only the indexes are to be made anew, not the passages */
	struct bytes args;  /* JSON, for those who read the job */
};
/* ERR_IN_USE while a sync or reindex runs, with its id; ERR_NOT_FOUND: there is nothing to do. */
err_t ingest_reindex(struct ingest *ingest, const struct ingest_reindex *reindex,
		     char job[INGEST_JOB_ID_BYTES]);
err_t ingest_cancel(struct ingest *ingest,
		    struct bytes job); /* ERR_NOT_FOUND; ERR_CONFLICT: over */

/* The id of the sync or reindex that runs, or "". */
void ingest_running(struct ingest *ingest, char job[INGEST_JOB_ID_BYTES]);

/* What a worker is doing with a document just now: "parsing", …; NULL: nothing. */
const char *ingest_stage(struct ingest *ingest, uint64_t row);

struct ingest_counts {
	uint64_t parsed, failed, fetched;
	unsigned working;
};
void ingest_counts(struct ingest *ingest, struct ingest_counts *ret_counts);

enum { INGEST_STAGES = 4 }; /* fetching, parsing, chunking, committing */
extern const char *const ingest_stage_names[INGEST_STAGES];

/* How long: of documents by stage (a commit's is of all its documents), and of jobs that ended. */
struct ingest_times {
	struct histogram stages[INGEST_STAGES], jobs;
};
const struct ingest_times *ingest_times(const struct ingest *ingest); /* any thread */

#endif
