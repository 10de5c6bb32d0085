#include "rag/api/jobs.h"

#include <stdlib.h>

#include "base/encode.h"
#include "base/log.h"
#include "base/when.h"
#include "crypto/random.h"
#include "rag/retrieve/index.h"
#include "rag/store/passages_feed.h"

enum {
	JOBS_KEPT = 16,
	JOB_ID_BYTES = 4 + 16 + 1, /* "job_", 16 digits and a NUL */
};

struct job {
	char id[JOB_ID_BYTES];
	const char *state; /* "" while the place is free */
	uint64_t began_unix_ms, began_ms, ended_ms, generation;
	struct index_progress progress;
	err_t err;
};

struct jobs {
	struct service *service;
	void (*on_ended)(struct service *service, err_t err);
	struct job kept[JOBS_KEPT]; /* a ring; the newest is at `newest` */
	unsigned newest, count;
	struct job *running;
	struct blocking_job blocking; /* of the running one */
	struct {		      /* its thread's alone from submit to done() */
		struct index_progress *progress;
		struct passages_state found;
		uint64_t generation;
		err_t err;
	} worker;
};

err_t jobs_create(struct service *service, void (*on_ended)(struct service *service, err_t err),
		  struct jobs **ret_jobs)
{
	struct jobs *jobs = calloc(1, sizeof *jobs);

	if (!jobs)
		return ERR_NOMEM;
	jobs->service = service;
	jobs->on_ended = on_ended;
	*ret_jobs = jobs;
	return ERR_OK;
}

void jobs_destroy(struct jobs *jobs)
{
	free(jobs);
}

static void work(struct blocking_job *blocking)
{
	struct jobs *jobs = container_of(blocking, struct jobs, blocking);
	struct service *service = jobs->service;

	const struct feed_listener listeners[] = {
		passages_feed(service->passages),
		corpus_feed(service->corpus),
	};

	jobs->worker.err = index_folder(listeners, COUNT(listeners), service->settings->documents,
					jobs->worker.progress, &jobs->worker.generation);
	if (!jobs->worker.err)
		jobs->worker.err = passages_state(service->passages, &jobs->worker.found);
}

static const char *state_of(const struct job *job)
{
	if (job->err == ERR_CANCELLED)
		return "cancelled";
	if (job->err)
		return "failed";
	return atomic_load(&job->progress.documents_failed) ? "partial" : "succeeded";
}

static void done(struct blocking_job *blocking)
{
	struct jobs *jobs = container_of(blocking, struct jobs, blocking);
	struct job *job = jobs->running;

	jobs->running = NULL;
	job->err = jobs->worker.err;
	job->generation = jobs->worker.generation;
	if (!job->err)
		jobs->service->index = jobs->worker.found;
	job->state = state_of(job);
	job->ended_ms = loop_now_ms(jobs->service->loop);
	log_info("rag", "%s %s: %llu documents, %llu passages, generation %llu", job->id,
		 job->state, (unsigned long long)atomic_load(&job->progress.documents_done),
		 (unsigned long long)atomic_load(&job->progress.passages),
		 (unsigned long long)job->generation);
	jobs->on_ended(jobs->service, job->err);
}

err_t jobs_start_reindex(struct jobs *jobs)
{
	struct service *service = jobs->service;
	struct job *job;

	if (jobs->running)
		return ERR_IN_USE;
	jobs->newest = (jobs->newest + 1) % JOBS_KEPT;
	jobs->count += jobs->count < JOBS_KEPT;
	job = &jobs->kept[jobs->newest];
	memset(job, 0, sizeof *job);
	memcpy(job->id, "job_", 4);
	random_hex(job->id + 4, JOB_ID_BYTES - 5);
	job->state = "running";
	job->began_ms = loop_now_ms(service->loop);
	job->began_unix_ms = loop_unix_us(service->loop) / 1000;
	jobs->running = job;
	memset(&jobs->worker, 0, sizeof jobs->worker);
	jobs->worker.progress = &job->progress;
	jobs->blocking = (struct blocking_job){ .work = work, .done = done, .loop = service->loop };
	blocking_submit(service->pool, &jobs->blocking);
	return ERR_OK;
}

bool jobs_running(const struct jobs *jobs)
{
	return jobs->running != NULL;
}

void jobs_cancel(struct jobs *jobs)
{
	if (jobs->running)
		atomic_store(&jobs->running->progress.cancelled, true);
}

static void write_job(const struct jobs *jobs, const struct job *job, struct text *out)
{
	char began[WHEN_ISO_BYTES + 1];
	uint64_t until_ms = job->ended_ms ? job->ended_ms : loop_now_ms(jobs->service->loop);

	when_iso_ms(job->began_unix_ms, began);
	text_printf(
		out,
		"{\"id\":\"%s\",\"kind\":\"reindex\",\"state\":\"%s\",\"documents\":{\"done\":%llu,"
		"\"failed\":%llu},\"chunks_done\":%llu,\"started_at\":\"%s\",\"elapsed_ms\":%llu,"
		"\"location\":\"/jobs/%s\"",
		job->id, job->state, (unsigned long long)atomic_load(&job->progress.documents_done),
		(unsigned long long)atomic_load(&job->progress.documents_failed),
		(unsigned long long)atomic_load(&job->progress.passages), began,
		(unsigned long long)(until_ms - job->began_ms), job->id);
	if (job->ended_ms && !job->err)
		text_printf(out, ",\"generation\":%llu", (unsigned long long)job->generation);
	if (job->err) {
		text_add_str(out, ",\"error\":\"");
		encode_json(out, bytes_of(err_words(job->err)));
		text_add_char(out, '"');
	}
	text_add_char(out, '}');
}

/* The i-th, newest first. */
static const struct job *job_at(const struct jobs *jobs, unsigned i)
{
	return &jobs->kept[(jobs->newest + JOBS_KEPT - i) % JOBS_KEPT];
}

err_t jobs_write_one(const struct jobs *jobs, struct bytes id, struct text *out)
{
	for (unsigned i = 0; i < jobs->count; i++) {
		if (id.len && !bytes_eq_str(id, job_at(jobs, i)->id))
			continue;
		write_job(jobs, job_at(jobs, i), out);
		return ERR_OK;
	}
	return ERR_NOT_FOUND;
}

void jobs_write_all(const struct jobs *jobs, struct text *out)
{
	text_add_str(out, "{\"jobs\":[");
	for (unsigned i = 0; i < jobs->count; i++) {
		text_add_str(out, i ? "," : "");
		write_job(jobs, job_at(jobs, i), out);
	}
	text_add_str(out, "]}\n");
}
