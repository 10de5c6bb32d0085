#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "store/library_internal.h"

enum { SCHEMA_VERSION = 3 };

static const char *const statements[LIBRARY_STATEMENTS] = {
#define STATEMENT(name, text) [LIBRARY_##name] = text,
#include "store/library_statements.def"
#undef STATEMENT
};

/* clang-format off */
static const char schema_sql[] =
	"CREATE TABLE setting(name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"INSERT INTO setting VALUES('generation', 1), ('building', 0), ('change', 1), ('synced', 0);"
	"CREATE TABLE blob(sha256 TEXT PRIMARY KEY, bytes INTEGER NOT NULL, data BLOB) STRICT;"
	"CREATE TABLE document(row INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,"
	" key TEXT NOT NULL UNIQUE, title TEXT NOT NULL, media_type TEXT NOT NULL,"
	" sha256 TEXT NOT NULL, origin TEXT NOT NULL, options TEXT NOT NULL, source TEXT NOT NULL,"
	" category TEXT NOT NULL, subject TEXT NOT NULL, metadata TEXT NOT NULL,"
	" error_code TEXT NOT NULL, error_stage TEXT NOT NULL, error TEXT NOT NULL,"
	" warnings TEXT NOT NULL, stage_ms TEXT NOT NULL, job TEXT NOT NULL,"
	" alias_of TEXT NOT NULL, near_of TEXT NOT NULL, state INTEGER NOT NULL,"
	" bytes INTEGER NOT NULL, version INTEGER NOT NULL, pages INTEGER NOT NULL,"
	" passages INTEGER NOT NULL, near_percent INTEGER NOT NULL, created_ms INTEGER NOT NULL,"
	" updated_ms INTEGER NOT NULL) STRICT;"
	"CREATE INDEX document_sha256 ON document(sha256);"
	"CREATE INDEX document_pending ON document(row) WHERE state = 0;"
	"CREATE INDEX document_state ON document(state, alias_of);" /* counting reads no row */
	"CREATE INDEX document_alias ON document(alias_of) WHERE alias_of <> '';"
	"CREATE INDEX document_job ON document(job);"
	"CREATE TABLE shelf(generation INTEGER NOT NULL, document INTEGER NOT NULL,"
	" version INTEGER NOT NULL, passages INTEGER NOT NULL, PRIMARY KEY(generation, document))"
	" STRICT, WITHOUT ROWID;"
	"CREATE TABLE passage(generation INTEGER NOT NULL, document INTEGER NOT NULL,"
	" ordinal INTEGER NOT NULL, id TEXT NOT NULL, section TEXT NOT NULL, code TEXT NOT NULL,"
	" item TEXT NOT NULL, body TEXT NOT NULL, kind INTEGER NOT NULL, words INTEGER NOT NULL,"
	" page_from INTEGER NOT NULL, page_to INTEGER NOT NULL, char_from INTEGER NOT NULL,"
	" char_to INTEGER NOT NULL, PRIMARY KEY(generation, document, ordinal)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE sketch(band INTEGER NOT NULL, document INTEGER NOT NULL,"
	" PRIMARY KEY(band, document)) STRICT, WITHOUT ROWID;"
	"CREATE INDEX sketch_document ON sketch(document);"
	"CREATE TABLE asset(id TEXT PRIMARY KEY, document INTEGER NOT NULL, kind TEXT NOT NULL,"
	" media_type TEXT NOT NULL, sha256 TEXT NOT NULL, caption TEXT NOT NULL,"
	" page INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE INDEX asset_document ON asset(document);"
	"CREATE INDEX asset_sha256 ON asset(sha256);"
	"CREATE TABLE job(seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,"
	" kind TEXT NOT NULL, args TEXT NOT NULL, error TEXT NOT NULL, state INTEGER NOT NULL,"
	" total INTEGER NOT NULL, done INTEGER NOT NULL, failed INTEGER NOT NULL,"
	" passages INTEGER NOT NULL, generation INTEGER NOT NULL, created_ms INTEGER NOT NULL,"
	" started_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL) STRICT;"
	"CREATE TABLE job_event(job TEXT NOT NULL REFERENCES job(id) ON DELETE CASCADE,"
	" seq INTEGER NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL, at_ms INTEGER NOT NULL,"
	" PRIMARY KEY(job, seq)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE idem(key TEXT PRIMARY KEY, request TEXT NOT NULL, status INTEGER NOT NULL,"
	" body TEXT NOT NULL, expires_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE INDEX idem_expires ON idem(expires_ms);"
	"PRAGMA user_version = 1";
/* From the first version: which documents changed on a shelf, and when. Before it, nobody asked. */
static const char shelved_sql[] =
	"CREATE TABLE shelved(generation INTEGER NOT NULL, document TEXT NOT NULL,"
	" row INTEGER NOT NULL, change INTEGER NOT NULL, PRIMARY KEY(generation, document))"
	" STRICT, WITHOUT ROWID;"
	"CREATE INDEX shelved_change ON shelved(generation, change);"
	"PRAGMA user_version = 2";
/* From the second: the sizes of originals are added up without reading past these. */
static const char blob_bytes_sql[] = "CREATE INDEX blob_bytes ON blob(bytes);"
				     "PRAGMA user_version = 3";
/* clang-format on */

/* ---- Opening ---- */

static err_t schema_ensure(struct sql *sql)
{
	struct sql_stmt *stmt = sql_bind(sql, LIBRARY_SCHEMA_VERSION, "");
	uint64_t version = sql_row(stmt) ? sql_number(stmt, 0) : 0;

	TRY(sql_done(sql, stmt));
	if (version > SCHEMA_VERSION) {
		log_error("store", "library: the file is of a newer version (%llu)",
			  (unsigned long long)version);
		return ERR_STORE;
	}
	if (version == SCHEMA_VERSION)
		return ERR_OK;
	TRY(sql_do(sql, LIBRARY_BEGIN, ""));
	if (version < 1)
		TRY(sql_run(sql, schema_sql));
	if (version < 2)
		TRY(sql_run(sql, shelved_sql));
	TRY(sql_run(sql, blob_bytes_sql));
	return sql_do(sql, LIBRARY_COMMIT, "");
}

static err_t lock_directory(struct library *library)
{
	char *path = library_path(library, "library.lock");

	if (!path)
		return ERR_NOMEM;
	library->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	free(path);
	if (library->lock_fd < 0)
		return errno == EACCES ? ERR_DENIED : ERR_SYSTEM;
	return flock(library->lock_fd, LOCK_EX | LOCK_NB) == 0 ? ERR_OK : ERR_IN_USE;
}

/* Files that a crash left without a row, or half-written ones. */
static void sweep_files(struct library *library)
{
	char *folder = library_path(library, "blobs");
	DIR *dir = folder ? opendir(folder) : NULL;
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		struct sql_stmt *stmt;
		bool known;

		if (entry->d_name[0] == '.')
			continue;
		stmt = sql_bind(&library->writer, LIBRARY_BLOB_HAS, "s", bytes_of(entry->d_name));
		known = sql_row(stmt);
		(void)sql_done(&library->writer, stmt);
		if (!known)
			(void)unlinkat(dirfd(dir), entry->d_name, 0);
	}
	if (dir)
		closedir(dir);
	free(folder);
}

static err_t open_files(struct library *library)
{
	char *path = library_path(library, "library.db"), *blobs = library_path(library, "blobs");
	err_t err = path && blobs ? lock_directory(library) : ERR_NOMEM;
	mode_t mask = umask(077);

	if (!err && mkdir(blobs, 0700) != 0 && errno != EEXIST)
		err = errno == EACCES ? ERR_DENIED : ERR_SYSTEM;
	if (!err)
		err = sql_open_sqlite(&library->writer, path, true, statements, LIBRARY_STATEMENTS);
	umask(mask);
	if (!err)
		err = schema_ensure(&library->writer);
	if (!err)
		err = sql_open_sqlite(&library->reader, path, true, statements, LIBRARY_STATEMENTS);
	free(path);
	free(blobs);
	return err;
}

static void tell_why(char **ret_why, const char *directory, err_t err)
{
	int n = 0;

	if (!ret_why)
		return;
	if (err == ERR_IN_USE)
		n = asprintf(ret_why, "another ragd is using the data folder %s", directory);
	else
		n = asprintf(ret_why, "the library in %s cannot be opened: %s", directory,
			     err_words(err));
	if (n < 0)
		*ret_why = NULL;
}

err_t library_open(const char *directory, struct library **ret_library, char **ret_why)
{
	struct library *library = library_create(directory);
	err_t err;

	if (!library)
		return ERR_NOMEM;
	library->kind = "sqlite";
	library->inline_max = LIBRARY_INLINE_BYTES;
	err = open_files(library);
	if (err) {
		tell_why(ret_why, directory, err);
		library_close(library);
		return err;
	}
	sweep_files(library);
	*ret_library = library;
	return ERR_OK;
}
