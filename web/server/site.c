#include "web/server/site.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file_err.h"
#include "base/encode.h"
#include "crypto/digest.h"
#include "web/server/embedded.h"

static const struct {
	const char *ending, *type;
} types[] = {
	{ ".html", "text/html; charset=utf-8" },
	{ ".js", "text/javascript; charset=utf-8" },
	{ ".css", "text/css; charset=utf-8" },
	{ ".svg", "image/svg+xml" },
	{ ".png", "image/png" },
	{ ".ico", "image/x-icon" },
	{ ".jpg", "image/jpeg" },
	{ ".webp", "image/webp" },
	{ ".woff2", "font/woff2" },
	{ ".json", "application/json" },
	{ ".webmanifest", "application/manifest+json" },
	{ ".txt", "text/plain; charset=utf-8" },
	{ ".xml", "application/xml" },
};

/* By the ending of the name. */
static const char *type_of(struct bytes name)
{
	for (size_t i = 0; i < COUNT(types); i++)
		if (bytes_ends(name, bytes_of(types[i].ending)))
			return types[i].type;
	return "application/octet-stream";
}

static err_t read_body(int fd, size_t len, struct bytes *ret_body)
{
	char *at = malloc(len ? len : 1);
	size_t got = 0;

	if (!at)
		return ERR_NOMEM;
	while (got < len) {
		ssize_t n = read(fd, at + got, len - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			free(at);
			return n < 0 ? file_err(errno) : ERR_SYSTEM; /* it shrank meanwhile */
		}
		got += (size_t)n;
	}
	*ret_body = bytes_make(at, len);
	return ERR_OK;
}

/* A body that is ours is freed with the site, or here when it cannot be added. */
static err_t file_add(struct site *site, const char *path, struct bytes body, bool is_ours)
{
	struct site_file *file = calloc(1, sizeof *file);
	char hex[SHA256_HEX_BYTES + 1];
	err_t err = ERR_NOMEM;

	if (file) {
		sha256_hex(body, hex);
		snprintf(file->etag, sizeof file->etag, "\"%.16s\"", hex);
		file->body = body;
		file->type = type_of(bytes_of(path));
		file->is_ours = is_ours;
		err = map_put(&site->files, bytes_of(path), file, NULL);
	}
	if (err) {
		if (is_ours)
			free((char *)body.at);
		free(file);
	}
	return err;
}

static err_t read_file(struct site *site, int folder_fd, const char *name, const char *path)
{
	int fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct bytes body;
	struct stat st;
	err_t err;

	if (fd < 0)
		return file_err(errno);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		err = ERR_SYSTEM;
	else if (st.st_size > SITE_FILE_MAX_BYTES || site->files.count >= SITE_FILES_MAX ||
		 (site->total_bytes += (size_t)st.st_size) > SITE_TOTAL_MAX_BYTES)
		err = ERR_LIMIT;
	else
		err = read_body(fd, (size_t)st.st_size, &body);
	close(fd);
	return err ? err : file_add(site, path, body, true);
}

static err_t read_folder(struct site *site, int fd, const char *prefix, unsigned depth);

static err_t read_entry(struct site *site, int fd, const char *name, const char *prefix,
			unsigned depth)
{
	struct stat st;
	char *path;
	err_t err = ERR_OK;

	if (name[0] == '.' || fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return ERR_OK;
	if (asprintf(&path, "%s/%s", prefix, name) < 0)
		return ERR_NOMEM;
	if (S_ISREG(st.st_mode)) {
		err = read_file(site, fd, name, path);
	} else if (S_ISDIR(st.st_mode) && depth + 1 < SITE_DEPTH_MAX) {
		int sub = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

		err = sub < 0 ? file_err(errno) : read_folder(site, sub, path, depth + 1);
	}
	free(path);
	return err;
}

/* Takes `fd` over. */
static err_t read_folder(struct site *site, int fd, const char *prefix, unsigned depth)
{
	DIR *folder = fdopendir(fd);
	const struct dirent *entry;
	err_t err = ERR_OK;

	if (!folder) {
		err = file_err(errno);
		close(fd);
		return err;
	}
	while (!err && (entry = readdir(folder)))
		err = read_entry(site, dirfd(folder), entry->d_name, prefix, depth);
	closedir(folder);
	return err;
}

err_t site_read(struct site *site, const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	memset(site, 0, sizeof *site);
	if (fd < 0)
		return file_err(errno);
	return read_folder(site, fd, "", 0);
}

err_t site_embedded(struct site *site)
{
	memset(site, 0, sizeof *site);
	for (size_t i = 0; i < embedded_count; i++)
		TRY(file_add(site, embedded_files[i].path,
			     bytes_make(embedded_files[i].at, embedded_files[i].len), false));
	return ERR_OK;
}

void site_fini(struct site *site)
{
	map_for_each (&site->files, slot) {
		struct site_file *file = slot->value;

		if (file->is_ours)
			free((char *)file->body.at);
		free(file);
	}
	map_fini(&site->files);
}

const struct site_file *site_find(const struct site *site, struct bytes path)
{
	struct text key = TEXT_INIT(4096);
	const struct site_file *file = NULL;

	if (path.len == 0 || path.at[0] != '/' || decode_percent(&key, path, false))
		text_clear(&key);
	else if (key.at[key.len - 1] == '/')
		text_add_str(&key, "index.html");
	if (key.len && !text_err(&key))
		file = map_get(&site->files, text_bytes(&key));
	text_fini(&key);
	return file;
}
