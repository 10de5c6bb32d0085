#include "http/message.h"

#include "http/chars.h"

const struct http_field *http_find(const struct http_head *head, struct bytes name)
{
	for (unsigned i = 0; i < head->field_count; i++)
		if (bytes_eq_nocase(head->fields[i].name, name))
			return &head->fields[i];
	return NULL;
}

struct bytes http_value(const struct http_head *head, struct bytes name)
{
	const struct http_field *field = http_find(head, name);

	return field ? field->value : BYTES_NONE;
}

bool http_has_token(const struct http_head *head, struct bytes name, struct bytes token)
{
	for (unsigned i = 0; i < head->field_count; i++) {
		struct bytes rest = head->fields[i].value, item;

		if (!bytes_eq_nocase(head->fields[i].name, name))
			continue;
		while (bytes_cut(&rest, ',', &item))
			if (bytes_eq_nocase(bytes_trim(item), token))
				return true;
	}
	return false;
}

err_t http_head_copy(const struct http_head *head, struct arena *arena, struct http_head *ret_copy)
{
	struct http_head copy = *head;
	struct http_field *fields;

	fields = arena_array(arena, head->field_count ? head->field_count : 1, sizeof *fields);
	if (!fields)
		return ERR_NOMEM;
	TRY(arena_copy(arena, head->method, &copy.method));
	TRY(arena_copy(arena, head->target, &copy.target));
	TRY(arena_copy(arena, head->authority, &copy.authority));
	TRY(arena_copy(arena, head->reason, &copy.reason));
	for (unsigned i = 0; i < head->field_count; i++) {
		TRY(arena_copy(arena, head->fields[i].name, &fields[i].name));
		TRY(arena_copy(arena, head->fields[i].value, &fields[i].value));
	}
	copy.fields = fields;
	*ret_copy = copy;
	return ERR_OK;
}

/* The IANA registry of HTTP status codes; phrases of RFC 9110 §15 and the RFCs named there. */
static const struct {
	uint16_t status;
	const char *reason;
} reasons[] = {
	{ 100, "Continue" },
	{ 101, "Switching Protocols" },
	{ 102, "Processing" },
	{ 103, "Early Hints" },
	{ 200, "OK" },
	{ 201, "Created" },
	{ 202, "Accepted" },
	{ 203, "Non-Authoritative Information" },
	{ 204, "No Content" },
	{ 205, "Reset Content" },
	{ 206, "Partial Content" },
	{ 207, "Multi-Status" },
	{ 208, "Already Reported" },
	{ 226, "IM Used" },
	{ 300, "Multiple Choices" },
	{ 301, "Moved Permanently" },
	{ 302, "Found" },
	{ 303, "See Other" },
	{ 304, "Not Modified" },
	{ 305, "Use Proxy" },
	{ 307, "Temporary Redirect" },
	{ 308, "Permanent Redirect" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 402, "Payment Required" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 406, "Not Acceptable" },
	{ 407, "Proxy Authentication Required" },
	{ 408, "Request Timeout" },
	{ 409, "Conflict" },
	{ 410, "Gone" },
	{ 411, "Length Required" },
	{ 412, "Precondition Failed" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 415, "Unsupported Media Type" },
	{ 416, "Range Not Satisfiable" },
	{ 417, "Expectation Failed" },
	{ 421, "Misdirected Request" },
	{ 422, "Unprocessable Content" },
	{ 423, "Locked" },
	{ 424, "Failed Dependency" },
	{ 425, "Too Early" },
	{ 426, "Upgrade Required" },
	{ 428, "Precondition Required" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 451, "Unavailable For Legal Reasons" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
	{ 505, "HTTP Version Not Supported" },
	{ 506, "Variant Also Negotiates" },
	{ 507, "Insufficient Storage" },
	{ 508, "Loop Detected" },
	{ 510, "Not Extended" },
	{ 511, "Network Authentication Required" },
};

const char *http_reason(uint16_t status)
{
	for (size_t i = 0; i < COUNT(reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "";
}

bool http_is_token(struct bytes b)
{
	for (size_t i = 0; i < b.len; i++)
		if (!char_is_token(b.at[i]))
			return false;
	return b.len > 0;
}

bool http_method_is_idempotent(struct bytes method)
{
	static const char *const idempotent[] = {
		"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"
	};

	for (size_t i = 0; i < COUNT(idempotent); i++)
		if (bytes_eq_str(method, idempotent[i]))
			return true;
	return false;
}
