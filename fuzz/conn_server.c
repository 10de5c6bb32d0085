/*
 * HTTP/1 to a server conn (see conn_house.h), by a client that does anything: sends bytes in any
 * cut, stops reading, half-closes, resets, waits.
 *
 * The input is how the wire is cut, then a script: a byte that says what is done, and for sending
 * also how much.
 */
#include "fuzz/conn_house.h"

/* One step of the script; the rest of it stays in *in. */
static void play(struct house *house, struct bytes *in)
{
	unsigned char what = script_take(in);
	struct bytes piece;

	switch (what & 15) {
	case 0:
	case 1:
	case 2:
	case 3:
	case 4:
	case 5:
	case 6: house_do(house, what & 15, what); break;
	case 7: house_read(house, what); break;
	default:
		piece = bytes_upto(*in, 1u << (what >> 4));
		fake_send_bytes(house->client, piece);
		*in = bytes_from(*in, piece.len);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_upto(bytes_make(data, size), SCRIPT_MAX);
	struct house *house = house_open(script_take(&in) % 32, false);

	while (in.len)
		play(house, &in);
	house_close(house);
	return 0;
}
