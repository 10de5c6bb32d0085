/*
 * ec2_internal: what the files of this folder share.
 *
 * A record's body is the object as Describe answers it; kinds are "ec2.vpc" and so on.
 */
#ifndef SERVICES_EC2_EC2_INTERNAL_H
#define SERVICES_EC2_EC2_INTERNAL_H

#include "services/ec2/ec2.h"

enum { EC2_ZONES = 3 };

struct ec2 {
	struct ec2_options options;
	struct arena arena;
	struct api_service service;
};

#define EC2_VPC		     "ec2.vpc"
#define EC2_SUBNET	     "ec2.subnet"
#define EC2_SECURITY_GROUP   "ec2.security_group"
#define EC2_ROUTE_TABLE	     "ec2.route_table"
#define EC2_INTERNET_GATEWAY "ec2.internet_gateway"

/* An id that account, Region and `what` decide: "vpc-" and 17 hexadecimal digits. */
void ec2_id(const struct ec2 *ec2, const char *prefix, const char *what, char out[40]);

/* Makes what is missing of the default network; the transaction is the caller's. */
err_t ec2_seed(const struct ec2 *ec2, struct store_txn *txn, bool *ret_wrote);

/* zones.c */
void ec2_zone_name(const struct ec2 *ec2, unsigned index, char out[32]);
void ec2_zone_id(const struct ec2 *ec2, unsigned index, char out[32]);

/* filters.c: whether `body` passes all Filters of the call's input; a fault for unknown ones. */
struct ec2_filter {
	const char *name,
		*path; /* "vpc-id", "VpcId"; a path goes through lists: "Routes.GatewayId" */
};
err_t ec2_filters_match(struct api_call *call, const struct ec2_filter *filters, const json_t *body,
			bool *ret_match);

static inline struct ec2 *ec2_of(const struct api_call *call)
{
	return call->service->state;
}

extern const struct api_operation ec2_operations[];
extern const size_t ec2_operation_count;

err_t ec2_describe_vpcs(struct api_call *call);
err_t ec2_describe_subnets(struct api_call *call);
err_t ec2_describe_security_groups(struct api_call *call);
err_t ec2_describe_route_tables(struct api_call *call);
err_t ec2_describe_internet_gateways(struct api_call *call);
err_t ec2_describe_availability_zones(struct api_call *call);
err_t ec2_describe_vpc_attribute(struct api_call *call);
err_t ec2_describe_account_attributes(struct api_call *call);

#endif
