/*
 * multipart: the parts of a multipart/form-data body (RFC 7578). Pure: slices of the body.
 */
#ifndef RAG_API_MULTIPART_H
#define RAG_API_MULTIPART_H

#include "base/bytes.h"

enum { MULTIPART_PARTS_MAX = 256, MULTIPART_HEAD_MAX = 8192 };

struct multipart_part {
	struct bytes name, filename; /* as sent; filename empty: a field */
	struct bytes media_type;     /* may be empty */
	struct bytes data;
	bool is_file; /* it had a filename, be it an empty one */
};

struct multipart {
	struct bytes rest, boundary;
	unsigned parts;
	bool began;
};

/* ERR_SYNTAX: that content type has no fit boundary. */
err_t multipart_begin(struct multipart *m, struct bytes content_type, struct bytes body);

/* ERR_NOT_FOUND after the last part; ERR_SYNTAX; ERR_LIMIT: too many. */
err_t multipart_next(struct multipart *m, struct multipart_part *ret_part);

#endif
