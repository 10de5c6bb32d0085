#include "services/elbv2/security.h"

#include "base/log.h"

void security_init(struct security *security)
{
	*security = (struct security){ .stale = true };
}

void security_fini(struct security *security)
{
	json_decref(security->groups);
	json_decref(security->instances);
}

bool security_note(struct security *security, const struct store_change *changes, size_t count)
{
	bool noted = false;

	for (size_t i = 0; i < count; i++)
		noted |= strcmp(changes[i].kind, "ec2.security_group") == 0 ||
			 strcmp(changes[i].kind, "ec2.instance") == 0;
	security->stale |= noted;
	return noted;
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* ---- Asking ---- */

static err_t ask(struct api *api, const struct api_caller *caller, const char *operation,
		 json_t **ret_output)
{
	struct api_fault fault = { .code = "" };
	json_t *input = json_object();
	err_t err;

	if (!input)
		return ERR_NOMEM;
	err = api_call(api, caller, "ec2", operation, input, ret_output, &fault);
	json_decref(input);
	if (err)
		log_error("elbv2", "%s: %s: %s", operation, fault.code, fault.message);
	return err;
}

static err_t ask_groups(struct api *api, const struct api_caller *caller, json_t **ret_groups)
{
	json_t *output;

	TRY(ask(api, caller, "DescribeSecurityGroups", &output));
	*ret_groups = json_incref(json_object_get(output, "SecurityGroups"));
	json_decref(output);
	return *ret_groups ? ERR_OK : ERR_NOMEM;
}

static err_t ask_instances(struct api *api, const struct api_caller *caller, json_t **ret_instances)
{
	json_t *output, *list = json_array(), *reservation;
	size_t index;
	err_t err;

	if (!list)
		return ERR_NOMEM;
	err = ask(api, caller, "DescribeInstances", &output);
	if (err) {
		json_decref(list);
		return err;
	}
	json_array_foreach (json_object_get(output, "Reservations"), index, reservation)
		if (json_array_extend(list, json_object_get(reservation, "Instances")))
			err = ERR_NOMEM;
	json_decref(output);
	if (err)
		json_decref(list);
	else
		*ret_instances = list;
	return err;
}

err_t security_refresh(struct security *security, struct api *api, const struct api_caller *caller)
{
	json_t *groups, *instances;
	err_t err;

	if (!security->stale || !api_service(api, BYTES("ec2")))
		return ERR_OK;
	TRY(ask_groups(api, caller, &groups));
	err = ask_instances(api, caller, &instances);
	if (err) {
		json_decref(groups);
		return err;
	}
	security_fini(security);
	*security = (struct security){ .groups = groups, .instances = instances };
	return ERR_OK;
}

/* ---- Rules of a group to rules of the balancer ---- */

/* Run twice: without room it only counts. */
struct collector {
	const struct security *security;
	struct admit_rule *rules;
	unsigned count;
};

static bool names_group(const json_t *ids, const char *group)
{
	const json_t *id;
	size_t index;

	json_array_foreach (ids, index, id)
		if (strcmp(json_string_value(id), group) == 0)
			return true;
	return false;
}

/* False for a permission that is not about TCP. */
static bool ports_of(const json_t *permission, struct admit_rule *rule)
{
	const char *protocol = text_of(permission, "IpProtocol");

	rule->port_first = 0;
	rule->port_last = 65535;
	if (strcmp(protocol, "-1") == 0)
		return true;
	if (strcmp(protocol, "tcp") != 0)
		return false;
	rule->port_first = (uint16_t)json_integer_value(json_object_get(permission, "FromPort"));
	rule->port_last = (uint16_t)json_integer_value(json_object_get(permission, "ToPort"));
	return true;
}

static void take(struct collector *c, const struct admit_rule *rule)
{
	if (c->rules)
		c->rules[c->count] = *rule;
	c->count++;
}

static void take_ranges(struct collector *c, const json_t *ranges, const char *key,
			struct admit_rule rule)
{
	const json_t *range;
	size_t index;

	json_array_foreach (ranges, index, range)
		if (!cidr_parse(bytes_of(text_of(range, key)), &rule.other))
			take(c, &rule);
}

/* An address alone, as a range. */
static struct cidr only(struct address address)
{
	address.port = 0;
	return (struct cidr){ .base = address, .bits = address.family == 6 ? 128 : 32 };
}

static bool is_member(const json_t *instance, const char *group)
{
	const json_t *own;
	size_t index;

	json_array_foreach (json_object_get(instance, "SecurityGroups"), index, own)
		if (strcmp(text_of(own, "GroupId"), group) == 0)
			return true;
	return false;
}

/* A group stands for the addresses of its members: those of instances are known. */
static void take_members(struct collector *c, const json_t *pairs, struct admit_rule rule)
{
	const json_t *pair, *instance;
	struct address address;
	size_t index, at;

	json_array_foreach (pairs, index, pair) {
		json_array_foreach (c->security->instances, at, instance) {
			struct bytes text = bytes_of(text_of(instance, "PrivateIpAddress"));

			if (!is_member(instance, text_of(pair, "GroupId")) ||
			    address_parse_ip(text, 0, &address))
				continue;
			rule.other = only(address);
			take(c, &rule);
		}
	}
}

static void collect_groups(struct collector *c, const json_t *ids, enum security_way way)
{
	const char *member = way == SECURITY_EGRESS ? "IpPermissionsEgress" : "IpPermissions";
	const json_t *group, *permission;
	struct admit_rule rule = { .port_first = 0 };
	size_t index, at;

	json_array_foreach (c->security->groups, index, group) {
		if (!names_group(ids, text_of(group, "GroupId")))
			continue;
		json_array_foreach (json_object_get(group, member), at, permission) {
			if (!ports_of(permission, &rule))
				continue;
			take_ranges(c, json_object_get(permission, "IpRanges"), "CidrIp", rule);
			take_ranges(c, json_object_get(permission, "Ipv6Ranges"), "CidrIpv6", rule);
			take_members(c, json_object_get(permission, "UserIdGroupPairs"), rule);
		}
	}
}

static err_t make_list(struct collector *c, struct arena *arena, struct admit_list **ret_list)
{
	*ret_list = arena_new(arena, struct admit_list);
	c->rules = arena_array(arena, c->count + 1, sizeof *c->rules);
	if (!*ret_list || !c->rules)
		return ERR_NOMEM;
	c->count = 0;
	(*ret_list)->rules = c->rules;
	return ERR_OK;
}

err_t security_of_groups(const struct security *security, const json_t *ids, enum security_way way,
			 struct arena *arena, const struct admit_list **ret_list)
{
	struct collector collector = { .security = security };
	struct admit_list *list;

	*ret_list = NULL;
	if (!security->groups)
		return ERR_OK;
	collect_groups(&collector, ids, way);
	TRY(make_list(&collector, arena, &list));
	collect_groups(&collector, ids, way);
	list->count = collector.count;
	*ret_list = list;
	return ERR_OK;
}

/* ---- What a target's own groups let in ---- */

static bool covers(const json_t *permission, const json_t *balancer_ids,
		   const struct address *source)
{
	static const char *const lists[][2] = { { "IpRanges", "CidrIp" },
						{ "Ipv6Ranges", "CidrIpv6" } };
	const json_t *item;
	struct cidr cidr;
	size_t index;

	for (size_t i = 0; i < COUNT(lists); i++)
		json_array_foreach (json_object_get(permission, lists[i][0]), index, item)
			if (!cidr_parse(bytes_of(text_of(item, lists[i][1])), &cidr) &&
			    cidr_contains(&cidr, source))
				return true;
	json_array_foreach (json_object_get(permission, "UserIdGroupPairs"), index, item)
		if (names_group(balancer_ids, text_of(item, "GroupId")))
			return true;
	return false;
}

static void collect_target(struct collector *c, const json_t *instance,
			   const struct address *target, const json_t *balancer_ids,
			   const struct address *source)
{
	struct admit_rule rule = { .other = only(*target) };
	const json_t *group, *permission;
	size_t index, at;

	json_array_foreach (c->security->groups, index, group) {
		if (!is_member(instance, text_of(group, "GroupId")))
			continue;
		json_array_foreach (json_object_get(group, "IpPermissions"), at, permission)
			if (ports_of(permission, &rule) && covers(permission, balancer_ids, source))
				take(c, &rule);
	}
}

static const json_t *instance_at(const struct security *security, const struct address *at)
{
	const json_t *instance;
	struct address address;
	size_t index;

	json_array_foreach (security->instances, index, instance)
		if (!address_parse_ip(bytes_of(text_of(instance, "PrivateIpAddress")), 0,
				      &address) &&
		    address_eq_ip(&address, at))
			return instance;
	return NULL;
}

err_t security_of_target(const struct security *security, const struct address *target,
			 const json_t *balancer_ids, const struct address *source,
			 struct arena *arena, const struct admit_list **ret_list)
{
	struct collector collector = { .security = security };
	const json_t *instance = instance_at(security, target);
	struct admit_list *list;

	*ret_list = NULL;
	if (!instance)
		return ERR_OK;
	collect_target(&collector, instance, target, balancer_ids, source);
	TRY(make_list(&collector, arena, &list));
	collect_target(&collector, instance, target, balancer_ids, source);
	list->count = collector.count;
	*ret_list = list;
	return ERR_OK;
}
