#include "net/address.h"

#include <arpa/inet.h>

static const uint8_t mapped_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

/*
 * ::ffff:a.b.c.d becomes a.b.c.d, so that one host has one spelling and a rule on 127.0.0.0/8
 * cannot be walked around.
 */
static void unmap(struct address *address)
{
	if (address->family != 6 || memcmp(address->ip, mapped_prefix, sizeof mapped_prefix) != 0)
		return;
	memcpy(address->ip, address->ip + 12, 4);
	memset(address->ip + 4, 0, 12);
	address->family = 4;
}

/* As written, mapped addresses included. */
static err_t parse_literal(struct bytes text, struct address *ret_address)
{
	struct address address = { .family = 4 };
	char copy[INET6_ADDRSTRLEN];

	if (text.len == 0 || text.len >= sizeof copy || bytes_index(text, '\0') != SIZE_MAX)
		return ERR_SYNTAX;
	memcpy(copy, text.at, text.len);
	copy[text.len] = '\0';
	if (bytes_index(text, ':') != SIZE_MAX)
		address.family = 6;
	if (inet_pton(address.family == 6 ? AF_INET6 : AF_INET, copy, address.ip) != 1)
		return ERR_SYNTAX;
	*ret_address = address;
	return ERR_OK;
}

err_t address_parse_ip(struct bytes text, uint16_t port, struct address *ret_address)
{
	struct address address;

	TRY(parse_literal(text, &address));
	unmap(&address);
	address.port = port;
	*ret_address = address;
	return ERR_OK;
}

err_t address_parse(struct bytes text, struct address *ret_address)
{
	size_t end; /* of the address; the colon before the port */
	struct bytes ip;
	uint64_t port;

	if (text.len && text.at[0] == '[') {
		end = bytes_find(text, BYTES("]:"));
		if (end == SIZE_MAX)
			return ERR_SYNTAX;
		ip = bytes_make(text.at + 1, end - 1);
		if (bytes_index(ip, ':') == SIZE_MAX)
			return ERR_SYNTAX;
		end++;
	} else {
		end = bytes_index(text, ':');
		if (end == SIZE_MAX)
			return ERR_SYNTAX;
		ip = bytes_upto(text, end);
	}
	TRY(bytes_to_u64(bytes_from(text, end + 1), UINT16_MAX, &port));
	return address_parse_ip(ip, (uint16_t)port, ret_address);
}

static void clear_host_bits(struct address *address, unsigned bits)
{
	for (unsigned i = 0; i < sizeof address->ip; i++) {
		unsigned kept = bits >= 8 * (i + 1) ? 8 : bits > 8 * i ? bits - 8 * i : 0;

		address->ip[i] &= (uint8_t)(0xff00u >> kept);
	}
}

err_t cidr_parse(struct bytes text, struct cidr *ret_cidr)
{
	struct bytes digits, literal;
	struct address base;
	size_t slash = bytes_index(text, '/');
	uint64_t bits;

	if (slash == SIZE_MAX)
		return ERR_SYNTAX;
	literal = bytes_upto(text, slash);
	digits = bytes_from(text, slash + 1);
	TRY(parse_literal(literal, &base));
	if (digits.len > 3)
		return ERR_SYNTAX;
	TRY(bytes_to_u64(digits, base.family == 6 ? 128 : 32, &bits));

	/* A range within ::ffff:0:0/96 is a range of IPv4; a wider one would be half of each. */
	if (base.family == 6) {
		unmap(&base);
		if (base.family == 4 && bits < 96)
			return ERR_RANGE;
		if (base.family == 4)
			bits -= 96;
	}
	clear_host_bits(&base, (unsigned)bits);
	*ret_cidr = (struct cidr){ .base = base, .bits = (uint8_t)bits };
	return ERR_OK;
}

bool cidr_contains(const struct cidr *cidr, const struct address *address)
{
	struct address network = *address;

	clear_host_bits(&network, cidr->bits);
	return address->family == cidr->base.family && address_eq_ip(&network, &cidr->base);
}

bool cidr_covers(const struct cidr *outer, const struct cidr *inner)
{
	return outer->bits <= inner->bits && cidr_contains(outer, &inner->base);
}

bool address_eq(const struct address *a, const struct address *b)
{
	return a->port == b->port && address_eq_ip(a, b);
}

bool address_eq_ip(const struct address *a, const struct address *b)
{
	return a->family == b->family && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

static bool in_v4(const struct address *address, uint8_t first, uint8_t second, unsigned bits)
{
	struct cidr range = { .base = { .ip = { first, second }, .family = 4 },
			      .bits = (uint8_t)bits };

	return cidr_contains(&range, address);
}

bool address_is_loopback(const struct address *address)
{
	static const uint8_t one[16] = { [15] = 1 };

	if (address->family == 6)
		return memcmp(address->ip, one, sizeof one) == 0;
	return in_v4(address, 127, 0, 8);
}

bool address_is_private(const struct address *address)
{
	if (address->family == 6)
		return (address->ip[0] & 0xfe) == 0xfc;
	return in_v4(address, 10, 0, 8) || in_v4(address, 172, 16, 12) ||
	       in_v4(address, 192, 168, 16) || in_v4(address, 100, 64, 10);
}

/* `value` without leading zeros at `at`; returns where it ends. */
static char *put_decimal(char *at, unsigned value)
{
	char digits[10];
	size_t count = 0;

	do {
		digits[count++] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	while (count)
		*at++ = digits[--count];
	return at;
}

/* Every request and log line writes addresses, and most are IPv4: so by hand. */
static char *put_ip(char *at, const struct address *address)
{
	if (address->family == 6) {
		inet_ntop(AF_INET6, address->ip, at, ADDRESS_TEXT_BYTES);
		return at + strlen(at);
	}
	for (size_t i = 0; i < 4; i++) {
		if (i)
			*at++ = '.';
		at = put_decimal(at, address->ip[i]);
	}
	return at;
}

size_t address_format_ip(const struct address *address, char out[ADDRESS_TEXT_BYTES])
{
	char *end;

	if (address->family == 0) {
		memcpy(out, "-", 2);
		return 1;
	}
	end = put_ip(out, address);
	*end = '\0';
	return (size_t)(end - out);
}

size_t address_format(const struct address *address, char out[ADDRESS_TEXT_BYTES])
{
	char ip[ADDRESS_TEXT_BYTES], *end = out;
	size_t len = address_format_ip(address, ip);

	if (address->family == 6)
		*end++ = '[';
	memcpy(end, ip, len);
	end += len;
	if (address->family == 6)
		*end++ = ']';
	*end++ = ':';
	end = put_decimal(end, address->port);
	*end = '\0';
	return (size_t)(end - out);
}
