/*
 * interfaces: what is in the subnets. Load balancers have an interface in each of theirs; the
 * instances are those that the settings map to addresses.
 */
#include "services/ec2/ec2_internal.h"

#include <stdio.h>

#include "crypto/digest.h"

/* ---- Network interfaces ---- */

/* "app/NAME/16hex" of a load balancer's ARN. */
static const char *balancer_id(const char *arn)
{
	const char *found = strstr(arn, "loadbalancer/");

	return found ? found + strlen("loadbalancer/") : arn;
}

err_t ec2_group_identifiers(struct api_call *call, const json_t *ids, json_t **ret_list)
{
	json_t *list = json_array(), *groups, *group, *id;
	size_t index, at;

	TRY(ec2_hold(call, list));
	TRY(ec2_list(call, &ec2_groups, &groups));
	json_array_foreach (ids, index, id)
		json_array_foreach (groups, at, group) {
			if (!json_equal(id, json_object_get(group, "GroupId")))
				continue;
			TRY(ec2_append(list,
				       json_pack("{s:O, s:O}", "GroupId",
						 json_object_get(group, "GroupId"), "GroupName",
						 json_object_get(group, "GroupName"))));
		}
	*ret_list = list;
	return ERR_OK;
}

static json_t *make_interface(const struct ec2 *ec2, const json_t *balancer, const json_t *zone,
			      json_t *groups)
{
	const char *account = ec2->options.account, *subnet = ec2_text(zone, "SubnetId");
	char what[320], id[EC2_ID_BYTES], attachment[EC2_ID_BYTES], description[200], hex[65];
	const char *address = ec2_is(balancer, "Scheme", "internal")
				      ? ec2->options.internal_address
				      : ec2->options.balancer_address;
	char mac[18];

	snprintf(what, sizeof what, "%s/%s", ec2_text(balancer, "LoadBalancerArn"), subnet);
	ec2_id(ec2, "eni-", what, id);
	ec2_id(ec2, "eni-attach-", what, attachment);
	sha256_hex(bytes_of(what), hex);
	snprintf(mac, sizeof mac, "02:%.2s:%.2s:%.2s:%.2s:%.2s", hex, hex + 2, hex + 4, hex + 6,
		 hex + 8);
	snprintf(description, sizeof description, "ELB %s",
		 balancer_id(ec2_text(balancer, "LoadBalancerArn")));
	return json_pack("{s:s, s:s, s:O, s:s, s:s, s:s, s:s, s:b, s:b, s:s, s:s, s:s, s:O, s:s, "
			 "s:[{s:s, s:b}], s:{s:s, s:s, s:s, s:b, s:i}, s:[]}",
			 "NetworkInterfaceId", id, "SubnetId", subnet, "VpcId",
			 json_object_get(balancer, "VpcId"), "AvailabilityZone",
			 ec2_text(zone, "ZoneName"), "Description", description, "OwnerId", account,
			 "RequesterId", EC2_REQUESTER_ELB, "RequesterManaged", 1, "SourceDestCheck",
			 1, "Status", "in-use", "InterfaceType", "interface", "MacAddress", mac,
			 "Groups", groups, "PrivateIpAddress", address, "PrivateIpAddresses",
			 "PrivateIpAddress", address, "Primary", 1, "Attachment", "AttachmentId",
			 attachment, "InstanceOwnerId", EC2_REQUESTER_ELB, "Status", "attached",
			 "DeleteOnTermination", 0, "DeviceIndex", 1, "TagSet");
}

static err_t add_interfaces(struct api_call *call, const json_t *balancer, json_t *list)
{
	json_t *groups, *zone;
	size_t index;

	TRY(ec2_group_identifiers(call, json_object_get(balancer, "SecurityGroups"), &groups));
	json_array_foreach (json_object_get(balancer, "AvailabilityZones"), index, zone)
		TRY(ec2_append(list, make_interface(ec2_of(call), balancer, zone, groups)));
	return ERR_OK;
}

err_t ec2_interfaces(struct api_call *call, json_t **ret_list)
{
	json_t *list = json_array(), *page, *balancer;
	const char *marker = NULL;
	size_t index;

	TRY(ec2_hold(call, list));
	do {
		TRY(ec2_ask(call, "elbv2", "DescribeLoadBalancers",
			    json_pack("{s:s*}", "Marker", marker), &page));
		marker = ec2_text(page, "NextMarker");
		json_array_foreach (json_object_get(page, "LoadBalancers"), index, balancer)
			TRY(add_interfaces(call, balancer, list));
	} while (marker);
	*ret_list = list;
	return ERR_OK;
}

err_t ec2_all_interfaces(struct api_call *call, json_t **ret_list)
{
	TRY(ec2_interfaces(call, ret_list));
	return ec2_add_task_interfaces(call, *ret_list);
}

err_t ec2_describe_network_interfaces(struct api_call *call)
{
	static const struct ec2_filter filters[] = {
		{ "network-interface-id", "NetworkInterfaceId" },
		{ "group-id", "Groups.GroupId" },
		{ "group-name", "Groups.GroupName" },
		{ "subnet-id", "SubnetId" },
		{ "vpc-id", "VpcId" },
		{ "availability-zone", "AvailabilityZone" },
		{ "description", "Description" },
		{ "status", "Status" },
		{ "owner-id", "OwnerId" },
		{ "requester-id", "RequesterId" },
		{ "requester-managed", "RequesterManaged" },
		{ "interface-type", "InterfaceType" },
		{ "mac-address", "MacAddress" },
		{ "attachment.attachment-id", "Attachment.AttachmentId" },
		{ "attachment.status", "Attachment.Status" },
		{ "attachment.instance-id", "Attachment.InstanceId" },
		{ "attachment.instance-owner-id", "Attachment.InstanceOwnerId" },
		{ "addresses.private-ip-address", "PrivateIpAddresses.PrivateIpAddress" },
		{ "private-ip-address", "PrivateIpAddress" },
		{ NULL, NULL },
	};
	const json_t *ids = json_object_get(call->input, "NetworkInterfaceIds");
	const char *missing = NULL;
	json_t *list = json_array();
	bool balancers, tasks;

	TRY(ec2_hold(call, list));
	TRY(ec2_filters_may_match(call, filters, "requester-id", EC2_REQUESTER_ELB, &balancers));
	TRY(ec2_filters_may_match(call, filters, "requester-id", EC2_REQUESTER_ECS, &tasks));
	if (balancers)
		TRY(ec2_interfaces(call, &list));
	if (tasks)
		TRY(ec2_add_task_interfaces(call, list));
	if (json_array_size(ids))
		missing = ec2_leave(ids, list, "NetworkInterfaceId");
	if (missing && !bytes_starts(bytes_of(missing), BYTES("eni-")))
		return api_fault(call, "InvalidNetworkInterfaceId.Malformed",
				 "Invalid id: \"%s\" (expecting \"eni-...\")", missing);
	if (missing)
		return api_fault(call, "InvalidNetworkInterfaceID.NotFound",
				 "The networkInterface ID '%s' does not exist", missing);
	TRY(ec2_filter_list(call, filters, list));
	return ec2_page(call, "NetworkInterfaces", list);
}

/* ---- Instances ---- */

static const struct ec2_kind instance_kind = {
	.kind = EC2_INSTANCE,
	.type = "instance",
	.id = "InstanceId",
	.prefix = "i-",
	.malformed = "InvalidInstanceID.Malformed",
	.missing = "InvalidInstanceID.NotFound",
	.noun = "instance ID",
};

/* The groups that were set, or the default one of the default VPC. */
static err_t instance_groups(struct api_call *call, const char *id, json_t **ret_groups)
{
	char group[EC2_ID_BYTES];
	json_t *list, *body, *ids;
	size_t index;

	ec2_id(ec2_of(call), "sg-", "default", group);
	ids = json_pack("[s]", group);
	TRY(ec2_hold(call, ids));
	TRY(ec2_list(call, &instance_kind, &list));
	json_array_foreach (list, index, body)
		if (ec2_is(body, "InstanceId", id))
			ids = json_object_get(body, "Groups");
	return ec2_group_identifiers(call, ids, ret_groups);
}

err_t ec2_instances(struct api_call *call, json_t **ret_list)
{
	const struct ec2 *ec2 = ec2_of(call);
	json_t *list = json_array(), *groups;
	char vpc[EC2_ID_BYTES];

	TRY(ec2_hold(call, list));
	ec2_id(ec2, "vpc-", "default", vpc);
	for (size_t i = 0; i < ec2->options.instance_count; i++) {
		const struct ec2_instance *from = &ec2->options.instances[i];

		TRY(instance_groups(call, from->id, &groups));
		TRY(ec2_append(list,
			       json_pack("{s:s, s:s, s:s, s:{s:i, s:s}, s:O, s:[]}", "InstanceId",
					 from->id, "PrivateIpAddress", from->address, "VpcId", vpc,
					 "State", "Code", 16, "Name", "running", "SecurityGroups",
					 groups, "Tags")));
	}
	*ret_list = list;
	return ERR_OK;
}

err_t ec2_describe_instances(struct api_call *call)
{
	static const struct ec2_filter filters[] = {
		{ "instance-id", "InstanceId" },
		{ "private-ip-address", "PrivateIpAddress" },
		{ "vpc-id", "VpcId" },
		{ "instance-state-name", "State.Name" },
		{ "instance-state-code", "State.Code" },
		{ "instance.group-id", "SecurityGroups.GroupId" },
		{ "instance.group-name", "SecurityGroups.GroupName" },
		{ NULL, NULL },
	};
	const json_t *ids = json_object_get(call->input, "InstanceIds");
	const char *missing = NULL;
	json_t *list, *instance, *reservations = json_array();
	char reservation[EC2_ID_BYTES];
	size_t index;

	TRY(ec2_hold(call, reservations));
	TRY(ec2_instances(call, &list));
	if (json_array_size(ids))
		missing = ec2_leave(ids, list, "InstanceId");
	if (missing)
		return api_fault(call, "InvalidInstanceID.NotFound",
				 "The instance ID '%s' does not exist", missing);
	TRY(ec2_filter_list(call, filters, list));
	json_array_foreach (list, index, instance) {
		ec2_id(ec2_of(call), "r-", ec2_text(instance, "InstanceId"), reservation);
		TRY(ec2_append(reservations,
			       json_pack("{s:s, s:s, s:[], s:[O]}", "ReservationId", reservation,
					 "OwnerId", ec2_of(call)->options.account, "Groups",
					 "Instances", instance)));
	}
	return ec2_page(call, "Reservations", reservations);
}

err_t ec2_run_instances(struct api_call *call)
{
	return api_fault(call, "UnsupportedOperation",
			 "There are no machines to run instances on. Map an instance id to an "
			 "address with the setting 'instance'.");
}

/* Its security groups alone can be changed. */
err_t ec2_modify_instance_attribute(struct api_call *call)
{
	const char *id = ec2_text(call->input, "InstanceId");
	json_t *groups = json_object_get(call->input, "Groups"), *group, *list, *body;
	size_t index;
	bool known;

	TRY(ec2_instances(call, &list));
	if (!ec2_path_has(list, "InstanceId", id))
		return api_fault(call, "InvalidInstanceID.NotFound",
				 "The instance ID '%s' does not exist", id);
	if (!json_array_size(groups))
		return api_fault(call, "UnsupportedOperation",
				 "Only the security groups of an instance can be changed");
	json_array_foreach (groups, index, group)
		TRY(ec2_find(call, &ec2_groups, json_string_value(group), &body));
	TRY(ec2_any(call, &instance_kind, "InstanceId", id, &known));
	body = json_pack("{s:s, s:O}", "InstanceId", id, "Groups", groups);
	if (!known)
		return ec2_add(call, &instance_kind, body);
	TRY(ec2_hold(call, body));
	return ec2_save(call, &instance_kind, body);
}
