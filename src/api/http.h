/*
 * api/http: the API's front: requests on a conn to operations and back. Control thread.
 *
 * AWS services on "/", told apart by credential scope, X-Amz-Target and path; the house's own
 * paths under /_weir/ are given by the app as routes.
 */
#ifndef API_HTTP_H
#define API_HTTP_H

#include "api/api.h"
#include "conn/conn.h"

struct api_http;
struct api_http_request;

struct api_keys { /* looks a secret up; false when there is no such key */
	bool (*find)(void *owner, struct bytes access_key, struct bytes *ret_secret, struct api_caller *ret_caller);
	void *owner;
};

/*
 * A path of the house's own. The handler answers with api_http_reply now or later (streams).
 */
struct api_route {
	const char *method, *path; /* a path that ends in '*' matches what begins so */
	bool open; /* needs no signature: health */
	void (*handle)(void *owner, struct api_http_request *request);
	void *owner;
};
struct api_http_request {
	const struct http_head *head;
	struct bytes path, query, body;
	struct exchange *exchange; /* NULL once the caller left */
	struct arena *arena;
	const struct api_caller *caller;
	void *state; /* the handler's */
};

struct api_http_options {
	struct loop *loop;
	struct api *api;
	struct api_keys keys;
	bool verify; /* --auth sigv4 */
	const char *account, *region;
	const struct api_route *routes;
	size_t route_count;
};

err_t api_http_create(const struct api_http_options *options, struct api_http **ret_http);
void api_http_destroy(struct api_http *http);
err_t api_http_listen(struct api_http *http, int listening_fd);

/* Answers a route's request; once. Frees the request. */
void api_http_reply(struct api_http_request *request, unsigned status, const char *content_type,
		    struct bytes body);
/* Answers in pieces (weir streams --watch, logs -f): begin, then push until false, then end. */
err_t api_http_begin(struct api_http_request *request, unsigned status, const char *content_type,
		     void (*on_gone)(struct api_http_request *request));
bool api_http_push(struct api_http_request *request, struct bytes data);
void api_http_end(struct api_http_request *request);

#endif
