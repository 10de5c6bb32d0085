#include "api/rest.h"

#include <stdio.h>

#include "api/front.h"
#include "tests/check.h"
#include "tests/unit/api/head.h"
#include "tests/unit/api/house.h"

#include "http/uri.h"

static const struct api_shape metadata = { .kind = API_MAP, .item = &api_string };
static const struct api_shape inner = {
	.kind = API_STRUCTURE,
	.members = (const struct api_member[]){ { .name = "At", .shape = &api_timestamp },
						API_END },
};
static const struct api_shape function = {
	.kind = API_STRUCTURE,
	.members =
		(const struct api_member[]){
			{ .name = "Name", .shape = &api_string, .location = "uri" },
			{ .name = "Max", .shape = &api_integer, .location = "query:max" },
			{ .name = "Keys", .shape = &house_names, .location = "query:key" },
			{ .name = "Kind", .shape = &api_string, .location = "header:X-Kind" },
			{ .name = "Since", .shape = &api_timestamp, .location = "header:Since" },
			{ .name = "Parts", .shape = &house_names, .location = "header:Parts" },
			{ .name = "Meta", .shape = &metadata, .location = "headers:x-meta-" },
			{ .name = "Role", .shape = &api_string },
			{ .name = "Inner", .shape = &inner },
			API_END },
};
/* The answer shows what it was asked in its body. */
static const struct api_shape seen = {
	.kind = API_STRUCTURE,
	.members =
		(const struct api_member[]){
			{ .name = "Name", .shape = &api_string },
			{ .name = "Max", .shape = &api_integer },
			{ .name = "Keys", .shape = &house_names },
			{ .name = "Kind", .shape = &api_string, .location = "header:X-Kind" },
			{ .name = "Since", .shape = &api_timestamp, .location = "header:Since" },
			{ .name = "Parts", .shape = &house_names, .location = "header:Parts" },
			{ .name = "Meta", .shape = &metadata, .location = "headers:x-meta-" },
			{ .name = "Role", .shape = &api_string },
			{ .name = "Inner", .shape = &inner },
			API_END },
};
static const struct api_shape blob = {
	.kind = API_STRUCTURE,
	.members =
		(const struct api_member[]){
			{ .name = "Name", .shape = &api_string, .location = "uri" },
			{ .name = "Body", .shape = &api_blob, .location = "payload" },
			{ .name = "Code", .shape = &api_integer, .location = "status" },
			{ .name = "Kind", .shape = &api_string, .location = "header:X-Kind" },
			API_END },
};
static const struct api_shape structure = {
	.kind = API_STRUCTURE,
	.members =
		(const struct api_member[]){
			{ .name = "Name", .shape = &api_string, .location = "uri" },
			{ .name = "Inner", .shape = &inner, .location = "payload" },
			API_END },
};

static err_t echo(struct api_call *call)
{
	json_object_update(call->output, call->input);
	return ERR_OK;
}

static err_t teapot(struct api_call *call)
{
	json_object_update(call->output, call->input);
	json_object_set_new(call->output, "Code", json_integer(418));
	return ERR_OK;
}

static err_t missing(struct api_call *call)
{
	return api_fault(call, "ResourceNotFoundException", "no \"%s\"", "f");
}

#define ROW(op, in, out, fn, ...)                                                   \
	{                                                                           \
		.name = op, .permission = "lambda:" op, .input = in, .output = out, \
		.rest = { .method = __VA_ARGS__ }, .handle = fn                     \
	}

static const struct api_operation operations[] = {
	ROW("Get", &function, &function, echo, "GET", .uri = "/v1/functions/{Name}"),
	ROW("Put", &function, &seen, echo, "PUT", .uri = "/v1/functions/{Name}", .status = 201),
	ROW("Code", &function, &function, echo, "GET", .uri = "/v1/functions/{Name}/code"),
	ROW("List", &function, &function, echo, "GET", .uri = "/v1/functions/"),
	ROW("Tags", &function, &function, echo, "GET", .uri = "/v1/functions/{Name}?tags"),
	ROW("Two", &function, &function, echo, "GET", .uri = "/v1/functions/{Name}?tags&type=2"),
	ROW("Copy", &function, &function, echo, "PUT", .uri = "/v1/functions/{Name}",
	    .field = "X-From"),
	ROW("Deep", &function, &function, echo, "GET", .uri = "/v1/deep/{Name+}"),
	ROW("Invoke", &blob, &blob, teapot, "POST", .uri = "/v1/functions/{Name}/invoke"),
	ROW("Inner", &structure, &structure, echo, "POST", .uri = "/v1/inner/{Name}"),
	ROW("Gone", &function, &api_shape_none, echo, "DELETE", .uri = "/v1/functions/{Name}",
	    .status = 204),
	ROW("Missing", &function, &function, missing, "GET", .uri = "/v1/missing"),
	{ .name = "Hidden", .input = &function, .output = &function, .handle = echo },
};
static const struct api_fault_status statuses[] = { { "ResourceNotFoundException", 404 },
						    { NULL, 0 } };
static const struct api_service lambda = {
	.name = "lambda",
	.protocol = API_REST_JSON,
	.version = "2015-03-31",
	.fault_statuses = statuses,
	.operations = operations,
	.operation_count = COUNT(operations),
};

/* ---- Templates ---- */

static const struct {
	const char *line, *operation, *label; /* NULL: nothing fits */
} routes[] = {
	{ "GET /v1/functions/f HTTP/1.1\n", "Get", "f" },
	{ "GET /v1/functions/f/ HTTP/1.1\n", "Get", "f" },
	{ "PUT /v1/functions/f HTTP/1.1\n", "Put", "f" },
	{ "PUT /v1/functions/f HTTP/1.1\nX-From: g\n", "Copy", "f" },
	{ "GET /v1/functions/f/code HTTP/1.1\n", "Code", "f" },
	{ "GET /v1/functions/ HTTP/1.1\n", "List", "" },
	{ "GET /v1/functions HTTP/1.1\n", "List", "" },
	{ "GET /v1/functions/f?tags HTTP/1.1\n", "Tags", "f" },
	{ "GET /v1/functions/f?tags= HTTP/1.1\n", "Tags", "f" },
	{ "GET /v1/functions/f?type=2&tags HTTP/1.1\n", "Two", "f" },
	{ "GET /v1/functions/f?type=3&tags HTTP/1.1\n", "Tags", "f" },
	{ "GET /v1/deep/a/b//c/ HTTP/1.1\n", "Deep", "a/b//c/" },
	{ "GET /v1/deep//a HTTP/1.1\n", "Deep", "/a" },
	{ "GET /v1/deep/ HTTP/1.1\n", NULL, NULL },
	{ "GET /v1/functions//code HTTP/1.1\n", NULL, NULL },
	{ "HEAD /v1/functions/f HTTP/1.1\n", NULL, NULL },
	{ "GET /v1/functions/f/other HTTP/1.1\n", NULL, NULL },
	{ "GET /v1 HTTP/1.1\n", NULL, NULL },
	{ "GET / HTTP/1.1\n", NULL, NULL },
	{ "GET * HTTP/1.1\n", NULL, NULL },
};

TEST(the_row_that_asks_for_most_wins)
{
	struct api *api;

	CHECK_OK(api_create(&api));
	CHECK_OK(api_register(api, &lambda));
	for (size_t i = 0; i < COUNT(routes); i++) {
		struct rest_request request;
		struct rest_match match;
		struct head head;
		struct uri uri;
		err_t err;

		head_read(&head, bytes_of(routes[i].line));
		CHECK_OK(uri_parse_target(head.head.target, &uri));
		request = (struct rest_request){ &head.head, uri.path, uri.query };
		err = rest_find(api, NULL, &request, &match);
		CHECK_EQ(err, routes[i].operation ? ERR_OK : ERR_NOT_FOUND, "%s", routes[i].line);
		if (err)
			continue;
		CHECK_STR(match.operation->name, routes[i].operation, "%s", routes[i].line);
		CHECK_EQ(match.label_count, routes[i].label[0] != '\0', "%s", routes[i].line);
		if (match.label_count)
			CHECK(bytes_eq_str(match.labels[0].value, routes[i].label), "%s",
			      routes[i].line);
	}
	api_destroy(api);
}

/* ---- Requests and answers, by the front ---- */

static const char *ask(const char *lines, const char *body)
{
	static char answer[8192];
	struct api *api = house_make();
	struct front front = { .api = api, .account = "000000000000", .region = "us-east-1" };
	struct front_request request = { .body = bytes_of(body) };
	struct front_reply reply;
	struct api_caller caller = { .account = "000000000000", .is_root = true };
	struct arena arena;
	struct head head;
	struct uri uri;
	int n;

	CHECK_OK(api_register(api, &lambda));
	arena_init(&arena, 1 << 20);
	head_read(&head, bytes_of(lines));
	CHECK_OK(uri_parse_target(head.head.target, &uri));
	request.head = &head.head;
	request.path = uri.path;
	request.query = uri.query;
	request.arena = &arena;
	front_reply_init(&reply);
	front_answer(&front, &request, &caller, &reply);
	n = snprintf(answer, sizeof answer, "%u %s", reply.status,
		     reply.content_type ? reply.content_type : "-");
	for (unsigned i = 0; i < reply.field_count; i++)
		n += snprintf(answer + n, sizeof answer - (size_t)n, " %.*s: %.*s;",
			      BYTES_ARG(reply.fields[i].name), BYTES_ARG(reply.fields[i].value));
	snprintf(answer + n, sizeof answer - (size_t)n, " %.*s",
		 BYTES_ARG(text_bytes(&reply.body)));
	text_fini(&reply.body);
	arena_fini(&arena);
	api_destroy(api);
	return answer;
}

TEST(members_are_read_from_where_they_travel)
{
	CHECK_STR(ask("PUT /v1/functions/a%2Fb%20c?max=7&key=x+y&key=z HTTP/1.1\nX-KIND: k\n"
		      "Since: Fri, 02 Oct 2026 10:00:00 GMT\nParts: a, b\nX-Meta-One: 1\n"
		      "x-meta-two: 2\n",
		      "{\"Role\":\"r\",\"Name\":\"other\",\"Inner\":{\"At\":1.5}}"),
		  "201 application/json X-Kind: k; Since: Fri, 02 Oct 2026 10:00:00 GMT; "
		  "Parts: a,b; x-meta-one: 1; x-meta-two: 2; {\"Name\":\"a/b c\",\"Max\":7,"
		  "\"Keys\":[\"x y\",\"z\"],\"Role\":\"r\",\"Inner\":{\"At\":1.5}}");
}

TEST(a_blob_is_the_body_as_it_is_and_an_answer_may_have_any_status)
{
	CHECK_STR(ask("POST /v1/functions/f/invoke HTTP/1.1\nX-Kind: k\n", "\x01 raw"),
		  "418 application/octet-stream X-Kind: k; \x01 raw");
	CHECK_STR(ask("POST /v1/functions/f/invoke HTTP/1.1\n", ""), "418 - ");
}

TEST(a_structure_may_be_the_whole_body)
{
	CHECK_STR(ask("POST /v1/inner/f HTTP/1.1\n", "{\"At\":2}"),
		  "200 application/json {\"At\":2}");
}

TEST(nothing_comes_with_a_204)
{
	CHECK_STR(ask("DELETE /v1/functions/f HTTP/1.1\n", ""), "204 - ");
}

TEST(faults_name_themselves_in_a_field)
{
	CHECK_STR(ask("GET /v1/missing HTTP/1.1\n", ""),
		  "404 application/json x-amzn-ErrorType: ResourceNotFoundException; "
		  "{\"Type\":\"User\",\"message\":\"no \\\"f\\\"\",\"Message\":\"no \\\"f\\\"\"}");
}

TEST(what_cannot_be_read_is_refused_with_its_name)
{
	static const char *const lines[] = {
		"GET /v1/functions/%zz HTTP/1.1\n",	   "GET /v1/functions/a%00b HTTP/1.1\n",
		"GET /v1/functions/%ff HTTP/1.1\n",	   "GET /v1/functions/f?key=%9 HTTP/1.1\n",
		"GET /v1/functions/f?max=many HTTP/1.1\n",
	};

	for (size_t i = 0; i < COUNT(lines); i++)
		CHECK(strstr(ask(lines[i], ""), "400 application/json x-amzn-ErrorType:") != NULL,
		      "%s", lines[i]);
	CHECK(strstr(ask("PUT /v1/functions/f HTTP/1.1\n", "[1]"), "SerializationException") !=
	      NULL);
}

TEST(the_house_calls_such_operations_by_name)
{
	struct api *api = house_make();
	json_t *input = json_pack("{s:s,s:s}", "Name", "f", "Role", "r"), *output = NULL;
	struct api_fault fault;

	CHECK_OK(api_register(api, &lambda));
	CHECK_OK(api_call(api, NULL, "lambda", "Put", input, &output, &fault));
	CHECK_STR(json_string_value(json_object_get(output, "Role")), "r");
	json_decref(output);
	CHECK_ERR(api_call(api, NULL, "lambda", "Missing", input, &output, &fault), ERR_INVALID);
	CHECK_EQ(fault.status, 404);
	json_decref(input);
	api_destroy(api);
}
