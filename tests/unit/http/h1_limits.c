/* Each limit at one below, exactly there, and one above: whole, and byte by byte. */
#include "http/h1.h"
#include "tests/check.h"

enum outcome { BY_PIECE, BY_BYTE };

/* ERR_OK when a head came. */
static err_t read_head(bool responses, struct bytes in, enum outcome how)
{
	struct h1_parser parser;
	enum h1_result result = H1_MORE;
	err_t err;

	h1_parser_init(&parser, responses);
	while (in.len && result == H1_MORE) {
		struct bytes piece = bytes_upto(in, how == BY_PIECE ? in.len : 1);

		in = bytes_from(in, piece.len);
		result = h1_parser_feed(&parser, &piece);
	}
	err = parser.err;
	CHECK(result == H1_HEAD || result == H1_FAILED, "%d", result);
	h1_parser_fini(&parser);
	return err;
}

static void check_head(bool responses, struct text *text, err_t want, const char *what)
{
	CHECK_ERR(read_head(responses, text_bytes(text), BY_PIECE), want, "%s, whole", what);
	CHECK_ERR(read_head(responses, text_bytes(text), BY_BYTE), want, "%s, byte by byte", what);
	text_clear(text);
}

static void add_many(struct text *text, size_t count)
{
	for (size_t i = 0; i < count; i++)
		text_add_char(text, 'a');
}

TEST(a_request_line_has_16_kib)
{
	struct text text = TEXT_INIT(1 << 20);

	for (int over = -1; over <= 1; over++)
		for (int bare = 0; bare <= 1; bare++) {
			const char *end = bare ? "\n" : "\r\n";

			text_add_str(&text, "GET /");
			add_many(&text, (size_t)(H1_REQUEST_LINE_MAX - 14 + over));
			text_printf(&text, " HTTP/1.1%s%s", end, end);
			check_head(false, &text, over > 0 ? ERR_URI_TOO_LARGE : ERR_OK,
				   "request line");
		}
	text_fini(&text);
}

TEST(a_field_line_has_16_kib)
{
	struct text text = TEXT_INIT(1 << 20);

	for (int over = -1; over <= 1; over++)
		for (int responses = 0; responses <= 1; responses++) {
			text_add_str(&text,
				     responses ? "HTTP/1.1 200 OK\r\n" : "GET / HTTP/1.1\r\n");
			text_add_str(&text, "A: b\r\nB: ");
			add_many(&text, (size_t)(H1_FIELD_LINE_MAX - 3 + over));
			text_add_str(&text, "\r\n\r\n");
			check_head(responses, &text, over > 0 ? ERR_FIELDS_TOO_LARGE : ERR_OK,
				   "field line");
		}
	text_fini(&text);
}

TEST(a_head_has_64_kib_or_32_in_a_response)
{
	struct text text = TEXT_INIT(1 << 20);

	for (int over = -1; over <= 1; over++)
		for (int responses = 0; responses <= 1; responses++) {
			size_t max = responses ? H1_RESPONSE_HEAD_MAX : H1_REQUEST_HEAD_MAX;

			text_add_str(&text,
				     responses ? "HTTP/1.1 200 OK\r\n" : "GET / HTTP/1.1\r\n");
			while (max - text.len > 8000) {
				text_add_str(&text, "A: ");
				add_many(&text, 7000);
				text_add_str(&text, "\r\n");
			}
			text_add_str(&text, "A: ");
			add_many(&text, (size_t)((int)(max - text.len) - 4 + over));
			text_add_str(&text, "\r\n\r\n");
			CHECK_EQ(text.len, (long)max + over);
			check_head(responses, &text, over > 0 ? ERR_FIELDS_TOO_LARGE : ERR_OK,
				   "head");
		}
	text_fini(&text);
}

TEST(a_head_has_256_fields)
{
	struct text text = TEXT_INIT(1 << 20);

	for (int over = -1; over <= 1; over++) {
		text_add_str(&text, "GET / HTTP/1.1\r\n");
		for (int i = 0; i < HTTP_FIELDS_MAX + over; i++)
			text_printf(&text, "F%d: %d\r\n", i, i);
		text_add_str(&text, "\r\n");
		check_head(false, &text, over > 0 ? ERR_FIELDS_TOO_LARGE : ERR_OK, "fields");
	}
	text_fini(&text);
}

TEST(a_head_that_never_ends_is_cut_off)
{
	struct text text = TEXT_INIT(1 << 20);

	add_many(&text, H1_REQUEST_LINE_MAX + 2);
	check_head(false, &text, ERR_URI_TOO_LARGE, "a line without end");
	text_add_str(&text, "GET / HTTP/1.1\r\n");
	while (text.len <= H1_REQUEST_HEAD_MAX)
		text_add_str(&text, "A: b\r\n");
	check_head(false, &text, ERR_FIELDS_TOO_LARGE, "fields without end");
	text_fini(&text);
}

TEST(a_head_too_large_still_says_what_was_asked_for)
{
	struct text text = TEXT_INIT(1 << 20);
	struct h1_parser parser;
	struct bytes in;

	text_add_str(&text, "GET /path HTTP/1.1\r\nA: ");
	add_many(&text, H1_FIELD_LINE_MAX);
	in = text_bytes(&text);
	h1_parser_init(&parser, false);
	CHECK_EQ(h1_parser_feed(&parser, &in), H1_FAILED);
	CHECK_BYTES(h1_parser_head(&parser)->method, "GET");
	CHECK_BYTES(h1_parser_head(&parser)->target, "/path");
	h1_parser_fini(&parser);
	text_fini(&text);
}

/* What a chunked body with `text` after its head ends with. */
static err_t read_chunks(struct text *text, size_t step)
{
	struct bytes head = BYTES("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
	struct bytes in = text_bytes(text);
	struct h1_parser parser;
	enum h1_result result;
	err_t err;

	h1_parser_init(&parser, false);
	CHECK_EQ(h1_parser_feed(&parser, &head), H1_HEAD);
	do {
		struct bytes piece = bytes_upto(in, step);

		in = bytes_from(in, piece.len);
		while ((result = h1_parser_feed(&parser, &piece)) == H1_BODY)
			;
	} while (result == H1_MORE && in.len);
	CHECK(result == H1_DONE || result == H1_FAILED, "%d", result);
	err = parser.err;
	h1_parser_fini(&parser);
	return err;
}

TEST(a_chunk_line_has_4_kib)
{
	struct text text = TEXT_INIT(1 << 20);

	for (int over = -1; over <= 1; over++) {
		text_add_str(&text, "1;");
		add_many(&text, (size_t)(H1_CHUNK_LINE_MAX - 3 + over));
		text_add_str(&text, "\r\nx\r\n0\r\n\r\n");
		CHECK_ERR(read_chunks(&text, text.len), over > 0 ? ERR_BAD_MESSAGE : ERR_OK, "%d",
			  over);
		CHECK_ERR(read_chunks(&text, 1), over > 0 ? ERR_BAD_MESSAGE : ERR_OK, "%d", over);
		text_clear(&text);
	}
	text_fini(&text);
}

TEST(trailers_have_8_kib)
{
	struct text text = TEXT_INIT(1 << 20);

	for (int over = -1; over <= 1; over++) {
		text_add_str(&text, "0\r\nA: ");
		add_many(&text, (size_t)(H1_TRAILERS_MAX - 7 + over));
		text_add_str(&text, "\r\n\r\n");
		CHECK_ERR(read_chunks(&text, text.len), over > 0 ? ERR_FIELDS_TOO_LARGE : ERR_OK,
			  "%d", over);
		CHECK_ERR(read_chunks(&text, 1), over > 0 ? ERR_FIELDS_TOO_LARGE : ERR_OK, "%d",
			  over);
		text_clear(&text);
	}
	text_fini(&text);
}
