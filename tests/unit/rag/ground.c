#include "tests/check.h"

#include "rag/answer/ground.h"
#include "rag/engines/breaker.h"
#include "rag/model/link_filter.h"

static const struct passage warfarin = {
	.title = { "Warfarin", 8 },
	.body = { "The usual dose of warfarin is 5 mg once a day. It thins the blood and may cause "
		  "bleeding.",
		  88 },
};

static const struct answer answer = {
	.references = { { .passage = &warfarin } },
	.reference_count = 1,
};

static void note(void *owner, const struct ground_verdict *verdict)
{
	struct text *got = owner;

	text_printf(got, "%s%s%s%s",
		    verdict->weak	  ? "weak"
		    : verdict->is_chatter ? "-"
					  : "ok",
		    verdict->cites ? "" : "!", verdict->wrong_number[0] ? ":" : "",
		    verdict->wrong_number);
	text_add_char(got, ' ');
}

static const struct {
	const char *said, *verdicts;
} cases[] = {
	{ "The usual dose of warfarin is 5 mg. [1]", "ok " },
	{ "The usual dose of warfarin is 5 mg [1]. It may cause bleeding of blood. [1]", "ok ok " },
	{ "The usual dose of warfarin is 50 mg [1].", "ok:50 mg " },
	{ "The usual dose of warfarin is 0.005 g [1].", "ok " },
	{ "Elephants eat bananas every morning [1].", "weak " },
	{ "The usual dose of warfarin thins blood.", "weak! " },
	{ "Yes.", "-! " },
	{ "It thins blood, e.g. with warfarin 0.5 of bleeding [1].", "ok " },
	{ "Warfarin thins the blood [1]\nWarfarin may cause bleeding [1]", "ok ok " },
	{ "", "" },
};

TEST(each_sentence_is_judged_once_however_the_words_arrive)
{
	for (size_t i = 0; i < COUNT(cases); i++)
		for (size_t step = 1; step < 40; step += 7) {
			struct bytes said = bytes_of(cases[i].said);
			struct text got = TEXT_INIT(1024);
			struct ground ground;

			ground_init(&ground, &answer);
			for (size_t at = 0; at < said.len; at += step)
				ground_feed(&ground,
					    bytes_make(said.at + at, size_min(step, said.len - at)),
					    note, &got);
			ground_end(&ground, note, &got);
			CHECK_STR(text_str(&got), cases[i].verdicts, "%s, by %zu", cases[i].said,
				  step);
			ground_fini(&ground);
			text_fini(&got);
		}
}

static const struct {
	const char *in, *out;
} links[] = {
	{ "plain (text) [1] (more)", "plain (text) [1] (more)" },
	{ "[a](http://x)", "[a]" },
	{ "![a](http://x) b", "[a] b" },
	{ "![a](/assets/1)", "[a](/assets/1)" },
	{ "wow! great", "wow! great" },
	{ "end!", "end!" },
	{ "[a](http://x", "[a]" },
	{ "[1](javascript:alert(1))", "[1])" },
};

TEST(addresses_are_taken_out_however_the_words_arrive)
{
	for (size_t i = 0; i < COUNT(links); i++)
		for (size_t cut = 0; cut <= strlen(links[i].in); cut++) {
			struct bytes in = bytes_of(links[i].in);
			struct link_filter filter = { .bang = false };
			struct text out = TEXT_INIT(1024);

			link_filter_feed(&filter, bytes_upto(in, cut), &out);
			link_filter_feed(&filter, bytes_from(in, cut), &out);
			link_filter_end(&filter, &out);
			CHECK_STR(text_str(&out), links[i].out, "%s, cut at %zu", links[i].in, cut);
			text_fini(&out);
		}
}

TEST(a_breaker_opens_after_five_failures_and_lets_one_find_out)
{
	struct breaker b = { .failures = 0 };

	for (unsigned i = 0; i < BREAKER_FAILURES; i++) {
		CHECK(breaker_allows(&b, 1000 + i));
		breaker_tell(&b, false, 1000 + i);
	}
	CHECK(!breaker_allows(&b, 2000));
	CHECK(breaker_allows(&b, 1004 + BREAKER_OPEN_MS), "one may try");
	CHECK(!breaker_allows(&b, 1005 + BREAKER_OPEN_MS), "and only one");
	breaker_tell(&b, false, 1006 + BREAKER_OPEN_MS);
	CHECK(!breaker_allows(&b, 1007 + BREAKER_OPEN_MS));
	CHECK(breaker_allows(&b, 1010 + 2 * BREAKER_OPEN_MS));
	breaker_tell(&b, true, 1011 + 2 * BREAKER_OPEN_MS);
	CHECK(breaker_allows(&b, 1012 + 2 * BREAKER_OPEN_MS));
	b = (struct breaker){ .failures = 0 };
	for (unsigned i = 0; i < 50; i++) { /* slow failures never open it */
		CHECK(breaker_allows(&b, i * 10000));
		breaker_tell(&b, false, i * 10000);
	}
}
