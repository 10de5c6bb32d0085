/*
 * http_internal: what the files of the front on its connections share of a request and its answer.
 */
#ifndef API_HTTP_INTERNAL_H
#define API_HTTP_INTERNAL_H

#include "api/front.h"
#include "net/blocking.h"

struct upload;
struct download;
struct passage;
struct transfers;

struct api_http {
	struct api_http_options options;
	struct front front;
	struct blocking_pool *pool;  /* files of bodies; made when the first one comes */
	struct transfers *transfers; /* to other endpoints; made when the first one is asked */
	struct acceptor *acceptors[8];
	unsigned acceptor_count;
	struct list_node clients, requests;
	unsigned client_count;
	size_t bodies_bytes;
};

struct client {
	struct api_http *http;
	struct conn *conn;
	struct list_node link;
};

struct request {
	struct api_http_request seen; /* what a route sees */
	struct api_http *http;	      /* NULL once the front is gone */
	struct list_node link;
	enum { READING, RECEIVING, PASSING, HANDED, SENDING, STREAMING, ENDING } phase;
	const struct http_head *head; /* the exchange's; copied when HANDED */
	struct text body;
	struct timer stalled;
	uint64_t progress_bytes; /* received when that was set */
	struct arena arena;
	struct http_head head_copy;
	struct api_caller caller;
	char request_id[37];
	char peer[ADDRESS_TEXT_BYTES];
	struct upload *upload;	   /* RECEIVING */
	struct download *download; /* SENDING */
	struct passage *passage;   /* PASSING */
	/* STREAMING: */
	void (*on_gone)(struct api_http_request *request);
	void (*on_room)(struct api_http_request *request); /* NULL: the route does not ask */
	struct text behind;				   /* waits for the exchange to drain */
	bool full, overrun;
};

/* ---- http.c ---- */

extern const struct conn_server_events http_server_events;
/* So much of the body has to come within its time, or the end. */
void http_watch_stall(struct request *request);

/* ---- http_clients.c ---- */

void http_on_closed(void *owner, struct conn *conn);

/* ---- http_dispatch.c ---- */

/* What front.h calls a request, as far as it was read. */
struct front_request http_front_request(struct request *request);
/* The request is whole: it is answered in here, or handed to whoever answers later. */
void http_dispatch(struct request *request);

/* ---- http_answer.c ---- */

/* The house's own refusals: JSON, and when the request was not read to its end, no further ones. */
void http_answer_fault(struct request *request, unsigned status, const char *code,
		       const char *message, bool close_conn);
void http_finish_stream(struct request *request);  /* ENDING, and drained */
void http_stream_drained(struct request *request); /* STREAMING */

/* Sends the reply and ends the request, or goes on SENDING its outlet. */
void http_answer_reply(struct request *request, struct front_reply *reply, bool close_conn);
void http_free_request(struct request *request);
/* Head alone; `length` of the body that follows. */
err_t http_send_reply_head(struct request *request, const struct front_reply *reply,
			   uint64_t length);
/* The head of an answer from elsewhere, with nothing of the house's in it but the request's id. */
err_t http_send_passed_head(struct request *request, const struct front_reply *reply,
			    enum http_framing framing, uint64_t length);

/* ---- http_body.c ---- */

/*
 * Takes the request when it is one whose body is an operation's own: RECEIVING from here on, or
 * answered already. False: it is not.
 */
bool upload_begin(struct request *request);
void upload_on_body(struct request *request, const struct http_body *body);
void upload_on_gone(struct request *request); /* the caller left, or stalled: ends the request */

/* Sends reply->outlet after its head; ends the request when it is through. */
void download_begin(struct request *request, struct front_reply *reply);
void download_on_drained(struct request *request);
void download_on_gone(struct request *request);

/* ---- http_pass.c ---- */

/*
 * Takes the request when what it names lies at another endpoint: PASSING from here on, or
 * answered already. False: it does not.
 */
bool pass_begin(struct request *request);
void pass_on_body(struct request *request, const struct http_body *body);
void pass_on_drained(struct request *request);
void pass_on_gone(struct request *request); /* the caller left: ends the request */

#endif
