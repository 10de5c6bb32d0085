/*
 * claims: which listener holds which address of the balancer, so that an address is given back
 * whichever way its listener went: deleted, moved, with its load balancer, or by a reset.
 *
 * Internal to the folder; the control thread.
 */
#ifndef SERVICES_ELBV2_CLAIMS_H
#define SERVICES_ELBV2_CLAIMS_H

#include "base/list.h"
#include "base/map.h"
#include "lb/lb.h"
#include "services/elbv2/mirror.h"

struct claims {
	struct list_node all; /* struct claim */
	struct map by_arn;
};

void claims_init(struct claims *claims);
void claims_fini(struct claims *claims); /* gives nothing back: the balancer is going */

struct elbv2;

/*
 * After a plan was applied: addresses that no listener of the mirror has any more are given back,
 * and those of new listeners (which their calls, or the start, bound) are taken among the claims.
 */
err_t claims_settle(struct elbv2 *elbv2);

/* Where a listener record really listens. */
struct address claims_address(const struct elbv2 *elbv2, const json_t *listener);

#endif
