/*
 * bytes: a borrowed slice of memory, passed by value. It owns nothing, carries its length,
 * and need not end in NUL. An empty slice may have a NULL `at`.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <string.h>

#include "base/base.h"

struct bytes {
	const char *at;
	size_t len;
};

/* printf("%.*s", BYTES_ARG(b)) */
#define BYTES_ARG(b) (int)(b).len, (b).at

/* A string literal as bytes, also in static initialisers. */
#define BYTES(literal)                          \
	(struct bytes)                          \
	{                                       \
		"" literal, sizeof(literal) - 1 \
	}
#define BYTES_NONE ((struct bytes){ NULL, 0 })

static inline struct bytes bytes_of(const char *string) /* NULL gives an empty slice */
{
	return (struct bytes){ string, string ? strlen(string) : 0 };
}

static inline struct bytes bytes_make(const void *at, size_t len)
{
	return (struct bytes){ at, len };
}

static inline struct bytes bytes_from(struct bytes b, size_t start) /* start <= b.len */
{
	assert(start <= b.len);
	return (struct bytes){ b.len ? b.at + start : b.at, b.len - start };
}

static inline struct bytes bytes_upto(struct bytes b, size_t len) /* clips len to b.len */
{
	return (struct bytes){ b.at, len < b.len ? len : b.len };
}

static inline bool bytes_eq(struct bytes a, struct bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static inline bool bytes_eq_str(struct bytes a, const char *string)
{
	return bytes_eq(a, bytes_of(string));
}

static inline char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static inline char ascii_upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c & ~0x20) : c;
}

bool bytes_eq_nocase(struct bytes a, struct bytes b); /* ASCII case only */
bool bytes_starts(struct bytes b, struct bytes prefix);
bool bytes_starts_nocase(struct bytes b, struct bytes prefix);
bool bytes_ends(struct bytes b, struct bytes suffix);
int bytes_cmp(struct bytes a, struct bytes b); /* memcmp order, shorter first */

/* Index of the first `c` / of `needle`, or SIZE_MAX. */
size_t bytes_index(struct bytes b, char c);
size_t bytes_find(struct bytes b, struct bytes needle);

/* Without SP and HTAB at both ends (the OWS of RFC 9110 §5.6.3). */
struct bytes bytes_trim(struct bytes b);

/*
 * Takes the part before the first `separator` off *rest; false when nothing is left.
 * "a,,b" gives "a", "", "b"; "a," gives "a", ""; "" gives one empty part; a slice
 * whose `at` is NULL gives none, and that is what *rest is left as.
 *
 *     struct bytes rest = list, part;
 *     while (bytes_cut(&rest, ',', &part)) ...
 */
bool bytes_cut(struct bytes *rest, char separator, struct bytes *ret_part);

/* Digits only, whole slice. ERR_SYNTAX on anything else, ERR_RANGE on overflow or > max. */
err_t bytes_to_u64(struct bytes b, uint64_t max, uint64_t *ret_value);

/* A malloc'ed NUL-terminated copy; NULL on no memory. The caller frees it. */
char *bytes_dup(struct bytes b);

/* Time depends on the length alone, never on where the first difference is. */
bool bytes_eq_secret(struct bytes a, struct bytes b);

uint64_t bytes_hash(struct bytes b, uint64_t seed); /* FNV-1a with a final mix; not for secrets */

/* The same, byte by byte, for runs that share a beginning. */
static inline uint64_t bytes_hash_begin(uint64_t seed)
{
	return 0xcbf29ce484222325u ^ seed;
}

static inline uint64_t bytes_hash_byte(uint64_t hash, char c)
{
	return (hash ^ (unsigned char)c) * 0x100000001b3u;
}

static inline uint64_t bytes_hash_end(uint64_t hash)
{
	hash ^= hash >> 32;
	hash *= 0xd6e8feb86659fd93u;
	return hash ^ hash >> 32;
}

#endif
