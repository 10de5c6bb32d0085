/*
 * The jobs' routes.
 */
#include <stdio.h>

#include "base/encode.h"
#include "base/when.h"
#include "http/uri.h"
#include "net/clock.h"
#include "rag/api/documents.h"
#include "rag/api/request.h"

enum { JOBS_SHOWN = 100, ERRORS_SHOWN = 100, EVENTS_PAGE = 500 };

/* ---- Writing ---- */

static void time_at(struct text *out, const char *name, uint64_t unix_ms)
{
	char when[WHEN_ISO_BYTES + 1];

	if (!unix_ms)
		return;
	when_iso_ms(unix_ms, when);
	text_printf(out, ",\"%s\":\"%s\"", name, when);
}

static void speed(struct text *out, const struct library_job *job, uint64_t now_ms)
{
	uint64_t until_ms = job->ended_ms ? job->ended_ms : now_ms;
	uint64_t elapsed_ms = job->started_ms ? until_ms - job->started_ms : 0;
	uint64_t through = job->done + job->failed;
	double rate = elapsed_ms ? (double)through * 1000.0 / (double)elapsed_ms : 0;

	text_printf(out, ",\"elapsed_ms\":%llu,\"rate_docs_s\":%.1f",
		    (unsigned long long)elapsed_ms, rate);
	if (!job->ended_ms && rate > 0 && job->total > through)
		text_printf(out, ",\"eta_s\":%.0f", (double)(job->total - through) / rate);
}

static void job_members(struct text *out, const struct library_job *job)
{
	text_printf(
		out,
		"\"id\":\"%.*s\",\"kind\":\"%.*s\",\"state\":\"%s\",\"documents\":{\"total\":%llu,"
		"\"done\":%llu,\"failed\":%llu},\"chunks_done\":%llu",
		BYTES_ARG(job->id), BYTES_ARG(job->kind), library_job_state_names[job->state],
		(unsigned long long)job->total, (unsigned long long)job->done,
		(unsigned long long)job->failed, (unsigned long long)job->passages);
	time_at(out, "created_at", job->created_ms);
	time_at(out, "started_at", job->started_ms);
	time_at(out, "ended_at", job->ended_ms);
	speed(out, job, clock_unix_ms());
	if (job->generation)
		text_printf(out, ",\"generation\":%llu", (unsigned long long)job->generation);
	if (job->error.len) {
		text_add_str(out, ",\"error\":\"");
		encode_json(out, job->error);
		text_add_char(out, '"');
	}
	text_printf(out, ",\"location\":\"/jobs/%.*s\"", BYTES_ARG(job->id));
}

static bool on_failure(void *owner, uint64_t seq, struct bytes kind, struct bytes body)
{
	struct text *out = owner;

	(void)seq;
	(void)kind;
	text_add_str(out, out->at[out->len - 1] == '[' ? "" : ",");
	text_add(out, body);
	return true;
}

err_t job_write(struct text *out, struct service *service, struct bytes id, bool errors)
{
	struct library_job job;
	struct arena arena;
	err_t err;

	arena_init(&arena, 1 << 20);
	err = library_job_get(service->library, id, &arena, &job);
	if (!err) {
		text_add_char(out, '{');
		job_members(out, &job);
		if (errors) {
			text_add_str(out, ",\"errors\":[");
			err = library_events(service->library, job.id, BYTES("failed"), 0,
					     ERRORS_SHOWN, on_failure, out);
			text_add_char(out, ']');
		}
		text_add_char(out, '}');
	}
	arena_fini(&arena);
	return err;
}

static bool on_job(void *owner, const struct library_job *job)
{
	struct text *out = owner;

	text_add_str(out, out->at[out->len - 1] == '[' ? "{" : ",{");
	job_members(out, job);
	text_add_char(out, '}');
	return true;
}

void jobs_list(struct task *task)
{
	err_t err;

	text_add_str(&task->out, "{\"jobs\":[");
	err = library_jobs(task->service->library, false, JOBS_SHOWN, on_job, &task->out);
	text_add_str(&task->out, "]}\n");
	if (err)
		task_failed(task, err);
}

static void send_job(struct task *task, struct bytes id, uint16_t status)
{
	err_t err = job_write(&task->out, task->service, id, true);

	if (err == ERR_NOT_FOUND)
		task_refuse(task, FAULT_NOT_FOUND, "", "There is no such job.");
	else if (err)
		task_failed(task, err);
	text_add_char(&task->out, '\n');
	task->status = status;
}

void jobs_newest(struct task *task)
{
	send_job(task, BYTES_NONE, 200);
}

/* ---- GET /jobs/ID, and its journal as events ---- */

static bool on_event(void *owner, uint64_t seq, struct bytes kind, struct bytes body)
{
	text_printf(owner,
		    "id: %llu\nevent: document\ndata: {\"type\":\"document\",\"state\":\"%.*s\",",
		    (unsigned long long)seq, BYTES_ARG(kind));
	text_add(owner, body.len ? bytes_from(body, 1) : BYTES("}"));
	text_add_str(owner, "\n\n");
	return true;
}

/*
 * What happened since the last event the client has, and how far it is. The stream ends there; a
 * client that wants more comes again by itself ("retry"), as EventSource does.
 */
static void send_events(struct task *task, struct bytes id)
{
	struct library_job job;
	struct bytes rest = task->query, key, value;
	uint64_t after = 0;
	err_t err = library_job_get(task->service->library, id, &task->arena, &job);

	while (uri_query_cut(&rest, &key, &value))
		if (bytes_eq_str(key, "after"))
			(void)bytes_to_u64(value, INT64_MAX, &after);
	if (task->last_event_id.len)
		(void)bytes_to_u64(task->last_event_id, INT64_MAX, &after);
	if (err == ERR_NOT_FOUND) {
		task_refuse(task, FAULT_NOT_FOUND, "", "There is no such job.");
		return;
	}
	text_add_str(&task->out, "retry: 500\n\n");
	if (!err)
		err = library_events(task->service->library, id, BYTES_NONE, after, EVENTS_PAGE,
				     on_event, &task->out);
	if (err) {
		task_failed(task, err);
		return;
	}
	text_printf(&task->out, "event: %s\ndata: {\"type\":\"%s\",",
		    job.ended_ms ? "done" : "progress", job.ended_ms ? "done" : "progress");
	job_members(&task->out, &job);
	text_add_str(&task->out, "}\n\n");
	task->media_type = "text/event-stream";
}

void jobs_one(struct task *task)
{
	struct bytes id = bytes_from(task->path, strlen("/jobs/"));
	size_t slash = bytes_index(id, '/');

	if (slash == SIZE_MAX)
		send_job(task, id, 200);
	else if (bytes_eq_str(bytes_from(id, slash), "/events"))
		send_events(task, bytes_upto(id, slash));
	else
		task_refuse(task, FAULT_NOT_FOUND, "", "There is nothing at this path.");
}

/* ---- POST ---- */

static void retry(struct task *task, struct bytes id)
{
	const struct ingest_reindex again = { .scope = INGEST_FAILED,
					      .job = id,
					      .args = BYTES("{\"scope\":\"failed\"}") };
	char job[INGEST_JOB_ID_BYTES];
	err_t err = ingest_reindex(task->service->ingest, &again, job);

	if (err == ERR_NOT_FOUND)
		task_refuse(task, FAULT_NOT_FOUND, "",
			    "No document of that job failed, or there is no such job.");
	else if (err)
		task_failed(task, err);
	else
		send_job(task, bytes_of(job), 202);
}

void jobs_act(struct task *task)
{
	struct bytes id = bytes_from(task->path, strlen("/jobs/"));
	size_t slash = bytes_index(id, '/');
	struct bytes verb = slash == SIZE_MAX ? BYTES_NONE : bytes_from(id, slash);
	err_t err;

	id = bytes_upto(id, slash);
	if (bytes_eq_str(verb, "/retry")) {
		retry(task, id);
		return;
	}
	if (!bytes_eq_str(verb, "/cancel")) {
		task_refuse(task, FAULT_NOT_FOUND, "", "A job takes cancel and retry.");
		return;
	}
	err = ingest_cancel(task->service->ingest, id);
	if (err == ERR_NOT_FOUND)
		task_refuse(task, FAULT_NOT_FOUND, "", "There is no such job.");
	else if (err == ERR_CONFLICT)
		task_refuse(task, FAULT_CONFLICT, "", "That job is over already.");
	else if (err)
		task_failed(task, err);
	else
		send_job(task, id, 202);
}

static void dry_run(struct task *task)
{
	struct library_counts counts;
	err_t err = library_count(task->service->library, &counts);

	if (err) {
		task_failed(task, err);
		return;
	}
	text_printf(&task->out, "{\"dry_run\":true,\"documents\":%llu,\"failed\":%llu}\n",
		    (unsigned long long)(counts.documents[LIBRARY_INDEXED] - counts.aliases),
		    (unsigned long long)counts.documents[LIBRARY_FAILED]);
}

static void start_reindex(struct task *task, const struct ingest_reindex *reindex)
{
	char job[INGEST_JOB_ID_BYTES] = "";
	err_t err = ingest_reindex(task->service->ingest, reindex, job);

	if (err == ERR_IN_USE) {
		task_refuse(task, FAULT_BUSY, "",
			    "The documents are being read already: see GET /jobs/%s.", job);
		task->fault.retry_after_ms = 1000;
	} else if (err == ERR_NOT_FOUND) {
		task_refuse(task, FAULT_NOT_FOUND, "", "There is no document to read again.");
	} else if (err) {
		task_failed(task, err);
	} else {
		send_job(task, bytes_of(job), 202);
	}
}

void jobs_reindex(struct task *task)
{
	struct reindex_request request;
	struct ingest_reindex reindex = { .scope = INGEST_ALL, .args = BYTES("{}") };
	struct bytes *ids;
	json_t *value;
	size_t i;

	if (reindex_request_read(text_bytes(&task->body), task->content_type, &request,
				 &task->fault))
		return;
	if (task->service->draining)
		task_refuse(task, FAULT_DRAINING, "", "This server is about to stop.");
	reindex.scope = request.scope;
	reindex.keep_passages = request.keep_passages;
	reindex.id_count = json_array_size(request.ids);
	ids = arena_array(&task->arena, reindex.id_count + 1, sizeof *ids);
	json_array_foreach (request.ids, i, value)
		if (ids)
			ids[i] = bytes_make(json_string_value(value), json_string_length(value));
	reindex.ids = ids;
	if (!ids)
		task_failed(task, ERR_NOMEM);
	else if (!task->fault.kind && request.dry_run)
		dry_run(task);
	else if (!task->fault.kind)
		start_reindex(task, &reindex);
	json_decref(request.root);
}
