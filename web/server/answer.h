/*
 * answer: which response a request for a file gets. Pure: the head and the body, no socket.
 */
#ifndef WEB_SERVER_ANSWER_H
#define WEB_SERVER_ANSWER_H

#include "http/message.h"
#include "web/server/site.h"

enum { WEB_FIELDS_MAX = 16 };

struct web_answer {
	struct http_head head; /* its fields lie below, or live as long as the site */
	struct http_field fields[WEB_FIELDS_MAX];
	struct bytes body; /* sent for GET; for HEAD the codec leaves it out */
};

/* `method` and `path` (without the query) as received; `if_none_match` may be empty. */
void web_answer(const struct site *site, struct bytes method, struct bytes path,
		struct bytes if_none_match, struct web_answer *ret_answer);

/* For what is no request one could read: 400, 408, 414, 431, 501, 505. */
void web_refuse(uint16_t status, struct web_answer *ret_answer);

#endif
