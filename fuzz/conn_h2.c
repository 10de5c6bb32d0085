/*
 * HTTP/2 to a server conn (see conn_house.h), by a client that sends frames of any kind in any
 * order and cut, whole ones and pieces, stops reading, half-closes, resets, waits.
 *
 * The input is how the wire is cut, then a script: a byte that says what is done, and for frames
 * what they are made of.
 */
#include "fuzz/conn_house.h"

enum { FRAME_HEAD_BYTES = 9 };

enum frame { DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH, PING, GOAWAY, WINDOW_UPDATE };

struct client {
	struct house *house;
	uint32_t last_id; /* of its streams */
};

static void send_frame(struct client *client, unsigned kind, unsigned flags, uint32_t id,
		       struct bytes payload)
{
	char head[FRAME_HEAD_BYTES] = {
		(char)(payload.len >> 16),
		(char)(payload.len >> 8),
		(char)payload.len,
		(char)kind,
		(char)flags,
		(char)(id >> 24),
		(char)(id >> 16),
		(char)(id >> 8),
		(char)id,
	};

	fake_send_bytes(client->house->client, bytes_make(head, sizeof head));
	fake_send_bytes(client->house->client, payload);
}

/* A whole request: POST /MANNER of https, :authority a. */
static void send_request(struct client *client, char manner, unsigned flags)
{
	char block[] = { (char)0x83, (char)0x87, 0x04, 2, '/', manner, 0x01, 1, 'a' };

	client->last_id += client->last_id ? 2 : 1;
	send_frame(client, HEADERS, 4 | (flags & 1), client->last_id,
		   bytes_make(block, sizeof block));
}

/* What a client in its right mind sends. */
static void send_sane(struct client *client, unsigned kind, struct bytes *in)
{
	static const char zeros[1024];
	unsigned char how = script_take(in), which = script_take(in);
	char window[4] = { 0, 0, (char)how, 1 }, cancel[4] = { 0, 0, 0, 8 };
	uint32_t id = client->last_id - 2 * (which & 7);

	if (client->last_id < 2 * (which & 7))
		return;
	if (kind == DATA)
		send_frame(client, DATA, which >> 7, id, bytes_make(zeros, 4u * how));
	else if (kind == RST_STREAM)
		send_frame(client, RST_STREAM, 0, id, bytes_make(cancel, sizeof cancel));
	else if (kind == WINDOW_UPDATE)
		send_frame(client, WINDOW_UPDATE, 0, which & 128 ? 0 : id,
			   bytes_make(window, sizeof window));
	else
		send_frame(client, PING, 0, 0, bytes_make(zeros, 8));
}

/* The rest of the script lends the payload. */
static void send_any(struct client *client, unsigned kind, struct bytes *in)
{
	unsigned char flags = script_take(in), which = script_take(in), size = script_take(in);
	uint32_t id = which & 128 ? which & 3 : client->last_id - 2 * (which & 7);
	struct bytes payload = bytes_upto(*in, size);

	send_frame(client, kind, flags, id, payload);
	*in = bytes_from(*in, payload.len);
}

/* One step of the script; the rest of it stays in *in. */
static void play(struct client *client, struct bytes *in)
{
	static const char manners[] = "nkmpsxedclqw";
	unsigned char what = script_take(in);
	struct house *house = client->house;
	struct bytes piece;

	switch (what >> 4) {
	case 0: house_do(house, what & 7, script_take(in)); break;
	case 1:
	case 2:
	case 3:
	case 4:
		if (house->count < VISITS_MAX / 2)
			send_request(client, manners[(what & 15) % 12], what >> 4);
		break;
	case 5: house_read(house, 16 * what); break;
	case 6: fake_run_ms(house->net, what & 15); break;
	case 7:
	case 8:
	case 9: send_sane(client, DATA, in); break;
	case 10: send_sane(client, RST_STREAM, in); break;
	case 11:
	case 12: send_sane(client, WINDOW_UPDATE, in); break;
	case 13: send_sane(client, PING, in); break;
	case 14:
		if (what & 15)
			send_any(client, (what & 15) - 1, in);
		break;
	default:
		piece = bytes_upto(*in, what & 7);
		fake_send_bytes(house->client, piece);
		*in = bytes_from(*in, piece.len);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_upto(bytes_make(data, size), SCRIPT_MAX);
	struct client client = { .house = house_open(script_take(&in) % 32, true) };

	fake_send(client.house->client, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
	send_frame(&client, SETTINGS, 0, 0, BYTES_NONE);
	fake_run_ms(client.house->net, 1);
	while (in.len)
		play(&client, &in);
	house_close(client.house);
	return 0;
}
