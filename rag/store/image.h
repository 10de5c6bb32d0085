/*
 * image: numbers and texts as they lie in memory, in one file that is read by mapping it.
 *
 *   image_create ─► put … put ─► image_finish       written beside, then renamed: all of it or none
 *   image_open ─► take … take ─► … ─► image_close   checked as a whole, then read in place
 *
 * A file that is cut, damaged, of another version or another machine is not opened; it is made
 * again from what it was made of. What is taken lies in the file's own memory until image_close,
 * and may be written to: that stays in this process. One thread; blocks on the disk.
 */
#ifndef RAG_STORE_IMAGE_H
#define RAG_STORE_IMAGE_H

#include "base/bytes.h"

/* To be raised with whatever changes what lies in the file, or what words are found by. */
enum { IMAGE_VERSION = 2 };

struct image_name {
	uint64_t library, generation, change;
};

/* ---- Writing ---- */

struct image_writer;

/* `path` is replaced at the end. ERR_STORE (logged), ERR_NOMEM. */
err_t image_create(const char *path, struct image_writer **ret_writer);
/* `count` things of `size` bytes, at a multiple of 8 bytes. Errors are told at the end. */
void image_put(struct image_writer *writer, const void *at, size_t size, size_t count);
/* More bytes right behind the last ones. */
void image_put_more(struct image_writer *writer, const void *at, size_t len);
/* On disk under its name, or (ERR_STORE) not at all. Frees the writer. */
err_t image_finish(struct image_writer *writer, const struct image_name *name);
void image_discard(struct image_writer *writer); /* NULL is welcome */

/* ---- Reading ---- */

struct image;

/* ERR_NOT_FOUND: there is none that can be used; said in the log when there is one. */
err_t image_open(const char *path, struct image **ret_image, struct image_name *ret_name);
void image_close(struct image *image); /* NULL is welcome */

bool image_has(const struct image *image, const void *at); /* whether that is its memory */

struct image_cursor {
	struct image *image;
	size_t at;
	bool bad; /* something was asked for that is not there */
};

/* What image_put put, in the same order. NULL, and *cursor is bad from there on: not there. */
void *image_take(struct image_cursor *cursor, size_t size, size_t count);

/* A range of a pool of bytes that was taken; BYTES_NONE, and bad, when it is not inside. */
struct bytes image_range(struct image_cursor *cursor, struct bytes pool, uint64_t at, uint64_t len);

#endif
