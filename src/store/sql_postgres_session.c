/*
 * A session with PostgreSQL: begun, found broken, begun again.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "net/clock.h"
#include "store/sql_postgres_internal.h"

enum {
	LOCK_TRIES = 16,
	LOCK_PAUSE_US = 250 * 1000, /* a session of ours that was cut is noticed by then */
};

err_t pg_check_url(const char *url, struct text *why)
{
	char *words = NULL;
	PQconninfoOption *options = PQconninfoParse(url, &words);

	if (!options) /* its own words quote the URL, and so the password */
		text_add_str(why, "DATABASE_URL is no postgresql:// URL and no list of key=value");
	PQfreemem(words);
	if (!options)
		return ERR_INVALID;
	PQconninfoFree(options);
	return ERR_OK;
}

void pg_disconnect(struct pg *pg)
{
	PQfinish(pg->conn);
	pg->conn = NULL;
	pg->running = NULL;
	pg->later_count = 0;
	pg->lost = pg->begun;
	for (unsigned i = 0; i < pg->count; i++)
		pg->stmts[i].prepared = false;
}

static void no_notice(void *owner, const char *words)
{
	(void)owner;
	(void)words;
}

/* The server's own words of one line, for a log or a user. */
static void first_line(struct text *why, const char *words)
{
	struct bytes rest = bytes_of(words), line;

	if (bytes_cut(&rest, '\n', &line))
		text_add(why, bytes_trim(line));
}

static err_t connect_error(const char *words)
{
	static const char *const passing[] = { "starting up", "shutting down", "recovery",
					       "too many" };

	if (!strstr(words, "FATAL:"))
		return ERR_UNREACHABLE;
	for (size_t i = 0; i < COUNT(passing); i++)
		if (strstr(words, passing[i]))
			return ERR_UNREACHABLE;
	return ERR_DENIED;
}

err_t pg_simple(struct pg *pg, const char *statements, char *ret_value, size_t cap)
{
	PGresult *r = PQexec(pg->conn, statements);
	ExecStatusType status = PQresultStatus(r);
	err_t err = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ? ERR_OK : ERR_STORE;

	if (!err && ret_value)
		snprintf(ret_value, cap, "%s", PQntuples(r) ? PQgetvalue(r, 0, 0) : "");
	if (err)
		log_error("store", "postgres: %.200s",
			  PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY)
				  ? PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY)
				  : "the connection was lost");
	PQclear(r);
	return err;
}

static err_t take_lock(struct pg *pg, struct text *why)
{
	char *schema = PQescapeLiteral(pg->conn, pg->schema, strlen(pg->schema));
	struct text lock = TEXT_INIT(1024);
	char got[8] = "";
	err_t err = schema ? ERR_OK : ERR_NOMEM;

	if (schema)
		text_printf(&lock, "SELECT pg_try_advisory_lock(hashtext('ragd'), hashtext(%s))",
			    schema);
	for (unsigned i = 0; !err && got[0] != 't' && i < LOCK_TRIES; i++) {
		if (i)
			usleep(LOCK_PAUSE_US);
		err = pg_simple(pg, text_str(&lock), got, sizeof got);
	}
	if (!err && got[0] != 't') {
		text_printf(why, "another ragd is using the schema %s of this database",
			    pg->schema);
		err = ERR_IN_USE;
	}
	PQfreemem(schema);
	text_fini(&lock);
	return err;
}

/* What every session of ours begins with. The schema itself may be made after it. */
static err_t session_begin(struct pg *pg, struct text *why)
{
	char *schema = PQescapeIdentifier(pg->conn, pg->schema, strlen(pg->schema));
	struct text words = TEXT_INIT(1024);
	err_t err = schema ? ERR_OK : ERR_NOMEM;

	if (!err)
		text_printf(&words,
			    "SET search_path TO %s, public; SET statement_timeout TO '60s';"
			    "SET bytea_output TO hex; SET client_min_messages TO warning",
			    schema);
	PQfreemem(schema);
	if (!err)
		err = pg_simple(pg, text_str(&words), NULL, 0);
	text_fini(&words);
	if (!err && pg->locks)
		err = take_lock(pg, why);
	return err;
}

static err_t connect_only(struct pg *pg, struct text *why)
{
	const char *const keys[] = { "dbname",
				     "connect_timeout",
				     "application_name",
				     "client_encoding",
				     "tcp_user_timeout",
				     "keepalives_idle",
				     NULL };
	const char *const values[] = { pg->url, "4", "ragd", "UTF8", "20000", "20", NULL };

	pg->conn = PQconnectdbParams(keys, values, 1);
	if (!pg->conn)
		return ERR_NOMEM;
	if (PQstatus(pg->conn) == CONNECTION_OK) {
		PQsetNoticeProcessor(pg->conn, no_notice, NULL);
		return ERR_OK;
	}
	first_line(why, PQerrorMessage(pg->conn));
	return connect_error(PQerrorMessage(pg->conn));
}

err_t pg_connect(struct pg *pg, struct text *why)
{
	err_t err = connect_only(pg, why);

	if (!err)
		err = session_begin(pg, why);
	if (err)
		pg_disconnect(pg);
	return err;
}

/*
 * A server that went away has closed an idle connection: what there is to read is the end. Seen
 * before a statement is sent, it costs nobody an error.
 */
static bool was_closed(struct pg *pg)
{
	struct pollfd end = { .fd = PQsocket(pg->conn), .events = POLLIN };

	return !pg->begun && !pg->running && poll(&end, 1, 0) > 0 &&
	       (!PQconsumeInput(pg->conn) || PQstatus(pg->conn) != CONNECTION_OK);
}

bool pg_ensure_connected(struct pg *pg)
{
	struct text why = TEXT_INIT(1024);
	err_t err;

	if (pg->conn && PQstatus(pg->conn) == CONNECTION_OK && !was_closed(pg))
		return !pg->lost;
	if (pg->conn)
		pg_disconnect(pg);
	if (pg->lost || clock_mono_us() / 1000 < pg->again_ms)
		return false;
	err = pg_connect(pg, &why);
	pg->again_ms = err ? clock_mono_us() / 1000 + PG_AGAIN_MS : 0;
	if (err)
		log_warn("store", "postgres: %s",
			 why.len ? text_str(&why) : "the session could not be begun");
	else
		log_info("store", "postgres: connected again");
	text_fini(&why);
	return !err;
}

err_t sql_postgres_describe(const char *url, struct text *out)
{
	struct pg pg = { .url = (char *)url };
	char vector[64] = "", version[64] = "";
	err_t err;

	TRY(pg_check_url(url, out));
	err = connect_only(&pg, out);
	if (!err)
		err = pg_simple(&pg, "SHOW server_version", version, sizeof version);
	if (!err)
		err = pg_simple(&pg, "SELECT extversion FROM pg_extension WHERE extname = 'vector'",
				vector, sizeof vector);
	if (!err)
		text_printf(out, "PostgreSQL %.*s, %s%s", (int)strcspn(version, " "), version,
			    vector[0] ? "pgvector " : "without pgvector", vector);
	PQfinish(pg.conn);
	return err;
}
