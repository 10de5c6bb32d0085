/*
 * A filter pattern and a message, separated by LF: whatever the pattern says, matching ends, and
 * what is extracted from a message that matches is found again by its name.
 */
#include <stdlib.h>

#include "services/logs/pattern.h"

struct seen {
	const struct pattern *pattern;
	struct bytes message;
};

static void check_value(void *owner, struct bytes name, struct bytes value)
{
	const struct seen *seen = owner;
	struct text found = TEXT_INIT(1024 * 1024);

	if (!pattern_value(seen->pattern, name, seen->message, &found))
		abort();
	if (text_bytes(&found).len && value.len && found.len > seen->message.len * 8 + 64)
		abort();
	text_fini(&found);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes message = bytes_make(data, size), text;
	char why[PATTERN_WHY_BYTES];
	struct seen seen = { .message = BYTES_NONE };
	struct pattern *pattern;
	err_t err;

	if (size == 0 || size > 8192 || !bytes_cut(&message, '\n', &text))
		return 0;
	err = pattern_parse(text, &pattern, why);
	if (err) {
		if (err == ERR_SYNTAX && !why[0])
			abort(); /* a refusal says why */
		return 0;
	}
	seen.pattern = pattern;
	seen.message = message;
	if (pattern_matches(pattern, message))
		pattern_extract(pattern, message, check_value, &seen);
	pattern_free(pattern);
	return 0;
}
