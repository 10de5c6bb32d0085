/* Policies against requests: what documents may say, and what they answer. */
#include "services/iam/condition.h"
#include "tests/check.h"

static json_t *document(const char *text, enum policy_kind kind)
{
	struct text why = TEXT_INIT(512);
	json_t *parsed = NULL;

	CHECK_OK(policy_check(bytes_of(text), kind, &parsed, &why), "%s: %s", text, text_str(&why));
	text_fini(&why);
	return parsed;
}

static enum policy_effect ask(const char *text, const struct policy_request *request)
{
	json_t *parsed = document(text, request->principals ? POLICY_OF_TRUST : POLICY_OF_IDENTITY);
	enum policy_effect effect = policy_evaluate(parsed, request);

	json_decref(parsed);
	return effect;
}

TEST(patterns_match_as_wildcards_do)
{
	static const struct {
		const char *pattern, *text;
		bool nocase, want;
	} cases[] = {
		{ "*", "", false, true },
		{ "", "", false, true },
		{ "", "a", false, false },
		{ "?", "", false, false },
		{ "?", "a", false, true },
		{ "a*", "a", false, true },
		{ "a*c", "abbbc", false, true },
		{ "a*c", "abbbcd", false, false },
		{ "*a*b*", "xxaxxbxx", false, true },
		{ "a**b", "ab", false, true },
		{ "a?c", "abc", false, true },
		{ "a?c", "ac", false, false },
		{ "EC2:D*", "ec2:describe", true, true },
		{ "EC2:D*", "ec2:D", false, false },
		{ "*aab", "aaaaaaaaab", false, true },
		{ "a.c", "abc", false, false },
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		CHECK_EQ(policy_glob(bytes_of(cases[i].pattern), bytes_of(cases[i].text),
				     cases[i].nocase),
			 cases[i].want, "%s on %s", cases[i].pattern, cases[i].text);
}

#define ALLOW(rest) "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\"," rest "}]}"
#define ALLOW_AND_DENY(allowed, denied)                                             \
	"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\"," allowed \
	"},{\"Effect\":\"Deny\"," denied "}]}"
#define LB "arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/app/one/1"

TEST(actions_and_resources_decide_and_a_deny_wins)
{
	static const struct {
		const char *text, *action, *resource;
		enum policy_effect want;
	} cases[] = {
		{ ALLOW("\"Action\":\"*\",\"Resource\":\"*\""), "ec2:X", "*", POLICY_ALLOWS },
		{ ALLOW("\"Action\":\"EC2:x\",\"Resource\":\"*\""), "ec2:X", "*", POLICY_ALLOWS },
		{ ALLOW("\"Action\":[\"s3:*\",\"ec2:D*\"],\"Resource\":\"*\""), "ec2:Describe", "*",
		  POLICY_ALLOWS },
		{ ALLOW("\"Action\":\"s3:*\",\"Resource\":\"*\""), "ec2:X", "*", POLICY_SILENT },
		{ ALLOW("\"NotAction\":\"s3:*\",\"Resource\":\"*\""), "ec2:X", "*", POLICY_ALLOWS },
		{ ALLOW("\"NotAction\":[\"s3:*\",\"ec2:*\"],\"Resource\":\"*\""), "ec2:X", "*",
		  POLICY_SILENT },
		{ ALLOW("\"Action\":\"*\",\"Resource\":\"" LB "\""), "a:b", LB, POLICY_ALLOWS },
		{ ALLOW("\"Action\":\"*\",\"Resource\":\"" LB "\""), "a:b", "*", POLICY_SILENT },
		{ ALLOW("\"Action\":\"*\",\"Resource\":\"arn:aws:elasticloadbalancing:*:*:loadbalancer/"
			"app/one/*\""),
		  "a:b", LB, POLICY_ALLOWS },
		{ ALLOW("\"Action\":\"*\",\"Resource\":\"arn:aws:elasticloadbalancing:*:*:LOADBALANCER/"
			"*\""),
		  "a:b", LB, POLICY_SILENT },
		{ ALLOW("\"Action\":\"*\",\"Resource\":\"arn:aws:*:loadbalancer/app/one/1\""),
		  "a:b", LB, POLICY_SILENT },
		{ ALLOW("\"Action\":\"*\",\"NotResource\":\"" LB "\""), "a:b", LB, POLICY_SILENT },
		{ ALLOW("\"Action\":\"*\",\"NotResource\":\"" LB "\""), "a:b", "*", POLICY_ALLOWS },
		{ ALLOW_AND_DENY("\"Action\":\"*\",\"Resource\":\"*\"",
				 "\"Action\":\"a:b\",\"Resource\":\"*\""),
		  "a:b", "*", POLICY_DENIES },
		{ ALLOW_AND_DENY("\"Action\":\"*\",\"Resource\":\"*\"",
				 "\"Action\":\"a:c\",\"Resource\":\"*\""),
		  "a:b", "*", POLICY_ALLOWS },
		{ ALLOW("\"Action\":\"*\",\"Resource\":\"arn:aws:iam::1:user/${aws:username}\""),
		  "a:b", "arn:aws:iam::1:user/al*ce", POLICY_ALLOWS },
		{ ALLOW("\"Action\":\"*\",\"Resource\":\"arn:aws:iam::1:user/${aws:username}\""),
		  "a:b", "arn:aws:iam::1:user/alice", POLICY_SILENT },
		{ ALLOW("\"Action\":\"*\",\"Resource\":\"arn:aws:iam::1:user/${no:such}\""), "a:b",
		  "arn:aws:iam::1:user/", POLICY_SILENT },
		{ ALLOW("\"Action\":\"*\",\"Resource\":\"arn:aws:iam::1:user/${no:such, 'x'}${*}\""),
		  "a:b", "arn:aws:iam::1:user/x*", POLICY_ALLOWS },
	};
	/* A value with a wildcard in it stays a value. */
	static const char *const name[] = { "al*ce" };
	static const struct policy_key keys[] = { { "aws:username", name, 1 } };

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct policy_request request = { .action = cases[i].action,
						  .resource = cases[i].resource,
						  .keys = keys,
						  .key_count = 1 };

		CHECK_EQ(ask(cases[i].text, &request), cases[i].want, "%s for %s on %s",
			 cases[i].text, cases[i].action, cases[i].resource);
	}
}

TEST(conditions_hold_or_not)
{
	static const struct {
		const char *condition;
		bool want;
	} cases[] = {
		{ "{}", true },
		{ "{\"StringEquals\":{\"name\":\"Alice\"}}", true },
		{ "{\"StringEquals\":{\"NAME\":\"Alice\"}}", true },
		{ "{\"StringEquals\":{\"name\":\"alice\"}}", false },
		{ "{\"StringEquals\":{\"name\":[\"Bob\",\"Alice\"]}}", true },
		{ "{\"StringEquals\":{\"name\":\"A*\"}}", false },
		{ "{\"StringEquals\":{\"none\":\"x\"}}", false },
		{ "{\"StringEqualsIfExists\":{\"none\":\"x\"}}", true },
		{ "{\"StringEqualsIfExists\":{\"name\":\"x\"}}", false },
		{ "{\"StringNotEquals\":{\"name\":[\"Bob\",\"Alice\"]}}", false },
		{ "{\"StringNotEquals\":{\"name\":\"Bob\"}}", true },
		{ "{\"StringNotEquals\":{\"none\":\"Bob\"}}", true },
		{ "{\"StringEqualsIgnoreCase\":{\"name\":\"ALICE\"}}", true },
		{ "{\"StringNotEqualsIgnoreCase\":{\"name\":\"ALICE\"}}", false },
		{ "{\"StringLike\":{\"name\":\"A?i*\"}}", true },
		{ "{\"StringLike\":{\"name\":\"a*\"}}", false },
		{ "{\"StringNotLike\":{\"name\":\"A*\"}}", false },
		{ "{\"StringLike\":{\"name\":\"${name}\"}}", true },
		{ "{\"NumericEquals\":{\"count\":10}}", true },
		{ "{\"NumericEquals\":{\"count\":\"10.0\"}}", true },
		{ "{\"NumericNotEquals\":{\"count\":10}}", false },
		{ "{\"NumericLessThan\":{\"count\":\"11\"}}", true },
		{ "{\"NumericLessThan\":{\"count\":\"10\"}}", false },
		{ "{\"NumericLessThanEquals\":{\"count\":\"10\"}}", true },
		{ "{\"NumericGreaterThan\":{\"count\":\"9\"}}", true },
		{ "{\"NumericGreaterThan\":{\"count\":\"10\"}}", false },
		{ "{\"NumericGreaterThanEquals\":{\"count\":\"10\"}}", true },
		{ "{\"NumericEquals\":{\"name\":\"10\"}}", false },
		{ "{\"DateEquals\":{\"now\":\"2026-10-02T10:00:00Z\"}}", true },
		{ "{\"DateNotEquals\":{\"now\":\"2026-10-02T10:00:00Z\"}}", false },
		{ "{\"DateGreaterThan\":{\"now\":\"2026-10-02\"}}", true },
		{ "{\"DateGreaterThanEquals\":{\"now\":\"1000\"}}", true },
		{ "{\"DateLessThan\":{\"now\":\"2026-10-02T09:59:59Z\"}}", false },
		{ "{\"DateLessThanEquals\":{\"now\":\"2026-10-02T10:00:00Z\"}}", true },
		{ "{\"DateLessThan\":{\"now\":\"sometime\"}}", false },
		{ "{\"Bool\":{\"secure\":false}}", true },
		{ "{\"Bool\":{\"secure\":\"true\"}}", false },
		{ "{\"Bool\":{\"none\":\"true\"}}", false },
		{ "{\"BoolIfExists\":{\"none\":\"true\"}}", true },
		{ "{\"IpAddress\":{\"ip\":\"10.0.0.0/8\"}}", true },
		{ "{\"IpAddress\":{\"ip\":\"10.1.2.3\"}}", true },
		{ "{\"IpAddress\":{\"ip\":[\"192.0.2.0/24\",\"2001:db8::/32\"]}}", false },
		{ "{\"NotIpAddress\":{\"ip\":\"10.0.0.0/8\"}}", false },
		{ "{\"NotIpAddress\":{\"ip\":\"192.0.2.0/24\"}}", true },
		{ "{\"ArnLike\":{\"arn\":\"arn:aws:iam::*:user/*\"}}", true },
		{ "{\"ArnEquals\":{\"arn\":\"arn:aws:*:user/a/b\"}}", false },
		{ "{\"ArnNotLike\":{\"arn\":\"arn:aws:iam::1:user/*\"}}", false },
		{ "{\"ArnNotEquals\":{\"arn\":\"arn:aws:iam::2:user/*\"}}", true },
		{ "{\"Null\":{\"none\":\"true\"}}", true },
		{ "{\"Null\":{\"none\":\"false\"}}", false },
		{ "{\"Null\":{\"name\":false}}", true },
		{ "{\"Null\":{\"name\":\"true\"}}", false },
		{ "{\"ForAnyValue:StringEquals\":{\"tags\":[\"a\",\"z\"]}}", true },
		{ "{\"ForAnyValue:StringEquals\":{\"tags\":\"z\"}}", false },
		{ "{\"ForAnyValue:StringEquals\":{\"none\":\"z\"}}", false },
		{ "{\"ForAllValues:StringEquals\":{\"tags\":[\"a\",\"b\",\"c\"]}}", true },
		{ "{\"ForAllValues:StringEquals\":{\"tags\":[\"a\"]}}", false },
		{ "{\"ForAllValues:StringEquals\":{\"none\":\"a\"}}", true },
		{ "{\"ForAnyValue:StringNotEquals\":{\"tags\":\"a\"}}", true },
		{ "{\"ForAllValues:StringNotEquals\":{\"tags\":\"a\"}}", false },
		{ "{\"ForAnyValue:StringNotEquals\":{\"none\":\"a\"}}", false },
		{ "{\"StringEquals\":{\"name\":\"Alice\"},\"Bool\":{\"secure\":\"true\"}}", false },
		{ "{\"StringEquals\":{\"name\":\"Alice\",\"count\":\"11\"}}", false },
	};
	static const char *const name[] = { "Alice" }, *const count[] = { "10" };
	static const char *const now[] = { "2026-10-02T10:00:00.000Z" }, *const no[] = { "false" };
	static const char *const ip[] = { "10.1.2.3" }, *const arn[] = {
		"arn:aws:iam::1:user/a/b"
	};
	static const char *const tags[] = { "a", "b" };
	static const struct policy_key keys[] = {
		{ "name", name, 1 }, { "count", count, 1 }, { "now", now, 1 },
		{ "secure", no, 1 }, { "ip", ip, 1 },	    { "arn", arn, 1 },
		{ "tags", tags, 2 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct policy_request request = {
			.action = "a:b", .resource = "*", .keys = keys, .key_count = COUNT(keys)
		};
		struct text text = TEXT_INIT(2048);

		text_printf(&text, ALLOW("\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":%s"),
			    cases[i].condition);
		CHECK_EQ(ask(text_str(&text), &request),
			 cases[i].want ? POLICY_ALLOWS : POLICY_SILENT, "%s", cases[i].condition);
		text_fini(&text);
	}
}

TEST(trust_names_principals)
{
	static const struct {
		const char *principal;
		bool want;
	} cases[] = {
		{ "\"*\"", true },
		{ "{\"AWS\":\"*\"}", true },
		{ "{\"AWS\":\"arn:aws:iam::1:user/a\"}", true },
		{ "{\"AWS\":[\"2\",\"1\"]}", true },
		{ "{\"AWS\":\"arn:aws:iam::1:user/*\"}", false },
		{ "{\"Service\":\"ecs-tasks.amazonaws.com\"}", false },
	};
	static const char *const who[] = { "arn:aws:iam::1:user/a", "1" };
	struct policy_request request = { .action = "sts:AssumeRole",
					  .resource = "arn:aws:iam::1:role/r",
					  .principals = who,
					  .principal_count = 2 };

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct text text = TEXT_INIT(1024);

		text_printf(&text, ALLOW("\"Action\":\"sts:AssumeRole\",\"Principal\":%s"),
			    cases[i].principal);
		CHECK_EQ(ask(text_str(&text), &request),
			 cases[i].want ? POLICY_ALLOWS : POLICY_SILENT, "%s", cases[i].principal);
		text_fini(&text);
	}
}

TEST(documents_that_say_nothing_clear_are_refused)
{
	static const char *const bad[] = {
		"",
		"nonsense",
		"[]",
		"{}",
		"{\"Version\":\"2020-01-01\",\"Statement\":[]}",
		"{\"Version\":\"2012-10-17\",\"Statement\":[]}",
		"{\"Version\":\"2012-10-17\",\"Statement\":[1]}",
		ALLOW("\"Resource\":\"*\""),
		ALLOW("\"Action\":\"ec2:*\""),
		ALLOW("\"Action\":\"ec2\",\"Resource\":\"*\""),
		ALLOW("\"Action\":[],\"Resource\":\"*\""),
		ALLOW("\"Action\":[1],\"Resource\":\"*\""),
		ALLOW("\"Action\":\"*\",\"NotAction\":\"a:b\",\"Resource\":\"*\""),
		ALLOW("\"Action\":\"*\",\"Resource\":\"here\""),
		ALLOW("\"Action\":\"*\",\"Resource\":\"*\",\"Principal\":\"*\""),
		ALLOW("\"Action\":\"*\",\"Resource\":\"*\",\"Effect\":\"Allow\""),
		ALLOW("\"Action\":\"*\",\"Resource\":\"*\",\"Conditon\":{}"),
		ALLOW("\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":[]"),
		ALLOW("\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"Is\":{\"a\":\"b\"}}"),
		ALLOW("\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"NullIfExists\":{}}"),
		"{\"Statement\":{\"Action\":\"*\",\"Resource\":\"*\"}}",
		"{\"Statement\":{\"Effect\":\"Maybe\",\"Action\":\"*\",\"Resource\":\"*\"}}",
	};

	for (size_t i = 0; i < COUNT(bad); i++) {
		struct text why = TEXT_INIT(512);

		CHECK_ERR(policy_check(bytes_of(bad[i]), POLICY_OF_IDENTITY, NULL, &why),
			  ERR_INVALID, "%s", bad[i]);
		CHECK(why.len > 0, "no words for %s", bad[i]);
		text_fini(&why);
	}
}
