#include "rag/text/stem.h"

struct stemmer {
	char *w;
	size_t len;  /* of the word as it stands */
	size_t root; /* of what is left once the suffix last asked about is gone */
};

static bool is_consonant(const struct stemmer *s, size_t i)
{
	switch (s->w[i]) {
	case 'a':
	case 'e':
	case 'i':
	case 'o':
	case 'u': return false;
	case 'y': return i == 0 || !is_consonant(s, i - 1);
	default: return true;
	}
}

/* Porter's m: how often a vowel run is followed by a consonant run in the first `len` letters. */
static unsigned measure(const struct stemmer *s, size_t len)
{
	unsigned m = 0;
	size_t i = 0;

	while (i < len && is_consonant(s, i))
		i++;
	while (i < len) {
		while (i < len && !is_consonant(s, i))
			i++;
		if (i == len)
			break;
		m++;
		while (i < len && is_consonant(s, i))
			i++;
	}
	return m;
}

static bool has_vowel(const struct stemmer *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!is_consonant(s, i))
			return true;
	return false;
}

static bool ends_double(const struct stemmer *s, size_t len)
{
	return len >= 2 && s->w[len - 1] == s->w[len - 2] && is_consonant(s, len - 1);
}

/* consonant-vowel-consonant, the last one not w, x or y: "hop", but not "snow". */
static bool ends_cvc(const struct stemmer *s, size_t len)
{
	if (len < 3 || !is_consonant(s, len - 1) || is_consonant(s, len - 2) ||
	    !is_consonant(s, len - 3))
		return false;
	return s->w[len - 1] != 'w' && s->w[len - 1] != 'x' && s->w[len - 1] != 'y';
}

/* The last letter tells most suffixes apart. */
static inline bool ends_in(struct stemmer *s, const char *suffix, size_t n)
{
	if (n >= s->len || s->w[s->len - 1] != suffix[n - 1] ||
	    memcmp(s->w + s->len - n, suffix, n) != 0)
		return false;
	s->root = s->len - n;
	return true;
}
#define ends(s, literal) ends_in((s), (literal), sizeof(literal) - 1)

/* Puts `with` in place of the suffix last asked about; it is never longer than that one. */
static void put_bytes(struct stemmer *s, const char *with, size_t n)
{
	assert(s->root + n <= s->len);
	memcpy(s->w + s->root, with, n);
	s->len = s->root + n;
}
#define put(s, literal) put_bytes((s), (literal), sizeof(literal) - 1)

static void step_1a(struct stemmer *s)
{
	if (ends(s, "sses"))
		put(s, "ss");
	else if (ends(s, "ies"))
		put(s, "i");
	else if (!ends(s, "ss") && ends(s, "s"))
		put(s, "");
}

static void step_1b(struct stemmer *s)
{
	if (ends(s, "eed")) {
		if (measure(s, s->root) > 0)
			put(s, "ee");
		return;
	}
	if (!(ends(s, "ed") && has_vowel(s, s->root)) && !(ends(s, "ing") && has_vowel(s, s->root)))
		return;
	s->len = s->root;
	if (ends(s, "at") || ends(s, "bl") || ends(s, "iz")) {
		s->w[s->len++] = 'e'; /* room: "ed" or "ing" just went */
	} else if (ends_double(s, s->len)) {
		char last = s->w[s->len - 1];

		if (last != 'l' && last != 's' && last != 'z')
			s->len--;
	} else if (measure(s, s->len) == 1 && ends_cvc(s, s->len)) {
		s->w[s->len++] = 'e';
	}
}

static void step_1c(struct stemmer *s)
{
	if (ends(s, "y") && has_vowel(s, s->root))
		put(s, "i");
}

struct suffix_rule {
	const char *suffix, *with;
	uint8_t suffix_len, with_len;
};
#define RULE(suffix, with)                                         \
	{                                                          \
		suffix, with, sizeof(suffix) - 1, sizeof(with) - 1 \
	}

/* The first suffix that fits decides, whether or not the measure then lets it go. */
static void apply(struct stemmer *s, const struct suffix_rule *rules, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!ends_in(s, rules[i].suffix, rules[i].suffix_len))
			continue;
		if (measure(s, s->root) > 0)
			put_bytes(s, rules[i].with, rules[i].with_len);
		return;
	}
}

static const struct suffix_rule step_2_rules[] = {
	RULE("ational", "ate"), RULE("tional", "tion"), RULE("enci", "ence"),
	RULE("anci", "ance"),	RULE("izer", "ize"),	RULE("bli", "ble"),
	RULE("alli", "al"),	RULE("entli", "ent"),	RULE("eli", "e"),
	RULE("ousli", "ous"),	RULE("ization", "ize"), RULE("ation", "ate"),
	RULE("ator", "ate"),	RULE("alism", "al"),	RULE("iveness", "ive"),
	RULE("fulness", "ful"), RULE("ousness", "ous"), RULE("aliti", "al"),
	RULE("iviti", "ive"),	RULE("biliti", "ble"),	RULE("logi", "log"),
};

static const struct suffix_rule step_3_rules[] = {
	RULE("icate", "ic"), RULE("ative", ""), RULE("alize", "al"), RULE("iciti", "ic"),
	RULE("ical", "ic"),  RULE("ful", ""),	RULE("ness", ""),
};

static const struct suffix_rule step_4_rules[] = {
	RULE("al", ""),	  RULE("ance", ""), RULE("ence", ""), RULE("er", ""),	 RULE("ic", ""),
	RULE("able", ""), RULE("ible", ""), RULE("ant", ""),  RULE("ement", ""), RULE("ment", ""),
	RULE("ent", ""),  RULE("ion", ""),  RULE("ou", ""),   RULE("ism", ""),	 RULE("ate", ""),
	RULE("iti", ""),  RULE("ous", ""),  RULE("ive", ""),  RULE("ize", ""),
};

static void step_4(struct stemmer *s)
{
	for (size_t i = 0; i < COUNT(step_4_rules); i++) {
		if (!ends_in(s, step_4_rules[i].suffix, step_4_rules[i].suffix_len))
			continue;
		if (step_4_rules[i].suffix[0] == 'i' && step_4_rules[i].suffix[1] == 'o' &&
		    (s->root == 0 || (s->w[s->root - 1] != 's' && s->w[s->root - 1] != 't')))
			return;
		if (measure(s, s->root) > 1)
			s->len = s->root;
		return;
	}
}

static void step_5(struct stemmer *s)
{
	if (ends(s, "e")) {
		unsigned m = measure(s, s->root);

		if (m > 1 || (m == 1 && !ends_cvc(s, s->root)))
			s->len = s->root;
	}
	if (s->w[s->len - 1] == 'l' && ends_double(s, s->len) && measure(s, s->len - 1) > 1)
		s->len--;
}

size_t stem_english(char *word, size_t len)
{
	struct stemmer s = { .w = word, .len = len };

	if (len < 3)
		return len;
	for (size_t i = 0; i < len; i++)
		if (word[i] < 'a' || word[i] > 'z')
			return len;

	step_1a(&s);
	step_1b(&s);
	step_1c(&s);
	apply(&s, step_2_rules, COUNT(step_2_rules));
	apply(&s, step_3_rules, COUNT(step_3_rules));
	step_4(&s);
	step_5(&s);
	assert(s.len > 0 && s.len <= len);
	return s.len;
}
