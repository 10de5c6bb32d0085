/* Targets, authorities, paths and queries: parts lie inside, and mean the same when put together.
 */
#include <stdlib.h>

#include "http/uri.h"

static void check_inside(struct bytes part, struct bytes whole)
{
	if (part.len && (part.at < whole.at || part.at + part.len > whole.at + whole.len))
		abort();
}

static void check_target(struct bytes in)
{
	struct uri uri, url;

	if (uri_parse(in, &url) == ERR_OK &&
	    uri_parse_target(bytes_upto(in, bytes_index(in, '#')), &uri) != ERR_OK)
		abort();
	if (uri_parse_target(in, &uri))
		return;
	check_inside(uri.scheme, in);
	check_inside(uri.authority, in);
	check_inside(uri.query, in);
	if (!uri.path.len || (uri.path.at[0] != '/' && !bytes_eq_str(in, "*")))
		abort();
	if (uri.authority.len && bytes_index(uri.authority, '@') != SIZE_MAX)
		abort();
}

static void check_authority(struct bytes in)
{
	struct bytes host;
	uint16_t port;

	if (uri_split_authority(in, &host, &port))
		return;
	check_inside(host, in);
	if (!host.len || bytes_index(host, '/') != SIZE_MAX || bytes_index(host, '@') != SIZE_MAX)
		abort();
}

static void check_dots(struct bytes in)
{
	struct text once = TEXT_INIT(1 << 20), twice = TEXT_INIT(1 << 20);

	uri_remove_dot_segments(&once, in);
	uri_remove_dot_segments(&twice, text_bytes(&once));
	if (once.len > in.len + 1)
		abort();
	if (in.len && in.at[0] == '/' &&
	    (!bytes_eq(text_bytes(&once), text_bytes(&twice)) || !once.len || once.at[0] != '/' ||
	     bytes_find(text_bytes(&once), BYTES("/../")) != SIZE_MAX))
		abort();
	text_fini(&once);
	text_fini(&twice);
}

static void check_query(struct bytes in)
{
	struct bytes rest = in, key, value;
	size_t bytes = 0;

	while (uri_query_cut(&rest, &key, &value)) {
		check_inside(key, in);
		check_inside(value, in);
		bytes += key.len + value.len + (value.at ? 1 : 0);
	}
	for (size_t i = 0; i < in.len; i++)
		bytes += in.at[i] == '&';
	if (bytes != in.len)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_make(data, size);

	check_target(in);
	check_authority(in);
	check_dots(in);
	check_query(in);
	return 0;
}
