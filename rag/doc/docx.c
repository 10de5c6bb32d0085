/*
 * Word documents (ISO/IEC 29500, WordprocessingML): paragraphs by their styles, lists, tables,
 * images, equations, footnotes.
 */
#include <stdlib.h>

#include "rag/doc/archive.h"

enum { STYLES_MAX = 500, PARA_MAX_BYTES = 8 * 1024 * 1024 };

struct style {
	struct bytes id;
	unsigned level; /* of its headings; 0: none */
	bool is_title;
};

struct docx {
	struct archive *archive;
	struct builder *builder;
	const char *part;
	struct style styles[STYLES_MAX];
	unsigned style_count;
	struct text para;
	unsigned depth;
};

/* ---- Styles ---- */

static unsigned level_of_name(struct bytes name)
{
	if (bytes_starts_nocase(name, BYTES("heading ")) && name.len == 9 && name.at[8] >= '1' &&
	    name.at[8] <= '9')
		return (unsigned)(name.at[8] - '0');
	return 0;
}

static unsigned outline_level(const xmlNode *properties)
{
	struct bytes value = xml_attribute(xml_child(properties, "outlineLvl"), "val");

	return value.len == 1 && value.at[0] >= '0' && value.at[0] <= '8'
		       ? (unsigned)(value.at[0] - '0') + 1
		       : 0;
}

static void styles_read(struct docx *d)
{
	struct parse_why ignored;
	xmlDoc *tree;

	if (archive_xml(d->archive, "word/styles.xml", &tree, &ignored))
		return;
	for (const xmlNode *s = xml_child(xmlDocGetRootElement(tree), "style");
	     s && d->style_count < STYLES_MAX && !d->builder->err; s = xml_next(s, "style")) {
		struct bytes name = xml_attribute(xml_child(s, "name"), "val");
		struct style *style = &d->styles[d->style_count++];
		unsigned level = level_of_name(name);

		style->level = level ? level : outline_level(xml_child(s, "pPr"));
		style->is_title = bytes_eq_nocase(name, BYTES("title"));
		d->builder->err = arena_copy(d->builder->arena, xml_attribute(s, "styleId"),
					     &style->id);
	}
	xmlFreeDoc(tree);
}

static struct style style_of(const struct docx *d, const xmlNode *properties)
{
	struct bytes id = xml_attribute(xml_child(properties, "pStyle"), "val");
	struct style none = { .level = outline_level(properties) };

	for (unsigned i = 0; i < d->style_count && id.len; i++)
		if (bytes_eq(d->styles[i].id, id)) {
			struct style style = d->styles[i];

			style.level = none.level ? none.level : style.level;
			return style;
		}
	return none;
}

/* ---- Runs ---- */

static void image_add(struct docx *d, const xmlNode *drawing);

static void runs_walk(struct docx *d, const xmlNode *node)
{
	if (d->depth++ > XML_DEPTH_MAX) {
		d->depth--;
		return;
	}
	for (const xmlNode *n = node->children; n; n = n->next) {
		if (n->type != XML_ELEMENT_NODE || xml_is(n, "del") || xml_is(n, "instrText") ||
		    xml_is(n, "pPr") || xml_is(n, "rPr") || xml_is(n, "Fallback"))
			continue;
		if (xml_is(n, "t"))
			xml_text(n, &d->para);
		else if (xml_is(n, "tab") || xml_is(n, "br") || xml_is(n, "cr"))
			text_add_char(&d->para, ' ');
		else if (xml_is(n, "noBreakHyphen"))
			text_add_char(&d->para, '-');
		else if (xml_is(n, "drawing") || xml_is(n, "pict"))
			image_add(d, n);
		else
			runs_walk(d, n);
	}
	d->depth--;
}

static const xmlNode *find_below(const xmlNode *node, const char *name, unsigned depth)
{
	for (const xmlNode *n = depth < 30 ? node->children : NULL; n; n = n->next) {
		const xmlNode *found;

		if (xml_is(n, name))
			return n;
		found = n->type == XML_ELEMENT_NODE ? find_below(n, name, depth + 1) : NULL;
		if (found)
			return found;
	}
	return NULL;
}

static void image_add(struct docx *d, const xmlNode *drawing)
{
	const xmlNode *blip = find_below(drawing, "blip", 0),
		      *words = find_below(drawing, "docPr", 0);
	struct bytes alt = xml_attribute(words, "descr");
	struct document_asset *asset = NULL;
	char *name;

	if (!alt.len)
		alt = xml_attribute(words, "title");
	if (blip && archive_related(d->archive, d->part, xml_attribute(blip, "embed"),
				    d->builder->arena, &name) == ERR_OK)
		asset = archive_image(d->archive, d->builder, name);
	if (asset || alt.len)
		builder_image(d->builder, asset, BYTES_NONE, alt.len ? alt : BYTES("Image"),
			      BYTES_NONE);
}

/* ---- Blocks ---- */

static void para_walk(struct docx *d, const xmlNode *p)
{
	const xmlNode *properties = xml_child(p, "pPr");
	struct style style = style_of(d, properties);
	bool is_item = xml_child(properties, "numPr") != NULL && !style.level;
	const xmlNode *math = find_below(p, "oMath", 0);

	text_clear(&d->para);
	if (is_item)
		text_add_str(&d->para, "\xE2\x80\xA2 ");
	runs_walk(d, p);
	if (math && d->para.len < 400)
		builder_equation(d->builder, BYTES_NONE, text_bytes(&d->para), BYTES_NONE);
	else if (style.is_title)
		builder_title(d->builder, text_bytes(&d->para));
	else if (style.level && d->para.len)
		builder_heading(d->builder,
				style.level > DOCUMENT_SECTION_DEPTH ? DOCUMENT_SECTION_DEPTH
								     : style.level,
				text_bytes(&d->para), BYTES_NONE);
	else if (d->para.len > (is_item ? 4 : 0))
		builder_text(d->builder, BLOCK_TEXT, text_bytes(&d->para));
	text_clear(&d->para);
}

static void table_walk(struct docx *d, const xmlNode *table)
{
	struct text cell = TEXT_INIT(PARA_MAX_BYTES);

	builder_table_begin(d->builder);
	for (const xmlNode *r = xml_child(table, "tr"); r; r = xml_next(r, "tr")) {
		for (const xmlNode *c = xml_child(r, "tc"); c; c = xml_next(c, "tc")) {
			text_clear(&d->para);
			for (const xmlNode *p = xml_child(c, "p"); p; p = xml_next(p, "p")) {
				text_add_str(&d->para, d->para.len ? " " : "");
				runs_walk(d, p);
			}
			text_clear(&cell);
			text_add(&cell, text_bytes(&d->para));
			builder_cell(d->builder, text_bytes(&cell));
		}
		builder_row_end(d->builder);
	}
	builder_table_end(d->builder, BYTES_NONE, BYTES_NONE);
	text_clear(&d->para);
	text_fini(&cell);
}

static void body_walk(struct docx *d, const xmlNode *body, unsigned depth)
{
	for (const xmlNode *n = body->children; n && depth < 50 && !d->builder->err; n = n->next) {
		if (xml_is(n, "p"))
			para_walk(d, n);
		else if (xml_is(n, "tbl"))
			table_walk(d, n);
		else if (xml_is(n, "sdt") || xml_is(n, "sdtContent") || xml_is(n, "ins") ||
			 xml_is(n, "footnote"))
			body_walk(d, n, depth + 1);
	}
}

static void footnotes_read(struct docx *d)
{
	struct parse_why ignored;
	xmlDoc *tree;

	if (archive_xml(d->archive, "word/footnotes.xml", &tree, &ignored))
		return;
	builder_heading(d->builder, 1, BYTES("Footnotes"), BYTES_NONE);
	d->part = "word/footnotes.xml";
	body_walk(d, xmlDocGetRootElement(tree), 0);
	xmlFreeDoc(tree);
}

static void title_read(struct docx *d)
{
	struct text title = TEXT_INIT(PARA_MAX_BYTES);
	struct parse_why ignored;
	xmlDoc *tree;

	if (!archive_xml(d->archive, "docProps/core.xml", &tree, &ignored)) {
		xml_text(xml_child(xmlDocGetRootElement(tree), "title"), &title);
		xmlFreeDoc(tree);
	}
	if (title.len)
		builder_title(d->builder, text_bytes(&title));
	text_fini(&title);
}

static err_t read_into(struct docx *d, struct parse_why *why)
{
	xmlDoc *tree;
	const xmlNode *body;
	err_t err = archive_xml(d->archive, "word/document.xml", &tree, why);

	if (err == ERR_NOT_FOUND)
		return parse_refuse(why, "malformed", "There is no document in it.");
	TRY(err);
	styles_read(d);
	body = xml_child(xmlDocGetRootElement(tree), "body");
	if (body)
		body_walk(d, body, 0);
	xmlFreeDoc(tree);
	footnotes_read(d);
	title_read(d);
	return ERR_OK;
}

err_t docx_read(const struct parse_input *input, struct arena *arena, struct document *ret_document,
		struct parse_why *ret_why)
{
	struct docx *d = arena_new(arena, struct docx);
	err_t err;

	if (!d)
		return ERR_NOMEM;
	d->builder = arena_new(arena, struct builder);
	if (!d->builder)
		return ERR_NOMEM;
	TRY(archive_open(input->data, &d->archive, ret_why));
	d->part = "word/document.xml";
	text_init(&d->para, PARA_MAX_BYTES);
	builder_init(d->builder, arena, input->file);
	err = read_into(d, ret_why);
	if (!err)
		err = builder_finish(d->builder, ret_document);
	text_fini(&d->para);
	builder_fini(d->builder);
	archive_close(d->archive);
	return err;
}
