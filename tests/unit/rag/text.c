#include "tests/check.h"

#include "base/distance.h"
#include "rag/text/sentence.h"
#include "rag/text/stem.h"
#include "rag/text/words.h"

TEST(stems_are_porters)
{
	/* Pairs from the vocabulary that Porter published with his algorithm. */
	static const struct {
		const char *word, *stem;
	} cases[] = {
		{ "caresses", "caress" },
		{ "ponies", "poni" },
		{ "ties", "ti" },
		{ "cats", "cat" },
		{ "feed", "feed" },
		{ "agreed", "agre" },
		{ "plastered", "plaster" },
		{ "motoring", "motor" },
		{ "sing", "sing" },
		{ "conflated", "conflat" },
		{ "troubled", "troubl" },
		{ "sized", "size" },
		{ "hopping", "hop" },
		{ "falling", "fall" },
		{ "hissing", "hiss" },
		{ "failing", "fail" },
		{ "filing", "file" },
		{ "happy", "happi" },
		{ "sky", "sky" },
		{ "relational", "relat" },
		{ "conditional", "condit" },
		{ "rational", "ration" },
		{ "digitizer", "digit" },
		{ "operator", "oper" },
		{ "feudalism", "feudal" },
		{ "decisiveness", "decis" },
		{ "hopefulness", "hope" },
		{ "formaliti", "formal" },
		{ "sensitiviti", "sensit" },
		{ "triplicate", "triplic" },
		{ "electrical", "electr" },
		{ "goodness", "good" },
		{ "revival", "reviv" },
		{ "allowance", "allow" },
		{ "inference", "infer" },
		{ "airliner", "airlin" },
		{ "adjustable", "adjust" },
		{ "replacement", "replac" },
		{ "adoption", "adopt" },
		{ "communism", "commun" },
		{ "effective", "effect" },
		{ "bowdlerize", "bowdler" },
		{ "probate", "probat" },
		{ "rate", "rate" },
		{ "cease", "ceas" },
		{ "controll", "control" },
		{ "roll", "roll" },
		{ "is", "is" },
		{ "vaccination", "vaccin" },
		{ "sleeping", "sleep" },
		{ "tablets", "tablet" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char word[32];
		size_t len = strlen(cases[i].word);

		memcpy(word, cases[i].word, len);
		CHECK_BYTES(bytes_make(word, stem_english(word, len)), cases[i].stem, "%s",
			    cases[i].word);
	}
}

static void check_words_are(const char *text, const char *want)
{
	struct text got = TEXT_INIT(4096);
	struct word word;

	for (size_t at = 0; words_next(bytes_of(text), &at, &word);) {
		text_add_str(&got, got.len ? " " : "");
		text_add(&got, word_stem(&word));
		text_add_str(&got, word.is_stop ? "*" : "");
	}
	CHECK_STR(text_str(&got), want, "%s", text);
	text_fini(&got);
}

TEST(words_are_folded_stemmed_and_told_from_function_words)
{
	check_words_are("What are the side effects?", "what* ar* the* side effect");
	check_words_are("CYP3A4, 5-HT3; 0.5 mg", "cyp3a4 5 ht3 0 5 mg");
	check_words_are("Caf\xC3\xA9 na\xC3\xAFve", "cafe naiv");
	check_words_are("\xCE\xB2-blocker", "\xCE\xB2 blocker");
	check_words_are("don\xE2\x80\x99t \xE2\x80\x9Cquote\xE2\x80\x9D me", "don t* quot me*");
	check_words_are("", "");
	check_words_are("... --- !!!", "");
}

TEST(a_word_of_any_length_and_stray_bytes_do_no_harm)
{
	char long_word[4096];
	struct word word;
	size_t at = 0;

	memset(long_word, 'x', sizeof long_word);
	CHECK(words_next(bytes_make(long_word, sizeof long_word), &at, &word));
	CHECK_EQ(word.to, sizeof long_word);
	CHECK_EQ(word.stem_len, WORD_STEM_MAX);
	for (unsigned first = 0x80; first < 0x100; first++) {
		char bytes[3] = { (char)first, (char)0xE2, (char)0x80 };

		for (size_t len = 1; len <= 3; len++)
			for (at = 0; words_next(bytes_make(bytes, len), &at, &word);)
				CHECK(word.to <= len, "%02x", first);
	}
}

TEST(every_stop_word_is_found)
{
	/* The list is searched by halves, so a word out of order would be lost. */
	static const char *const words[] = {
		"a",	   "about",  "advice", "anything", "because",	  "best",  "can",    "does",
		"explain", "hello",  "how",    "im",	   "information", "into",  "know",   "me",
		"no",	   "please", "say",    "show",	   "something",	  "tell",  "thanks", "the",
		"these",   "up",     "want",   "what",	   "which",	  "would", "yours"
	};
	struct word word;

	for (size_t i = 0; i < COUNT(words); i++) {
		size_t at = 0;

		CHECK(words_next(bytes_of(words[i]), &at, &word) && word.is_stop, "%s", words[i]);
	}
}

TEST(characters_are_counted_not_bytes)
{
	CHECK_EQ(characters_before(BYTES("18 \xC2\xB0"
					 "C"),
				   6),
		 5);
	CHECK_EQ(characters_before(BYTES("abc"), 2), 2);
}

static void check_sentences(const char *text, const char *want)
{
	struct text got = TEXT_INIT(4096);
	struct span span;

	for (size_t at = 0; sentence_next(bytes_of(text), &at, &span);) {
		text_add_str(&got, got.len ? "|" : "");
		sentence_show(&got, bytes_make(text + span.from, span.to - span.from));
	}
	CHECK_STR(text_str(&got), want, "%s", text);
	text_fini(&got);
}

TEST(sentences_end_where_a_reader_would_end_them)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "One. Two! Three?", "One.|Two!|Three?" },
		{ "Take 0.5 mg. Then rest.", "Take 0.5 mg.|Then rest." },
		{ "Fruit, e.g. apples, helps. So do nuts.",
		  "Fruit, e.g. apples, helps.|So do nuts." },
		{ "Take vitamin D. It helps.", "Take vitamin D.|It helps." },
		{ "The U.S. Food and Drug Administration says so. Good.",
		  "The U.S. Food and Drug Administration says so.|Good." },
		{ "Dr. Smith agrees. J. Doe does not.", "Dr. Smith agrees.|J. Doe does not." },
		{ "He said \"rest.\" She did.", "He said \"rest.\"|She did." },
		{ "A line\nthat goes on. Next", "A line that goes on.|Next" },
		{ "First para\n\nSecond para", "First para|Second para" },
		{ "# Heading\nText here.", "Text here." },
		{ "Do this:\n- one\n- two\n", "Do this:|one|two" },
		{ "1. First\n2. Second", "First|Second" },
		{ "See example.org for more. End.", "See example.org for more.|End." },
		{ "Temperature is 38.5 today.", "Temperature is 38.5 today." },
		{ "Some **bold** and _soft_ words.", "Some bold and soft words." },
		{ "Read [the leaflet](https://example.org/x) first.", "Read the leaflet first." },
		{ "2 * 3 * 4 stays, snake_case too.", "2 * 3 * 4 stays, snake_case too." },
		{ "", "" },
		{ "  \n \n", "" },
		{ "...", "..." },
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		check_sentences(cases[i].text, cases[i].want);
}

TEST(a_lead_in_takes_its_list_along)
{
	struct bytes text = BYTES("These help:\n- tea\n- rest, and\n  quiet\n\nOther words.");
	struct text shown = TEXT_INIT(256);
	struct span span;
	size_t at = 0, end;

	CHECK(sentence_next(text, &at, &span));
	end = sentence_list_end(text, span.to);
	sentence_show(&shown, bytes_upto(text, end));
	CHECK_STR(text_str(&shown), "These help: \xE2\x80\xA2 tea \xE2\x80\xA2 rest, and quiet");
	text_fini(&shown);
	CHECK_EQ(sentence_list_end(BYTES("No list. Here"), 8), 8);
}

TEST(slips_are_counted_both_ways_up_to_the_limit)
{
	static const struct {
		const char *a, *b;
		unsigned slips;
	} cases[] = {
		{ "ibuprofen", "ibuprofen", 0 },
		{ "ibuprofin", "ibuprofen", 1 },
		{ "ibprofen", "ibuprofen", 1 },
		{ "hygein", "hygien", 1 },
		{ "abcdef", "badcfe", 3 },
		{ "warfenib", "warfarin", 3 },
		{ "", "abc", 3 },
		{ "", "", 0 },
		{ "kitten", "sitting", 3 },
		{ "abcdef", "uvwxyz", 4 },
	};
	char long_word[DISTANCE_WORD_MAX + 1] = { 0 };

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct bytes a = bytes_of(cases[i].a), b = bytes_of(cases[i].b);

		CHECK_EQ(distance_between(a, b, 3), cases[i].slips, "%s %s", cases[i].a,
			 cases[i].b);
		CHECK_EQ(distance_between(b, a, 3), cases[i].slips, "%s %s", cases[i].b,
			 cases[i].a);
	}
	CHECK_EQ(distance_between(bytes_make(long_word, sizeof long_word), BYTES(""), 40), 41);
}
