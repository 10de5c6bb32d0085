/*
 * The embedded engine. One connection in WAL mode with synchronous=FULL: a commit returns after
 * the log is on disk, and a kill at any instant leaves either the old state or the new one.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/log.h"
#include "store/store_engine.h"

enum {
	BUSY_MS = 5000,		     /* somebody looks into the file with another tool */
	APPLICATION_ID = 0x57454952, /* "WEIR" in the file's header */
	SCHEMA_LATEST = 1,
};

/* migrations[n] makes schema n+1 out of schema n. Rows are only ever appended. */
static const char *const migrations[SCHEMA_LATEST] = {
	/* seq is the order of creation; AUTOINCREMENT, so that it is never used twice. */
	"CREATE TABLE resource ("
	"  seq INTEGER PRIMARY KEY AUTOINCREMENT,"
	"  kind TEXT NOT NULL, id TEXT NOT NULL, parent TEXT NOT NULL,"
	"  version INTEGER NOT NULL, body TEXT NOT NULL,"
	"  UNIQUE (kind, id));"
	"CREATE INDEX resource_by_kind ON resource (kind, seq);"
	"CREATE INDEX resource_by_parent ON resource (kind, parent, seq);"
	"CREATE TABLE name ("
	"  kind TEXT NOT NULL, name TEXT NOT NULL, id TEXT NOT NULL,"
	"  PRIMARY KEY (kind, name)) WITHOUT ROWID;"
	"CREATE TABLE setting (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;",
};

enum statement {
	BEGIN,
	COMMIT,
	ROLLBACK,
	INSERT,
	UPDATE,
	REMOVE,
	GET,
	SEQ,
	EACH,
	EACH_OF_KIND,
	EACH_OF_PARENT,
	SCAN,
	COUNT_OF_KIND,
	COUNT_OF_PARENT,
	NAME_PUT,
	NAME_GET,
	NAME_DELETE,
	SETTING_GET,
	SETTING_PUT,
	STATEMENTS,
};

static const char *const sql[STATEMENTS] = {
	/* IMMEDIATE: a transaction that reads and then writes never has to start over. */
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
	[INSERT] = "INSERT INTO resource (kind, id, parent, body, version)"
		   " VALUES (?1, ?2, ?3, ?4, 1)",
	[UPDATE] = "UPDATE resource SET parent = ?3, body = ?4, version = version + 1"
		   " WHERE kind = ?1 AND id = ?2 AND (?5 = 0 OR version = ?5)",
	[REMOVE] = "DELETE FROM resource WHERE kind = ?1 AND id = ?2",
	[GET] = "SELECT kind, id, parent, body, version FROM resource WHERE kind = ?1 AND id = ?2",
	[SEQ] = "SELECT seq FROM resource WHERE kind = ?1 AND id = ?2",
	[EACH] = "SELECT kind, id, parent, body, version FROM resource WHERE seq > ?3 ORDER BY seq",
	[EACH_OF_KIND] = "SELECT kind, id, parent, body, version FROM resource"
			 " WHERE kind = ?1 AND seq > ?3 ORDER BY seq",
	[EACH_OF_PARENT] = "SELECT kind, id, parent, body, version FROM resource"
			   " WHERE kind = ?1 AND parent = ?2 AND seq > ?3 ORDER BY seq",
	[SCAN] = "SELECT kind, id, parent, body, version FROM resource"
		 " WHERE kind = ?1 AND id >= ?2 ORDER BY id",
	[COUNT_OF_KIND] = "SELECT count(*) FROM resource WHERE kind = ?1",
	[COUNT_OF_PARENT] = "SELECT count(*) FROM resource WHERE kind = ?1 AND parent = ?2",
	[NAME_PUT] = "INSERT INTO name (kind, name, id) VALUES (?1, ?2, ?3)",
	[NAME_GET] = "SELECT id FROM name WHERE kind = ?1 AND name = ?2",
	[NAME_DELETE] = "DELETE FROM name WHERE kind = ?1 AND name = ?2",
	[SETTING_GET] = "SELECT value FROM setting WHERE key = ?1",
	[SETTING_PUT] = "INSERT INTO setting (key, value) VALUES (?1, ?2)"
			" ON CONFLICT (key) DO UPDATE SET value = excluded.value",
};

struct store_db {
	sqlite3 *handle;
	sqlite3_stmt *cached[STATEMENTS]; /* prepared when first wanted */
};

/* A full disk is a file that cannot grow, or WAL's map of shared memory that cannot. */
static bool disk_is_full(int extended_code)
{
	return (extended_code & 0xff) == SQLITE_FULL || extended_code == SQLITE_IOERR_SHMSIZE;
}

static err_t failed(struct store_db *db, const char *doing)
{
	int code = sqlite3_extended_errcode(db->handle);

	if (code == SQLITE_NOMEM)
		return ERR_NOMEM;
	log_error("store", "%s: %s", doing, sqlite3_errmsg(db->handle));
	return disk_is_full(code) ? ERR_NO_SPACE : ERR_STORE;
}

/* ---- Statements ---- */

static sqlite3_stmt *prepare(struct store_db *db, enum statement which)
{
	sqlite3_stmt *made = NULL;

	if (sqlite3_prepare_v3(db->handle, sql[which], -1, SQLITE_PREPARE_PERSISTENT, &made,
			       NULL) != SQLITE_OK)
		return NULL;
	return made;
}

/* The cached one, or a fresh one while that is still stepping (a listing inside a listing). */
static err_t take(struct store_db *db, enum statement which, sqlite3_stmt **ret_statement)
{
	sqlite3_stmt *statement;

	if (!db->cached[which])
		db->cached[which] = prepare(db, which);
	statement = db->cached[which];
	if (statement && sqlite3_stmt_busy(statement))
		statement = prepare(db, which);
	if (!statement)
		return failed(db, sql[which]);
	*ret_statement = statement;
	return ERR_OK;
}

static void give_back(struct store_db *db, enum statement which, sqlite3_stmt *statement)
{
	if (statement != db->cached[which]) {
		sqlite3_finalize(statement);
		return;
	}
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
}

/* Text the caller keeps until give_back; NULL binds NULL. */
static void bind(sqlite3_stmt *statement, int at, const char *text)
{
	if (text)
		sqlite3_bind_text(statement, at, text, -1, SQLITE_STATIC);
}

static const char *column(sqlite3_stmt *statement, int at)
{
	const unsigned char *text = sqlite3_column_text(statement, at);

	return text ? (const char *)text : "";
}

/* Runs a statement that gives no rows; *ret_changed (if wanted) says how many it touched. */
static err_t finish(struct store_db *db, enum statement which, sqlite3_stmt *statement,
		    int *ret_changed)
{
	int code = sqlite3_step(statement);
	err_t err = ERR_OK;

	if (code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY)
		err = ERR_EXISTS;
	else if (code != SQLITE_DONE)
		err = failed(db, sql[which]);
	if (ret_changed)
		*ret_changed = err ? 0 : sqlite3_changes(db->handle);
	give_back(db, which, statement);
	return err;
}

/* The same with up to three texts bound in order. */
static err_t run(struct store_db *db, enum statement which, const char *a, const char *b,
		 const char *c, int *ret_changed)
{
	sqlite3_stmt *statement;

	TRY(take(db, which, &statement));
	bind(statement, 1, a);
	if (b)
		bind(statement, 2, b);
	if (c)
		bind(statement, 3, c);
	return finish(db, which, statement, ret_changed);
}

/* One text out of one row; the caller frees it. */
static err_t fetch(struct store_db *db, enum statement which, const char *a, const char *b,
		   char **ret_text)
{
	sqlite3_stmt *statement;
	char *text = NULL;
	err_t err = ERR_OK;
	int code;

	TRY(take(db, which, &statement));
	bind(statement, 1, a);
	if (b)
		bind(statement, 2, b);
	code = sqlite3_step(statement);
	if (code == SQLITE_DONE)
		err = ERR_NOT_FOUND;
	else if (code != SQLITE_ROW)
		err = failed(db, sql[which]);
	else if (!(text = strdup(column(statement, 0))))
		err = ERR_NOMEM;
	give_back(db, which, statement);
	if (!err)
		*ret_text = text;
	return err;
}

/* ---- Transactions ---- */

static err_t sqlite_begin(struct store_db *db)
{
	return run(db, BEGIN, NULL, NULL, NULL, NULL);
}

static void sqlite_rollback(struct store_db *db)
{
	/* A full disk or a failed write makes SQLite roll back by itself. */
	if (!sqlite3_get_autocommit(db->handle))
		run(db, ROLLBACK, NULL, NULL, NULL, NULL);
}

static err_t sqlite_commit(struct store_db *db)
{
	err_t err = run(db, COMMIT, NULL, NULL, NULL, NULL);

	if (err)
		sqlite_rollback(db);
	return err;
}

/* ---- Resources ---- */

static void bind_row(sqlite3_stmt *statement, const struct store_row *row)
{
	bind(statement, 1, row->kind);
	bind(statement, 2, row->id);
	bind(statement, 3, row->parent);
	sqlite3_bind_text64(statement, 4, row->body.at, row->body.len, SQLITE_STATIC, SQLITE_UTF8);
}

static err_t sqlite_insert(struct store_db *db, const struct store_row *row)
{
	sqlite3_stmt *statement;

	TRY(take(db, INSERT, &statement));
	bind_row(statement, row);
	return finish(db, INSERT, statement, NULL);
}

static err_t find_seq(struct store_db *db, const char *kind, const char *id, sqlite3_int64 *ret_seq)
{
	sqlite3_stmt *statement;
	err_t err = ERR_OK;
	int code;

	TRY(take(db, SEQ, &statement));
	bind(statement, 1, kind);
	bind(statement, 2, id);
	code = sqlite3_step(statement);
	if (code == SQLITE_ROW)
		*ret_seq = sqlite3_column_int64(statement, 0);
	else
		err = code == SQLITE_DONE ? ERR_NOT_FOUND : failed(db, sql[SEQ]);
	give_back(db, SEQ, statement);
	return err;
}

static err_t sqlite_update(struct store_db *db, const struct store_row *row)
{
	sqlite3_stmt *statement;
	sqlite3_int64 seq;
	int changed;

	TRY(take(db, UPDATE, &statement));
	bind_row(statement, row);
	sqlite3_bind_int64(statement, 5, (sqlite3_int64)row->version);
	TRY(finish(db, UPDATE, statement, &changed));
	if (changed)
		return ERR_OK;
	TRY(find_seq(db, row->kind, row->id, &seq));
	return ERR_CONFLICT;
}

static err_t sqlite_remove(struct store_db *db, const char *kind, const char *id)
{
	int changed;

	TRY(run(db, REMOVE, kind, id, NULL, &changed));
	return changed ? ERR_OK : ERR_NOT_FOUND;
}

static struct store_row row_of(sqlite3_stmt *statement)
{
	struct store_row row = {
		.kind = column(statement, 0),
		.id = column(statement, 1),
		.parent = column(statement, 2),
		.body.at = column(statement, 3),
		.version = (uint64_t)sqlite3_column_int64(statement, 4),
	};

	row.body.len = (size_t)sqlite3_column_bytes(statement, 3);
	return row;
}

static err_t sqlite_get(struct store_db *db, const char *kind, const char *id, store_row_fn found,
			void *owner)
{
	sqlite3_stmt *statement;
	err_t err = ERR_OK;
	int code;

	TRY(take(db, GET, &statement));
	bind(statement, 1, kind);
	bind(statement, 2, id);
	code = sqlite3_step(statement);
	if (code == SQLITE_ROW) {
		struct store_row row = row_of(statement);

		found(owner, &row);
	} else {
		err = code == SQLITE_DONE ? ERR_NOT_FOUND : failed(db, sql[GET]);
	}
	give_back(db, GET, statement);
	return err;
}

static err_t step_rows(struct store_db *db, enum statement which, sqlite3_stmt *statement,
		       store_row_fn each, void *owner)
{
	bool more = true;
	int code = SQLITE_DONE;
	err_t err = ERR_OK;

	while (more && (code = sqlite3_step(statement)) == SQLITE_ROW) {
		struct store_row row = row_of(statement);

		more = each(owner, &row);
	}
	if (more && code != SQLITE_DONE)
		err = failed(db, sql[which]);
	give_back(db, which, statement);
	return err;
}

static err_t sqlite_each(struct store_db *db, const char *kind, const char *parent,
			 const char *after_id, store_row_fn each, void *owner)
{
	enum statement which = !kind ? EACH : !parent ? EACH_OF_KIND : EACH_OF_PARENT;
	sqlite3_stmt *statement;
	sqlite3_int64 after = 0;

	assert(kind || (!after_id && !parent));
	if (after_id)
		TRY(find_seq(db, kind, after_id, &after));
	TRY(take(db, which, &statement));
	bind(statement, 1, kind);
	bind(statement, 2, parent);
	sqlite3_bind_int64(statement, 3, after);
	return step_rows(db, which, statement, each, owner);
}

static err_t sqlite_scan(struct store_db *db, const char *kind, const char *from_id,
			 store_row_fn each, void *owner)
{
	sqlite3_stmt *statement;

	TRY(take(db, SCAN, &statement));
	bind(statement, 1, kind);
	bind(statement, 2, from_id);
	return step_rows(db, SCAN, statement, each, owner);
}

static err_t sqlite_count(struct store_db *db, const char *kind, const char *parent,
			  uint64_t *ret_count)
{
	enum statement which = parent ? COUNT_OF_PARENT : COUNT_OF_KIND;
	sqlite3_stmt *statement;
	err_t err = ERR_OK;

	TRY(take(db, which, &statement));
	bind(statement, 1, kind);
	bind(statement, 2, parent);
	if (sqlite3_step(statement) == SQLITE_ROW)
		*ret_count = (uint64_t)sqlite3_column_int64(statement, 0);
	else
		err = failed(db, sql[which]);
	give_back(db, which, statement);
	return err;
}

/* ---- Names and settings ---- */

static err_t sqlite_name_put(struct store_db *db, const char *kind, const char *name,
			     const char *id)
{
	return run(db, NAME_PUT, kind, name, id, NULL);
}

static err_t sqlite_name_get(struct store_db *db, const char *kind, const char *name, char **ret_id)
{
	return fetch(db, NAME_GET, kind, name, ret_id);
}

static err_t sqlite_name_delete(struct store_db *db, const char *kind, const char *name)
{
	int changed;

	TRY(run(db, NAME_DELETE, kind, name, NULL, &changed));
	return changed ? ERR_OK : ERR_NOT_FOUND;
}

static err_t sqlite_setting_get(struct store_db *db, const char *key, char **ret_value)
{
	return fetch(db, SETTING_GET, key, NULL, ret_value);
}

static err_t sqlite_setting_put(struct store_db *db, const char *key, const char *value)
{
	return run(db, SETTING_PUT, key, value, NULL, NULL);
}

static err_t execute(struct store_db *db, const char *text)
{
	if (sqlite3_exec(db->handle, text, NULL, NULL, NULL) != SQLITE_OK)
		return failed(db, text);
	return ERR_OK;
}

static err_t sqlite_clear(struct store_db *db)
{
	return execute(db, "DELETE FROM resource; DELETE FROM name;");
}

/* ---- Opening ---- */

/* The first column of the first row, as a number. ERR_SYNTAX when the file makes no sense. */
static err_t ask_number(struct store_db *db, const char *question, sqlite3_int64 *ret_number)
{
	sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(db->handle, question, -1, &statement, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	if (code == SQLITE_ROW)
		*ret_number = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	if (disk_is_full(code))
		return ERR_NO_SPACE;
	code &= 0xff; /* without the extended detail */
	if (code == SQLITE_ROW)
		return ERR_OK;
	return code == SQLITE_NOTADB || code == SQLITE_CORRUPT ? ERR_SYNTAX : ERR_STORE;
}

/* Is this file ours, whole, and not from the future? */
static err_t look_inside(struct store_db *db, const char *path, sqlite3_int64 *ret_schema,
			 struct text *why)
{
	sqlite3_int64 application = 0, tables = 0, whole = 0;
	err_t err = ask_number(db, "PRAGMA application_id", &application);

	if (!err)
		err = ask_number(db, "SELECT count(*) FROM sqlite_schema", &tables);
	if (!err)
		err = ask_number(db, "PRAGMA user_version", ret_schema);
	if (!err)
		err = ask_number(db, "SELECT quick_check = 'ok' FROM pragma_quick_check(1)",
				 &whole);
	if (err == ERR_SYNTAX || (!err && !whole)) {
		text_printf(why,
			    "%s is damaged or not a database of Weir's. Move it away to start "
			    "empty, or put a good copy in its place.",
			    path);
		return ERR_STORE;
	}
	if (err) {
		text_printf(why, "%s cannot be read: %s.", path,
			    err == ERR_NO_SPACE ? err_words(err) : sqlite3_errmsg(db->handle));
		return err;
	}
	if (application != APPLICATION_ID && (application || tables)) {
		text_printf(why, "%s is a database of another program. Weir leaves it alone.",
			    path);
		return ERR_STORE;
	}
	if (*ret_schema > SCHEMA_LATEST) {
		text_printf(why,
			    "%s was written by a newer Weir (schema %lld; this one knows up to "
			    "%d). Start the newer one.",
			    path, (long long)*ret_schema, SCHEMA_LATEST);
		return ERR_STORE;
	}
	return ERR_OK;
}

/* Every step is one transaction with its number in it: a kill between two resumes at the second. */
static err_t migrate(struct store_db *db, sqlite3_int64 schema)
{
	for (; schema < SCHEMA_LATEST; schema++) {
		char number[96];
		err_t err = execute(db, "BEGIN IMMEDIATE");

		snprintf(number, sizeof number,
			 "PRAGMA user_version = %lld; PRAGMA application_id = %d; COMMIT;",
			 (long long)schema + 1, APPLICATION_ID);
		if (!err)
			err = execute(db, migrations[schema]);
		if (!err)
			err = execute(db, number);
		if (err) {
			sqlite_rollback(db);
			return err;
		}
	}
	return ERR_OK;
}

/* SQLite would make the file with the umask's rights, and its log files copy those. */
static err_t make_private(const char *path, struct text *why)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	err_t err = ERR_OK;

	if (fd < 0 || fchmod(fd, 0600) != 0) {
		err = errno == EACCES || errno == EPERM || errno == EROFS ? ERR_DENIED : ERR_SYSTEM;
		text_printf(why, "%s cannot be opened for writing: %s.", path, strerror(errno));
	}
	if (fd >= 0)
		close(fd);
	return err;
}

static void sqlite_close(struct store_db *db)
{
	if (!db)
		return;
	for (size_t i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(db->cached[i]);
	sqlite3_close(db->handle);
	free(db);
}

static err_t open_file(struct store_db *db, const char *path, struct text *why)
{
	sqlite3_int64 schema = 0;
	err_t err;

	TRY(make_private(path, why));
	if (sqlite3_open_v2(path, &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
	    SQLITE_OK) {
		text_printf(why, "%s cannot be opened: %s.", path, sqlite3_errmsg(db->handle));
		return ERR_STORE;
	}
	sqlite3_extended_result_codes(db->handle, 1);
	sqlite3_busy_timeout(db->handle, BUSY_MS);
	TRY(look_inside(db, path, &schema, why));
	err = execute(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
			  "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;");
	if (!err)
		err = migrate(db, schema);
	if (err)
		text_printf(why, "%s cannot be prepared: %s.", path,
			    err == ERR_NO_SPACE ? err_words(err) : sqlite3_errmsg(db->handle));
	return err;
}

static err_t sqlite_open(const char *directory, struct store_db **ret_db, struct text *why)
{
	struct store_db *db;
	char path[PATH_MAX];
	err_t err;

	if (snprintf(path, sizeof path, "%s/weir.db", directory) >= (int)sizeof path) {
		text_add_str(why, "The path of the data directory is too long.");
		return ERR_INVALID;
	}
	db = calloc(1, sizeof *db);
	if (!db)
		return ERR_NOMEM;
	err = open_file(db, path, why);
	if (err) {
		sqlite_close(db);
		return err;
	}
	*ret_db = db;
	return ERR_OK;
}

const struct store_engine store_sqlite = {
	.name = "sqlite",
	.open = sqlite_open,
	.close = sqlite_close,
	.begin = sqlite_begin,
	.commit = sqlite_commit,
	.rollback = sqlite_rollback,
	.insert = sqlite_insert,
	.update = sqlite_update,
	.remove = sqlite_remove,
	.get = sqlite_get,
	.each = sqlite_each,
	.scan = sqlite_scan,
	.count = sqlite_count,
	.name_put = sqlite_name_put,
	.name_get = sqlite_name_get,
	.name_delete = sqlite_name_delete,
	.setting_get = sqlite_setting_get,
	.setting_put = sqlite_setting_put,
	.clear = sqlite_clear,
};
