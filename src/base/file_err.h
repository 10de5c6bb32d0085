/*
 * file_err: why a file could not be opened, read or made.
 */
#ifndef BASE_FILE_ERR_H
#define BASE_FILE_ERR_H

#include "base/err.h"

/* Of its errno: ERR_NOT_FOUND, ERR_DENIED, ERR_NOMEM, ERR_NO_SPACE, ERR_SYSTEM. */
err_t file_err(int number);

#endif
