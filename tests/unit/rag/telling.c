/* Answers as they were told: their names, what is said of them, and how long they are kept. */
#include "tests/check.h"

#include <stdio.h>

#include "rag/api/telling.h"

enum { HOUR_MS = 3600 * 1000 };

static struct telling_name name_of(struct telling_question q, const char *message,
				   const struct chat_request *more)
{
	struct chat_request request = more ? *more : (struct chat_request){ .top_k = 12 };
	struct telling_name name;

	request.message = bytes_of(message);
	q.request = &request;
	CHECK(telling_name(&q, &name));
	return name;
}

static const struct telling_question plain = {
	.generation = 1, .changes = 7, .role = 1, .model = "m"
};

static bool same(struct telling_name a, struct telling_name b)
{
	return memcmp(a.at, b.at, sizeof a.at) == 0;
}

TEST(case_and_white_space_alone_make_no_other_question)
{
	struct telling_name a = name_of(plain, "What helps against  pain?", NULL);

	CHECK(same(a, name_of(plain, " what HELPS\n\tagainst pain? ", NULL)));
	CHECK(!same(a, name_of(plain, "what helps againstpain?", NULL)));
	CHECK(!same(a, name_of(plain, "what helps against pain", NULL)));
}

TEST(whatever_the_answer_follows_from_is_in_its_name)
{
	json_t *label = json_pack("{s:{s:[s]}}", "tags", "any", "label"),
	       *draft = json_pack("{s:{s:[s]}}", "tags", "any", "draft");
	const struct telling_question questions[] = {
		plain,
		{ .generation = 2, .changes = 7, .role = 1, .model = "m" },
		{ .generation = 1, .changes = 8, .role = 1, .model = "m" },
		{ .generation = 1, .changes = 7, .role = 2, .model = "m" },
		{ .generation = 1, .changes = 7, .role = 1, .model = "m2" },
	};
	const struct chat_request requests[] = {
		{ .top_k = 12 },
		{ .top_k = 13 },
		{ .top_k = 12, .mode = MODE_LEXICAL },
		{ .top_k = 12, .score_min = 0.1 },
		{ .top_k = 12, .no_rerank = true },
		{ .top_k = 12, .context_only = true },
		{ .top_k = 12, .filter = label },
		{ .top_k = 12, .filter = draft },
	};
	struct telling_name names[COUNT(questions) + COUNT(requests)];
	size_t count = 0;

	for (size_t i = 0; i < COUNT(questions); i++)
		names[count++] = name_of(questions[i], "pain", NULL);
	for (size_t i = 1; i < COUNT(requests); i++)
		names[count++] = name_of(plain, "pain", &requests[i]);
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < i; j++)
			CHECK(!same(names[i], names[j]), "%zu and %zu", i, j);
	json_decref(label);
	json_decref(draft);
}

TEST(the_form_an_answer_is_sent_in_makes_no_other_question)
{
	const struct chat_request lines = { .top_k = 12,
					    .form = CHAT_NDJSON,
					    .include_references = true,
					    .include_content = true };

	CHECK(same(name_of(plain, "pain", NULL), name_of(plain, "pain", &lines)));
}

TEST(a_conversation_and_what_may_not_wait_are_nobody_elses)
{
	json_t *turns = json_pack("[{s:s,s:s}]", "role", "user", "content", "x"),
	       *none = json_array();

	CHECK(telling_fits(&(struct chat_request){ .message = BYTES("ibuprofen dose") }));
	CHECK(telling_fits(&(struct chat_request){ .message = BYTES("a"), .history = none }));
	CHECK(!telling_fits(&(struct chat_request){ .message = BYTES("a"), .history = turns }));
	CHECK(!telling_fits(&(struct chat_request){ .message = BYTES("a"), .items = turns }));
	CHECK(!telling_fits(&(struct chat_request){ .message = BYTES("I took an overdose") }));
	CHECK(!telling_fits(&(struct chat_request){ .message = BYTES("I want to kill myself") }));
	json_decref(turns);
	json_decref(none);
}

TEST(what_is_said_is_heard_in_order_while_more_comes)
{
	struct telling_name name = name_of(plain, "pain", NULL);
	struct telling *t = telling_new(&name);
	struct said said;
	size_t at = 0;

	CHECK(!telling_next(t, &at, &said));
	telling_say(t,
		    &(struct said){ .kind = SAID_NOTICE, .notice = { "safety", "info", "Ask." } });
	telling_say(t, &(struct said){ .kind = SAID_GENERATING });
	CHECK(telling_next(t, &at, &said) && said.kind == SAID_NOTICE);
	CHECK(strcmp(said.notice.code, "safety") == 0 && strcmp(said.notice.severity, "info") == 0);
	CHECK(strcmp(said.notice.message, "Ask.") == 0);
	CHECK(telling_next(t, &at, &said) && said.kind == SAID_GENERATING && said.words.len == 0);
	CHECK(!telling_next(t, &at, &said));
	telling_say(t, &(struct said){ .kind = SAID_WORDS, .words = BYTES("Rest."), .cites = 3 });
	telling_say(t, &(struct said){ .kind = SAID_VERDICT, .cites = 5, .weak = true });
	CHECK(telling_next(t, &at, &said) && bytes_eq_str(said.words, "Rest.") && said.cites == 3);
	CHECK(telling_next(t, &at, &said) && said.kind == SAID_VERDICT && said.cites == 5 &&
	      said.weak);
	CHECK(!telling_next(t, &at, &said));
	telling_release(t);
}

TEST(references_outlive_the_search_that_found_them)
{
	struct telling_name name = name_of(plain, "pain", NULL);
	struct telling *t = telling_new(&name);
	char body[] = "Ibuprofen helps.", title[] = "Ibuprofen";
	struct passage passage = { .title = bytes_of(title), .body = bytes_of(body), .score = 0.5 };
	struct answer answer = { .reference_count = 1 };
	const struct passage *kept;

	answer.references[0] = (struct answer_reference){ .passage = &passage,
							  .quote = bytes_upto(bytes_of(body), 9),
							  .char_to = 9 };
	CHECK_OK(telling_refer(t, &answer, 4));
	memset(body, 'x', sizeof body - 1);
	memset(title, 'x', sizeof title - 1);
	memset(&passage, 0, sizeof passage);
	kept = t->answer.references[0].passage;
	CHECK_EQ(t->generation, 4);
	CHECK_EQ(t->answer.reference_count, 1);
	CHECK(bytes_eq_str(kept->title, "Ibuprofen") &&
	      bytes_eq_str(kept->body, "Ibuprofen helps."));
	CHECK(bytes_eq_str(t->answer.references[0].quote, "Ibuprofen") && kept->score == 0.5);
	telling_release(t);
}

TEST(one_that_says_too_much_is_heard_up_to_its_last_whole_word)
{
	static char large[TELLING_MAX_BYTES / 2];
	struct telling_name name = name_of(plain, "pain", NULL);
	struct telling *t = telling_new(&name);
	struct said said;
	size_t at = 0;

	for (unsigned i = 0; i < 3; i++)
		telling_say(t, &(struct said){ .kind = SAID_WORDS,
					       .words = bytes_make(large, sizeof large) });
	CHECK(text_err(&t->said));
	CHECK(telling_next(t, &at, &said) && said.words.len == sizeof large);
	CHECK(!telling_next(t, &at, &said));
	telling_release(t);
}

/* One that is over, of `bytes` words; put and let go. */
static void put(struct tellings *tellings, const char *message, size_t bytes, uint64_t now_ms)
{
	static char words[TELLING_MAX_BYTES];
	struct telling_name name = name_of(plain, message, NULL);
	struct telling *t = telling_new(&name);

	telling_say(t, &(struct said){ .kind = SAID_WORDS, .words = bytes_make(words, bytes) });
	t->over = true;
	tellings_put(tellings, t, now_ms);
	telling_release(t);
}

static bool has(struct tellings *tellings, const char *message, uint64_t now_ms)
{
	struct telling_name name = name_of(plain, message, NULL);

	return tellings_find(tellings, &name, now_ms) != NULL;
}

TEST(one_is_kept_until_its_hour_is_over_however_often_it_is_heard)
{
	struct tellings tellings;

	tellings_init(&tellings, HOUR_MS);
	CHECK(!has(&tellings, "a", 1));
	put(&tellings, "a", 10, 1);
	CHECK(has(&tellings, "A", 2) && !has(&tellings, "b", 2));
	CHECK(has(&tellings, "a", HOUR_MS));
	CHECK(!has(&tellings, "a", HOUR_MS + 1));
	CHECK_EQ(tellings.count, 0);
	CHECK_EQ(tellings.bytes, 0);
	put(&tellings, "a", 10, HOUR_MS + 5);
	put(&tellings, "a", 20, HOUR_MS + 6);
	CHECK_EQ(tellings.count, 1, "the later one stands for both");
	tellings_fini(&tellings);
}

TEST(what_is_kept_is_bounded_and_what_was_not_heard_for_longest_goes_first)
{
	struct tellings tellings;
	char message[16];

	tellings_init(&tellings, HOUR_MS);
	for (unsigned i = 0; i < TELLINGS_MAX; i++) {
		snprintf(message, sizeof message, "%u", i);
		put(&tellings, message, 10, i);
	}
	CHECK_EQ(tellings.count, TELLINGS_MAX);
	CHECK(has(&tellings, "0", TELLINGS_MAX));
	put(&tellings, "one more", 10, TELLINGS_MAX);
	CHECK_EQ(tellings.count, TELLINGS_MAX);
	CHECK(has(&tellings, "0", TELLINGS_MAX), "it was heard");
	CHECK(!has(&tellings, "1", TELLINGS_MAX));
	for (unsigned i = 0; i < 40; i++) {
		snprintf(message, sizeof message, "large %u", i);
		put(&tellings, message, TELLING_MAX_BYTES * 3 / 4, 2000);
		CHECK(tellings.bytes <= TELLINGS_MAX_BYTES, "%u", i);
	}
	CHECK(has(&tellings, "large 39", 2000) && !has(&tellings, "large 0", 2000));
	tellings_fini(&tellings);
}

TEST(one_that_is_still_heard_lives_on_when_it_is_no_longer_kept)
{
	struct telling_name name = name_of(plain, "a", NULL);
	struct tellings tellings;
	struct telling *t;
	struct said said;
	size_t at = 0;

	tellings_init(&tellings, HOUR_MS);
	put(&tellings, "a", 10, 1);
	t = telling_hold(tellings_find(&tellings, &name, 2));
	tellings_fini(&tellings);
	CHECK(telling_next(t, &at, &said) && said.words.len == 10);
	telling_release(t);
}

TEST(with_no_time_to_keep_them_none_are)
{
	struct tellings tellings;

	tellings_init(&tellings, 0);
	put(&tellings, "a", 10, 1);
	CHECK_EQ(tellings.count, 0);
	CHECK(!has(&tellings, "a", 1));
	tellings_fini(&tellings);
}
