/*
 * feed: how an index hears which passages there are. The library (store/library) is the truth;
 * what ranks passages (full text, vectors, a graph) is a listener that can be thrown away and fed
 * again.
 *
 *   begin(g) ─► add … remove … ─► commit(g) ─► add … ─► commit(g) ─► publish(g)      readers see g
 *                                                          from here on: add, remove, commit(g)
 *   begin(g+1) ─► … commit(g+1) … ─► publish(g+1), drop(g)     a reindex, while g is read and
 * changed └─► drop(g+1)                 cancelled, or given up
 *
 * What holds:
 * - Calls come one at a time, never from a loop, and from whichever thread changes the library; a
 *   listener may block, but everyone who ingests waits for it.
 * - Between commits a listener shows readers nothing of what it heard: a commit is one document
 *   or more, whole. A passage that was replaced is removed and its successor added within one
 *   commit. `remove` names a passage that was added to that generation, `add` one that was not.
 * - While g+1 is built, changes to documents come to both, each with a commit of its own.
 * - `change` counts the library's commits and only grows. position() says as of which change a
 *   listener has a generation from an earlier run. At the start it is told what it lacks since:
 *   forget(document) and add … for each document that changed, commit; with position 0, or one
 *   that is ahead of the library's: drop, begin(g), add …, commit. Then publish of what is read.
 * - What a change brings is told before the library commits it (so a listener does its heavy work
 *   in add and remove), and its commit before anyone in this process can read from the library
 *   what it was about: who sees a job ended finds its documents.
 * - A listener that fails (ERR_STORE, ERR_NOMEM) gets no more calls but drop, is logged, and is fed
 *   anew at the next start; the others and the library go on.
 */
#ifndef RAG_STORE_FEED_H
#define RAG_STORE_FEED_H

#include "store/passage.h"

/* A table of functions; every one is set. `owner` is the listener's own and outlives the feed. */
struct feed_listener {
	const char *name; /* for the log */
	void *owner;
	/* As of which change it has kept the generation; 0: it has nothing of it. */
	uint64_t (*position)(void *owner, uint64_t generation);
	/* An empty generation; what an earlier run left of one of that number is forgotten. */
	err_t (*begin)(void *owner, uint64_t generation);
	err_t (*add)(void *owner, uint64_t generation, const struct passage *passage);
	err_t (*remove)(void *owner, uint64_t generation, struct bytes passage_id);
	/* All that was committed of a document goes; there may be nothing. */
	err_t (*forget)(void *owner, uint64_t generation, struct bytes document_id);
	err_t (*commit)(void *owner, uint64_t generation, uint64_t change);
	/* What was told since the last commit was not meant: the library could not keep it. */
	void (*discard)(void *owner, uint64_t generation);
	err_t (*publish)(void *owner, uint64_t generation, uint64_t change);
	void (*drop)(void *owner, uint64_t generation);
};

#endif
