/*
 * task_interfaces: the network interfaces of tasks of network mode awsvpc, asked from ecs. A task
 * has one from its start until it has stopped.
 */
#include "services/ec2/ec2_internal.h"

#include <stdio.h>

static bool has_ended(const json_t *task)
{
	static const char *const ends[] = { "DEPROVISIONING", "STOPPED", "DELETED" };

	for (size_t i = 0; i < COUNT(ends); i++)
		if (ec2_is(task, "lastStatus", ends[i]))
			return true;
	return false;
}

/* Attachments are lists of names and values; NULL: it has no such name. */
static const char *detail(const json_t *attachment, const char *name)
{
	const json_t *pair;
	size_t index;

	json_array_foreach (json_object_get(attachment, "details"), index, pair)
		if (ec2_is(pair, "name", name))
			return ec2_text(pair, "value");
	return NULL;
}

/* The groups it was given ("sg-1,sg-2"), or the default one of its VPC. */
static err_t groups_of(struct api_call *call, const char *given, const char *vpc, json_t **ret_list)
{
	struct bytes rest = bytes_of(given), id;
	json_t *ids = json_array(), *groups, *group;
	size_t index;

	TRY(ec2_hold(call, ids));
	TRY(ec2_list(call, &ec2_groups, &groups));
	json_array_foreach (groups, index, group)
		if (!rest.len && ec2_is(group, "GroupName", "default") &&
		    ec2_is(group, "VpcId", vpc))
			TRY(ec2_append(ids, json_string(ec2_text(group, "GroupId"))));
	while (rest.len && bytes_cut(&rest, ',', &id))
		TRY(ec2_append(ids, json_stringn(id.at, id.len)));
	return ec2_group_identifiers(call, ids, ret_list);
}

static json_t *make_interface(const struct ec2 *ec2, const json_t *attachment, const json_t *subnet,
			      json_t *groups)
{
	const char *account = ec2->options.account, *id = ec2_text(attachment, "id");
	const char *address = detail(attachment, "privateIPv4Address");
	char description[200], attached[EC2_ID_BYTES];

	ec2_id(ec2, "eni-attach-", id, attached);
	snprintf(description, sizeof description, "arn:aws:ecs:%s:%s:attachment/%s",
		 ec2->options.region, account, id);
	return json_pack(
		"{s:s?, s:O, s:O, s:O, s:s, s:s, s:s, s:b, s:b, s:s, s:s, s:s?, s:O, s:s?, "
		"s:[{s:s?, s:b}], s:{s:s, s:s, s:s, s:b, s:i}, s:[]}",
		"NetworkInterfaceId", detail(attachment, "networkInterfaceId"), "SubnetId",
		json_object_get(subnet, "SubnetId"), "VpcId", json_object_get(subnet, "VpcId"),
		"AvailabilityZone", json_object_get(subnet, "AvailabilityZone"), "Description",
		description, "OwnerId", account, "RequesterId", EC2_REQUESTER_ECS,
		"RequesterManaged", 1, "SourceDestCheck", 1, "Status", "in-use", "InterfaceType",
		"interface", "MacAddress", detail(attachment, "macAddress"), "Groups", groups,
		"PrivateIpAddress", address, "PrivateIpAddresses", "PrivateIpAddress", address,
		"Primary", 1, "Attachment", "AttachmentId", attached, "InstanceOwnerId",
		EC2_REQUESTER_ECS, "Status", "attached", "DeleteOnTermination", 0, "DeviceIndex", 1,
		"TagSet");
}

static err_t add_interface(struct api_call *call, const json_t *attachment, json_t *list)
{
	const char *in = detail(attachment, "subnetId");
	json_t *subnets, *subnet, *groups;
	size_t index;

	if (!ec2_is(attachment, "type", "ElasticNetworkInterface") || !ec2_text(attachment, "id") ||
	    !detail(attachment, "privateIPv4Address"))
		return ERR_OK;
	TRY(ec2_list(call, &ec2_subnets, &subnets));
	json_array_foreach (subnets, index, subnet) {
		if (!ec2_is(subnet, "SubnetId", in))
			continue;
		TRY(groups_of(call, detail(attachment, "securityGroups"), ec2_text(subnet, "VpcId"),
			      &groups));
		TRY(ec2_append(list, make_interface(ec2_of(call), attachment, subnet, groups)));
	}
	return ERR_OK;
}

static err_t add_tasks(struct api_call *call, const char *cluster, json_t *arns, json_t *list)
{
	json_t *answer, *task, *attachment;
	size_t index, at;

	if (!json_array_size(arns))
		return ERR_OK;
	TRY(ec2_ask(call, "ecs", "DescribeTasks",
		    json_pack("{s:s, s:O}", "cluster", cluster, "tasks", arns), &answer));
	json_array_foreach (json_object_get(answer, "tasks"), index, task) {
		if (has_ended(task))
			continue;
		json_array_foreach (json_object_get(task, "attachments"), at, attachment)
			TRY(add_interface(call, attachment, list));
	}
	return ERR_OK;
}

/* What is to stop has its interface until it has. */
static err_t add_cluster(struct api_call *call, const char *cluster, json_t *list)
{
	static const char *const wanted[] = { "RUNNING", "STOPPED" };

	for (size_t i = 0; i < COUNT(wanted); i++) {
		const char *token = NULL;
		json_t *page;

		do {
			TRY(ec2_ask(call, "ecs", "ListTasks",
				    json_pack("{s:s, s:s, s:s*}", "cluster", cluster,
					      "desiredStatus", wanted[i], "nextToken", token),
				    &page));
			token = ec2_text(page, "nextToken");
			TRY(add_tasks(call, cluster, json_object_get(page, "taskArns"), list));
		} while (token);
	}
	return ERR_OK;
}

err_t ec2_add_task_interfaces(struct api_call *call, json_t *list)
{
	const char *token = NULL;
	json_t *page, *cluster;
	size_t index;

	do {
		TRY(ec2_ask(call, "ecs", "ListClusters", json_pack("{s:s*}", "nextToken", token),
			    &page));
		token = ec2_text(page, "nextToken");
		json_array_foreach (json_object_get(page, "clusterArns"), index, cluster)
			TRY(add_cluster(call, json_string_value(cluster), list));
	} while (token);
	return ERR_OK;
}
