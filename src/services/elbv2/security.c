#include "services/elbv2/security.h"

#include "base/log.h"

void security_init(struct security *security)
{
	*security = (struct security){ .stale = true, .moved = true };
}

void security_fini(struct security *security)
{
	members_fini(&security->members);
	json_decref(security->groups);
	json_decref(security->subnets);
	json_decref(security->lists);
	json_decref(security->interfaces);
}

bool security_note(struct security *security, const struct store_change *changes, size_t count)
{
	static const char *const kept[] = { "ec2.security_group", "ec2.instance", "ec2.subnet",
					    "ec2.prefix_list" };
	bool noted = false;

	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < COUNT(kept); k++)
			noted |= strcmp(changes[i].kind, kept[k]) == 0;
		security->moved |= strcmp(changes[i].kind, "ec2.subnet") == 0;
		security->tasks_stale |= strcmp(changes[i].kind, "ecs.task") == 0;
	}
	security->stale |= noted;
	return noted;
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* ---- Asking ---- */

struct asking {
	struct api *api;
	const struct api_caller *caller;
};

/* A list of the operation's answer; `input` is stolen. */
static err_t ask(const struct asking *a, const char *operation, json_t *input, const char *list,
		 json_t **ret_list)
{
	struct api_fault fault = { .code = "" };
	json_t *output;
	err_t err;

	if (!input)
		return ERR_NOMEM;
	err = api_call(a->api, a->caller, "ec2", operation, input, &output, &fault);
	json_decref(input);
	if (err) {
		log_error("elbv2", "%s: %s: %s", operation, fault.code, fault.message);
		return err;
	}
	*ret_list = json_incref(json_object_get(output, list));
	json_decref(output);
	return *ret_list ? ERR_OK : ERR_NOMEM;
}

static err_t ask_instances(const struct asking *a, json_t **ret_instances)
{
	json_t *reservations, *list = json_array(), *reservation;
	size_t index;
	err_t err;

	if (!list)
		return ERR_NOMEM;
	err = ask(a, "DescribeInstances", json_object(), "Reservations", &reservations);
	if (err) {
		json_decref(list);
		return err;
	}
	json_array_foreach (reservations, index, reservation)
		if (json_array_extend(list, json_object_get(reservation, "Instances")))
			err = ERR_NOMEM;
	json_decref(reservations);
	if (err)
		json_decref(list);
	else
		*ret_instances = list;
	return err;
}

/* Those of load balancers are not asked for: it is us they would be asked of. */
static err_t ask_interfaces(const struct asking *a, json_t **ret_interfaces)
{
	return ask(a, "DescribeNetworkInterfaces",
		   json_pack("{s:[{s:s, s:[s]}]}", "Filters", "Name", "requester-id", "Values",
			     "amazon-ecs"),
		   "NetworkInterfaces", ret_interfaces);
}

static err_t ask_list(const struct asking *a, const char *id, json_t *lists)
{
	json_t *entries;

	if (json_object_get(lists, id))
		return ERR_OK;
	TRY(ask(a, "GetManagedPrefixListEntries", json_pack("{s:s}", "PrefixListId", id), "Entries",
		&entries));
	return json_object_set_new(lists, id, entries) ? ERR_NOMEM : ERR_OK;
}

static err_t ask_lists_of(const struct asking *a, const json_t *permissions, json_t *lists)
{
	const json_t *permission, *list;
	size_t index, at;

	json_array_foreach (permissions, index, permission)
		json_array_foreach (json_object_get(permission, "PrefixListIds"), at, list)
			TRY(ask_list(a, text_of(list, "PrefixListId"), lists));
	return ERR_OK;
}

static err_t ask_lists(const struct asking *a, const json_t *groups, json_t **ret_lists)
{
	const json_t *group;
	size_t index;

	*ret_lists = json_object();
	if (!*ret_lists)
		return ERR_NOMEM;
	json_array_foreach (groups, index, group) {
		TRY(ask_lists_of(a, json_object_get(group, "IpPermissions"), *ret_lists));
		TRY(ask_lists_of(a, json_object_get(group, "IpPermissionsEgress"), *ret_lists));
	}
	return ERR_OK;
}

static err_t ask_all(const struct asking *a, struct security *ret_security)
{
	json_t *instances = NULL;
	err_t err;

	err = ask(a, "DescribeSecurityGroups", json_object(), "SecurityGroups",
		  &ret_security->groups);
	if (!err)
		err = ask_lists(a, ret_security->groups, &ret_security->lists);
	if (!err && !ret_security->subnets)
		err = ask(a, "DescribeSubnets", json_object(), "Subnets", &ret_security->subnets);
	if (!err)
		err = ask_instances(a, &instances);
	if (!err)
		err = members_make(&ret_security->members, ret_security->interfaces, instances,
				   ret_security->subnets);
	json_decref(instances);
	return err;
}

err_t security_refresh(struct security *security, struct api *api, const struct api_caller *caller,
		       bool *ret_changed)
{
	const struct asking asking = { api, caller };
	struct security now = { .groups = NULL };
	err_t err;

	*ret_changed = false;
	if ((!security->stale && !security->tasks_stale) || !api_service(api, BYTES("ec2")))
		return ERR_OK;
	TRY(ask_interfaces(&asking, &now.interfaces));
	if (!security->stale && json_equal(now.interfaces, security->interfaces)) {
		json_decref(now.interfaces);
		security->tasks_stale = false;
		return ERR_OK;
	}
	if (!security->moved)
		now.subnets = json_incref(security->subnets);
	err = ask_all(&asking, &now);
	if (err) {
		security_fini(&now);
		return err;
	}
	security_fini(security);
	*security = now;
	*ret_changed = true;
	return ERR_OK;
}

/* ---- Rules of a group to rules of the balancer ---- */

/* Run twice: without room it only counts. */
struct collector {
	const struct security *security;
	struct admit_rule *rules;
	unsigned count;
	struct admit_rule rule; /* its ports are those of the permission at hand */
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

/* An address alone, as a range. */
static struct cidr only(struct address address)
{
	address.port = 0;
	return (struct cidr){ .base = address, .bits = address.family == 6 ? 128 : 32 };
}

/*
 * Each range that the permission names, by itself or in a prefix list, until `visit` says true;
 * whether it did.
 */
static bool any_range(const struct security *security, const json_t *permission,
		      bool (*visit)(void *owner, const char *range), void *owner)
{
	static const char *const lists[][2] = { { "IpRanges", "CidrIp" },
						{ "Ipv6Ranges", "CidrIpv6" } };
	const json_t *item, *entry;
	size_t index, at;

	for (size_t i = 0; i < COUNT(lists); i++)
		json_array_foreach (json_object_get(permission, lists[i][0]), index, item)
			if (visit(owner, text_of(item, lists[i][1])))
				return true;
	json_array_foreach (json_object_get(permission, "PrefixListIds"), index, item)
		json_array_foreach (json_object_get(security->lists, text_of(item, "PrefixListId")),
				    at, entry)
			if (visit(owner, text_of(entry, "Cidr")))
				return true;
	return false;
}

static bool take_range(void *owner, const char *text)
{
	struct collector *c = owner;
	const struct members *members = &c->security->members;
	struct admit_rule rule = c->rule;
	struct cidr range;

	if (cidr_parse(bytes_of(text), &range))
		return false;
	rule.other = range;
	take(c, &rule);
	for (size_t i = 0; i < members->count; i++) {
		if (cidr_contains(&range, &members->at[i].at) ||
		    !member_is_within(&members->at[i], &range))
			continue;
		rule.other = only(members->at[i].at);
		take(c, &rule);
	}
	return false;
}

/* A group stands for the addresses of its members. */
static void take_members(struct collector *c, const json_t *pairs)
{
	const struct members *members = &c->security->members;
	struct admit_rule rule = c->rule;
	const json_t *pair;
	size_t index;

	json_array_foreach (pairs, index, pair)
		for (size_t i = 0; i < members->count; i++) {
			if (!member_is_in(&members->at[i], text_of(pair, "GroupId")))
				continue;
			rule.other = only(members->at[i].at);
			take(c, &rule);
		}
}

static void collect_groups(struct collector *c, const json_t *ids, enum security_way way)
{
	const char *member = way == SECURITY_EGRESS ? "IpPermissionsEgress" : "IpPermissions";
	const json_t *group, *permission;
	size_t index, at;

	json_array_foreach (c->security->groups, index, group) {
		if (!names_group(ids, text_of(group, "GroupId")))
			continue;
		json_array_foreach (json_object_get(group, member), at, permission) {
			if (!ports_of(permission, &c->rule))
				continue;
			any_range(c->security, permission, take_range, c);
			take_members(c, json_object_get(permission, "UserIdGroupPairs"));
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

struct knock {
	const struct security *security;
	const struct security_balancer *balancer;
};

/* The balancer is at its source's address, and in the subnets of its interfaces. */
static bool range_has(void *owner, const char *text)
{
	const struct knock *knock = owner;
	struct cidr range, subnet;
	const json_t *zone;
	size_t index;

	if (cidr_parse(bytes_of(text), &range))
		return false;
	if (cidr_contains(&range, &knock->balancer->source))
		return true;
	json_array_foreach (knock->balancer->zones, index, zone)
		if (subnet_range(knock->security->subnets, text_of(zone, "SubnetId"), &subnet) &&
		    cidr_covers(&range, &subnet))
			return true;
	return false;
}

static bool admits(const struct security *security, const json_t *permission,
		   const struct security_balancer *balancer)
{
	struct knock knock = { security, balancer };
	const json_t *item;
	size_t index;

	if (any_range(security, permission, range_has, &knock))
		return true;
	json_array_foreach (json_object_get(permission, "UserIdGroupPairs"), index, item)
		if (names_group(balancer->groups, text_of(item, "GroupId")))
			return true;
	return false;
}

static void collect_target(struct collector *c, const struct member *member,
			   const struct security_balancer *balancer)
{
	struct admit_rule rule = { .other = only(member->at) };
	const json_t *group, *permission;
	size_t index, at;

	json_array_foreach (c->security->groups, index, group) {
		if (!member_is_in(member, text_of(group, "GroupId")))
			continue;
		json_array_foreach (json_object_get(group, "IpPermissions"), at, permission)
			if (ports_of(permission, &rule) &&
			    admits(c->security, permission, balancer))
				take(c, &rule);
	}
}

err_t security_of_target(const struct security *security, const struct address *target,
			 const struct security_balancer *balancer, struct arena *arena,
			 const struct admit_list **ret_list)
{
	struct collector collector = { .security = security };
	const struct member *member = members_find(&security->members, target);
	struct admit_list *list;

	*ret_list = NULL;
	if (!member)
		return ERR_OK;
	collect_target(&collector, member, balancer);
	TRY(make_list(&collector, arena, &list));
	collect_target(&collector, member, balancer);
	list->count = collector.count;
	*ret_list = list;
	return ERR_OK;
}
