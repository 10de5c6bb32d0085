#include "rag/doc/markup.h"

enum { PARA_MAX_BYTES = 8 * 1024 * 1024 };

static void flush(struct markup *m)
{
	if (m->para.len)
		builder_text(m->builder, BLOCK_TEXT, text_bytes(&m->para));
	if (text_err(&m->para) && !m->builder->err)
		m->builder->err = ERR_TOO_LARGE;
	text_clear(&m->para);
}

static bool is_one_of(const xmlNode *node, const char *const *names)
{
	for (; *names; names++)
		if (strcmp((const char *)node->name, *names) == 0)
			return true;
	return false;
}

static const char *const hidden[] = { "script", "style",  "nav",    "noscript", "template",
				      "svg",	"iframe", "object", "select",	"button",
				      "form",	"head",	  NULL };
static const char *const parting[] = { "p",	     "paragraph", "div",   "section", "article",
				       "blockquote", "li",	  "item",  "dd",      "dt",
				       "ul",	     "ol",	  "list",  "dl",      "header",
				       "footer",     "main",	  "aside", "figure",  "hr",
				       "address",    "body",	  "html",  "center",  "fieldset",
				       "details",    "summary",	  NULL };

/* ---- Tables ---- */

static void words_of(const xmlNode *node, struct text *out)
{
	text_clear(out);
	xml_text(node, out);
}

static void row_walk(struct markup *m, const xmlNode *row)
{
	struct text words = TEXT_INIT(PARA_MAX_BYTES);

	for (const xmlNode *n = row->children; n; n = n->next) {
		uint64_t span = 1;

		if (!xml_is(n, "td") && !xml_is(n, "th"))
			continue;
		words_of(n, &words);
		builder_cell(m->builder, text_bytes(&words));
		(void)bytes_to_u64(xml_attribute(n, "colspan"), 50, &span);
		while (span-- > 1)
			builder_cell(m->builder, BYTES_NONE);
	}
	builder_row_end(m->builder);
	text_fini(&words);
}

static void rows_walk(struct markup *m, const xmlNode *node, struct text *foot, unsigned depth)
{
	for (const xmlNode *n = node->children; n && depth < 4; n = n->next) {
		if (xml_is(n, "tr")) {
			row_walk(m, n);
		} else if (xml_is(n, "tfoot")) {
			text_add_char(foot, ' ');
			xml_text(n, foot);
		} else if (n->type == XML_ELEMENT_NODE && !xml_is(n, "caption")) {
			rows_walk(m, n, foot, depth + 1);
		}
	}
}

static void table_walk(struct markup *m, const xmlNode *table)
{
	struct text caption = TEXT_INIT(PARA_MAX_BYTES), foot = TEXT_INIT(PARA_MAX_BYTES);

	flush(m);
	xml_text(xml_child(table, "caption"), &caption);
	builder_table_begin(m->builder);
	rows_walk(m, table, &foot, 0);
	builder_table_end(m->builder, text_bytes(&caption), text_bytes(&foot));
	text_fini(&caption);
	text_fini(&foot);
}

/* ---- The rest ---- */

static void heading_walk(struct markup *m, const xmlNode *node)
{
	struct text words = TEXT_INIT(PARA_MAX_BYTES);

	flush(m);
	xml_text(node, &words);
	if (words.len && (unsigned)(node->name[1] - '0') == 1)
		builder_title(m->builder, text_bytes(&words));
	if (words.len)
		builder_heading(m->builder, (unsigned)(node->name[1] - '0'), text_bytes(&words),
				BYTES_NONE);
	text_fini(&words);
}

static void image_walk(struct markup *m, const xmlNode *node)
{
	struct bytes alt = xml_attribute(node, "alt"), source = xml_attribute(node, "src");
	struct document_asset *asset = m->image ? m->image(m->owner, source) : NULL;

	if (alt.len == 0 && !asset)
		return;
	flush(m);
	builder_image(m->builder, asset, BYTES_NONE, alt.len ? alt : BYTES("Image"), BYTES_NONE);
}

static void code_walk(struct markup *m, const xmlNode *node)
{
	struct text words = TEXT_INIT(PARA_MAX_BYTES);

	flush(m);
	xml_text(node, &words);
	builder_text(m->builder, BLOCK_CODE, text_bytes(&words));
	text_fini(&words);
}

static void walk_below(struct markup *m, const xmlNode *node)
{
	if (m->depth++ < XML_DEPTH_MAX && !m->builder->err)
		markup_walk(m, node);
	m->depth--;
}

static void item_walk(struct markup *m, const xmlNode *node)
{
	flush(m);
	text_add_str(&m->para, "\xE2\x80\xA2 ");
	walk_below(m, node);
	if (m->para.len <= 4) /* nothing but the mark */
		text_clear(&m->para);
	flush(m);
}

static bool is_heading(const struct markup *m, const xmlNode *node)
{
	return m->headings && node->name[0] == 'h' && node->name[1] >= '1' &&
	       node->name[1] <= '6' && !node->name[2];
}

static void element_walk(struct markup *m, const xmlNode *node)
{
	if (is_one_of(node, hidden))
		return;
	if (is_heading(m, node)) {
		heading_walk(m, node);
	} else if (xml_is(node, "table")) {
		table_walk(m, node);
	} else if (xml_is(node, "img")) {
		image_walk(m, node);
	} else if (xml_is(node, "pre")) {
		code_walk(m, node);
	} else if (xml_is(node, "li") || xml_is(node, "item")) {
		item_walk(m, node);
	} else if (xml_is(node, "br")) {
		text_add_char(&m->para, '\n');
	} else if (is_one_of(node, parting)) {
		/* A paragraph in an item goes on after the item's mark. */
		if (m->para.len > 4)
			flush(m);
		walk_below(m, node);
		flush(m);
	} else {
		walk_below(m, node);
	}
}

void markup_walk(struct markup *m, const xmlNode *node)
{
	if (m->para.max == 0)
		text_init(&m->para, PARA_MAX_BYTES);
	for (const xmlNode *n = node->children; n; n = n->next) {
		if ((n->type == XML_TEXT_NODE || n->type == XML_CDATA_SECTION_NODE) && n->content)
			text_add_str(&m->para, (const char *)n->content);
		else if (n->type == XML_ELEMENT_NODE)
			element_walk(m, n);
	}
}

void markup_end(struct markup *m)
{
	flush(m);
	text_fini(&m->para);
}
