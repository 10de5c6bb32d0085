#include "base/bytes.h"

#include <stdlib.h>

bool bytes_eq_nocase(struct bytes a, struct bytes b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (ascii_lower(a.at[i]) != ascii_lower(b.at[i]))
			return false;
	return true;
}

bool bytes_starts(struct bytes b, struct bytes prefix)
{
	return b.len >= prefix.len && bytes_eq(bytes_upto(b, prefix.len), prefix);
}

bool bytes_starts_nocase(struct bytes b, struct bytes prefix)
{
	return b.len >= prefix.len && bytes_eq_nocase(bytes_upto(b, prefix.len), prefix);
}

bool bytes_ends(struct bytes b, struct bytes suffix)
{
	return b.len >= suffix.len && bytes_eq(bytes_from(b, b.len - suffix.len), suffix);
}

int bytes_cmp(struct bytes a, struct bytes b)
{
	size_t common = size_min(a.len, b.len);
	int order = common ? memcmp(a.at, b.at, common) : 0;

	if (order)
		return order;
	return (a.len > b.len) - (a.len < b.len);
}

size_t bytes_index(struct bytes b, char c)
{
	const char *hit = b.len ? memchr(b.at, c, b.len) : NULL;

	return hit ? (size_t)(hit - b.at) : SIZE_MAX;
}

size_t bytes_find(struct bytes b, struct bytes needle)
{
	const char *hit;

	if (needle.len == 0)
		return 0;
	hit = b.len ? memmem(b.at, b.len, needle.at, needle.len) : NULL;
	return hit ? (size_t)(hit - b.at) : SIZE_MAX;
}

struct bytes bytes_trim(struct bytes b)
{
	while (b.len && (b.at[0] == ' ' || b.at[0] == '\t'))
		b = bytes_from(b, 1);
	while (b.len && (b.at[b.len - 1] == ' ' || b.at[b.len - 1] == '\t'))
		b.len--;
	return b;
}

/*
 * A spent slice has at == NULL. "a," leaves an empty slice that still points somewhere, so
 * that the empty last part is seen once.
 */
bool bytes_cut(struct bytes *rest, char separator, struct bytes *ret_part)
{
	size_t end;

	if (!rest->at)
		return false;
	end = bytes_index(*rest, separator);
	if (end == SIZE_MAX) {
		*ret_part = *rest;
		*rest = BYTES_NONE;
		return true;
	}
	*ret_part = bytes_upto(*rest, end);
	rest->at += end + 1;
	rest->len -= end + 1;
	return true;
}

err_t bytes_to_u64(struct bytes b, uint64_t max, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (b.len == 0)
		return ERR_SYNTAX;
	for (size_t i = 0; i < b.len; i++)
		if (b.at[i] < '0' || b.at[i] > '9')
			return ERR_SYNTAX;
	for (size_t i = 0; i < b.len; i++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(b.at[i] - '0'), &value))
			return ERR_RANGE;
	if (value > max)
		return ERR_RANGE;
	*ret_value = value;
	return ERR_OK;
}

char *bytes_dup(struct bytes b)
{
	char *copy = malloc(b.len + 1);

	if (!copy)
		return NULL;
	if (b.len)
		memcpy(copy, b.at, b.len);
	copy[b.len] = '\0';
	return copy;
}

bool bytes_eq_secret(struct bytes a, struct bytes b)
{
	volatile unsigned char difference = 0;

	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		difference |= (unsigned char)(a.at[i] ^ b.at[i]);
	return difference == 0;
}

uint64_t bytes_hash(struct bytes b, uint64_t seed)
{
	uint64_t hash = bytes_hash_begin(seed);

	for (size_t i = 0; i < b.len; i++)
		hash = bytes_hash_byte(hash, b.at[i]);
	return bytes_hash_end(hash);
}
