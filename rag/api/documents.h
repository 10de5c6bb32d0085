/*
 * documents: what there is, and how it goes; the jobs; the parts of documents that are shown. Each
 * function is work for a task, or writes one object.
 */
#ifndef RAG_API_DOCUMENTS_H
#define RAG_API_DOCUMENTS_H

#include "rag/api/task.h"
#include "rag/ingest/ingest.h"

void documents_list(struct task *task);	  /* GET /documents */
void documents_one(struct task *task);	  /* GET /documents/ID and below */
void documents_delete(struct task *task); /* DELETE /documents/ID */
void documents_delete_many(struct task *task);
void documents_asset(struct task *task); /* GET /assets/ID */

void jobs_list(struct task *task);    /* GET /jobs */
void jobs_one(struct task *task);     /* GET /jobs/ID, /jobs/ID/events */
void jobs_newest(struct task *task);  /* GET /reindex */
void jobs_act(struct task *task);     /* POST /jobs/ID/cancel, /retry */
void jobs_reindex(struct task *task); /* POST /reindex */

/* Appends one object. */
void document_write(struct text *out, struct ingest *ingest, const struct library_document *d,
		    uint64_t generation);
/* ERR_NOT_FOUND. With `errors`, up to 100 of its failures. */
err_t job_write(struct text *out, struct service *service, struct bytes id, bool errors);

#endif
