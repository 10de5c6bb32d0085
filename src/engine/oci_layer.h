/*
 * oci_layer: one layer of an image, applied to a root: its whiteouts first, then its files.
 */
#ifndef ENGINE_OCI_LAYER_H
#define ENGINE_OCI_LAYER_H

#include "base/text.h"

/* What all layers of an image may still take. */
struct oci_budget {
	uint64_t bytes, entries;
};
#define OCI_BYTES_MAX (16ull << 30)
#define OCI_BUDGET_INIT                                        \
	{                                                      \
		.bytes = OCI_BYTES_MAX, .entries = 1000 * 1000 \
	}

/* `fd`: a tar, plain or compressed (gzip, zstd), at its beginning; it is read twice. */
err_t oci_layer_apply(int fd, int root, struct oci_budget *budget, struct text *why);

/* open(2) of a path as if `root` were the root: no link and no ".." leads out. */
int oci_open_inside(int root, const char *path, int flags);

/* With all that is in it; links are not followed. */
void oci_remove_tree(int folder, const char *name);

#endif
