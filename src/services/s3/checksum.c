#include "services/s3/checksum.h"

#include <pthread.h>
#include <stdio.h>

#include "base/encode.h"
#include "crypto/digest.h"

enum { SLICES = 8 };

/* Reflected polynomials; all start from and end with every bit turned. */
static const struct kind {
	const char *name, *field;
	size_t bytes;
	uint64_t polynomial; /* 0: a digest */
	enum digest_kind digest;
} kinds[CHECKSUM_KINDS] = {
	[CHECKSUM_NONE] = { "", "", 0, 0, 0 },
	[CHECKSUM_CRC32] = { "CRC32", "x-amz-checksum-crc32", 4, 0xedb88320u, 0 },
	[CHECKSUM_CRC32C] = { "CRC32C", "x-amz-checksum-crc32c", 4, 0x82f63b78u, 0 },
	[CHECKSUM_CRC64NVME] = { "CRC64NVME", "x-amz-checksum-crc64nvme", 8, 0x9a6c9329ac4bc9b5ull,
				 0 },
	[CHECKSUM_SHA1] = { "SHA1", "x-amz-checksum-sha1", 20, 0, DIGEST_SHA1 },
	[CHECKSUM_SHA256] = { "SHA256", "x-amz-checksum-sha256", 32, 0, DIGEST_SHA256 },
};

enum checksum_kind checksum_kind_of(struct bytes name)
{
	for (size_t i = 1; i < COUNT(kinds); i++)
		if (bytes_eq_nocase(name, bytes_of(kinds[i].name)))
			return (enum checksum_kind)i;
	return CHECKSUM_NONE;
}

const char *checksum_name(enum checksum_kind kind)
{
	return kinds[kind].name;
}

enum checksum_kind checksum_kind_of_field(struct bytes field)
{
	for (size_t i = 1; i < COUNT(kinds); i++)
		if (bytes_eq_nocase(field, bytes_of(kinds[i].field)))
			return (enum checksum_kind)i;
	return CHECKSUM_NONE;
}

/* ---- CRCs, eight bytes at a time ---- */

static uint64_t tables[CHECKSUM_KINDS][SLICES][256];
static pthread_once_t tables_made = PTHREAD_ONCE_INIT;

static void make_table(uint64_t table[SLICES][256], uint64_t polynomial)
{
	for (unsigned byte = 0; byte < 256; byte++) {
		uint64_t crc = byte;

		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? polynomial : 0);
		table[0][byte] = crc;
	}
	for (unsigned byte = 0; byte < 256; byte++)
		for (int slice = 1; slice < SLICES; slice++)
			table[slice][byte] = table[slice - 1][byte] >> 8 ^
					     table[0][table[slice - 1][byte] & 0xff];
}

static void make_tables(void)
{
	make_table(tables[CHECKSUM_CRC32], kinds[CHECKSUM_CRC32].polynomial);
	make_table(tables[CHECKSUM_CRC32C], kinds[CHECKSUM_CRC32C].polynomial);
	make_table(tables[CHECKSUM_CRC64NVME], kinds[CHECKSUM_CRC64NVME].polynomial);
}

static uint64_t crc_add(const uint64_t table[SLICES][256], uint64_t crc, struct bytes piece)
{
	const unsigned char *at = (const unsigned char *)piece.at;
	size_t left = piece.len;

	for (; left >= 8; left -= 8, at += 8) {
		uint64_t word;

		memcpy(&word, at, 8); /* little end first, as on every machine Weir runs on */
		word ^= crc;
		crc = 0;
		for (int i = 0; i < 8; i++)
			crc ^= table[7 - i][word >> (8 * i) & 0xff];
	}
	for (; left; left--, at++)
		crc = crc >> 8 ^ table[0][(crc ^ *at) & 0xff];
	return crc;
}

static uint64_t all_ones(enum checksum_kind kind)
{
	return kinds[kind].bytes == 8 ? UINT64_MAX : UINT32_MAX;
}

/* ---- One ---- */

err_t checksum_init(struct checksum *sum, enum checksum_kind kind)
{
	*sum = (struct checksum){ .kind = kind };
	if (kind == CHECKSUM_NONE)
		return ERR_OK;
	if (!kinds[kind].polynomial)
		return digest_stream_create(kinds[kind].digest, &sum->digest);
	pthread_once(&tables_made, make_tables);
	sum->crc = all_ones(kind);
	return ERR_OK;
}

void checksum_add(struct checksum *sum, struct bytes piece)
{
	if (sum->digest)
		digest_stream_add(sum->digest, piece);
	else if (sum->kind != CHECKSUM_NONE)
		sum->crc = crc_add(tables[sum->kind], sum->crc, piece);
}

static void write_text(const uint8_t *raw, size_t len, char out[CHECKSUM_TEXT_BYTES])
{
	struct text text = TEXT_INIT(CHECKSUM_TEXT_BYTES);

	encode_base64(&text, bytes_make(raw, len));
	snprintf(out, CHECKSUM_TEXT_BYTES, "%s", text_str(&text));
	text_fini(&text);
}

static void write_crc(enum checksum_kind kind, uint64_t crc, char out[CHECKSUM_TEXT_BYTES])
{
	uint8_t raw[8];
	size_t len = kinds[kind].bytes;

	for (size_t i = 0; i < len; i++)
		raw[i] = (uint8_t)(crc >> (8 * (len - 1 - i)));
	write_text(raw, len, out);
}

void checksum_finish(struct checksum *sum, char out[CHECKSUM_TEXT_BYTES])
{
	uint8_t raw[DIGEST_BYTES_MAX];
	struct digest_stream *digest = sum->digest;

	sum->digest = NULL;
	if (out)
		out[0] = '\0';
	if (digest) {
		size_t len = digest_stream_finish(digest, out ? raw : NULL);

		if (out)
			write_text(raw, len, out);
	} else if (out && sum->kind != CHECKSUM_NONE) {
		write_crc(sum->kind, sum->crc ^ all_ones(sum->kind), out);
	}
}

static bool read_text(enum checksum_kind kind, struct bytes in, uint8_t raw[CHECKSUM_BYTES_MAX])
{
	struct text plain = TEXT_INIT(CHECKSUM_BYTES_MAX);
	bool good = kind != CHECKSUM_NONE && decode_base64(&plain, in) == ERR_OK &&
		    plain.len == kinds[kind].bytes;

	if (good && raw)
		memcpy(raw, plain.at, plain.len);
	text_fini(&plain);
	return good;
}

bool checksum_is_text(enum checksum_kind kind, struct bytes text)
{
	return read_text(kind, text, NULL);
}

/* ---- Wholes of parts ---- */

/* Polynomials modulo the CRC's own, bits reflected: bit 0 is the highest power. */
static uint64_t times(uint64_t a, uint64_t b, uint64_t polynomial, unsigned bits)
{
	uint64_t product = 0, highest = 1ull << (bits - 1);

	for (uint64_t bit = highest; bit; bit >>= 1) {
		if (a & bit)
			product ^= b;
		b = b >> 1 ^ (b & 1 ? polynomial : 0);
	}
	return product;
}

/* x to the power of 8 × bytes. */
static uint64_t shift_of(uint64_t bytes, uint64_t polynomial, unsigned bits)
{
	uint64_t power = 1ull << (bits - 2), shift = 1ull << (bits - 1); /* x, and 1 */

	for (int i = 0; i < 3; i++)
		power = times(power, power, polynomial, bits);
	for (; bytes; bytes >>= 1) {
		if (bytes & 1)
			shift = times(shift, power, polynomial, bits);
		power = times(power, power, polynomial, bits);
	}
	return shift;
}

static uint64_t read_crc(const uint8_t *raw, size_t len)
{
	uint64_t crc = 0;

	for (size_t i = 0; i < len; i++)
		crc = crc << 8 | raw[i];
	return crc;
}

bool checksum_can_join(enum checksum_kind kind)
{
	return kinds[kind].polynomial != 0;
}

err_t checksum_join(enum checksum_kind kind, char sum[CHECKSUM_TEXT_BYTES], struct bytes part,
		    uint64_t part_bytes)
{
	unsigned bits = (unsigned)kinds[kind].bytes * 8;
	uint8_t raw[CHECKSUM_BYTES_MAX];
	uint64_t before = 0, after;

	assert(checksum_can_join(kind));
	if (!read_text(kind, part, raw))
		return ERR_SYNTAX;
	after = read_crc(raw, kinds[kind].bytes);
	if (sum[0]) {
		if (!read_text(kind, bytes_of(sum), raw))
			return ERR_SYNTAX;
		before = read_crc(raw, kinds[kind].bytes);
		after ^= times(shift_of(part_bytes, kinds[kind].polynomial, bits), before,
			       kinds[kind].polynomial, bits);
	}
	write_crc(kind, after, sum);
	return ERR_OK;
}
