/*
 * ec2_internal: what the files of this folder share. One call, its transaction, the records.
 *
 * A record's body is the object as Describe answers it; kinds are "ec2.vpc" and so on. Three
 * differ:
 *
 *   security group   has "Rules" in place of IpPermissions and IpPermissionsEgress: its rules as
 *                    DescribeSecurityGroupRules answers them, but for the group's own names
 *   prefix list      has "Versions" in place of entries: {"1": [{Cidr, Description}], …}
 *   instance         { "InstanceId", "Groups": [ids], "Tags" }: what was changed of a mapped one
 */
#ifndef SERVICES_EC2_EC2_INTERNAL_H
#define SERVICES_EC2_EC2_INTERNAL_H

#include "services/ec2/ec2.h"

enum { EC2_ZONES = 3, EC2_ID_BYTES = 40 };

struct ec2 {
	struct ec2_options options; /* strings and instances are copies in `arena` */
	struct arena arena;
	struct api_service service;
};

static inline struct ec2 *ec2_of(const struct api_call *call)
{
	return call->service->state;
}

/* ---- One call (call.c) ---- */

struct ec2_call {
	struct store_txn *txn;
	json_t *held; /* an array: bodies read, freed with the call */
	bool wrote;
};

err_t ec2_begin(struct api_call *call);
err_t ec2_end(struct api_call *call, err_t verdict);
/* Keeps `json` until the call ends; a NULL is ERR_NOMEM. */
err_t ec2_hold(struct api_call *call, json_t *json);

/*
 * Asks another service through the API's door; `input` is stolen, the answer held. The open
 * transaction is closed meanwhile (asserted: nothing was written in it). A service that is not
 * there answers NULL.
 */
err_t ec2_ask(struct api_call *call, const char *service, const char *operation, json_t *input,
	      json_t **ret_output);

/* ---- Records (records.c) ---- */

#define EC2_VPC		     "ec2.vpc"
#define EC2_SUBNET	     "ec2.subnet"
#define EC2_SECURITY_GROUP   "ec2.security_group"
#define EC2_ROUTE_TABLE	     "ec2.route_table"
#define EC2_INTERNET_GATEWAY "ec2.internet_gateway"
#define EC2_INSTANCE	     "ec2.instance"
#define EC2_PREFIX_LIST	     "ec2.prefix_list"

struct ec2_filter {
	const char *name, *path; /* "vpc-id", "VpcId"; a path goes through lists and objects */
};

struct ec2_kind {
	const char *kind;
	const char *type;		 /* of tags: "vpc" */
	const char *ids;		 /* Describe's input: "VpcIds" */
	const char *list;		 /* its output: "Vpcs" */
	const char *id;			 /* of a record: "VpcId" */
	const char *prefix;		 /* what its ids begin with */
	const char *malformed, *missing; /* error codes */
	const char *noun;		 /* "vpc ID" */
	const struct ec2_filter *filters;
};
extern const struct ec2_kind ec2_vpcs, ec2_subnets, ec2_groups, ec2_tables, ec2_gateways,
	ec2_prefix_lists;
extern const struct ec2_kind *const ec2_kinds[];
extern const size_t ec2_kind_count;
/* The kind an id belongs to, by its prefix; NULL: none of ours. */
const struct ec2_kind *ec2_kind_of_id(const char *id);

/* Bodies in order of creation; the array and they are held. */
err_t ec2_list(struct api_call *call, const struct ec2_kind *kind, json_t **ret_list);
/* The record, held, or the fault of its kind. */
err_t ec2_find(struct api_call *call, const struct ec2_kind *kind, const char *id,
	       json_t **ret_body);
/* What the input's member of that kind's name ("VpcId") says; MissingParameter without. */
err_t ec2_find_input(struct api_call *call, const struct ec2_kind *kind, json_t **ret_body);
err_t ec2_add(struct api_call *call, const struct ec2_kind *kind, json_t *body); /* held */
err_t ec2_save(struct api_call *call, const struct ec2_kind *kind, json_t *body);
err_t ec2_drop(struct api_call *call, const struct ec2_kind *kind, const char *id);
/* Whether some record of the kind has `value` at `path`. */
err_t ec2_any(struct api_call *call, const struct ec2_kind *kind, const char *path,
	      const char *value, bool *ret_any);

static inline const char *ec2_text(const json_t *object, const char *key) /* NULL: absent */
{
	return json_string_value(json_object_get(object, key));
}

static inline bool ec2_is(const json_t *object, const char *key, const char *value)
{
	const char *text = ec2_text(object, key);

	return text && value && strcmp(text, value) == 0;
}

/* Sets a new reference; a NULL value is ERR_NOMEM. */
err_t ec2_set(json_t *object, const char *key, json_t *value);
err_t ec2_append(json_t *array, json_t *value);
err_t ec2_answer_true(struct api_call *call); /* Return: true */

/* An id that account, Region and `what` decide: "vpc-" and 17 hexadecimal digits. */
void ec2_id(const struct ec2 *ec2, const char *prefix, const char *what, char out[EC2_ID_BYTES]);
void ec2_random_id(const char *prefix, char out[EC2_ID_BYTES]);

/*
 * A CIDR in canonical form, in `out`; of the wanted family (4 or 6). InvalidParameterValue with
 * the text in it.
 */
struct cidr;
enum { EC2_CIDR_BYTES = 64 };
err_t ec2_cidr(struct api_call *call, const char *text, unsigned family, struct cidr *ret_cidr,
	       char out[EC2_CIDR_BYTES]);

/* ---- Parts of a VPC (seed.c), for the default one and those that are made ---- */

/* Makes what is missing of the default network; the transaction is the caller's. */
err_t ec2_seed(const struct ec2 *ec2, struct store_txn *txn, bool *ret_wrote);

/* New references; NULL without memory. */
json_t *ec2_new_vpc(const struct ec2 *ec2, const char *id, const char *cidr, bool is_default);
struct ec2_new_subnet {
	const char *id, *vpc, *cidr;
	unsigned zone;
	unsigned addresses; /* free ones */
	bool is_default;
};
json_t *ec2_new_subnet(const struct ec2 *ec2, const struct ec2_new_subnet *subnet);
json_t *ec2_new_group(const struct ec2 *ec2, const char *id, const char *name,
		      const char *description, const char *vpc);
json_t *ec2_new_table(const struct ec2 *ec2, const char *id, const char *vpc, const char *cidr);
json_t *ec2_new_association(const char *id, const char *table, const char *subnet); /* NULL: main */
json_t *ec2_new_route(const char *destination, const char *gateway, const char *origin);

/* ---- Zones ---- */
void ec2_zone_name(const struct ec2 *ec2, unsigned index, char out[32]);
void ec2_zone_id(const struct ec2 *ec2, unsigned index, char out[32]);

/* ---- Filters and pages ---- */

/* Whether `body` passes all Filters of the call's input; a fault for unknown ones. */
err_t ec2_filters_match(struct api_call *call, const struct ec2_filter *filters, const json_t *body,
			bool *ret_match);
bool ec2_path_has(const json_t *body, const char *path, const char *value); /* no wildcards */
/* Whether something whose `name` is `value` may pass: what is not asked about need not be made. */
err_t ec2_filters_may_match(struct api_call *call, const struct ec2_filter *filters,
			    const char *name, const char *value, bool *ret_may);
/* Leaves in `list` what passes. */
err_t ec2_filter_list(struct api_call *call, const struct ec2_filter *filters, json_t *list);
/* Puts MaxResults items of `list` from NextToken on into output[name], and a NextToken. */
err_t ec2_page(struct api_call *call, const char *name, json_t *list);
/* Leaves in `list` whose `key` is among `ids`; the first of these that nothing has, or NULL. */
const char *ec2_leave(const json_t *ids, json_t *list, const char *key);
/* Leaves those that input[ids] names, if any; each has to be there. */
err_t ec2_choose(struct api_call *call, const struct ec2_kind *kind, json_t *list);

/* ---- Tags ---- */

/* The Tags of input's TagSpecifications for `type`, held; others are refused. */
err_t ec2_tags_of_input(struct api_call *call, const char *type, json_t **ret_tags);

/* ---- Security groups ---- */

/* By GroupId, or GroupName in the default VPC. */
err_t ec2_group_of_input(struct api_call *call, json_t **ret_body);
/* The body as DescribeSecurityGroups answers it: with IpPermissions. Held. */
err_t ec2_group_present(struct api_call *call, const json_t *body, json_t **ret_group);
/* The group's rules as DescribeSecurityGroupRules answers them, appended to `list`. */
err_t ec2_rules_present(struct api_call *call, const json_t *group, json_t *list);
json_t *ec2_new_rule(bool egress, const char *protocol, int from, int to, const char *key,
		     json_t *value); /* `value` is stolen */
/*
 * The canonical name of a protocol that is given by name or number; whether its rules must say
 * ports. Names that are unknown are refused, other numbers are their own names.
 */
err_t ec2_protocol_of(struct api_call *call, const char *given, const char **ret_name,
		      bool *ret_ports);
/* FromPort and ToPort of `from_input`; -1 each where the protocol has none. */
err_t ec2_ports_of(struct api_call *call, const json_t *from_input, bool wants_ports,
		   const char *protocol, int *ret_from, int *ret_to);
/* Whether the group has no more rules than it may; a prefix list counts by its size. */
err_t ec2_check_rule_count(struct api_call *call, const json_t *group);
bool ec2_rule_names_group(const json_t *rule, const char *group);

/* ---- Prefix lists ---- */

/* AWS's own too; held. */
err_t ec2_prefix_list_find(struct api_call *call, const char *id, json_t **ret_body);
int ec2_prefix_list_weight(const json_t *body); /* for how many rules one stands that names it */

/* ---- Interfaces and instances ---- */

#define EC2_REQUESTER_ELB "amazon-elb"
#define EC2_REQUESTER_ECS "amazon-ecs"

/* Those of load balancers, one per subnet; held. Asks elbv2: before anything is written. */
err_t ec2_interfaces(struct api_call *call, json_t **ret_list);
/* Both: what is in the subnets and holds groups. */
err_t ec2_all_interfaces(struct api_call *call, json_t **ret_list);
/* Those of tasks that have an address of their own. Asks ecs: before anything is written. */
err_t ec2_add_task_interfaces(struct api_call *call, json_t *list);
/* [{GroupId, GroupName}] for ids; held. */
err_t ec2_group_identifiers(struct api_call *call, const json_t *ids, json_t **ret_list);
/* Mapped instances as DescribeInstances answers them; held. */
err_t ec2_instances(struct api_call *call, json_t **ret_list);

/* ---- Operations ---- */

extern const struct api_operation ec2_operations[];
extern const size_t ec2_operation_count;

#define OPERATION(name, effect, handler)    err_t ec2_##handler(struct api_call *call);
#define REFUSED(name, effect, handler, why) OPERATION(name, effect, handler)
#include "services/ec2/operations.def"
#undef REFUSED
#undef OPERATION

#endif
