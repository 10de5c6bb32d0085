/*
 * jobs: reading the documents anew, one at a time, on a thread of the blocking pool. The last few
 * are remembered. On the loop's thread.
 */
#ifndef RAG_API_JOBS_H
#define RAG_API_JOBS_H

#include "rag/api/service.h"

struct jobs;

/* `on_ended` hears of each end, after service->index was brought up to date. */
err_t jobs_create(struct service *service, void (*on_ended)(struct service *service, err_t err),
		  struct jobs **ret_jobs);
void jobs_destroy(struct jobs *jobs); /* none is running: the pool is gone; NULL is welcome */

/* ERR_IN_USE while one runs; ERR_NOMEM. */
err_t jobs_start_reindex(struct jobs *jobs);

bool jobs_running(const struct jobs *jobs);
void jobs_cancel(struct jobs *jobs); /* the running one, if any; it ends soon after */

/* Appends the object of one job ("" : the newest), or an array of all. ERR_NOT_FOUND. */
err_t jobs_write_one(const struct jobs *jobs, struct bytes id, struct text *out);
void jobs_write_all(const struct jobs *jobs, struct text *out);

#endif
