/*
 * prefix_lists: named sets of ranges that rules of security groups refer to. A list keeps its
 * ranges by version, the newest VERSIONS_MAX of them. AWS's own lists are made as they are asked
 * for: what they mean here is where their services are here.
 */
#include "services/ec2/ec2_internal.h"

#include <stdio.h>

#include "net/address.h"

enum { NAME_MAX_CHARS = 255, LISTS_MAX = 100, ENTRIES_MAX = 1000, VERSIONS_MAX = 100 };

/* ---- AWS's own ---- */

static const struct owned {
	const char *name;      /* behind "com.amazonaws."; %R is the Region */
	const char *us_east_1; /* its id there, which templates carry */
	bool is_here;	       /* at the address of the API */
	int weight;	       /* how many rules it counts for in a group */
} owned[] = {
	{ "%R.s3", "pl-63a5400a", true, 1 },
	{ "%R.dynamodb", "pl-02cd2c6b", false, 1 },
	{ "global.cloudfront.origin-facing", "pl-3b927c52", false, 55 },
};

static void owned_name(const struct ec2 *ec2, const struct owned *row, char out[128])
{
	if (bytes_starts(bytes_of(row->name), BYTES("%R")))
		snprintf(out, 128, "com.amazonaws.%.60s%s", ec2->options.region, row->name + 2);
	else
		snprintf(out, 128, "com.amazonaws.%s", row->name);
}

static json_t *make_owned(const struct ec2 *ec2, const struct owned *row)
{
	const char *region = ec2->options.region;
	char name[128], id[EC2_ID_BYTES], arn[200];
	json_t *entries = row->is_here
				  ? json_pack("[{s:s+}]", "Cidr", ec2->options.api_address, "/32")
				  : json_array();

	owned_name(ec2, row, name);
	if (strcmp(region, "us-east-1") == 0)
		snprintf(id, sizeof id, "%s", row->us_east_1);
	else
		ec2_id(ec2, "pl-", name, id);
	snprintf(arn, sizeof arn, "arn:aws:ec2:%.60s:aws:prefix-list/%s", region, id);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:[], s:{s:o}}", "PrefixListId", id,
			 "PrefixListName", name, "PrefixListArn", arn, "AddressFamily", "IPv4",
			 "State", "create-complete", "OwnerId", "AWS", "Weight", row->weight,
			 "Tags", "Versions", "1", entries);
}

static err_t list_owned(struct api_call *call, json_t **ret_list)
{
	json_t *list = json_array();

	TRY(ec2_hold(call, list));
	for (size_t i = 0; i < COUNT(owned); i++)
		TRY(ec2_append(list, make_owned(ec2_of(call), &owned[i])));
	*ret_list = list;
	return ERR_OK;
}

static err_t list_all(struct api_call *call, json_t **ret_list)
{
	json_t *own;

	TRY(list_owned(call, ret_list));
	TRY(ec2_list(call, &ec2_prefix_lists, &own));
	return json_array_extend(*ret_list, own) ? ERR_NOMEM : ERR_OK;
}

static bool is_owned(const json_t *body)
{
	return ec2_is(body, "OwnerId", "AWS");
}

err_t ec2_prefix_list_find(struct api_call *call, const char *id, json_t **ret_body)
{
	json_t *list, *body;
	size_t index;

	TRY(list_owned(call, &list));
	json_array_foreach (list, index, body)
		if (ec2_is(body, "PrefixListId", id)) {
			*ret_body = body;
			return ERR_OK;
		}
	return ec2_find(call, &ec2_prefix_lists, id, ret_body);
}

int ec2_prefix_list_weight(const json_t *body)
{
	return (int)json_integer_value(
		json_object_get(body, is_owned(body) ? "Weight" : "MaxEntries"));
}

static err_t find_input(struct api_call *call, json_t **ret_body)
{
	return ec2_prefix_list_find(call, ec2_text(call->input, "PrefixListId"), ret_body);
}

/* One that may be changed. */
static err_t find_own(struct api_call *call, json_t **ret_body)
{
	TRY(find_input(call, ret_body));
	if (is_owned(*ret_body))
		return api_fault(call, "OperationNotPermitted",
				 "The prefix list '%s' is managed by AWS and cannot be changed",
				 ec2_text(*ret_body, "PrefixListId"));
	return ERR_OK;
}

/* ---- Versions and entries ---- */

static json_int_t version_of(const json_t *body)
{
	const json_t *version = json_object_get(body, "Version");

	return version ? json_integer_value(version) : 1;
}

static json_t *entries_of(const json_t *body, json_int_t version)
{
	char key[24];

	snprintf(key, sizeof key, "%lld", (long long)version);
	return json_object_get(json_object_get(body, "Versions"), key);
}

static err_t put_version(json_t *body, json_int_t version, json_t *entries)
{
	json_t *versions = json_object_get(body, "Versions");
	char key[24];

	snprintf(key, sizeof key, "%lld", (long long)(version - VERSIONS_MAX));
	json_object_del(versions, key);
	snprintf(key, sizeof key, "%lld", (long long)version);
	TRY(ec2_set(versions, key, json_incref(entries)));
	return ec2_set(body, "Version", json_integer(version));
}

/* Where in `entries` the range is; SIZE_MAX: nowhere. */
static size_t find_entry(const json_t *entries, const char *cidr)
{
	const json_t *entry;
	size_t index;

	json_array_foreach (entries, index, entry)
		if (ec2_is(entry, "Cidr", cidr))
			return index;
	return SIZE_MAX;
}

static err_t canonical(struct api_call *call, const json_t *body, const json_t *entry,
		       char out[EC2_CIDR_BYTES])
{
	const char *given = ec2_text(entry, "Cidr");
	struct cidr cidr;

	if (!given)
		return api_fault(call, "MissingParameter",
				 "The request must contain the parameter Cidr of each entry");
	return ec2_cidr(call, given, ec2_is(body, "AddressFamily", "IPv6") ? 6 : 4, &cidr, out);
}

static err_t add_entries(struct api_call *call, const json_t *body, const char *member,
			 json_t *entries)
{
	const json_t *given = json_object_get(call->input, member), *entry;
	char cidr[EC2_CIDR_BYTES];
	size_t index;

	json_array_foreach (given, index, entry) {
		const char *description = ec2_text(entry, "Description");

		TRY(canonical(call, body, entry, cidr));
		if (description && strlen(description) > NAME_MAX_CHARS)
			return api_fault(call, "InvalidParameterValue",
					 "The description of an entry has at most %d characters",
					 NAME_MAX_CHARS);
		if (find_entry(entries, cidr) != SIZE_MAX)
			return api_fault(call, "InvalidPrefixListModification",
					 "The prefix list already has the entry %s", cidr);
		TRY(ec2_append(entries,
			       json_pack("{s:s, s:s*}", "Cidr", cidr, "Description", description)));
	}
	if ((json_int_t)json_array_size(entries) >
	    json_integer_value(json_object_get(body, "MaxEntries")))
		return api_fault(
			call, "PrefixListMaxEntriesExceeded",
			"You've reached the maximum number of entries for the prefix list.");
	return ERR_OK;
}

static err_t remove_entries(struct api_call *call, const json_t *body, json_t *entries)
{
	const json_t *given = json_object_get(call->input, "RemoveEntries"), *entry;
	char cidr[EC2_CIDR_BYTES];
	size_t index, at;

	json_array_foreach (given, index, entry) {
		TRY(canonical(call, body, entry, cidr));
		at = find_entry(entries, cidr);
		if (at == SIZE_MAX)
			return api_fault(call, "InvalidPrefixListModification",
					 "The prefix list has no entry %s", cidr);
		json_array_remove(entries, at);
	}
	return ERR_OK;
}

/* ---- Who refers to it ---- */

static err_t groups_naming(struct api_call *call, const char *id, json_t **ret_groups)
{
	json_t *list = json_array(), *groups, *group;
	size_t index;

	TRY(ec2_hold(call, list));
	TRY(ec2_list(call, &ec2_groups, &groups));
	json_array_foreach (groups, index, group)
		if (ec2_path_has(group, "Rules.PrefixListId", id))
			TRY(ec2_append(list, json_incref(group)));
	*ret_groups = list;
	return ERR_OK;
}

/* ---- Operations ---- */

static err_t check_name(struct api_call *call, const char *name)
{
	if (!name[0] || strlen(name) > NAME_MAX_CHARS ||
	    bytes_starts(bytes_of(name), BYTES("com.amazonaws")))
		return api_fault(call, "InvalidParameterValue",
				 "The name of a prefix list has 1 to %d characters and does not "
				 "begin with com.amazonaws",
				 NAME_MAX_CHARS);
	return ERR_OK;
}

static err_t check_max(struct api_call *call, json_int_t max)
{
	if (max < 1 || max > ENTRIES_MAX)
		return api_fault(call, "InvalidParameterValue",
				 "Value (%lld) for parameter MaxEntries is invalid. Expecting a "
				 "value between 1 and %d.",
				 (long long)max, ENTRIES_MAX);
	return ERR_OK;
}

static err_t check_new(struct api_call *call)
{
	const char *family = ec2_text(call->input, "AddressFamily");
	json_t *list;

	TRY(check_name(call, ec2_text(call->input, "PrefixListName")));
	TRY(check_max(call, json_integer_value(json_object_get(call->input, "MaxEntries"))));
	if (strcmp(family, "IPv4") != 0 && strcmp(family, "IPv6") != 0)
		return api_fault(call, "InvalidParameterValue",
				 "Value (%s) for parameter AddressFamily is invalid. Expecting "
				 "IPv4 or IPv6.",
				 family);
	TRY(ec2_list(call, &ec2_prefix_lists, &list));
	if (json_array_size(list) >= LISTS_MAX)
		return api_fault(call, "PrefixListLimitExceeded",
				 "The maximum number of prefix lists has been reached.");
	return ERR_OK;
}

err_t ec2_create_managed_prefix_list(struct api_call *call)
{
	const struct ec2_options *options = &ec2_of(call)->options;
	json_t *tags, *body, *entries = json_array();
	char id[EC2_ID_BYTES], arn[200];

	TRY(ec2_hold(call, entries));
	TRY(check_new(call));
	TRY(ec2_tags_of_input(call, "prefix-list", &tags));
	ec2_random_id("pl-", id);
	snprintf(arn, sizeof arn, "arn:aws:ec2:%.60s:%.12s:prefix-list/%s", options->region,
		 options->account, id);
	body = json_pack("{s:s, s:O, s:s, s:O, s:s, s:s, s:O, s:O, s:{}}", "PrefixListId", id,
			 "PrefixListName", json_object_get(call->input, "PrefixListName"),
			 "PrefixListArn", arn, "AddressFamily",
			 json_object_get(call->input, "AddressFamily"), "State", "create-complete",
			 "OwnerId", options->account, "MaxEntries",
			 json_object_get(call->input, "MaxEntries"), "Tags", tags, "Versions");
	TRY(ec2_hold(call, body));
	TRY(add_entries(call, body, "Entries", entries));
	TRY(put_version(body, 1, entries));
	TRY(ec2_add(call, &ec2_prefix_lists, json_incref(body)));
	return ec2_set(call->output, "PrefixList", json_incref(body));
}

static err_t check_version(struct api_call *call, const json_t *body)
{
	const json_t *given = json_object_get(call->input, "CurrentVersion");

	if (given && json_integer_value(given) != version_of(body))
		return api_fault(call, "PrefixListVersionMismatch",
				 "The prefix list has the version %lld, not %lld",
				 (long long)version_of(body), (long long)json_integer_value(given));
	return ERR_OK;
}

/* Groups that name it have to hold as many rules as it may have entries. */
static err_t resize(struct api_call *call, json_t *body)
{
	json_t *max = json_object_get(call->input, "MaxEntries"), *groups, *group;
	size_t index, held = json_array_size(entries_of(body, version_of(body)));

	if (!max)
		return ERR_OK;
	TRY(check_max(call, json_integer_value(max)));
	if (json_integer_value(max) < (json_int_t)held)
		return api_fault(call, "InvalidParameterValue",
				 "The prefix list has %zu entries: it cannot be resized to %lld",
				 held, (long long)json_integer_value(max));
	TRY(ec2_set(body, "MaxEntries", json_incref(max)));
	TRY(ec2_save(call, &ec2_prefix_lists, body));
	TRY(groups_naming(call, ec2_text(body, "PrefixListId"), &groups));
	json_array_foreach (groups, index, group)
		TRY(ec2_check_rule_count(call, group));
	return ERR_OK;
}

static err_t change_entries(struct api_call *call, json_t *body)
{
	json_t *entries = json_deep_copy(entries_of(body, version_of(body)));

	TRY(ec2_hold(call, entries));
	if (!json_array_size(json_object_get(call->input, "AddEntries")) &&
	    !json_array_size(json_object_get(call->input, "RemoveEntries")))
		return ERR_OK;
	if (json_object_get(call->input, "MaxEntries"))
		return api_fault(call, "InvalidParameterCombination",
				 "You cannot modify the entries of a prefix list and modify the "
				 "size of a prefix list at the same time.");
	TRY(remove_entries(call, body, entries));
	TRY(add_entries(call, body, "AddEntries", entries));
	return put_version(body, version_of(body) + 1, entries);
}

err_t ec2_modify_managed_prefix_list(struct api_call *call)
{
	const char *name = ec2_text(call->input, "PrefixListName");
	json_t *body;

	TRY(find_own(call, &body));
	TRY(check_version(call, body));
	if (name) {
		TRY(check_name(call, name));
		TRY(ec2_set(body, "PrefixListName", json_string(name)));
	}
	TRY(change_entries(call, body));
	TRY(ec2_set(body, "State", json_string("modify-complete")));
	TRY(resize(call, body));
	TRY(ec2_save(call, &ec2_prefix_lists, body));
	return ec2_set(call->output, "PrefixList", json_incref(body));
}

err_t ec2_restore_managed_prefix_list(struct api_call *call)
{
	json_int_t previous = json_integer_value(json_object_get(call->input, "PreviousVersion"));
	json_t *body, *entries;

	TRY(find_own(call, &body));
	TRY(check_version(call, body));
	entries = entries_of(body, previous);
	if (!entries)
		return api_fault(call, "InvalidParameterValue",
				 "The prefix list has no version %lld", (long long)previous);
	TRY(put_version(body, version_of(body) + 1, entries));
	TRY(ec2_set(body, "State", json_string("restore-complete")));
	TRY(ec2_save(call, &ec2_prefix_lists, body));
	return ec2_set(call->output, "PrefixList", json_incref(body));
}

err_t ec2_delete_managed_prefix_list(struct api_call *call)
{
	json_t *body, *groups;
	const char *id;

	TRY(find_own(call, &body));
	id = ec2_text(body, "PrefixListId");
	TRY(groups_naming(call, id, &groups));
	if (json_array_size(groups))
		return api_fault(call, "DependencyViolation",
				 "The prefix list '%s' is referenced by the security group '%s'",
				 id, ec2_text(json_array_get(groups, 0), "GroupId"));
	TRY(ec2_drop(call, &ec2_prefix_lists, id));
	TRY(ec2_set(body, "State", json_string("delete-complete")));
	return ec2_set(call->output, "PrefixList", json_incref(body));
}

/* ---- Describing ---- */

/* Leaves the lists that PrefixListIds names; each has to be there. */
static err_t choose(struct api_call *call, json_t *list)
{
	json_t *ids = json_object_get(call->input, "PrefixListIds"), *id, *body;
	size_t index;

	json_array_foreach (ids, index, id)
		TRY(ec2_prefix_list_find(call, json_string_value(id), &body));
	if (json_array_size(ids))
		ec2_leave(ids, list, "PrefixListId");
	return ERR_OK;
}

err_t ec2_describe_managed_prefix_lists(struct api_call *call)
{
	json_t *list;

	TRY(list_all(call, &list));
	TRY(choose(call, list));
	TRY(ec2_filter_list(call, ec2_prefix_lists.filters, list));
	return ec2_page(call, "PrefixLists", list);
}

/* AWS's own alone, their ranges as plain texts. */
err_t ec2_describe_prefix_lists(struct api_call *call)
{
	static const struct ec2_filter filters[] = {
		{ "prefix-list-id", "PrefixListId" },
		{ "prefix-list-name", "PrefixListName" },
		{ NULL, NULL },
	};
	json_t *list, *body, *cidrs, *entry;
	size_t index, at;

	TRY(list_owned(call, &list));
	TRY(choose(call, list));
	TRY(ec2_filter_list(call, filters, list));
	json_array_foreach (list, index, body) {
		cidrs = json_array();
		TRY(ec2_set(body, "Cidrs", cidrs));
		json_array_foreach (entries_of(body, 1), at, entry)
			TRY(ec2_append(cidrs, json_incref(json_object_get(entry, "Cidr"))));
	}
	return ec2_page(call, "PrefixLists", list);
}

err_t ec2_get_managed_prefix_list_entries(struct api_call *call)
{
	const json_t *target = json_object_get(call->input, "TargetVersion");
	json_t *body, *entries;

	TRY(find_input(call, &body));
	entries = entries_of(body, target ? json_integer_value(target) : version_of(body));
	if (!entries)
		return api_fault(call, "InvalidParameterValue",
				 "The prefix list has no version %lld",
				 (long long)json_integer_value(target));
	return ec2_page(call, "Entries", entries);
}

err_t ec2_get_managed_prefix_list_associations(struct api_call *call)
{
	json_t *body, *groups, *group, *list = json_array();
	size_t index;

	TRY(ec2_hold(call, list));
	TRY(find_own(call, &body));
	TRY(groups_naming(call, ec2_text(body, "PrefixListId"), &groups));
	json_array_foreach (groups, index, group)
		TRY(ec2_append(list,
			       json_pack("{s:s, s:s}", "ResourceId", ec2_text(group, "GroupId"),
					 "ResourceOwner", ec2_of(call)->options.account)));
	return ec2_page(call, "PrefixListAssociations", list);
}
