/*
 * arena: many small allocations, one sweep. Born with its maximum; not thread-safe.
 *
 * Memory comes in blocks from malloc; under AddressSanitizer every allocation is a malloc of
 * its own, so that an overrun is caught where it happens.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>

#include "base/bytes.h"

struct arena_block;

struct arena {
	struct arena_block *blocks; /* newest first */
	size_t used_bytes, max_bytes;
};

void arena_init(struct arena *arena, size_t max_bytes);
void arena_fini(struct arena *arena); /* frees all; the arena may be used again */

/* Aligned for any type, zeroed. NULL on no memory or when max_bytes would be passed. */
void *arena_alloc(struct arena *arena, size_t size);
void *arena_array(struct arena *arena, size_t count, size_t size);

#define arena_new(arena, type) ((type *)arena_alloc((arena), sizeof(type)))

/* A copy that ends in NUL (not counted in its length). */
err_t arena_copy(struct arena *arena, struct bytes b, struct bytes *ret_copy);
char *arena_string(struct arena *arena, struct bytes b); /* NULL on no memory */
char *arena_printf(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3); /* same */

#endif
