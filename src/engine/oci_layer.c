#include "engine/oci_layer.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { READ_BYTES = 64 * 1024, DEPTH_MAX = 128, MODES = 0777 };

#define WHITEOUT	".wh."
#define WHITEOUT_OPAQUE ".wh..wh..opq"

struct layer {
	int root;
	struct oci_budget *budget;
	struct text *why;
	struct archive *archive;
};

int oci_open_inside(int root, const char *path, int flags)
{
	struct open_how how = { .flags = (uint64_t)(flags | O_CLOEXEC),
				.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };

	return (int)syscall(SYS_openat2, root, path[0] ? path : ".", &how, sizeof how);
}

static void remove_deep(int folder, const char *name, unsigned depth)
{
	const struct dirent *entry;
	DIR *list;
	int fd;

	if (unlinkat(folder, name, 0) == 0 || depth == DEPTH_MAX)
		return;
	fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	list = fd < 0 ? NULL : fdopendir(fd);
	while (list && (entry = readdir(list)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			remove_deep(fd, entry->d_name, depth + 1);
	if (list)
		closedir(list);
	else if (fd >= 0)
		close(fd);
	unlinkat(folder, name, AT_REMOVEDIR);
}

void oci_remove_tree(int folder, const char *name)
{
	remove_deep(folder, name, 0);
}

/* ---- Names ---- */

static err_t refuse(const struct layer *layer, const char *name, const char *words)
{
	text_printf(layer->why, "a layer's entry '%.300s' %s", name, words);
	return ERR_INVALID;
}

static bool climbs(const char *path)
{
	struct bytes rest = bytes_of(path), part;

	while (bytes_cut(&rest, '/', &part))
		if (bytes_eq(part, BYTES("..")))
			return true;
	return false;
}

/* "./a//b/" → "a/b" */
static err_t clean(const struct layer *layer, const char *name, char out[PATH_MAX])
{
	struct bytes rest = bytes_of(name), part;
	size_t len = 0;

	out[0] = '\0';
	if (!name || climbs(name))
		return refuse(layer, name ? name : "", "leads out of the image");
	while (bytes_cut(&rest, '/', &part)) {
		if (!part.len || bytes_eq(part, BYTES(".")))
			continue;
		if (part.len > NAME_MAX || len + part.len + 2 > PATH_MAX)
			return refuse(layer, name, "has too long a name");
		len += (size_t)snprintf(out + len, PATH_MAX - len, "%s%.*s", len ? "/" : "",
					BYTES_ARG(part));
	}
	return ERR_OK;
}

/* The folder of `path`, made where it is missing; *ret_name is what follows it. */
static err_t open_parent(const struct layer *layer, char *path, bool make, int *ret_fd,
			 const char **ret_name)
{
	int fd = oci_open_inside(layer->root, ".", O_RDONLY | O_DIRECTORY);
	char *slash = strchr(path, '/'), *name = path;

	while (fd >= 0 && slash) {
		int next;

		*slash = '\0';
		next = oci_open_inside(layer->root, path, O_RDONLY | O_DIRECTORY);
		if (next < 0 && errno == ENOENT && make && mkdirat(fd, name, 0755) == 0)
			next = oci_open_inside(layer->root, path, O_RDONLY | O_DIRECTORY);
		*slash = '/';
		close(fd);
		fd = next;
		name = slash + 1;
		slash = strchr(name, '/');
	}
	if (fd < 0)
		return errno == ENOENT ? ERR_NOT_FOUND
				       : refuse(layer, path, "has no folder to be in");
	*ret_fd = fd;
	*ret_name = name;
	return ERR_OK;
}

/* ---- Entries ---- */

static err_t copy_data(const struct layer *layer, int fd, const char *path)
{
	const void *block;
	size_t size;
	int64_t offset;
	int result;

	while ((result = archive_read_data_block(layer->archive, &block, &size, &offset)) ==
	       ARCHIVE_OK) {
		if (size > layer->budget->bytes)
			return refuse(layer, path, "is beyond the size an image may have");
		layer->budget->bytes -= size;
		if (pwrite(fd, block, size, offset) != (ssize_t)size)
			return ERR_SYSTEM;
	}
	return result == ARCHIVE_EOF ? ERR_OK : refuse(layer, path, "is damaged");
}

static err_t make_file(const struct layer *layer, struct archive_entry *entry, int parent,
		       const char *name)
{
	int fd = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	err_t err;

	if (fd < 0)
		return ERR_SYSTEM;
	err = copy_data(layer, fd, name);
	if (!err && geteuid() == 0 &&
	    fchown(fd, (uid_t)archive_entry_uid(entry), (gid_t)archive_entry_gid(entry)))
		err = ERR_SYSTEM;
	if (!err && fchmod(fd, archive_entry_perm(entry) & MODES))
		err = ERR_SYSTEM;
	close(fd);
	return err;
}

static err_t make_link(const struct layer *layer, const char *to, int parent, const char *name)
{
	char path[PATH_MAX];
	const char *other;
	struct stat found;
	err_t err = ERR_OK;
	int fd;

	TRY(clean(layer, to, path));
	err = open_parent(layer, path, false, &fd, &other);
	if (err)
		return err == ERR_NOT_FOUND
			       ? refuse(layer, name, "links to what is no file of the image")
			       : err;
	if (fstatat(fd, other, &found, AT_SYMLINK_NOFOLLOW) || !S_ISREG(found.st_mode))
		err = refuse(layer, name, "links to what is no file of the image");
	else if (linkat(fd, other, parent, name, 0))
		err = ERR_SYSTEM;
	close(fd);
	return err;
}

static err_t make_folder(struct archive_entry *entry, int parent, const char *name)
{
	struct stat found;

	if (fstatat(parent, name, &found, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(found.st_mode))
		unlinkat(parent, name, 0);
	if (mkdirat(parent, name, 0755) && errno != EEXIST)
		return ERR_SYSTEM;
	/* We go into it ourselves, whatever it allows others. */
	fchmodat(parent, name, (archive_entry_perm(entry) & MODES) | 0700, 0);
	if (geteuid() == 0)
		(void)!fchownat(parent, name, (uid_t)archive_entry_uid(entry),
				(gid_t)archive_entry_gid(entry), AT_SYMLINK_NOFOLLOW);
	return ERR_OK;
}

static err_t put_entry(const struct layer *layer, struct archive_entry *entry, int parent,
		       const char *name)
{
	const char *link = archive_entry_hardlink(entry);
	unsigned type = archive_entry_filetype(entry);

	if (!link && type == AE_IFDIR)
		return make_folder(entry, parent, name);
	if (!link && type != AE_IFREG && type != AE_IFLNK)
		return ERR_OK; /* devices and the like: what a program needs of them it is given */
	oci_remove_tree(parent, name);
	if (link)
		return make_link(layer, link, parent, name);
	if (type == AE_IFREG)
		return make_file(layer, entry, parent, name);
	return archive_entry_symlink(entry) &&
			       symlinkat(archive_entry_symlink(entry), parent, name) == 0
		       ? ERR_OK
		       : ERR_SYSTEM;
}

static bool is_whiteout(const char *name)
{
	return strncmp(name, WHITEOUT, strlen(WHITEOUT)) == 0;
}

static void clear_folder(int parent)
{
	int fd = openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	while (list && (entry = readdir(list)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			oci_remove_tree(parent, entry->d_name);
	if (list)
		closedir(list);
	else if (fd >= 0)
		close(fd);
}

static void take_away(int parent, const char *name)
{
	const char *hidden = name + strlen(WHITEOUT);

	if (strcmp(name, WHITEOUT_OPAQUE) == 0)
		clear_folder(parent);
	else if (hidden[0] && strcmp(hidden, ".") != 0 && strcmp(hidden, "..") != 0)
		oci_remove_tree(parent, hidden);
}

static err_t apply_entry(const struct layer *layer, struct archive_entry *entry, bool whiteouts)
{
	char path[PATH_MAX];
	const char *name, *slash;
	err_t err = ERR_OK;
	int parent;

	TRY(clean(layer, archive_entry_pathname(entry), path));
	slash = strrchr(path, '/');
	if (!path[0] || is_whiteout(slash ? slash + 1 : path) != whiteouts)
		return ERR_OK;
	err = open_parent(layer, path, !whiteouts, &parent, &name);
	if (err)
		return whiteouts && err == ERR_NOT_FOUND ? ERR_OK : err;
	if (whiteouts)
		take_away(parent, name);
	else
		err = put_entry(layer, entry, parent, name);
	close(parent);
	if (err == ERR_SYSTEM && !layer->why->len)
		text_printf(layer->why, "'%.300s' of a layer cannot be written: %s", path,
			    strerror(errno));
	return err;
}

/* ---- A pass over it ---- */

static err_t each_entry(struct layer *layer, bool whiteouts)
{
	struct archive_entry *entry;
	int result;

	while ((result = archive_read_next_header(layer->archive, &entry)) == ARCHIVE_OK ||
	       result == ARCHIVE_WARN) {
		if (!layer->budget->entries)
			return refuse(layer, archive_entry_pathname(entry),
				      "is one more than an image may have");
		layer->budget->entries -= !whiteouts;
		/* A few bytes may unpack to very many, also of entries that are not written. */
		if ((uint64_t)archive_filter_bytes(layer->archive, 0) > OCI_BYTES_MAX)
			return refuse(layer, archive_entry_pathname(entry),
				      "is beyond the size an image may have");
		TRY(apply_entry(layer, entry, whiteouts));
	}
	if (result == ARCHIVE_EOF)
		return ERR_OK;
	text_printf(layer->why, "a layer cannot be read: %s", archive_error_string(layer->archive));
	return ERR_INVALID;
}

static err_t pass(struct layer *layer, int fd, bool whiteouts)
{
	err_t err;

	lseek(fd, 0, SEEK_SET);
	layer->archive = archive_read_new();
	if (!layer->archive)
		return ERR_NOMEM;
	archive_read_support_filter_gzip(layer->archive);
	archive_read_support_filter_zstd(layer->archive);
	archive_read_support_format_tar(layer->archive);
	archive_read_support_format_empty(layer->archive);
	if (archive_read_open_fd(layer->archive, fd, READ_BYTES) == ARCHIVE_OK) {
		err = each_entry(layer, whiteouts);
	} else {
		text_printf(layer->why, "a layer cannot be read: %s",
			    archive_error_string(layer->archive));
		err = ERR_INVALID;
	}
	archive_read_free(layer->archive);
	return err;
}

/* What it takes away is of the layers below, whichever order its entries have. */
err_t oci_layer_apply(int fd, int root, struct oci_budget *budget, struct text *why)
{
	struct layer layer = { .root = root, .budget = budget, .why = why };

	TRY(pass(&layer, fd, true));
	return pass(&layer, fd, false);
}
