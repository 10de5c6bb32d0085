#include "crypto/random.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/rand.h>

/* One generator a thread, seeded by the kernel and anew after a fork: OpenSSL keeps all that. */
void random_bytes(void *out, size_t len)
{
	unsigned char *at = out;

	while (len) {
		int step = (int)size_min(len, 1 << 20);

		if (RAND_bytes(at, step) != 1)
			abort();
		at += step;
		len -= (size_t)step;
	}
}

uint64_t random_u64(void)
{
	uint64_t value;

	random_bytes(&value, sizeof value);
	return value;
}

void random_hex(char *out, size_t digits)
{
	static const char letters[] = "0123456789abcdef";

	/* Raw bytes go where the digits will be; each digit uses half of its byte. */
	random_bytes(out, digits);
	for (size_t i = 0; i < digits; i++)
		out[i] = letters[(unsigned char)out[i] & 15];
	out[digits] = '\0';
}

void random_uuid(char out[37])
{
	uint8_t b[16];

	random_bytes(b, sizeof b);
	b[6] = (uint8_t)(0x40 | (b[6] & 0x0f)); /* version 4 */
	b[8] = (uint8_t)(0x80 | (b[8] & 0x3f)); /* the variant of RFC 9562 §4.1 */
	snprintf(out, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		 b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12],
		 b[13], b[14], b[15]);
}
