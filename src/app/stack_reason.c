#include "app/stack_reason.h"

struct bytes stack_reason_words(const char *reason)
{
	static const char *const ends[] = { " (Service: ", "\" (RequestToken: " };
	const struct bytes before = BYTES("Resource handler returned message: \"");
	struct bytes words = bytes_of(reason);

	if (!bytes_starts(words, before))
		return words;
	words = bytes_from(words, before.len);
	for (size_t i = 0; i < COUNT(ends); i++)
		words = bytes_upto(words, bytes_find(words, bytes_of(ends[i])));
	return words;
}
