#include "rag/answer/safety.h"

static const struct safety_row {
	enum safety_kind kind;
	const char *phrases[20]; /* lower case, found anywhere in the question */
} rows[] = {
	{ SAFETY_CRISIS,
	  { "suicid", "kill myself", "end my life", "self-harm", "self harm", "hurt myself",
	    "want to die" } },
	{ SAFETY_EMERGENCY,
	  { "overdos", "too many tablets", "too many pills", "took too much", "taken too much",
	    "chest pain", "anaphyla", "poison", "can't breathe", "cannot breathe",
	    "trouble breathing", "unconscious", "seizure", "face drooping", "stroke",
	    "vomiting blood", "coughing blood", "swollen tongue", "heart attack" } },
	{ SAFETY_MEDICAL, { "medic",   "dose",		 "dosage",  "tablet",	  "pill",
			    "drug",    "side effect",	 "prescri", "antibiotic", "vaccin",
			    "pregnan", "breastfe",	 "symptom", "pain",	  "fever",
			    "diabet",  "blood pressure", "allerg",  "treat",	  "insomnia" } },
};

static const char *const words[] = {
	[SAFETY_NONE] = "",
	[SAFETY_MEDICAL] = "This is general information from the documents cited, not medical "
			   "advice. It does not replace a doctor or pharmacist who knows you.",
	[SAFETY_EMERGENCY] =
		"If this is happening now, do not wait for an answer here: call your local emergency "
		"number (112, 999 or 911) or your poison control centre.",
	[SAFETY_CRISIS] =
		"If you are thinking about harming yourself, please talk to someone now: call your "
		"local emergency number, or a crisis line (988 in the US and Canada, 116 123 in the "
		"UK and Ireland). You are not alone with this.",
};

static bool contains(struct bytes text, const char *phrase)
{
	size_t n = strlen(phrase);

	for (size_t i = 0; i + n <= text.len; i++)
		if (bytes_eq_nocase(bytes_make(text.at + i, n), bytes_make(phrase, n)))
			return true;
	return false;
}

enum safety_kind safety_of(struct bytes question, bool cites_medicine)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		for (size_t k = 0; k < COUNT(rows[i].phrases) && rows[i].phrases[k]; k++)
			if (contains(question, rows[i].phrases[k]))
				return rows[i].kind;
	return cites_medicine ? SAFETY_MEDICAL : SAFETY_NONE;
}

const char *safety_words(enum safety_kind kind)
{
	assert((size_t)kind < COUNT(words));
	return words[kind];
}
