/*
 * checksum: the five checksums that S3 knows, over bytes that come in pieces; and those of wholes
 * out of their parts'. Pure; a checksum is one thread's at a time.
 */
#ifndef SERVICES_S3_CHECKSUM_H
#define SERVICES_S3_CHECKSUM_H

#include "base/text.h"

enum checksum_kind {
	CHECKSUM_NONE,
	CHECKSUM_CRC32,
	CHECKSUM_CRC32C,
	CHECKSUM_CRC64NVME,
	CHECKSUM_SHA1,
	CHECKSUM_SHA256,
};

enum { CHECKSUM_KINDS = 6, CHECKSUM_BYTES_MAX = 32, CHECKSUM_TEXT_BYTES = 48 };

/* "CRC32"; CHECKSUM_NONE for an unknown one. */
enum checksum_kind checksum_kind_of(struct bytes name);
const char *checksum_name(enum checksum_kind kind);
/* "x-amz-checksum-crc32" → CRC32. Case does not matter. */
enum checksum_kind checksum_kind_of_field(struct bytes field);

struct checksum {
	enum checksum_kind kind;
	uint64_t crc;
	struct digest_stream *digest;
};

err_t checksum_init(struct checksum *sum, enum checksum_kind kind);
void checksum_add(struct checksum *sum, struct bytes piece);
/* In base64, as fields carry it; "" of none. Ends it; `out` may be NULL. */
void checksum_finish(struct checksum *sum, char out[CHECKSUM_TEXT_BYTES]);

/* Whether a text is base64 of as many bytes as the kind has. */
bool checksum_is_text(enum checksum_kind kind, struct bytes text);

/*
 * The checksum of a whole made of parts: *sum starts as "" and takes each part's, in order.
 * CRCs only: of the others no such thing can be had.
 */
bool checksum_can_join(enum checksum_kind kind);
err_t checksum_join(enum checksum_kind kind, char sum[CHECKSUM_TEXT_BYTES], struct bytes part,
		    uint64_t part_bytes);

#endif
