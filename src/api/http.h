/*
 * api/http: the API's front: requests on a conn to operations and back. Control thread.
 *
 * AWS services on "/", told apart by credential scope, X-Amz-Target, or Action and Version. Of the
 * house's own paths /_weir/call/SERVICE/OPERATION is answered here (POST JSON, get JSON, or
 * {"code", "message"} with the fault's status); the others are given by the app as routes.
 * Whatever is neither is 404 with JSON.
 *
 * Requests that no signature vouches for must not come from web pages of elsewhere: guard.h.
 */
#ifndef API_HTTP_H
#define API_HTTP_H

#include "api/api.h"
#include "conn/conn.h"

struct api_http;
struct api_http_request;

/*
 * Looks a secret up; false when there is no such key. The secret and the caller's strings are
 * borrowed until `find` is called again or the keys change.
 */
struct api_keys {
	bool (*find)(void *owner, struct bytes access_key, struct bytes *ret_secret,
		     struct api_caller *ret_caller);
	void *owner;
};

/*
 * A path of the house's own; routes go before everything else, the first that fits. The handler
 * answers now or later, with api_http_reply or with begin, push, end. It owns the request until
 * the one or the other has ended it, also when the caller left meanwhile.
 */
struct api_route {
	const char *method,
		*path; /* a path that ends in '*' matches what begins so; GET takes HEAD */
	bool open;     /* needs no signature and may come from anywhere: health */
	/*
	 * Of routes for hosts of their own: any method and path, where the Host holds this. The
	 * signature of who signs is verified all the same. NULL of others.
	 */
	const char *host;
	void (*handle)(void *owner, struct api_http_request *request);
	void *owner;
};
/* All of it is the request's own memory and good until the request ends. */
struct api_http_request {
	const struct http_head *head;
	struct bytes path, query, body;
	struct exchange *exchange; /* NULL once the caller left */
	struct arena *arena;
	const struct api_caller *caller; /* of an open route: nobody, with account and region */
	void *state;			 /* the handler's */
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

/* Options are copied, what they point to is borrowed. */
err_t api_http_create(const struct api_http_options *options, struct api_http **ret_http);
/* Closes every connection; requests that handlers still hold are told (on_gone), and ended by them.
 */
void api_http_destroy(struct api_http *http); /* NULL is welcome */
/* Takes the descriptor over, also on failure. May be called for several. */
err_t api_http_listen(struct api_http *http, int listening_fd);

/* Answers a route's request, once, and ends it. `content_type` may be NULL without a body. */
void api_http_reply(struct api_http_request *request, unsigned status, const char *content_type,
		    struct bytes body);

/* The same with fields of one's own, Content-Type among them, and none of the house's but the id.
 */
void api_http_reply_fields(struct api_http_request *request, unsigned status,
			   const struct http_field *fields, unsigned field_count,
			   struct bytes body);

/*
 * Answers in pieces (weir streams --watch, logs -f): begin, then push until false, then end.
 * `on_gone` runs once if the caller leaves before the end; after that, and when the caller reads
 * so slowly that API_HTTP_BEHIND_BYTES_MAX wait for it, push returns false. End always follows,
 * also after a begin that failed.
 */
enum { API_HTTP_BEHIND_BYTES_MAX = 256 * 1024 };
err_t api_http_begin(struct api_http_request *request, unsigned status, const char *content_type,
		     void (*on_gone)(struct api_http_request *request));
bool api_http_push(struct api_http_request *request, struct bytes data);
void api_http_end(struct api_http_request *request);

/*
 * The same with fields of one's own, as api_http_reply_fields, and framed so that an answer which
 * is cut looks cut. Whoever can hold its source up asks api_http_is_full after each push, and
 * hears on_room when all that waited has left.
 */
struct api_http_stream_events {
	void (*on_gone)(struct api_http_request *request);
	void (*on_room)(struct api_http_request *request);
};
err_t api_http_begin_fields(struct api_http_request *request, unsigned status,
			    const struct http_field *fields, unsigned field_count,
			    const struct api_http_stream_events *events);
bool api_http_is_full(const struct api_http_request *request);
/* Instead of api_http_end: the rest will never come, and the caller must see that. */
void api_http_cut(struct api_http_request *request);

#endif
