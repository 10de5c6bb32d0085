/*
 * source: the bytes of an object, which may lie in several files, read in order.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "services/s3/s3_internal.h"

static err_t add_piece(struct s3_source *source, const json_t *piece)
{
	struct s3_piece *into = &source->pieces[source->count];

	snprintf(into->file, sizeof into->file, "%s", json_string_value(json_array_get(piece, 0)));
	into->bytes = (uint64_t)json_integer_value(json_array_get(piece, 1));
	TRY(files_hold(source->files, into->file));
	source->count++;
	return ERR_OK;
}

err_t s3_source_open(struct s3 *s3, const json_t *pieces, uint64_t first, uint64_t length,
		     struct s3_source *ret_source)
{
	struct s3_source source = { .files = s3->files, .left = length, .fd = -1 };
	uint64_t begin = 0;
	err_t err = ERR_OK;

	source.pieces = calloc(json_array_size(pieces) + 1, sizeof *source.pieces);
	if (!source.pieces)
		return ERR_NOMEM;
	for (size_t i = 0; i < json_array_size(pieces) && !err; i++) {
		const json_t *piece = json_array_get(pieces, i);
		uint64_t bytes = (uint64_t)json_integer_value(json_array_get(piece, 1));

		if (length && begin + bytes > first && begin < first + length) {
			if (!source.count)
				source.at = first - begin;
			err = add_piece(&source, piece);
		}
		begin += bytes;
	}
	if (err) {
		s3_source_close(&source);
		return err;
	}
	*ret_source = source;
	return ERR_OK;
}

static err_t read_some(struct s3_source *source, char *at, size_t room, size_t *ret_len)
{
	const struct s3_piece *piece = &source->pieces[source->index];
	ssize_t got;

	if (source->fd < 0)
		TRY(file_open_read(source->files, piece->file, &source->fd));
	do {
		got = pread(source->fd, at, room, (off_t)source->at);
	} while (got < 0 && errno == EINTR);
	if (got <= 0) {
		log_error("s3", "the file %s cannot be read at %llu: %s", piece->file,
			  (unsigned long long)source->at,
			  got ? strerror(errno) : "it is too short");
		return ERR_SYSTEM;
	}
	*ret_len = (size_t)got;
	return ERR_OK;
}

err_t s3_source_read(struct s3_source *source, char *at, size_t room, size_t *ret_len)
{
	const struct s3_piece *piece = &source->pieces[source->index];
	uint64_t here;

	assert(source->left && source->index < source->count);
	here = piece->bytes - source->at;
	if (room > here)
		room = (size_t)here;
	if (room > source->left)
		room = (size_t)source->left;
	TRY(read_some(source, at, room, ret_len));
	source->at += *ret_len;
	source->left -= *ret_len;
	if (source->at == piece->bytes) {
		close(source->fd);
		source->fd = -1;
		source->index++;
		source->at = 0;
	}
	return ERR_OK;
}

void s3_source_close(struct s3_source *source)
{
	if (source->fd >= 0)
		close(source->fd);
	for (size_t i = 0; i < source->count; i++)
		files_release(source->files, source->pieces[i].file);
	free(source->pieces);
	*source = (struct s3_source){ .fd = -1 };
}

/* ---- As an answer's body ---- */

struct outlet {
	struct api_outlet base;
	struct s3_source source;
};

static err_t outlet_read(struct api_outlet *base, char *at, size_t room, size_t *ret_len)
{
	return s3_source_read(&container_of(base, struct outlet, base)->source, at, room, ret_len);
}

static void outlet_close(struct api_outlet *base)
{
	struct outlet *outlet = container_of(base, struct outlet, base);

	s3_source_close(&outlet->source);
	free(outlet);
}

err_t s3_outlet_create(struct s3 *s3, const json_t *pieces, uint64_t first, uint64_t length,
		       struct api_outlet **ret_outlet)
{
	static const struct api_outlet_ops ops = { outlet_read, outlet_close };
	struct outlet *outlet = calloc(1, sizeof *outlet);
	err_t err;

	if (!outlet)
		return ERR_NOMEM;
	outlet->base.ops = &ops;
	outlet->base.length = length;
	err = s3_source_open(s3, pieces, first, length, &outlet->source);
	if (err) {
		free(outlet);
		return err;
	}
	*ret_outlet = &outlet->base;
	return ERR_OK;
}
