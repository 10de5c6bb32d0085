/*
 * remote: originals that are elsewhere: objects in S3, pages by https. Blocking, on a worker.
 *
 * Where we go is settled before we go: S3 at the configured endpoint and its buckets alone; URLs
 * only of hosts on the list, over https, at public addresses (checked on the address that is
 * connected to, after every redirect, three at most). No credentials go to URLs.
 */
#ifndef RAG_INGEST_REMOTE_H
#define RAG_INGEST_REMOTE_H

#include <jansson.h>

#include "rag/ingest/ingest.h"
#include "rag/settings.h"

/* The origin of a request's "s3" or "url" member; NULL with a sentence when it may not be had. */
json_t *origin_of_s3(const json_t *s3, const struct settings *settings, char *words,
		     size_t words_size);
json_t *origin_of_url(const json_t *url, const struct settings *settings, char *words,
		      size_t words_size);

/* `settings` is borrowed and outlives it. */
struct ingest_source remote_source(const struct settings *settings);

/*
 * The Authorization header of a GET, AWS Signature Version 4 (s3, unsigned payload). Pure; here for
 * its tests. `path` is encoded already; `when` is "20261002T100000Z".
 */
struct s3_request {
	const char *access_key, *secret_key, *session_token; /* "" has none */
	const char *region, *host, *path, *query, *when;
};
void s3_authorization(struct text *out, const struct s3_request *request);

/* Whether an IP address is one that the public may have. Pure. */
bool address_is_public(const uint8_t *address, bool v6);

#endif
