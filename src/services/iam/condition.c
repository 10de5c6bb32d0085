#include "services/iam/condition.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/when.h"
#include "net/address.h"

/* ---- Patterns ---- */

static bool same(char a, char b, bool nocase)
{
	return a == b || (nocase && ascii_lower(a) == ascii_lower(b));
}

/* Goes back to the last star only, so the time is at most length times length. */
bool policy_match(struct bytes expanded, struct bytes text, bool nocase)
{
	size_t p = 0, t = 0, star = SIZE_MAX, resume = 0;

	while (t < text.len) {
		if (p < expanded.len && expanded.at[p] == GLOB_ANY) {
			star = p++;
			resume = t;
		} else if (p < expanded.len && (expanded.at[p] == GLOB_ONE ||
						same(expanded.at[p], text.at[t], nocase))) {
			p++;
			t++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			t = ++resume;
		} else {
			return false;
		}
	}
	while (p < expanded.len && expanded.at[p] == GLOB_ANY)
		p++;
	return p == expanded.len;
}

bool policy_match_arn(struct bytes expanded, struct bytes arn)
{
	struct bytes pattern = expanded, rest = arn, p, t;

	if (!bytes_starts(expanded, BYTES("arn:")))
		return policy_match(expanded, arn, false);
	for (unsigned i = 0; i < 5; i++) {
		if (!bytes_cut(&rest, ':', &t))
			return false;
		/* A pattern that ends early means anything after it. */
		if (!bytes_cut(&pattern, ':', &p))
			return i > 1;
		if (!policy_match(p, t, false))
			return false;
	}
	if (!pattern.at)
		return true;
	return rest.at && policy_match(pattern, rest, false);
}

bool policy_glob(struct bytes pattern, struct bytes text, bool nocase)
{
	struct text expanded = TEXT_INIT(POLICY_TEXT_BYTES_MAX);
	struct policy_request nobody = { .action = NULL };
	bool matches = policy_expand(pattern, &nobody, false, true, &expanded) &&
		       policy_match(text_bytes(&expanded), text, nocase);

	text_fini(&expanded);
	return matches;
}

/* ---- Variables ---- */

static bool is_tag_of_resource(struct bytes name)
{
	struct bytes rest = name, service;

	bytes_cut(&rest, ':', &service);
	return rest.at && rest.len > strlen("ResourceTag/") &&
	       bytes_eq_nocase(bytes_upto(rest, strlen("ResourceTag/")), BYTES("ResourceTag/"));
}

const struct policy_key *policy_find_key(const struct policy_request *request, struct bytes name)
{
	for (size_t i = 0; i < request->key_count; i++)
		if (bytes_eq_nocase(name, bytes_of(request->keys[i].name)))
			return &request->keys[i];
	if (request->asks_tags && is_tag_of_resource(name))
		*request->asks_tags = true;
	return NULL;
}

static bool add_literal(struct text *out, struct bytes value)
{
	for (size_t i = 0; i < value.len; i++)
		if (value.at[i] == GLOB_ANY || value.at[i] == GLOB_ONE)
			return false;
	text_add(out, value);
	return true;
}

/* What stands between the braces. */
static bool add_variable(struct bytes inside, const struct policy_request *request,
			 struct text *out)
{
	struct bytes name, rest = inside;
	const struct policy_key *key;

	if (bytes_eq_str(inside, "*") || bytes_eq_str(inside, "?") || bytes_eq_str(inside, "$"))
		return add_literal(out, inside);
	bytes_cut(&rest, ',', &name);
	key = policy_find_key(request, bytes_trim(name));
	if (key)
		return key->count == 1 && add_literal(out, bytes_of(key->values[0]));
	if (!rest.at)
		return false;
	rest = bytes_trim(rest);
	if (rest.len < 2 || rest.at[0] != '\'' || rest.at[rest.len - 1] != '\'')
		return false;
	return add_literal(out, bytes_make(rest.at + 1, rest.len - 2));
}

bool policy_expand(struct bytes pattern, const struct policy_request *request, bool variables,
		   bool wild, struct text *out)
{
	text_clear(out);
	for (size_t i = 0; i < pattern.len; i++) {
		struct bytes rest = bytes_from(pattern, i);
		char c = pattern.at[i];

		if (variables && bytes_starts(rest, BYTES("${"))) {
			size_t end = bytes_index(rest, '}');

			if (end == SIZE_MAX ||
			    !add_variable(bytes_make(rest.at + 2, end - 2), request, out))
				return false;
			i += end;
			continue;
		}
		if (c == GLOB_ANY || c == GLOB_ONE)
			return false;
		if (wild && c == '*')
			c = GLOB_ANY;
		else if (wild && c == '?')
			c = GLOB_ONE;
		text_add_char(out, c);
	}
	return text_err(out) == ERR_OK;
}

/* ---- Values ---- */

static bool to_number(struct bytes text, double *ret_value)
{
	char copy[64], *end;

	if (text.len == 0 || text.len >= sizeof copy)
		return false;
	memcpy(copy, text.at, text.len);
	copy[text.len] = '\0';
	*ret_value = strtod(copy, &end);
	return *end == '\0' && *ret_value == *ret_value;
}

/* "2026-10-02T10:00:00Z", with parts of a second or without, a day alone; or seconds since 1970. */
static bool to_time(struct bytes text, double *ret_seconds)
{
	char basic[32];
	size_t len = 0;
	uint64_t ms;

	if (text.len < 10 || text.at[4] != '-')
		return to_number(text, ret_seconds);
	for (size_t i = 0; i < text.len && len < sizeof basic - 10; i++) {
		if (text.at[i] == '.')
			break;
		if (text.at[i] != '-' && text.at[i] != ':' && text.at[i] != 'Z')
			basic[len++] = text.at[i];
	}
	if (len == 8) {
		memcpy(basic + len, "T000000", 7);
		len += 7;
	}
	basic[len++] = 'Z';
	if (when_parse_basic(bytes_make(basic, len), &ms))
		return false;
	*ret_seconds = (double)ms / 1000;
	return true;
}

/* ---- Operators ---- */

enum compare { IS, LIKE, ARN, NUMBER, TIME, BOOLEAN, IP, BINARY };
enum order { EQ, LT, LE, GT, GE };

static const struct operator
{
	const char *name;
	enum compare compare;
	enum order order;
	bool nocase, negated;
}
operators[] = {
	{ "StringEquals", IS, EQ, false, false },
	{ "StringNotEquals", IS, EQ, false, true },
	{ "StringEqualsIgnoreCase", IS, EQ, true, false },
	{ "StringNotEqualsIgnoreCase", IS, EQ, true, true },
	{ "StringLike", LIKE, EQ, false, false },
	{ "StringNotLike", LIKE, EQ, false, true },
	{ "NumericEquals", NUMBER, EQ, false, false },
	{ "NumericNotEquals", NUMBER, EQ, false, true },
	{ "NumericLessThan", NUMBER, LT, false, false },
	{ "NumericLessThanEquals", NUMBER, LE, false, false },
	{ "NumericGreaterThan", NUMBER, GT, false, false },
	{ "NumericGreaterThanEquals", NUMBER, GE, false, false },
	{ "DateEquals", TIME, EQ, false, false },
	{ "DateNotEquals", TIME, EQ, false, true },
	{ "DateLessThan", TIME, LT, false, false },
	{ "DateLessThanEquals", TIME, LE, false, false },
	{ "DateGreaterThan", TIME, GT, false, false },
	{ "DateGreaterThanEquals", TIME, GE, false, false },
	{ "Bool", BOOLEAN, EQ, true, false },
	{ "BinaryEquals", BINARY, EQ, false, false },
	{ "IpAddress", IP, EQ, false, false },
	{ "NotIpAddress", IP, EQ, false, true },
	{ "ArnEquals", ARN, EQ, false, false },
	{ "ArnLike", ARN, EQ, false, false },
	{ "ArnNotEquals", ARN, EQ, false, true },
	{ "ArnNotLike", ARN, EQ, false, true },
};

enum set { SINGLE, ANY_VALUE, ALL_VALUES };

struct question {
	const struct operator* op; /* NULL: "Null" */
	enum set set;
	bool if_exists;
};

static bool read_operator(struct bytes name, struct question *ret_question)
{
	struct question q = { .set = SINGLE };

	if (bytes_starts(name, BYTES("ForAnyValue:")))
		q.set = ANY_VALUE;
	else if (bytes_starts(name, BYTES("ForAllValues:")))
		q.set = ALL_VALUES;
	if (q.set != SINGLE)
		name = bytes_from(name, bytes_index(name, ':') + 1);
	if (q.set == SINGLE && bytes_eq_str(name, "Null")) {
		*ret_question = q;
		return true;
	}
	if (bytes_ends(name, BYTES("IfExists"))) {
		q.if_exists = true;
		name = bytes_upto(name, name.len - strlen("IfExists"));
	}
	for (size_t i = 0; i < COUNT(operators); i++) {
		if (bytes_eq_str(name, operators[i].name)) {
			q.op = &operators[i];
			*ret_question = q;
			return true;
		}
	}
	return false;
}

bool policy_operator_known(const char *name)
{
	struct question q;

	return read_operator(bytes_of(name), &q);
}

static bool ordered(enum order order, double got, double want)
{
	switch (order) {
	case EQ: return got == want;
	case LT: return got < want;
	case LE: return got <= want;
	case GT: return got > want;
	case GE: return got >= want;
	}
	return false;
}

static bool ip_within(struct bytes wanted, struct bytes got)
{
	struct address address, base;
	struct cidr cidr;

	if (address_parse_ip(got, 0, &address))
		return false;
	if (bytes_index(wanted, '/') == SIZE_MAX)
		return !address_parse_ip(wanted, 0, &base) && address_eq_ip(&base, &address);
	return !cidr_parse(wanted, &cidr) && cidr_contains(&cidr, &address);
}

/* One value of the request against one of the policy; the policy's is expanded. */
static bool fits(const struct operator* op, struct bytes wanted, struct bytes got)
{
	double a, b;

	switch (op->compare) {
	case IS:
	case BOOLEAN: return op->nocase ? bytes_eq_nocase(wanted, got) : bytes_eq(wanted, got);
	case BINARY: return bytes_eq(wanted, got);
	case LIKE: return policy_match(wanted, got, op->nocase);
	case ARN: return policy_match_arn(wanted, got);
	case NUMBER: return to_number(got, &a) && to_number(wanted, &b) && ordered(op->order, a, b);
	case TIME: return to_time(got, &a) && to_time(wanted, &b) && ordered(op->order, a, b);
	case IP: return ip_within(wanted, got);
	}
	return false;
}

/* A policy may write numbers and booleans bare. */
static struct bytes scalar(const json_t *value, char number[64])
{
	if (json_is_string(value))
		return bytes_make(json_string_value(value), json_string_length(value));
	if (json_is_boolean(value))
		return bytes_of(json_is_true(value) ? "true" : "false");
	number[0] = '\0';
	if (json_is_integer(value))
		snprintf(number, 64, "%lld", (long long)json_integer_value(value));
	else if (json_is_real(value))
		snprintf(number, 64, "%.17g", json_real_value(value));
	return bytes_of(number);
}

static bool fits_one_of(const struct operator* op, const json_t *wanted,
			const struct policy_request *request, bool variables, struct bytes got)
{
	size_t count = json_is_array(wanted) ? json_array_size(wanted) : 1;
	struct text expanded = TEXT_INIT(POLICY_TEXT_BYTES_MAX);
	bool wild = op->compare == LIKE || op->compare == ARN, found = false;
	char number[64];

	for (size_t i = 0; i < count && !found; i++) {
		const json_t *one = json_is_array(wanted) ? json_array_get(wanted, i) : wanted;

		found = policy_expand(scalar(one, number), request, variables, wild, &expanded) &&
			fits(op, text_bytes(&expanded), got);
	}
	text_fini(&expanded);
	return found;
}

static bool is_missing(const struct policy_key *key)
{
	return !key || key->count == 0;
}

static bool null_holds(const json_t *wanted, const struct policy_key *key)
{
	const json_t *one = json_is_array(wanted) ? json_array_get(wanted, 0) : wanted;
	char number[64];
	bool wants_missing = bytes_eq_nocase(scalar(one, number), BYTES("true"));

	return is_missing(key) == wants_missing;
}

static bool key_holds(const struct question *q, const json_t *wanted,
		      const struct policy_request *request, bool variables,
		      const struct policy_key *key)
{
	size_t good = 0;

	if (!q->op)
		return null_holds(wanted, key);
	if (is_missing(key))
		return q->if_exists || q->set == ALL_VALUES || (q->op->negated && q->set == SINGLE);
	for (size_t i = 0; i < key->count; i++)
		if (fits_one_of(q->op, wanted, request, variables, bytes_of(key->values[i])) !=
		    q->op->negated)
			good++;
	/* Without a set operator "not" speaks of every value, and its opposite of one. */
	if (q->set == ALL_VALUES || (q->set == SINGLE && q->op->negated))
		return good == key->count;
	return good > 0;
}

bool policy_conditions_hold(const json_t *condition, const struct policy_request *request,
			    bool variables)
{
	const char *operator, * name;
	json_t *keys, *wanted;

	json_object_foreach ((json_t *)condition, operator, keys) {
		struct question q;

		if (!read_operator(bytes_of(operator), &q))
			return false;
		json_object_foreach (keys, name, wanted) {
			if (!key_holds(&q, wanted, request, variables,
				       policy_find_key(request, bytes_of(name))))
				return false;
		}
	}
	return true;
}
