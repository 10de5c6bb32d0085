/* X-Amzn-Trace-Id: reference/alb.md §5.5. */
#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "lb/forward.h"

enum {
	TRACE_HEADER_MAX = 7 * 1024, /* a longer one is given up */
	ID_BYTES = 35,		     /* "1-" 8 "-" 24 */
};

static void new_id(uint64_t unix_ms, struct rng *rng, char out[ID_BYTES + 1])
{
	uint64_t high = rng_next(rng), low = rng_next(rng) & 0xffffffff;

	snprintf(out, ID_BYTES + 1, "1-%08" PRIx32 "-%016" PRIx64 "%08" PRIx64,
		 (uint32_t)(unix_ms / 1000), high, low);
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

static void compose(struct text *out, struct bytes header, uint64_t unix_ms, struct rng *rng)
{
	bool usable = header.len > 0 && header.len <= TRACE_HEADER_MAX;
	bool root = usable && has_field(header, BYTES("Root="));
	bool self = usable && has_field(header, BYTES("Self="));
	char id[ID_BYTES + 1];

	new_id(unix_ms, rng, id);
	if (!root) {
		text_printf(out, "Root=%s", id);
		if (!usable)
			return;
		text_add_char(out, ';');
		new_id(unix_ms, rng, id);
	}
	if (root && !self)
		text_printf(out, "Self=%s;", id);
	add_with_self(out, header, id);
}

err_t forward_trace_id(const struct http_head *head, uint64_t unix_ms, struct rng *rng,
		       struct arena *arena, struct bytes *ret_trace_id)
{
	struct bytes header = http_value(head, BYTES("X-Amzn-Trace-Id"));
	struct text text = TEXT_INIT(4 * TRACE_HEADER_MAX);
	err_t err;

	compose(&text, header, unix_ms, rng);
	err = text_err(&text);
	if (!err)
		err = arena_copy(arena, text_bytes(&text), ret_trace_id);
	text_fini(&text);
	return err;
}
