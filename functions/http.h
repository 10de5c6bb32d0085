/*
 * http: one request at a time by libcurl, blocking, with a deadline. Connections are kept.
 */
#ifndef FUNCTIONS_HTTP_H
#define FUNCTIONS_HTTP_H

#include "base/text.h"

enum {
	HTTP_ANSWER_BYTES_MAX = 5 * 1024 * 1024,
	HTTP_FIELDS_KEPT = 8
}; /* Lambda's answers end at 6 MB */

struct http_ask {
	const char *method, *url;
	const char *const *fields; /* "Name: value", NULL-terminated; NULL: none */
	struct bytes body;
	uint64_t deadline_ms; /* Unix; 0: none, for waiting as long as it takes */
};

struct http_told {
	long status;
	struct text body;   /* text_fini is the caller's, also after a failure */
	struct text fields; /* "name: value\n" each, names in small letters */
};

/*
 * ERR_OK whatever the status; ERR_EXPIRED, ERR_REFUSED (no connection), ERR_TOO_LARGE, ERR_SYSTEM;
 * `why` gets libcurl's sentence.
 */
err_t http_ask(const struct http_ask *ask, struct http_told *told, struct text *why);
void http_told_init(struct http_told *told);
void http_told_fini(struct http_told *told);

/* A field's value in told->fields; BYTES_NONE. `name` in small letters. */
struct bytes http_told_field(const struct http_told *told, const char *name);

uint64_t http_now_ms(void); /* Unix */

#endif
