#include "lb/route.h"

#include <stdlib.h>

#include "base/text.h"
#include "http/uri.h"
#include "lb/regex.h"

enum { PATH_MAX_BYTES = 32 * 1024 }; /* above any request line */

struct route_scratch {
	struct regex_scratch *regex;
	struct text path; /* the normalised path, when it differs from the one sent */
};

err_t route_scratch_create(struct route_scratch **ret_scratch)
{
	struct route_scratch *scratch = calloc(1, sizeof *scratch);

	if (!scratch)
		return ERR_NOMEM;
	scratch->regex = regex_scratch_create();
	if (!scratch->regex) {
		free(scratch);
		return ERR_NOMEM;
	}
	text_init(&scratch->path, PATH_MAX_BYTES);
	*ret_scratch = scratch;
	return ERR_OK;
}

void route_scratch_destroy(struct route_scratch *scratch)
{
	if (!scratch)
		return;
	regex_scratch_destroy(scratch->regex);
	text_fini(&scratch->path);
	free(scratch);
}

struct regex_scratch *route_scratch_regex(struct route_scratch *scratch)
{
	return scratch->regex;
}

/* ---- Facts ---- */

struct bytes host_without_port(struct bytes host)
{
	size_t from = host.len > 0 && host.at[0] == '[' ? bytes_index(host, ']') : 0;
	size_t colon;

	if (from == SIZE_MAX)
		return host;
	colon = bytes_index(bytes_from(host, from), ':');
	return colon == SIZE_MAX ? host : bytes_upto(host, from + colon);
}

static err_t host_of(const struct http_head *head, struct bytes dns_name, struct bytes *ret_host)
{
	bool old = head->version < HTTP_1_1;
	struct bytes name;
	uint16_t port;

	if (head->version == HTTP_1_1 && !http_find(head, BYTES("host")))
		return ERR_BAD_MESSAGE;
	if (head->authority.len == 0 && !old)
		return ERR_BAD_MESSAGE;
	*ret_host = head->authority.len ? head->authority : dns_name;
	return uri_split_authority(*ret_host, &name, &port) ? ERR_BAD_MESSAGE : ERR_OK;
}

err_t route_facts_of(const struct http_head *head, const struct address *client,
		     struct bytes dns_name, struct route_facts *ret_facts)
{
	struct route_facts facts = {
		.method = head->method,
		.fields = head->fields,
		.field_count = head->field_count,
		.client = *client,
	};
	struct uri uri;

	if (uri_parse_target(head->target, &uri))
		return ERR_BAD_MESSAGE;
	TRY(host_of(head, dns_name, &facts.host));
	facts.path = uri.path.len ? uri.path : BYTES("/");
	facts.query = uri.query;
	*ret_facts = facts;
	return ERR_OK;
}

/* ---- Wildcards ---- */

static bool is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

/* One unit of a pattern: a star, a question mark, or a byte that stands for itself. */
enum unit_kind { UNIT_STAR, UNIT_ANY, UNIT_BYTE };

struct unit {
	enum unit_kind kind;
	char byte;
	size_t len; /* in the pattern */
};

static struct unit unit_at(struct bytes pattern, size_t at, unsigned flags)
{
	char c = pattern.at[at];

	if ((flags & WILDCARD_ESCAPES) && c == '\\' && at + 1 < pattern.len) {
		char escaped = pattern.at[at + 1];

		if (escaped == '*' || escaped == '?' || escaped == '\\')
			return (struct unit){ UNIT_BYTE, escaped, 2 };
	}
	if (c == '*')
		return (struct unit){ UNIT_STAR, 0, 1 };
	if (c == '?')
		return (struct unit){ UNIT_ANY, 0, 1 };
	return (struct unit){ UNIT_BYTE, c, 1 };
}

static bool unit_takes(struct unit unit, char c, unsigned flags)
{
	if (unit.kind == UNIT_ANY)
		return !is_control(c);
	if (flags & WILDCARD_NOCASE)
		return ascii_lower(unit.byte) == ascii_lower(c);
	return unit.byte == c;
}

/*
 * When a byte does not fit, only the last star can have been wrong: it takes one more byte, and
 * the match goes on from behind it. Earlier stars need no second thought, since any text that
 * follows them would also follow from the shortest match found.
 */
bool wildcard_matches(struct bytes pattern, struct bytes text, unsigned flags)
{
	size_t p = 0, t = 0;
	size_t after_star = SIZE_MAX,
	       star_end = 0; /* pattern after the last star; its text's end */

	while (t < text.len) {
		struct unit unit = { UNIT_BYTE, 0, 0 };

		if (p < pattern.len) {
			unit = unit_at(pattern, p, flags);
			if (unit.kind == UNIT_STAR) {
				after_star = p = p + unit.len;
				star_end = t;
				continue;
			}
			if (unit_takes(unit, text.at[t], flags)) {
				p += unit.len;
				t++;
				continue;
			}
		}
		if (after_star == SIZE_MAX || is_control(text.at[star_end]))
			return false;
		p = after_star;
		t = ++star_end;
	}
	while (p < pattern.len && pattern.at[p] == '*')
		p++;
	return p == pattern.len;
}

/* ---- Conditions ---- */

/* A condition is true, false, or cannot be told because a regular expression ran too long. */
enum answer { NO, YES, FAILED };

/* What one route_match works with: the facts, and what was derived from them. */
struct matching {
	const struct route_facts *facts;
	struct bytes host, path;
	struct regex_scratch *regex;
};

static enum answer of_bool(bool yes)
{
	return yes ? YES : NO;
}

static enum answer text_matches(const struct matching *m, const struct plan_value *value,
				struct bytes text, unsigned flags)
{
	if (value->regex)
		switch (regex_find(value->regex, text, m->regex)) {
		case REGEX_FOUND: return YES;
		case REGEX_NONE: return NO;
		case REGEX_LIMIT: return FAILED;
		}
	return of_bool(wildcard_matches(value->pattern, text, flags));
}

static enum answer header_matches(const struct matching *m, const struct plan_condition *condition,
				  const struct plan_value *value)
{
	for (unsigned i = 0; i < m->facts->field_count; i++) {
		const struct http_field *field = &m->facts->fields[i];
		enum answer answer;

		if (!bytes_eq_nocase(field->name, condition->header_name))
			continue;
		answer = text_matches(m, value, field->value, WILDCARD_NOCASE);
		if (answer != NO)
			return answer;
	}
	return NO;
}

static bool query_matches(struct bytes query, const struct plan_value *value)
{
	const unsigned flags = WILDCARD_NOCASE | WILDCARD_ESCAPES;
	struct bytes key, got;

	while (uri_query_cut(&query, &key, &got)) {
		if (value->key.at && !wildcard_matches(value->key, key, flags))
			continue;
		if (wildcard_matches(value->pattern, got, flags))
			return true;
	}
	return false;
}

static enum answer value_matches(const struct matching *m, const struct plan_condition *condition,
				 const struct plan_value *value)
{
	switch (condition->kind) {
	case CONDITION_HOST_HEADER: return text_matches(m, value, m->host, WILDCARD_NOCASE);
	case CONDITION_PATH_PATTERN: return text_matches(m, value, m->path, 0);
	case CONDITION_HTTP_HEADER: return header_matches(m, condition, value);
	case CONDITION_METHOD: return of_bool(bytes_eq(value->pattern, m->facts->method));
	case CONDITION_QUERY_STRING: return of_bool(query_matches(m->facts->query, value));
	case CONDITION_SOURCE_IP: return of_bool(cidr_contains(&value->cidr, &m->facts->client));
	}
	assert(0 && "a condition kind without a matcher");
	return NO;
}

static enum answer condition_holds(const struct matching *m, const struct plan_condition *condition)
{
	for (unsigned i = 0; i < condition->value_count; i++) {
		enum answer answer = value_matches(m, condition, &condition->values[i]);

		if (answer != NO)
			return answer;
	}
	return NO;
}

static enum answer rule_holds(const struct matching *m, const struct plan_rule *rule)
{
	for (unsigned i = 0; i < rule->condition_count; i++) {
		enum answer answer = condition_holds(m, &rule->conditions[i]);

		if (answer != YES)
			return answer;
	}
	return YES;
}

/* "/a/../secret" must meet the rules of "/secret". Most paths have no such segment and stay. */
static err_t normalise(struct bytes path, struct text *room, struct bytes *ret_path)
{
	*ret_path = path;
	if (bytes_find(path, BYTES("/.")) == SIZE_MAX)
		return ERR_OK;
	text_clear(room);
	uri_remove_dot_segments(room, path);
	*ret_path = text_bytes(room);
	return text_err(room);
}

struct route_result route_match(const struct plan_listener *listener,
				const struct route_facts *facts, struct route_scratch *scratch)
{
	struct route_result result = { .rule = NULL };
	struct matching m = {
		.facts = facts,
		.host = host_without_port(facts->host),
		.regex = scratch->regex,
	};
	const struct plan_rule *fallback = &listener->rules[listener->rule_count - 1];

	if (normalise(facts->path, &scratch->path, &m.path))
		return result;
	for (const struct plan_rule *rule = listener->rules; rule < fallback; rule++) {
		enum answer answer = rule_holds(&m, rule);

		result.evaluations++;
		if (answer == FAILED)
			return result;
		if (answer == YES) {
			result.rule = rule;
			return result;
		}
	}
	result.rule = fallback;
	return result;
}
