/*
 * ingest_internal: what the files of this folder share.
 */
#ifndef RAG_INGEST_INGEST_INTERNAL_H
#define RAG_INGEST_INGEST_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "rag/ingest/ingest.h"

enum {
	WORKERS_MAX = 16,
	BATCH_MAX = 64,		       /* documents of one commit */
	BATCH_BYTES = 2 * 1024 * 1024, /* and how many bytes of them */
	IN_FLIGHT_MAX = WORKERS_MAX * BATCH_MAX,
	RECORD_ARENA_MAX = 64 * 1024 * 1024, /* rows of a batch */
	JOBS_KEPT = 200,
	WALK_PAGE = 200, /* documents looked at between two looks at the library */
};

enum { STAGE_FETCHING, STAGE_PARSING, STAGE_CHUNKING, STAGE_COMMITTING };
_Static_assert(STAGE_COMMITTING + 1 == INGEST_STAGES, "each stage has its name and its times");

struct in_flight {
	uint64_t row; /* 0: free */
	char job[INGEST_JOB_ID_BYTES];
	_Atomic int stage; /* of its worker */
	_Atomic bool cancelled;
};

struct ingest {
	struct ingest_options options;
	pthread_t workers[WORKERS_MAX], keeper;
	unsigned worker_count;
	bool keeper_runs;
	struct {
		pthread_mutex_t lock;
		pthread_cond_t work;  /* something may be pending, or the end has come */
		pthread_cond_t ended; /* a job may be over */
		struct in_flight in_flight[IN_FLIGHT_MAX];
		bool stopping;
		uint64_t wakes; /* counts wake-ups, so that none is missed between looks */
		char running[INGEST_JOB_ID_BYTES]; /* the sync or reindex, or "" */
		bool scanning;			   /* it still adds documents to itself */
	} locked;
	_Atomic bool ready, keeper_cancelled, stopping;
	_Atomic uint64_t parsed, failed, fetched;
	struct ingest_times times;
	_Atomic unsigned working;
};

/* ---- ingest.c ---- */
/* W. Begins a job's row; `id` is made. */
err_t job_begin(struct ingest *ingest, const char *kind, struct bytes args,
		enum library_job_state state, uint64_t total, char id[INGEST_JOB_ID_BYTES]);
/* Its time is over: written down in its row, and counted. */
void job_stamp(struct ingest *ingest, struct library_job *job);
/* W. Counts documents of a job, and ends it when all are through and nobody adds any more. */
err_t job_count(struct ingest *ingest, struct bytes id, uint64_t done, uint64_t failed,
		uint64_t passages);
err_t job_add_total(struct ingest *ingest, struct bytes id, uint64_t more); /* W */
err_t job_settle(struct ingest *ingest, struct bytes id); /* W: ends it if it is over */
err_t job_end(struct ingest *ingest, struct bytes id, enum library_job_state state,
	      const char *error, uint64_t generation); /* W */
void job_ended(struct ingest *ingest);		       /* after the commit: tells who waits */
/* W. One item into the library, under the job. */
err_t accept_one(struct ingest *ingest, const struct ingest_item *item, struct bytes job,
		 struct ingest_outcome *ret_outcome);
/* W. Marks a document to be read (again) under the job. */
err_t accept_again(struct ingest *ingest, const struct library_document *document,
		   struct bytes job);
/* W, within a catalog change. */
err_t remove_one(struct ingest *ingest, struct bytes id);

/* ---- work.c ---- */
void *worker_main(void *ingest);
/* Reads a document's original, from the library or its source. *ret_data is malloc'ed. */
err_t original_read(struct ingest *ingest, struct library_document *document,
		    const _Atomic bool *cancelled, struct arena *arena, struct bytes *ret_data);
/* W, within a catalog change: the document as it was read, and what was found. */
struct read_result;
err_t shelve_result(struct ingest *ingest, enum catalog_side side, struct read_result *result,
		    struct arena *arena);

/* ---- keep.c ---- */
void *keeper_main(void *ingest);
bool keeper_is_cancelled(const struct ingest *ingest);
/* The oldest sync or reindex that is not over. */
struct open_job {
	char id[INGEST_JOB_ID_BYTES];
	bool found, reindex, keep_passages;
};
err_t open_job_find(struct ingest *ingest, struct open_job *ret_open);

/* ---- folder_sync.c ---- */
/* Brings the library in line with the folder, under the job. */
err_t folder_sync(struct ingest *ingest, struct bytes job);

/* ---- rebuild.c ---- */
/* Everything that was read once, into the generation that is being built. */
err_t rebuild_all(struct ingest *ingest, struct bytes job, uint64_t generation, bool keep_passages);

#endif
