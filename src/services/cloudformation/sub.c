/*
 * sub: texts with names in them, addresses in blocks, and values as texts.
 */
#include <stdio.h>

#include "net/address.h"
#include "services/cloudformation/evaluate.h"

err_t sub_each(struct bytes text, err_t (*plain)(void *owner, struct bytes text),
	       err_t (*name)(void *owner, struct bytes name), void *owner)
{
	while (text.len) {
		size_t at = bytes_find(text, BYTES("${")), end;
		struct bytes rest;

		if (at == SIZE_MAX)
			return plain(owner, text);
		if (at)
			TRY(plain(owner, bytes_upto(text, at)));
		rest = bytes_from(text, at + 2);
		end = bytes_index(rest, '}');
		if (end == SIZE_MAX)
			return ERR_SYNTAX;
		if (rest.at[0] == '!') { /* ${!Literal} is the text ${Literal} */
			TRY(plain(owner, BYTES("${")));
			TRY(plain(owner, bytes_make(rest.at + 1, end)));
		} else {
			TRY(name(owner, bytes_trim(bytes_upto(rest, end))));
		}
		text = bytes_from(rest, end + 1);
	}
	return ERR_OK;
}

err_t scalar_text(const json_t *value, struct text *out)
{
	char number[64];

	if (json_is_string(value)) {
		text_add(out, bytes_make(json_string_value(value), json_string_length(value)));
	} else if (json_is_boolean(value)) {
		text_add_str(out, json_is_true(value) ? "true" : "false");
	} else if (json_is_integer(value)) {
		snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
		text_add_str(out, number);
	} else if (json_is_real(value)) {
		snprintf(number, sizeof number, "%.15g", json_real_value(value));
		text_add_str(out, number);
	} else {
		return ERR_INVALID;
	}
	return text_err(out);
}

/* ---- Addresses ---- */

/* Adds `value` shifted left by `shift` bits to a big-endian number; false on overflow. */
static bool add_shifted(unsigned char *number, size_t bytes, uint64_t value, unsigned shift)
{
	unsigned carry = 0;

	for (size_t i = bytes; i-- > 0;) {
		unsigned low = (unsigned)(bytes - 1 - i) * 8; /* this byte's lowest bit */
		unsigned add = carry;

		for (unsigned bit = 0; bit < 8; bit++)
			if (low + bit >= shift && low + bit - shift < 64 &&
			    (value >> (low + bit - shift) & 1))
				add += 1u << bit;
		add += number[i];
		number[i] = (unsigned char)add;
		carry = add >> 8;
	}
	return carry == 0;
}

static err_t format_block(const struct address *base, uint64_t index, unsigned bits, json_t **ret)
{
	struct address address = *base;
	size_t bytes = base->family == 6 ? 16 : 4;
	char text[ADDRESS_TEXT_BYTES], block[ADDRESS_TEXT_BYTES + 8];

	if (!add_shifted(address.ip, bytes, index, bits))
		return ERR_RANGE;
	address_format_ip(&address, text);
	snprintf(block, sizeof block, "%s/%zu", text, bytes * 8 - bits);
	*ret = json_string(block);
	return *ret ? ERR_OK : ERR_NOMEM;
}

err_t cidr_blocks(struct bytes range, uint64_t count, uint64_t bits, json_t **ret_list)
{
	struct cidr cidr;
	unsigned width;
	json_t *list, *block;
	err_t err;

	TRY(cidr_parse(range, &cidr));
	width = cidr.base.family == 6 ? 128 : 32;
	if (!count || count > 256 || !bits || bits + cidr.bits > width)
		return ERR_RANGE;
	if (width - cidr.bits - bits < 9 && count > 1u << (width - cidr.bits - bits))
		return ERR_RANGE;
	list = json_array();
	if (!list)
		return ERR_NOMEM;
	for (uint64_t i = 0; i < count; i++) {
		err = format_block(&cidr.base, i, (unsigned)bits, &block);
		if (!err && json_array_append_new(list, block))
			err = ERR_NOMEM;
		if (err) {
			json_decref(list);
			return err;
		}
	}
	*ret_list = list;
	return ERR_OK;
}
