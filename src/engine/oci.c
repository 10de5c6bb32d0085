#include "engine/oci.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "crypto/digest.h"
#include "engine/oci_layer.h"

enum {
	JSON_BYTES = 4 * 1024 * 1024,
	INDEXES_MAX = 4, /* an index may name an index */
	LAYERS_MAX = 128,
	READ_BYTES = 64 * 1024,
	HEX_BYTES = 64,
};

struct blob {
	char hex[HEX_BYTES + 1];
	int64_t size;
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

static bool is_hex(const char *text)
{
	size_t n = strspn(text, "0123456789abcdef");

	return n == HEX_BYTES && text[n] == '\0';
}

/* {"digest": "sha256:…", "size": n} */
static err_t read_descriptor(const struct opening *opening, const json_t *descriptor,
			     struct blob *ret_blob)
{
	const char *digest = json_string_value(json_object_get(descriptor, "digest"));
	const json_t *size = json_object_get(descriptor, "size");

	if (!digest || strncmp(digest, "sha256:", 7) != 0 || !is_hex(digest + 7) ||
	    !json_is_integer(size) || json_integer_value(size) < 0) {
		text_printf(opening->why, "%s: a descriptor has no SHA-256 digest or no size",
			    opening->name);
		return ERR_INVALID;
	}
	snprintf(ret_blob->hex, sizeof ret_blob->hex, "%s", digest + 7);
	ret_blob->size = json_integer_value(size);
	return ERR_OK;
}

/* Opens the blob when it is what its digest says; the descriptor stands at its beginning. */
static err_t open_blob(const struct opening *opening, const struct blob *blob, int *ret_fd)
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

static err_t read_json(const struct opening *opening, int fd, const char *what, json_t **ret_json)
{
	struct text text = TEXT_INIT(JSON_BYTES);
	char buffer[READ_BYTES];
	ssize_t got;

	while ((got = read(fd, buffer, sizeof buffer)) > 0)
		text_add(&text, bytes_make(buffer, (size_t)got));
	close(fd);
	*ret_json = got < 0 || text_err(&text)
			    ? NULL
			    : json_loadb(text_str(&text), text.len, JSON_REJECT_DUPLICATES, NULL);
	text_fini(&text);
	if (json_is_object(*ret_json))
		return ERR_OK;
	json_decref(*ret_json);
	text_printf(opening->why, "%s: %s is no JSON object, or larger than 4 MiB", opening->name,
		    what);
	return ERR_INVALID;
}

static err_t read_blob(const struct opening *opening, const json_t *descriptor, json_t **ret_json)
{
	struct blob blob;
	int fd;

	TRY(read_descriptor(opening, descriptor, &blob));
	TRY(open_blob(opening, &blob, &fd));
	return read_json(opening, fd, blob.hex, ret_json);
}

/* ---- Which image ---- */

static const char *text_in(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static bool is_ours(const json_t *descriptor)
{
	static const char *const names[][2] = { { "x86_64", "amd64" }, { "aarch64", "arm64" } };
	const json_t *platform = json_object_get(descriptor, "platform");
	struct utsname machine;
	const char *name = "";

	if (!platform || uname(&machine))
		return true;
	for (size_t i = 0; i < COUNT(names); i++)
		if (strcmp(names[i][0], machine.machine) == 0)
			name = names[i][1];
	return strcmp(text_in(platform, "os"), "linux") == 0 &&
	       strcmp(text_in(platform, "architecture"), name) == 0;
}

static const json_t *pick(const struct opening *opening, const json_t *index, bool by_tag)
{
	const json_t *list = json_object_get(index, "manifests"), *only = NULL, *item;
	size_t i, fitting = 0;

	json_array_foreach ((json_t *)list, i, item) {
		const char *tag = text_in(json_object_get(item, "annotations"),
					  "org.opencontainers.image.ref.name");

		if (!is_ours(item))
			continue;
		if (by_tag && opening->tag[0] && strcmp(tag, opening->tag) != 0)
			continue;
		if (by_tag && !opening->tag[0] && strcmp(tag, "latest") == 0)
			return item;
		only = item;
		fitting++;
	}
	/* Without a tag the one there is; of platforms the first that fits has to do. */
	return fitting == 1 || (fitting && (!by_tag || opening->tag[0])) ? only : NULL;
}

static err_t find_manifest(const struct opening *opening, struct blob *ret_blob,
			   json_t **ret_manifest)
{
	int fd = openat(opening->folder, "index.json", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	const json_t *found;
	json_t *index, *next;

	if (fd < 0) {
		text_printf(opening->why, "%s is no OCI image layout: index.json: %s",
			    opening->name, strerror(errno));
		return ERR_NOT_FOUND;
	}
	TRY(read_json(opening, fd, "index.json", &index));
	for (unsigned i = 0; i < INDEXES_MAX; i++) {
		err_t err;

		found = pick(opening, index, i == 0);
		if (!found)
			break;
		err = read_descriptor(opening, found, ret_blob);
		if (!err)
			err = read_blob(opening, found, &next);
		json_decref(index);
		if (err)
			return err;
		index = next;
		if (json_is_array(json_object_get(index, "layers"))) {
			*ret_manifest = index;
			return ERR_OK;
		}
	}
	json_decref(index);
	text_printf(opening->why, "%s has no image%s%s for this machine", opening->name,
		    opening->tag[0] ? " named " : "", opening->tag);
	return ERR_NOT_FOUND;
}

/* ---- Unpacking ---- */

static err_t unpack_layers(const struct opening *opening, const json_t *manifest, int root)
{
	const json_t *layers = json_object_get(manifest, "layers"), *layer;
	struct oci_budget budget = OCI_BUDGET_INIT;
	size_t i;

	if (json_array_size(layers) > LAYERS_MAX) {
		text_printf(opening->why, "%s has more than %d layers", opening->name, LAYERS_MAX);
		return ERR_TOO_LARGE;
	}
	json_array_foreach ((json_t *)layers, i, layer) {
		struct blob blob;
		err_t err;
		int fd;

		TRY(read_descriptor(opening, layer, &blob));
		TRY(open_blob(opening, &blob, &fd));
		err = oci_layer_apply(fd, root, &budget, opening->why);
		close(fd);
		if (err)
			return err;
	}
	return ERR_OK;
}

static err_t write_config(const struct opening *opening, const json_t *manifest, const char *folder)
{
	char path[PATH_MAX];
	json_t *config;
	int failed;

	TRY(read_blob(opening, json_object_get(manifest, "config"), &config));
	failed = snprintf(path, sizeof path, "%s/config.json", folder) >= (int)sizeof path ||
		 json_dump_file(json_object_get(config, "config"), path, JSON_COMPACT);
	json_decref(config);
	return failed ? ERR_SYSTEM : ERR_OK;
}

/* Into a fresh folder, which gets its name when it is whole. */
static err_t unpack(const struct opening *opening, const json_t *manifest, const char *cache,
		    const char *target)
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
		err = write_config(opening, manifest, fresh);
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
	json_t *manifest;
	struct blob blob;
	err_t err = ERR_OK;

	TRY(find_manifest(opening, &blob, &manifest));
	if (snprintf(target, sizeof target, "%s/%s", cache, blob.hex) >= (int)sizeof target)
		err = ERR_TOO_LARGE;
	else if (access(target, F_OK))
		err = unpack(opening, manifest, cache, target);
	json_decref(manifest);
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
