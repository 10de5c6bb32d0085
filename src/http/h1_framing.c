/* Where a message ends (RFC 9112 §6.3) and whether another may follow (§9.3). */
#include "http/desync_internal.h"
#include "http/h1_internal.h"

static void note_length(struct h1_framing *framing, struct bytes value, bool response)
{
	uint64_t length = 0;

	/* ALB reads an empty value as 0 (reference/alb.md §10.3, step 6); others may not. */
	if (!value.len && !response)
		framing->doubt = framing->odd = true;
	else if (bytes_to_u64(value, UINT64_MAX, &length))
		framing->bad_length = framing->odd = true;
	if (framing->lengths++) {
		framing->doubt = framing->odd = true;
		framing->bad_length = framing->bad_length || length != framing->length;
	}
	framing->length = length;
}

/* Parameters of a coding are dropped: what goes on is framed anew, plainly. */
static void note_coding(struct h1_framing *framing, struct bytes value)
{
	struct bytes item;

	framing->odd = framing->odd || framing->codings ||
		       !bytes_eq_nocase(value, BYTES("chunked"));
	framing->codings++;
	while (bytes_cut(&value, ',', &item)) {
		item = bytes_trim(bytes_upto(item, bytes_index(item, ';')));
		framing->bad_chunked = framing->bad_chunked || framing->chunked;
		if (bytes_eq_nocase(item, BYTES("chunked")))
			framing->chunked = true;
		else if (!bytes_eq_nocase(item, BYTES("identity")))
			framing->bad_coding = true;
	}
}

static void note_connection(struct h1_framing *framing, struct bytes value)
{
	struct bytes item;

	while (bytes_cut(&value, ',', &item)) {
		item = bytes_trim(item);
		if (bytes_eq_nocase(item, BYTES("close")))
			framing->close = true;
		else if (bytes_eq_nocase(item, BYTES("keep-alive")))
			framing->keep_alive = true;
		else if (bytes_eq_nocase(item, BYTES("upgrade")))
			framing->names_upgrade = true;
	}
}

/* `lower` has the name's length. Most fields of a length are others: one letter tells. */
static inline bool is_named(struct bytes name, struct bytes lower)
{
	return (name.at[0] | 0x20) == lower.at[0] && bytes_eq_nocase(name, lower);
}

void h1_framing_note(struct h1_framing *framing, const struct http_field *field, bool response)
{
	struct bytes name = field->name;

	switch (name.len) {
	case 4:
		if (is_named(name, BYTES("host")) && framing->hosts++ == 0)
			framing->host = field->value;
		break;
	case 6:
		if (is_named(name, BYTES("expect")) &&
		    bytes_eq_nocase(field->value, BYTES("100-continue")))
			framing->expects_continue = true;
		break;
	case 7:
		if (is_named(name, BYTES("upgrade")))
			framing->has_upgrade = true;
		break;
	case 10:
		if (is_named(name, BYTES("connection")))
			note_connection(framing, field->value);
		break;
	case 14:
		if (is_named(name, DESYNC_CL))
			note_length(framing, field->value, response);
		break;
	case 17:
		if (is_named(name, DESYNC_TE))
			note_coding(framing, field->value);
		break;
	default: break;
	}
}

static uint32_t flags_of(const struct h1_framing *framing, const struct http_head *head, bool doubt)
{
	bool alive = head->version >= HTTP_1_1 ||
		     (head->version == HTTP_1_0 && framing->keep_alive);
	uint32_t flags = 0;

	if (alive && !framing->close && !doubt)
		flags |= HTTP_FLAG_KEEP_ALIVE;
	if (framing->expects_continue && head->version >= HTTP_1_1)
		flags |= HTTP_FLAG_EXPECT_CONTINUE;
	if (framing->has_upgrade && framing->names_upgrade && head->version >= HTTP_1_1)
		flags |= HTTP_FLAG_UPGRADE;
	if (framing->hosts)
		flags |= HTTP_FLAG_HAS_HOST;
	if (framing->lengths && !framing->codings && !framing->bad_length)
		flags |= HTTP_FLAG_HAS_LENGTH;
	return flags;
}

/*
 * Transfer-Encoding wins over Content-Length, even a bad one: monitor mode forwards Severe
 * findings, and what is forwarded says chunked alone.
 */
static err_t end_of_body(const struct h1_framing *framing, struct http_head *head)
{
	if (framing->bad_coding)
		return ERR_BAD_CODING;
	if (framing->bad_chunked)
		return ERR_BAD_MESSAGE;
	if (framing->chunked) {
		head->framing = HTTP_BODY_CHUNKED;
		return ERR_OK;
	}
	if (framing->bad_length)
		return ERR_BAD_MESSAGE;
	if (framing->lengths) {
		head->framing = HTTP_BODY_LENGTH;
		head->length = framing->length;
	}
	return ERR_OK;
}

/* RFC 9112 §6.1: with both, or with a coding in HTTP/1.0, the connection ends after the message. */
static bool faulty(const struct h1_framing *framing, const struct http_head *head)
{
	return framing->doubt ||
	       (framing->codings && (framing->lengths || head->version < HTTP_1_1));
}

err_t h1_framing_of_request(const struct h1_framing *framing, struct http_head *head)
{
	head->framing = HTTP_BODY_NONE;
	head->flags = flags_of(framing, head, faulty(framing, head));
	return end_of_body(framing, head);
}

err_t h1_framing_of_response(const struct h1_framing *framing, struct http_head *head,
			     bool head_request, bool connect_request)
{
	bool bodiless = head_request || head->status < 200 || head->status == 204 ||
			head->status == 304 || (connect_request && head->status < 300);

	head->framing = HTTP_BODY_CLOSE;
	head->flags = flags_of(framing, head, faulty(framing, head));
	TRY(end_of_body(framing, head));
	if (bodiless)
		head->framing = HTTP_BODY_NONE;
	if (bodiless && !head_request &&
	    head->status != 304) /* RFC 9110 §8.6: it has none to tell */
		head->flags &= ~(uint32_t)HTTP_FLAG_HAS_LENGTH;
	if (head->framing == HTTP_BODY_CLOSE)
		head->flags &= ~(uint32_t)HTTP_FLAG_KEEP_ALIVE;
	return ERR_OK;
}
