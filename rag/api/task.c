#include "rag/api/task.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "crypto/digest.h"
#include "rag/api/again.h"
#include "rag/api/reply.h"

enum { ARENA_MAX_BYTES = 256 * 1024 * 1024 };

static void task_free(struct task *task)
{
	text_fini(&task->body);
	text_fini(&task->out);
	arena_fini(&task->arena);
	free(task);
}

static void on_work(struct blocking_job *job)
{
	struct task *task = container_of(job, struct task, job);

	if (task->idempotency_key.len)
		again_work(task);
	else
		task->work(task);
	if (text_err(&task->out))
		task_failed(task, text_err(&task->out));
}

static void send(struct task *task)
{
	struct call *call = task->call;

	if (task->fault.kind)
		reply_fault(&call->to, &task->fault);
	else if (task->is_asset)
		reply_asset(&call->to, task->media_type, text_bytes(&task->out));
	else if (task->media_type)
		reply_typed(&call->to, task->status, task->media_type, text_bytes(&task->out));
	else
		reply_json(&call->to, task->status, text_bytes(&task->out));
	call_answered(call);
}

static void on_done(struct blocking_job *job)
{
	struct task *task = container_of(job, struct task, job);

	if (task->call)
		send(task);
	task_free(task);
}

static err_t copy_head(struct task *task, const struct call *call, struct bytes client)
{
	struct arena *arena = &task->arena;
	char digest[SHA256_HEX_BYTES + 1];

	TRY(arena_copy(arena, call->method, &task->method));
	TRY(arena_copy(arena, call->path, &task->path));
	TRY(arena_copy(arena, call->query, &task->query));
	if (client.len) {
		sha256_hex(client, digest);
		TRY(arena_copy(arena, bytes_of(digest), &task->client));
		TRY(arena_copy(arena, call->idempotency_key, &task->idempotency_key));
	}
	TRY(arena_copy(arena, call->last_event_id, &task->last_event_id));
	return arena_copy(arena, call->content_type, &task->content_type);
}

static void on_left(struct call *call)
{
	struct task *task = call->work;

	task->call = NULL;
}

err_t task_start(struct call *call, void (*work)(struct task *task), struct bytes client)
{
	struct task *task = calloc(1, sizeof *task);

	if (!task)
		return ERR_NOMEM;
	arena_init(&task->arena, ARENA_MAX_BYTES);
	text_init(&task->out, TASK_REPLY_MAX_BYTES);
	if (copy_head(task, call, client)) {
		task_free(task);
		return ERR_NOMEM;
	}
	task->body = call->body;
	text_init(&call->body, 0);
	task->status = 200;
	task->service = call->service;
	task->work = work;
	task->call = call;
	call->work = task;
	call->on_left = on_left;
	task->job = (struct blocking_job){ .work = on_work,
					   .done = on_done,
					   .loop = call->service->loop };
	blocking_submit(call->service->pool, &task->job);
	return ERR_OK;
}

void task_refuse(struct task *task, enum fault_kind kind, const char *field, const char *format,
		 ...)
{
	char words[sizeof task->fault.message];
	va_list args;

	va_start(args, format);
	vsnprintf(words, sizeof words, format, args);
	va_end(args);
	fault_set(&task->fault, kind, field, "%s", words);
}

void task_failed(struct task *task, err_t err)
{
	log_error("rag", "%.*s %.*s: %s", BYTES_ARG(task->method), BYTES_ARG(task->path),
		  err_words(err));
	if (err == ERR_STORE)
		task_refuse(task, FAULT_STORAGE, "", "The documents' store failed: see the log.");
	else if (err == ERR_NOMEM || err == ERR_TOO_LARGE)
		task_refuse(task, FAULT_INTERNAL, "", "There is not enough memory for this.");
	else
		task_refuse(task, FAULT_INTERNAL, "", "Something failed: %s.", err_words(err));
}
