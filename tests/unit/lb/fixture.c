#include "tests/unit/lb/fixture.h"

#include "tests/check.h"

static const char *const group_arns[FIXTURE_GROUPS] = {
	"arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/g0/0000000000000000",
	"arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/g1/1111111111111111",
	"arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/g2/2222222222222222",
	"arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/g3/3333333333333333",
};
static const char *const group_ids[FIXTURE_GROUPS] = { "targetgroup/g0/0", "targetgroup/g1/1",
						       "targetgroup/g2/2", "targetgroup/g3/3" };
static const char *const target_ids[FIXTURE_TARGETS] = { "t0", "t1", "t2", "t3", "t4", "t5",
							 "t6", "t7", "t8", "t9", "ta", "tb",
							 "tc", "td", "te", "tf" };

static void init_group(struct fixture *f, unsigned i)
{
	f->groups[i] = (struct target_group_config){
		.arn = bytes_of(group_arns[i]),
		.id = bytes_of(group_ids[i]),
		.name = bytes_of("g"),
		.load_balancer_id = BYTES("app/test/0123456789abcdef"),
		.algorithm = ROUND_ROBIN,
		.cross_zone = true,
		.min_healthy_count = 1,
		.min_dns_healthy_count = 1,
		.stickiness_seconds = 86400,
		.health = { .path = BYTES("/"), .matcher = BYTES("200") },
		.targets = f->targets[i],
	};
	f->forwards[i] = (struct forward_group){ bytes_of(group_arns[i]), 1 };
}

void fixture_init(struct fixture *f)
{
	*f = (struct fixture){ .plan = NULL };
	CHECK_OK(registry_create(&f->registry));
	CHECK_OK(route_scratch_create(&f->scratch));
	for (unsigned i = 0; i < FIXTURE_GROUPS; i++)
		init_group(f, i);
	f->rules[0] = (struct rule_config){
		.arn = BYTES("rule/default"),
		.action = { .kind = ACTION_FORWARD, .groups = f->forwards, .group_count = 1 },
	};
	f->listener = (struct listener_config){
		.arn = BYTES("listener"),
		.port = 80,
		.bound = { .family = 4, .ip = { 127, 0, 0, 1 }, .port = 8080 },
		.rules = f->rules,
		.rule_count = 1,
		.server_header = true,
	};
	f->lb = (struct load_balancer_config){
		.arn = BYTES("loadbalancer"),
		.id = BYTES("app/test/0123456789abcdef"),
		.dns_name = BYTES(FIXTURE_DNS),
		.listeners = &f->listener,
		.listener_count = 1,
		.cross_zone = true,
	};
	f->config = (struct lb_config){ &f->lb, 1, f->groups, FIXTURE_GROUPS };
}

void fixture_fini(struct fixture *f)
{
	plan_unref(f->plan);
	route_scratch_destroy(f->scratch);
	registry_destroy(f->registry);
}

void fixture_add_targets(struct fixture *f, unsigned group, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		unsigned n = f->groups[group].target_count++;

		CHECK(n < FIXTURE_TARGETS);
		f->targets[group][n] = (struct target_config){
			.id = bytes_of(target_ids[n]),
			.address = { .family = 4,
				     .ip = { 10, 0, (uint8_t)group, (uint8_t)(n + 1) },
				     .port = 8000 },
		};
	}
}

void fixture_set_health(struct target *target, enum health_state state)
{
	target->control.health.state = state;
	target_publish_health(target);
}

void fixture_compile(struct fixture *f)
{
	const struct plan *plan;

	CHECK_OK(plan_compile(&f->config, f->registry, &plan, NULL));
	plan_publish(plan, &f->config);
	plan_unref(f->plan);
	f->plan = plan;
	registry_sweep(f->registry);
	for (unsigned g = 0; g < plan->group_count; g++)
		for (unsigned t = 0; t < plan->groups[g].target_count; t++)
			if (target_health(plan->groups[g].targets[t]) == HEALTH_INITIAL)
				fixture_set_health(plan->groups[g].targets[t], HEALTH_HEALTHY);
}

const struct plan_listener *fixture_listener(const struct fixture *f)
{
	return &f->plan->load_balancers[0].listeners[0];
}

const struct plan_group *fixture_group(const struct fixture *f, unsigned group)
{
	return &f->plan->groups[group];
}

static enum http_version version_of(struct bytes word)
{
	if (bytes_eq_str(word, "HTTP/1.0"))
		return HTTP_1_0;
	return bytes_eq_str(word, "HTTP/2") ? HTTP_2 : HTTP_1_1;
}

struct http_head fixture_head(struct arena *arena, const char *text)
{
	struct http_field *fields = arena_array(arena, 64, sizeof *fields);
	struct http_head head = { .fields = fields };
	struct bytes rest = bytes_of(text), line, word;

	CHECK(bytes_cut(&rest, '\n', &line));
	CHECK(bytes_cut(&line, ' ', &head.method));
	CHECK(bytes_cut(&line, ' ', &head.target));
	CHECK(bytes_cut(&line, ' ', &word));
	head.version = version_of(word);
	while (bytes_cut(&rest, '\n', &line)) {
		size_t colon = bytes_index(line, ':');

		if (line.len == 0)
			continue;
		CHECK(colon != SIZE_MAX && head.field_count < 64);
		fields[head.field_count++] = (struct http_field){
			bytes_upto(line, colon), bytes_trim(bytes_from(line, colon + 1))
		};
	}
	head.authority = http_value(&head, BYTES("Host"));
	if (bytes_starts(head.target, BYTES("http://"))) {
		struct bytes after = bytes_from(head.target, 7);

		head.authority = bytes_upto(after, bytes_index(after, '/'));
	}
	if (http_find(&head, BYTES("Host")))
		head.flags |= HTTP_FLAG_HAS_HOST;
	if (http_find(&head, BYTES("Upgrade")))
		head.flags |= HTTP_FLAG_UPGRADE;
	return head;
}
