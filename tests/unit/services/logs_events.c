/* The files of events: order, pages both ways, torn ends, sealing, bounds. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "services/logs/events.h"
#include "tests/check.h"

static char folder[64];
static struct events *events;

static void open_again(uint64_t bytes_max)
{
	struct text why = TEXT_INIT(1024);

	events_close(events);
	CHECK_OK(events_open(folder, bytes_max, &events, &why), "%s", text_str(&why));
	text_fini(&why);
}

static void start(uint64_t bytes_max)
{
	log_to(-1);
	snprintf(folder, sizeof folder, "/tmp/weir-events-XXXXXX");
	CHECK(mkdtemp(folder) != NULL);
	events = NULL;
	open_again(bytes_max);
}

static void stop(void)
{
	events_drop(events, "g");
	events_drop(events, "h");
	events_close(events);
	events = NULL;
	CHECK_EQ(rmdir(folder), 0, "dropping leaves nothing behind");
}

static void put(const char *group, uint64_t time_ms, uint32_t stream, struct bytes message)
{
	struct event event = {
		.time_ms = time_ms, .ingested_ms = time_ms + 1, .stream = stream, .message = message
	};

	CHECK_OK(events_append(events, group, &event, 1));
}

struct page {
	struct text words;
	unsigned count, limit;
};

static bool take(void *owner, const struct event *event, size_t *cost)
{
	struct page *page = owner;

	*cost = event->message.len;
	if (page->count == page->limit)
		return false;
	page->count++;
	text_printf(&page->words, "%.*s ", (int)size_min(event->message.len, 8), event->message.at);
	return true;
}

/* All that is there, in pages of `limit`: the first eight bytes of each message. */
static void check_read(struct events_range range, unsigned limit, const char *want)
{
	struct page page = { .limit = limit };
	bool ended = false;

	text_init(&page.words, 1024 * 1024);
	while (!ended) {
		page.count = 0;
		CHECK_OK(events_read(events, "g", &range, take, &page, &range.start, &ended));
		range.has_start = true;
	}
	CHECK_STR(text_str(&page.words), want, "limit %u", limit);
	text_fini(&page.words);
}

static const struct events_range all = { .to_ms = UINT64_MAX };
static const struct events_range all_back = { .to_ms = UINT64_MAX, .back = true };

TEST(events_come_in_order_of_time_whatever_the_page)
{
	start(UINT64_MAX);
	put("g", 30, 1, BYTES("c"));
	put("g", 10, 2, BYTES("a"));
	put("h", 10, 2, BYTES("other"));
	put("g", 20, 1, BYTES("b"));
	put("g", 20, 2, BYTES("b2"));
	for (unsigned limit = 1; limit < 6; limit++) {
		check_read(all, limit, "a b b2 c ");
		check_read(all_back, limit, "c b2 b a ");
	}
	check_read((struct events_range){ .from_ms = 11, .to_ms = 30 }, 2, "b b2 ");
	open_again(UINT64_MAX);
	check_read(all, 3, "a b b2 c ");
	put("g", 5, 1, BYTES("z"));
	check_read(all, 3, "z a b b2 c ");
	CHECK_EQ(events_stream_times(events, "g", 1)->first_ms, 5);
	CHECK_EQ(events_stream_times(events, "g", 1)->last_ms, 30);
	CHECK(!events_stream_times(events, "g", 9));
	stop();
}

static struct bytes large(char *room, size_t size, char name)
{
	memset(room, name, size);
	return bytes_make(room, size);
}

enum { LARGE_BYTES = 300 * 1000 };

/* Enough for several segments; every other one out of order. */
static void fill(unsigned count)
{
	char *room = malloc(LARGE_BYTES);

	for (unsigned i = 0; i < count; i++)
		put("g", 1000 + (i ^ 1), 1, large(room, LARGE_BYTES, (char)('a' + (i ^ 1) % 26)));
	free(room);
}

static void check_filled(unsigned count)
{
	char want[26 * 9 + 1] = "";
	struct text text = TEXT_INIT(100000);

	for (unsigned i = 0; i < count; i++) {
		memset(want, 'a' + (int)(i % 26), 8);
		text_add(&text, bytes_make(want, 8));
		text_add_char(&text, ' ');
	}
	check_read(all, 7, text_str(&text));
	text_fini(&text);
}

TEST(sealed_segments_are_sorted_and_merge)
{
	start(UINT64_MAX);
	fill(40);
	check_filled(40);
	open_again(UINT64_MAX);
	check_filled(40);
	check_read((struct events_range){ .from_ms = 1001, .to_ms = 1003 }, 1,
		   "bbbbbbbb cccccccc ");
	check_read((struct events_range){ .from_ms = 1001, .to_ms = 1003, .back = true }, 1,
		   "cccccccc bbbbbbbb ");
	CHECK_EQ(events_stream_times(events, "g", 1)->last_ms, 1039, "also of sealed segments");
	stop();
}

TEST(what_is_too_much_goes_from_the_oldest_end)
{
	struct page page = { .limit = 1000 };
	struct events_range range = all;
	bool ended;

	start(10 * 1000 * 1000);
	fill(100);
	CHECK(events_bytes(events, "g") <= 10 * 1000 * 1000);
	text_init(&page.words, 100000);
	CHECK_OK(events_read(events, "g", &range, take, &page, &range.start, &ended));
	CHECK(page.count > 15 && page.count < 35, "%u events are left", page.count);
	CHECK_EQ(range.start.time_ms, 1099, "the newest are there");
	text_fini(&page.words);
	events_expire(events, "g", 2000);
	CHECK_EQ(events_bytes(events, "g"), 0);
	stop();
}

TEST(a_torn_end_is_cut_off_wherever_it_was_torn)
{
	char path[128];
	struct stat info;

	start(UINT64_MAX);
	put("g", 1, 1, BYTES("one"));
	snprintf(path, sizeof path, "%s/g/00000000.open", folder);
	CHECK_EQ(stat(path, &info), 0);
	CHECK_EQ(info.st_mode & 0777, 0600);
	for (off_t cut = 1; cut < info.st_size; cut++) {
		put("g", 2, 1, BYTES("two"));
		CHECK_EQ(truncate(path, info.st_size + cut), 0);
		open_again(UINT64_MAX);
		check_read(all, 10, "one ");
		put("g", 3, 1, BYTES("three"));
		open_again(UINT64_MAX);
		check_read(all, 10, "one three ");
		CHECK_EQ(truncate(path, info.st_size), 0);
		open_again(UINT64_MAX);
	}
	stop();
}

TEST(a_damaged_record_ends_what_is_believed)
{
	char path[128];
	int fd;

	start(UINT64_MAX);
	put("g", 1, 1, BYTES("one"));
	put("g", 2, 1, BYTES("two"));
	snprintf(path, sizeof path, "%s/g/00000000.open", folder);
	fd = open(path, O_WRONLY);
	CHECK_EQ(pwrite(fd, "X", 1, 47 + 41), 1);
	close(fd);
	open_again(UINT64_MAX);
	check_read(all, 10, "one ");
	stop();
}
