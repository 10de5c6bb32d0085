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

static void ingestion(struct text *out, const struct service *s)
{
	struct ingest_counts counts;

	ingest_counts(s->ingest, &counts);
	metric(out, "rag_documents_read_total", "counter", "Documents read", counts.parsed);
	metric(out, "rag_documents_failed_total", "counter", "Documents that could not be read",
	       counts.failed);
	metric(out, "rag_documents_working", "gauge", "Documents being read", counts.working);
	head(out, "rag_stage_seconds_total", "counter", "Time spent on documents, by stage");
	for (unsigned i = 0; i < COUNT(counts.stage_us); i++)
		text_printf(out, "rag_stage_seconds_total{stage=\"%s\"} %.6f\n",
			    ingest_stage_names[i], (double)counts.stage_us[i] / 1e6);
}

static err_t documents(struct text *out, const struct service *s)
{
	struct library_counts counts;
	struct catalog_state state;

	TRY(library_count(s->library, &counts));
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
	metric(out, "rag_generation", "gauge", "Generation of the index", state.generation);
	metric(out, "rag_originals_bytes", "gauge", "Bytes of originals kept", counts.blob_bytes);
	return ERR_OK;
}

void metrics_write(struct task *task)
{
	err_t err;

	chats(&task->out, task->service);
	ingestion(&task->out, task->service);
	err = documents(&task->out, task->service);
	if (err)
		task_failed(task, err);
	task->media_type = "text/plain; charset=utf-8";
}
