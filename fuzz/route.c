/*
 * A pattern and a text, separated by LF: the wildcard matcher against its definition; then the
 * text as the target of a request that is routed by rules made of the pattern.
 */
#include <stdlib.h>

#include "lb/plan.h"
#include "lb/route.h"

enum { DEFINITION_MAX = 10 }; /* stars and bytes the exponential definition may be asked about */

static bool is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

static bool defined(struct bytes p, struct bytes t)
{
	if (p.len == 0)
		return t.len == 0;
	if (p.at[0] == '*')
		return defined(bytes_from(p, 1), t) ||
		       (t.len > 0 && !is_control(t.at[0]) && defined(p, bytes_from(t, 1)));
	if (t.len == 0 || (p.at[0] == '?' ? is_control(t.at[0]) : p.at[0] != t.at[0]))
		return false;
	return defined(bytes_from(p, 1), bytes_from(t, 1));
}

static void check_wildcard(struct bytes pattern, struct bytes text)
{
	bool matches = wildcard_matches(pattern, text, 0);

	wildcard_matches(pattern, text, WILDCARD_ESCAPES | WILDCARD_NOCASE);
	if (matches && !wildcard_matches(pattern, text, WILDCARD_NOCASE))
		abort();
	if (pattern.len <= DEFINITION_MAX && text.len <= 2 * DEFINITION_MAX &&
	    matches != defined(pattern, text))
		abort();
}

static void check_route(const struct plan_listener *listener, struct bytes target)
{
	struct http_field fields[] = { { BYTES("Host"), BYTES("h") }, { BYTES("X-A"), target } };
	struct http_head head = {
		.version = HTTP_1_1,
		.method = BYTES("GET"),
		.target = target,
		.authority = BYTES("h"),
		.fields = fields,
		.field_count = 2,
	};
	struct address client = { .family = 4 };
	struct route_scratch *scratch;
	struct route_facts facts;

	if (route_facts_of(&head, &client, BYTES("dns"), &facts))
		return;
	if (route_scratch_create(&scratch))
		return;
	if (route_match(listener, &facts, scratch).evaluations > 4)
		abort();
	route_scratch_destroy(scratch);
}

/* One rule for each kind of condition that has a pattern. */
static void check_plan(struct bytes pattern, bool is_regex, struct bytes target)
{
	static const enum condition_kind kinds[] = { CONDITION_HOST_HEADER, CONDITION_PATH_PATTERN,
						     CONDITION_HTTP_HEADER,
						     CONDITION_QUERY_STRING };
	struct condition_value value = { .value = pattern, .is_regex = is_regex };
	struct condition_config conditions[COUNT(kinds)];
	struct rule_config rules[COUNT(kinds) + 1] = { { .arn = BYTES("default") } };
	struct listener_config listener = { .rules = rules, .rule_count = COUNT(rules) };
	struct load_balancer_config lb = { .id = BYTES("lb"),
					   .listeners = &listener,
					   .listener_count = 1 };
	struct lb_config config = { .load_balancers = &lb, .load_balancer_count = 1 };
	struct registry *registry;
	const struct plan *plan;

	for (unsigned i = 0; i < COUNT(kinds); i++) {
		if (kinds[i] == CONDITION_QUERY_STRING)
			value.is_regex = false;
		conditions[i] = (struct condition_config){ kinds[i], BYTES("X-A"), &value, 1 };
		rules[i + 1] = (struct rule_config){
			.arn = BYTES("rule"),
			.priority = i + 1,
			.conditions = &conditions[i],
			.condition_count = 1,
		};
	}
	if (registry_create(&registry))
		return;
	if (!plan_compile(&config, registry, &plan, NULL)) {
		check_route(&plan->load_balancers[0].listeners[0], target);
		plan_unref(plan);
	}
	registry_destroy(registry);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes text = bytes_make(data, size), pattern;

	if (size == 0 || size > 4096 || !bytes_cut(&text, '\n', &pattern) || pattern.len > 128)
		return 0;
	check_wildcard(pattern, text);
	check_plan(pattern, false, text);
	check_plan(pattern, true, text);
	return 0;
}
