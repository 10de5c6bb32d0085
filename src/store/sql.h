/*
 * sql: statements by number, bound and read in a line, whichever database runs them. For this
 * folder alone.
 *
 * A connection is a `struct sql`; whoever holds its lock may call. A statement is in use from
 * sql_bind to sql_done; others may be bound meanwhile, the same one not. Statements are written
 * with ?1, ?2, ….
 */
#ifndef STORE_SQL_H
#define STORE_SQL_H

#include "base/arena.h"
#include "base/text.h"

struct sql_engine;

struct sql {
	const struct sql_engine *engine; /* NULL: not open */
	void *db;			 /* the engine's own */
};

/* The beginning of an engine's own. */
struct sql_stmt {
	const struct sql_engine *engine;
};

enum { SQL_VALUES_MAX = 32 };

struct sql_value {
	char kind; /* 's' text, 'b' bytes, 'u' a number, 'n' nothing (NULL) */
	uint64_t number;
	struct bytes bytes;
};

/* What a database must be able to do; every slot is filled. */
struct sql_engine {
	void (*close)(struct sql *sql);
	err_t (*run)(struct sql *sql, const char *statements);
	struct sql_stmt *(*bind)(struct sql *sql, unsigned which, const struct sql_value *values,
				 unsigned count);
	bool (*row)(struct sql_stmt *stmt);
	err_t (*done)(struct sql *sql, struct sql_stmt *stmt);
	err_t (*later)(struct sql *sql, unsigned which, const struct sql_value *values,
		       unsigned count);
	uint64_t (*number)(struct sql_stmt *stmt, int at);
	struct bytes (*text)(struct sql_stmt *stmt, int at);
	uint64_t (*changes)(struct sql *sql);
	bool (*in_transaction)(struct sql *sql);
};

/*
 * SQLite, one file: WAL and foreign keys; `full` syncs each commit. The texts, by number, are
 * borrowed. ERR_STORE is logged.
 */
err_t sql_open_sqlite(struct sql *sql, const char *path, bool full, const char *const *texts,
		      unsigned count);

struct sql_postgres_options {
	const char *url;    /* libpq's: postgresql://… or key=value …; may hold a password */
	const char *schema; /* where the tables are; made when missing */
	char letter;	    /* begins the names of this connection's prepared statements */
	bool locks;	    /* it holds the schema's advisory lock: one writing process a schema */
};

/*
 * PostgreSQL. A connection that is lost is made again by the next statement outside of a
 * transaction, at most once in a second if that fails; until then statements fail. `why` gets a
 * sentence for the user. ERR_UNREACHABLE when nobody answers or the server is starting, ERR_IN_USE
 * when another process has the lock, ERR_DENIED, ERR_STORE.
 */
err_t sql_open_postgres(struct sql *sql, const struct sql_postgres_options *options,
			const char *const *texts, unsigned count, struct text *why);

/* What is there, in a sentence ("PostgreSQL 15.18, pgvector 0.8.0"), or why nothing is: see above.
 */
err_t sql_postgres_describe(const char *url, struct text *out);

void sql_close(struct sql *sql); /* harmless on one that was never opened */

err_t sql_run(struct sql *sql, const char *statements);

/*
 * The statement with its parameters bound, from the left: 's' struct bytes as text, 'b' struct
 * bytes as a blob, 'u' uint64_t, 'n' nothing (NULL). Bytes are borrowed until sql_done. NULL after
 * a failure that was logged.
 */
struct sql_stmt *sql_bind(struct sql *sql, unsigned which, const char *types, ...);

bool sql_row(struct sql_stmt *stmt);			/* steps; true while there are rows */
err_t sql_done(struct sql *sql, struct sql_stmt *stmt); /* ends; ERR_EXISTS, ERR_STORE, … */

/* A statement without rows: bind, step, end. */
#define sql_do(sql, which, ...) sql_finish((sql), sql_bind((sql), (which), __VA_ARGS__))
err_t sql_finish(struct sql *sql, struct sql_stmt *stmt);

/*
 * A statement without rows inside a transaction, done now or a little later: before the next one
 * that is bound. Bytes are copied. A failure may come with a later call; then the transaction
 * cannot be committed. For what is done many times, where each round trip would be waited for.
 */
err_t sql_later(struct sql *sql, unsigned which, const char *types, ...);

uint64_t sql_number(struct sql_stmt *stmt, int at);
struct bytes sql_text(struct sql_stmt *stmt, int at); /* valid until the next step */
/* A copy in the arena; *err keeps the first failure. */
struct bytes sql_copy(struct sql_stmt *stmt, int at, struct arena *arena, err_t *err);

uint64_t sql_changes(struct sql *sql); /* rows that the statement that ended last changed */
bool sql_in_transaction(struct sql *sql);

#endif
