#include "net/address.h"

#include <stdio.h>

#include "net/sockaddr.h"
#include "tests/check.h"

static const char *shown(const struct address *address)
{
	static char out[ADDRESS_TEXT_BYTES];

	address_format(address, out);
	return out;
}

TEST(an_address_with_a_port_reads_as_written)
{
	static const struct {
		const char *text, *again; /* NULL: refused */
	} cases[] = {
		{ "127.0.0.1:80", "127.0.0.1:80" },
		{ "0.0.0.0:0", "0.0.0.0:0" },
		{ "255.255.255.255:65535", "255.255.255.255:65535" },
		{ "[::1]:80", "[::1]:80" },
		{ "[::]:443", "[::]:443" },
		{ "[2001:DB8::0:1]:8443", "[2001:db8::1]:8443" },
		{ "[2001:db8:0:0:1:0:0:1]:1", "[2001:db8::1:0:0:1]:1" },
		{ "[::ffff:10.1.2.3]:80", "10.1.2.3:80" },
		{ "[1111:2222:3333:4444:5555:6666:7777:8888]:65535",
		  "[1111:2222:3333:4444:5555:6666:7777:8888]:65535" },
		{ "", NULL },
		{ "127.0.0.1", NULL },
		{ "127.0.0.1:", NULL },
		{ "127.0.0.1:65536", NULL },
		{ "127.0.0.1:-1", NULL },
		{ "127.0.0.1: 80", NULL },
		{ "127.0.0.1:80 ", NULL },
		{ "127.1:80", NULL },
		{ "127.0.0.01:80", NULL },
		{ "0x7f.0.0.1:80", NULL },
		{ "256.0.0.1:80", NULL },
		{ "1.2.3.4.5:80", NULL },
		{ ":80", NULL },
		{ "::1:80", NULL },
		{ "[::1]", NULL },
		{ "[::1]80", NULL },
		{ "[::1:80", NULL },
		{ "[]:80", NULL },
		{ "[127.0.0.1]:80", NULL },
		{ "[fe80::1%eth0]:80", NULL },
		{ "[1:2:3:4:5:6:7:8:9]:80", NULL },
		{ "localhost:80", NULL },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct address address;
		err_t err = address_parse(bytes_of(cases[i].text), &address);

		CHECK_EQ(!err, cases[i].again != NULL, "\"%s\"", cases[i].text);
		if (!err)
			CHECK_STR(shown(&address), cases[i].again, "\"%s\"", cases[i].text);
	}
}

TEST(an_address_that_ends_early_is_refused_at_every_cut)
{
	const char *whole = "[2001:db8::1]:8";

	for (size_t cut = 0; cut < strlen(whole); cut++) {
		char *piece = malloc(cut + 1); /* a piece of its own: overreading is seen */
		struct address address;

		memcpy(piece, whole, cut);
		CHECK(address_parse(bytes_make(piece, cut), &address) != ERR_OK, "%zu", cut);
		free(piece);
	}
}

TEST(a_nul_inside_does_not_end_an_address)
{
	struct address address;

	CHECK_ERR(address_parse_ip(BYTES("10.0.0.1\0x"), 1, &address), ERR_SYNTAX);
}

TEST(a_range_contains_what_its_prefix_says)
{
	static const struct {
		const char *cidr, *ip;
		bool contains;
	} cases[] = {
		{ "10.0.0.0/8", "10.255.255.255", true },
		{ "10.0.0.0/8", "11.0.0.0", false },
		{ "10.1.2.3/8", "10.9.9.9", true }, /* host bits are dropped */
		{ "0.0.0.0/0", "255.1.2.3", true },
		{ "0.0.0.0/0", "::1", false },
		{ "::/0", "10.0.0.1", false },
		{ "::/0", "2001:db8::1", true },
		{ "192.168.1.7/32", "192.168.1.7", true },
		{ "192.168.1.7/32", "192.168.1.6", false },
		{ "192.168.1.128/25", "192.168.1.127", false },
		{ "192.168.1.128/25", "192.168.1.128", true },
		{ "172.16.0.0/12", "172.31.255.255", true },
		{ "172.16.0.0/12", "172.32.0.0", false },
		{ "2001:db8::/32", "2001:db8:ffff::", true },
		{ "2001:db8::/32", "2001:db9::", false },
		{ "2001:db8::1/128", "2001:db8::1", true },
		{ "fc00::/7", "fdff::1", true },
		{ "fc00::/7", "fe00::", false },
		{ "10.0.0.0/8", "::ffff:10.1.1.1", true },
		{ "::ffff:10.0.0.0/104", "10.77.0.1", true },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct address address;
		struct cidr cidr;

		CHECK_OK(cidr_parse(bytes_of(cases[i].cidr), &cidr), "%s", cases[i].cidr);
		CHECK_OK(address_parse_ip(bytes_of(cases[i].ip), 4711, &address));
		CHECK_EQ(cidr_contains(&cidr, &address), cases[i].contains, "%s in %s", cases[i].ip,
			 cases[i].cidr);
	}
}

TEST(a_range_covers_those_that_lie_in_it_whole)
{
	static const struct {
		const char *outer, *inner;
		bool covers;
	} cases[] = {
		{ "10.0.0.0/8", "10.1.0.0/16", true },	    { "10.1.0.0/16", "10.0.0.0/8", false },
		{ "10.1.0.0/16", "10.1.0.0/16", true },	    { "10.1.0.0/16", "10.2.0.0/16", false },
		{ "0.0.0.0/0", "10.1.0.0/16", true },	    { "0.0.0.0/0", "2001:db8::/32", false },
		{ "2001:db8::/32", "2001:db8::/64", true }, { "::/0", "10.0.0.0/8", false },
	};
	struct cidr outer, inner;

	for (size_t i = 0; i < COUNT(cases); i++) {
		CHECK_OK(cidr_parse(bytes_of(cases[i].outer), &outer));
		CHECK_OK(cidr_parse(bytes_of(cases[i].inner), &inner));
		CHECK_EQ(cidr_covers(&outer, &inner), cases[i].covers, "%s in %s", cases[i].inner,
			 cases[i].outer);
	}
}

TEST(every_prefix_length_splits_at_its_bit)
{
	for (unsigned bits = 1; bits <= 128; bits++) {
		struct address base = { .family = 6 }, inside, outside;
		struct cidr cidr;
		char text[80], ip[ADDRESS_TEXT_BYTES];

		memset(base.ip, 0xff, sizeof base.ip);
		address_format_ip(&base, ip);
		snprintf(text, sizeof text, "%s/%u", ip, bits);
		CHECK_OK(cidr_parse(bytes_of(text), &cidr), "%s", text);
		outside = inside = base;
		outside.ip[(bits - 1) / 8] ^= (uint8_t)(0x80u >> (bits - 1) % 8);
		if (bits < 128)
			inside.ip[bits / 8] ^= (uint8_t)(0x80u >> bits % 8);
		CHECK(cidr_contains(&cidr, &inside), "%u", bits);
		CHECK(!cidr_contains(&cidr, &outside), "%u", bits);
	}
}

TEST(a_range_is_refused_where_it_is_none)
{
	static const struct {
		const char *text;
		err_t err;
	} cases[] = {
		{ "10.0.0.0", ERR_SYNTAX },	 { "10.0.0.0/", ERR_SYNTAX },
		{ "10.0.0.0/33", ERR_RANGE },	 { "::/129", ERR_RANGE },
		{ "10.0.0/8", ERR_SYNTAX },	 { "/8", ERR_SYNTAX },
		{ "10.0.0.0/8/8", ERR_SYNTAX },	 { "10.0.0.0/+8", ERR_SYNTAX },
		{ "10.0.0.0/0008", ERR_SYNTAX }, { "::ffff:10.0.0.0/95", ERR_RANGE },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct cidr cidr;

		CHECK_ERR(cidr_parse(bytes_of(cases[i].text), &cidr), cases[i].err, "%s",
			  cases[i].text);
	}
}

TEST(loopback_and_private_addresses_are_known)
{
	static const struct {
		const char *ip;
		bool loopback, private;
	} cases[] = {
		{ "127.0.0.1", true, false },
		{ "127.255.0.1", true, false },
		{ "128.0.0.1", false, false },
		{ "::1", true, false },
		{ "::2", false, false },
		{ "::ffff:127.0.0.1", true, false },
		{ "10.0.0.1", false, true },
		{ "172.15.0.1", false, false },
		{ "172.16.0.1", false, true },
		{ "172.32.0.1", false, false },
		{ "192.168.9.9", false, true },
		{ "192.169.0.1", false, false },
		{ "100.64.0.1", false, true },
		{ "100.63.0.1", false, false },
		{ "100.128.0.1", false, false },
		{ "fc00::1", false, true },
		{ "fd12::1", false, true },
		{ "fe80::1", false, false },
		{ "8.8.8.8", false, false },
		{ "2001:db8::1", false, false },
		{ "::ffff:10.0.0.1", false, true },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct address address;

		CHECK_OK(address_parse_ip(bytes_of(cases[i].ip), 0, &address));
		CHECK_EQ(address_is_loopback(&address), cases[i].loopback, "%s", cases[i].ip);
		CHECK_EQ(address_is_private(&address), cases[i].private, "%s", cases[i].ip);
	}
}

TEST(ports_count_in_one_comparison_and_not_in_the_other)
{
	struct address a, b;

	CHECK_OK(address_parse(BYTES("10.0.0.1:80"), &a));
	CHECK_OK(address_parse(BYTES("10.0.0.1:81"), &b));
	CHECK(!address_eq(&a, &b));
	CHECK(address_eq_ip(&a, &b));
	CHECK_OK(address_parse(BYTES("[a00:1::]:80"), &b)); /* the same bytes, another family */
	CHECK(!address_eq_ip(&a, &b));
}

TEST(the_kernel_gives_back_what_it_was_given)
{
	static const char *const texts[] = { "10.1.2.3:80", "[2001:db8::7]:65535", "[::]:0" };

	for (size_t i = 0; i < COUNT(texts); i++) {
		struct sockaddr_storage kernel;
		struct address there, back;

		CHECK_OK(address_parse(bytes_of(texts[i]), &there));
		address_to_kernel(&there, &kernel);
		address_from_kernel(&kernel, &back);
		CHECK(address_eq(&there, &back), "%s", texts[i]);
	}
}
