#include "rag/engines/breaker.h"

bool breaker_is_open(const struct breaker *b, uint64_t now_ms)
{
	return b->open_until_ms > now_ms || b->trying;
}

bool breaker_allows(struct breaker *b, uint64_t now_ms)
{
	if (b->open_until_ms == 0)
		return true;
	if (breaker_is_open(b, now_ms))
		return false;
	b->trying = true;
	return true;
}

void breaker_tell(struct breaker *b, bool succeeded, uint64_t now_ms)
{
	bool tried = b->trying;

	b->trying = false;
	if (succeeded) {
		*b = (struct breaker){ .failures = 0 };
		return;
	}
	if (b->failures == 0 || now_ms - b->first_ms > BREAKER_WINDOW_MS) {
		b->first_ms = now_ms;
		b->failures = 0;
	}
	b->failures++;
	if (tried || b->failures >= BREAKER_FAILURES)
		b->open_until_ms = now_ms + BREAKER_OPEN_MS;
}
