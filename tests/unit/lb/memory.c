/* Allocations fail one by one: each call says ERR_NOMEM, leaks nothing and leaves what was; and
 * what is done for every request allocates nothing at all. */
#include "lb/balance.h"
#include "lb/sticky.h"
#include "tests/check.h"
#include "tests/unit/lb/fixture.h"

static long allowed = -1; /* how many more may succeed; below 0: all */
static unsigned count;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *at, size_t size);
void *__real_aligned_alloc(size_t align, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *at, size_t size);
void *__wrap_aligned_alloc(size_t align, size_t size);

static bool may_allocate(void)
{
	count++;
	if (allowed == 0)
		return false;
	allowed -= allowed > 0;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return may_allocate() ? __real_malloc(size) : NULL;
}

void *__wrap_calloc(size_t n, size_t size)
{
	return may_allocate() ? __real_calloc(n, size) : NULL;
}

void *__wrap_realloc(void *at, size_t size)
{
	return may_allocate() ? __real_realloc(at, size) : NULL;
}

void *__wrap_aligned_alloc(size_t align, size_t size)
{
	return may_allocate() ? __real_aligned_alloc(align, size) : NULL;
}

/* A configuration that makes use of everything a plan can hold. */
struct rich {
	struct fixture f;
	struct condition_value values[3];
	struct condition_config conditions[3];
	struct response_header_config header;
	struct load_balancer_config balancers[2];
};

static void rich_init(struct rich *r)
{
	fixture_init(&r->f);
	fixture_add_targets(&r->f, 0, 5);
	fixture_add_targets(&r->f, 1, 5);
	r->f.targets[1][2].zone = BYTES("b");
	r->f.groups[1].cross_zone = false;
	r->values[0] = (struct condition_value){ .value = BYTES("/a/*") };
	r->values[1] = (struct condition_value){ .value = BYTES("^v[0-9]+"), .is_regex = true };
	r->values[2] = (struct condition_value){ .key = BYTES("k"), .value = BYTES("*v*") };
	r->conditions[0] = (struct condition_config){ CONDITION_PATH_PATTERN, BYTES_NONE,
						      &r->values[0], 1 };
	r->conditions[1] = (struct condition_config){ CONDITION_HTTP_HEADER, BYTES("X-A"),
						      &r->values[1], 1 };
	r->conditions[2] = (struct condition_config){ CONDITION_QUERY_STRING, BYTES_NONE,
						      &r->values[2], 1 };
	r->f.rules[1] = r->f.rules[0];
	r->f.rules[1].priority = 1;
	r->f.rules[1].conditions = r->conditions;
	r->f.rules[1].condition_count = 3;
	r->f.rules[1].action.group_count = 2;
	r->f.rules[1].url_rewrite = (struct rewrite_config){ BYTES("^/a"), BYTES("/b") };
	r->f.listener.rule_count = 2;
	r->header = (struct response_header_config){ BYTES("x-frame-options"), BYTES("DENY") };
	r->f.listener.response_headers = &r->header;
	r->f.listener.response_header_count = 1;
	r->balancers[0] = r->balancers[1] = r->f.lb;
	r->balancers[1].id = BYTES("app/other/2");
	r->balancers[1].dns_name = BYTES("other-2.us-east-1.elb.localhost");
	r->f.config.load_balancers = r->balancers;
	r->f.config.load_balancer_count = 2;
}

TEST(a_plan_that_finds_no_memory_is_no_plan_and_holds_nothing)
{
	struct rich r;
	const struct plan *plan = NULL;
	unsigned failures = 0;
	err_t err;

	rich_init(&r);
	do {
		allowed = failures;
		err = plan_compile(&r.f.config, r.f.registry, &plan, NULL);
		allowed = -1;
		CHECK(err == ERR_OK || err == ERR_NOMEM, "%s", err_name(err));
		CHECK((plan != NULL) == (err == ERR_OK));
		if (err) {
			failures++;
			registry_sweep(r.f.registry);
			CHECK_EQ(registry_target_slots(r.f.registry), 0);
			CHECK_EQ(registry_meter_slots(r.f.registry), 0);
		}
	} while (err);
	CHECK(failures > 50, "only %u allocations failed", failures);
	CHECK_EQ(plan->groups[0].target_count, 5);
	plan_unref(plan);
	fixture_fini(&r.f);
}

TEST(routing_and_balancing_allocate_nothing)
{
	static const enum algorithm algorithms[] = { ROUND_ROBIN, LEAST_OUTSTANDING_REQUESTS,
						     WEIGHTED_RANDOM };
	struct http_field fields[] = { { BYTES("Host"), BYTES("h") },
				       { BYTES("X-A"), BYTES("v7") } };
	struct route_facts facts = {
		.host = BYTES("h:80"),
		.path = BYTES("/x/../a/./b"),
		.query = BYTES("k=avb"),
		.method = BYTES("GET"),
		.fields = fields,
		.field_count = 2,
	};
	struct balance_state rotation = { 0 };
	struct rng rng;
	struct rich r;

	rng_seed(&rng, 1);
	rich_init(&r);
	for (size_t a = 0; a < COUNT(algorithms); a++) {
		struct balance_request request = { .state = &rotation, .rng = &rng, .now_ms = 1 };
		struct route_result result;

		r.f.groups[1].algorithm = algorithms[a];
		fixture_compile(&r.f);
		result = route_match(fixture_listener(&r.f), &facts, r.f.scratch); /* warms up */
		count = 0;
		for (int i = 0; i < 100; i++) {
			result = route_match(fixture_listener(&r.f), &facts, r.f.scratch);
			CHECK_EQ(result.rule->priority, 1);
			CHECK(balance_choose_group(&result.rule->action, &rng) != NULL);
			request.group = fixture_group(&r.f, 1);
			target_end(balance_pick(&request).target);
		}
		CHECK_EQ(count, 0, "algorithm %zu", a);
	}
	fixture_fini(&r.f);
}

TEST(looking_a_listener_up_allocates_nothing)
{
	const struct plan_address *address;
	struct rich r;

	rich_init(&r);
	fixture_compile(&r.f);
	count = 0;
	address = plan_address_at(r.f.plan, &r.f.listener.bound);
	CHECK_EQ(plan_listener_for(address, BYTES("www.other-2.us-east-1.elb.localhost:80"))
			 ->load_balancer->index,
		 1);
	CHECK_EQ(count, 0);
	fixture_fini(&r.f);
}

static const uint8_t key[SEAL_KEY_BYTES] = { 1 };

TEST(a_cookie_that_finds_no_memory_is_told)
{
	struct sticky sticky = { key, 1790935200000 };
	struct http_head response = { .is_response = true };
	struct sticky_answer answer = { .response = &response };
	struct bytes values[STICKY_COOKIES_MAX];
	unsigned failures = 0, cookies;
	struct rich r;
	err_t err;

	rich_init(&r);
	r.f.groups[0].stickiness = STICKINESS_LB_COOKIE;
	r.f.rules[1].action.group_stickiness = true;
	fixture_compile(&r.f);
	answer.action = &fixture_listener(&r.f)->rules[0].action;
	answer.group = fixture_group(&r.f, 0);
	answer.target = answer.group->targets[0];
	do {
		struct arena arena;

		arena_init(&arena, 65536);
		allowed = failures;
		err = sticky_set(&sticky, &answer, &arena, values, &cookies);
		allowed = -1;
		CHECK(err == ERR_OK || err == ERR_NOMEM, "%s", err_name(err));
		failures += err != ERR_OK;
		arena_fini(&arena);
	} while (err);
	CHECK_EQ(cookies, 4);
	CHECK(failures > 4, "only %u allocations failed", failures);
	fixture_fini(&r.f);
}
