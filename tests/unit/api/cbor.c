/* The CBOR form: what other encoders send, what we send back, and what cannot be read. */
#include "api/cbor.h"
#include "api/json.h"
#include "base/encode.h"
#include "tests/check.h"

#include <stdio.h>
#include <stdlib.h>

static const struct api_shape list = { .kind = API_LIST, .item = &api_integer };
static const struct api_shape map = { .kind = API_MAP, .item = &api_double };
static const struct api_shape all = {
	.kind = API_STRUCTURE,
	.members = (const struct api_member[]){ { .name = "S", .shape = &api_string },
						{ .name = "I", .shape = &api_integer },
						{ .name = "D", .shape = &api_double },
						{ .name = "B", .shape = &api_boolean },
						{ .name = "T", .shape = &api_timestamp },
						{ .name = "X", .shape = &api_blob },
						{ .name = "L", .shape = &list },
						{ .name = "M", .shape = &map },
						API_END },
};

/* The JSON that a body in hexadecimal means; "!" and the words when it cannot be read. */
static const char *decode(const char *hex)
{
	static char out[512];
	struct text body = TEXT_INIT(4096);
	struct api_fault fault = { .status = 0 };
	json_t *input = NULL;
	char *dump;

	CHECK_OK(decode_hex(&body, bytes_of(hex)));
	if (wire_cbor_decode(text_bytes(&body), &input, &fault)) {
		CHECK_STR(fault.code, "SerializationException");
		snprintf(out, sizeof out, "!%s",
			 fault.message + strlen("The body cannot be read as CBOR: "));
	} else {
		wire_json_times_in(&all, input);
		dump = json_dumps(input, JSON_COMPACT | JSON_SORT_KEYS);
		snprintf(out, sizeof out, "%s", dump);
		free(dump);
	}
	json_decref(input);
	text_fini(&body);
	return out;
}

TEST(bodies_are_read_in_every_spelling_that_cbor_has)
{
	static const struct {
		const char *hex, *want;
	} cases[] = {
		{ "", "{}" },
		{ "a0", "{}" },
		{ "bfff", "{}" },
		{ "a16153626869", "{\"S\":\"hi\"}" },
		{ "bf61537f61686169ffff", "{\"S\":\"hi\"}" },
		{ "a1614917", "{\"I\":23}" },
		{ "a16149190100", "{\"I\":256}" },
		{ "a1614920", "{\"I\":-1}" },
		{ "a161493b7fffffffffffffff", "{\"I\":-9223372036854775808}" },
		{ "a16144f93e00", "{\"D\":1.5}" },
		{ "a16144fa3fc00000", "{\"D\":1.5}" },
		{ "a16144fb3ff8000000000000", "{\"D\":1.5}" },
		{ "a16142f5", "{\"B\":true}" },
		{ "a16142f6", "{\"B\":null}" },
		{ "a16154c11a6553f100", "{\"T\":1700000000000}" },
		{ "a16154c1fb41d954fc40200000", "{\"T\":1700000000500}" },
		{ "a1615843010203", "{\"X\":\"AQID\"}" },
		{ "a1614c83010203", "{\"L\":[1,2,3]}" },
		{ "a1614c9f0102ff", "{\"L\":[1,2]}" },
		{ "a1614da16161f93c00", "{\"M\":{\"a\":1.0}}" },
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		CHECK_STR(decode(cases[i].hex), cases[i].want, "%s", cases[i].hex);
}

TEST(what_cannot_be_read_is_a_fault)
{
	static const struct {
		const char *hex, *want;
	} cases[] = {
		{ "01", "!it is not a map" },
		{ "a0a0", "!bytes follow it" },
		{ "a1", "!it ends early" },
		{ "a161", "!it ends early" },
		{ "a10101", "!the key of a map is not a text" },
		{ "a16149ff", "!a break is misplaced" },
		{ "a161491bffffffffffffffff", "!an integer is too large" },
		{ "a161493bffffffffffffffff", "!an integer is too large" },
		{ "a16144f97e00", "!a number is not finite" },
		{ "a1615361ff", "!a text is not UTF-8" },
		{ "a161537f4161ff", "!a string has pieces of another kind" },
		{ "a1614c9b7fffffffffffffff01", "!it ends early" },
		{ "a161491c", "!it is malformed" },
	};
	char deep[201];

	for (size_t i = 0; i < COUNT(cases); i++)
		CHECK_STR(decode(cases[i].hex), cases[i].want, "%s", cases[i].hex);
	for (size_t i = 0; i < 100; i++)
		memcpy(deep + 2 * i, i % 2 ? "81" : "c1", 3);
	memcpy(deep, "a16149", 6);
	CHECK_STR(decode(deep), "!it is nested too deeply");
}

TEST(an_answer_reads_back_as_what_it_was)
{
	json_t *output = json_pack("{s:s, s:i, s:f, s:b, s:I, s:s, s:[i,i], s:{s:f}, s:i}", "S",
				   "grün", "I", -300, "D", 0.25, "B", 1, "T",
				   (json_int_t)1700000000500, "X", "AQID", "L", 1, 70000, "M", "a",
				   2.5, "unknown", 1);
	struct text body = TEXT_INIT(4096);
	struct api_fault fault;
	json_t *back = NULL;

	CHECK_OK(wire_cbor_encode(&all, output, &body));
	CHECK_OK(wire_cbor_decode(text_bytes(&body), &back, &fault));
	wire_json_times_in(&all, back);
	json_object_del(output, "unknown");
	CHECK(json_equal(output, back));
	json_object_set_new(output, "I", json_string("no number"));
	CHECK_ERR(wire_cbor_encode(&all, output, &body), ERR_INVALID);
	json_decref(output);
	json_decref(back);
	text_fini(&body);
}
