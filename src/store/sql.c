#include "store/sql.h"

#include <stdarg.h>

void sql_close(struct sql *sql)
{
	if (sql->engine)
		sql->engine->close(sql);
	*sql = (struct sql){ .engine = NULL };
}

err_t sql_run(struct sql *sql, const char *statements)
{
	return sql->engine->run(sql, statements);
}

static unsigned values_read(struct sql_value values[SQL_VALUES_MAX], const char *types,
			    va_list args)
{
	unsigned count = 0;

	for (; types[count]; count++) {
		struct sql_value *v = &values[count];

		assert(count < SQL_VALUES_MAX);
		*v = (struct sql_value){ .kind = types[count] };
		if (v->kind == 'u')
			v->number = va_arg(args, uint64_t);
		else if (v->kind != 'n')
			v->bytes = va_arg(args, struct bytes);
	}
	return count;
}

struct sql_stmt *sql_bind(struct sql *sql, unsigned which, const char *types, ...)
{
	struct sql_value values[SQL_VALUES_MAX];
	unsigned count;
	va_list args;

	va_start(args, types);
	count = values_read(values, types, args);
	va_end(args);
	return sql->engine->bind(sql, which, values, count);
}

err_t sql_later(struct sql *sql, unsigned which, const char *types, ...)
{
	struct sql_value values[SQL_VALUES_MAX];
	unsigned count;
	va_list args;

	assert(sql_in_transaction(sql));
	va_start(args, types);
	count = values_read(values, types, args);
	va_end(args);
	return sql->engine->later(sql, which, values, count);
}

bool sql_row(struct sql_stmt *stmt)
{
	return stmt && stmt->engine->row(stmt);
}

err_t sql_done(struct sql *sql, struct sql_stmt *stmt)
{
	return stmt ? sql->engine->done(sql, stmt) : ERR_STORE;
}

err_t sql_finish(struct sql *sql, struct sql_stmt *stmt)
{
	while (sql_row(stmt))
		;
	return sql_done(sql, stmt);
}

uint64_t sql_number(struct sql_stmt *stmt, int at)
{
	return stmt->engine->number(stmt, at);
}

struct bytes sql_text(struct sql_stmt *stmt, int at)
{
	return stmt->engine->text(stmt, at);
}

struct bytes sql_copy(struct sql_stmt *stmt, int at, struct arena *arena, err_t *err)
{
	struct bytes copy = BYTES_NONE;

	if (!*err)
		*err = arena_copy(arena, sql_text(stmt, at), &copy);
	return copy;
}

uint64_t sql_changes(struct sql *sql)
{
	return sql->engine->changes(sql);
}

bool sql_in_transaction(struct sql *sql)
{
	return sql->engine->in_transaction(sql);
}
