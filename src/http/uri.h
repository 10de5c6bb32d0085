/*
 * uri: request targets and query strings (RFC 3986, RFC 9112 §3.2). Pure.
 */
#ifndef HTTP_URI_H
#define HTTP_URI_H

#include "base/text.h"

struct uri {
	struct bytes scheme;	/* absolute form only */
	struct bytes authority; /* host[:port], without userinfo */
	struct bytes path;	/* "/…" or "*"; "/" when an absolute form has none */
	struct bytes query;	/* without "?"; at == NULL when there was no "?" */
};

/*
 * Origin, absolute and "*" forms. Any byte may stand in path and query: what is strange there is
 * desync's to judge. ERR_SYNTAX for other forms and for a bad authority.
 */
err_t uri_parse_target(struct bytes target, struct uri *ret_uri);
/* http:// or https:// URLs of configuration; a fragment is dropped. ERR_SYNTAX. */
err_t uri_parse(struct bytes text, struct uri *ret_uri);

/*
 * Host and port of "h", "h:80", "[::1]:80"; the host keeps its brackets, the port is 0 when absent
 * or empty. ERR_SYNTAX for an empty host, a port over 65535, bytes that no host has.
 */
err_t uri_split_authority(struct bytes authority, struct bytes *ret_host, uint16_t *ret_port);

/* RFC 3986 §5.2.4 on a path, appended to `out`; nothing is decoded. */
void uri_remove_dot_segments(struct text *out, struct bytes path);

/*
 * One "k=v" of "a=b&c" after another; value.at is NULL without "=". Not decoded; empty parts, as
 * between "&&", are skipped. False when nothing is left; a NULL query has nothing.
 */
bool uri_query_cut(struct bytes *rest, struct bytes *ret_key, struct bytes *ret_value);

#endif
