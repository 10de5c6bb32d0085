#include "rag/doc/content_list.h"

#include "base/encode.h"
#include "rag/doc/markup.h"
#include "rag/doc/parse.h"

enum { CAPTION_MAX_BYTES = 64 * 1024, IMAGE_MAX_BYTES = 32 * 1024 * 1024 };

static struct bytes string_of(const json_t *item, const char *name)
{
	const json_t *value = json_object_get(item, name);

	return json_is_string(value)
		       ? bytes_make(json_string_value(value), json_string_length(value))
		       : BYTES_NONE;
}

static struct bytes first_of(const json_t *item, const char *const *names)
{
	struct bytes value = BYTES_NONE;

	for (; *names && value.len == 0; names++)
		value = string_of(item, *names);
	return value;
}

/* A string, or strings of a list, joined. */
static void caption(struct text *out, const json_t *item, const char *const *names)
{
	json_t *one;
	size_t i;

	text_clear(out);
	for (; *names && out->len == 0; names++) {
		const json_t *value = json_object_get(item, *names);

		text_add(out, string_of(item, *names));
		json_array_foreach (value, i, one)
			if (json_is_string(one)) {
				text_add_str(out, out->len ? " " : "");
				text_add_str(out, json_string_value(one));
			}
	}
}

bool content_list_looks(const json_t *root)
{
	static const char *const types[] = { "text", "image", "table", "equation" };
	struct bytes type = string_of(json_array_get(root, 0), "type");

	for (size_t i = 0; i < COUNT(types); i++)
		if (bytes_eq_str(type, types[i]))
			return true;
	return false;
}

/* ---- Tables: rows, HTML, Markdown or comma-separated ---- */

static void rows_of_json(struct builder *b, const json_t *rows)
{
	struct text words = TEXT_INIT(CAPTION_MAX_BYTES);
	json_t *row, *cell;
	size_t i, k;

	json_array_foreach (rows, i, row) {
		json_array_foreach (row, k, cell) {
			text_clear(&words);
			if (json_is_string(cell))
				text_add_str(&words, json_string_value(cell));
			else if (json_is_integer(cell))
				text_printf(&words, "%lld", (long long)json_integer_value(cell));
			else if (json_is_real(cell))
				text_printf(&words, "%.10g", json_real_value(cell));
			builder_cell(b, text_bytes(&words));
		}
		builder_row_end(b);
	}
	text_fini(&words);
}

/* "| a | b |" or "a,b", line by line; the row of dashes is none. */
static void rows_of_text(struct builder *b, struct bytes body)
{
	char separator = bytes_index(body, '|') != SIZE_MAX ? '|' : ',';
	struct bytes line, cell;

	while (bytes_cut(&body, '\n', &line)) {
		size_t dashes = 0;

		line = bytes_trim(line);
		for (size_t i = 0; i < line.len; i++)
			dashes += strchr("|-: \r", line.at[i]) != NULL;
		if (line.len == 0 || (dashes == line.len && separator == '|'))
			continue;
		if (separator == '|' && line.at[0] == '|')
			line = bytes_from(line, 1);
		if (separator == '|' && line.len && line.at[line.len - 1] == '|')
			line.len--;
		while (bytes_cut(&line, separator, &cell))
			builder_cell(b, cell);
		builder_row_end(b);
	}
}

static void rows_of_html(struct builder *b, const xmlNode *node, unsigned depth)
{
	struct text words = TEXT_INIT(CAPTION_MAX_BYTES);

	for (const xmlNode *n = node->children; n && depth < 12; n = n->next) {
		if (!xml_is(n, "tr")) {
			if (n->type == XML_ELEMENT_NODE)
				rows_of_html(b, n, depth + 1);
			continue;
		}
		for (const xmlNode *c = n->children; c; c = c->next) {
			if (!xml_is(c, "td") && !xml_is(c, "th"))
				continue;
			text_clear(&words);
			xml_text(c, &words);
			builder_cell(b, text_bytes(&words));
		}
		builder_row_end(b);
	}
	text_fini(&words);
}

static void add_table(struct builder *b, const json_t *item)
{
	static const char *const captions[] = { "table_caption", "caption", NULL };
	static const char *const notes[] = { "table_footnote", "footnote", NULL };
	static const char *const bodies[] = { "table_body", "table_data", "content", NULL };
	const json_t *rows = json_object_get(item, "table_data");
	struct bytes body = first_of(item, bodies);
	struct text words = TEXT_INIT(CAPTION_MAX_BYTES), note = TEXT_INIT(CAPTION_MAX_BYTES);
	xmlDoc *tree = bytes_find(body, BYTES("<t")) != SIZE_MAX ? xml_open_html(body) : NULL;

	caption(&words, item, captions);
	caption(&note, item, notes);
	builder_table_begin(b);
	if (json_is_array(rows) || json_is_array(json_object_get(item, "table_body")))
		rows_of_json(b, json_is_array(rows) ? rows : json_object_get(item, "table_body"));
	else if (tree && xmlDocGetRootElement(tree))
		rows_of_html(b, xmlDocGetRootElement(tree), 0);
	else
		rows_of_text(b, body);
	builder_table_end(b, text_bytes(&words), text_bytes(&note));
	if (tree)
		xmlFreeDoc(tree);
	text_fini(&words);
	text_fini(&note);
}

/* ---- Images ---- */

static const char *image_type(struct bytes data)
{
	const struct parse_input input = { .data = data };
	enum format format = format_sniff(&input);

	return format >= FORMAT_PNG && format <= FORMAT_WEBP ? format_media_type(format) : NULL;
}

static struct document_asset *image_data(struct builder *b, const json_t *item)
{
	struct bytes data = string_of(item, "data"), kept;
	struct text raw = TEXT_INIT(IMAGE_MAX_BYTES);
	struct document_asset *asset = NULL;
	size_t comma = bytes_index(bytes_upto(data, 100), ',');

	if (comma != SIZE_MAX && bytes_starts(data, BYTES("data:")))
		data = bytes_from(data, comma + 1);
	if (data.len && decode_base64(&raw, data) == ERR_OK && !text_err(&raw) &&
	    image_type(text_bytes(&raw)) && arena_copy(b->arena, text_bytes(&raw), &kept) == ERR_OK)
		asset = builder_asset(b, kept, image_type(kept));
	text_fini(&raw);
	return asset;
}

static void add_image(struct builder *b, const json_t *item)
{
	static const char *const captions[] = { "image_caption", "img_caption", "caption", NULL };
	static const char *const notes[] = { "image_footnote", "img_footnote", "footnote", NULL };
	static const char *const contents[] = { "content", "ocr_text", "text", NULL };
	struct text words = TEXT_INIT(CAPTION_MAX_BYTES), note = TEXT_INIT(CAPTION_MAX_BYTES);
	struct document_asset *asset = image_data(b, item);
	struct bytes content = first_of(item, contents);

	caption(&words, item, captions);
	caption(&note, item, notes);
	if (!asset && string_of(item, "img_path").len && !b->err)
		b->err = document_warn(b->arena, &b->document,
				       "An image by path is not opened: send its bytes as data.");
	if (words.len == 0 && content.len == 0 && asset)
		text_add_str(&words, "Image");
	builder_image(b, asset, content, text_bytes(&words), text_bytes(&note));
	text_fini(&words);
	text_fini(&note);
}

/* ---- The rest ---- */

static void add_equation(struct builder *b, const json_t *item)
{
	static const char *const names[] = { "latex", "equation", NULL };
	static const char *const captions[] = { "equation_caption", "caption", NULL };
	struct text words = TEXT_INIT(CAPTION_MAX_BYTES);

	caption(&words, item, captions);
	builder_equation(b, first_of(item, names), string_of(item, "text"), text_bytes(&words));
	text_fini(&words);
}

static void add_text(struct builder *b, const json_t *item)
{
	const json_t *level = json_object_get(item, "text_level");
	struct bytes words = string_of(item, "text");
	json_int_t number = json_is_integer(level) ? json_integer_value(level) : 0;

	if (number >= 1 && number <= DOCUMENT_SECTION_DEPTH) {
		if (number == 1)
			builder_title(b, words);
		builder_heading(b, (unsigned)number, words, BYTES_NONE);
	} else {
		builder_text(b, BLOCK_TEXT, words);
	}
}

void content_list_add(struct builder *b, const json_t *items)
{
	static const char *const contents[] = { "content", "text", NULL };
	json_t *item;
	size_t i;

	json_array_foreach (items, i, item) {
		struct bytes type = string_of(item, "type");
		const json_t *page = json_object_get(item, "page_idx");

		if (json_is_integer(page) && json_integer_value(page) >= 0 &&
		    json_integer_value(page) < 1000000)
			builder_page(b, (uint32_t)json_integer_value(page) + 1);
		if (bytes_eq_str(type, "table"))
			add_table(b, item);
		else if (bytes_eq_str(type, "image"))
			add_image(b, item);
		else if (bytes_eq_str(type, "equation"))
			add_equation(b, item);
		else if (bytes_eq_str(type, "text"))
			add_text(b, item);
		else
			builder_text(b, BLOCK_TEXT, first_of(item, contents));
	}
}

err_t content_list_read(const struct parse_input *input, struct arena *arena,
			struct document *ret_document, struct parse_why *ret_why)
{
	struct builder *b = arena_new(arena, struct builder);
	json_t *items;
	err_t err;

	if (!b)
		return ERR_NOMEM;
	if (!json_depth_is_fine(input->data) ||
	    !(items = json_loadb(input->data.at, input->data.len, 0, NULL)))
		return parse_refuse(ret_why, "malformed", "The content list is no JSON.");
	builder_init(b, arena, input->file);
	content_list_add(b, items);
	json_decref(items);
	err = builder_finish(b, ret_document);
	builder_fini(b);
	return err;
}
