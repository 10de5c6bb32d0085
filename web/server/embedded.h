/*
 * embedded: the site's files as they were when webd was built (web/embed.py writes the table).
 */
#ifndef WEB_SERVER_EMBEDDED_H
#define WEB_SERVER_EMBEDDED_H

#include <stddef.h>

struct embedded_file {
	const char *path; /* "/app.js" */
	const unsigned char *at;
	size_t len;
};

extern const struct embedded_file embedded_files[];
extern const size_t embedded_count;

#endif
