/* What security groups let through, as data. */
#include "lb/admit.h"

#include "tests/check.h"

static struct address ip(const char *text)
{
	struct address address;

	CHECK_OK(address_parse_ip(bytes_of(text), 4711, &address), "%s", text);
	return address;
}

static struct admit_rule rule(const char *cidr, uint16_t first, uint16_t last)
{
	struct admit_rule rule = { .port_first = first, .port_last = last };

	CHECK_OK(cidr_parse(bytes_of(cidr), &rule.other), "%s", cidr);
	return rule;
}

static const struct {
	const char *cidr, *peer;
	uint16_t first, last, port;
	bool want;
} cases[] = {
	{ "0.0.0.0/0", "127.0.0.1", 80, 80, 80, true },
	{ "0.0.0.0/0", "127.0.0.1", 80, 80, 79, false },
	{ "0.0.0.0/0", "127.0.0.1", 80, 80, 81, false },
	{ "0.0.0.0/0", "255.255.255.255", 0, 65535, 0, true },
	{ "0.0.0.0/0", "0.0.0.0", 0, 65535, 65535, true },
	{ "0.0.0.0/0", "::1", 0, 65535, 80, false },
	{ "::/0", "::1", 0, 65535, 80, true },
	{ "::/0", "127.0.0.1", 0, 65535, 80, false },
	{ "10.0.0.0/8", "10.255.255.255", 1, 2, 1, true },
	{ "10.0.0.0/8", "11.0.0.0", 1, 2, 1, false },
	{ "10.0.0.0/8", "9.255.255.255", 1, 2, 2, false },
	{ "127.0.0.1/32", "127.0.0.1", 80, 80, 80, true },
	{ "127.0.0.1/32", "127.0.0.2", 80, 80, 80, false },
	{ "127.0.0.0/31", "127.0.0.1", 80, 80, 80, true },
	{ "2001:db8::/33", "2001:db8:7fff::1", 80, 80, 80, true },
	{ "2001:db8::/33", "2001:db8:8000::1", 80, 80, 80, false },
};

TEST(a_rule_covers_addresses_and_ports_up_to_both_edges)
{
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct admit_rule one = rule(cases[i].cidr, cases[i].first, cases[i].last);
		struct admit_list list = { &one, 1 };
		struct address peer = ip(cases[i].peer);

		CHECK_EQ(admit_allows(&list, &peer, cases[i].port), cases[i].want,
			 "%s port %u by %s", cases[i].peer, cases[i].port, cases[i].cidr);
	}
}

TEST(no_list_admits_everyone_and_an_empty_one_nobody)
{
	struct admit_list none = { NULL, 0 };
	struct address peer = ip("10.1.2.3");

	CHECK(admit_allows(NULL, &peer, 80));
	CHECK(!admit_allows(&none, &peer, 80));
}

TEST(one_rule_of_several_is_enough_wherever_it_stands)
{
	struct address peer = ip("10.1.2.3");

	for (unsigned place = 0; place < 3; place++) {
		struct admit_rule rules[3];
		struct admit_list list = { rules, COUNT(rules) };

		for (unsigned i = 0; i < COUNT(rules); i++)
			rules[i] = i == place ? rule("10.1.0.0/16", 443, 444)
					      : rule("192.168.0.0/16", 0, 65535);
		CHECK(admit_allows(&list, &peer, 444), "at %u", place);
		CHECK(!admit_allows(&list, &peer, 80), "address of one, port of another");
	}
}

TEST(every_prefix_length_admits_exactly_the_addresses_under_it)
{
	for (unsigned bits = 0; bits <= 32; bits++)
		for (unsigned flipped = 0; flipped < 32; flipped++) {
			struct admit_rule one = { .port_last = 65535 };
			struct admit_list list = { &one, 1 };
			struct address peer = ip("0.0.0.0");

			one.other.base = peer;
			one.other.base.port = 0;
			one.other.bits = (uint8_t)bits;
			peer.ip[flipped / 8] = (uint8_t)(0x80 >> flipped % 8);
			CHECK_EQ(admit_allows(&list, &peer, 1), flipped >= bits, "/%u, bit %u",
				 bits, flipped);
		}
}

TEST(a_target_is_reached_where_both_sides_allow_it_checks_at_their_own_port)
{
	struct admit_rule traffic = rule("10.0.0.0/8", 8000, 8000);
	struct admit_rule check = rule("10.0.0.0/8", 9000, 9000);
	struct admit_rule both = rule("10.0.0.0/8", 8000, 9000);
	const struct admit_list to_traffic = { &traffic, 1 }, to_check = { &check, 1 };
	const struct admit_list to_both = { &both, 1 };
	const struct {
		const struct admit_list *egress, *ingress;
		uint16_t health_port;
		uint8_t want;
	} rows[] = {
		{ NULL, NULL, 0, 0 },
		{ NULL, NULL, 9000, 0 },
		{ &to_traffic, NULL, 0, 0 },
		{ &to_traffic, NULL, 9000, ADMIT_DROPS_CHECKS | ADMIT_LACKS_EGRESS },
		{ &to_check, NULL, 9000, ADMIT_DROPS_REQUESTS | ADMIT_LACKS_EGRESS },
		{ &to_check, NULL, 0,
		  ADMIT_DROPS_REQUESTS | ADMIT_DROPS_CHECKS | ADMIT_LACKS_EGRESS },
		{ NULL, &to_check, 9000, ADMIT_DROPS_REQUESTS | ADMIT_LACKS_INGRESS },
		{ &to_both, &to_traffic, 9000, ADMIT_DROPS_CHECKS | ADMIT_LACKS_INGRESS },
		{ &to_traffic, &to_check, 9000,
		  ADMIT_DROPS_REQUESTS | ADMIT_DROPS_CHECKS | ADMIT_LACKS_EGRESS |
			  ADMIT_LACKS_INGRESS },
		{ &to_both, &to_both, 9000, 0 },
	};
	struct address target = ip("10.1.2.3");

	target.port = 8000;
	for (size_t i = 0; i < COUNT(rows); i++)
		CHECK_EQ(admit_drops(rows[i].egress, rows[i].ingress, &target, rows[i].health_port),
			 rows[i].want, "row %zu", i);
}
