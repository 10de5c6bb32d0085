#include "rag/api/call.h"

#include "base/log.h"
#include "http/uri.h"
#include "rag/api/events.h"
#include "rag/api/graph.h"
#include "rag/api/jobs.h"
#include "rag/api/query.h"
#include "rag/api/reply.h"

enum { REPLY_MAX_BYTES = 64 * 1024 };

static void refuse(struct call *call, enum fault_kind kind, uint32_t retry_after_ms,
		   const char *words)
{
	struct fault fault;

	fault_set(&fault, kind, "", "%s", words);
	fault.retry_after_ms = retry_after_ms;
	reply_fault(call->x, &fault, call->request_id);
}

/* ---- GET /health, /livez, /readyz, /version, /metrics ---- */

static const char *health_word(const struct service *service)
{
	if (service->draining)
		return "draining";
	return service->index.generation ? "healthy" : "starting";
}

static void on_health(struct call *call)
{
	const struct service *s = call->service;
	bool serves = !s->draining && s->index.generation;
	struct text body = TEXT_INIT(REPLY_MAX_BYTES);

	text_printf(
		&body,
		"{\"status\":\"%s\",\"version\":\"" RAG_VERSION "\",\"uptime_s\":%llu,"
		"\"index\":{\"generation\":%llu,\"documents\":%llu,\"chunks\":%llu,\"building\":%s},"
		"\"engines\":{\"llm\":{\"kind\":\"%s\",\"state\":\"ok\"},"
		"\"store\":{\"kind\":\"sqlite\",\"state\":\"ok\"},"
		"\"documents\":{\"kind\":\"fs\",\"state\":\"ok\"}},"
		"\"chats\":{\"running\":%u},\"jobs\":{\"running\":%u,\"queued\":0}}\n",
		health_word(s), (unsigned long long)((loop_now_ms(s->loop) - s->started_ms) / 1000),
		(unsigned long long)s->index.generation, (unsigned long long)s->index.documents,
		(unsigned long long)s->index.passages, jobs_running(s->jobs) ? "true" : "false",
		s->model ? "openai" : "extractive", s->chat_count, jobs_running(s->jobs) ? 1 : 0);
	reply_json(call->x, serves ? 200 : 503, call->request_id, text_bytes(&body));
	text_fini(&body);
}

static void on_livez(struct call *call)
{
	reply_text(call->x, 200, call->request_id, BYTES("ok\n"));
}

static void on_readyz(struct call *call)
{
	bool ready = !call->service->draining && call->service->index.generation;

	reply_text(call->x, ready ? 200 : 503, call->request_id,
		   ready ? BYTES("ready\n") : BYTES("not ready\n"));
}

static void on_version(struct call *call)
{
	reply_json(call->x, 200, call->request_id,
		   BYTES("{\"name\":\"ragd\",\"version\":\"" RAG_VERSION "\"}\n"));
}

static void metric(struct text *out, const char *name, const char *kind, const char *help,
		   uint64_t value)
{
	text_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %llu\n", name, help, name, kind, name,
		    (unsigned long long)value);
}

static void on_metrics(struct call *call)
{
	const struct service *s = call->service;
	struct text out = TEXT_INIT(REPLY_MAX_BYTES);

	metric(&out, "rag_requests_total", "counter", "Requests", s->counted.requests);
	metric(&out, "rag_chats_total", "counter", "Questions taken", s->counted.chats);
	metric(&out, "rag_inflight", "gauge", "Answers in progress", s->chat_count);
	metric(&out, "rag_chats_complete_total", "counter", "Answers that ended complete",
	       s->counted.stopped);
	metric(&out, "rag_no_context_total", "counter", "Questions no document answers",
	       s->counted.no_context);
	metric(&out, "rag_chats_cancelled_total", "counter", "Answers cancelled by request",
	       s->counted.cancelled);
	metric(&out, "rag_chats_left_total", "counter", "Answers whose client left",
	       s->counted.left);
	metric(&out, "rag_chats_failed_total", "counter", "Answers that ended in an error",
	       s->counted.failed);
	metric(&out, "rag_heartbeats_total", "counter", "Heartbeats sent", s->counted.heartbeats);
	metric(&out, "rag_engine_errors_total", "counter", "Answers the model failed to finish",
	       s->counted.model_failures);
	metric(&out, "rag_documents", "gauge", "Documents in the index", s->index.documents);
	metric(&out, "rag_chunks", "gauge", "Passages in the index", s->index.passages);
	metric(&out, "rag_generation", "gauge", "Generation of the index", s->index.generation);
	reply_text(call->x, 200, call->request_id, text_bytes(&out));
	text_fini(&out);
}

/* ---- POST /chat and its cancel ---- */

static void on_chat(struct call *call)
{
	const struct chat_request_parts parts = {
		.body = text_bytes(&call->body),
		.content_type = call->content_type,
		.accept = call->accept,
		.query = call->query,
	};
	const struct chat_options options = {
		.service = call->service,
		.x = call->x,
		.request_id = call->request_id,
		.on_over = call_over,
		.owner = call,
	};
	struct chat_request request;
	struct fault fault;

	if (chat_request_read(&parts, &request, &fault)) {
		reply_fault(call->x, &fault, call->request_id);
		return;
	}
	if (request.mode == MODE_BYPASS && !call->service->model) {
		chat_request_fini(&request);
		refuse(call, FAULT_NO_MODEL, 0,
		       "The mode \"bypass\" needs a model, and none is configured.");
		return;
	}
	if (call->service->draining || !call->service->index.generation ||
	    call->service->chat_count >= call->service->settings->chats_max) {
		chat_request_fini(&request);
		if (call->service->draining)
			refuse(call, FAULT_DRAINING, 1000, "This server is about to stop.");
		else if (!call->service->index.generation)
			refuse(call, FAULT_STARTING, 1000, "The documents are still being read.");
		else
			refuse(call, FAULT_QUEUE_FULL, 2000, "Too many answers are in progress.");
		return;
	}
	if (chat_start(&options, &request, &call->chat))
		refuse(call, FAULT_INTERNAL, 0, "There is no memory for another answer.");
}

/* "/chat/msg_…/cancel" */
static bool is_cancel(struct bytes path, struct bytes *ret_id)
{
	const struct bytes before = BYTES("/chat/"), after = BYTES("/cancel");

	if (path.len <= before.len + after.len || !bytes_starts(path, before) ||
	    !bytes_ends(path, after))
		return false;
	*ret_id = bytes_make(path.at + before.len, path.len - before.len - after.len);
	return bytes_index(*ret_id, '/') == SIZE_MAX;
}

static void on_cancel(struct call *call)
{
	struct text body = TEXT_INIT(REPLY_MAX_BYTES);
	struct bytes id = BYTES_NONE;
	struct chat *chat = is_cancel(call->path, &id) ? chat_find(call->service, id) : NULL;

	if (!chat) {
		refuse(call, FAULT_NOT_FOUND, 0, "No answer of that id is in progress.");
		return;
	}
	text_printf(&body, "{\"id\":\"%.*s\",\"state\":\"cancelled\"}\n", BYTES_ARG(id));
	chat_cancel(chat);
	reply_json(call->x, 202, call->request_id, text_bytes(&body));
	text_fini(&body);
}

/* ---- POST /reindex, GET /jobs ---- */

static void send_job(struct call *call, uint16_t status, struct bytes id)
{
	struct text body = TEXT_INIT(REPLY_MAX_BYTES);

	if (jobs_write_one(call->service->jobs, id, &body) == ERR_OK) {
		text_add_char(&body, '\n');
		reply_json(call->x, status, call->request_id, text_bytes(&body));
	} else {
		refuse(call, FAULT_NOT_FOUND, 0, "There is no such job.");
	}
	text_fini(&body);
}

static void on_reindex(struct call *call)
{
	struct fault fault;
	err_t err;

	if (reindex_request_check(text_bytes(&call->body), call->content_type, &fault)) {
		reply_fault(call->x, &fault, call->request_id);
		return;
	}
	if (call->service->draining) {
		refuse(call, FAULT_DRAINING, 1000, "This server is about to stop.");
		return;
	}
	err = jobs_start_reindex(call->service->jobs);
	if (err)
		refuse(call, FAULT_BUSY, 1000,
		       "The documents are being read already: see GET /reindex.");
	else
		send_job(call, 202, BYTES_NONE);
}

static void on_reindex_state(struct call *call)
{
	send_job(call, 200, BYTES_NONE);
}

static void on_jobs(struct call *call)
{
	struct text body = TEXT_INIT(REPLY_MAX_BYTES);

	jobs_write_all(call->service->jobs, &body);
	reply_json(call->x, 200, call->request_id, text_bytes(&body));
	text_fini(&body);
}

static void on_job(struct call *call)
{
	send_job(call, 200, bytes_from(call->path, strlen("/jobs/")));
}

/* ---- The table ---- */

static const struct route {
	const char *method, *path; /* a path that ends in '*' is the beginning of one */
	const char *allowed;	   /* of the path, for 405 */
	void (*handle)(struct call *call);
} routes[] = {
	{ "POST", "/chat", "POST", on_chat },
	{ "GET", "/health", "GET, HEAD", on_health },
	{ "POST", "/reindex", "GET, HEAD, POST", on_reindex },
	{ "GET", "/reindex", "GET, HEAD, POST", on_reindex_state },
	{ "GET", "/livez", "GET, HEAD", on_livez },
	{ "GET", "/readyz", "GET, HEAD", on_readyz },
	{ "GET", "/version", "GET, HEAD", on_version },
	{ "GET", "/metrics", "GET, HEAD", on_metrics },
	{ "GET", "/jobs", "GET, HEAD", on_jobs },
	{ "GET", "/jobs/*", "GET, HEAD", on_job },
	{ "POST", "/chat/*", "POST", on_cancel },
	{ "POST", "/query/data", "POST", query_data },
	{ "GET", "/graph/search", "GET, HEAD", graph_search },
	{ "GET", "/graph/entity/*", "GET, HEAD", graph_entity_named },
	{ "GET", "/graph/neighbours", "GET, HEAD", graph_neighbours },
};

static bool path_fits(const struct route *route, struct bytes path)
{
	struct bytes pattern = bytes_of(route->path);

	if (pattern.at[pattern.len - 1] != '*')
		return bytes_eq(path, pattern);
	return bytes_starts(path, bytes_upto(pattern, pattern.len - 1));
}

void routes_handle(struct call *call)
{
	struct bytes method = bytes_eq_str(call->method, "HEAD") ? BYTES("GET") : call->method;
	const struct route *other = NULL;

	call->service->counted.requests++;
	for (size_t i = 0; i < COUNT(routes); i++) {
		if (!path_fits(&routes[i], call->path))
			continue;
		other = &routes[i];
		if (bytes_eq_str(method, routes[i].method)) {
			routes[i].handle(call);
			return;
		}
	}
	if (other)
		reply_not_allowed(call->x, other->allowed, call->request_id);
	else
		refuse(call, FAULT_NOT_FOUND, 0, "There is nothing at this path.");
}
