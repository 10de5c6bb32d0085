#include "rag/api/multipart.h"

enum { BOUNDARY_MAX = 70 };

/* The value of `name` in "form-data; name=\"a\"; filename=b"; false when it is not there. */
static bool parameter(struct bytes value, struct bytes name, struct bytes *ret)
{
	size_t at = bytes_index(value, ';');

	while (at != SIZE_MAX && at < value.len) {
		struct bytes rest = bytes_trim(bytes_from(value, at + 1));
		size_t equals = bytes_index(rest, '='), end;
		struct bytes key, found;

		if (equals == SIZE_MAX)
			return false;
		key = bytes_trim(bytes_upto(rest, equals));
		rest = bytes_from(rest, equals + 1);
		if (rest.len && rest.at[0] == '"') {
			for (end = 1; end < rest.len && rest.at[end] != '"'; end++)
				end += rest.at[end] == '\\' && end + 1 < rest.len &&
				       (rest.at[end + 1] == '"' || rest.at[end + 1] == '\\');
			if (end >= rest.len)
				return false;
			found = bytes_make(rest.at + 1, end - 1);
		} else {
			end = bytes_index(rest, ';');
			end = end == SIZE_MAX ? rest.len : end;
			found = bytes_trim(bytes_upto(rest, end));
		}
		if (bytes_eq_nocase(key, name)) {
			*ret = found;
			return true;
		}
		value = bytes_from(rest, end);
		at = bytes_index(value, ';');
	}
	return false;
}

err_t multipart_begin(struct multipart *m, struct bytes content_type, struct bytes body)
{
	*m = (struct multipart){ .rest = body };
	if (!bytes_starts_nocase(content_type, BYTES("multipart/form-data")) ||
	    !parameter(content_type, BYTES("boundary"), &m->boundary) || m->boundary.len == 0 ||
	    m->boundary.len > BOUNDARY_MAX)
		return ERR_SYNTAX;
	return ERR_OK;
}

/* The delimiter at the beginning of `rest`: "--boundary". */
static bool at_delimiter(const struct multipart *m)
{
	return m->rest.len >= m->boundary.len + 2 && m->rest.at[0] == '-' && m->rest.at[1] == '-' &&
	       memcmp(m->rest.at + 2, m->boundary.at, m->boundary.len) == 0;
}

/* Up to "\r\n--boundary", past which *m goes on at "--boundary". */
static err_t take_data(struct multipart *m, struct bytes *ret_data)
{
	struct bytes all = m->rest;
	size_t at = 0;

	for (;;) {
		size_t found = bytes_find(bytes_from(all, at), BYTES("\r\n--"));

		if (found == SIZE_MAX)
			return ERR_SYNTAX;
		at += found;
		m->rest = bytes_from(all, at + 2);
		if (at_delimiter(m))
			break;
		at += 2;
	}
	*ret_data = bytes_upto(all, at);
	return ERR_OK;
}

static err_t read_head(struct bytes head, struct multipart_part *part)
{
	while (head.len) {
		size_t end = bytes_find(head, BYTES("\r\n"));
		struct bytes line = bytes_upto(head, end), name, value;
		size_t colon = bytes_index(line, ':');

		if (colon == SIZE_MAX)
			return ERR_SYNTAX;
		name = bytes_upto(line, colon);
		value = bytes_trim(bytes_from(line, colon + 1));
		if (bytes_eq_nocase(name, BYTES("Content-Disposition"))) {
			(void)parameter(value, BYTES("name"), &part->name);
			part->is_file = parameter(value, BYTES("filename"), &part->filename);
		} else if (bytes_eq_nocase(name, BYTES("Content-Type"))) {
			part->media_type = value;
		}
		head = end == SIZE_MAX ? BYTES_NONE : bytes_from(head, end + 2);
	}
	return ERR_OK;
}

err_t multipart_next(struct multipart *m, struct multipart_part *ret_part)
{
	struct multipart_part part = { .is_file = false };
	size_t end;

	if (!m->began) {
		end = at_delimiter(m) ? 0 : bytes_find(m->rest, BYTES("\r\n--"));
		if (end == SIZE_MAX)
			return ERR_SYNTAX;
		m->rest = bytes_from(m->rest, end ? end + 2 : 0);
		m->began = true;
	}
	if (!at_delimiter(m))
		return ERR_SYNTAX;
	m->rest = bytes_from(m->rest, 2 + m->boundary.len);
	if (bytes_starts(m->rest, BYTES("--")))
		return ERR_NOT_FOUND;
	if (!bytes_starts(m->rest, BYTES("\r\n")))
		return ERR_SYNTAX;
	if (m->parts++ == MULTIPART_PARTS_MAX)
		return ERR_LIMIT;
	m->rest = bytes_from(m->rest, 2);
	end = bytes_find(bytes_upto(m->rest, MULTIPART_HEAD_MAX), BYTES("\r\n\r\n"));
	if (end == SIZE_MAX)
		return ERR_SYNTAX;
	TRY(read_head(bytes_upto(m->rest, end), &part));
	m->rest = bytes_from(m->rest, end + 2); /* an empty part's data begins with its end */
	if (bytes_starts(m->rest, BYTES("\r\n--"))) {
		struct multipart look = *m;

		look.rest = bytes_from(m->rest, 2);
		if (at_delimiter(&look)) {
			*m = look;
			part.data = BYTES_NONE;
			*ret_part = part;
			return ERR_OK;
		}
	}
	m->rest = bytes_from(m->rest, 2);
	TRY(take_data(m, &part.data));
	*ret_part = part;
	return ERR_OK;
}
