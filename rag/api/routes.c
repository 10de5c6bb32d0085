#include "rag/api/call.h"

#include <stdio.h>

#include "base/log.h"
#include "http/uri.h"
#include "rag/api/documents.h"
#include "rag/api/intake.h"
#include "rag/api/metrics.h"
#include "rag/api/openai.h"
#include "rag/api/graph.h"
#include "rag/api/query.h"
#include "rag/api/reply.h"
#include "rag/doc/parse.h"

enum { REPLY_MAX_BYTES = 64 * 1024 };

static void refuse(struct call *call, enum fault_kind kind, uint32_t retry_after_ms,
		   const char *words)
{
	struct fault fault;

	fault_set(&fault, kind, "", "%s", words);
	fault.retry_after_ms = retry_after_ms;
	reply_fault(&call->to, &fault);
}

/* ---- GET /health, /livez, /readyz, /version, /metrics ---- */

/* Engines that are configured and fail make the service degraded, never unready. */
static void write_engines(const struct service *s, struct text *out)
{
	const struct {
		const char *name, *own;
		struct engine *engine;
	} engines[] = {
		{ "embeddings", VECTOR_NAME, s->embeddings },
		{ "rerank", "features", s->rerank },
		{ "vlm", "none", s->vlm },
	};

	text_printf(out, "\"llm\":{\"kind\":\"%s\",\"state\":\"%s\"}",
		    s->model ? "openai" : "extractive", s->model_down ? "down" : "ok");
	for (size_t i = 0; i < COUNT(engines); i++)
		text_printf(out, ",\"%s\":{\"kind\":\"%s\",\"state\":\"%s\"}", engines[i].name,
			    engines[i].engine ? "configured" : engines[i].own,
			    engines[i].engine ? engine_state(engines[i].engine) : "ok");
	if (s->neo4j)
		text_printf(
			out,
			",\"graph\":{\"kind\":\"rules, %s neo4j\",\"state\":\"%s\",\"lag\":%llu}",
			s->settings->graph_from_neo4j ? "shown in and read from" : "shown in",
			neo4j_state(s->neo4j), (unsigned long long)neo4j_lag(s->neo4j));
	else
		text_add_str(out, ",\"graph\":{\"kind\":\"rules\",\"state\":\"ok\"}");
	if (s->embedder)
		text_printf(out, ",\"vectors\":{\"kind\":\"%s\",\"state\":\"%s\",\"pending\":%llu}",
			    library_finds_vectors(s->library)	? "pgvector"
			    : library_keeps_vectors(s->library) ? "postgres"
								: "file",
			    s->pulse.down ? "down" : "ok",
			    (unsigned long long)embedder_pending(s->embedder));
}

static bool is_degraded(const struct service *s)
{
	struct engine *const engines[] = { s->embeddings, s->embed_questions, s->rerank, s->vlm };

	for (size_t i = 0; i < COUNT(engines); i++)
		if (engines[i] && strcmp(engine_state(engines[i]), "ok") != 0)
			return true;
	return s->pulse.down || s->model_down ||
	       (s->neo4j && strcmp(neo4j_state(s->neo4j), "ok") != 0);
}

static const char *health_word(const struct service *service)
{
	if (service->draining)
		return "draining";
	if (!service->index.generation)
		return "starting";
	return is_degraded(service) ? "degraded" : "healthy";
}

static void on_health(struct call *call)
{
	const struct service *s = call->service;
	bool serves = !s->draining && s->index.generation;
	struct text body = TEXT_INIT(REPLY_MAX_BYTES), engines = TEXT_INIT(4096);
	char building[24] = "null", running[INGEST_JOB_ID_BYTES];
	struct ingest_counts counts;
	uint64_t entities, relations;

	corpus_graph_counts(s->corpus, &entities, &relations);
	if (s->building)
		snprintf(building, sizeof building, "%llu", (unsigned long long)s->building);
	ingest_running(s->ingest, running);
	ingest_counts(s->ingest, &counts);
	write_engines(s, &engines);
	text_printf(&body,
		    "{\"status\":\"%s\",\"version\":\"" RAG_VERSION "\",\"uptime_s\":%llu,"
		    "\"index\":{\"generation\":%llu,\"documents\":%llu,\"chunks\":%llu,"
		    "\"entities\":%llu,\"relations\":%llu,\"building\":%s},"
		    "\"engines\":{%s,"
		    "\"store\":{\"kind\":\"%s\",\"state\":\"%s\"},"
		    "\"documents\":{\"kind\":\"%s\",\"state\":\"ok\"}},"
		    "\"chats\":{\"running\":%u},\"jobs\":{\"running\":%u,\"working\":%u}}\n",
		    health_word(s),
		    (unsigned long long)((loop_now_ms(s->loop) - s->started_ms) / 1000),
		    (unsigned long long)s->index.generation, (unsigned long long)s->index.documents,
		    (unsigned long long)s->index.passages, (unsigned long long)entities,
		    (unsigned long long)relations, building, text_str(&engines),
		    library_kind(s->library), s->pulse.down ? "down" : "ok",
		    s->settings->documents[0] ? "fs" : "none", s->chat_count, running[0] ? 1 : 0,
		    counts.working);
	reply_json(&call->to, serves ? 200 : 503, text_bytes(&body));
	text_fini(&body);
	text_fini(&engines);
}

static void on_livez(struct call *call)
{
	reply_text(&call->to, 200, BYTES("ok\n"));
}

static void on_readyz(struct call *call)
{
	bool ready = !call->service->draining && call->service->index.generation;

	reply_text(&call->to, ready ? 200 : 503, ready ? BYTES("ready\n") : BYTES("not ready\n"));
}

static void on_version(struct call *call)
{
	struct text body = TEXT_INIT(REPLY_MAX_BYTES);

	text_add_str(&body, "{\"name\":\"ragd\",\"version\":\"" RAG_VERSION "\",\"formats\":[");
	for (unsigned i = 0; i < FORMATS; i++)
		text_printf(&body, "%s\"%s\"", i ? "," : "", format_media_type((enum format)i));
	text_add_str(&body, "]}\n");
	reply_json(&call->to, 200, text_bytes(&body));
	text_fini(&body);
}

/* ---- Who may ---- */

static enum access_role role_of(const struct call *call)
{
	return access_role(&call->service->access, call->x_api_key, call->authorization);
}

/* A client is its key, and without one its address. */
static struct bytes client_of(const struct call *call)
{
	if (call->x_api_key.len)
		return call->x_api_key;
	return call->authorization.len ? call->authorization : call->peer;
}

/* ---- Questions, in whichever form, and their cancel ---- */

typedef err_t (*request_fn)(const struct chat_request_parts *parts,
			    struct chat_request *ret_request, struct fault *ret_fault);

/* Whether a question can be taken now; false after a refusal. */
static bool may_begin(struct call *call, const struct chat_request *request)
{
	const struct service *s = call->service;

	if (request->mode == MODE_BYPASS && !s->model)
		refuse(call, FAULT_NO_MODEL, 0,
		       "The mode \"bypass\" needs a model, and none is configured.");
	else if (request->mode == MODE_BYPASS && !s->settings->bypass)
		refuse(call, FAULT_NO_MODEL, 0,
		       "The mode \"bypass\" is not allowed here: see RAG_BYPASS.");
	else if (s->draining)
		refuse(call, FAULT_DRAINING, 1000, "This server is about to stop.");
	else if (!s->index.generation)
		refuse(call, FAULT_STARTING, 1000, "The documents are still being read.");
	else if (s->chat_count >= s->settings->chats_max)
		refuse(call, FAULT_QUEUE_FULL, 2000, "Too many answers are in progress.");
	else
		return true;
	return false;
}

static void name_call(const struct call *call, struct answered_name *ret_name)
{
	const struct answered_parts parts = {
		.path = call->path,
		.client = client_of(call),
		.key = call->idempotency_key,
		.query = call->query,
		.accept = call->accept,
		.body = text_bytes(&call->body),
	};

	answered_name(&parts, ret_name);
}

/* The same question with the same Idempotency-Key gets the first answer again. */
static bool answered_before(struct call *call, const struct answered_name *name)
{
	struct bytes body;
	err_t err = name ? answered_find(&call->service->answers, name,
					 loop_now_ms(call->service->loop), &body)
			 : ERR_NOT_FOUND;

	if (name && err == ERR_OK)
		counts_one(&call->service->counts.idempotency.hits);
	else if (name && err == ERR_NOT_FOUND)
		counts_one(&call->service->counts.idempotency.misses);
	if (err == ERR_OK)
		reply_json(&call->to, 200, body);
	else if (err == ERR_CONFLICT)
		refuse(call, FAULT_MISMATCH, 0,
		       "This Idempotency-Key was used for a request with another body.");
	return err != ERR_NOT_FOUND;
}

static void begin(struct call *call, request_fn read, bool as_lines)
{
	const struct chat_request_parts parts = {
		.body = text_bytes(&call->body),
		.content_type = call->content_type,
		.accept = call->accept,
		.query = call->query,
	};
	struct chat_options options = {
		.service = call->service,
		.to = &call->to,
		.traceparent = call->traceparent,
		.role = role_of(call),
		.on_over = call_over,
		.owner = call,
	};
	struct chat_request request;
	struct answered_name name;
	struct fault fault;

	if (read(&parts, &request, &fault)) {
		reply_fault(&call->to, &fault);
		return;
	}
	if (as_lines)
		request.form = CHAT_NDJSON;
	if (call->idempotency_key.len && !chat_form_streams(request.form)) {
		name_call(call, &name);
		options.kept_as = &name;
	}
	if (answered_before(call, options.kept_as) || !may_begin(call, &request)) {
		chat_request_fini(&request);
		return;
	}
	if (chat_start(&options, &request, &call->chat))
		refuse(call, FAULT_INTERNAL, 0, "There is no memory for another answer.");
}

static void on_chat(struct call *call)
{
	begin(call, chat_request_read, false);
}

/* LightRAG's two, and OpenAI's. */
static void on_query(struct call *call)
{
	begin(call, query_request_read, false);
}

static void on_query_stream(struct call *call)
{
	begin(call, query_request_read, true);
}

static void on_multimodal(struct call *call)
{
	begin(call, multimodal_request_read, false);
}

static void on_completions(struct call *call)
{
	begin(call, completions_request_read, false);
}

static void on_models(struct call *call)
{
	const struct service *s = call->service;
	struct text body = TEXT_INIT(REPLY_MAX_BYTES);

	openai_models(&body, s->model ? s->settings->openai_model : "extractive-1",
		      loop_unix_us(s->loop) / 1000000);
	reply_json(&call->to, 200, text_bytes(&body));
	text_fini(&body);
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
	reply_json(&call->to, 202, text_bytes(&body));
	text_fini(&body);
}

/* ---- The table ---- */

enum {
	UPLOAD_ROOM = 64 * 1024, /* around the file of an upload */
	TEXTS_MAX_BYTES = 32 * 1024 * 1024,
};

enum body_limit { BODY_JSON, BODY_TEXTS, BODY_UPLOAD };

struct route {
	const char *method, *path;	   /* a path that ends in '*' is the beginning of one */
	const char *allowed;		   /* of the path, for 405 */
	enum access_role role;		   /* who may; ACCESS_NOBODY: everybody, unasked */
	void (*handle)(struct call *call); /* on the loop, or … */
	void (*work)(struct task *task);   /* … on a thread, one of the two */
	enum body_limit body;
};

static const struct route routes[] = {
	{ "POST", "/chat", "POST", ACCESS_READ, on_chat, NULL, BODY_JSON },
	{ "POST", "/chat/*", "POST", ACCESS_READ, on_cancel, NULL, BODY_JSON },
	{ "GET", "/health", "GET, HEAD", ACCESS_NOBODY, on_health, NULL, BODY_JSON },
	{ "GET", "/livez", "GET, HEAD", ACCESS_NOBODY, on_livez, NULL, BODY_JSON },
	{ "GET", "/readyz", "GET, HEAD", ACCESS_NOBODY, on_readyz, NULL, BODY_JSON },
	{ "GET", "/version", "GET, HEAD", ACCESS_NOBODY, on_version, NULL, BODY_JSON },
	{ "GET", "/metrics", "GET, HEAD", ACCESS_READ, NULL, metrics_write, BODY_JSON },
	{ "POST", "/query", "POST", ACCESS_READ, on_query, NULL, BODY_JSON },
	{ "POST", "/query/stream", "POST", ACCESS_READ, on_query_stream, NULL, BODY_JSON },
	{ "POST", "/query/multimodal", "POST", ACCESS_READ, on_multimodal, NULL, BODY_TEXTS },
	{ "POST", "/v1/chat/completions", "POST", ACCESS_READ, on_completions, NULL, BODY_JSON },
	{ "GET", "/v1/models", "GET, HEAD", ACCESS_READ, on_models, NULL, BODY_JSON },
	{ "POST", "/query/data", "POST", ACCESS_READ, query_data, NULL, BODY_JSON },
	{ "GET", "/graph/search", "GET, HEAD", ACCESS_READ, graph_search, NULL, BODY_JSON },
	{ "GET", "/graph/entity/*", "GET, HEAD", ACCESS_READ, graph_entity_named, NULL, BODY_JSON },
	{ "GET", "/graph/neighbours", "GET, HEAD", ACCESS_READ, graph_neighbours, NULL, BODY_JSON },
	{ "POST", "/documents/upload", "POST", ACCESS_WRITE, NULL, intake_upload, BODY_UPLOAD },
	{ "POST", "/documents/text", "POST", ACCESS_WRITE, NULL, intake_text, BODY_TEXTS },
	{ "POST", "/documents/texts", "POST", ACCESS_WRITE, NULL, intake_texts, BODY_TEXTS },
	{ "POST", "/documents/content_list", "POST", ACCESS_WRITE, NULL, intake_content_list,
	  BODY_TEXTS },
	{ "POST", "/documents/process", "POST", ACCESS_WRITE, NULL, intake_process, BODY_JSON },
	{ "POST", "/documents/delete", "POST", ACCESS_WRITE, NULL, documents_delete_many,
	  BODY_JSON },
	{ "GET", "/documents", "GET, HEAD", ACCESS_READ, NULL, documents_list, BODY_JSON },
	{ "GET", "/documents/*", "GET, HEAD, DELETE", ACCESS_READ, NULL, documents_one, BODY_JSON },
	{ "DELETE", "/documents/*", "GET, HEAD, DELETE", ACCESS_WRITE, NULL, documents_delete,
	  BODY_JSON },
	{ "GET", "/assets/*", "GET, HEAD", ACCESS_READ, NULL, documents_asset, BODY_JSON },
	{ "POST", "/reindex", "GET, HEAD, POST", ACCESS_ADMIN, NULL, jobs_reindex, BODY_JSON },
	{ "GET", "/reindex", "GET, HEAD, POST", ACCESS_READ, NULL, jobs_newest, BODY_JSON },
	{ "GET", "/jobs", "GET, HEAD", ACCESS_READ, NULL, jobs_list, BODY_JSON },
	{ "GET", "/jobs/*", "GET, HEAD, POST", ACCESS_READ, NULL, jobs_one, BODY_JSON },
	{ "POST", "/jobs/*", "GET, HEAD, POST", ACCESS_ADMIN, NULL, jobs_act, BODY_JSON },
};

_Static_assert(COUNT(routes) < COUNTS_ROUTES_MAX, "each route is counted");

void routes_label(unsigned route, char ret_label[ROUTES_LABEL_BYTES])
{
	if (route == 0 || route > COUNT(routes))
		snprintf(ret_label, ROUTES_LABEL_BYTES, "none");
	else
		snprintf(ret_label, ROUTES_LABEL_BYTES, "%s %s", routes[route - 1].method,
			 routes[route - 1].path);
}

static bool path_fits(const struct route *route, struct bytes path)
{
	struct bytes pattern = bytes_of(route->path);

	if (pattern.at[pattern.len - 1] != '*')
		return bytes_eq(path, pattern);
	return bytes_starts(path, bytes_upto(pattern, pattern.len - 1));
}

/* The first whose method and path fit; *ret_other is one of that path. */
static const struct route *find(const struct call *call, const struct route **ret_other)
{
	struct bytes method = bytes_eq_str(call->method, "HEAD") ? BYTES("GET") : call->method;

	*ret_other = NULL;
	for (size_t i = 0; i < COUNT(routes); i++) {
		if (!path_fits(&routes[i], call->path))
			continue;
		if (!*ret_other)
			*ret_other = &routes[i];
		if (bytes_eq_str(method, routes[i].method))
			return &routes[i];
	}
	return NULL;
}

static bool may(const struct call *call, const struct route *route)
{
	return role_of(call) >= route->role;
}

static void refuse_key(struct call *call, const struct route *route)
{
	char words[160];

	if (role_of(call) == ACCESS_NOBODY) {
		refuse(call, FAULT_UNAUTHORIZED, 0,
		       "Send a key that this server knows, as X-API-Key or Authorization: Bearer.");
		return;
	}
	snprintf(words, sizeof words, "This takes a key of role %s; yours is %s.",
		 access_role_name(route->role), access_role_name(role_of(call)));
	refuse(call, FAULT_FORBIDDEN, 0, words);
}

size_t routes_body_max(struct call *call)
{
	const struct route *other, *route = find(call, &other);
	enum body_limit limit = route ? route->body : BODY_JSON;

	if (limit == BODY_UPLOAD) /* nobody's large body is read before the key is known */
		return may(call, route) ? call->service->settings->document_bytes + UPLOAD_ROOM
					: REQUEST_MAX_BYTES;
	return limit == BODY_TEXTS && may(call, route) ? TEXTS_MAX_BYTES : REQUEST_MAX_BYTES;
}

/* Those that change something: their Idempotency-Key counts beyond a restart. */
static bool changes(const struct route *route)
{
	return route->role >= ACCESS_WRITE && strcmp(route->method, "POST") == 0;
}

static void run(struct call *call, const struct route *route)
{
	if (route->handle)
		route->handle(call);
	else if (task_start(call, route->work, changes(route) ? client_of(call) : BYTES_NONE))
		refuse(call, FAULT_INTERNAL, 0, "There is no memory for this request.");
}

/* What the routes see of the index is as of now. */
static void refresh(struct service *service)
{
	struct catalog_state state;

	catalog_state(service->catalog, &state);
	service->index = (struct passages_state){
		.generation = ingest_is_ready(service->ingest) ? state.generation : 0,
		.change = state.change,
		.documents = state.documents,
		.passages = state.passages,
	};
	service->building = state.building;
	atomic_store(&service->model_down,
		     breaker_is_open(&service->model_breaker, loop_now_ms(service->loop)));
}

void routes_handle(struct call *call)
{
	const struct route *other, *route = find(call, &other);
	uint32_t wait_ms = 0;

	if (route)
		call->to.route = 1 + (unsigned)(route - routes);
	refresh(call->service);
	if (!other) {
		refuse(call, FAULT_NOT_FOUND, 0, "There is nothing at this path.");
	} else if (!route) {
		reply_not_allowed(&call->to, other->allowed);
	} else if (route->role != ACCESS_NOBODY && !may(call, route)) {
		refuse_key(call, route);
	} else if (route->role != ACCESS_NOBODY &&
		   !access_take(&call->service->access, client_of(call),
				loop_now_ms(call->service->loop), &wait_ms)) {
		refuse(call, FAULT_RATE_LIMITED, wait_ms,
		       "This client asks too often; try again later.");
	} else if (call->idempotency_key.len && !answered_key_fits(call->idempotency_key)) {
		refuse(call, FAULT_INVALID, 0,
		       "An Idempotency-Key has 1 to 128 characters, of visible ASCII.");
	} else {
		run(call, route);
	}
}
