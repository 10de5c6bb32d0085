#include <sqlite3.h>
#include <stdlib.h>

#include "base/log.h"
#include "store/sql.h"

enum { BUSY_MS = 5000 };

struct lite_stmt {
	struct sql_stmt base;
	sqlite3_stmt *stmt; /* prepared at its first use */
};

struct lite {
	sqlite3 *db;
	const char *const *texts;
	struct lite_stmt *stmts;
	unsigned count;
};

static sqlite3_stmt *of(struct sql_stmt *stmt)
{
	return container_of(stmt, struct lite_stmt, base)->stmt;
}

static err_t failed(sqlite3 *db, const char *doing)
{
	int code = sqlite3_extended_errcode(db);

	if (code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY)
		return ERR_EXISTS;
	log_error("store", "%s: %s", doing, sqlite3_errmsg(db));
	return (code & 0xFF) == SQLITE_NOMEM ? ERR_NOMEM : ERR_STORE;
}

static err_t lite_run(struct sql *sql, const char *statements)
{
	struct lite *lite = sql->db;

	if (sqlite3_exec(lite->db, statements, NULL, NULL, NULL) == SQLITE_OK)
		return ERR_OK;
	return failed(lite->db, statements);
}

static void lite_close(struct sql *sql)
{
	struct lite *lite = sql->db;

	for (unsigned i = 0; i < lite->count && lite->stmts; i++)
		sqlite3_finalize(lite->stmts[i].stmt);
	free(lite->stmts);
	sqlite3_close(lite->db);
	free(lite);
}

static void bind_value(sqlite3_stmt *stmt, int at, const struct sql_value *v)
{
	const char *bytes = v->bytes.at ? v->bytes.at : "";

	switch (v->kind) {
	case 's':
		sqlite3_bind_text64(stmt, at, bytes, v->bytes.len, SQLITE_STATIC, SQLITE_UTF8);
		break;
	case 'b': sqlite3_bind_blob64(stmt, at, bytes, v->bytes.len, SQLITE_STATIC); break;
	case 'u': sqlite3_bind_int64(stmt, at, (sqlite3_int64)v->number); break;
	default: assert(v->kind == 'n'); sqlite3_bind_null(stmt, at);
	}
}

static struct sql_stmt *lite_bind(struct sql *sql, unsigned which, const struct sql_value *values,
				  unsigned count)
{
	struct lite *lite = sql->db;
	struct lite_stmt *s = &lite->stmts[which];

	assert(which < lite->count);
	if (!s->stmt &&
	    sqlite3_prepare_v3(lite->db, lite->texts[which], -1, SQLITE_PREPARE_PERSISTENT,
			       &s->stmt, NULL) != SQLITE_OK) {
		(void)failed(lite->db, lite->texts[which]);
		return NULL;
	}
	for (unsigned i = 0; i < count; i++)
		bind_value(s->stmt, (int)i + 1, &values[i]);
	return &s->base;
}

static bool lite_row(struct sql_stmt *stmt)
{
	return sqlite3_step(of(stmt)) == SQLITE_ROW;
}

static err_t lite_done(struct sql *sql, struct sql_stmt *stmt)
{
	struct lite *lite = sql->db;

	if (sqlite3_reset(of(stmt)) == SQLITE_OK)
		return ERR_OK;
	return failed(lite->db, sqlite3_sql(of(stmt)));
}

static uint64_t lite_number(struct sql_stmt *stmt, int at)
{
	return (uint64_t)sqlite3_column_int64(of(stmt), at);
}

static struct bytes lite_text(struct sql_stmt *stmt, int at)
{
	const void *text = sqlite3_column_blob(of(stmt), at);

	return bytes_make(text ? text : "", (size_t)sqlite3_column_bytes(of(stmt), at));
}

static uint64_t lite_changes(struct sql *sql)
{
	struct lite *lite = sql->db;

	return (uint64_t)sqlite3_changes64(lite->db);
}

static bool lite_in_transaction(struct sql *sql)
{
	struct lite *lite = sql->db;

	return !sqlite3_get_autocommit(lite->db);
}

/* Nothing to wait for: it is done at once. */
static err_t lite_later(struct sql *sql, unsigned which, const struct sql_value *values,
			unsigned count)
{
	return sql_finish(sql, lite_bind(sql, which, values, count));
}

static const struct sql_engine lite_engine = {
	.close = lite_close,
	.run = lite_run,
	.bind = lite_bind,
	.row = lite_row,
	.done = lite_done,
	.later = lite_later,
	.number = lite_number,
	.text = lite_text,
	.changes = lite_changes,
	.in_transaction = lite_in_transaction,
};

err_t sql_open_sqlite(struct sql *sql, const char *path, bool full, const char *const *texts,
		      unsigned count)
{
	struct lite *lite = calloc(1, sizeof *lite);
	err_t err = ERR_OK;

	if (!lite)
		return ERR_NOMEM;
	*sql = (struct sql){ .engine = &lite_engine, .db = lite };
	lite->texts = texts;
	lite->stmts = calloc(count, sizeof *lite->stmts);
	lite->count = count;
	for (unsigned i = 0; i < count && lite->stmts; i++)
		lite->stmts[i].base.engine = &lite_engine;
	if (!lite->stmts)
		err = ERR_NOMEM;
	else if (sqlite3_open_v2(path, &lite->db,
				 SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
				 NULL) != SQLITE_OK)
		err = lite->db ? failed(lite->db, "open") : ERR_NOMEM;
	if (!err) {
		sqlite3_busy_timeout(lite->db, BUSY_MS);
		err = sql_run(sql, full ? "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
					  "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;"
					  "PRAGMA cache_size = -16384;"
					: "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
					  "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;"
					  "PRAGMA cache_size = -16384;");
	}
	if (err)
		sql_close(sql);
	return err;
}
