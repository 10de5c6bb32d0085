/* Templates: what is read, what functions make of it, what parameters may be. */
#include "services/cloudformation/check.h"

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
	check_fails("!GetAtt Vpc", "every Fn::GetAtt object requires two non-empty parameters");
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
	check_fails("!Sub '${}'", "variable names in Fn::Sub syntax");
	check_fails("!Sub '${Nets}'", "${Nets} is no text");
	check_fails("!Sub [a]", "Fn::Sub intrinsic functions don't specify expected arguments");
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
	check_fails("!Select [x, [a, b]]", "an integer index and a list");
	check_fails("!Join [a]", "every Fn::Join object requires two parameters");
	check_fails("!Join ['', x]", "every Fn::Join object requires two parameters");
	check_fails("!Split ['', x]", "every Fn::Split object requires two parameters");
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
	check_fails("!And [!Condition IsProd]", "at least 2 and at most 10");
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
