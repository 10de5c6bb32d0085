#include "lb/access.h"

#include "base/encode.h"
#include "base/when.h"

enum { USER_AGENT_MAX = 8 * 1024 }; /* reference/alb.md §7.1, field 14 */

/* Records are written for every request, so a text grows in few steps: gathered here first. */
struct writer {
	struct text *text;
	size_t len;
	char at[2048];
};

static void flush(struct writer *out)
{
	text_add(out->text, bytes_make(out->at, out->len));
	out->len = 0;
}

static inline void put(struct writer *out, struct bytes value)
{
	if (value.len > sizeof out->at - out->len) {
		flush(out);
		if (value.len > sizeof out->at) {
			text_add(out->text, value);
			return;
		}
	}
	if (value.len)
		memcpy(out->at + out->len, value.at, value.len);
	out->len += value.len;
}

static inline void put_char(struct writer *out, char c)
{
	put(out, bytes_make(&c, 1));
}

static inline void put_str(struct writer *out, const char *string)
{
	put(out, bytes_of(string));
}

static void put_u64(struct writer *out, uint64_t value)
{
	char digits[20];
	size_t start = sizeof digits;

	do {
		digits[--start] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	put(out, bytes_make(digits + start, sizeof digits - start));
}

static const struct {
	const char *name, *scheme;
} type_rows[] = {
	[ACCESS_HTTP] = { "http", "http" }, [ACCESS_HTTPS] = { "https", "https" },
	[ACCESS_H2] = { "h2", "https" },    [ACCESS_GRPCS] = { "grpcs", "https" },
	[ACCESS_WS] = { "ws", "http" },	    [ACCESS_WSS] = { "wss", "https" },
};

static const char *version_name(enum http_version version)
{
	switch (version) {
	case HTTP_0_9: return "HTTP/0.9";
	case HTTP_1_0: return "HTTP/1.0";
	case HTTP_1_1: return "HTTP/1.1";
	case HTTP_2: return "HTTP/2.0";
	}
	return "-"; /* a head that was not understood */
}

/* ---- What both forms say ---- */

/* A client that sent "http://h/a" is logged like one that sent "/a". */
static struct bytes path_and_query(struct bytes uri)
{
	size_t scheme = bytes_find(uri, BYTES("://"));
	struct bytes rest;
	size_t slash;

	if (uri.len == 0 || uri.at[0] == '/' || scheme == SIZE_MAX)
		return uri;
	rest = bytes_from(uri, scheme + 3);
	slash = bytes_index(rest, '/');
	return slash == SIZE_MAX ? BYTES("/") : bytes_from(rest, slash);
}

static struct bytes host_of(const struct access_record *record)
{
	struct bytes host = host_without_port(record->host);

	return host.len ? host : record->dns_name;
}

/* ---- The line ---- */

static void put_escape(struct writer *out, unsigned char c)
{
	static const char digits[] = "0123456789ABCDEF";
	char escape[4] = { '\\', 'x', digits[c >> 4], digits[c & 15] };

	put(out, bytes_make(escape, sizeof escape));
}

/*
 * Inside quotes: what would end them, or a line, or is not ASCII. A backslash too, so that \"
 * always means a quote.
 */
static void add_escaped(struct writer *out, struct bytes value)
{
	size_t plain = 0; /* begin of the run not yet written */

	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.at[i];

		if (c >= ' ' && c < 0x7f && c != '"' && c != '\\')
			continue;
		put(out, bytes_make(value.at + plain, i - plain));
		if (c == '"')
			put(out, BYTES("\\\""));
		else
			put_escape(out, c);
		plain = i + 1;
	}
	put(out, bytes_from(value, plain));
}

static void add_quoted(struct writer *out, struct bytes value)
{
	put(out, BYTES(" \""));
	if (value.len)
		add_escaped(out, value);
	else
		put_char(out, '-');
	put_char(out, '"');
}

static void add_word(struct writer *out, struct bytes value)
{
	put_char(out, ' ');
	put(out, value.len ? value : BYTES("-"));
}

static void add_name(struct writer *out, const char *name)
{
	add_quoted(out, bytes_of(name));
}

/* "10.0.0.1:80"; "-" when there is none. */
static struct bytes address_text(const struct address *address, char out[ADDRESS_TEXT_BYTES])
{
	if (address->family == 0)
		return BYTES("-");
	return bytes_make(out, address_format(address, out));
}

/* "12.345" after `before`. Lines are written for every request, so no printf on the way. */
static void add_thousandths(struct writer *out, char before, uint64_t value)
{
	char rest[4] = { '.', (char)('0' + value / 100 % 10), (char)('0' + value / 10 % 10),
			 (char)('0' + value % 10) };

	put_char(out, before);
	put_u64(out, value / 1000);
	put(out, bytes_make(rest, sizeof rest));
}

static void add_number(struct writer *out, char before, uint64_t value)
{
	put_char(out, before);
	put_u64(out, value);
}

static void add_seconds(struct writer *out, int64_t us)
{
	uint64_t ms = us < 0 ? 0 : ((uint64_t)us + 500) / 1000;

	if (us < 0)
		put(out, BYTES(" -1"));
	else
		add_thousandths(out, ' ', ms);
}

static struct bytes status_text(uint16_t status, char out[8])
{
	size_t len = 0;

	if (status == 0)
		return BYTES("-");
	for (unsigned unit = 10000; unit > 0; unit /= 10)
		if (status >= unit)
			out[len++] = (char)('0' + status / unit % 10);
	return bytes_make(out, len);
}

static void add_time(struct writer *out, uint64_t unix_us)
{
	char when[WHEN_ISO_BYTES + 1];

	when_iso_us(unix_us, when);
	put_char(out, ' ');
	put_str(out, when);
}

static void add_request(struct writer *out, const struct access_record *record)
{
	const char *scheme = type_rows[record->type].scheme;

	put(out, BYTES(" \""));
	if (record->method.len)
		add_escaped(out, record->method);
	else
		put_char(out, '-');
	put_char(out, ' ');
	put_str(out, scheme);
	put(out, BYTES("://"));
	add_escaped(out, host_of(record));
	add_number(out, ':', record->listener_port);
	if (record->method.len) {
		add_escaped(out, path_and_query(record->uri));
		put_char(out, ' ');
		put_str(out, version_name(record->version));
		put_char(out, '"');
	} else {
		put(out, BYTES("- -\""));
	}
}

static void add_priority(struct writer *out, int32_t priority)
{
	if (priority == ACCESS_NO_PRIORITY)
		put(out, BYTES(" -"));
	else if (priority == ACCESS_FAILED_PRIORITY)
		put(out, BYTES(" -1"));
	else
		add_number(out, ' ', (uint64_t)priority);
}

static void line(struct writer *out, const struct access_record *record)
{
	char client_room[ADDRESS_TEXT_BYTES], target_room[ADDRESS_TEXT_BYTES];
	char elb_room[8], target_status_room[8];
	struct bytes target = address_text(&record->target, target_room);
	struct bytes target_status = status_text(record->target_status, target_status_room);

	assert(record->phase == ACCESS_END);
	put_str(out, type_rows[record->type].name);
	add_time(out, record->time_unix_us);
	add_word(out, record->load_balancer_id);
	add_word(out, address_text(&record->client, client_room));
	add_word(out, target);
	add_seconds(out, record->request_us);
	add_seconds(out, record->target_us);
	add_seconds(out, record->response_us);
	add_word(out, status_text(record->elb_status, elb_room));
	add_word(out, target_status);
	add_number(out, ' ', record->received_bytes);
	add_number(out, ' ', record->sent_bytes);
	add_request(out, record);
	add_quoted(out, bytes_upto(record->user_agent, USER_AGENT_MAX));
	add_word(out, record->ssl_cipher);
	add_word(out, record->ssl_protocol);
	add_word(out, record->target_group_arn);
	add_quoted(out, record->trace_id);
	add_quoted(out, record->sni);
	add_quoted(out, record->certificate_arn);
	add_priority(out, record->rule_priority);
	add_time(out, record->created_unix_us);
	add_quoted(out, record->actions);
	add_quoted(out, record->redirect_url);
	add_quoted(out, record->error_reason);
	add_quoted(out, target);
	add_quoted(out, target_status);
	add_name(out, desync_tier_name(record->finding.tier));
	add_name(out, desync_reason_name(record->finding.reason));
	add_word(out, bytes_of(record->conn_trace_id));
	add_quoted(out, record->transformed_host);
	add_quoted(out, record->transformed_uri);
	add_name(out, transform_status_name(record->transform));
	put_char(out, '\n');
}

void access_line(struct text *out, const struct access_record *record)
{
	struct writer writer;

	writer.text = out;
	writer.len = 0;
	line(&writer, record);
	flush(&writer);
}

/* ---- The JSON twin ---- */

static void json_key(struct writer *out, const char *key)
{
	put(out, BYTES(",\""));
	put_str(out, key);
	put(out, BYTES("\":"));
}

/* Nothing in it needs an escape. */
static bool is_plain(struct bytes value)
{
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.at[i];

		if (c < ' ' || c >= 0x7f || c == '"' || c == '\\')
			return false;
	}
	return true;
}

static void json_string(struct writer *out, const char *key, struct bytes value)
{
	if (!value.len)
		return;
	json_key(out, key);
	put_char(out, '"');
	if (is_plain(value)) {
		put(out, value);
	} else {
		flush(out);
		encode_json(out->text, value);
	}
	put_char(out, '"');
}

static void json_number(struct writer *out, const char *key, uint64_t value)
{
	json_key(out, key);
	put_u64(out, value);
}

/* Milliseconds with their thousandths; left out when it did not happen. */
static void json_ms(struct writer *out, const char *key, int64_t us)
{
	if (us < 0)
		return;
	put(out, BYTES(",\""));
	put_str(out, key);
	put_char(out, '"');
	add_thousandths(out, ':', (uint64_t)us);
}

static void json_time(struct writer *out, const char *key, uint64_t unix_us)
{
	char when[WHEN_ISO_BYTES + 1];

	when_iso_us(unix_us, when);
	json_string(out, key, bytes_of(when));
}

static void json_address(struct writer *out, const char *key, const struct address *address)
{
	char room[ADDRESS_TEXT_BYTES];

	if (address->family)
		json_string(out, key, address_text(address, room));
}

static void json_request(struct writer *out, const struct access_record *record)
{
	json_string(out, "type", bytes_of(type_rows[record->type].name));
	json_string(out, "load_balancer", record->load_balancer_id);
	json_number(out, "listener_port", record->listener_port);
	json_address(out, "client", &record->client);
	json_string(out, "conn_trace_id", bytes_of(record->conn_trace_id));
	json_string(out, "method", record->method);
	json_string(out, "host", record->host);
	json_string(out, "uri", record->uri);
	if (record->method.len)
		json_string(out, "protocol", bytes_of(version_name(record->version)));
	json_string(out, "user_agent", bytes_upto(record->user_agent, USER_AGENT_MAX));
	json_string(out, "ssl_cipher", record->ssl_cipher);
	json_string(out, "ssl_protocol", record->ssl_protocol);
	json_string(out, "sni", record->sni);
	json_string(out, "certificate_arn", record->certificate_arn);
	json_string(out, "classification", bytes_of(desync_tier_name(record->finding.tier)));
	json_string(out, "classification_reason",
		    bytes_of(desync_reason_name(record->finding.reason)));
}

static void json_choice(struct writer *out, const struct access_record *record)
{
	if (record->rule_priority >= 0)
		json_number(out, "rule_priority", (uint64_t)record->rule_priority);
	json_string(out, "actions", record->actions);
	json_string(out, "target_group", record->target_group_arn);
	json_address(out, "target", &record->target);
	if (record->attempt)
		json_number(out, "attempt", record->attempt);
	json_string(out, "redirect_url", record->redirect_url);
	json_string(out, "error_reason", record->error_reason);
	json_string(out, "transformed_host", record->transformed_host);
	json_string(out, "transformed_uri", record->transformed_uri);
	json_string(out, "transform_status", bytes_of(transform_status_name(record->transform)));
}

static void json_progress(struct writer *out, const struct access_record *record)
{
	uint64_t age_us = record->time_unix_us > record->created_unix_us
				  ? record->time_unix_us - record->created_unix_us
				  : 0;

	json_ms(out, "duration_ms", (int64_t)age_us);
	json_ms(out, "request_ms", record->request_us);
	json_ms(out, "target_ms", record->target_us);
	json_ms(out, "response_ms", record->response_us);
	json_ms(out, "first_byte_ms", record->first_byte_us);
	json_ms(out, "first_event_ms", record->first_event_us);
	json_ms(out, "longest_gap_ms", (int64_t)record->longest_gap_us);
	if (record->elb_status)
		json_number(out, "elb_status", record->elb_status);
	if (record->target_status)
		json_number(out, "target_status", record->target_status);
	json_number(out, "received_bytes", record->received_bytes);
	json_number(out, "sent_bytes", record->sent_bytes);
	json_key(out, "streaming");
	put_str(out, record->streaming ? "true" : "false");
	json_number(out, "events", record->events);
	json_number(out, "heartbeats", record->heartbeats);
}

static void json(struct writer *out, const struct access_record *record)
{
	static const char *const phases[] = {
		[ACCESS_START] = "start",
		[ACCESS_PROGRESS] = "progress",
		[ACCESS_END] = "end",
	};

	put(out, BYTES("{\"event\":\""));
	put_str(out, phases[record->phase]);
	put_char(out, '"');
	json_time(out, "time", record->time_unix_us);
	json_string(out, "trace_id", record->trace_id);
	json_time(out, "created", record->created_unix_us);
	json_request(out, record);
	json_choice(out, record);
	if (record->phase != ACCESS_START)
		json_progress(out, record);
	if (record->phase == ACCESS_END)
		json_string(out, "end_reason", bytes_of(end_reason_row(record->end_reason)->name));
	put(out, BYTES("}\n"));
}

void access_json(struct text *out, const struct access_record *record)
{
	struct writer writer;

	writer.text = out;
	writer.len = 0;
	json(&writer, record);
	flush(&writer);
}
