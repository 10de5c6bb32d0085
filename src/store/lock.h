/*
 * lock: one process a data directory. The file stays when the lock goes; the kernel lets the
 * lock go with the process, however it dies, so nothing stale is ever in the way.
 */
#ifndef STORE_LOCK_H
#define STORE_LOCK_H

#include "base/text.h"

/*
 * Makes `directory` (0700) where it is missing, and takes it. On failure `why` gets a sentence
 * for the user: ERR_IN_USE, ERR_DENIED, ERR_SYSTEM. The caller closes *ret_fd with lock_release.
 */
err_t lock_take(const char *directory, int *ret_fd, struct text *why);
void lock_release(int fd); /* -1 is welcome */

#endif
