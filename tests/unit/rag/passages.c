#include "tests/check.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "store/passages.h"

static char path[] = "/tmp/weir-passages-XXXXXX";

static struct passages *open_fresh(void)
{
	struct passages *p;
	int fd;

	memcpy(path + sizeof path - 7, "XXXXXX", 6);
	fd = mkstemp(path);
	CHECK(fd >= 0);
	close(fd);
	CHECK_OK(passages_open(path, &p, NULL));
	return p;
}

static void done(struct passages *p)
{
	char extra[sizeof path + 8];

	passages_close(p);
	unlink(path);
	snprintf(extra, sizeof extra, "%s-wal", path);
	unlink(extra);
	snprintf(extra, sizeof extra, "%s-shm", path);
	unlink(extra);
}

static void publish(struct passages *p, const char *const bodies[], size_t count)
{
	struct passages_state now;
	uint64_t generation;
	char id[32];

	CHECK_OK(passages_state(p, &now));
	generation = now.generation + 1;
	CHECK_OK(passages_begin(p, generation));
	for (size_t i = 0; i < count; i++) {
		snprintf(id, sizeof id, "chk_%zu", i);
		CHECK_OK(passages_add(p, generation,
				      &(struct passage){ .id = bytes_of(id),
							 .document = BYTES("doc_1"),
							 .title = BYTES("Title"),
							 .file = BYTES("a.md"),
							 .body = bytes_of(bodies[i]),
							 .char_from = i }));
	}
	CHECK_OK(passages_publish(p, generation, now.change + 1));
	if (now.generation)
		passages_drop(p, now.generation);
}

static bool count_one(void *owner, const struct passage *passage)
{
	(void)passage;
	return ++*(unsigned *)owner < 1000;
}

static unsigned found(struct passages *p, const char *word)
{
	struct bytes words[] = { bytes_of(word) };
	unsigned count = 0;

	CHECK_OK(passages_search(p, words, 1, 100, count_one, &count), "%s", word);
	return count;
}

TEST(words_are_never_read_as_search_syntax)
{
	static const char *const hostile[] = {
		"\"",
		"\"\"",
		"a\"b",
		"apple\" OR \"pear",
		"NEAR(apple pear)",
		"apple*",
		"title:apple",
		"-apple",
		"^apple",
		"apple AND",
		"NOT",
		"OR",
		"(apple",
		"{title}:x",
		"'; DROP TABLE passage;--",
		"apple + pear",
		"\\",
		"%",
		"*",
		":",
		"",
		" ",
		"\xC3\xA4\"",
		"\xFF",
	};
	static const char *const bodies[] = { "An apple a day.", "A pear." };
	struct passages *p = open_fresh();

	publish(p, bodies, COUNT(bodies));
	for (size_t i = 0; i < COUNT(hostile); i++)
		found(p, hostile[i]); /* an error of syntax would fail in there */
	CHECK_EQ(found(p, "apple\" OR \"pear"), 0, "the phrase, not two words");
	CHECK_EQ(found(p, "apple*"), 1, "the star is no prefix search");
	CHECK_EQ(found(p, "app*"), 0);
	CHECK_EQ(found(p, "apples"), 1, "stems match");
	done(p);
}

TEST(the_match_quotes_every_word)
{
	struct bytes words[] = { BYTES("a\"b"), BYTES("OR"), bytes_make("x\0y", 3) };
	struct text out = TEXT_INIT(256);

	passages_match(&out, words, 3);
	CHECK_STR(text_str(&out), "\"a\"\"b\" OR \"OR\" OR \"x y\"");
	text_fini(&out);
}

TEST(readers_see_the_old_generation_until_the_new_one_is_published)
{
	static const char *const one[] = { "apple" }, *const two[] = { "pear", "plum" };
	struct passages *p = open_fresh();
	struct passages_state now;

	CHECK_OK(passages_state(p, &now));
	CHECK_EQ(now.generation, 0);
	publish(p, one, 1);
	CHECK_OK(passages_begin(p, 2));
	CHECK_OK(passages_add(p, 2, &(struct passage){ .id = BYTES("x"), .body = BYTES("pear") }));
	CHECK_EQ(found(p, "apple"), 1);
	CHECK_EQ(found(p, "pear"), 0);
	CHECK_OK(passages_commit(p, 2, 2));
	CHECK_EQ(found(p, "apple"), 1);
	CHECK_EQ(found(p, "pear"), 0, "committed, and not published");
	passages_drop(p, 2);
	CHECK_EQ(found(p, "apple"), 1);
	publish(p, two, 2);
	CHECK_EQ(found(p, "apple"), 0);
	CHECK_EQ(found(p, "plum"), 1);
	CHECK_OK(passages_state(p, &now));
	CHECK_EQ(now.generation, 2);
	CHECK_EQ(now.passages, 2);
	CHECK_EQ(now.documents, 1);
	done(p);
}

TEST(the_generation_survives_closing)
{
	static const char *const one[] = { "apple" };
	struct passages *p = open_fresh();
	uint64_t count;

	publish(p, one, 1);
	passages_close(p);
	CHECK_OK(passages_open(path, &p, NULL));
	CHECK_EQ(found(p, "apple"), 1);
	CHECK_OK(passages_frequency(p, BYTES("Apples"), &count));
	CHECK_EQ(count, 1);
	done(p);
}

static bool list_stem(void *owner, struct bytes stem, uint64_t count)
{
	text_printf(owner, "%.*s:%llu ", BYTES_ARG(stem), (unsigned long long)count);
	return true;
}

TEST(stems_are_listed_by_their_beginning)
{
	static const char *const one[] = { "apples and apricots", "apple pie" };
	struct passages *p = open_fresh();
	struct text out = TEXT_INIT(1024);

	publish(p, one, 2);
	CHECK_OK(passages_stems(p, BYTES("ap"), list_stem, &out));
	CHECK_STR(text_str(&out), "appl:2 apricot:1 ");
	text_clear(&out);
	CHECK_OK(passages_stems(p, BYTES("%'\""), list_stem, &out));
	CHECK_STR(text_str(&out), "");
	text_fini(&out);
	done(p);
}

TEST(the_same_id_twice_is_told)
{
	struct passages *p = open_fresh();
	struct passage passage = { .id = BYTES("x"), .body = BYTES("pear") };

	CHECK_OK(passages_begin(p, 1));
	CHECK_OK(passages_add(p, 1, &passage));
	CHECK_ERR(passages_add(p, 1, &passage), ERR_EXISTS);
	CHECK_OK(passages_begin(p, 2));
	CHECK_OK(passages_add(p, 2, &passage), "another generation's is another");
	passages_rollback(p);
	done(p);
}

TEST(a_passage_comes_and_goes_with_its_commit)
{
	static const char *const one[] = { "apple", "pear" };
	struct passages *p = open_fresh();
	struct passages_state now;

	publish(p, one, 2);
	CHECK_OK(passages_remove(p, 1, BYTES("chk_0")));
	CHECK_OK(passages_add(p, 1, &(struct passage){ .id = BYTES("n"), .body = BYTES("plum") }));
	CHECK_EQ(found(p, "apple"), 1, "until the commit");
	CHECK_OK(passages_commit(p, 1, 7));
	CHECK_EQ(found(p, "apple"), 0);
	CHECK_EQ(found(p, "plum"), 1);
	CHECK_EQ(found(p, "pear"), 1);
	CHECK_ERR(passages_remove(p, 1, BYTES("chk_0")), ERR_NOT_FOUND);
	CHECK_OK(passages_state(p, &now));
	CHECK_EQ(now.change, 7);
	CHECK_EQ(now.generation, 1);
	CHECK_EQ(now.passages, 2);
	done(p);
}

static bool same_record(void *owner, const struct passage *got)
{
	const struct passage *want = owner;

	CHECK(bytes_eq(got->code, want->code));
	CHECK(bytes_eq(got->subject, want->subject));
	CHECK(bytes_eq(got->metadata, want->metadata));
	CHECK(bytes_eq(got->item, want->item));
	CHECK_EQ(got->kind, want->kind);
	CHECK_EQ(got->ordinal, 3);
	CHECK_EQ(got->words, 1);
	CHECK_EQ(got->page_from, 4);
	CHECK_EQ(got->page_to, 5);
	CHECK_EQ(got->char_from, 10);
	CHECK_EQ(got->char_to, 14);
	CHECK(got->score != 0);
	return true;
}

TEST(the_whole_record_comes_back)
{
	struct passages *p = open_fresh();
	struct bytes word = BYTES("pear");
	struct passage passage = {
		.id = BYTES("x"),
		.code = BYTES("34084-4"),
		.subject = BYTES("fruit"),
		.metadata = BYTES("{}"),
		.item = BYTES("{\"rows\":[]}"),
		.body = BYTES("pear"),
		.kind = PASSAGE_TABLE,
		.ordinal = 3,
		.words = 1,
		.page_from = 4,
		.page_to = 5,
		.char_from = 10,
		.char_to = 14,
	};

	CHECK_OK(passages_begin(p, 1));
	CHECK_OK(passages_add(p, 1, &passage));
	CHECK_OK(passages_publish(p, 1, 1));
	CHECK_OK(passages_search(p, &word, 1, 5, same_record, &passage));
	done(p);
}

static void *search_many(void *owner)
{
	for (unsigned i = 0; i < 200; i++) {
		struct bytes words[] = { BYTES("apple"), BYTES("pear") };
		unsigned count = 0;

		if (passages_search(owner, words, 2, 10, count_one, &count) || count == 0)
			return "a search failed";
	}
	return NULL;
}

TEST(many_threads_search_while_a_generation_is_published)
{
	static const char *const one[] = { "apple", "pear" };
	struct passages *p = open_fresh();
	pthread_t threads[PASSAGES_READERS * 2];
	void *why;

	publish(p, one, 2);
	for (size_t i = 0; i < COUNT(threads); i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, search_many, p), 0);
	for (unsigned i = 0; i < 10; i++)
		publish(p, one, 2);
	for (size_t i = 0; i < COUNT(threads); i++) {
		pthread_join(threads[i], &why);
		CHECK(!why, "%s", (const char *)why);
	}
	done(p);
}

TEST(a_path_that_cannot_be_opened_is_explained)
{
	struct passages *p;
	char *why = NULL;

	CHECK_ERR(passages_open("/nowhere/at/all/x.db", &p, &why), ERR_STORE);
	CHECK(why && strstr(why, "/nowhere/at/all/x.db"));
	free(why);
}
