/*
 * Answers from the sample documents. Each question names the document that must be cited first, and
 * words that must stand in the answer.
 */
#include "tests/check.h"

#include <stdio.h>
#include <unistd.h>

#include "rag/answer/answer.h"
#include "rag/answer/safety.h"
#include "tests/unit/rag/shelf.h"

static struct corpus *samples;

static void samples_open(void)
{
	static struct shelf shelf; /* its folder goes; the open files stay with us */
	struct catalog_state state;

	if (samples)
		return;
	shelf_open(&shelf, RAG_SAMPLES);
	samples = shelf.corpus;
	catalog_state(shelf.catalog, &state);
	CHECK(state.documents >= 14, "a dozen samples and more");
	shelf_unlink(&shelf);
}

static struct arena arena;

static void ask(const char *message, const char *previous, struct answer *ret_answer)
{
	const struct retrieve_options options = { .top = 12, .text = bytes_of(message) };
	struct question question;
	struct evidence evidence;

	samples_open();
	arena_init(&arena, 4 << 20);
	question_read(bytes_of(message), bytes_of(previous), &question);
	CHECK_OK(retrieve(samples, &question, &options, &arena, &evidence));
	CHECK_OK(answer_extract(&question, &evidence, &arena, ret_answer));
}

static char *answer_text(const struct answer *answer)
{
	struct text text = TEXT_INIT(1 << 16);

	answer_write(&text, answer);
	return text_take(&text);
}

static const struct {
	const char *question, *file, *words;
} table[] = {
	{ "Tell me about sleep hygiene", "sleep-hygiene.md", "habits" },
	{ "How can I sleep better?", "sleep-hygiene.md", "bed" },
	{ "What should I do if I can't fall asleep?", "sleep-hygiene.md", "twenty minutes" },
	{ "How many hours of sleep do adults need?", "sleep-hygiene.md", "seven hours" },
	{ "Tell me about nutrition", "nutrition.md", "vegetables" },
	{ "How much salt should I eat a day?", "nutrition.md", "5 grams of salt" },
	{ "how much fibre do I need", "nutrition.md", "25 to 30 grams" },
	{ "How much water should I drink?", "hydration.md", "six to eight" },
	{ "What are the signs of dehydration?", "hydration.md", "dark yellow urine" },
	{ "How much exercise should an adult do each week?", "exercise.md", "150 to 300 minutes" },
	{ "exercise for children", "exercise.md", "60 minutes" },
	{ "How do I cope with stress?", "stress.md", "" },
	{ "What is ibuprofen used for?", "ibuprofen.md", "painkiller" },
	{ "ibuprofen side effects", "ibuprofen.md", "stomach" },
	{ "Can I take ibuprofen with aspirin?", "aspirin.md", "risk of bleeding" },
	{ "Is Advil safe in pregnancy?", "ibuprofen.md", "20 weeks" },
	{ "What is the maximum dose of paracetamol?", "paracetamol.md", "4 g" },
	{ "I took too much Tylenol", "paracetamol.md", "acetylcysteine" },
	{ "paracetamol and alcohol", "paracetamol.md", "alcohol" },
	{ "Why should children not take aspirin?", "aspirin.md", "Reye" },
	{ "What are the side effects of metformin?", "metformin.md", "diarrhoea" },
	{ "I forgot my metformin tablet", "metformin.md", "next meal" },
	{ "metformin vitamin B12", "metformin.md", "B12" },
	{ "Can I drink grapefruit juice with atorvastatin?", "atorvastatin.md", "grapefruit" },
	{ "Lipitor muscle pain", "atorvastatin.md", "muscle" },
	{ "Does amoxicillin help with flu?", "amoxicillin.md", "does not work against viruses" },
	{ "Do I have to finish the whole course of amoxicillin?", "amoxicillin.md",
	  "whole course" },
	{ "omeprazole and clopidogrel", "omeprazole.md", "clopidogrel" },
	{ "How long can I take omeprazole without a prescription?", "omeprazole.md", "14 days" },
	{ "Which antihistamines do not make me sleepy?", "antihistamines.md", "cetirizine" },
	{ "How do vaccines work?", "vaccination.md", "antibodies" },
	{ "Can the flu jab give me flu?", "vaccination.md", "cannot give you flu" },
	{ "How much caffeine is safe?", "caffeine.md", "400 mg" },
	{ "How many units of alcohol are low risk?", "alcohol.md", "14 units" },
	{ "How do I measure blood pressure at home?", "high-blood-pressure.md", "five minutes" },
	{ "vitamin D dose", "vitamin-d.md", "micrograms" },
	{ "Do antibiotics help a cold?", "common-cold.md", "caused by viruses" },
	{ "How should I store medicines?", "medicines-at-home.md", "25 \xC2\xB0" },
};

TEST(each_question_of_the_table_cites_its_document_first)
{
	for (size_t i = 0; i < COUNT(table); i++) {
		struct answer answer;
		char *text;

		ask(table[i].question, "", &answer);
		text = answer_text(&answer);
		CHECK(!answer.no_context, "%s", table[i].question);
		CHECK_BYTES(answer.references[0].passage->file, table[i].file, "%s\n%s",
			    table[i].question, text);
		CHECK(strstr(text, table[i].words), "%s\n%s", table[i].question, text);
		free(text);
		arena_fini(&arena);
	}
}

TEST(what_no_document_says_is_not_answered)
{
	static const char *const questions[] = {
		"What is the capital of France?",
		"Who won the world cup in 1998?",
		"How do I fix a flat bicycle tyre?",
		"Write a poem about the sea",
		"What is the dose of warfenib for gout?",
		"Explain quantum entanglement",
		"What does the stock market do tomorrow?",
		"Tell me about vitamin c",
		"side effects of lisinopril",
		"How do I install Linux?",
		"asdf qwer",
		"",
		"???",
	};

	for (size_t i = 0; i < COUNT(questions); i++) {
		struct answer answer;
		char *text;

		ask(questions[i], "", &answer);
		text = answer_text(&answer);
		CHECK(answer.no_context, "%s\n%s", questions[i], text);
		CHECK_EQ(answer.reference_count, 0);
		CHECK(strstr(text, "found nothing"), "%s", text);
		free(text);
		arena_fini(&arena);
	}
}

TEST(a_follow_up_stays_with_its_topic)
{
	struct answer answer;

	ask("Can I drink alcohol with it?", "What is metformin used for?", &answer);
	CHECK(!answer.no_context);
	CHECK_BYTES(answer.references[0].passage->file, "metformin.md");
	arena_fini(&arena);
}

TEST(a_misspelt_word_is_taken_for_its_neighbour_and_the_evidence_says_so)
{
	static const struct {
		const char *question, *file, *typed, *taken;
	} cases[] = {
		{ "ibuprofin side effects", "ibuprofen.md", "ibuprofin", "Ibuprofen" },
		{ "what is parecetamol", "paracetamol.md", "parecetamol", "Paracetamol" },
		{ "sleep hygeine", "sleep-hygiene.md", "hygeine", "hygiene" },
		{ "atorvostatin and grapefruit", "atorvastatin.md", "atorvostatin",
		  "Atorvastatin" },
	};

	samples_open();
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct retrieve_options options = { .top = 12,
							  .text = bytes_of(cases[i].question) };
		struct question question;
		struct evidence evidence;

		arena_init(&arena, 4 << 20);
		question_read(bytes_of(cases[i].question), BYTES_NONE, &question);
		CHECK_OK(retrieve(samples, &question, &options, &arena, &evidence));
		CHECK(evidence.count > 0, "%s", cases[i].question);
		CHECK_BYTES(evidence.passages[0].passage.file, cases[i].file);
		CHECK_EQ(evidence.repair_count, 1, "%s", cases[i].question);
		CHECK_BYTES(evidence.repairs[0].typed, cases[i].typed);
		CHECK_BYTES(evidence.repairs[0].taken, cases[i].taken);
		arena_fini(&arena);
	}
}

/* White space aside, the characters of the span in the file are the quote. */
static void check_quote(const struct answer_reference *reference)
{
	char path[512], *file = calloc(1, 64 * 1024), *at;
	struct bytes quote = reference->quote;
	uint64_t chars = 0;
	FILE *f;

	snprintf(path, sizeof path, "%s/%.*s", RAG_SAMPLES, BYTES_ARG(reference->passage->file));
	f = fopen(path, "r");
	CHECK(f && fread(file, 1, 64 * 1024 - 1, f) > 0);
	fclose(f);
	for (at = file; chars < reference->char_from; at++)
		chars += (at[1] & 0xC0) != 0x80;
	for (size_t i = 0; i < quote.len && memcmp(quote.at + i, " \xE2\x80\xA6 ",
						   size_min(5, quote.len - i)) != 0;) {
		if (*at == '\n' || *at == ' ') {
			at++;
		} else if (quote.at[i] == ' ') {
			i++;
		} else {
			CHECK_EQ(*at, quote.at[i], "%.*s", BYTES_ARG(quote));
			at++;
			i++;
		}
	}
	free(file);
}

TEST(quotes_are_word_for_word_what_the_document_has_at_their_span)
{
	for (size_t i = 0; i < COUNT(table); i++) {
		struct answer answer;

		ask(table[i].question, "", &answer);
		CHECK(answer.reference_count >= 1 && answer.sentence_count >= 1);
		for (unsigned r = 0; r < answer.reference_count; r++)
			check_quote(&answer.references[r]);
		for (unsigned s = 0; s < answer.sentence_count; s++)
			CHECK(answer.sentences[s].reference >= 1 &&
			      answer.sentences[s].reference <= answer.reference_count);
		arena_fini(&arena);
	}
}

TEST(context_for_a_model_keeps_the_numbers_of_the_answer)
{
	const struct retrieve_options options = { .top = 12, .text = BYTES("ibuprofen") };
	struct question question;
	struct evidence evidence;
	struct answer answer, more;

	samples_open();
	arena_init(&arena, 4 << 20);
	question_read(BYTES("ibuprofen"), BYTES_NONE, &question);
	CHECK_OK(retrieve(samples, &question, &options, &arena, &evidence));
	CHECK_OK(answer_extract(&question, &evidence, &arena, &answer));
	more = answer;
	CHECK_OK(answer_add_context(&question, &evidence, &arena, &more));
	CHECK(more.reference_count > answer.reference_count);
	for (unsigned i = 0; i < more.reference_count; i++) {
		CHECK(i >= answer.reference_count ||
		      more.references[i].passage == answer.references[i].passage);
		CHECK(more.references[i].quote.len > 10);
		CHECK(more.references[i].passage->score > 0 &&
		      more.references[i].passage->score <= 1);
	}
	arena_fini(&arena);
}

TEST(safety_notices_follow_from_the_question)
{
	CHECK_EQ(safety_of(BYTES("I took an OVERDOSE of paracetamol"), false), SAFETY_EMERGENCY);
	CHECK_EQ(safety_of(BYTES("chest pain after running"), false), SAFETY_EMERGENCY);
	CHECK_EQ(safety_of(BYTES("I want to die"), false), SAFETY_CRISIS);
	CHECK_EQ(safety_of(BYTES("ibuprofen side effects"), false), SAFETY_MEDICAL);
	CHECK_EQ(safety_of(BYTES("ibuprofen"), true), SAFETY_MEDICAL);
	CHECK_EQ(safety_of(BYTES("nutrition"), false), SAFETY_NONE);
	CHECK(strlen(safety_words(SAFETY_MEDICAL)) > 20);
	CHECK_STR(safety_words(SAFETY_NONE), "");
}
