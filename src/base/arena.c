#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_BLOCK_BYTES 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_BLOCK_BYTES 0
#endif
#endif
#ifndef ARENA_BLOCK_BYTES
#define ARENA_BLOCK_BYTES 1024
#endif

struct arena_block {
	struct arena_block *next;
	size_t used, size;
	_Alignas(max_align_t) char data[];
};

void arena_init(struct arena *arena, size_t max_bytes)
{
	*arena = (struct arena){ .max_bytes = max_bytes };
}

void arena_fini(struct arena *arena)
{
	struct arena_block *block = arena->blocks;

	while (block) {
		struct arena_block *next = block->next;

		free(block);
		block = next;
	}
	arena->blocks = NULL;
	arena->used_bytes = 0;
}

static struct arena_block *add_block(struct arena *arena, size_t need)
{
	size_t size = size_max(need, ARENA_BLOCK_BYTES);
	struct arena_block *block = malloc(sizeof *block + size);

	if (!block)
		return NULL;
	block->used = 0;
	block->size = size;
	block->next = arena->blocks;
	arena->blocks = block;
	return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	const size_t align = _Alignof(max_align_t);
	struct arena_block *block = arena->blocks;
	size_t need;
	void *at;

	if (size > arena->max_bytes || arena->used_bytes > arena->max_bytes - size)
		return NULL;
	need = (size + align - 1) & ~(align - 1);
	if (!block || block->size - block->used < need) {
		block = add_block(arena, need);
		if (!block)
			return NULL;
	}
	at = block->data + block->used;
	block->used += need;
	arena->used_bytes += size;
	memset(at, 0, size);
	return at;
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(count, size, &total))
		return NULL;
	return arena_alloc(arena, total);
}

char *arena_string(struct arena *arena, struct bytes b)
{
	char *copy = arena_alloc(arena, b.len + 1);

	if (copy && b.len)
		memcpy(copy, b.at, b.len);
	return copy;
}

err_t arena_copy(struct arena *arena, struct bytes b, struct bytes *ret_copy)
{
	char *copy = arena_string(arena, b);

	if (!copy)
		return ERR_NOMEM;
	*ret_copy = bytes_make(copy, b.len);
	return ERR_OK;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args, again;
	char *at;
	int len;

	va_start(args, format);
	va_copy(again, args);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	at = len < 0 ? NULL : arena_alloc(arena, (size_t)len + 1);
	if (at)
		vsnprintf(at, (size_t)len + 1, format, again);
	va_end(again);
	return at;
}
