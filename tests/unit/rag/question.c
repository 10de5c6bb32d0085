#include "tests/check.h"

#include "base/text.h"
#include "rag/retrieve/question.h"

static void check_terms(const char *message, const char *previous, const char *want)
{
	struct text got = TEXT_INIT(4096);
	struct question q;

	question_read(bytes_of(message), bytes_of(previous), &q);
	for (unsigned i = 0; i < q.term_count; i++) {
		text_add_str(&got, i ? " " : "");
		for (unsigned f = 0; f < q.terms[i].form_count; f++)
			text_printf(&got, "%s%.*s", f ? "|" : "",
				    BYTES_ARG(q.terms[i].forms[f].word));
		text_add_str(&got, q.terms[i].carried ? "<" : "");
	}
	CHECK_STR(text_str(&got), want, "%s", message);
	text_fini(&got);
}

TEST(a_question_becomes_its_content_words)
{
	check_terms("Tell me about sleep hygiene", "", "sleep hygiene");
	check_terms("What is it?", "", "");
	check_terms("omeprazole, OMEPRAZOLE and omeprazole!", "", "omeprazole");
}

TEST(brands_lead_to_their_substance_but_not_to_each_other)
{
	check_terms("Advil", "", "Advil|ibuprofen");
	check_terms("ibuprofen", "", "ibuprofen");
	check_terms("Tylenol", "", "Tylenol|paracetamol|acetaminophen|panadol");
}

TEST(a_question_that_points_back_takes_its_topic_along)
{
	check_terms("Can I take it with alcohol?", "What is ibuprofen?",
		    "alcohol|wine|beer ibuprofen<");
	check_terms("And for children?", "ibuprofen dose",
		    "children|child|kid|toddler ibuprofen< dose|dosage|mg<");
	check_terms("metformin side effects", "ibuprofen dose", "metformin side effects");
}

TEST(the_kind_of_question_is_seen)
{
	static const struct {
		const char *message;
		enum question_intent intent;
	} cases[] = {
		{ "How much paracetamol can I take?", INTENT_DOSE },
		{ "side effects of metformin", INTENT_SIDE_EFFECTS },
		{ "Can I mix ibuprofen and aspirin?", INTENT_INTERACTIONS },
		{ "I forgot my metformin", INTENT_MISSED },
		{ "I took too much paracetamol", INTENT_OVERDOSE },
		{ "Is omeprazole ok when breastfeeding?", INTENT_PREGNANCY },
		{ "How should I store insulin?", INTENT_STORAGE },
		{ "What is atorvastatin?", INTENT_USES },
		{ "sleep", INTENT_GENERAL },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct question q;

		question_read(bytes_of(cases[i].message), BYTES_NONE, &q);
		CHECK_EQ(q.intent, cases[i].intent, "%s", cases[i].message);
	}
	CHECK(intent_fits(INTENT_SIDE_EFFECTS, BYTES("Side effects"), BYTES_NONE));
	CHECK(!intent_fits(INTENT_GENERAL, BYTES("Side effects"), BYTES_NONE));
}

TEST(a_question_of_any_length_keeps_to_its_limits)
{
	struct text long_message = TEXT_INIT(1 << 16);
	struct question q;

	for (unsigned i = 0; i < 2000; i++)
		text_printf(&long_message, "word%u ", i);
	question_read(text_bytes(&long_message), BYTES_NONE, &q);
	CHECK_EQ(q.term_count, QUESTION_TERMS_MAX);
	text_fini(&long_message);
}
