#include "tests/check.h"

#include <stdio.h>

#include "api/check.h"
#include "api/coerce.h"

static const struct api_shape name = {
	.kind = API_STRING, .min = 2, .max = 5, .pattern = "^[a-z]+$"
};
static const struct api_shape protocol = {
	.kind = API_STRING, .values = (const char *const[]){ "HTTP", "HTTPS", NULL }
};
static const struct api_shape port = { .kind = API_INTEGER, .min = 1, .max = 65535 };
static const struct api_shape share = { .kind = API_DOUBLE, .max = 10 };
static const struct api_shape signed_number = { .kind = API_INTEGER, .min = -5, .max = 5 };
static const struct api_shape names = { .kind = API_LIST, .item = &name, .max = 3 };
static const struct api_shape ports = { .kind = API_LIST, .item = &port };
static const struct api_shape extra = { .kind = API_MAP, .item = &port, .max = 2 };
static const struct api_shape action;
static const struct api_shape actions = { .kind = API_LIST, .item = &action };
static const struct api_shape action = {
	.kind = API_STRUCTURE,
	.members = (const struct api_member[]){ { .name = "Type",
						  .shape = &protocol,
						  .required = true },
						{ .name = "Order", .shape = &port },
						{ .name = "Actions", .shape = &actions },
						API_END },
};
static const struct api_shape input = {
	.kind = API_STRUCTURE,
	.members = (const struct api_member[]){ { .name = "Name", .shape = &name },
						{ .name = "Protocol", .shape = &protocol },
						{ .name = "Port", .shape = &port },
						{ .name = "Signed", .shape = &signed_number },
						{ .name = "Names", .shape = &names },
						{ .name = "Ports", .shape = &ports },
						{ .name = "Extra", .shape = &extra },
						{ .name = "Actions", .shape = &actions },
						{ .name = "Enabled", .shape = &api_boolean },
						{ .name = "Free", .shape = &api_string },
						{ .name = "Weight", .shape = &api_double },
						{ .name = "Share", .shape = &share },
						{ .name = "Created", .shape = &api_timestamp },
						{ .name = "Blob", .shape = &api_blob },
						API_END },
};

static json_t *parse(const char *text)
{
	json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);

	CHECK(value != NULL, "%s", text);
	return value;
}

/* What the check makes of the input: JSON, or the words. */
static const char *outcome(const struct api_shape *shape, const char *given)
{
	static char result[4096];
	struct patterns patterns = { .compiled = MAP_INIT };
	struct text words = TEXT_INIT(sizeof result - 1);
	json_t *value = NULL, *in = parse(given);

	if (check_input(&patterns, shape, in, &value, &words) == ERR_OK) {
		char *dump = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);

		snprintf(result, sizeof result, "%s", dump);
		free(dump);
		json_decref(value);
	} else {
		snprintf(result, sizeof result, "%s", text_str(&words));
	}
	text_fini(&words);
	json_decref(in);
	patterns_fini(&patterns);
	return result;
}

static const struct {
	const char *name, *given, *made;
} good[] = {
	{ "nothing", "{}", "{}" },
	{ "unknown members are dropped", "{\"Nmae\":\"abc\",\"x\":{\"y\":1}}", "{}" },
	{ "null is absent", "{\"Name\":null,\"Actions\":null}", "{}" },
	{ "a number as a string", "{\"Port\":\"80\"}", "{\"Port\":80}" },
	{ "a whole real", "{\"Port\":80.0}", "{\"Port\":80}" },
	{ "a negative number as a string", "{\"Signed\":\"-5\"}", "{\"Signed\":-5}" },
	{ "a string as a number", "{\"Free\":60}", "{\"Free\":\"60\"}" },
	{ "a string as a boolean", "{\"Free\":true}", "{\"Free\":\"true\"}" },
	{ "booleans in any dress", "{\"Enabled\":\"True\"}", "{\"Enabled\":true}" },
	{ "0 is false", "{\"Enabled\":\"0\"}", "{\"Enabled\":false}" },
	{ "false is false", "{\"Enabled\":false}", "{\"Enabled\":false}" },
	{ "numbers", "{\"Weight\":\"1.5\"}", "{\"Weight\":1.5}" },
	{ "a number beyond all integers", "{\"Weight\":\"1.e22\"}", "{\"Weight\":1e22}" },
	{ "a number below a bound", "{\"Share\":9.5}", "{\"Share\":9.5}" },
	{ "lists", "{\"Ports\":[\"1\",2]}", "{\"Ports\":[1,2]}" },
	{ "an empty list stays", "{\"Names\":[]}", "{\"Names\":[]}" },
	{ "maps", "{\"Extra\":{\"a\":\"7\"}}", "{\"Extra\":{\"a\":7}}" },
	{ "structures in lists", "{\"Actions\":[{\"Type\":\"HTTP\",\"Order\":\"3\",\"z\":1}]}",
	  "{\"Actions\":[{\"Order\":3,\"Type\":\"HTTP\"}]}" },
	{ "time as ISO", "{\"Created\":\"2026-10-08T13:37:16.950Z\"}",
	  "{\"Created\":1791466636950}" },
	{ "time in milliseconds", "{\"Created\":1791466636950}", "{\"Created\":1791466636950}" },
	{ "base64", "{\"Blob\":\"aGk=\"}", "{\"Blob\":\"aGk=\"}" },
	{ "length counts characters", "{\"Free\":\"\xc3\xa9\"}", "{\"Free\":\"\xc3\xa9\"}" },
};

TEST(good_input_comes_out_typed_and_without_strangers)
{
	for (size_t i = 0; i < COUNT(good); i++)
		CHECK_STR(outcome(&input, good[i].given), good[i].made, "%s", good[i].name);
}

static const struct {
	const char *name, *given, *words;
} bad[] = {
	{ "enum", "{\"Protocol\":\"X\"}",
	  "1 validation error detected: Value 'X' at 'protocol' failed to satisfy constraint: "
	  "Member must satisfy enum value set: [HTTP, HTTPS]" },
	{ "enums mind the case", "{\"Protocol\":\"http\"}",
	  "1 validation error detected: Value 'http' at 'protocol' failed to satisfy constraint: "
	  "Member must satisfy enum value set: [HTTP, HTTPS]" },
	{ "too long", "{\"Name\":\"abcdef\"}",
	  "1 validation error detected: Value 'abcdef' at 'name' failed to satisfy constraint: "
	  "Member must have length less than or equal to 5" },
	{ "two at once", "{\"Name\":\"A\"}",
	  "2 validation errors detected: Value 'A' at 'name' failed to satisfy constraint: Member "
	  "must have length greater than or equal to 2; Value 'A' at 'name' failed to satisfy "
	  "constraint: Member must satisfy regular expression pattern: ^[a-z]+$" },
	{ "a last newline does not slip through", "{\"Name\":\"abc\\n\"}",
	  "1 validation error detected: Value 'abc\n' at 'name' failed to satisfy constraint: "
	  "Member must satisfy regular expression pattern: ^[a-z]+$" },
	{ "too small", "{\"Port\":0}",
	  "1 validation error detected: Value '0' at 'port' failed to satisfy constraint: Member "
	  "must have value greater than or equal to 1" },
	{ "too large", "{\"Port\":\"65536\"}",
	  "1 validation error detected: Value '65536' at 'port' failed to satisfy constraint: "
	  "Member must have value less than or equal to 65535" },
	{ "below a negative minimum", "{\"Signed\":-6}",
	  "1 validation error detected: Value '-6' at 'signed' failed to satisfy constraint: Member "
	  "must have value greater than or equal to -5" },
	{ "no number", "{\"Port\":\"80x\"}",
	  "1 validation error detected: Value '80x' at 'port' failed to satisfy constraint: Member "
	  "must be an integer" },
	{ "a number that overflows", "{\"Port\":\"99999999999999999999\"}",
	  "1 validation error detected: Value '99999999999999999999' at 'port' failed to satisfy "
	  "constraint: Member must be an integer" },
	{ "a number above a bound, and beyond all integers", "{\"Share\":1e22}",
	  "1 validation error detected: Value '1e22' at 'share' failed to satisfy constraint: "
	  "Member must have value less than or equal to 10" },
	{ "half a number", "{\"Port\":80.5}",
	  "1 validation error detected: Value '80.5' at 'port' failed to satisfy constraint: Member "
	  "must be an integer" },
	{ "no boolean", "{\"Enabled\":\"maybe\"}",
	  "1 validation error detected: Value 'maybe' at 'enabled' failed to satisfy constraint: "
	  "Member must be true or false" },
	{ "no list", "{\"Names\":\"abc\"}",
	  "1 validation error detected: Value 'abc' at 'names' failed to satisfy constraint: Member "
	  "must be a list" },
	{ "a list too long", "{\"Names\":[\"aa\",\"bb\",\"cc\",\"dd\"]}",
	  "1 validation error detected: Value '[aa, bb, cc, dd]' at 'names' failed to satisfy "
	  "constraint: Member must have length less than or equal to 3" },
	{ "an item of a plain list", "{\"Names\":[\"aa\",\"b\"]}",
	  "1 validation error detected: Value '[aa, b]' at 'names' failed to satisfy constraint: "
	  "Member must satisfy constraint: [Member must have length less than or equal to 5, Member "
	  "must have length greater than or equal to 2, Member must satisfy regular expression "
	  "pattern: ^[a-z]+$]" },
	{ "deep in a list", "{\"Actions\":[{\"Type\":\"HTTP\"},{\"Type\":\"x\"}]}",
	  "1 validation error detected: Value 'x' at 'actions.2.member.type' failed to satisfy "
	  "constraint: Member must satisfy enum value set: [HTTP, HTTPS]" },
	{ "required", "{\"Actions\":[{}]}",
	  "1 validation error detected: Value null at 'actions.1.member.type' failed to satisfy "
	  "constraint: Member must not be null" },
	{ "in a map", "{\"Extra\":{\"a\":0}}",
	  "1 validation error detected: Value '0' at 'extra.a.member' failed to satisfy constraint: "
	  "Member must have value greater than or equal to 1" },
	{ "no structure", "{\"Actions\":[7]}",
	  "1 validation error detected: Value '7' at 'actions.1.member' failed to satisfy "
	  "constraint: Member must be a structure" },
	{ "no time", "{\"Created\":\"yesterday\"}",
	  "1 validation error detected: Value 'yesterday' at 'created' failed to satisfy "
	  "constraint: Member must be a point in time" },
	{ "no base64", "{\"Blob\":\"a\"}",
	  "1 validation error detected: Value 'a' at 'blob' failed to satisfy constraint: Member "
	  "must be base64" },
};

TEST(bad_input_is_refused_in_the_words_of_aws)
{
	for (size_t i = 0; i < COUNT(bad); i++)
		CHECK_STR(outcome(&input, bad[i].given), bad[i].words, "%s", bad[i].name);
}

TEST(a_long_value_is_clipped_between_characters)
{
	struct text given = TEXT_INIT(8192);
	const char *words;

	text_add_str(&given, "{\"Protocol\":\"x");
	for (int i = 0; i < 1000; i++)
		text_add_str(&given, "\xc3\xa9");
	text_add_str(&given, "\"}");
	words = outcome(&input, text_str(&given));
	CHECK(strstr(words, "\xc3\xa9...' at 'protocol' failed") != NULL, "%s", words);
	CHECK(strlen(words) < 500, "%s", words);
	text_fini(&given);
}

static const struct api_shape evil = { .kind = API_STRING, .pattern = "^(a+)+$" };
static const struct api_shape holder = {
	.kind = API_STRUCTURE,
	.members = (const struct api_member[]){ { .name = "V", .shape = &evil }, API_END },
};

TEST(a_pattern_that_backtracks_without_end_is_a_mismatch)
{
	const char *words = outcome(&holder,
				    "{\"V\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\"}");

	CHECK(strstr(words, "regular expression pattern") != NULL, "%s", words);
}

TEST(a_shape_that_contains_itself_ends)
{
	struct text given = TEXT_INIT(8192);

	for (int i = 0; i < 100; i++)
		text_add_str(&given, "{\"Type\":\"HTTP\",\"Actions\":[");
	for (int i = 0; i < 100; i++)
		text_add_str(&given, "]}");
	CHECK(strstr(outcome(&action, text_str(&given)), "nested so deeply") != NULL);
	text_fini(&given);
}

static const struct {
	const char *text;
	int64_t unix_ms; /* -1: refused */
} times[] = {
	{ "1970-01-01T00:00:00Z", 0 },
	{ "2026-10-08T13:37:16Z", 1791466636000 },
	{ "2026-10-08T13:37:16.9Z", 1791466636900 },
	{ "2026-10-08T13:37:16.123456789Z", 1791466636123 },
	{ "2026-10-08T15:37:16+02:00", 1791466636000 },
	{ "2026-10-08T10:07:16-0330", 1791466636000 },
	{ "2026-10-08T13:37:16", 1791466636000 },
	{ "2026-10-08 13:37:16Z", 1791466636000 },
	{ "1791466636", 1791466636000 },
	{ "", -1 },
	{ "2026-10-08", -1 },
	{ "2026-02-30T00:00:00Z", -1 },
	{ "2026-10-08T24:00:00Z", -1 },
	{ "2026-10-08T13:37:16.Z", -1 },
	{ "2026-10-08T13:37:16Zz", -1 },
	{ "2026-10-08T13:37:16+02", -1 },
	{ "1970-01-01T00:00:00+01:00", -1 },
};

TEST(points_in_time_are_read)
{
	for (size_t i = 0; i < COUNT(times); i++) {
		uint64_t unix_ms = 0;
		err_t err = coerce_time(bytes_of(times[i].text), &unix_ms);

		if (times[i].unix_ms < 0)
			CHECK_EQ(err, ERR_SYNTAX, "%s", times[i].text);
		else
			CHECK(!err && (int64_t)unix_ms == times[i].unix_ms, "%s is %lld",
			      times[i].text, (long long)unix_ms);
	}
}

/* ---- No memory ---- */

static unsigned allocations_left;

static void *scarce_malloc(size_t size)
{
	return allocations_left && allocations_left-- ? malloc(size) : NULL;
}

TEST(without_memory_nothing_goes_missing_unnoticed)
{
	const char *given =
		"{\"Name\":\"abc\",\"Port\":\"80\",\"Ports\":[\"1\",2],\"Extra\":{\"a\":\"7\"},"
		"\"Actions\":[{\"Type\":\"HTTP\",\"Order\":3}]}";
	struct patterns patterns = { .compiled = MAP_INIT };
	json_t *in = parse(given), *whole = NULL;
	struct text words = TEXT_INIT(4096);
	unsigned failures = 0;
	err_t err = ERR_NOMEM;

	CHECK_OK(check_input(&patterns, &input, in, &whole, &words));
	for (unsigned n = 0; err && n < 1000; n++) {
		json_t *value = NULL;

		text_clear(&words);
		json_set_alloc_funcs(scarce_malloc, free);
		allocations_left = n;
		err = check_input(&patterns, &input, in, &value, &words);
		json_set_alloc_funcs(malloc, free);
		CHECK(!err == (value != NULL));
		if (err)
			failures++;
		else
			CHECK(json_equal(value, whole), "with %u allocations", n);
		json_decref(value);
	}
	CHECK_OK(err);
	CHECK(failures > 10, "only %u", failures);
	text_fini(&words);
	json_decref(in);
	json_decref(whole);
	patterns_fini(&patterns);
}
