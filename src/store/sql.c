#include "store/sql.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/log.h"

enum { BUSY_MS = 5000 };

err_t sql_failed(struct sql *sql, const char *doing)
{
	int code = sqlite3_extended_errcode(sql->db);

	if (code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY)
		return ERR_EXISTS;
	log_error("store", "%s: %s", doing, sqlite3_errmsg(sql->db));
	return (code & 0xFF) == SQLITE_NOMEM ? ERR_NOMEM : ERR_STORE;
}

err_t sql_run(struct sql *sql, const char *statements)
{
	if (sqlite3_exec(sql->db, statements, NULL, NULL, NULL) == SQLITE_OK)
		return ERR_OK;
	return sql_failed(sql, statements);
}

err_t sql_open(struct sql *sql, const char *path, bool full, const char *const *texts,
	       unsigned count)
{
	err_t err = ERR_OK;

	*sql = (struct sql){ .texts = texts, .count = count };
	sql->prepared = calloc(count, sizeof *sql->prepared);
	if (!sql->prepared)
		return ERR_NOMEM;
	if (sqlite3_open_v2(path, &sql->db,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
			    NULL) != SQLITE_OK)
		err = sql->db ? sql_failed(sql, "open") : ERR_NOMEM;
	if (!err) {
		sqlite3_busy_timeout(sql->db, BUSY_MS);
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

void sql_close(struct sql *sql)
{
	for (unsigned i = 0; i < sql->count && sql->prepared; i++)
		sqlite3_finalize(sql->prepared[i]);
	free(sql->prepared);
	sqlite3_close(sql->db);
	*sql = (struct sql){ .db = NULL };
}

sqlite3_stmt *sql_bind(struct sql *sql, unsigned which, const char *types, ...)
{
	sqlite3_stmt *stmt;
	va_list args;

	assert(which < sql->count);
	if (!sql->prepared[which] &&
	    sqlite3_prepare_v3(sql->db, sql->texts[which], -1, SQLITE_PREPARE_PERSISTENT,
			       &sql->prepared[which], NULL) != SQLITE_OK) {
		(void)sql_failed(sql, sql->texts[which]);
		return NULL;
	}
	stmt = sql->prepared[which];
	va_start(args, types);
	for (int i = 0; types[i]; i++) {
		struct bytes b;

		switch (types[i]) {
		case 's':
			b = va_arg(args, struct bytes);
			sqlite3_bind_text64(stmt, i + 1, b.at ? b.at : "", b.len, SQLITE_STATIC,
					    SQLITE_UTF8);
			break;
		case 'b':
			b = va_arg(args, struct bytes);
			sqlite3_bind_blob64(stmt, i + 1, b.at ? b.at : "", b.len, SQLITE_STATIC);
			break;
		case 'u':
			sqlite3_bind_int64(stmt, i + 1, (sqlite3_int64)va_arg(args, uint64_t));
			break;
		default: assert(types[i] == 'n'); sqlite3_bind_null(stmt, i + 1);
		}
	}
	va_end(args);
	return stmt;
}

bool sql_row(sqlite3_stmt *stmt)
{
	return stmt && sqlite3_step(stmt) == SQLITE_ROW;
}

err_t sql_done(struct sql *sql, sqlite3_stmt *stmt)
{
	if (!stmt)
		return ERR_STORE;
	if (sqlite3_reset(stmt) == SQLITE_OK)
		return ERR_OK;
	return sql_failed(sql, sqlite3_sql(stmt));
}

err_t sql_finish(struct sql *sql, sqlite3_stmt *stmt)
{
	while (sql_row(stmt))
		;
	return sql_done(sql, stmt);
}

uint64_t sql_number(sqlite3_stmt *stmt, int at)
{
	return (uint64_t)sqlite3_column_int64(stmt, at);
}

struct bytes sql_text(sqlite3_stmt *stmt, int at)
{
	const void *text = sqlite3_column_blob(stmt, at);

	return bytes_make(text ? text : "", (size_t)sqlite3_column_bytes(stmt, at));
}

struct bytes sql_copy(sqlite3_stmt *stmt, int at, struct arena *arena, err_t *err)
{
	struct bytes copy = BYTES_NONE;

	if (!*err)
		*err = arena_copy(arena, sql_text(stmt, at), &copy);
	return copy;
}
