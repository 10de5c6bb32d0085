#include "api/payload.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/canonical.h"
#include "crypto/digest.h"

static const struct bytes empty_hash = {
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", 64
};

struct trailer {
	struct text name, value;
};

struct payload {
	struct sigv4_seed seed;
	uint64_t decoded_bytes, seen_bytes;
	struct sha256_stream *hash; /* of the body, or of the running chunk; NULL: not asked for */
	/* Chunks: */
	enum { AT_SIZE, IN_DATA, AFTER_DATA, IN_TRAILERS, AT_END } at;
	uint64_t left; /* of the running chunk */
	char line[PAYLOAD_LINE_BYTES_MAX];
	size_t line_len;
	char signature[SHA256_HEX_BYTES + 1]; /* what the running chunk says */
	struct trailer trailers[PAYLOAD_TRAILERS_MAX];
	unsigned trailer_count;
	bool trailers_signed;
};

static bool is_chunked(const struct payload *p)
{
	return p->seed.kind >= SIGV4_CHUNKS;
}

static bool is_signed(const struct payload *p)
{
	return p->seed.verify &&
	       (p->seed.kind == SIGV4_CHUNKS || p->seed.kind == SIGV4_CHUNKS_TRAILER);
}

static bool has_trailers(const struct payload *p)
{
	return p->seed.kind == SIGV4_CHUNKS_TRAILER || p->seed.kind == SIGV4_CHUNKS_UNSIGNED;
}

err_t payload_create(const struct sigv4_seed *seed, uint64_t decoded_bytes,
		     struct payload **ret_payload)
{
	struct payload *p = calloc(1, sizeof *p);

	if (!p)
		return ERR_NOMEM;
	p->seed = *seed;
	p->decoded_bytes = decoded_bytes;
	for (size_t i = 0; i < COUNT(p->trailers); i++) {
		text_init(&p->trailers[i].name, 256);
		text_init(&p->trailers[i].value, PAYLOAD_LINE_BYTES_MAX);
	}
	if (seed->kind == SIGV4_HASH && sha256_stream_create(&p->hash)) {
		payload_destroy(p);
		return ERR_NOMEM;
	}
	*ret_payload = p;
	return ERR_OK;
}

void payload_destroy(struct payload *p)
{
	if (!p)
		return;
	if (p->hash)
		sha256_stream_finish(p->hash, NULL);
	for (size_t i = 0; i < COUNT(p->trailers); i++) {
		text_fini(&p->trailers[i].name);
		text_fini(&p->trailers[i].value);
	}
	free(p);
}

/* ---- Faults ---- */

static err_t malformed(struct api_fault *fault, const char *words)
{
	fault_set(fault, "InvalidRequest", "The aws-chunked body is malformed: %s", words);
	return ERR_SYNTAX;
}

static err_t incomplete(struct api_fault *fault)
{
	fault_set(fault, "IncompleteBody",
		  "You did not provide the number of bytes specified by the Content-Length HTTP "
		  "header");
	return ERR_SYNTAX;
}

static err_t mismatch(struct api_fault *fault)
{
	fault_set(fault, "SignatureDoesNotMatch",
		  "The request signature we calculated does not match the signature you provided. "
		  "Check your key and signing method.");
	return ERR_DENIED;
}

/* ---- Signatures ---- */

static void finish_hash(struct payload *p, char out[SHA256_HEX_BYTES + 1])
{
	uint8_t raw[SHA256_BYTES];

	sha256_stream_finish(p->hash, raw);
	p->hash = NULL;
	sha256_to_hex(raw, out);
}

/* The next link: its signature is over the one before and over what `rest` hashes. */
static bool follows(struct payload *p, const char *what, const char *rest, struct bytes stated)
{
	struct text to_sign = TEXT_INIT(2048);
	uint8_t mac[SHA256_BYTES];
	char signature[SHA256_HEX_BYTES + 1];
	bool good;

	text_printf(&to_sign, "%s\n%s\n%s\n%s\n%s", what, p->seed.stamp, p->seed.scope,
		    p->seed.signature, rest);
	hmac_sha256(bytes_make(p->seed.key, sizeof p->seed.key), text_bytes(&to_sign), mac);
	sha256_to_hex(mac, signature);
	good = !text_err(&to_sign) && bytes_eq_secret(bytes_of(signature), stated);
	memcpy(p->seed.signature, signature, sizeof signature);
	text_fini(&to_sign);
	return good;
}

static err_t end_chunk(struct payload *p, struct api_fault *fault)
{
	char rest[2 * SHA256_HEX_BYTES + 2], hash[SHA256_HEX_BYTES + 1];

	if (!is_signed(p))
		return ERR_OK;
	finish_hash(p, hash);
	snprintf(rest, sizeof rest, "%.*s\n%s", BYTES_ARG(empty_hash), hash);
	return follows(p, "AWS4-HMAC-SHA256-PAYLOAD", rest, bytes_of(p->signature))
		       ? ERR_OK
		       : mismatch(fault);
}

static err_t check_trailers(struct payload *p, struct bytes stated, struct api_fault *fault)
{
	struct text all = TEXT_INIT(64 * 1024);
	char hash[SHA256_HEX_BYTES + 1];
	bool good;

	for (unsigned i = 0; i < p->trailer_count; i++) {
		text_add(&all, text_bytes(&p->trailers[i].name));
		text_add_char(&all, ':');
		text_add(&all, text_bytes(&p->trailers[i].value));
		text_add_char(&all, '\n');
	}
	sha256_hex(text_bytes(&all), hash);
	good = !text_err(&all) && follows(p, "AWS4-HMAC-SHA256-TRAILER", hash, stated);
	text_fini(&all);
	p->trailers_signed = good;
	return good ? ERR_OK : mismatch(fault);
}

/* ---- Lines ---- */

/* "400;chunk-signature=…" */
static err_t on_size(struct payload *p, struct bytes line, struct api_fault *fault)
{
	static const struct bytes word = { "chunk-signature=", 16 };
	size_t semicolon = bytes_index(line, ';');
	struct bytes digits = bytes_trim(bytes_upto(line, semicolon)), rest = BYTES_NONE;

	if (!digits.len || digits.len > 12)
		return malformed(fault, "a chunk has no size");
	p->left = 0;
	for (size_t i = 0; i < digits.len; i++) {
		char c = ascii_lower(digits.at[i]);
		int value = c >= '0' && c <= '9'   ? c - '0'
			    : c >= 'a' && c <= 'f' ? c - 'a' + 10
						   : -1;

		if (value < 0)
			return malformed(fault, "a chunk's size is no hexadecimal number");
		p->left = p->left * 16 + (uint64_t)value;
	}
	if (semicolon != SIZE_MAX)
		rest = bytes_trim(bytes_from(line, semicolon + 1));
	p->signature[0] = '\0';
	if (bytes_starts(rest, word) && rest.len == word.len + SHA256_HEX_BYTES)
		snprintf(p->signature, sizeof p->signature, "%.*s",
			 BYTES_ARG(bytes_from(rest, word.len)));
	if (is_signed(p) && sha256_stream_create(&p->hash))
		return ERR_NOMEM;
	if (p->left) {
		p->at = IN_DATA;
		return ERR_OK;
	}
	p->at = IN_TRAILERS;
	return end_chunk(p, fault);
}

static err_t on_trailer(struct payload *p, struct bytes line, struct api_fault *fault)
{
	size_t colon = bytes_index(line, ':');
	struct trailer *trailer;
	struct bytes name, value;

	if (!line.len) {
		p->at = AT_END;
		return ERR_OK;
	}
	if (colon == SIZE_MAX || !has_trailers(p))
		return malformed(fault, "something follows the last chunk");
	name = bytes_trim(bytes_upto(line, colon));
	value = bytes_trim(bytes_from(line, colon + 1));
	if (bytes_eq_nocase(name, BYTES("x-amz-trailer-signature")))
		return is_signed(p) ? check_trailers(p, value, fault) : ERR_OK;
	if (p->trailers_signed || p->trailer_count == PAYLOAD_TRAILERS_MAX)
		return malformed(fault, "it has too many trailers");
	trailer = &p->trailers[p->trailer_count++];
	for (size_t i = 0; i < name.len; i++)
		text_add_char(&trailer->name, ascii_lower(name.at[i]));
	text_add(&trailer->value, value);
	return text_err(&trailer->name) || text_err(&trailer->value)
		       ? malformed(fault, "a trailer is too long")
		       : ERR_OK;
}

static err_t on_line(struct payload *p, struct bytes line, struct api_fault *fault)
{
	if (line.len && line.at[line.len - 1] == '\r')
		line.len--;
	if (p->at == AT_SIZE)
		return on_size(p, line, fault);
	if (p->at == IN_TRAILERS)
		return on_trailer(p, line, fault);
	if (line.len)
		return malformed(fault, "a chunk is longer than it says");
	p->at = AT_SIZE;
	return ERR_OK;
}

/* Takes bytes up to and with the next LF, which may come in several pieces. */
static err_t take_line(struct payload *p, struct bytes *rest, struct api_fault *fault)
{
	size_t end = bytes_index(*rest, '\n'), take = end == SIZE_MAX ? rest->len : end;
	size_t len;

	if (take > sizeof p->line - p->line_len)
		return malformed(fault, "a line is too long");
	memcpy(p->line + p->line_len, rest->at, take);
	p->line_len += take;
	if (end == SIZE_MAX) {
		*rest = BYTES_NONE;
		return ERR_OK;
	}
	*rest = bytes_from(*rest, end + 1);
	len = p->line_len;
	p->line_len = 0;
	return on_line(p, bytes_make(p->line, len), fault);
}

/* ---- Bytes ---- */

static err_t pass(struct payload *p, struct bytes piece, payload_sink_fn sink, void *owner,
		  struct api_fault *fault)
{
	p->seen_bytes += piece.len;
	if (p->decoded_bytes != UINT64_MAX && p->seen_bytes > p->decoded_bytes)
		return incomplete(fault);
	if (p->hash)
		sha256_stream_add(p->hash, piece);
	return piece.len ? sink(owner, piece) : ERR_OK;
}

static err_t take_data(struct payload *p, struct bytes *rest, payload_sink_fn sink, void *owner,
		       struct api_fault *fault)
{
	struct bytes piece = bytes_upto(*rest, p->left < rest->len ? (size_t)p->left : rest->len);

	TRY(pass(p, piece, sink, owner, fault));
	p->left -= piece.len;
	*rest = bytes_from(*rest, piece.len);
	if (p->left)
		return ERR_OK;
	p->at = AFTER_DATA;
	return end_chunk(p, fault);
}

err_t payload_feed(struct payload *p, struct bytes piece, payload_sink_fn sink, void *owner,
		   struct api_fault *fault)
{
	struct bytes rest = piece;

	if (!is_chunked(p))
		return pass(p, piece, sink, owner, fault);
	while (rest.len) {
		if (p->at == AT_END)
			return malformed(fault, "something follows its end");
		if (p->at == IN_DATA)
			TRY(take_data(p, &rest, sink, owner, fault));
		else
			TRY(take_line(p, &rest, fault));
	}
	return ERR_OK;
}

err_t payload_finish(struct payload *p, struct api_fault *fault)
{
	char hash[SHA256_HEX_BYTES + 1];

	if (p->decoded_bytes != UINT64_MAX && p->seen_bytes != p->decoded_bytes)
		return incomplete(fault);
	if (is_chunked(p)) {
		/* The empty line at the very end is left out by some. */
		if (p->at != AT_END && (p->at != IN_TRAILERS || p->line_len))
			return incomplete(fault);
		if (is_signed(p) && p->trailer_count && !p->trailers_signed)
			return mismatch(fault);
		return ERR_OK;
	}
	if (p->seed.kind != SIGV4_HASH)
		return ERR_OK;
	finish_hash(p, hash);
	if (bytes_eq_secret(bytes_of(hash), bytes_of(p->seed.hash)))
		return ERR_OK;
	fault_set(fault, "XAmzContentSHA256Mismatch",
		  "The provided 'x-amz-content-sha256' header does not match what was computed.");
	return ERR_DENIED;
}

bool payload_trailer(const struct payload *p, unsigned index, struct bytes *ret_name,
		     struct bytes *ret_value)
{
	if (index >= p->trailer_count)
		return false;
	*ret_name = text_bytes(&p->trailers[index].name);
	*ret_value = text_bytes(&p->trailers[index].value);
	return true;
}
