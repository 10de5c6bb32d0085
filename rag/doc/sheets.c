/*
 * Workbooks and slides (ISO/IEC 29500): each sheet a table under its name, each slide a page.
 */
#include <stdio.h>
#include <stdlib.h>

#include "rag/doc/archive.h"

enum { CELL_MAX_BYTES = 1024 * 1024, ROWS_A_TABLE = 2000, STRINGS_MAX = 2000000 };

struct office {
	struct archive *archive;
	struct builder *builder;
	struct parse_why *why;
	struct bytes *strings; /* of a workbook, shared by its cells */
	size_t string_count;
	struct text words;
};

static err_t office_open(struct office *o, const struct parse_input *input, struct arena *arena,
			 struct parse_why *why)
{
	*o = (struct office){ .why = why, .builder = arena_new(arena, struct builder) };
	if (!o->builder)
		return ERR_NOMEM;
	TRY(archive_open(input->data, &o->archive, why));
	builder_init(o->builder, arena, input->file);
	text_init(&o->words, CELL_MAX_BYTES);
	return ERR_OK;
}

static err_t office_close(struct office *o, err_t err, struct document *ret_document)
{
	if (!err)
		err = builder_finish(o->builder, ret_document);
	text_fini(&o->words);
	builder_fini(o->builder);
	archive_close(o->archive);
	return err;
}

/* ---- Workbooks ---- */

static err_t strings_read(struct office *o)
{
	xmlDoc *tree;
	size_t cap = 0;
	err_t err = archive_xml(o->archive, "xl/sharedStrings.xml", &tree, o->why);

	if (err)
		return err == ERR_NOT_FOUND ? ERR_OK : err;
	for (const xmlNode *s = xml_child(xmlDocGetRootElement(tree), "si"); s && cap < STRINGS_MAX;
	     s = xml_next(s, "si"))
		cap++;
	o->strings = arena_array(o->builder->arena, cap + 1, sizeof *o->strings);
	err = o->strings ? ERR_OK : ERR_NOMEM;
	for (const xmlNode *s = xml_child(xmlDocGetRootElement(tree), "si");
	     s && !err && o->string_count < cap; s = xml_next(s, "si")) {
		text_clear(&o->words);
		xml_text(s, &o->words);
		err = arena_copy(o->builder->arena, text_bytes(&o->words),
				 &o->strings[o->string_count++]);
	}
	xmlFreeDoc(tree);
	return err;
}

/* "BC12" is in column 54, counted from 0. */
static unsigned column_of(struct bytes reference)
{
	unsigned column = 0;

	for (size_t i = 0;
	     i < reference.len && reference.at[i] >= 'A' && reference.at[i] <= 'Z' && i < 3; i++)
		column = column * 26 + (unsigned)(reference.at[i] - 'A') + 1;
	return column ? column - 1 : 0;
}

static void cell_words(struct office *o, const xmlNode *cell)
{
	struct bytes type = xml_attribute(cell, "t");
	uint64_t number;

	text_clear(&o->words);
	if (bytes_eq_str(type, "inlineStr")) {
		xml_text(xml_child(cell, "is"), &o->words);
		return;
	}
	xml_text(xml_child(cell, "v"), &o->words);
	if (bytes_eq_str(type, "s")) {
		bool known = !bytes_to_u64(bytes_trim(text_bytes(&o->words)), SIZE_MAX, &number) &&
			     number < o->string_count;

		text_clear(&o->words);
		if (known)
			text_add(&o->words, o->strings[number]);
	} else if (bytes_eq_str(type, "b")) {
		bool yes = o->words.len && o->words.at[0] == '1';

		text_clear(&o->words);
		text_add_str(&o->words, yes ? "TRUE" : "FALSE");
	}
}

static void row_walk(struct office *o, const xmlNode *row)
{
	unsigned column = 0;

	for (const xmlNode *c = xml_child(row, "c"); c; c = xml_next(c, "c")) {
		unsigned wanted = column_of(xml_attribute(c, "r"));

		for (; column < wanted && column < BUILDER_CELLS_MAX; column++)
			builder_cell(o->builder, BYTES_NONE);
		cell_words(o, c);
		builder_cell(o->builder, text_bytes(&o->words));
		column++;
	}
	builder_row_end(o->builder);
}

/* "Prices, rows 2 to 2001": where in a large sheet a table stands. */
static void table_end(struct office *o, struct bytes name, unsigned from, unsigned to)
{
	char *caption = arena_printf(o->builder->arena, "%.*s, rows %u to %u", BYTES_ARG(name),
				     from, to);

	builder_table_end(o->builder, bytes_of(caption), BYTES_NONE);
}

static void sheet_walk(struct office *o, struct bytes name, const xmlNode *data)
{
	const xmlNode *header = xml_child(data, "row");
	unsigned rows = 0, from = 1;

	builder_heading(o->builder, 1, name, BYTES_NONE);
	builder_table_begin(o->builder);
	for (const xmlNode *r = header; r && !o->builder->err; r = xml_next(r, "row")) {
		if (rows && rows % ROWS_A_TABLE == 0) {
			table_end(o, name, from, rows);
			builder_table_begin(o->builder);
			row_walk(o, header);
			from = rows + 1;
		}
		row_walk(o, r);
		rows++;
	}
	table_end(o, name, from, rows);
}

static err_t sheets_read(struct office *o)
{
	xmlDoc *book, *sheet;
	const xmlNode *sheets;
	unsigned number = 0;
	err_t err = archive_xml(o->archive, "xl/workbook.xml", &book, o->why);

	if (err == ERR_NOT_FOUND)
		return parse_refuse(o->why, "malformed", "There is no workbook in it.");
	TRY(err);
	err = strings_read(o);
	sheets = xml_child(xmlDocGetRootElement(book), "sheets");
	for (const xmlNode *s = xml_child(sheets, "sheet"); s && !err; s = xml_next(s, "sheet")) {
		char *part;

		builder_page(o->builder, ++number);
		if (archive_related(o->archive, "xl/workbook.xml", xml_attribute(s, "id"),
				    o->builder->arena, &part) ||
		    archive_xml(o->archive, part, &sheet, o->why))
			continue;
		if (xml_child(xmlDocGetRootElement(sheet), "sheetData"))
			sheet_walk(o, xml_attribute(s, "name"),
				   xml_child(xmlDocGetRootElement(sheet), "sheetData"));
		xmlFreeDoc(sheet);
	}
	xmlFreeDoc(book);
	return err;
}

err_t xlsx_read(const struct parse_input *input, struct arena *arena, struct document *ret_document,
		struct parse_why *ret_why)
{
	struct office o;

	TRY(office_open(&o, input, arena, ret_why));
	return office_close(&o, sheets_read(&o), ret_document);
}

/* ---- Slides ---- */

static void paragraphs_add(struct office *o, const xmlNode *body, bool heading)
{
	for (const xmlNode *p = xml_child(body, "p"); p; p = xml_next(p, "p")) {
		text_clear(&o->words);
		xml_text(p, &o->words);
		if (o->words.len == 0)
			continue;
		if (heading) {
			builder_title(o->builder, text_bytes(&o->words));
			builder_heading(o->builder, 1, text_bytes(&o->words), BYTES_NONE);
		} else {
			builder_text(o->builder, BLOCK_TEXT, text_bytes(&o->words));
		}
	}
}

static void slide_table(struct office *o, const xmlNode *table)
{
	builder_table_begin(o->builder);
	for (const xmlNode *r = xml_child(table, "tr"); r; r = xml_next(r, "tr")) {
		for (const xmlNode *c = xml_child(r, "tc"); c; c = xml_next(c, "tc")) {
			text_clear(&o->words);
			xml_text(c, &o->words);
			builder_cell(o->builder, text_bytes(&o->words));
		}
		builder_row_end(o->builder);
	}
	builder_table_end(o->builder, BYTES_NONE, BYTES_NONE);
}

static void slide_image(struct office *o, const char *part, const xmlNode *picture)
{
	static const char *const named[] = { "nvPicPr", "cNvPr", NULL };
	static const char *const shown[] = { "blipFill", "blip", NULL };
	struct bytes alt = xml_attribute(xml_find(picture, named), "descr");
	struct document_asset *asset = NULL;
	char *name;

	if (archive_related(o->archive, part, xml_attribute(xml_find(picture, shown), "embed"),
			    o->builder->arena, &name) == ERR_OK)
		asset = archive_image(o->archive, o->builder, name);
	if (asset || alt.len)
		builder_image(o->builder, asset, BYTES_NONE, alt.len ? alt : BYTES("Image"),
			      BYTES_NONE);
}

static bool is_title(const xmlNode *shape)
{
	static const char *const path[] = { "nvSpPr", "nvPr", "ph", NULL };
	struct bytes type = xml_attribute(xml_find(shape, path), "type");

	return bytes_eq_str(type, "title") || bytes_eq_str(type, "ctrTitle");
}

static void shapes_walk(struct office *o, const char *part, const xmlNode *tree, unsigned depth)
{
	static const char *const table[] = { "graphic", "graphicData", "tbl", NULL };

	for (const xmlNode *n = depth < 30 ? tree->children : NULL; n; n = n->next) {
		if (xml_is(n, "sp") && xml_child(n, "txBody"))
			paragraphs_add(o, xml_child(n, "txBody"), is_title(n));
		else if (xml_is(n, "graphicFrame") && xml_find(n, table))
			slide_table(o, xml_find(n, table));
		else if (xml_is(n, "pic"))
			slide_image(o, part, n);
		else if (xml_is(n, "grpSp"))
			shapes_walk(o, part, n, depth + 1);
	}
}

static void slide_read(struct office *o, const char *part)
{
	static const char *const path[] = { "cSld", "spTree", NULL };
	struct parse_why ignored;
	const xmlNode *shapes;
	xmlDoc *tree;

	if (archive_xml(o->archive, part, &tree, &ignored))
		return;
	shapes = xml_find(xmlDocGetRootElement(tree), path);
	if (shapes)
		shapes_walk(o, part, shapes, 0);
	xmlFreeDoc(tree);
}

static err_t slides_read(struct office *o)
{
	const xmlNode *list;
	unsigned number = 0;
	xmlDoc *tree;
	err_t err = archive_xml(o->archive, "ppt/presentation.xml", &tree, o->why);

	if (err == ERR_NOT_FOUND)
		return parse_refuse(o->why, "malformed", "There is no presentation in it.");
	TRY(err);
	list = xml_child(xmlDocGetRootElement(tree), "sldIdLst");
	for (const xmlNode *s = xml_child(list, "sldId"); s && !o->builder->err;
	     s = xml_next(s, "sldId")) {
		struct bytes id = BYTES_NONE;
		char *part;

		for (const xmlAttr *a = s->properties; a; a = a->next) /* r:id, and not id */
			if (a->ns && strcmp((const char *)a->name, "id") == 0 && a->children)
				id = bytes_of((const char *)a->children->content);
		builder_page(o->builder, ++number);
		if (archive_related(o->archive, "ppt/presentation.xml", id, o->builder->arena,
				    &part) == ERR_OK)
			slide_read(o, part);
	}
	xmlFreeDoc(tree);
	return ERR_OK;
}

err_t pptx_read(const struct parse_input *input, struct arena *arena, struct document *ret_document,
		struct parse_why *ret_why)
{
	struct office o;

	TRY(office_open(&o, input, arena, ret_why));
	return office_close(&o, slides_read(&o), ret_document);
}
