#include "rag/retrieve/question.h"

#include "rag/text/stem.h"

/*
 * Words that mean the same to a person asking, one row a meaning. A row works in all directions,
 * but for its first word when that starts with '=': the row leads to it, never from it.
 */
static const char *const synonyms[][QUESTION_FORMS_MAX + 1] = {
	{ "paracetamol", "acetaminophen", "tylenol", "panadol" },
	{ "=ibuprofen", "advil", "nurofen", "motrin" },
	{ "=aspirin", "acetylsalicylic" },
	{ "=atorvastatin", "lipitor" },
	{ "=metformin", "glucophage" },
	{ "=amoxicillin", "amoxil" },
	{ "=omeprazole", "prilosec", "losec" },
	{ "=antihistamine", "cetirizine", "loratadine", "claritin", "zyrtec", "benadryl" },
	{ "=antihistamine", "hayfever" },
	{ "vaccination", "vaccine", "jab", "immunisation", "immunization" },
	{ "influenza", "flu" },
	{ "=sleep", "insomnia", "asleep" },
	{ "exercise", "workout" },
	{ "=activity", "exercise", "fitness" },
	{ "hydration", "water", "dehydration", "drinking" },
	{ "nutrition", "diet", "eating" },
	{ "heartburn", "reflux" },
	{ "=allergy", "hayfever", "allergic" },
	{ "alcohol", "wine", "beer" },
	{ "pregnant", "pregnancy" },
	{ "breastfeeding", "breastfeed", "nursing" },
	{ "children", "child", "kid", "toddler" },
	{ "dose", "dosage", "mg" },
	{ "medicine", "medication", "drug", "pill" },
	{ "doctor", "physician", "gp" },
	{ "stomach", "tummy", "belly" },
	{ "caffeine", "coffee" },
	{ "forget", "forgot", "forgotten", "miss", "missed" },
	{ "headache", "head", "migraine" },
	{ "pain", "hurt", "ache", "sore" },
	{ "tablet", "capsule", "pill" },
	{ "maximum", "max", "most", "limit" },
	{ "stress", "stressed", "anxious", "anxiety" },
	{ "fibre", "fiber" },
	{ "diarrhoea", "diarrhea" },
	{ "=interaction", "combine", "mix", "together" },
	{ "overdose", "overdosage", "overdosed", "overdosing" },
	{ "sugar", "glucose" },
	{ "absorbed", "absorption" },
	{ "=mechanism", "work" },
	{ "=cytochrome", "enzyme" },
	{ "frozen", "freeze" },
	{ "=particulates", "particles" },
	{ "=call", "phone", "telephone" },
	{ "tired", "tiredness", "fatigue", "sleepy", "drowsy" },
};

const char *const question_intent_names[INTENT_COUNT] = {
	[INTENT_GENERAL] = "general",
	[INTENT_DOSE] = "dose",
	[INTENT_SIDE_EFFECTS] = "side effects",
	[INTENT_INTERACTIONS] = "interactions",
	[INTENT_WARNINGS] = "warnings",
	[INTENT_OVERDOSE] = "overdose",
	[INTENT_MISSED] = "missed dose",
	[INTENT_PREGNANCY] = "pregnancy",
	[INTENT_STORAGE] = "storage",
	[INTENT_HOW_IT_WORKS] = "how it works",
	[INTENT_USES] = "uses",
	[INTENT_STUDIES] = "studies",
};

struct intent_row {
	const char *phrases[10]; /* in the question, as lower-case text */
	const char *headings[6]; /* in the path of a section, as lower-case text */
	const char *codes[6];	 /* LOINC codes of such sections in drug labels */
};

static const struct intent_row intents[INTENT_COUNT] = {
	[INTENT_GENERAL] = { { NULL }, { NULL }, { NULL } },
	[INTENT_OVERDOSE] = { { "overdos", "took too m", "taken too m", "take too m", "poison" },
			      { "overdos", "too much", "too many" },
			      { "34088-5" } },
	[INTENT_MISSED] = { { "missed", "miss a dose", "forgot", "forget" },
			    { "miss", "forg" },
			    { NULL } },
	[INTENT_INTERACTIONS] = { { "interact", "together", "combine", "mix", "alcohol",
				    "grapefruit", "other medic", "at the same time",
				    "take* with " },
				  { "interact", "other medic", "alcohol", "with other" },
				  { "34073-7", "34074-5" } },
	[INTENT_PREGNANCY] = { { "pregnan", "breastfe", "breast-fe", "nursing" },
			       { "pregnan", "breastf" },
			       { "42228-7", "77290-5", "34080-2", "34079-4" } },
	[INTENT_SIDE_EFFECTS] = { { "side effect", "side-effect", "adverse", "reaction" },
				  { "side effect", "unwanted", "adverse" },
				  { "34084-4", "90374-0", "90375-7" } },
	[INTENT_DOSE] = { { "how much", "how many", "how often", "dose", "dosage", " mg",
			    "maximum" },
			  { "dose", "how to take", "how much", "how many", "amount" },
			  { "34068-7", "42229-5" } },
	[INTENT_WARNINGS] = { { "who should not", "who cannot", "who can't", "not take", "avoid",
				"safe", "danger", "risk", "warning" },
			      { "who should not", "who can", "warning", "caution", "risk",
				"careful" },
			      { "34066-1", "34070-3", "34071-1", "43685-7", "34072-9",
				"50570-1" } },
	[INTENT_STORAGE] = { { "store", "storage", "keep it", "fridge", "expire" },
			     { "stor", "keep" },
			     { "44425-7", "34069-5", "51945-4" } },
	[INTENT_HOW_IT_WORKS] = { { "how does", "how do ", "work", "mechanism" },
				  { "how it works", "how they work", "what happens", "mechanism" },
				  { "43679-0", "34090-1" } },
	[INTENT_STUDIES] = { { "trial", "in studies", "the study", "studied", "how many patients",
			       "how many children", "how many people" },
			     { "stud", "trial" },
			     { "34092-7" } },
	[INTENT_USES] = { { "used for", "use for", "what is", "what are", "treat",
			    "what can i take", "what helps" },
			  { "what it is", "used for", "uses", "what they" },
			  { "34067-9", "55105-1" } },
};

/* The first that fits wins, so the narrow ones come first. */
static const enum question_intent intent_order[] = {
	INTENT_OVERDOSE,     INTENT_MISSED,	  INTENT_STUDIES,      INTENT_PREGNANCY,
	INTENT_SIDE_EFFECTS, INTENT_INTERACTIONS, INTENT_STORAGE,      INTENT_DOSE,
	INTENT_WARNINGS,     INTENT_USES,	  INTENT_HOW_IT_WORKS,
};

/* "take*with" is found where "with" follows "take", at any distance. */
static bool find_nocase(struct bytes text, const char *pattern)
{
	struct bytes rest = bytes_of(pattern), needle;
	size_t at = 0;

	while (bytes_cut(&rest, '*', &needle)) {
		while (at + needle.len <= text.len &&
		       !bytes_eq_nocase(bytes_make(text.at + at, needle.len), needle))
			at++;
		if (at + needle.len > text.len)
			return false;
		at += needle.len;
	}
	return true;
}

static enum question_intent intent_of(struct bytes message)
{
	for (size_t i = 0; i < COUNT(intent_order); i++) {
		const struct intent_row *row = &intents[intent_order[i]];

		for (size_t k = 0; k < COUNT(row->phrases) && row->phrases[k]; k++)
			if (find_nocase(message, row->phrases[k]))
				return intent_order[i];
	}
	return INTENT_GENERAL;
}

bool intent_fits(enum question_intent intent, struct bytes section, struct bytes code)
{
	const struct intent_row *row = &intents[intent];

	for (size_t k = 0; code.len && k < COUNT(row->codes) && row->codes[k]; k++)
		if (bytes_eq_str(code, row->codes[k]))
			return true;

	for (size_t k = 0; k < COUNT(row->headings) && row->headings[k]; k++)
		if (find_nocase(section, row->headings[k]))
			return true;
	return false;
}

size_t question_find(const struct question *q, struct bytes stem)
{
	for (size_t i = 0; i < q->term_count; i++)
		for (unsigned f = 0; f < q->terms[i].form_count; f++)
			if (bytes_eq_str(stem, q->terms[i].forms[f].stem))
				return i;
	return SIZE_MAX;
}

unsigned question_small_word(const struct question *q, struct bytes stem)
{
	for (unsigned i = 0; i < q->small_count; i++)
		if (bytes_eq_str(stem, q->small[i]))
			return 1u << i;
	return 0;
}

/* Verbs and the like: not "the", "with" or "which", which every sentence has. */
static void small_add(struct question *q, const struct word *word)
{
	static const char *const empty[] = { "about", "what",  "which", "with",	   "from",
					     "have",  "doe",   "that",	"thi",	   "should",
					     "could", "would", "tell",	"explain", "describ",
					     "pleas", "when",  "your" };

	if (word->to - word->from < 4 || q->small_count == QUESTION_SMALL_MAX ||
	    question_small_word(q, word_stem(word)))
		return;
	for (size_t i = 0; i < COUNT(empty); i++)
		if (bytes_eq_str(word_stem(word), empty[i]))
			return;
	memcpy(q->small[q->small_count++], word->stem, sizeof q->small[0]);
}

static void form_add(struct question_term *term, struct bytes word)
{
	struct question_form form = { .word = word };
	struct word folded;
	size_t at = 0;

	if (term->form_count == QUESTION_FORMS_MAX || !words_next(word, &at, &folded))
		return;
	memcpy(form.stem, folded.stem, sizeof form.stem);
	for (unsigned f = 0; f < term->form_count; f++)
		if (strcmp(term->forms[f].stem, form.stem) == 0)
			return;
	term->forms[term->form_count++] = form;
}

static struct bytes synonym_word(const char *entry)
{
	return bytes_of(entry[0] == '=' ? entry + 1 : entry);
}

static bool same_stem(struct bytes word, const char *stem)
{
	struct word folded;
	size_t at = 0;

	return words_next(word, &at, &folded) && strcmp(folded.stem, stem) == 0;
}

static void synonyms_add(struct question_term *term)
{
	const char *own = term->forms[0].stem;

	for (size_t row = 0; row < COUNT(synonyms); row++) {
		const char *const *words = synonyms[row];
		bool hit = false;

		for (size_t k = 0; words[k] && !hit; k++)
			hit = words[k][0] != '=' && same_stem(synonym_word(words[k]), own);
		for (size_t k = 0; words[k] && hit; k++)
			/* From one brand to another there is no way but through the substance. */
			if (words[0][0] != '=' || k == 0)
				form_add(term, synonym_word(words[k]));
	}
}

static void terms_add(struct question *q, struct bytes text, bool carried)
{
	struct word word;

	for (size_t at = 0; q->term_count < QUESTION_TERMS_MAX && words_next(text, &at, &word);) {
		struct question_term *term = &q->terms[q->term_count];

		if (word.is_stop && !carried)
			small_add(q, &word);
		if (word.is_stop || question_find(q, word_stem(&word)) != SIZE_MAX)
			continue;
		*term = (struct question_term){ .carried = carried, .weight = 1 };
		form_add(term, bytes_make(text.at + word.from, word.to - word.from));
		if (term->form_count == 0)
			continue;
		synonyms_add(term);
		q->term_count++;
	}
}

/* "it", "they" and the like point back; so does a question with hardly a word of its own. */
static bool leans_on_history(struct bytes message, unsigned own_terms)
{
	static const char *const pointers[] = { "it",	"its",	"they",	 "them",
						"this", "that", "those", "these" };
	struct word word;

	for (size_t at = 0; words_next(message, &at, &word);)
		for (size_t i = 0; i < COUNT(pointers); i++)
			if (bytes_eq_nocase(bytes_make(message.at + word.from, word.to - word.from),
					    bytes_of(pointers[i])))
				return true;
	return own_terms == 0 || bytes_starts_nocase(message, BYTES("and ")) ||
	       bytes_starts_nocase(message, BYTES("what about"));
}

void question_read(struct bytes message, struct bytes previous, struct question *ret_question)
{
	memset(ret_question, 0, sizeof *ret_question);
	ret_question->intent = intent_of(message);
	terms_add(ret_question, message, false);
	if (previous.len && leans_on_history(message, ret_question->term_count))
		terms_add(ret_question, previous, true);
}
