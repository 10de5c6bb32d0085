/*
 * oci: an image that lies in a folder as the OCI image layout (image-spec 1.0), unpacked once into
 * a folder of ours.
 *
 *   index.json ─► (an index of platforms) ─► manifest ─► configuration, layers ─► CACHE/DIGEST/root
 *
 * Whoever made the layout is not trusted: each blob is checked against its digest and size before
 * it is read, nothing is written outside of the root whatever names and links say, and sizes are
 * bounded. Left out: device nodes, set-user-id bits, extended attributes.
 *
 * Blocking; one thread at a time for one cache.
 */
#ifndef ENGINE_OCI_H
#define ENGINE_OCI_H

#include <limits.h>

#include "base/text.h"

struct oci_image {
	char root[PATH_MAX]; /* its files */
	char *config;	     /* the configuration's "config", JSON; malloc'ed */
};

/* "oci:DIR", "oci:DIR:TAG"; false for another name. *ret_tag is "" without one. */
bool oci_reference(const char *image, char ret_folder[PATH_MAX], char ret_tag[129]);

/* ERR_NOT_FOUND, ERR_INVALID, ERR_TOO_LARGE, ERR_SYSTEM with a sentence in `why`. */
err_t oci_unpack(const char *folder, const char *tag, const char *cache,
		 struct oci_image *ret_image, struct text *why);

/*
 * Where the program `name` is inside of `root`, its links followed as if that were the root: a
 * path, or a name that is looked for in `path` ("/bin:/usr/bin"). ERR_NOT_FOUND.
 */
err_t oci_find_program(const char *root, const char *name, const char *path, char out[PATH_MAX]);

#endif
