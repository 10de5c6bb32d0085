/*
 * admit: what security groups let through, as plain data, and the question whether they do.
 *
 * A list is an allow list: one rule that covers address and port is enough, none means no. No list
 * at all (NULL) lets everything through. Pure, allocation-free, any thread.
 */
#ifndef LB_ADMIT_H
#define LB_ADMIT_H

#include "net/address.h"

struct admit_rule {
	struct cidr other;		/* who is at the other end */
	uint16_t port_first, port_last; /* both included, of the end that is asked */
};

struct admit_list {
	const struct admit_rule *rules; /* any order */
	unsigned count;
};

/* Whether `other` may come in to, or be reached at, `port`; the port in `other` does not matter. */
bool admit_allows(const struct admit_list *list, const struct address *other, uint16_t port);

/* What the groups of a balancer and of a target keep from the target, and whose rules lack it. */
enum {
	ADMIT_DROPS_REQUESTS = 1,
	ADMIT_DROPS_CHECKS = 2,
	ADMIT_LACKS_EGRESS = 4,	 /* the balancer's, outbound */
	ADMIT_LACKS_INGRESS = 8, /* the target's, inbound */
};

/*
 * The balancer may reach the target where its own rules let it out and the target's rules (NULL:
 * none are known) let it in; `health_port` 0 is the traffic port.
 */
uint8_t admit_drops(const struct admit_list *egress, const struct admit_list *target_ingress,
		    const struct address *target, uint16_t health_port);

#endif
