#include "tests/check.h"

#include <stdio.h>

#include "api/query.h"

/* ---- ELBv2's form ---- */

static const struct api_shape strings = { .kind = API_LIST, .item = &api_string };
static const struct api_shape tag = {
	.kind = API_STRUCTURE,
	.members = (const struct api_member[]){ { .name = "Key", .shape = &api_string },
						{ .name = "Value", .shape = &api_string },
						API_END },
};
static const struct api_shape tags = { .kind = API_LIST, .item = &tag };
static const struct api_shape action;
static const struct api_shape actions = { .kind = API_LIST, .item = &action };
static const struct api_shape params = { .kind = API_MAP, .item = &api_string };
static const struct api_shape flat = { .kind = API_LIST, .item = &api_string, .flattened = true };
static const struct api_shape renamed = {
	.kind = API_LIST, .item = &api_string, .flattened = true, .item_name = "Entry"
};
static const struct api_shape action = {
	.kind = API_STRUCTURE,
	.members = (const struct api_member[]){ { .name = "Type", .shape = &api_string },
						{ .name = "Order", .shape = &api_integer },
						{ .name = "Tags", .shape = &tags },
						{ .name = "Params", .shape = &params },
						{ .name = "Inner", .shape = &actions },
						API_END },
};
static const struct api_shape input = {
	.kind = API_STRUCTURE,
	.members = (const struct api_member[]){ { .name = "Name", .shape = &api_string },
						{ .name = "Port", .shape = &api_integer },
						{ .name = "Names", .shape = &strings },
						{ .name = "Tags", .shape = &tags },
						{ .name = "Actions", .shape = &actions },
						{ .name = "Matcher", .shape = &action },
						{ .name = "Flat", .shape = &flat },
						{ .name = "Entries", .shape = &renamed },
						API_END },
};

/* ---- EC2's form ---- */

static const struct api_shape filter = {
	.kind = API_STRUCTURE,
	.members = (const struct api_member[]){ { .name = "Name", .shape = &api_string },
						{ .name = "Values",
						  .shape = &strings,
						  .wire = "Value" },
						API_END },
};
static const struct api_shape filters = { .kind = API_LIST, .item = &filter };
static const struct api_shape ec2_input = {
	.kind = API_STRUCTURE,
	.members =
		(const struct api_member[]){
			{ .name = "VpcId", .shape = &api_string },
			{ .name = "GroupName", .shape = &api_string, .wire = "groupName" },
			{ .name = "Filters", .shape = &filters, .wire = "Filter" },
			{ .name = "VpcIds", .shape = &strings, .wire = "VpcId" },
			API_END },
};

static const char *decoded(struct bytes form, enum api_protocol protocol,
			   const struct api_shape *shape)
{
	static char result[8192];
	struct api_fault fault = { .status = 0 };
	json_t *value = NULL;
	char *dump;

	if (query_decode(form, protocol, shape, &value, &fault)) {
		CHECK(value == NULL && fault.status != 0);
		snprintf(result, sizeof result, "%s", fault.code);
		return result;
	}
	dump = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);
	snprintf(result, sizeof result, "%s", dump);
	free(dump);
	json_decref(value);
	return result;
}

static const struct {
	const char *name, *form, *json;
} cases[] = {
	{ "nothing", "", "{}" },
	{ "action and version are nobody's members", "Action=X&Version=2015-12-01", "{}" },
	{ "a value", "Name=mindr-alb", "{\"Name\":\"mindr-alb\"}" },
	{ "leaves stay strings", "Port=80", "{\"Port\":\"80\"}" },
	{ "percent and plus", "Name=a%2Fb+c%3D%26%C3%A9", "{\"Name\":\"a/b c=&\xc3\xa9\"}" },
	{ "an encoded name", "%4Eame=x", "{\"Name\":\"x\"}" },
	{ "an equals sign in a value", "Name=a=b", "{\"Name\":\"a=b\"}" },
	{ "an empty value", "Name=", "{\"Name\":\"\"}" },
	{ "no equals sign", "Name", "{\"Name\":\"\"}" },
	{ "empty pairs", "&&Name=x&&", "{\"Name\":\"x\"}" },
	{ "a list", "Names.member.1=a&Names.member.2=b", "{\"Names\":[\"a\",\"b\"]}" },
	{ "a list out of order", "Names.member.10=c&Names.member.2=b&Names.member.1=a",
	  "{\"Names\":[\"a\",\"b\",\"c\"]}" },
	{ "a list with gaps from zero", "Names.member.0=a&Names.member.7=b",
	  "{\"Names\":[\"a\",\"b\"]}" },
	{ "an empty list", "Tags=&Names=", "{\"Names\":[],\"Tags\":[]}" },
	{ "a value where a list belongs", "Names=x", "{\"Names\":\"x\"}" },
	{ "a list without member", "Names.1=a&Names.2=b", "{\"Names\":[\"a\",\"b\"]}" },
	{ "strange children of a list", "Names.member.x=a&Names.member.1=b",
	  "{\"Names\":[\"b\"]}" },
	{ "structures in a list",
	  "Actions.member.1.Type=forward&Actions.member.1.Order=1&Actions.member.2.Type=redirect",
	  "{\"Actions\":[{\"Order\":\"1\",\"Type\":\"forward\"},{\"Type\":\"redirect\"}]}" },
	{ "deeper", "Actions.member.1.Tags.member.2.Key=k&Actions.member.1.Tags.member.2.Value=v",
	  "{\"Actions\":[{\"Tags\":[{\"Key\":\"k\",\"Value\":\"v\"}]}]}" },
	{ "a map",
	  "Matcher.Params.entry.1.key=a&Matcher.Params.entry.1.value=1"
	  "&Matcher.Params.entry.2.key=b&Matcher.Params.entry.2.value=2",
	  "{\"Matcher\":{\"Params\":{\"a\":\"1\",\"b\":\"2\"}}}" },
	{ "half an entry", "Matcher.Params.entry.1.key=a", "{\"Matcher\":{\"Params\":{}}}" },
	{ "an empty structure", "Matcher=", "{\"Matcher\":{}}" },
	{ "a structure where a value belongs", "Name.x=1", "{\"Name\":{\"x\":{\"\":\"1\"}}}" },
	{ "unknown members", "Nmae=x&Matcher.Nope.member.1=y", "{\"Matcher\":{}}" },
	{ "a flattened list", "Flat.1=a&Flat.2=b", "{\"Flat\":[\"a\",\"b\"]}" },
	{ "a flattened list goes by its items' name", "Entry.1=a", "{\"Entries\":[\"a\"]}" },
	{ "the last of two values", "Name=a&Name=b", "{\"Name\":\"b\"}" },
	{ "a broken escape", "Name=%zz", "MalformedQueryString" },
	{ "half an escape", "Name=%4", "MalformedQueryString" },
	{ "a NUL", "Name=a%00b", "MalformedQueryString" },
	{ "no UTF-8", "Name=%ff", "MalformedQueryString" },
	{ "no UTF-8 in a name", "%ff=1", "MalformedQueryString" },
	{ "an empty part", "Names..1=a", "MalformedQueryString" },
	{ "an empty name", "=a", "MalformedQueryString" },
};

TEST(forms_become_json_by_the_shape)
{
	for (size_t i = 0; i < COUNT(cases); i++)
		CHECK_STR(decoded(bytes_of(cases[i].form), API_QUERY, &input), cases[i].json, "%s",
			  cases[i].name);
}

static const struct {
	const char *name, *form, *json;
} ec2_cases[] = {
	{ "filters",
	  "Filter.1.Name=vpc-id&Filter.1.Value.1=vpc-1&Filter.1.Value.2=vpc-2&Filter.2.Name=x",
	  "{\"Filters\":[{\"Name\":\"vpc-id\",\"Values\":[\"vpc-1\",\"vpc-2\"]},{\"Name\":\"x\"}]}" },
	{ "names begin with a capital", "GroupName=g", "{\"GroupName\":\"g\"}" },
};

TEST(the_form_of_ec2_has_its_own_names_and_numbers)
{
	for (size_t i = 0; i < COUNT(ec2_cases); i++)
		CHECK_STR(decoded(bytes_of(ec2_cases[i].form), API_EC2, &ec2_input),
			  ec2_cases[i].json, "%s", ec2_cases[i].name);
}

TEST(a_list_holds_a_thousand_and_no_more)
{
	struct text form = TEXT_INIT(1 << 20);
	struct api_fault fault;
	json_t *value;

	for (int i = 1; i <= WIRE_LIST_MAX; i++)
		text_printf(&form, "Names.member.%d=x&", i);
	CHECK_OK(query_decode(text_bytes(&form), API_QUERY, &input, &value, &fault));
	CHECK_EQ(json_array_size(json_object_get(value, "Names")), WIRE_LIST_MAX);
	json_decref(value);
	text_add_str(&form, "Names.member.2000=x");
	CHECK_STR(decoded(text_bytes(&form), API_QUERY, &input), "ValidationError");
	text_fini(&form);
}

TEST(a_form_has_a_largest_number_of_parameters)
{
	struct text form = TEXT_INIT(1 << 20);

	for (int i = 0; i <= WIRE_PARAMS_MAX; i++)
		text_printf(&form, "x%d&", i);
	CHECK_STR(decoded(text_bytes(&form), API_QUERY, &input), "ValidationError");
	text_fini(&form);
}

TEST(a_name_has_a_largest_depth)
{
	struct text form = TEXT_INIT(1 << 16);

	for (int i = 0; i < WIRE_DEPTH_MAX / 3; i++)
		text_add_str(&form, "Actions.member.1.");
	text_add_str(&form, "Type=x");
	CHECK_STR(decoded(text_bytes(&form), API_QUERY, &input), "{\"Actions\":[{}]}");
	text_clear(&form);
	for (int i = 0; i <= WIRE_DEPTH_MAX; i++)
		text_add_str(&form, "a.");
	text_add_str(&form, "b=x");
	CHECK_STR(decoded(text_bytes(&form), API_QUERY, &input), "MalformedQueryString");
	text_clear(&form);
	text_add_str(&form, "Matcher");
	for (int i = 0; i < 10; i++)
		text_add_str(&form, ".Inner.member.1");
	text_add_str(&form, "=");
	CHECK(strstr(decoded(text_bytes(&form), API_QUERY, &input), "\"Inner\"") != NULL);
	text_fini(&form);
}

TEST(a_form_cut_anywhere_is_read_or_refused)
{
	const char *form = "Actions.member.1.Tags.member.2.Key=k%20k&Names=&Flat.1=%C3%A9&Tags.x";
	size_t len = strlen(form);

	for (size_t start = 0; start < len; start++) {
		for (size_t end = start; end <= len; end++) {
			/* A copy of its own size, so that a read past the end is seen. */
			char *cut = bytes_dup(bytes_make(form + start, end - start));

			CHECK(decoded(bytes_make(cut, end - start), API_QUERY, &input)[0] != '\0');
			free(cut);
		}
	}
}

TEST(a_top_level_parameter_is_found_before_the_operation_is_known)
{
	struct text value = TEXT_INIT(64);

	CHECK(query_param(BYTES("a=1&Action=Create%52ule&Version=x"), "Action", &value));
	CHECK_STR(text_str(&value), "CreateRule");
	CHECK(!query_param(BYTES("XAction=1&Actio=n"), "Action", &value));
	CHECK(!query_param(BYTES("Action"), "Action", &value));
	CHECK(!query_param(BYTES("Action=%"), "Action", &value));
	CHECK(!query_param(BYTES("Action=a%00b"), "Action", &value));
	CHECK(!query_param(BYTES_NONE, "Action", &value));
	text_fini(&value);
}
