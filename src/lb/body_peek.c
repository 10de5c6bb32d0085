#include "lb/body_peek.h"

enum {
	BEFORE,	    /* nothing but blanks yet */
	WANTS_NAME, /* in the outermost object */
	NAME,
	NAME_ESCAPE,
	WANTS_COLON,
	WANTS_TRUE, /* the value of "stream" */
	AFTER_TRUE, /* "trueish" is not true */
	VALUE,	    /* any other one, passed over */
	STRING,
	STRING_ESCAPE,
	STREAMS,
	DOES_NOT,
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static uint8_t in_name(struct body_peek *peek, char c)
{
	static const char word[] = "stream";

	if (c == '"') {
		peek->other |= peek->matched != sizeof word - 1;
		return WANTS_COLON;
	}
	if (peek->matched < sizeof word - 1 && c == word[peek->matched])
		peek->matched++;
	else
		peek->other = true; /* escapes too: nobody writes it with any */
	return c == '\\' ? NAME_ESCAPE : NAME;
}

static uint8_t in_true(struct body_peek *peek, char c)
{
	static const char word[] = "true";

	if (is_blank(c) && !peek->matched)
		return WANTS_TRUE;
	if (c != word[peek->matched])
		return DOES_NOT;
	return ++peek->matched == sizeof word - 1 ? AFTER_TRUE : WANTS_TRUE;
}

static uint8_t in_value(struct body_peek *peek, char c)
{
	switch (c) {
	case '"': return STRING;
	case '{':
	case '[': peek->depth++; return VALUE;
	case '}':
	case ']':
		if (!peek->depth)
			return DOES_NOT;
		peek->depth--;
		return VALUE;
	case ',': return peek->depth ? VALUE : WANTS_NAME;
	default: return VALUE;
	}
}

static uint8_t step(struct body_peek *peek, char c)
{
	switch (peek->state) {
	case BEFORE: return is_blank(c) ? BEFORE : c == '{' ? WANTS_NAME : DOES_NOT;
	case WANTS_NAME:
		peek->matched = 0;
		peek->other = false;
		return is_blank(c) ? WANTS_NAME : c == '"' ? NAME : DOES_NOT;
	case NAME: return in_name(peek, c);
	case NAME_ESCAPE: return NAME;
	case WANTS_COLON:
		peek->matched = 0;
		if (c != ':')
			return is_blank(c) ? WANTS_COLON : DOES_NOT;
		return peek->other ? VALUE : WANTS_TRUE;
	case WANTS_TRUE: return in_true(peek, c);
	case AFTER_TRUE: return is_blank(c) || c == ',' || c == '}' ? STREAMS : DOES_NOT;
	case VALUE: return in_value(peek, c);
	case STRING: return c == '"' ? VALUE : c == '\\' ? STRING_ESCAPE : STRING;
	case STRING_ESCAPE: return STRING;
	default: return peek->state;
	}
}

enum body_says body_peek_feed(struct body_peek *peek, struct bytes data)
{
	for (size_t i = 0; i < data.len && peek->state < STREAMS; i++)
		peek->state = step(peek, data.at[i]);
	return peek->state == STREAMS	 ? BODY_STREAMS
	       : peek->state == DOES_NOT ? BODY_DOES_NOT
					 : BODY_UNSURE;
}
