/*
 * intake: a body on its way into a file, hashed and compared on the way.
 */
#include <stdio.h>
#include <stdlib.h>

#include "api/wire.h"
#include "base/encode.h"
#include "crypto/digest.h"
#include "services/s3/s3_internal.h"

enum { COPY_BYTES = 256 * 1024 };

static struct s3_intake *of(struct api_intake *base)
{
	return container_of(base, struct s3_intake, base);
}

/* ---- On some thread ---- */

static err_t need_file(struct s3_intake *intake)
{
	return intake->writer.fd >= 0
		       ? ERR_OK
		       : file_create(intake->s3->files, intake->file, &intake->writer);
}

static err_t take(struct s3_intake *intake, struct bytes piece)
{
	TRY(need_file(intake));
	intake->bytes += piece.len;
	digest_stream_add(intake->md5, piece);
	checksum_add(&intake->sum, piece);
	return file_write(&intake->writer, piece);
}

static err_t no_room(struct s3_intake *intake, err_t err)
{
	if (err == ERR_NO_SPACE)
		fault_set(intake->base.fault, "ServiceUnavailable",
			  "There is no room left on the disk of this server");
	return err;
}

static err_t on_write(struct api_intake *base, struct bytes piece)
{
	struct s3_intake *intake = of(base);

	if (piece.len > intake->bytes_max - intake->bytes) {
		fault_set(base->fault, "EntityTooLarge",
			  "Your proposed upload exceeds the maximum allowed size");
		return ERR_TOO_LARGE;
	}
	return no_room(intake, take(intake, piece));
}

static err_t on_trailer(struct api_intake *base, struct bytes name, struct bytes value)
{
	struct s3_intake *intake = of(base);

	if (!intake->sum_follows || checksum_kind_of_field(name) != intake->sum.kind)
		return ERR_OK;
	if (!checksum_is_text(intake->sum.kind, value)) {
		fault_set(base->fault, "InvalidRequest",
			  "Value for %.*s trailing header is invalid.", BYTES_ARG(name));
		return ERR_INVALID;
	}
	snprintf(intake->wanted_sum, sizeof intake->wanted_sum, "%.*s", BYTES_ARG(value));
	return ERR_OK;
}

static err_t copy(struct s3_intake *intake)
{
	char *piece = malloc(COPY_BYTES);
	size_t len;
	err_t err = piece ? ERR_OK : ERR_NOMEM;

	while (!err && intake->source.left) {
		err = s3_source_read(&intake->source, piece, COPY_BYTES, &len);
		if (!err)
			err = take(intake, bytes_make(piece, len));
	}
	free(piece);
	return no_room(intake, err);
}

static void hex(const uint8_t *raw, size_t len, char *out)
{
	for (size_t i = 0; i < len; i++)
		snprintf(out + 2 * i, 3, "%02x", raw[i]);
}

static err_t compare(struct s3_intake *intake)
{
	struct api_fault *fault = intake->base.fault;

	if (intake->wanted_md5[0] && strcmp(intake->wanted_md5, intake->etag) != 0) {
		fault_set(fault, "BadDigest",
			  "The Content-MD5 you specified did not match what we received.");
		return ERR_DENIED;
	}
	if (intake->sum_follows && !intake->wanted_sum[0]) {
		fault_set(fault, "InvalidRequest",
			  "The trailing checksum that X-Amz-Trailer names did not come.");
		return ERR_DENIED;
	}
	if (intake->wanted_sum[0] && strcmp(intake->wanted_sum, intake->sum_text) != 0) {
		fault_set(fault, "BadDigest",
			  "The %s you specified did not match the calculated checksum.",
			  checksum_name(intake->sum.kind));
		return ERR_DENIED;
	}
	return ERR_OK;
}

static err_t link_all(struct s3_intake *intake)
{
	const struct s3_source *source = &intake->source;

	for (size_t i = 0; i < source->count; i++)
		TRY(file_link(source->files, source->pieces[i].file, intake->links[i]));
	intake->finished = true;
	return files_sync_folders(source->files, (const char(*)[FILE_ID_BYTES + 1]) intake->links,
				  source->count);
}

static err_t on_finish(struct api_intake *base)
{
	struct s3_intake *intake = of(base);
	uint8_t raw[DIGEST_BYTES_MAX];
	size_t len;

	if (intake->links)
		return no_room(intake, link_all(intake));
	if (intake->copies)
		TRY(copy(intake));
	TRY(need_file(intake));
	len = digest_stream_finish(intake->md5, raw);
	intake->md5 = NULL;
	hex(raw, len, intake->etag);
	checksum_finish(&intake->sum, intake->sum_text);
	TRY(compare(intake));
	intake->finished = true;
	return no_room(intake, file_sync(intake->s3->files, intake->file, &intake->writer));
}

/* ---- On the control thread ---- */

static void drop_links(struct s3_intake *intake)
{
	for (size_t i = 0; intake->links && i < intake->source.count && intake->links[i][0]; i++) {
		if (!intake->kept)
			files_remove(intake->s3->files, intake->links[i]);
		files_release(intake->s3->files, intake->links[i]);
	}
	free(intake->links);
}

static void on_discard(struct api_intake *base)
{
	struct s3_intake *intake = of(base);

	file_abandon(&intake->writer);
	if (intake->md5)
		digest_stream_finish(intake->md5, NULL);
	checksum_finish(&intake->sum, NULL);
	drop_links(intake);
	if (intake->copies)
		s3_source_close(&intake->source);
	if (!intake->kept)
		files_remove(intake->s3->files, intake->file);
	files_release(intake->s3->files, intake->file);
	free(intake);
}

static err_t create(struct api_call *call, enum checksum_kind kind, struct s3_intake **ret_intake)
{
	static const struct api_intake_ops ops = { on_write, on_trailer, on_finish, on_discard };
	struct s3_intake *intake = calloc(1, sizeof *intake);

	if (!intake)
		return ERR_NOMEM;
	intake->base.ops = &ops;
	intake->s3 = s3_of(call);
	intake->writer.fd = -1;
	intake->bytes_max = S3_PUT_BYTES_MAX;
	files_new_id(intake->file);
	if (files_hold(intake->s3->files, intake->file)) {
		free(intake);
		return ERR_NOMEM;
	}
	call->intake = &intake->base; /* discarded with the call from here on */
	TRY(checksum_init(&intake->sum, kind));
	TRY(digest_stream_create(DIGEST_MD5, &intake->md5));
	*ret_intake = intake;
	return ERR_OK;
}

static err_t bad_checksum(struct api_call *call, const char *field)
{
	return api_fault(call, "InvalidRequest", "Value for %s header is invalid.", field);
}

static err_t read_md5(struct api_call *call, char out[33])
{
	const char *text = s3_input(call, "ContentMD5");
	struct text plain = TEXT_INIT(16);
	bool good;

	if (!text)
		return ERR_OK;
	good = decode_base64(&plain, bytes_of(text)) == ERR_OK && plain.len == 16;
	if (good)
		hex((const uint8_t *)plain.at, plain.len, out);
	text_fini(&plain);
	return good ? ERR_OK
		    : api_fault(call, "InvalidDigest",
				"The Content-MD5 you specified is not valid.");
}

/* The one checksum that the fields give, if any. */
static err_t read_sum(struct api_call *call, enum checksum_kind *ret_kind, const char **ret_value)
{
	*ret_kind = CHECKSUM_NONE;
	for (int kind = 1; kind < CHECKSUM_KINDS; kind++) {
		const char *name = arena_printf(call->arena, "Checksum%s",
						checksum_name((enum checksum_kind)kind));
		const char *value = name ? s3_input(call, name) : NULL;

		if (!value)
			continue;
		if (*ret_kind != CHECKSUM_NONE)
			return api_fault(call, "InvalidRequest",
					 "Expecting a single x-amz-checksum- header. Multiple "
					 "checksum Types are not allowed.");
		*ret_kind = (enum checksum_kind)kind;
		*ret_value = value;
		if (!checksum_is_text(*ret_kind, bytes_of(value)))
			return bad_checksum(call, arena_printf(call->arena, "x-amz-checksum-%s",
							       checksum_name(*ret_kind)));
	}
	return ERR_OK;
}

err_t s3_intake_make(struct api_call *call, enum checksum_kind otherwise)
{
	const char *trailer = s3_input(call, "Trailer"), *value = "";
	const char *algorithm = s3_input(call, "ChecksumAlgorithm");
	enum checksum_kind kind, follows = checksum_kind_of_field(bytes_of(trailer));
	struct s3_intake *intake;
	char md5[33] = "";

	TRY(read_md5(call, md5));
	TRY(read_sum(call, &kind, &value));
	if (kind == CHECKSUM_NONE)
		kind = follows;
	if (kind == CHECKSUM_NONE && algorithm)
		kind = checksum_kind_of(bytes_of(algorithm));
	if (kind == CHECKSUM_NONE)
		kind = otherwise;
	TRY(create(call, kind, &intake));
	snprintf(intake->wanted_md5, sizeof intake->wanted_md5, "%s", md5);
	snprintf(intake->wanted_sum, sizeof intake->wanted_sum, "%s", value);
	intake->sum_follows = !value[0] && follows != CHECKSUM_NONE;
	return ERR_OK;
}

err_t s3_intake_copy(struct api_call *call, const json_t *pieces, uint64_t first, uint64_t length,
		     enum checksum_kind kind)
{
	struct s3_intake *intake;

	TRY(create(call, kind, &intake));
	TRY(s3_source_open(s3_of(call), pieces, first, length, &intake->source));
	intake->copies = true;
	return ERR_OK;
}

err_t s3_intake_link(struct api_call *call, const json_t *pieces, uint64_t bytes)
{
	struct s3_intake *intake;
	err_t err;

	TRY(s3_intake_copy(call, pieces, 0, bytes, CHECKSUM_NONE));
	intake = s3_intake_of(call);
	intake->bytes = bytes;
	intake->links = calloc(intake->source.count + 1, sizeof *intake->links);
	if (!intake->links)
		return ERR_NOMEM;
	for (size_t i = 0; i < intake->source.count; i++) {
		files_new_id(intake->links[i]);
		err = files_hold(intake->s3->files, intake->links[i]);
		if (err) {
			intake->links[i][0] = '\0';
			return err;
		}
	}
	return ERR_OK;
}

struct s3_intake *s3_intake_of(struct api_call *call)
{
	return of(call->intake);
}

static err_t keep_one(struct api_call *call, json_t *pieces, const char *file, uint64_t bytes)
{
	TRY(s3_files_keep(call, file));
	return json_array_append_new(pieces, json_pack("[s,I]", file, (json_int_t)bytes))
		       ? ERR_NOMEM
		       : ERR_OK;
}

err_t s3_intake_keep(struct api_call *call, json_t **ret_pieces)
{
	struct s3_intake *intake = s3_intake_of(call);
	json_t *pieces = s3_hold(call, json_array());

	assert(intake->finished);
	if (!pieces)
		return ERR_NOMEM;
	if (!intake->links)
		TRY(keep_one(call, pieces, intake->file, intake->bytes));
	for (size_t i = 0; intake->links && i < intake->source.count; i++)
		TRY(keep_one(call, pieces, intake->links[i], intake->source.pieces[i].bytes));
	intake->kept = true;
	*ret_pieces = pieces;
	return ERR_OK;
}

void s3_intake_forget(struct api_call *call)
{
	if (call->intake)
		s3_intake_of(call)->kept = false;
}
