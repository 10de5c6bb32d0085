#include "rag/doc/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file_err.h"
#include "rag/doc/parse.h"

struct reading {
	folder_each_fn each;
	void *owner;
	size_t files, bytes_max;
};

/* Reads to the end into *ret_text (malloc'ed), though the file may grow or shrink meanwhile. */
static err_t read_all(int fd, size_t expected, struct bytes *ret_text)
{
	size_t cap = expected + 1, len = 0;
	char *at = malloc(cap);

	if (!at)
		return ERR_NOMEM;
	while (len < cap) {
		ssize_t n = read(fd, at + len, cap - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			err_t err = file_err(errno);

			free(at);
			return err;
		}
		if (n == 0)
			break;
		len += (size_t)n;
	}
	*ret_text = bytes_make(at, size_min(len, expected));
	return ERR_OK;
}

static err_t read_file(struct reading *r, int at_fd, const char *name, const char *path)
{
	struct bytes file = bytes_of(path), text = BYTES_NONE;
	int fd = openat(at_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	err_t why = ERR_OK, err;

	if (fd < 0)
		return r->each(r->owner, file, text, file_err(errno));
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		why = ERR_SYSTEM;
	else if ((uint64_t)st.st_size > r->bytes_max)
		why = ERR_TOO_LARGE;
	else
		why = read_all(fd, (size_t)st.st_size, &text);
	close(fd);

	if (++r->files > FOLDER_FILES_MAX)
		err = ERR_LIMIT;
	else
		err = r->each(r->owner, file, text, why);
	free((char *)text.at);
	return err;
}

static int wanted_entry(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static err_t read_directory(struct reading *r, int fd, const char *prefix, unsigned depth);

static err_t read_entry(struct reading *r, int fd, const struct dirent *entry, const char *prefix,
			unsigned depth)
{
	struct stat st;
	char *path;
	err_t err = ERR_OK;

	if (fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return ERR_OK; /* gone since it was listed */
	if (asprintf(&path, "%s%s", prefix, entry->d_name) < 0)
		return ERR_NOMEM;
	if (S_ISREG(st.st_mode) && format_wants(bytes_of(entry->d_name))) {
		err = read_file(r, fd, entry->d_name, path);
	} else if (S_ISDIR(st.st_mode) && depth + 1 < FOLDER_DEPTH_MAX) {
		int sub = openat(fd, entry->d_name,
				 O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		char *below = NULL;

		if (sub >= 0 && asprintf(&below, "%s/", path) >= 0)
			err = read_directory(r, sub, below, depth + 1);
		else if (sub >= 0)
			close(sub);
		free(below);
	}
	free(path);
	return err;
}

/* Takes `fd` over. */
static err_t read_directory(struct reading *r, int fd, const char *prefix, unsigned depth)
{
	struct dirent **entries;
	int count = scandirat(fd, ".", &entries, wanted_entry, by_name);
	err_t err = ERR_OK;

	if (count < 0) {
		err = file_err(errno);
		close(fd);
		return err;
	}
	for (int i = 0; i < count; i++) {
		if (!err)
			err = read_entry(r, fd, entries[i], prefix, depth);
		free(entries[i]);
	}
	free(entries);
	close(fd);
	return err;
}

err_t folder_read(const char *directory, size_t file_bytes_max, folder_each_fn each, void *owner)
{
	struct reading r = { .each = each, .owner = owner, .bytes_max = file_bytes_max };
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return file_err(errno);
	return read_directory(&r, fd, "", 0);
}
