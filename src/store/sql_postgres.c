/*
 * PostgreSQL behind sql.h, by libpq. Rows come one by one (single-row mode), so that a library is
 * read without being in memory twice; a statement that is bound meanwhile has the rest of the rows
 * of the one before put aside.
 *
 *   bind ─► (connect, prepare) ─► send ─► row … row ─► done          a round trip each
 *   later ─► send … later ─► send … bind ─► (how did they go?) ─► …    one for all of them
 *
 * A connection that breaks inside a transaction fails it: nothing is sent until ROLLBACK. One that
 * breaks at the COMMIT leaves open whether it happened; the server is asked (pg_xact_status).
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/log.h"
#include "store/sql_postgres_internal.h"

enum {
	ANSWER_MS = 65000, /* a little longer than the server's own statement_timeout */
	COMMIT_TRIES = 8,
	TEXT_MAX_BYTES = 1024 * 1024 * 1024,
	OID_BOOL = 16,
	OID_BYTEA = 17,
};

static struct pg_stmt *of(struct sql_stmt *stmt)
{
	return container_of(stmt, struct pg_stmt, base);
}

/* ---- Statements ---- */

/* ?1 as $1: no statement has a question mark of its own. */
static char *text_of(const char *from)
{
	char *text = bytes_dup(bytes_of(from));

	for (char *at = text; at && *at; at++)
		if (*at == '?')
			*at = '$';
	return text;
}

static bool is(const struct pg_stmt *s, const char *command)
{
	return bytes_starts(bytes_of(s->text), bytes_of(command));
}

static err_t result_error(const struct pg_stmt *s, const PGresult *r)
{
	const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
	const char *words = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);

	if (state && strcmp(state, "23505") == 0)
		return ERR_EXISTS;
	log_error("store", "postgres: %s: %s", s->text, words ? words : "the connection was lost");
	return state && strcmp(state, "53200") == 0 ? ERR_NOMEM : ERR_STORE;
}

/* What the server sends next; one that says nothing for too long is left. */
static PGresult *next_result(struct pg *pg)
{
	while (PQisBusy(pg->conn)) {
		struct pollfd ready = { .fd = PQsocket(pg->conn), .events = POLLIN };
		int count = poll(&ready, 1, ANSWER_MS);

		if (count == 0) {
			log_error("store", "postgres: no answer within %d s", ANSWER_MS / 1000);
			pg_disconnect(pg);
			return NULL;
		}
		if (count > 0 && !PQconsumeInput(pg->conn))
			break;
	}
	return PQgetResult(pg->conn);
}

/* The next row that comes, or NULL after the last; s->err says how it went. */
static PGresult *receive(struct pg_stmt *s)
{
	struct pg *pg = s->pg;

	while (pg->running == s) {
		PGresult *r = next_result(pg);

		if (!r) {
			if (!pg->conn && !s->err)
				s->err = ERR_STORE;
			pg->running = NULL;
			break;
		}
		switch (PQresultStatus(r)) {
		case PGRES_SINGLE_TUPLE: return r;
		case PGRES_TUPLES_OK: break;
		case PGRES_COMMAND_OK:
			pg->changes = strtoull(PQcmdTuples(r), NULL, 10);
			/* A transaction that failed is "committed" as a ROLLBACK. */
			if (is(s, "COMMIT") && strcmp(PQcmdStatus(r), "COMMIT") != 0)
				s->err = ERR_STORE;
			break;
		default:
			if (!s->err)
				s->err = result_error(s, r);
		}
		PQclear(r);
	}
	return NULL;
}

/* Another statement comes between: the rest of the rows is put aside. */
static void put_aside(struct pg_stmt *s)
{
	PGresult *r;

	while ((r = receive(s))) {
		PGresult **more = reallocarray(s->waiting, s->waiting_count + 1, sizeof *more);

		if (!more) {
			PQclear(r);
			s->err = ERR_NOMEM;
			continue;
		}
		s->waiting = more;
		s->waiting[s->waiting_count++] = r;
	}
}

static bool prepare(struct pg_stmt *s)
{
	PGresult *r;

	if (s->prepared)
		return true;
	r = PQprepare(s->pg->conn, s->name, s->text, 0, NULL);
	s->prepared = PQresultStatus(r) == PGRES_COMMAND_OK;
	if (!s->prepared)
		(void)result_error(s, r);
	PQclear(r);
	return s->prepared;
}

/* Text as PostgreSQL takes it: UTF-8 without NUL. What is none becomes U+FFFD. */
static struct bytes fit_text(struct bytes in, struct text *room)
{
	if (!memchr(in.at ? in.at : "", '\0', in.len) && utf8_valid(in))
		return in;
	for (size_t i = 0; i < in.len;) {
		size_t len = 1;

		while (len <= 4 && i + len <= in.len && !utf8_valid(bytes_make(in.at + i, len)))
			len++;
		if (len > 4 || i + len > in.len || in.at[i] == '\0') {
			text_add_str(room, "\xEF\xBF\xBD");
			i++;
		} else {
			text_add(room, bytes_make(in.at + i, len));
			i += len;
		}
	}
	return text_err(room) ? BYTES_NONE : text_bytes(room);
}

struct bound {
	const char *values[SQL_VALUES_MAX];
	int lengths[SQL_VALUES_MAX], formats[SQL_VALUES_MAX];
	char numbers[SQL_VALUES_MAX][24];
	struct text rooms[SQL_VALUES_MAX];
};

static void bind_value(struct bound *b, unsigned at, const struct sql_value *v)
{
	struct bytes bytes = v->bytes;

	if (v->kind == 's')
		bytes = fit_text(bytes, &b->rooms[at]);
	if (v->kind == 'u') {
		snprintf(b->numbers[at], sizeof b->numbers[at], "%lld", (long long)v->number);
		b->values[at] = b->numbers[at];
	} else if (v->kind == 'n') {
		b->values[at] = NULL;
	} else {
		assert(v->kind == 's' || v->kind == 'b');
		b->values[at] = bytes.at ? bytes.at : "";
		b->lengths[at] = (int)bytes.len;
		b->formats[at] = 1;
	}
}

static bool send(struct pg_stmt *s, const struct sql_value *values, unsigned count)
{
	struct bound b = { .values = { NULL } };
	bool sent;

	assert(count <= SQL_VALUES_MAX);

	for (unsigned i = 0; i < count; i++) {
		text_init(&b.rooms[i], TEXT_MAX_BYTES);
		bind_value(&b, i, &values[i]);
	}
	sent = PQsendQueryPrepared(s->pg->conn, s->name, (int)count, b.values, b.lengths, b.formats,
				   0);
	for (unsigned i = 0; i < count; i++)
		text_fini(&b.rooms[i]);
	if (!sent)
		log_error("store", "postgres: the connection was lost");
	return sent;
}

static void reset(struct pg_stmt *s)
{
	PQclear(s->at);
	s->at = NULL;
	for (; s->next < s->waiting_count; s->next++)
		PQclear(s->waiting[s->next]);
	free(s->waiting);
	s->waiting = NULL;
	s->waiting_count = s->next = 0;
	s->busy = false;
}

/* ---- Statements whose results are read together ---- */

/* How one of them went; what follows one that failed is not done. */
static err_t later_error(const struct pg_stmt *s, const PGresult *r)
{
	switch (PQresultStatus(r)) {
	case PGRES_COMMAND_OK:
	case PGRES_TUPLES_OK: return ERR_OK;
	case PGRES_PIPELINE_ABORTED: return ERR_STORE;
	default: return result_error(s, r);
	}
}

/* Results come in the order of the statements, each followed by nothing; then the sync. */
static err_t read_later(struct pg *pg)
{
	err_t err = ERR_OK;

	for (unsigned i = 0;;) {
		PGresult *r = next_result(pg);
		bool synced = r && PQresultStatus(r) == PGRES_PIPELINE_SYNC;

		if (!r &&
		    (!pg->conn || PQstatus(pg->conn) != CONNECTION_OK || i == pg->later_count))
			return ERR_STORE;
		if (r && !synced && i < pg->later_count && !err)
			err = later_error(pg->later[i], r);
		i += !r;
		PQclear(r);
		if (synced)
			return err;
	}
}

/* What was sent is done now, or the transaction can only be rolled back. */
static err_t settle(struct pg *pg)
{
	err_t err;

	if (pg->later_count == 0)
		return ERR_OK;
	err = PQpipelineSync(pg->conn) ? read_later(pg) : ERR_STORE;
	pg->later_count = 0;
	if (pg->conn && PQexitPipelineMode(pg->conn))
		return err;
	log_error("store", "postgres: the connection was lost");
	if (pg->conn)
		pg_disconnect(pg);
	return ERR_STORE;
}

/* For the first time, it must be prepared outside of a pipeline. */
static bool ready_for_later(struct pg_stmt *s)
{
	struct pg *pg = s->pg;

	if (!s->text)
		s->text = text_of(pg->texts[s - pg->stmts]);
	if (pg->running)
		put_aside(pg->running);
	if (!s->text || !pg_ensure_connected(pg))
		return false;
	if (!s->prepared && (settle(pg) || !prepare(s)))
		return false;
	return pg->later_count > 0 || PQenterPipelineMode(pg->conn);
}

static err_t pg_later(struct sql *sql, unsigned which, const struct sql_value *values,
		      unsigned count)
{
	struct pg *pg = sql->db;
	struct pg_stmt *s = &pg->stmts[which];

	assert(which < pg->count && !s->busy && pg->begun);
	if (!ready_for_later(s))
		return ERR_STORE;
	pg->later[pg->later_count++] = s;
	if (!send(s, values, count)) {
		pg_disconnect(pg);
		return ERR_STORE;
	}
	return pg->later_count == PG_LATER_MAX ? settle(pg) : ERR_OK;
}

/* ---- One statement ---- */

/* Before and after the statements that begin and end a transaction. */
static bool transaction_step(struct pg_stmt *s)
{
	struct pg *pg = s->pg;

	if (is(s, "BEGIN")) {
		pg->begun = pg->lost = false;
		return pg_ensure_connected(pg);
	}
	if (is(s, "ROLLBACK")) {
		bool lost = pg->lost || !pg->conn || PQstatus(pg->conn) != CONNECTION_OK;

		pg->begun = pg->lost = false;
		return !lost; /* what is gone needs no rolling back */
	}
	if (!pg_ensure_connected(pg))
		return false;
	pg->xid[0] = '\0';
	if (is(s, "COMMIT") &&
	    pg_simple(pg, "SELECT pg_current_xact_id_if_assigned()", pg->xid, sizeof pg->xid))
		return false;
	return true;
}

static struct sql_stmt *pg_bind(struct sql *sql, unsigned which, const struct sql_value *values,
				unsigned count)
{
	struct pg *pg = sql->db;
	struct pg_stmt *s = &pg->stmts[which];

	assert(which < pg->count && !s->busy);
	if (!s->text)
		s->text = text_of(pg->texts[which]);
	if (!s->text)
		return NULL;
	if (pg->running)
		put_aside(pg->running);
	s->err = ERR_OK;
	/* A failure before a ROLLBACK is what that is for. */
	if (settle(pg) && !is(s, "ROLLBACK"))
		return NULL;
	if (!transaction_step(s) || !prepare(s) || !send(s, values, count) ||
	    !PQsetSingleRowMode(pg->conn))
		return NULL;
	pg->running = s;
	s->busy = true;
	return &s->base;
}

static bool pg_row(struct sql_stmt *stmt)
{
	struct pg_stmt *s = of(stmt);

	PQclear(s->at);
	s->at = s->next < s->waiting_count ? s->waiting[s->next++] : receive(s);
	return s->at != NULL;
}

/* The connection broke while a transaction was being committed: did it happen? */
static bool was_committed(struct pg *pg)
{
	struct text ask = TEXT_INIT(128);
	char status[24] = "";

	text_printf(&ask, "SELECT pg_xact_status('%s'::xid8)", pg->xid);
	pg->begun = pg->lost = false;
	for (unsigned i = 0; !status[0] && i < COMMIT_TRIES; i++) {
		if (i)
			usleep(PG_AGAIN_MS * 1000);
		if (pg_ensure_connected(pg))
			(void)pg_simple(pg, text_str(&ask), status, sizeof status);
	}
	text_fini(&ask);
	log_warn("store", "postgres: the connection broke at a commit: it is %s",
		 status[0] ? status : "unknown whether it happened");
	return strcmp(status, "committed") == 0;
}

static err_t pg_done(struct sql *sql, struct sql_stmt *stmt)
{
	struct pg *pg = sql->db;
	struct pg_stmt *s = of(stmt);
	PGresult *r;
	err_t err;

	while ((r = receive(s)))
		PQclear(r);
	reset(s);
	err = s->err;
	if (is(s, "BEGIN"))
		pg->begun = !err;
	if (is(s, "COMMIT")) {
		if (err && pg->xid[0] && (!pg->conn || PQstatus(pg->conn) != CONNECTION_OK))
			err = was_committed(pg) ? ERR_OK : err;
		pg->begun = err && pg->begun;
	}
	return err;
}

static uint64_t pg_number(struct sql_stmt *stmt, int at)
{
	const char *value = PQgetvalue(of(stmt)->at, 0, at);

	if (PQftype(of(stmt)->at, at) == OID_BOOL)
		return value[0] == 't';
	return (uint64_t)strtoll(value, NULL, 10);
}

static int digit(char c)
{
	return c >= 'a' ? c - 'a' + 10 : c - '0';
}

/* "\x0af3…" made bytes where it stands; done once, it does not begin with a backslash any more. */
static struct bytes unhex(char *value, size_t len)
{
	size_t bytes = len / 2 - 1;

	for (size_t i = 0; i < bytes; i++)
		value[i] = (char)(digit(value[2 + 2 * i]) << 4 | digit(value[3 + 2 * i]));
	return bytes_make(value, bytes);
}

static struct bytes pg_text(struct sql_stmt *stmt, int at)
{
	PGresult *r = of(stmt)->at;
	char *value = PQgetvalue(r, 0, at);
	size_t len = (size_t)PQgetlength(r, 0, at);

	if (PQftype(r, at) == OID_BYTEA && len >= 2)
		return unhex(value, len);
	return bytes_make(value, len);
}

static uint64_t pg_changes(struct sql *sql)
{
	struct pg *pg = sql->db;

	return pg->changes;
}

static bool pg_in_transaction(struct sql *sql)
{
	struct pg *pg = sql->db;

	return pg->begun;
}

static err_t pg_run(struct sql *sql, const char *statements)
{
	struct pg *pg = sql->db;

	if (pg->running)
		put_aside(pg->running);
	TRY(settle(pg));
	return pg_ensure_connected(pg) ? pg_simple(pg, statements, NULL, 0) : ERR_STORE;
}

static void pg_close(struct sql *sql)
{
	struct pg *pg = sql->db;

	for (unsigned i = 0; i < pg->count && pg->stmts; i++) {
		reset(&pg->stmts[i]);
		free(pg->stmts[i].text);
	}
	PQfinish(pg->conn);
	free(pg->stmts);
	free(pg->url);
	free(pg->schema);
	free(pg);
}

static const struct sql_engine pg_engine = {
	.close = pg_close,
	.run = pg_run,
	.bind = pg_bind,
	.row = pg_row,
	.done = pg_done,
	.later = pg_later,
	.number = pg_number,
	.text = pg_text,
	.changes = pg_changes,
	.in_transaction = pg_in_transaction,
};

err_t sql_open_postgres(struct sql *sql, const struct sql_postgres_options *options,
			const char *const *texts, unsigned count, struct text *why)
{
	struct pg *pg;
	err_t err;

	TRY(pg_check_url(options->url, why));
	pg = calloc(1, sizeof *pg);
	if (!pg)
		return ERR_NOMEM;
	*sql = (struct sql){ .engine = &pg_engine, .db = pg };
	pg->texts = texts;
	pg->letter = options->letter;
	pg->locks = options->locks;
	pg->url = bytes_dup(bytes_of(options->url));
	pg->schema = bytes_dup(bytes_of(options->schema));
	pg->stmts = calloc(count, sizeof *pg->stmts);
	pg->count = count;
	for (unsigned i = 0; i < count && pg->stmts; i++) {
		pg->stmts[i].base.engine = &pg_engine;
		pg->stmts[i].pg = pg;
		snprintf(pg->stmts[i].name, sizeof pg->stmts[i].name, "%c%u", pg->letter, i);
	}
	err = pg->url && pg->schema && pg->stmts ? pg_connect(pg, why) : ERR_NOMEM;
	if (err)
		sql_close(sql);
	return err;
}
