#include "tests/unit/api/head.h"
#include "tests/unit/api/house.h"

#include <stdio.h>

#include "api/front.h"
#include "api/guard.h"
#include "api/sigv4.h"
#include "base/when.h"
#include "http/uri.h"

static struct front_reply reply;

/* Asks as http.c does: caller first, then the answer. The reply is in `reply`, until the next. */
static const char *ask(bool verify, const char *lines, const char *body)
{
	static char text[8192];
	struct api *api = house_make();
	struct front front = {
		.api = api,
		.keys.find = house_find_key,
		.verify = verify,
		.account = "000000000000",
		.region = "us-east-1",
	};
	struct api_fault fault = { .status = 0 };
	struct api_caller caller;
	struct front_request request = { .body = bytes_of(body) };
	struct arena arena;
	struct head head;
	struct uri uri;

	arena_init(&arena, 1 << 20);
	head_read(&head, bytes_of(lines));
	CHECK_OK(uri_parse_target(head.head.target, &uri));
	request.head = &head.head;
	request.path = uri.path;
	request.query = uri.query;
	request.arena = &arena;
	CHECK_OK(when_parse_basic(BYTES("20261002T100000Z"), &request.now_unix_ms));
	front_reply_init(&reply);
	if (front_caller(&front, &request, false, &caller, &fault))
		front_refuse(&front, &request, &fault, &reply);
	else if (bytes_starts(uri.path, BYTES("/_weir/call/")))
		front_call(&front, &request, bytes_from(uri.path, 12), &caller, &reply);
	else
		front_answer(&front, &request, &caller, &reply);
	snprintf(text, sizeof text, "%u %s %.*s", reply.status, reply.content_type,
		 BYTES_ARG(text_bytes(&reply.body)));
	text_fini(&reply.body);
	arena_fini(&arena);
	api_destroy(api);
	return text;
}

/* The same, signed for `service` with the house's key. */
static const char *ask_signed(const char *target, const char *fields, const char *body,
			      const char *service)
{
	struct text lines = TEXT_INIT(8192);
	struct bytes authorization, date, hash, rest = bytes_of(target), path;
	struct sigv4_request r = {
		.method = BYTES("POST"),
		.host = BYTES("elb.example.com"),
		.body = bytes_of(body),
		.service = bytes_of(service),
		.region = BYTES("eu-west-1"),
		.access_key = BYTES("AKIDHOUSE"),
		.secret = BYTES("secret"),
	};
	struct arena arena;
	const char *answer;

	arena_init(&arena, 1 << 20);
	bytes_cut(&rest, '?', &path);
	r.path = path;
	r.query = rest;
	CHECK_OK(when_parse_basic(BYTES("20261002T100000Z"), &r.now_unix_ms));
	CHECK_OK(sigv4_sign(&r, &arena, &authorization, &date, &hash));
	text_printf(&lines,
		    "POST %s HTTP/1.1\nHost: elb.example.com\nX-Amz-Date: %.*s\n"
		    "X-Amz-Content-Sha256: %.*s\nAuthorization: %.*s\n%s",
		    target, BYTES_ARG(date), BYTES_ARG(hash), BYTES_ARG(authorization), fields);
	answer = ask(true, text_str(&lines), body);
	text_fini(&lines);
	arena_fini(&arena);
	return answer;
}

static void check_has(const char *answer, const char *part)
{
	CHECK(strstr(answer, part) != NULL, "\"%s\" has no \"%s\"", answer, part);
}

#define LOCAL "Host: 127.0.0.1:4566\n"
#define FORM  "Action=Echo&Version=2015-12-01&Port=80&Names.member.1=a"

TEST(a_form_is_answered_in_xml)
{
	const char *answer = ask(false, "POST / HTTP/1.1\n" LOCAL, FORM);

	check_has(answer,
		  "200 text/xml <EchoResponse xmlns=\"http://q/\"><EchoResult><Port>80</Port>"
		  "<Names><member>a</member></Names><Account>000000000000</Account>"
		  "</EchoResult>");
	check_has(answer, reply.request_id);
}

TEST(a_form_may_stand_in_the_query_or_in_both)
{
	check_has(ask(false, "GET /?" FORM " HTTP/1.1\n" LOCAL, ""), "<Port>80</Port>");
	check_has(ask(false, "POST /?Action=Echo&Version=2015-12-01 HTTP/1.1\n" LOCAL, "Port=81"),
		  "<Port>81</Port>");
}

TEST(json_is_answered_in_json)
{
	const char *lines = "POST / HTTP/1.1\n" LOCAL "Content-Type: application/x-amz-json-1.1\n"
			    "X-Amz-Target: Logs_20140328.Echo\n";

	CHECK_STR(ask(false, lines, "{\"Port\":80,\"Time\":1.5}"),
		  "200 application/x-amz-json-1.1 "
		  "{\"Port\":80,\"Time\":1.5,\"Account\":\"000000000000\"}");
	CHECK_STR(
		ask(false, lines, "{\"Port\":"),
		"400 application/x-amz-json-1.1 {\"__type\":\"SerializationException\",\"message\":"
		"\"The body is not a JSON object: unexpected token near end of file\"}");
}

TEST(the_house_takes_and_gives_plain_json)
{
	CHECK_STR(ask(false, "POST /_weir/call/elbv2/Echo HTTP/1.1\n" LOCAL,
		      "{\"Port\":\"80\",\"Time\":\"2026-10-08T13:37:16.950Z\"}"),
		  "200 application/json {\"Port\":80,\"Time\":\"2026-10-08T13:37:16.950Z\","
		  "\"Account\":\"000000000000\"}");
	CHECK_STR(ask(false, "POST /_weir/call/logs/Fail HTTP/1.1\n" LOCAL, ""),
		  "400 application/json {\"code\":\"RuleNotFound\",\"message\":"
		  "\"One or more rules not found\"}");
}

static const struct {
	const char *name, *lines, *body, *has;
} faults[] = {
	{ "a handler's", "POST / HTTP/1.1\n" LOCAL, "Action=Fail&Version=2015-12-01",
	  "400 text/xml <ErrorResponse xmlns=\"http://q/\"><Error><Type>Sender</Type><Code>"
	  "RuleNotFound</Code><Message>One or more rules not found</Message></Error><RequestId>" },
	{ "a check's", "POST / HTTP/1.1\n" LOCAL, "Action=Echo&Version=2015-12-01&Port=0",
	  "<Code>ValidationError</Code><Message>1 validation error detected: Value &#39;0&#39; at" },
	{ "unknown action", "POST / HTTP/1.1\n" LOCAL, "Action=Moon&Version=2015-12-01",
	  "400 text/xml <ErrorResponse xmlns=\"http://q/\"><Error><Type>Sender</Type><Code>"
	  "InvalidAction</Code><Message>Could not find operation Moon for version 2015-12-01" },
	{ "another version", "POST / HTTP/1.1\n" LOCAL, "Action=Echo&Version=2012-06-01",
	  "<Code>InvalidAction</Code><Message>Could not find operation Echo for version 2012-06-01" },
	{ "no action", "POST / HTTP/1.1\n" LOCAL, "a=b", "<Code>MissingAction</Code>" },
	{ "a broken form", "POST / HTTP/1.1\n" LOCAL, FORM "&x=%", "<Code>MalformedQueryString" },
	{ "unknown target", "POST / HTTP/1.1\n" LOCAL "X-Amz-Target: Moon_2000.Rise\n", "{}",
	  "400 application/x-amz-json-1.1 {\"__type\":\"UnknownService\",\"message\":\"Weir does not "
	  "offer the service 'Moon_2000'; it offers: elasticloadbalancing, logs\"}" },
	{ "unknown operation of a target",
	  "POST / HTTP/1.1\n" LOCAL "X-Amz-Target: Logs_20140328.Rise\n", "{}",
	  "\"__type\":\"UnknownOperationException\"" },
	{ "unknown service of the house", "POST /_weir/call/moon/Rise HTTP/1.1\n" LOCAL, "{}",
	  "{\"code\":\"UnknownService\"" },
	{ "unknown operation of the house", "POST /_weir/call/elbv2/Rise HTTP/1.1\n" LOCAL, "{}",
	  "{\"code\":\"InvalidAction\"" },
	{ "half a name of the house", "POST /_weir/call/elbv2 HTTP/1.1\n" LOCAL, "{}",
	  "/_weir/call/SERVICE/OPERATION" },
	{ "no JSON to the house", "POST /_weir/call/elbv2/Echo HTTP/1.1\n" LOCAL, "Port=80",
	  "{\"code\":\"SerializationException\"" },
};

TEST(faults_come_in_the_form_of_the_question)
{
	for (size_t i = 0; i < COUNT(faults); i++) {
		const char *answer = ask(false, faults[i].lines, faults[i].body);

		CHECK(strstr(answer, faults[i].has) != NULL, "%s: %s", faults[i].name, answer);
	}
}

TEST(json_clients_that_grew_up_with_forms_get_the_code_in_a_field)
{
	ask(false,
	    "POST / HTTP/1.1\n" LOCAL "X-Amz-Target: Logs_20140328.Fail\nx-amzn-query-mode: true\n",
	    "{}");
	CHECK_STR(reply.query_error, "RuleNotFound;Sender");
	ask(false, "POST / HTTP/1.1\n" LOCAL "X-Amz-Target: Logs_20140328.Fail\n", "{}");
	CHECK_STR(reply.query_error, "");
}

/* ---- Who ---- */

TEST(a_signed_request_is_the_keys_owners)
{
	check_has(ask_signed("/", "", FORM, "elasticloadbalancing"),
		  "<Account>123456789012</Account>");
	check_has(ask_signed("/_weir/call/elbv2/Echo", "", "{}", "weir"), "\"123456789012\"");
}

TEST(the_scope_names_the_service)
{
	check_has(
		ask_signed("/", "", FORM, "moon"),
		"<Code>UnknownService</Code><Message>Weir does not offer the service &#39;moon&#39;");
}

TEST(who_is_not_signed_is_not_let_in)
{
	check_has(ask(true, "POST / HTTP/1.1\n" LOCAL, FORM),
		  "403 text/xml <ErrorResponse xmlns=\"\"><Error><Type>Sender</Type><Code>"
		  "MissingAuthenticationToken</Code>");
	check_has(ask(true, "POST / HTTP/1.1\n" LOCAL "X-Amz-Target: Logs_20140328.Echo\n", "{}"),
		  "403 application/x-amz-json-1.1 {\"__type\":\"MissingAuthenticationToken\"");
}

#define CLAIM                                                               \
	"Authorization: AWS4-HMAC-SHA256 Credential=%s/20261002/us-east-1/" \
	"elasticloadbalancing/aws4_request, SignedHeaders=host;x-amz-date, Signature=abc\n"

TEST(a_wrong_key_and_a_wrong_signature_are_told_apart)
{
	struct text lines = TEXT_INIT(1024);

	text_printf(&lines, "POST / HTTP/1.1\n" LOCAL "X-Amz-Date: 20261002T100000Z\n" CLAIM,
		    "AKID");
	check_has(ask(true, text_str(&lines), FORM), "<Code>InvalidClientTokenId</Code>");
	text_clear(&lines);
	text_printf(&lines, "POST / HTTP/1.1\n" LOCAL "X-Amz-Date: 20261002T100000Z\n" CLAIM,
		    "AKIDHOUSE");
	check_has(ask(true, text_str(&lines), FORM),
		  "403 text/xml <ErrorResponse xmlns=\"http://q/\"><Error><Type>Sender</Type><Code>"
		  "SignatureDoesNotMatch</Code>");
	text_clear(&lines);
	text_printf(&lines, "POST / HTTP/1.1\n" LOCAL "X-Amz-Date: 20261002T080000Z\n" CLAIM,
		    "AKIDHOUSE");
	check_has(ask(true, text_str(&lines), FORM), "<Code>RequestExpired</Code>");
	text_fini(&lines);
}

/* ---- Pages ---- */

static const struct {
	const char *lines;
	bool refused;
} visitors[] = {
	{ "Host: 127.0.0.1:4566\n", false },
	{ "Host: localhost\n", false },
	{ "Host: [::1]:4566\n", false },
	{ "Host: 192.168.1.7:4566\n", false },
	{ "Host: weir:4566\n", false },
	{ "Host: api.weir.localhost:4566\n", false },
	{ "Host: host.docker.internal:4566\n", false },
	{ "", false },
	{ "Host: evil.example.com:4566\n", true },
	{ "Host: localhost.evil.com\n", true },
	{ "Host: 127.0.0.1.nip.io\n", true },
	{ "Host: evil.com/localhost\n", true },
	{ "Host: localhost\nOrigin: http://localhost:3000\n", false },
	{ "Host: localhost\nOrigin: http://127.0.0.1\n", false },
	{ "Host: localhost\nOrigin: https://app.localhost:8443\n", false },
	{ "Host: weir:4566\nOrigin: http://weir:3000\n", false },
	{ "Host: 192.168.1.7:4566\nOrigin: http://192.168.1.7:4566\n", false },
	{ "Host: localhost\nOrigin: https://evil.example.com\n", true },
	{ "Host: localhost\nOrigin: https://localhost.evil.com\n", true },
	{ "Host: localhost\nOrigin: null\n", true },
	{ "Host: localhost\nOrigin: http://192.168.1.9\n", true },
	{ "Host: localhost\nOrigin: chrome-extension://abc\n", true },
	{ "Host: localhost\nOrigin: http://localhost\nOrigin: http://evil.com\n", true },
	{ "Host: evil.com\nOrigin: http://evil.com\n", true },
	{ "Host: localhost\nSec-Fetch-Site: cross-site\n", true },
	{ "Host: localhost\nSec-Fetch-Site: same-site\n", false },
	{ "Host: localhost\nSec-Fetch-Site: none\n", false },
	{ "Host: 127.0.0.1\nOrigin: http://localhost:3000\nSec-Fetch-Site: cross-site\n", false },
	{ "Host: localhost\nOrigin: http://evil.com\nSec-Fetch-Site: same-origin\n", true },
};

TEST(web_pages_of_elsewhere_are_kept_out)
{
	for (size_t i = 0; i < COUNT(visitors); i++) {
		struct text lines = TEXT_INIT(1024);
		struct head head;

		text_printf(&lines, "POST / HTTP/1.1\n%s", visitors[i].lines);
		head_read(&head, text_bytes(&lines));
		CHECK_EQ(guard_refuses(&head.head) != NULL, visitors[i].refused, "%s",
			 visitors[i].lines);
		check_has(ask(false, text_str(&lines), FORM),
			  visitors[i].refused ? "403 text/xml" : "200 text/xml");
		text_fini(&lines);
	}
}

TEST(a_signature_vouches_for_any_host)
{
	check_has(ask_signed("/", "Origin: https://console.example.com\n", FORM,
			     "elasticloadbalancing"),
		  "200 text/xml");
}
