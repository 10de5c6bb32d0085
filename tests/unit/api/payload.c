#include "api/payload.h"

#include <stdio.h>

#include "api/canonical.h"
#include "api/xml_body.h"
#include "tests/check.h"

/* The examples that AWS publishes for uploads in chunks. */
#define SECRET "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

static struct sigv4_seed seed_of(enum sigv4_payload kind, const char *signature)
{
	struct sigv4_seed seed = {
		.kind = kind,
		.verify = true,
		.stamp = "20130524T000000Z",
		.scope = "20130524/us-east-1/s3/aws4_request",
	};

	snprintf(seed.signature, sizeof seed.signature, "%s", signature);
	CHECK_OK(canonical_key(BYTES(SECRET), BYTES("20130524"), BYTES("us-east-1"), BYTES("s3"),
			       seed.key));
	return seed;
}

static err_t count(void *owner, struct bytes piece)
{
	size_t *bytes = owner;

	for (size_t i = 0; i < piece.len; i++)
		CHECK_EQ(piece.at[i], 'a');
	*bytes += piece.len;
	return ERR_OK;
}

/* Fed in steps; what came of it, and how much came through. */
static err_t unpack(const struct sigv4_seed *seed, struct bytes body, size_t step,
		    size_t *ret_bytes, struct api_fault *fault)
{
	struct payload *payload;
	struct bytes rest = body, name, value;
	err_t err = ERR_OK;

	*ret_bytes = 0;
	*fault = (struct api_fault){ .status = 0 };
	CHECK_OK(payload_create(seed, UINT64_MAX, &payload));
	while (rest.len && !err) {
		struct bytes piece = bytes_upto(rest, step);

		err = payload_feed(payload, piece, count, ret_bytes, fault);
		rest = bytes_from(rest, piece.len);
	}
	if (!err)
		err = payload_finish(payload, fault);
	if (!err && seed->kind == SIGV4_CHUNKS_TRAILER) {
		CHECK(payload_trailer(payload, 0, &name, &value));
		CHECK(bytes_eq_str(name, "x-amz-checksum-crc32c"));
		CHECK(bytes_eq_str(value, "sOO8/Q=="));
		CHECK(!payload_trailer(payload, 1, &name, &value));
	}
	payload_destroy(payload);
	return err;
}

static void add_as(struct text *body, size_t len)
{
	for (size_t i = 0; i < len; i++)
		text_add_char(body, 'a');
}

static void write_example(struct text *body, const char *one, const char *two, const char *end)
{
	text_printf(body, "10000;chunk-signature=%s\r\n", one);
	add_as(body, 65536);
	text_printf(body, "\r\n400;chunk-signature=%s\r\n", two);
	add_as(body, 1024);
	text_printf(body, "\r\n0;chunk-signature=%s\r\n", end);
}

static void write_signed(struct text *body)
{
	write_example(body, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
		      "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
		      "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9");
	text_add_str(body, "\r\n");
}

#define SIGNED_SEED "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"

TEST(the_published_upload_in_chunks_is_believed_however_it_is_cut)
{
	static const size_t steps[] = { 1, 7, 85, 4096, 70000 };
	struct sigv4_seed seed = seed_of(SIGV4_CHUNKS, SIGNED_SEED);
	struct text body = TEXT_INIT(1 << 20);
	struct api_fault fault;
	size_t bytes;

	write_signed(&body);
	CHECK_EQ(body.len, 66824, "as published");
	for (size_t i = 0; i < COUNT(steps); i++) {
		CHECK_OK(unpack(&seed, text_bytes(&body), steps[i], &bytes, &fault), "%zu %s",
			 steps[i], fault.message);
		CHECK_EQ(bytes, 66560);
	}
	text_fini(&body);
}

TEST(the_published_upload_with_a_signed_trailer_is_believed)
{
	struct sigv4_seed seed = seed_of(
		SIGV4_CHUNKS_TRAILER,
		"106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e");
	struct text body = TEXT_INIT(1 << 20);
	struct api_fault fault;
	size_t bytes;

	write_example(&body, "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
		      "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
		      "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992");
	text_add_str(&body, "x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:"
			    "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435"
			    "\r\n\r\n");
	CHECK_OK(unpack(&seed, text_bytes(&body), 1000, &bytes, &fault), "%s", fault.message);
	CHECK_EQ(bytes, 66560);
	text_fini(&body);
}

TEST(a_byte_changed_anywhere_is_found)
{
	struct sigv4_seed seed = seed_of(SIGV4_CHUNKS, SIGNED_SEED);
	struct text body = TEXT_INIT(1 << 20);
	struct api_fault fault;
	size_t bytes;

	write_signed(&body);
	for (size_t at = 22; at < body.len; at += at < 90 || at > 66500 ? 1 : 6007) {
		char before = body.at[at];

		if (before == '\r' || before == '\n' || before == 'a')
			continue;
		body.at[at] = before == '1' ? '2' : '1';
		CHECK(unpack(&seed, text_bytes(&body), 5000, &bytes, &fault) != ERR_OK, "at %zu",
		      at);
		body.at[at] = before;
	}
	text_fini(&body);
}

TEST(bodies_that_end_early_or_late_are_refused)
{
	static const char *const bad[] = {
		"5\r\naaaa",
		"5\r\naaaaa\r\n",
		"5\r\naaaaa",
		"5\r\naaaaaa\r\n0\r\n\r\n",
		"x\r\n",
		"\r\n",
		"0\r\n\r\nmore",
		"1234567890abc\r\n",
		"0\r\nno colon\r\n\r\n",
	};
	struct sigv4_seed seed = { .kind = SIGV4_CHUNKS_UNSIGNED };
	struct api_fault fault;
	size_t bytes;

	for (size_t i = 0; i < COUNT(bad); i++) {
		CHECK(unpack(&seed, bytes_of(bad[i]), 3, &bytes, &fault) != ERR_OK, "%s", bad[i]);
		CHECK(fault.code[0] && fault.message[0], "%s", bad[i]);
	}
	CHECK_OK(unpack(&seed, BYTES("3\r\naaa\r\n0\r\n\r\n"), 1, &bytes, &fault));
	CHECK_OK(unpack(&seed, BYTES("3\r\naaa\r\n0\r\nx:y\r\n"), 1, &bytes, &fault));
	CHECK_EQ(bytes, 3);
}

/* ---- XML ---- */

static const struct api_shape item = {
	.kind = API_STRUCTURE,
	.members = (const struct api_member[]){ { .name = "Key", .shape = &api_string }, API_END },
};
static const struct api_shape items = { .kind = API_LIST, .item = &item, .flattened = true };
static const struct api_shape tags = { .kind = API_LIST, .item = &item, .item_name = "Tag" };
static const struct api_shape order = {
	.kind = API_STRUCTURE,
	.members = (const struct api_member[]){ { .name = "Objects",
						  .shape = &items,
						  .wire = "Object" },
						{ .name = "Quiet", .shape = &api_boolean },
						{ .name = "TagSet", .shape = &tags },
						API_END },
};

static void check_xml(const char *body, const char *want)
{
	struct api_fault fault = { .status = 0 };
	json_t *value = NULL;
	char *dumped;

	if (!want) {
		CHECK_ERR(xml_decode(&order, bytes_of(body), &value, &fault), ERR_SYNTAX, "%s",
			  body);
		CHECK_STR(fault.code, "MalformedXML");
		return;
	}
	CHECK_OK(xml_decode(&order, bytes_of(body), &value, &fault), "%s", body);
	dumped = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);
	CHECK_STR(dumped, want, "%s", body);
	free(dumped);
	json_decref(value);
}

TEST(documents_become_values_by_their_shape)
{
	check_xml("<Delete xmlns='http://s3/'><Object><Key>a&amp;b</Key><Other/></Object>"
		  "<Quiet>true</Quiet><Object><Key><![CDATA[<c>]]></Key></Object></Delete>",
		  "{\"Objects\":[{\"Key\":\"a&b\"},{\"Key\":\"<c>\"}],\"Quiet\":\"true\"}");
	check_xml("<x><TagSet><Tag><Key>k</Key></Tag><Else/></TagSet></x>",
		  "{\"TagSet\":[{\"Key\":\"k\"}]}");
	check_xml("", "{}");
}

TEST(documents_with_a_type_or_without_an_end_are_refused)
{
	check_xml("<Delete>", NULL);
	check_xml("<a/><b/>", NULL);
	check_xml("text", NULL);
	check_xml("<!DOCTYPE d [<!ENTITY e 'x'>]><d><Quiet>&e;</Quiet></d>", NULL);
	check_xml("<!DOCTYPE d SYSTEM 'file:///etc/passwd'><d/>", NULL);
	check_xml("<d><Quiet>&unknown;</Quiet></d>", NULL);
}
