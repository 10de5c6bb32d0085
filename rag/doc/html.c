/*
 * HTML pages, and XML of no kind we know: its words.
 */
#include "rag/doc/markup.h"
#include "rag/doc/parse.h"

static void take_title(struct builder *b, const xmlNode *root)
{
	static const char *const path[] = { "head", "title", NULL };
	struct text title = TEXT_INIT(64 * 1024);

	xml_text(xml_find(root, path), &title);
	if (title.len)
		builder_title(b, text_bytes(&title));
	text_fini(&title);
}

static err_t read_tree(const struct parse_input *input, struct arena *arena, xmlDoc *tree,
		       bool headings, struct document *ret_document)
{
	const xmlNode *root = xmlDocGetRootElement(tree);
	struct builder *b = arena_new(arena, struct builder);
	struct markup m = { .builder = b, .headings = headings };
	err_t err;

	if (!b)
		return ERR_NOMEM;
	builder_init(b, arena, input->file);
	if (root) {
		take_title(b, root);
		markup_walk(&m, root);
	}
	markup_end(&m);
	err = builder_finish(b, ret_document);
	builder_fini(b);
	return err;
}

err_t html_read(const struct parse_input *input, struct arena *arena, struct document *ret_document,
		struct parse_why *ret_why)
{
	xmlDoc *tree = xml_open_html(input->data);
	err_t err;

	if (!tree)
		return parse_refuse(ret_why, "malformed", "There is no HTML in it.");
	err = read_tree(input, arena, tree, true, ret_document);
	xmlFreeDoc(tree);
	return err;
}

err_t xml_read(const struct parse_input *input, struct arena *arena, struct document *ret_document,
	       struct parse_why *ret_why)
{
	xmlDoc *tree = xml_open(input->data);
	err_t err;

	if (!tree)
		return parse_refuse(ret_why, "malformed",
				    "This is no well-formed XML, or it declares entities.");
	err = read_tree(input, arena, tree, false, ret_document);
	xmlFreeDoc(tree);
	return err;
}
