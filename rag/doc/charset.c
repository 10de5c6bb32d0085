#include "rag/doc/charset.h"

#include "base/encode.h"

/* 0x80 … 0x9F of Windows-1252; 0 where it has nothing. */
static const uint16_t windows_1252[32] = {
	0x20AC, 0,	0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
	0x2039, 0x0152, 0,	0x017D, 0,	0,	0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
	0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,	0x017E, 0x0178,
};

void utf8_add(struct text *out, uint32_t c)
{
	if (c > 0x10FFFF || (c >= 0xD800 && c < 0xE000))
		c = 0xFFFD;
	if (c < 0x80) {
		text_add_char(out, (char)c);
	} else if (c < 0x800) {
		text_add_char(out, (char)(0xC0 | c >> 6));
		text_add_char(out, (char)(0x80 | (c & 0x3F)));
	} else if (c < 0x10000) {
		text_add_char(out, (char)(0xE0 | c >> 12));
		text_add_char(out, (char)(0x80 | (c >> 6 & 0x3F)));
		text_add_char(out, (char)(0x80 | (c & 0x3F)));
	} else {
		text_add_char(out, (char)(0xF0 | c >> 18));
		text_add_char(out, (char)(0x80 | (c >> 12 & 0x3F)));
		text_add_char(out, (char)(0x80 | (c >> 6 & 0x3F)));
		text_add_char(out, (char)(0x80 | (c & 0x3F)));
	}
}

static uint32_t unit(struct bytes data, size_t at, bool big)
{
	uint32_t a = (unsigned char)data.at[at], b = (unsigned char)data.at[at + 1];

	return big ? a << 8 | b : b << 8 | a;
}

static err_t from_utf16(struct bytes data, bool big, struct text *out)
{
	if (data.len % 2)
		return ERR_SYNTAX;
	for (size_t at = 0; at < data.len; at += 2) {
		uint32_t c = unit(data, at, big);

		if (c >= 0xD800 && c < 0xDC00 && at + 3 < data.len) {
			uint32_t low = unit(data, at + 2, big);

			if (low >= 0xDC00 && low < 0xE000) {
				c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
				at += 2;
			}
		}
		if (c == 0)
			return ERR_SYNTAX;
		utf8_add(out, c);
	}
	return ERR_OK;
}

static void from_windows_1252(struct bytes data, struct text *out)
{
	for (size_t at = 0; at < data.len; at++) {
		uint32_t c = (unsigned char)data.at[at];

		if (c >= 0x80 && c < 0xA0)
			c = windows_1252[c - 0x80] ? windows_1252[c - 0x80] : 0xFFFD;
		utf8_add(out, c);
	}
}

err_t charset_decode(struct arena *arena, struct bytes data, struct bytes *ret_text)
{
	struct text out = TEXT_INIT(3 * data.len + 16);
	err_t err = ERR_OK;

	if (bytes_starts(data, BYTES("\xFF\xFE")) || bytes_starts(data, BYTES("\xFE\xFF"))) {
		err = from_utf16(bytes_from(data, 2), data.at[0] == '\xFE', &out);
	} else {
		if (bytes_starts(data, BYTES("\xEF\xBB\xBF")))
			data = bytes_from(data, 3);
		if (data.len && memchr(data.at, '\0', data.len))
			err = ERR_SYNTAX;
		else if (!utf8_valid(data))
			from_windows_1252(data, &out);
	}
	if (!err)
		err = text_err(&out);
	if (!err && out.len)
		err = arena_copy(arena, text_bytes(&out), &data);
	text_fini(&out);
	if (!err)
		*ret_text = data;
	return err;
}
