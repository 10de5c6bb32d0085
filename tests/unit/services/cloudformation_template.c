/* Templates: what is read, what functions make of it, what is refused and where. */
#include "services/cloudformation/check.h"
#include "services/cloudformation/expand.h"
#include "services/cloudformation/object_url.h"
#include "services/cloudformation/policy.h"
#include "services/cloudformation/rules.h"

#include "tests/check.h"

#include <stdio.h>

/* ---- Reading ---- */

static json_t *read_value(const char *text)
{
	struct text why = TEXT_INIT(1024);
	struct template template;
	json_t *root;

	CHECK_OK(template_parse(bytes_of(text), &template, &why), "%s", text_str(&why));
	root = json_incref(template.root);
	template_fini(&template);
	text_fini(&why);
	return root;
}

static void check_reads(const char *text, const char *want)
{
	json_t *root = read_value(text);
	char *got = json_dumps(root, JSON_COMPACT);

	CHECK_STR(got, want, "of %s", text);
	free(got);
	json_decref(root);
}

static void check_refuses(const char *text, const char *words)
{
	struct text why = TEXT_INIT(1024);
	struct template template;
	err_t err = template_parse(bytes_of(text), &template, &why);

	CHECK_EQ(err, ERR_SYNTAX, "of %s", text);
	CHECK(strstr(text_str(&why), words), "'%s' of %s", text_str(&why), text);
	text_fini(&why);
}

TEST(yaml_and_json_come_to_the_same)
{
	check_reads("A: {B: [1, 2.5, true, x]}", "{\"A\":{\"B\":[1,2.5,true,\"x\"]}}");
	check_reads(" {\"A\": {\"B\": [1, 2.5, true, \"x\"]}}",
		    "{\"A\":{\"B\":[1,2.5,true,\"x\"]}}");
	check_reads("{\n\t\"A\": 1\n}", "{\"A\":1}");
	check_reads("A: |\n  one\n  two\nB: >-\n  one\n  two\n",
		    "{\"A\":\"one\\ntwo\\n\",\"B\":\"one two\"}");
}

TEST(plain_words_keep_what_they_mean)
{
	check_reads("A: 2010-09-09", "{\"A\":\"2010-09-09\"}");
	check_reads("A: 012345678901", "{\"A\":\"012345678901\"}");
	check_reads("A: '80'", "{\"A\":\"80\"}");
	check_reads("A: -1", "{\"A\":-1}");
	check_reads("A: 10.0.0.0/16", "{\"A\":\"10.0.0.0/16\"}");
	check_reads("A: yes\nB: Off", "{\"A\":true,\"B\":false}");
	check_reads("A:", "{\"A\":null}");
}

TEST(short_tags_leave_as_their_long_forms)
{
	check_reads("A: !Ref B", "{\"A\":{\"Ref\":\"B\"}}");
	check_reads("A: !GetAtt B.C.D", "{\"A\":{\"Fn::GetAtt\":[\"B\",\"C.D\"]}}");
	check_reads("A: !GetAtt [B, C]", "{\"A\":{\"Fn::GetAtt\":[\"B\",\"C\"]}}");
	check_reads("A: !Sub '${B}'", "{\"A\":{\"Fn::Sub\":\"${B}\"}}");
	check_reads("A: !If [C, !Ref X, !Ref 'AWS::NoValue']",
		    "{\"A\":{\"Fn::If\":[\"C\",{\"Ref\":\"X\"},{\"Ref\":\"AWS::NoValue\"}]}}");
	check_reads("A: !Condition C", "{\"A\":{\"Condition\":\"C\"}}");
	check_reads("A: !Join ['', [!Ref B, c]]",
		    "{\"A\":{\"Fn::Join\":[\"\",[{\"Ref\":\"B\"},\"c\"]]}}");
	check_reads("A: !Select [0, !GetAZs '']",
		    "{\"A\":{\"Fn::Select\":[0,{\"Fn::GetAZs\":\"\"}]}}");
}

TEST(what_cloudformation_refuses_is_refused_with_its_line)
{
	check_refuses("A: 1\nB: &x 2\n", "line 2: CloudFormation takes no YAML anchors");
	check_refuses("A: &x [1]\nB: *x\n", "line 1: CloudFormation takes no YAML anchors");
	check_refuses("A: {<<: {B: 1}}", "line 1: CloudFormation takes no YAML merges");
	check_refuses("A: 1\nB: !Nothing 2\n",
		      "line 2: the tag '!Nothing' is none of CloudFormation's");
	check_refuses("A: 1\nB: 2\nA: 3\n", "line 3: the key 'A' is there already");
	check_refuses("!F", "line 1: the tag '!F' is none of CloudFormation's");
	check_refuses("{\"A\": 1,\n \"A\": 2}", "line 2: this is not JSON");
	check_refuses("A: [1\nB: 2", "line 2: this is not YAML");
	check_refuses("- a\n- b\n", "not an object of sections");
	check_refuses("", "the template is empty");
	check_refuses("? [a]\n: b\n", "line 1: a key is not a text");
	check_refuses("A: !!binary aGk=", "none of CloudFormation's");
}

TEST(depth_and_size_are_bounded)
{
	struct text deep = TEXT_INIT(1 << 20), why = TEXT_INIT(1024);
	struct template template;

	text_add_str(&deep, "A: ");
	for (int i = 0; i < 1000; i++)
		text_add_char(&deep, '[');
	CHECK_ERR(template_parse(text_bytes(&deep), &template, &why), ERR_SYNTAX);
	CHECK(strstr(text_str(&why), "nested too deep"));
	text_clear(&deep);
	text_clear(&why);
	text_add_str(&deep, "{\"A\": ");
	for (int i = 0; i < 100; i++)
		text_add_char(&deep, '[');
	for (int i = 0; i < 100; i++)
		text_add_char(&deep, ']');
	text_add_char(&deep, '}');
	CHECK_ERR(template_parse(text_bytes(&deep), &template, &why), ERR_SYNTAX);
	text_clear(&deep);
	text_clear(&why);
	text_add_str(&deep, "A:\n");
	for (int i = 0; i < TEMPLATE_VALUES_MAX + 1; i++)
		text_add_str(&deep, "- 1\n");
	CHECK_ERR(template_parse(text_bytes(&deep), &template, &why), ERR_TOO_LARGE);
	text_fini(&deep);
	text_fini(&why);
}

/* ---- Functions ---- */

static err_t made_ref(void *owner, const char *id, json_t **ret_value)
{
	(void)owner;
	if (strcmp(id, "Later") == 0)
		return ERR_AGAIN;
	if (strcmp(id, "Vpc") != 0)
		return ERR_NOT_FOUND;
	*ret_value = json_string("vpc-1");
	return ERR_OK;
}

static err_t made_attribute(void *owner, const char *id, const char *name, json_t **ret_value)
{
	(void)owner;
	if (strcmp(id, "Vpc") != 0 || strcmp(name, "Cidr.Block") != 0)
		return ERR_NOT_FOUND;
	*ret_value = json_string("10.0.0.0/16");
	return ERR_OK;
}

static err_t made_import(void *owner, const char *name, json_t **ret_value)
{
	(void)owner;
	if (strcmp(name, "net-Vpc") != 0)
		return ERR_NOT_FOUND;
	*ret_value = json_string("vpc-9");
	return ERR_OK;
}

static err_t made_zones(void *owner, const char *region, json_t **ret_value)
{
	(void)owner;
	*ret_value = json_pack("[s+, s+]", region, "a", region, "b");
	return *ret_value ? ERR_OK : ERR_NOMEM;
}

static err_t made_resolve(void *owner, const char *service, const char *reference,
			  json_t **ret_value)
{
	(void)owner;
	if (strcmp(reference, "/none") == 0)
		return ERR_NOT_FOUND;
	*ret_value = json_pack("s++", service, "=", reference);
	return *ret_value ? ERR_OK : ERR_NOMEM;
}

static const struct eval_source source = { made_ref, made_attribute, made_import, made_zones,
					   made_resolve };

static const char context[] =
	"Mappings:\n"
	"  Sizes: {small: {Cpu: 256, Zones: [a, b]}, large: {Cpu: 1024, Zones: [c]}}\n"
	"Conditions:\n"
	"  IsProd: !Equals [!Ref Stage, prod]\n"
	"  NotProd: !Not [!Condition IsProd]\n"
	"  Both: !And [!Condition IsProd, !Condition NotProd]\n"
	"  Either: !Or [!Condition IsProd, !Condition NotProd]\n"
	"  Circle: !Not [!Condition Circle]\n"
	"V:\n  ";

/* What becomes of `V` in that context; `why` gets what is said on failure. */
static err_t work_out(const char *value, json_t **ret_value, struct text *why)
{
	struct text whole = TEXT_INIT(64 * 1024);
	struct template template;
	struct eval eval = { .template = &template,
			     .conditions = json_object(),
			     .source = &source,
			     .account = "123456789012",
			     .region = "eu-west-1",
			     .stack_name = "demo",
			     .stack_id = "arn:stack",
			     .why = why };
	json_t *parameters = json_pack("{s:s, s:[s, s]}", "Stage", "dev", "Nets", "n1", "n2");
	err_t err;

	eval.parameters = parameters;
	text_add_str(&whole, context);
	text_add_str(&whole, value);
	CHECK_OK(template_parse(text_bytes(&whole), &template, why), "%s", text_str(why));
	err = evaluate(&eval, json_object_get(template.root, "V"), ret_value);
	template_fini(&template);
	json_decref(eval.conditions);
	json_decref(parameters);
	text_fini(&whole);
	return err;
}

static void check_makes(const char *value, const char *want)
{
	struct text why = TEXT_INIT(2048);
	json_t *made = NULL;
	char *got;

	CHECK_OK(work_out(value, &made, &why), "%s of %s", text_str(&why), value);
	got = json_dumps(made, JSON_COMPACT | JSON_ENCODE_ANY);
	CHECK_STR(got, want, "of %s", value);
	free(got);
	json_decref(made);
	text_fini(&why);
}

static void check_fails(const char *value, const char *words)
{
	struct text why = TEXT_INIT(2048);
	json_t *made = NULL;

	CHECK_ERR(work_out(value, &made, &why), ERR_INVALID, "of %s", value);
	CHECK(strstr(text_str(&why), words), "'%s' of %s", text_str(&why), value);
	text_fini(&why);
}

TEST(names_stand_for_parameters_resources_and_the_account)
{
	check_makes("!Ref Stage", "\"dev\"");
	check_makes("!Ref Nets", "[\"n1\",\"n2\"]");
	check_makes("!Ref Vpc", "\"vpc-1\"");
	check_makes("!GetAtt Vpc.Cidr.Block", "\"10.0.0.0/16\"");
	check_makes(
		"[!Ref AWS::AccountId, !Ref AWS::Region, !Ref AWS::StackName, !Ref AWS::StackId]",
		"[\"123456789012\",\"eu-west-1\",\"demo\",\"arn:stack\"]");
	check_makes("{A: !Ref AWS::NoValue, B: [1, !Ref AWS::NoValue]}", "{\"B\":[1]}");
	check_makes("!ImportValue net-Vpc", "\"vpc-9\"");
	check_fails("!ImportValue net-Other", "No export named net-Other found.");
	check_fails("!Ref Nobody", "'Nobody' is neither a parameter nor a resource");
	check_fails("!GetAtt Vpc.Nothing", "resource 'Vpc' has no attribute 'Nothing'");
	check_fails("!GetAtt Vpc", "Fn::GetAtt takes RESOURCE.ATTRIBUTE");
	check_fails("!Ref [A]", "a Ref takes the name");
}

TEST(what_is_not_made_yet_is_said_to_come_later)
{
	struct text why = TEXT_INIT(1024);
	json_t *made;

	CHECK_ERR(work_out("!Sub 'x-${Later}'", &made, &why), ERR_AGAIN);
	CHECK_ERR(work_out("{A: [!Ref Later]}", &made, &why), ERR_AGAIN);
	text_fini(&why);
}

TEST(sub_fills_names_in)
{
	check_makes("!Sub '${Stage}-${Vpc}.${AWS::Region}'", "\"dev-vpc-1.eu-west-1\"");
	check_makes("!Sub 'a${!Literal}b${Vpc.Cidr.Block}'", "\"a${Literal}b10.0.0.0/16\"");
	check_makes("!Sub ['${X}/${Stage}', {X: !Ref Vpc}]", "\"vpc-1/dev\"");
	check_makes("!Sub ['${Stage}', {Stage: mine}]", "\"mine\"");
	check_makes("!Sub 'nothing'", "\"nothing\"");
	check_makes("!Sub '$5 and { }'", "\"$5 and { }\"");
	check_fails("!Sub '${Stage'", "a ${ that does not end");
	check_fails("!Sub '${}'", "a ${} without a name");
	check_fails("!Sub '${Nets}'", "${Nets} is no text");
	check_fails("!Sub [a]", "Fn::Sub takes a text");
}

TEST(lists_are_joined_split_selected_and_counted)
{
	check_makes("!Join ['-', [a, !Ref Stage, 3, true]]", "\"a-dev-3-true\"");
	check_makes("!Join [',', !Ref Nets]", "\"n1,n2\"");
	check_makes("!Join ['', []]", "\"\"");
	check_makes("!Split [',', 'a,,b']", "[\"a\",\"\",\"b\"]");
	check_makes("!Select [1, !Split ['--', 'a--b--c']]", "\"b\"");
	check_makes("!Select ['0', !GetAZs '']", "\"eu-west-1a\"");
	check_makes("!GetAZs us-west-2", "[\"us-west-2a\",\"us-west-2b\"]");
	check_makes("{Fn::Length: !Ref Nets}", "2");
	check_makes("{Fn::ToJsonString: {a: !Ref Stage, b: [1]}}",
		    "\"{\\\"a\\\":\\\"dev\\\",\\\"b\\\":[1]}\"");
	check_makes("!Base64 'hello'", "\"aGVsbG8=\"");
	check_fails("!Select [2, [a, b]]", "nonexistent value at index 2");
	check_fails("!Select [x, [a, b]]", "needs a whole number");
	check_fails("!Join [a]", "every Fn::Join object requires two parameters");
	check_fails("!Join ['', x]", "needs a list");
	check_fails("!Split ['', x]", "delimiter of at least one character");
}

TEST(address_ranges_are_cut_into_blocks)
{
	check_makes("!Cidr [10.0.0.0/16, 3, 8]",
		    "[\"10.0.0.0/24\",\"10.0.1.0/24\",\"10.0.2.0/24\"]");
	check_makes("!Cidr [10.0.254.0/23, 2, 8]", "[\"10.0.254.0/24\",\"10.0.255.0/24\"]");
	check_makes("!Cidr [!GetAtt Vpc.Cidr.Block, 1, 12]", "[\"10.0.0.0/20\"]");
	check_makes("!Cidr ['2001:db8::/56', 2, 64]", "[\"2001:db8::/64\",\"2001:db8:0:1::/64\"]");
	check_fails("!Cidr [10.0.0.0/24, 2, 8]", "cannot make 2 blocks of 8 bits");
	check_fails("!Cidr [10.0.0.0/8, 300, 8]", "cannot make 300 blocks");
	check_fails("!Cidr [nonsense, 1, 8]", "cannot make 1 blocks");
	check_fails("!Cidr [10.0.0.0/8, 1, 32]", "cannot make 1 blocks of 32 bits");
}

TEST(maps_are_looked_into)
{
	check_makes("!FindInMap [Sizes, large, Cpu]", "1024");
	check_makes("!FindInMap [Sizes, !If [IsProd, large, small], Zones]", "[\"a\",\"b\"]");
	check_makes("!FindInMap [Sizes, tiny, Cpu, {DefaultValue: 128}]", "128");
	check_fails("!FindInMap [Sizes, tiny, Cpu]", "Unable to get mapping for Sizes::tiny::Cpu");
	check_fails("!FindInMap [Sizes, small]", "requires three parameters");
}

TEST(conditions_choose)
{
	check_makes("!If [IsProd, a, b]", "\"b\"");
	check_makes("!If [NotProd, {x: 1}, !Ref Nobody]", "{\"x\":1}");
	check_makes("{A: !If [IsProd, 1, !Ref AWS::NoValue]}", "{}");
	check_makes("!If [Both, a, b]", "\"b\"");
	check_makes("!If [Either, a, b]", "\"a\"");
	check_makes("!Equals [80, '80']", "true");
	check_makes("{Statement: {Condition: {StringEquals: {a: b}}}}",
		    "{\"Statement\":{\"Condition\":{\"StringEquals\":{\"a\":\"b\"}}}}");
	check_fails("!If [Nothing, a, b]", "there is no condition 'Nothing'");
	check_fails("!If [Circle, a, b]", "condition 'Circle' asks for itself");
	check_fails("!If [IsProd, a]", "requires a list argument with 3 elements");
	check_fails("!And [!Condition IsProd]", "2 to 10 conditions");
}

TEST(dynamic_references_are_resolved_anywhere_in_a_text)
{
	check_makes("'{{resolve:ssm:/a/b:1}}'", "\"ssm=/a/b:1\"");
	check_makes("'x{{resolve:secretsmanager:s:SecretString:k}}y{{resolve:ssm:z}}'",
		    "\"xsecretsmanager=s:SecretString:kyssm=z\"");
	check_fails("'{{resolve:ssm:/none}}'", "{{resolve:ssm:/none}} is not there");
	check_fails("'{{resolve:ssm}}'", "is not SERVICE:REFERENCE");
}

TEST(errors_name_their_line)
{
	check_fails("\n    - a\n    - !Select [9, [a]]\n", "(line 12)");
}

/* ---- Parameters ---- */

static err_t resolve(const char *declarations, json_t *given, json_t **ret_values, struct text *why)
{
	struct template template;
	err_t err;

	CHECK_OK(template_parse(bytes_of(declarations), &template, why), "%s", text_str(why));
	err = parameters_resolve(&template, given, &source, NULL, ret_values, why);
	template_fini(&template);
	json_decref(given);
	return err;
}

static void check_resolves(const char *declarations, json_t *given, const char *want)
{
	struct text why = TEXT_INIT(1024);
	json_t *values = NULL;
	char *got;

	CHECK_OK(resolve(declarations, given, &values, &why), "%s", text_str(&why));
	got = json_dumps(values, JSON_COMPACT);
	CHECK_STR(got, want);
	free(got);
	json_decref(values);
	text_fini(&why);
}

static void check_unresolved(const char *declarations, json_t *given, const char *words)
{
	struct text why = TEXT_INIT(1024);
	json_t *values = NULL;

	CHECK_ERR(resolve(declarations, given, &values, &why), ERR_INVALID, "of %s", declarations);
	CHECK(strstr(text_str(&why), words), "'%s' of %s", text_str(&why), declarations);
	text_fini(&why);
}

TEST(parameters_have_types_and_defaults)
{
	check_resolves("Parameters: {A: {Type: String, Default: x}, B: {Type: Number, Default: 5}}",
		       json_object(), "{\"A\":\"x\",\"B\":\"5\"}");
	check_resolves("Parameters: {A: {Type: CommaDelimitedList}}",
		       json_pack("{s:s}", "A", "a, b,c"), "{\"A\":[\"a\",\"b\",\"c\"]}");
	check_resolves("Parameters: {A: {Type: 'List<AWS::EC2::Subnet::Id>'}}",
		       json_pack("{s:s}", "A", "subnet-1,subnet-2"),
		       "{\"A\":[\"subnet-1\",\"subnet-2\"]}");
	check_resolves("Parameters: {A: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /p}}",
		       json_object(), "{\"A\":\"ssm=/p\"}");
	check_unresolved("Parameters: {A: {Type: String}, B: {Type: String}}", json_object(),
			 "Parameters: [A, B] must have values");
	check_unresolved("Parameters: {A: {Type: String, Default: x}}",
			 json_pack("{s:s, s:s}", "C", "1", "D", "2"),
			 "Parameters: [C, D] do not exist in the template");
	check_unresolved("Parameters: {A: {Type: Strin, Default: x}}", json_object(),
			 "Unrecognized parameter type: Strin");
}

TEST(constraints_hold_values_back_in_awss_words)
{
	static const char stage[] = "Parameters: {S: {Type: String, AllowedValues: [dev, prod]}}";

	check_resolves(stage, json_pack("{s:s}", "S", "dev"), "{\"S\":\"dev\"}");
	check_unresolved(stage, json_pack("{s:s}", "S", "test"),
			 "Parameter 'S' must be one of AllowedValues");
	check_unresolved("Parameters: {N: {Type: Number, MinValue: 2, MaxValue: '9'}}",
			 json_pack("{s:s}", "N", "1"), "must be a number not less than 2");
	check_unresolved("Parameters: {N: {Type: Number, MinValue: 2, MaxValue: '9'}}",
			 json_pack("{s:s}", "N", "10"), "must be a number not greater than 9");
	check_unresolved("Parameters: {N: {Type: Number}}", json_pack("{s:s}", "N", "ten"),
			 "must be a number");
	check_unresolved("Parameters: {P: {Type: String, AllowedPattern: '[a-z]+'}}",
			 json_pack("{s:s}", "P", "abc1"), "must match pattern [a-z]+");
	check_unresolved("Parameters: {P: {Type: String, AllowedPattern: '(', Default: x}}",
			 json_object(), "is no regular expression");
	check_unresolved("Parameters: {P: {Type: String, MinLength: 3}}",
			 json_pack("{s:s}", "P", "äö"), "must contain at least 3 characters");
	check_unresolved(
		"Parameters: {P: {Type: String, MaxLength: 1, ConstraintDescription: one letter}}",
		json_pack("{s:s}", "P", "ab"),
		"Parameter P failed to satisfy constraint: one letter");
	check_unresolved("Parameters: {V: {Type: 'AWS::EC2::VPC::Id'}}",
			 json_pack("{s:s}", "V", "x"), "must be an id that begins with 'vpc-'");
	check_unresolved("Parameters: {N: {Type: 'List<Number>'}}", json_pack("{s:s}", "N", "1,x"),
			 "must be a number");
}

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
			       .owner = &found };

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
	struct text whole = TEXT_INIT(4096);
	struct template template;
	json_t *parameters = json_pack("{s:s, s:[s, s]}", "Stage", stage, "Nets", "n1", "n2");
	struct eval eval = { .template = &template,
			     .conditions = json_object(),
			     .parameters = parameters,
			     .source = &source,
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
