#include "store/library_internal.h"

const char *const library_job_state_names[LIBRARY_JOB_STATES] = {
	[LIBRARY_JOB_QUEUED] = "queued",	 [LIBRARY_JOB_RUNNING] = "running",
	[LIBRARY_JOB_CANCELLING] = "cancelling", [LIBRARY_JOB_CANCELLED] = "cancelled",
	[LIBRARY_JOB_SUCCEEDED] = "succeeded",	 [LIBRARY_JOB_FAILED] = "failed",
	[LIBRARY_JOB_PARTIAL] = "partial",
};

err_t library_job_put(struct library *library, const struct library_job *job)
{
	return sql_later(library_writing(library), LIBRARY_JOB_PUT, "ssssuuuuuuuuu", job->id,
			 job->kind, job->args, job->error, (uint64_t)job->state, job->total,
			 job->done, job->failed, job->passages, job->generation, job->created_ms,
			 job->started_ms, job->ended_ms);
}

static void row_read(struct sql_stmt *stmt, struct library_job *ret)
{
	*ret = (struct library_job){
		.id = sql_text(stmt, 0),
		.kind = sql_text(stmt, 1),
		.args = sql_text(stmt, 2),
		.error = sql_text(stmt, 3),
		.state = (enum library_job_state)sql_number(stmt, 4),
		.total = sql_number(stmt, 5),
		.done = sql_number(stmt, 6),
		.failed = sql_number(stmt, 7),
		.passages = sql_number(stmt, 8),
		.generation = sql_number(stmt, 9),
		.created_ms = sql_number(stmt, 10),
		.started_ms = sql_number(stmt, 11),
		.ended_ms = sql_number(stmt, 12),
	};
}

err_t library_job_get(struct library *library, struct bytes id, struct arena *arena,
		      struct library_job *ret_job)
{
	struct sql *sql = library_read_begin(library);
	struct sql_stmt *stmt = id.len ? sql_bind(sql, LIBRARY_JOB_GET, "s", id)
				       : sql_bind(sql, LIBRARY_JOB_NEWEST, "");
	struct library_job job;
	err_t err = ERR_NOT_FOUND;

	if (sql_row(stmt)) {
		err = ERR_OK;
		row_read(stmt, &job);
		job.id = sql_copy(stmt, 0, arena, &err);
		job.kind = sql_copy(stmt, 1, arena, &err);
		job.args = sql_copy(stmt, 2, arena, &err);
		job.error = sql_copy(stmt, 3, arena, &err);
	}
	(void)sql_done(sql, stmt);
	library_read_end(library, sql);
	if (!err)
		*ret_job = job;
	return err;
}

err_t library_jobs(struct library *library, bool open_only, unsigned limit, library_job_fn each,
		   void *owner)
{
	struct sql *sql = library_read_begin(library);
	struct sql_stmt *stmt = sql_bind(sql, open_only ? LIBRARY_JOBS_OPEN : LIBRARY_JOBS, "u",
					 (uint64_t)limit);
	err_t err;

	while (sql_row(stmt)) {
		struct library_job job;

		row_read(stmt, &job);
		if (!each(owner, &job))
			break;
	}
	err = sql_done(sql, stmt);
	library_read_end(library, sql);
	return err;
}

err_t library_jobs_prune(struct library *library, unsigned keep)
{
	return sql_later(library_writing(library), LIBRARY_JOBS_PRUNE, "u", (uint64_t)keep);
}

err_t library_event_add(struct library *library, struct bytes job, struct bytes kind,
			struct bytes body, uint64_t at_ms)
{
	struct sql *sql = library_writing(library);

	TRY(sql_later(sql, LIBRARY_EVENT_ADD, "sssu", job, kind, body, at_ms));
	return sql_later(sql, LIBRARY_EVENTS_PRUNE, "s", job);
}

err_t library_events(struct library *library, struct bytes job, struct bytes kind,
		     uint64_t after_seq, unsigned limit, library_event_fn each, void *owner)
{
	struct sql *sql = library_read_begin(library);
	struct sql_stmt *stmt = sql_bind(sql, LIBRARY_EVENTS, "susu", job, after_seq, kind,
					 (uint64_t)limit);
	err_t err;

	while (sql_row(stmt))
		if (!each(owner, sql_number(stmt, 0), sql_text(stmt, 1), sql_text(stmt, 2)))
			break;
	err = sql_done(sql, stmt);
	library_read_end(library, sql);
	return err;
}

err_t library_idem_get(struct library *library, struct bytes key, struct bytes request_sha256,
		       uint64_t now_ms, struct arena *arena, uint64_t *ret_status,
		       struct bytes *ret_body)
{
	struct sql *sql = library_read_begin(library);
	struct sql_stmt *stmt = sql_bind(sql, LIBRARY_IDEM_GET, "su", key, now_ms);
	err_t err = ERR_NOT_FOUND;

	if (sql_row(stmt)) {
		err = bytes_eq(sql_text(stmt, 0), request_sha256) ? ERR_OK : ERR_CONFLICT;
		if (!err) {
			*ret_status = sql_number(stmt, 1);
			*ret_body = sql_copy(stmt, 2, arena, &err);
		}
	}
	(void)sql_done(sql, stmt);
	library_read_end(library, sql);
	return err;
}

err_t library_idem_put(struct library *library, struct bytes key, struct bytes request_sha256,
		       uint64_t status, struct bytes body, uint64_t expires_ms)
{
	struct sql *sql = library_writing(library);
	const uint64_t day_ms = 24ULL * 3600 * 1000;

	TRY(sql_later(sql, LIBRARY_IDEM_PRUNE, "u", expires_ms > day_ms ? expires_ms - day_ms : 0));
	return sql_later(sql, LIBRARY_IDEM_PUT, "ssusu", key, request_sha256, status, body,
			 expires_ms);
}
