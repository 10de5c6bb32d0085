#include "api/gunzip.h"

#include <zlib.h>

enum { GZIP_WINDOW = 15 + 16 /* the largest window, a gzip header and no other */ };

err_t gunzip(struct bytes body, struct text *out)
{
	z_stream stream = { .next_in = (Bytef *)body.at, .avail_in = (uInt)body.len };
	unsigned char piece[16 * 1024];
	int status;

	assert(body.len <= UINT32_MAX);
	if (inflateInit2(&stream, GZIP_WINDOW) != Z_OK)
		return ERR_NOMEM;
	do {
		stream.next_out = piece;
		stream.avail_out = sizeof piece;
		status = inflate(&stream, Z_NO_FLUSH);
		text_add(out, bytes_make(piece, sizeof piece - stream.avail_out));
	} while (status == Z_OK && !text_err(out));
	inflateEnd(&stream);
	if (text_err(out))
		return text_err(out);
	return status == Z_STREAM_END && stream.avail_in == 0 ? ERR_OK
	       : status == Z_MEM_ERROR			      ? ERR_NOMEM
							      : ERR_SYNTAX;
}

err_t gzip(struct bytes plain, struct text *out)
{
	z_stream stream = { .next_in = (Bytef *)plain.at, .avail_in = (uInt)plain.len };
	unsigned char piece[16 * 1024];
	int status;

	assert(plain.len <= UINT32_MAX);
	if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, 8,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		return ERR_NOMEM;
	do {
		stream.next_out = piece;
		stream.avail_out = sizeof piece;
		status = deflate(&stream, Z_FINISH);
		text_add(out, bytes_make(piece, sizeof piece - stream.avail_out));
	} while (status == Z_OK && !text_err(out));
	deflateEnd(&stream);
	return text_err(out);
}
