/*
 * uri: request targets and query strings (RFC 3986, RFC 9112 §3.2). Pure.
 */
#ifndef HTTP_URI_H
#define HTTP_URI_H

#include "base/text.h"

struct uri {
	struct bytes scheme;	/* absolute form only */
	struct bytes authority; /* host[:port], without userinfo */
	struct bytes path;	/* "/…" or "*" */
	struct bytes query;	/* without "?"; at == NULL when there was no "?" */
};

err_t uri_parse_target(struct bytes target, struct uri *ret_uri); /* origin, absolute, "*" forms */
err_t uri_parse(struct bytes text, struct uri *ret_uri);	  /* http:// or https:// URLs */

/* host and port of "h", "h:80", "[::1]:80"; the port is 0 when absent. ERR_SYNTAX. */
err_t uri_split_authority(struct bytes authority, struct bytes *ret_host, uint16_t *ret_port);

/* RFC 3986 §5.2.4 on a path; nothing is decoded. */
void uri_remove_dot_segments(struct text *out, struct bytes path);

/* One "k=v" of "a=b&c" after another; value.at is NULL without "=". Not decoded. */
bool uri_query_cut(struct bytes *rest, struct bytes *ret_key, struct bytes *ret_value);

#endif
