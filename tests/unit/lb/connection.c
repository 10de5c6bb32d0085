/* connection: lines of the connection log. */
#include "lb/connection.h"
#include "tests/check.h"

static struct address address_of(const char *ip, uint16_t port)
{
	struct address address;

	CHECK_OK(address_parse_ip(bytes_of(ip), port, &address));
	return address;
}

/* The example of ALB's documentation, with the fields that came later. */
static struct connection_record example(void)
{
	return (struct connection_record){
		.time_unix_us = 1696439115514108,
		.client = address_of("203.0.113.1", 36280),
		.local = address_of("192.0.2.1", 443),
		.listener_port = 443,
		.protocol = BYTES("TLSv1.2"),
		.cipher = BYTES("ECDHE-RSA-AES128-GCM-SHA256"),
		.group = BYTES("X25519"),
		.handshake_us = 4036000,
		.subject = BYTES("CN=amazondomains.com,O=endEntity,L=Seattle,ST=Washington,C=US"),
		.validity = BYTES("NotBefore=2023-09-21T22:43:21Z;NotAfter=2026-06-17T22:43:21Z"),
		.serial = BYTES("FEF257372D5C14D4"),
		.verify_status = BYTES("Success"),
		.conn_trace_id = BYTES("TID_3180a73013c8ca4bac2f731159d4b0fe"),
		.load_balancer_id = BYTES("app/my-lb/50dc6c495c0c9188"),
	};
}

TEST(a_line_is_as_alb_writes_it)
{
	struct connection_record record = example();
	struct text out = TEXT_INIT(4096);

	connection_line(&out, &record);
	CHECK_STR(text_str(&out),
		  "2023-10-04T17:05:15.514108Z 203.0.113.1 36280 443 TLSv1.2 "
		  "ECDHE-RSA-AES128-GCM-SHA256 4.036 "
		  "\"CN=amazondomains.com,O=endEntity,L=Seattle,ST=Washington,C=US\" "
		  "NotBefore=2023-09-21T22:43:21Z;NotAfter=2026-06-17T22:43:21Z "
		  "FEF257372D5C14D4 Success TID_3180a73013c8ca4bac2f731159d4b0fe X25519 "
		  "app/my-lb/50dc6c495c0c9188 192.0.2.1\n");
	text_fini(&out);
}

TEST(what_is_absent_is_a_dash)
{
	struct connection_record record = { .client = address_of("10.0.0.9", 5),
					    .local = address_of("10.0.0.1", 80),
					    .listener_port = 80,
					    .handshake_us = -1 };
	struct text out = TEXT_INIT(4096);

	connection_line(&out, &record);
	CHECK_STR(text_str(&out),
		  "1970-01-01T00:00:00.000000Z 10.0.0.9 5 80 - - - \"-\" - - - - - - "
		  "10.0.0.1\n");
	text_fini(&out);
}

TEST(a_subject_cannot_write_lines_of_its_own)
{
	struct connection_record record = example();
	struct text out = TEXT_INIT(4096);

	record.subject = BYTES("CN=a\" x\n2026 \xc3\xa9");
	connection_line(&out, &record);
	CHECK(strstr(text_str(&out), " \"CN=a\\x22 x\\x0A2026 \\xC3\\xA9\" NotBefore="));
	CHECK_EQ(bytes_index(text_bytes(&out), '\n'), out.len - 1);
	text_fini(&out);
}
