/*
 * conditions: conditional requests, ranges, names. Pure.
 */
#include "services/s3/s3_internal.h"

bool s3_etag_listed(struct bytes list, const char *etag)
{
	struct bytes rest = list, item;

	while (bytes_cut(&rest, ',', &item)) {
		item = bytes_trim(item);
		if (bytes_eq_str(item, "*"))
			return true;
		if (bytes_starts(item, BYTES("W/")))
			item = bytes_from(item, 2);
		if (item.len >= 2 && item.at[0] == '"' && item.at[item.len - 1] == '"')
			item = bytes_make(item.at + 1, item.len - 2);
		if (bytes_eq_str(item, etag))
			return true;
	}
	return false;
}

enum s3_condition s3_conditions_hold(const struct s3_conditions *c, const char *etag,
				     uint64_t modified_ms)
{
	/* HTTP's dates are in whole seconds. */
	int64_t modified_s = (int64_t)(modified_ms / 1000);

	if (c->if_match && !s3_etag_listed(bytes_of(c->if_match), etag))
		return S3_FAILED;
	if (!c->if_match && c->unmodified_since_ms >= 0 &&
	    modified_s > c->unmodified_since_ms / 1000)
		return S3_FAILED;
	if (c->if_none_match)
		return s3_etag_listed(bytes_of(c->if_none_match), etag) ? S3_NOT_MODIFIED
									: S3_GO_ON;
	if (c->modified_since_ms >= 0 && modified_s <= c->modified_since_ms / 1000)
		return S3_NOT_MODIFIED;
	return S3_GO_ON;
}

enum s3_range s3_range(struct bytes text, uint64_t size, uint64_t *ret_first, uint64_t *ret_last)
{
	struct bytes rest, first_text, last_text;
	uint64_t first, last;
	size_t dash;

	if (!bytes_starts(text, BYTES("bytes=")))
		return S3_WHOLE;
	rest = bytes_trim(bytes_from(text, 6));
	dash = bytes_index(rest, '-');
	if (dash == SIZE_MAX)
		return S3_WHOLE;
	first_text = bytes_upto(rest, dash);
	last_text = bytes_from(rest, dash + 1);
	if (!first_text.len) {
		if (bytes_to_u64(last_text, UINT64_MAX, &last))
			return S3_WHOLE;
		if (last == 0 || size == 0)
			return S3_UNSATISFIABLE;
		*ret_first = last < size ? size - last : 0;
		*ret_last = size - 1;
		return S3_PART_OF_IT;
	}
	last = UINT64_MAX;
	if (bytes_to_u64(first_text, UINT64_MAX, &first) ||
	    (last_text.len && (bytes_to_u64(last_text, UINT64_MAX, &last) || last < first)))
		return S3_WHOLE;
	if (first >= size)
		return S3_UNSATISFIABLE;
	*ret_first = first;
	*ret_last = last < size ? last : size - 1;
	return S3_PART_OF_IT;
}

static bool is_address(struct bytes name)
{
	unsigned dots = 0;

	for (size_t i = 0; i < name.len; i++) {
		dots += name.at[i] == '.';
		if (name.at[i] != '.' && (name.at[i] < '0' || name.at[i] > '9'))
			return false;
	}
	return dots == 3;
}

/* The rules that AWS has for general purpose buckets. */
bool s3_bucket_name_valid(struct bytes name)
{
	if (name.len < 3 || name.len > 63 || is_address(name) ||
	    bytes_starts(name, BYTES("xn--")) || bytes_ends(name, BYTES("-s3alias")))
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.at[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
		bool edge = i == 0 || i == name.len - 1;

		if (!letter && (edge || (c != '-' && c != '.')))
			return false;
		if (c == '.' && name.at[i - 1] == '.')
			return false;
	}
	return true;
}
