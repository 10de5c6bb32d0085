#include "rag/api/metrics.h"

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

/* The loop's own numbers are read while it writes them: a counter may be one behind. */
static void chats(struct text *out, const struct service *s)
{
	metric(out, "rag_requests_total", "counter", "Requests", s->counted.requests);
	metric(out, "rag_chats_total", "counter", "Questions taken", s->counted.chats);
	metric(out, "rag_inflight", "gauge", "Answers in progress", s->chat_count);
	metric(out, "rag_chats_complete_total", "counter", "Answers that ended complete",
	       s->counted.stopped);
	metric(out, "rag_no_context_total", "counter", "Questions no document answers",
	       s->counted.no_context);
	metric(out, "rag_chats_cancelled_total", "counter", "Answers cancelled by request",
	       s->counted.cancelled);
	metric(out, "rag_chats_left_total", "counter", "Answers whose client left",
	       s->counted.left);
	metric(out, "rag_chats_failed_total", "counter", "Answers that ended in an error",
	       s->counted.failed);
	metric(out, "rag_heartbeats_total", "counter", "Heartbeats sent", s->counted.heartbeats);
	metric(out, "rag_engine_errors_total", "counter", "Answers the model failed to finish",
	       s->counted.model_failures);
	metric(out, "rag_ungrounded_sentences_total", "counter",
	       "Sentences of a model that do not rest on what they cite",
	       s->counted.weak_sentences);
	metric(out, "rag_outbox_lag", "gauge", "Rows of the graph that wait for Neo4j",
	       s->neo4j ? neo4j_lag(s->neo4j) : 0);
	metric(out, "rag_keys_refused_total", "counter", "Requests without a fit key",
	       s->counted.refused_keys);
	metric(out, "rag_rate_limited_total", "counter", "Requests of clients that asked too often",
	       s->counted.refused_rate);
}

static void ends(struct text *out, const struct service *s)
{
	static const char *const names[] = {
#define STREAM_END(name) #name,
		STREAM_ENDS(STREAM_END)
#undef STREAM_END
	};

	head(out, "rag_stream_end_total", "counter", "Answers, by how they ended");
	for (unsigned i = 0; i < STREAM_END_COUNT; i++)
		text_printf(out, "rag_stream_end_total{reason=\"%s\"} %llu\n", names[i],
			    (unsigned long long)s->counted.ends[i]);
	head(out, "rag_cache_total", "counter",
	     "Requests with an Idempotency-Key; hit: the first answer was given again");
	text_printf(out, "rag_cache_total{kind=\"idempotency\",hit=\"true\"} %llu\n",
		    (unsigned long long)s->counted.same_again);
	text_printf(out, "rag_cache_total{kind=\"idempotency\",hit=\"false\"} %llu\n",
		    (unsigned long long)s->counted.first_time);
}

static void first_tokens(struct text *out, const struct service *s)
{
	const char *engine = s->model ? "model" : "extractive";

	head(out, "rag_first_token_seconds", "summary", "From the question to the first words");
	text_printf(out, "rag_first_token_seconds_sum{engine=\"%s\"} %.3f\n", engine,
		    (double)s->counted.first_token_ms / 1000);
	text_printf(out, "rag_first_token_seconds_count{engine=\"%s\"} %llu\n", engine,
		    (unsigned long long)s->counted.first_tokens);
}

/* Of what is configured; the store always is. */
static void engines(struct text *out, const struct service *s)
{
	const struct {
		const char *name, *state; /* NULL: not configured */
	} rows[] = {
		{ "store", atomic_load(&s->pulse.down) ? "down" : "ok" },
		{ "embeddings", s->embeddings ? engine_state(s->embeddings) : NULL },
		{ "rerank", s->rerank ? engine_state(s->rerank) : NULL },
		{ "vlm", s->vlm ? engine_state(s->vlm) : NULL },
		{ "graph", s->neo4j ? neo4j_state(s->neo4j) : NULL },
	};

	head(out, "rag_engine_state", "gauge", "1: the engine works; 0: it is done without");
	for (size_t i = 0; i < COUNT(rows); i++)
		if (rows[i].state)
			text_printf(out, "rag_engine_state{engine=\"%s\"} %d\n", rows[i].name,
				    strcmp(rows[i].state, "ok") == 0);
}

static void ingestion(struct text *out, const struct service *s)
{
	struct ingest_counts counts;

	ingest_counts(s->ingest, &counts);
	metric(out, "rag_documents_read_total", "counter", "Documents read", counts.parsed);
	metric(out, "rag_documents_failed_total", "counter", "Documents that could not be read",
	       counts.failed);
	metric(out, "rag_documents_working", "gauge", "Documents being read", counts.working);
	head(out, "rag_job_seconds", "summary", "From a job's first step to its end");
	text_printf(out, "rag_job_seconds_sum %.3f\nrag_job_seconds_count %llu\n",
		    (double)counts.job_ms / 1000, (unsigned long long)counts.jobs_ended);
	head(out, "rag_stage_seconds_total", "counter", "Time spent on documents, by stage");
	for (unsigned i = 0; i < COUNT(counts.stage_us); i++)
		text_printf(out, "rag_stage_seconds_total{stage=\"%s\"} %.6f\n",
			    ingest_stage_names[i], (double)counts.stage_us[i] / 1e6);
}

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
	metric(out, "rag_document_aliases", "gauge",
	       "Documents found through one of the same bytes", counts.aliases);
	metric(out, "rag_queue_depth", "gauge", "Documents that wait to be read",
	       counts.documents[LIBRARY_PENDING]);
	metric(out, "rag_chunks", "gauge", "Passages in the index", state.passages);
	metric(out, "rag_index_bytes", "gauge", "Bytes of the index as it is kept on disk",
	       corpus_kept_bytes(s->corpus));
	metric(out, "rag_generation", "gauge", "Generation of the index", state.generation);
	metric(out, "rag_originals_bytes", "gauge", "Bytes of originals kept", counts.blob_bytes);
}

void metrics_write(struct task *task)
{
	chats(&task->out, task->service);
	ends(&task->out, task->service);
	first_tokens(&task->out, task->service);
	engines(&task->out, task->service);
	ingestion(&task->out, task->service);
	documents(&task->out, task->service);
	task->media_type = "text/plain; charset=utf-8";
}
