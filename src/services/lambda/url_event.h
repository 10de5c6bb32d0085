/*
 * url_event: what a function URL makes of an HTTP request, and of a function's answer: payload
 * format 2.0, as AWS describes it for function URLs. Pure.
 */
#ifndef SERVICES_LAMBDA_URL_EVENT_H
#define SERVICES_LAMBDA_URL_EVENT_H

#include <jansson.h>

#include "base/arena.h"
#include "base/text.h"
#include "http/message.h"

struct url_request {
	const struct http_head *head;
	struct bytes path, query, body; /* the path still encoded; query.at == NULL: none */
	const char *url_id, *host, *source_ip, *account, *request_id;
	uint64_t unix_ms;
};

/* The event's JSON. ERR_INVALID: a head that no JSON can hold (not UTF-8). */
err_t url_event_write(const struct url_request *request, struct text *out);

enum {
	URL_FIELDS_MAX = 128,
	URL_CORS_FIELDS_MAX = 6, /* what url_cors_apply adds */
	URL_PRELUDE_BYTES_MAX = 64 * 1024,
	URL_PRELUDE_END_BYTES = 8, /* NULs */
};

struct url_answer {
	uint16_t status;
	struct http_field fields[URL_FIELDS_MAX + URL_CORS_FIELDS_MAX];
	unsigned field_count;
	struct bytes body;
};

/*
 * The answer to a request; everything in it lives in `arena`. Anything but an object with a
 * statusCode is itself the body. ERR_INVALID: a status, a field or a body that cannot be sent.
 */
err_t url_answer_read(struct bytes payload, struct arena *arena, struct url_answer *ret_answer);

/*
 * Where the prelude of a streamed answer ends, with URL_PRELUDE_END_BYTES after it; SIZE_MAX: not
 * in here yet. The first `seen` bytes were searched before.
 */
size_t url_prelude_end(struct bytes gathered, size_t seen);
/* That prelude: statusCode (200 without), headers, cookies. As url_answer_read, but no body. */
err_t url_prelude_read(struct bytes json, struct arena *arena, struct url_answer *ret_answer);
/* A streamed answer without a prelude is all body, of the type the runtime said. */
err_t url_plain_answer(struct bytes content_type, struct arena *arena,
		       struct url_answer *ret_answer);

#endif
