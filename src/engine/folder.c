#include "engine/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/file_err.h"

int folder_open(const char *folder, const char *name, int flags)
{
	char path[FOLDER_BYTES + 16];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	return open(path, flags | O_CLOEXEC, 0600);
}

err_t folder_make(const char *folder)
{
	char parent[FOLDER_BYTES];
	char *slash;

	if (snprintf(parent, sizeof parent, "%s", folder) >= FOLDER_BYTES)
		return ERR_TOO_LARGE;
	slash = strrchr(parent, '/');
	if (slash && slash != parent) {
		*slash = '\0';
		if (mkdir(parent, 0700) && errno != EEXIST)
			return file_err(errno);
	}
	return mkdir(folder, 0700) && errno != EEXIST ? file_err(errno) : ERR_OK;
}
