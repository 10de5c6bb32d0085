#include "store/library.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "store/library_internal.h"

/* ---- Beginning and end ---- */

struct library *library_create(const char *directory)
{
	struct library *library = calloc(1, sizeof *library);
	pthread_mutexattr_t recursive;

	if (!library)
		return NULL;
	library->lock_fd = -1;
	pthread_mutexattr_init(&recursive);
	pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&library->write_lock, &recursive);
	pthread_mutex_init(&library->read_lock, &recursive);
	pthread_mutexattr_destroy(&recursive);
	library->directory = bytes_dup(bytes_of(directory));
	if (!library->directory) {
		library_close(library);
		return NULL;
	}
	return library;
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

const char *library_kind(const struct library *library)
{
	return library->kind;
}

err_t library_ping(struct library *library)
{
	struct sql *sql = library_read_begin(library);
	err_t err = sql_do(sql, LIBRARY_PING, "");

	library_read_end(library, sql);
	/* Whoever is writing will hear it himself. */
	if (!err && pthread_mutex_trylock(&library->write_lock) == 0) {
		err = sql_do(&library->writer, LIBRARY_PING, "");
		pthread_mutex_unlock(&library->write_lock);
	}
	return err;
}

char *library_path(const struct library *library, const char *below)
{
	char *path;

	return asprintf(&path, "%s/%s", library->directory, below) < 0 ? NULL : path;
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
	pthread_mutex_lock(library->single ? &library->write_lock : &library->read_lock);
	return library->single ? &library->writer : &library->reader;
}

void library_read_end(struct library *library, struct sql *sql)
{
	if (sql == &library->reader)
		pthread_mutex_unlock(&library->read_lock);
	else if (!is_writing(library))
		pthread_mutex_unlock(&library->write_lock);
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
	pthread_mutex_t *readers = library->single ? &library->write_lock : &library->read_lock;
	err_t err;

	pthread_mutex_lock(readers);
	err = library_commit(library);
	if (!err)
		then(owner);
	pthread_mutex_unlock(readers);
	return err;
}

void library_rollback(struct library *library)
{
	struct sql *sql = library_writing(library);

	if (sql_in_transaction(sql))
		(void)sql_do(sql, LIBRARY_ROLLBACK, "");
	transaction_end(library, false);
}

uint64_t library_setting(struct library *library, const char *name)
{
	struct sql *sql = library_read_begin(library);
	struct sql_stmt *stmt = sql_bind(sql, LIBRARY_SETTING_GET, "s", bytes_of(name));
	uint64_t value = sql_row(stmt) ? sql_number(stmt, 0) : 0;

	(void)sql_done(sql, stmt);
	library_read_end(library, sql);
	return value;
}

err_t library_setting_put(struct library *library, const char *name, uint64_t value)
{
	return sql_later(library_writing(library), LIBRARY_SETTING_PUT, "su", bytes_of(name),
			 value);
}

uint64_t library_identity(struct library *library)
{
	uint64_t identity = library_setting(library, "identity");

	if (identity || library_begin(library))
		return identity;
	identity = random_u64() >> 2 | 1; /* stores' numbers have a sign */
	if (library_setting_put(library, "identity", identity)) {
		library_rollback(library);
		return 0;
	}
	return library_commit(library) == ERR_OK ? identity : 0;
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
	char *path = library_path(library, "blobs");
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
	struct sql_stmt *stmt = sql_bind(sql, LIBRARY_BLOB_HAS, "s", sha256);
	bool known = sql_row(stmt);

	TRY(sql_done(sql, stmt));
	if (known)
		return ERR_OK;
	if (data.len <= library->inline_max)
		return sql_later(sql, LIBRARY_BLOB_PUT, "sub", sha256, (uint64_t)data.len, data);
	TRY(blob_file_write(library, sha256, data));
	return sql_later(sql, LIBRARY_BLOB_PUT_FILE, "su", sha256, (uint64_t)data.len);
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
	struct sql_stmt *stmt = sql_bind(sql, LIBRARY_BLOB_GET, "s", sha256);
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
	struct sql_stmt *stmt;

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
		TRY(sql_later(sql, LIBRARY_BLOB_REMOVE, "s", bytes_make(sha256, sizeof sha256)));
		if (in_file)
			TRY(remember_gone(library, bytes_make(sha256, sizeof sha256)));
	}
	return ERR_OK;
}
