#include "lb/probe_record.h"

#include "base/when.h"

static const char *const types[] = {
	[PROBE_TYPE_HTTP] = "http", [PROBE_TYPE_HTTPS] = "https",   [PROBE_TYPE_H2] = "h2",
	[PROBE_TYPE_GRPC] = "grpc", [PROBE_TYPE_LAMBDA] = "lambda",
};

static const char *const reasons[PROBE_REASONS] = {
	[PROBE_NO_REASON] = "-",
	[PROBE_REASON_TIMED_OUT] = "TimedOut",
	[PROBE_REASON_CONNECTION_RESET] = "ConnectionReset",
	[PROBE_REASON_CODE_MISMATCH] = "ResponseCodeMismatch",
	[PROBE_REASON_TARGET_ERROR] = "TargetError",
	[PROBE_REASON_INTERNAL_ERROR] = "InternalError",
	[PROBE_REASON_GRPC_STATUS_EMPTY] = "GRPCStatusHeaderEmpty",
	[PROBE_REASON_GRPC_STATUS_UNEXPECTED] = "GRPCUnexpectedStatus",
};

void probe_line(struct text *out, const struct probe_record *record, struct bytes node_ip)
{
	char time[WHEN_ISO_BYTES + 1], target[ADDRESS_TEXT_BYTES];
	struct bytes asked = record->function_arn;

	assert(record->reason < PROBE_REASONS);
	if (record->type != PROBE_TYPE_LAMBDA)
		asked = bytes_make(target, address_format(&record->target, target));
	when_iso_us(record->time_unix_us, time);
	text_printf(out, "%s %s %llu.%06llu000 %.*s %.*s %s", types[record->type], time,
		    (unsigned long long)record->latency_us / 1000000,
		    (unsigned long long)record->latency_us % 1000000, BYTES_ARG(asked),
		    BYTES_ARG(record->group_name),
		    record->reason == PROBE_NO_REASON ? "PASS" : "FAIL");
	if (record->answered)
		text_printf(out, " %u", record->status);
	else
		text_add_str(out, " -");
	text_printf(out, " %s %.*s %.*s\n", reasons[record->reason],
		    BYTES_ARG(record->load_balancer_id), BYTES_ARG(node_ip));
}
