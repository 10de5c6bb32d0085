#include "rag/api/metrics.h"

#include "rag/api/call.h"

static void head(struct text *out, const char *name, const char *kind, const char *help)
{
	text_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind);
}

static void metric(struct text *out, const char *name, const char *kind, const char *help,
		   uint64_t value)
{
	head(out, name, kind, help);
	text_printf(out, "%s %llu\n", name, (unsigned long long)value);
}

/* ---- Requests and answers ---- */

static void requests(struct text *out, const struct counts *c)
{
	head(out, "rag_requests_total", "counter", "Requests, by route and status");
	for (unsigned route = 0; route < COUNTS_ROUTES_MAX; route++) {
		char label[ROUTES_LABEL_BYTES];

		routes_label(route, label);
		for (unsigned i = 0; i < COUNTS_CODES; i++)
			if (c->requests[route][i])
				text_printf(out,
					    "rag_requests_total{route=\"%s\",code=\"%u\"} %llu\n",
					    label, counts_codes[i],
					    (unsigned long long)c->requests[route][i]);
	}
}

/* A family of one label: a line each of `count` values. */
static void by_label(struct text *out, const char *name, const char *label,
		     const char *const *values, const _Atomic uint64_t *counters, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		text_printf(out, "%s{%s=\"%s\"} %llu\n", name, label, values[i],
			    (unsigned long long)counters[i]);
}

static void times(struct text *out, const char *name, const char *label, const char *value,
		  const struct histogram *h)
{
	struct text labels = TEXT_INIT(128);

	text_printf(&labels, "%s=\"%s\"", label, value);
	histogram_prometheus(out, name, text_bytes(&labels), h);
	text_fini(&labels);
}

static void answers(struct text *out, const struct service *s)
{
	const struct counts *c = &s->counts;

	metric(out, "rag_inflight", "gauge", "Answers in progress", s->chat_count);
	head(out, "rag_stream_end_total", "counter", "Answers, by how they ended");
	by_label(out, "rag_stream_end_total", "reason", stream_end_names, c->ends,
		 STREAM_END_COUNT);
	head(out, "rag_first_token_seconds", "histogram", "From the question to the first words");
	for (unsigned i = 0; i < ANSWERERS; i++)
		times(out, "rag_first_token_seconds", "engine", answerer_names[i],
		      &c->first_token[i]);
	metric(out, "rag_heartbeats_total", "counter", "Heartbeats sent", c->heartbeats);
	metric(out, "rag_no_context_total", "counter", "Questions no document answers",
	       c->no_context);
	metric(out, "rag_ungrounded_sentences_total", "counter",
	       "Sentences of a model that do not rest on what they cite", c->ungrounded);
}

static void cache(struct text *out, const char *kind, uint64_t hits, uint64_t misses)
{
	text_printf(out,
		    "rag_cache_total{kind=\"%s\",hit=\"true\"} %llu\n"
		    "rag_cache_total{kind=\"%s\",hit=\"false\"} %llu\n",
		    kind, (unsigned long long)hits, kind, (unsigned long long)misses);
}

static void caches(struct text *out, const struct counts *c)
{
	head(out, "rag_cache_total", "counter",
	     "Questions of something kept; hit: it was there. idempotency: of requests with a "
	     "key; answer: of questions that others may have asked");
	cache(out, "idempotency", c->idempotency.hits, c->idempotency.misses);
	cache(out, "answer", c->answers.hits, c->answers.misses);
}

static void stages(struct text *out, const struct service *s)
{
	const struct ingest_times *t = ingest_times(s->ingest);

	head(out, "rag_stage_seconds", "histogram",
	     "Time spent, by stage: of a question (retrieving, reranking, generating) and of a "
	     "document");
	for (unsigned i = 0; i < ASK_STAGE_COUNT; i++)
		times(out, "rag_stage_seconds", "stage", ask_stage_names[i], &s->counts.stages[i]);
	for (unsigned i = 0; i < INGEST_STAGES; i++)
		times(out, "rag_stage_seconds", "stage", ingest_stage_names[i], &t->stages[i]);
	head(out, "rag_job_seconds", "histogram", "From a job's first step to its end");
	histogram_prometheus(out, "rag_job_seconds", BYTES_NONE, &t->jobs);
}

/* ---- Engines: of what is configured; the store always is ---- */

struct engine_row {
	const char *name, *state;	  /* NULL: not configured */
	const struct mishaps *mishaps[2]; /* summed; the second may be NULL */
};

static struct engine_row engine_row(const char *name, struct engine *engine, struct engine *other)
{
	return (struct engine_row){ name,
				    engine ? engine_state(engine) : NULL,
				    { engine ? engine_mishaps(engine) : NULL,
				      other ? engine_mishaps(other) : NULL } };
}

static void engine_errors(struct text *out, const struct engine_row *row)
{
	for (unsigned code = 0; code < MISHAPS; code++) {
		uint64_t count = row->mishaps[0]->at[code];

		if (row->mishaps[1])
			count += row->mishaps[1]->at[code];
		text_printf(out, "rag_engine_errors_total{engine=\"%s\",code=\"%s\"} %llu\n",
			    row->name, mishap_names[code], (unsigned long long)count);
	}
}

static void engines(struct text *out, const struct service *s)
{
	const struct engine_row rows[] = {
		{ "store", atomic_load(&s->pulse.down) ? "down" : "ok", { &s->counts.store } },
		{ "llm",
		  s->model ? (atomic_load(&s->model_down) ? "down" : "ok") : NULL,
		  { &s->counts.model } },
		engine_row("embeddings", s->embeddings, s->embed_questions),
		engine_row("rerank", s->rerank, NULL),
		engine_row("vlm", s->vlm, NULL),
		{ "graph",
		  s->neo4j ? neo4j_state(s->neo4j) : NULL,
		  { s->neo4j ? neo4j_mishaps(s->neo4j) : NULL } },
	};

	head(out, "rag_engine_state", "gauge", "1: the engine works; 0: it is done without");
	for (size_t i = 0; i < COUNT(rows); i++)
		if (rows[i].state)
			text_printf(out, "rag_engine_state{engine=\"%s\"} %d\n", rows[i].name,
				    strcmp(rows[i].state, "ok") == 0);
	head(out, "rag_engine_errors_total", "counter", "Calls to an engine that failed");
	for (size_t i = 0; i < COUNT(rows); i++)
		if (rows[i].state)
			engine_errors(out, &rows[i]);
	metric(out, "rag_outbox_lag", "gauge", "Rows of the graph that wait for Neo4j",
	       s->neo4j ? neo4j_lag(s->neo4j) : 0);
}

/* ---- Documents ---- */

/* A database that is away has no rows; the other numbers are wanted then above all. */
static void documents(struct text *out, const struct service *s)
{
	struct library_counts counts;
	struct catalog_state state;

	if (library_count(s->library, &counts))
		return;
	catalog_state(s->catalog, &state);
	head(out, "rag_documents", "gauge", "Documents, by state");
	for (unsigned i = 0; i < LIBRARY_STATES; i++)
		text_printf(out, "rag_documents{state=\"%s\"} %llu\n", library_state_names[i],
			    (unsigned long long)counts.documents[i]);
	metric(out, "rag_queue_depth", "gauge", "Documents that wait to be read",
	       counts.documents[LIBRARY_PENDING]);
	metric(out, "rag_chunks", "gauge", "Passages in the index", state.passages);
	metric(out, "rag_index_bytes", "gauge", "Bytes of the index as it is kept on disk",
	       corpus_kept_bytes(s->corpus));
}

void metrics_write(struct task *task)
{
	const struct service *s = task->service;

	requests(&task->out, &s->counts);
	answers(&task->out, s);
	stages(&task->out, s);
	engines(&task->out, s);
	caches(&task->out, &s->counts);
	documents(&task->out, s);
	task->media_type = "text/plain; version=0.0.4; charset=utf-8";
}
