/* Tags and pages, which all kinds of resources share. */
#include "tests/unit/services/house.h"

static const char *tag_of(const char *arn, const char *key)
{
	json_t *tags = node(house_call("DescribeTags", "{s:[s]}", "ResourceArns", arn),
			    "TagDescriptions.0.Tags"),
	       *tag;
	size_t index;

	json_array_foreach (tags, index, tag)
		if (strcmp(at(tag, "Key"), key) == 0)
			return at(tag, "Value");
	return "(none)";
}

TEST(all_four_kinds_are_tagged_retagged_and_untagged)
{
	const char *arns[4];

	house_open();
	arns[0] = house_load_balancer("lb");
	arns[1] = house_target_group("g");
	arns[2] = house_listener(arns[0], 80, arns[1]);
	arns[3] = house_rule(arns[2], 1, "/a", arns[1]);
	for (int i = 0; i < 4; i++) {
		house_call("AddTags", "{s:[s], s:[{s:s, s:s}, {s:s}]}", "ResourceArns", arns[i],
			   "Tags", "Key", "env", "Value", "dev", "Key", "bare");
		CHECK_STR(tag_of(arns[i], "env"), "dev");
		CHECK_STR(tag_of(arns[i], "bare"), "");
		house_call("AddTags", "{s:[s], s:[{s:s, s:s}]}", "ResourceArns", arns[i], "Tags",
			   "Key", "env", "Value", "prod");
		CHECK_STR(tag_of(arns[i], "env"), "prod");
		house_call("RemoveTags", "{s:[s], s:[s, s]}", "ResourceArns", arns[i], "TagKeys",
			   "env", "never-there");
		CHECK_STR(tag_of(arns[i], "env"), "(none)");
		CHECK_STR(tag_of(arns[i], "bare"), "");
	}
	house_close();
}

TEST(tags_given_at_creation_are_there_or_nothing_is)
{
	house_open();
	CHECK_STR(tag_of(at(house_call("CreateTargetGroup", "{s:s, s:s, s:i, s:s, s:[{s:s, s:s}]}",
				       "Name", "g", "Protocol", "HTTP", "Port", 80, "VpcId",
				       house_vpc(), "Tags", "Key", "team", "Value", "ai"),
			    "TargetGroups.0.TargetGroupArn"),
			 "team"),
		  "ai");
	CHECK_FAULT("CreateTargetGroup", "DuplicateTagKeys", NULL,
		    "{s:s, s:s, s:i, s:s, s:[{s:s, s:s}, {s:s, s:s}]}", "Name", "twice", "Protocol",
		    "HTTP", "Port", 80, "VpcId", house_vpc(), "Tags", "Key", "a", "Value", "1",
		    "Key", "a", "Value", "2");
	CHECK_FAULT("DescribeTargetGroups", "TargetGroupNotFound", NULL, "{s:[s]}", "Names",
		    "twice");
	house_close();
}

TEST(bad_tags_are_refused)
{
	const char *group;
	json_t *many = json_array();

	house_open();
	group = house_target_group("g");
	CHECK_FAULT("AddTags", "ValidationError", NULL, "{s:[s], s:[{s:s, s:s}]}", "ResourceArns",
		    group, "Tags", "Key", "aws:mine", "Value", "x");
	CHECK_FAULT("AddTags", "ValidationError", NULL, "{s:[s], s:[{s:s, s:s}]}", "ResourceArns",
		    group, "Tags", "Key", "no|pipe", "Value", "x");
	CHECK_FAULT("AddTags", "ValidationError", NULL, "{s:[s], s:[{s:s, s:s}]}", "ResourceArns",
		    "mindr", "Tags", "Key", "a", "Value", "x");
	CHECK_FAULT("AddTags", "LoadBalancerNotFound", NULL, "{s:[s], s:[{s:s, s:s}]}",
		    "ResourceArns",
		    "arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/app/x/1",
		    "Tags", "Key", "a", "Value", "x");
	CHECK_FAULT("DescribeTags", "TargetGroupNotFound", NULL, "{s:[s, s]}", "ResourceArns",
		    group, "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/x/1");
	for (int i = 0; i < 51; i++)
		json_array_append_new(
			many, json_pack("{s:o, s:s}", "Key", json_sprintf("k%d", i), "Value", ""));
	house_fault(__FILE__, __LINE__, "AddTags", "TooManyTags", NULL,
		    json_pack("{s:[s], s:o}", "ResourceArns", group, "Tags", many));
	CHECK_STR(tag_of(group, "k0"), "(none)");
	house_close();
}

TEST(weir_tags_are_checked_like_the_attributes_they_stand_for)
{
	const char *lb, *group, *listener;

	house_open();
	lb = house_load_balancer("lb");
	group = house_target_group("g");
	listener = house_listener(lb, 80, group);
	CHECK_FAULT("AddTags", "ValidationError",
		    "'weir:timeout.connect_ms' value '0' must be between '1-600000' inclusive",
		    "{s:[s], s:[{s:s, s:s}]}", "ResourceArns", group, "Tags", "Key",
		    "weir:timeout.connect_ms", "Value", "0");
	CHECK_FAULT("AddTags", "ValidationError", "Tag key 'weir:magic' is not recognized",
		    "{s:[s], s:[{s:s, s:s}]}", "ResourceArns", lb, "Tags", "Key", "weir:magic",
		    "Value", "1");
	CHECK_FAULT("AddTags", "ValidationError", NULL, "{s:[s], s:[{s:s, s:s}]}", "ResourceArns",
		    listener, "Tags", "Key", "weir:timeout.connect_ms", "Value", "5");
	CHECK_FAULT("CreateTargetGroup", "ValidationError", NULL,
		    "{s:s, s:s, s:i, s:s, s:[{s:s, s:s}]}", "Name", "x", "Protocol", "HTTP", "Port",
		    80, "VpcId", house_vpc(), "Tags", "Key",
		    "weir:stream.heartbeat.interval_seconds", "Value", "often");
	house_call("AddTags", "{s:[s, s], s:[{s:s, s:s}]}", "ResourceArns", lb, group, "Tags",
		   "Key", "weir:timeout.total_seconds", "Value", "9");
	CHECK_STR(at(house.lb->plan, "groups.0.stream.total"), "9000");
	house_call("RemoveTags", "{s:[s, s], s:[s]}", "ResourceArns", lb, group, "TagKeys",
		   "weir:timeout.total_seconds");
	CHECK_STR(at(house.lb->plan, "groups.0.stream.total"), "0");
	house_close();
}

/* Walks the pages; the number of items, all different, in `ret_pages` pages. */
static size_t walk(const char *operation, const char *list, json_t *input, int size,
		   unsigned *ret_pages)
{
	json_t *seen = json_object();
	const char *marker = "";
	size_t items = 0;

	for (*ret_pages = 0; *ret_pages < 100; ++*ret_pages) {
		json_t *page = json_deep_copy(input), *out, *item;
		size_t index;
		char *text;

		json_object_set_new(page, "PageSize", json_integer(size));
		if (marker[0])
			json_object_set_new(page, "Marker", json_string(marker));
		out = house_try("elbv2", operation, page);
		CHECK(out, "%s: %s", operation, house.fault.message);
		json_array_foreach (node(out, list), index, item) {
			text = json_dumps(item, JSON_COMPACT | JSON_SORT_KEYS);
			CHECK(!json_object_get(seen, text), "twice: %s", text);
			json_object_set_new(seen, text, json_true());
			free(text);
			items++;
		}
		marker = at(out, "NextMarker");
		if (!marker[0])
			break;
		CHECK_EQ(json_array_size(node(out, list)), size, "only the last page is short");
	}
	++*ret_pages;
	json_decref(seen);
	json_decref(input);
	return items;
}

TEST(every_list_comes_in_pages_without_gaps_or_repeats)
{
	const char *lb, *group, *listener;
	unsigned pages;
	char name[16];

	house_open();
	lb = house_load_balancer("lb0");
	group = house_target_group("g0");
	listener = house_listener(lb, 80, group);
	for (unsigned i = 1; i < 7; i++) {
		snprintf(name, sizeof name, "lb%u", i);
		house_load_balancer(name);
		snprintf(name, sizeof name, "g%u", i);
		house_target_group(name);
		house_listener(lb, 80 + i, group);
		snprintf(name, sizeof name, "/%u", i);
		house_rule(listener, 100 - i, name, group);
	}
	CHECK_EQ(walk("DescribeLoadBalancers", "LoadBalancers", json_object(), 3, &pages), 7);
	CHECK_EQ(pages, 3);
	CHECK_EQ(walk("DescribeTargetGroups", "TargetGroups", json_object(), 7, &pages), 7);
	CHECK_EQ(pages, 1, "an exact fit needs no second page");
	CHECK_EQ(walk("DescribeListeners", "Listeners", json_pack("{s:s}", "LoadBalancerArn", lb),
		      1, &pages),
		 7);
	CHECK_EQ(pages, 7);
	CHECK_EQ(walk("DescribeRules", "Rules", json_pack("{s:s}", "ListenerArn", listener), 2,
		      &pages),
		 7);
	CHECK_EQ(walk("DescribeAccountLimits", "Limits", json_object(), 5, &pages), 19);
	CHECK_EQ(walk("DescribeSSLPolicies", "SslPolicies", json_object(), 10, &pages), 39);
	house_close();
}

TEST(a_marker_of_another_list_or_of_nobody_is_refused)
{
	const char *marker;

	house_open();
	house_load_balancer("a");
	house_load_balancer("b");
	marker = at(house_call("DescribeLoadBalancers", "{s:i}", "PageSize", 1), "NextMarker");
	CHECK(marker[0], "there is more");
	CHECK_FAULT("DescribeTargetGroups", "ValidationError", NULL, "{s:s}", "Marker", marker);
	CHECK_FAULT("DescribeLoadBalancers", "ValidationError",
		    "The marker 'nonsense' is not valid", "{s:s}", "Marker", "nonsense");
	CHECK_FAULT("DescribeLoadBalancers", "ValidationError", NULL, "{s:i}", "PageSize", 0);
	CHECK_FAULT("DescribeLoadBalancers", "ValidationError", NULL, "{s:i}", "PageSize", 401);
	house_call("DeleteLoadBalancer", "{s:s}", "LoadBalancerArn",
		   at(house_call("DescribeLoadBalancers", "{s:[s]}", "Names", "a"),
		      "LoadBalancers.0.LoadBalancerArn"));
	CHECK_STR(at(house_call("DescribeLoadBalancers", "{s:s}", "Marker", marker),
		     "LoadBalancers.0.LoadBalancerName"),
		  "b", "the marker outlives what it points at");
	house_close();
}
