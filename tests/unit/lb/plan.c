#include "lb/plan.h"

#include <stdio.h>

#include "tests/check.h"
#include "tests/unit/lb/fixture.h"

TEST(a_target_keeps_its_identity_from_plan_to_plan)
{
	struct fixture f;
	struct target *first;
	uint32_t meter_slot;

	fixture_init(&f);
	fixture_add_targets(&f, 0, 2);
	fixture_compile(&f);
	first = fixture_group(&f, 0)->targets[0];
	meter_slot = fixture_group(&f, 0)->meter->slot;
	CHECK(target_begin(first));
	fixture_add_targets(&f, 0, 1);
	fixture_compile(&f);
	CHECK(fixture_group(&f, 0)->targets[0] == first);
	CHECK_EQ(fixture_group(&f, 0)->target_count, 3);
	CHECK_EQ(fixture_group(&f, 0)->meter->slot, meter_slot);
	CHECK_EQ(target_in_flight(first), 1);
	CHECK_EQ(target_health(first), HEALTH_HEALTHY);
	CHECK(!target_end(first));
	fixture_fini(&f);
}

TEST(an_old_plan_keeps_its_targets_until_its_last_stream_ends)
{
	struct fixture f;
	const struct plan *old;
	struct target_key key;

	fixture_init(&f);
	fixture_add_targets(&f, 0, 1);
	fixture_compile(&f);
	key = (struct target_key){ f.groups[0].arn, f.targets[0][0].id, 8000 };
	old = plan_ref(f.plan);
	f.groups[0].target_count = 0;
	fixture_compile(&f);
	CHECK(old->serial != f.plan->serial);
	CHECK(registry_find(f.registry, &key) == old->groups[0].targets[0]);
	plan_unref(old);
	registry_sweep(f.registry);
	CHECK(registry_find(f.registry, &key) == NULL);
	fixture_fini(&f);
}

TEST(a_draining_target_takes_nothing_whatever_plan_a_worker_holds)
{
	struct fixture f;
	struct target *target;

	fixture_init(&f);
	fixture_add_targets(&f, 0, 1);
	fixture_compile(&f);
	target = fixture_group(&f, 0)->targets[0];
	f.targets[0][0].draining_until_unix_ms = 99;
	fixture_compile(&f);
	CHECK(target_is_draining(target));
	CHECK_EQ(target_health(target), HEALTH_DRAINING);
	f.targets[0][0].draining_until_unix_ms = 0;
	fixture_compile(&f);
	CHECK(!target_is_draining(target));
	CHECK(target == fixture_group(&f, 0)->targets[0]);
	fixture_fini(&f);
}

TEST(targets_of_a_group_without_a_balancer_are_unused)
{
	struct fixture f;

	fixture_init(&f);
	fixture_add_targets(&f, 0, 1);
	f.groups[0].load_balancer_id = BYTES("");
	fixture_compile(&f);
	CHECK(!fixture_group(&f, 0)->in_use);
	CHECK_EQ(target_health(fixture_group(&f, 0)->targets[0]), HEALTH_UNUSED);
	f.groups[0].load_balancer_id = f.lb.id;
	fixture_compile(&f);
	CHECK(fixture_group(&f, 0)->in_use);
	CHECK_EQ(target_health(fixture_group(&f, 0)->targets[0]), HEALTH_HEALTHY);
	fixture_fini(&f);
}

static const struct {
	uint32_t count, percent;
	unsigned targets, want;
} minimums[] = {
	{ 1, 0, 10, 1 }, { 3, 0, 10, 3 }, { 1, 50, 10, 5 }, { 1, 50, 3, 2 },
	{ 4, 50, 6, 4 }, { 1, 1, 10, 1 }, { 1, 100, 7, 7 }, { 9, 0, 2, 9 },
};

TEST(the_healthy_minimum_is_the_stricter_of_count_and_percentage)
{
	for (size_t i = 0; i < COUNT(minimums); i++) {
		struct fixture f;

		fixture_init(&f);
		fixture_add_targets(&f, 0, minimums[i].targets);
		f.groups[0].min_healthy_count = minimums[i].count;
		f.groups[0].min_healthy_percent = minimums[i].percent;
		fixture_compile(&f);
		CHECK_EQ(fixture_group(&f, 0)->zones[0].healthy_min, minimums[i].want, "case %zu",
			 i);
		fixture_fini(&f);
	}
}

TEST(a_percentage_does_not_count_those_who_leave)
{
	struct fixture f;

	fixture_init(&f);
	fixture_add_targets(&f, 0, 4);
	f.groups[0].min_healthy_percent = 50;
	f.targets[0][0].draining_until_unix_ms = 1;
	f.targets[0][1].draining_until_unix_ms = 1;
	fixture_compile(&f);
	CHECK_EQ(fixture_group(&f, 0)->zones[0].healthy_min, 1);
	fixture_fini(&f);
}

TEST(without_cross_zone_each_zone_is_its_own)
{
	static const char *const zones[] = { "a", "b", "a", "c", "a" };
	struct fixture f;
	const struct plan_group *group;

	fixture_init(&f);
	fixture_add_targets(&f, 0, COUNT(zones));
	for (unsigned i = 0; i < COUNT(zones); i++)
		f.targets[0][i].zone = bytes_of(zones[i]);
	fixture_compile(&f);
	CHECK_EQ(fixture_group(&f, 0)->zone_count, 1);
	CHECK_EQ(fixture_group(&f, 0)->zones[0].target_count, 5);
	f.groups[0].cross_zone = false;
	fixture_compile(&f);
	group = fixture_group(&f, 0);
	CHECK_EQ(group->zone_count, 3);
	CHECK_BYTES(group->zones[0].name, "a");
	CHECK_EQ(group->zones[0].target_count, 3);
	CHECK(group->zones[0].targets[1] == group->targets[2]);
	CHECK_EQ(group->zones[1].target_count, 1);
	CHECK_EQ(group->zones[2].target_count, 1);
	CHECK_EQ(fixture_group(&f, 1)->zone_count, 0, "no target, no zone");
	fixture_fini(&f);
}

TEST(a_regular_expression_that_cannot_be_names_its_rule)
{
	struct condition_value value = { .value = BYTES("(unclosed"), .is_regex = true };
	struct condition_config condition = { CONDITION_PATH_PATTERN, BYTES_NONE, &value, 1 };
	char why[PLAN_WHY_BYTES] = "";
	const struct plan *plan = NULL;
	struct fixture f;

	fixture_init(&f);
	fixture_add_targets(&f, 0, 3);
	f.rules[1] = f.rules[0];
	f.rules[1].arn = BYTES("rule/broken");
	f.rules[1].priority = 1;
	f.rules[1].conditions = &condition;
	f.rules[1].condition_count = 1;
	f.listener.rule_count = 2;
	CHECK_ERR(plan_compile(&f.config, f.registry, &plan, why), ERR_INVALID);
	CHECK(plan == NULL);
	CHECK(strstr(why, "rule/broken") && strstr(why, "(unclosed"), "%s", why);
	CHECK_ERR(plan_compile(&f.config, f.registry, &plan, NULL), ERR_INVALID);
	registry_sweep(f.registry);
	CHECK_EQ(registry_target_slots(f.registry), 0, "nothing is held by a plan that failed");
	fixture_fini(&f);
}

TEST(an_expression_can_be_checked_without_a_plan)
{
	static const char *const good[] = { "", "^/v[0-9]+/(.*)$", "(?i)a|b", "a{1,3}" };
	static const char *const bad[] = { "(",	     "[a", "a{3,1}", "*", "\\C", "(?<n>a)(?<n>b)",
					   "(*UTF)a" };
	char why[PLAN_WHY_BYTES];

	for (size_t i = 0; i < COUNT(good); i++)
		CHECK_OK(plan_check_regex(bytes_of(good[i]), why), "%s", good[i]);
	for (size_t i = 0; i < COUNT(bad); i++) {
		why[0] = '\0';
		CHECK_ERR(plan_check_regex(bytes_of(bad[i]), why), ERR_INVALID, "%s", bad[i]);
		CHECK(strstr(why, "at byte"), "%s: %s", bad[i], why);
	}
}

TEST(a_forward_to_a_group_that_is_gone_forwards_to_the_others)
{
	struct forward_group forwards[] = { { BYTES("nowhere"), 3 }, { BYTES_NONE, 5 } };
	struct fixture f;

	fixture_init(&f);
	forwards[1].group_arn = f.groups[1].arn;
	f.rules[0].action.groups = forwards;
	f.rules[0].action.group_count = 2;
	fixture_compile(&f);
	CHECK_EQ(fixture_listener(&f)->rules[0].action.forward_count, 1);
	CHECK_EQ(fixture_listener(&f)->rules[0].action.weight_sum, 5);
	CHECK(fixture_listener(&f)->rules[0].action.forwards[0].group == fixture_group(&f, 1));
	CHECK(plan_group_find(f.plan, f.groups[2].arn) == fixture_group(&f, 2));
	CHECK(plan_group_find(f.plan, BYTES("nowhere")) == NULL);
	fixture_fini(&f);
}

TEST(nothing_of_the_configuration_is_kept)
{
	char name[] = "x-frame-options", value[] = "DENY", path[] = "/health";
	struct response_header_config headers[] = { { BYTES_NONE, BYTES_NONE },
						    { BYTES("x-empty"), BYTES("") } };
	struct fixture f;

	fixture_init(&f);
	headers[0].name = bytes_of(name);
	headers[0].value = bytes_of(value);
	f.listener.response_headers = headers;
	f.listener.response_header_count = 2;
	f.groups[0].health.path = bytes_of(path);
	fixture_compile(&f);
	memset(name, '!', sizeof name);
	memset(value, '!', sizeof value);
	memset(path, '!', sizeof path);
	CHECK_EQ(fixture_listener(&f)->response_header_count, 1, "an empty value sets nothing");
	CHECK_BYTES(fixture_listener(&f)->response_headers[0].name, "x-frame-options");
	CHECK_BYTES(fixture_listener(&f)->response_headers[0].value, "DENY");
	CHECK_BYTES(fixture_group(&f, 0)->health.path, "/health");
	fixture_fini(&f);
}

/* ---- Several balancers on one address ---- */

static const struct {
	const char *host;
	unsigned balancer;
} hosts[] = {
	{ "one-1.us-east-1.elb.localhost", 0 },
	{ "two-2.us-east-1.elb.localhost", 1 },
	{ "TWO-2.us-EAST-1.elb.localhost:8080", 1 },
	{ "two-2", 1 },
	{ "two-2:80", 1 },
	{ "two-2.us-east-1", 1 },
	{ "www.two-2.us-east-1.elb.localhost", 1 },
	{ "a.b.three-3.us-east-1.elb.localhost", 2 },
	{ "three-3", 2 },
	/* Anything else is the oldest's. */
	{ "localhost", 0 },
	{ "127.0.0.1:8080", 0 },
	{ "two-2.us-west-2.elb.localhost", 0 },
	{ "two-2x.us-east-1.elb.localhost", 0 },
	{ "two", 0 },
	{ "", 0 },
	{ "[::1]:80", 0 },
	{ "..", 0 },
	{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.two-2",
	  1 },
};

TEST(balancers_on_one_address_are_told_apart_by_host)
{
	static const char *const names[] = { "one-1.us-east-1.elb.localhost",
					     "two-2.us-east-1.elb.localhost",
					     "three-3.us-east-1.elb.localhost" };
	static const char *const ids[] = { "app/one/1", "app/two/2", "app/three/3" };
	struct load_balancer_config balancers[3];
	const struct plan_address *address;
	struct fixture f;

	fixture_init(&f);
	for (unsigned i = 0; i < 3; i++) {
		balancers[i] = f.lb;
		balancers[i].dns_name = bytes_of(names[i]);
		balancers[i].id = bytes_of(ids[i]);
	}
	f.config.load_balancers = balancers;
	f.config.load_balancer_count = 3;
	fixture_compile(&f);
	CHECK_EQ(f.plan->address_count, 1);
	address = plan_address_at(f.plan, &f.listener.bound);
	CHECK(address != NULL);
	CHECK_EQ(address->listener_count, 3);
	for (size_t i = 0; i < COUNT(hosts); i++)
		CHECK_EQ(plan_listener_for(address, bytes_of(hosts[i].host))->load_balancer->index,
			 hosts[i].balancer, "%s", hosts[i].host);
	fixture_fini(&f);
}

TEST(one_balancer_on_an_address_answers_to_any_host)
{
	struct address elsewhere = { .family = 4, .ip = { 127, 0, 0, 1 }, .port = 9 };
	struct fixture f;
	const struct plan_address *address;

	fixture_init(&f);
	fixture_compile(&f);
	address = plan_address_at(f.plan, &f.listener.bound);
	CHECK(plan_listener_for(address, BYTES("whatever")) == fixture_listener(&f));
	CHECK(plan_address_at(f.plan, &elsewhere) == NULL);
	fixture_fini(&f);
}

TEST(an_empty_configuration_is_a_plan_too)
{
	struct fixture f;

	fixture_init(&f);
	f.config = (struct lb_config){ NULL, 0, NULL, 0 };
	fixture_compile(&f);
	CHECK_EQ(f.plan->load_balancer_count + f.plan->group_count + f.plan->address_count, 0);
	fixture_fini(&f);
}
