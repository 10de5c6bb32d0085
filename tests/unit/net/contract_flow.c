/* The contract's part on backpressure and the bytes themselves. See contract.c. */
#include "tests/unit/net/contract.h"

static char block[64 * 1024];

/* Until the other side's window is full. Returns the bytes taken. */
static size_t fill(struct side *side, size_t max_bytes)
{
	size_t sum = 0, taken = sizeof block;

	while (taken == sizeof block && sum < max_bytes) {
		struct bytes data = bytes_make(block, sizeof block);

		CHECK_OK(socket_send(side->socket, (struct slices){ &data, 1 }, false, &taken));
		sum += taken;
	}
	return sum;
}

TEST(a_reader_that_pauses_stops_the_sender_who_hears_of_room_later)
{
	size_t sent;

	open_pair();
	sent = fill(&near, SIDE_MAX_BYTES);
	CHECK(sent < SIDE_MAX_BYTES / 2, "%zu bytes and no end", sent);
	settle();
	/* The kernel's own buffers may move a little, but not for long. */
	for (unsigned last = near.writables + 1; last != near.writables;) {
		last = near.writables;
		sent += fill(&near, SIDE_MAX_BYTES);
		settle();
	}
	near.writables = 0;
	socket_receive(far.socket);
	UNTIL(near_writable);
	wanted_bytes = sent;
	UNTIL(far_received_wanted);
	settle();
	CHECK_EQ(near.writables, 1, "told once for each short send");
	CHECK_EQ(far.received.len, sent);
	close_world();
}

TEST(room_is_told_only_where_a_send_was_short)
{
	open_pair();
	socket_receive(far.socket);
	CHECK_EQ(send_text(&near, "all of it"), 9);
	settle();
	CHECK_EQ(near.writables, 0);
	close_world();
}

static size_t left_bytes;

static void go_on_sending(struct side *side)
{
	while (left_bytes > 0 && side->writables + side->connects > 0) {
		size_t len = size_min(left_bytes, 10007), taken;
		size_t phase = (4 * 1024 * 1024 - left_bytes) % 251;
		char piece[10007];
		struct bytes data = bytes_make(piece, len);

		for (size_t i = 0; i < len; i++)
			piece[i] = (char)((phase + i) % 251);
		CHECK_OK(socket_send(side->socket, (struct slices){ &data, 1 }, false, &taken));
		left_bytes -= taken;
		if (taken < len)
			return;
	}
}

TEST(four_megabytes_arrive_whole_and_in_order)
{
	open_pair();
	left_bytes = wanted_bytes = 4 * 1024 * 1024;
	socket_receive(far.socket);
	near.then = go_on_sending;
	go_on_sending(&near);
	UNTIL(far_received_wanted);
	CHECK_EQ(far.received.len, wanted_bytes);
	for (size_t i = 0; i < wanted_bytes; i++)
		if ((unsigned char)far.received.at[i] != i % 251)
			check_failed(__FILE__, __LINE__, "byte %zu is wrong", i);
	CHECK(far.largest <= 16 * 1024, "the default size of a receive");
	close_world();
}

TEST(a_send_gathers_its_slices)
{
	struct bytes parts[16];
	size_t taken;

	open_pair();
	for (size_t i = 0; i < COUNT(parts); i++)
		parts[i] = bytes_make(&"0123456789abcdef"[i], i % 2);
	socket_receive(far.socket);
	CHECK_OK(socket_send(near.socket, (struct slices){ parts, 16 }, false, &taken));
	CHECK_EQ(taken, 8);
	settle();
	CHECK_STR(text_str(&far.received), "13579bdf");
	parts[0] = BYTES_NONE;
	CHECK_OK(socket_send(near.socket, (struct slices){ parts, 1 }, false, &taken));
	CHECK_EQ(taken, 0);
	CHECK_OK(socket_send(near.socket, (struct slices){ parts, 0 }, false, &taken));
	settle();
	CHECK_EQ(near.writables, 0, "nothing was short");
	close_world();
}

TEST(more_does_not_keep_the_end_from_arriving)
{
	struct bytes head = BYTES("head "), body = BYTES("body");
	size_t taken;

	open_pair();
	socket_receive(far.socket);
	CHECK_OK(socket_send(near.socket, (struct slices){ &head, 1 }, true, &taken));
	CHECK_OK(socket_send(near.socket, (struct slices){ &body, 1 }, false, &taken));
	settle();
	CHECK_STR(text_str(&far.received), "head body");
	close_world();
}

TEST(the_room_promised_is_taken)
{
	open_pair();
	for (unsigned i = 0; i < 1000; i++) {
		size_t room = socket_send_room(near.socket), taken;
		struct bytes data = bytes_make(block, size_min(room, sizeof block));

		if (room == 0)
			break;
		CHECK_OK(socket_send(near.socket, (struct slices){ &data, 1 }, false, &taken));
		CHECK_EQ(taken, data.len, "in round %u", i);
	}
	close_world();
}

TEST(a_low_water_mark_gathers_and_an_end_brings_the_rest)
{
	open_pair();
	socket_low_water(far.socket, 10);
	socket_receive(far.socket);
	send_text(&near, "12345");
	settle();
	CHECK_EQ(far.receives, 0);
	send_text(&near, "67890");
	UNTIL(far_received);
	CHECK_STR(text_str(&far.received), "1234567890");
	CHECK_EQ(far.receives, 1);
	send_text(&near, "rest");
	settle();
	CHECK_EQ(far.receives, 1);
	close_side(&near);
	UNTIL(far_ended);
	CHECK_STR(text_str(&far.received), "1234567890rest");
	close_world();
}

TEST(lowering_the_mark_brings_what_lay_below_it)
{
	open_pair();
	socket_low_water(far.socket, 100);
	socket_receive(far.socket);
	send_text(&near, "below");
	settle();
	CHECK_EQ(far.receives, 0);
	socket_low_water(far.socket, 1);
	UNTIL(far_received);
	close_world();
}

TEST(thin_acks_change_nothing_that_one_sees)
{
	open_pair();
	socket_thin_acks(far.socket, true);
	socket_receive(far.socket);
	for (unsigned i = 0; i < 50; i++) {
		wanted_bytes = far.received.len + 1;
		send_text(&near, "t");
		UNTIL(far_received_wanted);
	}
	CHECK_EQ(far.receives, 50);
	close_world();
}

static void close_writable(struct side *side)
{
	if (side->writables)
		close_side(side);
}

TEST(closing_within_on_writable_is_safe)
{
	open_pair();
	fill(&near, SIDE_MAX_BYTES);
	near.then = close_writable;
	socket_receive(far.socket);
	UNTIL(far_ended);
	CHECK_EQ(near.writables, 1);
	close_world();
}
