/*
 * sql: SQLite statements by number, bound and read in a line. For this folder alone.
 *
 * One per connection; whoever holds the connection's lock may call.
 */
#ifndef STORE_SQL_H
#define STORE_SQL_H

#include <sqlite3.h>

#include "base/arena.h"

struct sql {
	sqlite3 *db;
	const char *const *texts; /* statements by number */
	sqlite3_stmt **prepared;  /* each at its first use */
	unsigned count;
};

/* WAL and foreign keys; `full` syncs each commit. ERR_STORE is logged. */
err_t sql_open(struct sql *sql, const char *path, bool full, const char *const *texts,
	       unsigned count);
void sql_close(struct sql *sql); /* harmless on one that was never opened */

err_t sql_run(struct sql *sql, const char *statements);
err_t sql_failed(struct sql *sql, const char *doing); /* logs; ERR_STORE, ERR_NOMEM, ERR_EXISTS */

/*
 * The statement with its parameters bound, from the left: 's' struct bytes as text, 'b' struct
 * bytes as a blob, 'u' uint64_t, 'n' nothing (NULL). Bytes are borrowed until the next bind or
 * sql_done. NULL after a failure that was logged.
 */
sqlite3_stmt *sql_bind(struct sql *sql, unsigned which, const char *types, ...);

bool sql_row(sqlite3_stmt *stmt);		     /* steps; true while there are rows */
err_t sql_done(struct sql *sql, sqlite3_stmt *stmt); /* resets; tells how the steps went */

/* A statement without rows: bind, step, reset. */
#define sql_do(sql, which, ...) sql_finish((sql), sql_bind((sql), (which), __VA_ARGS__))
err_t sql_finish(struct sql *sql, sqlite3_stmt *stmt);

uint64_t sql_number(sqlite3_stmt *stmt, int at);
struct bytes sql_text(sqlite3_stmt *stmt, int at); /* valid until the next step */
/* A copy in the arena; *err keeps the first failure. */
struct bytes sql_copy(sqlite3_stmt *stmt, int at, struct arena *arena, err_t *err);

#endif
