/* Addresses and ranges from hostile text: what was accepted reads the same once written out. */
#include <stdlib.h>

#include "net/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_address(struct bytes text)
{
	struct address address, again;
	char out[ADDRESS_TEXT_BYTES];

	if (address_parse(text, &address))
		return;
	if (address_format(&address, out) >= sizeof out || address.reserved != 0)
		abort();
	if (address_parse(bytes_of(out), &again) || !address_eq(&address, &again))
		abort();
}

static void check_range(struct bytes text)
{
	struct cidr cidr;

	if (cidr_parse(text, &cidr))
		return;
	if (cidr.bits > (cidr.base.family == 6 ? 128 : 32) || !cidr_contains(&cidr, &cidr.base))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes text = bytes_make(data, size);

	check_address(text);
	check_range(text);
	return 0;
}
