#include "services/logs/regex.h"

enum { SET_BYTES = 32, ALTERNATIVES_MAX = 32, WORDS = (REGEX_POSITIONS_MAX + 1) / 64 };

/* One character that is wanted next: which, and how often. */
struct position {
	uint8_t set[SET_BYTES]; /* a bit for each byte it takes */
	bool optional, repeats;
};

struct alternative {
	unsigned first, count; /* positions */
	bool at_start, at_end; /* ^ and $ */
	/* With which bytes it can begin, anywhere: the rest of a text is passed over. Not looked at
	 * (`skips` false) when it begins at ^ only, or is found in nothing at all. */
	bool skips;
	uint8_t begins[SET_BYTES];
};

struct regex {
	struct position positions[REGEX_POSITIONS_MAX];
	struct alternative alternatives[ALTERNATIVES_MAX];
	unsigned position_count, alternative_count;
};

struct reader {
	struct bytes rest;
	struct regex *regex;
	const char *why;
};

static err_t wrong(struct reader *reader, const char *why)
{
	reader->why = why;
	return ERR_SYNTAX;
}

/* ---- Sets ---- */

static void set_add(uint8_t set[SET_BYTES], unsigned from, unsigned to)
{
	for (unsigned c = from; c <= to; c++)
		set[c / 8] |= (uint8_t)(1u << c % 8);
}

static void set_invert(uint8_t set[SET_BYTES])
{
	for (unsigned i = 0; i < SET_BYTES; i++)
		set[i] = (uint8_t)~set[i];
}

static bool set_has(const uint8_t set[SET_BYTES], char c)
{
	unsigned char at = (unsigned char)c;

	return set[at / 8] >> at % 8 & 1;
}

static void set_join(uint8_t set[SET_BYTES], const uint8_t other[SET_BYTES])
{
	for (unsigned i = 0; i < SET_BYTES; i++)
		set[i] |= other[i];
}

/* \d \s \w and their opposites; false for any other letter. */
static bool set_of_class(char letter, uint8_t set[SET_BYTES])
{
	memset(set, 0, SET_BYTES);
	switch (ascii_lower(letter)) {
	case 'd': set_add(set, '0', '9'); break;
	case 's':
		set_add(set, '\t', '\r');
		set_add(set, ' ', ' ');
		break;
	case 'w':
		set_add(set, '0', '9');
		set_add(set, 'A', 'Z');
		set_add(set, 'a', 'z');
		set_add(set, '_', '_');
		break;
	default: return false;
	}
	if (letter < 'a')
		set_invert(set);
	return true;
}

/* ---- Reading ---- */

static char take(struct reader *reader)
{
	char c = reader->rest.at[0];

	reader->rest = bytes_from(reader->rest, 1);
	return c;
}

static bool next_is(const struct reader *reader, char c)
{
	return reader->rest.len && reader->rest.at[0] == c;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* After a backslash: a class into `set`, or one character (*ret_single >= 0). */
static err_t read_escape(struct reader *reader, uint8_t set[SET_BYTES], int *ret_single)
{
	char c;

	if (!reader->rest.len)
		return wrong(reader, "a regular expression ends in a backslash");
	c = take(reader);
	if (set_of_class(c, set)) {
		*ret_single = -1;
		return ERR_OK;
	}
	if (c == 'x') {
		if (reader->rest.len < 2 || hex_digit(reader->rest.at[0]) < 0 ||
		    hex_digit(reader->rest.at[1]) < 0)
			return wrong(reader, "\\x wants two hexadecimal digits");
		*ret_single = hex_digit(take(reader)) * 16;
		*ret_single += hex_digit(take(reader));
		return ERR_OK;
	}
	if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
		return wrong(reader, "a regular expression has an unknown escape");
	*ret_single = (unsigned char)c;
	return ERR_OK;
}

static err_t read_set_member(struct reader *reader, uint8_t set[SET_BYTES], int *ret_single)
{
	uint8_t escaped[SET_BYTES];
	char c = take(reader);

	*ret_single = (unsigned char)c;
	if (c != '\\')
		return ERR_OK;
	TRY(read_escape(reader, escaped, ret_single));
	if (*ret_single < 0)
		set_join(set, escaped);
	return ERR_OK;
}

/* After "[". A "]" that comes first stands for itself. */
static err_t read_set(struct reader *reader, uint8_t set[SET_BYTES])
{
	bool invert = next_is(reader, '^'), first = true;

	if (invert)
		take(reader);
	memset(set, 0, SET_BYTES);
	for (; reader->rest.len && (first || !next_is(reader, ']')); first = false) {
		int from, to;

		TRY(read_set_member(reader, set, &from));
		if (from < 0)
			continue;
		to = from;
		if (reader->rest.len > 1 && next_is(reader, '-') && reader->rest.at[1] != ']') {
			take(reader);
			TRY(read_set_member(reader, set, &to));
			if (to < from)
				return wrong(reader, "a range of characters runs backwards");
		}
		set_add(set, (unsigned)from, (unsigned)to);
	}
	if (!reader->rest.len)
		return wrong(reader, "a '[' is not closed");
	take(reader);
	if (invert)
		set_invert(set);
	return ERR_OK;
}

static err_t read_atom(struct reader *reader, uint8_t set[SET_BYTES])
{
	char c = take(reader);
	int single = (unsigned char)c;

	memset(set, 0, SET_BYTES);
	if (c == '[')
		return read_set(reader, set);
	if (c == '.') {
		set_add(set, 0, 255);
		return ERR_OK;
	}
	if (c == '\\')
		TRY(read_escape(reader, set, &single));
	else if (strchr("?*+{}()^$]", c) && c)
		return wrong(reader, "a regular expression has an operator where it cannot be");
	if (single >= 0)
		set_add(set, (unsigned)single, (unsigned)single);
	return ERR_OK;
}

static bool read_number(struct reader *reader, unsigned *ret_number)
{
	unsigned number = 0;
	bool any = false;

	while (reader->rest.len && reader->rest.at[0] >= '0' && reader->rest.at[0] <= '9') {
		number = number * 10 + (unsigned)(take(reader) - '0');
		any = true;
		if (number > REGEX_REPEAT_MAX)
			return false;
	}
	*ret_number = number;
	return any;
}

enum { UNBOUNDED = REGEX_REPEAT_MAX + 1 };

/* {n}, {n,}, {n,m} after the brace. */
static err_t read_braces(struct reader *reader, unsigned *ret_min, unsigned *ret_max)
{
	if (!read_number(reader, ret_min))
		return wrong(reader, "'{' wants a count of at most 100");
	*ret_max = *ret_min;
	if (next_is(reader, ',')) {
		take(reader);
		*ret_max = UNBOUNDED;
		if (!next_is(reader, '}') && !read_number(reader, ret_max))
			return wrong(reader, "'{' wants a count of at most 100");
	}
	if (!next_is(reader, '}') || *ret_max < *ret_min)
		return wrong(reader, "a '{' is not closed, or its counts run backwards");
	take(reader);
	return ERR_OK;
}

static err_t read_quantity(struct reader *reader, unsigned *ret_min, unsigned *ret_max)
{
	*ret_min = *ret_max = 1;
	if (!reader->rest.len)
		return ERR_OK;
	switch (reader->rest.at[0]) {
	case '?': *ret_min = 0; break;
	case '*': *ret_min = 0, *ret_max = UNBOUNDED; break;
	case '+': *ret_max = UNBOUNDED; break;
	case '{': take(reader); return read_braces(reader, ret_min, ret_max);
	default: return ERR_OK;
	}
	take(reader);
	return ERR_OK;
}

static err_t add_position(struct reader *reader, const uint8_t set[SET_BYTES], bool optional,
			  bool repeats)
{
	struct regex *regex = reader->regex;
	struct position *position = &regex->positions[regex->position_count];

	if (regex->position_count == REGEX_POSITIONS_MAX)
		return wrong(reader, "a regular expression is too long");
	memcpy(position->set, set, SET_BYTES);
	position->optional = optional;
	position->repeats = repeats;
	regex->position_count++;
	return ERR_OK;
}

/* a{2,4} is a a a? a?; a{2,} is a a+. */
static err_t add_positions(struct reader *reader, const uint8_t set[SET_BYTES], unsigned min,
			   unsigned max)
{
	bool endless = max == UNBOUNDED;

	for (unsigned i = 0; i < min; i++)
		TRY(add_position(reader, set, false, endless && i + 1 == min));
	if (endless)
		return min ? ERR_OK : add_position(reader, set, true, true);
	for (unsigned i = min; i < max; i++)
		TRY(add_position(reader, set, true, false));
	return ERR_OK;
}

static void note_begin(const struct regex *regex, struct alternative *alternative)
{
	const struct position *positions = regex->positions + alternative->first;

	for (unsigned i = 0; i < alternative->count; i++) {
		set_join(alternative->begins, positions[i].set);
		if (positions[i].optional)
			continue;
		alternative->skips = !alternative->at_start;
		return;
	}
}

static err_t read_alternative(struct reader *reader)
{
	struct regex *regex = reader->regex;
	struct alternative *alternative = &regex->alternatives[regex->alternative_count];

	if (regex->alternative_count == ALTERNATIVES_MAX)
		return wrong(reader, "a regular expression has too many alternatives");
	alternative->first = regex->position_count;
	if (next_is(reader, '^')) {
		take(reader);
		alternative->at_start = true;
	}
	while (reader->rest.len && !next_is(reader, '|')) {
		uint8_t set[SET_BYTES];
		unsigned min, max;

		if (next_is(reader, '$') && (reader->rest.len == 1 || reader->rest.at[1] == '|')) {
			take(reader);
			alternative->at_end = true;
			break;
		}
		TRY(read_atom(reader, set));
		TRY(read_quantity(reader, &min, &max));
		TRY(add_positions(reader, set, min, max));
	}
	alternative->count = regex->position_count - alternative->first;
	note_begin(regex, alternative);
	regex->alternative_count++;
	return ERR_OK;
}

err_t regex_parse(struct arena *arena, struct bytes text, const struct regex **ret_regex,
		  const char **ret_why)
{
	struct reader reader = { .rest = text, .regex = arena_new(arena, struct regex) };
	err_t err;

	if (!reader.regex)
		return ERR_NOMEM;
	err = text.len ? read_alternative(&reader)
		       : wrong(&reader, "a regular expression is empty");
	while (!err && next_is(&reader, '|')) {
		take(&reader);
		err = read_alternative(&reader);
	}
	*ret_why = reader.why;
	if (!err)
		*ret_regex = reader.regex;
	return err;
}

/* ---- Running: bit i of a state says that i positions are behind us ---- */

static void state_put(uint64_t state[WORDS], const struct position *positions, unsigned count,
		      unsigned at)
{
	for (;; at++) {
		state[at / 64] |= 1ull << at % 64;
		if (at == count || !positions[at].optional)
			return;
	}
}

static void state_step(const uint64_t from[WORDS], uint64_t to[WORDS],
		       const struct position *positions, unsigned count, char c)
{
	memset(to, 0, WORDS * sizeof *to);
	for (unsigned word = 0; word < WORDS; word++)
		for (uint64_t bits = from[word]; bits; bits &= bits - 1) {
			unsigned at = word * 64 + (unsigned)__builtin_ctzll(bits);

			if (at == count || !set_has(positions[at].set, c))
				continue;
			state_put(to, positions, count, at + 1);
			if (positions[at].repeats)
				to[word] |= bits & -bits;
		}
}

static bool alternative_finds(const struct regex *regex, const struct alternative *alternative,
			      struct bytes text)
{
	const struct position *positions = regex->positions + alternative->first;
	uint64_t state[WORDS] = { 0 }, begin[WORDS], next[WORDS];
	unsigned count = alternative->count;

	state_put(state, positions, count, 0);
	memcpy(begin, state, sizeof begin);
	for (size_t i = 0;; i++) {
		bool done;

		if (alternative->skips && memcmp(state, begin, sizeof state) == 0)
			while (i < text.len && !set_has(alternative->begins, text.at[i]))
				i++;
		done = state[count / 64] >> count % 64 & 1;

		if (done && (!alternative->at_end || i == text.len))
			return true;
		if (i == text.len)
			return false;
		state_step(state, next, positions, count, text.at[i]);
		memcpy(state, next, sizeof state);
		if (!alternative->at_start)
			state_put(state, positions, count, 0);
	}
}

bool regex_finds(const struct regex *regex, struct bytes text)
{
	for (unsigned i = 0; i < regex->alternative_count; i++)
		if (alternative_finds(regex, &regex->alternatives[i], text))
			return true;
	return false;
}
