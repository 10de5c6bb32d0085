/*
 * chars: which bytes HTTP allows where, one by one and sixteen at a time. This folder's own.
 *
 * Each scan gives the first byte in [at, end) that stops it, or `end`. It never reads past `end`.
 * The `_plain` twins say in one line what the others must do; tests hold them equal.
 */
#ifndef HTTP_CHARS_H
#define HTTP_CHARS_H

#include "base/base.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* tchar of RFC 9110 §5.6.2, as a bit per ASCII byte. */
static inline bool char_is_token(char c)
{
	static const uint32_t bits[4] = { 0, 0x03ff6cfa, 0xc7fffffe, 0x57ffffff };
	unsigned char byte = (unsigned char)c;

	return byte < 128 && (bits[byte >> 5] >> (byte & 31) & 1);
}

static inline bool char_is_alnum(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* CTL of RFC 5234 but HTAB. Bytes from 0x80 on are obs-text and allowed. */
static inline bool char_is_control(char c)
{
	return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7f;
}

/* Blank, control or DEL: what ends or spoils a request target. */
static inline bool char_ends_target(char c)
{
	return (unsigned char)c <= 0x20 || c == 0x7f;
}

static inline const char *scan_token_plain(const char *at, const char *end)
{
	while (at < end && char_is_token(*at))
		at++;
	return at;
}

static inline const char *scan_value_plain(const char *at, const char *end)
{
	while (at < end && !char_is_control(*at))
		at++;
	return at;
}

static inline const char *scan_target_plain(const char *at, const char *end)
{
	while (at < end && !char_ends_target(*at))
		at++;
	return at;
}

static inline const char *scan_line_end_plain(const char *at, const char *end)
{
	while (at < end && *at != '\n' && *at != '\r')
		at++;
	return at;
}

/* Whether a byte would end a line or hide its rest: no name or value that is sent may have one. */
static inline bool char_breaks_lines(char c)
{
	return c == '\r' || c == '\n' || c == '\0';
}

static inline const char *scan_line_break_plain(const char *at, const char *end)
{
	while (at < end && !char_breaks_lines(*at))
		at++;
	return at;
}

#ifdef __SSE2__

static inline __m128i chars_load(const char *at)
{
	return _mm_loadu_si128((const __m128i *)(const void *)at);
}

/* 0xff where byte <= limit, unsigned. */
static inline __m128i chars_upto(__m128i bytes, char limit)
{
	return _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(limit)), bytes);
}

/*
 * Letters, digits and '-' go sixteen at a time, which is all that most names hold; the table
 * decides about whatever stops that.
 */
static inline const char *scan_token(const char *at, const char *end)
{
	while (end - at >= 16) {
		__m128i bytes = chars_load(at);
		__m128i letters = _mm_sub_epi8(_mm_or_si128(bytes, _mm_set1_epi8(0x20)),
					       _mm_set1_epi8('a'));
		__m128i digits = _mm_sub_epi8(bytes, _mm_set1_epi8('0'));
		__m128i dash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('-'));
		__m128i good = _mm_or_si128(
			_mm_or_si128(chars_upto(letters, 25), chars_upto(digits, 9)), dash);
		unsigned bad = (unsigned)_mm_movemask_epi8(good) ^ 0xffffu;

		if (!bad) {
			at += 16;
			continue;
		}
		at += __builtin_ctz(bad);
		if (!char_is_token(*at))
			return at;
		at++;
	}
	return scan_token_plain(at, end);
}

static inline const char *scan_value(const char *at, const char *end)
{
	while (end - at >= 16) {
		__m128i bytes = chars_load(at);
		__m128i low = _mm_andnot_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\t')),
					       chars_upto(bytes, 0x1f));
		__m128i del = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f));
		unsigned bad = (unsigned)_mm_movemask_epi8(_mm_or_si128(low, del));

		if (bad)
			return at + __builtin_ctz(bad);
		at += 16;
	}
	return scan_value_plain(at, end);
}

static inline const char *scan_target(const char *at, const char *end)
{
	while (end - at >= 16) {
		__m128i bytes = chars_load(at);
		__m128i del = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f));
		unsigned bad = (unsigned)_mm_movemask_epi8(
			_mm_or_si128(chars_upto(bytes, 0x20), del));

		if (bad)
			return at + __builtin_ctz(bad);
		at += 16;
	}
	return scan_target_plain(at, end);
}

static inline const char *scan_line_end(const char *at, const char *end)
{
	while (end - at >= 16) {
		__m128i bytes = chars_load(at);
		__m128i lf = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\n'));
		__m128i cr = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\r'));
		unsigned hit = (unsigned)_mm_movemask_epi8(_mm_or_si128(lf, cr));

		if (hit)
			return at + __builtin_ctz(hit);
		at += 16;
	}
	return scan_line_end_plain(at, end);
}

static inline const char *scan_line_break(const char *at, const char *end)
{
	while (end - at >= 16) {
		__m128i bytes = chars_load(at);
		__m128i lf = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\n'));
		__m128i cr = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\r'));
		__m128i nul = _mm_cmpeq_epi8(bytes, _mm_setzero_si128());
		unsigned hit = (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(lf, cr), nul));

		if (hit)
			return at + __builtin_ctz(hit);
		at += 16;
	}
	return scan_line_break_plain(at, end);
}

#else

static inline const char *scan_line_break(const char *at, const char *end)
{
	return scan_line_break_plain(at, end);
}

static inline const char *scan_line_end(const char *at, const char *end)
{
	return scan_line_end_plain(at, end);
}

static inline const char *scan_token(const char *at, const char *end)
{
	return scan_token_plain(at, end);
}

static inline const char *scan_value(const char *at, const char *end)
{
	return scan_value_plain(at, end);
}

static inline const char *scan_target(const char *at, const char *end)
{
	return scan_target_plain(at, end);
}

#endif

#endif
