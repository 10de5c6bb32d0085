#include "store/passages.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/log.h"

enum {
	SCHEMA_VERSION = 1,
	BUSY_MS = 5000, /* another process may be publishing into the same file */
	MATCH_MAX_BYTES = 16 * 1024,
};

static const char schema_sql[] =
	"CREATE TABLE setting(name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"INSERT INTO setting VALUES('generation', 0);"
	"CREATE TABLE passage(id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE,"
	" document TEXT NOT NULL, title TEXT NOT NULL, file TEXT NOT NULL, section TEXT NOT NULL,"
	" source TEXT NOT NULL, category TEXT NOT NULL, body TEXT NOT NULL,"
	" char_from INTEGER NOT NULL) STRICT;"
	"CREATE VIRTUAL TABLE passage_text USING fts5(title, section, body, content='passage',"
	" content_rowid='id', tokenize='porter unicode61 remove_diacritics 2');";

static const char search_sql[] =
	"SELECT p.key, p.document, p.title, p.file, p.section, p.source, p.category, p.body,"
	" p.char_from, -bm25(passage_text, 2.0, 2.0, 1.0) AS score"
	" FROM passage_text JOIN passage p ON p.id = passage_text.rowid"
	" WHERE passage_text MATCH ?1 ORDER BY score DESC, p.id LIMIT ?2";

static const char frequency_sql[] = "SELECT count(*) FROM passage_text WHERE passage_text MATCH ?1";
/* A view on the index of this connection's own: nothing of it is in the file. */
static const char stems_view_sql[] = "CREATE VIRTUAL TABLE IF NOT EXISTS temp.passage_stem"
				     " USING fts5vocab('main', 'passage_text', 'row')";
static const char stems_sql[] =
	"SELECT term, doc FROM temp.passage_stem WHERE term >= ?1 AND term < ?1 || char(1114111)";
static const char state_sql[] =
	"SELECT (SELECT value FROM setting WHERE name = 'generation'),"
	" (SELECT count(DISTINCT document) FROM passage), (SELECT count(*) FROM passage)";
static const char add_sql[] =
	"INSERT INTO passage(key, document, title, file, section, source, category, body, char_from)"
	" VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
static const char add_text_sql[] =
	"INSERT INTO passage_text(rowid, title, section, body) VALUES(?1, ?2, ?3, ?4)";

struct passages {
	struct { /* under the lock */
		pthread_mutex_t lock;
		pthread_cond_t freed;
		sqlite3 *idle[PASSAGES_READERS]; /* NULL: not opened yet, or lent */
		unsigned lent;
	} locked;
	char *path;
	sqlite3 *writer;
	bool rebuilding;
};

struct passages_rebuild {
	struct passages *passages;
	sqlite3_stmt *add, *add_text;
};

/* ---- Connections ---- */

static err_t failed(sqlite3 *db, const char *doing)
{
	int code = sqlite3_errcode(db);

	log_error("store", "passages: %s: %s", doing, sqlite3_errmsg(db));
	return code == SQLITE_NOMEM ? ERR_NOMEM : ERR_STORE;
}

static err_t run(sqlite3 *db, const char *sql)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? ERR_OK : failed(db, sql);
}

static err_t prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret_stmt)
{
	if (sqlite3_prepare_v2(db, sql, -1, ret_stmt, NULL) != SQLITE_OK)
		return failed(db, "prepare");
	return ERR_OK;
}

static err_t connection_open(const char *path, sqlite3 **ret_db)
{
	sqlite3 *db = NULL;
	err_t err = ERR_OK;

	if (sqlite3_open_v2(path, &db,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
			    NULL) != SQLITE_OK)
		err = db ? failed(db, "open") : ERR_NOMEM;
	if (!err) {
		sqlite3_busy_timeout(db, BUSY_MS);
		err = run(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
			      "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;");
	}
	if (err) {
		sqlite3_close(db);
		return err;
	}
	*ret_db = db;
	return ERR_OK;
}

static err_t schema_ensure(sqlite3 *db)
{
	sqlite3_stmt *stmt;
	int version = 0;
	err_t err;

	TRY(run(db, "BEGIN IMMEDIATE"));
	err = prepare(db, "PRAGMA user_version", &stmt);
	if (!err && sqlite3_step(stmt) == SQLITE_ROW)
		version = sqlite3_column_int(stmt, 0);
	if (!err)
		sqlite3_finalize(stmt);
	if (!err && version == 0)
		err = run(db, schema_sql);
	if (!err && version == 0)
		err = run(db, "PRAGMA user_version = 1");
	if (!err && version > SCHEMA_VERSION) {
		log_error("store", "passages: the file is of a newer version (%d)", version);
		err = ERR_STORE;
	}
	if (err) {
		(void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
		return err;
	}
	return run(db, "COMMIT");
}

/* Lends a connection, opening one where there is room; waits for one where there is none. */
static err_t borrow(struct passages *p, sqlite3 **ret_db)
{
	sqlite3 *db = NULL;
	err_t err = ERR_OK;

	pthread_mutex_lock(&p->locked.lock);
	while (p->locked.lent == PASSAGES_READERS)
		pthread_cond_wait(&p->locked.freed, &p->locked.lock);
	p->locked.lent++;
	for (unsigned i = 0; i < PASSAGES_READERS && !db; i++) {
		db = p->locked.idle[i];
		p->locked.idle[i] = NULL;
	}
	pthread_mutex_unlock(&p->locked.lock);

	if (!db)
		err = connection_open(p->path, &db);
	if (err) {
		pthread_mutex_lock(&p->locked.lock);
		p->locked.lent--;
		pthread_cond_signal(&p->locked.freed);
		pthread_mutex_unlock(&p->locked.lock);
		return err;
	}
	*ret_db = db;
	return ERR_OK;
}

static void give_back(struct passages *p, sqlite3 *db)
{
	pthread_mutex_lock(&p->locked.lock);
	for (unsigned i = 0; i < PASSAGES_READERS && db; i++) {
		if (p->locked.idle[i])
			continue;
		p->locked.idle[i] = db;
		db = NULL;
	}
	assert(!db); /* no more are lent than there are places for */
	p->locked.lent--;
	pthread_cond_signal(&p->locked.freed);
	pthread_mutex_unlock(&p->locked.lock);
}

static void tell_why(char **ret_why, const char *path, err_t err)
{
	if (ret_why && asprintf(ret_why, "The document index %s cannot be opened: %s.", path,
				err_words(err)) < 0)
		*ret_why = NULL;
}

err_t passages_open(const char *path, struct passages **ret_passages, char **ret_why)
{
	struct passages *p = calloc(1, sizeof *p);
	mode_t mask;
	err_t err;

	if (!p)
		return ERR_NOMEM;
	pthread_mutex_init(&p->locked.lock, NULL);
	pthread_cond_init(&p->locked.freed, NULL);
	p->path = bytes_dup(bytes_of(path));
	mask = umask(077); /* SQLite gives its -wal and -shm files the mode of the file itself */
	err = p->path ? connection_open(path, &p->writer) : ERR_NOMEM;
	umask(mask);
	if (!err)
		err = schema_ensure(p->writer);
	if (err) {
		tell_why(ret_why, path, err);
		passages_close(p);
		return err;
	}
	*ret_passages = p;
	return ERR_OK;
}

void passages_close(struct passages *p)
{
	if (!p)
		return;
	assert(p->locked.lent == 0 && !p->rebuilding);
	for (unsigned i = 0; i < PASSAGES_READERS; i++)
		sqlite3_close(p->locked.idle[i]);
	sqlite3_close(p->writer);
	pthread_cond_destroy(&p->locked.freed);
	pthread_mutex_destroy(&p->locked.lock);
	free(p->path);
	free(p);
}

/* ---- Writing ---- */

static void bind_text(sqlite3_stmt *stmt, int at, struct bytes b)
{
	/* STATIC: every statement is stepped and cleared before the slice's owner goes on. */
	sqlite3_bind_text64(stmt, at, b.at ? b.at : "", b.len, SQLITE_STATIC, SQLITE_UTF8);
}

static void rebuild_free(struct passages_rebuild *rebuild)
{
	sqlite3_finalize(rebuild->add);
	sqlite3_finalize(rebuild->add_text);
	rebuild->passages->rebuilding = false;
	free(rebuild);
}

err_t passages_rebuild(struct passages *p, struct passages_rebuild **ret_rebuild)
{
	struct passages_rebuild *rebuild;
	err_t err;

	assert(!p->rebuilding);
	rebuild = calloc(1, sizeof *rebuild);
	if (!rebuild)
		return ERR_NOMEM;
	rebuild->passages = p;
	p->rebuilding = true;
	err = run(p->writer, "BEGIN IMMEDIATE");
	if (!err)
		err = run(p->writer, "DELETE FROM passage;"
				     "INSERT INTO passage_text(passage_text) VALUES('delete-all')");
	if (!err)
		err = prepare(p->writer, add_sql, &rebuild->add);
	if (!err)
		err = prepare(p->writer, add_text_sql, &rebuild->add_text);
	if (err) {
		passages_abandon(rebuild);
		return err;
	}
	*ret_rebuild = rebuild;
	return ERR_OK;
}

err_t passages_add(struct passages_rebuild *rebuild, const struct passage *passage)
{
	const struct bytes columns[] = {
		passage->id,	  passage->document, passage->title,	passage->file,
		passage->section, passage->source,   passage->category, passage->body,
	};
	sqlite3 *db = rebuild->passages->writer;
	int code;

	for (size_t i = 0; i < COUNT(columns); i++)
		bind_text(rebuild->add, (int)i + 1, columns[i]);
	sqlite3_bind_int64(rebuild->add, (int)COUNT(columns) + 1,
			   (sqlite3_int64)passage->char_from);
	code = sqlite3_step(rebuild->add);
	sqlite3_reset(rebuild->add);
	if (code != SQLITE_DONE)
		return sqlite3_extended_errcode(db) == SQLITE_CONSTRAINT_UNIQUE ? ERR_EXISTS
										: failed(db, "add");

	sqlite3_bind_int64(rebuild->add_text, 1, sqlite3_last_insert_rowid(db));
	bind_text(rebuild->add_text, 2, passage->title);
	bind_text(rebuild->add_text, 3, passage->section);
	bind_text(rebuild->add_text, 4, passage->body);
	code = sqlite3_step(rebuild->add_text);
	sqlite3_reset(rebuild->add_text);
	return code == SQLITE_DONE ? ERR_OK : failed(db, "index");
}

err_t passages_publish(struct passages_rebuild *rebuild, uint64_t *ret_generation)
{
	struct passages *p = rebuild->passages;
	struct passages_state state;
	err_t err = run(p->writer,
			"UPDATE setting SET value = value + 1 WHERE name = 'generation'");

	if (!err)
		err = run(p->writer, "COMMIT");
	if (err) {
		passages_abandon(rebuild);
		return err;
	}
	rebuild_free(rebuild);
	TRY(passages_state(p, &state));
	*ret_generation = state.generation;
	return ERR_OK;
}

void passages_abandon(struct passages_rebuild *rebuild)
{
	if (!rebuild)
		return;
	if (!sqlite3_get_autocommit(rebuild->passages->writer))
		(void)run(rebuild->passages->writer, "ROLLBACK");
	rebuild_free(rebuild);
}

/* ---- Reading ---- */

void passages_match(struct text *out, const struct bytes *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		text_add_str(out, i ? " OR \"" : "\"");
		for (size_t k = 0; k < words[i].len; k++) {
			char c = words[i].at[k];

			if (c == '"')
				text_add_char(out, '"');
			text_add_char(out, c == '\0' ? ' ' : c);
		}
		text_add_char(out, '"');
	}
}

static struct bytes column(sqlite3_stmt *stmt, int at)
{
	const void *text = sqlite3_column_text(stmt, at);

	return bytes_make(text, (size_t)sqlite3_column_bytes(stmt, at));
}

static void row_read(sqlite3_stmt *stmt, struct passage *ret_passage)
{
	*ret_passage = (struct passage){
		.id = column(stmt, 0),
		.document = column(stmt, 1),
		.title = column(stmt, 2),
		.file = column(stmt, 3),
		.section = column(stmt, 4),
		.source = column(stmt, 5),
		.category = column(stmt, 6),
		.body = column(stmt, 7),
		.char_from = (uint64_t)sqlite3_column_int64(stmt, 8),
		.score = sqlite3_column_double(stmt, 9),
	};
}

/* Binds the words to ?1 of a statement. */
static err_t bind_match(sqlite3_stmt *stmt, const struct bytes *words, size_t count)
{
	struct text match = TEXT_INIT(MATCH_MAX_BYTES);
	err_t err;

	passages_match(&match, words, size_min(count, PASSAGES_WORDS_MAX));
	err = text_err(&match);
	if (!err)
		sqlite3_bind_text64(stmt, 1, text_str(&match), match.len, SQLITE_TRANSIENT,
				    SQLITE_UTF8);
	text_fini(&match);
	return err;
}

err_t passages_search(struct passages *p, const struct bytes *words, size_t count, unsigned limit,
		      passages_each_fn each, void *owner)
{
	sqlite3_stmt *stmt = NULL;
	sqlite3 *db;
	int code = SQLITE_DONE;
	err_t err;

	if (count == 0)
		return ERR_OK;
	TRY(borrow(p, &db));
	err = prepare(db, search_sql, &stmt);
	if (!err)
		err = bind_match(stmt, words, count);
	if (!err) {
		sqlite3_bind_int64(stmt, 2, limit);
		while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
			struct passage passage;

			row_read(stmt, &passage);
			if (!each(owner, &passage))
				break;
		}
		if (code != SQLITE_ROW && code != SQLITE_DONE)
			err = failed(db, "search");
	}
	sqlite3_finalize(stmt);
	give_back(p, db);
	return err;
}

err_t passages_frequency(struct passages *p, struct bytes word, uint64_t *ret_count)
{
	sqlite3_stmt *stmt = NULL;
	sqlite3 *db;
	err_t err;

	TRY(borrow(p, &db));
	err = prepare(db, frequency_sql, &stmt);
	if (!err)
		err = bind_match(stmt, &word, 1);
	if (!err && sqlite3_step(stmt) == SQLITE_ROW)
		*ret_count = (uint64_t)sqlite3_column_int64(stmt, 0);
	else if (!err)
		err = failed(db, "frequency");
	sqlite3_finalize(stmt);
	give_back(p, db);
	return err;
}

err_t passages_stems(struct passages *p, struct bytes prefix, passages_stem_fn each, void *owner)
{
	sqlite3_stmt *stmt = NULL;
	sqlite3 *db;
	int code;
	err_t err;

	assert(prefix.len > 0);
	TRY(borrow(p, &db));
	err = run(db, stems_view_sql);
	if (!err)
		err = prepare(db, stems_sql, &stmt);
	if (!err) {
		bind_text(stmt, 1, prefix);
		while ((code = sqlite3_step(stmt)) == SQLITE_ROW)
			if (!each(owner, column(stmt, 0), (uint64_t)sqlite3_column_int64(stmt, 1)))
				break;
		if (code != SQLITE_ROW && code != SQLITE_DONE)
			err = failed(db, "stems");
	}
	sqlite3_finalize(stmt);
	give_back(p, db);
	return err;
}

err_t passages_state(struct passages *p, struct passages_state *ret_state)
{
	sqlite3_stmt *stmt = NULL;
	sqlite3 *db;
	err_t err;

	TRY(borrow(p, &db));
	err = prepare(db, state_sql, &stmt);
	if (!err && sqlite3_step(stmt) == SQLITE_ROW)
		*ret_state = (struct passages_state){
			.generation = (uint64_t)sqlite3_column_int64(stmt, 0),
			.documents = (uint64_t)sqlite3_column_int64(stmt, 1),
			.passages = (uint64_t)sqlite3_column_int64(stmt, 2),
		};
	else if (!err)
		err = failed(db, "state");
	sqlite3_finalize(stmt);
	give_back(p, db);
	return err;
}
