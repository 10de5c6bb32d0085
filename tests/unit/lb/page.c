#include "lb/page.h"

#include <stdio.h>

#include "tests/check.h"
#include "tests/unit/lb/fixture.h"

static const uint64_t then_ms = 1790935200000; /* Fri, 02 Oct 2026 10:00:00 GMT */

static const struct {
	uint16_t status;
	const char *line;
	size_t length;
	bool close;
} pages[] = {
	{ 301, "301 Moved Permanently", 134, false },
	{ 302, "302 Found", 110, false },
	{ 400, "400 Bad Request", 122, true },
	{ 401, "401 Authorization Required", 144, false },
	{ 403, "403 Forbidden", 118, false },
	{ 405, "405 Not Allowed", 122, false },
	{ 408, "408 Request Time-out", 132, true },
	{ 413, "413 Request Entity Too Large", 148, true },
	{ 414, "414 Request-URI Too Large", 142, true },
	{ 500, "500 Internal Server Error", 142, false },
	{ 501, "501 Not Implemented", 130, true },
	{ 502, "502 Bad Gateway", 122, false },
	{ 503, "503 Service Temporarily Unavailable", 162, false },
	{ 504, "504 Gateway Time-out", 132, false },
	{ 505, "505 HTTP Version Not Supported", 152, true },
	{ 507, "507 Insufficient Storage", 140, false },
	{ 463, "463", 98, false },
	{ 464, "464", 98, false },
	{ 561, "561", 98, false },
};

TEST(pages_have_the_lengths_and_words_of_alb)
{
	for (size_t i = 0; i < COUNT(pages); i++) {
		struct arena arena;
		struct page page;
		const char *reason = strchr(pages[i].line, ' ');

		arena_init(&arena, 65536);
		CHECK_OK(page_error(pages[i].status, NULL, then_ms, &arena, &page));
		CHECK_EQ(page.body.len, pages[i].length, "%s", pages[i].line);
		CHECK_EQ(page.head.length, pages[i].length, "%s", pages[i].line);
		CHECK_EQ(page.head.status, pages[i].status);
		CHECK_BYTES(page.head.reason, reason ? reason + 1 : "");
		CHECK_EQ(page.close, pages[i].close, "%s", pages[i].line);
		CHECK_BYTES(page.body, arena_printf(&arena,
						    "<html>\r\n<head><title>%s</title></head>\r\n"
						    "<body>\r\n<center><h1>%s</h1></center>\r\n"
						    "</body>\r\n</html>\r\n",
						    pages[i].line, pages[i].line));
		arena_fini(&arena);
	}
}

/* "Name: value" lines, as they would go out. */
static const char *lines(struct arena *arena, const struct http_head *head)
{
	const char *text = "";

	for (unsigned i = 0; i < head->field_count; i++)
		text = arena_printf(arena, "%s%.*s: %.*s\n", text, BYTES_ARG(head->fields[i].name),
				    BYTES_ARG(head->fields[i].value));
	return text;
}

TEST(an_error_page_has_the_head_of_alb)
{
	struct arena arena;
	struct page page;

	arena_init(&arena, 65536);
	CHECK_OK(page_error(502, NULL, then_ms, &arena, &page));
	CHECK_STR(lines(&arena, &page.head), "Server: awselb/2.0\n"
					     "Date: Fri, 02 Oct 2026 10:00:00 GMT\n"
					     "Content-Type: text/html\n"
					     "Content-Length: 122\n");
	CHECK_EQ(page.head.framing, HTTP_BODY_LENGTH);
	CHECK(page.head.is_response);
	arena_fini(&arena);
}

TEST(a_listener_may_hide_the_server_and_set_headers)
{
	struct response_header_config headers[] = {
		{ BYTES("strict-transport-security"), BYTES("max-age=1") },
	};
	struct fixture f;
	struct arena arena;
	struct page page;

	arena_init(&arena, 65536);
	fixture_init(&f);
	f.listener.server_header = false;
	f.listener.response_headers = headers;
	f.listener.response_header_count = 1;
	fixture_compile(&f);
	CHECK_OK(page_error(503, fixture_listener(&f), then_ms, &arena, &page));
	CHECK_STR(lines(&arena, &page.head), "Date: Fri, 02 Oct 2026 10:00:00 GMT\n"
					     "Content-Type: text/html\n"
					     "Content-Length: 162\n"
					     "strict-transport-security: max-age=1\n");
	fixture_fini(&f);
	arena_fini(&arena);
}

TEST(a_fixed_response_is_what_the_rule_says)
{
	struct plan_action action = {
		.kind = ACTION_FIXED_RESPONSE,
		.status = 503,
		.content_type = BYTES("application/json"),
		.body = BYTES("{\"down\":true}"),
	};
	struct arena arena;
	struct page page;

	arena_init(&arena, 65536);
	CHECK_OK(page_fixed(&action, NULL, then_ms, &arena, &page));
	CHECK_STR(lines(&arena, &page.head), "Server: awselb/2.0\n"
					     "Date: Fri, 02 Oct 2026 10:00:00 GMT\n"
					     "Content-Type: application/json; charset=utf-8\n"
					     "Content-Length: 13\n");
	CHECK_BYTES(page.body, "{\"down\":true}");
	CHECK_BYTES(page.head.reason, "Service Temporarily Unavailable");

	action = (struct plan_action){ .kind = ACTION_FIXED_RESPONSE, .status = 400 };
	CHECK_OK(page_fixed(&action, NULL, then_ms, &arena, &page));
	CHECK(bytes_eq(http_value(&page.head, BYTES("content-type")),
		       BYTES("text/plain; charset=utf-8")));
	CHECK_EQ(page.body.len, 0);
	CHECK(!page.close, "a rule's 400 is no fault of the connection");
	arena_fini(&arena);
}

/* ---- Redirects ---- */

#define ALL_PARTS "#{protocol}", "#{host}", "#{port}", "/#{path}", "#{query}"

static const struct {
	const char *protocol, *host, *port, *path, *query;
	const char *head;
	const char *location;
} redirects[] = {
	{ "HTTPS", "#{host}", "443", "/#{path}", "#{query}",
	  "GET /path?q HTTP/1.1\nHost: example.com\n", "https://example.com:443/path?q" },
	{ "HTTPS", "#{host}", "443", "/#{path}", "#{query}",
	  "GET / HTTP/1.1\nHost: example.com:8080\n", "https://example.com:443/" },
	{ ALL_PARTS, "GET /a/b?c=d HTTP/1.1\nHost: h\n", "http://h:80/a/b?c=d" },
	{ "#{protocol}", "www.#{host}", "#{port}", "/new/#{path}", "#{query}&from=#{host}",
	  "GET /x?y HTTP/1.1\nHost: h\n", "http://www.h:80/new/x?y&from=h" },
	{ "HTTP", "h", "8080", "/#{path}/#{port}/#{host}", "p=#{path}&o=#{port}&s=#{protocol}",
	  "GET /x HTTP/1.1\nHost: o\n", "http://h:8080/x/80/o?p=x&o=80&s=http" },
	{ "HTTPS", "#{host}", "443", "/#{path}", "", "GET /a?b=c HTTP/1.1\nHost: h\n",
	  "https://h:443/a" },
	{ "HTTPS", "#{host}", "443", "/#{path}", "#{query}", "GET /a? HTTP/1.1\nHost: h\n",
	  "https://h:443/a" },
	{ "HTTPS", "#{host}", "443", "/#{path}", "#{query}", "GET /a%20b?c%26d HTTP/1.1\nHost: h\n",
	  "https://h:443/a%20b?c%26d" },
	{ "HTTPS", "#{host}", "443", "/fixed", "#{query}", "GET http://x/y HTTP/1.1\nHost: h\n",
	  "https://x:443/fixed" },
	{ "HTTPS", "#{host}", "443", "/#{path}", "#{query}", "GET /a HTTP/1.1\nHost: [::1]:80\n",
	  "https://[::1]:443/a" },
	{ "HTTPS", "#{host}", "443", "/#{nothing}#{", "#{query}", "GET /a HTTP/1.1\nHost: h\n",
	  "https://h:443/#{nothing}#{" },
};

static struct plan_action redirect_action(size_t i)
{
	return (struct plan_action){
		.kind = ACTION_REDIRECT,
		.status = i % 2 ? 302 : 301,
		.protocol = bytes_of(redirects[i].protocol),
		.host = bytes_of(redirects[i].host),
		.port = bytes_of(redirects[i].port),
		.path = bytes_of(redirects[i].path),
		.query = bytes_of(redirects[i].query),
	};
}

TEST(a_redirect_fills_its_placeholders_and_names_the_port)
{
	struct fixture f;

	fixture_init(&f);
	fixture_compile(&f);
	for (size_t i = 0; i < COUNT(redirects); i++) {
		struct plan_action action = redirect_action(i);
		struct address client = { .family = 4 };
		struct bytes location = BYTES_NONE;
		struct route_facts facts;
		struct http_head head;
		struct arena arena;
		struct page page;

		arena_init(&arena, 65536);
		head = fixture_head(&arena, redirects[i].head);
		CHECK_OK(route_facts_of(&head, &client, BYTES("dns"), &facts));
		CHECK_OK(page_redirect(&action, fixture_listener(&f), &facts, false, then_ms,
				       &arena, &page, &location));
		CHECK_BYTES(location, redirects[i].location, "case %zu", i);
		CHECK_BYTES(http_value(&page.head, BYTES("Location")), redirects[i].location);
		CHECK_EQ(page.head.status, action.status);
		CHECK_EQ(page.body.len, i % 2 ? 110 : 134);
		CHECK(!page.close);
		arena_fini(&arena);
	}
	fixture_fini(&f);
}

/* A redirect whose Location is `len` bytes long. */
static err_t redirect_of_length(struct fixture *f, size_t len)
{
	static const char before[] = "https://h:443/";
	struct plan_action action = redirect_action(0);
	struct bytes location;
	struct arena arena;
	struct page page;
	char *path;
	err_t err;

	arena_init(&arena, 1 << 20);
	path = arena_alloc(&arena, len);
	memset(path, 'a', len);
	path[0] = '/';
	struct route_facts facts = {
		.host = BYTES("h"),
		.path = bytes_make(path, len - (sizeof before - 1) + 1),
	};
	err = page_redirect(&action, fixture_listener(f), &facts, false, then_ms, &arena, &page,
			    &location);
	if (!err)
		CHECK_EQ(location.len, len);
	arena_fini(&arena);
	return err;
}

TEST(a_location_over_8_kib_is_too_large)
{
	struct fixture f;

	fixture_init(&f);
	fixture_compile(&f);
	CHECK_OK(redirect_of_length(&f, PAGE_LOCATION_MAX));
	CHECK_ERR(redirect_of_length(&f, PAGE_LOCATION_MAX + 1), ERR_TOO_LARGE);
	CHECK_ERR(redirect_of_length(&f, 16000), ERR_TOO_LARGE);
	fixture_fini(&f);
}

TEST(no_byte_of_the_request_can_break_out_of_a_location)
{
	struct plan_action action = redirect_action(0);
	struct route_facts facts = {
		.host = BYTES("h\r\nSet-Cookie: x"),
		.path = BYTES("/a b\r\n\r\nX"),
		.query = BYTES("q\x7f\x00z"),
	};
	struct bytes location;
	struct fixture f;
	struct arena arena;
	struct page page;

	arena_init(&arena, 65536);
	fixture_init(&f);
	fixture_compile(&f);
	CHECK_OK(page_redirect(&action, fixture_listener(&f), &facts, false, then_ms, &arena, &page,
			       &location));
	CHECK_BYTES(location, "https://h%0D%0ASet-Cookie:443/a%20b%0D%0A%0D%0AX?q%7F%00z");
	fixture_fini(&f);
	arena_fini(&arena);
}

TEST(the_arena_running_out_is_told)
{
	struct fixture f;
	unsigned failures = 0;

	fixture_init(&f);
	fixture_compile(&f);
	for (size_t max = 0; max < 2000; max += 16) {
		struct plan_action action = redirect_action(2);
		struct route_facts facts = { .host = BYTES("h"), .path = BYTES("/") };
		struct bytes location;
		struct arena arena;
		struct page page;
		err_t err;

		arena_init(&arena, max);
		err = page_error(502, fixture_listener(&f), then_ms, &arena, &page);
		CHECK(err == ERR_OK || err == ERR_NOMEM);
		failures += err != ERR_OK;
		arena_fini(&arena);
		err = page_redirect(&action, fixture_listener(&f), &facts, false, then_ms, &arena,
				    &page, &location);
		CHECK(err == ERR_OK || err == ERR_NOMEM);
		arena_fini(&arena);
	}
	CHECK(failures > 5, "%u", failures);
	fixture_fini(&f);
}
