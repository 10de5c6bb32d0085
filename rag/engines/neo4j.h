/*
 * neo4j: the graph shown in a Neo4j database, through its HTTP Query API. A projection: the
 * corpus is the truth, and what is in the database can be dropped and made again.
 *
 * What was sent is remembered by digest; what differs is the outbox. A start wipes the workspace
 * and sends all. Batches of 500; what is transient is tried again; what fails stays in the
 * outbox until the next projection. Blocking, one projection at a time, never on a loop.
 *
 * It may be read as well: what is said of the things a question names, also by whoever else writes
 * there. A database that does not answer in time is left alone for a while, and our own graph
 * answers.
 */
#ifndef RAG_ENGINES_NEO4J_H
#define RAG_ENGINES_NEO4J_H

#include <stdatomic.h>

#include "rag/engines/mishap.h"
#include "rag/engines/neo4j_wire.h"
#include "rag/retrieve/retrieve.h"

struct neo4j_options {
	const char *uri, *user, *password, *database, *workspace; /* copied */
	uint32_t timeout_ms;
	bool insecure; /* certificates are not checked where the URI says +ssc */
};

struct neo4j;

/* ERR_INVALID: no such URI, or +ssc though not `insecure`. */
err_t neo4j_create(const struct neo4j_options *options, struct neo4j **ret_neo4j);
void neo4j_destroy(struct neo4j *neo4j); /* NULL is welcome */

/* Brings the database up to what the corpus says now, until *stop. ERR_AGAIN: it stays behind. */
err_t neo4j_project(struct neo4j *neo4j, struct corpus *corpus, const _Atomic bool *stop);

struct neo4j_question {
	const struct bytes *keys; /* of entities */
	unsigned count;
	bool by_kind;	/* relations of `kinds` alone */
	unsigned kinds; /* bits, 1 << RELATION_… */
};

/*
 * What is said of those entities, strongest first; slices in the arena. Any thread. ERR_AGAIN: it
 * does not answer, or did not a moment ago: use our own graph.
 */
err_t neo4j_read(struct neo4j *neo4j, const struct neo4j_question *question, struct arena *arena,
		 struct retrieve_told *ret_told);

/* Rows that wait, as of the last projection. Any thread. */
uint64_t neo4j_lag(const struct neo4j *neo4j);
const struct mishaps *neo4j_mishaps(const struct neo4j *neo4j);
const char *neo4j_state(const struct neo4j *neo4j); /* "ok", "behind", "down" (for reading) */

#endif
