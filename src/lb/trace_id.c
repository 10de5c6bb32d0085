/* X-Amzn-Trace-Id: reference/alb.md §5.5. */
#include "base/text.h"
#include "lb/forward.h"

enum {
	TRACE_HEADER_MAX = 7 * 1024, /* a longer one is given up */
	ID_BYTES = 35,		     /* "1-" 8 "-" 24 */
};

/* `digits` of the value, the highest first. No printf: every request gets an id. */
static char *put_hex(char *at, uint64_t value, unsigned digits)
{
	for (unsigned i = digits; i-- > 0; value >>= 4)
		at[i] = "0123456789abcdef"[value & 15];
	return at + digits;
}

static void new_id(uint64_t unix_ms, struct rng *rng, char out[ID_BYTES + 1])
{
	char *at = out;

	*at++ = '1';
	*at++ = '-';
	at = put_hex(at, unix_ms / 1000, 8);
	*at++ = '-';
	at = put_hex(at, rng_next(rng), 16);
	at = put_hex(at, rng_next(rng), 8);
	*at = '\0';
}

static bool has_field(struct bytes header, struct bytes name)
{
	struct bytes part;

	while (bytes_cut(&header, ';', &part))
		if (bytes_starts(bytes_trim(part), name))
			return true;
	return false;
}

/* The header with the value of Self replaced; all else as it came. */
static void add_with_self(struct text *out, struct bytes header, const char *id)
{
	struct bytes part;
	bool first = true;

	while (bytes_cut(&header, ';', &part)) {
		if (!first)
			text_add_char(out, ';');
		first = false;
		if (bytes_starts(bytes_trim(part), BYTES("Self="))) {
			text_add_str(out, "Self=");
			text_add_str(out, id);
		} else {
			text_add(out, part);
		}
	}
}

/* To a header that says something of its own. */
static void compose(struct text *out, struct bytes header, uint64_t unix_ms, struct rng *rng)
{
	bool root = has_field(header, BYTES("Root="));
	char id[ID_BYTES + 1];

	new_id(unix_ms, rng, id);
	if (!root) {
		text_printf(out, "Root=%s;", id);
		new_id(unix_ms, rng, id);
	} else if (!has_field(header, BYTES("Self="))) {
		text_printf(out, "Self=%s;", id);
	}
	add_with_self(out, header, id);
}

static err_t fresh(uint64_t unix_ms, struct rng *rng, struct arena *arena,
		   struct bytes *ret_trace_id)
{
	enum { ROOT_BYTES = 5 };
	char *at = arena_alloc(arena, ROOT_BYTES + ID_BYTES + 1);

	if (!at)
		return ERR_NOMEM;
	memcpy(at, "Root=", ROOT_BYTES);
	new_id(unix_ms, rng, at + ROOT_BYTES);
	*ret_trace_id = bytes_make(at, ROOT_BYTES + ID_BYTES);
	return ERR_OK;
}

err_t forward_trace_id(const struct http_head *head, uint64_t unix_ms, struct rng *rng,
		       struct arena *arena, struct bytes *ret_trace_id)
{
	struct bytes header = http_value(head, BYTES("X-Amzn-Trace-Id"));
	struct text text = TEXT_INIT(16 * TRACE_HEADER_MAX);
	err_t err;

	if (header.len == 0 || header.len > TRACE_HEADER_MAX)
		return fresh(unix_ms, rng, arena, ret_trace_id);
	compose(&text, header, unix_ms, rng);
	err = text_err(&text);
	if (!err)
		err = arena_copy(arena, text_bytes(&text), ret_trace_id);
	text_fini(&text);
	return err;
}
