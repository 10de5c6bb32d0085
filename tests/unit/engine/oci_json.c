/* What an image layout's documents say, and what they must not. */
#include "engine/oci_json.h"

#include <stdio.h>

#include "tests/check.h"

#define HEX_1	  "1111111111111111111111111111111111111111111111111111111111111111"
#define HEX_2	  "2222222222222222222222222222222222222222222222222222222222222222"
#define BLOB(hex) "\"digest\": \"sha256:" hex "\", \"size\": 7"
#define TAG(name) ", \"annotations\": {\"org.opencontainers.image.ref.name\": \"" name "\"}"
#define STRANGE	  ", \"platform\": {\"os\": \"plan9\", \"architecture\": \"pdp11\"}"

static struct oci_document document;
static struct text why;

static err_t read_as(const char *json, const char *tag)
{
	const struct oci_wish wish = { .name = "layout", .tag = tag };

	text_fini(&why);
	text_init(&why, 4096);
	return oci_document_read(bytes_of(json), "it", &wish, &document, &why);
}

TEST(an_index_names_the_image_of_a_tag_and_without_one_the_latest_or_the_only_one)
{
	static const struct {
		const char *json, *tag, *hex;
	} rows[] = {
		{ "{\"manifests\": [{" BLOB(HEX_1) TAG("a") "}, {" BLOB(HEX_2) TAG("b") "}]}", "b",
		  HEX_2 },
		{ "{\"manifests\": [{" BLOB(HEX_1) TAG("a") "}, {" BLOB(HEX_2) TAG("b") "}]}", "c",
		  NULL },
		{ "{\"manifests\": [{" BLOB(HEX_1) TAG("a") "}, {" BLOB(HEX_2) TAG("b") "}]}", "",
		  NULL },
		{ "{\"manifests\": [{" BLOB(HEX_1) TAG("a") "}, {" BLOB(HEX_2) TAG("latest") "}]}",
		  "", HEX_2 },
		{ "{\"manifests\": [{" BLOB(HEX_1) "}]}", "", HEX_1 },
		{ "{\"manifests\": [{" BLOB(HEX_1) STRANGE "}, {" BLOB(HEX_2) "}]}", NULL, HEX_2 },
		{ "{\"manifests\": [{" BLOB(HEX_1) STRANGE "}]}", NULL, NULL },
		{ "{\"manifests\": 7}", "", NULL },
		{ "{}", NULL, NULL },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		err_t err = read_as(rows[i].json, rows[i].tag);

		CHECK_EQ(err, rows[i].hex ? ERR_OK : ERR_NOT_FOUND, "row %zu: %s", i,
			 text_str(&why));
		if (!err)
			CHECK_STR(document.next.hex, rows[i].hex, "row %zu", i);
		else
			CHECK(strstr(text_str(&why), "has no image") != NULL, "row %zu: %s", i,
			      text_str(&why));
	}
}

TEST(a_manifest_has_a_configuration_and_layers_in_their_order)
{
	CHECK_OK(read_as("{\"config\": {" BLOB(HEX_1) "}, \"layers\": [{" BLOB(HEX_2) "}, {" BLOB(
				 HEX_1) "}]}",
			 NULL));
	CHECK(document.is_manifest, "it has layers");
	CHECK_STR(document.config.hex, HEX_1);
	CHECK_EQ(document.layer_count, 2);
	CHECK_STR(document.layers[0].hex, HEX_2);
	CHECK_EQ(document.layers[0].size, 7);
}

TEST(what_names_no_blob_is_refused_with_a_sentence)
{
	static const char *const descriptors[] = {
		"7",
		"{}",
		"{\"size\": 1}",
		"{\"digest\": \"sha256:" HEX_1 "\"}",
		"{\"digest\": \"sha256:" HEX_1 "\", \"size\": -1}",
		"{\"digest\": \"sha256:" HEX_1 "\", \"size\": \"1\"}",
		"{\"digest\": \"sha256:" HEX_1 "1\", \"size\": 1}",
		"{\"digest\": \"sha256:../../../../etc/passwd\", \"size\": 1}",
		"{\"digest\": \"md5:" HEX_1 "\", \"size\": 1}",
	};
	char json[1024];

	for (size_t i = 0; i < COUNT(descriptors); i++) {
		snprintf(json, sizeof json, "{\"layers\": [%s], \"config\": {" BLOB(HEX_1) "}}",
			 descriptors[i]);
		CHECK_EQ(read_as(json, NULL), ERR_INVALID, "layer %zu", i);
		CHECK(strstr(text_str(&why), "no SHA-256 digest") != NULL, "layer %zu", i);
		snprintf(json, sizeof json, "{\"layers\": [], \"config\": %s}", descriptors[i]);
		CHECK_EQ(read_as(json, NULL), ERR_INVALID, "configuration %zu", i);
	}
	CHECK_EQ(read_as("[]", NULL), ERR_INVALID);
	CHECK_EQ(read_as("{\"a\": 1, \"a\": 2}", NULL), ERR_INVALID);
}

TEST(more_layers_than_an_image_may_have_are_refused)
{
	struct text json = TEXT_INIT(64 * 1024);

	text_add_str(&json, "{\"config\": {" BLOB(HEX_1) "}, \"layers\": [");
	for (int i = 0; i <= OCI_LAYERS_MAX; i++)
		text_printf(&json, "%s{" BLOB(HEX_2) "}", i ? ", " : "");
	text_add_str(&json, "]}");
	CHECK_EQ(read_as(text_str(&json), NULL), ERR_TOO_LARGE);
	text_fini(&json);
}

TEST(a_configuration_is_an_object_or_absent)
{
	static const struct {
		const char *json, *config;
	} rows[] = {
		{ "{\"config\": {\"Cmd\": [\"a\"]}}", "{\"Cmd\":[\"a\"]}" },
		{ "{}", "{}" },
		{ "{\"config\": null}", "{}" },
		{ "{\"config\": [1]}", NULL },
		{ "nothing", NULL },
	};
	const struct oci_wish wish = { .name = "layout" };

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct text out = TEXT_INIT(1024), words = TEXT_INIT(1024);
		err_t err = oci_config_read(bytes_of(rows[i].json), "it", &wish, &out, &words);

		CHECK_EQ(err, rows[i].config ? ERR_OK : ERR_INVALID, "row %zu", i);
		if (!err)
			CHECK_STR(text_str(&out), rows[i].config, "row %zu", i);
		else
			CHECK(words.len > 0, "row %zu says nothing", i);
		text_fini(&out);
		text_fini(&words);
	}
}
