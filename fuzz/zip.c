#include "fuzz/zip.h"

#include <zlib.h>

struct part {
	struct bytes name, data;
	uint32_t sum;
	size_t at; /* of its local header */
};

static void add_u16(struct text *out, size_t value)
{
	text_add_char(out, (char)(value & 255));
	text_add_char(out, (char)(value >> 8 & 255));
}

static void add_u32(struct text *out, size_t value)
{
	add_u16(out, value & 0xffff);
	add_u16(out, value >> 16);
}

/* What the local header and the directory say alike: from the version to the name's length. */
static void add_facts(struct text *out, const struct part *part)
{
	add_u16(out, 20);
	add_u16(out, 0); /* no flags, stored */
	add_u16(out, 0);
	add_u32(out, 0x21 << 16); /* 1 January 1980 */
	add_u32(out, part->sum);
	add_u32(out, part->data.len);
	add_u32(out, part->data.len);
	add_u16(out, part->name.len);
	add_u16(out, 0);
}

static void add_local(struct text *out, struct part *part)
{
	part->at = out->len;
	text_add(out, BYTES("PK\3\4"));
	add_facts(out, part);
	text_add(out, part->name);
	text_add(out, part->data);
}

static void add_entry(struct text *out, const struct part *part)
{
	text_add(out, BYTES("PK\1\2"));
	add_u16(out, 20);
	add_facts(out, part);
	add_u16(out, 0); /* no comment, first disk, no attributes */
	add_u16(out, 0);
	add_u16(out, 0);
	add_u32(out, 0);
	add_u32(out, part->at);
	text_add(out, part->name);
}

static void cut_part(struct bytes *rest, struct part *part)
{
	size_t end = bytes_find(*rest, BYTES("\n@"));

	part->data = bytes_upto(*rest, end);
	*rest = end == SIZE_MAX ? BYTES_NONE : bytes_from(*rest, end + 2);
	bytes_cut(&part->data, '\n', &part->name);
	part->name = bytes_upto(part->name, 0xffff);
	part->sum = (uint32_t)crc32(0, (const unsigned char *)part->data.at, (uInt)part->data.len);
}

void zip_pack(struct text *out, struct bytes parts)
{
	struct part cut[ZIP_PARTS_MAX];
	size_t count = 0, start;

	parts = bytes_from(parts, bytes_starts(parts, BYTES("@")));
	while (parts.len && count < ZIP_PARTS_MAX)
		cut_part(&parts, &cut[count++]);
	for (size_t i = 0; i < count; i++)
		add_local(out, &cut[i]);
	start = out->len;
	for (size_t i = 0; i < count; i++)
		add_entry(out, &cut[i]);
	text_add(out, BYTES("PK\5\6\0\0\0\0"));
	add_u16(out, count);
	add_u16(out, count);
	add_u32(out, out->len - 12 - start);
	add_u32(out, start);
	add_u16(out, 0);
}
