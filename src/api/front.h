/*
 * front: one whole request to one whole answer: who asks, what for, in which wire form. Between
 * the sockets of http.c and the operations of api.c; sees neither a socket nor a clock.
 *
 *     front_caller ─► front_answer   AWS's services on "/"
 *                 └─► front_call     /_weir/call/SERVICE/OPERATION
 */
#ifndef API_FRONT_H
#define API_FRONT_H

#include "api/http.h"
#include "api/wire.h"

struct front {
	struct api *api;
	struct api_keys keys;
	bool verify;
	const char *account, *region;
};

struct front_request {
	const struct http_head *head;
	struct bytes path, query, body;
	const char *peer; /* address of who asks; NULL: the house itself */
	uint64_t now_unix_ms;
	struct arena *arena; /* the request's */
};

struct front_waiting;

struct front_reply {
	unsigned status;
	const char *content_type;
	const struct http_field *fields; /* further ones; in the request's arena */
	unsigned field_count;
	bool bare; /* the service says all of the head itself: no fields of the house */
	struct api_outlet *outlet; /* the body, instead of `body`; the receiver closes it */
	/* Instead of an answer: it comes later, to be written by front_later with `waiting`. */
	struct api_later *later;
	struct front_waiting *waiting; /* in the request's arena */
	struct text body;	       /* the caller frees */
	char request_id[37];
	char query_error[80]; /* value of x-amzn-query-error; "" for none */
};

void front_reply_init(struct front_reply *reply);

/*
 * Who asks. ERR_OK and *ret_caller (its strings live in the arena), or ERR_DENIED and a fault.
 * A request that nothing vouches for has to pass the guard as well; `open` asks for neither.
 */
err_t front_caller(const struct front *front, const struct front_request *request, bool open,
		   struct api_caller *ret_caller, struct api_fault *fault);

/* An unsigned request whose method and path are those of an operation. */
bool front_is_rest(const struct front *front, const struct http_head *head, struct bytes path,
		   struct bytes query);

/*
 * A path as the service's operations know it: of "BUCKET.s3.localhost" the bucket comes before the
 * path. In `arena`; ERR_NOMEM.
 */
err_t front_path(const struct front *front, const struct http_head *head, struct arena *arena,
		 struct bytes path, struct bytes *ret_path);

/*
 * A request whose body is taken in pieces. Opened when its head is there, it verifies, authorises
 * and checks; then feed and finish run on some thread, one at a time, and answer on the control
 * thread, also after a failure. `request` needs no body; its slices and *caller live on till free.
 */
struct front_upload;
bool front_is_upload(const struct front *front, const struct http_head *head, struct bytes path,
		     struct bytes query);
/* Fills *caller. After a failure `reply` is filled and there is no upload. */
err_t front_upload_open(const struct front *front, const struct front_request *request,
			struct api_caller *caller, struct front_upload **ret_upload,
			struct front_reply *reply);
err_t front_upload_feed(struct front_upload *upload, struct bytes piece);
err_t front_upload_finish(struct front_upload *upload);
void front_upload_answer(struct front_upload *upload, struct front_reply *reply);
void front_upload_free(struct front_upload *upload);

void front_answer(const struct front *front, const struct front_request *request,
		  const struct api_caller *caller, struct front_reply *reply);

/* The answer that reply->later had promised. */
void front_later(const struct front_waiting *waiting, const struct front_request *request,
		 json_t *output, const struct api_fault *fault, struct front_reply *reply);

/* `name`: what follows /_weir/call/. */
void front_call(const struct front *front, const struct front_request *request, struct bytes name,
		const struct api_caller *caller, struct front_reply *reply);

/* A fault in the form that the request's sender reads, as well as one can tell. */
void front_refuse(const struct front *front, const struct front_request *request,
		  const struct api_fault *fault, struct front_reply *reply);

/* The house's form: {"code": …, "message": …}. */
void front_fault(const struct api_fault *fault, struct front_reply *reply);

#endif
