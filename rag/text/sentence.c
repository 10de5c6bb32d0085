#include "rag/text/sentence.h"

enum { LINK_MAX_BYTES = 1024 }; /* of a link in Markdown; a longer one is shown as it stands */

/* Lower case, without the closing full stop. */
static const char *const abbreviations[] = {
	"approx", "ca", "cf",  "dept", "dr",  "e.g", "eg", "esp",  "et al", "fig", "i.e", "ie",
	"inc",	  "jr", "ltd", "mr",   "mrs", "ms",  "pp", "prof", "sr",    "st",  "vol", "vs",
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static size_t line_end(struct bytes text, size_t at)
{
	const char *newline = at < text.len ? memchr(text.at + at, '\n', text.len - at) : NULL;

	return newline ? (size_t)(newline - text.at) : text.len;
}

static size_t skip_blanks(struct bytes text, size_t at)
{
	while (at < text.len && is_blank(text.at[at]))
		at++;
	return at;
}

/* Behind the mark of a list item, a quotation or a table's row, or `at` itself when there is none.
 */
static size_t skip_mark(struct bytes text, size_t at)
{
	size_t digits = at;

	if (at + 1 < text.len && strchr("-*+>", text.at[at]) && is_blank(text.at[at + 1]))
		return skip_blanks(text, at + 1);
	if (at < text.len && text.at[at] == '|')
		return skip_blanks(text, at + 1);
	while (digits < text.len && is_digit(text.at[digits]) && digits - at < 3)
		digits++;
	if (digits > at && digits + 1 < text.len &&
	    (text.at[digits] == '.' || text.at[digits] == ')') && is_blank(text.at[digits + 1]))
		return skip_blanks(text, digits + 1);
	return at;
}

/* Whether the line from `at` starts something new: nothing on it, a list's mark, a heading. */
static bool line_breaks(struct bytes text, size_t at)
{
	size_t start = skip_blanks(text, at);

	if (start >= text.len || text.at[start] == '\n' || text.at[start] == '#')
		return true;
	return skip_mark(text, start) != start;
}

static bool is_abbreviation(struct bytes text, size_t from, size_t stop)
{
	for (size_t i = 0; i < COUNT(abbreviations); i++) {
		struct bytes word = bytes_of(abbreviations[i]);

		if (stop - from < word.len)
			continue;
		if (!bytes_eq_nocase(bytes_make(text.at + stop - word.len, word.len), word))
			continue;
		if (stop - word.len == from || !is_letter(text.at[stop - word.len - 1]))
			return true;
	}
	/* "J. Smith" and "U.S. Food", but "vitamin D. It". */
	return stop > from && text.at[stop - 1] >= 'A' && text.at[stop - 1] <= 'Z' &&
	       (stop - 1 == from || text.at[stop - 2] == '.');
}

/* Closing quotes and brackets go with the sentence they close. */
static size_t skip_closing(struct bytes text, size_t at)
{
	while (at < text.len) {
		if (strchr("\"')]*_", text.at[at]))
			at++;
		else if (text.len - at >= 3 && memcmp(text.at + at, "\xE2\x80\x9D", 3) == 0)
			at += 3;
		else if (text.len - at >= 3 && memcmp(text.at + at, "\xE2\x80\x99", 3) == 0)
			at += 3;
		else
			break;
	}
	return at;
}

/* The mark at text[at] is one of . ! ? — does the sentence that began at `from` end with it? */
static bool mark_ends(struct bytes text, size_t from, size_t at)
{
	size_t behind = skip_closing(text, at + 1);
	size_t next = skip_blanks(text, behind);

	if (behind < text.len && !is_blank(text.at[behind]) && text.at[behind] != '\n')
		return false; /* "0.5", "example.org" */
	if (text.at[at] == '.' && is_abbreviation(text, from, at))
		return false;
	if (next < text.len && text.at[next] == '\n')
		next = skip_blanks(text, next + 1);
	/* A small letter goes on: "St John's wort vs. placebo". */
	return next >= text.len || !(text.at[next] >= 'a' && text.at[next] <= 'z') ||
	       text.at[at] != '.';
}

static size_t sentence_end(struct bytes text, size_t from)
{
	size_t at = from;

	while (at < text.len) {
		char c = text.at[at];

		if (c == '\n' && line_breaks(text, at + 1))
			return at;
		if ((c == '.' || c == '!' || c == '?') && mark_ends(text, from, at))
			return skip_closing(text, at + 1);
		at++;
	}
	return text.len;
}

size_t sentence_list_end(struct bytes text, size_t at)
{
	size_t end = at;

	while (end < text.len && text.at[end] == '\n') {
		size_t start = skip_blanks(text, end + 1);

		if (skip_mark(text, start) == start)
			break;
		end = sentence_end(text, skip_mark(text, start));
		end = line_end(text, end);
	}
	return end;
}

bool sentence_next(struct bytes text, size_t *at, struct span *ret_span)
{
	size_t from = *at, to;

	for (;;) {
		bool line_start = from == 0 || (from <= text.len && text.at[from - 1] == '\n');

		from = skip_blanks(text, from);
		if (from >= text.len)
			return false;
		if (text.at[from] == '\n') {
			from++;
		} else if (line_start && text.at[from] == '#') {
			from = line_end(text, from);
		} else if (line_start && skip_mark(text, from) != from) {
			from = skip_mark(text, from);
		} else {
			break;
		}
	}
	to = sentence_end(text, from);
	*at = to;
	while (to > from && (is_blank(text.at[to - 1]) || text.at[to - 1] == '\n'))
		to--;
	assert(to > from);
	*ret_span = (struct span){ from, to };
	return true;
}

/* "[words](target)" at text[at]: how long it is, and its words; 0 when it is none. */
static size_t link_at(struct bytes text, size_t at, struct bytes *ret_words)
{
	struct bytes rest = bytes_upto(bytes_from(text, at), LINK_MAX_BYTES);
	size_t close = bytes_index(rest, ']'), end;

	if (close == SIZE_MAX || close + 1 >= rest.len || rest.at[close + 1] != '(')
		return 0;
	end = bytes_index(bytes_from(rest, close), ')');
	if (end == SIZE_MAX)
		return 0;
	*ret_words = bytes_make(rest.at + 1, close - 1);
	return close + end + 1;
}

/* A star or a low line that opens or closes emphasis stands at a word's edge, against the word. */
static bool is_emphasis(struct bytes text, size_t at)
{
	char before = at > 0 ? text.at[at - 1] : ' ',
	     after = at + 1 < text.len ? text.at[at + 1] : ' ';

	if (text.at[at] == '*')
		return !(before == ' ' && after == ' ') && !(is_digit(before) && is_digit(after));
	return text.at[at] == '_' && (before == ' ') != (after == ' ' || strchr(".,;:!?)", after));
}

void sentence_show(struct text *out, struct bytes sentence)
{
	size_t start = out->len;
	bool gap = false;

	for (size_t i = 0; i < sentence.len; i++) {
		char c = sentence.at[i];
		struct bytes words;
		size_t link;

		if (c == '\n' && skip_mark(sentence, skip_blanks(sentence, i + 1)) !=
					 skip_blanks(sentence, i + 1)) {
			text_add_str(out,
				     " \xE2\x80\xA2"); /* an item of a list, on a line no longer */
			i = skip_mark(sentence, skip_blanks(sentence, i + 1)) - 1;
			gap = true;
			continue;
		}
		if (is_blank(c) || c == '\n') {
			gap = out->len > start;
			continue;
		}
		if (is_emphasis(sentence, i) || c == '`')
			continue;
		if (gap)
			text_add_char(out, ' ');
		gap = false;
		link = c == '[' ? link_at(sentence, i, &words) : 0;
		if (link) {
			text_add(out, words);
			i += link - 1;
		} else {
			text_add_char(out, c);
		}
	}
}
