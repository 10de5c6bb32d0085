#include "store/passages.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/log.h"

enum {
	SCHEMA_VERSION = 2,
	BUSY_MS = 5000, /* another process may be publishing into the same file */
	MATCH_MAX_BYTES = 16 * 1024,
};

static const char schema_sql[] =
	"DROP TABLE IF EXISTS passage_text; DROP TABLE IF EXISTS passage;"
	"DROP TABLE IF EXISTS setting;"
	"CREATE TABLE setting(name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"INSERT INTO setting VALUES('generation', 0), ('change', 0);"
	"CREATE TABLE passage(id INTEGER PRIMARY KEY, generation INTEGER NOT NULL,"
	" key TEXT NOT NULL, document TEXT NOT NULL, title TEXT NOT NULL, file TEXT NOT NULL,"
	" section TEXT NOT NULL, code TEXT NOT NULL, source TEXT NOT NULL, category TEXT NOT NULL,"
	" subject TEXT NOT NULL, metadata TEXT NOT NULL, item TEXT NOT NULL, body TEXT NOT NULL,"
	" kind INTEGER NOT NULL, ordinal INTEGER NOT NULL, words INTEGER NOT NULL,"
	" page_from INTEGER NOT NULL, page_to INTEGER NOT NULL, char_from INTEGER NOT NULL,"
	" char_to INTEGER NOT NULL, UNIQUE(generation, key)) STRICT;"
	"CREATE VIRTUAL TABLE passage_text USING fts5(title, section, body, content='passage',"
	" content_rowid='id', tokenize='porter unicode61 remove_diacritics 2');";

#define COLUMNS                                                                                 \
	"key, document, title, file, section, code, source, category, subject, metadata, item," \
	" body, kind, ordinal, words, page_from, page_to, char_from, char_to"
enum { COLUMN_TEXTS = 12, COLUMN_COUNT = 19 };

#define GENERATION_READ "(SELECT value FROM setting WHERE name = 'generation')"

static const char search_sql[] =
	"WITH hit AS MATERIALIZED (SELECT rowid AS at, -bm25(passage_text, 2.0, 2.0, 1.0) AS score"
	" FROM passage_text WHERE passage_text MATCH ?1)"
	" SELECT " COLUMNS ", score FROM hit JOIN passage ON id = at"
	" WHERE generation = " GENERATION_READ " ORDER BY score DESC, id LIMIT ?2";
static const char frequency_sql[] =
	"SELECT count(*) FROM passage_text JOIN passage p ON p.id = passage_text.rowid"
	" WHERE passage_text MATCH ?1 AND p.generation = " GENERATION_READ;
/* A view on the index of this connection's own: nothing of it is in the file. */
static const char stems_view_sql[] = "CREATE VIRTUAL TABLE IF NOT EXISTS temp.passage_stem"
				     " USING fts5vocab('main', 'passage_text', 'row')";
static const char stems_sql[] =
	"SELECT term, doc FROM temp.passage_stem WHERE term >= ?1 AND term < ?1 || char(1114111)";
static const char state_sql[] =
	"SELECT " GENERATION_READ ", (SELECT value FROM setting WHERE name = 'change'),"
	" (SELECT count(DISTINCT document) FROM passage WHERE generation = " GENERATION_READ "),"
	" (SELECT count(*) FROM passage WHERE generation = " GENERATION_READ ")";
static const char add_sql[] =
	"INSERT INTO passage(" COLUMNS ", generation)"
	" VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,"
	" ?19, ?20)";
static const char add_text_sql[] =
	"INSERT INTO passage_text(rowid, title, section, body) VALUES(?1, ?2, ?3, ?4)";
/* An index without its own copy of the text must be told the old words to forget them. */
static const char remove_text_sql[] =
	"INSERT INTO passage_text(passage_text, rowid, title, section, body)"
	" SELECT 'delete', id, title, section, body FROM passage WHERE generation = ?1"
	" AND (?2 IS NULL OR key = ?2) AND (?3 IS NULL OR document = ?3)";
static const char remove_sql[] =
	"DELETE FROM passage WHERE generation = ?1 AND (?2 IS NULL OR key = ?2)"
	" AND (?3 IS NULL OR document = ?3)";
static const char setting_sql[] = "UPDATE setting SET value = ?2 WHERE name = ?1";

enum statement { ADD, ADD_TEXT, REMOVE_TEXT, REMOVE, SETTING, STATEMENTS };

static const char *const statements_sql[STATEMENTS] = {
	[ADD] = add_sql,       [ADD_TEXT] = add_text_sql, [REMOVE_TEXT] = remove_text_sql,
	[REMOVE] = remove_sql, [SETTING] = setting_sql,
};

struct passages {
	struct { /* under the lock */
		pthread_mutex_t lock;
		pthread_cond_t freed;
		sqlite3 *idle[PASSAGES_READERS]; /* NULL: not opened yet, or lent */
		unsigned lent;
	} locked;
	char *path;
	sqlite3 *writer;
	sqlite3_stmt *statements[STATEMENTS]; /* the writer's */
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
	if (!err && version < SCHEMA_VERSION) /* older ones are fed anew: nothing is only here */
		err = run(db, schema_sql);
	if (!err && version < SCHEMA_VERSION)
		err = run(db, "PRAGMA user_version = 2");
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
	for (unsigned i = 0; i < STATEMENTS && !err; i++)
		err = prepare(p->writer, statements_sql[i], &p->statements[i]);
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
	assert(p->locked.lent == 0);
	for (unsigned i = 0; i < PASSAGES_READERS; i++)
		sqlite3_close(p->locked.idle[i]);
	for (unsigned i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(p->statements[i]);
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

/* Steps a statement that gives no rows. */
static err_t step(struct passages *p, enum statement which)
{
	sqlite3_stmt *stmt = p->statements[which];
	int code = sqlite3_step(stmt);

	sqlite3_reset(stmt);
	if (code == SQLITE_DONE)
		return ERR_OK;
	if (sqlite3_extended_errcode(p->writer) == SQLITE_CONSTRAINT_UNIQUE)
		return ERR_EXISTS;
	return failed(p->writer, statements_sql[which]);
}

/* Writing begins a transaction by itself; a commit ends it. */
static err_t writing(struct passages *p)
{
	return sqlite3_get_autocommit(p->writer) ? run(p->writer, "BEGIN IMMEDIATE") : ERR_OK;
}

static void bind_or_null(sqlite3_stmt *stmt, int at, const struct bytes *b)
{
	if (b)
		bind_text(stmt, at, *b);
	else
		sqlite3_bind_null(stmt, at);
}

/* One passage, those of a document, or (NULL, NULL) the whole generation. */
static err_t take_out(struct passages *p, uint64_t generation, const struct bytes *id,
		      const struct bytes *document)
{
	static const enum statement both[] = { REMOVE_TEXT, REMOVE };

	for (size_t i = 0; i < COUNT(both); i++) {
		sqlite3_stmt *stmt = p->statements[both[i]];

		sqlite3_bind_int64(stmt, 1, (sqlite3_int64)generation);
		bind_or_null(stmt, 2, id);
		bind_or_null(stmt, 3, document);
		TRY(step(p, both[i]));
	}
	return ERR_OK;
}

err_t passages_begin(struct passages *p, uint64_t generation)
{
	assert(generation > 0);
	TRY(writing(p));
	return take_out(p, generation, NULL, NULL);
}

err_t passages_add(struct passages *p, uint64_t generation, const struct passage *passage)
{
	const struct bytes texts[COLUMN_TEXTS] = {
		passage->id,	  passage->document, passage->title,  passage->file,
		passage->section, passage->code,     passage->source, passage->category,
		passage->subject, passage->metadata, passage->item,   passage->body,
	};
	const uint64_t numbers[] = {
		(uint64_t)passage->kind, passage->ordinal,   passage->words,   passage->page_from,
		passage->page_to,	 passage->char_from, passage->char_to, generation,
	};
	sqlite3_stmt *add = p->statements[ADD], *text = p->statements[ADD_TEXT];

	TRY(writing(p));
	for (int i = 0; i < COLUMN_TEXTS; i++)
		bind_text(add, i + 1, texts[i]);
	for (int i = 0; i < (int)COUNT(numbers); i++)
		sqlite3_bind_int64(add, COLUMN_TEXTS + i + 1, (sqlite3_int64)numbers[i]);
	TRY(step(p, ADD));
	sqlite3_bind_int64(text, 1, sqlite3_last_insert_rowid(p->writer));
	bind_text(text, 2, passage->title);
	bind_text(text, 3, passage->section);
	bind_text(text, 4, passage->body);
	return step(p, ADD_TEXT);
}

err_t passages_remove(struct passages *p, uint64_t generation, struct bytes id)
{
	TRY(writing(p));
	TRY(take_out(p, generation, &id, NULL));
	return sqlite3_changes(p->writer) ? ERR_OK : ERR_NOT_FOUND;
}

err_t passages_forget(struct passages *p, uint64_t generation, struct bytes document)
{
	TRY(writing(p));
	return take_out(p, generation, NULL, &document);
}

static err_t put_setting(struct passages *p, const char *name, uint64_t value)
{
	sqlite3_stmt *stmt = p->statements[SETTING];

	bind_text(stmt, 1, bytes_of(name));
	sqlite3_bind_int64(stmt, 2, (sqlite3_int64)value);
	return step(p, SETTING);
}

err_t passages_commit(struct passages *p, uint64_t generation, uint64_t change)
{
	err_t err;

	(void)generation; /* of one transaction, whichever generations it wrote to */
	TRY(writing(p));
	err = put_setting(p, "change", change);
	if (!err)
		err = run(p->writer, "COMMIT");
	if (err)
		passages_rollback(p);
	return err;
}

err_t passages_publish(struct passages *p, uint64_t generation, uint64_t change)
{
	err_t err;

	TRY(writing(p));
	err = put_setting(p, "generation", generation);
	if (err)
		passages_rollback(p);
	else
		err = passages_commit(p, generation, change);
	return err;
}

void passages_rollback(struct passages *p)
{
	if (!sqlite3_get_autocommit(p->writer))
		(void)run(p->writer, "ROLLBACK");
}

void passages_drop(struct passages *p, uint64_t generation)
{
	passages_rollback(p);
	if (writing(p) || take_out(p, generation, NULL, NULL) || run(p->writer, "COMMIT"))
		passages_rollback(p);
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

static uint64_t number(sqlite3_stmt *stmt, int at)
{
	return (uint64_t)sqlite3_column_int64(stmt, at);
}

static void row_read(sqlite3_stmt *stmt, struct passage *ret_passage)
{
	*ret_passage = (struct passage){
		.id = column(stmt, 0),
		.document = column(stmt, 1),
		.title = column(stmt, 2),
		.file = column(stmt, 3),
		.section = column(stmt, 4),
		.code = column(stmt, 5),
		.source = column(stmt, 6),
		.category = column(stmt, 7),
		.subject = column(stmt, 8),
		.metadata = column(stmt, 9),
		.item = column(stmt, 10),
		.body = column(stmt, 11),
		.kind = (enum passage_kind)number(stmt, 12),
		.ordinal = (uint32_t)number(stmt, 13),
		.words = (uint32_t)number(stmt, 14),
		.page_from = (uint32_t)number(stmt, 15),
		.page_to = (uint32_t)number(stmt, 16),
		.char_from = number(stmt, 17),
		.char_to = number(stmt, 18),
		.score = sqlite3_column_double(stmt, COLUMN_COUNT),
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
			.change = (uint64_t)sqlite3_column_int64(stmt, 1),
			.documents = (uint64_t)sqlite3_column_int64(stmt, 2),
			.passages = (uint64_t)sqlite3_column_int64(stmt, 3),
		};
	else if (!err)
		err = failed(db, "state");
	sqlite3_finalize(stmt);
	give_back(p, db);
	return err;
}
