/*
 * The steps of reference/alb.md §10.3, one function each. The verdict only rises: a later finding
 * replaces an earlier one when its tier is higher.
 */
#include "http/desync.h"

#include "http/chars.h"
#include "http/desync_internal.h"

static const struct {
	const char *name;
	enum desync_tier tier;
} reasons[DESYNC_REASON_COUNT] = {
#define DESYNC(name, tier) [DESYNC_##name] = { #name, DESYNC_##tier },
#include "http/desync.def"
#undef DESYNC
};

struct request {
	struct bytes method, uri, version;
	struct bytes field_lines; /* all of it after the request line */
	bool simple;		  /* HTTP/0.9: a line alone, no fields can follow */
	struct desync_finding finding;
};

static void report(struct request *request, enum desync_reason reason)
{
	if (reasons[reason].tier > request->finding.tier)
		request->finding = (struct desync_finding){ reasons[reason].tier, reason };
}

const char *desync_tier_name(enum desync_tier tier)
{
	static const char *const names[] = {
		[DESYNC_COMPLIANT] = NULL,
		[DESYNC_ACCEPTABLE] = "Acceptable",
		[DESYNC_AMBIGUOUS] = "Ambiguous",
		[DESYNC_SEVERE] = "Severe",
	};

	assert(tier < COUNT(names));
	return names[tier];
}

const char *desync_reason_name(enum desync_reason reason)
{
	assert(reason < DESYNC_REASON_COUNT);
	return reasons[reason].name;
}

enum desync_verdict desync_judge(enum desync_mode mode, enum desync_tier tier)
{
	static const enum desync_verdict verdicts[][4] = {
		/* Compliant, Acceptable, Ambiguous, Severe */
		[DESYNC_MODE_MONITOR] = { DESYNC_FORWARD, DESYNC_FORWARD, DESYNC_FORWARD,
					  DESYNC_FORWARD },
		[DESYNC_MODE_DEFENSIVE] = { DESYNC_FORWARD, DESYNC_FORWARD,
					    DESYNC_FORWARD_AND_CLOSE, DESYNC_BLOCK },
		[DESYNC_MODE_STRICTEST] = { DESYNC_FORWARD, DESYNC_BLOCK, DESYNC_BLOCK,
					    DESYNC_BLOCK },
	};

	assert(mode < COUNT(verdicts) && tier < COUNT(verdicts[0]));
	return verdicts[mode][tier];
}

/* ---- Names that look like framing fields ---- */

/* How many bytes of `name` may stand for `letter`: ſ (U+017F) and ı (U+0131) fold to s and i. */
static size_t letter_width(struct bytes name, char letter)
{
	const unsigned char *at = (const unsigned char *)name.at;

	if (ascii_lower(name.at[0]) == letter)
		return 1;
	if (name.len >= 2 && letter == 's' && at[0] == 0xc5 && at[1] == 0xbf)
		return 2;
	if (name.len >= 2 && letter == 'i' && at[0] == 0xc4 && at[1] == 0xb1)
		return 2;
	return 0;
}

static struct bytes skip_to_alnum(struct bytes b)
{
	while (b.len && !char_is_alnum(b.at[0]))
		b = bytes_from(b, 1);
	return b;
}

static struct bytes skip_blanks_and_controls(struct bytes b)
{
	while (b.len && (unsigned char)b.at[0] <= 0x20)
		b = bytes_from(b, 1);
	return b;
}

enum desync_similarity desync_similarity(struct bytes framing_name, struct bytes name)
{
	struct bytes rest = skip_to_alnum(name);
	bool identical = rest.len == framing_name.len && name.len == framing_name.len;

	if (name.len < framing_name.len)
		return DESYNC_DISTANT;
	for (size_t i = 0; i < framing_name.len; i++) {
		char want = framing_name.at[i];
		size_t width;

		if (!rest.len)
			return DESYNC_DISTANT;
		width = letter_width(rest, want);
		if (!width && want != '-')
			break;
		if (!width) {
			identical = false;
			width = 1;
		}
		rest = bytes_from(rest, width);
		rest = want == '-' ? skip_to_alnum(rest) : skip_blanks_and_controls(rest);
	}
	if (!rest.len && identical)
		return DESYNC_IDENTICAL;
	return skip_to_alnum(rest).len ? DESYNC_DISTANT : DESYNC_SAME_LETTERS;
}

/* ---- Step 0: lines ---- */

/* Takes a line off *rest. */
static struct bytes cut_line(struct bytes *rest, bool *ret_crlf, bool *ret_ended)
{
	size_t lf = bytes_index(*rest, '\n');
	struct bytes line = bytes_upto(*rest, lf);

	*ret_ended = lf != SIZE_MAX;
	*rest = bytes_from(*rest, *ret_ended ? lf + 1 : rest->len);
	*ret_crlf = bytes_ends(line, BYTES("\r"));
	if (*ret_crlf)
		line.len--;
	return line;
}

/*
 * METHOD SP URI SP VERSION, where the URI may hold spaces: the version is the last word, and
 * takes blanks and other non-token bytes after it along.
 */
static void split_request_line(struct request *request, struct bytes line)
{
	size_t space = bytes_index(line, ' '), last;
	struct bytes rest = space == SIZE_MAX ? BYTES_NONE : bytes_from(line, space + 1);

	request->method = bytes_upto(line, space);
	last = rest.len;
	while (last && !char_is_token(rest.at[last - 1]))
		last--;
	while (last && rest.at[last - 1] != ' ')
		last--;
	if (last) {
		request->uri = bytes_upto(rest, last - 1);
		request->version = bytes_from(rest, last);
	} else if (bytes_starts(rest, BYTES("HTTP/1."))) {
		request->version = rest;
	} else {
		request->uri = rest;
	}
	if (!request->uri.len)
		report(request, DESYNC_MissingUri);
}

struct field_iterator {
	struct bytes rest;
	struct bytes last_name; /* of the last line that was no fold */
	bool is_media_type;	/* Content-Type alone may be folded */
};

struct field {
	struct bytes name, value; /* untrimmed */
	bool crlf, ended, folded, colon;
};

static struct field_iterator iterate_fields(const struct request *request)
{
	return (struct field_iterator){ .rest = request->field_lines };
}

/* False at the empty line and at the end of the bytes; field->crlf is set anyway. */
static bool next_field(struct field_iterator *it, struct field *field)
{
	struct bytes line = cut_line(&it->rest, &field->crlf, &field->ended);
	size_t colon = bytes_index(line, ':');

	if (!line.len)
		return false;
	field->colon = colon != SIZE_MAX;
	field->folded = line.at[0] == ' ' || line.at[0] == '\t';
	field->name = bytes_upto(line, colon);
	field->value = field->colon ? bytes_from(line, colon + 1) : BYTES_NONE;
	if (!field->folded && field->colon) {
		it->last_name = field->name;
		it->is_media_type = bytes_eq_nocase(field->name, BYTES("content-type"));
	}
	if (field->folded && it->last_name.at && (it->is_media_type || !field->colon)) {
		field->value = field->name;
		field->name = it->last_name;
	}
	field->folded = field->folded && !it->is_media_type;
	return true;
}

static void check_lines(struct request *request)
{
	struct field_iterator it = iterate_fields(request);
	struct field field;

	while (next_field(&it, &field)) {
		if (!field.crlf)
			report(request, DESYNC_NonCrLfLineTermination);
		if (!field.colon && !field.folded && field.value.at == NULL)
			report(request, DESYNC_MissingHeaderColon);
		if (field.folded)
			report(request, DESYNC_MultilineHeader);
		if (!field.ended) {
			report(request, DESYNC_PartialHeaderLine);
			return;
		}
		if (!it.rest.len) {
			report(request, DESYNC_MissingLastEmptyLine);
			return;
		}
	}
	if (!field.crlf)
		report(request, DESYNC_NonCrLfLineTermination);
}

/* ---- Steps 2 to 7: fields ---- */

static bool has_break(struct bytes b)
{
	return b.len && scan_line_break(b.at, b.at + b.len) != b.at + b.len;
}

static bool is_bad(const struct field *field)
{
	return has_break(field->name) || has_break(field->value);
}

static bool is_odd(const struct field *field)
{
	struct bytes name = field->name, value = field->value;

	return scan_token(name.at, name.at + name.len) != name.at + name.len ||
	       (value.len && scan_value(value.at, value.at + value.len) != value.at + value.len);
}

enum framing_kind { FRAMING_NOT, FRAMING_TE, FRAMING_CL };

/* Which list of step 2 a field joins; a bad one with the same letters joins none. */
static enum framing_kind framing_kind(struct bytes name, bool bad, bool *ret_suspicious)
{
	enum desync_similarity te = desync_similarity(DESYNC_TE, name), cl = DESYNC_DISTANT;
	struct bytes trimmed = bytes_trim(name);
	bool empty = !trimmed.len || trimmed.at[0] == ':';

	if (te == DESYNC_DISTANT)
		cl = desync_similarity(DESYNC_CL, name);
	*ret_suspicious = false;
	if (te == DESYNC_IDENTICAL || cl == DESYNC_IDENTICAL)
		return te == DESYNC_IDENTICAL ? FRAMING_TE : FRAMING_CL;
	if (bad || empty || (te == DESYNC_DISTANT && cl == DESYNC_DISTANT))
		return FRAMING_NOT;
	*ret_suspicious = true;
	return te == DESYNC_SAME_LETTERS ? FRAMING_TE : FRAMING_CL;
}

struct framing {
	unsigned te_count, cl_count, good_lengths;
	uint64_t length; /* the first good one */
	bool after_chunked;
};

static void check_names(struct request *request, struct framing *framing)
{
	struct field_iterator it = iterate_fields(request);
	struct field field;

	while (next_field(&it, &field)) {
		struct bytes trimmed = bytes_trim(field.name);
		bool bad = is_bad(&field), suspicious;
		enum framing_kind kind;

		if (bad)
			report(request, DESYNC_BadHeader);
		else if (is_odd(&field))
			report(request, DESYNC_NonCompliantHeader);
		if (!trimmed.len || trimmed.at[0] == ':')
			report(request, DESYNC_EmptyHeader);
		kind = framing_kind(field.name, bad, &suspicious);
		if (suspicious)
			report(request, DESYNC_SuspiciousHeader);
		framing->te_count += kind == FRAMING_TE;
		framing->cl_count += kind == FRAMING_CL;
	}
}

static void check_te(struct request *request, struct framing *framing, struct bytes value)
{
	static const char *const codings[] = { "chunked", "compress", "deflate", "gzip",
					       "identity" };
	struct bytes item;

	if (!value.at)
		report(request, DESYNC_BadTransferEncoding);
	while (bytes_cut(&value, ',', &item)) {
		bool known = false, chunked;

		item = bytes_trim(bytes_upto(item, bytes_index(item, ';')));
		chunked = bytes_eq_nocase(item, BYTES("chunked"));
		for (size_t i = 0; i < COUNT(codings); i++)
			known = known || bytes_eq_nocase(item, bytes_of(codings[i]));
		if (!known)
			report(request, DESYNC_BadTransferEncoding);
		if (chunked && framing->after_chunked)
			report(request, DESYNC_MultipleTransferEncodingChunked);
		framing->after_chunked = chunked;
	}
}

static void check_cl(struct request *request, struct framing *framing, struct bytes value)
{
	uint64_t length = 0;

	value = bytes_trim(value);
	if (value.len && bytes_to_u64(value, UINT64_MAX, &length)) {
		report(request, DESYNC_BadContentLength);
		return;
	}
	if (framing->good_lengths++ == 0)
		framing->length = length;
	else
		report(request, framing->length == length ? DESYNC_DuplicateContentLength
							  : DESYNC_MultipleContentLength);
}

static void check_values(struct request *request, struct framing *framing, enum framing_kind wanted)
{
	struct field_iterator it = iterate_fields(request);
	struct field field;
	bool suspicious;

	while (next_field(&it, &field)) {
		if (framing_kind(field.name, is_bad(&field), &suspicious) != wanted)
			continue;
		if (wanted == FRAMING_TE)
			check_te(request, framing, field.value);
		else
			check_cl(request, framing, field.value);
	}
}

static void check_framing(struct request *request, struct framing *framing)
{
	bool bodiless = bytes_eq_str(request->method, "GET") ||
			bytes_eq_str(request->method, "HEAD");

	if (!framing->te_count && !framing->cl_count)
		return;
	if (framing->te_count && bytes_cmp(request->version, BYTES("HTTP/1.0")) <= 0) {
		report(request, DESYNC_UndefinedTransferEncodingSemantics);
		return;
	}
	if (framing->cl_count && bytes_cmp(request->version, BYTES("HTTP/1.0")) < 0) {
		report(request, DESYNC_UndefinedContentLengthSemantics);
		return;
	}
	check_values(request, framing, FRAMING_TE);
	check_values(request, framing, FRAMING_CL);
	if (bodiless && framing->te_count)
		report(request, DESYNC_UndefinedTransferEncodingSemantics);
	if (bodiless && framing->good_lengths)
		report(request, framing->length ? DESYNC_UndefinedContentLengthSemantics
						: DESYNC_GetHeadZeroContentLength);
	if (framing->te_count && framing->good_lengths)
		report(request, DESYNC_BothTeClPresent);
}

/* ---- Steps 8 to 10: the request line ---- */

static void check_method(struct request *request)
{
	for (size_t i = 0; i < request->method.len; i++)
		if (!char_is_token(request->method.at[i]))
			report(request, DESYNC_BadMethod);
}

static void check_version(struct request *request)
{
	struct bytes version = bytes_trim(request->version);
	char minor;

	if (bytes_eq_str(version, "HTTP/0.9")) {
		report(request, DESYNC_NonCompliantVersion);
		return;
	}
	minor = version.len == 8 ? version.at[7] : 0;
	if (!bytes_starts(version, BYTES("HTTP/1.")) || minor < '0' || minor > '9')
		report(request, DESYNC_BadVersion);
	else if (minor > '1' || version.len != request->version.len)
		report(request, DESYNC_NonCompliantVersion);
}

static void check_uri(struct request *request)
{
	for (size_t i = 0; i < request->uri.len; i++) {
		char c = request->uri.at[i];

		if (!char_ends_target(c))
			continue;
		if (char_breaks_lines(c)) {
			report(request, DESYNC_BadUri);
			return;
		}
		report(request, c == ' ' ? DESYNC_SpaceInUri : DESYNC_AmbiguousUri);
	}
}

struct desync_finding desync_classify(struct bytes raw_head)
{
	struct request request = { .finding = { DESYNC_COMPLIANT, DESYNC_NONE } };
	struct framing framing = { 0 };
	struct bytes line;
	bool crlf, ended;

	request.field_lines = raw_head;
	line = cut_line(&request.field_lines, &crlf, &ended);
	if (!crlf)
		report(&request, DESYNC_NonCrLfLineTermination);
	split_request_line(&request, line);
	request.simple = !bytes_trim(request.version).len && !request.field_lines.len;
	if (!request.simple)
		check_lines(&request);

	if (bytes_cmp(request.version, BYTES("HTTP/2")) >= 0)
		return (struct desync_finding){ DESYNC_COMPLIANT, DESYNC_NONE };
	if (!bytes_trim(request.version).len)
		request.version = BYTES("HTTP/0.9");
	check_names(&request, &framing);
	check_framing(&request, &framing);
	check_method(&request);
	check_version(&request);
	check_uri(&request);
	return request.finding;
}
