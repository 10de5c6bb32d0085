#include "services/lambda/names.h"

static bool is_word(struct bytes text, size_t max)
{
	if (!text.len || text.len > max)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = ascii_lower(text.at[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_')
			return false;
	}
	return true;
}

bool lambda_is_version(const char *qualifier)
{
	uint64_t number;

	return strcmp(qualifier, "$LATEST") == 0 ||
	       bytes_to_u64(bytes_of(qualifier), UINT32_MAX, &number) == ERR_OK;
}

static void keep(char *out, struct bytes text)
{
	memcpy(out, text.at, text.len);
	out[text.len] = 0;
}

/* "name" or "name:qualifier" */
static err_t parse_tail(struct bytes text, struct lambda_name *ret_name)
{
	struct bytes rest = text, name;

	if (!bytes_cut(&rest, ':', &name) || !is_word(name, LAMBDA_NAME_BYTES_MAX))
		return ERR_SYNTAX;
	keep(ret_name->name, name);
	ret_name->qualifier[0] = 0;
	if (!rest.at)
		return ERR_OK;
	if (!bytes_eq_str(rest, "$LATEST") && !is_word(rest, LAMBDA_QUALIFIER_BYTES_MAX))
		return ERR_SYNTAX;
	keep(ret_name->qualifier, rest);
	return ERR_OK;
}

static bool takes(struct bytes *rest, const char *word)
{
	struct bytes after = *rest, part;

	if (!bytes_cut(&after, ':', &part) || !after.at || !bytes_eq_str(part, word))
		return false;
	*rest = after;
	return true;
}

/* A part that must be there, and be this. */
static err_t expect(struct bytes *rest, const char *word)
{
	struct bytes part;

	if (!bytes_cut(rest, ':', &part) || !rest->at)
		return ERR_SYNTAX;
	return bytes_eq_str(part, word) ? ERR_OK : ERR_NOT_FOUND;
}

static bool is_account(struct bytes text)
{
	uint64_t number;

	return text.len >= 12 &&
	       bytes_to_u64(bytes_upto(text, 12), UINT64_MAX, &number) == ERR_OK && text.len > 12 &&
	       text.at[12] == ':';
}

err_t lambda_name_parse(struct bytes text, const char *account, const char *region,
			struct lambda_name *ret_name)
{
	struct bytes rest = text;

	if (takes(&rest, "arn")) {
		if (!takes(&rest, "aws") || !takes(&rest, "lambda"))
			return ERR_SYNTAX;
		TRY(expect(&rest, region));
		TRY(expect(&rest, account));
		return takes(&rest, "function") ? parse_tail(rest, ret_name) : ERR_SYNTAX;
	}
	if (is_account(rest))
		TRY(expect(&rest, account));
	takes(&rest, "function");
	return parse_tail(rest, ret_name);
}
