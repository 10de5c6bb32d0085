#include "api/xml_body.h"

#include <libxml/parser.h>
#include <libxml/tree.h>

#include "base/encode.h"

enum { ITEMS_MAX = 10000 }; /* of one list: the parts of a multipart upload */

static err_t malformed(struct api_fault *fault)
{
	fault_set(fault, "MalformedXML",
		  "The XML you provided was not well-formed or did not validate against our "
		  "published schema");
	return ERR_SYNTAX;
}

static err_t read_value(const struct api_shape *shape, xmlNode *node, unsigned depth,
			json_t **ret_value, struct api_fault *fault);

static bool is_named(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0;
}

static const char *wire_name(const struct api_member *m)
{
	return m->wire ? m->wire : m->name;
}

/* The text directly inside; without the document type there is no other node that means any. */
static err_t read_leaf(xmlNode *node, json_t **ret_value, struct api_fault *fault)
{
	xmlChar *content = xmlNodeGetContent(node);

	if (!content)
		return ERR_NOMEM;
	*ret_value = json_string((const char *)content);
	xmlFree(content);
	return *ret_value ? ERR_OK : malformed(fault);
}

/* `siblings`: the items are among them by `name`; a flattened list's parent has other members. */
static err_t read_items(const struct api_shape *shape, xmlNode *first, const char *name,
			unsigned depth, json_t **ret_value, struct api_fault *fault)
{
	json_t *list = json_array(), *item;
	err_t err = list ? ERR_OK : ERR_NOMEM;

	for (xmlNode *node = first; node && !err; node = node->next) {
		if (!is_named(node, name))
			continue;
		if (json_array_size(list) == ITEMS_MAX)
			err = malformed(fault);
		if (!err)
			err = read_value(shape->item, node, depth + 1, &item, fault);
		if (!err && json_array_append_new(list, item))
			err = ERR_NOMEM;
	}
	if (err)
		json_decref(list);
	else
		*ret_value = list;
	return err;
}

static err_t read_member(const struct api_member *m, xmlNode *node, unsigned depth,
			 json_t **ret_value, struct api_fault *fault)
{
	if (m->shape->kind == API_LIST && m->shape->flattened)
		return read_items(m->shape, node, wire_name(m), depth, ret_value, fault);
	return read_value(m->shape, node, depth + 1, ret_value, fault);
}

static err_t read_structure(const struct api_shape *shape, xmlNode *parent, unsigned depth,
			    json_t **ret_value, struct api_fault *fault)
{
	json_t *object = json_object(), *value;
	err_t err = object ? ERR_OK : ERR_NOMEM;

	for (const struct api_member *m = shape->members; m && m->name && !err; m++) {
		xmlNode *node = parent->children;

		while (node && !is_named(node, wire_name(m)))
			node = node->next;
		if (!node || m->location)
			continue;
		err = read_member(m, node, depth, &value, fault);
		if (!err && json_object_set_new(object, m->name, value))
			err = ERR_NOMEM;
	}
	if (err)
		json_decref(object);
	else
		*ret_value = object;
	return err;
}

static err_t read_value(const struct api_shape *shape, xmlNode *node, unsigned depth,
			json_t **ret_value, struct api_fault *fault)
{
	if (depth > WIRE_DEPTH_MAX)
		return malformed(fault);
	if (shape->kind == API_STRUCTURE)
		return read_structure(shape, node, depth, ret_value, fault);
	if (shape->kind == API_LIST)
		return read_items(shape, node->children,
				  shape->item_name ? shape->item_name : "member", depth, ret_value,
				  fault);
	if (shape->kind == API_MAP)
		return malformed(fault); /* no request of S3 has one */
	return read_leaf(node, ret_value, fault);
}

static void hush(void *owner, const char *format, ...)
{
	(void)owner;
	(void)format;
}

err_t xml_decode(const struct api_shape *shape, struct bytes body, json_t **ret_value,
		 struct api_fault *fault)
{
	xmlDoc *document;
	xmlNode *root;
	err_t err;

	if (!bytes_trim(body).len) {
		*ret_value = json_object();
		return *ret_value ? ERR_OK : ERR_NOMEM;
	}
	if (body.len > WIRE_BODY_BYTES_MAX)
		return malformed(fault);
	xmlSetGenericErrorFunc(NULL, hush);
	document = xmlReadMemory(body.at, (int)body.len, NULL, NULL,
				 XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
					 XML_PARSE_NOCDATA | XML_PARSE_COMPACT);
	if (!document)
		return malformed(fault);
	root = xmlDocGetRootElement(document);
	err = !root || document->intSubset || document->extSubset
		      ? malformed(fault)
		      : read_value(shape, root, 0, ret_value, fault);
	xmlFreeDoc(document);
	return err;
}
