/*
 * folder: the document files under a directory, read one by one. Blocking: never on a loop.
 *
 * Hidden files and folders are passed over, and links are not followed, so a link cannot pull in
 * what lies outside. The order is by name, so that two readings of one folder agree.
 */
#ifndef RAG_DOC_FOLDER_H
#define RAG_DOC_FOLDER_H

#include "base/bytes.h"

enum {
	FOLDER_FILES_MAX = 200000,
	FOLDER_DEPTH_MAX = 8,
};

/*
 * Hears of each wanted file: its path below the directory, and its bytes, borrowed. `why` says
 * that it could not be read (text is empty then): ERR_TOO_LARGE, ERR_DENIED, ERR_SYSTEM. An
 * error returned ends the reading.
 */
typedef err_t (*folder_each_fn)(void *owner, struct bytes file, struct bytes text, err_t why);

/*
 * ERR_NOT_FOUND or ERR_DENIED when the directory itself cannot be read; ERR_LIMIT when it holds
 * too many files; else what `each` returned.
 */
err_t folder_read(const char *directory, size_t file_bytes_max, folder_each_fn each, void *owner);

#endif
