/*
 * The pure part: which fields go out, in which order, and how the body is framed.
 */
#include "base/backlog.h"
#include "conn/h1_head.h"
#include "http/h1.h"
#include "tests/check.h"

#define FIELD(name, value)                       \
	{                                        \
		{ name, sizeof(name) - 1 },      \
		{                                \
			value, sizeof(value) - 1 \
		}                                \
	}

#define NO_FIELDS             \
	{                     \
		FIELD("", "") \
	}

enum { FIELDS_MAX = 8 };

static unsigned count_fields(const struct http_field *fields)
{
	unsigned count = 0;

	while (count < FIELDS_MAX && fields[count].name.len)
		count++;
	return count;
}

static const struct {
	const char *name;
	uint16_t status;
	enum http_framing framing;
	uint64_t length;
	uint32_t flags;
	struct h1_client client;
	struct http_field fields[FIELDS_MAX];
	const char *wire;
	enum http_framing wire_framing;
	bool close;
} responses[] = {
	{ "ALB's page",
	  502,
	  HTTP_BODY_LENGTH,
	  122,
	  0,
	  { 0 },
	  { FIELD("Server", "awselb/2.0"), FIELD("Date", "now"), FIELD("Content-Type", "text/html"),
	    FIELD("Content-Length", "122"), FIELD("Connection", "keep-alive") },
	  "Server: awselb/2.0\r\nDate: now\r\nContent-Type: text/html\r\nContent-Length: 122\r\n"
	  "Connection: keep-alive\r\n",
	  HTTP_BODY_LENGTH,
	  false },
	{ "a wrong length is replaced where it stood",
	  200,
	  HTTP_BODY_LENGTH,
	  7,
	  0,
	  { 0 },
	  { FIELD("content-length", "9999"), FIELD("X", "1"), FIELD("Content-Length", "8") },
	  "Content-Length: 7\r\nX: 1\r\nConnection: keep-alive\r\n",
	  HTTP_BODY_LENGTH,
	  false },
	{ "hop-by-hop fields go",
	  200,
	  HTTP_BODY_CHUNKED,
	  0,
	  0,
	  { 0 },
	  { FIELD("Keep-Alive", "timeout=5"), FIELD("TE", "trailers"), FIELD("Upgrade", "h2c"),
	    FIELD("proxy-connection", "x"), FIELD("Transfer-Encoding", "chunked"),
	    FIELD("A", "b") },
	  "Transfer-Encoding: chunked\r\nA: b\r\nConnection: keep-alive\r\n",
	  HTTP_BODY_CHUNKED,
	  false },
	{ "duplicates stay in order",
	  200,
	  HTTP_BODY_LENGTH,
	  0,
	  0,
	  { 0 },
	  { FIELD("Set-Cookie", "a"), FIELD("X", ""), FIELD("Set-Cookie", "b") },
	  "Set-Cookie: a\r\nX: \r\nSet-Cookie: b\r\nContent-Length: 0\r\nConnection: keep-alive\r\n",
	  HTTP_BODY_LENGTH,
	  false },
	{ "chunks for HTTP/1.0",
	  200,
	  HTTP_BODY_CHUNKED,
	  0,
	  0,
	  { .http10 = true },
	  { FIELD("Transfer-Encoding", "chunked") },
	  "Connection: close\r\n",
	  HTTP_BODY_CLOSE,
	  true },
	{ "a length for HTTP/1.0",
	  200,
	  HTTP_BODY_LENGTH,
	  3,
	  0,
	  { .http10 = true },
	  NO_FIELDS,
	  "Content-Length: 3\r\nConnection: keep-alive\r\n",
	  HTTP_BODY_LENGTH,
	  false },
	{ "frames",
	  200,
	  HTTP_BODY_FRAMES,
	  0,
	  0,
	  { .close = true },
	  NO_FIELDS,
	  "Transfer-Encoding: chunked\r\nConnection: close\r\n",
	  HTTP_BODY_CHUNKED,
	  true },
	{ "until the end",
	  200,
	  HTTP_BODY_CLOSE,
	  0,
	  0,
	  { 0 },
	  NO_FIELDS,
	  "Transfer-Encoding: chunked\r\nConnection: keep-alive\r\n",
	  HTTP_BODY_CHUNKED,
	  false },
	{ "none",
	  200,
	  HTTP_BODY_NONE,
	  5,
	  0,
	  { 0 },
	  NO_FIELDS,
	  "Content-Length: 0\r\nConnection: keep-alive\r\n",
	  HTTP_BODY_LENGTH,
	  false },
	{ "HEAD, a length",
	  200,
	  HTTP_BODY_LENGTH,
	  5,
	  0,
	  { .head_request = true },
	  NO_FIELDS,
	  "Content-Length: 5\r\nConnection: keep-alive\r\n",
	  HTTP_BODY_NONE,
	  false },
	{ "HEAD, as a target answers it",
	  200,
	  HTTP_BODY_NONE,
	  5,
	  HTTP_FLAG_HAS_LENGTH,
	  { .head_request = true },
	  { FIELD("Content-Length", "5"), FIELD("A", "b") },
	  "Content-Length: 5\r\nA: b\r\nConnection: keep-alive\r\n",
	  HTTP_BODY_NONE,
	  false },
	{ "HEAD, a length that is none",
	  200,
	  HTTP_BODY_NONE,
	  0,
	  0,
	  { .head_request = true },
	  { FIELD("Content-Length", "5, 5") },
	  "Connection: keep-alive\r\n",
	  HTTP_BODY_NONE,
	  false },
	{ "HEAD, chunks",
	  200,
	  HTTP_BODY_CHUNKED,
	  0,
	  0,
	  { .head_request = true },
	  NO_FIELDS,
	  "Transfer-Encoding: chunked\r\nConnection: keep-alive\r\n",
	  HTTP_BODY_NONE,
	  false },
	{ "204 says no length",
	  204,
	  HTTP_BODY_LENGTH,
	  0,
	  0,
	  { 0 },
	  { FIELD("Content-Length", "0") },
	  "Connection: keep-alive\r\n",
	  HTTP_BODY_NONE,
	  false },
	{ "304 may",
	  304,
	  HTTP_BODY_NONE,
	  9,
	  HTTP_FLAG_HAS_LENGTH,
	  { 0 },
	  NO_FIELDS,
	  "Content-Length: 9\r\nConnection: keep-alive\r\n",
	  HTTP_BODY_NONE,
	  false },
	{ "103 says nothing of the connection",
	  103,
	  HTTP_BODY_NONE,
	  0,
	  0,
	  { .close = true },
	  { FIELD("Link", "x"), FIELD("Content-Length", "3") },
	  "Link: x\r\n",
	  HTTP_BODY_NONE,
	  true },
	{ "101",
	  101,
	  HTTP_BODY_NONE,
	  0,
	  HTTP_FLAG_UPGRADE,
	  { 0 },
	  { FIELD("Upgrade", "websocket"), FIELD("Connection", "Upgrade") },
	  "Upgrade: websocket\r\nConnection: upgrade\r\n",
	  HTTP_BODY_NONE,
	  false },
};

static void check_wire(const struct h1_out *out, const char *want, const char *name)
{
	struct text wire = TEXT_INIT(1 << 16);
	struct bytes got;

	if (out->head.is_response)
		h1_write_response(&wire, &out->head);
	else
		h1_write_request(&wire, &out->head);
	CHECK_OK(text_err(&wire));
	got = text_bytes(&wire);
	got = bytes_from(got, bytes_find(got, BYTES("\r\n")) + 2);
	got.len -= 2; /* the empty line */
	CHECK_BYTES(got, want, "%s", name);
	text_fini(&wire);
}

TEST(responses_carry_what_their_client_can_read)
{
	for (size_t i = 0; i < COUNT(responses); i++) {
		struct http_head head = {
			.is_response = true,
			.version = HTTP_1_0, /* a target's; ours is written */
			.status = responses[i].status,
			.framing = responses[i].framing,
			.length = responses[i].length,
			.flags = responses[i].flags,
			.fields = responses[i].fields,
			.field_count = count_fields(responses[i].fields),
		};
		struct h1_out out;

		CHECK_OK(h1_out_response(&out, &head, responses[i].client));
		CHECK_EQ(out.framing, responses[i].wire_framing, "%s", responses[i].name);
		CHECK_EQ(out.close, responses[i].close, "%s", responses[i].name);
		CHECK_EQ(out.head.version, HTTP_1_1);
		check_wire(&out, responses[i].wire, responses[i].name);
	}
}

static const struct {
	const char *name, *method;
	enum http_framing framing;
	uint64_t length;
	uint32_t flags;
	struct http_field fields[FIELDS_MAX];
	const char *wire;
} requests[] = {
	{ "nothing of the client's connection",
	  "GET",
	  HTTP_BODY_NONE,
	  0,
	  0,
	  { FIELD("Host", "a"), FIELD("Connection", "close"), FIELD("Upgrade", "h2c"),
	    FIELD("TE", "gzip"), FIELD("Accept", "*/*") },
	  "Host: a\r\nAccept: */*\r\n" },
	{ "an upgrade",
	  "GET",
	  HTTP_BODY_NONE,
	  0,
	  HTTP_FLAG_UPGRADE,
	  { FIELD("Host", "a"), FIELD("Connection", "Upgrade, x"), FIELD("Upgrade", "websocket") },
	  "Host: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\n" },
	{ "a length where it stood",
	  "POST",
	  HTTP_BODY_LENGTH,
	  3,
	  0,
	  { FIELD("Content-Length", "3"), FIELD("Host", "a") },
	  "Content-Length: 3\r\nHost: a\r\n" },
	{ "a smuggler's fields",
	  "POST",
	  HTTP_BODY_CHUNKED,
	  3,
	  0,
	  { FIELD("Content-Length", "3"), FIELD("Transfer-Encoding", "chunked"), FIELD("A", "b") },
	  "Transfer-Encoding: chunked\r\nA: b\r\n" },
	{ "GET may have a length of 0",
	  "GET",
	  HTTP_BODY_LENGTH,
	  0,
	  0,
	  { FIELD("A", "b") },
	  "A: b\r\nContent-Length: 0\r\n" },
	{ "DELETE without a body",
	  "DELETE",
	  HTTP_BODY_NONE,
	  0,
	  0,
	  { FIELD("A", "b") },
	  "A: b\r\n" },
	{ "PATCH without a body",
	  "PATCH",
	  HTTP_BODY_NONE,
	  0,
	  0,
	  { FIELD("A", "b") },
	  "A: b\r\nContent-Length: 0\r\n" },
};

TEST(requests_carry_our_framing_and_no_word_of_the_clients_connection)
{
	for (size_t i = 0; i < COUNT(requests); i++) {
		struct http_head head = {
			.method = bytes_of(requests[i].method),
			.target = BYTES("/"),
			.framing = requests[i].framing,
			.length = requests[i].length,
			.flags = requests[i].flags,
			.fields = requests[i].fields,
			.field_count = count_fields(requests[i].fields),
		};
		struct h1_out out;

		CHECK_OK(h1_out_request(&out, &head));
		check_wire(&out, requests[i].wire, requests[i].name);
	}
}

TEST(a_head_may_be_as_full_as_a_received_one_with_our_own_on_top)
{
	static struct http_field fields[H1_OUT_FIELDS_MAX + 1];
	struct http_head head = {
		.method = BYTES("POST"),
		.target = BYTES("/"),
		.fields = fields,
		.field_count = H1_OUT_FIELDS_MAX,
	};
	struct h1_out out;

	for (size_t i = 0; i < COUNT(fields); i++)
		fields[i] = (struct http_field)FIELD("A", "b");
	CHECK_OK(h1_out_request(&out, &head));
	CHECK_EQ(out.head.field_count, H1_OUT_FIELDS_MAX + 1);
	head.field_count++;
	CHECK_ERR(h1_out_request(&out, &head), ERR_FIELDS_TOO_LARGE);
}

TEST(a_backlog_gives_back_what_it_was_given)
{
	struct backlog *backlog = NULL;
	uint64_t given = 0, taken = 0;

	for (unsigned round = 1; round < 400; round++) {
		char piece[400];
		struct bytes view;

		for (unsigned i = 0; i < round; i++)
			piece[i] = (char)(given++ & 0x7f);
		CHECK_OK(backlog_add(&backlog, bytes_make(piece, round)));
		view = backlog_view(backlog);
		CHECK_EQ(view.len, given - taken);
		for (size_t i = 0; i < view.len; i++)
			CHECK_EQ(view.at[i], (taken + i) & 0x7f);
		/* Sometimes all of it, mostly a part. */
		view.len = round % 50 == 0 ? view.len : view.len / 2;
		taken += view.len;
		backlog_drop(&backlog, view.len);
		CHECK(round % 50 != 0 || !backlog, "an emptied one has no memory");
	}
	backlog_clear(&backlog);
	CHECK_EQ(backlog_bytes(backlog), 0);
}
