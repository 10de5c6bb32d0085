/*
 * h2_peer: the other end of an HTTP/2 connection on the fake network, played with nghttp2 itself.
 * It writes down what it hears, a line each:
 *
 *     head 1 200 end          HEADERS; `end` with END_STREAM
 *     field 1 x-a: b          each field of it, when `fields` is on
 *     data 1 hello end        DATA, its bytes (or their number, above 40)
 *     trailer 1 grpc-status: 0
 *     reset 1 8               RST_STREAM and its code
 *     goaway 1 0              last stream, code
 *     ping                    an answer to one
 */
#ifndef TESTS_UNIT_CONN_H2_PEER_H
#define TESTS_UNIT_CONN_H2_PEER_H

#include <nghttp2/nghttp2.h>

#include "base/text.h"
#include "tests/scenario/fake_net.h"

struct h2_peer {
	struct fake_peer *peer;
	nghttp2_session *session;
	struct text log;
	bool server, fields;
	bool in_head; /* of the block being read a pseudo field came: no trailers */
	const char *answer_status, *answer_fields; /* to every request, at its end; NULL: none */
	bool keep_windows;			   /* no WINDOW_UPDATE by itself */
	bool deaf;	   /* its bytes go nowhere: the test reads fake_received */
	size_t data_bytes; /* of all DATA */
	uint64_t data_ms;  /* when the last came */
	int32_t last_id;   /* server: of the last request */
};

/* A client connected to `to`, with its preface and SETTINGS on the way. */
void h2_peer_connect(struct h2_peer *p, struct fake_net *net, const char *from, const char *to);
/* For an accepted peer: plays the server. */
void h2_peer_serve(struct h2_peer *p, struct fake_peer *accepted);
void h2_peer_fini(struct h2_peer *p);
void h2_peer_set_window(struct h2_peer *p, uint32_t initial_window); /* before the first run */

/* Fields as "name: value" lines; the pseudo ones are made of method and path. Returns the id. */
int32_t h2_peer_request(struct h2_peer *p, const char *method, const char *path, const char *fields,
			bool end);
void h2_peer_respond(struct h2_peer *p, int32_t id, const char *status, const char *fields,
		     bool end);
void h2_peer_data(struct h2_peer *p, int32_t id, const char *data, bool end);
void h2_peer_data_bytes(struct h2_peer *p, int32_t id, struct bytes data, bool end);
void h2_peer_trailers(struct h2_peer *p, int32_t id, const char *fields);
void h2_peer_reset(struct h2_peer *p, int32_t id, uint32_t code);
void h2_peer_ping(struct h2_peer *p);
void h2_peer_goaway(struct h2_peer *p, int32_t last_id, uint32_t code);
void h2_peer_open_window(struct h2_peer *p, int32_t id, int32_t bytes);
/* A frame as it is, behind nghttp2's back. */
void h2_peer_raw(struct h2_peer *p, uint8_t type, uint8_t flags, int32_t id, struct bytes payload);
void h2_peer_flush(struct h2_peer *p);
/* What was written down since the last time; valid until the next. */
const char *h2_peer_log(struct h2_peer *p);

#endif
