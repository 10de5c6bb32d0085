#include <stdio.h>

#include "base/arena.h"
#include "base/list.h"
#include "base/map.h"
#include "base/rng.h"
#include "base/text.h"
#include "tests/check.h"

struct item {
	int value;
	struct list_node link;
};

TEST(a_list_keeps_order_and_forgets_what_was_removed)
{
	struct list_node head = LIST_INIT(head);
	struct item items[5];
	int want = 0;

	for (int i = 0; i < 5; i++) {
		items[i].value = i;
		list_append(&head, &items[i].link);
	}
	list_remove(&items[2].link);
	list_remove(&items[2].link); /* twice is harmless */
	list_for_each_safe (&head, node) {
		struct item *item = container_of(node, struct item, link);

		if (want == 2)
			want++;
		CHECK_EQ(item->value, want++);
		list_remove(node);
	}
	CHECK(list_empty(&head));
	CHECK(list_pop(&head) == NULL);
}

enum { KEYS = 300 };

/* A plain array says what the map should. */
TEST(a_map_agrees_with_a_plain_array_over_random_changes)
{
	struct map map = MAP_INIT;
	void *plain[KEYS] = { NULL };
	int dummy[KEYS];
	struct rng rng;
	size_t count = 0;

	rng_seed(&rng, 1);
	for (int step = 0; step < 20000; step++) {
		size_t k = rng_below(&rng, KEYS);
		char name[16];
		struct bytes key;

		snprintf(name, sizeof name, "key-%zu", k);
		key = bytes_of(name);
		if (rng_below(&rng, 2)) {
			void *old;

			CHECK_OK(map_put(&map, key, &dummy[k], &old));
			CHECK(old == plain[k]);
			count += !plain[k];
			plain[k] = &dummy[k];
		} else {
			CHECK(map_remove(&map, key) == plain[k], "%s at step %d", name, step);
			count -= !!plain[k];
			plain[k] = NULL;
		}
		CHECK_EQ(map.count, count);
		CHECK(map_get(&map, key) == plain[k]);
	}
	for (size_t k = 0; k < KEYS; k++) {
		char name[16];

		snprintf(name, sizeof name, "key-%zu", k);
		CHECK(map_get(&map, bytes_of(name)) == plain[k], "%s", name);
	}
	map_for_each (&map, slot) {
		count--;
	}
	CHECK_EQ(count, 0);
	map_fini(&map);
}

TEST(an_arena_stops_at_its_maximum)
{
	struct arena arena;
	struct bytes copy;

	arena_init(&arena, 100);
	CHECK(arena_alloc(&arena, 60) != NULL);
	CHECK(arena_alloc(&arena, 41) == NULL);
	CHECK(arena_alloc(&arena, SIZE_MAX) == NULL);
	CHECK(arena_array(&arena, SIZE_MAX / 2, 4) == NULL);
	CHECK_OK(arena_copy(&arena, BYTES("thirty-nine bytes and no more than that"), &copy));
	CHECK_EQ(copy.at[copy.len], '\0');
	CHECK_ERR(arena_copy(&arena, BYTES("x"), &copy), ERR_NOMEM);
	arena_fini(&arena);
	CHECK_STR(arena_printf(&arena, "%d-%s", 7, "up"), "7-up", "an arena can be used again");
	arena_fini(&arena);
}

TEST(arena_memory_is_aligned_zeroed_and_apart)
{
	struct arena arena;
	unsigned char *last = NULL;

	arena_init(&arena, 1 << 20);
	for (size_t size = 1; size < 3000; size += 37) {
		unsigned char *at = arena_alloc(&arena, size);

		CHECK_EQ((uintptr_t)at % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			CHECK_EQ(at[i], 0);
		memset(at, 0xff, size);
		CHECK(at != last);
		last = at;
	}
	arena_fini(&arena);
}

TEST(text_remembers_its_first_failure_and_stays_within_its_maximum)
{
	struct text text = TEXT_INIT(8);

	text_add_str(&text, "12345");
	text_add_u64(&text, 678);
	CHECK_OK(text_err(&text));
	CHECK_STR(text_str(&text), "12345678");
	text_add_char(&text, '9');
	CHECK_ERR(text_err(&text), ERR_TOO_LARGE);
	text_clear(&text);
	text_add(&text, BYTES_NONE);
	text_add_str(&text, "again");
	CHECK_STR(text_str(&text), "again");
	CHECK_OK(text_err(&text));
	text_fini(&text);
}

TEST(reserved_text_does_not_move)
{
	struct text text = TEXT_INIT(100);
	const char *at;

	text_reserve(&text, 100);
	at = text.at;
	CHECK_STR(text_str(&text), "");
	for (int i = 0; i < 100; i++)
		text_add_char(&text, 'x');
	CHECK(text.at == at);
	CHECK_OK(text_err(&text));
	text_fini(&text);
}

TEST(text_writes_every_number)
{
	static const uint64_t numbers[] = { 0, 9, 10, 12345, UINT64_MAX };
	char want[32];

	for (size_t i = 0; i < COUNT(numbers); i++) {
		struct text text = TEXT_INIT(64);

		text_add_u64(&text, numbers[i]);
		snprintf(want, sizeof want, "%" PRIu64, numbers[i]);
		CHECK_STR(text_str(&text), want);
		text_fini(&text);
	}
}

TEST(random_numbers_below_a_limit_are_even)
{
	unsigned counts[10] = { 0 };
	struct rng rng;

	rng_seed(&rng, 42);
	for (int i = 0; i < 100000; i++)
		counts[rng_below(&rng, 10)]++;
	for (size_t i = 0; i < 10; i++)
		CHECK(counts[i] > 9500 && counts[i] < 10500, "%zu came %u times", i, counts[i]);
}
