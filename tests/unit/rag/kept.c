#include "tests/check.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/rng.h"
#include "rag/retrieve/retrieve.h"

enum { PASSAGES = 600, DOCUMENTS = 40 };

static char directory[64], file[96];
static const _Atomic bool go_on;

static void add(const struct feed_listener *l, unsigned n)
{
	static const char *const ills[] = { "nausea",	 "headache", "hypertension",
					    "dizziness", "diabetes", "insomnia" };
	char id[32], document[32], body[160], metadata[64];
	struct passage p = { .title = BYTES("Zorvex"),
			     .section = BYTES("Use \xE2\x80\xBA Adults"),
			     .code = BYTES("34084-4"),
			     .subject = BYTES("zorvexine") };

	snprintf(id, sizeof id, "chk_%u", n);
	snprintf(document, sizeof document, "doc_%u", n % DOCUMENTS);
	snprintf(body, sizeof body, "Zorvex %u treats %s and may cause %s. Take %u mg with Milk.",
		 n, ills[n % 6], ills[(n + 1 + n / 7) % 6], n % 9);
	snprintf(metadata, sizeof metadata, "{\"metadata\":{\"batch\":%u}}", n % DOCUMENTS);
	p.id = bytes_of(id);
	p.document = p.file = bytes_of(document);
	p.body = bytes_of(body);
	p.metadata = bytes_of(metadata);
	p.ordinal = n / DOCUMENTS;
	p.words = 12;
	p.char_from = n;
	CHECK_OK(l->add(l->owner, 1, &p));
}

static struct corpus *fed(const char *where)
{
	struct feed_listener l;
	struct corpus *corpus;

	CHECK_OK(corpus_create(where, 77, &corpus));
	l = corpus_feed(corpus);
	CHECK_OK(l.begin(l.owner, 1));
	for (unsigned n = 0; n < PASSAGES; n++)
		add(&l, n);
	CHECK_OK(l.publish(l.owner, 1, 7));
	return corpus;
}

/* Changes of every kind, told to a corpus that has the generation. */
static void change(struct corpus *corpus)
{
	struct feed_listener l = corpus_feed(corpus);

	CHECK_OK(l.remove(l.owner, 1, BYTES("chk_11")));
	CHECK_OK(l.forget(l.owner, 1, BYTES("doc_3")));
	CHECK_OK(l.forget(l.owner, 1, BYTES("doc_never_was")));
	for (unsigned n = PASSAGES; n < PASSAGES + 30; n++)
		add(&l, n);
	CHECK_OK(l.commit(l.owner, 1, 8));
}

static void same_evidence(struct corpus *one, struct corpus *other, const char *words,
			  enum retrieve_mode mode)
{
	const struct retrieve_options options = { .top = 50,
						  .text = bytes_of(words),
						  .mode = mode };
	struct corpus *both[] = { one, other };
	struct evidence found[2];
	struct arena arenas[2];

	for (unsigned i = 0; i < 2; i++) {
		struct question question;

		arena_init(&arenas[i], 64 << 20);
		question_read(bytes_of(words), BYTES_NONE, &question);
		CHECK_OK(retrieve(both[i], &question, &options, &arenas[i], &found[i]));
	}
	CHECK(found[0].ranked_count > 0, "%s", words);
	CHECK_EQ(found[0].ranked_count, found[1].ranked_count, "%s", words);
	CHECK_EQ(found[0].entity_count, found[1].entity_count, "%s", words);
	CHECK_EQ(found[0].relation_count, found[1].relation_count, "%s", words);
	for (unsigned i = 0; i < found[0].ranked_count; i++) {
		const struct evidence_passage *a = &found[0].ranked[i], *b = &found[1].ranked[i];

		CHECK(bytes_eq(a->passage.id, b->passage.id), "%s, %u: %.*s, %.*s", words, i,
		      BYTES_ARG(a->passage.id), BYTES_ARG(b->passage.id));
		CHECK(bytes_eq(a->passage.body, b->passage.body));
		CHECK(bytes_eq(a->passage.metadata, b->passage.metadata));
		CHECK_EQ(a->passage.char_from, b->passage.char_from);
		CHECK(a->scores.final == b->scores.final, "%s, %u", words, i);
	}
	arena_fini(&arenas[0]);
	arena_fini(&arenas[1]);
}

static void same(struct corpus *one, struct corpus *other)
{
	static const char *const questions[] = { "what does zorvex treat", "side effects nausea",
						 "take 5 mg", "zorvexin dizzines" };

	for (size_t i = 0; i < COUNT(questions); i++)
		for (unsigned mode = 0; mode < MODE_BYPASS; mode++)
			same_evidence(one, other, questions[i], mode);
}

static void start(void)
{
	strcpy(directory, "/tmp/weir-rag-kept-XXXXXX");
	CHECK(mkdtemp(directory));
	snprintf(file, sizeof file, "%s/generation-1", directory);
}

static void finish(void)
{
	char command[128];

	snprintf(command, sizeof command, "rm -r %s", directory);
	CHECK_EQ(system(command), 0);
}

TEST(a_generation_that_was_kept_answers_as_the_one_that_was_fed)
{
	struct corpus *first, *second, *other;
	struct feed_listener l;

	start();
	first = fed(directory);
	CHECK(access(file, F_OK) != 0, "nothing is kept before it was warmed");
	corpus_warm(first, &go_on);
	CHECK_OK(corpus_create(directory, 77, &second));
	l = corpus_feed(second);
	CHECK_EQ(l.position(l.owner, 2), 0, "of another generation there is nothing");
	CHECK_EQ(l.position(l.owner, 1), 7);
	CHECK_OK(l.publish(l.owner, 1, 7));
	same(first, second);
	CHECK_OK(corpus_create(directory, 78, &other));
	l = corpus_feed(other);
	CHECK_EQ(l.position(l.owner, 1), 0, "nor of another library");
	corpus_destroy(other);
	change(first);
	change(second);
	same(first, second);
	corpus_destroy(first);
	corpus_destroy(second);
	finish();
}

/* What was mapped, changed and kept again, and mapped again. */
TEST(a_generation_is_kept_and_taken_again_and_again)
{
	struct corpus *whole, *taken = NULL;
	struct feed_listener l;

	start();
	whole = fed(NULL);
	corpus_destroy(fed(directory));
	for (unsigned round = 0; round < 3; round++) {
		corpus_destroy(taken);
		CHECK_OK(corpus_create(directory, 77, &taken));
		l = corpus_feed(taken);
		if (round == 0) {
			CHECK_EQ(l.position(l.owner, 1), 0, "nobody warmed it");
			corpus_destroy(taken);
			taken = fed(directory);
		} else {
			CHECK_EQ(l.position(l.owner, 1), 6 + round);
			CHECK_OK(l.publish(l.owner, 1, 6 + round));
		}
		if (round == 1) {
			struct feed_listener w = corpus_feed(whole);

			for (unsigned n = 1000; n < 1600; n++) {
				add(&l, n);
				add(&w, n);
			}
			CHECK_OK(l.commit(l.owner, 1, 8));
			CHECK_OK(w.commit(w.owner, 1, 8));
		}
		corpus_warm(taken, &go_on);
	}
	same(whole, taken);
	corpus_destroy(taken);
	corpus_destroy(whole);
	finish();
}

static uint64_t position_now(void)
{
	struct corpus *corpus;
	struct feed_listener l;
	uint64_t position;

	CHECK_OK(corpus_create(directory, 77, &corpus));
	l = corpus_feed(corpus);
	position = l.position(l.owner, 1);
	corpus_destroy(corpus);
	return position;
}

TEST(a_file_that_is_damaged_or_cut_is_not_taken)
{
	struct corpus *corpus;
	struct rng rng;
	struct stat st;
	int fd;

	start();
	corpus = fed(directory);
	corpus_warm(corpus, &go_on);
	corpus_destroy(corpus);
	CHECK_EQ(stat(file, &st), 0);
	fd = open(file, O_RDWR);
	CHECK(fd >= 0);
	rng_seed(&rng, 5);
	for (unsigned i = 0; i < 32; i++) {
		off_t at = i < 12 ? (off_t)(i * 5) : (off_t)(rng_next(&rng) % (uint64_t)st.st_size);
		char was, other;

		CHECK_EQ(pread(fd, &was, 1, at), 1);
		other = (char)(was ^ (1 << i % 8));
		CHECK_EQ(pwrite(fd, &other, 1, at), 1);
		CHECK_EQ(position_now(), 0, "byte %lld", (long long)at);
		CHECK_EQ(pwrite(fd, &was, 1, at), 1);
	}
	CHECK_EQ(position_now(), 7, "put right again");
	CHECK_EQ(ftruncate(fd, st.st_size - 32), 0);
	CHECK_EQ(position_now(), 0);
	CHECK_EQ(ftruncate(fd, 10), 0);
	CHECK_EQ(position_now(), 0);
	close(fd);
	finish();
}
