/*
 * files: what objects hold, in DATA/s3/files/XX/ID. A file is written once, synced with its
 * folder, and never changed; its name is random, so no key becomes a path. Whether it counts, the
 * store says: a file without a name there is a leftover, and swept.
 *
 * Writing, reading and copying run on any thread; the rest on the control thread.
 */
#ifndef SERVICES_S3_FILES_H
#define SERVICES_S3_FILES_H

#include "base/map.h"
#include "base/text.h"
#include "net/blocking.h"

enum { FILE_ID_BYTES = 32, FILE_SHARDS = 256 };

struct files;

/* Makes the folders (0700). `why` gets a sentence on failure. */
err_t files_open(const char *folder, struct loop *loop, struct files **ret_files, struct text *why);
void files_close(struct files *files); /* NULL is welcome; what was to be removed is gone */

void files_new_id(char out[FILE_ID_BYTES + 1]);

/* ---- Holding: a file that is held is not removed yet, and no leftover. ---- */

err_t files_hold(struct files *files, const char *id);
void files_release(struct files *files, const char *id);

/* On a thread, when nobody holds it any more. */
void files_remove(struct files *files, const char *id);

/* ---- Any thread ---- */

struct file_writer {
	int fd;
	uint64_t bytes;
};
/* ERR_NO_SPACE: the disk is full; ERR_SYSTEM, logged. */
err_t file_create(const struct files *files, const char *id, struct file_writer *ret_writer);
err_t file_write(struct file_writer *writer, struct bytes piece);
err_t file_sync(const struct files *files, const char *id, struct file_writer *writer);
void file_abandon(struct file_writer *writer); /* closes; the name is the caller's to remove */
void file_unlink(const struct files *files, const char *id);

/* A second name for the same bytes: copies cost nothing. Wants a sync of all of them after. */
err_t file_link(const struct files *files, const char *from_id, const char *to_id);
err_t files_sync_folders(const struct files *files, const char (*ids)[FILE_ID_BYTES + 1],
			 size_t count);
err_t file_open_read(const struct files *files, const char *id, int *ret_fd);

/* ---- Leftovers ---- */

/*
 * Goes through all files in the background, a shard at a time: those that are not held and that
 * `is_known` denies are removed. Control thread.
 */
typedef bool (*files_known_fn)(void *owner, const char *id);
void files_sweep(struct files *files, files_known_fn is_known, void *owner);

#endif
