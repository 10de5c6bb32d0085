#include "http/uri.h"

#include "tests/check.h"

TEST(targets_come_apart)
{
	static const struct {
		const char *in, *scheme, *authority, *path, *query; /* query NULL: no "?" */
	} cases[] = {
		{ "/", "", "", "/", NULL },
		{ "/a/b?c=d?e", "", "", "/a/b", "c=d?e" },
		{ "/a?", "", "", "/a", "" },
		{ "//a//b", "", "", "//a//b", NULL },
		{ "/a b#c", "", "", "/a b#c", NULL },
		{ "/http://x", "", "", "/http://x", NULL },
		{ "*", "", "", "*", NULL },
		{ "http://h", "http", "h", "/", NULL },
		{ "http://h?q", "http", "h", "/", "q" },
		{ "http://h:80/a?q", "http", "h:80", "/a", "q" },
		{ "HTTPS://[::1]:443/", "HTTPS", "[::1]:443", "/", NULL },
		{ "http://u:p@h/a@b", "http", "h", "/a@b", NULL },
		{ "http://u@v@h/", "http", "h", "/", NULL },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct uri uri;

		CHECK_OK(uri_parse_target(bytes_of(cases[i].in), &uri), "%s", cases[i].in);
		CHECK_BYTES(uri.scheme, cases[i].scheme, "%s", cases[i].in);
		CHECK_BYTES(uri.authority, cases[i].authority, "%s", cases[i].in);
		CHECK_BYTES(uri.path, cases[i].path, "%s", cases[i].in);
		CHECK_EQ(uri.query.at != NULL, cases[i].query != NULL, "%s", cases[i].in);
		CHECK_BYTES(uri.query, cases[i].query, "%s", cases[i].in);
	}
}

TEST(other_targets_are_refused)
{
	static const char *const cases[] = {
		"",	      "a",	     "h:443",		"**",
		"://h/",      "1a://h/",     "http:/h",		"http:///a",
		"http://",    "http://h:x/", "http://h:65536/", "http://a b/",
		"http://u@/", "http://h#f",  "http://[::1",	"?a=b",
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct uri uri;

		CHECK_ERR(uri_parse_target(bytes_of(cases[i]), &uri), ERR_SYNTAX, "%s", cases[i]);
	}
}

TEST(urls_are_http_or_https_and_clean)
{
	static const struct {
		const char *in;
		bool good;
	} cases[] = {
		{ "http://h/a", true },	  { "https://h", true },
		{ "HTTP://h", true },	  { "http://h/a#f", true },
		{ "ftp://h/a", false },	  { "/a", false },
		{ "*", false },		  { "http://h/a b", false },
		{ "http://h/\n", false }, { "", false },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct uri uri;

		CHECK_EQ(uri_parse(bytes_of(cases[i].in), &uri),
			 cases[i].good ? ERR_OK : ERR_SYNTAX, "%s", cases[i].in);
		if (cases[i].good)
			CHECK(bytes_index(uri.path, '#') == SIZE_MAX);
	}
}

TEST(authorities_come_apart)
{
	static const struct {
		const char *in, *host; /* NULL: ERR_SYNTAX */
		unsigned port;
	} cases[] = {
		{ "h", "h", 0 },
		{ "h:80", "h", 80 },
		{ "h:", "h", 0 },
		{ "h:65535", "h", 65535 },
		{ "h:65536", NULL, 0 },
		{ "h:99999999999999999999", NULL, 0 },
		{ "a_b.example-1.test", "a_b.example-1.test", 0 },
		{ "127.0.0.1:8080", "127.0.0.1", 8080 },
		{ "80", "80", 0 },
		{ "[::1]", "[::1]", 0 },
		{ "[::1]:80", "[::1]", 80 },
		{ "[::ffff:1.2.3.4]:80", "[::ffff:1.2.3.4]", 80 },
		{ "::1", NULL, 0 },
		{ "[::1]80", NULL, 0 },
		{ "[]", NULL, 0 },
		{ "[::g]", NULL, 0 },
		{ "h:8x", NULL, 0 },
		{ ":80", NULL, 0 },
		{ "", NULL, 0 },
		{ "a b", NULL, 0 },
		{ "a@b", NULL, 0 },
		{ "a/b", NULL, 0 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct bytes host;
		uint16_t port;
		err_t err = uri_split_authority(bytes_of(cases[i].in), &host, &port);

		CHECK_EQ(err, cases[i].host ? ERR_OK : ERR_SYNTAX, "%s", cases[i].in);
		if (err)
			continue;
		CHECK_BYTES(host, cases[i].host);
		CHECK_EQ(port, cases[i].port);
	}
}

TEST(dot_segments_go)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{ "/a/b/c/./../../g", "/a/g" }, /* RFC 3986 §5.2.4 */
		{ "mid/content=5/../6", "mid/6" },
		{ "/", "/" },
		{ "", "" },
		{ "/.", "/" },
		{ "/..", "/" },
		{ "/../..", "/" },
		{ "/a/..", "/" },
		{ "/a/.", "/a/" },
		{ "/a/../../b", "/b" },
		{ "/a//../b", "/a/b" },
		{ "/.../..a/b..", "/.../..a/b.." },
		{ "/a/%2e%2e/b", "/a/%2e%2e/b" },
		{ "../a", "a" },
		{ "./a", "a" },
		{ ".", "" },
		{ "..", "" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct text out = TEXT_INIT(100);

		text_add_str(&out, "before/");
		uri_remove_dot_segments(&out, bytes_of(cases[i].in));
		CHECK_BYTES(bytes_from(text_bytes(&out), 7), cases[i].want, "%s", cases[i].in);
		text_fini(&out);
	}
}

TEST(a_query_comes_apart)
{
	static const struct {
		const char *in, *want; /* each pair in brackets; "-" for no value */
	} cases[] = {
		{ "a=b&c=d", "[a|b][c|d]" },
		{ "a", "[a|-]" },
		{ "a=", "[a|]" },
		{ "=b", "[|b]" },
		{ "a=b=c", "[a|b=c]" },
		{ "&&a=b&&", "[a|b]" },
		{ "a=%26&b+c=d", "[a|%26][b+c|d]" },
		{ "", "" },
		{ NULL, "" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct bytes rest = bytes_of(cases[i].in), key, value;
		struct text got = TEXT_INIT(100);

		while (uri_query_cut(&rest, &key, &value)) {
			text_printf(&got, "[%.*s|", BYTES_ARG(key));
			text_add(&got, value.at ? value : BYTES("-"));
			text_add_char(&got, ']');
		}
		CHECK_STR(text_str(&got), cases[i].want);
		text_fini(&got);
	}
}
