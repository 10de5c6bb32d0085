#include "http/uri.h"

#include "http/chars.h"

static const struct bytes root = { "/", 1 };

/* ---- Authority ---- */

/* unreserved, sub-delims and '%' (RFC 3986 §3.2.2); encoded bytes are not looked into. */
static bool is_name_char(char c)
{
	return char_is_alnum(c) || (c && strchr("-._~!$&'()*+,;=%", c));
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* "[::1]": what is between the brackets is left to whoever makes an address of it. */
static bool is_ip_literal(struct bytes host)
{
	if (host.len < 4 || host.at[0] != '[' || host.at[host.len - 1] != ']')
		return false;
	for (size_t i = 1; i < host.len - 1; i++)
		if (!is_hex(host.at[i]) && host.at[i] != ':' && host.at[i] != '.')
			return false;
	return true;
}

static bool is_host(struct bytes host)
{
	if (is_ip_literal(host))
		return true;
	for (size_t i = 0; i < host.len; i++)
		if (!is_name_char(host.at[i]))
			return false;
	return host.len > 0;
}

err_t uri_split_authority(struct bytes authority, struct bytes *ret_host, uint16_t *ret_port)
{
	struct bytes host = authority, port = BYTES_NONE;
	uint64_t number = 0;
	size_t start = authority.len;

	while (start && authority.at[start - 1] >= '0' && authority.at[start - 1] <= '9')
		start--;
	if (start && authority.at[start - 1] == ':') {
		host = bytes_upto(authority, start - 1);
		port = bytes_from(authority, start);
	}
	if (!is_host(host))
		return ERR_SYNTAX;
	if (port.len && bytes_to_u64(port, UINT16_MAX, &number))
		return ERR_SYNTAX;
	*ret_host = host;
	*ret_port = (uint16_t)number;
	return ERR_OK;
}

/* ---- Whole ---- */

static bool is_scheme(struct bytes scheme)
{
	if (!scheme.len || !char_is_alnum(scheme.at[0]) || scheme.at[0] <= '9')
		return false;
	for (size_t i = 0; i < scheme.len; i++)
		if (!char_is_alnum(scheme.at[i]) && !memchr("+-.", scheme.at[i], 3))
			return false;
	return true;
}

static void split_query(struct bytes text, struct uri *uri)
{
	size_t question = bytes_index(text, '?');

	uri->path = bytes_upto(text, question);
	uri->query = question == SIZE_MAX ? BYTES_NONE : bytes_from(text, question + 1);
	if (!uri->path.len)
		uri->path = root;
}

static err_t parse_absolute(struct bytes text, struct uri *ret_uri)
{
	size_t colon = bytes_find(text, BYTES("://")), end = 0;
	struct uri uri = { .scheme = bytes_upto(text, colon) };
	struct bytes rest, host;
	uint16_t port;

	if (colon == SIZE_MAX || !is_scheme(uri.scheme))
		return ERR_SYNTAX;
	rest = bytes_from(text, colon + 3);
	while (end < rest.len && rest.at[end] != '/' && rest.at[end] != '?' && rest.at[end] != '#')
		end++;
	uri.authority = bytes_upto(rest, end);
	for (size_t i = uri.authority.len; i > 0; i--) /* userinfo ends at the last '@' */
		if (uri.authority.at[i - 1] == '@') {
			uri.authority = bytes_from(uri.authority, i);
			break;
		}
	TRY(uri_split_authority(uri.authority, &host, &port));
	if (end < rest.len && rest.at[end] == '#')
		return ERR_SYNTAX;
	split_query(bytes_from(rest, end), &uri);
	*ret_uri = uri;
	return ERR_OK;
}

err_t uri_parse_target(struct bytes target, struct uri *ret_uri)
{
	if (bytes_eq_str(target, "*")) {
		*ret_uri = (struct uri){ .path = target };
		return ERR_OK;
	}
	if (target.len && target.at[0] == '/') {
		*ret_uri = (struct uri){ 0 };
		split_query(target, ret_uri);
		return ERR_OK;
	}
	return parse_absolute(target, ret_uri);
}

err_t uri_parse(struct bytes text, struct uri *ret_uri)
{
	struct uri uri;

	if (text.len && scan_target(text.at, text.at + text.len) != text.at + text.len)
		return ERR_SYNTAX;
	TRY(parse_absolute(bytes_upto(text, bytes_index(text, '#')), &uri));
	if (!bytes_eq_nocase(uri.scheme, BYTES("http")) &&
	    !bytes_eq_nocase(uri.scheme, BYTES("https")))
		return ERR_SYNTAX;
	*ret_uri = uri;
	return ERR_OK;
}

/* ---- Parts ---- */

static void drop_last_segment(struct text *out, size_t start)
{
	while (out->len > start && out->at[out->len - 1] != '/')
		out->len--;
	if (out->len > start)
		out->len--;
}

/* The letters are those of RFC 3986 §5.2.4. */
void uri_remove_dot_segments(struct text *out, struct bytes path)
{
	size_t start = out->len;

	while (path.len) {
		size_t segment;

		if (bytes_starts(path, BYTES("../"))) { /* A */
			path = bytes_from(path, 3);
		} else if (bytes_starts(path, BYTES("./"))) {
			path = bytes_from(path, 2);
		} else if (bytes_starts(path, BYTES("/./"))) { /* B */
			path = bytes_from(path, 2);
		} else if (bytes_eq_str(path, "/.")) {
			path = root;
		} else if (bytes_starts(path, BYTES("/../"))) { /* C */
			path = bytes_from(path, 3);
			drop_last_segment(out, start);
		} else if (bytes_eq_str(path, "/..")) {
			path = root;
			drop_last_segment(out, start);
		} else if (bytes_eq_str(path, ".") || bytes_eq_str(path, "..")) { /* D */
			path = BYTES_NONE;
		} else { /* E */
			segment = bytes_index(bytes_from(path, 1), '/');
			segment = segment == SIZE_MAX ? path.len : segment + 1;
			text_add(out, bytes_upto(path, segment));
			path = bytes_from(path, segment);
		}
	}
}

bool uri_query_cut(struct bytes *rest, struct bytes *ret_key, struct bytes *ret_value)
{
	struct bytes part;
	size_t equals;

	do {
		if (!bytes_cut(rest, '&', &part))
			return false;
	} while (!part.len);
	equals = bytes_index(part, '=');
	*ret_key = bytes_upto(part, equals);
	*ret_value = equals == SIZE_MAX ? BYTES_NONE : bytes_from(part, equals + 1);
	return true;
}
