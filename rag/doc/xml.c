#include "rag/doc/xml.h"

#include <libxml/HTMLparser.h>
#include <libxml/parser.h>

#include "base/encode.h"

/* A document type with declarations of its own: where bombs of entities are built. */
static bool declares(struct bytes data)
{
	struct bytes head = bytes_upto(data, 64 * 1024);
	size_t at = bytes_find(head, BYTES("<!DOCTYPE"));
	struct bytes type;

	if (bytes_find(head, BYTES("<!ENTITY")) != SIZE_MAX)
		return true;
	if (at == SIZE_MAX)
		return false;
	type = bytes_from(head, at);
	return bytes_index(bytes_upto(type, bytes_index(type, '>')), '[') != SIZE_MAX;
}

xmlDoc *xml_open(struct bytes data)
{
	if (data.len == 0 || data.len > XML_MAX_BYTES || declares(data))
		return NULL;
	return xmlReadMemory(data.at, (int)data.len, NULL, NULL,
			     XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
				     XML_PARSE_NOCDATA | XML_PARSE_COMPACT);
}

xmlDoc *xml_open_broken(struct bytes data)
{
	if (data.len == 0 || data.len > XML_MAX_BYTES || declares(data))
		return NULL;
	return xmlReadMemory(data.at, (int)data.len, NULL, NULL,
			     XML_PARSE_RECOVER | XML_PARSE_NONET | XML_PARSE_NOERROR |
				     XML_PARSE_NOWARNING | XML_PARSE_COMPACT);
}

xmlDoc *xml_open_html(struct bytes data)
{
	/* What is UTF-8 is that, whatever it says of itself. */
	const char *encoding = utf8_valid(data) ? "UTF-8" : NULL;

	if (data.len == 0 || data.len > XML_MAX_BYTES)
		return NULL;
	return htmlReadMemory(data.at, (int)data.len, NULL, encoding,
			      HTML_PARSE_NONET | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING |
				      HTML_PARSE_RECOVER | HTML_PARSE_COMPACT);
}

bool xml_is(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0;
}

xmlNode *xml_next(const xmlNode *node, const char *name)
{
	for (xmlNode *n = node->next; n; n = n->next)
		if (xml_is(n, name))
			return n;
	return NULL;
}

xmlNode *xml_child(const xmlNode *node, const char *name)
{
	if (!node || node->type == XML_ENTITY_REF_NODE)
		return NULL;
	for (xmlNode *n = node->children; n; n = n->next)
		if (xml_is(n, name))
			return n;
	return NULL;
}

xmlNode *xml_find(const xmlNode *node, const char *const *path)
{
	xmlNode *at = NULL;

	for (; *path && node; path++)
		node = at = xml_child(node, *path);
	return at;
}

struct bytes xml_attribute(const xmlNode *node, const char *name)
{
	if (!node || node->type != XML_ELEMENT_NODE)
		return BYTES("");
	for (const xmlAttr *a = node->properties; a; a = a->next)
		if (strcmp((const char *)a->name, name) == 0 && a->children && a->children->content)
			return bytes_of((const char *)a->children->content);
	return BYTES("");
}

static void text_below(const xmlNode *node, struct text *out, unsigned depth)
{
	if (depth > XML_DEPTH_MAX || node->type == XML_ENTITY_REF_NODE)
		return;
	if ((node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE) && node->content)
		text_add_str(out, (const char *)node->content);
	if (xml_is(node, "br") || xml_is(node, "tab"))
		text_add_char(out, ' ');
	for (const xmlNode *n = node->type == XML_ELEMENT_NODE ? node->children : NULL; n;
	     n = n->next)
		text_below(n, out, depth + 1);
}

void xml_text(const xmlNode *node, struct text *out)
{
	if (node)
		text_below(node, out, 0);
}
