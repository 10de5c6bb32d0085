#include "tests/check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "rag/store/catalog.h"

/* A listener that writes down what it is told, and says it is where the test puts it. */
struct notes {
	struct text text;
	uint64_t position;
};

static struct notes notes;
static struct library *library;
static struct catalog *catalog;
static char directory[64];

static uint64_t position(void *owner, uint64_t generation)
{
	(void)generation;
	return ((struct notes *)owner)->position;
}

static err_t begin(void *owner, uint64_t generation)
{
	text_printf(&((struct notes *)owner)->text, "begin %u;", (unsigned)generation);
	return ERR_OK;
}

static err_t add(void *owner, uint64_t generation, const struct passage *passage)
{
	(void)generation;
	text_printf(&((struct notes *)owner)->text, "add %.*s;", BYTES_ARG(passage->body));
	return ERR_OK;
}

static err_t take_out(void *owner, uint64_t generation, struct bytes id)
{
	(void)generation;
	text_printf(&((struct notes *)owner)->text, "remove %.*s;", BYTES_ARG(id));
	return ERR_OK;
}

static err_t forget(void *owner, uint64_t generation, struct bytes id)
{
	(void)generation;
	text_printf(&((struct notes *)owner)->text, "forget %.*s;", BYTES_ARG(id));
	return ERR_OK;
}

static void discard(void *owner, uint64_t generation)
{
	(void)generation;
	text_add_str(&((struct notes *)owner)->text, "discard;");
}

static err_t commit(void *owner, uint64_t generation, uint64_t change)
{
	struct notes *n = owner;

	(void)generation;
	text_printf(&n->text, "commit %u;", (unsigned)change);
	return ERR_OK;
}

static err_t publish(void *owner, uint64_t generation, uint64_t change)
{
	text_printf(&((struct notes *)owner)->text, "publish %u %u;", (unsigned)generation,
		    (unsigned)change);
	return ERR_OK;
}

static void drop(void *owner, uint64_t generation)
{
	text_printf(&((struct notes *)owner)->text, "drop %u;", (unsigned)generation);
}

static const struct feed_listener listener = {
	"notes", &notes, position, begin, add, take_out, forget, commit, discard, publish, drop,
};

static void open_both(void)
{
	text_clear(&notes.text);
	CHECK_OK(library_open(directory, &library, NULL));
	CHECK_OK(catalog_open(library, &listener, 1, &catalog));
}

static void close_both(void)
{
	catalog_close(catalog);
	library_close(library);
}

static void start(void)
{
	strcpy(directory, "/tmp/weir-rag-catalog-XXXXXX");
	CHECK(mkdtemp(directory));
	text_init(&notes.text, 1 << 16);
	notes.position = 0;
	open_both();
}

static void finish(void)
{
	char command[128];

	close_both();
	text_fini(&notes.text);
	snprintf(command, sizeof command, "rm -r %s", directory);
	CHECK_EQ(system(command), 0);
}

/* The document as its one passage, or (NULL) taken out. */
static void put(const char *key, const char *words)
{
	char id[LIBRARY_ID_BYTES], passage_id[64];
	struct passage passage = { .body = bytes_of(words), .kind = PASSAGE_TEXT };
	struct library_document d = { .key = bytes_of(key), .state = LIBRARY_INDEXED };
	struct arena arena;

	arena_init(&arena, 1 << 20);
	library_document_id(bytes_of(key), id);
	d.id = bytes_of(id);
	snprintf(passage_id, sizeof passage_id, "chk_%s", words ? words : "");
	passage.id = bytes_of(passage_id);
	CHECK_OK(catalog_begin(catalog));
	if (words)
		CHECK_OK(library_document_put(library, &d));
	CHECK_OK(library_document_get(library, d.id, &arena, &d));
	CHECK_OK(catalog_shelve(catalog, CATALOG_BOTH, &d, words ? 1 : 0, &passage, words != NULL));
	if (!words)
		CHECK_OK(library_document_remove(library, d.id));
	CHECK_OK(catalog_commit(catalog));
	arena_fini(&arena);
}

TEST(an_index_is_told_at_the_start_of_the_documents_that_changed_and_of_no_others)
{
	char id[LIBRARY_ID_BYTES], expected[256];

	start();
	put("a", "apples");
	put("b", "pears");
	put("c", "plums");
	notes.position = 3; /* it kept a and b, not what came after */
	put("b", "quinces");
	put("a", NULL);
	close_both();
	open_both();
	CHECK(strstr(text_str(&notes.text), "add plums;") != NULL, "%s", text_str(&notes.text));
	CHECK(strstr(text_str(&notes.text), "add quinces;") != NULL);
	CHECK(strstr(text_str(&notes.text), "apples") == NULL);
	CHECK(strstr(text_str(&notes.text), "begin") == NULL);
	library_document_id(BYTES("a"), id);
	snprintf(expected, sizeof expected, "forget %s;", id);
	CHECK(strstr(text_str(&notes.text), expected) != NULL, "a is gone: %s",
	      text_str(&notes.text));
	CHECK(strstr(text_str(&notes.text), "commit 6;publish 1 6;") != NULL);
	finish();
}

TEST(an_index_that_has_all_is_told_nothing_and_one_that_is_ahead_everything)
{
	start();
	put("a", "apples");
	notes.position = 2;
	close_both();
	open_both();
	CHECK_STR(text_str(&notes.text), "publish 1 2;");
	notes.position = 9; /* of a library that was put back to an older state */
	close_both();
	open_both();
	CHECK_STR(text_str(&notes.text), "drop 1;begin 1;add apples;commit 2;publish 1 2;");
	finish();
}

struct looking {
	_Atomic bool stop;
	_Atomic unsigned missed;
};

/* Whoever reads that a document is indexed finds that the listener was told of its commit. */
static _Atomic unsigned committed;

static err_t commit_counted(void *owner, uint64_t generation, uint64_t change)
{
	(void)owner;
	(void)generation;
	(void)change;
	atomic_fetch_add(&committed, 1);
	return ERR_OK;
}

static void *look_on(void *owner)
{
	struct looking *l = owner;

	while (!atomic_load(&l->stop)) {
		struct library_counts counts;

		if (library_count(library, &counts) == ERR_OK &&
		    counts.documents[LIBRARY_INDEXED] > atomic_load(&committed))
			atomic_fetch_add(&l->missed, 1);
	}
	return NULL;
}

TEST(nobody_reads_that_a_document_is_there_before_the_index_has_it)
{
	struct feed_listener counting = listener;
	struct looking looking = { .missed = 0 };
	pthread_t thread;

	start();
	close_both();
	counting.commit = commit_counted;
	CHECK_OK(library_open(directory, &library, NULL));
	CHECK_OK(catalog_open(library, &counting, 1, &catalog));
	atomic_store(&committed, 0);
	CHECK_EQ(pthread_create(&thread, NULL, look_on, &looking), 0);
	for (unsigned i = 0; i < 60; i++) {
		char key[16];

		snprintf(key, sizeof key, "d%u", i);
		put(key, key);
	}
	atomic_store(&looking.stop, true);
	pthread_join(thread, NULL);
	CHECK_EQ(looking.missed, 0);
	CHECK_EQ(committed, 60);
	finish();
}

/* A store may hear of it only at the end: nothing of the transaction is there then. */
TEST(what_a_store_refuses_is_not_committed_whenever_it_says_so)
{
	const struct passage twice[] = {
		{ .id = BYTES("chk_1"), .body = BYTES("one"), .ordinal = 7 },
		{ .id = BYTES("chk_2"), .body = BYTES("other"), .ordinal = 7 },
	};
	struct library_document d = { .key = BYTES("twice"),
				      .state = LIBRARY_INDEXED,
				      .version = 1 };
	char id[LIBRARY_ID_BYTES];
	struct arena arena;
	err_t err;

	start();
	arena_init(&arena, 1 << 20);
	library_document_id(d.key, id);
	d.id = bytes_of(id);
	CHECK_OK(catalog_begin(catalog));
	CHECK_OK(library_document_put(library, &d));
	CHECK_OK(library_document_get(library, d.id, &arena, &d));
	err = catalog_shelve(catalog, CATALOG_BOTH, &d, 1, twice, COUNT(twice));
	if (err)
		catalog_rollback(catalog);
	else
		err = catalog_commit(catalog);
	CHECK(err != ERR_OK, "two passages at one place");
	CHECK_EQ(library_document_get(library, d.id, &arena, &d), ERR_NOT_FOUND);
	put("after", "after");
	CHECK_OK(catalog_begin(catalog));
	catalog_rollback(catalog);
	arena_fini(&arena);
	finish();
}
