/*
 * An image layout's documents: whatever they say, they are read or refused with a sentence, and
 * what names a file (a digest) is 64 hexadecimal digits.
 */
#include <stdlib.h>

#include "engine/oci_json.h"

enum { OUT_BYTES = 1024 * 1024, WHY_BYTES = 4096 };

static void check_blob(const struct oci_blob *blob)
{
	if (strspn(blob->hex, "0123456789abcdef") != OCI_HEX_BYTES || blob->hex[OCI_HEX_BYTES] ||
	    blob->size < 0)
		abort();
}

static void read_document(struct bytes in, const char *tag)
{
	const struct oci_wish wish = { .name = "layout", .tag = tag };
	struct text why = TEXT_INIT(WHY_BYTES);
	struct oci_document document;

	if (oci_document_read(in, "it", &wish, &document, &why)) {
		if (!why.len)
			abort();
	} else if (!document.is_manifest) {
		check_blob(&document.next);
	} else {
		if (tag || document.layer_count > OCI_LAYERS_MAX)
			abort();
		check_blob(&document.config);
		for (unsigned i = 0; i < document.layer_count; i++)
			check_blob(&document.layers[i]);
	}
	text_fini(&why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const tags[] = { NULL, "", "latest", "1" };
	const struct oci_wish wish = { .name = "layout" };
	struct text out = TEXT_INIT(OUT_BYTES), why = TEXT_INIT(WHY_BYTES);
	struct bytes in = bytes_make(data, size);

	for (size_t i = 0; i < COUNT(tags); i++)
		read_document(in, tags[i]);
	if (!oci_config_read(in, "it", &wish, &out, &why)) {
		if (out.at[0] != '{')
			abort();
	} else if (!why.len && !text_err(&out)) {
		abort();
	}
	text_fini(&out);
	text_fini(&why);
	return 0;
}
