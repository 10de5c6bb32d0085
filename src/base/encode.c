#include "base/encode.h"

static const char hex_digits[] = "0123456789abcdef";
static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char alphabet_url[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void encode_hex(struct text *out, struct bytes in)
{
	for (size_t i = 0; i < in.len; i++) {
		unsigned char c = (unsigned char)in.at[i];

		text_add_char(out, hex_digits[c >> 4]);
		text_add_char(out, hex_digits[c & 15]);
	}
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

err_t decode_hex(struct text *out, struct bytes in)
{
	if (in.len % 2)
		return ERR_SYNTAX;
	for (size_t i = 0; i < in.len; i += 2) {
		int high = hex_value(in.at[i]), low = hex_value(in.at[i + 1]);

		if (high < 0 || low < 0)
			return ERR_SYNTAX;
		text_add_char(out, (char)(high << 4 | low));
	}
	return text_err(out);
}

enum { PIECE_GROUPS = 256 }; /* packages of functions go this way: a piece at a time */

static void base64(struct text *out, struct bytes in, const char *letters, bool pad)
{
	char piece[4 * PIECE_GROUPS];
	size_t filled = 0;

	for (size_t i = 0; i < in.len; i += 3) {
		size_t have = size_min(3, in.len - i);
		uint32_t group = 0;

		for (size_t k = 0; k < 3; k++)
			group = group << 8 | (k < have ? (unsigned char)in.at[i + k] : 0);
		for (size_t k = 0; k < 4; k++) {
			if (k <= have)
				piece[filled++] = letters[group >> (18 - 6 * k) & 63];
			else if (pad)
				piece[filled++] = '=';
		}
		if (filled == sizeof piece) {
			text_add(out, bytes_make(piece, filled));
			filled = 0;
		}
	}
	text_add(out, bytes_make(piece, filled));
}

void encode_base64(struct text *out, struct bytes in)
{
	base64(out, in, alphabet, true);
}

void encode_base64url(struct text *out, struct bytes in)
{
	base64(out, in, alphabet_url, false);
}

enum { NO_LETTER = 64 };

static void read_alphabet(const char *letters, uint8_t values[256])
{
	memset(values, NO_LETTER, 256);
	for (uint8_t i = 0; letters[i]; i++)
		values[(unsigned char)letters[i]] = i;
}

/* Refuses stray bits in the last letter, so that one value has one spelling. */
static err_t unbase64(struct text *out, struct bytes in, const char *letters)
{
	char piece[4 * PIECE_GROUPS];
	uint8_t values[256];
	size_t filled = 0;
	uint32_t group = 0;
	unsigned bits = 0;

	read_alphabet(letters, values);
	for (size_t i = 0; i < in.len; i++) {
		uint8_t value = values[(unsigned char)in.at[i]];

		if (value == NO_LETTER)
			return ERR_SYNTAX;
		group = group << 6 | value;
		bits += 6;
		if (bits < 8)
			continue;
		bits -= 8;
		piece[filled++] = (char)(group >> bits & 0xff);
		group &= (1u << bits) - 1;
		if (filled == sizeof piece) {
			text_add(out, bytes_make(piece, filled));
			filled = 0;
		}
	}
	if (bits == 6 || group)
		return ERR_SYNTAX;
	text_add(out, bytes_make(piece, filled));
	return text_err(out);
}

static struct bytes without_padding(struct bytes in)
{
	for (int i = 0; i < 2 && in.len && in.at[in.len - 1] == '='; i++)
		in.len--;
	return in;
}

err_t decode_base64(struct text *out, struct bytes in)
{
	if (in.len % 4)
		return ERR_SYNTAX;
	return unbase64(out, without_padding(in), alphabet);
}

err_t decode_base64url(struct text *out, struct bytes in)
{
	return unbase64(out, without_padding(in), alphabet_url);
}

static bool is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

void encode_percent(struct text *out, struct bytes in, bool keep_slash)
{
	static const char upper[] = "0123456789ABCDEF";

	for (size_t i = 0; i < in.len; i++) {
		unsigned char c = (unsigned char)in.at[i];

		if (is_unreserved(in.at[i]) || (keep_slash && c == '/')) {
			text_add_char(out, in.at[i]);
			continue;
		}
		text_add_char(out, '%');
		text_add_char(out, upper[c >> 4]);
		text_add_char(out, upper[c & 15]);
	}
}

err_t decode_percent(struct text *out, struct bytes in, bool plus_is_space)
{
	for (size_t i = 0; i < in.len; i++) {
		if (in.at[i] == '%') {
			int high = in.len - i > 2 ? hex_value(in.at[i + 1]) : -1;
			int low = in.len - i > 2 ? hex_value(in.at[i + 2]) : -1;

			if (high < 0 || low < 0)
				return ERR_SYNTAX;
			text_add_char(out, (char)(high << 4 | low));
			i += 2;
		} else if (in.at[i] == '+' && plus_is_space) {
			text_add_char(out, ' ');
		} else {
			text_add_char(out, in.at[i]);
		}
	}
	return text_err(out);
}

void encode_xml(struct text *out, struct bytes in)
{
	for (size_t i = 0; i < in.len; i++) {
		unsigned char c = (unsigned char)in.at[i];

		switch (c) {
		case '&': text_add_str(out, "&amp;"); break;
		case '<': text_add_str(out, "&lt;"); break;
		case '>': text_add_str(out, "&gt;"); break;
		case '"': text_add_str(out, "&quot;"); break;
		case '\'': text_add_str(out, "&#39;"); break;
		case '\r': text_add_str(out, "&#xD;"); break;
		default:
			if (c < 0x20 && c != '\n' && c != '\t')
				text_add_char(out, '?'); /* XML 1.0 cannot carry it at all */
			else
				text_add_char(out, (char)c);
		}
	}
}

/* Length of the valid UTF-8 sequence at the start of `in`, 0 when there is none. */
static size_t utf8_sequence(struct bytes in)
{
	const unsigned char *s = (const unsigned char *)in.at;
	uint32_t point;
	size_t len;

	if (in.len == 0)
		return 0;
	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		len = 2, point = s[0] & 0x1fu;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		len = 3, point = s[0] & 0x0fu;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		len = 4, point = s[0] & 0x07u;
	else
		return 0;
	if (in.len < len)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		point = point << 6 | (s[i] & 0x3fu);
	}
	if ((len == 3 && point < 0x800) || (len == 4 && (point < 0x10000 || point > 0x10ffff)))
		return 0;
	if (point >= 0xd800 && point <= 0xdfff)
		return 0;
	return len;
}

bool utf8_valid(struct bytes in)
{
	while (in.len) {
		size_t len = utf8_sequence(in);

		if (len == 0)
			return false;
		in = bytes_from(in, len);
	}
	return true;
}

struct bytes utf8_clip(struct bytes text, size_t max)
{
	if (text.len <= max)
		return text;
	while (max && ((unsigned char)text.at[max] & 0xc0) == 0x80)
		max--;
	return bytes_upto(text, max);
}

static void json_ascii(struct text *out, char c)
{
	switch (c) {
	case '"': text_add_str(out, "\\\""); break;
	case '\\': text_add_str(out, "\\\\"); break;
	case '\n': text_add_str(out, "\\n"); break;
	case '\r': text_add_str(out, "\\r"); break;
	case '\t': text_add_str(out, "\\t"); break;
	default:
		if ((unsigned char)c < 0x20)
			text_printf(out, "\\u%04x", (unsigned)c);
		else
			text_add_char(out, c);
	}
}

/* How much of the start of `in` stands in a JSON string as it is. */
static size_t json_plain(struct bytes in)
{
	size_t len = 0;

	while (len < in.len && (unsigned char)in.at[len] >= 0x20 &&
	       (unsigned char)in.at[len] < 0x80 && in.at[len] != '"' && in.at[len] != '\\')
		len++;
	return len;
}

void encode_json(struct text *out, struct bytes in)
{
	while (in.len) {
		size_t len = json_plain(in);

		if (len) {
			text_add(out, bytes_upto(in, len));
			in = bytes_from(in, len);
			continue;
		}
		len = utf8_sequence(in);
		if (len == 0)
			text_add_str(out, "\xef\xbf\xbd");
		else if (len == 1)
			json_ascii(out, in.at[0]);
		else
			text_add(out, bytes_upto(in, len));
		in = bytes_from(in, size_max(len, 1));
	}
}
