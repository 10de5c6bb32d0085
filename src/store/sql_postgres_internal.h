/*
 * sql_postgres_internal: what the two files of PostgreSQL share: sql_postgres.c has the statements,
 * sql_postgres_session.c the session they go through.
 */
#ifndef STORE_SQL_POSTGRES_INTERNAL_H
#define STORE_SQL_POSTGRES_INTERNAL_H

#include <libpq-fe.h>

#include "store/sql.h"

enum {
	PG_AGAIN_MS = 1000, /* between two attempts to connect */
	PG_LATER_MAX = 256, /* statements sent whose results were not read: the server's answers fit
			       into its buffers */
};

struct pg_stmt {
	struct sql_stmt base;
	struct pg *pg;
	char name[16];
	char *text; /* with $1, $2 for ?1, ?2; made at its first use */
	bool prepared, busy;
	PGresult *at;	    /* the row being looked at */
	PGresult **waiting; /* rows that were put aside, from `next` on */
	size_t waiting_count, next;
	err_t err;
};

struct pg {
	PGconn *conn; /* NULL: lost */
	char *url, *schema;
	char letter;
	bool locks;
	const char *const *texts;
	struct pg_stmt *stmts;
	unsigned count;
	struct pg_stmt *running; /* whose results are still to come */
	const struct pg_stmt *later[PG_LATER_MAX];
	unsigned later_count; /* sent, in pipeline mode; nobody asked yet how they went */
	bool begun;	      /* a transaction, not ended yet */
	bool lost;	      /* its connection is gone: it can only be rolled back */
	char xid[32];	      /* of the transaction being committed, or "" */
	uint64_t again_ms;    /* no attempt to connect before */
	uint64_t changes;
};

/* A sentence into `why` when it is none. ERR_INVALID. */
err_t pg_check_url(const char *url, struct text *why);

err_t pg_connect(struct pg *pg, struct text *why); /* errors as sql_open_postgres */
void pg_disconnect(struct pg *pg);

/* A connection to send on; inside a transaction only the one it began on. */
bool pg_ensure_connected(struct pg *pg);

/* Statements without parameters; the first value of the first row, if it is wanted. ERR_STORE. */
err_t pg_simple(struct pg *pg, const char *statements, char *ret_value, size_t cap);

#endif
