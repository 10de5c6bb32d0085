/*
 * library: documents as they were given, what they were cut into, and the jobs that do it. One
 * SQLite file, with large originals in files beside it; or a schema of a PostgreSQL database.
 *
 * What a call acknowledged is on disk (SQLite: WAL, synchronous FULL; PostgreSQL as it is set): a
 * kill at any instant leaves the state before a transaction, or after it. In SQLite originals up to
 * LIBRARY_INLINE_BYTES are rows; larger ones are files named by their SHA-256 in `DIR/blobs`,
 * written and synced before the row that speaks of them, removed after it; what a crash leaves
 * between the two is swept at the start. In PostgreSQL all are rows.
 *
 * While PostgreSQL cannot be reached, calls answer ERR_STORE; the first that finds it again goes
 * on. One ragd at a time has a library open, by a lock of either.
 *
 * A document is known by its key (its id is made of it) and counts versions: each acceptance of
 * other bytes is the next. Its passages stand in generations; `shelved` says which version of it a
 * generation holds, so readers see the old one until the new one is shelved, in one transaction.
 *
 * Threads: reads from any thread. Writes happen between library_begin and library_commit or
 * _rollback, which hold the writer's lock; functions that need it say so (W). All calls block on
 * the disk: never on a loop.
 */
#ifndef STORE_LIBRARY_H
#define STORE_LIBRARY_H

#include "base/arena.h"
#include "base/text.h"
#include "store/passage.h"

enum {
	LIBRARY_ID_BYTES = 4 + 24 + 1, /* "doc_", digits, NUL */
	LIBRARY_INLINE_BYTES = 64 * 1024,
	LIBRARY_SKETCH_BANDS = 16,
};

struct library;

enum library_state {
	LIBRARY_PENDING, /* accepted; waits for a worker, or is with one */
	LIBRARY_INDEXED,
	LIBRARY_FAILED, /* error says why; an older version may still be shelved */
	LIBRARY_STATES,
};
extern const char *const library_state_names[LIBRARY_STATES];

struct library_document {
	uint64_t row; /* the library's own number of it; grows */
	struct bytes id, key;
	struct bytes title; /* given or found */
	struct bytes media_type;
	struct bytes sha256;  /* of the original, hex; "" until it was fetched */
	struct bytes origin;  /* JSON: {"kind":"upload|text|folder|s3|url|content_list",…} */
	struct bytes options; /* JSON as given: title, tags, metadata, parser, chunker, … */
	struct bytes source, category, subject, metadata; /* found by parsing; as in a passage */
	struct bytes error_code, error_stage, error;
	struct bytes warnings; /* JSON array of sentences, or "" */
	struct bytes stage_ms; /* JSON object, or "" */
	struct bytes job;      /* the last that took it in */
	struct bytes alias_of; /* id of the document with the same bytes that stands for it */
	struct bytes near_of;  /* id of one with nearly the same words, or "" */
	enum library_state state;
	uint64_t bytes, version, pages, passages, near_percent, created_ms, updated_ms;
};

struct library_counts {
	uint64_t documents[LIBRARY_STATES];
	uint64_t aliases, passages, blob_bytes;
};

/*
 * `directory` must exist. ERR_STORE with a sentence for the user in *ret_why (to be freed), or
 * ERR_IN_USE when another process has it open.
 */
err_t library_open(const char *directory, struct library **ret_library, char **ret_why);

struct library_postgres {
	const char *url;    /* libpq's; its password is in no log and no answer */
	const char *schema; /* made when missing */
	bool single;	    /* one connection is all there may be; else two */
};
/* ERR_UNREACHABLE: nobody answers (yet); ERR_DENIED, ERR_INVALID; else as above. */
err_t library_open_postgres(const struct library_postgres *options, struct library **ret_library,
			    char **ret_why);

/* Changes nothing: what is at the URL, or why it cannot be used, for a person. Errors as above. */
err_t library_describe_postgres(const char *url, struct text *out);

void library_close(struct library *library); /* NULL is welcome */

/*
 * A number that no other library has, made when it is first asked for. What is kept of a library
 * elsewhere carries it. 0 when it could not be written.
 */
uint64_t library_identity(struct library *library);

const char *library_kind(const struct library *library); /* "sqlite", "postgres" */
err_t library_ping(struct library *library);		 /* whether it answers: ERR_STORE if not */

/* ---- Transactions ---- */

err_t library_begin(struct library *library); /* waits for the writer's lock */
err_t library_commit(struct library *library);
/*
 * As library_commit, with `then` between the commit and the moment anybody in this process can see
 * it: what `then` makes ready is ready for whoever reads that it was committed. It may read.
 */
typedef void (*library_then_fn)(void *owner);
err_t library_commit_then(struct library *library, library_then_fn then, void *owner);
void library_rollback(struct library *library);

/* Small numbers by name: "generation", "building", "change", "synced". 0 when absent. */
uint64_t library_setting(struct library *library, const char *name);
err_t library_setting_put(struct library *library, const char *name, uint64_t value); /* W */

/* ---- Originals ---- */

/* W. Adds one, or does nothing if those bytes are there. */
err_t library_blob_put(struct library *library, struct bytes sha256, struct bytes data);
/* *ret_data is malloc'ed. ERR_NOT_FOUND. */
err_t library_blob_read(struct library *library, struct bytes sha256, size_t max_bytes,
			struct bytes *ret_data);
/* W. Removes those that no document and no asset speaks of any more, `limit` at most. */
err_t library_blobs_sweep(struct library *library, unsigned limit);

/* ---- Documents ---- */

void library_document_id(struct bytes key, char out[LIBRARY_ID_BYTES]);

/* W. Inserts, or replaces by key; `row` and `created_ms` of one that exists are kept. */
err_t library_document_put(struct library *library, const struct library_document *document);
/* W. With its passages in no generation any more (see library_shelve), its assets and errors. */
err_t library_document_remove(struct library *library, struct bytes id);

/* By id; copies into the arena. ERR_NOT_FOUND. In a transaction of its own thread it sees that. */
err_t library_document_get(struct library *library, struct bytes id, struct arena *arena,
			   struct library_document *ret_document);

struct library_query {
	uint64_t after_row; /* 0: from the first */
	int state;	    /* -1: any */
	struct bytes job, tag, prefix /* of the key */, contains /* in title or key */, sha256;
	struct bytes alias_of;
	bool pending_order; /* by row, pending ones only: what a worker takes next */
	unsigned limit;
};
/* `each` returns false to stop; the document is valid inside it only. */
typedef bool (*library_document_fn)(void *owner, const struct library_document *document);
err_t library_documents(struct library *library, const struct library_query *query,
			library_document_fn each, void *owner);
err_t library_count(struct library *library, struct library_counts *ret_counts);

/* ---- Passages ---- */

/*
 * W. Replaces what a generation holds of a document, and notes its version there; count 0 takes
 * it out (version 0: for good). The records' document-level members come from the document.
 */
err_t library_shelve(struct library *library, uint64_t generation,
		     const struct library_document *document, uint64_t version,
		     const struct passage *passages, size_t count);
/* Which version of the document the generation holds; 0: none. */
uint64_t library_shelved(struct library *library, uint64_t generation, uint64_t row);

/*
 * What was shelved or taken out in a generation after a change (of setting "change"), each document
 * once: `row` is 0 for one that the generation holds no more. Its passages are those of now.
 */
typedef err_t (*library_shelved_fn)(void *owner, struct bytes document_id, uint64_t row);
err_t library_shelved_since(struct library *library, uint64_t generation, uint64_t change,
			    library_shelved_fn each, void *owner);
/* W. Nobody asks any more for what was taken out up to that change. */
err_t library_shelved_forget(struct library *library, uint64_t change);

/* Passages of a generation in order; of one document, if `document_row`. */
typedef err_t (*library_passage_fn)(void *owner, const struct passage *passage);
err_t library_passages(struct library *library, uint64_t generation, uint64_t document_row,
		       library_passage_fn each, void *owner);
/* W. Takes out up to `limit` passages of generations other than these two; false in *ret_more when
 * none is left. */
err_t library_passages_prune(struct library *library, uint64_t keep, uint64_t keep_too,
			     unsigned limit, bool *ret_more);

/* ---- Nearly the same words ---- */

/*
 * W. Notes a document's sketch (hashes that nearly equal documents share), and finds the one
 * that shares most of them. *ret_shared counts them; 0: none.
 */
err_t library_sketch(struct library *library, uint64_t row,
		     const uint64_t bands[LIBRARY_SKETCH_BANDS], struct arena *arena,
		     struct bytes *ret_id, unsigned *ret_shared);

/* ---- Vectors of an embeddings engine: PostgreSQL alone keeps them ---- */

struct library_vector {
	struct bytes id;     /* of the passage */
	struct bytes digest; /* of the model and the text it was made from, hex */
	uint32_t dimensions;
	float scale;	   /* a component is its byte, signed, times this */
	struct bytes data; /* `dimensions` signed bytes */
};

bool library_keeps_vectors(const struct library *library);
/* With the extension `vector` (probed at the start) the database finds the nearest by itself. */
bool library_finds_vectors(const struct library *library);

typedef err_t (*library_vector_fn)(void *owner, const struct library_vector *vector);
err_t library_vectors(struct library *library, struct bytes model, library_vector_fn each,
		      void *owner);
err_t library_vector_put(struct library *library, struct bytes model,
			 const struct library_vector *vector); /* W */
/* W. Forgets those of passages that no generation has. */
err_t library_vectors_prune(struct library *library);

/*
 * Those with the largest product with the question's (of vectors of length 1: the cosine), largest
 * first. Every one is compared, none is guessed at.
 */
typedef bool (*library_near_fn)(void *owner, struct bytes id, double cosine);
err_t library_vectors_near(struct library *library, struct bytes model,
			   const struct library_vector *question, unsigned limit,
			   library_near_fn each, void *owner);

/* ---- Assets ---- */

struct library_asset {
	struct bytes id, kind, media_type, sha256, caption;
	uint64_t page;
};
err_t library_assets_put(struct library *library, uint64_t row, const struct library_asset *assets,
			 size_t count); /* W; replaces the document's */
err_t library_asset_get(struct library *library, struct bytes id, struct arena *arena,
			struct library_asset *ret_asset); /* ERR_NOT_FOUND */

/* ---- Jobs ---- */

enum library_job_state {
	LIBRARY_JOB_QUEUED,
	LIBRARY_JOB_RUNNING,
	LIBRARY_JOB_CANCELLING,
	LIBRARY_JOB_CANCELLED,
	LIBRARY_JOB_SUCCEEDED,
	LIBRARY_JOB_FAILED,
	LIBRARY_JOB_PARTIAL,
	LIBRARY_JOB_STATES,
};
extern const char *const library_job_state_names[LIBRARY_JOB_STATES];

struct library_job {
	struct bytes id, kind; /* "ingest", "sync", "reindex" */
	struct bytes args;     /* JSON */
	struct bytes error;
	enum library_job_state state;
	uint64_t total, done, failed, passages, generation, created_ms, started_ms, ended_ms;
};

err_t library_job_put(struct library *library, const struct library_job *job); /* W */
err_t library_job_get(struct library *library, struct bytes id /* "": the newest */,
		      struct arena *arena, struct library_job *ret_job); /* ERR_NOT_FOUND */
typedef bool (*library_job_fn)(void *owner, const struct library_job *job);
/* Newest first, or oldest first those that are not over. */
err_t library_jobs(struct library *library, bool open_only, unsigned limit, library_job_fn each,
		   void *owner);
/* W. Deletes jobs that are over beyond the newest `keep`. */
err_t library_jobs_prune(struct library *library, unsigned keep);

/* What happened in a job, in order; the newest LIBRARY_EVENTS_MAX are kept. */
enum { LIBRARY_EVENTS_MAX = 1000 };
err_t library_event_add(struct library *library, struct bytes job, struct bytes kind,
			struct bytes body, uint64_t at_ms); /* W */
typedef bool (*library_event_fn)(void *owner, uint64_t seq, struct bytes kind, struct bytes body);
err_t library_events(struct library *library, struct bytes job, struct bytes kind /* "": all */,
		     uint64_t after_seq, unsigned limit, library_event_fn each, void *owner);

/* ---- Answers given before (Idempotency-Key) ---- */

/* *ret_body in the arena. ERR_NOT_FOUND; ERR_CONFLICT when the request was another. */
err_t library_idem_get(struct library *library, struct bytes key, struct bytes request_sha256,
		       uint64_t now_ms, struct arena *arena, uint64_t *ret_status,
		       struct bytes *ret_body);
err_t library_idem_put(struct library *library, struct bytes key, struct bytes request_sha256,
		       uint64_t status, struct bytes body, uint64_t expires_ms); /* W */

#endif
