#include "rag/text/words.h"

#include "rag/text/stem.h"

/* In order, since they are searched by halves. */
/* clang-format off */
static const char *const stop_words[] = {
	"a", "about", "advice", "advise", "after", "again", "all", "allowed", "also", "am", "an",
	"and", "any", "anything", "are", "as", "ask", "at", "bad", "be", "because", "been",
	"before", "being", "best", "better", "between", "but", "by", "can", "could", "describe",
	"did", "do", "does", "doing", "done", "else", "every", "explain", "for", "from", "get",
	"gets", "getting", "give", "given", "gives", "go", "going", "good", "got", "had",
	"happen", "happens", "has", "have", "he", "hello", "help", "her", "hers", "herself", "hi",
	"him", "himself", "his", "how", "i", "if", "im", "in", "information", "into", "is", "it",
	"its", "itself", "just", "know", "let", "like", "ll", "long", "look", "looks", "m",
	"made", "make", "makes", "many", "may", "me", "might", "mine", "more", "most", "much",
	"must", "my", "myself", "need", "no", "not", "of", "off", "often", "ok", "okay", "on",
	"one", "or", "our", "out", "please", "possible", "question", "questions", "really", "s",
	"say", "she", "should", "show", "so", "some", "something", "such", "t", "take", "taken",
	"takes", "taking", "tell", "than", "thank", "thanks", "that", "the", "their", "them",
	"themselves", "then", "there", "these", "they", "thing", "things", "this", "those", "to",
	"too", "took", "up", "us", "use", "used", "uses", "using", "ve", "very", "want", "was",
	"we", "were", "what", "when", "where", "which", "while", "who", "why", "will", "with",
	"would", "you", "your", "yours", "yourself",
};
/* clang-format on */

static bool is_stop_word(struct bytes word)
{
	size_t low = 0, high = COUNT(stop_words);

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = bytes_cmp(word, bytes_of(stop_words[middle]));

		if (order == 0)
			return true;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

/* U+00C0 … U+00FF without accents; a space where no ASCII letter stands for it. */
static const char latin1_folded[] =
	"aaaaaa ceeeeiiii nooooo ouuuuy  aaaaaa ceeeeiiii nooooo ouuuuy y";

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
		bool in_word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			       (c >= 'A' && c <= 'Z');

		return (struct character){ 1, in_word, ascii_lower((char)c) };
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
	struct word word = { .from = *at };
	struct character c;

	while (*at < text.len) {
		c = character_at(text, *at);
		if (c.in_word)
			break;
		*at += c.len;
	}
	if (*at >= text.len)
		return false;

	word.from = *at;
	while (*at < text.len) {
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
