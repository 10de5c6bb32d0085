#include "engine/oci_json.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

static err_t parse(struct bytes json, const char *what, const struct oci_wish *wish,
		   struct text *why, json_t **ret_object)
{
	json_t *object = json_loadb(json.at ? json.at : "", json.len, JSON_REJECT_DUPLICATES, NULL);

	if (json_is_object(object)) {
		*ret_object = object;
		return ERR_OK;
	}
	json_decref(object);
	text_printf(why, "%s: %s is no JSON object, or larger than 4 MiB", wish->name, what);
	return ERR_INVALID;
}

static const char *text_in(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* ---- Blobs ---- */

static bool is_hex(const char *text)
{
	size_t n = strspn(text, "0123456789abcdef");

	return n == OCI_HEX_BYTES && text[n] == '\0';
}

/* {"digest": "sha256:…", "size": n} */
static err_t read_descriptor(const json_t *descriptor, const struct oci_wish *wish,
			     struct oci_blob *ret_blob, struct text *why)
{
	const char *digest = text_in(descriptor, "digest");
	const json_t *size = json_object_get(descriptor, "size");

	if (strncmp(digest, "sha256:", 7) != 0 || !is_hex(digest + 7) || !json_is_integer(size) ||
	    json_integer_value(size) < 0) {
		text_printf(why, "%s: a descriptor has no SHA-256 digest or no size", wish->name);
		return ERR_INVALID;
	}
	memcpy(ret_blob->hex, digest + 7, sizeof ret_blob->hex);
	ret_blob->size = json_integer_value(size);
	return ERR_OK;
}

/* ---- Which image ---- */

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

static const json_t *pick(const json_t *index, const char *wanted)
{
	const json_t *list = json_object_get(index, "manifests"), *only = NULL, *item;
	size_t i, fitting = 0;

	json_array_foreach ((json_t *)list, i, item) {
		const char *tag = text_in(json_object_get(item, "annotations"),
					  "org.opencontainers.image.ref.name");

		if (!is_ours(item))
			continue;
		if (wanted && wanted[0] && strcmp(tag, wanted) != 0)
			continue;
		if (wanted && !wanted[0] && strcmp(tag, "latest") == 0)
			return item;
		only = item;
		fitting++;
	}
	/* Without a tag the one there is; of platforms the first that fits has to do. */
	return fitting == 1 || (fitting && (!wanted || wanted[0])) ? only : NULL;
}

static err_t read_manifest(const json_t *manifest, const struct oci_wish *wish,
			   struct oci_document *document, struct text *why)
{
	const json_t *layers = json_object_get(manifest, "layers"), *layer;
	size_t i;

	document->is_manifest = true;
	if (json_array_size(layers) > OCI_LAYERS_MAX) {
		text_printf(why, "%s has more than %d layers", wish->name, OCI_LAYERS_MAX);
		return ERR_TOO_LARGE;
	}
	TRY(read_descriptor(json_object_get(manifest, "config"), wish, &document->config, why));
	json_array_foreach ((json_t *)layers, i, layer)
		TRY(read_descriptor(layer, wish, &document->layers[document->layer_count++], why));
	return ERR_OK;
}

static err_t read_index(const json_t *index, const struct oci_wish *wish,
			struct oci_document *document, struct text *why)
{
	const json_t *found = pick(index, wish->tag);

	if (found)
		return read_descriptor(found, wish, &document->next, why);
	text_printf(why, "%s has no image%s%s for this machine", wish->name,
		    wish->tag && wish->tag[0] ? " named " : "", wish->tag ? wish->tag : "");
	return ERR_NOT_FOUND;
}

err_t oci_document_read(struct bytes json, const char *what, const struct oci_wish *wish,
			struct oci_document *ret_document, struct text *why)
{
	json_t *object;
	err_t err;

	TRY(parse(json, what, wish, why, &object));
	*ret_document = (struct oci_document){ .layer_count = 0 };
	/* index.json is an index, whatever else it has. */
	if (!wish->tag && json_is_array(json_object_get(object, "layers")))
		err = read_manifest(object, wish, ret_document, why);
	else
		err = read_index(object, wish, ret_document, why);
	json_decref(object);
	return err;
}

/* ---- The configuration ---- */

err_t oci_config_read(struct bytes json, const char *what, const struct oci_wish *wish,
		      struct text *out, struct text *why)
{
	json_t *object, *config;
	char *words = NULL;

	TRY(parse(json, what, wish, why, &object));
	config = json_object_get(object, "config");
	if (!config || json_is_null(config)) { /* it asks for nothing */
		text_add_str(out, "{}");
	} else if (json_is_object(config)) {
		words = json_dumps(config, JSON_COMPACT);
		text_add_str(out, words ? words : "");
	}
	json_decref(object);
	if (!out->len)
		text_printf(why, "%s: the \"config\" of %s is no JSON object", wish->name, what);
	free(words);
	return text_err(out) ? text_err(out) : out->len ? ERR_OK : ERR_INVALID;
}
