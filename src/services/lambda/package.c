#include "services/lambda/package.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

#include "crypto/random.h"

enum { PATH_BYTES = 4096, PIECE_BYTES = 64 * 1024, UNIX_MADE = 3 };

/* ---- Names inside ---- */

/* Relative, without "..", without control bytes. */
static bool path_is_safe(const char *path)
{
	struct bytes rest = bytes_of(path), part;

	if (!rest.len || rest.len > PACKAGE_PATH_BYTES_MAX || path[0] == '/')
		return false;
	for (size_t i = 0; i < rest.len; i++)
		if ((unsigned char)path[i] < ' ' || path[i] == '\\')
			return false;
	while (bytes_cut(&rest, '/', &part))
		if (bytes_eq_str(part, ".."))
			return false;
	return true;
}

static mode_t mode_of(zip_t *archive, zip_uint64_t index)
{
	zip_uint8_t system;
	zip_uint32_t attributes;

	if (zip_file_get_external_attributes(archive, index, 0, &system, &attributes) ||
	    system != UNIX_MADE)
		return S_IFREG | 0644;
	return (mode_t)(attributes >> 16);
}

static err_t check_entry(zip_t *archive, zip_uint64_t index, uint64_t *total, struct text *why)
{
	const zip_uint64_t wanted = ZIP_STAT_NAME | ZIP_STAT_SIZE;
	zip_stat_t stat;
	mode_t kind;

	if (zip_stat_index(archive, index, 0, &stat) || (stat.valid & wanted) != wanted) {
		text_printf(why, "entry %llu cannot be read", (unsigned long long)index);
		return ERR_SYNTAX;
	}
	kind = mode_of(archive, index) & S_IFMT;
	if (!path_is_safe(stat.name) || (kind && kind != S_IFREG && kind != S_IFDIR)) {
		text_printf(why, "entry %llu has a path or a kind that is not taken",
			    (unsigned long long)index);
		return ERR_SYNTAX;
	}
	if (stat.size > PACKAGE_UNPACKED_BYTES_MAX - *total) {
		text_add_str(why, "it is too large unpacked");
		return ERR_TOO_LARGE;
	}
	*total += stat.size;
	return ERR_OK;
}

static err_t check_archive(zip_t *archive, struct text *why)
{
	zip_int64_t count = zip_get_num_entries(archive, 0);
	uint64_t total = 0;

	if (count <= 0 || count > PACKAGE_ENTRIES_MAX) {
		text_add_str(why, "it has no entries, or too many");
		return ERR_SYNTAX;
	}
	for (zip_int64_t i = 0; i < count; i++)
		TRY(check_entry(archive, (zip_uint64_t)i, &total, why));
	return ERR_OK;
}

err_t package_check(struct bytes zip, struct text *why)
{
	zip_error_t error;
	zip_source_t *source;
	zip_t *archive;
	err_t err;

	zip_error_init(&error);
	source = zip_source_buffer_create(zip.at, zip.len, 0, &error);
	archive = source ? zip_open_from_source(source, ZIP_RDONLY, &error) : NULL;
	if (!archive) {
		text_add_str(why, zip_error_strerror(&error));
		if (source)
			zip_source_free(source);
		zip_error_fini(&error);
		return ERR_SYNTAX;
	}
	zip_error_fini(&error);
	err = check_archive(archive, why);
	zip_discard(archive);
	return err;
}

/* ---- Files ---- */

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *where)
{
	(void)stat;
	(void)kind;
	(void)where;
	return remove(path);
}

/* Unpacked folders are read-only: they must be writable to be emptied. */
static int open_folder(const char *path, const struct stat *stat, int kind, struct FTW *where)
{
	(void)stat;
	(void)where;
	return kind == FTW_D ? chmod(path, 0700) : 0;
}

static void remove_tree(const char *path)
{
	nftw(path, open_folder, 16, FTW_PHYS);
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static err_t make_folder(const char *path)
{
	return mkdir(path, 0700) == 0 || errno == EEXIST ? ERR_OK : ERR_SYSTEM;
}

err_t package_open(const char *folder)
{
	char path[PATH_BYTES];

	TRY(make_folder(folder));
	snprintf(path, sizeof path, "%s/tmp", folder);
	remove_tree(path);
	TRY(make_folder(path));
	snprintf(path, sizeof path, "%s/code", folder);
	return make_folder(path);
}

static void temporary(const char *folder, char out[PATH_BYTES])
{
	char hex[25];

	random_hex(hex, 24);
	snprintf(out, PATH_BYTES, "%s/tmp/%s", folder, hex);
}

static err_t write_all(int fd, struct bytes data)
{
	while (data.len) {
		ssize_t put = write(fd, data.at, data.len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return ERR_SYSTEM;
		data = bytes_from(data, (size_t)put);
	}
	return ERR_OK;
}

static void sync_folder(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

/* Complete and on disk under its name, or not there. */
static err_t move_into_place(const char *folder, const char *from, const char *to)
{
	char code[PATH_BYTES];

	if (rename(from, to) != 0) {
		bool there = errno == EEXIST || errno == ENOTEMPTY;

		remove_tree(from);
		return there ? ERR_OK : ERR_SYSTEM;
	}
	snprintf(code, sizeof code, "%s/code", folder);
	sync_folder(code);
	return ERR_OK;
}

static err_t create_temporary(const char *folder, char path[PATH_BYTES], int *ret_fd)
{
	temporary(folder, path);
	*ret_fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return *ret_fd < 0 ? ERR_SYSTEM : ERR_OK;
}

/* Takes over what came of writing it; the file is gone after an error. */
static err_t finish_temporary(const char *path, int fd, err_t err)
{
	if (!err && fsync(fd))
		err = ERR_SYSTEM;
	if (close(fd) && !err)
		err = ERR_SYSTEM;
	if (err)
		unlink(path);
	return err;
}

err_t package_keep(const char *folder, struct bytes zip, const char hex[SHA256_HEX_BYTES + 1])
{
	char from[PATH_BYTES], to[PATH_BYTES];
	int fd;

	snprintf(to, sizeof to, "%s/code/%s.zip", folder, hex);
	if (access(to, F_OK) == 0)
		return ERR_OK;
	TRY(create_temporary(folder, from, &fd));
	TRY(finish_temporary(from, fd, write_all(fd, zip)));
	return move_into_place(folder, from, to);
}

/* ---- From elsewhere ---- */

static err_t copy_zip(struct api_outlet *zip, int fd, struct sha256_stream *digest)
{
	char piece[PIECE_BYTES];
	uint64_t left = zip->length;

	while (left) {
		size_t len;

		TRY(zip->ops->read(zip, piece, left < sizeof piece ? (size_t)left : sizeof piece,
				   &len));
		sha256_stream_add(digest, bytes_make(piece, len));
		TRY(write_all(fd, bytes_make(piece, len)));
		left -= len;
	}
	return ERR_OK;
}

static err_t check_file(const char *path, struct text *why)
{
	int number;
	zip_t *archive = zip_open(path, ZIP_RDONLY, &number);
	err_t err;

	if (!archive) {
		text_printf(why, "it is no zip (%d)", number);
		return ERR_SYNTAX;
	}
	err = check_archive(archive, why);
	zip_discard(archive);
	return err;
}

err_t package_take(const char *folder, struct api_outlet *zip, bool keep,
		   struct package_taken *ret_taken, struct text *why)
{
	struct package_taken taken = { .bytes = zip->length };
	struct sha256_stream *digest;
	char from[PATH_BYTES], to[PATH_BYTES];
	err_t err;
	int fd;

	TRY(sha256_stream_create(&digest));
	err = create_temporary(folder, from, &fd);
	if (!err)
		err = finish_temporary(from, fd, copy_zip(zip, fd, digest));
	sha256_stream_finish(digest, taken.digest);
	TRY(err);
	sha256_to_hex(taken.digest, taken.hex);
	snprintf(to, sizeof to, "%s/code/%s.zip", folder, taken.hex);
	err = check_file(from, why);
	if (err || !keep)
		unlink(from);
	else
		err = move_into_place(folder, from, to);
	if (!err)
		*ret_taken = taken;
	return err;
}

/* ---- Unpacking ---- */

static err_t make_parents(char *path, size_t base_len)
{
	for (char *c = path + base_len; *c; c++) {
		if (*c != '/')
			continue;
		*c = 0;
		if (make_folder(path)) {
			*c = '/';
			return ERR_SYSTEM;
		}
		*c = '/';
	}
	return ERR_OK;
}

/* What a zip says of an entry's size may be a lie: the bound is on what is written. */
static err_t copy_entry(zip_file_t *file, int fd, uint64_t *total, struct text *why)
{
	char piece[PIECE_BYTES];
	zip_int64_t got;

	while ((got = zip_fread(file, piece, sizeof piece)) > 0) {
		*total += (uint64_t)got;
		if (*total > PACKAGE_UNPACKED_BYTES_MAX) {
			text_add_str(why, "it is too large unpacked");
			return ERR_TOO_LARGE;
		}
		TRY(write_all(fd, bytes_make(piece, (size_t)got)));
	}
	if (got < 0) {
		text_add_str(why, zip_file_strerror(file));
		return ERR_SYNTAX;
	}
	return ERR_OK;
}

static err_t unpack_file(zip_t *archive, zip_uint64_t index, const char *path, uint64_t *total,
			 struct text *why)
{
	mode_t mode = mode_of(archive, index) & 0111 ? 0555 : 0444;
	zip_file_t *file = zip_fopen_index(archive, index, 0);
	err_t err;
	int fd;

	if (!file) {
		text_add_str(why, zip_strerror(archive));
		return ERR_SYNTAX;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	err = fd >= 0		? copy_entry(file, fd, total, why)
	      : errno == EEXIST ? ERR_SYNTAX
				: ERR_SYSTEM;
	if (err == ERR_SYNTAX && fd < 0)
		text_add_str(why, "an entry is there twice");
	if (fd >= 0 && (fchmod(fd, mode) || close(fd)) && !err)
		err = ERR_SYSTEM;
	zip_fclose(file);
	return err;
}

static err_t unpack_entry(zip_t *archive, zip_uint64_t index, const char *into, uint64_t *total,
			  struct text *why)
{
	const char *name = zip_get_name(archive, index, 0);
	char path[PATH_BYTES];
	int len = snprintf(path, sizeof path, "%s/%s", into, name);

	if (len < 0 || (size_t)len >= sizeof path)
		return ERR_SYNTAX;
	TRY(make_parents(path, strlen(into) + 1));
	if (path[len - 1] == '/')
		return ERR_OK;
	return unpack_file(archive, index, path, total, why);
}

static err_t unpack_archive(zip_t *archive, const char *into, struct text *why)
{
	zip_int64_t count;
	uint64_t total = 0;

	TRY(check_archive(archive, why));
	TRY(make_folder(into));
	count = zip_get_num_entries(archive, 0);
	for (zip_int64_t i = 0; i < count; i++)
		TRY(unpack_entry(archive, (zip_uint64_t)i, into, &total, why));
	return chmod(into, 0555) ? ERR_SYSTEM : ERR_OK;
}

static void sync_files(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return;
	syncfs(fd); /* many small files: one call for all */
	close(fd);
}

err_t package_unpack(const char *folder, const char *hex, struct text *why)
{
	char from[PATH_BYTES], into[PATH_BYTES], to[PATH_BYTES];
	zip_t *archive;
	int number;
	err_t err;

	snprintf(to, sizeof to, "%s/code/%s", folder, hex);
	if (access(to, F_OK) == 0)
		return ERR_OK;
	snprintf(from, sizeof from, "%s/code/%s.zip", folder, hex);
	archive = zip_open(from, ZIP_RDONLY, &number);
	if (!archive) {
		text_printf(why, "the package cannot be opened (%d)", number);
		return ERR_SYNTAX;
	}
	temporary(folder, into);
	err = unpack_archive(archive, into, why);
	zip_discard(archive);
	if (err) {
		remove_tree(into);
		return err;
	}
	sync_files(into);
	return move_into_place(folder, into, to);
}

void package_sweep(const char *folder, bool (*is_used)(void *owner, struct bytes hex), void *owner)
{
	char path[PATH_BYTES], one[PATH_BYTES + 300];
	struct dirent *entry;
	DIR *directory;

	snprintf(path, sizeof path, "%s/code", folder);
	directory = opendir(path);
	if (!directory)
		return;
	while ((entry = readdir(directory))) {
		struct bytes name = bytes_of(entry->d_name);

		if (name.len < SHA256_HEX_BYTES ||
		    is_used(owner, bytes_upto(name, SHA256_HEX_BYTES)))
			continue;
		snprintf(one, sizeof one, "%s/%s", path, entry->d_name);
		remove_tree(one);
	}
	closedir(directory);
}
