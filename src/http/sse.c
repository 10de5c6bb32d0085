#include "http/sse.h"

#include "http/chars.h"

enum state {
	STATE_START, /* before the first byte, where a byte order mark may come */
	STATE_BOM_1, /* EF was read */
	STATE_BOM_2, /* EF BB */
	STATE_LINE_START,
	STATE_AFTER_CR, /* a line start too, but for an LF of the same ending */
	STATE_D,	/* "d", "da", "dat", "data" were read of a line */
	STATE_DA,
	STATE_DAT,
	STATE_DATA,
	STATE_COMMENT,
	STATE_FIELD, /* in a line that is no comment; what it says is known or does not matter */
};

static void end_line(struct sse_meter *meter)
{
	switch ((enum state)meter->state) {
	case STATE_START:
	case STATE_LINE_START:
	case STATE_AFTER_CR:
		meter->events += meter->has_data;
		meter->has_data = false;
		meter->begun = false;
		return;
	case STATE_COMMENT: return;
	case STATE_DATA: meter->has_data = true; break;
	default: break;
	}
	meter->begun = true;
}

/* What a byte that ends no line makes of the state. */
static enum state step(struct sse_meter *meter, char c)
{
	switch ((enum state)meter->state) {
	case STATE_START:
		if (c == '\xef')
			return STATE_BOM_1;
		/* fall through */
	case STATE_LINE_START:
	case STATE_AFTER_CR:
		if (c == ':')
			return STATE_COMMENT;
		return c == 'd' ? STATE_D : STATE_FIELD;
	case STATE_BOM_1: return c == '\xbb' ? STATE_BOM_2 : STATE_FIELD;
	case STATE_BOM_2: return c == '\xbf' ? STATE_LINE_START : STATE_FIELD;
	case STATE_D: return c == 'a' ? STATE_DA : STATE_FIELD;
	case STATE_DA: return c == 't' ? STATE_DAT : STATE_FIELD;
	case STATE_DAT: return c == 'a' ? STATE_DATA : STATE_FIELD;
	case STATE_DATA: meter->has_data = meter->has_data || c == ':'; return STATE_FIELD;
	case STATE_COMMENT: return STATE_COMMENT;
	case STATE_FIELD: return STATE_FIELD;
	}
	assert(false && "a state of sse's own");
	return STATE_FIELD;
}

void sse_meter_feed(struct sse_meter *meter, const char *at, size_t len)
{
	const char *end = at + len;

	while (at < end) {
		char c;

		/* The bulk of a stream: nothing but the end of the line can change anything. */
		if (meter->state >= STATE_COMMENT) {
			at = scan_line_end(at, end);
			if (at == end)
				return;
		}
		c = *at++;
		if (c == '\n' && meter->state == STATE_AFTER_CR) {
			meter->state = STATE_LINE_START;
		} else if (c == '\n' || c == '\r') {
			end_line(meter);
			meter->state = c == '\n' ? STATE_LINE_START : STATE_AFTER_CR;
		} else {
			meter->state = (uint8_t)step(meter, c);
		}
	}
}

bool sse_meter_at_boundary(const struct sse_meter *meter)
{
	return !meter->begun && (meter->state == STATE_START || meter->state == STATE_LINE_START);
}
