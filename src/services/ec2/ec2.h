/*
 * ec2: the network that load balancers live in: VPCs, subnets, gateways, route tables, security
 * groups. elbv2 asks here what the groups let through, and makes it act. A default VPC with one
 * subnet in each of three zones, its security group, route table and internet gateway exist from
 * the first start (and again after a reset); ids follow from account and Region, so they are the
 * same everywhere.
 *
 * The control loop's thread only.
 */
#ifndef SERVICES_EC2_EC2_H
#define SERVICES_EC2_EC2_H

#include "api/api.h"
#include "store/store.h"

struct ec2;

/* An i-… id that stands for an address: the settings'. */
struct ec2_instance {
	const char *id, *address; /* "10.0.0.7" */
};

struct ec2_options {
	struct api *api; /* the service registers itself here; borrowed, as the store */
	struct store *store;
	const char *account, *region; /* copied */
	const char *api_address;      /* "127.0.0.1": where AWS's services are; copied */
	/* Where load balancers are, those that face the internet and internal ones; copied. */
	const char *balancer_address, *internal_address;
	const struct ec2_instance *instances; /* copied */
	size_t instance_count;
};

err_t ec2_create(const struct ec2_options *options, struct ec2 **ret_ec2);
void ec2_destroy(struct ec2 *ec2); /* NULL is welcome */

#endif
