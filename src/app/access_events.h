/*
 * access_events: access records as log events: group /aws/applicationelb/NAME, stream
 * app/NAME/ID, fourteen fields a line:
 *
 *   timestamp request_id client_ip client_port target_ip target_port request_processing_time
 *   target_processing_time response_processing_time elb_status_code target_status_code
 *   received_bytes sent_bytes "request"
 *
 *   worker: format into its own batch ──(64 KiB or 200 ms)──► control thread: logs_write
 *
 * No lock. What the control thread does not take in time is dropped and counted.
 */
#ifndef APP_ACCESS_EVENTS_H
#define APP_ACCESS_EVENTS_H

#include "app/log_delivery.h"
#include "lb/access.h"
#include "lb/connection.h"
#include "net/loop.h"
#include "services/logs/logs.h"
#include "store/store.h"

struct access_events;

/* On the control thread. A load balancer that is made in `store` gets its group at once. */
err_t access_events_create(struct loop *control, struct logs *logs, struct store *store,
			   struct access_events **ret_events);
/* ALB's own lines go to the buckets of load balancers that deliver. Before the workers start. */
void access_events_deliver(struct access_events *events, struct log_delivery *delivery);
/* When the workers have stopped: writes what is left. Nothing is written after it. */
void access_events_finish(struct access_events *events);  /* NULL is welcome */
void access_events_destroy(struct access_events *events); /* after the control loop and the store */

/* As access_log's: once on each worker's thread, and at its end. */
err_t access_events_attach(struct access_events *events, struct loop *loop);
void access_events_detach(struct access_events *events);
void access_events_record(struct access_events *events, const struct access_record *record);
/* A client's connection: for its load balancer's bucket alone. */
void access_events_connection(struct access_events *events, const struct connection_record *record);

uint64_t access_events_dropped(const struct access_events *events); /* batches; any thread */

/* The line alone, without an LF; `record` is an END. */
void access_event_line(struct text *out, const struct access_record *record);

#endif
