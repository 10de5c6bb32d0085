#include "api/guard.h"

#include "http/uri.h"
#include "net/address.h"

static struct bytes without_brackets(struct bytes host)
{
	if (host.len >= 2 && host.at[0] == '[' && host.at[host.len - 1] == ']')
		return bytes_make(host.at + 1, host.len - 2);
	return host;
}

static bool ends_nocase(struct bytes b, const char *suffix)
{
	struct bytes end = bytes_of(suffix);

	return b.len > end.len && bytes_eq_nocase(bytes_from(b, b.len - end.len), end);
}

static bool is_loopback(struct bytes host)
{
	struct address address;

	if (address_parse_ip(without_brackets(host), 0, &address) == ERR_OK)
		return address_is_loopback(&address);
	return bytes_eq_nocase(host, BYTES("localhost")) || ends_nocase(host, ".localhost");
}

/* Not a name that somebody far away could point at us. */
static bool is_private_name(struct bytes host)
{
	static const char *const suffixes[] = { ".localhost", ".internal", ".local", ".test" };
	struct address address;

	if (address_parse_ip(without_brackets(host), 0, &address) == ERR_OK)
		return true;
	if (bytes_index(host, '.') == SIZE_MAX)
		return true;
	for (size_t i = 0; i < COUNT(suffixes); i++)
		if (ends_nocase(host, suffixes[i]))
			return true;
	return false;
}

static bool origin_is_welcome(struct bytes origin, struct bytes own_host)
{
	struct bytes host;
	struct uri uri;
	uint16_t port;

	if (uri_parse(origin, &uri) || uri_split_authority(uri.authority, &host, &port))
		return false; /* "null" too: a sandboxed frame, a file */
	return is_loopback(host) || (own_host.len && bytes_eq_nocase(host, own_host));
}

const char *guard_refuses(const struct http_head *head)
{
	bool vouched = false, foreign = false, cross_site = false;
	struct bytes host = BYTES_NONE;
	uint16_t port;

	if (head->authority.len && uri_split_authority(head->authority, &host, &port))
		return "The Host of the request is malformed";
	if (host.len && !is_private_name(host))
		return "Unsigned requests are taken under a local name only; use the address, or "
		       "sign the request";
	for (unsigned i = 0; i < head->field_count; i++) {
		const struct http_field *field = &head->fields[i];

		if (bytes_eq_nocase(field->name, BYTES("Origin"))) {
			vouched = true;
			foreign = foreign || !origin_is_welcome(field->value, host);
		} else if (bytes_eq_nocase(field->name, BYTES("Sec-Fetch-Site"))) {
			cross_site = cross_site ||
				     bytes_eq_nocase(field->value, BYTES("cross-site"));
		}
	}
	/* A picture or a link brings no Origin with its GET, and a GET can delete here. */
	if (foreign || (cross_site && !vouched))
		return "Unsigned requests from web pages of other hosts are refused";
	return NULL;
}
