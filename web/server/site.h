/*
 * site: the files that are served, held in memory: those built in, or those of a folder, read once
 * at the start. Blocking while it is read.
 *
 * What is not there at the start is not there: a request's path is a key of a map and never a
 * name for the file system, so no path leads outside.
 */
#ifndef WEB_SERVER_SITE_H
#define WEB_SERVER_SITE_H

#include "base/map.h"

enum {
	SITE_FILES_MAX = 1000,
	SITE_DEPTH_MAX = 8,
	SITE_FILE_MAX_BYTES = 8 * 1024 * 1024,
	SITE_TOTAL_MAX_BYTES = 64 * 1024 * 1024,
	SITE_ETAG_BYTES = 19, /* 16 digits in quotes, and a NUL */
};

struct site_file {
	struct bytes body;
	const char *type; /* of the Content-Type field */
	char etag[SITE_ETAG_BYTES];
	bool is_ours; /* the body is malloc'ed: site_fini frees it */
};

struct site {
	struct map files; /* "/", "/app.js" → struct site_file */
	size_t total_bytes;
};

/*
 * ERR_NOT_FOUND when there is no such folder, ERR_LIMIT, ERR_DENIED, ERR_NOMEM. Hidden files are
 * passed over and links not followed. "index.html" answers for its folder too. After an error
 * site_fini is still welcome.
 */
err_t site_read(struct site *site, const char *folder);
/* The files built in. ERR_NOMEM. */
err_t site_embedded(struct site *site);
void site_fini(struct site *site);

/* NULL when there is none. `path` is as the request has it, without its query. */
const struct site_file *site_find(const struct site *site, struct bytes path);

#endif
