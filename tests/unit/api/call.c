#include "tests/check.h"

#include "api/api.h"
#include "base/log.h"

/* A service that remembers what was done to it. */
struct trace {
	char steps[256];
	err_t begin, end; /* end: what a verdict of success becomes */
};

static void step(struct api_call *call, const char *what)
{
	struct trace *trace = call->service->state;

	strcat(strcat(trace->steps, what), " ");
}

static err_t on_begin(struct api_call *call)
{
	struct trace *trace = call->service->state;

	step(call, "begin");
	call->transaction = trace;
	return trace->begin;
}

static err_t on_end(struct api_call *call, err_t verdict)
{
	struct trace *trace = call->service->state;

	CHECK(call->transaction == trace);
	step(call, verdict ? "rollback" : "commit");
	return verdict ? verdict : trace->end;
}

static err_t echo(struct api_call *call)
{
	step(call, "echo");
	CHECK_EQ(strlen(call->request_id), 36);
	CHECK(call->caller == NULL || call->caller->is_root);
	json_object_set(call->output, "Port", json_object_get(call->input, "Port"));
	return ERR_OK;
}

static err_t refuse(struct api_call *call)
{
	step(call, "refuse");
	json_object_set_new(call->output, "Port", json_integer(1));
	return api_fault(call, "HealthUnavailable", "No health for '%s'", "tg");
}

static err_t stumble(struct api_call *call)
{
	step(call, "stumble");
	return ERR_STORE;
}

static err_t babble(struct api_call *call)
{
	char words[2048];

	for (size_t i = 0; i + 1 < sizeof words; i += 2)
		memcpy(words + i, "\xc3\xa9", 2);
	words[sizeof words - 2] = '\0';
	return api_fault(call, "Loud", "%s", words);
}

static const struct api_shape port = { .kind = API_INTEGER, .min = 1, .max = 65535 };
static const struct api_shape shape = {
	.kind = API_STRUCTURE,
	.members =
		(const struct api_member[]){ { .name = "Port", .shape = &port, .required = true },
					     API_END },
};
static const struct api_operation operations[] = {
	{ .name = "Echo", .input = &shape, .output = &shape, .handle = echo },
	{ .name = "Refuse", .input = &api_shape_none, .output = &shape, .handle = refuse },
	{ .name = "Stumble", .input = &api_shape_none, .output = &shape, .handle = stumble },
	{ .name = "Babble", .input = &api_shape_none, .output = &shape, .handle = babble },
	{ .name = "Write",
	  .effect = API_WRITES,
	  .input = &shape,
	  .output = &shape,
	  .handle = echo },
	{ .name = "Spoil",
	  .effect = API_WRITES,
	  .input = &api_shape_none,
	  .output = &shape,
	  .handle = refuse },
};
static const char *const aliases[] = { "tst", "t", NULL };
static struct trace trace;
static const struct api_service service = {
	.name = "testing",
	.aliases = aliases,
	.protocol = API_QUERY,
	.version = "2015-12-01",
	.operations = operations,
	.operation_count = COUNT(operations),
	.begin = on_begin,
	.end = on_end,
	.state = &trace,
};

static struct api_fault fault;

/* The port in the answer, or 0 with `fault` set. */
static int call_port(const char *operation, json_t *input)
{
	static const struct api_caller root = { .account = "000000000000", .is_root = true };
	struct api *api;
	json_t *output = NULL;
	int answer = 0;

	log_to(-1);
	trace.steps[0] = '\0';
	fault = (struct api_fault){ .status = 0 };
	CHECK_OK(api_create(&api));
	CHECK_OK(api_register(api, &service));
	if (api_call(api, &root, "tst", operation, input, &output, &fault) == ERR_OK) {
		answer = (int)json_integer_value(json_object_get(output, "Port"));
		json_decref(output);
	} else {
		CHECK(output == NULL);
	}
	json_decref(input);
	api_destroy(api);
	return answer;
}

TEST(a_call_checks_begins_handles_and_ends)
{
	trace = (struct trace){ .steps = "" };
	CHECK_EQ(call_port("Echo", json_pack("{s:s}", "Port", "80")), 80);
	CHECK_STR(trace.steps, "begin echo commit ");
}

TEST(a_bad_input_never_reaches_the_service)
{
	trace = (struct trace){ .steps = "" };
	CHECK_EQ(call_port("Echo", json_pack("{s:i}", "Port", 0)), 0);
	CHECK_STR(trace.steps, "");
	CHECK_STR(fault.code, "ValidationError");
	CHECK_EQ(fault.status, 400);
	CHECK_STR(fault.message,
		  "1 validation error detected: Value '0' at 'port' failed to satisfy "
		  "constraint: Member must have value greater than or equal to 1");
	CHECK_EQ(call_port("Echo", NULL), 0);
	CHECK(strstr(fault.message, "Value null at 'port'") != NULL, "%s", fault.message);
}

TEST(a_fault_takes_the_status_of_its_code)
{
	trace = (struct trace){ .steps = "" };
	CHECK_EQ(call_port("Refuse", json_object()), 0);
	CHECK_STR(trace.steps, "begin refuse rollback ");
	CHECK_STR(fault.code, "HealthUnavailable");
	CHECK_STR(fault.message, "No health for 'tg'");
	CHECK_EQ(fault.status, 500);
}

TEST(a_failure_without_words_is_an_internal_one)
{
	trace = (struct trace){ .steps = "" };
	CHECK_EQ(call_port("Stumble", json_object()), 0);
	CHECK_STR(trace.steps, "begin stumble rollback ");
	CHECK_STR(fault.code, "InternalFailure");
	CHECK_EQ(fault.status, 500);
}

TEST(the_end_may_turn_success_into_failure)
{
	trace = (struct trace){ .end = ERR_STORE };
	CHECK_EQ(call_port("Echo", json_pack("{s:i}", "Port", 80)), 0);
	CHECK_STR(trace.steps, "begin echo commit ");
	CHECK_STR(fault.code, "InternalFailure");
}

TEST(what_did_not_begin_is_not_ended)
{
	trace = (struct trace){ .begin = ERR_STORE };
	CHECK_EQ(call_port("Echo", json_pack("{s:i}", "Port", 80)), 0);
	CHECK_STR(trace.steps, "begin ");
	CHECK_STR(fault.code, "InternalFailure");
}

TEST(a_fault_too_long_ends_between_characters)
{
	trace = (struct trace){ .steps = "" };
	CHECK_EQ(call_port("Babble", json_object()), 0);
	CHECK_EQ(strlen(fault.message), sizeof fault.message - 2, "1023 would be half a character");
	CHECK_EQ(fault.status, 400);
}

TEST(unknown_names_are_told)
{
	struct api *api;
	json_t *output = NULL;

	trace = (struct trace){ .steps = "" };
	CHECK_EQ(call_port("CreateMoon", json_object()), 0);
	CHECK_STR(fault.code, "InvalidAction");
	CHECK_EQ(fault.status, 400);
	CHECK_STR(fault.message, "Could not find operation CreateMoon for version 2015-12-01");

	CHECK_OK(api_create(&api));
	CHECK_OK(api_register(api, &service));
	CHECK_ERR(api_call(api, NULL, "moon", "Echo", NULL, &output, &fault), ERR_NOT_FOUND);
	CHECK_STR(fault.code, "UnknownService");
	CHECK_STR(fault.message, "Weir does not offer the service 'moon'; it offers: testing");
	api_destroy(api);
}

TEST(a_service_answers_to_its_name_and_aliases_once)
{
	struct api *api;

	CHECK_OK(api_create(&api));
	CHECK(api_service_at(api, 0) == NULL);
	CHECK_OK(api_register(api, &service));
	CHECK_ERR(api_register(api, &service), ERR_EXISTS);
	CHECK(api_service(api, BYTES("testing")) == &service);
	CHECK(api_service(api, BYTES("t")) == &service);
	CHECK(api_service(api, BYTES("Testing")) == NULL);
	CHECK(api_service_at(api, 0) == &service);
	CHECK(api_service_at(api, 1) == NULL);
	CHECK(api_operation(&service, BYTES("Refuse")) == &operations[1]);
	CHECK(api_operation(&service, BYTES("refuse")) == NULL);
	api_destroy(api);
	api_destroy(NULL);
}

static void on_answered(struct api_note *note, json_t *output)
{
	(void)note;
	strcat(trace.steps, "noted ");
	CHECK_EQ(json_integer_value(json_object_get(output, "Port")), 80);
}

static const char *noted(const char *operation, json_t *input)
{
	static const struct api_caller root = { .account = "000000000000", .is_root = true };
	struct api_note note = { .answered = on_answered };
	json_t *output = NULL;
	struct api *api;

	log_to(-1);
	trace.steps[0] = '\0';
	CHECK_OK(api_create(&api));
	CHECK_OK(api_register(api, &service));
	api_call_noted(api, &root, "tst", operation, input, &note, &output, &fault);
	json_decref(output);
	json_decref(input);
	api_destroy(api);
	return trace.steps;
}

TEST(what_a_writing_call_came_to_can_be_noted_before_it_is_committed)
{
	CHECK_STR(noted("Write", json_pack("{s:i}", "Port", 80)), "begin echo noted commit ");
	CHECK_STR(noted("Spoil", json_object()), "begin refuse rollback ");
	CHECK_STR(noted("Echo", json_pack("{s:i}", "Port", 80)), "begin echo commit ", "it reads");
}
