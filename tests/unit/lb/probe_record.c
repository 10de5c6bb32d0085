/* probe_record: lines of the health check log. */
#include "lb/probe_record.h"

#include "tests/check.h"

static struct probe_record record_of(enum probe_reason reason, bool answered, uint16_t status)
{
	struct probe_record record = {
		.type = PROBE_TYPE_HTTP,
		.time_unix_us = 1761914699875678,
		.latency_us = 19584,
		.group_name = BYTES("TGName"),
		.load_balancer_id = BYTES("app/my-lb/50dc6c495c0c9188"),
		.reason = reason,
		.answered = answered,
		.status = status,
	};

	CHECK_OK(address_parse_ip(BYTES("172.31.20.97"), 80, &record.target));
	return record;
}

static const struct {
	enum probe_reason reason;
	bool answered;
	uint16_t status;
	const char *words;
} outcomes[] = {
	{ PROBE_NO_REASON, true, 200, "PASS 200 -" },
	{ PROBE_REASON_TIMED_OUT, false, 0, "FAIL - TimedOut" },
	{ PROBE_REASON_CONNECTION_RESET, false, 0, "FAIL - ConnectionReset" },
	{ PROBE_REASON_CODE_MISMATCH, true, 404, "FAIL 404 ResponseCodeMismatch" },
	{ PROBE_REASON_TARGET_ERROR, true, 503, "FAIL 503 TargetError" },
	{ PROBE_REASON_INTERNAL_ERROR, false, 0, "FAIL - InternalError" },
	{ PROBE_REASON_GRPC_STATUS_EMPTY, false, 0, "FAIL - GRPCStatusHeaderEmpty" },
	{ PROBE_REASON_GRPC_STATUS_UNEXPECTED, true, 14, "FAIL 14 GRPCUnexpectedStatus" },
};

/* The example of ALB's documentation, with the fields that came later. */
TEST(each_outcome_is_a_line_as_alb_writes_it)
{
	for (size_t i = 0; i < COUNT(outcomes); i++) {
		struct probe_record record = record_of(outcomes[i].reason, outcomes[i].answered,
						       outcomes[i].status);
		struct text out = TEXT_INIT(4096), want = TEXT_INIT(4096);

		text_printf(&want,
			    "http 2025-10-31T12:44:59.875678Z 0.019584000 172.31.20.97:80 TGName "
			    "%s app/my-lb/50dc6c495c0c9188 127.0.0.1\n",
			    outcomes[i].words);
		probe_line(&out, &record, BYTES("127.0.0.1"));
		CHECK_STR(text_str(&out), text_str(&want));
		text_fini(&out);
		text_fini(&want);
	}
}

TEST(the_type_is_the_protocol_of_the_check)
{
	static const char *const words[] = { "http ", "https ", "h2 ", "grpc " };

	for (size_t i = 0; i < COUNT(words); i++) {
		struct probe_record record = record_of(PROBE_NO_REASON, true, 200);
		struct text out = TEXT_INIT(4096);

		record.type = (enum probe_type)i;
		record.latency_us = 4000001;
		probe_line(&out, &record, BYTES("127.0.0.1"));
		CHECK(bytes_starts(text_bytes(&out), bytes_of(words[i])), "%s", text_str(&out));
		CHECK(strstr(text_str(&out), " 4.000001000 "), "%s", text_str(&out));
		text_fini(&out);
	}
}
