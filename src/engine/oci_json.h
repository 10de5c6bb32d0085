/*
 * oci_json: what the documents of an OCI image layout (image-spec 1.0) say: indexes, manifests,
 * configurations. Pure; who wrote them is not trusted.
 */
#ifndef ENGINE_OCI_JSON_H
#define ENGINE_OCI_JSON_H

#include "base/text.h"

enum { OCI_HEX_BYTES = 64, OCI_LAYERS_MAX = 128 };

struct oci_blob {
	char hex[OCI_HEX_BYTES + 1]; /* of its SHA-256, lower case */
	int64_t size;
};

/* An index names the document to read next, a manifest its parts. */
struct oci_document {
	bool is_manifest;
	struct oci_blob next;
	struct oci_blob config, layers[OCI_LAYERS_MAX];
	unsigned layer_count;
};

/* `name` is the layout's, for complaints. */
struct oci_wish {
	const char *name;
	const char *tag; /* of index.json; "": the only image, or "latest"; NULL: of an inner one */
};

/*
 * ERR_NOT_FOUND (nothing of that tag for this machine), ERR_INVALID, ERR_TOO_LARGE with a sentence
 * in `why`. `what` is the document.
 */
err_t oci_document_read(struct bytes json, const char *what, const struct oci_wish *wish,
			struct oci_document *ret_document, struct text *why);

/* Its "config" alone, as JSON. ERR_INVALID with a sentence, ERR_NOMEM. */
err_t oci_config_read(struct bytes json, const char *what, const struct oci_wish *wish,
		      struct text *out, struct text *why);

#endif
