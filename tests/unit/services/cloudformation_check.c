/* Whole templates: what is wrong with them and where, rules, loops, stack policies, addresses. */
#include "services/cloudformation/check.h"
#include "services/cloudformation/expand.h"
#include "services/cloudformation/object_url.h"
#include "services/cloudformation/policy.h"
#include "services/cloudformation/rules.h"

#include "tests/check.h"

#include <stdio.h>

/* ---- The whole template ---- */

static void note_problem(void *owner, unsigned line, const char *words)
{
	text_printf(owner, "%u: %s\n", line, words);
}

static bool known_type(void *owner, const char *type, const char **ret_nearest)
{
	(void)owner;
	*ret_nearest = "AWS::S3::Bucket";
	return strcmp(type, "AWS::S3::Bucket") == 0;
}

static bool known_property(void *owner, const char *type, const char *name,
			   const char **ret_nearest)
{
	(void)owner;
	(void)type;
	*ret_nearest = "BucketName";
	return strcmp(name, "BucketName") == 0 || strcmp(name, "Tags") == 0;
}

static bool known_attribute(void *owner, const char *type, const char *name,
			    const char **ret_nearest)
{
	(void)owner;
	(void)type;
	*ret_nearest = "Arn";
	return strcmp(name, "Arn") == 0;
}

/* Every word of `wants` (NULL-terminated) is among the problems; none wanted: there is none. */
static void check_problems(const char *text, const char *const wants[])
{
	struct text why = TEXT_INIT(1024), found = TEXT_INIT(64 * 1024);
	struct template template;
	struct check check = { .template = &template,
			       .problem = note_problem,
			       .type = known_type,
			       .property = known_property,
			       .attribute = known_attribute,
			       .owner = &found,
			       .strict = true };

	CHECK_OK(template_parse(bytes_of(text), &template, &why), "%s", text_str(&why));
	CHECK_EQ(template_check(&check), wants[0] ? ERR_INVALID : ERR_OK, "%s", text_str(&found));
	for (size_t i = 0; wants[i]; i++)
		CHECK(strstr(text_str(&found), wants[i]), "'%s' in: %s", wants[i],
		      text_str(&found));
	template_fini(&template);
	text_fini(&why);
	text_fini(&found);
}
#define PROBLEMS(text, ...) check_problems(text, (const char *const[]){ __VA_ARGS__, NULL })
#define BUCKET		    "Resources:\n  B:\n    Type: AWS::S3::Bucket\n"

TEST(a_whole_template_passes)
{
	PROBLEMS(
		"AWSTemplateFormatVersion: 2010-09-09\nParameters: {N: {Type: String}}\n"
		"Conditions: {C: !Equals [!Ref N, x]}\n" BUCKET
		"    Condition: C\n    DeletionPolicy: Retain\n    Properties: {BucketName: !Ref N}\n"
		"  D: {Type: AWS::S3::Bucket, DependsOn: B, Properties: {BucketName: !Sub '${B.Arn}x'}}\n"
		"Outputs: {O: {Value: !GetAtt B.Arn, Condition: C, Export: {Name: !Sub '${AWS::StackName}-o'}}}\n",
		NULL);
}

TEST(every_problem_is_told_with_its_line_and_what_may_have_been_meant)
{
	PROBLEMS(
		"Resource:\n  A: 1\n",
		"2: Invalid template property or properties [Resource]; did you mean 'Resources'?");
	PROBLEMS("Resources: {}\n", "At least one Resources member must be defined.");
	PROBLEMS(
		BUCKET "    Properties:\n      BucketNam: x\n      Tags: !Ref Parm\n"
		       "  C: {Type: AWS::S3::Bukket}\n",
		"5: Encountered unsupported property BucketNam of B (AWS::S3::Bucket); did you mean 'BucketName'?",
		"6: Template format error: Unresolved resource dependencies [Parm]",
		"7: Template format error: Unrecognized resource types: [AWS::S3::Bukket]; did you mean 'AWS::S3::Bucket'?");
	PROBLEMS(
		"Parameters: {Name: {Type: String}}\n" BUCKET
		"    Properties: {BucketName: !Ref Nane}\n",
		"5: Template format error: Unresolved resource dependencies [Nane] in the Resources block "
		"of the template; did you mean 'Name'?");
	PROBLEMS(BUCKET "    DependsOn: [A]\n    DeletionPolicy: Keep\n    Propertys: {}\n",
		 "4: Template format error: Unresolved resource dependencies [A]",
		 "5: Template format error: Unrecognized DeletionPolicy",
		 "6: Invalid template resource property 'Propertys' of B");
	PROBLEMS(BUCKET "    Properties: {BucketName: !GetAtt B.Arm}\n",
		 "does not support attribute type Arm in Fn::GetAtt; did you mean 'Arn'?",
		 "Circular dependency between resources: [B]");
	PROBLEMS(BUCKET "    Properties: {BucketName: {Fn::Subb: x}}\n",
		 "4: Template error: there is no function 'Fn::Subb'");
	PROBLEMS(BUCKET "    Properties:\n      BucketName:\n",
		 "[/Resources/B/Properties/BucketName] 'null' values are not allowed in templates");
	PROBLEMS(BUCKET "  a-b: {Type: AWS::S3::Bucket}\n",
		 "Resource name a-b is non alphanumeric.");
	PROBLEMS(BUCKET "    Condition: Nope\n", "Unresolved condition dependency Nope");
	PROBLEMS(BUCKET "Conditions: {C: !Equals [!Ref B, x]}\n",
		 "a condition cannot ask for the resource 'B'");
	PROBLEMS(BUCKET "Outputs: {O: {Description: x}}\n",
		 "Every Outputs member must contain a Value");
	PROBLEMS(BUCKET "Parameters: {P: {Typ: String}}\n", "must contain a Type member (P)",
		 "Invalid template parameter property 'Typ' of P");
}

/* The same words and lines, however a template is written. */
TEST(problems_of_json_have_their_lines_too)
{
	PROBLEMS("{\n \"Resource\": {\n }\n}",
		 "2: Invalid template property or properties [Resource]");
	PROBLEMS("{\"Resources\": {\n  \"B\": {\"Type\": \"AWS::S3::Bucket\",\n"
		 "    \"Properties\": {\n"
		 "      \"BucketNam\": \"x \\\" ]}, \\\\\",\n"
		 "      \"Tags\": [[], {}, -1.5e3, true, null,\r\n\n {\"Ref\": \"Parm\"}]}},\n"
		 "  \"C\\u00e9\": {\"Type\" :\t\"AWS::S3::Bucket\"}}}",
		 "5: [/Resources/B/Properties/Tags/4] 'null' values are not allowed");
	PROBLEMS("{\"Resources\": {\n  \"B\": {\"Type\": \"AWS::S3::Bucket\",\n"
		 "    \"Properties\": {\n"
		 "      \"BucketNam\": \"x \\\" ]}, \\\\\",\n"
		 "      \"Tags\": [[], {}, -1.5e3, true,\r\n\n {\"Ref\": \"Parm\"}]}},\n"
		 "  \"C\": {\"Type\" :\t\"AWS::S3::Bukket\"}}}",
		 "4: Encountered unsupported property BucketNam of B",
		 "7: Template format error: Unresolved resource dependencies [Parm]",
		 "8: Template format error: Unrecognized resource types: [AWS::S3::Bukket]");
}

TEST(what_has_no_place_of_its_own_is_told_where_it_belongs)
{
	PROBLEMS(BUCKET "    Properties: true\n", "3: Template format error: Properties of B");
	PROBLEMS(BUCKET "    Propertys: true\n", "3: Invalid template resource property");
	PROBLEMS("{\n\"Resources\": true}",
		 "1: Template format error: Resources must be an object");
	PROBLEMS(BUCKET "Parameters:\n  P: {Type: String, X: true}\n",
		 "5: Invalid template parameter property 'X' of P");
}

#define OUTPUT_OF(value) BUCKET "Outputs:\n  O: {Value: " value "}\n"

TEST(a_function_that_is_asked_wrongly_is_told_before_anything_is_made)
{
	PROBLEMS(OUTPUT_OF("!Join ['-']"), "5: Template error: every Fn::Join object requires two");
	PROBLEMS(OUTPUT_OF("!Select [x, [a]]"), "5: Template error: Fn::Select requires a list");
	PROBLEMS(OUTPUT_OF("!GetAtt B"), "5: Template error: every Fn::GetAtt object requires two");
	PROBLEMS(OUTPUT_OF("!Ref [B]"), "5: Template error: a Ref takes the name");
	PROBLEMS(OUTPUT_OF("!Sub '${B:-x}'"), "variable names in Fn::Sub syntax must contain only");
	PROBLEMS(OUTPUT_OF("!Sub 'a ${B'"), "Fn::Sub has a ${ that does not end");
	PROBLEMS(OUTPUT_OF("!Length [a]"), "Fn::Length needs Transform: AWS::LanguageExtensions");
	PROBLEMS("Transform: AWS::LanguageExtensions\n" OUTPUT_OF("!Length [a]"), NULL);
	PROBLEMS("Mappings: {M: {a: {b: c}}}\n" OUTPUT_OF("!FindInMap [M, a, x]"),
		 "6: Template error: Unable to get mapping for M::a::x");
	PROBLEMS("Mappings: {M: {a: {b: c}}}\n" OUTPUT_OF("!FindInMap [M, a, b]"), NULL);
	PROBLEMS("Mappings: {M: {a: {b: c}}}\n" OUTPUT_OF("!FindInMap [M, !Ref 'AWS::Region', b]"),
		 NULL);
	PROBLEMS(
		"Mappings: {M: {a: {b: c}}}\n" OUTPUT_OF("!FindInMap [M, a, x, {DefaultValue: d}]"),
		"a DefaultValue of Fn::FindInMap needs Transform: AWS::LanguageExtensions");
	PROBLEMS(BUCKET "Conditions:\n  C: !Equals [a]\n",
		 "5: Template error: every Fn::Equals object requires a list of 2");
	PROBLEMS(OUTPUT_OF("!Sub 'a ${!Literal} ${AWS::Region} ${B.Arn} ${B}'"), NULL);
}

TEST(sections_are_looked_at_as_deep_as_they_go)
{
	PROBLEMS(BUCKET "Parameters:\n  P: {Type: Strin}\n",
		 "5: Template format error: Unrecognized parameter type: Strin");
	PROBLEMS(BUCKET "Parameters:\n  P: {Type: String, AllowedValues: x}\n",
		 "5: Template format error: AllowedValues of P must be a list");
	PROBLEMS(BUCKET "Parameters:\n  P: {Type: String, AllowedPattern: '[a-'}\n",
		 "5: Template format error: AllowedPattern of P is no regular expression: [a-");
	PROBLEMS(BUCKET "Parameters:\n  P: {Type: String, Default: z, AllowedValues: [a]}\n",
		 "5: Parameter 'P' must be one of AllowedValues: its Default does not");
	PROBLEMS(BUCKET "Mappings:\n  M: {a: b}\n",
		 "5: Template format error: Every Mappings member M must be a map of maps");
	PROBLEMS(BUCKET "Mappings:\n  M: {a: {b: {c: d}}}\n",
		 "5: Template format error: Every Mappings attribute must be a String or a List");
	PROBLEMS(BUCKET "Conditions:\n  C: x\n",
		 "5: Template format error: Every Conditions member must be a function (C)");
	PROBLEMS(BUCKET "Transform:\n  - AWS::Serverless-2016-10-31\n",
		 "5: Template format error: this Weir knows the transforms");
	PROBLEMS(BUCKET "    DependsOn: 3\n    Metadata: x\n    Condition: [C]\n",
		 "4: Template format error: every value for DependsOn must be a string",
		 "5: Template format error: Metadata of B must be an object",
		 "6: Template format error: the Condition of B must be the name of a condition");
	PROBLEMS(BUCKET "Outputs:\n  O: x\n", "5: Template format error: Every Outputs member");
	PROBLEMS(BUCKET "Outputs:\n  O: {Value: x, Conditon: C, Export: x}\n",
		 "5: Invalid template output property 'Conditon' of O",
		 "5: Template format error: the Export of output O must have a Name");
}

TEST(circles_are_found_by_reference_and_by_dependence)
{
	PROBLEMS("Resources:\n  A: {Type: AWS::S3::Bucket, DependsOn: B}\n"
		 "  B: {Type: AWS::S3::Bucket, Properties: {BucketName: !Sub '${C}-x'}}\n"
		 "  C: {Type: AWS::S3::Bucket, Properties: {BucketName: !GetAtt A.Arn}}\n"
		 "  D: {Type: AWS::S3::Bucket}\n",
		 "Circular dependency between resources: [A, B, C]");
}

TEST(what_must_be_there_before_is_known)
{
	static const char text[] = "Resources:\n  A: {Type: T, DependsOn: [B, C]}\n"
				   "  B: {Type: T, Properties: {X: !Ref C, Y: [!GetAtt D.Arn]}}\n"
				   "  C: {Type: T}\n  D: {Type: T}\n";
	struct text why = TEXT_INIT(1024);
	struct template template;
	json_t *names = json_pack("[s, s, s]", "A", "B", "C"), *needs = NULL;
	char *got;

	CHECK_OK(template_parse(bytes_of(text), &template, &why));
	CHECK_OK(resource_needs(&template, names, &needs, &why));
	got = json_dumps(needs, JSON_COMPACT);
	CHECK_STR(got, "{\"A\":[\"B\",\"C\"],\"B\":[\"C\"],\"C\":[]}", "D is not among them");
	free(got);
	json_decref(names);
	json_decref(needs);
	template_fini(&template);
	text_fini(&why);
}

/* ---- Addresses of objects ---- */

static void check_url(const char *url, const char *bucket, const char *key, const char *version)
{
	struct object_url at;

	CHECK_OK(object_url_parse(bytes_of(url), &at), "of %s", url);
	CHECK_STR(at.bucket, bucket, "of %s", url);
	CHECK_STR(at.key, key, "of %s", url);
	CHECK_STR(at.version, version, "of %s", url);
}

TEST(an_object_is_named_by_all_of_the_forms_of_s3)
{
	static const char *const wrong[] = { "",
					     "bucket/key",
					     "https://s3.amazonaws.com",
					     "https://s3.amazonaws.com/bucket",
					     "https://s3.amazonaws.com/bucket/",
					     "https://bucket.s3.amazonaws.com/",
					     "http://127.0.0.1:4566/bucket/%zz",
					     "http://127.0.0.1:4566/bucket/a%00b",
					     "ftp://bucket.s3.amazonaws.com/key" };
	struct object_url at;

	check_url("https://s3.amazonaws.com/b/a/k.json", "b", "a/k.json", "");
	check_url("https://s3.eu-west-1.amazonaws.com/b/k", "b", "k", "");
	check_url("https://s3-eu-west-1.amazonaws.com/b/k", "b", "k", "");
	check_url("https://b.s3.amazonaws.com/a/k%20l", "b", "a/k l", "");
	check_url("https://my.b.s3.eu-west-1.amazonaws.com/k", "my.b", "k", "");
	check_url("http://b.s3.localhost:4566/k", "b", "k", "");
	check_url("http://127.0.0.1:4566/b/k?x=1&versionId=v%2D1", "b", "k", "v-1");
	check_url("s3://b/a/k?%20", "b", "a/k?%20", "");
	for (size_t i = 0; i < COUNT(wrong); i++)
		CHECK_EQ(object_url_parse(bytes_of(wrong[i]), &at), ERR_SYNTAX, "%s", wrong[i]);
}

/* ---- Rules ---- */

/* With `Stage` dev, prod or test, and `Nets` n1 and n2. */
static err_t check_rule(const char *rule, const char *stage, struct text *why)
{
	static const struct eval_source nothing = { .ref = NULL };
	struct text whole = TEXT_INIT(4096);
	struct template template;
	json_t *parameters = json_pack("{s:s, s:[s, s]}", "Stage", stage, "Nets", "n1", "n2");
	struct eval eval = { .template = &template,
			     .conditions = json_object(),
			     .parameters = parameters,
			     .source = &nothing,
			     .why = why };
	err_t err;

	text_printf(&whole, "Rules:\n  R: %s\n", rule);
	CHECK_OK(template_parse(text_bytes(&whole), &template, why), "%s", text_str(why));
	err = rules_hold(&eval);
	template_fini(&template);
	json_decref(eval.conditions);
	json_decref(parameters);
	text_fini(&whole);
	return err;
}

TEST(rules_assert_of_parameters_what_they_say)
{
	static const struct {
		const char *assertion;
		bool dev, prod;
	} cases[] = {
		{ "!Contains [[dev, test], !Ref Stage]", true, false },
		{ "!Not [!Contains [[dev, test], !Ref Stage]]", false, true },
		{ "!Equals [!Ref Stage, prod]", false, true },
		{ "!EachMemberIn [!Ref Nets, [n1, n2, n3]]", true, true },
		{ "!EachMemberIn [[n1, n4], !Ref Nets]", false, false },
		{ "!EachMemberEquals [[prod, prod], !Ref Stage]", false, true },
		{ "!And [!Contains [!Ref Nets, n1], !Equals [!Ref Stage, dev]]", true, false },
		{ "!Or [!Contains [!Ref Nets, n9], !Equals [!Ref Stage, prod]]", false, true },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct text why = TEXT_INIT(1024), rule = TEXT_INIT(1024);

		text_printf(&rule, "{Assertions: [{Assert: %s, AssertDescription: not so}]}",
			    cases[i].assertion);
		CHECK_EQ(check_rule(text_str(&rule), "dev", &why) == ERR_OK, cases[i].dev, "%s",
			 cases[i].assertion);
		CHECK(cases[i].dev ||
		      strcmp(text_str(&why), "Template error: Rule R failed: not so") == 0);
		text_clear(&why);
		CHECK_EQ(check_rule(text_str(&rule), "prod", &why) == ERR_OK, cases[i].prod, "%s",
			 cases[i].assertion);
		text_fini(&why), text_fini(&rule);
	}
}

TEST(a_rule_asserts_where_its_condition_holds)
{
	static const char rule[] = "{RuleCondition: !Equals [!Ref Stage, prod], "
				   "Assertions: [{Assert: !Contains [!Ref Nets, n9]}]}";
	static const char *const wrong[] = {
		"{Assertions: [{Assert: {Fn::ValueOf: [Stage, Tags]}}]}",
		"{Assertions: [{Assert: !Contains [a]}]}",
		"{Assertions: [{Assert: !Contains [a, b]}]}", "{Assertions: [{Assert: {a: b}}]}"
	};
	struct text why = TEXT_INIT(1024);

	CHECK_OK(check_rule(rule, "dev", &why));
	CHECK_ERR(check_rule(rule, "prod", &why), ERR_INVALID);
	for (size_t i = 0; i < COUNT(wrong); i++) {
		text_clear(&why);
		CHECK_ERR(check_rule(wrong[i], "dev", &why), ERR_INVALID, "%s", wrong[i]);
		CHECK(why.len > 0, "%s says nothing", wrong[i]);
	}
	text_fini(&why);
}

TEST(a_rules_form_is_checked_with_its_line)
{
	PROBLEMS(BUCKET "Rules:\n  R: {Assertions: []}\n",
		 "5: Template format error: Rule R: a rule is an object with a list of Assertions");
	PROBLEMS(BUCKET "Rules:\n  R:\n    Assertions:\n      - {AssertDescription: x}\n",
		 "7: Template format error: Rule R: an assertion has an Assert");
	PROBLEMS(BUCKET "Rules: {R: {Assertions: [{Assert: !Contains [[a], !Ref Nane]}]}}\n",
		 "Nane");
}

/* ---- Loops ---- */

#define EXTENDED "Transform: AWS::LanguageExtensions\n"

static err_t expanded(const char *text, struct template *ret_template, struct text *why)
{
	json_t *sample;
	err_t err;

	CHECK_OK(template_parse(bytes_of(text), ret_template, why), "%s", text_str(why));
	sample = parameters_sample(ret_template);
	err = template_expand(ret_template, sample, why);
	json_decref(sample);
	return err;
}

/* What its Resources become. */
static void check_expands(const char *text, const char *want)
{
	struct text why = TEXT_INIT(4096);
	struct template template;
	char *got;

	CHECK_OK(expanded(text, &template, &why), "%s of %s", text_str(&why), text);
	got = json_dumps(json_object_get(template.root, "Resources"), JSON_COMPACT);
	CHECK_STR(got, want, "of %s", text);
	free(got);
	template_fini(&template);
	text_fini(&why);
}

static void check_expands_not(const char *text, const char *words)
{
	struct text why = TEXT_INIT(4096);
	struct template template;

	CHECK(expanded(text, &template, &why) != ERR_OK, "of %s", text);
	CHECK(strstr(text_str(&why), words), "'%s' of %s", text_str(&why), text);
	template_fini(&template);
	text_fini(&why);
}

TEST(a_loop_becomes_what_it_stands_for)
{
	check_expands(
		EXTENDED "Resources:\n  Fn::ForEach::All: [N, [a, b-c], {'X&{N}': {Type: T, "
			 "Properties: {Name: !Ref N, Text: !Sub '${N}-${M}'}}}]\n",
		"{\"Xa\":{\"Type\":\"T\",\"Properties\":{\"Name\":\"a\",\"Text\":{\"Fn::"
		"Sub\":\"a-${M}\"}}},\"Xbc\":{\"Type\":\"T\",\"Properties\":{\"Name\":\"b-c\","
		"\"Text\":{\"Fn::Sub\":\"b-c-${M}\"}}}}");
	check_expands("Parameters: {L: {Type: CommaDelimitedList, Default: 'p, q'}}\n" EXTENDED
		      "Resources:\n  Fn::ForEach::All: [N, !Ref L, {'X${N}': {Type: T}}]\n  Y: 1\n",
		      "{\"Xp\":{\"Type\":\"T\"},\"Xq\":{\"Type\":\"T\"},\"Y\":1}");
	check_expands(EXTENDED
		      "Resources:\n  Fn::ForEach::A: [N, [a, b], {Fn::ForEach::B: [M, [1, 2], "
		      "{'X${N}${M}': [!Ref N, !Ref M]}]}]\n",
		      "{\"Xa1\":[\"a\",\"1\"],\"Xa2\":[\"a\",\"2\"],\"Xb1\":[\"b\",\"1\"],\"Xb2\":["
		      "\"b\",\"2\"]}");
	check_expands(EXTENDED
		      "Resources: {A: {Properties: {Fn::ForEach::P: [N, [x], {'${N}': 1}], "
		      "B: 2}}}\n",
		      "{\"A\":{\"Properties\":{\"x\":1,\"B\":2}}}");
	check_expands("Resources:\n  Fn::ForEach::All: [N, [a], {'X${N}': 1}]\n",
		      "{\"Fn::ForEach::All\":[\"N\",[\"a\"],{\"X${N}\":1}]}");
}

TEST(a_loop_that_cannot_be_run_is_refused_with_its_line)
{
#define LOOP_OF(x) EXTENDED "Resources:\n  Fn::ForEach::All: " x "\n"
	check_expands_not(LOOP_OF("[N, [a]]"), "it takes a name, a list, and a map");
	check_expands_not(LOOP_OF("[N, [a]]"), "(line 3)");
	check_expands_not(LOOP_OF("[N, a, {X: 1}]"), "what it goes through is no list");
	check_expands_not(LOOP_OF("[N, [{a: 1}], {X: 1}]"), "something else than texts");
	check_expands_not(LOOP_OF("[N, [a, b], {X: 1}]"), "it makes a name twice");
	check_expands_not(LOOP_OF("[N, !GetAtt A.B, {X: 1}]"), "may ask for parameters only");
	check_expands_not(
		LOOP_OF("[A, [1], {Fn::ForEach::B: [B, [1], {Fn::ForEach::C: [C, [1], {Fn::ForEach::D: "
			"[D, [1], {Fn::ForEach::E: [E, [1], {Fn::ForEach::F: [F, [1], {X: 1}]}]}]}]}]}]"),
		"nested too deep");
	PROBLEMS("Resources:\n  Fn::ForEach::All: [N, [a], {'X${N}': {Type: AWS::S3::Bucket}}]\n",
		 "Fn::ForEach needs Transform: AWS::LanguageExtensions");
}

TEST(loops_that_make_too_much_are_stopped)
{
	struct text text = TEXT_INIT(64 * 1024), why = TEXT_INIT(4096);
	struct template template;

	text_add_str(&text, EXTENDED "Resources:\n");
	for (int i = 0; i < 4; i++)
		text_printf(&text,
			    "%*sFn::ForEach::L%d:\n%*s- N%d\n%*s- [1,2,3,4,5,6,7,8,9,10,11,12,"
			    "13,14,15,16,17,18,19,20]\n%*s-\n",
			    2 + 4 * i, "", i, 4 + 4 * i, "", i, 4 + 4 * i, "", 4 + 4 * i, "");
	text_printf(&text, "%*s'X${N0}x${N1}x${N2}x${N3}': 1\n", 20, "");
	CHECK_ERR(expanded(text_str(&text), &template, &why), ERR_TOO_LARGE, "%s", text_str(&why));
	CHECK(strstr(text_str(&why), "more than 100000 values"), "%s", text_str(&why));
	template_fini(&template);
	text_fini(&text);
	text_fini(&why);
}

/* ---- Stack policies ---- */

static bool may(const char *text, const char *action, const char *logical, const char *words)
{
	struct text why = TEXT_INIT(2048);
	json_t *policy;
	bool allowed;

	CHECK_OK(policy_parse(bytes_of(text), &policy, &why), "%s", text_str(&why));
	allowed = policy_allows(
		policy, &(struct policy_question){ action, logical, "AWS::S3::Bucket" }, &why);
	CHECK(allowed || strstr(text_str(&why), words), "'%s'", text_str(&why));
	json_decref(policy);
	text_fini(&why);
	return allowed;
}

#define ALLOW_ALL \
	"{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"Update:*\",\"Resource\":\"*\"}"
#define DENY(rest)    "{\"Effect\":\"Deny\",\"Principal\":\"*\"," rest "}"
#define STATEMENTS(x) "{\"Statement\":[" x "]}"

TEST(a_stack_policy_says_what_may_be_changed)
{
	static const char keep[] = STATEMENTS(ALLOW_ALL "," DENY(
		"\"Action\":[\"Update:Replace\",\"Update:Delete\"],\"Resource\":\"LogicalResourceId/Pro*\""));
	static const char one[] = STATEMENTS(
		"{\"Effect\":\"Allow\",\"Principal\":\"*\",\"NotAction\":\"Update:Delete\","
		"\"NotResource\":[\"LogicalResourceId/B\"]}");
	static const char typed[] = STATEMENTS(ALLOW_ALL "," DENY(
		"\"Action\":\"Update:*\",\"Resource\":\"*\",\"Condition\":{\"StringLike\":{"
		"\"ResourceType\":[\"AWS::S3::*\"]}}"));
	static const char other[] = STATEMENTS(ALLOW_ALL "," DENY(
		"\"Action\":\"Update:*\",\"Resource\":\"*\",\"Condition\":{\"StringEquals\":{"
		"\"ResourceType\":\"AWS::S3::*\"}}"));

	CHECK(may(keep, "Update:Modify", "Prod", ""));
	CHECK(!may(keep, "Update:Replace", "Prod",
		   "Statement [#2] does not allow [Update:Replace] for resource "
		   "[LogicalResourceId/Prod]"));
	CHECK(may(keep, "Update:Replace", "Test", ""));
	CHECK(may(one, "Update:Modify", "A", ""));
	CHECK(!may(one, "Update:Modify", "B", "no statement allows"));
	CHECK(!may(one, "Update:Delete", "A", "no statement allows"));
	CHECK(!may(typed, "Update:Modify", "A", "#2"));
	CHECK(may(other, "Update:Modify", "A", ""), "equal means to the letter");
}

TEST(a_stack_policy_of_a_wrong_form_is_refused)
{
	static const struct {
		const char *text, *words;
	} wrong[] = {
		{ "{", "line 1" },
		{ "{}", "a list, Statement" },
		{ STATEMENTS("{}"), "statement #1: its Effect" },
		{ STATEMENTS(ALLOW_ALL ",{\"Effect\":\"Allow\"}"), "#2: its Principal" },
		{ STATEMENTS(DENY("\"Action\":\"Update:Create\",\"Resource\":\"*\"")),
		  "its Action" },
		{ STATEMENTS(DENY("\"Action\":\"Update:*\"")), "its Resource" },
		{ STATEMENTS(
			  DENY("\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"Bool\":{}}")),
		  "its Condition" },
	};

	for (size_t i = 0; i < COUNT(wrong); i++) {
		struct text why = TEXT_INIT(2048);
		json_t *policy;

		CHECK_ERR(policy_parse(bytes_of(wrong[i].text), &policy, &why), ERR_INVALID);
		CHECK(strstr(text_str(&why), wrong[i].words), "'%s'", text_str(&why));
		text_fini(&why);
	}
}
