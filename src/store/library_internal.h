/*
 * library_internal: what the files of the library share. For library*.c alone.
 */
#ifndef STORE_LIBRARY_INTERNAL_H
#define STORE_LIBRARY_INTERNAL_H

#include <pthread.h>

#include "store/library.h"
#include "store/sql.h"

/* As they are read into a struct library_document. */
#define LIBRARY_DOCUMENT_COLUMNS                                                                 \
	"row, id, key, title, media_type, sha256, origin, options, source, category, subject,"   \
	" metadata, error_code, error_stage, error, warnings, stage_ms, job, alias_of, near_of," \
	" state, bytes, version, pages, passages, near_percent, created_ms, updated_ms"

enum library_statement {
#define STATEMENT(name, text) LIBRARY_##name,
#include "store/library_statements.def"
#undef STATEMENT
	LIBRARY_STATEMENTS,
};

struct library {
	const char *kind; /* "sqlite", "postgres" */
	char *directory;
	bool single;	    /* one connection: reading takes turns with writing */
	bool finds_vectors; /* the database has pgvector */
	size_t inline_max;  /* larger originals are files below the directory */
	int lock_fd;	    /* locked while a process has the library open */
	pthread_mutex_t write_lock, read_lock;
	struct sql writer, reader;
	_Atomic uint64_t writing_thread; /* who holds write_lock; 0: nobody */
	char **gone;			 /* files of blobs whose rows this transaction removed */
	unsigned gone_count;
};

struct library *library_create(const char *directory); /* closed; NULL: no memory */

/* "DIR/below", malloc'ed; NULL: no memory. */
char *library_path(const struct library *library, const char *below);

/*
 * The connection to read from, with its lock held until library_read_end: the writer's own inside
 * a transaction of this thread.
 */
struct sql *library_read_begin(struct library *library);
void library_read_end(struct library *library, struct sql *sql);

struct sql *library_writing(struct library *library); /* asserts that this thread is */

#endif
