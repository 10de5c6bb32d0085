#include "rag/text/words.h"

#include <pthread.h>

#include "rag/text/stem.h"

enum { STOP_WORD_MAX = 11 };

#define W(word)                        \
	{                              \
		word, sizeof(word) - 1 \
	}
/* In order, so that those of one first letter lie together. */
/* clang-format off */
static const struct stop_word {
	const char *at;
	size_t len;
} stop_words[] = {
	W("a"), W("about"), W("advice"), W("advise"), W("after"), W("again"), W("all"),
	W("allowed"), W("also"), W("am"), W("an"), W("and"), W("any"), W("anything"), W("are"),
	W("as"), W("ask"), W("at"), W("bad"), W("be"), W("because"), W("been"), W("before"),
	W("being"), W("best"), W("better"), W("between"), W("but"), W("by"), W("can"), W("could"),
	W("describe"), W("did"), W("do"), W("does"), W("doing"), W("done"), W("else"), W("every"),
	W("explain"), W("for"), W("from"), W("get"), W("gets"), W("getting"), W("give"),
	W("given"), W("gives"), W("go"), W("going"), W("good"), W("got"), W("had"), W("happen"),
	W("happens"), W("has"), W("have"), W("he"), W("hello"), W("help"), W("her"), W("hers"),
	W("herself"), W("hi"), W("him"), W("himself"), W("his"), W("how"), W("i"), W("if"),
	W("im"), W("in"), W("information"), W("into"), W("is"), W("it"), W("its"), W("itself"),
	W("just"), W("know"), W("let"), W("like"), W("ll"), W("long"), W("look"), W("looks"),
	W("m"), W("made"), W("make"), W("makes"), W("many"), W("may"), W("me"), W("might"),
	W("mine"), W("more"), W("most"), W("much"), W("must"), W("my"), W("myself"), W("need"),
	W("no"), W("not"), W("of"), W("off"), W("often"), W("ok"), W("okay"), W("on"), W("one"),
	W("or"), W("our"), W("out"), W("please"), W("possible"), W("question"), W("questions"),
	W("really"), W("s"), W("say"), W("she"), W("should"), W("show"), W("so"), W("some"),
	W("something"), W("such"), W("t"), W("take"), W("taken"), W("takes"), W("taking"),
	W("tell"), W("than"), W("thank"), W("thanks"), W("that"), W("the"), W("their"), W("them"),
	W("themselves"), W("then"), W("there"), W("these"), W("they"), W("thing"), W("things"),
	W("this"), W("those"), W("to"), W("too"), W("took"), W("up"), W("us"), W("use"),
	W("used"), W("uses"), W("using"), W("ve"), W("very"), W("want"), W("was"), W("we"),
	W("were"), W("what"), W("when"), W("where"), W("which"), W("while"), W("who"), W("why"),
	W("will"), W("with"), W("would"), W("you"), W("your"), W("yours"), W("yourself"),
};
/* clang-format on */

/* Where the words with each first letter begin among the stop words, and where the last ones end.
 */
static uint8_t stop_begins[26 + 1];
static pthread_once_t stop_once = PTHREAD_ONCE_INIT;

static void stop_index(void)
{
	size_t at = 0;

	_Static_assert(COUNT(stop_words) < UINT8_MAX, "their places fit");
	for (unsigned letter = 0; letter < 26; letter++) {
		while (at < COUNT(stop_words) && stop_words[at].at[0] < (char)('a' + letter))
			at++;
		stop_begins[letter] = (uint8_t)at;
	}
	stop_begins[26] = COUNT(stop_words);
}

static bool is_stop_word(struct bytes word)
{
	unsigned letter = word.len ? (unsigned)(unsigned char)word.at[0] - 'a' : 26;

	if (letter >= 26 || word.len > STOP_WORD_MAX)
		return false;
	pthread_once(&stop_once, stop_index);
	for (size_t i = stop_begins[letter]; i < stop_begins[letter + 1]; i++)
		if (stop_words[i].len == word.len &&
		    memcmp(stop_words[i].at, word.at, word.len) == 0)
			return true;
	return false;
}

/* U+00C0 … U+00FF without accents; a space where no ASCII letter stands for it. */
static const char latin1_folded[] =
	"aaaaaa ceeeeiiii nooooo ouuuuy  aaaaaa ceeeeiiii nooooo ouuuuy y";

/* A letter or digit of ASCII, lower case; else 0. */
static char ascii_folded(char c)
{
	if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
		return c;
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : (char)0;
}

/* One character of UTF-8: its length (1 for a stray byte) and whether it belongs to a word. */
struct character {
	size_t len;
	bool in_word;
	char folded; /* NUL: keep the bytes */
};

static struct character character_at(struct bytes text, size_t at)
{
	unsigned char c = (unsigned char)text.at[at];
	unsigned char next = at + 1 < text.len ? (unsigned char)text.at[at + 1] : 0;
	size_t len = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC0 ? 2 : 1;

	if (c < 0x80) {
		char folded = ascii_folded((char)c);

		return (struct character){ 1, folded != 0, folded };
	}
	len = size_min(len, text.len - at);
	if (c == 0xC2) /* U+0080 … U+00BF: signs, but for the micro sign, and the degree of "°C" */
		return (struct character){ len, next == 0xB5 || next == 0xB0, 0 };
	if (c == 0xC3 && next >= 0x80 && next <= 0xBF) {
		char folded = latin1_folded[next - 0x80];

		if (next == 0x97 || next == 0xB7) /* × and ÷ */
			return (struct character){ len, false, 0 };
		return (struct character){ len, true, folded == ' ' ? (char)0 : folded };
	}
	if (c == 0xE2 && next >= 0x80 &&
	    next <= 0xAF) /* punctuation, arrows, mathematics, dingbats */
		return (struct character){ len, false, 0 };
	if (c == 0xE3 && next == 0x80) /* CJK punctuation */
		return (struct character){ len, false, 0 };
	return (struct character){ len, true, 0 };
}

static void stem_add(struct word *word, struct bytes piece)
{
	if (piece.len > (size_t)(WORD_STEM_MAX - word->stem_len))
		return;
	memcpy(word->stem + word->stem_len, piece.at, piece.len);
	word->stem_len = (uint8_t)(word->stem_len + piece.len);
}

bool words_next(struct bytes text, size_t *at, struct word *ret_word)
{
	struct character c;
	struct word word;

	while (*at < text.len) {
		c = character_at(text, *at);
		if (c.in_word)
			break;
		*at += c.len;
	}
	if (*at >= text.len)
		return false;

	word.from = *at;
	word.stem_len = 0;
	while (*at < text.len) {
		char folded = ascii_folded(text.at[*at]);

		if (folded) { /* nearly always */
			if (word.stem_len < WORD_STEM_MAX)
				word.stem[word.stem_len++] = folded;
			*at += 1;
			continue;
		}
		c = character_at(text, *at);
		if (!c.in_word)
			break;
		stem_add(&word,
			 c.folded ? bytes_make(&c.folded, 1) : bytes_make(text.at + *at, c.len));
		*at += c.len;
	}
	word.to = *at;
	word.is_stop = is_stop_word(word_stem(&word));
	word.stem_len = (uint8_t)stem_english(word.stem, word.stem_len);
	word.stem[word.stem_len] = '\0';
	*ret_word = word;
	return true;
}

unsigned words_count(struct bytes text)
{
	struct word word;
	unsigned count = 0;

	for (size_t at = 0; words_next(text, &at, &word);)
		count++;
	return count;
}

size_t characters_before(struct bytes text, size_t len)
{
	size_t count = 0;

	for (size_t i = 0; i < len && i < text.len; i++)
		count += ((unsigned char)text.at[i] & 0xC0) != 0x80;
	return count;
}
