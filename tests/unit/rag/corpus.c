#include "tests/check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "rag/retrieve/retrieve.h"

static struct passage passage_of(unsigned n, char id[32], char body[128])
{
	snprintf(id, 32, "chk_%u", n);
	snprintf(body, 128, "Zorvex number %u treats headache and may cause nausea in adults.", n);
	return (struct passage){ .id = bytes_of(id),
				 .document = n % 2 ? BYTES("doc_odd") : BYTES("doc_even"),
				 .title = BYTES("Zorvex"),
				 .file = BYTES("zorvex.md"),
				 .body = bytes_of(body),
				 .ordinal = n };
}

static void add(const struct feed_listener *l, uint64_t generation, unsigned n)
{
	char id[32], body[128];
	struct passage p = passage_of(n, id, body);

	CHECK_OK(l->add(l->owner, generation, &p));
}

static unsigned found(struct corpus *corpus, const char *words)
{
	const struct retrieve_options options = { .top = 50, .text = bytes_of(words) };
	struct question question;
	struct evidence evidence;
	struct arena arena;
	unsigned count;

	arena_init(&arena, 64 << 20);
	question_read(bytes_of(words), BYTES_NONE, &question);
	CHECK_OK(retrieve(corpus, &question, &options, &arena, &evidence));
	count = evidence.ranked_count;
	arena_fini(&arena);
	return count;
}

TEST(nothing_is_seen_before_its_commit_and_all_of_it_after)
{
	struct feed_listener l;
	struct corpus *corpus;

	CHECK_OK(corpus_create(NULL, 0, &corpus));
	l = corpus_feed(corpus);
	CHECK_EQ(found(corpus, "zorvex"), 0, "no generation yet");
	CHECK_OK(l.begin(l.owner, 1));
	add(&l, 1, 0);
	CHECK_EQ(found(corpus, "zorvex"), 0);
	CHECK_OK(l.publish(l.owner, 1, 1));
	CHECK_EQ(found(corpus, "zorvex"), 1);
	add(&l, 1, 1);
	CHECK_OK(l.remove(l.owner, 1, BYTES("chk_0")));
	CHECK_EQ(found(corpus, "zorvex"), 1, "told, not committed");
	CHECK_OK(l.commit(l.owner, 1, 2));
	CHECK_EQ(found(corpus, "number 1"), 1);
	l.drop(l.owner, 1);
	CHECK_EQ(found(corpus, "zorvex"), 0);
	corpus_destroy(corpus);
}

struct readers {
	struct corpus *corpus;
	_Atomic bool stop;
	_Atomic unsigned searches;
};

static void *read_on(void *owner)
{
	struct readers *r = owner;

	while (!atomic_load(&r->stop)) {
		(void)found(r->corpus, "zorvex nausea");
		atomic_fetch_add(&r->searches, 1);
	}
	return NULL;
}

/* Changes, a compaction and a new generation while four threads search: commits come through. */
TEST(searches_and_commits_do_not_starve_each_other)
{
	struct readers readers = { .searches = 0 };
	struct feed_listener l;
	pthread_t threads[4];

	CHECK_OK(corpus_create(NULL, 0, &readers.corpus));
	l = corpus_feed(readers.corpus);
	CHECK_OK(l.begin(l.owner, 1));
	for (unsigned n = 0; n < 40; n++)
		add(&l, 1, n);
	CHECK_OK(l.publish(l.owner, 1, 1));
	for (size_t i = 0; i < COUNT(threads); i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, read_on, &readers), 0);
	for (unsigned n = 0; n < 700; n++) { /* enough dead slots for a compaction */
		char id[32];

		snprintf(id, sizeof id, "chk_%u", n);
		CHECK_OK(l.remove(l.owner, 1, bytes_of(id)));
		add(&l, 1, n + 40);
		if (n % 7 == 0)
			CHECK_OK(l.commit(l.owner, 1, n));
	}
	CHECK_OK(l.commit(l.owner, 1, 1000));
	CHECK_OK(l.begin(l.owner, 2));
	add(&l, 2, 7);
	CHECK_OK(l.publish(l.owner, 2, 1001));
	l.drop(l.owner, 1);
	atomic_store(&readers.stop, true);
	for (size_t i = 0; i < COUNT(threads); i++)
		pthread_join(threads[i], NULL);
	CHECK_EQ(found(readers.corpus, "zorvex"), 1);
	CHECK(readers.searches > 0);
	corpus_destroy(readers.corpus);
}
