#include "services/s3/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "crypto/random.h"

enum { PATH_BYTES = 4096, SWEEP_IDS_MAX = 64 * 1024, SWEEP_STEP = 256 };

struct hold {
	unsigned count;
	bool doomed; /* remove it when the last one lets go */
};

struct sweep {
	struct blocking_job job;
	struct files *files;
	files_known_fn is_known;
	void *owner;
	unsigned shard;
	struct text ids; /* of the shard, one after the other */
	size_t at;
	struct loop_job next;
};

struct files {
	char *folder;
	struct loop *loop;
	struct blocking_pool *pool; /* one thread: what is removed, and the sweep */
	struct map held;	    /* id → struct hold */
	struct sweep *sweep;
	bool closing;
};

static void path_of(const struct files *files, const char *id, char out[PATH_BYTES])
{
	snprintf(out, PATH_BYTES, "%s/%.2s/%s", files->folder, id, id);
}

void files_new_id(char out[FILE_ID_BYTES + 1])
{
	random_hex(out, FILE_ID_BYTES);
}

/* ---- Writing ---- */

static err_t failed(const char *what, const char *id)
{
	int number = errno;

	log_error("s3", "the file %s cannot be %s: %s", id, what, strerror(number));
	return number == ENOSPC || number == EDQUOT ? ERR_NO_SPACE : ERR_SYSTEM;
}

err_t file_create(const struct files *files, const char *id, struct file_writer *ret_writer)
{
	char path[PATH_BYTES];

	path_of(files, id, path);
	*ret_writer = (struct file_writer){
		.fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600),
	};
	return ret_writer->fd < 0 ? failed("made", id) : ERR_OK;
}

err_t file_write(struct file_writer *writer, struct bytes piece)
{
	while (piece.len) {
		ssize_t wrote = write(writer->fd, piece.at, piece.len);

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0)
			return failed("written", "of an object");
		writer->bytes += (uint64_t)wrote;
		piece = bytes_from(piece, (size_t)wrote);
	}
	return ERR_OK;
}

static err_t sync_folder(const struct files *files, const char *id)
{
	char path[PATH_BYTES];
	int fd, code;

	snprintf(path, sizeof path, "%s/%.2s", files->folder, id);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return failed("synced", id);
	code = fsync(fd);
	close(fd);
	return code ? failed("synced", id) : ERR_OK;
}

err_t file_sync(const struct files *files, const char *id, struct file_writer *writer)
{
	int code = fsync(writer->fd);
	err_t err = code ? failed("synced", id) : ERR_OK;

	if (close(writer->fd) && !err)
		err = failed("closed", id);
	writer->fd = -1;
	return err ? err : sync_folder(files, id);
}

void file_abandon(struct file_writer *writer)
{
	if (writer->fd >= 0)
		close(writer->fd);
	writer->fd = -1;
}

void file_unlink(const struct files *files, const char *id)
{
	char path[PATH_BYTES];

	path_of(files, id, path);
	if (unlink(path) && errno != ENOENT)
		failed("removed", id);
}

err_t file_link(const struct files *files, const char *from_id, const char *to_id)
{
	char from[PATH_BYTES], to[PATH_BYTES];

	path_of(files, from_id, from);
	path_of(files, to_id, to);
	if (link(from, to))
		return failed("linked", from_id);
	return ERR_OK;
}

static unsigned shard_of(const char *id)
{
	char digits[3] = { id[0], id[1], '\0' };

	return (unsigned)strtoul(digits, NULL, 16) % FILE_SHARDS;
}

err_t files_sync_folders(const struct files *files, const char (*ids)[FILE_ID_BYTES + 1],
			 size_t count)
{
	bool synced[FILE_SHARDS] = { false };

	for (size_t i = 0; i < count; i++) {
		unsigned shard = shard_of(ids[i]);

		if (!synced[shard])
			TRY(sync_folder(files, ids[i]));
		synced[shard] = true;
	}
	return ERR_OK;
}

err_t file_open_read(const struct files *files, const char *id, int *ret_fd)
{
	char path[PATH_BYTES];
	int fd;

	path_of(files, id, path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return failed("opened", id);
	*ret_fd = fd;
	return ERR_OK;
}

/* ---- Removing ---- */

struct removal {
	struct blocking_job job;
	struct files *files;
	char id[FILE_ID_BYTES + 1];
};

static void remove_work(struct blocking_job *job)
{
	struct removal *removal = container_of(job, struct removal, job);

	file_unlink(removal->files, removal->id);
}

static void remove_done(struct blocking_job *job)
{
	free(container_of(job, struct removal, job));
}

err_t files_hold(struct files *files, const char *id)
{
	struct hold *hold = map_get(&files->held, bytes_of(id));

	if (!hold) {
		hold = calloc(1, sizeof *hold);
		if (!hold || map_put(&files->held, bytes_of(id), hold, NULL)) {
			free(hold);
			return ERR_NOMEM;
		}
	}
	hold->count++;
	return ERR_OK;
}

void files_release(struct files *files, const char *id)
{
	struct hold *hold = map_get(&files->held, bytes_of(id));
	bool doomed;

	assert(hold && hold->count);
	if (--hold->count)
		return;
	doomed = hold->doomed;
	map_remove(&files->held, bytes_of(id));
	free(hold);
	if (doomed)
		files_remove(files, id);
}

void files_remove(struct files *files, const char *id)
{
	struct hold *hold = map_get(&files->held, bytes_of(id));
	struct removal *removal;

	if (hold) {
		hold->doomed = true;
		return;
	}
	removal = files->closing ? NULL : calloc(1, sizeof *removal);
	if (!removal) {
		file_unlink(files, id);
		return;
	}
	removal->files = files;
	removal->job.work = remove_work;
	removal->job.done = remove_done;
	removal->job.loop = files->loop;
	snprintf(removal->id, sizeof removal->id, "%s", id);
	blocking_submit(files->pool, &removal->job);
}

/* ---- Leftovers ---- */

static bool is_id(const char *name)
{
	size_t len = strlen(name);

	return len == FILE_ID_BYTES && strspn(name, "0123456789abcdef") == len;
}

static void sweep_work(struct blocking_job *job)
{
	struct sweep *sweep = container_of(job, struct sweep, job);
	char path[PATH_BYTES];
	struct dirent *entry;
	DIR *folder;

	snprintf(path, sizeof path, "%s/%02x", sweep->files->folder, sweep->shard);
	folder = opendir(path);
	while (folder && (entry = readdir(folder)))
		if (is_id(entry->d_name))
			text_add(&sweep->ids, bytes_make(entry->d_name, FILE_ID_BYTES));
	if (folder)
		closedir(folder);
}

static void sweep_end(struct sweep *sweep)
{
	sweep->files->sweep = NULL;
	text_fini(&sweep->ids);
	free(sweep);
}

/* A few at a time: each asks the store. */
static void sweep_step(struct loop_job *job)
{
	struct sweep *sweep = container_of(job, struct sweep, next);
	struct files *files = sweep->files;
	char id[FILE_ID_BYTES + 1];

	for (unsigned n = 0; n < SWEEP_STEP && sweep->at + FILE_ID_BYTES <= sweep->ids.len; n++) {
		snprintf(id, sizeof id, "%.*s", FILE_ID_BYTES, sweep->ids.at + sweep->at);
		sweep->at += FILE_ID_BYTES;
		if (!files->closing && !map_get(&files->held, bytes_of(id)) &&
		    !sweep->is_known(sweep->owner, id))
			files_remove(files, id);
	}
	if (!files->closing && sweep->at + FILE_ID_BYTES <= sweep->ids.len) {
		loop_post(files->loop, &sweep->next);
		return;
	}
	text_clear(&sweep->ids);
	sweep->at = 0;
	if (files->closing || ++sweep->shard == FILE_SHARDS)
		sweep_end(sweep);
	else
		blocking_submit(files->pool, &sweep->job);
}

static void sweep_done(struct blocking_job *job)
{
	sweep_step(&container_of(job, struct sweep, job)->next);
}

void files_sweep(struct files *files, files_known_fn is_known, void *owner)
{
	struct sweep *sweep = files->sweep ? NULL : calloc(1, sizeof *sweep);

	if (!sweep)
		return; /* one is on its way, or there is no memory: at the next start */
	sweep->files = files;
	sweep->is_known = is_known;
	sweep->owner = owner;
	sweep->next.run = sweep_step;
	sweep->job.work = sweep_work;
	sweep->job.done = sweep_done;
	sweep->job.loop = files->loop;
	text_init(&sweep->ids, SWEEP_IDS_MAX * FILE_ID_BYTES);
	files->sweep = sweep;
	blocking_submit(files->pool, &sweep->job);
}

/* ---- Life ---- */

static err_t make_folder(const char *path, struct text *why)
{
	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return ERR_OK;
	text_printf(why, "%s cannot be made: %s", path, strerror(errno));
	return ERR_SYSTEM;
}

static err_t make_folders(const char *folder, struct text *why)
{
	char path[PATH_BYTES];

	TRY(make_folder(folder, why));
	snprintf(path, sizeof path, "%s/files", folder);
	TRY(make_folder(path, why));
	snprintf(path, sizeof path, "%s/files/ff", folder);
	if (access(path, F_OK) == 0)
		return ERR_OK; /* made in order: all are there */
	for (unsigned shard = 0; shard < FILE_SHARDS; shard++) {
		snprintf(path, sizeof path, "%s/files/%02x", folder, shard);
		TRY(make_folder(path, why));
	}
	return ERR_OK;
}

err_t files_open(const char *folder, struct loop *loop, struct files **ret_files, struct text *why)
{
	struct files *files = calloc(1, sizeof *files);
	char path[PATH_BYTES];
	err_t err;

	if (!files)
		return ERR_NOMEM;
	files->loop = loop;
	snprintf(path, sizeof path, "%s/files", folder);
	files->folder = bytes_dup(bytes_of(path));
	err = files->folder ? make_folders(folder, why) : ERR_NOMEM;
	if (!err)
		err = blocking_pool_create(1, &files->pool);
	if (err) {
		files_close(files);
		return err;
	}
	*ret_files = files;
	return ERR_OK;
}

void files_close(struct files *files)
{
	if (!files)
		return;
	files->closing = true;
	if (files->pool) {
		blocking_pool_destroy(files->pool);
		loop_settle(files->loop);
	}
	map_for_each (&files->held, slot)
		free(slot->value);
	map_fini(&files->held);
	free(files->folder);
	free(files);
}
