#include "engine/oci.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/digest.h"
#include "engine/oci_json.h"
#include "engine/oci_layer.h"

enum {
	JSON_BYTES = 4 * 1024 * 1024,
	INDEXES_MAX = 4, /* an index may name an index */
	READ_BYTES = 64 * 1024,
};

struct opening {
	int folder;
	const char *name, *tag;
	struct text *why;
};

bool oci_reference(const char *image, char ret_folder[PATH_MAX], char ret_tag[129])
{
	struct bytes rest = bytes_of(image);
	size_t colon = SIZE_MAX;

	if (!bytes_starts(rest, BYTES("oci:")))
		return false;
	rest = bytes_from(rest, 4);
	for (size_t i = rest.len; i-- > 0 && rest.at[i] != '/';)
		if (rest.at[i] == ':')
			colon = i;
	snprintf(ret_folder, PATH_MAX, "%.*s", BYTES_ARG(bytes_upto(rest, colon)));
	snprintf(ret_tag, 129, "%.*s",
		 BYTES_ARG(colon == SIZE_MAX ? BYTES_NONE : bytes_from(rest, colon + 1)));
	return true;
}

/* ---- Blobs ---- */

/* Opens the blob when it is what its digest says; the descriptor stands at its beginning. */
static err_t open_blob(const struct opening *opening, const struct oci_blob *blob, int *ret_fd)
{
	char path[96], hex[SHA256_HEX_BYTES + 1], buffer[READ_BYTES];
	struct sha256_stream *stream = NULL;
	uint8_t digest[SHA256_BYTES];
	int64_t size = 0;
	ssize_t got = 1;
	int fd;

	snprintf(path, sizeof path, "blobs/sha256/%s", blob->hex);
	fd = openat(opening->folder, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		text_printf(opening->why, "%s: %s cannot be opened: %s", opening->name, path,
			    strerror(errno));
		return ERR_NOT_FOUND;
	}
	if (sha256_stream_create(&stream)) {
		close(fd);
		return ERR_NOMEM;
	}
	while (size <= blob->size && (got = read(fd, buffer, sizeof buffer)) > 0) {
		sha256_stream_add(stream, bytes_make(buffer, (size_t)got));
		size += got;
	}
	sha256_stream_finish(stream, digest);
	sha256_to_hex(digest, hex);
	if (got < 0 || size != blob->size || strcmp(hex, blob->hex) != 0) {
		text_printf(opening->why, "%s: %s is not what its digest and size say",
			    opening->name, path);
		close(fd);
		return ERR_INVALID;
	}
	lseek(fd, 0, SEEK_SET);
	*ret_fd = fd;
	return ERR_OK;
}

/* Appends the rest of the file; more than JSON_BYTES of it are no JSON, and said to be none. */
static err_t read_rest(int fd, struct text *out)
{
	char buffer[READ_BYTES];
	ssize_t got;

	while ((got = read(fd, buffer, sizeof buffer)) > 0)
		text_add(out, bytes_make(buffer, (size_t)got));
	close(fd);
	if (got < 0 || text_err(out))
		text_fini(out);
	return got < 0 ? ERR_SYSTEM : ERR_OK;
}

static err_t read_blob(const struct opening *opening, const struct oci_blob *blob, struct text *out)
{
	int fd;

	TRY(open_blob(opening, blob, &fd));
	return read_rest(fd, out);
}

/* ---- Which image ---- */

static err_t read_inner(const struct opening *opening, const struct oci_blob *blob,
			struct oci_document *ret_document)
{
	const struct oci_wish wish = { .name = opening->name };
	struct text json = TEXT_INIT(JSON_BYTES);
	err_t err = read_blob(opening, blob, &json);

	if (!err)
		err = oci_document_read(text_bytes(&json), blob->hex, &wish, ret_document,
					opening->why);
	text_fini(&json);
	return err;
}

static err_t read_outer(const struct opening *opening, struct oci_document *ret_document)
{
	const struct oci_wish wish = { .name = opening->name, .tag = opening->tag };
	int fd = openat(opening->folder, "index.json", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct text json = TEXT_INIT(JSON_BYTES);
	err_t err;

	if (fd < 0) {
		text_printf(opening->why, "%s is no OCI image layout: index.json: %s",
			    opening->name, strerror(errno));
		return ERR_NOT_FOUND;
	}
	err = read_rest(fd, &json);
	if (!err)
		err = oci_document_read(text_bytes(&json), "index.json", &wish, ret_document,
					opening->why);
	text_fini(&json);
	return err;
}

static err_t find_manifest(const struct opening *opening, struct oci_blob *ret_blob,
			   struct oci_document *ret_manifest)
{
	TRY(read_outer(opening, ret_manifest));
	for (unsigned i = 0; i < INDEXES_MAX; i++) {
		*ret_blob = ret_manifest->next;
		TRY(read_inner(opening, ret_blob, ret_manifest));
		if (ret_manifest->is_manifest)
			return ERR_OK;
	}
	text_printf(opening->why, "%s: more than %d indexes name one another", opening->name,
		    INDEXES_MAX);
	return ERR_TOO_LARGE;
}

/* ---- Unpacking ---- */

static err_t unpack_layers(const struct opening *opening, const struct oci_document *manifest,
			   int root)
{
	struct oci_budget budget = OCI_BUDGET_INIT;

	for (unsigned i = 0; i < manifest->layer_count; i++) {
		err_t err;
		int fd;

		TRY(open_blob(opening, &manifest->layers[i], &fd));
		err = oci_layer_apply(fd, root, &budget, opening->why);
		close(fd);
		if (err)
			return err;
	}
	return ERR_OK;
}

static err_t write_file(const char *path, struct bytes data)
{
	FILE *file = fopen(path, "we");
	bool good = file && fwrite(data.at, 1, data.len, file) == data.len;

	if (file && fclose(file))
		good = false;
	return good ? ERR_OK : ERR_SYSTEM;
}

static err_t write_config(const struct opening *opening, const struct oci_blob *blob,
			  const char *folder)
{
	const struct oci_wish wish = { .name = opening->name };
	struct text json = TEXT_INIT(JSON_BYTES), config = TEXT_INIT(JSON_BYTES);
	char path[PATH_MAX];
	err_t err = read_blob(opening, blob, &json);

	if (!err)
		err = oci_config_read(text_bytes(&json), blob->hex, &wish, &config, opening->why);
	if (!err && snprintf(path, sizeof path, "%s/config.json", folder) >= (int)sizeof path)
		err = ERR_TOO_LARGE;
	if (!err)
		err = write_file(path, text_bytes(&config));
	text_fini(&json);
	text_fini(&config);
	return err;
}

/* Into a fresh folder, which gets its name when it is whole. */
static err_t unpack(const struct opening *opening, const struct oci_document *manifest,
		    const char *cache, const char *target)
{
	char fresh[PATH_MAX], path[PATH_MAX];
	err_t err;
	int root;

	if (snprintf(fresh, sizeof fresh, "%s/new-XXXXXX", cache) >= (int)sizeof fresh ||
	    !mkdtemp(fresh) || snprintf(path, sizeof path, "%s/root", fresh) >= (int)sizeof path ||
	    mkdir(path, 0755))
		return ERR_SYSTEM;
	root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	err = root < 0 ? ERR_SYSTEM : unpack_layers(opening, manifest, root);
	if (!err)
		err = write_config(opening, &manifest->config, fresh);
	if (!err)
		syncfs(root); /* its name promises that it is whole, also after the power failed */
	if (root >= 0)
		close(root);
	if (!err && rename(fresh, target))
		err = ERR_SYSTEM;
	if (err)
		oci_remove_tree(AT_FDCWD, fresh);
	return err;
}

static err_t read_config(const char *target, struct oci_image *image)
{
	char path[PATH_MAX];
	json_t *config;

	if (snprintf(path, sizeof path, "%s/config.json", target) >= (int)sizeof path ||
	    snprintf(image->root, sizeof image->root, "%s/root", target) >= (int)sizeof image->root)
		return ERR_TOO_LARGE;
	config = json_load_file(path, 0, NULL);
	image->config = config ? json_dumps(config, JSON_COMPACT) : NULL;
	json_decref(config);
	return image->config ? ERR_OK : ERR_INVALID;
}

static err_t open_image(const struct opening *opening, const char *cache,
			struct oci_image *ret_image)
{
	char target[PATH_MAX];
	struct oci_document manifest;
	struct oci_blob blob;
	err_t err = ERR_OK;

	TRY(find_manifest(opening, &blob, &manifest));
	if (snprintf(target, sizeof target, "%s/%s", cache, blob.hex) >= (int)sizeof target)
		err = ERR_TOO_LARGE;
	else if (access(target, F_OK))
		err = unpack(opening, &manifest, cache, target);
	if (!err)
		err = read_config(target, ret_image);
	if (err && !opening->why->len)
		text_printf(opening->why, "%s cannot be unpacked: %s", opening->name,
			    err == ERR_SYSTEM ? strerror(errno) : err_words(err));
	return err;
}

err_t oci_unpack(const char *folder, const char *tag, const char *cache,
		 struct oci_image *ret_image, struct text *why)
{
	struct opening opening = { .name = folder, .tag = tag, .why = why };
	err_t err;

	opening.folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (opening.folder < 0) {
		text_printf(why, "%s cannot be opened: %s", folder, strerror(errno));
		return ERR_NOT_FOUND;
	}
	if (mkdir(cache, 0700) && errno != EEXIST)
		err = ERR_SYSTEM;
	else
		err = open_image(&opening, cache, ret_image);
	close(opening.folder);
	return err;
}

/* ---- Programs ---- */

static bool resolve(const char *root, const char *name, char out[PATH_MAX])
{
	int folder = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = folder < 0 ? -1 : oci_open_inside(folder, name, O_PATH);
	char link[64], real[PATH_MAX], real_root[PATH_MAX];
	struct stat found;
	ssize_t len = -1;

	if (fd >= 0 && fstat(fd, &found) == 0 && S_ISREG(found.st_mode) &&
	    found.st_mode & S_IXUSR) {
		snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
		len = readlink(link, real, sizeof real - 1);
	}
	if (fd >= 0)
		close(fd);
	if (folder >= 0)
		close(folder);
	if (len < 0 || !realpath(root, real_root) ||
	    strncmp(real, real_root, strlen(real_root)) != 0)
		return false;
	real[len] = '\0';
	snprintf(out, PATH_MAX, "%s", real + strlen(real_root));
	return true;
}

err_t oci_find_program(const char *root, const char *name, const char *path, char out[PATH_MAX])
{
	struct bytes rest = bytes_of(path), folder;
	char full[PATH_MAX];

	if (strchr(name, '/'))
		return resolve(root, name, out) ? ERR_OK : ERR_NOT_FOUND;
	while (bytes_cut(&rest, ':', &folder))
		if (snprintf(full, sizeof full, "%.*s/%s", BYTES_ARG(folder), name) <
			    (int)sizeof full &&
		    resolve(root, full, out))
			return ERR_OK;
	return ERR_NOT_FOUND;
}
