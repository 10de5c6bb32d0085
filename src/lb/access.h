/*
 * access: what is logged of a request: ALB's access log line (reference/alb.md §7.1), and a JSON
 * twin that also tells when a request began and how a long stream goes on. Pure.
 */
#ifndef LB_ACCESS_H
#define LB_ACCESS_H

#include "base/text.h"
#include "http/desync.h"
#include "lb/forward.h"
#include "net/address.h"
#include "telemetry/end_reason.h"

enum access_phase { ACCESS_START, ACCESS_PROGRESS, ACCESS_END };
enum access_type { ACCESS_HTTP, ACCESS_HTTPS, ACCESS_H2, ACCESS_GRPCS, ACCESS_WS, ACCESS_WSS };

enum { ACCESS_NO_PRIORITY = -2, ACCESS_FAILED_PRIORITY = -1 }; /* "-" and "-1"; 0: default rule */
#define ACCESS_NO_TIME (-1)

/* Slices are borrowed for the call; an empty one is absent ("-", or left out of the JSON). */
struct access_record {
	enum access_phase phase;
	enum access_type type;
	uint64_t time_unix_us;	  /* of this record; for END: when the response was over */
	uint64_t created_unix_us; /* when the request came */

	struct bytes load_balancer_id; /* "app/NAME/16hex" */
	struct bytes dns_name;	       /* stands in for a host that could not be read */
	struct address client;
	struct address target; /* family 0: none */
	uint16_t listener_port;

	/* Microseconds; ACCESS_NO_TIME: did not happen. */
	int64_t request_us;  /* received → sent to the target */
	int64_t target_us;   /* sent to the target → its response head */
	int64_t response_us; /* response head → sending to the client began */

	uint16_t elb_status;		     /* 0: none */
	uint16_t target_status;		     /* 0: none */
	uint64_t received_bytes, sent_bytes; /* heads included */

	struct bytes method, host,
		uri; /* host may carry a port; uri as sent: "/a?b"; empty method: malformed */
	enum http_version version;
	struct bytes user_agent;
	struct bytes ssl_cipher, ssl_protocol;
	struct bytes target_group_arn, trace_id, sni, certificate_arn;
	int32_t rule_priority;
	struct bytes actions; /* "forward" */
	struct bytes redirect_url, error_reason;
	struct desync_finding finding;
	char conn_trace_id[37]; /* "TID_" and 32 hex; "": absent */
	struct bytes transformed_host, transformed_uri;
	enum transform_status transform;

	/* The JSON twin's own. */
	bool streaming;	 /* the response is a stream: SSE or of unknown length */
	uint8_t attempt; /* 1: the first */
	uint32_t events, heartbeats;
	int64_t first_byte_us;	    /* received → response head; ACCESS_NO_TIME */
	int64_t first_event_us;	    /* received → first body byte; ACCESS_NO_TIME */
	uint64_t longest_gap_us;    /* between two pieces of body */
	enum end_reason end_reason; /* END only */
};

/* Appends ALB's line with its LF. For END records. */
void access_line(struct text *out, const struct access_record *record);
/* Appends one JSON object with its LF. For all phases. */
void access_json(struct text *out, const struct access_record *record);

#endif
