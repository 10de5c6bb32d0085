/*
 * address: an IPv4 or IPv6 address with a port, as a value of 20 bytes.
 */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include "base/bytes.h"

struct address {
	uint8_t ip[16];	  /* IPv4 in the first four bytes, the rest zero; network order */
	uint16_t port;	  /* host order */
	uint8_t family;	  /* 4 or 6; 0: none */
	uint8_t reserved; /* zero, so that memcmp compares */
};

struct cidr {
	struct address base; /* port 0, host bits zero */
	uint8_t bits;
};

enum { ADDRESS_TEXT_BYTES = 54 }; /* "[ffff:…]:65535" and NUL */

err_t address_parse_ip(struct bytes text, uint16_t port, struct address *ret_address);
err_t address_parse(struct bytes text, struct address *ret_address); /* "1.2.3.4:80", "[::1]:80" */
err_t cidr_parse(struct bytes text, struct cidr *ret_cidr);	     /* ERR_SYNTAX without "/n" */
bool cidr_contains(const struct cidr *cidr, const struct address *address);
bool cidr_covers(const struct cidr *outer, const struct cidr *inner); /* all of `inner` */

bool address_eq(const struct address *a, const struct address *b);    /* port included */
bool address_eq_ip(const struct address *a, const struct address *b); /* port not */
bool address_is_loopback(const struct address *address);
bool address_is_private(const struct address *address); /* RFC 1918, RFC 6598, fc00::/7 */

/* "10.0.0.1", "2001:db8::1" · "10.0.0.1:80", "[2001:db8::1]:80". Return the length. */
size_t address_format_ip(const struct address *address, char out[ADDRESS_TEXT_BYTES]);
size_t address_format(const struct address *address, char out[ADDRESS_TEXT_BYTES]);

#endif
