#include "tests/check.h"

#include <stdio.h>
#include <unistd.h>

#include "rag/ingest/sketch.h"
#include "tests/unit/rag/shelf.h"

static struct shelf shelf;
static struct arena arena;

static struct library_document get(const char *key)
{
	struct library_document d = { .row = 0 };
	char id[LIBRARY_ID_BYTES];

	library_document_id(bytes_of(key), id);
	CHECK_OK(library_document_get(shelf.library, bytes_of(id), &arena, &d), "%s", key);
	return d;
}

static enum ingest_what take(const char *key, const char *words, enum ingest_if_exists if_exists)
{
	const struct ingest_item item = {
		.key = bytes_of(key),
		.media_type = BYTES("text/markdown"),
		.data = bytes_of(words),
		.origin = BYTES("{\"kind\":\"text\"}"),
		.if_exists = if_exists,
	};
	struct ingest_outcome outcome;
	char job[INGEST_JOB_ID_BYTES];

	CHECK_OK(ingest_accept(shelf.ingest, &item, 1, &outcome, job));
	shelf_settled(&shelf);
	return outcome.what;
}

static bool count_one(void *owner, const struct passage *passage)
{
	(void)passage;
	return ++*(unsigned *)owner < 1000;
}

static unsigned found(const char *word)
{
	struct bytes words[] = { bytes_of(word) };
	unsigned count = 0;

	CHECK_OK(passages_search(shelf.passages, words, 1, 100, count_one, &count));
	return count;
}

static unsigned drop(const char *key)
{
	char id[LIBRARY_ID_BYTES];
	struct bytes one;
	unsigned removed = 0;

	library_document_id(bytes_of(key), id);
	one = bytes_of(id);
	CHECK_OK(ingest_remove(shelf.ingest, &one, 1, &removed));
	return removed;
}

static void begin(void)
{
	arena_init(&arena, 16 << 20);
	shelf_open(&shelf, "");
}

static void end(void)
{
	shelf_remove(&shelf);
	arena_fini(&arena);
}

TEST(a_document_is_found_once_it_was_read_and_gone_once_it_was_removed)
{
	begin();
	CHECK_EQ(take("z", "# Zebras\n\nZebras have stripes.", INGEST_REPLACE), INGEST_ACCEPTED);
	CHECK_EQ(found("stripes"), 1);
	CHECK_BYTES(get("z").title, "Zebras");
	CHECK_EQ(drop("z"), 1);
	CHECK_EQ(found("stripes"), 0);
	CHECK_EQ(drop("z"), 0);
	end();
}

TEST(changed_words_replace_the_old_and_equal_ones_change_nothing)
{
	struct catalog_state before, after;

	begin();
	take("z", "# A\n\nApples here.\n\n# B\n\nPears here.", INGEST_REPLACE);
	CHECK_EQ(take("z", "# A\n\nApples here.\n\n# B\n\nPears here.", INGEST_REPLACE),
		 INGEST_UNCHANGED);
	catalog_state(shelf.catalog, &before);
	take("z", "# A\n\nApples here.\n\n# B\n\nPlums here.", INGEST_REPLACE);
	catalog_state(shelf.catalog, &after);
	CHECK_EQ(found("pears"), 0);
	CHECK_EQ(found("plums"), 1);
	CHECK_EQ(found("apples"), 1);
	CHECK_EQ(after.passages, before.passages);
	CHECK_EQ(after.change, before.change + 1);
	CHECK_EQ(get("z").version, 2);
	CHECK_EQ(take("z", "other words", INGEST_SKIP), INGEST_EXISTS);
	CHECK_EQ(found("plums"), 1);
	end();
}

TEST(a_replacement_that_cannot_be_read_leaves_the_old_words_findable)
{
	begin();
	take("z", "Plums are here.", INGEST_REPLACE);
	take("z", "\x01\x02 ", INGEST_REPLACE);
	CHECK_EQ(get("z").state, LIBRARY_FAILED);
	CHECK_EQ(found("plums"), 1);
	end();
}

TEST(the_same_bytes_under_another_key_are_an_alias_until_the_first_goes)
{
	begin();
	take("a", "Okapis live in the forest.", INGEST_REPLACE);
	CHECK_EQ(take("b", "Okapis live in the forest.", INGEST_REPLACE), INGEST_ALIAS);
	CHECK(bytes_eq(get("b").alias_of, get("a").id));
	CHECK_EQ(found("okapis"), 1, "once, though it is there twice");
	drop("a");
	shelf_settled(&shelf);
	CHECK_EQ(found("okapis"), 1, "the alias stands for itself now");
	CHECK_EQ(get("b").alias_of.len, 0);
	end();
}

TEST(one_failing_document_does_not_stop_its_job)
{
	struct ingest_item items[3] = { { .key = BYTES("1"), .data = BYTES("Apples.") },
					{ .key = BYTES("2"), .data = BYTES("\0\0") },
					{ .key = BYTES("3"), .data = BYTES("Pears.") } };
	struct ingest_outcome outcomes[3];
	char job[INGEST_JOB_ID_BYTES];
	struct library_job row;

	begin();
	CHECK_OK(ingest_accept(shelf.ingest, items, 3, outcomes, job));
	CHECK(ingest_wait(shelf.ingest, bytes_of(job), 10000));
	CHECK_OK(library_job_get(shelf.library, bytes_of(job), &arena, &row));
	CHECK_EQ(row.state, LIBRARY_JOB_PARTIAL);
	CHECK_EQ(row.done, 2);
	CHECK_EQ(row.failed, 1);
	CHECK_EQ(found("pears"), 1);
	CHECK_EQ(get("2").state, LIBRARY_FAILED);
	CHECK(get("2").error.len > 0);
	end();
}

TEST(all_is_there_after_closing_and_what_was_pending_is_read_then)
{
	const struct ingest_item item = { .key = BYTES("late"), .data = BYTES("Quinces.") };
	struct ingest_outcome outcome;
	char job[INGEST_JOB_ID_BYTES];

	begin();
	take("z", "Plums are here.", INGEST_REPLACE);
	CHECK_OK(ingest_accept(shelf.ingest, &item, 1, &outcome, job));
	shelf_close(&shelf);
	shelf_open(&shelf, "");
	CHECK_EQ(found("plums"), 1);
	CHECK_EQ(found("quinces"), 1);
	end();
}

TEST(an_index_that_was_lost_is_fed_anew)
{
	char path[128];

	begin();
	take("z", "Plums are here.", INGEST_REPLACE);
	snprintf(path, sizeof path, "%s/passages.db", shelf.directory);
	shelf_close(&shelf);
	unlink(path);
	shelf_open(&shelf, "");
	CHECK_EQ(found("plums"), 1);
	end();
}

TEST(a_reindex_makes_a_generation_with_the_same_words)
{
	const struct ingest_reindex all = { .scope = INGEST_ALL, .args = BYTES("{}") };
	const struct ingest_reindex copy = { .scope = INGEST_ALL,
					     .args = BYTES("{}"),
					     .keep_passages = true };
	char job[INGEST_JOB_ID_BYTES];
	struct catalog_state now;

	begin();
	take("a", "Apples are here.", INGEST_REPLACE);
	take("b", "Pears are here.", INGEST_REPLACE);
	drop("a");
	CHECK_OK(ingest_reindex(shelf.ingest, &all, job));
	CHECK(ingest_wait(shelf.ingest, bytes_of(job), 10000));
	catalog_state(shelf.catalog, &now);
	CHECK_EQ(now.generation, 2);
	CHECK_EQ(now.building, 0);
	CHECK_EQ(now.passages, 1);
	CHECK_EQ(found("pears"), 1);
	CHECK_EQ(found("apples"), 0);
	shelf_settled(&shelf);
	CHECK_OK(ingest_reindex(shelf.ingest, &copy, job));
	CHECK(ingest_wait(shelf.ingest, bytes_of(job), 10000));
	CHECK_EQ(found("pears"), 1);
	take("b", "Plums are here.", INGEST_REPLACE);
	CHECK_EQ(found("plums"), 1);
	CHECK_EQ(found("pears"), 0);
	end();
}

TEST(a_reindex_keeps_the_old_words_of_what_cannot_be_read_any_more)
{
	const struct ingest_reindex all = { .scope = INGEST_ALL, .args = BYTES("{}") };
	char job[INGEST_JOB_ID_BYTES];
	struct catalog_state now;

	begin();
	take("z", "Plums are here.", INGEST_REPLACE);
	take("z", "\x01\x02 ", INGEST_REPLACE);
	CHECK_EQ(get("z").state, LIBRARY_FAILED);
	CHECK_OK(ingest_reindex(shelf.ingest, &all, job));
	CHECK(ingest_wait(shelf.ingest, bytes_of(job), 10000));
	catalog_state(shelf.catalog, &now);
	CHECK_EQ(now.generation, 2);
	CHECK_EQ(now.passages, 1);
	CHECK_EQ(found("plums"), 1);
	end();
}

TEST(nearly_equal_texts_share_their_sketch_and_others_do_not)
{
	struct text one = TEXT_INIT(1 << 20), two = TEXT_INIT(1 << 20), other = TEXT_INIT(1 << 20);
	uint64_t a[LIBRARY_SKETCH_BANDS], b[LIBRARY_SKETCH_BANDS], c[LIBRARY_SKETCH_BANDS];
	unsigned near = 0, far = 0;

	for (unsigned i = 0; i < 800; i++) {
		text_printf(&one, "word%u of%u ", i * 7919 % 1009, i);
		text_printf(&two, "word%u of%u ", i * 7919 % 1009, i == 400 ? 9999 : i);
		text_printf(&other, "thing%u on%u ", i * 104729 % 997, i);
	}
	CHECK(sketch_text(text_bytes(&one), a) && sketch_text(text_bytes(&two), b) &&
	      sketch_text(text_bytes(&other), c));
	for (unsigned i = 0; i < LIBRARY_SKETCH_BANDS; i++) {
		near += a[i] == b[i];
		far += a[i] == c[i];
	}
	CHECK(sketch_percent(near) >= 90, "%u", near);
	CHECK_EQ(sketch_percent(far), 0);
	CHECK(!sketch_text(BYTES("too short to tell"), a));
	text_fini(&one);
	text_fini(&two);
	text_fini(&other);
}
