/*
 * Requests and responses, cut anyhow. The first byte chooses the direction and the cut. Two things
 * must hold: the cut does not change what the parser makes of the bytes, and what the parser
 * made, written again with the body's wire bytes after it, is the same message to the next reader
 * and has no finding about where it ends.
 */
#include <stdlib.h>

#include "tests/unit/http/transcript.h"

static bool is_framing_field(struct bytes name)
{
	return bytes_eq_nocase(name, BYTES("content-length")) ||
	       bytes_eq_nocase(name, BYTES("transfer-encoding"));
}

static bool is_about_framing(enum desync_reason reason)
{
	switch (reason) {
	case DESYNC_NONE:
	case DESYNC_AmbiguousUri:
	case DESYNC_SpaceInUri:
	case DESYNC_NonCompliantHeader:
	case DESYNC_GetHeadZeroContentLength:
	case DESYNC_UndefinedContentLengthSemantics:
	case DESYNC_UndefinedTransferEncodingSemantics: return false;
	default: return true;
	}
}

/* The head without what conn makes anew, both as an essence to compare and as bytes to send. */
static void forward_head(const struct http_head *head, struct text *essence, struct text *sent)
{
	static struct http_field fields[HTTP_FIELDS_MAX];
	struct http_head copy = *head;

	copy.field_count = 0;
	for (unsigned i = 0; i < head->field_count; i++)
		if (!is_framing_field(head->fields[i].name))
			fields[copy.field_count++] = head->fields[i];
	copy.fields = fields;
	if (head->version < HTTP_1_0 || head->framing == HTTP_BODY_CHUNKED)
		copy.version = HTTP_1_1;
	if (head->is_response)
		h1_write_response(sent, &copy);
	else
		h1_write_request(sent, &copy);
	copy.flags = 0;
	transcript_head(essence, &copy);
}

/* Reads `in` until it fails or ends; false when the last message is not whole. */
static bool read_all(bool responses, struct bytes in, struct text *essence, struct text *sent,
		     bool clean)
{
	struct h1_parser parser;
	bool whole = true, more = true;

	h1_parser_init(&parser, responses);
	while (more) {
		switch (h1_parser_feed(&parser, &in)) {
		case H1_HEAD:
			if (clean && is_about_framing(h1_parser_finding(&parser)->reason))
				abort();
			forward_head(h1_parser_head(&parser), essence, sent);
			whole = false;
			break;
		case H1_BODY:
			text_add(sent, h1_parser_body(&parser)->wire);
			for (unsigned i = 0; i < h1_parser_body(&parser)->data_count; i++)
				text_add(essence, h1_parser_body(&parser)->data[i]);
			break;
		case H1_DONE:
			text_add_str(essence, "\ndone\n");
			h1_parser_next(&parser);
			whole = true;
			break;
		case H1_MORE:
		case H1_FAILED: more = false; break;
		}
	}
	h1_parser_fini(&parser);
	return whole;
}

static void check_forwarding(bool responses, struct bytes in)
{
	struct text essence = TEXT_INIT(1 << 24), sent = TEXT_INIT(1 << 24);
	struct text again = TEXT_INIT(1 << 24), unused = TEXT_INIT(1 << 24);

	read_all(responses, in, &essence, &sent, false);
	read_all(responses, text_bytes(&sent), &again, &unused, !responses);
	if (!bytes_eq(text_bytes(&essence), text_bytes(&again)))
		abort();
	text_fini(&essence);
	text_fini(&sent);
	text_fini(&again);
	text_fini(&unused);
}

static void transcribe(bool responses, struct bytes in, size_t step, struct transcript *t)
{
	struct h1_parser parser;

	h1_parser_init(&parser, responses);
	for (size_t at = 0; at < in.len; at += step) {
		/* A copy of its own for each piece, so that a slice kept too long is caught. */
		struct bytes piece = bytes_upto(bytes_from(in, at), step);
		char *copy = bytes_dup(piece);

		transcript_feed(t, &parser, bytes_make(copy, piece.len));
		free(copy);
	}
	transcript_eof(t, &parser);
	h1_parser_fini(&parser);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct transcript whole = TRANSCRIPT_INIT, cut = TRANSCRIPT_INIT;
	bool responses;
	struct bytes in;

	if (size < 2)
		return 0;
	responses = data[0] & 0x80;
	in = bytes_make(data + 1, size - 1);
	transcribe(responses, in, in.len, &whole);
	transcribe(responses, in, 1 + data[0] % 63, &cut);
	if (!bytes_eq(text_bytes(&whole.text), text_bytes(&cut.text)))
		abort();
	transcript_fini(&whole);
	transcript_fini(&cut);
	check_forwarding(responses, in);
	return 0;
}
