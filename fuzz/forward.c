/*
 * A request as raw bytes, parsed and forwarded. The first byte chooses attributes, the second a
 * rewrite. Whatever came in, what goes out is one clean head: no byte that ends a line, no name
 * that reads as another, one Host (or, where the client's are preserved, no more than it sent), and
 * nothing of what belongs to the client's connection.
 */
#include <stdlib.h>

#include "http/h1.h"
#include "lb/access.h"
#include "lb/forward.h"
#include "lb/page.h"

static const char *const replacements[] = { "$1", "/x$1$2", "$9", "http://e\r\n$1", "/\t", "a.b" };

static void check_clean(struct bytes b, bool blanks)
{
	for (size_t i = 0; i < b.len; i++)
		if (b.at[i] == '\r' || b.at[i] == '\n' || b.at[i] == '\0' ||
		    (!blanks && (b.at[i] == ' ' || b.at[i] == '\t' || b.at[i] == ':')))
			abort();
}

static unsigned count_of(const struct http_head *head, struct bytes name)
{
	unsigned count = 0;

	for (unsigned i = 0; i < head->field_count; i++)
		count += bytes_eq_nocase(head->fields[i].name, name);
	return count;
}

static void check_forwarded(const struct http_head *in, const struct forwarded *out, bool preserve)
{
	unsigned hosts = count_of(&out->head, BYTES("Host"));

	for (unsigned i = 0; i < out->head.field_count; i++) {
		if (out->head.fields[i].name.len == 0)
			abort();
		check_clean(out->head.fields[i].name, false);
		check_clean(out->head.fields[i].value, true);
	}
	check_clean(out->head.target, true);
	if (out->head.target.len == 0)
		abort();
	if (hosts != 1 && !(preserve && hosts == count_of(in, BYTES("Host"))))
		abort();
	if (count_of(&out->head, BYTES("Connection")) || count_of(&out->head, BYTES("TE")) ||
	    count_of(&out->head, BYTES("Keep-Alive")) || count_of(&out->head, BYTES("Expect")) ||
	    count_of(&out->head, BYTES("X-Amzn-Trace-Id")) != 1 ||
	    count_of(&out->head, BYTES("X-Forwarded-Port")) != 1 ||
	    count_of(&out->head, BYTES("X-Forwarded-Proto")) != 1)
		abort();
}

static void check_redirect(const struct plan_listener *listener, const struct route_facts *facts,
			   struct arena *arena)
{
	struct plan_action action = {
		.kind = ACTION_REDIRECT,
		.status = 301,
		.protocol = BYTES("#{protocol}"),
		.host = BYTES("#{host}"),
		.port = BYTES("#{port}"),
		.path = BYTES("/#{path}"),
		.query = BYTES("#{query}"),
	};
	struct bytes location;
	struct page page;

	if (!page_redirect(&action, listener, facts, false, 1, arena, &page, &location)) {
		check_clean(location, true);
		if (bytes_index(location, ' ') != SIZE_MAX || location.len > PAGE_LOCATION_MAX)
			abort();
	}
}

static void check_line(const struct http_head *head, struct bytes trace_id)
{
	struct access_record record = {
		.phase = ACCESS_END,
		.method = head->method,
		.uri = head->target,
		.host = head->authority,
		.version = head->version,
		.trace_id = trace_id,
		.user_agent = http_value(head, BYTES("User-Agent")),
	};
	struct text out = TEXT_INIT(1 << 20);

	access_line(&out, &record);
	if (!text_err(&out))
		for (size_t i = 0; i < out.len; i++)
			if ((out.at[i] < ' ' || out.at[i] > '~') != (i + 1 == out.len))
				abort();
	text_fini(&out);
}

static void forward(const struct http_head *head, const struct plan_listener *listener,
		    struct route_scratch *scratch, struct arena *arena)
{
	struct forward_options options = {
		.listener = listener,
		.rule = &listener->rules[0],
		.client = { .family = 4, .ip = { 192, 0, 2, 1 }, .port = 1 },
		.scratch = scratch,
	};
	struct route_facts facts;
	struct forwarded out;
	struct rng rng;

	rng_seed(&rng, 1);
	if (forward_trace_id(head, 1, &rng, arena, &options.trace_id))
		return;
	check_line(head, options.trace_id);
	forward_xff_too_long(head);
	if (route_facts_of(head, &options.client, BYTES("lb.example"), &facts))
		return;
	check_redirect(listener, &facts, arena);
	if (!forward_request(head, &facts, &options, arena, &out))
		check_forwarded(head, &out, listener->load_balancer->preserve_host);
}

/* Feeds the whole input at once; what follows the first head does not matter here. */
static void parse_and_forward(struct bytes in, const struct plan_listener *listener)
{
	struct route_scratch *scratch;
	struct h1_parser parser;
	struct arena arena;

	if (route_scratch_create(&scratch))
		return;
	arena_init(&arena, 1 << 20);
	h1_parser_init(&parser, false);
	if (h1_parser_feed(&parser, &in) == H1_HEAD)
		forward(h1_parser_head(&parser), listener, scratch, &arena);
	h1_parser_fini(&parser);
	arena_fini(&arena);
	route_scratch_destroy(scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rule_config rule = { .arn = BYTES("default") };
	struct listener_config listener = { .port = 80, .rules = &rule, .rule_count = 1 };
	struct load_balancer_config lb = { .id = BYTES("lb"),
					   .listeners = &listener,
					   .listener_count = 1 };
	struct lb_config config = { .load_balancers = &lb, .load_balancer_count = 1 };
	struct bytes replace;
	struct registry *registry;
	const struct plan *plan;

	if (size < 2)
		return 0;
	lb.preserve_host = data[0] & 1;
	lb.drop_invalid_fields = data[0] & 2;
	lb.xff_mode = (enum xff_mode)((data[0] >> 2) % 3);
	listener.port = data[0] & 16 ? 80 : 8080;
	replace = bytes_of(replacements[data[1] % COUNT(replacements)]);
	if (data[0] & 32)
		rule.host_rewrite = (struct rewrite_config){ BYTES("^(.*)$"), replace };
	if (data[0] & 64)
		rule.url_rewrite = (struct rewrite_config){ BYTES("^/([^?]*)(\\?.*)?"), replace };
	if (registry_create(&registry))
		return 0;
	if (!plan_compile(&config, registry, &plan, NULL)) {
		parse_and_forward(bytes_make(data + 2, size - 2),
				  &plan->load_balancers[0].listeners[0]);
		plan_unref(plan);
	}
	registry_destroy(registry);
	return 0;
}
