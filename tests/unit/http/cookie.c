#include "http/cookie.h"

#include "tests/check.h"

TEST(a_cookie_is_found_over_several_fields)
{
	static const struct {
		const char *first, *second, *name, *want; /* NULL: absent */
	} cases[] = {
		{ "AWSALB=abc", "", "AWSALB", "abc" },
		{ "a=b; AWSALB=abc; c=d", "", "AWSALB", "abc" },
		{ "a=b;AWSALB=abc;c=d", "", "AWSALB", "abc" },
		{ "a=b", "c=d; AWSALB=abc", "AWSALB", "abc" },
		{ "AWSALB=1; AWSALB=2", "AWSALB=3", "AWSALB", "1" },
		{ "AWSALBCORS=1", "", "AWSALB", NULL },
		{ "AWSALB", "", "AWSALB", NULL },
		{ "XAWSALB=1", "", "AWSALB", NULL },
		{ "awsalb=1", "", "AWSALB", NULL },
		{ "AWSALB=", "", "AWSALB", "" },
		{ "AWSALB= a b ;", "", "AWSALB", "a b" },
		{ " AWSALB\t=x", "", "AWSALB", "x" },
		{ "AWSALB=a=b==", "", "AWSALB", "a=b==" },
		{ "AWSALB=\"q\"", "", "AWSALB", "\"q\"" },
		{ ";;; ;=;AWSALB=x", "", "AWSALB", "x" },
		{ "", "", "AWSALB", NULL },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct http_field fields[] = {
			{ BYTES("Set-Cookie"), BYTES("AWSALB=wrong") },
			{ BYTES("Cookie"), bytes_of(cases[i].first) },
			{ BYTES("cookie"), bytes_of(cases[i].second) },
		};
		struct http_head head = { .fields = fields, .field_count = COUNT(fields) };
		struct bytes value = cookie_find(&head, bytes_of(cases[i].name));

		CHECK_EQ(value.at != NULL, cases[i].want != NULL, "%s", cases[i].first);
		CHECK_BYTES(value, cases[i].want, "%s", cases[i].first);
	}
}

TEST(set_cookie_gives_name_and_value)
{
	static const struct {
		const char *in, *name, *value; /* name NULL: ERR_SYNTAX */
	} cases[] = {
		{ "a=b", "a", "b" },	     { "a=b; Path=/; Secure", "a", "b" },
		{ " a = b ;x=y", "a", "b" }, { "a=;x", "a", "" },
		{ "a=b=c", "a", "b=c" },     { "=b", NULL, NULL },
		{ "a", NULL, NULL },	     { "a; b=c", NULL, NULL },
		{ "", NULL, NULL },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct bytes name, value;
		err_t err = cookie_parse_set(bytes_of(cases[i].in), &name, &value);

		CHECK_EQ(err, cases[i].name ? ERR_OK : ERR_SYNTAX, "%s", cases[i].in);
		if (err)
			continue;
		CHECK_BYTES(name, cases[i].name);
		CHECK_BYTES(value, cases[i].value);
	}
}
