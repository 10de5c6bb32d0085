#include "store/library.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "crypto/digest.h"
#include "store/library_internal.h"

enum { SCHEMA_VERSION = 2 };

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
/* clang-format on */

/* ---- Opening ---- */

static err_t schema_ensure(struct sql *sql)
{
	sqlite3_stmt *stmt;
	int version = 0;

	if (sqlite3_prepare_v2(sql->db, "PRAGMA user_version", -1, &stmt, NULL) != SQLITE_OK)
		return sql_failed(sql, "user_version");
	if (sqlite3_step(stmt) == SQLITE_ROW)
		version = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	if (version > SCHEMA_VERSION) {
		log_error("store", "library: the file is of a newer version (%d)", version);
		return ERR_STORE;
	}
	if (version == SCHEMA_VERSION)
		return ERR_OK;
	TRY(sql_do(sql, LIBRARY_BEGIN, ""));
	if (version < 1)
		TRY(sql_run(sql, schema_sql));
	TRY(sql_run(sql, shelved_sql));
	return sql_do(sql, LIBRARY_COMMIT, "");
}

static char *path_of(const struct library *library, const char *below)
{
	char *path;

	return asprintf(&path, "%s/%s", library->directory, below) < 0 ? NULL : path;
}

static err_t lock_directory(struct library *library)
{
	char *path = path_of(library, "library.lock");

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
	char *folder = path_of(library, "blobs");
	DIR *dir = folder ? opendir(folder) : NULL;
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		sqlite3_stmt *stmt;
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
	char *path = path_of(library, "library.db"), *blobs = path_of(library, "blobs");
	err_t err = path && blobs ? lock_directory(library) : ERR_NOMEM;
	mode_t mask = umask(077);

	if (!err && mkdir(blobs, 0700) != 0 && errno != EEXIST)
		err = errno == EACCES ? ERR_DENIED : ERR_SYSTEM;
	if (!err)
		err = sql_open(&library->writer, path, true, statements, LIBRARY_STATEMENTS);
	umask(mask);
	if (!err)
		err = schema_ensure(&library->writer);
	if (!err)
		err = sql_open(&library->reader, path, true, statements, LIBRARY_STATEMENTS);
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
	struct library *library = calloc(1, sizeof *library);
	pthread_mutexattr_t recursive;
	err_t err;

	if (!library)
		return ERR_NOMEM;
	library->lock_fd = -1;
	pthread_mutexattr_init(&recursive);
	pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&library->write_lock, NULL);
	pthread_mutex_init(&library->read_lock, &recursive);
	pthread_mutexattr_destroy(&recursive);
	library->directory = bytes_dup(bytes_of(directory));
	err = library->directory ? open_files(library) : ERR_NOMEM;
	if (err) {
		tell_why(ret_why, directory, err);
		library_close(library);
		return err;
	}
	sweep_files(library);
	*ret_library = library;
	return ERR_OK;
}

void library_close(struct library *library)
{
	if (!library)
		return;
	assert(!library->writing_thread);
	sql_close(&library->reader);
	sql_close(&library->writer);
	if (library->lock_fd >= 0)
		close(library->lock_fd);
	pthread_mutex_destroy(&library->write_lock);
	pthread_mutex_destroy(&library->read_lock);
	free(library->directory);
	free(library);
}

/* ---- Transactions ---- */

static bool is_writing(struct library *library)
{
	return library->writing_thread == (uint64_t)pthread_self();
}

struct sql *library_writing(struct library *library)
{
	assert(is_writing(library));
	return &library->writer;
}

struct sql *library_read_begin(struct library *library)
{
	if (is_writing(library))
		return &library->writer;
	pthread_mutex_lock(&library->read_lock);
	return &library->reader;
}

void library_read_end(struct library *library, struct sql *sql)
{
	if (sql == &library->reader)
		pthread_mutex_unlock(&library->read_lock);
}

err_t library_begin(struct library *library)
{
	err_t err;

	pthread_mutex_lock(&library->write_lock);
	err = sql_do(&library->writer, LIBRARY_BEGIN, "");
	if (err) {
		pthread_mutex_unlock(&library->write_lock);
		return err;
	}
	library->writing_thread = (uint64_t)pthread_self();
	return ERR_OK;
}

static void files_forget(struct library *library, bool remove)
{
	for (unsigned i = 0; i < library->gone_count; i++) {
		if (remove)
			(void)unlink(library->gone[i]);
		free(library->gone[i]);
	}
	free(library->gone);
	library->gone = NULL;
	library->gone_count = 0;
}

static void transaction_end(struct library *library, bool committed)
{
	files_forget(library, committed);
	library->writing_thread = 0;
	pthread_mutex_unlock(&library->write_lock);
}

err_t library_commit(struct library *library)
{
	err_t err = sql_do(library_writing(library), LIBRARY_COMMIT, "");

	if (err) {
		library_rollback(library);
		return err;
	}
	transaction_end(library, true);
	return ERR_OK;
}

err_t library_commit_then(struct library *library, library_then_fn then, void *owner)
{
	err_t err;

	pthread_mutex_lock(&library->read_lock);
	err = library_commit(library);
	if (!err)
		then(owner);
	pthread_mutex_unlock(&library->read_lock);
	return err;
}

void library_rollback(struct library *library)
{
	struct sql *sql = library_writing(library);

	if (!sqlite3_get_autocommit(sql->db))
		(void)sql_do(sql, LIBRARY_ROLLBACK, "");
	transaction_end(library, false);
}

uint64_t library_setting(struct library *library, const char *name)
{
	struct sql *sql = library_read_begin(library);
	sqlite3_stmt *stmt = sql_bind(sql, LIBRARY_SETTING_GET, "s", bytes_of(name));
	uint64_t value = sql_row(stmt) ? sql_number(stmt, 0) : 0;

	(void)sql_done(sql, stmt);
	library_read_end(library, sql);
	return value;
}

err_t library_setting_put(struct library *library, const char *name, uint64_t value)
{
	return sql_do(library_writing(library), LIBRARY_SETTING_PUT, "su", bytes_of(name), value);
}

/* ---- Originals ---- */

static char *blob_path(const struct library *library, struct bytes sha256)
{
	char *path;

	assert(sha256.len == SHA256_HEX_BYTES);
	return asprintf(&path, "%s/blobs/%.*s", library->directory, BYTES_ARG(sha256)) < 0 ? NULL
											   : path;
}

static err_t write_all(int fd, struct bytes data)
{
	while (data.len) {
		ssize_t n = write(fd, data.at, data.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return ERR_STORE;
		data = bytes_from(data, (size_t)n);
	}
	return fsync(fd) == 0 ? ERR_OK : ERR_STORE;
}

static err_t sync_folder(const struct library *library)
{
	char *path = path_of(library, "blobs");
	int fd = path ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	err_t err = fd >= 0 && fsync(fd) == 0 ? ERR_OK : ERR_STORE;

	if (fd >= 0)
		close(fd);
	free(path);
	return err;
}

/* On disk under its final name, whole, before any row speaks of it. */
static err_t blob_file_write(const struct library *library, struct bytes sha256, struct bytes data)
{
	char *path = blob_path(library, sha256), *partial = NULL;
	err_t err = ERR_NOMEM;
	int fd;

	if (path && asprintf(&partial, "%s.part", path) >= 0) {
		fd = open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		err = fd < 0 ? ERR_STORE : write_all(fd, data);
		if (fd >= 0 && close(fd) != 0)
			err = ERR_STORE;
		if (!err && rename(partial, path) != 0)
			err = ERR_STORE;
		if (!err)
			err = sync_folder(library);
		if (err)
			log_error("store", "library: cannot write %s: %m", partial);
	}
	free(path);
	free(partial);
	return err;
}

err_t library_blob_put(struct library *library, struct bytes sha256, struct bytes data)
{
	struct sql *sql = library_writing(library);
	sqlite3_stmt *stmt = sql_bind(sql, LIBRARY_BLOB_HAS, "s", sha256);
	bool known = sql_row(stmt);

	TRY(sql_done(sql, stmt));
	if (known)
		return ERR_OK;
	if (data.len <= LIBRARY_INLINE_BYTES)
		return sql_do(sql, LIBRARY_BLOB_PUT, "sub", sha256, (uint64_t)data.len, data);
	TRY(blob_file_write(library, sha256, data));
	return sql_do(sql, LIBRARY_BLOB_PUT_FILE, "su", sha256, (uint64_t)data.len);
}

static err_t blob_file_read(const struct library *library, struct bytes sha256, char *at,
			    size_t len)
{
	char *path = blob_path(library, sha256);
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
	size_t got = 0;

	free(path);
	while (fd >= 0 && got < len) {
		ssize_t n = read(fd, at + got, len - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		got += (size_t)n;
	}
	if (fd >= 0)
		close(fd);
	if (got == len)
		return ERR_OK;
	log_error("store", "library: an original is missing or cut short: %.*s", BYTES_ARG(sha256));
	return ERR_STORE;
}

err_t library_blob_read(struct library *library, struct bytes sha256, size_t max_bytes,
			struct bytes *ret_data)
{
	struct sql *sql = library_read_begin(library);
	sqlite3_stmt *stmt = sql_bind(sql, LIBRARY_BLOB_GET, "s", sha256);
	err_t err = ERR_NOT_FOUND;
	bool in_file = false;
	size_t len = 0;
	char *at = NULL;

	if (sql_row(stmt)) {
		len = sql_number(stmt, 0);
		in_file = sql_number(stmt, 1);
		err = len > max_bytes ? ERR_TOO_LARGE : ERR_OK;
		at = err ? NULL : malloc(len + 1);
		if (!err && !at)
			err = ERR_NOMEM;
		if (!err && !in_file)
			memcpy(at, sql_text(stmt, 2).at, len);
	}
	(void)sql_done(sql, stmt);
	library_read_end(library, sql);
	if (!err && in_file)
		err = blob_file_read(library, sha256, at, len);
	if (err) {
		free(at);
		return err;
	}
	at[len] = '\0';
	*ret_data = bytes_make(at, len);
	return ERR_OK;
}

static err_t remember_gone(struct library *library, struct bytes sha256)
{
	char **more = reallocarray(library->gone, library->gone_count + 1, sizeof *more);

	if (!more)
		return ERR_NOMEM;
	library->gone = more;
	library->gone[library->gone_count] = blob_path(library, sha256);
	if (!library->gone[library->gone_count])
		return ERR_NOMEM;
	library->gone_count++;
	return ERR_OK;
}

err_t library_blobs_sweep(struct library *library, unsigned limit)
{
	struct sql *sql = library_writing(library);
	char sha256[SHA256_HEX_BYTES];
	sqlite3_stmt *stmt;

	for (unsigned i = 0; i < limit; i++) {
		bool found, in_file = false;

		stmt = sql_bind(sql, LIBRARY_BLOB_UNUSED, "u", (uint64_t)1);
		found = sql_row(stmt);
		if (found) {
			in_file = sql_number(stmt, 1);
			assert(sql_text(stmt, 0).len == sizeof sha256);
			memcpy(sha256, sql_text(stmt, 0).at, sizeof sha256);
		}
		TRY(sql_done(sql, stmt));
		if (!found)
			break;
		TRY(sql_do(sql, LIBRARY_BLOB_REMOVE, "s", bytes_make(sha256, sizeof sha256)));
		if (in_file)
			TRY(remember_gone(library, bytes_make(sha256, sizeof sha256)));
	}
	return ERR_OK;
}
