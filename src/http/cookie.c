#include "http/cookie.h"

/* "name=value" at its first '='; false without one. */
static bool split_pair(struct bytes pair, struct bytes *ret_name, struct bytes *ret_value)
{
	size_t equals = bytes_index(pair, '=');

	if (equals == SIZE_MAX)
		return false;
	*ret_name = bytes_trim(bytes_upto(pair, equals));
	*ret_value = bytes_trim(bytes_from(pair, equals + 1));
	return true;
}

struct bytes cookie_find(const struct http_head *head, struct bytes name)
{
	for (unsigned i = 0; i < head->field_count; i++) {
		struct bytes rest = head->fields[i].value, pair, found, value;

		if (!bytes_eq_nocase(head->fields[i].name, BYTES("cookie")))
			continue;
		while (bytes_cut(&rest, ';', &pair))
			if (split_pair(pair, &found, &value) && bytes_eq(found, name))
				return value;
	}
	return BYTES_NONE;
}

err_t cookie_parse_set(struct bytes set_cookie, struct bytes *ret_name, struct bytes *ret_value)
{
	struct bytes pair = bytes_upto(set_cookie, bytes_index(set_cookie, ';')), name, value;

	if (!split_pair(pair, &name, &value) || !name.len)
		return ERR_SYNTAX;
	*ret_name = name;
	*ret_value = value;
	return ERR_OK;
}
