/* What is written reads back as what it was. */
#include "http/h1.h"

#include "tests/check.h"
#include "tests/unit/http/transcript.h"

static const struct http_field fields[] = {
	{ { "Host", 4 }, { "a.test", 6 } },
	{ { "X-Empty", 7 }, { NULL, 0 } },
	{ { "X-Long", 6 }, { "a value, with: all sorts \t of bytes \xff", 37 } },
};

TEST(a_request_is_written_with_its_framing_last)
{
	static const struct {
		enum http_framing framing;
		uint64_t length;
		enum http_version version;
		const char *want;
	} cases[] = {
		{ HTTP_BODY_NONE, 0, HTTP_1_1, "GET /a?b HTTP/1.1\r\nHost: a.test\r\n\r\n" },
		{ HTTP_BODY_NONE, 0, HTTP_1_0, "GET /a?b HTTP/1.0\r\nHost: a.test\r\n\r\n" },
		{ HTTP_BODY_LENGTH, 0, HTTP_1_1,
		  "GET /a?b HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n" },
		{ HTTP_BODY_LENGTH, UINT64_MAX, HTTP_1_1,
		  "GET /a?b HTTP/1.1\r\nHost: a.test\r\nContent-Length: 18446744073709551615\r\n\r\n" },
		{ HTTP_BODY_CHUNKED, 0, HTTP_1_1,
		  "GET /a?b HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct text out = TEXT_INIT(4096);
		struct http_head head = { .version = cases[i].version,
					  .framing = cases[i].framing,
					  .length = cases[i].length,
					  .method = BYTES("GET"),
					  .target = BYTES("/a?b"),
					  .fields = fields,
					  .field_count = 1 };

		h1_write_request(&out, &head);
		CHECK_OK(text_err(&out));
		CHECK_STR(text_str(&out), cases[i].want);
		text_fini(&out);
	}
}

TEST(a_response_is_written_with_its_framing_last)
{
	static const struct {
		enum http_framing framing;
		uint32_t flags;
		const char *want;
	} cases[] = {
		{ HTTP_BODY_NONE, 0, "HTTP/1.1 299 So so\r\n\r\n" },
		{ HTTP_BODY_CLOSE, 0, "HTTP/1.1 299 So so\r\n\r\n" },
		{ HTTP_BODY_NONE, HTTP_FLAG_HAS_LENGTH,
		  "HTTP/1.1 299 So so\r\nContent-Length: 7\r\n\r\n" },
		{ HTTP_BODY_LENGTH, 0, "HTTP/1.1 299 So so\r\nContent-Length: 7\r\n\r\n" },
		{ HTTP_BODY_CHUNKED, 0,
		  "HTTP/1.1 299 So so\r\nTransfer-Encoding: chunked\r\n\r\n" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct text out = TEXT_INIT(4096);
		struct http_head head = { .is_response = true,
					  .version = HTTP_1_1,
					  .framing = cases[i].framing,
					  .flags = cases[i].flags,
					  .length = 7,
					  .status = 299,
					  .reason = BYTES("So so") };

		h1_write_response(&out, &head);
		CHECK_STR(text_str(&out), cases[i].want);
		text_fini(&out);
	}
}

TEST(a_head_larger_than_the_stack_buffer_reads_back_the_same)
{
	struct text out = TEXT_INIT(1 << 20), big = TEXT_INIT(1 << 20);
	struct http_field many[100];
	struct http_head head = { .version = HTTP_1_1,
				  .framing = HTTP_BODY_CHUNKED,
				  .method = BYTES("PATCH"),
				  .target = BYTES("/"),
				  .fields = many,
				  .field_count = COUNT(many) };
	struct h1_parser parser;
	const struct http_head *back;
	struct bytes in;

	for (unsigned i = 0; i < 5000; i++)
		text_add_char(&big, 'x');
	for (unsigned i = 0; i < COUNT(many); i++)
		many[i] = i == 50 ? (struct http_field){ BYTES("Big"), text_bytes(&big) }
				  : fields[i % 3];
	h1_write_request(&out, &head);
	in = text_bytes(&out);
	h1_parser_init(&parser, false);
	CHECK_EQ(h1_parser_feed(&parser, &in), H1_HEAD);
	back = h1_parser_head(&parser);
	CHECK_EQ(back->field_count, COUNT(many) + 1, "and Transfer-Encoding");
	for (unsigned i = 0; i < COUNT(many); i++) {
		CHECK(bytes_eq(back->fields[i].name, many[i].name), "field %u", i);
		CHECK(bytes_eq(back->fields[i].value, many[i].value), "field %u", i);
	}
	CHECK_EQ(h1_parser_finding(&parser)->tier, DESYNC_COMPLIANT);
	h1_parser_fini(&parser);
	text_fini(&out);
	text_fini(&big);
}

TEST(a_text_too_small_remembers_it)
{
	struct text out = TEXT_INIT(20);
	struct http_head head = { .version = HTTP_1_1,
				  .method = BYTES("GET"),
				  .target = BYTES("/"),
				  .fields = fields,
				  .field_count = 3 };

	h1_write_request(&out, &head);
	CHECK_ERR(text_err(&out), ERR_TOO_LARGE);
	text_fini(&out);
}

TEST(a_chunk_head_is_its_size_in_hexadecimal)
{
	static const struct {
		uint64_t bytes;
		const char *want;
	} cases[] = {
		{ 1, "1\r\n" },
		{ 15, "f\r\n" },
		{ 16, "10\r\n" },
		{ 26, "1a\r\n" },
		{ 0x12345678, "12345678\r\n" },
		{ UINT64_MAX, "ffffffffffffffff\r\n" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char out[H1_CHUNK_HEAD_BYTES];
		size_t len = h1_chunk_head(out, cases[i].bytes);

		CHECK_BYTES(bytes_make(out, len), cases[i].want);
	}
}
