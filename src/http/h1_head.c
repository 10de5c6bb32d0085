/*
 * A head in one pass. What is strictly well formed takes the short way through each function;
 * what is odd but forwarded (reference/alb.md §10) takes the long one and is classified; the
 * rest fails. Responses know no odd: they are well formed or fail.
 */
#include "http/h1_internal.h"

#include <stdlib.h>

#include "http/chars.h"
#include "http/desync_internal.h"

struct reader {
	struct h1_head_memory *memory;
	struct h1_head_options options;
	const char *at, *end;
	struct h1_framing framing;
	bool simple;	  /* HTTP/0.9: the request line was all */
	bool dropped;	  /* the line before this one */
	bool folded_type; /* a Content-Type value goes over lines */
};

static struct bytes between(const char *at, const char *end)
{
	return bytes_make(at, (size_t)(end - at));
}

/*
 * Takes a line off the reader, without its LF or CRLF. NUL and CR inside fail: the first hides
 * the rest of a line from some, the second ends a line for some.
 */
static err_t take_line(struct reader *reader, struct bytes *ret_line)
{
	const char *lf = memchr(reader->at, '\n', (size_t)(reader->end - reader->at));
	struct bytes line;

	if (!lf)
		return ERR_AGAIN;
	line = between(reader->at, lf);
	if (bytes_ends(line, BYTES("\r")))
		line.len--;
	reader->at = lf + 1;
	*ret_line = line;
	if (bytes_index(line, '\r') != SIZE_MAX || bytes_index(line, '\0') != SIZE_MAX)
		return ERR_BAD_MESSAGE;
	return ERR_OK;
}

/* ---- The request line ---- */

static struct bytes last_word(struct bytes line)
{
	size_t start;

	line = bytes_trim(line);
	for (start = line.len; start && line.at[start - 1] != ' '; start--)
		;
	return bytes_from(line, start);
}

bool h1_line_has_version(struct bytes line)
{
	struct bytes word = last_word(line);

	return word.len != line.len && bytes_starts(word, BYTES("HTTP/"));
}

static err_t parse_version(struct bytes word, enum http_version *ret_version)
{
	struct bytes number = bytes_from(word, strlen("HTTP/")), major;

	if (word.len == 8 && number.at[1] == '.' && number.at[2] >= '0' && number.at[2] <= '9') {
		if (number.at[0] == '1') {
			*ret_version = number.at[2] == '0' ? HTTP_1_0 : HTTP_1_1;
			return ERR_OK;
		}
		if (number.at[0] == '0' && number.at[2] == '9') {
			*ret_version = HTTP_0_9;
			return ERR_OK;
		}
	}
	/* "HTTP/2", "HTTP/2.0", "HTTP/10.1": well formed, only not ours. */
	for (int i = 0; bytes_cut(&number, '.', &major); i++) {
		uint64_t value;

		if (i > 1 || bytes_to_u64(major, 999, &value) || (i == 0 && value < 2))
			return ERR_BAD_MESSAGE;
	}
	return ERR_BAD_VERSION;
}

/* Spaces in the target, blanks after the version, other versions, or none at all. */
static err_t parse_odd_request_line(struct reader *reader)
{
	struct http_head *head = &reader->memory->head;
	struct bytes line, rest, word;
	size_t space;

	TRY(take_line(reader, &line));
	reader->framing.odd = true;
	space = bytes_index(line, ' ');
	if (space == SIZE_MAX)
		return ERR_BAD_MESSAGE;
	head->method = bytes_upto(line, space);
	rest = bytes_trim(bytes_from(line, space + 1));
	head->target = rest;
	if (!http_is_token(head->method))
		return ERR_BAD_MESSAGE;
	if (!h1_line_has_version(line)) {
		head->version = HTTP_0_9;
		reader->simple = true;
		return bytes_eq_str(head->method, "GET") && rest.len &&
				       bytes_index(rest, ' ') == SIZE_MAX
			       ? ERR_OK
			       : ERR_BAD_MESSAGE;
	}
	word = last_word(line);
	head->target = bytes_trim(bytes_upto(rest, rest.len - word.len));
	TRY(parse_version(word, &head->version));
	return head->target.len ? ERR_OK : ERR_BAD_MESSAGE;
}

/* "METHOD SP target SP HTTP/1.x CRLF". */
static err_t parse_request_line(struct reader *reader)
{
	struct http_head *head = &reader->memory->head;
	const char *at = reader->at, *method_end, *target_end;

	method_end = scan_token_plain(at, reader->end);
	if (method_end == reader->end || *method_end != ' ' || method_end == at)
		return parse_odd_request_line(reader);
	target_end = scan_target(method_end + 1, reader->end);
	if (target_end == method_end + 1 || reader->end - target_end < 11)
		return parse_odd_request_line(reader);
	if (memcmp(target_end, " HTTP/1.", 8) != 0 || target_end[9] != '\r' ||
	    target_end[10] != '\n' || (target_end[8] != '1' && target_end[8] != '0'))
		return parse_odd_request_line(reader);
	head->method = between(at, method_end);
	head->target = between(method_end + 1, target_end);
	head->version = target_end[8] == '1' ? HTTP_1_1 : HTTP_1_0;
	reader->at = target_end + 11;
	return ERR_OK;
}

/* ---- The status line ---- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static uint16_t status_of(const char *digits)
{
	return (uint16_t)((digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0'));
}

static bool is_status(const char *digits)
{
	return is_digit(digits[0]) && is_digit(digits[1]) && is_digit(digits[2]) &&
	       digits[0] != '0';
}

/* A status line without reason, or one that fails. */
static err_t parse_odd_status_line(struct reader *reader)
{
	struct http_head *head = &reader->memory->head;
	const char *start = reader->at;
	struct bytes line;

	TRY(take_line(reader, &line));
	if (line.len < 8 || memcmp(line.at, "HTTP/", 5) != 0)
		return ERR_BAD_MESSAGE;
	TRY(parse_version(bytes_upto(line, bytes_index(line, ' ')), &head->version));
	if (line.len != 12 || line.at[8] != ' ' || !is_status(line.at + 9) ||
	    head->version < HTTP_1_0 || start[line.len] != '\r')
		return ERR_BAD_MESSAGE;
	head->status = status_of(line.at + 9);
	return ERR_OK;
}

/* "HTTP/1.x SP 3DIGIT SP reason CRLF" (RFC 9112 §4). */
static err_t parse_status_line(struct reader *reader)
{
	struct http_head *head = &reader->memory->head;
	const char *at = reader->at, *end = reader->end, *reason_end;

	if (end - at < 15 || memcmp(at, "HTTP/1.", 7) != 0 || !is_digit(at[7]) || at[8] != ' ' ||
	    !is_status(at + 9) || at[12] != ' ')
		return parse_odd_status_line(reader);
	reason_end = scan_value(at + 13, end);
	if (end - reason_end < 2)
		return ERR_AGAIN;
	if (reason_end[0] != '\r' || reason_end[1] != '\n')
		return ERR_BAD_MESSAGE;
	head->version = at[7] == '0' ? HTTP_1_0 : HTTP_1_1;
	head->status = status_of(at + 9);
	head->reason = between(at + 13, reason_end);
	reader->at = reason_end + 2;
	return ERR_OK;
}

/* ---- Fields ---- */

static err_t add_field(struct reader *reader, struct bytes name, struct bytes value)
{
	struct h1_head_memory *memory = reader->memory;
	unsigned count = memory->head.field_count;
	struct http_field *many;

	if (count == HTTP_FIELDS_MAX)
		return ERR_FIELDS_TOO_LARGE;
	if (count == H1_FIELDS_FEW && memory->fields == memory->few) {
		many = malloc(HTTP_FIELDS_MAX * sizeof *many);
		if (!many)
			return ERR_NOMEM;
		memcpy(many, memory->few, sizeof memory->few);
		memory->fields = many;
	}
	memory->fields[count] = (struct http_field){ name, value };
	memory->head.field_count = count + 1;
	reader->dropped = false;
	h1_framing_note(&reader->framing, &memory->fields[count], reader->options.response);
	return ERR_OK;
}

/* A name that a careless peer takes for a framing field, and a careful one does not. */
static bool is_suspicious(struct bytes name)
{
	return desync_similarity(DESYNC_TE, name) == DESYNC_SAME_LETTERS ||
	       desync_similarity(DESYNC_CL, name) == DESYNC_SAME_LETTERS;
}

/* Only a name this long that begins like one can be: spares most fields the look. */
static bool may_be_suspicious(struct bytes name)
{
	char first = ascii_lower(name.at[0]);

	if (name.len < DESYNC_CL.len || (first != 'c' && first != 't' && char_is_alnum(first)))
		return false;
	return !bytes_eq_nocase(name, DESYNC_CL) && !bytes_eq_nocase(name, DESYNC_TE);
}

/*
 * The value goes on in this line; RFC 9112 §5.2 allows that with blanks in place of the break,
 * which h1_head_parse puts there at the end.
 */
static bool extend_content_type(struct reader *reader, struct bytes line)
{
	struct h1_head_memory *memory = reader->memory;
	struct http_field *last;

	if (!memory->head.field_count || reader->dropped)
		return false;
	last = &memory->fields[memory->head.field_count - 1];
	if (!last->value.at || !bytes_eq_nocase(last->name, BYTES("content-type")))
		return false;
	line = bytes_trim(line);
	last->value.len = (size_t)(line.at + line.len - last->value.at);
	reader->folded_type = true;
	return true;
}

/*
 * A line that is not "token: value CRLF". A folded one gets a ':' and counts as a field of its own
 * (reference/alb.md §5.1); what reads like a framing field is dropped, so that the next
 * reader cannot take it for one; so is a field without a name. Blanks around a name go (RFC 9112
 * §5.1): "X-Forwarded-For :" must be to us what it may be to a target.
 */
static err_t parse_odd_field(struct reader *reader)
{
	struct bytes line, name, value = BYTES_NONE;
	size_t colon;
	bool folded, suspicious;

	TRY(take_line(reader, &line));
	reader->framing.odd = true;
	folded = line.len && (line.at[0] == ' ' || line.at[0] == '\t');
	if (folded && extend_content_type(reader, line))
		return ERR_OK;
	reader->framing.doubt = reader->framing.doubt || folded;
	colon = bytes_index(line, ':');
	name = bytes_upto(line, colon);
	if (colon != SIZE_MAX)
		value = bytes_trim(bytes_from(line, colon + 1));
	suspicious = is_suspicious(name);
	name = bytes_trim(name);
	reader->dropped = suspicious || !name.len;
	reader->framing.doubt = reader->framing.doubt || suspicious;
	if (reader->dropped)
		return ERR_OK;
	return add_field(reader, name, value);
}

static struct bytes trimmed(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	while (at < end && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	return between(at, end);
}

static err_t parse_field(struct reader *reader)
{
	const char *at = reader->at, *colon, *value_end;
	struct bytes name;

	colon = scan_token(at, reader->end);
	if (colon == reader->end)
		return ERR_AGAIN;
	value_end = *colon == ':' && colon > at ? scan_value(colon + 1, reader->end) : NULL;
	if (value_end && reader->end - value_end < 2)
		return ERR_AGAIN;
	if (!value_end || value_end[0] != '\r' || value_end[1] != '\n')
		return reader->options.response ? ERR_BAD_MESSAGE : parse_odd_field(reader);
	name = between(at, colon);
	if (!reader->options.response && may_be_suspicious(name) && is_suspicious(name))
		return parse_odd_field(reader);
	reader->at = value_end + 2;
	return add_field(reader, name, trimmed(colon + 1, value_end));
}

/* The empty line; a lone CR at the start of a line is none. */
static err_t parse_end(struct reader *reader, bool *ret_end)
{
	const char *at = reader->at;

	if (at == reader->end || (*at == '\r' && reader->end - at < 2))
		return ERR_AGAIN;
	*ret_end = *at == '\n' || (*at == '\r' && at[1] == '\n');
	if (*at == '\r' && !*ret_end)
		return ERR_BAD_MESSAGE;
	if (!*ret_end)
		return ERR_OK;
	if (*at == '\n' && reader->options.response)
		return ERR_BAD_MESSAGE;
	reader->framing.odd = reader->framing.odd || *at == '\n';
	reader->at = at + (*at == '\n' ? 1 : 2);
	return ERR_OK;
}

static err_t parse_fields(struct reader *reader, bool own)
{
	for (;;) {
		const char *start = reader->at;
		bool end = false;

		TRY(parse_end(reader, &end));
		if (end)
			return ERR_OK;
		TRY(parse_field(reader));
		if (!own && reader->at - start > H1_FIELD_LINE_MAX)
			return ERR_AGAIN;
	}
}

/* ---- The whole ---- */

/* "http://h:1/a" has one, and so has CONNECT; else it is Host that says it. */
static struct bytes authority_of(const struct http_head *head, struct bytes host)
{
	struct bytes rest;
	size_t scheme;

	if (head->target.len && head->target.at[0] == '/')
		return host;
	if (bytes_eq_str(head->method, "CONNECT"))
		return head->target;
	scheme = bytes_find(head->target, BYTES("://"));
	if (scheme == SIZE_MAX)
		return host;
	rest = bytes_from(head->target, scheme + 3);
	for (size_t i = 0; i < rest.len; i++)
		if (rest.at[i] == '/' || rest.at[i] == '?' || rest.at[i] == '#')
			return bytes_upto(rest, i);
	return rest;
}

/* A compliant request with framing fields that desync_classify has nothing to say about. */
static bool is_plainly_framed(const struct h1_framing *framing, const struct http_head *head)
{
	bool bodiless = bytes_eq_str(head->method, "GET") || bytes_eq_str(head->method, "HEAD");

	if (!framing->lengths && !framing->codings)
		return true;
	return !bodiless && framing->lengths + framing->codings == 1 &&
	       (!framing->codings || head->version == HTTP_1_1);
}

static void unfold_content_types(struct h1_head_memory *memory)
{
	for (unsigned i = 0; i < memory->head.field_count; i++) {
		struct bytes value = memory->fields[i].value;
		char *at;

		if (!bytes_eq_nocase(memory->fields[i].name, BYTES("content-type")) || !value.len)
			continue;
		at = memory->lines.at + (value.at - memory->lines.at); /* ours to write to */
		for (size_t j = 0; j < value.len; j++)
			if (at[j] == '\r' || at[j] == '\n')
				at[j] = ' ';
		memory->fields[i].value = bytes_trim(value);
	}
}

static err_t parse_all(struct reader *reader, bool own)
{
	const char *start = reader->at;

	TRY(reader->options.response ? parse_status_line(reader) : parse_request_line(reader));
	if (!own && reader->at - start > H1_REQUEST_LINE_MAX)
		return ERR_AGAIN;
	return reader->simple ? ERR_OK : parse_fields(reader, own);
}

void h1_head_glimpse(struct h1_head_memory *memory, bool response)
{
	struct reader reader = { .memory = memory, .options.response = response };

	reader.at = memory->lines.at;
	reader.end = reader.at + memory->lines.len;
	memory->head = (struct http_head){ .is_response = response };
	if (!memory->lines.len)
		return;
	if (response ? parse_status_line(&reader) : parse_request_line(&reader))
		memory->head = (struct http_head){ .is_response = response };
	memory->head.wire_bytes = memory->lines.len;
}

err_t h1_head_parse(struct h1_head_memory *memory, struct h1_head_options options, struct bytes in,
		    bool own)
{
	struct reader reader = { .memory = memory, .options = options };
	struct http_head *head = &memory->head;
	size_t head_max = options.response ? H1_RESPONSE_HEAD_MAX : H1_REQUEST_HEAD_MAX;
	err_t err;

	*head = (struct http_head){ .is_response = options.response, .fields = memory->fields };
	memory->finding = (struct desync_finding){ DESYNC_COMPLIANT, DESYNC_NONE };
	memory->raw = BYTES_NONE;
	reader.at = in.at;
	reader.end = in.at + in.len;
	err = parse_all(&reader, own);
	if (!own && (err || reader.folded_type || (size_t)(reader.at - in.at) > head_max)) {
		*head = (struct http_head){ .is_response = options.response };
		return ERR_AGAIN;
	}

	head->fields = memory->fields;
	memory->raw = own ? in : bytes_upto(in, (size_t)(reader.at - in.at));
	head->wire_bytes = (uint32_t)memory->raw.len;
	if (!options.response &&
	    (err || reader.framing.odd || !is_plainly_framed(&reader.framing, head)))
		memory->finding = desync_classify(memory->raw);
	if (err)
		return err;
	if (reader.folded_type)
		unfold_content_types(memory);
	if (options.response)
		return h1_framing_of_response(&reader.framing, head, options.head_request,
					      options.connect_request);
	head->authority = authority_of(head, reader.framing.host);
	return h1_framing_of_request(&reader.framing, head);
}
