#include "tests/check.h"

#include "api/json.h"
#include "api/xml.h"
#include "base/log.h"

static const struct api_shape strings = { .kind = API_LIST, .item = &api_string };
static const struct api_shape lb_state = {
	.kind = API_STRUCTURE,
	.members = (const struct api_member[]){ { .name = "Code", .shape = &api_string }, API_END },
};
static const struct api_shape flat = { .kind = API_LIST, .item = &api_string, .flattened = true };
static const struct api_shape map = { .kind = API_MAP, .item = &api_string };
static const struct api_shape balancer = {
	.kind = API_STRUCTURE,
	.members = (const struct api_member[]){ { .name = "Name", .shape = &api_string },
						{ .name = "Port", .shape = &api_integer },
						{ .name = "Enabled", .shape = &api_boolean },
						{ .name = "CreatedTime", .shape = &api_timestamp },
						{ .name = "Weight", .shape = &api_double },
						{ .name = "State", .shape = &lb_state },
						{ .name = "Groups",
						  .shape = &strings,
						  .wire = "groupSet" },
						{ .name = "Flat", .shape = &flat },
						{ .name = "Extra", .shape = &map },
						{ .name = "VpcId", .shape = &api_string },
						API_END },
};
static const struct api_shape balancers = { .kind = API_LIST, .item = &balancer };
static const struct api_shape output = {
	.kind = API_STRUCTURE,
	.members = (const struct api_member[]){ { .name = "Balancers",
						  .shape = &balancers,
						  .wire = "balancerSet" },
						{ .name = "NextMarker", .shape = &api_string },
						API_END },
};
static const struct api_operation operations[] = {
	{ .name = "Describe", .input = &api_shape_none, .output = &output },
	{ .name = "Delete", .input = &api_shape_none, .output = &api_shape_none },
};
static const struct api_service query_service = { .name = "q",
						  .protocol = API_QUERY,
						  .xml_namespace = "http://q/" };
static const struct api_service ec2_service = { .name = "ec2",
						.protocol = API_EC2,
						.xml_namespace = "http://ec2/" };

static const char *encoded(const struct api_service *service, const struct api_operation *operation,
			   const char *json)
{
	static char result[4096];
	struct text out = TEXT_INIT(sizeof result - 1);
	json_t *value = json_loads(json, 0, NULL);
	err_t err;

	CHECK(value != NULL, "%s", json);
	err = xml_encode(service, operation, value, "id-1", &out);
	strcpy(result, err ? err_name(err) : text_str(&out));
	json_decref(value);
	text_fini(&out);
	return result;
}

#define QUERY_HEAD "<DescribeResponse xmlns=\"http://q/\"><DescribeResult>"
#define QUERY_FOOT                                                                          \
	"</DescribeResult><ResponseMetadata><RequestId>id-1</RequestId></ResponseMetadata>" \
	"</DescribeResponse>\n"

static const struct {
	const char *name, *json, *xml;
} cases[] = {
	{ "nothing", "{}", "" },
	{ "an empty list", "{\"Balancers\":[]}", "<Balancers/>" },
	{ "absent and null are the same", "{\"Balancers\":null,\"NextMarker\":null}", "" },
	{ "members come in the shape's order, strangers not at all",
	  "{\"NextMarker\":\"m\",\"Strange\":1,\"Balancers\":[{\"Port\":80,\"Name\":\"n\"}]}",
	  "<Balancers><member><Name>n</Name><Port>80</Port></member></Balancers>"
	  "<NextMarker>m</NextMarker>" },
	{ "leaves",
	  "{\"Balancers\":[{\"Enabled\":true,\"CreatedTime\":1791466636950,\"Weight\":1.5}]}",
	  "<Balancers><member><Enabled>true</Enabled><CreatedTime>2026-10-08T13:37:16.950Z"
	  "</CreatedTime><Weight>1.5</Weight></member></Balancers>" },
	{ "text is escaped", "{\"NextMarker\":\"<a b='c'>&\\\"\"}",
	  "<NextMarker>&lt;a b=&#39;c&#39;&gt;&amp;&quot;</NextMarker>" },
	{ "structures and lists of text",
	  "{\"Balancers\":[{\"State\":{\"Code\":\"active\"},\"Groups\":[\"a\",\"b\"]},{}]}",
	  "<Balancers><member><State><Code>active</Code></State><Groups><member>a</member>"
	  "<member>b</member></Groups></member><member></member></Balancers>" },
	{ "flattened lists", "{\"Balancers\":[{\"Flat\":[\"a\",\"b\"]},{\"Flat\":[]}]}",
	  "<Balancers><member><Flat>a</Flat><Flat>b</Flat></member><member></member>"
	  "</Balancers>" },
	{ "maps", "{\"Balancers\":[{\"Extra\":{\"k<\":\"v\"}}]}",
	  "<Balancers><member><Extra><entry><key>k&lt;</key><value>v</value></entry></Extra>"
	  "</member></Balancers>" },
};

TEST(answers_are_written_by_the_shape)
{
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct text want = TEXT_INIT(4096);

		text_printf(&want, "%s%s%s", QUERY_HEAD, cases[i].xml, QUERY_FOOT);
		CHECK_STR(encoded(&query_service, &operations[0], cases[i].json), text_str(&want),
			  "%s", cases[i].name);
		text_fini(&want);
	}
}

TEST(an_operation_without_output_still_has_a_result)
{
	CHECK_STR(encoded(&query_service, &operations[1], "{}"),
		  "<DeleteResponse xmlns=\"http://q/\"><DeleteResult></DeleteResult>"
		  "<ResponseMetadata><RequestId>id-1</RequestId></ResponseMetadata>"
		  "</DeleteResponse>\n");
}

TEST(ec2_wraps_nothing_and_writes_small)
{
	CHECK_STR(
		encoded(&ec2_service, &operations[0],
			"{\"Balancers\":[{\"VpcId\":\"vpc-1\",\"Groups\":[\"a\"]}],"
			"\"NextMarker\":\"\"}"),
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<DescribeResponse xmlns=\"http://ec2/\"><requestId>id-1</requestId>"
		"<balancerSet><item><groupSet><item>a</item></groupSet><vpcId>vpc-1</vpcId></item>"
		"</balancerSet><nextMarker></nextMarker></DescribeResponse>\n");
}

static const char *const misfits[] = {
	"{\"NextMarker\":7}",
	"{\"Balancers\":{}}",
	"{\"Balancers\":[\"x\"]}",
	"{\"Balancers\":[{\"Port\":\"80\"}]}",
	"{\"Balancers\":[{\"CreatedTime\":-1}]}",
	"{\"Balancers\":[{\"Enabled\":\"true\"}]}",
	"{\"Balancers\":[{\"Extra\":[]}]}",
};

TEST(a_handler_that_answers_in_a_wrong_type_is_found_out)
{
	log_to(-1);
	for (size_t i = 0; i < COUNT(misfits); i++)
		CHECK_STR(encoded(&query_service, &operations[0], misfits[i]), "INVALID", "%s",
			  misfits[i]);
}

TEST(faults_look_as_clients_read_them)
{
	struct api_fault fault = { "RuleNotFound", "One or more <rules> not found", 400 };
	struct text out = TEXT_INIT(1024);

	xml_encode_fault(API_QUERY, "http://q/", &fault, "id-2", &out);
	CHECK_STR(text_str(&out),
		  "<ErrorResponse xmlns=\"http://q/\"><Error><Type>Sender</Type>"
		  "<Code>RuleNotFound</Code><Message>One or more &lt;rules&gt; not found</Message>"
		  "</Error><RequestId>id-2</RequestId></ErrorResponse>\n");
	text_clear(&out);
	xml_encode_fault(API_EC2, "http://ec2/", &fault, "id-2", &out);
	CHECK_STR(text_str(&out),
		  "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error>"
		  "<Code>RuleNotFound</Code><Message>One or more &lt;rules&gt; not found</Message>"
		  "</Error></Errors><RequestID>id-2</RequestID></Response>\n");
	text_clear(&out);
	fault.status = 500;
	xml_encode_fault(API_QUERY, NULL, &fault, "id-2", &out);
	CHECK(strstr(text_str(&out), "<Type>Receiver</Type>") != NULL);
	text_fini(&out);
}

TEST(json_writes_seconds_to_aws_and_iso_at_home)
{
	json_t *value = json_loads("{\"Balancers\":[{\"CreatedTime\":1791466636950,\"Port\":1},"
				   "{\"CreatedTime\":1791466636000}]}",
				   0, NULL);
	struct text out = TEXT_INIT(1024);

	CHECK_OK(wire_json_encode(&output, value, false, &out));
	CHECK_STR(text_str(&out), "{\"Balancers\":[{\"CreatedTime\":1791466636.95,\"Port\":1},"
				  "{\"CreatedTime\":1791466636}]}");
	text_clear(&out);
	CHECK_OK(wire_json_encode(&output, value, true, &out));
	CHECK_STR(text_str(&out),
		  "{\"Balancers\":[{\"CreatedTime\":\"2026-10-08T13:37:16.950Z\",\"Port\":1},"
		  "{\"CreatedTime\":\"2026-10-08T13:37:16.000Z\"}]}");
	json_decref(value);
	text_fini(&out);
}

TEST(json_bodies_are_objects_or_refused)
{
	static const struct {
		const char *body;
		err_t err;
	} bodies[] = {
		{ "", ERR_OK },
		{ "  \t", ERR_OK },
		{ "{}", ERR_OK },
		{ "{\"a\":1}", ERR_OK },
		{ "[]", ERR_SYNTAX },
		{ "\"x\"", ERR_SYNTAX },
		{ "{\"a\":", ERR_SYNTAX },
		{ "{} {}", ERR_SYNTAX },
		{ "{\"a\":\"\\u0000\"}", ERR_SYNTAX },
		{ "{\"a\":\"\xff\"}", ERR_SYNTAX },
	};

	for (size_t i = 0; i < COUNT(bodies); i++) {
		struct api_fault fault = { .status = 0 };
		json_t *value = NULL;

		CHECK_ERR(wire_json_decode(bytes_of(bodies[i].body), &value, &fault), bodies[i].err,
			  "%s", bodies[i].body);
		if (bodies[i].err)
			CHECK_STR(fault.code, "SerializationException");
		json_decref(value);
	}
}

TEST(json_takes_seconds_from_aws)
{
	json_t *value = json_loads("{\"Balancers\":[{\"CreatedTime\":1791466636.95},"
				   "{\"CreatedTime\":\"2026\"}]}",
				   0, NULL);
	json_t *list = json_object_get(value, "Balancers");

	wire_json_times_in(&output, value);
	CHECK_EQ(json_integer_value(json_object_get(json_array_get(list, 0), "CreatedTime")),
		 1791466636950);
	CHECK_STR(json_string_value(json_object_get(json_array_get(list, 1), "CreatedTime")),
		  "2026");
	json_decref(value);
}

TEST(json_faults_have_two_forms)
{
	struct api_fault fault = { "X", "say \"hi\"", 400 };
	struct text out = TEXT_INIT(1024);

	wire_json_fault(&fault, false, &out);
	CHECK_STR(text_str(&out), "{\"__type\":\"X\",\"message\":\"say \\\"hi\\\"\"}");
	text_clear(&out);
	wire_json_fault(&fault, true, &out);
	CHECK_STR(text_str(&out), "{\"code\":\"X\",\"message\":\"say \\\"hi\\\"\"}");
	text_fini(&out);
}
