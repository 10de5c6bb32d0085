/* Allocations fail one by one: the parser says ERR_NOMEM, leaks nothing, and a small request needs
 * none at all once the thread is warm. */
#include "http/h1.h"

#include "tests/check.h"
#include "tests/unit/http/transcript.h"

static long allowed = -1; /* how many more may succeed; below 0: all */
static unsigned count;

void *__real_malloc(size_t size);
void *__real_realloc(void *at, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_realloc(void *at, size_t size);

static bool may_allocate(void)
{
	count++;
	if (allowed == 0)
		return false;
	allowed -= allowed > 0;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return may_allocate() ? __real_malloc(size) : NULL;
}

void *__wrap_realloc(void *at, size_t size)
{
	return may_allocate() ? __real_realloc(at, size) : NULL;
}

/* A message that makes use of every allocation there is. */
static void compose(struct text *text)
{
	text_add_str(text, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n");
	for (int i = 0; i < 100; i++)
		text_printf(text, "Field-%d: value %d\r\n", i, i);
	text_add_str(text, "\r\n1\r\nx\r\n0\r\nA: b\r\n\r\n");
}

static err_t parse(struct bytes in, size_t step, bool keep)
{
	struct h1_parser parser;
	enum h1_result result = H1_MORE;
	err_t err = ERR_OK;

	h1_parser_init(&parser, false);
	for (size_t at = 0; at < in.len && !err; at += step) {
		struct bytes piece = bytes_upto(bytes_from(in, at), step);

		while ((result = h1_parser_feed(&parser, &piece)) == H1_HEAD || result == H1_BODY)
			if (keep && !err)
				err = h1_parser_keep_head(&parser);
		if (result == H1_FAILED)
			err = parser.err;
	}
	h1_parser_fini(&parser);
	return err;
}

TEST(whichever_allocation_fails_the_parser_says_so)
{
	static const size_t steps[] = { 1, 50, 1 << 20 };
	struct text text = TEXT_INIT(1 << 16);

	compose(&text);
	for (size_t i = 0; i < COUNT(steps); i++) {
		unsigned needed;

		count = 0;
		CHECK_OK(parse(text_bytes(&text), steps[i], true));
		needed = count;
		CHECK(needed >= 3, "%u", needed);
		for (unsigned n = 0; n < needed; n++) {
			err_t err;

			allowed = (long)n;
			err = parse(text_bytes(&text), steps[i], true);
			allowed = -1;
			/* Without memory for many fields the head is gathered, and then fails for
			 * good. */
			CHECK_EQ(err, ERR_NOMEM, "allocation %u of %u, steps of %zu", n, needed,
				 steps[i]);
		}
	}
	text_fini(&text);
}

TEST(a_request_in_one_piece_allocates_at_most_once)
{
	struct bytes in = BYTES("GET / HTTP/1.1\r\nHost: a\r\n\r\n");

	CHECK_OK(parse(in, in.len, false));
	count = 0;
	CHECK_OK(parse(in, in.len, false));
	CHECK(count <= 1, "%u allocations", count);
}

TEST(a_kept_head_says_when_there_is_no_memory)
{
	struct bytes in = BYTES("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	struct h1_parser parser;
	err_t err;

	h1_parser_init(&parser, false);
	CHECK_EQ(h1_parser_feed(&parser, &in), H1_HEAD);
	allowed = 0;
	err = h1_parser_keep_head(&parser);
	allowed = -1;
	CHECK_ERR(err, ERR_NOMEM);
	CHECK_BYTES(h1_parser_head(&parser)->method, "GET");
	h1_parser_fini(&parser);
}
