#include "rag/retrieve/items.h"

#include <stdio.h>

static const char *const types[] = { "image", "table", "equation", "text" };
static const char *const media_types[] = { "image/png", "image/jpeg", "image/webp", "image/gif" };

static err_t refuse(char ret_field[80], struct text *why, size_t at, const char *member,
		    const char *words)
{
	snprintf(ret_field, 80, "/multimodal_content/%zu%s", at, member);
	text_add_str(why, words);
	return ERR_INVALID;
}

static bool is_one_of(const json_t *value, const char *const list[], size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (json_is_string(value) && strcmp(json_string_value(value), list[i]) == 0)
			return true;
	return false;
}

static bool is_type(const json_t *item, const char *type)
{
	return is_one_of(json_object_get(item, "type"), &type, 1);
}

static err_t check_image(const json_t *item, size_t at, char ret_field[80], struct text *why)
{
	const json_t *asset = json_object_get(item, "asset_id");
	const json_t *data = json_object_get(item, "data");

	if (json_object_get(item, "img_path"))
		return refuse(ret_field, why, at, "/img_path",
			      "Files are not opened by path: send data or asset_id.");
	if (!json_is_string(asset) && !json_is_string(data))
		return refuse(ret_field, why, at, "", "An image has data (base64) or asset_id.");
	if (data &&
	    !is_one_of(json_object_get(item, "media_type"), media_types, COUNT(media_types)))
		return refuse(ret_field, why, at, "/media_type",
			      "media_type must be image/png, image/jpeg, image/webp or image/gif.");
	return ERR_OK;
}

static err_t check_item(const json_t *item, size_t at, char ret_field[80], struct text *why)
{
	const json_t *table = json_object_get(item, "table_data");

	if (!json_is_object(item) || !is_one_of(json_object_get(item, "type"), types, COUNT(types)))
		return refuse(ret_field, why, at, "/type",
			      "type must be image, table, equation or text.");
	if (is_type(item, "image"))
		return check_image(item, at, ret_field, why);
	if (is_type(item, "table") && !json_is_string(table) && !json_is_array(table))
		return refuse(ret_field, why, at, "/table_data",
			      "table_data must be a string or a list of rows.");
	if (is_type(item, "equation") && !json_is_string(json_object_get(item, "latex")))
		return refuse(ret_field, why, at, "/latex", "latex must be a string.");
	if (is_type(item, "text") && !json_is_string(json_object_get(item, "text")))
		return refuse(ret_field, why, at, "/text", "text must be a string.");
	return ERR_OK;
}

err_t items_check(const json_t *items, char ret_field[80], struct text *why)
{
	const json_t *item;
	size_t i;

	if (!json_is_array(items) || json_array_size(items) > ITEMS_MAX) {
		snprintf(ret_field, 80, "/multimodal_content");
		text_add_str(why, "multimodal_content must be a list of at most 20 items.");
		return ERR_INVALID;
	}
	json_array_foreach (items, i, item)
		TRY(check_item(item, i, ret_field, why));
	return ERR_OK;
}

/* ---- As words ---- */

/* Whole words only, and no more than there is room for. */
static void say(struct text *out, struct bytes words)
{
	size_t room = out->len < ITEMS_WORDS_MAX_BYTES ? ITEMS_WORDS_MAX_BYTES - out->len : 0;

	if (words.len > room) {
		words.len = room;
		while (words.len && words.at[words.len - 1] != ' ')
			words.len--;
	}
	if (words.len) {
		text_add(out, words);
		text_add_str(out, ". ");
	}
}

static void say_value(struct text *out, const json_t *value)
{
	const json_t *one;
	size_t i;

	if (json_is_string(value))
		say(out, bytes_make(json_string_value(value), json_string_length(value)));
	json_array_foreach (value, i, one)
		if (json_is_string(one))
			say_value(out, one);
}

/* "a | b | c" or "a,b,c": the header whole, of other rows the first cell. */
static void say_lines(struct text *out, struct bytes table)
{
	struct bytes line, cell;
	unsigned row = 0;

	while (row < ITEM_ROWS_MAX && bytes_cut(&table, '\n', &line)) {
		char separator = bytes_index(line, '|') != SIZE_MAX ? '|' : ',';
		bool first = true;

		while (bytes_cut(&line, separator, &cell)) {
			cell = bytes_trim(cell);
			if (cell.len == 0 || cell.at[0] == '-' || cell.at[0] == ':')
				continue;
			if (row == 0 || first)
				say(out, cell);
			first = false;
		}
		row++;
	}
}

static void say_rows(struct text *out, const json_t *rows)
{
	const json_t *row;
	size_t i;

	json_array_foreach (rows, i, row) {
		if (i == 0)
			say_value(out, row);
		else if (i < ITEM_ROWS_MAX)
			say_value(out, json_is_array(row) ? json_array_get(row, 0) : row);
	}
}

/* Names in an equation; "\frac" and braces say nothing. */
static void say_latex(struct text *out, struct bytes latex)
{
	struct text words = TEXT_INIT(ITEMS_WORDS_MAX_BYTES);

	for (size_t i = 0; i < latex.len; i++) {
		char c = latex.at[i];

		if (c == '\\') {
			while (i + 1 < latex.len && ascii_lower(latex.at[i + 1]) >= 'a' &&
			       ascii_lower(latex.at[i + 1]) <= 'z')
				i++;
			c = ' ';
		}
		text_add_char(&words, strchr("{}^_&$", c) ? ' ' : c);
	}
	if (!text_err(&words))
		say(out, text_bytes(&words));
	text_fini(&words);
}

static void say_item(const json_t *item, item_picture_fn picture, void *owner, struct text *out)
{
	static const char *const members[] = { "image_caption",	   "img_caption",
					       "image_footnote",   "table_caption",
					       "table_footnote",   "ocr_text",
					       "equation_caption", "text" };
	const json_t *table = json_object_get(item, "table_data");
	const json_t *latex = json_object_get(item, "latex");

	for (size_t i = 0; i < COUNT(members); i++)
		say_value(out, json_object_get(item, members[i]));
	if (json_is_string(table))
		say_lines(out, bytes_make(json_string_value(table), json_string_length(table)));
	else if (json_is_array(table))
		say_rows(out, table);
	if (json_is_string(latex))
		say_latex(out, bytes_make(json_string_value(latex), json_string_length(latex)));
	if (is_type(item, "image"))
		picture(owner, item, out);
}

void items_words(const json_t *items, item_picture_fn picture, void *owner, struct text *out)
{
	const json_t *item;
	size_t i;

	json_array_foreach (items, i, item)
		say_item(item, picture, owner, out);
}
