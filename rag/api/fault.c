#include "rag/api/fault.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/encode.h"

static const struct {
	uint16_t status;
	const char *code;
} rows[FAULT_COUNT] = {
#define FAULT(name, status, code) [FAULT_##name] = { status, code },
#include "rag/api/fault.def"
#undef FAULT
};

void fault_set(struct fault *fault, enum fault_kind kind, const char *field, const char *format,
	       ...)
{
	va_list args;

	*fault = (struct fault){ .kind = kind };
	snprintf(fault->field, sizeof fault->field, "%s", field);
	va_start(args, format);
	vsnprintf(fault->message, sizeof fault->message, format, args);
	va_end(args);
}

uint16_t fault_status(enum fault_kind kind)
{
	assert(kind > FAULT_NONE && kind < FAULT_COUNT);
	return rows[kind].status;
}

const char *fault_code(enum fault_kind kind)
{
	assert(kind > FAULT_NONE && kind < FAULT_COUNT);
	return rows[kind].code;
}

static void member(struct text *out, const char *name, struct bytes value)
{
	text_printf(out, ",\"%s\":\"", name);
	encode_json(out, value);
	text_add_char(out, '"');
}

void fault_members(struct text *out, const struct fault *fault, struct bytes request_id)
{
	text_printf(out, "\"code\":\"%s\"", fault_code(fault->kind));
	member(out, "message", bytes_of(fault->message));
	member(out, "request_id", request_id);
	if (fault->field[0])
		member(out, "field", bytes_of(fault->field));
	if (fault->retry_after_ms)
		text_printf(out, ",\"retry_after_ms\":%u", fault->retry_after_ms);
}

void fault_body(struct text *out, const struct fault *fault, struct bytes request_id)
{
	text_add_str(out, "{\"error\":{");
	fault_members(out, fault, request_id);
	text_add_str(out, "}");
	member(out, "detail", bytes_of(fault->message));
	text_add_str(out, "}\n");
}
