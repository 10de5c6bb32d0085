/*
 * shelf: a folder of documents taken in by the real pipeline, for tests that need passages. One
 * at a time; shelf_close at the end, or never (the files are removed at once).
 */
#ifndef TESTS_UNIT_RAG_SHELF_H
#define TESTS_UNIT_RAG_SHELF_H

#include "rag/ingest/ingest.h"
#include "rag/retrieve/corpus.h"
#include "store/passages.h"

struct shelf {
	char directory[64]; /* of the library and the index */
	struct library *library;
	struct passages *passages; /* FTS5 and … */
	struct corpus *corpus;	   /* … what ragd searches, both fed */
	struct catalog *catalog;
	struct ingest *ingest;
};

/* Opens or reopens what is in shelf->directory ("": a new one), with workers reading `folder`. */
void shelf_open(struct shelf *shelf, const char *folder);
void shelf_settled(struct shelf *shelf); /* waits until nothing is pending */
void shelf_close(struct shelf *shelf);	 /* its files stay */
void shelf_unlink(struct shelf *shelf);	 /* deletes its files; it goes on without their names */
void shelf_remove(struct shelf *shelf);	 /* closes, and deletes them */

#endif
