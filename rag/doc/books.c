/*
 * OpenDocument text (ISO/IEC 26300) and EPUB (its chapters in the order of the spine).
 */
#include <stdlib.h>

#include "base/encode.h"
#include "rag/doc/archive.h"
#include "rag/doc/markup.h"

enum { PARA_MAX_BYTES = 8 * 1024 * 1024, CHAPTERS_MAX = 5000 };

/* ---- OpenDocument ---- */

struct odt {
	struct archive *archive;
	struct builder *builder;
	struct text para;
};

static void spans_walk(struct odt *o, const xmlNode *node, unsigned depth)
{
	for (const xmlNode *n = depth < XML_DEPTH_MAX ? node->children : NULL; n; n = n->next) {
		if ((n->type == XML_TEXT_NODE || n->type == XML_CDATA_SECTION_NODE) && n->content)
			text_add_str(&o->para, (const char *)n->content);
		else if (xml_is(n, "s") || xml_is(n, "tab") || xml_is(n, "line-break"))
			text_add_char(&o->para, ' ');
		else if (xml_is(n, "note") || xml_is(n, "annotation"))
			continue;
		else if (n->type == XML_ELEMENT_NODE)
			spans_walk(o, n, depth + 1);
	}
}

static void odt_table(struct odt *o, const xmlNode *table)
{
	builder_table_begin(o->builder);
	for (const xmlNode *r = table->children; r; r = r->next) {
		const xmlNode *row = xml_is(r, "table-header-rows") ? xml_child(r, "table-row") : r;

		if (!row || !xml_is(row, "table-row"))
			continue;
		for (const xmlNode *c = xml_child(row, "table-cell"); c;
		     c = xml_next(c, "table-cell")) {
			text_clear(&o->para);
			for (const xmlNode *p = xml_child(c, "p"); p; p = xml_next(p, "p")) {
				text_add_str(&o->para, o->para.len ? " " : "");
				spans_walk(o, p, 0);
			}
			builder_cell(o->builder, text_bytes(&o->para));
		}
		builder_row_end(o->builder);
	}
	builder_table_end(o->builder, BYTES_NONE, BYTES_NONE);
}

static void odt_images(struct odt *o, const xmlNode *node, unsigned depth)
{
	for (const xmlNode *n = depth < 20 ? node->children : NULL; n; n = n->next) {
		if (xml_is(n, "frame")) {
			struct bytes href = xml_attribute(xml_child(n, "image"), "href");
			struct text alt = TEXT_INIT(PARA_MAX_BYTES);
			struct document_asset *asset;

			xml_text(xml_child(n, xml_child(n, "desc") ? "desc" : "title"), &alt);
			asset = archive_image(o->archive, o->builder,
					      archive_resolve(o->builder->arena, "", href));
			if (asset || alt.len)
				builder_image(o->builder, asset, BYTES_NONE,
					      alt.len ? text_bytes(&alt) : BYTES("Image"),
					      BYTES_NONE);
			text_fini(&alt);
		} else if (n->type == XML_ELEMENT_NODE) {
			odt_images(o, n, depth + 1);
		}
	}
}

static void odt_walk(struct odt *o, const xmlNode *node, bool in_list, unsigned depth)
{
	for (const xmlNode *n = depth < 60 ? node->children : NULL; n && !o->builder->err;
	     n = n->next) {
		bool heading = xml_is(n, "h");

		if (heading || xml_is(n, "p")) {
			uint64_t level = 1;

			text_clear(&o->para);
			if (in_list && !heading)
				text_add_str(&o->para, "\xE2\x80\xA2 ");
			spans_walk(o, n, 0);
			(void)bytes_to_u64(xml_attribute(n, "outline-level"),
					   DOCUMENT_SECTION_DEPTH, &level);
			if (heading && o->para.len)
				builder_heading(o->builder, level ? (unsigned)level : 1,
						text_bytes(&o->para), BYTES_NONE);
			else if (o->para.len > (in_list ? 4 : 0))
				builder_text(o->builder, BLOCK_TEXT, text_bytes(&o->para));
			odt_images(o, n, 0);
		} else if (xml_is(n, "table")) {
			odt_table(o, n);
		} else if (xml_is(n, "list") || xml_is(n, "list-item")) {
			odt_walk(o, n, true, depth + 1);
		} else if (xml_is(n, "section") || xml_is(n, "index-body")) {
			odt_walk(o, n, in_list, depth + 1);
		}
	}
}

static void odt_title(struct odt *o)
{
	static const char *const path[] = { "meta", "title", NULL };
	struct parse_why ignored;
	xmlDoc *tree;

	if (archive_xml(o->archive, "meta.xml", &tree, &ignored))
		return;
	text_clear(&o->para);
	xml_text(xml_find(xmlDocGetRootElement(tree), path), &o->para);
	if (o->para.len)
		builder_title(o->builder, text_bytes(&o->para));
	xmlFreeDoc(tree);
}

static err_t odt_into(struct odt *o, struct parse_why *why)
{
	static const char *const path[] = { "body", "text", NULL };
	const xmlNode *text;
	xmlDoc *tree;
	err_t err = archive_xml(o->archive, "content.xml", &tree, why);

	if (err == ERR_NOT_FOUND)
		return parse_refuse(why, "malformed", "There is no content in it.");
	TRY(err);
	odt_title(o);
	text = xml_find(xmlDocGetRootElement(tree), path);
	if (text)
		odt_walk(o, text, false, 0);
	xmlFreeDoc(tree);
	return ERR_OK;
}

err_t odt_read(const struct parse_input *input, struct arena *arena, struct document *ret_document,
	       struct parse_why *ret_why)
{
	struct odt o = { .builder = arena_new(arena, struct builder),
			 .para = TEXT_INIT(PARA_MAX_BYTES) };
	err_t err;

	if (!o.builder)
		return ERR_NOMEM;
	TRY(archive_open(input->data, &o.archive, ret_why));
	builder_init(o.builder, arena, input->file);
	err = odt_into(&o, ret_why);
	if (!err)
		err = builder_finish(o.builder, ret_document);
	text_fini(&o.para);
	builder_fini(o.builder);
	archive_close(o.archive);
	return err;
}

/* ---- EPUB ---- */

struct epub {
	struct archive *archive;
	struct builder *builder;
	struct parse_why *why;
	const char *part; /* the chapter */
};

static struct document_asset *chapter_image(void *owner, struct bytes source)
{
	struct epub *e = owner;

	if (bytes_find(source, BYTES(":")) != SIZE_MAX) /* elsewhere: nothing is fetched */
		return NULL;
	return archive_image(e->archive, e->builder,
			     archive_resolve(e->builder->arena, e->part, source));
}

static err_t chapter_read(struct epub *e)
{
	struct markup m = {
		.builder = e->builder, .headings = true, .image = chapter_image, .owner = e
	};
	struct bytes data;
	xmlDoc *tree;
	err_t err = archive_read(e->archive, e->part, &data, e->why);

	if (err == ERR_NOT_FOUND)
		return document_warn(e->builder->arena, &e->builder->document,
				     "a chapter is missing: %.100s", e->part);
	TRY(err);
	tree = xml_open_html(data);
	free((char *)data.at);
	if (!tree)
		return ERR_OK;
	if (xmlDocGetRootElement(tree))
		markup_walk(&m, xmlDocGetRootElement(tree));
	markup_end(&m);
	xmlFreeDoc(tree);
	return e->builder->err;
}

/* The file of the manifest's item with that id, seen from the package's. */
static char *chapter_name(struct epub *e, const xmlNode *manifest, const char *package,
			  struct bytes id)
{
	struct text name = TEXT_INIT(4096);
	char *resolved = NULL;

	for (const xmlNode *i = xml_child(manifest, "item"); i && !resolved;
	     i = xml_next(i, "item")) {
		if (!bytes_eq(xml_attribute(i, "id"), id))
			continue;
		text_clear(&name);
		if (decode_percent(&name, xml_attribute(i, "href"), false) == ERR_OK)
			resolved = archive_resolve(e->builder->arena, package, text_bytes(&name));
	}
	text_fini(&name);
	return resolved;
}

static err_t package_read(struct epub *e, const char *package)
{
	static const char *const title[] = { "metadata", "title", NULL };
	struct text words = TEXT_INIT(PARA_MAX_BYTES);
	const xmlNode *root, *spine;
	unsigned chapters = 0;
	xmlDoc *tree;
	err_t err = archive_xml(e->archive, package, &tree, e->why);

	if (err == ERR_NOT_FOUND)
		return parse_refuse(e->why, "malformed", "The book's package is missing.");
	TRY(err);
	root = xmlDocGetRootElement(tree);
	xml_text(xml_find(root, title), &words);
	if (words.len)
		builder_title(e->builder, text_bytes(&words));
	text_fini(&words);
	spine = xml_child(root, "spine");
	for (const xmlNode *i = xml_child(spine, "itemref"); i && !err && chapters < CHAPTERS_MAX;
	     i = xml_next(i, "itemref"), chapters++) {
		e->part = chapter_name(e, xml_child(root, "manifest"), package,
				       xml_attribute(i, "idref"));
		if (e->part)
			err = chapter_read(e);
	}
	xmlFreeDoc(tree);
	return err;
}

static err_t epub_into(struct epub *e, struct arena *arena)
{
	static const char *const path[] = { "rootfiles", "rootfile", NULL };
	char *package = NULL;
	xmlDoc *tree;
	err_t err = archive_xml(e->archive, "META-INF/container.xml", &tree, e->why);

	if (err == ERR_NOT_FOUND)
		return parse_refuse(e->why, "malformed", "There is no book in it.");
	TRY(err);
	package = archive_resolve(
		arena, "", xml_attribute(xml_find(xmlDocGetRootElement(tree), path), "full-path"));
	xmlFreeDoc(tree);
	return package ? package_read(e, package)
		       : parse_refuse(e->why, "malformed", "The book's package is not named.");
}

err_t epub_read(const struct parse_input *input, struct arena *arena, struct document *ret_document,
		struct parse_why *ret_why)
{
	struct epub e = { .builder = arena_new(arena, struct builder), .why = ret_why };
	err_t err;

	if (!e.builder)
		return ERR_NOMEM;
	TRY(archive_open(input->data, &e.archive, ret_why));
	builder_init(e.builder, arena, input->file);
	err = epub_into(&e, arena);
	if (!err)
		err = builder_finish(e.builder, ret_document);
	builder_fini(e.builder);
	archive_close(e.archive);
	return err;
}
