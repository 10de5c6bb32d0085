/*
 * folder: a workload's folder, where its output and its state lie. Any thread.
 */
#ifndef ENGINE_FOLDER_H
#define ENGINE_FOLDER_H

#include "base/bytes.h"

enum { FOLDER_BYTES = 4096 };

/* Makes it, 0700, and the folder it is in: a task's folder holds those of its containers. */
err_t folder_make(const char *folder);
/* open(2) of a file in it, 0600; -1. */
int folder_open(const char *folder, const char *name, int flags);

#endif
