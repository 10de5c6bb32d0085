/* Allocations fail one by one: the parser says ERR_NOMEM, leaks nothing, and a small request needs
 * none at all once the thread is warm. */
#include "http/h1.h"

#include <pthread.h>

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

struct run {
	struct bytes in;
	size_t step;
	err_t err;
};

static void *parse_and_keep(void *arg)
{
	struct run *run = arg;

	run->err = parse(run->in, run->step, true);
	return NULL;
}

/* On a thread of its own, which has no spare memory yet and gives back what it got. */
static err_t parse_cold(struct bytes in, size_t step)
{
	struct run run = { .in = in, .step = step };
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, parse_and_keep, &run), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	return run.err;
}

TEST(whichever_allocation_fails_the_parser_says_so)
{
	static const size_t steps[] = { 1, 50, 1 << 20 };
	struct text text = TEXT_INIT(1 << 16);

	compose(&text);
	for (size_t i = 0; i < COUNT(steps); i++) {
		unsigned needed;

		count = 0;
		CHECK_OK(parse_cold(text_bytes(&text), steps[i]));
		needed = count;
		CHECK(needed >= 3, "%u", needed);
		for (unsigned n = 0; n < needed; n++) {
			err_t err;

			allowed = (long)n;
			err = parse_cold(text_bytes(&text), steps[i]);
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

static void *keep_without_memory(void *arg)
{
	struct bytes in = BYTES("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	struct h1_parser parser;
	err_t *err = arg;

	h1_parser_init(&parser, false);
	CHECK_EQ(h1_parser_feed(&parser, &in), H1_HEAD);
	allowed = 0;
	*err = h1_parser_keep_head(&parser);
	allowed = -1;
	CHECK_BYTES(h1_parser_head(&parser)->method, "GET", "still there");
	h1_parser_fini(&parser);
	return NULL;
}

TEST(a_kept_head_says_when_there_is_no_memory)
{
	err_t err = ERR_OK;
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, keep_without_memory, &err), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_ERR(err, ERR_NOMEM);
}
