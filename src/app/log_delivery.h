/*
 * log_delivery: access, connection and health check logs to the buckets that load balancers name,
 * as ALB does it: every five minutes, at the end of the window, and at the end of the daemon.
 *
 *   line ─► DATA/logs/delivery/LB.open ─(window's end, 16 MiB)─► LB_END_IP_RANDOM.log
 *        ─► a thread: gzip ─► s3_put ─► gone
 *
 * A closed file has its object's name already, so what is delivered twice after a kill replaces
 * itself. A kill loses what the workers still held: 200 ms. The control thread.
 */
#ifndef APP_LOG_DELIVERY_H
#define APP_LOG_DELIVERY_H

#include "base/text.h"
#include "net/loop.h"
#include "services/elbv2/elbv2.h"
#include "services/s3/s3.h"

struct log_delivery;

struct log_delivery_options {
	struct loop *loop;
	struct store *store;
	struct s3 *s3;
	struct elbv2 *elbv2;
	const char *data, *account, *region;
	const char *node_ip; /* the address in the objects' names; copied like the others */
};

/* Takes up what an earlier daemon left. `why` gets a sentence on failure. */
err_t log_delivery_create(const struct log_delivery_options *options,
			  struct log_delivery **ret_delivery, struct text *why);

/* Whether any load balancer wants lines of this log. Any thread. */
bool log_delivery_wanted(const struct log_delivery *delivery, enum elbv2_log log);

/* One line with its LF; kept when its load balancer delivers. Then, after the last of a batch,
 * sync. */
void log_delivery_line(struct log_delivery *delivery, enum elbv2_log log,
		       struct bytes load_balancer_id, struct bytes line);
void log_delivery_sync(struct log_delivery *delivery);

/* Delivers what is there, now; no line comes any more. Before S3 and the store go. NULL is welcome.
 */
void log_delivery_finish(struct log_delivery *delivery);
/* After the store closed, before the loop. NULL is welcome. */
void log_delivery_destroy(struct log_delivery *delivery);

#endif
