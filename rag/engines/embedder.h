/*
 * embedder: vectors of an embeddings engine for the passages of the corpus, and for questions.
 *
 * Vectors are kept under the digest of model and text, so that they are asked for once: a reindex
 * or a restart costs nothing. In one file beside the library, which only grows (a record that is
 * cut off at its end is dropped at the next start); or in the library's database, by passage, which
 * finds the nearest by itself where it has pgvector. One filling at a time; questions from any
 * thread.
 */
#ifndef RAG_ENGINES_EMBEDDER_H
#define RAG_ENGINES_EMBEDDER_H

#include <stdatomic.h>

#include "rag/engines/engine.h"
#include "rag/retrieve/retrieve.h"
#include "store/library.h"

struct embedder;

/*
 * `engine` and `library` are borrowed; `path` is the file, made when missing (mode 0600), where the
 * library keeps no vectors. ERR_SYSTEM, ERR_STORE, ERR_NOMEM.
 */
err_t embedder_open(struct engine *engine, const char *path, struct library *library,
		    struct embedder **ret_embedder);
void embedder_close(struct embedder *embedder); /* NULL is welcome */

/*
 * Gives every passage of the published generation its vector, from the file or the engine, until
 * *stop or an error of the engine. What is missing then is found by its words meanwhile.
 */
err_t embedder_fill(struct embedder *embedder, struct corpus *corpus, const _Atomic bool *stop);

/*
 * By `engine`, which is the same as the embedder's but may have less patience. Errors of
 * engine_embed. The caller frees *ret_dense.
 */
err_t embedder_question(struct embedder *embedder, struct engine *engine, struct bytes text,
			struct dense **ret_dense);

/*
 * The passages whose vectors are nearest, as the database finds them; slices in the arena.
 * ERR_NOT_FOUND when it finds none by itself, ERR_STORE when it does not answer: compare here then.
 */
err_t embedder_near(struct embedder *embedder, const struct dense *question, unsigned limit,
		    struct arena *arena, struct retrieve_hint **ret_near, unsigned *ret_count);

/* Passages that have no vector yet, as of the last filling. */
uint64_t embedder_pending(const struct embedder *embedder);

#endif
